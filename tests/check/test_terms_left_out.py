"""Terms that a derivation lacks, named at the statement that should have them."""

import numpy as np
import pytest

import autograd_lite as al


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def hinge(W, X, labels, reg):
    n = len(X)
    scores = X @ W
    margins = np.maximum(0, scores - scores[np.arange(n), labels][:, None] + 1)
    margins[np.arange(n), labels] = 0
    loss = margins.sum() / n + reg * np.sum(W**2)
    over = (margins > 0).astype(float)
    over[np.arange(n), labels] = -over.sum(axis=1)
    dW = X.T @ over
    dW /= n
    return loss, dW


def pairs(v, U):
    total = 0.0
    for i in range(len(U)):
        total = total - np.log(sigmoid(U[i] @ v))
    return total


def without_the_label(v, U):
    grad_v = np.zeros_like(v)
    grad_U = np.zeros_like(U)
    for i in range(len(U)):
        p = sigmoid(U[i] @ v)
        grad_v += p * U[i]
        grad_U[i] += (p - 1) * v
    return grad_v, grad_U


def error_of(w, X, y):
    out = predicted(w, X)
    return 0.5 * np.sum((out - y) ** 2)


def predicted(w, X):
    return sigmoid(X @ w)


def without_the_target(w, X, y):
    guess = predicted(w, X)
    d = guess * guess * (1 - guess)
    return X.T @ d


rng = np.random.default_rng(3)
X, y, w = rng.normal(size=(6, 4)), rng.random(6), rng.normal(size=4)
W, LABELS = rng.normal(size=(4, 3)), rng.integers(0, 3, 6)
U, v = rng.normal(size=(5, 4)), rng.normal(size=4)


@pytest.mark.parametrize(
    ("forward", "backward", "inputs", "line", "words"),
    [
        # After the division, and not before it times the number of samples.
        (hinge, None, (W, X, LABELS, 0.3), 9, "2 * reg * W"),
        # Not in the line that makes the zeros.
        (pairs, without_the_label, (v, U), 5, "- U[i]"),
        # Not in the line that computes a value of the forward pass again.
        (error_of, without_the_target, (w, X, y), 2, "- y"),
    ],
)
def test_a_term_is_missing_where_it_belongs(forward, backward, inputs, line, words):
    report = (
        al.check_derivation(forward, *inputs, show=False)
        if backward is None
        else al.check_derivation(forward, backward, *inputs, show=False)
    )
    wrong = [found for found in report if found.status == "wrong"]
    start = (backward or forward).__code__.co_firstlineno
    assert [(found.line - start, found.cause) for found in wrong] == [(line, "term")], str(report)
    assert words in wrong[0].message
