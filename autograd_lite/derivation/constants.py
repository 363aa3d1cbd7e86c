"""Constants as the expressions that people write for them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from autograd_lite.derivation.expressions import NoExpression, Printer, Text
from autograd_lite.functions import ATOM, PRODUCT

LITERAL_LIMIT_ELEMENTS = 16
"""Arrays of up to this many elements are written out."""

TURN_LIMIT = 360
"""Numbers are written as up to this many times pi, or parts of it."""


def number_text(value: Any) -> Text | None:
    """The logarithm of a whole number, or a multiple of pi or of its inverse, as such.

    None of other numbers.

    >>> number_text(180 / np.pi).text
    '180 / np.pi'
    """
    if isinstance(value, complex) and not value.real:
        found = number_text(value.imag)
        imaginary = None if found is None else re.sub(r"^(-?\d+)", r"\1j", found.text)
        return Text(imaginary, PRODUCT) if imaginary and "j" in imaginary else None
    if type(value) not in (float, np.float64) or not math.isfinite(value) or not value % 1:
        return None
    n = round(math.exp(value)) if 0 < value < 5 else 0
    if n > 1 and math.log(n) == value:
        return Text(f"np.log({n})")
    turns = Fraction(value / math.pi).limit_denominator(TURN_LIMIT)
    k, below = turns.numerator, turns.denominator
    if 0 < abs(k) <= TURN_LIMIT and math.pi / below * k == value:
        multiple = "np.pi" if abs(k) == 1 else f"{abs(k)} * np.pi"
        text = "-" * (k < 0) + multiple + f" / {below}" * (below > 1)
        return Text(text, ATOM if text == "np.pi" else PRODUCT)
    k = round(value * math.pi)
    return Text(f"{k} / np.pi", PRODUCT) if k / math.pi == value else None


def array_text(value: np.ndarray, printer: Printer, limit: int = LITERAL_LIMIT_ELEMENTS) -> str:
    """An array as the call that makes it, or written out.

    Raises NoExpression of one of more elements than `limit` that is neither a triangle, nor a
    range, nor one number all over.
    """
    if value.dtype.kind not in "fciub":
        raise NoExpression(f"an array of {value.dtype} is none of numbers")
    if not value.ndim:
        return printer.plain(value[()]).text
    if value.ndim > 2 and value.shape[0] > 1 and (value == value[:1]).all():
        return f"np.broadcast_to({array_text(value[0], printer, limit)}, {value.shape})"
    made = next(_made(value, printer), None)
    if made is not None:
        return made
    if value.size > limit:
        raise NoExpression("an array of many numbers has no short form")
    known = value.dtype in (float, int, bool, complex)
    kind = "" if known else f", dtype={printer.plain(value.dtype).text}"
    return f"np.array({printer.value(value.tolist(), {}).text}{kind})"


def _made(value: np.ndarray, printer: Printer) -> Iterator[str]:
    """The calls that make an array, the plainest first."""
    kind = f", dtype={printer.plain(value.dtype).text}" if value.dtype != np.float64 else ""
    shape = value.shape if value.ndim > 1 else value.size
    first = value.flat[0] if value.size else value.dtype.type(0)
    # By their bits: 0.0 and -0.0 are equal.
    if value.tobytes() == first.tobytes() * value.size and value.size != 1:
        names = {b"\0" * value.itemsize: "zeros", value.dtype.type(1).tobytes(): "ones"}
        name = names.get(first.tobytes())
        number = "" if name else f", {printer.plain(first).text}"
        yield f"np.{name or 'full'}({shape}{number}{kind})"
    elif value.ndim == 2 and value.size > 1:
        yield from _diagonals(value, kind)
    elif value.ndim == 1 and value.size > 2 and value.dtype == np.intp:
        start, step = int(value[0]), int(value[1] - value[0])
        stop = start + step * value.size
        if step and np.array_equal(value, np.arange(start, stop, step)):
            ends = [start, stop, step] if step != 1 else [start, stop] if start else [stop]
            yield f"np.arange({', '.join(map(str, ends))})"


def _diagonals(value: np.ndarray, kind: str) -> Iterator[str]:
    """The calls for ones on a diagonal, or on one side of it."""
    n, m = value.shape
    for k in (0, -1, 1):
        side = np.tri(n, m, k, dtype=value.dtype)
        if np.array_equal(value, side):
            yield f"np.tri({n}, {m}, {k}{kind})"
        if value.dtype == bool and np.array_equal(~value, side):
            yield f"~np.tri({n}, {m}, {k}{kind})"
        if np.array_equal(value, np.eye(n, m, k, dtype=value.dtype)):
            yield f"np.eye({n}{f', {m}, {k}' if n != m or k else ''}{kind})"
