"""A derivative rule as an expression: it is traced, rewritten as people read it, and printed."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

import numpy as np

from autograd_lite.arrays.trees import leaves_of
from autograd_lite.derivation.constants import array_text, number_text
from autograd_lite.derivation.expressions import NoExpression, Printer, Text
from autograd_lite.derivation.standins import StandIn, stand_in
from autograd_lite.functions import ATOM
from autograd_lite.gradients import TupleGradient, as_plain
from autograd_lite.program.identities import readable
from autograd_lite.program.ir import Program, Step, Variable, function_name
from autograd_lite.program.rewriting import Rewriting, without_dead
from autograd_lite.program.tracing import Trace, Tracer
from autograd_lite.rules.signal import full_convolution
from autograd_lite.rules.special import relu, sigmoid, softplus

REWRITE_LIMIT_ROUNDS = 6
"""Identities are applied up to this often."""

TEXT_LIMIT_CHARACTERS = 6_000
"""Rules with longer expressions are not written as one."""


def written_rule(rule: Callable[..., Any], arguments: Sequence[Any], names: Sequence[Any]) -> str:
    """The expression that a rule computes of these arguments; gradients of several are a list.

    `names` has what each argument is called: for a tuple, a list or a TupleGradient a tuple of
    what its items are. Stand-ins are traced; other arrays, and what is called None, are there for
    the rule to look at. Raises NoExpression of what is too long, and whatever a rule raises that
    decides by values.

    >>> written_rule(lambda g, x: g * np.cos(x), [stand_in((3,), float)] * 2, ["dz", "x"])
    'dz * np.cos(x)'
    """
    trace = Trace(getattr(rule, "__name__", "rule"))
    names_of = _Names(trace)
    found = as_plain(names_of.opened(rule)(*map(names_of.argument, arguments, names)))
    names_of.free_constants()
    outputs = [v.variable for v in leaves_of(_listed(found)) if isinstance(v, Tracer)]
    program = _rewritten(trace, outputs, names_of.numbers)
    printer = RulePrinter()
    texts = _printed(program, names_of.texts, printer)
    shown = dict(zip(outputs, (texts[v] for v in program.outputs), strict=True))
    return _tree_text(_listed(found), shown, printer)


class _Names:
    """The names of a rule's arguments, for running it on tracers.

    `arrays` has the names of arrays that it may look at, by id, and `numbers` what was given as
    it is to be written.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.texts: dict[Variable, Text] = {}
        self.arrays: dict[int, str] = {}
        self.numbers: set[Any] = set()

    def argument(self, value: Any, name: Any) -> Any:
        """The value to call the rule with for an argument: tracers for stand-ins."""
        if isinstance(name, tuple):
            kind = TupleGradient if isinstance(value, TupleGradient) else type(value)
            return kind(map(self.argument, value, name))
        if isinstance(value, np.ndarray) and not isinstance(value, StandIn):
            self.trace.captured[id(value)] = name or ""
            self.arrays[id(value)] = name
            return value
        if not isinstance(value, (StandIn, np.generic)) or name is None:
            self.numbers.update(filter(_is_float, leaves_of(value)))
            return value
        tracer = self.trace.input(value)
        self.texts[tracer.variable] = Text(name)
        return tracer

    def opened(self, rule: Any) -> Any:
        """The rule with tracers for the arrays that it closes over, under their names there."""
        if not isinstance(rule, types.FunctionType):
            return rule
        self.numbers.update(filter(_is_float, rule.__code__.co_consts))
        if not rule.__closure__:
            return rule
        known = inspect.getclosurevars(rule).nonlocals
        arrays = {
            name: types.CellType(self.argument(stand_in(value.shape, value.dtype), name))
            for name, value in known.items()
            if isinstance(value, np.ndarray) and value.dtype.kind in "fc"
        }
        self.numbers.update(filter(_is_float, known.values()))
        if not arrays:
            return rule
        cells = zip(rule.__code__.co_freevars, rule.__closure__, strict=True)
        closure = tuple(arrays.get(name, cell) for name, cell in cells)
        return types.FunctionType(
            rule.__code__, rule.__globals__, rule.__name__, rule.__defaults__, closure
        )

    def free_constants(self) -> None:
        """Make inputs of the constants with names, so that no identity computes with them."""
        for variable in list(self.trace.constants):
            source = self.trace.sources.get(variable)
            name = None if source is None else self.arrays.get(id(source()))
            if name is not None:
                del self.trace.constants[variable]
                self.trace.inputs.append(variable)
                self.texts[variable] = Text(name)


