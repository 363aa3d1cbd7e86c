"""Right derivations with seldom parts of Python and NumPy, and with a mistake beside them."""

import numpy as np
import pytest
from derivations.running import assert_blamed, load

import autograd_lite as al

GUARDED = """
import numpy as np


def forward(X, W, T):
    e = X @ W - T
    return 0.5 * np.sum(e**2), e


def backward(X, W, T, e):
    try:
        de = e / len(W.missing)
    except AttributeError:
        de = 1 * e
    match np.ndim(e):
        case 2:
            dW = X.T @ de
        case _:
            dW = X * de
    return {"dW": dW}
"""

PARTIAL = """
import functools

import numpy as np


def scaled(a, by, much=1):
    return a * by * much


def forward(X, W, T):
    twice = functools.partial(scaled, by=2.0)
    e = twice(X @ W) - T
    return 0.5 * np.sum(e**2), e


def backward(X, W, T, e):
    doubled = functools.partial(scaled, by=4.0, much=0.5)
    dz = doubled(e)
    return {"dW": X.T @ dz}
"""

WITHOUT_SOURCE = """
import numpy as np

scale = [2.0]
squash = eval("lambda z: 1 / (1 + np.exp(-scale[0] * z))")


def forward(X, W, T):
    p = squash(X @ W)
    e = p - T
    return 0.5 * np.sum(e**2), (p, e)


def backward(X, W, T, kept):
    p, e = kept
    dz = e * 2 * p * (1 - p)
    return {"dW": X.T @ dz}
"""

METHOD_OF_INTEGERS = """
import numpy as np


def forward(counts, W):
    z = counts.dot(W)
    return np.sum(z**2), z


def backward(counts, W, z):
    dz = 2 * z
    return {"dW": counts.T.dot(dz)}
"""

READS_A_FILE = """
import os

import numpy as np


def forward(W):
    with open(os.devnull) as file:
        scale = 2.0 + len(file.read())
    return scale * np.sum(W**2)


def backward(W):
    with open(os.devnull) as file:
        scale = 2.0 + len(file.read())
    dW = 2 * scale * W
    return {"dW": dW}
"""

ANY_ARGUMENTS = """
import numpy as np


def forward(X, W):
    return X @ W, (X, W)


def backward(*args):
    dout = args[0]
    X, W = args[-1]
    dW = X.T @ dout
    return {"dW": dW}
"""

ARRIVES_UNDER_A_NAME_OF_ITS_OWN = """
import numpy as np


def forward(X, W):
    return X @ W, (X, W)


def backward(above, kept):
    X, W = kept
    dX = above @ W.T
    return {"dX": dX, "dW": X.T @ above}
"""

SLOTS = """
import numpy as np


class Layer:
    __slots__ = ("W", "dW")

    def __init__(self, W):
        self.W = W


layer = Layer(np.arange(6.0).reshape(2, 3) / 7)


def forward(X):
    z = X @ layer.W
    return np.sum(z**2), z


def backward(X, z):
    layer.dW = 2 * X.T @ z
    return 2 * z @ layer.W.T
"""

OVERWRITES_LARGE_INPUT = """
import numpy as np


def forward(X, w):
    z = X * w
    return 0.5 * np.sum(z**2), z


def backward(X, w, z):
    X *= z
    dw = X.sum()
    return {"dw": dw}
"""

COMPUTED_KEYS = """
import numpy as np


def forward(W, b):
    z = W + b
    return np.sum(z**2), z


def key(name):
    return "d" + name


def backward(W, b, z):
    g = {}
    g[key("W")] = 2 * z
    g[key("b")] = 2 * z
    return g
"""

LABELS_TWICE = """
import numpy as np


def forward(W, X, Y, labels):
    s = W @ X
    e = np.exp(s - s.max(axis=0))
    p = e / e.sum(axis=0)
    return -np.sum(np.log(p[labels, np.arange(len(labels))])), p


def backward(W, X, Y, labels, p):
    ds = p - Y
    dW = ds @ X.T
    return {"dW": dW}
"""

