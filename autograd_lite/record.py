"""The one path that every operation takes: compute it, and note it in the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, cast

import numpy as np

from autograd_lite.graph import (
    Leaf,
    Node,
    constant_source,
    is_recording,
    item_nodes,
    leaf_source,
    pack_node,
    pauses,
)
from autograd_lite.rules import (
    COMPOSITES,
    NON_DIFFERENTIABLE,
    OPERATIONS,
    REFUSED,
    Operation,
    Recordable,
)

Compute = Callable[..., Any]
NO_OPTIONS: dict[str, Any] = {}
_new = object.__new__


class Recorded(Recordable):
    """A value and its place in the graph: what `record` takes and gives. `Tensor` adds the rest."""

    __slots__ = ("_data", "_node", "__weakref__")

    _data: Any
    _node: Node | Leaf | None

    result_type: ClassVar[type[Any]]

    def __init_subclass__(cls, results: bool = False) -> None:
        if results:
            Recorded.result_type = cls

    def _record(self, operation: Operation, args: Any, kwargs: Any) -> Any:
        return record_call(operation, args, kwargs)

    def _identity(self) -> Node | Leaf:
        """What the graph calls this value; made now for a result that was not recorded."""
        if self._node is None:
            self._node = Leaf()
        return self._node

    def _describe(self) -> str:
        node = self._node
        if node is not None and node.name is not None:
            return f"the Tensor {node.name!r}"
        if isinstance(node, Node):
            return f"the Tensor that {node.plan.operation.name} gave"
        return "a Tensor"


def make(data: Any, node: Node | Leaf | None) -> Any:
    """A Tensor of a value that the engine owns."""
    tensor: Any = _new(Recorded.result_type)
    tensor._data = data
    tensor._node = node
    return tensor


def record(
    operation: Operation, args: tuple[Any, ...], kwargs: Any, compute: Compute | None = None
) -> Any:
    """Compute `operation`, and note it in the graph if a gradient can flow through it.

    `compute` is a quicker function for the same values (`operator.mul` for `np.multiply`).
    """
    mask, bit = 0, 1
    inside = True
    values: list[Any] = []
    parents: list[Any] = []
    for a in args:
        if isinstance(a, Recorded):
            value = a._data
            node = a._node
            if node.__class__ is Node:
                mask |= bit
                parents.append(node)
            else:
                inside = False
                if node is not None and node.requires_grad:
                    mask |= bit
                if not value.ndim:
                    # NumPy computes several times faster with a scalar than with a 0-d array.
                    value = value[()]
                parents.append(a)
        else:
            inside = False
            value = np.asarray(a) if a.__class__ is list else a
            parents.append(value)
        values.append(value)
        bit += bit
    result = (compute or operation.function)(*values, **kwargs)
    if result.__class__ is complex:
        # Python's complex numbers take a float64 scalar for a float.
        result = np.complex128(result)
    if not mask or (pauses.get() and not is_recording()):
        return _unrecorded(result)
    plan = operation.plans.get(mask) or operation.plan(mask)
    if not inside:
        for i, parent in enumerate(parents):
            if parent.__class__ is not Node:
                parents[i] = _enter(parent, operation.name if i in plan.kept_positions else None)
    kept = plan.keep(result, values, kwargs)
    if isinstance(result, tuple):
        joint = Node(plan, tuple(parents), kept, *Node.PARTS)
        items = [make(v, n) for v, n in zip(result, item_nodes(joint, result), strict=True)]
        return _as_tuple(result, items)
    return make(result, Node(plan, tuple(parents), kept, result.shape, result.dtype))


def _unrecorded(result: Any) -> Any:
    if isinstance(result, tuple):
        return _as_tuple(result, [make(value, None) for value in result])
    return make(result, None)


def _as_tuple(result: tuple[Any, ...], items: list[Any]) -> tuple[Any, ...]:
    """`items` as the kind of tuple that NumPy gave: `eigh` has a named one."""
    return type(result)(*items) if hasattr(result, "_fields") else tuple(items)


def _enter(operand: Any, keeper: str | None) -> Any:
    """What the graph knows of an operand from outside; locked if an operation keeps it."""
    if isinstance(operand, Recorded):
        source = leaf_source(cast(Leaf, operand._identity()), operand._data)
    elif isinstance(operand, np.ndarray):
        source = constant_source(operand)
    else:
        return operand
    if keeper is not None and source.reader is None:
        source.keep(keeper)
    return source


def pack(values: Sequence[Any]) -> Any:
    """Several operands as one, whose gradient is the gradients of all: what `concatenate` takes."""
    arrays = tuple(v._data if isinstance(v, Recorded) else np.asarray(v) for v in values)
    needed = [isinstance(v, Recorded) and _requires_grad(v) for v in values]
    if not any(needed) or (pauses.get() and not is_recording()):
        return arrays
    parents = [
        v._node
        if isinstance(v, Recorded) and v._node.__class__ is Node
        else _enter(v if isinstance(v, Recorded) else a, None)
        for v, a in zip(values, arrays, strict=True)
    ]
    return make(arrays, pack_node(tuple(parents), needed))


def _requires_grad(value: Recorded) -> bool:
    return value._node is not None and value._node.requires_grad


def record_call(operation: Operation, args: Any, kwargs: Any) -> Any:
    """Record a call as a user writes it: with keywords, and with lists of operands."""
    if kwargs:
        args, kwargs = _checked_options(operation, args, kwargs)
    if operation.sequence is not None:
        at = operation.sequence
        args = (*args[:at], pack(args[at]), *args[at + 1 :])
    result = record(operation, args, kwargs)
    return result


def _checked_options(
    operation: Operation, args: tuple[Any, ...], kwargs: Any
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Operands passed by keyword put in their place; options that cannot be tensors refused."""
    if len(args) < len(operation.rules):
        args, kwargs = operation.bind(args, kwargs)
    if kwargs.get("out") is not None:
        raise TypeError(f"np.{operation.name}(out=...) cannot be recorded; leave out= away")
    options = {}
    for name, value in kwargs.items():
        if isinstance(value, Recorded):
            if _requires_grad(value):
                raise TypeError(f"{operation.name}({name}=...) must be a plain value, not a Tensor")
            value = value._data
        # A rule may keep it, and the caller may write to it.
        options[name] = value.copy() if isinstance(value, np.ndarray) else value
    return args, options


