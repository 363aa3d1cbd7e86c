"""Derivations with mistakes, marked as they stand: an article's listing, and one net in five forms.

The listing is the last one of Keon Yong Lee, "Deep Learning by Andrew Ng, Course 1" (2019), with
only its syntax repaired. Each step below corrects a mistake that the report before it names. Then
one net follows in the forms in which people write a derivation, each with a different mistake.
"""

import argparse

import numpy as np

import autograd_lite as al

FORWARD = """
def forward(X, parameters, Y):
    L = len(parameters) // 2
    N = X.shape[1]
    A = {}
    Z = {}
    A['0'] = X
    for l in range(1, L):
        Z[str(l)] = np.dot(parameters['W' + str(l)], A[str(l - 1)]) + parameters['b' + str(l)]
        A[str(l)] = np.maximum(0, Z[str(l)])
    Z[str(L)] = np.dot(parameters['W' + str(L)], A[str(L - 1)]) + parameters['b' + str(L)]
    A[str(L)] = 1 / (1 + np.exp(-Z[str(L)]))
    cost = -np.sum(Y * np.log(A[str(L)]) + (1 - Y) * np.log(1 - A[str(L)])) / N
    return cost, (A, Z, parameters, Y)
"""

BACKWARD = """
def backward(cache):
    A, Z, parameters, Y = cache
    L = len(parameters) // 2
    N = Y.shape[1]
    dZ = {}
    gradients = {}
    dZ[str(L)] = A[str(L)] - Y
    gradients['dW' + str(L)] = np.dot(dZ[str(L)], A[str(L - 1)].T) / N
    gradients['db' + str(L)] = np.dot(dZ[str(L)].T, np.ones(N, 1)) / N
    for l in reversed(range(1, L)):
        dA[str(l)] = np.dot(parameters['W' + str(l + 1)].T, dZ[str(l + 1)])
        gradients['dW' + str(l)] = np.dot(dZ[str(l + 1)], A[str(l)].T) / N
        gradients['db' + str(l)] = np.dot(dZ[str(l + 1)].T, np.ones(N, 1)) / N
    return gradients
"""

dA = "dA[str(l)] = np.dot(parameters['W' + str(l + 1)].T, dZ[str(l + 1)])\n"
REPAIRS = [
    ("np.ones takes a shape", "np.ones(N, 1)", "np.ones((N, 1))"),
    ("dZ is (units, N) and needs no transpose", "].T, np.ones", "], np.ones"),
    ("dA is a dict as well", "    dZ = {}\n", "    dZ = {}\n    dA = {}\n"),
    (
        "the hidden layers have a dZ too",
        dA,
        dA + "        dZ[str(l)] = dA[str(l)] * (Z[str(l)] >= 0)\n",
    ),
    (
        "dW of a layer is of its dZ and the A before",
        "dZ[str(l + 1)], A[str(l)].T",
        "dZ[str(l)], A[str(l - 1)].T",
    ),
    ("db of a layer is of its dZ", "dZ[str(l + 1)], np.ones", "dZ[str(l)], np.ones"),
]

rng = np.random.default_rng(1)
X, T = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
W1, W2 = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))


def forward(W1, W2, X, T):
    H = np.tanh(X @ W1)
    out = H @ W2
    return 0.5 * np.sum((out - T) ** 2), (H, out)


def backward(W2, X, T, cache):
    H, out = cache
    dout = out - T
    dW2 = H.T @ dout
    dH = dout @ W2.T
    dW1 = X.T @ (dH * (1 - H))  # the derivative of tanh is 1 - H**2
    return {"W1": dW1, "W2": dW2}


def loss_and_gradients(W1, W2, X, T):
    H = np.tanh(X @ W1)
    error = H @ W2 - T
    loss = 0.5 * np.sum(error**2)
    delta = (error @ W2.T) * (1 - H * H)
    return loss, X.T @ delta, H.T @ error / len(X)  # the loss is no mean


class Net:
    def __init__(self, W1, W2):
        self.W1, self.W2 = W1, W2

    def loss(self, X, T):
        self.H = np.tanh(X @ self.W1)
        self.out = self.H @ self.W2
        return 0.5 * np.sum((self.out - T) ** 2)

    def gradient(self, X, T):
        self.loss(X, T)
        error = T - self.out  # the sign
        hidden_error = (error @ self.W2.T) * (1 - self.H**2)
        return {"W1": X.T @ hidden_error, "W2": self.H.T @ error}


class Dense:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=1)  # the samples are rows
        return dout @ self.W.T


SCRIPT = """
import numpy as np
rng = np.random.default_rng(1)
X, T = rng.normal(size=(8, 3)), rng.normal(size=(8, 2))
W1, W2 = rng.normal(size=(3, 4)), rng.normal(size=(4, 2))
for step in range(100):
    H = np.tanh(X @ W1)
    out = H @ W2
    loss = 0.5 * np.sum((out - T) ** 2)
    delta = out - T
    W2 -= 0.01 * H.T @ delta
    W1 -= 0.01 * X.T @ ((delta @ W2.T) * (1 - H**2))  # W2 is the new one already
"""


def mark_forms() -> None:
    """Marks one net in five forms."""
    print("--- two functions")
    al.check_derivation(forward, backward, W1, W2, X, T)
    print("\n--- one function that returns the loss and its gradients")
    al.check_derivation(loss_and_gradients, W1, W2, X, T)
    net = Net(W1, W2)
    print("\n--- methods of a class")
    al.check_derivation(net.loss, net.gradient, X, T)
    print("\n--- a layer with forward and backward, at which a gradient arrives")
    al.check_derivation(Dense(W1, np.zeros(4)), X)
    print("\n--- a script: one pass of its loop")
    al.check_script(SCRIPT)


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    """Marks the listing as it stands, again after each repair, and then the forms."""
    rng = np.random.default_rng(0)
    sizes = [6, 5, 4, 3, 1]
    parameters = {}
    for l, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):  # noqa: E741
        parameters[f"W{l}"] = rng.normal(size=(n_out, n_in))
        parameters[f"b{l}"] = rng.normal(size=(n_out, 1))
    X, Y = rng.normal(size=(6, 9)), (rng.random((1, 9)) < 0.4).astype(float)

    source = BACKWARD
    for title, old, new in [("as it stands", "", ""), *REPAIRS]:
        source = source.replace(old, new) if old else source
        print(f"--- {title}")
        forward = al.check.from_source(FORWARD, np=np)
        backward = al.check.from_source(source, np=np)
        al.check_derivation(forward, backward, X, parameters, Y)
        print()
    mark_forms()


if __name__ == "__main__":
    main()
