"""Rules at the places where rules break: numbers, empty arrays, ties, infinities, NaN."""

import itertools
import warnings

import numpy as np
import pytest
from numerics import assert_close, numeric_gradient

import autograd_lite as al
from autograd_lite.functions import signature
from autograd_lite.operations import COMPOSITES, OPERATIONS

inf, nan = np.inf, np.nan


@pytest.fixture(autouse=True)
def silent():
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


MORE_ARGUMENTS = {
    "apply_along_axis": None,
    "apply_over_axes": None,
    "compress": lambda f, x, axis: f([True], x, axis),
    "concatenate": lambda f, x, axis: f([x, x], axis),
    "stack": lambda f, x, axis: f([x, x], axis),
    "gradient": lambda f, x, axis: f(x, axis=axis),
    "partition": lambda f, x, axis: f(x, 0, axis),
    "roll": lambda f, x, axis: f(x, 1, axis),
    "take_along_axis": lambda f, x, axis: f(x, np.zeros((1,) * max(x.ndim, 1), int), axis),
    "append": lambda f, x, axis: f(x, x, axis),
    "linspace": lambda f, x, axis: f(x, 2 * x, 3, axis=axis),
    "logspace": lambda f, x, axis: f(x, 2 * x, 3, axis=axis),
    "geomspace": lambda f, x, axis: f(x, 2 * x, 3, axis=axis),
    "multi_dot": None,
    "vecdot": lambda f, x, axis: f(x, x, axis=axis),
    "cross": None,
}
"""How functions are called that take more than an array and an axis; None for what has no sense."""


def along_an_axis():
    """Every function with a rule that has a parameter `axis`, as a function of (x, axis)."""
    for function in sorted([*OPERATIONS, *COMPOSITES], key=lambda f: f.__name__):
        if isinstance(function, np.ufunc) or not function.__module__.startswith("numpy"):
            continue
        parameters = list(signature(function).parameters.values())
        if "axis" not in [p.name for p in parameters]:
            continue
        name = function.__name__
        if name in MORE_ARGUMENTS:
            call = MORE_ARGUMENTS[name]
            if call is not None:
                yield pytest.param(lambda x, axis, f=function, c=call: c(f, x, axis), id=name)
            continue
        required = [p for p in parameters[1:] if p.default is p.empty and p.kind < p.VAR_POSITIONAL]
        required = [p.name for p in required if p.name != "axis"]
        given = {"q": 0.4, "obj": 0, "values": 0.5, "repeats": 2, "indices": [0]}
        given |= {"indices_or_sections": 1, "window_shape": 1}
        options = {n: given[n] for n in required if n in given}
        assert len(options) == len(required), f"{name} needs {required}: say how it is called"
        yield pytest.param(lambda x, axis, f=function, o=options: f(x, axis=axis, **o), id=name)


def flat(result):
    """All that is no count and no index in a result, as one vector."""
    items = result if isinstance(result, (tuple, list)) else [result]
    items = [i for i in items if isinstance(i, al.Tensor) or np.asarray(i).dtype.kind in "fc"]
    return np.concatenate([np.reshape(i, -1) for i in items]) if items else np.zeros(0)


def assert_as_numpy(function, x):
    """The values, shapes and dtypes are NumPy's, and the gradient is that of finite differences."""
    try:
        expected = function(x)
    except (ValueError, TypeError, IndexError, ZeroDivisionError):
        return
    tensor = al.Tensor(x, requires_grad=True)
    result = function(tensor)
    many = isinstance(expected, (tuple, list))
    pairs = zip(result, expected, strict=True) if many else [(result, expected)]
    for own, numpys in pairs:
        values = own.data if isinstance(own, al.Tensor) else np.asarray(own)
        assert values.shape == np.shape(numpys)
        assert values.dtype == np.asarray(numpys).dtype
        np.testing.assert_allclose(values, numpys, rtol=1e-13, atol=1e-14)
    numbers = flat(expected)
    if numbers.size and np.all(np.isfinite(numbers)):
        weights = np.linspace(0.5, 1.5, numbers.size)
        scalar = lambda x: np.sum(np.real(flat(function(x))) * weights)  # noqa: E731
        assert_close(al.grad(scalar)(x), numeric_gradient(scalar, x), 1e-8)


