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


@contextlib.contextmanager
def undone() -> Iterator[Draws]:
    """Restores the random numbers at the end, as if nothing had been drawn."""
    draws = Draws()
    numpys, own = np.random.get_state(legacy=False), random.getstate()
    try:
        yield draws
    finally:
        is_own = random.getstate() != own
        draws.any = is_own or not _is_same(np.random.get_state(legacy=False), numpys)
        if draws.any:
            np.random.set_state(numpys)
            random.setstate(own)


def _is_same(one: Any, other: Any) -> bool:
    """Whether two states of NumPy's random numbers are the same."""
    if isinstance(one, dict):
        return all(_is_same(one[name], other[name]) for name in one)
    return bool(np.array_equal(one, other))
