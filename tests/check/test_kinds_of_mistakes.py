"""Mistakes as people make them, each with the line and the cause that the report has to name."""

import linecache

import numpy as np
import pytest

import autograd_lite as al

rng = np.random.default_rng(7)
X, Y = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
LABELS = np.array([0, 3, 1, 2, 3, 0])
ONEHOT = np.eye(4)[LABELS]
W, V = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
STATES = {
    "xs": rng.normal(size=(4, 3)),
    "h0": np.zeros(5),
    "Wx": rng.normal(size=(5, 3)) * 0.5,
    "Wh": rng.normal(size=(5, 5)) * 0.5,
    "ys": rng.normal(size=(4, 5)),
}

DROPOUT = """
def forward(X, Y, W, V, keep):
    h = np.tanh(X @ W)
    mask = keep / 0.75
    hd = h * mask
    p = hd @ V
    loss = np.mean((p - Y) ** 2)
    return loss, (h, mask, hd, p)

def backward(X, Y, W, V, keep, cache):
    h, mask, hd, p = cache
    dp = 2 * (p - Y) / Y.size
    dV = hd.T @ dp
    dhd = dp @ V.T
    dh = dhd * mask
    dz = dh * (1 - h ** 2)
    dW = X.T @ dz
    return dW, dV
"""
KEEP = (rng.uniform(size=(6, 4)) > 0.3) * 1.0

NAIVE = """
def softmax_loss(W, X, y, reg):
    loss = 0.0
    dW = np.zeros_like(W)
    N, C = X.shape[0], W.shape[1]
    for i in range(N):
        scores = X[i].dot(W)
        scores -= np.max(scores)
        p = np.exp(scores) / np.sum(np.exp(scores))
        loss += -np.log(p[y[i]])
        for j in range(C):
            dW[:, j] += p[j] * X[i]
        dW[:, y[i]] -= X[i]
    loss /= N
    dW /= N
    loss += reg * np.sum(W * W)
    dW += 2 * reg * W
    return loss, dW
"""

RECURRENT = """
def loss_of(xs, h0, Wx, Wh, ys):
    hs, loss = {-1: h0}, 0
    for t in range(len(xs)):
        hs[t] = np.tanh(Wx @ xs[t] + Wh @ hs[t - 1])
        loss = loss + 0.5 * np.sum((hs[t] - ys[t]) ** 2)
    dWx, dWh, dh_later = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(h0)
    for t in reversed(range(len(xs))):
        dh = hs[t] - ys[t] + dh_later
        dz = dh * (1 - hs[t] ** 2)
        dWx += np.outer(dz, xs[t])
        dWh += np.outer(dz, hs[t - 1])
        dh_later = Wh.T @ dz
    return loss, dWx, dWh
"""

NET = """
def predict(X, W):
    z = X @ W
    a = 1 / (1 + np.exp(-z))
    e = np.exp(a - a.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.sum(T * np.log(p + 1e-7)) / len(X), (z, a, p)

def gradient(X, W, cache):
    z, a, p = cache
    da = (p - T) / len(X)
    dz = da * a * (1 - a)
    dW = X.T @ dz
    return {"W": dW}
"""

ATTENTION = """
def forward(Q, K):
    S = Q @ K.T
    E = np.exp(S - S.max(1, keepdims=True))
    A = E / E.sum(1, keepdims=True)
    return A @ K, (Q, K, A)

def backward(dout, cache):
    Q, K, A = cache
    dA = dout @ K.T
    dS = A * (dA - (dA * A).sum(1, keepdims=True))
    dQ = dS @ K
    dK = dS.T @ Q + A.T @ dout
    return dQ, dK
"""

HELPER = """
def forward(X, W, V, Y):
    H = np.tanh(X @ W)
    E = H @ V - Y
    return 0.5 * np.sum(E ** 2), (H, E)

def affine(d, x, w):
    dx = d @ w.T
    dw = x.T @ d
    return dx, dw

def backward(X, W, V, Y, cache):
    H, E = cache
    dH, dV = affine(E, H, V)
    dZ = dH * (1 - H ** 2)
    dX, dW = affine(dZ, X, W)
    return {"dW": dW, "dV": dV}
"""

