"""The items that a backward pass returned, and their names."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import ArrayLike, Operand, Tree
from autograd_lite.check.marking.assignments import elements_of, scaled_gradient
from autograd_lite.check.marking.execution import Event, Execution
from autograd_lite.check.marking.mutable import plain
from autograd_lite.check.marking.steps import equal_arrays
from autograd_lite.check.marking.world import fields_of
from autograd_lite.observe import entry_name
from autograd_lite.record import Recorded


def those_returned(name: str, events: list[Event], returned: Tree) -> list[Event]:
    """The events of a variable itself where its value was returned; all its events otherwise."""
    own = [e for e in events if e.path == name]
    array = checked_loosely(returned)
    return own if own and array is not None and equal_arrays(own[-1], array) else events


def checked(name: str, value: ArrayLike) -> np.ndarray:
    try:
        array = np.asarray(value._value if isinstance(value, Recorded) else plain(value))
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "fciub":
        raise TypeError(
            f"the gradient {name!r} is {type(value).__name__}, which is not an array of numbers"
        )
    return array


def checked_loosely(value: ArrayLike) -> np.ndarray | None:
    try:
        return checked("", value)
    except TypeError:
        return None


def equal_number(value: ArrayLike, loss: ArrayLike) -> bool:
    return np.size(value) == 1 and np.size(loss) == 1 and bool(np.all(value == loss))


def items_of(result: Tree, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Operand]]:
    fields = fields_of(result)
    result = result if fields is None else fields
    if isinstance(result, Mapping):
        entries = result.items()
        return [
            x
            for k, v in entries
            for x in ([((*path, k), None)] if v is None else items_of(v, (*path, k)))
        ]
    if isinstance(result, tuple) or (isinstance(result, list) and not is_array_like(result)):
        return [x for k, v in enumerate(result) for x in items_of(v, (*path, k))]
    return [] if result is None else [(path, result)]


def is_array_like(value: list[Any]) -> bool:
    """Whether a list stands for an array, as `[[1], [2, 3]]` does, and holds no arrays."""
    return bool(value) and not any(
        isinstance(v, (np.ndarray, np.generic, Mapping))
        or (isinstance(v, (list, tuple)) and not is_array_like(list(v)))
        for v in value
    )


def name_of_item(path: tuple[Any, ...], node: ast.AST | None, statement: ast.stmt | None) -> str:
    name = ""
    for i, key in enumerate(path):
        if i == 0 and isinstance(node, (ast.Tuple, ast.List)) and isinstance(key, int):
            element = node.elts[key] if key < len(node.elts) else None
            scaled = None if element is None else scaled_gradient(element)
            name = getattr(element, "id", getattr(element, "attr", scaled or f"<{key}>"))
        elif i == 0 and isinstance(node, ast.Name) and isinstance(key, int):
            name = entry_name(node.id, key)
        else:
            name = entry_name(name, key) if isinstance(key, (str, int)) else str(key)
    if not path:
        return getattr(node, "id", getattr(node, "attr", "<0>"))
    return name


def line_of_entry(back: Execution, name: str) -> int | None:
    """The line of a named entry of the dict in the return statement; None if there is none."""
    statement = getattr(back.returned_at, "statement", None)
    for node, called in elements_of(statement) if statement is not None else ():
        if called == name:
            return node.lineno
    return None
