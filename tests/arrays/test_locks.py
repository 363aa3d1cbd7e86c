"""Arrays that a graph keeps cannot be written to, and the errors say what to do."""

import contextlib
import operator
import sys
import threading
import time

import numpy as np
import pytest
from tensors import parameter

import autograd_lite as al
from autograd_lite import nn


def test_the_array_a_tensor_was_made_from_is_overwritten():
    array = np.array([1.0, 2.0])
    x = parameter(array)
    loss = np.sum(x * x)
    array[:] = 100
    loss.backward()
    assert x.grad.tolist() == [2, 4]


def test_a_shared_array_is_locked():
    array = np.array([1.0, 2.0])
    x = al.Tensor(array, requires_grad=True, copy=False)
    loss = np.sum(x * x)
    with pytest.raises(ValueError, match="read-only"):
        array[:] = 100
    loss.backward()
    assert x.grad.tolist() == [2, 4]
    array[:] = 100


def test_a_constant_is_locked():
    base = np.array([1.0, 1.0, 1.0])
    constant, x = base[:2], parameter([1, 2])
    loss = np.sum(x * constant)
    for alias in (base, constant, base[:2]):
        with pytest.raises(ValueError, match="read-only"):
            alias[:] = 100
    loss.backward()
    assert x.grad.tolist() == [1, 1]
    base[:] = 100


def test_the_argument_of_a_function_is_locked():
    array = np.array([1.0, 2.0])

    def overwrites(x):
        y = x * x
        array[:] = 100
        return np.sum(y)

    with pytest.raises(ValueError, match="read-only"):
        al.grad(overwrites)(array)
    assert array.tolist() == [1, 2]


@pytest.mark.parametrize("kind", ["constant", "shared", "own data"])
@pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="NumPy gives no way to reach a view that was made before the lock",
)
def test_a_view_made_before_the_forward_pass(kind):
    array = np.array([1.0, 2.0])
    x = al.Tensor(array, requires_grad=True, copy=kind != "shared")
    view = (x.data if kind == "own data" else array)[:1]
    loss = np.sum(x * x if kind != "constant" else x * array)
    expected = [1, 2] if kind == "constant" else [2, 4]
    with contextlib.suppress(ValueError):
        view[0] = 100
    with contextlib.suppress(RuntimeError):
        loss.backward()
        assert x.grad.tolist() == expected


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x * x,
        lambda x: x + x,
        lambda x: x**3,
        lambda x: 1 / x,
        lambda x: x.T * 2,
        lambda x: x[::-1] * x,
        lambda x: np.reshape(x, (1, 2)) ** 2,
        lambda x: np.dot(x, x),
        lambda x: np.maximum(x, 1.5) * np.where(x > 1, x, 0),
        lambda x: np.stack([x, x]) ** 2,
        lambda x: np.einsum("i,i,i", x, x, x),
        np.exp,
        np.sin,
        np.linalg.norm,
        np.prod,
        np.var,
        np.cumprod,
        al.sigmoid,
        al.softmax,
    ],
)
def test_data_overwritten_before_backward(function):
    x = parameter([1, 2], "x")
    expected = al.grad(lambda v: np.sum(function(v)))(np.array([1.0, 2.0]))
    loss = np.sum(function(x))
    for write in (lambda: x.data.__setitem__(0, 100), lambda: setattr(x, "data", [100, 100])):
        try:
            write()
        except ValueError as error:
            # The sum is what is left of a graph whose operands need not be kept.
            assert str(error).startswith("the Tensor 'x' cannot be written to: ")
    loss.backward()
    np.testing.assert_allclose(x.grad, expected, rtol=1e-15)


def test_data_overwritten_names_the_tensor_and_is_allowed_after_backward():
    x = parameter([1, 2], "x")
    loss = np.sum(x * x)
    with pytest.raises(ValueError, match="the Tensor 'x' cannot be written to"):
        x.data[0] = 100
    with pytest.raises(ValueError, match="the Tensor 'x' cannot be written to"):
        x.data = [100, 100]
    loss.backward()
    assert x.grad.tolist() == [2, 4]
    x.data[0] = 100
    x.data = x.data - 1
    assert x.data.tolist() == [99, 1]


def test_writing_into_a_view():
    x = parameter([1, 2, 3], "x")
    y = x * 2
    view = y[:2]
    loss = np.sum(view * y[:2])
    for write in (
        lambda: y.__setitem__(0, 100),
        lambda: y[:2].__setitem__(0, 100),
        lambda: y.data.__setitem__(0, 100),
        lambda: y.data[:2].__setitem__(0, 100),
        lambda: view.data.__setitem__(0, 100),
        lambda: view.detach().data.__setitem__(0, 100),
        lambda: setattr(view, "data", [100, 100]),
        lambda: np.copyto(view.data, 100),
    ):
        with pytest.raises((TypeError, ValueError)):
            write()
    y.numpy()[0] = view.numpy()[0] = 100
    loss.backward()
    assert x.grad.tolist() == [8, 16, 0]


