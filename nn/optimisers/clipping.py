"""Gradients that are not to be too large."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..module import Parameter


def clip_by_norm(parameters: Iterable[Parameter], most: float) -> float:
    """Scale all gradients, in place, so that their norm together is at most `most`.

    Where the norm is not finite nothing is changed.

    Parameters
    ----------
    parameters : iterable of Parameter
        Those without a gradient are passed over.
    most : float
        The largest norm.

    Returns
    -------
    float
        The norm that they had.

    Raises
    ------
    ValueError
        For a norm that is not above 0.

    Notes
    -----
    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (2013).

    Examples
    --------
    >>> from autograd_lite import nn
    >>> W = nn.Parameter([1.0, 1.0])
    >>> W.grad = [3.0, 4.0]
    >>> nn.clip_by_norm([W], 1.0)
    5.0
    >>> W.grad.round(6)
    array([0.6, 0.8])
    """
    if not most > 0:
        raise ValueError(f"clip_by_norm: the norm must be above 0, not {most!r}")
    gradients = [p.grad for p in parameters if p.grad is not None]
    # Scaled by the largest element, so that no square overflows.
    largest = max((float(np.max(np.abs(g), initial=0)) for g in gradients), default=0.0)
    if not largest or not math.isfinite(largest):
        return largest
    norm = largest * math.sqrt(sum(float(np.sum((g / largest) ** 2)) for g in gradients))
    if norm > most:
        for gradient in gradients:
            gradient *= most / norm
    return norm


def clip_by_value(parameters: Iterable[Parameter], most: float) -> None:
    """Move each element of the gradients, in place, into the range from -most to most.

    Parameters
    ----------
    parameters : iterable of Parameter
        Those without a gradient are passed over.
    most : float
        The limit.

    Raises
    ------
    ValueError
        For a value that is not above 0.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> W = nn.Parameter([1.0, 1.0])
    >>> W.grad = [3.0, -0.5]
    >>> nn.clip_by_value([W], 1.0)
    >>> W.grad
    array([ 1. , -0.5])
    """
    if not most > 0:
        raise ValueError(f"clip_by_value: the value must be above 0, not {most!r}")
    for parameter in parameters:
        if parameter.grad is not None:
            np.clip(parameter.grad, -most, most, out=parameter.grad)
