"""Updates of parameters, in the forms in which people write them."""

import pytest
from derivations.running import assert_blamed

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
@pytest.mark.one_in(2)
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
    ("old", "new", "way"),
    [
        ("W -= 0.1 * V", "W += 0.1 * V", "subtract"),
        ("W -= 0.1 * V", "W = W + 0.1 * dW", "subtract"),
        ("0.9 * V + dW", "0.9 * V - dW", "add"),
    ],
)
def test_a_step_along_the_gradient_raises_the_loss(old, new, way):
    text = TRAINED.replace(old, new)
    report = al.check_script(text, show=False)
    [wrong] = [found for found in report if found.status == "wrong"]
    assert (wrong.line, wrong.name, wrong.cause) == (11, "W", "sign"), str(report)
    assert f": {way} the step there" in wrong.message
    # By its name J may be meant to be maximised.
    report = al.check_script(text.replace("loss", "J"), loss="J", show=False)
    assert report.ok, str(report)
    [note] = [note for note in report.notes if "moves along its gradient" in note]
    assert note.endswith("unless the loss is to be maximised")


@pytest.mark.parametrize("loss", ["loss", "J"])
def test_a_step_against_the_gradient_needs_no_remark(loss):
    report = al.check_script(TRAINED.replace("loss", loss), loss=loss, show=False)
    assert report.ok and not any("moves" in note for note in report.notes), str(report)


TWO_LAYERS = """
import numpy as np
rng = np.random.default_rng(2)
x, t, W, U = rng.normal(size=(3, 9)), rng.normal(size=(3, 9)), np.eye(3), 2 * np.eye(3)
b, c = np.zeros((3, 1)), np.ones((3, 1))
h = np.tanh(W @ x + b)
z = U @ h + c
cost = np.sum((z - t) ** 2) / 2
dz = z - t
dU, dc = dz @ h.T, dz.sum(axis=1, keepdims=True)
dh = U.T @ dz * (1 - h**2)
dW, db = dh @ x.T, dh.sum(axis=1, keepdims=True)
W -= 0.1 * dW
U -= 0.1 * dU
b -= 0.1 * db
c -= 0.1 * dc
"""


@pytest.mark.parametrize(("old", "new", "line"), [("* dc", "* db", 16), ("* dU", "* dW", 14)])
def test_a_step_by_the_gradient_of_another_parameter_is_wrong(old, new, line):
    assert al.check_script(TWO_LAYERS, loss="cost", show=False).ok
    report = al.check_script(TWO_LAYERS.replace(old, new), loss="cost", show=False)
    [wrong] = [found for found in report if found.status == "wrong"]
    assert (wrong.line, wrong.cause) == (line, "operand"), str(report)


def test_a_gradient_that_is_called_like_its_parameter_is_no_update():
    text = TWO_LAYERS.replace("dU, dc = ", "grads = {'c': np.zeros((3, 1))}\ndU, dc = ")
    text = text.replace("c -= 0.1 * dc", "grads['c'] += dc")
    assert al.check_script(text, loss="cost", show=False).ok


def test_of_a_gradient_with_the_wrong_sign_the_update_is_not_blamed():
    report = al.check_script(TRAINED.replace("dW = dZ", "dW = -dZ"), show=False)
    assert [found.line for found in report if found.status == "wrong"] == [9], str(report)
    assert not any("moves along its gradient" in note for note in report.notes)


IN_ONE_DICT = """
import numpy as np


def update(params, grads):
    for k in params:
        params[k] -= 0.1 * grads[k]


rng = np.random.default_rng(0)
X, T = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
params = {"W": rng.normal(size=(3, 2)), "b": np.zeros(2)}
v = {"W": np.zeros((3, 2)), "b": np.zeros(2)}
for step in range(5):
    e = X @ params["W"] + params["b"] - T
    loss = np.sum(e**2) / 2
    grads = {"W": X.T @ e, "b": e.sum(axis=0)}
    UPDATE
"""

