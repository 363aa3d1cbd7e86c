"""Gradients that are no plain arrays.

A `TupleGradient` is the gradients of several arrays that go through the graph as one, an
`IndexedGradient` is zero outside an index, and a `MaskedGradient` remembers where it is zero
whatever it is multiplied by later.

`where(x > 0, log(x), 0)` does not depend on log(x) where x is 0, so the gradient there is 0,
although the derivative of log is infinite: a product 0 * inf would make it NaN. A gradient that has
gone through a selection therefore carries its `gate`, the places that were open, through every
function that is linear element by element or moves elements, and stays 0 elsewhere.

1 / (1 + exp(-z)) is flat for a very negative z. There exp(-z) is inf, the gradient at the
denominator is 0, and the rule of exp would make 0 * inf of it; but 1 / u^2 goes to 0 faster than
u = exp(-z) grows. The gradient of a division by infinity therefore carries where it is `alive`, in
the same way, and the rules of exp and its like leave it at 0 elsewhere (`times_grown`). Everything
else computes with it as with plain zeros: log(exp(z)) keeps its NaN, whose limit is 1, and so does
a pole, whose slope is infinite although its operand is not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

import numpy as np

from autograd_lite.arrays.contracts import Array, Gradient, Index, Operand, Tree
from autograd_lite.arrays.foreign import asarray_like, is_foreign
from autograd_lite.arrays.trees import map_leaves
from autograd_lite.functions import traits

Shape = tuple[int, ...]


class TupleGradient:
    """The gradients of several arrays that go through the graph as one: the operands of
    `concatenate`, the results of `eigh`."""

    __slots__ = ("items",)

    shape: tuple[str, ...] = ("parts",)
    dtype = None

    def __init__(self, items: Iterable[Any]) -> None:
        self.items: tuple[Any, ...] = tuple(items)

    def __add__(self, other: TupleGradient) -> TupleGradient:
        pairs = zip(self.items, other.items, strict=True)
        return TupleGradient(b if absent(a) else a if absent(b) else a + b for a, b in pairs)

    def __getitem__(self, i: int) -> Any:
        return self.items[i]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


def absent(g: Array) -> bool:
    """Whether a result has no influence at all: its gradient is one zero, laid out over a shape.

    A gradient that came out as zeros says less: it may have been multiplied by 0 on its way.
    """
    return isinstance(g, np.ndarray) and not any(g.strides) and not g.any()


class IndexedGradient:
    """A gradient that is `values` at `index`, and 0 elsewhere.

    A loop over the rows of an array has as many of them as there are rows. The backward pass adds
    each to the sum in its place, so that the loop does not take the square of its time.
    """

    __slots__ = ("values", "index", "whole")

    # Not that of any operand.
    shape: tuple[str, ...] = ("placed",)
    dtype = None

    def __init__(self, values: Array, index: Index, whole: Shape) -> None:
        self.values: Array = values
        self.index: Index = index
        self.whole: Shape = whole

    def dense(self) -> Array:
        """The gradient as a new array."""
        return scattered(self.values, self.index, self.whole)

    def add_to(self, total: np.ndarray) -> None:
        """Add the gradient to an array, in place."""
        if not _may_repeat(self.index):
            total[self.index] += self.values
        elif np.size(self.values) * 8 < total.size:
            np.add.at(total, self.index, self.values)
        else:
            np.add(total, self.dense(), out=total)


def scattered(g: Array, index: Index, shape: Shape, unique: bool = False) -> Gradient:
    """An array of zeros of `shape`, to which `g` is added at `index`.

    `unique` says that no element is named twice, which saves finding out.
    """
    if not unique and _may_repeat(index):
        return _added_up(g, index, shape)
    result = _zeros(g, index, shape)
    result[index] = g
    return result


def _zeros(g: Array, index: Index, shape: Shape) -> Array:
    """Zeros of a shape: foreign where `g` or `index` is foreign."""
    items = index if isinstance(index, tuple) else (index,)
    like = next((i for i in (g, *items) if is_foreign(i)), g)
    return np.zeros_like(like, dtype=g.dtype, shape=shape)


def _may_repeat(index: Index) -> bool:
    """Whether `index` may name an element more than once: whether integers are in an array."""
    items = index if isinstance(index, tuple) else (index,)
    return any(getattr(i, "shape", ()) and i.dtype != bool for i in items)


def _added_up(g: Array, index: Index, shape: Shape) -> Array:
    size = math.prod(shape)
    # Counting with weights is many times faster than np.add.at, once it is worth numbering all
    # the elements. It computes in double precision.
    result = _zeros(g, index, shape)
    if is_foreign(result) or g.dtype.char not in "efd" or g.size * 8 < size:
        items = index if isinstance(index, tuple) else (index,)
        own = tuple(asarray_like(i, result) if isinstance(i, np.ndarray) else i for i in items)
        np.add.at(result, own, g)
        return result
    positions = np.arange(size).reshape(shape)[index]
    sums = np.bincount(positions.ravel(), np.broadcast_to(g, positions.shape).ravel(), size)
    return sums.astype(g.dtype).reshape(shape)


class MaskedGradient(np.ndarray):
    """An array that is 0 for good where a mask of its shape is false.

    `gate` holds against every factor, `alive` against those of `times_grown`; either may be None.
    """

    gate: np.ndarray | None
    alive: np.ndarray | None

    def __array_finalize__(self, source: Any) -> None:
        self.gate = self.alive = None

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        result = getattr(ufunc, method)(*map(as_plain, inputs), **kwargs)
        if method != "__call__" or "out" in kwargs:
            return result
        alive = _combined(ufunc, [getattr(value, "alive", None) for value in inputs])
        gate = combined_gate(ufunc, inputs)
        return _masked(result, gate, None if alive is None else alive | (result != 0))

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        options = {name: as_plain(value) for name, value in kwargs.items()}
        result = func(*map(as_plain, args), **options)
        along = mask_along(func, args, options) if args and args[0] is self else None
        return result if along is None else self._with(result, along, *args[1:], **options)

    def _with(self, result: Any, along: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """`result` with the masks, which go through a function too."""
        gate, alive = (
            None if mask is None else along(mask, *args, **options)
            for mask in (self.gate, self.alive)
        )
        return _masked(result, gate, alive)

    def __getitem__(self, index: Index) -> Any:
        return self._with(as_plain(self)[index], lambda mask: mask[index])

    @property
    def T(self) -> Any:
        return np.transpose(self)

    @property
    def mT(self) -> Any:
        return np.matrix_transpose(self)

    def astype(self, dtype: Any, *args: Any, **options: Any) -> Any:
        """The same in another dtype."""
        return _masked(as_plain(self).astype(dtype, *args, **options), self.gate, self.alive)

    def reshape(self, *shape: Any, **options: Any) -> Any:
        """The same in another shape."""
        wanted = shape[0] if len(shape) == 1 else shape
        return np.reshape(cast(Any, self), wanted, **options)

    def transpose(self, *axes: Any) -> Any:
        """The same with its axes in another order."""
        return np.transpose(self, axes[0] if len(axes) == 1 else axes or None)


class MaskedForeign(np.lib.mixins.NDArrayOperatorsMixin):
    """Stands before an array of another library, as `MaskedGradient` does for NumPy's."""

    alive = None

    def __init__(self, values: Array, gate: Array) -> None:
        self.values: Array = values
        self.gate: Array = gate
        self.shape: Any = values.shape
        self.ndim: Any = values.ndim
        self.size: Any = values.size
        self.dtype: Any = values.dtype

    T = property(lambda self: np.transpose(self))
    real: property = property(lambda self: np.real(self))
    imag: property = property(lambda self: np.imag(self))

    def ungated(self) -> Array:
        """The array, with 0 where the gate is shut."""
        return self.values

    def gated_by(self, gate: Array) -> MaskedForeign:
        """The same array behind another gate."""
        return MaskedForeign(self.values, gate)

    def astype(self, dtype: Any) -> MaskedForeign:
        """The same in another dtype."""
        return MaskedForeign(self.values.astype(dtype), self.gate)

    def reshape(self, *shape: Any) -> Any:
        """The same in another shape."""
        return np.reshape(cast(Any, self), shape[0] if len(shape) == 1 else shape)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Index) -> Any:
        return shut(self.values[index], self.gate[index])

    __array_ufunc__: Any = MaskedGradient.__array_ufunc__
    __array_function__: Any = MaskedGradient.__array_function__
    _with = MaskedGradient._with


