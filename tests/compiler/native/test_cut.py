"""The cut along the samples: what is inside, and results on two threads."""

import numpy as np
import pytest
import random_programs
from compiler.native.interpreted import interpreted

import autograd_lite as al
from autograd_lite.compiler.compiled import _run
from autograd_lite.compiler.lowering import lower
from autograd_lite.compiler.native import cut as cutting
from autograd_lite.compiler.native.cut import Blocks, cut_of
from autograd_lite.compiler.native.forms import has_few_rows, is_native_view
from autograd_lite.program.arguments import flatten
from autograd_lite.program.ir import interpret

pytest.importorskip("numba")
pytest.importorskip("scipy")

RNG = np.random.default_rng(0)


@pytest.fixture
def small_work(monkeypatch):
    monkeypatch.setattr(cutting, "CUT_FROM_NANOSECONDS", 0)


def net(p, X, Y):
    A = X
    for W, b in p[:-1]:
        A = al.relu(np.dot(W, A) + b)
    W, b = p[-1]
    Z = np.dot(W, A) + b
    return np.mean(al.softplus(Z) - Z * Y)


def step(p, X, Y):
    value, slopes = al.value_and_grad(net)(p, X, Y)
    new = [(W - 0.1 * dW, b - 0.1 * db) for (W, b), (dW, db) in zip(p, slopes, strict=True)]
    return value, new


def start(*sizes):
    pairs = zip(sizes, sizes[1:], strict=False)
    return [(RNG.normal(size=(b, a)) / a, np.zeros((b, 1))) for a, b in pairs]


def data(features, samples, dtype=np.float64):
    X = RNG.normal(size=(features, samples)).astype(dtype)
    return X, (RNG.random((1, samples)) < 0.5).astype(dtype)


def program(function, *args):
    compiled = al.compile(function, native=False)
    compiled(*args)
    return compiled.program


def test_a_training_step_is_inside_but_for_the_update(small_work):
    cut = cut_of(program(step, start(20, 16, 1), *data(20, 3000)))
    assert cut.length == 3000 and cut.takes_last
    assert {v.shape for v in cut.totals} == {(16, 20), (16, 1), (1, 16), (1, 1), ()}
    assert not cut.stored
    others = [s for s in (*cut.before, *cut.after) if not is_native_view(s)]
    assert all(3000 not in v.shape for s in others for v in s.results)


