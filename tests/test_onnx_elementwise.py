"""Every element-wise function in ONNX: equal to NumPy to rounding, or refused at export."""

import functools

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.operations import COMPOSITES, NON_DIFFERENTIABLE, OPERATIONS

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

TOLERANCE = {"float64": 1e-12, "float32": 1e-6, "float16": 1e-3}
REFUSED = set(
    """angle bitwise_count divmod frexp gcd i0 imag isclose iscomplex isnat isreal lcm left_shift
    modf nextafter right_shift spacing unwrap""".split()
)
"""Element-wise functions that have no form in ONNX here, for any dtype."""

PYTHON = [
    *(np.sinc, np.nan_to_num, np.round, np.around, np.fix, np.i0, np.real, np.imag, np.angle),
    *(np.real_if_close, np.unwrap, np.isposinf, np.isneginf, np.isreal, np.iscomplex, np.copy),
    *(al.sigmoid, al.relu, al.softplus),
]
UFUNCS = [
    function
    for function in sorted({*OPERATIONS, *COMPOSITES, *NON_DIFFERENTIABLE}, key=repr)
    if isinstance(function, np.ufunc) and getattr(np, function.__name__, None) is function
]
UNARY = [*(f for f in UFUNCS if f.nin == 1), *PYTHON]
BINARY = [
    *(f for f in UFUNCS if f.nin == 2 and f.signature is None),
    np.isclose,
    al.xlogy,
    al.xlog1py,
]


