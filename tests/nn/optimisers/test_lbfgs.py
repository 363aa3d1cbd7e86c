"""L-BFGS, by SciPy."""

import sys

import numpy as np
import pytest

import autograd_lite as al
import nn

rng = np.random.default_rng(0)


def test_lbfgs_finds_the_least():
    pytest.importorskip("scipy")
    W = nn.Parameter(np.zeros((2, 1)))
    b = nn.Parameter([0.0])
    X, target = rng.normal(size=(2, 30)), np.array([[2.0], [-1.0]])
    y = target.T @ X + 3

    def loss():
        return np.mean((np.dot(W.T, X) + b - y) ** 2)

    value = nn.LBFGS([W, b], max_iter=50, tolerance=1e-9).step(loss)
    assert value < 1e-12
    np.testing.assert_allclose(W.data, target, atol=1e-6)
    assert b.item() == pytest.approx(3)


def test_lbfgs_without_scipy_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(ImportError, match=r"pip install 'autograd_lite\[scipy\]'"):
        nn.LBFGS([nn.Parameter([1.0])]).step(lambda: al.Tensor(1.0))
