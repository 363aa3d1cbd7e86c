"""The base of classifiers: labels, probabilities, and weights of classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

import autograd_lite as al
from autograd_lite.extend import Array, ArrayLike, Operand, is_lazy, quoted

from ..contracts import Description
from ..losses import binary_cross_entropy_with_logits, cross_entropy
from ..spelling import answering
from . import blocks
from .base import Estimator
from .samples import Samples, array_of, samples_of
from .validation import class_weights


@dataclass(kw_only=True, repr=False, eq=False)
class Classifier(Estimator):
    """A classifier: a network whose outputs are logits."""

    class_weight: ArrayLike | None = None

    _estimator_type = "classifier"

    @answering
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Trains on samples and their classes.

        Parameters
        ----------
        X : array of shape (N, ...), or data frame
            Samples first: features, or pictures, which are flattened. float32 and float16 are
            trained in float32, all other dtypes in float64. A Dask array is read once in each
            epoch, with one update per epoch unless `batch_size` is set; call `X.persist()` if it
            fits in memory. The rows of a Dask data frame are counted first.
        y : array of shape (N,)
            Labels of two or more classes.
        sample_weight : array of shape (N,), optional
            The weight of each sample.

        Returns
        -------
        self
            With `classes_`, `n_features_in_`, `n_iter_`, `network_`, `loss_curve_` (the mean loss
            of each epoch), and, with early stopping, `validation_loss_curve_`.

        Raises
        ------
        ValueError
            Where samples and labels do not match, are not finite, or are of one class only.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["no", "no", "yes", "yes"])
        >>> model = nn.LogisticRegression(learning_rate=1.0, max_iter=500).fit(X, y)
        >>> model.predict([[0.5], [2.5]])
        array(['no', 'yes'], dtype='<U3')
        """
        self._check()
        goes_on = self._goes_on()
        samples = samples_of(self, X, reset=not goes_on)
        labels = samples.labels(y)
        classes = samples.classes(labels)
        if goes_on and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"with warm_start=True the classes must stay {self.classes_.tolist()}, but y holds "
                f"{classes.tolist()}"
            )
        if len(classes) < 2:
            raise ValueError(
                f"y must hold two or more classes, but it holds 1 class: {classes.tolist()[0]!r}"
            )
        if not goes_on:
            self.classes_: np.ndarray = classes
            self._start(samples.dtype)
        self._learn(samples, labels, sample_weight, int(self.max_iter))
        return self

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Trains for one more epoch.

        Parameters
        ----------
        X : array of shape (N, ...)
            Samples first.
        y : array of shape (N,)
            Labels.
        classes : array_like, optional
            All labels that can occur; the first call needs them, unless y holds them all.
        sample_weight : array of shape (N,), optional
            The weight of each sample.

        Returns
        -------
        self

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> model = nn.LogisticRegression(learning_rate=1.0)
        >>> for X in (np.array([[0.0], [3.0]]), np.array([[1.0], [4.0]])):
        ...     _ = model.partial_fit(X, (X[:, 0] > 2).astype(int), classes=[0, 1])
        >>> model.n_iter_
        2
        """
        self._check()
        first = not hasattr(self, "network_")
        samples = samples_of(self, X, reset=first)
        labels = samples.labels(y)
        if first:
            given = samples.classes(labels) if classes is None else np.unique(classes)
            if len(given) < 2:
                raise ValueError(
                    "y must hold two or more classes, or classes= must name them; it holds "
                    f"1 class: {given.tolist()[0]!r}"
                )
            self.classes_ = given
            self._start(samples.dtype)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(
                f"classes= must stay {self.classes_.tolist()}, but it is {np.unique(classes)}"
            )
        self._learn(samples, labels, sample_weight, 1)
        return self

    def _learn(self, samples: Samples, labels: ArrayLike, given: ArrayLike, epochs: int) -> None:
        numbers = samples.numbers(labels, self.classes_)
        weights = samples.weights(given)
        if self.class_weight is not None:
            counted = np.ones_like(numbers, dtype=float) if weights is None else weights
            table = class_weights(self.class_weight, numbers, self.classes_, counted)
            of_class = samples.looked_up(np.asarray(table).astype(samples.dtype), numbers)
            weights = of_class if weights is None else weights * of_class
        is_binary = len(self.classes_) == 2
        Y = numbers.astype(samples.dtype)[np.newaxis] if is_binary else numbers
        self._train(samples, Y, weights, epochs)

    def _outputs(self) -> int:
        return self._outputs_of({"classes_": self.classes_})

    def _loss(self) -> Callable[..., Operand]:
        return binary_cross_entropy_with_logits if len(self.classes_) == 2 else cross_entropy

    def _strata(self, Y: ArrayLike) -> Array:
        return Y.reshape(-1)

    def decision_function(self, X: ArrayLike) -> Array:
        """The logits: for two classes those of the second, (N,), for more those of each, (N, K).

        For a Dask array the result, as that of the other methods, is a lazy Dask array.

        Parameters
        ----------
        X : array of shape (N, ...)
            Samples first.

        Returns
        -------
        array of shape (N,) or (N, K)

        Raises
        ------
        NotFittedError
            Before `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["no", "no", "yes", "yes"])
        >>> model = nn.LogisticRegression(learning_rate=1.0, max_iter=500).fit(X, y)
        >>> model.decision_function([[0.0], [3.0]]) > 0
        array([False,  True])
        """
        return self._answer(X, _logits)

    def predict_proba(self, X: ArrayLike) -> Array:
        """The probability of each class, in the order of `classes_`, of shape (N, K).

        Parameters
        ----------
        X : array of shape (N, ...)
            Samples first.

        Returns
        -------
        array of shape (N, K)

        Raises
        ------
        NotFittedError
            Before `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["no", "no", "yes", "yes"])
        >>> model = nn.LogisticRegression(learning_rate=1.0, max_iter=500).fit(X, y)
        >>> P = model.predict_proba([[0.0], [3.0]])
        >>> P.shape, P.sum(axis=1).round(6)
        ((2, 2), array([1., 1.]))
        """
        return self._answer(X, _probabilities)

    def predict_log_proba(self, X: ArrayLike) -> Array:
        """The logarithm of `predict_proba`, without the loss of small probabilities.

        Parameters
        ----------
        X : array of shape (N, ...)
            Samples first.

        Returns
        -------
        array of shape (N, K)

        Raises
        ------
        NotFittedError
            Before `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["no", "no", "yes", "yes"])
        >>> model = nn.LogisticRegression(learning_rate=1.0, max_iter=500).fit(X, y)
        >>> np.isfinite(model.predict_log_proba([[1000.0]])).all()
        np.True_
        """
        return self._answer(X, _log_probabilities)

    def predict(self, X: ArrayLike) -> Array:
        """The most probable class of each sample, of shape (N,).

        Parameters
        ----------
        X : array of shape (N, ...)
            Samples first.

        Returns
        -------
        array of shape (N,)

        Raises
        ------
        NotFittedError
            Before `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["no", "no", "yes", "yes"])
        >>> model = nn.LogisticRegression(learning_rate=1.0, max_iter=500).fit(X, y)
        >>> model.predict([[0.5], [2.5]])
        array(['no', 'yes'], dtype='<U3')
        """
        return self._answer(X, _Labels(self.classes_))

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """The weighted share of the samples that are predicted as their class.

        For Dask arrays only two numbers per block are fetched.

        Parameters
        ----------
        X : array of shape (N, ...)
            Samples first.
        y : array of shape (N,)
            The true classes.
        sample_weight : array of shape (N,), optional
            The weight of each sample.

        Returns
        -------
        float

        Raises
        ------
        NotFittedError
            Before `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["no", "no", "yes", "yes"])
        >>> model = nn.LogisticRegression(learning_rate=1.0, max_iter=500).fit(X, y)
        >>> model.score(X, ["no", "yes", "yes", "yes"])
        0.75
        """
        predicted = self.predict(X)
        truth = array_of(y)
        truth = truth if is_lazy(predicted) and is_lazy(truth) else np.asarray(truth)
        if truth.shape != predicted.shape:
            raise ValueError(
                f"y has shape {truth.shape}, but X has {predicted.shape[0]} samples; "
                f"expected {predicted.shape}"
            )
        if is_lazy(predicted):
            right, weight = blocks.summed(_right, predicted, truth, array_of(sample_weight))
            return float(right / weight)
        return float(np.average(predicted == truth, weights=sample_weight))

    def _description(self) -> Description:
        return {"classes": self.classes_.tolist()}

    def _described(self, description: Description) -> Description:
        classes = description.get("classes")
        if (
            not isinstance(classes, list)
            or len(classes) < 2
            or type(classes[0]) not in (bool, int, float, str)
            or {type(label) for label in classes} != {type(classes[0])}
            or sorted(set(classes)) != classes
        ):
            raise ValueError(
                f"the checkpoint describes the classes {quoted(classes)}, expected two or more "
                "labels of one type, sorted"
            )
        return {"classes_": np.array(classes)}

    def _outputs_of(self, fitted: Description) -> int:
        return 1 if len(fitted["classes_"]) == 2 else len(fitted["classes_"])

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


def _logits(scores: np.ndarray) -> np.ndarray:
    """The scores with a row per sample; for two classes the scores (N,) of the second."""
    return scores[0] if len(scores) == 1 else scores.T


def _probabilities(scores: np.ndarray) -> np.ndarray:
    logits = _logits(scores)
    if logits.ndim == 1:
        positive = al.sigmoid(logits)
        return np.stack([1 - positive, positive], axis=1)
    return np.asarray(al.softmax(logits, axis=1))


def _log_probabilities(scores: np.ndarray) -> np.ndarray:
    logits = _logits(scores)
    if logits.ndim == 1:
        return -np.stack([al.softplus(logits), al.softplus(-logits)], axis=1)
    return np.asarray(al.log_softmax(logits, axis=1))


@dataclass(frozen=True)
class _Labels:
    """The most probable class of each sample, by its scores."""

    classes: np.ndarray

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        logits = _logits(scores)
        chosen = (logits > 0).astype(np.intp) if logits.ndim == 1 else np.argmax(logits, axis=1)
        return np.asarray(self.classes[chosen])


def _right(predicted: np.ndarray, truth: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """The weight of the samples that are predicted right, and the weight of all."""
    right = predicted == truth
    shares = np.ones(len(right)) if weights is None else weights
    return np.array([np.sum(shares * right), np.sum(shares)])
