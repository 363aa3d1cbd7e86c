"""Checks of JSON from a file: each takes a value, and its error says what is wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import NoReturn, TypeGuard

from autograd_lite.extend import quoted

Check = Callable[[object, str], None]
"""`check(value, where)` raises ValueError with one sentence for a value that is not accepted."""


def refuse(value: object, where: str, expected: str) -> NoReturn:
    """Raises ValueError for a value that is not as expected."""
    raise ValueError(f"{where} is {quoted(value)}, expected {expected}")


def whole(least: int = 0, most: int = 2**53) -> Check:
    """Accepts a whole number within bounds, but neither True nor False."""

    def check(value: object, where: str) -> None:
        if type(value) is not int or not least <= value <= most:
            refuse(value, where, f"a whole number from {least} to {most}")

    return check


def number(least: float = -math.inf, most: float = math.inf, *, is_finite: bool = True) -> Check:
    """Accepts a number within bounds that a float can hold, but not NaN.

    Infinity is accepted where `is_finite` is False.
    """
    bounds = "" if least == -math.inf else f" from {least:g} on"
    kind = "a finite number" if is_finite else "a number"

    def check(value: object, where: str) -> None:
        if not is_number(value) or not least <= value <= most:
            refuse(value, where, kind + bounds)
        if is_finite and math.isinf(value):
            refuse(value, where, kind + bounds)

    return check


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is a number that a float can hold, or NaN."""
    if type(value) is int:
        return abs(value) < 2**1023
    return type(value) is float


def any_number(value: object, where: str) -> None:
    """Accepts a number, also NaN and infinity."""
    if not is_number(value):
        refuse(value, where, "a number")


def flag(value: object, where: str) -> None:
    """Accepts true or false."""
    if type(value) is not bool:
        refuse(value, where, "true or false")


def text(longest: int) -> Check:
    """Accepts a string of at most `longest` characters."""

    def check(value: object, where: str) -> None:
        if type(value) is not str or len(value) > longest:
            refuse(value, where, f"text of at most {longest:,} characters")

    return check


def exactly(wanted: object) -> Check:
    """Accepts only values with the same JSON as `wanted`."""

    def check(value: object, where: str) -> None:
        if json.dumps(value, sort_keys=True) != json.dumps(wanted, sort_keys=True):
            refuse(value, where, quoted(wanted))

    return check


def optional(inner: Check) -> Check:
    """Accepts None and the values that `inner` accepts."""

    def check(value: object, where: str) -> None:
        if value is not None:
            inner(value, where)

    return check


def record(fields: Mapping[str, Check]) -> Check:
    """Accepts an object with exactly these fields."""

    def check(value: object, where: str) -> None:
        if not isinstance(value, dict):
            refuse(value, where, "an object")
        for name in fields.keys() - value.keys():
            raise ValueError(f"{where} lacks {quoted(name)}")
        for name in value.keys() - fields.keys():
            raise ValueError(f"{where} has {quoted(name)}, which is not expected there")
        for name, inner in fields.items():
            inner(value[name], f"{where}.{name}")

    return check


def listing(inner: Callable[[int], Check], length: int) -> Check:
    """Accepts a list of `length` items, item i checked by `inner(i)`."""

    def check(value: object, where: str) -> None:
        if not isinstance(value, list):
            refuse(value, where, "a list")
        if len(value) != length:
            raise ValueError(f"{where} has {len(value)} items, expected {length}")
        for i, item in enumerate(value):
            inner(i)(item, f"{where}[{i}]")

    return check
