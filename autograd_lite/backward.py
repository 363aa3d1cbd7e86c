"""The backward pass: gradients flow from outputs to inputs, each node once, the latest first."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Any

import numpy as np

from autograd_lite.anomaly import check_gradient
from autograd_lite.arrays.contracts import Array, Gradient
from autograd_lite.arrays.foreign import is_foreign
from autograd_lite.forks import fork_safe
from autograd_lite.gradients import IndexedGradient, ungated
from autograd_lite.graph import Extra, Leaf, Node, ancestors, item_nodes
from autograd_lite.modes import entered, watching
from autograd_lite.rules.reductions import wide

Wrap = Callable[[Any, Any], Any]
_ndarray = np.ndarray
_SCALARS = frozenset((np.float64, np.float32))


def propagate(
    output: Node,
    gradient: Gradient,
    *,
    freed_by: str | None = None,
    targets: Iterable[Node | Leaf] | None = None,
    wrap: Wrap | None = None,
) -> dict[Node | Leaf, Gradient]:
    """The gradients that `gradient` at `output` gives at the leaves, or at `targets`.

    With `freed_by`, each node is freed as soon as it is done, and remembers that text. With
    `wrap(value, node)`, which makes a tensor of a value and a node, the gradients are tensors
    themselves and the pass is recorded.

    Division by zero and invalid operations are silent here: that a gradient is infinite or not
    defined shows in its value.
    """
    wanted = None if targets is None else frozenset(targets)
    useful = None if wanted is None else _leading_to(wanted, output)
    grads: dict[Node | Leaf, Gradient] = {output: gradient}
    found: dict[Node | Leaf, Gradient] = {}
    summed: set[Node | Leaf] = set()
    queue = [(-output.serial, output)]
    watch = watching.get() if entered.get() else None
    checking = watch is not None and watch.values
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        while queue:
            node = heappop(queue)[1]
            g = grads.pop(node)
            if wanted is None:
                if node.extra is not None:
                    g = _visit(node.extra, g)
            elif node in wanted:
                found[node] = g
            # In this order, because another thread may be freeing the node in the other one.
            kept, parents = node.kept, node.parents
            if parents is None:
                raise RuntimeError(freed_message(node))
            if wrap is not None:
                kept = _wrap_kept(node, wrap)
            for i, pull in node.plan.pulls:
                parent = parents[i]
                if useful is not None and parent not in useful:
                    continue
                term = pull(g, kept)
                # The gradient that arrived has the shape and dtype of its node, and asking that
                # is quicker.
                like: Any = node if term is g else term
                try:
                    fits = like.shape == parent.shape and like.dtype is parent.dtype
                except AttributeError:  # a Python number
                    fits = False
                if not fits:
                    if term.__class__ is IndexedGradient:
                        if _added_in_place(term, parent, grads, summed):
                            continue
                        term = term.dense()
                    else:
                        term = fit(term, parent.shape, parent.dtype, node)
                if checking:
                    line = node.extra.line if node.extra is not None else None
                    check_gradient(node.plan.operation.name, line, g, term, kept)
                total = grads.get(parent)
                if total is None:
                    grads[parent] = term
                    if parent.__class__ is Node:
                        heappush(queue, (-parent.serial, parent))
                elif total.__class__ is not _ndarray or term.__class__ is not _ndarray:
                    grads[parent] = total + term
                elif parent in summed:
                    # This sum was allocated here and is known to nobody else.
                    np.add(total, term, out=total)
                else:
                    grads[parent] = total + term
                    summed.add(parent)
            if freed_by is not None:
                node.parents = None
                node.kept = freed_by
    # What is left has no node behind it: the leaves.
    return grads if wanted is None else found | {s: g for s, g in grads.items() if s in wanted}


def _added_in_place(
    term: IndexedGradient, parent: Any, grads: dict[Any, Any], summed: set[Any]
) -> bool:
    """Adds `term` to the sum of a parent in place, if that sum is an array of this pass; says
    whether.
    """
    total = grads.get(parent)
    if total is None:
        summed.add(parent)
        return False
    if parent not in summed or total.__class__ is not np.ndarray:
        return False
    term.add_to(total)
    return True


def fit(term: Gradient, shape: tuple[int, ...], dtype: Any, node: Node) -> Array:
    """`term` summed, or expanded, over the axes that broadcasting added, and cast to `dtype`."""
    if not hasattr(term, "shape"):
        term = _as_array(term, node)
    if term.shape != shape:
        if term.shape:
            term = _summed(term, shape, node)
        if term.shape != shape:
            term = _expand(term, shape, node)
    if term.dtype != dtype:
        if term.dtype.kind == "c" and dtype.kind != "c":
            term = term.real
        term = term.astype(dtype)
    return term


def _summed(term: Gradient, shape: tuple[int, ...], node: Node) -> Array:
    """`term` summed over the axes that an operand of `shape` lacks, or has a length of 1 in."""
    # np.sum does the same, later; it is what Tensors and other libraries' arrays know.
    total = np.add.reduce if term.__class__ is _ndarray else np.sum
    term = wide(term)
    extra = term.ndim - len(shape)
    if extra > 0:
        term = total(term, axis=tuple(range(extra)))
    elif extra < 0:
        term = _expand(term, (1,) * -extra + term.shape, node)
    stretched = _stretched(term.shape, shape)
    return total(term, axis=stretched, keepdims=True) if stretched else term


@functools.lru_cache
def _stretched(have: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The axes that have a length of 1 in `shape`, and another one in `have`."""
    return tuple(i for i, want in enumerate(shape) if want == 1 != have[i])