CALLED_AFTER_WHAT_FOLLOWS = """
import numpy as np


def forward(X, W, T, V):
    a = np.tanh(X @ W)
    b = np.tanh(a @ V)
    e = b - T
    return 0.5 * np.sum(e**2), (a, b, e)


def backward(X, W, T, V, kept):
    a, b, e = kept
    db = e * (1 - b**2)
    da = db @ V.T * (1 - a**2)
    dW = X.T @ da
    return {"dW": dW, "dV": a.T @ db}
"""

FILLED_PIECE_BY_PIECE = """
import numpy as np


def forward(X, W, T, V):
    h = np.tanh(X @ W)
    e = h @ V - T
    return 0.5 * np.sum(e**2), (h, e)


def backward(X, W, T, V, kept):
    h, e = kept
    gV = h.T @ e
    gW = X.T @ (e @ V.T * (1 - h**2))
    flat = np.zeros(W.size + V.size)
    flat[: W.size] = gW.ravel()
    flat[W.size :] = gV.ravel()
    return flat
"""

HANDED_IN_TWICE = """
import numpy as np


def forward(X, W, T):
    z = X @ W
    e = z - T
    return 0.5 * np.sum(e**2), e


def backward(X, W, T, e):
    dz = 1 * e
    dW = X.T @ dz
    return {"dW": dW, "more": dW, "delta": dz}
"""

OF_A_CLASS = """
import enum

import numpy as np


class Kind(enum.Enum):
    TANH = 1


class Net:
    W = np.arange(12.0).reshape(3, 4) / 9


def forward(X):
    Net.h = np.tanh(X @ Net.W) if Kind(1) is Kind.TANH else X @ Net.W
    return np.sum(Net.h**2)


def backward(X):
    dz = 2 * Net.h * (1 - Net.h**2)
    dW = X.T @ dz
    del Net.h
    return {"dW": dW}
"""

ELEMENT_BY_ELEMENT = """
import numpy as np


def forward(W, b, x):
    z = np.array([W[0] @ x + b[0], W[1] @ x + b[1], 1.0, [1, 2][0]])[:2]
    return 0.5 * np.sum(z**2), z


def backward(W, b, x, z):
    dW = np.outer(z, x)
    return {"dW": dW, "db": z}
"""

SELECTED_BY_A_MASK = """
import numpy as np


def forward(X, w, mask, scale):
    z = X[mask] @ w
    return 0.5 * np.sum((scale * z) ** 2), z


def backward(X, w, mask, scale, z):
    dz = scale**2 * z
    dmask = np.zeros(len(mask))
    dmask[mask] = dz
    dw = X.T @ dmask
    return {"dw": dw, "dscale": scale * np.sum(z**2)}
"""

FOR_EACH = """
import numpy as np


def forward(X, W, V, T):
    h = X @ W
    e = h @ V - T
    return 0.5 * np.sum(e**2), (h, e)


def backward(X, W, V, T, kept):
    h, e = kept
    grads = {n: np.zeros_like(v) for n, v in (("W", W), ("V", V))}
    grads["V"] += h.T @ e
    grads["W"] += X.T @ e @ V.T
    return grads
"""

rng = np.random.default_rng(3)
LABELS = np.array([0, 2, 1, 2, 0, 1])
LAYER = [rng.normal(size=s) for s in ((6, 3), (3, 4), (6, 4))]
INPUTS = {
    GUARDED: LAYER,
    PARTIAL: LAYER,
    WITHOUT_SOURCE: LAYER,
    METHOD_OF_INTEGERS: [np.arange(6).reshape(2, 3), LAYER[1]],
    READS_A_FILE: LAYER[1:2],
    ANY_ARGUMENTS: LAYER[:2],
    ARRIVES_UNDER_A_NAME_OF_ITS_OWN: LAYER[:2],
    SLOTS: [rng.normal(size=(4, 2))],
    OVERWRITES_LARGE_INPUT: [rng.normal(size=(200, 200)), 0.7],
    LABELS_TWICE: [LAYER[1], rng.normal(size=(4, 6)), np.eye(3)[:, LABELS], LABELS],
    CALLED_AFTER_WHAT_FOLLOWS: [*LAYER, rng.normal(size=(4, 4))],
    FILLED_PIECE_BY_PIECE: [*LAYER, rng.normal(size=(4, 4))],
    HANDED_IN_TWICE: LAYER,
    OF_A_CLASS: LAYER[:1],
    ELEMENT_BY_ELEMENT: [rng.normal(size=s) for s in ((2, 3), (2,), (3,))],
    SELECTED_BY_A_MASK: [LAYER[0], rng.normal(size=3), LAYER[0][:, 0] > -0.5, 1.5],
    FOR_EACH: [rng.normal(size=s) for s in ((6, 3), (3, 4), (4, 2), (6, 2))],
    COMPUTED_KEYS: LAYER[1:2] * 2,
}


