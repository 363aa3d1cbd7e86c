"""Polynomials by their coefficients, the highest power first, recorded through other functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.arrays.foreign import truth, whole_number
from autograd_lite.operations import composite
from autograd_lite.rules.matrices import as_array, plain


@composite(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """Horner's scheme."""
    result = np.zeros_like(x)
    for coefficient in p:
        result = result * x + coefficient
    return result


@composite(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    return _same_length(a1, a2)[0] + _same_length(a1, a2)[1]


@composite(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    return _same_length(a1, a2)[0] - _same_length(a1, a2)[1]


@composite(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    a1, a2 = _coefficients(a1), _coefficients(a2)
    # NumPy leaves away the zeros in front of each, but not the last coefficient.
    return np.convolve(a1, a2)[_zeros_in_front(a1) + _zeros_in_front(a2) :]


def _zeros_in_front(a: Any) -> int:
    found = np.flatnonzero(plain(a))
    return whole_number(found[0], "np.polymul") if found.size else len(a) - 1


def _coefficients(a: Any) -> Any:
    a = as_array(a)
    if a.ndim > 1:
        raise ValueError(
            f"a polynomial has a vector of coefficients, not an array of shape {a.shape}"
        )
    return np.reshape(a, -1)


def _same_length(a1: Any, a2: Any) -> tuple[Any, Any]:
    """Both with leading zeros to the length of the longer."""
    a1, a2 = _coefficients(a1), _coefficients(a2)
    n = max(len(a1), len(a2))
    first, second = (np.concatenate([np.zeros(n - len(a), a.dtype), a]) for a in (a1, a2))
    return first, second


@composite(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """The product of the factors (x - z), or the characteristic polynomial of a matrix."""
    shape = np.shape(seq_of_zeros)
    if len(shape) not in (1, 2) or len(set(shape)) != 1:
        raise ValueError(f"np.poly takes a vector or a square matrix, not {shape}")
    zeros = np.linalg.eigvals(seq_of_zeros) if len(shape) == 2 else seq_of_zeros
    result = np.ones(1, zeros.dtype)
    for z in zeros:
        result = np.convolve(result, np.stack([np.ones((), zeros.dtype), -z]))
    numbers = plain(zeros)
    paired = np.array_equal(np.sort(numbers), np.sort(np.conjugate(numbers)))
    return np.real(result) if numbers.dtype.kind == "c" and paired else result


@composite(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    if m < 0:
        raise ValueError(f"np.polyder takes m from 0 on, not {m}; np.polyint integrates")
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@composite(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    if m < 0:
        raise ValueError(f"np.polyint takes m from 0 on, not {m}; np.polyder differentiates")
    constants = np.reshape(0 if k is None else as_array(k), -1)
    constants = np.broadcast_to(constants, (m,)) if len(constants) == 1 else constants
    if len(constants) < m:
        raise ValueError(f"np.polyint takes one k, or {m} of them, not {len(constants)}")
    for i in range(m):
        p = np.concatenate([p / np.arange(len(p), 0, -1), constants[i : i + 1]])
    return p


@composite(np.polyfit)
def polyfit(
    x: Any,
    y: Any,
    deg: int,
    rcond: float | None = None,
    full: bool = False,
    w: Any = None,
    cov: Any = False,
) -> Any:
    """Least squares on the Vandermonde matrix with columns of length 1, as NumPy does it."""
    x, y = as_array(x) + 0.0, as_array(y) + 0.0
    _check_fit(x, y, deg, w)
    rcond = len(x) * np.finfo(x.dtype).eps if rcond is None else rcond
    matrix, right = np.vander(x, deg + 1), y
    if w is not None:
        w = as_array(w) + 0.0
        matrix, right = matrix * w[:, None], right * (w if y.ndim == 1 else w[:, None])
    lengths = np.sqrt(np.sum(matrix * matrix, axis=0))
    solution, residuals, rank, values = np.linalg.lstsq(matrix / lengths, right, rcond)
    coefficients = (solution.T / lengths).T
    if full:
        return coefficients, residuals, rank, values, rcond
    if not cov:
        return coefficients
    scaled = matrix / lengths
    base = np.linalg.inv(np.dot(scaled.T, scaled)) / np.outer(lengths, lengths)
    base = base if y.ndim == 1 else base[:, :, None]
    if cov != "unscaled":
        if len(x) <= deg + 1:
            raise ValueError("np.polyfit(cov=True) needs more points than deg + 1")
        base = base * (residuals / (len(x) - deg - 1))
    return coefficients, base


def _check_fit(x: Any, y: Any, deg: int, w: Any) -> None:
    if deg < 0:
        raise ValueError(f"np.polyfit: the degree is {deg}, and must not be negative")
    if x.ndim != 1 or not x.size or y.ndim not in (1, 2) or len(x) != len(y):
        raise TypeError(
            "np.polyfit takes a vector x and as many values, or rows of values, y; "
            f"not shapes {x.shape} and {y.shape}"
        )
    if w is not None and np.shape(w) != x.shape:
        raise TypeError(f"np.polyfit takes a weight for each of the {len(x)} points")


@composite(np.polydiv)
def polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    """Long division of the coefficients."""
    u, v = _coefficients(u) + 0.0, _coefficients(v) + 0.0
    if not u.size or not v.size:
        raise ValueError("np.polydiv takes polynomials of at least one coefficient")
    quotient = []
    rest = u
    for k in range(len(u) - len(v) + 1):
        factor = rest[k] / v[0]
        quotient.append(factor)
        subtracted = rest[k : k + len(v)] - factor * v
        rest = np.concatenate([rest[:k], subtracted, rest[k + len(v) :]])
    while len(rest) > 1 and np.allclose(plain(rest[0]), 0, rtol=1e-14):
        rest = rest[1:]
    return np.stack(quotient) if quotient else np.zeros(1, plain(rest).dtype), rest


@composite(np.roots)
def roots(p: Any) -> Any:
    """The eigenvalues of the companion matrix.

    A first or last coefficient of 0 raises: NumPy leaves it out, and a derivative with respect to
    it would be lost.
    """
    p = _coefficients(p) + 0.0
    if len(p) < 2 or not truth(plain(p)[0] * plain(p)[-1] != 0, "np.roots"):
        raise ValueError(
            "np.roots has no derivative here where there are fewer than two coefficients, or where "
            "the first or the last is 0; drop zeros that are no variables"
        )
    below = np.eye(len(p) - 2, len(p) - 1, dtype=p.dtype)
    zeros = np.linalg.eigvals(np.concatenate([(-p[1:] / p[0])[None], below]))
    # From NumPy 2.5 on eigenvalues are always complex, but real roots are still real.
    is_real = np.isrealobj(plain(p)) and not truth(np.any(np.imag(plain(zeros)) != 0), "np.roots")
    return np.real(zeros) if is_real and np.iscomplexobj(plain(zeros)) else zeros
