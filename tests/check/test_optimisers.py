"""What optimisers carry on and how they clip is no mistake, and hides none."""

import ast
from types import SimpleNamespace

import numpy as np
import pytest
from derivations.running import assert_blamed, load

import autograd_lite as al
from autograd_lite.check.marking.conventions import velocities

HEAD = """import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(20, 3)); Y = rng.normal(size=(20,1))
W = rng.normal(size=(3,1)); b = np.zeros((1,1)); lr = .05
vW = np.ones((3,1))*.1; vb = np.full((1,1),0.2)
m = {"W": np.full((3,1),.3), "b": np.full((1,1),-.2)}
s = {"W": np.full((3,1),.5), "b": np.full((1,1),.7)}
params = {"W": W, "b": b}
t = 3
for epoch in range(50):
    %s
    err = X @ %s + %s - Y
    loss = (err ** 2).mean()
    dW = %s2 * X.T @ err / len(Y)
    db = 2 * err.sum(0, keepdims=True) / len(Y)
"""
OPTIMISERS = {
    "momentum": (
        "pass",
        "W",
        "b",
        """    vW = .9 * vW - lr * dW
    vb = .9 * vb - lr * db
    W += vW
    b += vb
""",
    ),
    "ema": (
        "pass",
        "W",
        "b",
        """    vW = .9 * vW + .1 * dW
    vb = .9 * vb + .1 * db
    W -= lr * vW
    b -= lr * vb
""",
    ),
    "inplace": (
        "pass",
        "W",
        "b",
        """    vW *= .9
    vW += dW
    vb *= .9
    vb += db
    W -= lr * vW
    b -= lr * vb
""",
    ),
    "nesterov cs231n": (
        "pass",
        "W",
        "b",
        """    vW_prev = vW
    vW = .9 * vW - lr * dW
    W += -.9 * vW_prev + 1.9 * vW
    vb_prev = vb
    vb = .9 * vb - lr * db
    b += -.9 * vb_prev + 1.9 * vb
""",
    ),
    "nesterov ahead": (
        "W_ahead = W + .9*vW; b_ahead = b + .9*vb",
        "W_ahead",
        "b_ahead",
        """    vW = .9 * vW - lr * dW
    vb = .9 * vb - lr * db
    W += vW
    b += vb
""",
    ),
    "adam dict": (
        "pass",
        'params["W"]',
        'params["b"]',
        """    grads = {"W": dW, "b": db}
    t += 1
    for k in params:
        m[k] = .9*m[k] + .1*grads[k]
        s[k] = .999*s[k] + .001*grads[k]**2
        mh = m[k]/(1-.9**t); sh = s[k]/(1-.999**t)
        params[k] -= lr*mh/(np.sqrt(sh)+1e-8)
""",
    ),
    "rmsprop": (
        "pass",
        "W",
        "b",
        """    vW = .9 * vW + .1 * dW**2
    vb = .9 * vb + .1 * db**2
    W -= lr * dW / (np.sqrt(vW) + 1e-8)
    b -= lr * db / (np.sqrt(vb) + 1e-8)
""",
    ),
    "norm clip if": (
        "pass",
        "W",
        "b",
        """    norm = np.sqrt(np.sum(dW**2) + np.sum(db**2))
    if norm > .1:
        dW *= .1 / norm
        db *= .1 / norm
    W -= lr * dW
    b -= lr * db
""",
    ),
    "norm clip linalg": (
        "pass",
        "W",
        "b",
        """    total = np.linalg.norm(dW)
    scale = min(1.0, .1 / (total + 1e-6))
    dW = dW * scale
    W -= lr * dW
    b -= lr * db
""",
    ),
    "norm clip dict": (
        "pass",
        "W",
        "b",
        """    grads = {"W": dW, "b": db}
    total_norm = np.sqrt(sum(np.sum(g ** 2) for g in grads.values()))
    if total_norm > .1:
        for k in grads:
            grads[k] = grads[k] * (.1 / total_norm)
    W -= lr * grads["W"]
    b -= lr * grads["b"]
""",
    ),
    "norm clip list": (
        "pass",
        "W",
        "b",
        """    norm = np.sqrt(np.sum(dW**2) + np.sum(db**2))
    if norm > .1:
        dW, db = [g * .1 / norm for g in (dW, db)]
    W -= lr * dW
    b -= lr * db
""",
    ),
    "norm div": (
        "pass",
        "W",
        "b",
        """    for g in (dW, db):
        g /= max(1, np.linalg.norm(g) / .1)
    W -= lr * dW
    b -= lr * db
""",
    ),
}


