"""check_derivation: verdicts, conventions, messages, and what bad input gets."""

import contextlib
import functools
import io
import json
import linecache
import math
import re
import threading
import time

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.check import from_source
from autograd_lite.check.marking import remarks
from autograd_lite.check.marking.chain_rule import Tolerance, fit, nearest_factor
from autograd_lite.check.marking.evidence import GradientTable, values_of
from autograd_lite.check.marking.execution import Event
from autograd_lite.check.marking.explanations import pattern
from autograd_lite.check.marking.forms import subject_of
from autograd_lite.check.marking.forward import Setting
from autograd_lite.check.marking.influence import _moved, dependent_steps
from autograd_lite.check.marking.mark import _best_reading
from autograd_lite.check.marking.perturbation import slope
from autograd_lite.check.marking.steps import same_values
from autograd_lite.check.report import BACKGROUNDS, COLOURS, Line, Report

FORWARD = """
def forward(W1, b1, W2, b2, X, Y):
    N = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = np.maximum(0, Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = 1 / (1 + np.exp(-Z2))
    cost = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / N
    return cost, (X, Z1, A1, W2, A2, Y)
"""

BACKWARD = """
def backward(cache):
    X, Z1, A1, W2, A2, Y = cache
    N = X.shape[1]
    dZ2 = (A2 - Y) / N
    dW2 = np.dot(dZ2, A1.T)
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = dA1 * (Z1 >= 0)
    dW1 = np.dot(dZ1, X.T)
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return {"dW2": dW2, "db2": db2, "dW1": dW1, "db1": db1}
"""

forward = from_source(FORWARD, np=np)


def inputs(sizes=(3, 4, 2), count=7, dtype=np.float64):
    rng = np.random.default_rng(0)
    n, hidden, out = sizes
    arrays = [
        *(rng.normal(size=(hidden, n)), rng.normal(size=(hidden, 1))),
        *(rng.normal(size=(out, hidden)), rng.normal(size=(out, 1))),
        *(rng.normal(size=(n, count)), (rng.random((out, count)) < 0.5).astype(float)),
    ]
    return [array.astype(dtype) for array in arrays]


def marked(*changes, arguments=None):
    """The report on the backward pass with some of its text changed."""
    source = BACKWARD
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    return al.check_derivation(
        forward, from_source(source, np=np), *(arguments or inputs()), show=False
    )


def statuses(report):
    return {line.name: line.status for line in report}


class TestVerdicts:
    def test_a_right_derivation(self):
        report = marked()
        assert report.ok and report
        assert [line.name for line in report] == ["dZ2", "dW2", "db2", "dA1", "dZ1", "dW1", "db1"]
        assert set(statuses(report).values()) == {"correct"}
        assert [line.line for line in report] == [5, 6, 7, 8, 9, 10, 11]
        assert [line.tensor for line in report] == ["Z2", "W2", "b2", "A1", "Z1", "W1", "b1"]
        assert report.first_wrong is None
        assert report.notes == ()

    def test_one_mistake_is_one_wrong_line(self):
        report = marked(("dA1 * (Z1 >= 0)", "dA1 * (Z1 < 0)"))
        assert not report.ok
        assert statuses(report) == {
            **dict.fromkeys(["dZ2", "dW2", "db2", "dA1"], "correct"),
            "dZ1": "wrong",
            **dict.fromkeys(["dW1", "db1"], "inherited"),
        }
        line = report.first_wrong
        assert (line.name, line.tensor, line.line, line.cause) == ("dZ1", "Z1", 9, "mask")
        assert re.match(
            r"line 9: dZ1\[\d, \d\] is \S+, and should be \S+ by the chain rule from your dA1; in "
            r"the line of dZ1, the mask Z1 < 0 is inverted. In backward\(\): "
            r"dZ1 = dA1 \* \(Z1 < 0\)  should be  dZ1 = dA1 \* \(Z1 >= 0\)$",
            line.message,
        )
        assert report.lines[5].message == ("dW1 is right in itself, and passes on the error of dZ1")

    @pytest.mark.slow
    def test_two_mistakes_are_two_wrong_lines(self):
        report = marked(("(A2 - Y)", "(Y - A2)"), ("np.dot(dZ2, A1.T)", "np.dot(dZ2, Z1.T)"))
        wrong = {line.name: line.cause for line in report if line.status == "wrong"}
        assert wrong == {"dZ2": "sign", "dW2": "operand"}
        assert "np.dot(dZ2, A1.T)" in next(n for n in report if n.name == "dW2").message
        assert statuses(report)["dZ1"] == "inherited"

    @pytest.mark.parametrize("factor", ["", "2 * "])
    def test_a_gradient_is_where_it_is_computed_and_not_where_it_is_named(self, factor):
        computed = f"    g = {factor}np.dot(dZ1, X.T)\n    dW1 = g\n"
        report = marked(("    dW1 = np.dot(dZ1, X.T)\n", computed))
        [found] = [line for line in report if line.tensor == "W1"]
        assert (found.line, found.status) == (10, "wrong" if factor else "correct")

    def test_a_missing_gradient(self):
        report = marked(
            (', "db1": db1', ""), ("    db1 = np.sum(dZ1, axis=1, keepdims=True)\n", "")
        )
        assert statuses(report)["db1"] == "missing"
        assert not report.ok

    def test_an_integer_factor_is_named_by_what_it_counts(self):
        report = marked(("np.dot(dZ1, X.T)", "np.dot(dZ1, X.T) * N"))
        assert "dW1 is 7 (the number of columns of X) times what it should be" in str(report)
        assert report.first_wrong.cause == "factor"

    @pytest.mark.slow
    def test_an_unknown_cause_says_where_it_differs(self):
        report = marked(
            (
                "    dW1 = np.dot(dZ1, X.T)\n",
                "    dW1 = np.sign(W2.sum()) * np.cumsum(np.dot(dZ1, X.T) ** 3).reshape(4, 3)\n",
            )
        )
        line = report.first_wrong
        assert (line.name, line.cause) == ("dW1", "unknown")
        assert re.search(r"it differs in \d+ of 12 elements", line.message)

    def test_where_a_gradient_differs(self):
        expected = np.arange(1.0, 13.0).reshape(4, 3)
        given = expected.copy()
        given[:, 1] = 0.123
        text = pattern(given, expected, Tolerance(1e-6, 0.0))
        assert text == "; it differs in 4 of 12 elements, all of them in the columns 1"

    @pytest.mark.parametrize(
        ("tolerance", "said"),
        [
            (Tolerance(1e-6, 0.0), "in 3 of 4 elements"),
            (Tolerance(1e-6, 10.0), "in 2 of 4 elements"),
            (Tolerance(1e-2, 0.0), "in 1 of 4 elements"),
            (Tolerance(1e-2, 1e4), "in 0 of 4 elements"),
        ],
    )
    def test_where_a_gradient_differs_is_told_by_the_tolerance(self, tolerance, said):
        expected = np.array([1.0, 0.5, 0.0, 1.0])
        given = expected + [0.0, 0.5, 5e-6, 5e-5]
        assert pattern(given, expected, tolerance) == f"; it differs {said}"

    def test_rows_and_columns_are_named_where_all_that_differs_is_in_some(self):
        expected = np.ones((3, 4))
        rows, both = expected.copy(), expected.copy()
        rows[[0, 2]] = both[0, 1] = both[2, 3] = 7.0
        tolerance = Tolerance(1e-6, 0.0)
        assert pattern(rows, expected, tolerance).endswith(
            "8 of 12 elements, all of them in the rows 0, 2"
        )
        assert pattern(both, expected, tolerance) == "; it differs in 2 of 12 elements"
        nothing = np.ones((0, 3))
        assert pattern(nothing, nothing, tolerance) == "; it differs in 0 of 0 elements"

    def test_a_cause_that_fits_these_inputs_by_chance_is_not_named(self):
        def loss(W, X, P):
            S = W @ X
            return np.sum(S) + np.sum(P)

        def gradient(W, X, P):
            dS = np.ones((2, 4))
            return {"dS": dS, "dW": dS @ P.T}

        X = np.arange(12.0).reshape(3, 4)
        report = al.check_derivation(loss, gradient, np.ones((2, 3)), X, 2 * X, show=False)
        line = report.first_wrong
        assert line.cause == "operand"
        assert "in the line of dS @ P.T" not in line.message
        assert "P should be X" in line.message and "; or" not in line.message

    def test_the_data_are_not_written_to(self):
        arguments = inputs()
        before = [a.copy() for a in arguments]
        marked(arguments=arguments)
        for array, old in zip(arguments, before, strict=True):
            assert np.array_equal(array, old)
            assert array.flags.writeable


