"""Terms of a gradient that are zero whatever the numbers are, such as the share of the maximum that
a softmax subtracts: they are left out.

Many formulas cancel in a sum, and few of them look alike. So a sum is not recognised by its form:
it is computed on the example and on other numbers in the place of the inputs, and counts as zero
where both are zero but for rounding.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from autograd_lite.functions import traits
from autograd_lite.program.ir import Program, Step, Variable, substituted
from autograd_lite.program.rewriting import Rewriting, Rule
from autograd_lite.program.tracing import Tracer

ROUNDING_EPSILONS = 256
"""A sum is zero up to this many epsilons of the sum of the absolute values."""

SPREAD = 0.3
"""The standard deviation by which inputs are varied, relative to their size."""

DEPTH_LIMIT_STEPS = 12
"""A term is followed back to a sum through up to this many steps."""

TERM_LIMIT = 8
"""A sum is taken apart into up to this many terms."""


def table() -> dict[Any, list[Rule]]:
    """The rules by the function they are for; they share the values at other numbers."""
    varied: dict[Variable, Any] = {}

    def without_zero(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
        """A sum without the terms that vanish, alone or two together."""
        terms = _terms(now, step, args)
        trial = _Trial(now.makers, now.trace.constants, now.trace.values, varied)
        gone = {i for i, (_, value) in enumerate(terms) if trial.vanishes(value.variable)}
        for i, k in itertools.combinations(range(len(terms)), 2):
            if not gone & {i, k} and trial.cancel(terms[i], terms[k]):
                gone |= {i, k}
        kept = [term for i, term in enumerate(terms) if i not in gone]
        if not gone or not kept:
            return None
        first = next((term for term in kept if term[0] > 0), kept[0])
        total = first[1] if first[0] > 0 else -first[1]
        for sign, value in (term for term in kept if term is not first):
            total = total + value if sign > 0 else total - value
        fits = total.shape == step.result.shape
        return total if fits else np.broadcast_to(total, step.result.shape)

    return {np.add: [without_zero], np.subtract: [without_zero]}


def _terms(now: Rewriting, step: Step, args: Any) -> list[tuple[int, Any]]:
    """What a sum or difference adds up, each with its sign; none where numbers are among it."""
    found: list[tuple[int, Any]] = []
    open_ = [(1, args[0]), (-1 if step.function is np.subtract else 1, args[1])]
    while open_:
        sign, value = open_.pop(0)
        if not isinstance(value, Tracer):
            return []
        inner = now.maker(value, np.add, np.subtract, np.negative)
        if inner is None or len(found) + len(open_) > TERM_LIMIT:
            found.append((sign, value))
        elif inner.function is np.negative:
            open_.insert(0, (-sign, now.operand(inner, 0)))
        else:
            second = -sign if inner.function is np.subtract else sign
            open_[:0] = [(sign, now.operand(inner, 0)), (second, now.operand(inner, 1))]
    return found


def vanishing(
    program: Program, values: Mapping[Variable, Any], asked: Iterable[Variable]
) -> set[Variable]:
    """The variables among `asked` that are zero whatever the inputs of the program are."""
    trial = _Trial(program.makers(), program.constants, values, {})
    return {variable for variable in asked if trial.vanishes(variable)}


class _Trial:
    """A comparison of values with zero, on the example and on varied inputs.

    `varied` holds the values that are known on the varied inputs.
    """

    def __init__(
        self,
        makers: Mapping[Variable, Step],
        constants: Mapping[Variable, Any],
        values: Mapping[Variable, Any],
        varied: dict[Variable, Any],
    ) -> None:
        self.makers = makers
        self.constants = constants
        self.values = values
        self.varied = varied

    def vanishes(self, variable: Variable, depth: int = 0) -> bool:
        """Whether a value is zero because a sum or a difference in it is."""
        step = self.makers.get(variable)
        if step is None or step.several or depth > DEPTH_LIMIT_STEPS:
            return False
        if self._cancels(step):
            return True
        linear = traits(step.function).linear
        parts = [v for v in step.args if isinstance(v, Variable)]
        if linear == "first":
            return step.args[:1] == tuple(parts[:1]) and self.vanishes(parts[0], depth + 1)
        if linear == "each":
            return any(self.vanishes(v, depth + 1) for v in parts)
        # A number beside it is no zero.
        whole = linear == "together" and len(parts) == len(step.args)
        return whole and all(self.vanishes(v, depth + 1) for v in parts)

    def cancel(self, one: tuple[int, Tracer], other: tuple[int, Tracer]) -> bool:
        """Whether two terms, each with its sign, add up to zero."""
        (sign, a), (second, b) = one, other
        if (a.shape, a.dtype) != (b.shape, b.dtype) or not a.size or a.dtype.kind != "f":
            return False
        # Most terms differ in their first element, which is quick to see.
        first, last = (np.asarray(self.values[t.variable]).item(0) for t in (a, b))
        if not abs(sign * first + second * last) <= 1e-3 * abs(first):
            return False
        return self._is_zero(
            a.dtype,
            lambda value: sign * value(a.variable) + second * value(b.variable),
            lambda value: np.abs(value(a.variable)) + np.abs(value(b.variable)),
        )

    def _cancels(self, step: Step) -> bool:
        """Whether what a sum or a difference adds up cancels."""

        def size(value: Callable[[Variable], Any]) -> Any:
            first, *rest = step.args
            if step.function is np.sum:
                return np.sum(np.abs(value(first)), *rest, **step.options)
            return sum(np.abs(value(v) if isinstance(v, Variable) else v) for v in step.args)

        return step.function in (np.sum, np.add, np.subtract) and self._is_zero(
            step.result.dtype, lambda value: value(step.result), size
        )

    def _is_zero(self, dtype: Any, total: Callable[[Any], Any], size: Callable[[Any], Any]) -> bool:
        """Whether a total is small beside the size of its parts, on the example and when varied."""
        if dtype.kind != "f":
            return False
        for value in (self.values.__getitem__, self._at_varied):
            try:
                found, bound = np.abs(total(value)), size(value) * np.finfo(dtype).eps
            except Exception:
                # A function may refuse the varied numbers.
                return False
            small = np.all(found <= ROUNDING_EPSILONS * bound)
            if not (small and np.any(bound > 0) and np.all(np.isfinite(bound))):
                return False
        return True

    def _at_varied(self, wanted: Variable) -> Any:
        """The value of a variable on the varied inputs."""
        stack = [wanted]
        while stack:
            variable = stack[-1]
            step = self.makers.get(variable)
            missing = [v for v in step.operands if v not in self.varied] if step else []
            if variable not in self.varied and not missing:
                self._compute(variable, step)
            if missing:
                stack += missing
            else:
                stack.pop()
        return self.varied[wanted]

    def _compute(self, variable: Variable, step: Step | None) -> None:
        if step is None:
            known = variable in self.constants
            given = self.values[variable]
            self.varied[variable] = given if known else _varied(given, len(self.varied))
            return
        args, options = substituted((step.args, step.options), self.varied)
        with np.errstate(all="ignore"):
            result = step.function(*args, **options)
        results = result if step.several else [result]
        self.varied.update(zip(step.results, results, strict=True))


def _varied(value: Any, seed: int) -> Any:
    """Other numbers of the same kind: positive ones stay positive, and those in [0, 1] there."""
    array = np.asarray(value)
    if array.dtype.kind != "f" or not array.size:
        return value
    noise = SPREAD * np.random.default_rng(seed).normal(size=array.shape)
    if np.all((array >= 0) & (array <= 1)):
        other = (0.05 + 0.9 * array) ** np.exp(noise)
    elif np.all(array > 0):
        other = array * np.exp(noise)
    else:
        other = array + noise * (np.max(np.abs(array)) or 1)
    return other.astype(array.dtype)[()]
