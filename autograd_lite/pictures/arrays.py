"""Arrays as a page has them: every number with all its digits, or a coarser grid of means."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.gradients import TupleGradient

GRID_LIMIT_CELLS = 1_024
"""The grid of one array has up to this many cells."""

PAGE_LIMIT_CELLS = 400_000

GRID_LEAST_CELLS = 16


class Arrays:
    """A list of arrays, `rows`, each of which is in it once; about `expected` will be added."""

    def __init__(self, expected: int) -> None:
        self.rows: list[dict[str, Any]] = []
        self._numbers: dict[int, int] = {}
        # An array that is kept has its id to itself.
        self._kept: list[Any] = []
        share = PAGE_LIMIT_CELLS // max(expected, 1)
        self._most = min(max(share, GRID_LEAST_CELLS), GRID_LIMIT_CELLS)

    def number(self, value: Any) -> int | None:
        """The index of an array among the rows; None for what is no array of numbers."""
        if value is None or isinstance(value, (tuple, TupleGradient)):
            return None
        if id(value) not in self._numbers:
            array = np.asarray(value)
            if array.dtype.kind not in "fciub":
                return None
            self._numbers[id(value)] = len(self.rows)
            self._kept.append(value)
            self.rows.append(self._row(array))
        return self._numbers[id(value)]

    def _row(self, array: np.ndarray) -> dict[str, Any]:
        flat = array.reshape(_grid(array.shape))
        reduced = flat.size > self._most
        cells = _coarser(flat, self._most) if reduced else flat
        finite = array[np.isfinite(array)] if array.dtype.kind in "fc" else array
        return {
            "shape": list(array.shape),
            "dtype": str(array.dtype),
            "rows": cells.shape[0],
            "columns": cells.shape[1],
            "cells": [digits(cell) for cell in cells.ravel()],
            "reduced": reduced,
            **_extent(finite),
            "nan": int(np.isnan(array).sum()),
            "inf": int(np.isinf(array).sum()),
        }


def _grid(shape: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns that show an array: its last axis along the rows."""
    columns = shape[-1] if shape else 1
    rows = 1
    for length in shape[:-1]:
        rows *= length
    return rows, columns


def _coarser(grid: np.ndarray, most: int) -> np.ndarray:
    """The means of blocks of `grid`, at most about `most` of them."""
    rows, columns = grid.shape
    side = most**0.5
    down = max(1, -(-rows // int(side if columns >= side else most // columns)))
    across = max(1, -(-columns // (most // -(-rows // down))))
    edges = (np.arange(0, rows, down), np.arange(0, columns, across))
    sizes = (np.diff([*edge, length]) for edge, length in zip(edges, grid.shape, strict=True))
    with np.errstate(all="ignore"):
        kind = complex if grid.dtype.kind == "c" else float
        sums = np.add.reduceat(
            np.add.reduceat(grid.astype(kind), edges[0], axis=0), edges[1], axis=1
        )
        return sums / np.outer(*sizes)


def _extent(finite: np.ndarray) -> dict[str, str]:
    if not finite.size or finite.dtype.kind == "c":
        return {"min": "", "mean": "", "max": ""}
    with np.errstate(all="ignore"):
        found = (finite.min(), finite.mean(dtype=float), finite.max())
    return dict(zip(("min", "mean", "max"), map(digits, found), strict=True))


def digits(number: Any) -> str:
    """A number with as many digits as tell it from every other of its dtype."""
    return str(number).strip("()")
