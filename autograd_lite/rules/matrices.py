"""Views of stacks of matrices, shared by the rules of products and of linear algebra.

The stack's matrices lie in the last two axes. All of this works on arrays and on Tensors alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.arrays.foreign import asarray_like
from autograd_lite.rules.indexing import put_back

Shape = tuple[int, ...]


def as_array(a: Any) -> Any:
    """`a`, or the array of a number or a list that a user wrote."""
    return a if hasattr(a, "shape") else np.asarray(a)


def plain(a: Any) -> Any:
    """The values of an array or a Tensor."""
    return getattr(a, "_value", a)


def column(a: Any) -> Any:
    """`a` with an axis of length 1 added at the end."""
    return np.reshape(a, (*a.shape, 1))


def row(a: Any) -> Any:
    """`a` with an axis of length 1 added before the last."""
    return np.reshape(a, (*a.shape[:-1], 1, a.shape[-1]))


def drop_last(a: Any) -> Any:
    """`a` without its last axis, which has length 1."""
    return np.reshape(a, a.shape[:-1])


def swap(a: Any) -> Any:
    """The transposes: `a` with its last two axes exchanged."""
    if a.ndim == 2:
        return a.T
    return np.transpose(a, (*range(a.ndim - 2), a.ndim - 1, a.ndim - 2))


def conj(a: Any) -> Any:
    """The conjugate; real arrays are not copied."""
    return np.conjugate(a) if a.dtype.kind == "c" else a


def adjoint(a: Any) -> Any:
    """The conjugate transposes."""
    return conj(swap(a))


def real(a: Any) -> Any:
    """The real part; real arrays stay as they are."""
    return np.real(a) if a.dtype.kind == "c" else a


def to_end(a: Any, axes: int | Sequence[int]) -> Any:
    """`a` with `axes` moved to its end, in their order."""
    order = _axes_last(a.ndim, axes)
    return a if order == [*range(a.ndim)] else np.transpose(a, order)


def from_end(a: Any, axes: int | Sequence[int]) -> Any:
    """The inverse of `to_end`."""
    order = _axes_last(a.ndim, axes)
    return a if order == [*range(a.ndim)] else np.transpose(a, np.argsort(order).tolist())


def _axes_last(ndim: int, axes: int | Sequence[int]) -> list[int]:
    last = [range(ndim)[axis] for axis in ([axes] if isinstance(axes, int) else axes)]
    return [axis for axis in range(ndim) if axis not in last] + last


def identity(n: int, like: Any) -> Any:
    """The mask of the diagonal as booleans, so that a product keeps its dtype."""
    return asarray_like(np.eye(n, dtype=bool), like)


def strictly_lower(a: Any) -> Any:
    """`a` with zeros on and above the diagonal."""
    return a * asarray_like(np.tri(a.shape[-2], a.shape[-1], -1, dtype=bool), a)


def strictly_upper(a: Any) -> Any:
    """`a` with zeros on and below the diagonal."""
    return a * asarray_like(~np.tri(a.shape[-2], a.shape[-1], dtype=bool), a)


def onto_triangle(g: Any, lower: bool) -> Any:
    """The gradient at the triangle that a function reads of a Hermitian matrix.

    `g` is the gradient at the whole matrix. An element off the diagonal stands for two; of the
    diagonal the real part counts.
    """
    keep = strictly_lower if lower else strictly_upper
    return keep(g + adjoint(g)) + real(g) * identity(g.shape[-1], g)


def place(g: Any, index: Any, shape: Shape) -> Any:
    """Zeros of `shape` with `g` at `index`, which names no element twice."""
    return put_back(g, index, shape)
