"""Functions that sum or compare along axes, and products, on arrays that are cut into blocks."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autograd_lite.arrays.dask.elementwise import (
    alike,
    along,
    converted,
    elementwise,
    is_blocked,
    made,
    shape_of,
)
from autograd_lite.arrays.dask.expression import BlockStep, Total
from autograd_lite.functions import traits


def by_name(rule: Callable[..., BlockStep | None]) -> Callable[..., BlockStep | None]:
    """Calls a rule by the names of NumPy's parameters; None for parameters that it lacks.

    As everywhere here, None says that nobody knows how to do that block by block.
    """
    known = inspect.signature(rule).parameters.keys()

    def named(function: Any, *args: Any, **options: Any) -> BlockStep | None:
        given = _signature(function).bind(*args, **options).arguments
        given = {n: v for n, v in given.items() if v is not None and v is not np._NoValue}
        is_known = given.keys() <= known and isinstance(given["a"], BlockStep)
        return rule(function, **given) if is_known else None

    return named


_signature = functools.cache(inspect.signature)


@by_name
def reduction(
    function: Any, a: BlockStep, axis: Any = None, dtype: Any = None, keepdims: Any = False
) -> BlockStep | None:
    """sum, prod, max, min, all and any."""
    options = {} if dtype is None else {"dtype": np.dtype(dtype)}
    return _reduced(function, a, axis, bool(keepdims), options)


@by_name
def mean(
    function: Any, a: BlockStep, axis: Any = None, dtype: Any = None, keepdims: Any = False
) -> BlockStep | None:
    """The sum over the count."""
    if a.dtype == np.float16 and dtype is None:
        # NumPy adds them up in float32.
        found = mean(np.mean, converted(a, np.float32), axis=axis, keepdims=keepdims)
        return None if found is None else converted(found, np.float16)
    kind = np.mean(np.ones(1, a.dtype), dtype=dtype).dtype
    if kind.kind not in "fc":
        return None
    return _mean(a, axis, bool(keepdims), {"dtype": kind}, 0)


@by_name
def variance(
    function: Any, a: BlockStep, axis: Any = None, ddof: float = 0, keepdims: Any = False
) -> BlockStep | None:
    """var and std: the mean first, in a pass of its own."""
    if a.dtype.kind != "f":
        return None
    if a.dtype == np.float16:
        single = converted(a, np.float32)
        found = variance(function, single, axis=axis, ddof=ddof, keepdims=keepdims)
        return None if found is None else converted(found, np.float16)
    centre = _mean(a, axis, True, {}, 0)
    away = elementwise(np.subtract, a, centre)
    if away is None:
        return None
    squares = elementwise(np.square, away)
    assert squares is not None
    found = _mean(squares, axis, bool(keepdims), {}, ddof)
    return found if function is np.var else elementwise(np.sqrt, found)


def _mean(
    a: BlockStep, axis: Any, keepdims: bool, options: Mapping[str, Any], ddof: float
) -> BlockStep | None:
    total = _reduced(np.sum, a, axis, keepdims, options)
    count = math.prod(a.shape[i] for i in _axes(a, axis))
    return elementwise(np.true_divide, total, max(count - ddof, 0))


def _axes(a: BlockStep, axis: Any) -> tuple[int, ...]:
    return normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)


def _reduced(
    function: Any, a: BlockStep, axis: Any, keepdims: bool, options: Mapping[str, Any]
) -> BlockStep:
    axes = _axes(a, axis)
    shape = tuple(1 if i in axes else n for i, n in enumerate(a.shape) if keepdims or i not in axes)
    dtype = function(np.ones((1,) * a.ndim, a.dtype), **options).dtype
    options = {"axis": axes, "keepdims": keepdims, **options}
    if a.axis is None:
        return made(None, shape, dtype, None, function, (a,), options)
    if a.axis not in axes:
        left = a.axis if keepdims else a.axis - sum(i < a.axis for i in axes)
        return made(a, shape, dtype, left, function, (a,), options)
    partial = BlockStep(shape, dtype, None, a.parts, function, (a,), options)
    combine = traits(function).reduction
    assert combine is not None
    return Total(partial, shape, combine)


def product(function: Any, a: Any, b: Any) -> BlockStep | None:
    """dot and matmul of vectors and matrices."""
    ndims = len(shape_of(a)), len(shape_of(b))
    if not all(1 <= n <= 2 for n in ndims):
        return None
    terms = ["k" if ndims[0] == 1 else "ik", "k" if ndims[1] == 1 else "kj"]
    result = "".join(t for t in ("i" * (ndims[0] == 2), "j" * (ndims[1] == 2)))
    return _summed_product(function, (a, b), terms, result, {})


def einsum(
    function: Any, subscripts: Any, *operands: Any, optimize: Any = False
) -> BlockStep | None:
    if not isinstance(subscripts, str) or "->" not in subscripts or "." in subscripts:
        return None
    inputs, result = subscripts.replace(" ", "").split("->")
    terms = inputs.split(",")
    if any(len(set(term)) != len(term) for term in terms):
        return None
    return _summed_product(
        _einsum_of, operands, terms, result, {"subscripts": subscripts, "optimize": optimize}
    )


def _einsum_of(*operands: Any, subscripts: str, optimize: Any) -> Any:
    return np.einsum(subscripts, *operands, optimize=optimize)


def _summed_product(
    function: Any, operands: Sequence[Any], terms: Sequence[str], result: str, options: Any
) -> BlockStep | None:
    """A product of `operands` whose axes are named by `terms`, summed over what `result` lacks."""
    same, like = alike(operands)
    sizes: dict[str, int] = {}
    for x, term in zip(operands, terms, strict=True):
        shape = shape_of(x)
        if len(shape) != len(term):
            return None
        for letter, n in zip(term, shape, strict=True):
            if sizes.setdefault(letter, n) != n:
                raise ValueError(
                    f"shapes {[shape_of(x) for x in operands]} do not fit: an axis that they share "
                    f"is {sizes[letter]} long in one and {n} in another"
                )
    if not {*result} <= {*sizes}:
        raise ValueError(f"{result!r} has a letter that none of {terms} has")
    shape = tuple(sizes[letter] for letter in result)
    dtype = np.result_type(*(x.dtype for x in operands))
    if like is None:
        return made(None, shape, dtype, None, function, operands, options)
    cut = {t[x.axis] for x, t in zip(operands, terms, strict=True) if is_blocked(x)}
    if not same or len(cut) != 1:
        return None
    (letter,) = cut
    parts = [
        along(x, term.index(letter), like.parts, compact=False)
        if letter in term and not is_blocked(x)
        else x
        for x, term in zip(operands, terms, strict=True)
    ]
    if letter in result:
        return made(like, shape, dtype, result.index(letter), function, parts, options)
    return Total(BlockStep(shape, dtype, None, like.parts, function, parts, options), shape, np.add)


PRODUCTS = frozenset((np.dot, np.matmul, _einsum_of))
"""What steps compute matrix products by."""
