"""Metrics: the quality of predictions of classes and of numbers.

A prediction of classes is (1, N) or (N,), a score for class 1; or (K, N), a score for each class;
or whole numbers (N,), the classes themselves. Targets are class numbers (N,) or (1, N), or columns
(K, N) with the probability of each class. `given` is the kind of the scores:

- "logits": class 1 above 0; their sigmoid or softmax is a probability.
- "probabilities": class 1 above 1/2.
- "scores": class 1 above 0, as for `nn.hinge`; they have no probabilities.

`nn.fit` knows the kind from the loss. Without `given` the metrics do not guess: scores in one row
that are all from 0 to 1 could be logits or probabilities, and are refused. A score that is NaN
makes a metric NaN. A quotient by 0, such as the precision of a class that is never predicted, is 0,
as in scikit-learn.

Predictions and targets of numbers are (k, N) or (N,), and the k outputs have the same weight.

`sample_weight`, N numbers, holds the weight of each sample.

Lazy arrays, such as Dask's, are processed block by block, and each block yields a few numbers. Only
`roc_auc`, and scores in one row without `given`, need the scores and targets of all samples in
memory.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import autograd_lite as al
from autograd_lite.extend import Array, ArrayLike, compute, is_lazy, total

from .losses import KINDS
from .spelling import answer_in, answering
from .summary import table

Sums = Any
"""What a measure knows of some samples: sums, or counts, that `combine` adds."""

Result = Any
"""A metric: a number, or an array where there is one for each class."""

_MATRIX_LIMIT_CLASSES = 10_000


def classes_of(prediction: ArrayLike, given: str | None = None) -> np.ndarray:
    """The class of each sample by its scores (1, N), (N,) or (K, N); class numbers stay unchanged.

    Parameters
    ----------
    prediction : array_like of shape (1, N), (N,) or (K, N)
        Scores, or class numbers (N,).
    given : {"logits", "probabilities", "scores"}, optional
        The kind of the scores. It may be left out where the numbers show it.

    Returns
    -------
    ndarray of shape (N,)
        Whole numbers.

    Raises
    ------
    ValueError
        Where a score is NaN, or `given` is needed.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.metrics.classes_of(np.array([[2.0, -1.0, 0.5]]), given="logits")
    array([1, 0, 1])
    """
    scores = _array(prediction)
    if np.isnan(scores).any():
        raise ValueError(_NO_CLASS)
    return _classes(scores, given)


_NO_CLASS = "there are scores that are NaN, which have no class"


def _array(value: ArrayLike) -> np.ndarray:
    array = np.asarray(value.data if isinstance(value, al.Tensor) else value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"metrics take numbers, but these have dtype {array.dtype}")
    return array


class Measure(NamedTuple):
    """A metric in three steps, for data in parts.

    `part` measures some samples, `combine` joins two of these results to one of the same form, and
    `finish` computes the metric from the last result.

    Parameters
    ----------
    part : callable
        `part(prediction, targets, given, weights)`.
    combine : callable
        `combine(a, b)` of two results of `part`.
    finish : callable
        `finish(result)` returns the metric.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> measure = nn.metrics.MEASURES["mse"]
    >>> a = measure.part(np.array([1.0]), np.array([2.0]), "numbers", None)
    >>> b = measure.part(np.array([1.0]), np.array([4.0]), "numbers", None)
    >>> float(measure.finish(measure.combine(a, b)))
    5.0
    """

    part: Callable[..., Sums]
    combine: Callable[[Sums, Sums], Sums]
    finish: Callable[[Sums], Result]


@dataclass(frozen=True)
class _Parts:
    """The first two steps of several measures, each with the kind of the predictions."""

    measures: Sequence[tuple[Measure, str | None]]

    def of(self, prediction: ArrayLike, targets: ArrayLike, weights: ArrayLike) -> list[Sums]:
        return [m.part(prediction, targets, given, weights) for m, given in self.measures]

    def combine(self, a: Sequence[Sums], b: Sequence[Sums]) -> list[Sums]:
        both = zip(self.measures, a, b, strict=True)
        return [measure.combine(x, y) for (measure, _), x, y in both]


def _measured(
    measure: Measure,
    prediction: ArrayLike,
    targets: ArrayLike,
    given: str | None,
    sample_weight: ArrayLike,
) -> Result:
    (found,) = together([(measure, given)], prediction, targets, sample_weight)
    return found


def together(
    measures: Sequence[tuple[Measure, str | None]],
    prediction: ArrayLike,
    targets: ArrayLike,
    sample_weight: ArrayLike | None = None,
) -> list[Result]:
    """The results of several measures by one pass over the samples.

    Parameters
    ----------
    measures : sequence of (Measure, str or None)
        The measures, each with the kind of the predictions.
    prediction, targets : array_like
        Predictions and targets as for the metrics.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample.

    Returns
    -------
    list
        The result of each measure.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> measures = [(nn.metrics.MEASURES[name], "numbers") for name in ("mse", "mae")]
    >>> nn.metrics.together(measures, np.array([1.0, 2.0]), np.array([1.0, 4.0]))
    [2.0, 1.0]
    """
    arrays = [_plain(a) for a in (prediction, targets, sample_weight)]
    if any(map(is_lazy, arrays)):
        _check_lengths(*arrays)
        scores = arrays[0]
        is_row = len(scores) == 1 if scores.ndim > 1 else scores.dtype.kind == "f"
        if is_row and any(given is None for _, given in measures):
            # The kind of the scores shows only in all of them together.
            arrays = compute(arrays)
    parts = _Parts(measures)
    found = total(parts.of, parts.combine, arrays)
    return [measure.finish(value) for (measure, _), value in zip(measures, found, strict=True)]


def _plain(value: ArrayLike) -> Array:
    value = value.data if isinstance(value, al.Tensor) else value
    return value if value is None or is_lazy(value) else np.asarray(value)


def _check_lengths(prediction: ArrayLike, targets: ArrayLike, weights: ArrayLike) -> None:
    samples = prediction.shape[-1]
    if targets.shape[-1] != samples:
        raise ValueError(
            f"there are {samples} predictions and {targets.shape[-1]} targets; the samples are the "
            "last axis of both"
        )
    if weights is not None and weights.shape != (samples,):
        raise ValueError(f"sample_weight has shape {weights.shape}, expected ({samples},)")


def _rows(scores: np.ndarray) -> np.ndarray:
    """Scores as (1, N) or (K, N)."""
    if scores.ndim not in (1, 2):
        raise ValueError(
            f"predictions must be (N,), (1, N) or (classes, N), the samples last, not "
            f"{scores.shape}"
        )
    return scores[np.newaxis] if scores.ndim == 1 else scores


def _kind(rows: np.ndarray, given: str | None) -> str:
    """The kind of the scores: `given`, or the only kind that their values allow."""
    if given is not None:
        if given not in KINDS:
            raise ValueError(f"given must be one of {list(KINDS)}, not {given!r}")
        if given == "numbers":
            raise ValueError("this metric is of classes, but the predictions are given as numbers")
        # A softmax in single precision may round to a little more than 1.
        outside = rows[(rows < 0) | (rows > 1 + 1e-6)]
        if given == "probabilities" and outside.size:
            raise ValueError(f"{outside[0]:g} is not a probability; are these logits?")
        return given
    inside = bool(np.all((rows >= 0) & (rows <= 1)))
    if not inside:
        return "logits"
    if len(rows) > 1:
        return "probabilities" if np.allclose(rows.sum(axis=0), 1) else "logits"
    raise ValueError(
        "scores from 0 to 1 may be logits or probabilities: say which by given='logits' or "
        "given='probabilities'"
    )


def _classes(scores: np.ndarray, given: str | None) -> np.ndarray:
    if scores.ndim == 1 and scores.dtype.kind in "iub":
        if scores.size and scores.min() < 0:
            raise ValueError(f"the class numbers of predictions are from 0 on, not {scores.min()}")
        return scores.astype(np.intp)
    rows = _rows(scores)
    if len(rows) > 1:
        return np.argmax(rows, axis=0)
    if given is None and np.isin(rows, (0, 1)).all():
        # In every kind of scores 0 is class 0 and 1 is class 1.
        return rows[0].astype(np.intp)
    return (rows[0] > (0.5 if _kind(rows, given) == "probabilities" else 0)).astype(np.intp)


def _target_classes(targets: np.ndarray) -> np.ndarray:
    """The class number of each target."""
    if targets.ndim == 2 and len(targets) > 1:
        signs = np.isin(targets, (-1, 1)).all() and ((targets > 0).sum(axis=0) == 1).all()
        if not signs and not (
            (targets >= 0).all() and np.allclose(targets.sum(axis=0), 1, atol=1e-6)
        ):
            raise ValueError(
                f"targets of shape {targets.shape} must be columns of probabilities, one for each "
                "class, which sum to 1"
            )
        return np.argmax(targets, axis=0)
    flat = _rows(targets)[0]
    if flat.dtype.kind == "f":
        if np.isnan(flat).any():
            raise ValueError("there are targets that are NaN")
        if np.isin(flat, (-1, 1)).all():
            flat = flat > 0
        elif (flat != np.floor(flat)).any():
            if not (targets.ndim == 2 and (flat >= 0).all() and (flat <= 1).all()):
                raise ValueError(
                    "targets must be classes, but these are numbers that are not whole; the "
                    "metrics of numbers are mse, mae and r2"
                )
            flat = flat > 0.5
    elif flat.size and flat.min() < 0 and np.isin(flat, (-1, 1)).all():
        flat = flat > 0
    if flat.size and flat.min() < 0:
        raise ValueError(f"the class numbers of targets are from 0 on, not {flat.min():g}")
    return flat.astype(np.intp)


class _Compared(NamedTuple):
    """Checked predictions and targets: scores, true classes, weights, and the number of classes."""

    scores: np.ndarray
    truth: np.ndarray
    weights: np.ndarray
    classes: int

    @property
    def is_nan(self) -> bool:
        return bool(np.isnan(self.scores).any())


def _compared(prediction: ArrayLike, targets: ArrayLike, sample_weight: ArrayLike) -> _Compared:
    scores, truth = _array(prediction), _target_classes(_array(targets))
    rows = _rows(scores)
    if rows.shape[1] != len(truth):
        raise ValueError(
            f"there are {rows.shape[1]} predictions and {len(truth)} targets; the samples are the "
            "last axis of both"
        )
    weights = _weights(sample_weight, len(truth))
    if scores.ndim == 1 and scores.dtype.kind in "iub":
        return _Compared(scores, truth, weights, 1 + max(1, int(scores.max()), int(truth.max())))
    classes = max(2, len(rows))
    if truth.max() >= classes:
        raise ValueError(
            f"there are scores for {classes} classes, but a target has the class {truth.max()}"
        )
    return _Compared(scores, truth, weights, classes)


def _weights(sample_weight: ArrayLike, samples: int) -> np.ndarray:
    if not samples:
        raise ValueError("there are no samples to measure on")
    if sample_weight is None:
        return np.ones(samples, np.intp)
    weights = _array(sample_weight).astype(float)
    if weights.shape != (samples,):
        raise ValueError(f"sample_weight has shape {weights.shape}, expected ({samples},)")
    if not (weights >= 0).all():
        raise ValueError("sample_weight must be numbers from 0 on")
    return weights


def _mean(sums: np.ndarray) -> float:
    """A weighted mean: the weighted sum over the sum of the weights."""
    _check_weight(sums[1])
    return float(sums[0] / sums[1])


def _check_weight(some: Array) -> None:
    """Raises ValueError unless some weight is above 0."""
    if not some:
        raise ValueError("sample_weight: every weight is zero, so there is nothing to measure")


@answering
def accuracy(
    prediction: ArrayLike,
    targets: ArrayLike,
    *,
    given: str | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """The share of the samples that are predicted as their class.

    Parameters
    ----------
    prediction : array_like of shape (1, N), (N,) or (K, N)
        A score for class 1, a score for each class, or class numbers (N,); see `nn.metrics`.
    targets : array_like of shape (N,), (1, N) or (K, N)
        Class numbers, or the probability of each class.
    given : {"logits", "probabilities", "scores"}, optional
        The kind of the scores. It may be left out where the numbers show it.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample.

    Returns
    -------
    float
        From 0 to 1; NaN where a score is NaN.

    Raises
    ------
    ValueError
        Where the shapes do not match, `given` is needed, or every weight is zero.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.metrics.accuracy(np.array([[2.0, -1.0, 0.5, 1.0]]), [1, 0, 0, 1], given="logits")
    0.75
    >>> nn.metrics.accuracy(np.array([1, 0, 1, 1]), [1, 0, 0, 1])
    0.75
    """
    return _measured(MEASURES["accuracy"], prediction, targets, given, sample_weight)


def _right(
    prediction: ArrayLike, targets: ArrayLike, given: str | None, weights: ArrayLike
) -> np.ndarray:
    found = _compared(prediction, targets, weights)
    if found.is_nan:
        return np.array([np.nan, np.sum(found.weights)])
    right = _classes(found.scores, given) == found.truth
    return np.array([np.sum(found.weights * right), np.sum(found.weights)])


@answering
def confusion_matrix(
    prediction: ArrayLike,
    targets: ArrayLike,
    *,
    given: str | None = None,
    sample_weight: ArrayLike | None = None,
) -> np.ndarray:
    """Counts, or sums of weights, by true class (rows) and predicted class (columns).

    Parameters
    ----------
    prediction : array_like of shape (1, N), (N,) or (K, N)
        A score for class 1, a score for each class, or class numbers (N,); see `nn.metrics`.
    targets : array_like of shape (N,), (1, N) or (K, N)
        Class numbers, or the probability of each class.
    given : {"logits", "probabilities", "scores"}, optional
        The kind of the scores. It may be left out where the numbers show it.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample.

    Returns
    -------
    ndarray of shape (K, K)

    Raises
    ------
    ValueError
        Where the shapes do not match, `given` is needed, or every weight is zero.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.metrics.confusion_matrix(np.array([0, 1, 1, 1]), [0, 0, 1, 1])
    array([[1, 1],
           [0, 2]])
    """
    return _measured(Measure(_counts, _added, _known), prediction, targets, given, sample_weight)


def _known(counts: np.ndarray | None) -> np.ndarray:
    if counts is None:
        raise ValueError(_NO_CLASS)
    _check_weight(counts.any())
    return counts


def _counts(
    prediction: ArrayLike, targets: ArrayLike, given: str | None, weights: ArrayLike
) -> np.ndarray | None:
    """The confusion matrix, or None where a score is NaN."""
    found = _compared(prediction, targets, weights)
    if found.is_nan:
        return None
    predicted = _classes(found.scores, given)
    n = found.classes
    if n > _MATRIX_LIMIT_CLASSES:
        raise ValueError(f"a confusion matrix of {n:,} classes is too large")
    counted = None if weights is None else found.weights
    return np.bincount(found.truth * n + predicted, counted, minlength=n * n).reshape(n, n)


def _added(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray | None:
    """The sum of two confusion matrices, which may have different numbers of classes."""
    if a is None or b is None:
        return None
    larger, smaller = (a, b) if len(a) >= len(b) else (b, a)
    found = larger.copy()
    found[: len(smaller), : len(smaller)] += smaller
    return found


@answering
def precision(
    prediction: ArrayLike,
    targets: ArrayLike,
    *,
    given: str | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """The share of the samples predicted as a class that are of that class.

    For two classes it is that of class 1, else the mean over the classes that occur.

    Parameters
    ----------
    prediction : array_like of shape (1, N), (N,) or (K, N)
        A score for class 1, a score for each class, or class numbers (N,); see `nn.metrics`.
    targets : array_like of shape (N,), (1, N) or (K, N)
        Class numbers, or the probability of each class.
    given : {"logits", "probabilities", "scores"}, optional
        The kind of the scores. It may be left out where the numbers show it.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample.

    Returns
    -------
    float
        From 0 to 1; 0 where no sample is predicted as the class, NaN where a score is NaN.

    Raises
    ------
    ValueError
        Where the shapes do not match, `given` is needed, or every weight is zero.

    Notes
    -----
    van Rijsbergen, "Information Retrieval" (1979), chapter 7.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.metrics.precision(np.array([0, 1, 1, 0]), [0, 0, 1, 1])
    0.5
    """
    return _measured(MEASURES["precision"], prediction, targets, given, sample_weight)


@answering
def recall(
    prediction: ArrayLike,
    targets: ArrayLike,
    *,
    given: str | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """The share of the samples of a class that are predicted as that class.

    For two classes it is that of class 1, else the mean over the classes that occur.

    Parameters
    ----------
    prediction : array_like of shape (1, N), (N,) or (K, N)
        A score for class 1, a score for each class, or class numbers (N,); see `nn.metrics`.
    targets : array_like of shape (N,), (1, N) or (K, N)
        Class numbers, or the probability of each class.
    given : {"logits", "probabilities", "scores"}, optional
        The kind of the scores. It may be left out where the numbers show it.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample.

    Returns
    -------
    float
        From 0 to 1; 0 where the class does not occur, NaN where a score is NaN.

    Raises
    ------
    ValueError
        Where the shapes do not match, `given` is needed, or every weight is zero.

    Notes
    -----
    van Rijsbergen, "Information Retrieval" (1979), chapter 7.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.metrics.recall(np.array([0, 1, 1, 1]), [0, 0, 1, 1])
    1.0
    """
    return _measured(MEASURES["recall"], prediction, targets, given, sample_weight)


@answering
def f1(
    prediction: ArrayLike,
    targets: ArrayLike,
    *,
    given: str | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """The harmonic mean of precision and recall.

    For two classes it is that of class 1, else the mean over the classes that occur.

    Parameters
    ----------
    prediction : array_like of shape (1, N), (N,) or (K, N)
        A score for class 1, a score for each class, or class numbers (N,); see `nn.metrics`.
    targets : array_like of shape (N,), (1, N) or (K, N)
        Class numbers, or the probability of each class.
    given : {"logits", "probabilities", "scores"}, optional
        The kind of the scores. It may be left out where the numbers show it.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample.

    Returns
    -------
    float
        From 0 to 1; NaN where a score is NaN.

    Raises
    ------
    ValueError
        Where the shapes do not match, `given` is needed, or every weight is zero.

    Notes
    -----
    van Rijsbergen, "Information Retrieval" (1979), chapter 7.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.metrics.f1(np.array([0, 1, 1, 1]), [0, 0, 1, 1])
    0.8
    """
    return _measured(MEASURES["f1"], prediction, targets, given, sample_weight)


def _averaged(which: int, counts: np.ndarray | None) -> float:
    """The mean over the classes of precision (0), recall (1) or F1 (2)."""
    if counts is None:
        return float("nan")
    _check_weight(counts.any())
    shares = _shares(counts)[which]
    if len(shares) == 2:
        return float(shares[1])
    occurs = (counts.sum(axis=0) + counts.sum(axis=1)) > 0
    return float(shares[occurs].mean())


def _shares(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F1 of each class."""
    right, said, true = np.diagonal(counts), counts.sum(axis=0), counts.sum(axis=1)
    pairs = ((right, said), (right, true), (2 * right, said + true))
    precisions, recalls, f1s = (
        np.divide(a, b, out=np.zeros(len(right)), where=b > 0) for a, b in pairs
    )
    return precisions, recalls, f1s


