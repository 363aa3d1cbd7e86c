"""Gradients of what has no name in the forward pass: dZ1 where there is no Z1."""

import numpy as np
import pytest
from derivations.running import assert_blamed, load

import autograd_lite as al

# The masks and the targets have the shapes of what is without a name.
NET = """
import numpy as np


def forward(X, Y, W1, W2, W3, D1, D2, keep):
    A1 = np.maximum(0, W1 @ X)
    A1 = A1 * D1
    A1 = A1 / keep
    A2 = np.maximum(0, W2 @ A1)
    A2 = A2 * D2
    A2 = A2 / keep
    E = W3 @ A2 - Y
    return np.sum(E**2) / 2 / X.shape[1], (A1, A2, E)


def backward(X, Y, W1, W2, W3, D1, D2, keep, cache):
    A1, A2, E = cache
    m = X.shape[1]
    dZ3 = E
    dW3 = dZ3 @ A2.T / m
    dA2 = W3.T @ dZ3
    dA2 = dA2 * D2
    dA2 = dA2 / keep
    dZ2 = dA2 * (A2 > 0)
    dW2 = dZ2 @ A1.T / m
    dA1 = W2.T @ dZ2
    dA1 = dA1 * D1
    dA1 = dA1 / keep
    dZ1 = dA1 * (A1 > 0)
    dW1 = dZ1 @ X.T / m
    return {"dZ3": dZ3, "dW3": dW3, "dZ2": dZ2, "dW2": dW2, "dZ1": dZ1, "dW1": dW1}
"""


def marked(text, module="net"):
    rng = np.random.default_rng(3)
    given = [rng.normal(size=s) for s in ((4, 11), (1, 11), (7, 4), (6, 7), (1, 6))]
    masks = [(rng.random(s) < 0.8).astype(float) for s in ((7, 11), (6, 11))]
    return al.check_derivation(*load(text, module), *given, *masks, 0.8, show=False)


def test_they_are_not_taken_for_those_of_inputs_of_their_shapes():
    report = marked(NET)
    assert report.ok, str(report)
    found = {line.name: line.status for line in report}
    assert found == dict.fromkeys(["dW1", "dW2", "dW3"], "correct") | dict.fromkeys(
        ["E", "dZ3", "dA2", "dZ2", "dA1", "dZ1"], "convention"
    )


@pytest.mark.parametrize(
    ("old", "new", "cause", "words"),
    [
        ("dZ3 = E", "dZ3 = -E", "sign", "-E has the wrong sign"),
        ("dZ3 = E", "dZ3 = E / m", "factor", "dZ3 lacks a factor"),
        ("dZ2 = dA2 * (A2 > 0)", "dZ2 = dA2", "mask", "multiply by A2 > 0"),
        ("dZ1 = dA1 * (A1 > 0)", "dZ1 = dA1 * (A1 <= 0)", "mask", "the mask A1 <= 0 is inverted"),
    ],
)
def test_what_is_wrong_in_them_is_marked_in_their_line(old, new, cause, words):
    text = NET.replace(old, new)
    assert_blamed(marked(text), text, new, cause, words)


@pytest.mark.parametrize("mask", ["(A1 < 0)", "np.zeros_like(A1)", "0"])
@pytest.mark.parametrize("returned", ["dW1, dW3", "{'dZ1': dZ1, 'dW1': dW1, 'dW3': dW3}"])
def test_where_all_is_lost_the_line_that_loses_it_is_wrong(mask, returned):
    text = NET.replace("dZ1 = dA1 * (A1 > 0)", f"dZ1 = dA1 * {mask}")
    text = text[: text.index("    return {")] + f"    return {returned}\n"
    report = marked(text)
    assert_blamed(report, text, "dZ1 = ", "term" if mask == "0" else "mask", "dZ1")
    assert not [line for line in report if line.status == "unmarked"]


ALL_ONES = """
import numpy as np


def forward(W, b, X, Y):
    Z = W @ X + b
    A = 1 / (1 + np.exp(-Z))
    return -np.mean(Y * np.log(A)), (A, X, Y)


def backward(cache):
    A, X, Y = cache
    dZ = (A - Y) / Y.shape[1]
    dW = dZ @ X.T
    db = dZ.sum(axis=1, keepdims=True)
    return dW, db
"""


def test_a_value_that_is_handed_on_is_no_gradient_though_it_equals_one():
    """Where all labels are 1, A is N times the gradient of 1 + exp(-Z)."""
    forward, backward = load(ALL_ONES, "all ones")
    X = np.random.default_rng(0).normal(size=(2, 50))
    arrays = np.ones((1, 2)), np.zeros((1, 1)), X, np.ones((1, 50))
    report = al.check_derivation(forward, backward, *arrays, show=False)
    assert [line.name for line in report] == ["dZ", "dW", "db"] and report.ok
