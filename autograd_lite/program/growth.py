"""Products that go to 0 although a factor overflows, such as exp(-z) / (1 + exp(-z))^2 at -1000.

Written as NumPy computes it, that is 0 * inf. How fast the factors grow is read off the program:
as a power of exp(z) for z -> inf and for z -> -inf, for each z that an exponential is taken of.
Where the product decays in every direction in which a factor overflows, the factor is kept at the
largest number, so the product is 0 there, which is its limit. Elsewhere nothing is changed: a
product whose limit is another number stays NaN.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd_lite.program.ir import Step, Variable
from autograd_lite.program.rewriting import Rewriting, Rule
from autograd_lite.program.tracing import Tracer
from autograd_lite.rules.special import sigmoid, softplus

Direction = tuple[Variable, int]
"""A variable, and 1 where it goes to inf or -1 where it goes to -inf."""

Bounds = tuple[float, float]
"""The least and the greatest n for which a value may grow as exp(variable)^n."""

Orders = Mapping[Direction, Bounds]
"""The growth of a value in each direction in which it is not of order 0."""

_CONSTANT: Bounds = (0.0, 0.0)
_UNKNOWN: Bounds = (-math.inf, math.inf)
_POWERS = (np.power, operator.pow)
_RATES: dict[Any, float] = {np.exp: 1.0, np.expm1: 1.0, np.exp2: math.log(2)}
_BOTH_WAYS = (np.cosh, np.sinh)
_SUMS = (np.add, np.subtract)
_SAME = (np.negative, np.positive, np.absolute, np.broadcast_to)
_OF_EXPONENTIALS = {sigmoid, softplus, np.tanh, *_RATES, *_BOTH_WAYS}


def table() -> dict[Any, list[Rule]]:
    """The rules by the function they are for."""
    rule = Growth().bounded
    return {np.multiply: [rule], np.divide: [rule]}


class Growth:
    """The orders of the values of one program, each found once."""

    def __init__(self) -> None:
        self._known: dict[Variable, Orders] = {}

    def bounded(self, now: Rewriting, step: Step, args: Any, options: Any) -> Any:
        """A product or quotient with its overflowing factors kept finite, if it decays."""
        if options or not isinstance(args[0], Tracer) and not isinstance(args[1], Tracer):
            return None
        decaying = {
            direction: most
            for direction, (_, most) in self._combined(now, step.function, args).items()
            if most < 0
        }
        if not decaying:
            return None
        a = self._finite(now, args[0], decaying)
        b = args[1] if step.function is np.divide else self._finite(now, args[1], decaying)
        return None if a is args[0] and b is args[1] else step.function(a, b)

    def _finite(self, now: Rewriting, value: Any, decaying: Mapping[Direction, float]) -> Any:
        """`value` with parts kept finite that overflow only in `decaying` directions."""
        orders = self.orders(now, value)
        if not orders or value.dtype.kind != "f" or now.maker(value, np.minimum, np.maximum):
            return value
        maker = now.maker(value, np.multiply, np.divide, np.add, np.subtract, np.negative)
        operands = [now.operand(maker, i) for i in range(len(maker.args))] if maker else []
        grown = {direction: most for direction, (_, most) in orders.items() if most > 0}
        if grown and not (maker and self._is_mixed(now, maker.function, operands, grown)):
            slowest = _slowest_decay(value.dtype)
            negligible = all(decaying.get(d, 0) <= -most * slowest for d, most in grown.items())
            return _kept_finite(now, value) if negligible else value
        if maker is None:
            return value
        count = 1 if maker.function is np.divide else len(operands)
        finite = [self._finite(now, v, decaying) for v in operands[:count]] + operands[count:]
        unchanged = all(new is old for new, old in zip(finite, operands, strict=True))
        return value if unchanged else maker.function(*finite)

    def _is_mixed(
        self, now: Rewriting, function: Any, operands: list[Any], grown: Mapping[Direction, float]
    ) -> bool:
        """Whether a product that grows has a factor that decays."""
        if function not in (np.multiply, np.divide):
            return False
        first, second = (self.orders(now, v) for v in operands)
        for direction in grown:
            low, most = second.get(direction, _CONSTANT)
            if min(first.get(direction, _CONSTANT)[0], -most if function is np.divide else low) < 0:
                return True
        return False

    def orders(self, now: Rewriting, value: Any) -> Orders:
        """The orders of a value, from the step that computes it."""
        if not isinstance(value, Tracer):
            return {}
        # Operands first, in a loop: programs are longer than Python's calls may be deep.
        waiting = [value.variable]
        while waiting:
            variable = waiting[-1]
            step = None if variable in self._known else now.makers.get(variable)
            args = step.args if step is not None else ()
            unknown = [v for v in args if isinstance(v, Variable) and v not in self._known]
            if unknown:
                waiting += unknown
                continue
            waiting.pop()
            if variable not in self._known:
                operands = [now.tracer(v) for v in args]
                self._known[variable] = (
                    {} if step is None else self._combined(now, step.function, operands)
                )
        return self._known[value.variable]

    def _combined(self, now: Rewriting, function: Any, operands: Any) -> Orders:
        orders = [self.orders(now, v) for v in operands]
        directions = {direction for found in orders for direction in found}
        if function in _OF_EXPONENTIALS or (
            function in _POWERS and _rate(now, function, operands) is not None
        ):
            known = _exponential_orders(now, function, operands)
            return {**known, **dict.fromkeys(directions, _UNKNOWN)}
        if not directions:
            return {}
        combine = _combination(now, function, operands)
        otherwise = [_CONSTANT for _ in operands]
        if function in _SUMS:
            otherwise = [_term_of_sum(now, v) for v in operands]
        pairs = list(zip(orders, otherwise, strict=True))
        return {d: combine(*(found.get(d, rest) for found, rest in pairs)) for d in directions}


def _combination(now: Rewriting, function: Any, operands: Any) -> Any:
    """The order of a result from those of its operands."""
    if function in _SUMS:
        return _of_sum
    if function is np.multiply:
        return lambda a, b: (a[0] + b[0], a[1] + b[1])
    if function is np.divide:
        return lambda a, b: (a[0] - b[1], a[1] - b[0])
    if function in _SAME:
        return lambda a, *_: a
    if function in (np.minimum, np.maximum) and now.number(operands[1]) is not None:
        return lambda a, _: a
    if function in (np.log, np.log1p):
        return lambda a: (-math.inf, 0.0)
    exponent = {np.square: 2.0, np.sqrt: 0.5, np.reciprocal: -1.0}.get(function)
    if function in _POWERS:
        exponent = now.number(operands[1])
    if isinstance(exponent, (int, float)):
        n = float(exponent)
        return lambda a, *_: (min(n * a[0], n * a[1]), max(n * a[0], n * a[1])) if n else _CONSTANT
    return lambda *_: _UNKNOWN


def _term_of_sum(now: Rewriting, value: Any) -> Bounds:
    """The order of a term that does not grow: it may be 0, and then the other term decides."""
    number = now.number(value)
    return _CONSTANT if number is not None and number != 0 else (-math.inf, 0.0)


def _of_sum(a: Bounds, b: Bounds) -> Bounds:
    """The greater order; terms of one order may cancel."""
    low = a[0] if a[0] > b[1] else b[0] if b[0] > a[1] else -math.inf
    return low, max(a[1], b[1])


def _rate(now: Rewriting, function: Any, operands: Any) -> float | None:
    """c of an exponential exp(c x); None where the function is none."""
    if function in _POWERS:
        base = now.number(operands[0])
        return math.log(base) if isinstance(base, (int, float)) and base > 0 else None
    return _RATES.get(function, 1.0)


def _exponential_orders(now: Rewriting, function: Any, operands: Any) -> Orders:
    x = operands[1] if function in _POWERS else operands[0]
    coefficient, variable = _linear(now, x)
    rate = _rate(now, function, operands)
    if variable is None or not rate or not coefficient:
        return {}
    found = {}
    for sign in (1, -1):
        n = rate * coefficient * sign
        if function in _BOTH_WAYS:
            n = abs(n)
        elif function is np.tanh or (function is np.expm1 and n < 0):
            n = 0.0
        elif function in (sigmoid, softplus):
            n = min(n, 0.0)
        if n:
            found[variable, sign] = (n, n)
    return found


def _linear(now: Rewriting, x: Any) -> tuple[float, Variable | None]:
    """c and v of a value that is c v plus a number."""
    coefficient = 1.0
    while isinstance(x, Tracer):
        maker = now.maker(x, np.negative, np.add, np.subtract, np.multiply, np.divide)
        if maker is None:
            return coefficient, x.variable
        if maker.function is np.negative:
            coefficient, x = -coefficient, now.operand(maker, 0)
            continue
        a, b = now.operand(maker, 0), now.operand(maker, 1)
        left, right = now.number(a), now.number(b)
        number = right if left is None else left
        if not isinstance(number, (int, float)) or not (
            right is not None or maker.function is not np.divide
        ):
            return coefficient, x.variable
        if maker.function is np.multiply:
            coefficient *= number
        elif maker.function is np.divide:
            coefficient /= number or math.inf
        elif maker.function is np.subtract and left is not None:
            coefficient = -coefficient
        x = a if left is None else b
    return coefficient, None


def _slowest_decay(dtype: np.dtype[Any]) -> float:
    """The order of a product, for a factor of order 1, that is below eps where that overflows."""
    limits = np.finfo(dtype)
    return -math.log(limits.eps) / math.log(limits.max)


def _kept_finite(now: Rewriting, value: Any) -> Any:
    largest = float(np.finfo(value.dtype).max)
    below = np.minimum(value, largest)
    if now.maker(value, np.exp, np.exp2, np.cosh, *_POWERS):
        return below
    return np.maximum(below, -largest)
