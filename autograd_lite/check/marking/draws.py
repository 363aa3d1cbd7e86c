"""Draws from the global random numbers of NumPy and Python, which a person's code may make."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Draws:
    """Whether anything was drawn; True until it is known."""

    any: bool = True


State = tuple[Any, Any]
"""The states of NumPy's and of Python's random numbers."""


def state() -> State:
    return np.random.get_state(legacy=False), random.getstate()


@contextlib.contextmanager
def undone(start: State | None = None) -> Iterator[Draws]:
    """Restores the random numbers at the end, as if nothing had been drawn; begins at `start`."""
    draws, before = Draws(), state()
    start = start or before
    if not _is_same(start, before):
        _set(start)
    try:
        yield draws
    finally:
        after = state()
        draws.any = not _is_same(after, start)
        if not _is_same(after, before):
            _set(before)


def _set(state: State) -> None:
    np.random.set_state(state[0])
    random.setstate(state[1])


def _is_same(one: Any, other: Any) -> bool:
    """Whether two states of random numbers are the same."""
    if isinstance(one, dict):
        return all(_is_same(one[name], other[name]) for name in one)
    if isinstance(one, tuple):
        return all(map(_is_same, one, other)) if isinstance(one[0], dict) else bool(one == other)
    return bool(np.array_equal(one, other))
