"""Windows: samples that are in memory together, shuffled, and taken as batches."""

from __future__ import annotations

import contextlib
import contextvars
import os
import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

BLOCK = 6 * 2**20
"""Bytes that are read at a time."""

WINDOW = 4
"""Blocks whose samples are shuffled together."""

MOST_SPANS = 64
"""Spans of a window at most: each of them is read by itself."""

Span = tuple[int, int]
Arrays = tuple[np.ndarray, ...]


class Window(NamedTuple):
    """Arrays whose first axis is the samples, and the order in which these are given."""

    arrays: Arrays
    order: np.ndarray | None


Windows = Generator[Window, None, None]


def windows_of(
    groups: Sequence[Sequence[Span]],
    seed: list[int] | None,
    skip: int,
    read: Callable[[Sequence[Span]], Arrays],
) -> Windows:
    """The samples of each group of spans, shuffled where there is a seed, without the first `skip`.

    Groups of which nothing is wanted are not read.
    """
    for number, spans in enumerate(groups):
        count = sum(stop - start for start, stop in spans)
        if skip >= count:
            skip -= count
            continue
        order = None
        if seed is not None:
            order = np.random.default_rng([*seed, number]).permutation(count)[skip:]
        arrays = read(spans)
        if order is None:
            arrays = tuple(array[skip:] for array in arrays)
        skip = 0
        yield Window(arrays, order)


def in_batches(
    windows: Callable[[int], Windows], size: int, start: int, read_ahead: bool
) -> Iterator[Arrays]:
    """Batches of `size` samples, the last of which may have fewer, from number `start` on.

    `windows(skip)` gives the samples without the first `skip`. In a process that is forked on the
    way, both the parent and the child get all the batches that are left.
    """
    process = os.getpid()
    for batch in _taken_from(windows(start * size), size, read_ahead):
        yield batch
        start += 1
        if os.getpid() != process:
            break
    else:
        return
    # The thread that reads ahead stayed with the parent: this process reads on by itself.
    yield from in_batches(windows, size, start, read_ahead)


def _taken_from(windows: Windows, size: int, read_ahead: bool) -> Iterator[Arrays]:
    with contextlib.closing(_ahead(windows) if read_ahead else windows) as source:
        rest: list[Window] = []
        waiting = 0
        for window in source:
            rest.append(window)
            waiting += _size(window)
            while waiting >= size:
                batch, rest = _taken(rest, size)
                waiting -= size
                yield batch
        if waiting:
            yield _taken(rest, waiting)[0]


def _taken(windows: list[Window], size: int) -> tuple[Arrays, list[Window]]:
    """The first `size` samples of windows that have as many, and what is left."""
    found, left = [], size
    rest = list(windows)
    while left:
        window = rest[0]
        if window.order is None:
            count = min(left, _size(window))
            chosen: Any = slice(0, count)
            after = Window(tuple(array[count:] for array in window.arrays), None)
        else:
            chosen = window.order[:left]
            count = len(chosen)
            after = Window(window.arrays, window.order[count:])
        found.append([array[chosen] for array in window.arrays])
        left -= count
        rest = [after, *rest[1:]] if _size(after) else rest[1:]
    if len(found) == 1:
        return tuple(found[0]), rest
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True)), rest


def _size(window: Window) -> int:
    return len(window.arrays[0]) if window.order is None else len(window.order)


def _ahead(windows: Windows) -> Windows:
    """The same windows, each read on a thread while the one before is used."""
    ready: queue.Queue[Any] = queue.Queue(maxsize=1)
    given_up = threading.Event()

    def put(item: Any) -> None:
        while not given_up.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(item, timeout=0.05)
                return

    def read() -> None:
        try:
            for window in windows:
                put(window)
                if given_up.is_set():
                    break
            put(None)
        except BaseException as error:  # noqa: BLE001 - it is raised where batches are asked for
            put(error)
        finally:
            windows.close()

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(read,), name="read ahead", daemon=True)
    thread.start()
    try:
        while (window := ready.get()) is not None:
            if isinstance(window, BaseException):
                raise window
            yield window
    finally:
        given_up.set()
        thread.join()
