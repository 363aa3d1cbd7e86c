"""What the search for a mistake finds: factors, terms and statements that are missing."""

import numpy as np
import pytest

import autograd_lite as al

LINES = """
import numpy as np
rng = np.random.default_rng(3)
X, T = rng.normal(size=(6, 3)), rng.integers(0, 2, 6)
W, V, lam = rng.normal(size=(3, 4)), rng.normal(size=(4, 2)), 0.3
for step in range(3):
    m = len(X)
    H = np.maximum(X @ W, 0)
    E = np.exp(H @ V)
    P = E / E.sum(axis=1, keepdims=True)
    loss = -np.log(P[np.arange(m), T]).mean() + 0.5 * lam / m * np.sum(W * W)
    dS = P.copy()
    dS[np.arange(m), T] -= 1
    dS /= m
    dV = H.T @ dS
    dH = dS @ V.T
    dH[H <= 0] = 0
    dW = X.T @ dH + lam / m * W
    W -= 0.1 * dW
    V -= 0.1 * dV
"""


def test_the_script_is_right_as_it_stands():
    assert al.check_script(LINES, show=False).ok


@pytest.mark.parametrize(
    ("written", "changed", "line", "cause", "words"),
    [
        ("+ lam / m * W\n", "+ W\n", 18, "factor", "lam / m"),
        (" + lam / m * W\n", "\n", 18, "term", "lam / m"),
        ("    dH[H <= 0] = 0\n", "    pass\n", 16, "mask", "H > 0"),
        ("    dS[np.arange(m), T] -= 1\n", "    pass\n", 12, "term", "-= 1"),
    ],
)
def test_what_is_missing_is_named(written, changed, line, cause, words):
    report = al.check_script(LINES.replace(written, changed), show=False)
    wrong = [found for found in report if found.status == "wrong"]
    assert {(found.line, found.cause) for found in wrong} == {(line, cause)}
    assert words in wrong[0].message


def test_a_gradient_in_the_place_of_another_is_found_in_the_return_statement():
    def forward(x, w):
        return np.tanh(x) * w, (x, w)

    def backward(dout, cache):
        x, w = cache
        dw = dout * np.tanh(x)
        return dw, dw

    x, w = np.random.default_rng(0).normal(size=(2, 3, 4))
    report = al.check_derivation(forward, backward, x, w, show=False)
    assert not report.ok


def test_marking_writes_no_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = LINES + "    np.save('W.npy', W)\n    with open('log.txt', 'a') as f:\n"
    text += "        f.write('a step')\n"
    al.check_script(text, show=False)
    assert not list(tmp_path.iterdir())


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def loss(X, T, W, V):
    return 0.5 * np.sum((sigmoid(sigmoid(X @ W) @ V) - T) ** 2)


def handed_on(X, T, W, V):
    gW, gV = np.zeros_like(W), np.zeros_like(V)
    for x, t in zip(X, T, strict=True):
        hidden = sigmoid(x @ W)
        out = sigmoid(hidden @ V)
        error = (out - t) * out * (1 - out)
        back = V @ error
        term = back
        gV += np.outer(hidden, error)
        gW += np.outer(x, term)
    return gW, gV


def lacking_for_two(X, T, W, V):
    hidden = sigmoid(X @ W)
    out = sigmoid(hidden @ V)
    d3 = out - T
    gV = hidden.T @ d3
    d2 = d3 @ V.T * hidden * (1 - hidden)
    return X.T @ d2, gV


@pytest.mark.parametrize(
    ("backward", "line", "cause", "words"),
    [
        # What lacks something is the line that does nothing, and not the one before.
        (handed_on, 7, "activation", "hidden * (1 - hidden)"),
        # One line that both of two others come from, though it is right for another value.
        (lacking_for_two, 3, "activation", "out * (1 - out)"),
    ],
)
def test_of_several_explanations_the_likeliest_is_named(backward, line, cause, words):
    X, T = np.random.default_rng(5).normal(size=(2, 6, 3))
    W, V = np.random.default_rng(6).normal(size=(2, 3, 3))
    report = al.check_derivation(loss, backward, X, T, W, V, show=False)
    start = backward.__code__.co_firstlineno
    wrong = [found for found in report if found.status == "wrong"]
    assert {(found.line - start, found.cause) for found in wrong} == {(line, cause)}
    assert words in wrong[0].message
