"""Identities that make a formula shorter to read: what is added, divided and summed, as a person
would say it. They change no value by more than a rounding, and save no time.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np

from autograd_lite.program.identities.algebra import unexpanded
from autograd_lite.program.identities.pairs import Identity, rules_of
from autograd_lite.program.ir import Step
from autograd_lite.program.rewriting import Rewriting, Rule
from autograd_lite.program.tracing import Tracer
from autograd_lite.rules.special import astype

DENOMINATOR_LIMIT = 1_000_000
"""A factor is written as a quotient of whole numbers up to this one."""

NUMERATOR_LIMIT = 8

READABLE = (
    Identity("textbook", lambda x: x + x, lambda x: 2 * x),
    Identity("textbook", lambda x: x * x, np.square),
    Identity("textbook", lambda x, y: x + -y, lambda x, y: x - y),
    Identity(
        "textbook",
        lambda a, b: np.transpose(np.matmul(a, np.transpose(b))),
        lambda a, b: np.matmul(b, np.transpose(a)),
    ),
)


def table(names: Mapping[int, str]) -> dict[Any, list[Rule]]:
    """The rules by the function they are for; `names` has what whole numbers are called."""

    def quotient(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
        return _quotient(now, args, names)

    rules: dict[Any, list[Rule]] = rules_of(READABLE)
    rules[np.multiply] = [_softmax_slope, quotient, _expanded_later, *rules[np.multiply]]
    rules[np.divide] = [_quotient_of_number(names), _expanded_later]
    rules[np.negative] = [_expanded_later]
    rules[np.moveaxis] = [_unmoved]
    rules[astype] = [_same_dtype]
    for function in (np.multiply, np.divide, np.add, np.subtract):
        rules[function] = [*rules.get(function, []), unexpanded]
    return rules


def of_softmax() -> dict[Any, list[Rule]]:
    """The rules that look for the slope of a softmax in the form that backward gives it."""
    return {np.subtract: [_sum_of_softmax_slope]}


def _quotient(now: Rewriting, args: Any, names: Mapping[int, str]) -> Any:
    """x * c as x / n, or k * x / n, for a number c that is k / n for whole numbers."""
    for x, factor in (args, args[::-1]):
        c = now.number(factor)
        is_float = isinstance(c, (float, np.floating)) and bool(np.isfinite(c))
        if not isinstance(x, Tracer) or now.number(x) is not None or not is_float:
            continue
        # Below the square root of what the dtype can tell apart, so that it is no chance.
        apart = int(np.finfo(x.dtype).eps ** -0.5) if x.dtype.kind == "f" else 1
        limit = min(DENOMINATOR_LIMIT, apart)
        found = Fraction(float(c)).limit_denominator(limit)
        k, n = found.numerator, found.denominator
        exact = n > 1 and 0 < abs(k) <= NUMERATOR_LIMIT and x.dtype.type(k / n) == x.dtype.type(c)
        if not exact:
            continue
        scaled: Any = x if abs(k) == 1 else np.multiply(abs(k), x)
        return (scaled if k > 0 else np.negative(scaled)) / _whole(now, n, names)
    return None


def _quotient_of_number(names: Mapping[int, str]) -> Rule:
    """The rule for x / c where c is a whole number that has a name, or is a float without need."""

    def rule(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
        x, divisor = args
        c = now.number(divisor)
        if not isinstance(x, Tracer) or not isinstance(c, (int, float)):
            return None
        if isinstance(divisor, Tracer) and divisor.variable.weak:
            return None
        if c < 0 and float(c).is_integer():
            return np.negative(x) / _whole(now, int(-c), names)
        if float(c).is_integer() and c > 2 and (int(c) in names or type(c) is not float):
            return x / _whole(now, int(c), names)
        return None

    return rule


def _whole(now: Rewriting, n: int, names: Mapping[int, str]) -> Any:
    """A whole number, under the name that a person gave it."""
    number = now.constant(float(n))
    number.variable.weak = True
    number.variable.name = names.get(n)
    return number


def _softmax_slope(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """s * (w / s - sum(s * (w / s))) = w - s * sum(w): the slope of a softmax after a logarithm."""
    for difference, s in (args, args[::-1]):
        outer = now.maker(difference, np.subtract)
        if outer is None:
            continue
        gradient = now.operand(outer, 0)
        total = now.maker(now.operand(outer, 1), np.sum)
        quotient = now.maker(gradient, np.divide)
        if total is None or quotient is None or not _is(now.operand(quotient, 1), s):
            continue
        product = now.maker(now.operand(total, 0), np.multiply)
        if product is None or not total.options.get("keepdims"):
            continue
        factors = now.operand(product, 0), now.operand(product, 1)
        if any(_is(a, s) and _is(b, gradient) for a, b in (factors, factors[::-1])):
            return _difference(now, now.operand(quotient, 0), s, total.options)
    return None


def _difference(now: Rewriting, w: Any, s: Any, options: Any) -> Any:
    """w - s * sum(w), with a minus and a number that w is divided by outside."""
    below, sign = None, 1
    quotient = now.maker(w, np.divide)
    if quotient is not None and now.number(now.operand(quotient, 1)) is not None:
        w, below = now.operand(quotient, 0), now.operand(quotient, 1)
    negative = now.maker(w, np.negative)
    if negative is not None:
        w, sign = now.operand(negative, 0), -1
    total = s * np.sum(w, **options)
    found = total - w if sign < 0 else w - total
    return found if below is None else found / below


def _sum_of_softmax_slope(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """d - share * sum(d) = d where d = s * (g - sum(s * g)) is the slope of a softmax s, which sums
    to 0: the largest number, which is taken off first, has no part in it.
    """
    d, other = args
    for factor in _factors(now, other):
        total = now.maker(factor, np.sum)
        if total is not None and _is(now.operand(total, 0), d):
            axis = total.args[1] if len(total.args) > 1 else total.options.get("axis")
            return d if _is_softmax_slope(now, d, axis) else None
    return None


def _is_softmax_slope(now: Rewriting, d: Any, axis: Any) -> bool:
    """Whether d is s * (g - sum(s * g)) for s = e / sum(e), with both sums along the axis."""
    pair = _factors(now, d)
    for s, slope in (pair, pair[::-1]) if pair else ():
        difference = now.maker(slope, np.subtract)
        share = now.maker(s, np.divide)
        if difference is None or share is None:
            continue
        total = now.maker(now.operand(difference, 1), np.sum)
        below = now.maker(now.operand(share, 1), np.sum)
        if total is None or below is None:
            continue
        factors = _factors(now, now.operand(total, 0))
        parts = (s, now.operand(difference, 0))
        along = {_axes(step, s.ndim) for step in (total, below)} | {_axis(axis, s.ndim)}
        if len(along) == 1 and all(any(_is(f, part) for f in factors) for part in parts):
            return _is(now.operand(below, 0), now.operand(share, 0))
    return False


def _factors(now: Rewriting, value: Any) -> list[Any]:
    """The two factors of a value that is a product, else none."""
    product = now.maker(value, np.multiply)
    return [now.operand(product, i) for i in (0, 1)] if product is not None else []


def _axes(step: Step, ndim: int) -> Any:
    return _axis(step.args[1] if len(step.args) > 1 else step.options.get("axis"), ndim)


def _axis(axis: Any, ndim: int) -> Any:
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    return tuple(sorted(operator.index(a) % ndim for a in axes))


def _expanded_later(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """c * broadcast_to(x) = broadcast_to(c * x), for a number c."""
    for i, value in enumerate(args):
        expanded = now.maker(value, np.broadcast_to)
        others = [a for k, a in enumerate(args) if k != i]
        if expanded is not None and all(now.number(a) is not None for a in others):
            inner = [now.operand(expanded, 0) if k == i else a for k, a in enumerate(args)]
            return np.broadcast_to(step.function(*inner), step.result.shape)
    return None


def _unmoved(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """moveaxis(x, i, i) = x."""
    return args[0] if len(args) == 3 and args[1] == args[2] else None


def _same_dtype(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    x = args[0]
    return x if isinstance(x, Tracer) and x.dtype == step.result.dtype else None


def _is(a: Any, b: Any) -> bool:
    return isinstance(a, Tracer) and isinstance(b, Tracer) and a.variable is b.variable
