"""Kinds of arrays: which hold numbers, which are computed later, which have ways of their own."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

NUMERIC = "fciub"
"""The kinds of dtype that rules compute with."""

INEXACT = "fc"
"""The kinds of dtype that have gradients."""


def check_array(array: np.ndarray) -> None:
    """Refuse arrays with operators or elements that are not those of plain numbers."""
    if is_special(array):
        raise TypeError(
            f"a {type(array).__name__} computes in ways of its own, which the rules do not know; "
            "use np.asarray(...), or np.where for a mask"
        )
    if array.dtype.kind not in NUMERIC:
        ragged = ": are its rows of equal length?" if array.dtype == object else ""
        raise TypeError(f"a Tensor holds numbers, but this data has dtype {array.dtype}{ragged}")


def computes_in_other_ways(what: str, way_out: str) -> str:
    """The message for an operand that computes in ways of its own."""
    return (
        f"a Tensor computes with plain arrays and numbers, and a {what} computes in ways of its "
        f"own; pass {way_out}"
    )


def is_dask(value: Any) -> bool:
    """Whether `value` is a Dask array; there is none where Dask has not been imported."""
    if not hasattr(value, "__dask_graph__"):
        return False
    dask = sys.modules.get("dask.array")
    return dask is not None and isinstance(value, dask.Array)


def is_special(array: np.ndarray) -> bool:
    """Whether an array is a matrix or masked: their operators compute differently."""
    # There is no masked array before somebody has imported their module, which takes its time.
    masked = sys.modules.get("numpy.ma")
    return isinstance(array, (np.matrix, *([masked.MaskedArray] if masked is not None else [])))


def is_lazy(value: Any) -> bool:
    """Whether `value` is computed only when somebody reads it.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    bool

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite.extend import is_lazy
    >>> is_lazy(np.ones(2))
    False
    """
    return hasattr(value, "in_dask") or is_dask(value)
