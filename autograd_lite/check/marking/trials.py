"""Trials of edits: the gradients that an edited line gives, by itself or in a run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from autograd_lite.check.marking.assignments import targets_of
from autograd_lite.check.marking.chain_rule import Interpretation, nearest_factor
from autograd_lite.check.marking.edits import Edit, Line
from autograd_lite.check.marking.evidence import Evidence, GradientTable


class Quick:
    """Computes the value of an edited line by itself, without a run of the backward pass.

    It does so only where the line ran once, and the unedited line gives its recorded value in this
    way, that is, where nothing that it reads was changed after it ran.
    """

    def __init__(
        self, line: Line, targets: list[np.ndarray], scale: float, evidence: Evidence
    ) -> None:
        self.line = line
        self.targets = targets
        self.scale = scale
        self.evidence = evidence

    @classmethod
    def of(
        cls,
        line: Line,
        evidence: Evidence,
        values: Mapping[str, np.ndarray],
        now: Interpretation,
    ) -> Quick | None:
        statement = line.statement
        if line.key is None or line.given is None or not isinstance(statement, ast.Assign):
            return None
        # What a later round reads may come from what the line gave in an earlier one.
        if line.is_repeated:
            return None
        target = statement.targets[0]
        if len(statement.targets) > 1 or isinstance(target, (ast.Tuple, ast.List)):
            return None
        given = values[line.key]
        value = line.at(statement.value)
        if not isinstance(value, (np.ndarray, np.number, float)):
            return None
        if np.shape(value) != given.shape or not np.array_equal(value, given):
            return None
        # A step of an update is a multiple of the gradient.
        scale = nearest_factor(line.given, given) or 1.0
        targets = [now.expected[line.key], now.truth[line.key]]
        targets += evidence.gradients_at(evidence.places_by_name(line.key), now.factor)
        return cls(line, targets, scale, evidence)

    def promises(self, edit: Edit) -> bool:
        """Whether the edited line may give the right gradient; True where that is unknown."""
        if not can_tell(self.line, edit):
            return True
        value = self.value(edit)
        if value is None:
            return False
        return any(self.evidence.tolerance.same(value, target) for target in self.targets)

    def value(self, edit: Edit) -> np.ndarray | None:
        """The gradient that the edited statement gives; None where it gives none."""
        value = self.line.computed(edit.statements[0].value)  # type: ignore[attr-defined]
        array = None if value is None else np.asarray(value)
        if array is None or array.dtype.kind not in "fciu" or self.line.key is None:
            return None
        return self.evidence.with_axes(self.line.key, array * self.scale)


class FirstRound:
    """Tells the edits that make a line of a loop right in its first round, by the line alone.

    There all is right but for the line with the mistake, so its value should be one of the true
    `gradients`: that at some place of the graph, or it without what an operation adds. Of a line
    that is one of several which add up, the `total` should be.
    """

    def __init__(
        self,
        line: Line,
        evidence: Evidence,
        gradients: Mapping[Any, np.ndarray],
        total: np.ndarray | None = None,
    ) -> None:
        self.line = line
        counts = (1, *evidence.counts)
        self._scales = [evidence.direction * n for n in counts]
        self._table = GradientTable(gradients)
        own = self._own(line.statement)
        self._rest: np.ndarray | None = None
        if total is not None and own is not None and own.shape == total.shape:
            self._rest = total - own
        given = self._value_of(line.statement)
        self._given = np.zeros(()) if given is None else given
        alike = [
            g.ravel() for g in gradients.values() if g.shape == self._given.shape and np.any(g)
        ]
        targets = np.array(alike[:PLACES_LIMIT]).reshape(-1, self._given.size)
        self._missing = targets - self._given.ravel()

    def is_open(self, values: Iterable[np.ndarray]) -> bool:
        """Whether the line is not right as it stands, in the first round.

        What it gives may be the gradient of something else, and then other lines have it among
        their `values`.
        """
        is_elsewhere = any(np.array_equal(v, self._given) for v in values)
        return bool(np.any(self._given)) and (is_elsewhere or not self._is_gradient(self._given))

    def is_right(self, edit: Edit) -> bool:
        """Whether an edit makes it right there."""
        value = self._value(edit)
        return value is not None and self._is_gradient(value)

    def _is_gradient(self, value: np.ndarray) -> bool:
        with np.errstate(all="ignore"):
            return any(any(self._table.equal_to(value, scale)) for scale in self._scales)

    def _value(self, edit: Edit) -> np.ndarray | None:
        return self._value_of(edit.statements[0]) if can_tell(self.line, edit) else None

    def _value_of(self, statement: Any) -> np.ndarray | None:
        own = self._own(statement)
        if own is None or self._rest is None:
            return own
        return own + self._rest if own.shape == self._rest.shape else None

    def _own(self, statement: Any) -> np.ndarray | None:
        """What a statement contributes."""
        value = _floats(self.line.computed(statement.value))
        is_less = isinstance(getattr(statement, "op", None), ast.Sub)
        return -value if value is not None and is_less else value

    def multiples(self, edit: Edit) -> list[tuple[float, bool]]:
        """The multiples of an edit's effect that the line lacks to be one of the gradients."""
        value = self._value(edit)
        if value is None or value.shape != self._given.shape or not self._missing.size:
            return []
        with np.errstate(all="ignore"):
            effect = (value - self._given).ravel()
            numbers = self._missing @ effect / (effect @ effect)
            rest = np.max(np.abs(self._missing - numbers[:, None] * effect), axis=1)
            is_multiple = rest <= 1e-6 * np.max(np.abs(self._missing), axis=1)
        found = (float(f"{n:.10g}") for n in numbers[is_multiple] if n and np.isfinite(n))
        return [(number, value.size > 1) for number in dict.fromkeys(found)]


