"""Fully connected layers: `Z = W X + b`, a column per sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

import autograd_lite as al
from autograd_lite.extend import Operand

from ..initialisers import Initialiser, Seed, initial
from ..module import Module, Parameter, as_array, has_values


@al.primitive
def affine(W: Operand, X: Operand, b: Operand) -> Operand:
    """`W X + b` as one operation: one result instead of two, and one node of the graph.

    Parameters
    ----------
    W : Tensor or array_like of shape (n_out, n_in)
        The weights.
    X : Tensor or array_like of shape (n_in, N)
        A column per sample.
    b : Tensor or array_like of shape (n_out, 1)
        The bias.

    Returns
    -------
    Tensor or ndarray of shape (n_out, N)

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.layers.affine(np.ones((1, 2)), np.ones((2, 3)), np.array([[10.0]]))
    array([[12., 12., 12.]])
    """
    Z = np.dot(W, X)
    if isinstance(Z, np.ndarray) and Z.dtype == b.dtype:
        Z += b
        return Z
    return Z + b


al.defvjp(
    affine,
    W=lambda g, X: np.dot(g, X.T),
    X=lambda g, W: np.dot(W.T, g),
    b=lambda g: g,
)


class Linear(Module):
    """`Z = W X + b`, with `.weight` W of shape (n_out, n_in) and `.bias` b of shape (n_out, 1).

    Without bias it is `Z = W X`, and `.bias` is None.

    Parameters
    ----------
    n_in, n_out : int
        The numbers of input and output features.
    bias : bool
        Whether the layer adds b.
    initialisation : str or callable
        The initial W: one of `nn.initialisers.INITIALISERS`, or a function of its shape and a
        generator. b starts as zeros.
    seed : int or numpy.random.Generator, optional
        The source of the random numbers; the same seed gives the same weights.
    dtype : dtype
        The dtype of both parameters.

    Raises
    ------
    ValueError
        Where a size is below 1, or X does not have `n_in` rows.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> layer = nn.Linear(2, 1, initialisation="zeros")
    >>> layer(np.ones((2, 3))).numpy()
    array([[0., 0., 0.]])
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        bias: bool = True,
        *,
        initialisation: str | Initialiser = "he",
        seed: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        if n_in < 1 or n_out < 1:
            raise ValueError(f"Linear({n_in}, {n_out}): both sizes must be at least 1")
        self.weight: Parameter = Parameter(
            initial(initialisation, (n_out, n_in), seed), dtype=dtype
        )
        self.bias: Parameter | None = Parameter(np.zeros((n_out, 1)), dtype=dtype) if bias else None

    def forward(self, X: Operand) -> Operand:
        """`W X + b` of shape (n_out, N), for X of shape (n_in, N).

        Parameters
        ----------
        X : Tensor or array of shape (n_in, N)
            Samples along the last axis.

        Returns
        -------
        Tensor

        Raises
        ------
        ValueError
            Where X has another shape; the message says what to pass instead.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> layer = nn.Linear(2, 1)
        >>> layer.weight.data[...], layer.bias.data[...] = [[1.0, -1.0]], 10.0
        >>> layer(np.array([[1.0, 2.0, 3.0], [0.0, 2.0, 4.0]])).numpy()
        array([[11., 10.,  9.]])
        """
        weight, bias = self.weight, self.bias
        X = as_array(X)
        shape, n_in = X.shape, weight.shape[1]
        if len(shape) != 2 or shape[0] != n_in:
            hint = ""
            if len(shape) == 2 and shape[1] == n_in:
                hint = "; its rows look like the samples, so pass X.T"
            elif len(shape) > 2:
                hint = "; nn.flatten(images) makes columns of pictures"
            raise ValueError(
                f"Linear({n_in}, {weight.shape[0]}) takes samples as columns, X of shape "
                f"({n_in}, N), but X has shape {shape}{hint}"
            )
        return np.dot(weight, X) if bias is None else affine(weight, X, bias)

    def __repr__(self) -> str:
        n_out, n_in = self.weight.shape
        return f"Linear({n_in}, {n_out}{'' if self.bias is not None else ', bias=False'})"


class Embedding(Module):
    """Column i of `.weight` for each whole number i, as Linear computes it from one-hot columns.

    `.weight` has shape (n_out, n_symbols).

    Parameters
    ----------
    n_symbols, n_out : int
        The number of different symbols, and the number of features of each.
    initialisation, seed, dtype
        As for Linear; "normal" has variance 1.

    Raises
    ------
    ValueError, TypeError
        Where X is not an array of whole numbers, or a number is out of range.

    Notes
    -----
    Bengio et al., "A neural probabilistic language model" (2003).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> layer = nn.Embedding(10, 4, seed=0)
    >>> layer(np.array([3, 1, 3])).shape
    (4, 3)
    """

    def __init__(
        self,
        n_symbols: int,
        n_out: int,
        *,
        initialisation: str | Initialiser = "normal",
        seed: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        if n_symbols < 1 or n_out < 1:
            raise ValueError(f"Embedding({n_symbols}, {n_out}): both sizes must be at least 1")
        self.weight: Parameter = Parameter(
            initial(initialisation, (n_out, n_symbols), seed), dtype=dtype
        )

    def forward(self, X: Operand) -> Operand:
        """Features (n_out, ..., N) of whole numbers X from 0 to n_symbols - 1 of shape (..., N).

        Parameters
        ----------
        X : Tensor or array
            Samples along the last axis.

        Returns
        -------
        Tensor

        Raises
        ------
        TypeError
            Where X does not hold whole numbers.
        ValueError
            Where a number is out of range.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> layer = nn.Embedding(3, 2)
        >>> layer.weight.data[...] = [[0.0, 1.0, 2.0], [10.0, 11.0, 12.0]]
        >>> layer(np.array([2, 0, 2])).numpy()
        array([[ 2.,  0.,  2.],
               [12., 10., 12.]])
        """
        n_out, n_symbols = self.weight.shape
        X = as_array(X.data if isinstance(X, al.Tensor) else X)
        if X.dtype.kind not in "iu":
            raise TypeError(f"Embedding takes whole numbers, and X has dtype {X.dtype}")
        if has_values(X) and X.size and not (0 <= X.min() and X.max() < n_symbols):
            wrong = X.min() if X.min() < 0 else X.max()
            raise ValueError(f"Embedding of {n_symbols} symbols got the number {wrong}")
        return self.weight[:, X]

    def __repr__(self) -> str:
        n_out, n_symbols = self.weight.shape
        return f"Embedding({n_symbols}, {n_out})"
