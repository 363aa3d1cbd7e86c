"""The native function of a cut: it goes through some of the samples, block by block.

Each thread has memory of its own for what is needed inside a block, and for its part of each total.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autograd_lite.compiler.memory import Stretch
from autograd_lite.compiler.native.forms import is_native_product, is_native_view, product
from autograd_lite.compiler.native.loops import FOLDS, Block, Loops
from autograd_lite.compiler.native.plans import (
    BlocksPlan,
    as_region,
    first_axis,
    outside_of,
)
from autograd_lite.compiler.native.segment import (
    Function,
    Kind,
    arguments_of,
    mark_of,
    view,
    written,
)
from autograd_lite.compiler.runtime import in_spans
from autograd_lite.compiler.schedule import Item, Region, reduction_of
from autograd_lite.program.ir import Step, Variable

_FIRST, _LAST, _COUNT = "first_sample", "last_sample", "samples"


class BlocksPrinter:
    """Prints the function, and its call.

    `printer` is that of the program, which names things.
    """

    def __init__(self, printer: Any, plan: BlocksPlan, name: str) -> None:
        self.printer: Any = printer
        self.plan: BlocksPlan = plan
        self.name: str = name
        self.lines: list[str] = []
        self.parameters: dict[Variable, bool] = {}
        self.local: set[Variable] = set()
        self.regions: int = 0
        names = printer.names
        self.parts: dict[Variable, Any] = {
            v: names.new(f"{names[v]}_part") for v in plan.cut.totals
        }
        self.first, self.last, self.count = (names.new(n) for n in (_FIRST, _LAST, _COUNT))
        self.memory: dict[Stretch, str] = {
            m: names.new(f"memory_{m.slot}_{m.dtype.name}") for m in plan.memory
        }

    def printed(self) -> Function:
        """The function; its call is in the printer's lines then."""
        for variable in self.plan.cut.stored:
            self.printer.lines += self.printer.made_anew(variable)
        for number, item in enumerate(self.plan.items):
            self._item(item, number)
        return self._function()

    def _item(self, item: Item, number: int) -> None:
        if isinstance(item, Region) or reduction_of(item) is not None:
            self._region(as_region(item), self.plan.kept[number])
        elif is_native_product(item):
            self._product(item)
        else:
            assert is_native_view(item)
            self._view(item)

    def _use(self, variables: Sequence[Variable]) -> None:
        for variable in variables:
            if variable not in self.local:
                self.parameters.setdefault(variable, variable in self.plan.cut.stored)

    def _make(self, variable: Variable) -> None:
        """Print the array of a value for a block, unless it is kept whole."""
        cut = self.plan.cut
        if variable in cut.stored:
            self._use([variable])
            return
        self.local.add(variable)
        scratch = self.plan.scratch[variable]
        memory = next(
            n for m, n in self.memory.items() if (m.slot, m.dtype) == (scratch.slot, scratch.dtype)
        )
        name = self.printer.names[variable]
        per_sample = variable.size // cut.length
        shape = self._shape(variable)
        self.lines.append(f"{name} = {memory}[: {per_sample} * {self.count}].reshape({shape})")

    def _shape(self, variable: Variable) -> str:
        axis = self.plan.cut.axes[variable]
        own = [self.count if k == axis else str(n) for k, n in enumerate(variable.shape)]
        return f"({', '.join(own)},)"

    def _region(self, region: Region, kept: Sequence[Variable]) -> None:
        cut = self.plan.cut
        self._use(outside_of(region))
        for step in region.steps:
            is_reduced = reduction_of(step) is not None and step.result not in cut.totals
            if is_reduced or step.result in kept:
                self._make(step.result)
        whole = {v: cut.axes[v] for v in cut.stored}
        for step in region.steps:
            for place, value in enumerate(step.args):
                if (step, place) in cut.sliced:
                    whole[value] = cut.sliced[step, place]
        self.regions += 1
        mark = mark_of(self.regions, self.printer.variables)
        block = Block(first_axis(cut, region), self.first, self.count, whole, self.parts)
        flat = self.plan.contiguous.__contains__
        self.lines += Loops(region, self.printer.names, flat, kept, mark, block).lines()

    def _product(self, step: Step) -> None:
        result, cut = step.result, self.plan.cut
        self._use(step.operands)
        names = [self._operand(step, place) for place in (0, 1)]
        is_total = result in cut.totals
        if is_total:
            target = self.parts[result]
        else:
            self._make(result)
            target = self.printer.names[result]
            if result in cut.stored:
                target = self._sliced(target, result.ndim, cut.axes[result])
        self.lines.append(product(step, names[0], names[1], target, is_total))

    def _operand(self, step: Step, place: int) -> str:
        """An operand, or the samples of the block in it."""
        variable = step.args[place]
        name: str = self.printer.names[variable]
        if variable in self.local:
            return name
        axis = self.plan.cut.axis_in(step, place)
        return name if axis is None else self._sliced(name, variable.ndim, axis)

    def _sliced(self, name: str, ndim: int, axis: int) -> str:
        own = [f"{self.first}:{self.last}" if k == axis else ":" for k in range(ndim)]
        return f"{name}[{', '.join(own)}]"

    def _view(self, step: Step) -> None:
        self._use(step.operands)
        result, of = step.result, self._operand(step, 0)
        self.local.add(result)
        is_flat = step.args[0] in self.plan.contiguous
        name = self.printer.names[result]
        self.lines.append(view(step, name, of, is_flat, self._shape(result)))

    def _function(self) -> Function:
        printer, plan, names = self.printer, self.plan, self.printer.names
        totals = list(plan.cut.totals)
        for variable, whole in plan.wholes.items():
            whole.name = f"{names[variable]}_parts"
            _ = names[whole]
        arguments, kinds = arguments_of(printer, self.parameters)
        own_kinds = [Kind(m.dtype.name, 1, "C", True) for m in plan.memory]
        own_kinds += [Kind(v.dtype.name, max(v.ndim, 1), "C", True) for v in totals]
        own = [*self.memory.values(), *(self.parts[v] for v in totals)]
        start, stop = (names.new(n) for n in ("start", "stop"))
        parameters = [start, stop, *own, *(names[v] for v in self.parameters)]
        zeros = [
            f"{self.parts[v]}[...] = {v.dtype.name}({FOLDS[plan.cut.totals[v]][1]})" for v in totals
        ]
        head = [
            f"for {self.first} in range({start}, {stop}, {plan.step}):",
            f"    {self.last} = min({self.first} + {plan.step}, {stop})",
            f"    {self.count} = {self.last} - {self.first}",
        ]
        body = [*zeros, *head, *(f"    {line}" for line in self.lines)]
        text = written(f"def {self.name}({', '.join(parameters)}):", body)
        buffers = printer.buffers[plan.buffers] = names.new(f"{self.name}_buffers")
        spans = printer.bind(in_spans, "in_spans")
        call = ", ".join([self.name, str(plan.cut.length), str(plan.step), buffers, *arguments])
        printer.lines.append(f"{spans}({call})")
        whole_number = Kind("int64")
        return Function(self.name, text, [whole_number] * 2 + own_kinds + kinds)
