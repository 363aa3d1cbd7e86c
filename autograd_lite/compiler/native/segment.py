"""Segments: runs of steps that are one native function, with NumPy's calls between them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from autograd_lite.arrays.contracts import Index
from autograd_lite.compiler.memory import Returned, Stretch
from autograd_lite.compiler.native.forms import (
    ROWS_LIMIT,
    dtype_name,
    element,
    is_native,
    is_native_product,
    is_native_view,
    product,
)
from autograd_lite.compiler.native.loops import FOLDS, Loops
from autograd_lite.compiler.native.plans import RESHAPES, BlocksPlan, as_region, outside_of
from autograd_lite.compiler.schedule import Item, Region, reduction_of
from autograd_lite.program.ir import Step, Variable

ELEMENTARY = (
    *("exp", "expm1", "log", "log1p", "tanh", "logaddexp"),
    *("maximum", "minimum", "fmax", "fmin", "plus", "widest_vectors"),
)
PRODUCTS = [f"multiply_{kind}" for kind in ("float32", "float64")]
PRODUCTS += [
    f"few_rows_{rows}_{kind}"
    for rows in range(1, ROWS_LIMIT + 1)
    for kind in ("float32", "float64")
]
DTYPES = ("float32", "float64", "int64", "bool_")
DECORATOR = '@njit(error_model="numpy", nogil=True, cache=True)'
RESERVED = ("np", "njit", "first", "range", "min", "abs", *ELEMENTARY, *PRODUCTS, *DTYPES)
"""Names that stand for something in native source."""

MEMORY = "memory"
"""The name of the bytes in which the values of a program lie."""


class Kind(NamedTuple):
    """The type of a parameter: a number if `ndim` is 0; `layout` is C or A, for any."""

    dtype: str
    ndim: int = 0
    layout: str = "C"
    is_written: bool = False


@dataclass
class Function:
    """The source of a native function, and the types of its parameters."""

    name: str
    source: str
    kinds: list[Kind] = field(default_factory=list)


def segments_of(items: Sequence[Item]) -> dict[int, int]:
    """The number of the segment of each item that is in one."""
    found: dict[int, int] = {}
    start = 0
    for at in range(len(items) + 1):
        # Blocks are a function of their own, and what gathers their totals begins another one.
        is_blocks = at < len(items) and getattr(items[at], "cut", None) is not None
        if at < len(items) and _is_native(items[at]) and not is_blocks:
            continue
        run = range(start, at)
        start = at if is_blocks else at + 1
        if sum(_weight(items[i]) for i in run) > 1:
            found.update(dict.fromkeys(run, len(set(found.values()))))
    return found


def _is_native(item: Item) -> bool:
    return item.is_native if isinstance(item, Region) else is_native(item)


def _weight(item: Item) -> int:
    """The number of NumPy's calls that an item saves: views cost next to nothing."""
    if isinstance(item, Region):
        return len(item.steps)
    return 0 if is_native_view(item) else 1


def local_views(
    items: Sequence[Item], segments: Mapping[int, int], outputs: Sequence[Variable]
) -> set[Variable]:
    """The views that only native code of the same segment reads: they are made there."""
    readers: dict[Variable, set[int | None]] = {v: {None} for v in outputs}
    found: set[Variable] = set()
    for at in reversed(range(len(items))):
        item = items[at]
        segment = segments.get(at)
        is_view = not isinstance(item, Region) and segment is not None and is_native_view(item)
        if is_view and readers.get(item.result, set()) == {segment}:  # type: ignore[union-attr]
            found.add(item.result)  # type: ignore[union-attr]
            reader: int | None = segment
        else:
            # A view that is made outside is made there before the native function is called.
            reader = None if is_view else segment
        for step in item.steps if isinstance(item, Region) else [item]:
            for operand in step.operands:
                readers.setdefault(operand, set()).add(reader)
    return found