@pytest.mark.parametrize("axis", [0, -1, None, 1])
@pytest.mark.parametrize("function", list(along_an_axis()))
def test_a_number_along_an_axis(function, axis):
    assert_as_numpy(lambda x: function(x, axis), np.array(0.7))


@pytest.mark.parametrize("axis", [0, -1, None])
@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3), (1,), (1, 1)])
@pytest.mark.parametrize("function", list(along_an_axis()))
@pytest.mark.one_in(3)
def test_empty_arrays_and_single_elements_along_an_axis(function, shape, axis):
    assert_as_numpy(lambda x: function(x, axis), np.full(shape, 0.7))


EMPTY_INDICES = {
    "list": lambda x: x[[]],
    "list and number": lambda x: x[[], 0],
    "number and list": lambda x: x[0, []],
    "lists": lambda x: x[[], []],
    "nested": lambda x: x[[[]]],
    "slice and list": lambda x: x[:, []],
    "take": lambda x: np.take(x, []),
    "take along": lambda x: np.take(x, [], axis=1),
    "delete": lambda x: np.delete(x, []),
    "insert": lambda x: np.insert(x, [], []),
    "compress": lambda x: np.compress([], x),
    "split": lambda x: np.split(x, [])[0],
    "repeat": lambda x: np.repeat(x, [0, 0], axis=0),
}


@pytest.mark.parametrize("name", EMPTY_INDICES)
def test_empty_indices(name):
    assert_as_numpy(EMPTY_INDICES[name], np.arange(4.0).reshape(2, 2))


OF_MANY = {
    "max": np.max,
    "min": np.min,
    "max along": lambda x: np.max(np.reshape(x, (-1, 2)), axis=0),
    "max where": lambda x: np.max(x, where=np.ones(x.shape, bool), initial=0),
    "ptp": lambda x: np.ptp(x),
    "nanmax": np.nanmax,
    "mean": np.mean,
    "mean where": lambda x: np.mean(x, where=np.ones(x.shape, bool)),
    "nanmean": np.nanmean,
    "average": np.average,
    "var": lambda x: np.var(x * x),
    "std": lambda x: np.std(x),
    "nanvar": np.nanvar,
    "median": np.median,
    "nanmedian": np.nanmedian,
    "quantile": lambda x: np.quantile(x, 0.3),
    "quantile in float16": lambda x: np.quantile(x, np.float16(0.3)),
    "percentile": lambda x: np.percentile(x, 30),
    "nanpercentile": lambda x: np.nanpercentile(x, 30),
    "largest norm": lambda x: np.linalg.norm(x, np.inf),
    "sort": lambda x: np.sort(x)[-1],
    "cumsum": lambda x: np.cumsum(x)[2999],
    "cumulative sum": lambda x: np.cumulative_sum(x)[2999],
    "nancumsum": lambda x: np.nancumsum(x)[2999:3001],
    "trapezoid": lambda x: np.trapezoid(x[:3000]),
}


@pytest.mark.parametrize("draw", ["equal", "spread"])
@pytest.mark.parametrize("name", OF_MANY)
def test_more_elements_than_float16_counts(name, draw):
    """As in float64, to the precision of float16."""
    x = np.ones(70_000) if draw == "equal" else (np.arange(70_000.0) % 7 + 1) / 8
    exact = al.grad(lambda x: np.sum(OF_MANY[name](x)))(x)
    half = al.grad(lambda x: np.sum(OF_MANY[name](x)))(x.astype(np.float16))
    assert half.dtype == np.float16
    np.testing.assert_allclose(half.astype(float), exact, rtol=0.02, atol=1e-7)


