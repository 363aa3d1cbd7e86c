"""The plan of memory: where each value of a program lies, decided before anything is printed.

What is needed only on the way lies in stretches of a workspace, and a stretch is used again as soon
as nobody reads the value in it any more. What comes out is an array of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from autograd_lite.arrays.liveness import last_uses
from autograd_lite.compiler.schedule import Item, Region, reduction_of
from autograd_lite.functions import traits
from autograd_lite.program.ir import Step, Variable, is_elementwise

_FRESH_MODULES = ("numpy.linalg", "numpy.fft")


class Stretch(NamedTuple):
    """An array at the beginning of a stretch of the workspace's memory."""

    slot: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class Returned(NamedTuple):
    """A returned array: a new one, or a donated input after its last use."""

    donor: Variable | None


class StaticView(NamedTuple):
    """A view of an array of the workspace, which is the same in every call."""

    step: Step


Place = Stretch | Returned | StaticView


@dataclass(eq=False)
class Buffers:
    """Arrays for each of the threads that share an item of the schedule.

    `arrays` has a list for each thread, behind which it gets its own part of each of `parts`.
    """

    arrays: list[list[Stretch]]
    parts: list[Variable] = field(default_factory=list)


@dataclass(eq=False)
class MemoryPlan:
    """The places of a program's values in memory.

    Parameters
    ----------
    last : dict
        The number of the item that reads each value for the last time.
    places : dict
        The places of the values that are written into an array that is there, and of views that
        are made once. Numbers, and what NumPy's functions return by themselves, have none.
    workspace : list
        What a workspace consists of, in the order in which it can be made.
    sizes : list of int
        The bytes of each stretch.
    contiguous, fresh, numbers : set
        The variables that are C-contiguous in every call, the arrays that nobody else has, and the
        numbers, which nobody can write to.
    inside : dict
        The plans of regions and of blocks, by the number of the item.
    in_place, reused, alone : int
        How many steps write over an operand, how many arrays lie in memory that held another
        before, and the bytes that all of them would take side by side.
    """

    last: dict[Variable, int]
    places: dict[Variable, Place] = field(default_factory=dict)
    workspace: list[Variable | Buffers] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    contiguous: set[Variable] = field(default_factory=set)
    fresh: set[Variable] = field(default_factory=set)
    numbers: set[Variable] = field(default_factory=set)
    inside: dict[int, Any] = field(default_factory=dict)
    in_place: int = 0
    reused: int = 0
    alone: int = 0


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
        self.made: dict[Variable, int] = {}
        reads: list[list[Variable]] = []
        for at, item in enumerate(items):
            reads.append([])
            for step in item.steps if isinstance(item, Region) else [item]:
                for result in step.results:
                    self.made[result] = at
                    is_copied = isinstance(item, Region) and at in native
                    if not is_copied and may_be_view(step):
                        self.aliases[result] = tuple(
                            root for v in step.operands for root in self.aliases_of(v)
                        )
                reads[at] += self._with_aliases([*step.results, *step.operands])
        reads.append(self._with_aliases(outputs))
        self.last: dict[Variable, int] = last_uses(reads)

    def aliases_of(self, variable: Variable) -> tuple[Variable, ...]:
        """The values whose memory this value may be a view of."""
        return self.aliases.get(variable, (variable,))

    def _with_aliases(self, variables: Sequence[Variable]) -> list[Variable]:
        return [root for v in variables for root in (v, *self.aliases_of(v))]


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


