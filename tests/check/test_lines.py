"""The edits that are offered for a single line, and what is known where it stands."""

import ast
import re
import textwrap

import numpy as np
import pytest

from autograd_lite.check import from_source
from autograd_lite.check.marking.definitions import Sources
from autograd_lite.check.marking.edits.activations import (
    derivatives,
    missing_derivatives,
    other_slopes,
    slopes,
    sums_to,
    tanh_slopes,
)
from autograd_lite.check.marking.edits.factors import (
    factors,
    masks,
    numbers,
    scaled_by,
    signs,
    terms,
    unused,
)
from autograd_lite.check.marking.edits.line import Line
from autograd_lite.check.marking.edits.operands import (
    exchanged,
    indices,
    layers,
    operands,
    other_numbers,
)
from autograd_lite.check.marking.edits.products import calls, products, transposes
from autograd_lite.check.marking.edits.statements import left_out, statements
from autograd_lite.check.marking.edits.trees import parsed

a, b, c = np.arange(6.0).reshape(2, 3), np.full((2, 3), 2.0), np.ones((3, 2))
VALUES = {
    **{
        "a": a,
        "b": b,
        "c": c,
        "d": a - b,
        "e": 3 * a,
        "on": a > 2,
        "some": a[:1] > 1,
        "y": np.array([0, 1]),
    },
    **{"W": [a, b], "A": [b, a], "W1": b, "W2": a, "W3": 4 * a, "A0": b, "A1": a, "A2": 5 * a},
    **{"n": 2, "i": 0, "j": 1, "l": 1, "t": True, "lam": 0.3, "g": {"W2": a}, "row": a[0]},
}
SIZES = {1: "one", 2: "the rows", 3: "the columns"}


def line_of(text, also="", key=None):
    """The first line of a backward pass; it knows the variables that it names, and others."""
    names = dict.fromkeys(re.findall(r"\w+", f"{text} {also}"))
    scope = {name: VALUES[name] for name in names if name in VALUES}
    source = f"\ndef backward({', '.join(scope)}):\n{textwrap.indent(text, '    ')}\n"
    sources = Sources()
    sources.definition(from_source(source, np=np))
    return Line(sources.places[0], scope, {"np": np}, {}, {}, SIZES, key=key)


def offered(source, line, *arguments):
    """Each edit as its kind, its weight if it is not 1, and the line that it makes."""
    edits = source(line, *arguments)
    return [f"{e.kind} {'' if e.weight == 1 else e.weight}: {e.written}" for e in edits]


