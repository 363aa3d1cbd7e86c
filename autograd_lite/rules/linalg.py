"""Derivative rules of inverses, linear systems, determinants and powers of matrices.

The formulas of the inverse, the determinant and the Cholesky factor are in M. B. Giles, "Collected
matrix derivative results for forward and reverse mode algorithmic differentiation" (2008), and in
I. Murray, "Differentiation of the Cholesky decomposition" (2016); those of the pseudoinverse and
of least squares in G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and
nonlinear least squares problems whose variables separate" (1973).

Rules of functions that are not holomorphic are written for the conjugate gradient dL/dx + i dL/dy,
as in the literature, and are called `..._adjoint`; see rules/elementwise.py for the gradient that
the engine passes on.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.arrays.foreign import Recordable, is_foreign, truth, whole_number
from autograd_lite.gradients import absent
from autograd_lite.operations import (
    OPERATIONS,
    by_value,
    composite,
    defvjp,
    defvjp_sequence,
    primitive,
)
from autograd_lite.rules.matrices import (
    Shape,
    adjoint,
    as_array,
    column,
    conj,
    drop_last,
    identity,
    onto_triangle,
    plain,
    real,
    row,
    strictly_lower,
    swap,
)


def inverse_gradient(g: Any, out: Any) -> Any:
    """The gradient at a matrix of its inverse `out`."""
    transposed = swap(out)
    return -np.matmul(np.matmul(transposed, g), transposed)


def _solve_right(g: Any, a: Any, b_shape: Shape) -> Any:
    """The gradient at b for A x = b: A^T db = dx."""
    transposed = swap(as_array(a))
    if len(b_shape) == 1:
        return drop_last(np.linalg.solve(transposed, column(g)))
    return np.linalg.solve(transposed, g)


def _solve_left(g: Any, a: Any, b_shape: Shape, out: Any) -> Any:
    right = _solve_right(g, a, b_shape)
    if len(b_shape) == 1:
        return -column(right) * row(out)
    return -np.matmul(right, swap(out))


defvjp(np.linalg.inv, a=inverse_gradient)
defvjp(np.linalg.solve, a=_solve_left, b=_solve_right)


def _cofactors(a: Any) -> Any:
    """The derivative of the determinant of singular matrices, from the definition.

    It takes n^2 determinants of size n - 1, which is of no account for the sizes at which exactly
    singular matrices occur; and it is exact, in all orders.
    """
    n = a.shape[-1]
    if n == 0:
        return a
    others = np.array([[k for k in range(n) if k != i] for i in range(n)], dtype=int)
    others = others.reshape(n, n - 1)
    minors = a[..., others[:, None, :, None], others[None, :, None, :]]
    signs = (-1.0) ** np.add.outer(np.arange(n), np.arange(n))
    return np.linalg.det(minors) * signs.astype(plain(real(a)).dtype)


@by_value
def _det(g: Any, a: Any, out: Any) -> Any:
    # Where nobody can tell whether a matrix is singular, the inverse of one that is says so.
    if is_foreign(plain(out)) or np.all(plain(out) != 0):
        return column(column(g * out)) * swap(np.linalg.inv(a))
    return column(column(g)) * _cofactors(a)


def _slogdet(g: Any, a: Any, out: Any) -> Any:
    """d logdet = Re tr(A^-1 dA); the sign of a complex determinant turns by its imaginary part.

    A singular matrix, whose logarithm is -inf, raises LinAlgError.
    """
    sign = out[0]
    weight = g[1]
    if sign.dtype.kind == "c":
        weight = weight + 1j * np.imag(g[0] * sign)
    return column(column(weight)) * swap(np.linalg.inv(a))


defvjp(np.linalg.det, a=_det)
defvjp(np.linalg.slogdet, a=_slogdet)


def _cholesky(g: Any, out: Any, upper: bool) -> Any:
    lower, g = (adjoint(out), adjoint(conj(g))) if upper else (out, conj(g))
    product = np.matmul(adjoint(lower), g)
    triangle = strictly_lower(product) + real(product) * identity(g.shape[-1], product) / 2
    # lower^-H triangle lower^-1
    half = np.linalg.solve(
        adjoint(lower), adjoint(np.linalg.solve(adjoint(lower), adjoint(triangle)))
    )
    return onto_triangle(conj(half) / 2 + swap(half) / 2, lower=not upper)


defvjp(np.linalg.cholesky, a=_cholesky)


def _pinv_adjoint(g: Any, a: Any, out: Any) -> Any:
    rows, columns = a.shape[-2:]
    flipped, own = adjoint(g), adjoint(out)
    total = -np.matmul(np.matmul(own, g), own)
    outside = identity(rows, a) - np.matmul(a, out)
    total = total + np.matmul(np.matmul(outside, flipped), np.matmul(out, own))
    outside = identity(columns, a) - np.matmul(out, a)
    return total + np.matmul(np.matmul(np.matmul(own, out), flipped), outside)


@primitive
def pinv(a: Any, cutoff: Any, hermitian: bool) -> Any:
    """`np.linalg.pinv`; singular values below the cutoff count as 0."""
    return np.linalg.pinv(a, rcond=cutoff, hermitian=hermitian)


def _pinv(g: Any, a: Any, out: Any, hermitian: bool) -> Any:
    total = conj(_pinv_adjoint(conj(g), _whole(a) if hermitian else a, out))
    return onto_triangle(total, lower=True) if hermitian else total


def _whole(a: Any) -> Any:
    """The Hermitian matrix with the lower triangle of `a`."""
    lower = strictly_lower(a)
    return lower + adjoint(lower) + real(a) * identity(a.shape[-1], a)


defvjp(pinv, a=_pinv)


@primitive
def truncated_pinv(a: Any, cutoff: np.ndarray, hermitian: bool) -> Any:
    """`np.linalg.pinv` of matrices that have singular values below the cutoff other than 0."""
    return np.linalg.pinv(a, rcond=cutoff, hermitian=hermitian)


def _truncated_pinv(g: Any, a: Any, cutoff: np.ndarray, hermitian: bool) -> Any:
    """The gradient of a pseudo-inverse of part of the values; the others turn the vectors of these.

    For f(A) = V f(S) U^H and M = U^H dA V this is V (w M + x M^H) U^H, element by element, by
    the divided differences of f (Y. L. Daletskii and S. G. Krein, 1965), with f = 1/s or 0.
    """
    u, s, vh = np.linalg.svd(_whole(a) if hermitian else a, full_matrices=False)
    values = plain(s)
    kept = values > cutoff[..., None] * np.max(values, axis=-1, keepdims=True)
    flipped = swap(g)
    inner = np.matmul(np.matmul(adjoint(u), flipped), adjoint(vh))
    within, across = _pinv_factors(s, kept)
    total = np.matmul(np.matmul(u, within * adjoint(inner) + across * inner), vh)
    squares = np.where(kept, 1 / np.where(kept, s * s, 1), 0)
    if u.shape[-2] > s.shape[-1]:
        left = np.matmul(flipped, adjoint(vh)) * row(squares)
        total = total + np.matmul(left - np.matmul(u, np.matmul(adjoint(u), left)), vh)
    if vh.shape[-1] > s.shape[-1]:
        right = column(squares) * np.matmul(adjoint(u), flipped)
        right = right - np.matmul(np.matmul(right, adjoint(vh)), vh)
        total = total + np.matmul(u, right)
    total = conj(total)
    return onto_triangle(total, lower=True) if hermitian else total


def _pinv_factors(s: Any, kept: np.ndarray) -> tuple[Any, Any]:
    """w and x: of two kept values, of a kept and a dropped one, and 0 of two dropped ones."""
    both = column(kept) & row(kept)
    mixed = column(kept) ^ row(kept)
    large, small = np.maximum(column(s), row(s)), np.minimum(column(s), row(s))
    across = mixed / np.where(mixed, large * large - small * small, 1)
    within = across * small / np.where(mixed, large, 1)
    return within - both / np.where(both, large * small, 1), across


defvjp(truncated_pinv, a=_truncated_pinv)


@composite(np.linalg.pinv)
def _public_pinv(
    a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = np._NoValue
) -> Any:
    if rcond is not None and rtol is not np._NoValue:
        raise ValueError("np.linalg.pinv takes rtol or rcond, not both")
    given = rcond if rtol is np._NoValue else rtol
    if given is None:
        machine = rtol is np._NoValue or not a.size
        given = 1e-15 if machine else max(a.shape[-2:]) * np.finfo(a.dtype).eps
        return pinv(a, given, hermitian)
    if not a.size or not _drops(plain(a), given, hermitian):
        return pinv(a, given, hermitian)
    return truncated_pinv(a, np.asarray(given), hermitian)


def _drops(a: np.ndarray, cutoff: Any, hermitian: bool) -> bool:
    """Whether singular values that are more than rounding are taken for 0."""
    s = np.linalg.svd(a, compute_uv=False, hermitian=hermitian)
    largest = np.max(s, axis=-1, keepdims=True)
    rounding = 10 * max(a.shape[-2:]) * np.finfo(s.dtype).eps
    dropped = (s <= np.asarray(cutoff)[..., None] * largest) & (s > rounding * largest)
    return truth(np.any(dropped), "the derivative of np.linalg.pinv with a cutoff")


@primitive
def lstsq(a: Any, b: Any, rcond: Any) -> Any:
    """`np.linalg.lstsq`: the solution, the residuals, the rank, the singular values."""
    return tuple(np.linalg.lstsq(a, b, rcond=rcond))


def _residual(a: Any, b: Any, x: Any) -> Any:
    return b - np.matmul(a, x)


def _pseudoinverse(a: Any, out: Any) -> Any:
    """The pseudoinverse of a matrix with the rank that `lstsq` has found."""
    values = plain(out[3])
    rank = whole_number(plain(out[2]), "the derivative of np.linalg.lstsq")
    if rank == len(values):
        return np.linalg.pinv(a, rcond=0)
    if not rank:
        return np.linalg.pinv(a, rcond=1)
    # Halfway, in orders of magnitude, between what is kept and what is dropped as rounding.
    dropped = max(values[rank] / values[0], np.finfo(values.dtype).eps)
    return np.linalg.pinv(a, rcond=float(np.sqrt(dropped * values[rank - 1] / values[0])))


def _lstsq_matrices(g: Any, b: Any, out: Any) -> tuple[Any, Any, Any]:
    """The right-hand side, the solution and its conjugate gradient, as matrices."""
    x, weight = out[0], conj(g[0])
    return (b, x, weight) if b.ndim == 2 else (column(b), column(x), column(weight))


def _lstsq_left(g: Any, a: Any, b: Any, out: Any) -> Any:
    """x = A^+ b, with the derivative that A^+ has while the rank stays as it is."""
    a, b = as_array(a), as_array(b)
    right, x, weight = _lstsq_matrices(g, b, out)
    rank = plain(out[2])
    rest = _residual(a, right, x)
    pseudo = _pseudoinverse(a, out)
    image = np.matmul(adjoint(pseudo), weight)
    total = -np.matmul(image, adjoint(x))
    if rank < a.shape[0]:
        total = total + np.matmul(rest, adjoint(np.matmul(pseudo, image)))
    if rank < a.shape[1]:
        beside = weight - np.matmul(pseudo, np.matmul(a, weight))
        total = total + np.matmul(np.matmul(adjoint(pseudo), x), adjoint(beside))
    if out[1].size and not absent(g[1]):
        total = total - 2 * np.matmul(rest * g[1], adjoint(x))
    total = conj(total)
    if absent(g[3]):
        return total
    u, _, vh = np.linalg.svd(a, full_matrices=False)
    return total + conj(np.matmul(u * row(g[3]), vh))


def _lstsq_right(g: Any, a: Any, b: Any, out: Any) -> Any:
    a, b = as_array(a), as_array(b)
    right, x, weight = _lstsq_matrices(g, b, out)
    total = np.matmul(adjoint(_pseudoinverse(a, out)), weight)
    if out[1].size and not absent(g[1]):
        total = total + 2 * _residual(a, right, x) * g[1]
    return np.reshape(conj(total), b.shape)


defvjp(lstsq, a=_lstsq_left, b=_lstsq_right)


@composite(np.linalg.lstsq)
def _public_lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    a, b = as_array(a), as_array(b)
    if rcond is not None and a.size and _drops(plain(a), rcond, False):
        # What is dropped takes part in the derivative, which np.linalg.pinv knows.
        _, residuals, rank, values = np.linalg.lstsq(plain(a), plain(b), rcond=rcond)
        values = np.linalg.svdvals(a).astype(values.dtype)
        return np.matmul(np.linalg.pinv(a, rcond), b), residuals, rank, values
    solution, residuals, rank, values = lstsq(a, b, rcond)
    return solution, residuals, plain(rank), values


@composite(np.linalg.matrix_power)
def _matrix_power(a: Any, n: int) -> Any:
    try:
        n = operator.index(n)
    except TypeError:
        raise TypeError(f"np.linalg.matrix_power takes a whole number n, not {n!r}") from None
    if n == 0:
        return np.where(True, np.eye(a.shape[-1], dtype=a.dtype), a)
    if n < 0:
        a, n = np.linalg.inv(a), -n
    if n == 3:
        return np.matmul(np.matmul(a, a), a)
    # The squares of the binary digits, in NumPy's order.
    result = None
    while True:
        n, digit = divmod(n, 2)
        if digit:
            result = a if result is None else np.matmul(result, a)
        if not n:
            return result
        a = np.matmul(a, a)


@primitive
def multi_dot(arrays: Sequence[Any]) -> Any:
    """`np.linalg.multi_dot` of matrices."""
    return np.linalg.multi_dot(arrays)


def _multi_dot(g: Any, arrays: Sequence[Any]) -> list[Any]:
    left = [a.T for a in arrays]
    gradients = []
    for i in range(len(arrays)):
        before, after = left[:i][::-1], left[i + 1 :][::-1]
        gradients.append(np.linalg.multi_dot([*before, g, *after]))
    return gradients


defvjp_sequence(multi_dot, 0, arrays=_multi_dot)


@composite(np.linalg.multi_dot)
def _public_multi_dot(arrays: Sequence[Any], *, out: Any = None) -> Any:
    arrays = [as_array(a) for a in arrays]
    if len(arrays) < 2:
        raise ValueError("np.linalg.multi_dot takes at least two arrays")
    if len(arrays) == 2:
        return np.dot(*arrays)
    first, last = arrays[0].ndim == 1, arrays[-1].ndim == 1
    arrays[0] = row(arrays[0]) if first else arrays[0]
    arrays[-1] = column(arrays[-1]) if last else arrays[-1]
    tensor = next(a for a in arrays if isinstance(a, Recordable))
    product = tensor._record(OPERATIONS[multi_dot], (arrays,), {})
    shape = product.shape[1 if first else 0 : -1 if last else None]
    return product if shape == product.shape else np.reshape(product, shape)


@composite(np.linalg.tensorsolve)
def _tensorsolve(a: Any, b: Any, axes: Sequence[int] | None = None) -> Any:
    a, b = as_array(a), as_array(b)
    if axes is not None:
        order = [*range(a.ndim)]
        for axis in axes:
            order.remove(axis)
            order.append(axis)
        a = np.transpose(a, order)
    shape = a.shape[-(a.ndim - b.ndim) :] if a.ndim > b.ndim else a.shape
    if a.size != b.size**2:
        raise np.linalg.LinAlgError(
            f"np.linalg.tensorsolve: a of shape {a.shape} is not square for b of shape {b.shape}"
        )
    solution = np.linalg.solve(np.reshape(a, (b.size, b.size)), np.reshape(b, (-1,)))
    return np.reshape(solution, shape)


@composite(np.linalg.tensorinv)
def _tensorinv(a: Any, ind: int = 2) -> Any:
    if ind <= 0:
        raise ValueError(f"np.linalg.tensorinv takes ind > 0, not {ind}")
    shape = a.shape[ind:] + a.shape[:ind]
    size = int(np.prod(a.shape[ind:]))
    return np.reshape(np.linalg.inv(np.reshape(a, (size, -1))), shape)
