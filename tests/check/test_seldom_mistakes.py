"""Mistakes that only one kind of edit mends, each with its line and what is wrong in it."""

import numpy as np
import pytest
from derivations.running import assert_blamed, load

import autograd_lite as al

RECTIFIED = """
import numpy as np


def forward(X, W, V, T):
    s = X @ W
    off = s <= 0
    h = np.where(off, 0, s)
    e = h @ V - T
    return 0.5 * np.sum(e**2), (off, h, e)


def backward(X, W, V, T, kept):
    off, h, e = kept
    dh = e @ V.T
    dh[off] = 0
    return {"dW": X.T @ dh, "dV": h.T @ e}
"""

HUBER = """
import numpy as np


def forward(X, w, y, delta):
    r = X @ w - y
    is_near = np.abs(r) <= delta
    return np.sum(np.where(is_near, 0.5 * r**2, delta * (np.abs(r) - 0.5 * delta))), r


def backward(X, w, y, delta, r):
    dr = np.clip(r, -delta, delta)
    return {"dw": X.T @ dr}
"""

LABELLED = """
import numpy as np


def forward(X, W, y):
    s = X @ W
    e = np.exp(s - s.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    n = len(y)
    return -np.sum(np.log(p[np.arange(n), y])), p


def backward(X, W, y, p):
    n = len(y)
    ds = p.copy()
    ds[np.arange(n), y] -= 1
    return {"dW": X.T @ ds}
"""

ONE_ROW = """
import numpy as np


def forward(E, v, i):
    h = np.tanh(E[i])
    return np.sum((h @ v) ** 2), h


def backward(E, v, i, h):
    dh = 2 * (h @ v) * v
    dE = np.zeros_like(E)
    dE[i] += dh * (1 - h**2)
    return dE, 2 * (h @ v) * h
"""

MARGINS = """
import numpy as np


def forward(X, W, y):
    n = len(X)
    scores = X @ W
    margins = np.maximum(0, scores - scores[np.arange(n), y][:, None] + 1)
    margins[np.arange(n), y] = 0
    return margins.sum() / n, margins


def backward(X, W, y, margins):
    n = len(X)
    over = (margins > 0).astype(float)
    count = over.sum(axis=1)
    over[np.arange(n), y] -= count
    dW = X.T @ over / n
    return {"dW": dW}
"""

WORDS = """
import numpy as np


def slope(a, kind):
    if kind == "tanh":
        return 1 - a**2
    assert kind == "logistic"
    return a * (1 - a)


def forward(X, W, V, T):
    h = np.tanh(X @ W)
    p = 1 / (1 + np.exp(-h @ V))
    return 0.5 * np.sum((p - T) ** 2), (h, p)


def backward(X, W, V, T, kept):
    h, p = kept
    dz = (p - T) * slope(p, "logistic")
    dh = dz @ V.T * slope(h, "tanh")
    return {"dW": X.T @ dh, "dV": h.T @ dz}
"""

MAGNITUDES = """
import numpy as np


def forward(X, w, y):
    r = X @ w - y
    return np.sum(np.abs(r)), r


def backward(X, w, y, r):
    ones = np.ones(len(y))
    dw = X.T @ (ones * np.sign(r))
    return {"dw": dw}
"""

LAST_IS_LINEAR = """
import numpy as np


def forward(X, Ws):
    outs = [X]
    for W in Ws[:-1]:
        outs.append(np.tanh(outs[-1] @ W))
    outs.append(outs[-1] @ Ws[-1])
    return np.sum(outs[-1] ** 2) / 2, outs


def backward(X, Ws, outs):
    n = len(Ws)
    d = outs[-1]
    grads = [None] * n
    for i in reversed(range(n)):
        if i != n - 1:
            d = d * (1 - outs[i + 1] ** 2)
        grads[i] = outs[i].T @ d
        d = d @ Ws[i].T
    return grads
"""

CLIPPED = """
import numpy as np


def forward(X, W, y):
    p = np.clip(1 / (1 + np.exp(-X @ W)), 0.2, 0.8)
    return -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)), p


def backward(X, W, y, p):
    dz = (p - y) * ((p > 0.2) & (p < 0.8))
    return {"dW": X.T @ dz}
"""

