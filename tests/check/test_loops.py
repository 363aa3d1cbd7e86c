"""Mistakes in the heads of loops, and in what a loop carries from one round to the next."""

import numpy as np
import pytest
from derivations.running import assert_blamed, load

import autograd_lite as al

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

RECURRENT = """
import numpy as np


def forward(xs, ys, Wx, Wh, Wy, start):
    h, off, loss = {-1: start}, {}, 0.0
    for t in range(len(xs)):
        h[t] = np.tanh(xs[t] @ Wx + h[t - 1] @ Wh)
        off[t] = h[t] @ Wy - ys[t]
        loss += 0.5 * np.sum(off[t] ** 2)
    return loss, (h, off)


def backward(xs, ys, Wx, Wh, Wy, start, cache):
    h, off = cache
    T = len(xs)
    dWx, dWh, dWy = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(Wy)
    carried = np.zeros_like(start)
    for t in reversed(range(T)):
        dWy += np.outer(h[t], off[t])
        dh = off[t] @ Wy.T + carried
        dz = dh * (1 - h[t] ** 2)
        dWx += np.outer(xs[t], dz)
        dWh += np.outer(h[t - 1], dz)
        carried = dz @ Wh.T
    return dWx, dWh, dWy
"""


def report_on_recurrent(text):
    rng = np.random.default_rng(4)
    inputs = [rng.normal(size=s) for s in ((4, 3), (4, 2), (3, 5), (5, 5), (5, 2), 5)]
    return al.check_derivation(*load(text, "recurrent"), *inputs, show=False, seconds=12)


SAMPLES = """
import numpy as np


def forward(w, b, X, y):
    m, total = X.shape[0], 0.0
    for i in range(m):
        f = 1 / (1 + np.exp(-(X[i] @ w + b)))
        total += -y[i] * np.log(f) - (1 - y[i]) * np.log(1 - f)
    return total / m


def backward(w, b, X, y):
    m, n = X.shape
    dj_dw, dj_db = np.zeros(n), 0.0
    for i in range(m):
        err = 1 / (1 + np.exp(-(X[i] @ w + b))) - y[i]
        for j in range(n):
            dj_dw[j] += err * X[i, j]
        dj_db += err
    return dj_dw / m, dj_db / m
"""


def report_on_samples(text):
    rng = np.random.default_rng(7)
    y = np.array([1.0, 0.0, 0.0, 1.0, 1.0, 0.0])
    inputs = rng.normal(size=3), 0.3, rng.normal(size=(6, 3)), y
    return al.check_derivation(*load(text, "samples"), *inputs, show=False, seconds=12)


MEMORY = """
import numpy as np


def sig(x):
    return 1 / (1 + np.exp(-x))


def slope(a):
    return a * (1 - a)


def forward(xs, ys, W, V):
    n = V.shape[1]
    h, c, z, f, i, g, o, off = {-1: np.zeros(n)}, {-1: np.zeros(n)}, {}, {}, {}, {}, {}, {}
    loss = 0.0
    for t in range(len(xs)):
        z[t] = np.concatenate((h[t - 1], xs[t]))
        f[t], i[t], o[t] = sig(W[0] @ z[t]), sig(W[1] @ z[t]), sig(W[2] @ z[t])
        g[t] = np.tanh(W[3] @ z[t])
        c[t] = f[t] * c[t - 1] + i[t] * g[t]
        h[t] = o[t] * np.tanh(c[t])
        off[t] = V @ h[t] - ys[t]
        loss += 0.5 * np.sum(off[t] ** 2)
    return loss, (h, c, z, f, i, g, o, off)


def backward(xs, ys, W, V, cache):
    h, c, z, f, i, g, o, off = cache
    n = V.shape[1]
    dW, dV = np.zeros_like(W), np.zeros_like(V)
    dh_next, dc_next = np.zeros(n), np.zeros(n)
    for t in reversed(range(len(xs))):
        dV += np.outer(off[t], h[t])
        dh = V.T @ off[t] + dh_next
        do = dh * np.tanh(c[t])
        do = do * slope(o[t])
        dc = dh * o[t] * (1 - np.tanh(c[t]) ** 2) + dc_next
        df = dc * c[t - 1] * slope(f[t])
        di = dc * g[t] * slope(i[t])
        dg = dc * i[t] * (1 - g[t] ** 2)
        dW[0] += np.outer(df, z[t])
        dW[1] += np.outer(di, z[t])
        dW[2] += np.outer(do, z[t])
        dW[3] += np.outer(dg, z[t])
        dz = W[0].T @ df
        dz += W[1].T @ di
        dz += W[2].T @ do
        dz += W[3].T @ dg
        dh_next = dz[:n]
        dc_next = f[t] * dc
    return dW, dV
"""


