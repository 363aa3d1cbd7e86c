"""Memory of arrays that are gone: the process keeps it for the next ones."""

from __future__ import annotations

import contextlib

import numpy as np

LARGEST_BYTES = 2**25 - 2**14
"""The largest array whose memory glibc can be made to keep: 32 MiB, less what it adds to it."""


def keep_freed_memory() -> None:
    """Makes the C library keep what arrays of up to 32 MiB leave, for arrays that come after.

    A step of training allocates and frees the same arrays as the step before. glibc takes large
    blocks from the system and gives them back, so each array's pages are filled with zeros anew,
    which takes longer than most operations on them. It learns from what is freed: after one block
    of 32 MiB it keeps up to 64 MiB at the end of its heap (mallopt(3), M_MMAP_THRESHOLD). Nothing
    is written into that block here. The settings `MALLOC_TRIM_THRESHOLD_` and
    `MALLOC_MMAP_THRESHOLD_` of the environment prevail; other C libraries learn nothing.

    Examples
    --------
    >>> from autograd_lite.arrays.memory import keep_freed_memory
    >>> keep_freed_memory()
    """
    # Where so much cannot be had, arrays of that size will not be freed either.
    with contextlib.suppress(MemoryError):
        np.empty(LARGEST_BYTES, np.uint8)
