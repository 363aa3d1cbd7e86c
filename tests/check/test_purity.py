"""Which of a person's functions may be called beside the runs of a derivation."""

import linecache

import numpy as np
import pytest

from autograd_lite.check.marking.purity import is_pure

KEPT: dict[str, int] = {}


def slope(z):
    s = 1 / (1 + np.exp(-z))
    return s * (1 - s)


def calls_another(z):
    out = slope(z)
    out[z < 0] = 0
    return out


def collects_in_a_list(z):
    found = []
    for value in z:
        found.append(2 * value)
    return np.array(found)


def sums_in_a_loop(z):
    total = 0.0
    for i in range(len(z)):
        total += float(z[i])
    return total


def keeps(z):
    KEPT["calls"] = 1
    return z


def keeps_by_another_name(z):
    kept = KEPT
    kept["calls"] = 1
    return z


def prints(z):
    print(z)
    return z


def draws(z):
    return z * (np.random.rand(*z.shape) > 0.5)


def writes(z):
    np.save("z.npy", z)
    return z


def changes_what_it_is_given(z):
    z[z < 0] = 0
    return z


def adds_to_what_it_is_given(z):
    np.add.at(z, [0], 1)
    return z


def calls_one_that_keeps(z):
    return keeps(z) + 1


def sets(z):
    global KEPT
    KEPT = {}
    return z


def nested(depth):
    """A function that calls one which calls one, so many times."""
    text = "def f0(z):\n    return 2 * z\n"
    for i in range(1, depth + 1):
        text += f"def f{i}(z):\n    return f{i - 1}(z) + 1\n"
    filename = f"<nested {depth}>"
    linecache.cache[filename] = len(text), None, text.splitlines(keepends=True), filename
    exec(compile(text, filename, "exec"), names := {})
    return names[f"f{depth}"]


def test_functions_that_call_others_are_read_to_a_depth():
    assert is_pure(nested(4))
    assert not is_pure(nested(5))


@pytest.mark.parametrize("function", [slope, calls_another, collects_in_a_list, sums_in_a_loop])
def test_functions_of_their_own_variables_are(function):
    assert is_pure(function)


@pytest.mark.parametrize(
    "function",
    [
        *(keeps, keeps_by_another_name, prints, draws, writes, calls_one_that_keeps, sets),
        *(changes_what_it_is_given, adds_to_what_it_is_given, np.tanh, len, KEPT.get),
    ],
)
def test_functions_that_do_something_are_not(function):
    assert not is_pure(function)


class Layer:
    def __init__(self):
        self.scale = np.ones(2)

    def squash(self, z):
        return 1 / (1 + np.exp(-z * self.scale.sum()))

    def twice(self, z):
        return 2 * self.squash(z)

    def forward(self, x):
        self.x = x
        return self.squash(x)

    def after_forward(self, x):
        return self.forward(x) + 1

    def collects(self, x):
        self.seen.append(x)
        return x

    def refills(self, x):
        self.scale.fill(2)
        return x

    def fills(self, x):
        self.scale[:] = x
        return x

    @staticmethod
    def half(z):
        return z / 2


@pytest.mark.parametrize("name", ["squash", "twice", "half"])
def test_methods_that_only_read_are(name):
    assert is_pure(getattr(Layer(), name))


@pytest.mark.parametrize("name", ["forward", "after_forward", "fills", "collects", "refills"])
def test_methods_that_keep_something_are_not(name):
    assert not is_pure(getattr(Layer(), name))
