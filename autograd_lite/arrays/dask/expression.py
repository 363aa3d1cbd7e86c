"""Computations on arrays that are cut into blocks along one axis.

A blocked step has a value per block; a whole step has one value. `Total` makes the second of the
first, by adding up (or comparing) what the blocks give.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Operand

Parts = tuple[int, ...]
"""The lengths of the blocks along the axis that is cut."""

NOT_KNOWN = object()
_serial = itertools.count().__next__


class BlockStep:
    """`compute(*operands, **options)`, an array of `shape` and `dtype`.

    It is cut along `axis` into blocks as long as `parts` says, or whole if `axis` is None.
    Operands are steps, `Cut`s of whole ones, and plain values; arrays as they are now.
    """

    __slots__ = (
        *("shape", "dtype", "axis", "parts", "compute", "operands", "options"),
        *("value", "serial", "__weakref__"),
    )

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: Any,
        axis: int | None,
        parts: Parts,
        compute: Callable[..., Any] | None,
        operands: Sequence[Any] = (),
        options: Mapping[str, Any] | None = None,
        value: Any = NOT_KNOWN,
    ) -> None:
        self.shape: tuple[int, ...] = shape
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.axis: int | None = axis
        self.parts: Parts = parts
        self.compute = compute
        self.options: Mapping[str, Any] = options or {}
        self.operands: tuple[Any, ...] = tuple(map(kept, operands))
        self.value: Any = value
        self.serial: int = _serial()

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def bytes_of_a_sample(self) -> int:
        """The bytes of a blocked step that belong to one place on the axis that is cut."""
        return math.prod(self.shape) // self.shape[axis_of(self)] * self.dtype.itemsize

    @property
    def is_known(self) -> bool:
        """Whether it is whole and its value is there."""
        return self.value is not NOT_KNOWN

    def settle(self, value: Any) -> None:
        """Take the value and release the operands."""
        self.value, self.compute, self.operands = value, None, ()


def kept(operand: Operand) -> Any:
    """An operand that later writing does not change: parameters are updated before some read it."""
    if not isinstance(operand, np.ndarray):
        return operand
    if 0 in operand.strides:
        once = tuple(slice(0, 1) if step == 0 else slice(None) for step in operand.strides)
        return np.broadcast_to(operand[once].copy("K"), operand.shape)
    return operand.copy("K")


class Total(BlockStep):
    """The results of all blocks combined by a binary function, in the order of a binary tree."""

    __slots__ = ("combine",)

    def __init__(
        self, partial: BlockStep, shape: tuple[int, ...], combine: Callable[..., Any]
    ) -> None:
        super().__init__(shape, partial.dtype, None, (), None, (partial,))
        self.combine: Callable[..., Any] = combine


class Cut:
    """A whole step that each block takes its part of, along `axis`."""

    __slots__ = ("whole", "axis")

    def __init__(self, whole: BlockStep, axis: int) -> None:
        self.whole: BlockStep = whole
        self.axis: int = axis


def step_of(operand: Operand) -> BlockStep | None:
    """The step that an operand is, or is cut from; None for a plain value."""
    if isinstance(operand, Cut):
        return operand.whole
    return operand if isinstance(operand, BlockStep) else None


def axis_of(step: BlockStep) -> int:
    """The axis that a blocked step is cut along."""
    assert step.axis is not None
    return step.axis


def steps_below(targets: Sequence[BlockStep]) -> list[BlockStep]:
    """The steps that `targets` depend on, themselves included, each after its operands."""
    seen = {id(step): step for step in targets}
    stack = list(seen.values())
    while stack:
        for operand in stack.pop().operands:
            step = step_of(operand)
            if step is not None and id(step) not in seen:
                seen[id(step)] = step
                stack.append(step)
    return sorted(seen.values(), key=lambda step: step.serial)
