"""What marking a derivation costs beside the forward and backward pass that it marks.

pytest tests/benchmarks/bench_check.py -s
"""

import numpy as np
import pytest
from benchmarks.measure import medians

import autograd_lite as al
from autograd_lite.check.nudge import Nudged
from autograd_lite.check.watch import watch

SIZES = (12288, 20, 7, 5, 1)

FORWARD = """
def forward(W1, b1, W2, b2, W3, b3, W4, b4, X, Y):
    N = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = np.maximum(0, Z2)
    Z3 = np.dot(W3, A2) + b3
    A3 = np.maximum(0, Z3)
    Z4 = np.dot(W4, A3) + b4
    A4 = 1 / (1 + np.exp(-Z4))
    cost = -np.sum(Y * np.log(A4) + (1 - Y) * np.log(1 - A4)) / N
    return cost, (X, Y, Z1, A1, W2, Z2, A2, W3, Z3, A3, W4, A4)
"""

BACKWARD = """
def backward(cache):
    X, Y, Z1, A1, W2, Z2, A2, W3, Z3, A3, W4, A4 = cache
    N = X.shape[1]
    dZ4 = (A4 - Y) / N
    dW4 = np.dot(dZ4, A3.T)
    db4 = np.sum(dZ4, axis=1, keepdims=True)
    dZ3 = np.dot(W4.T, dZ4) * (Z3 >= 0)
    dW3 = np.dot(dZ3, A2.T)
    db3 = np.sum(dZ3, axis=1, keepdims=True)
    dZ2 = np.dot(W3.T, dZ3) * (Z2 >= 0)
    dW2 = np.dot(dZ2, A1.T)
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.dot(W2.T, dZ2) * (Z1 >= 0)
    dW1 = np.dot(dZ1, X.T)
    db1 = np.sum(dZ1, axis=1, keepdims=True)
"""

MISTAKES = {
    "none": ("", "", None),
    "unsummed": ("db1 = np.sum(dZ1, axis=1, keepdims=True)", "db1 = dZ1", "db1"),
    "sign": ("dW1 = np.dot(dZ1, X.T)", "dW1 = -np.dot(dZ1, X.T)", "dW1"),
    "mask": ("(Z1 >= 0)", "(Z1 < 0)", "dZ1"),
    "operand": ("np.dot(dZ1, X.T)", "np.dot(A1, X.T)", "dW1"),
    "unknown": ("np.dot(dZ1, X.T)", "np.dot(dZ1, X.T) + dZ1[0, 0] ** 2", "dW1"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_report_on_a_wide_net(benchmark, mistake):
    """12288-20-7-5-1 with 209 columns: five times one pass plus the numerical check of one line.

    A report is two forward passes and three backward passes (two where all is right), the three
    forward passes of the numerical check, and the search for the cause.
    """
    rng = np.random.default_rng(0)
    inputs = []
    for n, m in zip(SIZES, SIZES[1:], strict=False):
        inputs += [rng.normal(size=(m, n)) / np.sqrt(n), np.zeros((m, 1))]
    inputs += [rng.random((209, SIZES[0])).T, (rng.random((1, 209)) < 0.34).astype(float)]
    old, new, name = MISTAKES[mistake]
    forward = al.check.from_source(FORWARD, np=np)
    right = al.check.from_source(BACKWARD, np=np)
    backward = al.check.from_source(BACKWARD.replace(old, new) if old else BACKWARD, np=np)
    first = al.check_derivation(forward, backward, *inputs, show=False).first_wrong
    assert (first and first.name) == name
    watched = watch(forward, tuple(inputs))
    direction = np.ones_like(inputs[0])
    candidates = {
        "report": lambda: al.check_derivation(forward, backward, *inputs, show=False),
        "pass": lambda: right(forward(*inputs)[1]),
        "numerical": lambda: Nudged(watched, tuple(inputs)).slope("W1", direction),
    }
    measured = medians(candidates, 15)
    numerical = 0.0 if name is None else measured["numerical"]
    ratio = measured["report"] / (measured["pass"] + numerical)
    beside = (measured["report"] - numerical) / measured["pass"]
    benchmark.extra_info.update({"report / (pass + numerical)": round(ratio, 2)})
    benchmark.pedantic(candidates["report"], rounds=3)
    print(
        f"\n{ratio:.2f} of a pass and the numerical check; {beside:.2f} passes without that check"
    )
    assert ratio < 5
