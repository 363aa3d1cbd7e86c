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

X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1], [1, 0, 0]])
y = np.array([[0.1], [0.9], [0.8], [0.2], [0.7]])
np.random.seed(1)
syn0 = 2 * np.random.random((3, 4)) - 1
syn1 = 2 * np.random.random((4, 1)) - 1
for j in range(60000):
    l1 = 1 / (1 + np.exp(-(np.dot(X, syn0))))
    l2 = 1 / (1 + np.exp(-(np.dot(l1, syn1))))
    loss = 0.5 * np.sum((y - l2) ** 2)
    l2_delta = (y - l2) * (l2 * (1 - l2))
    l1_delta = l2_delta.dot(syn1.T) * (l1 * (1 - l1))
    syn1 += l1.T.dot(l2_delta)
    syn0 += X.T.dot(l1_delta)
""",
        call=CALL,
        start="for j in range(60000):",
        gradients={
            "syn0": ("syn0", 'before["syn0"] - syn0'),
            "syn1": ("syn1", 'before["syn1"] - syn1'),
        },
        derivation=(("l2_delta = (y - l2)", "syn0 += X.T.dot(l1_delta)"),),
        convention="the deltas descend",
    ),
    Hand(
        name="cubic fitted in a loop",
        form=FORM,
        source="""\
import numpy as np
import math

x = np.linspace(-math.pi, math.pi, 9)
y = np.sin(x)
rng = np.random.default_rng(11)
a, b, c, d = rng.normal(size=4)
learning_rate = 1e-6
for t in range(2000):
    y_pred = a + b * x + c * x ** 2 + d * x ** 3
    loss = np.square(y_pred - y).sum()
    if t % 100 == 99:
        print(t, loss)

    grad_y_pred = 2.0 * (y_pred - y)
    grad_a = grad_y_pred.sum()
    grad_b = (grad_y_pred * x).sum()
    grad_c = (grad_y_pred * x ** 2).sum()
    grad_d = (grad_y_pred * x ** 3).sum()

    a -= learning_rate * grad_a
    b -= learning_rate * grad_b
    c -= learning_rate * grad_c
    d -= learning_rate * grad_d
""",
        call=CALL,
        start="for t in range(2000):",
        gradients={n: (n, f"grad_{n}") for n in "abcd"},
        derivation=(("grad_y_pred = 2.0 * (y_pred - y)", "grad_d = (grad_y_pred * x ** 3).sum()"),),
    ),
    Hand(
        name="two layers of the tutorial",
        form=FORM,
        source="""\
import numpy as np

np.random.seed(81)
N, D_in, H, D_out = 8, 6, 5, 3
x = np.random.randn(N, D_in)
y = np.random.randn(N, D_out)
w1 = np.random.randn(D_in, H)
w2 = np.random.randn(H, D_out)

learning_rate = 1e-6
for t in range(500):
    h = x.dot(w1)
    h_relu = np.maximum(h, 0)
    y_pred = h_relu.dot(w2)

    loss = np.square(y_pred - y).sum()
    if t % 100 == 99:
        print(t, loss)

    grad_y_pred = 2.0 * (y_pred - y)
    grad_w2 = h_relu.T.dot(grad_y_pred)
    grad_h_relu = grad_y_pred.dot(w2.T)
    grad_h = grad_h_relu.copy()
    grad_h[h < 0] = 0
    grad_w1 = x.T.dot(grad_h)

    w1 -= learning_rate * grad_w1
    w2 -= learning_rate * grad_w2
