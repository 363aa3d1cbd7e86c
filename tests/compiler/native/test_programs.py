"""Native programs against NumPy's: every case of the rules, every function, both dtypes."""

import numpy as np
import pytest
from all_cases import CASES
from compiler.native.interpreted import interpreted

import autograd_lite as al
from autograd_lite.compiler.compiled import _run
from autograd_lite.compiler.native import forms, products
from autograd_lite.functions import traits, with_trait

pytest.importorskip("numba")
pytest.importorskip("scipy")


def items(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


COMPILED = [case for case in CASES if not traits(case.function).shape_from_values]
EVERY = 4
"""One in so many cases is not slow, and that for values only."""


def selected():
    for number, case in enumerate(COMPILED):
        for what in ("value", "gradient"):
            is_slow = what == "gradient" or number % EVERY
            marks = [pytest.mark.slow] if is_slow else []
            yield pytest.param(case, what, id=f"{case.id}-{what}", marks=marks)


@pytest.mark.parametrize("case, what", list(selected()))
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::DeprecationWarning")
@pytest.mark.one_in(13)
def test_the_source_of_every_case(case, what):
    function = lambda *operands: case(*operands)  # noqa: E731
    if what == "gradient":
        places = [i for i, x in enumerate(case.operands) if np.asarray(x).dtype.kind == "f"]

        def function(*operands):
            value = lambda *xs: sum(np.sum(np.abs(r) ** 2) for r in items(case(*xs)))  # noqa: E731
            return al.grad(value, tuple(places))(*operands)

    compiled = al.compile(function)
    try:
        compiled(*case.operands)
    except (al.TracedValueError, TypeError, ValueError, NotImplementedError):
        return
    specialised = compiled._last()
    leaves = [np.asarray(operand) for operand in case.operands]
    expected = specialised.run(leaves)
    native = interpreted(specialised.choice.lower()[-1])
    copies = [leaf.copy() for leaf in leaves]
    for found, wanted in zip(_run(native, leaves), expected, strict=True):
        assert np.shape(found) == np.shape(wanted)
        assert np.asarray(found).dtype == np.asarray(wanted).dtype
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)
    for leaf, copy in zip(leaves, copies, strict=True):
        np.testing.assert_array_equal(leaf, copy)


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (0.5, "float32", "float32(0.5)"),
        (0.1, "float32", "float32(0.10000000149011612)"),
        (0.1, "float64", "(0.1)"),
        (-3, "int64", "int64(-3)"),
        (2.0, "int64", "int64(2)"),
        (True, "bool", "(True)"),
        (np.inf, "float64", "(np.inf)"),
        (-np.inf, "float32", "float32(-np.inf)"),
        (np.nan, "float64", "(np.nan)"),
    ],
)
def test_numbers_have_the_dtype_that_they_stand_in_for(value, dtype, text):
    """Python's own floats and booleans have theirs already."""
    assert forms.number(value, np.dtype(dtype)) == text


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("source", [products._along_columns, products._along_rows])
def test_loops_over_few_rows_are_products(source, rows, monkeypatch):
    """Their source, run by Python's interpreter, in stretches of 4."""
    monkeypatch.setattr(products, "STRETCH", 4)
    namespace = {"contiguous": lambda array: array, "zero": 0.0}
    exec("\n".join(source(rows)), namespace)
    (multiply,) = (namespace[name] for name in namespace if name.startswith("along"))
    rng = np.random.default_rng(0)
    for inner, columns in [(1, 1), (4, 8), (9, 11), (11, 9), (0, 2)]:
        a, b = rng.normal(size=(rows, inner)), rng.normal(size=(inner, columns))
        out = np.full((rows, columns), np.nan)
        for times, adds in ((1, False), (2, True)):
            multiply(a, b, out, adds)
            np.testing.assert_allclose(out, times * (a @ b), rtol=1e-12, atol=1e-12)


SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -2.5, 3.0, 1e30, -1e30, 1e-30]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.slow
def test_every_function_in_its_last_places(dtype):
    """All in one program: compiling takes a second for each that is compiled by itself."""
    rng = np.random.default_rng(0)
    x = np.concatenate([SPECIAL, rng.normal(size=200) * 3]).astype(dtype)
    y = np.concatenate([SPECIAL[::-1], rng.normal(size=200) * 3]).astype(dtype)
    ufuncs = [f for f in with_trait("native") if isinstance(f, np.ufunc)]
    ufuncs.sort(key=lambda f: f.__name__)
    floating = [f for f in ufuncs if any(t.startswith("d" * f.nin + "->") for t in f.types)]
    boolean = [f for f in ufuncs if f not in floating]

    def every(x, y):
        found = [f(*(x, y)[: f.nin]) for f in floating]
        found += [f(*(x > 0, y > 0)[: f.nin]) for f in boolean]
        return [*found, np.where(x > y, x, y), np.sum(x[20:] * y[20:]), np.max(np.abs(y[20:]))]

    compiled = al.compile(every, native=True, cache=False)
    results = compiled(x, y)
    assert compiled._last().lowered.natives, str(compiled.explain())
    names = [f.__name__ for f in (*floating, *boolean)] + ["where", "sum", "max"]
    for name, found, wanted in zip(names, results, every(x, y), strict=True):
        assert found.dtype == wanted.dtype, name
        if found.dtype == bool:
            assert np.array_equal(found, wanted), name
            continue
        finite = np.isfinite(wanted)
        assert np.array_equal(np.isnan(found), np.isnan(wanted)), name
        infinite = np.isinf(wanted)
        assert np.array_equal(found[infinite], wanted[infinite]), name
        units = np.abs(found - wanted)[finite] / np.spacing(np.abs(wanted[finite]))
        assert np.max(units, initial=0) <= (100 if name == "sum" else 4), name


def test_a_native_function_gets_the_arguments_and_one_piece_of_memory():
    def update(W, b, x):
        loss, slopes = al.value_and_grad(
            lambda W, b: np.sum(np.tanh(np.dot(W, np.tanh(np.dot(W, x) + b)) + b)), (0, 1)
        )(W, b)
        return W - 0.1 * slopes[0], b - 0.1 * slopes[1], loss

    rng = np.random.default_rng(0)
    W, b, x = rng.normal(size=(4, 4)), rng.normal(size=(4, 1)), rng.normal(size=(4, 5))
    expected = update(W, b, x)
    step = al.compile(update, donate=(0, 1), native=True)
    found = step(W.copy(), b.copy(), x)
    for result, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-12)
    (function,) = step._last().lowered.natives
    # W, b and x, and the memory; new values of W and b are written over the old ones.
    assert sorted(kind.ndim for kind in function.kinds) == [1, 2, 2, 2]
