"""Reads model files without a given model: their arrays, or the saved estimator."""

from __future__ import annotations

import os
import re
from typing import Any, cast

import numpy as np

from . import checkpoint, safetensors_files
from .contracts import Description, State
from .data import FileFormatError, flatten, hdf5
from .estimators import (
    ACTIVATIONS,
    DeepClassifier,
    DeepRegressor,
    Estimator,
    LinearRegression,
    LogisticRegression,
)

_KINDS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (DeepClassifier, DeepRegressor, LinearRegression, LogisticRegression)
}
_BY_CLASS = {layer.__name__: name for name, layer in ACTIVATIONS.items()}


def contents(path: str | os.PathLike[str]) -> tuple[dict[str, np.ndarray], Description]:
    """The arrays of a checkpoint by name, and its description, checked as by `nn.load`.

    Raises
    ------
    FileNotFoundError, PermissionError, FileFormatError
        Where the file is missing, damaged, or not a checkpoint; the message is one sentence.
    """
    if safetensors_files.is_named(path):
        return safetensors_files.read(path, lambda where, specs, description: None, hdf5.LIMIT)
    return checkpoint.read(path, None)


def estimator_in(path: str | os.PathLike[str]) -> Estimator:
    """The fitted estimator that `nn.save` wrote to a file.

    Raises
    ------
    FileNotFoundError, PermissionError, FileFormatError
        Where the file cannot be read, or does not hold an estimator; the message is one sentence.
    """
    arrays, description = contents(path)
    where = f"Checkpoint {hdf5.shown_path(path)}"
    try:
        model = _of(description, arrays)
        model.load_state_dict(arrays, description)
    except (ValueError, KeyError) as error:
        raise FileFormatError(f"{where} holds no estimator that can be restored: {error}") from None
    return model


def _of(description: Description, arrays: State) -> Estimator:
    """An unfitted estimator as a checkpoint describes it; ValueError if it describes none."""
    kind = _KINDS.get(str(description.get("model")))
    if kind is None:
        raise ValueError(f"it describes none of {', '.join(_KINDS)}")
    if kind not in (DeepClassifier, DeepRegressor):
        return cast(Estimator, kind())
    weights = [array for name, array in arrays.items() if name.endswith(".weight")]
    layout = str(description.get("layout"))
    found = [name for name in re.findall(r"(\w+)\(", layout) if name in _BY_CLASS]
    at_zero = re.search(r"at_zero=([\d.]+)", layout)
    estimator: Estimator = kind(
        [len(weight) for weight in weights[:-1]],
        activation=_BY_CLASS[found[0]] if found else "relu",
        at_zero=float(at_zero[1]) if at_zero else 1.0,
    )
    return estimator


def samples_in(path: str | os.PathLike[str], dataset: str) -> np.ndarray:
    """The samples of a dataset in an HDF5 file as flat rows; uint8 becomes numbers from 0 to 1.

    Raises
    ------
    FileNotFoundError, PermissionError, FileFormatError
        Where the file is missing, damaged, or without that dataset; the message is one sentence.
    """
    with hdf5.reading(path) as file:
        values = file.read(dataset, file.spec(dataset))
    rows = np.asarray(flatten(values)).T
    return rows / 255 if values.dtype == np.uint8 else rows
