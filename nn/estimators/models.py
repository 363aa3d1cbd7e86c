"""LogisticRegression, LinearRegression, DeepClassifier and DeepRegressor."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_lite.extend import Array, ArrayLike, compute, is_lazy

from ..initialisers import Initialiser
from ..layers import ELU, GELU, LeakyReLU, Linear, ReLU, Sequential, Sigmoid, SiLU, Softplus, Tanh
from ..module import Module
from .base import OPTIONS, Estimator
from .classifier import Classifier
from .regressor import Regressor
from .samples import Samples

ACTIVATIONS: dict[str, type[Module]] = {
    "elu": ELU,
    "gelu": GELU,
    "leaky_relu": LeakyReLU,
    "relu": ReLU,
    "sigmoid": Sigmoid,
    "silu": SiLU,
    "softplus": Softplus,
    "tanh": Tanh,
}

_RATE = """learning_rate : float
        The learning rate of the optimiser.
    """
_CLASS_WEIGHT = """class_weight : dict or "balanced", optional
        The weight of the samples of each class.
    """
_NET = """hidden_layer_sizes : sequence of int, or int
        The number of units of every hidden layer.
    activation : one of `nn.estimators.ACTIVATIONS`
        The activation function after each hidden layer.
    at_zero : float
        The derivative of "relu" at exactly 0, from 0 to 1: 0 as in PyTorch and many courses, or 1.
    initialisation : one of `nn.initialisers.INITIALISERS`, or a function
        The initial weights. "he" suits ReLU; "small", uniform between 0 and 0.01, stalls nets of
        several hidden layers. A function takes a shape (n_out, n_in) and a generator.
    """


@dataclass(kw_only=True, repr=False, eq=False)
class _Linear(Estimator):
    """An estimator of one linear layer, initially zero."""

    learning_rate: float | None = field(default=0.005, kw_only=False)
    max_iter: int = field(default=2000, kw_only=False)

    def _sizes(self, n_features: int, n_outputs: int) -> list[int]:
        return [n_features, n_outputs]

    def _network(self, sizes: list[int], dtype: DTypeLike, rng: np.random.Generator) -> Sequential:
        n_in, n_out = sizes
        layer = Linear(n_in, n_out, initialisation="zeros", dtype=dtype)
        for name, parameter in zip("Wb", layer.parameters(), strict=True):
            parameter.name = name
        return Sequential(layer)


@dataclass(kw_only=True, repr=False, eq=False)
class LogisticRegression(_Linear, Classifier):
    __doc__ = f"""Logistic regression, multinomial for more than two classes, from weights of zero.

    Parameters
    ----------
    {_RATE}{_CLASS_WEIGHT}{OPTIONS}
    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["no", "no", "yes", "yes"])
    >>> model = nn.LogisticRegression(learning_rate=1.0, max_iter=500).fit(X, y)
    >>> model.predict([[0.5], [2.5]])
    array(['no', 'yes'], dtype='<U3')
    """

    @property
    def coef_(self) -> np.ndarray:
        """The weights, (1, n_features) for two classes, (K, n_features) for more.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["no", "no", "yes", "yes"])
        >>> model = nn.LogisticRegression(learning_rate=1.0, max_iter=500).fit(X, y)
        >>> model.coef_.shape, bool(model.coef_[0, 0] > 0)
        ((1, 1), True)
        """
        return self.network_.parameters()[0].numpy()

    @property
    def intercept_(self) -> np.ndarray:
        """The biases, (1,) for two classes, (K,) for more.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["no", "no", "yes", "yes"])
        >>> model = nn.LogisticRegression(learning_rate=1.0, max_iter=500).fit(X, y)
        >>> (-model.intercept_ / model.coef_[0]).round(1)  # Both are equally probable there.
        array([1.5])
        """
        return self.network_.parameters()[1].numpy()[:, 0]


@dataclass(kw_only=True, repr=False, eq=False)
class LinearRegression(_Linear, Regressor):
    __doc__ = f"""Linear regression by gradient descent, from weights of zero.

    It is fastest with features of one scale. `numpy.linalg.lstsq` gives an exact solution.

    Parameters
    ----------
    learning_rate : float, optional
        The learning rate of the optimiser. None takes the largest that cannot overshoot: 1 over the
        largest second derivative of the loss in any direction, for the samples of the first call.
    {OPTIONS}
    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
    >>> model = nn.LinearRegression().fit(X, y)
    >>> model.coef_.round(3), round(model.intercept_, 3)
    (array([2.]), 1.0)
    """

    learning_rate: float | None = field(default=None, kw_only=False)
    optimiser: str = "nesterov"

    @property
    def coef_(self) -> np.ndarray:
        """The weights: (n_features,) for y of shape (N,), (k, n_features) for y of shape (N, k).

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> nn.LinearRegression().fit(X, np.array([1.0, 3.0, 6.0])).coef_.round(3)
        array([2., 5.])
        """
        weights = self.network_.parameters()[0].numpy()
        return weights[0] if self._is_row else weights

    @property
    def intercept_(self) -> Array:
        """The bias: a number for y of shape (N,), an array (k,) for y of shape (N, k).

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> round(nn.LinearRegression().fit(X, np.array([1.0, 3.0, 6.0])).intercept_, 3)
        1.0
        """
        biases = self.network_.parameters()[1].numpy()[:, 0]
        return float(biases[0]) if self._is_row else biases

    def _rate(self, samples: Samples, weights: ArrayLike) -> float:
        if self.learning_rate is not None:
            return self.learning_rate
        curvature = _curvature(samples.columns, weights, self.batch_size) / self.n_outputs_
        return 1 / max(curvature + self.alpha, 1e-300)


def _curvature(X: ArrayLike, weights: ArrayLike, batch_size: int | None) -> float:
    """The largest eigenvalue of the Hessian of mean((w X + b - y)^2).

    The power method approaches it from below. With batches it is a bound, by the longest sample.
    """
    if batch_size is not None:
        return 2 * (1 + float(np.max(np.sum(np.square(X.astype(float)), axis=0))))
    shares = np.ones(X.shape[1]) if weights is None else np.asarray(weights, dtype=float)
    shares = shares / shares.sum()
    product = _of_moments(X, shares) if is_lazy(X) else _of_samples(X, shares)
    direction = np.random.default_rng(0).normal(size=X.shape[0] + 1)
    length = 0.0
    for _ in range(_POWER_STEPS):
        direction = product(direction / (np.linalg.norm(direction) or 1.0))
        length = float(np.linalg.norm(direction))
    return 2 * length


def _of_samples(X: ArrayLike, shares: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The product of the mean of x x^T with a vector, x a sample extended by a 1."""

    def product(direction: np.ndarray) -> np.ndarray:
        along = shares * (np.asarray(X.T @ direction[:-1]) + direction[-1])
        return np.append(np.asarray(X @ along), along.sum())

    return product


