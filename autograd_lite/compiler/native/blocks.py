"""The native function of a cut: it goes through some of the samples, block by block.

Each thread has memory of its own for what is needed inside a block, and for its part of each total.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.compiler.memory import Liveness, Slots
from autograd_lite.compiler.native.cut import Blocks
from autograd_lite.compiler.native.forms import is_native_product, is_native_view, product
from autograd_lite.compiler.native.loops import FOLDS, Block, Loops
from autograd_lite.compiler.native.segment import DECORATOR, Function, Kind, index_text
from autograd_lite.compiler.runtime import in_spans
from autograd_lite.compiler.schedule import Item, Region, reduction_of, schedule
from autograd_lite.program.ir import Step, Variable

_FIRST, _LAST, _COUNT = "first_sample", "last_sample", "samples"


class BlocksPrinter:
    """Prints the function, its call, and the sums of the parts of its totals."""

    def __init__(self, printer: Any, blocks: Blocks, at: int, name: str) -> None:
        self.printer: Any = printer
        self.cut = blocks.cut
        self.at: int = at
        self.name: str = name
        cut = self.cut
        self.step: int = cut.block
        count = -(-cut.length // self.step)
        self.threads: int = max(1, min(printer.threads, count))
        kept = [*cut.stored, *cut.totals]
        self.items: list[Item] = schedule(cut.inside, self._kind)
        self.liveness: Liveness = Liveness(self.items, kept, range(len(self.items)))
        self.slots: Slots = Slots()
        self.slot_of: dict[Variable, int] = {}
        self.lines: list[str] = []
        self.head: list[str] = []
        self.parameters: dict[Variable, bool] = {}
        self.local: set[Variable] = set()
        self.scratch: dict[tuple[int, str], str] = {}
        self.contiguous: set[Variable] = set()
        self.regions: int = 0
        names = printer.names
        self.parts: dict[Variable, Any] = {v: names.new(f"{names[v]}_part") for v in cut.totals}
        self.first, self.last, self.count = (names.new(n) for n in (_FIRST, _LAST, _COUNT))

    def _kind(self, step: Step) -> Any:
        result = step.result
        if reduction_of(step) is not None:
            return "cut", self.cut.axis_in(step, 0)
        return "cut", self.cut.axes.get(result)

    def printed(self) -> Function:
        """The function; its call is in the printer's lines then."""
        for variable in self.cut.stored:
            self.printer.place(variable, self.at)
            self.printer.contiguous.add(variable)
        for variable, ufunc in self.cut.totals.items():
            start = FOLDS[ufunc][1]
            self.head.append(f"{self.parts[variable]}[...] = {variable.dtype.name}({start})")
        for at, item in enumerate(self.items):
            self._item(item, at)
            self._release(item, at)
        return self._function()

    def _item(self, item: Item, at: int) -> None:
        if isinstance(item, Region):
            self._region(item, at)
        elif is_native_product(item):
            self._product(item, at)
        elif is_native_view(item):
            self._view(item)
        else:
            region = Region(item.args[0].shape, is_native=True)
            region.add(item)
            self._region(region, at)

    def _use(self, variables: Sequence[Variable]) -> None:
        for variable in variables:
            if variable not in self.local:
                self.parameters.setdefault(variable, variable in self.cut.stored)

    def _place(self, variable: Variable) -> None:
        """Give a value an array for a block, unless it is kept whole."""
        if variable in self.cut.stored:
            self._use([variable])
            return
        self.local.add(variable)
        axis = self.cut.axes[variable]
        per_sample = variable.size // self.cut.length
        slot = self.slots.take(per_sample * self.step * variable.dtype.itemsize)
        self.slot_of[variable] = slot
        self.contiguous.add(variable)
        key = (slot, variable.dtype.name)
        if key not in self.scratch:
            self.scratch[key] = self.printer.names.new(f"memory_{slot}_{variable.dtype.name}")
        memory = self.scratch[key]
        name = self.printer.names[variable]
        shape = self._shape(variable, axis)
        self.lines.append(f"{name} = {memory}[: {per_sample} * {self.count}].reshape({shape})")

    def _shape(self, variable: Variable, axis: int) -> str:
        own = [self.count if k == axis else str(n) for k, n in enumerate(variable.shape)]
        return f"({', '.join(own)},)"

    def _release(self, item: Item, at: int) -> None:
        for variable in list(self.slot_of):
            if self.liveness.last[variable] <= at:
                self.slots.give(self.slot_of.pop(variable))

    def _region(self, region: Region, at: int) -> None:
        cut = self.cut
        outside = [v for s in region.steps for v in s.operands if v not in region.made]
        self._use(outside)
        kept = []
        for step in region.steps:
            result = step.result
            if result in cut.totals:
                continue
            if reduction_of(step) is not None:
                self._place(result)
            elif self.liveness.last[result] > at:
                kept.append(result)
                self._place(result)
        first = region.steps[0]
        axis = self._kind(first)[1]
        if reduction_of(first) is None:
            axis += len(region.shape) - first.result.ndim
        whole = {v: cut.axes[v] for v in cut.stored}
        for step in region.steps:
            for place, value in enumerate(step.args):
                if (step, place) in cut.sliced:
                    whole[value] = cut.sliced[step, place]
        self.regions += 1
        mark = f"_{self.regions}"
        while any(name.endswith(mark) for name in self.printer.variables):
            mark = f"_{mark}"
        block = Block(axis, self.first, self.count, whole, self.parts)
        loops = Loops(region, self.printer.names, self.contiguous.__contains__, kept, mark, block)
        self.lines += loops.lines()

    def _product(self, step: Step, at: int) -> None:
        result = step.result
        self._use(step.operands)
        names = [self._operand(step, place) for place in (0, 1)]
        is_total = result in self.cut.totals
        if is_total:
            target = self.parts[result]
        else:
            self._place(result)
            target = self.printer.names[result]
            if result in self.cut.stored:
                target = self._sliced(target, result.ndim, self.cut.axes[result])
        self.lines.append(product(step, names[0], names[1], target, is_total))

    def _operand(self, step: Step, place: int) -> str:
        """An operand, or the samples of the block in it."""
        variable = step.args[place]
        name: str = self.printer.names[variable]
        if variable in self.local:
            return name
        axis = self.cut.axis_in(step, place)
        return name if axis is None else self._sliced(name, variable.ndim, axis)

    def _sliced(self, name: str, ndim: int, axis: int) -> str:
        own = [f"{self.first}:{self.last}" if k == axis else ":" for k in range(ndim)]
        return f"{name}[{', '.join(own)}]"

    def _view(self, step: Step) -> None:
        self._use(step.operands)
        x, result = step.args[0], step.result
        name, of = self.printer.names[result], self._operand(step, 0)
        self.local.add(result)
        if step.function is np.transpose:
            self.lines.append(f"{name} = {of}.T")
        elif step.function in (np.reshape, np.ravel, np.expand_dims, np.squeeze):
            whole = of if x in self.contiguous else f"np.ascontiguousarray({of})"
            shape = self._shape(result, self.cut.axes[result])
            self.lines.append(f"{name} = {whole}.reshape({shape})")
            self.contiguous.add(result)
        else:
            self.lines.append(f"{name} = {of}[{index_text(step.args[1])}]")

    def _function(self) -> Function:
        printer, cut, names = self.printer, self.cut, self.printer.names
        scratch = list(self.scratch.items())
        totals = list(cut.totals)
        arguments, kinds = [], []
        for variable, is_written in self.parameters.items():
            name = names[variable]
            if variable.shape:
                layout = "C" if variable in printer.contiguous else "A"
                kinds.append(Kind(variable.dtype.name, variable.ndim, layout, is_written))
            else:
                kinds.append(Kind(variable.dtype.name))
                number = printer.bind(variable.dtype.type, f"{variable.dtype.name}_")
                name = name if variable.weak else f"{number}({name})"
            arguments.append(name)
        own_kinds = [Kind(dtype, 1, "C", True) for (_, dtype), _ in scratch]
        own_kinds += [Kind(v.dtype.name, max(v.ndim, 1), "C", True) for v in totals]
        own = [name for _, name in scratch] + [self.parts[v] for v in totals]
        start, stop = (names.new(n) for n in ("start", "stop"))
        parameters = [start, stop, *own, *(names[v] for v in self.parameters)]
        whole = Kind("int64")
        head = [
            f"for {self.first} in range({start}, {stop}, {self.step}):",
            f"    {self.last} = min({self.first} + {self.step}, {stop})",
            f"    {self.count} = {self.last} - {self.first}",
        ]
        body = [*self.head, *head, *(f"    {line}" for line in self.lines)]
        text = [DECORATOR, f"def {self.name}({', '.join(parameters)}):"]
        text += [f"    {line}" for line in body]
        rooms = self._rooms(scratch, totals)
        spans = printer.bind(in_spans, "in_spans")
        call = ", ".join([self.name, str(cut.length), str(self.step), rooms, *arguments])
        printer.lines.append(f"{spans}({call})")
        return Function(self.name, "\n".join(text), [whole, whole, *own_kinds, *kinds])

    def _rooms(self, scratch: Sequence[Any], totals: Sequence[Variable]) -> str:
        """The name of the threads' own arrays: a tuple of them for each."""
        printer = self.printer
        sizes = self.slots.sizes
        taken = [[printer.slots.take(size) for size in sizes] for _ in range(self.threads)]
        parts = []
        for variable in totals:
            whole = Variable((self.threads, *(variable.shape or (1,))), variable.dtype)
            whole.name = f"{printer.names[variable]}_parts"
            printer.place_parts(whole, self.at)
            printer.contiguous.add(whole)
            parts.append(whole)
        self.gathered: dict[Variable, Any] = dict(zip(totals, parts, strict=True))
        indices = [printer.in_workspace[whole] for whole in parts]

        def make(memory: list[Any], arrays: list[Any]) -> Any:
            found = []
            for t, slots in enumerate(taken):
                own = [_typed(memory[slots[slot]], dtype) for (slot, dtype), _ in scratch]
                found.append((*own, *(arrays[i][t] for i in indices)))
            return found

        for slot in (slot for slots in taken for slot in slots):
            printer.slots.give(slot)
        name: str = printer.names.new(f"{self.name}_rooms")
        printer.makers.append(make)
        printer.unpacked.append(name)
        return name

    def gather(self, segment: Any) -> None:
        """Print the sums of the threads' parts, into the function that comes after the blocks."""
        for variable, whole in self.gathered.items():
            segment.gather(variable, whole, self.threads, self.at, self.cut.totals[variable])


def _typed(memory: Any, dtype: str) -> Any:
    kind = np.dtype(dtype)
    return memory[: len(memory) // kind.itemsize * kind.itemsize].view(kind)
