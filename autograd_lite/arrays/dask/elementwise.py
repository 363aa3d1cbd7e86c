"""Functions that work element by element, and broadcasting, on arrays that are cut into blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Operand
from autograd_lite.arrays.dask.expression import BlockStep, Cut, Parts, axis_of
from autograd_lite.arrays.dask.sources import Pieces


def constant(value: Any) -> BlockStep:
    """A whole step with a known value."""
    value = np.asarray(value)
    return BlockStep(value.shape, value.dtype, None, (), None, value=value)


def made(
    like: BlockStep | None,
    shape: tuple[int, ...],
    dtype: Any,
    axis: int | None,
    compute: Any,
    operands: Sequence[Any],
    options: Mapping[str, Any] | None = None,
) -> BlockStep:
    """A step cut as `like` is, along `axis`; a whole one of plain values is computed at once."""
    if axis is None or like is None:
        step = BlockStep(shape, dtype, None, (), compute, operands, options)
        known = [_value(operand) for operand in step.operands]
        if all(found for found, _ in known):
            step.settle(compute(*[value for _, value in known], **step.options))
        return step
    return BlockStep(shape, dtype, axis, like.parts, compute, operands, options)


def _value(operand: Operand) -> tuple[bool, Any]:
    """Whether the value of an operand is known, and the value."""
    if isinstance(operand, BlockStep):
        return operand.is_known, operand.value
    return not isinstance(operand, Cut), operand


_kinds: dict[Any, np.dtype[Any]] = {}


def _result_dtype(function: Any, operands: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """The dtype of an element-wise function, as NumPy itself decides it."""
    key: Any = (function, *(getattr(x, "dtype", type(x)) for x in operands), *options.items())
    try:
        found = _kinds.get(key)
    except TypeError:  # an option that has no hash
        key = found = None
    if found is None:
        ones = [np.ones((1,) * x.ndim, x.dtype) if hasattr(x, "ndim") else x for x in operands]
        with np.errstate(all="ignore"):
            found = function(*ones, **options).dtype
        if key is not None:
            _kinds[key] = found
    return found


def shape_of(operand: Operand) -> tuple[int, ...]:
    return operand.shape if isinstance(operand, BlockStep) else np.shape(operand)


def is_blocked(operand: Operand) -> bool:
    return isinstance(operand, BlockStep) and operand.axis is not None


def alike(operands: Sequence[Any]) -> tuple[bool, BlockStep | None]:
    """Whether all blocked operands are cut into the same parts, and one of them."""
    blocked = [x for x in operands if is_blocked(x)]
    return all(x.parts == blocked[0].parts for x in blocked), blocked[0] if blocked else None


def along(operand: Operand, axis: int, parts: Parts, compact: bool = True) -> Any:
    """A whole operand cut along `axis`. With `compact` one that repeats along it stays whole."""
    if isinstance(operand, BlockStep):
        if operand.compute is _broadcast_whole and compact:
            source = _raised(operand.operands[0], operand.ndim)
            if source.shape[axis] == 1:
                return broadcast(np.broadcast_to, source, with_length(operand.shape, axis, 1))
    elif compact and operand.strides[axis] == 0:
        return operand[(*(slice(None),) * axis, slice(0, 1))]
    return Cut(operand, axis) if isinstance(operand, BlockStep) else Pieces(operand, axis, parts)


def _raised(operand: BlockStep, ndim: int) -> BlockStep:
    """A whole step with axes of length 1 in front."""
    new = (1,) * (ndim - operand.ndim) + operand.shape
    return made(None, new, operand.dtype, None, np.reshape, (operand, new))


def elementwise(function: Any, *operands: Any, **options: Any) -> BlockStep | None:
    if "out" in options or options.get("where", True) is not True:
        return None
    if function is np.where and len(operands) != 3:
        return None
    same, like = alike(operands)
    shapes = [shape_of(x) for x in operands]
    shape = np.broadcast_shapes(*shapes)
    if not same or getattr(function, "nout", 1) != 1:
        return None
    dtype = _result_dtype(function, operands, options)
    if like is None:
        return _stretched(function, operands, options, shape, dtype)
    # Counted from the end, as broadcasting does it.
    place = axis_of(like) - like.ndim
    length = like.shape[place]
    spread_out = []
    for x, own in zip(operands, shapes, strict=True):
        if is_blocked(x):
            if x.axis - x.ndim != place:
                return None
        elif len(own) >= -place and own[place] != 1:
            if own[place] != length:
                return None
            x = along(x, len(own) + place, like.parts)
        spread_out.append(x)
    if shape[place] != length:
        return None
    return made(like, shape, dtype, len(shape) + place, function, spread_out, options)


def _stretched(
    function: Any, operands: Sequence[Any], options: Any, shape: tuple[int, ...], dtype: Any
) -> BlockStep:
    """An element-wise step of whole operands, computed before they are broadcast."""
    compact = [
        x.operands[0] if isinstance(x, BlockStep) and x.compute is _broadcast_whole else x
        for x in operands
    ]
    inner = np.broadcast_shapes(*map(shape_of, compact))
    step = made(None, inner, dtype, None, function, compact, options)
    return step if inner == shape else broadcast(np.broadcast_to, step, shape)


def _broadcast_whole(value: Any, shape: tuple[int, ...]) -> Any:
    return np.broadcast_to(value, shape)


def _broadcast_block(block: Any, shape: tuple[int, ...], place: int) -> Any:
    return np.broadcast_to(block, with_length(shape, len(shape) + place, block.shape[place]))


def with_length(shape: tuple[int, ...], axis: int, length: int) -> tuple[int, ...]:
    return (*shape[:axis], length, *shape[axis + 1 :])


def broadcast(function: Any, array: BlockStep, shape: Any, subok: bool = False) -> BlockStep:
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if np.broadcast_shapes(array.shape, shape) != shape:
        raise ValueError(f"an array of shape {array.shape} cannot be broadcast to {shape}")
    if array.shape == shape:
        return array
    if array.axis is None:
        return BlockStep(shape, array.dtype, None, (), _broadcast_whole, (array, shape))
    place = array.axis - array.ndim
    options = {"shape": shape, "place": place}
    axis = len(shape) + place
    return made(array, shape, array.dtype, axis, _broadcast_block, (array,), options)


def converted(a: BlockStep, dtype: Any) -> BlockStep:
    """`a.astype(dtype)`."""
    return made(a, a.shape, np.dtype(dtype), a.axis, _astype, (a, np.dtype(dtype)))


def _astype(block: Any, dtype: Any) -> Any:
    return block.astype(dtype)