def test_a_gradient_of_another_shape_is_rearranged_where_that_is_all():
    given = np.arange(6.0).reshape(2, 3)
    assert fit(given, (2, 3)) is given
    np.testing.assert_array_equal(fit(given, (3, 2)), given.T)
    np.testing.assert_array_equal(fit(given, (6,)), np.arange(6.0))
    np.testing.assert_array_equal(fit(given, (1, 6)), [np.arange(6.0)])
    assert fit(given, (2, 2)) is None and fit(given, ()) is None


def test_two_gradients_are_the_same_up_to_the_tolerance():
    given, expected = np.array([1.0, 2.0]), np.array([1.0, 2.5])
    error = Tolerance(1.0, 0.0).error(given, expected)
    assert Tolerance(error, 0.0).same(given, expected)
    assert not Tolerance(np.nextafter(error, 0), 0.0).same(given, expected)


@pytest.mark.parametrize(
    ("given", "expected", "number"),
    [
        ([2.0, -4.0], [1.0, -2.0], 2.0),
        ([-1.0, 2.0], [1.0, -2.0], -1.0),
        ([1e-6, 2e-6], [1.0, 2.0], 1e-6),
        ([2.0, -4.1], [1.0, -2.0], None),
        ([0.0, 0.0], [1.0, 2.0], None),
        ([1.0, 2.0], [0.0, 0.0], None),
        ([1.0, 2.0], [1.0, np.inf], None),
        ([1.0, np.inf], [1.0, 2.0], None),
        ([np.nan, 2.0], [1.0, 2.0], None),
        ([1e200, 1e200], [1e-200, 1e-200], None),
        ([1.0, 2.0, 3.0], [1.0, 2.0], None),
    ],
)
def test_the_number_that_a_gradient_is_times_another(given, expected, number):
    found = Tolerance(1e-6, 0.0).factor(np.array(given), np.array(expected))
    assert found == (number if number is None else pytest.approx(number))
    nearest = nearest_factor(np.array(given), np.array(expected))
    assert nearest is None or np.isfinite(nearest)


@pytest.mark.parametrize(
    ("value", "is_array"),
    [
        *((np.ones(2), True), (np.ones(2, int), True), (1.5, True), (2, True), (1j, False)),
        *((np.float32(2), True), (True, False), (np.bool_(True), False), (None, False)),
        *(([1.0, 2.0], False), ("2", False), (np.array([True]), False), (np.array("a"), False)),
    ],
)
def test_the_values_that_count_as_arrays(value, is_array):
    event = Event(None, (0, "", 0), "x", "x", 1, value, 0)
    assert (event.array is not None) == is_array


