"""Reading and writing HDF5 files: the only module that opens one.

A file may come from a stranger, so nothing in it is believed before it is checked. The reader
follows hard links only, looks at every component of a path, refuses whatever could make HDF5 read
another file (soft and external links, external storage, virtual datasets) and compares declared
with stored sizes before it reads. What is wrong is said in one sentence: what was found, where,
and what to do.

The writer replaces a file as a whole or not at all, in a format in which a flipped bit is noticed.
(In other people's files, HDF5's older format has no checksums over its own structures, and data
have one only where their author asked for it.)
"""

from __future__ import annotations

import contextlib
import errno
import io
import itertools
import math
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn

import h5py  # type: ignore[import-untyped, unused-ignore]
import numpy as np

from autograd_lite.files import error_of, kind_of, replacing
from autograd_lite.printable import quoted

__all__ = [
    "LIMIT",
    "FileFormatError",
    "Reader",
    "Spec",
    "listed",
    "reading",
    "shown_path",
    "write",
    "write_rows",
]

Path = str | os.PathLike[str]

LIMIT = 4 * 2**30
"""The most bytes that one dataset may declare, unless the caller raises it."""

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_PLAIN_KINDS = "biufcS"
_NUMBERS = (h5py.h5t.INTEGER, h5py.h5t.FLOAT)
_KNOWN_FILTERS = {
    h5py.h5z.FILTER_DEFLATE: "gzip",
    h5py.h5z.FILTER_SHUFFLE: "shuffle",
    h5py.h5z.FILTER_FLETCHER32: "fletcher32",
    h5py.h5z.FILTER_LZF: "lzf",
}
# Deflate, the strongest of the known filters, cannot shrink data by more than 1032 to 1.
_MOST_COMPRESSION = 1100
_ONE_CHUNK = 2**20
_DAMAGED = (OSError, RuntimeError, LookupError, ValueError, TypeError, ArithmeticError)


class FileFormatError(ValueError):
    """A file is not what it should be; the message is one sentence that names file and dataset."""


@dataclass(frozen=True)
class Spec:
    """What a dataset declares: its shape and its dtype."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """The size in bytes, exact for any shape (no 64-bit overflow)."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.dtype} {self.shape}"


def shown_path(path: Path) -> str:
    """A path as messages have it."""
    return quoted(os.fspath(path), 500)


def listed(names: Iterator[str], most: int = 6) -> str:
    """The first few of some names, each quoted, and `...` where there are more."""
    shown = [quoted(name) for name in itertools.islice(names, most + 1)]
    return ", ".join([*shown[:most], "..."] if len(shown) > most else shown)


