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