class Planner:
    """Gives the values of a program their places, one item of the schedule after the other."""

    def __init__(
        self,
        liveness: Liveness,
        outputs: Collection[Variable],
        donors: dict[Variable, Variable],
        contiguous: set[Variable],
        numbers: set[Variable],
    ) -> None:
        self.liveness = liveness
        self.outputs = outputs
        self.donors = donors
        self.slots: Slots = Slots()
        self.slot_of: dict[Variable, int] = {}
        self.holders: dict[int, int] = {}
        self.plan: MemoryPlan = MemoryPlan(
            liveness.last, sizes=self.slots.sizes, contiguous=contiguous, numbers=numbers
        )

    def place(self, variable: Variable, at: int, operands: Sequence[Variable] = ()) -> None:
        """Give a variable an array: of its own if it comes out, else in the workspace.

        It takes the place of one of `operands` that is read for the last time at `at`.
        """
        plan = self.plan
        if variable in self.outputs:
            plan.fresh.add(variable)
            plan.places[variable] = Returned(self._donor(variable, at, operands))
            return
        plan.alone += variable.nbytes
        slot = self._slot_of_dying(variable, at, operands)
        if slot is None:
            before = len(self.slots.sizes)
            slot = self.slots.take(variable.nbytes)
            plan.reused += len(self.slots.sizes) == before
        self._put(variable, slot)

    def place_parts(self, variable: Variable, at: int) -> None:
        """Give a variable that is there during one item only an array in the workspace."""
        self.liveness.last[variable] = at
        self._put(variable, self.slots.take(variable.nbytes))

    def place_step(self, step: Step, at: int) -> None:
        """Give a place to the result of a step that runs by itself, if it can be told one."""
        result = step.result
        if step.several:
            self.place_view(step)
        elif is_elementwise(step):
            if not result.shape:
                self.plan.numbers.add(result)
            elif step.function is np.where:
                self._made_by_call(step, is_fresh=True)
            else:
                self.place(result, at, step.operands)
        elif reduction_of(step) is not None and not result.shape:
            self.plan.numbers.add(result)
        elif reduction_of(step) is not None or is_product(step):
            self.place(result, at)
        else:
            self.place_view(step)

    def place_view(self, step: Step) -> None:
        """Place the result of a step that may be a view: a static view where its operand has a
        fixed place.
        """
        if not self._is_static_view(step):
            self._made_by_call(step)
            return
        if _on_stand_in(step)[1].flags.c_contiguous:
            self.plan.contiguous.add(step.result)
        self.plan.places[step.result] = StaticView(step)
        self.plan.workspace.append(step.result)

    def buffers(self, sizes: Sequence[int], threads: int, arrays: Sequence[Stretch]) -> Buffers:
        """Memory for each thread during one item: `arrays` in stretches of these sizes."""
        taken = [[self.slots.take(size) for size in sizes] for _ in range(threads)]
        for slots in taken:
            for slot in slots:
                # Nobody needs them after the item.
                self.slots.give(slot)
        return Buffers([[a._replace(slot=slots[a.slot]) for a in arrays] for slots in taken])

    def release(self, item: Item, at: int) -> None:
        """Give back the places of values after their last use."""
        steps = item.steps if isinstance(item, Region) else [item]
        touched = [v for s in steps for v in (*s.operands, *s.results)]
        touched += [v for v in self.slot_of if self.liveness.last[v] <= at]
        for variable in dict.fromkeys(touched):
            for root in (variable, *self.liveness.aliases_of(variable)):
                slot = self.slot_of.get(root)
                if slot is not None and self.liveness.last[root] <= at:
                    del self.slot_of[root]
                    self.holders[slot] -= 1
                    if not self.holders[slot]:
                        self.slots.give(slot)

    def _put(self, variable: Variable, slot: int) -> None:
        self.slot_of[variable] = slot
        self.holders[slot] = self.holders.get(slot, 0) + 1
        self.plan.places[variable] = Stretch(slot, variable.shape, variable.dtype)
        self.plan.workspace.append(variable)

    def _slot_of_dying(
        self, variable: Variable, at: int, operands: Sequence[Variable]
    ) -> int | None:
        for operand in operands:
            slot = self.slot_of.get(operand)
            alike = operand.shape == variable.shape and operand.dtype == variable.dtype
            if slot is not None and alike and self.liveness.last[operand] == at:
                # A view of it may be another operand, which would be written over too early.
                if not any(operand in self.liveness.aliases.get(v, ()) for v in operands):
                    self.plan.in_place += 1
                    # It has no place any more, which nobody else can take then.
                    del self.slot_of[operand]
                    self.holders[slot] -= 1
                    return slot
        return None

    def _donor(self, variable: Variable, at: int, operands: Sequence[Variable]) -> Variable | None:
        """The donated input for a result, if it has no later use."""
        donor = self.donors.get(variable)
        if donor is None:
            return None
        last = self.liveness.last.get(donor, -1)
        aliased = any(
            donor in roots and v is not donor and self.liveness.last[v] >= at
            for v, roots in self.liveness.aliases.items()
        )
        return donor if last < at or (last == at and donor in operands and not aliased) else None

    def _made_by_call(self, step: Step, is_fresh: bool = False) -> None:
        self.plan.numbers.update(r for r in step.results if r.weak)
        if is_fresh or not self.liveness.aliases.get(step.result):
            self.plan.fresh.update(step.results)

    def _is_static_view(self, step: Step) -> bool:
        """Whether the result is the same view of the workspace in every call."""
        if not traits(step.function).views or step.several or not step.result.shape:
            return False
        x = step.args[0] if step.args else None
        if not isinstance(x, Variable) or step.result in self.outputs:
            return False
        if not isinstance(self.plan.places.get(x), Stretch | StaticView):
            return False
        if any(isinstance(v, Variable) for v in step.operands[1:]):
            return False
        if x not in self.slot_of and x not in self.plan.contiguous:
            # A view of the workspace, which does not lie there as an array of its shape would.
            return False
        stand_in, view = _on_stand_in(step)
        return isinstance(view, np.ndarray) and np.may_share_memory(view, stand_in)


def _on_stand_in(step: Step) -> tuple[np.ndarray, Any]:
    """An array like a step's operand, and the result of the step on it."""
    x = step.args[0]
    stand_in = np.empty(x.shape, x.dtype)
    return stand_in, step.function(stand_in, *step.args[1:], **step.options)
