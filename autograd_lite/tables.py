"""Tensors in notebooks: a caption, and tables of their values and of their gradient."""

from __future__ import annotations

import html
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array
from autograd_lite.printable import printable

SHOWN_WHOLE = 12
"""Arrays of up to this many rows and columns are shown whole, others by their corners."""

CORNER = 4
"""The rows and columns shown at each end of a longer axis."""

_NUMBER = "text-align:right;font-family:monospace"


def tensor_html(tensor: Any) -> str | None:
    """What a notebook shows of a Tensor; None, for its text, where that says it better.

    Vectors are a row, matrices a table; arrays of more axes, and those whose values are not known
    yet, have their text alone.
    """
    values = tensor._seen()
    if not isinstance(values, (np.ndarray, np.generic)) or values.ndim > 2 or not values.size:
        return None
    tables = [("", np.asarray(values))]
    gradient = tensor.grad
    if isinstance(gradient, (np.ndarray, np.generic)):
        tables = [("values", tables[0][1]), ("gradient", np.asarray(gradient))]
    shown = "".join(
        f'<div style="margin-right:2em">{f"<div>{name}</div>" if name else ""}{_table(array)}</div>'
        for name, array in tables
    )
    side_by_side = f'<div style="display:flex;overflow-x:auto">{shown}</div>'
    return f"<div>{html.escape(_caption(tensor))}</div>{side_by_side}"


def _caption(tensor: Any) -> str:
    shape = " x ".join(map(str, tensor.shape)) or "a number"
    parts = [printable(tensor.name) if tensor.name is not None else "Tensor", shape]
    parts.append(str(tensor.dtype))
    operation = getattr(getattr(tensor._node, "plan", None), "operation", None)
    if operation is not None:
        parts.append(f"result of {printable(operation.name)}")
    elif tensor.requires_grad:
        parts.append("requires grad")
    return ", ".join(parts)


def _table(array: Array) -> str:
    rows, columns = (_places(n) for n in np.atleast_2d(array).shape)
    matrix = np.atleast_2d(array)
    body = "".join("<tr>" + "".join(_cell(matrix, i, j) for j in columns) + "</tr>" for i in rows)
    return f"<table><tbody>{body}</tbody></table>"


def _places(length: int) -> list[int | None]:
    """The places along an axis that are shown; None is a gap."""
    if length <= SHOWN_WHOLE:
        return [*range(length)]
    return [*range(CORNER), None, *range(length - CORNER, length)]


def _cell(matrix: Array, i: int | None, j: int | None) -> str:
    text = "..." if i is None or j is None else _number(matrix[i, j])
    return f'<td style="{_NUMBER}">{text}</td>'


def _number(value: Any) -> str:
    """A number with four digits, as text without characters that HTML reads."""
    return str(value) if value.dtype.kind in "biu" else f"{value:.4g}"