def text_of(name, sign=""):
    before, W, b, tail = OPTIMISERS[name]
    return HEAD % (before, W, b, sign) + tail


@pytest.mark.parametrize("name", OPTIMISERS)
def test_what_an_optimiser_does_is_no_mistake(name):
    report = al.check_script(text_of(name), show=False)
    assert report.ok, str(report)
    assert {"W", "b"} <= {line.tensor.removesuffix("_ahead") for line in report}


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.one_in(2)
def test_a_mistake_before_an_optimiser_is_found(name):
    text = text_of(name, "-")
    report = al.check_script(text, show=False)
    wrong = [(line.line, line.cause) for line in report if line.status == "wrong"]
    number = next(n for n, line in enumerate(text.splitlines(), 1) if "dW = -2" in line)
    assert wrong == [(number, "sign")], str(report)


def test_clipping_is_said():
    assert "clipped" in " ".join(al.check_script(text_of("norm clip if", "-"), show=False).notes)


def test_velocities_that_are_numbers_start_at_zero():
    text = """
import numpy as np
X = np.arange(12.0).reshape(6, 2) / 5
Y = np.array([1.0, 0.0, 2.0, 1.0, 3.0, 0.5])
w, b, lr, vw, vb = np.array([0.3, -0.2]), 0.1, 0.05, np.array([0.4, 0.2]), 0.3
for step in range(3):
    error = X @ w + b - Y
    loss = np.mean(error**2)
    gw = 2 * X.T @ error / len(Y)
    gb = 2 * error.sum() / len(Y)
    vw = 0.9 * vw - lr * gw
    vb = 0.9 * vb - lr * gb
    w = w + vw
    b = b + vb
"""
    assert al.check_script(text, show=False).ok
    wrong = text.replace("vw = 0.9", "gw[0] += 1\n    vw = 0.9")
    notes = " ".join(al.check_script(wrong, show=False).notes)
    assert "the values of vw, vb from" in notes
    report = al.check_script(text.replace("gb = 2 *", "gb = 3 *"), show=False)
    assert [(line.name, line.cause) for line in report if line.status == "wrong"] == [
        ("gb", "factor")
    ]


SCALARS = """
import numpy as np
x, t = np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 5.0])
w, b, vw, vb = 0.3, 0.1, 0.5, 0.2
for step in range(10):
    e = w * x + b - t
    loss = 0.5 * np.sum(e**2)
    db = np.sum(e)
    vw = 0.9 * vw + np.sum(e * x)
    vb = 0.9 * vb + db
    w -= 0.1 * vw
    b -= 0.1 * vb
"""


def test_numbers_that_are_carried_on_are_named_where_a_velocity_is_the_gradient():
    report = al.check_script(SCALARS, show=False)
    assert [(line.name, line.tensor, line.status) for line in report] == [
        *(("db", "b", "correct"), ("vw", "w", "correct"))
    ]
    assert report.notes == (
        "convention: the values of vb, vw from earlier steps are 0 here, so that the update "
        "shows the gradient; that is no mistake",
    )
    report = al.check_script(SCALARS.replace("np.sum(e)\n", "2 * np.sum(e)\n"), show=False)
    assert [line.line for line in report if line.status == "wrong"] == [8]


