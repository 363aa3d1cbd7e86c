"""The runtime of compiled programs: their workspaces, and the threads that share blocks."""

from __future__ import annotations

import itertools
import math
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from autograd_lite.forks import fork_safe

_pool: ThreadPoolExecutor | None = None
_pool_of: int | None = None
_guard = fork_safe(threading.Lock())


def cores() -> int:
    """The number of threads that run at once: the processor's, or OMP_NUM_THREADS."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked):
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def pool() -> ThreadPoolExecutor:
    """The threads that all compiled programs of this process share; new ones after a fork."""
    global _pool, _pool_of
    if _pool is None or _pool_of != os.getpid():
        with _guard:
            if _pool is None or _pool_of != os.getpid():
                _pool = ThreadPoolExecutor(max(cores() - 1, 1), "autograd_lite")
                _pool_of = os.getpid()
    return _pool


def in_parallel(calls: Sequence[Callable[[], Any]]) -> None:
    """Make the calls, the first one in this thread and the others in those of the pool."""
    futures = [pool().submit(_quietly, call) for call in calls[1:]]
    try:
        calls[0]()
    finally:
        for future in futures:
            future.result()


def _quietly(call: Callable[[], Any]) -> None:
    # Which errors are silent is a matter of each thread.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        call()


def share(count: int, step: int, threads: int) -> list[tuple[int, int]]:
    """Stretches of about the same length that begin at multiples of `step`, one for each thread."""
    blocks = -(-count // step)
    threads = max(1, min(threads, blocks))
    ends = [min(count, step * (blocks * (i + 1) // threads)) for i in range(threads)]
    return list(zip([0, *ends], ends, strict=False))


def in_blocks(
    region: Callable[..., None],
    count: int,
    step: int,
    workspaces: Sequence[Sequence[np.ndarray]],
    *args: Any,
) -> None:
    """Run a region from 0 to `count` in blocks of `step`, on a thread for each workspace."""
    spans = share(count, step, len(workspaces))
    if len(spans) == 1:
        region(0, count, step, workspaces[0], *args)
        return
    in_parallel(
        [
            (lambda span=span, workspace=workspace: region(*span, step, workspace, *args))  # type: ignore[misc]
            for span, workspace in zip(spans, workspaces, strict=False)
        ]
    )


def in_spans(
    function: Callable[..., None],
    count: int,
    step: int,
    buffers: Sequence[Sequence[np.ndarray]],
    *args: Any,
) -> None:
    """Run a native function from 0 to `count`, in a stretch for each thread, with its buffers."""
    spans = share(count, step, len(buffers))
    if len(spans) == 1:
        function(0, count, *buffers[0], *args)
        return
    in_parallel(
        [
            (lambda span=span, own=own: function(*span, *own, *args))  # type: ignore[misc]
            for span, own in zip(spans, buffers, strict=True)
        ]
    )


def cut(workspace: Sequence[np.ndarray], axis: int, count: int) -> list[np.ndarray]:
    """The first `count` along an axis of a workspace's arrays: the last block may be shorter."""
    index = (slice(None),) * axis + (slice(count),)
    return [array[index] for array in workspace]


class Workspaces:
    """The arrays that a program works in, one set for each call that runs at the same time.

    `make` makes a set; `sizes` are the bytes of its stretches of memory.
    """

    def __init__(self, sizes: Sequence[int], make: Callable[[], tuple[Any, ...]]) -> None:
        self.sizes = sizes
        self.make = make
        self.idle: list[tuple[Any, ...]] = []

    def enter(self) -> tuple[Any, ...]:
        """A workspace that no other call uses."""
        try:
            return self.idle.pop()
        except IndexError:
            return self.make()

    def leave(self, workspace: tuple[Any, ...]) -> None:
        """Give a set back."""
        self.idle.append(workspace)


ALIGNMENT_BYTES = 64


def starts_of(sizes: Sequence[int]) -> list[int]:
    """Where stretches of these sizes begin, each at a line of the cache, and where they all end."""
    padded = [-(-size // ALIGNMENT_BYTES) * ALIGNMENT_BYTES for size in sizes]
    return list(itertools.accumulate(padded, initial=0))


def aligned(nbytes: int) -> np.ndarray:
    """Bytes that begin at a line of the cache.

    They are one piece of memory: of a large one the system makes large pages.
    """
    memory = np.empty(nbytes + ALIGNMENT_BYTES, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT_BYTES
    return memory[start : start + nbytes]


def array_in(
    memory: np.ndarray, start: int, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> np.ndarray:
    """The array of a shape and a dtype that begins at a byte of the memory."""
    stop = start + math.prod(shape) * dtype.itemsize
    return memory[start:stop].view(dtype).reshape(shape)
