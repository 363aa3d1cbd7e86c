"""Formulas with a name of their own, found in a graph where they are written out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Operand
from autograd_lite.graph import Leaf, Node
from autograd_lite.pictures.structure import Structure, is_scalar, operands, plain_array
from autograd_lite.pictures.text import settings
from autograd_lite.tensor import Tensor

Bound = Mapping[Any, Any]
"""The operations and operands of a graph to which those of a pattern are bound."""


def _shifted(z: Operand) -> Operand:
    return np.exp(z - np.max(z))


def _entropy(y: Operand, a: Operand) -> Operand:
    return y * np.log(a) + (1 - y) * np.log(1 - a)


def _negative_entropy(y: Operand, a: Operand) -> Operand:
    return -y * np.log(a) - (1 - y) * np.log(1 - a)


def _entropy_of_products(y: Operand, a: Operand) -> Operand:
    return np.dot(y, np.log(a).T) + np.dot(1 - y, np.log(1 - a).T)


def _averages(
    name: str, total: Callable[..., Operand]
) -> Iterator[tuple[str, Callable[..., Operand]]]:
    """Ways to write the negative mean over `n` samples of the terms that `total` sums."""
    yield name, lambda y, a, n: -total(y, a) / n
    yield name, lambda y, a, n: -(total(y, a) / n)
    yield name, lambda y, a, n: n * total(y, a)
    yield name, lambda y, a, n: -(n * total(y, a))
    yield name, lambda y, a, n: n * -total(y, a)
    yield name, lambda y, a, n: -total(y, a)


# A pattern that writes an expression twice matches it whether it was computed once or twice.
FORMS: tuple[tuple[str, Callable[..., Operand]], ...] = (
    ("sigmoid", lambda z: 1 / (1 + np.exp(-z))),
    ("sigmoid", lambda z: np.exp(z) / (1 + np.exp(z))),
    ("softmax", lambda z: _shifted(z) / np.sum(_shifted(z))),
    ("softmax", lambda z: np.exp(z) / np.sum(np.exp(z))),
    ("log-sum-exp", lambda z: np.max(z) + np.log(np.sum(_shifted(z)))),
    ("log-sum-exp", lambda z: np.log(np.sum(np.exp(z)))),
    ("log-loss", lambda y, a: -np.mean(_entropy(y, a))),
    ("log-loss", lambda y, a: np.mean(-_entropy(y, a))),
    ("log-loss", lambda y, a: np.mean(_negative_entropy(y, a))),
    ("log-loss", lambda y, a, n: np.sum(-_entropy(y, a)) / n),
    ("log-loss", lambda y, a, n: np.sum(_negative_entropy(y, a)) / n),
    *_averages("log-loss", lambda y, a: np.sum(_entropy(y, a))),
    *_averages("log-loss", _entropy_of_products),
    ("cross-entropy", lambda y, a: -np.mean(np.sum(y * np.log(a)))),
    ("cross-entropy", lambda y, a: np.mean(-np.sum(y * np.log(a)))),
    *_averages("cross-entropy", lambda y, a: np.sum(y * np.log(a))),
)
"""Names of formulas with ways to write them, tried in this order.

