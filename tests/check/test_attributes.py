"""Mistakes in methods that put gradients into attributes: in loops, by other names, or never."""

import types

import numpy as np
import pytest
from derivations.running import assert_blamed

import autograd_lite as al

RECURRENT = """
import numpy as np


class Recurrent:
    def __init__(self, rng):
        self.U, self.W, self.V = (rng.normal(size=s) for s in ((4, 3), (4, 4), (2, 4)))

    def loss(self, series, wanted):
        self.series, self.states = series, {-1: np.zeros(4)}
        for t in range(len(series)):
            self.states[t] = np.tanh(self.U @ series[t] + self.W @ self.states[t - 1])
        self.off = np.array([self.V @ self.states[t] for t in range(len(series))]) - wanted
        return 0.5 * np.sum(self.off ** 2)

    def gradients(self, series, wanted):
        self.dU, self.dW = np.zeros_like(self.U), np.zeros_like(self.W)
        self.dV = np.zeros_like(self.V)
        later = np.zeros(4)
        for t in range(len(series) - 1, -1, -1):
            self.dV += np.outer(self.off[t], self.states[t])
            dz = (self.V.T @ self.off[t] + later) * (1 - self.states[t] ** 2)
            self.dU += np.outer(dz, series[t])
            self.dW += np.outer(dz, self.states[t - 1])
            later = self.W.T @ dz
"""

LAYERS = """
import numpy as np


class Weights:
    def __init__(self, value):
        self.value, self.grad = value, np.zeros_like(value)


class Table:
    def __init__(self, rng):
        self.rows = Weights(rng.normal(size=(6, 4)))

    def forward(self, words):
        self.words = words
        return self.rows.value[words]

    def backward(self, d):
        np.add.at(self.rows.grad, self.words, d)


class Average:
    def forward(self, x):
        self.count = x.shape[1]
        return x.mean(axis=1)

    def backward(self, d):
        return np.repeat(d[:, None, :], self.count, axis=1) / self.count


class Linear:
    def __init__(self, rng):
        self.weight, self.bias = Weights(rng.normal(size=(4, 3))), Weights(rng.normal(size=3))

    def forward(self, x):
        self.x = x
        return x @ self.weight.value + self.bias.value

    def backward(self, d):
        summed = d.sum(axis=0)
        self.weight.grad += self.x.T @ d
        self.bias.grad += summed
        return d @ self.weight.value.T


class Net:
    def __init__(self, rng):
        self.layers = [Table(rng), Average(), Linear(rng)]

    def loss(self, words, wanted):
        for layer in self.layers:
            words = layer.forward(words)
        self.off = words - wanted
        return 0.5 * np.sum(self.off ** 2) / len(wanted)

    def gradients(self, words, wanted):
        d = self.off / len(wanted)
        for layer in reversed(self.layers):
            d = layer.backward(d)
"""


def loaded(text, name):
    import linecache

    filename = f"<attributes {name}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    module = types.ModuleType(name)
    exec(compile(text, filename, "exec"), module.__dict__)
    return module


def report_on_recurrent(text):
    rng = np.random.default_rng(2)
    net = loaded(text, "recurrent").Recurrent(rng)
    series, wanted = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    return al.check_derivation(net.loss, net.gradients, series, wanted, show=False, seconds=12)


def report_on_layers(text):
    rng = np.random.default_rng(2)
    net = loaded(text, "layers").Net(rng)
    words = np.array([[0, 2, 2, 5], [1, 1, 4, 0], [5, 3, 0, 1]])
    wanted = rng.normal(size=(3, 3))
    return al.check_derivation(net.loss, net.gradients, words, wanted, show=False, seconds=12)


@pytest.mark.parametrize(
    ("report_on", "text"), [(report_on_recurrent, RECURRENT), (report_on_layers, LAYERS)]
)
def test_they_are_right(report_on, text):
    assert report_on(text).ok


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("range(len(series) - 1, -1, -1)", "range(len(series) - 1, 0, -1)"),
        ("range(len(series) - 1, -1, -1)", "range(len(series) - 2, -1, -1)"),
    ],
)
def test_attributes_that_a_loop_adds_up_in_fewer_rounds(right, wrong):
    text = RECURRENT.replace(right, wrong)
    assert_blamed(report_on_recurrent(text), text, wrong, "index", f"should run over {right}")


