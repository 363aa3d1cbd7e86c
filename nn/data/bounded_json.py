"""JSON in files, measured before it is parsed, since a few bytes can become large objects."""

from __future__ import annotations

import json
import re

import numpy as np

from autograd_lite.extend import printable, quoted

from ..contracts import Json

TEXT_BYTES = 16 * 2**20
"""The longest text that is parsed."""

OBJECTS_BYTES = 160 * 2**20
"""The largest size in memory of what is parsed."""

DEPTH = 64
"""The deepest nesting of lists and objects."""

_TOKENS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
"""The change of depth by each bracket; brackets in strings are parts of other tokens."""


def excess(text: bytes) -> str:
    """The part of a message about the limit that a JSON text exceeds, or an empty string.

    The text need not be valid JSON. The caller puts a subject before the part, and an end such as
    "that a checkpoint may have" after it.
    """
    if len(text) > TEXT_BYTES:
        return f"takes {len(text):,} bytes as JSON, more than the {TEXT_BYTES:,}"
    # A lower bound of the memory that Python takes for objects, lists, their items, and strings.
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


def encoded(value: object) -> bytes:
    """A description as JSON, with NaN and Infinity, that `decoded` accepts; else TypeError."""
    try:
        text = json.dumps(value, default=_as_python).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"the model's description cannot be written as JSON: {error}") from error
    found = excess(text)
    if found:
        raise TypeError(
            f"the model's description {found} that a checkpoint may have: store numbers in arrays"
        )
    return text


def decoded(text: bytes) -> Json:
    """The value of a JSON text within the limits.

    The message of its ValueError lacks a subject, which the caller puts before it.
    """
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
    """A NumPy scalar as a Python number for JSON."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{quoted(value)} is of type {type(value).__name__}")
