"""Mistakes where values are handed on: a part for the whole, another order, something left out."""

import numpy as np
import pytest
from derivations.running import assert_blamed, load

import autograd_lite as al

NORMALISED = """
import numpy as np


def scale_forward(x, gain):
    centre = x.mean(axis=-1, keepdims=True)
    spread = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5)
    unit = (x - centre) / spread
    return gain * unit, (unit, spread, gain)


def scale_backward(dout, cache):
    unit, spread, gain = cache
    dgain = (dout * unit).sum(axis=(0, 1))
    dunit = dout * gain
    dx = dunit - dunit.mean(axis=-1, keepdims=True)
    dx -= unit * (dunit * unit).mean(axis=-1, keepdims=True)
    dx /= spread
    return dx, dgain


def forward(x, gain, W):
    unit, cache = scale_forward(x, gain)
    return x + np.tanh(unit @ W), (cache, unit, W)


def backward(dout, cache):
    inner, unit, W = cache
    dpre = dout * (1 - np.tanh(unit @ W) ** 2)
    dW = np.tensordot(unit, dpre, axes=([0, 1], [0, 1]))
    dx, dgain = scale_backward(dpre @ W.T, inner)
    dx += dout
    return dx, dgain, dW
"""

PATCHES = """
import numpy as np


def folded(columns, shape, size, pad):
    n, c, h, w = shape
    high, wide = h + 2 * pad - size + 1, w + 2 * pad - size + 1
    columns = columns.reshape(n, high, wide, c, size, size).transpose(0, 3, 4, 5, 1, 2)
    image = np.zeros((n, c, h + 2 * pad, w + 2 * pad))
    for i in range(size):
        for j in range(size):
            image[:, :, i : i + high, j : j + wide] += columns[:, :, i, j]
    return image[:, :, pad : h + pad, pad : w + pad]


def forward(x, W, pad):
    n, c, h, w = x.shape
    size = W.shape[2]
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    high, wide = h + 2 * pad - size + 1, w + 2 * pad - size + 1
    columns = np.zeros((n, c, size, size, high, wide))
    for i in range(size):
        for j in range(size):
            columns[:, :, i, j] = padded[:, :, i : i + high, j : j + wide]
    columns = columns.transpose(0, 4, 5, 1, 2, 3).reshape(n * high * wide, -1)
    out = columns @ W.reshape(len(W), -1).T
    return out.reshape(n, high, wide, -1).transpose(0, 3, 1, 2), (x.shape, W, columns, pad)


def backward(dout, cache):
    shape, W, columns, pad = cache
    flat = dout.transpose(0, 2, 3, 1).reshape(-1, len(W))
    dW = (flat.T @ columns).reshape(W.shape)
    dcolumns = flat @ W.reshape(len(W), -1)
    dx = folded(dcolumns, shape, W.shape[2], pad)
    return dx, dW
"""

PAIRS = """
import numpy as np


def one_pair(i, j, U, V):
    error = U[i] @ V[j] - 1.0
    dU = np.zeros_like(U)
    dU[i] += error * V[j]
    dU[j] += 0.5 * U[j]
    return 0.5 * error**2 + 0.25 * U[j] @ U[j], dU


def all_pairs(U, V, pairs):
    loss, dU = 0.0, np.zeros(U.shape)
    for i, j in pairs:
        value, part = one_pair(i, j, U, V)
        loss += value
        dU += part
    return loss, dU


forward = backward = all_pairs
"""

SCRIPT = """
import numpy as np

rng = np.random.default_rng(2)
x = rng.normal(size=(12, 3))
y = rng.normal(size=(12, 2))
weight = rng.uniform(0.5, 2.0, size=(12, 1))
W = rng.normal(size=(3, 2))
b = np.zeros(2)
for step in range(3):
    y_pred = np.tanh(x @ W + b)
    error = y_pred - y
    loss = 0.5 * np.sum(weight * error**2)
    scaled = weight * error
    dy = scaled
    dz = dy * (1 - y_pred**2)
    dW = x.T @ dz
    db = dz.sum(axis=0)
    W -= 0.01 * dW
    b -= 0.01 * db
"""


def marked(text):
    rng = np.random.default_rng(4)
    if "weight = rng" in text:
        return al.check_script(text, show=False)
    functions = load(text, "parts")
    if "folded" in text:
        given = rng.normal(size=(2, 2, 4, 4)), rng.normal(size=(3, 2, 3, 3)), 1
    elif "all_pairs" in text:
        functions = functions[:1]
        given = rng.normal(size=(4, 3)), rng.normal(size=(5, 3)), [(0, 1), (2, 3), (1, 0)]
    else:
        given = rng.normal(size=(2, 4, 5)), rng.normal(size=5), rng.normal(size=(5, 5)) * 0.6
    return al.check_derivation(*functions, *given, show=False)


PIECES = {"normalised": NORMALISED, "patches": PATCHES, "pairs": PAIRS, "script": SCRIPT}


@pytest.mark.parametrize("text", PIECES.values(), ids=PIECES)
def test_they_are_right_as_they_stand(text):
    """`dy` among them, which is the gradient of y_pred and not of the data."""
    report = marked(text)
    assert report.ok, str(report)


MISTAKES = {
    "what is added at the end": (
        *(NORMALISED, "    dx += dout\n", ""),
        *("return dx, dgain, dW", "term", "dx should be dx + dout: dout is left out"),
    ),
    "a mean that a helper leaves out": (
        *(NORMALISED, "    dx -= unit * (dunit * unit).mean(axis=-1, keepdims=True)\n", ""),
        *("dx = dunit - dunit.mean", "term", "unit * (dunit * unit).mean(axis=2, keepdims=True)"),
    ),
    "axes in another order": (
        *(PATCHES, "dout.transpose(0, 2, 3, 1)", "dout.transpose(0, 3, 2, 1)"),
        *(
            "dout.transpose(0, 3, 2, 1)",
            "transpose",
            "should be  flat = dout.transpose(0, 2, 3, 1)",
        ),
    ),
    "padding that is left in": (
        *(PATCHES, "image[:, :, pad : h + pad, pad : w + pad]", "image[:, :, :h, :w]"),
        *("return image[:, :, :h, :w]", "index", "pad:h + pad, pad:w + pad]"),
    ),
    "a row for the whole": (
        *(PAIRS, "dU += part", "dU[i] += part[i]"),
        *("dU[i] += part[i]", "index", "all of part should be added, not only [i]"),
    ),
    "a factor where a value gets another name": (
        *(SCRIPT, "scaled = weight * error", "scaled = error"),
        *("scaled = error", "factor", "the factor weight is missing in scaled"),
    ),
    "in the gradient of a prediction": (
        *(SCRIPT, "dy = scaled", "dy = scaled / 12"),
        *("dy = scaled / 12", "factor", "should be left out"),
    ),
}


@pytest.mark.parametrize(
    ("text", "old", "new", "part", "cause", "words"), MISTAKES.values(), ids=MISTAKES
)
def test_the_line_and_what_it_lacks(text, old, new, part, cause, words):
    assert old in text
    changed = text.replace(old, new)
    assert_blamed(marked(changed), changed, part, cause, words)
