"""Statistics, sums that pass over NaN, and differences, recorded through other functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from autograd_lite.arrays.foreign import Recordable, is_unknown, whole_number
from autograd_lite.functions import Traits
from autograd_lite.operations import composite, defvjp, primitive
from autograd_lite.rules.matrices import as_array, plain
from autograd_lite.rules.reductions import Axis

_NOT_GIVEN = np._NoValue


@primitive(Traits(elementwise=True))
def root(x: Any) -> Any:
    """The square root, with derivative 0 at 0: for lengths and deviations, least there."""
    return np.sqrt(x)


defvjp(root, x=lambda g, out: g * np.where(out == 0, 0, 0.5 / np.where(out == 0, 1, out)))


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not _NOT_GIVEN}


def _counts(x: Any, axis: Axis, where: Any) -> Any:
    """The number of elements that each reduced element is made of."""
    if where is _NOT_GIVEN or where is True:
        axes = range(x.ndim) if axis is None else np.atleast_1d(axis).tolist()
        return math.prod(x.shape[i] for i in axes)
    return np.sum(np.broadcast_to(where, x.shape), axis=axis)


@composite(np.var)
def var(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: Any = False,
    *,
    where: Any = _NOT_GIVEN,
    mean: Any = _NOT_GIVEN,
    correction: Any = _NOT_GIVEN,
) -> Any:
    a = a if dtype is None else a.astype(dtype)
    ddof = ddof if correction is _NOT_GIVEN else correction
    if a.dtype == np.float16:
        # The number of elements, and the sum of their squares, need not fit in float16.
        given = _given(where=where, mean=mean)
        return np.var(a.astype(np.float32), axis, ddof=ddof, keepdims=keepdims, **given).astype(
            np.float16
        )
    if mean is _NOT_GIVEN:
        mean = np.mean(a, axis=axis, keepdims=True, **_given(where=where))
    distance = a - mean
    squares = np.real(distance * np.conjugate(distance)) if np.iscomplexobj(a) else distance**2
    keep = {} if keepdims is _NOT_GIVEN else {"keepdims": keepdims}
    total = np.sum(squares, axis=axis, **keep, **_given(where=where))
    counts = np.maximum(_counts(a, axis, where) - ddof, 0)
    counts = np.reshape(counts, total.shape if np.ndim(counts) else ())[()].astype(total.dtype)
    return (total / counts).astype(total.dtype if dtype is None else dtype)


@composite(np.std)
def std(a: Any, *args: Any, **kwargs: Any) -> Any:
    """The root of the variance. Its gradient is 0 where all elements are equal."""
    return _deviation(np.var(a, *args, **kwargs))


def _deviation(variance: Any) -> Any:
    """The root, in the dtype that the variance has: whole numbers if the caller wants them."""
    deviation = root(variance)
    return deviation if deviation.dtype == variance.dtype else deviation.astype(variance.dtype)


@composite(np.ptp)
def ptp(a: Any, axis: Axis = None, out: None = None, keepdims: Any = False) -> Any:
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


@composite(np.average)
def average(
    a: Any,
    axis: Axis = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: Any = False,
) -> Any:
    keep = bool(keepdims) and keepdims is not _NOT_GIVEN
    if weights is None:
        result = np.mean(a, axis=axis, keepdims=keep)
        counts = np.full(result.shape, _counts(a, axis, True), result.dtype)
        return (result, counts) if returned else result
    weights = _along_axes(as_array(weights), np.shape(a), axis)
    total = np.sum(weights, axis=axis, keepdims=keep)
    if not is_unknown(plain(total)) and np.any(plain(total) == 0):
        raise ZeroDivisionError("np.average: the weights sum to zero, so there is no average")
    result = np.sum(a * weights, axis=axis, keepdims=keep) / total
    return (result, total.astype(result.dtype)) if returned else result


def _along_axes(weights: Any, shape: tuple[int, ...], axis: Axis) -> Any:
    """`weights`, which may be given for the averaged axes only, in the shape of the array."""
    if weights.shape == shape:
        return weights
    if axis is None:
        raise TypeError("np.average: weights of another shape than the array's need an axis")
    axes = normalize_axis_tuple(axis, len(shape))
    if tuple(shape[i] for i in axes) != weights.shape:
        raise ValueError(
            f"np.average: weights of shape {weights.shape} do not fit the axes {axes} of shape "
            f"{shape}"
        )
    weights = np.transpose(weights, np.argsort(axes).tolist())
    laid = tuple(n if i in axes else 1 for i, n in enumerate(shape))
    return np.broadcast_to(np.reshape(weights, laid), shape)


def _filled(a: Any, value: Any) -> Any:
    return np.where(np.isnan(a), value, a)


@composite(np.nansum)
def nansum(a: Any, axis: Axis = None, *args: Any, **kwargs: Any) -> Any:
    return np.sum(_filled(a, 0), axis, *args, **kwargs)


@composite(np.nanprod)
def nanprod(a: Any, axis: Axis = None, *args: Any, **kwargs: Any) -> Any:
    return np.prod(_filled(a, 1), axis, *args, **kwargs)


@composite(np.nancumsum)
def nancumsum(a: Any, *args: Any, **kwargs: Any) -> Any:
    return np.cumsum(_filled(a, 0), *args, **kwargs)


@composite(np.nancumprod)
def nancumprod(a: Any, *args: Any, **kwargs: Any) -> Any:
    return np.cumprod(_filled(a, 1), *args, **kwargs)


def _numbers(a: Any, where: Any) -> Any:
    """A mask of the numbers in `a` that are asked for."""
    present = np.logical_not(np.isnan(a))
    return present if where is _NOT_GIVEN else present & where


@composite(np.nanmean)
def nanmean(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    keepdims: Any = False,
    *,
    where: Any = _NOT_GIVEN,
) -> Any:
    keep = bool(keepdims) and keepdims is not _NOT_GIVEN
    return np.mean(_filled(a, 0), axis, dtype, keepdims=keep, where=_numbers(a, where))


@composite(np.nanvar)
def nanvar(
    a: Any,
    axis: Axis = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: Any = False,
    *,
    where: Any = _NOT_GIVEN,
    mean: Any = _NOT_GIVEN,
    correction: Any = _NOT_GIVEN,
) -> Any:
    """NaN, with a gradient of 0, where there are no more than `ddof` numbers."""
    ddof = ddof if correction is _NOT_GIVEN else correction
    keep = bool(keepdims) and keepdims is not _NOT_GIVEN
    present = _numbers(a, where)
    # With respect to what there is too little of, dividing by nothing would make 0 / 0.
    enough = np.sum(present, axis=axis, keepdims=True) > ddof
    present = present | np.logical_not(enough)
    given = _given(mean=mean)
    result = np.var(_filled(a, 0), axis, dtype, None, ddof, keep, where=present, **given)
    return np.where(np.reshape(enough, result.shape), result, np.nan)


@composite(np.nanstd)
def nanstd(a: Any, *args: Any, **kwargs: Any) -> Any:
    return _deviation(np.nanvar(a, *args, **kwargs))


@composite(np.nanmax)
def nanmax(
    a: Any, axis: Axis = None, out: None = None, keepdims: Any = False, **kwargs: Any
) -> Any:
    return _nan_extreme(np.max, -np.inf, a, axis, out, keepdims, kwargs)


@composite(np.nanmin)
def nanmin(
    a: Any, axis: Axis = None, out: None = None, keepdims: Any = False, **kwargs: Any
) -> Any:
    return _nan_extreme(np.min, np.inf, a, axis, out, keepdims, kwargs)


def _nan_extreme(
    function: Any, least: float, a: Any, axis: Axis, out: Any, keepdims: Any, kwargs: Any
) -> Any:
    keep = bool(keepdims) and keepdims is not _NOT_GIVEN
    kwargs = _given(**kwargs)
    if "initial" in kwargs:
        kwargs["where"] = _numbers(a, kwargs.get("where", True))
        return function(a, axis=axis, keepdims=keep, **kwargs)
    if a.size and "where" not in kwargs:
        kwargs = {"initial": least, "where": _numbers(a, True)}
    result = function(a, axis=axis, keepdims=keep, **kwargs)
    # Where there is no number at all the result is NaN, as NumPy has it.
    return np.where(np.all(np.isnan(a), axis=axis, keepdims=keep), np.nan, result)


@composite(np.quantile)
def quantile(
    a: Any,
    q: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    method: Any = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """Sorted elements, weighted by where the quantile falls between them."""
    a, q = as_array(a), _as_quantile(q)
    if weights is not None:
        return _weighted_quantile(a, plain(q), axis, method, keepdims, weights, skip_nan=False)
    rows, shape = _sorted_rows(a, axis)
    rows = rows.astype(_quantile_dtype(rows, q, method))
    return _between(rows, _ranks(len(rows), q, method), shape if keepdims else rows.shape[1:])


def _as_quantile(q: Any) -> Any:
    """A Tensor or a number as it is, anything else as an array: a Python number keeps no dtype of
    its own.
    """
    return q if is_unknown(q) or np.ndim(q) == 0 else np.asarray(q)


SHIFTS = {
    "linear": (1, 1),
    "hazen": (1 / 2, 1 / 2),
    "weibull": (0, 0),
    "interpolated_inverted_cdf": (0, 1),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}
"""Hyndman and Fan's alpha and beta: n elements have rank q (n + 1 - alpha - beta) + alpha - 1 at q.

