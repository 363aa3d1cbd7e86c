"""Derivatives by finite differences, the referee of the tests; and numbers to compute with."""

import numpy as np


def numeric_gradient(function, x, step=1e-3):
    """The gradient of a scalar function at x, by central differences of the sixth order.

    With respect to a complex x = a + ib it is dL/da - i dL/db.
    """
    if np.iscomplexobj(x):
        of_real = numeric_gradient(lambda a: function(a + 1j * np.imag(x)), np.real(x), step)
        of_imaginary = numeric_gradient(lambda b: function(np.real(x) + 1j * b), np.imag(x), step)
        return of_real - 1j * of_imaginary
    x = np.array(x, dtype=np.float64)
    gradient = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        total = 0.0
        for k, weight in ((1, 45), (2, -9), (3, 1)):
            ahead, behind = x.copy(), x.copy()
            ahead[index] += k * step
            behind[index] -= k * step
            total += weight * (function(ahead) - function(behind))
        gradient[index] = total / (60 * step)
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