def test_the_steps_that_depend_on_a_statement():
    subject = subject_of(forward, from_source(BACKWARD, np=np), tuple(inputs()), None, True)
    reading = _best_reading(Setting(subject), {}, None)
    values = values_of(reading.evidence, reading.back)
    found = {
        event.name: dependent_steps(reading.evidence, event.place, values, {})
        for event in reading.back.events
    }
    names = {name: {key.split()[0] for key in keys} for name, keys in found.items() if keys}
    after = {"dW2", "db2", "dA1", "dZ1", "dW1", "db1"}
    assert {name: names[name] for name in names if name.startswith("d")} == {
        "dZ2": after | {"dZ2"},
        "dW2": {"dW2"},
        "db2": {"db2"},
        "dA1": {"dA1", "dZ1", "dW1", "db1"},
        "dZ1": {"dZ1", "dW1", "db1"},
        "dW1": {"dW1"},
        "db1": {"db1"},
    }
    # A length is no number that can be moved; all that is unpacked at once is.
    assert found["N"] is None
    assert names["X"] == names["Y"] == after | {"dZ2"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_value_is_moved_by_as_much_as_it_is_large(dtype):
    value = np.array([[1.0, -2.0], [0.0, 0.5]], dtype)
    moved = _moved(value)
    assert moved.dtype == dtype
    assert np.all(moved != value) and np.all(np.abs(moved - value) < 4)
    for size in (1e-12, 1e12):
        np.testing.assert_allclose(_moved(dtype(size) * value), size * moved, rtol=1e-5)
    assert np.any(_moved(np.zeros(3))) and _moved(np.zeros(0)).shape == (0,)
    assert np.ndim(_moved(np.array(2.0))) == 0


TWICE = """
def forward(X, W, V, T):
    H = X @ W
    H = np.tanh(H)
    E = H @ V - T
    return np.sum(E ** 2), (H, E)
"""
BACK_TWICE = """
def backward(X, W, V, T, cache):
    H, E = cache
    dE = 2 * E
    dV = H.T @ dE
    {}
    dW = X.T @ dH
    dX = dH @ W.T
    return dX, dW, dV
"""
IN_TWO = "dH = dE @ V.T\n    dH = dH * (1 - H ** 2)"


@pytest.mark.parametrize(
    ("written", "line", "cause"),
    [
        (IN_TWO, None, None),
        ("dH = dE @ V.T * (1 - H ** 2)", None, None),
        # Either name is bound twice: that of the value, or that of the gradient as well.
        ("dH = dE @ V.T * (1 - H)", 6, "activation"),
        ("dH = 3 * dE @ V.T * (1 - H ** 2)", 6, "factor"),
        (IN_TWO.replace("dE @ V.T", "3 * dE @ V.T"), 6, "factor"),
    ],
)
def test_a_name_that_is_bound_twice_is_read_as_the_value_that_explains_most(written, line, cause):
    rng = np.random.default_rng(0)
    arguments = [rng.normal(size=size) for size in ((6, 3), (3, 4), (4, 2), (6, 2))]
    functions = (from_source(text, np=np) for text in (TWICE, BACK_TWICE.format(written)))
    report = al.check_derivation(*functions, *arguments, show=False)
    wrong = [(found.line, found.cause) for found in report if found.status == "wrong"]
    assert wrong == ([] if line is None else [(line, cause)])


def test_the_earlier_value_of_a_name_is_what_differences_confirm():
    rng = np.random.default_rng(0)
    arguments = [rng.normal(size=size) for size in ((6, 3), (3, 4), (4, 2), (6, 2))]
    backward = BACK_TWICE.format(IN_TWO.replace("dE @ V.T", "3 * dE @ V.T"))
    functions = (from_source(text, np=np) for text in (TWICE, backward))
    report = al.check_derivation(*functions, *arguments, show=False)
    assert report.notes == ("differences of the forward pass confirm the chain rule for dH",)


@pytest.mark.parametrize(
    ("value", "scale", "found"),
    [
        ([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]], 1.0, "matrix"),
        ([[2.0, 4.0], [6.0, 8.0], [10.0, 14.0]], 2.0, "matrix"),
        ([[-1.0, -2.0], [-3.0, -4.0], [-5.0, -7.0]], -1.0, "matrix"),
        ([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]], 1.0, None),
        ([[1.0, 2.0], [3.0, 4.0], [7.0, 5.0]], 1.0, None),
        ([[1.0, 2.0], [3.0, 4.0], [5.0, 7.1]], 1.0, None),
        ([1.0, 2.0, 3.0, 4.0, 5.0, 7.0], 1.0, None),
        ([[8.0, 9.0]], 1.0, "vector"),
        ([[8.0], [9.0]], 1.0, "vector"),
        ([8.0, 9.0], 1.0, "vector"),
        (6.0, 1.0, "number"),
        (3.0, 0.5, "number"),
        # One number is no array of one element, whose gradient it could be by chance.
        ([6.0], 1.0, None),
        ([0.0, 0.0], 1.0, None),
    ],
)
def test_a_gradient_is_found_by_its_value(value, scale, found):
    gradients = {
        **{"matrix": [[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]], "vector": [8.0, 9.0]},
        **{"number": 6.0, "zeros": [0.0, 0.0], "empty": []},
    }
    table = GradientTable({name: np.array(g) for name, g in gradients.items()})
    assert next(table.equal_to(np.array(value), scale), None) == found


RECURRENT = """
def forward(W, X, T):
    h = np.zeros((3, 2))
    for x in X:
        h = np.tanh(x @ W + h)
    return 0.5 * np.sum((h - T) ** 2), h
"""


@pytest.mark.parametrize(
    ("lines", "is_marked", "is_said"),
    [
        ("dh = h - T", True, False),
        ("dh = 3 * (h - T)", False, True),
        ("dh = 3 * (h - T)\n    dh = 2 * dh", False, False),
    ],
)
def test_a_gradient_of_a_name_that_a_loop_binds_is_told_by_its_value(lines, is_marked, is_said):
    rng = np.random.default_rng(0)
    arguments = [rng.normal(size=size) for size in ((2, 2), (4, 3, 2), (3, 2))]
    backward = f"\ndef backward(W, X, T, h):\n    {lines}\n    dT = T - h\n    return dT\n"
    functions = (from_source(text, np=np) for text in (RECURRENT, backward))
    report = al.check_derivation(*functions, *arguments, show=False)
    assert statuses(report) == {**({"dh": "correct"} if is_marked else {}), "dT": "correct"}
    assert any("h stands for several values" in note for note in report.notes) == is_said


@pytest.mark.parametrize(
    ("value", "true", "is_same"),
    [
        ([1.0, 2.0], [1.0, 2.0 + 1e-9], True),
        ([1.0, 2.0], [1.0, 2.0 + 1e-5], False),
        ([[1.0], [2.0]], [1.0, 2.0], True),
        ([1.0, 2.0, 3.0], [1.0, 2.0], False),
        ([1e-9, 1e9], [0.0, 1e9], True),
        ([0.0, 0.0], [0.0, 0.0], True),
        ([1e-9, 0.0], [0.0, 0.0], False),
        ([np.nan, 1.0], [1.0, 1.0], False),
        ([], [], True),
    ],
)
@pytest.mark.parametrize("floor", [True, False])
def test_a_value_equals_a_gradient_up_to_rounding(value, true, is_same, floor):
    assert same_values(np.array(value), np.array(true), floor=floor) == is_same


def test_what_arrives_is_of_the_gradients_that_go_on():
    subject = subject_of(forward, from_source(BACKWARD, np=np), tuple(inputs()), None, True)
    reading = _best_reading(Setting(subject), {}, None)
    graph, events = reading.evidence.graph, reading.recording.events
    nodes = {event.name: event.value._node for event in events if event.name in ("Z1", "A1")}
    nodes |= {i.name: i.tensor._node for i in reading.recording.inputs}
    truth = graph.arrivals()
    found = graph.arrivals({nodes["Z1"]: 3 * truth[nodes["Z1"]]})
    for name, factor in {"W1": 3, "b1": 3, "X": 3, "W2": 1, "A1": 1}.items():
        np.testing.assert_allclose(found[nodes[name]], factor * truth[nodes[name]], rtol=1e-12)


