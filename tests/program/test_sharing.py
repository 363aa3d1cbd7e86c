"""One exponential for a sigmoid and a softplus of the same value, in native code."""

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.program.arguments import flatten
from autograd_lite.program.ir import interpret
from autograd_lite.program.passes import for_native, optimised
from autograd_lite.program.traced import traced

SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-310, 36.8, -36.8, 745.2, -745.2, 1e308])


def as_written(z, y):
    a = al.sigmoid(z)
    return -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))


def of_the_opposite(z, y):
    return np.sum(al.softplus(-z) * y)


def from_logits(z, y):
    return nn.binary_cross_entropy_with_logits(z, y)


def both_forms(function, *arrays):
    """The program as NumPy runs it, and as native code is made of it."""
    leaves = []
    structure = flatten((arrays, {}), leaves)
    trace, program, _, _ = traced("f", al.value_and_grad(function), structure, leaves)
    best = optimised(program, trace, [])
    return best.program, for_native(best, [])


def exponentials(program):
    return sum(step.function is np.exp for step in program.steps)


@pytest.mark.parametrize("function", [as_written, of_the_opposite, from_logits])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_loss_and_its_gradient_take_one_exponential(function, dtype):
    z = np.linspace(-3, 3, 7).astype(dtype)
    plain, native = both_forms(function, z, (z > 1).astype(dtype))
    assert (exponentials(plain), exponentials(native)) == (2, 1)
    assert [v.dtype for v in native.outputs] == [v.dtype for v in plain.outputs]


def test_values_are_the_same_and_so_are_special_ones():
    z = np.concatenate([SPECIAL, np.random.default_rng(0).normal(size=100) * 20])
    y = np.full_like(z, 0.25)
    plain, native = both_forms(from_logits, z, y)
    with np.errstate(all="ignore"):
        expected, found = (interpret(program, [z, y])[1] for program in (plain, native))
    np.testing.assert_allclose(found, expected, rtol=4 * np.finfo(float).eps, atol=1e-300)


def test_a_sigmoid_by_itself_stays_as_it_is():
    z = np.linspace(-3, 3, 7)
    plain, native = both_forms(lambda z: np.sum(al.sigmoid(z) * np.exp(z)), z)
    assert [step.function for step in native.steps] == [step.function for step in plain.steps]


def test_it_is_of_the_same_value():
    z = np.linspace(-3, 3, 7)
    plain, native = both_forms(lambda z: np.sum(al.sigmoid(z) + al.softplus(z * z)), z)
    # The gradient of the softplus is a sigmoid of z * z.
    assert (exponentials(plain), exponentials(native)) == (3, 2)
