"""Derivative rules of the functions that join arrays and split them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd_lite.operations import composite, defvjp_sequence
from autograd_lite.rules.indexing import along, as_array, cast, getitem
from autograd_lite.rules.shaping import atleast_1d, atleast_2d, atleast_3d

Shape = tuple[int, ...]


def _concatenate(g: Any, arrays_shape: Sequence[Shape], axis: int | None) -> list[Any]:
    flat = axis is None
    before = (slice(None),) * (0 if axis is None else axis % g.ndim)
    pieces = []
    start = 0
    for shape in arrays_shape:
        stop = start + (math.prod(shape) if flat else shape[len(before)])
        piece = g[(*before, slice(start, stop))]
        pieces.append(np.reshape(piece, shape) if flat else piece)
        start = stop
    return pieces


defvjp_sequence(np.concatenate, 0, arrays=_concatenate)
defvjp_sequence(np.stack, 0, arrays=lambda g, axis: list(np.moveaxis(g, axis, 0)))


@composite(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    arrays = [atleast_1d(a) for a in tup]
    axis = 0 if arrays and arrays[0].ndim == 1 else 1
    return np.concatenate(arrays, axis, dtype=dtype, casting=casting)


def vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    arrays = [atleast_2d(a) for a in tup]
    return np.concatenate(arrays, 0, dtype=dtype, casting=casting)


composite(np.vstack)(vstack)
if hasattr(np, "row_stack"):
    composite(np.row_stack)(vstack)


@composite(np.dstack)
def dstack(tup: Any) -> Any:
    return np.concatenate([atleast_3d(a) for a in tup], 2)


@composite(np.column_stack)
def column_stack(tup: Any) -> Any:
    columns = [a if a.ndim > 1 else np.reshape(a, (a.size, 1)) for a in map(as_array, tup)]
    return np.concatenate(columns, 1)


@composite(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return np.concatenate((as_array(arr), as_array(values)), axis)


@composite(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    arr = as_array(arr)
    values = cast(as_array(values), arr.dtype)
    # NumPy inserts numbers that tell where each element is when both stand in one row.
    old = np.arange(arr.size).reshape(arr.shape)
    new = arr.size + np.arange(values.size).reshape(values.shape)
    positions = np.insert(old, obj, new, axis)
    return getitem(np.concatenate((np.ravel(arr), np.ravel(values))), positions)


@composite(np.block)
def block(arrays: Any) -> Any:
    depth, leaves = _nested(arrays)
    return _blocks(arrays, depth, max(depth, *(np.ndim(leaf) for leaf in leaves)))


def _nested(arrays: Any) -> tuple[int, list[Any]]:
    """The depth of nested lists, and the items of the innermost ones."""
    if isinstance(arrays, tuple):
        raise TypeError("np.block takes nested lists, not tuples")
    if not isinstance(arrays, list):
        return 0, [arrays]
    found = [_nested(item) for item in arrays]
    depths = {depth for depth, _ in found}
    if len(depths) != 1:
        raise ValueError("np.block: the lists must be nested equally deep, and none be empty")
    return depths.pop() + 1, [leaf for _, leaves in found for leaf in leaves]


def _blocks(arrays: Any, depth: int, ndim: int) -> Any:
    if not depth:
        array = as_array(arrays)
        missing = ndim - array.ndim
        return np.reshape(array, (1,) * missing + array.shape) if missing else array
    return np.concatenate([_blocks(item, depth - 1, ndim) for item in arrays], -depth)


def _split(function: Any, ary: Any, where: Any, axis: int) -> list[Any]:
    """The pieces of `ary` along `axis`, bounded as `function` bounds them."""
    shape = np.shape(ary)
    axis = normalize_axis_index(axis, len(shape))
    pieces = []
    for numbers in function(np.arange(shape[axis]), where):
        piece = slice(int(numbers[0]), int(numbers[-1]) + 1) if numbers.size else slice(0, 0)
        pieces.append(getitem(ary, along(axis, piece)))
    return pieces


@composite(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    return _split(np.array_split, ary, indices_or_sections, axis)


@composite(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    return _split(np.split, ary, indices_or_sections, axis)


@composite(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    _need_dimensions("hsplit", ary, 1)
    return _split(np.split, ary, indices_or_sections, 0 if np.ndim(ary) == 1 else 1)


@composite(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    _need_dimensions("vsplit", ary, 2)
    return _split(np.split, ary, indices_or_sections, 0)


@composite(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    _need_dimensions("dsplit", ary, 3)
    return _split(np.split, ary, indices_or_sections, 2)


def _need_dimensions(name: str, ary: Any, least: int) -> None:
    if np.ndim(ary) < least:
        raise ValueError(f"np.{name} takes an array of {least} or more dimensions")


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    axis = normalize_axis_index(axis, np.ndim(x))
    return tuple(getitem(x, along(axis, i)) for i in range(np.shape(x)[axis]))


if hasattr(np, "unstack"):
    composite(np.unstack)(unstack)
