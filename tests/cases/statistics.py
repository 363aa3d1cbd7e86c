"""Cases of statistics, sums that pass over NaN, differences, and functions of a signal."""

import numpy as np

import autograd_lite as al
from autograd_lite.rules.signal import full_convolution
from autograd_lite.rules.statistics import SHIFTS, root
from cases import Case, complex_normal, normal, positive

HOLES = np.array([[False, True, False], [False, False, True]])
REDUCING = [{}, {"axis": 0}, {"axis": (0, 1)}, {"axis": 1, "keepdims": True}]
ASCENDING = np.array([0.0, 0.4, 1.1, 1.5])


def with_holes(function, **options):
    """`function` of an array with NaN in some places; operands are without."""
    return lambda x, **more: function(np.where(HOLES, np.nan, x), **options, **more)


def cases():
    yield from extremes()
    yield from spread()
    yield from passing_over_nan()
    yield from ranks()
    yield from cumulative()
    yield from differences()
    yield from histograms()
    yield from signals()


def extremes():
    for function in (np.max, np.min, np.amax, np.amin, np.ptp):
        for options in REDUCING:
            yield Case(function, (normal(2, 3),), options)
        yield Case(function, (normal(),))
        yield Case(function, (normal(),), {"axis": 0})
    for function in (np.max, np.min, np.amax, np.amin):
        yield Case(function, (normal(2, 3),), {"axis": 1, "where": ~HOLES, "initial": 0.1})
        yield Case(function, (normal(2, 3, 2),), {"axis": (0, 2)})
    for options in [*REDUCING, {"axis": -1}]:
        yield Case(np.prod, (normal(2, 3),), options)
    yield Case(np.prod, (normal(),), {"axis": -1})
    yield Case(np.prod, (np.array([0.0, 2.0, 3.0]),), note="a zero")
    yield Case(np.prod, (np.array([0.0, 2.0, 0.0, 3.0]),), note="two zeros")
    yield Case(np.prod, (normal(2, 3),), {"axis": 0, "where": ~HOLES, "initial": 2.0})
    yield Case(np.prod, (normal(2, 0, 3),), {"axis": 1})
    yield Case(np.prod, (complex_normal(3),))


def spread():
    for function in (np.var, np.std):
        for options in REDUCING:
            yield Case(function, (normal(2, 3),), options)
        yield Case(function, (normal(2, 3),), {"axis": 1, "ddof": 1})
        yield Case(function, (normal(2, 3),), {"axis": 1, "correction": 1})
        yield Case(function, (normal(2, 3),), {"axis": 1, "where": ~HOLES})
        yield Case(function, (complex_normal(2, 3),), {"axis": 1})
    for options in REDUCING:
        yield Case(np.average, (normal(2, 3),), options)
        yield Case(
            np.average,
            (normal(2, 3), positive(2, 3)),
            options,
            call=lambda a, w, **o: np.average(a, weights=w, **o),
        )
    yield Case(
        np.average, (normal(2, 3), positive(3)), call=lambda a, w: np.average(a, 1, weights=w)
    )
    yield Case(
        np.average,
        (normal(3), positive(3)),
        call=lambda a, w: np.multiply(*np.average(a, weights=w, returned=True)),
    )
    crossed = lambda a, w: np.average(a, (1, 0), weights=w)  # noqa: E731
    yield Case(np.average, (normal(2, 3), positive(3, 2)), call=crossed, note="axes exchanged")
    for function in (np.cov, np.corrcoef):
        yield Case(function, (normal(2, 4),))
        yield Case(function, (normal(4, 2),), {"rowvar": False})
        yield Case(function, (normal(4, seed=1), normal(4, seed=2)))
    yield Case(np.cov, (normal(4),))
    yield Case(np.cov, (normal(2, 4),), {"bias": True})
    yield Case(np.cov, (normal(2, 4),), {"ddof": 0, "fweights": np.array([1, 2, 1, 3])})
    yield Case(np.cov, (normal(2, 4),), {"aweights": np.array([0.5, 1, 2, 1.5])})
    yield Case(np.cov, (complex_normal(2, 3),))
    weigh = lambda m, w: np.cov(m, aweights=w, fweights=[1, 2, 1])  # noqa: E731
    yield Case(np.cov, (normal(2, 3), positive(3, seed=1)), call=weigh, note="aweights")
    yield Case(np.cov, (normal(1, 3),), {"rowvar": False, "bias": True})
    columns = lambda m, y: np.cov(m, y, rowvar=False)  # noqa: E731
    yield Case(np.cov, (normal(3, 2), normal(3)), call=columns, note="columns")

    for function in (np.var, np.std):
        yield Case(function, (normal(2, 3),), {"axis": 0, "dtype": np.complex128})
        yield Case(function, (complex_normal(3),), {"dtype": np.complex128})