MANY = 5000
ADDED_UP = {
    "bias": (lambda x: np.zeros((MANY, 3), np.float16) + x, (3,)),
    "row": (lambda x: np.zeros((MANY, 3), np.float16) + x, (1, 3)),
    "factor": (lambda x: np.ones((MANY, 3), np.float16) * x, (1, 3)),
    "broadcast_to": (lambda x: np.broadcast_to(x, (MANY, 3)), (3,)),
    "tile": (lambda x: np.tile(x, MANY), (3,)),
    "repeat": (lambda x: np.repeat(x, MANY), (3,)),
    "index": (lambda x: x[np.zeros(MANY, int)], (1,)),
    "matmul": (lambda x: np.ones((MANY, 3), np.float16) @ x, (3, 1)),
    "einsum": (lambda x: np.einsum("ij,j->i", np.ones((MANY, 3), np.float16), x), (3,)),
    "convolve": (lambda x: np.convolve(np.ones(MANY, np.float16), x), (3,)),
    "cumsum": (lambda x: np.cumsum(np.concatenate([x, np.zeros(MANY - 1, np.float16)])), (1,)),
}


@pytest.mark.parametrize("name", ADDED_UP)
def test_more_terms_than_half_precision_adds(name):
    """There 2,048 + 1 is 2,048."""
    function, shape = ADDED_UP[name]
    slopes = al.grad(lambda x: np.sum(function(x).astype(np.float32)))(np.zeros(shape, np.float16))
    np.testing.assert_allclose(slopes.astype(float), MANY, rtol=1e-3)


@pytest.mark.parametrize("function", [al.logsumexp, al.softmax, al.log_softmax])
def test_more_exponentials_than_half_precision_adds(function):
    x = np.zeros((70_000, 2))
    single = function(x.astype(np.float16), axis=0)
    assert single.dtype == np.float16
    np.testing.assert_allclose(single.astype(float), function(x, axis=0), rtol=2e-3)


def test_a_running_sum_of_many_in_float16():
    """The gradient of the first is the number of sums that it is in, too large for float16."""
    slopes = al.grad(lambda x: np.sum(np.cumsum(x)))(np.ones(70_000, np.float16))
    assert np.isinf(slopes[0])
    assert slopes[-3000] == 3000


EVERYWHERE = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.0, 40.0, -40.0, 800.0, -800.0]
BY_NAME = {
    f.__name__: f
    for f in OPERATIONS
    # Those of SciPy are there once a test has met one.
    if isinstance(f, np.ufunc) and not f.signature and getattr(np, f.__name__, None) is f
}
ONE = sorted(n for n, f in BY_NAME.items() if f.nin == 1 and f.nout == 1)
TWO = sorted(n for n, f in BY_NAME.items() if f.nin == 2 and n != "ldexp")


def one_sided(function, x):
    """The slopes to the left and to the right of x; None where two steps do not agree on them."""
    slopes = []
    for side in (-1, 1):
        step = side * max(abs(x), 1) * 1e-6
        near, far = ((function(x + k * step) - function(x)) / (k * step) for k in (1, 2))
        if not np.isfinite(near) or not np.isclose(near, far, rtol=1e-3, atol=1e-8):
            return None
        slopes.append(2 * near - far)
    return slopes


def assert_slope(function, at, slope):
    """The slope is between the one-sided ones; False where there are none."""
    sides = one_sided(function, at)
    if sides is not None:
        low, high = min(sides), max(sides)
        room = 1e-4 * max(abs(low), abs(high), 1e-2)
        assert low - room <= slope <= high + room, f"{slope} at {at}, not {sides}"
    return sides is not None


@pytest.mark.parametrize("name", ONE)
def test_functions_of_one_number_at_all_places(name):
    function = BY_NAME[name]
    found = [
        assert_slope(function, x, al.grad(lambda x: np.real(function(x)))(x)) for x in EVERYWHERE
    ]
    assert any(found)


