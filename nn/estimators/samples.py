"""Samples of estimators, with labels, targets and weights: checked, in columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.extend import Array, ArrayLike, adopt, is_lazy

from ..data.pictures import flatten
from ..module import as_array
from . import blocks, validation

Part = tuple[Array, Array, Array | None]
"""A part of the samples: columns, targets, and weights or None."""


class Samples(ABC):
    """Samples as columns (features, N) of floats, with checks of their labels and weights."""

    columns: Array

    def __init__(self, array: ArrayLike) -> None:
        if array.ndim < 2:
            raise ValueError(
                f"X must have a sample per row, of shape (N, ...), but it has shape {array.shape}. "
                "Expected 2D array. Reshape your data: X.reshape(-1, 1) for one feature, "
                "X.reshape(1, -1) for one sample"
            )
        if array.shape[0] == 0:
            raise ValueError(f"X is empty: it has shape {array.shape}")
        self.columns = as_array(flatten(array))
        if not self.columns.shape[0]:
            raise ValueError(
                f"X has 0 feature(s) (shape={array.shape}) while a minimum of 1 is required."
            )

    @property
    def features(self) -> int:
        """The number of features of a sample."""
        return int(self.columns.shape[0])

    @property
    def dtype(self) -> Any:
        """float32 or float64."""
        return self.columns.dtype

    def __len__(self) -> int:
        return int(self.columns.shape[1])

    @abstractmethod
    def labels(self, y: ArrayLike) -> Array:
        """The label of each sample, (N,)."""

    @abstractmethod
    def classes(self, labels: ArrayLike) -> np.ndarray:
        """The distinct labels, sorted."""

    @abstractmethod
    def numbers(self, labels: ArrayLike, classes: np.ndarray) -> Array:
        """The index of each label among the sorted classes."""

    @abstractmethod
    def targets(self, y: ArrayLike) -> Array:
        """The targets y, (N,) or (N, k), as columns (k, N)."""

    @abstractmethod
    def weights(self, given: ArrayLike) -> Array:
        """The weight of each sample, (N,), or None if none are given."""

    @abstractmethod
    def looked_up(self, table: np.ndarray, numbers: ArrayLike) -> Array:
        """`table[numbers]`."""

    @abstractmethod
    def answers(self, scores: ArrayLike, function: Callable[[np.ndarray], np.ndarray]) -> Array:
        """`function` of the scores (outputs, N) of the samples, of shape (N,) or (N, k)."""

    def split(
        self,
        Y: ArrayLike,
        weights: ArrayLike,
        share: float,
        strata: ArrayLike,
        rng: np.random.Generator,
    ) -> tuple[Part, Part]:
        """Splits off a share of the samples of each stratum; returns the rest and that share.

        `strata` holds a number for each sample; those of Dask arrays are computed.
        """
        strata = np.asarray(strata)
        held = np.zeros(len(self), dtype=bool)
        for value in np.unique(strata):
            where = rng.permutation(np.flatnonzero(strata == value))
            held[where[: round(len(where) * share)]] = True
        if not held.any() or held.all():
            raise ValueError(
                f"early stopping holds out the share {share:g} of the samples (of each class), but "
                f"{len(self)} samples are too few for that"
            )
        X, Y, weights = (adopt(array, axis=-1) for array in (self.columns, Y, weights))
        kept, held_out = (
            (X[:, part], Y[..., part], None if weights is None else weights[part])
            for part in (~held, held)
        )
        return kept, held_out


class InMemory(Samples):
    """Samples in memory, checked to be finite."""

    def __init__(self, X: ArrayLike) -> None:
        super().__init__(validation.finite_numbers(X))

    def labels(self, y: ArrayLike) -> np.ndarray:
        return validation.checked_labels(np.asarray(y), len(self))

    def classes(self, labels: np.ndarray) -> np.ndarray:
        try:
            return np.unique(labels)
        except TypeError:
            kinds = sorted({type(label).__name__ for label in labels.tolist()})
            raise validation.mixed_labels(f"the types {', '.join(kinds)}") from None

    def numbers(self, labels: np.ndarray, classes: np.ndarray) -> np.ndarray:
        return validation.numbers_of(labels, classes)

    def targets(self, y: ArrayLike) -> np.ndarray:
        return validation.checked_targets(y, len(self)).astype(self.dtype, copy=False)

    def weights(self, given: ArrayLike) -> np.ndarray | None:
        if given is None:
            return None
        weights = validation.shaped_weights(np.asarray(given, dtype=self.dtype), len(self))
        finite, positive, some = np.isfinite(weights).all(), (weights >= 0).all(), weights.any()
        validation.check_weights(finite, positive, some)
        return weights

    def looked_up(self, table: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        return table[numbers]

    def answers(self, scores: ArrayLike, function: Callable[[np.ndarray], np.ndarray]) -> Array:
        return function(np.asarray(scores))


class InBlocks(Samples):
    """Lazy samples, such as Dask's, in blocks.

    Their values are not checked beforehand. Labels, targets and weights are in the same blocks.
    """

    def __init__(self, X: ArrayLike) -> None:
        super().__init__(blocks.numbers(X))

    def labels(self, y: ArrayLike) -> Array:
        y = array_of(y)
        if not (is_lazy(y) and y.shape == (len(self),)):
            y = validation.checked_labels(np.asarray(y), len(self))
        return blocks.in_the_blocks_of(self.columns, y)

    def classes(self, labels: ArrayLike) -> np.ndarray:
        try:
            classes = blocks.different(labels)
        except TypeError:
            raise validation.mixed_labels("several types") from None
        return validation.checked_labels(classes, len(classes))

    def numbers(self, labels: ArrayLike, classes: np.ndarray) -> Array:
        return blocks.mapped(validation.numbers_of, labels, np.intp, classes)

    def targets(self, y: ArrayLike) -> Array:
        y = array_of(y)
        if not is_lazy(y):
            y = validation.checked_targets(y, len(self)).T
        elif y.ndim == 1:
            y = y[:, np.newaxis]
        columns = [blocks.in_the_blocks_of(self.columns, y[:, i]) for i in range(y.shape[1])]
        return np.stack(columns).astype(self.dtype)

    def weights(self, given: ArrayLike) -> Array:
        if given is None:
            return None
        given = array_of(given)
        array = given if is_lazy(given) else np.asarray(given)
        weights = validation.shaped_weights(array.astype(self.dtype), len(self))
        weights = blocks.in_the_blocks_of(self.columns, weights)
        facts = np.isfinite(weights).all(), (weights >= 0).all(), weights.any()
        validation.check_weights(*blocks.computed(facts))
        return adopt(weights, axis=-1)

    def looked_up(self, table: np.ndarray, numbers: ArrayLike) -> Array:
        return numbers.mapped(_items, table.dtype, table)

    def answers(self, scores: ArrayLike, function: Callable[[np.ndarray], np.ndarray]) -> Array:
        return blocks.answers(scores, function)


def array_of(value: ArrayLike) -> Array:
    """A Dask data frame as a Dask array, with its rows counted; other values unchanged."""
    if not hasattr(value, "to_dask_array"):
        return value
    # lengths=True counts partitions of Parquet files that Dask joins afterwards.
    return value.to_dask_array().compute_chunk_sizes()


def samples_of(estimator: Any, X: ArrayLike, reset: bool) -> Samples:
    """The checked samples of an estimator, from X (N, ...) with the samples first.

    With `reset` the estimator stores the number and the names of the features; without it they are
    compared with the stored ones.
    """
    validation.check_feature_names(estimator, X, reset)
    X = array_of(X)
    samples = InBlocks(X) if is_lazy(X) else InMemory(X)
    if reset:
        estimator.n_features_in_ = samples.features
    elif samples.features != estimator.n_features_in_:
        raise ValueError(
            f"X has {samples.features} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input"
        )
    return samples


def _items(numbers: np.ndarray, table: np.ndarray) -> np.ndarray:
    return table[numbers]
