"""Running steps: one Dask graph, of few tasks, in which a task does everything for its blocks.

A pass over the data has a task for each group of neighbouring blocks. It loads a block, computes
all that is wanted of it, adds that up, and goes on to the next. The groups' sums are added as a
binary tree, whose shape depends on the blocks alone: the result is the same, bit for bit, for any
number of workers. What depends on sums (a normalised loss, say) is computed where the tree ends;
steps that need it for each block are done in another pass.
"""

from __future__ import annotations

import contextlib
import itertools
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from autograd_lite.arrays.blas import one_blas_thread
from autograd_lite.arrays.contracts import Operand
from autograd_lite.arrays.dask.expression import BlockStep, Cut, Parts, Total, step_of, steps_below
from autograd_lite.arrays.dask.reducing import PRODUCTS
from autograd_lite.arrays.dask.sources import BlockLoad, Source
from autograd_lite.arrays.dask.workers import (
    capacity,
    computes_here,
    group_size,
    losses_explained,
    scheduler,
    this_worker,
)
from autograd_lite.arrays.liveness import released

FAN_IN_SUMS = 8
"""One task of the tree adds up this many sums: a power of two, as the sizes of groups are."""

Registers = dict[int, Any]


class BlockProgram:
    """A small program that computes steps from given ones, for one block or for whole values."""

    def __init__(self, targets: Sequence[BlockStep], given: Sequence[BlockStep], name: str) -> None:
        self.name = name
        start = {id(step) for step in given}
        order = [s for s in _below(targets, start) if id(s) not in start and not s.is_known]
        self.given: list[int] = [step.serial for step in given]
        self.targets: list[int] = [step.serial for step in targets]
        self.lines: list[tuple[int, Any, list[Any], Any]] = [_line(step) for step in order]
        self.known: dict[int, Any] = {
            s.serial: s.value for s in _below(targets, start) if s.is_known
        }
        # What is given or known is not let go: a task may hand it to the next block as well.
        computed = {serial for serial, *_ in self.lines}
        reads = [
            [x.serial for x in operands if isinstance(x, _Register) and x.serial in computed]
            for _, _, operands, _ in self.lines
        ]
        self.released: list[list[int]] = released(reads, set(self.targets))

    def __dask_tokenize__(self) -> str:
        return self.name

    def run(self, given: Sequence[Any], start: int = 0, stop: int = 0) -> list[Any]:
        """The values of the targets, for a block from `start` to `stop` on the axis that is cut."""
        values: Registers = {**self.known, **dict(zip(self.given, given, strict=True))}
        for number, (serial, compute, operands, options) in enumerate(self.lines):
            arguments = [_fetched(x, values, start, stop) for x in operands]
            values[serial] = compute(*arguments, **options)
            for done in self.released[number]:
                del values[done]
        return [values[serial] for serial in self.targets]


class _Register:
    """An operand of a line: where its value is, and the axis that a block takes its part along."""

    __slots__ = ("serial", "axis")

    def __init__(self, serial: int, axis: int | None) -> None:
        self.serial, self.axis = serial, axis


def _below(targets: Sequence[BlockStep], given: set[int]) -> list[BlockStep]:
    """The steps that `targets` depend on as far as those that are `given`."""
    seen: dict[int, BlockStep] = {}
    stack = list(targets)
    while stack:
        step = stack.pop()
        if id(step) in seen:
            continue
        seen[id(step)] = step
        if id(step) not in given:
            stack += [s for s in map(step_of, step.operands) if s is not None]
    return sorted(seen.values(), key=lambda step: step.serial)


def _line(step: BlockStep) -> tuple[int, Any, list[Any], Any]:
    operands = []
    for operand in step.operands:
        own = step_of(operand)
        if own is not None:
            operand = _Register(own.serial, operand.axis if isinstance(operand, Cut) else None)
        operands.append(operand)
    return step.serial, step.compute, operands, step.options


def _fetched(operand: Operand, values: Registers, start: int, stop: int) -> Any:
    if not isinstance(operand, _Register):
        return operand
    value = values[operand.serial]
    if operand.axis is None:
        return value
    return value[(*(slice(None),) * operand.axis, slice(start, stop))]


