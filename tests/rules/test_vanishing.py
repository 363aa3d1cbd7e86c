"""Gradients of formulas whose exponentials overflow, though they themselves are flat there."""

import warnings

import numpy as np
import pytest

import autograd_lite as al

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

SIGMOIDS = {
    "1 / (1 + exp(-z))": lambda z: 1 / (1 + np.exp(-z)),
    "divide": lambda z: np.divide(1, np.add(1, np.exp(-z))),
    "reciprocal": lambda z: np.reciprocal(1 + np.exp(-z)),
    "** -1": lambda z: (1 + np.exp(-z)) ** -1,
    "power(-1.0)": lambda z: np.power(1 + np.exp(-z), -1.0),
    "expm1": lambda z: 1 / (2 + np.expm1(-z)),
    "e ** -z": lambda z: 1 / (1 + np.e**-z),
}
FLAT = {
    **SIGMOIDS,
    "tanh": lambda z: 2 / (1 + np.exp(-2 * z)) - 1,
    "square of the denominator": lambda z: 1 / (1 + np.exp(-z)) ** 2,
    "np.square": lambda z: 1 / np.square(1 + np.exp(-z)),
    "square": lambda z: (1 / (1 + np.exp(-z))) ** 2,
    "swish": lambda z: z / (1 + np.exp(-z)),
    "exp2": lambda z: 1 / (1 + np.exp2(-2 * z)),
    "1 / cosh": lambda z: 1 / np.cosh(z),
    "1 / cosh^2": lambda z: 1 / np.cosh(z) ** 2,
    "1 / sinh": lambda z: 1 / np.sinh(z),
    "Gaussian": lambda z: 1 / np.exp(z * z),
    "with a factor": lambda z: 3 / (1 + 2 * np.exp(-z)),
    "of a root": lambda z: 1 / np.sqrt(np.exp(-z)),
}
NO_LIMIT_OR_ANOTHER = {
    "0 * exp": lambda z: np.exp(-z) * 0,
    "log exp": lambda z: np.log(np.exp(-z)),
    "log(1 + exp)": lambda z: np.log(1 + np.exp(-z)),
    "-log sigmoid": lambda z: -np.log(1 / (1 + np.exp(-z))),
    "root of a sigmoid": lambda z: np.sqrt(1 / (1 + np.exp(-z))),
    "exp / (1 + exp)": lambda z: np.exp(-z) / (1 + np.exp(-z)),
}
POLES = {
    "1 / (1 / x)": lambda x: 1 / (1 / x),
    "reciprocals": lambda x: np.reciprocal(np.reciprocal(x)),
    "1 / x ** -1": lambda x: 1 / x**-1,
    "harmonic": lambda x: 1 / (1 + 1 / x),
    "an element": lambda x: 1 / (1 / x)[..., None],
}


def summed(f):
    return lambda z: np.sum(f(z))


def orders(f, count):
    """The derivatives of a function of numbers, element by element, from the first on."""
    for _ in range(count):
        f = al.grad(summed(f))
        yield f


@pytest.mark.parametrize(
    "z",
    [
        np.array([-1000.0, -3.0, 0.5]),
        np.array([-200.0, -3.0, 0.5], np.float32),
        np.array([[-1000.0], [-3.0]]),
        np.float64(-1000.0),
    ],
    ids=["float64", "float32", "matrix", "number"],
)
@pytest.mark.parametrize("name", FLAT)
def test_derivatives_of_all_orders_are_0_where_the_exponential_overflows(name, z):
    away = np.reshape(z, -1)[1:]
    for order, of_all in zip((1, 2, 3), orders(FLAT[name], 3), strict=True):
        found = np.reshape(of_all(z), -1)
        assert found.dtype == z.dtype
        assert found[0] == 0, f"order {order}"
        exact = list(orders(FLAT[name], order))[-1](away)
        np.testing.assert_allclose(found[1:], exact, rtol=1e-5)


def test_complex_numbers_and_nan_pass_as_before():
    f = summed(SIGMOIDS["divide"])
    assert np.isnan(al.grad(f)(np.array([-1000.0, np.nan]))).tolist() == [False, True]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = al.grad(lambda z: np.real(f(z)))(np.array([-1.0 + 1j, 2.0]))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("name", NO_LIMIT_OR_ANOTHER)
def test_what_has_no_limit_or_another_stays_nan(name):
    assert np.isnan(al.grad(NO_LIMIT_OR_ANOTHER[name])(-1000.0))


@pytest.mark.parametrize("name", POLES)
def test_a_pole_is_no_growth(name):
    """The slope of the inner function is infinite at a finite place: the derivative is 1."""
    assert np.isnan(al.grad(summed(POLES[name]))(0.0))


def test_gradients_that_reach_the_user_are_plain_arrays():
    z = al.Tensor([-1000.0, 0.0], requires_grad=True)
    hidden = -z
    hidden.retain_grad()
    np.sum(1 / (1 + np.exp(hidden))).backward()
    assert type(z.grad) is np.ndarray
    assert type(hidden.grad) is np.ndarray
    assert z.grad.tolist() == [0, 0.25]
    assert type(al.jacobian(SIGMOIDS["divide"])(np.array([-1000.0, 0.0]))) is np.ndarray


def test_a_layer_before_the_sigmoid_gets_no_nan():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(3, 4)), rng.normal(size=(1, 3)) * 1e4
    slopes = al.grad(lambda w, b: np.sum(1 / (1 + np.exp(-(w @ x + b)))), argnums=(0, 1))
    assert all(np.isfinite(g).all() for g in slopes(w, np.zeros((1, 1))))


@pytest.mark.parametrize(
    "name", sorted(FLAT.keys() - {"1 / cosh", "1 / cosh^2", "1 / sinh", "of a root"})
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_compiled_gradients_are_0_where_the_exponential_overflows(name, dtype):
    z = np.array([-1000.0, -3.0, 0.5], dtype)
    gradient = al.grad(summed(FLAT[name]))
    found = al.compile(gradient)(z)
    assert found[0] == 0
    np.testing.assert_allclose(found, gradient(z), rtol=1e-5)


@pytest.mark.parametrize("name", NO_LIMIT_OR_ANOTHER)
def test_compiled_gradients_are_no_wrong_number(name):
    """NaN, or the limit where the stable form has it."""
    found = al.compile(al.grad(NO_LIMIT_OR_ANOTHER[name]))(np.float64(-1000.0))
    limits = {"-log sigmoid": -1.0, "log(1 + exp)": -1.0, "log exp": -1.0}
    limits["root of a sigmoid"] = 0.0
    assert np.isnan(found) or found == limits.get(name)
