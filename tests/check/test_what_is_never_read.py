"""Mistakes that leave something unread which the loss was computed with."""

import numpy as np
import pytest

import autograd_lite as al

RNG = np.random.default_rng(7)
KEPT = 0.75
DECAY = 0.21


def wrong(report):
    lines = [line for line in report if line.status == "wrong"]
    assert lines, report
    return lines


def said(report, *texts):
    message = " ".join(line.message for line in wrong(report))
    for text in texts:
        assert text in message, message


def scaled_scores(q, k, v):
    width = q.shape[1]
    scores = q @ k.T / np.sqrt(width)
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    share = e / e.sum(axis=1, keepdims=True)
    out = share @ v
    return out, share


def scores_back(dout, q, k, v, share):
    width = q.shape[1]  # noqa: F841
    dv = share.T @ dout
    dshare = dout @ v.T
    dscores = share * (dshare - np.sum(dshare * share, axis=1, keepdims=True))
    dq = dscores @ k
    dk = dscores.T @ q
    return dq, dk, dv


@pytest.mark.parametrize("width", [4, 5])
def test_the_root_of_a_width(width):
    q, k, v = (RNG.normal(size=(3, width)) for _ in range(3))
    report = al.check_derivation(scaled_scores, scores_back, q, k, v, show=False)
    said(report, "np.sqrt(width)")


def net_with_dropout(x, Ws, masks, y):
    hs = [x]
    for i in range(len(Ws) - 1):
        h = np.maximum(hs[i] @ Ws[i], 0)
        h = h * masks[i] / KEPT
        hs.append(h)
    out = hs[-1] @ Ws[-1]
    loss = np.mean((out - y) ** 2) + DECAY / (2 * len(x)) * sum(np.sum(W**2) for W in Ws)
    return loss, (hs, out, masks)


def without_mask(x, Ws, y, cache):
    hs, out, masks = cache
    n = len(x)
    grads = [None] * len(Ws)
    d = 2 * (out - y) / out.size
    for i in reversed(range(len(Ws))):
        grads[i] = hs[i].T @ d + DECAY / n * Ws[i]
        if i > 0:
            d = d @ Ws[i].T
            d = d * (hs[i] > 0)
    return grads


def without_decay(x, Ws, y, cache):
    hs, out, masks = cache
    n = len(x)  # noqa: F841
    grads = [None] * len(Ws)
    d = 2 * (out - y) / out.size
    for i in reversed(range(len(Ws))):
        grads[i] = hs[i].T @ d
        if i > 0:
            d = d @ Ws[i].T
            d = d * (hs[i] > 0) * masks[i - 1] / KEPT
    return grads


def net_data():
    Ws = [RNG.normal(size=s) for s in ((3, 5), (5, 4), (4, 2))]
    masks = [(RNG.random((8, m)) < KEPT) * 1.0 for m in (5, 4)]
    return RNG.normal(size=(8, 3)), Ws, masks, RNG.normal(size=(8, 2))


def test_a_number_of_the_module_and_the_mask_before_it():
    x, Ws, masks, y = net_data()
    report = al.check_derivation(net_with_dropout, without_mask, x, Ws, masks, y, show=False)
    said(report, "KEPT")


def test_the_decay_of_the_module():
    x, Ws, masks, y = net_data()
    report = al.check_derivation(net_with_dropout, without_decay, x, Ws, masks, y, show=False)
    said(report, "DECAY / n * Ws[i]")


class Weighted:
    def __init__(self, weight_of, bound):
        self.weight_of, self.bound = weight_of, bound
        self.A = RNG.normal(size=(3, 2))

    def cost(self, X, Y):
        w = Y @ self.weight_of
        off = np.clip(X @ self.A - Y, -self.bound, self.bound)
        return 0.5 * np.sum(w[:, None] * off**2) / len(X)

    def slope(self, X, Y):
        w = Y @ self.weight_of  # noqa: F841
        z = X @ self.A - Y
        off = np.clip(z, -self.bound, self.bound)
        d = off * (np.abs(z) < self.bound) / len(X)
        dA = X.T @ d
        return dA


def test_a_weight_for_each_row():
    net = Weighted(np.array([2.0, 0.5]), 1.5)
    X, Y = RNG.normal(size=(7, 3)), np.eye(2)[RNG.integers(0, 2, 7)]
    report = al.check_derivation(net.cost, net.slope, X, Y, show=False)
    said(report, "w[:, None] is never used")


def hinge_and_gradient(W, a, b):
    gap = np.sum((a @ W) ** 2, axis=1) - np.sum((b @ W) ** 2, axis=1)
    hinge = gap + 0.3
    loss = np.sum(np.maximum(hinge, 0)) / len(a)
    share = np.ones((len(a), 1)) / len(a)
    dW = 2 * (a.T @ (share * (a @ W)) - b.T @ (share * (b @ W)))
    return loss, dW


def test_the_mask_of_a_hinge_that_only_the_loss_has():
    W, a, b = RNG.normal(size=(3, 2)), RNG.normal(size=(9, 3)), RNG.normal(size=(9, 3))
    report = al.check_derivation(hinge_and_gradient, W, a, b, show=False)
    said(report, "hinge")


