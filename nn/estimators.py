"""Classifiers with scikit-learn's conventions: samples first, `fit`, `predict`, `score`."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from tqdm.auto import tqdm

import autograd_lite as al
from nn.data import flatten
from nn.initialisers import Seed
from nn.layers import Linear, ReLU, Sequential, Sigmoid, Softplus, Tanh
from nn.losses import binary_cross_entropy_with_logits
from nn.module import Module
from nn.optimisers import SGD

ACTIVATIONS: dict[str, type[Module]] = {
    "relu": ReLU,
    "sigmoid": Sigmoid,
    "softplus": Softplus,
    "tanh": Tanh,
}


class BinaryClassifier:
    """What the classifiers of two classes share: a network of logits, trained by full batches."""

    max_iter: int
    learning_rate: float
    verbose: bool

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's parameters."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> Self:
        """Change parameters of the constructor; they take effect at the next `fit`."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ValueError(f"{type(self).__name__} has no parameter {name!r}: {list(known)}")
            setattr(self, name, value)
        return self

    def _sizes(self, n_features: int) -> list[int]:
        """The number of units of every layer, from the features to the one logit."""
        raise NotImplementedError

    def _network(self, n_features: int, dtype: Any) -> Sequential:
        """A new network that gives a logit per column."""
        raise NotImplementedError

    def fit(self, X: Any, y: Any) -> Self:
        """Train by plain gradient descent on the mean log-loss over all samples.

        Parameters
        ----------
        X : array of shape (N, ...)
            Samples first: features, or pictures, which are flattened. float32 stays float32,
            everything else is computed in float64.
        y : array of shape (N,)
            Labels of two classes; the greater one is the positive class.

        Returns
        -------
        self
            With `classes_`, `n_features_in_`, `n_iter_`, `network_`, and `loss_curve_`: the cost
            before each update.
        """
        if self.max_iter < 1:
            raise ValueError(f"max_iter must be at least 1, not {self.max_iter!r}")
        columns = _columns(X)
        classes, Y = _targets(y, columns.shape[1], columns.dtype)
        network = self._network(columns.shape[0], columns.dtype)
        optimiser = SGD(network.parameters(), self.learning_rate)
        self.classes_, self.n_features_in_, self.network_ = classes, columns.shape[0], network
        self.loss_curve_: list[float] = []
        bar = tqdm(range(self.max_iter), disable=not self.verbose, desc=type(self).__name__)
        for _ in bar:
            cost = binary_cross_entropy_with_logits(self.network_(columns), Y)
            cost.backward()
            optimiser.step()
            optimiser.zero_grad()
            self.loss_curve_.append(cost.item())
            if self.verbose:
                bar.set_postfix(cost=f"{self.loss_curve_[-1]:.6f}", refresh=False)
        self.n_iter_ = self.max_iter
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """The logit of the positive class for each sample, of shape (N,)."""
        if not hasattr(self, "network_"):
            raise ValueError(f"this {type(self).__name__} is not fitted yet; call fit(X, y) first")
        columns = _columns(X)
        if columns.shape[0] != self.n_features_in_:
            raise ValueError(
                f"X has {columns.shape[0]} features per sample, but this {type(self).__name__} "
                f"was fitted with {self.n_features_in_}"
            )
        with al.no_grad():
            return self.network_(columns).numpy()[0]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probabilities of both classes, in the order of `classes_`, of shape (N, 2)."""
        positive = al.sigmoid(self.decision_function(X))
        return np.stack([1 - positive, positive], axis=1)

    def predict(self, X: Any) -> np.ndarray:
        """The more probable class of each sample, of shape (N,)."""
        positive = self.decision_function(X) > 0
        return self.classes_[positive.astype(np.intp)]

    def score(self, X: Any, y: Any) -> float:
        """The share of samples whose class is predicted right."""
        predicted = self.predict(X)
        labels = np.asarray(y)
        if labels.shape != predicted.shape:
            raise ValueError(
                f"y has shape {labels.shape}, but X has {predicted.shape[0]} samples; "
                f"expected {predicted.shape}"
            )
        return float(np.mean(predicted == labels))

    def state_dict(self) -> dict[str, np.ndarray]:
        """The values of the network's parameters by path."""
        if not hasattr(self, "network_"):
            raise ValueError(f"this {type(self).__name__} is not fitted yet, so it has no state")
        return self.network_.state_dict()

    def describe(self) -> dict[str, Any]:
        """What a checkpoint says beside the parameters."""
        return {
            "model": type(self).__name__,
            "classes": self.classes_.tolist(),
            "n_features_in": self.n_features_in_,
            "dtype": str(self.network_.parameters()[0].dtype),
            "layout": repr(self.network_),
        }

    def expected_state(
        self, description: Mapping[str, Any]
    ) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
        """The shape and dtype of every parameter of a network for what `description` tells."""
        n_features, dtype, _ = _understood(description)
        sizes = self._sizes(n_features)
        expected: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
        for i, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
            # In the network an activation stands between any two linear layers.
            expected[f"layers.{2 * i}.weight"] = ((n_out, n_in), dtype)
            expected[f"layers.{2 * i}.bias"] = ((n_out, 1), dtype)
        return expected

    def load_state_dict(
        self, state: Mapping[str, np.ndarray], description: Mapping[str, Any]
    ) -> None:
        """Become the fitted classifier that `state_dict()` and `describe()` were taken from."""
        n_features, dtype, classes = _understood(description)
        network = self._network(n_features, dtype)
        network.load_state_dict(state)
        self.network_ = network
        self.n_features_in_ = n_features
        self.classes_ = classes

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        changed = {k: v for k, v in self.get_params().items() if not _same(v, defaults[k].default)}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in changed.items())})"


