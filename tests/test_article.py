"""The article's forward code, as it stands there, on Tensors."""

import numpy as np
import pytest

import autograd_lite as al
from nn import by_hand


def sigmoid(z):
    a = 1 / (1 + np.exp(-z))
    return a


def relu(z):
    return np.maximum(0, z)


def neuron(W, x, b):
    z = np.dot(np.transpose(W), x) + b
    y_hat = sigmoid(z)
    return y_hat


def parameter(values, name):
    return al.Tensor(values, requires_grad=True, name=name)


@pytest.fixture
def data():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(6, 9))
    Y = (rng.random((1, 9)) < 0.4).astype(float)
    return X, Y, rng


def assert_same(gradient, derived):
    scale = np.max(np.abs(derived))
    assert gradient.shape == derived.shape
    assert np.max(np.abs(gradient - derived)) <= 1e-12 * scale


def test_a_single_neuron(data):
    X, Y, rng = data
    W, b = parameter(rng.normal(size=(6, 1)), "W"), parameter(np.zeros((1, 1)), "b")
    Y_hat = neuron(W, X, b)
    cost = np.sum(-(Y * np.log(Y_hat) + (1 - Y) * np.log(1 - Y_hat))) / 9
    cost.backward()
    by_hands_cost, cache = by_hand.forward_logistic_regression(W.data.T, b.data, X, Y)
    derived = by_hand.backward_logistic_regression(cache)
    assert np.isclose(cost.item(), by_hands_cost, rtol=1e-13)
    assert_same(W.grad, derived["dW"].T)
    assert_same(b.grad, derived["db"])


def test_one_hidden_layer(data):
    X, Y, rng = data
    N = X.shape[1]
    W1, b1 = parameter(rng.normal(size=(4, 6)), "W1"), parameter(rng.normal(size=(4, 1)), "b1")
    W2, b2 = parameter(rng.normal(size=(1, 4)), "W2"), parameter(rng.normal(size=(1, 1)), "b2")

    Z1 = np.dot(W1, X) + b1
    A1 = relu(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = sigmoid(Z2)
    cost = np.sum(-(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))) / N

    al.label(locals())
    arrays = (W1.data, b1.data, W2.data, b2.data)
    derived = by_hand.backward_one_hidden_layer(by_hand.forward_one_hidden_layer(*arrays, X, Y)[1])
    assert al.compare(cost, derived, tolerance=1e-12, show=False)
    cost.backward()
    for tensor in (W1, b1, W2, b2):
        assert_same(tensor.grad, derived[f"d{tensor.name}"])


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5, 6])
def test_any_depth(data, depth):
    X, Y, rng = data
    n_units = [6, 7, 3, 5, 4, 2, 1][:depth] + [1]
    L = len(n_units) - 1
    parameters = {}
    for l in range(1, L + 1):  # noqa: E741 - the article's letter for a layer
        shape = (n_units[l], n_units[l - 1])
        parameters["W" + str(l)] = parameter(rng.normal(size=shape) / 2, f"W{l}")
        parameters["b" + str(l)] = parameter(rng.normal(size=(n_units[l], 1)), f"b{l}")

    A = {}
    Z = {}
    A["0"] = X
    for l in range(1, L):  # noqa: E741
        Z[str(l)] = np.dot(parameters["W" + str(l)], A[str(l - 1)]) + parameters["b" + str(l)]
        A[str(l)] = relu(Z[str(l)])
    Z[str(L)] = np.dot(parameters["W" + str(L)], A[str(L - 1)]) + parameters["b" + str(L)]
    A[str(L)] = sigmoid(Z[str(L)])
    cost = -np.sum(Y * np.log(A[str(L)]) + (1 - Y) * np.log(1 - A[str(L)])) / X.shape[1]

    arrays = {name: tensor.numpy() for name, tensor in parameters.items()}
    by_hands_cost, derived = by_hand.propagate(X, arrays, Y)
    cost.backward()
    assert np.isclose(cost.item(), by_hands_cost, rtol=1e-13)
    for name, tensor in parameters.items():
        assert_same(tensor.grad, derived["d" + name])
