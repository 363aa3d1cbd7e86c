"""Which gradients depend on a statement, found by runs in which the statement gives another value.

A mistake is likelier in a statement on which all wrong gradients depend, and no right one.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array
from autograd_lite.check.marking.definitions import Definition, Place
from autograd_lite.check.marking.evidence import Evidence, values_of
from autograd_lite.check.marking.execution import Event


def dependent_steps(
    evidence: Evidence,
    place: Place,
    values: Mapping[str, np.ndarray],
    edits: Mapping[Definition, ast.FunctionDef],
) -> frozenset[str] | None:
    """The keys of the steps whose values change with the value that a statement assigns.

    None where it assigns no floating-point number, or where the run with another one fails.
    """
    is_moved = False

    def move(event: Event, value: Any) -> Any:
        nonlocal is_moved
        array = event.array
        if event.place is not place or array is None or array.dtype.kind != "f":
            return value
        is_moved = True
        return _moved(array)

    back = evidence.setting.run_backward(edits=edits, move=move, forward=evidence.forward_values)
    after = values_of(evidence, back)
    if not is_moved or back.error is not None or after is None:
        return None
    same = evidence.tolerance.same
    # A step is noted before the statement that assigns it gives another value.
    own = {s.key for s in evidence.steps if s.event is not None and s.event.place is place}
    return frozenset(k for k, value in values.items() if k in own or not same(after[k], value))


def _moved(array: np.ndarray) -> Array:
    """The array with each element scaled and shifted at random."""
    rng = np.random.default_rng(array.size)
    scale = float(np.max(np.abs(array), initial=0)) or 1.0
    moved = array * rng.uniform(1.2, 1.8, array.shape) + 0.1 * scale * rng.normal(size=array.shape)
    return moved.astype(array.dtype)[()]
