"""The threads that share the blocks of a region while a compiled program runs."""

from __future__ import annotations

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
    rooms: Sequence[tuple[np.ndarray, ...]],
    *args: Any,
) -> None:
    """Run a native function from 0 to `count`, in a stretch for each of the threads' rooms."""
    spans = share(count, step, len(rooms))
    if len(spans) == 1:
        function(0, count, *rooms[0], *args)
        return
    in_parallel(
        [
            (lambda span=span, room=room: function(*span, *room, *args))  # type: ignore[misc]
            for span, room in zip(spans, rooms, strict=True)
        ]
    )


def cut(workspace: Sequence[np.ndarray], index: Any) -> list[np.ndarray]:
    """The beginnings of a workspace's arrays, for the last block, which may be shorter."""
    return [array[index] for array in workspace]