def shut(values: Array, gate: Array) -> Gradient:
    """`values` with 0 where `gate` is false, for good.

    Values that are no arrays keep the gate themselves, by `gated_by(gate)`, `.gate` and
    `.ungated()`, if they can.
    """
    if isinstance(gate, np.ndarray):
        gate = asarray_like(gate, values)
    gate = np.broadcast_to(gate, np.shape(values))
    chosen = np.where(gate, as_plain(values), 0)
    if hasattr(chosen, "gated_by"):
        return chosen.gated_by(gate)
    if is_foreign(chosen):
        return MaskedForeign(chosen, gate)
    return marked(chosen, gate, getattr(values, "alive", None))


def marked(values: Array, gate: Array = None, alive: Array = None) -> MaskedGradient:
    """An array of NumPy's, zero already where a mask is false, with its masks."""
    result = np.asarray(values).view(MaskedGradient)
    result.gate, result.alive = gate, alive
    return result


def _masked(values: Array, gate: Array, alive: Array) -> Any:
    if gate is None:
        return values if alive is None else marked(values, None, alive)
    result = shut(values, gate)
    if alive is not None:
        result.alive = alive
    return result


def as_plain(value: Tree) -> Tree:
    """`value`, or a tree of such values, without masks."""
    return map_leaves(_without_masks, value)


