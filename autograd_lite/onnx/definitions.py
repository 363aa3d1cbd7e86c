"""NumPy's element-wise functions, written in those that ONNX Runtime computes as NumPy does.

ONNX has no operator for many of them, and ONNX Runtime has none in double precision for others, or
one that loses the digits of small results or the infinities of large ones. Each definition is plain
NumPy on real numbers of one dtype, is right to rounding over the whole range, and uses what has an
operator, or other definitions. The sign of zero is that of NumPy in `copysign` and `arctan2` only,
that of NaN in none.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.operations import by_value

LOG_2 = math.log(2)
LOG_10 = math.log(10)

# Pi / 2 in three parts. The first two have 33 bits, so that their products with numbers of 20 bits
# are exact; from fdlibm's e_rem_pio2.c.
_HALF_PI = (1.57079632673412561417e00, 6.07710050630396597660e-11, 2.02226624879595063154e-21)
_REDUCED_BELOW = 1e5
_LARGE = 1e30


@by_value
def sine(x: Any) -> Any:
    """ONNX's Sin itself."""
    return np.sin(x)


@by_value
def cosine(x: Any) -> Any:
    """ONNX's Cos itself."""
    return np.cos(x)


@by_value
def quotient(x: Any, y: Any) -> Any:
    """ONNX's Div itself, of integers: rounded towards 0. It must not overflow or divide by 0."""
    return (x - np.fmod(x, y)) // y


def expm1(x: Any) -> Any:
    """exp(x) - 1; near 0 with Kahan's correction for the rounding of exp(x)."""
    power = np.exp(x)
    near = np.where(power == 1, x, (power - 1) * (x / np.log(power)))
    return np.where(abs(x) < 1, near, power - 1)


def log1p(x: Any) -> Any:
    """log(1 + x); near 0 with Kahan's correction for the rounding of 1 + x."""
    total = 1 + x
    near = np.where(total == 1, x, x / (total - 1) * np.log(total))
    return np.where(abs(x) < 1, near, np.log(total))


def exp2(x: Any) -> Any:
    return np.power(2.0, x)


def log2(x: Any) -> Any:
    return np.log(x) / LOG_2


def log10(x: Any) -> Any:
    return np.log(x) / LOG_10


def logaddexp(x: Any, y: Any) -> Any:
    apart = np.maximum(x, y) + np.log1p(np.exp(-abs(x - y)))
    # The difference of two equal infinities is NaN.
    return np.where(x == y, x + LOG_2, apart)


def logaddexp2(x: Any, y: Any) -> Any:
    apart = np.maximum(x, y) + np.log1p(np.exp2(-abs(x - y))) / LOG_2
    return np.where(x == y, x + 1, apart)


def cbrt(x: Any) -> Any:
    """A power of 1 / 3, and a step of Newton's for the rounding of 1 / 3."""
    size = abs(x)
    root = np.power(size, 1 / 3)
    root = root - (root - size / (root * root)) / 3
    return np.where((x == 0) | np.isinf(x), x, np.where(x < 0, -root, root))


def hypot(x: Any, y: Any) -> Any:
    x, y = abs(x), abs(y)
    larger, smaller = np.maximum(x, y), np.minimum(x, y)
    ratio = smaller / larger
    length = np.where(larger == 0, larger, larger * np.sqrt(1 + ratio * ratio))
    return np.where(np.isinf(x) | np.isinf(y), math.inf, length)


def _quarters(x: Any) -> tuple[Any, Any, Any]:
    """The sine and cosine of x less its whole quarters of a turn, and their number modulo 4."""
    turns = np.rint(x * (2 / math.pi))
    rest = x
    for part in _HALF_PI:
        rest = rest - turns * part
    return sine(rest), cosine(rest), turns - 4 * np.floor(turns / 4)


def sin(x: Any) -> Any:
    s, c, quarter = _quarters(x)
    near = np.where(quarter < 2, np.where(quarter == 0, s, c), np.where(quarter == 2, -s, -c))
    return np.where(abs(x) < _REDUCED_BELOW, near, sine(x))


def cos(x: Any) -> Any:
    s, c, quarter = _quarters(x)
    near = np.where(quarter < 2, np.where(quarter == 0, c, -s), np.where(quarter == 2, -c, s))
    return np.where(abs(x) < _REDUCED_BELOW, near, cosine(x))


def tan(x: Any) -> Any:
    s, c, quarter = _quarters(x)
    near = np.where((quarter == 1) | (quarter == 3), -c / s, s / c)
    return np.where(abs(x) < _REDUCED_BELOW, near, sine(x) / cosine(x))


