"""Operations that put masks on gradients; `gradients.py` says what the masks mean."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd_lite.functions import Traits
from autograd_lite.gradients import as_plain, gate_of, marked, shut
from autograd_lite.operations import defvjp, primitive

_ndarray = np.ndarray


@primitive(Traits(elementwise=True, linear="first", kinked=True))
def gated(g: Any, condition: Any) -> Any:
    """`g` where `condition` holds, and 0 elsewhere, whatever later factors are."""
    own = gate_of(g)
    condition = np.broadcast_to(condition, np.broadcast_shapes(np.shape(g), np.shape(condition)))
    return shut(g, condition if own is None else condition & own)


defvjp(gated, g=lambda h, condition: gated(h, condition))


@primitive(Traits(elementwise=True, linear="first"))
def vanish(x: Any, places: Any) -> Any:
    """`x` with 0 at `places`, which it remembers if it is a NumPy array."""
    zeroed: Any = np.where(places, 0, as_plain(x))
    if not isinstance(zeroed, np.ndarray):
        return zeroed
    return marked(zeroed, gate_of(x), ~places)


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
    places = np.isinf(values) & as_plain(getattr(g, "_value", g) == 0)
    return vanish(g, places) if np.any(places) else g
