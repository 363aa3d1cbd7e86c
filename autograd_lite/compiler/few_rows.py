"""Products of a few rows with a large matrix, by loops of Numba's that read the matrix once.

BLAS packs the matrix before it multiplies, which takes longer than the product does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

REGISTER_LIMIT_ROWS = 6
"""The sums of up to this many rows fit into the processor's registers."""

LOOP_FROM_MULTIPLICATIONS = 2_000_000
"""A loop is compiled for products of more multiplications."""

AT_ONCE = 4
"""How many lines of the matrix are read side by side."""

STRETCH = 512
"""How many numbers of each row of the result are added to at a time, so that they stay close."""

Product = Callable[[Any, Any, Any], Any]


def few_rows(a: np.ndarray, b: np.ndarray) -> Product | None:
    """A function that computes a b into an array, for operands like these; None for others.

    The sums are in another order than BLAS's.
    """
    rows = len(a)
    kind: Any = a.dtype.type
    if (
        rows > REGISTER_LIMIT_ROWS
        or a.size * b.shape[1] < LOOP_FROM_MULTIPLICATIONS
        or kind not in (np.float32, np.float64)
    ):
        return None
    if b.T.flags.c_contiguous:
        return _along_columns(rows, kind)
    return _along_rows(rows, kind) if b.flags.c_contiguous else None


@functools.cache
def _along_columns(rows: int, kind: Any) -> Product:
    """Computes dot products with several columns at once, of a matrix whose columns lie in one
    piece."""
    sums = [[f"s{r}_{q}" for q in range(AT_ONCE)] for r in range(rows)]
    lines = ["def kernel(a, lines, out):", "    n, length = lines.shape", "    j = 0"]
    lines += [f"    a{r} = a[{r}]" for r in range(rows)]
    lines.append(f"    while j + {AT_ONCE} <= n:")
    lines += [f"        x{q} = lines[j + {q}]" for q in range(AT_ONCE)]
    lines += [f"        {name} = zero" for row in sums for name in row]
    lines.append("        for k in range(length):")
    for r, row in enumerate(sums):
        lines += [f"            {name} += a{r}[k] * x{q}[k]" for q, name in enumerate(row)]
    for r, row in enumerate(sums):
        lines += [f"        out[{r}, j + {q}] = {name}" for q, name in enumerate(row)]
    lines += [f"        j += {AT_ONCE}", "    while j < n:", "        x0 = lines[j]"]
    lines += [f"        s{r}_0 = zero" for r in range(rows)]
    lines.append("        for k in range(length):")
    lines += [f"            s{r}_0 += a{r}[k] * x0[k]" for r in range(rows)]
    lines += [f"        out[{r}, j] = s{r}_0" for r in range(rows)]
    lines.append("        j += 1")
    kernel = _compiled(lines, kind)
    return lambda a, b, out: kernel(a, b.T, out)


@functools.cache
def _along_rows(rows: int, kind: Any) -> Product:
    """Adds several rows at once to the result, of a matrix whose rows lie in one piece."""
    lines = ["def kernel(a, lines, out):", "    n, length = lines.shape"]
    lines.append(f"    for start in range(0, length, {STRETCH}):")
    lines.append(f"        stop = min(start + {STRETCH}, length)")
    lines += [f"        o{r} = out[{r}, start:stop]" for r in range(rows)]
    lines += [f"        o{r}[:] = zero" for r in range(rows)]
    lines += ["        j = 0", f"        while j + {AT_ONCE} <= n:"]
    lines += [f"            x{q} = lines[j + {q}, start:stop]" for q in range(AT_ONCE)]
    for r in range(rows):
        lines += [f"            a{r}_{q} = a[{r}, j + {q}]" for q in range(AT_ONCE)]
    lines.append("            for k in range(stop - start):")
    for r in range(rows):
        terms = " + ".join(f"a{r}_{q} * x{q}[k]" for q in range(AT_ONCE))
        lines.append(f"                o{r}[k] += {terms}")
    lines += [f"            j += {AT_ONCE}", "        while j < n:"]
    lines.append("            x0 = lines[j, start:stop]")
    lines.append("            for k in range(stop - start):")
    lines += [f"                o{r}[k] += a[{r}, j] * x0[k]" for r in range(rows)]
    lines.append("            j += 1")
    kernel = _compiled(lines, kind)
    return lambda a, b, out: kernel(a, b, out)


def _compiled(lines: list[str], kind: Any) -> Callable[..., Any]:
    import numba

    namespace: dict[str, Any] = {"zero": kind(0)}
    exec("\n".join(lines), namespace)
    # Sums in any order, but NaN and infinity as everywhere.
    options: dict[str, Any] = {"fastmath": {"reassoc", "contract", "nsz"}, "nogil": True}
    kernel: Callable[..., Any] = numba.njit(**options)(namespace["kernel"])
    return kernel
