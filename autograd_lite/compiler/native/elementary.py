"""Elementary functions that LLVM vectorises: no branches, no tables, no calls.

Each is wrong by at most 2 units in the last place (the tests hold them against mpmath), and exact
at 0, at infinities and at NaN. They take doubles; what is printed for single precision rounds their
results.

The method is the usual one (J.-M. Muller, Elementary Functions, chapter 11): the argument is
reduced by multiples of log 2, which are exponents of the result or of the argument, to a small
interval, where a few terms of the Taylor series are enough.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

_LOG2_E = math.log2(math.e)
# log 2 in two parts; the first has so few digits that its multiples by an exponent are exact.
_LN2_HIGH = float.fromhex("0x1.62e42feep-1")
_LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
# A sum with this is rounded to a whole number, which then stands in its last bits.
_ROUNDING = 1.5 * 2.0**52
_ROUNDING_BITS = np.int64(0x4338000000000000)
# 2^52, in whose last bits a whole number of up to 52 bits is itself.
_WHOLE_BITS = np.int64(0x4330000000000000)
_WHOLE = 2.0**52
_EXPONENT_BIAS = 1023
_FRACTION_BITS = np.int64(0x000FFFFFFFFFFFFF)
_ONE_BITS = np.int64(0x3FF0000000000000)
_RECIPROCAL_BITS = np.int64(0x7FDE000000000000)
_SMALLEST_NORMAL = 2.0**-1022
_SQRT_2 = math.sqrt(2)
_LOG_2 = math.log(2)

# exp(r) = 1 + r + r^2 (1/2! + r/3! + ...); at |r| <= log(2) / 2 the next term is below 2^-57.
_E2, _E3, _E4, _E5, _E6, _E7, _E8, _E9, _E10, _E11, _E12, _E13 = (
    1 / math.factorial(k) for k in range(2, 14)
)
# log((1 + s) / (1 - s)) = 2 s + s (2/3 s^2 + 2/5 s^4 + ...), for |s| <= 0.172.
_L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8, _L9, _L10 = (2 / (2 * k + 1) for k in range(1, 11))

_inlined = njit(error_model="numpy", fastmath={"contract"}, forceinline=True)


@intrinsic
def _bits(context: Any, x: Any) -> Any:
    """The bits of a double as a whole number."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.int64))

    return types.int64(types.float64), generate


@intrinsic
def _of_bits(context: Any, x: Any) -> Any:
    """The double with these bits."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.float64))

    return types.float64(types.int64), generate


@intrinsic
def widest_vectors(context: Any) -> Any:
    """Has the function that calls it use the widest vectors of the processor.

    By itself LLVM takes half of what AVX-512 has: for short stretches of such code in other code,
    which the wide ones slow down on older processors.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        # The set of llvmlite refuses names that it does not know.
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.none(), generate


@_inlined
def _exponential_part(r: float) -> float:
    """(exp(r) - 1 - r) / r^2 for |r| <= log(2) / 2."""
    q = _E13
    q = q * r + _E12
    q = q * r + _E11
    q = q * r + _E10
    q = q * r + _E9
    q = q * r + _E8
    q = q * r + _E7
    q = q * r + _E6
    q = q * r + _E5
    q = q * r + _E4
    q = q * r + _E3
    return q * r + _E2


@_inlined
def _reduced(x: float) -> tuple[float, float, int]:
    """r, its rounding error and n of x = r + error + n log 2, with |r| <= log(2) / 2."""
    shifted = x * _LOG2_E + _ROUNDING
    n = shifted - _ROUNDING
    high = x - n * _LN2_HIGH
    r = high - n * _LN2_LOW
    return r, (high - r) - n * _LN2_LOW, _bits(shifted) - _ROUNDING_BITS


@_inlined
def _power_of_2(n: int) -> float:
    """2^n for -1022 <= n <= 1023."""
    return _of_bits((n + _EXPONENT_BIAS) << 52)


@_inlined
def exp(x: float) -> float:
    """e^x."""
    # Beyond these the result is 0 or inf all the same. NaN goes through both comparisons.
    inside = -746.0 if x < -746.0 else x
    inside = 710.0 if inside > 710.0 else inside
    r, error, n = _reduced(inside)
    # In two factors: 2^n alone may be no normal number.
    half = n >> 1
    value = 1.0 + (r + (r * r * _exponential_part(r) + error))
    value = value * _power_of_2(half) * _power_of_2(n - half)
    return value if x == x else x


@_inlined
def expm1(x: float) -> float:
    """e^x - 1."""
    inside = -746.0 if x < -746.0 else x
    inside = 710.0 if inside > 710.0 else inside
    r, error, n = _reduced(inside)
    half = n >> 1
    first, second = _power_of_2(half), _power_of_2(n - half)
    # 2^n (exp(r) - 1) + (2^n - 1), of which the second is exact or the first is negligible.
    power = first * second
    small = r + (r * r * _exponential_part(r) + error)
    near = small * power + (power - 1.0)
    far = (small + 1.0) * first * second - 1.0
    value = near if x < 690.0 else far
    value = x if x == 0.0 else value
    return value if x == x else x


