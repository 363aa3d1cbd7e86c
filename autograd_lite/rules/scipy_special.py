"""Derivative rules of `scipy.special`, loaded when the first of its functions meets a Tensor.

The formulas are those of the NIST Digital Library of Mathematical Functions (dlmf.nist.gov). An
order, a shape or another argument without a closed derivative takes no gradient: TypeError in
`backward()` where one is asked for. A rule that the user has declared stays as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from autograd_lite.gradients import absent
from autograd_lite.operations import OPERATIONS, Rule, defvjp, non_differentiable

ROOT_PI = math.sqrt(math.pi)
ROOT_TWO_PI = math.sqrt(2 * math.pi)


class _Asked:
    """An argument for SciPy's Python functions, by which they tell the ufunc that they hand over
    to."""

    def __array_ufunc__(self, ufunc: np.ufunc, *args: Any, **kwargs: Any) -> np.ufunc:
        return ufunc


_zeta = special.zeta(2.0, _Asked())
_lambertw = special.lambertw(_Asked())


def _declare(function: np.ufunc, **rules: Rule | None) -> None:
    if function not in OPERATIONS:
        defvjp(function, **rules)


def _of_last(function: np.ufunc, *arguments: str, **rules: Rule | None) -> None:
    """Declare the derivative with respect to the last operand; the others take no gradient."""
    _declare(function, **{name: _none(function, name) for name in arguments}, **rules)


def _none(function: np.ufunc, argument: str) -> Callable[[Any], Any]:
    def rule(g: Any) -> Any:
        raise TypeError(
            f"scipy.special.{function.__name__.lstrip('_')} has no derivative here with respect to "
            f"its argument {argument}; pass a plain number or array for it, such as its .data"
        )

    return rule


def _at(x: Any, place: float, value: float, otherwise: Callable[[Any], Any]) -> Any:
    """`otherwise(x)`, and `value` where x is `place` and that would be 0 / 0."""
    there = x == place
    return np.where(there, value, otherwise(np.where(there, place + 0.5, x)))


def _times(g: Any, slope: Callable[[], Any]) -> Any:
    """The gradient `g` of one of several results times its slope; of an unused one 0."""
    return 0.0 if absent(g) else g * slope()


def _normal(x: Any) -> Any:
    """The density of the standard normal distribution."""
    return np.exp(-0.5 * x * x) / ROOT_TWO_PI


# The error function, Dawson's integral (7.2, 7.10) and the normal distribution.
_declare(special.erf, x=lambda g, x: g * (2 / ROOT_PI * np.exp(-x * x)))
_declare(special.erfc, x=lambda g, x: -g * (2 / ROOT_PI * np.exp(-x * x)))
_declare(special.erfcx, x=lambda g, x, out: g * (2 * x * out - 2 / ROOT_PI))
_declare(special.erfi, x=lambda g, x: g * (2 / ROOT_PI * np.exp(x * x)))
_declare(special.erfinv, y=lambda g, out: g * (ROOT_PI / 2 * np.exp(out * out)))
_declare(special.erfcinv, y=lambda g, out: -g * (ROOT_PI / 2 * np.exp(out * out)))
_declare(special.dawsn, x=lambda g, x, out: g * (1 - 2 * x * out))
_declare(special.ndtr, x=lambda g, x: g * _normal(x))
# exp(-x^2 / 2) / ndtr(x), without a number that is too small.
_declare(
    special.log_ndtr,
    x=lambda g, x: g * (math.sqrt(2 / math.pi) / special.erfcx(x * -math.sqrt(0.5))),
)
_declare(special.ndtri, y=lambda g, out: g / _normal(out))
_declare(special.ndtri_exp, y=lambda g, y, out: g * (np.exp(y + 0.5 * out * out) * ROOT_TWO_PI))
_declare(
    special.owens_t,
    h=lambda g, h, a: -g * (_normal(h) * special.erf(a * h / math.sqrt(2)) / 2),
    a=lambda g, h, a: g * (np.exp(-0.5 * h * h * (1 + a * a)) / (2 * np.pi * (1 + a * a))),
)

# The gamma function, its logarithm, and what is made of it (5.2, 5.12, 5.15, 25.11).
_declare(special.gamma, x=lambda g, x, out: g * (out * special.psi(x)))
_declare(special.rgamma, x=lambda g, x, out: -g * (out * special.psi(x)))
_declare(special.gammaln, x=lambda g, x: g * special.psi(x))
_declare(special.loggamma, x=lambda g, x: g * special.psi(x))
_declare(special.psi, x=lambda g, x: g * special.zeta(2.0, x))
_of_last(_zeta, "x", q=lambda g, x, q: -g * (x * special.zeta(x + 1, q)))
_declare(
    special.beta,
    a=lambda g, a, b, out: g * (out * (special.psi(a) - special.psi(a + b))),
    b=lambda g, a, b, out: g * (out * (special.psi(b) - special.psi(a + b))),
)
_declare(
    special.betaln,
    a=lambda g, a, b: g * (special.psi(a) - special.psi(a + b)),
    b=lambda g, a, b: g * (special.psi(b) - special.psi(a + b)),
)
_declare(
    special.poch,
    z=lambda g, z, m, out: g * (out * (special.psi(z + m) - special.psi(z))),
    m=lambda g, z, m, out: g * (out * special.psi(z + m)),
)


def _gamma_density(a: Any, x: Any) -> Any:
    """x^(a - 1) exp(-x) / gamma(a), the derivative of gammainc(a, x) (8.8.13)."""
    return np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))


def _beta_density(a: Any, b: Any, x: Any) -> Any:
    """x^(a - 1) (1 - x)^(b - 1) / beta(a, b), the derivative of betainc(a, b, x) (8.17.1)."""
    powers = special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x)
    return np.exp(powers - special.betaln(a, b))


def _student_density(df: Any, t: Any) -> Any:
    """The density of Student's distribution."""
    scale = special.gammaln((df + 1) / 2) - special.gammaln(df / 2)
    return np.exp(scale - (df + 1) / 2 * np.log1p(t * t / df)) / np.sqrt(df * np.pi)


