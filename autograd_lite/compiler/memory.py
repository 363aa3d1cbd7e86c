"""The plan of memory: a value's place is used again as soon as nobody reads it any more."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np

from autograd_lite.compiler.schedule import Item, Region, reduction_of
from autograd_lite.functions import traits
from autograd_lite.program.ir import Step, Variable, is_elementwise

_FRESH_MODULES = ("numpy.linalg", "numpy.fft")


class Liveness:
    """When each value is read for the last time, as the number of an item of the schedule.

    What may be a view counts as a use of what it is a view of, for as long as itself is read; the
    regions among the items numbered `native` write everything into arrays of their own.
    """

    def __init__(
        self,
        items: Sequence[Item],
        outputs: Sequence[Variable],
        native: Collection[int] = (),
    ) -> None:
        self.aliases: dict[Variable, tuple[Variable, ...]] = {}
        self.last: dict[Variable, int] = {}
        self.made: dict[Variable, int] = {}
        for at, item in enumerate(items):
            for step in item.steps if isinstance(item, Region) else [item]:
                for result in step.results:
                    self.made[result] = self.last[result] = at
                    is_copied = isinstance(item, Region) and at in native
                    if not is_copied and may_be_view(step):
                        self.aliases[result] = tuple(
                            root for v in step.operands for root in self.aliases_of(v)
                        )
                for variable in step.operands:
                    self._use(variable, at)
        for variable in outputs:
            self._use(variable, len(items))

    def aliases_of(self, variable: Variable) -> tuple[Variable, ...]:
        """The values whose memory a value may lie in."""
        return self.aliases.get(variable, (variable,))

    def _use(self, variable: Variable, at: int) -> None:
        for v in (variable, *self.aliases_of(variable)):
            self.last[v] = max(self.last.get(v, -1), at)


def may_be_view(step: Step) -> bool:
    """Whether a result may share memory with an operand."""
    if is_elementwise(step) or reduction_of(step) is not None or is_product(step):
        return False
    function = step.function
    if isinstance(function, np.ufunc):
        return False
    if traits(function).views:
        return True
    return not str(getattr(function, "__module__", "")).startswith(_FRESH_MODULES)


def is_product(step: Step) -> bool:
    """Whether a step is a matrix product that can write its result into a given array."""
    if step.function not in (np.dot, np.matmul) or step.options or len(step.args) != 2:
        return False
    a, b = step.args
    if not isinstance(a, Variable) or not isinstance(b, Variable):
        return False
    least = 2 if step.function is np.dot else 1
    return a.ndim >= least and b.ndim >= least and a.ndim + b.ndim <= 4 and step.result.ndim > 0


class Slots:
    """Stretches of memory, taken and given back while a program is laid out."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.free: list[int] = []

    def take(self, nbytes: int) -> int:
        """A free stretch that is large enough, or the largest one made larger, or a new one."""
        fitting = [i for i in self.free if self.sizes[i] >= nbytes]
        if fitting:
            slot = min(fitting, key=lambda i: self.sizes[i])
        elif self.free:
            slot = max(self.free, key=lambda i: self.sizes[i])
            self.sizes[slot] = nbytes
        else:
            self.sizes.append(nbytes)
            return len(self.sizes) - 1
        self.free.remove(slot)
        return slot

    def give(self, slot: int) -> None:
        """Let a stretch be used again."""
        self.free.append(slot)


class Workspaces:
    """The arrays that a program works in, one set for each call that runs at the same time."""

    def __init__(self, sizes: list[int], makers: Iterable[Callable[[list[Any], list[Any]], Any]]):
        self.sizes = sizes
        self.makers: list[Callable[..., Any]] = list(makers)
        self.idle: list[tuple[Any, ...]] = []

    def make(self) -> tuple[Any, ...]:
        """New memory, and the arrays in it."""
        memory = _stretches(self.sizes)
        arrays: list[Any] = []
        for maker in self.makers:
            arrays.append(maker(memory, arrays))
        return tuple(arrays)

    def enter(self) -> tuple[Any, ...]:
        """A set that nobody works in."""
        try:
            return self.idle.pop()
        except IndexError:
            return self.make()

    def leave(self, workspace: tuple[Any, ...]) -> None:
        """Give a set back."""
        self.idle.append(workspace)


ALIGNMENT = 64


def _stretches(sizes: list[int]) -> list[np.ndarray]:
    """Bytes, each stretch of which begins where a line of the cache does.

    They are one piece of memory: of a large one the system makes large pages.
    """
    padded = [-(-size // ALIGNMENT) * ALIGNMENT for size in sizes]
    memory = np.empty(sum(padded) + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    found = []
    for size, length in zip(sizes, padded, strict=True):
        found.append(memory[start : start + size])
        start += length
    return found


def array_in(slot: int, variable: Variable) -> Callable[[list[Any], list[Any]], Any]:
    """A function that makes the array of a variable in a stretch of memory."""
    shape, dtype, nbytes = variable.shape, variable.dtype, variable.nbytes
    return lambda memory, arrays: memory[slot][:nbytes].view(dtype).reshape(shape)