CARRIED = """
import numpy as np


def forward(xs, h0, U, W, V, ys):
    h, hs, errors, loss = h0, [h0], [], 0
    for x, y in zip(xs, ys):
        h = np.tanh(U @ x + W @ h)
        hs.append(h)
        errors.append(V @ h - y)
        loss += 0.5 * np.sum(errors[-1] ** 2)
    return loss, (hs, errors)


def backward(xs, h0, U, W, V, ys, kept):
    hs, errors = kept
    gU, gW, gV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
    dz = np.zeros_like(h0)
    for t in reversed(range(len(xs))):
        gV += np.outer(errors[t], hs[t + 1])
        dh = V.T @ errors[t] + W.T @ dz
        dz = dh * (1 - hs[t + 1] ** 2)
        gU += np.outer(dz, xs[t])
        gW += np.outer(dz, hs[t])
    return {"dU": gU, "dW": gW, "dV": gV}
"""

BIAS = """
import numpy as np


def forward(X, W, T, b):
    e = X @ W + b - T
    return 0.5 * np.sum(e**2), e


def backward(X, W, T, b, e):
    dW = X.T @ e
    db = e.sum(axis=0)
    return {"dW": dW, "db": db}
"""

FIRST_IS_LINEAR = """
import numpy as np


def forward(X, Ws):
    outs = [X, X @ Ws[0]]
    for W in Ws[1:]:
        outs.append(np.tanh(outs[-1] @ W))
    return np.sum(outs[-1] ** 2) / 2, outs


def backward(X, Ws, outs):
    d = outs[-1]
    grads = [None] * len(Ws)
    for i in reversed(range(len(Ws))):
        if i != 0:
            d = d * (1 - outs[i + 1] ** 2)
        grads[i] = outs[i].T @ d
        d = d @ Ws[i].T
    return grads
"""

READ_TWICE = """
import numpy as np


def forward(X, W, V, T):
    h = np.tanh(X @ W)
    e = h @ V - T
    rough = np.sin(h)
    return 0.5 * np.sum(e**2) + np.sum(rough**2), (h, e, rough)


def backward(X, W, V, T, kept):
    h, e, rough = kept
    dh = e @ V.T + 2 * rough * np.cos(h)
    dz = dh * (1 - h**2)
    return {
        "dW": X.T @ dz,
        "dV": h.T @ e,
    }
"""

STATISTIC = """
import numpy as np


def forward(x, W, T):
    top = np.sum(np.abs(x) ** 3, axis=1, keepdims=True)
    c = x * top
    e = c @ W - T
    return 0.5 * np.sum(e**2), (top, c, e)


def backward(x, W, T, kept):
    top, c, e = kept
    dc = e @ W.T
    dx = dc * top
    dx += np.sum(dc * x, axis=1, keepdims=True) * 3 * x * np.abs(x)
    return {"dx": dx, "dW": c.T @ e}
"""

ROWS_BY_NUMBER = """
import numpy as np


def forward(E, ids, T):
    H = np.zeros_like(T)
    np.add.at(H, np.arange(len(T)), E[ids])
    H -= T
    return 0.5 * np.sum(H**2), H


def backward(E, ids, T, H):
    dE = np.zeros_like(E)
    np.add.at(dE, ids, H)
    return {"dE": dE}
"""

SWISH = """
import numpy as np


def swish(z):
    return z / (1 + np.exp(-z))


def slope(z):
    s = 1 / (1 + np.exp(-z))
    return s * (1 + z * (1 - s))


def forward(X, W, V, T):
    z = X @ W
    e = swish(z) @ V - T
    return 0.5 * np.sum(e**2), (z, e)


def backward(X, W, V, T, kept):
    z, e = kept
    dz = e @ V.T * slope(z)
    return {"dW": X.T @ dz, "dV": swish(z).T @ e}
"""