@answering
def roc_auc(
    prediction: ArrayLike,
    targets: ArrayLike,
    *,
    given: str | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """The probability that a sample of class 1 has a higher score than one of class 0.

    It is the area under the receiver operating characteristic; ties count half. For more than two
    classes it is the mean over the classes of each against all others, by the probabilities. It is
    NaN where a class has no samples or all of them.

    Parameters
    ----------
    prediction : array_like of shape (1, N), (N,) or (K, N)
        A score for class 1, a score for each class, or class numbers (N,); see `nn.metrics`.
    targets : array_like of shape (N,), (1, N) or (K, N)
        Class numbers, or the probability of each class.
    given : {"logits", "probabilities", "scores"}, optional
        The kind of the scores. It may be left out where the numbers show it.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample.

    Returns
    -------
    float
        From 0 to 1; 1/2 is chance.

    Raises
    ------
    ValueError
        Where the shapes do not match, `given` is needed, or every weight is zero.

    Notes
    -----
    Hanley and McNeil, "The meaning and use of the area under a receiver operating characteristic
    (ROC) curve" (1982).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.metrics.roc_auc(np.array([[0.1, 0.4, 0.35, 0.8]]), [0, 0, 1, 1], given="probabilities")
    0.75
    """
    arrays = compute([_plain(a) for a in (prediction, targets, sample_weight)])
    found = _compared(*arrays)
    _check_weight(found.weights.any())
    rows = _rows(found.scores)
    if len(rows) == 1:
        return _area(rows[0], found.truth == 1, found.weights)
    is_probability = not found.is_nan and _kind(rows, given) == "probabilities"
    if len(rows) == 2:
        scores = rows[1] if is_probability else rows[1] - rows[0]
        return _area(scores, found.truth == 1, found.weights)
    if given != "scores" and not is_probability:
        rows = np.asarray(al.softmax(rows, axis=0))
    areas = [_area(row, found.truth == k, found.weights) for k, row in enumerate(rows)]
    return float(np.mean(areas))


def _area(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> float:
    if np.isnan(scores).any():
        return float("nan")
    values, places = np.unique(scores, return_inverse=True)
    above = np.bincount(places, weights * positive, minlength=len(values))
    below = np.bincount(places, weights * ~positive, minlength=len(values))
    pairs = above.sum() * below.sum()
    if not pairs:
        return float("nan")
    return float(np.sum(above * (np.cumsum(below) - below / 2)) / pairs)


@answering
def log_loss(
    prediction: ArrayLike,
    targets: ArrayLike,
    *,
    given: str | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """The mean of -log(probability of the true class); infinite where a probability is 0.

    Parameters
    ----------
    prediction : array_like of shape (1, N), (N,) or (K, N)
        A score for class 1, a score for each class, or class numbers (N,); see `nn.metrics`.
    targets : array_like of shape (N,), (1, N) or (K, N)
        Class numbers, or the probability of each class.
    given : {"logits", "probabilities", "scores"}, optional
        The kind of the scores. It may be left out where the numbers show it.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample.

    Returns
    -------
    float
        0 or more.

    Raises
    ------
    ValueError
        Where the scores are neither probabilities nor logits, or the shapes do not match.

    Notes
    -----
    Good, "Rational decisions" (1952).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> found = nn.metrics.log_loss(np.array([[0.5, 0.5]]), [0, 1], given="probabilities")
    >>> bool(found == np.log(2))
    True
    """
    return _measured(MEASURES["log_loss"], prediction, targets, given, sample_weight)


def _log_losses(
    prediction: ArrayLike, targets: ArrayLike, given: str | None, weights: ArrayLike
) -> np.ndarray:
    found = _compared(prediction, targets, weights)
    rows = _rows(found.scores)
    if found.is_nan:
        return np.array([np.nan, np.sum(found.weights)])
    numbers_of_classes = found.scores.ndim == 1 and found.scores.dtype.kind in "iub"
    kind = "scores" if numbers_of_classes else _kind(rows, given)
    if kind == "scores":
        raise ValueError("log_loss takes probabilities or logits, and these are neither")
    rows = rows.astype(np.float64)
    if len(rows) == 1:
        # The logit of class 0 is 0.
        rows = np.concatenate([0 * rows if kind == "logits" else 1 - rows, rows])
    if kind == "logits":
        logarithms = np.asarray(al.log_softmax(rows, axis=0))
    elif np.allclose(rows.sum(axis=0), 1, atol=1e-4):
        with np.errstate(divide="ignore"):
            logarithms = np.log(rows)
    else:
        raise ValueError("the probabilities of the classes must sum to 1 for each sample")
    losses = -logarithms[found.truth, np.arange(len(found.truth))]
    return _weighted(losses, found.weights)


def _weighted(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weighted sum of values, and the sum of the weights."""
    return np.array([np.sum(values * weights), np.sum(weights)])


@answering
def mse(
    prediction: ArrayLike, targets: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """The mean of the squared differences.

    Parameters
    ----------
    prediction, targets : array_like of shape (k, N) or (N,)
        Predicted and true numbers.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Where the shapes differ, a target is NaN, or every weight is zero.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> nn.metrics.mse([1.0, 2.0], [1.0, 4.0])
    2.0
    """
    return _measured(MEASURES["mse"], prediction, targets, "numbers", sample_weight)


def _squares(
    prediction: ArrayLike, targets: ArrayLike, given: str | None, weights: ArrayLike
) -> np.ndarray:
    differences, weights, _ = _differences(prediction, targets, weights)
    return _weighted(np.square(differences).mean(axis=0), weights)


@answering
def mae(
    prediction: ArrayLike, targets: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """The mean of the absolute differences.

    Parameters
    ----------
    prediction, targets : array_like of shape (k, N) or (N,)
        Predicted and true numbers.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Where the shapes differ, a target is NaN, or every weight is zero.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> nn.metrics.mae([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    return _measured(MEASURES["mae"], prediction, targets, "numbers", sample_weight)


def _sizes(
    prediction: ArrayLike, targets: ArrayLike, given: str | None, weights: ArrayLike
) -> np.ndarray:
    differences, weights, _ = _differences(prediction, targets, weights)
    return _weighted(np.abs(differences).mean(axis=0), weights)


@answering
def r2(
    prediction: ArrayLike, targets: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """The share of the variance of the targets that is explained, 1 at best, averaged over outputs.

    For a target that is the same for all samples it is 1 if all predictions are right and else 0,
    as in scikit-learn; for one sample it is NaN.

    Parameters
    ----------
    prediction, targets : array_like of shape (k, N) or (N,)
        Predicted and true numbers.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Where the shapes differ, a target is NaN, or every weight is zero.

    Notes
    -----
    Wright, "Correlation and causation" (1921).

    Examples
    --------
    >>> from autograd_lite import nn
    >>> nn.metrics.r2([1.0, 2.0, 5.0], [1.0, 2.0, 6.0]) == 1 - 1 / 14
    True
    """
    return _measured(MEASURES["r2"], prediction, targets, "numbers", sample_weight)


def _explained(found: _Spread) -> float:
    _check_weight(found.weight)
    if found.samples < 2 or np.isnan(found.left).any():
        return float("nan")
    start = (found.left > 0).astype(float)
    unexplained = np.divide(found.left, found.squares, out=start, where=found.squares > 0)
    return float(np.mean(1 - unexplained))


class _Spread(NamedTuple):
    """The number of samples, their weight, and for each output the mean of the targets, the sum
    of their squared deviations, and that of the squared errors of the predictions."""

    samples: int
    weight: float
    means: np.ndarray
    squares: np.ndarray
    left: np.ndarray


def _spread(
    prediction: ArrayLike, targets: ArrayLike, given: str | None, weights: ArrayLike
) -> _Spread:
    differences, weights, truth = _differences(prediction, targets, weights)
    weight = float(np.sum(weights))
    means = np.sum(weights * truth, axis=1) / (weight or 1.0)
    squares = np.sum(weights * np.square(truth - means[:, np.newaxis]), axis=1)
    left = np.sum(weights * np.square(differences), axis=1)
    return _Spread(truth.shape[1], weight, means, squares, left)


def _spread_of_both(a: _Spread, b: _Spread) -> _Spread:
    """The spread of two parts together.

    Chan, Golub and LeVeque, "Algorithms for computing the sample variance: analysis and
    recommendations" (1983).
    """
    weight = a.weight + b.weight
    share = b.weight / (weight or 1.0)
    away = b.means - a.means
    squares = a.squares + b.squares + away**2 * (a.weight * share)
    means = a.means + away * share
    return _Spread(a.samples + b.samples, weight, means, squares, a.left + b.left)


def _differences(
    prediction: ArrayLike, targets: ArrayLike, sample_weight: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predictions minus targets (k, N), the weights of samples, and the targets."""
    found, truth = (_rows(_array(a)).astype(np.float64) for a in (prediction, targets))
    if found.shape != truth.shape:
        raise ValueError(
            f"the predictions have shape {np.shape(prediction)} and the targets "
            f"{np.shape(targets)}; they must be the same, the samples last"
        )
    if np.isnan(truth).any():
        raise ValueError("there are targets that are NaN")
    return found - truth, _weights(sample_weight, truth.shape[1]), truth


@dataclass(frozen=True)
class ClassReport:
    """Precision, recall, F1 and support of one class in a report.

    Parameters
    ----------
    name : str
        The name of the class.
    precision, recall, f1 : float
        The metrics of the class; see the functions of these names.
    support : float
        The number, or weight, of its samples.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.metrics.report(np.array([0, 1, 1]), [0, 1, 1]).classes[1].support
    2.0
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: float


@dataclass(frozen=True)
class Report:
    """Precision, recall, F1 and support of each class; it prints as a table.

    Parameters
    ----------
    classes : tuple of ClassReport
        The report of each class, in the order of the class numbers.
    accuracy : float
        The share of the samples that are predicted as their class.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.metrics.report(np.array([0, 1, 1]), [0, 1, 1]).accuracy
    1.0
    """

    classes: tuple[ClassReport, ...]
    accuracy: float

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (c.name, *(f"{v:.4f}" for v in (c.precision, c.recall, c.f1)), f"{c.support:g}")
            for c in self.classes
        ]

    def __str__(self) -> str:
        cells = [_REPORT_HEADER, *self._cells()]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(
                cell.rjust(width) if i else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in cells
        ]
        return "\n".join([*lines, f"accuracy {self.accuracy:.4f}"])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"{table(_REPORT_HEADER, self._cells())}<p>accuracy {self.accuracy:.4f}</p>"


_REPORT_HEADER = ("class", "precision", "recall", "f1", "support")


@answering
def report(
    prediction: ArrayLike,
    targets: ArrayLike,
    *,
    given: str | None = None,
    names: Sequence[object] | None = None,
    sample_weight: ArrayLike | None = None,
) -> Report:
    """Precision, recall and F1 of each class, and the accuracy.

    Parameters
    ----------
    prediction : array_like of shape (1, N), (N,) or (K, N)
        A score for class 1, a score for each class, or class numbers (N,); see `nn.metrics`.
    targets : array_like of shape (N,), (1, N) or (K, N)
        Class numbers, or the probability of each class.
    given : {"logits", "probabilities", "scores"}, optional
        The kind of the scores. It may be left out where the numbers show it.
    names : sequence, optional
        The names of the classes, in the order of their numbers.
    sample_weight : array_like of shape (N,), optional
        The weight of each sample.

    Returns
    -------
    Report
        It prints as a table.

    Raises
    ------
    ValueError
        Where shapes do not fit, `given` is needed, or every weight is zero; where there are more or
        fewer names than classes.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.metrics.report(np.array([0, 1, 1, 1]), [0, 0, 1, 1], names=["no cat", "cat"])
    class   precision  recall      f1  support
    no cat     1.0000  0.5000  0.6667        2
    cat        0.6667  1.0000  0.8000        2
    accuracy 0.7500
    """
    counts = confusion_matrix(prediction, targets, given=given, sample_weight=sample_weight)
    if names is not None and len(names) != len(counts):
        raise ValueError(f"there are {len(names)} names for {len(counts)} classes")
    labels = range(len(counts)) if names is None else names
    columns = zip(labels, *_shares(counts), counts.sum(axis=1), strict=True)
    classes = tuple(ClassReport(str(name), *map(float, values)) for name, *values in columns)
    return Report(classes, float(np.trace(counts) / counts.sum()))


OF_CLASSES: dict[str, Callable[..., float]] = {
    "accuracy": accuracy,
    "f1": f1,
    "log_loss": log_loss,
    "precision": precision,
    "recall": recall,
    "roc_auc": roc_auc,
}
"""Metrics of classes by name: they take `given` and `sample_weight`."""

OF_NUMBERS: dict[str, Callable[..., float]] = {"mae": mae, "mse": mse, "r2": r2}
"""Metrics of numbers by name: they take `sample_weight`."""

METRICS = OF_CLASSES | OF_NUMBERS
"""All metrics by name, for `nn.fit(metrics=...)`."""

MEASURES = {
    "accuracy": Measure(_right, np.add, _mean),
    "f1": Measure(_counts, _added, functools.partial(_averaged, 2)),
    "log_loss": Measure(_log_losses, np.add, _mean),
    "mae": Measure(_sizes, np.add, _mean),
    "mse": Measure(_squares, np.add, _mean),
    "precision": Measure(_counts, _added, functools.partial(_averaged, 0)),
    "r2": Measure(_spread, _spread_of_both, _explained),
    "recall": Measure(_counts, _added, functools.partial(_averaged, 1)),
}
"""The metrics that can be computed from parts of the samples, by name."""


answer_in(__name__)