""",
        call=CALL,
        start="for t in range(500):",
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

step_size = 1e-0
reg = 1e-1
num_examples = X.shape[0]
for i in range(10000):
    hidden_layer = np.maximum(0, np.dot(X, W) + b)
    scores = np.dot(hidden_layer, W2) + b2

    exp_scores = np.exp(scores)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    corect_logprobs = -np.log(probs[range(num_examples), y])
    data_loss = np.sum(corect_logprobs) / num_examples
    reg_loss = 0.5 * reg * np.sum(W * W) + 0.5 * reg * np.sum(W2 * W2)
    loss = data_loss + reg_loss
    if i % 1000 == 0:
        print("iteration %d: loss %f" % (i, loss))

    dscores = probs
    dscores[range(num_examples), y] -= 1
    dscores /= num_examples

    dW2 = np.dot(hidden_layer.T, dscores)
    db2 = np.sum(dscores, axis=0, keepdims=True)
    dhidden = np.dot(dscores, W2.T)
    dhidden[hidden_layer <= 0] = 0
    dW = np.dot(X.T, dhidden)
    db = np.sum(dhidden, axis=0, keepdims=True)

    dW2 += reg * W2
    dW += reg * W

    W += -step_size * dW
    b += -step_size * db
    W2 += -step_size * dW2
    b2 += -step_size * db2
""",
        call=CALL,
        start="for i in range(10000):",
        gradients={n: (n, f"d{n}") for n in ("W", "b", "W2", "b2")},
        derivation=(("dscores[range(num_examples), y] -= 1", "dW += reg * W"),),
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
Xb = rng.normal(size=(n, 4))
Yb = np.array([1, 0, 2, 1, 2, 0, 0, 1])
W1 = rng.normal(size=(4, 6)) * 0.6
b1 = rng.normal(size=6) * 0.1
bngain = rng.uniform(0.7, 1.3, size=(1, 6))
bnbias = rng.normal(size=(1, 6)) * 0.1
W2 = rng.normal(size=(6, 3)) * 0.6
b2 = rng.normal(size=3) * 0.1

hprebn = Xb @ W1 + b1
bnmeani = 1 / n * hprebn.sum(0, keepdims=True)
bndiff = hprebn - bnmeani
bndiff2 = bndiff ** 2
bnvar = 1 / (n - 1) * bndiff2.sum(0, keepdims=True)
bnvar_inv = (bnvar + 1e-5) ** -0.5
bnraw = bndiff * bnvar_inv
hpreact = bngain * bnraw + bnbias
h = np.tanh(hpreact)
logits = h @ W2 + b2
logit_maxes = logits.max(1, keepdims=True)
norm_logits = logits - logit_maxes
counts = np.exp(norm_logits)
counts_sum = counts.sum(1, keepdims=True)
counts_sum_inv = counts_sum ** -1
probs = counts * counts_sum_inv
logprobs = np.log(probs)
loss = -logprobs[np.arange(n), Yb].mean()

dlogprobs = np.zeros_like(logprobs)
dlogprobs[np.arange(n), Yb] = -1.0 / n
dprobs = (1.0 / probs) * dlogprobs
dcounts_sum_inv = (counts * dprobs).sum(1, keepdims=True)
dcounts = counts_sum_inv * dprobs
dcounts_sum = (-counts_sum ** -2) * dcounts_sum_inv
dcounts += np.ones_like(counts) * dcounts_sum
dlogits = counts * dcounts
dh = dlogits @ W2.T
dW2 = h.T @ dlogits
db2 = dlogits.sum(0)
dhpreact = (1.0 - h ** 2) * dh
dbngain = (bnraw * dhpreact).sum(0, keepdims=True)
dbnraw = bngain * dhpreact
dbnbias = dhpreact.sum(0, keepdims=True)
dbndiff = bnvar_inv * dbnraw
dbnvar_inv = (bndiff * dbnraw).sum(0, keepdims=True)
dbnvar = (-0.5 * (bnvar + 1e-5) ** -1.5) * dbnvar_inv
dbndiff2 = (1.0 / (n - 1)) * np.ones_like(bndiff2) * dbnvar
dbndiff += (2 * bndiff) * dbndiff2
dhprebn = dbndiff.copy()
dbnmeani = (-dbndiff).sum(0)
dhprebn += 1.0 / n * (np.ones_like(hprebn) * dbnmeani)
dXb = dhprebn @ W1.T
dW1 = Xb.T @ dhprebn
""",
        call=CALL,
        start="hprebn = Xb @ W1 + b1",
        gradients={n: (n, "d" + n) for n in ("Xb", "W1", "bngain", "bnbias", "W2", "b2")},
        derivation=(("dlogprobs[np.arange(n), Yb] = -1.0 / n", "dW1 = Xb.T @ dhprebn"),),
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
