"""Normalisation and dropout."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from autograd_lite.extend import Operand

from ..effects import follow, uniform
from ..initialisers import Seed
from ..module import Module, Parameter


class TooFewSamples(ValueError):
    """The error for a batch that is too small for the statistics of a layer."""


def _column(parameter: Operand, ndim: int) -> Operand:
    """A column (n, 1) reshaped to lie along the first of `ndim` axes."""
    return parameter if ndim == 2 else np.reshape(parameter, (-1,) + (1,) * (ndim - 1))


class BatchNorm(Module):
    """Normalises each feature to mean 0 and variance 1 over the samples; then scales and shifts.

    A feature of pictures (channels, height, width, N) is a channel. In training the mean and the
    variance are those of the batch, and `running_mean` and `running_variance` follow them; after
    `eval()` the running ones are used.

    Parameters
    ----------
    n_features : int
        The length of the first axis.
    momentum : float
        The share by which the running statistics move towards those of a batch, from 0 to 1.
        The running variance follows the unbiased variance of the batch.
    epsilon : float
        A small number added to the variance.
    dtype : dtype
        The dtype of the parameters and the running statistics.

    Raises
    ------
    ValueError
        For fewer than 1 feature, and for a momentum outside 0 to 1.

    Notes
    -----
    Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal
    covariate shift" (2015), arXiv:1502.03167.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> layer = nn.BatchNorm(1, epsilon=0.0)
    >>> layer(np.array([[1.0, 3.0]])).numpy()
    array([[-1.,  1.]])
    """

    buffers: tuple[str, ...] = ("running_mean", "running_variance")

    def __init__(
        self,
        n_features: int,
        *,
        momentum: float = 0.1,
        epsilon: float = 1e-5,
        dtype: DTypeLike = np.float64,
    ) -> None:
        if n_features < 1:
            raise ValueError(f"BatchNorm({n_features}): the size must be at least 1")
        if not 0 <= momentum <= 1:
            raise ValueError(f"BatchNorm: momentum must be from 0 to 1, not {momentum!r}")
        self.momentum = momentum
        self.epsilon = epsilon
        self.scale: Parameter = Parameter(np.ones((n_features, 1)), dtype=dtype)
        self.shift: Parameter = Parameter(np.zeros((n_features, 1)), dtype=dtype)
        self.running_mean: np.ndarray = np.zeros((n_features, 1), dtype)
        self.running_variance: np.ndarray = np.ones((n_features, 1), dtype)

    def forward(self, X: Operand) -> Operand:
        """The normalised X, of the shape of X: features first, samples last.

        In training the running statistics move towards those of X.

        Parameters
        ----------
        X : Tensor or array of shape (n_features, ..., N)
            Samples along the last axis.

        Returns
        -------
        Tensor

        Raises
        ------
        ValueError
            Where X has another number of features, or, in training, fewer than two numbers of each.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> layer = nn.BatchNorm(2)
        >>> Z = layer(np.array([[1.0, 3.0, 5.0], [10.0, 10.0, 40.0]])).numpy()
        >>> np.abs(Z.mean(axis=1)).round(3), Z.var(axis=1).round(3)
        (array([0., 0.]), array([1., 1.]))
        >>> layer.running_mean[:, 0].round(3)
        array([0.3, 2. ])
        """
        shape = np.shape(X)
        if len(shape) < 2 or shape[0] != len(self.scale):
            raise ValueError(
                f"{self!r} takes X of shape ({len(self.scale)}, ..., N), but X has shape {shape}"
            )
        if not self.training:
            mean, variance = self.running_mean, self.running_variance
            return self._normalised(X, *(_column(v, len(shape)) for v in (mean, variance)))
        axes = tuple(range(1, len(shape)))
        count = int(np.prod(shape[1:]))
        if count < 2:
            raise TooFewSamples(f"{self!r} needs more than one sample to train on, X has {shape}")
        mean = np.mean(X, axis=axes, keepdims=True)
        variance = np.var(X, axis=axes, keepdims=True)
        unbiased = variance * (count / (count - 1))
        follow(self, self.momentum, running_mean=mean, running_variance=unbiased)
        return self._normalised(X, mean, variance)

    def _normalised(self, X: Operand, mean: Operand, variance: Operand) -> Operand:
        ndim = len(np.shape(X))
        scale = _column(self.scale, ndim) / np.sqrt(variance + self.epsilon)
        return (X - mean) * scale + _column(self.shift, ndim)

    def __repr__(self) -> str:
        return f"BatchNorm({len(self.scale)})"


class LayerNorm(Module):
    """Normalises each sample to mean 0 and variance 1 over its features; then scales and shifts.

    Parameters
    ----------
    n_features : int
        The length of the first axis. The mean of a picture is over all its numbers; the scale and
        the shift are by channel.
    epsilon : float
        A small number added to the variance.
    dtype : dtype
        The dtype of both parameters.

    Raises
    ------
    ValueError
        For fewer than 1 feature.

    Notes
    -----
    Ba, Kiros and Hinton, "Layer normalization" (2016), arXiv:1607.06450.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> layer = nn.LayerNorm(2, epsilon=0.0)
    >>> layer(np.array([[1.0], [3.0]])).numpy()
    array([[-1.],
           [ 1.]])
    """

    def __init__(
        self, n_features: int, *, epsilon: float = 1e-5, dtype: DTypeLike = np.float64
    ) -> None:
        if n_features < 1:
            raise ValueError(f"LayerNorm({n_features}): the size must be at least 1")
        self.epsilon = epsilon
        self.scale: Parameter = Parameter(np.ones((n_features, 1)), dtype=dtype)
        self.shift: Parameter = Parameter(np.zeros((n_features, 1)), dtype=dtype)

    def forward(self, X: Operand) -> Operand:
        """The normalised X, of the shape of X: features first, samples last.

        Parameters
        ----------
        X : Tensor or array of shape (n_features, ..., N)
            Samples along the last axis.

        Returns
        -------
        Tensor

        Raises
        ------
        ValueError
            Where X has another number of features.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> Z = nn.LayerNorm(3)(np.array([[1.0, 10.0], [3.0, 10.0], [5.0, 40.0]])).numpy()
        >>> np.abs(Z.mean(axis=0)).round(3), Z.var(axis=0).round(3)
        (array([0., 0.]), array([1., 1.]))
        """
        shape = np.shape(X)
        if len(shape) < 2 or shape[0] != len(self.scale):
            raise ValueError(
                f"{self!r} takes X of shape ({len(self.scale)}, ..., N), but X has shape {shape}"
            )
        axes = tuple(range(len(shape) - 1))
        centred = X - np.mean(X, axis=axes, keepdims=True)
        variance = np.mean(centred * centred, axis=axes, keepdims=True)
        scale, shift = (_column(p, len(shape)) for p in (self.scale, self.shift))
        return centred / np.sqrt(variance + self.epsilon) * scale + shift

    def __repr__(self) -> str:
        return f"LayerNorm({len(self.scale)})"


class Dropout(Module):
    """Sets a random share of the numbers to 0 in training, and divides the others by 1 - share.

    After `eval()` the layer returns its input.

    Parameters
    ----------
    share : float
        The probability that a number becomes 0, from 0 to below 1.
    seed : int or numpy.random.Generator, optional
        The source of the random numbers. `.generator` is part of a checkpoint.

    Raises
    ------
    ValueError
        For a share below 0, or of 1 or more.

    Notes
    -----
    Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting" (2014).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> layer = nn.Dropout(0.5, seed=0)
    >>> sorted(set(layer(np.ones((4, 100))).ravel().tolist()))
    [0.0, 2.0]
    >>> layer.eval()(np.ones((1, 3)))
    array([[1., 1., 1.]])
    """

    def __init__(self, share: float = 0.5, *, seed: Seed = None) -> None:
        if not 0 <= share < 1:
            raise ValueError(f"Dropout: the share must be from 0 to below 1, not {share!r}")
        self.share = share
        self.generator: np.random.Generator = np.random.default_rng(seed)

    def forward(self, X: Operand) -> Operand:
        """X itself after `eval()`; in training X / (1 - share), with zeros at random places.

        Parameters
        ----------
        X : Tensor or array
            Numbers of any shape.

        Returns
        -------
        Tensor or array of the shape of X

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> layer = nn.Dropout(0.5, seed=0)
        >>> layer(np.ones((1, 8)))
        array([[2., 0., 0., 0., 2., 2., 2., 2.]])
        >>> layer.eval()(np.ones((1, 8)))
        array([[1., 1., 1., 1., 1., 1., 1., 1.]])
        """
        if not self.training or not self.share:
            return X
        kept = uniform(self.generator, np.shape(X)) >= self.share
        dtype = X.dtype if hasattr(X, "dtype") and X.dtype.kind == "f" else np.float64
        return X * (kept / np.asarray(1 - self.share, dtype)).astype(dtype, copy=False)

    def __repr__(self) -> str:
        return f"Dropout({self.share:g})"
