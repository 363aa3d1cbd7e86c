"""Arrays that are computed when somebody reads them: Dask's, and what stands for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def taken(value: Any) -> Any:
    """`value` as the engine computes with it: Dask arrays by their blocks, if they can be."""
    if not hasattr(value, "__dask_graph__"):
        return value
    from autograd_lite.blocks.array import in_blocks

    return in_blocks(value)


def is_lazy(value: Any) -> bool:
    """Whether `value` is computed only when somebody reads it."""
    return hasattr(value, "in_dask") or hasattr(value, "__dask_graph__")


def shown(value: Any) -> Any:
    """`value` as a user sees it."""
    return value.shown() if hasattr(value, "in_dask") else value


def settle(values: Sequence[Any]) -> list[Any]:
    """`values`, of which those that are lazy become NumPy arrays, all by one computation."""
    if not any(map(is_lazy, values)):
        return list(values)
    from autograd_lite.blocks.array import settled

    return settled(values)


def settle_for(output: Any, values: Sequence[Any], owners: Sequence[Any]) -> tuple[Any, list[Any]]:
    """`output` and those of `values` that belong to a NumPy array, settled; the others as they are.

    So a gradient is an array of its tensor's library.
    """
    if not is_lazy(output):
        return output, list(values)
    mine = [isinstance(owner, (np.ndarray, np.generic)) for owner in owners]
    chosen = [value for value, own in zip(values, mine, strict=True) if own]
    output, *found = settle([output, *chosen])
    rest = iter(found)
    return output, [next(rest) if own else v for v, own in zip(values, mine, strict=True)]
