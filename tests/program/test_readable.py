"""Identities that make formulas shorter to read: what is written, and that it is the same."""

import numpy as np
import pytest

from autograd_lite.program.arguments import flatten
from autograd_lite.program.identities import readable
from autograd_lite.program.ir import Variable, interpret
from autograd_lite.program.rewriting import Rewriting, without_dead
from autograd_lite.program.traced import traced

NAMES = {12: "m"}


def written(rules, function, *arrays):
    """The result of a function as one expression, after one pass of some rules."""
    leaves = []
    trace, program, _, _ = traced("f", function, flatten((arrays, {}), leaves), leaves)
    after, _ = Rewriting(program, trace.values).run(rules)
    expected = interpret(program, leaves)
    np.testing.assert_allclose(interpret(after, leaves), expected, rtol=1e-6, atol=1e-15)
    after = without_dead(after)
    texts = {variable: variable.name for variable in after.inputs}
    texts |= {v: v.name or f"{float(value):g}" for v, value in after.constants.items()}

    def shown(value):
        return texts[value] if isinstance(value, Variable) else str(value)

    for step in after.steps:
        options = [f"{key}={value}" for key, value in step.options.items()]
        arguments = ", ".join([*map(shown, step.args), *options])
        texts[step.result] = f"{step.function.__name__}({arguments})"
    return texts[after.outputs[0]]


def array(*shape, dtype=np.float64):
    return np.random.default_rng(5).uniform(0.5, 2, shape).astype(dtype)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda x: x * 0.25, "divide(x, 4)"),
        (lambda x: 0.25 * x, "divide(x, 4)"),
        (lambda x: x * (1 / 12), "divide(x, m)"),
        (lambda x: x * -0.25, "divide(negative(x), 4)"),
        (lambda x: x * 0.375, "divide(multiply(3, x), 8)"),
        (lambda x: x * (-8 / 9), "divide(negative(multiply(8, x)), 9)"),
        (lambda x: x * 0.9, "multiply(x, 0.9)"),
        (lambda x: x * 1e-6, "divide(x, 1e+06)"),
        (lambda x: x * (1 / 1_000_001), f"multiply(x, {1 / 1_000_001})"),
        (lambda x: x * 0.123456, "multiply(x, 0.123456)"),
        (lambda x: x * 2, "multiply(x, 2)"),
        (lambda x: x * 2.0, "multiply(x, 2.0)"),
        (lambda x: x * np.inf, "multiply(x, inf)"),
        (lambda x: x / 12, "divide(x, m)"),
        (lambda x: x / 12.0, "divide(x, m)"),
        (lambda x: x / 5, "divide(x, 5)"),
        (lambda x: x / 5.0, "divide(x, 5.0)"),
        (lambda x: x / 2, "divide(x, 2)"),
        (lambda x: x / -12.0, "divide(negative(x), m)"),
        (lambda x: x / -1.5, "divide(x, -1.5)"),
        (lambda x: 2 / x, "divide(2, x)"),
        (lambda x: x + x, "multiply(2, x)"),
        (lambda x: x * x, "square(x)"),
        (lambda x: np.moveaxis(x, 1, 1), "x"),
        (lambda x: np.moveaxis(x, 0, 1), "moveaxis(x, 0, 1)"),
        (
            lambda x: np.broadcast_to(x, (3, 2, 2)) * 3.0,
            "broadcast_to(multiply(x, 3.0), (3, 2, 2))",
        ),
    ],
)
def test_numbers_are_written_as_people_do(function, text):
    assert written(readable.table(NAMES), function, array(2, 2)) == text


@pytest.mark.parametrize(
    ("dtype", "number", "text"),
    [
        (np.float32, 0.1, "divide(x, 10)"),
        # A quotient with so large a denominator is near every number of single precision.
        (np.float32, 3e-6, "multiply(x, 3e-06)"),
        (np.float64, 3e-6, "divide(multiply(3, x), 1e+06)"),
        (np.float64, 0.5j, "multiply(x, 0.5j)"),
        (np.complex128, 0.5, "multiply(x, 0.5)"),
    ],
)
def test_a_quotient_is_no_chance_in_the_dtype(dtype, number, text):
    x = array(3, dtype=dtype)
    assert written(readable.table({}), lambda x: x * number, x) == text


