"""Functions that move elements, and items, of arrays that are cut into blocks along one axis."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from autograd_lite.arrays.contracts import Index
from autograd_lite.arrays.dask.elementwise import (
    alike,
    along,
    broadcast,
    constant,
    is_blocked,
    made,
    shape_of,
    with_length,
)
from autograd_lite.arrays.dask.expression import BlockStep, axis_of
from autograd_lite.arrays.dask.reducing import by_name


def transpose(function: Any, a: BlockStep, axes: Any = None) -> BlockStep:
    order = tuple(range(a.ndim))[::-1] if axes is None else normalize_axis_tuple(axes, a.ndim)
    axis = None if a.axis is None else order.index(a.axis)
    shape = tuple(a.shape[i] for i in order)
    return made(a, shape, a.dtype, axis, np.transpose, (a, order))


def swapaxes(function: Any, a: BlockStep, axis1: int, axis2: int) -> BlockStep:
    order = list(range(a.ndim))
    i, j = (normalize_axis_index(axis, a.ndim) for axis in (axis1, axis2))
    order[i], order[j] = order[j], order[i]
    return transpose(function, a, order)


def moveaxis(function: Any, a: BlockStep, source: Any, destination: Any) -> BlockStep:
    stand_in = np.broadcast_to(0, range(1, a.ndim + 1))
    order = [n - 1 for n in np.moveaxis(stand_in, source, destination).shape]
    return transpose(function, a, order)


def reshape(
    function: Any, a: BlockStep, shape: Any, order: str = "C", copy: Any = None
) -> BlockStep | None:
    if order != "C":
        return None
    new = np.broadcast_to(0, a.shape).reshape(shape).shape if a.shape else _filled(shape)
    if a.axis is None:
        return made(None, new, a.dtype, None, np.reshape, (a, new))
    # Blocks stay blocks where what is before and behind the axis keeps its size.
    before, n = math.prod(a.shape[: a.axis]), a.shape[a.axis]
    for axis, length in enumerate(new):
        if length == n and math.prod(new[:axis]) == before and 0 not in new:
            return made(a, new, a.dtype, axis, np.reshape, (a, with_length(new, axis, -1)))
    return None


def _filled(shape: Any) -> tuple[int, ...]:
    return np.zeros(()).reshape(shape).shape


def ravel(function: Any, a: BlockStep, order: str = "C") -> BlockStep | None:
    return reshape(np.reshape, a, (math.prod(a.shape),), order)


def expand_dims(function: Any, a: BlockStep, axis: Any) -> BlockStep | None:
    axes = normalize_axis_tuple(axis, a.ndim + (1 if np.ndim(axis) == 0 else len(axis)))
    old = iter(a.shape)
    shape = tuple(1 if i in axes else next(old) for i in range(a.ndim + len(axes)))
    return reshape(np.reshape, a, shape)


def squeeze(function: Any, a: BlockStep, axis: Any = None) -> BlockStep | None:
    if axis is None and a.axis is not None and a.shape[a.axis] == 1:
        return None
    dropped = [i for i, n in enumerate(a.shape) if n == 1 and i != a.axis]
    if axis is not None:
        dropped = list(normalize_axis_tuple(axis, a.ndim))
        if any(a.shape[i] != 1 or i == a.axis for i in dropped):
            return None
    return reshape(np.reshape, a, tuple(n for i, n in enumerate(a.shape) if i not in dropped))


@by_name
def like(
    function: Any, a: BlockStep, fill_value: Any = None, dtype: Any = None, shape: Any = None
) -> BlockStep | None:
    """zeros_like, ones_like, empty_like and full_like."""
    shape = a.shape if shape is None else tuple(np.atleast_1d(shape).tolist())
    dtype = np.dtype(a.dtype if dtype is None else dtype)
    fill = () if fill_value is None else (fill_value,)
    if any(isinstance(x, BlockStep) or np.ndim(x) for x in fill):
        return None
    if a.axis is None:
        # The same everywhere, whatever its shape.
        value = function(np.zeros((), a.dtype), *fill, dtype=dtype)
        return broadcast(np.broadcast_to, constant(value), shape) if shape else constant(value)
    if len(shape) != a.ndim or shape[a.axis] != a.shape[a.axis]:
        return None
    options = {"function": function, "fill": fill, "dtype": dtype, "shape": shape, "axis": a.axis}
    return made(a, shape, dtype, a.axis, _like_block, (a,), options)


def _like_block(
    block: Any, function: Any, fill: Any, dtype: Any, shape: tuple[int, ...], axis: int
) -> Any:
    return function(block, *fill, dtype=dtype, shape=with_length(shape, axis, block.shape[axis]))


def concatenate(
    function: Any, arrays: Any, axis: int | None = 0, out: Any = None, dtype: Any = None
) -> BlockStep | None:
    if axis is None or out is not None or dtype is not None:
        return None
    arrays = [x if isinstance(x, BlockStep) else np.asarray(x) for x in arrays]
    same, like = alike(arrays)
    ndim = arrays[0].ndim
    axis = normalize_axis_index(axis, ndim)
    if not same or like is None or like.axis == axis or any(x.ndim != ndim for x in arrays):
        return None
    if any(is_blocked(x) and x.axis != like.axis for x in arrays):
        return None
    outer = {with_length(x.shape, axis, 0) for x in arrays}
    if len(outer) > 1:
        shapes = ", ".join(str(x.shape) for x in arrays)
        raise ValueError(f"arrays of shapes {shapes} cannot be joined along axis {axis}")
    joined = [
        x if is_blocked(x) else along(x, axis_of(like), like.parts, compact=False) for x in arrays
    ]
    shape = with_length(like.shape, axis, sum(x.shape[axis] for x in arrays))
    dtype = np.result_type(*(x.dtype for x in arrays))
    return made(like, shape, dtype, like.axis, _joined, joined, {"axis": axis})


def _joined(*arrays: Any, axis: int) -> Any:
    return np.concatenate(arrays, axis)


def taken(a: BlockStep, index: Index) -> BlockStep | None:
    """`a[index]`, where the axis that is cut is taken as a whole."""
    found = _taken_shape(a, index)
    if found is None:
        return None
    index, shape, axis = found
    return made(a, shape, a.dtype, axis, _item, (a,), {"index": index})


def replaced(a: BlockStep, index: Index, value: Any) -> BlockStep | None:
    """`a` after `a[index] = value`, where the axis that is cut is taken as a whole."""
    found = _taken_shape(a, index)
    if found is None:
        return None
    index, shape, axis = found
    try:
        np.broadcast_to(np.broadcast_to(False, shape_of(value)), shape)
    except ValueError:
        message = f"values of shape {shape_of(value)} do not fit items of shape {shape}"
        raise ValueError(message) from None
    if isinstance(value, BlockStep) and value.axis is not None:
        if a.axis is None or value.axis != axis or value.shape != shape or value.parts != a.parts:
            return None
    elif axis is not None and len(shape_of(value)) == len(shape) and shape_of(value)[axis] != 1:
        value = along(value, axis, a.parts)
    return made(a, a.shape, a.dtype, a.axis, _with_items, (a, value), {"index": index})


def _item(block: Any, index: Index) -> Any:
    return block[index]


def _with_items(block: Any, value: Any, index: Index) -> Any:
    result = block.copy()
    result[index] = value
    return result


def _taken_shape(a: BlockStep, index: Index) -> tuple[Any, tuple[int, ...], int | None] | None:
    """A basic index written out, the shape that it gives, and where the axis that is cut goes."""
    items = list(index) if isinstance(index, tuple) else [index]
    kinds = (int, np.integer, slice, type(None), type(Ellipsis))
    if any(not isinstance(i, kinds) or isinstance(i, bool) for i in items):
        return None
    if Ellipsis not in items:
        items.append(Ellipsis)
    if items.count(Ellipsis) > 1:
        raise IndexError("an index can have one ellipsis (...) only")
    where = items.index(Ellipsis)
    missing = a.ndim - sum(i is not None for i in items) + 1
    items[where : where + 1] = [slice(None)] * missing
    source, axis, position = 0, None, 0
    for item in items:
        if item is None:
            position += 1
            continue
        if source == a.axis:
            if not (isinstance(item, slice) and item == slice(None)):
                return None
            axis = position
        source += 1
        position += isinstance(item, slice)
    shape = np.broadcast_to(0, a.shape)[tuple(items)].shape
    return tuple(items), shape, axis
