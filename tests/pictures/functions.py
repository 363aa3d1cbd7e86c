"""Functions as students write them, with inputs: what pictures and pages must show well.

`FUNCTIONS` is a dict of name -> (function, inputs); `function(*inputs)` is a loss, a number, of
plain NumPy arrays.
"""

from __future__ import annotations

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def relu(z):
    return np.maximum(0, z)


def softmax(z):
    e = np.exp(z - np.max(z, axis=0, keepdims=True))
    return e / np.sum(e, axis=0, keepdims=True)


def cross_entropy(A, Y):
    return -np.sum(Y * np.log(A)) / Y.shape[1]


def logistic_regression(w, b, X, Y):
    m = X.shape[1]
    Z = w.T @ X + b
    A = 1 / (1 + np.exp(-Z))
    cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
    return cost


def one_hidden_layer(W1, b1, W2, b2, X, Y):
    N = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.tanh(Z1)
    Z2 = W2 @ A1 + b2
    A2 = 1 / (1 + np.exp(-Z2))
    cost = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / N
    return cost


def deep_net(parameters, X, Y):
    A = X
    L = len(parameters) // 2
    for l in range(1, L):  # noqa: E741
        Z = parameters["W" + str(l)] @ A + parameters["b" + str(l)]
        A = relu(Z)
    ZL = parameters["W" + str(L)] @ A + parameters["b" + str(L)]
    AL = sigmoid(ZL)
    cost = -np.mean(Y * np.log(AL) + (1 - Y) * np.log(1 - AL))
    return cost


def softmax_with_helpers(W1, b1, W2, b2, X, Y):
    A1 = relu(W1 @ X + b1)
    A2 = softmax(W2 @ A1 + b2)
    return cross_entropy(A2, Y)


def attention(Wq, Wk, Wv, Wo, X, Y):
    Q = X @ Wq
    K = X @ Wk
    V = X @ Wv
    scores = Q @ K.T / np.sqrt(K.shape[1])
    e = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    weights = e / np.sum(e, axis=1, keepdims=True)
    out = weights @ V @ Wo
    loss = np.mean((out - Y) ** 2)
    return loss


def rnn(Wx, Wh, b, Wy, by, X, Y):
    h = np.zeros((Wh.shape[0], X.shape[2]))
    loss = 0.0
    for t in range(X.shape[0]):
        h = np.tanh(Wx @ X[t] + Wh @ h + b)
        y = Wy @ h + by
        loss = loss + np.mean((y - Y[t]) ** 2)
    return loss / X.shape[0]


def batch_norm(x, eps=1e-5):
    mu = np.mean(x, axis=1, keepdims=True)
    var = np.mean((x - mu) ** 2, axis=1, keepdims=True)
    return (x - mu) / np.sqrt(var + eps)


def net_with_batch_norm(W1, gamma, beta, W2, b2, X, Y):
    Z1 = W1 @ X
    N1 = gamma * batch_norm(Z1) + beta
    A1 = relu(N1)
    Z2 = W2 @ A1 + b2
    loss = np.mean((Z2 - Y) ** 2)
    return loss


def convolve(x, K):
    """The valid cross-correlation of pictures (N, H, W) with filters (F, h, w)."""
    patches = np.lib.stride_tricks.sliding_window_view(x, K.shape[1:], axis=(1, 2))
    return np.einsum("nijhw,fhw->nfij", patches, K)


def convolution(K, c, W, b, X, Y):
    Z = convolve(X, K) + c
    A = relu(Z)
    P = np.mean(A, axis=(2, 3))
    out = P @ W + b
    loss = np.mean((out - Y) ** 2)
    return loss


def _one_hot(labels, classes):
    return np.eye(classes)[:, labels]


def _inputs():
    rng = np.random.default_rng(7)

    def normal(*shape, scale=0.5):
        return rng.normal(size=shape) * scale

    def bits(*shape):
        return (rng.random(shape) < 0.5).astype(float)

    sizes = [5, 5, 5, 3, 1]
    parameters = {}
    for number, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), 1):
        parameters[f"W{number}"] = normal(n_out, n_in)
        parameters[f"b{number}"] = normal(n_out, 1, scale=0.1)
    return {
        "logistic regression": (
            logistic_regression,
            (normal(3, 1), np.zeros((1, 1)), normal(3, 8, scale=1), bits(1, 8)),
        ),
        "one hidden layer": (
            one_hidden_layer,
            (
                *(normal(16, 2), np.zeros((16, 1)), normal(1, 16), np.zeros((1, 1))),
                *(normal(2, 50, scale=1), bits(1, 50)),
            ),
        ),
        "deep net": (deep_net, (parameters, normal(5, 10, scale=1), bits(1, 10))),
        "softmax with helpers": (
            softmax_with_helpers,
            (
                *(normal(6, 4), np.zeros((6, 1)), normal(3, 6), np.zeros((3, 1))),
                *(normal(4, 12, scale=1), _one_hot(rng.integers(0, 3, 12), 3)),
            ),
        ),
        "attention": (
            attention,
            (
                *(normal(4, 3), normal(4, 3), normal(4, 3), normal(3, 4)),
                *(normal(6, 4, scale=1), normal(6, 4, scale=1)),
            ),
        ),
        "recurrent net": (
            rnn,
            (
                *(normal(4, 2), normal(4, 4), np.zeros((4, 1)), normal(1, 4), np.zeros((1, 1))),
                *(normal(12, 2, 5, scale=1), normal(12, 1, 5, scale=1)),
            ),
        ),
        "batch norm": (
            net_with_batch_norm,
            (
                *(normal(4, 3), np.ones((4, 1)), np.zeros((4, 1))),
                *(normal(1, 4), np.zeros((1, 1)), normal(3, 10, scale=1), normal(1, 10, scale=1)),
            ),
        ),
        "convolution": (
            convolution,
            (
                *(normal(2, 3, 3), np.zeros((2, 1, 1)), normal(2, 1), np.zeros(1)),
                *(normal(4, 6, 6, scale=1), normal(4, 1, scale=1)),
            ),
        ),
    }


FUNCTIONS = _inputs()