def passing_over_nan():
    for function in (np.nansum, np.nanprod, np.nanmean, np.nanmax, np.nanmin, np.nanvar, np.nanstd):
        for options in REDUCING:
            yield Case(function, (normal(2, 3),), options, call=with_holes(function))
        yield Case(function, (normal(2, 3),))
    for function in (np.nancumsum, np.nancumprod):
        for options in ({}, {"axis": 0}, {"axis": 1}):
            yield Case(function, (normal(2, 3),), options, call=with_holes(function))
    for options in REDUCING:
        yield Case(np.nanmedian, (normal(2, 3),), options, call=with_holes(np.nanmedian))
        for function, q in ((np.nanquantile, 0.3), (np.nanpercentile, [20, 70])):
            yield Case(function, (normal(2, 3),), options, call=with_holes(function, q=q))


def ranks():
    for options in REDUCING:
        yield Case(np.median, (normal(2, 3),), options)
        yield Case(np.quantile, (normal(2, 3),), {"q": 0.3, **options})
        yield Case(np.percentile, (normal(2, 3),), {"q": [20, 70], **options})
    for method in ("lower", "higher", "midpoint", "nearest", "hazen", "weibull", "inverted_cdf"):
        yield Case(np.quantile, (normal(5),), {"q": [0.1, 0.55], "method": method})
    for method in SHIFTS:
        of_both = lambda a, q, method: np.quantile(a, q, 0, method=method)  # noqa: E731
        options = {"method": method}
        yield Case(np.quantile, (normal(5, 2), np.array([0.22, 0.63])), options, of_both, "of q")
    for function, q in (
        (np.percentile, 30.0),
        (np.nanpercentile, np.array([30.0, 45.0])),
        (np.nanquantile, 0.3),
    ):
        of_both = lambda a, q, f=function: f(a, q)  # noqa: E731
        yield Case(function, (normal(2, 3), q), call=of_both, note="of q")
    for function in (np.median, np.nanmedian):
        yield Case(function, (normal(0, 3),), {"axis": 1})

    for method in ("linear", "hazen", "weibull", "interpolated_inverted_cdf", "median_unbiased"):
        for function in (np.quantile, np.nanquantile):
            yield Case(
                function,
                (normal(2, 5), np.array([0.02, 0.43, 0.99])),
                {"axis": 1, "method": method},
                call=lambda a, q, f=function, **options: f(a, q, **options),
                note="of q near the ends",
            )

    for function in (np.median, np.nanmedian):
        for n in (3, 4):
            yield Case(function, (complex_normal(n),))
        yield Case(function, (complex_normal(2, 3),), {"axis": 1, "keepdims": True})

    for axis, shape, since in [
        ((1, 0), (3, 2), "2.4.0"),
        ((2, 0), (4, 2), "2.4.0"),
        ((-1,), (4,), "2.2.0"),
    ]:
        given = {"q": 0.4, "axis": axis, "weights": positive(*shape), "method": "inverted_cdf"}
        yield Case(np.quantile, (normal(2, 3, 4),), given, note="order of axes", since=since)


def cumulative():
    for function in (np.cumsum, np.cumprod):
        for options in ({}, {"axis": 0}, {"axis": -1}):
            yield Case(function, (normal(2, 3),), options)
        yield Case(function, (normal(),), {"axis": 0})
    yield Case(np.cumprod, (np.array([2.0, 0.0, 3.0, 4.0]),), note="a zero")
    for function in (np.cumulative_sum, np.cumulative_prod):
        yield Case(function, (normal(4),))
        yield Case(function, (normal(2, 3),), {"axis": 1, "include_initial": True})
        yield Case(function, (normal(0, 3),), {"axis": 0, "include_initial": True})
        yield Case(function, (normal(),))


def histograms():
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 5, (2, 6)) / 4
    rows = np.stack([a, b, a * b], axis=1)
    some = lambda w: np.histogram(a, 3, weights=w)[0]  # noqa: E731
    yield Case(np.histogram, (complex_normal(6),), call=some, note="weights")
    for options in ({}, {"bins": 3}, {"bins": [0, 0.25, 0.6, 1]}, {"bins": 2, "range": (0, 0.75)}):
        for density in (False, True):
            call = lambda w, d, **o: np.histogram(a, weights=w, density=d, **o)[0]  # noqa: E731
            given = {"d": density, **options}
            yield Case(np.histogram, (positive(6),), given, call, "weights")
    for density in (False, True):
        call = lambda w, d: np.histogram2d(a, b, [2, 3], weights=w, density=d)[0]  # noqa: E731
        yield Case(np.histogram2d, (positive(6),), {"d": density}, call, "weights")
        call = lambda w, d: np.histogramdd(rows, 2, weights=w, density=d)[0]  # noqa: E731
        yield Case(np.histogramdd, (positive(6),), {"d": density}, call, "weights")