def test_the_graph_of_a_report_is_that_of_the_inputs_as_they_were():
    W = np.array([1.0, 2.0])
    report = al.check_derivation(square, lambda W: {"dW": 2 * W}, W, show=False)
    loss = report.record()
    assert (loss.name, float(loss.data)) == ("loss", 5.0)
    W[0] += 1e-8
    assert report.record().data == np.sum(W * W)
    W[0] += 1e-5
    message = "the inputs were changed since square was marked: the loss was 5 and is 5.00002"
    with pytest.raises(ValueError, match=message):
        report.record()


@pytest.mark.parametrize(
    ("given", "later", "is_same"),
    [
        (np.nan, np.nan, True),
        (1e-90, 1e-90 * (1 + 1e-8), True),
        (1e-90, 2e-90, False),
        (1e9, 1e9 + 1, True),
        (1e9, 1e9 + 3e3, False),
        (1.0, np.nan, False),
    ],
)
def test_a_graph_is_that_of_the_report_where_the_loss_is_but_for_rounding(given, later, is_same):
    W = np.array([given, 0.0])
    report = al.check_derivation(square, lambda W: {"dW": 2 * W}, W, show=False)
    W[0] = later
    if is_same:
        np.testing.assert_equal(report.record().data, later**2)
    else:
        with pytest.raises(ValueError, match="the inputs were changed"):
            report.record()


class TestConventions:
    COURSE = (
        ("(A2 - Y) / N", "A2 - Y"),
        ("np.dot(dZ2, A1.T)", "np.dot(dZ2, A1.T) / N"),
        ("np.sum(dZ2, axis=1, keepdims=True)", "np.sum(dZ2, axis=1, keepdims=True) / N"),
        ("np.dot(dZ1, X.T)", "np.dot(dZ1, X.T) / N"),
        ("np.sum(dZ1, axis=1, keepdims=True)", "np.sum(dZ1, axis=1, keepdims=True) / N"),
    )

    def test_the_courses(self):
        report = marked(*self.COURSE)
        assert report.ok
        assert statuses(report)["dZ1"] == "convention"
        assert statuses(report)["dW1"] == "correct"
        assert report.notes == (
            "convention: gradients of 7 times the loss (the number of columns of X) until the "
            "division in the last step; that is no mistake",
        )

    def test_n_times_throughout(self):
        report = marked(("(A2 - Y) / N", "A2 - Y"))
        assert report.ok
        assert set(statuses(report).values()) == {"convention"}
        assert "throughout" in report.notes[0]

    def test_a_mistake_in_the_courses(self):
        report = marked(*self.COURSE[:3], *self.COURSE[4:])
        assert {line.name: line.cause for line in report if line.status == "wrong"} == {
            "dW1": "factor"
        }

    @pytest.mark.parametrize("at_zero", ["0", "0.5", "1"])
    @pytest.mark.parametrize("relu", ["np.maximum(0, Z1)", "np.where(Z1 > 0, Z1, 0)"])
    def test_the_derivative_of_relu_at_zero(self, at_zero, relu):
        arguments = inputs()
        arguments[1][:] = 0
        arguments[4][:, 2] = 0
        mask = f"((Z1 > 0) + {at_zero} * (Z1 == 0))"
        source = BACKWARD.replace("(Z1 >= 0)", mask)
        report = al.check_derivation(
            from_source(FORWARD.replace("np.maximum(0, Z1)", relu), np=np),
            from_source(source, np=np),
            *arguments,
            show=False,
        )
        assert report.ok
        assert set(statuses(report).values()) <= {"correct", "convention"}


class TestStyles:
    def test_dicts_and_loops(self):
        loops = from_source(
            """
def forward(X, parameters, Y):
    A, Z = {"0": X}, {}
    for l in range(1, 4):
        Z[str(l)] = parameters["W" + str(l)] @ A[str(l - 1)] + parameters["b" + str(l)]
        A[str(l)] = np.tanh(Z[str(l)])
    return np.mean((A["3"] - Y) ** 2), (A, parameters, Y)
""",
            np=np,
        )
        back = from_source(
            """
def backward(cache):
    A, parameters, Y = cache
    dA, gradients = {}, {}
    dA["3"] = 2 * (A["3"] - Y) / Y.size
    for l in (3, 2, 1):
        dZ = dA[str(l)] * (1 - A[str(l)] ** 2)
        gradients["dW" + str(l)] = dZ @ A[str(l - 1)].T
        gradients["db" + str(l)] = dZ.sum(axis=1, keepdims=True)
        dA[str(l - 1)] = parameters["W" + str(l)].T @ dZ
    return gradients
""",
            np=np,
        )
        rng = np.random.default_rng(1)
        sizes, parameters = [4, 3, 5, 2], {}
        for i, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
            parameters[f"W{i}"] = rng.normal(size=(n_out, n_in))
            parameters[f"b{i}"] = rng.normal(size=(n_out, 1))
        arguments = rng.normal(size=(4, 6)), parameters, rng.normal(size=(2, 6))
        report = al.check_derivation(loops, back, *arguments, show=False)
        assert report.ok
        names = {"dZ", "dA3", "dA2", "dA1", "dA0", *(f"d{k}{i}" for k in "Wb" for i in (1, 2, 3))}
        assert {line.name for line in report} == names

    @pytest.mark.parametrize("name", ["grad_W", "W_grad", "d_W", "dW", "W"])
    def test_returned_names(self, name):
        def loss(W, X):
            S = W @ X
            return np.sum(S * S)

        def gradient(W, X):
            return {name: 2 * (W @ X) @ X.T}

        report = al.check_derivation(loss, gradient, np.ones((2, 3)), np.ones((3, 4)), show=False)
        assert statuses(report) == {name: "correct"}

    def test_names_of_ones_own(self):
        def loss(W, X):
            S = W @ X
            return np.sum(S * S)

        def gradient(W, X):
            delta = 2 * (W @ X)
            return {"delta": delta, "dW": delta @ X}

        X = np.arange(9.0).reshape(3, 3)
        report = al.check_derivation(
            loss, gradient, np.ones((2, 3)), X, names={"delta": "S"}, show=False
        )
        assert statuses(report) == {"delta": "correct", "dW": "wrong"}
        assert report.first_wrong.cause == "transpose"

    def test_single_precision(self):
        assert marked(arguments=inputs(dtype=np.float32)).ok

    def test_a_decorated_function_and_a_method(self):
        class Net:
            def forward(self, W):
                S = W * W
                return np.sum(S)

            def backward(self, W):
                dS = np.ones_like(W)
                return {"dS": dS, "dW": 3 * dS * W}

        def passed_on(function):
            return functools.wraps(function)(lambda *args: function(*args))

        net = Net()
        for f, b in [
            (net.forward, net.backward),
            (passed_on(net.forward), passed_on(net.backward)),
        ]:
            report = al.check_derivation(f, b, np.array([1.0, 2.0]), show=False)
            assert statuses(report) == {"dS": "correct", "dW": "wrong"}
            assert report.first_wrong.cause == "factor"