A parameter `n` stands for a number.
"""

COMMUTATIVE = (np.add, np.multiply)

SEARCH_LIMIT_NODES = 20_000
"""Larger graphs are not searched."""


def named_forms(graph: Structure, end: int | None = None) -> list[tuple[int, int, str]]:
    """Start, stop and name of each named formula in a graph; none is inside another.

    All operations from start to stop belong to the formula, and only the last is read outside it.
    Operations from number `end` on, those of a backward pass, are ignored: they may read any.
    """
    if len(graph.nodes) > SEARCH_LIMIT_NODES:
        return []
    end = len(graph.nodes) if end is None else end
    position = {node: i for i, node in enumerate(graph.nodes)}
    last_use = np.zeros(len(graph.nodes), dtype=np.int64)
    between = (graph.tails < end) & (graph.heads < end)
    np.maximum.at(last_use, graph.tails[between], graph.heads[between])
    found: list[tuple[int, int, str]] = []
    stop = end
    while stop:
        last = graph.nodes[stop - 1]
        for name, pattern in _patterns().get(last.plan.operation.name, ()):
            places = _places(pattern, last, position)
            if places and all(last_use[i] < stop for i in places[:-1]):
                found.append((places[0], stop, name))
                stop = places[0] + 1
                break
        stop -= 1
    return found[::-1]


def _places(pattern: Node, last: Node, position: Mapping[Node, int]) -> list[int]:
    """The positions of a formula's operations, ending with `last`; empty if there is none."""
    for bound in _ways(pattern, last, {}):
        steps = [(what, here) for what, here in bound.items() if what.__class__ is Node]
        nodes = {here for _, here in steps if here.__class__ is Node}
        arrays = [(what, here) for what, here in steps if here.__class__ is not Node]
        bound = {**_negated(arrays), **bound}
        if not all(_is_value_of(what, here, bound) for what, here in arrays):
            continue
        places = sorted(position[node] for node in nodes)
        axes = {settings(n) for n in nodes if n.plan.operation.name in ("sum", "max")}
        if len(axes) <= 1 and places == list(range(places[0], places[-1] + 1)):
            return places
    return []


@functools.cache
def _patterns() -> Mapping[str, list[tuple[str, Node]]]:
    """The graphs of `FORMS`, by the name of the last operation."""
    found: dict[str, list[tuple[str, Node]]] = {}
    for name, function in FORMS:
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        shapes = (() if name == "n" else (2, 2) for name in names)
        node = function(*(Tensor(np.full(shape, 0.5), True) for shape in shapes))._node
        found.setdefault(node.plan.operation.name, []).append((name, node))
    return found


def _ways(pattern: Operand, here: Operand, bound: Bound) -> Iterator[Bound]:
    """The ways to match `here` with `pattern`, each with all that is bound.

    An array matches any operation of the pattern; its value is not checked here.
    """
    if pattern.__class__ is Node:
        if pattern in bound:
            yield from [bound] if bound[pattern] is here else []
        elif here.__class__ is Node:
            if here.plan.operation is pattern.plan.operation:
                yield from _ways_of_operands(pattern, here, {**bound, pattern: here})
        else:
            yield {**bound, pattern: here}
    elif pattern.__class__ is Leaf:
        same = bound[pattern] is here if pattern in bound else True
        if same and is_scalar(here) == (pattern.shape == ()):
            yield {**bound, pattern: here}
    elif is_scalar(pattern) and is_scalar(here) and pattern == here:
        yield bound


def _ways_of_operands(pattern: Node, here: Node, bound: Bound) -> Iterator[Bound]:
    count = len(pattern.plan.operation.rules)
    wanted, given = (tuple(operands(node)[:count]) for node in (pattern, here))
    orders = [given]
    if pattern.plan.operation.function in COMMUTATIVE:
        orders.append(given[::-1])
    for order in orders:
        ways: Iterator[Bound] = iter([bound])
        for a, b in zip(wanted, order, strict=True):
            ways = _continued(ways, a, b)
        yield from ways


def _continued(ways: Iterator[Bound], pattern: Operand, here: Operand) -> Iterator[Bound]:
    for bound in ways:
        yield from _ways(pattern, here, bound)


def _negated(arrays: Sequence[tuple[Node, Operand]]) -> Bound:
    """Operands of the pattern, bound to the arrays whose negatives the graph holds."""
    negatives = [
        (w, a)
        for w, here in arrays
        if (a := plain_array(here)) is not None
        if w.plan.operation.function is np.negative
    ]
    return {operands(what)[0]: -array for what, array in negatives}


def _is_value_of(pattern: Node, here: Operand, bound: Bound) -> bool:
    """Whether an array is what `pattern` gives, computed before the recording began."""
    values = [plain_array(bound.get(p) if p.__class__ is Leaf else p) for p in operands(pattern)]
    array = plain_array(here)
    if array is None or any(value is None for value in values):
        return False
    try:
        return np.array_equal(pattern.plan.operation.function(*values), array)
    except ValueError:
        # The shapes do not broadcast.
        return False
