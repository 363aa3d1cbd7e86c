"""Right derivations in habits of writing that mislead, and the mistakes that these may hide."""

import numpy as np
import pytest
from derivations.running import assert_blamed, load

import autograd_lite as al

LISTS = """
import numpy as np


class Net:
    def __init__(self, rng):
        self.kernels = [rng.normal(size=s) for s in ((3, 4), (4, 4), (4, 2))]
        self.gates = [rng.normal(size=K.shape) for K in self.kernels]
        self.b = [rng.normal(size=n) for n in (4, 4, 2)]
        self.offset = 0.2

    def forward(self, X, T):
        self.outs = [X]
        for K, b in zip(self.kernels, self.b):
            self.outs.append(np.tanh(self.outs[-1] @ K + b))
        self.out = self.outs[-1] + self.offset
        return 0.5 * np.sum((self.out - T) ** 2)

    def backward(self, X, T):
        n = len(self.b)
        self.dkernels, self.db = [None] * n, [None] * n
        g = self.out - T
        goffset = g.sum()
        for i in reversed(range(n)):
            before, after = self.outs[i], self.outs[i + 1]
            g = g * (1 - after**2)
            self.dkernels[i] = before.T @ g
            self.db[i] = g.sum(axis=0)
            g = g @ self.kernels[i].T
        return self.dkernels, self.db, goffset


def forward(*_):
    pass
"""

WINDOWS = """
import numpy as np


def gather(pictures, size):
    count = len(pictures) - size + 1
    return np.array([pictures[i : i + size] for i in range(count)])


def scatter(g, size, length):
    pictures = np.zeros(length)
    for i in range(len(g)):
        pictures[i : i + size] += g[i]
    return pictures


def forward(pictures, kernel, T):
    windows = gather(np.exp(pictures), len(kernel))
    out = windows @ kernel
    return 0.5 * np.sum((out - T) ** 2), (windows, out)


def backward(pictures, kernel, T, cache):
    windows, out = cache
    dout = out - T
    dkernel = windows.T @ dout
    dwindows = np.outer(dout, kernel)
    dpictures = scatter(dwindows, len(kernel), len(pictures)) * np.exp(pictures)
    return dpictures, dkernel
"""

PACKED = """
import numpy as np


def forward(weights, X, T, lam):
    V, w = weights
    H = np.tanh(V @ X)
    out = w @ H
    return np.mean((out - T) ** 2) + lam * np.sum(V**2), (H, out)


def backward(weights, X, T, lam, cache):
    V, w = weights
    H, out = cache
    dout = 2 * (out - T) / T.size
    dw = dout @ H.T
    dV = ((w.T @ dout) * (1 - H**2)) @ X.T + 2 * lam * V
    return dV, dw
"""

WORDS = """
import numpy as np


def forward(table, other, words, near):
    here, there = table[words], other[near]
    score = np.sum(here * there, axis=1)
    return np.mean(np.log(1 + np.exp(-score))), (here, there, score)


def backward(table, other, words, near, cache):
    here, there, score = cache
    error = (1 / (1 + np.exp(-score)) - 1) / len(words)
    dhere = error[:, None] * there
    dthere = error[:, None] * here
    dtable, dother = np.zeros_like(table), np.zeros_like(other)
    np.add.at(dtable, words, dhere)
    np.add.at(dother, near, dthere)
    return dtable, dother
"""

rng = np.random.default_rng(12)
WORD, NEAR = np.array([0, 2, 2, 1, 0]), np.array([3, 3, 1, 0, 3])
INPUTS = {
    WINDOWS: [rng.normal(size=n) for n in (7, 3, 5)],
    PACKED: [(rng.normal(size=(4, 3)), rng.normal(size=(1, 4))), rng.normal(size=(3, 6))]
    + [rng.normal(size=(1, 6)), 0.1],
    WORDS: [rng.normal(size=(4, 3)), rng.normal(size=(5, 3)), WORD, NEAR],
}


def report_on(text, base):
    forward, backward = load(text, f"habit {hash(text)}", backward=None)
    if base is LISTS:
        net = forward.__globals__["Net"](np.random.default_rng(2))
        X, T = (np.random.default_rng(3).normal(size=(6, n)) for n in (3, 2))
        return al.check_derivation(net.forward, net.backward, X, T, show=False)
    return al.check_derivation(forward, backward, *INPUTS[base], show=False)


@pytest.mark.parametrize("text", [LISTS, *INPUTS])
def test_right_ones(text):
    report = report_on(text, text)
    assert report.ok, str(report)
    assert not any("not marked" in note for note in report.notes)


