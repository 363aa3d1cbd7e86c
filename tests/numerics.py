"""Derivatives by finite differences, the referee of the tests; and numbers to compute with."""

import numpy as np


def numeric_slope(function, x, direction, step=1e-3):
    """How fast a scalar function changes at x in a direction: central differences of order six."""
    ahead_and_behind = (
        weight * (function(x + k * step * direction) - function(x - k * step * direction))
        for k, weight in ((1, 45), (2, -9), (3, 1))
    )
    return sum(ahead_and_behind) / (60 * step)


def numeric_gradient(function, x, step=1e-3):
    """The gradient of a scalar function at x.

    With respect to a complex x = a + ib it is dL/da - i dL/db.
    """
    x = np.asarray(x, dtype=np.complex128 if np.iscomplexobj(x) else np.float64)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        direction = np.zeros_like(x)
        direction[index] = 1
        gradient[index] = numeric_slope(function, x, direction, step)
        if np.iscomplexobj(x):
            gradient[index] -= 1j * numeric_slope(function, x, 1j * direction, step)
    return gradient


def assert_close(actual, expected, tolerance):
    """The same shape, and values whose difference is small beside the largest of them or 1."""
    assert np.shape(actual) == np.shape(expected)
    if np.size(expected):
        scale = max(1.0, float(np.max(np.abs(expected))))
        error = float(np.max(np.abs(np.asarray(actual) - expected))) / scale
        assert error <= tolerance, f"relative error {error:.2e}\n{actual}\nexpected\n{expected}"


def sines(*shape):
    """sin(1), sin(2), ... in a shape: numbers that other programs have too."""
    return np.sin(np.arange(1, np.prod(shape) + 1)).reshape(shape)
