"""Every rule against finite differences, in both orders, over the table of cases."""

import itertools

import numpy as np
import pytest
from all_cases import CASES, by_id
from cases import elementwise
from numerics import assert_close, numeric_gradient, numeric_slope

import autograd_lite as al
from autograd_lite.operations import COMPOSITES, OPERATIONS


def weighted(case):
    """A real scalar that every element of the case's result has a different influence on."""
    rng = np.random.default_rng(7)
    result = case(*case.operands)
    weights = rng.uniform(0.5, 1.5, np.shape(result))
    if not np.iscomplexobj(result):
        return lambda *operands: np.sum(case(*operands) * weights)
    others = rng.uniform(0.5, 1.5, np.shape(result))

    def scalar(*operands):
        value = case(*operands)
        return np.sum(np.real(value) * weights) + np.sum(np.imag(value) * others)

    return scalar


def with_operand(function, operands, i):
    return lambda value: function(*operands[:i], value, *operands[i + 1 :])


@by_id(CASES, one_in=5)
def test_values_are_those_of_numpy(case):
    operands = [al.Tensor(o, requires_grad=True) for o in case.operands]
    result = case(*operands)
    # Sums are rounded as the operands lie in memory, which a Tensor's copies may not share.
    expected = case(*(o.data for o in operands))
    if case.function in COMPOSITES:
        np.testing.assert_allclose(result.data, expected, rtol=1e-13, atol=1e-14)
    else:
        np.testing.assert_array_equal(result.data, expected)


@by_id(CASES, one_in=5)
def test_first_derivative(case):
    scalar = weighted(case)
    for i, operand in enumerate(case.operands):
        actual = al.grad(scalar, argnums=i)(*case.operands)
        expected = numeric_gradient(with_operand(scalar, case.operands, i), operand)
        assert_close(actual, expected, 1e-8)


@by_id([c for c in CASES if sum(np.size(o) for o in c.operands) <= 12], one_in=7)
def test_second_derivative(case):
    scalar = weighted(case)
    for i, j in itertools.product(range(len(case.operands)), repeat=2):
        weights = np.random.default_rng(8).uniform(0.5, 1.5, np.shape(case.operands[i]))
        first = al.grad(scalar, argnums=i)

        def directional(*operands, first=first, weights=weights):
            gradient = first(*operands)
            if np.iscomplexobj(gradient):
                return np.sum(np.real(gradient) * weights - np.imag(gradient) * (2 - weights))
            return np.sum(gradient * weights)

        # Along one direction that lies aslant to all elements: a gradient costs what it costs.
        operand = case.operands[j]
        direction = np.random.default_rng(9).uniform(-1, 1, np.shape(operand))
        if np.iscomplexobj(operand):
            direction = direction * (1 - 0.6j)
        actual = np.sum(np.real(al.grad(directional, argnums=j)(*case.operands) * direction))
        along = with_operand(directional, case.operands, j)
        assert_close(actual, numeric_slope(along, operand, direction), 1e-7)


@by_id(CASES, one_in=5)
def test_single_precision_stays_single(case):
    single = [
        np.asarray(o).astype(np.complex64 if np.iscomplexobj(o) else np.float32)
        for o in case.operands
    ]
    tensors = [al.Tensor(o, requires_grad=True) for o in single]
    result = case(*tensors)
    assert result.dtype == np.asarray(case(*single)).dtype
    result.backward(np.ones(result.shape))
    for tensor, operand in zip(tensors, single, strict=True):
        assert tensor.grad.dtype == operand.dtype
        assert tensor.grad.shape == np.shape(operand)


def test_every_rule_has_a_case():
    declared = OPERATIONS.keys() | COMPOSITES.keys()
    ours = {
        f
        for f in declared
        if getattr(f, "__module__", "").partition(".")[0] in ("numpy", "autograd_lite")
        # What the marker records writes with is tested in tests/check/test_mutable.py, and what
        # layers compute with in tests/nn.
        and not f.__module__.startswith(("autograd_lite.check", "autograd_lite.nn"))
    }
    assert {f.__name__ for f in ours - {case.function for case in CASES}} == set()


@pytest.mark.parametrize(
    ("function", "wrong", "arguments"),
    [
        (np.exp, {"x": lambda g: g}, (np.array([1.0, 2.0]),)),
        (np.multiply, {"x": lambda g, y: g * y, "y": lambda g, x: -g * x}, (2.0, 3.0)),
        (np.tanh, {"x": lambda g, out: g * (1 - out)}, (np.array([0.3]),)),
    ],
)
def test_a_planted_wrong_rule_is_caught(function, wrong, arguments):
    right = OPERATIONS[function].rules
    case = elementwise.Case(function, arguments)
    try:
        al.defvjp(function, **wrong)
        with pytest.raises(AssertionError):
            test_first_derivative(case)
    finally:
        al.defvjp(function, **right)
    test_first_derivative(case)


def test_a_rule_that_is_wrong_in_the_second_order_only_is_caught():
    def detached(g, x):
        return g * 2 * (x.data if isinstance(x, al.Tensor) else x)

    right = OPERATIONS[np.square].rules
    case = elementwise.Case(np.square, (np.array([0.5, 2.0]),))
    try:
        al.defvjp(np.square, x=detached)
        test_first_derivative(case)
        with pytest.raises(AssertionError):
            test_second_derivative(case)
    finally:
        al.defvjp(np.square, **right)
