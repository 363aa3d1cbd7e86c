"""Convolution, interpolation, polynomials, and functions applied along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.rules.registry import Recordable, composite, defvjp, primitive


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


@composite(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    a, v = (np.reshape(x, -1) for x in (a, v))
    if len(v) > len(a):
        a, v = v, a
    return _middle(full_convolution(a, v), len(a), len(v), mode)


@composite(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    a, v = (np.reshape(x, -1) for x in (a, v))
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
    raise ValueError(f"mode must be 'full', 'same' or 'valid', not {mode!r}")


def _array(value: Any) -> Any:
    return value if isinstance(value, Recordable) else np.asarray(value)


@composite(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """Straight lines between points. At a point the slope is that of the line to its right."""
    if period is not None:
        raise TypeError("np.interp(period=...) has no derivative here; take x modulo it first")
    # NumPy interpolates in double precision, whatever it is given.
    x, xp = (_array(a).astype(np.float64) for a in (x, xp))
    fp = _array(fp)
    fp = fp.astype(np.complex128 if np.iscomplexobj(fp) else np.float64)
    at = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, max(len(xp) - 2, 0))
    after = np.minimum(at + 1, len(xp) - 1)
    x0, x1, y0, y1 = xp[at], xp[after], fp[at], fp[after]
    width = np.where(at == after, 1, x1 - x0)
    result = y0 + (y1 - y0) / width * (x - x0)
    result = np.where(x < xp[0], fp[0] if left is None else left, result)
    return np.where(x > xp[-1], fp[-1] if right is None else right, result)


@composite(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """Horner's scheme."""
    result = np.zeros_like(x)
    for coefficient in p:
        result = result * x + coefficient
    return result


@composite(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    return _same_length(a1, a2)[0] + _same_length(a1, a2)[1]


@composite(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    return _same_length(a1, a2)[0] - _same_length(a1, a2)[1]


@composite(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    return np.convolve(a1, a2)


def _same_length(a1: Any, a2: Any) -> tuple[Any, Any]:
    """Both with leading zeros to the length of the longer."""
    a1, a2 = (np.reshape(a, -1) for a in (a1, a2))
    n = max(len(a1), len(a2))
    first, second = (np.concatenate([np.zeros(n - len(a), a.dtype), a]) for a in (a1, a2))
    return first, second


@composite(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """The product of the factors (x - z)."""
    if np.ndim(seq_of_zeros) != 1:
        raise TypeError("np.poly of a matrix has no derivative here; pass its np.linalg.eigvals")
    result = np.ones(1, seq_of_zeros.dtype)
    for z in seq_of_zeros:
        result = np.convolve(result, np.stack([np.ones((), seq_of_zeros.dtype), -z]))
    return result


@composite(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@composite(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    constants = np.broadcast_to(0 if k is None else k, (m,))
    for i in range(m):
        p = np.concatenate([p / np.arange(len(p), 0, -1), constants[i : i + 1]])
    return p


@composite(np.apply_along_axis)
def apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """`func1d` of every line of `arr`, the results stacked in the place of `axis`."""
    axis = axis % arr.ndim
    lines = np.moveaxis(arr, axis, -1)
    results = [func1d(lines[i], *args, **kwargs) for i in np.ndindex(lines.shape[:-1])]
    if not results:
        raise ValueError("apply_along_axis needs at least one line to apply the function to")
    shape = np.shape(results[0])
    stacked = np.reshape(np.stack(results), (*lines.shape[:-1], *shape))
    ends = range(arr.ndim - 1, arr.ndim - 1 + len(shape))
    return np.moveaxis(stacked, tuple(ends), tuple(axis + i for i in range(len(shape))))


@composite(np.apply_over_axes)
def apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    for axis in np.atleast_1d(axes).tolist():
        axis = axis % a.ndim
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
    parts = max(num - 1 if endpoint else num, 1)
    step = (stop - start) / parts
    rows = np.reshape(np.arange(num).astype(step.dtype), (num,) + (1,) * np.ndim(step))
    result = np.moveaxis(start + rows * step, 0, axis)
    result = result if dtype is None else result.astype(dtype)
    return (result, step) if retstep else result


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
    result = base ** np.linspace(start, stop, num, endpoint, axis=axis)
    return result if dtype is None else result.astype(dtype)
