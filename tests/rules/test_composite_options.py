"""Options of functions that are recorded through others: the dtypes and the errors are NumPy's."""

import numpy as np
import pytest
from cases import normal, positive

import autograd_lite as al
from autograd_lite.functions import signature
from autograd_lite.operations import COMPOSITES, OPERATIONS
from autograd_lite.rules.special import astype

X = normal(3, 4)
SINGLE = X.astype(np.float32)


@pytest.mark.parametrize(
    ("function", "operand"),
    [
        (lambda a: np.cov(a, dtype=np.float32), X),
        (lambda a: np.cov(a), SINGLE),
        (lambda a: np.corrcoef(a, dtype=np.float32), X),
        (lambda a: np.percentile(a, 30.0), SINGLE),
        (lambda a: np.percentile(a, [30, 40]), SINGLE),
        (lambda a: np.nanpercentile(a, 30.0, axis=0), SINGLE),
        (lambda a: np.average(a, returned=True)[1], X),
        (lambda a: np.linspace(a, 0.0, 1, retstep=True)[1] * np.ones(1), X),
        (lambda a: np.linspace(a, 7.0, 4, dtype=int), X),
        (lambda a: np.geomspace(np.abs(a), 7.0, 4), SINGLE[0, 0]),
        (lambda a: np.cumulative_sum(a, axis=0, dtype=np.float32, include_initial=True), X),
    ],
)
def test_dtypes_are_those_of_numpy(function, operand):
    result = function(al.Tensor(operand, requires_grad=True))
    expected = function(operand)
    assert result.dtype == expected.dtype
    np.testing.assert_allclose(getattr(result, "data", result), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda a: np.diff(a, n=-1), ValueError, "n times, and n = -1 is negative$"),
        (lambda a: np.diff(a, axis=2), np.exceptions.AxisError, "axis 2 is out of bounds"),
        (lambda a: np.trapezoid(a, axis=-3), IndexError, "axis -3 is out of bounds"),
        (lambda a: np.gradient(a, axis=2), np.exceptions.AxisError, "axis 2 is out of bounds"),
        (lambda a: np.median(a, axis=2), np.exceptions.AxisError, "axis 2 is out of bounds"),
        (lambda a: np.convolve(a, [1.0, 2.0]), ValueError, r"take vectors, not shape \(3, 4\)$"),
        (lambda a: np.correlate(a, [1.0, 2.0]), ValueError, r"take vectors, not shape \(3, 4\)$"),
        (lambda a: np.cov(a[None]), ValueError, r"takes vectors and matrices, .* \(1, 3, 4\)$"),
        (lambda a: np.cov(a, ddof=0.5), ValueError, "ddof must be integer"),
        (lambda a: np.cov(a, fweights=[0.5, 1, 1, 1]), TypeError, "fweights must be integer"),
        (lambda a: np.cov(a, aweights=[-1, 1, 1, 1]), ValueError, "aweights cannot be negative"),
        (
            lambda a: np.average(a, axis=0, weights=[1, -1, 0]),
            ZeroDivisionError,
            "the weights sum to zero",
        ),
        (lambda a: np.linspace(a, 0.0, -1), ValueError, "gives num numbers, and num = -1 is"),
        (lambda a: np.geomspace(a, 0.0), ValueError, "sequence cannot include zero$"),
        (lambda a: np.poly(a), ValueError, r"a vector or a square matrix, not \(3, 4\)$"),
        (lambda a: np.polyder(a[0], -1), ValueError, "m from 0 on, not -1; np.polyint integrates$"),
        (
            lambda a: np.polyint(a[0], -1),
            ValueError,
            "from 0 on, not -1; np.polyder differentiates",
        ),
        (lambda a: np.polyint(a[0], 3, k=[1.0, 2.0]), ValueError, "one k, or 3 of them, not 2$"),
        (lambda a: np.polydiv(a, [1.0]), ValueError, r"vector of coefficients, .* \(3, 4\)$"),
        (lambda a: np.polydiv(a[0, :0], [1.0]), (ValueError, IndexError), "at least one coeff"),
        (lambda a: np.roots(a), ValueError, r"a vector of coefficients, not an array of shape"),
        (lambda a: np.polyfit(a[0], a[1], -1), ValueError, "is -1, and must not be negative$"),
        (lambda a: np.polyfit(a[0], a[:, 0], 1), TypeError, r"not shapes \(4,\) and \(3,\)$"),
        (
            lambda a: np.polyfit(a[0], a[1], 1, w=[1.0, 2.0]),
            TypeError,
            "takes a weight for each of the 4 points$",
        ),
    ],
)
def test_what_numpy_refuses_is_refused(function, error, message):
    with pytest.raises(error):
        function(X)
    with pytest.raises(error, match=message):
        function(al.Tensor(X, requires_grad=True))