_of_last(special.gammainc, "a", x=lambda g, a, x: g * _gamma_density(a, x))
_of_last(special.gammaincc, "a", x=lambda g, a, x: -g * _gamma_density(a, x))
_of_last(special.gammaincinv, "a", y=lambda g, a, out: g / _gamma_density(a, out))
_of_last(special.gammainccinv, "a", y=lambda g, a, out: -g / _gamma_density(a, out))
_of_last(special.betainc, "a", "b", x=lambda g, a, b, x: g * _beta_density(a, b, x))
_of_last(special.betaincc, "a", "b", x=lambda g, a, b, x: -g * _beta_density(a, b, x))
_of_last(special.betaincinv, "a", "b", y=lambda g, a, b, out: g / _beta_density(a, b, out))
_of_last(special.betainccinv, "a", "b", y=lambda g, a, b, out: -g / _beta_density(a, b, out))
_of_last(special.chdtr, "v", x=lambda g, v, x: g * (_gamma_density(v / 2, x / 2) / 2))
_of_last(special.chdtrc, "v", x=lambda g, v, x: -g * (_gamma_density(v / 2, x / 2) / 2))
_of_last(special.stdtr, "df", t=lambda g, df, t: g * _student_density(df, t))
_of_last(special.stdtrit, "df", p=lambda g, df, out: g / _student_density(df, out))

# The logistic function, entropies and losses.
_declare(special.expit, x=lambda g, out: g * (out * (1 - out)))
_declare(special.log_expit, x=lambda g, x: g * special.expit(-x))
_declare(special.logit, x=lambda g, x: g / (x * (1 - x)))
_declare(
    special.xlogy,
    x=lambda g, x, y: g * np.log(np.where(x == 0, 1, y)),
    y=lambda g, x, y: g * (x / np.where(x == 0, 1, y)),
)
_declare(
    special.xlog1py,
    x=lambda g, x, y: g * np.log1p(np.where(x == 0, 0, y)),
    y=lambda g, x, y: g * (x / np.where(x == 0, 1, 1 + y)),
)
_declare(special.entr, x=lambda g, x: -g * (np.log(x) + 1))
_declare(
    special.rel_entr,
    x=lambda g, x, y: g * (np.log(x / y) + 1),
    y=lambda g, x, y: -g * (x / y),
)
_declare(
    special.kl_div,
    x=lambda g, x, y: g * np.log(x / y),
    y=lambda g, x, y: g * (1 - x / y),
)
_declare(
    special.huber,
    delta=lambda g, delta, r: g * np.maximum(np.abs(r) - delta, 0),
    r=lambda g, delta, r: g * np.clip(r, -delta, delta),
)


