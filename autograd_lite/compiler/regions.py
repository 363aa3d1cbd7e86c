"""The source of a region: element-wise steps that go through large arrays block by block.

A block is small enough for the cache, and each thread has memory of its own for what is needed
only inside it. Reductions take a part of each block, and the parts are put together at the end.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_lite.compiler.memory import Slots, array_in
from autograd_lite.compiler.runtime import cut, share
from autograd_lite.compiler.schedule import Region, reduction_of, takes_out_by_name
from autograd_lite.functions import traits
from autograd_lite.program.ir import Step, Variable
from autograd_lite.rules.special import astype

BLOCK_ELEMENTS = 65_536
"""The elements of a block."""

PARALLEL_FROM_NANOSECONDS = 300_000
"""A region of more work is shared among threads."""

_INTEGERS = {4: np.dtype(np.int32), 8: np.dtype(np.int64)}


class RegionPrinter:
    """Prints the function of one region, and what calls it."""

    def __init__(self, printer: Any, region: Region, at: int) -> None:
        self.printer: Any = printer
        self.region: Region = region
        self.at: int = at
        self.calls: list[str] = []
        self.steps: list[Step] = region.steps
        self.read_outside: set[Variable] = {
            v
            for v in region.made
            if printer.liveness.last[v] > at or v in printer.outputs or reduction_of(self._maker(v))
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
        self.threads: int = self._threads()
        self.function_name: str = f"{printer.name}_{len(printer.functions)}"
        self.slots: Slots = Slots()
        self.slot_of: dict[Variable, int] = {}
        self.temporaries: list[tuple[str, int, Variable]] = []
        self.masks: dict[tuple[Variable, Any], str] = {}
        self.parameters: list[str] = []
        self.arguments: list[str] = []
        self.head: list[str] = []
        self.body: list[str] = []
        self.after: list[str] = []
        self._print()
        self.text: str = self._text()

    def _maker(self, variable: Variable) -> Step:
        return next(s for s in self.region.steps if variable in s.results)

    def _can_be_flat(self) -> bool:
        """Whether the arrays can be gone through as if they had one axis."""
        for variable in self.outside:
            full = variable.shape == self.region.shape
            known = variable in self.printer.slot_of or variable in self.printer.fresh
            if full and not (known or variable in self.printer.contiguous):
                return False
            if not full and variable.size != 1:
                return False
        reductions = [reduction_of(s) for s in self.steps]
        return all(r is None or len(r[1]) == len(self.region.shape) for r in reductions)

    def _axis(self) -> int:
        """The axis that is cut: the first one behind which there is less than a block."""
        for axis in range(len(self.shape)):
            if math.prod(self.shape[axis + 1 :]) <= BLOCK_ELEMENTS:
                return axis
        return len(self.shape) - 1

    def _threads(self) -> int:
        size = math.prod(self.shape)
        cost = sum(traits(s.function).nanoseconds for s in self.steps) * size
        if cost < PARALLEL_FROM_NANOSECONDS:
            return 1
        return len(share(self.count, self.block, self.printer.threads))

    def _index(self, variable: Variable) -> str | None:
        """The index that takes the block of an array; None where it is the same in every block."""
        if self.is_flat:
            return "[i:j]" if variable.size > 1 else None
        shape = variable.shape
        axis = self.axis - (len(self.region.shape) - len(shape))
        if axis < 0 or shape[axis] == 1:
            return None
        return "[" + ":, " * axis + "i:j]"

    def _parameter(self, variable: Variable) -> str:
        """The name of an array in the function: of the block where it has one."""
        name = self.printer.names[variable]
        argument = name
        if self.is_flat and variable.shape:
            argument = f"{name}.reshape(-1)"
        self.parameters.append(name)
        self.arguments.append(argument)
        index = self._index(variable)
        if index is None:
            return str(name)
        local = f"{name}__"
        while local in self.printer.variables:
            local += "_"
        self.head.append(f"{local} = {name}{index}")
        return local

    def _print(self) -> None:
        self.value: dict[Variable, str] = {v: self._parameter(v) for v in self.outside}
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
        workspaces = self._rooms()
        names = ", ".join([workspaces, *self.arguments])
        call = f"in_blocks({self.function_name}, {self.count}, {self.block}, {names})"
        self.calls += [call, *self.after]

    def _compute(self, step: Step, k: int, last: dict[Variable, int]) -> None:
        result = step.result
        function = step.function
        if result in self.read_outside:
            self.printer.place(result, self.at, self._overwritten(step))
            self.calls += self.printer.lines[-1:] if result in self.printer.outputs else []
            if result in self.printer.outputs:
                self.printer.lines.pop()
            self.value[result] = self._parameter(result)
        else:
            dying = [v for v in step.operands if last[v] == k] if function is not np.where else []
            self.value[result] = self._temporary(result, dying)
        out = self.value[result]
        arguments = [self._operand(a) for a in step.args]
        if function is np.where:
            self._select(step, out)
        elif function is astype:
            self.body.append(f"{self._bind(np.copyto)}({out}, {arguments[0]}, 'unsafe')")
        else:
            target = f"out={out}" if takes_out_by_name(function) else out
            self.body.append(f"{self._bind(function)}({', '.join(arguments)}, {target})")

    def _overwritten(self, step: Step) -> list[Variable]:
        """Arrays whose place a result can take: the block of them has been read by then.

        Nobody may read them later in the block, or see them through a view.
        """
        index = self.steps.index(step)
        later = {v for s in self.steps[index + 1 :] for v in s.operands}
        if step.function is np.where:
            later.update(step.operands)
        aliases = self.printer.liveness.aliases
        viewed = {root for v in self.outside for root in aliases.get(v, ())}
        read = {v for s in self.steps[: index + 1] for v in s.operands}
        return [v for v in self.outside if v in read - later - viewed]

    def _bind(self, function: Any) -> str:
        name: str = self.printer.function(function)
        return name

    def _operand(self, value: Any) -> str:
        if isinstance(value, Variable):
            return self.value[value]
        text: str = self.printer.expression(value)
        return text

    def _temporary(self, variable: Variable, dying: list[Variable]) -> str:
        """An array of a block's length."""
        self.printer.alone += variable.nbytes
        for operand in dying:
            slot = self.slot_of.get(operand)
            if slot is not None and operand.dtype == variable.dtype:
                del self.slot_of[operand]
                self.slot_of[variable] = slot
                self.printer.in_place += 1
                return self._in_slot(slot, variable.dtype)
        slot = self.slots.take(self._block_variable(variable.dtype).nbytes)
        self.slot_of[variable] = slot
        return self._in_slot(slot, variable.dtype)

    def _block_variable(self, dtype: Any) -> Variable:
        shape = (*self.shape[: self.axis], self.block, *self.shape[self.axis + 1 :])
        return Variable(shape, dtype)

    def _in_slot(self, slot: int, dtype: Any) -> str:
        name = f"t{slot}" if dtype == np.float64 else f"t{slot}_{np.dtype(dtype).char}"
        name = name.replace("?", "mask")
        while name in self.printer.variables:
            name += "_"
        if name not in [n for n, _, _ in self.temporaries]:
            self.temporaries.append((name, slot, self._block_variable(dtype)))
        return name

    def _select(self, step: Step, out: str) -> None:
        """where(c, x, y), by bits: y ^ ((x ^ y) & -c). A loop with a branch takes longer."""
        c, x, y = step.args
        dtype = step.result.dtype
        integer = _INTEGERS.get(dtype.itemsize)
        simple = (
            dtype.kind == "f"
            and integer is not None
            and isinstance(c, Variable)
            and c.dtype == bool
            and all(self._fits(v, step.result) for v in (c, x, y))
        )
        if not simple or integer is None:
            where = self._bind(np.where)
            parts = ", ".join(map(self._operand, step.args))
            self.body.append(f"{self._bind(np.copyto)}({out}, {where}({parts}))")
            return
        mask = self._mask(c, integer)
        kind = self.printer.bind(integer, str(integer))
        left, right = (self._bits(v, dtype, integer, kind) for v in (x, y))
        target = f"{out}.view({kind})"
        if right == "0":
            self.body.append(f"{self._bind(np.bitwise_and)}({left}, {mask}, {target})")
            return
        self.body += [
            f"{self._bind(np.bitwise_xor)}({left}, {right}, {target})",
            f"{self._bind(np.bitwise_and)}({target}, {mask}, {target})",
            f"{self._bind(np.bitwise_xor)}({target}, {right}, {target})",
        ]

    def _fits(self, value: Any, result: Variable) -> bool:
        if isinstance(value, Variable):
            full = value.shape == self.region.shape
            return full and (value.dtype in (result.dtype, bool))
        return isinstance(value, (int, float, np.generic))

    def _mask(self, c: Variable, integer: Any) -> str:
        """All bits where a condition holds, and none elsewhere."""
        known = self.masks.get((c, integer))
        if known is None:
            variable = Variable(self.region.shape, integer)
            slot = self.slots.take(self._block_variable(integer).nbytes)
            # Never given back: other steps may choose by the same condition.
            self.slot_of[variable] = slot
            known = self.masks[c, integer] = self._in_slot(slot, integer)
            int8 = self.printer.bind(np.dtype(np.int8), "int8")
            negative = self._bind(np.negative)
            self.body.append(f"{negative}({self.value[c]}.view({int8}), {known})")
        return known

    def _bits(self, value: Any, dtype: Any, integer: Any, kind: str) -> str:
        if isinstance(value, Variable):
            return f"{self.value[value]}.view({kind})"
        bits = np.asarray(value, dtype).view(integer)[()]
        return "0" if bits == 0 else self.printer.bind(bits, "bits")

    def _reduce(self, step: Step) -> None:
        found = reduction_of(step)
        assert found is not None
        ufunc, axes, keepdims = found
        x, result = self.value[step.args[0]], step.result
        reduce = f"{self._bind(ufunc)}.reduce"
        if self.is_flat or self.axis in axes:
            self._reduce_in_parts(step, reduce, x, axes, keepdims)
            return
        self.printer.place(result, self.at)
        if result in self.printer.outputs:
            self.calls.append(self.printer.lines.pop())
        name = self.printer.names[result]
        self.parameters.append(name)
        self.arguments.append(name)
        kept = self.axis if keepdims else self.axis - sum(a < self.axis for a in axes)
        index = "[" + ":, " * kept + "i:j]"
        self.body.append(f"{reduce}({x}, {axes}, None, {name}{index}, {keepdims})")

    def _reduce_in_parts(
        self, step: Step, reduce: str, x: str, axes: tuple[int, ...], keepdims: bool
    ) -> None:
        """A reduction along the axis that is cut: of each block first, then of all of them."""
        result = step.result
        name = self.printer.names[result]
        parts = Variable((-(-self.count // self.block), *result.shape), result.dtype)
        parts.name = f"{name}_parts"
        self.printer.place_parts(parts, self.at)
        label = self.printer.names[parts]
        self.parameters.append(label)
        self.arguments.append(label)
        if self.is_flat or not result.shape:
            axis = 0 if self.is_flat else axes
            self.body.append(f"{label}[i // step] = {reduce}({x}, {axis})")
        else:
            self.body.append(f"{reduce}({x}, {axes}, None, {label}[i // step], {keepdims})")
        if result.shape:
            before = len(self.printer.lines)
            self.printer.place(result, self.at)
            self.after += self.printer.lines[before:]
            del self.printer.lines[before:]
            self.after.append(f"{reduce}({label}, 0, None, {name})")
        else:
            self.after.append(f"{name} = {reduce}({label})")

    def _rooms(self) -> str:
        """The name of the threads' memory for blocks: a list of arrays for each of them."""
        temporaries = self.temporaries
        name = f"{self.function_name}_rooms"
        taken = [
            [self.printer.slots.take(size) for size in self.slots.sizes]
            for _ in range(self.threads)
        ]
        for slot in (slot for slots in taken for slot in slots):
            # Nobody needs them after the region.
            self.printer.slots.give(slot)

        def make(memory: list[Any], arrays: list[Any]) -> Any:
            return [
                [array_in(slots[slot], v)(memory, []) for _, slot, v in temporaries]
                for slots in taken
            ]

        self.printer.makers.append(make)
        self.printer.unpacked.append(name)
        return name

    def _text(self) -> str:
        parameters = list(dict.fromkeys(self.parameters))
        names = ", ".join(["start", "stop", "step", "workspace", *parameters])
        lines = [
            f"def {self.function_name}({names}):",
            "    for i in range(start, stop, step):",
            "        j = i + step if i + step < stop else stop",
        ]
        if self.temporaries:
            self.printer.namespace["cut"] = cut
            first = self.printer.bind(_first_of(self.axis), "first")
            whole = f"workspace if j - i == step else cut(workspace, {first}(j - i))"
            found = ", ".join(name for name, _, _ in self.temporaries)
            lines.append(f"        ({found},) = {whole}")
        lines += [f"        {line}" for line in (*self.head, *self.body)]
        return "\n".join(lines)


def _first_of(axis: int) -> Any:
    """A function that makes the index of the first n along an axis, the same one for each axis."""
    return _FIRST.setdefault(axis, lambda n: (*(slice(None),) * axis, slice(n)))


_FIRST: dict[int, Any] = {}
