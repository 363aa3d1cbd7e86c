"""Identities as pairs of plain NumPy functions: a formula and its replacement.

    Identity("stable", lambda z: np.log(sigmoid(z)), lambda z: -softplus(-z))

The first function is called once, with symbols for its parameters, which shows the steps to look
for. Where a program has these steps, the second one is called with what the parameters stand for.
A number in the first stands for a value that is this number in every element; sums and products
are found in either order. Parameters called `c` or `d` stand for numbers that are known, and a
condition on dtypes or sizes is a third function, `where`.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from autograd_lite.arrays.foreign import Recordable
from autograd_lite.program.ir import Step
from autograd_lite.program.rewriting import Rewriting, Rule
from autograd_lite.program.tracing import Tracer, public

Bound = dict[str, Any]
"""What the parameters of an identity stand for."""

_COMMUTATIVE = (np.add, np.multiply, np.equal)
_NUMBERS = ("c", "d")
"""The parameters that stand for numbers."""


class Symbol(Recordable, np.lib.mixins.NDArrayOperatorsMixin):
    """A parameter of an identity, by its name, or a call of a function on symbols and numbers."""

    def __init__(self, function: Any, args: Sequence[Any] = (), name: str = "") -> None:
        self.function: Any = function
        self.args: tuple[Any, ...] = tuple(args)
        self.name: str = name

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Symbol:
        return Symbol(ufunc, inputs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Symbol:
        if kwargs:
            raise TypeError(f"the formula of an identity calls {func.__name__} with options")
        return Symbol(func, args)

    def _record(self, operation: Any, args: Any, kwargs: Any) -> Symbol:
        return Symbol(public(operation), args)


@dataclass(frozen=True)
class Identity:
    """Two functions that compute the same; `purpose` says why the second one is preferred.

    "stable" ones neither overflow nor lose digits, "cheaper" ones take less time, and "textbook"
    ones are how a person writes it. With `once` the identity is used only where no other step reads
    the values inside the formula: it would need them all the same. `where` gets the values that the
    parameters are bound to, and says whether the identity holds for them.
    """

    purpose: Literal["stable", "cheaper", "textbook"]
    before: Callable[..., Any]
    after: Callable[..., Any]
    once: bool = False
    where: Callable[..., Any] | None = None

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The names of the formula's operands."""
        return tuple(inspect.signature(self.before).parameters)

    @cached_property
    def pattern(self) -> Symbol:
        """The formula to look for."""
        found: Symbol = self.before(*(Symbol(None, name=name) for name in self.parameters))
        return found

    def __call__(self, now: Rewriting, step: Step, args: Any, options: Any) -> Any:
        """The rewriting rule: the replacement of a step's result, or None where the formula does
        not match.
        """
        if options or len(args) != len(self.pattern.args):
            return None
        for bound in self._matches(now, self.pattern, list(args), {}):
            found = [bound[name] for name in self.parameters]
            if self.where is None or self.where(*found):
                return self.after(*found)
        return None

    def _matches(
        self, now: Rewriting, pattern: Symbol, operands: list[Any], bound: Bound
    ) -> Iterator[Bound]:
        """Every way in which operands are those of a pattern."""
        both = pattern.function in _COMMUTATIVE
        for order in itertools.permutations(operands) if both else [tuple(operands)]:
            ways = [bound]
            for part, value in zip(pattern.args, order, strict=True):
                ways = [way for known in ways for way in self._match(now, part, value, known)]
            yield from ways

    def _match(self, now: Rewriting, part: Any, value: Any, bound: Bound) -> Iterator[Bound]:
        if not isinstance(part, Symbol):
            if now.is_all(value, part):
                yield bound
        elif part.function is None:
            if part.name in _NUMBERS:
                value = now.number(value)
            if value is None:
                return
            if part.name not in bound:
                yield bound | {part.name: value}
            elif _same(bound[part.name], value):
                yield bound
        else:
            maker = now.maker(value, part.function)
            if maker is None or maker.options or len(maker.args) != len(part.args):
                return
            if self.once and now.uses.get(value.variable, 0) > 1:
                return
            operands = [now.operand(maker, i) for i in range(len(maker.args))]
            yield from self._matches(now, part, operands, bound)


def rules_of(identities: Iterable[Identity]) -> dict[Any, list[Rule]]:
    """The identities by the function of the step that each is about, in their order."""
    table: dict[Any, list[Rule]] = {}
    for identity in identities:
        table.setdefault(identity.pattern.function, []).append(identity)
    return table


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Tracer) and isinstance(b, Tracer):
        return a.variable is b.variable
    return type(a) is type(b) and not isinstance(a, Tracer) and bool(np.all(a == b))


def is_wide(x: Any) -> bool:
    """Whether a value is traced, in a dtype with the range that short forms of exp need."""
    return isinstance(x, Tracer) and x.dtype in (np.float32, np.float64)
