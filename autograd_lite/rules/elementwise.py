"""Derivative rules of NumPy's element-wise functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_lite.arrays.foreign import asarray_like
from autograd_lite.gradients import times_grown
from autograd_lite.operations import composite, defvjp
from autograd_lite.rules.indexing import cast
from autograd_lite.rules.masks import flat_at_infinity, gated
from autograd_lite.rules.special import sigmoid

LOG_2 = math.log(2)
LOG_10 = math.log(10)


def _to_larger(g: Any, x: Any, y: Any) -> Any:
    """The part of `g` that belongs to `x` where the larger of x and y was taken; ties share."""
    return np.where(x > y, g, np.where(x == y, g / 2, 0))


def _to_smaller(g: Any, x: Any, y: Any) -> Any:
    """The part of `g` that belongs to `x` where the smaller of x and y was taken; ties share."""
    return np.where(x < y, g, np.where(x == y, g / 2, 0))


def _power_base(g: Any, x: Any, y: Any) -> Any:
    if isinstance(y, (int, float)) and y > 1:
        return times_grown(g * y, x ** (y - 1))
    # Where y is 0 the exponent stays 0, so that the zero in front is not multiplied by 1 / 0.
    slope = g * y * x ** (y - (y != 0))
    return flat_at_infinity(slope, x) if isinstance(y, (int, float)) and y < 0 else slope


def _power_exponent(g: Any, x: Any, out: Any) -> Any:
    # a ** b is 0 for every b > 0 where a is 0, so nothing changes with b there.
    positive = np.where(x == 0, 1, x)
    return times_grown(g, out) * np.log(positive)


def _not_zero(x: Any) -> Any:
    """`x` with 1 for 0, for denominators below a numerator that is 0 there too."""
    return np.where(x == 0, 1, x)


def _absolute(g: Any, x: Any, out: Any) -> Any:
    if np.iscomplexobj(x):
        return g * (np.conjugate(x) / _not_zero(out))
    return g * np.sign(x)


def _i1_by_x(x: Any) -> Any:
    """I1(x) / x, the mean of exp(x cos t) sin(t)^2 over a turn (Abramowitz and Stegun, 9.6.18).

    The rule of midpoints is exact to rounding for a periodic function; all terms are positive.
    With 256 of them, four at a time, the error is 4e-14 for |x| < 700, before I0 overflows at 713.
    """
    angles = (np.arange(64) + 0.5) * (np.pi / 128)
    ends, weights = np.cos(angles).astype(x.dtype), (np.sin(angles) ** 2 / 64).astype(x.dtype)
    ends, weights = asarray_like(ends, x), asarray_like(weights, x)
    return np.dot(np.cosh(np.expand_dims(x, -1) * ends), weights)


def _sinc(g: Any, x: Any, out: Any) -> Any:
    # The derivative is (cos(pi x) - sinc(x)) / x, and its limit at 0 is 0; there it goes as
    # -(pi^2 / 3) x, which keeps the second derivative right.
    near = np.where(x == 0, 1, x)
    slope = (np.cos(np.pi * near) - np.sinc(near)) / near
    return g * np.where(x == 0, -(np.pi**2 / 3) * x, slope)


defvjp(np.add, x=lambda g: g, y=lambda g: g)
defvjp(np.subtract, x=lambda g: g, y=lambda g: -g)
defvjp(np.multiply, x=lambda g, y: g * y, y=lambda g, x: g * x)
defvjp(np.divide, x=lambda g, y: g / y, y=lambda g, y, out: flat_at_infinity(-g * out / y, y))
defvjp(np.power, x=_power_base, y=_power_exponent)
defvjp(np.negative, x=lambda g: -g)
defvjp(np.positive, x=lambda g: g)

defvjp(np.exp, x=lambda g, out: times_grown(g, out))
defvjp(np.exp2, x=lambda g, out: times_grown(g, out * LOG_2))
defvjp(np.expm1, x=lambda g, out: times_grown(g, out + 1))
defvjp(np.log, x=lambda g, x: g / x)
defvjp(np.log2, x=lambda g, x: g / (x * LOG_2))
defvjp(np.log10, x=lambda g, x: g / (x * LOG_10))
defvjp(np.log1p, x=lambda g, x: g / (x + 1))
# Where both are large, the logarithm of the sum is lost in `out`, and exp(x - out) is 1 for both.
defvjp(
    np.logaddexp,
    x=lambda g, x, y: g * sigmoid(x - y),
    y=lambda g, x, y: g * sigmoid(y - x),
)
defvjp(
    np.logaddexp2,
    x=lambda g, x, y: g * sigmoid((x - y) * LOG_2),
    y=lambda g, x, y: g * sigmoid((y - x) * LOG_2),
)

defvjp(np.sqrt, x=lambda g, out: g / (2 * out))
defvjp(np.cbrt, x=lambda g, out: g / (3 * out * out))
defvjp(np.square, x=lambda g, x: times_grown(g, 2 * x))
defvjp(np.reciprocal, x=lambda g, x, out: flat_at_infinity(-g * out * out, x))
defvjp(np.float_power, x=_power_base, y=_power_exponent)

defvjp(np.sin, x=lambda g, x: g * np.cos(x))
defvjp(np.cos, x=lambda g, x: -g * np.sin(x))
defvjp(np.tan, x=lambda g, out: g * (1 + out * out))
defvjp(np.arcsin, x=lambda g, x: g / np.sqrt(1 - x * x))
defvjp(np.arccos, x=lambda g, x: -g / np.sqrt(1 - x * x))
defvjp(np.arctan, x=lambda g, x: g / (1 + x * x))
defvjp(np.sinh, x=lambda g, x: times_grown(g, np.cosh(x)))
defvjp(np.cosh, x=lambda g, x: times_grown(g, np.sinh(x)))
defvjp(np.tanh, x=lambda g, out: g * (1 - out * out))
defvjp(np.arcsinh, x=lambda g, x: g / np.sqrt(x * x + 1))
# Two square roots: for complex x their product is on the branch that arccosh takes.
defvjp(np.arccosh, x=lambda g, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)))
defvjp(np.arctanh, x=lambda g, x: g / (1 - x * x))
# Divided twice by the distance, whose square may be too large or too small a number.
defvjp(
    np.arctan2,
    x=lambda g, x, y: g * (y / np.hypot(x, y)) / np.hypot(x, y),
    y=lambda g, x, y: -g * (x / np.hypot(x, y)) / np.hypot(x, y),
)
defvjp(
    np.hypot,
    x=lambda g, x, out: g * (x / _not_zero(out)),
    y=lambda g, y, out: g * (y / _not_zero(out)),
)
defvjp(np.sinc, x=_sinc)
defvjp(np.deg2rad, x=lambda g: g * (np.pi / 180))
defvjp(np.radians, x=lambda g: g * (np.pi / 180))
defvjp(np.rad2deg, x=lambda g: g * (180 / np.pi))
defvjp(np.degrees, x=lambda g: g * (180 / np.pi))
defvjp(np.unwrap, p=lambda g: g)

defvjp(np.i0, x=lambda g, x: g * x * _i1_by_x(x))

defvjp(np.absolute, x=_absolute)
defvjp(np.fabs, x=lambda g, x: g * np.sign(x))
defvjp(np.copysign, x=lambda g, x, y: g * (np.sign(x) * np.copysign(1.0, y)), y=None)
defvjp(np.ldexp, x=lambda g, exponent: np.ldexp(g, exponent), exponent=None)
defvjp(np.remainder, x=lambda g: g, y=lambda g, x, y: -g * np.floor_divide(x, y))
defvjp(np.fmod, x=lambda g: g, y=lambda g, x, y: -g * np.trunc(x / y))
defvjp(np.modf, x=lambda g: g[0])
defvjp(np.heaviside, x=None, at_zero=lambda g, x: g * (x == 0))


@composite(np.nan_to_num)
def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    if not copy:
        raise ValueError("np.nan_to_num(copy=False) would write into a Tensor; omit copy=")
    if np.iscomplexobj(x):
        parts = (nan_to_num(part, True, nan, posinf, neginf) for part in (np.real(x), np.imag(x)))
        of_real, of_imaginary = parts
        return of_real + 1j * of_imaginary
    if x.dtype.kind != "f":
        return x
    limits = np.finfo(x.dtype)
    result = np.where(np.isnan(x), cast(nan, x.dtype), x)
    for at, value, limit in (
        (np.isposinf(x), posinf, limits.max),
        (np.isneginf(x), neginf, limits.min),
    ):
        result = np.where(at, limit if value is None else cast(value, x.dtype), result)
    return result


@composite(np.divmod)
def divmod_(x: Any, y: Any) -> Any:
    return np.floor_divide(x, y), np.remainder(x, y)


@composite(np.clip)
def clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    out: None = None,
    *,
    min: Any = None,
    max: Any = None,
) -> Any:
    low = a_min if a_min is not None else min
    high = a_max if a_max is not None else max
    a = a if low is None else np.maximum(a, low)
    return a if high is None else np.minimum(a, high)


# A gradient with respect to z = x + iy is dL/dx - i dL/dy, as in HIPS autograd and JAX: the rules
# of holomorphic functions are then those of real ones.
defvjp(np.real, x=lambda g: g)
defvjp(np.imag, x=lambda g: g * -1j)
defvjp(np.conjugate, x=lambda g: np.conjugate(g))
defvjp(np.real_if_close, x=lambda g: g)
defvjp(np.angle, z=lambda g, z, deg: g * (-180j / np.pi if deg else -1j) / z)

defvjp(np.maximum, x=_to_larger, y=lambda g, x, y: _to_larger(g, y, x))
defvjp(np.minimum, x=_to_smaller, y=lambda g, x, y: _to_smaller(g, y, x))
# A number prevails over NaN.
defvjp(
    np.fmax,
    x=lambda g, x, y: np.where(np.isnan(y), g, _to_larger(g, x, y)),
    y=lambda g, x, y: np.where(np.isnan(x), g, _to_larger(g, y, x)),
)
defvjp(
    np.fmin,
    x=lambda g, x, y: np.where(np.isnan(y), g, _to_smaller(g, x, y)),
    y=lambda g, x, y: np.where(np.isnan(x), g, _to_smaller(g, y, x)),
)
defvjp(
    np.where,
    condition=None,
    x=lambda g, condition: gated(g, condition),
    y=lambda g, condition: gated(g, np.logical_not(condition)),
)
