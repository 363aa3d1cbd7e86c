"""Names that are bound several times, in the forward pass or in the derivation."""

import numpy as np
import pytest
from derivations.running import load

import autograd_lite as al

ATTENTION = """
import numpy as np
rng = np.random.default_rng(8)
x, target = rng.normal(size=(5, 6)), rng.normal(size=(5, 4))
Wq, Wk, Wv = (rng.normal(size=(6, n)) * 0.5 for n in (3, 3, 4))
q, k, v = x @ Wq, x @ Wk, x @ Wv
s = q @ k.T / np.sqrt(3)
s = s - s.max(axis=1, keepdims=True)
e = np.exp(s)
a = e / e.sum(axis=1, keepdims=True)
out = a @ v
loss = ((out - target) ** 2).mean()
dout = 2 * (out - target) / out.size
da = dout @ v.T
dWv = x.T @ (a.T @ dout)
ds = a * (da - (da * a).sum(axis=1, keepdims=True))
ds = ds / np.sqrt(3)
dq = ds @ k
dk = ds.T @ q
dWq = x.T @ dq
dWk = x.T @ dk
"""


def blamed(text):
    report = al.check_script(text, show=False)
    wrong = [found for found in report if found.status == "wrong"]
    return [(found.line, found.cause) for found in wrong], report


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        (" - (da * a).sum(axis=1, keepdims=True)", "", "term"),
        ("a * (da - ", "a * (da + ", "sign"),
        ("ds = a * (da - (", "ds = (da - (", "factor"),
        ("a * (da - ", "a * (-", "term"),
    ],
)
@pytest.mark.one_in(4)
def test_only_the_line_of_a_softmax_is_wrong(old, new, cause):
    found, report = blamed(ATTENTION.replace(old, new))
    assert found == [(16, cause)]
    assert not any("is there a kink" in note for note in report.notes)


def test_a_softmax_is_right_with_and_without_the_maximum():
    assert blamed(ATTENTION)[0] == []
    assert blamed(ATTENTION.replace("s = s - s.max", "m = s.max"))[0] == []


GATE = """
import math
w, x = [2.0, -3.0, -3.0], [-1.0, -2.0]
dot = w[0] * x[0] + w[1] * x[1] + w[2]
f = 1.0 / (1 + math.exp(-dot))
loss = -math.log(f)
df = -1 / f
ddot = df * (1 - f) * f
dx0, dx1 = w[0] * ddot, w[1] * ddot
dw0, dw1, dw2 = x[0] * ddot, x[1] * ddot, 1.0 * ddot
"""


def test_plain_numbers_on_the_way_are_steps():
    assert blamed(GATE)[0] == []
    assert blamed(GATE.replace("df * (1 - f) * f", "df"))[0] == [(8, "activation")]
    assert [line for line, _ in blamed(GATE.replace("(1 - f) * f", "(1 - f)"))[0]] == [8]


def test_a_value_that_is_computed_again_and_right_is_not_blamed():
    class Net:
        def __init__(self):
            rng = np.random.default_rng(2)
            self.W1, self.W2 = rng.normal(size=(4, 5)), rng.normal(size=(5, 3))

        def predict(self, x):
            z = np.tanh(x @ self.W1)
            y = np.exp(z @ self.W2)
            return z, y / y.sum(axis=1, keepdims=True)

        def loss(self, x, t):
            z, y = self.predict(x)
            return -np.sum(t * np.log(y)) / len(x)

        def gradient(self, x, t):
            z, y = self.predict(x)
            count = len(x)
            dy = y / count
            dz = (dy @ self.W2.T) * (1 - z * z)
            return {"W1": x.T @ dz, "W2": z.T @ dy}

    net = Net()
    x, t = np.random.default_rng(3).normal(size=(6, 4)), np.eye(3)[[0, 2, 1, 1, 0, 2]]
    report = al.check_derivation(net.loss, net.gradient, x, t, show=False)
    [wrong] = [found for found in report if found.status == "wrong"]
    assert wrong.line - Net.gradient.__code__.co_firstlineno == 3
    assert wrong.cause == "term"
    assert "t is never used" in wrong.message


