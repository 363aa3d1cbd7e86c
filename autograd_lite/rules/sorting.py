"""Derivative rules of the functions that sort.

A sorted array is a choice of the elements of the old one, and each gradient goes back to where
its element came from. Equal elements keep their order, and NumPy's own result does not tell.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.rules.indexing import getitem, plain, take, take_along_axis
from autograd_lite.rules.registry import composite, non_differentiable, refused
from autograd_lite.rules.special import astype


@composite(np.sort)
def sort(
    a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    return take_along_axis(a, np.argsort(plain(a), axis, kind="stable", order=order), axis)


@composite(np.partition)
def partition(
    a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    # np.argpartition may leave the elements on either side of kth in another order than
    # np.partition. Sorting both finds where each element of NumPy's result came from.
    values = plain(a)
    result = np.partition(values, kth, axis, kind, order)
    origin = np.empty(values.shape, dtype=np.intp)
    ranks = np.argsort(result, axis, kind="stable")
    np.put_along_axis(origin, ranks, np.argsort(values, axis, kind="stable"), axis)
    return take_along_axis(a, origin, axis)


@composite(np.sort_complex)
def sort_complex(a: Any) -> Any:
    return astype(sort(a), np.sort_complex(np.zeros(1, plain(a).dtype)).dtype)


@composite(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    **options: Any,
) -> Any:
    """The gradient of a value goes to its first occurrence."""
    found: Any = np.unique(  # type: ignore[call-overload]
        plain(ar), True, return_inverse, return_counts, axis, **options
    )
    _, index, *others = found
    taken = getitem(np.ravel(ar), index) if axis is None else take(ar, index, axis)
    results = (taken, *((index,) if return_index else ()), *others)
    return results if len(results) > 1 else taken


@composite(np.union1d)
def union1d(ar1: Any, ar2: Any) -> Any:
    return unique(np.concatenate((ar1, ar2), axis=None))


refused(
    "use np.unique, which gives the gradient of a value to its first occurrence, or select with "
    "np.isin and indexing",
    np.unique_all,
    np.unique_counts,
    np.unique_inverse,
    np.unique_values,
    np.intersect1d,
    np.setdiff1d,
    np.setxor1d,
)
non_differentiable(np.argsort, np.argpartition, np.lexsort, np.searchsorted, np.digitize)