def test_an_attribute_that_is_given_an_array_of_another_use():
    text = LAYERS.replace("self.bias.grad += summed", "self.bias.grad = d.sum() * np.ones(3)")
    report = report_on_layers(text)
    (wrong,) = {line.line for line in report if line.status == "wrong"}
    assert "self.bias.grad = " in text.splitlines()[wrong - 1]


def test_a_layer_that_is_left_out_keeps_its_zeros():
    text = LAYERS.replace("reversed(self.layers)", "reversed(self.layers[1:])")
    words = "should run over reversed(self.layers)"
    report = report_on_layers(text)
    assert_blamed(report, text, "for layer in reversed", "index", words)
    assert [n.status for n in report if n.tensor.endswith("rows.value")] == ["inherited"]


def test_a_factor_of_one_gradient_is_no_convention():
    """Four words and four columns: 4 times the loss could be meant, but for the layers before."""
    text = LAYERS.replace("axis=1) / self.count", "axis=1)")
    words = "lacks a factor 1/self.count"
    assert_blamed(report_on_layers(text), text, "return np.repeat", "factor", words)


LISTS = """
import numpy as np


class Net:
    def __init__(self, rng):
        self.weights = [rng.normal(size=s) for s in ((4, 5), (5, 3))]
        self.biases = [rng.normal(size=(1, n)) for n in (5, 3)]

    def loss(self, X, y):
        self.outs = [X]
        for W, b in zip(self.weights, self.biases):
            self.outs.append(np.tanh(self.outs[-1] @ W + b))
        return 0.5 * np.sum((self.outs[-1] - y) ** 2)

    def gradients(self, X, y):
        self.grad_w, self.grad_b = [None] * 2, [None] * 2
        d = self.outs[-1] - y
        for k in (1, 0):
            d = d * (1 - self.outs[k + 1] ** 2)
            self.grad_w[k] = self.outs[k].T @ d
            self.grad_b[k] = d.sum(axis=0, keepdims=True)
            d = d @ self.weights[k].T
"""

ENTRIES = """
import numpy as np


def forward(p, words, y):
    seen = p["rows"][words].mean(axis=1)
    off = seen @ p["w"] - y
    return 0.5 * np.sum(off ** 2), (seen, off)


def backward(p, words, y, cache):
    seen, off = cache
    grads = {k: np.zeros_like(v) for k, v in p.items()}
    grads["w"] += seen.T @ off
    d = np.outer(off, p["w"]) / words.shape[1]
    np.add.at(grads["rows"], words, np.repeat(d[:, None, :], words.shape[1], axis=1))
    return grads
"""


def test_lists_of_gradients_beside_weights_and_biases():
    rng = np.random.default_rng(2)
    net = loaded(LISTS, "lists").Net(rng)
    inputs = rng.normal(size=(6, 4)), rng.normal(size=(6, 3))
    assert al.check_derivation(net.loss, net.gradients, *inputs, show=False).ok


def test_an_entry_that_starts_at_zero_and_is_added_to_at_indices():
    rng = np.random.default_rng(2)
    p = {"rows": rng.normal(size=(6, 4)), "w": rng.normal(size=4)}
    inputs = p, np.array([[0, 1, 1], [2, 5, 0]]), rng.normal(size=2)
    module = loaded(ENTRIES, "entries")
    assert al.check_derivation(module.forward, module.backward, *inputs, show=False).ok


def test_what_methods_change_is_not_changed_by_the_search():
    """The forward pass is one of the functions that are tried: it would set `self.outs` anew."""
    text = LISTS.replace(
        "- y) ** 2)", "- y) ** 2) + 0.05 * sum(np.sum(W**2) for W in self.weights)"
    )
    text = text.replace(
        "self.outs[k].T @ d\n", "np.dot(self.outs[k].T, d) + 0.1 * self.weights[k]\n"
    )
    rng = np.random.default_rng(2)
    inputs = rng.normal(size=(6, 4)), rng.normal(size=(6, 3))

    def report_on(text):
        net = loaded(text, "penalty").Net(np.random.default_rng(2))
        return al.check_derivation(net.loss, net.gradients, *inputs, show=False, seconds=12)

    assert report_on(text).ok
    text = text.replace(" + 0.1 * self.weights[k]", "")
    report = report_on(text)
    assert_blamed(report, text, "self.grad_w[k] = ", "term", "the term + 0.1 * self.weights[k] is")
