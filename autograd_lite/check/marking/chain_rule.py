"""Tells hand-derived gradients that are wrong in themselves from those that only pass on an error.

A gradient is compared twice: with the true one, and with the one that the chain rule gives from the
person's own gradients of the nearest later tensors. The second comparison is one backward pass in
which the person's gradients replace those that arrive.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array, ArrayLike, Gradient
from autograd_lite.backward import propagate
from autograd_lite.check.differences import max_abs
from autograd_lite.functions import traits
from autograd_lite.gradients import IndexedGradient
from autograd_lite.graph import Extra, Leaf, Node, ancestors
from autograd_lite.tensor import Tensor

Arrays = dict[str, np.ndarray]


class ForwardGraph:
    """The recorded forward pass and its named tensors."""

    def __init__(self, loss: Tensor, tensors: Mapping[str, Tensor]) -> None:
        self.root: Any = loss._node
        self.tensors = dict(tensors)
        self.seed = np.ones_like(loss._value)[()]

    def gradients(self, own: Mapping[str, np.ndarray]) -> Arrays:
        """The gradient that arrives at each named tensor when those in `own` are passed on."""
        found: dict[Any, np.ndarray] = {}
        nodes: dict[Node, list[str]] = {}
        for name, tensor in self.tensors.items():
            if isinstance(tensor._node, Node):
                nodes.setdefault(tensor._node, []).append(name)
        before = {node: node.extra for node in nodes}
        for node, names in nodes.items():
            node.extra = Extra()
            node.extra.hooks.append(_taking_note(found, node, names, own))
        try:
            found.update(propagate(self.root, self.seed))
        finally:
            for node, extra in before.items():
                node.extra = extra
        zeros = {n: t for n, t in self.tensors.items() if t._node not in found}
        arrived = {n: np.asarray(found[t._node]) for n, t in self.tensors.items() if n not in zeros}
        return arrived | {name: np.zeros_like(t._value) for name, t in zeros.items()}

    def has_kink(self, name: str) -> bool:
        """Whether an operation with a kink gives or takes a tensor."""
        return self.is_at_kink(self.tensors[name]._node)

    def is_at_kink(self, node: object) -> bool:
        """Whether an operation with a kink gives or takes the value of a node."""
        users = [n for n in ancestors([self.root]) if any(p is node for p in n.parents or ())]
        return any(_bends(n) for n in [node, *users] if isinstance(n, Node))

    def after(self, name: str, stops: Iterable[str]) -> list[str]:
        """The nearest of the tensors `stops` that depend on `name`."""
        at = {self.tensors[s]._node: s for s in stops if self.tensors[s]._node is not None}
        start = self.tensors[name]._node
        reached = {start}
        nearest = []
        for node in reversed(ancestors([self.root])):
            parents = [p for p in node.parents or () if isinstance(p, (Node, Leaf))]
            if node is not start and any(p in reached for p in parents):
                if node in at:
                    nearest.append(at[node])
                else:
                    reached.add(node)
        return nearest


def _bends(node: Node) -> bool:
    if traits(node.plan.operation.function).kinked:
        return True
    return any(getattr(parent, "dtype", None) == np.bool_ for parent in node.parents or ())


def _taking_note(
    found: dict[Any, np.ndarray], node: Node, names: list[str], own: Mapping[str, np.ndarray]
) -> Callable[[Gradient], Array | None]:
    def hook(g: Gradient) -> Array | None:
        found[node] = g
        # Where one tensor has several gradients, the last one is complete.
        return next((own[name] for name in reversed(names) if name in own), None)

    return hook


@dataclass
class Tolerance:
    """The relative difference that still counts as equal, and the least magnitude to divide by."""

    relative: float
    floor: float

    def error(self, given: np.ndarray, expected: np.ndarray) -> float:
        """The largest difference relative to the largest element; inf for unequal shapes."""
        if given.shape != expected.shape:
            return float("inf")
        if not given.size:
            return 0.0
        with np.errstate(invalid="ignore", over="ignore"):
            apart = max_abs(
                np.subtract(given, expected, dtype=np.result_type(given, expected, 1.0))
            )
            largest = max(max_abs(given), max_abs(expected), self.floor)
            error = apart / largest if largest else 0.0
        if np.isnan(error):
            return 0.0 if np.array_equal(given, expected, equal_nan=True) else float("inf")
        return error

    def same(self, given: ArrayLike, expected: np.ndarray) -> bool:
        given = np.asarray(given)
        if given.dtype.kind not in "fciub":
            return False
        return self.error(given, expected) <= self.relative

    def factor(self, given: np.ndarray, expected: np.ndarray) -> float | None:
        """The nonzero number that `given` is times `expected`; None if there is none."""
        number = nearest_factor(given, expected)
        same = number is not None and self.same(given, number * expected)
        return number if same else None


def nearest_factor(given: np.ndarray, expected: np.ndarray) -> float | None:
    """The nonzero number whose product with `expected` is nearest to `given`; None without one."""
    if given.shape != expected.shape or not np.any(expected):
        return None
    with np.errstate(all="ignore"):
        number = float(np.real(np.vdot(expected, given) / np.vdot(expected, expected)))
    return number if number and np.isfinite(number) else None


@dataclass
class Interpretation:
    """One way to read a derivation, with the status that it gives each gradient.

    `scales` holds the factor that the convention gives each gradient, `local` the gradient that
    the chain rule gives from the person's own later gradients, `expected` the local one times its
    scale.
    """

    factor: float
    everywhere: bool
    scales: dict[str, float]
    status: dict[str, str]
    local: Arrays
    expected: Arrays
    truth: Arrays
    at_zero: set[str]
    unfounded: set[str]

    def faults(self, lines: Mapping[str, int | None]) -> tuple[int, int]:
        """The number of wrong lines, and of lines that do not follow from the person's later
        gradients.

        The second number is the larger one where a line cancels an earlier error, which does not
        happen by chance.
        """
        wrong = {lines.get(n) or n for n, status in self.status.items() if status == "wrong"}
        return len(wrong), len({lines.get(n) or n for n in self.unfounded})


def read(
    graph: ForwardGraph,
    own: Arrays,
    lines: Mapping[str, int | None],
    sizes: Collection[int],
    truth: Arrays,
    tolerance: Tolerance,
    averaged: bool = False,
) -> Interpretation:
    """The interpretation with the fewest wrong lines; among equals, the simplest.

    `lines` holds the line in which each gradient was derived; one in a loop may give several.
    `truth` holds the gradients of the graph.

    The interpretations are: gradients of the loss; those of N times the loss, where N is a size of
    the data and is taken out again in the gradients of the inputs; those of N times the loss
    throughout; with `averaged`, those of the loss over N. In each, a derivative of ReLU at exactly
    0 may be 0, 1/2 or 1.
    """
    if all(tolerance.same(given, truth[name]) for name, given in own.items()):
        # From right gradients the chain rule gives the true ones.
        return _interpretation(graph, own, truth, truth, 1, False, tolerance)
    local = graph.gradients(going_on(graph, own, 1))
    best = _interpretation(graph, own, truth, local, 1, False, tolerance)
    off = {name: own[name] for name, status in best.status.items() if status != "correct"}
    factors = _factors(off, (truth, local), sizes, tolerance)
    for factor in [*factors, *(1 / f for f in factors if averaged)]:
        local = graph.gradients(going_on(graph, own, factor))
        for everywhere in (False, True) if factor > 1 else (True,):
            interpretation = _interpretation(
                graph, own, truth, local, factor, everywhere, tolerance
            )
            now, before = interpretation.faults(lines), best.faults(lines)
            if now[::-1] < before[::-1]:
                best = interpretation
    return best


def _factors(
    own: Arrays, references: tuple[Arrays, ...], sizes: Collection[int], tolerance: Tolerance
) -> list[float]:
    """The sizes of the data by which some gradient is off, the most frequent first."""
    counts: dict[float, int] = {}
    for name, given in own.items():
        for reference in references:
            number = abs(nearest_factor(given, reference[name]) or 0)
            near = [n for n in sizes if any(abs(number / s - 1) < 1e-6 for s in (n, 1 / n))]
            if near and tolerance.factor(given, reference[name]) is not None:
                counts.update({size: counts.get(size, 0) + 1 for size in near})
    return sorted(counts, key=lambda size: -counts[size])[:3]


def going_on(graph: ForwardGraph, own: Arrays, factor: float) -> Arrays:
    """The person's gradients of computed tensors, over `factor`, for the chain rule to pass on."""
    passed = {}
    for name, given in own.items():
        if isinstance(graph.tensors[name]._node, Node):
            fitted = fit(given, graph.tensors[name].shape)
            if fitted is not None:
                passed[name] = _scaled(fitted, 1 / factor)
    return passed