def differences():
    for options in ({}, {"n": 2}, {"axis": 0}, {"n": 0}):
        yield Case(np.diff, (normal(3, 3),), options)
    yield Case(
        np.diff,
        (normal(2, 3), normal(2, 1, seed=1)),
        call=lambda a, b: np.diff(a, prepend=b, append=5.0),
    )
    yield Case(np.ediff1d, (normal(2, 3),))
    yield Case(
        np.ediff1d, (normal(3), normal(2, seed=1)), call=lambda a, b: np.ediff1d(a, b, [1.0])
    )
    for options in ({}, {"dx": 0.5}, {"axis": 0}, {"x": ASCENDING}):
        yield Case(np.trapezoid, (normal(4, 4),), options)
    yield Case(np.trapezoid, (normal(2, 4), ASCENDING), call=lambda y, x: np.trapezoid(y, x))
    for options in ({"axis": 0}, {"axis": 1, "edge_order": 2}):
        yield Case(np.gradient, (normal(3, 4),), options)
    yield Case(np.gradient, (normal(3, 4),), call=lambda f: np.gradient(f, 0.5, ASCENDING)[1])
    yield Case(np.gradient, (normal(4), ASCENDING), {"edge_order": 2})
    yield Case(np.gradient, (normal(4),), call=lambda f: np.gradient(f, 2.0))


def signals():
    yield Case(full_convolution, (normal(4), normal(2, seed=1)))
    yield Case(root, (positive(3),))
    for mode in ("full", "same", "valid"):
        for n, m in ((5, 3), (3, 5), (4, 2), (4, 4)):
            yield Case(np.convolve, (normal(n), normal(m, seed=1)), {"mode": mode})
            yield Case(np.correlate, (normal(n), normal(m, seed=1)), {"mode": mode})
        yield Case(np.correlate, (complex_normal(4), complex_normal(2, seed=1)), {"mode": mode})
    x = np.array([0.1, 0.7, 1.3, -1.0, 3.0])
    yield Case(np.interp, (x, ASCENDING, normal(4)))
    yield Case(np.interp, (x, ASCENDING, normal(4)), {"left": 0.5, "right": -0.5})
    yield Case(np.interp, (np.float64(0.3), ASCENDING, normal(4)))
    inside = np.array([0.1, 4.4, -2.7, 9.3])
    yield Case(np.interp, (inside, ASCENDING, normal(4)), {"period": 5.0})
    yield Case(np.interp, (inside, ASCENDING[::-1] + 5, normal(4)), {"period": -4.5})
    yield Case(np.geomspace, (positive(), positive(seed=1)), {"num": 4})
    yield Case(np.geomspace, (positive(2), positive(2, seed=1)), {"num": 3, "endpoint": False})
    yield Case(np.geomspace, (-positive(2), -positive(2, seed=1)), {"num": 3, "axis": -1})
    yield from polynomials()
    yield Case(np.polyval, (normal(3), normal(4, seed=1)))
    yield Case(np.polyval, (normal(3), normal(seed=1)))
    for function in (np.polyadd, np.polysub, np.polymul):
        yield Case(function, (normal(3), normal(2, seed=1)))
        yield Case(function, (normal(2), normal(3, seed=1)))
    yield Case(np.poly, (normal(3),))
    yield Case(np.poly, (complex_normal(3),))
    yield Case(np.poly, (np.array([[1.0, 2.0], [0.5, 3.0]]),))
    yield Case(np.poly, (np.array([[1.0, 2.0], [-1.5, 1.0]]),), note="complex pair")
    padded = lambda a: np.polymul(np.concatenate([[0.0, 0.0], a]), [0.0, 2.0, 1.0])  # noqa: E731
    yield Case(np.polymul, (normal(2),), call=padded, note="zeros in front")
    yield Case(np.linspace, (normal(), normal(seed=1)), {"num": 4})
    yield Case(np.linspace, (normal(2), normal(2, seed=1)), {"num": 3, "endpoint": False})
    yield Case(np.linspace, (normal(2), normal(2, seed=1)), {"num": 3, "axis": -1})
    for endpoint in (True, False):
        step = lambda a, b, end=endpoint: np.linspace(a, b, 4, end, retstep=True)[1]  # noqa: E731
        yield Case(np.linspace, (normal(), normal(seed=1)), call=step, note=f"step {endpoint}")
    yield Case(np.logspace, (normal(), normal(seed=1)), {"num": 4, "base": 2.0})
    for shape, axis in (((2,), 0), ((2,), -1), ((2, 1), 1)):
        yield Case(
            np.logspace,
            (normal(2), normal(seed=1), positive(*shape)),
            {"axis": axis},
            call=lambda start, stop, base, axis: np.logspace(start, stop, 3, base=base, axis=axis),
            note="base",
        )
    yield Case(np.polyder, (normal(4),))
    yield Case(np.polyder, (normal(4),), {"m": 2})
    yield Case(np.polyint, (normal(3),))
    yield Case(np.polyint, (normal(3),), {"m": 2, "k": [1.0, 2.0]})
    constants = lambda p: np.polyint(p, 2, k=p[1:])  # noqa: E731
    yield Case(np.polyint, (normal(3),), call=constants, note="k")
    bins = np.array([0, 2, 2, 1])
    yield Case(np.bincount, (normal(4),), call=lambda w: np.bincount(bins, weights=w, minlength=5))
    yield Case(
        np.apply_along_axis,
        (normal(2, 3),),
        call=lambda a: np.apply_along_axis(lambda row: np.cumsum(row * row), 1, a),
    )
    yield Case(
        np.apply_along_axis, (normal(2, 3),), call=lambda a: np.apply_along_axis(np.sum, 0, a)
    )
    yield Case(
        np.apply_over_axes, (normal(2, 3),), call=lambda a: np.apply_over_axes(np.sum, a, [0, 1])
    )
    for options in ({}, {"axis": 0}, {"axis": 1, "keepdims": True}):
        yield Case(al.logsumexp, (normal(2, 3),), options)
        if "keepdims" not in options:
            yield Case(al.softmax, (normal(2, 3),), options)
            yield Case(al.log_softmax, (normal(2, 3),), options)


