"""Identities that save a step and change no value by more than a rounding."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.functions import with_trait
from autograd_lite.program.identities import masking
from autograd_lite.program.identities.pairs import Identity, rules_of
from autograd_lite.program.ir import Step
from autograd_lite.program.rewriting import Rewriting, Rule
from autograd_lite.program.tracing import Tracer
from autograd_lite.rules.indexing import getitem

CHEAPER = (
    Identity("cheaper", lambda x: x * 1, lambda x: x),
    Identity("cheaper", lambda x: x / 1, lambda x: x),
    Identity("cheaper", lambda x: np.negative(-x), lambda x: x),
    Identity("cheaper", lambda x, y: -x + -y, lambda x, y: -(x + y)),
    Identity("cheaper", lambda x, y: x + -y, lambda x, y: x - y),
    Identity("cheaper", lambda x, y: x - -y, lambda x, y: x + y),
    Identity("cheaper", lambda x, y: -(x - y), lambda x, y: y - x, once=True),
    Identity("cheaper", lambda x: np.abs(-x), np.abs),
    Identity("cheaper", lambda x: np.transpose(np.transpose(x)), lambda x: x),
    Identity(
        "cheaper",
        lambda x, c, d: (x * c) * d,
        lambda x, c, d: x * (c * d),
        once=True,
        where=lambda x, c, d: isinstance(x, Tracer) and np.isfinite(c * d) and c * d != 0,
    ),
    Identity("cheaper", lambda x, c: -x * c, lambda x, c: x * -c),
    Identity("cheaper", lambda x, y: x * -y, lambda x, y: -(x * y)),
    Identity("cheaper", lambda x, c: -x / c, lambda x, c: x / -c),
    Identity("cheaper", lambda x, y: -x / y, lambda x, y: -(x / y)),
    Identity("cheaper", lambda x, c: -(x * c), lambda x, c: x * -c, once=True),
    Identity("cheaper", lambda x, c: -(x / c), lambda x, c: x / -c, once=True),
)


def table() -> dict[Any, list[Rule]]:
    """The rules by the function they are for."""
    binary = (f for f in with_trait("elementwise") if getattr(f, "nin", 0) == 2)
    rules: dict[Any, list[Rule]] = {function: [unexpanded] for function in binary}
    for function, identities in rules_of(CHEAPER).items():
        rules.setdefault(function, []).extend(identities)
    rules[np.multiply].append(_scaled_product)
    rules |= {
        operator.pow: [_power],
        np.power: [_power],
        np.reshape: [_reshape],
        np.ravel: [_ravel],
        np.broadcast_to: [_same_shape],
        np.where: [unexpanded, *masking.rules()],
        np.sum: [_sum_of_one, _sum_of_negative],
        getitem: [_whole],
    }
    return rules


def unexpanded(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """Operands that were expanded to the shape which broadcasting gives them anyway."""
    if options:
        return None
    operands = [_before(now, a, np.broadcast_to) for a in args]
    if all(new is old for new, old in zip(operands, args, strict=True)):
        return None
    if np.broadcast_shapes(*map(np.shape, operands)) != step.result.shape:
        return None
    return step.function(*operands)


def _before(now: Rewriting, value: Any, function: Callable[..., Any]) -> Any:
    """The first operand of `function`, where it gave this value; else the value."""
    maker = now.maker(value, function)
    return value if maker is None else now.operand(maker, 0)


def _power(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """Powers as a few products, which together take a fraction of the time of np.power."""
    x, exponent = args
    if options or not isinstance(x, Tracer) or x.variable.weak:
        return None
    if type(exponent) in (int, float) and x.dtype.kind in "fc":
        if exponent in (2, 3, 4):
            square = np.square(x)
            return {2: square, 3: square * x}.get(exponent, square * square)
        simple: Any = {1: _itself, 0.5: np.sqrt, -1: np.reciprocal}.get(exponent)
        if simple is not None:
            return simple(x)
    return np.power(x, exponent) if step.function is operator.pow else None


def _itself(x: Any) -> Any:
    return x


def _scaled_product(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """c (A B) as (c A) B, where A or B is much smaller than the product."""
    for product, c in (args, args[::-1]):
        inner = now.maker(product, np.dot, np.matmul)
        if inner is None or now.number(c) is None or now.uses.get(product.variable, 0) > 1:
            continue
        a, b = now.operand(inner, 0), now.operand(inner, 1)
        least = min(a, b, key=np.size)
        if inner.options or least.dtype.kind not in "fc" or 2 * least.size > product.size:
            return None
        return inner.function(a * c, b) if least is a else inner.function(a, b * c)
    return None


def _sum_of_negative(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    maker = now.maker(args[0], np.negative)
    return None if maker is None else -np.sum(now.operand(maker, 0), *args[1:], **options)


def _in_order(args: Any, options: Any) -> bool:
    return len(args) == 2 and options.get("order", "C") == "C" and not set(options) - {"order"}


def _reshape(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    if not _in_order(args, options):
        return None
    if args[0].shape == step.result.shape:
        return args[0]
    inner = now.maker(args[0], np.reshape)
    if inner is None or not _in_order(inner.args, inner.options):
        return None
    origin = now.operand(inner, 0)
    if origin.shape == step.result.shape:
        return origin
    return np.reshape(origin, step.result.shape)


def _ravel(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    return args[0] if args[0].ndim == 1 and len(args) == 1 and not options else None


def _same_shape(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    return args[0] if getattr(args[0], "shape", None) == step.result.shape else None


def _sum_of_one(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """A sum over axes of length 1."""
    x = args[0]
    if set(options) - {"axis", "keepdims"} or len(args) > 1 or not x.size:
        return None
    # Of all axes it gives a number, which a reshaped array is not.
    shape = step.result.shape
    return np.reshape(x, shape) if shape and x.size == step.result.size else None


def _whole(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """x[()]."""
    return args[0] if isinstance(args[1], tuple) and not args[1] else None
