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

# exp(-x) I0(x) in Chebyshev's polynomials of x / 4 - 1, and exp(-x) sqrt(x) I0(x) in those of
# 16 / x - 1, the last coefficient first; from Cephes' i0.c, where NumPy has them from.
_I0_BELOW_8 = (
    -4.4153416464793395e-18,
    3.3307945188222384e-17,
    -2.431279846547955e-16,
    1.715391285555133e-15,
    -1.1685332877993451e-14,
    7.676185498604936e-14,
    -4.856446783111929e-13,
    2.95505266312964e-12,
    -1.726826291441556e-11,
    9.675809035373237e-11,
    -5.189795601635263e-10,
    2.6598237246823866e-09,
    -1.300025009986248e-08,
    6.046995022541919e-08,
    -2.670793853940612e-07,
    1.1173875391201037e-06,
    -4.4167383584587505e-06,
    1.6448448070728896e-05,
    -5.754195010082104e-05,
    0.00018850288509584165,
    -0.0005763755745385824,
    0.0016394756169413357,
    -0.004324309995050576,
    0.010546460394594998,
    -0.02373741480589947,
    0.04930528423967071,
    -0.09490109704804764,
    0.17162090152220877,
    -0.3046826723431984,
    0.6767952744094761,
)
_I0_ABOVE_8 = (
    -7.233180487874754e-18,
    -4.830504485944182e-18,
    4.46562142029676e-17,
    3.461222867697461e-17,
    -2.8276239805165836e-16,
    -3.425485619677219e-16,
    1.7725601330565263e-15,
    3.8116806693526224e-15,
    -9.554846698828307e-15,
    -4.150569347287222e-14,
    1.54008621752141e-14,
    3.8527783827421426e-13,
    7.180124451383666e-13,
    -1.7941785315068062e-12,
    -1.3215811840447713e-11,
    -3.1499165279632416e-11,
    1.1889147107846439e-11,
    4.94060238822497e-10,
    3.3962320257083865e-09,
    2.266668990498178e-08,
    2.0489185894690638e-07,
    2.8913705208347567e-06,
    6.889758346916825e-05,
    0.0033691164782556943,
    0.8044904110141088,
)


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


@by_value
def shifted_left(x: Any, n: Any) -> Any:
    """ONNX's BitShift itself, of the 64 bits of x by n in [0, 64)."""
    return np.left_shift(x, n)


@by_value
def shifted_right(x: Any, n: Any) -> Any:
    """ONNX's BitShift itself, of the 64 bits of x by n in [0, 64): zeros come in from the left."""
    bits, count = (np.asarray(v).astype(np.int64).astype(np.uint64) for v in (x, n))
    return np.right_shift(bits, count).astype(np.result_type(x, n))


@by_value
def not_negative(y: Any) -> Any:
    """y itself; ONNX's Gather makes ONNX Runtime fail where it is negative."""
    return y


def repeated(turn: Callable[..., Any]) -> Any:
    """ONNX's Loop itself: replaces values by `turn` of them until the last is 0, for the first.

    `turn` is element-wise, takes and gives as many values as there are, and leaves the first as it
    is where the last is 0. All values have the shape and the dtype of the result.
    """

    @by_value
    def repeat(*values: Any) -> Any:
        while np.any(values[-1]):
            values = turn(*values)
        return values[0]

    return repeat


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


def fraction(x: Any) -> Any:
    """The first result of modf."""
    return np.where(np.isinf(x), 0.0, x - np.trunc(x))


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
    # ONNX Runtime takes (1 / y) * z for z / y, of integers too: its product is of -(1 / y) here.
    left = x + -found * divisor
    return np.where(y == 0, 0, np.where(y == -1, -found, found)), np.where(y == 0, 0, left)


def whole_fmod(x: Any, y: Any) -> Any:
    return _divided(x, y)[1]


def whole_remainder(x: Any, y: Any) -> Any:
    _, left = _divided(x, y)
    return np.where((left != 0) & ((left < 0) != (y < 0)), left + y, left)


def whole_floor_divide(x: Any, y: Any) -> Any:
    found, left = _divided(x, y)
    return np.where((left != 0) & ((left < 0) != (y < 0)), found - 1, found)


def euclids_turn(x: Any, y: Any) -> Any:
    """(x, y) -> (y, x mod y) where y is not 0."""
    return np.where(y == 0, x, y), np.where(y == 0, 0, np.fmod(x, y))


common_divisor: Any = repeated(euclids_turn)


def _not_positive(x: Any) -> Any:
    """-abs(x), which does not overflow: the least of the integers has no opposite."""
    return np.where(x > 0, -x, x)


