"""Writing a program out as the NumPy source that is run.

What is needed only on the way lies in a `workspace`: arrays, and views of them, that are made once
and used by every call. What comes out is made anew.
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.compiler.matrix_products import gains_nothing_by_threads
from autograd_lite.compiler.memory import (
    Liveness,
    Slots,
    Workspaces,
    array_in,
    is_product,
)
from autograd_lite.compiler.native.blocks import BlocksPrinter
from autograd_lite.compiler.native.cut import Blocks, Cut
from autograd_lite.compiler.native.forms import is_native
from autograd_lite.compiler.native.segment import (
    RESERVED,
    Function,
    Segment,
    local_views,
    segments_of,
)
from autograd_lite.compiler.regions import RegionPrinter
from autograd_lite.compiler.runtime import in_blocks
from autograd_lite.compiler.schedule import Item, Region, reduction_of, schedule, takes_out_by_name
from autograd_lite.functions import traits
from autograd_lite.program.checked import checked
from autograd_lite.program.ir import Program, Step, Variable, function_name, is_elementwise
from autograd_lite.program.names import Names, identifier
from autograd_lite.rules.special import astype

Product = Callable[[Any, Any, Any], Any]


@dataclass
class Lowered:
    """The source of a program, the function it defines, and the workspaces that it works in.

    `in_place` is how many steps write over an operand, `reused` how many arrays lie in memory that
    held another before, and `alone` the bytes that all of them would take side by side. `natives`
    are the functions that have to be compiled before it runs, `is_silent` says that there are no
    calls of NumPy's beside them, which could warn, `is_single` that BLAS is to take one thread for
    each product, and `namespace` has everything that is called.
    """

    source: str
    run: Callable[..., tuple[Any, ...]]
    workspaces: Workspaces
    items: list[Item]
    in_place: int = 0
    reused: int = 0
    alone: int = 0
    products: dict[str, int] = field(default_factory=dict)
    natives: list[Function] = field(default_factory=list)
    is_silent: bool = False
    is_single: bool = False
    namespace: dict[str, Any] = field(default_factory=dict)


def lower(
    program: Program,
    contiguous: Sequence[bool],
    *,
    threads: int,
    donated: Sequence[bool] = (),
    product: Callable[[Step], tuple[str, Product]] | None = None,
    name: str = "run",
    native: bool = False,
    cut: Cut | None = None,
) -> Lowered:
    """Write `program` out and compile it.

    `contiguous` says which inputs are C-contiguous in every call, and `donated` which of them may
    be written to. `product` chooses how a matrix product is computed. With `native` the steps that
    have a native form are in functions for Numba, which are printed but not compiled.
    """
    return _Printer(program, contiguous, threads, donated, product, name, native, cut).lowered()


class _Printer:
    def __init__(
        self,
        program: Program,
        contiguous: Sequence[bool],
        threads: int,
        donated: Sequence[bool],
        product: Callable[[Step], tuple[str, Product]] | None,
        name: str,
        native: bool,
        cut: Cut | None,
    ) -> None:
        self.program, self.threads, self.product = program, threads, product
        self.cut = cut
        kind = is_native if native else None
        self.items: list[Item] = []
        if cut is None:
            self.items = schedule(program.steps, kind)
        else:
            first, last = (schedule(steps, kind) for steps in (cut.before, cut.after))
            self.items = [*first, Blocks(cut), *last]
        self.segments = segments_of(self.items) if native else {}
        self.local_views = local_views(self.items, self.segments, program.outputs)
        self.natives: list[Function] = []
        self.liveness = Liveness(self.items, program.outputs, self.segments)
        self.contiguous = {v for v, c in zip(program.inputs, contiguous, strict=True) if c}
        self.contiguous |= {
            v for v, value in program.constants.items() if np.asarray(value).flags.c_contiguous
        }
        self.outputs = set(program.outputs)
        # In another memory order blocks of them, and products, could not be written into place.
        given = [
            v
            for v, d in zip(program.inputs, donated or [], strict=False)
            if d and v.shape and v in self.contiguous
        ]
        self.donors = _pairs(program.outputs, given)
        self.namespace: dict[str, Any] = {"empty": np.empty}
        self.names = Names([*dir(builtins), *_RESERVED, *(RESERVED if native else ())])
        # All of them now, so that nothing else is called by one of them later.
        for variable in (*program.inputs, *program.constants):
            _ = self.names[variable]
        for step in program.steps:
            for result in step.results:
                _ = self.names[result]
        self.variables = frozenset(self.names.given.values())
        self.name = _unlike(name, {*self.variables, "in_blocks", "cut", "array", "empty"})
        self.slots = Slots()
        self.slot_of: dict[Variable, int] = {}
        self.holders: dict[int, int] = {}
        self.makers: list[Any] = []
        self.unpacked: list[str] = []
        self.fresh: set[Variable] = set()
        # Numbers, which nobody can write to.
        self.numbers = {v for v in (*program.inputs, *program.constants) if v.weak}
        self.in_workspace: dict[Variable, int] = {}
        self.lines: list[str] = []
        self.functions: list[str] = []
        self.in_place = self.reused = self.alone = 0
        self.products: dict[str, int] = {}

    def lowered(self) -> Lowered:
        """Print everything, and compile it."""
        arguments = [self.names[v] for v in self.program.inputs]
        for variable, value in self.program.constants.items():
            self.namespace[self.names[variable]] = value
        segment: Segment | None = None
        for at, item in enumerate(self.items):
            number = self.segments.get(at)
            if segment is not None and (segment.number != number or isinstance(item, Blocks)):
                self.natives += segment.close()
                segment = None
            if isinstance(item, Blocks):
                segment = self._blocks(item, at, number)
            elif number is not None:
                segment = segment or Segment(self, number)
                segment.add(item, at)
            elif isinstance(item, Region) and not item.is_native:
                self._region(item, at)
            else:
                # A native region that is no segment by itself has one step.
                for step in item.steps if isinstance(item, Region) else [item]:
                    self._step(step, at)
            self._release(item, at)
        if segment is not None:
            self.natives += segment.close()
        returned = self._returned()
        source = self._source(arguments, returned)
        natives = [function.name for function in self.natives]
        tree = checked(source, [*self.namespace, *natives, *dir(builtins)])
        code = compile(tree, f"<compiled {self.name}>", "exec")
        exec(code, self.namespace)
        workspaces = Workspaces(self.slots.sizes, self.makers)
        return Lowered(
            source,
            self.namespace[self.name],
            workspaces,
            self.items,
            self.in_place,
            self.reused,
            self.alone,
            self.products,
            self.natives,
            len(set(self.segments.values())) == 1 and len(self.segments) == len(self.items),
            self.cut is not None or gains_nothing_by_threads(self.program.steps),
            self.namespace,
        )

    def _blocks(self, blocks: Blocks, at: int, number: int | None) -> Segment:
        """Print what goes through the samples, and begin the function that comes after it."""
        printer = BlocksPrinter(self, blocks, at, self.function_name(len(self.natives)))
        self.natives.append(printer.printed())
        segment = Segment(self, -1 if number is None else number)
        printer.gather(segment)
        return segment

    def _source(self, arguments: list[str], returned: str) -> str:
        parameters = ", ".join([*arguments, "workspace"])
        head = [f"def {self.name}({parameters}):"]
        for start in range(0, len(self.unpacked), 8):
            names = ", ".join(self.unpacked[start : start + 8])
            comma = "," if len(self.unpacked[start : start + 8]) == 1 else ""
            head.append(f"    ({names}{comma}) = workspace[{start}:{start + 8}]")
        body = [f"    {line}" for line in self.lines]
        text = "\n".join([*head, *body, f"    return {returned}"])
        return "\n\n\n".join([*self.functions, text]) + "\n"

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
        return name in self.variables or name == self.name

    def function(self, function: Any) -> str:
        """The name of a function in the source."""
        return self.bind(function, function_name(function).removeprefix("np.").replace(".", "_"))

    def expression(self, tree: Any) -> str:
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

    def place(self, variable: Variable, at: int, operands: Sequence[Variable] = ()) -> str:
        """Give a variable an array: of its own if it comes out, else in the workspace.

        It takes the place of one of `operands` that is read for the last time at `at`.
        """
        name = self.names[variable]
        if variable in self.outputs:
            self.fresh.add(variable)
            donor = self._donor(variable, at, operands)
            dtype = self.bind(variable.dtype, variable.dtype.name)
            value = self.names[donor] if donor else f"empty({variable.shape}, {dtype})"
            self.lines.append(f"{name} = {value}")
            return name
        self.alone += variable.nbytes
        slot = self._slot_of_dying(variable, at, operands)
        if slot is None:
            before = len(self.slots.sizes)
            slot = self.slots.take(variable.nbytes)
            self.reused += len(self.slots.sizes) == before
        self.slot_of[variable] = slot
        self.holders[slot] = self.holders.get(slot, 0) + 1
        self._put_in_workspace(variable, array_in(slot, variable))
        return name

    def place_parts(self, variable: Variable, at: int) -> None:
        """Give a variable that is there during one item only an array in the workspace."""
        slot = self.slots.take(variable.nbytes)
        self.liveness.last[variable] = at
        self.slot_of[variable] = slot
        self.holders[slot] = self.holders.get(slot, 0) + 1
        self._put_in_workspace(variable, array_in(slot, variable))

    def _put_in_workspace(self, variable: Variable, maker: Any) -> None:
        self.in_workspace[variable] = len(self.makers)
        self.makers.append(maker)
        self.unpacked.append(self.names[variable])

    def _slot_of_dying(
        self, variable: Variable, at: int, operands: Sequence[Variable]
    ) -> int | None:
        for operand in operands:
            slot = self.slot_of.get(operand)
            alike = operand.shape == variable.shape and operand.dtype == variable.dtype
            if slot is not None and alike and self.liveness.last[operand] == at:
                # A view of it may be another operand, which would be written over too early.
                if not any(operand in self.liveness.aliases.get(v, ()) for v in operands):
                    self.in_place += 1
                    # It has no place any more, which nobody else can take then.
                    del self.slot_of[operand]
                    self.holders[slot] -= 1
                    return slot
        return None

    def _donor(self, variable: Variable, at: int, operands: Sequence[Variable]) -> Variable | None:
        """The input that was given away for a result, if nobody reads it any more."""
        donor = self.donors.get(variable)
        if donor is None:
            return None
        last = self.liveness.last.get(donor, -1)
        aliased = any(
            donor in roots and v is not donor and self.liveness.last[v] >= at
            for v, roots in self.liveness.aliases.items()
        )
        return donor if last < at or (last == at and donor in operands and not aliased) else None

    def _release(self, item: Item, at: int) -> None:
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

    def _step(self, step: Step, at: int) -> None:
        result = step.result
        if not step.several and not result.shape and is_elementwise(step):
            self._number(step)
        elif is_elementwise(step):
            self._elementwise(step, at)
        elif reduction_of(step) is not None:
            self._reduction(step, at)
        elif is_product(step) and not step.several:
            self._product(step, at)
        else:
            self.view(step)

    def view(self, step: Step) -> None:
        """Print a step that may give a view of what it reads: one that is made once, if it can."""
        if self._is_static_view(step):
            self._static_view(step)
        else:
            self._call(step)

    def function_name(self, number: int) -> str:
        """The name of a native function."""
        return _unlike(f"{self.name}_native_{number}", {*self.variables, *self.namespace})

    def _number(self, step: Step) -> None:
        """Python's operators are quicker on numbers than NumPy's functions."""
        self.numbers.add(step.result)
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

    def _elementwise(self, step: Step, at: int) -> None:
        if step.function is np.where:
            self._call(step, is_fresh=True)
            return
        name = self.place(step.result, at, step.operands)
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

    def _reduction(self, step: Step, at: int) -> None:
        found = reduction_of(step)
        assert found is not None
        ufunc, axes, keepdims = found
        x, reduce = self.names[step.args[0]], f"{self.function(ufunc)}.reduce"
        axis = axes if len(axes) != 1 else axes[0]
        if not step.result.shape:
            self.numbers.add(step.result)
            self.lines.append(f"{self.names[step.result]} = {reduce}({x}, {axis})")
            return
        name = self.place(step.result, at)
        self._say(f"{reduce}({x}, {axis}, None, {name}, {keepdims})", step)

    def _product(self, step: Step, at: int) -> None:
        name = self.place(step.result, at)
        label, function = (None, step.function)
        if self.product is not None:
            label, function = self.product(step)
            self.products[label] = self.products.get(label, 0) + 1
        called = self.bind(function, label or step.function.__name__)
        a, b = map(self.expression, step.args)
        self._say(f"{called}({a}, {b}, {name})", step)

    def _is_static_view(self, step: Step) -> bool:
        """Whether the result is the same view of the workspace in every call."""
        if not traits(step.function).views or step.several or not step.result.shape:
            return False
        x = step.args[0] if step.args else None
        if not isinstance(x, Variable) or x not in self.in_workspace:
            return False
        if any(isinstance(v, Variable) for v in step.operands[1:]):
            return False
        stand_in = np.empty(x.shape, x.dtype)
        if x not in self.slot_of and x not in self.contiguous:
            # A view of the workspace, which does not lie there as an array of its shape would.
            return False
        view = step.function(stand_in, *step.args[1:], **step.options)
        return isinstance(view, np.ndarray) and np.may_share_memory(view, stand_in)

    def _static_view(self, step: Step) -> None:
        index = self.in_workspace[step.args[0]]
        function, args, options = step.function, step.args[1:], step.options
        if step.result in self.outputs:
            self._call(step)
            return
        stand_in = np.empty(step.args[0].shape, step.args[0].dtype)
        if function(stand_in, *args, **options).flags.c_contiguous:
            self.contiguous.add(step.result)
        self._put_in_workspace(
            step.result, lambda memory, arrays: function(arrays[index], *args, **options)
        )

    def _call(self, step: Step, is_fresh: bool = False) -> None:
        arguments = [self.expression(a) for a in step.args]
        arguments += [f"{name}={self.expression(a)}" for name, a in step.options.items()]
        self.numbers.update(r for r in step.results if r.weak)
        names = ", ".join(self.names[r] for r in step.results)
        target = f"({names},)" if step.several and len(step.results) == 1 else names
        if is_fresh or not self.liveness.aliases.get(step.result):
            self.fresh.update(step.results)
        self.lines.append(f"{target} = {self.function(step.function)}({', '.join(arguments)})")

    def _region(self, region: Region, at: int) -> None:
        printer = RegionPrinter(self, region, at)
        self.functions.append(printer.text)
        self.namespace["in_blocks"] = in_blocks
        self.lines += printer.calls

    def _returned(self) -> str:
        """The names of the results, each an array that nobody else has."""
        seen: set[Variable] = set()
        parts = []
        for variable in self.program.outputs:
            name = self.names[variable]
            if (variable not in self.fresh or variable in seen) and variable not in self.numbers:
                # In the memory order that it has; of no dimensions it may be an array, or a scalar.
                self.namespace["array"] = np.array
                name = f"array({name})" if variable.shape else f"{name}.copy()"
            seen.add(variable)
            parts.append(name)
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"


def _unlike(name: str, taken: Collection[str]) -> str:
    """The name, with underscores behind it until nothing else has it."""
    while name in taken or keyword.iskeyword(name):
        name += "_"
    return name


def _pairs(outputs: Sequence[Variable], given: list[Variable]) -> dict[Variable, Variable]:
    """Pairs each output with the first input of its shape and dtype that no earlier one has."""
    pairs: dict[Variable, Variable] = {}
    for output in dict.fromkeys(outputs):
        for variable in given:
            if variable.shape == output.shape and variable.dtype == output.dtype:
                pairs[output] = variable
                given.remove(variable)
                break
    return pairs


_RESERVED = ("workspace", "empty", "array", "in_blocks", "cut", "start", "stop", "step", "i", "j")
