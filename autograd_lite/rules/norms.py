"""Derivative rules of norms and of the condition number.

Norms are differentiable except where they vanish and where an element (or a row, a column, a
singular value) that counts ties with another. At 0 the gradient is 0; ties share equally.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_lite.operations import composite, defvjp
from autograd_lite.rules.decompositions import spectral_gradient
from autograd_lite.rules.linalg import inverse_gradient
from autograd_lite.rules.matrices import (
    Shape,
    column,
    conj,
    from_end,
    plain,
    real,
    to_end,
)
from autograd_lite.rules.reductions import expand

Axes = int | tuple[int, ...] | None


def _norm(g: Any, x: Any, out: Any, ord: Any, axis: Axes, keepdims: bool) -> Any:
    if not x.size:
        return np.zeros_like(x)
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    g, out = expand(g, x.shape, axes, keepdims), expand(out, x.shape, axes, keepdims)
    if ord is None or (len(axes) == 2 and ord in ("fro", "f")):
        return _euclidean(g, x, out)
    if len(axes) == 1:
        return _vector_norm(g, x, out, ord, axes[0])
    return _matrix_norm(g, x, ord, axes)


def _euclidean(g: Any, x: Any, out: Any) -> Any:
    positive = plain(out) != 0
    return np.where(positive, g * conj(x) / np.where(positive, out, 1), 0)


def _vector_norm(g: Any, x: Any, out: Any, ord: Any, axis: int) -> Any:
    if ord == 2:
        return _euclidean(g, x, out)
    if ord == 0:
        # The number of elements that are not 0: a step function.
        return np.zeros_like(x)
    size, direction = _polar(x)
    if ord == 1:
        return g * direction
    if np.isinf(ord):
        return g * direction * _shares(np.abs(plain(x)), ord > 0, axis)
    counts = (plain(x) != 0) & (plain(out) != 0)
    ratio = np.where(counts, size, 1) / np.where(counts, out, 1)
    return np.where(counts, g * direction * ratio ** (ord - 1), 0)


def _polar(x: Any) -> tuple[Any, Any]:
    """The absolute values of `x` and their gradient: signs, or conjugate phases; 0 where x is."""
    if x.dtype.kind != "c":
        return np.absolute(x), np.sign(plain(x))
    counts = plain(x) != 0
    moved = np.where(counts, x, 1)
    size = np.sqrt(np.square(np.real(moved)) + np.square(np.imag(moved)))
    return np.where(counts, size, 0), np.where(counts, np.conjugate(moved) / size, 0)


def _shares(sizes: Any, largest: bool, axis: int) -> Any:
    """The share of each of `sizes` in the largest, or the smallest, along an axis."""
    extreme = (np.max if largest else np.min)(sizes, axis=axis, keepdims=True)
    chosen = sizes == extreme
    return (chosen / np.sum(chosen, axis=axis, keepdims=True)).astype(sizes.dtype)


def _matrix_norm(g: Any, x: Any, ord: Any, axes: tuple[int, ...]) -> Any:
    if ord in (2, -2, "nuc"):
        return from_end(_spectral_norm(to_end(g, axes), to_end(x, axes), ord), axes)
    # The largest or smallest sum of absolute values in a column, or in a row.
    summed, compared = axes if abs(ord) == 1 else axes[::-1]
    sums = np.sum(np.abs(plain(x)), axis=summed, keepdims=True)
    return g * _polar(x)[1] * _shares(sums, ord > 0, compared)


def _spectral_norm(g: Any, x: Any, ord: Any) -> Any:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    values = plain(s)
    shares = 1 if ord == "nuc" else _shares(values, ord > 0, -1)
    # A singular value is an absolute value: where it is 0, so is its derivative.
    return spectral_gradient(g[..., 0] * shares * (values > 0), u, vh)


defvjp(np.linalg.norm, x=_norm)


def _cond(g: Any, x: Any, p: Any) -> Any:
    if p is None or p in (2, -2):
        u, s, vh = np.linalg.svd(x, full_matrices=False)
        above, below = (s[..., -1:], s[..., :1]) if p == -2 else (s[..., :1], s[..., -1:])
        first, last = _ends(s.shape)
        of_above, of_below = (last, first) if p == -2 else (first, last)
        weights = of_above / below - of_below * above / (below * below)
        return spectral_gradient(column(g) * weights, u, vh)
    # NumPy before 2.4 gives the number of a complex matrix as a complex one.
    g, inverse = real(g), np.linalg.inv(x)
    own, other = (np.linalg.norm(a, p, axis=(-2, -1)) for a in (x, inverse))
    direct = _norm(g * other, x, own, p, (-2, -1), False)
    return direct + inverse_gradient(_norm(g * own, inverse, other, p, (-2, -1), False), inverse)


def _ends(shape: Shape) -> tuple[Any, Any]:
    """Masks of the first and of the last element along the last axis."""
    position = np.arange(shape[-1])
    return position == 0, position == shape[-1] - 1


defvjp(np.linalg.cond, x=_cond)


@composite(np.linalg.vector_norm)
def _public_vector_norm(
    x: Any, /, *, axis: Axes = None, keepdims: bool = False, ord: Any = 2
) -> Any:
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    if axis is not None and not isinstance(axis, tuple):
        return np.linalg.norm(x, ord=ord, axis=axis, keepdims=keepdims)
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    size = math.prod(x.shape[i] for i in axes)
    gathered = np.reshape(np.transpose(x, axes + rest), (size, *(x.shape[i] for i in rest)))
    result = np.linalg.norm(gathered, ord=ord, axis=0)
    if not keepdims:
        return result
    return np.reshape(result, tuple(1 if i in axes else n for i, n in enumerate(x.shape)))


@composite(np.linalg.matrix_norm)
def _public_matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return np.linalg.norm(x, ord=ord, axis=(-2, -1), keepdims=keepdims)
