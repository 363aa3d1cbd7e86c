"""Blocks: arrays that record computations with Dask arrays which are cut along one axis."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any, cast

import dask.array
import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autograd_lite.arrays.contracts import Array, Index
from autograd_lite.arrays.dask.elementwise import along, converted, made
from autograd_lite.arrays.dask.expression import BlockStep, Total
from autograd_lite.arrays.dask.moving import replaced, taken
from autograd_lite.arrays.dask.running import TaskGraph, compute, item
from autograd_lite.arrays.dask.selecting import picks_along, picks_of, selected, stretches
from autograd_lite.arrays.dask.sources import Source
from autograd_lite.arrays.dask.spreading import spread
from autograd_lite.arrays.foreign import Recordable
from autograd_lite.arrays.kinds import check_array, is_lazy
from autograd_lite.arrays.trees import map_leaves
from autograd_lite.functions import traits

STEP = "_autograd_lite_step"
"""Where a Dask array keeps its step under its own name: it is looked at once, and what the engine
has computed of another one stays an expression, of which a part can be read."""

WAY_OUT = "compute the Dask array first, or leave this part to NumPy arrays"


def in_blocks(array: Array, axis: int | None = None) -> Any:
    """Blocks of a Dask array that is cut along one axis at most; any other as it is.

    Where the `axis` of the samples is told, an array that is cut along others is put together
    along those. TypeError for what a Tensor cannot hold, ValueError for blocks of unknown length.
    """
    name, step = vars(array).get(STEP, (None, None))
    if axis is not None and array.ndim:
        axis = normalize_axis_index(axis, array.ndim)
    if step is not None and name == array.name and axis in (None, step.axis):
        return Blocks(step)
    check_array(array._meta)
    if any(math.isnan(n) for n in array.shape):
        raise ValueError(
            f"this Dask array of shape {array.shape} has blocks of unknown length; "
            "its method compute_chunk_sizes() finds them out"
        )
    if not (array.ndim and array.size):
        return array
    whole = array
    if axis is None:
        cut = [i for i, parts in enumerate(array.chunks) if len(parts) > 1]
        if len(cut) > 1:
            return array
        # Of an array of one block the longest axis counts, where nobody says which one it is.
        axis = cut[0] if cut else int(np.argmax(array.shape))
    elif any(len(parts) > 1 for i, parts in enumerate(array.chunks) if i != axis):
        whole = array.rechunk({i: -1 for i in range(array.ndim) if i != axis})
    source = Source(whole, axis)
    setattr(array, STEP, (array.name, source))
    return Blocks(source)


class Blocks(np.lib.mixins.NDArrayOperatorsMixin):
    """An array whose values are computed, a block at a time, when somebody reads them.

    It has shape, dtype and operators as arrays do, and speaks NumPy's protocols. A function that
    is not known to work block by block gets Dask arrays in its place.
    """

    __slots__ = ("step",)

    def __init__(self, step: BlockStep) -> None:
        self.step: BlockStep = step

    @property
    def shape(self) -> tuple[int, ...]:
        return self.step.shape

    @property
    def ndim(self) -> int:
        return len(self.step.shape)

    @property
    def size(self) -> int:
        return math.prod(self.step.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.step.dtype

    @property
    def T(self) -> Any:
        return np.transpose(cast(Any, self))

    @property
    def real(self) -> Any:
        return np.real(cast(Any, self))

    @property
    def imag(self) -> Any:
        return np.imag(cast(Any, self))

    def astype(self, dtype: Any, copy: bool = True) -> Blocks:
        """The same values in another dtype."""
        return self if self.dtype == dtype else Blocks(converted(self.step, dtype))

    def reshape(self, *shape: Any) -> Any:
        """The same values in another shape."""
        return np.reshape(cast(Any, self), shape[0] if len(shape) == 1 else shape)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("an array of no dimensions has no length")
        return self.shape[0]

    def __getitem__(self, index: Index) -> Any:
        step = taken(self.step, index)
        if step is None:
            step = self._taken_samples(index)
        if step is not None:
            return Blocks(step)
        with _told("this index"):
            return self.in_dask()[_without_blocks(index)]

    def _taken_samples(self, index: Index) -> BlockStep | None:
        """`self[index]` where it takes some samples, in their order, and all of every other
        axis."""
        axis = self.step.axis
        items = list(index) if isinstance(index, tuple) else [index]
        if Ellipsis in [i for i in items if not isinstance(i, np.ndarray)]:
            where = next(i for i, item in enumerate(items) if item is Ellipsis)
            items[where : where + 1] = [slice(None)] * (self.ndim - len(items) + 1)
        items += [slice(None)] * (self.ndim - len(items))
        if axis is None or len(items) != self.ndim:
            return None
        others = items[:axis] + items[axis + 1 :]
        if any(not isinstance(i, slice) or i != slice(None) for i in others):
            return None
        picks = picks_along(self.step, items[axis])
        return None if picks is None else selected(self.step, picks)

    def stretches(self, most: int) -> list[tuple[int, int]]:
        """See `selecting.stretches`."""
        return stretches(self.step, most)

    def of_spans(self, spans: Sequence[tuple[int, int]]) -> Blocks:
        """The samples of some spans, one after the other, each a block or some."""
        return Blocks(selected(self.step, picks_of(self.step.parts, spans)))

    def mapped(self, function: Any, dtype: Any, *others: Any) -> Blocks:
        """`function(block, *others)` of each block, which must give a value for each element."""
        step = self.step
        return Blocks(made(step, step.shape, dtype, step.axis, function, (step, *others)))

    def __setitem__(self, index: Index, value: Any) -> None:
        try:
            step = replaced(self.step, index, _steps(value))
        except _NotBlocks:
            step = None
        if step is None:
            array = self.in_dask().copy()
            array[_without_blocks(index)] = _without_blocks(value)
            blocks = in_blocks(array)
            if not isinstance(blocks, Blocks):
                raise TypeError(
                    "x[index] = ... would leave x in blocks along several axes; rechunk() the "
                    "index so that it is cut along the axis of the blocks of x only"
                )
            step = blocks.step
        self.step = step

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(x, Recordable) for x in inputs):
            return NotImplemented
        if method != "__call__" or kwargs.pop("out", None) is not None:
            raise TypeError(
                f"np.{ufunc.__name__}.{method} and out= write to arrays that exist, and blocks of "
                "a Dask array do not yet"
            )
        return _applied(ufunc, inputs, kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(issubclass(kind, Recordable) for kind in types):
            return NotImplemented
        return _applied(func, args, kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        (value,) = compute([self.step])
        return np.array(value, dtype=dtype, copy=copy)

    def item(self) -> Any:
        """The value of an array of one element, computed now."""
        return np.asarray(self).item()

    def __bool__(self) -> bool:
        return bool(np.asarray(self))

    def __float__(self) -> float:
        return float(np.asarray(self))

    def __int__(self) -> int:
        return int(np.asarray(self))

    def __complex__(self) -> complex:
        return complex(np.asarray(self))

    def exposed(self) -> Any:
        """The user's view of it: the Dask array that it was made of, the value, or a Dask array."""
        if type(self.step) is Source:
            return self.step.exposed()
        if self.step.is_known:
            return self.step.value
        array = self.in_dask()
        if self.step.axis is not None:
            setattr(array, STEP, (array.name, self.step))
        return array

    def in_dask(self) -> Any:
        """The same array as a Dask array; Dask computes its blocks as usual."""
        step = self.step
        if type(step) is Source:
            return step.array
        if step.is_known:
            return dask.array.from_array(np.asarray(step.value), chunks=-1)
        graph = TaskGraph([step])
        if step.axis is None:
            name = graph.name + "-whole"
            key, position = graph.whole[id(step)]
            graph.tasks[(name, *(0,) * step.ndim)] = (item, key, position)
            chunks: Any = tuple((n,) for n in step.shape)
        else:
            name = graph.name + "-blocks"
            for i, key in enumerate(graph.blocks(step)):
                numbers = tuple(i if axis == step.axis else 0 for axis in range(step.ndim))
                graph.tasks[(name, *numbers)] = key
            chunks = tuple(step.parts if i == step.axis else (n,) for i, n in enumerate(step.shape))
        return dask.array.Array(graph.tasks, name, chunks, step.dtype)

    def __repr__(self) -> str:
        if self.step.is_known:
            return repr(self.step.value)
        cut = "" if self.step.axis is None else f", {len(self.step.parts)} blocks"
        return f"<Blocks of shape {self.shape}, dtype {self.dtype}{cut}, not computed yet>"


