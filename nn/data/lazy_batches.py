"""Batches of lazy arrays, such as Dask's."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from autograd_lite.extend import Array, compute_blocks, is_lazy, on_cluster

from .windows import (
    MOST_SPANS,
    WINDOW,
    Arrays,
    Span,
    Windows,
    in_batches,
    windows_of,
)

BLOCK = 8 * 2**20
"""The bytes read at a time: a file is opened for each of the arrays."""

GATHERED = 2 * 2**20
"""Batches of up to this many bytes are fetched from a cluster, which is faster than computing with
them there."""


class LazyBatches:
    """Batches of arrays with the samples as the last axis, some of which are lazy.

    The data are read in stretches: rows of a file, some megabytes at a time, or whole blocks where
    nothing smaller can be computed. Each epoch shuffles the stretches. Batches that fit into a
    window of four stretches are NumPy arrays: windows are read ahead, once in an epoch, and their
    samples shuffled. Larger batches, and on a cluster those above 2 MiB, stay lazy: they consist of
    stretches or parts of them, and the workers of a cluster compute with them.
    """

    def __init__(self, arrays: Sequence[Array]) -> None:
        self.arrays: list[Array] = list(arrays)
        self.sample: int = max(1, sum(map(_bytes_of_a_sample, arrays)))
        self.largest: Any = max(filter(is_lazy, arrays), key=_bytes_of_a_sample)
        share = _bytes_of_a_sample(self.largest) / self.sample
        self.spans: list[Span] = self.largest.stretches(int(BLOCK * share))

    def batches(self, size: int, seed: list[int] | None, start: int) -> Iterator[tuple[Array, ...]]:
        """Batches of `size` samples from number `start` on, shuffled by `seed` if given."""
        spans = _shuffled(self.spans, seed)
        longest = max(stop - first for first, stop in spans) * self.sample
        most = GATHERED if on_cluster() else max(WINDOW * BLOCK, longest)
        if size * self.sample > most:
            return self._of_spans(spans, size, start)

        def windows(skip: int) -> Windows:
            return windows_of(list(self._groups(spans)), seed, skip, self._read)

        found = in_batches(windows, size, start, read_ahead=True)
        return (tuple(_samples_last(array) for array in arrays) for arrays in found)

    def rounds(
        self, size: int, parts: int, seed: list[int] | None, start: int
    ) -> Iterator[tuple[list[Span], tuple[Array, ...]]]:
        """Spans of `size` samples, `parts` of them at a time, and arrays that have them as blocks.

        A span is longer where only longer ones can be read, and shorter at the end of a block. The
        first `start` samples are left out.
        """
        spans = _shuffled(self.largest.stretches(size * _bytes_of_a_sample(self.largest)), seed)
        ends = itertools.accumulate(stop - first for first, stop in spans)
        spans = [span for span, end in zip(spans, ends, strict=True) if end > start]
        for at in range(0, len(spans), parts):
            chosen = spans[at : at + parts]
            yield chosen, tuple(_of_spans(array, chosen) for array in self.arrays)

    def _groups(self, spans: Sequence[Span]) -> Iterator[list[Span]]:
        """Yields the spans of each window: four of the largest, or more that are smaller."""
        group: list[Span] = []
        size = 0
        for first, stop in spans:
            own = (stop - first) * self.sample
            if group and (size + own > WINDOW * BLOCK or len(group) == MOST_SPANS):
                yield group
                group, size = [], 0
            group.append((first, stop))
            size += own
        yield group

    def _read(self, spans: Sequence[Span]) -> list[Arrays]:
        """The samples of some spans in memory, samples first, by one computation for all arrays."""
        lazy = [array.of_spans(spans) for array in self.arrays if is_lazy(array)]
        computed = iter(compute_blocks(lazy))
        found = [
            next(computed) if is_lazy(array) else [array[..., a:b] for a, b in spans]
            for array in self.arrays
        ]
        if any([block.shape[-1] for block in own] != [b - a for a, b in spans] for own in found):
            # Arrays may be cut into other blocks, so that a span is several of them.
            found = [[np.concatenate(own, axis=-1)] for own in found]
        return [tuple(map(_samples_first, part)) for part in zip(*found, strict=True)]

    def _of_spans(
        self, spans: Sequence[Span], size: int, start: int
    ) -> Iterator[tuple[Array, ...]]:
        """Yields lazy batches: the samples in the order of the spans, `size` at a time."""
        ends = list(itertools.accumulate(stop - first for first, stop in spans))
        for at in range(start * size, ends[-1], size):
            until, chosen = min(at + size, ends[-1]), []
            while at < until:
                i = bisect.bisect_right(ends, at)
                begin = spans[i][1] - ends[i]
                last = min(until, ends[i])
                chosen.append((begin + at, begin + last))
                at = last
            # Within a batch the order does not matter, and neighbours are read together.
            yield tuple(_of_spans(array, _joined(sorted(chosen))) for array in self.arrays)


def _shuffled(spans: list[Span], seed: list[int] | None) -> list[Span]:
    if seed is None:
        return spans
    return [spans[i] for i in np.random.default_rng(seed).permutation(len(spans))]


def _bytes_of_a_sample(array: Array) -> int:
    return int(math.prod(array.shape[:-1]) * array.dtype.itemsize)


def _of_spans(array: Array, spans: Sequence[Span]) -> Array:
    if is_lazy(array):
        return array.of_spans(spans)
    return np.concatenate([array[..., first:stop] for first, stop in spans], axis=-1)


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Sorted spans, with adjacent ones merged."""
    found: list[Span] = []
    for first, stop in spans:
        if found and found[-1][1] == first:
            first = found.pop()[0]
        found.append((first, stop))
    return found


def _samples_first(block: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(block, -1, 0))


def _samples_last(array: np.ndarray) -> np.ndarray:
    moved = np.moveaxis(array, 0, -1)
    return moved if array.ndim < 3 else np.ascontiguousarray(moved)
