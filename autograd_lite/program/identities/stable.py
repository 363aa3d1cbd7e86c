"""Formulas as they are written in books, in the form that neither overflows nor loses digits.

`s` stands for sigmoid(z), and `t` for 1 - s.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.program.identities.algebra import table as algebra
from autograd_lite.program.identities.pairs import Identity, is_wide, rules_of
from autograd_lite.program.ir import Step, Variable
from autograd_lite.program.rewriting import Rewriting, Rule, is_same
from autograd_lite.program.tracing import Tracer
from autograd_lite.rules.special import (
    logsumexp,
    sigmoid,
    softmax,
    softplus,
    xlog1py,
    xlogy,
)

SIGMOIDS = (
    Identity("stable", lambda z: 1 / (1 + np.exp(-z)), sigmoid),
    Identity("stable", lambda z: 1 / (1 + np.exp(z)), lambda z: sigmoid(-z)),
)
LOGARITHMS = (
    Identity("stable", lambda z: np.log(sigmoid(z)), lambda z: -softplus(-z)),
    Identity("stable", lambda z: np.log(1 - sigmoid(z)), lambda z: -softplus(z)),
    Identity("stable", lambda z: np.log1p(-sigmoid(z)), lambda z: -softplus(z)),
    Identity("stable", lambda x, z: xlogy(x, sigmoid(z)), lambda x, z: -(x * softplus(-z))),
    Identity("stable", lambda x, z: xlogy(x, 1 - sigmoid(z)), lambda x, z: -(x * softplus(z))),
    Identity("stable", lambda x, z: xlog1py(x, -sigmoid(z)), lambda x, z: -(x * softplus(z))),
)
LOG_LOSS = (
    # The form with one logarithm is exact where the prediction is right: a small loss is not lost.
    Identity(
        "stable",
        lambda y, z: y * softplus(-z) + (1 - y) * softplus(z),
        lambda y, z: np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z))),
        where=lambda y, z: is_wide(z),
    ),
)


def table() -> dict[Any, list[Rule]]:
    """The rules by the function they are for, those of the algebra after them."""
    rules = algebra()
    for function, first in {
        np.divide: [_softmax],
        np.log: [_log_of_sum],
        np.multiply: [_slope, cancelled, _over_sum],
    }.items():
        rules[function] = [*first, *rules.get(function, [])]
    for function, identities in rules_of((*SIGMOIDS, *LOGARITHMS, *LOG_LOSS)).items():
        rules[function] = [*identities, *rules.get(function, [])]
    return rules


def _pair(now: Rewriting, step: Step) -> list[tuple[Any, Any]]:
    """The operands of a step of two, both ways round."""
    a, b = now.operand(step, 0), now.operand(step, 1)
    return [(a, b), (b, a)]


def _argument(now: Rewriting, value: Any, function: Any) -> Any:
    """x of a value that is function(x), else None."""
    maker = now.maker(value, function)
    return None if maker is None else now.operand(maker, 0)


def _exponent_of_denominator(now: Rewriting, value: Any) -> Any:
    """z of a value that is 1 + exp(-z)."""
    total = now.maker(value, np.add)
    for one, power in _pair(now, total) if total else ():
        exponent = _argument(now, power, np.exp)
        if now.is_all(one, 1) and exponent is not None:
            z = _argument(now, exponent, np.negative)
            return z if z is not None else -exponent
    return None


def _logit(now: Rewriting, value: Any) -> Any:
    """z of s."""
    return _argument(now, value, sigmoid)


def _complement(now: Rewriting, value: Any) -> Any:
    """z of t."""
    difference = now.maker(value, np.subtract)
    if difference is None or not now.is_all(now.operand(difference, 0), 1):
        return None
    return _logit(now, now.operand(difference, 1))


def _slope(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """Rewrites u where it has s or t in denominators. Elsewhere the form as it is keeps more digits
    than 1 - s."""
    return slope(now, args, written_out=False)


def slope(now: Rewriting, args: Any, written_out: bool) -> Any:
    """(u * s / (1 + e)) * e = u * (s * (1 - s)), for e = exp(-z): the derivative of a sigmoid that
    is written out. Without `written_out` only where the denominators of u cancel.
    """
    for quotient, power in (args, args[::-1]):
        division = now.maker(quotient, np.divide)
        if division is None:
            continue
        z = _exponent_of_denominator(now, now.operand(division, 1))
        exponent = _argument(now, power, np.exp)
        product = now.maker(now.operand(division, 0), np.multiply)
        if z is None or exponent is None or product is None:
            continue
        if not is_same(_argument(now, exponent, np.negative), z):
            continue
        for u, s in _pair(now, product):
            if is_same(_logit(now, s), z):
                positive = _argument(now, u, np.negative)
                v = u if positive is None else positive
                found = _through(now, v, s, 1 - s)
                if found is None:
                    if not written_out:
                        return None
                    found = v * (s * (1 - s))
                return found if positive is None else -found
    return None


def cancelled(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """u * (s * t), where u has s or t in denominators."""
    for u, slope in (args, args[::-1]):
        product = now.maker(slope, np.multiply)
        for s, t in _pair(now, product) if product else ():
            z = _logit(now, s)
            if z is not None and is_same(_complement(now, t), z):
                return _through(now, u, s, t)
    return None


def _through(now: Rewriting, u: Any, s: Any, t: Any) -> Any:
    """u * s * t, where u consists of quotients by s and by t; None where it does not."""
    between = _between(now, u, s)
    if between is not None:
        return between
    maker = now.maker(u, np.add, np.subtract, np.negative, np.multiply, np.divide)
    if maker is None:
        return None
    if maker.function is np.negative:
        inner = _through(now, now.operand(maker, 0), s, t)
        return None if inner is None else -inner
    a, b = now.operand(maker, 0), now.operand(maker, 1)
    if maker.function is np.divide:
        if is_same(b, s):
            return a * t
        return a * s if is_same(b, t) else _scaled_by(now, np.divide, a, b, s, t)
    if maker.function is np.multiply:
        for x, c in ((a, b), (b, a)):
            found = _scaled_by(now, np.multiply, x, c, s, t)
            if found is not None:
                return found
        return None
    left, right = _through(now, a, s, t), _through(now, b, s, t)
    return None if left is None or right is None else maker.function(left, right)


def _scaled_by(now: Rewriting, function: Any, x: Any, c: Any, s: Any, t: Any) -> Any:
    inner = _through(now, x, s, t)
    return None if inner is None else function(inner, c)


def _is_complement(now: Rewriting, w: Any, y: Any) -> bool:
    """Whether w is 1 - y."""
    difference = now.maker(w, np.subtract)
    if difference is None or not now.is_all(now.operand(difference, 0), 1):
        return False
    return is_same(now.operand(difference, 1), y)


def _between(now: Rewriting, u: Any, s: Any) -> Any:
    """u s t = k (s - y), for u = k (1 - y) / t - k y / s: the gradient of the log-loss at s."""
    difference = now.maker(u, np.subtract)
    if difference is None:
        return None
    quotients = [now.maker(now.operand(difference, i), np.divide) for i in (0, 1)]
    if None in quotients:
        return None
    (n, by), (m, over) = ([now.operand(q, i) for i in (0, 1)] for q in quotients if q is not None)
    if is_same(by, s) and _is_complement(now, over, s):
        found = _between_weights(now, m, n, s)
        return None if found is None else -found
    if is_same(over, s) and _is_complement(now, by, s):
        return _between_weights(now, n, m, s)
    return None


def _between_weights(now: Rewriting, n: Any, m: Any, s: Any) -> Any:
    """k (s - y) for n = k (1 - y) and m = k y."""
    one, other = now.maker(n, np.multiply), now.maker(m, np.multiply)
    if one is None or other is None:
        return (s - m) if _is_complement(now, n, m) else None
    for k, w in _pair(now, one):
        for c, y in _pair(now, other):
            numbers = now.number(k), now.number(c)
            equal = is_same(k, c) or (None not in numbers and bool(numbers[0] == numbers[1]))
            if equal and _is_complement(now, w, y):
                return (s - y) * k
    return None


def _sum_of_exp(now: Rewriting, value: Any) -> tuple[Any, Any, Any, bool] | None:
    """exp(x), x, and the axis and keepdims, of a value that is a sum of exp(x)."""
    total = now.maker(value, np.sum)
    if total is None or set(total.options) - {"axis", "keepdims"} or len(total.args) > 2:
        return None
    power = now.operand(total, 0)
    x = _argument(now, power, np.exp)
    if x is None or x.dtype.kind != "f":
        return None
    axis = total.args[1] if len(total.args) > 1 else total.options.get("axis")
    return power, x, axis, bool(total.options.get("keepdims", False))


def _log_of_sum(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    found = _sum_of_exp(now, args[0])
    return None if found is None else logsumexp(found[1], axis=found[2], keepdims=found[3])


def _softmax(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    found = _sum_of_exp(now, args[1])
    if found is None or not is_same(found[0], args[0]) or not (found[3] or found[2] is None):
        return None
    return softmax(found[1], axis=found[2])


def _over_sum(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """(n / sum(exp(x))) * exp(x) = n * softmax(x): the derivative of log(sum(exp(x)))."""
    found = over_sum(now, args)
    return None if found is None else found[0] * softmax(found[1], axis=found[2])


def over_sum(now: Rewriting, args: Any) -> Any:
    """n, x, the axis, exp(x) and its sum, of the factors n / sum(exp(x)) and exp(x)."""
    for quotient, power in (args, args[::-1]):
        x = _argument(now, power, np.exp)
        denominators: list[Any] = []
        n = _numerator(now, quotient, denominators, {}) if x is not None else None
        if n is None or not denominators:
            continue
        found = _sum_of_exp(now, denominators[0])
        if found is not None and is_same(found[0], power):
            return n, x, found[2], power, denominators[0]
    return None


_LINEAR = (np.negative, np.sum, np.reshape, np.broadcast_to)


def _numerator(
    now: Rewriting, value: Any, denominators: list[Any], seen: dict[Variable, Any]
) -> Any:
    """n of a value that is n / S for a sum S of exp, which is noted; None where it is not.

    `seen` has the answers so far: a value may be reached in more ways than can be counted.
    """
    if not isinstance(value, Tracer):
        return None
    if value.variable not in seen:
        before = len(denominators)
        found = _numerator_of(now, value, denominators, seen)
        if len(denominators) > before:
            return found
        seen[value.variable] = found
    return seen[value.variable]


def _numerator_of(
    now: Rewriting, value: Tracer, denominators: list[Any], seen: dict[Variable, Any]
) -> Any:
    maker = now.maker(value, np.divide, np.add, np.subtract, np.multiply, *_LINEAR)
    if maker is None:
        return None
    a = now.operand(maker, 0)
    if maker.function is np.divide:
        b = now.operand(maker, 1)
        known = not denominators or is_same(denominators[0], b)
        if known and _sum_of_exp(now, b) is not None:
            denominators[:] = [b]
            # The quotient may have more axes, which a later reshape counts on.
            return a if np.shape(a) == value.shape else np.broadcast_to(a, value.shape)
        return None
    if maker.function in _LINEAR:
        inner = _numerator(now, a, denominators, seen)
        others = [now.tracer(v) for v in maker.args[1:]]
        return None if inner is None else maker.function(inner, *others, **maker.options)
    b = now.operand(maker, 1)
    if maker.function is np.multiply:
        inner = _numerator(now, a, denominators, seen)
        if inner is not None:
            return inner * b
        inner = _numerator(now, b, denominators, seen)
        return None if inner is None else a * inner
    left, right = (_numerator(now, v, denominators, seen) for v in (a, b))
    return None if left is None or right is None else maker.function(left, right)
