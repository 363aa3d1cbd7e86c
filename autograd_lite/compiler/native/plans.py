"""The plan of native code: where the values of segments and of blocks of samples lie."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.compiler.memory import Buffers, Liveness, Planner, Slots, Stretch
from autograd_lite.compiler.native.cut import Blocks, Cut
from autograd_lite.compiler.native.forms import is_element, is_native_product, is_native_view
from autograd_lite.compiler.schedule import Item, Region, reduction_of, schedule
from autograd_lite.program.ir import Step, Variable

RESHAPES = (np.reshape, np.ravel, np.expand_dims, np.squeeze)
"""Views whose elements lie in one piece again, after a copy if need be."""


def as_region(item: Item) -> Region:
    """A region, or a reduction as a region of one step."""
    if isinstance(item, Region):
        return item
    assert reduction_of(item) is not None
    region = Region(item.args[0].shape, is_native=True)
    region.add(item)
    return region


def outside_of(region: Region) -> list[Variable]:
    """The operands of a region from outside it, each as often as it is read."""
    return [v for s in region.steps for v in s.operands if v not in region.made]


def place_native(planner: Planner, item: Item, at: int, local_views: Collection[Variable]) -> None:
    """Give places to the values of an item of a segment."""
    if isinstance(item, Region) or reduction_of(item) is not None:
        _place_region(planner, as_region(item), at)
    elif is_native_view(item):
        if item.result not in local_views:
            planner.place_view(item)
        elif item.function in RESHAPES:
            planner.plan.contiguous.add(item.result)
    elif is_native_product(item):
        _place_array(planner, item.result, at)
    else:
        assert is_element(item)
        planner.plan.numbers.add(item.result)


def _place_array(planner: Planner, variable: Variable, at: int, operands: Any = ()) -> None:
    planner.place(variable, at, operands)
    planner.plan.contiguous.add(variable)


def _place_total(planner: Planner, variable: Variable, at: int) -> None:
    if variable.shape:
        _place_array(planner, variable, at)
    else:
        planner.plan.numbers.add(variable)


def _place_region(planner: Planner, region: Region, at: int) -> None:
    outside = outside_of(region)
    aliases = planner.liveness.aliases
    viewed = {root for v in outside for root in aliases.get(v, ())}
    for step in region.steps:
        result = step.result
        if reduction_of(step) is not None:
            _place_total(planner, result, at)
        elif planner.liveness.last[result] > at or result in planner.outputs:
            _place_array(planner, result, at, [v for v in outside if v not in viewed])


@dataclass(eq=False)
class BlocksPlan:
    """How blocks of samples are gone through, and where their values lie.

    `items` are the schedule of a block of `step` samples, and `kept` has what is read after each of
    its regions. `scratch` says where the values of a block lie in the arrays of `memory`, of which
    each thread has its own `buffers`; those in `contiguous` lie in one piece. `wholes` are the
    arrays with each thread's part of the totals.
    """

    cut: Cut
    step: int
    threads: int
    items: list[Item]
    scratch: dict[Variable, Stretch] = field(default_factory=dict)
    contiguous: set[Variable] = field(default_factory=set)
    wholes: dict[Variable, Variable] = field(default_factory=dict)
    kept: dict[int, list[Variable]] = field(default_factory=dict)
    memory: list[Stretch] = field(default_factory=list)
    buffers: Buffers = field(default_factory=lambda: Buffers([]))


class BlocksPlanner:
    """Plans the blocks of samples, which are item number `at` of the schedule."""

    def __init__(self, planner: Planner, blocks: Blocks, at: int, threads: int) -> None:
        self.planner = planner
        self.at = at
        self.cut: Cut = blocks.cut
        cut, step = blocks.cut, blocks.cut.block
        items = schedule(cut.inside, lambda s: ("cut", axis_of(cut, s)))
        own = max(1, min(threads, -(-cut.length // step)))
        self.plan: BlocksPlan = BlocksPlan(cut, step, own, items)
        kept = [*cut.stored, *cut.totals]
        self.liveness: Liveness = Liveness(items, kept, range(len(items)))
        self.slots: Slots = Slots()
        self.slot_of: dict[Variable, int] = {}

    def planned(self) -> BlocksPlan:
        """Give the values their places, in the order of the items, and then the totals."""
        for variable in self.cut.stored:
            _place_array(self.planner, variable, self.at)
        for number, item in enumerate(self.plan.items):
            self._item(item, number)
            for variable in list(self.slot_of):
                if self.liveness.last[variable] <= number:
                    self.slots.give(self.slot_of.pop(variable))
        self._put_in_workspace()
        for variable in self.cut.totals:
            _place_total(self.planner, variable, self.at)
        return self.plan

    def _item(self, item: Item, number: int) -> None:
        if isinstance(item, Region) or reduction_of(item) is not None:
            self._region(as_region(item), number)
        elif is_native_product(item):
            if item.result not in self.cut.totals:
                self._place(item.result)
        elif item.function in RESHAPES:
            self.plan.contiguous.add(item.result)

    def _region(self, region: Region, number: int) -> None:
        kept = self.plan.kept[number] = []
        for step in region.steps:
            result = step.result
            if result in self.cut.totals:
                continue
            if reduction_of(step) is not None:
                self._place(result)
            elif self.liveness.last[result] > number:
                kept.append(result)
                self._place(result)

    def _place(self, variable: Variable) -> None:
        """Give a value an array for a block, unless it is kept whole."""
        if variable in self.cut.stored:
            return
        length = variable.size // self.cut.length * self.plan.step
        slot = self.slots.take(length * variable.dtype.itemsize)
        self.slot_of[variable] = slot
        self.plan.scratch[variable] = Stretch(slot, (length,), variable.dtype)
        self.plan.contiguous.add(variable)

    def _put_in_workspace(self) -> None:
        """Give each thread the stretches of a block as arrays of each dtype, and its totals."""
        plan, sizes = self.plan, self.slots.sizes
        kinds = dict.fromkeys((s.slot, s.dtype) for s in plan.scratch.values())
        plan.memory = [Stretch(n, (sizes[n] // k.itemsize,), k) for n, k in kinds]
        for variable in self.cut.totals:
            whole = Variable((plan.threads, *(variable.shape or (1,))), variable.dtype)
            self.planner.place_parts(whole, self.at)
            self.planner.plan.contiguous.add(whole)
            plan.wholes[variable] = whole
        plan.buffers = self.planner.buffers(sizes, plan.threads, plan.memory)
        plan.buffers.parts = list(plan.wholes.values())
        self.planner.plan.workspace.append(plan.buffers)


def axis_of(cut: Cut, step: Step) -> int | None:
    """The axis of the samples in a step's result, or in the operand that it reduces."""
    return cut.axis_in(step, 0) if reduction_of(step) is not None else cut.axes.get(step.result)


def first_axis(cut: Cut, region: Region) -> int:
    """The axis of the samples in the loops of a region."""
    first = region.steps[0]
    axis = axis_of(cut, first)
    assert axis is not None
    return axis + (0 if reduction_of(first) is not None else len(region.shape) - first.result.ndim)
