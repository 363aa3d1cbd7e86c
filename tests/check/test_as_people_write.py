"""Programs in the manner of courses and books: right as they stand, and each wrong line named."""

import numpy as np
import pytest
from derivations.running import load

import autograd_lite as al

STACK = """
import numpy as np


def affine(A, W, b):
    return W @ A + b, (A, W, b)


def relu(Z):
    return np.maximum(Z, 0), Z


def layer(A, W, b, last):
    Z, linear = affine(A, W, b)
    A, kept = (1 / (1 + np.exp(-Z)), Z) if last else relu(Z)
    return A, (linear, kept)


def forward(X, p, share=0.8):
    A, caches = X, []
    for l in range(1, len(p) // 2 + 1):
        A, cache = layer(A, p[f"W{l}"], p[f"b{l}"], l == len(p) // 2)
        caches.append(cache)
    return A, caches


def cost(A, Y):
    m = Y.shape[1]
    return np.squeeze(-(Y @ np.log(A).T + (1 - Y) @ np.log(1 - A).T) / m)


def affine_back(dZ, cache):
    A, W, b = cache
    m = A.shape[1]
    dW = dZ @ A.T / m
    db = np.sum(dZ, axis=1, keepdims=True) / m
    return W.T @ dZ, dW, db


def relu_back(dA, Z):
    dZ = np.array(dA, copy=True)
    dZ[Z <= 0] = 0
    return dZ


def backward(A, Y, caches):
    g, L = {}, len(caches)
    dA = -(Y / A - (1 - Y) / (1 - A))
    for l in range(L, 0, -1):
        linear, Z = caches[l - 1]
        s = 1 / (1 + np.exp(-Z))
        dZ = dA * s * (1 - s) if l == L else relu_back(dA, Z)
        g[f"dA{l - 1}"], g[f"dW{l}"], g[f"db{l}"] = affine_back(dZ, linear)
        dA = g[f"dA{l - 1}"]
    return g
"""


def stack(text, biases=1.0):
    rng, widths = np.random.default_rng(2), (4, 5, 3, 1)
    parameters = {}
    for i in range(1, 4):
        parameters[f"W{i}"] = rng.normal(size=(widths[i], widths[i - 1]))
        parameters[f"b{i}"] = biases * rng.normal(size=(widths[i], 1))
    X, Y = rng.normal(size=(4, 9)), rng.integers(0, 2, size=(1, 9))
    forward, backward = load(text, f"stack {hash(text)}")
    cost = forward.__globals__["cost"]
    return al.check_derivation(forward, backward, X, parameters, Y, loss=cost, show=False)


def line_of(text, part):
    return next(i for i, line in enumerate(text.splitlines(), 1) if part in line)


def test_what_is_handed_in_by_a_name_of_its_own_is_told_by_its_value():
    report = stack(STACK)
    assert report.ok, str(report)
    # `A` is the only name of the values that dA1 and dA2 belong to.
    assert {line.tensor for line in report if line.name in ("dA1", "dA2")} == {"A"}


MIDDLE = """
import numpy as np


def forward(X, T, W, V, b):
    return np.sum((V @ np.tanh(W @ X + b) - T) ** 2) / 2


def backward(X, T, W, V, b):
    h = np.tanh(W @ X + b)
    e = V @ h - T
    q = V.T @ e * (1 - h**2)
    found = V.T @ e, q @ X.T, e @ h.T, q.sum(axis=1, keepdims=True)
    return dict(zip(("dMiddle", "dW", "dV", "db"), found))
"""


@pytest.mark.parametrize("slope", ["(1 - h**2)", "(1 - h)"])
def test_what_is_handed_in_by_a_key_of_its_own_is_told_beside_a_wrong_step(slope):
    rng = np.random.default_rng(12)
    inputs = [rng.normal(size=s) for s in ((3, 7), (2, 7), (4, 3), (2, 4), (4, 1))]
    text = MIDDLE.replace("(1 - h**2)", slope)
    report = al.check_derivation(*load(text, f"middle {slope}"), *inputs, show=False)
    assert {line.name for line in report} >= {"dMiddle", "dW", "dV", "db"}, str(report)
    assert {line.status for line in report if line.name == "dMiddle"} == {"correct"}


