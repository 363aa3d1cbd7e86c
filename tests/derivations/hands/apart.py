"""Hands that write the forward pass, the cost and the backward pass apart, a helper per layer."""

from derivations.hands.hand import Hand, wrong

FORM = "forward, cost and backward apart"

APART = [
    Hand(
        name="L layers with caches",
        form=FORM,
        source="""\
import numpy as np

np.random.seed(4)
layer_dims = [5, 4, 3, 2]
X = np.random.randn(5, 7)
Y = np.random.rand(2, 7) * 0.8 + 0.1
parameters = {}
for l in range(1, len(layer_dims)):
    parameters["W" + str(l)] = np.random.randn(layer_dims[l], layer_dims[l - 1]) * 0.7
    parameters["b" + str(l)] = np.random.randn(layer_dims[l], 1) * 0.2


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z)), Z


def relu(Z):
    return np.maximum(0, Z), Z


def linear_forward(A, W, b):
    Z = W.dot(A) + b
    return Z, (A, W, b)


def linear_activation_forward(A_prev, W, b, activation):
    Z, linear_cache = linear_forward(A_prev, W, b)
    if activation == "sigmoid":
        A, activation_cache = sigmoid(Z)
    elif activation == "relu":
        A, activation_cache = relu(Z)
    return A, (linear_cache, activation_cache)


def L_model_forward(X, parameters):
    caches = []
    A = X
    L = len(parameters) // 2
    for l in range(1, L):
        A_prev = A
        W, b = parameters["W" + str(l)], parameters["b" + str(l)]
        A, cache = linear_activation_forward(A_prev, W, b, "relu")
        caches.append(cache)
    AL, cache = linear_activation_forward(
        A, parameters["W" + str(L)], parameters["b" + str(L)], "sigmoid"
    )
    caches.append(cache)
    return AL, caches


def compute_cost(AL, Y):
    m = Y.shape[1]
    cost = (1.0 / m) * (-np.dot(Y, np.log(AL).T) - np.dot(1 - Y, np.log(1 - AL).T))
    cost = np.trace(cost)
    return np.squeeze(cost)


def linear_backward(dZ, cache):
    A_prev, W, b = cache
    m = A_prev.shape[1]
    dW = 1.0 / m * np.dot(dZ, A_prev.T)
    db = 1.0 / m * np.sum(dZ, axis=1, keepdims=True)
    dA_prev = np.dot(W.T, dZ)
    return dA_prev, dW, db


def relu_backward(dA, cache):
    Z = cache
    dZ = np.array(dA, copy=True)
    dZ[Z <= 0] = 0
    return dZ


def sigmoid_backward(dA, cache):
    Z = cache
    s = 1 / (1 + np.exp(-Z))
    dZ = dA * s * (1 - s)
    return dZ


def linear_activation_backward(dA, cache, activation):
    linear_cache, activation_cache = cache
    if activation == "relu":
        dZ = relu_backward(dA, activation_cache)
    elif activation == "sigmoid":
        dZ = sigmoid_backward(dA, activation_cache)
    return linear_backward(dZ, linear_cache)


def L_model_backward(AL, Y, caches):
    grads = {}
    L = len(caches)
    dAL = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
    current_cache = caches[L - 1]
    dA_prev, grads["dW" + str(L)], grads["db" + str(L)] = linear_activation_backward(
        dAL, current_cache, "sigmoid"
    )
    for l in reversed(range(L - 1)):
        dA_prev, dW, db = linear_activation_backward(dA_prev, caches[l], "relu")
        grads["dW" + str(l + 1)] = dW
        grads["db" + str(l + 1)] = db
    return grads
""",
        call="al.check_derivation(L_model_forward, L_model_backward, X, parameters, Y, "
        "loss=compute_cost, show=False)",
        run="AL, caches = L_model_forward(X, parameters); grads = L_model_backward(AL, Y, caches)",
        loss="compute_cost(L_model_forward(X, parameters)[0], Y)",
        gradients={
            f"{kind}{layer}": (f'parameters["{kind}{layer}"]', f'grads["d{kind}{layer}"]')
            for layer in (1, 2, 3)
            for kind in "Wb"
        },
        derivation=("linear_backward", "relu_backward", "sigmoid_backward", "L_model_backward"),
    ),
    Hand(
        name="softmax and ReLU with a dictionary of gradients",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(31)
X = rng.normal(size=(6, 5))
Y = np.eye(3)[[0, 2, 1, 1, 0, 2]]
model = {
    "W1": rng.normal(size=(5, 4)) * 0.7,
    "b1": rng.normal(size=(1, 4)) * 0.2,
    "W2": rng.normal(size=(4, 3)) * 0.7,
    "b2": rng.normal(size=(1, 3)) * 0.2,
}


def softmax(z):
    exp = np.exp(z - np.max(z, axis=1, keepdims=True))
    return exp / np.sum(exp, axis=1, keepdims=True)


def forward_propagation(X, model):
    z1 = X.dot(model["W1"]) + model["b1"]
    a1 = np.maximum(0, z1)
    z2 = a1.dot(model["W2"]) + model["b2"]
    probs = softmax(z2)
    return probs, {"z1": z1, "a1": a1, "probs": probs}


def cross_entropy(probs, Y):
    return -np.mean(np.sum(Y * np.log(probs + 1e-12), axis=1))


def relu_derivative(z):
    return (z > 0).astype(float)


def output_error(probs, Y):
    return (probs - Y) / Y.shape[0]


def layer_gradients(error, inputs):
    dW = inputs.T.dot(error)
    db = np.sum(error, axis=0, keepdims=True)
    return dW, db


def backward_propagation(X, Y, model, cache):
    delta3 = output_error(cache["probs"], Y)
    dW2, db2 = layer_gradients(delta3, cache["a1"])
    delta2 = delta3.dot(model["W2"].T) * relu_derivative(cache["z1"])
    dW1, db1 = layer_gradients(delta2, X)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
""",
        call="al.check_derivation(forward_propagation, backward_propagation, X, model, Y, "
        "loss=cross_entropy, show=False)",
        run="probs, cache = forward_propagation(X, model)\n"
        "grads = backward_propagation(X, Y, model, cache)",
        loss="cross_entropy(forward_propagation(X, model)[0], Y)",
        gradients={n: (f'model["{n}"]', f'grads["{n}"]') for n in ("W1", "b1", "W2", "b2")},
        derivation=("relu_derivative", "output_error", "layer_gradients", "backward_propagation"),
    ),
    Hand(
        name="mean squared error and its prime",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(32)
inputs = rng.normal(size=(7, 4))
targets = rng.normal(size=(7, 2))
weights = {"hidden": rng.normal(size=(4, 5)) * 0.6, "out": rng.normal(size=(5, 2)) * 0.6}


def tanh(x):
    return np.tanh(x)


def tanh_prime(x):
    return 1 - np.tanh(x) ** 2


def predict(inputs, weights):
    net_hidden = inputs @ weights["hidden"]
    hidden = tanh(net_hidden)
    output = hidden @ weights["out"]
    return output, net_hidden, hidden


def mse(y_true, y_pred):
    return np.mean(np.power(y_true - y_pred, 2))


def mse_prime(y_true, y_pred):
    return 2 * (y_pred - y_true) / np.size(y_true)


def backward(inputs, targets, weights, output, net_hidden, hidden):
    output_gradient = mse_prime(targets, output)
    weights_gradient_out = hidden.T @ output_gradient
    hidden_gradient = output_gradient @ weights["out"].T
    net_gradient = hidden_gradient * tanh_prime(net_hidden)
    weights_gradient_hidden = inputs.T @ net_gradient
    return {"hidden": weights_gradient_hidden, "out": weights_gradient_out}
""",
        call="al.check_derivation(predict, backward, inputs, weights, targets, "
        "loss=mse, show=False)",
        run="output, net_hidden, hidden = predict(inputs, weights)\n"
        "grads = backward(inputs, targets, weights, output, net_hidden, hidden)",
        loss="mse(targets, predict(inputs, weights)[0])",
        gradients={n: (f'weights["{n}"]', f'grads["{n}"]') for n in ("hidden", "out")},
        derivation=("tanh_prime", "mse_prime", "backward"),
    ),
    Hand(
        name="RNN cell by cell, course style",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(33)
n_a, n_x, m, T_x = 4, 3, 6, 5
x = rng.normal(size=(n_x, m, T_x))
a0 = rng.normal(size=(n_a, m)) * 0.5
target = rng.normal(size=(n_a, m, T_x))
parameters = {
    "Wax": rng.normal(size=(n_a, n_x)) * 0.5,
    "Waa": rng.normal(size=(n_a, n_a)) * 0.5,
    "ba": rng.normal(size=(n_a, 1)) * 0.2,
}


def rnn_cell_forward(xt, a_prev, parameters):
    Wax, Waa, ba = parameters["Wax"], parameters["Waa"], parameters["ba"]
    a_next = np.tanh(np.dot(Waa, a_prev) + np.dot(Wax, xt) + ba)
    cache = (a_next, a_prev, xt, parameters)
    return a_next, cache


def rnn_forward(x, a0, parameters):
    caches = []
    n_x, m, T_x = x.shape
    a = np.zeros((a0.shape[0], m, T_x))
    a_next = a0
    for t in range(T_x):
        a_next, cache = rnn_cell_forward(x[:, :, t], a_next, parameters)
        a[:, :, t] = a_next
        caches.append(cache)
    return a, (caches, x)


def squared_cost(a, target):
    return 0.5 * np.sum((a - target) ** 2)


def rnn_cell_backward(da_next, cache):
    (a_next, a_prev, xt, parameters) = cache
    Wax = parameters["Wax"]
    Waa = parameters["Waa"]
    dtanh = (1 - a_next ** 2) * da_next
    dxt = np.dot(Wax.T, dtanh)
    dWax = np.dot(dtanh, xt.T)
    da_prev = np.dot(Waa.T, dtanh)
    dWaa = np.dot(dtanh, a_prev.T)
    dba = np.sum(dtanh, axis=1, keepdims=True)
    return {"dxt": dxt, "da_prev": da_prev, "dWax": dWax, "dWaa": dWaa, "dba": dba}


def rnn_backward(a, target, caches):
    (caches, x) = caches
    da = a - target
    n_a, m, T_x = da.shape
    dx = np.zeros(x.shape)
    dWax = np.zeros((n_a, x.shape[0]))
    dWaa = np.zeros((n_a, n_a))
    dba = np.zeros((n_a, 1))
    da_prevt = np.zeros((n_a, m))
    for t in reversed(range(T_x)):
        gradients = rnn_cell_backward(da[:, :, t] + da_prevt, caches[t])
        dxt, da_prevt = gradients["dxt"], gradients["da_prev"]
        dx[:, :, t] = dxt
        dWax += gradients["dWax"]
        dWaa += gradients["dWaa"]
        dba += gradients["dba"]
    da0 = da_prevt
    return {"dx": dx, "da0": da0, "dWax": dWax, "dWaa": dWaa, "dba": dba}
""",
        call="al.check_derivation(rnn_forward, rnn_backward, x, a0, parameters, target, "
        "loss=squared_cost, show=False)",
        run="a, caches = rnn_forward(x, a0, parameters); grads = rnn_backward(a, target, caches)",
        loss="squared_cost(rnn_forward(x, a0, parameters)[0], target)",
        gradients={
            "x": ("x", 'grads["dx"]'),
            "a0": ("a0", 'grads["da0"]'),
            "Wax": ('parameters["Wax"]', 'grads["dWax"]'),
            "Waa": ('parameters["Waa"]', 'grads["dWaa"]'),
            "ba": ('parameters["ba"]', 'grads["dba"]'),
        },
        derivation=("rnn_cell_backward", "rnn_backward"),
    ),
    Hand(
        name="logistic regression with a penalty, samples in rows",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(34)
X = np.hstack([np.ones((9, 1)), rng.normal(size=(9, 3))])
y = (rng.random(9) > 0.4) * 1.0
theta = rng.normal(size=4)


def hypothesis(theta, X):
    return 1.0 / (1.0 + np.exp(-X.dot(theta)))


def cost(theta, X, y, lam=0.8):
    m = len(y)
    h = hypothesis(theta, X)
    J = -(y.dot(np.log(h)) + (1 - y).dot(np.log(1 - h))) / m
    return J + lam / (2 * m) * np.sum(theta[1:] ** 2)


def gradient(theta, X, y, lam=0.8):
    m = len(y)
    error = hypothesis(theta, X) - y
    grad = X.T.dot(error) / m
    grad[1:] = grad[1:] + lam / m * theta[1:]
    return grad
""",
        call="al.check_derivation(cost, gradient, theta, X, y, show=False)",
        run="grad = gradient(theta, X, y)",
        loss="cost(theta, X, y)",
        gradients={"theta": ("theta", "grad")},
        derivation=("gradient",),
        extra=(
            wrong(
                "penalty on the intercept",
                "grad[1:] = grad[1:] + lam / m * theta[1:]",
                "grad = grad + lam / m * theta",
                "term",
                "index",
                "operand",
            ),
        ),
    ),
    Hand(
        name="two hidden layers with dropout masks given",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(35)
X = rng.normal(size=(3, 8))
Y = rng.uniform(0.15, 0.85, size=(1, 8))
keep_prob = 0.7
parameters = {}
for l, (before, after) in enumerate([(3, 5), (5, 4), (4, 1)], 1):
    parameters[f"W{l}"] = rng.normal(size=(after, before)) * 0.8
    parameters[f"b{l}"] = rng.normal(size=(after, 1)) * 0.2


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def forward_propagation_with_dropout(X, parameters, keep_prob):
    mask_rng = np.random.default_rng(1)
    W1, b1 = parameters["W1"], parameters["b1"]
    W2, b2 = parameters["W2"], parameters["b2"]
    W3, b3 = parameters["W3"], parameters["b3"]
    Z1 = np.dot(W1, X) + b1
    A1 = np.tanh(Z1)
    D1 = (mask_rng.random(A1.shape) < keep_prob).astype(float)
    A1 = A1 * D1 / keep_prob
    Z2 = np.dot(W2, A1) + b2
    A2 = np.maximum(0, Z2)
    D2 = (mask_rng.random(A2.shape) < keep_prob).astype(float)
    A2 = A2 * D2
    A2 = A2 / keep_prob
    Z3 = np.dot(W3, A2) + b3
    A3 = sigmoid(Z3)
    return A3, (Z1, D1, A1, W1, b1, Z2, D2, A2, W2, b2, Z3, A3, W3, b3)


def compute_cost(A3, Y):
    m = Y.shape[1]
    logprobs = np.multiply(-np.log(A3), Y) + np.multiply(-np.log(1 - A3), 1 - Y)
    return 1.0 / m * np.nansum(logprobs)


def backward_propagation_with_dropout(X, Y, cache, keep_prob):
    m = X.shape[1]
    (Z1, D1, A1, W1, b1, Z2, D2, A2, W2, b2, Z3, A3, W3, b3) = cache
    dZ3 = A3 - Y
    dW3 = 1.0 / m * np.dot(dZ3, A2.T)
    db3 = 1.0 / m * np.sum(dZ3, axis=1, keepdims=True)
    dA2 = np.dot(W3.T, dZ3)
    dA2 = dA2 * D2
    dA2 = dA2 / keep_prob
    dZ2 = np.multiply(dA2, np.int64(A2 > 0))
    dW2 = 1.0 / m * np.dot(dZ2, A1.T)
    db2 = 1.0 / m * np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dA1 = dA1 * D1
    dA1 = dA1 / keep_prob
    dZ1 = dA1 * (1 - np.tanh(Z1) ** 2)
    dW1 = 1.0 / m * np.dot(dZ1, X.T)
    db1 = 1.0 / m * np.sum(dZ1, axis=1, keepdims=True)
    return {"dW3": dW3, "db3": db3, "dW2": dW2, "db2": db2, "dW1": dW1, "db1": db1}
""",
        call="al.check_derivation(forward_propagation_with_dropout, "
        "backward_propagation_with_dropout, X, parameters, keep_prob, Y, "
        "loss=compute_cost, show=False)",
        run="A3, cache = forward_propagation_with_dropout(X, parameters, keep_prob)\n"
        "grads = backward_propagation_with_dropout(X, Y, cache, keep_prob)",
        loss="compute_cost(forward_propagation_with_dropout(X, parameters, keep_prob)[0], Y)",
        gradients={
            f"{kind}{layer}": (f'parameters["{kind}{layer}"]', f'grads["d{kind}{layer}"]')
            for layer in (1, 2, 3)
            for kind in "Wb"
        },
        derivation=("backward_propagation_with_dropout",),
        extra=(
            wrong("mask missing", "dA2 = dA2 * D2", "dA2 = dA2", "mask", "operand", "activation"),
            wrong("mask missing", "dA1 = dA1 * D1", "dA1 = dA1", "mask", "operand", "activation"),
            wrong(
                "mask missing", "np.multiply(dA2, np.int64(A2 > 0))", "dA2", "mask", "activation"
            ),
        ),
    ),
    Hand(
        name="triplet margin on embeddings, helpers for norms",
        form=FORM,
        source="""\
import numpy as np

rng = np.random.default_rng(36)
anchor, positive, negative = (rng.normal(size=(7, 4)) for _ in range(3))
E = rng.normal(size=(4, 3)) * 0.8
bias = rng.normal(size=3) * 0.5


def embed(anchor, positive, negative, E, bias):
    a, p, n = anchor @ E + bias, positive @ E + bias, np.tanh(negative @ E + bias)
    return a, p, n


def margin_loss(a, p, n, margin=1.0):
    near = np.sum((a - p) ** 2, axis=1)
    far = np.sum((a - n) ** 2, axis=1)
    return np.maximum(near - far + margin, 0).mean()


def margin_grad(a, p, n, margin=1.0):
    near = np.sum((a - p) ** 2, axis=1)
    far = np.sum((a - n) ** 2, axis=1)
    active = (near - far + margin > 0)[:, None] / len(a)
    d_a = active * 2 * ((a - p) - (a - n))
    d_p = active * -2 * (a - p)
    d_n = active * 2 * (a - n)
    return d_a, d_p, d_n


def embed_grad(anchor, positive, negative, E, bias, a, p, n):
    d_a, d_p, d_n = margin_grad(a, p, n)
    d_n = d_n * (1 - n ** 2)
    d_E = anchor.T @ d_a + positive.T @ d_p + negative.T @ d_n
    d_bias = (d_a + d_p + d_n).sum(axis=0)
    return d_E, d_bias
""",
        call="al.check_derivation(embed, embed_grad, anchor, positive, negative, E, bias, "
        "loss=margin_loss, show=False)",
        run="a, p, n = embed(anchor, positive, negative, E, bias)\n"
        "d_E, d_bias = embed_grad(anchor, positive, negative, E, bias, a, p, n)",
        loss="margin_loss(*embed(anchor, positive, negative, E, bias))",
        gradients={"E": ("E", "d_E"), "bias": ("bias", "d_bias")},
        derivation=("embed_grad", ("active = (near", "d_n = active")),
    ),
]
