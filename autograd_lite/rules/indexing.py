"""Derivative rules of indexing and of the functions that select elements."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd_lite.arrays.foreign import (
    Recordable,
    fixed,
    is_unknown,
    speaks_protocols,
)
from autograd_lite.functions import Traits
from autograd_lite.gradients import (
    IndexedGradient,
    MaskedGradient,
    as_plain,
    gate_of,
    scattered,
    shut,
)
from autograd_lite.operations import composite, defvjp, non_differentiable, primitive, refused
from autograd_lite.rules.special import astype

Shape = tuple[int, ...]


@primitive(Traits(rearranges=True, views=True, linear="first"))
def getitem(x: Any, index: Any) -> Any:
    """`x[index]`, for every index that NumPy has."""
    return x[index]


@primitive(Traits(linear="first"))
def put_back(g: Any, index: Any, shape: Shape, unique: bool = False) -> Any:
    """An array of zeros of `shape`, to which `g` is added at `index`: the adjoint of getitem.

    `unique` says that no element is named twice, which saves finding out.
    """
    gate = gate_of(g)
    if gate is not None:
        # Where nothing arrives the gradient is 0 as well, whatever later factors are.
        opened = put_back(gate.astype(np.intp), index, shape)
        return shut(put_back(as_plain(g), index, shape), opened > 0)
    return scattered(g, index, shape, unique)


def _getitem(g: Any, x_shape: Shape, index: Any) -> Any:
    items = index if isinstance(index, tuple) else (index,)
    plain = isinstance(g, (np.ndarray, np.generic)) and not isinstance(g, MaskedGradient)
    if plain and not any(isinstance(item, Recordable) for item in items):
        return IndexedGradient(g, index, x_shape)
    return put_back(g, index, x_shape)


defvjp(getitem, x=_getitem)
defvjp(put_back, g=lambda h, index: getitem(h, index))


def as_array(x: Any) -> Any:
    """An array of any kind or a Tensor as it is, and anything else as an array."""
    return x if speaks_protocols(x) else np.asarray(x)


def plain(x: Any) -> Any:
    """The values alone, to decide by: no gradient flows through them."""
    value = getattr(x, "_value", x)
    return value if speaks_protocols(value) else np.asarray(value)


def as_index(x: Any) -> Any:
    """An index that is an array, a Tensor or a list, as an array that later writing cannot change.

    An empty list is an array of integers, as it is for NumPy.
    """
    if isinstance(x, list) and not np.size(x):
        return np.empty(np.shape(x), np.intp)
    return fixed(plain(x))


def cast(x: Any, dtype: Any) -> Any:
    """`x` in the dtype of the array that it is to go into, as NumPy does it."""
    if not isinstance(x, Recordable):
        array = as_array(x).astype(dtype)
        # A scalar goes with arrays of any library.
        return array[()] if isinstance(array, np.ndarray) else array
    values = plain(x)
    if values.dtype == dtype:
        return x
    if dtype.kind not in "fc":
        raise TypeError(
            f"a Tensor of dtype {values.dtype} would be cut off to {dtype} here, and lose its "
            "gradient; make the array that it goes into a floating-point one"
        )
    return astype(x, dtype)


def along(axis: int, index: Any) -> tuple[Any, ...]:
    """The index that takes everything on the axes before `axis`, which is not negative."""
    return (*(slice(None),) * axis, index)


@composite(np.take)
def take(
    a: Any, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise"
) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    elif np.ndim(a) == 0:
        # A number has an axis 0 here.
        a = np.ravel(a)
    axis = normalize_axis_index(axis, np.ndim(a))
    indices = as_index(indices)
    if indices.dtype == bool:
        indices = indices.astype(np.intp)
    n = np.shape(a)[axis]
    if mode == "wrap":
        indices = indices % n
    elif mode == "clip":
        indices = np.clip(indices, 0, n - 1)
    elif mode != "raise":
        raise ValueError(f"np.take(mode={mode!r}): mode is 'raise', 'wrap' or 'clip'")
    return getitem(a, along(axis, indices))


@composite(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    indices = fixed(indices)
    if axis is None:
        if indices.ndim != 1:
            raise ValueError("np.take_along_axis(axis=None): indices must have one dimension")
        return getitem(np.ravel(arr), indices)
    shape = np.shape(arr)
    axis = normalize_axis_index(axis, len(shape))
    if indices.ndim != len(shape):
        raise ValueError(
            f"np.take_along_axis: indices of {indices.ndim} dimensions for an array of {len(shape)}"
        )
    index: list[Any] = list(np.ogrid[tuple(map(slice, shape))])
    index[axis] = indices
    return getitem(arr, tuple(index))


@composite(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None, out: None = None) -> Any:
    condition = plain(condition)
    if condition.ndim != 1:
        raise ValueError("np.compress: the condition must have one dimension")
    return take(a, np.flatnonzero(condition), axis)


@composite(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    return getitem(np.ravel(arr), np.flatnonzero(plain(condition)))


@composite(np.choose)
def choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    which = fixed(plain(a))
    choices = [as_array(c) if isinstance(c, (list, tuple)) else c for c in choices]
    if which.dtype.kind not in "iub":
        raise TypeError(f"np.choose: a picks by whole numbers, not by {which.dtype}")
    wrong = not is_unknown(which) and np.any((which < 0) | (which >= len(choices)))
    if mode == "raise" and wrong:
        raise ValueError(f"np.choose: a has numbers that are not those of {len(choices)} choices")
    which = which % len(choices) if mode == "wrap" else np.clip(which, 0, len(choices) - 1)
    dtype = np.result_type(*choices)
    shape = np.broadcast_shapes(which.shape, *map(np.shape, choices))
    result = np.broadcast_to(cast(choices[-1], dtype), shape)
    for i, choice in enumerate(choices[:-1]):
        result = np.where(np.equal(which, i), cast(choice, dtype), result)
    return result


@composite(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    conditions = [fixed(plain(c)) for c in condlist]
    choices = list(choicelist)
    if not conditions or len(conditions) != len(choices):
        raise ValueError(
            f"np.select takes as many choices as conditions, and at least one; here are "
            f"{len(conditions)} conditions and {len(choices)} choices"
        )
    if any(c.dtype != bool for c in conditions):
        raise TypeError("np.select: the conditions must be arrays of booleans")
    dtype = np.result_type(*choices, default)
    result = cast(default, dtype)
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        result = np.where(condition, cast(choice, dtype), result)
    return result


@composite(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    x = as_array(x)
    conditions = _conditions(condlist, x.ndim, len(funclist))
    result = np.zeros_like(x)
    for i, function in enumerate(funclist):
        condition = conditions[i]
        chosen = getitem(x, condition)
        if not chosen.size:
            continue
        value = function(chosen, *args, **kw) if callable(function) else function
        # The sum is an array of the kind that x is, of a number as well.
        value = cast(value, x.dtype) + np.zeros_like(chosen)
        # Where several conditions hold, the last one counts.
        lasting = condition & ~np.any(conditions[i + 1 :], axis=0)
        result = result + put_back(getitem(value, lasting[condition]), lasting, x.shape)
    return result


def _conditions(condlist: Any, ndim: int, functions: int) -> np.ndarray:
    """The conditions of np.piecewise, with one for the rest if a function is left for it."""
    if not isinstance(condlist, (list, tuple)) or (np.ndim(condlist[0]) == 0 and ndim):
        condlist = [condlist] if np.ndim(condlist) <= ndim else list(condlist)
    conditions = np.stack([plain(c).astype(bool) for c in condlist])
    if functions == len(conditions) + 1:
        conditions = np.append(conditions, ~np.any(conditions, axis=0, keepdims=True), axis=0)
    if functions != len(conditions):
        raise ValueError(
            f"np.piecewise takes a function for each of the {len(conditions)} conditions, and may "
            f"take one for the rest, but got {functions}"
        )
    return conditions


refused(
    "nothing records a write into an array. Make a new one with np.where, np.select, "
    "np.concatenate or np.insert; a leaf's values can be written through .data",
    np.copyto,
    np.fill_diagonal,
    np.place,
    np.put,
    np.put_along_axis,
    np.putmask,
)

non_differentiable(np.nonzero, np.flatnonzero, np.argwhere, np.ix_, np.isin)
non_differentiable(np.tril_indices_from, np.triu_indices_from, np.diag_indices_from)
non_differentiable(np.unravel_index, np.ravel_multi_index, np.result_type, np.can_cast)