What is not here is a step function of q.
"""


def _counting(q: Any) -> Any:
    """`q` in a dtype that counts elements: float16 has no number beyond 65,504."""
    return q.astype(np.float32) if getattr(q, "dtype", None) == np.float16 else q


def _ranks(n: int, q: Any, method: str) -> Any:
    """The fractional rank, counted from 0, that each quantile has among n sorted elements."""
    # The quantile of the ranks 0, 1, 2, ... is the rank that the quantile has, for every method.
    ranks = np.quantile(np.arange(n), _counting(plain(q)), method=method)  # type: ignore[call-overload]
    if not isinstance(q, Recordable) or method not in SHIFTS:
        return ranks
    alpha, beta = SHIFTS[method]
    slope = n + 1 - alpha - beta
    # NumPy's ranks are cut off at both ends; those of q itself tell where.
    own = plain(q) * slope + alpha - 1
    return ranks + np.where((own < 0) | (own > n - 1), 0, slope) * (q - plain(q))


@composite(np.percentile)
def percentile(a: Any, q: Any, *args: Any, **kwargs: Any) -> Any:
    return quantile(a, _hundredths(q, a), *args, **kwargs)


def _hundredths(q: Any, a: Any) -> Any:
    """A percentage as a fraction, which in NumPy has the dtype of the array if it can."""
    a = as_array(a)
    return np.true_divide(q, a.dtype.type(100) if a.dtype.kind == "f" else 100)


@composite(np.median)
def median(
    a: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: bool = False,
) -> Any:
    if not a.size:
        return np.mean(a, axis, keepdims=keepdims)
    if a.dtype.kind != "c":
        return np.quantile(a, 0.5, axis, keepdims=keepdims)
    # Complex numbers are sorted by their real parts first; they have no other quantiles.
    rows, shape = _sorted_rows(a, axis)
    return _between(rows, (len(rows) - 1) / 2, shape if keepdims else rows.shape[1:])


def _quantile_dtype(rows: Any, q: Any, method: Any) -> Any:
    return np.quantile(np.zeros(1, rows.dtype), plain(q), method=method).dtype


def _weighted_quantile(
    a: Any, q: Any, axis: Axis, method: Any, keepdims: bool, weights: Any, *, skip_nan: bool
) -> Any:
    """The chosen elements: with weights a quantile is one of them, so they alone matter."""
    if getattr(weights, "requires_grad", False):
        raise TypeError(
            "np.quantile(weights=...) jumps from element to element as weights change, so it has "
            "no derivative with respect to them; pass plain weights"
        )
    rows, shape = _sorted_rows(a, axis)
    order = np.argsort(_rows(plain(a), axis), axis=0, kind="stable")
    heavy = np.take_along_axis(_rows(_spread(weights, a, axis), axis), order, axis=0)
    missing = np.isnan(plain(rows))
    if skip_nan:
        heavy = np.where(missing & ~np.all(missing, axis=0), 0, heavy)
    # The quantile of the ranks 0, 1, 2, ... is the rank of the element that is chosen.
    ranks = np.broadcast_to(_upright(np.arange(len(rows)), rows.ndim), rows.shape)
    chosen = np.quantile(ranks, q, axis=0, method=method, weights=heavy).astype(int)
    flat = np.reshape(chosen, (-1, *rows.shape[1:]))
    result = np.take_along_axis(rows, flat, axis=0)
    result = result if skip_nan else np.where(missing[-1], np.nan, result)
    return np.reshape(result, np.shape(q) + tuple(shape if keepdims else rows.shape[1:]))


def _upright(values: np.ndarray, ndim: int) -> np.ndarray:
    return np.reshape(values, (-1,) + (1,) * (ndim - 1))


def _spread(weights: Any, a: Any, axis: Axis) -> np.ndarray:
    """Weights of the reduced axes, or of all elements, in the shape of `a`."""
    return _along_axes(as_array(plain(weights)), a.shape, axis)


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """The axes, counted from 0, that `axis=` names; all of them for None."""
    return normalize_axis_tuple(range(ndim) if axis is None else axis, ndim)


def _rows(a: Any, axis: Axis) -> Any:
    """`a` with the reduced axes as one first axis."""
    axes = _axes(axis, a.ndim)
    others = [i for i in range(a.ndim) if i not in axes]
    count = math.prod(a.shape[i] for i in axes)
    return np.reshape(np.transpose(a, (*axes, *others)), (count, *(a.shape[i] for i in others)))


def _sorted_rows(a: Any, axis: Axis) -> tuple[Any, tuple[int, ...]]:
    """`a` sorted along the reduced axes, as one first axis, and its shape with those as 1."""
    axes = _axes(axis, a.ndim)
    rows = np.sort(_rows(a, axis), axis=0)
    return rows, tuple(1 if i in axes else n for i, n in enumerate(a.shape))


def _between(rows: Any, ranks: Any, shape: tuple[int, ...]) -> Any:
    """The elements of sorted `rows` at fractional ranks. NaN, sorted last, makes all NaN.

    With respect to a rank that is a whole number the slope is that to its right.
    """
    ranks = as_array(ranks)
    lower = np.clip(np.floor(plain(ranks)), 0, max(len(rows) - 2, 0)).astype(int)
    share = np.reshape(ranks - lower, ranks.shape + (1,) * (rows.ndim - 1))
    share = share.astype(np.result_type(rows.dtype))
    below, above = rows[lower], rows[np.minimum(lower + 1, len(rows) - 1)]
    # A neighbour that has no part may be infinite.
    outside = np.where(plain(share) < 1, below, above)
    needed = isinstance(ranks, Recordable) | ((plain(share) > 0) & (plain(share) < 1))
    result = np.where(needed, below * (1 - share) + above * share, outside)
    result = np.where(np.isnan(rows[-1]), np.nan, result)
    return np.reshape(result, ranks.shape + tuple(shape))


@composite(np.nanquantile)
def nanquantile(
    a: Any,
    q: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    method: Any = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    a, q = as_array(a), _as_quantile(q)
    if not a.size:
        return np.nanmean(a, axis, keepdims=keepdims)
    if weights is not None:
        return _weighted_quantile(a, plain(q), axis, method, keepdims, weights, skip_nan=True)
    rows, shape = _sorted_rows(a, axis)
    rows = rows.astype(_quantile_dtype(rows, q, method))
    result = _of_numbers(rows, q, method)
    return np.reshape(result, np.shape(q) + tuple(shape if keepdims else rows.shape[1:]))


def _of_numbers(rows: Any, q: Any, method: Any) -> Any:
    """The quantiles of each column of sorted `rows` along the last axis, NaN left out."""
    counts = np.sum(np.logical_not(np.isnan(rows)), axis=0)
    flat = np.reshape(rows, (len(rows), -1))
    columns = []
    each = np.ravel(counts)
    for i in range(each.shape[0]):
        count = whole_number(each[i], "np.nanquantile")
        column = flat[: max(count, 1), i]
        columns.append(_between(column, _ranks(max(count, 1), q, method), ()))
    return np.stack(columns, axis=-1)


@composite(np.nanpercentile)
def nanpercentile(a: Any, q: Any, *args: Any, **kwargs: Any) -> Any:
    return nanquantile(a, _hundredths(q, a), *args, **kwargs)


@composite(np.nanmedian)
def nanmedian(
    a: Any,
    axis: Axis = None,
    out: None = None,
    overwrite_input: bool = False,
    keepdims: Any = False,
) -> Any:
    keep = bool(keepdims) and keepdims is not _NOT_GIVEN
    if a.dtype.kind != "c" or not a.size:
        return np.nanquantile(a, 0.5, axis, keepdims=keep)
    rows, shape = _sorted_rows(a, axis)
    return np.reshape(_of_numbers(rows, 0.5, "linear"), shape if keep else rows.shape[1:])


@composite(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    m = as_array(m)
    rows = _variables(m, rowvar or m.ndim == 1)
    # NumPy knows which options it takes.
    np.cov(np.zeros((1, rows.shape[1])), None, True, bias, ddof, plain(fweights), plain(aweights))
    kind = np.result_type(m.dtype, np.float64)
    if y is not None:
        y = as_array(y)
        kind = np.result_type(kind, y.dtype)
        rows = np.concatenate([rows, _variables(y, rowvar or y.ndim < 2 or y.shape[0] == 1)])
    rows = rows.astype(kind if dtype is None else dtype)
    ddof = int(not bias) if ddof is None else ddof
    if not rows.shape[0]:
        return np.dot(rows, rows.T)
    if fweights is None and aweights is None:
        distance = rows - np.mean(rows, axis=1, keepdims=True)
        return _scaled(np.dot(distance, np.conjugate(distance.T)), max(rows.shape[1] - ddof, 0))
    weights = 1.0 if fweights is None else as_array(fweights) + 0.0
    weights = weights if aweights is None else weights * as_array(aweights)
    total = np.sum(weights)
    center = np.sum(rows * weights, axis=1, keepdims=True) / total
    lost = ddof if aweights is None else ddof * np.sum(weights * as_array(aweights)) / total
    distance = rows - center
    products = np.dot(distance * weights, np.conjugate(distance.T))
    return _scaled(products, np.maximum(total - lost, 0))


def _scaled(products: Any, count: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.squeeze((products * np.true_divide(1, count)).astype(products.dtype))


def _variables(m: Any, by_rows: bool) -> Any:
    """A variable per row, an observation per column."""
    if m.ndim > 2:
        raise ValueError(f"np.cov takes vectors and matrices, not an array of shape {m.shape}")
    m = m if m.ndim == 2 else np.reshape(m, (1, -1))
    return m if by_rows else np.transpose(m)


@composite(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    covariance = np.cov(x, y, rowvar, dtype=dtype)
    if covariance.ndim == 0:
        return covariance / covariance
    deviation = np.sqrt(np.real(np.diagonal(covariance)))
    return covariance / np.reshape(deviation, (-1, 1)) / deviation


defvjp(
    np.bincount,
    x=None,
    weights=lambda g, x: g[x],
)


@composite(np.histogram)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None
) -> Any:
    """A step function of the numbers, and linear in their weights."""
    counts, (edges,) = _histogram([a], bins, range, density, weights, np.histogram)
    return counts, edges


@composite(np.histogram2d)
def histogram2d(
    x: Any,
    y: Any,
    bins: Any = 10,
    range: Any = None,
    density: bool | None = None,
    weights: Any = None,
) -> Any:
    counts, edges = _histogram([x, y], bins, range, density, weights, np.histogram2d)
    return counts, *edges


@composite(np.histogramdd)
def histogramdd(
    sample: Any,
    bins: Any = 10,
    range: Any = None,
    density: bool | None = None,
    weights: Any = None,
) -> Any:
    rows = plain(sample)
    columns = list(np.atleast_2d(rows.T)) if hasattr(rows, "shape") else list(rows)

    def function(*columns: Any, **options: Any) -> Any:
        counts, edges = np.histogramdd(columns, **options)
        return counts, *edges

    return _histogram(columns, bins, range, density, weights, function)


def _histogram(
    columns: list[Any], bins: Any, range: Any, density: bool | None, weights: Any, function: Any
) -> tuple[Any, list[Any]]:
    columns = [np.ravel(plain(column)) for column in columns]
    options = {"bins": _plain_bins(bins), "range": range}
    heavy = None if weights is None else np.ravel(plain(weights))
    counts, *edges = function(*columns, **options, density=density, weights=heavy)
    own = _own_edges(bins, edges)
    if not any(isinstance(a, Recordable) for a in (weights, *own)):
        return counts, edges
    places = [_bins_of(c, e) for c, e in zip(columns, edges, strict=True)]
    inside = np.flatnonzero(np.all(np.stack([place >= 0 for place in places]), axis=0))
    numbers = np.ravel_multi_index([place[inside] for place in places], counts.shape)
    shares: Any = np.ones(columns[0].size) if weights is None else np.reshape(weights, -1)
    totals = np.reshape(_counted(numbers, shares[inside], counts.size), counts.shape)
    if density:
        for axis, edge in enumerate(own):
            totals = totals / np.reshape(np.diff(edge), (-1,) + (1,) * (len(own) - axis - 1))
        totals = totals / np.sum(shares[inside])
    return totals.astype(counts.dtype), own


def _plain_bins(bins: Any) -> Any:
    """Numbers of bins or edges, of one variable or in a list for each, without Tensors."""
    return [plain(b) for b in bins] if isinstance(bins, (list, tuple)) else plain(bins)


def _own_edges(bins: Any, edges: list[Any]) -> list[Any]:
    """The edges, those that the caller gave as Tensors as they are: a width depends on them."""
    given = bins if isinstance(bins, (list, tuple)) and len(bins) == len(edges) else [bins]
    given = list(given) if len(given) == len(edges) else [bins] * len(edges)
    return [
        own if is_unknown(own) and np.ndim(own) else edge
        for own, edge in zip(given, edges, strict=True)
    ]


def _counted(numbers: np.ndarray, weights: Any, count: int) -> Any:
    if not np.iscomplexobj(weights):
        return np.bincount(numbers, weights, count)
    of_real = np.bincount(numbers, np.real(weights), count)
    return of_real + 1j * np.bincount(numbers, np.imag(weights), count)


def _bins_of(numbers: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The bin of each number; the last bin includes its right end, and -1 is outside."""
    places = np.searchsorted(edges, numbers, side="right") - 1
    places = np.where(numbers == edges[-1], len(edges) - 2, places)
    return np.where(places > len(edges) - 2, -1, places)


