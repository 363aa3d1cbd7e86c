"""Scripts whose loop only calls: forward pass, error and updates stand in methods or functions."""

import pytest

import autograd_lite as al

PERCEPTRON = """
import numpy

class Network:
    def __init__(self, inputs, hidden, outputs, rate):
        self.w_in = numpy.random.normal(0.0, 0.5, (hidden, inputs))
        self.w_out = numpy.random.normal(0.0, 0.5, (outputs, hidden))
        self.rate = rate
        self.squash = lambda v: 1 / (1 + numpy.exp(-v))

    def learn(self, features, wanted):
        column = numpy.array(features, ndmin=2).T
        goal = numpy.array(wanted, ndmin=2).T
        inside = self.squash(self.w_in @ column)
        result = self.squash(self.w_out @ inside)
        errors = goal - result
        slope = errors * result * (1 - result)
        back = self.w_out.T @ slope
        self.w_out += self.rate * slope @ inside.T
        self.w_in += self.rate * (back * inside * (1 - inside)) @ column.T

numpy.random.seed(1)
samples, goals = numpy.random.rand(8, 3), numpy.random.rand(8, 2)
network = Network(3, 4, 2, 0.2)
for epoch in range(5):
    for sample, goal in zip(samples, goals):
        network.learn(sample, goal)
"""

STEP = """
import numpy as np
np.random.seed(3)
weights, X, T = np.random.randn(3, 2), np.random.rand(10, 3), np.random.rand(10, 2)

def train_step(weights, X, T, rate):
    off = X @ weights - T
    loss = 0.5 * np.sum(off ** 2) / len(X)
    dweights = X.T @ off / len(X)
    weights -= rate * dweights
    return loss

for epoch in range(20):
    loss = train_step(weights, X, T, 0.1)
"""

LAYER = """
import numpy as np
np.random.seed(0)

class Two:
    def __init__(self):
        self.U, self.V = np.random.randn(2, 4), np.random.randn(4, 3)

    def ahead(self, x):
        self.x, self.h = x, np.tanh(self.V @ x)
        return self.U @ self.h

    def learn(self, off):
        dh = self.U.T @ off * (1 - self.h ** 2)
        self.U -= 0.1 * np.outer(off, self.h)
        self.V -= 0.1 * np.outer(dh, self.x)

net = Two()
x, t = np.random.rand(3), np.random.rand(2)
for epoch in range(4):
    out = net.ahead(x)
    loss = 0.5 * np.sum((out - t) ** 2)
    net.learn(out - t)
"""


def wrong_lines(text, **options):
    report = al.check_script(text, show=False, **options)
    return {line.line for line in report if line.status == "wrong"}, report


def line_of(text, part):
    return next(i for i, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize("text", [PERCEPTRON, STEP, LAYER], ids=["error", "step", "layer"])
def test_a_right_one_is_right(text):
    wrong, report = wrong_lines(text)
    assert report.ok, report
    assert not wrong


@pytest.mark.parametrize(
    ("text", "right", "mistake"),
    [
        (PERCEPTRON, "errors * result * (1 - result)", "errors * result * (1 + result)"),
        (PERCEPTRON, "(back * inside * (1 - inside))", "(back * (1 - inside ** 2))"),
        (STEP, "X.T @ off / len(X)", "X.T @ off ** 2 / len(X)"),
        (STEP, "weights -= rate", "weights += rate"),
        (LAYER, "(1 - self.h ** 2)", "(1 - self.h)"),
        (LAYER, "np.outer(off, self.h)", "np.outer(off ** 2, self.h)"),
    ],
)
def test_the_line_of_a_mistake_in_a_method_is_named(text, right, mistake):
    assert text.count(right) == 1
    wrong, report = wrong_lines(text.replace(right, mistake))
    assert wrong == {line_of(text, right)}, report


def test_one_update_that_goes_the_other_way_than_the_others():
    text = LAYER.replace("net.learn(out - t)", "net.learn(t - out)")
    text = text.replace("self.U -= 0.1", "self.U += 0.1")
    wrong, report = wrong_lines(text)
    assert wrong == {line_of(text, "self.V -=")}, report
    assert al.check_script(text.replace("self.V -= 0.1", "self.V += 0.1"), show=False).ok


def test_a_loss_that_is_given_stands_before_the_update():
    text = LAYER.replace("    loss = 0.5 * np.sum((out - t) ** 2)\n", "")
    text = text.replace("        return self.U @ self.h\n", "        self.out = self.U @ self.h\n")
    text = text.replace("out = net.ahead(x)", "net.ahead(x)").replace("(out - t)", "(net.out - t)")
    report = al.check_script(text, loss="0.5 * np.sum((net.out - t) ** 2)", show=False)
    assert report.ok, report
    wrong, report = wrong_lines(
        text.replace("off, self.h", "self.h[:2], self.h"), loss="0.5 * np.sum((net.out - t) ** 2)"
    )
    assert wrong == {line_of(text, "off, self.h")}, report


def test_a_weight_that_is_updated_before_it_is_read():
    dh = "        dh = self.U.T @ off * (1 - self.h ** 2)\n"
    update = "        self.U -= 0.1 * np.outer(off, self.h)\n"
    assert dh + update in LAYER
    text = LAYER.replace(dh + update, update + dh)
    wrong, report = wrong_lines(text)
    assert wrong == {line_of(text, "dh = ")}, report
    said = " ".join(line.message for line in report)
    assert (
        f"self.U is updated in line {line_of(text, 'self.U -=')}, before this line reads it" in said
    )