UPDATES_OF_ALL = {
    "one by one": 'params["W"] -= 0.1 * grads["W"]\n    params["b"] -= 0.1 * grads["b"]',
    "in a loop": "for k in params:\n        params[k] -= 0.1 * grads[k]",
    "in a function": "update(params, grads)",
    "with a velocity": "for k in params:\n        v[k] = 0.9 * v[k] + grads[k]\n"
    "        params[k] -= 0.1 * v[k]",
    "with a sum of squares": "for k in params:\n        v[k] += grads[k] ** 2\n"
    "        params[k] -= 0.1 * grads[k] / (np.sqrt(v[k]) + 1e-8)",
}


@pytest.mark.parametrize("update", UPDATES_OF_ALL.values(), ids=UPDATES_OF_ALL)
def test_all_gradients_may_be_written_in_one_dict(update):
    text = IN_ONE_DICT.replace("UPDATE", update)
    report = al.check_script(text, show=False)
    assert report.ok, str(report)
    number = next(i for i, line in enumerate(text.splitlines(), 1) if "grads =" in line)
    assert {line.tensor: line.line for line in report if line.name != "e"} == dict.fromkeys(
        ("W", "b"), number
    )


@pytest.mark.parametrize("update", ["one by one", "in a function"])
def test_a_mistake_in_one_of_them_is_named(update):
    text = IN_ONE_DICT.replace("UPDATE", UPDATES_OF_ALL[update]).replace("X.T @", "3 * X.T @")
    report = al.check_script(text, show=False)
    number = next(i for i, line in enumerate(text.splitlines(), 1) if "grads =" in line)
    wrong = [(line.tensor, line.line, line.cause) for line in report if line.status == "wrong"]
    assert wrong == [("W", number, "factor")], str(report)


@pytest.mark.parametrize(
    "update",
    [
        "w -= -0.1 * -(X.T @ e)",
        "w += -0.1 * X.T @ e",
        "w[:] -= 0.1 * X.T @ e",
        "for j in range(3):\n        w[j] -= 0.1 * np.sum(e * X[:, j])",
        "w -= 0.1 * np.array([np.sum(e * X[:, j]) for j in range(3)])",
    ],
)
def test_the_gradient_within_an_update_is_right_and_twice_it_is_not(update):
    text = f"""
import numpy as np
rng = np.random.default_rng(0)
X, T, w = rng.normal(size=(6, 3)), rng.normal(size=6), rng.normal(size=3)
for step in range(5):
    e = X @ w - T
    loss = np.sum(e**2) / 2
    {update}
"""
    assert al.check_script(text, show=False).ok
    report = al.check_script(text.replace("**2) / 2", "**2)"), show=False)
    assert {line.cause for line in report if line.tensor == "w"} == {"factor"}, str(report)


BROADCAST = """
import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(8, 3)), rng.normal(size=(8, 1))
W1, b1 = rng.normal(size=(3, 4)), np.zeros((1, 4))
W2, b2 = rng.normal(size=(4, 1)), np.zeros((1, 1))
v1 = np.zeros_like(b1)
for step in range(3):
    h = np.tanh(X @ W1 + b1)
    err = h @ W2 + b2 - Y
    loss = np.sum(err ** 2) / 2
    dW2, db2 = h.T @ err, err.sum(axis=0, keepdims=True)
    dz = (err @ W2.T) * (1 - h ** 2)
    dW1, db1 = X.T @ dz, dz.sum(axis=0, keepdims=True)
    v1 = 0.9 * v1 + db1
    W1 -= 0.1 * dW1
    b1 -= 0.1 * db1
    W2 -= 0.1 * dW2
    b2 -= 0.1 * db2
"""


def test_the_gradient_of_another_parameter_that_is_broadcast():
    assert al.check_script(BROADCAST, show=False).ok
    by_velocity = BROADCAST.replace("b1 -= 0.1 * db1", "b1 -= 0.1 * v1")
    assert al.check_script(by_velocity, show=False).ok
    text = BROADCAST.replace("b1 -= 0.1 * db1", "b1 -= 0.1 * db2")
    report = al.check_script(text, show=False)
    assert_blamed(report, text, "b1 -=", "operand", "b1 moves by the gradient of b2, not its own")
