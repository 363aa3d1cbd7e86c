"""Selection of samples from arrays in blocks: rows that nobody wants are not read."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Operand
from autograd_lite.arrays.dask.elementwise import is_blocked, made, with_length
from autograd_lite.arrays.dask.expression import BlockStep, Cut, Parts, axis_of
from autograd_lite.arrays.dask.sources import Pick, Source, lengths_of
from autograd_lite.arrays.dask.unread import Index

Span = tuple[int, int]
"""The first number of neighbouring samples, and that after the last."""


def picks_of(parts: Parts, spans: Iterable[Span]) -> list[Pick]:
    """The samples of some spans, as far as they go in each block."""
    ends = list(itertools.accumulate(parts))
    picks = []
    for start, stop in spans:
        while start < stop:
            block = bisect.bisect_right(ends, start)
            first = ends[block] - parts[block]
            until = min(stop, ends[block])
            picks.append(Pick(block, slice(start - first, until - first)))
            start = until
    return picks


def picks_of_numbers(parts: Parts, numbers: np.ndarray) -> list[Pick]:
    """The samples with these numbers, which rise."""
    ends = np.cumsum(parts)
    cuts = np.searchsorted(numbers, [0, *ends])
    return [
        Pick(block, numbers[a:b] - (ends[block] - parts[block]))
        for block, (a, b) in enumerate(itertools.pairwise(cuts))
        if b > a
    ]


def picks_along(a: BlockStep, index: Any) -> list[Pick] | None:
    """The picks of `a[..., index, ...]` at the axis that is cut; None where that is no rising
    choice of some samples."""
    n = a.shape[axis_of(a)]
    if isinstance(index, slice):
        start, stop, step = index.indices(n)
        return picks_of(a.parts, [(start, stop)]) if step == 1 and start < stop else None
    index = np.asarray(index) if isinstance(index, list) else index
    if not isinstance(index, np.ndarray) or index.ndim != 1 or not index.size:
        return None
    if index.dtype == bool:
        numbers = np.flatnonzero(index)
        is_plain = len(index) == n and len(numbers) > 0
    else:
        numbers = index
        is_plain = index.dtype.kind in "iu" and index[0] >= 0 and index[-1] < n
        is_plain = bool(is_plain) and bool((index[1:] > index[:-1]).all())
    return picks_of_numbers(a.parts, numbers.astype(np.intp)) if is_plain else None


def selected(step: BlockStep, picks: Sequence[Pick]) -> BlockStep:
    """The samples of a blocked step that `picks` name; each pick is a block of the result.

    No function depends on where blocks begin and end, so the same ones compute it from the same
    samples of what the step is computed from.
    """
    parts = lengths_of(picks)
    found: dict[int, BlockStep] = {}
    for own in _blocked_below(step):
        if isinstance(own, Source):
            found[id(own)] = own.selected(picks)
            continue
        operands = [_selected_operand(x, own.parts, picks, found) for x in own.operands]
        shape = with_length(own.shape, axis_of(own), sum(parts))
        found[id(own)] = BlockStep(
            shape, own.dtype, own.axis, parts, own.compute, operands, own.options
        )
    return found[id(step)]


def _selected_operand(
    operand: Operand, parts: Parts, picks: Sequence[Pick], found: dict[int, BlockStep]
) -> Any:
    if is_blocked(operand):
        return found[id(operand)]
    if not isinstance(operand, Cut):
        return operand
    firsts = [end - n for end, n in zip(itertools.accumulate(parts), parts, strict=True)]
    numbers = np.concatenate([firsts[p.block] + _numbers(p.samples) for p in picks])
    whole, axis = operand.whole, operand.axis
    shape = with_length(whole.shape, axis, len(numbers))
    return Cut(made(None, shape, whole.dtype, None, _taken, (whole, numbers, axis)), axis)


def _numbers(index: Index) -> np.ndarray:
    return np.arange(index.start, index.stop) if isinstance(index, slice) else index


def _taken(value: Any, numbers: Any, axis: int) -> Any:
    return np.take(value, numbers, axis)


def _blocked_below(step: BlockStep) -> list[BlockStep]:
    """The blocked steps that a blocked one is computed from, itself included, operands first."""
    seen = {id(step): step}
    stack = [step]
    while stack:
        for operand in stack.pop().operands:
            if is_blocked(operand) and id(operand) not in seen:
                seen[id(operand)] = operand
                stack.append(operand)
    return sorted(seen.values(), key=lambda own: own.serial)


def stretches(step: BlockStep, most: int) -> list[Span]:
    """The spans by which the samples of a blocked step are best read.

    For each up to `most` bytes are read, and whole chunks of a file, where rows can be read; where
    a block is loaded for any of its samples, all of it.
    """
    sources = [own for own in _blocked_below(step) if isinstance(own, Source)]
    grains = [source.grain() for source in sources]
    found: list[Span] = []
    end = 0
    size = max(step.parts)
    rows = [grain for grain in grains if grain is not None]
    if len(rows) == len(grains):
        grain = max(rows, default=1)
        sample = step.bytes_of_a_sample * max(source.spread() for source in sources)
        size = max(1, int(most / max(1, sample * grain))) * grain
        size = min(size, max(step.parts))
    for n in step.parts:
        found += [(end + at, end + min(at + size, n)) for at in range(0, n, size)]
        end += n
    return found