def _of_moments(X: ArrayLike, shares: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The same product for lazy samples; with few features it reads them only once."""
    if X.shape[0] > _MOST_FEATURES:
        lazy = X.T

        def product(direction: np.ndarray) -> np.ndarray:
            along = shares * (lazy @ direction[:-1] + direction[-1])
            return np.append(*compute([X @ along, np.sum(along)]))

        return product
    weighted = X * shares
    moments, means = compute([np.matmul(weighted, X.T), np.sum(weighted, axis=1)])
    return np.block([[moments, means[:, np.newaxis]], [means, shares.sum()]]).dot


_MOST_FEATURES = 2048
"""Up to this many features their matrix of products is kept, 32 MiB at most."""

_POWER_STEPS = 30


@dataclass(kw_only=True, repr=False, eq=False)
class _Deep(Estimator):
    """An estimator of fully connected layers with an activation between any two."""

    hidden_layer_sizes: Sequence[int] | int = field(default=(20, 7, 5), kw_only=False)
    activation: str = "relu"
    at_zero: float = 1.0
    initialisation: str | Initialiser = "he"

    def _sizes(self, n_features: int, n_outputs: int) -> list[int]:
        hidden = self.hidden_layer_sizes
        hidden = [hidden] if isinstance(hidden, (int, np.integer)) else list(hidden)
        if not all(isinstance(n, (int, np.integer)) and n >= 1 for n in hidden):
            raise ValueError(
                f"hidden_layer_sizes must be whole numbers from 1, not {self.hidden_layer_sizes!r}"
            )
        return [n_features, *hidden, n_outputs]

    def _network(self, sizes: list[int], dtype: DTypeLike, rng: np.random.Generator) -> Sequential:
        activation = self._activation()
        layers: list[Module] = []
        for n_in, n_out in itertools.pairwise(sizes):
            layers += [activation()] if layers else []
            options: dict[str, Any] = {"initialisation": self.initialisation, "seed": rng}
            layers.append(Linear(n_in, n_out, dtype=dtype, **options))
        return Sequential(*layers)

    def _activation(self) -> Callable[[], Module]:
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f"activation must be one of {sorted(ACTIVATIONS)}, not {self.activation!r}"
            )
        if self.activation == "relu":
            return functools.partial(ReLU, self.at_zero)
        return ACTIVATIONS[self.activation]


@dataclass(kw_only=True, repr=False, eq=False)
class DeepClassifier(_Deep, Classifier):
    __doc__ = f"""A classifier of fully connected layers.

    Parameters
    ----------
    {_NET}{_RATE}{_CLASS_WEIGHT}{OPTIONS}
    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> X, y = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), np.array([0, 1, 1, 0])
    >>> model = nn.DeepClassifier([8], learning_rate=0.05, optimiser="adam", random_state=0)
    >>> model.fit(X, y).predict(X)
    array([0, 1, 1, 0])
    """


@dataclass(kw_only=True, repr=False, eq=False)
class DeepRegressor(_Deep, Regressor):
    __doc__ = f"""A regressor of fully connected layers.

    Parameters
    ----------
    {_NET}{_RATE}{OPTIONS}
    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> X = np.linspace(-1, 1, 50)[:, np.newaxis]
    >>> model = nn.DeepRegressor([20], random_state=0).fit(X, np.abs(X[:, 0]))
    >>> model.score(X, np.abs(X[:, 0])) > 0.9
    True
    """

    hidden_layer_sizes: Sequence[int] | int = field(default=(20, 20), kw_only=False)
    optimiser: str = "adam"
    max_iter: int = 500
