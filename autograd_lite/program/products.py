"""How a matrix product is computed: np.dot, or what is faster for its shapes, dtype and layout.

BLAS packs both matrices before it multiplies them. Where one of them has few rows that takes
longer than the product itself, and products with vectors, which read the large matrix as it lies,
can be faster; so can the product of the transposes. Which one is, is measured.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograd_lite.program.ir import Step, Variable

FEW = 64
"""Up to how many rows or columns of the result there is something to choose."""

WORTH = 200_000
"""From how many multiplications on it is worth a measurement."""

ROUNDS = 11
MARGIN = 0.85
"""What share of np.dot's time another way may take to be taken."""


def by_rows(a: Any, b: Any, out: Any) -> Any:
    """A product with a vector for each row of `a`."""
    turned = b.T
    for i in range(len(a)):
        np.dot(turned, a[i], out[i])
    return out


def turned(a: Any, b: Any, out: Any) -> Any:
    """The transpose of b^T a^T."""
    out[...] = np.dot(b.T, a.T).T
    return out


CANDIDATES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "dot": np.dot,
    "by_rows": by_rows,
    "turned": turned,
}
_measured: dict[Any, tuple[str, float]] = {}


class Products:
    """Chooses, for the matrix products of one program, from the values of its example."""

    def __init__(self, values: Mapping[Variable, Any]) -> None:
        self.values = values
        self.chosen: list[tuple[Step, str, float]] = []

    def choose(self, step: Step) -> tuple[str, Callable[[Any, Any, Any], Any]]:
        """The name and the function for a product that writes its result into an array."""
        a, b = step.args
        if a.ndim != 2 or b.ndim != 2:
            return step.function.__name__, step.function
        label, ratio = "dot", 1.0
        if self._is_worth_it(a, b):
            label, ratio = _fastest(*(self.values[v] for v in (a, b)))
        self.chosen.append((step, label, ratio))
        return label, CANDIDATES[label]

    def _is_worth_it(self, a: Variable, b: Variable) -> bool:
        rows, inner = a.shape
        columns = b.shape[1]
        same = a.dtype == b.dtype and a.dtype.kind == "f"
        return same and min(rows, columns) <= FEW and rows * inner * columns >= WORTH


def _fastest(a: np.ndarray, b: np.ndarray) -> tuple[str, float]:
    """The fastest way, and its share of np.dot's time."""
    key = (a.shape, b.shape, a.dtype, _layout(a), _layout(b))
    found = _measured.get(key)
    if found is None:
        found = _measured[key] = _measure(a, b)
    return found


def _measure(a: np.ndarray, b: np.ndarray) -> tuple[str, float]:
    out = np.empty((a.shape[0], b.shape[1]), a.dtype)
    ways = dict(CANDIDATES)
    if len(a) > FEW:
        del ways["by_rows"]
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            way(a, b, out)
            times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in times.items()}
    best = min(medians, key=lambda name: medians[name])
    ratio = medians[best] / medians["dot"]
    return (best, ratio) if ratio < MARGIN else ("dot", 1.0)


def _layout(a: np.ndarray) -> str:
    return "C" if a.flags.c_contiguous else "F" if a.flags.f_contiguous else "strided"
