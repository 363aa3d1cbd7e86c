"""The cut along the samples: steps that can run for a few samples at a time.

What runs in blocks stays in the cache from one step to the next, and several threads can share the
blocks. A step is inside if its operands are cut along one axis and it computes each sample, or a
total over samples, by itself. What needs a total comes after all blocks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from autograd_lite.arrays.contracts import Index
from autograd_lite.compiler.native.forms import (
    has_few_rows,
    is_element,
    is_native,
    is_native_product,
    is_native_view,
)
from autograd_lite.compiler.schedule import Region, reduction_of
from autograd_lite.functions import traits
from autograd_lite.program.ir import Program, Step, Variable
from autograd_lite.rules.indexing import getitem

SAMPLES_FROM = 64
"""Fewer samples are not cut."""

CUT_FROM_NANOSECONDS = 100_000
"""Programs that take less time are not cut: it takes that long to wake a thread."""

INSIDE_FROM_SHARE = 0.5
"""A cut is worth it if at least this share of the work is inside."""

CACHE_BYTES = 512 * 1024
"""A block has so many samples that its values fit into the second-level cache."""

BLOCK_LIMITS_SAMPLES = (32, 1024)
FEW_ROWS_LIMIT_SAMPLES = 8
"""BLAS is slow on blocks of few samples; loops over few rows are not."""


@dataclass(eq=False)
class Cut:
    """The steps of a program before, inside and after blocks of samples.

    `axes` are the axes of the samples of what is made inside; arrays from outside are cut where
    `sliced` says. `totals` are the results that are sums (or extremes) over samples, by the ufunc
    that puts parts together, and `stored` what is read after the blocks.
    """

    length: int
    takes_last: bool
    axes: dict[Variable, int] = field(default_factory=dict)
    sliced: dict[tuple[Step, int], int] = field(default_factory=dict)
    totals: dict[Variable, np.ufunc] = field(default_factory=dict)
    before: list[Step] = field(default_factory=list)
    inside: list[Step] = field(default_factory=list)
    after: list[Step] = field(default_factory=list)
    stored: list[Variable] = field(default_factory=list)

    def axis_in(self, step: Step, place: int) -> int | None:
        """The axis along which the operand at this place of a step is cut; None if it is whole."""
        own = self.axes.get(step.args[place])
        return own if own is not None else self.sliced.get((step, place))

    @property
    def fitting(self) -> int:
        """The number of samples whose values fit into the cache."""
        values = {v for step in self.inside for v in (*step.operands, *step.results)}
        cut = [v for v in values - self.totals.keys() if self.length in v.shape]
        return CACHE_BYTES // max(sum(v.nbytes // self.length for v in cut), 1)

    @property
    def least(self) -> int:
        """The fewest samples of a block that are worth it."""
        largest = max(self.inside, key=_nanoseconds)
        has_loops = is_native_product(largest) and has_few_rows(largest)
        return FEW_ROWS_LIMIT_SAMPLES if has_loops else BLOCK_LIMITS_SAMPLES[0]

    @property
    def block(self) -> int:
        """The number of samples of a block."""
        most = BLOCK_LIMITS_SAMPLES[1]
        return min(self.length, max(self.least, min(most, self.fitting)) // 8 * 8)

    @property
    def is_worth_it(self) -> bool:
        """Whether there are several blocks, which stay in the cache or are read only twice."""
        fits = self.fitting >= self.least or self.least == FEW_ROWS_LIMIT_SAMPLES
        return fits and self.block < self.length


class Blocks(Region):
    """The inside of a cut, as one item of the schedule."""

    def __init__(self, cut: Cut) -> None:
        super().__init__((cut.length,), is_native=True)
        self.cut = cut
        for step in cut.inside:
            self.add(step)


def cut_of(program: Program) -> Cut | None:
    """The cut that puts most of the work of a program inside; None if none is worth it."""
    total = sum(map(_nanoseconds, program.steps))
    if total < CUT_FROM_NANOSECONDS:
        return None
    best, most = None, INSIDE_FROM_SHARE * total
    for length in _lengths(program):
        for takes_last in (True, False):
            found = _Analysis(program, length, takes_last).cut
            work = sum(map(_nanoseconds, found.inside))
            if work > most and found.is_worth_it:
                best, most = found, work
    return best


def _lengths(program: Program) -> Iterator[int]:
    """The lengths of the inputs' axes, the largest arrays first."""
    arrays = [v for v in (*program.inputs, *program.constants) if v.shape]
    arrays.sort(key=lambda v: -v.nbytes)
    lengths = [n for v in arrays[:8] for n in v.shape if n >= SAMPLES_FROM]
    yield from dict.fromkeys(lengths)


def _nanoseconds(step: Step) -> float:
    """A guess at the time of a step."""
    if is_native_product(step):
        a, b = step.args
        return 0.05 * a.size * b.size / max(a.shape[-1], 1)
    largest = max((v.size for v in (*step.operands, *step.results)), default=0)
    return 0.0 if is_native_view(step) else traits(step.function).nanoseconds * largest


