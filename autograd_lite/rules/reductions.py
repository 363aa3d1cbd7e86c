"""Derivative rules of NumPy's reductions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_lite.operations import composite, defvjp
from autograd_lite.rules.masks import gated

Axis = int | tuple[int, ...] | None


def expand(g: Any, x_shape: tuple[int, ...], axis: Axis, keepdims: bool | None) -> Any:
    """The gradient of a reduction of an operand of shape `x_shape`, with the reduced axes as 1."""
    if keepdims or axis is None or not x_shape:
        return g
    reduced = normalize_axis_tuple(axis, len(x_shape))
    return np.reshape(g, tuple(1 if i in reduced else n for i, n in enumerate(x_shape)))


def _reduced(axis: Axis, ndim: int) -> tuple[int, ...]:
    """The reduced axes, counted from 0. A number has an axis 0 for NumPy's ufuncs."""
    return normalize_axis_tuple(range(ndim) if axis is None or not ndim else axis, ndim)


def _sum(g: Any, x_shape: tuple[int, ...], axis: Axis, keepdims: bool | None, where: Any) -> Any:
    g = expand(g, x_shape, axis, keepdims)
    return g if where is None else gated(np.broadcast_to(g, x_shape), where)


def _mean(g: Any, x_shape: tuple[int, ...], axis: Axis, keepdims: bool | None, where: Any) -> Any:
    if where is None:
        count = math.prod(x_shape[i] for i in _reduced(axis, len(x_shape)))
        # By a Python number: a count does not fit into float16.
        return expand(g * (1 / count) if count else g, x_shape, axis, keepdims)
    selected = np.broadcast_to(where, x_shape)
    counts = np.sum(selected, axis=axis, keepdims=True)
    g = expand(g, x_shape, axis, keepdims) / np.maximum(counts, 1)
    return gated(np.broadcast_to(g, x_shape), selected)


def _extreme(g: Any, x: Any, out: Any, axis: Axis, keepdims: bool | None, where: Any) -> Any:
    """The gradient of max or min: elements that tie for it share equally."""
    out = expand(out, x.shape, axis, keepdims)
    chosen = (x == out) | (np.isnan(x) & np.isnan(out))
    if where is not None:
        chosen = chosen & where
    count = np.sum(chosen, axis=axis, keepdims=True)
    # A count need not fit into the dtype, a share of 1 does.
    shares = np.divide(chosen, np.maximum(count, 1)).astype(x.dtype)
    return expand(g, x.shape, axis, keepdims) * shares


def wide(x: Any) -> Any:
    """`x` to be added up, in single precision if it is in half: there 2,048 + 1 is 2,048."""
    return x.astype(np.float32) if getattr(x, "dtype", None) == np.float16 else x


def _cumsum(g: Any, x_shape: tuple[int, ...], axis: int | None) -> Any:
    g = wide(g)
    if axis is None:
        return np.reshape(np.cumsum(g[::-1])[::-1], x_shape)
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


defvjp(np.sum, x=_sum)
defvjp(np.mean, x=_mean)
for _function in (np.max, np.min, np.amax, np.amin):
    defvjp(_function, x=_extreme)
defvjp(np.cumsum, x=_cumsum)


@composite(np.prod)
def prod(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = np._NoValue,
    where: Any = True,
) -> Any:
    """A tree of products of pairs: its derivatives divide by nothing, so zeros are no exception."""
    a = a if dtype is None else a.astype(dtype)
    a = a if where is True else np.where(where, a, 1)
    axes = _reduced(axis, a.ndim)
    kept = [n for i, n in enumerate(a.shape) if i not in axes]
    others = [i for i in range(a.ndim) if i not in axes]
    count = math.prod(a.shape[i] for i in axes)
    rows = np.reshape(np.transpose(a, (*axes, *others)), (count, *kept))
    while len(rows) > 1:
        half = len(rows) // 2
        pairs = rows[:half] * rows[half : 2 * half]
        rows = np.concatenate([pairs, rows[2 * half :]]) if len(rows) % 2 else pairs
    result = rows[0] if count else np.sum(rows, axis=0) + 1
    shape = tuple(1 if i in axes else n for i, n in enumerate(a.shape)) if keepdims else kept
    result = np.reshape(result, tuple(shape))
    return result if initial is np._NoValue else (result * initial).astype(result.dtype)


@composite(np.cumprod)
def cumprod(a: Any, axis: int | None = None, dtype: Any = None, out: None = None) -> Any:
    """Products over ever longer stretches: logarithmically many steps, and no division."""
    a = a if dtype is None else a.astype(dtype)
    a, axis = (np.reshape(a, -1), 0) if axis is None or not a.ndim else (a, axis)
    rows = np.moveaxis(a, axis, 0)
    reach = 1
    while reach < len(rows):
        rows = np.concatenate([rows[:reach], rows[reach:] * rows[:-reach]])
        reach *= 2
    return np.moveaxis(rows, 0, axis)


@composite(np.cumulative_sum)
def cumulative_sum(
    x: Any,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    out: None = None,
    include_initial: bool = False,
) -> Any:
    return _cumulative(np.cumsum, 0, x, axis, dtype, include_initial)


@composite(np.cumulative_prod)
def cumulative_prod(
    x: Any,
    /,
    *,
    axis: int | None = None,
    dtype: Any = None,
    out: None = None,
    include_initial: bool = False,
) -> Any:
    return _cumulative(np.cumprod, 1, x, axis, dtype, include_initial)


def _cumulative(
    function: Any, start: int, x: Any, axis: int | None, dtype: Any, initial: bool
) -> Any:
    x = np.reshape(x, -1) if not x.ndim else x
    if axis is None and x.ndim > 1:
        raise ValueError(
            "np.cumulative_sum and np.cumulative_prod need axis= for an array of several dimensions"
        )
    axis = axis or 0
    result = function(x, axis=axis) if dtype is None else function(x, axis=axis, dtype=dtype)
    if not initial:
        return result
    shape = tuple(1 if i == axis % x.ndim else n for i, n in enumerate(x.shape))
    return np.concatenate([np.full(shape, start, result.dtype), result], axis=axis)
