"""The NumPy source of a region: a function that goes through its arrays block by block."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.compiler.memory import Stretch
from autograd_lite.compiler.regions import RegionPlan, bits_of_choice
from autograd_lite.compiler.runtime import cut
from autograd_lite.compiler.schedule import reduction_of, takes_out_by_name
from autograd_lite.program.ir import Step, Variable
from autograd_lite.rules.special import astype


class RegionPrinter:
    """Prints the function of one region, as `text`, and the `calls` of it.

    `printer` is that of the program, which names things.
    """

    def __init__(self, printer: Any, plan: RegionPlan) -> None:
        self.printer: Any = printer
        self.plan: RegionPlan = plan
        self.function_name: str = f"{printer.name}_{len(printer.functions)}"
        self.names: dict[Stretch, str] = {}
        self.masks: dict[tuple[Variable, Any], str] = {}
        self.parameters: list[str] = []
        self.arguments: list[str] = []
        self.calls: list[str] = []
        self.head: list[str] = []
        self.body: list[str] = []
        self.after: list[str] = []
        self._print()
        self.text: str = self._text()

    def _print(self) -> None:
        plan = self.plan
        self.value: dict[Variable, str] = {v: self._parameter(v) for v in plan.outside}
        for step in plan.region.steps:
            if reduction_of(step) is not None:
                self._reduce(step)
            else:
                self._compute(step)
        buffers = f"{self.function_name}_buffers"
        self.printer.buffers[plan.buffers] = buffers
        names = ", ".join([buffers, *self.arguments])
        call = f"in_blocks({self.function_name}, {plan.count}, {plan.block}, {names})"
        self.calls += [call, *self.after]

    def _index(self, variable: Variable) -> str | None:
        """The index that takes the block of an array; None where it is the same in every block."""
        plan = self.plan
        if plan.is_flat:
            return "[i:j]" if variable.size > 1 else None
        axis = plan.axis - (len(plan.region.shape) - len(variable.shape))
        if axis < 0 or variable.shape[axis] == 1:
            return None
        return "[" + ":, " * axis + "i:j]"

    def _parameter(self, variable: Variable) -> str:
        """The name of an array in the function: of the block where it has one."""
        name: str = self.printer.names[variable]
        self._take(name, f"{name}.reshape(-1)" if self.plan.is_flat and variable.shape else name)
        index = self._index(variable)
        if index is None:
            return name
        local = f"{name}__"
        while local in self.printer.variables:
            local += "_"
        self.head.append(f"{local} = {name}{index}")
        return local

    def _take(self, parameter: str, argument: str) -> None:
        self.parameters.append(parameter)
        self.arguments.append(argument)

    def _compute(self, step: Step) -> None:
        result, function = step.result, step.function
        if result in self.plan.stored:
            self.calls += self.printer.made_anew(result)
            self.value[result] = self._parameter(result)
        else:
            self.value[result] = self._in_block(self.plan.temporaries[result])
        out = self.value[result]
        arguments = [self._operand(a) for a in step.args]
        if function is np.where:
            self._select(step, out)
        elif function is astype:
            self.body.append(f"{self._bind(np.copyto)}({out}, {arguments[0]}, 'unsafe')")
        else:
            target = f"out={out}" if takes_out_by_name(function) else out
            self.body.append(f"{self._bind(function)}({', '.join(arguments)}, {target})")

    def _bind(self, function: Any) -> str:
        name: str = self.printer.function(function)
        return name

    def _operand(self, value: Any) -> str:
        if isinstance(value, Variable):
            return self.value[value]
        text: str = self.printer.expression(value)
        return text

    def _in_block(self, array: Stretch) -> str:
        """The name of an array of a block."""
        name = self.names.get(array)
        if name is None:
            name = f"t{array.slot}"
            if array.dtype != np.float64:
                name += "_" + array.dtype.char.replace("?", "mask")
            while name in self.printer.variables:
                name += "_"
            self.names[array] = name
        return name

    def _select(self, step: Step, out: str) -> None:
        """Print `np.where`, by bits where it can be."""
        c, x, y = step.args
        integer = bits_of_choice(step, self.plan.region)
        if integer is None:
            where = self._bind(np.where)
            parts = ", ".join(map(self._operand, step.args))
            self.body.append(f"{self._bind(np.copyto)}({out}, {where}({parts}))")
            return
        mask = self._mask(c, integer)
        kind = self.printer.bind(integer, str(integer))
        left, right = (self._bits(v, step.result.dtype, integer, kind) for v in (x, y))
        target = f"{out}.view({kind})"
        if right == "0":
            self.body.append(f"{self._bind(np.bitwise_and)}({left}, {mask}, {target})")
            return
        self.body += [
            f"{self._bind(np.bitwise_xor)}({left}, {right}, {target})",
            f"{self._bind(np.bitwise_and)}({target}, {mask}, {target})",
            f"{self._bind(np.bitwise_xor)}({target}, {right}, {target})",
        ]

    def _mask(self, c: Variable, integer: np.dtype[Any]) -> str:
        """All bits where a condition holds, and none elsewhere."""
        known = self.masks.get((c, integer))
        if known is None:
            known = self.masks[c, integer] = self._in_block(self.plan.masks[c, integer])
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
        plan, x, result = self.plan, self.value[step.args[0]], step.result
        reduce = f"{self._bind(ufunc)}.reduce"
        if result in plan.parts:
            self._reduce_in_parts(step, reduce, x, axes, keepdims)
            return
        self.calls += self.printer.made_anew(result)
        name = self.printer.names[result]
        self._take(name, name)
        kept = plan.axis if keepdims else plan.axis - sum(a < plan.axis for a in axes)
        index = "[" + ":, " * kept + "i:j]"
        self.body.append(f"{reduce}({x}, {axes}, None, {name}{index}, {keepdims})")

    def _reduce_in_parts(
        self, step: Step, reduce: str, x: str, axes: tuple[int, ...], keepdims: bool
    ) -> None:
        """A reduction along the axis that is cut: of each block first, then of all of them."""
        result, plan = step.result, self.plan
        name = self.printer.names[result]
        plan.parts[result].name = f"{name}_parts"
        label = self.printer.names[plan.parts[result]]
        self._take(label, label)
        if plan.is_flat or not result.shape:
            axis = 0 if plan.is_flat else axes
            self.body.append(f"{label}[i // step] = {reduce}({x}, {axis})")
        else:
            self.body.append(f"{reduce}({x}, {axes}, None, {label}[i // step], {keepdims})")
        if result.shape:
            self.after += self.printer.made_anew(result)
            self.after.append(f"{reduce}({label}, 0, None, {name})")
        else:
            self.after.append(f"{name} = {reduce}({label})")

    def _text(self) -> str:
        parameters = list(dict.fromkeys(self.parameters))
        names = ", ".join(["start", "stop", "step", "workspace", *parameters])
        lines = [
            f"def {self.function_name}({names}):",
            "    for i in range(start, stop, step):",
            "        j = i + step if i + step < stop else stop",
        ]
        if self.plan.arrays:
            self.printer.namespace["cut"] = cut
            whole = f"workspace if j - i == step else cut(workspace, {self.plan.axis}, j - i)"
            found = ", ".join(map(self._in_block, self.plan.arrays))
            lines.append(f"        ({found},) = {whole}")
        lines += [f"        {line}" for line in (*self.head, *self.body)]
        return "\n".join(lines)