def rows(W, X, y):
    return al.grad(lambda W: np.mean((np.tanh(X @ W) - y) ** 2))(W)


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (step, (start(6, 5, 1), *data(6, 45))),
        (rows, (RNG.normal(size=(4, 3)), RNG.normal(size=(45, 4)), np.ones((45, 3)))),
    ],
)
def test_blocks_give_what_the_whole_does(function, arguments, small_work, monkeypatch):
    """The source is run by Python's interpreter; the last block is shorter."""
    monkeypatch.setattr(cutting, "SAMPLES_FROM", 2)
    monkeypatch.setattr(cutting.Cut, "block", property(lambda self: 8))
    leaves = []
    flatten((arguments, {}), leaves)
    found = program(function, *arguments)
    options = {"threads": 2, "native": True, "cut": cut_of(found)}
    lowered = interpreted(lower(found, [True] * len(leaves), **options))
    assert any(isinstance(item, Blocks) for item in lowered.items)
    for ours, theirs in zip(_run(lowered, leaves), interpret(found, leaves), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_rows_that_are_samples_are_cut_as_well(small_work):
    cut = cut_of(program(rows, np.ones((8, 3)), RNG.normal(size=(5000, 8)), np.ones((5000, 3))))
    assert cut.length == 5000
    assert {v.shape for v in cut.totals} == {(8, 3)}


def test_blocks_are_as_long_as_their_values_fit_into_the_cache(small_work, monkeypatch):
    """Those of a sample are 3 times 10 numbers of 8 bytes, each of which counts once."""
    found = program(lambda X: np.sum(np.exp(X) * X, axis=1), np.ones((10, 5000)))
    for cache, length in ((2**30, 1024), (240 * 500, 496), (240 * 32, 32)):
        monkeypatch.setattr(cutting, "CACHE_BYTES", cache)
        cut = cut_of(found)
        assert (cut.fitting, cut.block) == (cache // 240, length)
    monkeypatch.setattr(cutting, "CACHE_BYTES", 240 * 31)
    assert cut_of(found) is None


@pytest.mark.parametrize(
    ("a", "b", "few"),
    [
        ((2, 1000), (1000, 1000), True),
        ((1000, 1000), (1000, 2), True),
        ((2, 1000), (1000, 999), False),
        ((6, 600), (600, 600), True),
        ((7, 600), (600, 600), False),
        ((1000, 2000), (2000,), False),
    ],
)
def test_loops_go_over_few_rows_of_large_products(a, b, few):
    """BLAS computes what is smaller, or has more of both rows and columns."""
    (product,) = program(np.matmul, np.ones(a), np.ones(b)).steps
    assert has_few_rows(product) is few


def test_small_programs_and_those_without_samples_are_not_cut():
    assert cut_of(program(step, start(20, 16, 1), *data(20, 100))) is None
    assert cut_of(program(np.linalg.inv, np.eye(300))) is None
    assert cut_of(program(lambda x: x * 2.0, 3.0)) is None


@pytest.mark.slow
def test_what_needs_a_total_comes_after_the_blocks():
    def standardised(X):
        centred = X - np.mean(X, axis=1, keepdims=True)
        return np.sum(np.exp(centred) ** 2)

    X = RNG.normal(size=(30, 20_000)) * 0.1
    cut = cut_of(program(standardised, X))
    assert cut is None or all(s.function is not np.exp for s in cut.inside)
    compiled = al.compile(standardised, native=True, cache=False)
    np.testing.assert_allclose(compiled(X), standardised(X), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("samples, dtype", [(2049, np.float64), (4096, np.float32)])
def test_results_on_two_threads(samples, dtype, small_work):
    p = [(W.astype(dtype), b.astype(dtype)) for W, b in start(20, 16, 7, 1)]
    X, Y = data(20, samples, dtype)
    compiled = al.compile(step, threads=2, native=True, cache=False)
    value, new = compiled(p, X, Y)
    assert "taken" in str(compiled.explain())
    assert any(isinstance(item, Blocks) for item in compiled._last().lowered.items)
    assert "samples at a time" in str(compiled.explain())
    expected, theirs = step(p, X, Y)
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(value, expected, rtol=tolerance)
    for ours, other in zip(new, theirs, strict=True):
        for a, b in zip(ours, other, strict=True):
            assert a.dtype == dtype
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    # Sums are added up in the same order every time.
    again = compiled(p, X, Y)
    assert again[0] == value
    assert all(
        np.array_equal(a, b)
        for x, y in zip(new, again[1], strict=True)
        for a, b in zip(x, y, strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["real", "mixed"])
@pytest.mark.parametrize("seed", range(2))
def test_random_programs_are_compiled(seed, kind, small_work, monkeypatch):
    """What the interpreter of `interpreted` takes has types that Numba takes."""
    monkeypatch.setattr(cutting, "SAMPLES_FROM", 2)
    monkeypatch.setattr(cutting, "INSIDE_FROM_SHARE", 0)
    monkeypatch.setattr(cutting.Cut, "block", property(lambda self: 1))
    run, inputs = random_programs.program(seed, kind)
    function = al.value_and_grad(lambda xs: run(np, *xs))
    compiled = al.compile(function, threads=2, native=True, cache=False)
    value, slopes = compiled(inputs)
    assert "taken" in str(compiled.explain())
    expected, theirs = function(inputs)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    for ours, other in zip(slopes, theirs, strict=True):
        np.testing.assert_allclose(ours, other, rtol=1e-4, atol=1e-5)
