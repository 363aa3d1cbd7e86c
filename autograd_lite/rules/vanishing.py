"""Gradients that vanish because a denominator has grown beyond all numbers.

1 / (1 + exp(-z)) is flat for a very negative z. There exp(-z) is inf, the gradient at the
denominator is 0, and the rule of exp would make 0 * inf of it, which is NaN; but 1 / u^2 goes to 0
faster than u = exp(-z) grows. The gradient of a division by infinity therefore remembers where it
vanished, through sums of its like and products with finite numbers, and the rules of exp and its
like leave it at 0 there. Everything else computes with it as with plain zeros: log(exp(z)) keeps
its NaN, whose limit is 1, and so does a pole, whose slope is infinite although its operand is not.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_lite.operations import defvjp, primitive

_ndarray = np.ndarray
_PLAIN = frozenset((np.ndarray, np.float64, np.float32))


class Vanishing(np.ndarray):
    """A gradient that is 0 at `places`, a mask of its shape, for a division by infinity."""

    places: np.ndarray | None

    def __array_finalize__(self, source: Any) -> None:
        self.places = None

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        result = getattr(ufunc, method)(*map(_unmarked, inputs), **kwargs)
        combine = _COMBINED.get(ufunc)
        masks = [getattr(value, "places", None) for value in inputs]
        if combine is None or method != "__call__" or kwargs:
            return result
        places = combine(*masks)
        return result if places is None else _marked(result, places & (result == 0))

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return func(*_unmarked(args), **{name: _unmarked(v) for name, v in kwargs.items()})


def _either(left: Any, right: Any) -> Any:
    """A product has vanished where either factor has."""
    if left is None or right is None:
        return right if left is None else left
    return left | right


def _both(left: Any, right: Any) -> Any:
    """A sum has vanished where both terms have."""
    return None if left is None or right is None else left & right


_COMBINED: dict[np.ufunc, Any] = {
    np.multiply: _either,
    np.divide: lambda above, below: above,
    np.add: _both,
    np.subtract: _both,
    np.negative: lambda places: places,
    np.positive: lambda places: places,
}


def _unmarked(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(map(_unmarked, value))
    if isinstance(value, Vanishing):
        return value.view(np.ndarray) if value.ndim else value.view(np.ndarray)[()]
    return value


def _marked(values: Any, places: Any) -> Vanishing:
    marked = np.asarray(values).view(Vanishing)
    marked.places = places
    return marked


@primitive
def vanish(x: Any, places: Any) -> Any:
    """`x` with 0 at `places`, which it remembers if it is a NumPy array."""
    zeroed = np.where(places, 0, x)
    return _marked(zeroed, places) if isinstance(zeroed, np.ndarray) else zeroed


defvjp(vanish, x=lambda g, places: vanish(g, places))


def flat_at_infinity(g: Any, y: Any) -> Any:
    """The gradient `g` at a denominator `y`, which remembers where it is 0 because y is infinite.

    Arrays of other libraries, whose values are not read, traced values and complex numbers are
    left as they are.
    """
    values = y if y.__class__ is _ndarray else getattr(y, "_value", y)
    if values.__class__ is _ndarray:
        # The sum of the squares is quicker to find than an element that is infinite.
        numbers = values.ravel()
        if values.dtype.kind == "c" or math.isfinite(numbers.dot(numbers)):
            return g
    elif not isinstance(values, (np.float64, np.float32)) or not math.isinf(values):
        return g
    places = np.isinf(values) & (getattr(g, "_value", g) == 0)
    return vanish(g, places) if np.any(places) else g


def grown(g: Any, factor: Any) -> Any:
    """g * factor, where the factor may be infinite for having grown; 0 where `g` has vanished."""
    if g.__class__ in _PLAIN:
        return g * factor
    places = getattr(getattr(g, "_value", g), "places", None)
    return g * factor if places is None else g * vanish(factor, places)