class _Sums:
    """Adds up lists of values in the order of a binary tree, as they come."""

    def __init__(self, combine: Sequence[Callable[[Any, Any], Any]]) -> None:
        self.combine = combine
        self.stack: list[tuple[int, list[Any]]] = []

    def add(self, values: list[Any]) -> None:
        level = 0
        while self.stack and self.stack[-1][0] == level:
            values = self._combined(self.stack.pop()[1], values)
            level += 1
        self.stack.append((level, values))

    def result(self) -> list[Any]:
        values = self.stack.pop()[1]
        while self.stack:
            values = self._combined(self.stack.pop()[1], values)
        return values

    def _combined(self, left: list[Any], right: list[Any]) -> list[Any]:
        return [f(a, b) for f, a, b in zip(self.combine, left, right, strict=True)]


class Group:
    """Neighbouring blocks that one task goes through: their bounds, and where their values are."""

    def __init__(self, bounds: Sequence[tuple[int, int]], loads: list[list[Any]]) -> None:
        self.bounds: Sequence[tuple[int, int]] = bounds
        self.loads: list[list[Any]] = loads

    def __dask_tokenize__(self) -> tuple[int, int]:
        return self.bounds[0][0], self.bounds[-1][1]

    def results(
        self, arrived: Sequence[Sequence[Any]], run: Callable[[list[Any], int, int], Any]
    ) -> Iterator[Any]:
        """Applies `run` to the values and the bounds of each block.

        The values are loaded now, or taken from what has arrived: a list of blocks for each source.
        """
        rests = [iter(blocks) for blocks in arrived]
        for (start, stop), loads in zip(self.bounds, self.loads, strict=True):
            found = zip(loads, rests, strict=True)
            try:
                result = run([load.value(rest) for load, rest in found], start, stop)
            except Exception as error:
                error.add_note(_place_of(loads))
                raise
            yield result


def _place_of(loads: Sequence[BlockLoad]) -> str:
    """The block that is computed, the files that it is read from, and who computes it."""
    first = next((str(place) for load in loads if (place := load.place()) is not None), "0")
    files = dict.fromkeys(repr(name) for load in loads if (name := load.origin()) is not None)
    read = f", read from {' and '.join(files)}" if files else ""
    worker = this_worker()
    where = "" if worker is None else f", on the worker {worker}"
    return f"in the block from sample {first} on{read}{where}"


def run_group(
    program: BlockProgram,
    combine: Sequence[Any],
    group: Group,
    earlier: list[Any],
    arrived: list[Any],
) -> list[Any]:
    """The sums over the blocks of a group."""

    def run(values: list[Any], start: int, stop: int) -> list[Any]:
        return program.run([*earlier, *values], start, stop)

    sums = _Sums(combine)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for found in group.results(arrived, run):
            sums.add(found)
    return sums.result()


def run_block(program: BlockProgram, group: Group, earlier: list[Any], arrived: list[Any]) -> Any:
    """The value of the one target for the one block of a group."""

    def run(values: list[Any], start: int, stop: int) -> Any:
        return program.run([*earlier, *values], start, stop)[0]

    (found,) = group.results(arrived, run)
    return found


def run_tree(combine: Sequence[Any], parts: list[list[Any]]) -> list[Any]:
    """The sum of sums."""
    sums = _Sums(combine)
    for part in parts:
        sums.add(part)
    return sums.result()


def run_end(
    program: BlockProgram,
    combine: Sequence[Sequence[Any]],
    trees: Sequence[Any],
    earlier: list[Any],
) -> list[Any]:
    """Adds up each tree's sums and computes the steps that depend on them."""
    sums = [run_tree(own, parts) for own, parts in zip(combine, trees, strict=True)]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return program.run([*earlier, *itertools.chain(*sums)])