PIECES = {
    "dropout": (DROPOUT, "al.check_derivation(forward, backward, X, Y, W, V, KEEP, show=False)"),
    "naive": (NAIVE, "al.check_derivation(softmax_loss, W, X, LABELS, 0.1, show=False)"),
    "recurrent": (RECURRENT, "al.check_derivation(loss_of, *STATES.values(), show=False)"),
    "net": (NET, "al.check_derivation(predict, gradient, X, W, show=False)"),
    "attention": (ATTENTION, "al.check_derivation(forward, backward, W, W[:2] + 1, show=False)"),
    "helper": (HELPER, "al.check_derivation(forward, backward, X, W, V, Y, show=False)"),
}

MISTAKES = [
    ("dropout", "dh = dhd * mask", "dh = dhd", "factor"),
    ("dropout", "return dW, dV", "return W, dV", "operand"),
    ("dropout", "dV = hd.T @ dp", "dV = h.T @ dp", "operand"),
    ("naive", "dW[:, y[i]] -= X[i]", "dW[:, y[i]] -= X[j]", "index"),
    ("naive", "dW[:, j] += p[j] * X[i]", "dW[:, j] += 2 * p[j] * X[i]", "factor"),
    ("naive", "dW[:, j] += p[j] * X[i]", "dW[:, j] = p[j] * X[i]", "accumulate"),
    ("naive", "dW += 2 * reg * W", "dW += reg * W", "factor"),
    ("recurrent", "dh_later = Wh.T @ dz", "dh_later = Wh @ dz", "transpose"),
    ("recurrent", "np.outer(dz, hs[t - 1])", "np.outer(dz, hs[t])", "index"),
    ("recurrent", "dWx += np.outer(dz", "dWx = np.outer(dz", "accumulate"),
    ("net", "dz = da * a * (1 - a)", "dz = da * z * (1 - z)", "activation"),
    ("net", "dz = da * a * (1 - a)", "dz = da * a * (-a)", "activation"),
    ("net", "dz = da * a * (1 - a)", "dz = a * (1 - a)", "factor"),
    ("attention", "dS = A * (dA - (dA * A).sum(1, keepdims=True))", "dS = dA * A * (1 - A)", None),
    ("attention", "(dA * A).sum(1, keepdims=True)", "(dA * A).sum(0, keepdims=True)", None),
    ("helper", "return dx, dw", "return dx, w", "operand"),
    ("helper", "dw = x.T @ d", "dw = 3 * x.T @ d", "factor"),
    ("helper", '{"dW": dW, "dV": dV}', '{"dW": W, "dV": dV}', "operand"),
]


def report_on(source, call):
    filename = f"<{hash(source)}>"
    linecache.cache[filename] = len(source), None, source.splitlines(True), filename
    names = {"np": np, "al": al, "T": ONEHOT, **globals()}
    exec(compile(source, filename, "exec"), names)
    return eval(call, names)


@pytest.mark.parametrize("name", PIECES)
def test_a_right_piece_is_right(name):
    report = report_on(*PIECES[name])
    assert report.ok, str(report)


@pytest.mark.parametrize(("name", "right", "wrong", "cause"), MISTAKES)
@pytest.mark.one_in(5)
def test_a_mistake_is_found(name, right, wrong, cause):
    source, call = PIECES[name]
    assert source.count(right) == 1
    line = source[: source.index(right)].count("\n") + 1
    report = report_on(source.replace(right, wrong), call)
    blamed = [(found.line, found.cause) for found in report if found.status == "wrong"]
    assert {number for number, _ in blamed} == {line}, str(report)
    assert cause is None or {kind for _, kind in blamed} == {cause}, str(report)