def _is_float(value: Any) -> bool:
    return isinstance(value, (float, np.floating))


def _listed(found: Any) -> Any:
    """The results of a rule, with lists for the gradients of several operands."""
    return [_listed(g) for g in found] if isinstance(found, (TupleGradient, list, tuple)) else found


def _rewritten(trace: Trace, outputs: list[Variable], given: Set[float]) -> Program:
    """The program of a trace as people read it."""
    program, values = trace.program(outputs), trace.values
    rules = readable.of_rules(given)
    for _ in range(REWRITE_LIMIT_ROUNDS):
        rewriting = Rewriting(program, values)
        after, values = rewriting.run(rules)
        program = without_dead(after)
        if not rewriting.changed:
            break
    return program


def _printed(
    program: Program, names: Mapping[Variable, Text], printer: Printer
) -> dict[Variable, Text]:
    """The expression of every variable."""
    texts = dict(names)
    for variable, value in program.constants.items():
        texts[variable] = printer.plain(value)
    for step in program.steps:
        written = printer.step(step, texts)
        if len(written.text) > TEXT_LIMIT_CHARACTERS:
            raise NoExpression("the rule is too long for one expression")
        for i, result in enumerate(step.results):
            texts[result] = Text(f"{written.within(ATOM)}[{i}]") if step.several else written
    return texts


def _tree_text(found: Any, shown: Mapping[Variable, Text], printer: Printer) -> str:
    if isinstance(found, list):
        return f"[{', '.join(_tree_text(item, shown, printer) for item in found)}]"
    return (shown[found.variable] if isinstance(found, Tracer) else printer.plain(found)).text


_OF_THE_WAY = {"optimize", "copy"}
"""Options that say how something is computed, and nothing of the result."""


class RulePrinter(Printer):
    """Prints the steps of a rule, in which operations that NumPy lacks stand under their names."""

    def step(self, step: Step, operands: Mapping[Variable, Text]) -> Text:
        """The expression of a step, for printed operands."""
        form = _FORMS.get(step.function)
        return super().step(step, operands) if form is None else form(self, step, operands)

    def plain(self, value: Any) -> Text:
        """A plain value; numbers such as pi, and arrays such as `np.eye(3)`, by their names."""
        if isinstance(value, np.ndarray):
            return Text(array_text(value, self))
        if isinstance(value, range):
            ends = [value.start, value.stop, value.step]
            shown = ends if value.step != 1 else ends[:2] if value.start else ends[1:2]
            return Text(f"range({', '.join(map(str, shown))})")
        return number_text(value) or super().plain(value)

    def _call(self, step: Step, operands: Mapping[Variable, Text]) -> Text:
        name = function_name(step.function)
        if not name.startswith("np."):
            self.imported = {**self.imported, step.function: name.lstrip("_")}
        options = {k: v for k, v in step.options.items() if k not in _OF_THE_WAY}
        kept = Step(step.function, step.args, options, step.results, step.several, step.line)
        return super()._call(kept, operands)


def _reshape(printer: Printer, step: Step, operands: Mapping[Variable, Text]) -> Text:
    x = printer.value(step.args[0], operands)
    index = _new_axes(step.args[0].shape, step.result.shape)
    if index is not None:
        return Text(f"{x.within(ATOM)}[{index}]")
    shape = printer.value(step.result.shape, operands).text
    by_columns = "F" in (*step.args[2:], step.options.get("order"))
    order = ", order='F'" if by_columns else ""
    return Text(f"np.reshape({x.text}, {shape}{order})")


def _new_axes(before: tuple[int, ...], after: tuple[int, ...]) -> str | None:
    """The index `:, None` that adds axes; None where something else is done, or to many axes."""
    rest, shown = list(before), []
    for length in after:
        if rest and rest[0] == length:
            shown.append(":")
            rest.pop(0)
        elif length == 1:
            shown.append("None")
        else:
            return None
    return ", ".join(shown) if not rest and 0 < len(after) < 4 and "None" in shown else None


def _convolve(printer: Printer, step: Step, operands: Mapping[Variable, Text]) -> Text:
    a, v = (printer.value(a, operands).text for a in step.args)
    return Text(f"np.convolve({a}, {v})")


def _named(printer: RulePrinter, step: Step, operands: Mapping[Variable, Text]) -> Text:
    return printer._call(step, operands)


_FORMS: dict[Any, Callable[[Any, Step, Mapping[Variable, Text]], Text]] = {
    **{function: _named for function in (relu, sigmoid, softplus)},
    np.reshape: _reshape,
    full_convolution: _convolve,
}