@pytest.mark.parametrize("name", TWO)
def test_functions_of_two_numbers_at_all_places(name):
    function = BY_NAME[name]
    operands = {"copysign": (0,), "heaviside": (1,)}.get(name, (0, 1))
    found = False
    for x, y, i in itertools.product(EVERYWHERE, EVERYWHERE, operands):
        slope = al.grad(function, argnums=i)(x, y)
        of_one = (lambda v, y=y: function(v, y)) if i == 0 else (lambda v, x=x: function(x, v))
        found |= assert_slope(of_one, (x, y)[i], slope)
    assert found


BEYOND = [*EVERYWHERE, inf, -inf, 1e200, -1e200, 1e-200]
OTHERWISE_IN_JAX = {"fmax", "fmin", "hypot", "absolute", "fabs", "copysign", "i0"}
OTHERWISE_IN_JAX |= {"logaddexp", "logaddexp2"}
"""Ties and zeros are shared in another way; i0 overflows before NumPy's; the slopes of logaddexp
beside infinity add up to 2."""


@pytest.mark.parametrize("name", sorted({*ONE, *TWO} - OTHERWISE_IN_JAX))
def test_where_jax_has_a_finite_gradient_so_have_we(name):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    theirs = getattr(jax.numpy, name, None)
    if theirs is None:
        pytest.skip(f"JAX has no {name}")
    function = BY_NAME[name]
    for at in itertools.product(BEYOND, repeat=function.nin):
        if not np.isnan(function(*at)):
            for i in range(function.nin):
                expected = float(jax.grad(theirs, argnums=i)(*at))
                if np.isfinite(expected):
                    found = al.grad(function, argnums=i)(*at)
                    np.testing.assert_allclose(found, expected, 1e-9, 1e-100, err_msg=f"{at}")


LIMITS = [
    (np.logaddexp, (inf, 0.0), (1, 0)),
    (np.logaddexp, (0.0, inf), (0, 1)),
    (np.logaddexp, (-inf, 0.0), (0, 1)),
    (np.logaddexp, (1e200, 1e200), (0.5, 0.5)),
    (np.logaddexp2, (inf, -inf), (1, 0)),
    (np.logaddexp2, (1e200, 1e200), (0.5, 0.5)),
    (np.arctan2, (1e200, 1e200), (5e-201, -5e-201)),
    (np.arctan2, (0.0, 1e-200), (1e200, 0)),
    (np.arctan2, (1e-200, -0.0), (0, -1e200)),
    (np.hypot, (1e200, 1e200), (0.5**0.5, 0.5**0.5)),
    (np.power, (0.0, 0.0), (0, 0)),
    (np.float_power, (0.0, 0.0), (0, 0)),
    (lambda x, y: np.ldexp(x, 1030) * y, (2.0**-1070, 1.0), (inf, 2.0**-40)),
]


@pytest.mark.parametrize(("function", "at", "expected"), LIMITS)
def test_limits(function, at, expected):
    for i, limit in enumerate(expected):
        np.testing.assert_allclose(al.grad(function, argnums=i)(*at), limit, rtol=1e-14)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        ([1e200, 1e200, 3.0], [0.5, 0.5, 0]),
        ([-inf, 0.0], [0, 1]),
        ([-inf, -inf], [nan, nan]),
        ([inf, 1.0], [nan, 0]),
    ],
)
def test_logsumexp_and_its_like(x, expected):
    x = np.array(x)
    np.testing.assert_array_equal(al.grad(lambda x: al.logsumexp(x))(x), expected)
    np.testing.assert_array_equal(al.softmax(x), expected)
    shifted = al.log_softmax(x)
    np.testing.assert_allclose(np.exp(shifted), expected)
    first = al.grad(lambda x: al.log_softmax(x)[0])(x)
    np.testing.assert_array_equal(first, np.array([1.0, 0, 0][: len(x)]) - expected)


