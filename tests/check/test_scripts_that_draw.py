"""Scripts that draw random numbers in the loop that is marked, and keep lists over time."""

import numpy as np
import pytest
from derivations.running import assert_blamed

import autograd_lite as al

ADDER = """
import numpy as np

np.random.seed(3)
bits = 4


def squash(x):
    return 1 / (1 + np.exp(-x))


def slope(out):
    return out * (1 - out)


def digits(number):
    return [(number >> k) & 1 for k in range(bits)]


V = 2 * np.random.random((2, 5)) - 1
U = 2 * np.random.random((5, 5)) - 1
W = 2 * np.random.random((5, 1)) - 1

for step in range(3):
    first, second = np.random.randint(0, 8), np.random.randint(0, 8)
    a, b, c = digits(first), digits(second), digits(first + second)
    V_step, U_step, W_step = np.zeros_like(V), np.zeros_like(U), np.zeros_like(W)
    states, deltas, loss = [np.zeros((1, 5))], [], 0.0
    for k in range(bits):
        state = squash(np.array([[a[k], b[k]]]) @ V + states[-1] @ U)
        out = squash(state @ W)
        error = out - c[k]
        deltas.append(error * slope(out))
        loss += 0.5 * np.sum(error ** 2)
        states.append(state)
    later = np.zeros((1, 5))
    for k in range(bits):
        place = bits - 1 - k
        x, state, before = np.array([[a[place], b[place]]]), states[-k - 1], states[-k - 2]
        arrived = deltas[-k - 1] @ W.T + later @ U.T
        delta = arrived * slope(state)
        W_step += state.T @ deltas[-k - 1]
        U_step += before.T @ delta
        V_step += x.T @ delta
        later = delta
    V -= 0.1 * V_step
    U -= 0.1 * U_step
    W -= 0.1 * W_step
"""


@pytest.mark.parametrize("seed", [0, 1])
def test_a_right_one_is_right_whatever_was_drawn_before(seed):
    np.random.seed(seed)
    assert al.check_script(ADDER, show=False, seconds=12).ok


@pytest.mark.parametrize(
    ("right", "wrong", "part", "cause", "words"),
    [
        ("+ later @ U.T", "+ later @ U", "later @ U", "transpose", "later @ U.T"),
        ("slope(state)\n", "slope(before)\n", "slope(before)", "operand", "should be"),
        ("U_step += before.T", "U_step += state.T", "U_step += state.T", "operand", "before"),
        ("V_step += x", "V_step = x", "V_step = x", "accumulate", "write +="),
        ("return out * (1 - out)", "return 1 - out ** 2", "return 1 - out", "activation", "out *"),
    ],
)
@pytest.mark.one_in(5)
def test_the_search_repeats_what_was_drawn(right, wrong, part, cause, words):
    text = ADDER.replace(right, wrong)
    reports = []
    for seed in (0, 1):
        np.random.seed(seed)
        reports.append(al.check_script(text, show=False, seconds=12))
    assert str(reports[0]) == str(reports[1])
    assert_blamed(reports[0], text, part, cause, words)
