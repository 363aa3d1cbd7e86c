"""Memory for large arrays, reused after the last array in it is freed.

The system allocates memory of this size page by page each time, which takes as long as reading a
block of a file into it.
"""

from __future__ import annotations

import math
import os
import weakref

import numpy as np
from numpy.typing import DTypeLike

SMALLEST = 2**20
"""Smaller arrays, in bytes, get new memory."""

_free: dict[int, list[bytearray]] = {}
"""Idle memory by size: blocks of a file have equal sizes but for the last."""

_most = 2 * (os.cpu_count() or 1)


def buffer(shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
    """An uninitialised array, in memory of an earlier array or in new memory."""
    count = math.prod(shape)
    size = count * np.dtype(dtype).itemsize
    if size < SMALLEST:
        return np.empty(shape, dtype)
    try:
        memory = _free[size].pop()
    except LookupError:
        memory = bytearray(size)
    array = np.frombuffer(memory, dtype, count)
    # Views of this array, and objects with a buffer of one, keep it and so the memory.
    weakref.finalize(array, _give_back, memory).atexit = False
    return array.reshape(shape)


def _give_back(memory: bytearray) -> None:
    if sum(map(len, list(_free.values()))) >= _most:
        # Most likely of sizes that are not used any more.
        _free.clear()
    _free.setdefault(len(memory), []).append(memory)