@_inlined
def _logarithm(f: float, exponent: float, correction: float) -> float:
    """exponent log 2 + log(1 + f) + correction, for 1 + f between sqrt(1/2) and sqrt(2)."""
    s = f / (2.0 + f)
    z = s * s
    p = _L10
    p = p * z + _L9
    p = p * z + _L8
    p = p * z + _L7
    p = p * z + _L6
    p = p * z + _L5
    p = p * z + _L4
    p = p * z + _L3
    p = p * z + _L2
    p = p * z + _L1
    half_square = 0.5 * f * f
    # 2 s = f - f^2/2 + s f^2/2: f itself is exact, and the rest is small beside it.
    rest = half_square - (s * (half_square + z * p) + (exponent * _LN2_LOW + correction))
    return exponent * _LN2_HIGH - (rest - f)


@_inlined
def _parts(x: float) -> tuple[float, float]:
    """m and n of x = m 2^n, with m between sqrt(1/2) and sqrt(2), for a normal number x > 0."""
    bits = _bits(x)
    m = _of_bits((bits & _FRACTION_BITS) | _ONE_BITS)
    n = _of_bits((bits >> 52) | _WHOLE_BITS) - (_WHOLE + _EXPONENT_BIAS)
    above = m > _SQRT_2
    return (0.5 * m if above else m), (n + 1.0 if above else n)


@_inlined
def _rough_reciprocal(x: float) -> float:
    """1 / x to within 7 %, for x from 2^-1000 to 2^1000: its exponent is negated."""
    return _of_bits(_RECIPROCAL_BITS - _bits(x))


@_inlined
def log(x: float) -> float:
    """The natural logarithm."""
    small = x < _SMALLEST_NORMAL
    m, n = _parts(x * 2.0**54 if small else x)
    value = _logarithm(m - 1.0, n - 54.0 if small else n, 0.0)
    value = x if x == np.inf else value
    value = -np.inf if x == 0.0 else value
    value = np.nan if x < 0.0 else value
    return value if x == x else x


@_inlined
def log1p(x: float) -> float:
    """log(1 + x)."""
    u = 1.0 + x
    m, n = _parts(u)
    # What was rounded off in 1 + x, as a share of it; a few of its digits are enough.
    lost = 1.0 - (u - x) if x > 0.5 else x - (u - 1.0)
    lost = 0.0 if u > _WHOLE else lost * _rough_reciprocal(u)
    near = n == 0.0
    value = _logarithm(x if near else m - 1.0, n, 0.0 if near else lost)
    value = x if x == np.inf else value
    value = x if x == 0.0 else value
    value = -np.inf if x == -1.0 else value
    value = np.nan if x < -1.0 else value
    return value if x == x else x


@_inlined
def tanh(x: float) -> float:
    """The hyperbolic tangent."""
    y = -2.0 * abs(x)
    r, error, n = _reduced(-80.0 if y < -80.0 else y)
    power = _power_of_2(n)
    small = r + (r * r * _exponential_part(r) + error)
    # Of e = exp(y): near 0 -(e - 1) / (e + 1), farther off 1 - 2 e / (1 + e).
    e = (1.0 + small) * power
    difference = small * power + (power - 1.0)
    near = y > -1.0
    quotient = (-difference if near else 2.0 * e) / (difference + 2.0 if near else 1.0 + e)
    value = quotient if near else 1.0 - quotient
    value = -value if x < 0.0 else value
    value = x if x == 0.0 else value
    return value if x == x else x


@_inlined
def logaddexp(x: float, y: float) -> float:
    """log(e^x + e^y)."""
    larger = maximum(x, y)
    value = larger + log1p(exp(-abs(x - y)))
    # Of two equal infinities the difference is NaN.
    return x + _LOG_2 if x == y else value


@_inlined
def maximum(x: Any, y: Any) -> Any:
    """The larger one; NaN if either is."""
    return x if x > y or x != x else y


@_inlined
def minimum(x: Any, y: Any) -> Any:
    """The smaller one; NaN if either is."""
    return x if x < y or x != x else y


@_inlined
def fmax(x: Any, y: Any) -> Any:
    """The larger one; NaN if both are."""
    return y if y > x or x != x else x


@_inlined
def fmin(x: Any, y: Any) -> Any:
    """The smaller one; NaN if both are."""
    return y if y < x or x != x else x


@njit(error_model="numpy", fastmath={"reassoc", "contract", "nsz"}, forceinline=True)
def plus(total: Any, x: Any) -> Any:
    """total + x, in any order with other such sums."""
    return total + x
