"""Identities that turn the formulas of a backward pass into those of textbooks."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.program.identities.algebra import table as algebra
from autograd_lite.program.identities.masking import as_triangle
from autograd_lite.program.identities.pairs import Identity, rules_of
from autograd_lite.program.identities.stable import cancelled, over_sum, slope
from autograd_lite.program.ir import Step
from autograd_lite.program.rewriting import Rewriting, Rule

TEXTBOOK = (
    # The gradient of max(x, 0), which is shared where x is 0.
    Identity(
        "textbook",
        lambda x, g: np.where(x > 0, g, np.where(x == 0, g / 2, 0)),
        lambda x, g: g * np.heaviside(x, 0.5),
    ),
)


def table() -> dict[Any, list[Rule]]:
    """The rules by the function they are for."""
    rules = algebra()
    rules[np.multiply] = [_slope, cancelled, _over_sum, *rules[np.multiply]]
    rules[np.where] = [*rules_of(TEXTBOOK)[np.where], *rules[np.where], as_triangle]
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
