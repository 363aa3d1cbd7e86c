"""JSON in files: measured before it is parsed, since a few bytes can become large objects."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from autograd_lite.extend import printable, quoted

TEXT_BYTES = 16 * 2**20
"""The longest text that is parsed."""

OBJECTS_BYTES = 160 * 2**20
"""The most that it may become in memory."""

DEPTH = 64
"""The most lists and objects inside one another."""

_TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
"""Brackets by what they add to the depth; those in strings are parts of other tokens."""


def excess(text: bytes) -> str:
    """Names what there is too much of in some JSON, which need not be valid; empty if nothing.

    The sentence wants an end such as "that a checkpoint may have".
    """
    if len(text) > TEXT_BYTES:
        return f"takes {len(text):,} bytes as JSON, more than the {TEXT_BYTES:,}"
    # At least what Python takes for objects, lists, their items, and strings.
    size = 6 * len(text) + 232 * text.count(b"{") + 88 * text.count(b"[")
    size += 64 * (text.count(b",") + text.count(b":"))
    if size > OBJECTS_BYTES:
        return f"takes {size:,} bytes in memory, more than the {OBJECTS_BYTES:,}"
    depth = 0
    for token in _TOKENS.finditer(text):
        depth += _STEPS.get(text[token.start()], 0)
        if depth > DEPTH:
            return f"is nested more than {DEPTH} deep, which is the most"
    return ""


def encoded(value: Any) -> bytes:
    """A description as JSON, with NaN and Infinity, as `decoded` takes it; else TypeError."""
    try:
        text = json.dumps(value, default=_as_python).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"the model's description cannot be written as JSON: {error}") from error
    found = excess(text)
    if found:
        raise TypeError(
            f"the model's description {found} that a checkpoint may have: put numbers into arrays"
        )
    return text


def decoded(text: bytes) -> Any:
    """The value of some JSON, if it is not too much; ValueError says what is wrong, to follow a
    subject."""
    found = excess(text)
    if found:
        raise ValueError(
            f"{found} that a checkpoint may have: it is not one of this library, or damaged"
        )
    try:
        return json.loads(text.decode())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not valid JSON ({printable(error, 200)})") from error


def _as_python(value: object) -> object:
    """A NumPy scalar as the number that JSON has for it."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{quoted(value)} is of type {type(value).__name__}")
