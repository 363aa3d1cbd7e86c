"""Updates of parameters, in the forms in which people write them."""

import pytest

import autograd_lite as al

SCRIPT = """
import numpy as np
rng = np.random.default_rng(0)
X, y, W, b = rng.normal(size=(8, 3)), rng.normal(size=8), rng.normal(size=3), 0.3
lr = 0.1
for step in range(3):
    p = X @ W + b
    err = p - y
    loss = np.mean(err ** 2) / 2
    s = lr * (X.T @ err) / len(y)
    W -= s
"""

UPDATES = (
    "W -= s",
    "W = W - s",
    "W[:] = W - s",
    "W[...] -= s",
    "W += -s",
    "W, b = W - s, b - lr * err.mean()",
)


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize(
    "step", ["lr * (X.T @ err) / len(y)", "lr / len(y) * (X.T @ err)", "0.1 * X.T @ err / len(y)"]
)
def test_a_step_with_a_name_and_a_rate_is_right(update, step):
    text = SCRIPT.replace("lr * (X.T @ err) / len(y)", step).replace("W -= s", update)
    report = al.check_script(text, show=False)
    assert report.ok, str(report)
    assert "W" in {found.tensor for found in report}


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize(
    ("step", "cause"),
    [
        ("lr * (X.T @ err) / len(y) * 2", "factor"),
        ("lr * (X.T @ p) / len(y)", "operand"),
        ("lr * -(X.T @ err) / len(y)", "sign"),
    ],
)
def test_a_mistake_in_such_a_step_is_named(update, step, cause):
    text = SCRIPT.replace("lr * (X.T @ err) / len(y)", step).replace("W -= s", update)
    report = al.check_script(text, show=False)
    wrong = [(found.line, found.cause) for found in report if found.status == "wrong"]
    assert wrong == [(10, cause)], str(report)


def test_of_two_updates_one_may_read_what_the_other_writes():
    text = SCRIPT.replace("W -= s", "W, b = W - s, b - 0.1 * (X @ W - y + b).mean()")
    assert al.check_script(text, show=False).ok


TRAINED = """
import numpy as np
rng = np.random.default_rng(1)
X, Y, W = rng.normal(size=(3, 8)), rng.normal(size=(2, 8)), rng.normal(size=(2, 3))
V = np.zeros_like(W)
Z = W @ X
loss = np.mean((Z - Y) ** 2)
dZ = 2 * (Z - Y) / Z.size
dW = dZ @ X.T
V = 0.9 * V + dW
W -= 0.1 * V
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("W -= 0.1 * V", "W += 0.1 * V"),
        ("W -= 0.1 * V", "W = W + 0.1 * dW"),
        ("W -= 0.1 * V", "W += 0.1 * np.sign(dW)"),
        ("0.9 * V + dW", "0.9 * V - dW"),
    ],
)
def test_a_step_along_the_gradient_is_remarked_on(old, new):
    report = al.check_script(TRAINED, show=False)
    assert not any("moves along its gradient" in note for note in report.notes), str(report)
    report = al.check_script(TRAINED.replace(old, new), show=False)
    assert report.ok, str(report)
    [note] = [note for note in report.notes if "moves along its gradient" in note]
    assert note.startswith("line 11: W ") and "subtract" in note


def test_of_a_gradient_with_the_wrong_sign_the_update_is_not_blamed():
    report = al.check_script(TRAINED.replace("dW = dZ", "dW = -dZ"), show=False)
    assert [found.line for found in report if found.status == "wrong"] == [9], str(report)
    assert not any("moves along its gradient" in note for note in report.notes)