def report_on(text, base):
    functions = load(text, f"seldom habit {hash(text)}")
    # So that the speed of the machine does not decide.
    return al.check_derivation(*functions, *INPUTS[base], seconds=10, show=False)


@pytest.mark.parametrize("text", INPUTS)
def test_right_ones(text):
    report = report_on(text, text)
    assert report.ok, str(report)
    assert not report.notes, str(report)


@pytest.mark.parametrize(
    ("text", "old", "new", "part", "words"),
    [
        (GUARDED, "1 * e", "2 * e", "de = 2", "the factor 2 should be left out"),
        (GUARDED, "X.T @ de", "3 * X.T @ de", "dW = 3", "the factor 3 should be left out"),
        (PARTIAL, "X.T @ dz", "3 * X.T @ dz", "return {", "the factor 3 should be left out"),
        (WITHOUT_SOURCE, "e * 2 *", "e *", "dz =", "dz lacks a factor 2"),
        (METHOD_OF_INTEGERS, "dz = 2 * z", "dz = 3 * z", "dz =", "1.5 times what it should be"),
        (READS_A_FILE, "2 * scale", "3 * scale", "dW =", "3 * scale: 3 should be 2"),
        (ANY_ARGUMENTS, "X.T @", "2 * X.T @", "dW =", "the factor 2 should be left out"),
        (ARRIVES_UNDER_A_NAME_OF_ITS_OWN, "W.T\n", "W.T * 2\n", "dX =", "factor 2 should be left"),
        (LABELS_TWICE, "ds @", "2 * ds @", "dW =", "the factor 2 should be left out"),
        (CALLED_AFTER_WHAT_FOLLOWS, "X.T @ da", "2 * X.T @ da", "dW =", "the factor 2 should be"),
        (FILLED_PIECE_BY_PIECE, "gV = h", "gV = 2 * h", "gV =", "the factor 2 should be left out"),
        (ELEMENT_BY_ELEMENT, "np.outer(z, x)", "np.outer(2 * z, x)", "dW =", "the factor 2 should"),
        (SELECTED_BY_A_MASK, "dz = scale", "dz = 2 * scale", "dz =", "the factor 2 should be left"),
        (SLOTS, "2 * X.T", "X.T", "layer.dW =", "layer.dW lacks a factor 2"),
        (OVERWRITES_LARGE_INPUT, "X.sum()", "2 * X.sum()", "dw =", "dw is 2 times what it should"),
    ],
)
@pytest.mark.one_in(2)
def test_a_mistake_beside_them(text, old, new, part, words):
    changed = text.replace(old, new)
    assert changed != text
    assert_blamed(report_on(changed, text), changed, part, "factor", words)


NAMED = """
import numpy as np


def forward(X, W, T):
    z = X @ W
    h = np.tanh(z)
    e = h - T
    return 0.5 * np.sum(e**2), (h, e)


def backward(X, W, T, kept):
    h, e = kept
    q = e * (1 - h**2)
    return {"dW": X.T @ q}
"""


APART = """
import numpy as np


def forward(X, W, c):
    z = X @ W
    return np.sum(z**2), z


def backward(X, W, c, z):
    dz = 2 * z
    dc = np.zeros_like(c)
    return {"dW": X.T @ dz, "dc": dc}
"""


def report_on_apart(value):
    text = APART.replace("np.zeros_like(c)", value)
    functions = load(text, f"apart {value}")
    return al.check_derivation(*functions, *LAYER[:2], np.arange(3.0), show=False)


def test_of_an_input_that_the_loss_does_not_depend_on_zeros_are_right():
    report = report_on_apart("np.zeros_like(c)")
    assert report.ok, str(report)
    assert {line.name: line.status for line in report}["dc"] == "correct"
    assert not report.notes, str(report)


