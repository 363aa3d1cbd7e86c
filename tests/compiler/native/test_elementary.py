"""Elementary functions of compiled loops: errors in units in the last place, special values."""

import numpy as np
import pytest

numba = pytest.importorskip("numba")
mpmath = pytest.importorskip("mpmath")

from autograd_lite.compiler.native import elementary  # noqa: E402

UNITS_LIMIT = 2
SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, -1, 1, -1 - 1e-15, 5e-324, -5e-324, 1e-310]
SPECIAL += [1.7e308, -1.7e308, 709.78, 709.79, -745.1, -745.2, 800, -800, 0.5, 2.0]
EXACT = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "tanh": mpmath.tanh,
}


def elementwise(name):
    function = getattr(elementary, name)

    @numba.njit(error_model="numpy")
    def run(x, out):
        for i in range(x.size):
            out[i] = function(x[i])

    def applied(x):
        out = np.empty_like(x)
        run(x, out)
        return out

    return applied


def arguments(name, count):
    """Numbers of every size at which a function is neither constant nor infinite."""
    rng = np.random.default_rng(0)
    every = np.exp(rng.uniform(-745, 709, count))
    tiny = rng.normal(size=count) * 10.0 ** rng.uniform(-300, 0, count)
    if name == "log":
        near = 1 + rng.normal(size=count) * 10.0 ** rng.uniform(-16, -1, count)
        return np.concatenate([every, near[near > 0], rng.random(count)])
    if name == "log1p":
        near = rng.normal(size=count) * 10.0 ** rng.uniform(-16, -1, count)
        found = np.concatenate([every, tiny, near, rng.uniform(-1, 1, count), near - 1])
        return found[found > -1]
    wide = rng.uniform(-745, 709, count)
    return np.concatenate([rng.normal(size=count) * 3, wide, tiny, rng.uniform(-1, 1, count)])


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.one_in(4)
def test_errors(name):
    mpmath.mp.prec = 200
    x = arguments(name, 1500)
    for argument, found in zip(x, elementwise(name)(x), strict=True):
        exact = EXACT[name](mpmath.mpf(float(argument)))
        unit = np.spacing(abs(float(exact)))
        assert abs(mpmath.mpf(float(found)) - exact) <= UNITS_LIMIT * mpmath.mpf(float(unit)), (
            argument
        )


@pytest.mark.parametrize("name", EXACT)
def test_special_values(name):
    x = np.array(SPECIAL)
    found = elementwise(name)(x)
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x)
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    zeros = expected == 0
    assert np.array_equal(np.signbit(found[zeros]), np.signbit(expected[zeros]))


@pytest.mark.parametrize("name", ["logaddexp", "maximum", "minimum", "fmax", "fmin"])
@pytest.mark.slow
def test_two_operands(name):
    function = getattr(elementary, name)
    run = numba.njit(lambda x, y: function(x, y))
    for x in SPECIAL:
        for y in SPECIAL:
            with np.errstate(all="ignore"):
                expected = getattr(np, name)(x, y)
            np.testing.assert_allclose(run(x, y), expected, rtol=1e-15)
