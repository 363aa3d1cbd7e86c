"""Layers. A column is a sample: X is (features, samples), and `Z = W X + b`."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_lite as al
from nn.initialisers import Seed, initialiser
from nn.module import Module, Parameter


@al.primitive
def affine(W: Any, X: Any, b: Any) -> Any:
    """`W X + b`, in one operation: one result instead of two, and one node of the graph."""
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

    Parameters
    ----------
    n_in, n_out : int
        The numbers of features that come in and go out.
    initialisation : {"he", "xavier", "small", "zeros"}
        How W starts (see `nn.initialisers`); b starts as zeros.
    seed : int or numpy.random.Generator, optional
        What the random numbers come from; the same seed gives the same weights.
    dtype : dtype
        Of both parameters.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        initialisation: str = "he",
        seed: Seed = None,
        dtype: Any = np.float64,
    ) -> None:
        if n_in < 1 or n_out < 1:
            raise ValueError(f"Linear({n_in}, {n_out}): both sizes must be at least 1")
        weights = initialiser(initialisation)((n_out, n_in), np.random.default_rng(seed))
        self.weight = Parameter(weights, dtype=dtype)
        self.bias = Parameter(np.zeros((n_out, 1)), dtype=dtype)

    def forward(self, X: Any) -> Any:
        """`W X + b` of shape (n_out, N), for X of shape (n_in, N)."""
        n_out, n_in = self.weight.shape
        X = X if isinstance(X, al.Tensor) else np.asarray(X)
        if X.ndim != 2 or X.shape[0] != n_in:
            hint = ""
            if X.ndim == 2 and X.shape[1] == n_in:
                hint = "; its rows look like the samples, so pass X.T"
            elif X.ndim > 2:
                hint = "; nn.flatten(images) makes columns of pictures"
            raise ValueError(
                f"Linear({n_in}, {n_out}) takes samples as columns, X of shape ({n_in}, N), but "
                f"X has shape {X.shape}{hint}"
            )
        return affine(self.weight, X, self.bias)

    def __repr__(self) -> str:
        n_out, n_in = self.weight.shape
        return f"Linear({n_in}, {n_out})"


class ReLU(Module):
    """max(0, Z), element by element; its derivative at exactly 0 is 1."""

    def forward(self, X: Any) -> Any:
        return al.relu(X)


class Sigmoid(Module):
    """1 / (1 + exp(-Z)), element by element."""

    def forward(self, X: Any) -> Any:
        return al.sigmoid(X)


class Tanh(Module):
    """tanh(Z), element by element."""

    def forward(self, X: Any) -> Any:
        return np.tanh(X)


class Softplus(Module):
    """log(1 + exp(Z)), element by element."""

    def forward(self, X: Any) -> Any:
        return al.softplus(X)


class Sequential(Module):
    """Layers one after the other.

    The parameters of its Linear layers are named W1, b1, W2, b2, ..., unless they have names.
    """

    def __init__(self, *layers: Module) -> None:
        for layer in layers:
            if not isinstance(layer, Module):
                raise TypeError(
                    f"Sequential takes modules, one after the other, not {type(layer).__name__}"
                )
        self.layers = layers
        linear = [layer for layer in layers if isinstance(layer, Linear)]
        for number, layer in enumerate(linear, start=1):
            for letter, parameter in (("W", layer.weight), ("b", layer.bias)):
                if parameter.name is None:
                    parameter.name = f"{letter}{number}"

    def forward(self, X: Any) -> Any:
        for layer in self.layers:
            X = layer(X)
        return X

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"
