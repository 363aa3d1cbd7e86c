"""What the classifiers share: scikit-learn's conventions, and training by `nn.fit`."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np

import autograd_lite as al
from autograd_lite.lazy import is_lazy
from autograd_lite.printable import quoted
from nn.estimators.validation import (
    class_numbers,
    classes_in,
    columns,
    labels,
    not_fitted,
    sample_weights,
)
from nn.initialisers import Seed
from nn.layers import Linear, Sequential
from nn.losses import binary_cross_entropy_with_logits, cross_entropy
from nn.module import Module
from nn.optimisers import SGD, Adagrad, Adam, AdamW, Optimiser, RMSProp
from nn.training import fit

OPTIMISERS: dict[str, Callable[..., Optimiser]] = {
    "adagrad": Adagrad,
    "adam": Adam,
    "adamw": AdamW,
    "rmsprop": RMSProp,
    "sgd": SGD,
}


class Classifier:
    """A network of logits that tells classes apart, trained by gradient descent.

    It has scikit-learn's methods, and works in its pipelines and searches; nothing of scikit-learn
    is imported unless it asks.
    """

    learning_rate: float
    max_iter: int
    optimiser: str
    batch_size: int | None
    alpha: float
    tol: float | None
    n_iter_no_change: int
    early_stopping: bool
    validation_fraction: float
    class_weight: Any
    warm_start: bool
    random_state: Any
    compile: bool
    verbose: bool

    _estimator_type = "classifier"

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

    def _sizes(self, n_features: int, n_classes: int) -> list[int]:
        """The number of units of every layer, from the features to the logits."""
        raise NotImplementedError

    def _network(self, sizes: list[int], dtype: Any, rng: np.random.Generator) -> Sequential:
        """A new network of these sizes."""
        raise NotImplementedError

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on samples and their classes.

        Parameters
        ----------
        X : array of shape (N, ...), or data frame
            Samples first: features, or pictures, which are flattened. float32 stays float32,
            everything else is computed in float64. A Dask array, cut along the samples, is read
            anew, block by block, for each update; call `X.persist()` where it fits in memory.
        y : array of shape (N,)
            Labels of two or more classes.
        sample_weight : array of shape (N,), optional
            How much each sample counts.

        Returns
        -------
        self
            With `classes_`, `n_features_in_`, `n_iter_`, `network_`, `loss_curve_`: the mean loss
            of each epoch, and, with early stopping, `validation_loss_curve_`.
        """
        self._check()
        goes_on = self.warm_start and hasattr(self, "network_")
        cols = columns(self, X, reset=not goes_on)
        found = labels(y, cols)
        classes = classes_in(found)
        if goes_on and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"with warm_start=True the classes must stay {self.classes_.tolist()}, and y holds "
                f"{classes.tolist()}"
            )
        if len(classes) < 2:
            raise ValueError(
                f"y must hold two or more classes, and it holds 1 class: {classes.tolist()[0]!r}"
            )
        if not goes_on:
            self._start(classes, cols.dtype)
        self._train(cols, found, sample_weight, int(self.max_iter))
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch, going on from where it is.

        The first call needs all `classes` that will occur, unless y holds them all.
        """
        self._check()
        first = not hasattr(self, "network_")
        cols = columns(self, X, reset=first)
        found = labels(y, cols)
        if first:
            given = classes_in(found if classes is None else np.asarray(classes))
            if len(given) < 2:
                raise ValueError(
                    "y must hold two or more classes, or classes= say which there are; it holds "
                    f"1 class: {given.tolist()[0]!r}"
                )
            self._start(given, cols.dtype)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                f"classes= must stay {self.classes_.tolist()}, and it is {np.unique(classes)}"
            )
        self._train(cols, found, sample_weight, 1)
        return self

    def _check(self) -> None:
        if not isinstance(self.max_iter, (int, np.integer)) or self.max_iter < 1:
            raise ValueError(f"max_iter must be at least 1, a whole number, not {self.max_iter!r}")
        if self.optimiser not in OPTIMISERS:
            raise ValueError(
                f"optimiser must be one of {sorted(OPTIMISERS)}, not {self.optimiser!r}"
            )
        if not self.alpha >= 0:
            raise ValueError(f"alpha must be from 0 on, not {self.alpha!r}")

    def _start(self, classes: np.ndarray, dtype: Any) -> None:
        """A new network and optimiser for these classes."""
        rng = generator(self.random_state)
        network = self._network(self._sizes(self.n_features_in_, len(classes)), dtype, rng)
        self.classes_, self.network_ = classes, network
        self._seed = int(rng.integers(2**31))
        weights = [p for path, p in network.named_parameters() if path.endswith("weight")]
        others = [p for p in network.parameters() if all(p is not w for w in weights)]
        # The penalty alpha / 2 * sum(W^2) is on the weights only.
        groups = [{"parameters": weights, "weight_decay": self.alpha}]
        groups += [{"parameters": others, "weight_decay": 0.0}] if others else []
        self._optimiser = OPTIMISERS[self.optimiser](groups, self.learning_rate)
        self.loss_curve_: list[float] = []
        self.validation_loss_curve_: list[float] = []
        self.n_iter_ = 0

    def _train(self, cols: np.ndarray, found: np.ndarray, given: Any, epochs: int) -> None:
        numbers = class_numbers(found, self.classes_)
        weights = sample_weights(given, self.class_weight, numbers, self.classes_, cols.dtype)
        data, validation = (cols, self._targets(numbers, cols.dtype), weights), None
        if self.early_stopping:
            data, validation = self._held_out(*data)
        stops = self.early_stopping or self.tol is not None
        history = fit(
            self.network_,
            *data[:2],
            sample_weight=data[2],
            validation=validation,
            loss=binary_cross_entropy_with_logits if len(self.classes_) == 2 else cross_entropy,
            optimiser=self._optimiser,
            epochs=epochs,
            batch_size=self.batch_size,
            seed=self._seed + self.n_iter_,
            patience=self.n_iter_no_change if stops else None,
            tolerance=self.tol or 0.0,
            # What goes on from trained weights may well have small gradients.
            advice=not self.n_iter_,
            compile=bool(self.compile),
            verbose=bool(self.verbose),
        )
        self.loss_curve_ += history["loss"]
        if validation is not None:
            self.validation_loss_curve_ += history["validation_loss"]
        self.n_iter_ += len(history)

    def _targets(self, numbers: np.ndarray, dtype: Any) -> np.ndarray:
        """The row of zeros and ones of two classes, or the class numbers of more."""
        return numbers.astype(dtype)[np.newaxis] if len(self.classes_) == 2 else numbers

    def _held_out(
        self, cols: np.ndarray, Y: np.ndarray, weights: np.ndarray | None
    ) -> tuple[Any, Any]:
        """The data without a share of each class, and that share."""
        if is_lazy(cols):
            raise ValueError(
                "early_stopping=True holds out samples of each class, which Dask arrays do not "
                "tell before they are computed; train with nn.fit(validation=(X, Y), patience=...)"
            )
        if not 0 < self.validation_fraction < 1:
            raise ValueError(
                f"validation_fraction must be between 0 and 1, not {self.validation_fraction!r}"
            )
        rng = np.random.default_rng([self._seed, 1])
        flat = Y.reshape(-1)
        held = np.zeros(len(flat), dtype=bool)
        for value in np.unique(flat):
            where = rng.permutation(np.flatnonzero(flat == value))
            held[where[: round(len(where) * self.validation_fraction)]] = True
        if not held.any() or held.all():
            raise ValueError(
                f"early stopping holds out {self.validation_fraction:g} of the samples of each "
                f"class, and {len(flat)} samples are too few for that"
            )
        kept = ~held
        left = None if weights is None else weights[kept]
        return (cols[:, kept], Y[..., kept], left), (cols[:, held], Y[..., held])

    def decision_function(self, X: Any) -> np.ndarray:
        """The logits: of two classes that of the second, (N,), of more those of each, (N, K)."""
        if not hasattr(self, "network_"):
            raise not_fitted(self)
        cols = columns(self, X, reset=False)
        with al.no_grad():
            scores: np.ndarray = self.network_.eval()(cols).numpy()
        # NumPy arrays were looked at before.
        if is_lazy(cols) and not (found := np.isfinite(scores).all(axis=0)).all():
            sample = int(np.argmin(found))
            raise ValueError(
                f"the scores of sample {sample} are not finite: X[{sample}] holds NaN, infinity or "
                "numbers that are too large"
            )
        return scores[0] if len(self.classes_) == 2 else scores.T

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, in the order of `classes_`, of shape (N, K)."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            positive = al.sigmoid(scores)
            return np.stack([1 - positive, positive], axis=1)
        return np.asarray(al.softmax(scores, axis=1))

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithm of `predict_proba`, without the loss of small probabilities."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return -np.stack([al.softplus(scores), al.softplus(-scores)], axis=1)
        return np.asarray(al.log_softmax(scores, axis=1))

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each sample, of shape (N,)."""
        scores = self.decision_function(X)
        chosen = (scores > 0).astype(np.intp) if scores.ndim == 1 else np.argmax(scores, axis=1)
        return np.asarray(self.classes_[chosen])

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of samples whose class is predicted right, each counting as its weight says."""
        predicted = self.predict(X)
        truth = np.asarray(y)
        if truth.shape != predicted.shape:
            raise ValueError(
                f"y has shape {truth.shape}, but X has {predicted.shape[0]} samples; "
                f"expected {predicted.shape}"
            )
        return float(np.average(predicted == truth, weights=sample_weight))

    def state_dict(self) -> dict[str, np.ndarray]:
        """The values of the network's parameters by path."""
        if not hasattr(self, "network_"):
            raise not_fitted(self)
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
        n_features, dtype, classes = _understood(description)
        expected: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
        sizes = self._sizes(n_features, len(classes))
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
        rng = generator(self.random_state)
        network = self._network(self._sizes(n_features, len(classes)), dtype, rng)
        network.load_state_dict(state)
        self.n_features_in_ = n_features
        self._start(classes, dtype)
        self.network_.load_state_dict(state)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            transformer_tags=None,
            regressor_tags=None,
            classifier_tags=ClassifierTags(),
            input_tags=InputTags(three_d_array=True),
        )

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        changed = {k: v for k, v in self.get_params().items() if not _same(v, defaults[k].default)}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in changed.items())})"