class TaskGraph:
    """The Dask graph of whole steps, and of blocked ones' blocks.

    With `ends_here` the last sums of the last pass are no task, but left for `run_end` here: that
    saves the way to the scheduler and back.
    """

    def __init__(self, targets: Sequence[BlockStep], ends_here: bool = False) -> None:
        self.name: str = f"autograd_lite-{uuid.uuid4().hex}"
        self.tasks: dict[Any, Any] = {}
        self.numbers: Iterator[int] = itertools.count()
        self.steps: list[BlockStep] = steps_below(targets)
        # Where each whole step's value is: a task, and the position in its list of results.
        self.whole: dict[int, tuple[Any, int]] = {}
        self.end: tuple[BlockProgram, list[Any]] | None = None
        self.end_keys: list[Any] = []
        # How many totals are on the longest way to each step: so many passes come before.
        self.levels: dict[int, int] = {}
        for step in self.steps:
            below = [self.levels[id(s)] for s in map(step_of, step.operands) if s is not None]
            self.levels[id(step)] = max(below, default=0) + isinstance(step, Total)
            if step.is_known:
                self.levels[id(step)] = 0
        totals = [s for s in self.steps if isinstance(s, Total) and not s.is_known]
        levels = sorted({self.levels[id(s)] for s in totals})
        for level in levels:
            own = [s for s in totals if self.levels[id(s)] == level]
            self._add_pass(level, own, ends_here and level == levels[-1])

    def _key(self) -> tuple[str, int]:
        return self.name, next(self.numbers)

    def keepers(self) -> list[Any]:
        """The clients of the clusters that hold some of the data."""
        sources = (step for step in self.steps if isinstance(step, Source))
        keys = itertools.chain.from_iterable(getattr(source, "keys", ()) for source in sources)
        return [key.client for key in keys if hasattr(key, "client")]

    def _add_pass(self, level: int, totals: Sequence[Total], is_left: bool) -> None:
        """Adds the tasks of a pass: groups of blocks, the tree of sums above them, and the steps
        that need the sums.

        Arrays that are cut differently have a tree each.
        """
        own: dict[Parts, list[Total]] = {s.operands[0].parts: [] for s in totals}
        for total in totals:
            own[total.operands[0].parts].append(total)
        trees = [self._add_tree(some, parts) for parts, some in own.items()]
        combine = [[total.combine for total in some] for some in own.values()]
        wanted = [s for s in self.steps if self._is_wanted(s, level)]
        earlier = [s for s in _below(wanted, {*self.whole}) if id(s) in self.whole]
        given = [*earlier, *itertools.chain(*own.values())]
        program = BlockProgram(wanted, given, f"{self.name}-end-{level}")
        fetched = [self._add_fetch(step) for step in earlier]
        key = self._key()
        if is_left:
            self.end, self.end_keys = (program, combine), [trees, fetched]
        else:
            self.tasks[key] = (run_end, program, combine, trees, fetched)
        self.whole |= {id(step): (key, position) for position, step in enumerate(wanted)}

    def _is_wanted(self, step: BlockStep, level: int) -> bool:
        """Whether a step is whole and ready after the pass of `level`, and not before."""
        is_whole = step.axis is None and not step.parts
        return is_whole and not step.is_known and self.levels[id(step)] == level

    def _add_tree(self, totals: Sequence[Total], parts: Parts) -> list[Any]:
        """The tasks that add up `totals` over all blocks, but for the last step of the tree."""
        combine = [total.combine for total in totals]
        program, earlier, sources = self._program([total.operands[0] for total in totals])
        keys = []
        for group, arriving in _groups(parts, sources):
            keys.append(self._key())
            # In lists, Dask puts the results of tasks in the place of their keys.
            self.tasks[keys[-1]] = (run_group, program, combine, group, earlier, arriving)
        while len(keys) > FAN_IN_SUMS:
            lower, keys = keys, []
            for i in range(0, len(lower), FAN_IN_SUMS):
                keys.append(self._key())
                self.tasks[keys[-1]] = (run_tree, combine, lower[i : i + FAN_IN_SUMS])
        return keys

    def _program(
        self, targets: Sequence[BlockStep]
    ) -> tuple[BlockProgram, list[Any], list[Source]]:
        """The program of one pass, the tasks of its whole operands, and its sources."""
        below = _below(targets, {*self.whole})
        given = [s for s in below if id(s) in self.whole]
        sources = [s for s in below if isinstance(s, Source)]
        for source in sources:
            self.tasks.update(source.prepare())
        fetched = [self._add_fetch(step) for step in given]
        name = f"{self.name}-pass-{next(self.numbers)}"
        return BlockProgram(targets, [*given, *sources], name), fetched, sources

    def _add_fetch(self, step: BlockStep) -> Any:
        key, position = self.whole[id(step)]
        fetched = self._key()
        self.tasks[fetched] = (item, key, position)
        return fetched

    def blocks(self, step: BlockStep) -> list[Any]:
        """The keys of the blocks of a blocked step."""
        program, earlier, sources = self._program([step])
        keys = []
        for group, arriving in _groups(step.parts, sources, 1):
            keys.append(self._key())
            self.tasks[keys[-1]] = (run_block, program, group, earlier, arriving)
        return keys


