"""The choice of a matrix product: np.dot, or a faster one for its shapes, dtype and layout.

BLAS packs both matrices before it multiplies them. Where one of them has few rows that takes
longer than the product itself, and products with vectors, which read the large matrix as it lies,
can be faster; so can the product of the transposes. Which one is, is measured.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_lite.compiler.memory import is_product
from autograd_lite.program.ir import Step, Variable

ALONE_BELOW_MULTIPLICATIONS = 262_144
"""OpenBLAS computes smaller products on one thread in any case (4 * 65536, `interface/gemm.c`)."""

THREADS_FROM_MULTIPLICATIONS = 50_000_000
"""Smaller products gain little by two threads, and lose much where a core is busy."""

LONG_INNER = 4096
FEW_RESULTS = 100_000
"""Products that add up so many terms for so few results gain nothing by threads."""

Product = Callable[[Any, Any, Any], Any]

CHOICE_LIMIT_ROWS = 64
"""There is something to choose where the result has up to this many rows or columns."""

MEASURED_FROM_MULTIPLICATIONS = 200_000
"""Products of more multiplications are measured."""

TIMING_ROUNDS = 11
TAKEN_BELOW_SHARE = 0.9
"""Another way is taken if its share of np.dot's time is below this."""


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


def gains_nothing_by_threads(steps: Sequence[Step]) -> bool:
    """Whether BLAS would use several threads for the products of these steps, to no avail."""
    several = False
    for step in filter(is_product, steps):
        inner = step.args[0].shape[-1]
        count = step.result.size * inner
        several = several or count > ALONE_BELOW_MULTIPLICATIONS
        is_long = inner >= LONG_INNER and step.result.size < FEW_RESULTS
        if count >= THREADS_FROM_MULTIPLICATIONS and not is_long:
            return False
    return several


_measured: dict[Any, tuple[str, Product]] = {}


class Products:
    """Chooses, for the matrix products of one program, from the values of its example."""

    def __init__(self, values: Mapping[Variable, Any]) -> None:
        self.values = values

    def choose(self, step: Step) -> tuple[str, Product]:
        """The name and the function for a product that writes its result into an array."""
        a, b = step.args
        if a.ndim != 2 or b.ndim != 2:
            return step.function.__name__, step.function
        if not self._is_worth_it(a, b):
            return "dot", np.dot
        return _fastest(*(self.values[v] for v in (a, b)))

    def _is_worth_it(self, a: Variable, b: Variable) -> bool:
        rows, inner = a.shape
        columns = b.shape[1]
        same = a.dtype == b.dtype and a.dtype.kind == "f"
        return (
            same
            and min(rows, columns) <= CHOICE_LIMIT_ROWS
            and rows * inner * columns >= MEASURED_FROM_MULTIPLICATIONS
        )


def _fastest(a: np.ndarray, b: np.ndarray) -> tuple[str, Product]:
    """The fastest way, and its name."""
    key = (a.shape, b.shape, a.dtype, _layout(a), _layout(b))
    found = _measured.get(key)
    if found is None:
        found = _measured[key] = _measure(a, b)
    return found


def ways_for(a: np.ndarray, b: np.ndarray) -> dict[str, Product]:
    """The functions to choose from for such operands, by name."""
    ways: dict[str, Product] = {"dot": np.dot, "turned": turned}
    if len(a) <= CHOICE_LIMIT_ROWS:
        ways["by_rows"] = by_rows
    return ways


def _measure(a: np.ndarray, b: np.ndarray) -> tuple[str, Product]:
    out = np.empty((a.shape[0], b.shape[1]), a.dtype)
    ways = ways_for(a, b)
    # Once without the clock: the operands are in the cache then.
    for way in ways.values():
        way(a, b, out)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TIMING_ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            way(a, b, out)
            times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values) for name, values in times.items()}
    best = min(medians, key=lambda name: medians[name])
    best = best if medians[best] < TAKEN_BELOW_SHARE * medians["dot"] else "dot"
    return best, ways[best]


def _layout(a: np.ndarray) -> str:
    return "C" if a.flags.c_contiguous else "F" if a.flags.f_contiguous else "strided"