def test_samples_at_the_kink_of_a_whole_layer_are_a_convention():
    report = stack(STACK, biases=0.0)
    assert report.ok, str(report)
    assert any("at exactly 0" in note for note in report.notes)


def test_a_bias_of_one_number_is_blamed_where_it_is_computed():
    text = STACK.replace(
        "np.sum(dZ, axis=1, keepdims=True) / m", "np.sum(dZ, axis=1, keepdims=True)"
    )
    wrong = [line for line in stack(text) if line.status == "wrong"]
    assert {(line.line, line.cause) for line in wrong} == {(line_of(text, "db = "), "factor")}


SHIFTED = """
import numpy as np
rng = np.random.default_rng(0)


class Net:
    def __init__(self):
        self.params = {"W": rng.normal(size=(4, 3)), "b": np.zeros(3)}

    def loss(self, x, t):
        self.x, self.t = x, t
        z = x @ self.params["W"] + self.params["b"]
        self.y = self.softmax(z)
        return -np.mean(np.sum(t * np.log(self.y + 1e-7), axis=1))

    def softmax(self, x):
        x = x - np.max(x, axis=1, keepdims=True)
        return np.exp(x) / np.sum(np.exp(x), axis=1, keepdims=True)

    def gradient(self, x, t):
        self.loss(x, t)
        dz = (self.y - self.t) / len(self.x)
        return {"W": self.x.T @ dz, "b": dz.sum(axis=0)}


def forward(net, x, t):
    return net.loss(x, t)


def backward(net, x, t):
    return net.gradient(x, t)
"""


def test_what_a_forward_pass_subtracts_is_no_update_where_it_is_run_again():
    forward, _ = load(SHIFTED, "shifted")
    net = forward.__globals__["Net"]()
    rng = np.random.default_rng(1)
    x, t = rng.normal(size=(7, 4)), np.eye(3)[rng.integers(0, 3, 7)]
    report = al.check_derivation(net.loss, net.gradient, x, t, show=False)
    assert report.ok, str(report)


HINGE = """
import numpy as np


def forward(W, X, y, reg):
    dW = np.zeros_like(W)
    n, loss = len(X), 0.0
    for i in range(n):
        s = X[i] @ W
        for j in range(W.shape[1]):
            margin = s[j] - s[y[i]] + 1
            if j != y[i] and margin > 0:
                loss += margin
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
    loss = loss / n + reg * np.sum(W * W)
    dW /= n
    dW += 2 * reg * W
    return loss, dW


def backward():
    pass
"""


@pytest.mark.parametrize(
    ("old", "new", "part", "cause", "said"),
    [
        ("dW[:, y[i]] -= X[i]", "dW[:, y[i]] += X[i]", "dW[:, y[i]] +=", "sign", "it should be -="),
        ("dW[:, j] += X[i]", "dW[:, j] = X[i]", "dW[:, j] = X", "accumulate", "write +="),
        (
            *("                dW[:, y[i]] -= X[i]\n", "", "dW[:, j] +=", "term"),
            "dW[:, y[i]] -= X[i]",
        ),
        ("    dW /= n\n", "", "2 * reg * W", "factor", "before this line dW lacks a factor 1/n"),
        ("    dW += 2 * reg * W\n", "", "dW /= n", "term", "dW += 2 * reg * W"),
        ("2 * reg * W", "reg * W", "reg * W", "factor", "2"),
    ],
)
@pytest.mark.one_in(2)
def test_a_hinge_loss_by_loops(old, new, part, cause, said):
    rng = np.random.default_rng(8)
    inputs = rng.normal(size=(5, 4)), rng.normal(size=(6, 5)), rng.integers(0, 4, size=6), 0.1

    def report_on(text):
        hinge, _ = load(text, f"hinge {hash(text)}")
        return al.check_derivation(hinge, *inputs, show=False)

    assert report_on(HINGE).ok
    text = HINGE.replace(old, new)
    [wrong] = [line for line in report_on(text) if line.status == "wrong"]
    assert (wrong.line, wrong.cause) == (line_of(text, part), cause)
    assert said in wrong.message