def _pseudo_huber_delta(g: Any, delta: Any, r: Any) -> Any:
    ratio = np.hypot(1, r / delta)
    # 2 delta (ratio - 1) - r^2 / (delta ratio), without a difference of numbers that are alike.
    return g * (delta * np.square(ratio - 1) / ratio)


_declare(
    special.pseudo_huber,
    delta=_pseudo_huber_delta,
    r=lambda g, delta, r: g * (r / np.hypot(1, r / delta)),
)
_declare(
    special.boxcox,
    x=lambda g, x, lmbda: g * x ** (lmbda - 1),
    lmbda=lambda g, x, lmbda, out: g * _box_cox_slope(x, lmbda, out),
)


def _box_cox_slope(x: Any, lmbda: Any, out: Any) -> Any:
    logarithm = np.log(x)
    return np.where(
        lmbda == 0,
        logarithm * logarithm / 2,
        (x**lmbda * logarithm - out) / np.where(lmbda == 0, 1, lmbda),
    )


def _exprel(g: Any, x: Any, out: Any) -> Any:
    # The sum of x^k / (k + 2) / k! near 0, where the difference loses its digits.
    small = np.abs(x) < 0.05
    near, away = np.where(small, x, 0), np.where(small, 1, x)
    series = 1 / 2 + near * (1 / 3 + near * (1 / 8 + near * (1 / 30 + near * (1 / 144))))
    series = series + near**5 * (1 / 840 + near * (1 / 5760 + near / 45360))
    return g * np.where(small, series, (np.exp(away) - special.exprel(away)) / away)


# Exponentials, logarithms and angles.
_declare(special.exprel, x=_exprel)
_declare(special.exp2, x=lambda g, out: g * (out * math.log(2)))
_declare(special.exp10, x=lambda g, out: g * (out * math.log(10)))
_declare(special.expm1, x=lambda g, out: g * (out + 1))
_declare(special.log1p, x=lambda g, x: g / (1 + x))
_declare(special.cbrt, x=lambda g, out: g / (3 * out * out))
_declare(special.cosm1, x=lambda g, x: -g * np.sin(x))
_declare(special.sindg, x=lambda g, x: g * (special.cosdg(x) * (np.pi / 180)))
_declare(special.cosdg, x=lambda g, x: -g * (special.sindg(x) * (np.pi / 180)))
_declare(special.tandg, x=lambda g, out: g * ((1 + out * out) * (np.pi / 180)))
_declare(special.cotdg, x=lambda g, out: -g * ((1 + out * out) * (np.pi / 180)))
_declare(
    special.powm1,
    x=lambda g, x, y: g * (y * x ** (y - (y != 0))),
    y=lambda g, x, y: g * (x**y * np.log(np.where(x == 0, 1, x))),
)
_declare(special.wrightomega, z=lambda g, out: g * (out / (1 + out)))
_declare(_lambertw, z=lambda g, out: g * (np.exp(-out) / (1 + out)), k=None, tol=None)

# Integrals: exponential (6.2), sine and cosine (6.2), Fresnel's (7.2), the dilogarithm (25.12).
_declare(special.expi, x=lambda g, x: g * (np.exp(x) / x))
_declare(special.exp1, x=lambda g, x: -g * (np.exp(-x) / x))
_of_last(special.expn, "n", x=lambda g, n, x: -g * special.expn(n - 1, x))
_declare(
    special.sici,
    x=lambda g, x: _times(g[0], lambda: np.sinc(x / np.pi)) + _times(g[1], lambda: np.cos(x) / x),
)
_declare(
    special.shichi,
    x=lambda g, x: (
        _times(g[0], lambda: _at(x, 0, 1, lambda x: np.sinh(x) / x))
        + _times(g[1], lambda: np.cosh(x) / x)
    ),
)
_declare(
    special.fresnel,
    x=lambda g, x: g[0] * np.sin(np.pi / 2 * x * x) + g[1] * np.cos(np.pi / 2 * x * x),
)
_declare(special.spence, z=lambda g, z: g * _at(z, 1, -1, lambda z: np.log(z) / (1 - z)))

