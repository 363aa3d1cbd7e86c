"""One factor for a whole gradient, instead of one for each of its results.

A step of gradient descent multiplies every gradient by the learning rate. Each of them is linear in
the gradient that backward began with, so that this one can be multiplied in their place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from autograd_lite.functions import traits
from autograd_lite.program.ir import Program, Step, Variable
from autograd_lite.program.rewriting import Rewriting, without_dead

CALL_COST_ELEMENTS = 1_000
"""The cost of a call, in elements that are multiplied in its time."""


def factored(
    program: Program, values: Mapping[Variable, Any]
) -> tuple[Program, Mapping[Variable, Any], int]:
    """The program with common factors taken to where they are multiplied once; how many."""
    saved = 0
    for factor in _factors(program):
        scaled = _scaled_only(program, factor)
        removed = [s for s in program.steps if _is_removed(s, factor, scaled)]
        added = _sources(program, scaled)
        if _cost(s.result for s in removed) <= _cost(added):
            continue
        rewriting = _Factoring(program, values, factor, scaled)
        after, values = rewriting.run({})
        program = without_dead(after)
        saved += len(removed) - len(added)
    return program, values, saved


def _cost(results: Iterable[Variable]) -> int:
    """The cost of multiplying them, in elements."""
    return sum(v.size + CALL_COST_ELEMENTS for v in results)


def _factors(program: Program) -> list[Any]:
    """The factors of several values: numbers, and inputs that are numbers."""
    counts: dict[Any, int] = {}
    inputs = set(program.inputs)
    for step in program.steps:
        if step.function is np.multiply and not step.options:
            for a in step.args:
                is_input = isinstance(a, Variable) and a in inputs and not a.shape
                # Real and imaginary parts and conjugates are linear in real factors only.
                is_input = is_input and a.dtype.kind == "f"
                if type(a) is float or is_input:
                    counts[a] = counts.get(a, 0) + 1
    return [factor for factor, count in counts.items() if count > 1]


def _scales(step: Step, factor: Any) -> Variable | None:
    """The value that a step multiplies by the factor, and does nothing else to."""
    if step.function is not np.multiply or step.options:
        return None
    for a, b in (step.args, step.args[::-1]):
        same = a is factor or (type(a) is float and type(factor) is float and a == factor)
        if same and isinstance(b, Variable) and b is not factor:
            alike = b.shape == step.result.shape and b.dtype == step.result.dtype
            return b if alike else None
    return None


def _is_removed(step: Step, factor: Any, scaled: set[Variable]) -> bool:
    """Whether a step's result is its operand, once that is scaled.

    A result that is to be scaled itself is multiplied by the factor a second time.
    """
    return step.result not in scaled and _scales(step, factor) in scaled


def _scaled_only(program: Program, factor: Any) -> set[Variable]:
    """The values that are used in no other way than multiplied by the factor.

    Of a product one operand is scaled, not both; a view is scaled with what it is a view of, and
    both terms of a sum or none.
    """
    excluded: set[Variable] = set()
    while True:
        scaled = _candidates(program, factor, excluded)
        wrong = {
            s.result
            for s in program.steps
            if _moves(s) and s.result in scaled and s.args[0] not in scaled
        }
        wrong = wrong or {
            v
            for s in program.steps
            if traits(s.function).linear == "together" and s.result in scaled
            for v in s.operands
            if v in scaled and not all(a in scaled for a in s.args)
        }
        wrong = wrong or {
            s.args[1]
            for s in program.steps
            if traits(s.function).linear == "each" and all(a in scaled for a in s.operands)
            if s.result in scaled and len(s.operands) == 2
        }
        if not wrong:
            return scaled
        excluded |= wrong


def _candidates(program: Program, factor: Any, excluded: set[Variable]) -> set[Variable]:
    """The values whose readers all scale them, or pass the scaling on."""
    readers: dict[Variable, list[Step]] = {}
    for step in program.steps:
        for variable in step.operands:
            readers.setdefault(variable, []).append(step)
    scaled: set[Variable] = set()
    outputs = set(program.outputs)
    for step in reversed(program.steps):
        result = step.result
        if step.several or result in outputs or result in excluded:
            continue
        if result.dtype.kind not in "fc" or not result.shape:
            continue
        if all(
            _is_linear(s, result) if s.result in scaled else _scales(s, factor) is result
            for s in readers.get(result, [])
        ):
            scaled.add(result)
    return scaled


def _is_linear(step: Step, operand: Variable) -> bool:
    """Whether scaling this operand scales the step's result likewise."""
    linear = traits(step.function).linear
    if step.options.get("initial") is not None:
        return False
    if linear == "first":
        return step.args[0] is operand and all(v is not operand for v in step.operands[1:])
    if linear == "each":
        return sum(a is operand for a in step.args) == 1
    return linear == "together"


def _moves(step: Step) -> bool:
    """Whether a step may give a view of its operand, which is scaled with it or not at all."""
    known = traits(step.function)
    return known.rearranges and known.linear == "first"


def _linear_operands(step: Step, scaled: set[Variable]) -> list[Variable]:
    """The operands by which a scaled result comes to be scaled."""
    return [v for v in step.operands if v in scaled and _is_linear(step, v)]


def _sources(program: Program, scaled: set[Variable]) -> list[Variable]:
    """The values at which the factor has to be multiplied: those not scaled by their operands."""
    steps = [s for s in program.steps if s.result in scaled]
    return [s.result for s in steps if not _linear_operands(s, scaled)]


class _Factoring(Rewriting):
    def __init__(
        self, program: Program, values: Mapping[Variable, Any], factor: Any, scaled: set[Variable]
    ) -> None:
        number = values[factor] if isinstance(factor, Variable) else factor
        new = {v: value * number if v in scaled else value for v, value in values.items()}
        super().__init__(program, new)
        self.before, self.scaled = values, scaled
        self.by: Any = self.now[factor] if isinstance(factor, Variable) else factor
        self.factor = factor

    def _keep(self, step: Step, args: Any, options: Any) -> None:
        if _is_removed(step, self.factor, self.scaled):
            operand = _scales(step, self.factor)
            assert operand is not None
            self._stand(step.result, self.now[operand])
        elif step.result not in self.scaled:
            super()._keep(step, args, options)
        elif _linear_operands(step, self.scaled):
            super()._keep(step, args, options)
        else:
            self.values = {**self.values, step.result: self.before[step.result]}
            super()._keep(step, args, options)
            self._stand(step.result, self.now[step.result] * self.by)
