"""Gradients that are not to be too large."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..module import Parameter


def clip_by_norm(parameters: Iterable[Parameter], most: float) -> float:
    """Scale all gradients, in place, so that their norm together is at most `most`.

    Returns the norm that they had; where that is not finite nothing is changed.
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
    """Move each element of the gradients, in place, into the range from -most to most."""
    if not most > 0:
        raise ValueError(f"clip_by_value: the value must be above 0, not {most!r}")
    for parameter in parameters:
        if parameter.grad is not None:
            np.clip(parameter.grad, -most, most, out=parameter.grad)