def arctan(x: Any) -> Any:
    """The arc in single precision, and that of what is missing, which is as small as its tangent.

    tan(a - b) = (tan a - tan b) / (1 + tan a tan b).
    """
    x = np.minimum(np.maximum(x, -_LARGE), _LARGE)
    arc = np.arctan(x.astype(np.float32)).astype(np.float64)
    s, c = sine(arc), cosine(arc)
    return arc + (x * c - s) / (c + x * s)


def arcsin(x: Any) -> Any:
    return np.arctan(x / np.sqrt((1 - x) * (1 + x)))


def arccos(x: Any) -> Any:
    return 2 * np.arctan(np.sqrt((1 - x) / (1 + x)))


def arctan2(y: Any, x: Any) -> Any:
    high, wide = abs(y), abs(x)
    larger, smaller = np.maximum(high, wide), np.minimum(high, wide)
    # Zero by zero counts as 0, infinity by infinity as 1.
    ratio = np.where(larger == 0, larger, np.where(np.isinf(smaller), 1.0, smaller / larger))
    arc = np.arctan(ratio)
    arc = np.where(high > wide, math.pi / 2 - arc, arc)
    arc = np.where(np.signbit(x), math.pi - arc, arc)
    return np.copysign(arc, y)


def sinh(x: Any) -> Any:
    less_one = np.expm1(x)
    near = (less_one + less_one / (less_one + 1)) / 2
    # The square of exp(x / 2) overflows where the result does, exp(x) before.
    root = np.exp(abs(x) / 2)
    far = root / 2 * root - 1 / (2 * root * root)
    return np.where(abs(x) < 1, near, np.where(x < 0, -far, far))


def cosh(x: Any) -> Any:
    root = np.exp(abs(x) / 2)
    return root / 2 * root + 1 / (2 * root * root)


def arcsinh(x: Any) -> Any:
    size = abs(x)
    near = np.log1p(size + size * size / (1 + np.sqrt(1 + size * size)))
    found = np.where(size < 1e10, near, np.log(size) + LOG_2)
    return np.where(x < 0, -found, found)


def arccosh(x: Any) -> Any:
    above = x - 1
    near = np.log1p(above + np.sqrt(above * (above + 2)))
    return np.where(x < 1, math.nan, np.where(x < 1e10, near, np.log(x) + LOG_2))


def arctanh(x: Any) -> Any:
    size = abs(x)
    found = np.log1p(2 * size / (1 - size)) / 2
    return np.where(x < 0, -found, found)


def sinc(x: Any) -> Any:
    turned = x * math.pi
    return np.where(x == 0, 1.0, np.sin(turned) / turned)


def deg2rad(x: Any) -> Any:
    return x * (math.pi / 180)


def rad2deg(x: Any) -> Any:
    return x * (180 / math.pi)


def square(x: Any) -> Any:
    return x * x


def trunc(x: Any) -> Any:
    return np.floor(abs(x)) * np.where(x < 0, -1.0, 1.0)


def round_(a: Any, decimals: int = 0) -> Any:
    scale = 10.0 ** abs(decimals)
    if not decimals:
        return np.rint(a)
    return np.rint(a * scale) / scale if decimals > 0 else np.rint(a / scale) * scale


def remainder(x: Any, y: Any) -> Any:
    """The rest of x after division by y, with the sign of y."""
    left = np.fmod(x, y)
    return np.where((left != 0) & ((left < 0) != (y < 0)), left + y, left)


def floor_divide(x: Any, y: Any) -> Any:
    """The quotient without the remainder, to the nearest whole number: as NumPy's npy_divmod."""
    left = np.fmod(x, y)
    opposite = (left != 0) & ((left < 0) != (y < 0))
    found = (x - left) / y
    found = np.where(opposite, found - 1, found)
    whole = np.floor(found)
    whole = np.where(found - whole > 0.5, whole + 1, whole)
    return np.where(y == 0, x / y, whole)


def _divided(x: Any, y: Any) -> tuple[Any, Any]:
    """The quotient of integers, rounded towards 0, and what is left; 0 and 0 for y = 0."""
    # The processor divides neither by 0 nor the least of the integers by -1.
    divisor = np.where((y == 0) | (y == -1), 1, y)
    found = quotient(x, divisor)
    left = x - found * divisor
    return np.where(y == 0, 0, np.where(y == -1, -found, found)), np.where(y == 0, 0, left)


def whole_fmod(x: Any, y: Any) -> Any:
    return _divided(x, y)[1]


def whole_remainder(x: Any, y: Any) -> Any:
    _, left = _divided(x, y)
    return np.where((left != 0) & ((left < 0) != (y < 0)), left + y, left)


