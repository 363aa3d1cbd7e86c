"""The operations that NumPy lacks, written in those that it has, so that they can be run in blocks.

What an operation computes is its own definition, except where another form of it takes less time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_lite.operations import OPERATIONS
from autograd_lite.program.identities.pairs import Identity, is_wide, rules_of
from autograd_lite.program.ir import Program, Step
from autograd_lite.program.rewriting import Rewriting, Rule
from autograd_lite.rules.indexing import getitem, put_back
from autograd_lite.rules.special import astype, sigmoid, softplus

SHORT = (
    # 0 below -709 (-88 in float32), where the sigmoid has no digits; exp may overflow, to the right
    # limit. Choosing between two forms, as the definition does, takes longer than all of this.
    Identity("cheaper", lambda z: sigmoid(z), lambda z: 1 / (1 + np.exp(-z)), where=is_wide),
    # The loop of np.logaddexp, which the definition calls, is a slow one.
    Identity(
        "cheaper",
        lambda z: softplus(z),
        lambda z: np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))),
        where=is_wide,
    ),
)

NOT_EXPANDED: set[Callable[..., Any]] = {getitem, put_back, astype}


def rules_for(program: Program) -> dict[Any, list[Rule]]:
    """The rules for the operations that occur in `program`."""
    table = rules_of(SHORT)
    table[sigmoid].append(defined)
    table[softplus].append(defined)
    for step in program.steps:
        operation = OPERATIONS.get(step.function)
        if (
            operation is None
            or operation.function is step.function
            or step.function in NOT_EXPANDED
        ):
            continue
        table.setdefault(step.function, [defined])
    table[np.mean] = [_mean]
    return table


def defined(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    return OPERATIONS[step.function].function(*args, **options)


def _mean(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    x, *rest = args
    if len(rest) > 1 or set(options) - {"axis", "keepdims"} or not is_wide(x):
        return None
    axis = rest[0] if rest else options.get("axis")
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    count = math.prod(x.shape[i] for i in axes)
    total = np.sum(x, axis=axis, keepdims=options.get("keepdims", False))
    return total / count if count else None
