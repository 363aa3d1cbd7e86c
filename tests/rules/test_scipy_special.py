"""SciPy's ufuncs as operations, and its optimisers on our gradients."""

import functools
import math
import subprocess
import sys

import numpy as np
import pytest
from numerics import assert_close, numeric_gradient

import autograd_lite as al
from autograd_lite import record
from autograd_lite.operations import OPERATIONS

special = pytest.importorskip("scipy.special")
optimize = pytest.importorskip("scipy.optimize")


AROUND = np.array([-1.3, -0.2, 0.7, 2.1])
ABOVE = np.array([0.3, 0.9, 1.6, 3.2])
WITHIN = np.array([0.15, 0.4, 0.8])


def weighed(results):
    """All results of a function that has several, as one."""
    return sum((k + 1) * result for k, result in enumerate(results))


OF_ONE = {
    "erf erfc erfcx erfi dawsn ndtr log_ndtr expit log_expit exprel exp2 exp10 expm1": AROUND,
    "cosm1 sindg cosdg tandg j0 j1 i0 i1 i0e i1e wrightomega rgamma": AROUND,
    "gamma gammaln loggamma psi entr log1p cbrt cotdg expi exp1 spence": ABOVE,
    "y0 y1 k0 k1 k0e k1e": ABOVE,
    "erfinv ndtri erfcinv logit ellipk ellipkm1 ellipe": WITHIN,
    "ndtri_exp": -ABOVE,
}
OF_SEVERAL = {
    "owens_t": (AROUND, ABOVE),
    "beta": (ABOVE, ABOVE[::-1]),
    "betaln": (ABOVE, ABOVE[::-1]),
    "poch": (ABOVE, ABOVE[::-1]),
    "xlogy": (AROUND, ABOVE),
    "xlog1py": (AROUND, ABOVE),
    "rel_entr": (ABOVE, ABOVE[::-1]),
    "kl_div": (ABOVE, ABOVE[::-1]),
    "huber": (ABOVE, AROUND),
    "pseudo_huber": (ABOVE, AROUND),
    "boxcox": (ABOVE, AROUND),
    "powm1": (ABOVE, AROUND),
}
OF_THE_LAST = {
    "gammainc": ((1.7,), ABOVE),
    "gammaincc": ((1.7,), ABOVE),
    "gammaincinv": ((1.7,), WITHIN),
    "gammainccinv": ((1.7,), WITHIN),
    "betainc": ((1.7, 0.6), WITHIN),
    "betaincc": ((1.7, 0.6), WITHIN),
    "betaincinv": ((1.7, 0.6), WITHIN),
    "betainccinv": ((1.7, 0.6), WITHIN),
    "chdtr": ((3.0,), ABOVE),
    "chdtrc": ((3.0,), ABOVE),
    "stdtr": ((3.0,), AROUND),
    "stdtrit": ((3.0,), WITHIN),
    "zeta": ((2.5,), ABOVE),
    "expn": ((3,), ABOVE),
    "jv": ((1.5,), ABOVE),
    "yv": ((1.5,), ABOVE),
    "yn": ((2,), ABOVE),
    "iv": ((1.5,), ABOVE),
    "kv": ((1.5,), ABOVE),
    "kn": ((2,), ABOVE),
    "ive": ((1.5,), ABOVE),
    "kve": ((1.5,), ABOVE),
    "hyp0f1": ((1.5,), AROUND),
    "hyp1f1": ((0.7, 1.5), AROUND),
    "hyp2f1": ((0.7, 1.5, 2.2), np.array([-1.3, -0.2, 0.4])),
}
OTHERWISE = {
    "ellipkinc": (lambda phi: special.ellipkinc(phi, 0.4), WITHIN),
    "ellipeinc": (lambda phi: special.ellipeinc(phi, 0.4), WITHIN),
    "lambertw": (lambda z: np.real(special.lambertw(z)), ABOVE),
    "sici": (lambda x: weighed(special.sici(x)), ABOVE),
    "shichi": (lambda x: weighed(special.shichi(x)), ABOVE),
    "fresnel": (lambda x: weighed(special.fresnel(x)), AROUND),
    "airy": (lambda x: weighed(special.airy(x)), AROUND),
}
"""Functions with several results, or with another operand than the last."""


def calls():
    for names, at in OF_ONE.items():
        for name in names.split():
            yield name, getattr(special, name), (at,)
    for name, operands in OF_SEVERAL.items():
        yield name, getattr(special, name), operands
    for name, (given, at) in OF_THE_LAST.items():
        yield name, functools.partial(getattr(special, name), *given), (at,)
    for name, (function, at) in OTHERWISE.items():
        yield name, function, (at,)


CALLS = {name: (function, operands) for name, function, operands in calls()}


