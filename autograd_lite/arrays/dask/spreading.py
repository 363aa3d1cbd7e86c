"""How NumPy's functions spread over arrays that are cut into blocks along one axis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_lite.arrays.dask import moving, reducing
from autograd_lite.arrays.dask.elementwise import broadcast, elementwise
from autograd_lite.arrays.dask.expression import Step

RULES: dict[Any, Callable[..., Step | None]] = {
    **dict.fromkeys((np.where, np.clip, np.real, np.imag, np.nan_to_num, np.round), elementwise),
    **dict.fromkeys(reducing.COMBINE, reducing.reduction),
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
    **dict.fromkeys((np.zeros_like, np.ones_like, np.empty_like, np.full_like), moving.like),
}


def spread(function: Any, args: Sequence[Any], options: Mapping[str, Any]) -> Step | None:
    """The step for `function(*args, **options)`, of which some arguments are steps.

    None where the result is not blocks along one axis, or nobody has said how it comes from those
    of the operands.
    """
    rule = RULES.get(function)
    if rule is None and isinstance(function, np.ufunc) and function.signature is None:
        rule = elementwise
    if rule is None:
        return None
    try:
        return rule(function, *args, **options)
    except TypeError as error:
        # Options that the rule has no parameters for.
        if error.__traceback__ is not None and error.__traceback__.tb_next is None:
            return None
        raise