def numbers(dtype):
    """Ordinary and extreme numbers of a dtype."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        small = [0, 1, 2, 3, 5, 7, 12, 100, limits.max, limits.min + 1]
        return np.array(small + [-n for n in small[1:8]] * (dtype.kind == "i"), dtype)
    tiny = {"float64": 1e-300, "float32": 1e-30, "float16": 1e-4}[dtype.name]
    large = 1e5 if dtype.itemsize > 2 else 6e4
    sizes = [0, tiny, 1e-20, 1e-8, 1e-4, 0.1, 0.25, 0.5, 0.75, 0.999, 1, 1.5, 2, 2.5, 3, np.pi / 2]
    sizes += [np.pi, 3.5, 2 * np.pi, 10, 40, 88, 100, 700, 709.5, 710, 745, large, np.inf, np.nan]
    sizes += [10 / tiny] if dtype.itemsize > 2 else []
    random = np.random.default_rng(0).normal(size=40) * 4
    with np.errstate(over="ignore"):
        return np.array(sizes + [-n for n in sizes if n == n] + list(random)).astype(dtype)


def exported(function, *inputs):
    """The function as ONNX Runtime computes it; None where it is refused at export, by name."""
    with np.errstate(all="ignore"):
        try:
            model = al.to_onnx(function, *inputs)
        except TypeError as error:
            assert "form in ONNX" in str(error), error
            return None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [i.name for i in session.get_inputs()]
    return lambda *inputs: session.run(None, dict(zip(names, inputs, strict=True)))[0]


def run(function, *inputs):
    """What ONNX Runtime computes; None where the function is refused at export, by name."""
    computed = exported(function, *inputs)
    return None if computed is None else computed(*inputs)


def equal(actual, expected, size=0):
    """To rounding of the result; of numbers of this `size` where a difference of such is taken."""
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(actual, expected)
        return
    tolerance = TOLERANCE[expected.dtype.name]
    # What is below the normal numbers has fewer digits.
    smallest = np.finfo(expected.dtype).tiny * 1e-3
    size = np.nan_to_num(size, nan=0, posinf=0, neginf=0)
    off = abs(actual.astype(float) - expected) - tolerance * np.maximum(abs(expected), size)
    off = np.where((actual == expected) | (np.isnan(actual) & np.isnan(expected)), 0, off)
    np.testing.assert_array_less(off, smallest)


def numpys(function, *inputs):
    """What NumPy computes; None where it does not for these dtypes."""
    with np.errstate(all="ignore"):
        try:
            return np.asarray(function(*inputs))
        except TypeError:
            return None


DTYPES = [
    *("float64", "float32", "int64", "bool"),
    *(pytest.param(d, marks=pytest.mark.slow) for d in ("float16", "int32", "uint8", "int8")),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", UNARY, ids=lambda f: f.__name__)
def test_functions_of_one_operand(function, dtype):
    x = numbers(dtype)
    if getattr(function, "nout", 1) > 1 or (function is np.reciprocal and x.dtype.kind != "f"):
        return
    expected = numpys(function, x)
    if expected is None or expected.dtype.kind == "c" or function is np.copy and dtype == "bool":
        return
    actual = run(lambda x: function(x), x)
    if actual is None:
        assert function.__name__ in REFUSED
        return
    assert function.__name__ not in REFUSED
    equal(actual, expected)
    equal(run(lambda x: function(x), x[-1:].reshape(())), expected[-1:].reshape(()))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", BINARY, ids=lambda f: f.__name__)
def test_functions_of_two_operands(function, dtype):
    x, y = numbers(dtype)[:, None], numbers(dtype)
    if function in (np.power, np.float_power) and x.dtype.kind == "i":
        y = np.abs(y)
    if function is np.ldexp:
        y = np.array([0, 1, -1, 10, -10, 1100, -1100])
    if getattr(function, "nout", 1) > 1:
        return
    expected = numpys(function, x, y)
    if expected is None:
        return
    actual = run(lambda x, y: function(x, y), x, y)
    if actual is None:
        by_whole_numbers = function is np.power and x.dtype.kind != "f"
        assert function.__name__ in REFUSED or by_whole_numbers
        return
    assert function.__name__ not in REFUSED
    # log(exp(x) + exp(y)) is the difference of numbers of their size where it is near 0.
    differs = function in (np.logaddexp, np.logaddexp2)
    equal(actual, expected, np.maximum(abs(x), abs(y)) if differs else 0)


MIXED = {
    "integers and a fraction": lambda n, x: n > 0.5,
    "integers and floats": lambda n, x: n * x,
    "comparison of dtypes": lambda n, x: np.less_equal(n, x),
    "equality of dtypes": lambda n, x: n == x,
    "where with a bound": lambda n, x: np.where(n, x, 1),
    "booleans chosen among": lambda n, x: np.where(n > 2, x > 0, n > 4),
    "and of numbers": lambda n, x: np.logical_and(n, x),
    "not of numbers": lambda n, x: np.logical_not(x),
    "booleans added": lambda n, x: (n > 2) + (x > 0),
    "booleans multiplied": lambda n, x: (n > 2) * (x > 0),
    "a mask as a factor": lambda n, x: x * (n > 2),
    "booleans compared": lambda n, x: (n > 2) < (x > 0),
    "the largest of booleans": lambda n, x: np.maximum(n > 2, x > 0),
    "bits": lambda n, x: (n & 6) | (n ^ 3),
    "inversion": lambda n, x: ~n + ~(n > 2) * 1,
    "not equal": lambda n, x: (n != 3) & (x != 2),
    "a cube of integers": lambda n, x: n**3,
    "a power that wraps": lambda n, x: (n + 1) ** 63,
    "the power 0": lambda n, x: n**0 + x**0,
    "a root": lambda n, x: np.abs(x) ** 0.5 + np.abs(x) ** -1.5,
    "integers divided": lambda n, x: n / (n + 1),
    "integers divided to wholes": lambda n, x: (
        n // 3 + (-n) // 3 + n % -3 + (-n) % 3 + 7 // (n + 1)
    ),
    "by zero": lambda n, x: n // (n - n) + n % (n - n),
    "floats divided to wholes": lambda n, x: x // 0.3 + (x % 0.3) + (x % -0.3) + np.fmod(x, 0.3),
    "rounding of integers": lambda n, x: np.floor(n) + np.ceil(n) + np.trunc(n) + np.round(n),
    "rounded to a digit": lambda n, x: np.round(x, 1) + np.round(x, decimals=2) + np.round(x, -1),
    "halves": lambda n, x: np.rint(n / 2) + np.round(n / 2),
    "clip from below": lambda n, x: np.clip(x, -1, None),
    "clip from above": lambda n, x: np.clip(x, None, 1) + np.clip(x, max=0.5),
    "clip by arrays": lambda n, x: np.clip(x, n - 3, n * 1.0),
    "clip by NaN": lambda n, x: np.clip(x, np.nan, 1),
    "clip with bounds that cross": lambda n, x: np.clip(x, 1, -1),
    "clip of integers": lambda n, x: np.clip(n, 1, 3),
    "replaced": lambda n, x: np.nan_to_num(x / n, nan=7.0, posinf=8.0, neginf=-8.0),
    "replaced by default": lambda n, x: np.nan_to_num(x / n),
    "halved": lambda n, x: np.ldexp(x, -1) + np.ldexp(x, n),
    "single precision": lambda n, x: np.tan(x.astype(np.float32)) + np.float32(0.1),
    "dtype=": lambda n, x: np.add(x, n, dtype=np.float64) + np.exp(n, dtype=np.float64),
    "a step": lambda n, x: np.heaviside(x, 0.5) + np.sign(x),
    "the length of a vector": lambda n, x: np.hypot(x, 1e200) + np.hypot(n, x),
    "angles": lambda n, x: np.arctan2(x, -1.0) + np.arctan2(n - 2, x),
    "several axes": lambda n, x: (
        al.softmax(np.expand_dims(n, 1) * x, axis=(0, 1)) + al.softmax(np.expand_dims(x, 1) * n)
    ),
    "log-softmax": lambda n, x: al.log_softmax(np.expand_dims(n, 1) * x * 1000, axis=1),
    "logsumexp": lambda n, x: al.logsumexp(np.expand_dims(n, 1) * x * 1000, axis=0, keepdims=True),
    "the dot of numbers": lambda n, x: np.dot(x, 2.0) + np.dot(x[0], x),
    "sum of booleans": lambda n, x: np.sum(x > 0) + np.mean(n > 2),
    "all and any": lambda n, x: (np.all(x > -9), np.any(x > 0)),
    "no axis": lambda n, x: np.sum(x, axis=()),
    "a copy": lambda n, x: np.copy(x) + x.copy(),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("function", MIXED.values(), ids=MIXED)
def test_expressions_of_numbers_of_several_kinds(function):
    n = np.array([0, 1, 2, 3, 4, 5])
    x = np.array([1.5, -0.25, 0.0, 2.0, -3.75, 0.65])

    def first(n, x):
        result = function(n, x)
        return result[0] if isinstance(result, tuple) else result

    actual = run(first, n, x)
    assert actual is not None
    equal(actual, np.asarray(first(n, x)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(7,), (2, 9), (3, 2, 5)])
@pytest.mark.parametrize("reduce", [np.max, np.min, np.argmax, np.argmin])
def test_what_is_not_a_number_prevails_in_reductions(reduce, shape, dtype):
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    reductions = [
        functools.partial(reduce, axis=axis, keepdims=keepdims)
        for axis in range(x.ndim)
        for keepdims in (False, True)
    ]
    if reduce in (np.max, np.min):
        reductions.append(reduce)
    computed = [exported(lambda x, r=r: r(x), x) for r in reductions]
    for where in (None, 0, x.size // 2, x.size - 1):
        if where is not None:
            x.ravel()[where] = np.nan
        for reduction, found in zip(reductions, computed, strict=True):
            np.testing.assert_array_equal(found(x), reduction(x))


@pytest.mark.filterwarnings("ignore:'where' used without 'out'")
@pytest.mark.parametrize(
    ("function", "example", "message"),
    [
        (lambda x: x * 2, np.ones(2, complex), "complex128"),
        (lambda x: np.abs(x), np.ones(2, complex), "complex128"),
        (lambda x: x + 1, np.ones(2, np.uint64), "uint64"),
        (lambda x: x + 1, np.ones(2, np.longdouble), "longdouble|float128"),
        (lambda x: 2**x, np.ones(2, int), "powers by one known whole number"),
        (lambda x: np.power(x, x), np.ones(2, int), "powers by one known whole number"),
        (lambda x: np.sum(x, where=x > 0), np.ones(2), "where="),
        (lambda x: np.max(x, initial=2.0), np.ones(2), "initial="),
        (lambda x: np.trunc(x, where=x > 0), np.ones(2), r"np\.trunc"),
        (lambda x: np.sin(x, where=x > 0), np.ones(2), "where="),
        (lambda x: np.modf(x)[0], np.ones(2), r"np\.modf"),
        (lambda x: np.i0(x), np.ones(2), r"np\.i0 \(File "),
    ],
)
def test_what_would_be_wrong_is_refused_at_export(function, example, message):
    with pytest.raises(TypeError, match=f"({message}).*form in ONNX|form in ONNX.*({message})"):
        al.to_onnx(function, example)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_sign_of_zero(dtype):
    x, y = (
        np.array(n, dtype) for n in ([0.0, -0.0, 0.0, -0.0, -0.5], [1.0, 2.0, -1.0, -2.0, -0.0])
    )
    for function in (np.copysign, np.arctan2):
        actual = run(lambda x, y: function(x, y), x, y)  # noqa: B023
        np.testing.assert_array_equal(np.signbit(actual), np.signbit(function(x, y)))
        equal(actual, function(x, y))