class TestRaising:
    def test_a_shape_error_is_the_last_line(self):
        report = marked(("np.dot(dZ2, A1.T)", "np.dot(dZ2, A1)"))
        assert statuses(report) == {"dZ2": "correct", "dW2": "wrong"}
        line = report.first_wrong
        assert (line.line, line.cause, line.expected_shape) == (6, "shape", (2, 4))
        assert line.message == (
            "line 6 raised ValueError: shapes (2,7) and (4,7) not aligned: 7 (dim 1) != 4 (dim 0) "
            "(dZ2 has shape (2, 7), A1 has shape (4, 7))"
        )

    def test_an_undefined_name(self):
        report = marked(("dA1 * (Z1 >= 0)", "dA1 * mask"))
        assert "line 9 raised NameError: name 'mask' is not defined" in report.first_wrong.message


class TestThirdOpinion:
    def test_it_confirms_the_chain_rule(self):
        report = marked(("np.dot(dZ1, X.T)", "-np.dot(dZ1, X.T)"))
        assert "differences of the forward pass confirm the chain rule for dW1" in report.notes

    @pytest.mark.parametrize("found", [None, 0.0, np.nan, np.inf])
    def test_it_is_silent_where_differences_say_nothing(self, found, monkeypatch):
        monkeypatch.setattr(remarks, "slope", lambda *_: found)
        report = marked(("np.dot(dZ1, X.T)", "-np.dot(dZ1, X.T)"))
        assert report.first_wrong.name == "dW1"
        assert report.notes == ()

    def test_it_is_asked_about_values_on_the_way(self):
        report = marked(("dA1 * (Z1 >= 0)", "dA1 * (Z1 < 0)"))
        assert "differences of the forward pass confirm the chain rule for dZ1" in report.notes

    def test_it_is_the_slope_of_the_loss(self):
        def both(W, X, T):
            Z = X @ W
            Z = Z * 2
            E = np.tanh(Z) - T
            loss = 0.5 * np.sum(E**2)
            dE = E
            dZ = dE * (1 - np.tanh(Z) ** 2)
            dW = 2 * X.T @ dZ
            return loss, dW

        def layer(W, X, T):
            Z = X @ W
            Z = Z * 2
            return np.tanh(Z) - T, Z

        W, X, T = (np.random.default_rng(3).normal(size=size) for size in ((3, 2), (5, 3), (5, 2)))
        E = np.tanh(2 * X @ W) - T
        for setting, arriving in (
            (Setting(subject_of(both, None, (W, X, T), None, False)), E),
            (Setting(subject_of(lambda *a: both(*a)[0], lambda W: W, (W, X, T), None, True)), E),
            (Setting(subject_of(layer, lambda dout, Z: Z, (W, X, T), None, True)), None),
        ):
            arriving = setting.upstream[0] if arriving is None else arriving
            dZ = arriving * (1 - (E + T) ** 2)
            recording = setting.record()
            source = next(i for i in recording.inputs if i.name == "W")
            directions = np.random.default_rng(4).normal(size=(3, 2)), dZ
            found = slope(setting, "W", source, directions[0])
            assert np.isclose(found, np.sum(2 * X.T @ dZ * directions[0]), rtol=1e-6)
            assert np.isclose(slope(setting, "Z", None, dZ), np.sum(dZ**2), rtol=1e-6)
            assert slope(setting, "nothing", None, dZ) is None

    def test_it_contradicts_a_wrong_rule_loudly(self):
        def loss(W):
            A = np.exp(W)
            return np.sum(A)

        def gradient(W):
            return {"dW": np.exp(W)}

        al.defvjp(np.exp, x=lambda g, out: 2 * g * out)
        report = al.check_derivation(loss, gradient, np.array([0.5, 1.0]), show=False)
        assert any(
            n.startswith("ATTENTION: differences of the forward pass support YOUR dW")
            for n in report.notes
        )


