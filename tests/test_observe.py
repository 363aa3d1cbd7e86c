"""A function that is watched: what its names held, line by line."""

import sys

import numpy as np

from autograd_lite.observe import REPETITION_LIMIT_RUNS, watch


def held(run):
    return {name: assigned.values for name, assigned in run.variables.items()}


def test_names_hold_what_each_line_gave_them():
    def f(x):
        y = x + 1
        cache = {"Z": y * 2, 3: y}
        layers = [y, y * 3]
        y = y * 10
        layers[1] = 7.0
        flag, text = True, "text"
        return y, cache, flag, text

    run = watch(f, (2.0,))
    assert run.returned[0] == 30
    assert held(run) == {
        "x": [2],
        "y": [3, 30],
        "Z": [6],
        "cache3": [3],
        "layers0": [3],
        "layers1": [9, 7],
    }
    assert {name: a.value for name, a in run.variables.items()}["y"] == 30


def test_equal_values_are_told_apart_by_identity():
    def f(x):
        y = x + 0
        y = x * 1
        z = y
        return z

    run = watch(f, (np.ones(2),))
    assert len(held(run)["y"]) == 2
    assert held(run)["z"] == [run.returned]


def test_long_loops_keep_their_last_round():
    def f(n):
        total = 0.5
        for i in range(n):
            total = total + i
        return total

    count = REPETITION_LIMIT_RUNS + 20
    run = watch(f, (count,))
    values = held(run)["total"]
    assert len(values) == REPETITION_LIMIT_RUNS + 1
    assert values[:3] == [0.5, 0.5, 1.5]
    assert values[-1] == run.returned == count * (count - 1) / 2 + 0.5


def test_an_error_ends_up_in_the_run():
    def f(x):
        y = x + 1
        return np.linalg.inv(y)

    run = watch(f, (np.ones(2),))
    assert isinstance(run.error, np.linalg.LinAlgError)
    assert run.returned is None
    assert held(run)["y"][0].tolist() == [2, 2]


def test_functions_that_are_called_are_not_watched():
    def inner(a):
        b = a * 2
        return b

    def f(x):
        return inner(x) + 1

    assert set(watch(f, (1.0,)).variables) == {"x"}


def test_a_debugger_goes_on_afterwards():
    def debugger(frame, event, arg):
        return None

    before = sys.gettrace()
    sys.settrace(debugger)
    try:
        watch(lambda x: x, (1.0,))
        assert sys.gettrace() is debugger
    finally:
        sys.settrace(before)


def test_a_function_of_another_language_is_called():
    run = watch(np.negative, (1.0,))
    assert run.returned == -1
    assert run.variables == {}
