"""Gradient clipping."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..module import Parameter
from ..spelling import answering


@answering
def clip_by_norm(parameters: Iterable[Parameter], most: float) -> float:
    """Scales all gradients together, in place, so that their norm is at most `most`.

    Gradients whose norm is not finite are not changed.

    Parameters
    ----------
    parameters : iterable of Parameter
        Parameters; those without a gradient are skipped.
    most : float
        The largest norm.

    Returns
    -------
    float
        The norm before scaling.

    Raises
    ------
    ValueError
        For a norm that is not above 0.

    Notes
    -----
    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (2013),
    arXiv:1211.5063.

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
    # Division by the largest element keeps the squares from overflowing.
    largest = max((float(np.max(np.abs(g), initial=0)) for g in gradients), default=0.0)
    if not largest or not math.isfinite(largest):
        return largest
    norm = largest * math.sqrt(sum(float(np.sum((g / largest) ** 2)) for g in gradients))
    if norm > most:
        for gradient in gradients:
            gradient *= most / norm
    return norm


@answering
def clip_by_value(parameters: Iterable[Parameter], most: float) -> None:
    """Clips each element of the gradients, in place, to the range from -most to most.

    Parameters
    ----------
    parameters : iterable of Parameter
        Parameters; those without a gradient are skipped.
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
