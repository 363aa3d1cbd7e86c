"""Files in the safetensors format, which other libraries read too (extra `safetensors`).

Such a file holds named arrays and short texts. The description of a model is the text with the key
"autograd_lite", in JSON. A file without it, such as PyTorch's, has arrays only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograd_lite.extend import printable, quoted
from autograd_lite.extend import write as write_file

from .contracts import Array, Description, State
from .data import bounded_json
from .data.hdf5 import FileFormatError, Spec, check_regular, shown_path

SUFFIX = ".safetensors"
HEADER_BYTES = bounded_json.TEXT_BYTES
"""The longest header that is read; a header lists the arrays and holds the texts."""

_KEY = "autograd_lite"
_DTYPES = {
    **{"F64": "f8", "F32": "f4", "F16": "f2", "BOOL": "?", "U8": "u1", "I8": "i1"},
    **{"I16": "i2", "U16": "u2", "I32": "i4", "U32": "u4", "I64": "i8", "U64": "u8", "C64": "c8"},
}


def is_named(path: str | os.PathLike[str]) -> bool:
    """Whether a path is named as a safetensors file."""
    return os.fspath(path).lower().endswith(SUFFIX)


def write(path: str | os.PathLike[str], arrays: State, description: Description) -> None:
    """Writes named arrays and a description to a file, which replaces `path` as a whole.

    Raises ImportError where safetensors is not installed, TypeError for a dtype that the format
    lacks, and OSError, in one sentence, if the file cannot be written.
    """
    library = _library("save")
    plain = {}
    for name, array in arrays.items():
        array = np.asarray(array)
        dtype = array.dtype.newbyteorder("=")
        if dtype.str[1:] not in {np.dtype(d).str[1:] for d in _DTYPES.values()}:
            raise TypeError(
                f"{quoted(name)} has dtype {array.dtype}, which the safetensors format does not "
                "have"
            )
        plain[name] = np.ascontiguousarray(array, dtype).reshape(array.shape)
    texts = {_KEY: bounded_json.encoded(dict(description)).decode()}
    write_file(os.fspath(path), library.numpy.save(plain, texts), "model")


def read(
    path: str | os.PathLike[str],
    fit: Callable[[str, dict[str, Spec], Description], None],
    limit: int,
) -> tuple[dict[str, Array], Description]:
    """The arrays of a file by name, and its description, which may be empty.

    `fit(where, specs, description)` raises an error for arrays that do not match, before any is
    read. `limit` is the most bytes that one array may take. Raises FileFormatError, in one
    sentence, for a file that is damaged or not a safetensors file.
    """
    where = f"Checkpoint {shown_path(path)}"
    check_regular(path, where)
    library = _library("load")
    _check_header(path, where)
    try:
        with library.safe_open(os.fspath(path), framework="numpy") as file:
            specs = {name: _spec(file, name, where) for name in file.keys()}  # noqa: SIM118
            description = _description(file.metadata() or {}, where)
            fit(where, specs, description)
            for name, spec in specs.items():
                size = int(np.prod(spec.shape, dtype=object)) * spec.dtype.itemsize
                if size > limit:
                    raise FileFormatError(
                        f"{where}: {quoted(name)} takes {size:,} bytes, more than limit={limit:,}"
                    )
            return {name: file.get_tensor(name) for name in specs}, description
    except library.SafetensorError as error:
        raise FileFormatError(
            f"{where} is damaged or not a safetensors file: {printable(error, 200)}"
        ) from error


def _library(what: str) -> Any:
    try:
        import safetensors
        import safetensors.numpy
    except ImportError:
        raise ImportError(
            f"to {what} a {SUFFIX} file, pip install 'autograd_lite[safetensors]'; a file of any "
            "other name is an HDF5 file"
        ) from None
    return safetensors


def _check_header(path: str | os.PathLike[str], where: str) -> None:
    """Refuses a header that is longer than the file or than `HEADER_BYTES`."""
    try:
        size = os.path.getsize(path)
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = file.read(length) if 2 <= length <= min(size - 8, HEADER_BYTES) else b""
    except PermissionError as error:
        raise PermissionError(f"{where} cannot be read: no permission") from error
    if not header:
        raise FileFormatError(
            f"{where} is damaged or not a safetensors file: it declares a header of {length:,} "
            f"bytes, but has {size:,} bytes, and a header may have at most {HEADER_BYTES:,}"
        )
    excess = bounded_json.excess(header)
    if excess:
        raise FileFormatError(f"{where} has a header that {excess} that a header may have")


def _spec(file: Any, name: str, where: str) -> Spec:
    stored = file.get_slice(name)
    dtype = _DTYPES.get(stored.get_dtype())
    if dtype is None:
        raise FileFormatError(
            f"{where}: {quoted(name)} is of type {quoted(stored.get_dtype())}, which NumPy does "
            "not have"
        )
    return Spec(tuple(stored.get_shape()), np.dtype(dtype))


def _description(texts: Mapping[str, str], where: str) -> Description:
    try:
        description = bounded_json.decoded(texts.get(_KEY, "{}").encode())
    except ValueError as error:
        raise FileFormatError(f"{where}: its description {error}") from error
    if not isinstance(description, dict):
        raise FileFormatError(f"{where}: its description is not a JSON object")
    return description
