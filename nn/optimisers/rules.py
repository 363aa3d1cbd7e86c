"""Optimisers whose steps need only the gradient: SGD, RMSProp, Adagrad, Adam, AdamW."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from autograd_lite.extend import Array

from .base import Group, Groups, Optimiser


def _decayed(
    group: Group, values: np.ndarray, gradient: np.ndarray, room: np.ndarray
) -> np.ndarray:
    """The gradient plus that of weight_decay / 2 * sum(values^2)."""
    decay = group["weight_decay"]
    if not decay:
        return gradient
    np.multiply(values, decay, out=room)
    return np.add(room, gradient, out=room)


class SGD(Optimiser):
    """Gradient descent, values -= learning_rate * gradient, with momentum as an option.

    Parameters
    ----------
    parameters : iterable of Parameter, or of dict
        See `Optimiser`.
    learning_rate : float
        The learning rate, above 0.
    momentum : float
        From 0 to below 1. With velocity = momentum * velocity + gradient, the step is
        values -= learning_rate * velocity.
    weight_decay : float
        Adds the gradient of weight_decay / 2 * sum(values^2).
    nesterov : bool
        Whether the step is along gradient + momentum * velocity.

    Raises
    ------
    ValueError
        For `nesterov` without a momentum, and as `Optimiser` does.

    Notes
    -----
    Robbins and Monro, "A stochastic approximation method" (1951); momentum by Polyak, "Some methods
    of speeding up the convergence of iteration methods" (1964), and `nesterov` after Sutskever et
    al., "On the importance of initialization and momentum in deep learning" (2013).

    Examples
    --------
    >>> from autograd_lite import nn
    >>> W = nn.Parameter([1.0])
    >>> W.grad = [2.0]
    >>> nn.SGD([W], learning_rate=0.1).step()
    >>> W
    Tensor([0.8], requires_grad=True)
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
        # Without momentum there is no state.
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

    def update(self, group: Group, *arrays: Array, **buffers: Array) -> None:
        """Moves the values against the gradient, or against the velocity.

        Parameters
        ----------
        group : dict
            The options and the `numbers` of this step.
        *arrays : ndarray
            The values, the gradient and, with a momentum, the velocity.
        **buffers : ndarray
            `room` and `other`, for intermediate values.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> W = nn.Parameter([1.0])
        >>> W.grad = [2.0]
        >>> optimiser = nn.SGD([W], learning_rate=0.1, momentum=0.5)
        >>> optimiser.step()
        >>> W.numpy().round(6)  # The velocity is 2.
        array([0.8])
        >>> optimiser.step()
        >>> W.numpy().round(6)  # The velocity is 0.5 * 2 + 2.
        array([0.5])
        """
        values, gradient, *velocity = arrays
        room, other = buffers["room"], buffers["other"]
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
    """values -= learning_rate * gradient / (sqrt(running mean of gradient^2) + epsilon).

    Parameters
    ----------
    parameters : iterable of Parameter, or of dict
        The parameters to train; see `Optimiser` for groups.
    learning_rate : float
        The learning rate, above 0.
    decay : float
        The share of the running mean that is kept at each step, from 0 to below 1.
    epsilon : float
        A small number added to the root.
    weight_decay : float
        Adds the gradient of weight_decay / 2 * sum(values^2).

    Notes
    -----
    Tieleman and Hinton, "Lecture 6.5: rmsprop" (2012).

    Examples
    --------
    >>> from autograd_lite import nn
    >>> W = nn.Parameter([1.0])
    >>> W.grad = [2.0]
    >>> nn.RMSProp([W], learning_rate=0.01).step()
    >>> W
    Tensor([0.9], requires_grad=True)
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

    def update(self, group: Group, *arrays: Array, **buffers: Array) -> None:
        """Moves the values by the gradient over the root of its mean square.

        Parameters
        ----------
        group : dict
            The options and the `numbers` of this step.
        *arrays : ndarray
            The values, the gradient, and the running mean of its square.
        **buffers : ndarray
            `room` and `other`, for intermediate values.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> W = nn.Parameter([1.0])
        >>> W.grad = [2.0]
        >>> optimiser = nn.RMSProp([W], learning_rate=0.1, decay=0.75)
        >>> optimiser.step()
        >>> W.numpy().round(6)  # The mean square is 0.25 * 2^2.
        array([0.8])
        """
        values, gradient, square = arrays
        room, other = buffers["room"], buffers["other"]
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
    """values -= learning_rate * gradient / (sqrt(sum of gradient^2 over the steps) + epsilon).

    Parameters
    ----------
    parameters : iterable of Parameter, or of dict
        The parameters to train; see `Optimiser` for groups.
    learning_rate : float
        The learning rate, above 0.
    epsilon : float
        A small number added to the root.
    weight_decay : float
        Adds the gradient of weight_decay / 2 * sum(values^2).

    Notes
    -----
    Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization" (2011).

    Examples
    --------
    >>> from autograd_lite import nn
    >>> W = nn.Parameter([1.0])
    >>> W.grad = [2.0]
    >>> nn.Adagrad([W], learning_rate=0.1).step()
    >>> W
    Tensor([0.9], requires_grad=True)
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

    def update(self, group: Group, *arrays: Array, **buffers: Array) -> None:
        """Moves the values by the gradient over the root of the sum of its squares.

        Parameters
        ----------
        group : dict
            The options and the `numbers` of this step.
        *arrays : ndarray
            The values, the gradient, and the sum of its squares.
        **buffers : ndarray
            `room` and `other`, for intermediate values.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> W = nn.Parameter([1.0])
        >>> optimiser = nn.Adagrad([W], learning_rate=0.1)
        >>> for gradient in (3.0, 4.0):
        ...     W.grad = [gradient]
        ...     optimiser.step()
        >>> W.numpy().round(6)  # 1 - 0.1 * 3 / 3 - 0.1 * 4 / 5
        array([0.82])
        """
        values, gradient, square = arrays
        room, other = buffers["room"], buffers["other"]
        gradient = _decayed(group, values, gradient, room)
        np.multiply(gradient, gradient, out=other)
        square += other
        np.sqrt(square, out=other)
        other += group["epsilon"]
        np.divide(gradient, other, out=other)
        other *= group["learning_rate"]
        np.subtract(values, other, out=values)


