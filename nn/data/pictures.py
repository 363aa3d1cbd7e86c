"""Pictures from HDF5 files, as the columns of a matrix.

The layout of a file: `train_set_x`, uint8 of shape (N, height, width) or (N, height, width,
channels), or floats of that shape in [0, 1]; `train_set_y`, N integers, each a position in
`list_classes`; `list_classes`, fixed-length bytes. The test file holds `test_set_x`, `test_set_y`
and `list_classes`. One file may hold all five.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from autograd_lite.extend import Array, adopt, expose, is_lazy, quoted

from . import hdf5
from .hdf5 import FileFormatError, Spec, shown_path

__all__ = ["flatten", "load_data"]

Path = str | os.PathLike[str]
ClassName = str | bytes | int
Floats = NDArray[np.float64]


class _Array(Protocol):
    @property
    def shape(self) -> tuple[int, ...]: ...


AnyArray = TypeVar("AnyArray", bound=_Array)


_CLASSES_BYTES = 4 * 2**20
_MOST_CLASSES = 2**16
_KEPT_BYTES = 64 * 2**20


class _Subset(NamedTuple):
    """The training or the test set of a file, without the pictures."""

    path: Path
    where: str
    name: str
    spec: Spec
    labels: NDArray[np.int64]
    classes: list[str]


def load_data(
    train_path: Path,
    test_path: Path,
    *,
    positive: ClassName | Iterable[ClassName] | None = None,
    limit: int = hdf5.LIMIT,
) -> tuple[Floats, Floats, Floats, Floats, list[str]]:
    """Reads a training and a test set of labelled pictures for a binary classifier.

    Parameters
    ----------
    train_path, test_path : path
        HDF5 files, with `train_set_x`, `train_set_y` and `test_set_x`, `test_set_y`, and
        `list_classes`. Both may be one file.
    positive : str, int, or several, optional
        The classes of the file that get the label 1, by name or by number (a string is a name). All
        others then get 0, and `classes` holds the names of both groups, joined by spaces. It is
        required for more than two classes.
    limit : int
        The most bytes that one dataset of a file may declare; X takes eight times the bytes of its
        uint8 pictures.

    Returns
    -------
    train_X : ndarray of shape (n, N)
        float64 in [0, 1], a column per picture.
    train_Y : ndarray of shape (1, N)
        float64 of 0 and 1.
    test_X, test_Y : ndarray
        The test set in the same form.
    classes : list of str
        The names of label 0 and label 1.

    Raises
    ------
    FileNotFoundError, PermissionError
        Where a file cannot be read.
    ValueError
        For a file that is damaged or lacks a dataset; labels that are not integers, not classes, or
        not as many as the pictures; training labels of one class only; pictures that are empty,
        neither uint8 nor floats in [0, 1], not finite, or of different sizes in the two sets; and a
        `positive` that is not a class of the file. The message says in one sentence what was found
        and where; errors in a file are FileFormatError.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> import os, tempfile
    >>> import h5py
    >>> path = os.path.join(tempfile.mkdtemp(), "pictures.h5")
    >>> with h5py.File(path, "w") as file:
    ...     for name in ("train", "test"):
    ...         file[f"{name}_set_x"] = np.zeros((4, 8, 8, 3), np.uint8)
    ...         file[f"{name}_set_y"] = np.array([0, 1, 1, 0])
    ...     file["list_classes"] = np.array([b"non-cat", b"cat"])
    >>> train_X, train_Y, test_X, test_Y, classes = nn.load_data(path, path)
    >>> train_X.shape, train_Y.shape, classes
    ((192, 4), (1, 4), ['non-cat', 'cat'])
    """
    # All small parts are checked before the pictures of either file.
    train = _described(train_path, "train", limit)
    test = _described(test_path, "test", limit)
    _check_alike(train, test)
    is_positive, classes = _two_classes(train, positive)
    train_Y, test_Y = (is_positive[labels] for labels in (train.labels, test.labels))
    _check_two_found(train, train_Y, classes)
    pictures = [_checked_pictures(subset, limit) for subset in (train, test)]
    train_X, test_X = (
        _columns(subset, found, limit)
        for subset, found in zip((train, test), pictures, strict=True)
    )
    return train_X, _row(train_Y), test_X, _row(test_Y), classes


def flatten(images: AnyArray) -> AnyArray:
    """Flattens pictures (N, ...) into columns (n, N), n the numbers per picture.

    It is the article's `flatten`. Column j is `images[j]` in C order. The result is a transposed
    view of (N, n), so that a picture is contiguous in memory, and shares the memory of `images`
    where `reshape` can. It works for all arrays with NumPy's protocols. Single rows of a flattened
    Dask array can still be read without the rest of their block. (`images.reshape(n, N)` has the
    same shape, but scrambles the pictures.)

    Parameters
    ----------
    images : array of shape (N, ...)
        Samples first.

    Returns
    -------
    array of shape (n, N)

    Raises
    ------
    ValueError
        For fewer than two dimensions.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> nn.flatten(np.arange(8).reshape(2, 2, 2))
    array([[0, 4],
           [1, 5],
           [2, 6],
           [3, 7]])
    """
    shape = images.shape
    if len(shape) < 2:
        raise ValueError(
            f"flatten needs pictures of shape (N, ...), got shape {tuple(shape)}: for one picture,"
            " pass picture[np.newaxis]"
        )
    # reshape(N, -1) cannot infer the -1 when N is 0.
    pictures: Array = adopt(images, axis=0) if is_lazy(images) else images
    rows = np.reshape(pictures, (shape[0], math.prod(shape[1:])))
    return cast(AnyArray, expose(np.transpose(rows)))


def _described(path: Path, subset: str, limit: int) -> _Subset:
    where = f"File {shown_path(path)}"
    x, y = f"{subset}_set_x", f"{subset}_set_y"
    with hdf5.reading(path, limit=limit) as file:
        spec, labels = file.spec(x, itemsize=8), file.spec(y)
        names = file.spec("list_classes")
        _check_spec(f"{where}: {x}", spec)
        _check_labels(f"{where}: {y}", labels, spec.shape[0])
        _check_classes(f"{where}: list_classes", names)
        numbers, found = file.read(y, labels), file.read("list_classes", names)
    classes = [name.decode(errors="backslashreplace") for name in found.tolist()]
    _check_range(f"{where}: {y}", numbers, classes)
    return _Subset(path, where, x, spec, numbers.reshape(-1).astype(np.int64), classes)


def _check_spec(where: str, spec: Spec) -> None:
    if len(spec.shape) not in (3, 4):
        raise FileFormatError(
            f"{where} has shape {spec.shape}, expected (pictures, height, width) or (pictures,"
            " height, width, channels)"
        )
    if 0 in spec.shape:
        raise FileFormatError(f"{where} is empty (its shape is {spec.shape}), expected pictures")
    if spec.dtype != np.uint8 and spec.dtype.kind != "f":
        raise FileFormatError(
            f"{where} is of type {spec.dtype}, expected uint8 from 0 to 255 or floats from 0 to 1"
        )


def _check_labels(where: str, spec: Spec, pictures: int) -> None:
    if spec.dtype.kind not in "biu":
        raise FileFormatError(f"{where} is of type {spec.dtype}, expected integers")
    if spec.shape in ((pictures,), (pictures, 1), (1, pictures)):
        return
    labels = math.prod(spec.shape)
    if labels == pictures:
        raise FileFormatError(f"{where} has shape {spec.shape}, expected ({pictures},)")
    raise FileFormatError(
        f"{where} has {labels} labels (its shape is {spec.shape}) for {pictures} pictures,"
        " expected one label per picture"
    )


def _check_classes(where: str, spec: Spec) -> None:
    if len(spec.shape) != 1 or spec.dtype.kind != "S" or spec.shape[0] < 2:
        raise FileFormatError(
            f"{where} is {spec}, expected a list of two or more class names as fixed-length bytes"
        )
    if spec.nbytes > _CLASSES_BYTES or spec.shape[0] > _MOST_CLASSES:
        raise FileFormatError(
            f"{where} is {spec}, expected at most {_MOST_CLASSES:,} class names of together at most"
            f" {_CLASSES_BYTES:,} bytes"
        )


def _checked_pictures(subset: _Subset, limit: int) -> NDArray[Any] | None:
    """Checks all pictures; returns them as stored, or None if they are too large to keep.

    It reads some pictures at a time, so that errors are found before memory for all is allocated.
    """
    spec = subset.spec
    kept = np.empty(spec.shape, spec.dtype) if spec.nbytes <= _KEPT_BYTES else None
    where = f"{subset.where}: {subset.name}"
    low, high, bad, first = math.inf, -math.inf, 0, ""
    with hdf5.reading(subset.path, limit=limit) as file:
        for start, stop, pictures in file.blocks(subset.name, spec):
            if kept is not None:
                kept[start:stop] = pictures
            if pictures.dtype.kind != "f":
                continue
            finite = np.isfinite(pictures)
            count = finite.size - int(np.count_nonzero(finite))
            if count and not bad:
                # argmin of booleans finds the first in C order, without a list of all of them.
                at = np.unravel_index(int(finite.argmin()), finite.shape)
                picture, *place = (int(i) for i in at)
                value = pictures[(picture, *place)]
                first = f"the first one ({value}) in picture {start + picture} at {tuple(place)}"
            bad += count
            low, high = min(low, pictures.min()), max(high, pictures.max())
    if bad:
        raise FileFormatError(f"{where} has {bad} values that are NaN or infinite, {first}")
    if low < 0 or high > 1:
        raise FileFormatError(
            f"{where} holds floats from {low:g} to {high:g}, expected 0 to 1: scale them, or store"
            " uint8"
        )
    return kept


def _check_range(where: str, labels: NDArray[Any], classes: list[str]) -> None:
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= len(classes):
        raise FileFormatError(
            f"{where} holds the label {low if low < 0 else high}, expected 0 to {len(classes) - 1},"
            f" as list_classes names {len(classes)} classes"
        )


def _check_alike(train: _Subset, test: _Subset) -> None:
    if train.spec.shape[1:] != test.spec.shape[1:]:
        raise FileFormatError(
            f"{test.where}: test_set_x has pictures of shape {test.spec.shape[1:]}, expected"
            f" {train.spec.shape[1:]} as in train_set_x"
        )
    if train.classes != test.classes:
        raise FileFormatError(
            f"{test.where}: list_classes is {_shown(test.classes)}, expected"
            f" {_shown(train.classes)} as in the training file"
        )


def _two_classes(
    train: _Subset, positive: ClassName | Iterable[ClassName] | None
) -> tuple[NDArray[np.bool_], list[str]]:
    """Whether each class of the file gets the label 1, and the names of the two groups."""
    classes = train.classes
    if positive is None:
        if len(classes) > 2:
            raise ValueError(
                f"{train.where} has {len(classes)} classes, {_shown(classes)}: name those that get"
                " the label 1 by positive=[...]"
            )
        return np.array([False, True]), classes
    is_positive = np.zeros(len(classes), dtype=np.bool_)
    wanted = [positive] if isinstance(positive, str | bytes) else positive
    for name in wanted if isinstance(wanted, Iterable) else [wanted]:
        is_positive[_positions(name, train)] = True
    if is_positive.all() or not is_positive.any():
        raise ValueError(
            f"positive names {int(is_positive.sum())} of the {len(classes)} classes of"
            f" {train.where}, {_shown(classes)}, expected some of them and not all"
        )
    groups = [
        " ".join(name for name, is_in in zip(classes, group, strict=True) if is_in)
        for group in (~is_positive, is_positive)
    ]
    return is_positive, groups


def _positions(name: ClassName, train: _Subset) -> list[int]:
    """The positions of a class in list_classes; a name may have several."""
    classes = train.classes
    if isinstance(name, str | bytes):
        text = name.decode(errors="backslashreplace") if isinstance(name, bytes) else name
        found = [i for i, known in enumerate(classes) if known == text]
    else:
        number = operator.index(name)
        found = [number] if 0 <= number < len(classes) else []
    if not found:
        raise ValueError(
            f"positive names the class {quoted(name)}, which {train.where} does not have: its"
            f" classes are {_shown(classes)}, numbered from 0"
        )
    return found


def _check_two_found(train: _Subset, is_one: NDArray[np.bool_], classes: list[str]) -> None:
    if is_one.all() or not is_one.any():
        label = int(is_one[0])
        raise ValueError(
            f"{train.where}: train_set_y has only one class, all {is_one.size} labels are {label}"
            f" ({quoted(classes[label])}), expected pictures of both {_shown(classes)}"
        )


def _shown(classes: list[str]) -> str:
    return hdf5.listed(iter(classes), most=20)


def _columns(subset: _Subset, kept: NDArray[Any] | None, limit: int) -> Floats:
    rows = np.empty((subset.spec.shape[0], math.prod(subset.spec.shape[1:])))
    scale = 255.0 if subset.spec.dtype == np.uint8 else 1.0

    def fill(start: int, stop: int, pictures: NDArray[Any]) -> None:
        flat = pictures.reshape(stop - start, -1)
        np.divide(flat, scale, out=rows[start:stop], dtype=np.float64)

    if kept is not None:
        fill(0, len(kept), kept)
    else:
        with hdf5.reading(subset.path, limit=limit) as file:
            for block in file.blocks(subset.name, subset.spec):
                fill(*block)
    # In this transposed view a picture stays contiguous.
    return flatten(rows)


def _row(labels: NDArray[np.bool_]) -> Floats:
    return labels.astype(np.float64).reshape(1, -1)