def report_on_memory(text):
    rng = np.random.default_rng(9)
    inputs = [rng.normal(size=s) for s in ((4, 3), (4, 2), (4, 4, 7), (2, 4))]
    return al.check_derivation(*load(text, "memory"), *inputs, show=False, seconds=12)


@pytest.mark.parametrize(
    ("report_on", "text"),
    [(report_on_recurrent, RECURRENT), (report_on_samples, SAMPLES), (report_on_memory, MEMORY)],
)
def test_they_are_right(report_on, text):
    assert report_on(text).ok


@pytest.mark.parametrize(
    ("report_on", "text", "right", "wrong"),
    [
        (report_on_recurrent, RECURRENT, "reversed(range(T))", "range(T)"),
        (report_on_recurrent, RECURRENT, "reversed(range(T))", "reversed(range(1, T))"),
        (report_on_recurrent, RECURRENT, "reversed(range(T))", "reversed(range(T - 1))"),
        (report_on_recurrent, RECURRENT, "range(T - 1, -1, -1)", "range(T - 1, 0, -1)"),
        (report_on_samples, SAMPLES, "range(m):\n        err", "range(m - 1):\n        err"),
        (report_on_samples, SAMPLES, "range(m):\n        err", "range(1, m):\n        err"),
        (report_on_samples, SAMPLES, "range(n)", "range(n - 1)"),
        (report_on_samples, SAMPLES, "np.arange(m)[::-1]", "np.arange(1, m)[::-1]"),
    ],
)
@pytest.mark.one_in(2)
def test_a_loop_over_other_rounds_is_named_by_its_head(report_on, text, right, wrong):
    text = text.replace("reversed(range(T))", right) if "T" in right else text
    if "arange" in right:
        text = text.replace("range(m):\n        err", f"{right}:\n        err")
    changed = text.replace(right, wrong)
    right, wrong = right.split(":\n")[0], wrong.split(":\n")[0]
    said = f"the loop runs over {wrong}, and should run over {right}."
    report = report_on(changed)
    assert f"{wrong}:  should be  for " in str(report)
    assert_blamed(report, changed[: changed.rindex(wrong)] + "HERE", "HERE", "index", said)


@pytest.mark.parametrize(
    ("right", "wrong", "part", "cause", "words"),
    [
        ("= dz[:n]", "= dz[-n:]", "dz[-n:]", "index", "dz[-n:] should be dz[:n]"),
        ("dc_next = f[t] * dc", "dc_next = dc", "dc_next = dc", "factor", "the factor f[t]"),
        ("dz += W[2].T", "dz = W[2].T", "dz = W[2]", "accumulate", "write +="),
        ("dh * np.tanh(c[t])", "dh * c[t]", "dh * c[t]", "operand", "should be np.tanh(c[t])"),
        ("dc * c[t - 1]", "dc * c[t]", "dc * c[t]", "index", "should be t - 1"),
        ("dh = V.T @ off[t] + dh_next", "dh = V.T @ off[t]", "dh = V.T", "term", "dh_next"),
    ],
)
@pytest.mark.one_in(3)
def test_what_a_loop_carries(right, wrong, part, cause, words):
    text = MEMORY.replace(right, wrong)
    assert_blamed(report_on_memory(text), text, part, cause, words)


def test_what_is_returned_should_be_scaled_as_the_rest():
    text = SAMPLES.replace("dj_dw / m, dj_db / m", "dj_dw, dj_db / m")
    # In two lines, so that none of them lacks the division alone.
    both = "dj_dw[j] += (err + y[i]) * X[i, j]\n            dj_dw[j] -= y[i] * X[i, j]"
    text = text.replace("dj_dw[j] += err * X[i, j]", both)
    words = "dj_dw should be dj_dw / m, as what stands beside it"
    assert_blamed(report_on_samples(text), text, "return dj_dw,", "factor", words)


STEPS = """
import numpy as np


def step(x, before, Wx, Wh):
    return np.tanh(x @ Wx + before @ Wh)


def step_back(dh, x, before, h, Wx, Wh):
    da = dh * (1 - h ** 2)
    dx = da @ Wx.T
    dbefore = da @ Wh.T
    return dx, dbefore, x.T @ da, before.T @ da


def forward(x, start, Wx, Wh, V, y):
    states = [start]
    for t in range(x.shape[1]):
        states.append(step(x[:, t], states[-1], Wx, Wh))
    out = states[-1] @ V
    return 0.5 * np.sum((out - y) ** 2), states, out


def backward(x, start, Wx, Wh, V, y, states, out):
    dout = out - y
    dV = states[-1].T @ dout
    dx, dWx, dWh = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh)
    dstate = dout @ V.T
    for t in reversed(range(x.shape[1])):
        dx[:, t], dstate, one, other = step_back(dstate, x[:, t], states[t], states[t + 1], Wx, Wh)
        dWx += one
        dWh += other
    return dx, dstate, dWx, dWh, dV
"""