def polynomials():
    x, y, w = ASCENDING, normal(4), positive(4, seed=2)
    yield Case(np.polyfit, (x, y), {"deg": 2})
    yield Case(np.polyfit, (x, normal(4, 2)), {"deg": 1})
    yield Case(np.polyfit, (x, y, w), call=lambda x, y, w: np.polyfit(x, y, 1, w=w))
    for i in (0, 1):
        yield Case(
            np.polyfit,
            (x, y),
            call=lambda x, y, i=i: np.polyfit(x, y, 1, cov=True)[i],
            note=f"cov=True, result {i}",
        )
    yield Case(
        np.polyfit,
        (x,),
        call=lambda x: np.polyfit(x, y, 1, cov="unscaled")[1],
        note="cov=unscaled, result 1",
    )
    rows = lambda x: np.polyfit(x, normal(4, 2), 1, cov="unscaled")[1]  # noqa: E731
    yield Case(np.polyfit, (x,), call=rows, note="cov=unscaled, rows")
    for i in (0, 1, 3):
        yield Case(
            np.polyfit,
            (x, y),
            call=lambda x, y, i=i: np.polyfit(x, y, 1, full=True)[i],
            note=f"full, result {i}",
        )
    for i in (0, 1):
        for n, m in ((4, 2), (3, 3)):
            yield Case(
                np.polydiv,
                (normal(n), normal(m, seed=1)),
                call=lambda u, v, i=i: np.polydiv(u, v)[i],
                note=f"result {i}",
            )
    yield Case(np.roots, (np.array([1.0, -6.0, 11.0, -6.1]),))
    yield Case(np.roots, (np.array([2.0, 1.0, 3.0]),))
    yield Case(np.roots, (complex_normal(3),))
    for options in ({}, {"axis": 0}, {"axis": 1, "keepdims": True}, {"axis": (0, 1)}):
        a, weights = normal(3, 4), positive(3, 4, seed=1)
        given = {"q": [0.2, 0.6], "weights": weights, "method": "inverted_cdf", **options}
        yield Case(np.quantile, (a,), given, note="weights")
    given = {"q": 55, "weights": [1.0, 2.0, 3.0], "method": "inverted_cdf", "axis": 0}
    yield Case(np.percentile, (normal(3, 4),), given, note="weights")
    gaps = normal(3, 4)
    gaps[0, 1] = gaps[2, 3] = np.nan
    filled = np.where(np.isnan(gaps), 0.5, gaps)
    yield Case(
        np.nanquantile,
        (filled,),
        call=lambda a: np.nanquantile(
            np.where(np.isnan(gaps), np.nan, a),
            0.4,
            axis=0,
            weights=positive(3, 4, seed=1),
            method="inverted_cdf",
        ),
        note="weights",
    )