THREE_STATISTICS = """
import numpy as np


def forward(x, W, T):
    a = np.sum(np.abs(x) ** 3, axis=1, keepdims=True)
    b = np.sum(np.cos(x), axis=1, keepdims=True)
    c = np.sum(x**4, axis=1, keepdims=True)
    u = x * a * b * c
    e = u @ W - T
    return 0.5 * np.sum(e**2), (a, b, c, u, e)


def backward(x, W, T, kept):
    a, b, c, u, e = kept
    du = e @ W.T
    dx = du * a * b * c
    slopes = 3 * x * np.abs(x) * b * c - np.sin(x) * a * c + 4 * x**3 * a * b
    dx += np.sum(du * x, axis=1, keepdims=True) * slopes
    return {"dx": dx, "dW": u.T @ e}
"""

rng = np.random.default_rng(3)
LAYERS = [rng.normal(size=s) for s in ((6, 3), (3, 4), (4, 2), (6, 2))]
INPUTS = {
    RECTIFIED: LAYERS,
    WORDS: LAYERS,
    HUBER: [rng.normal(size=(9, 3)), rng.normal(size=3), 2 * rng.normal(size=9), 0.7],
    LABELLED: [*LAYERS[:2], np.array([0, 3, 1, 2, 3, 0])],
    MARGINS: [*LAYERS[:2], np.array([0, 3, 1, 2, 3, 0])],
    MAGNITUDES: [rng.normal(size=s) for s in ((7, 3), (3,), (7,))],
    LAST_IS_LINEAR: [LAYERS[0], [rng.normal(size=s) for s in ((3, 4), (4, 4), (4, 2))]],
    CLIPPED: [*LAYERS[:2], (rng.normal(size=(6, 4)) > 0) * 1.0],
    CARRIED: [rng.normal(size=s) for s in ((4, 3), (5,), (5, 3), (5, 5), (2, 5), (4, 2))],
    BIAS: [*LAYERS[:2], rng.normal(size=(6, 4)), rng.normal(size=4)],
    FIRST_IS_LINEAR: [LAYERS[0], [rng.normal(size=s) for s in ((3, 4), (4, 4), (4, 2))]],
    READ_TWICE: LAYERS,
    STATISTIC: [rng.normal(size=s) for s in ((6, 3), (3, 4), (6, 4))],
    ROWS_BY_NUMBER: [LAYERS[0], np.array([0, 2, 2, 4]), rng.normal(size=(4, 3))],
    SWISH: LAYERS,
    THREE_STATISTICS: [rng.normal(size=s) for s in ((6, 3), (3, 4), (6, 4))],
    ONE_ROW: [rng.normal(size=(5, 3)), rng.normal(size=3), 2],
}


def report_on(text, base):
    functions = load(text, f"seldom mistake {hash(text)}")
    # So that the speed of the machine does not decide.
    return al.check_derivation(*functions, *INPUTS[base], seconds=10, show=False)


@pytest.mark.parametrize("text", INPUTS)
def test_right_ones(text):
    report = report_on(text, text)
    assert report.ok, str(report)


