"""Rules by which NumPy's functions spread over arrays that are cut into blocks along one axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_lite.arrays.dask import moving, reducing
from autograd_lite.arrays.dask.elementwise import broadcast, elementwise
from autograd_lite.arrays.dask.expression import BlockStep
from autograd_lite.functions import traits

RULES: dict[Any, Callable[..., BlockStep | None]] = {
    np.mean: reducing.mean,
    np.var: reducing.variance,
    np.std: reducing.variance,
    np.dot: reducing.product,
    np.matmul: reducing.product,
    np.einsum: reducing.einsum,
    np.transpose: moving.transpose,
    np.swapaxes: moving.swapaxes,
    np.moveaxis: moving.moveaxis,
    np.reshape: moving.reshape,
    np.ravel: moving.ravel,
    np.broadcast_to: broadcast,
    np.expand_dims: moving.expand_dims,
    np.squeeze: moving.squeeze,
    np.concatenate: moving.concatenate,
    np.full_like: moving.like,
}


def _by_traits(function: Any) -> Callable[..., BlockStep | None] | None:
    known = traits(function)
    if known.elementwise:
        return elementwise
    if known.reduction is not None:
        return reducing.reduction
    return moving.like if known.makes_alike else None


def spread(function: Any, args: Sequence[Any], options: Mapping[str, Any]) -> BlockStep | None:
    """The step for `function(*args, **options)` where some arguments are steps.

    None where the result is not blocks along one axis, or nobody has said how it comes from those
    of the operands.
    """
    rule = RULES.get(function) or _by_traits(function)
    if rule is None:
        return None
    try:
        return rule(function, *args, **options)
    except TypeError as error:
        # Options that the rule has no parameters for.
        if error.__traceback__ is not None and error.__traceback__.tb_next is None:
            return None
        raise