def whole_floor_divide(x: Any, y: Any) -> Any:
    found, left = _divided(x, y)
    return np.where((left != 0) & ((left < 0) != (y < 0)), found - 1, found)


def whole_power(x: Any, y: Any) -> Any:
    """Products of squares, which wrap as NumPy's do; None for an exponent that is not known."""
    if not isinstance(y, int) or not 0 <= y < 64:
        return None
    result = x * 0 + 1
    while y:
        result = result * x if y % 2 else result
        x, y = x * x, y // 2
    return result


def signbit(x: Any) -> Any:
    return (x < 0) | ((x == 0) & (1 / x < 0))


def copysign(x: Any, y: Any) -> Any:
    # ONNX Runtime's Where makes 0.0 of -0.0, its product does not.
    return abs(x) * np.where(np.signbit(y), -1.0, 1.0)


def heaviside(x: Any, at_zero: Any) -> Any:
    # NaN is what is left.
    return np.where(x > 0, 1.0, np.where(x < 0, 0.0, np.where(x == 0, at_zero, x)))


def fmax(x: Any, y: Any) -> Any:
    return np.where(np.isnan(x), y, np.where(np.isnan(y), x, np.maximum(x, y)))


def fmin(x: Any, y: Any) -> Any:
    return np.where(np.isnan(x), y, np.where(np.isnan(y), x, np.minimum(x, y)))


def ldexp(x: Any, exponent: Any) -> Any:
    """A third of the power at a time: all of it may overflow where the product does not."""
    dtype = x.dtype if hasattr(x, "dtype") else exponent.dtype
    widest = 300 if dtype == np.float32 else 2100
    exponent = np.minimum(np.maximum(exponent, -widest), widest)
    third = np.floor(exponent / 3)
    power = np.power(2.0, third)
    return x * power * power * np.power(2.0, exponent - 2 * third)


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


def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    largest = float(np.finfo(x.dtype).max)
    x = np.where(x == math.inf, largest if posinf is None else posinf, x)
    x = np.where(x == -math.inf, -largest if neginf is None else neginf, x)
    return np.where(np.isnan(x), nan, x)


def isfinite(x: Any) -> Any:
    return ~(np.isnan(x) | np.isinf(x))


def isposinf(x: Any) -> Any:
    return x == math.inf


def isneginf(x: Any) -> Any:
    return x == -math.inf


def not_equal(x: Any, y: Any) -> Any:
    return ~(x == y)


DEFINITIONS: dict[str, dict[Any, Callable[..., Any]]] = {
    "real": {
        **{np.expm1: expm1, np.log1p: log1p, np.exp2: exp2, np.log2: log2, np.log10: log10},
        **{np.logaddexp: logaddexp, np.logaddexp2: logaddexp2, np.cbrt: cbrt, np.hypot: hypot},
        **{np.arctan2: arctan2, np.sinc: sinc, np.deg2rad: deg2rad, np.radians: deg2rad},
        **{np.rad2deg: rad2deg, np.degrees: rad2deg, np.trunc: trunc, np.fix: trunc},
        **{np.round: round_, np.around: round_, np.remainder: remainder},
        **{np.floor_divide: floor_divide, np.signbit: signbit, np.copysign: copysign},
        **{np.heaviside: heaviside, np.fmax: fmax, np.fmin: fmin, np.ldexp: ldexp},
        **{np.nan_to_num: nan_to_num, np.isfinite: isfinite, np.isposinf: isposinf},
        np.isneginf: isneginf,
    },
    "double": {
        **{np.sin: sin, np.cos: cos, np.tan: tan, np.arctan: arctan, np.arcsin: arcsin},
        **{np.arccos: arccos, np.sinh: sinh, np.cosh: cosh, np.arcsinh: arcsinh},
        **{np.arccosh: arccosh, np.arctanh: arctanh},
    },
    "whole": {
        **{np.remainder: whole_remainder, np.fmod: whole_fmod, np.power: whole_power},
        **{np.floor_divide: whole_floor_divide, operator.pow: whole_power},
    },
    "exact": {
        **{np.fmax: lambda x, y: np.maximum(x, y), np.fmin: lambda x, y: np.minimum(x, y)},
        **{np.signbit: lambda x: x < 0, np.isfinite: lambda x: x == x},
        **{np.isposinf: lambda x: x != x, np.isneginf: lambda x: x != x},
        np.nan_to_num: lambda x, *args, **options: np.copy(x),
    },
    "any": {np.square: square, np.clip: clip, np.not_equal: not_equal},
}
"""What is computed by a definition: of floating-point numbers, in double precision only, of
integers, of integers and booleans, and of all numbers."""
