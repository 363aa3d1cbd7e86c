"""Identities that make a formula shorter to read. They change no value by more than a rounding, and
save no time.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Container, Mapping
from fractions import Fraction
from typing import Any, cast

import numpy as np

from autograd_lite.functions import with_trait
from autograd_lite.operations import OPERATIONS
from autograd_lite.program.identities.algebra import table as algebra
from autograd_lite.program.identities.algebra import unexpanded
from autograd_lite.program.identities.pairs import Identity, rules_of
from autograd_lite.program.ir import Step
from autograd_lite.program.rewriting import Rewriting, Rule, is_same
from autograd_lite.program.tracing import Tracer
from autograd_lite.rules.indexing import getitem
from autograd_lite.rules.special import astype

DENOMINATOR_LIMIT = 1_000_000
"""A factor is written as a quotient of whole numbers up to this one."""

NUMERATOR_LIMIT = 8

READABLE = (
    Identity("textbook", lambda x: x + x, lambda x: 2 * x),
    Identity("textbook", lambda x: x * x, np.square),
    Identity("textbook", lambda x, c, d: c * (x / d), lambda x, c, d: x * (c / d)),
    Identity("textbook", lambda x, c: x / c + x / c, lambda x, c: x if c == 2 else x / (c / 2)),
    Identity("textbook", lambda x, y: x + -y, lambda x, y: x - y),
    Identity(
        "textbook",
        lambda a, b: np.transpose(np.matmul(a, np.transpose(b))),
        lambda a, b: np.matmul(b, np.transpose(a)),
    ),
    Identity(
        "textbook",
        lambda a, b: np.transpose(np.matmul(np.transpose(a), b)),
        lambda a, b: np.matmul(np.transpose(b), a),
    ),
)


def table(names: Mapping[int, str]) -> dict[Any, list[Rule]]:
    """The rules by the function that they start from; `names` gives whole numbers their names."""

    def quotient(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
        return _quotient(now, args, names)

    rules: dict[Any, list[Rule]] = rules_of(READABLE)
    rules[np.multiply] = [
        *(_softmax_slope, quotient, _outer, _where_positive, _expanded_later),
        *rules[np.multiply],
    ]
    rules[np.reshape] = [_vector_again]
    rules[np.where] = [_unguarded]

    def number_by(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
        return _number_by(now, args, names)

    rules[np.divide] = [_quotient_of_number(names), number_by, _expanded_later]
    rules[np.negative] = [_expanded_later]
    rules[np.moveaxis] = [_unmoved]
    rules[astype] = [_same_dtype]
    for function in (np.multiply, np.divide, np.add, np.subtract):
        rules[function] = [*rules.get(function, []), unexpanded]
    return rules


def _quotient(now: Rewriting, args: Any, names: Mapping[int, str]) -> Any:
    """x * c as x / n, or k * x / n, for a number c that is k / n for whole numbers."""
    for x, factor in (args, args[::-1]):
        found = _fraction(now, factor, x)
        if found is None:
            continue
        k, n = found
        scaled: Any = x if abs(k) == 1 else np.multiply(abs(k), x)
        return (scaled if k > 0 else np.negative(scaled)) / _whole(now, n, names)
    return None


def _fraction(now: Rewriting, factor: Any, x: Any) -> tuple[int, int] | None:
    """k and n of a number that is k / n for whole numbers, in the dtype of x."""
    c = now.number(factor)
    is_float = isinstance(c, (float, np.floating)) and bool(np.isfinite(c))
    if not isinstance(x, Tracer) or now.number(x) is not None or not is_float:
        return None
    # Below the square root of what the dtype can tell apart, so that it is no chance.
    apart = int(np.finfo(x.dtype).eps ** -0.5) if x.dtype.kind == "f" else 1
    found = Fraction(float(c)).limit_denominator(min(DENOMINATOR_LIMIT, apart))
    k, n = found.numerator, found.denominator
    exact = n > 1 and 0 < abs(k) <= NUMERATOR_LIMIT and x.dtype.type(k / n) == x.dtype.type(c)
    return (k, n) if exact else None


def _number_by(now: Rewriting, args: Any, names: Mapping[int, str]) -> Any:
    """c / x as k / (n * x), for a number c that is k / n for whole numbers."""
    found = _fraction(now, *args)
    if found is None:
        return None
    k, n = found
    return np.divide(float(k), _whole(now, n, names) * args[1])


def _outer(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """A column times a vector as np.outer."""
    for column, vector in (args, args[::-1]):
        reshaped = now.maker(column, np.reshape)
        left: Any = None if reshaped is None else now.operand(reshaped, 0)
        if np.ndim(left) == 1 == np.ndim(vector) and column.shape == (*np.shape(left), 1):
            return np.outer(left, vector) if isinstance(left, Tracer) else None
    return None


_GUARDS = (np.equal, np.not_equal, np.isnan, np.isfinite, np.isinf)
_JOINED = (np.logical_not, np.invert, *(np.bitwise_and, np.bitwise_or, np.logical_and))


def _unguarded(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """where(x != 0, a, b) = a, for guards against single numbers that no element needs."""
    condition = args[0]
    if not _is_guard(now, condition):
        return None
    value = now.trace.values[condition.variable] if isinstance(condition, Tracer) else condition
    if not np.all(value) and np.any(value):
        return None
    chosen = args[1] if np.all(value) else args[2]
    if not isinstance(chosen, Tracer):
        return None
    fits = chosen.shape == step.result.shape
    return chosen if fits else np.broadcast_to(chosen, step.result.shape)


def _is_guard(now: Rewriting, condition: Any) -> bool:
    """Whether a condition compares with a number, or asks for NaN or infinity."""
    if not isinstance(condition, Tracer):
        return isinstance(condition, (bool, np.bool_))
    maker = now.maker(condition, *_GUARDS, *_JOINED, np.reshape, np.broadcast_to)
    if maker is None:
        return False
    if maker.function in _GUARDS:
        return len(maker.args) == 1 or any(
            now.number(now.tracer(a)) is not None for a in maker.args
        )
    joined = maker.args if maker.function in _JOINED else maker.args[:1]
    return all(_is_guard(now, now.tracer(a)) for a in joined)


def _where_positive(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """g * heaviside(z, 0.5) = g * (z > 0), where z is nowhere 0."""
    for g, slope in (args, args[::-1]):
        heaviside = now.maker(slope, np.heaviside)
        z: Any = None if heaviside is None else now.operand(heaviside, 0)
        if isinstance(z, Tracer) and np.all(now.trace.values[z.variable] != 0):
            return g * np.greater(z, 0)
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
        if total is None or quotient is None or not is_same(now.operand(quotient, 1), s):
            continue
        product = now.maker(now.operand(total, 0), np.multiply)
        if product is None or not total.options.get("keepdims"):
            continue
        factors = now.operand(product, 0), now.operand(product, 1)
        if any(is_same(a, s) and is_same(b, gradient) for a, b in (factors, factors[::-1])):
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


def of_rules(given: Container[float]) -> dict[Any, list[Rule]]:
    """The rules for the formula of one derivative rule; the factors keep their order.

    A number among `given` is written as it was given, and not as a quotient.
    """

    def quotient(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
        return _whole_quotient(now, args, given)

    table = _of_rules()
    return {**table, np.multiply: [*table[np.multiply], quotient]}


@functools.cache
def _of_rules() -> dict[Any, list[Rule]]:
    general, det = algebra(), cast(Rule, OPERATIONS[np.linalg.det].rules["a"])
    rules: dict[Any, list[Rule]] = {
        function: [unexpanded, _unstretched]
        for function in with_trait("elementwise")
        if getattr(function, "nin", 0) == 2
    }
    rules |= {function: general[function] for function in (np.ravel, np.broadcast_to)}
    rules[np.where] = [unexpanded]
    rules[np.reshape] = [*general[np.reshape], _vector_again]
    rules[np.transpose] = [*general[np.transpose], _transpose]
    rules |= {np.matrix_transpose: [_transpose], np.swapaxes: [_transpose]}
    rules |= {np.conjugate: [_of_real], np.real: [_of_real]}
    rules |= {np.moveaxis: [_unmoved], getitem: [_item_of_moved], astype: [_same_dtype]}
    rules[inspect.unwrap(det)] = [_det]
    return rules


def _whole_quotient(now: Rewriting, args: Any, given: Container[float]) -> Any:
    """x * c as x / n, for a number c that is 1 / n."""
    for x, factor in (args, args[::-1]):
        c: Any = now.number(factor)
        is_float = isinstance(c, (float, np.floating))
        if not isinstance(x, Tracer) or not is_float or c in given:
            continue
        n = round(1 / float(c)) if abs(c) > 1 / DENOMINATOR_LIMIT else 0
        if n > 1 and type(c)(1 / n) == c:
            return np.divide(x, n)
    return None


def _unstretched(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """A number without the axes of length 1 that its partner supplies as well."""
    for i, value in enumerate(args):
        reshaped = now.maker(value, np.reshape)
        number = None if reshaped is None else now.operand(reshaped, 0)
        if isinstance(number, Tracer) and not number.shape and np.ndim(args[1 - i]) >= value.ndim:
            return step.function(*(number if k == i else a for k, a in enumerate(args)), **options)
    return None


def _item_of_moved(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """moveaxis(x, 1, 0)[k] = x[:, k]."""
    x, index = args
    moved = now.maker(x, np.moveaxis)
    if moved is None or type(index) is not int or moved.args[2:] != (0,):
        return None
    before = moved.args[1] % x.ndim
    return getitem(now.operand(moved, 0), (*(slice(None),) * before, index))


def _vector_again(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """A product with a vector that was made a column, which is made a vector again."""
    product = now.maker(args[0], np.matmul)
    if product is None:
        return None
    left, right = now.operand(product, 0), now.operand(product, 1)
    column = now.maker(right, np.reshape)
    vector = None if column is None else now.operand(column, 0)
    if vector is None or vector.ndim != 1 or right.shape != (*vector.shape, 1):
        return None
    return np.matmul(left, vector) if args[0].shape == (*step.result.shape, 1) else None


def _transpose(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """A matrix's transpose as `.T`; a transposition that moves no axis is left out."""
    x = args[0]
    if x.ndim > 2:
        return None
    if x.ndim < 2 or step.function(np.empty((2, 3)), *args[1:], **options).shape == (2, 3):
        return x
    return None if step.function is np.transpose and len(args) == 1 else np.transpose(x)


def _of_real(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """Leaves out the conjugate, or the real part, of a real value."""
    return args[0] if isinstance(args[0], Tracer) and args[0].dtype.kind != "c" else None


def _det(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """The gradient of a determinant as books have it, of a matrix that has an inverse."""
    g, a, out = args
    weight = g * out
    inverse = np.matrix_transpose(np.linalg.inv(a))
    return np.reshape(weight, (*weight.shape, 1, 1)) * inverse
