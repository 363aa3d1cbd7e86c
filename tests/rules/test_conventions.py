"""Derivatives at zeros, at ties and in branches that were not taken."""

import numpy as np
import pytest
from lines import line_of_next_statement
from tensors import parameter

import autograd_lite as al
from autograd_lite.operations import COMPOSITES


def test_a_branch_that_was_not_taken():
    with np.errstate(divide="ignore"):
        assert al.grad(lambda x: np.where(x > 1, np.sqrt(x), 0))(0.0) == 0
        assert al.grad(lambda x: np.where(x > 0, np.log(x), 0))(0.0) == 0
        x = parameter([0, 4])
        np.sum(np.where(x > 1, np.sqrt(x), 0)).backward()
        assert x.grad.tolist() == [0, 0.25]
        x.zero_grad()
        np.sum(np.where(x > 0, np.log(x), 0)).backward()
        assert x.grad.tolist() == [0, 0.25]


@pytest.mark.parametrize("ord", [None, 1, 2, 3, np.inf])
def test_the_norm_of_zeros(ord, pytestconfig):
    assert al.grad(lambda x: np.linalg.norm(x, ord))(np.zeros(3)).tolist() == [0, 0, 0]
    readme = (pytestconfig.rootpath / "examples/guide/what_there_is.md").read_text(encoding="utf-8")
    assert "`abs` and\n`norm` have derivative 0 at 0" in readme


def test_the_deviation_of_a_constant():
    assert al.grad(np.std)(np.full(3, 2.0)).tolist() == [0, 0, 0]
    assert al.grad(np.var)(np.full(3, 2.0)).tolist() == [0, 0, 0]
    assert "0 where all elements are equal" in COMPOSITES[np.std].__doc__


def test_products_with_zeros():
    assert al.grad(np.prod)(np.array([0.0, 2, 3])).tolist() == [6, 0, 0]
    assert al.grad(np.prod)(np.array([0.0, 2, 0])).tolist() == [0, 0, 0]
    cumulative = al.grad(lambda x: np.sum(np.cumprod(x)))
    assert cumulative(np.array([0.0, 2, 3])).tolist() == [9, 0, 0]
    second = al.hessian(np.prod)(np.array([0.0, 2, 3]))
    assert second.tolist() == [[0, 3, 2], [3, 0, 0], [2, 0, 0]]


def test_a_root_times_its_argument_at_0():
    # Locally no different from sqrt(x) * sqrt(x), whose derivative is 1: never a wrong number.
    gradient = al.grad(lambda x: x**0.5 * x)(0.0)
    assert np.isnan(gradient) or gradient == 0
    x = parameter(0)
    with al.detect_anomaly():
        line = line_of_next_statement()
        root = x**0.5
        with pytest.raises(FloatingPointError) as caught:
            (root * x).backward()
    assert f"the gradient of power called at {line} has nan" in str(caught.value)


def test_the_exponent_of_a_base_of_0():
    for exponent in (0.5, 1.0, 2.0, 3.0):
        assert al.grad(lambda a, b: a**b, 1)(0.0, exponent) == 0
        assert al.grad(lambda b: 0.0**b)(exponent) == 0
    x, b = parameter([0, 2]), parameter([2, 3])
    np.sum(x**b).backward()
    assert b.grad.tolist() == [0, 8 * np.log(2)]


@pytest.mark.parametrize("number", [int, float, np.int64, np.array], ids=lambda n: n.__name__)
def test_integer_exponents_of_negative_bases(number):
    slopes = {0: 0, 1: 1, 2: -4, 3: 12, -1: -0.25, -2: 0.25}
    for exponent, slope in slopes.items():
        n = number(exponent)
        assert al.grad(lambda a, n=n: a**n)(-2.0) == slope
        assert al.grad(lambda a, n=n: np.power(a, n))(-2.0) == slope
    for exponent, slope in {0: 0, 1: 1, 2: 0, 3: 0}.items():
        n = number(exponent)
        assert al.grad(lambda a, n=n: a**n)(0.0) == slope


@pytest.mark.parametrize("function", [np.max, np.min])
def test_ties_of_one_array(function):
    assert al.grad(function)(np.array([2.0, 2.0])).tolist() == [0.5, 0.5]
    x = parameter([[2, 2, 2, 2], [1, 5, 5, 1]])
    np.sum(function(x, axis=1)).backward()
    assert x.grad.sum(axis=1).tolist() == [1, 1]


@pytest.mark.parametrize("function", [np.maximum, np.minimum, np.fmax, np.fmin])
def test_ties_of_two_arrays(function):
    x = parameter([1, 2, 3])
    np.sum(function(x, x)).backward()
    assert x.grad.tolist() == [1, 1, 1]
    x, y = parameter([1, 2, 0]), parameter([1, 2, 5])
    np.sum(function(x, y)).backward()
    of_larger, of_smaller = (y, x) if "max" in function.__name__ else (x, y)
    assert of_larger.grad.tolist() == [0.5, 0.5, 1]
    assert of_smaller.grad.tolist() == [0.5, 0.5, 0]
