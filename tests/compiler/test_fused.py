"""Regions as loops of Numba's, against the interpreter."""

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.compiler import few_rows, fused, regions, schedule

pytest.importorskip("numba")
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def always(monkeypatch):
    """Loops wherever there is a form, however long they take, on small arrays."""
    monkeypatch.setattr(fused, "TAKEN_BELOW_SHARE", np.inf)
    monkeypatch.setattr(schedule, "REGION_FROM_ELEMENTS", 2)
    monkeypatch.setattr(regions, "BLOCK_ELEMENTS", 8)


def functions():
    return {
        "masks": lambda a, b, c: np.where(a > b, a * c, 0) * (a >= 0) + np.where(b == c, 1, b),
        "arithmetic": lambda a, b, c: (a + b) * 2.5 - c / (1 + np.square(a)) + np.sqrt(np.abs(b)),
        "extremes": lambda a, b, c: np.maximum(a, b) - np.minimum(b, 0.5) - (-c),
        "division by zero": lambda a, b, c: (a - a) / (b - b) + a / (c - c),
        "several results": lambda a, b, c: (a * b + c, (a + b) * c, a * b - c),
    }


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shapes", [[(40,)] * 3, [(4, 6)] * 3, [(4, 6), (4, 1), (6,)]])
@pytest.mark.parametrize("name", functions())
def test_loops(name, shapes, dtype):
    function = functions()[name]
    arrays = [RNG.normal(size=shape).astype(dtype) for shape in shapes]
    arrays[0].flat[:2] = np.nan, np.inf
    compiled = al.compile(function)
    results = compiled(*arrays)
    assert compiled.explain().lowered.fused
    assert "@njit" in compiled.source and "by Numba" in str(compiled.explain())
    with np.errstate(all="ignore"):
        expected = function(*arrays)
    for ours, theirs in zip(np.atleast_1d(results), np.atleast_1d(expected), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=4 * np.finfo(dtype).eps)


def test_an_argument_that_is_a_number():
    f = al.compile(lambda x, rate: x - rate * x * x)
    x = RNG.normal(size=20).astype(np.float32)
    for rate in (0.5, 0.25):
        np.testing.assert_allclose(f(x, rate), x - rate * x * x, rtol=1e-6)
    assert f.explain().lowered.fused


@pytest.mark.parametrize(
    "function",
    [
        lambda a: np.exp(a) * 2,
        lambda a: a.astype(np.float32) * a,
        lambda a: np.sum(a * a, axis=0) + np.sum(a * 2),
    ],
)
def test_what_is_left_to_numpy(function):
    a = RNG.normal(size=(5, 4))
    compiled = al.compile(function)
    np.testing.assert_allclose(compiled(a), function(a), rtol=1e-6)
    assert not compiled.explain().lowered.fused


def test_where_they_take_longer_they_are_not_taken(monkeypatch):
    monkeypatch.setattr(fused, "TAKEN_BELOW_SHARE", 0)
    compiled = al.compile(lambda a: a * 2 + 1)
    compiled(np.ones(20))
    assert not compiled.explain().lowered.fused
    assert "@njit" not in compiled.source


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [8, 207])
@pytest.mark.parametrize("rows", [1, 5, 6])
def test_products_of_few_rows(rows, columns, dtype, monkeypatch):
    monkeypatch.setattr(few_rows, "LOOP_FROM_MULTIPLICATIONS", 1)
    a, b = RNG.normal(size=(rows, 1111)).astype(dtype), RNG.normal(size=(1111, columns))
    for matrix in (np.asfortranarray(b.astype(dtype)), np.ascontiguousarray(b.astype(dtype))):
        matrix[0, 0] = np.inf
        for left in (a, np.asfortranarray(a)):
            out = np.empty((rows, columns), dtype)
            few_rows.few_rows(left, matrix)(left, matrix, out)
            with np.errstate(all="ignore"):
                expected = left @ matrix
            scale = 1e-12 if dtype == np.float64 else 1e-3
            np.testing.assert_allclose(out, expected, rtol=scale, atol=scale * 50)


def test_products_that_loops_are_not_made_for():
    many = np.ones((7, 4000)), np.ones((4000, 100))
    assert few_rows.few_rows(*many) is None
    assert few_rows.few_rows(np.ones((5, 40)), np.ones((40, 10))) is None
    strided = np.ones((4000, 400))[:, ::2]
    assert few_rows.few_rows(np.ones((5, 4000)), strided) is None
    assert few_rows.few_rows(np.ones((5, 4000), int), np.ones((4000, 200), int)) is None