@pytest.mark.parametrize(
    ("text", "old", "new", "part", "cause", "words"),
    [
        (RECTIFIED, "dh[off] = 0", "dh[~off] = 0", "dh[~off]", "mask", "the mask ~off is inverted"),
        (RECTIFIED, "dh[off] = 0", "dh[h > 0] = 0", "dh[h", "mask", "dh[~(h > 0)] = 0"),
        (
            HUBER,
            "np.clip(r, -delta",
            "np.clip(r, 0",
            "dr =",
            "mask",
            "be np.clip(r, -delta, delta)",
        ),
        (LABELLED, "ds[np.arange(n), y]", "ds[:, y]", "ds[:", "index", "ds[np.arange(n), y]."),
        (ONE_ROW, "dE[i] +=", "dE +=", "dE +=", "index", "changed in every row: write dE[i]"),
        (
            *(MARGINS, "    over[np.arange(n), y] -= count\n", "", "count =", "term"),
            "after this line a term is missing: over[np.arange(n), y] -= count",
        ),
        (
            *(WORDS, 'slope(h, "tanh")', 'slope(h, "logistic")', "dh =", "activation"),
            "'logistic' should be 'tanh' in slope(h, 'logistic')",
        ),
        (
            *(MAGNITUDES, "ones * np.sign(r)", "ones", "dw =", "activation"),
            "the derivative np.sign(r) of the absolute value is missing in ones",
        ),
        pytest.param(
            *(CARRIED, " + W.T @ dz", "", "dh =", "term"),
            "the term + W.T @ dz is missing in dh",
            marks=pytest.mark.slow,
        ),
        (BIAS, "e.sum", "W.sum", "db =", "operand", "W should be e in W.sum(axis=0)"),
        (BIAS, "e.sum", "dW.sum", "db =", "operand", "dW should be e in dW.sum(axis=0)"),
        (FIRST_IS_LINEAR, "i != 0", "i != 3", "if i", "mask", "i != 3 should be i != 0. In"),
        (
            *(READ_TWICE, " + 2 * rough * np.cos(h)", "", "dh =", "term"),
            "the term that comes from rough is missing in dh",
        ),
        (READ_TWICE, "h.T @ e", "h.T @ e * 2", '"dV"', "factor", "the factor 2 should be left out"),
        (
            *(STATISTIC, STATISTIC.splitlines()[-2] + "\n", "", "dx =", "term"),
            "dx takes top for a constant: the term that comes through it is missing",
        ),
        (
            *(ROWS_BY_NUMBER, "np.add.at(dE, ids, H)", "dE[ids] += H", "dE[ids]", "accumulate"),
            "dE[ids] counts a repeated index only once: write np.add.at(dE, ids, ...)",
        ),
        (
            *(SWISH, "(1 + z * (1 - s))", "(1 - s)", "return s", "activation"),
            "slope(z) should be the derivative of swish(z)",
        ),
        (
            *(THREE_STATISTICS, "\n".join([*THREE_STATISTICS.splitlines()[-3:-1], ""])),
            *("", "dx =", "term", "dx takes a, b and c for constants: the term that comes through"),
        ),
        (LAST_IS_LINEAR, "i != n - 1", "i != n", "if i", "mask", "i != n should be i != n - 1"),
        (
            LAST_IS_LINEAR,
            "i != n - 1",
            "i != 0",
            "if i",
            "mask",
            "i != 0 should be i != len(Ws) - 1",
        ),
        (
            *(CLIPPED, " * ((p > 0.2) & (p < 0.8))", "", "dz =", "unknown"),
            "all that is wrong comes from dz, and no single change that was tried makes it right",
        ),
    ],
)
@pytest.mark.one_in(4)
def test_the_line_and_what_is_wrong_in_it(text, old, new, part, cause, words):
    changed = text.replace(old, new)
    assert changed != text
    assert_blamed(report_on(changed, text), changed, part, cause, words)


def test_what_follows_from_one_mistake_is_measured_from_what_the_person_has():
    text = RECTIFIED.replace("dh = e @ V.T", "de = np.abs(e)\n    dh = de @ V.T")
    text = text.replace('"dV": h.T @ e', '"dV": h.T @ de * 5')
    report = report_on(text, RECTIFIED)
    wrong = {line.name: line for line in report if line.status == "wrong"}
    assert {name: line.cause for name, line in wrong.items()} == {
        "de": "activation",
        "dV": "factor",
    }
    assert "abs in np.abs(e) should be left out" in str(report)
    assert "dV is 5 times what it should be; the factor 5 should be left" in wrong["dV"].message
    assert wrong["dV"].error == pytest.approx(0.8)


PIECES = """
import numpy as np


def forward(X, y, w, V):
    p = 1 / (1 + np.exp(-(X @ w)))
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + 0.1 * np.sum(w[1:] ** 2)
    return loss + np.sum(V**2) / 2, p


def backward(X, y, w, V, p):
    n = len(y)
    first = (X.T @ (p - y))[:1] / n
    others = (X.T @ (p - y))[1:] / n + 0.2 * w[1:]
    return np.concatenate([first, others, V.ravel()])
"""


@pytest.mark.parametrize(
    ("right", "wrong", "part", "words"),
    [
        ("(X.T @ (p - y))[1:]", "(X.T @ (X @ w - y))[1:]", "others =", "X @ w should be p"),
        ("first, others, V.ravel()", "others, first, V.ravel()", "return np", "are exchanged"),
        ("[first, others, V.ravel()]", "[V.ravel(), others, first]", "return np", "are exchanged"),
    ],
)
def test_pieces_of_a_flat_gradient(right, wrong, part, words):
    rng = np.random.default_rng(8)
    y = np.array([1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0])
    inputs = rng.normal(size=(7, 4)), y, rng.normal(size=4), rng.normal(size=(2, 3))
    text = PIECES.replace(right, wrong)
    report = al.check_derivation(*load(text, "pieces"), *inputs, show=False)
    assert_blamed(report, text, part, "operand", words)


