"""Functions that write into arrays, as courses on convolution and recurrent nets do.

`WRITING` is a dict of name -> (function, inputs); `function(*inputs)` is a number.
"""

from __future__ import annotations

import numpy as np

_rng = np.random.default_rng(22)


def normal(*shape):
    return np.round(_rng.normal(size=shape), 2)


def convolution(image, kernel, bias):
    out = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            out[i, j] = np.sum(image[i : i + 2, j : j + 2] * kernel) + bias
    out[out < 0] = 0
    return np.sum(out**2)


def pooling(image):
    out = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            out[i, j] = np.max(image[2 * i : 2 * i + 2, 2 * j : 2 * j + 2])
    return np.sum(out * out)


def hinge(W, X, y):
    n = X.shape[0]
    rows = np.arange(n)
    scores = X @ W
    margins = np.maximum(0, scores - scores[rows, y][:, None] + 1)
    margins[rows, y] = 0
    loss = np.sum(margins) / n
    return loss + 0.1 * np.sum(W * W)


def recurrent(Wx, Wh, X):
    T = X.shape[0]
    states = np.zeros((T + 1, 3))
    for t in range(T):
        states[t + 1] = np.tanh(X[t] @ Wx + states[t] @ Wh)
    return np.sum(states[T] ** 2)


def filled(w, x):
    total = np.zeros(3)
    total += w
    total[1:] *= x[1:]
    part = total[:2]
    part -= 0.5
    np.add.at(total, [0, 0, 2], w)
    return np.sum(total**3)


def rectified(W, X):
    def relu(z):
        a = z.copy()
        a[a < 0] = 0
        return a

    hidden = relu(W @ X)
    return np.mean(hidden**2)


class Pictures:
    """A layer with padding, which keeps what it computes."""

    def __init__(self):
        self.kernel = normal(2, 2)

    def forward(self, image, scale):
        self.padded = np.zeros((4, 4))
        self.padded[1:-1, 1:-1] = image * scale
        self.out = np.zeros((3, 3))
        for i in range(3):
            for j in range(3):
                self.out[i, j] = np.sum(self.padded[i : i + 2, j : j + 2] * self.kernel)
        return np.sum(self.out**2)


WRITING = {
    "convolution": (convolution, (normal(4, 4), normal(2, 2), np.array(0.1))),
    "pooling": (pooling, (normal(4, 4),)),
    "scores with a hole": (hinge, (normal(4, 3), normal(3, 4), np.array([1, 0, 2]))),
    "recurrent net": (recurrent, (normal(2, 3), normal(3, 3), normal(4, 2))),
    "in place": (filled, (normal(3), normal(3))),
    "a helper": (rectified, (normal(3, 2), normal(2, 4))),
    "an object": (Pictures().forward, (normal(2, 2), np.array(0.7))),
}
