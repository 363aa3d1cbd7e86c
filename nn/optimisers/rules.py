"""The optimisers whose steps need a gradient only."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from .base import Groups, Optimiser


def _decayed(
    group: dict[str, Any], values: np.ndarray, gradient: np.ndarray, room: np.ndarray
) -> np.ndarray:
    """The gradient with that of weight_decay / 2 * sum(values^2)."""
    decay = group["weight_decay"]
    if not decay:
        return gradient
    np.multiply(values, decay, out=room)
    return np.add(room, gradient, out=room)


class SGD(Optimiser):
    """values -= learning_rate * gradient; with momentum of a running sum of the gradients.

    Parameters
    ----------
    parameters : iterable of Parameter, or of dict
        See `Optimiser`.
    learning_rate : float
        Above 0.
    momentum : float
        From 0 to below 1: velocity = momentum * velocity + gradient, and the values move by it.
    weight_decay : float
        The gradient of weight_decay / 2 * sum(values^2) is added.
    nesterov : bool
        Move by gradient + momentum * velocity (Sutskever et al., 2013).
    """

    def __init__(
        self,
        parameters: Groups,
        learning_rate: float = 0.01,
        *,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        # Without momentum there is nothing to remember.
        self.memories = ("velocity",) if momentum else ()  # type: ignore[misc]
        self.nesterov = nesterov
        super().__init__(
            parameters,
            learning_rate=float(learning_rate),
            momentum=float(momentum),
            weight_decay=float(weight_decay),
        )
        if nesterov and not momentum:
            raise ValueError("SGD: nesterov=True needs a momentum above 0")

    def update(self, group: dict[str, Any], *arrays: Any, **rooms: Any) -> None:
        values, gradient, *velocity = arrays
        room, other = rooms["room"], rooms["other"]
        change = _decayed(group, values, gradient, room)
        if velocity:
            velocity[0] *= group["momentum"]
            velocity[0] += change
            if self.nesterov:
                np.multiply(velocity[0], group["momentum"], out=other)
                change = np.add(other, change, out=other)
            else:
                change = velocity[0]
        np.multiply(change, group["learning_rate"], out=other)
        np.subtract(values, other, out=values)


class RMSProp(Optimiser):
    """values -= learning_rate * gradient / (sqrt(a running mean of its square) + epsilon).

    (Tieleman and Hinton, 2012.) `decay` is what stays of the mean at each step.
    """

    memories: ClassVar[tuple[str, ...]] = ("square",)

    def __init__(
        self,
        parameters: Groups,
        learning_rate: float = 0.01,
        *,
        decay: float = 0.99,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            parameters,
            learning_rate=float(learning_rate),
            decay=float(decay),
            epsilon=float(epsilon),
            weight_decay=float(weight_decay),
        )

    def update(self, group: dict[str, Any], *arrays: Any, **rooms: Any) -> None:
        values, gradient, square = arrays
        room, other = rooms["room"], rooms["other"]
        gradient = _decayed(group, values, gradient, room)
        np.multiply(gradient, gradient, out=other)
        other *= 1 - group["decay"]
        square *= group["decay"]
        square += other
        np.sqrt(square, out=other)
        other += group["epsilon"]
        np.divide(gradient, other, out=other)
        other *= group["learning_rate"]
        np.subtract(values, other, out=values)


class Adagrad(Optimiser):
    """values -= learning_rate * gradient / (sqrt(the sum of its squares) + epsilon).

    (Duchi et al., 2011.)
    """

    memories: ClassVar[tuple[str, ...]] = ("square",)

    def __init__(
        self,
        parameters: Groups,
        learning_rate: float = 0.01,
        *,
        epsilon: float = 1e-10,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            parameters,
            learning_rate=float(learning_rate),
            epsilon=float(epsilon),
            weight_decay=float(weight_decay),
        )

    def update(self, group: dict[str, Any], *arrays: Any, **rooms: Any) -> None:
        values, gradient, square = arrays
        room, other = rooms["room"], rooms["other"]
        gradient = _decayed(group, values, gradient, room)
        np.multiply(gradient, gradient, out=other)
        square += other
        np.sqrt(square, out=other)
        other += group["epsilon"]
        np.divide(gradient, other, out=other)
        other *= group["learning_rate"]
        np.subtract(values, other, out=values)


class Adam(Optimiser):
    """Moves by a running mean of the gradients over the root of that of their squares.

    Both means are corrected for their start at 0 (Kingma and Ba, 2014). `weight_decay` adds the
    gradient of weight_decay / 2 * sum(values^2); see AdamW.
    """

    memories: ClassVar[tuple[str, ...]] = ("mean", "square")

    def __init__(
        self,
        parameters: Groups,
        learning_rate: float = 0.001,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            parameters,
            learning_rate=float(learning_rate),
            beta1=float(beta1),
            beta2=float(beta2),
            epsilon=float(epsilon),
            weight_decay=float(weight_decay),
        )

    def update(self, group: dict[str, Any], *arrays: Any, **rooms: Any) -> None:
        values, gradient, mean, square = arrays
        room, other = rooms["room"], rooms["other"]
        gradient = self._with_decay(group, values, gradient, room)
        beta1, beta2 = group["beta1"], group["beta2"]
        np.multiply(gradient, 1 - beta1, out=other)
        mean *= beta1
        mean += other
        np.multiply(gradient, gradient, out=other)
        other *= 1 - beta2
        square *= beta2
        square += other
        np.sqrt(square, out=other)
        other += group["corrected_epsilon"]
        np.divide(mean, other, out=other)
        other *= group["corrected_rate"]
        np.subtract(values, other, out=values)

    def numbers(self, group: Mapping[str, Any], steps: int) -> dict[str, float]:
        """sqrt(square / (1 - beta2^t)) + epsilon, and the correction of the mean, as factors."""
        correction = math.sqrt(1 - group["beta2"] ** steps)
        rate = group["learning_rate"] * correction / (1 - group["beta1"] ** steps)
        return {
            **super().numbers(group, steps),
            "corrected_epsilon": group["epsilon"] * correction,
            "corrected_rate": rate,
        }

    def _with_decay(
        self, group: dict[str, Any], values: np.ndarray, gradient: np.ndarray, room: np.ndarray
    ) -> np.ndarray:
        return _decayed(group, values, gradient, room)


class AdamW(Adam):
    """Adam, with values *= 1 - learning_rate * weight_decay before each step.

    (Loshchilov and Hutter, 2017.)
    """

    def __init__(
        self,
        parameters: Groups,
        learning_rate: float = 0.001,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(
            parameters,
            learning_rate,
            beta1=beta1,
            beta2=beta2,
            epsilon=epsilon,
            weight_decay=weight_decay,
        )

    def _with_decay(
        self, group: dict[str, Any], values: np.ndarray, gradient: np.ndarray, room: np.ndarray
    ) -> np.ndarray:
        values *= 1 - group["learning_rate"] * group["weight_decay"]
        return gradient
