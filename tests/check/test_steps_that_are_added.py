"""Steps called gradients that are added to their parameters, as minus the gradients."""

import linecache

import numpy as np
import pytest
from derivations.running import assert_blamed

import autograd_lite as al

ADDED = """
def bend(v):
    return 1 / (1 + np.exp(-v))


def slope(v):
    return v * (1 - v)


class Net:
    def __init__(self, points, goals):
        rng = np.random.default_rng(5)
        self.points, self.goals = points, goals
        self.first = rng.normal(size=(points.shape[1], 4))
        self.second = rng.normal(size=(4, 3))
        self.third = rng.normal(size=(3, 1))
        self.answer = np.zeros(goals.shape)

    def loss(self):
        self.low = bend(self.points @ self.first)
        self.high = bend(self.low @ self.second)
        self.answer = bend(self.high @ self.third)
        return np.sum((self.goals - self.answer) ** 2)

    def learn(self):
        d_answer = 2 * (self.goals - self.answer) * slope(self.answer)
        d_third = self.high.T @ d_answer
        d_high = d_answer @ self.third.T * slope(self.high)
        d_second = self.low.T @ d_high
        d_low = d_high @ self.second.T * slope(self.low)
        d_first = self.points.T @ d_low
        self.first += d_first
        self.second += d_second
        self.third += d_third
"""


def report_on(text):
    rng = np.random.default_rng(2)
    points, goals = rng.normal(size=(6, 3)), rng.integers(0, 2, size=(6, 1)).astype(float)
    names = {"np": np}
    linecache.cache["<added>"] = (len(text), None, text.splitlines(keepends=True), "<added>")
    exec(compile(text, "<added>", "exec"), names)
    net = names["Net"](points, goals)
    return al.check_derivation(net.loss, net.learn, show=False, seconds=6)


def test_descent_directions_called_after_their_parameters_are_a_convention():
    report = report_on(ADDED)
    assert report.ok, str(report)
    assert "descent directions" in str(report)
    assert {line.name for line in report} >= {"d_first", "d_second", "d_third"}


@pytest.mark.parametrize(
    ("right", "wrong", "part", "cause", "words"),
    [
        (
            "@ self.third.T * slope(self.high)",
            "@ self.third.T",
            "d_high =",
            "activation",
            "derivative",
        ),
        ("answer) * slope(self.answer)", "answer)", "d_answer =", "activation", "derivative"),
        (
            "return v * (1 - v)",
            "return bend(v) * (1 - bend(v))",
            "return bend",
            "activation",
            "v *",
        ),
        ("self.points.T @ d_low", "2 * self.points.T @ d_low", "d_first =", "factor", "2"),
    ],
)
@pytest.mark.one_in(2)
def test_a_mistake_in_one_is_found(right, wrong, part, cause, words):
    text = ADDED.replace(right, wrong)
    assert text != ADDED
    assert_blamed(report_on(text), text, part, cause, words)


def test_what_is_subtracted_there_should_be_added():
    report = report_on(ADDED.replace("self.second += d_second", "self.second -= d_second"))
    assert "second moves along its gradient, so that the loss grows: add the step" in str(report)
