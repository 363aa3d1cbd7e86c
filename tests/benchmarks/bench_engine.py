"""What the engine costs beside NumPy written by hand and beside other engines.

    pip install -e '.[benchmark]'
    pytest tests/benchmarks/bench_engine.py

Each benchmark measures all candidates in turns and asserts a ratio of medians, never seconds;
pytest-benchmark's table shows our own candidate and, under `extra`, the ratios.
"""

import numpy as np
import pytest
from benchmarks.measure import medians

import autograd_lite as al
import nn
from nn import by_hand


def report(benchmark, ours, candidates, rounds=15):
    """Measure, record and return every candidate's time as a multiple of the one called `ours`."""
    measured = medians(candidates, rounds)
    ratios = {n: measured[ours] / seconds for n, seconds in measured.items() if n != ours}
    benchmark.extra_info.update({f"{ours} / {n}": round(r, 3) for n, r in ratios.items()})
    benchmark.pedantic(candidates[ours], rounds=3)
    print("".join(f"\n{ours} takes {r:.2f} of the time of {n}" for n, r in ratios.items()))
    return ratios


def test_a_step_of_a_deep_net_beside_numpy_by_hand(benchmark):
    """Training steps of 12288-5-5-5-3-1 on 209 columns, ten at a time, the updates included."""
    rng = np.random.default_rng(0)
    X = np.asarray(rng.random((209, 12288))).T
    Y = (rng.random((1, 209)) < 0.34).astype(float)
    parameters = by_hand.initialize_parameters([12288, 5, 5, 5, 3, 1], rng)
    layers = []
    for i in range(1, 6):
        layer = nn.Linear(*parameters[f"W{i}"].shape[::-1])
        layer.weight.data = parameters[f"W{i}"]
        layers += [layer, nn.ReLU()]
    network = nn.Sequential(*layers[:-1])
    optimiser = nn.SGD(network.parameters(), 0.0075)

    def recorded_step():
        nn.binary_cross_entropy_with_logits(network(X), Y).backward()
        optimiser.step()
        optimiser.zero_grad()

    def step_by_hand():
        _, gradients = by_hand.propagate(X, parameters, Y)
        by_hand.update_parameters(parameters, gradients, 0.0075)

    def ten(step):
        return lambda: [step() for _ in range(10)]

    candidates = {"autograd_lite": ten(recorded_step), "by hand": ten(step_by_hand)}
    ratios = report(benchmark, "autograd_lite", candidates, rounds=41)
    assert ratios["by hand"] <= 1.05


@pytest.mark.parametrize("shape", [(), (32, 10)], ids=str)
def test_a_chain_of_small_operations_beside_pytorch(benchmark, shape):
    """y = y*x + x, 20,000 operations, forward and backward, on one thread."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    length = 10_000

    def chain(x, y):
        for _ in range(length):
            y = y * x + x
        return y.sum()

    def recorded():
        x, y = (al.Tensor(np.full(shape, v), requires_grad=True) for v in (1e-4, 0.5))
        chain(x, y).backward()

    def in_torch():
        x, y = (torch.full(shape, v, dtype=torch.float64, requires_grad=True) for v in (1e-4, 0.5))
        chain(x, y).backward()

    candidates = {"autograd_lite": recorded, "PyTorch": in_torch}
    assert report(benchmark, "autograd_lite", candidates, rounds=9)["PyTorch"] < 1