def test_what_where_leaves_out_has_no_gradient():
    x = np.array([[0.0, 4.0], [-1.0, 1.0]])
    for reduce, slopes in (
        (np.sum, [[0, 0.25], [0, 0.5]]),
        (np.mean, [[0, 0.125], [0, 0.25]]),
    ):
        f = lambda x, r=reduce: r(np.sqrt(x), where=x > 0)  # noqa: E731
        np.testing.assert_array_equal(al.grad(f)(x), slopes)
    rows = al.grad(lambda x: np.mean(x, axis=1, where=[[True, True], [False, False]])[0])(x)
    np.testing.assert_array_equal(rows, [[0.5, 0.5], [0, 0]])


def test_slices_without_freedom_leave_the_others_alone():
    x = np.array([[1.0, nan, nan], [1.0, 3.0, nan], [nan, nan, nan]])
    for function in (np.nanvar, np.nanstd):
        for ddof in (1, 2):
            np.testing.assert_array_equal(
                function(al.Tensor(x, requires_grad=True), axis=1, ddof=ddof).data,
                function(x, axis=1, ddof=ddof),
            )
        slopes = al.grad(lambda x, f=function: f(x, axis=1, ddof=1)[1])(x)
        np.testing.assert_array_equal(slopes[[0, 2]], 0)
        assert slopes[1, 1] > 0 > slopes[1, 0]
    for function in (np.nanmean, np.nanmedian, np.nanmax, np.nanmin):
        slopes = al.grad(lambda x, f=function: f(x, axis=1)[1])(x)
        np.testing.assert_array_equal(slopes[[0, 2]], 0)
        assert np.sum(slopes) == 1


def test_the_extreme_of_numbers_that_are_infinite():
    assert al.grad(np.nanmax)(np.array([-inf, nan])).tolist() == [1, 0]
    assert al.grad(np.nanmin)(np.array([inf, nan, inf])).tolist() == [0.5, 0, 0.5]
    x = np.array([[nan, nan], [1.0, nan]])
    for options in (
        {"initial": -5.0},
        {"initial": 2.0},
        {"initial": -5.0, "where": ~np.eye(2, dtype=bool)},
    ):
        own = np.nanmax(al.Tensor(x, requires_grad=True), axis=1, **options)
        np.testing.assert_array_equal(own.data, np.nanmax(x, axis=1, **options))


POINTS = np.array([-inf, 0.0, 1.0, inf])


@pytest.mark.parametrize(
    ("x", "xp", "fp"),
    [
        ([-1.0, 0.5, 2.0], POINTS, [1.0, 2.0, 3.0, 4.0]),
        ([0.0, 0.5, 1.0, 2.0], [0.0, 1.0, 2.0], [1.0, inf, 3.0]),
        ([0.0, 0.5, 1.5], [0.0, 1.0, 2.0], [inf, inf, 3.0]),
        ([-inf, inf, nan, 0.0, 1.0], [0.0, 1.0, 2.0], [1.0, 4.0, 3.0]),
        ([0.5, 1.0, 1.5], [0.0, 1.0, 1.0, 2.0], [1.0, 4.0, 3.0, 2.0]),
        ([0.5, 1.0], [1.0], [3.0]),
    ],
)
def test_interpolation_between_points_that_are_infinite_or_equal(x, xp, fp):
    own = np.interp(al.Tensor(x, requires_grad=True), xp, fp)
    np.testing.assert_array_equal(own.data, np.interp(x, xp, fp))


def test_interpolation_beside_an_infinite_point_depends_on_the_other():
    slopes = al.grad(lambda fp: np.interp(-1.0, POINTS, fp))(np.array([1.0, 2.0, 3.0, 4.0]))
    np.testing.assert_array_equal(slopes[1:], [1, 0, 0])