class Segment:
    """Prints one native function, item by item, and its call.

    `printer` is that of the program: it gives arrays their places.
    """

    def __init__(self, printer: Any, number: int) -> None:
        self.printer: Any = printer
        self.number: int = number
        self.name: Any = printer.function_name(len(printer.natives))
        self.lines: list[str] = []
        self.parameters: dict[Variable, bool] = {}
        self.local: set[Variable] = set()
        self.made_numbers: list[Variable] = []
        self.regions: int = 0

    def add(self, item: Item) -> None:
        """Print an item of the schedule."""
        if isinstance(item, Region) or reduction_of(item) is not None:
            self._region(as_region(item))
        elif is_native_view(item):
            self._view(item)
        elif is_native_product(item):
            self._product(item)
        else:
            self._use(item.operands)
            text = element(item, self.printer.names)
            self._make(item.result)
            self.lines.append(f"{self.printer.names[item.result]} = {text}")

    def _use(self, variables: Sequence[Variable]) -> None:
        for variable in variables:
            if variable not in self.local:
                self.parameters.setdefault(variable, False)

    def _make(self, variable: Variable) -> None:
        """Note a value as made here: a number, or an array that is written into."""
        if variable.shape:
            self.printer.lines += self.printer.made_anew(variable)
            self.parameters[variable] = True
        else:
            self.local.add(variable)
            self.made_numbers.append(variable)

    def _region(self, region: Region) -> None:
        self._use(outside_of(region))
        kept = []
        for step in region.steps:
            if reduction_of(step) is not None:
                self._make(step.result)
            elif step.result in self.printer.plan.places:
                kept.append(step.result)
                self._make(step.result)
        flat = self.printer.plan.contiguous.__contains__
        loops = Loops(region, self.printer.names, flat, kept, self._mark())
        self.lines += loops.lines()

    def _mark(self) -> str:
        self.regions += 1
        return mark_of(self.regions, self.printer.variables)

    def _product(self, step: Step) -> None:
        a, b = step.args
        self._use([a, b])
        self._make(step.result)
        of_a, of_b, out = (self.printer.names[v] for v in (a, b, step.result))
        self.lines.append(product(step, of_a, of_b, out, adds=False))

    def _view(self, step: Step) -> None:
        result, x = step.result, step.args[0]
        if result not in self.printer.local_views:
            self.printer.view(step)
            return
        self._use([x])
        self.local.add(result)
        names = self.printer.names
        is_flat = x in self.printer.plan.contiguous
        self.lines.append(view(step, names[result], names[x], is_flat, str(result.shape)))

    def gather(self, blocks: BlocksPlan) -> None:
        """Print the sum of the threads' totals over the blocks, in the order of the samples."""
        for variable, parts in blocks.wholes.items():
            self._gather(variable, parts, blocks.threads, blocks.cut.totals[variable])

    def _gather(self, variable: Variable, parts: Variable, threads: int, ufunc: np.ufunc) -> None:
        names = self.printer.names
        fold = FOLDS[ufunc][0]
        self._use([parts])
        self._make(variable)
        of, total = names[parts], names[variable]
        if not variable.shape:
            self.lines.append(f"{total} = {of}[0, 0]")
            self.lines += [f"{total} = {fold}({total}, {of}[{t}, 0])" for t in range(1, threads)]
            return
        mark = self._mark()
        term = f"{of}{mark}[0, i{mark}]"
        for t in range(1, threads):
            term = f"{fold}({term}, {of}{mark}[{t}, i{mark}])"
        self.lines += [
            f"{of}{mark} = {of}.reshape(({threads}, {variable.size}))",
            f"{total}{mark} = {total}.reshape(-1)",
            f"for i{mark} in range({variable.size}):",
            f"    {total}{mark}[i{mark}] = {term}",
        ]

    def close(self) -> list[Function]:
        """Print the call and give the function; no function if it would be empty."""
        if not self.lines:
            return []
        printer, names = self.printer, self.printer.names
        returned = [v for v in self.made_numbers if self._is_read_later(v)]
        made = self._made_inside()
        arguments, kinds = arguments_of(printer, self.parameters)
        parameters = [names[v] for v in self.parameters]
        if any(MEMORY in line for line in made):
            # One argument for all of them: each costs some hundred nanoseconds.
            arguments, parameters = [MEMORY, *arguments], [MEMORY, *parameters]
            kinds = [Kind("uint8", 1, "C", True), *kinds]
        call = f"{self.name}({', '.join(arguments)})"
        if returned:
            call = f"({', '.join(names[v] for v in returned)},) = {call}"
        printer.lines.append(call)
        for variable in returned:
            if not variable.weak:
                name = names[variable]
                printer.lines.append(f"{name} = {number_type(printer, variable)}({name})")
        body = [*made, *self.lines]
        if returned:
            body.append(f"return ({', '.join(names[v] for v in returned)},)")
        head = f"def {self.name}({', '.join(parameters)}):"
        return [Function(self.name, written(head, body), kinds)]

    def _made_inside(self) -> list[str]:
        """The lines for arrays that need not be passed: those in the memory, and results that are
        written over an input. They are no parameters any more.
        """
        printer, lines = self.printer, []
        for variable in list(self.parameters):
            name, place = printer.names[variable], printer.plan.places.get(variable)
            if isinstance(place, Stretch):
                start = printer.start_of(place)
                stop = start + variable.nbytes
                dtype = dtype_name(variable.dtype)
                stretch = f"{MEMORY}[{start}:{stop}].view({dtype})"
                lines.append(f"{name} = {stretch}.reshape({variable.shape})")
            elif isinstance(place, Returned) and place.donor in self.parameters:
                lines.append(f"{name} = {printer.names[place.donor]}")
                self.parameters[place.donor] = True
            else:
                continue
            del self.parameters[variable]
        return lines

    def _is_read_later(self, variable: Variable) -> bool:
        printer = self.printer
        last = printer.plan.last[variable]
        return variable in printer.outputs or printer.segments.get(last) != self.number


