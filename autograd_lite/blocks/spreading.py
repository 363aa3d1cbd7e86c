"""How NumPy's functions spread over arrays that are cut into blocks along one axis.

`spread` gives the step that a call makes, or None where the result is not blocks along one axis,
or nobody has said how it comes from those of the operands.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from autograd_lite.blocks.expression import Cut, Parts, Step, Total
from autograd_lite.blocks.sources import Pieces

Rule = Callable[..., "Step | None"]
RULES: dict[Any, Rule] = {}


def spread(function: Any, args: Sequence[Any], options: Mapping[str, Any]) -> Step | None:
    """The step for `function(*args, **options)`, of which some arguments are steps."""
    rule = RULES.get(function)
    if rule is None and isinstance(function, np.ufunc) and function.signature is None:
        rule = _elementwise
    if rule is None:
        return None
    try:
        return rule(function, *args, **options)
    except TypeError as error:
        # Options that the rule has no parameters for.
        if error.__traceback__ is not None and error.__traceback__.tb_next is None:
            return None
        raise


def constant(value: Any) -> Step:
    """A whole step whose value is known."""
    value = np.asarray(value)
    return Step(value.shape, value.dtype, None, (), None, value=value)


def _made(
    like: Step | None,
    shape: tuple[int, ...],
    dtype: Any,
    axis: int | None,
    compute: Any,
    operands: Sequence[Any],
    options: Mapping[str, Any] | None = None,
) -> Step:
    """A step cut as `like` is, along `axis`; a whole one that depends on no data is computed."""
    if axis is None or like is None:
        step = Step(shape, dtype, None, (), compute, operands, options)
        known = [_value(operand) for operand in operands]
        if all(found for found, _ in known):
            step.settle(compute(*[value for _, value in known], **step.options))
        return step
    return Step(shape, dtype, axis, like.parts, compute, operands, options)


def _value(operand: Any) -> tuple[bool, Any]:
    """Whether the value of an operand is known, and the value."""
    if isinstance(operand, Step):
        return operand.is_known, operand.value
    return not isinstance(operand, Cut), operand


_kinds: dict[Any, np.dtype[Any]] = {}


def _result_dtype(function: Any, operands: Sequence[Any], options: Mapping[str, Any]) -> Any:
    """The dtype of an element-wise function, as NumPy itself decides it."""
    key: Any = (function, *(getattr(x, "dtype", type(x)) for x in operands), *options.items())
    try:
        found = _kinds.get(key)
    except TypeError:  # an option that has no hash
        key = found = None
    if found is None:
        ones = [np.ones((1,) * x.ndim, x.dtype) if hasattr(x, "ndim") else x for x in operands]
        with np.errstate(all="ignore"):
            found = function(*ones, **options).dtype
        if key is not None:
            _kinds[key] = found
    return found


def _shape(operand: Any) -> tuple[int, ...]:
    return operand.shape if isinstance(operand, Step) else np.shape(operand)


def _is_blocked(operand: Any) -> bool:
    return isinstance(operand, Step) and operand.axis is not None


def _axis_of(step: Step) -> int:
    """The axis that a blocked step is cut along."""
    assert step.axis is not None
    return step.axis


def _alike(operands: Sequence[Any]) -> tuple[bool, Step | None]:
    """Whether all blocked operands are cut into the same parts, and one of them."""
    blocked = [x for x in operands if _is_blocked(x)]
    return all(x.parts == blocked[0].parts for x in blocked), blocked[0] if blocked else None


def _along(operand: Any, axis: int, parts: Parts, compact: bool = True) -> Any:
    """A whole operand cut along `axis`; what is the same all along it need not be, if `compact`."""
    if isinstance(operand, Step):
        if operand.compute is _broadcast_whole and compact:
            source = _raised(operand.operands[0], operand.ndim)
            if source.shape[axis] == 1:
                return _broadcast(np.broadcast_to, source, _with(operand.shape, axis, 1))
    elif compact and operand.strides[axis] == 0:
        return operand[(*(slice(None),) * axis, slice(0, 1))]
    return Cut(operand, axis) if isinstance(operand, Step) else Pieces(operand, axis, parts)


def _raised(operand: Step, ndim: int) -> Step:
    """A whole step with axes of length 1 in front."""
    new = (1,) * (ndim - operand.ndim) + operand.shape
    return _made(None, new, operand.dtype, None, np.reshape, (operand, new))


def _elementwise(function: Any, *operands: Any, **options: Any) -> Step | None:
    if "out" in options or options.get("where", True) is not True:
        return None
    if function is np.where and len(operands) != 3:
        return None
    same, like = _alike(operands)
    shapes = [_shape(x) for x in operands]
    shape = np.broadcast_shapes(*shapes)
    if not same or getattr(function, "nout", 1) != 1:
        return None
    dtype = _result_dtype(function, operands, options)
    if like is None:
        return _stretched(function, operands, options, shape, dtype)
    # Counted from the end, as broadcasting does it.
    place = _axis_of(like) - like.ndim
    length = like.shape[place]
    spread_out = []
    for x, own in zip(operands, shapes, strict=True):
        if _is_blocked(x):
            if x.axis - x.ndim != place:
                return None
        elif len(own) >= -place and own[place] != 1:
            if own[place] != length:
                return None
            x = _along(x, len(own) + place, like.parts)
        spread_out.append(x)
    if shape[place] != length:
        return None
    return _made(like, shape, dtype, len(shape) + place, function, spread_out, options)


def _stretched(
    function: Any, operands: Sequence[Any], options: Any, shape: tuple[int, ...], dtype: Any
) -> Step:
    """An element-wise step of whole operands; computed before what was broadcast, not after."""
    compact = [
        x.operands[0] if isinstance(x, Step) and x.compute is _broadcast_whole else x
        for x in operands
    ]
    inner = np.broadcast_shapes(*map(_shape, compact))
    step = _made(None, inner, dtype, None, function, compact, options)
    return step if inner == shape else _broadcast(np.broadcast_to, step, shape)


def _broadcast_whole(value: Any, shape: tuple[int, ...]) -> Any:
    return np.broadcast_to(value, shape)


def _broadcast_block(block: Any, shape: tuple[int, ...], place: int) -> Any:
    return np.broadcast_to(block, _with(shape, len(shape) + place, block.shape[place]))


def _with(shape: tuple[int, ...], axis: int, length: int) -> tuple[int, ...]:
    return (*shape[:axis], length, *shape[axis + 1 :])


def _broadcast(function: Any, array: Step, shape: Any, subok: bool = False) -> Step:
    shape = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
    if np.broadcast_shapes(array.shape, shape) != shape:
        raise ValueError(f"an array of shape {array.shape} cannot be broadcast to {shape}")
    if array.shape == shape:
        return array
    if array.axis is None:
        return Step(shape, array.dtype, None, (), _broadcast_whole, (array, shape))
    place = array.axis - array.ndim
    options = {"shape": shape, "place": place}
    axis = len(shape) + place
    return _made(array, shape, array.dtype, axis, _broadcast_block, (array,), options)


def _reduction(combine: Any) -> Rule:
    def rule(
        function: Any,
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = False,
    ) -> Step | None:
        if out is not None or not isinstance(a, Step):
            return None
        options = {} if dtype is None else {"dtype": np.dtype(dtype)}
        return _reduced(function, a, axis, keepdims is True, combine, options)

    return rule


def _comparing_reduction(combine: Any) -> Rule:
    def rule(
        function: Any, a: Any, axis: Any = None, out: Any = None, keepdims: Any = False
    ) -> Step | None:
        if out is not None or not isinstance(a, Step):
            return None
        return _reduced(function, a, axis, keepdims is True, combine, {})

    return rule


def _reduced(
    function: Any, a: Step, axis: Any, keepdims: bool, combine: Any, options: Mapping[str, Any]
) -> Step | None:
    axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    shape = tuple(1 if i in axes else n for i, n in enumerate(a.shape) if keepdims or i not in axes)
    dtype = function(np.ones((1,) * a.ndim, a.dtype), **options).dtype
    options = {"axis": axes, "keepdims": keepdims, **options}
    if a.axis is None:
        return _made(None, shape, dtype, None, function, (a,), options)
    if a.axis not in axes:
        left = a.axis if keepdims else a.axis - sum(i < a.axis for i in axes)
        return _made(a, shape, dtype, left, function, (a,), options)
    partial = Step(shape, dtype, None, a.parts, function, (a,), options)
    return Total(partial, shape, combine)


def _mean(
    function: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
) -> Step | None:
    if out is not None or not isinstance(a, Step):
        return None
    kind = np.mean(np.ones(1, a.dtype), dtype=dtype).dtype
    total = _reduced(np.sum, a, axis, keepdims is True, np.add, {"dtype": kind})
    if total is None:
        return None
    axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    return _elementwise(np.true_divide, total, math.prod(a.shape[i] for i in axes))


def _var(
    function: Any,
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: Any = False,
) -> Step | None:
    """var and std: the mean first, in a pass of its own."""
    if out is not None or dtype is not None or not isinstance(a, Step) or a.dtype.kind != "f":
        return None
    centre = _mean(np.mean, a, axis, keepdims=True)
    away = None if centre is None else _elementwise(np.subtract, a, centre)
    if away is None:
        return None
    squares = _elementwise(np.square, away)
    total = (
        None if squares is None else _reduced(np.sum, squares, axis, keepdims is True, np.add, {})
    )
    if total is None:
        return None
    axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    count = max(math.prod(a.shape[i] for i in axes) - ddof, 0)
    found = _elementwise(np.true_divide, total, count)
    return found if function is np.var or found is None else _elementwise(np.sqrt, found)


def _product(function: Any, a: Any, b: Any) -> Step | None:
    """Of vectors and matrices: dot and matmul."""
    ndims = len(_shape(a)), len(_shape(b))
    if not all(1 <= n <= 2 for n in ndims):
        return None
    terms = ["k" if ndims[0] == 1 else "ik", "k" if ndims[1] == 1 else "kj"]
    result = "".join(t for t in ("i" * (ndims[0] == 2), "j" * (ndims[1] == 2)))
    return _summed_product(function, (a, b), terms, result, {})


def _einsum(function: Any, subscripts: Any, *operands: Any, optimize: Any = False) -> Step | None:
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
) -> Step | None:
    """A product of `operands` whose axes are named by `terms`, summed over what `result` lacks."""
    same, like = _alike(operands)
    sizes: dict[str, int] = {}
    for x, term in zip(operands, terms, strict=True):
        shape = _shape(x)
        if len(shape) != len(term):
            return None
        for letter, n in zip(term, shape, strict=True):
            if sizes.setdefault(letter, n) != n:
                raise ValueError(f"shapes {[_shape(x) for x in operands]} do not fit")
    shape = tuple(sizes[letter] for letter in result)
    dtype = np.result_type(*(x.dtype for x in operands))
    if like is None:
        return _made(None, shape, dtype, None, function, operands, options)
    cut = {t[x.axis] for x, t in zip(operands, terms, strict=True) if _is_blocked(x)}
    if not same or len(cut) != 1:
        return None
    (letter,) = cut
    parts = [
        _along(x, term.index(letter), like.parts, compact=False)
        if letter in term and not _is_blocked(x)
        else x
        for x, term in zip(operands, terms, strict=True)
    ]
    if letter in result:
        return _made(like, shape, dtype, result.index(letter), function, parts, options)
    return Total(Step(shape, dtype, None, like.parts, function, parts, options), shape, np.add)


def _transpose(function: Any, a: Step, axes: Any = None) -> Step:
    order = tuple(range(a.ndim))[::-1] if axes is None else normalize_axis_tuple(axes, a.ndim)
    axis = None if a.axis is None else order.index(a.axis)
    shape = tuple(a.shape[i] for i in order)
    return _made(a, shape, a.dtype, axis, np.transpose, (a, order))


def _swapaxes(function: Any, a: Step, axis1: int, axis2: int) -> Step:
    order = list(range(a.ndim))
    i, j = (normalize_axis_index(axis, a.ndim) for axis in (axis1, axis2))
    order[i], order[j] = order[j], order[i]
    return _transpose(function, a, order)


def _moveaxis(function: Any, a: Step, source: Any, destination: Any) -> Step:
    stand_in = np.broadcast_to(0, range(1, a.ndim + 1))
    order = [n - 1 for n in np.moveaxis(stand_in, source, destination).shape]
    return _transpose(function, a, order)


def _reshape(function: Any, a: Step, shape: Any, order: str = "C", copy: Any = None) -> Step | None:
    if order != "C":
        return None
    new = np.broadcast_to(0, a.shape).reshape(shape).shape if a.shape else _filled(shape)
    if a.axis is None:
        return _made(None, new, a.dtype, None, np.reshape, (a, new))
    # Blocks stay blocks where what is before and behind the axis keeps its size.
    before, n = math.prod(a.shape[: a.axis]), a.shape[a.axis]
    for axis, length in enumerate(new):
        if length == n and math.prod(new[:axis]) == before and 0 not in new:
            return _made(a, new, a.dtype, axis, np.reshape, (a, _with(new, axis, -1)))
    return None


def _filled(shape: Any) -> tuple[int, ...]:
    return np.zeros(()).reshape(shape).shape


def _ravel(function: Any, a: Step, order: str = "C") -> Step | None:
    return _reshape(np.reshape, a, (math.prod(a.shape),), order)


def _expand_dims(function: Any, a: Step, axis: Any) -> Step | None:
    axes = normalize_axis_tuple(axis, a.ndim + (1 if np.ndim(axis) == 0 else len(axis)))
    old = iter(a.shape)
    shape = tuple(1 if i in axes else next(old) for i in range(a.ndim + len(axes)))
    return _reshape(np.reshape, a, shape)


def _squeeze(function: Any, a: Step, axis: Any = None) -> Step | None:
    dropped = [i for i, n in enumerate(a.shape) if n == 1 and i != a.axis]
    if axis is not None:
        dropped = list(normalize_axis_tuple(axis, a.ndim))
        if any(a.shape[i] != 1 or i == a.axis for i in dropped):
            return None
    return _reshape(np.reshape, a, tuple(n for i, n in enumerate(a.shape) if i not in dropped))


def _like(function: Any, a: Step, *fill: Any, dtype: Any = None, shape: Any = None) -> Step | None:
    """zeros_like, ones_like, empty_like and full_like."""
    shape = a.shape if shape is None else tuple(np.atleast_1d(shape).tolist())
    dtype = np.dtype(a.dtype if dtype is None else dtype)
    if a.axis is None or any(isinstance(x, Step) for x in fill):
        if any(isinstance(x, Step) for x in fill):
            return None
        # The same everywhere, whatever its shape.
        value = function(np.zeros((), a.dtype), *fill, dtype=dtype)
        return _broadcast(np.broadcast_to, constant(value), shape) if shape else constant(value)
    if len(shape) != a.ndim or shape[a.axis] != a.shape[a.axis]:
        return None
    options = {"function": function, "fill": fill, "dtype": dtype, "shape": shape, "axis": a.axis}
    return _made(a, shape, dtype, a.axis, _like_block, (a,), options)


def _like_block(
    block: Any, function: Any, fill: Any, dtype: Any, shape: tuple[int, ...], axis: int
) -> Any:
    return function(block, *fill, dtype=dtype, shape=_with(shape, axis, block.shape[axis]))


def _concatenate(
    function: Any, arrays: Any, axis: int | None = 0, out: Any = None, dtype: Any = None
) -> Step | None:
    if axis is None or out is not None or dtype is not None:
        return None
    arrays = [x if isinstance(x, Step) else np.asarray(x) for x in arrays]
    same, like = _alike(arrays)
    ndim = arrays[0].ndim
    axis = normalize_axis_index(axis, ndim)
    if not same or like is None or like.axis == axis or any(x.ndim != ndim for x in arrays):
        return None
    if any(_is_blocked(x) and x.axis != like.axis for x in arrays):
        return None
    joined = [
        x if _is_blocked(x) else _along(x, _axis_of(like), like.parts, compact=False)
        for x in arrays
    ]
    shape = _with(like.shape, axis, sum(x.shape[axis] for x in arrays))
    dtype = np.result_type(*(x.dtype for x in arrays))
    return _made(like, shape, dtype, like.axis, _joined, joined, {"axis": axis})


def _joined(*arrays: Any, axis: int) -> Any:
    return np.concatenate(arrays, axis)


def taken(a: Step, index: Any) -> Step | None:
    """`a[index]`, where the axis that is cut is taken as a whole."""
    found = _taken_shape(a, index)
    if found is None:
        return None
    index, shape, axis = found
    return _made(a, shape, a.dtype, axis, _item, (a,), {"index": index})


def replaced(a: Step, index: Any, value: Any) -> Step | None:
    """`a` after `a[index] = value`, where the axis that is cut is taken as a whole."""
    found = _taken_shape(a, index)
    if found is None:
        return None
    index, shape, axis = found
    if isinstance(value, Step) and value.axis is not None:
        if a.axis is None or value.axis != axis or value.shape != shape or value.parts != a.parts:
            return None
    elif axis is not None and len(_shape(value)) == len(shape) and _shape(value)[axis] != 1:
        value = _along(value, axis, a.parts)
    return _made(a, a.shape, a.dtype, a.axis, _with_items, (a, value), {"index": index})


def _item(block: Any, index: Any) -> Any:
    return block[index]


def _with_items(block: Any, value: Any, index: Any) -> Any:
    result = block.copy()
    result[index] = value
    return result


def _taken_shape(a: Step, index: Any) -> tuple[Any, tuple[int, ...], int | None] | None:
    """A basic index written out, the shape that it gives, and where the axis that is cut goes."""
    items = list(index) if isinstance(index, tuple) else [index]
    kinds = (int, np.integer, slice, type(None), type(Ellipsis))
    if any(not isinstance(i, kinds) or isinstance(i, bool) for i in items):
        return None
    if Ellipsis not in items:
        items.append(Ellipsis)
    where = items.index(Ellipsis)
    missing = a.ndim - sum(i is not None for i in items) + 1
    items[where : where + 1] = [slice(None)] * missing
    source, axis, position = 0, None, 0
    for item in items:
        if item is None:
            position += 1
            continue
        if source == a.axis:
            if not (isinstance(item, slice) and item == slice(None)):
                return None
            axis = position
        source += 1
        position += isinstance(item, slice)
    shape = np.broadcast_to(0, a.shape)[tuple(items)].shape
    return tuple(items), shape, axis


def converted(a: Step, dtype: Any) -> Step:
    """`a.astype(dtype)`."""
    return _made(a, a.shape, np.dtype(dtype), a.axis, _astype, (a, np.dtype(dtype)))


def _astype(block: Any, dtype: Any) -> Any:
    return block.astype(dtype)


RULES |= dict.fromkeys((np.where, np.clip, np.real, np.imag, np.nan_to_num, np.round), _elementwise)
RULES |= dict.fromkeys((np.isreal, np.iscomplex, np.real_if_close), lambda *a, **k: None)
RULES |= {np.sum: _reduction(np.add), np.prod: _reduction(np.multiply), np.mean: _mean}
RULES |= {np.var: _var, np.std: _var}
RULES |= {np.max: _comparing_reduction(np.maximum), np.min: _comparing_reduction(np.minimum)}
RULES |= {np.all: _comparing_reduction(np.logical_and), np.any: _comparing_reduction(np.logical_or)}
RULES |= {np.dot: _product, np.matmul: _product, np.einsum: _einsum}
RULES |= {np.transpose: _transpose, np.swapaxes: _swapaxes, np.moveaxis: _moveaxis}
RULES |= {np.reshape: _reshape, np.ravel: _ravel, np.broadcast_to: _broadcast}
RULES |= {np.expand_dims: _expand_dims, np.squeeze: _squeeze, np.concatenate: _concatenate}
RULES |= dict.fromkeys((np.zeros_like, np.ones_like, np.empty_like, np.full_like), _like)
