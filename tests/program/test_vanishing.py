"""Terms that are zero whatever the numbers are, and those that only happen to be."""

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.program.arguments import flatten
from autograd_lite.program.identities import vanishing
from autograd_lite.program.ir import function_name, interpret
from autograd_lite.program.rewriting import Rewriting, without_dead
from autograd_lite.program.traced import traced

RNG = np.random.default_rng(3)


def functions_after(function, *arrays, rules=None):
    """The functions that a program calls once the vanishing terms are left out."""
    leaves = []
    trace, program, _, _ = traced("f", function, flatten((arrays, {}), leaves), leaves)
    table = vanishing.table() if rules is None else rules
    after, _ = Rewriting(program, trace.values).run(table)
    for other in (leaves, [RNG.normal(size=np.shape(x)) + 2 for x in leaves]):
        expected, found = interpret(program, other), interpret(after, other)
        eps = np.finfo(leaves[0].dtype).eps
        np.testing.assert_allclose(found, expected, rtol=100 * eps, atol=100 * eps)
    return [function_name(step.function) for step in without_dead(after).steps]


def slope(axis, keepdims=True):
    """The slope of a softmax, d = s (g - sum(s g))."""

    def function(e, g):
        s = e / np.sum(e, axis=axis, keepdims=keepdims)
        return s * (g - np.sum(s * g, axis=axis, keepdims=keepdims))

    return function


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    "axis", [0, 1, (0, 1), None, (1,)], ids=["down", "across", "both", "all", "tuple"]
)
def test_the_slope_of_a_softmax_adds_up_to_nothing(axis, sign):
    e, g = np.exp(RNG.normal(size=(3, 4))), RNG.normal(size=(3, 4))

    def function(e, g):
        d = slope(axis)(e, g)
        return d + sign * g * np.sum(d, axis=axis, keepdims=True)

    assert functions_after(function, e, g) == functions_after(slope(axis), e, g)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: x + y - x,
        lambda x, y: y - (x - np.exp(x)) + (x - np.exp(x)),
        lambda x, y: (x * np.sum(y) + y) - np.sum(x * np.sum(y) - x * np.sum(y)),
        lambda x, y: np.broadcast_to(np.sum(x - np.mean(x)), (2, 3)) + y,
        lambda x, y: np.sum((x - np.mean(x)).T) * x + y,
        lambda x, y: y - np.reshape(np.sum(x - np.mean(x)) / 3, (1, 1)),
    ],
)
def test_what_cancels_is_left_out(function):
    x, y = RNG.normal(size=(2, 3)), RNG.normal(size=(2, 3))
    before = functions_after(function, x, y, rules={})
    assert len(functions_after(function, x, y)) < len(before)


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (lambda x: x + np.sum(x), [np.array([1.0, -1.0, 0.0])]),
        (lambda x, y: x + (x - y), [np.ones(3), np.ones(3)]),
        (lambda x, y: x + np.sum(x * y), [np.ones(4), np.array([1.0, -1.0, 1.0, -1.0])]),
        (lambda x, y: x + x * (np.sum(y, 0) - 1), [RNG.normal(size=(3, 3)), np.eye(3)]),
        (lambda x: x + np.sum(x - np.mean(x) * 1.000001), [RNG.normal(size=5)]),
        (lambda x: x + np.sum(np.zeros(3) * x), [np.ones(3)]),
        (lambda x: x + np.sum(np.log(x) - np.log(x) * np.nan), [np.ones(3)]),
        (lambda x: x + np.sum(x - x), [np.array([np.inf, 1.0])]),
        (lambda x, n: x + np.sum(n - n), [np.ones(3), np.array([1, 2, 3])]),
    ],
    ids=["sum", "equal", "product", "one-hot", "nearly", "zeros", "nan", "infinity", "whole"],
)
def test_what_is_zero_by_chance_or_unknown_stays(function, inputs):
    leaves = []
    trace, program, _, _ = traced("f", function, flatten((tuple(inputs), {}), leaves), leaves)
    with np.errstate(all="ignore"):
        after, _ = Rewriting(program, trace.values).run(vanishing.table())
    assert len(after.steps) == len(program.steps)


def test_a_single_precision_slope_adds_up_to_nothing():
    e, g = (np.exp(RNG.normal(size=(3, 4))).astype(np.float32) for _ in range(2))

    def function(e, g):
        d = slope(0)(e, g)
        return d - np.sum(d, axis=0, keepdims=True)

    assert functions_after(function, e, g) == functions_after(slope(0), e, g)


def softmax_in_words(z, axis, keep):
    shifted = z - z.max(axis=axis, keepdims=keep) if keep else z - z.max(axis)
    e = np.exp(shifted)
    return e / np.sum(e, axis=axis, keepdims=keep)


def by_index(z):
    e = np.exp(z - np.max(z, axis=1)[:, None])
    return e / e.sum(axis=1)[:, None]


def in_one_line(z):
    return np.exp(z - z.max()) / np.sum(np.exp(z - z.max()))


def by_logarithm(z):
    c = z.max(0)
    return np.exp(z - c - np.log(np.sum(np.exp(z - c), axis=0)))


def transposed(z):
    return by_index(z.T).T


WRITINGS = {
    "kept axes": lambda z: softmax_in_words(z, 0, True),
    "leading axis": lambda z: softmax_in_words(z, 0, False),
    "an index": by_index,
    "one line": in_one_line,
    "logarithm": by_logarithm,
    "transposed": transposed,
}


@pytest.mark.parametrize("name", WRITINGS)
def test_a_softmax_in_any_writing_has_no_mask_of_its_maximum(name):
    pytest.importorskip("sympy")

    def loss(W, X, Y):
        return -np.sum(Y * np.log(WRITINGS[name](W @ X)))

    W, X, Y = RNG.normal(size=(3, 2)), RNG.normal(size=(2, 5)), np.eye(3)[:, [0, 2, 1, 1, 0]]
    derivation = al.derive(loss, W, X, Y, wrt="W")
    assert "==" not in derivation.source and "isnan" not in derivation.source
    _, cache = derivation.forward(W, X, Y)
    found = derivation.backward(W, X, Y, cache)["dW"]
    np.testing.assert_allclose(found, al.grad(loss)(W, X, Y), rtol=1e-11, atol=1e-12)
    statements = [text for row in al.sheet(loss, W, X, Y, wrt="W").rows for text in row]
    assert not any("==" in text or "isnan" in text for text in statements)


def test_ties_of_a_maximum_still_share_its_gradient():
    pytest.importorskip("sympy")
    x = np.array([1.0, 3.0, 3.0, 0.0])
    derivation = al.derive(lambda x: np.max(x) ** 2, x)
    assert "isnan" not in derivation.source
    _, cache = derivation.forward(x)
    np.testing.assert_array_equal(derivation.backward(x, cache)["dx"], [0, 3, 3, 0])
