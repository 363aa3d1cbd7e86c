"""Guards and builders of compiled programs do what flattening, kinds and unflattening do."""

import collections

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.compiler.calls import builder_for, guard_for
from autograd_lite.program.arguments import flatten, kind_of, unflatten

Pair = collections.namedtuple("Pair", "a b")
X = np.arange(6.0).reshape(2, 3)
ARGUMENTS = {
    "arrays": ((X, X.T), {}),
    "numbers": ((1.5, 2, True, np.float32(2), 1 + 2j), {}),
    "nested": (({"W": X, "b": [X[0], (X[1], None)]}, "text"), {"rate": 0.5, "mode": "a"}),
    "empty": (((), [], {}), {}),
    "keys": (({1: X, "1": X, (2, 3): 0.5, None: X},), {}),
    "none": ((), {}),
    "names": (({"ndarray": X, "len": 1.0, "k0": X, "quo'te\n": X},), {}),
    "single": ((X.astype(np.float32), X.astype(">f8"), np.array(3.0)), {}),
}


def kinds(args, kwargs):
    leaves = []
    structure = flatten((args, kwargs), leaves)
    return structure, leaves, tuple(map(kind_of, leaves))


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_guard_takes_what_it_is_for_and_nothing_else(name):
    structure, leaves, of = kinds(*ARGUMENTS[name])
    guard = guard_for(structure, of)
    for other, (args, kwargs) in ARGUMENTS.items():
        found = guard(args, kwargs)
        same = kinds(args, kwargs)[::2] == (structure, of)
        assert (found is not None) == same == (other == name)
    found = guard(*ARGUMENTS[name])
    assert len(found) == len(leaves) and all(a is b for a, b in zip(found, leaves, strict=True))


@pytest.mark.parametrize(
    "other",
    [
        ((X[:, :2], X.T), {}),
        ((X.astype(np.float32), X.T), {}),
        ((X.astype(">f8"), X.T), {}),
        ((X.T.copy().T, X.T), {}),
        ((X, X.T.copy()), {}),
        ((X, X.T, 1), {}),
        ((X,), {}),
        ((X, X.T), {"a": 1}),
        ((X.view(np.recarray), X.T), {}),
        ((al.Tensor(X), X.T), {}),
        ((X.tolist(), X.T), {}),
        ((1.0, X.T), {}),
        ((None, X.T), {}),
    ],
)
def test_a_guard_of_two_arrays_refuses_others(other):
    structure, _, of = kinds((X, X.T), {})
    assert guard_for(structure, of)(*other) is None


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_builder_puts_back(name):
    structure, leaves, _ = kinds(*ARGUMENTS[name])
    ours, theirs = builder_for(structure)(leaves), unflatten(structure, leaves)
    assert repr(ours) == repr(theirs)


def test_other_containers_go_the_long_way():
    structure, _, of = kinds((Pair(X, X),), {})
    assert guard_for(structure, of) is None and builder_for(structure) is None
    compiled = al.compile(lambda p: Pair(p.a * 2, p.b))
    for _ in range(3):
        found = compiled(Pair(X, X))
        assert isinstance(found, Pair) and np.array_equal(found.a, X * 2)


def test_programs_for_different_arguments_in_turns():
    compiled = al.compile(lambda x, mode: x * 2 if mode == "twice" else x + 1)
    for _ in range(3):
        for x in (X, X[0], X.astype(np.float32), 2.5):
            assert np.array_equal(compiled(x, "twice"), x * 2)
            assert np.array_equal(compiled(x, "once"), x + 1)


def test_into_does_not_get_into_the_way_of_calls():
    compiled = al.compile(lambda a, b=None: a * 2 if b is None else a - b)
    out = np.empty(3)
    for _ in range(3):
        compiled.into(out, np.ones(3))
        assert np.array_equal(out, [2, 2, 2])
        assert np.array_equal(compiled(np.ones(3), np.full(3, 5.0)), [-4, -4, -4])
        assert np.array_equal(compiled(np.ones(3)), [2, 2, 2])
