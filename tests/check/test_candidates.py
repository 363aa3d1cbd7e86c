"""The statements in which a mistake is looked for, and what is known of each."""

import ast
from types import SimpleNamespace

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.check.marking.candidates import Candidates, _is_part, is_renaming
from autograd_lite.check.marking.execution import Event

H = np.array([[0.5, -1.0, 2.0], [3.0, 0.25, 1.5]])
ZEROS = np.zeros((2, 3))


def candidates(events=(), forward=None, recorded=(), keys=(), trees=()):
    """The candidates of a run of a backward pass that has given these events."""
    tensors = [SimpleNamespace(value=al.Tensor(value)) for value in recorded]
    tensors.append(SimpleNamespace(value=len(recorded)))
    evidence = SimpleNamespace(
        forward_values=forward or {}, recording=SimpleNamespace(events=tensors)
    )
    back = SimpleNamespace(events=list(events))
    runs = SimpleNamespace(evidence=evidence, back=back, keys=keys)
    return Candidates(runs, [], frozenset(), {"trees": trees})


def events(name, *values):
    """What one statement has assigned, run after run."""
    place = SimpleNamespace(name=name)
    return [Event(place, (name, "", i), name, name, 1, value, 0) for i, value in enumerate(values)]


@pytest.mark.parametrize(
    ("name", "values", "is_again"),
    [
        ("A", [H], True),
        ("A", [H[0]], True),
        ("A", [H[:, 1]], True),
        ("A", [H, H[1], H], True),
        ("A", [H * 2], False),
        ("A", [H, H * 2], False),
        ("A", [H * 2, H], False),
        ("A", [H.reshape(3, 2)], False),
        # What the forward pass has in lists, or without a name.
        ("A", [H + 1], True),
        ("A", [ZEROS], False),
        # A number may be equal by chance; what is no array is not a value of the forward pass.
        ("n", [0.5], False),
        ("A", [H, 2], True),
        ("text", ["H"], False),
        ("A", [H, None], False),
        # A gradient may have the value of something else, and is computed here nevertheless.
        ("dA", [H], False),
        ("grad_A", [H + 1], False),
    ],
)
def test_statements_that_compute_the_forward_pass_again(name, values, is_again):
    ran = [*events("before", H), *events(name, *values), *events("after", 3 * H)]
    found = candidates(ran, {"H": H}, [H + 1, ZEROS]).forward_again()
    again = [event for event in ran if id(event.place) in found]
    assert {event.name for event in again} == {"before", *([name] if is_again else [])}


def test_what_is_told_to_be_a_gradient_does_not_compute_the_forward_pass_again():
    ran = events("A", H, H)
    assert candidates(ran, {"H": H}).forward_again()
    for event in ran:
        assert not candidates(ran, {"H": H}, keys={event.key}).forward_again()


@pytest.mark.parametrize(
    ("values", "is_zero"),
    [
        ([ZEROS], True),
        ([ZEROS, ZEROS], True),
        ([ZEROS, H], False),
        ([H, ZEROS], False),
        ([0], False),
    ],
)
def test_statements_that_make_zeros(values, is_zero):
    assert bool(candidates(events("A", *values))._zeros()) == is_zero


@pytest.mark.parametrize(
    ("array", "is_part"),
    [
        *((H, True), (H[1], True), (H[:, 2], True), (H + 1, False), (H[0] + 1, False)),
        *((H[:1], False), (np.array([0.5, -1.0, 1.5]), False), (np.array([0.5, 1.5]), False)),
    ],
)
def test_rows_and_columns_are_parts(array, is_part):
    assert _is_part(array, H) == is_part


@pytest.mark.parametrize(
    ("text", "is_as_it_is"),
    [
        *(("d = g", True), ("d += g", True), ("d = cache.g", True), ("d = g['W'][0]", True)),
        *(("d = -g", False), ("d = g()", False), ("g", False), ("d, e = g, g", False)),
        *(("return g", False), ("d = 1", False), ("d = f(x)[0]", False)),
    ],
)
def test_statements_that_hand_a_value_on(text, is_as_it_is):
    [statement] = ast.parse(text).body
    assert is_renaming(SimpleNamespace(statement=statement)) == is_as_it_is


@pytest.mark.parametrize(
    ("name", "is_once"), [("f", False), ("g", True), ("h", False), ("k", True)]
)
def test_how_many_expressions_call_a_function(name, is_once):
    texts = ["def f(x):\n    return g(x) + layers.h(x)", "def g(x):\n    return f(f(x)) + h(k)"]
    place = SimpleNamespace(definition=SimpleNamespace(name=name))
    assert candidates(trees=list(map(ast.parse, texts))).is_called_once(place) == is_once
