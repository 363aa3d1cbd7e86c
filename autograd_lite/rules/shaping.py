"""Derivative rules of the functions that rearrange an array without computing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_lite.arrays.foreign import Recordable, asarray_like, whole_number
from autograd_lite.operations import composite, defvjp, non_differentiable
from autograd_lite.rules.indexing import as_array, cast, getitem, put_back
from autograd_lite.rules.masks import gated
from autograd_lite.rules.reductions import wide
from autograd_lite.rules.special import astype

Shape = tuple[int, ...]


def _reshape(g: Any, x_shape: Shape, order: str) -> Any:
    if order in ("C", "F"):
        return np.reshape(g, x_shape) if order == "C" else np.reshape(g, x_shape, order="F")
    raise ValueError(
        f"order={order!r} depends on how the array lies in memory, and so has no derivative that "
        "is right for every array; use order='C' or order='F'"
    )


def _transpose(g: Any, axes: Any) -> Any:
    if axes is None or isinstance(axes, int):
        return np.transpose(g)
    count = len(axes)
    return np.transpose(g, sorted(range(count), key=lambda i: axes[i] % count))


def _opposite(shift: Any) -> Any:
    """A shift, or one for each axis, the other way."""
    return -shift if np.ndim(shift) == 0 else tuple(-s for s in shift)


def _diagonal(g: Any, x_shape: Shape, offset: int, axis1: int, axis2: int) -> Any:
    ndim = len(x_shape)
    ends = (axis1 % ndim, axis2 % ndim)
    rest = [i for i in range(ndim) if i not in ends]
    shape = tuple(x_shape[i] for i in (*rest, *ends))
    count = np.arange(g.shape[-1])
    index = (..., count + max(-offset, 0), count + max(offset, 0))
    return np.moveaxis(put_back(g, index, shape, unique=True), (-2, -1), ends)


def _diag(g: Any, v_shape: Shape, k: int) -> Any:
    return np.diagonal(g, k) if len(v_shape) == 1 else _diagonal(g, v_shape, k, 0, 1)


def triangle(shape: Shape, k: int) -> Any:
    """A mask of the places on or below the k-th diagonal of a matrix in the last two axes."""
    return np.tri(shape[-2], shape[-1], k, dtype=bool)


def _repeat(g: Any, x_shape: Shape, repeats: Any, axis: int | None) -> Any:
    if axis is None or not x_shape:
        # A number has an axis 0 here.
        return np.reshape(_repeat(g, (math.prod(x_shape),), repeats, 0), x_shape)
    axis %= len(x_shape)
    n = x_shape[axis]
    if np.size(repeats) == 1:
        times = int(np.reshape(repeats, ()))
        blocks = np.reshape(wide(g), (*x_shape[:axis], n, times, *x_shape[axis + 1 :]))
        return np.sum(blocks, axis=axis + 1)
    return put_back(g, (*(slice(None),) * axis, np.repeat(np.arange(n), repeats)), x_shape)


def _tile(g: Any, x_shape: Shape, reps: Any) -> Any:
    times = tuple(reps) if np.ndim(reps) else (reps,)
    ndim = max(len(times), len(x_shape))
    times = (1,) * (ndim - len(times)) + times
    shape = (1,) * (ndim - len(x_shape)) + x_shape
    blocks = [n for pair in zip(times, shape, strict=True) for n in pair]
    return np.reshape(
        np.sum(np.reshape(wide(g), blocks), axis=tuple(range(0, 2 * ndim, 2))), x_shape
    )


def _vander(g: Any, x: Any, increasing: bool) -> Any:
    # The column of x ** k changes with k * x ** (k - 1).
    g = (g if increasing else g[:, ::-1])[:, 1:]
    count = g.shape[1]
    numbers = asarray_like(np.arange(1, count + 1), x)
    return np.sum(g * (np.vander(x, count, increasing=True) * numbers), axis=1)


defvjp(np.reshape, x=_reshape)
defvjp(np.ravel, x=_reshape)
defvjp(np.transpose, x=_transpose)
defvjp(np.matrix_transpose, x=lambda g: np.matrix_transpose(g))
defvjp(np.linalg.matrix_transpose, x=lambda g: np.matrix_transpose(g))
defvjp(np.swapaxes, x=lambda g, axis1, axis2: np.swapaxes(g, axis1, axis2))
defvjp(np.moveaxis, x=lambda g, source, destination: np.moveaxis(g, destination, source))
defvjp(np.expand_dims, x=lambda g, x_shape: np.reshape(g, x_shape))
defvjp(np.squeeze, x=lambda g, x_shape: np.reshape(g, x_shape))
defvjp(np.broadcast_to, x=lambda g: g)
defvjp(np.copy, x=lambda g: g)

defvjp(np.flip, x=lambda g, axis: np.flip(g, axis))
defvjp(np.fliplr, x=lambda g: np.fliplr(g))
defvjp(np.flipud, x=lambda g: np.flipud(g))
defvjp(np.rot90, x=lambda g, k, axes: np.rot90(g, -k, axes))
defvjp(np.roll, x=lambda g, shift, axis: np.roll(g, _opposite(shift), axis))
defvjp(np.repeat, x=_repeat)
defvjp(np.tile, x=_tile)

defvjp(np.diagonal, x=_diagonal)
defvjp(np.diag, v=_diag)
defvjp(np.vander, x=_vander)
# What a triangle leaves out is not there, whatever derivative it would have had.
defvjp(np.tril, x=lambda g, k: gated(g, triangle(g.shape, k)))
defvjp(np.triu, x=lambda g, k: gated(g, ~triangle(g.shape, k - 1)))

non_differentiable(np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like)


@composite(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    # NumPy works the order out, on a stand-in whose lengths tell its axes apart.
    stand_in = np.broadcast_to(0, range(1, np.ndim(a) + 1))
    return np.transpose(a, [n - 1 for n in np.rollaxis(stand_in, axis, start).shape])


@composite(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    return np.diag(np.ravel(v), k)


def rearranged(function: Any, x: Any, *args: Any, **kwargs: Any) -> Any:
    """`function(x, ...)`, for a function that only says where each element goes."""
    x = as_array(x)
    positions = function(np.arange(x.size).reshape(x.shape), *args, **kwargs)
    return getitem(np.ravel(x), positions)


@composite(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    return rearranged(np.delete, arr, obj, axis)


@composite(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    if np.size(a) == 0:
        # There is nothing to repeat, and NumPy fills up with zeros.
        shape = np.resize(np.zeros(0), new_shape).shape
        return np.reshape(put_back(np.ravel(a), slice(0, 0), (math.prod(shape),)), shape)
    return rearranged(np.resize, a, new_shape)


@composite(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    if writeable:
        raise ValueError("the windows on a Tensor cannot be written to; omit writeable=")
    return rearranged(np.lib.stride_tricks.sliding_window_view, x, window_shape, axis)


@composite(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    filt = as_array(filt)
    trim = trim.lower()
    if trim not in ("fb", "bf", "f", "b"):
        raise ValueError(f"np.trim_zeros(trim={trim!r}): trim is 'fb', 'f' or 'b'")
    axes = range(filt.ndim) if axis is None else normalize_axis_tuple(axis, filt.ndim)
    index: list[Any] = [slice(None)] * filt.ndim
    if not index:
        return filt
    for i, found in enumerate(np.nonzero(filt)):
        if i not in axes:
            continue
        if not found.size:
            index[i] = slice(0, 0)
            continue
        start = whole_number(np.min(found), "np.trim_zeros")
        stop = whole_number(np.max(found), "np.trim_zeros") + 1
        index[i] = slice(start if "f" in trim else None, stop if "b" in trim else None)
    return getitem(filt, tuple(index))


def _at_least(ndim: int, arrays: tuple[Any, ...]) -> Any:
    results = []
    for array in map(as_array, arrays):
        shape = array.shape
        missing = ndim - len(shape)
        if missing > 0:
            # NumPy adds axes in front, but takes a vector or a matrix for one of depth 1.
            behind = 1 if ndim == 3 and shape else 0
            array = np.reshape(array, (1,) * (missing - behind) + shape + (1,) * behind)
        results.append(array)
    return results[0] if len(results) == 1 else tuple(results)


@composite(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    return _at_least(1, arys)


@composite(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    return _at_least(2, arys)


@composite(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    return _at_least(3, arys)


@composite(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(np.broadcast_to(a, shape) for a in args)


@composite(np.meshgrid)
def meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: Any = "xy"
) -> tuple[Any, ...]:
    stand_ins = [np.broadcast_to(0, np.size(x)) for x in xi]
    open_shapes = [g.shape for g in np.meshgrid(*stand_ins, sparse=True, indexing=indexing)]
    grids = [np.reshape(x, shape) for x, shape in zip(xi, open_shapes, strict=True)]
    return tuple(grids) if sparse else broadcast_arrays(*grids)


@composite(np.full_like)
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    like = np.empty_like(a, dtype=dtype, order=order, shape=shape)
    if not isinstance(fill_value, Recordable):
        return np.full_like(like, fill_value)
    return np.broadcast_to(cast(fill_value, like.dtype), like.shape)


@composite(np.astype)
def astype_(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    return astype(x, np.dtype(dtype))