@pytest.mark.parametrize(
    ("source", "text", "also", "edits"),
    [
        (
            statements,
            "d += a",
            "",
            [
                "accumulate : d = a",
                "accumulate 0.6: d = d",
                "index 0.9: d[:, 1:] += a[:, 1:]",
                "index 0.9: d[1:] += a[1:]",
            ],
        ),
        (
            statements,
            "d[on] = 0.3",
            "on",
            [
                "accumulate : d[on] += 0.3",
                "accumulate 0.9: d[on] -= 0.3",
                "accumulate 0.9: d[on] *= 0.3",
                "mask 0.7: d[on] = d[on]",
            ],
        ),
        (
            exchanged,
            "d = np.hstack((a, b, c))",
            "",
            ["operand 0.95: d = np.hstack((b, a, c))"],
        ),
        (exchanged, "d = (a, b)", "", []),
        (other_numbers, "d = a / n", "lam", ["factor 0.96: d = a / lam"]),
        (other_numbers, "d = a[n] / 2", "lam", []),
        (
            statements,
            "d[y] -= a",
            "",
            [
                "accumulate 0.8: d[y] = a",
                "accumulate 0.6: d[y] = d[y]",
                "accumulate 1.2: np.subtract.at(d, y, a)",
            ],
        ),
        (
            statements,
            "d[y] += a",
            "",
            [
                "accumulate : d[y] = a",
                "accumulate 0.6: d[y] = d[y]",
                "accumulate 1.2: np.add.at(d, y, a)",
            ],
        ),
        (statements, "d = a", "", ["accumulate : d += a"]),
        (statements, "d = d + a", "", []),
        (
            statements,
            "d[d > 0] = 0",
            "",
            ["accumulate : d[d > 0] += 0", "mask 0.7: d[d > 0] = d[d > 0]"],
        ),
        (statements, "d *= a", "", ["accumulate : d = a"]),
        (statements, "d, a = a, d", "", []),
        (signs, "d = a - b * 2", "", ["sign : d = a + b * 2", "sign : d = b * 2 - a"]),
        (signs, "d = a + b[i + 1]", "", ["sign : d = a - b[i + 1]"]),
        (signs, "d -= a[i + 1]", "", ["sign 0.9: d += a[i + 1]"]),
        (signs, "d += a", "", ["sign 0.9: d -= a"]),
        (signs, "d = -a", "", ["sign : d = a", "term 0.9: d = 1 - a"]),
        (signs, "d *= a", "", []),
        (
            terms,
            "d = a - b + e[i + 1]",
            "",
            [
                "term : d = a - b",
                "term : d = e[i + 1]",
                "term : d = a + e[i + 1]",
                "term 0.8: d = -b + e[i + 1]",
                "term : d = b + e[i + 1]",
            ],
        ),
        (terms, "d = a * (b + e)", "", ["term : d = a * b", "term : d = a * e"]),
        (
            factors,
            "d = a * b / 2",
            "",
            [
                "factor : d = a * b",
                "factor 0.7: d = a * b * 2",
                "factor : d = a / 2",
                "factor : d = b / 2",
                "factor 0.7: d = a / b / 2",
            ],
        ),
        (
            factors,
            "d = a * (1 - b) * on",
            "",
            [
                "mask : d = a * (1 - b)",
                "factor : d = on",
                "factor 0.7: d = a * (1 - b) / on",
                "activation : d = a * on",
                "factor : d = (1 - b) * on",
                "factor 0.7: d = a / (1 - b) * on",
                "activation 0.9: d = on",
                "factor 0.9: d = 1 - b",
                "activation 0.9: d = a",
            ],
        ),
        (
            factors,
            "d = a * (b > 0)",
            "",
            ["mask : d = a", "factor : d = b > 0", "factor 0.7: d = a / (b > 0)"],
        ),
        (
            factors,
            "d = a * f_prime(b)",
            "",
            ["activation : d = a", "factor : d = f_prime(b)", "factor 0.7: d = a / f_prime(b)"],
        ),
        (factors, "d = a // n", "", ["factor : d = a", "factor 0.7: d = a * n"]),
        (factors, "d = a[i * 2]", "", []),
        (
            numbers,
            "d = 3 * a",
            "",
            [
                "factor : d = 6 * a",
                "factor : d = 1.5 * a",
                "factor : d = 4 * a",
                "factor : d = 2 * a",
            ],
        ),
        (
            numbers,
            "d = a ** 2",
            "",
            ["factor : d = a ** 4", "factor : d = a", "factor : d = a ** 3"],
        ),
        (
            numbers,
            "d = 1 - a ** 3",
            "",
            [
                "factor : d = 2 - a ** 3",
                "factor : d = 0.5 - a ** 3",
                "factor : d = 0 - a ** 3",
                "activation : d = 1 - a ** 6",
                "activation : d = 1 - a ** 1.5",
                "activation : d = 1 - a ** 4",
                "activation : d = 1 - a ** 2",
                "activation : d = 1 - a",
            ],
        ),
        (
            numbers,
            "d = 2 - 1 / a",
            "",
            [
                "factor : d = 4 - 1 / a",
                "factor : d = 1 - 1 / a",
                "factor : d = 3 - 1 / a",
                "factor : d = 2 - 2 / a",
                "factor : d = 2 - 0.5 / a",
                "factor : d = 2 - 0 / a",
            ],
        ),
        (numbers, "d = a / len(b)", "", ["factor 0.8: d = a / 3"]),
        (numbers, "d = a / n", "", ["factor 0.8: d = a / 3"]),
        (
            numbers,
            "d = a / a.shape[0]",
            "",
            ["factor 0.8: d = a / 3", "factor : d = a / a.shape[1]"],
        ),
        (numbers, "d = np.sum(a, axis=2) + (a > 5) * np.add(b, 3)", "", []),
        (numbers, "d = b[1] / t", "", []),
        (numbers, "d = a / c.T[0]", "", []),
        (
            masks,
            "d = a * (b > 0.5)",
            "",
            [
                "mask : d = a * (b <= 0.5)",
                "mask : d = a * (a > 0.5)",
                "mask : d = a * (b > 0.5)",
                "mask : d = a * (b > 0)",
            ],
        ),
        (
            masks,
            "d = a * (b >= 0)",
            "",
            ["mask : d = a * (b < 0)", "mask : d = a * (a >= 0)", "mask : d = a * (b >= 0)"],
        ),
        (masks, "d = a * (0 < b < 2)", "", []),
        (masks, "d = a * (c == 0)", "", ["mask : d = a * (c != 0)", "mask : d = a * (c == 0)"]),
        (
            transposes,
            "d = a @ c",
            "",
            ["transpose : d = a.T @ c", "transpose : d = a @ c.T", "transpose : d = (a @ c).T"],
        ),
        (
            transposes,
            "d = np.dot(a, c.T)",
            "",
            [
                "transpose : d = np.dot(a.T, c.T)",
                "transpose : d = np.dot(a, c)",
                "transpose : d = np.dot(a, c.T.T)",
            ],
        ),
        (
            products,
            "d = a @ c",
            "",
            [
                "transpose : d = a.T @ c",
                "transpose : d = a @ c.T",
                "transpose : d = a.T @ c.T",
                "transpose : d = c @ a",
                "transpose : d = c.T @ a",
                "transpose : d = c @ a.T",
                "transpose : d = c.T @ a.T",
                "elementwise : d = a * c",
            ],
        ),
        (
            products,
            "d = a * b",
            "",
            [
                "elementwise 0.9: d = a @ b",
                "elementwise 0.9: d = b @ a",
                "elementwise 0.9: d = a @ b.T",
                "elementwise 0.9: d = b.T @ a",
                "elementwise 0.9: d = a.T @ b",
                "elementwise 0.9: d = b @ a.T",
                "elementwise 0.9: d = a.T @ b.T",
                "elementwise 0.9: d = b.T @ a.T",
            ],
        ),
        (
            calls,
            "d = np.sum(a, axis=0)",
            "",
            [
                "shape : d = np.sum(a, axis=1)",
                "shape 0.8: d = np.sum(a, axis=1, keepdims=True)",
                "shape : d = np.sum(a)",
                "shape 0.8: d = np.sum(a, keepdims=True)",
                "shape : d = np.sum(a, axis=0, keepdims=True)",
                "factor 0.98: d = np.mean(a, axis=0)",
                "shape 0.8: d = a",
            ],
        ),
        (calls, "d = np.abs(a)", "", ["activation : d = np.sign(a)", "activation 0.7: d = a"]),
        (
            indices,
            "d = a[i, j]",
            "",
            [
                "index 0.8: d = a[j, i]",
                "index : d = a[i + 1, j]",
                "index : d = a[i - 1, j]",
                "index 0.9: d = a[j, j]",
                "index : d = a[i, j + 1]",
                "index : d = a[i, j - 1]",
                "index 0.9: d = a[i, i]",
            ],
        ),
        (
            indices,
            "d = a[i + 1, 0]",
            "",
            [
                "index 0.8: d = a[0, i + 1]",
                "index : d = a[i, 0]",
                "index : d = a[i - 1, 0]",
                "index : d = a[i + 1 + 1, 0]",
                "index : d = a[i - 1 + 1, 0]",
                "index : d = a[i + 2, 0]",
                "index : d = a[i + 0, 0]",
                "index : d = a[i + 1, 1]",
                "index : d = a[i + 1, -1]",
            ],
        ),
        (
            indices,
            "d = g['W2'] + W[0]",
            "",
            [
                "index 0.9: d = g['W3'] + W[0]",
                "index 0.9: d = g['W1'] + W[0]",
                "index : d = g['W2'] + W[1]",
                "index : d = g['W2'] + W[-1]",
            ],
        ),
        (
            indices,
            "d = a.shape[0] * b[0]",
            "",
            ["index : d = a.shape[0] * b[1]", "index : d = a.shape[0] * b[-1]"],
        ),
        (
            indices,
            "d = a[:1]\nb = c[1:]\ne = c[:, :2]",
            "",
            [
                "index : d = a[:2]",
                "index : d = a[:0]",
                "index : d = a[:-1]",
                "index : d = a[1:]",
                "index : d = a[-1:]",
                "index : d = a[:, :2]",
            ],
        ),
        (
            indices,
            "d[i] = a[j]",
            "",
            [
                "index : d[i] = a[j + 1]",
                "index : d[i] = a[j - 1]",
                "index 0.9: d[i] = a[i]",
                "index : d[i + 1] = a[j]",
                "index : d[i - 1] = a[j]",
                "index 0.9: d[j] = a[j]",
            ],
        ),
        (layers, "d = W2 @ A1", "W1 W3 A0 A2", ["index : d = W3 @ A2", "index : d = W1 @ A0"]),
        (
            layers,
            "d = W[l] + A[l - 1]",
            "",
            ["index : d = W[l + 1] + A[l]", "index : d = W[l - 1] + A[l - 2]"],
        ),
        (layers, "d = W2 @ c", "W1 W3", []),
        (layers, "d = W[l] @ c", "", []),
        (
            operands,
            "d = a + b",
            "c e",
            [
                "operand : d = b + b",
                "operand 0.7: d = c + b",
                "operand 0.6: d = c.T + b",
                "operand : d = e + b",
                "operand : d = a + a",
                "operand 0.7: d = a + c",
                "operand 0.6: d = a + c.T",
                "operand : d = a + e",
            ],
        ),
        (
            operands,
            "d = W1 @ c",
            "W2 on n",
            [
                "operand 0.7: d = c @ c",
                "operand 0.6: d = c.T @ c",
                "operand : d = W2 @ c",
                "operand : d = on @ c",
                "operand 0.7: d = W1 @ W1",
                "operand 0.6: d = W1 @ W1.T",
                "operand 0.7: d = W1 @ W2",
                "operand 0.6: d = W1 @ W2.T",
                "operand 0.7: d = W1 @ on",
                "operand 0.6: d = W1 @ on.T",
            ],
        ),
        (
            operands,
            "d = a * a",
            "b",
            ["operand : d = b * a", "operand : d = b * b", "operand : d = a * b"],
        ),
        # What the target holds afterwards may have been another value before.
        (
            operands,
            "A1 = a + b\nA1 = a",
            "",
            [
                "operand : A1 = A1 + b",
                "operand : A1 = b + b",
                "operand : A1 = a + A1",
                "operand : A1 = a + a",
            ],
        ),
        (
            left_out,
            "d = a * 1.0\nb = y",
            "",
            [
                "mask 0.8: d = a * 1.0; d *= b > 0",
                "mask 0.8: d = a * 1.0; d *= a > 0",
                "term 0.8: d = a * 1.0; d[np.arange(2), y] -= 1",
            ],
        ),
        (
            left_out,
            "d = row * 2\nb = j",
            "",
            ["mask 0.8: d = row * 2; d *= b > 0", "term 0.8: d = row * 2; d[j] -= 1"],
        ),
        (left_out, "d, e = a, b", "", []),
        (left_out, "d = y * 1", "", ["term 0.8: d = y * 1; d[np.arange(2), y] -= 1"]),
        (
            other_slopes,
            "d = e * a * (1 - a)",
            "b",
            [
                "activation 0.9: d = e * e * (1 - e)",
                "activation 0.9: d = e * a * (1 - a)",
                "activation 0.9: d = e * b * (1 - b)",
                "activation 0.9: d = a * (e - (e * a).sum(axis=-2, keepdims=True))",
                "activation 0.9: d = a * (e - (e * a).sum(axis=-1, keepdims=True))",
                "activation 0.85: d = (a - 1) * e",
                "activation 0.85: d = (a - e) * e",
                "activation 0.85: d = (a - b) * e",
            ],
        ),
        (other_slopes, "d = a * (1 - b)", "", []),
        (tanh_slopes, "d = e * a * (1 - a)", "", ["activation 0.95: d = e * (1 - a ** 2)"]),
        (tanh_slopes, "d = a * (1 - b)", "", []),
        (
            unused,
            "d = a",
            "some",
            [
                "mask 0.9: d = a * some",
                "term 0.9: d = a + some",
                "term 0.9: d = a - some",
            ],
        ),
        (unused, "d = a\nn = on", "on", ["factor 0.9: d = a * n", "factor 0.8: d = a / n"]),
        (unused, "d = a", "n W", ["factor 0.9: d = a * n", "factor 0.8: d = a / n"]),
        (
            missing_derivatives,
            "d = a",
            "",
            [
                "activation : d = a * (a * (1 - a))",
                "activation : d = a * (1 - a * a)",
                "mask : d = a * (a > 0)",
                "activation : d = a * (1 - np.tanh(a) ** 2)",
            ],
        ),
    ],
)
def test_the_edits_of_a_line(source, text, also, edits):
    assert offered(source, line_of(text, also)) == edits