def _as_array(term: Gradient, node: Node) -> np.ndarray:
    if not isinstance(term, (bool, int, float, complex)):
        raise RuntimeError(
            f"the rule of {node.plan.operation.name} gave {term!r}, which is no gradient; where "
            "there is none it returns zeros"
        )
    return np.asarray(term)


def _expand(term: Gradient, shape: tuple[int, ...], node: Node) -> Array:
    if term.__class__ in _SCALARS:
        # As broadcast_to, which takes four times as long.
        view: Array = np.asarray(term)
        return _ndarray(shape, view.dtype, view, strides=(0,) * len(shape))
    try:
        return np.broadcast_to(term, shape)
    except ValueError:
        raise RuntimeError(
            f"the rule of {node.plan.operation.name} gave a gradient of shape {term.shape} for an "
            f"operand of shape {shape}; a rule's result must broadcast to its operand or from it"
        ) from None


def owned(gradient: Gradient) -> Array:
    """`gradient` itself if nothing else refers to its memory, otherwise a copy."""
    if gradient.__class__ is not np.ndarray:
        if isinstance(gradient, (np.generic, np.ndarray)):
            return np.array(gradient)
        return ungated(gradient)
    alone = gradient.base is None and gradient.flags.writeable
    return gradient if alone and _references(gradient) <= _ALONE else gradient.copy()


_accumulating = fork_safe(threading.Lock())


def accumulate(leaf: Leaf, g: Gradient) -> None:
    """Add `g`, which the caller gives up, to the gradient of a leaf; any thread may do so."""
    if leaf.extra.hooks:
        g = call_hooks(leaf.extra, g)
    with _accumulating:
        before = leaf.extra.grad
        leaf.extra.grad = owned(g if before is None else before + g)


def _references(value: Any) -> int:
    return sys.getrefcount(value)


def _references_when_alone() -> int:
    """The number that `_references` counts for an array handed on as `accumulate` does it."""

    def as_accumulate_does(g: Gradient) -> int:
        return as_owned_does(g)

    def as_owned_does(gradient: Gradient) -> int:
        return _references(gradient)

    return as_accumulate_does(object())


_ALONE = _references_when_alone()


def _leading_to(wanted: frozenset[Node | Leaf], output: Node) -> set[Node | Leaf]:
    useful: set[Node | Leaf] = set(wanted)
    for node in reversed(ancestors([output])):
        if node.parents is None:
            raise RuntimeError(freed_message(node))
        if any(_is_graph(p) and p in useful for p in node.parents):
            useful.add(node)
    return useful


def _is_graph(parent: Any) -> bool:
    return isinstance(parent, (Node, Leaf))


def _wrap_kept(node: Node, wrap: Wrap) -> tuple[Any, ...]:
    """The values that `node` keeps, with those that depend on the graph as tensors connected to
    it."""
    kept = []
    # After what the rules need come the holds, which they do not see.
    for value, origin in zip(node.kept, node.plan.origins, strict=False):
        if origin == -1:
            value = _wrap_result(value, node, wrap)
        elif origin is not None and node.parents is not None:
            value = _wrap_operand(value, node.parents[origin], wrap)
        kept.append(value)
    return tuple(kept)


def _wrap_result(value: Any, node: Node, wrap: Wrap) -> Any:
    if isinstance(value, tuple):
        items = item_nodes(node, value)
        return tuple(wrap(v, item) for v, item in zip(value, items, strict=True))
    return wrap(value, node)


def _wrap_operand(value: Any, parent: Any, wrap: Wrap) -> Any:
    if isinstance(parent, Node):
        if isinstance(value, tuple):
            pairs = zip(value, parent.parents or (), strict=True)
            return tuple(_wrap_operand(v, p, wrap) for v, p in pairs)
        return wrap(value, parent)
    if isinstance(parent, Leaf) and parent.requires_grad:
        return wrap(parent.array, parent)
    return value


def call_hooks(extra: Extra, g: Gradient) -> Any:
    """The gradient after the hooks on it."""
    for hook in extra.hooks:
        view = np.asarray(g).view() if isinstance(g, (np.ndarray, np.generic)) else g
        if view is not g:
            view.flags.writeable = False
        changed = hook(view)
        if changed is not None:
            if not is_foreign(changed):
                changed = np.asarray(changed, dtype=g.dtype)
            if changed.shape != g.shape:
                raise ValueError(
                    f"the hook {getattr(hook, '__name__', hook)!r} returned a gradient of shape "
                    f"{changed.shape} in the place of one of shape {g.shape}"
                )
            g = changed
    return g


def _visit(extra: Extra, g: Gradient) -> Any:
    g = call_hooks(extra, g)
    if extra.retain:
        with _accumulating:
            extra.grad = owned(g) if extra.grad is None else extra.grad + g
    return g


def freed_message(node: Node) -> str:
    what = f"{node.name!r}" if node.name else f"the result of {node.plan.operation.name}"
    return (
        f"the graph behind {what} (shape {node.shape}) was freed by an earlier backward() at "
        f"{node.kept}. Call that one with retain_graph=True to go through the graph again, or "
        "compute what both share anew for each"
    )
