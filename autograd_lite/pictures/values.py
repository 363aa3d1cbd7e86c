"""The values of a recorded graph, and its gradients step by step, without changing anything.

A node keeps only the values that its rules need, so all values are computed again from the leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from autograd_lite.arrays.contracts import Array, Gradient, Operand
from autograd_lite.arrays.liveness import released
from autograd_lite.backward import fit
from autograd_lite.gradients import IndexedGradient, TupleGradient
from autograd_lite.graph import PACK, Leaf, Node, Route, ancestors
from autograd_lite.pictures.structure import is_scalar


def values(roots: Iterable[Node], known: Mapping[Node, Array]) -> dict[Node, Array]:
    """The value of every operation behind `roots`; `known` values are taken as they are.

    Raises ValueError if they cannot be computed, usually because a leaf was written to.
    """
    return dict(computed(roots, known))


def computed(
    roots: Iterable[Node], known: Mapping[Node, Array], keep: bool = True
) -> Iterator[tuple[Node, Array]]:
    """Every operation behind `roots` with its value, in the order of computation.

    Without `keep`, a value is released once every operation that reads it has been computed.
    """
    nodes = ancestors(roots)[::-1]
    reads = [[p for p in node.parents or () if p.__class__ is Node] for node in nodes]
    done = iter([] if keep else released(reads))
    found: dict[Node, Array] = {}
    with np.errstate(all="ignore"):
        for node in nodes:
            value = _value(node, found)
            if node in known:
                _check(known[node], value)
                value = known[node]
            found[node] = value
            yield node, value
            for parent in next(done, ()):
                del found[parent]


def operand_value(operand: Operand, found: Mapping[Node, Array]) -> Array:
    """The value that an operand had for its operation."""
    if operand.__class__ is Node:
        return found[operand]
    if operand.__class__ is Leaf:
        # A number becomes a NumPy scalar, as in `record`.
        array = operand.array
        return array[()] if array.__class__ is np.ndarray and not array.ndim else array
    return operand


def _value(node: Node, found: Mapping[Node, Array]) -> Array:
    arguments = tuple(operand_value(parent, found) for parent in node.parents or ())
    operation = node.plan.operation
    if operation is PACK:
        return arguments
    if isinstance(node.plan, Route):
        return arguments[0][node.plan.item]
    try:
        value = operation.function(*arguments, **(node.options or {}))
    except Exception as error:
        raise ValueError(
            f"the picture computes {operation.name} again for its value, and it raised "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(value, tuple) and np.shape(value) != node.shape:
        raise ValueError(
            f"{operation.name} gave an array of shape {node.shape}, and one of shape "
            f"{np.shape(value)} when the picture computed it again; it must give the same result "
            "for the same operands"
        )
    return value


def _check(known: Array, value: Array) -> None:
    if not isinstance(known, (np.ndarray, np.generic)) or known.dtype.kind not in "fc":
        return
    # NumPy may round the last digit of a scalar differently from that of an array.
    if not np.allclose(known, value, rtol=1e-5, atol=0, equal_nan=True):
        raise ValueError(
            "the graph no longer computes the value it was recorded with, so the data of one of "
            "its leaves was changed since; draw before the update, or compute the loss anew"
        )


def is_finite(value: Array) -> bool:
    """Whether a value holds neither NaN nor Inf."""
    if isinstance(value, tuple):
        return all(map(is_finite, value))
    array = value if isinstance(value, (np.ndarray, np.generic)) else None
    return array is None or array.dtype.kind not in "fc" or bool(np.isfinite(array).all())


def faults(roots: Iterable[Node], known: Mapping[Node, Array]) -> dict[Node, str]:
    """The operations that made NaN or Inf from finite operands, each with which it made."""
    found: dict[Node, str] = {}
    bad: set[Node] = set()
    for node, value in computed(roots, known, keep=False):
        if is_finite(value):
            continue
        bad.add(node)
        parents = node.parents or ()
        from_outside = (operand_value(p, {}) for p in parents if p.__class__ is not Node)
        if not any(p in bad for p in parents if p.__class__ is Node) and all(
            is_finite(v) or is_scalar(v) for v in from_outside
        ):
            found[node] = "NaN" if np.isnan(np.asarray(value)).any() else "Inf"
    return found


@dataclass(frozen=True)
class Flow:
    """A gradient on its way from the operation `node` to the operand `slot`.

    `arriving` is the gradient of the node's result, `pulled` the gradient that the rule gives, and
    `term` the same summed over the axes that broadcasting added, to fit the operand. `total` is the
    operand's gradient so far with the term, and `before` without it, or None.
    """

    node: Node
    slot: int
    operand: Operand
    arriving: Gradient
    pulled: Gradient
    term: Gradient
    before: Gradient
    total: Gradient


def flows(root: Node, seed: Gradient) -> Iterator[Flow]:
    """The backward pass from the gradient `seed` of `root`, one product at a time.

    It does the same as `backward.propagate`, more slowly but visibly.
    """
    gradients: dict[Node | Leaf, Gradient] = {root: seed}
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for node in ancestors([root]):
            arriving = gradients.get(node)
            if arriving is None:
                continue
            for slot, pull in node.plan.pulls:
                operand = (node.parents or ())[slot]
                pulled = pull(arriving, node.kept)
                if isinstance(pulled, IndexedGradient):
                    pulled = pulled.dense()
                term = pulled
                if not isinstance(term, TupleGradient):
                    term = fit(term, operand.shape, operand.dtype, node)
                before = gradients.get(operand)
                total = term if before is None else before + term
                gradients[operand] = total
                yield Flow(node, slot, operand, arriving, pulled, term, before, total)


def gradients_of(root: Node, seed: Gradient) -> dict[Node | Leaf, Gradient]:
    """The gradient of every operation and leaf behind `root`."""
    found: dict[Node | Leaf, Gradient] = {root: seed}
    for flow in flows(root, seed):
        found[flow.operand] = flow.total
    return found