def item(values: Sequence[Any], position: int) -> Any:
    """One of several results."""
    return values[position]


def _groups(
    parts: Parts, sources: Sequence[Source], size: int | None = None
) -> list[tuple[Group, list[Any]]]:
    """The groups of blocks, each with the keys of the blocks that other tasks compute for it."""
    ends = list(itertools.accumulate(parts))
    bounds = list(zip([0, *ends[:-1]], ends, strict=True))
    size = size or group_size(len(parts), sum(source.largest_arriving() for source in sources))
    groups = []
    for first in range(0, len(parts), size):
        numbers = range(first, min(first + size, len(parts)))
        loads = [[source.loads[i] for source in sources] for i in numbers]
        arriving = [source.arriving(numbers) for source in sources]
        groups.append((Group([bounds[i] for i in numbers], loads), arriving))
    return groups


def _compute_if_ready(step: BlockStep) -> None:
    """Compute a whole step whose operands have become known."""
    if step.axis is not None or step.parts or step.is_known or isinstance(step, Total | Source):
        return
    own = [step_of(operand) for operand in step.operands]
    if step.compute is not None and all(s is None or s.is_known for s in own):
        values = [x.value if isinstance(x, BlockStep) else x for x in step.operands]
        step.settle(step.compute(*values, **step.options))


def _multiplies(targets: Sequence[BlockStep]) -> bool:
    """Whether several threads of this process are about to multiply matrices."""
    if not computes_here() or capacity().threads < 2:
        return False
    return any(step.compute in PRODUCTS for step in steps_below(targets))


def compute(targets: Sequence[BlockStep], joined: bool = True) -> list[Any]:
    """The values of steps, which are blocked or whole, computed together.

    Whole steps keep theirs. Of blocked ones it is a list of the blocks, unless they are `joined`.
    """
    arrays: dict[int, Any] = {}
    for step in steps_below(targets):
        _compute_if_ready(step)
    waiting = [step for step in targets if not step.is_known]
    if waiting:
        blocked = [step for step in waiting if step.axis is not None]
        whole = [step for step in waiting if step.axis is None]
        graph = TaskGraph(waiting, ends_here=not blocked)
        places = [graph.whole[id(step)] for step in whole]
        keys = [key for key, _ in places if key in graph.tasks]
        wanted = [graph.end_keys, keys, *(graph.blocks(step) for step in blocked)]
        switched = one_blas_thread() if _multiplies(waiting) else contextlib.nullcontext()
        with switched, losses_explained(graph.keepers()):
            ends, done, *blocks = scheduler()(graph.tasks, wanted)
        results = dict(zip(keys, done, strict=True))
        last = run_end(*graph.end, *ends) if graph.end is not None else []
        for step, (key, position) in zip(whole, places, strict=True):
            step.settle(results.get(key, last)[position])
        for step, values in zip(blocked, blocks, strict=True):
            arrays[id(step)] = np.concatenate(values, step.axis) if joined else values
    return [arrays[id(step)] if id(step) in arrays else step.value for step in targets]