@composite(np.diff)
def diff(
    a: Any, n: int = 1, axis: int = -1, prepend: Any = _NOT_GIVEN, append: Any = _NOT_GIVEN
) -> Any:
    if n < 0:
        raise ValueError(f"np.diff takes differences n times, and n = {n} is negative")
    a = as_array(a)
    axis = normalize_axis_index(axis, a.ndim)
    pieces = [_edge(prepend, a, axis), a, _edge(append, a, axis)]
    pieces = [piece for piece in pieces if piece is not None]
    a = np.concatenate(pieces, axis=axis) if len(pieces) > 1 else a
    start: tuple[Any, ...] = (slice(None),) * axis
    for _ in range(n):
        a = a[(*start, slice(1, None))] - a[(*start, slice(None, -1))]
    return a


def _edge(values: Any, a: Any, axis: int) -> Any:
    if values is _NOT_GIVEN:
        return None
    if np.ndim(values):
        return values
    shape = tuple(1 if i == axis else n for i, n in enumerate(a.shape))
    return np.broadcast_to(values, shape)


@composite(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    flat = np.reshape(ary, -1)
    for name, values in (("to_begin", to_begin), ("to_end", to_end)):
        kind = flat.dtype if values is None else as_array(values).dtype
        if not np.can_cast(kind, flat.dtype, "same_kind"):
            raise TypeError(
                f"np.ediff1d: {name} of dtype {kind} does not go with "
                f"differences of dtype {flat.dtype}; make the array a floating-point one"
            )
    pieces = [to_begin, flat[1:] - flat[:-1], to_end]
    return np.concatenate([np.reshape(p, -1).astype(flat.dtype) for p in pieces if p is not None])


@composite(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = as_array(y)
    axis = normalize_axis_index(axis, y.ndim)
    widths = dx
    if x is not None:
        widths = np.diff(x, axis=axis if np.ndim(x) > 1 else 0)
        if np.ndim(x) == 1:
            widths = np.reshape(widths, (-1,) + (1,) * (np.ndim(y) - axis - 1))
    start: tuple[Any, ...] = (slice(None),) * axis
    heights = y[(*start, slice(1, None))] + y[(*start, slice(None, -1))]
    return np.sum(widths * heights / 2, axis=axis)


@composite(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Second-order central differences inside; differences of `edge_order` at both ends."""
    f = as_array(f)
    f = f.astype(np.float64) if f.dtype.kind in "iu" else f
    axes = _axes(axis, f.ndim)
    spacings = _spacings(varargs, len(axes))
    results = tuple(_slope(f, h, i, edge_order) for i, h in zip(axes, spacings, strict=True))
    return results[0] if len(axes) == 1 else results


def _spacings(varargs: tuple[Any, ...], count: int) -> list[Any]:
    if not varargs:
        return [1.0] * count
    if len(varargs) == 1 and np.ndim(varargs[0]) == 0:
        return [varargs[0]] * count
    if len(varargs) != count:
        raise TypeError(f"np.gradient: {count} axes and {len(varargs)} spacings; give one for each")
    return list(varargs)


def _slope(f: Any, spacing: Any, axis: int, edge_order: int) -> Any:
    rows = np.moveaxis(f, axis, 0)
    n = len(rows)
    if edge_order not in (1, 2):
        raise ValueError(f"np.gradient: edge_order must be 1 or 2, not {edge_order!r}")
    if n < edge_order + 1:
        raise ValueError(f"np.gradient: edge_order {edge_order} needs {edge_order + 1} elements")
    if np.ndim(spacing) == 0:
        steps = spacing * np.ones(n - 1, f.real.dtype)
    else:
        steps = np.diff(spacing)
    steps = np.reshape(steps, (n - 1,) + (1,) * (rows.ndim - 1))
    # The slopes between neighbours, and their mean weighted by the opposite steps.
    between = (rows[1:] - rows[:-1]) / steps
    left, right = steps[:-1], steps[1:]
    inside = (between[:-1] * right + between[1:] * left) / (left + right)
    if edge_order == 1:
        first, last = between[:1], between[-1:]
    else:
        bend = (between[1:] - between[:-1]) / (left + right)
        first, last = between[:1] - bend[:1] * left[:1], between[-1:] + bend[-1:] * right[-1:]
    return np.moveaxis(np.concatenate([first, inside, last]).astype(f.dtype), 0, axis)
