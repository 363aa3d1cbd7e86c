"""Deep nets whose layers go back through helpers, in gradients of the sum until the last step."""

import numpy as np
import pytest
from derivations.running import assert_blamed, load

import autograd_lite as al

NET = """
import numpy as np


def step_forward(A, W, b, kind):
    Z = W @ A + b
    out = np.tanh(Z) if kind == "tanh" else 1 / (1 + np.exp(-Z))
    return out, (A, W, b, out)


def forward(params, X, Y):
    A, caches = X, []
    for i in range(1, 4):
        kind = "tanh" if i < 3 else "sigmoid"
        A, cache = step_forward(A, params["W" + str(i)], params["b" + str(i)], kind)
        caches.append(cache)
    cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / Y.shape[1]
    return cost, (A, caches)


def linear_back(dZ, cache):
    A, W, b, out = cache
    m = A.shape[1]
    dW = dZ @ A.T / m
    db = np.sum(dZ, axis=1, keepdims=True) / m
    return W.T @ dZ, dW, db


def step_back(dA, cache, kind):
    out = cache[3]
    if kind == "tanh":
        dZ = dA * (1 - out**2)
    else:
        dZ = dA * out * (1 - out)
    return linear_back(dZ, cache)


def backward(params, X, Y, cache):
    A, caches = cache
    grads = {}
    dA = -(Y / A - (1 - Y) / (1 - A))
    dA, grads["dW3"], grads["db3"] = step_back(dA, caches[2], "sigmoid")
    for i in (2, 1):
        dA, grads["dW" + str(i)], grads["db" + str(i)] = step_back(dA, caches[i - 1], "tanh")
    return grads
"""


def marked(text):
    rng = np.random.default_rng(6)
    sizes = (4, 5, 3, 1)
    params = {f"W{i}": rng.normal(size=(sizes[i], sizes[i - 1])) * 0.7 for i in (1, 2, 3)}
    params |= {f"b{i}": rng.normal(size=(sizes[i], 1)) * 0.1 for i in (1, 2, 3)}
    X, Y = rng.normal(size=(4, 8)), (rng.random((1, 8)) > 0.5).astype(float)
    return al.check_derivation(*load(text, "net"), params, X, Y, show=False)


def test_it_is_right_as_it_stands():
    assert marked(NET).ok


@pytest.mark.parametrize(
    ("old", "new", "cause", "words"),
    [
        (
            *('caches[i - 1], "tanh")', 'caches[i - 1], "sigmoid")'),
            *("activation", "'sigmoid' should be 'tanh'"),
        ),
        (
            *(
                "db = np.sum(dZ, axis=1, keepdims=True) / m",
                "db = np.sum(dZ, axis=1, keepdims=True)",
            ),
            *("factor", "number of"),
        ),
    ],
    ids=["the word of another activation", "a count left out in one gradient"],
)
def test_the_line_and_its_cause(old, new, cause, words):
    text = NET.replace(old, new)
    assert text != NET
    assert_blamed(marked(text), text, new, cause, words)
