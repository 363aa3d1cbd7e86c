"""HDF5 files as Dask arrays, each block read by the thread or worker that computes with it."""

from __future__ import annotations

import errno
import glob
import math
import os
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_lite.extend import Array, quoted

from . import hdf5
from .buffers import buffer
from .datasets import SAMPLE_LIMIT, H5Dataset
from .hdf5 import FileFormatError, Spec, shown_path

BLOCK = 56 * 2**20
"""The bytes of the samples of a block, in the dtype in which they are used.

Each block opens its file twice, and takes its size in memory for each thread; 84 MiB are no faster.
"""

Path = str | os.PathLike[str]


def dask_arrays(
    paths: Path | Iterable[Path],
    x: str = "x",
    y: str = "y",
    *,
    dtype: DTypeLike = np.float64,
    rows: int | None = None,
    limit: int = SAMPLE_LIMIT,
) -> tuple[Array, Array]:
    """The samples and targets of one HDF5 file, or of several joined together, as Dask arrays.

    `X, y = nn.dask_arrays("train.h5")` is for estimators, `nn.flatten(X)` for layers. The call
    reads only the declarations of the files. Workers of a cluster read their blocks themselves, and
    need the files under the same paths. A process reuses the memory of its blocks, of at most two
    for each core. Extra `cluster`.

    Parameters
    ----------
    paths : path, or several
        The files. A path with `*`, `?` or `[...]` stands for all files that it matches, sorted by
        name.
    x, y : str
        The datasets of samples and targets, with the samples as first axis, as `write_dataset` and
        `write_pictures` write them.
    dtype : dtype
        The floating-point dtype of the samples. uint8 becomes numbers from 0 to 1.
    rows : int, optional
        The number of samples per block; by default as many as take 56 MiB.
    limit : int
        The most bytes of a sample that is packed to less than a twentieth, as in H5Dataset.

    Returns
    -------
    X, y : dask.array.Array
        (N, ...) in `dtype`, and (N,) or (N, k) as the files have them.

    Raises
    ------
    ImportError
        Where Dask is not installed.
    FileFormatError, OSError
        As H5Dataset does, and where the files have different samples or targets.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "data.h5")
    >>> nn.write_dataset(path, np.ones((5, 2)), np.zeros(5))
    >>> X, y = nn.dask_arrays(path)
    >>> X.shape, float(X.sum().compute())
    ((5, 2), 10.0)
    """
    try:
        import dask.array as da
        from dask.array.core import getter
    except ImportError:
        raise ImportError("dask_arrays needs Dask: pip install 'autograd_lite[cluster]'") from None
    if isinstance(paths, str | os.PathLike) or not isinstance(paths, Iterable):
        paths = [paths]
    files = list(paths)
    if not all(isinstance(path, str | os.PathLike) for path in files):
        raise TypeError(
            f"dask_arrays takes the path of a file, or a list of paths, not {quoted(paths)}"
        )
    files = [found for path in files for found in _matching(path)]
    if not files:
        raise ValueError("dask_arrays got an empty list, but needs the path of at least one file")
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"dtype must be one of floating-point numbers, not {np.dtype(dtype)}")
    if rows is not None and (type(rows) is bool or not isinstance(rows, int | np.integer)):
        raise TypeError(f"rows must be a whole number, not {rows!r}")
    if rows is not None and rows < 1:
        raise ValueError(f"rows must be at least 1, not {rows!r}")
    sets = [H5Dataset(os.path.abspath(os.fspath(path)), x, y, dtype, limit=limit) for path in files]
    _check_alike(sets)
    token = uuid.uuid4().hex
    parts = [part for one in sets for part in _parts(one, dtype, rows)]
    found = []
    for which, name in enumerate((x, y)):
        spec = sets[0].specs[which]
        kind = np.dtype(dtype) if which == 0 else spec.dtype
        inner = spec.shape[1:]
        key = f"{name}-of-{os.path.basename(files[0])}-{token}-{which}"
        # As dask.array.from_array does it, so that single rows of a block can be read.
        tasks: dict[Any, Any] = {
            ("original-" + key, i): Rows(one, which, kind) for i, one in enumerate(sets)
        }
        places = {id(one): ("original-" + key, i) for i, one in enumerate(sets)}
        others = tuple(slice(0, n) for n in inner)
        for i, (one, start, stop) in enumerate(parts):
            part = slice(start, stop), *others
            tasks[key, i, *(0,) * len(inner)] = getter, places[id(one)], part
        lengths = tuple(stop - start for _, start, stop in parts)
        found.append(da.Array(tasks, key, (lengths, *((n,) for n in inner)), kind))
    return found[0], found[1]


