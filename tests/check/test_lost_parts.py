"""Mistakes that lose a part of a gradient, or put it into another place."""

import numpy as np
import pytest
from derivations.running import assert_blamed, load

import autograd_lite as al

LEAKY = """
import numpy as np


def forward(X, V, c, U, y):
    s = X @ V + c
    h = np.where(s > 0, s, 0.1 * s)
    out = h @ U
    return 0.5 * np.sum((out - y) ** 2), (s, h, out)


def backward(X, V, c, U, y, kept):
    s, h, out = kept
    last = out - y
    gU = h.T @ last
    first = last @ U.T
    first[s <= 0] *= 0.1
    gV = X.T @ first + 0 * V
    gc = np.sum(first, axis=0)
    return gV, gc, gU
"""

NORMALISED = """
import numpy as np


def forward(x, scale, shift):
    centre = x.mean(axis=1, keepdims=True)
    spread = np.sqrt(((x - centre) ** 2).mean(axis=1, keepdims=True) + 1e-6)
    unit = (x - centre) / spread
    return scale * unit + shift, (unit, spread)


def backward(dout, kept, scale):
    unit, spread = kept
    dscale = (dout * unit).sum(axis=0)
    dshift = dout.sum(axis=0)
    g = dout * scale
    dx = (g - g.mean(1, keepdims=True) - unit * (g * unit).mean(1, keepdims=True)) / spread
    return dx, dscale, dshift
"""

NORMALISED_DX = "(g - g.mean(1, keepdims=True) - unit * (g * unit).mean(1, keepdims=True)) / spread"

GATES = """
import numpy as np


def forward(x, W, c0):
    a = x @ W
    one, two, three = np.split(a, 3, axis=1)
    i, f, g = 1 / (1 + np.exp(-one)), 1 / (1 + np.exp(-two)), np.tanh(three)
    c = f * c0 + i * g
    return c, (x, i, f, g, c0)


def backward(dc, kept, W):
    x, i, f, g, c0 = kept
    di, df, dg = dc * g, dc * c0, dc * i
    da = np.concatenate([di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2)], axis=1)
    return da @ W.T, x.T @ da, dc * f
"""

PADDED = """
import numpy as np


def forward(x, w, pad=2):
    long = np.pad(x, ((0, 0), (pad, pad)))
    out = np.zeros((len(x), long.shape[1] - len(w) + 1))
    for t in range(out.shape[1]):
        out[:, t] = long[:, t : t + len(w)] @ w
    return out, (long, pad)


def backward(dout, kept, w):
    long, pad = kept
    dlong, dw = np.zeros_like(long), np.zeros_like(w)
    for t in range(dout.shape[1]):
        dw += long[:, t : t + len(w)].T @ dout[:, t]
        dlong[:, t : t + len(w)] += np.outer(dout[:, t], w)
    dx = dlong[:, pad:-pad]
    return dx, dw
"""

WITH_BIASES = """
import numpy as np


def forward(X, Theta, y, lam):
    m = len(X)
    h = 1 / (1 + np.exp(-(X @ Theta[:, 1:].T + Theta[:, 0])))
    J = -np.sum(y * np.log(h) + (1 - y) * np.log(1 - h)) / m
    return J + lam / (2 * m) * np.sum(Theta[:, 1:] ** 2), h


def backward(X, Theta, y, lam, h):
    m = len(X)
    d = h - y
    Theta_grad = np.concatenate([d.sum(axis=0)[:, None], d.T @ X], axis=1) / m
    Theta_grad[:, 1:] += lam / m * Theta[:, 1:]
    return Theta_grad
"""

RECURRENT = """
import numpy as np


def forward(xs, ys, h0, U, W, V):
    h, loss, hs, errors = h0, 0, [h0], []
    for x, y in zip(xs, ys):
        h = np.tanh(U @ x + W @ h)
        hs.append(h)
        errors.append(V @ h - y)
        loss += 0.5 * np.sum(errors[-1] ** 2)
    return loss, (hs, errors)


def backward(xs, ys, h0, U, W, V, kept):
    hs, errors = kept
    gU, gW, gV = np.zeros_like(U), np.zeros_like(W), np.zeros_like(V)
    later = np.zeros_like(h0)
    for t in reversed(range(len(xs))):
        gV += np.outer(errors[t], hs[t + 1])
        dh = V.T @ errors[t] + later
        dz = dh * (1 - hs[t + 1] ** 2)
        gU += np.outer(dz, xs[t])
        gW += np.outer(dz, hs[t])
        later = W.T @ dz
    return gU, gW, gV
"""

SCALED = """
import numpy as np


def weights(s):
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def forward(q, k, v):
    root = np.sqrt(q.shape[-1])
    scores = q @ k.T / root
    A = weights(scores)
    return A @ v, (q, k, v, A, root)


def through_softmax(dA, A):
    return A * (dA - np.sum(dA * A, axis=-1, keepdims=True))


def backward(dout, kept):
    q, k, v, A, root = kept
    dv = A.T @ dout
    dscores = through_softmax(dout @ v.T, A) / root
    return dscores @ k, dscores.T @ q, dv
"""

