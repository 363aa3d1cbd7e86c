"""Selections written once instead of at every step behind a mask.

A gradient that `where` let through in some places is 0 in the others whatever its factors are (see
`gradients`), so that a trace selects again after each operation on it. Most of these selections
follow from another one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.gradients import mask_along
from autograd_lite.program.ir import Step
from autograd_lite.program.rewriting import Rewriting, Rule
from autograd_lite.program.tracing import Tracer
from autograd_lite.rules.special import astype

_SIGNED = (np.negative, np.positive, np.conjugate, astype)
_CARRYING = (np.multiply, np.divide, np.negative, np.positive, np.conjugate)


def rules() -> list[Rule]:
    """The rules for np.where."""
    return [_shut_already, _once]


def _shut_already(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """where(c, x, 0) = x, for an x that is 0 wherever c is False."""
    condition, x, other = args
    if not isinstance(x, Tracer) or not now.is_all(other, 0):
        return None
    return x if _is_shut(now, x, _parts(now, condition, np.bitwise_or)) else None


def _is_shut(now: Rewriting, x: Any, conditions: set[Any]) -> bool:
    """Whether a value is for certain 0 where none of the conditions holds."""
    chosen = now.maker(x, np.where)
    if chosen is not None:
        needed = _parts(now, now.operand(chosen, 0), np.bitwise_and)
        return bool(needed & conditions) and now.is_all(now.operand(chosen, 2), 0)
    sum_ = now.maker(x, np.add, np.subtract)
    if sum_ is not None:
        return all(_is_shut(now, now.operand(sum_, i), conditions) for i in (0, 1))
    signed = now.maker(x, *_SIGNED)
    if signed is not None:
        return _is_shut(now, now.operand(signed, 0), conditions)
    return _is_rearranged(now, x, conditions)


def _is_rearranged(now: Rewriting, x: Any, conditions: set[Any]) -> bool:
    """Whether a value and a condition went the same way, and the value was shut before."""
    moved = now.makers.get(x.variable) if isinstance(x, Tracer) else None
    way = mask_along(moved.function, moved.args, moved.options) if moved is not None else None
    if moved is None or way is None or len(conditions) != 1:
        return False
    along = now.makers.get(next(iter(conditions)))
    alike = (
        along is not None
        and along.function is way
        and (along.args[1:], along.options) == (moved.args[1:], moved.options)
    )
    if along is None or not alike:
        return False
    before = _parts(now, now.operand(along, 0), np.bitwise_or)
    return _is_shut(now, now.operand(moved, 0), before)


def _once(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """where(c, where(c, a, 0) * b, 0) = where(c, a * b, 0), and likewise through other steps that
    keep zeros.
    """
    condition, x, other = args
    product = now.maker(x, *_CARRYING)
    if product is None or not now.is_all(other, 0):
        return None
    holding = _parts(now, condition, np.bitwise_and)
    operands = [now.tracer(a) for a in product.args]
    opened = [_opened(now, operand, holding) for operand in operands]
    if all(new is old for new, old in zip(opened, operands, strict=True)):
        return None
    result = product.function(*opened)
    return np.where(condition, result, other) if result.shape == np.shape(x) else None


def _opened(now: Rewriting, value: Any, holding: set[Any]) -> Any:
    """a of a value where(c, a, 0), where c is one of those that hold; else the value."""
    chosen = now.maker(value, np.where)
    if chosen is None or not now.is_all(now.operand(chosen, 2), 0):
        return value
    if not _parts(now, now.operand(chosen, 0), np.bitwise_and) <= holding:
        return value
    inner = now.operand(chosen, 1)
    return inner if getattr(inner, "dtype", None) == value.dtype else value


def _parts(now: Rewriting, condition: Any, function: Any) -> set[Any]:
    """A condition, and those that it was put together of by `function`."""
    if not isinstance(condition, Tracer):
        # A plain value, which is no part of another condition.
        return {object()}
    maker = now.maker(condition, function)
    found = {condition.variable}
    for i in (0, 1) if maker is not None else ():
        found |= _parts(now, now.operand(maker, i), function)  # type: ignore[arg-type]
    return found


def as_triangle(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """where(mask, x, 0) as np.tril(x, k) or np.triu(x, k), for a mask of that shape."""
    condition, x, other = args
    if not isinstance(condition, Tracer) or not isinstance(x, Tracer) or x.ndim < 2:
        return None
    mask = now.trace.constants.get(condition.variable)
    if mask is None or mask.shape != x.shape or not mask.size or not now.is_all(other, 0):
        return None
    first = mask[(0,) * (mask.ndim - 2)]
    rows, columns = first.shape
    below, above = int(first[0].sum()) - 1, columns - int(first[0].sum())
    if np.array_equal(mask, np.broadcast_to(np.tri(rows, columns, below, bool), x.shape)):
        return np.tril(x, below)
    if np.array_equal(mask, np.broadcast_to(~np.tri(rows, columns, above - 1, bool), x.shape)):
        return np.triu(x, above)
    return None
