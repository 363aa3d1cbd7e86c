"""A graph as arrays: its numbered operations and sources, the edges between them, and the calls.

Everything here is a loop or an array operation, never a recursion, so that a chain of a million
operations works as well as a chain of ten.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array, Operand
from autograd_lite.graph import PACK, Call, Leaf, Node, ancestors


@dataclass
class Scope:
    """A call of a module or a function, which ran the operations from `start` to `stop`.

    `level` is 1 for an outermost call.
    """

    what: Any
    start: int
    stop: int
    level: int
    inner: list[Scope] = field(default_factory=list)

    @property
    def is_module(self) -> bool:
        return not isinstance(self.what, str)


@dataclass
class Structure:
    """The operations of a graph in the order of computation, and its sources.

    An edge e leads to the operation `heads[e]` from `tails[e]`, an operation, or a source if
    `tails[e]` is at least `len(nodes)`. `slots[e]` is its place among the operands. Edges are
    sorted by heads and slots.
    """

    nodes: list[Node]
    sources: list[Leaf | Array]
    scopes: list[Scope]
    heads: np.ndarray
    tails: np.ndarray
    slots: np.ndarray


def structure(roots: Iterable[Node]) -> Structure:
    """The graph behind `roots`; ValueError if a part of it was freed."""
    nodes = [node for node in ancestors(roots)[::-1] if node.plan.operation is not PACK]
    position = {node: i for i, node in enumerate(nodes)}
    sources: list[Leaf | Array] = []
    numbers: dict[int, int] = {}
    heads, tails, slots = [], [], []
    for head, node in enumerate(nodes):
        for slot, operand in enumerate(operands(node)):
            kind = operand.__class__
            if kind is Node:
                tail = position[operand]
            elif kind is Leaf or is_source(operand):
                # The graph keeps the operand alive, so its id stays unique.
                number = numbers.setdefault(id(operand), len(sources))
                if number == len(sources):
                    sources.append(operand)
                tail = len(nodes) + number
            else:
                continue
            heads.append(head)
            tails.append(tail)
            slots.append(slot)
    arrays = [np.array(edges, dtype=np.int64) for edges in (heads, tails, slots)]
    return Structure(nodes, sources, _scopes(nodes), *arrays)


def operands(node: Node) -> Sequence[Operand]:
    """The operands that an operation was called with, where lists are flattened."""
    parents = node.parents
    if parents is None:
        raise freed(node)
    if node.plan.operation.sequence is None:
        return parents
    return [o for p in parents for o in (operands(p) if _is_pack(p) else [p])]


def flows_to(node: Node, slot: int) -> bool:
    """Whether a gradient flows back to the operand `slot` of an operation."""
    at = places(node)[slot]
    parent = (node.parents or ())[at]
    if not any(i == at for i, _ in node.plan.pulls):
        return False
    inside = slot - places(node).index(at)
    return not _is_pack(parent) or any(k == inside for k, _ in parent.plan.pulls)


def _is_pack(parent: Operand) -> bool:
    return parent.__class__ is Node and parent.plan.operation is PACK


def places(node: Node) -> list[int]:
    """For each of `operands(node)`, the index of the parent that holds it."""
    found: list[int] = []
    for i, parent in enumerate(node.parents or ()):
        found += [i] * (len(operands(parent)) if _is_pack(parent) else 1)
    return found


def freed(node: Node) -> ValueError:
    """The error about a node that backward() has freed."""
    what = repr(node.name) if node.name else f"the result of {node.plan.operation.name}"
    return ValueError(
        f"the graph behind {what} was freed by backward() at {node.kept}; draw before that call, "
        "or make it with retain_graph=True"
    )


def is_source(operand: Operand) -> bool:
    """Whether an operand has a box of its own: a leaf or an array, not a number or a setting."""
    if isinstance(operand, Leaf):
        return True
    # A dtype has a shape, too.
    return hasattr(operand, "shape") and hasattr(operand, "dtype") and not is_scalar(operand)


def is_scalar(operand: Operand) -> bool:
    return isinstance(operand, (int, float, complex, np.generic))


def plain_array(source: Operand) -> Array:
    """The number or NumPy array of numbers in a source; None for anything else."""
    value = source.array if source.__class__ is Leaf else source
    if value.__class__ is np.ndarray:
        return value if value.dtype.kind in "fciub" else None
    return value if is_scalar(value) else None


def _scopes(nodes: list[Node]) -> list[Scope]:
    """The outermost calls, each with the calls inside it."""
    serials = np.array([node.serial for node in nodes])
    spans: list[tuple[int, int, int, Any]] = []
    functions: dict[Call, list[int]] = {}
    for i, node in enumerate(nodes):
        # The call that returned last is the outermost.
        for order, call in enumerate(node.calls):
            start = int(np.searchsorted(serials, call.first, side="right"))
            spans.append((start, -(i + 1), -order, call.what))
        for call in node.extra.calls if node.extra is not None else ():
            functions.setdefault(call, []).append(i)
    taken = {(start, stop) for start, stop, _, _ in spans} | {(0, -len(nodes))}
    for order, (call, inside) in enumerate(functions.items(), start=1):
        # The forward() of a module would be a second box around the same operations.
        if (inside[0], -(inside[-1] + 1)) not in taken:
            spans.append((inside[0], -(inside[-1] + 1), order, call.what))
    spans.sort(key=lambda span: span[:3])
    outermost: list[Scope] = []
    open_: list[Scope] = []
    for start, negative_stop, _, what in spans:
        stop = -negative_stop
        while open_ and open_[-1].stop <= start:
            open_.pop()
        if open_ and stop > open_[-1].stop:
            # Calls in two threads at the same time: neither is inside the other.
            continue
        scope = Scope(what, start, stop, len(open_) + 1)
        (open_[-1].inner if open_ else outermost).append(scope)
        open_.append(scope)
    return outermost