UNNAMED = """
import numpy as np
rng = np.random.default_rng(0)
X, T = rng.normal(size=(6, 3)), rng.normal(size=(6, 1))
W, V, lr = rng.normal(size=(3, 1)), np.ones((3, 1)), 0.1
for step in range(10):
    Z = X @ W
    loss = 0.5 * np.sum((Z - T) ** 2)
    p = X.T @ ({})
    V = 0.9 * V {} p
    W {}= lr * V
"""


@pytest.mark.parametrize(
    ("written", "descent", "is_right"),
    [
        (("Z - T", "+", "-"), False, True),
        (("T - Z", "+", "+"), True, True),
        (("T - Z", "-", "-"), True, True),
        (("Z - T", "-", "+"), False, True),
        (("T - Z", "+", "-"), False, False),
        (("2 * (Z - T)", "+", "-"), False, False),
        (("2 * (T - Z)", "+", "+"), True, False),
    ],
)
def test_what_a_velocity_is_made_of_may_point_downwards(written, descent, is_right):
    report = al.check_script(UNNAMED.format(*written), show=False)
    assert report.ok == is_right
    assert [(line.name, line.tensor, line.line) for line in report] == [("p", "W", 9)]
    assert any("descent directions" in note for note in report.notes) == descent


def test_weights_that_decay_are_no_velocities():
    text = (
        text_of("momentum").split("    vW =")[0] + "    W = 0.99 * W - lr * dW\n    b -= lr * db\n"
    )
    assert al.check_script(text, show=False).ok
    W = np.ones((2, 1))

    def loss(W, X):
        E = X @ W
        return np.sum(E**2), E

    def gradients(W, X, E):
        dW = X.T @ E
        W *= 0.9
        return dW

    report = al.check_derivation(loss, gradients, W, np.arange(6.0).reshape(3, 2), show=False)
    assert report.first_wrong.cause == "factor"


def test_a_norm_of_the_model_is_no_clipping():
    def forward(x, dout):
        norm = np.sqrt(np.sum(x * x))
        u = x / norm
        return np.sum(dout * u), (norm, u)

    def backward(factor):
        def gradient(x, dout, cache):
            norm, u = cache
            du = dout
            dx = (du - factor * u * np.sum(u * du)) / norm
            return dx

        return gradient

    x, dout = np.array([1.0, -2.0, 0.5]), np.array([0.3, 0.1, -0.7])
    assert al.check_derivation(forward, backward(1), x, dout, show=False).ok
    assert not al.check_derivation(forward, backward(0.5), x, dout, show=False).ok


SPOILED = {
    "a term more": "dW += W",
    "an entry set": "dW[0] = 0",
    "a square": "dW = dW * dW",
    "the other way": "dW = -dW",
    "signs": "dW = np.sign(dW)",
}


@pytest.mark.parametrize("statement", SPOILED.values(), ids=SPOILED)
def test_what_is_made_of_a_right_gradient_is_marked(statement):
    before, _, _ = text_of("rmsprop").rpartition("    vW =")
    update = "    W -= lr * dW\n    b -= lr * db\n"
    text = f"{before}    {statement}\n{update}"
    report = al.check_script(text, show=False)
    number = len(text.splitlines()) - 2
    assert [line.line for line in report if line.status == "wrong"] == [number], str(report)


@pytest.mark.parametrize("statement", ["dW = 0.5 * dW", "dW /= np.linalg.norm(dW)"])
def test_the_length_of_a_step_is_anyones_choice(statement):
    before, _, _ = text_of("rmsprop").rpartition("    vW =")
    text = f"{before}    {statement}\n    W -= lr * dW\n    b -= lr * db\n"
    assert al.check_script(text, show=False).ok


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("v = 0.9 * v - lr * dW\nW += v", {"v"}),
        ("v *= 0.9\nv += dW\nW -= lr * v", {"v"}),
        ("v = 0.9 * v + dW\nstep = lr * v\nW -= step", {"v"}),
        ("m['W'] = 0.9 * m['W'] + dW\nW -= lr * m['W']", {"m"}),
        ("self.m[k][0] = 0.9 * self.m[k][0] + dW\nself.W -= self.m[k][0]", {"m"}),
        ("m = 0.9 * m + dW\ns = 0.99 * s + dW * dW\nW -= lr * m / np.sqrt(s)", {"m", "s"}),
        ("m = 0.9 * m + dW\nu = 0.9 * u + m\nW -= lr * dW", set()),
        ("v = 0.9 * v + dW\nstep = lr * v\nW -= lr * dW", set()),
        ("W = 0.99 * W - lr * dW", set()),
        ("v = 0.9 * v + dW", set()),
        ("W -= lr * dW", set()),
    ],
)
def test_what_is_decayed_and_used_in_an_update_is_a_velocity(text, names):
    places = [SimpleNamespace(statement=statement) for statement in ast.parse(text).body]
    assert velocities(SimpleNamespace(place=place) for place in places) == names


