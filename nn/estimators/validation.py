"""Checks of the arguments of estimators: numbers, labels, targets, weights, names."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd_lite.extend import Array, ArrayLike, printable, warn


class NotFittedError(ValueError, AttributeError):
    """The error for an estimator that is used before `fit`."""


def not_fitted(estimator: object) -> Exception:
    """The error for an estimator that is not fitted; scikit-learn's own if that is loaded."""
    message = f"this {type(estimator).__name__} is not fitted yet; call fit(X, y) first"
    exceptions = sys.modules.get("sklearn.exceptions")
    kind: type[Exception] = NotFittedError if exceptions is None else exceptions.NotFittedError
    return kind(message)


def finite_numbers(X: ArrayLike) -> np.ndarray:
    """X as an array of finite numbers in float32 or float64."""
    if hasattr(X, "toarray") and hasattr(X, "tocsr"):
        raise TypeError(
            "X is a sparse matrix, and dense data is required: sparse input is not supported, use "
            "X.toarray()"
        )
    array = np.asarray(X)
    if array.dtype.kind == "c":
        raise ValueError("Complex data not supported: X must be real numbers")
    if array.dtype.kind in "OUS":
        array = _from_objects(array)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"X must be real numbers, but it has dtype {array.dtype}")
    array = array.astype(trained_dtype(array.dtype), copy=False)
    if not np.isfinite(array).all():
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        what = "NaN" if np.isnan(array[first]) else "infinity"
        raise ValueError(
            f"X[{', '.join(map(str, first))}] is {array[first]}; X contains {what}, but must be "
            "finite"
        )
    return array


