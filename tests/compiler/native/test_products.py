"""Matrix products of compiled code: every layout of the operands, both dtypes, adding or not."""

import numpy as np
import pytest

numba = pytest.importorskip("numba")
pytest.importorskip("scipy")

from autograd_lite.compiler.native import products  # noqa: E402

# Each layout is compiled by itself.
pytestmark = pytest.mark.slow

RNG = np.random.default_rng(0)


def layouts(values):
    """The same matrix as it may lie in memory, as arrays of no known layout."""
    rows, columns = values.shape
    yield values
    yield np.asfortranarray(values)
    wide = np.zeros((rows + 3, columns + 5), values.dtype)
    wide[1:-2, 2:-3] = values
    yield wide[1:-2, 2:-3]
    yield np.asfortranarray(wide)[1:-2, 2:-3]
    strided = np.zeros((rows * 2, columns * 3), values.dtype)
    strided[::2, ::3] = values
    yield strided[::2, ::3]
    yield values[::-1, ::-1].copy()[::-1, ::-1]


def compiled(multiply, dtype):
    """A product compiled twice: for operands in rows, and for any, which takes all others.

    It looks at the strides of arrays of either type, so that one of each is enough: reversed and
    repeated lines have no type of their own.
    """

    @numba.njit
    def run(a, b, out, adds):
        multiply(a, b, out, adds)

    of = numba.from_dtype(np.dtype(dtype))
    for layout in "CA":
        operand = numba.types.Array(of, 2, layout, readonly=layout == "A")
        result = numba.types.Array(of, 2, layout)
        run.compile((operand, operand, result, numba.types.boolean))
    run.disable_compile()
    return run


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_layout(dtype):
    multiply = getattr(products, f"multiply_{np.dtype(dtype)}")

    run = compiled(multiply, dtype)
    tolerance = 1e-5 if dtype == np.float32 else 1e-13
    for rows, inner, columns in [(1, 1, 1), (3, 4, 5), (1, 4, 1), (4, 1, 3), (1, 7, 3), (2, 0, 3)]:
        a = RNG.normal(size=(rows, inner)).astype(dtype)
        b = RNG.normal(size=(inner, columns)).astype(dtype)
        for left in (*layouts(a), np.broadcast_to(a[:1], a.shape)):
            for right in (*layouts(b), np.broadcast_to(b[:, :1], b.shape)):
                for out in layouts(np.full((rows, columns), 7, dtype)):
                    if out.flags.f_contiguous and not out.flags.c_contiguous:
                        continue
                    if out.strides[1] != out.itemsize:
                        continue
                    run(left, right, out, False)
                    np.testing.assert_allclose(out, left @ right, tolerance, tolerance)
                    run(left, right, out, True)
                    np.testing.assert_allclose(out, 2 * (left @ right), tolerance, tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [1, 5, 6])
def test_few_rows(rows, dtype):
    few_rows = getattr(products, f"few_rows_{rows}_{np.dtype(dtype)}")

    run = compiled(few_rows, dtype)
    tolerance = 1e-4 if dtype == np.float32 else 1e-12
    for inner, columns in [(600, 7), (3, 1030), (1, 1), (8, 4)]:
        a = RNG.normal(size=(rows, inner)).astype(dtype)
        b = RNG.normal(size=(inner, columns)).astype(dtype)
        for left in layouts(a):
            for right in layouts(b):
                out = np.full((rows, columns), np.nan, dtype)
                run(left, right, out, False)
                np.testing.assert_allclose(out, left @ right, tolerance, tolerance)
                run(left, right, out, True)
                np.testing.assert_allclose(out, 2 * (left @ right), tolerance, tolerance)
