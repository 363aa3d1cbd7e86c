"""Backward passes of closures: each function returns one, and they run in reverse order."""

import numpy as np
import pytest
from derivations.running import load

import autograd_lite as al

TAPE = """
import numpy as np


def affine(x, weights, grads, name):
    out = x @ weights[name + "_w"] + weights[name + "_b"]

    def back(g):
        grads[name + "_w"] += x.T @ g
        grads[name + "_b"] += g.sum(axis=0)
        return g @ weights[name + "_w"].T

    return out, back


def gained(x, weights, grads, name):
    gain = weights[name + "_gain"]
    t = np.tanh(x)

    def back(g):
        grads[name + "_gain"] += (g * t).sum(axis=0)
        return g + g * gain * (1 - t * t)

    return x + gain * t, back


def forward(weights, X, Y, rate=0.1):
    grads = {k: np.zeros_like(v) for k, v in weights.items()}
    tape = []
    h, back = affine(X, weights, grads, "low")
    tape.append(back)
    h, back = gained(h, weights, grads, "mid")
    tape.append(back)
    h, back = affine(h, weights, grads, "high")
    tape.append(back)
    cost = np.mean((h - Y) ** 2)
    g = 2 * (h - Y) / Y.size
    for back in reversed(tape):
        g = back(g)
    cost += rate * sum((v ** 2).sum() for k, v in weights.items() if k.endswith("_w"))
    for k in weights:
        if k.endswith("_w"):
            grads[k] += 2 * rate * weights[k]
    return cost, grads


backward = None
"""


def marked(text):
    rng = np.random.default_rng(12)
    shapes = {"low_w": (3, 5), "low_b": 5, "mid_gain": 5, "high_w": (5, 2), "high_b": 2}
    weights = {k: rng.normal(size=shape) for k, shape in shapes.items()}
    X, Y = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
    return al.check_derivation(load(text, "tape")[0], weights, X, Y, show=False)


def test_what_closures_add_to_a_dict_is_marked():
    report = marked(TAPE)
    assert report.ok, str(report)
    lines = {line.name: line.line for line in report}
    added, decayed = (
        next(n for n, text in enumerate(TAPE.splitlines(), 1) if part in text)
        for part in ('"_b"] +=', "grads[k] +=")
    )
    assert lines["low_b"] == lines["high_b"] == added
    assert lines["low_w"] == lines["high_w"] == decayed
    assert "not marked" not in str(report)


@pytest.mark.parametrize(
    ("old", "new", "names", "words"),
    [
        ("g.sum(axis=0)", "g.mean(axis=0)", {"low_b", "high_b"}, "g.mean(axis=0) should be a sum"),
        ("(g * t).sum", "(g * x).sum", {"mid_gain"}, "x should be t"),
    ],
)
def test_what_they_add_wrongly_is_wrong_in_their_line(old, new, names, words):
    text = TAPE.replace(old, new)
    report = marked(text)
    number = next(n for n, line in enumerate(text.splitlines(), 1) if new in line)
    assert {(n.name, n.line) for n in report if n.status == "wrong"} == {(n, number) for n in names}
    assert "does not depend" not in str(report)
    assert words in str(report)
