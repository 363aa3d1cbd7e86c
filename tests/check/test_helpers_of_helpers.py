"""Mistakes in the helpers of helpers, in what loops hand them, and in calls that return nothing."""

import numpy as np
import pytest
from derivations.running import assert_blamed, load

import autograd_lite as al

DEEP = """
import numpy as np


def bend(Z):
    return np.maximum(0, Z)


def squash(Z):
    return 1 / (1 + np.exp(-Z))


def step(A, W, b, how):
    Z = W @ A + b
    A_next = squash(Z) if how == "squash" else bend(Z)
    return A_next, (A, W, Z)


def forward(X, net):
    kept, A = [], X
    depth = len(net) // 2
    for k in range(1, depth):
        A, one = step(A, net[f"W{k}"], net[f"b{k}"], "bend")
        kept.append(one)
    A, one = step(A, net[f"W{depth}"], net[f"b{depth}"], "squash")
    kept.append(one)
    return A, kept


def cost(A, Y):
    return -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))


def bend_back(dA, Z):
    dZ = np.array(dA)
    dZ[Z <= 0] = 0
    return dZ


def squash_back(dA, Z):
    s = 1 / (1 + np.exp(-Z))
    dZ = dA * s * (1 - s)
    return dZ


def affine_back(dZ, A, W):
    m = A.shape[1]
    dW = dZ @ A.T / m
    db = np.sum(dZ, axis=1, keepdims=True) / m
    dA = W.T @ dZ
    return dA, dW, db


def step_back(dA, one, how):
    A, W, Z = one
    if how == "squash":
        dZ = squash_back(dA, Z)
    else:
        dZ = bend_back(dA, Z)
    return affine_back(dZ, A, W)


def backward(A, Y, kept):
    found = {}
    depth = len(kept)
    dA = -(Y / A - (1 - Y) / (1 - A))
    found[f"dA{depth - 1}"], dW, db = step_back(dA, kept[depth - 1], "squash")
    found[f"dW{depth}"], found[f"db{depth}"] = dW, db
    for k in reversed(range(depth - 1)):
        dA, dW, db = step_back(found["dA" + str(k + 1)], kept[k], "bend")
        found["dA" + str(k)] = dA
        found["dW" + str(k + 1)] = dW
        found["db" + str(k + 1)] = db
    return found
"""


def marked_deep(text):
    rng = np.random.default_rng(8)
    forward, backward = load(text, "deep")
    sizes = [5, 4, 4, 1]
    net = {}
    for k in range(1, 4):
        net[f"W{k}"] = rng.normal(size=(sizes[k], sizes[k - 1])) * 0.7
        net[f"b{k}"] = rng.normal(size=(sizes[k], 1)) * 0.3
    X, Y = rng.normal(size=(5, 12)), (rng.random((1, 12)) < 0.5) * 1.0
    cost = forward.__globals__["cost"]
    return al.check_derivation(forward, backward, X, net, Y, loss=cost, show=False)


def test_the_deep_net_is_right():
    assert marked_deep(DEEP).ok


@pytest.mark.parametrize(
    ("old", "new", "cause", "words"),
    [
        ("dA * s * (1 - s)", "dA * Z * (1 - Z)", "operand", "Z should be s"),
        ("dA = W.T @ dZ", "dA = W.T @ dZ / m", "factor", "the division by m should be left out"),
        ('found["dA" + str(k + 1)], k', 'found["dA" + str(depth - 1)], k', "index", "k + 1"),
    ],
)
def test_the_line_is_in_the_helper_that_has_it(old, new, cause, words):
    text = DEEP.replace(old, new)
    assert_blamed(marked_deep(text), text, new, cause, words)


POOL = """
import numpy as np


def forward(A, size):
    n, high, wide, count = A.shape
    out = np.zeros((n, high - size + 1, wide - size + 1, count))
    for i in range(n):
        for r in range(out.shape[1]):
            for q in range(out.shape[2]):
                for c in range(count):
                    out[i, r, q, c] = np.max(A[i, r : r + size, q : q + size, c])
    return out, (A, size)


def where_largest(part):
    mask = part == np.max(part)
    return mask


def backward(dout, cache):
    A, size = cache
    dA = np.zeros(A.shape)
    n, high, wide, count = dout.shape
    for i in range(n):
        picture = A[i]
        for r in range(high):
            for q in range(wide):
                for c in range(count):
                    part = picture[r : r + size, q : q + size, c]
                    mask = where_largest(part)
                    dA[i, r : r + size, q : q + size, c] += mask * dout[i, r, q, c]
    return dA
"""


@pytest.mark.parametrize(
    ("old", "new", "cause", "words"),
    [
        ("part == np.max(part)", "part == np.min(part)", "mask", "np.min(part) should be np.max"),
        ("size, c]\n                    mask", "size, 0]\n                    mask")
        + ("index", "the index 0 should be c"),
    ],
)
def test_what_a_loop_hands_to_a_helper(old, new, cause, words):
    text = POOL.replace(old, new)
    forward, backward = load(text, "pool")
    A = np.random.default_rng(2).normal(size=(2, 4, 4, 3))
    report = al.check_derivation(forward, backward, A, 2, show=False)
    assert_blamed(report, text, new.split("\n")[0], cause, words)


LAYERS = """
import numpy as np


class Affine:
    def __init__(self, inputs, outputs, seed):
        rng = np.random.default_rng(seed)
        self.weights = rng.normal(size=(inputs, outputs))
        self.biases = rng.normal(size=(1, outputs))

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues
        self.dbiases = dvalues.sum(axis=0, keepdims=True)
        self.dinputs = dvalues @ self.weights.T


class Bend:
    def forward(self, inputs):
        self.inputs = inputs
        self.output = np.maximum(0, inputs)

    def backward(self, dvalues):
        self.dinputs = dvalues.copy()
        self.dinputs[self.inputs <= 0] = 0


first, bend, second = Affine(2, 7, 1), Bend(), Affine(7, 3, 2)


def forward(X, Y):
    first.forward(X)
    bend.forward(first.output)
    second.forward(bend.output)
    return 0.5 * np.sum((second.output - Y) ** 2)


def backward(X, Y):
    second.backward(second.output - Y)
    bend.backward(second.dinputs)
    first.backward(bend.dinputs)
    return first.dweights, first.dbiases, second.dweights, second.dbiases
"""


def marked_layers(text):
    rng = np.random.default_rng(4)
    inputs = rng.normal(size=(8, 2)), rng.normal(size=(8, 3))
    return al.check_derivation(*load(text, "layers"), *inputs, show=False)


def test_a_layer_that_is_handed_the_wrong_gradient():
    assert marked_layers(LAYERS).ok
    text = LAYERS.replace("first.backward(bend.dinputs)", "first.backward(second.dinputs)")
    words = "second.dinputs should be bend.dinputs in first.backward(second.dinputs)"
    assert_blamed(marked_layers(text), text, "first.backward(second", "operand", words)
