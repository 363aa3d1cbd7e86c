"""Mistakes in what several statements of a loop add up, and in what a round hands to the next."""

import numpy as np
import pytest
from derivations.running import assert_blamed, load

import autograd_lite as al

# A highway with a gate: each state goes on by three paths, and its gradient is a sum of three.
HIGHWAY = """
import numpy as np


def forward(params, inputs, start):
    U, V, G = params["U"], params["V"], params["G"]
    state, gate, inner = {-1: start}, {}, {}
    loss = 0.0
    for t in range(len(inputs)):
        gate[t] = 1 / (1 + np.exp(-(G @ state[t - 1])))
        inner[t] = np.tanh(U @ inputs[t] + V @ (gate[t] * state[t - 1]))
        state[t] = inner[t] + gate[t] * state[t - 1]
        loss += 0.5 * np.sum(state[t] ** 2)
    return loss, (state, gate, inner)


def backward(params, inputs, cache):
    state, gate, inner = cache
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    dahead = np.zeros_like(state[0])
    for t in reversed(range(len(inputs))):
        dstate = state[t] + dahead
        dpre = dstate * (1 - inner[t] ** 2)
        grads["U"] += dpre @ inputs[t].T
        grads["V"] += dpre @ (gate[t] * state[t - 1]).T
        dboth = params["V"].T @ dpre
        dgate = (dboth + dstate) * state[t - 1]
        dopen = dgate * gate[t] * (1 - gate[t])
        grads["G"] += dopen @ state[t - 1].T
        dback = dstate * gate[t]
        dback += dboth * gate[t]
        dback += params["G"].T @ dopen
        dahead = dback
    return grads
"""

MEMORY = """
import numpy as np


def forward(W, R, inputs, start):
    memory, held = {-1: start}, {}
    loss = 0.0
    for t in range(len(inputs)):
        held[t] = 1 / (1 + np.exp(-(W @ inputs[t] + R @ memory[t - 1])))
        memory[t] = held[t] * memory[t - 1] + inputs[t]
        loss += np.sum(np.sin(memory[t]))
    return loss, (memory, held)


def backward(W, R, inputs, cache):
    memory, held = cache
    dW, dR = np.zeros_like(W), np.zeros_like(R)
    dlater = np.zeros_like(memory[0])
    for t in reversed(range(len(inputs))):
        dmemory = np.copy(dlater)
        dmemory += np.cos(memory[t])
        dheld = dmemory * memory[t - 1]
        dz = dheld * held[t] * (1 - held[t])
        dW += dz @ inputs[t].T
        dR += dz @ memory[t - 1].T
        dlater = dmemory * held[t] + R.T @ dz
    return dW, dR
"""


def marked(text):
    rng = np.random.default_rng(5)
    inputs = list(rng.normal(size=(4, 5, 1)))
    if "dlater" in text:
        given = [rng.normal(size=(5, 5)) * 0.4, rng.normal(size=(5, 5)) * 0.4, inputs]
    else:
        shapes = {"U": (3, 5), "V": (3, 3), "G": (3, 3)}
        given = [{name: rng.normal(size=s) * 0.6 for name, s in shapes.items()}, inputs]
    start = rng.normal(size=(5 if "dlater" in text else 3, 1))
    forward, backward = load(text, "loops")
    return al.check_derivation(forward, backward, *given, start, show=False)


@pytest.mark.parametrize("text", [HIGHWAY, MEMORY], ids=["highway", "memory"])
def test_they_are_right_as_they_stand(text):
    report = marked(text)
    assert report.ok, str(report)


MISTAKES = {
    "an operand of the last": (
        *('params["G"].T @ dopen', 'params["G"].T @ dgate'),
        *("operand", "dgate should be dopen"),
    ),
    "1 - gate for gate in the first": (
        *("dback = dstate * gate[t]", "dback = dstate * (1 - gate[t])"),
        *("term", "1 - gate[t]"),
    ),
    "a factor of the second": (
        *("dback += dboth * gate[t]", "dback += dboth"),
        *("factor", "gate[t]"),
    ),
}


@pytest.mark.parametrize(("old", "new", "cause", "words"), MISTAKES.values(), ids=list(MISTAKES))
def test_one_of_several_that_add_up(old, new, cause, words):
    assert old in HIGHWAY
    text = HIGHWAY.replace(old, new)
    assert_blamed(marked(text), text, new, cause, words)


def test_one_of_several_that_is_left_out():
    text = HIGHWAY.replace("        dback += dboth * gate[t]\n", "")
    report = marked(text)
    wrong = [line for line in report if line.status == "wrong"]
    assert [line.cause for line in wrong] == ["term"], str(report)
    assert "dback" in text.splitlines()[wrong[0].line - 1]
    assert "+ dboth * gate[t]" in str(report) or "+ gate[t] * dboth" in str(report), str(report)


def test_what_a_round_takes_only_the_shape_of():
    text = MEMORY.replace("np.copy(dlater)", "np.zeros_like(dlater)")
    words = "dlater is carried on and not used"
    assert_blamed(marked(text), text, "np.zeros_like(dlater)", "term", words)


def test_what_is_the_gradient_of_something_else_by_mistake():
    """`dheld` is then what the loop hands on, and right as that."""
    text = MEMORY.replace("dheld = dmemory * memory[t - 1]", "dheld = dmemory * held[t]")
    words = "held[t] should be memory[t - 1]"
    assert_blamed(marked(text), text, "dheld = dmemory * held[t]", "operand", words)


SILENT = """
import numpy as np


def forward(W, X, T):
    return 0.5 * np.sum((W @ X - T) ** 2)


def backward(W, X, T):
    error = W @ X - T
    dW = np.zeros_like(W)
    for column in range(X.shape[1]):
        dW += np.outer(error[:, column], X[:, column])
"""


def test_what_overwrites_itself_in_each_round_should_be_added_to():
    """Also where nothing is returned, so that nothing reads it."""
    rng = np.random.default_rng(1)
    text = SILENT.replace("dW += np.outer", "dW = np.outer")
    given = [rng.normal(size=shape) for shape in ((2, 3), (3, 5), (2, 5))]
    report = al.check_derivation(*load(text, "silent"), *given, show=False)
    assert_blamed(report, text, "dW = np.outer", "accumulate", "write +=")
