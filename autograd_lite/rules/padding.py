"""np.pad for Tensors: axis by axis, joins the array with its margins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.operations import composite
from autograd_lite.rules.indexing import along, as_array, cast, getitem

Widths = tuple[int, int]
STATISTICS: dict[str, Callable[..., Any]] = {
    "maximum": np.max,
    "minimum": np.min,
    "mean": np.mean,
    "median": np.median,
}
VALUES = {"constant": "constant_values", "linear_ramp": "end_values"}


@composite(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    x = as_array(array)
    _check(mode, x.ndim, options)
    if x.dtype.kind not in "fc":
        return np.pad(x, pad_width, mode, **options)
    # NumPy, too, pads an axis with what the axes before it have become.
    for axis, widths in enumerate(_all_widths(pad_width, x.ndim)):
        if widths != (0, 0):
            if not x.shape[axis] and mode != "constant":
                raise ValueError(
                    f"np.pad: axis {axis} is empty, so only mode='constant' extends it"
                )
            x = _extended(x, axis, widths, mode, options)
    return x


def _check(mode: Any, ndim: int, options: dict[str, Any]) -> None:
    if callable(mode) or mode == "empty":
        raise TypeError(
            f"np.pad(mode={mode!r}) does not tell how its values depend on the array; use one of "
            "the other modes, or np.concatenate"
        )
    # NumPy knows its modes and which options each has.
    known = {name: 0 if name in VALUES.values() else value for name, value in options.items()}
    np.pad(np.zeros((1,) * ndim), 0, mode, **known)


def _all_widths(pad_width: Any, ndim: int) -> list[Widths]:
    if isinstance(pad_width, dict):
        pairs = np.zeros((ndim, 2), dtype=int)
        for axis, width in pad_width.items():
            pairs[axis] = width
    else:
        pairs = np.broadcast_to(np.asarray(pad_width), (ndim, 2))
    if pairs.dtype.kind not in "iu" or np.any(pairs < 0):
        raise ValueError(f"np.pad: the widths must be integers from 0 on, not {pad_width!r}")
    return [(int(before), int(after)) for before, after in pairs]


def _extended(x: Any, axis: int, widths: Widths, mode: Any, options: dict[str, Any]) -> Any:
    if options.get("reflect_type", "even") == "odd" and x.shape[axis] > 1:
        return _odd(x, axis, widths, mode)
    before, after = _borders(x, axis, widths, mode, options)
    return np.concatenate((before, x, after), axis)


def _borders(x: Any, axis: int, widths: Widths, mode: Any, options: dict[str, Any]) -> list[Any]:
    """The borders before and after `x` on `axis`."""
    if mode in VALUES:
        pairs = np.broadcast_to(_collected(options.get(VALUES[mode], 0)), (x.ndim, 2))
        ends = [cast(pairs[axis, i], x.dtype) for i in (0, 1)]
        border = _constant if mode == "constant" else _ramp
        return [border(x, axis, i, widths[i], ends[i]) for i in (0, 1)]
    if mode in STATISTICS:
        return _statistic(x, axis, widths, STATISTICS[mode], options.get("stat_length"))
    n = x.shape[axis]
    positions = np.pad(np.arange(n), widths, mode)
    outside = positions[: widths[0]], positions[widths[0] + n :]
    return [getitem(x, along(axis, p)) for p in outside]


def _collected(values: Any) -> Any:
    """Numbers and Tensors, in lists or not, as one array."""
    if isinstance(values, (list, tuple)):
        return np.stack([_collected(v) for v in values])
    return as_array(values)


def _constant(x: Any, axis: int, side: int, width: int, value: Any) -> Any:
    return np.broadcast_to(value, (*x.shape[:axis], width, *x.shape[axis + 1 :]))


def _ramp(x: Any, axis: int, side: int, width: int, end: Any) -> Any:
    """Numbers from `end` on the outside up to the edge, which they stop short of."""
    edge = _edge(x, axis, side)
    steps = np.arange(width, dtype=x.dtype).reshape(-1, *(1,) * (x.ndim - axis - 1))
    ramp = steps * ((edge - end) / max(width, 1)) + end
    return np.flip(ramp, axis) if side else ramp


def _edge(x: Any, axis: int, side: int) -> Any:
    n = x.shape[axis]
    return getitem(x, along(axis, slice(n - 1, n) if side else slice(0, 1)))


def _statistic(x: Any, axis: int, widths: Widths, function: Any, stat_length: Any) -> list[Any]:
    n = x.shape[axis]
    lengths = np.broadcast_to(n if stat_length is None else stat_length, (x.ndim, 2))[axis]
    ranges = slice(0, min(n, int(lengths[0]))), slice(max(0, n - int(lengths[1])), n)
    borders = []
    for side, width in enumerate(widths):
        value = function(getitem(x, along(axis, ranges[side])), axis=axis, keepdims=True)
        borders.append(_constant(x, axis, side, width, value))
    return borders


def _odd(x: Any, axis: int, widths: Widths, mode: str) -> Any:
    """`x` continued point-symmetrically about its ends: by 2 * end - its mirror image."""
    left, right = widths
    skipped = 1 if mode == "reflect" else 0
    period = x.shape[axis] - skipped
    while left or right:
        n = x.shape[axis]
        # A mirror image is right up to where the original ends a period.
        span = (n - skipped) // period * period
        before, after = min(span, left), min(span, right)
        images = slice(skipped, skipped + before), slice(n - skipped - after, n - skipped)
        borders = [
            2 * _edge(x, axis, side) - np.flip(getitem(x, along(axis, images[side])), axis)
            for side in (0, 1)
        ]
        x = np.concatenate((borders[0], x, borders[1]), axis)
        left, right = left - before, right - after
    return x