class _Analysis:
    """Sorts the steps of a program for one length and one side of the arrays."""

    def __init__(self, program: Program, length: int, takes_last: bool) -> None:
        self.length = length
        self.cut = Cut(length, takes_last)
        self.late: set[Variable] = set()
        for step in program.steps:
            self._sort(step)
        self._store(program.outputs)

    def _sort(self, step: Step) -> None:
        cut = self.cut
        waits = any(v in self.late or v in cut.totals for v in step.operands)
        uses_cut = any(v in cut.axes for v in step.operands)
        if not waits and is_native(step) and self._goes_inside(step, uses_cut):
            cut.inside.append(step)
        elif waits or uses_cut:
            cut.after.append(step)
            self.late.update(step.results)
        else:
            cut.before.append(step)

    def _goes_inside(self, step: Step, uses_cut: bool) -> bool:
        if is_element(step):
            return self._element(step)
        if is_native_product(step):
            return self._product(step)
        if is_native_view(step):
            return uses_cut and self._view(step)
        return self._reduction(step)

    def _choices(self, step: Step, place: int) -> list[int | None]:
        """The axes along which an operand can be taken: None is the whole of it."""
        value = step.args[place]
        if not isinstance(value, Variable):
            return [None]
        if value in self.cut.axes:
            return [self.cut.axes[value]]
        axes = [k for k, n in enumerate(value.shape) if n == self.length]
        return [*(reversed(axes) if self.cut.takes_last else axes), None]

    def _slice(self, step: Step, place: int, axis: int) -> None:
        if step.args[place] not in self.cut.axes:
            self.cut.sliced[step, place] = axis

    def _element(self, step: Step) -> bool:
        ndim, shape = step.result.ndim, step.result.shape
        places = [p for p, a in enumerate(step.args) if isinstance(a, Variable)]
        candidates = {
            ndim - step.args[p].ndim + axis
            for p in places
            for axis in self._choices(step, p)
            if axis is not None
        }
        fixed = [p for p in places if step.args[p] in self.cut.axes]
        for at in sorted(candidates, reverse=self.cut.takes_last):
            own = {p: at - (ndim - step.args[p].ndim) for p in places}
            if shape[at] != self.length:
                continue
            if any(own[p] != self.cut.axes[step.args[p]] for p in fixed):
                continue
            for p in places:
                if own[p] >= 0 and step.args[p].shape[own[p]] == self.length:
                    self._slice(step, p, own[p])
            self.cut.axes[step.result] = at
            return True
        return False

    def _reduction(self, step: Step) -> bool:
        ufunc, axes, keepdims = _reduction(step)
        axis = self._choices(step, 0)[0]
        if axis is None:
            return False
        self._slice(step, 0, axis)
        if axis in axes:
            self.cut.totals[step.result] = ufunc
        else:
            moved = 0 if keepdims else sum(a < axis for a in axes)
            self.cut.axes[step.result] = axis - moved
        return True

    def _product(self, step: Step) -> bool:
        a, b = step.args
        left, right = self._choices(step, 0), self._choices(step, 1)
        rows, inner_a = (0 if a.ndim == 2 else None), a.ndim - 1
        inner_b, columns = 0, (1 if b.ndim == 2 else None)
        by_columns = columns is not None and columns in right and None in left
        by_rows = rows is not None and rows in left and None in right
        if by_columns and (self.cut.takes_last or not by_rows):
            assert columns is not None
            self._slice(step, 1, columns)
            self.cut.axes[step.result] = step.result.ndim - 1
        elif by_rows:
            self._slice(step, 0, 0)
            self.cut.axes[step.result] = 0
        elif inner_a in left and inner_b in right:
            self._slice(step, 0, inner_a)
            self._slice(step, 1, inner_b)
            self.cut.totals[step.result] = np.add
        else:
            return False
        return True

    def _view(self, step: Step) -> bool:
        x, result = step.args[0], step.result
        axis = self.cut.axes[x]
        if step.function is np.transpose:
            found: int | None = x.ndim - 1 - axis
        elif step.function is getitem:
            found = _axis_after_index(step, axis)
        else:
            found = _axis_after_reshape(x.shape, axis, result.shape)
        if found is None:
            return False
        self.cut.axes[result] = found
        return True

    def _store(self, outputs: Sequence[Variable]) -> None:
        """Find the values that are read after the blocks; views among them are made again there."""
        cut = self.cut
        views: dict[Variable, Step] = {s.result: s for s in cut.inside if is_native_view(s)}
        read = {v for step in cut.after for v in step.operands} | set(outputs)
        again: list[Step] = []
        for step in reversed(cut.inside):
            if step.result in read and step.result in views:
                again.insert(0, step)
                read.update(step.operands)
        cut.after = again + cut.after
        made = [v for step in cut.inside for v in step.results]
        cut.stored = [v for v in made if v in read and v in cut.axes and v not in views]


def _reduction(step: Step) -> tuple[np.ufunc, tuple[int, ...], bool]:
    found = reduction_of(step)
    assert found is not None
    return found


def _axis_after_reshape(before: tuple[int, ...], axis: int, after: tuple[int, ...]) -> int | None:
    """The axis that an axis becomes, if nothing is moved across it."""
    ahead = math.prod(before[:axis])
    for k, n in enumerate(after):
        if n == before[axis] and math.prod(after[:k]) == ahead:
            return k
    return None


def _axis_after_index(step: Step, axis: int) -> int | None:
    """The axis that an axis becomes under an index, if the whole of it is taken."""
    index: Index = step.args[1]
    parts = index if isinstance(index, tuple) else (index,)
    if axis < len(parts) and parts[axis] != slice(None):
        return None
    return axis - sum(isinstance(part, int) for part in parts[:axis])