def settled(values: Sequence[Any]) -> list[Any]:
    """`values` with NumPy arrays for Blocks and Dask arrays, computed in one Dask graph."""
    if any(hasattr(value, "__dask_graph__") for value in values):
        return list(dask.compute(*_without_blocks(list(values))))
    steps = [value.step for value in values if isinstance(value, Blocks)]
    found = iter(compute(steps))
    return [np.asarray(next(found)) if isinstance(v, Blocks) else v for v in values]


def blocks_of(arrays: Sequence[Blocks]) -> list[list[np.ndarray]]:
    """The blocks of each array, computed in one Dask graph."""
    return compute([array.step for array in arrays], joined=False)


def total(function: Any, combine: Any, arrays: Sequence[Any]) -> Any:
    """Applies `function` to the blocks of arrays whose last axis is the samples; combines the
    results.

    Lazy arrays are cut as the largest of them is, and NumPy arrays too; None stays None.
    """
    lazy = [_cut_by_samples(a) for a in arrays if is_lazy(a)]
    like = max(lazy, key=lambda blocks: blocks.size).step
    operands, rest = [], iter(lazy)
    for array in arrays:
        if is_lazy(array):
            step = next(rest).step
            if step.parts != like.parts:
                whole = Blocks(step).in_dask()
                step = in_blocks(whole.rechunk({whole.ndim - 1: like.parts}), -1).step
            operands.append(step)
        elif array is None:
            operands.append(None)
        else:
            array = np.asarray(array)
            operands.append(along(array, array.ndim - 1, like.parts, compact=False))
    # What the function gives may be anything: the step is of no shape.
    partial = BlockStep((), object, None, like.parts, function, operands)
    (found,) = compute([Total(partial, (), combine)])
    return found


