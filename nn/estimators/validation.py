"""What comes in at the door of an estimator, checked: samples first, labels, weights, names."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd_lite.lazy import is_lazy
from autograd_lite.printable import printable
from nn.data.pictures import flatten
from nn.estimators import lazily
from nn.module import as_array


class NotFittedError(ValueError, AttributeError):
    """An estimator was used before `fit`."""


def not_fitted(estimator: Any) -> Exception:
    """The error for an estimator that is not fitted; scikit-learn's own where that is loaded."""
    message = f"this {type(estimator).__name__} is not fitted yet; call fit(X, y) first"
    exceptions = sys.modules.get("sklearn.exceptions")
    kind: type[Exception] = NotFittedError if exceptions is None else exceptions.NotFittedError
    return kind(message)


def columns(estimator: Any, X: Any, reset: bool) -> Any:
    """Samples first, (N, ...), as the columns of a matrix of floats, checked.

    Arrays that are computed later, as Dask's, stay so, and their values are not looked at.

    With `reset` the estimator notes the number and the names of the features, else they are
    compared with those it has.
    """
    _feature_names(estimator, X, reset)
    array = lazily.numbers(X) if is_lazy(X) else _numbers(X)
    if array.ndim < 2:
        raise ValueError(
            f"X must have a sample per row, of shape (N, ...), and it has shape {array.shape}. "
            "Expected 2D array. Reshape your data: X.reshape(-1, 1) for one feature, "
            "X.reshape(1, -1) for one sample"
        )
    if array.shape[0] == 0:
        raise ValueError(f"X is empty: it has shape {array.shape}")
    found = as_array(flatten(array))
    if not found.shape[0]:
        raise ValueError(
            f"X has 0 feature(s) (shape={array.shape}) while a minimum of 1 is required."
        )
    if reset:
        estimator.n_features_in_ = found.shape[0]
    elif found.shape[0] != estimator.n_features_in_:
        name = type(estimator).__name__
        raise ValueError(
            f"X has {found.shape[0]} features, but {name} is expecting "
            f"{estimator.n_features_in_} features as input"
        )
    return found


def _numbers(X: Any) -> np.ndarray:
    """X as an array of float32 or float64 that are finite."""
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
        raise TypeError(f"X must be real numbers, and it has dtype {array.dtype}")
    if array.dtype != np.float32:
        array = array.astype(np.float64, copy=False)
    if not np.isfinite(array).all():
        first = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        what = "NaN" if np.isnan(array[first]) else "infinity"
        raise ValueError(
            f"X[{', '.join(map(str, first))}] is {array[first]}; X contains {what}, and must be "
            "finite"
        )
    return array


def _from_objects(array: np.ndarray) -> np.ndarray:
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise (TypeError if isinstance(error, TypeError) else ValueError)(
            f"X must be real numbers: {error} (argument must be a string or a real number)"
        ) from None


def _feature_names(estimator: Any, X: Any, reset: bool) -> None:
    """Note the names of the columns of a data frame, or compare them with those of `fit`."""
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
        warnings.warn(
            f"X does not have valid feature names, but {kind} was fitted with feature names",
            UserWarning,
            stacklevel=4,
        )
    elif names is not None and known is None:
        warnings.warn(
            f"X has feature names, but {kind} was fitted without feature names",
            UserWarning,
            stacklevel=4,
        )
    elif names is not None and known is not None and list(names) != list(known):
        raise ValueError(_other_names(list(names), list(known)))


def _names_of(X: Any) -> np.ndarray | None:
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


def labels(y: Any, cols: Any) -> Any:
    """The labels of the samples, (N,), checked; cut as the columns are, where these are lazy."""
    if y is None:
        raise ValueError("fit requires y to be passed, but the target y is None")
    n_samples = cols.shape[1]
    if is_lazy(cols) and is_lazy(y) and y.shape == (n_samples,):
        return lazily.in_the_blocks_of(cols, y)
    found = _labels(np.asarray(y), n_samples)
    return lazily.in_the_blocks_of(cols, found) if is_lazy(cols) else found


def _labels(found: np.ndarray, n_samples: int) -> np.ndarray:
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
                "Unknown label type: y holds numbers that are not whole, as for a regression, and "
                "a classifier needs classes"
            )
    if found.dtype.kind == "c":
        raise ValueError("Complex data not supported: y must be classes")
    return found


def _warn_of_column() -> None:
    exceptions = sys.modules.get("sklearn.exceptions")
    kind = UserWarning if exceptions is None else exceptions.DataConversionWarning
    warnings.warn(
        "A column-vector y was passed when a 1d array was expected: y has shape (N, 1), and is "
        "taken as (N,)",
        kind,
        stacklevel=4,
    )


def classes_in(found: Any) -> np.ndarray:
    """The different labels, sorted."""
    try:
        if is_lazy(found):
            classes = lazily.different(found)
            return _labels(classes, len(classes))
        return np.unique(found)
    except TypeError:
        kinds = "several types"
        if not is_lazy(found):
            found_kinds = sorted({type(label).__name__ for label in found.tolist()})
            kinds = f"the types {', '.join(found_kinds)}"
        raise TypeError(
            f"y mixes labels of {kinds}, which cannot be sorted; make them all of one, as in "
            "y.astype(str)"
        ) from None


def class_numbers(found: Any, classes: np.ndarray) -> Any:
    """Which of the classes, sorted, each label is."""
    if is_lazy(found):
        return found.map_blocks(class_numbers, classes, dtype=np.intp)
    numbers = np.searchsorted(classes, found)
    numbers = np.minimum(numbers, len(classes) - 1)
    if (classes[numbers] != found).any():
        unknown = np.asarray(found[classes[numbers] != found][0])
        raise ValueError(
            f"y holds the label {unknown.tolist()!r}, which is none of {classes.tolist()}"
        )
    return numbers


def sample_weights(
    given: Any, class_weight: Any, numbers: Any, classes: np.ndarray, dtype: Any
) -> Any:
    """The weights of the samples and of their classes together; None where all count the same."""
    weights = None
    if given is not None:
        weights = _given_weights(given, len(numbers), dtype)
        if is_lazy(numbers):
            weights = lazily.in_the_blocks_of(numbers, weights)
        elif is_lazy(weights):
            weights = np.asarray(weights)
    if class_weight is None:
        return weights
    ones = np.ones_like(numbers, dtype=float) if weights is None else weights
    table = np.asarray(_class_weights(class_weight, numbers, classes, ones)).astype(dtype)
    of_class = lazily.looked_up(table, numbers) if is_lazy(numbers) else table[numbers]
    return of_class if weights is None else weights * of_class


def _given_weights(given: Any, n_samples: int, dtype: Any) -> Any:
    weights = given.astype(dtype) if is_lazy(given) else np.asarray(given, dtype=dtype)
    if weights.ndim == 0:
        weights = np.full(n_samples, weights)
    if weights.ndim != 1:
        raise ValueError(f"Sample weights must be 1D array or scalar, got shape {weights.shape}")
    if weights.shape != (n_samples,):
        raise ValueError(f"sample_weight.shape == {weights.shape}, expected ({n_samples},)!")
    facts = np.isfinite(weights).all(), (weights >= 0).all(), weights.any()
    is_finite, is_positive, is_some = lazily.computed(facts) if is_lazy(weights) else facts
    if not is_finite or not is_positive:
        raise ValueError("sample_weight must be finite numbers from 0 on")
    if not is_some:
        raise ValueError("sample_weight: every weight is zero, so there is nothing to learn from")
    return weights


def _class_weights(given: Any, numbers: Any, classes: np.ndarray, weights: Any) -> Any:
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
