"""What drawing a graph of a million operations takes, folded, without the program that lays it out.

pytest tests/benchmarks/bench_draw.py -s
"""

import time

import numpy as np
import pytest

import autograd_lite as al

LIMIT = 5.0
"""Seconds."""


def chain(n):
    y = al.Tensor(np.ones(2), True)
    for _ in range(n):
        y = y + 1
    return y


def recurrence(n):
    W, b = al.Tensor(np.eye(2) / 2, True), al.Tensor(np.zeros((2, 1)), True)
    h = al.Tensor(np.ones((2, 1)))
    total = 0.0
    for _ in range(n // 5):
        h = np.tanh(W @ h + b)
        total = total + h.sum()
    return total


def deep_net(n):
    h = al.Tensor(np.ones((2, 1)))
    for _ in range(n // 3):
        W, b = al.Tensor(np.eye(2) / 2, True), al.Tensor(np.zeros((2, 1)), True)
        h = np.tanh(W @ h + b)
    return h.sum()


def without_pattern(n):
    rng = np.random.default_rng(0)
    y = al.Tensor(np.ones(2), True)
    for k in rng.integers(0, 4, n):
        y = (np.sin, np.cos, np.tanh, np.negative)[k](y)
    return y


@pytest.mark.parametrize("make", [chain, recurrence, deep_net, without_pattern])
def test_a_million_operations(make):
    loss = make(1_000_000)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        picture = al.draw(loss)
        times.append(time.perf_counter() - start)
    boxes = picture.source.count("label=")
    print(f"\n{make.__name__}: {min(times):.1f} to {max(times):.1f} s, {boxes} boxes and frames")
    assert sorted(times)[1] < LIMIT
