"""Derivative rules of the functions that rearrange an array without computing."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.rules.registry import defvjp, non_differentiable


def _reshape(g: Any, x_shape: tuple[int, ...], order: str) -> Any:
    if order == "C":
        return np.reshape(g, x_shape)
    if order == "F":
        return np.reshape(g, x_shape, order="F")
    raise ValueError(
        f"reshape(order={order!r}) depends on how the array lies in memory, and so has no "
        "derivative that is right for every array; use order='C' or order='F'"
    )


def _transpose(g: Any, axes: tuple[int, ...] | None) -> Any:
    if axes is None:
        return np.transpose(g)
    count = len(axes)
    return np.transpose(g, sorted(range(count), key=lambda i: axes[i] % count))


defvjp(np.reshape, x=_reshape)
defvjp(np.transpose, x=_transpose)

non_differentiable(np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like)
