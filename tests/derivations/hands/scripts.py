"""Hands that write a script: a training loop, or a few lines."""

from derivations.hands.hand import Hand, wrong

FORM = "script"
CALL = 'al.check_script(TEXT, loss="loss", show=False)'

SCRIPTS = [
    Hand(
        name="eleven lines",
        form=FORM,
        source="""\
import numpy as np

np.random.seed(91)
inp = np.random.uniform(-1, 1, (5, 3))
want = np.random.uniform(0.1, 0.9, (5, 1))
syn0, syn1 = np.random.uniform(-1, 1, (3, 4)), np.random.uniform(-1, 1, (4, 1))
for turn in range(4000):
    l1 = 1 / (1 + np.exp(-(np.dot(inp, syn0))))
    l2 = 1 / (1 + np.exp(-(np.dot(l1, syn1))))
    l2_error = want - l2
    loss = 0.5 * np.sum(l2_error ** 2)
    l2_delta = l2_error * (l2 * (1 - l2))
    l1_delta = l2_delta.dot(syn1.T) * (l1 * (1 - l1))
    syn1 += l1.T.dot(l2_delta)
    syn0 += inp.T.dot(l1_delta)
""",
        call=CALL,
        start="for turn in range(4000):",
        gradients={
            "syn0": ("syn0", 'before["syn0"] - syn0'),
            "syn1": ("syn1", 'before["syn1"] - syn1'),
        },
        derivation=(("l2_delta = l2_error", "syn0 += inp.T.dot(l1_delta)"),),
        convention="the deltas descend",
    ),
    Hand(
        name="cubic fitted in a loop",
        form=FORM,
        source="""\
import numpy as np

grid = np.linspace(-2, 2, 9)
curve = np.exp(-grid) * np.cos(3 * grid)
rng = np.random.default_rng(11)
a, b, c, d = rng.normal(size=4)
rate = 1e-6
for round_ in range(500):
    fit = a + b * grid + c * grid ** 2 + d * grid ** 3
    loss = np.square(fit - curve).sum()
    grad_y_pred = 2.0 * (fit - curve)
    grad_a = grad_y_pred.sum()
    grad_b = (grad_y_pred * grid).sum()
    grad_c = (grad_y_pred * grid ** 2).sum()
    grad_d = (grad_y_pred * grid ** 3).sum()

    a -= rate * grad_a
    b -= rate * grad_b
    c -= rate * grad_c
    d -= rate * grad_d
""",
        call=CALL,
        start="for round_ in range(500):",
        gradients={n: (n, f"grad_{n}") for n in "abcd"},
        derivation=(
            ("grad_y_pred = 2.0 * (fit - curve)", "grad_d = (grad_y_pred * grid ** 3).sum()"),
        ),
    ),
    Hand(
        name="two layers of the tutorial",
        form=FORM,
        source="""\
import numpy as np

np.random.seed(81)
N, wide, middle, narrow = 8, 6, 5, 3
x = np.random.randn(N, wide)
y = np.random.randn(N, narrow)
w1 = np.random.randn(wide, middle)
w2 = np.random.randn(middle, narrow)

lr = 1e-6
for it in range(500):
    h = x.dot(w1)
    h_relu = np.maximum(h, 0)
    pred = h_relu.dot(w2)

    loss = np.square(pred - y).sum()
    print(f"{it}: {loss:.3f}")

    grad_y_pred = 2.0 * (pred - y)
    grad_w2 = h_relu.T.dot(grad_y_pred)
    grad_h_relu = grad_y_pred.dot(w2.T)
    grad_h = grad_h_relu.copy()
    grad_h[h < 0] = 0
    grad_w1 = x.T.dot(grad_h)

    w1 -= lr * grad_w1
    w2 -= lr * grad_w2
""",
        call=CALL,
        start="for it in range(500):",
        gradients={n: (n, f"grad_{n}") for n in ("w1", "w2")},
        derivation=(("grad_y_pred = 2.0 *", "grad_w1 = x.T.dot(grad_h)"),),
        extra=(
            wrong("mask missing", "grad_h[h < 0] = 0", "grad_h[h > 0] = 0", "mask", "activation"),
        ),
    ),
    Hand(
        name="spiral classifier with a penalty",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(82)
K = 3
X = rng.normal(size=(9, 2))
y = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2])
h = 5
W = 0.5 * rng.normal(size=(2, h))
b = 0.1 * rng.normal(size=(1, h))
W2 = 0.5 * rng.normal(size=(h, K))
b2 = 0.1 * rng.normal(size=(1, K))

