"""Optimisers: they change parameters in place, from their gradients."""

from __future__ import annotations

from collections.abc import Iterable

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

    def step(self) -> None:
        """Change each parameter that has a gradient, keeping its dtype."""
        for parameter in self.parameters:
            if parameter.grad is not None:
                change = np.multiply(parameter.grad, self.learning_rate)
                parameter.data -= change

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters:
            parameter.zero_grad()
