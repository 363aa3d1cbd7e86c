"""Derivative rules of decompositions: eigenvalues, singular values, QR.

Sources: M. B. Giles (2008) for eigenvalues; J. Townsend, "Differentiating the singular value
decomposition" (2016); S. F. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra
functions" (2010) for QR; C. Boeddeker et al., "On the computation of complex-valued gradients with
application to statistically optimum beamforming" (2017) and Z.-Q. Wan and S.-X. Zhang, "Automatic
differentiation for complex valued SVD" (2019) for complex matrices. As there, functions called
`..._adjoint` take and give the conjugate gradient dL/dx + i dL/dy.

Vectors of repeated values have no derivative: where something depends on them, its gradient is inf
or NaN, also where the dependence cancels. Those whose gradients are 0, with those of their values,
do not count, and gradients of the values alone are finite everywhere.

The phase of a complex vector, and a basis of what an orthogonal matrix leaves over, are arbitrary;
a result that depends on them has no derivative, and raises ValueError.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from autograd_lite.arrays.foreign import asarray_like
from autograd_lite.gradients import TupleGradient, absent
from autograd_lite.operations import composite, defvjp, primitive
from autograd_lite.rules.matrices import (
    adjoint,
    column,
    conj,
    identity,
    onto_triangle,
    place,
    plain,
    real,
    row,
    strictly_lower,
    swap,
)

Triangle = Literal["L", "U", "l", "u"]
Mode = Literal["reduced", "complete", "r"]


def _inverse_gaps(gaps: Any, idle: Any) -> Any:
    """1 / gaps[i, j], and 0 for i = j and between idle vectors; inf for values that are equal."""
    apart = ~identity(gaps.shape[-1], gaps) & ~(column(idle) & row(idle))
    return apart / np.where(apart, gaps, 1)


def _idle(of_values: Any, *of_vectors: Any) -> Any:
    """The values, with their vectors, that a result does not depend on: all their gradients are
    0."""
    idle = of_values == 0
    for g in of_vectors:
        idle = idle & np.all(g == 0, axis=-2)
    return idle


def _refuse_dependence(defect: Any, g: Any, what: str) -> None:
    """Raise if `defect` is not negligible beside `g`: it is 0 where the result does not depend on
    `what`.
    """
    defect, g = plain(defect), plain(g)
    if not isinstance(defect, np.ndarray) or not defect.size:
        return
    tolerance = np.sqrt(np.finfo(defect.dtype).eps) * max(1.0, float(np.max(np.abs(g))))
    if np.max(np.abs(defect)) > tolerance:
        raise ValueError(
            f"the result depends on {what}, an arbitrary choice, and so has no derivative; use "
            "only what does not change with it, such as absolute values or products v v^H"
        )


def _phases(product: Any) -> Any:
    """The change of a result with each vector's phase, given V^H times the gradient at V."""
    return np.imag(plain(product)) * identity(product.shape[-1], product)


def _eigh(g: Any, out: Any, UPLO: str) -> Any:
    """The gradient is at the triangle that `eigh` reads."""
    values, vectors = out
    middle = column(g[0]) * identity(values.shape[-1], values)
    if not absent(g[1]):
        turned = np.matmul(adjoint(vectors), conj(g[1]))
        if turned.dtype.kind == "c":
            _refuse_dependence(_phases(turned), g[1], "the phases of eigh's eigenvectors")
        gaps = row(values) - column(values)
        middle = middle + turned * _inverse_gaps(gaps, _idle(g[0], g[1]))
    total = np.matmul(np.matmul(vectors, middle), adjoint(vectors))
    return onto_triangle(conj(total), lower=UPLO.upper() == "L")


def _eigvalsh(g: Any, a: Any, UPLO: Triangle) -> Any:
    _, vectors = np.linalg.eigh(a, UPLO)
    total = np.matmul(vectors * row(g), adjoint(vectors))
    return onto_triangle(conj(total), lower=UPLO.upper() == "L")


defvjp(np.linalg.eigh, a=_eigh)
defvjp(np.linalg.eigvalsh, a=_eigvalsh)


def _from_eigenbasis(middle: Any, vectors: Any) -> Any:
    """V^-H middle V^H"""
    flipped = adjoint(vectors)
    return np.linalg.solve(flipped, np.matmul(middle, flipped))