def test_weights_of_cov_that_are_whole_numbers_have_a_gradient():
    def total(weights):
        return np.sum(np.cov(X, fweights=weights))

    # As if an observation could be there a little more often.
    step = 1e-6 * np.eye(4)
    weights = np.array([1.0, 2.0, 1.0, 3.0])

    def between(weights):
        center = X @ weights / weights.sum()
        distance = X - center[:, None]
        return np.sum((distance * weights) @ distance.T) / (weights.sum() - 1)

    differences = [(between(weights + s) - between(weights - s)) / 2e-6 for s in step]
    np.testing.assert_allclose(al.grad(total)(weights), differences, rtol=1e-6)


def test_lists_beside_tensors():
    heights = [1.0, 3.0, 4.0]
    points = np.array([0.0, 1.0, 3.0])
    np.testing.assert_allclose(al.grad(lambda x: np.trapezoid(heights, x))(points), [-2, -1.5, 3.5])
    slopes = al.grad(lambda x: np.sum(np.gradient(heights, x)))(points)
    np.testing.assert_allclose(np.sum(slopes), 0, atol=1e-12)
    weights = positive(3)
    assert al.grad(lambda y: np.cov([1.0, 2.0, 4.0], y)[0, 1])(weights).shape == (3,)


def with_dtype():
    """Every function with a rule that has the option `dtype`, as a function of (x, options)."""
    several = {np.concatenate, np.stack, np.hstack, np.vstack}
    binary = {np.matmul, np.vecdot, np.matvec, np.vecmat, np.linspace, np.logspace, np.geomspace}
    for function in sorted([*OPERATIONS, *COMPOSITES], key=lambda f: f.__name__):
        name = function.__name__
        if function in (np.full_like, np.astype, astype):
            continue
        if isinstance(function, np.ufunc):
            count = 2 if function.signature else function.nin
            call = lambda x, f=function, n=count, **options: f(*[x] * n, **options)  # noqa: E731
        elif "dtype" not in signature(function).parameters:
            continue
        elif function in several:
            call = lambda x, f=function, **options: f([x, x], **options)  # noqa: E731
        elif function in binary:
            call = lambda x, f=function, **options: f(x, x, **options)  # noqa: E731
        elif function is np.einsum:
            call = lambda x, **options: np.einsum("ij,jk", x, x, **options)  # noqa: E731
        elif function in (np.cumulative_sum, np.cumulative_prod):
            call = lambda x, f=function, **options: f(x, axis=0, **options)  # noqa: E731
        else:
            call = lambda x, f=function, **options: f(x, **options)  # noqa: E731
        yield pytest.param(call, id=name)


@pytest.mark.parametrize("dtype", [int, np.uint8, bool])
@pytest.mark.parametrize("call", list(with_dtype()))
@pytest.mark.filterwarnings("ignore")
@pytest.mark.one_in(3)
def test_whole_numbers_do_not_require_grad(call, dtype):
    x = np.array([[0.5, 0.25], [1.0, 0.75]])
    for options in ({"dtype": dtype}, {"dtype": dtype, "casting": "unsafe"}):
        try:
            expected = call(x, **options)
            result = call(al.Tensor(x, requires_grad=True), **options)
        except TypeError:
            continue
        pairs = [(result, expected)]
        if isinstance(expected, tuple):
            pairs = zip(result, expected, strict=True)
        for own, numpys in pairs:
            assert own.dtype == numpys.dtype
            if own.dtype.kind not in "fc":
                assert not getattr(own, "requires_grad", False)


def test_a_dtype_that_follows_by_position_cuts_off_too():
    x = al.Tensor([[1.5, 2.5]], requires_grad=True, name="x")
    total = np.sum(x, 0, int)
    assert (total.data.tolist(), total.requires_grad) == ([1, 2], False)
    with pytest.raises(RuntimeError, match="'x' went through sum, whose result has dtype int64"):
        total.backward(np.ones(2))
