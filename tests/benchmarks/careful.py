"""What a careful person writes for speed: every array made once, everything in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Loss = Callable[[], tuple[float, Any]]
"""Gives the loss of the logits as they are now, and its gradient, in an array of its own."""


def net(
    sizes: Sequence[int],
    X: Any,
    Y: Any,
    start: Mapping[str, Any],
    rate: float,
    dtype: Any,
    loss_of: Callable[[Any, Any], Loss],
) -> Callable[[], float]:
    """A step of gradient descent on a net of ReLU layers, `loss_of` its logits and Y: its loss."""
    n, depth = X.shape[1], len(sizes) - 1
    W = [start[f"W{i + 1}"].astype(dtype) for i in range(depth)]
    b = [start[f"b{i + 1}"].astype(dtype) for i in range(depth)]
    dW, db = [np.empty_like(w) for w in W], [np.empty_like(v) for v in b]
    A = [X, *(np.empty((m, n), dtype) for m in sizes[1:])]
    dA = [np.empty((m, n), dtype) for m in sizes[1:]]
    loss_now = loss_of(A[-1], Y)

    def step() -> float:
        for i in range(depth):
            np.dot(W[i], A[i], out=A[i + 1])
            A[i + 1] += b[i]
            if i < depth - 1:
                np.maximum(A[i + 1], 0, out=A[i + 1])
        loss, dA[-1] = loss_now()
        for i in reversed(range(depth)):
            np.dot(dA[i], A[i].T, out=dW[i])
            np.sum(dA[i], axis=1, keepdims=True, out=db[i])
            if i:
                np.dot(W[i].T, dA[i], out=dA[i - 1])
                dA[i - 1] *= A[i] > 0
            for value, slope in ((W[i], dW[i]), (b[i], db[i])):
                slope *= rate
                value -= slope
        return loss

    return step


def log_loss(Z: Any, Y: Any) -> Loss:
    """The log-loss of logits, from its stable form, and its gradient."""
    decay, terms, dZ = np.empty_like(Z), np.empty_like(Z), np.empty_like(Z)

    def run() -> tuple[float, Any]:
        # log(1 + e^-z) + z (1 - y) in its stable form; e^-|z| serves for the sigmoid as well.
        np.abs(Z, out=decay)
        np.negative(decay, out=decay)
        np.exp(decay, out=decay)
        np.log1p(decay, out=terms)
        np.multiply(Z, Y, out=dZ)
        np.subtract(terms, dZ, out=terms)
        loss = (terms.sum() + np.maximum(Z, 0, out=dZ).sum()) / Z.size
        np.copyto(dZ, np.where(Z >= 0, 1, decay))
        np.add(decay, 1, out=decay)
        np.divide(dZ, decay, out=dZ)
        np.subtract(dZ, Y, out=dZ)
        return float(loss), np.divide(dZ, Z.size, out=dZ)

    return run


def cross_entropy(Z: Any, Y: Any) -> Loss:
    """The mean cross-entropy of logits Z (classes, samples) and one-hot Y, and its gradient."""
    terms, dZ = np.empty_like(Z), np.empty_like(Z)
    top, total = np.empty_like(Z[:1]), np.empty_like(Z[:1])

    def run() -> tuple[float, Any]:
        np.max(Z, axis=0, keepdims=True, out=top)
        np.subtract(Z, top, out=dZ)
        np.multiply(dZ, Y, out=terms)
        np.exp(dZ, out=dZ)
        np.sum(dZ, axis=0, keepdims=True, out=total)
        np.divide(dZ, total, out=dZ)
        np.subtract(dZ, Y, out=dZ)
        np.divide(dZ, Z.shape[1], out=dZ)
        loss = (np.log(total, out=total).sum() - terms.sum()) / Z.shape[1]
        return float(loss), dZ

    return run
