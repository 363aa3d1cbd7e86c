"""Convolution, interpolation, numbers at regular steps, and functions applied along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd_lite.arrays.foreign import is_unknown
from autograd_lite.operations import composite, defvjp, primitive
from autograd_lite.rules.matrices import as_array, plain


@primitive
def full_convolution(a: Any, v: Any) -> Any:
    """The convolution of two vectors wherever they overlap."""
    return np.convolve(a, v, mode="full")


# Turned round, one operand takes a sliding product with the gradient.
defvjp(
    full_convolution,
    a=lambda g, v, a_shape: full_convolution(g, v[::-1])[len(v) - 1 : len(v) - 1 + a_shape[0]],
    v=lambda g, a, v_shape: full_convolution(g, a[::-1])[len(a) - 1 : len(a) - 1 + v_shape[0]],
)


def _vector(x: Any) -> Any:
    x = as_array(x)
    if x.ndim > 1:
        raise ValueError(f"np.convolve and np.correlate take vectors, not shape {x.shape}")
    return np.reshape(x, -1)


@composite(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = _vector(a), _vector(v)
    if len(v) > len(a):
        a, v = v, a
    return _middle(full_convolution(a, v), len(a), len(v), mode)


@composite(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    a, v = _vector(a), _vector(v)
    if len(v) > len(a):
        # NumPy exchanges the two, and turns the result round.
        full = full_convolution(np.conjugate(v), a[::-1])[::-1]
        if mode == "same":
            start = len(a) // 2
            return full[start : start + len(v)]
        return _middle(full, len(v), len(a), mode)
    return _middle(full_convolution(a, np.conjugate(v)[::-1]), len(a), len(v), mode)


def _middle(full: Any, longer: int, shorter: int, mode: str) -> Any:
    """The part of a full convolution that `mode` asks for."""
    if mode == "full":
        return full
    if mode == "same":
        start = (shorter - 1) // 2
        return full[start : start + longer]
    if mode == "valid":
        return full[shorter - 1 : longer]
    raise ValueError(
        f"np.convolve and np.correlate: mode is 'full', 'same' or 'valid', not {mode!r}"
    )


@composite(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """Straight lines between points. At a point the slope is that of the line to its right."""
    # NumPy interpolates in double precision, whatever it is given.
    x, xp = (as_array(a).astype(np.float64) for a in (x, xp))
    fp = as_array(fp)
    fp = fp.astype(np.complex128 if np.iscomplexobj(fp) else np.float64)
    if period is not None:
        x, xp, fp = _one_period(x, xp, fp, abs(period))
        left = right = None
    at = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, max(len(xp) - 2, 0))
    after = np.minimum(at + 1, len(xp) - 1)
    x0, x1, y0, y1 = xp[at], xp[after], fp[at], fp[after]
    width = np.where(at == after, 1, x1 - x0)
    slope = (y1 - y0) / width
    result = y0 + slope * (x - x0)
    # Beside an infinite point the line is followed from the other end, as NumPy does it.
    result = np.where(np.isnan(result), y1 + slope * (x - x1), result)
    result = np.where(np.isnan(result) & ((x == x0) | (y0 == y1)), y0, result)
    result = np.where(np.isnan(result) & (x == x1), y1, result)
    result = np.where(x < xp[0], fp[0] if left is None else left, result)
    return np.where(x > xp[-1], fp[-1] if right is None else right, result)


def _one_period(x: Any, xp: Any, fp: Any, period: float) -> tuple[Any, Any, Any]:
    """Points in the first period and one beyond each of its ends, as NumPy has them."""
    if period == 0:
        raise ValueError("np.interp: period must be a non-zero value")
    x, xp = x % period, xp % period
    order = np.argsort(plain(xp))
    xp, fp = xp[order], fp[order]
    xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
    return x, xp, np.concatenate([fp[-1:], fp, fp[:1]])


@composite(np.apply_along_axis)
def apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """`func1d` of every line of `arr`, the results stacked in the place of `axis`."""
    axis = normalize_axis_index(axis, arr.ndim)
    lines = np.moveaxis(arr, axis, -1)
    results = [func1d(lines[i], *args, **kwargs) for i in np.ndindex(lines.shape[:-1])]
    if not results:
        raise ValueError("np.apply_along_axis needs at least one line to apply the function to")
    shape = np.shape(results[0])
    stacked = np.reshape(np.stack(results), (*lines.shape[:-1], *shape))
    ends = range(arr.ndim - 1, arr.ndim - 1 + len(shape))
    return np.moveaxis(stacked, tuple(ends), tuple(axis + i for i in range(len(shape))))


@composite(np.apply_over_axes)
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    for axis in np.atleast_1d(axes).tolist():
        axis = axis + a.ndim if axis < 0 else axis
        result = func(a, axis)
        a = result if result.ndim == a.ndim else np.expand_dims(result, axis)
    return a


@composite(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    if num < 0:
        raise ValueError(f"np.linspace gives num numbers, and num = {num} is negative")
    # Numbers stay as they are: they leave single precision alone.
    start, stop = (as_array(a) if np.ndim(a) else a for a in (start, stop))
    parts = num - 1 if endpoint else num
    step = (stop - start) / max(parts, 1)
    rows = np.reshape(np.arange(num).astype(step.dtype), (num,) + (1,) * np.ndim(step))
    result = np.moveaxis(start + rows * step, 0, axis)
    if dtype is not None:
        whole = np.issubdtype(dtype, np.integer)
        result = (np.floor(result) if whole else result).astype(dtype)
    return (result, step if parts > 0 else np.nan) if retstep else result


@composite(np.logspace)
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    if np.ndim(base):
        ndim = max(np.ndim(start), np.ndim(stop), np.ndim(base))
        start, stop, base = (
            np.reshape(a, (1,) * (ndim - np.ndim(a)) + np.shape(a)) for a in (start, stop, base)
        )
        base = np.expand_dims(base, axis)
    result = base ** np.linspace(start, stop, num, endpoint, axis=axis)
    return result if dtype is None else result.astype(dtype)


@composite(np.geomspace)
def geomspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """start (stop / start)^t for t from 0 to 1."""
    start, stop = as_array(start), as_array(stop)
    ends = [end for end in (plain(start), plain(stop)) if not is_unknown(end)]
    if any(np.any(end == 0) for end in ends):
        raise ValueError("np.geomspace: a geometric sequence cannot include zero")
    kind = np.result_type(plain(start), plain(stop), float(num), np.zeros((), dtype))
    start, stop = start.astype(kind), stop.astype(kind)
    steps = np.linspace(np.zeros_like(plain(start)), np.log(stop / start), num, endpoint, axis=axis)
    result = np.expand_dims(start * np.ones_like(plain(stop)), axis) * np.exp(steps)
    return result if dtype is None else result.astype(dtype)