def _cut_by_samples(array: Any) -> Any:
    """Blocks that are cut along the last axis."""
    if not isinstance(array, Blocks):
        return in_blocks(array, -1)
    return array if array.step.axis == array.ndim - 1 else in_blocks(array.in_dask(), -1)


def _shape_alone(blocks: Any) -> np.ndarray:
    """An array with the shape and dtype of blocks, of one element's memory."""
    return np.broadcast_to(np.empty((), blocks.dtype), blocks.shape)


def _applied(function: Any, args: Any, options: Any) -> Any:
    if traits(function).of_shapes:
        return function(*_mapped(_shape_alone, args), **options)
    try:
        step = spread(function, _steps(args), _steps(options))
    except _NotBlocks:
        step = None
    if step is not None:
        return Blocks(step)
    name = f"np.{function.__name__}"
    if not isinstance(function, np.ufunc) and not _dask_has(function):
        raise TypeError(
            f"{name} does not work block by block here, and Dask has no such function; {WAY_OUT}"
        )
    with _told(f"{name} with these arguments"):
        return function(*_without_blocks(args), **_without_blocks(options))


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """Raises TypeErrors of Dask with the way out in the message."""
    try:
        yield
    except (TypeError, NotImplementedError) as error:
        raise TypeError(
            f"{what} does not work block by block here, and Dask says: {error}; {WAY_OUT}"
        ) from error


def _dask_has(function: Any) -> bool:
    module: Any = dask.array
    for name in function.__module__.split(".")[1:]:
        module = getattr(module, name, None)
    found = getattr(module, function.__name__, None)
    return found is not None and found is not function


class _NotBlocks(Exception):
    """An argument is a Dask array that is cut along several axes."""


def _mapped(change: Any, value: Any) -> Any:
    return map_leaves(lambda leaf: change(leaf) if is_lazy(leaf) else leaf, value)


def _step(value: Any) -> BlockStep:
    value = value if isinstance(value, Blocks) else in_blocks(value)
    if not isinstance(value, Blocks):
        raise _NotBlocks
    return value.step


def _steps(value: Any) -> Any:
    return _mapped(_step, value)


def _without_blocks(value: Any) -> Any:
    return _mapped(lambda lazy: lazy.in_dask() if isinstance(lazy, Blocks) else lazy, value)