PENALTY = """
import numpy as np
rng = np.random.default_rng(3)
X, y = rng.normal(size=(7, 4)), rng.integers(0, 3, 7)
W1, W2, reg = rng.normal(size=(4, 5)), rng.normal(size=(5, 3)), 0.3
H = np.tanh(X @ W1)
E = np.exp(H @ W2)
P = E / E.sum(axis=1, keepdims=True)
loss = -np.mean(np.log(P[range(7), y])) + reg / 2 * (np.sum(W1**2) + np.sum(W2**2))
m = len(y)
dz = P.copy()
dz[range(m), y] -= 1
dz /= m
dW2 = H.T @ dz + reg * W2
dh = dz @ W2.T * (1 - H**2)
dW1 = X.T @ dh + reg * W1
"""

MOMENTUM = """
import numpy as np
rng = np.random.default_rng(4)
x, t = rng.normal(size=(2, 9)), rng.normal(size=(1, 9))
params = W, b, V, c = [rng.normal(size=s) for s in ((4, 2), (4, 1), (1, 4), (1, 1))]
vW, vb, vV, vc = [np.zeros_like(p) for p in params]
for epoch in range(50):
    z = W @ x + b
    h = np.log(1 + np.exp(z))
    r = V @ h + c - t
    loss = np.mean(r**2)
    dr = 2 * r / r.size
    dV = dr @ h.T
    dc = dr.sum(axis=1, keepdims=True)
    dz = V.T @ dr / (1 + np.exp(-z))
    dW = dz @ x.T
    db = dz.sum(axis=1, keepdims=True)
    vW = 0.9 * vW - 0.01 * dW
    vb = 0.9 * vb - 0.01 * db
    vV = 0.9 * vV - 0.01 * dV
    vc = 0.9 * vc - 0.01 * dc
    W, b, V, c = W + vW, b + vb, V + vV, c + vc
"""


@pytest.mark.parametrize(
    ("text", "old", "new", "part", "cause"),
    [
        # Without the division the penalty would be that of the sum.
        (PENALTY, "dz /= m\n", "", "dz[range(m), y] -= 1", "factor"),
        (MOMENTUM, "2 * r / r.size", "r / r.size", "dr = ", "factor"),
        (MOMENTUM, "np.exp(-z))\n    dW", "np.exp(z))\n    dW", "dz = ", "sign"),
    ],
)
def test_the_wrong_line_of_a_script(text, old, new, part, cause):
    assert al.check_script(text, loss="loss", show=False).ok
    changed = text.replace(old, new)
    assert changed != text
    report = al.check_script(changed, loss="loss", show=False)
    wrong = [line for line in report if line.status == "wrong"]
    assert [(line.line, line.cause) for line in wrong] == [(line_of(changed, part), cause)]


