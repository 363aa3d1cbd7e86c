"""On a GPU: what the stand-in of `foreign` promises, with CuPy's arrays."""

import numpy as np
import pytest
from all_cases import CASES, by_id

import autograd_lite as al
import nn

cupy = pytest.importorskip("cupy", reason="CuPy is not installed: GPUs are not tested here")
try:
    DEVICES = cupy.cuda.runtime.getDeviceCount()
except cupy.cuda.runtime.CUDARuntimeError:
    DEVICES = 0
if not DEVICES:
    pytest.skip("CuPy finds no GPU: they are not tested here", allow_module_level=True)

LACKING = {
    *("block", "geomspace", "histogram", "histogram2d", "histogramdd", "insert", "linspace"),
    *("logspace", "matvec", "multi_dot", "nanpercentile", "nanquantile", "polyder", "polydiv"),
    *("polyint", "sliding_window_view", "svdvals", "unstack", "vecdot", "vecmat"),
}
"""Functions that CuPy lacks, or whose keywords there are fewer; the docs name them."""


def gpu(array):
    return cupy.asarray(array)


def loop(kind):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(8, 50)), (rng.random((1, 50)) > 0.5).astype(float)
    shapes = ((6, 8), (6, 1), (1, 6), (1, 1))
    own = [al.Tensor(kind(rng.normal(size=s) * 0.5), requires_grad=True) for s in shapes]
    W1, b1, W2, b2 = own
    costs = []
    for _ in range(5):
        Z = np.dot(W2, al.relu(np.dot(W1, kind(X)) + b1)) + b2
        cost = np.mean(al.softplus(Z) - kind(Y) * Z)
        cost.backward()
        for p in own:
            p.data -= 0.5 * p.grad
            p.zero_grad()
        costs.append(cost.item())
    return costs, own


def test_a_plain_loop_gives_the_same_costs():
    found, own = loop(gpu)
    np.testing.assert_allclose(found, loop(np.array)[0], rtol=1e-12)
    assert all(isinstance(p.data, cupy.ndarray) for p in own)
    assert isinstance(own[0].numpy(), np.ndarray)


def test_networks_train_there():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(8, 50)), (rng.random((1, 50)) > 0.5).astype(float)

    def losses(kind):
        model = nn.Sequential(nn.Linear(8, 5, seed=0), nn.ReLU(), nn.Linear(5, 1, seed=1)).to(kind)
        return nn.fit(
            model,
            kind(X),
            kind(Y),
            loss=nn.binary_cross_entropy_with_logits,
            optimiser=nn.Adam(model.parameters()),
            epochs=4,
            batch_size=None,
            verbose=False,
        )["loss"]

    np.testing.assert_allclose(losses(gpu), losses(np.array), rtol=1e-10)


@by_id([c for c in CASES if c.function.__name__ not in LACKING])
def test_rules_on_the_gpu(case):
    def derivatives(kind):
        operands = [al.Tensor(kind(np.asarray(o)), requires_grad=True) for o in case.operands]
        result = case(*operands)
        total = np.sum(np.real(result)) + np.sum(np.imag(result))
        return [result.data, *al.gradients(total, operands)]

    try:
        found = derivatives(gpu)
    except (TypeError, NotImplementedError, ValueError) as error:
        pytest.skip(f"CuPy refuses it: {error}")
    for actual, expected in zip(found, derivatives(np.array), strict=True):
        assert isinstance(actual, cupy.ndarray)
        np.testing.assert_allclose(cupy.asnumpy(actual), expected, rtol=1e-8, atol=1e-10)
