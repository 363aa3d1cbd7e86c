"""Losses: the mean over all elements, as a scalar Tensor. Prediction and target agree in shape."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_lite as al


@al.primitive
def log_loss(z: Any, y: Any) -> Any:
    """The mean of -(y log a + (1 - y) log(1 - a)) where a = sigmoid(z), from the logits z.

    Computed as max(z, 0) - z y + log(1 + exp(-|z|)), which neither overflows nor loses a small
    loss beside a large z. One operation, whose gradient is the textbook's (a - y) / N.
    """
    return np.mean(np.maximum(z, 0) - z * y + np.log1p(np.exp(-np.abs(z))))


al.defvjp(
    log_loss,
    z=lambda g, z, y: (al.sigmoid(z) - y) * (g / z.size),
    y=lambda g, z: z * (-g / z.size),
)


def binary_cross_entropy(A: Any, Y: Any) -> Any:
    """-mean(Y log A + (1 - Y) log(1 - A)), for probabilities A and targets Y in [0, 1].

    Nothing is clamped: where A is exactly 0 or 1 the loss is 0 if Y says the same, else infinite.
    From A = sigmoid(Z) prefer `binary_cross_entropy_with_logits(Z, Y)`: for Z above 37 the
    sigmoid is exactly 1 in float64, and the loss and its gradient are lost.
    """
    _check_shapes("binary_cross_entropy", A, Y)
    return np.mean(0 - al.xlogy(Y, A) - al.xlog1py(1 - Y, -A))


def binary_cross_entropy_with_logits(Z: Any, Y: Any) -> Any:
    """The binary cross-entropy of sigmoid(Z) and the targets Y in [0, 1], from the logits Z.

    Finite, with the gradient (sigmoid(Z) - Y) / N, for every finite Z.
    """
    _check_shapes("binary_cross_entropy_with_logits", Z, Y)
    return log_loss(Z, Y)


def _check_shapes(loss: str, prediction: Any, target: Any) -> None:
    if np.shape(prediction) != np.shape(target):
        raise ValueError(
            f"{loss}: the prediction has shape {np.shape(prediction)} and the target "
            f"{np.shape(target)}; they must be the same, or broadcasting would compare every "
            "prediction with every target"
        )