@pytest.mark.parametrize(
    ("text", "number", "edits"),
    [
        ("d = a - b", -1.0, ["sign 0.95: d = b - a"]),
        ("d = a * b", -1.0, ["sign 0.95: d = -(a * b)"]),
        ("d = a - b", 2.0, ["factor 0.95: d = (a - b) * 2"]),
        ("d = a - b", 1 / 3, ["factor 0.95: d = (a - b) / 3"]),
        ("d = a - b", 2.5, ["factor 0.95: d = (a - b) * 2.5"]),
        ("d = a - b", 0.3, ["factor 0.95: d = (a - b) * 0.3"]),
        ("d = a - b", -0.8, ["factor 0.95: d = (a - b) * -0.8"]),
        ("d = a - b", -2.0, ["factor 0.95: d = (a - b) * -2"]),
        ("d *= a", -1.0, ["sign 0.95: d *= -a", "sign 0.8: d *= a; d = -d"]),
        (
            "d[i] = a[j]",
            0.5,
            ["factor 0.95: d[i] = a[j] / 2", "factor 0.8: d[i] = a[j]; d = d / 2"],
        ),
        # What counts something has no sign.
        ("n = len(a)", -1.0, ["factor 0.95: n = -len(a)"]),
        ("n = len(a)", 0.5, ["factor 0.95: n = len(a) / 2"]),
    ],
)
def test_a_line_times_a_number(text, number, edits):
    assert offered(scaled_by, line_of(text), number) == edits