@pytest.mark.parametrize("name", CALLS)
def test_values_and_derivatives_in_both_orders(name):
    function, operands = CALLS[name]
    result = function(*(al.Tensor(x, requires_grad=True) for x in operands))
    np.testing.assert_array_equal(result.data, function(*operands))
    for i, operand in enumerate(operands):
        scalar = lambda *xs: np.sum(function(*xs) * np.linspace(0.5, 1.5, xs[0].size))  # noqa: E731
        alone = lambda f, i=i: lambda x: f(*operands[:i], x, *operands[i + 1 :])  # noqa: E731
        first = al.grad(scalar, argnums=i)
        assert_close(first(*operands), numeric_gradient(alone(scalar), operand), 1e-7)
        total = lambda *xs, first=first: np.sum(first(*xs))  # noqa: E731
        second = al.grad(total, argnums=i)(*operands)
        assert_close(second, numeric_gradient(alone(total), operand), 1e-6)


@pytest.mark.parametrize("name", CALLS)
def test_single_precision_stays_single(name):
    function, operands = CALLS[name]
    tensors = [al.Tensor(x, requires_grad=True, dtype=np.float32) for x in operands]
    function(*tensors).backward(np.ones(operands[0].shape))
    assert {t.grad.dtype for t in tensors} == {np.dtype(np.float32)}


def test_every_rule_has_a_call():
    special.erf(al.Tensor(0.5))
    ours = {f.__name__.lstrip("_") for f in OPERATIONS if record._is_of_scipy(f)}
    assert ours - CALLS.keys() == set()


PLACES = [
    (special.exprel, 0.0, 1 / 2),
    (special.ellipk, 0.0, np.pi / 8),
    (special.ellipe, 0.0, -np.pi / 8),
    (special.spence, 1.0, -1.0),
    (special.j1, 0.0, 1 / 2),
    (special.i0e, 0.0, 0.0),
    (lambda x: special.sici(x)[0], 0.0, 1.0),
    (lambda x: special.shichi(x)[0], 0.0, 1.0),
    (lambda x: np.real(special.lambertw(x)), 0.0, 1.0),
    (special.expit, -1000.0, 0.0),
    (special.log_expit, -1000.0, 1.0),
    (special.log_ndtr, -1e5, 1e5),
    (lambda y: special.xlogy(0.0, y), 0.0, 0.0),
    (lambda x: special.xlogy(x, 0.0), 2.0, -np.inf),
    (lambda x: special.powm1(x, 0.0), 0.0, 0.0),
    (lambda r: special.huber(1.0, r), 1.0, 1.0),
    (lambda x: special.gammainc(1.0, x), 0.0, 1.0),
    (lambda x: special.boxcox(2.0, x), 0.0, np.log(2) ** 2 / 2),
]


@pytest.mark.parametrize(("function", "x", "slope"), PLACES)
def test_places_where_a_formula_is_0_by_0(function, x, slope):
    np.testing.assert_allclose(al.grad(function)(x), slope, rtol=1e-8, atol=1e-300)


@pytest.mark.parametrize("x", [-0.06, -0.049, -1e-9, 1e-9, 0.049, 0.06])
def test_the_derivatives_of_exprel_near_0_keep_their_digits(x):
    """exprel(x) is the sum of x^k / (k + 1)!."""
    terms = [(k, math.factorial(k + 1)) for k in range(1, 20)]
    first = sum(k * x ** (k - 1) / f for k, f in terms)
    second = sum(k * (k - 1) * x ** (k - 2) / f for k, f in terms[1:])
    slope = al.grad(special.exprel)
    np.testing.assert_allclose(slope(x), first, rtol=1e-13)
    np.testing.assert_allclose(al.grad(slope)(x), second, rtol=1e-9)


def test_an_argument_without_a_derivative_is_named():
    for call, match in (
        (lambda a: special.gammainc(a, 2.0), "scipy.special.gammainc .* argument a;"),
        (lambda v: special.jv(v, 2.0), "scipy.special.jv .* argument v;"),
        (lambda m: special.ellipkinc(0.3, m), "scipy.special.ellipkinc .* argument m;"),
        (lambda x: special.zeta(x, 2.0), "scipy.special.zeta .* argument x;"),
    ):
        with pytest.raises(TypeError, match=match):
            al.grad(call)(0.7)


def test_a_rule_of_the_users_own_stays():
    """Declared before the rules here are loaded, which the first function does, it is kept."""
    code = """
import numpy as np, autograd_lite as al
from scipy import special
al.defvjp(special.expit, x=lambda g, out: 7 * g)
assert al.grad(special.erf)(0.0) > 1
assert al.grad(special.expit)(0.0) == 7
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_scipy_is_imported_by_the_user_alone():
    code = """
import sys, numpy as np, autograd_lite as al
al.grad(lambda x: np.sum(np.exp(x) * (x > 0)))(np.ones(3))
sys.exit("scipy" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_ufunc_without_a_rule_says_so():
    x = al.Tensor([0.5], requires_grad=True, name="x")
    with pytest.raises(TypeError, match="scipy.special.kolmogorov has no .*'x'.*al.defvjp"):
        special.kolmogorov(x)


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
def test_a_function_that_wants_arrays_names_the_one_here(name):
    with pytest.raises(TypeError, match=f"'x' requires grad.*al.{name}"):
        getattr(special, name)(al.Tensor([0.5], requires_grad=True, name="x"))


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
