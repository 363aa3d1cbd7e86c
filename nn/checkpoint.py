"""Models in HDF5 files: arrays and a description, no code.

The layout, so that plain h5py can read it:

`metadata`
    uint8 of shape (bytes,): JSON text in UTF-8, an object with `format` (always "autograd_lite
    checkpoint"), `version` (1), `arrays`, a list of objects with `name`, `shape` and `dtype`
    (NumPy's name, such as "float32"), and `description`, an object from the model. As in
    Python's `json`, NaN and Infinity may occur. (It is a dataset, since an HDF5 attribute is
    limited to 64 KB.)
`arrays/0`, `arrays/1`, ...
    The arrays in the order of that list. Their names are in the list only, so that a `/` does not
    make a group.
    A 0-d array is stored with shape (1,), because HDF5 has checksums for chunked data only.

    >>> import h5py, json
    >>> with h5py.File("model.h5") as file:  # doctest: +SKIP
    ...     listing = json.loads(file["metadata"][()].tobytes())["arrays"]
    ...     state = {a["name"]: file[f"arrays/{i}"][()] for i, a in enumerate(listing)}

A description never names a class to be imported: the caller passes a model to load into, and the
file must match it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from autograd_lite.extend import printable, quoted

from . import safetensors_files
from .contracts import Array, Description, Shapes, State
from .data import bounded_json, hdf5
from .data.hdf5 import FileFormatError, Spec, shown_path
from .spelling import answering

__all__ = ["Checkpointable", "load", "read", "save", "write"]

Path = str | os.PathLike[str]

_FORMAT = "autograd_lite checkpoint"
_VERSION = 1
_MOST_LISTED = 5
_MOST_AXES = 64
_DTYPES = {
    name: np.dtype(name)
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )
}


class Checkpointable(Protocol):
    """The methods of a model that `save` and `load` call."""

    def state_dict(self) -> State:
        """Every array of the state of the model, by name."""

    def describe(self) -> Description:
        """A description as JSON, for people and for `expected_state`; tuples become lists."""

    def expected_state(self, description: Description) -> Shapes:
        """The shape and dtype of every array to load; it must not change the model.

        `description` comes from a file and may be any JSON object; the method raises ValueError
        with the reason if it does not suit the model.
        """

    def load_state_dict(self, arrays: dict[str, Array], description: Description) -> None:
        """Loads new arrays with the expected names, shapes and dtypes."""


Model = TypeVar("Model", bound=Checkpointable)


class _Metadata(NamedTuple):
    specs: dict[str, Spec]
    description: Description


@answering
def save(model: Checkpointable, path: Path) -> None:
    """Saves a model in an HDF5 file, as a whole or not at all.

    A path that ends in `.safetensors` gives a file of that format (extra `safetensors`).

    Parameters
    ----------
    model : Module or estimator
        An object with the methods of `Checkpointable`.
    path : path
        The file to write; an existing file is replaced as a whole.

    Raises
    ------
    TypeError
        Where `model` is no model, such as its `state_dict()`.
    OSError
        Where the file cannot be written; an existing file is then unchanged.
    ImportError
        For a `.safetensors` file without the extra.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "model.h5")
    >>> nn.save(nn.Linear(2, 1, seed=0), path)
    >>> model = nn.load(path, nn.Linear(2, 1))
    """
    if not hasattr(model, "state_dict"):
        raise TypeError(
            f"save() takes a model and then a path, not {type(model).__name__} first; write "
            "nn.save(model, path)"
        )
    writer = safetensors_files.write if safetensors_files.is_named(path) else write
    writer(path, model.state_dict(), model.describe())


@answering
def load(path: Path, model: Model, *, limit: int = hdf5.LIMIT) -> Model:
    """Loads a file that `save` wrote into a model with the same layers, and returns that model.

    The model is not changed unless the whole file is valid.

    Parameters
    ----------
    path : path
        The file. If the path ends in `.safetensors` it may be from any library, with arrays named
        as in `model.state_dict()`.
    model : Module or estimator
        The model to load into.
    limit : int
        The most bytes that one array may take.

    Returns
    -------
    Module or estimator
        `model` itself.

    Raises
    ------
    FileNotFoundError, PermissionError, FileFormatError
        Where the file is missing, incomplete, damaged, not a checkpoint, or does not match the
        model; the message is one sentence.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "model.h5")
    >>> nn.save(nn.Linear(2, 1, initialisation="small", seed=0), path)
    >>> model = nn.load(path, nn.Linear(2, 1))
    >>> bool(model.weight.data.max() < 0.01)
    True
    """

    def fit(where: str, specs: dict[str, Spec], description: Description) -> None:
        _check_fit(where, specs, _wanted(model.expected_state, description, where))

    if safetensors_files.is_named(path):
        arrays, description = safetensors_files.read(path, fit, limit)
    else:
        arrays, description = read(path, model.expected_state, limit=limit)
    try:
        model.load_state_dict(arrays, description)
    except FileFormatError as error:
        raise FileFormatError(f"Checkpoint {shown_path(path)} was not loaded: {error}") from None
    return model


def write(path: Path, arrays: State, description: Description) -> None:
    """Writes named arrays and a description as a checkpoint, which replaces `path` as a whole.

    Raises TypeError for an array of anything but plain numbers or booleans, and for a description
    that JSON cannot hold; raises OSError, in one sentence, if the file cannot be written, and
    leaves an existing file unchanged.
    """
    states = {name: _plain(name, np.asarray(array)) for name, array in arrays.items()}
    datasets = {"metadata": np.frombuffer(_encoded(states, description), dtype=np.uint8)}
    for i, array in enumerate(states.values()):
        datasets[f"arrays/{i}"] = array.reshape(_stored_shape(array.shape))
    hdf5.write(path, datasets)


def read(
    path: Path, expected: Callable[[Description], Shapes] | None, *, limit: int = hdf5.LIMIT
) -> tuple[dict[str, Array], Description]:
    """Reads a checkpoint: its arrays by name, in native byte order, and its description.

    `expected(description)` returns the shape and dtype of every array that the caller can use, or
    raises ValueError. Before an array is read, the names, shapes and dtypes in the metadata are
    compared with these, unless `expected` is None, and with the declarations of HDF5. `limit` is
    the most bytes that one array may take. The metadata may take 16 MiB, and 160 MiB in memory.

    Raises FileNotFoundError, PermissionError or FileFormatError, in one sentence, for a file that
    is missing, incomplete, damaged, not a checkpoint, or that does not match `expected`.
    """
    where = f"Checkpoint {shown_path(path)}"
    with hdf5.reading(path, kind="Checkpoint", limit=limit) as file:
        metadata = _decoded(_metadata_text(file, where), where)
        if expected is not None:
            _check_fit(where, metadata.specs, _wanted(expected, metadata.description, where))
        stored = [_stored_spec(file, where, i, *s) for i, s in enumerate(metadata.specs.items())]
        arrays = {
            name: file.read(f"arrays/{i}", stored[i]).astype(spec.dtype, copy=False)
            for i, (name, spec) in enumerate(metadata.specs.items())
        }
    reshaped = {name: a.reshape(metadata.specs[name].shape) for name, a in arrays.items()}
    return reshaped, metadata.description


def _plain(name: str, array: Array) -> Array:
    if array.dtype.name not in _DTYPES:
        raise TypeError(
            f"array {quoted(name)} is of type {quoted(array.dtype)}, which a checkpoint does not"
            f" hold: expected one of {', '.join(_DTYPES)}"
        )
    return array


def _stored_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape or (1,)


def _encoded(states: State, description: Description) -> bytes:
    listing = [
        {"name": name, "shape": list(array.shape), "dtype": array.dtype.name}
        for name, array in states.items()
    ]
    metadata = {
        "format": _FORMAT,
        "version": _VERSION,
        "arrays": listing,
        "description": dict(description),
    }
    return bounded_json.encoded(metadata)


def _metadata_text(file: hdf5.Reader, where: str) -> bytes:
    spec, most = file.spec("metadata"), bounded_json.TEXT_BYTES
    if len(spec.shape) != 1 or spec.dtype != np.uint8 or spec.nbytes > most:
        raise FileFormatError(
            f"{where}: dataset 'metadata' is {spec}, expected at most {most:,} uint8: it is not a"
            " checkpoint of this library"
        )
    return file.read("metadata", spec).tobytes()


def _decoded(text: bytes, where: str) -> _Metadata:
    try:
        found = bounded_json.decoded(text)
    except ValueError as error:
        raise FileFormatError(f"{where}: dataset 'metadata' {error}") from error
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        raise FileFormatError(
            f"{where} is not a checkpoint of this library: it names no such format"
        )
    version = found.get("version")
    if type(version) is not int or version != _VERSION:
        raise FileFormatError(
            f"{where} is of version {quoted(version)}, expected {_VERSION}: it was written by"
            " another version of the library"
        )
    arrays, description = found.get("arrays"), found.get("description")
    if not isinstance(arrays, list) or not isinstance(description, dict):
        raise FileFormatError(
            f"{where}: dataset 'metadata' lacks a list of arrays or a description"
        )
    others = found.keys() - {"format", "version", "arrays", "description"}
    if others:
        raise FileFormatError(
            f"{where}: dataset 'metadata' has {hdf5.listed(iter(sorted(others)))}, which this"
            " version of the library does not know"
        )
    return _Metadata(_listed_specs(arrays, where), description)


def _listed_specs(arrays: list[Any], where: str) -> dict[str, Spec]:
    specs: dict[str, Spec] = {}
    for entry in arrays:
        match entry:
            case {"name": str(name), "shape": list(shape), "dtype": str(dtype)} if (
                len(entry) == 3
                and name not in specs
                and dtype in _DTYPES
                and len(shape) <= _MOST_AXES
                and all(type(n) is int and 0 <= n < 2**63 for n in shape)
            ):
                specs[name] = Spec(tuple(shape), _DTYPES[dtype])
            case _:
                raise FileFormatError(
                    f"{where}: dataset 'metadata' lists the array {quoted(entry)}, expected a new"
                    " name, a shape and a dtype"
                )
    return specs


def _wanted(
    expected: Callable[[Description], Shapes], description: Description, where: str
) -> dict[str, Spec]:
    try:
        state = expected(description)
    except ValueError as error:
        raise FileFormatError(f"{where} does not fit: {printable(error, 500)}") from error
    except (LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        reason = printable(error, 200)
        raise FileFormatError(
            f"{where} does not describe a model of this kind: {type(error).__name__}: {reason}"
        ) from error
    return {
        name: Spec(tuple(shape), np.dtype(dtype).newbyteorder("="))
        for name, (shape, dtype) in state.items()
    }


def _check_fit(where: str, found: dict[str, Spec], wanted: dict[str, Spec]) -> None:
    problems = [
        difference
        for name in wanted.keys() & found.keys()
        for difference in _differences(name, found[name], wanted[name])
    ]
    problems.sort()
    if len(problems) > _MOST_LISTED:
        problems[_MOST_LISTED:] = [f"and {len(problems) - _MOST_LISTED} more like these"]
    for text, names in (
        ("missing from the file", wanted.keys() - found.keys()),
        ("not in the model", found.keys() - wanted.keys()),
    ):
        if names:
            problems.append(f"{text}: {hdf5.listed(iter(sorted(names)))}")
    if problems:
        hint = ""
        if any(name.startswith("model.") for name in found.keys() - wanted.keys()):
            hint = (
                " (it is of a whole training: nn.fit(..., checkpoint=path, resume=True) resumes it)"
            )
        raise FileFormatError(
            f"{where} does not fit the model and was not loaded{hint}: {'; '.join(problems)}"
        )


def _differences(name: str, found: Spec, wanted: Spec) -> list[str]:
    pairs = (("shape", found.shape, wanted.shape), ("dtype", found.dtype, wanted.dtype))
    return [
        f"{printable(name)}: the file has {what} {ours}, the model has {theirs}"
        for what, ours, theirs in pairs
        if ours != theirs
    ]


def _stored_spec(file: hdf5.Reader, where: str, i: int, name: str, listed: Spec) -> Spec:
    """The declaration of array i by HDF5, checked to agree with the metadata."""
    stored = file.spec(f"arrays/{i}")
    native = Spec(stored.shape, stored.dtype.newbyteorder("="))
    if native != Spec(_stored_shape(listed.shape), listed.dtype):
        raise FileFormatError(
            f"{where}: dataset 'arrays/{i}' is {stored}, expected {listed} for {quoted(name)} as"
            " the metadata say: the file is damaged"
        )
    return stored