GATED = """
import numpy as np


def sig(x):
    return 1 / (1 + np.exp(-x))


class Gated:
    def __init__(self):
        rng = np.random.default_rng(5)
        for name, shape in dict(Wr=(4, 3), Wh=(4, 3), Ur=(4, 4), Uh=(4, 4), br=(4, 1)).items():
            setattr(self, name, rng.normal(size=shape))

    def loss(self, xs, ts):
        self.h, self.r, self.c, total = {-1: np.zeros((4, 1))}, {}, {}, 0.0
        for t in range(len(xs)):
            self.r[t] = sig(self.Wr @ xs[t] + self.Ur @ self.h[t - 1] + self.br)
            self.c[t] = np.tanh(self.Wh @ xs[t] + self.Uh @ (self.r[t] * self.h[t - 1]))
            self.h[t] = self.r[t] * self.h[t - 1] + self.c[t]
            total += 0.5 * np.sum((self.h[t] - ts[t]) ** 2)
        return total

    def gradients(self, xs, ts):
        g = {n: np.zeros_like(getattr(self, n)) for n in ("Wr", "Wh", "Ur", "Uh", "br")}
        later = np.zeros((4, 1))
        for t in reversed(range(len(xs))):
            dh = self.h[t] - ts[t] + later
            dc = dh * (1 - self.c[t] ** 2)
            g["Wh"] += dc @ xs[t].T
            g["Uh"] += dc @ (self.r[t] * self.h[t - 1]).T
            through = self.Uh.T @ dc
            dr = (dh + through) * self.h[t - 1] * self.r[t] * (1 - self.r[t])
            g["Wr"] += dr @ xs[t].T
            g["Ur"] += dr @ self.h[t - 1].T
            g["br"] += dr
            later = dh * self.r[t] + through * self.r[t] + self.Ur.T @ dr
        return g


def forward():
    pass


backward = forward
"""

COLUMN = """
import numpy as np


def forward(X, w, b, t):
    h = np.tanh(X @ w + b)
    pred = h.sum(axis=1)
    return np.sum((pred - t) ** 2) / 2, (X, h, pred)


def slope(pred, t):
    return pred - t


def backward(X, w, b, t, cache):
    X, h, pred = cache
    dpred = slope(pred, t)[:, None]
    dz = dpred * (1 - h**2)
    return X.T @ dz, dz.sum(axis=0)
"""

LABELS = """
import numpy as np
rng = np.random.default_rng(6)
X, y, W = rng.normal(size=(6, 3)), rng.integers(0, 3, 6), 2 * rng.normal(size=(3, 3))
Z = X @ W
E = np.exp(Z)
P = E / E.sum(axis=1, keepdims=True)
loss = -np.mean(np.log(P[range(6), y] + 1e-7))
dZ = P.copy()
dZ[range(6), y] -= 1
dZ = dZ / len(y)
dW = X.T @ dZ
"""

MASKED = """
import numpy as np


def forward(X, W, V, keep, share):
    h, losses = X, 0.0
    for l in range(2):
        h = np.maximum([W, V][l] @ h, 0) * keep[l] / share
    return np.sum(h**2) / 2, (X, h)


def backward(X, W, V, keep, share):
    hs, zs = [X], []
    for l in range(2):
        zs.append([W, V][l] @ hs[l])
        hs.append(np.maximum(zs[l], 0) * keep[l] / share)
    return spread(hs[2], hs, zs, V, keep, share)


def spread(d, hs, zs, V, keep, share):
    found = []
    for l in (1, 0):
        d = d * keep[l] / share
        d[zs[l] <= 0] = 0
        found.append(d @ hs[l].T)
        d = V.T @ d
    return found[1], found[0]
"""


ROBUST = """
import numpy as np


def forward(X, w, t):
    pred = X @ w
    return np.mean(np.log(np.cosh(pred)) + np.abs(pred - t)), (X, pred)


def backward(X, w, t, cache):
    X, pred = cache
    dpred = (np.tanh(pred) + np.sign(pred - t)) / len(t)
    return X.T @ dpred
"""


def report_on_robust(text):
    rng = np.random.default_rng(11)
    inputs = [rng.normal(size=s) for s in ((8, 3), (3,), (8,))]
    return al.check_derivation(*load(text, f"robust {hash(text)}"), *inputs, show=False)


