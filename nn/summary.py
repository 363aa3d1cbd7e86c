"""The table of a network: output, parameters and memory of each layer."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import autograd_lite as al
from autograd_lite.extend import Array, ArrayLike, Operand, printable

if TYPE_CHECKING:
    from .module import Module

HEADER = ("layer", "kind", "output", "parameters", "memory")


@dataclass(frozen=True)
class Row:
    """A layer: its path, its repr, the shape of its output, and the number of its parameters.

    `memory` is the size of its parameters, buffers and output in bytes.
    """

    path: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    memory: int


@dataclass(frozen=True)
class Summary:
    """The layers of a network in the order in which they are called; it prints as a table.

    `parameters` counts each number once, even if several layers share it. `trainable` counts those
    that are not frozen, and `buffers` the numbers of buffers, such as running means.
    """

    rows: tuple[Row, ...]
    parameters: int
    trainable: int
    buffers: int

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (
                printable(r.path),
                printable(r.kind, 200),
                str(r.shape),
                f"{r.parameters:,}",
                readable(r.memory),
            )
            for r in self.rows
        ]

    def _total(self) -> str:
        memory = readable(sum(row.memory for row in self.rows))
        counted = _counted(self.parameters, self.trainable, self.buffers)
        return f"{counted}; {memory} with the outputs of the layers"

    def __str__(self) -> str:
        cells = [HEADER, *self._cells()]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(
                cell.rjust(width) if i > 2 else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in cells
        ]
        return "\n".join([*lines, self._total()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return table(HEADER, self._cells()) + f"<p>{html.escape(self._total())}</p>"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in HTML, with cells of plain text; it scrolls where the page is narrow."""

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

    body = "".join(line(cells, "td") for cells in rows)
    shown = f"<table><thead>{line(header, 'th')}</thead><tbody>{body}</tbody></table>"
    return f'<div style="overflow-x:auto">{shown}</div>'


def readable(size: float) -> str:
    """A number of bytes with a unit: "12.3 KiB"."""
    if size < 1024:
        return f"{size:.0f} B"
    power = min(int(math.log(size, 1024)), 4)
    return f"{size / 1024**power:.1f} {('KiB', 'MiB', 'GiB', 'TiB')[power - 1]}"


def summarised(module: Module, X: ArrayLike) -> Summary:
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
                vars(inner)["forward"] = _noting(inner, path, rows)
        module.eval()
        with al.no_grad():
            module(X)
    finally:
        for _, inner in modules:
            vars(inner).pop("forward", None)
            inner.training = training[id(inner)]
    return Summary(tuple(rows), *_counts(module))


def as_html(module: Module) -> str:
    """The layers of a module with their parameters, in HTML for notebooks."""
    rows = [
        (
            printable(path) or "-",
            printable(_shown(inner), 200),
            f"{sum(p.size for p in inner.parameters()):,}",
        )
        for path, inner in module.named_modules()
        if not any(other is not inner for _, other in inner.named_modules())
    ]
    name, counted = type(module).__name__, _counted(*_counts(module))
    return (
        f"<p><b>{html.escape(name)}</b>: {html.escape(counted)}</p>"
        f"{table(('layer', 'kind', 'parameters'), rows)}"
    )


def _counts(module: Module) -> tuple[int, int, int]:
    """The counts of numbers in parameters, in trained parameters, and in buffers."""
    parameters = module.parameters()
    trainable = sum(p.size for p in parameters if p.requires_grad)
    buffers = sum(math.prod(np.shape(buffer)) for _, buffer in module.named_buffers())
    return sum(p.size for p in parameters), trainable, buffers


def _counted(parameters: int, trainable: int, buffers: int) -> str:
    frozen = "" if trainable == parameters else f", {trainable:,} of them trainable"
    return f"{parameters:,} parameters{frozen}" + (f", {buffers:,} in buffers" if buffers else "")


def _shown(module: Module) -> str:
    """The repr of a module, and whether it is frozen."""
    trained = [p.requires_grad for p in module.parameters()]
    frozen = "" if all(trained) else ", partly frozen" if any(trained) else ", frozen"
    return repr(module) + frozen


def _noting(module: Module, path: str, rows: list[Row]) -> Callable[[Operand], Operand]:
    """The forward() of a module that also adds a row at each call."""
    forward = module.forward

    def noted(X: Operand) -> Operand:
        result = forward(X)
        own = module.parameters()
        shape = tuple(np.shape(result))
        held = [p.data for p in own] + [buffer for _, buffer in module.named_buffers()]
        memory = sum(a.nbytes for a in (*held, np.asarray(plain(result))))
        rows.append(Row(path, _shown(module), shape, sum(p.size for p in own), memory))
        return result

    return noted


def plain(value: Operand) -> Array:
    return value.data if isinstance(value, al.Tensor) else value