def strength_and_gradient(w, X, t, alpha):
    off = X @ w - t
    cost = 0.5 * np.mean(off**2) + 0.5 * alpha * np.sum(w**2)
    dw = X.T @ off / X.shape[0]
    return cost, dw


def test_the_strength_of_a_penalty_that_equals_another_number():
    w, X, t = RNG.normal(size=3), RNG.normal(size=(10, 3)), RNG.normal(size=10)
    report = al.check_derivation(strength_and_gradient, w, X, t, 0.1, show=False)
    said(report, "alpha * w")


RECURRENT = """
import numpy as np
rng = np.random.default_rng(5)
U, W, v = rng.normal(size=(4, 1)), 0.5 * rng.normal(size=(4, 4)), rng.normal(size=(1, 4))
sU, sW, sv = np.zeros_like(U), np.zeros_like(W), np.zeros_like(v)
x, y = np.sin(0.8 * np.arange(7)), 0.4

def states_of(x):
    s = [np.zeros((4, 1))]
    for t in range(7):
        s.append(np.tanh(U * x[t] + W @ s[-1]))
    return s, v @ s[-1]

for epoch in range(3):
    s, p = states_of(x)
    loss = 0.5 * np.sum((p - y) ** 2)
    dU, dW = np.zeros_like(U), np.zeros_like(W)
    dp = p - y
    dv = dp @ s[-1].T
    d = v.T @ dp
    for t in range(6, -1, -1):
        dmul = d * (1 - s[t + 1] ** 2)
        dU += dmul * x[t]
        dW += dmul @ s[t].T
        d = W @ dmul
    sU, sW, sv = 0.9 * sU + 0.1 * dU**2, 0.9 * sW + 0.1 * dW**2, 0.9 * sv + 0.1 * dv**2
    U -= 0.1 * dU / (np.sqrt(sU) + 1e-6)
    W -= 0.1 * dW / (np.sqrt(sW) + 1e-6)
    v -= 0.1 * dv / (np.sqrt(sv) + 1e-6)
"""


def test_what_the_last_round_adds_may_be_zero_here():
    """The first input and the first state are 0, so that the last rounds add nothing."""
    report = al.check_script(RECURRENT, show=False)
    (line,) = wrong(report)
    assert "W.T @ dmul" in line.message, report
    assert al.check_script(RECURRENT.replace("d = W @", "d = W.T @"), show=False).ok


def pulled(x, W):
    h = np.tanh(x @ W)
    size = np.sqrt(np.sum(h**2, axis=1, keepdims=True))
    return h, size, h / size


def back_through(x, h, size, unit, d):
    dh = (d - unit * np.sum(d * unit, axis=1, keepdims=True)) / size
    return x.T @ (dh * (1 - h**2))


def pair_and_gradient(W, left, right):
    hl, sl, ul = pulled(left, W)
    hr, sr, ur = pulled(right, W)
    off = ul - ur
    loss = 0.5 * np.mean(np.sum(off**2, axis=1))
    d = off / len(left)
    d_of_left = back_through(left, hl, sl, ul, d)
    d_of_right = back_through(right, hl, sl, ur, -d)
    dW = d_of_left + d_of_right
    return loss, dW


def test_two_arguments_of_a_call_that_was_copied():
    W, left, right = RNG.normal(size=(3, 2)), RNG.normal(size=(6, 3)), RNG.normal(size=(6, 3))
    report = al.check_derivation(pair_and_gradient, W, left, right, show=False)
    said(report, "hl should be hr and sl should be sr")


def pooled(scores, rows, y):
    e = np.exp(scores - scores.max())
    w = e / e.sum()
    mean = w @ rows
    loss = 0.5 * np.sum((mean - y) ** 2)
    return loss


def pooled_back(scores, rows, y):
    e = np.exp(scores - scores.max())
    w = e / e.sum()  # noqa: F841
    d = rows.mean(axis=0) - y
    drows = np.outer(np.exp(scores) / np.sum(np.exp(scores)), d)
    return drows


def test_a_mean_that_should_be_weighted():
    scores, rows, y = RNG.normal(size=5), RNG.normal(size=(5, 3)), RNG.normal(size=3)
    report = al.check_derivation(pooled, pooled_back, scores, rows, y, show=False)
    said(report, "w is never used: rows.mean(axis=0) should be w @ rows")


def chosen_and_gradient(W, X, actions):
    z = X @ W
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    rows = np.arange(len(X))
    loss = -np.mean(np.log(p[rows, actions]))
    taken = np.zeros_like(p)
    taken[rows, p.argmax(axis=1)] = 1
    dW = X.T @ (p - taken) / len(X)
    return loss, dW


def test_labels_in_place_of_what_is_likeliest():
    W, X, actions = RNG.normal(size=(4, 3)), RNG.normal(size=(9, 4)), RNG.integers(0, 3, 9)
    report = al.check_derivation(chosen_and_gradient, W, X, actions, show=False)
    said(report, "p.argmax(axis=1) should be actions")
