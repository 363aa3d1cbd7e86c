"""The base of regressors: targets that are numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from autograd_lite.extend import Array, ArrayLike, Operand, is_lazy, quoted

from .. import metrics
from ..contracts import Description
from ..losses import mean_squared_error
from ..spelling import answering
from .base import Estimator
from .samples import Samples, array_of, samples_of


@dataclass(kw_only=True, repr=False, eq=False)
class Regressor(Estimator):
    """A network that predicts numbers, trained on the mean squared error."""

    _estimator_type = "regressor"

    @answering
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Trains on samples and their numbers.

        Parameters
        ----------
        X : array of shape (N, ...), or data frame
            Samples first: features, or pictures, which are flattened. float32 and float16 are
            trained in float32, all other dtypes in float64. A Dask array is read once in each
            epoch, with one update per epoch unless `batch_size` is set; call `X.persist()` if it
            fits in memory. The rows of a Dask data frame are counted first.
        y : array of shape (N,) or (N, k)
            The number of each sample, or k numbers. Predictions start from the means of the
            targets. Targets far from a range around 1 are learnt more slowly; scale them.
        sample_weight : array of shape (N,), optional
            The weight of each sample.

        Returns
        -------
        self
            With `n_outputs_`, `n_features_in_`, `n_iter_`, `network_`, `loss_curve_` (the mean
            loss of each epoch), and, with early stopping, `validation_loss_curve_`.

        Raises
        ------
        ValueError
            Where samples and numbers do not match, or are not finite.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
        >>> model = nn.LinearRegression().fit(X, y)
        >>> model.predict([[10.0]]).round(3)
        array([21.])
        """
        self._check()
        goes_on = self._goes_on()
        samples = samples_of(self, X, reset=not goes_on)
        self._learn(samples, y, sample_weight, not goes_on, int(self.max_iter))
        return self

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Trains for one more epoch.

        Parameters
        ----------
        X : array of shape (N, ...)
            Samples first.
        y : array of shape (N,) or (N, k)
            The number of each sample, or k numbers.
        sample_weight : array of shape (N,), optional
            The weight of each sample.

        Returns
        -------
        self

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
        >>> model = nn.LinearRegression().partial_fit(X, y)
        >>> model.n_iter_, model.partial_fit(X, y).n_iter_
        (1, 2)
        """
        self._check()
        first = not hasattr(self, "network_")
        self._learn(samples_of(self, X, reset=first), y, sample_weight, first, 1)
        return self

    def _learn(
        self, samples: Samples, y: ArrayLike, given: ArrayLike, first: bool, epochs: int
    ) -> None:
        y = array_of(y)
        if y is not None and not is_lazy(y):
            y = np.asarray(y)
        Y = samples.targets(y)
        is_row = y.ndim == 1
        if first:
            self.n_outputs_: int = int(Y.shape[0])
            self._is_row = is_row
            self._start(samples.dtype)
        elif (Y.shape[0], is_row) != (self.n_outputs_, self._is_row):
            expected = "(N,)" if self._is_row else f"(N, {self.n_outputs_})"
            raise ValueError(f"y must keep the shape {expected}, but it has shape {y.shape}")
        self._train(samples, Y, samples.weights(given), epochs)

    def _outputs(self) -> int:
        return self.n_outputs_

    def _loss(self) -> Callable[..., Operand]:
        return mean_squared_error

    def _strata(self, Y: ArrayLike) -> Array:
        return np.zeros(Y.shape[-1])

    def _prepare(self, samples: Samples, Y: ArrayLike, weights: ArrayLike) -> None:
        if not self.n_iter_ and not self.loss_curve_:
            means = np.mean(Y, axis=1) if weights is None else Y @ weights / np.sum(weights)
            self.network_[-1].bias.data[...] = np.asarray(means)[:, np.newaxis]

    def predict(self, X: ArrayLike) -> Array:
        """The numbers predicted for each sample, in the shape of the y of `fit`.

        For a Dask array the result is a lazy Dask array.

        Parameters
        ----------
        X : array of shape (N, ...)
            Samples first.

        Returns
        -------
        array of shape (N,) or (N, k)

        Raises
        ------
        NotFittedError
            Before `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
        >>> model = nn.LinearRegression().fit(X, y)
        >>> model.predict([[3.0]]).round(3)
        array([7.])
        """
        return self._answer(X, _first_row if getattr(self, "_is_row", True) else np.transpose)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """R^2, the explained share of the variance of y; see `nn.metrics.r2`.

        Parameters
        ----------
        X : array of shape (N, ...)
            Samples first.
        y : array of shape (N,) or (N, k)
            The true numbers.
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
        >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
        >>> model = nn.LinearRegression().fit(X, y)
        >>> round(model.score(X, y), 3)
        1.0
        """
        y = array_of(y)
        truth = y if is_lazy(y) else np.asarray(y)
        return metrics.r2(self.predict(X).T, truth.T, sample_weight=array_of(sample_weight))

    def _description(self) -> Description:
        return {"outputs": None if self._is_row else self.n_outputs_}

    def _described(self, description: Description) -> Description:
        outputs = description.get("outputs", 0)
        if outputs is not None and (type(outputs) is not int or outputs < 1):
            raise ValueError(
                f"the checkpoint describes {quoted(outputs)} outputs, expected a number from 1 on"
            )
        return {"n_outputs_": outputs or 1, "_is_row": outputs is None}

    def _outputs_of(self, fitted: Description) -> int:
        return int(fitted["n_outputs_"])

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, RegressorTags, Tags, TargetTags

        return Tags(
            estimator_type="regressor",
            target_tags=TargetTags(required=True, multi_output=True),
            transformer_tags=None,
            regressor_tags=RegressorTags(),
            classifier_tags=None,
            input_tags=InputTags(three_d_array=True),
        )


def _first_row(scores: np.ndarray) -> np.ndarray:
    return scores[0]
