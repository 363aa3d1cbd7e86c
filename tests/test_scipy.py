"""SciPy's ufuncs as operations, and its optimisers on our gradients."""

import numpy as np
import pytest

import autograd_lite as al

special = pytest.importorskip("scipy.special")
optimize = pytest.importorskip("scipy.optimize")


def test_a_ufunc_of_scipy():
    al.defvjp(special.expit, x=lambda g, out: g * out * (1 - out))
    al.defvjp(special.gammaln, x=lambda g, x: g * special.digamma(x))
    al.defvjp(special.digamma, x=lambda g, x: g * special.polygamma(1, x))
    x = np.array([0.3, 1.7])
    assert al.gradcheck(special.expit, x)
    assert al.gradcheck(special.gammaln, x, order=1)
    np.testing.assert_allclose(al.grad(lambda x: np.sum(special.gammaln(x)))(x), special.digamma(x))


def test_a_ufunc_without_a_rule_says_so():
    x = al.Tensor([0.5], requires_grad=True, name="x")
    with pytest.raises(TypeError, match="erfinv has no derivative rule.*'x'.*al.defvjp"):
        special.erfinv(x)


def test_an_optimiser():
    def rosenbrock(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    start = np.array([-1.2, 1.0, 0.5])
    found = optimize.minimize(al.value_and_grad(rosenbrock), start, jac=True, method="BFGS")
    np.testing.assert_allclose(found.x, 1, rtol=1e-5)
    newton = optimize.minimize(
        rosenbrock,
        start,
        jac=al.grad(rosenbrock),
        hessp=al.hvp(rosenbrock),
        method="Newton-CG",
    )
    np.testing.assert_allclose(newton.x, 1, rtol=1e-4)


def test_the_derivative_of_the_bessel_function():
    x = np.concatenate([-np.logspace(-8, 2.8, 50), [0], np.logspace(-8, 2.8, 50)])
    slopes = al.grad(lambda x: np.sum(np.i0(x)))
    np.testing.assert_allclose(slopes(x), special.i1(x), rtol=1e-13)
    curvature = al.grad(lambda x: np.sum(slopes(x)))(x)
    np.testing.assert_allclose(curvature, special.ivp(0, x, 2), rtol=1e-13)