step = 1e-0
reg = 1e-1
n_points = X.shape[0]
for it in range(3000):
    hid = np.maximum(0, np.dot(X, W) + b)
    scores = np.dot(hid, W2) + b2

    exp_scores = np.exp(scores)
    p = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    nll = -np.log(p[range(n_points), y])
    data_loss = np.sum(nll) / n_points
    reg_loss = 0.5 * reg * np.sum(W * W) + 0.5 * reg * np.sum(W2 * W2)
    loss = data_loss + reg_loss
    if it % 500 == 0:
        print("after %d: %f" % (it, loss))

    dscores = p
    dscores[range(n_points), y] -= 1
    dscores /= n_points

    dW2 = np.dot(hid.T, dscores)
    db2 = np.sum(dscores, axis=0, keepdims=True)
    dhidden = np.dot(dscores, W2.T)
    dhidden[hid <= 0] = 0
    dW = np.dot(X.T, dhidden)
    db = np.sum(dhidden, axis=0, keepdims=True)

    dW2 += reg * W2
    dW += reg * W

    W += -step * dW
    b += -step * db
    W2 += -step * dW2
    b2 += -step * db2
""",
        call=CALL,
        start="for it in range(3000):",
        gradients={n: (n, f"d{n}") for n in ("W", "b", "W2", "b2")},
        derivation=(("dscores[range(n_points), y] -= 1", "dW += reg * W"),),
    ),
    Hand(
        name="matrix factorisation by stochastic steps",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(83)
ratings = [(0, 1, 4.0), (2, 0, 1.5), (1, 3, 5.0), (3, 2, 2.0), (2, 1, 3.5)]
num_users, num_items, K = 4, 5, 3
P = rng.normal(scale=0.8, size=(num_users, K))
Q = rng.normal(scale=0.8, size=(num_items, K))
b_u = rng.normal(size=num_users) * 0.3
b_i = rng.normal(size=num_items) * 0.3
mu = 3.2
alpha, beta = 0.1, 0.05

for epoch in range(20):
    for i, j, r in ratings:
        prediction = mu + b_u[i] + b_i[j] + P[i, :].dot(Q[j, :].T)
        e = r - prediction
        loss = 0.5 * e ** 2 + 0.5 * beta * (
            b_u[i] ** 2 + b_i[j] ** 2 + np.sum(P[i] ** 2) + np.sum(Q[j] ** 2)
        )
        b_u[i] += alpha * (e - beta * b_u[i])
        b_i[j] += alpha * (e - beta * b_i[j])
        P_i = P[i, :].copy()
        P[i, :] += alpha * (e * Q[j, :] - beta * P[i, :])
        Q[j, :] += alpha * (e * P_i - beta * Q[j, :])
""",
        call=CALL,
        start="for i, j, r in ratings:",
        gradients={n: (n, f'(before["{n}"] - {n}) / alpha') for n in ("P", "Q", "b_u", "b_i")},
        derivation=(("b_u[i] += alpha", "Q[j, :] += alpha"),),
        convention="steps descend",
        extra=(
            wrong(
                "updated too early",
                "e * P_i - beta",
                "e * P[i, :] - beta",
                "operand",
                "accumulate",
                "index",
                "term",
            ),
            wrong("term left out", "alpha * (e - beta * b_u[i])", "alpha * e", "term"),
            wrong("sign of a term", "(e * Q[j, :] - beta", "(e * Q[j, :] + beta", "term", "sign"),
            wrong(
                "factor dropped",
                "(e * P_i - beta * Q[j, :])",
                "(P_i - beta * Q[j, :])",
                "term",
                "operand",
                "factor",
            ),
            wrong(
                "factor dropped",
                "(e * Q[j, :] - beta * P[i, :])",
                "(e * Q[j, :] - P[i, :])",
                "term",
                "factor",
            ),
            wrong(
                "other operand",
                "(e * Q[j, :] - beta * P[i, :])",
                "(e * P[i, :] - beta * P[i, :])",
                "operand",
                "index",
                "term",
            ),
        ),
    ),
    Hand(
        name="one gate by scalar formulas",
        form=FORM,
        source="""\
import math

w = [2.0, -3.0, -1.5]
x = [-1.0, -2.0]
dot = w[0] * x[0] + w[1] * x[1] + w[2]
f = 1.0 / (1 + math.exp(-dot))
loss = -math.log(f)
df = -1 / f
ddot = df * (1 - f) * f
dx = [w[0] * ddot, w[1] * ddot]
dw = [x[0] * ddot, x[1] * ddot, 1.0 * ddot]
""",
        call=CALL,
        start="dot = w[0] * x[0]",
        gradients={
            **{f"x{i}": (f"x[{i}]", f"dx[{i}]") for i in range(2)},
            **{f"w{i}": (f"w[{i}]", f"dw[{i}]") for i in range(3)},
        },
        derivation=(("df = -1 / f", "dw = [x[0] * ddot"),),
        extra=(
            wrong(
                "activation missing", "df * (1 - f) * f", "df * (1 - f)", "activation", "operand"
            ),
            wrong("activation missing", "df * (1 - f) * f", "df", "activation"),
            wrong("sign flipped", "df = -1 / f", "df = 1 / f", "sign"),
            wrong(
                "other operand",
                "dx = [w[0] * ddot, w[1] * ddot]",
                "dx = [x[0] * ddot, w[1] * ddot]",
                "operand",
            ),
            wrong(
                "other index",
                "dx = [w[0] * ddot, w[1] * ddot]",
                "dx = [w[1] * ddot, w[1] * ddot]",
                "operand",
                "index",
            ),
            wrong(
                "other index",
                "x[1] * ddot, 1.0 * ddot]",
                "x[0] * ddot, 1.0 * ddot]",
                "operand",
                "index",
            ),
            wrong(
                "activation of another kind",
                "df * (1 - f) * f",
                "df * (1 - f * f)",
                "activation",
                "operand",
            ),
            wrong(
                "other operand",
                "ddot = df * (1 - f) * f",
                "ddot = df * (1 - dot) * dot",
                "activation",
                "operand",
            ),
        ),
    ),
    Hand(
        name="linear regression by gradient descent, slope and intercept",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(84)
X = rng.normal(size=9)
Y = 2 * X - 1 + rng.normal(size=9)
m, c = 0.3, 0.1
L = 0.001
epochs = 1000
n = float(len(X))
for i in range(epochs):
    Y_pred = m * X + c
    loss = (1 / n) * sum((Y - Y_pred) ** 2)
    D_m = (-2 / n) * sum(X * (Y - Y_pred))
    D_c = (-2 / n) * sum(Y - Y_pred)
    m = m - L * D_m
    c = c - L * D_c
""",
        call=CALL,
        start="for i in range(epochs):",
        gradients={"m": ("m", "D_m"), "c": ("c", "D_c")},
        derivation=(("D_m = (-2 / n)", "D_c = (-2 / n)"),),
    ),
    Hand(
        name="notebook cell of a deep net, one pass",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(85)
n = 8
batch_x = rng.normal(size=(n, 4))
batch_y = np.array([1, 0, 2, 1, 2, 0, 0, 1])
W1 = rng.normal(size=(4, 6)) * 0.6
b1 = rng.normal(size=6) * 0.1
gain = rng.uniform(0.7, 1.3, size=(1, 6))
shift = rng.normal(size=(1, 6)) * 0.1
W2 = rng.normal(size=(6, 3)) * 0.6
b2 = rng.normal(size=3) * 0.1

pre = batch_x @ W1 + b1
mu = 1 / n * pre.sum(0, keepdims=True)
cen = pre - mu
cen2 = cen ** 2
var = 1 / (n - 1) * cen2.sum(0, keepdims=True)
isd = (var + 1e-5) ** -0.5
nrm = cen * isd
act = gain * nrm + shift
h = np.tanh(act)
logits = h @ W2 + b2
peak = logits.max(1, keepdims=True)
low = logits - peak
ex = np.exp(low)
tot = ex.sum(1, keepdims=True)
inv = tot ** -1
probs = ex * inv
lp = np.log(probs)
loss = -lp[np.arange(n), batch_y].mean()

dlp = np.zeros_like(lp)
dlp[np.arange(n), batch_y] = -1.0 / n
dprobs = (1.0 / probs) * dlp
dinv = (ex * dprobs).sum(1, keepdims=True)
dex = inv * dprobs
dtot = (-tot ** -2) * dinv
dex += np.ones_like(ex) * dtot
dlogits = ex * dex
dh = dlogits @ W2.T
dW2 = h.T @ dlogits
db2 = dlogits.sum(0)
dact = (1.0 - h ** 2) * dh
dgain = (nrm * dact).sum(0, keepdims=True)
dnrm = gain * dact
dshift = dact.sum(0, keepdims=True)
dcen = isd * dnrm
disd = (cen * dnrm).sum(0, keepdims=True)
dvar = (-0.5 * (var + 1e-5) ** -1.5) * disd
dcen2 = (1.0 / (n - 1)) * np.ones_like(cen2) * dvar
dcen += (2 * cen) * dcen2
dpre = dcen.copy()
dmu = (-dcen).sum(0)
dpre += 1.0 / n * (np.ones_like(pre) * dmu)
dbatch_x = dpre @ W1.T
dW1 = batch_x.T @ dpre
""",
        call=CALL,
        start="pre = batch_x @ W1 + b1",
        gradients={n: (n, "d" + n) for n in ("batch_x", "W1", "gain", "shift", "W2", "b2")},
        derivation=(("dlp[np.arange(n), batch_y] = -1.0 / n", "dW1 = batch_x.T @ dpre"),),
    ),
    Hand(
        name="perceptron with hinge, sample by sample",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(86)
points = rng.normal(size=(7, 3))
labels = np.array([-1, 1, 1, -1, 1, -1, 1])
w = rng.normal(size=3) * 0.2
b = 0.05
lam = 0.4
lr = 0.1
for epoch in range(30):
    grad_w, grad_b = np.zeros(3), 0.0
    loss = lam * np.dot(w, w)
    for x_i, y_i in zip(points, labels):
        margin = y_i * (np.dot(w, x_i) + b)
        if margin < 1:
            loss += 1 - margin
            grad_w -= y_i * x_i
            grad_b -= y_i
    grad_w += 2 * lam * w
    w = w - lr * grad_w
    b = b - lr * grad_b
""",
        call=CALL,
        start="for epoch in range(30):",
        gradients={"w": ("w", "grad_w"), "b": ("b", "grad_b")},
        derivation=(("grad_w -= y_i * x_i", "grad_w += 2 * lam * w"),),
        extra=(
            wrong(
                "factor dropped",
                "grad_w -= y_i * x_i",
                "grad_w -= x_i",
                "factor",
                "term",
                "operand",
                "mask",
            ),
        ),
    ),
    Hand(
        name="XOR with errors and deltas, biases too",
        form=FORM,
        source="""\
import numpy as np


def nonlin(x, deriv=False):
    if deriv:
        return x * (1 - x)
    return 1 / (1 + np.exp(-x))


np.random.seed(87)
inputs = np.array([[0, 0, 0.5], [0, 1, 0.2], [1, 0, 0.9], [1, 1, 0.1], [0.3, 0.6, 0.4]])
outputs = np.array([[0.1, 0.7], [0.9, 0.2], [0.8, 0.4], [0.2, 0.6], [0.5, 0.3]])
weights_0 = 2 * np.random.random((3, 4)) - 1
bias_0 = 2 * np.random.random((1, 4)) - 1
weights_1 = 2 * np.random.random((4, 2)) - 1
bias_1 = 2 * np.random.random((1, 2)) - 1
alpha = 0.5

for iteration in range(1000):
    layer_0 = inputs
    layer_1 = nonlin(np.dot(layer_0, weights_0) + bias_0)
    layer_2 = nonlin(np.dot(layer_1, weights_1) + bias_1)

    layer_2_error = outputs - layer_2
    loss = 0.5 * np.sum(layer_2_error ** 2)
    if iteration % 100 == 0:
        print("Error:" + str(np.mean(np.abs(layer_2_error))))
    layer_2_delta = layer_2_error * nonlin(layer_2, deriv=True)
    layer_1_error = layer_2_delta.dot(weights_1.T)
    layer_1_delta = layer_1_error * nonlin(layer_1, deriv=True)

    weights_1 += alpha * layer_1.T.dot(layer_2_delta)
    bias_1 += alpha * layer_2_delta.sum(axis=0, keepdims=True)
    weights_0 += alpha * layer_0.T.dot(layer_1_delta)
    bias_0 += alpha * np.sum(layer_1_delta, axis=0, keepdims=True)
""",
        call=CALL,
        start="for iteration in range(1000):",
        gradients={
            n: (n, f'(before["{n}"] - {n}) / alpha')
            for n in ("weights_0", "bias_0", "weights_1", "bias_1")
        },
        derivation=(
            ("return x * (1 - x)", "return x * (1 - x)"),
            ("layer_2_delta = layer_2_error", "bias_0 += alpha"),
        ),
        convention="deltas and steps descend",
    ),
    Hand(
        name="training loop of minibatches with semicolons",
        form=FORM,
        source="""\
import numpy as np
rng = np.random.default_rng(88)
data, target = rng.normal(size=(24, 3)), rng.normal(size=(24, 2))
Wa, ba = rng.normal(size=(3, 4)) * .7, np.full(4, .1)
Wb, bb = rng.normal(size=(4, 2)) * .7, np.full(2, -.2)
eta, batch = .05, 6
for epoch in range(5):
    for k in range(0, len(data), batch):
        xb, tb = data[k:k + batch], target[k:k + batch]
        za = xb @ Wa + ba; ha = np.maximum(za, .01 * za); out = ha @ Wb + bb
        diff = out - tb; loss = .5 * (diff * diff).sum() / batch
        gout = diff / batch; gWb = ha.T @ gout; gbb = gout.sum(0)
        gha = gout @ Wb.T; gza = gha * np.where(za > 0, 1, .01)
        gWa, gba = xb.T @ gza, gza.sum(0)
        Wa -= eta * gWa; ba -= eta * gba
        Wb -= eta * gWb; bb -= eta * gbb
""",
        call=CALL,
        start="for k in range(0, len(data), batch):",
        gradients={n: (n, "g" + n) for n in ("Wa", "ba", "Wb", "bb")},
        derivation=(("gout = diff / batch", "gWa, gba = xb.T"),),
    ),
]
