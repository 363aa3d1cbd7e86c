"""Memory for large arrays that is used again when the last array that lay in it has gone.

The system hands out memory of this size anew each time, page by page, which takes as long as
reading a block of a file into it.
"""

from __future__ import annotations

import math
import os
import weakref
from typing import Any

import numpy as np

SMALLEST = 2**20
"""Bytes from which on it is worth the trouble."""

_free: dict[int, list[bytearray]] = {}
"""What is idle, by its size: blocks of a file are equal but for the last."""

_most = 2 * (os.cpu_count() or 1)


def buffer(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array of any content, in memory that an earlier array has left, or in new memory."""
    count = math.prod(shape)
    size = count * np.dtype(dtype).itemsize
    if size < SMALLEST:
        return np.empty(shape, dtype)
    try:
        memory = _free[size].pop()
    except LookupError:
        memory = bytearray(size)
    array = np.frombuffer(memory, dtype, count)
    # Views of it, and what has a buffer of them, keep this array and so the memory.
    weakref.finalize(array, _give_back, memory).atexit = False
    return array.reshape(shape)


def _give_back(memory: bytearray) -> None:
    if sum(map(len, list(_free.values()))) >= _most:
        # Of sizes, most likely, that nobody asks for any more.
        _free.clear()
    _free.setdefault(len(memory), []).append(memory)