@pytest.mark.parametrize(("value", "largest"), [("c - 5", 5), ("c + 1", 3)])
def test_of_an_input_that_the_loss_does_not_depend_on_nothing_else_is(value, largest):
    report = report_on_apart(value)
    [line] = [line for line in report if line.status == "wrong"]
    assert (line.name, line.tensor, line.absolute, line.error) == ("dc", "c", largest, 1)
    assert line.message == "the loss does not depend on c: dc should be 0"
    assert line.line == 1 + APART.splitlines().index("    dc = np.zeros_like(c)")
    assert not report.notes, str(report)


def test_of_layers_with_numbers_one_without_a_gradient_is_missing():
    def forward(X, W1, W2):
        return np.sum((X @ W1 @ W2) ** 2)

    def backward(X, W1, W2):
        dW2 = 2 * (X @ W1).T @ (X @ W1 @ W2)
        return {"dW2": dW2}

    report = al.check_derivation(forward, backward, *LAYER[:2], rng.normal(size=(4, 2)), show=False)
    assert not report.ok
    assert [(line.name, line.status) for line in report] == [("dW2", "correct"), ("dW1", "missing")]
    rows = str(report).splitlines()
    assert rows[2].split() == ["dW1", "W1", "(3,", "4)", "-", "-", "missing"]
    assert rows[3] == "there is no dW1"


def test_what_is_the_gradient_of_nothing_is_told():
    def forward(X, W, T):
        e = X @ W - T
        return 0.5 * np.sum(e**2), e

    def backward(X, W, T, e):
        dW = X.T @ e
        return {"dW": dW, "dQ": np.outer(dW[0], dW[1])[:2], "steps": 3.0}

    report = al.check_derivation(forward, backward, *LAYER, show=False)
    assert not report.ok
    assert {line.name: line.status for line in report} == {"dW": "correct", "dQ": "unmarked"}
    shown = str(report)
    assert 'say so with names={"dQ": ...}' in shown and "steps" not in shown
    row = next(row for row in shown.splitlines() if "unmarked" in row)
    assert row.split()[1:] == ["dQ", "?", "(2,", "4)", "-", "-", "unmarked"]


def test_an_error_says_what_a_function_returned_in_the_place_of_a_loss():
    def both(W):
        return W, 2 * W

    with pytest.raises(TypeError, match=r"^both must return the loss .*, not a tuple of 2$"):
        al.check_derivation(both, LAYER[1])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_arrays_without_elements_are_no_hindrance(shape):
    text = APART.replace("2 * z", "3 * z").replace("zeros_like", "ones_like")
    text = text.replace("np.sum(z**2)", "np.sum(z**2) + np.sum(c)")
    functions = load(text, f"empty {shape}")
    report = al.check_derivation(*functions, *LAYER[:2], np.zeros(shape), show=False)
    assert_blamed(report, text, "dz =", "factor", "3 * z: 3 should be 2")


@pytest.mark.parametrize("count", [2, 5])
def test_axes_of_length_1_are_free_where_only_the_derivation_reads_a_gradient(count):
    def forward(X, w, y):
        z = X @ w
        e = z - y
        return 0.5 * np.sum(e**2), e

    def backward(X, w, y, e):
        dz = e[:, 0]
        dw = (X.T @ dz)[:, None]
        return {"dw": dw}

    inputs = [rng.normal(size=s) for s in ((count, 3), (3, 1), (count, 1))]
    [note] = al.check_derivation(forward, backward, *inputs, show=False).notes
    shapes = f"dz has shape ({count},) for ({count}, 1)"
    assert note == f"convention: {shapes}; only the derivation reads it, so that is no mistake"


def test_a_ufunc_that_changes_entries_is_named_with_its_line():
    def forward(E, T):
        H = E * 2
        np.subtract.at(H, [0, 1], T)
        return np.sum(H**2)

    def backward(E, T):
        return {"dE": 8 * E}

    with pytest.raises(TypeError, match="leaves NumPy in line .*subtract.*'at'") as caught:
        al.check_derivation(forward, backward, LAYER[0][:2], LAYER[0][2:4])
    assert f" in line {forward.__code__.co_firstlineno + 2}," in str(caught.value)