def dispatch(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """What NumPy's function does when a Tensor is among its arguments."""
    operation = OPERATIONS.get(function)
    if operation is not None:
        return record_call(operation, args, kwargs)
    composite = COMPOSITES.get(function)
    if composite is not None:
        return composite(*args, **kwargs)
    tensors = list(_recorded_in((args, kwargs)))
    if function not in NON_DIFFERENTIABLE and any(_requires_grad(t) for t in tensors):
        way_out = REFUSED.get(
            function,
            "declare a rule with al.defvjp, use functions that have one, or pass .data where no "
            "gradient is meant",
        )
        raise TypeError(
            f"{full_name(function)} has no derivative rule, so calling it on "
            f"{tensors[0]._describe()} would lose the gradient: {way_out}"
        )
    return function(*plain(args), **plain(kwargs))


def full_name(function: Callable[..., Any]) -> str:
    """The name as a user writes it, such as `np.linalg.det`."""
    module = getattr(function, "__module__", None) or "numpy"
    name = f"{module}.{getattr(function, '__name__', function)}"
    return f"np.{name.removeprefix('numpy.')}" if name.startswith("numpy.") else name


def _recorded_in(value: Any) -> Iterator[Recorded]:
    if isinstance(value, Recorded):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _recorded_in(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _recorded_in(item)


def plain(value: Any) -> Any:
    """`value` with every Tensor in it, however nested, replaced by its array."""
    if isinstance(value, Recorded):
        return value._data
    if isinstance(value, (list, tuple)):
        items = [plain(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return value