class TestReport:
    def test_as_text(self):
        text = str(marked(("dA1 * (Z1 >= 0)", "dA1 * (Z1 < 0)")))
        assert text.splitlines()[0].split() == [
            *("line", "gradient", "of", "shape", "largest", "difference", "relative", "verdict")
        ]
        assert re.search(r"^9 +dZ1 +Z1 +\(4, 7\) .* wrong \(mask\)$", text, re.MULTILINE)

    def test_as_json(self):
        report = marked(("np.dot(dZ2, A1.T)", "np.dot(dZ2, A1)"))
        found = json.loads(report.to_json())
        assert found["ok"] is False
        assert found["lines"][1]["name"] == "dW2"
        assert found["lines"][1]["error"] == "inf"
        assert found["lines"][1]["expected_shape"] == [2, 4]

    def test_a_line_without_a_gradient_is_null_in_json(self):
        report = Report((Line("e", "", "wrong", math.nan, math.nan, (2,), (2,), "sign", "", 3),))
        found = json.loads(report.to_json(), parse_constant=pytest.fail)
        assert found["lines"][0]["error"] is None
        assert "nan" not in str(report)

    def test_in_a_notebook(self):
        def loss(W):
            B = W * W
            return np.sum(B)

        report = al.check_derivation(
            loss, lambda W: {"dW": W, "<b>": W}, np.ones(2), names={"<b>": "B"}, show=False
        )
        page = report._repr_html_()
        assert '<tr class="wrong">' in page
        assert "&lt;b&gt;" in page and "<b>" not in page
        assert f'background:{BACKGROUNDS["wrong"]}">wrong' in page

    @pytest.mark.parametrize("status", COLOURS)
    def test_a_verdict_in_a_notebook_can_be_read(self, status):
        channels = [int(BACKGROUNDS[status][i : i + 2], 16) / 255 for i in (1, 3, 5)]
        # The contrast with white text, by the Web Content Accessibility Guidelines.
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        assert 1.05 / (np.dot((0.2126, 0.7152, 0.0722), linear) + 0.05) >= 4.5

    @pytest.mark.parametrize(
        ("terminal", "environment", "coloured"),
        [
            (True, {"TERM": "xterm"}, True),
            (True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
            (True, {"TERM": "xterm", "NO_COLOR": ""}, True),
            (True, {"TERM": "dumb"}, False),
            (False, {"TERM": "dumb", "FORCE_COLOR": "1"}, True),
            (False, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
            (False, {"TERM": "xterm"}, False),
        ],
    )
    def test_colours_where_a_terminal_has_them(self, monkeypatch, terminal, environment, coloured):
        report = marked(("(A2 - Y)", "(Y - A2)"))
        screen = io.StringIO()
        screen.isatty = lambda: terminal
        for name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with contextlib.redirect_stdout(screen):
            report.show()
        assert ("\033[1;31m" in screen.getvalue()) == coloured
        assert "wrong (sign)" in screen.getvalue()

    def test_the_helper_for_teachers(self):
        back = from_source(BACKWARD, np=np)
        assert isinstance(al.check.assert_derivation(forward, back, *inputs()), Report)
        wrong = from_source(BACKWARD.replace("A2 - Y", "Y - A2"), np=np)
        with pytest.raises(AssertionError, match=r"gradients: 7 of 7(.|\n)*sign"):
            al.check.assert_derivation(forward, wrong, *inputs())

    def test_it_prints_itself(self, capsys):
        al.check_derivation(forward, from_source(BACKWARD, np=np), *inputs())
        assert "correct" in capsys.readouterr().out


def square(W):
    S = W * W
    return np.sum(S)


class TestBadInput:
    def test_a_loss_that_differs_from_call_to_call(self):
        def noisy(W):
            S = W * W
            return np.sum(S) * (1 + time.perf_counter_ns() % 1000)

        with pytest.raises(ValueError, match="noisy gives the loss .* in one call and .* in the n"):
            al.check_derivation(noisy, lambda W: {"dW": W}, np.ones(2))

    def test_a_forward_pass_that_leaves_numpy(self):
        def leaves(W):
            S = W * W
            return float(f"{S.sum():.17g}")

        message = r"does not depend on any input .*line \d+, in leaves turns a value into a number"
        with pytest.raises(ValueError, match=message):
            al.check_derivation(leaves, lambda W: {"dW": W}, np.ones(2))

    def test_names_that_match_nothing(self):
        with pytest.raises(ValueError, match="finds no gradient in back.*are W, S; pass names="):

            def back(W):
                return W

            al.check_derivation(square, back, np.ones(2))
        with pytest.raises(ValueError, match="there is no 'Q' in the forward pass, which has S, W"):
            al.check_derivation(square, lambda W: {"e": W}, np.ones(2), names={"e": "Q"})

    @pytest.mark.parametrize("value", ["text", None, [[1], [2, 3]], object()])
    def test_gradients_of_the_wrong_type(self, value):
        with pytest.raises(TypeError, match="the gradient 'dW' is .*, which is not an array"):
            al.check_derivation(square, lambda W: {"dW": value}, np.ones(2))

    def test_a_loss_that_is_no_number(self):
        for loss in ("text", None, 1j, {}):
            with pytest.raises(TypeError, match="the loss as one real number, or arrays at which"):
                al.check_derivation(lambda W, loss=loss: loss, lambda W: {"dW": W}, np.ones(2))

    def test_a_loss_that_depends_on_nothing(self):
        with pytest.raises(ValueError, match="does not depend on any input"):
            al.check_derivation(lambda W: 1.0, lambda W: {"dW": W}, np.ones(2))

    def test_another_number_of_arguments(self):
        with pytest.raises(TypeError, match="takes 3 arguments; it is called with the 1 inputs"):
            al.check_derivation(square, lambda a, b, c: {}, np.ones(2))

    def test_an_error_of_the_forward_pass_is_its_own(self):
        def fails(W):
            return np.sum(W @ np.ones(5))

        with pytest.raises(ValueError, match="matmul"):
            al.check_derivation(fails, lambda W: {"dW": W}, np.ones(2))


class TestWhatIsNoMistake:
    """Styles in which a right derivation was once marked wrong."""

    def test_parameters_that_are_numbers_or_whole_numbers(self):
        def loss(w, b, x):
            z = w * x + b
            return np.sum(z * z)

        def gradient(w, b, x):
            dz = 2 * (w * x + b)
            return {"dw": np.sum(dz * x), "db": np.sum(dz)}

        x = np.array([1.0, 2.0, 3.0])
        for w, b in ((0.3, 0.1), (np.float64(0.3), 1), (np.array(2), np.array(1))):
            assert al.check_derivation(loss, gradient, w, b, x, show=False).ok
        wrong = from_source("def back(w, b, x):\n    dz = w * x + b\n    return {'dz': dz}\n")
        assert al.check_derivation(loss, wrong, 0.3, 0.1, x, show=False).first_wrong.name == "dz"

    def test_the_gradient_of_the_samples_in_the_courses_convention(self):
        def loss(W, X, Y):
            Z = W @ X
            return np.sum((Z - Y) ** 2) / X.shape[1]

        def gradient(W, X, Y):
            N = X.shape[1]
            dZ = 2 * (W @ X - Y)
            return {"dZ": dZ, "dW": dZ @ X.T / N, "dX": W.T @ dZ}

        rng = np.random.default_rng(0)
        arguments = rng.normal(size=(2, 3)), rng.normal(size=(3, 5)), rng.normal(size=(2, 5))
        report = al.check_derivation(loss, gradient, *arguments, show=False)
        assert statuses(report) == {"dZ": "convention", "dW": "correct", "dX": "convention"}

    def test_names_that_stand_for_several_values(self):
        def loss(weights, x):
            a = x
            for W in weights:
                z = W @ a
                a = np.tanh(z)
            return np.sum(a)

        def gradient(weights, x):
            first, second = weights
            h = np.tanh(first @ x)
            da = 1 - np.tanh(second @ h) ** 2
            return {"da": da}

        weights = [np.eye(2) * 0.3, np.eye(2) * 0.5]
        report = al.check_derivation(loss, gradient, weights, np.ones(2), show=False)
        assert report.ok
        assert any("da is not marked: a stands for several values" in note for note in report.notes)

    def test_a_name_that_is_used_again_for_what_comes_before(self):
        report = marked(
            ("    dZ1 = dA1 * (Z1 >= 0)\n", "    dA1 *= Z1 >= 0\n    dZ1 = dA1\n"),
        )
        assert report.ok, str(report)

    def test_lengths_steps_and_masks_with_a_d_in_front(self):
        def loss(k, t):
            mask = t > 0
            s = k * t * mask
            return np.sum(s)

        def gradient(k, t):
            d_k, dt = len(k), 0.1
            dmask = t > 0
            ds = np.ones(d_k)
            dk = ds * t * dmask
            return dk, dt

        report = al.check_derivation(loss, gradient, np.ones(3), np.ones(3), show=False)
        assert statuses(report) == {"ds": "correct", "dk": "correct"}

    def test_a_local_derivative_can_be_left_out(self):
        def loss(z):
            relu = np.maximum(z, 0)
            return np.sum(relu)

        def gradient(z):
            drelu = (z > 0).astype(float) * 2
            dz = drelu / 2
            return {"dz": dz}

        z = np.array([1.0, -1.0])
        for names in (None, {"drelu": None}):
            report = al.check_derivation(loss, gradient, z, names=names, show=False)
            assert statuses(report) == {"dz": "correct"}

    def test_accumulating_in_a_loop_and_returning_a_tuple(self):
        def loss(W, xs):
            s = W @ xs
            return np.sum(s)

        source = """
def back(W, xs):
    dW = np.zeros_like(W)
    for i in range(xs.shape[1]):
        dW += np.outer(np.ones(2), xs[:, i]) FACTOR
    return dW, None
"""
        arguments = np.ones((2, 3)), np.arange(12.0).reshape(3, 4)
        right = from_source(source.replace("FACTOR", ""), np=np)
        wrong = from_source(source.replace("FACTOR", "* 5"), np=np)
        assert al.check_derivation(loss, right, *arguments, show=False).ok
        line = al.check_derivation(loss, wrong, *arguments, show=False).first_wrong
        assert (line.name, line.cause) == ("dW", "factor")

    def test_zeros_are_no_excuse_where_there_is_no_kink(self):
        def loss(E, t):
            s = E * t
            return np.sum(s)

        def gradient(E, t):
            dE = t.copy()
            dE[0] = 0
            return {"dE": dE}

        E = np.array([0.0, 1.0, 2.0])
        report = al.check_derivation(loss, gradient, E, np.arange(1.0, 4.0), show=False)
        assert report.first_wrong.name == "dE"

    def test_a_default_argument_of_the_function_around(self):
        def around():
            def squash(z):
                return np.tanh(z)

            def loss(W, act=squash):
                s = act(W)
                return np.sum(s)

            return loss

        report = al.check_derivation(
            around(), lambda W: {"dW": 1 + np.tanh(W) ** 2}, np.array([0.3, 0.5]), show=False
        )
        assert any("confirm the chain rule" in note for note in report.notes)

    def test_inputs_are_writeable_after_an_error(self):
        W = np.ones((2, 3))
        back = from_source("def back(W):\n    dS = W @ W\n    return {'dS': dS}\n", np=np)

        def loss(W):
            S = W * W
            return np.sum(S)

        report = al.check_derivation(loss, back, W, show=False)
        assert "raised ValueError" in str(report)
        W[0, 0] = 5

    def test_tensors_as_inputs(self):
        W = al.Tensor([1.0, 2.0], requires_grad=True)
        assert al.check_derivation(square, lambda W: {"dW": 2 * W}, W, show=False).ok


class TestFromSource:
    def test_bad_text(self):
        with pytest.raises(ValueError, match="line 2 of the text is not valid Python"):
            from_source("def f(x):\nreturn x")
        with pytest.raises(ValueError, match="defines no function"):
            from_source("x = 1")


def wide(line, change=None):
    """The first wrong line of a layer with 700 features, where `line` derives dW1."""
    arguments = inputs((700, 4, 2))
    arguments[0] /= np.sqrt(700)
    if change is not None:
        change(arguments)
    backward = from_source(BACKWARD.replace("dW1 = np.dot(dZ1, X.T)", line), np=np)
    return al.check_derivation(forward, backward, *arguments, show=False).first_wrong


@pytest.mark.parametrize(
    "line, cause",
    [
        ("dW1 = np.dot(A1, X.T)", "operand"),
        ("dW1 = np.dot(dA1, X.T)", "operand"),
        ("dW1 = np.dot(dZ1, X.T) - 0.5 * np.dot(A1, X.T)", "term"),
        ("dW1 = np.dot(np.exp(dZ1), X.T)", "activation"),
        ("dW1 = np.dot(np.sin(dZ1) ** 3, X.T)", "unknown"),
        ("dW1 = np.dot(np.dot(A1, X.T), np.eye(len(X)))", "operand"),
    ],
)
@pytest.mark.one_in(2)
def test_the_cause_is_found_in_a_line_of_long_arrays(line, cause):
    wrong = wide(line)
    assert (wrong.name, wrong.cause) == ("dW1", cause)


W, X, T = (np.random.default_rng(3).normal(size=size) for size in ((3, 2), (5, 3), (5, 2)))


def residual(W, X, T):
    Z = X @ W
    return 0.5 * np.sum((Z - T) ** 2), Z


class TestArraysAreSafe:
    def test_arguments_defaults_and_globals_that_are_written_into(self):
        state = {"calls": 0}

        def step(X, T, W=W, history=[]):  # noqa: B006
            state["calls"] += 1
            history.append(1)
            Z = X @ W
            loss = 0.5 * np.sum((Z - T) ** 2)
            dW = X.T @ (Z - T)
            W -= 0.1 * dW
            X *= 0
            return loss, dW

        before = [array.copy() for array in (W, X, T)]
        assert al.check_derivation(step, X, T, show=False).ok
        for array, old in zip((W, X, T), before, strict=True):
            assert np.array_equal(array, old) and array.flags.writeable
        assert state == {"calls": 0} and step.__defaults__[1] == []

    @pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
    def test_after_an_exception(self, error):
        def back(W, X, T, Z):
            W[:] = 0
            raise error

        before = W.copy()
        with contextlib.suppress(KeyboardInterrupt):
            al.check_derivation(residual, back, W, X, T, show=False)
        assert np.array_equal(W, before) and W.flags.writeable

    def test_an_object_that_holds_what_cannot_be_copied(self):
        class Net:
            def __init__(self):
                self.xp, self.lock, self.W = np, threading.Lock(), W.copy()
                self.calls = 0

            def loss(self, X, T):
                self.calls += 1
                self.Z = self.xp.dot(X, self.W)
                return 0.5 * np.sum((self.Z - T) ** 2)

            def gradient(self, X, T):
                self.loss(X, T)
                return {"W": X.T @ (self.Z - T)}

        net = Net()
        assert al.check_derivation(net.loss, net.gradient, X, T, show=False).ok
        assert net.calls == 0 and not hasattr(net, "Z")


class TestTheLineAsWritten:
    @pytest.mark.parametrize(
        ("written", "mended"),
        [
            ("dW = X.T @ (dZ*Z)", "dW = X.T @ dZ"),
            ("é = 'é'; dW = X.T@(2 * dZ); rate = 1", "é = 'é'; dW = X.T@dZ; rate = 1"),
            ("dW = -(X.T @ dZ)", "dW = X.T @ dZ"),
            ("dW = X.T @ (T - X @ W)", "dW = X.T @ (X @ W - T)"),
        ],
    )
    def test_it_is_shown_beside_what_it_should_be(self, written, mended):
        text = (
            f"def back(W, X, T, Z):\n    dZ = Z - T\n    {written}  # why = '#'\n    return (dW,)\n"
        )
        report = al.check_derivation(residual, from_source(text, np=np), W, X, T, show=False)
        assert f"In back(): {written}  should be  {mended}" in str(report)


class TestForms:
    def test_closures_that_are_made_in_the_run(self):
        def back(W, X, T):
            total = np.zeros_like(W)

            def add(x, t):
                nonlocal total
                total = total + np.outer(x, x @ W - t)

            for x, t in zip(X, T, strict=True):
                add(x, t)
            return {"W": total}

        assert al.check_derivation(residual, back, W, X, T, show=False).ok

    def test_a_function_that_calls_itself(self):
        def net(weights, X, k=0):
            return X if k == len(weights) else net(weights, np.tanh(X @ weights[k]), k + 1)

        def loss(weights, X):
            return np.sum(net(weights, X))

        weights = [W, np.eye(2)]
        wrong = al.check_derivation(
            loss, lambda weights, X: [W + 1, np.eye(2)], weights, X, show=False
        )
        assert not wrong.ok

    def test_the_loss_comes_last(self):
        def cost(theta, X, y):
            h = X @ theta
            grad = X.T @ (h - y) / len(y)
            J = np.sum((h - y) ** 2) / (2 * len(y))
            return J, grad

        def wrong(theta, X, y):
            h = X @ theta
            grad = X.T @ (h + y) / len(y)
            J = np.sum((h - y) ** 2) / (2 * len(y))
            return J, grad

        theta, y = W[:, 0].copy(), T[:, 0].copy()
        assert al.check_derivation(cost, theta, X, y, show=False).ok
        assert al.check_derivation(wrong, theta, X, y, show=False).first_wrong.cause == "sign"

    def test_one_array_given_twice(self):
        def loss(W, X, T):
            out = X @ W @ W.T
            return 0.5 * np.sum((out - T) ** 2), out

        def back(W, X, T, out):
            dout = out - T
            return {"W": (X.T @ dout + dout.T @ X) @ W, "X": dout @ W @ W.T}

        assert al.check_derivation(loss, back, W, X, X, show=False).ok

    def test_gradients_in_a_list_of_tuples(self):
        def loss(layers, X, T):
            ((W, b),) = layers
            Z = X @ W + b
            return 0.5 * np.sum((Z - T) ** 2)

        for factor, right in ((1, True), (3, False)):

            def back(layers, X, T, factor=factor):
                ((W, b),) = layers
                dZ = X @ W + b - T
                return [(X.T @ dZ * factor, dZ.sum(axis=0))]

            report = al.check_derivation(loss, back, [(W, np.ones(2))], X, T, show=False)
            assert report.ok is right

    def test_gradients_that_are_zero_but_for_rounding(self):
        def loss(W, b, X, T):
            Z = X @ W + b
            N = Z - Z.mean(axis=0)
            return np.sum(N * T)

        def back(W, b, X, T):
            dZ = T - T.mean(axis=0)
            return {"W": X.T @ dZ, "b": dZ.sum(axis=0)}

        assert al.check_derivation(loss, back, W, np.ones(2), X, T, show=False).ok

    @pytest.mark.parametrize("takes_vector", [True, False])
    @pytest.mark.parametrize("slope", ["(1 - A ** 2)", "(1 - A)", "1"])
    def test_all_gradients_as_one_vector(self, takes_vector, slope):
        W1, W2 = np.random.default_rng(1).normal(size=20).reshape(2, 10)
        W1, W2 = W1[:6].reshape(3, 2), W2[:4].reshape(2, 2)
        text = f"""
def split(theta):
    return theta[:6].reshape(3, 2), theta[6:].reshape(2, 2)

def loss(parameters, X, T):
    W1, W2 = parameters
    A = np.tanh(X @ W1)
    E = A @ W2 - T
    return 0.5 * np.sum(E ** 2), (A, E, W2, X)

def of_vector(theta, X, T):
    return loss(split(theta), X, T)

def back(cache):
    A, E, W2, X = cache
    dW2 = A.T @ E
    dW1 = X.T @ (E @ W2.T * {slope})
    return np.concatenate([dW1.ravel(), dW2.ravel()])
"""
        scope = {"np": np}
        names = ["of_vector" if takes_vector else "loss", "back"]
        linecache.cache["vectors.py"] = len(text), None, text.splitlines(True), "vectors.py"
        exec(compile(text, "vectors.py", "exec"), scope)
        given = np.concatenate([W1.ravel(), W2.ravel()]) if takes_vector else [W1, W2]
        report = al.check_derivation(
            *(scope[name] for name in names), given, X[:4], T[:4], show=False
        )
        assert report.ok == ("**" in slope)
        if not report.ok:
            assert (report.first_wrong.name, report.first_wrong.line) == ("dW1", 17)
            assert report.first_wrong.cause == "activation"

    def test_parameters_that_are_numbers_in_a_dict(self):
        def loss(p, x, t):
            e = p["w"] * x + p["b"] - t
            return 0.5 * np.sum(e**2)

        for factor, verdict in ((1, "correct"), (2, "wrong")):

            def gradient(p, x, t, factor=factor):
                e = p["w"] * x + p["b"] - t
                return {"w": np.sum(e * x), "b": factor * np.sum(e)}

            x, t = np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 5.0])
            report = al.check_derivation(loss, gradient, {"w": 0.3, "b": 0.1}, x, t, show=False)
            assert statuses(report) == {"e": "correct", "w": "correct", "b": verdict}

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"loss": 3}, "takes loss= as the cost function, or as the name"),
            ({"seconds": "x"}, "takes seconds above 0"),
            ({"tolerance": -1}, "takes a tolerance above 0"),
        ],
    )
    def test_options_that_are_none(self, options, message):
        with pytest.raises((TypeError, ValueError), match=message):
            al.check_derivation(residual, residual, W, X, T, show=False, **options)
