"""Gradients that a selection let through in some places only.

`where(x > 0, log(x), 0)` does not depend on log(x) where x is 0, so the gradient there is 0,
although the derivative of log is infinite. A product 0 * inf would make it NaN. A gradient that
has gone through a selection therefore carries which places were open, and element-wise functions
leave the others at 0, through indexing and rearranging too. Reductions, matrix products and
everything else take its plain values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from autograd_lite.arrays.foreign import beside, is_foreign
from autograd_lite.operations import defvjp, primitive


class Gated(np.ndarray):
    """An array that stays 0 where its `gate`, booleans of its shape, is shut."""

    gate: np.ndarray | None

    def __array_finalize__(self, source: Any) -> None:
        self.gate = None

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        result = getattr(ufunc, method)(*map(as_plain, inputs), **kwargs)
        if method != "__call__" or "out" in kwargs:
            return result
        gate = combined_gate(ufunc, inputs)
        return result if gate is None else shut(result, gate)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        options = {name: as_plain(value) for name, value in kwargs.items()}
        result = func(*map(as_plain, args), **options)
        if rearranges(func) and args[0] is self and self.gate is not None:
            return shut(result, func(self.gate, *args[1:], **options))
        return result


class GatedForeign(np.lib.mixins.NDArrayOperatorsMixin):
    """What `Gated` is, for an array of another library: it stands before the array."""

    def __init__(self, values: Any, gate: Any) -> None:
        self.values, self.gate = values, gate
        self.shape, self.ndim, self.size = values.shape, values.ndim, values.size
        self.dtype = values.dtype

    T = property(lambda self: np.transpose(self))
    real = property(lambda self: np.real(self))
    imag = property(lambda self: np.imag(self))

    def ungated(self) -> Any:
        """The array, whose values are 0 where the gate is shut."""
        return self.values

    def gated_by(self, gate: Any) -> GatedForeign:
        """The same array behind another gate."""
        return GatedForeign(self.values, gate)

    def astype(self, dtype: Any) -> GatedForeign:
        """The same in another dtype."""
        return GatedForeign(self.values.astype(dtype), self.gate)

    def reshape(self, *shape: Any) -> Any:
        """The same in another shape."""
        return np.reshape(cast(Any, self), shape[0] if len(shape) == 1 else shape)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> Any:
        return self.values[index]

    __array_ufunc__ = Gated.__array_ufunc__
    __array_function__ = Gated.__array_function__


def shut(values: Any, gate: Any) -> Any:
    """`values` with 0 where `gate` is false, as a Gated array.

    Values that are no arrays keep the gate themselves, by `gated_by(gate)`, `.gate` and
    `.ungated()`, if they can.
    """
    if isinstance(gate, np.ndarray):
        gate = beside(gate, values)
    gate = np.broadcast_to(gate, np.shape(values))
    chosen = np.where(gate, values, 0)
    if hasattr(chosen, "gated_by"):
        return chosen.gated_by(gate)
    if is_foreign(chosen):
        return GatedForeign(chosen, gate)
    gated = np.asarray(chosen).view(Gated)
    gated.gate = gate
    return gated


def as_plain(value: Any) -> Any:
    """`value` without its gate."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(as_plain, value))
    if isinstance(value, Gated):
        return value.view(np.ndarray) if value.ndim else value.view(np.ndarray)[()]
    return value.ungated() if hasattr(value, "gated_by") else value


def ungated(value: Any) -> Any:
    """A foreign array without its gate; anything else as it is."""
    return value.values if isinstance(value, GatedForeign) else value


def gate_of(value: Any) -> Any:
    """Where a gradient was let through; None if it went through no selection."""
    return getattr(value, "gate", None)


def combined_gate(ufunc: np.ufunc, inputs: Sequence[Any]) -> Any:
    """Where the result of an element-wise function is let through."""
    combine = _COMBINED.get(ufunc)
    return None if combine is None else combine(*map(gate_of, inputs))


def rearranges(function: Any) -> bool:
    """Whether a function only says where each element goes, so that its gate goes there too."""
    return function in _REARRANGING


def _both(left: Any, right: Any) -> Any:
    """A product is 0 where either factor is."""
    if left is None or right is None:
        return right if left is None else left
    return left & right


def _either(left: Any, right: Any) -> Any:
    """A sum is open where either term is."""
    return None if left is None or right is None else left | right


_REARRANGING = {
    *(np.reshape, np.ravel, np.transpose, np.swapaxes, np.moveaxis, np.expand_dims, np.squeeze),
    *(np.broadcast_to, np.flip, np.flipud, np.fliplr, np.rot90, np.roll),
}

_COMBINED: dict[np.ufunc, Any] = {
    np.multiply: _both,
    np.divide: lambda above, below: above,
    np.add: _either,
    np.subtract: _either,
    np.negative: lambda gate: gate,
    np.positive: lambda gate: gate,
    np.conjugate: lambda gate: gate,
}


@primitive
def gated(g: Any, condition: Any) -> Any:
    """`g` where `condition` holds, and 0 elsewhere, whatever later factors are."""
    own = gate_of(g)
    condition = np.broadcast_to(condition, np.broadcast_shapes(np.shape(g), np.shape(condition)))
    return shut(as_plain(g), condition if own is None else condition & own)


defvjp(gated, g=lambda h, condition: gated(h, condition))