def test_a_one_that_is_assigned_where_it_should_be_subtracted():
    rng = np.random.default_rng(9)
    text = LABELLED.replace("ds[np.arange(n), y] -= 1", "ds[np.arange(n), y] = 1")
    inputs = rng.normal(size=(6, 4)), rng.normal(size=(4, 3)), np.array([0, 2, 1, 1, 0, 2])
    report = al.check_derivation(*load(text, "labelled"), *inputs, show=False)
    assert_blamed(report, text, "= 1", "accumulate", "write -=")


LEAKY = """
import numpy as np

LEAK = 0.1


def forward(X, W, V, T):
    Z = X @ W
    H = np.where(Z > 0, Z, LEAK * Z)
    E = H @ V - T
    return 0.5 * np.sum(E ** 2), (Z, H, E)


def backward(X, W, V, T, kept):
    Z, H, E = kept
    slope = np.where(Z > 0, 1.0, LEAK)
    dW = X.T @ ((E @ V.T) * slope)
    return dW, H.T @ E
"""


def test_another_number_for_the_one_that_has_a_name():
    rng = np.random.default_rng(10)
    inputs = [rng.normal(size=s) for s in ((6, 4), (4, 5), (5, 2), (6, 2))]
    assert al.check_derivation(*load(LEAKY, "leaky"), *inputs, show=False).ok
    text = LEAKY.replace("1.0, LEAK", "1.0, 0.0")
    report = al.check_derivation(*load(text, "leaky"), *inputs, show=False)
    assert_blamed(report, text, "slope =", "activation", "0.0 should be LEAK")


SUMMED = """
import numpy as np


def forward(weights, data):
    cost = 0.0
    for x, t in data:
        h = np.tanh(weights[0] @ x)
        cost = cost + 0.5 * np.sum((weights[1] @ h - t) ** 2)
    return cost


def one(weights, x, t):
    h = np.tanh(weights[0] @ x)
    e = weights[1] @ h - t
    low = (weights[1].T @ e) * (1 - h ** 2)
    return [low @ x.T, e @ h.T]


def backward(weights, data):
    sums = [np.zeros(w.shape) for w in weights]
    for x, t in data:
        new = one(weights, x, t)
        sums = [total + part for total, part in zip(sums, new)]
    nabla_weights = sums
    return nabla_weights
"""


def test_a_sum_over_samples_in_a_comprehension():
    rng = np.random.default_rng(11)
    weights = [rng.normal(size=(4, 3)), rng.normal(size=(2, 4))]
    data = [(rng.normal(size=(3, 1)), rng.normal(size=(2, 1))) for _ in range(4)]
    assert al.check_derivation(*load(SUMMED, "summed"), weights, data, show=False).ok
    text = SUMMED.replace("[total + part for", "[part for")
    report = al.check_derivation(*load(text, "summed"), weights, data, show=False)
    words = "[total + part for total, part in zip(sums, new)]"
    assert_blamed(report, text, "[part for", "accumulate", words)


KEYED = """
import numpy as np


def forward(p, X, T):
    kept = {"A0": X}
    for k in range(1, 4):
        kept[f"Z{k}"] = p["W" + str(k)] @ kept["A" + str(k - 1)]
        kept["A" + str(k)] = np.tanh(kept["Z" + str(k)]) if k < 3 else kept["Z" + str(k)]
    return 0.5 * np.sum((kept["A3"] - T) ** 2), kept


def backward(p, X, T, kept):
    found = {}
    dZ = kept["A3"] - T
    for k in (3, 2, 1):
        before = kept["A" + str(k - 1)]
        found["W" + str(k)] = dZ @ before.T
        if k > 1:
            dZ = (p["W" + str(k)].T @ dZ) * (1 - before ** 2)
    return found
"""


