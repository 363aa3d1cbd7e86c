"""Matrix products into a given array, for whatever layout the operands have.

They are BLAS's, as SciPy has it, by the entry that Numba's own `np.dot` uses: that one takes
contiguous arrays only, and blocks of a matrix are none. BLAS packs the matrices before it
multiplies them, which takes longer than the product where one of them has few rows; a loop that
reads the other one once is faster there. Its sums are in another order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic

from autograd_lite.compiler.native.forms import ROWS_LIMIT

AT_ONCE = 4
"""How many lines of the matrix are read side by side."""

STRETCH = 512
"""How many numbers of each row of the result are added to at a time, so that they stay close."""

_letter, _size, _pointer = types.char, types.intp, types.voidptr
# fmt: off
_gemm = types.ExternalFunction(
    "numba_xxgemm",
    types.intc(
        _letter, _letter, _letter, _size, _size, _size, _pointer,
        _pointer, _size, _pointer, _size, _pointer, _pointer, _size,
    ),
)
# fmt: on
_PLAIN, _TRANSPOSED = ord("n"), ord("t")

_compiled = njit(error_model="numpy", nogil=True)
# Sums in any order, but NaN and infinity as everywhere.
_summing = njit(error_model="numpy", nogil=True, fastmath={"reassoc", "contract", "nsz"})


def _taken_as(layout: str) -> Any:
    """A function that gives an array a type of this layout, without looking at it."""

    @intrinsic
    def taken(context: Any, a: Any) -> Any:
        known = a.copy(layout=layout, readonly=False)

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            return impl_ret_borrowed(context, builder, signature.return_type, args[0])

        return known(a), generate

    return taken


# For loops that the compiler is to vectorise; and so that one compiled function serves for all.
_contiguous, _any = _taken_as("C"), _taken_as("A")


@_compiled
def _by_rows(a: Any) -> bool:
    """Whether BLAS can read the rows of a matrix as they lie."""
    item = a.itemsize
    lines = a.shape[1] == 1 or a.strides[1] == item
    return lines and (a.shape[0] == 1 or a.strides[0] >= a.shape[1] * item)


@_compiled
def _leading(step: int, item: int, least: int) -> int:
    """The distance between lines of a matrix in numbers; that of a single line does not matter."""
    return max(step // item, least, 1)


def _product(kind: int, dtype: Any) -> Any:
    """The function that multiplies matrices of one dtype."""
    zero, one = np.zeros(1, dtype), np.ones(1, dtype)

    @_compiled
    def of_lines(a: Any, b: Any, out: Any, adds: bool) -> None:
        rows, inner = a.shape
        columns = b.shape[1]
        item = out.itemsize
        # BLAS counts by columns: it computes the transpose, b^T a^T.
        if _by_rows(a):
            turn_a, lead_a = _PLAIN, _leading(a.strides[0], item, inner)
        else:
            turn_a, lead_a = _TRANSPOSED, _leading(a.strides[1], item, rows)
        if _by_rows(b):
            turn_b, lead_b = _PLAIN, _leading(b.strides[0], item, columns)
        else:
            turn_b, lead_b = _TRANSPOSED, _leading(b.strides[1], item, inner)
        lead = _leading(out.strides[0], item, columns)
        factor = one.ctypes if adds else zero.ctypes
        # fmt: off
        status = _gemm(
            kind, turn_b, turn_a, columns, rows, inner, one.ctypes,
            b.ctypes, lead_b, a.ctypes, lead_a, factor, out.ctypes, lead,
        )
        # fmt: on
        if status != 0:
            raise RuntimeError("a matrix product of SciPy's BLAS failed")

    @_compiled
    def of_any(a: Any, b: Any, out: Any, adds: bool) -> None:
        if not out.size:
            return
        if not a.size:
            if not adds:
                out[:] = zero[0]
        elif _is_lined(a):
            if _is_lined(b):
                of_lines(a, b, out, adds)
            else:
                of_lines(a, _any(b.copy()), out, adds)
        elif _is_lined(b):
            of_lines(_any(a.copy()), b, out, adds)
        else:
            of_lines(_any(a.copy()), _any(b.copy()), out, adds)

    @_compiled
    def multiply(a: Any, b: Any, out: Any, adds: bool) -> None:
        """Writes the product a b into `out`, or adds it to the content of `out`.

        The rows of `out` lie in one piece. `a` and `b` lie in rows or in columns; others are
        copied.
        """
        of_any(_any(a), _any(b), _any(out), adds)

    return multiply


@_compiled
def _is_lined(a: Any) -> bool:
    """Whether BLAS can read a matrix as it lies, by rows or by columns."""
    return _by_rows(a) or _by_rows(a.T)


multiply_float64: Any = _product(ord("d"), np.float64)
multiply_float32: Any = _product(ord("s"), np.float32)


def _few_rows(rows: int, dtype: Any, other: Any) -> Any:
    """The function that multiplies so many rows with a matrix that is read once.

    Where its columns lie in one piece a few of them are gone through side by side, with a sum for
    each in a register; where its rows do, several are added to the result at once.
    """
    zero = dtype(0)
    namespace: dict[str, Any] = {"zero": zero, "contiguous": _contiguous}
    exec("\n".join([*_along_columns(rows), *_along_rows(rows)]), namespace)
    along_columns, along_rows = (
        _summing(namespace[name]) for name in ("along_columns", "along_rows")
    )

    @_compiled
    def few_rows(a: Any, b: Any, out: Any, adds: bool) -> None:
        item = out.itemsize
        if b.strides[0] == item and a.strides[1] == item:
            along_columns(_any(a), _any(b), _any(out), adds)
        elif b.strides[1] == item and out.strides[1] == item:
            along_rows(_any(a), _any(b), _any(out), adds)
        else:
            other(a, b, out, adds)

    return few_rows


def _along_columns(rows: int) -> list[str]:
    sums = [[f"s{r}_{q}" for q in range(AT_ONCE)] for r in range(rows)]
    lines = ["def along_columns(a, b, out, adds):", "    length, n = b.shape", "    j = 0"]
    lines += [f"    a{r} = contiguous(a[{r}])" for r in range(rows)]
    lines.append(f"    while j + {AT_ONCE} <= n:")
    lines += [f"        x{q} = contiguous(b[:, j + {q}])" for q in range(AT_ONCE)]
    lines += [f"        {name} = zero" for row in sums for name in row]
    lines.append("        for k in range(length):")
    for r, row in enumerate(sums):
        lines += [f"            {name} += a{r}[k] * x{q}[k]" for q, name in enumerate(row)]
    for r, row in enumerate(sums):
        lines += [
            f"        out[{r}, j + {q}] = {name} + (out[{r}, j + {q}] if adds else zero)"
            for q, name in enumerate(row)
        ]
    lines += [f"        j += {AT_ONCE}", "    while j < n:", "        x0 = contiguous(b[:, j])"]
    lines += [f"        s{r}_0 = zero" for r in range(rows)]
    lines.append("        for k in range(length):")
    lines += [f"            s{r}_0 += a{r}[k] * x0[k]" for r in range(rows)]
    lines += [
        f"        out[{r}, j] = s{r}_0 + (out[{r}, j] if adds else zero)" for r in range(rows)
    ]
    return [*lines, "        j += 1"]


def _along_rows(rows: int) -> list[str]:
    lines = ["def along_rows(a, b, out, adds):", "    n, length = b.shape"]
    lines.append(f"    for start in range(0, length, {STRETCH}):")
    lines.append(f"        stop = min(start + {STRETCH}, length)")
    lines += [f"        o{r} = contiguous(out[{r}, start:stop])" for r in range(rows)]
    lines.append("        if not adds:")
    lines += [f"            o{r}[:] = zero" for r in range(rows)]
    lines += ["        j = 0", f"        while j + {AT_ONCE} <= n:"]
    lines += [f"            x{q} = contiguous(b[j + {q}, start:stop])" for q in range(AT_ONCE)]
    for r in range(rows):
        lines += [f"            a{r}_{q} = a[{r}, j + {q}]" for q in range(AT_ONCE)]
    lines.append("            for k in range(stop - start):")
    for r in range(rows):
        terms = " + ".join(f"a{r}_{q} * x{q}[k]" for q in range(AT_ONCE))
        lines.append(f"                o{r}[k] += {terms}")
    lines += [f"            j += {AT_ONCE}", "        while j < n:"]
    lines.append("            x0 = contiguous(b[j, start:stop])")
    lines.append("            for k in range(stop - start):")
    lines += [f"                o{r}[k] += a[{r}, j] * x0[k]" for r in range(rows)]
    return [*lines, "            j += 1"]


for _rows in range(1, ROWS_LIMIT + 1):
    globals()[f"few_rows_{_rows}_float32"] = _few_rows(_rows, np.float32, multiply_float32)
    globals()[f"few_rows_{_rows}_float64"] = _few_rows(_rows, np.float64, multiply_float64)
