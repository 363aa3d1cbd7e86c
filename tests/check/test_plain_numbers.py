"""Derivations of plain numbers in lists, and of scripts whose functions change global variables."""

import pytest
from derivations.running import assert_blamed, load

import autograd_lite as al

LISTS = """
import math


def answer(x, inner, shifts, outer, shift):
    hidden = []
    for j in range(len(shifts)):
        s = shifts[j]
        for i in range(len(x)):
            s += inner[j][i] * x[i]
        hidden.append(math.tanh(s))
    o = shift
    for j in range(len(hidden)):
        o += outer[j] * hidden[j]
    return hidden, o


def forward(inner, shifts, outer, shift, points, goals):
    total = 0.0
    for x, t in zip(points, goals):
        total += 0.5 * (answer(x, inner, shifts, outer, shift)[1] - t) ** 2
    return total / len(points)


def backward(inner, shifts, outer, shift, points, goals):
    n = len(points)
    d_inner = [[0.0] * len(points[0]) for _ in shifts]
    d_shifts = [0.0] * len(shifts)
    d_outer = [0.0] * len(outer)
    d_shift = 0.0
    for x, t in zip(points, goals):
        hidden, o = answer(x, inner, shifts, outer, shift)
        error = (o - t) / n
        d_shift += error
        for j in range(len(hidden)):
            d_outer[j] += error * hidden[j]
            slope = error * outer[j] * (1 - hidden[j] ** 2)
            d_shifts[j] += slope
            for i in range(len(x)):
                d_inner[j][i] += slope * x[i]
    return d_inner, d_shifts, d_outer, d_shift
"""


def marked_lists(text):
    inner, shifts, outer = (
        [[0.3, -0.8], [0.9, 0.4], [-0.5, 0.6]],
        [0.1, -0.2, 0.3],
        [0.7, -0.4, 0.5],
    )
    points, goals = [[0.2, 0.9], [-0.7, 0.5], [1.1, -0.3], [0.4, 1.3]], [0.3, -0.5, 0.8, 0.1]
    given = inner, shifts, outer, 0.2, points, goals
    return al.check_derivation(*load(text, "lists"), *given, show=False)


def test_numbers_in_lists_of_lists_are_inputs_and_gradients():
    report = marked_lists(LISTS)
    assert report.ok, str(report)
    names = ["d_shift", *(f"d_shifts{j}" for j in range(3)), *(f"d_outer{j}" for j in range(3))]
    names += [f"d_inner{j}{i}" for j in range(3) for i in range(2)]
    assert sorted(line.name for line in report) == sorted(names)
    assert "not marked" not in str(report)


@pytest.mark.parametrize(
    ("old", "new", "cause", "words"),
    [
        ("(1 - hidden[j] ** 2)", "hidden[j] * (1 - hidden[j])", "activation", "1 - hidden[j] ** 2"),
        ("slope * x[i]", "error * x[i]", "operand", "error should be slope"),
        ("d_shifts[j] += slope", "d_shifts[j] = slope", "accumulate", "+="),
    ],
)
def test_the_line_of_a_mistake_with_plain_numbers(old, new, cause, words):
    text = LISTS.replace(old, new)
    assert_blamed(marked_lists(text), text, new, cause, words)


GLOBALS = """
import numpy as np

rng = np.random.default_rng(6)
X, Y = rng.normal(size=(9, 4)), rng.normal(size=(9, 2))
W1, b1 = rng.normal(size=(4, 5)), np.zeros(5)
W2, b2 = rng.normal(size=(5, 2)), np.zeros(2)
costs = []


def forward():
    global H, out, loss
    H = np.tanh(X @ W1 + b1)
    out = H @ W2 + b2
    loss = np.sum((out - Y) ** 2) / len(X)


def backward():
    global dW1, db1, dW2, db2
    d_out = 2 * (out - Y) / len(X)
    dW2 = H.T @ d_out
    db2 = d_out.sum(axis=0)
    dH = d_out @ W2.T
    d_in = dH * (1 - H ** 2)
    dW1 = X.T @ d_in
    db1 = d_in.sum(axis=0)


def update():
    global W1, b1, W2, b2
    W1 = W1 - 0.1 * dW1
    b1 = b1 - 0.1 * db1
    W2 = W2 - 0.1 * dW2
    b2 = b2 - 0.1 * db2


for epoch in range(20):
    forward()
    costs.append(loss)
    backward()
    update()
"""


def test_one_pass_of_a_loop_is_marked_whose_functions_change_global_variables():
    report = al.check_script(GLOBALS, show=False)
    assert report.ok, str(report)
    assert {line.name for line in report} >= {"dW1", "db1", "dW2", "db2", "dH"}


@pytest.mark.parametrize(
    ("old", "new", "cause", "words"),
    [
        ("d_out = 2 * (out - Y) / len(X)", "d_out = (out - Y) / len(X)", "factor", "factor 2"),
        ("(1 - H ** 2)", "(1 - H)", "activation", "H"),
        ("d_out @ W2.T", "-d_out @ W2.T", "sign", "sign"),
    ],
)
def test_the_line_of_a_mistake_in_such_a_function(old, new, cause, words):
    text = GLOBALS.replace(old, new)
    assert_blamed(al.check_script(text, show=False), text, new, cause, words)
