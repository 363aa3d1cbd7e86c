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


class TestOptions:
    def quadratic(self, start=(1.0, 1.0), **options):
        pytest.importorskip("scipy")
        w = nn.Parameter(list(start))
        calls = []

        def loss():
            calls.append(w.numpy())
            return np.sum(np.array([1.0, 100.0]) * (w - np.array([3.0, -2.0])) ** 2) + 7.0

        return w, calls, nn.LBFGS([w], **options), loss

    def test_it_stops_after_its_iterations(self):
        w, calls, optimiser, loss = self.quadratic(max_iter=1)
        value = optimiser.step(loss)
        assert 7 < value < 911 and value == loss().item()
        assert len(calls) < 5

    def test_it_stops_where_the_gradient_is_small(self):
        w, _, optimiser, loss = self.quadratic((2.999, -2.0), tolerance=0.1)
        assert optimiser.step(loss) == pytest.approx(7.000001, abs=1e-12)
        assert w.data.tolist() == [2.999, -2.0]

    def test_frozen_parameters_stay(self):
        pytest.importorskip("scipy")
        a, b = nn.Parameter([[1.0, 2.0]]), nn.Parameter([3.0], dtype=np.float32)
        a.requires_grad = False
        value = nn.LBFGS([a, b]).step(lambda: np.sum((b - np.sum(a)) ** 2) + np.sum((b - 5) ** 2))
        assert a.data.tolist() == [[1, 2]] and b.dtype == np.float32
        assert b.item() == pytest.approx(4) and value == pytest.approx(2)
        b.requires_grad = False
        with pytest.raises(ValueError, match="LBFGS: all parameters are frozen"):
            nn.LBFGS([a, b]).step(lambda: np.sum(a) + np.sum(b))

    def test_defaults(self):
        optimiser = nn.LBFGS([nn.Parameter([1.0])])
        assert (optimiser.max_iter, optimiser.tolerance) == (100, 1e-5)

    def test_it_takes_parameters(self):
        with pytest.raises(ValueError, match="LBFGS got no parameters"):
            nn.LBFGS([])
