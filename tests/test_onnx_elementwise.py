"""Every element-wise function on every real dtype in ONNX: equal to NumPy to rounding."""

import functools
import re

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.functions import with_trait

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

TOLERANCE = {"float64": 1e-12, "float32": 1e-6, "float16": 1e-3}

UFUNCS = sorted(
    {f for f in vars(np).values() if isinstance(f, np.ufunc) and f.signature is None},
    key=lambda f: f.__name__,
)
CALLS = {
    np.astype: lambda x: np.astype(x, np.float32),
    np.clip: lambda x: np.clip(x, 1, 3),
    np.where: lambda x: np.where(x > 1, x, 2),
}
"""Calls of functions that need more than arrays of the same kind."""
PYTHON = [
    *(f for f in with_trait("elementwise") - set(UFUNCS) if f.__module__ == "numpy"),
    *(np.around, np.fix, np.isclose, np.isposinf, np.isneginf, np.isreal, np.iscomplex),
    *(np.real_if_close, al.sigmoid, al.relu, al.softplus, al.xlogy, al.xlog1py),
]
EXACT = {np.frexp, np.modf, np.nextafter, np.spacing}
FUNCTIONS = [*UFUNCS, *sorted(PYTHON, key=lambda f: f.__name__)]
OF_TWO = {np.isclose, al.xlogy, al.xlog1py, *(f for f in UFUNCS if f.nin == 2)}