def written(head: str, body: Sequence[str]) -> str:
    """The source of a native function."""
    lines = ["widest_vectors()", *body]
    return "\n".join([DECORATOR, head, *(f"    {line}" for line in lines)])


def arguments_of(printer: Any, parameters: Mapping[Variable, bool]) -> tuple[list[str], list[Kind]]:
    """The arguments of a call and the types of its parameters; some of them are written to."""
    arguments, kinds = [], []
    for variable, is_written in parameters.items():
        name = printer.names[variable]
        if variable.shape:
            layout = "C" if variable in printer.plan.contiguous else "A"
            kinds.append(Kind(variable.dtype.name, variable.ndim, layout, is_written))
        else:
            kinds.append(Kind(variable.dtype.name))
            name = name if variable.weak else f"{number_type(printer, variable)}({name})"
        arguments.append(name)
    return arguments, kinds


def mark_of(region: int, names: Collection[str]) -> str:
    """The text at the end of a region's local names: no name of a variable ends with it."""
    mark = f"_{region}"
    while any(name.endswith(mark) for name in names):
        mark = f"_{mark}"
    return mark


def number_type(printer: Any, variable: Variable) -> str:
    """The name of the type of a number."""
    name: str = printer.bind(variable.dtype.type, f"{variable.dtype.name}_")
    return name


def view(step: Step, name: str, of: str, is_flat: bool, shape: str) -> str:
    """The line that makes a view, of an array that lies in one piece if it `is_flat`."""
    if step.function is np.transpose:
        return f"{name} = {of}.T"
    if step.function in RESHAPES:
        whole = of if is_flat else f"np.ascontiguousarray({of})"
        return f"{name} = {whole}.reshape({shape})"
    return f"{name} = {of}[{index_text(step.args[1])}]"


def index_text(index: Index) -> str:
    """A basic index as source."""
    parts = index if isinstance(index, tuple) else (index,)
    return ", ".join(map(_part, parts))


def _part(index: Index) -> str:
    if not isinstance(index, slice):
        return repr(index)
    start, stop = ("" if end is None else repr(int(end)) for end in (index.start, index.stop))
    step = "" if index.step is None else f":{int(index.step)}"
    return f"{start}:{stop}{step}"


def module(functions: Sequence[Function]) -> str:
    """A module with the functions, ready to be compiled."""
    text = "\n\n\n".join(function.source for function in functions)
    used = [name for name in ELEMENTARY if f"{name}(" in text]
    products = [name for name in PRODUCTS if f"{name}(" in text]
    dtypes = [name for name in DTYPES if f"{name}(" in text or f"({name})" in text]
    package = "autograd_lite.compiler.native"
    head = ["import numpy as np", "from numba import njit"]
    head += [f"from {package}.elementary import {', '.join(used)}"] if used else []
    head += [f"from {package}.products import {', '.join(products)}"] if products else []
    head += [f"from numpy import {', '.join(dtypes)}"] if dtypes else []
    return "\n".join(head) + "\n\n\n" + text + "\n"
