"""Gradients called after a part of a parameter's name, or by its words in another order."""

import linecache

import numpy as np
import pytest

import autograd_lite as al

NET = """
import numpy as np


class Net:
    def __init__(self):
        rng = np.random.default_rng(0)
        self.{first} = rng.normal(size=(4, 5))
        self.{bias} = rng.normal(size=5) * 0.1
        self.{second} = rng.normal(size=(5, 2))

    def loss(self, x, t):
        self.h = np.tanh(x @ self.{first} + self.{bias})
        self.o = self.h @ self.{second}
        return 0.5 * np.mean(np.sum((self.o - t) ** 2, axis=1))

    def backprop(self, x, t):
        do = (self.o - t) / len(x)
        {d_second} = self.h.T @ do
        dz = (do @ self.{second}.T) * (1 - self.h ** 2)
        {d_first} = x.T @ dz
        {d_bias} = dz.sum(axis=0)
        {result}
"""

STYLES = {
    "words in another order": (
        ("hid_W", "hid_b", "out_W"),
        ("self.grad_W_hid", "self.grad_b_hid", "self.grad_W_out"),
        "pass",
    ),
    "the kind before the layer": (
        ("w_hidden", "b_hidden", "w_output"),
        ("self.delta_hidden_w", "self.delta_hidden_b", "self.delta_output_w"),
        "pass",
    ),
    "without the first word": (
        ("e_W_mu", "e_b_mu", "d_W"),
        ("self.grad_W_mu", "self.grad_b_mu", "self.grad_d_W"),
        "pass",
    ),
    "short attributes": (
        ("weights_ih", "bias_ih", "weights_ho"),
        ("self.d_ih", "self.d_b_ih", "self.d_ho"),
        "pass",
    ),
    "short keys": (
        ("weights_ih", "bias_h", "weights_ho"),
        ("g1", "g2", "g3"),
        "return {'ih': g1, 'bh': g2, 'ho': g3}",
    ),
    "a list in an attribute": (
        ("W0", "b0", "W1"),
        ("a", "b", "c"),
        "self.gradients = [c, a, b]",
    ),
}


def net_of(text, style):
    filename = f"<{style}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    names = {}
    exec(compile(text, filename, "exec"), names)
    return names["Net"]()


def marked(style, old="", new=""):
    (first, bias, second), gradients, result = STYLES[style]
    d_first, d_bias, d_second = gradients
    text = NET.format(**locals()).replace(old, new) if old else NET.format(**locals())
    net = net_of(text, style)
    rng = np.random.default_rng(1)
    x, t = rng.normal(size=(6, 4)), rng.normal(size=(6, 2))
    report = al.check_derivation(net.loss, net.backprop, x, t, show=False, seconds=15)
    return report, {first, bias, second}, text


@pytest.mark.parametrize("style", STYLES)
def test_every_gradient_is_marked(style):
    report, parameters, _ = marked(style)
    assert report.ok
    assert parameters <= {line.tensor for line in report}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("old", "new"),
    [("= self.h.T @ do", "= 3 * self.h.T @ do"), ("= x.T @ dz", "= -x.T @ dz")],
    ids=["factor", "sign"],
)
def test_a_wrong_one_is_marked_where_it_is_computed(style, old, new):
    report, _, text = marked(style, old, new)
    number = next(n for n, line in enumerate(text.splitlines(), 1) if new in line)
    assert [line.line for line in report if line.status == "wrong"] == [number]
