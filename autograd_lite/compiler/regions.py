"""The plan of a region: element-wise steps that go through large arrays block by block.

A block is small enough for the cache, and each thread has memory of its own for what is needed
only inside it. Reductions take a part of each block, and the parts are put together at the end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.compiler.memory import Buffers, Planner, Slots, Stretch
from autograd_lite.compiler.runtime import share
from autograd_lite.compiler.schedule import Region, reduction_of
from autograd_lite.functions import traits
from autograd_lite.program.ir import Step, Variable

BLOCK_ELEMENTS = 65_536
"""The elements of a block."""

PARALLEL_FROM_NANOSECONDS = 300_000
"""A region of more work is shared among threads."""

_INTEGERS: dict[int, np.dtype[Any]] = {4: np.dtype(np.int32), 8: np.dtype(np.int64)}


@dataclass(eq=False)
class RegionPlan:
    """How a region goes through its arrays, and where its values lie.

    `shape` is that of the arrays as they are gone through, of one axis where they are `is_flat`;
    `axis` is the one that is cut, into blocks of `block` of its `count`. `temporaries` and `masks`
    lie in the `arrays` for a block, of which each thread has its own `buffers`. `parts` are arrays
    with a part of a reduction for each block, and `stored` is what is there after the region.
    """

    region: Region
    outside: list[Variable]
    is_flat: bool
    shape: tuple[int, ...]
    axis: int
    count: int
    block: int
    temporaries: dict[Variable, Stretch]
    masks: dict[tuple[Variable, np.dtype[Any]], Stretch]
    parts: dict[Variable, Variable]
    stored: set[Variable]
    arrays: list[Stretch]
    buffers: Buffers


class RegionPlanner:
    """Plans one region, which is item number `at` of the schedule."""

    def __init__(self, planner: Planner, region: Region, at: int, threads: int) -> None:
        self.planner = planner
        self.region = region
        self.at = at
        self.steps: list[Step] = region.steps
        makers = {result: step for step in region.steps for result in step.results}
        last = planner.liveness.last
        self.read_outside: set[Variable] = {
            v
            for v, step in makers.items()
            if last[v] > at or v in planner.outputs or reduction_of(step)
        }
        self.outside: list[Variable] = list(
            dict.fromkeys(v for s in self.steps for v in s.operands if v not in region.made)
        )
        self.is_flat: bool = self._can_be_flat()
        self.shape: tuple[int, ...] = (math.prod(region.shape),) if self.is_flat else region.shape
        self.axis: int = self._axis()
        self.count: int = self.shape[self.axis]
        rest = math.prod(self.shape) // self.count
        self.block: int = min(self.count, max(1, BLOCK_ELEMENTS // max(rest, 1)))
        self.threads: int = self._threads(threads)
        self.slots: Slots = Slots()
        self.slot_of: dict[Variable, int] = {}
        self.temporaries: dict[Variable, Stretch] = {}
        self.masks: dict[tuple[Variable, np.dtype[Any]], Stretch] = {}
        self.parts: dict[Variable, Variable] = {}
        self.arrays: dict[Stretch, None] = {}

    def planned(self) -> RegionPlan:
        """Give the values their places, in the order of the steps."""
        last = {v: k for k, s in enumerate(self.steps) for v in s.operands}
        for k, step in enumerate(self.steps):
            if reduction_of(step) is not None:
                self._reduce(step)
            else:
                self._compute(step, k, last)
            for variable in dict.fromkeys((*step.operands, step.result)):
                slot = self.slot_of.get(variable)
                if slot is not None and last.get(variable, -1) <= k:
                    del self.slot_of[variable]
                    self.slots.give(slot)
        arrays = list(self.arrays)
        buffers = self.planner.buffers(self.slots.sizes, self.threads, arrays)
        self.planner.plan.workspace.append(buffers)
        return RegionPlan(
            region=self.region,
            outside=self.outside,
            is_flat=self.is_flat,
            shape=self.shape,
            axis=self.axis,
            count=self.count,
            block=self.block,
            temporaries=self.temporaries,
            masks=self.masks,
            parts=self.parts,
            stored=self.read_outside,
            arrays=arrays,
            buffers=buffers,
        )

    def _can_be_flat(self) -> bool:
        """Whether the arrays can be gone through as if they had one axis."""
        plan = self.planner.plan
        for variable in self.outside:
            full = variable.shape == self.region.shape
            known = isinstance(plan.places.get(variable), Stretch) or variable in plan.fresh
            if full and not (known or variable in plan.contiguous):
                return False
            if not full and variable.size != 1:
                return False
        reductions = [reduction_of(s) for s in self.steps]
        return all(r is None or len(r[1]) == len(self.region.shape) for r in reductions)

    def _axis(self) -> int:
        """The axis to cut: the first with less than a block of elements behind it."""
        for axis in range(len(self.shape)):
            if math.prod(self.shape[axis + 1 :]) <= BLOCK_ELEMENTS:
                return axis
        return len(self.shape) - 1

    def _threads(self, threads: int) -> int:
        size = math.prod(self.shape)
        cost = sum(traits(s.function).nanoseconds for s in self.steps) * size
        if cost < PARALLEL_FROM_NANOSECONDS:
            return 1
        return len(share(self.count, self.block, threads))

    def _compute(self, step: Step, k: int, last: dict[Variable, int]) -> None:
        result = step.result
        is_choice = step.function is np.where
        if result in self.read_outside:
            self.planner.place(result, self.at, self._overwritten(step))
        else:
            # A choice is written bit by bit, while its operands are still read.
            dying = [] if is_choice else [v for v in step.operands if last[v] == k]
            self._put(result, dying)
        integer = bits_of_choice(step, self.region) if is_choice else None
        if integer is not None and (step.args[0], integer) not in self.masks:
            # Never given back: other steps may choose by the same condition.
            self.masks[step.args[0], integer] = self._array(self._new(integer), integer)

    def _overwritten(self, step: Step) -> list[Variable]:
        """Arrays that a result can overwrite: their block has been read by then.

        Nobody may read them later in the block, or see them through a view.
        """
        index = self.steps.index(step)
        later = {v for s in self.steps[index + 1 :] for v in s.operands}
        if step.function is np.where:
            later.update(step.operands)
        aliases = self.planner.liveness.aliases
        viewed = {root for v in self.outside for root in aliases.get(v, ())}
        read = {v for s in self.steps[: index + 1] for v in s.operands}
        return [v for v in self.outside if v in read - later - viewed]

    def _put(self, variable: Variable, dying: Sequence[Variable]) -> None:
        """Give a value an array of a block's length."""
        plan = self.planner.plan
        plan.alone += variable.nbytes
        for operand in dying:
            slot = self.slot_of.get(operand)
            if slot is not None and operand.dtype == variable.dtype:
                del self.slot_of[operand]
                plan.in_place += 1
                break
        else:
            slot = self._new(variable.dtype)
        assert slot is not None
        self.slot_of[variable] = slot
        self.temporaries[variable] = self._array(slot, variable.dtype)

    def _new(self, dtype: np.dtype[Any]) -> int:
        rest = math.prod(self.shape) // self.count
        return self.slots.take(rest * self.block * dtype.itemsize)

    def _array(self, slot: int, dtype: np.dtype[Any]) -> Stretch:
        shape = (*self.shape[: self.axis], self.block, *self.shape[self.axis + 1 :])
        array = Stretch(slot, shape, dtype)
        self.arrays[array] = None
        return array

    def _reduce(self, step: Step) -> None:
        found = reduction_of(step)
        assert found is not None
        result = step.result
        if not self.is_flat and self.axis not in found[1]:
            self.planner.place(result, self.at)
            return
        parts = Variable((-(-self.count // self.block), *result.shape), result.dtype)
        self.parts[result] = parts
        self.planner.place_parts(parts, self.at)
        if result.shape:
            self.planner.place(result, self.at)


def bits_of_choice(step: Step, region: Region) -> np.dtype[Any] | None:
    """The integer dtype in which `np.where` can choose bit by bit: y ^ ((x ^ y) & -c).

    None where the operands do not allow it; a loop with a branch takes longer.
    """
    c, x, y = step.args
    result = step.result
    integer = _INTEGERS.get(result.dtype.itemsize)
    is_simple = (
        result.dtype.kind == "f"
        and isinstance(c, Variable)
        and c.dtype == bool
        and all(_fits(v, result, region) for v in (c, x, y))
    )
    return integer if is_simple else None


def _fits(value: Any, result: Variable, region: Region) -> bool:
    if isinstance(value, Variable):
        return value.shape == region.shape and value.dtype in (result.dtype, bool)
    return isinstance(value, (int, float, np.generic))
