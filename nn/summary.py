"""The table of a network: what each layer gives, and what it takes."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import autograd_lite as al

HEADER = ("layer", "kind", "output", "parameters", "memory")


@dataclass(frozen=True)
class Row:
    """A layer: its path, how it shows itself, the shape that it gives, and its own parameters.

    `memory` is in bytes: of the parameters, and of the output.
    """

    path: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    memory: int


@dataclass(frozen=True)
class Summary:
    """The layers of a network in the order in which they are called; it prints as a table.

    `parameters` counts each number once, though several layers may use it.
    """

    rows: tuple[Row, ...]
    parameters: int

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (r.path, r.kind, str(r.shape), f"{r.parameters:,}", readable(r.memory))
            for r in self.rows
        ]

    def _total(self) -> str:
        memory = readable(sum(row.memory for row in self.rows))
        return f"{self.parameters:,} parameters, {memory} with what the layers give"

    def __str__(self) -> str:
        table = [HEADER, *self._cells()]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [
            "  ".join(
                cell.rjust(width) if i > 2 else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in table
        ]
        return "\n".join([*lines, self._total()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def line(cells: tuple[str, ...], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

        body = "".join(line(cells, "td") for cells in self._cells())
        return (
            f"<table><thead>{line(HEADER, 'th')}</thead><tbody>{body}</tbody></table>"
            f"<p>{html.escape(self._total())}</p>"
        )


def readable(size: float) -> str:
    """A number of bytes with a unit: "12.3 KiB"."""
    if size < 1024:
        return f"{size:.0f} B"
    power = min(int(math.log(size, 1024)), 4)
    return f"{size / 1024**power:.1f} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"


def summarised(module: Any, X: Any) -> Summary:
    """The summary of `module` on an example input, or on zeros of its shape."""
    if isinstance(X, tuple):
        dtypes = [parameter.dtype for parameter in module.parameters()]
        X = np.zeros(X, dtypes[0] if dtypes else np.float64)
    modules = list(module.named_modules())
    rows: list[Row] = []
    training = {id(m): m.training for _, m in modules}
    try:
        for path, inner in modules:
            if not any(other is not inner for _, other in inner.named_modules()):
                inner.forward = _noting(inner, path, rows)
        module.eval()
        with al.no_grad():
            module(X)
    finally:
        for _, inner in modules:
            vars(inner).pop("forward", None)
            inner.training = training[id(inner)]
    return Summary(tuple(rows), sum(p.size for p in module.parameters()))


def _noting(module: Any, path: str, rows: list[Row]) -> Any:
    """The module's forward(), which adds a row each time."""
    forward = module.forward

    def noted(X: Any) -> Any:
        result = forward(X)
        own = module.parameters()
        shape = tuple(np.shape(result))
        memory = sum(p.data.nbytes for p in own) + getattr(np.asarray(plain(result)), "nbytes", 0)
        rows.append(Row(path, repr(module), shape, sum(p.size for p in own), memory))
        return result

    return noted


def plain(value: Any) -> Any:
    return value.data if isinstance(value, al.Tensor) else value
