"""Writing a program again, with some of its steps in another form.

A rule is written in NumPy: it gets a step whose operands are tracers, and returns what is to stand
in its place, or None to leave it. What is computed on the way is written down, and the example
values are carried along, so only new steps are computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

import numpy as np

from autograd_lite.program.ir import Program, Step, Variable, substituted
from autograd_lite.program.tracing import Trace, TracedValueError, Tracer

Rule = Callable[["Rewriting", Step, tuple[Any, ...], dict[str, Any]], Any]
FOLD_LIMIT_ELEMENTS = 65_536
"""Constants of up to this many elements are computed beforehand."""


class Rewriting:
    """One pass over a program. `changed` counts the steps that a rule replaced.

    Steps that give one of the variables `kept` are left as they are.
    """

    def __init__(
        self, program: Program, values: Mapping[Variable, Any], kept: Set[Variable] = frozenset()
    ) -> None:
        self.kept = kept
        self.program = program
        self.values = values
        self.trace: Trace = Trace("compiled")
        self.trace.inputs = list(program.inputs)
        self.trace.constants = dict(program.constants)
        self.makers: dict[Variable, Step] = {}
        self.changed: int = 0
        self.folded: int = 0
        self.uses: dict[Variable, int] = program.uses()
        self.now: dict[Variable, Any] = {}
        self.renamed: dict[Variable, Variable] = {}
        for variable in (*program.inputs, *program.constants):
            self.trace.values[variable] = values[variable]
            self.now[variable] = Tracer(self.trace, variable, values[variable])

    def run(self, rules: Mapping[Any, Iterable[Rule]]) -> tuple[Program, dict[Variable, Any]]:
        """The program with `rules`, which are kept by the function of the step, applied to it."""
        for step in self.program.steps:
            args, options = substituted((step.args, step.options), self.now)
            found = self._replaced(step, args, options, rules.get(step.function, ()))
            if found is None:
                self._keep(step, args, options)
            else:
                self.changed += 1
                if found.variable.name is None:
                    found.variable.name = step.result.name
                self._stand(step.result, found)
            self._note_makers()
        outputs = [self._output(v) for v in self.program.outputs]
        return self.trace.program(outputs), self.trace.values

    def _stand(self, old: Variable, new: Tracer) -> None:
        """Have a value of the new program stand for one of the old."""
        self.now[old] = new
        if new.variable is not old:
            self.renamed[old] = new.variable

    def _note_makers(self) -> None:
        for step in reversed(self.trace.steps):
            if step.result in self.makers:
                break
            self.makers.update((result, step) for result in step.results)

    def _output(self, variable: Variable) -> Variable:
        found: Variable = self.now[variable].variable
        return found

    def _replaced(self, step: Step, args: Any, options: Any, rules: Iterable[Rule]) -> Any:
        if step.several or step.result in self.kept:
            return None
        before = len(self.trace.steps)
        for rule in rules:
            try:
                found = rule(self, step, args, options)
            except TracedValueError:
                found = None
            if isinstance(found, (np.ndarray, np.generic)):
                found = self.constant(found)
            if isinstance(found, Tracer) and _alike(found.variable, step.result):
                return found
            self._forget(before)
        return None

    def _forget(self, count: int) -> None:
        """Take back the steps that a rule wrote in vain."""
        if len(self.trace.steps) > count:
            del self.trace.steps[count:]
            self.trace.forget_seen()
            for step in self.trace.steps:
                self.trace.remember(step)

    def _keep(self, step: Step, args: Any, options: Any) -> None:
        kept = step.replaced(self.renamed)
        constant = all(v in self.trace.constants for v in kept.operands)
        # An expanded number is better left as it is.
        if constant and not step.several and step.function is not np.broadcast_to:
            if step.result.size <= FOLD_LIMIT_ELEMENTS:
                self.folded += 1
                self._stand(step.result, self.constant(self.values[step.result]))
                return
        results = tuple(self.values[v] for v in step.results)
        found = self.trace.repeat(kept, results if step.several else results[0])
        for old, new in zip(step.results, found if step.several else [found], strict=True):
            if new.variable.name is None:
                new.variable.name = old.name
            self._stand(old, new)

    def constant(self, value: Any) -> Tracer:
        """A constant that came about on the way."""
        variable = Variable.like(np.asarray(value)[()])
        self.trace.constants[variable] = self.trace.values[variable] = value
        return Tracer(self.trace, variable, value)

    def maker(self, value: Any, *functions: Any) -> Step | None:
        """The step that gave a value, if it calls one of `functions`."""
        self._note_makers()
        step = self.makers.get(value.variable) if isinstance(value, Tracer) else None
        return step if step is not None and step.function in functions else None

    def operand(self, step: Step, position: int) -> Any:
        """An operand of a step that was found by `maker`: a tracer, or a plain value."""
        return self.tracer(step.args[position])

    def tracer(self, value: Any) -> Any:
        """The tracer of a variable of the new program; plain values as they are."""
        if not isinstance(value, Variable):
            return value
        return Tracer(self.trace, value, self.trace.values[value])

    def number(self, value: Any) -> Any:
        """The number that a value is for certain, of no dimensions; None where it depends.

        Booleans and unsigned numbers, which have no negatives, do not count.
        """
        if isinstance(value, Tracer):
            value = self.trace.constants.get(value.variable)
        if type(value) in (int, float, complex):
            return value
        plain = isinstance(value, (np.ndarray, np.generic)) and not value.ndim
        return value if plain and value.dtype.kind in "ifc" else None

    def is_all(self, value: Any, number: float) -> bool:
        """Whether a value is for certain this number in every element."""
        if isinstance(value, Tracer):
            constant = self.trace.constants.get(value.variable)
            return constant is not None and bool(np.all(constant == number))
        return isinstance(value, (int, float, np.generic)) and bool(value == number)


def is_same(a: Any, b: Any) -> bool:
    """Whether both are the same value of a program."""
    return isinstance(a, Tracer) and isinstance(b, Tracer) and a.variable is b.variable


def factors(now: Rewriting, value: Any) -> list[Any]:
    """The two factors of a value that is a product, else none."""
    product = now.maker(value, np.multiply)
    return [now.operand(product, i) for i in (0, 1)] if product is not None else []


def _alike(new: Variable, old: Variable) -> bool:
    return new.shape == old.shape and new.dtype == old.dtype and new.weak == old.weak


def without_dead(program: Program) -> Program:
    """The program without the steps that nothing which comes out depends on."""
    needed = set(program.outputs)
    kept = []
    for step in reversed(program.steps):
        if any(result in needed for result in step.results):
            kept.append(step)
            needed.update(step.operands)
    return program.with_steps(kept[::-1])