PLACES_LIMIT = 200
"""A value is compared with the gradients at up to this many places to find what it lacks."""


class Effects:
    """The effects of a line's edits on wrong gradients, compared with what the gradients lack."""

    def __init__(
        self,
        given: Mapping[str, np.ndarray],
        targets: Mapping[str, np.ndarray],
        tried: Callable[[Edit], Mapping[str, np.ndarray] | None],
    ) -> None:
        self.given = given
        self.tried = tried
        self.missing = {
            k: target - given[k] for k, target in targets.items() if target.shape == given[k].shape
        }

    def multiples(self, edit: Edit) -> list[tuple[float, bool]]:
        """The multiples of an edit's effect that some gradient lacks.

        Each number comes with whether it is sure; one from a gradient of one element is not.
        """
        if not self.missing:
            return []
        after = self.tried(edit)
        found: dict[float, bool] = {}
        for key, missing in self.missing.items():
            number = None if after is None else _multiple(missing, after[key], self.given[key])
            if number is not None:
                found.setdefault(number, missing.size > 1)
        return list(found.items())


def _multiple(missing: np.ndarray, after: np.ndarray, given: np.ndarray) -> float | None:
    if after.shape != given.shape or np.iscomplexobj(after) or np.iscomplexobj(missing):
        return None
    with np.errstate(all="ignore"):
        effect = after - given
        square = float(np.sum(effect * effect))
        number = float(np.sum(missing * effect)) / square if square else 0.0
        largest = float(np.max(np.abs(missing), initial=0))
        rest = float(np.max(np.abs(missing - number * effect), initial=0))
    if not number or not np.isfinite(number) or not rest <= 1e-6 * largest:
        return None
    return float(f"{number:.10g}")


def _floats(value: Any) -> np.ndarray | None:
    """A value as an array, if it is one of floating-point numbers."""
    array = np.asarray(value) if isinstance(value, (np.ndarray, np.floating, float)) else None
    return array if array is not None and array.dtype.kind == "f" else None


def can_tell(line: Line, edit: Edit) -> bool:
    """Whether the edited statement can be computed by itself."""
    if len(edit.statements) != 1 or type(edit.statements[0]) is not type(line.statement):
        return False
    statement = edit.statements[0]
    if not isinstance(statement, (ast.Assign, ast.AugAssign)):
        return False
    if line.may_change_something(statement.value):
        return False
    targets = ([ast.dump(t) for t in targets_of(s)] for s in (statement, line.statement))
    if next(targets) != next(targets):
        return False
    # The old value of the target is not known here.
    if all(map(str.isidentifier, line.targets)):
        nodes = ast.walk(statement.value)
        return all(n.id not in line.targets for n in nodes if isinstance(n, ast.Name))
    read = (ast.Name, ast.Attribute, ast.Subscript)
    found = (n for n in ast.walk(statement.value) if isinstance(n, read))
    return all(ast.unparse(n) not in line.targets for n in found)
