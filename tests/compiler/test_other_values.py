"""A compiled function is right for other values than those that it was traced with."""

import numpy as np
import pytest
from all_cases import CASES, by_id

import autograd_lite as al
from autograd_lite.functions import traits, with_trait


def moved(operand):
    """Other numbers of the same signs and order of size."""
    operand = np.asarray(operand)
    if operand.dtype.kind not in "fc":
        return operand
    return operand * np.random.default_rng(5).uniform(0.91, 0.99, operand.shape)


def items(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


@by_id([case for case in CASES if not traits(case.function).shape_from_values], one_in=9)
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::DeprecationWarning")
@pytest.mark.one_in(3)
def test_nothing_of_the_example_is_left_in_the_program(case):
    compiled = al.compile(lambda *operands: case(*operands))
    try:
        compiled(*case.operands)
    except al.TracedValueError:
        # It decides by values, and says so.
        return
    others = [moved(operand) for operand in case.operands]
    for found, expected in zip(items(compiled(*others)), items(case(*others)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("function", sorted(with_trait("makes_alike"), key=lambda f: f.__name__))
def test_what_is_made_alike_has_no_say_of_values(function):
    one, other = function(np.zeros((2, 3))), function(np.full((2, 3), 7.0))
    assert one.shape == other.shape == (2, 3)
    if function is not np.empty_like:
        np.testing.assert_array_equal(one, other)


def test_the_number_that_an_array_is_filled_with_is_traced():
    filled = al.compile(lambda x, number: np.full_like(x, number) * x)
    np.testing.assert_array_equal(filled(np.ones(2), 1.0), [1.0, 1.0])
    np.testing.assert_array_equal(filled(np.ones(2), 5.0), [5.0, 5.0])