def _eig(g: Any, a: Any, out: Any) -> Any:
    values, vectors = out
    same = identity(values.shape[-1], values)
    middle = column(conj(g[0])) * same
    if not absent(g[1]):
        weights = conj(_at_fixed_phase(g[1], vectors, values, a.dtype.kind == "c"))
        flipped = adjoint(vectors)
        turned = np.matmul(flipped, weights)
        # Vectors have length 1, so what would stretch them does not count.
        stretch = row(np.sum(real(turned) * same, axis=-1))
        turned = turned - np.matmul(flipped, vectors) * stretch
        gaps = conj(row(values) - column(values))
        middle = middle + turned * _inverse_gaps(gaps, _idle(g[0], g[1]))
    return conj(_from_eigenbasis(middle, vectors))


def _at_fixed_phase(g: Any, vectors: Any, values: Any, of_complex: bool) -> Any:
    """The gradient at vectors of free phase, for `eig`, which makes the largest element real.

    Where two elements of a vector are the largest, either may be the one: its phase jumps. Real
    vectors of real matrices have signs alone.
    """
    if vectors.dtype.kind != "c" or not vectors.size:
        return g
    numbers = plain(vectors)
    sizes = np.abs(numbers)
    largest = np.argmax(sizes * (np.imag(numbers) == 0), axis=-2)
    chosen = asarray_like(np.arange(numbers.shape[-2])[:, None], largest) == largest[..., None, :]
    turn = np.sum(np.imag(g * vectors), axis=-2, keepdims=True)
    rounding = np.sqrt(np.finfo(sizes.dtype).eps)
    others = np.max(np.where(chosen, 0, sizes), axis=-2, keepdims=True)
    tied = others > np.max(sizes * chosen, axis=-2, keepdims=True) * (1 - rounding)
    if not of_complex:
        tied = tied & (np.imag(row(plain(values))) != 0)
    _refuse_dependence(
        plain(turn) * tied, g, "which of the largest elements of eig's vectors is real"
    )
    scale = np.sum(real(vectors) * chosen, axis=-2, keepdims=True)
    return g - 1j * chosen * (turn / scale)


def _eigvals(g: Any, a: Any, out: Any) -> Any:
    values, vectors = np.linalg.eig(a)
    if not np.allclose(plain(values), plain(out)):
        # Found without vectors, the values may come in another order.
        g = np.take_along_axis(g, _matching(plain(out), plain(values)), axis=-1)
    return conj(_from_eigenbasis(column(conj(g)) * identity(a.shape[-1], a), vectors))


def _matching(have: np.ndarray, want: np.ndarray) -> np.ndarray:
    """The index of each of `want` in `have`, which has the same numbers in another order."""
    ranks = np.argsort(np.argsort(want, axis=-1), axis=-1)
    return np.take_along_axis(np.argsort(have, axis=-1), ranks, axis=-1)


defvjp(np.linalg.eig, a=_eig)
defvjp(np.linalg.eigvals, a=_eigvals)


def spectral_gradient(weights: Any, u: Any, vh: Any) -> Any:
    """The gradient of a matrix, for the gradient `weights` of its singular values."""
    return conj(np.matmul(u * row(weights), vh))


def _svdvals(g: Any, x: Any) -> Any:
    u, _, vh = np.linalg.svd(x, full_matrices=False)
    return spectral_gradient(g, u, vh)


def _svd(g: Any, a: Any, out: Any, full_matrices: bool, compute_uv: bool, hermitian: bool) -> Any:
    if compute_uv:
        total = _svd_of_parts(g, out) if full_matrices else _svd_thin(g, out)
    else:
        u, _, vh = np.linalg.svd(a, full_matrices=False, hermitian=hermitian)
        total = spectral_gradient(g, u, vh)
    return onto_triangle(total, lower=True) if hermitian else total


def _svd_of_parts(g: Any, out: Any) -> Any:
    """Full matrices: the vectors beyond the singular values turn as the others do."""
    (gu, gs, gvh), (u, s, vh) = g, out
    k = s.shape[-1]
    thin_u, gu = _without_extra(u, gu, k, "the basis of svd's last left vectors")
    v, gv = _without_extra(swap(vh), swap(gvh), k, "the basis of svd's last right vectors")
    return _svd_thin((gu, gs, swap(gv)), (thin_u, s, swap(v)))


