"""Which of several lines is blamed, where edits of more than one would make all gradients right."""

import pytest

import autograd_lite as al

PENALTY = """
import numpy as np
rng = np.random.default_rng(3)
X, y = rng.normal(size=(8, 3)), rng.normal(size=8)
w, b, lam = rng.normal(size=3), 0.4, 0.7
m = len(y)
loss = np.sum((X @ w + b - y) ** 2) / (2 * m) + lam / (2 * m) * np.sum(w**2)
error = X @ w + b - y
dw = X.T @ error / m
dw = dw + lam / m * w
"""

HUBER = """
import numpy as np
rng = np.random.default_rng(2)
X, y = rng.normal(size=(9, 4)), rng.normal(size=9)
coef, intercept, delta = rng.normal(size=4), 0.3, 0.5
resid = X @ coef + intercept - y
small = np.abs(resid) <= delta
loss = np.mean(np.where(small, 0.5 * resid**2, delta * (np.abs(resid) - 0.5 * delta)))
psi = np.where(small, resid, delta * np.sign(resid))
d_coef = X.T @ psi / len(y)
d_intercept = psi.mean()
"""

NORM = """
import numpy as np
rng = np.random.default_rng(2)
x, gamma, T = rng.normal(size=(6, 3)), rng.normal(size=3), rng.normal(size=(6, 3))
N, D = x.shape
mu = x.mean(axis=0)
xc = x - mu
out = xc * gamma
loss = 0.5 * np.sum((out - T) ** 2)
dout = out - T
dgamma = np.sum(dout * xc, axis=0)
dxc = dout * gamma
dmu = -np.sum(dxc, axis=0)
dx2 = 1.0 / N * np.ones((N, D)) * dmu
dx = dxc + dx2
"""

SUM = """
import numpy as np
rng = np.random.default_rng(6)
X, T, W = rng.normal(size=(7, 3)), rng.normal(size=(7, 2)), rng.normal(size=(3, 2))
Y = X @ W
loss = np.mean(np.sum((Y - T) ** 2, axis=1))
dY = 2 * (Y - T)
dW = X.T @ dY / len(X)
"""


def blamed(text):
    report = al.check_script(text, show=False)
    return [(found.line, found.cause) for found in report if found.status == "wrong"]


@pytest.mark.parametrize("text", [PENALTY, HUBER, NORM, SUM])
def test_the_scripts_are_right_as_they_stand(text):
    assert blamed(text) == []


@pytest.mark.parametrize(
    ("text", "old", "new", "line", "cause"),
    [
        # With `lam * w` in the next line, all would be the gradients of the sum.
        (PENALTY, "X.T @ error / m", "X.T @ error", 9, "factor"),
        # One ninth of it in the next line would be right as well.
        (PENALTY, "dw = X.T @ error / m", "dw = X.T @ error\ndw += dw / m", 10, "accumulate"),
        # Taking the mean away from `dx` would hide that `dmu` is not used.
        (NORM, "np.ones((N, D)) * dmu", "np.ones((N, D)) * dgamma", 14, "operand"),
        # The gradient of the sum is a convention, the sign is a mistake.
        (SUM, "dY = 2 * (Y - T)", "dY = -2 * (Y - T)", 7, "sign"),
        (HUBER, "delta * np.sign(resid))", "delta)", 9, "factor"),
        # No number that holds for the mean alone is a cause.
        (HUBER, "np.where(small, resid, delta * np.sign(resid))", "resid", 9, "mask"),
    ],
)
@pytest.mark.one_in(2)
def test_the_line_with_the_mistake_is_blamed_and_no_other(text, old, new, line, cause):
    assert blamed(text.replace(old, new)) == [(line, cause)]


ROUNDS = """
import numpy as np
rng = np.random.default_rng(33)
x, h0, T = rng.normal(size=(5, 3, 6)), rng.normal(size=(4, 6)), rng.normal(size=(5, 4, 6))
W, U = rng.normal(size=(4, 3)) * 0.5, rng.normal(size=(4, 4)) * 0.5
hs = [h0]
for t in range(5):
    hs.append(np.tanh(W @ x[t] + U @ hs[t]))
loss = 0.5 * sum(np.sum((hs[t + 1] - T[t]) ** 2) for t in range(5))


def cell(dh, t):
    dz = (1 - hs[t + 1] ** 2) * dh
    return {"dx": W.T @ dz, "dh": U.T @ dz, "dW": dz @ x[t].T, "dU": dz @ hs[t].T}


dx, dW, dU, dh = np.zeros(x.shape), np.zeros(W.shape), np.zeros(U.shape), 0.0 * h0
for t in reversed(range(5)):
    found = cell(hs[t + 1] - T[t] + dh, t)
    dh = found["dh"]
    dx[t] = found["dx"]
    dW += found["dW"]
    dU += found["dU"]
"""


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [("+ dh, t)", "+ 2 * dh, t)", "factor"), ("+ dh, t)", "- dh, t)", "sign")],
)
@pytest.mark.slow
def test_a_line_of_a_loop_may_be_right_in_its_first_round(old, new, cause):
    assert blamed(ROUNDS) == []
    assert blamed(ROUNDS.replace(old, new)) == [(19, cause)]