def report_on_gated(text):
    forward, _ = load(text, f"gated {hash(text)}")
    net, rng = forward.__globals__["Gated"](), np.random.default_rng(7)
    xs, ts = ([rng.normal(size=(n, 1)) for _ in range(3)] for n in (3, 4))
    return al.check_derivation(net.loss, net.gradients, xs, ts, show=False)


def report_on_column(text):
    rng = np.random.default_rng(8)
    inputs = (rng.normal(size=s) for s in ((7, 3), (3, 2), (2,), (7,)))
    return al.check_derivation(*load(text, f"column {hash(text)}"), *inputs, show=False)


def report_on_masked(text):
    rng = np.random.default_rng(9)
    X, W, V = (rng.normal(size=s) for s in ((3, 8), (5, 3), (5, 5)))
    keep = [(rng.random((5, 8)) < 0.8).astype(int) for _ in range(2)]
    pair = load(text, f"masked {hash(text)}")
    return al.check_derivation(*pair, X, W, V, keep, 0.8, show=False)


def report_on_labels(text):
    return al.check_script(text, loss="loss", show=False)


@pytest.mark.parametrize(
    ("report_on", "text", "old", "new", "part", "cause"),
    [
        *(
            (report_on_gated, GATED, old, new, part, cause)
            for old, new, part, cause in (
                ("through * self.r[t] +", "through +", "later = dh", "factor"),
                ("dh * self.r[t] + t", "dh + t", "later = dh", "factor"),
                (" + self.Ur.T @ dr", "", "later = dh", "term"),
                ("self.Uh.T @ dc", "self.Ur.T @ dc", "through =", "operand"),
                ("(self.r[t] * self.h[t - 1]).T", "self.h[t - 1].T", 'g["Uh"] +=', "factor"),
            )
        ),
        (report_on_column, COLUMN, "return pred - t", "return pred + t", "return pred + t", "sign"),
        (
            report_on_robust,
            ROBUST,
            "np.sign(pred",
            "np.abs(pred",
            "np.abs(pred - t)) /",
            "activation",
        ),
        (report_on_labels, LABELS, "y] -= 1", "y - 1] -= 1", "y - 1] -= 1", "index"),
        (report_on_masked, MASKED, "d[zs[l] <= 0]", "d[zs[l] > 0]", "d[zs[l] > 0]", "mask"),
    ],
)
@pytest.mark.one_in(6)
def test_the_wrong_line_of_a_loop_or_a_helper(report_on, text, old, new, part, cause):
    assert report_on(text).ok, str(report_on(text))
    changed = text.replace(old, new)
    assert changed != text
    wrong = {(line.line, line.cause) for line in report_on(changed) if line.status == "wrong"}
    assert wrong == {(line_of(changed, part), cause)}


SEVERAL = """
import numpy as np


def forward(X, W, V, b, c):
    return np.sum((np.tanh(W @ X + b) + V @ X + c) ** 2) / 2


def backward(X, W, V, b, c):
    h = np.tanh(W @ X + b)
    d = h + V @ X + c
    dz = d * (1 - h**2)
    db, dc = [g.sum(axis=1, keepdims=True) for g in (dz, d)]
    return {"dW": dz @ X.T, "dV": d @ X.T}, (db, dc)
"""


@pytest.mark.parametrize("wrong", ["axis=0, keepdims=True", "axis=1"])
def test_a_gradient_that_a_comprehension_gives_another_shape_is_wrong(wrong):
    rng = np.random.default_rng(10)
    inputs = [rng.normal(size=s) for s in ((3, 7), (4, 3), (4, 3), (4, 1), (4, 1))]

    def report_on(text):
        return al.check_derivation(*load(text, f"several {hash(text)}"), *inputs, show=False)

    assert report_on(SEVERAL).ok
    text = SEVERAL.replace("axis=1, keepdims=True", wrong)
    found = [line for line in report_on(text) if line.status == "wrong"]
    assert {line.line for line in found} == {line_of(text, "db, dc")}, str(report_on(text))
