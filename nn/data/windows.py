"""Windows: samples that are in memory together, shuffled, and cut into batches."""

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
"""The bytes read at a time."""

WINDOW = 4
"""The number of blocks whose samples are shuffled together."""

MOST_SPANS = 64
"""The most spans of a window: each of them is read separately."""

Span = tuple[int, int]
Arrays = tuple[np.ndarray, ...]


class Window(NamedTuple):
    """Samples in memory, in one or several parts, and the order in which to take them.

    A part is a tuple of arrays with the samples as first axis; without an order there is one part.
    """

    parts: Sequence[Arrays]
    order: np.ndarray | None


Windows = Generator[Window, None, None]


def windows_of(
    groups: Sequence[Sequence[Span]],
    seed: list[int] | None,
    skip: int,
    read: Callable[[Sequence[Span]], Sequence[Arrays]],
) -> Windows:
    """Yields the samples of each group of spans, shuffled by a seed if given, without the first
    `skip`.

    Groups that are skipped as a whole are not read.
    """
    for number, spans in enumerate(groups):
        count = sum(stop - start for start, stop in spans)
        if skip >= count:
            skip -= count
            continue
        order = None
        if seed is not None:
            order = np.random.default_rng([*seed, number]).permutation(count)[skip:]
        parts = read(spans)
        if order is not None:
            yield Window(parts, order)
            skip = 0
            continue
        for part in parts:
            after = min(skip, len(part[0]))
            skip -= after
            yield Window([tuple(array[after:] for array in part)], None)


def in_batches(
    windows: Callable[[int], Windows], size: int, start: int, read_ahead: bool
) -> Iterator[Arrays]:
    """Yields batches of `size` samples from number `start` on; the last one may have fewer.

    `windows(skip)` yields the samples without the first `skip`. If the process is forked meanwhile,
    both the parent and the child get all remaining batches.
    """
    process = os.getpid()
    for batch in _taken_from(windows(start * size), size, read_ahead):
        yield batch
        start += 1
        if os.getpid() != process:
            break
    else:
        return
    # The thread that reads ahead exists in the parent only: the child reads by itself.
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
    """The first `size` samples of windows, and what is left of the last one.

    Those before the last have fewer than `size` samples together.
    """
    found = []
    for window in windows:
        count = min(size, _size(window))
        if window.order is None:
            (part,) = window.parts
            found.append([array[:count] for array in part])
            rest = Window([tuple(array[count:] for array in part)], None)
        else:
            found.append(_gathered(window.parts, window.order[:count]))
            rest = Window(window.parts, window.order[count:])
        size -= count
    batch = found[0] if len(found) == 1 else map(np.concatenate, zip(*found, strict=True))
    return tuple(batch), [rest] if _size(rest) else []


def _gathered(parts: Sequence[Arrays], chosen: np.ndarray) -> list[np.ndarray]:
    """The samples with the chosen numbers, grouped by part."""
    if len(parts) == 1:
        return [array[chosen] for array in parts[0]]
    ends = np.cumsum([len(part[0]) for part in parts])
    places = np.searchsorted(ends, chosen, side="right")
    chosen = chosen[np.argsort(places, kind="stable")]
    found = [np.empty((len(chosen), *array.shape[1:]), array.dtype) for array in parts[0]]
    at = 0
    for place, count in enumerate(np.bincount(places, minlength=len(parts))):
        if count:
            own = chosen[at : at + count] - (ends[place] - len(parts[place][0]))
            for array, into in zip(parts[place], found, strict=True):
                np.take(array, own, axis=0, out=into[at : at + count], mode="clip")
            at += count
    return found


def _size(window: Window) -> int:
    return len(window.parts[0][0]) if window.order is None else len(window.order)


def _ahead(windows: Windows) -> Windows:
    """Yields the same windows, each read on a thread while the one before is used."""
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
        except BaseException as error:  # noqa: BLE001 - raised again below
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