PAIRS = """
import numpy as np


def forward(C, O, pairs):
    total, gC, gO = 0.0, np.zeros_like(C), np.zeros_like(O)
    for i, j, k in pairs:
        near = 1 / (1 + np.exp(-C[i] @ O[j]))
        far = 1 / (1 + np.exp(C[i] @ O[k]))
        total += -np.log(near) - np.log(far)
        gC[i] += (near - 1) * O[j] + (1 - far) * O[k]
        gO[j] += (near - 1) * C[i]
        gO[k] += (1 - far) * C[i]
    return total, gC, gO


backward = forward
"""


MINIMAL = """
import numpy as np


def forward(xs, h0, Wf, Uf, Wg, Ug):
    h, kept, out = h0, [], []
    for x in xs:
        f = 1 / (1 + np.exp(-(x @ Wf + h @ Uf)))
        g = np.tanh(x @ Wg + (f * h) @ Ug)
        kept.append((h, f, g))
        h = (1 - f) * h + f * g
        out.append(0.5 * np.sum(h**2))
    return sum(out), (kept, h)


def backward(xs, h0, Wf, Uf, Wg, Ug, cache):
    kept, h = cache
    dWf, dUf, dWg, dUg = (np.zeros_like(W) for W in (Wf, Uf, Wg, Ug))
    later = np.zeros_like(h0)
    for t in reversed(range(len(xs))):
        before, f, g = kept[t]
        dh = later + (1 - f) * before + f * g
        dg = dh * f * (1 - g**2)
        through = dg @ Ug.T
        df = dh * (g - before) + through * before
        df = df * f * (1 - f)
        dWg += xs[t].T @ dg
        dUg += (f * before).T @ dg
        dWf += xs[t].T @ df
        dUf += before.T @ df
        later = dh * (1 - f) + through * f + df @ Uf.T
    return dWf, dUf, dWg, dUg
"""


def shapes(*several):
    rng = np.random.default_rng(3)
    return [rng.normal(size=s) for s in several]


INPUTS = {
    LEAKY: shapes((8, 4), (4, 5), (5,), (5, 2), (8, 2)),
    NORMALISED: shapes((6, 5), (5,), (5,)),
    GATES: shapes((5, 3), (3, 12), (5, 4)),
    PADDED: shapes((3, 7), (3,)),
    WITH_BIASES: [*shapes((9, 3), (2, 4)), np.random.default_rng(1).integers(0, 2, (9, 2)), 0.7],
    RECURRENT: shapes((4, 3), (4, 2), (5,), (5, 3), (5, 5), (2, 5)),
    SCALED: shapes((4, 6), (5, 6), (5, 3)),
    MINIMAL: shapes((3, 4, 2), (4, 3), (2, 3), (3, 3), (2, 3), (3, 3)),
    PAIRS: [*shapes((5, 3), (6, 3)), [(1, 0, 2), (3, 4, 5), (1, 2, 0)]],
}


def report_on(text, base):
    functions = load(text, f"lost part {hash(text)}")
    return al.check_derivation(*functions, *INPUTS[base], show=False)


@pytest.mark.parametrize("text", INPUTS)
def test_right_ones(text):
    report = report_on(text, text)
    assert report.ok, str(report)


@pytest.mark.parametrize(
    ("text", "old", "new", "part", "cause", "words"),
    [
        (LEAKY, "    first[s <= 0] *= 0.1\n", "", "first =", "activation", "with respect to s"),
        (LEAKY, "0] *= 0.1", "0] = 0.1", "first[s", "accumulate", "write *="),
        (
            *(NORMALISED, NORMALISED_DX, "g / spread"),
            *("dx =", "term", "centre and spread for constants"),
        ),
        (GATES, "di * i * (1 - i), df * f * (1 - f)", "df * f * (1 - f), di * i * (1 - i)")
        + ("da =", "operand", "are exchanged"),
        (PADDED, "[:, pad:-pad]", "[:, : -2 * pad]", "dx =", "index", "dlong[:, pad:-pad]"),
        (
            *(WITH_BIASES, "Theta_grad[:, 1:] += lam / m * Theta[:, 1:]"),
            *("Theta_grad += lam / m * Theta", "grad +=", "index", "write Theta_grad[:, 1:]"),
        ),
        (RECURRENT, " + later", "", "dh =", "term", "+ later is missing"),
        (MINIMAL, " + through * before", "", "df = dh", "term", "+ through * before is missing"),
        (MINIMAL, " + through * f", "", "later = dh", "term", "+ through * f is missing"),
        (MINIMAL, "dh * f * (1", "dh * (1", "dg = dh", "factor", "factor f is missing"),
        (MINIMAL, "f * (1 - g**2)", "f * g * (1 - g)", "dg = dh", "activation", "1 - g ** 2"),
        (SCALED, ", A) / root", ", A)", "dscores = t", "factor", "a factor 1/root"),
        (
            *(PAIRS, "gO[j] += (near - 1)", "gO[j] += near * (1 - near)", "gO[j] +="),
            *("activation", "should be near - 1"),
        ),
    ],
)
@pytest.mark.one_in(5)
def test_the_wrong_line_and_what_it_lacks(text, old, new, part, cause, words):
    changed = text.replace(old, new)
    assert changed != text
    assert_blamed(report_on(changed, text), changed, part, cause, words)
