"""Texts in the boxes of a picture, other than names and operations."""

from __future__ import annotations

import bisect
import contextlib
import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array, Gradient, Operand
from autograd_lite.arrays.trees import leaves_of
from autograd_lite.backward import propagate
from autograd_lite.check.report import Line, Report
from autograd_lite.derivation.constants import LITERAL_LIMIT_ELEMENTS
from autograd_lite.derivation.standins import stand_in
from autograd_lite.gradients import TupleGradient
from autograd_lite.graph import Leaf, Node, Route, ancestors, pack_node
from autograd_lite.pictures.constants import constant_names, is_mask
from autograd_lite.pictures.formulas import Formula, formula
from autograd_lite.pictures.structure import Structure, flows_to, is_scalar, operands, places
from autograd_lite.pictures.text import name_of, number, short
from autograd_lite.pictures.tracing import root_of
from autograd_lite.pictures.values import faults, gradients_of, is_finite, values
from autograd_lite.record import make
from autograd_lite.tensor import Tensor

CHECK_LIMIT_NODES = 20_000, 100_000
"""Limits up to which values are computed again to find those that are not finite: the first for a
finite result, the second for one that is not."""


RELU_SLOPE = re.compile(r"np\.where\((.+) > 0, 1, np\.where\(\1 == 0, 1 / 2, 0\)\)")


@dataclass
class GradientGraph:
    """The recorded gradients: their nodes, and the serial number after which the pass begins.

    `tensors` maps each gradient to its operation or leaf.
    """

    roots: list[Node]
    since: int
    tensors: dict[Node, Node | Leaf]


def _together(results: Sequence[Tensor]) -> Node:
    """A node whose operands are `results`, so that one backward pass starts from all of them."""
    return pack_node(tuple(map(root_of, results)), [True] * len(results), ())


def gradient_graph(results: Sequence[Tensor]) -> GradientGraph:
    """Record the backward pass of the sum of `results`.

    Each gradient is named after its tensor, `dW` of `W`.
    """
    root, ends_of_graph = _together(results), {root_of(result) for result in results}
    nodes = ancestors(ends_of_graph)
    seed = TupleGradient(
        Tensor(np.ones(result.shape, result.dtype), True, name=f"d{result.name or 'loss'}")
        for result in results
    )
    parents = (operand for node in nodes for operand in operands(node))
    leaves: list[Node | Leaf] = list(
        {p: None for p in parents if isinstance(p, Leaf) and p.requires_grad}
    )
    named: list[Node | Leaf] = [n for n in nodes if n.name is not None and n not in ends_of_graph]
    found = propagate(root, seed, targets=[*leaves, *named], wrap=make)
    ends, tensors = [], {}
    for target in (*named, *leaves):
        gradient = found.get(target)
        node = gradient._node if isinstance(gradient, Tensor) else None
        if isinstance(node, Node) and node.serial > root.serial:
            if node.name is None and target.name is not None:
                node.name = f"d{target.name}"
            tensors[node] = target
            if target in leaves:
                ends.append(node)
    return GradientGraph(ends, root.serial, tensors)


class Details:
    """Facts about a graph's operations and sources, as far as the picture shows them."""

    def __init__(
        self,
        results: Sequence[Tensor],
        graph: Structure,
        report: Report | None,
        extent: GradientGraph | None,
        *,
        values: bool,
        gradients: bool,
        local: bool,
        lines: bool,
    ) -> None:
        self.graph = graph
        self.results = results
        self.lines = lines
        self.local = local
        self.since: int | None = None if extent is None else extent.since
        self.tensors: dict[Node, Node | Leaf] = {} if extent is None else extent.tensors
        self.verdicts: Mapping[str | None, Line] = {
            line.tensor: line for line in (report.lines if report is not None else ())
        }
        # The results that are drawn, with their values.
        self.ends: dict[Node, Array] = {root_of(result): result._value for result in results}
        self.roots: list[Node] = [*self.ends, *(extent.roots if extent is not None else ())]
        self.values: dict[Node, Array] | None = self._values() if values else None
        self.gradients: dict[Node | Leaf, Gradient] | None = (
            self._gradients() if gradients else None
        )
        self.faults: dict[Node, str] = self._faults()

    @property
    def backward_start(self) -> int | None:
        """The number of the first operation of the backward pass, if that is drawn."""
        if self.since is None:
            return None
        serials = [node.serial for node in self.graph.nodes]
        return bisect.bisect_right(serials, self.since)

    @functools.cached_property
    def symbols(self) -> dict[int, str]:
        """Symbols of operations and sources in formulas, by id: the name, or a letter and a
        number."""
        return {**symbols(self.graph), **self.constants}

    @functools.cached_property
    def constants(self) -> dict[int, str]:
        """The expressions that made unnamed sources, by id."""
        found: Mapping[Node, Array] = self.values or {}
        if self.values is None and any(map(is_mask, self.graph.sources)):
            with contextlib.suppress(ValueError):
                found = self._values()
        return constant_names(self.graph, found)

    def _values(self) -> dict[Node, Array]:
        found: dict[Node, Array] = dict(values(self.roots, self.ends))
        return found

    def _gradients(self) -> dict[Node | Leaf, Gradient]:
        seed = TupleGradient(np.ones(result.shape, result.dtype) for result in self.results)
        return gradients_of(_together(self.results), seed)

    def _faults(self) -> dict[Node, str]:
        if len(self.graph.nodes) > CHECK_LIMIT_NODES[not is_finite(tuple(self.ends.values()))]:
            return {}
        try:
            return faults(self.roots, self.ends)
        except ValueError:
            # The values were not asked for, so a picture without these marks is better than none.
            return {}

    def name(self, box: Node | Leaf | Array) -> str | None:
        """The name of an operation or a source, or the expression that made a constant."""
        return name_of(box) or self.constants.get(id(box))

    def symbol(self, box: Node | Leaf | Array) -> str:
        """The symbol of an operation or a source in formulas."""
        return self.symbols[_key(box)]

    def local_derivative(self, node: Node, slot: int) -> str | None:
        """The derivative of an operation by an operand as text; None where no gradient flows."""
        found = derivative(node, slot, self.symbols)
        return None if found is None else short(readable(found.local or found.product))