def fit(given: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """A gradient transposed or reshaped to a shape; None where the sizes differ."""
    if given.shape == shape:
        return given
    if given.shape == shape[::-1]:
        return given.T
    return given.reshape(shape) if given.size == np.prod(shape, dtype=int) else None


def _interpretation(
    graph: ForwardGraph,
    own: Arrays,
    truth: Arrays,
    local: Arrays,
    factor: float,
    everywhere: bool,
    tolerance: Tolerance,
) -> Interpretation:
    scales = {
        name: factor if everywhere or isinstance(graph.tensors[name]._node, Node) else 1.0
        for name in own
    }
    for name, given in own.items():
        like_results = scales[name] != factor and tolerance.same(given, local[name] * factor)
        if like_results and _has_samples(graph, name, int(factor)):
            # Unlike a parameter's gradient, dX is not summed over samples, so a result's scale
            # applies.
            scales[name] = factor
    expected = {name: _scaled(local[name], scales[name]) for name in own}
    at_zero = {
        name
        for name, given in own.items()
        if differs_at_zero_only(given, expected[name], graph.tensors[name]._value, tolerance)
        and graph.has_kink(name)
    }
    # The others pass on an error as well.
    right_but_at_zero = {
        name
        for name in at_zero
        if differs_at_zero_only(
            own[name] / scales[name], truth[name], graph.tensors[name]._value, tolerance
        )
    }
    if right_but_at_zero:
        taken = {name: own[name] / scales[name] for name in right_but_at_zero}
        truth = graph.gradients(taken) | taken
    true = {name: _scaled(truth[name], scales[name]) for name in own}
    misshapen = {name for name in own if fit(own[name], truth[name].shape) is None}
    founded = {n for n, given in own.items() if tolerance.same(given, expected[n])}
    status = {}
    for name, given in own.items():
        if tolerance.same(given, true[name]):
            conventional = scales[name] != 1 or name in at_zero
            status[name] = "convention" if conventional else "correct"
        elif name in founded or name in at_zero:
            status[name] = "inherited"
        elif misshapen - {name} and misshapen & set(graph.after(name, own)):
            status[name] = "inherited"
        else:
            status[name] = "wrong"
    unfounded = own.keys() - founded
    return Interpretation(
        factor, everywhere, scales, status, local, expected, true, at_zero, unfounded
    )


def _has_samples(graph: ForwardGraph, name: str, count: int) -> bool:
    """Whether an input holds `count` samples, each of which affects only its own results."""
    node: Any = graph.tensors[name]._node
    axes = [axis for axis, length in enumerate(graph.tensors[name].shape) if length == count]
    # A sample may affect nothing, behind a ReLU.
    for axis, sample in itertools.product(axes, range(min(count, SAMPLES_LIMIT))):
        for result in _results_along(graph, node, axis, count):
            seed = np.zeros(result.shape, result.dtype)
            seed[(slice(None),) * axis + (sample,)] = 1
            arrived = propagate(result, seed, targets={node}).get(node)
            if isinstance(arrived, IndexedGradient):
                arrived = arrived.dense()
            if arrived is not None and np.any(arrived):
                of_others = np.delete(np.moveaxis(np.asarray(arrived), axis, 0), sample, axis=0)
                return not np.any(of_others)
    return False


def _results_along(graph: ForwardGraph, node: Any, axis: int, count: int) -> Iterator[Node]:
    """The last value of the forward pass that has an axis of samples where an input has it."""
    for result in ancestors([graph.root]):
        has_shape = isinstance(result.shape, tuple) and len(result.shape) > axis
        if has_shape and result is not node and result.shape[axis] == count:
            if any(node is parent for n in ancestors([result]) for parent in n.parents or ()):
                yield result
                return


SAMPLES_LIMIT = 8
"""So many samples are tried alone."""


def _scaled(array: np.ndarray, factor: float) -> np.ndarray:
    """The product of an array and a number; for 1 the array itself, which may be large."""
    return array if factor == 1 else array * factor


def differs_at_zero_only(
    given: np.ndarray, expected: np.ndarray, value: np.ndarray, tolerance: Tolerance
) -> bool:
    """Whether two gradients differ only where the tensor is exactly 0, at the kink of ReLU."""
    at_zero = np.asarray(value == 0)
    if given.shape != expected.shape or not at_zero.any() or at_zero.all():
        return False
    if tolerance.same(given, expected):
        return False
    return tolerance.same(np.where(at_zero, 0, given), np.where(at_zero, 0, expected))