def numbers(dtype):
    """Ordinary and extreme numbers of a dtype."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        small = [0, 1, 2, 3, 5, 7, 12, 63, 64, 100, limits.max, limits.min, limits.min + 1]
        return np.array(small + [-n for n in small[1:10]] * (dtype.kind == "i"), dtype)
    limits = np.finfo(dtype)
    tiny = {"float64": 1e-300, "float32": 1e-30, "float16": 1e-4}[dtype.name]
    large = 1e5 if dtype.itemsize > 2 else 6e4
    sizes = [0, tiny, 1e-20, 1e-8, 1e-4, 0.1, 0.25, 0.5, 0.75, 0.999, 1, 1.5, 2, 2.5, 3, np.pi / 2]
    sizes += [np.pi, 3.5, 2 * np.pi, 10, 40, 88, 100, 700, 709.5, 710, 745, large, np.inf, np.nan]
    sizes += [10 / tiny] if dtype.itemsize > 2 else []
    sizes += [limits.max, limits.tiny, limits.smallest_subnormal, 3 * limits.smallest_subnormal]
    random = np.random.default_rng(0).normal(size=40) * 4
    with np.errstate(over="ignore"):
        return np.array(sizes + [-n for n in sizes if n == n] + list(random)).astype(dtype)


def called(function):
    """A call of the function on operands that have names, as those of ufuncs do not."""
    call = CALLS.get(function, function)
    return (lambda x, y: call(x, y)) if function in OF_TWO else (lambda x: call(x))


def operands(function, dtype):
    """Arrays of which a function may have every pair, or every one."""
    x = numbers(dtype)
    if function not in OF_TWO:
        # The integer 1 / 0 is what the processor makes of it.
        return [x[x != 0] if function is np.reciprocal and x.dtype.kind != "f" else x]
    y = x
    if function is np.power and x.dtype.kind == "i":
        y = y[y >= 0]
    if function is np.ldexp:
        y = np.array([0, 1, -1, 10, -10, 1100, -1100, 2**31 - 1, -(2**31)])
    return [x[:, None], y]


def exported(function, *inputs):
    """The function as ONNX Runtime computes it: a list of results."""
    with np.errstate(all="ignore"):
        model = al.to_onnx(function, *inputs)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [i.name for i in session.get_inputs()]
    return lambda *inputs: session.run(None, dict(zip(names, inputs, strict=True)))


def run(function, *inputs):
    """The results of ONNX Runtime."""
    return exported(function, *inputs)(*inputs)


def equal(actual, expected, size=0, exact=False, tolerance=0):
    """To rounding of the result; of numbers of this `size` where a difference of such is taken."""
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
    if exact or expected.dtype.kind != "f":
        np.testing.assert_array_equal(actual, expected)
        return
    tolerance = max(tolerance, TOLERANCE[expected.dtype.name])
    # What is below the normal numbers has fewer digits.
    smallest = np.finfo(expected.dtype).tiny * 1e-3
    size = np.nan_to_num(size, nan=0, posinf=0, neginf=0)
    off = abs(actual.astype(float) - expected) - tolerance * np.maximum(abs(expected), size)
    off = np.where((actual == expected) | (np.isnan(actual) & np.isnan(expected)), 0, off)
    np.testing.assert_array_less(off, smallest)


def numpys(function, *inputs):
    """The results of NumPy; None where it has none for these dtypes."""
    with np.errstate(all="ignore"):
        try:
            results = function(*inputs)
        except TypeError:
            return None
    return list(map(np.asarray, results if isinstance(results, tuple) else [results]))


DTYPES = [
    *("float64", "float32", "int64", "bool"),
    *(
        pytest.param(d, marks=pytest.mark.slow)
        for d in ("float16", "int32", "int16", "int8", "uint32", "uint16", "uint8")
    ),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore:numpy.fix is deprecated")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.one_in(17)
def test_every_function_on_every_kind_of_numbers(function, dtype):
    call, arrays = called(function), operands(function, dtype)
    if numpys(call, *arrays) is None:
        return
    for inputs in (arrays, [a.ravel()[-1:].reshape(()) for a in arrays]):
        # log(exp(x) + exp(y)) is the difference of numbers of their size where it is near 0.
        differs = function in (np.logaddexp, np.logaddexp2)
        size = np.maximum(*map(abs, inputs)) if differs else 0
        for actual, expected in zip(run(call, *inputs), numpys(call, *inputs), strict=True):
            equal(actual, expected, size, exact=function in EXACT)


def beside(function, seed, count):
    """Calls of a function on operands of different dtypes, and on an array and a number."""
    dtypes = "float64 float32 float16 int64 int32 int16 int8 uint32 uint16 uint8 bool".split()
    pairs = [(a, b) for a in dtypes for b in dtypes if a != b]
    of_numbers = [(a, b) for a in dtypes for b in (1, 3, 2.5, True, 0, -1, 300, np.inf)]
    of_numbers += [(b, a) for a, b in of_numbers]
    random = np.random.default_rng(seed)
    for some in (pairs, of_numbers):
        for place in random.permutation(len(some))[:count]:
            of = some[place]
            arrays = [numbers(k) if isinstance(k, str) else k for k in of]
            if all(isinstance(k, str) for k in of):
                arrays[0] = arrays[0][:, None]
            if function in (np.power, np.float_power):
                arrays = [a[a >= 0] if isinstance(a, np.ndarray) and a.ndim else a for a in arrays]
            yield arrays


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("count", [3, pytest.param(75, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "function", [f for f in FUNCTIONS if f in OF_TWO], ids=lambda f: f.__name__
)
@pytest.mark.one_in(13)
def test_operands_of_different_dtypes_and_numbers(function, count):
    for arrays in beside(function, FUNCTIONS.index(function), count):
        given = [a for a in arrays if isinstance(a, np.ndarray)]
        call = called(function)
        if len(given) == 1:
            x, y = arrays
            call = (lambda x: function(x, y)) if x is given[0] else (lambda y: function(x, y))  # noqa: B023
        try:
            expected = numpys(call, *given)
        except (OverflowError, ValueError):
            # A number that is none of the dtype, a negative power of integers.
            continue
        if expected is None:
            continue
        for ours, theirs in zip(run(call, *given), expected, strict=True):
            differs = function in (np.logaddexp, np.logaddexp2)
            size = np.maximum(*(abs(np.asarray(a, float)) for a in arrays)) if differs else 0
            # Of operands in single precision a part is computed in it; logarithms of small integers
            # are computed in half precision.
            parts = given
            if function in (al.xlogy, al.xlog1py):
                parts = [np.log1p(a) for a in given]
            coarsest = [a.dtype.name for a in parts if a.dtype.name in TOLERANCE]
            equal(ours, theirs, size, tolerance=max(map(TOLERANCE.get, coarsest), default=0))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "int32", "uint8"])
@pytest.mark.one_in(5)
def test_exact_functions_of_random_bits(dtype):
    """Numbers of all sizes, of which most that are written down by hand are no example."""
    bits = np.random.default_rng(0).bytes(2 * 8000)
    x, y = np.frombuffer(bits, dtype).reshape(2, -1)
    functions = [np.frexp, np.modf, np.nextafter, np.spacing]
    if x.dtype.kind != "f":
        functions = [np.gcd, np.lcm, np.bitwise_count, np.frexp, np.floor_divide, np.remainder]
        functions += [lambda x, y: x << (y & 127), lambda x, y: x >> (y & 127), np.left_shift]
        functions += [lambda x, y: x ** (y & 127), lambda x, y: x ** np.where(y < 0, ~y, y)]
    for function in functions:
        inputs = (x, y)[: getattr(function, "nin", 2)]
        call = (lambda x, y: function(x, y)) if len(inputs) == 2 else (lambda x: function(x))  # noqa: B023
        for actual, expected in zip(run(call, *inputs), numpys(call, *inputs), strict=True):
            equal(actual, expected, exact=True)


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
    "shifts by numbers": lambda n, x: (n << 3) + (-n >> 1) + (1 << n) + (-100 >> n),
    "shifts beyond the width": lambda n, x: (n << 40 * n) + (-n >> 40 * n) + (n << -n),
    "common divisors": lambda n, x: np.gcd(n, 12) * np.lcm(4, n + 1) + np.gcd(6 * n, [[4], [0]]),
    "quotient and rest": lambda n, x: sum(divmod(x, 0.3)) + sum(divmod(n, 4)) + np.divmod(7, n)[1],
    "fraction and whole": lambda n, x: np.modf(x)[0] * 10 + np.modf(n / 4)[1],
    "mantissa and exponent": lambda n, x: np.ldexp(*np.frexp(x)) * np.frexp(x * 1000)[1],
    "the next number": lambda n, x: np.nextafter(x, 0) - x + np.nextafter(0.5, x) + np.spacing(n),
    "close to a number": lambda n, x: (
        np.isclose(x, 0.65, 0.0, 1e-3) | np.isclose(n, 3.01, rtol=0.1)
    ),
    "close to no number": lambda n, x: np.isclose(x / n, n / 0, equal_nan=True),
    "directions": lambda n, x: np.angle(x) + np.angle(n - 3, deg=True) + np.imag(x) + x.imag,
    "Bessel's function": lambda n, x: np.i0(x * 5) + np.i0(n),
    "inversion": lambda n, x: ~n + ~(n > 2) * 1,
    "not equal": lambda n, x: (n != 3) & (x != 2),
    "a cube of integers": lambda n, x: n**3,
    "a power that wraps": lambda n, x: (n + 1) ** 63,
    "powers that are not known": lambda n, x: (
        2**n + n**n + np.power(n - 2, n + np.array([[2], [60]]))
    ),
    "two to a large power": lambda n, x: (2 * n + 1) ** 1_000_003,
    "the power 0": lambda n, x: n**0 + x**0,
    "a root": lambda n, x: np.abs(x) ** 0.5 + np.abs(x) ** -1.5,
    "integers divided": lambda n, x: n / (n + 1),
    "integers divided to wholes": lambda n, x: (
        n // 3 + (-n) // 3 + n % -3 + (-n) % 3 + 7 // (n + 1)
    ),
    "one divided to wholes": lambda n, x: 1 % (n + 1) + np.fmod(1, n) + 1 // (n + 1),
    "beyond the dtype": lambda n, x: (n.astype(np.uint8) > -1) & (n < 2**70) & (-(2**70) != n),
    "a list": lambda n, x: (x > [1, 0, 0, 1, 0, 1]) & np.isclose(x, [1.5, 0, 0, 2, 1, 0]),
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
@pytest.mark.one_in(13)
def test_expressions_of_numbers_of_several_kinds(function):
    n = np.array([0, 1, 2, 3, 4, 5])
    x = np.array([1.5, -0.25, 0.0, 2.0, -3.75, 0.65])

    def first(n, x):
        result = function(n, x)
        return result[0] if isinstance(result, tuple) else result

    (actual,) = run(first, n, x)
    equal(actual, np.asarray(first(n, x)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(7,), (2, 9), (3, 2, 5)])
@pytest.mark.parametrize("reduce", [np.max, np.min, np.argmax, np.argmin])
@pytest.mark.one_in(4)
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
            np.testing.assert_array_equal(found(x)[0], reduction(x))


@pytest.mark.filterwarnings("ignore:'where' used without 'out'")
@pytest.mark.parametrize(
    ("function", "example", "message"),
    [
        (lambda x: x * 2, np.ones(2, complex), "complex128"),
        (lambda x: np.abs(x), np.ones(2, complex), "complex128"),
        (lambda x: x > 1, np.ones(2, np.uint64), "uint64"),
        (lambda x: np.sum(x, where=x > 0), np.ones(2), "where="),
        (lambda x: np.max(x, initial=2.0), np.ones(2), "initial="),
        (lambda x: np.trunc(x, where=x > 0), np.ones(2), r"np\.trunc"),
        (lambda x: np.sin(x, where=x > 0), np.ones(2), "where="),
        (lambda x: np.modf(x, where=x > 0)[0], np.ones(2), r"np\.modf"),
        (lambda x: np.power(x, x, where=x > 0), np.ones(2, int), "where="),
        (lambda x: np.unwrap(x), np.ones(2), r"np\.unwrap \(File "),
    ],
)
def test_what_would_be_wrong_is_refused_at_export(function, example, message):
    with pytest.raises(TypeError, match=f"({message}).*form in ONNX|form in ONNX.*({message})"):
        al.to_onnx(function, example)


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated", "ignore:Casting complex values")
@pytest.mark.parametrize("dtype", [complex, np.complex64, np.longdouble, np.uint64])
@pytest.mark.one_in(4)
def test_numbers_that_onnx_runtime_does_not_compute_with_are_refused(dtype):
    x = np.arange(1, 4).astype(dtype)
    refused = computed = 0
    for function in FUNCTIONS:
        call, inputs = called(function), [x, x][: 1 + (function in OF_TWO)]
        expected = numpys(call, *inputs)
        if expected is None:
            continue
        try:
            results = run(call, *inputs)
        except TypeError as error:
            assert re.search(f"{x.dtype}.*form in ONNX", str(error)), (function, error)
            refused += 1
            continue
        computed += 1
        for ours, theirs in zip(results, expected, strict=True):
            equal(ours, theirs)
    # Whole numbers that only become floats need no more than a Cast.
    assert refused > 25
    assert (computed > 0) == (dtype is np.uint64)


@pytest.mark.parametrize("dtype", ["int64", "int32", "int8"])
def test_a_negative_power_of_integers_is_an_error_as_in_numpy(dtype):
    x, y = np.array([2, -1, 1], dtype), np.array([[3], [0]], dtype)
    power = exported(lambda x, y: x**y + np.power(2, y), x, y)
    equal(power(x, y)[0], x**y + np.power(2, y))
    for negative in (y - 1, -y):
        with pytest.raises(ValueError, match="[Ii]ntegers to negative integer powers"):
            x**negative
        with pytest.raises(Exception, match="integers to negative integer powers"):
            power(x, negative)


def test_loops_run_for_any_number_of_samples():
    def function(X, Y):
        return np.gcd(X, Y), np.lcm(X, 6), X**Y, X << Y, np.frexp(X / 8)[1]

    X = np.arange(12).reshape(2, 6)
    computed = exported(function, X, X[:1])
    for count in (6, 9, 1, 0):
        X = np.arange(-2, 2 * count - 2).reshape(2, count)
        for actual, expected in zip(computed(X, abs(X[:1])), function(X, abs(X[:1])), strict=True):
            equal(actual, expected)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_sign_of_zero(dtype):
    x, y = (
        np.array(n, dtype) for n in ([0.0, -0.0, 0.0, -0.0, -0.5], [1.0, 2.0, -1.0, -2.0, -0.0])
    )
    for function in (np.copysign, np.arctan2):
        (actual,) = run(lambda x, y: function(x, y), x, y)  # noqa: B023
        np.testing.assert_array_equal(np.signbit(actual), np.signbit(function(x, y)))
        equal(actual, function(x, y))