def test_changing_a_view_in_place_makes_a_new_tensor():
    x = parameter([1, 2, 3])
    y = x * 2
    view = y[:2]
    view *= 100
    assert y.data.tolist() == [2, 4, 6]
    np.sum(view + y[:2] * y[:2]).backward()
    assert x.grad.tolist() == [208, 216, 0]
    with pytest.raises(TypeError, match="item by item"):
        y[:2] *= 100


@pytest.mark.parametrize(
    "change",
    [
        "a += t",
        "a -= t",
        "a *= t",
        "a /= t",
        "a **= t",
        "a @= t",
        "np.add(a, t, out=a)",
    ],
)
def test_an_array_changed_in_place_by_a_tensor(change):
    a = before = np.ones((2, 2))
    names = {"np": np, "a": a, "t": parameter(np.eye(2))}
    with pytest.raises(TypeError) as caught:
        exec(change, names)
    assert "Write a = a + t instead of a += t" in str(caught.value)
    assert names["a"] is before
    assert before.tolist() == [[1, 1], [1, 1]]


def test_writing_to_what_a_graph_keeps():
    W = parameter([1, 2], "W")
    loss = np.sum(W * W)
    for write in (
        lambda: W.data.__setitem__(0, 5),
        lambda: np.subtract(W.data, 1, out=W.data),
        lambda: setattr(W, "data", [5, 5]),
    ):
        with pytest.raises(ValueError) as caught:
            write()
        assert str(caught.value) == (
            "the Tensor 'W' cannot be written to: multiply keeps its data for a backward pass "
            "that has not run. Write after backward(), or drop the result that leads to it, or "
            "compute it under al.no_grad()"
        )
    with pytest.raises(TypeError) as caught:
        W -= 1
    assert str(caught.value) == (
        "the Tensor 'W' is a parameter, and W -= x would put the result of an operation in its "
        "place; write W.data -= x to change its values"
    )
    del loss


@pytest.mark.xfail(
    strict=True,
    raises=AssertionError,
    reason="a plain array that is read-only raises NumPy's own error, which names nothing",
)
@pytest.mark.parametrize("kind", ["constant", "data taken before", "result"])
def test_writing_to_a_plain_array_that_a_graph_keeps(kind):
    W, X = parameter([1, 2], "W"), np.ones(2)
    array = {"constant": X, "data taken before": W.data}.get(kind)
    result = W * W * X
    result.name = "result"
    al.label({"X": X})
    with pytest.raises(ValueError) as caught:
        (result.data if array is None else array)[0] = 5
    assert {"constant": "X", "data taken before": "W"}.get(kind, "result") in str(caught.value)
    assert kind == "result" or "multiply keeps" in str(caught.value)


WRITES = {
    "W.data -= ...": lambda W, optimiser: operator.isub(W.data, 1.0),
    "W.data = ...": lambda W, optimiser: setattr(W, "data", W.data - 1.0),
    "W.data[...] = ...": lambda W, optimiser: operator.setitem(W.data, ..., 1.0),
    "optimiser.step()": lambda W, optimiser: optimiser.step(),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("kept", ["for a moment", "for long"])
def test_a_thread_that_looks_at_the_frames_of_a_backward_pass(write, kept):
    """As profilers do, and Dask's workers: the pass is over, and its frames are still there."""
    frames, looked, over = [], threading.Event(), threading.Event()

    @al.primitive
    def doubled(x):
        return 2 * x

    def pull(g, x):
        frames.append(sys._getframe(1))
        return 2 * g * np.ones_like(x)

    def look():
        looked.wait()
        time.sleep(0.02)
        if kept == "for long":
            over.wait()
        frames.clear()

    al.defvjp(doubled, x=pull)
    thread = threading.Thread(target=look)
    thread.start()
    W = al.Tensor(np.ones(3), requires_grad=True)
    optimiser = nn.SGD([W], learning_rate=0.5)
    doubled(W).sum().backward()
    before = W.numpy()
    looked.set()
    if kept == "for long":
        with pytest.raises(ValueError, match="cannot be written to: doubled keeps its data"):
            write(W, optimiser)
        np.testing.assert_array_equal(W.numpy(), before)
    else:
        write(W, optimiser)
    over.set()
    thread.join()