def generator(seed: Seed | np.random.RandomState) -> np.random.Generator:
    """The generator of a seed; of NumPy's older generators one that they seed."""
    if isinstance(seed, np.random.RandomState):
        return np.random.default_rng(seed.randint(2**31 - 1))
    if not (seed is None or isinstance(seed, (int, np.integer, np.random.Generator))):
        raise ValueError(
            "random_state must be a whole number, a numpy.random.Generator or RandomState, or "
            f"None, not {seed!r}"
        )
    return np.random.default_rng(seed)


def linear_layers(sizes: list[int], activation: Any, **options: Any) -> Sequential:
    """Linear layers of these sizes with a new `activation()` between any two."""
    layers: list[Module] = []
    for n_in, n_out in itertools.pairwise(sizes):
        layers += [activation()] if layers else []
        layers.append(Linear(n_in, n_out, **options))
    return Sequential(*layers)


def _understood(description: Mapping[str, Any]) -> tuple[int, np.dtype[Any], np.ndarray]:
    """The number of features, the dtype and the classes that a checkpoint tells of."""
    n_features = description.get("n_features_in")
    classes = description.get("classes")
    if type(n_features) is not int or n_features < 1:
        raise ValueError(
            f"the checkpoint tells of {quoted(n_features)} features, which is no number"
        )
    if (
        not isinstance(classes, list)
        or len(classes) < 2
        or type(classes[0]) not in (bool, int, float, str)
        or {type(label) for label in classes} != {type(classes[0])}
        or sorted(set(classes)) != classes
    ):
        raise ValueError(
            f"the checkpoint tells of the classes {quoted(classes)}, expected two or more labels of"
            " one type, in order"
        )
    if description.get("dtype") not in ("float32", "float64"):
        raise ValueError(f"the checkpoint tells of the dtype {quoted(description.get('dtype'))}")
    return n_features, np.dtype(description["dtype"]), np.array(classes)


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and value == default)