def _matching(path: Path) -> list[Path]:
    """The files that a path or a pattern stands for."""
    shown = f"File {shown_path(path)}"
    hdf5.check_local(path, shown)
    text = os.fspath(path)
    if os.path.exists(text) or not glob.has_magic(text):
        return [path]
    found: list[Path] = [*sorted(glob.glob(text, recursive=True))]
    if not found:
        raise FileNotFoundError(
            errno.ENOENT, f"no file matches the pattern {shown_path(path)}: check the path"
        )
    return found


class Rows:
    """The samples (`which` 0) or the targets (1) of a file as an array that is read by indexing."""

    def __init__(self, data: H5Dataset, which: int, dtype: DTypeLike) -> None:
        self.data: H5Dataset = data
        self.which: int = which
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.shape: tuple[int, ...] = data.specs[which].shape
        self.path: str = os.fspath(data.path)
        self.ndim: int = len(self.shape)
        self.chunks: tuple[int, *tuple[int, ...]] = (data.step, *self.shape[1:])

    def __getitem__(self, index: Any) -> np.ndarray:
        rows, *others = index if isinstance(index, tuple) else (index,)
        start, stop, step = rows.indices(self.shape[0])
        if step != 1:
            start, stop, rest = 0, self.shape[0], (rows, *others)
        else:
            stop, rest = max(start, stop), (slice(None), *others)
        return read_rows(self.data, self.which, start, stop, self.dtype)[rest]


def read_rows(data: H5Dataset, which: int, start: int, stop: int, dtype: DTypeLike) -> np.ndarray:
    """Rows of the samples (`which` 0) or the targets (1) of a file; pictures from 0 to 1."""
    name, spec = (data.x, data.y)[which], data.specs[which]
    found = buffer((stop - start, *spec.shape[1:]), spec.dtype)
    with hdf5.reading(data.path, limit=None) as file:
        file.rows(name, spec)(start, stop, found)
    if found.dtype == dtype:
        return found
    values = buffer(found.shape, dtype)
    if which == 0 and found.dtype == np.uint8:
        return np.divide(found, 255, out=values, dtype=dtype)
    values[...] = found
    return values


def _parts(data: H5Dataset, dtype: DTypeLike, rows: int | None) -> list[tuple[H5Dataset, int, int]]:
    """The blocks of a file, made of whole chunks where chunks are smaller."""
    size = rows
    if size is None:
        inner, targets = data.specs[0].shape[1:], data.specs[1]
        sample = math.prod(inner) * np.dtype(dtype).itemsize
        wanted = max(1, BLOCK // max(1, sample, targets.nbytes // len(data)))
        size = wanted - wanted % data.step or wanted
    return [(data, at, min(at + size, len(data))) for at in range(0, len(data), size)]


def _check_alike(sets: Sequence[H5Dataset]) -> None:
    def of_a_sample(spec: Spec) -> tuple[Array, Array]:
        return spec.shape[1:], spec.dtype

    first = sets[0]
    for other in sets[1:]:
        for name, a, b in zip((first.x, first.y), first.specs, other.specs, strict=True):
            if of_a_sample(a) != of_a_sample(b):
                raise FileFormatError(
                    f"File {shown_path(other.path)}: dataset {name!r} has rows of shape "
                    f"{b.shape[1:]} and type {b.dtype}, expected {a.shape[1:]} and {a.dtype} as in "
                    f"{shown_path(first.path)}"
                )
