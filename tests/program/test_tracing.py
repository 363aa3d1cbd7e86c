"""What traced arrays refuse, in words and with the user's line."""

import operator
import re

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.program.traced import own_error


@pytest.mark.parametrize("symbol", "+ - * / // % @ & | ^ << >> **".split())
def test_operators_that_write_into_a_traced_array_are_refused(symbol):
    scope = {}
    exec(f"def doubled(a):\n    b = a\n    b {symbol}= 2\n    return b", scope)
    message = (
        f"line 3, in doubled: {symbol}= would change a traced array in place: "
        f"write a = a {symbol} x instead"
    )
    with pytest.raises(al.TracedValueError, match=re.escape(message) + "$"):
        al.compile(scope["doubled"])(np.ones((2, 2)))


def assigned(x):
    x[0] = 1


READ = "and a compiled program must hold for every value"
REFUSED = [
    (
        lambda x: np.asarray(x),
        (
            "its values are asked for as a NumPy array ('x', a traced value of type float64 "
            f"(2,)), {READ}: use NumPy's functions on it, or compute what is needed outside"
        ),
    ),
    (
        lambda x: 1 if x[0] > 0 else 2,
        (
            f"a branch depends on its value (a traced value of type bool), {READ}: "
            "np.where(condition, a, b) computes both and picks"
        ),
    ),
    (lambda x: float(x[0]), "float() asks for its value (a traced value of type float64)"),
    (lambda x: int(x[0]), "int() asks for its value (a traced value of type float64)"),
    (lambda x: complex(x[0]), "complex() asks for its value"),
    (
        lambda x: [1, 2][x[0]],
        "its value is asked for as a whole number, such as an index or a length",
    ),
    (lambda x: x[0].item(), ".item() asks for its value"),
    (lambda x: x.tolist(), ".tolist() asks for its values ('x', "),
    (lambda x: x.tobytes(), ".tobytes() asks for its values ('x', "),
    (lambda x: f"{x[0]:.2f}", "a format asks for its value"),
    (
        assigned,
        (
            "an item of a traced array is assigned to: use np.where, np.concatenate or "
            "np.stack for it"
        ),
    ),
    (lambda x: x.sort(), ".sort() would change the array: use np.sort"),
    (
        lambda x: np.exp(x, out=np.ones(2)),
        (
            "np.exp would write a traced value into an array: write a = a + x for a += x, "
            "and omit out="
        ),
    ),
    (lambda x: np.add.at(np.ones(2), [0, 1], x), "np.add would write a traced value into an array"),
    (lambda x: np.put(x, 0, 1.0), "put would write into an array: write a = a + x for a += x"),
    (
        lambda x: x[x > 0],
        (
            "the shape of what getitem gives depends on values: use np.where, or a mask that "
            "is no traced value"
        ),
    ),
    (lambda x: np.unique(x), "the shape of what np.unique gives depends on values"),
]


@pytest.mark.parametrize(("function", "message"), REFUSED)
def test_what_a_program_cannot_hold_is_refused_with_what_to_write_instead(function, message):
    def compiled(x):
        return function(x)

    with pytest.raises(al.TracedValueError) as caught:
        al.compile(compiled)(np.ones(2))
    assert message in str(caught.value)
    assert str(caught.value).startswith("compiled, File ")
    assert "test_tracing.py" in str(caught.value)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.T.reshape(3, 2) + np.transpose(x.reshape(2, 3, order="F")),
        lambda x: x.transpose(1, 0) @ x.mT.transpose((1, 0)) + x.transpose().sum(),
        lambda x: x.real - x.imag + (x * 1j).imag + (x * 1j).real,
        lambda x: sum(x.flat) + sum(row[0] for row in x) + len(x),
        lambda x: x * x.nbytes + x.itemsize + x.size * x.ndim,
        lambda x: np.stack(divmod(x, 2.0)) + 2.0**x + x**2 + x**-1 + x**0.5 + x**x,
        lambda x: x.copy() * x.astype(np.float32) + x.astype(float) + x.astype(int),
        lambda x: x[...][()] + abs(-x) + (+x),
        lambda x: np.stack([3 - x, 3 / x, 3 // x, 3 % x]) + (x > 2) * (2 <= x) * (x != 3),
    ],
)
def test_traced_arrays_have_what_arrays_have(function):
    x = np.arange(1.0, 7.0).reshape(2, 3)
    found, expected = al.compile(function)(x), function(x)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_a_traced_value_is_shown_by_name_and_type():
    def named(values):
        raise RuntimeError(f"{values!r} {values[0]} {values > 0}")

    shown = "<traced values: float32 (2, 3)> <traced float32 (3,)> <traced bool (2, 3)>"
    with pytest.raises(RuntimeError, match=re.escape(shown)):
        al.compile(named)(np.ones((2, 3), np.float32))


def test_a_value_of_no_dimensions_has_no_length():
    with pytest.raises(TypeError, match="a value of no dimensions has no length"):
        al.compile(lambda x: len(x[0]))(np.ones(2))
    assert al.compile(lambda x: x[0][()] * 2)(np.ones(2)) == 2


def test_a_refusal_that_numpy_wraps_is_what_is_raised():
    refusal, around, cause = al.TracedValueError("no"), TypeError("around"), KeyError("cause")
    assert own_error(around) is around
    around.__context__ = refusal
    assert own_error(around) is refusal
    refusal.__cause__ = cause
    assert own_error(around) is own_error(refusal) is refusal
    around.__cause__ = cause
    assert own_error(around) is around


@pytest.mark.parametrize(
    ("exponent", "of_arrays"),
    [(2, np.square), (0.5, np.sqrt), (2.0, np.square), (1.5, np.power)],
)
def test_powers_are_those_of_numpy_for_arrays_and_of_python_for_numbers(exponent, of_arrays):
    x = np.array([1.5, 2.0], np.float32)
    compiled = al.compile(lambda x, n: (x**exponent, x * n**exponent))
    powers, scaled = compiled(x, 3.0)
    np.testing.assert_array_equal(powers, x**exponent)
    np.testing.assert_array_equal(scaled, x * 3.0**exponent)
    assert scaled.dtype == np.float32
    functions = [step.function for step in compiled.program.steps]
    assert functions == [of_arrays, operator.pow, np.multiply]
