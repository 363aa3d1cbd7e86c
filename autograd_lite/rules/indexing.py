"""Derivative rules of indexing and of the functions that select, sort and place elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.rules.registry import defvjp, primitive


@primitive
def getitem(x: Any, index: Any) -> Any:
    """`x[index]`, for every index that NumPy has."""
    return x[index]


@primitive
def put_back(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """An array of zeros of `shape`, to which `g` is added at `index`: the adjoint of getitem."""
    result = np.zeros_like(g, shape=shape)
    if _may_repeat(index):
        np.add.at(result, index, g)
    else:
        result[index] = g
    return result


def _may_repeat(index: Any) -> bool:
    """Whether `index` may name an element more than once: whether integers are in an array."""
    items = index if isinstance(index, tuple) else (index,)
    return any(isinstance(i, np.ndarray) and i.dtype != bool for i in items)


defvjp(getitem, x=lambda g, x_shape, index: put_back(g, index, x_shape))
defvjp(put_back, g=lambda h, index: getitem(h, index))