@pytest.mark.parametrize(
    ("right", "wrong", "cause", "words"),
    [
        ("dbefore = da @ Wh.T", "dbefore = da @ Wh", "transpose", "should be da @ Wh.T"),
        ("dbefore = da @ Wh.T", "dbefore = -da @ Wh.T", "sign", "-da has the wrong sign"),
        ("dbefore = da @ Wh.T", "dbefore = dh @ Wh.T", "operand", "dh should be da"),
    ],
)
def test_what_a_step_hands_back(right, wrong, cause, words):
    rng = np.random.default_rng(2)
    inputs = [rng.normal(size=s) for s in ((5, 4, 3), (5, 6), (3, 6), (6, 6), (6, 2), (5, 2))]
    text = STEPS.replace(right, wrong)
    report = al.check_derivation(*load(text, "steps"), *inputs, show=False, seconds=12)
    assert_blamed(report, text, wrong, cause, words)


COUNTED = """
import numpy as np


def margins(X, y, W, b, rate):
    scores = X @ W + b
    loss, dscores = 0.0, np.zeros_like(scores)
    for i in range(len(X)):
        for j in range(W.shape[1]):
            if j != y[i]:
                over = scores[i, j] - scores[i, y[i]] + 1
                if over > 0:
                    loss += over
                    dscores[i, j] += 1
                    dscores[i, y[i]] -= 1
    loss = loss / len(X) + 0.5 * rate * np.sum(W * W)
    dscores /= len(X)
    dW = X.T @ dscores
    dW += rate * W
    return loss, dW, dscores.sum(axis=0)


forward = backward = margins
"""


def report_on_counts(text):
    rng = np.random.default_rng(6)
    inputs = (
        rng.normal(size=(7, 4)),
        rng.integers(0, 3, 7),
        rng.normal(size=(4, 3)),
        rng.normal(size=3),
        0.4,
    )
    return al.check_derivation(load(text, "counted")[0], *inputs, show=False, seconds=12)


def test_a_division_that_is_left_out_after_a_loop_is_no_convention():
    assert report_on_counts(COUNTED).ok
    text = COUNTED.replace("    dscores /= len(X)\n", "")
    words = "after the loop dscores lacks a factor 1/7 (one over the number of"
    assert_blamed(report_on_counts(text), text, "dscores[i, y[i]] -= 1", "factor", words)


GATES = """
import numpy as np


def sig(x):
    return 1 / (1 + np.exp(-x))


def forward(x, h, c, W, V):
    z = np.hstack((x, h)) @ W
    n = h.shape[1]
    i, f, o, g = sig(z[:, :n]), sig(z[:, n:2*n]), sig(z[:, 2*n:3*n]), np.tanh(z[:, 3*n:])
    new = f * c + i * g
    out = o * np.tanh(new)
    return np.sum(out * V), (i, f, o, g, new)


def backward(x, h, c, W, V, cache):
    i, f, o, g, new = cache
    n = h.shape[1]
    dz = np.empty((len(x), 4 * n))
    dnew = V * o * (1 - np.tanh(new) ** 2)
    dz[:, :n] = dnew * g * i * (1 - i)
    dz[:, n:2*n] = dnew * c * f * (1 - f)
    dz[:, 2*n:3*n] = V * np.tanh(new) * o * (1 - o)
    dz[:, 3*n:] = dnew * i * (1 - g ** 2)
    dW = np.hstack((x, h)).T @ dz
    dc = dnew * f
    both = dz @ W.T
    return both[:, :x.shape[1]], both[:, x.shape[1]:], dc, dW
"""


def report_on_gates(text):
    rng = np.random.default_rng(8)
    inputs = [rng.normal(size=s) for s in ((5, 3), (5, 4), (5, 4), (7, 16), (5, 4))]
    return al.check_derivation(*load(text, "gates"), *inputs, show=False, seconds=12)


@pytest.mark.parametrize(
    ("right", "wrong", "cause", "words"),
    [
        ("dz[:, n:2*n] =", "dz[:, n:2*n] +=", "accumulate", "should be assigned: write ="),
        ("dz[:, n:2*n] = dnew * c", "dz[:, :n] = dnew * c", "index", "should be dz[:, n:2 * n]"),
        ("dnew * c * f", "dnew * dnew * f", "operand", "dnew should be c"),
        ("dnew * i * (1 - g", "dnew * (1 - g", "factor", "the factor i"),
    ],
)
@pytest.mark.one_in(4)
def test_a_part_of_an_array_that_is_wrong(right, wrong, cause, words):
    """The lines that write the other parts are not what is wrong, and unset elements never vary."""
    text = GATES.replace(right, wrong)
    report = report_on_gates(text)
    assert_blamed(report, text, wrong, cause, words)
    assert [line.status for line in report if line.name == "both"] == ["inherited"]


def test_right_gates():
    assert report_on_gates(GATES).ok