def test_another_beginning_of_a_key_that_is_put_together():
    rng = np.random.default_rng(12)
    p = {f"W{k}": rng.normal(size=(4, 4)) * 0.6 for k in (1, 2, 3)}
    inputs = p, rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    assert al.check_derivation(*load(KEYED, "keyed"), *inputs, show=False).ok
    text = KEYED.replace(
        'before = kept["A" + str(k - 1)]',
        'before = kept["Z" + str(k - 1)] if k > 1 else kept["A0"]',
    )
    report = al.check_derivation(*load(text, "keyed"), *inputs, show=False)
    assert_blamed(report, text, "before =", "index", "the key 'Z' should be 'A'")


CARRIED = """
import numpy as np


def forward(xs, U, W, f, goals):
    h, c = np.zeros((W.shape[0], 1)), np.zeros((W.shape[0], 1))
    hs, cs, gs, loss = [h], [c], [], 0.0
    for x, goal in zip(xs, goals):
        g = np.tanh(U @ x + W @ h)
        c = f * c + g
        h = np.tanh(c)
        hs.append(h)
        cs.append(c)
        gs.append(g)
        loss = loss + 0.5 * np.sum((h - goal) ** 2)
    return loss, (hs, cs, gs)


def backward(xs, U, W, f, goals, kept):
    hs, cs, gs = kept
    dU, dW, df = np.zeros_like(U), np.zeros_like(W), np.zeros_like(f)
    dh_next, dc_next = np.zeros_like(hs[0]), np.zeros_like(hs[0])
    for t in reversed(range(len(xs))):
        dh = hs[t + 1] - goals[t] + dh_next
        dc = dh * (1 - hs[t + 1] ** 2) + dc_next
        df += dc * cs[t]
        dg = dc * (1 - gs[t] ** 2)
        dU += dg @ xs[t].T
        dW += dg @ hs[t].T
        dh_next = W.T @ dg
        dc_next = dc * f
    return dU, dW, df
"""


@pytest.mark.parametrize("name", ["dh_next", "dc_next"])
def test_what_a_loop_carries_and_nothing_reads(name):
    rng = np.random.default_rng(13)
    shapes = (5, 3, 1), (4, 3), (4, 4), (4, 1), (5, 4, 1)
    inputs = [rng.normal(size=s) * 0.7 for s in shapes]
    assert al.check_derivation(*load(CARRIED, "carried"), *inputs, show=False).ok
    text = CARRIED.replace(f" + {name}", "")
    report = al.check_derivation(*load(text, "carried"), *inputs, show=False)
    part = {"dh_next": "dh = hs", "dc_next": "dc = dh"}[name]
    assert_blamed(report, text, part, "term", f"the term + {name} is missing in {part[:2]}")


STEPWISE = """
import numpy as np


def forward(xs, U, W, h):
    kept, hs = [], []
    for x in xs:
        before, h = h, np.tanh(U @ x + W @ h)
        kept.append((h, before, x, W))
        hs.append(h)
    return np.stack(hs), kept


def step_backward(dh, one):
    h, before, x, W = one
    dz = dh * (1 - h ** 2)
    return {"dU": dz @ x.T, "dW": dz @ before.T, "d_before": W.T @ dz}


def backward(dhs, kept):
    dU, dW, d_next = 0.0, 0.0, np.zeros_like(kept[0][0])
    for t in reversed(range(len(kept))):
        found = step_backward(dhs[t] + d_next, kept[t])
        dU = dU + found["dU"]
        dW = dW + found["dW"]
        d_next = found["d_before"]
    dh = d_next
    return dU, dW, dh
"""


def test_what_a_loop_carries_is_missing_in_what_it_hands_to_a_helper():
    rng = np.random.default_rng(14)
    inputs = [rng.normal(size=s) * 0.8 for s in ((5, 3, 2), (4, 3), (4, 4), (4, 2))]
    assert al.check_derivation(*load(STEPWISE, "stepwise"), *inputs, show=False).ok
    text = STEPWISE.replace("dhs[t] + d_next", "dhs[t]")
    report = al.check_derivation(*load(text, "stepwise"), *inputs, show=False)
    assert_blamed(report, text, "found = step", "term", "the term + d_next is missing in dhs[t]")