@pytest.mark.parametrize(
    ("source", "text", "also", "arguments", "said"),
    [
        (scaled_by, "d = a - b", "", (-1.0,), {"a - b has the wrong sign"}),
        (scaled_by, "d = a * b", "", (-1.0,), {"d has the wrong sign"}),
        (scaled_by, "d = a - b", "", (2.0,), {"d lacks a factor 2"}),
        (scaled_by, "d = a - b", "", (1 / 3,), {"d lacks a factor 1/3"}),
        (scaled_by, "d = a - b", "", (1 / 7,), {"d lacks a factor 0.142857"}),
        (scaled_by, "n = len(a)", "", (0.5,), {"n lacks a factor 1/2"}),
        (layers, "d = W2 @ A1", "W3 A2", (), {"the layer number is one too low"}),
        (layers, "d = W2 @ A1", "W1 A0", (), {"the layer number is one too high"}),
        (
            layers,
            "d = W[l] + A[l]",
            "",
            (),
            {"the layer number is one too low", "the layer number is one too high"},
        ),
        (numbers, "d = a / n", "", (), {"n is 2, and should be 3, the columns"}),
    ],
)
def test_what_is_said_of_an_edit(source, text, also, arguments, said):
    assert {e.text for e in source(line_of(text, also), *arguments)} == said


