"""How the weights of a layer start."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

Seed = int | np.random.Generator | None
Initialiser = Callable[[tuple[int, int], np.random.Generator], np.ndarray]


def he(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Normal with variance 2 / n_in, for layers that a ReLU follows (He et al., 2015)."""
    return rng.standard_normal(shape) * math.sqrt(2 / shape[1])


def xavier(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Normal with variance 2 / (n_in + n_out), for tanh and sigmoid (Glorot and Bengio, 2010)."""
    return rng.standard_normal(shape) * math.sqrt(2 / (shape[0] + shape[1]))


def small(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Uniform between 0 and 0.01. Nets of several layers hardly learn from it."""
    return rng.random(shape) * 0.01


def zeros(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Zeros: right for logistic regression; the units of a hidden layer would stay identical."""
    return np.zeros(shape)


INITIALISERS: dict[str, Initialiser] = {
    "he": he,
    "xavier": xavier,
    "small": small,
    "zeros": zeros,
}


def initialiser(name: str) -> Initialiser:
    """The initialiser called `name`."""
    if name not in INITIALISERS:
        raise ValueError(f"initialisation must be one of {sorted(INITIALISERS)}, not {name!r}")
    return INITIALISERS[name]
