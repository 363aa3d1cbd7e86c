"""Formulas with a name: every way to write them is found, and nothing else."""

import numpy as np
import pytest
from pictures.drawings import labels, parameter

import autograd_lite as al
from autograd_lite.pictures.forms import FORMS, named_forms
from autograd_lite.pictures.structure import structure

RNG = np.random.default_rng(0)
Y = (RNG.random((3, 5)) < 0.5).astype(float)
HALF = np.full((3, 5), 0.5)


def log_likelihood(y, a):
    return y * np.log(a) + (1 - y) * np.log(1 - a)


WRITTEN = {
    "sigmoid": [
        lambda z: 1 / (1 + np.exp(-z)),
        lambda z: 1.0 / (np.exp(-z) + 1.0),
        lambda z: np.divide(1, np.add(1, np.exp(np.negative(z)))),
        lambda z: np.exp(z) / (1 + np.exp(z)),
        lambda z: (lambda e: e / (1 + e))(np.exp(z)),
    ],
    "softmax": [
        lambda z: np.exp(z) / np.sum(np.exp(z), axis=0),
        lambda z: np.exp(z) / np.exp(z).sum(0, keepdims=True),
        lambda z: (lambda e: e / e.sum(axis=1, keepdims=True))(np.exp(z)),
        lambda z: (lambda e: e / np.sum(e, axis=0))(np.exp(z - np.max(z, axis=0))),
        lambda z: (lambda e: e / np.sum(e))(np.exp(z - z.max())),
        lambda z: (
            np.exp(z - np.max(z, axis=0, keepdims=True))
            / np.sum(np.exp(z - np.max(z, axis=0, keepdims=True)), axis=0, keepdims=True)
        ),
    ],
    "log-sum-exp": [
        lambda z: np.log(np.sum(np.exp(z), axis=0)),
        lambda z: (lambda m: m + np.log(np.sum(np.exp(z - m))))(np.max(z)),
        lambda z: (lambda m: np.log(np.sum(np.exp(z - m), axis=0)) + m)(np.max(z, axis=0)),
    ],
    "log-loss": [
        lambda a: -np.mean(log_likelihood(Y, a)),
        lambda a: np.mean(-log_likelihood(Y, a)),
        lambda a: -np.sum(log_likelihood(Y, a)) / 5,
        lambda a: -1 / 5 * np.sum(log_likelihood(Y, a)),
        lambda a: np.sum(log_likelihood(Y, a)) * (-1 / 5),
        lambda a: -(1 / 5) * log_likelihood(Y, a).sum(),
        lambda a: -np.sum(np.multiply(np.log(a), Y) + np.multiply(1 - Y, np.log(1 - a))) / 5,
        lambda a: np.sum(-Y * np.log(a) - (1 - Y) * np.log(1 - a)) / 5,
        lambda a: -np.sum((1 - Y) * np.log(1 - a) + Y * np.log(a)),
        lambda a: -(np.dot(Y, np.log(a).T) + np.dot(1 - Y, np.log(1 - a).T)) / 5,
        lambda a: -np.mean(log_likelihood(al.Tensor(Y, True, name="Y"), a)),
    ],
    "cross-entropy": [
        lambda a: -np.sum(Y * np.log(a)) / 5,
        lambda a: -np.sum(np.log(a) * Y),
        lambda a: -1 / 5 * np.sum(Y * np.log(a)),
        lambda a: -np.mean(np.sum(Y * np.log(a), axis=0)),
    ],
}
CASES = [(name, i) for name, ways in WRITTEN.items() for i in range(len(ways))]


def forms(result):
    graph = structure([result._node])
    return len(graph.nodes), named_forms(graph)


@pytest.mark.parametrize(("name", "way"), CASES)
def test_ways_to_write_a_formula(name, way):
    z = al.Tensor(HALF, True, name="z")
    count, found = forms(WRITTEN[name][way](z))
    assert found == [(0, count, name)]


@pytest.mark.parametrize(("name", "way"), CASES)
def test_one_box_has_its_name_and_its_value(name, way):
    z = al.Tensor(HALF, True, name="z")
    result = np.sin(WRITTEN[name][way](z))
    shown = labels(al.draw(result, values=True)).values()
    (lines,) = (lines for lines in shown if name in lines)
    assert lines[0] == name and any(character.isdigit() for character in lines[-1])
    assert ["z"] == [lines[0] for lines in shown if lines[0] in ("z", "exp", "log")]


@pytest.mark.parametrize("number", range(len(FORMS)))
def test_every_form_is_found_as_it_is_written(number):
    name, function = FORMS[number]
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    tensors = {n: al.Tensor(np.full((3, 3), 0.25 + 0.1 * i), True) for i, n in enumerate(names)}
    count, found = forms(function(**tensors | ({"n": 5.0} if "n" in names else {})))
    assert found == [(0, count, name)]


NOT_QUITE = [
    lambda z: 1 / (1 + np.exp(z)),
    lambda z: 1 / (2 + np.exp(-z)),
    lambda z: 2 / (1 + np.exp(-z)),
    lambda z: np.exp(z) / np.sum(np.exp(2 * z), axis=0),
    lambda z: np.exp(z - np.max(z, axis=1, keepdims=True)) / np.sum(np.exp(z), axis=0),
    lambda z: (lambda e: e / np.sum(e, axis=0))(np.exp(z - np.max(z, axis=1, keepdims=True))),
    lambda a: np.sum(Y * np.log(a) + (2 - Y) * np.log(1 - a)),
    lambda a: -np.sum(Y * np.log(a) + (1 - Y) * np.log(2 - a)),
    lambda z: np.exp(z) / (1 + np.exp(z + z)),
]


@pytest.mark.parametrize("number", range(len(NOT_QUITE)))
def test_what_is_something_else_has_no_name(number):
    _, found = forms(np.sin(NOT_QUITE[number](al.Tensor(HALF, True))))
    assert not [f for f in found if f[1] - f[0] > 4], found


def test_what_is_used_outside_keeps_its_box():
    z = parameter(3, "z")
    e = np.exp(-z)
    assert forms(1 / (1 + e) + e)[1] == []
    between = np.exp(-z)
    other = np.sin(z)
    assert forms(1 / (1 + between) + other)[1] == []


def test_a_formula_in_a_helper_is_one_box_also_where_calls_are_frames():
    def softmax(z):
        e = np.exp(z - np.max(z))
        return e / np.sum(e)

    def loss(z):
        return np.sum(softmax(z) ** 2)

    shown = [lines[0] for lines in labels(al.draw(loss, np.ones(3), depth=3)).values()]
    assert "softmax" in shown and "exp" not in shown


@pytest.mark.parametrize("options", [{"fold": False}, {"local": True}])
def test_formulas_stay_open_where_every_operation_is_asked_for(options):
    z = al.Tensor(HALF, True, name="z")
    shown = str(labels(al.draw(WRITTEN["sigmoid"][0](z), **options)))
    assert "exp" in shown and "sigmoid" not in shown


def test_a_formula_that_is_the_result_is_drawn_as_one():
    z = al.Tensor(HALF, True, name="z")
    source = al.draw(WRITTEN["log-loss"][0](z)).source
    assert 'label="log-loss' in source.replace("cost\\n", "") and "#dff2df" in source


def test_the_backward_pass_may_use_what_is_inside():
    z = al.Tensor(HALF, True, name="z")
    assert "sigmoid" in str(labels(al.draw(np.sum(WRITTEN["sigmoid"][0](z)), backward=True)))
