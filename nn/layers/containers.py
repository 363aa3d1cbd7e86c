"""Layers made of layers, and the layers between pictures and columns."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import overload

import numpy as np

from autograd_lite.extend import Operand

from ..module import Module
from .convolution import Conv2d
from .linear import Linear
from .sequences import Conv1d


class Sequential(Module):
    """Layers one after the other.

    `model[0]` is the first layer. `model[:2]` is a Sequential of the first two, with the same
    parameters. `len(model)` and iteration work as for a list. The parameters of its Linear, Conv1d
    and Conv2d layers are named W1, b1, W2, b2, ..., unless they have names.

    Parameters
    ----------
    *layers : Module
        The layers, in their order.

    Raises
    ------
    TypeError
        For a layer that is not a module.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> model = nn.Sequential(nn.Linear(2, 3, seed=0), nn.Tanh(), nn.Linear(3, 1, seed=1))
    >>> model(np.ones((2, 5))).shape
    (1, 5)
    >>> [name for name, _ in model.named_parameters()]
    ['layers.0.weight', 'layers.0.bias', 'layers.2.weight', 'layers.2.bias']
    """

    def __init__(self, *layers: Module) -> None:
        for layer in layers:
            if not isinstance(layer, Module):
                raise TypeError(
                    "Sequential takes modules, one after the other, not "
                    f"{type(layer).__name__}{_as_module(layer)}"
                )
        self.layers = layers
        weighted = [layer for layer in layers if isinstance(layer, (Linear, Conv1d, Conv2d))]
        for number, layer in enumerate(weighted, start=1):
            for letter, parameter in (("W", layer.weight), ("b", layer.bias)):
                if parameter is not None and parameter.name is None:
                    parameter.name = f"{letter}{number}"

    def forward(self, X: Operand) -> Operand:
        """The result of the last layer, where each layer takes that of the one before.

        Parameters
        ----------
        X : Tensor or array
            Samples along the last axis, as the first layer takes them.

        Returns
        -------
        Tensor or array

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> model = nn.Sequential(nn.Linear(2, 3, seed=0), nn.ReLU())
        >>> X = np.ones((2, 5))
        >>> np.array_equal(model(X), model[1](model[0](X)))
        True
        """
        for layer in self.layers:
            X = layer(X)
        return X

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.layers)

    @overload
    def __getitem__(self, index: slice) -> Sequential: ...

    @overload
    def __getitem__(self, index: int) -> Module: ...

    def __getitem__(self, index: int | slice) -> Module:
        if isinstance(index, slice):
            return Sequential(*self.layers[index])
        try:
            return self.layers[index]
        except IndexError:
            raise IndexError(f"there is no layer {index}: there are {len(self)} layers") from None

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"


def _as_module(layer: object) -> str:
    """The ending of a message about what is no module: how to write it as one."""
    if isinstance(layer, (list, tuple)):
        return "; write Sequential(*layers)"
    if isinstance(layer, type) and issubclass(layer, Module):
        return f"; write {layer.__name__}(...)"
    return "; functions have modules here, such as nn.Tanh()" if callable(layer) else ""


class Residual(Module):
    """X + F(X), where F is the layers one after the other.

    Parameters
    ----------
    *layers : Module
        Layers that keep the shape of X.

    Raises
    ------
    ValueError
        Where the result of the layers has another shape.

    Notes
    -----
    He et al., "Deep residual learning for image recognition" (2015), arXiv:1512.03385.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> layer = nn.Residual(nn.Linear(2, 2, initialisation="zeros"))
    >>> layer(np.array([[1.0], [2.0]])).numpy()
    array([[1.],
           [2.]])
    """

    def __init__(self, *layers: Module) -> None:
        self.path: Sequential = Sequential(*layers)

    def forward(self, X: Operand) -> Operand:
        """X + F(X), of the shape of X.

        Parameters
        ----------
        X : Tensor or array
            Samples along the last axis.

        Returns
        -------
        Tensor or array

        Raises
        ------
        ValueError
            Where F(X) does not have the shape of X.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> nn.Residual(nn.ReLU())(np.array([[-1.0, 2.0]]))
        array([[-1.,  4.]])
        """
        change = self.path(X)
        if np.shape(change) != np.shape(X):
            raise ValueError(
                f"Residual adds the output of its layers to their input, but the output has shape "
                f"{np.shape(change)}, and the input {np.shape(X)}"
            )
        return X + change

    def __repr__(self) -> str:
        return f"Residual({', '.join(map(repr, self.path.layers))})"


class Flatten(Module):
    """Flattens pictures of shape (channels, height, width, N) into columns (features, N).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.Flatten()(np.zeros((3, 4, 4, 10))).shape
    (48, 10)
    """

    def forward(self, X: Operand) -> Operand:
        """Columns (channels * height * width, N) of pictures X, one channel after the other.

        Parameters
        ----------
        X : Tensor or array of shape (channels, height, width, N)
            Samples along the last axis.

        Returns
        -------
        Tensor or array

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X = np.zeros((2, 2, 2, 1))
        >>> X[1] = 5.0
        >>> nn.Flatten()(X)[:, 0]
        array([0., 0., 0., 0., 5., 5., 5., 5.])
        """
        shape = np.shape(X)
        return np.reshape(X, (math.prod(shape[:-1]), shape[-1]))


class Unflatten(Module):
    """Reshapes columns (features, N) into pictures of shape `(*shape, N)`, as Conv2d takes them.

    `shape` is (channels, height, width). With `channels_last` the columns come from pictures of
    shape (height, width, channels), as most files hold them and `nn.flatten` flattens them.

    Parameters
    ----------
    *shape : int
        The shape of a sample.
    channels_last : bool
        Whether the columns come from pictures with the channels as their last axis.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.Unflatten(3, 4, 4)(np.zeros((48, 10))).shape
    (3, 4, 4, 10)
    """

    def __init__(self, *shape: int, channels_last: bool = False) -> None:
        self.shape = shape
        self.channels_last = channels_last

    def forward(self, X: Operand) -> Operand:
        """Pictures of shape `(*shape, N)` of columns X.

        Parameters
        ----------
        X : Tensor or array of shape (features, N)
            Samples along the last axis.

        Returns
        -------
        Tensor or array

        Raises
        ------
        ValueError
            Where X does not have as many rows as a sample has numbers.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X = np.arange(12.0)[:, np.newaxis]
        >>> nn.Unflatten(3, 2, 2)(X)[:, 0, 0, 0]
        array([0., 4., 8.])
        >>> nn.Unflatten(3, 2, 2, channels_last=True)(X)[:, 0, 0, 0]
        array([0., 1., 2.])
        """
        shape = np.shape(X)
        if len(shape) != 2 or shape[0] != math.prod(self.shape):
            raise ValueError(
                f"{self!r} takes columns of {math.prod(self.shape)} features, but X has shape "
                f"{shape}"
            )
        if not self.channels_last:
            return np.reshape(X, (*self.shape, shape[1]))
        channels, *places = self.shape
        pictures = np.reshape(X, (*places, channels, shape[1]))
        return np.moveaxis(pictures, -2, 0)

    def __repr__(self) -> str:
        last = ", channels_last=True" if self.channels_last else ""
        return f"Unflatten({', '.join(map(str, self.shape))}{last})"
