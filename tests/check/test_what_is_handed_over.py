"""What the functions of a derivation are given, and what of theirs is no gradient."""

import numpy as np

import autograd_lite as al

RNG = np.random.default_rng(11)


def score(features, bias, slope):
    return bias + features @ slope


def off(p, labels):
    return np.mean((p - labels) ** 2)


def score_back(p, features, labels):
    dp = 2 * (p - labels) / len(labels)
    dbias = dp.sum()
    dslope = features.T @ dp
    return dbias, dslope


def test_inputs_go_by_the_names_of_the_callers_variables():
    features, labels, bias, slope = RNG.normal(size=(7, 3)), RNG.normal(size=7), 0.3, np.ones(3)
    for given in ((features, labels, bias, slope), (features, bias, slope, labels)):
        report = al.check_derivation(score, score_back, *given, loss=off, show=False)
        assert report.ok, report
        assert {line.tensor for line in report} >= {"bias", "slope"}


def layered(x, A, B):
    hidden = np.tanh(x @ A)
    out = hidden @ B
    return hidden, out


def cost_of(caches, y):
    return 0.5 * np.sum((caches[-1] - y) ** 2)


def layered_back(caches, x, y, B):
    hidden, out = caches
    dout = out - y
    dB = hidden.T @ dout
    dhidden = dout @ B.T
    dA = x.T @ (dhidden * (1 - hidden**2))
    return dA, dB


def test_all_that_a_forward_pass_returns_may_be_one_argument():
    x, A, B, y = (RNG.normal(size=s) for s in ((6, 3), (3, 4), (4, 2), (6, 2)))
    report = al.check_derivation(layered, layered_back, x, A, B, y, loss=cost_of, show=False)
    assert report.ok, report


def far_and_near(W, pos, neg):
    p, n = pos @ W, neg @ W
    d_pos = np.sum(p**2, axis=1)
    d_neg = np.sum(n**2, axis=1)
    loss = np.mean(np.exp(d_pos - d_neg))
    share = np.exp(d_pos - d_neg)[:, None] / len(pos)
    dW = 2 * (pos.T @ (share * p) - neg.T @ (share * n))
    return loss, dW


def test_distances_that_are_called_like_gradients_are_none():
    W, pos, neg = 0.3 * RNG.normal(size=(4, 2)), RNG.normal(size=(7, 4)), RNG.normal(size=(7, 4))
    report = al.check_derivation(far_and_near, W, pos, neg, show=False)
    assert report.ok, report
    assert not [line for line in report if line.name in ("d_pos", "d_neg")]


def test_actions_drawn_by_the_probabilities_that_the_policy_gives():
    report = al.check_script(
        """
import numpy as np
rng = np.random.default_rng(0)
S, theta, reward = rng.normal(size=(6, 3)), rng.normal(size=(3, 2)), rng.normal(size=6)
for step in range(3):
    z = S @ theta
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    actions = np.array([rng.choice(2, p=row) for row in p])
    loss = -np.mean(reward * np.log(p[np.arange(6), actions]))
    dz = p.copy()
    dz[np.arange(6), actions] -= 1
    dz *= reward[:, None] / 6
    dtheta = S.T @ dz
    theta -= 0.1 * dtheta
""",
        show=False,
    )
    assert report.ok, report


def flat_product(x, w):
    return np.einsum("nchw,fc->nfhw", x, w)


def flat_back(dout, x, w):
    flat = dout.reshape(-1, dout.shape[1])
    columns = x.transpose(0, 2, 3, 1).reshape(-1, x.shape[1])
    dw = flat.T @ columns
    return dw


def test_axes_that_are_not_moved_before_a_reshape():
    x, w = RNG.normal(size=(2, 3, 4, 4)), RNG.normal(size=(5, 3))
    report = al.check_derivation(flat_product, flat_back, x, w, show=False)
    assert "dout.transpose(0, 2, 3, 1)" in str(report), report


def network(W, V, x, y):
    h = np.tanh(x @ W)
    z = h @ V
    a = 1 / (1 + np.exp(-z))
    loss = -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))
    return loss, (h, a)


def with_another_delta(W, V, x, y, cache):
    h, a = cache
    delta = 2 * (a - y) * a * (1 - a)
    dV = h.T @ delta
    dW = x.T @ (delta @ V.T * (1 - h**2))
    return dW, dV


def test_the_delta_of_another_loss():
    W, V, x = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 2)), RNG.normal(size=(6, 3))
    y = (RNG.random((6, 2)) < 0.5) * 1.0
    report = al.check_derivation(network, with_another_delta, W, V, x, y, show=False)
    (line,) = [line for line in report if line.status == "wrong"]
    assert "all but a - y should be left out" in line.message, report