class Reader:
    """Checked access to the datasets of one open file; made by `reading`.

    Dataset names are paths such as `"arrays/0"`, and always the caller's, never the file's.
    """

    def __init__(self, file: Any, where: str, size: int, limit: int) -> None:
        self._file = file
        self._where = where
        self._size = size
        self._limit = limit

    def spec(self, name: str) -> Spec:
        """What dataset `name` declares, after every check that can be made without reading it.

        Raises FileFormatError if it is missing, reached over or stored in another file, of a kind
        other than plain numbers or fixed-length bytes, filtered by something unknown, larger than
        the limit, or not completely stored.
        """
        with self._damage_reported(name):
            return self._checked(name, self._dataset(name))

    def read(self, name: str, accepted: Spec) -> np.ndarray:
        """Dataset `name` as a new array; FileFormatError unless it declares what was accepted.

        `accepted` is how a caller says that it has looked at the shape and dtype: pass what you
        expect, or what `spec` returned and you have found to be reasonable.
        """
        with self._damage_reported(name):
            dataset = self._dataset(name)
            found = self._checked(name, dataset)
            if found != accepted:
                self._refuse(name, f"is {found}, expected {accepted}")
            return np.asarray(dataset[()], dtype=accepted.dtype)

    def chunk(self, name: str) -> tuple[int, ...] | None:
        """The shape of the chunks that dataset `name` is stored in, or None."""
        with self._damage_reported(name):
            found = self._dataset(name).chunks
        return None if found is None else tuple(int(n) for n in found)

    def rows(
        self, name: str, accepted: Spec, *, is_checked: bool = False
    ) -> Callable[[int, int, np.ndarray], None]:
        """A function that reads rows `start` to `stop` of dataset `name` into an array, while the
        file is open.

        Raises as `read` does, here or where rows are damaged. With `is_checked` the caller knows
        that this very file has declared what was accepted: looking at all its chunks takes time.
        """
        with self._damage_reported(name):
            dataset = self._dataset(name)
            found = accepted if is_checked else self._checked(name, dataset)
            if found != accepted:
                self._refuse(name, f"is {found}, expected {accepted}")

        def read(start: int, stop: int, into: np.ndarray) -> None:
            with self._damage_reported(name):
                dataset.read_direct(into, np.s_[start:stop])

        return read

    def _dataset(self, name: str) -> Any:
        node = self._file
        for part in name.split("/"):
            if not isinstance(node, h5py.Group) or not node.id.links.exists(part.encode()):
                self._refuse_missing(name)
            # Group.get(..., getlink=True) would resolve an external link to see whether it leads
            # anywhere; the link's own record answers without opening the other file.
            if node.id.links.get_info(part.encode()).type != h5py.h5l.TYPE_HARD:
                self._refuse(
                    name,
                    f"is reached over {part!r}, a soft or external link, which may lead to another"
                    " file and is not followed: copy the data itself into the file",
                )
            node = node[part]
        if not isinstance(node, h5py.Dataset):
            self._refuse(name, "is a group or a type, expected a dataset")
        return node

    def _checked(self, name: str, dataset: Any) -> Spec:
        self._check_self_contained(name, dataset)
        spec = self._declared(name, dataset)
        self._check_filters(name, dataset)
        self._check_size(name, dataset, spec)
        return spec

    def _check_self_contained(self, name: str, dataset: Any) -> None:
        if dataset.is_virtual:
            self._refuse(
                name,
                "is a virtual dataset, whose data are in other files, and is not read: copy the"
                " data itself into the file",
            )
        if dataset.external:
            self._refuse(
                name,
                f"is stored outside the file, in {quoted(dataset.external[0][0])}, and is not"
                " read: copy the data itself into the file",
            )

    def _declared(self, name: str, dataset: Any) -> Spec:
        stored = dataset.id.get_type()
        try:
            dtype = np.dtype(dataset.dtype)
            # A damaged or invented number format may pass for NumPy's nearest one.
            plain = stored.get_class() not in _NUMBERS or stored.equal(h5py.h5t.py_create(dtype))
        except TypeError:
            plain = False
        if not plain:
            self._refuse(name, "is of a type that NumPy does not have, expected plain numbers")
        if dtype.kind not in _PLAIN_KINDS:
            self._refuse(
                name,
                f"is of type {quoted(dtype)} (object, reference, variable-length or compound),"
                " expected plain numbers or fixed-length bytes; for text, store np.array(names,"
                ' dtype="S")',
            )
        if dataset.shape is None:
            self._refuse(name, "is declared without a shape and holds nothing")
        # dtype.str leaves out the metadata that h5py hangs on enumerations and strings.
        return Spec(tuple(int(n) for n in dataset.shape), np.dtype(dtype.str))

    def _check_filters(self, name: str, dataset: Any) -> None:
        plist = dataset.id.get_create_plist()
        filters = [plist.get_filter(i) for i in range(plist.get_nfilters())]
        codes = [code for code, *_ in filters]
        for code, _, _, label in filters:
            if code not in _KNOWN_FILTERS:
                known = ", ".join(_KNOWN_FILTERS.values())
                self._refuse(
                    name,
                    f"is packed with the unknown filter {quoted(label)} (number {code}), expected"
                    f" one of {known}: repack the file with h5repack",
                )
        if len(set(codes)) < len(codes):
            self._refuse(name, "is packed by the same filter twice, which no honest file needs")

    def _check_size(self, name: str, dataset: Any, spec: Spec) -> None:
        # A chunked dataset takes whole chunks in memory, and a contiguous one is a single chunk.
        chunk = dataset.chunks or tuple(max(n, 1) for n in spec.shape)
        count = math.prod(-(-n // c) for n, c in zip(spec.shape, chunk, strict=True))
        unpacked = count * math.prod(chunk) * spec.dtype.itemsize
        if unpacked > self._limit:
            self._refuse(
                name,
                f"declares {spec}, {unpacked:,} bytes, more than the limit of {self._limit:,}: if"
                " you trust the file, raise the limit",
            )
        stored = dataset.id.get_storage_size()
        if stored > self._size or stored > 2 * unpacked + 64 * count + 4096:
            self._refuse(
                name, f"claims to store {stored:,} bytes, which cannot be: the file is damaged"
            )
        present = _chunks_present(dataset, spec) if dataset.chunks else int(stored >= spec.nbytes)
        if spec.nbytes and (present < count or spec.nbytes > _MOST_COMPRESSION * stored):
            self._refuse(
                name,
                f"declares {spec}, {spec.nbytes:,} bytes, of which too few are stored"
                f" ({stored:,} bytes): it was probably never completely written",
            )

    def _refuse_missing(self, name: str) -> NoReturn:
        names = listed(iter(self._file))
        holds = f"it holds {names}" if names else "it is empty"
        raise FileFormatError(f"{self._where} has no dataset {name!r}: {holds}")

    def _refuse(self, name: str, finding: str) -> NoReturn:
        raise FileFormatError(f"{self._where}: dataset {name!r} {finding}")

    @contextlib.contextmanager
    def _damage_reported(self, name: str) -> Iterator[None]:
        try:
            yield
        except FileFormatError:
            raise
        except _DAMAGED as error:
            raise FileFormatError(
                f"{self._where}: dataset {name!r} is damaged (its bytes cannot be unpacked or do"
                " not match their checksum): copy, download or save the file again"
            ) from error


def _chunks_present(dataset: Any, spec: Spec) -> int:
    """How many of the chunks that cover the shape are stored; HDF5 reads the others as zeros."""
    present: set[tuple[int, ...]] = set()
    # h5py asks the file each time.
    steps = dataset.chunks

    def note(chunk: Any) -> None:
        at = chunk.chunk_offset
        if all(i < n and i % c == 0 for i, n, c in zip(at, spec.shape, steps, strict=True)):
            present.add(at)

    dataset.id.chunk_iter(note)
    return len(present)


@contextlib.contextmanager
def reading(path: Path, *, kind: str = "File", limit: int = LIMIT) -> Iterator[Reader]:
    """Open an HDF5 file for reading, as briefly as the `with` block that it is used in.

    `kind` begins the messages ("Checkpoint '...' is empty"); `limit` is the most bytes that one
    dataset may declare. Raises FileNotFoundError, PermissionError, or FileFormatError for anything
    else that is not a complete HDF5 file.
    """
    where = f"{kind} {shown_path(path)}"
    size = _checked_size(path, where)
    file = _opened(path, where)
    try:
        yield Reader(file, where, size, limit)
    finally:
        file.close()


def _checked_size(path: Path, where: str) -> int:
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        sentence = f"{where} does not exist: check the path (looked from {os.getcwd()!r})"
        raise error_of(FileNotFoundError, errno.ENOENT, sentence) from error
    except ValueError as error:
        raise FileFormatError(f"{where} is not a usable path: {error}") from error
    except PermissionError as error:
        raise _not_permitted(where) from error
    except OSError as error:
        reason = "leads in a circle" if error.errno == errno.ELOOP else error.strerror
        raise FileFormatError(f"{where} cannot be opened: {reason}") from error
    if not stat.S_ISREG(status.st_mode):
        found = kind_of(status.st_mode)
        raise FileFormatError(f"{where} is {found}: give the path of an HDF5 file")
    if status.st_size == 0:
        raise FileFormatError(
            f"{where} is incomplete (it is empty): probably interrupted while saving, copying or"
            " downloading"
        )
    return status.st_size


def _not_permitted(where: str) -> OSError:
    sentence = f"{where} may not be read by this user: change its permissions"
    return error_of(PermissionError, errno.EACCES, sentence)


def _opened(path: Path, where: str) -> Any:
    start = b""
    try:
        with open(path, "rb") as file:
            start = file.read(len(_SIGNATURE))
        return h5py.File(path, "r")
    except PermissionError as error:
        raise _not_permitted(where) from error
    except BlockingIOError as error:
        raise FileFormatError(
            f"{where} is being written by another program: wait until it has finished"
        ) from error
    except _DAMAGED as error:
        if start != _SIGNATURE[: len(start)]:
            raise FileFormatError(
                f"{where} is not an HDF5 file: it begins with {start!r}, expected {_SIGNATURE!r}"
            ) from error
        raise FileFormatError(
            f"{where} is incomplete or damaged: probably interrupted while saving, copying or"
            " downloading"
        ) from error


def write(path: Path, datasets: Mapping[str, np.ndarray], *, compress: bool = False) -> None:
    """Write arrays as the datasets of an HDF5 file, which appears as a whole or not at all.

    A `/` in a name makes groups. Arrays are checksummed (fletcher32), and with `compress` packed
    with gzip; 0-d and empty ones, which HDF5 cannot chunk, are stored bare. The same arrays give
    the same bytes. Raises OSError, in one sentence, if the file cannot be written (see
    `autograd_lite.files.replacing`; an earlier file at `path` is then as it was), and what h5py
    raises for an array that HDF5 cannot hold.
    """
    image = _image(datasets, compress)
    with _replacing(path) as file:
        file.write(image)


def write_rows(
    path: Path,
    specs: Mapping[str, Spec],
    blocks: Iterable[Mapping[str, np.ndarray]],
    others: Mapping[str, np.ndarray],
    *,
    compress: bool = False,
) -> None:
    """As `write`, for datasets that are larger than memory: block after block of their rows.

    `specs` says what the datasets will be; each of the `blocks` has the next rows of each, and
    together they have all. `others` are written whole.
    """
    with _replacing(path) as disk:
        sink = _Sink(disk)
        with h5py.File(sink, "w", libver=("v110", "v110")) as file:
            for name, array in others.items():
                array = np.asarray(array)
                file.create_dataset(name, data=array, **_storage(array, compress))
            targets = {
                name: file.create_dataset(
                    name, spec.shape, spec.dtype, **_row_storage(spec, compress)
                )
                for name, spec in specs.items()
            }
            done = 0
            for block in blocks:
                count = len(next(iter(block.values())))
                for name, target in targets.items():
                    target[done : done + count] = block[name]
                done += count
                if sink.error is not None:
                    break
        if sink.error is not None:
            raise sink.error


def _row_storage(spec: Spec, compress: bool) -> dict[str, Any]:
    """Chunks of whole rows, of about a megabyte."""
    row = max(1, math.prod(spec.shape[1:]) * spec.dtype.itemsize)
    rows = max(1, min(spec.shape[0], _ONE_CHUNK // row))
    packing = {"compression": "gzip", "compression_opts": 4, "shuffle": True} if compress else {}
    return {"chunks": (rows, *spec.shape[1:]), "fletcher32": True, **packing}


class _Sink:
    """A file for HDF5 to write to, on which nothing fails: the first error is kept for later.

    When HDF5 cannot write it fails again in every destructor, and crashes (see `_image`). After an
    error the disk is not touched any more: even a seek would write what is still buffered.
    """

    def __init__(self, disk: BinaryIO) -> None:
        self.disk = disk
        self.error: OSError | None = None
        self.position = self.end = 0

    def write(self, data: Any) -> int:
        size = len(data)
        if self.error is None:
            try:
                self.disk.seek(self.position)
                self.disk.write(data)
                self.disk.flush()
            except OSError as error:
                self.error = error
        self.position += size
        self.end = max(self.end, self.position)
        return size

    def read(self, size: int = -1) -> bytes:
        size = max(0, self.end - self.position) if size < 0 else size
        found = b""
        if self.error is None:
            self.disk.seek(self.position)
            found = self.disk.read(size)
        self.position += size
        # What was not written is not there to be read.
        return found.ljust(size, b"\0")

    def seek(self, offset: int, whence: int = 0) -> int:
        self.position = offset + (0, self.position, self.end)[whence]
        return self.position

    def tell(self) -> int:
        return self.position

    def truncate(self, size: int | None = None) -> int:
        self.end = self.position if size is None else size
        if self.error is None:
            try:
                self.disk.truncate(self.end)
            except OSError as error:
                self.error = error
        return self.end

    def flush(self) -> None:
        return None


def _replacing(path: Path) -> contextlib.AbstractContextManager[BinaryIO]:
    advice = "; nothing was changed: check the folder, its permissions and the space on the disk"
    return replacing(path, f"File {shown_path(path)} could not be saved", advice)


def _image(datasets: Mapping[str, np.ndarray], compress: bool) -> bytes:
    # HDF5 must not meet a full disk: when it cannot write back its cache it keeps the file open,
    # fails again in every destructor, and crashes the process at its end (seen with HDF5 2.0).
    # So it writes to memory, and plain file calls, whose failures are clean, write to the disk.
    buffer = io.BytesIO()
    # The format of HDF5 1.10 and newer has checksums over its own structures, not only the data:
    # in the default one, a flipped bit in a chunk's index makes HDF5 read zeros, silently.
    with h5py.File(buffer, "w", libver=("v110", "v110")) as file:
        for name, array in datasets.items():
            array = np.asarray(array)
            file.create_dataset(name, data=array, **_storage(array, compress))
    return buffer.getvalue()


def _storage(array: np.ndarray, compress: bool) -> dict[str, Any]:
    if array.ndim == 0 or array.size == 0:
        return {}
    chunks = array.shape if array.nbytes <= _ONE_CHUNK else True
    packing = {"compression": "gzip", "compression_opts": 9, "shuffle": True} if compress else {}
    return {"chunks": chunks, "fletcher32": True, **packing}
