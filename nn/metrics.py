"""How good predictions are: of scores as a network gives them, logits or probabilities.

Scores are (1, N), where a class is 1 above 0 (logits), or (K, N), where it is the largest. Targets
are of the same shape, or class numbers (N,). Where something is divided by 0, such as precision
where nothing was predicted, it is 0, as in scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def classes_of(scores: Any) -> np.ndarray:
    """The class of each sample by its scores, (1, N) or (K, N), or class numbers as they are."""
    scores = np.asarray(scores)
    if scores.ndim == 2:
        if len(scores) > 1:
            return np.argmax(scores, axis=0)
        return (scores[0] > 0).astype(np.intp)
    if scores.ndim == 1:
        return scores.astype(np.intp)
    raise ValueError(f"scores must be (1, N) or (classes, N), not {scores.shape}")


def _pair(scores: Any, targets: Any) -> tuple[np.ndarray, np.ndarray]:
    predicted, truth = classes_of(scores), classes_of(targets)
    if predicted.shape != truth.shape:
        raise ValueError(
            f"there are {predicted.size} predictions and {truth.size} targets; the samples are "
            "the last axis of both"
        )
    if not predicted.size:
        raise ValueError("there are no samples to measure on")
    return predicted, truth


def accuracy(scores: Any, targets: Any) -> float:
    """The share of the samples whose class is right."""
    predicted, truth = _pair(scores, targets)
    return float(np.mean(predicted == truth))


def confusion_matrix(scores: Any, targets: Any) -> np.ndarray:
    """How often each true class (rows) was taken for each class (columns)."""
    predicted, truth = _pair(scores, targets)
    n = max(predicted.max(), truth.max()) + 1
    rows = np.asarray(scores).shape[0] if np.ndim(scores) == 2 else 1
    n = max(n, rows, 2)
    return np.bincount(truth * n + predicted, minlength=n * n).reshape(n, n)


def precision(scores: Any, targets: Any) -> float:
    """Of what is said to be a class, the share that is: of class 1, or the mean over classes."""
    counts = confusion_matrix(scores, targets)
    return _averaged(np.diagonal(counts), counts.sum(axis=0))


def recall(scores: Any, targets: Any) -> float:
    """Of what is of a class, the share that is found: of class 1, or the mean over classes."""
    counts = confusion_matrix(scores, targets)
    return _averaged(np.diagonal(counts), counts.sum(axis=1))


def f1(scores: Any, targets: Any) -> float:
    """The harmonic mean of precision and recall: of class 1, or the mean over classes."""
    counts = confusion_matrix(scores, targets)
    right = np.diagonal(counts)
    return _averaged(2 * right, counts.sum(axis=0) + counts.sum(axis=1))


def _averaged(right: np.ndarray, of: np.ndarray) -> float:
    shares = np.divide(right, of, out=np.zeros(len(right)), where=of > 0)
    return float(shares[1] if len(shares) == 2 else shares.mean())


def roc_auc(scores: Any, targets: Any) -> float:
    """The probability that a sample of class 1 has a higher score than one of class 0.

    The area under the receiver operating characteristic; ties count half (Hanley and McNeil, 1982).
    Of two classes only; NaN where one of them does not occur.
    """
    scores = np.asarray(scores)
    if scores.ndim == 2:
        if len(scores) > 2:
            raise ValueError(f"roc_auc is of two classes, and the scores are of {len(scores)}")
        scores = scores[0] if len(scores) == 1 else scores[1] - scores[0]
    truth = classes_of(targets).astype(bool)
    if scores.shape != truth.shape:
        raise ValueError(f"there are {scores.size} scores and {truth.size} targets")
    values, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    # The mean rank of those that are tied.
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    positive, negative = truth.sum(), (~truth).sum()
    if not positive or not negative:
        return float("nan")
    above = ranks[truth].sum() - positive * (positive + 1) / 2
    return float(above / (positive * negative))


METRICS: dict[str, Callable[[Any, Any], float]] = {
    "accuracy": accuracy,
    "precision": precision,
    "recall": recall,
    "f1": f1,
    "roc_auc": roc_auc,
}
"""By name, as `nn.fit(metrics=...)` takes them."""
