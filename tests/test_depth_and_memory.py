"""Deep, wide and long computations take linear time and free their memory."""

import contextlib
import copy
import gc
import pickle
import sys
import tracemalloc
import weakref

import numpy as np
import pytest
from tensors import parameter

import autograd_lite as al
import nn
from autograd_lite.arrays.locks import find_hold
from autograd_lite.graph import ancestors


def chain(length, start=1e-4):
    """`length` multiplications and additions, one after the other; the sum of powers of `start`."""
    x = parameter(start, "x")
    y = x
    for _ in range(length // 2):
        y = y * x + x
    return x, y


def opcodes_of(function, counted="opcode"):
    """How many bytecode instructions Python runs in a call: a time that is always the same.

    Lines are fewer to count, in computations that are long themselves.
    """
    count = 0

    def trace(frame, event, argument):
        nonlocal count
        frame.f_trace_opcodes = counted == "opcode"
        count += event == counted
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "length", [100_000, pytest.param(1_000_000, marks=pytest.mark.slow)], ids="{:_}".format
)
def test_a_deep_chain(length):
    x, y = chain(length)
    with pytest.raises(TypeError, match="connected to its graph"):
        copy.deepcopy(y)
    with pytest.raises(TypeError, match="connected to its graph"):
        pickle.dumps(y)
    assert al.draw(y).source.count("->") < 10
    assert copy.deepcopy(x).item() == x.item()
    held = weakref.ref(find_hold(x._value))
    y.backward()
    assert np.isclose(x.grad, 1 / (1 - 1e-4) ** 2)
    assert y._node.parents is None
    assert held() is None


@pytest.mark.parametrize(
    "length", [100_000, pytest.param(1_000_000, marks=pytest.mark.slow)], ids="{:_}".format
)
def test_a_deep_chain_is_freed_without_backward(length):
    x, y = chain(length)
    held = weakref.ref(find_hold(x._value))
    assert held() is not None
    del y
    assert held() is None
    x.data += 1


@pytest.mark.parametrize("depth", [20_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_higher_derivatives_of_a_deep_chain(depth):
    x, y = chain(depth)
    (slope,) = al.gradients(y, [x], create_graph=True)
    (curvature,) = al.gradients(slope, [x])
    assert np.isclose(slope.item(), 1 / (1 - 1e-4) ** 2)
    assert np.isclose(curvature, 2 / (1 - 1e-4) ** 3)


def test_a_deep_chain_is_drawn_collapsed():
    _, y = chain(100_000)
    assert al.draw(y).source.count("->") < 4_000


def test_a_diamond_of_many_levels():
    x = parameter(1)
    y = x
    for _ in range(60):
        y = y + y
    drawing = al.draw(y, fold=False).source
    assert drawing.count("->") == 120
    assert drawing.count("[label=") == 61
    assert len(ancestors([y._node])) == 60
    y.backward()
    assert x.grad == 2.0**60


def test_a_diamond_of_many_levels_in_the_second_order():
    f = al.grad(al.grad(lambda x: squared_and_doubled(x, 40)))
    assert f(3.0) == 2.0**41


def squared_and_doubled(x, levels):
    y = x * x
    for _ in range(levels):
        y = y + y
    return y


@pytest.mark.parametrize("join", [np.concatenate, np.stack, lambda parts: np.sum(np.hstack(parts))])
def test_joining_is_linear(join):

    def work(pieces):
        parts = [parameter([1.0]) for _ in range(pieces)]
        joined = np.sum(join(parts))
        return opcodes_of(joined.backward)

    work(10)
    small, large = work(100), work(800)
    assert large < 9 * small


@pytest.mark.parametrize(
    "traced",
    [lambda function, x: al.compile(function)(x), lambda function, x: al.sheet(function, x)],
    ids=["compile", "sheet"],
)
@pytest.mark.one_in(2)
def test_long_traces_are_linear(traced):
    """Arrays that live for a term only have the place in memory of earlier ones, and their `id`."""
    x = np.arange(3.0)

    def work(terms):
        def function(x):
            total = np.sum(x)
            for i in range(terms):
                total = total + np.sum(x * np.array([1.0, i, 0.0]))
            J = total * 2.0
            return J

        return opcodes_of(lambda: traced(function, x), "line")

    work(10)
    small, middle, large = map(work, (10, 30, 70))
    assert large - middle < 2.1 * (middle - small)


def test_a_total_of_losses_holds_their_graphs_and_of_items_does_not():
    w = parameter(2)

    def nodes_alive(add):
        total = 0.0
        for _ in range(10):
            total = add(total, w * w)
        return len(ancestors([getattr(total, "_node", None)])), find_hold(w._value)

    with without_the_collector():
        nodes, held = nodes_alive(lambda total, loss: total + loss)
        assert nodes == 20
        del held
        nodes, held = nodes_alive(lambda total, loss: total + loss.item())
        assert nodes == 0
        assert held is None


@pytest.mark.slow
def test_10_000_steps_of_training_use_no_more_memory_than_3_000():
    # Until then Python's list of unused tuples fills, up to 2,000 of each length.
    steps, held = training_steps(), []
    with without_the_collector():
        tracemalloc.start()
        try:
            for at in (3_000, 7_000):
                for _ in range(at):
                    next(steps)
                held.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
    assert held[1] - held[0] < 4_000


def test_training_leaves_no_garbage():
    steps = training_steps()
    next(steps)
    with without_the_collector():
        before = len(gc.get_objects())
        for _ in range(200):
            next(steps)
        assert len(gc.get_objects()) - before < 100


def training_steps():
    """One after the other, with a running total as people keep it."""
    rng = np.random.default_rng(0)
    net = nn.Sequential(nn.Linear(3, 4, seed=0), nn.ReLU(), nn.Linear(4, 1, seed=1))
    X, Y = rng.normal(size=(3, 8)), np.ones((1, 8))
    optimiser, total = nn.SGD(net.parameters(), learning_rate=1e-3), 0.0
    while True:
        loss = nn.binary_cross_entropy_with_logits(net(X), Y)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        total += loss.item()
        yield total


@contextlib.contextmanager
def without_the_collector():
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
