"""Runs of the backward pass with edited statements, on the given inputs and on fresh ones."""

from __future__ import annotations

import ast
import itertools
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from autograd_lite.check.marking.chain_rule import Interpretation
from autograd_lite.check.marking.conventions import without_epsilons
from autograd_lite.check.marking.definitions import Definition
from autograd_lite.check.marking.edits import Edit
from autograd_lite.check.marking.evidence import Evidence, Graph, values_of
from autograd_lite.check.marking.execution import ANY_TIME, Execution, Filling
from autograd_lite.check.marking.forward import Setting
from autograd_lite.check.marking.steps import known_tensors

EPSILON_TOLERANCE = 1e-4
"""The relative tolerance on fresh inputs if the loss has a small number, as in `log(p + 1e-7)`."""

FRESH_INPUTS = 2
"""An edit must hold on this many sets of other inputs as well."""


COPIES_UP_TO_BYTES = 1 << 20
"""Arrays up to this size are compared with others, to change those that are equal alike."""


class Reruns:
    """Runs of a backward pass with edits.

    `trees` holds the edited definitions that every run uses, `back` the run with these alone, and
    `values` the values of its steps. `progress` is called with the number of each run. The search
    ends at the `deadline`, in processor time of this thread.
    """

    def __init__(
        self,
        evidence: Evidence,
        back: Execution,
        trees: dict[Definition, ast.FunctionDef],
        seconds: float,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self.evidence = evidence
        self.back = back
        self.trees = trees
        self.deadline: float = time.thread_time() + seconds
        self.progress = progress
        self.count: int = 0
        self.values: dict[str, np.ndarray] = {s.key: s.value for s in evidence.steps}
        events = [e for s in evidence.steps for e in (s.event, s.source) if e is not None]
        self.keys: set[Any] = {key for event in events for key in (event.key, event.ordinal)}
        totals = (s.source.key for s in evidence.steps if s.is_total and s.source is not None)
        self.keys |= {(place, path, ANY_TIME) for place, path, _ in totals}
        self._settings: list[Evidence] | None = None
        self._fresh: list[tuple[Evidence, frozenset[str]]] | None = None

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return time.thread_time() > self.deadline

    @property
    def state(self) -> tuple[Execution, dict[str, np.ndarray], dict[Definition, ast.FunctionDef]]:
        """The state to which `go_back` can return."""
        return self.back, self.values, dict(self.trees)

    def go_back(
        self, state: tuple[Execution, dict[str, np.ndarray], dict[Definition, ast.FunctionDef]]
    ) -> None:
        """Undoes the edits that were kept after a state."""
        self.back, self.values, self.trees = state
        self._fresh = None

    def edited(self, edit: Edit) -> dict[Definition, ast.FunctionDef]:
        """The trees of every run, with one more edit."""
        return self.trees | {edit.definition: edit.tree(self.trees.get(edit.definition))}

    def keep(self, edit: Edit) -> Interpretation | None:
        """Makes an edit part of every run; returns the new reading, or None if the run fails."""
        self.trees = self.edited(edit)
        back = self.evidence.setting.run_backward(
            edits=self.trees, scopes=True, forward=self.evidence.forward_values
        )
        values = values_of(self.evidence, back)
        if back.error is not None or values is None:
            return None
        self.back, self.values, self._fresh = back, values, None
        return self.evidence.read(values)

    def tried(self, edit: Edit, evidence: Evidence) -> dict[str, np.ndarray] | None:
        """The values of the steps with an edit; None if the run fails or a value is not finite."""
        # A closure with a hole in it would lack the variables that fill the hole.
        is_filled = edit.changes_value_only and not edit.definition.free
        if is_filled and edit.definition not in self.trees:
            if edit.filling is None:
                edit.filling = Filling(edit.place, edit.statements[0])
            return self.run(evidence, self.trees, edit.filling)
        return self.run(evidence, self.edited(edit))

    def run(
        self,
        evidence: Evidence,
        trees: Mapping[Definition, ast.FunctionDef],
        filling: Filling | None = None,
    ) -> dict[str, np.ndarray] | None:
        self.count += 1
        if self.progress is not None:
            self.progress(self.count)
        try:
            back = evidence.setting.run_backward(
                edits=trees, keys=self.keys, forward=evidence.forward_values, filling=filling
            )
        except SyntaxError:
            return None
        if back.error is not None and self.back.error is None:
            return None
        values = values_of(evidence, back)
        if values is None or not all(np.all(np.isfinite(v)) for v in values.values()):
            return None
        return values

    def interpreted(self, trees: Mapping[Definition, ast.FunctionDef]) -> Interpretation | None:
        values = self.run(self.evidence, trees)
        return None if values is None else self.evidence.read(values)

    def fresh(self) -> list[tuple[Evidence, frozenset[str]]]:
        """Evidence on other inputs, each with the steps that are wrong there."""
        if self._fresh is None:
            self._fresh = []
            if self._settings is None:
                self._settings = list(_fresh_evidence(self.evidence))
            right = self._right_now()
            for evidence in self._settings:
                values = self.run(evidence, self.trees)
                if values is None:
                    continue
                wrong = wrong_in(evidence.read(values))
                if not wrong & right:
                    self._fresh.append((evidence, wrong))
                if len(self._fresh) == FRESH_INPUTS:
                    break
        return self._fresh

    def _right_now(self) -> frozenset[str]:
        now = self.interpreted(self.trees)
        keys = frozenset(s.key for s in self.evidence.steps)
        return keys if now is None else keys - wrong_in(now)


def wrong_in(interpretation: Interpretation) -> frozenset[str]:
    """The keys of the steps that are wrong in themselves."""
    return frozenset(k for k, status in interpretation.status.items() if status == "wrong")


def _fresh_evidence(evidence: Evidence) -> Iterator[Evidence]:
    """The evidence on other inputs: with all arrays changed, with only the parameters, and with a
    small change of all, which leaves the branches of loops as they are.
    """
    paths = {place[1] for place in evidence.places.values() if place[0] == "input"}
    wanted = {id(i.original) for i in evidence.recording.inputs if i.path in paths}
    changes = ((None, 1.0), (wanted, 1.0), (None, 0.02))
    tolerance = evidence.tolerance
    definitions = [d for d in evidence.setting.sources.definitions.values() if d is not None]
    if without_epsilons(definitions, in_logarithms=True):
        # A small number that the derivative leaves out counts for more on some inputs.
        tolerance = replace(tolerance, relative=max(tolerance.relative, EPSILON_TOLERANCE))
    arrays = evidence.setting.forward.execution.world.arrays()
    labels = [a for a in arrays if a.dtype.kind in "iu" and a.ndim == 1]
    for (only, size), seed in itertools.product(changes, (1, 2)):
        change = _Change(np.random.default_rng(seed), only, size, labels)
        # The rate of an update was measured on the given inputs.
        numbers = _Numbers(seed, {s.rate for s in evidence.steps})
        moved = numbers.moved if only is None and size == 1 else None
        try:
            setting = Setting(evidence.setting.subject, change, seed, moved)
            setting.all_arrays = evidence.setting.all_arrays
            recording = setting.record(evidence.setting.wanted, edits=evidence.forward_edits)
            graph = Graph(recording)
            if len(graph.nodes) != len(evidence.graph.nodes):
                continue
            other = Evidence(
                *(setting, recording, graph, evidence.steps, evidence.places),
                *(tolerance, evidence.counts, evidence.direction),
            )
        except Exception:
            continue
        other.forward_values = known_tensors(recording).values
        yield other


class _Numbers:
    """Other numbers for a person's fractions, such as 0.1; whole numbers and halves stay.

    Equal ones stay equal, since a setting may be known by several names.
    """

    def __init__(self, seed: int, fixed: Collection[float]) -> None:
        self.rng = np.random.default_rng(seed)
        self.fixed = fixed
        self._known: dict[float, float] = {}

    def moved(self, number: float) -> float:
        if number in self.fixed or number in self._known.values():
            return number
        if not np.isfinite(number) or float(2 * number).is_integer():
            return number
        if number not in self._known:
            power = 0 < number < 1
            step = self.rng.uniform(0.05, 0.3)
            other = number ** (1 + step) if power else number * (1 + step)
            self._known[number] = type(number)(other)
        return self._known[number]


class _Change:
    """Changes floating-point arrays at random, each within its own range, and permutes labels.

    What is a distribution along an axis stays one, what is symmetric stays symmetric, copies of one
    array stay equal, and what is one-hot for other labels stays so, because a derivation may rest
    on it. The change has its full `size` at 1.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        only: set[int] | None,
        size: float = 1.0,
        labels: Sequence[np.ndarray] = (),
    ) -> None:
        self.rng = rng
        self.only = only
        self.size = size
        self.labels = labels
        self._known: dict[tuple[Any, ...], np.ndarray] = {}

    def __call__(self, array: np.ndarray) -> np.ndarray:
        if array.dtype.kind != "f" or (self.only is not None and id(array) not in self.only):
            return array.copy()
        is_constant = array.size < 2 or bool(np.all(array == array.flat[0]))
        if is_constant or array.nbytes > COPIES_UP_TO_BYTES:
            return self._changed(array)
        content = array.shape, array.dtype, array.tobytes()
        if content not in self._known:
            self._known[content] = self._changed(array)
        return self._known[content].copy()

    def _changed(self, array: np.ndarray) -> np.ndarray:
        values = np.unique(array[:64].ravel()[:64]) if array.ndim else array
        if array.size and set(np.ravel(values).tolist()) <= {0.0, 1.0, -1.0}:
            # Labels are permuted, so that they stay one-hot; a small change leaves them.
            if self.size < 1 or any(_is_one_hot(array, labels) for labels in self.labels):
                return array.copy()
            axis = 0 if array.ndim == 1 or array.shape[0] >= array.shape[-1] else array.ndim - 1
            return (
                np.asarray(self.rng.permutation(array, axis=axis)) if array.ndim else array.copy()
            )
        moved = self._moved(array)
        for axis in range(array.ndim):
            if _is_distribution(array, axis):
                moved = moved / np.sum(moved, axis=axis, keepdims=True)
        if array.ndim == 2 and len(array) > 1 and np.array_equal(array, array.T):
            moved = (moved + moved.T) / 2
        return np.asarray(moved, array.dtype)

    def _moved(self, array: np.ndarray) -> np.ndarray:
        if array.ndim and array.size and np.min(array) >= 0 and np.max(array) <= 1:
            return np.asarray(array ** (1 + self.size * self.rng.uniform(-0.3, 0.4, array.shape)))
        moved = array * (1 + self.size * self.rng.uniform(-0.3, 0.3, array.shape))
        if np.min(array, initial=0) < 0:
            spread = float(np.std(array)) or float(np.max(np.abs(array), initial=0)) or 1.0
            moved = moved + 0.3 * self.size * spread * self.rng.normal(size=array.shape)
        return np.asarray(moved)


def _is_one_hot(array: np.ndarray, labels: np.ndarray) -> bool:
    """Whether a matrix has a 1 at the label of each row, or of each column."""
    turned = array.T if array.ndim == 2 and len(array) != len(labels) else array
    return array.ndim == 2 and np.array_equal(np.argmax(turned, axis=1), labels)


def _is_distribution(array: np.ndarray, axis: int) -> bool:
    """Whether an array has several numbers along an axis, none below 0, that sum to 1."""
    is_one = array.shape[axis] > 1 and array.size > 0 and np.min(array) >= 0
    return bool(is_one and np.allclose(np.sum(array, axis=axis), 1, rtol=0, atol=1e-6))
