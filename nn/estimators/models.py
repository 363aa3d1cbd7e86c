"""LogisticRegression and DeepClassifier."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nn.estimators.base import Classifier, linear_layers
from nn.layers import ELU, GELU, LeakyReLU, ReLU, Sequential, Sigmoid, SiLU, Softplus, Tanh
from nn.module import Module

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

COMMON = """learning_rate : float
        The step of the optimiser.
    max_iter : int
        How many epochs `fit` trains; with all samples at once as many updates.
    optimiser : {"sgd", "adam", "adamw", "rmsprop", "adagrad"}
    batch_size : int, optional
        Samples per update; None takes all.
    alpha : float
        The penalty alpha / 2 * sum(W^2) of the weights. Where it stands beside a mean over N
        samples, scikit-learn's C is 1 / (alpha N).
    tol, n_iter_no_change : float and int
        Stop when the loss has not fallen by more than `tol` for so many epochs; None never does.
    early_stopping, validation_fraction : bool and float
        Hold out this share of each class, and stop by its loss; the best weights are kept.
    class_weight : dict or "balanced", optional
        How much the samples of each class count.
    warm_start : bool
        A second `fit` goes on from the first.
    random_state : int, numpy.random.Generator or RandomState, optional
        What the random numbers come from; with the same seed `fit` gives the same numbers.
    compile : bool
        Run each update as one compiled program; see `nn.fit`.
    verbose : bool
        Show a progress bar on standard error.
    """


class LogisticRegression(Classifier):
    __doc__ = f"""Logistic regression, of more than two classes multinomial, from weights of zero.

    Parameters
    ----------
    {COMMON}"""

    def __init__(
        self,
        learning_rate: float = 0.005,
        max_iter: int = 2000,
        *,
        optimiser: str = "sgd",
        batch_size: int | None = None,
        alpha: float = 0.0,
        tol: float | None = None,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        class_weight: Any = None,
        warm_start: bool = False,
        random_state: Any = None,
        compile: bool = False,
        verbose: bool = False,
    ) -> None:
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.optimiser = optimiser
        self.batch_size = batch_size
        self.alpha = alpha
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.random_state = random_state
        self.compile = compile
        self.verbose = verbose

    def _sizes(self, n_features: int, n_classes: int) -> list[int]:
        return [n_features, 1 if n_classes == 2 else n_classes]

    def _network(self, sizes: list[int], dtype: Any, rng: np.random.Generator) -> Sequential:
        network = linear_layers(sizes, ReLU, initialisation="zeros", dtype=dtype)
        for name, parameter in zip("Wb", network.parameters(), strict=True):
            parameter.name = name
        return network

    @property
    def coef_(self) -> np.ndarray:
        """The weights, (1, n_features) of two classes, (K, n_features) of more."""
        return self.network_.parameters()[0].numpy()

    @property
    def intercept_(self) -> np.ndarray:
        """The biases, (1,) of two classes, (K,) of more."""
        return self.network_.parameters()[1].numpy()[:, 0]


class DeepClassifier(Classifier):
    __doc__ = f"""A net of fully connected layers that tells classes apart.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, or int
        The number of units of every hidden layer.
    activation : one of `nn.estimators.ACTIVATIONS`
        What follows each hidden layer.
    initialisation : one of `nn.initialisers.INITIALISERS`
        How the weights start. "he" suits ReLU; "small", uniform between 0 and 0.01, stalls nets of
        several hidden layers.
    {COMMON}"""

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] | int = (20, 7, 5),
        *,
        activation: str = "relu",
        initialisation: str = "he",
        learning_rate: float = 0.01,
        max_iter: int = 1000,
        optimiser: str = "sgd",
        batch_size: int | None = None,
        alpha: float = 0.0,
        tol: float | None = None,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        class_weight: Any = None,
        warm_start: bool = False,
        random_state: Any = None,
        compile: bool = False,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.initialisation = initialisation
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.optimiser = optimiser
        self.batch_size = batch_size
        self.alpha = alpha
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.random_state = random_state
        self.compile = compile
        self.verbose = verbose

    def _sizes(self, n_features: int, n_classes: int) -> list[int]:
        hidden = self.hidden_layer_sizes
        hidden = [hidden] if isinstance(hidden, (int, np.integer)) else list(hidden)
        if not all(isinstance(n, (int, np.integer)) and n >= 1 for n in hidden):
            raise ValueError(
                f"hidden_layer_sizes must be whole numbers from 1, not {self.hidden_layer_sizes!r}"
            )
        return [n_features, *hidden, 1 if n_classes == 2 else n_classes]

    def _network(self, sizes: list[int], dtype: Any, rng: np.random.Generator) -> Sequential:
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f"activation must be one of {sorted(ACTIVATIONS)}, not {self.activation!r}"
            )
        activation = ACTIVATIONS[self.activation]
        return linear_layers(
            sizes, activation, initialisation=self.initialisation, seed=rng, dtype=dtype
        )
