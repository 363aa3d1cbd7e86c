"""Derivative rules of the functions that sort.

A sorted array is a choice of the elements of the old one, and each gradient goes back to where
its element came from. Equal elements share their gradients equally: which of them came first is an
accident of the order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.arrays.foreign import asarray_like, is_unknown
from autograd_lite.operations import (
    by_value,
    composite,
    defvjp,
    non_differentiable,
    primitive,
    refused,
)
from autograd_lite.rules.indexing import getitem, plain, take, take_along_axis
from autograd_lite.rules.special import astype


@primitive
def share_among_equals(x: Any, groups: Any) -> Any:
    """`x`; equal elements, one group, share their gradients equally."""
    return x


@primitive
@by_value
def group_means(g: Any, groups: Any) -> Any:
    """Each element replaced by the mean over its group; groups are numbered from 0."""
    numbers = np.ravel(groups)
    parts = (g.real, g.imag) if np.iscomplexobj(g) else (g,)
    sums = [np.bincount(numbers, weights=np.ravel(part)) for part in parts]
    total = sums[0] if len(sums) == 1 else sums[0] + 1j * sums[1]
    return (total / np.bincount(numbers))[groups].astype(g.dtype)


defvjp(share_among_equals, x=lambda g, groups: group_means(g, groups))
defvjp(group_means, g=lambda h, groups: group_means(h, groups))


def _groups_of_equals(ordered: Any, axis: int) -> Any:
    """Numbers that equal neighbours along `axis` share; None if no neighbours are equal."""
    rows = np.moveaxis(ordered, axis, -1)
    first = np.ones((*rows.shape[:-1], min(rows.shape[-1], 1)), dtype=bool)
    starts = np.concatenate([asarray_like(first, rows), rows[..., 1:] != rows[..., :-1]], axis=-1)
    if not is_unknown(starts) and starts.all():
        return None
    numbers = np.cumsum(np.ravel(starts)) - 1
    return np.moveaxis(np.reshape(numbers, rows.shape), -1, axis)


@composite(np.sort)
def sort(
    a: Any,
    axis: int | None = -1,
    kind: Any = None,
    order: Any = None,
    *,
    stable: Any = None,
    **direction: Any,
) -> Any:
    """`direction` is `descending=`, which NumPy has from 2.5 on."""
    if axis is None:
        a, axis = np.ravel(a), 0
    # NumPy takes no kind beside a direction, and other libraries take no stable=.
    how = {"stable": True, **direction} if direction else {"kind": "stable"}
    ranks = np.argsort(plain(a), axis, order=order, **how)
    ranked = take_along_axis(a, ranks, axis)
    groups = _groups_of_equals(plain(ranked), axis)
    return ranked if groups is None else share_among_equals(ranked, groups)


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
    ranks = np.argsort(result, axis, kind="stable")
    origin = np.empty_like(ranks)
    np.put_along_axis(origin, ranks, np.argsort(values, axis, kind="stable"), axis)
    parted = take_along_axis(a, origin, axis)
    groups = _groups_of_equals(np.take_along_axis(result, ranks, axis), axis)
    if groups is None:
        return parted
    placed = np.empty_like(groups)
    np.put_along_axis(placed, ranks, groups, axis)
    return share_among_equals(parted, placed)


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