def _broadcast(*operands: Any) -> tuple[Any, ...]:
    """Broadcasts integers to the shape that they have together."""
    zero = sum(0 * x for x in operands)
    return tuple(x + zero for x in operands)


def gcd(x: Any, y: Any) -> Any:
    return -common_divisor(*_broadcast(_not_positive(x), _not_positive(y)))


def lcm(x: Any, y: Any) -> Any:
    x, y = _not_positive(x), _not_positive(y)
    # Division by 0 gives 0, and a negative quotient is one that overflowed.
    return -(_divided(x, common_divisor(*_broadcast(x, y)))[0] * y)


def squaring_turn(result: Any, base: Any, exponent: Any) -> Any:
    """Squares the base and halves the exponent: result * base**exponent stays as it is."""
    result = np.where((exponent & 1) == 1, result * base, result)
    return result, base * base, shifted_right(exponent, 1)


squarings: Any = repeated(squaring_turn)


def whole_power(x: Any, y: Any) -> Any:
    """Products of squares, which wrap as NumPy's do."""
    if isinstance(y, (int, np.integer)):
        result, y = x * 0 + 1, int(y)
        while y:
            result = result * x if y % 2 else result
            x, y = x * x, y // 2
        return result
    base, exponent = _broadcast(x, not_negative(y))
    return squarings(0 * base + 1, base, exponent)


def whole_reciprocal(x: Any) -> Any:
    """1 / x, rounded towards 0; 0 for 0, where NumPy's depends on the processor."""
    return np.where((x == 1) | (x == -1), x, 0)


def left_shift(x: Any, n: Any) -> Any:
    # The processor may take what is outside modulo the width.
    inside = (n >= 0) & (n < 64)
    return np.where(inside, shifted_left(x, np.where(inside, n, 0)), 0)


def right_shift(x: Any, n: Any) -> Any:
    """Copies of the sign come in from the left; after 63 there is nothing else."""
    sign = np.where(x < 0, -1, 0)
    return sign ^ shifted_right(sign ^ x, np.where((n >= 0) & (n < 64), n, 63))


def bitwise_count(x: Any) -> Any:
    """The ones of abs(x), summed in ever wider fields (Warren, Hacker's Delight, 5-1)."""
    x = x.astype(np.int64)
    x = np.where(x < 0, -x, x)
    x = x - (shifted_right(x, 1) & 0x5555555555555555)
    x = (x & 0x3333333333333333) + (shifted_right(x, 2) & 0x3333333333333333)
    x = (x + shifted_right(x, 4)) & 0x0F0F0F0F0F0F0F0F
    return shifted_right(x * 0x0101010101010101, 56)


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


def _normalised(size: Any, limits: Any) -> tuple[Any, Any]:
    """size / 2**e, which is in [1, 2), and e, for a finite positive number; others stay themselves.

    Exact: it is compared with powers of two and multiplied by them, and neither rounds.
    """
    widths = [2**i for i in reversed(range(int(limits.maxexp).bit_length() - 1))]
    exponent: Any = 0
    for width in widths:
        large = size >= 2.0**width
        size = np.where(large, size * 2.0**-width, size)
        exponent = exponent + np.where(large, width, 0)
    # The least of the numbers lie further below 1 than the largest above.
    for width in (widths[0], *widths):
        small = size < 2.0 ** (1 - width)
        size = np.where(small, size * 2.0**width, size)
        exponent = exponent - np.where(small, width, 0)
    return size, exponent


def mantissa(x: Any) -> Any:
    """The first result of frexp."""
    half = _normalised(abs(x), np.finfo(x.dtype))[0] / 2
    return np.where(x < 0, -half, half)


def exponent(x: Any) -> Any:
    """The second result of frexp."""
    found = _normalised(abs(x), np.finfo(x.dtype))[1] + 1
    return np.where((x == 0) | ~np.isfinite(x), 0, found)


def _neighbour(x: Any, y: Any, limits: Any) -> Any:
    """The number next to x in the direction of y, of the dtype with these limits."""
    least = float(limits.smallest_subnormal)
    largest = float(limits.max)
    outwards = (x < y) == (x > 0)
    size = abs(x)
    power = size / _normalised(size, np.finfo(np.result_type(x, y)))[0]
    gap = power * float(limits.eps)
    # Below a power of two the numbers lie twice as close.
    gap = np.maximum(np.where(outwards | (size > power), gap, gap / 2), least)
    size = np.where(outwards, size + gap, size - gap)
    size = np.where(np.isinf(x), largest, np.where(size > largest, math.inf, size))
    found = np.where(x == 0, np.where(y < 0, -least, least), np.where(x < 0, -size, size))
    return np.where(x == y, y, np.where(np.isnan(x) | np.isnan(y), math.nan, found))