def trained_dtype(given: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of training for a given dtype: float32 for float16 and float32, else float64."""
    return np.dtype(np.float32 if given in (np.float16, np.float32) else np.float64)


def _from_objects(array: np.ndarray) -> np.ndarray:
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise (TypeError if isinstance(error, TypeError) else ValueError)(
            f"X must be real numbers: {error} (argument must be a string or a real number)"
        ) from None


def check_feature_names(estimator: Any, X: ArrayLike, reset: bool) -> None:
    """Stores the column names of a data frame, or compares them with those of `fit`."""
    names = _names_of(X)
    known = getattr(estimator, "feature_names_in_", None)
    if reset:
        if names is not None:
            estimator.feature_names_in_ = names
        elif known is not None:
            del estimator.feature_names_in_
        return
    kind = type(estimator).__name__
    if names is None and known is not None:
        warn(
            f"X does not have valid feature names, but {kind} was fitted with feature names",
            UserWarning,
        )
    elif names is not None and known is None:
        warn(
            f"X has feature names, but {kind} was fitted without feature names",
            UserWarning,
        )
    elif names is not None and known is not None and list(names) != list(known):
        raise ValueError(_other_names(list(names), list(known)))


def _names_of(X: ArrayLike) -> np.ndarray | None:
    found = getattr(X, "columns", None)
    if found is None:
        return None
    names = np.asarray(found, dtype=object)
    text = [isinstance(name, str) for name in names]
    if any(text) and not all(text):
        raise TypeError(
            "Feature names are only supported if all input features have string names, but X has "
            f"names of the types {sorted({type(n).__name__ for n in names})}; use "
            "X.columns = X.columns.astype(str)"
        )
    return names if len(names) and all(text) else None


def _other_names(names: list[str], known: list[str]) -> str:
    message = "The feature names should match those that were passed during fit.\n"
    for what, some in (
        ("unseen at fit time", sorted(set(names) - set(known))),
        ("seen at fit time, yet now missing", sorted(set(known) - set(names))),
    ):
        if some:
            listed = [f"- {printable(name, 200)}\n" for name in some[:5]]
            listed += ["- ...\n"] if len(some) > 5 else []
            message += f"Feature names {what}:\n{''.join(listed)}"
    if set(names) == set(known):
        message += "Feature names must be in the same order as they were in fit.\n"
    return message


def checked_labels(found: np.ndarray, n_samples: int) -> np.ndarray:
    """Labels of shape (N,), checked to be classes."""
    if found.ndim == 0 and found.dtype == object and found.item() is None:
        raise ValueError("fit requires y to be passed, but the target y is None")
    if found.ndim == 2 and found.shape[1] == 1:
        _warn_of_column()
        found = found[:, 0]
    if found.shape != (n_samples,):
        raise ValueError(
            f"y has shape {found.shape}, but X has {n_samples} samples; expected ({n_samples},)"
        )
    if found.dtype.kind == "f":
        if np.isnan(found).any():
            raise ValueError(f"y[{int(np.argmax(np.isnan(found)))}] is NaN; labels must be known")
        if np.isinf(found).any():
            raise ValueError("y contains infinity; labels must be classes")
        if (found != np.floor(found)).any():
            raise ValueError(
                "Unknown label type: y holds numbers that are not whole, as for a regression, but "
                "a classifier needs classes"
            )
    if found.dtype.kind == "c":
        raise ValueError("Complex data not supported: y must be classes")
    return found


def _warn_of_column() -> None:
    exceptions = sys.modules.get("sklearn.exceptions")
    kind = UserWarning if exceptions is None else exceptions.DataConversionWarning
    warn(
        "A column-vector y was passed when a 1d array was expected: y has shape (N, 1), and is "
        "taken as (N,)",
        kind,
    )


def mixed_labels(kinds: str) -> TypeError:
    """The error for labels that cannot be sorted."""
    return TypeError(
        f"y mixes labels of {kinds}, which cannot be sorted; convert them to one type, as by "
        "y.astype(str)"
    )


def checked_targets(y: ArrayLike, n_samples: int) -> np.ndarray:
    """Targets of shape (N,) or (N, k) as columns (k, N), checked to be finite."""
    if y is None:
        raise ValueError("fit requires y to be passed, but the target y is None")
    found = np.asarray(y)
    if found.dtype.kind == "c":
        raise ValueError("Complex data not supported: y must be real numbers")
    if found.dtype.kind not in "fiub":
        try:
            found = found.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"y must be real numbers: {error}") from None
    if found.ndim not in (1, 2) or len(found) != n_samples or not found.size:
        raise ValueError(
            f"y has shape {found.shape}, but X has {n_samples} samples; expected ({n_samples},), "
            f"or ({n_samples}, k) for k numbers per sample"
        )
    if not np.isfinite(found).all():
        what = "NaN" if np.isnan(found).any() else "infinity"
        raise ValueError(f"Input y contains {what}, but must be finite")
    return found[np.newaxis] if found.ndim == 1 else found.T


def numbers_of(found: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """The index of each label among the sorted classes."""
    numbers = np.searchsorted(classes, found)
    numbers = np.minimum(numbers, len(classes) - 1)
    if (classes[numbers] != found).any():
        unknown = np.asarray(found[classes[numbers] != found][0])
        raise ValueError(
            f"y holds the label {unknown.tolist()!r}, which is not one of {classes.tolist()}"
        )
    return numbers


def shaped_weights(weights: ArrayLike, n_samples: int) -> Array:
    """Weights of shape (N,); one number becomes the weight of all samples."""
    if weights.ndim == 0:
        weights = np.full(n_samples, weights)
    if weights.ndim != 1:
        raise ValueError(f"Sample weights must be 1D array or scalar, got shape {weights.shape}")
    if weights.shape != (n_samples,):
        raise ValueError(f"sample_weight.shape == {weights.shape}, expected ({n_samples},)!")
    return weights


def check_weights(finite: bool, positive: bool, some: bool) -> None:
    """Raises ValueError unless weights are finite, from 0 on, and not all zero."""
    if not finite or not positive:
        raise ValueError("sample_weight must be finite numbers from 0 on")
    if not some:
        raise ValueError("sample_weight: every weight is zero, so there is nothing to learn from")


def class_weights(
    given: ArrayLike, numbers: ArrayLike, classes: np.ndarray, weights: ArrayLike
) -> Array:
    """The weight of each class; "balanced" depends on `weights`, those of the samples."""
    if isinstance(given, str):
        if given != "balanced":
            raise ValueError(f"class_weight must be 'balanced' or a dict, not {given!r}")
        counts = np.bincount(numbers, weights=weights, minlength=len(classes))
        return np.sum(counts) / (len(classes) * np.maximum(counts, 1e-300))
    if not isinstance(given, Mapping):
        raise ValueError(f"class_weight must be 'balanced' or a dict, not {given!r}")
    found = np.ones(len(classes))
    for label, weight in given.items():
        where = np.flatnonzero(classes == label)
        if not len(where):
            raise ValueError(f"class_weight has the class {label!r}, which is not in y")
        found[where[0]] = weight
    return found
