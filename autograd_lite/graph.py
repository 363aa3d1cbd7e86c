"""The computation graph: nodes, and the arrays it starts from.

A Tensor is a value and a node. What a graph knows of an operation is a `Node`; what it knows of
a tensor that no operation made is a `Leaf`. Arrays and numbers that are no tensors stand in the
graph as themselves.
"""

from __future__ import annotations

import functools
import itertools
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import numpy as np

from autograd_lite.arrays.contracts import Array, Gradient, Kept
from autograd_lite.arrays.foreign import asarray_like
from autograd_lite.arrays.locks import Hold
from autograd_lite.gradients import TupleGradient
from autograd_lite.operations import Operation, Plan

next_serial: Callable[[], int] = itertools.count().__next__


class Node:
    """An operation that was recorded.

    `parents` has one entry per operand: a Node, a Leaf, or a plain value. `kept` holds what the
    operation's rules need (see `Plan`), and after that the holds that lock it. Descending `serial`
    is a reverse topological order. After backward has freed the node, `parents` is None and `kept`
    is the line of that backward(). `options` are the keywords of the call, if it had any, and
    `calls` those of functions and modules that returned this node's result.
    """

    __slots__ = (
        *("plan", "parents", "kept", "shape", "dtype", "serial"),
        *("name", "extra", "options", "calls"),
    )

    requires_grad = True

    PARTS: ClassVar[tuple[Any, Any]] = (TupleGradient.shape, TupleGradient.dtype)
    """The shape and dtype of a node that stands for several arrays: of a `TupleGradient`."""

    def __init__(
        self,
        plan: Plan | Route,
        parents: tuple[Any, ...],
        kept: Kept,
        shape: tuple[int, ...],
        dtype: Any,
    ) -> None:
        self.plan = plan
        self.parents: tuple[Any, ...] | None = parents
        self.kept = kept
        self.shape = shape
        self.dtype = dtype
        self.serial: int = next_serial()
        self.name: str | None = None
        self.extra: Extra | None = None
        self.options: Mapping[str, Any] | None = None
        self.calls: tuple[Call, ...] = ()

    def __repr__(self) -> str:
        return f"<node {self.serial}: {self.plan.operation.name} {self.shape}>"


class Call:
    """A call of a function or a module: the nodes from serial `first` to its result's are its own.

    `what` is the module, or the name of the function.
    """

    __slots__ = ("what", "first")

    def __init__(self, what: Any, first: int) -> None:
        self.what: Any = what
        self.first: int = first


def enclosed(what: Any, function: Callable[..., Any], *args: Any) -> Any:
    """Calls `function(*args)`; pictures draw its operations in a frame.

    `what` is whose frame it is: an object, which is named after its class, or a name.

    Parameters
    ----------
    what : object or str
        Whose frame it is: an object, which is named after its class, or a name.
    function : callable
        What is called.
    *args
        With these.

    Returns
    -------
    What `function` gives.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> from autograd_lite.extend import enclosed
    >>> enclosed("layer", np.tanh, al.Tensor([0.0], requires_grad=True)).item()
    0.0
    """
    first = next_serial()
    result = function(*args)
    if isinstance(result, (tuple, list)):
        for item in result:
            _note_call(item, what, first)
    else:
        _note_call(result, what, first)
    return result


def _note_call(result: Any, what: Any, first: int) -> None:
    node = getattr(result, "_node", None)
    if node.__class__ is Node and node.serial > first:
        node.calls += (Call(what, first),)


class Route:
    """The plan of a node that computes nothing: it takes several arrays together, or apart.

    `item` is which of its operand's results the node stands for, where it takes them apart.
    """

    __slots__ = ("operation", "pulls", "item")

    names: tuple[()] = ()
    origins: tuple[()] = ()

    def __init__(
        self, operation: Operation, pulls: tuple[tuple[int, Any], ...], item: int = 0
    ) -> None:
        self.operation: Operation = operation
        self.pulls: tuple[tuple[int, Any], ...] = pulls
        self.item: int = item


PACK = Operation(lambda *arrays: arrays, {})
PACK.name = "pack"


