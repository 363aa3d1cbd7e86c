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

ROWS_LIMIT = 6
"""The sums of up to this many rows fit into the processor's registers."""

LOOPS_FROM_MULTIPLICATIONS = 2_000_000
"""Smaller products are left to BLAS: they are in the cache."""

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
                of_lines(a, b.copy()[::1, ::1], out, adds)
        elif _is_lined(b):
            of_lines(a.copy()[::1, ::1], b, out, adds)
        else:
            of_lines(a.copy()[::1, ::1], b.copy()[::1, ::1], out, adds)

    @_compiled
    def multiply(a: Any, b: Any, out: Any, adds: bool) -> None:
        """Writes the product a b into `out`, or adds it to what is there.

        The rows of `out` lie in one piece. `a` and `b` lie in rows or in columns; others are
        copied.
        """
        # Slices are of no known layout: one compiled function serves for all.
        of_any(a[::1, ::1], b[::1, ::1], out[::1, ::1], adds)

    return multiply


@_compiled
def _is_lined(a: Any) -> bool:
    """Whether BLAS can read a matrix as it lies, by rows or by columns."""
    return _by_rows(a) or _by_rows(a.T)


multiply_float64 = _product(ord("d"), np.float64)
multiply_float32 = _product(ord("s"), np.float32)
