"""Activation functions: element-wise ones, and Softmax over the features."""

from __future__ import annotations

import math

import numpy as np

import autograd_lite as al
from autograd_lite.extend import Operand

from ..module import Module

_GELU = math.sqrt(2 / math.pi)


@al.primitive
def leaky_relu(z: Operand, slope: float = 0.01) -> Operand:
    """z where z >= 0, else slope * z."""
    return np.where(z >= 0, z, slope * z)


@al.primitive
def elu(z: Operand, alpha: float = 1.0) -> Operand:
    """z where z >= 0, else alpha * (exp(z) - 1)."""
    return np.where(z >= 0, z, alpha * np.expm1(np.minimum(z, 0)))


@al.primitive
def silu(z: Operand) -> Operand:
    """z * sigmoid(z) (Elfwing et al., arXiv:1702.03118)."""
    return z * al.sigmoid(z)


@al.primitive
def gelu(z: Operand) -> Operand:
    """z * Phi(z), Phi the normal distribution function, in the tanh approximation of the paper.

    Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016), arXiv:1606.08415, equation (2). The
    approximation differs from the exact function by at most 0.0005.
    """
    return 0.5 * z * (1 + np.tanh(_GELU * (z + 0.044715 * z**3)))


def _silu(g: Operand, z: Operand) -> Operand:
    a = al.sigmoid(z)
    return g * (a * (1 + z * (1 - a)))


def _gelu(g: Operand, z: Operand) -> Operand:
    t = np.tanh(_GELU * (z + 0.044715 * z**3))
    return g * (0.5 * (1 + t) + 0.5 * z * (1 - t * t) * _GELU * (1 + 0.134145 * z * z))


al.defvjp(leaky_relu, z=lambda g, z, slope: g * np.where(z >= 0, 1, slope))
al.defvjp(elu, z=lambda g, z, alpha: g * np.where(z >= 0, 1, alpha * np.exp(np.minimum(z, 0))))
al.defvjp(silu, z=_silu)
al.defvjp(gelu, z=_gelu)


class ReLU(Module):
    """max(0, Z), element by element.

    Parameters
    ----------
    at_zero : float
        The derivative at exactly 0, from 0 to 1: 1 as in `nn.by_hand`, 0 as in PyTorch and in
        many courses.

    Raises
    ------
    ValueError
        For `at_zero` outside of 0 to 1.

    Notes
    -----
    Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines" (2010).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.ReLU()(np.array([[-1.0, 2.0]]))
    array([[0., 2.]])
    """

    def __init__(self, at_zero: float = 1.0) -> None:
        if not 0 <= at_zero <= 1:
            raise ValueError(f"ReLU: at_zero must be from 0 to 1, not {at_zero!r}")
        self.at_zero: float = float(at_zero)

    def forward(self, X: Operand) -> Operand:
        """max(0, X), element by element.

        Parameters
        ----------
        X : Tensor or array of any shape
            The numbers, samples along the last axis.

        Returns
        -------
        Tensor or array of the shape of X

        Examples
        --------
        >>> import numpy as np
        >>> import autograd_lite as al
        >>> from autograd_lite import nn
        >>> X = al.Tensor([[-1.0, 0.0, 2.0]], requires_grad=True)
        >>> np.sum(nn.ReLU(at_zero=0)(X)).backward()
        >>> X.grad
        array([[0., 0., 1.]])
        """
        return al.relu(X, self.at_zero)

    def __repr__(self) -> str:
        return "ReLU()" if self.at_zero == 1 else f"ReLU(at_zero={self.at_zero:g})"


class LeakyReLU(Module):
    """Z where Z >= 0, else slope * Z; its derivative at exactly 0 is 1.

    Parameters
    ----------
    slope : float
        The slope below 0.

    Notes
    -----
    Maas et al., "Rectifier nonlinearities improve neural network acoustic models" (2013).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.LeakyReLU(0.1)(np.array([[-1.0, 2.0]]))
    array([[-0.1,  2. ]])
    """

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = slope

    def forward(self, X: Operand) -> Operand:
        """X where X >= 0, else slope * X.

        Parameters
        ----------
        X : Tensor or array of any shape
            The numbers, samples along the last axis.

        Returns
        -------
        Tensor or array of the shape of X

        Examples
        --------
        >>> import numpy as np
        >>> import autograd_lite as al
        >>> from autograd_lite import nn
        >>> X = al.Tensor([[-1.0, 0.0, 2.0]], requires_grad=True)
        >>> np.sum(nn.LeakyReLU(0.1)(X)).backward()
        >>> X.grad
        array([[0.1, 1. , 1. ]])
        """
        return leaky_relu(X, self.slope)

    def __repr__(self) -> str:
        return f"LeakyReLU({self.slope:g})"