class Adam(Optimiser):
    """values -= learning_rate * mean / (sqrt(square) + epsilon).

    `mean` is the running mean of the gradients, and `square` that of their squares. Both are
    corrected for their start at 0.

    Parameters
    ----------
    parameters : iterable of Parameter, or of dict
        The parameters to train; see `Optimiser` for groups.
    learning_rate : float
        The learning rate, above 0.
    beta1, beta2 : float
        The shares of the running means of gradients and of their squares that are kept at each
        step, from 0 to below 1.
    epsilon : float
        A small number added to the root.
    weight_decay : float
        Adds the gradient of weight_decay / 2 * sum(values^2).

    See Also
    --------
    AdamW : Weight decay that does not enter the means.

    Notes
    -----
    Kingma and Ba, "Adam: a method for stochastic optimization" (2014), arXiv:1412.6980, algorithm
    1.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> W = nn.Parameter([1.0])
    >>> W.grad = [2.0]
    >>> nn.Adam([W], learning_rate=0.1).step()
    >>> W
    Tensor([0.9], requires_grad=True)
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

    def update(self, group: Group, *arrays: Array, **buffers: Array) -> None:
        """Moves the values by the mean of the gradients over the root of their mean square.

        Parameters
        ----------
        group : dict
            The options and the `numbers` of this step.
        *arrays : ndarray
            The values, the gradient, and the running means of the gradient and of its square.
        **buffers : ndarray
            `room` and `other`, for intermediate values.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> W = nn.Parameter([1.0, 1.0])
        >>> W.grad = [100.0, -0.01]
        >>> nn.Adam([W], learning_rate=0.1).step()
        >>> W.numpy().round(4)  # The first step is as long as the learning rate.
        array([0.9, 1.1])
        """
        values, gradient, mean, square = arrays
        room, other = buffers["room"], buffers["other"]
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
        """The learning rate and epsilon with the corrections of both means at step t.

        Parameters
        ----------
        group : mapping
            The options of a group.
        steps : int
            The number of this step, t, from 1 on.

        Returns
        -------
        dict of str to float

        Examples
        --------
        >>> from autograd_lite import nn
        >>> optimiser = nn.Adam([nn.Parameter([1.0])], learning_rate=0.1)
        >>> numbers = [optimiser.numbers(optimiser.groups[0], steps) for steps in (1, 10, 10_000)]
        >>> [round(n["corrected_rate"], 4) for n in numbers]
        [0.0316, 0.0153, 0.1]
        """
        correction = math.sqrt(1 - group["beta2"] ** steps)
        rate = group["learning_rate"] * correction / (1 - group["beta1"] ** steps)
        return {
            **super().numbers(group, steps),
            "corrected_epsilon": group["epsilon"] * correction,
            "corrected_rate": rate,
        }

    def _with_decay(
        self, group: Group, values: np.ndarray, gradient: np.ndarray, room: np.ndarray
    ) -> np.ndarray:
        return _decayed(group, values, gradient, room)


class AdamW(Adam):
    """Adam, with `values *= 1 - learning_rate * weight_decay` before each step.

    Parameters
    ----------
    parameters : iterable of Parameter, or of dict
        The parameters to train; see `Optimiser` for groups.
    learning_rate : float
        The learning rate, above 0.
    beta1, beta2 : float
        The shares of the running means of gradients and of their squares that are kept at each
        step, from 0 to below 1.
    epsilon : float
        A small number added to the root.
    weight_decay : float
        The rate at which the values shrink.

    Notes
    -----
    Loshchilov and Hutter, "Decoupled weight decay regularization" (2017), arXiv:1711.05101,
    algorithm 2.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> W = nn.Parameter([1.0])
    >>> W.grad = [2.0]
    >>> nn.AdamW([W], learning_rate=0.1, weight_decay=0.5).step()
    >>> W
    Tensor([0.85], requires_grad=True)
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
        self, group: Group, values: np.ndarray, gradient: np.ndarray, room: np.ndarray
    ) -> np.ndarray:
        values *= 1 - group["learning_rate"] * group["weight_decay"]
        return gradient