@pytest.mark.parametrize(
    ("text", "old", "new", "part", "cause", "words"),
    [
        (LISTS, "self.db[i] = g.sum(axis=0)", "self.db[i] = g.mean(axis=0)", "self.db[i] =")
        + ("factor", "should be a sum"),
        (LISTS, "before, after = self.outs[i]", "before, after = self.outs[i + 1]", "before, after")
        + ("index", "index i + 1 should be i"),
        (LISTS, "g @ self.kernels[i].T", "g @ self.gates[i].T", "g = g @", "operand")
        + ("should be self.kernels[i]",),
        (LISTS, "goffset = g.sum()", "goffset = g.mean()", "goffset =", "factor", "be a sum"),
        (WINDOWS, "pictures[i : i + size] += g", "pictures[i : i + size] = g", "= g[i]")
        + ("accumulate", "write +="),
        (PACKED, " + 2 * lam * V", "", "dV =", "term", "lam * V"),
        (WORDS, "-score)) - 1)", "-score)))", "error =", "term", "- 1"),
        (WORDS, "np.add.at(dtable, words, dhere)", "dtable[words] = dhere", "dtable[words]")
        + ("accumulate", "np.add.at(dtable, words, ...)"),
    ],
)
@pytest.mark.one_in(4)
def test_the_line_and_what_is_wrong_in_it(text, old, new, part, cause, words):
    changed = text.replace(old, new)
    assert changed != text
    assert_blamed(report_on(changed, text), changed, part, cause, words)


SCRIPT = """
import numpy as np
rng = np.random.default_rng(5)
X, moves = rng.normal(size=(12, 4)), rng.integers(0, 3, 12)
gains = rng.normal(size=12)
centred = gains - gains.mean()
W = rng.normal(size=(4, 3))
chosen = np.eye(3)[moves]
for step in range(3):
    logits = X @ W
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    logp = np.log(p)
    loss = -np.mean(centred * logp[np.arange(12), moves])
    dlogits = centred[:, None] * (p - chosen) / 12
    dW = X.T @ dlogits
    W -= 0.1 * dW
"""


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("* (p - chosen)", "* (chosen - p)", "sign"),
        ("centred[:, None] *", "gains[:, None] *", "operand"),
    ],
)
def test_targets_that_were_computed_from_the_labels_before(old, new, cause):
    report = al.check_script(SCRIPT.replace(old, new), show=False)
    line = next(i for i, t in enumerate(SCRIPT.splitlines(), 1) if "dlogits =" in t)
    found = {(n.line, n.cause) for n in report if n.status == "wrong"}
    assert found == {(line, cause)}, str(report)
    assert al.check_script(SCRIPT, show=False).ok


LOOP = """
import numpy as np


def factory():
    def forward(X, W, T):
        hs, loss = [np.zeros(3)], 0.0
        for x, t in zip(X, T):
            hs.append(np.tanh(W @ hs[-1] + x))
            loss = loss + np.sum((hs[-1] - t) ** 2)
        return loss, hs

    def backward(X, W, T, hs):
        if hs is None:
            return never_set
        dW, later = np.zeros_like(W), np.zeros(3)
        for k in reversed(range(len(X))):
            parts = {"a": hs[k + 1], "b": [1, [2, 3]]}
            ragged = [hs[k], [1.0]]
            far = np.array([np.inf, -np.inf, np.nan])
            dh = 2 * (hs[k + 1] - T[k]) + later
            dz = dh * (1 - hs[k + 1] ** 2)
            dW += np.outer(dz, hs[k])
            later = W.T @ dz
        return dW

    if False:
        never_set = 1
    return forward, backward


forward, backward = factory()
"""


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("first", [0.3, np.inf])
def test_a_loop_with_containers_infinities_and_an_unset_variable(first):
    X, W, T = (np.random.default_rng(8).normal(size=s) for s in ((5, 3), (3, 3), (5, 3)))
    X[0, 0] = first
    assert al.check_derivation(*load(LOOP, "loop"), X, W, T, show=False).ok
    changed = LOOP.replace("dh * (1 - hs[k + 1] ** 2)", "dh * (1 - hs[k])")
    report = al.check_derivation(*load(changed, "loop changed"), X, W, T, show=False)
    line = next(i for i, t in enumerate(changed.splitlines(), 1) if "dz = " in t)
    found = [(n.line, n.cause) for n in report if n.status == "wrong"]
    assert found == [(line, "activation")], str(report)


def test_complex_arrays_and_masks_are_no_slopes():
    source = """
import numpy as np


def forward(W, X, T):
    Z = W @ X
    far = np.abs(Z) > 2
    phases = np.exp(1j * X)
    out = np.real(Z * phases[:1])
    return np.sum((out - T) ** 2), (phases, far, out)


def backward(W, X, T, cache):
    phases, far, out = cache
    dout = 2 * (out - T)
    dZ = dout * np.real(phases[:1])
    dW = dZ @ X.T
    return dW
"""
    W, X, T = (np.random.default_rng(4).normal(size=s) for s in ((1, 3), (3, 5), (1, 5)))
    assert al.check_derivation(*load(source, "phases"), W, X, T, show=False).ok
    changed = source.replace("dout * np.real(phases[:1])", "dout * 1")
    report = al.check_derivation(*load(changed, "phases changed"), W, X, T, show=False)
    line = next(i for i, t in enumerate(changed.splitlines(), 1) if "dZ = " in t)
    assert [n.line for n in report if n.status == "wrong"] == [line], str(report)
