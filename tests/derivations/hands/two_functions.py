"""Hands that write two functions, with the loss inside the first."""

from derivations.hands.hand import Hand, wrong

FORM = "two functions"

TWO_FUNCTIONS = [
    Hand(
        name="dictionary of parameters, columns",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(3)
n_x, n_h, n_y, m = 3, 5, 2, 7
X = rng.normal(size=(n_x, m))
Y = rng.uniform(0.1, 0.9, size=(n_y, m))
params = {
    "W1": rng.normal(size=(n_h, n_x)) * 0.6,
    "b1": rng.normal(size=(n_h, 1)) * 0.3,
    "W2": rng.normal(size=(n_y, n_h)) * 0.6,
    "b2": rng.normal(size=(n_y, 1)) * 0.3,
}


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(X, Y, params):
    m = X.shape[1]
    Z1 = np.dot(params["W1"], X) + params["b1"]
    A1 = np.tanh(Z1)
    Z2 = np.dot(params["W2"], A1) + params["b2"]
    A2 = sigmoid(Z2)
    logprobs = np.multiply(np.log(A2), Y) + np.multiply(np.log(1 - A2), 1 - Y)
    cost = -np.sum(logprobs) / m
    cache = {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}
    return float(np.squeeze(cost)), cache


def backward(params, cache, X, Y):
    m = X.shape[1]
    W2 = params["W2"]
    A1 = cache["A1"]
    A2 = cache["A2"]

    dZ2 = A2 - Y
    dW2 = (1 / m) * np.dot(dZ2, A1.T)
    db2 = (1 / m) * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = np.multiply(np.dot(W2.T, dZ2), 1 - np.power(A1, 2))
    dW1 = (1 / m) * np.dot(dZ1, X.T)
    db1 = (1 / m) * np.sum(dZ1, axis=1, keepdims=True)

    grads = {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
    return grads
""",
        call="al.check_derivation(forward, backward, X, Y, params, show=False)",
        run="loss, cache = forward(X, Y, params); grads = backward(params, cache, X, Y)",
        loss="forward(X, Y, params)[0]",
        gradients={
            "W1": ('params["W1"]', 'grads["dW1"]'),
            "b1": ('params["b1"]', 'grads["db1"]'),
            "W2": ('params["W2"]', 'grads["dW2"]'),
            "b2": ('params["b2"]', 'grads["db2"]'),
        },
        derivation=("backward",),
        extra=(
            wrong(
                "activation of another kind", "1 - np.power(A1, 2)", "A1 * (1 - A1)", "activation"
            ),
            wrong("activation of another kind", "np.power(A1, 2)", "A1", "activation"),
        ),
    ),
    Hand(
        name="lists of weights, one sample",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(7)
sizes = [4, 5, 3, 2]
weights = [rng.standard_normal((y, x)) for x, y in zip(sizes[:-1], sizes[1:])]
biases = [rng.standard_normal((y, 1)) for y in sizes[1:]]
x = rng.standard_normal((sizes[0], 1))
y = rng.uniform(0.2, 0.8, (sizes[-1], 1))


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def feedforward(weights, biases, x, y):
    activation = x
    activations = [x]
    zs = []
    for b, w in zip(biases, weights):
        z = np.dot(w, activation) + b
        zs.append(z)
        activation = sigmoid(z)
        activations.append(activation)
    return 0.5 * np.sum((activations[-1] - y) ** 2), activations, zs


def backprop(weights, biases, y, activations, zs):
    nabla_b = [np.zeros(b.shape) for b in biases]
    nabla_w = [np.zeros(w.shape) for w in weights]
    delta = (activations[-1] - y) * sigmoid_prime(zs[-1])
    nabla_b[-1] = delta
    nabla_w[-1] = np.dot(delta, activations[-2].transpose())
    for l in range(2, len(weights) + 1):
        z = zs[-l]
        sp = sigmoid_prime(z)
        delta = np.dot(weights[-l + 1].transpose(), delta) * sp
        nabla_b[-l] = delta
        nabla_w[-l] = np.dot(delta, activations[-l - 1].transpose())
    return (nabla_b, nabla_w)
""",
        call="al.check_derivation(feedforward, backprop, weights, biases, x, y, show=False)",
        run="loss, a, zs = feedforward(weights, biases, x, y)\n"
        "nabla_b, nabla_w = backprop(weights, biases, y, a, zs)",
        loss="feedforward(weights, biases, x, y)[0]",
        gradients={
            f"{kind}{layer}": (f"{kind}[{layer}]", f"nabla_{kind[0]}[{layer}]")
            for kind in ("weights", "biases")
            for layer in range(3)
        },
        derivation=("sigmoid_prime", "backprop"),
        extra=(
            wrong(
                "activation once too often",
                "np.dot(weights[-l + 1].transpose(), delta) * sp",
                "np.dot(weights[-l + 1].transpose(), delta) * sp * sp",
                "activation",
                "operand",
            ),
            wrong(
                "activation missing",
                "np.dot(weights[-l + 1].transpose(), delta) * sp",
                "np.dot(weights[-l + 1].transpose(), delta)",
                "activation",
            ),
            wrong(
                "before for after",
                "sp = sigmoid_prime(z)",
                "sp = sigmoid_prime(activations[-l])",
                "activation",
                "operand",
            ),
            wrong(
                "before for after",
                "* sigmoid_prime(zs[-1])",
                "* sigmoid_prime(activations[-1])",
                "activation",
                "operand",
            ),
        ),
    ),
    Hand(
        name="attention head with names of the paper",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(8)
T, D, H, C = 5, 6, 3, 4
x = rng.normal(size=(T, D))
target = rng.normal(size=(T, C))
Wq, Wk = rng.normal(size=(D, H)) * 0.5, rng.normal(size=(D, H)) * 0.5
Wv = rng.normal(size=(D, C)) * 0.5


def attend(x, target, Wq, Wk, Wv):
    q, k, v = x @ Wq, x @ Wk, x @ Wv
    scores = q @ k.T / np.sqrt(Wk.shape[1])
    scores = scores - scores.max(axis=-1, keepdims=True)
    expd = np.exp(scores)
    att = expd / expd.sum(axis=-1, keepdims=True)
    out = att @ v
    loss = ((out - target) ** 2).mean()
    return loss, (x, q, k, v, att, out)


def attend_backward(target, Wq, Wk, Wv, cache):
    x, q, k, v, att, out = cache
    scale = 1 / np.sqrt(Wk.shape[1])
    dout = 2 * (out - target) / out.size
    datt = dout @ v.T
    dv = att.T @ dout
    dscores = att * (datt - (datt * att).sum(axis=-1, keepdims=True))
    dq = dscores @ k * scale
    dk = dscores.T @ q * scale
    dWq = x.T @ dq
    dWk = x.T @ dk
    dWv = x.T @ dv
    dx = dq @ Wq.T + dk @ Wk.T + dv @ Wv.T
    return dx, dWq, dWk, dWv
""",
        call="al.check_derivation(attend, attend_backward, x, target, Wq, Wk, Wv, show=False)",
        run="loss, cache = attend(x, target, Wq, Wk, Wv)\n"
        "dx, dWq, dWk, dWv = attend_backward(target, Wq, Wk, Wv, cache)",
        loss="attend(x, target, Wq, Wk, Wv)[0]",
        gradients={n: (n, "d" + n) for n in ("x", "Wq", "Wk", "Wv")},
        derivation=("attend_backward",),
        extra=(
            wrong(
                "softmax taken for elementwise",
                "att * (datt - (datt * att).sum(axis=-1, keepdims=True))",
                "datt * att * (1 - att)",
                "activation",
                "elementwise",
                "term",
            ),
        ),
    ),
]