@pytest.mark.parametrize(("key", "first"), [(None, True), ("d", False)])
def test_which_statement_gives_the_value_of_a_line_after_which_one_was_left_out(key, first):
    line = line_of("d = a * 1.0\nb = y", key=key)
    edits = list(left_out(line))
    assert len(edits) == 3
    place = line.statement._place
    for edit in edits:
        assert [s._place for s in edit.statements] == ([place, None] if first else [None, place])


def test_the_numbers_that_a_line_knows():
    line = line_of("d = lam * a / c.shape[0]\nn = len(a)", "j t y")
    assert {ast.unparse(node): value for node, value in line.numbers} == {
        **{"lam": 0.3, "n": 2.0, "j": 1.0, "c.shape[0]": 3.0}
    }


def test_the_slopes_of_a_value():
    found = [ast.unparse(slope) for slope in slopes(parsed("a"), a)]
    assert found == ["a * (1 - a)", "1 - a * a", "a > 0", "1 - np.tanh(a) ** 2"]
    assert slopes(parsed("n"), 2) == []


@pytest.mark.parametrize(
    ("shape", "sums"),
    [
        ((3,), ["a.sum(axis=0)"]),
        ((1, 3), ["a.sum(axis=0, keepdims=True)"]),
        ((2, 1), ["a.sum(axis=1, keepdims=True)"]),
        ((1,), ["row.sum(axis=0, keepdims=True)"]),
        *(((2, 3), []), ((4,), []), ((), [])),
    ],
)
def test_the_sums_of_a_shape(shape, sums):
    assert [ast.unparse(node) for node in sums_to(line_of("d = a * n", "row"), shape)] == sums


def test_the_expressions_that_a_line_knows():
    line = line_of("d = a * b\ne = 1 - np.exp(a)\nn = y + 1\nlam = f(a) * 2\non = a + c")
    assert [ast.unparse(node) for node, _ in line.phrases] == ["np.exp(a)", "1 - np.exp(a)"]
    np.testing.assert_array_equal(line.phrases[1][1], 1 - np.exp(a))


def test_what_is_subtracted_from_one_is_squared_or_a_factor_first_of_all():
    edits = offered(derivatives, line_of("d = 1 - a"))
    assert {"activation 1.1: d = 1 - a ** 2", "activation : d = a * (1 - a)"} <= {*edits}
    edits = offered(derivatives, line_of("d = a * e"))
    assert "factor 0.7: d = a ** 2 * e" in edits
    assert not any(re.match(r"activation (1.1)?:", edit) for edit in edits)
