"""The NumPy source of a program, and of the making of a workspace, from the schedule and the plan
of memory."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Tree
from autograd_lite.compiler.memory import (
    Buffers,
    MemoryPlan,
    Returned,
    StaticView,
    Stretch,
    is_product,
)
from autograd_lite.compiler.native.blocks import BlocksPrinter
from autograd_lite.compiler.native.cut import Blocks
from autograd_lite.compiler.native.segment import MEMORY, RESERVED, Function, Segment
from autograd_lite.compiler.region_source import RegionPrinter
from autograd_lite.compiler.runtime import aligned, array_in, in_blocks, starts_of
from autograd_lite.compiler.schedule import Item, Region, reduction_of, takes_out_by_name
from autograd_lite.functions import traits
from autograd_lite.program.ir import Program, Step, Variable, function_name, is_elementwise
from autograd_lite.program.names import Names, identifier
from autograd_lite.rules.special import astype

Product = Callable[[Any, Any, Any], Any]

WORKSPACE_MAKER = "new_workspace"
"""The name of the function that makes a workspace."""

_NAME = re.compile(r"\w+")

_RESERVED = (
    *("workspace", "memory", "aligned", "array_in", WORKSPACE_MAKER, "empty", "array"),
    *("in_blocks", "cut", "start", "stop", "step", "i", "j"),
)


class SourcePrinter:
    """Prints a program with a settled schedule and memory plan.

    `segments` has the number of the native function of each item that is in one, `local_views` the
    views that are made inside of them, and `product` chooses how a matrix product is computed.
    Afterwards `namespace` has everything that the source calls but its own functions, and `natives`
    the native ones.
    """

    def __init__(
        self,
        program: Program,
        items: Sequence[Item],
        plan: MemoryPlan,
        segments: dict[int, int],
        local_views: Collection[Variable],
        product: Callable[[Step], tuple[str, Product]] | None,
        name: str,
        native: bool,
    ) -> None:
        self.program, self.items, self.plan = program, items, plan
        self.segments, self.local_views, self.product = segments, local_views, product
        self.natives: list[Function] = []
        self.outputs: set[Variable] = set(program.outputs)
        self.namespace: dict[str, Any] = {"empty": np.empty}
        # What native source calls by these names is something else.
        self.reserved: frozenset[str] = frozenset(RESERVED if native else ())
        self.names: Names = Names([*dir(builtins), *_RESERVED, *self.reserved])
        # All of them now, so that nothing else is called by one of them later.
        for variable in (*program.inputs, *program.constants):
            _ = self.names[variable]
        for step in program.steps:
            for result in step.results:
                _ = self.names[result]
        self.variables: frozenset[str] = frozenset(self.names.given.values())
        self.name: str = _unlike(name, {*self.variables, *_RESERVED})
        self.buffers: dict[Buffers, str] = {}
        self.lines: list[str] = []
        self.functions: list[str] = []
        self.products: dict[str, int] = {}

    def printed(self) -> str:
        """The source: native functions are left out."""
        for variable, value in self.program.constants.items():
            self.namespace[self.names[variable]] = value
        segment: Segment | None = None
        for at, item in enumerate(self.items):
            number = self.segments.get(at)
            if segment is not None and (segment.number != number or isinstance(item, Blocks)):
                self.natives += segment.close()
                segment = None
            if isinstance(item, Blocks):
                segment = self._blocks(at, number)
            elif number is not None:
                segment = segment or Segment(self, number)
                segment.add(item)
            elif isinstance(item, Region) and not item.is_native:
                self._region(at)
            else:
                # A native region that is no segment by itself has one step.
                for step in item.steps if isinstance(item, Region) else [item]:
                    self._step(step)
        if segment is not None:
            self.natives += segment.close()
        return "\n\n\n".join([*self.functions, self._maker(), self._main()]) + "\n"

    def _blocks(self, at: int, number: int | None) -> Segment:
        """Print the loop over blocks of samples, and begin the native function after it."""
        plan = self.plan.inside[at]
        name = self.function_name(len(self.natives))
        self.natives.append(BlocksPrinter(self, plan, name).printed())
        segment = Segment(self, -1 if number is None else number)
        segment.gather(plan)
        return segment

    def _region(self, at: int) -> None:
        printer = RegionPrinter(self, self.plan.inside[at])
        self.functions.append(printer.text)
        self.namespace["in_blocks"] = in_blocks
        self.lines += printer.calls

    def _main(self) -> str:
        """The function that runs the program in a workspace."""
        arguments = [self.names[v] for v in self.program.inputs]
        returned = self._returned()
        head = [f"def {self.name}({', '.join([*arguments, 'workspace'])}):"]
        names = self._unpacked()
        for start in range(0, len(names), 8):
            some = names[start : start + 8]
            comma = "," if len(some) == 1 else ""
            head.append(f"    ({', '.join(some)}{comma}) = workspace[{start}:{start + 8}]")
        return "\n".join([*head, *(f"    {line}" for line in self.lines), f"    return {returned}"])

    def _maker(self) -> str:
        """The function that makes a workspace."""
        lines = [f"def {WORKSPACE_MAKER}():"]
        if self.plan.sizes:
            self.namespace.update(aligned=aligned)
            lines.append(f"    memory = aligned({starts_of(self.plan.sizes)[-1]})")
        names = self._unpacked()
        used = set(names)
        made = []
        for entry in reversed(self.plan.workspace):
            name, text = self._in_workspace(entry), self._made(entry)
            if name in used:
                made.append(f"    {name} = {text}")
                used.update(_NAME.findall(text))
        lines += reversed(made)
        comma = "," if len(names) == 1 else ""
        return "\n".join([*lines, f"    return ({', '.join(names)}{comma})"])

    def _unpacked(self) -> list[str]:
        """The names of what the main function takes out of the workspace."""
        used = set(_NAME.findall("\n".join([*self.functions, *self.lines])))
        names = [MEMORY, *(self._in_workspace(entry) for entry in self.plan.workspace)]
        return [name for name in names if name in used]

    def _in_workspace(self, entry: Variable | Buffers) -> str:
        return self.buffers[entry] if isinstance(entry, Buffers) else self.names[entry]

    def _made(self, entry: Variable | Buffers) -> str:
        """The expression that makes a part of a workspace."""
        if isinstance(entry, Buffers):
            parts = [self.names[part] for part in entry.parts]
            own = []
            for t, arrays in enumerate(entry.arrays):
                texts = [*map(self._stretch, arrays), *(f"{part}[{t}]" for part in parts)]
                own.append(f"[{', '.join(texts)}]")
            return f"[{', '.join(own)}]"
        place = self.plan.places[entry]
        if isinstance(place, Stretch):
            return self._stretch(place)
        assert isinstance(place, StaticView)
        return self._called(place.step)

    def _stretch(self, place: Stretch) -> str:
        self.namespace.update(array_in=array_in)
        dtype = self.bind(place.dtype, place.dtype.name)
        return f"array_in({MEMORY}, {self.start_of(place)}, {place.shape}, {dtype})"

    def start_of(self, place: Stretch) -> int:
        """The byte of the memory at which an array begins."""
        return starts_of(self.plan.sizes)[place.slot]

    def made_anew(self, variable: Variable) -> list[str]:
        """The line that makes the array of a result, where it is no part of the workspace."""
        place = self.plan.places[variable]
        if not isinstance(place, Returned):
            return []
        name, dtype = self.names[variable], variable.dtype
        if place.donor is not None:
            return [f"{name} = {self.names[place.donor]}"]
        return [f"{name} = empty({variable.shape}, {self.bind(dtype, dtype.name)})"]

    def function_name(self, number: int) -> str:
        """The name of a native function."""
        return _unlike(f"{self.name}_native_{number}", {*self.variables, *self.namespace})

    def bind(self, value: Any, wish: str) -> str:
        """A name for something that the source uses."""
        name, number = (wish := identifier(wish)), 2
        while self._is_taken(name, value):
            name, number = f"{wish}_{number}", number + 1
        self.namespace[name] = value
        return name

    def _is_taken(self, name: str, value: Any) -> bool:
        if name in self.namespace:
            return self.namespace[name] is not value
        return name in self.variables or name == self.name or name in self.reserved

    def function(self, function: Any) -> str:
        """The name of a function in the source."""
        return self.bind(function, function_name(function).removeprefix("np.").replace(".", "_"))

    def expression(self, tree: Tree) -> str:
        """An argument as source."""
        if isinstance(tree, Variable):
            return self.names[tree]
        if isinstance(tree, tuple) and not hasattr(tree, "_fields"):
            inner = ", ".join(map(self.expression, tree))
            return f"({inner},)" if len(tree) == 1 else f"({inner})"
        if isinstance(tree, list):
            return f"[{', '.join(map(self.expression, tree))}]"
        if isinstance(tree, slice):
            parts = ", ".join(map(self.expression, (tree.start, tree.stop, tree.step)))
            return f"slice({parts})"
        plain = type(tree) in (int, float, bool, str, type(None), type(Ellipsis))
        if plain and repr(tree) not in ("inf", "-inf", "nan"):
            return "..." if tree is Ellipsis else repr(tree)
        return self.bind(tree, "constant")

    def _step(self, step: Step) -> None:
        if step.result in self.plan.places:
            self._into_place(step)
        elif is_elementwise(step) and not step.result.shape:
            self._number(step)
        elif reduction_of(step) is not None:
            self._total(step)
        else:
            self._call(step)

    def view(self, step: Step) -> None:
        """Print a step that may give a view, unless the view is static."""
        if step.result not in self.plan.places:
            self._call(step)

    def _into_place(self, step: Step) -> None:
        """Print a step that writes its result into an array."""
        if isinstance(self.plan.places[step.result], StaticView):
            return
        self.lines += self.made_anew(step.result)
        if is_elementwise(step):
            self._elementwise(step)
        elif is_product(step):
            self._product(step)
        else:
            self._reduction(step)

    def _number(self, step: Step) -> None:
        """Python's operators are quicker on numbers than NumPy's functions."""
        result, arguments = self.names[step.result], [self.expression(a) for a in step.args]
        sign = traits(step.function).operator
        if sign is not None and len(arguments) == 2 and sign.is_on_numbers:
            text = f" {sign.symbol} ".join(arguments)
        elif step.function is np.negative:
            text = f"-{arguments[0]}"
        elif step.function is astype:
            text = (
                f"{self.bind(step.result.dtype.type, step.result.dtype.name + '_')}({arguments[0]})"
            )
        else:
            text = f"{self.function(step.function)}({', '.join(arguments)})"
        self.lines.append(f"{result} = {text}")

    def _elementwise(self, step: Step) -> None:
        name = self.names[step.result]
        arguments = ", ".join(map(self.expression, step.args))
        if step.function is astype:
            copyto = self.bind(np.copyto, "copyto")
            self._say(f"{copyto}({name}, {self.expression(step.args[0])}, 'unsafe')", step)
            return
        out = f"out={name}" if takes_out_by_name(step.function) else name
        self._say(f"{self.function(step.function)}({arguments}, {out})", step)

    def _say(self, text: str, step: Step) -> None:
        types = ", ".join(f"{self.names[r]}: {r.array_type}" for r in step.results)
        self.lines.append(f"{text}  # {types}")

    def _total(self, step: Step) -> None:
        """Print a reduction to a number."""
        ufunc, axes, _ = _reduction(step)
        axis = axes if len(axes) != 1 else axes[0]
        x, reduce = self.names[step.args[0]], f"{self.function(ufunc)}.reduce"
        self.lines.append(f"{self.names[step.result]} = {reduce}({x}, {axis})")

    def _reduction(self, step: Step) -> None:
        ufunc, axes, keepdims = _reduction(step)
        axis = axes if len(axes) != 1 else axes[0]
        x, reduce = self.names[step.args[0]], f"{self.function(ufunc)}.reduce"
        self._say(f"{reduce}({x}, {axis}, None, {self.names[step.result]}, {keepdims})", step)

    def _product(self, step: Step) -> None:
        name = self.names[step.result]
        label, function = (None, step.function)
        if self.product is not None:
            label, function = self.product(step)
            self.products[label] = self.products.get(label, 0) + 1
        called = self.bind(function, label or step.function.__name__)
        a, b = map(self.expression, step.args)
        self._say(f"{called}({a}, {b}, {name})", step)

    def _call(self, step: Step) -> None:
        names = ", ".join(self.names[r] for r in step.results)
        target = f"({names},)" if step.several and len(step.results) == 1 else names
        self.lines.append(f"{target} = {self._called(step)}")

    def _called(self, step: Step) -> str:
        """A step as a call of its function."""
        arguments = [self.expression(a) for a in step.args]
        arguments += [f"{name}={self.expression(a)}" for name, a in step.options.items()]
        return f"{self.function(step.function)}({', '.join(arguments)})"

    def _returned(self) -> str:
        """The names of the results, each an array of its own."""
        plan = self.plan
        seen: set[Variable] = set()
        parts = []
        for variable in self.program.outputs:
            name = self.names[variable]
            if (variable not in plan.fresh or variable in seen) and variable not in plan.numbers:
                # In the memory order that it has; of no dimensions it may be an array, or a scalar.
                self.namespace["array"] = np.array
                name = f"array({name})" if variable.shape else f"{name}.copy()"
            seen.add(variable)
            parts.append(name)
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def _reduction(step: Step) -> tuple[np.ufunc, tuple[int, ...], bool]:
    found = reduction_of(step)
    assert found is not None
    return found


def _unlike(name: str, taken: Collection[str]) -> str:
    """The name, with underscores behind it until nothing else has it."""
    while name in taken or keyword.iskeyword(name):
        name += "_"
    return name