class ELU(Module):
    """Z where Z >= 0, else alpha * (exp(Z) - 1), element by element.

    Parameters
    ----------
    alpha : float
        The function approaches -alpha far below 0.

    Notes
    -----
    Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential
    linear units" (2015), arXiv:1511.07289.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.ELU()(np.array([[-1000.0, 2.0]]))
    array([[-1.,  2.]])
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, X: Operand) -> Operand:
        """X where X >= 0, else alpha * (exp(X) - 1).

        Parameters
        ----------
        X : Tensor or array of any shape
            The numbers, samples along the last axis.

        Returns
        -------
        Tensor or array of the shape of X

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> nn.ELU(alpha=2.0)(np.array([[-np.log(2), 0.0, 1.0]])).round(6)
        array([[-1.,  0.,  1.]])
        """
        return elu(X, self.alpha)

    def __repr__(self) -> str:
        return f"ELU({self.alpha:g})"


class GELU(Module):
    """Z * Phi(Z), Phi the normal distribution function, in its tanh approximation.

    Notes
    -----
    Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016), arXiv:1606.08415, equation (2). The
    approximation differs from the exact function by at most 0.0005.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.GELU()(np.array([[-1000.0, 0.0, 1000.0]]))
    array([[  -0.,    0., 1000.]])
    """

    def forward(self, X: Operand) -> Operand:
        """X * Phi(X), in the tanh approximation.

        Parameters
        ----------
        X : Tensor or array of any shape
            The numbers, samples along the last axis.

        Returns
        -------
        Tensor or array of the shape of X

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> nn.GELU()(np.array([[-1.0, 1.0]])).round(3)
        array([[-0.159,  0.841]])
        """
        return gelu(X)


class SiLU(Module):
    """Z * sigmoid(Z), element by element.

    Notes
    -----
    Elfwing, Uchibe and Doya, "Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning" (2017), arXiv:1702.03118.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.SiLU()(np.array([[-1000.0, 0.0, 1000.0]]))
    array([[  -0.,    0., 1000.]])
    """

    def forward(self, X: Operand) -> Operand:
        """X * sigmoid(X), element by element.

        Parameters
        ----------
        X : Tensor or array of any shape
            The numbers, samples along the last axis.

        Returns
        -------
        Tensor or array of the shape of X

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> nn.SiLU()(np.array([[-1.0, 1.0]])).round(3)
        array([[-0.269,  0.731]])
        """
        return silu(X)


class Sigmoid(Module):
    """1 / (1 + exp(-Z)), element by element.

    See Also
    --------
    autograd_lite.sigmoid : The function.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.Sigmoid()(np.array([[-1000.0, 0.0, 1000.0]]))
    array([[0. , 0.5, 1. ]])
    """

    def forward(self, X: Operand) -> Operand:
        """1 / (1 + exp(-X)): the probability whose logit is X.

        Parameters
        ----------
        X : Tensor or array of any shape
            The numbers, samples along the last axis.

        Returns
        -------
        Tensor or array of the shape of X

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> odds = np.array([[1 / 3, 1.0, 3.0]])
        >>> nn.Sigmoid()(np.log(odds)).round(6)
        array([[0.25, 0.5 , 0.75]])
        """
        return al.sigmoid(X)


class Tanh(Module):
    """tanh(Z), element by element.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.Tanh()(np.array([[0.0, 1000.0]]))
    array([[0., 1.]])
    """

    def forward(self, X: Operand) -> Operand:
        """tanh(X), which is 2 sigmoid(2 X) - 1.

        Parameters
        ----------
        X : Tensor or array of any shape
            The numbers, samples along the last axis.

        Returns
        -------
        Tensor or array of the shape of X

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X = np.array([[-1.0, 0.0, 2.0]])
        >>> np.allclose(nn.Tanh()(X), 2 * nn.Sigmoid()(2 * X) - 1)
        True
        """
        return np.tanh(X)


class Softplus(Module):
    """log(1 + exp(Z)), element by element.

    See Also
    --------
    autograd_lite.softplus : The function.

    Notes
    -----
    Dugas et al., "Incorporating second-order functional knowledge for better option pricing"
    (2001).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.Softplus()(np.array([[-1000.0, 1000.0]]))
    array([[   0., 1000.]])
    """

    def forward(self, X: Operand) -> Operand:
        """log(1 + exp(X)), whose derivative is sigmoid(X).

        Parameters
        ----------
        X : Tensor or array of any shape
            The numbers, samples along the last axis.

        Returns
        -------
        Tensor or array of the shape of X

        Examples
        --------
        >>> import numpy as np
        >>> import autograd_lite as al
        >>> from autograd_lite import nn
        >>> X = al.Tensor([[0.0, 1000.0]], requires_grad=True)
        >>> np.sum(nn.Softplus()(X)).backward()
        >>> X.grad
        array([[0.5, 1. ]])
        """
        return al.softplus(X)


class Softmax(Module):
    """exp(Z) / sum(exp(Z)) over the features, the first axis.

    For training, prefer a loss from the logits.

    See Also
    --------
    cross_entropy : The loss, from the logits.

    Notes
    -----
    Bridle, "Probabilistic interpretation of feedforward classification network outputs" (1990).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.Softmax()(np.array([[1000.0, 0.0], [1000.0, 0.0]]))
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """

    def forward(self, X: Operand) -> Operand:
        """exp(X) / sum(exp(X)) of every sample: positive numbers that sum to 1.

        Parameters
        ----------
        X : Tensor or array of shape (features, ..., N)
            The numbers, samples along the last axis.

        Returns
        -------
        Tensor or array of the shape of X

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> nn.Softmax()(np.log([[1.0, 5.0], [3.0, 5.0]])).round(6)
        array([[0.25, 0.5 ],
               [0.75, 0.5 ]])
        """
        return al.softmax(X, axis=0)
