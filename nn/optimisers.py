"""Optimisers: they change parameters in place, from their gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from nn.module import Module, Parameter


class SGD:
    """Gradient descent: `W := W - learning_rate * dW`.

    Parameters
    ----------
    parameters : iterable of Parameter
    learning_rate : float
        Above 0.
    """

    def __init__(self, parameters: Iterable[Parameter], learning_rate: float = 0.01) -> None:
        if isinstance(parameters, Module):
            raise TypeError("SGD takes parameters: write SGD(model.parameters())")
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError("SGD got no parameters")
        if not learning_rate > 0:
            raise ValueError(f"learning_rate must be above 0, not {learning_rate!r}")
        self.learning_rate = float(learning_rate)
        # Room for one parameter's change after the other: new memory costs more than filling it.
        largest: dict[Any, int] = {}
        for p in self.parameters:
            largest[p.dtype] = max(p.size, largest.get(p.dtype, 0))
        rooms = {dtype: np.empty(size, dtype) for dtype, size in largest.items()}
        self._changes = [rooms[p.dtype][: p.size].reshape(p.shape) for p in self.parameters]

    def step(self) -> None:
        """Change each parameter that has a gradient, keeping its dtype."""
        for parameter, change in zip(self.parameters, self._changes, strict=True):
            gradient = parameter.grad
            if gradient is not None:
                np.multiply(gradient, self.learning_rate, out=change)
                values = parameter.data
                np.subtract(values, change, out=values)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters:
            parameter.zero_grad()
