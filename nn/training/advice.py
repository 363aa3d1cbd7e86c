"""Advice on training: warnings of unsuitable data, units and gradients, and the cause of NaN."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NoReturn

import numpy as np

import autograd_lite as al
from autograd_lite import extend

from .. import losses
from ..module import Module, Parameter, has_values

VANISHING = 1e-3
"""A gradient vanishes below this share of the largest gradient of a layer."""

TINY = 1e-5
"""All gradients vanish below this share of the loss, as from initial weights `rand * 0.01`."""

EXPLODING = 1e4
"""A gradient explodes above this root mean square."""


class TrainingWarning(UserWarning):
    """A warning of a probable mistake in a training.

    Notes
    -----
    `nn.fit` warns unless `advice=False`; each message says what to do.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> import warnings
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", nn.TrainingWarning)
    """


def warn(message: str) -> None:
    extend.warn(message, TrainingWarning)


def look_at_data(X: np.ndarray, Y: np.ndarray) -> None:
    """Warns of samples that are not scaled, and of targets that are all the same.

    Arrays of other libraries and lazy arrays are not checked.
    """
    if not has_values(X) or not has_values(Y):
        return
    if X.size and X.dtype.kind in "fiu":
        low, high = float(np.min(X)), float(np.max(X))
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError("X holds NaN or infinite numbers; nothing can be learnt from them")
        size = max(-low, high)
        if low >= 0 and high > 50 and high <= 255:
            warn(f"X ranges from {low:g} to {high:g}: pictures are divided by 255 before training")
        elif size > 1e3:
            warn(
                f"X ranges from {low:g} to {high:g}: scale its features to a range around 1, or "
                "the steps of gradient descent will not suit them"
            )
        elif 0 < size < 1e-3:
            warn(f"X ranges from {low:g} to {high:g}: scale its features to a range around 1")
    if Y.dtype.kind == "f" and not np.isfinite(Y).all():
        raise ValueError("Y holds NaN or infinite numbers; nothing can be learnt from them")
    if Y.shape[-1] > 1 and np.all(Y == Y[..., :1]):
        warn("all targets are the same, so there is nothing to learn")


def look_at_units(model: Module) -> None:
    """Warns of layers with identical units, which gradient descent keeps identical."""
    for path, parameter in _weights(model):
        values = parameter.data
        if len(values) > 1 and np.all(values == values[0]):
            warn(
                f"all units of {path} are identical, and gradient descent keeps them so: start "
                'from random weights (initialisation="he")'
            )
            return


def look_at_targets(loss: object, Y: np.ndarray) -> None:
    """Warns of targets outside 0 to 1 for a binary cross-entropy."""
    while isinstance(loss, functools.partial):
        loss = loss.func
    binary = (losses.binary_cross_entropy, losses.binary_cross_entropy_with_logits)
    if loss in binary and has_values(Y) and Y.size and not (0 <= np.min(Y) and np.max(Y) <= 1):
        warn(
            f"the targets of a binary cross-entropy are from 0 to 1, but these range from "
            f"{np.min(Y):g} to {np.max(Y):g}; for classes by number take nn.cross_entropy"
        )


def look_at_predictions(loss: Callable[..., extend.Operand], prediction: extend.Operand) -> None:
    """Warns of a model whose last operation does not suit the loss."""
    last = getattr(getattr(prediction, "_node", None), "plan", None)
    name = last.operation.name if last is not None else ""
    kind, said = losses.kind_of(loss), getattr(loss, "__name__", "the loss")
    if kind == "logits" and name in _PROBABILITIES:
        warn(
            f"the model ends in {name}, and {said} takes logits, from which it computes "
            f"probabilities itself: leave the last {name} out"
            + (", or take nn.binary_cross_entropy" if name == "sigmoid" else "")
        )
    elif kind == "probabilities" and name in _UNBOUNDED:
        warn(
            f"the model ends in a linear layer, and {said} takes probabilities: take "
            "nn.binary_cross_entropy_with_logits, or let the model end in nn.Sigmoid()"
        )


_PROBABILITIES = ("sigmoid", "softmax")
_UNBOUNDED = ("affine", "dot", "matmul")


def look_for_explosion(model: Module) -> bool:
    """Warns of exploding gradients; returns whether there are any."""
    for path, parameter in _weights(model):
        if parameter.grad is not None and (size := _size(parameter.grad)) > EXPLODING:
            warn(
                f"the gradients explode: those of {path} are {size:.2g} in the root mean square; "
                "take a smaller learning rate, or clip them (clip_norm=1.0)"
            )
            return True
    return False


def look_for_vanishing(model: Module, loss: float) -> None:
    """Warns of gradients that vanish, in one layer or in all."""
    sizes = {path: _size(p.grad) for path, p in _weights(model) if p.grad is not None}
    if len(sizes) < 2:
        return
    largest_path = max(sizes, key=lambda path: sizes[path])
    smallest_path = min(sizes, key=lambda path: sizes[path])
    largest, smallest = sizes[largest_path], sizes[smallest_path]
    if not largest and loss:
        warn(
            f"the gradients of all weights are 0, where the loss is {loss:.2g}, so nothing is "
            "learnt: start from other weights (another seed), take LeakyReLU for ReLU, or see "
            "whether the predictions reach the loss"
        )
    elif smallest < VANISHING * largest or largest < TINY * abs(loss):
        warn(
            f"the gradients vanish: those of {smallest_path} are {smallest:.2g} in the root mean "
            f"square, and those of {largest_path} {largest:.2g}, where the loss is {loss:.2g}; "
            'start from larger weights (initialisation="he" for ReLU), take fewer layers, or '
            "Residual or BatchNorm layers"
        )


def explain_nan(
    model: Module, compute: Callable[[], extend.Operand], where: str, value: float
) -> NoReturn:
    """Raises FloatingPointError that names the first operation with a result that is not finite."""
    try:
        with al.detect_anomaly():
            loss = compute()
            loss.backward()
    except FloatingPointError as error:
        report = str(error)
    else:
        again = math.isfinite(loss.item())
        unseen = "the data may hold NaN, which is not searched for in arrays of other libraries"
        report = "computed again, it is finite" if again else unseen
    # The parameters may have been NaN before this batch.
    broken = [p for p, t in model.named_parameters() if not np.isfinite(t.data).all()]
    since = f"; {broken[0]} held no finite numbers before it" if broken else ""
    raise FloatingPointError(
        f"the loss is {value} {where}{since}: {report}. A smaller learning rate, scaled data or a "
        "loss from logits helps most often"
    )


def _weights(model: Module) -> list[tuple[str, Parameter]]:
    """The trained parameters that are matrices or windows, from the input on."""
    return [
        (path, parameter)
        for path, parameter in model.named_parameters()
        if parameter.requires_grad and parameter.ndim >= 2 and parameter.size > len(parameter)
    ]


def _size(gradient: np.ndarray) -> float:
    """The root mean square of a gradient."""
    return float(np.sqrt(np.mean(np.square(gradient, dtype=float))))