def pack_node(parents: tuple[Any, ...], needed: list[bool], holds: tuple[Hold, ...]) -> Node:
    """A node for several operands as one; its gradient's parts go to those that need one."""
    pulls = tuple((i, _part(i)) for i, need in enumerate(needed) if need)
    return Node(Route(PACK, pulls), parents, holds, *Node.PARTS)


@functools.cache
def _part(i: int) -> Callable[[Any, Any], Any]:
    return lambda g, kept: g.items[i]


def item_nodes(joint: Node, results: tuple[Any, ...]) -> list[Node]:
    """A node for each result of an operation that has several."""
    templates = [(np.shape(result), result.dtype) for result in results]
    nodes = []
    for i, (shape, dtype) in enumerate(templates):
        item = Operation(joint.plan.operation.function, {})
        item.name = f"{joint.plan.operation.name}[{i}]"
        route = Route(item, ((0, functools.partial(_only, i, templates)),), i)
        nodes.append(Node(route, (joint,), (), shape, dtype))
    return nodes


def _only(i: int, templates: list[tuple[Any, Any]], g: Gradient, kept: Kept) -> TupleGradient:
    """Gradients of all results: zero for every one but the i-th."""
    return TupleGradient(
        g if k == i else np.broadcast_to(asarray_like(np.zeros((), dtype), g), shape)
        for k, (shape, dtype) in enumerate(templates)
    )


class Extra:
    """The rarer attributes of nodes, which all leaves have: a gradient, hooks on it, the line that
    made them.

    `calls` are the calls that the line was in, the outermost first.
    """

    __slots__ = ("retain", "grad", "hooks", "line", "calls")

    def __init__(self) -> None:
        self.retain: bool = False
        self.grad: Any = None
        self.hooks: list[Callable[[Any], Any]] = []
        self.line: str | None = None
        self.calls: tuple[Call, ...] = ()


def _no_hold() -> None:
    return None


class Leaf:
    """A tensor that no recorded operation made: a parameter, an input, a constant with a name."""

    __slots__ = ("array", "shape", "dtype", "name", "requires_grad", "extra", "owns_data", "hold")

    def __init__(self, array: Array, name: str | None = None, owns_data: bool = True) -> None:
        self.array: Array = array
        self.shape: tuple[int, ...] = array.shape
        self.dtype: Any = array.dtype
        self.name: str | None = name
        self.requires_grad: bool = False
        self.extra: Extra = Extra()
        # False for a result that was not recorded: its array may be another tensor's.
        self.owns_data: bool = owns_data
        # The lock on the array, while a graph keeps it.
        self.hold: Callable[[], Hold | None] = _no_hold

    def own(self, array: Array) -> Any:
        """Replace the array by another one that nobody else holds."""
        self.array, self.owns_data, self.hold = array, True, _no_hold
        return array


class Disconnected:
    """Marks a result that was not recorded; `how` says where its gradient was cut off."""

    __slots__ = ("how",)

    name = extra = None
    requires_grad = False

    def __init__(self, how: str) -> None:
        self.how: str = how


_array_names: dict[int, tuple[weakref.ref[Any], str]] = {}


def name_array(array: np.ndarray, name: str) -> None:
    """Name an array that is no tensor, for pictures, unless it has a name."""
    if array_name(array) is None:
        key = id(array)
        _array_names[key] = weakref.ref(array, lambda gone: _array_names.pop(key, None)), name


def array_name(array: Array) -> str | None:
    """The name that `name_array` gave."""
    reference, name = _array_names.get(id(array), (None, None))
    return name if reference is not None and reference() is array else None


def named_arrays() -> list[tuple[str, np.ndarray]]:
    """The arrays that `name_array` named and that are still there, the latest first."""
    found = [(name, reference()) for reference, name in reversed(list(_array_names.values()))]
    return [(name, array) for name, array in found if array is not None]


def ancestors(roots: Iterable[Any]) -> list[Node]:
    """All nodes that `roots` depend on, themselves included, the latest first."""
    seen = {root for root in roots if root.__class__ is Node}
    stack = list(seen)
    while stack:
        for parent in stack.pop().parents or ():
            if parent.__class__ is Node and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=lambda node: node.serial, reverse=True)