def test_integers_become_floats_where_numpy_makes_them():
    h = np.array([1, 4, 9, 16])
    for x in (h, h.astype(np.uint8)[::-1].copy()):
        own = np.gradient(al.Tensor(x))
        assert own.dtype == np.float64
        np.testing.assert_array_equal(own.data, np.gradient(x))
    for spacing in (3.0, np.array([0.0, 1.0, 3.0, 4.0])):
        own = np.gradient(h, al.Tensor(spacing, requires_grad=True))
        np.testing.assert_allclose(own.data, np.gradient(h, spacing))
        assert own.requires_grad
    with pytest.raises(TypeError, match="ediff1d: to_end of dtype float64 .* int64"):
        np.ediff1d(al.Tensor(h), to_end=al.Tensor(1.0, requires_grad=True))


def test_a_histogram_by_edges_that_are_tensors():
    a, w = np.array([0.5, 1.0, 3.0, 9.0]), np.array([1.0, 2.0, 3.0, 4.0])
    edges = np.array([0.0, 1.5, 4.0])
    for weights in (None, w):
        f = lambda e, w=weights: np.histogram(a, e, density=True, weights=w)[0] @ [1.0, 2.0]  # noqa: E731
        np.testing.assert_allclose(al.grad(f)(edges), numeric_gradient(f, edges), atol=1e-9)
    both = lambda e: np.sum(np.histogram2d(a, a, [e, 2], density=True)[0][0])  # noqa: E731
    np.testing.assert_allclose(al.grad(both)(edges), numeric_gradient(both, edges), atol=1e-9)
    counts, own = np.histogram(a, al.Tensor(edges, requires_grad=True))
    assert counts.data.tolist() == [2, 1]
    assert own.requires_grad
    assert np.digitize(a, al.Tensor(edges, requires_grad=True)).tolist() == [1, 1, 2, 3]
    assert np.searchsorted(al.Tensor(edges, requires_grad=True), a).tolist() == [1, 1, 2, 3]


def test_what_stands_for_nan_may_be_a_tensor():
    x = np.array([nan, 2.0, inf, -inf])
    f = lambda x, v: np.nan_to_num(x, nan=v, posinf=2 * v, neginf=3 * v)  # noqa: E731
    np.testing.assert_array_equal(f(al.Tensor(x), al.Tensor(7.0)).data, [7, 2, 14, 21])
    slopes = al.grad(lambda x, v: np.sum(f(x, v)), argnums=(0, 1))(x, 7.0)
    assert slopes[0].tolist() == [0, 1, 0, 0]
    assert slopes[1] == 6


INFINITE_SLOPES = {
    "sqrt": (np.sqrt, lambda x: 0.5 / np.sqrt(x)),
    "log": (np.log, lambda x: 1 / x),
    "reciprocal": (lambda x: 1 / x, lambda x: -1 / x**2),
    "power": (lambda x: x**0.5, lambda x: 0.5 / np.sqrt(x)),
    "several steps": (
        lambda x: np.exp(-np.sqrt(x)) * 2,
        lambda x: -np.exp(-np.sqrt(x)) / np.sqrt(x),
    ),
}


@pytest.mark.parametrize("name", INFINITE_SLOPES)
def test_an_infinite_slope_spoils_no_other_row_of_a_jacobian(name):
    function, slope = INFINITE_SLOPES[name]
    x = np.array([0.0, 0.25, 4.0])
    expected = np.zeros((3, 3))
    np.fill_diagonal(expected, slope(x))
    np.testing.assert_allclose(al.jacobian(function)(x), expected)
    several = al.jacobian(lambda x: [x[::-1], function(x), np.ones(2)])(x)
    np.testing.assert_allclose(several[0], np.eye(3)[::-1])
    np.testing.assert_allclose(several[1], expected)
    np.testing.assert_allclose(several[2], np.zeros((2, 3)))
    curved = al.jacobian(al.jacobian(function))(x)
    assert np.isfinite(curved[1:, 1:, 1:]).all()
