"""The schedule: element-wise steps of one shape run together, as regions that go through large
arrays block by block; everything else runs step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_lite.functions import traits
from autograd_lite.program.ir import Step, Variable, is_elementwise

REGION_FROM_ELEMENTS = 65_536
"""Arrays of at least this many elements are gone through in blocks."""

_IN_BLOCKS = (np.add, np.maximum, np.minimum)
"""The ufuncs whose reductions are the same in parts, up to rounding, in the operand's dtype."""


@dataclass(eq=False, slots=True)
class Region:
    """Element-wise steps with results of one shape, and reductions of them.

    A native one is printed as loops, whatever its size.
    """

    shape: tuple[int, ...]
    steps: list[Step] = field(default_factory=list)
    made: set[Variable] = field(default_factory=set)
    is_native: bool = False

    def add(self, step: Step) -> None:
        self.steps.append(step)
        self.made.update(step.results)


Item = Step | Region


def takes_out_by_name(ufunc: Any) -> bool:
    """Whether NumPy warns of an `out` that is given by its place: where it has read like a third
    operand."""
    return ufunc in (np.maximum, np.minimum)


def reduction_of(step: Step) -> tuple[np.ufunc, tuple[int, ...], bool] | None:
    """The ufunc, the axes and keepdims of a reduction; None for other steps."""
    ufunc = traits(step.function).reduction
    if ufunc not in _IN_BLOCKS or set(step.options) - {"axis", "keepdims"} or len(step.args) > 2:
        return None
    x = step.args[0]
    axis = step.args[1] if len(step.args) > 1 else step.options.get("axis")
    if not isinstance(x, Variable) or not x.size or not x.shape:
        return None
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    return ufunc, axes, bool(step.options.get("keepdims", False))


def schedule(steps: Sequence[Step], native_kind: Callable[[Step], Any] | None = None) -> list[Item]:
    """The steps in an order in which they can run, those that belong together in regions.

    `native_kind` says which steps have a native form; those of one kind are in regions of their
    own.
    """
    items: list[Item] = []
    place: dict[Variable, int] = {}
    regions: dict[Any, int] = {}
    for step in _masks_first(steps):
        native = native_kind(step) if native_kind is not None else False
        shape = _native_shape(step) if native else _region_shape(step)
        key = (shape, native)
        at = regions.get(key) if shape is not None else None
        region = items[at] if at is not None else None
        if isinstance(region, Region) and at is not None and _joins(step, region, at, place):
            region.add(step)
        elif shape is not None and reduction_of(step) is None:
            at = regions[key] = len(items)
            region = Region(shape, is_native=bool(native))
            region.add(step)
            items.append(region)
        else:
            at = len(items)
            items.append(step)
        for result in step.results:
            place[result] = at if at is not None else len(items) - 1
    return items


def _native_shape(step: Step) -> tuple[int, ...] | None:
    """The shape of the loops that a native step could be part of."""
    if is_elementwise(step) or step.function is np.broadcast_to:
        return step.result.shape or None
    return step.args[0].shape if reduction_of(step) is not None else None


def _masks_first(steps: Sequence[Step]) -> list[Step]:
    """The steps with every comparison as early as it can be.

    A mask takes an eighth of the memory of what it is made of, which then may be written over.
    """
    made_after: dict[Step | None, list[Step]] = {}
    place = {result: i for i, step in enumerate(steps) for result in step.results}
    moved = set()
    for step in steps:
        if is_elementwise(step) and step.result.dtype == bool and step.result.shape:
            latest = max((place.get(v, -1) for v in step.operands), default=-1)
            if latest >= 0 and steps[latest] not in moved:
                made_after.setdefault(steps[latest], []).append(step)
                moved.add(step)
    ordered: list[Step] = []
    for step in steps:
        if step not in moved:
            ordered += [step, *made_after.get(step, ())]
    return ordered


def _region_shape(step: Step) -> tuple[int, ...] | None:
    """The shape of the region that a step could be part of."""
    if is_elementwise(step):
        variable = step.result
    elif reduction_of(step) is not None:
        variable = step.args[0]
    else:
        return None
    fits = (
        variable.ndim > 0
        and variable.size >= REGION_FROM_ELEMENTS
        and variable.dtype.kind in "fciub"
    )
    return variable.shape if fits else None


def _joins(step: Step, region: Region, at: int, place: dict[Variable, int]) -> bool:
    """Whether a step can run in a region: nothing that it reads comes later.

    A reduction has to read what the region makes, or it would be a pass of its own; and what it
    gives is there only after the region.
    """
    reduced = {s.result for s in region.steps if reduction_of(s) is not None}
    operands = step.operands
    if any(v in reduced or (place.get(v, -1) >= at and v not in region.made) for v in operands):
        return False
    return reduction_of(step) is None or operands[0] in region.made
