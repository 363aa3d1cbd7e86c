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
        self._room: dict[np.dtype[Any], np.ndarray] = {}

    def step(self) -> None:
        """Change each parameter that has a gradient, keeping its dtype."""
        for parameter in self.parameters:
            if parameter.grad is not None:
                change = self._room_for(parameter)
                np.multiply(parameter.grad, self.learning_rate, out=change)
                parameter.data -= change

    def _room_for(self, parameter: Parameter) -> np.ndarray:
        room = self._room.get(parameter.dtype)
        if room is None:
            largest = max(p.size for p in self.parameters)
            room = self._room[parameter.dtype] = np.empty(largest, parameter.dtype)
        return room[: parameter.size].reshape(parameter.shape)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters:
            parameter.zero_grad()