class LogisticRegression(BinaryClassifier):
    """Logistic regression of two classes, from weights of zero.

    Parameters
    ----------
    learning_rate : float
        The step of gradient descent.
    max_iter : int
        How many updates `fit` makes, each from all samples.
    verbose : bool
        Show a progress bar on standard error.
    """

    def __init__(
        self, learning_rate: float = 0.005, max_iter: int = 2000, *, verbose: bool = False
    ) -> None:
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.verbose = verbose

    def _sizes(self, n_features: int) -> list[int]:
        return [n_features, 1]

    def _network(self, n_features: int, dtype: Any) -> Sequential:
        layer = Linear(n_features, 1, initialisation="zeros", dtype=dtype)
        layer.weight.name, layer.bias.name = "W", "b"
        return Sequential(layer)


class DeepClassifier(BinaryClassifier):
    """A net of fully connected layers that tells two classes apart.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, or int
        The number of units of every hidden layer.
    activation : {"relu", "sigmoid", "softplus", "tanh"}
        What follows each hidden layer.
    initialisation : {"he", "xavier", "small", "zeros"}
        How the weights start. "he" suits ReLU; "small", uniform between 0 and 0.01, stalls nets of
        several hidden layers.
    learning_rate : float
        The step of gradient descent.
    max_iter : int
        How many updates `fit` makes, each from all samples.
    random_state : int or numpy.random.Generator, optional
        What the random numbers come from; with the same seed `fit` gives the same numbers.
    verbose : bool
        Show a progress bar on standard error.
    """

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] | int = (20, 7, 5),
        *,
        activation: str = "relu",
        initialisation: str = "he",
        learning_rate: float = 0.01,
        max_iter: int = 1000,
        random_state: Seed = None,
        verbose: bool = False,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.initialisation = initialisation
        self.learning_rate = learning_rate
        self.max_iter = max_iter
        self.random_state = random_state
        self.verbose = verbose

    def _sizes(self, n_features: int) -> list[int]:
        hidden = self.hidden_layer_sizes
        return [n_features, *([hidden] if isinstance(hidden, int) else hidden), 1]

    def _network(self, n_features: int, dtype: Any) -> Sequential:
        if self.activation not in ACTIVATIONS:
            raise ValueError(
                f"activation must be one of {sorted(ACTIVATIONS)}, not {self.activation!r}"
            )
        rng = np.random.default_rng(self.random_state)
        layers: list[Module] = []
        for n_in, n_out in itertools.pairwise(self._sizes(n_features)):
            if layers:
                layers.append(ACTIVATIONS[self.activation]())
            layers.append(
                Linear(n_in, n_out, initialisation=self.initialisation, seed=rng, dtype=dtype)
            )
        return Sequential(*layers)


def _columns(X: Any) -> np.ndarray:
    """Samples first, (N, ...), as the columns of a matrix of floats, checked."""
    array = np.asarray(X)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"X must be real numbers, and it has dtype {array.dtype}")
    if array.ndim < 2:
        raise ValueError(
            f"X must have a sample per row, of shape (N, ...), and it has shape {array.shape}"
        )
    if array.shape[0] == 0 or array.size == 0:
        raise ValueError(f"X is empty: it has shape {array.shape}")
    if array.dtype != np.float32:
        array = array.astype(np.float64, copy=False)
    if not np.isfinite(array).all():
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"X[{', '.join(map(str, first))}] is {array[first]}; X must be finite")
    return np.asarray(flatten(array))


def _targets(y: Any, n_samples: int, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """The two classes in `y`, and a row of 1 where the greater one stands."""
    labels = np.asarray(y)
    if labels.shape != (n_samples,):
        raise ValueError(
            f"y has shape {labels.shape}, but X has {n_samples} samples; expected ({n_samples},)"
        )
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        raise ValueError(f"y[{int(np.argmax(np.isnan(labels)))}] is NaN; labels must be known")
    classes = np.unique(labels)
    if len(classes) != 2:
        found = ", ".join(repr(c) for c in classes[:5].tolist())
        raise ValueError(
            f"y must hold two classes, and it holds {len(classes)}: {found}"
            + (", ..." if len(classes) > 5 else "")
        )
    return classes, (labels == classes[1]).astype(dtype).reshape(1, n_samples)


def _understood(description: Mapping[str, Any]) -> tuple[int, np.dtype[Any], np.ndarray]:
    """The number of features, the dtype and the classes that a checkpoint tells of."""
    n_features = description.get("n_features_in")
    classes = description.get("classes")
    if type(n_features) is not int or n_features < 1:
        raise ValueError(f"the checkpoint tells of {n_features!r} features, which is no number")
    if not isinstance(classes, list) or len(classes) != 2:
        raise ValueError(f"the checkpoint tells of the classes {classes!r}, expected two")
    if description.get("dtype") not in ("float32", "float64"):
        raise ValueError(f"the checkpoint tells of the dtype {description.get('dtype')!r}")
    return n_features, np.dtype(description["dtype"]), np.array(classes)


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and value == default)