# Bessel functions with respect to their argument (10.6, 10.29) and Airy functions (9.2).
_declare(special.j0, x=lambda g, x: -g * special.j1(x))
_declare(special.j1, x=lambda g, x: g * ((special.j0(x) - special.jv(2, x)) / 2))
_declare(special.y0, x=lambda g, x: -g * special.y1(x))
_declare(special.y1, x=lambda g, x: g * ((special.y0(x) - special.yv(2, x)) / 2))
_declare(special.i0, x=lambda g, x: g * special.i1(x))
_declare(special.i1, x=lambda g, x: g * ((special.i0(x) + special.iv(2, x)) / 2))
_declare(special.k0, x=lambda g, x: -g * special.k1(x))
_declare(special.k1, x=lambda g, x: -g * ((special.k0(x) + special.kv(2, x)) / 2))
_declare(special.i0e, x=lambda g, x, out: g * (special.i1e(x) - np.sign(x) * out))
_declare(
    special.i1e,
    x=lambda g, x, out: g * ((special.i0e(x) + special.ive(2, x)) / 2 - np.sign(x) * out),
)
_declare(special.k0e, x=lambda g, x, out: g * (out - special.k1e(x)))
_declare(special.k1e, x=lambda g, x, out: g * (out - (special.k0e(x) + special.kve(2, x)) / 2))
_of_last(special.jv, "v", z=lambda g, v, z: g * ((special.jv(v - 1, z) - special.jv(v + 1, z)) / 2))
_of_last(special.yv, "v", z=lambda g, v, z: g * ((special.yv(v - 1, z) - special.yv(v + 1, z)) / 2))
_of_last(special.yn, "n", x=lambda g, n, x: g * ((special.yv(n - 1, x) - special.yv(n + 1, x)) / 2))
_of_last(special.iv, "v", z=lambda g, v, z: g * ((special.iv(v - 1, z) + special.iv(v + 1, z)) / 2))
_of_last(
    special.kv, "v", z=lambda g, v, z: -g * ((special.kv(v - 1, z) + special.kv(v + 1, z)) / 2)
)
_of_last(
    special.kn, "n", x=lambda g, n, x: -g * ((special.kv(n - 1, x) + special.kv(n + 1, x)) / 2)
)
_of_last(
    special.ive,
    "v",
    z=lambda g, v, z, out: (
        g * ((special.ive(v - 1, z) + special.ive(v + 1, z)) / 2 - np.sign(z) * out)
    ),
)
_of_last(
    special.kve,
    "v",
    z=lambda g, v, z, out: g * (out - (special.kve(v - 1, z) + special.kve(v + 1, z)) / 2),
)
_declare(
    special.airy,
    z=lambda g, z, out: g[0] * out[1] + g[1] * (z * out[0]) + g[2] * out[3] + g[3] * (z * out[2]),
)


# Elliptic integrals (19.4) and hypergeometric functions (13.3, 15.5, 16.3).
def _ellipk(m: Any) -> Any:
    slope = lambda m: (special.ellipe(m) / (1 - m) - special.ellipk(m)) / (2 * m)  # noqa: E731
    return _at(m, 0, math.pi / 8, slope)


def _ellipe(m: Any) -> Any:
    slope = lambda m: (special.ellipe(m) - special.ellipk(m)) / (2 * m)  # noqa: E731
    return _at(m, 0, -math.pi / 8, slope)


def _delta(phi: Any, m: Any) -> Any:
    return np.sqrt(1 - m * np.square(np.sin(phi)))


_declare(special.ellipk, m=lambda g, m: g * _ellipk(m))
_declare(special.ellipkm1, p=lambda g, p: -g * _ellipk(1 - p))
_declare(special.ellipe, m=lambda g, m: g * _ellipe(m))
for _function, _slope in (
    (special.ellipkinc, lambda g, phi, m: g / _delta(phi, m)),
    (special.ellipeinc, lambda g, phi, m: g * _delta(phi, m)),
):
    _declare(_function, phi=_slope, m=_none(_function, "m"))
_of_last(special.hyp0f1, "v", z=lambda g, v, z: g * (special.hyp0f1(v + 1, z) / v))
_of_last(
    special.hyp1f1, "a", "b", x=lambda g, a, b, x: g * (a / b * special.hyp1f1(a + 1, b + 1, x))
)
_of_last(
    special.hyp2f1,
    *("a", "b", "c"),
    z=lambda g, a, b, c, z: g * (a * b / c * special.hyp2f1(a + 1, b + 1, c + 1, z)),
)

non_differentiable(special.gammasgn, special.round)