@pytest.mark.parametrize(
    ("name", "tensor", "status"),
    [("q", "z", "correct"), ("q", "h", "wrong"), ("dh", "z", "correct"), ("dh", "h", "wrong")],
)
def test_what_names_say_is_taken_at_its_word(name, tensor, status):
    text = NAMED.replace("q =", f"{name} =").replace("@ q", f"@ {name}")
    functions = load(text, f"named {name} {tensor}")
    report = al.check_derivation(*functions, *LAYER, names={name: tensor}, show=False)
    found = {line.name: (line.tensor, line.status) for line in report}
    assert found == {"e": ("e", "correct"), name: (tensor, status), "dW": ("W", "correct")}


def test_an_array_that_runs_share_may_be_written_to():
    functions = load(OVERWRITES_LARGE_INPUT, "overwrites a larger input")
    X = rng.normal(size=(400, 400))
    before = X.copy()
    assert al.check_derivation(*functions, X, 0.7, show=False).ok
    assert np.array_equal(X, before)


def test_of_zeros_for_all_one_is_told_to_which_nothing_is_added():
    text = FOR_EACH.replace('    grads["W"] += X.T @ e @ V.T\n', "")
    report = report_on(text, FOR_EACH)
    assert_blamed(report, text, "grads =", "accumulate", "no statement adds to W")


def test_a_gradient_with_nan_is_wrong_where_it_is_computed():
    def forward(X, W, T):
        e = X @ W - T
        return 0.5 * np.sum(e**2), e

    def backward(X, W, T, e):
        dW = X.T @ e
        parts = np.arange(12.0).reshape(3, 4)
        found = dW * (parts / parts)
        return {"dW": found}

    report = al.check_derivation(forward, backward, *LAYER, show=False)
    [line] = [line for line in report if line.status == "wrong"]
    assert line.line == backward.__code__.co_firstlineno + 3
    assert "dW[0, 0] is nan" in line.message
    assert line.message.endswith("it differs in 1 of 12 elements")


def test_a_long_statement_is_not_written_out():
    def forward(X, W, T, first_scale, second_scale):
        e = X @ W - T
        return 0.5 * first_scale * second_scale * np.sum(e**2), e

    def backward(X, W, T, first_scale, second_scale, e):
        dW = (
            2 * first_scale * second_scale * X.T @ (e + 0 * first_scale * second_scale)
            + 0 * first_scale * second_scale * W
            - 0 * second_scale * second_scale * W
            - 0 * first_scale * first_scale * W
        )
        return {"dW": dW}

    report = al.check_derivation(forward, backward, *LAYER, 1.3, 0.7, show=False)
    assert report.first_wrong.cause == "factor"
    said = "in the line of dW, the factor 2 should be left out"
    assert report.first_wrong.message.endswith(said)


@pytest.mark.parametrize("count", [2, 5])
def test_gradients_of_the_sum_are_divided_in_the_last_step(count):
    def forward(X, w, y):
        r = X @ w - y
        return np.mean(r**2) / 2, r

    def backward(X, w, y, r):
        dr = r
        return {"dw": X.T @ dr / len(y)}

    inputs = [rng.normal(size=s) for s in ((count, 3), (3,), (count,))]
    [note] = al.check_derivation(forward, backward, *inputs, show=False).notes
    what = f"gradients of {count} times the loss (the number of elements of y)"
    assert note == f"convention: {what} until the division in the last step; that is no mistake"


@pytest.mark.parametrize("size", [2, 3])
def test_lengths_are_called_by_what_has_them(size):
    def forward(X, Y):
        e = X - Y
        return np.mean(e**2), e

    def backward(X, Y, e):
        return {"dX": 2 * e}

    inputs = rng.normal(size=(2, 1, size)), rng.normal(size=(2, 1, size))
    [note] = al.check_derivation(forward, backward, *inputs, show=False).notes
    what = f"gradients of {2 * size} times the loss (the number of elements of Y) throughout"
    assert note == f"convention: {what}; that is no mistake"


def test_what_a_derivation_prints_is_shown_once(capsys):
    def forward(X, W):
        print("forward")
        return np.sum((X @ W) ** 2)

    def backward(X, W):
        print("backward")
        return {"dW": 2 * X.T @ (X @ W)}

    assert al.check_derivation(forward, backward, *LAYER[:2], show=False).ok
    assert capsys.readouterr().out == "forward\nbackward\n"