RENAMED = """
import numpy as np

class Layer:
    def __init__(self, weights):
        self.weights = weights

    def forward(self, x):
        self.seen = x
        return x @ self.weights

    def backward(self, dout):
        dL_dw = -(self.seen.T @ dout)
        self.d_weights = dL_dw
        return dout @ self.weights.T
"""


def test_a_gradient_by_another_name_is_wrong_where_it_is_computed(tmp_path):
    (tmp_path / "layers.py").write_text(RENAMED)
    namespace: dict = {}
    exec(compile(RENAMED, str(tmp_path / "layers.py"), "exec"), namespace)
    rng = np.random.default_rng(0)
    layer = namespace["Layer"](rng.normal(size=(4, 3)))
    report = al.check_derivation(layer, rng.normal(size=(5, 4)), show=False)
    wrong = [(found.line, found.cause) for found in report if found.status == "wrong"]
    assert wrong == [(13, "sign")]


LEAKY = """
import numpy as np
rng = np.random.default_rng(1)
X, T = rng.normal(size=(6, 4)), rng.normal(size=(6, 4))
W = [rng.normal(size=(4, 4)) for _ in range(3)]
A, Z = [X], []
for w in W:
    Z.append(A[-1] @ w)
    A.append(np.where(Z[-1] > 0, Z[-1], 0.1 * Z[-1]))
loss = 0.5 * np.sum((A[-1] - T) ** 2)
dA = A[-1] - T
dW = [None] * 3
for i in (2, 1, 0):
    dA = dA * np.where(Z[i] > 0, 1, 0.1) * np.where(Z[i] > 0, 1, 0.1)
    dW[i] = A[i].T @ dA
    dA = dA @ W[i].T
"""


def test_of_the_rounds_of_a_loop_the_first_one_tells_why():
    report = al.check_script(LEAKY, show=False)
    [wrong] = {found.message: found for found in report if found.status == "wrong"}.values()
    assert (wrong.line, wrong.cause) == (14, "activation")
    assert "should be left out" in wrong.message


def test_what_an_index_selects_from_is_no_index():
    def hinge(a, b, margin):
        d = np.sum((a - b) ** 2, axis=1)
        return np.mean(np.maximum(margin - d, 0))

    def backward(a, b, margin):
        d = np.sum((a - b) ** 2, axis=1)
        on = (margin + d > 0)[:, None] / len(a)
        da = -2 * on * (a - b)
        return {"da": da, "db": -da}

    a, b = np.random.default_rng(5).normal(size=(2, 7, 2))
    report = al.check_derivation(hinge, backward, a, b, 2.0, show=False)
    [wrong] = [found for found in report if found.status == "wrong"]
    assert (wrong.line - backward.__code__.co_firstlineno, wrong.cause) == (2, "sign")


THINNED = """
import numpy as np


def forward(X, W, V, T, mask):
    Z = X @ W
    A = np.maximum(Z, 0)
    A = A * mask
    A = A / 0.8
    E = A @ V - T
    return np.sum(E**2) / 2, (Z, A, E)


def backward(X, W, V, T, mask, cache):
    Z, A, E = cache
    dE = E
    dV = A.T @ dE
    dA = dE @ V.T
    dA = dA * mask
    dA = dA / 0.8
    dZ = dA * (A > 0)
    dW = X.T @ dZ
    return {"dE": dE, "dV": dV, "dA": dA, "dZ": dZ, "dW": dW}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "cause", "words"),
    [
        ("X.T @ dZ", "X.T @ dA", "operand", "dA should be dZ"),
        ("    dA = dA / 0.8\n", "", "factor", "lacks a factor 1.25"),
        ("dA * (A > 0)", "dA * (A > 0) * 2", "factor", "2"),
    ],
)
def test_a_gradient_that_is_bound_again_before_it_is_returned(right, wrong, cause, words):
    rng = np.random.default_rng(3)
    inputs = [rng.normal(size=s) for s in ((7, 3), (3, 5), (5, 2), (7, 2))]
    mask = (rng.random((7, 5)) < 0.8).astype(float)
    text = THINNED.replace(right, wrong)
    report = al.check_derivation(*load(text, "thinned"), *inputs, mask, show=False)
    found = [line for line in report if line.status == "wrong"]
    assert [line.cause for line in found] == [cause], str(report)
    assert words in found[0].message
