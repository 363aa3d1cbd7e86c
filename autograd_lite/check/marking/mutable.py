"""Arrays of a recorded forward pass that can be written to, as NumPy's can.

A Tensor does not allow assignment to its elements, but forward passes do so: a convolution that
fills its output in loops, `scores[range(N), y] = 0`, `x -= x.max()`. A `Mutable` holds a Tensor,
and a write replaces it by another one.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array, ArrayLike, Index, Operand, Tree
from autograd_lite.arrays.trees import map_leaves
from autograd_lite.functions import Traits
from autograd_lite.operations import defvjp, primitive
from autograd_lite.source import users_line
from autograd_lite.tensor import Tensor


@primitive(Traits())
def put(x: Operand, values: Operand, key: Index) -> Array:
    """A copy of `x` with `values` written at `key`."""
    out = np.array(x)
    out[key] = values
    return out


def _last(key: Index, whole: tuple[int, ...], shape: tuple[int, ...]) -> ArrayLike:
    """1 where a written value stays, and 0 where a repeated index overwrites it."""
    if _is_view(key):
        return 1.0
    written = np.full(whole, -1)
    numbers = np.arange(math.prod(shape)).reshape(shape)
    written[key] = numbers
    return (written[key] == numbers) * 1.0


def _summed(g: Array, shape: tuple[int, ...]) -> Array:
    """The sum of a gradient over the axes along which values were broadcast."""
    extra = np.ndim(g) - len(shape)
    g = np.sum(g, axis=tuple(range(extra))) if extra > 0 else g
    stretched = tuple(i for i, n in enumerate(shape) if n == 1 and np.shape(g)[i] != 1)
    return np.reshape(np.sum(g, axis=stretched, keepdims=True) if stretched else g, shape)


defvjp(
    put,
    x=lambda g, key: put(g, 0.0, key),
    values=lambda g, values, key: _summed(
        g[key] * _last(key, np.shape(g), np.shape(g[key])), np.shape(values)
    ),
)


@primitive(Traits())
def add_at(x: Operand, values: Operand, key: Index) -> Array:
    """A copy of `x` with `values` added at `key`; a repeated index adds each time."""
    out = np.array(x)
    np.add.at(out, key, values)
    return out


defvjp(
    add_at,
    x=lambda g: g,
    values=lambda g, values, key: _summed(g[key], np.shape(values)),
)


left_recording: list[str] = []
"""The first line in which a recorded value was turned into a plain number."""


class Mutable(np.lib.mixins.NDArrayOperatorsMixin):
    """An array or Tensor that can be written to; its views by basic indices write through."""

    __slots__ = ("_base", "_key", "_seen", "_value", "version")
    __hash__ = object.__hash__

    def __init__(self, value: Operand, base: Mutable | None = None, key: Index = None) -> None:
        self._value = value
        self._base = base
        self._key = key
        self._seen = 0 if base is None else base.version
        self.version: int = 0

    @property
    def value(self) -> Operand:
        """The current Tensor, or the current array where no gradient flows."""
        base = self._base
        if base is not None:
            current = base.value
            if base.version != self._seen:
                self._seen = base.version
                self._value = current[self._key]
                self.version += 1
        return self._value

    @value.setter
    def value(self, value: Operand) -> None:
        if self._base is None:
            self._value = value
            self.version += 1
        else:
            self._base[self._key] = value

    def __getitem__(self, key: Index) -> Operand:
        key = plain(key)
        found = self.value[key]
        return Mutable(found, self, key) if _is_view(key) and np.ndim(found) else made(found)

    def __setitem__(self, key: Index, values: Operand) -> None:
        if isinstance(values, Mutable) and values._base is self and values._key == plain(key):
            # `a[key] += b` has written through the view already.
            return
        current, key, values = self.value, plain(key), settled(values)
        if isinstance(current, Tensor) or isinstance(values, Tensor):
            self.value = put(current, values, key)
        else:
            changed = np.array(current)
            changed[key] = values
            self.value = changed

    def __iter__(self) -> Iterator[Operand]:
        return (self[i] for i in range(len(self)))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self.value, name)
        if not callable(found):
            return made(found) if isinstance(found, (np.ndarray, Tensor)) else found

        def method(*args: Any, **options: Any) -> Any:
            out = options.pop("out", None)
            given = [settled(a) for a in args]
            call = found
            if any(isinstance(a, Tensor) for a in given) and not isinstance(self.value, Tensor):
                # An array's own x.dot(W) would want the numbers of a recorded W.
                call = functools.partial(getattr(np, name), self.value)
            result = call(*given, **{k: settled(v) for k, v in options.items()})
            return made(result) if out is None else _written(out, result)

        return method

    def astype(self, dtype: Any, **options: Any) -> Any:
        value = self.value
        if np.dtype(dtype).kind not in "fc":
            return np.asarray(plain(self)).astype(dtype)
        return (
            self
            if value.dtype == dtype and not options.get("copy", True)
            else (made(value.astype(dtype)))
        )

    def copy(self, *_: Any) -> Mutable:
        return Mutable(self.value)

    def item(self, *index: Any) -> Operand:
        return made(self.value[index] if index else self.value.reshape(()))

    def tolist(self) -> Any:
        return [row.tolist() if np.ndim(row) else row for row in self] if len(self.shape) else self

    def fill(self, number: Operand) -> None:
        self[...] = number

    def __len__(self) -> int:
        return len(self.value)

    def __bool__(self) -> bool:
        return bool(plain(self))

    def __float__(self) -> float:
        return float(self._left())

    def __int__(self) -> int:
        return int(self._left())

    def _left(self) -> Array:
        """The value as a plain number, which has no gradient; notes the line where that happens."""
        if isinstance(self.value, Tensor) and len(left_recording) < 1:
            left_recording.append(users_line())
        return plain(self)

    def __index__(self) -> int:
        raise TypeError("a floating-point number is not an index")

    def __round__(self, digits: int | None = None) -> Any:
        return round(float(self), digits)

    def __format__(self, specification: str) -> str:
        return format(self._left(), specification)

    def __repr__(self) -> str:
        return repr(plain(self))

    def __deepcopy__(self, memo: dict[int, Any]) -> Mutable:
        return Mutable(self.value)

    __copy__ = copy

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if isinstance(self.value, Tensor):
            return np.asarray(self.value, dtype)  # raises, and says why
        return np.array(self.value, dtype)

    def __array_ufunc__(self, ufunc: np.ufunc, how: str, *inputs: Any, **options: Any) -> Any:
        out = options.pop("out", None)
        if how == "at":
            if ufunc is not np.add or not isinstance(inputs[0], Mutable):
                return NotImplemented
            target, key, values = inputs[0], plain(inputs[1]), settled(inputs[2])
            target.value = add_at(target.value, values, key)
            return None
        options = {name: settled(value) for name, value in options.items()}
        result = getattr(ufunc, how)(*map(settled, inputs), **options)
        return made(result) if out is None else _written(out[0], result)

    def __array_function__(self, function: Any, _: Any, args: Any, options: Any) -> Any:
        return call_settled(function, args, options)


def _in_place(operator: Callable[[Operand, Operand], Operand]) -> Callable[[Mutable, Any], Mutable]:
    def method(self: Mutable, other: Operand) -> Mutable:
        value = operator(self.value, settled(other))
        if value.shape != self.value.shape:
            raise ValueError(
                f"an in-place operation cannot change the shape {self.value.shape} to {value.shape}"
            )
        if not value.ndim:
            # `total += x` gives a number another name; in an element of an array it is written.
            return Mutable(value)
        self.value = value
        return self

    return method


for _name, _operator in {
    **{"__iadd__": np.add, "__isub__": np.subtract, "__imul__": np.multiply},
    **{"__itruediv__": np.divide, "__ipow__": np.power, "__imatmul__": np.matmul},
}.items():
    setattr(Mutable, _name, _in_place(_operator))


def _written(out: Operand, result: Operand) -> Mutable:
    if not isinstance(out, Mutable):
        raise TypeError("the array given as out= is not part of the recording")
    out.value = settled(result)
    return out


def _is_view(key: Index) -> bool:
    keys = key if isinstance(key, tuple) else (key,)
    return all(k is None or k is Ellipsis or isinstance(k, (int, slice, np.integer)) for k in keys)


def made(value: Tree) -> Tree:
    """A result as a Mutable, or with each of its arrays as one."""
    if isinstance(value, Tensor):
        return Mutable(value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "fc":
        return Mutable(value)
    if isinstance(value, (tuple, list)) and any(isinstance(v, (Tensor, np.ndarray)) for v in value):
        return map_leaves(made, value)
    return value


def settled(value: Tree) -> Tree:
    """A value with each Mutable replaced by the Tensor or array that it holds."""
    if isinstance(value, Mutable):
        return value.value
    if isinstance(value, (tuple, list, dict)):
        return map_leaves(settled, value)
    return value


def plain(value: Tree) -> Tree:
    """A value with each Mutable or Tensor replaced by its array."""
    if isinstance(value, Mutable):
        value = value.value
    if isinstance(value, Tensor):
        return value._value
    if isinstance(value, (tuple, list, dict)):
        return map_leaves(plain, value)
    return value


_SEQUENCES = frozenset(
    (
        *(np.concatenate, np.stack, np.vstack, np.hstack, np.dstack, np.column_stack, np.block),
        *(np.broadcast_arrays, np.meshgrid, np.einsum, np.where, np.linalg.multi_dot),
    )
)

_NUMBERS: Mapping[Any, Any] = {
    **{float: None, np.float64: None, np.asarray: None, np.asanyarray: None},
    **{np.ascontiguousarray: None, np.atleast_1d: np.atleast_1d},
    **{math.exp: np.exp, math.log: np.log, math.sqrt: np.sqrt, math.tanh: np.tanh},
    **{math.sin: np.sin, math.cos: np.cos, math.pow: np.power, math.log1p: np.log1p},
    **{math.fabs: np.abs, math.fsum: np.sum, math.prod: np.prod},
}
"""Functions that would turn recorded values into plain numbers, and their replacements."""


def call_settled(function: Callable[..., Any], args: Any, options: Mapping[str, Any]) -> Tree:
    """The result of a function of arrays, called on the values that Mutables hold."""
    options = dict(options)
    out = options.pop("out", None)
    if function is np.copyto:
        _written(args[0], np.where(_where(args, options), settled(args[1]), args[0].value))
        return None
    if function is np.array and _is_recorded(args[0]):
        return made(stacked(args[0])) if isinstance(args[0], (list, tuple)) else args[0].copy()
    if function in _NUMBERS and args and _is_recorded(args[0]):
        function = _NUMBERS[function] or _as_it_is
    if args and isinstance(args[0], (list, tuple)) and function not in _SEQUENCES:
        args = (stacked(args[0]), *args[1:]) if _is_recorded(args[0]) else args
    result = function(*map(settled, args), **{k: settled(v) for k, v in options.items()})
    return made(result) if out is None else _written(out[0] if type(out) is tuple else out, result)


def _where(args: Any, options: Mapping[str, Any]) -> Array:
    where = args[3] if len(args) > 3 else options.get("where", True)
    return plain(where)


def _as_it_is(value: Tree, *_: Any, **options: Any) -> Operand:
    value = stacked(value) if isinstance(value, (list, tuple)) else value
    return value.reshape(()) if value.size == 1 and value.ndim and not options else value


def stacked(values: Tree) -> Operand:
    """Nested lists of numbers and recorded arrays as one array."""
    if not isinstance(values, (list, tuple)):
        return settled(values)
    if not _is_recorded(values):
        return np.array(values)
    return np.stack([stacked(value) for value in values])


def _is_recorded(value: Tree) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_is_recorded, value))
    return isinstance(value, (Mutable, Tensor))
