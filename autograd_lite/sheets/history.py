"""A sheet with a history: the sizes of values and gradients in each epoch."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array, Tree
from autograd_lite.program.ir import Variable
from autograd_lite.sheets.content import Content, Series, statements_of
from autograd_lite.sheets.live import Sheet, content_of
from autograd_lite.sheets.statements import Statement


class SheetHistory:
    """Follows the numbers of a function while its parameters change.

    Each `look` runs the function once and notes, for each statement, the root mean square of its
    numbers; for values, the share of rows that are 0 for all samples; for parameters, how far they
    moved since the previous look, relative to their norm; and where NaN or infinity first appeared.

    >>> w = np.ones(2)
    >>> history = SheetHistory()
    >>> for _ in range(3):
    ...     history.look(lambda w, X: np.sum((w * X) ** 2), w, np.arange(2.0))
    ...     w = w * 0.5
    >>> history.sheet().rows
    [['loss = np.sum((w * X) ** 2)', 'dw = 2 * w * X * X']]
    """

    def __init__(self) -> None:
        self._series: list[Series] = []
        self._content: Content | None = None
        self._before: dict[int, np.ndarray] = {}

    def look(self, function: Callable[..., Any], *inputs: Tree) -> None:
        """Run the function on inputs, and note its numbers."""
        with np.errstate(all="ignore"):
            content = content_of(function, inputs)
        statements = statements_of(content.rows)
        if len(statements) != len(self._series):
            # The first look, or one at another program.
            self._series = [Series() for _ in statements]
            self._before = {}
        for place, statement in enumerate(statements):
            self._note(statement, place, content.values)
        self._content = content

    def _note(self, statement: Statement, place: int, values: dict[Variable, Array]) -> None:
        series = self._series[place]
        value = np.asarray(values[statement.total or statement.variable], float)
        finite = bool(np.isfinite(value).all())
        series.sizes.append(float(np.sqrt(np.mean(value**2))) if finite and value.size else None)
        if not finite and series.broken is None:
            series.broken = len(series.sizes)
        if statement.of is None:
            dead = value.ndim > 1 and value.shape[0] > 1 and not value.any(axis=-1).all()
            series.dead.append(float(np.mean(~value.any(axis=-1))) if dead else 0.0)
        elif statement.expression.variable is not None and statement.source:
            held = np.asarray(values[statement.of], float)
            before = self._before.get(place)
            if before is not None and before.shape == held.shape:
                size = np.linalg.norm(before)
                series.moved.append(float(np.linalg.norm(held - before) / size) if size else None)
            self._before[place] = held.copy()

    def sheet(self) -> Sheet:
        """The sheet of the last look, with the history; raises ValueError before the first look."""
        if self._content is None:
            raise ValueError("there is no sheet before the first call of look()")
        self._content.series = self._series
        return Sheet(self._content)

    def write(self, path: str | os.PathLike[str]) -> str:
        """Write the sheet to a file and return its path."""
        return self.sheet().write(path)
