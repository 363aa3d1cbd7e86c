"""Functions as strangers write them: notebooks of courses, helpers, objects, loops, edges.

`STRANGERS` is a dict of name -> (function, inputs); `function(*inputs)` is a number.
"""

from __future__ import annotations

import functools
from collections import namedtuple
from dataclasses import dataclass

import numpy as np

import nn

Layer = namedtuple("Layer", ["W", "b"])
STRANGERS = {}
_rng = np.random.default_rng(22)


def stranger(*inputs):
    """Notes a function with its inputs, under its name."""

    def note(function):
        STRANGERS[function.__name__] = (function, inputs)
        return function

    return note


def normal(*shape):
    return np.round(_rng.normal(size=shape), 2)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def one_hot(labels, n):
    return np.eye(n)[labels]


@stranger(normal(4, 3), normal(4, 4), normal(3, 4), normal(4, 1), normal(3, 1))
def min_char_rnn(Wxh, Whh, Why, bh, by):
    inputs, targets = [0, 2, 1, 1], [2, 1, 1, 0]
    hprev = np.zeros((4, 1))
    xs, hs, ys, ps = {}, {}, {}, {}
    hs[-1] = np.copy(hprev)
    loss = 0
    for t in range(len(inputs)):
        xs[t] = np.zeros((3, 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(np.dot(Wxh, xs[t]) + np.dot(Whh, hs[t - 1]) + bh)
        ys[t] = np.dot(Why, hs[t]) + by
        ps[t] = np.exp(ys[t]) / np.sum(np.exp(ys[t]))
        loss += -np.log(ps[t][targets[t], 0])
    return loss


@stranger(normal(5, 4), normal(4, 4), normal(4, 4), normal(4, 4), normal(4, 4))
def attention_with_heads(X, Wq, Wk, Wv, Wo):
    T, D = X.shape
    H = 2
    Q = (X @ Wq).reshape(T, H, D // H).transpose(1, 0, 2)
    K = (X @ Wk).reshape(T, H, D // H).transpose(1, 0, 2)
    V = (X @ Wv).reshape(T, H, D // H).transpose(1, 0, 2)
    scores = Q @ K.transpose(0, 2, 1) / np.sqrt(D // H)
    mask = np.triu(np.ones((T, T)), k=1).astype(bool)
    scores = np.where(mask, -1e9, scores)
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    A = e / e.sum(axis=-1, keepdims=True)
    out = (A @ V).transpose(1, 0, 2).reshape(T, D) @ Wo
    return np.mean(out**2)


def lstm_cell(x, h, c, W, b):
    n = h.shape[0]
    a = W @ np.concatenate([h, x]) + b
    i, f, o = sigmoid(a[:n]), sigmoid(a[n : 2 * n]), sigmoid(a[2 * n : 3 * n])
    g = np.tanh(a[3 * n :])
    c = f * c + i * g
    return o * np.tanh(c), c


@stranger(normal(8, 5), normal(8), normal(3, 3))
def lstm_by_a_helper(W, b, xs):
    h, c = np.zeros(2), np.zeros(2)
    for x in xs:
        h, c = lstm_cell(x, h, c, W, b)
    return np.sum(h**2)


@stranger(normal(4, 4), normal(2, 2), np.array(0.1))
def convolution_by_loops(image, kernel, bias):
    out = []
    for i in range(3):
        for j in range(3):
            out.append(np.sum(image[i : i + 2, j : j + 2] * kernel) + bias)
    return np.sum(np.maximum(np.stack(out), 0) ** 2)


@stranger(normal(2, 2, 4, 4), normal(3, 2, 2, 2), normal(3))
def convolution_by_im2col(x, w, b):
    N, C, H, W = x.shape
    F, _, HH, WW = w.shape
    columns = np.lib.stride_tricks.sliding_window_view(x, (HH, WW), axis=(2, 3))
    columns = columns.transpose(0, 2, 3, 1, 4, 5).reshape(-1, C * HH * WW)
    out = columns @ w.reshape(F, -1).T + b
    out = out.reshape(N, H - 1, W - 1, F).transpose(0, 3, 1, 2)
    return np.sum(out * out) / out.size


@stranger(normal(5, 4), normal(3, 5), normal(4, 6), (_rng.random((5, 6)) < 0.8).astype(float))
def dropout_with_a_mask(W1, W2, X, mask):
    keep = 0.8
    H = np.maximum(0, W1 @ X)
    H *= mask
    H /= keep
    return np.sum((W2 @ H) ** 2)


@stranger(normal(6, 3), normal(3, 2), np.array([0, 3, 3, 5]))
def embeddings(E, W, ids):
    x = E[ids]
    s = x @ W
    return np.sum(s[np.arange(4), [0, 1, 1, 0]])


@stranger(normal(4, 3), normal(3, 4), np.array([0, 1, 2]))
def svm_loss_naive(W, X, y):
    loss = 0.0
    for i in range(X.shape[0]):
        scores = X[i].dot(W)
        for j in range(W.shape[1]):
            if j == y[i]:
                continue
            margin = scores[j] - scores[y[i]] + 1
            loss += np.maximum(0, margin)
    loss /= X.shape[0]
    return loss


@stranger(normal(1, 3), normal(3, 5), np.array([[1.0, 0, 1, 1, 0]]))
def focal_loss(w, X, y):
    gamma, alpha = 2.0, 0.25
    p = sigmoid(w @ X)
    pt = np.where(y == 1, p, 1 - p)
    at = np.where(y == 1, alpha, 1 - alpha)
    return np.mean(-at * (1 - pt) ** gamma * np.log(pt + 1e-8))


@stranger(normal(3), normal(5, 3), normal(5))
def huber(w, X, y, delta=1.0):
    r = X @ w - y
    small = np.abs(r) <= delta
    return np.mean(np.where(small, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta)))


@stranger(normal(4, 6), np.ones(6), np.zeros(6), normal(4, 6))
def layer_norm(x, gamma, beta, y):
    eps = 1e-5
    mu = x.mean(-1, keepdims=True)
    var = ((x - mu) ** 2).mean(-1, keepdims=True)
    xhat = (x - mu) / np.sqrt(var + eps)
    return np.sum((gamma * xhat + beta - y) ** 2)


@stranger(normal(4, 3), normal(4, 3), normal(3, 2), normal(5, 3), normal(5, 2))
def vae(W_mu, W_logvar, W_dec, eps, y):
    x = np.ones((5, 4)) * 0.3
    mu, logvar = x @ W_mu, x @ W_logvar
    std = np.exp(0.5 * logvar)
    z = mu + std * eps
    xhat = sigmoid(z @ W_dec)
    rec = np.sum((xhat - y) ** 2)
    kl = -0.5 * np.sum(1 + logvar - mu**2 - np.exp(logvar))
    return rec + kl


@stranger({"layers": [{"W": normal(3, 3), "b": normal(3)} for _ in range(2)], "s": 0.5}, normal(3))
def residuals_in_a_dict(params, x):
    for layer in params["layers"]:
        x = x + params["s"] * np.tanh(layer["W"] @ x + layer["b"])
    return np.dot(x, x)


@stranger([Layer(normal(3, 2), normal(3, 1)), Layer(normal(1, 3), normal(1, 1))], normal(2, 4))
def layers_as_namedtuples(layers, X):
    A = X
    for layer in layers:
        A = np.tanh(layer.W @ A + layer.b)
    return np.mean(A**2)


class Net:
    def __init__(self):
        self.scale = 2.0
        self.calls = 0

    def hidden(self, W, x):
        self.h = np.tanh(W @ x) * self.scale
        return self.h

    def loss(self, W, v, x):
        self.calls += 1
        return np.sum((v @ self.hidden(W, x)) ** 2)


STRANGERS["a method with self"] = (Net().loss, (normal(3, 2), normal(1, 3), normal(2, 4)))
STRANGERS["a lambda"] = (lambda w, x: ((w * x).sum() - 1) ** 2, (normal(3), normal(3)))
STRANGERS["a partial"] = (functools.partial(huber, delta=0.3), (normal(2), normal(4, 2), normal(4)))


def _closure():
    A = normal(3, 3)

    def quadratic(x):
        return 0.5 * x @ A @ x - np.sum(x)

    return quadratic


STRANGERS["a closure"] = (_closure(), (normal(3),))


def raised(x, n):
    if n == 0:
        return np.ones_like(x)
    return x * raised(x, n - 1)


@stranger(normal(3))
def recursion(x):
    return np.sum(raised(x, 4))


@stranger(normal(4), normal(4))
def comprehensions(a, b):
    products = [a[i] * b[i] for i in range(4)]
    return sum(p**2 for p in products)


@stranger(normal(3, 3), normal(3))
def while_loop(W, x):
    n = 0
    while n < 3:
        x = np.tanh(W @ x)
        n += 1
    return x.sum()


@stranger(normal(3), normal(3))
def in_place_operators(w, x):
    z = w * x
    z += 1
    z *= w
    z -= x / 2
    z **= 2
    return z.sum()


@stranger(normal(3, 4), normal(4))
def branches_on_shapes(W, x):
    if x.ndim == 1:
        x = x[:, None]
    else:
        x = x.T
    y = W @ x if W.shape[1] == x.shape[0] else W.T @ x
    return np.linalg.norm(y) ** 2


@stranger(normal(2, 3).astype("f4"), normal(3, 4).astype("f4"))
def float32(W, X):
    Z = W @ X
    m = X.shape[1]
    return np.sum(Z * Z) / m


@stranger(normal(2, 3).astype("f4"), normal(3, 4))
def mixed_precision(W, X):
    Z = W.astype(np.float64) @ X
    A = np.tanh(Z).astype("f4")
    return np.sum(A * 0.1)


@stranger(normal(3).astype(">f8"), normal(3))
def big_endian(w, x):
    return np.sum(np.exp(w * x))


@stranger(np.array(0.5), np.float64(2.0), 3.0)
def zero_dimensional(a, b, c):
    return a * b**2 + np.sin(a) * c


@stranger(np.zeros((0, 3)), normal(3))
def empty(X, w):
    return np.sum(X @ w) + np.sum(w**2)


@stranger(normal(3), np.array([1, 2, 3]), 4)
def integers(w, counts, n):
    return np.sum(w * counts) / n + (w**counts).sum()


@stranger(np.array([1.0, np.nan, 2.0]), normal(3))
def not_a_number(x, w):
    return np.nansum(np.where(np.isnan(x), 0.0, x * w))


@stranger(normal(3, 2), normal(2, 5))
def same_names_in_helpers(W, x):
    def helper(x):
        z = np.tanh(x)
        return z * 2

    z = helper(W @ x)
    z = helper(z)
    return np.mean(z)


@stranger(normal(4, 3), normal(3))
def ambiguous_names(h1, h):
    h = h1 @ h
    h = np.tanh(h)
    h2 = h * h
    h = h2 + h
    return h.sum()


@stranger(normal(2, 3), normal(3, 4))
def everything_on_one_line(W, X): Z = W @ X; A = np.tanh(Z); return np.sum(A * A)  # fmt: skip  # noqa: E702


@stranger(normal(5), normal(5))
def sorted_and_cumulated(a, b):
    s = np.sort(a)
    c = np.cumsum(s * b)
    return c[-1] * np.max(c) + np.prod(b[:2])


@stranger(normal(3, 3), normal(3))
def linear_algebra(A, b):
    S = A @ A.T + 3 * np.eye(3)
    x = np.linalg.solve(S, b)
    sign, logdet = np.linalg.slogdet(S)
    return x @ b + logdet


@stranger(normal(2, 3), normal(3, 4), normal(4, 2))
def einsums(A, B, C):
    T = np.einsum("ij,jk,ki->i", A, B, C)
    return np.einsum("i,i", T, T)


@stranger(normal(3, 4), normal(3, 4))
def cosine_similarity(a, b):
    num = (a * b).sum(axis=1)
    den = np.linalg.norm(a, axis=1) * np.sqrt(np.sum(b**2, axis=1))
    return 1 - np.mean(num / den)


@stranger(normal(6, 3), normal(3))
def batches_with_slices(X, w):
    total = 0.0
    for start in range(0, 6, 2):
        batch = X[start : start + 2]
        total = total + np.log1p(np.exp(-(batch @ w))).mean()
    return total / 3


@stranger(normal(4, 5), np.ones((4, 1)), np.zeros((4, 1)))
def batch_norm_with_running_means(Z, gamma, beta):
    mean, var = Z.mean(axis=1, keepdims=True), Z.var(axis=1, keepdims=True)
    Zn = (Z - mean) / np.sqrt(var + 1e-8)
    return np.sum(np.clip(gamma * Zn + beta, -1, 1) ** 3)


@dataclass
class Config:
    rate: float = 0.1
    steps: int = 3


@stranger(normal(2), Config())
def a_dataclass(w, config):
    for _ in range(config.steps):
        w = w - config.rate * 2 * (w - 1)
    return np.sum(w**2)


@stranger(normal(3, 2), normal(2, 4))
def signs_and_parentheses(W, X):
    a = -(W @ X)
    b = -a - (a - 2 * a) - -a
    c = 2 - (3 - b) / (4 / (1 + b**2)) ** -2
    d = (a + b) * -((c - a) ** 2) / -(2.0 + c * c)
    return -np.sum(d - (a - b)) / -3


@stranger(normal(4), 3)
def generators(x, n):
    def pieces():
        y = x
        for _ in range(n):
            y = np.sin(y)
            yield y

    return sum(np.sum(p) for p in pieces())


@stranger(normal(2, 3))
def exceptions_inside(w):
    try:
        z = w @ w
    except ValueError:
        z = w @ w.T
    return np.trace(z)


@stranger(normal(2, 2, 3), normal(2, 3, 2))
def padded_and_flipped(a, b):
    c = np.pad(a, ((0, 0), (1, 1), (0, 0)))[:, ::-1]
    d = np.concatenate([c @ b, np.roll(c @ b, 1, axis=0)], axis=-1)
    return np.sum(np.swapaxes(d, 0, 1)[..., 0] * 2) + d[-1, -1, -1]


@stranger(normal(3, 4), normal(2, 3), np.array([0, 1, 1, 0]))
def picked_log_softmax(X, W, y):
    logits = (W @ X).T
    logits = logits - np.log(np.sum(np.exp(logits), axis=1, keepdims=True))
    return -logits[range(len(y)), y].mean()


def _modules():
    layers = {
        "linear": (nn.Linear(3, 2), (3, 4)),
        "relu": (nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1)), (3, 4)),
        "layer norm": (nn.LayerNorm(3), (3, 4)),
        "batch norm": (nn.BatchNorm(3), (3, 4)),
        "conv": (nn.Conv2d(1, 2, 2), (1, 4, 4, 2)),
        "pool": (nn.Sequential(nn.Conv2d(1, 2, 3), nn.MaxPool2d(2)), (1, 6, 6, 2)),
        "lstm": (nn.LSTM(2, 3), (2, 3, 2)),
        "gru": (nn.GRU(2, 3), (2, 3, 2)),
        "rnn": (nn.RNN(2, 3), (2, 3, 2)),
        "attention": (nn.MultiheadAttention(4, 2), (4, 3, 2)),
        "gelu": (nn.Sequential(nn.Linear(3, 3), nn.GELU()), (3, 2)),
    }
    for name, (layer, shape) in layers.items():

        def loss(X, layer=layer):
            out = layer(X)
            out = out[0] if isinstance(out, tuple) else out
            return np.mean(out**2)

        STRANGERS[f"nn {name}"] = (functools.partial(loss), (normal(*shape),))


_modules()
