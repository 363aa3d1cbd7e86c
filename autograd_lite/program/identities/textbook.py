"""Identities that turn the formulas of a backward pass into those of textbooks."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.functions import with_trait
from autograd_lite.program.identities import vanishing
from autograd_lite.program.identities.algebra import table as algebra
from autograd_lite.program.identities.masking import as_triangle
from autograd_lite.program.identities.pairs import Identity, rules_of
from autograd_lite.program.identities.stable import cancelled, over_sum, slope
from autograd_lite.program.ir import Step
from autograd_lite.program.rewriting import Rewriting, Rule, factors, is_same
from autograd_lite.program.tracing import Tracer
from autograd_lite.rules.indexing import put_back

TEXTBOOK = (
    # The gradient of max(x, 0), which is shared where x is 0.
    Identity(
        "textbook",
        lambda x, g: np.where(x > 0, g, np.where(x == 0, g / 2, 0)),
        lambda x, g: g * np.heaviside(x, 0.5),
    ),
    # The mask of a maximum, which holds at NaN as well.
    Identity(
        "textbook",
        lambda x, m, a, b: (x == m) | (np.isnan(a) & np.isnan(b)),
        lambda x, m, a, b: x == m,
    ),
    # The two sides of np.where, each of which sees its own places.
    Identity(
        "textbook",
        lambda on, a, b: np.where(on, a, 0) + np.where(np.logical_not(on), b, 0),
        lambda on, a, b: np.where(on, a, b),
    ),
    Identity(
        "textbook",
        lambda on, x: np.where(on | np.logical_not(on), x, 0),
        lambda on, x: x,
        where=lambda on, x: on.dtype == bool,
    ),
    Identity("textbook", lambda a, b, s: a / s - b / s, lambda a, b, s: (a - b) / s),
    Identity("textbook", lambda a, b, s: a / s + b / s, lambda a, b, s: (a + b) / s),
)


def table() -> dict[Any, list[Rule]]:
    """The rules by the function they are for."""
    rules = algebra()
    for first in (rules_of(TEXTBOOK), vanishing.table()):
        for function, found in first.items():
            rules[function] = [*found, *rules.get(function, [])]
    rules[np.multiply] = [_slope, cancelled, _over_sum, *rules[np.multiply]]
    rules[np.where].append(as_triangle)
    for function in with_trait("elementwise"):
        if getattr(function, "nin", 0) == 2:
            rules[function].append(_unstretched)
    rules[np.subtract].append(_slope_of_softmax)
    rules[np.multiply].insert(0, _by_one_number)
    for product in (np.matmul, np.dot):
        rules[product] = [*rules.get(product, []), _by_one_number]
    rules[np.transpose].append(_of_product)
    rules[np.sum] = [_of_all, _quotient_outside, *rules[np.sum]]
    rules[put_back] = [*rules.get(put_back, []), _with_new_axes]
    rules[np.maximum] = [*rules.get(np.maximum, []), _count_of_mask]
    return rules


def _of_product(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """(c * x).T = c * x.T, for a number c."""
    if options or len(args) > 1:
        return None
    for x, c in (pair := factors(now, args[0])) and (pair, pair[::-1]):
        if isinstance(x, Tracer) and now.number(c) is not None and np.shape(x) == args[0].shape:
            inner = now.maker(x, np.transpose)
            twice = inner is not None and len(inner.args) == 1 and not inner.options
            return (now.operand(inner, 0) if inner and twice else np.transpose(x)) * c
    return None


def _unstretched(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """Operands without leading axes of length 1, which broadcasting supplies."""
    if options or len(args) != 2:
        return None
    for i, value in enumerate(args):
        reshaped = now.maker(value, np.reshape)
        inner: Any = None if reshaped is None else now.operand(reshaped, 0)
        leading = value.ndim - np.ndim(inner) if inner is not None else 0
        if leading > 0 and value.shape == (1,) * leading + np.shape(inner):
            if np.broadcast_shapes(np.shape(args[1 - i]), np.shape(inner)) == step.result.shape:
                return step.function(*(inner if k == i else a for k, a in enumerate(args)))
    return None


def _slope_of_softmax(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """p * g - p * sum(p * g) = (g - sum(p * g)) * p."""
    first, second = (factors(now, value) for value in args)
    for p, g in (first, first[::-1]) if first and second else ():
        for q, total in (second, second[::-1]):
            summed = now.maker(total, np.sum)
            inner = factors(now, now.operand(summed, 0)) if summed is not None else []
            ways = (inner, inner[::-1]) if inner and is_same(p, q) else ()
            if any(is_same(a, p) and is_same(b, g) for a, b in ways):
                return (g - total) * p
    return None


def _by_one_number(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """A product with an array of one known number as one with the number."""
    for x, other in (args, args[::-1]):
        known = isinstance(other, Tracer)
        constant = now.trace.constants.get(other.variable) if known else None
        if constant is None or np.size(constant) != 1 or not isinstance(x, Tracer):
            continue
        number = np.asarray(constant).item()
        matrices = np.ndim(constant) == 2 == x.ndim
        if (matrices or step.function is np.multiply) and x.shape == step.result.shape:
            return x * number if np.ndim(constant) else None
    return None


def _with_new_axes(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """What x[:, None] puts back, reshaped."""
    g, index, shape = args[:3]
    items = index if isinstance(index, tuple) else (index,)
    return np.reshape(g, shape) if all(i in (None, slice(None)) for i in items) else None


def _of_all(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """A sum over every axis, named one by one, as the sum of all."""
    axis = options.get("axis")
    every = isinstance(axis, tuple) and len(axis) == args[0].ndim
    return np.sum(args[0]) if every and len(args) == 1 and len(options) == 1 else None


def _quotient_outside(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """sum(x / s) = sum(x) / s, where s has one number for all that are added up."""
    quotient = now.maker(args[0], np.divide)
    if quotient is None or len(args) > 1 or now.number(now.operand(quotient, 1)) is not None:
        return None
    x, s = now.operand(quotient, 0), now.operand(quotient, 1)
    axes = options.get("axis")
    leading = axes in (0, (0,)) and np.shape(s) == step.result.shape == np.shape(x)[1:]
    one = not np.ndim(s) or leading or _keeps(np.shape(s), args, options)
    return np.sum(x, **options) / s if one and np.shape(x) == args[0].shape else None


def _keeps(shape: tuple[int, ...], args: Any, options: Any) -> bool:
    """Whether the axes of a sum are kept, and have length 1 in the shape."""
    if len(args) > 1 or not options.get("keepdims") or len(shape) != args[0].ndim:
        return False
    axis = options.get("axis")
    axes = range(len(shape)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return all(shape[i] == 1 for i in axes)


def _count_of_mask(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """The count of the elements that are a maximum, of which there is one at least."""
    total = now.maker(args[0], np.sum)
    equal = None if total is None else now.maker(now.operand(total, 0), np.equal)
    return args[0] if equal is not None and now.is_all(args[1], 1) else None


def _slope(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """The derivative of a sigmoid as s * (1 - s)."""
    return slope(now, args, written_out=True)


def _over_sum(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """(n / S) * e = n * (e / S), for e = exp(x) and S its sum along an axis that is kept."""
    found = over_sum(now, args)
    if found is None:
        return None
    power, total = found[3], found[4]
    if total.ndim > power.ndim or not all(
        one in (1, whole) for one, whole in zip(total.shape[::-1], power.shape[::-1], strict=False)
    ):
        return None
    return found[0] * (found[3] / found[4])