def slope(axis=1, keepdims=True, of=lambda w: w):
    def function(s, w):
        g = of(w) / s
        return s * (g - np.sum(s * g, axis=axis, keepdims=keepdims))

    return function


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (slope(), "subtract(w, multiply(s, sum(w, axis=1, keepdims=True)))"),
        (
            lambda s, w: (w / s - np.sum((w / s) * s, axis=1, keepdims=True)) * s,
            "subtract(w, multiply(s, sum(w, axis=1, keepdims=True)))",
        ),
        (slope(axis=0), "subtract(w, multiply(s, sum(w, axis=0, keepdims=True)))"),
        (
            slope(of=lambda w: w / 7),
            "divide(subtract(w, multiply(s, sum(w, axis=1, keepdims=True))), 7)",
        ),
        (
            slope(of=lambda w: -w),
            "subtract(multiply(s, sum(w, axis=1, keepdims=True)), w)",
        ),
        (
            slope(of=lambda w: -w / 7),
            "divide(subtract(multiply(s, sum(w, axis=1, keepdims=True)), w), 7)",
        ),
    ],
)
def test_the_slope_of_a_softmax_after_a_logarithm(function, text):
    assert written(readable.table({}), function, array(3, 3), array(3, 3)) == text


@pytest.mark.parametrize(
    "function",
    [
        slope(keepdims=False),
        lambda s, w: s * (w / s + np.sum(s * (w / s), axis=1, keepdims=True)),
        lambda s, w: s * (w / s - np.sum(w * (w / s), axis=1, keepdims=True)),
        lambda s, w: s * (w / s - np.max(s * (w / s), axis=1, keepdims=True)),
        lambda s, w: w * (w / s - np.sum(s * (w / s), axis=1, keepdims=True)),
        lambda s, w: s * (w * s - np.sum(s * (w * s), axis=1, keepdims=True)),
    ],
)
def test_what_is_nearly_the_slope_of_a_softmax_stays(function):
    text = written(readable.table({}), function, array(3, 3), array(3, 3))
    assert text == written({}, function, array(3, 3), array(3, 3))


@pytest.mark.parametrize(
    ("function", "shape", "text"),
    [
        (lambda x: np.transpose(x), (2, 3), "transpose(x)"),
        (lambda x: np.transpose(x, (1, 0)), (2, 3), "transpose(x)"),
        (lambda x: np.transpose(x, (0, 1)), (2, 3), "x"),
        (lambda x: np.transpose(x), (3,), "x"),
        (lambda x: np.swapaxes(x, 0, -1), (2, 3), "transpose(x)"),
        (lambda x: np.swapaxes(x, 1, -1), (2, 3), "x"),
        (lambda x: np.swapaxes(x, 0, 0), (2, 2), "x"),
        (lambda x: np.swapaxes(x, 0, 1), (2, 2), "transpose(x)"),
        (lambda x: np.swapaxes(x, 0, 1), (2, 3, 4), "swapaxes(x, 0, 1)"),
        (lambda x: np.matrix_transpose(x), (2, 3), "transpose(x)"),
        (lambda x: np.matrix_transpose(x), (2, 3, 4), "matrix_transpose(x)"),
        (lambda x: np.conjugate(x), (3,), "x"),
        (lambda x: np.real(x), (3,), "x"),
        (lambda x: x * 0.25, (3,), "divide(x, 4)"),
        (lambda x: 0.25 * x, (3,), "divide(x, 4)"),
        (lambda x: x * 0.2, (3,), "multiply(x, 0.2)"),
        (lambda x: x * 0.75, (3,), "multiply(x, 0.75)"),
        (lambda x: x * -0.25, (3,), "multiply(x, -0.25)"),
        (lambda x: x * 1e-7, (3,), "multiply(x, 1e-07)"),
        (lambda x: np.moveaxis(x, 1, 0)[2], (2, 3), "getitem(x, (slice(None, None, None), 2))"),
        (lambda x: np.moveaxis(x, -1, 0)[2], (2, 3), "getitem(x, (slice(None, None, None), 2))"),
        (lambda x: np.moveaxis(x, 0, 1)[2], (2, 3), "getitem(moveaxis(x, 0, 1), 2)"),
        (
            lambda x: np.reshape(np.matmul(x, np.reshape(x[0], (3, 1))), (2,)),
            (2, 3),
            "matmul(x, getitem(x, 0))",
        ),
        (
            lambda x: np.reshape(np.matmul(x, np.reshape(x[0], (3, 1))), (1, 2)),
            (2, 3),
            "reshape(matmul(x, reshape(getitem(x, 0), (3, 1))), (1, 2))",
        ),
    ],
)
def test_rules_are_written_as_people_do(function, shape, text):
    assert written(readable.of_rules({0.2}), function, array(*shape)) == text