def symbols(graph: Structure) -> dict[int, str]:
    """Symbols of operations and sources in formulas, by id: the name, or a letter and a number."""
    found: dict[int, str] = {}
    used = {name_of(box) for box in (*graph.nodes, *graph.sources)}
    for letter, boxes in (("v", graph.nodes), ("c", graph.sources)):
        count = 0
        for box in boxes:
            name = name_of(box)
            while name is None:
                count += 1
                name = None if f"{letter}{count}" in used else f"{letter}{count}"
            found[_key(box)] = name
    return found


def _key(box: object) -> int:
    return id(box)


def text_of(operand: Operand, names: Mapping[int, str]) -> str:
    """An operand in a formula: its symbol, or a number or setting itself."""
    if _key(operand) in names:
        return names[_key(operand)]
    return number(operand) if is_scalar(operand) else short(repr(operand))


def readable(formula: str) -> str:
    """A formula in which the derivative of `maximum(0, z)` is written as people write it."""
    return RELU_SLOPE.sub(r"\1 > 0, ½ at 0", formula)


def derivative(node: Node, slot: int, names: Mapping[int, str]) -> Formula | None:
    """The formula by which an operation's rule gives the gradient of operand `slot`.

    None where no gradient flows. `slot` counts the operands of a list one by one.
    """
    if slot < 0 or not flows_to(node, slot):
        return None
    arriving = f"d{names[_key(node)]}"
    if isinstance(node.plan, Route):
        return Formula(f"{arriving} at its place", None)
    at = places(node)[slot]
    parent = (node.parents or ())[at]
    if parent is not operands(node)[slot]:
        return Formula(f"part {slot - places(node).index(at) + 1} of {arriving}", None)
    operation = node.plan.operation
    rule = list(operation.rules.values())[at]
    if rule is None:
        return None
    arguments, texts = [_arriving(node, operands(node)[slot])], [arriving]
    for name, value in _needed(node, rule):
        arguments.append(value)
        texts.append(_argument_text(node, name, value, names))
    return formula(rule, arguments, texts, operation.name)


def _arriving(node: Node, operand: Operand) -> Gradient:
    """A stand-in for the gradient of an operation's result, or for those of its results."""
    if node.dtype is not None:
        return stand_in(node.shape, node.dtype)
    kept = dict(zip(node.plan.names, node.kept, strict=False))
    # A rule that does not need the results is element-wise, so they have the operand's shape.
    results = kept.get("out") or [operand] * getattr(node.plan.operation.function, "nout", 1)
    return TupleGradient(stand_in(np.shape(r), r.dtype) for r in results)


def _needed(node: Node, rule: Callable[..., Gradient]) -> list[tuple[str, Any]]:
    """The arguments of a rule after the gradient, by name."""
    given = dict(zip(node.plan.names, node.kept, strict=False))
    return [(name, given[name]) for name in list(inspect.signature(rule).parameters)[1:]]


def _argument_text(node: Node, name: str, value: Any, names: Mapping[int, str]) -> str:
    rules = list(node.plan.operation.rules)
    if name == "out":
        return names[_key(node)]
    if name in rules:
        operand = (node.parents or ())[rules.index(name)]
        return text_of(operand, names)
    if is_scalar(value):
        return number(value)
    long = any(np.size(v) > LITERAL_LIMIT_ELEMENTS for v in leaves_of(value))
    return name if long else str(value)
