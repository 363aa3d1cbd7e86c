"""What a careful person writes for speed: every array made once, everything in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np


def net(
    sizes: Sequence[int], X: Any, Y: Any, start: Mapping[str, Any], rate: float, dtype: Any
) -> Callable[[], float]:
    """A step of gradient descent on a net of ReLU layers with binary cross-entropy: its loss."""
    n, depth = X.shape[1], len(sizes) - 1
    W = [start[f"W{i + 1}"].astype(dtype) for i in range(depth)]
    b = [start[f"b{i + 1}"].astype(dtype) for i in range(depth)]
    dW, db = [np.empty_like(w) for w in W], [np.empty_like(v) for v in b]
    A = [X, *(np.empty((m, n), dtype) for m in sizes[1:])]
    dA = [np.empty((m, n), dtype) for m in sizes[1:]]
    decay, terms = np.empty_like(A[-1]), np.empty_like(A[-1])

    def step() -> float:
        for i in range(depth):
            np.dot(W[i], A[i], out=A[i + 1])
            A[i + 1] += b[i]
            if i < depth - 1:
                np.maximum(A[i + 1], 0, out=A[i + 1])
        Z, dZ = A[-1], dA[-1]
        # log(1 + e^-z) + z (1 - y) in its stable form; e^-|z| serves for the sigmoid as well.
        np.abs(Z, out=decay)
        np.negative(decay, out=decay)
        np.exp(decay, out=decay)
        np.log1p(decay, out=terms)
        np.multiply(Z, Y, out=dZ)
        np.subtract(terms, dZ, out=terms)
        loss = (terms.sum() + np.maximum(Z, 0, out=dZ).sum()) / n
        np.copyto(dZ, np.where(Z >= 0, 1, decay))
        np.add(decay, 1, out=decay)
        np.divide(dZ, decay, out=dZ)
        np.subtract(dZ, Y, out=dZ)
        dZ /= n
        for i in reversed(range(depth)):
            np.dot(dA[i], A[i].T, out=dW[i])
            np.sum(dA[i], axis=1, keepdims=True, out=db[i])
            if i:
                np.dot(W[i].T, dA[i], out=dA[i - 1])
                dA[i - 1] *= A[i] > 0
            for value, slope in ((W[i], dW[i]), (b[i], db[i])):
                slope *= rate
                value -= slope
        return float(loss)

    return step


def log_loss(Z: Any, Y: Any) -> Callable[[], tuple[float, Any]]:
    """The log-loss of logits, from its stable form, and its gradient."""
    decay, terms, dZ = np.empty_like(Z), np.empty_like(Z), np.empty_like(Z)

    def run() -> tuple[float, Any]:
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
        return loss, np.divide(dZ, Z.size, out=dZ)

    return run
