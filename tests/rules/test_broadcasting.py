"""Gradients of broadcast operands have the shape of the operand."""

import numpy as np
import pytest
from numerics import assert_close, numeric_gradient

import autograd_lite as al


def check_gradients(function, *operands):
    """Shapes are those of the operands, and values those of finite differences."""
    gradients = al.grad(function, tuple(range(len(operands))))(*operands)
    for i, (gradient, operand) in enumerate(zip(gradients, operands, strict=True)):

        def at(value, i=i):
            return function(*operands[:i], value, *operands[i + 1 :])

        assert np.shape(gradient) == np.shape(operand)
        assert_close(gradient, numeric_gradient(at, operand), 1e-9)


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (lambda x, y: x + y, [(3,), (4, 3)]),
        (lambda x, y: x * y, [(4, 1), (1, 4)]),
        (lambda x, y: x * y, [(), (2, 3)]),
        (lambda x, y: x / y, [(2, 3), ()]),
        (lambda x, y: np.where([[True, False, True]], x, y), [(), (2, 3)]),
        (lambda x, y: np.where([[True, False, True]], x, y), [(2, 3), ()]),
        (lambda x: np.where([[True, False], [False, False]], x, 0.0), [()]),
        (np.outer, [(2, 3), (2, 2)]),
        (np.outer, [(), (3,)]),
        (lambda x, y: np.maximum(x, y), [(2, 1), (3,)]),
    ],
)
def test_broadcasting(function, shapes):
    rng = np.random.default_rng(0)
    operands = [rng.uniform(0.5, 2, shape) for shape in shapes]
    weights = rng.uniform(0.5, 2, np.shape(function(*operands)))
    check_gradients(lambda *xs: np.sum(function(*xs) * weights), *operands)