NAMELESS = """
import numpy as np
rng = np.random.default_rng(0)
X, T = rng.normal(size=(6, 3)), rng.normal(size=(6, 1))
W, lr = rng.normal(size=(3, 1)), 0.1
for step in range(10):
    err = X @ W - T
    loss = 0.5 * np.sum(err ** 2)
    {}
"""


@pytest.mark.parametrize(
    ("update", "name", "line"),
    [
        ("s = X.T @ err\n    W -= s", "s", 9),
        ("s = X.T @ err\n    u = 3 * W\n    W = W - s", "s", 9),
        ("s = [err, X.T @ err]\n    W -= lr * s[1]", "s1", 9),
        ("s = {'g': X.T @ err}\n    W -= s['g']", "g", 9),
        ("s = X.T @ err\n    W -= lr * s", "s", 9),
        ("W -= lr * X.T @ err", "W", 9),
    ],
)
def test_what_is_subtracted_from_a_parameter_is_its_gradient(update, name, line):
    assert al.check_script(NAMELESS.format(update), show=False).ok
    wrong = NAMELESS.format(update.replace("@ err", "@ np.abs(err)"))
    report = al.check_script(wrong, show=False)
    wrong = [(found.name, found.tensor, found.line) for found in report if found.status == "wrong"]
    assert wrong == [(name, "W", line)]


ENTRIES = """import numpy as np
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
net = {"W1": rng.normal(size=(3, 4)), "c1": np.zeros(4), "W2": rng.normal(size=(4, 2))}
first = {k: np.zeros_like(v) for k, v in net.items()}
second = {k: np.zeros_like(v) for k, v in net.items()}
steps, lr = 0, 0.01
for epoch in range(2):
    hidden = np.tanh(X @ net["W1"] + net["c1"])
    off = hidden @ net["W2"] - Y
    loss = np.mean(off ** 2) + 0.1 * np.sum(net["W2"] ** 2)
    grad = {}
    d_out = 2 * off / off.size
    grad["W2"] = hidden.T @ d_out + 2 * 0.1 * net["W2"]
    d_z = (d_out @ net["W2"].T) * (1 - hidden ** 2)
    grad["W1"] = X.T @ d_z
    grad["c1"] = d_z.sum(axis=0)
    steps += 1
    for k in net:
        first[k] = 0.9 * first[k] + 0.1 * grad[k]
        second[k] = 0.999 * second[k] + 0.001 * grad[k] ** 2
        corrected = first[k] / (1 - 0.9 ** steps)
        net[k] -= lr * corrected / (np.sqrt(second[k] / (1 - 0.999 ** steps)) + 1e-8)
"""


@pytest.mark.parametrize(
    ("right", "wrong", "cause"),
    [
        ("2 * off / off.size", "off / off.size", "factor"),
        ("2 * 0.1 * net", "0.1 * net", "factor"),
        ("1 - hidden ** 2)", "1 - hidden)", "activation"),
        ("X.T @ d_z\n", "X.T @ d_out\n", "operand"),
        ("d_z.sum", "-d_z.sum", "sign"),
    ],
)
def test_mistakes_are_seen_behind_the_averages_of_adam(right, wrong, cause):
    text = ENTRIES.replace(right, wrong)
    if wrong.startswith("X.T"):
        text = text.replace("size=(4, 2)", "size=(4, 4)").replace("size=(12, 2)", "size=(12, 4)")
    report = al.check_script(text, show=False)
    part = wrong.splitlines()[0]
    number = next(i for i, line in enumerate(text.splitlines(), 1) if part in line)
    assert {(n.line, n.cause) for n in report if n.status == "wrong"} == {(number, cause)}


