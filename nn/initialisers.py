"""Initial weights of layers.

A shape is (n_out, n_in) for a matrix or (n_out, n_in, height, width) for windows. "Fan in" is the
number of inputs of each output, "fan out" the number of outputs of each input.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from autograd_lite.extend import closest

from .spelling import answer_in

# Texts, because np.random is loaded when it is first used.
Seed: TypeAlias = "int | np.random.Generator | None"
Shape = tuple[int, ...]
Initialiser: TypeAlias = "Callable[[Shape, np.random.Generator], np.ndarray]"


def _fans(shape: Shape) -> tuple[int, int]:
    """The fan in and the fan out of a shape."""
    places = math.prod(shape[2:])
    return shape[1] * places, shape[0] * places


def _normal(variance: Callable[[int, int], float]) -> Initialiser:
    def initialise(shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return rng.standard_normal(shape) * math.sqrt(variance(*_fans(shape)))

    return initialise


def _uniform(variance: Callable[[int, int], float]) -> Initialiser:
    def initialise(shape: Shape, rng: np.random.Generator) -> np.ndarray:
        # A uniform number from -a to a has the variance a^2 / 3.
        limit = math.sqrt(3 * variance(*_fans(shape)))
        return rng.uniform(-limit, limit, shape)

    return initialise


def _he(fan_in: int, fan_out: int) -> float:
    return 2 / fan_in


def _xavier(fan_in: int, fan_out: int) -> float:
    return 2 / (fan_in + fan_out)


def _lecun(fan_in: int, fan_out: int) -> float:
    return 1 / fan_in


def _unit(fan_in: int, fan_out: int) -> float:
    return 1.0


def orthogonal(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """A matrix with orthonormal rows, or columns if it has more rows.

    Parameters
    ----------
    shape : tuple of int
        (n_out, n_in, ...); the axes after the first are treated as one.
    rng : numpy.random.Generator
        The source of the random numbers.

    Returns
    -------
    ndarray

    Notes
    -----
    Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks" (2013), arXiv:1312.6120.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> W = nn.initialisers.orthogonal((2, 3), np.random.default_rng(0))
    >>> np.allclose(W @ W.T, np.eye(2))
    True
    """
    rows, columns = shape[0], math.prod(shape[1:])
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    # These signs make q uniform among all orthogonal matrices: Mezzadri, "How to generate random
    # matrices from the classical compact groups" (2007), arXiv:math-ph/0609050.
    q *= np.where(np.diagonal(r) < 0, -1, 1)
    return (q if rows >= columns else q.T).reshape(shape)


def small(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Uniform numbers between 0 and 0.01, from which nets of several layers hardly learn.

    Parameters
    ----------
    shape : tuple of int
        (n_out, n_in, ...).
    rng : numpy.random.Generator
        The source of the random numbers.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> W = nn.initialisers.small((2, 3), np.random.default_rng(0))
    >>> bool(0 <= W.min() and W.max() < 0.01)
    True
    """
    return rng.random(shape) * 0.01


def zeros(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Zeros: right for logistic regression, while units of a hidden layer would stay identical.

    Parameters
    ----------
    shape : tuple of int
        (n_out, n_in, ...).
    rng : numpy.random.Generator
        Not used.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.initialisers.zeros((1, 2), np.random.default_rng(0))
    array([[0., 0.]])
    """
    return np.zeros(shape)


INITIALISERS: dict[str, Initialiser] = {
    "he": _normal(_he),
    "he_uniform": _uniform(_he),
    "xavier": _normal(_xavier),
    "xavier_uniform": _uniform(_xavier),
    "lecun": _normal(_lecun),
    "lecun_uniform": _uniform(_lecun),
    "normal": _normal(_unit),
    "orthogonal": orthogonal,
    "small": small,
    "zeros": zeros,
}
"""Initialisers by name: the variance, and the layers that it suits.

"he" has 2 / fan in and suits ReLU (He et al., "Delving deep into rectifiers", 2015,
arXiv:1502.01852), "xavier" 2 / (fan in + fan out) and suits tanh and sigmoid (Glorot and Bengio,
"Understanding the difficulty of training deep feedforward neural networks", 2010), "lecun" 1 / fan
in (LeCun et al., "Efficient BackProp", 1998); each draws normal or uniform numbers. "small" is the
`rand * 0.01` of courses."""


def initial(initialisation: str | Initialiser, shape: Shape, seed: Seed) -> np.ndarray:
    """Initial numbers of `shape` from an initialiser, given by name or as a function.

    Parameters
    ----------
    initialisation : str or callable
        One of `INITIALISERS`, or a function of a shape and a generator.
    shape : tuple of int
        (n_out, n_in, ...).
    seed : int or numpy.random.Generator, optional
        The source of the random numbers.

    Returns
    -------
    ndarray of the given shape

    Raises
    ------
    ValueError
        Where no initialiser has this name, or the function returns another shape.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> nn.initialisers.initial("he", (3, 2), seed=0).shape
    (3, 2)
    """
    if callable(initialisation):
        found = np.asarray(initialisation(shape, np.random.default_rng(seed)))
        if found.shape != shape:
            raise ValueError(
                f"the initialisation returned numbers of shape {found.shape}, expected {shape}"
            )
        return found
    if initialisation not in INITIALISERS:
        raise ValueError(
            f"initialisation must be one of {sorted(INITIALISERS)}, or a function of a shape and a "
            f"generator, not {initialisation!r}{closest(str(initialisation), INITIALISERS)}"
        )
    return INITIALISERS[initialisation](shape, np.random.default_rng(seed))


answer_in(__name__)
