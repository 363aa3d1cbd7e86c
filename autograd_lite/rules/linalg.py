"""Derivative rules of products of vectors and matrices.

The formulas are those of M. B. Giles, "Collected matrix derivative results for forward and reverse
mode algorithmic differentiation" (2008): for C = A B, dA = dC B^T and dB = A^T dC. What is added
here is NumPy's handling of 0, 1 and more than 2 dimensions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_lite.rules.registry import defvjp

Shape = tuple[int, ...]


def _column(a: Any) -> Any:
    """`a` with an axis of length 1 added at the end."""
    return np.reshape(a, (*a.shape, 1))


def _row(a: Any) -> Any:
    """`a` with an axis of length 1 added before the last."""
    return np.reshape(a, (*a.shape[:-1], 1, a.shape[-1]))


def _swap(a: Any) -> Any:
    """`a` with its last two axes exchanged."""
    if a.ndim == 2:
        return a.T
    return np.transpose(a, (*range(a.ndim - 2), a.ndim - 1, a.ndim - 2))


def _first_axis_to(a: Any, position: int) -> Any:
    """`a` with its first axis moved to `position`."""
    order = [*range(1, a.ndim)]
    order.insert(position, 0)
    return np.transpose(a, order)


def _matmul_left(g: Any, y: Any, x_shape: Shape) -> Any:
    if y.ndim == 1:
        return _column(g) * y
    if len(x_shape) == 1:
        return _drop_last(np.matmul(y, _column(g)))
    return np.matmul(g, _swap(y))


def _matmul_right(g: Any, x: Any, y_shape: Shape) -> Any:
    if x.ndim == 1:
        return g * x if len(y_shape) == 1 else _column(x) * _row(g)
    if len(y_shape) == 1:
        return _drop_last(np.matmul(_swap(x), _column(g)))
    return np.matmul(_swap(x), g)


def _drop_last(a: Any) -> Any:
    return np.reshape(a, a.shape[:-1])


def _dot_left(g: Any, y: Any, x_shape: Shape) -> Any:
    y_ndim = np.ndim(y)
    if y_ndim == 0 or not x_shape:
        return g * y
    if y_ndim == 1:
        return _column(g) * y
    if y_ndim == 2:
        return np.dot(g, y.T)
    # dot sums over x's last axis and y's last but one; all others of y stand last in g.
    k = x_shape[-1]
    order = (y.ndim - 2, *range(y.ndim - 2), y.ndim - 1)
    rest = y.size // k if k else math.prod(y.shape[:-2]) * y.shape[-1]
    unfolded = np.reshape(np.transpose(y, order), (k, rest))
    rows = math.prod(x_shape[:-1])
    return np.reshape(np.dot(np.reshape(g, (rows, rest)), unfolded.T), x_shape)


def _dot_right(g: Any, x: Any, y_shape: Shape) -> Any:
    x_ndim = np.ndim(x)
    if x_ndim == 0 or not y_shape:
        return g * x
    if x_ndim == 1:
        return g * x if len(y_shape) == 1 else _column(x) * _row(g)
    if x_ndim == 2 and len(y_shape) <= 2:
        return np.dot(x.T, g)
    k = x.shape[-1]
    rows = math.prod(x.shape[:-1])
    rest = (*y_shape[:-2], *y_shape[-1:]) if len(y_shape) > 1 else ()
    columns = math.prod(rest)
    product = np.dot(np.reshape(x, (rows, k)).T, np.reshape(g, (rows, columns)))
    return _first_axis_to(np.reshape(product, (k, *rest)), max(len(y_shape) - 2, 0))


defvjp(np.matmul, x=_matmul_left, y=_matmul_right)
defvjp(np.dot, x=_dot_left, y=_dot_right)