MASKED = """
import numpy as np
rng = np.random.default_rng(4)
X, W, S = rng.normal(size=(6, 3)), rng.normal(size=(3, 2)), rng.normal(size=(6, 2))
Z = X @ W
loss = np.sum(np.maximum(Z, 0) * S)
on = Z > 0
dA = S
dZ = dA * on
dW = X.T @ dZ
"""

ATTENTION = """
import numpy as np
rng = np.random.default_rng(5)
Q, K, G = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 4, 4))
S = Q @ K.swapaxes(-1, -2)
loss = np.sum(G * S)
dS = G
dQ = dS @ K
dK = dS.swapaxes(-1, -2) @ Q
"""


def test_a_mask_lacks_no_factor():
    assert blamed(MASKED) == []
    assert blamed(MASKED.replace("dA * on", "dA * on * S[:, :1]")) == [(9, "factor")]


def test_an_axis_has_no_wrong_sign():
    assert blamed(ATTENTION) == []
    report = al.check_script(ATTENTION.replace("dS @ K", "dS.swapaxes(-1, -2) @ K"), show=False)
    [wrong] = [found for found in report if found.status == "wrong"]
    assert (wrong.line, wrong.cause) == (8, "transpose")
    assert "; or" not in wrong.message


SOFT_LABELS = """
import numpy as np
rng = np.random.default_rng(6)
X, W, Y = rng.normal(size=(7, 3)), rng.normal(size=(3, 4)), rng.dirichlet(np.ones(4), size=7)
E = np.exp(X @ W)
P = E / E.sum(axis=1, keepdims=True)
loss = -np.sum(Y * np.log(P)) / len(X)
dZ = (P - Y) / len(X)
dW = X.T @ dZ
"""


@pytest.mark.parametrize(
    ("wrong", "cause"), [("(Y - P)", "sign"), ("P", "term"), ("2 * (P - Y)", "factor")]
)
def test_fresh_labels_sum_to_1_as_the_given_ones_do(wrong, cause):
    assert blamed(SOFT_LABELS) == []
    assert blamed(SOFT_LABELS.replace("(P - Y)", wrong)) == [(8, cause)]


TARGETS = """
import numpy as np
rng = np.random.default_rng(7)
X, Y, U, V = (rng.normal(size=s) for s in ((3, 4, 6), (3, 5, 6), (5, 4), (5, 5)))
H, dH = {-1: np.zeros((5, 6))}, {}
for t in range(3):
    H[t] = np.tanh(U @ X[t] + V @ H[t - 1])
loss = sum(np.sum((H[t] - Y[t]) ** 2) for t in range(3)) / 2
dU, dV = np.zeros_like(U), np.zeros_like(V)
for t in (2, 1, 0):
    dH[t] = H[t] - Y[t]
    if t < 2:
        dH[t] += V.T @ dz
    dz = dH[t] * (1 - H[t] ** 2)
    dU += dz @ X[t].T
    dV += dz @ H[t - 1].T
"""


def test_a_gradient_with_the_wrong_sign_is_not_that_of_the_target():
    assert blamed(TARGETS) == []
    found = blamed(TARGETS.replace("dH[t] = H[t] - Y[t]", "dH[t] = Y[t] - H[t]"))
    assert found == [(11, "sign")] * 3


TWO_MISTAKES = """
import numpy as np
rng = np.random.default_rng(8)
X, Y = rng.normal(size=(4, 8)), rng.normal(size=(3, 8))
W, V = rng.normal(size=(6, 4)), rng.normal(size=(3, 6))
N = X.shape[1]
H = W @ X
A = np.maximum(H, 0)
Z = V @ A
loss = np.sum((Z - Y) ** 2) / N
n = X.shape[1]
dZ = 2 * (Z - Y) / n
dV = dZ @ A.T
dA = V.T @ dZ
dH = dA * (H > 0)
dW = dH @ X.T
"""


@pytest.mark.slow
def test_of_two_mistakes_each_is_blamed_where_it_is():
    assert blamed(TWO_MISTAKES) == []
    # n = X.shape[0] would be right as well, as there are twice as many columns as rows.
    text = TWO_MISTAKES.replace("2 * (Z - Y) / n", "(Z - Y) / n").replace("dZ @ A.T", "Y @ A.T")
    assert sorted(blamed(text)) == [(12, "factor"), (13, "operand")]
    # With - 0.3 * A all results would be right as well, but dA no gradient of A.
    text = TWO_MISTAKES.replace("V.T @ dZ", "V.T @ dZ + 0.3 * A")
    text = text.replace("dA * (H > 0)", "dA * (H > 0) + 0.3 * A")
    assert sorted(blamed(text)) == [(14, "term"), (15, "term")]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("/ n", "/ n / n", "the division by n should be left out"),
        ("dZ @ A.T", "(dZ @ A.T).T", "(dZ @ A.T).T should be dZ @ A.T"),
        ("dZ @ A.T", "np.dot(dZ, A.T).T", "np.dot(dZ, A.T).T should be np.dot(dZ, A.T)"),
    ],
)
def test_what_is_too_much_is_said_as_it_is_written(old, new, said):
    report = al.check_script(TWO_MISTAKES.replace(old, new, 1), show=False)
    [wrong] = [found for found in report if found.status == "wrong"]
    assert said in wrong.message