def nextafter(x: Any, y: Any) -> Any:
    return _neighbour(x, y, np.finfo(np.result_type(x, y)))


def half_nextafter(x: Any, y: Any) -> Any:
    return _neighbour(x, y, np.finfo(np.float16))


def spacing(x: Any) -> Any:
    """The distance to the next number that is further from 0, with the sign of x."""
    outwards = np.where(x < 0, -math.inf, math.inf).astype(x.dtype)
    return np.where(np.isinf(x), math.nan, np.nextafter(x, outwards) - x)


def half_spacing(x: Any) -> Any:
    """The distance to the next larger number, for negative ones too, as in NumPy."""
    return np.where(np.isinf(x), math.nan, half_nextafter(x, math.inf) - x)


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


def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    b = b * 1.0
    near = (abs(a - b) <= atol + rtol * abs(b)) & np.isfinite(b) | (a == b)
    return near | (np.isnan(a) & np.isnan(b)) if equal_nan else near


def angle(z: Any, deg: bool = False) -> Any:
    half_turn = 180.0 if deg else math.pi
    return np.where(np.isnan(z), z, np.where(np.signbit(z), half_turn, 0.0))


def imag(val: Any) -> Any:
    return (val == val) * 0


def isreal(x: Any) -> Any:
    return np.imag(x) == 0


def iscomplex(x: Any) -> Any:
    return np.imag(x) != 0


def _chebyshev(x: Any, coefficients: tuple[float, ...]) -> Any:
    """The sum of coefficients times Chebyshev's polynomials of x / 2, by Clenshaw's recurrence.

    The last coefficient, that of the constant, counts half.
    """
    first, *others = coefficients
    older, old, new = 0.0, 0.0, first
    for coefficient in others:
        older, old = old, new
        new = x * old - older + coefficient
    return (new - older) / 2


def i0(x: Any) -> Any:
    """exp(x) times a series in x up to 8, and one in 1 / x above; as NumPy, from Cephes' i0.c."""
    x = abs(x)
    near = np.exp(x) * _chebyshev(x / 2 - 2, _I0_BELOW_8)
    far = np.exp(x) * _chebyshev(32 / x - 2, _I0_ABOVE_8) / np.sqrt(x)
    return np.where(x <= 8, near, far)


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
        **{np.isneginf: isneginf, np.i0: i0, np.angle: angle, np.isclose: isclose},
        **{fraction: fraction, mantissa: mantissa, exponent: exponent},
        **{np.nextafter: nextafter, np.spacing: spacing},
    },
    "half": {np.nextafter: half_nextafter, np.spacing: half_spacing},
    "double": {
        **{np.sin: sin, np.cos: cos, np.tan: tan, np.arctan: arctan, np.arcsin: arcsin},
        **{np.arccos: arccos, np.sinh: sinh, np.cosh: cosh, np.arcsinh: arcsinh},
        **{np.arccosh: arccosh, np.arctanh: arctanh},
    },
    "whole": {
        **{np.remainder: whole_remainder, np.fmod: whole_fmod, np.power: whole_power},
        **{np.floor_divide: whole_floor_divide, operator.pow: whole_power},
        **{np.reciprocal: whole_reciprocal, np.gcd: gcd, np.lcm: lcm},
        **{np.left_shift: left_shift, np.right_shift: right_shift},
        np.bitwise_count: bitwise_count,
    },
    "exact": {
        **{np.fmax: lambda x, y: np.maximum(x, y), np.fmin: lambda x, y: np.minimum(x, y)},
        **{np.signbit: lambda x: x < 0, np.isfinite: lambda x: x == x},
        **{np.isposinf: lambda x: x != x, np.isneginf: lambda x: x != x},
        np.nan_to_num: lambda x, *args, **options: np.copy(x),
        np.isclose: lambda a, b, *args, **options: np.isclose(a * 1.0, b, *args, **options),
        exponent: lambda x: exponent(x * 1.0),
    },
    "any": {
        **{np.square: square, np.clip: clip, np.not_equal: not_equal},
        **{np.imag: imag, np.isreal: isreal, np.iscomplex: iscomplex},
    },
}
"""What is computed by a definition: of floating-point numbers, in half or in double precision only,
of integers, of integers and booleans, and of all numbers."""

PARTS: dict[Any, tuple[Any, ...]] = {
    **{np.modf: (fraction, np.trunc), np.frexp: (mantissa, exponent)},
    np.divmod: (np.floor_divide, np.remainder),
}
"""The functions that give the results of one that has several."""