def _without_masks(leaf: Operand) -> Any:
    if isinstance(leaf, MaskedGradient):
        return leaf.view(np.ndarray) if leaf.ndim else leaf.view(np.ndarray)[()]
    return leaf.ungated() if hasattr(leaf, "gated_by") else leaf


def ungated(value: Gradient) -> Array:
    """A foreign array without its gate; anything else as it is."""
    return value.values if isinstance(value, MaskedForeign) else value


def gate_of(value: Gradient) -> Array:
    """The places where a gradient was let through; None if it went through no selection."""
    return getattr(value, "gate", None)


def combined_gate(ufunc: np.ufunc, inputs: Sequence[Any]) -> Any:
    """The places where the result of an element-wise function is let through."""
    return _combined(ufunc, list(map(gate_of, inputs)))


def _combined(ufunc: np.ufunc, masks: list[Any]) -> Any:
    """The places where a result is open: a product where all factors are, a sum where one term
    is."""
    described = traits(ufunc)
    linear = described.linear if described.elementwise else None
    if linear == "first":
        return masks[0]
    known = [mask for mask in masks if mask is not None]
    if linear == "each" and known:
        return known[0] if len(known) == 1 else known[0] & known[1]
    if linear == "together" and len(known) == len(masks) == 2:
        return known[0] | known[1]
    return None


def mask_along(function: Any, args: Any, options: Any) -> Callable[..., Any] | None:
    """The function that the mask of the first operand goes through, with the other arguments, when
    the operand goes through `function`: itself if it moves elements, `np.any` for a sum along axes.

    None where the mask is lost.
    """
    known = traits(function)
    if known.rearranges:
        return cast(Callable[..., Any], function)
    along_axes = len(args) <= 2 and options.keys() <= {"axis", "keepdims"}
    return np.any if known.reduction is np.add and along_axes else None


def times_grown(g: Array, factor: Array) -> Array:
    """g * factor, where the factor may be infinite for having grown; 0 where `g` is not alive."""
    if g.__class__ in _PLAIN:
        return g * factor
    alive = getattr(getattr(g, "_value", g), "alive", None)
    return g * factor if alive is None else g * np.where(alive, factor, 0)


_PLAIN = frozenset((np.ndarray, np.float64, np.float32))
