"""Products that decay although a factor overflows, in compiled derivatives of every order."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.compiler.compiled import traced
from autograd_lite.program.arguments import flatten
from autograd_lite.program.growth import Growth
from autograd_lite.program.rewriting import Rewriting

FORMULAS = {
    "sigmoid": lambda z, m: 1 / (1 + m.exp(-z)),
    "sigmoid of a multiple": lambda z, m: 4 / (1 + 0.5 * m.exp(-3 * (z - 1))),
    "squared sigmoid": lambda z, m: (1 / (1 + m.exp(-z))) ** 2,
    "negative power": lambda z, m: (1 + m.exp(-z)) ** -1,
    "negative square": lambda z, m: (1 + m.exp(-z)) ** -2.0,
    "tanh": lambda z, m: 2 / (1 + m.exp(-2 * z)) - 1,
    "sech": lambda z, m: 1 / m.cosh(z),
    "csch": lambda z, m: 1 / m.sinh(z),
    "squared sech": lambda z, m: 1 / m.cosh(z) ** 2,
    "fermi": lambda z, m: 1 / (m.exp(z) + 1),
    "bose": lambda z, m: 1 / (m.exp(z) - 1),
    "planck": lambda z, m: 1 / m.expm1(z),
    "gauss": lambda z, m: 1 / m.exp(z**2),
    "power of two": lambda z, m: 1 / (1 + 2.0 ** (-z)),
    "swish": lambda z, m: z / (1 + m.exp(-z)),
    "quotient": lambda z, m: (3 * z + 1) / (2 + 5 * m.exp(-z)),
    "two directions": lambda z, m: 1 / (1 + m.exp(-z) + m.exp(z)),
    "product of two": lambda z, m: 1 / (1 + m.exp(-z)) / (1 + m.exp(2 * z)),
}
AT = np.array([-2000.0, -800.0, -12.0, -1.5, 0.75, 20.0, 800.0, 2000.0])


def _derivative(f, order):
    for _ in range(order):
        f = (lambda g: lambda z: np.sum(al.grad(g)(z)))(f)
    return f


def _exact(formula, at, order):
    """Derivatives by differences with many digits."""
    h = mpmath.mpf(10) ** -45
    with mpmath.workdps(150):
        for z in map(mpmath.mpf, at):
            below, here, above = (formula(x, mpmath) for x in (z - h, z, z + h))
            yield (above - below) / (2 * h) if order == 1 else (above - 2 * here + below) / h**2


def _close(found, wanted):
    return np.allclose(found, wanted, rtol=1e-9, atol=1e-150)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.one_in(10)
def test_a_compiled_derivative_goes_to_its_limit_where_an_exponential_overflows(name, order):
    formula = FORMULAS[name]

    def value(z):
        return np.sum(formula(z, np))

    wanted = [float(w) for w in _exact(formula, AT.tolist(), order)]
    derivative = al.grad(_derivative(value, order - 1))
    for dtype, exact in ((np.float64, _close), (np.float32, lambda a, b: np.allclose(a, b, 2e-3))):
        at = AT.astype(dtype)
        assert exact(al.compile(derivative)(at), wanted)
        assert exact(al.grad(al.compile(_derivative(value, order - 1)))(at), wanted)


def _random_formula(rng):
    """A function of z and a module, of products and quotients of exponentials."""
    factors = []
    for _ in range(int(rng.integers(1, 4))):
        a, b = (float(v) for v in rng.choice([-3, -2, -1.5, -1, -0.5, 0.5, 1, 2, 3], 2))
        constant = float(rng.choice([0, 1, -1, 2]))
        below = bool(rng.integers(3))
        factors.append((a, b, constant, below))

    def formula(z, m):
        product = 1
        for a, b, constant, below in factors:
            term = constant + b * m.exp(a * z)
            product = product / term if below else product * term
        return product

    return formula


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(100))
@pytest.mark.one_in(28)
def test_a_compiled_derivative_is_right_or_nan(seed):
    """An overflow that does not vanish is never taken for one that does."""
    rng = np.random.default_rng(seed)
    formula = _random_formula(rng)
    at = np.array([-900.0, -380.0, -250.0, -4.0, 3.0, 240.0, 370.0, 950.0])
    for order in (1, 2):
        derivative = al.grad(_derivative(lambda z: np.sum(formula(z, np)), order - 1))
        found = al.compile(derivative)(at)
        for got, right in zip(found, _exact(formula, at.tolist(), order), strict=True):
            if np.isfinite(got):
                assert abs(got - right) <= 1e-8 * abs(right) + 1e-9


ORDERS = [
    # The exponents of a result as z goes to infinity and to minus infinity: the least and the most.
    (np.exp, 1, -1),
    (np.exp2, np.log(2), -np.log(2)),
    (lambda z: 2.0**z, np.log(2), -np.log(2)),
    (np.expm1, 1, None),
    (lambda z: np.expm1(-z), None, 1),
    (np.cosh, 1, 1),
    (np.sinh, 1, 1),
    (np.tanh, None, None),
    (al.sigmoid, None, -1),
    (al.softplus, None, -1),
    (lambda z: np.exp(1 - 3 * z), -3, 3),
    (lambda z: np.exp(z / 4 + 1), 0.25, -0.25),
    (lambda z: np.exp(z) + np.exp(-2 * z), 1, 2),
    (lambda z: np.exp(z) - 1, 1, 0),
    (lambda z: 1 + np.exp(z), 1, 0),
    (lambda z: np.exp(z) * np.exp(2 * z), 3, -3),
    (lambda z: np.exp(z) / np.exp(3 * z), -2, 2),
    (lambda z: 1 / (1 + np.exp(z)), -1, 0),
    (lambda z: np.exp(z) ** 2, 2, -2),
    (lambda z: np.sqrt(np.exp(z)), 0.5, -0.5),
    (lambda z: -np.exp(z), 1, -1),
    (lambda z: np.exp(z) ** -1.5, -1.5, 1.5),
    (lambda z: np.reciprocal(np.exp(z)), -1, 1),
    (lambda z: np.log(1 + np.exp(z)), (-np.inf, 0), (-np.inf, 0)),
    # A term that may be 0 leaves the other one alone.
    (lambda z: np.exp(-z) + np.sin(z), (-np.inf, 0), 1),
    (lambda z: 1 / (np.exp(z) + np.sin(z)), -1, (0, np.inf)),
    (lambda z: np.sin(np.exp(z)), (-np.inf, np.inf), (-np.inf, np.inf)),
    (lambda z: 2 * z, None, None),
]


@pytest.mark.parametrize(("function", "upwards", "downwards"), ORDERS)
def test_the_order_of_what_a_function_gives(function, upwards, downwards):
    leaves = []
    structure = flatten(((np.ones(3),), {}), leaves)
    trace, program, _, _ = traced("f", function, structure, leaves)
    now = Rewriting(program, trace.values)
    now.run({})
    found = Growth().orders(now, now.now[program.outputs[0]])
    signs = {sign: order for (_, sign), order in found.items()}
    for sign, wanted in ((1, upwards), (-1, downwards)):
        assert (sign in signs) == (wanted is not None)
        if wanted is not None:
            np.testing.assert_allclose(signs[sign], np.broadcast_to(wanted, 2), rtol=1e-15)


@pytest.mark.slow
def test_a_program_may_be_longer_than_calls_are_deep():
    def f(W, x):
        for _ in range(280):
            x = al.relu(np.dot(W, x))
        return np.sum(al.sigmoid(x))

    W, x = np.eye(2) * 1.01, np.array([[0.3], [0.7]])
    compiled = al.compile(al.grad(f), native=False)
    np.testing.assert_allclose(compiled(W, x), al.grad(f)(W, x), rtol=1e-9)
