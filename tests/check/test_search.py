"""What the search for a mistake finds: factors, terms and statements that are missing."""

import numpy as np
import pytest
from derivations.running import load

import autograd_lite as al
from autograd_lite.check.marking import candidates
from autograd_lite.check.marking.trials import _multiple

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


def affine(x, weight, bias):
    return np.tanh(x) * weight + bias, (x, weight)


def of_the_wrong_value(dout, cache):
    x, w = cache
    a = np.tanh(x)
    db = dout.sum(axis=0)
    dw = dout.sum(axis=0)
    return dout * w * (1 - a**2), dw, db


def test_a_gradient_with_the_value_of_another_is_the_one_that_is_wrong():
    x, weight, bias = (np.random.default_rng(7).normal(size=s) for s in ((5, 3), 3, 3))
    report = al.check_derivation(affine, of_the_wrong_value, x, weight, bias, show=False)
    start = of_the_wrong_value.__code__.co_firstlineno
    wrong = [found for found in report if found.status == "wrong"]
    assert [found.line - start for found in wrong] == [4]


def layer(x, W, U):
    return np.tanh(np.vstack([x, x * x]).T @ W) @ U, (x, W, U)


def with_a_slice(dout, cache):
    x, W, U = cache
    s = np.vstack([x, x * x]).T
    a = np.tanh(s @ W)
    dU, dW = dout.T @ a, s.T @ (dout @ U.T * (1 - a**2))
    ds = (dout @ U.T * (1 - a**2)) @ W.T
    dx = (ds.T - np.zeros_like(ds.T))[:1] + 2 * x * ds.T[1:]
    return dx, dW, dU


def with_a_sign(dout, cache):
    x, W, U = cache
    s = np.vstack([x, x * x]).T
    a = np.tanh(s @ W)
    dU, dW = a.T @ dout, s.T @ (dout @ U.T * (1 - a**2))
    g = dout @ U.T * (1 - a**2)
    dx = (W[:1] @ g.T - 2 * x * (W[1:] @ g.T))[:1]
    return dx, dW, dU


@pytest.mark.parametrize(
    ("backward", "line", "cause"), [(with_a_slice, 4, "transpose"), (with_a_sign, 6, "sign")]
)
def test_the_line_that_computes_what_is_returned_is_named(backward, line, cause):
    x, W, U = (np.random.default_rng(8).normal(size=s) for s in ((1, 6), (2, 3), (3, 3)))
    report = al.check_derivation(layer, backward, x, W, U, show=False)
    wrong = [found for found in report if found.status == "wrong"]
    start = backward.__code__.co_firstlineno
    assert {(found.line - start, found.cause) for found in wrong} == {(line, cause)}


NUMBERS = """
import math
w, x = [2.0, -3.0, -1.5], [-1.0, -2.0]
dot = w[0] * x[0] + w[1] * x[1] + w[2]
f = 1.0 / (1 + math.exp(-dot))
loss = -math.log(f)
df = -1 / f
ddot = df * (1 - f) * f
dw = [x[0] * ddot, x[1] * ddot, 1.0 * ddot]
"""


def test_no_factor_is_named_that_fits_these_numbers_only():
    assert al.check_script(NUMBERS, loss="loss", show=False).ok
    text = NUMBERS.replace("df * (1 - f) * f", "df * (1 - f * f)")
    wrong = [n for n in al.check_script(text, loss="loss", show=False) if n.status == "wrong"]
    assert len(wrong) == 1
    assert all("lacks a factor 0." not in found.message for found in wrong)


def masked(dout, cache):
    x, w = cache
    a = np.tanh(x)
    db, dw = dout.sum(axis=0), (dout * a).sum(axis=0)
    dx = dout * w
    dx = dx * -(a**2)
    return dx, dw, db


def test_a_value_that_is_made_of_its_old_one_lacks_a_term_and_no_sum():
    x, weight, bias = (np.random.default_rng(7).normal(size=s) for s in ((5, 3), 3, 3))
    report = al.check_derivation(affine, masked, x, weight, bias, show=False)
    wrong = [found for found in report if found.status == "wrong"]
    assert [found.line - masked.__code__.co_firstlineno for found in wrong] == [5]
    assert wrong[0].cause in ("term", "activation")


def rectified_net(W1, b1, W2, b2, X, Y):
    Z1 = W1 @ X + b1
    A1 = np.maximum(0, Z1)
    A2 = 1 / (1 + np.exp(-(W2 @ A1 + b2)))
    cost = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    return cost, (X, Z1, A1, W2, A2, Y)


def masked_by_the_output(cache):
    X, Z1, A1, W2, A2, Y = cache
    dZ2 = (A2 - Y) / Y.shape[1]
    dW2 = dZ2 @ A1.T
    db2 = dZ2.sum(axis=1, keepdims=True)
    dZ1 = (W2.T @ dZ2) * (A2 > 0)
    dW1 = dZ1 @ X.T
    db1 = dZ1.sum(axis=1, keepdims=True)
    return dW1, db1, dW2, db2


@pytest.mark.parametrize("seed", range(4))
def test_what_is_compared_with_0_is_another_operand_and_lacks_no_factor(seed):
    rng = np.random.default_rng(seed)
    W1, b1, W2, b2, X = (rng.normal(size=s) for s in ((4, 3), (4, 1), (1, 4), (1, 1), (3, 7)))
    Y = (rng.random((1, 7)) < 0.5).astype(float)
    report = al.check_derivation(
        rectified_net, masked_by_the_output, W1, b1, W2, b2, X, Y, show=False
    )
    [wrong] = [found for found in report if found.status == "wrong"]
    assert (wrong.name, wrong.cause) == ("dZ1", "mask")
    assert "A2 should be A1" in wrong.message or "A2 should be Z1" in wrong.message


@pytest.mark.parametrize(
    ("missing", "effect", "number"),
    [
        ([1.0, -2.0], [2.0, -4.0], 0.5),
        ([1.0, -2.0], [-1.0, 2.0], -1.0),
        ([1.0, -2.0], [2.0, -4.1], None),
        ([1.0, -2.0], [0.0, 0.0], None),
        ([0.0, 0.0], [1.0, 2.0], None),
        ([1.0, np.inf], [1.0, 2.0], None),
        ([1.0, 2.0], [1.0, np.nan], None),
        ([], [], None),
    ],
)
def test_how_often_the_effect_of_an_edit_makes_up_for_what_is_missing(missing, effect, number):
    given = np.full(len(missing), 0.25)
    assert _multiple(np.array(missing), given + effect, given) == number
    assert _multiple(np.array(missing), np.append(given + effect, 1.0), given) is None


def test_edits_that_fail_on_a_line_are_skipped_with_a_warning(monkeypatch):
    def fails(line):
        raise IndexError("an odd value")
        yield

    text = """
import numpy as np


def forward(x, w):
    out = x @ w
    return np.sum(out ** 2), out


def backward(x, w, out):
    d = out
    return x.T @ d
"""
    monkeypatch.setattr(candidates, "EDITS", (fails, *candidates.EDITS))
    rng = np.random.default_rng(1)
    inputs = rng.normal(size=(4, 3)), rng.normal(size=(3, 2))
    with pytest.warns(RuntimeWarning, match="skips fails in line [0-9]+: IndexError"):
        report = al.check_derivation(*load(text, "fails"), *inputs, show=False)
    assert "lacks a factor 2" in str(report)
