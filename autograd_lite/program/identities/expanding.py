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
from autograd_lite.program.ir import Program, Step
from autograd_lite.program.rewriting import Rewriting, Rule
from autograd_lite.program.tracing import Tracer
from autograd_lite.rules.indexing import getitem, put_back
from autograd_lite.rules.special import astype, sigmoid, softplus

NOT_EXPANDED: set[Callable[..., Any]] = {getitem, put_back, astype}


def rules_for(program: Program) -> dict[Any, list[Rule]]:
    """The rules for the operations that occur in `program`."""
    table: dict[Any, list[Rule]] = {sigmoid: [_sigmoid, defined], softplus: [_softplus]}
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


def _sigmoid(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """1 / (1 + exp(-z)), which is 0 below -709 (-88 in float32), where the sigmoid has no digits.

    exp may overflow in it, to the right limit. Choosing between two forms, as the definition
    does, takes longer than all of this.
    """
    z = args[0]
    return 1 / (1 + np.exp(-z)) if _wide(z) else None


def _softplus(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    """max(z, 0) + log(1 + exp(-|z|)): the same as np.logaddexp, whose loop is a slow one."""
    z = args[0]
    if not _wide(z):
        return np.logaddexp(z, 0)
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def _mean(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
    x, *rest = args
    if len(rest) > 1 or set(options) - {"axis", "keepdims"} or not _wide(x):
        return None
    axis = rest[0] if rest else options.get("axis")
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    count = math.prod(x.shape[i] for i in axes)
    total = np.sum(x, axis=axis, keepdims=options.get("keepdims", False))
    return total / count if count else None


def _wide(x: Any) -> bool:
    """Whether the dtype has the range that the short forms need."""
    return isinstance(x, Tracer) and x.dtype in (np.float32, np.float64)
