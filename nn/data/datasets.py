"""Data sets in HDF5 files that are larger than memory, read and written in blocks."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from autograd_lite.extend import ArrayLike

from . import hdf5
from .batches import Batch
from .hdf5 import FileFormatError, Spec, shown_path
from .pictures import flatten
from .windows import BLOCK, WINDOW, Arrays, Span, Windows, in_batches, windows_of

SAMPLE_LIMIT = 2**20
"""The most bytes of a sample that is packed to less than a twentieth, unless the caller raises it,
so that a small file does not ask for much memory."""

_PACKING = 20

Transform = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class H5Dataset:
    """Training data in an HDF5 file of any size, read in batches in little memory.

    `nn.fit` takes it instead of X and Y. The file is open only while it is read, so that the object
    can be pickled. Each epoch shuffles the blocks of the file, and the samples of four blocks
    together, or of fewer where large chunks make the blocks large.

    Parameters
    ----------
    path : path
        The file.
    x, y : str
        The datasets of samples and targets, with the samples as first axis.
    dtype : dtype
        The dtype of the samples in batches. uint8 becomes numbers from 0 to 1.
    transform : callable, optional
        `transform(x, y)` takes a batch, samples first and in `dtype`, and returns the samples and
        targets to use instead.
    prefetch : bool
        Whether to read ahead on a thread.
    limit : int
        The most bytes that a sample, or its targets, may take in memory if the file stores them in
        less than a twentieth of their declared size. Raise it for files that you trust.

    Raises
    ------
    FileNotFoundError, PermissionError, FileFormatError
        Where the file is missing, damaged, or without the datasets; the message is one sentence.

    Notes
    -----
    Batches have the samples last: X (features, n), each sample flattened as by `nn.flatten`, and Y
    (n,) or (k, n).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "data.h5")
    >>> nn.write_dataset(path, np.ones((5, 4, 4), np.uint8), np.zeros(5))
    >>> [batch.X.shape for batch in nn.H5Dataset(path).batches(2)]
    [(16, 2), (16, 2), (16, 1)]
    """

    path: str | os.PathLike[str]
    x: str = "x"
    y: str = "y"
    dtype: DTypeLike = np.float64
    transform: Transform | None = None
    prefetch: bool = True
    limit: int = SAMPLE_LIMIT
    specs: tuple[Spec, Spec] = field(init=False, repr=False, compare=False)
    rows: int = field(init=False, repr=False, compare=False)
    step: int = field(init=False, repr=False, compare=False)
    window: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        with hdf5.reading(self.path, limit=None) as file:
            specs = file.spec(self.x), file.spec(self.y)
            chunk = file.chunk(self.x)
            stored = file.stored(self.x), file.stored(self.y)
        where = f"File {shown_path(self.path)}"
        for name, spec in zip((self.x, self.y), specs, strict=True):
            if not spec.shape or spec.dtype.kind not in "fiub":
                raise FileFormatError(
                    f"{where}: dataset {name!r} is {spec}, expected numbers with the samples as "
                    "first axis"
                )
        if specs[0].shape[0] != specs[1].shape[0] or not specs[0].shape[0]:
            raise FileFormatError(
                f"{where}: {self.x!r} has {specs[0].shape[0]} samples and {self.y!r} "
                f"{specs[1].shape[0]}, expected the same number, at least one"
            )
        self._check_samples(where, specs, stored)
        # The 8 bytes are those of a sample's index in the order.
        row = 8 + sum(spec.nbytes // spec.shape[0] for spec in specs)
        in_a_chunk = 1 if chunk is None else chunk[0]
        if in_a_chunk * row > hdf5.CHUNK_BYTES:
            in_a_chunk = 1
        # Blocks are whole chunks, so that no chunk is unpacked twice.
        rows = max(1, round(BLOCK / (row * in_a_chunk))) * in_a_chunk
        window = max(1, min(WINDOW, WINDOW * BLOCK // (rows * row)))
        for name, value in (("specs", specs), ("rows", rows), ("step", in_a_chunk)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "window", window)

    def _check_samples(self, where: str, specs: tuple[Spec, Spec], stored: tuple[int, int]) -> None:
        """Refuses samples that are large in memory and small in the file."""
        dtypes = np.dtype(self.dtype), specs[1].dtype
        for name, spec, dtype, size in zip((self.x, self.y), specs, dtypes, stored, strict=True):
            numbers = math.prod(spec.shape[1:])
            if not numbers:
                raise FileFormatError(
                    f"{where}: the samples of dataset {name!r} are empty (it is {spec}), expected "
                    "numbers"
                )
            used = numbers * max(dtype.itemsize, spec.dtype.itemsize)
            if used > self.limit and spec.nbytes > _PACKING * size:
                raise FileFormatError(
                    f"{where}: a sample of {name!r} takes {used:,} bytes, more than the limit of"
                    f" {self.limit:,} for samples that are packed into {size // spec.shape[0]:,}"
                    f" bytes: if you trust the file, pass limit={used}"
                )

    def __len__(self) -> int:
        return self.specs[0].shape[0]

    def batches(self, size: int, seed: list[int] | None = None, start: int = 0) -> Iterator[Batch]:
        """Yields batches of `size` samples from number `start` on; the last one may have fewer.

        If the process is forked meanwhile, both the parent and the child get all remaining batches.

        Parameters
        ----------
        size : int
            The number of samples per batch.
        seed : list of int, optional
            The seed of the shuffle; without it the samples keep the order of the file.
        start : int
            The number of the first batch.

        Yields
        ------
        Batch

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> import os, tempfile
        >>> path = os.path.join(tempfile.mkdtemp(), "data.h5")
        >>> nn.write_dataset(path, np.ones((5, 4, 4), np.uint8), np.arange(5))
        >>> data = nn.H5Dataset(path)
        >>> [batch.Y.tolist() for batch in data.batches(2, start=1)]
        [[2, 3], [4]]
        >>> sorted(y for batch in data.batches(2, seed=[0]) for y in batch.Y.tolist())
        [0, 1, 2, 3, 4]
        """
        found = in_batches(lambda skip: self._windows(seed, skip), size, start, self.prefetch)
        return (self._batch(*arrays) for arrays in found)

    def _windows(self, seed: list[int] | None, skip: int) -> Windows:
        """Yields the samples, some blocks at a time, without the first `skip`."""
        starts = np.arange(0, len(self), self.rows)
        if seed is not None:
            starts = np.random.default_rng(seed).permutation(starts)
        spans = [(int(a), min(int(a) + self.rows, len(self))) for a in starts]
        groups = [spans[i : i + self.window] for i in range(0, len(spans), self.window)]
        with hdf5.reading(self.path, limit=None) as file:
            named = list(zip((self.x, self.y), self.specs, strict=True))
            readers = [file.rows(name, spec) for name, spec in named]

            def read(spans: Sequence[Span]) -> list[Arrays]:
                count = sum(b - a for a, b in spans)
                found = tuple(np.empty((count, *spec.shape[1:]), spec.dtype) for _, spec in named)
                at = 0
                for a, b in spans:
                    for rows, array in zip(readers, found, strict=True):
                        rows(a, b, array[at : at + b - a])
                    at += b - a
                return [found]

            yield from windows_of(groups, seed, skip, read)

    def _batch(self, x: np.ndarray, y: np.ndarray) -> Batch:
        if x.dtype == np.uint8:
            x = np.divide(x, 255, dtype=self.dtype)
        else:
            x = x.astype(self.dtype, copy=False)
        if self.transform is not None:
            x, y = self.transform(x, y)
        X = x[np.newaxis] if x.ndim == 1 else flatten(x)
        return Batch(X, y if y.ndim == 1 else flatten(y), None)


def write_dataset(
    path: str | os.PathLike[str],
    x: ArrayLike,
    y: ArrayLike,
    *,
    names: Mapping[str, Any] | None = None,
    compress: bool = False,
) -> None:
    """Writes samples and targets, samples first, as the datasets `x` and `y` for H5Dataset.

    The file is written as a whole or not at all; its chunks are whole samples with checksums.

    Parameters
    ----------
    path : path
        The file to write; an existing file is replaced as a whole.
    x, y : arrays, or objects with `shape`, `dtype` and slices of rows, such as `numpy.memmap`
        Samples and targets, written block by block.
    names : mapping of str to array, optional
        Other datasets of the file, such as `{"list_classes": np.array([b"cat", b"dog"])}`.
    compress : bool
        Whether to pack the chunks with gzip.

    Raises
    ------
    ValueError, TypeError
        Where x and y have different lengths, or a dtype that a file cannot hold.
    OSError
        Where the file cannot be written; an existing file is then unchanged.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "data.h5")
    >>> nn.write_dataset(path, np.ones((5, 2)), np.zeros(5), compress=True)
    """
    if len(x) != len(y) or not len(x):
        raise ValueError(
            f"x has {len(x)} samples and y {len(y)}; they must have the same number, at least one"
        )
    specs = {n: Spec(tuple(a.shape), np.dtype(a.dtype)) for n, a in (("x", x), ("y", y))}
    row = max(1, math.prod(specs["x"].shape[1:]) * specs["x"].dtype.itemsize)
    rows = max(1, BLOCK // row)
    blocks = (
        {"x": np.asarray(x[at : at + rows]), "y": np.asarray(y[at : at + rows])}
        for at in range(0, len(x), rows)
    )
    hdf5.write_rows(path, specs, blocks, names or {}, compress=compress)


def write_pictures(
    path: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    size: tuple[int, int],
    *,
    compress: bool = False,
) -> list[str]:
    """Writes a folder of pictures, with a sub-folder per class, as a dataset file; extra `plot`.

    The datasets are those of `write_dataset`: `x` is uint8 (N, height, width, 3), `y` the number of
    the class, and `list_classes` the sorted names of the sub-folders.

    Parameters
    ----------
    path : path
        The file to write; an existing file is replaced as a whole.
    folder : path
        The folder, with a sub-folder per class.
    size : (int, int)
        The height and the width that all pictures are scaled to.
    compress : bool
        Whether to pack the chunks with gzip.

    Returns
    -------
    list of str
        The names of the classes.

    Raises
    ------
    ValueError
        For a file that is not a picture; the message names its path.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> import os, tempfile
    >>> from PIL import Image
    >>> folder = tempfile.mkdtemp()
    >>> for name in ("cat", "dog"):
    ...     os.mkdir(os.path.join(folder, name))
    ...     Image.new("RGB", (8, 8)).save(os.path.join(folder, name, "1.png"))
    >>> nn.write_pictures(os.path.join(folder, "pictures.h5"), folder, (4, 4))
    ['cat', 'dog']
    """
    try:
        from PIL import Image
    except ImportError:
        raise ImportError("write_pictures needs Pillow: pip install pillow") from None
    root = Path(folder)
    classes = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
    files = [
        (file, i)
        for i, name in enumerate(classes)
        for file in sorted((root / name).iterdir())
        if file.is_file() and not file.name.startswith(".")
    ]
    if len(classes) < 2 or not files:
        found = hdf5.listed(iter(classes)) or "none"
        raise ValueError(
            f"{shown_path(folder)} must hold a folder of pictures for each of two or more "
            f"classes, but it holds {len(files)} files in the folders {found}"
        )

    def picture(file: Path) -> np.ndarray:
        try:
            with Image.open(file) as image:
                scaled = image.convert("RGB").resize((size[1], size[0]))
                return np.asarray(scaled, dtype=np.uint8)
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            raise ValueError(f"{shown_path(file)} is not a readable picture: {error}") from None

    def blocks() -> Iterator[dict[str, np.ndarray]]:
        at_once = max(1, BLOCK // (size[0] * size[1] * 3))
        for at in range(0, len(files), at_once):
            part = files[at : at + at_once]
            yield {
                "x": np.stack([picture(file) for file, _ in part]),
                "y": np.array([label for _, label in part], dtype=np.int64),
            }

    specs = {
        "x": Spec((len(files), *size, 3), np.dtype(np.uint8)),
        "y": Spec((len(files),), np.dtype(np.int64)),
    }
    names = {"list_classes": np.array([name.encode() for name in classes])}
    hdf5.write_rows(path, specs, blocks(), names, compress=compress)
    return classes
