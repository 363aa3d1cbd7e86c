"""Derivative rules of products of vectors and matrices.

The formulas are those of M. B. Giles, "Collected matrix derivative results for forward and reverse
mode algorithmic differentiation" (2008): for C = A B, dA = dC B^T and dB = A^T dC. What is added
here is NumPy's handling of 0, 1 and more than 2 dimensions. Products that conjugate an operand
conjugate its gradient with all that it is multiplied by; see rules/elementwise.py for why the
others need no conjugate.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.arrays.foreign import asarray_like
from autograd_lite.operations import composite, defvjp, primitive
from autograd_lite.rules.matrices import (
    Shape,
    as_array,
    column,
    conj,
    drop_last,
    from_end,
    row,
    swap,
    to_end,
)

Axes = Sequence[int | tuple[int, ...]]


def _first_axis_to(a: Any, position: int) -> Any:
    """`a` with its first axis moved to `position`."""
    order = [*range(1, a.ndim)]
    order.insert(position, 0)
    return np.transpose(a, order)


def _matmul_left(g: Any, y: Any, x_shape: Shape, axes: Axes | None) -> Any:
    if axes is not None:
        core = to_end(np.empty(x_shape), axes[0]).shape
        g, y = to_end(g, _result_axes(axes)), to_end(y, axes[1])
        return from_end(_matmul_left(g, y, core, None), axes[0])
    y = as_array(y)
    if y.ndim == 1:
        return column(g) * y
    if len(x_shape) == 1:
        return drop_last(np.matmul(y, column(g)))
    return np.matmul(g, swap(y))


def _matmul_right(g: Any, x: Any, y_shape: Shape, axes: Axes | None) -> Any:
    if axes is not None:
        core = to_end(np.empty(y_shape), axes[1]).shape
        g, x = to_end(g, _result_axes(axes)), to_end(x, axes[0])
        return from_end(_matmul_right(g, x, core, None), axes[1])
    x = as_array(x)
    if x.ndim == 1:
        return g * x if len(y_shape) == 1 else column(x) * row(g)
    if len(y_shape) == 1:
        return drop_last(np.matmul(swap(x), column(g)))
    return np.matmul(swap(x), g)


def _result_axes(axes: Axes) -> Any:
    """The axes of the result in `axes=` of a generalized ufunc; they may be left out for a
    scalar."""
    return axes[2] if len(axes) > 2 else ()


def _dot_left(g: Any, b: Any, a_shape: Shape) -> Any:
    b = as_array(b)
    if b.ndim == 0 or not a_shape:
        return g * b
    if b.ndim == 1:
        return column(g) * b
    if b.ndim == 2:
        return np.dot(g, b.T)
    # dot sums over a's last axis and b's last but one; all others of b stand last in g.
    k = a_shape[-1]
    order = (b.ndim - 2, *range(b.ndim - 2), b.ndim - 1)
    rest = b.size // k if k else math.prod(b.shape[:-2]) * b.shape[-1]
    unfolded = np.reshape(np.transpose(b, order), (k, rest))
    rows = math.prod(a_shape[:-1])
    return np.reshape(np.dot(np.reshape(g, (rows, rest)), unfolded.T), a_shape)


def _dot_right(g: Any, a: Any, b_shape: Shape) -> Any:
    a = as_array(a)
    if a.ndim == 0 or not b_shape:
        return g * a
    if a.ndim == 1:
        return g * a if len(b_shape) == 1 else column(a) * row(g)
    if a.ndim == 2 and len(b_shape) <= 2:
        return np.dot(a.T, g)
    k = a.shape[-1]
    rows = math.prod(a.shape[:-1])
    rest = (*b_shape[:-2], *b_shape[-1:]) if len(b_shape) > 1 else ()
    columns = math.prod(rest)
    product = np.dot(np.reshape(a, (rows, k)).T, np.reshape(g, (rows, columns)))
    return _first_axis_to(np.reshape(product, (k, *rest)), max(len(b_shape) - 2, 0))


defvjp(np.matmul, x=_matmul_left, y=_matmul_right)
defvjp(np.dot, a=_dot_left, b=_dot_right)
defvjp(
    np.vdot,
    a=lambda g, b, a_shape: conj(g * np.reshape(b, a_shape)),
    b=lambda g, a, b_shape: g * np.reshape(conj(as_array(a)), b_shape),
)


def _flat(a: Any) -> Any:
    return np.reshape(a, (-1,))


defvjp(
    np.outer,
    a=lambda g, b, a_shape: np.reshape(np.dot(g, _flat(b)), a_shape),
    b=lambda g, a, b_shape: np.reshape(np.dot(_flat(a), g), b_shape),
)


def _inner_left(g: Any, b: Any, a_shape: Shape) -> Any:
    b = as_array(b)
    if b.ndim == 0 or not a_shape:
        return g * b
    others = b.ndim - 1
    return np.tensordot(g, b, (range(len(a_shape) - 1, g.ndim), range(others)))


def _inner_right(g: Any, a: Any, b_shape: Shape) -> Any:
    a = as_array(a)
    if a.ndim == 0 or not b_shape:
        return g * a
    others = range(a.ndim - 1)
    return np.tensordot(g, a, (others, others))


defvjp(np.inner, a=_inner_left, b=_inner_right)


def _paired(axes: Any, a_shape: Shape, b_shape: Shape) -> tuple[list[int], list[int]]:
    """The axes of both operands that `tensordot(axes=...)` sums over, counted from 0."""
    try:
        of_a, of_b = axes
    except TypeError:
        n = operator.index(axes)
        of_a, of_b = range(len(a_shape) - n, len(a_shape)), range(n)
    return _counted(of_a, len(a_shape)), _counted(of_b, len(b_shape))


def _counted(axes: Any, ndim: int) -> list[int]:
    return [range(ndim)[axis] for axis in np.atleast_1d(np.asarray(axes, dtype=int)).tolist()]


def _tensordot_left(g: Any, b: Any, a_shape: Shape, axes: Any) -> Any:
    b = as_array(b)
    summed, partners = _paired(axes, a_shape, b.shape)
    free = [i for i in range(len(a_shape)) if i not in summed]
    others = [i for i in range(b.ndim) if i not in partners]
    back = np.tensordot(g, b, (range(len(free), g.ndim), others))
    # What is left of b are the summed axes, in b's order.
    order = free + [summed[partners.index(i)] for i in sorted(partners)]
    return np.transpose(back, np.argsort(order).tolist())


def _tensordot_right(g: Any, a: Any, b_shape: Shape, axes: Any) -> Any:
    a = as_array(a)
    summed, partners = _paired(axes, a.shape, b_shape)
    free = [i for i in range(len(b_shape)) if i not in partners]
    others = [i for i in range(a.ndim) if i not in summed]
    back = np.tensordot(a, g, (others, range(len(others))))
    order = [partners[summed.index(i)] for i in sorted(summed)] + free
    return np.transpose(back, np.argsort(order).tolist())


defvjp(np.tensordot, a=_tensordot_left, b=_tensordot_right)


def _kron_axes(g: Any, a_shape: Shape, b_shape: Shape) -> tuple[Any, Shape, Shape]:
    """The gradient with each axis split into a's and b's part, and both shapes at that length."""
    n = max(len(a_shape), len(b_shape))
    a_shape = (1,) * (n - len(a_shape)) + a_shape
    b_shape = (1,) * (n - len(b_shape)) + b_shape
    split = tuple(size for pair in zip(a_shape, b_shape, strict=True) for size in pair)
    return np.reshape(g, split), a_shape, b_shape


def _kron_left(g: Any, b: Any, a_shape: Shape) -> Any:
    b = as_array(b)
    g, _, b_shape = _kron_axes(g, a_shape, b.shape)
    n = len(b_shape)
    product = np.tensordot(g, np.reshape(b, b_shape), (range(1, 2 * n, 2), range(n)))
    return np.reshape(product, a_shape)


def _kron_right(g: Any, a: Any, b_shape: Shape) -> Any:
    a = as_array(a)
    g, a_shape, _ = _kron_axes(g, a.shape, b_shape)
    n = len(a_shape)
    product = np.tensordot(g, np.reshape(a, a_shape), (range(0, 2 * n, 2), range(n)))
    return np.reshape(product, b_shape)


defvjp(np.kron, a=_kron_left, b=_kron_right)


def _in_space(a: Any) -> Any:
    """Vectors of 2 elements as vectors of 3, the last one 0."""
    return (
        a if a.shape[-1] == 3 else np.matmul(a, asarray_like(np.eye(2, 3, dtype=plain_dtype(a)), a))
    )


def plain_dtype(a: Any) -> Any:
    """The dtype of a constant that leaves the dtype of `a` alone."""
    return a.dtype if a.dtype.kind in "fc" else None


def _cross_gradient(
    g: Any, other: Any, axes: tuple[int, int, int, int | None], shape: Shape, sign: int
) -> Any:
    """The gradient at one operand of a cross product: `sign` * (other x g)."""
    own_axis, other_axis, result_axis, every_axis = axes
    if every_axis is not None:
        own_axis = other_axis = result_axis = every_axis
    other = to_end(as_array(other), other_axis)
    size = shape[own_axis]
    if size == other.shape[-1] == 2:
        # The result is the third element alone.
        g = column(g) * asarray_like(np.array([0, 0, 1], dtype=plain_dtype(g)), g)
    else:
        g = to_end(g, result_axis)
    product = np.cross(_in_space(other), g)[..., :size] * sign
    extra = product.ndim - len(shape)
    if extra > 0:
        product = np.sum(product, axis=tuple(range(extra)))
    missing = len(shape) - product.ndim
    if missing:
        product = np.reshape(product, (1,) * missing + product.shape)
    return from_end(product, own_axis)


defvjp(
    np.cross,
    a=lambda g, b, a_shape, axisa, axisb, axisc, axis: _cross_gradient(
        g, b, (axisa, axisb, axisc, axis), a_shape, 1
    ),
    b=lambda g, a, b_shape, axisa, axisb, axisc, axis: _cross_gradient(
        g, a, (axisb, axisa, axisc, axis), b_shape, -1
    ),
)


def _trace(g: Any, a_shape: Shape, offset: int, axis1: int, axis2: int) -> Any:
    ndim = len(a_shape)
    axes = (range(ndim)[axis1], range(ndim)[axis2])
    diagonal = np.eye(a_shape[axes[0]], a_shape[axes[1]], offset, dtype=bool)
    return from_end(column(column(g)) * asarray_like(diagonal, g), axes)


defvjp(np.trace, a=_trace)


@primitive
def vecdot(x1: Any, x2: Any) -> Any:
    """`np.vecdot` over the last axes; the first operand is conjugated."""
    return np.vecdot(x1, x2)


@primitive
def matvec(x1: Any, x2: Any) -> Any:
    """`np.matvec` of the last two axes and the last."""
    return np.matvec(x1, x2)


@primitive
def vecmat(x1: Any, x2: Any) -> Any:
    """`np.vecmat` of the last axis and the last two; the vector is conjugated."""
    return np.vecmat(x1, x2)


defvjp(
    vecdot,
    x1=lambda g, x2: conj(column(g) * x2),
    x2=lambda g, x1: column(g) * conj(x1),
)
defvjp(
    matvec,
    x1=lambda g, x2: column(g) * row(x2),
    x2=lambda g, x1: drop_last(np.matmul(swap(x1), column(g))),
)
defvjp(
    vecmat,
    x1=lambda g, x2: conj(drop_last(np.matmul(x2, column(g)))),
    x2=lambda g, x1: column(conj(x1)) * row(g),
)


def _core_product(function: Any, x1: Any, x2: Any, axes: Axes | None, dtype: Any) -> Any:
    """`function` over the axes that `axes=` of a generalized ufunc names."""
    x1, x2 = as_array(x1), as_array(x2)
    if dtype is not None:
        x1, x2 = x1.astype(dtype), x2.astype(dtype)
    if axes is None:
        return function(x1, x2)
    product = function(to_end(x1, axes[0]), to_end(x2, axes[1]))
    return from_end(product, _result_axes(axes))


@composite(np.vecdot)
def _vecdot(
    x1: Any,
    x2: Any,
    /,
    *,
    axis: int = -1,
    axes: Axes | None = None,
    keepdims: bool = False,
    dtype: Any = None,
) -> Any:
    operand_axes = [axis, axis] if axes is None else axes[:2]
    product = _core_product(vecdot, x1, x2, operand_axes, dtype)
    if not keepdims:
        return product
    back = operand_axes[0] if axes is None or len(axes) == 2 else axes[2]
    return from_end(column(product), back)


if hasattr(np, "matvec"):

    @composite(np.matvec)
    def _matvec(x1: Any, x2: Any, /, *, axes: Axes | None = None, dtype: Any = None) -> Any:
        return _core_product(matvec, x1, x2, axes, dtype)

    @composite(np.vecmat)
    def _vecmat(x1: Any, x2: Any, /, *, axes: Axes | None = None, dtype: Any = None) -> Any:
        return _core_product(vecmat, x1, x2, axes, dtype)


@composite(np.linalg.matmul)
def _linalg_matmul(x1: Any, x2: Any, /) -> Any:
    return np.matmul(x1, x2)


@composite(np.linalg.outer)
def _linalg_outer(x1: Any, x2: Any, /) -> Any:
    x1, x2 = as_array(x1), as_array(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(
            f"np.linalg.outer takes vectors, not arrays of shapes {x1.shape} and {x2.shape}; "
            "np.outer flattens its operands"
        )
    return np.outer(x1, x2)


@composite(np.linalg.tensordot)
def _linalg_tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return np.tensordot(x1, x2, axes=axes)


@composite(np.linalg.vecdot)
def _linalg_vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    return _vecdot(x1, x2, axis=axis)


@composite(np.linalg.cross)
def _linalg_cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    x1, x2 = as_array(x1), as_array(x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError(
            "np.linalg.cross takes vectors of 3 elements, not arrays of shapes "
            f"{x1.shape} and {x2.shape} along axis {axis}"
        )
    return np.cross(x1, x2, axis=axis)


@composite(np.linalg.trace)
def _linalg_trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return np.trace(x, offset=offset, axis1=-2, axis2=-1, dtype=dtype)


@composite(np.linalg.diagonal)
def _linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    rows, columns = x.shape[-2:]
    first = max(-offset, 0)
    along = first + np.arange(max(min(rows - first, columns - max(offset, 0)), 0))
    return x[..., along, along + offset]
