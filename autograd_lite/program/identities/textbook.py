"""Identities that turn what backward computes into what stands in books."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.program.identities.algebra import table as algebra
from autograd_lite.program.identities.masking import as_triangle
from autograd_lite.program.identities.stable import cancelled, over_sum, slope
from autograd_lite.program.ir import Step
from autograd_lite.program.rewriting import Rewriting, Rule
from autograd_lite.program.tracing import Tracer


def table() -> dict[Any, list[Rule]]:
    """The rules by the function they are for."""
    rules = algebra()
    rules[np.multiply] = [_slope, cancelled, _over_sum, *rules[np.multiply]]
    rules[np.where] = [_step_function, *rules[np.where], as_triangle]
    return rules


def _slope(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """The derivative of a sigmoid as s * (1 - s)."""
    return slope(now, args, written_out=True)


def _over_sum(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """(n / S) * e = n * (e / S), for e = exp(x) and S its sum along an axis that is kept."""
    found = over_sum(now, args)
    if found is None or found[3].ndim != found[4].ndim:
        return None
    return found[0] * (found[3] / found[4])


def _step_function(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """The gradient of max(x, 0), which is shared where x is 0, as g * heaviside(x, 1/2)."""
    positive, g, rest = args
    above, ties = now.maker(positive, np.greater), now.maker(rest, np.where)
    if above is None or ties is None or not isinstance(g, Tracer):
        return None
    equal = now.maker(now.operand(ties, 0), np.equal)
    half = now.maker(now.operand(ties, 1), np.divide)
    if equal is None or half is None or not now.is_all(now.operand(ties, 2), 0):
        return None
    x, zero = now.operand(above, 0), now.operand(above, 1)
    same = equal.args == above.args or equal.args == above.args[::-1]
    halved = now.operand(half, 0)
    if not same or not now.is_all(now.operand(half, 1), 2) or halved.variable is not g.variable:
        return None
    return g * np.heaviside(x, 0.5) if now.is_all(zero, 0) else None
