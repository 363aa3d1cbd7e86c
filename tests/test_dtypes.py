"""Floats keep their precision, and integers do not take gradients."""

import h5py
import numpy as np
import pytest
from tensors import parameter

import autograd_lite as al
import nn
from nn.optimisers import Optimiser


@pytest.mark.parametrize("make", [lambda v: al.Tensor(v, requires_grad=True), nn.Parameter])
@pytest.mark.parametrize("values", [[1, 2], np.array([1, 2], np.uint8), [True, False]])
def test_integers_that_require_grad(make, values):
    with pytest.raises(TypeError, match="make it from floats, or pass dtype=np.float64"):
        make(values)
    assert al.Tensor(values, requires_grad=True, dtype=np.float64).dtype == np.float64


def test_loaders_return_floats(tmp_path):
    pictures = np.array([[[0, 255]], [[255, 0]]], np.uint8)
    with h5py.File(tmp_path / "data.h5", "w") as file:
        for subset in ("train", "test"):
            file[f"{subset}_set_x"], file[f"{subset}_set_y"] = pictures, [0, 1]
        file["list_classes"] = np.array([b"no", b"yes"])
    train_X, train_Y, test_X, test_Y, _ = nn.load_data(*[tmp_path / "data.h5"] * 2)
    assert {a.dtype for a in (train_X, train_Y, test_X, test_Y)} == {np.dtype(np.float64)}
    assert (train_X - 1).tolist() == [[-1, 0], [0, -1]]


def test_integers_are_not_updated_by_truncation():
    n = al.Tensor([1, 2])
    with pytest.raises(TypeError, match="float64"):
        n.data -= 0.5 * np.ones(2)
    with pytest.raises(TypeError, match="float64"):
        n.data = n.data - 0.5
    assert n.data.tolist() == [1, 2]
    n -= 0.5
    assert n.data.tolist() == [0.5, 1.5]


@pytest.mark.parametrize(
    "optimiser",
    [
        o
        for o in (getattr(nn, name) for name in nn.__all__)
        if isinstance(o, type) and issubclass(o, Optimiser) and o is not Optimiser
    ],
    ids=lambda optimiser: optimiser.__name__,
)
def test_float32_stays_float32_through_every_optimiser(optimiser):
    W = nn.Parameter([[1.0, -2.0]], dtype=np.float32)
    start = W.numpy()
    steps = optimiser([W], learning_rate=np.float64(0.01))
    for _ in range(10):
        steps.zero_grad()
        np.mean(np.dot(W, np.ones((2, 3), np.float32)) ** 2).backward()
        steps.step()
    assert W.dtype == W.data.dtype == W.grad.dtype == np.float32
    assert not np.array_equal(W.data, start)
    assert {array.dtype for array in arrays_in(vars(steps))} <= {np.dtype(np.float32)}


def arrays_in(value):
    """Every array in nested containers."""
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from arrays_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from arrays_in(item)


def test_float32_stays_float32_in_updates_by_hand():
    W = parameter([1, 2], dtype=np.float32)
    for _ in range(10):
        W.zero_grad()
        np.sum(W * W).backward()
        W.data -= np.float64(0.1) * W.grad
        W.data = W.data - np.float64(0.1) * W.grad
    assert W.data.dtype == W.grad.dtype == np.float32
    assert (W.detach() - np.float64(0.1)).dtype == np.float64


def test_a_mean_of_many_float16():
    x = parameter(np.ones(100_000), dtype=np.float16)
    np.mean(x).backward()
    assert np.all(x.grad == np.float16(1e-5))


@pytest.mark.parametrize("function", [np.var, np.std])
def test_the_deviation_of_many_float16(function):
    # NumPy's own result is finite: its sum of 100,000 squares of 0.25 fits in float16.
    values = np.where(np.arange(100_000) % 2, 0.25, -0.25).astype(np.float16)
    x = parameter(values, dtype=np.float16)
    result = function(x)
    expected = 0.0625 if function is np.var else 0.25
    np.testing.assert_allclose([result.item(), function(values)], expected, rtol=1e-3)
    result.backward()
    exact = {np.var: 2 * 0.25 / 100_000, np.std: 1 / 100_000}[function]
    np.testing.assert_allclose(x.grad, np.sign(values) * exact, atol=1e-7)


def test_a_broadcast_float16_does_not_overflow_on_the_way():
    b = parameter([1], dtype=np.float16)
    np.mean(b * np.ones(100_000, np.float16)).backward()
    np.testing.assert_allclose(b.grad, [1], rtol=0.01)