def test_gradients_behind_averages_are_told_where_they_are_computed():
    report = al.check_script(ENTRIES, show=False)
    assert report.ok
    assert {"W1": 16, "c1": 17, "W2": 14}.items() <= {n.tensor: n.line for n in report}.items()


ONE_STEP = """
import numpy as np


def forward(X, w, y, t=1, rate=0.1):
    e = X @ w - y
    loss = np.mean(e**2)
    g = 2 * X.T @ e / len(y)
    m = np.zeros_like(w)
    v = np.zeros_like(w)
    m = 0.9 * m + 0.1 * g
    v = 0.999 * v + 0.001 * g**2
    w -= rate * m / (1 - 0.9**t) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return loss


backward = forward
"""


def report_on_one_step(text):
    rng = np.random.default_rng(8)
    inputs = rng.normal(size=(7, 3)), rng.normal(size=3), rng.normal(size=7)
    return al.check_derivation(*load(text, f"one step {hash(text)}"), *inputs, show=False)


@pytest.mark.parametrize("start", ["np.zeros_like(w)", "0"])
def test_averages_that_begin_at_zero_in_the_step_are_no_gradients(start):
    text = ONE_STEP.replace("np.zeros_like(w)", start)
    report = report_on_one_step(text)
    assert report.ok and [line.name for line in report] == ["g"], str(report)
    wrong = text.replace("2 * X", "X")
    assert_blamed(report_on_one_step(wrong), wrong, "g =", "factor", "g lacks a factor 2")


def test_a_step_in_the_wrong_direction_has_the_wrong_sign():
    (head, _), (_, end) = ONE_STEP.split("    g ="), ONE_STEP.split(") + 1e-8)\n")
    wrong = f"{head}    w += rate * 2 * X.T @ e / len(y)\n{end}"
    assert_blamed(report_on_one_step(wrong), wrong, "w +=", "sign", "w has the wrong sign")
    right = wrong.replace("rate * 2", "-rate * 2")
    notes = report_on_one_step(right).notes
    assert notes == ("convention: descent directions, minus the gradients; that is no mistake",)


BEFORE_ITS_USE = """
import numpy as np


def forward(X, W, y):
    e = X @ W - y
    return np.mean(e**2), e


def backward(X, W, y, e):
    de = 2 * e / e.size
    dW = X.T @ de
    CLIP
    return {"dW": dW}
"""


@pytest.mark.parametrize(
    "clip",
    [
        "dW = np.clip(dW, -0.1, 0.1)",
        "dW = dW.clip(-0.1, 0.1)",
        "np.clip(dW, -0.1, 0.1, out=dW)",
        "dW = dW * 0.1 / np.linalg.norm(dW)",
        "dW *= 0.1 / np.sqrt(np.sum(dW**2))",
        "norm = np.sqrt((dW**2).sum())\n    if norm > 0.1:\n        dW = dW * (0.1 / norm)",
    ],
)
def test_ways_to_clip_a_gradient(clip):
    rng = np.random.default_rng(3)
    inputs = [rng.normal(size=s) for s in ((6, 3), (3, 4), (6, 4))]
    right = BEFORE_ITS_USE.replace("CLIP", clip)
    wrong = right.replace("X.T", "3 * X.T")
    reports = [
        al.check_derivation(*load(text, f"clip {hash(text)}"), *inputs, show=False)
        for text in (right, wrong)
    ]
    assert all("the gradients are clipped" in str(report) for report in reports)
    assert reports[0].ok, str(reports[0])
    assert_blamed(reports[1], wrong, "dW =", "factor", "the factor 3 should be left out")