def _svd_thin(g: Any, out: Any) -> Any:
    (gu, gs, gvh), (u, s, vh) = g, out
    if absent(gu) and absent(gvh):
        return spectral_gradient(gs, u, vh)
    return conj(_svd_adjoint(conj(gu), gs, swap(gvh), u, s, adjoint(vh)))


def _svd_adjoint(gu: Any, gs: Any, gv: Any, u: Any, s: Any, v: Any) -> Any:
    k = s.shape[-1]
    same = identity(k, u)
    left, right = np.matmul(adjoint(u), gu), np.matmul(adjoint(v), gv)
    idle = _idle(gs, gu, gv)
    gaps = _inverse_gaps((row(s) - column(s)) * (row(s) + column(s)), idle)
    lengths = row(np.where(idle, 1, s))
    middle = (left - adjoint(left)) * gaps * row(s) + column(s) * (right - adjoint(right)) * gaps
    middle = middle + column(gs) * same
    if left.dtype.kind == "c":
        _refuse_dependence(_phases(left + right), gu, "the phases of svd's vectors")
        middle = middle + 1j * np.imag(left) * same / lengths
    total = np.matmul(np.matmul(u, middle), adjoint(v))
    if u.shape[-2] > k:
        beside = gu - np.matmul(u, left)
        total = total + np.matmul(beside / lengths, adjoint(v))
    if v.shape[-2] > k:
        beside = gv - np.matmul(v, right)
        total = total + np.matmul(u / lengths, adjoint(beside))
    return total


def _without_extra(q: Any, g: Any, k: int, what: str) -> tuple[Any, Any]:
    """The first k columns of a unitary matrix, and a gradient at them that stands for all.

    The others, E, stay orthogonal to them: dE = -Q dQ^H E, up to a turn among themselves.
    """
    if q.shape[-1] == k:
        return q, g
    q, extra, g, beyond = q[..., :k], q[..., k:], g[..., :k], g[..., k:]
    if absent(beyond):
        return q, g
    turn = np.matmul(adjoint(extra), conj(beyond))
    _refuse_dependence(plain(turn - adjoint(turn)), beyond, what)
    return q, g - conj(np.matmul(np.matmul(extra, swap(beyond)), q))


defvjp(np.linalg.svd, a=_svd)
defvjp(np.linalg.svdvals, x=_svdvals)


@primitive
def qr(a: Any, mode: Mode) -> Any:
    """`np.linalg.qr` in the modes that have a derivative."""
    return np.linalg.qr(a, mode)


@composite(np.linalg.qr)
def _public_qr(a: Any, mode: Mode = "reduced") -> Any:
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(
            f"np.linalg.qr(mode={mode!r}) has no derivative here; use mode='reduced', 'complete' "
            "or 'r'"
        )
    return qr(a, mode)


def _qr(g: Any, a: Any, out: Any, mode: str) -> Any:
    if isinstance(g, TupleGradient):
        (gq, gr), (q, r) = g, out
    else:
        q, r = np.linalg.qr(a)
        gq, gr = np.zeros_like(q), g
    k = min(a.shape[-2:])
    q, gq = _without_extra(q, gq, k, "the basis of qr's last columns")
    r, gr = r[..., :k, :], gr[..., :k, :]
    return conj(_qr_adjoint(conj(gq), conj(gr), q, r))


def _qr_adjoint(gq: Any, gr: Any, q: Any, r: Any) -> Any:
    k, columns = r.shape[-2:]
    if columns == k:
        return _qr_tall_adjoint(gq, gr, q, r)
    # A = [X Y] = Q [R S], where Q and R are those of X, and S = Q^H Y.
    first, rest = (..., slice(None, k)), (..., slice(k, None))
    gs, others = gr[rest], np.matmul(q, r[rest])
    gq = gq + np.matmul(others, adjoint(gs))
    gx = _qr_tall_adjoint(gq, gr[first], q, r[first])
    shape = (*r.shape[:-2], q.shape[-2], columns)
    return place(gx, first, shape) + place(np.matmul(q, gs), rest, shape)


def _qr_tall_adjoint(gq: Any, gr: Any, q: Any, r: Any) -> Any:
    product = np.matmul(r, adjoint(gr)) - np.matmul(adjoint(gq), q)
    lower = strictly_lower(product)
    middle = lower + adjoint(lower) + real(product) * identity(r.shape[-1], r)
    # (gq + q middle) r^-H
    return adjoint(np.linalg.solve(r, adjoint(gq + np.matmul(q, middle))))


defvjp(qr, a=_qr)
