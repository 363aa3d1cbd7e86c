"""Gradients of leaves and losses that share something add up, and share no memory."""

import numpy as np
import pytest
from tensors import parameter

import autograd_lite as al


def test_a_tensor_used_twice():
    a = parameter(1)
    b = a + a
    c = b + b
    c.backward()
    assert a.grad == 4


def test_backward_twice():
    a = parameter(3)
    c = a * a * 2
    c.backward(retain_graph=True)
    assert a.grad == 12
    c.backward(retain_graph=True)
    assert a.grad == 24
    c.backward()
    assert a.grad == 36
    with pytest.raises(RuntimeError, match="freed"):
        c.backward()
    assert a.grad == 36


def test_two_losses_that_share_a_subgraph():
    w = parameter(2)
    shared = w * w
    (shared * 3).backward(retain_graph=True)
    assert w.grad == 12
    (shared + 1).backward()
    assert w.grad == 16


def test_two_losses_of_one_leaf_add_up():
    w = parameter(2)
    (w * 3).backward()
    (w * w).backward()
    assert w.grad == 7
    w.zero_grad()
    assert w.grad is None


def test_gradients_share_no_memory():
    x, y = parameter([1, 2]), parameter([3, 4])
    z = x + y
    z.retain_grad()
    seed = np.ones(2)
    z.backward(seed)
    x.grad += 5
    assert y.grad.tolist() == z.grad.tolist() == seed.tolist() == [1, 1]
    y.grad += 6
    z.grad += 7
    seed += 8
    assert x.grad.tolist() == [6, 6]
    assert y.grad.tolist() == [7, 7]
    assert z.grad.tolist() == [8, 8]


@pytest.mark.parametrize(
    "combine",
    [
        lambda x, y: x + y,
        lambda x, y: x - y,
        lambda x, y: x * y,
        lambda x, y: np.dot(x, y.T),
        lambda x, y: np.concatenate([x, y]),
        lambda x, y: np.stack([x, y, x]),
        lambda x, y: np.where([[True], [False]], x, y),
        lambda x, y: np.reshape(x, (2, 2)) + y.T,
        lambda x, y: np.broadcast_to(x, (3, 2, 2)) + y[...],
        lambda x, y: np.maximum(x, y),
    ],
)
def test_no_gradient_shares_memory_with_data_or_another(combine):
    x, y = parameter([[1, 2], [3, 4]]), parameter([[5, 6], [7, 8]])
    result = combine(x, y)
    result.retain_grad()
    value = result.data
    seed = np.ones(result.shape)
    result.backward(seed)
    arrays = [x.grad, y.grad, result.grad, x.data, y.data, value, seed]
    for i, one in enumerate(arrays):
        for other in arrays[:i]:
            if one is not value and other is not value:
                assert not np.shares_memory(one, other)
    assert all(not np.shares_memory(value, gradient) for gradient in (x.grad, y.grad))
    assert x.grad.flags.writeable and y.grad.flags.writeable


def test_parameters_of_equal_values_are_not_merged():
    one, two = parameter([1, 2]), parameter([1, 2])
    loss = np.sum(one * 3 + two * two)
    assert al.draw(loss).source.count("parameter") == 2
    loss.backward()
    assert one.grad.tolist() == [3, 3]
    assert two.grad.tolist() == [2, 4]


def test_one_array_as_two_parameters():
    array = np.array([1.0, 2.0])
    first, second = al.grad(lambda x, y: np.sum(x * 3 + y * y), (0, 1))(array, array)
    assert first.tolist() == [3, 3]
    assert second.tolist() == [2, 4]
    one, two = (al.Tensor(array, requires_grad=True, copy=False) for _ in range(2))
    np.sum(one * 3 + two * two).backward()
    assert one.grad.tolist() == [3, 3]
    assert two.grad.tolist() == [2, 4]
