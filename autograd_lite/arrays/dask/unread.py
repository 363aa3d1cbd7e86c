"""Blocks that are read in part: rows of a file in the place of the whole block."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
from dask._task_spec import Alias, DataNode, GraphNode, _execute_subgraph
from dask.array.core import getter, getter_inline, getter_nofancy

from autograd_lite.arrays.trees import map_leaves
from autograd_lite.functions import traits

Index = slice | np.ndarray
"""Some samples of a block: a stretch, or their numbers in rising order."""

_GETTERS = (getter, getter_nofancy, getter_inline)


class MustRead(Exception):
    """A value was asked for before it is known which part of the block is wanted."""


class Unread(np.lib.mixins.NDArrayOperatorsMixin):
    """A part of an array on a disk, and the operations on it once it is read.

    Transposing, conversion and element-wise functions with numbers wait; whatever else asks for
    values reads all of it, or raises MustRead if only the way of the samples is looked for.
    `axes[i]` is the axis of the stored array that axis i is, or None for one of length 1.
    """

    __array_priority__ = 1000
    # Dask copies views of little of an array: this is none.
    flags: SimpleNamespace = SimpleNamespace(owndata=True)

    def __init__(
        self,
        stored: Any,
        index: tuple[slice, ...],
        options: tuple[Any, ...],
        axes: tuple[int | None, ...],
        dtype: Any,
        functions: tuple[Callable[[Any], Any], ...] = (),
        may_read: bool = True,
    ) -> None:
        self.stored: Any = stored
        self.index: tuple[slice, ...] = index
        self.options: tuple[Any, ...] = options
        self.axes: tuple[int | None, ...] = axes
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.functions = functions
        self.may_read: bool = may_read

    @property
    def shape(self) -> tuple[int, ...]:
        lengths = [s.stop - s.start for s in self.index]
        return tuple(1 if axis is None else lengths[axis] for axis in self.axes)

    @property
    def ndim(self) -> int:
        return len(self.axes)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=object))

    @property
    def T(self) -> Any:
        return self.transpose()

    def transpose(self, *axes: Any) -> Unread:
        """The axes in another order."""
        chosen = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        order = tuple(chosen) if chosen else tuple(range(self.ndim))[::-1]
        kept = tuple(self.axes[i] for i in order)
        return self._after(lambda value: np.transpose(value, order), axes=kept)

    def astype(self, dtype: Any, **options: Any) -> Unread:
        """The same values in another dtype."""
        return self._after(lambda value: value.astype(dtype, **options), dtype=dtype)

    def __getitem__(self, index: Any) -> Any:
        items = index if isinstance(index, tuple) else (index,)
        items = (*items, *[slice(None)] * (self.ndim - sum(i is not None for i in items)))
        kept = [i for i in items if i is not None]
        if len(kept) != self.ndim or not all(isinstance(i, slice) for i in kept):
            return self.read()[index]
        part = self
        for axis, (item, n) in enumerate(zip(kept, self.shape, strict=True)):
            start, stop, step = item.indices(n)
            if (start, stop, step) == (0, n, 1):
                continue
            if step != 1 or self.axes[axis] is None:
                return self.read()[index]
            part = part._narrowed(axis, start, max(start, stop))
        if None not in items:
            return part
        new = tuple(None if i is None else slice(None) for i in items)
        old = iter(self.axes)
        axes = tuple(None if i is None else next(old) for i in items)
        return part._after(lambda value: value[new], axes=axes)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        waits = (
            method == "__call__"
            and traits(ufunc).elementwise
            and ufunc.nout == 1
            and "out" not in options
            and all(x is self or np.ndim(x) == 0 for x in inputs)
        )
        if not waits:
            read = [x.read() if isinstance(x, Unread) else x for x in inputs]
            return getattr(ufunc, method)(*read, **options)

        def apply(value: Any) -> Any:
            return ufunc(*[value if x is self else x for x in inputs], **options)

        return self._after(apply, dtype=apply(np.ones(1, self.dtype)).dtype)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        if function is np.transpose:
            axes = args[1] if len(args) > 1 else options.get("axes")
            return self.transpose() if axes is None else self.transpose(axes)
        args, options = map_leaves(
            lambda x: x.read() if isinstance(x, Unread) else x, [args, options]
        )
        return function(*args, **options)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.read(), dtype=dtype)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.read(), name)

    def _after(self, function: Any, axes: Any = None, dtype: Any = None) -> Unread:
        return Unread(
            self.stored,
            self.index,
            self.options,
            self.axes if axes is None else axes,
            self.dtype if dtype is None else dtype,
            (*self.functions, function),
            self.may_read,
        )

    def read(self) -> Any:
        """The values."""
        if not self.may_read:
            raise MustRead
        value = getter(self.stored, self.index, *self.options)
        for function in self.functions:
            value = function(value)
        return value

    def taken(self, axis: int, index: Index) -> Any:
        """The values of some samples along `axis`: no others are read but those between them."""
        if self.axes[axis] is None:
            return self.read()[(*(slice(None),) * axis, index)]
        start, stop = bounds(index)
        part = self._narrowed(axis, start, stop).read()
        if isinstance(index, slice):
            return part
        return part[(*(slice(None),) * axis, index - start)]

    def _narrowed(self, axis: int, start: int, stop: int) -> Unread:
        """The part from `start` to `stop` along an axis of the stored array."""
        place = self.axes[axis]
        assert place is not None
        first = self.index[place].start
        narrow = slice(first + start, first + stop)
        index = (*self.index[:place], narrow, *self.index[place + 1 :])
        return Unread(
            self.stored,
            index,
            self.options,
            self.axes,
            self.dtype,
            self.functions,
            self.may_read,
        )

    def grain(self, axis: int) -> int:
        """The number of samples that are stored together, from number 0 of the block on or 1."""
        chunks, place = getattr(self.stored, "chunks", None), self.axes[axis]
        if not isinstance(chunks, tuple) or place is None or len(chunks) != len(self.index):
            return 1
        step = chunks[place]
        return step if isinstance(step, int) and self.index[place].start % step == 0 else 1


def bounds(index: Index) -> tuple[int, int]:
    """The first number of some samples, and that after the last."""
    if isinstance(index, slice):
        return index.start, index.stop
    return int(index[0]), int(index[-1]) + 1


def unread(nodes: list[GraphNode], may_read: bool = True) -> Any:
    """The result of the last of some nodes: an Unread where a stored array can be read in part."""
    values: dict[Any, Any] = {}
    for node in nodes:
        values[node.key] = _value(node, values, may_read)
    return values[nodes[-1].key]


def _value(node: GraphNode, values: Mapping[Any, Any], may_read: bool) -> Any:
    if isinstance(node, DataNode):
        value = node.value
        if isinstance(value, np.ndarray) and value.ndim:
            whole = tuple(slice(0, n) for n in value.shape)
            return _stored(value, whole, (), may_read)
        return value
    if isinstance(node, Alias):
        return values[node.target]
    if node.func is _execute_subgraph:
        inner, last, names, *given = (_argument(x, values) for x in node.args)
        return _subgraph(inner, last, dict(zip(names, given, strict=True)), may_read)
    if node.func in _GETTERS and not node.kwargs:
        stored, index, *options = (_argument(x, values) for x in node.args)
        found = _stored(stored, index, tuple(options), may_read)
        if found is not None:
            return found
    depends = [values[key] for key in node.dependencies if key in values]
    if not may_read and not any(isinstance(value, Unread) for value in depends):
        raise MustRead
    return node(values)


def _subgraph(inner: Any, last: Any, values: dict[Any, Any], may_read: bool) -> Any:
    pending = [last]
    while pending:
        key = pending[-1]
        if key in values:
            pending.pop()
        elif missing := [k for k in inner[key].dependencies if k not in values]:
            pending += missing
        else:
            values[key] = _value(inner[key], values, may_read)
    return values[last]


def _argument(argument: Any, values: Mapping[Any, Any]) -> Any:
    if isinstance(argument, GraphNode):
        return argument(values)
    return values[argument.key] if hasattr(argument, "key") else argument


def _stored(stored: Any, index: Any, options: tuple[Any, ...], may_read: bool) -> Unread | None:
    """The part of a stored array that `index` names, if it is stretches along each axis."""
    if isinstance(stored, Unread) and not stored.functions:
        stored = stored.stored
    shape, dtype = getattr(stored, "shape", None), getattr(stored, "dtype", None)
    if shape is None or dtype is None or not isinstance(index, tuple):
        return None
    taken = [i for i in index if i is not None]
    is_plain = all(isinstance(i, slice) and i.step in (None, 1) for i in taken)
    if not is_plain or len(taken) != len(shape):
        return None
    spans = [i.indices(n) for i, n in zip(taken, shape, strict=True)]
    kept = tuple(slice(start, max(start, stop)) for start, stop, _ in spans)
    numbers = iter(range(len(kept)))
    axes = tuple(None if i is None else next(numbers) for i in index)
    new = tuple(None if i is None else slice(None) for i in index)
    added = () if None not in index else (lambda value: value[new],)
    return Unread(stored, kept, options, axes, dtype, added, may_read)
