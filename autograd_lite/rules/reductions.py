"""Derivative rules of NumPy's reductions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_lite.rules.registry import defvjp

Axis = int | tuple[int, ...] | None


def expand(g: Any, x_shape: tuple[int, ...], axis: Axis, keepdims: bool | None) -> Any:
    """The gradient of a reduction of an operand of shape `x_shape`, with the reduced axes as 1."""
    if keepdims or axis is None:
        return g
    reduced = normalize_axis_tuple(axis, len(x_shape))
    return np.reshape(g, tuple(1 if i in reduced else n for i, n in enumerate(x_shape)))


def _sum(g: Any, x_shape: tuple[int, ...], axis: Axis, keepdims: bool | None, where: Any) -> Any:
    g = expand(g, x_shape, axis, keepdims)
    return g if where is None else g * where


def _mean(g: Any, x_shape: tuple[int, ...], axis: Axis, keepdims: bool | None, where: Any) -> Any:
    if where is None:
        axes = normalize_axis_tuple(range(len(x_shape)) if axis is None else axis, len(x_shape))
        count = math.prod(x_shape[i] for i in axes)
        return expand(g / count, x_shape, axis, keepdims)
    selected = np.broadcast_to(where, x_shape)
    counts = np.sum(selected, axis=axis, keepdims=True)
    return expand(g, x_shape, axis, keepdims) * selected / counts


defvjp(np.sum, x=_sum)
defvjp(np.mean, x=_mean)
