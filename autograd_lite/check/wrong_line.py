"""A hand-derived gradient that is wrong, and all that is known of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from autograd_lite.observe import Assigned, Run, Scope, evaluate, flat

Values = Mapping[str, Any]

SAMPLED_FROM_LENGTH = 512
"""Of longer axes some entries are enough to see what a line computes."""


@dataclass
class WrongLine:
    """A wrong gradient and all that is known of it.

    `expected` is what it should be, `others` what the other gradients should be; `incoming` gives
    the gradients at the results, `parts` what each path of the chain rule contributes.
    `masks` are the tensors that a ReLU gave, `broadcast` says whether the tensor was stretched,
    `activations` which tensors each one is an element-wise function of. `values` are the named
    arrays, `sizes` what the lengths of the data are called, `expressions` the line, as it stands
    and with what it builds on written out, to be computed in `scope`. `extra` are values put into
    the line under new names; `whole` is what this one is the brief form of, and `originals` the
    arrays of that by the identity of those here.
    """

    name: str
    tensor: str
    given: np.ndarray
    expected: np.ndarray
    others: Mapping[str, np.ndarray]
    incoming: Callable[[], Mapping[str, np.ndarray]]
    masks: frozenset[str]
    broadcast: bool
    parts: Callable[[], Mapping[str, np.ndarray]]
    activations: Mapping[str, frozenset[str]]
    values: Values
    sizes: Mapping[int, str]
    assigned: Assigned | None
    expressions: list[ast.expr]
    scope: Scope
    run: Run
    extra: Scope = field(default_factory=dict)
    whole: WrongLine | None = None
    originals: Mapping[int, Any] = field(default_factory=dict)

    def bound(self, value: Any) -> ast.expr:
        """A name for a value, to put into the line."""
        name = f"_value_{id(value)}"
        self.extra[name] = value
        if self.whole is not None:
            self.whole.extra[name] = self.originals.get(id(value), value)
        return ast.Name(name, ast.Load())

    def compute(self, expression: ast.expr) -> Any:
        """The value of an expression where the line stands; None where it raises."""
        value = evaluate(expression, self.scope | self.extra, self.run)
        return getattr(value, "_value", value)

    @cached_property
    def brief(self) -> WrongLine:
        """The same with some of the entries of a long axis, to try many changes of the line on.

        Only where the line as it stands gives the same entries of the gradient, that is where it
        computes each by itself; otherwise this wrong_line.
        """
        length = max(self.expected.shape, default=0)
        if length < SAMPLED_FROM_LENGTH or self.given.shape != self.expected.shape:
            return self
        shorten = _Shortening(length)
        brief = replace(
            self,
            given=shorten(self.given),
            expected=shorten(self.expected),
            others=shorten(self.others),
            values=shorten(self.values),
            scope=shorten(self.scope),
            extra={},
            whole=self,
            originals=shorten.originals,
        )
        if shorten.is_square:
            return self
        found = (brief.compute(expression) for expression in self.expressions)
        return brief if all(_equal(value, brief.given) for value in found) else self


class _Shortening:
    """Takes every n-th entry of axes of one length, out of arrays and collections of them."""

    def __init__(self, length: int) -> None:
        self.length = length
        self.entries = slice(None, None, length // (SAMPLED_FROM_LENGTH // 8))
        self.originals: dict[int, Any] = {}
        self.is_square = False
        self._short: dict[int, Any] = {}

    def __call__(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self(item) for key, item in value.items()}
        if type(value) in (list, tuple):
            return type(value)(self(item) for item in value)
        value = getattr(value, "_value", value)
        if not isinstance(value, np.ndarray) or self.length not in value.shape:
            return value
        self.is_square |= value.shape.count(self.length) > 1
        if id(value) not in self._short:
            # Copied, as products of strided arrays are slow.
            axes = [self.entries if n == self.length else slice(None) for n in value.shape]
            short = self._short[id(value)] = value[tuple(axes)].copy()
            self.originals[id(short)] = value
        return self._short[id(value)]


def _equal(value: Any, given: np.ndarray) -> bool:
    return np.shape(value) == given.shape and np.allclose(value, given, rtol=1e-6, equal_nan=True)


def candidates(s: WrongLine) -> Iterator[tuple[str, Any]]:
    """The arrays that a line might have named, each once, by name."""
    seen: set[int] = set()
    for name, value in [*s.values.items(), *flat(s.scope)]:
        if id(value) not in seen and np.ndim(value):
            seen.add(id(value))
            yield name, value


def name_of(value: Any, s: WrongLine) -> str | None:
    """The name of an array, or of another one that is equal to it."""
    for name, other in candidates(s):
        if other is value or (np.shape(other) == np.shape(value) and np.array_equal(other, value)):
            return name
    return None


def alike(name: str, other: str) -> bool:
    """Whether two names differ in their number only."""
    return re.sub(r"\d+", "", name) == re.sub(r"\d+", "", other)
