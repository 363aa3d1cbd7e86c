"""Reads and writes HDF5 files; the only module that opens one.

A file may come from a stranger, so nothing in it is trusted before it is checked. The reader
follows hard links only, checks every component of a path, and refuses everything that could make
HDF5 read another file (soft and external links, external storage, virtual datasets). It knows the
cost of a read in memory beforehand: the declared and the stored size, the size of the chunks and
their unpacked size. A message is one sentence: what was found, where, and what to do.

The writer replaces a file as a whole or not at all, in a format that detects a flipped bit. (Files
of other programs may use HDF5's older format, which has no checksums over its own structures, and
checksums of data only where the author asked for them.)
"""

from __future__ import annotations

import contextlib
import errno
import io
import itertools
import math
import os
import re
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple, NoReturn

import numpy as np

from autograd_lite.extend import error_of, fork_safe, kind_of, quoted, replacing

from ..contracts import Dataset
from . import chunks

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
"""The most bytes that one dataset may declare, unless the caller raises it.

Raising it also raises the limits of unpacked sizes: a packed dataset may take a 64th of it, or a
hundred times its stored size, and a packed chunk a 128th.
"""

CHUNK_BYTES = LIMIT // 128
"""The most bytes that a chunk may unpack to, unless the caller raises the limit."""

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_PLAIN_KINDS = "biufcS"
_DEFLATE, _SHUFFLE, _FLETCHER32, _LZF = 1, 2, 3, 32_000
"""The numbers of filters as registered by the HDF Group."""

_KNOWN_FILTERS = {_DEFLATE: "gzip", _SHUFFLE: "shuffle", _FLETCHER32: "fletcher32", _LZF: "lzf"}
_COMPRESSORS = {_DEFLATE: chunks.MOST_INFLATION, _LZF: chunks.LZF_INFLATION}
_PACKING = 100
_SPARSE_FROM = 64 * 2**20
_SPARSE = 20
_MOST_CHUNKS = 2**21
_MOST_KNOWN = 1024
_SETTLED_SECONDS = 2
_ONE_CHUNK = 2**20
_BLOCK = 8 * 2**20
_DAMAGED = (OSError, RuntimeError, LookupError, ValueError, TypeError, ArithmeticError)


class FileFormatError(ValueError):
    """The error for a file of another format or content, in one sentence with file and dataset.

    Notes
    -----
    It is a ValueError; `nn.load`, `nn.load_data` and `nn.H5Dataset` raise it.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> import os, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp(), "model.h5")
    >>> _ = path.write_text("no HDF5")
    >>> try:
    ...     nn.load(path, nn.Linear(2, 1))
    ... except nn.FileFormatError as error:
    ...     print("refused")
    refused
    """


@dataclass(frozen=True)
class Spec:
    """The shape and the dtype that a dataset declares."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """The size in bytes, exact for any shape (no 64-bit overflow)."""
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.dtype} {self.shape}"


@dataclass
class _Checked:
    """A dataset that passed the checks: its declaration, its stored size, and how to read it."""

    spec: Spec
    stored: int
    chunk: tuple[int, ...]
    packing: _Packing | None
    """The packing of chunks, or None where no chunk can unpack to too much."""
    unpacked: bytearray
    """A byte for each chunk: 1 if it is known not to unpack to more than it declares."""


class _Packing(NamedTuple):
    code: int
    inflation: int
    mask: int
    """The bit of a chunk's mask that is set if the chunk skips this filter."""


_known: dict[Any, _Checked] = {}
"""A cache of the datasets checked last, by the version of their file: checks take time."""

_known_lock = fork_safe(threading.Lock())


def shown_path(path: Path) -> str:
    """A path, quoted for messages."""
    return quoted(os.fspath(path), 500)


def listed(names: Iterator[str], most: int = 6) -> str:
    """The first names, each quoted, and `...` if there are more than `most`."""
    shown = [quoted(name) for name in itertools.islice(names, most + 1)]
    return ", ".join([*shown[:most], "..."] if len(shown) > most else shown)


class Reader:
    """Checked access to the datasets of one open file; made by `reading`.

    Dataset names are paths such as `"arrays/0"`, and always the caller's, never the file's.
    """

    def __init__(self, file: Any, where: str, version: tuple[int, ...], limit: int | None) -> None:
        self._file = file
        self._where = where
        self._version = version
        self._size = version[-1]
        self._limit = limit
        self._found: dict[str, _Checked] = {}

    def spec(self, name: str, itemsize: int = 0) -> Spec:
        """The shape and dtype of dataset `name`, after every check that does not need to read it.

        `itemsize` is the number of bytes that the caller needs for each of its numbers.

        Raises FileFormatError if the dataset is missing, linked to or stored in another file, of a
        type other than plain numbers or fixed-length bytes, packed by an unknown filter, larger
        than the limit, or not completely stored.
        """
        with self._damage_reported(name):
            checked = self._checked(name, self._dataset(name))
            spec = checked.spec
            self._check_packing(name, spec, checked.stored, math.prod(spec.shape) * itemsize)
            return spec

    def stored(self, name: str) -> int:
        """The number of bytes that dataset `name` takes in the file; raises as `spec` does."""
        with self._damage_reported(name):
            return self._checked(name, self._dataset(name)).stored

    def chunk(self, name: str) -> tuple[int, ...] | None:
        """The shape of the chunks that dataset `name` is stored in, or None."""
        with self._damage_reported(name):
            found = self._dataset(name).chunks
        return None if found is None else tuple(int(n) for n in found)

    def blocks(self, name: str, accepted: Spec) -> Iterator[tuple[int, int, np.ndarray]]:
        """Yields `start, stop, rows` of dataset `name`, some megabytes at a time.

        The rows are overwritten by the next ones. Raises as `read` does.
        """
        read = self.rows(name, accepted)
        row = max(1, math.prod(accepted.shape[1:]) * accepted.dtype.itemsize)
        step = (self.chunk(name) or (1,))[0]
        rows = max(1, _BLOCK // row)
        rows = rows - rows % step or rows
        found = np.empty((min(rows, accepted.shape[0]), *accepted.shape[1:]), accepted.dtype)
        for start in range(0, accepted.shape[0], rows):
            stop = min(start + rows, accepted.shape[0])
            read(start, stop, found[: stop - start])
            yield start, stop, found[: stop - start]

    def read(self, name: str, accepted: Spec) -> np.ndarray:
        """Dataset `name` as a new array; FileFormatError unless it declares `accepted`.

        With `accepted` a caller confirms that it has checked the shape and dtype: pass what you
        expect, or the result of `spec` after a check.
        """
        rows = self.rows(name, accepted)
        found = np.empty(accepted.shape, accepted.dtype)
        rows(0, accepted.shape[0] if accepted.shape else 0, found)
        return found

    def rows(self, name: str, accepted: Spec) -> Callable[[int, int, np.ndarray], None]:
        """A function that reads rows `start` to `stop` of dataset `name` into an array.

        It reads the whole dataset, if that has no axes. It works while the file is open. Raises as
        `read` does, in this call or for damaged rows in a later one.
        """
        with self._damage_reported(name):
            dataset = self._dataset(name)
            checked = self._checked(name, dataset)
            if checked.spec != accepted:
                self._refuse(name, f"is {checked.spec}, expected {accepted}")

        def read(start: int, stop: int, into: np.ndarray) -> None:
            with self._damage_reported(name):
                if not accepted.shape:
                    into[...] = dataset[()]
                elif into.size:
                    self._read_rows(name, dataset, checked, range(start, stop), into)

        return read

    def _read_rows(
        self, name: str, dataset: Dataset, checked: _Checked, rows: range, into: np.ndarray
    ) -> None:
        region = [rows, *map(range, checked.spec.shape[1:])]
        for box in chunks.boxes(region, checked.chunk):
            self._check_unpacking(name, dataset, checked, box)
            within = slice(box[0].start - rows.start, box[0].stop - rows.start), *box[1:]
            dataset.read_direct(into, box, within)

    def _dataset(self, name: str) -> Dataset:
        import h5py

        node = self._file
        for part in name.split("/"):
            if not isinstance(node, h5py.Group) or not node.id.links.exists(part.encode()):
                self._refuse_missing(name)
            # Group.get(..., getlink=True) would open the file of an external link; the record of
            # the link tells its type without that.
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

    def _checked(self, name: str, dataset: Dataset) -> _Checked:
        if name in self._found:
            return self._found[name]
        self._check_self_contained(name, dataset)
        spec = self._declared(name, dataset)
        packing = self._packing(name, dataset, spec)
        key = (self._version, name, spec, packing, self._limit)
        with _known_lock:
            known = _known.get(key)
        if known is None:
            known = self._check_storage(name, dataset, spec, packing)
            # A file written just now can change again without a new modification time.
            if time.time() - self._version[-2] / 1e9 > _SETTLED_SECONDS:
                with _known_lock:
                    if len(_known) >= _MOST_KNOWN:
                        del _known[next(iter(_known))]
                    _known[key] = known
        self._found[name] = known
        return known

    def _check_self_contained(self, name: str, dataset: Dataset) -> None:
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

    def _declared(self, name: str, dataset: Dataset) -> Spec:
        from h5py import h5t

        stored = dataset.id.get_type()
        try:
            dtype = np.dtype(dataset.dtype)
            # h5py gives a damaged or invented number format the nearest dtype of NumPy.
            plain = stored.get_class() not in (h5t.INTEGER, h5t.FLOAT)
            plain = plain or stored.equal(h5t.py_create(dtype))
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
        # dtype.str leaves out the metadata that h5py attaches to enumerations and strings.
        return Spec(tuple(int(n) for n in dataset.shape), np.dtype(dtype.str))

    def _packing(self, name: str, dataset: Dataset, spec: Spec) -> _Packing | None:
        """The filter that packs the chunks, or None; refuses unknown and repeated filters."""
        plist = dataset.id.get_create_plist()
        filters = [plist.get_filter(i) for i in range(plist.get_nfilters())]
        codes = [code for code, *_ in filters]
        for code, _, values, label in filters:
            if code not in _KNOWN_FILTERS:
                known = ", ".join(_KNOWN_FILTERS.values())
                self._refuse(
                    name,
                    f"is packed with the unknown filter {quoted(label)} (number {code}), expected"
                    f" one of {known}: repack the file with h5repack",
                )
            # LZF first allocates as much memory as its third number says.
            size = math.prod(dataset.chunks) * spec.dtype.itemsize
            if code == _LZF and len(values) > 2 and values[2] > size:
                self._refuse(name, "is packed with LZF for chunks of another size: it is damaged")
        packing = [
            _Packing(code, _COMPRESSORS[code], 1 << bit)
            for bit, code in enumerate(codes)
            if code in _COMPRESSORS
        ]
        if len(set(codes)) < len(codes) or len(packing) > 1:
            self._refuse(
                name, "is packed by the same filter twice, or by two filters, which no file needs"
            )
        return packing[0] if packing else None

    def _check_storage(
        self, name: str, dataset: Dataset, spec: Spec, packing: _Packing | None
    ) -> _Checked:
        # A chunked dataset takes whole chunks in memory, and a contiguous one is a single chunk.
        chunk = tuple(int(n) for n in dataset.chunks or (max(n, 1) for n in spec.shape))
        count, size = chunks.count_chunks(spec.shape, chunk), math.prod(chunk) * spec.dtype.itemsize
        # Checked first, because HDF5 goes through all chunks to answer the next questions.
        self._check_declared(name, spec, packing, count, size)
        if dataset.chunks:
            stored, present = self._walk(name, dataset, spec, packing, count, size)
        else:
            stored = int(dataset.id.get_storage_size())
            present = int(stored >= spec.nbytes)
        begin = dataset.id.get_offset() or 0
        if begin + stored > self._size:
            self._refuse(
                name, f"claims to store {stored:,} bytes, which cannot be: the file is damaged"
            )
        inflation = 1 if packing is None else packing.inflation
        if spec.nbytes and (present < count or spec.nbytes > inflation * stored + 4096):
            self._refuse(
                name,
                f"declares {spec}, {spec.nbytes:,} bytes, but too few are stored"
                f" ({stored:,} bytes): it was probably never completely written",
            )
        self._check_packing(name, spec, stored, spec.nbytes)
        is_checked = inflation * (size + size // 64 + 64) <= CHUNK_BYTES
        if is_checked:
            return _Checked(spec, stored, chunk, None, bytearray())
        return _Checked(spec, stored, chunk, packing, bytearray(count))

    def _check_packing(self, name: str, spec: Spec, stored: int, used: int) -> None:
        """Refuses a small dataset that takes `used` bytes in memory, more than the limit allows."""
        limit = self._limit
        if limit is not None and used > limit // 64 and spec.nbytes > _PACKING * stored:
            self._refuse(
                name,
                f"declares {spec}, takes {used:,} bytes, but is packed into {stored:,}: if you"
                f" trust the file, raise the limit to {64 * used:,}",
            )

    def _check_declared(
        self, name: str, spec: Spec, packing: _Packing | None, count: int, size: int
    ) -> None:
        if self._limit is not None and count * size > self._limit:
            self._refuse(
                name,
                f"declares {spec}, {count * size:,} bytes, more than the limit of"
                f" {self._limit:,}: if you trust the file, raise the limit",
            )
        if count > _MOST_CHUNKS:
            self._refuse(
                name,
                f"is cut into {count:,} chunks, more than {_MOST_CHUNKS:,}: repack the file with"
                " h5repack, in larger chunks",
            )
        most = CHUNK_BYTES if self._limit is None else max(CHUNK_BYTES, self._limit // 128)
        if packing is not None and size > most:
            advice = "" if self._limit is None else f", or raise the limit to {128 * size:,}"
            self._refuse(
                name,
                f"has packed chunks of {size:,} bytes, more than {most:,}: repack the file with"
                f" h5repack, in smaller chunks{advice}",
            )

    def _walk(
        self,
        name: str,
        dataset: Dataset,
        spec: Spec,
        packing: _Packing | None,
        count: int,
        size: int,
    ) -> tuple[int, int]:
        """The stored size of the chunks, and how many of those that cover the shape are stored.

        HDF5 reads the others as zeros.
        """
        # Read once: h5py reads them from the file each time.
        steps, shape = dataset.chunks, spec.shape
        grid = [-(-n // c) for n, c in zip(shape, steps, strict=True)]
        present = bytearray(count)
        stored = 0
        # No packed chunk is larger: HDF5 skips a filter that does not shrink a chunk.
        most = size + size // 64 + 64

        def note(chunk: Any) -> bool | None:
            nonlocal stored
            index = 0
            for at, n, step, along in zip(chunk.chunk_offset, shape, steps, grid, strict=True):
                if at >= n or at % step:
                    return None
                index = index * along + at // step
            stored += chunk.size
            is_plain = packing is None or chunk.filter_mask & packing.mask
            if chunk.size > most or (is_plain and chunk.size < size):
                # A result other than None ends the iteration.
                return True
            present[index] = 1
            return None

        if dataset.id.chunk_iter(note) is not None:
            self._refuse(name, "has chunks of impossible sizes: the file is damaged")
        return stored, sum(present)

    def _check_unpacking(
        self, name: str, dataset: Dataset, checked: _Checked, box: chunks.Box
    ) -> None:
        """Refuses chunks that unpack to more than they declare, without unpacking all of them."""
        packing = checked.packing
        if packing is None:
            return
        size = math.prod(checked.chunk) * checked.spec.dtype.itemsize + 4
        grid = [-(-n // c) for n, c in zip(checked.spec.shape, checked.chunk, strict=True)]
        for offset in chunks.touched(box, checked.chunk):
            at = 0
            for start, step, along in zip(offset, checked.chunk, grid, strict=True):
                at = at * along + start // step
            if checked.unpacked[at]:
                continue
            mask, packed = dataset.id.read_direct_chunk(offset)
            if not mask & packing.mask and (
                chunks.inflates_beyond(packed, size)
                if packing.code == _DEFLATE
                else chunks.lzf_size(packed[:-4]) > size
            ):
                self._refuse(
                    name,
                    f"has a chunk that unpacks to more than the {size - 4:,} bytes that it"
                    " declares: the file is damaged",
                )
            checked.unpacked[at] = 1

    def _refuse_missing(self, name: str) -> NoReturn:
        found: list[str] = []

        def note(link: bytes) -> bool | None:
            found.append(link.decode(errors="surrogateescape"))
            # A result other than None ends the iteration, as there may be any number of links.
            return True if len(found) > 6 else None

        self._file.id.links.iterate(note)
        names = listed(iter(found))
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


@contextlib.contextmanager
def reading(path: Path, *, kind: str = "File", limit: int | None = LIMIT) -> Iterator[Reader]:
    """Opens an HDF5 file for reading in a `with` block.

    `kind` begins the messages ("Checkpoint '...' is empty"). `limit` is the most bytes that one
    dataset may declare (see `LIMIT`), or None for callers that read block by block and check the
    size of a row themselves. Raises FileNotFoundError, PermissionError, or FileFormatError for
    anything else that is not a complete HDF5 file.
    """
    where = f"{kind} {shown_path(path)}"
    check_regular(path, where)
    file, version = _opened(path, where)
    try:
        yield Reader(file, where, version, limit)
    finally:
        file.close()


def check_regular(path: Path, where: str) -> None:
    """Raises an error if `path` is missing, empty, not permitted, or not a regular file."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        check_local(path, where)
        folder = quoted(os.getcwd(), 500)
        sentence = f"{where} does not exist: check the path (looked from {folder})"
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
        raise FileFormatError(f"{where} is {found}: give the path of a file")
    if status.st_size == 0:
        raise FileFormatError(
            f"{where} is incomplete (it is empty): probably interrupted while saving, copying or"
            " downloading"
        )


def check_local(path: Path, where: str) -> None:
    """Raises FileNotFoundError for the address of a remote file, such as `s3://...`."""
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*(?:::[A-Za-z0-9+.-]+)?)://", os.fsdecode(path))
    if found is None:
        return
    sentence = (
        f"{where} is an address, and files are read from this machine's folders: copy it, as "
        f"fsspec.filesystem({found[1]!r}).get(address, path) does, or keep the arrays as Zarr, "
        "which dask.array.from_zarr(address) reads where they are"
    )
    raise error_of(FileNotFoundError, errno.ENOENT, sentence)


def _not_permitted(where: str) -> OSError:
    sentence = f"{where} may not be read by this user: change its permissions"
    return error_of(PermissionError, errno.EACCES, sentence)


def _opened(path: Path, where: str) -> tuple[Any, tuple[int, ...]]:
    """The open file, and its version: device, inode, modification time, and size."""
    import h5py

    start = b""
    try:
        # Opened without waiting, in case a named pipe has replaced the file.
        with open(path, "rb", opener=_without_waiting) as file:
            start = file.read(len(_SIGNATURE))
            status = os.fstat(file.fileno())
            _check_not_sparse(file.fileno(), status.st_size, where)
            opened = h5py.File(path, "r")
        return opened, (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
    except FileFormatError:
        raise
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


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _check_not_sparse(descriptor: int, size: int, where: str) -> None:
    """Refuses a file that consists almost only of holes, which read as zeros at any size."""
    if size <= _SPARSE_FROM or not hasattr(os, "SEEK_HOLE"):
        return
    at = stored = 0
    # Systems without holes report the whole file as data.
    with contextlib.suppress(OSError):
        while at < size and stored * _SPARSE < size:
            begin = os.lseek(descriptor, at, os.SEEK_DATA)
            at = os.lseek(descriptor, begin, os.SEEK_HOLE)
            stored += at - begin
    if stored * _SPARSE < size:
        raise FileFormatError(
            f"{where} is sparse: of its {size:,} bytes {stored:,} are stored, and the others would"
            " be read as zeros; copy, download or save the file again"
        )


def write(path: Path, datasets: Mapping[str, np.ndarray], *, compress: bool = False) -> None:
    """Writes arrays as the datasets of an HDF5 file, as a whole or not at all.

    A `/` in a name makes groups. Arrays get checksums (fletcher32), and with `compress` are packed
    with gzip; 0-d and empty arrays, which HDF5 cannot chunk, are stored without. The same arrays
    give the same bytes, with h5py from 3.15 on. Raises OSError, in one sentence, if the file cannot
    be written (see `autograd_lite.files.replacing`; an existing file is then unchanged), and the
    error of h5py for an array that HDF5 cannot hold.
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
    """Writes datasets that are larger than memory, as `write` does, but block by block.

    `specs` declares the datasets. Each of the `blocks` has the next rows of every dataset. `others`
    are arrays that are written whole.
    """
    import h5py

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
    """The storage options of a dataset written by rows: chunks of about a megabyte."""
    row = max(1, math.prod(spec.shape[1:]) * spec.dtype.itemsize)
    rows = max(1, min(spec.shape[0], _ONE_CHUNK // row))
    packing = {"compression": "gzip", "compression_opts": 4, "shuffle": True} if compress else {}
    return {"chunks": (rows, *spec.shape[1:]), "fletcher32": True, **packing}


class _Sink:
    """A file for HDF5 to write to that never fails: it keeps the first error for later.

    When HDF5 cannot write it fails again in every destructor, and crashes (see `_image`). After an
    error nothing more is done on the disk: even a seek would write the remaining buffer.
    """

    def __init__(self, disk: BinaryIO) -> None:
        self.disk = disk
        self.error: OSError | None = None
        self.position = self.end = 0

    def write(self, data: Any) -> None:
        if self.error is None:
            try:
                self.disk.seek(self.position)
                self.disk.write(data)
                self.disk.flush()
            except OSError as error:
                self.error = error
        self.position += len(data)
        self.end = max(self.end, self.position)

    def read(self, size: int) -> bytes:
        found = b""
        if self.error is None:
            self.disk.seek(self.position)
            found = self.disk.read(size)
        self.position += size
        # Bytes that could not be written are read as zeros.
        return found.ljust(size, b"\0")

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> None:
        self.position = offset + (self.end if whence == os.SEEK_END else 0)

    def tell(self) -> int:
        return self.position

    def truncate(self, size: int) -> None:
        self.end = size
        if self.error is None:
            try:
                self.disk.truncate(self.end)
            except OSError as error:
                self.error = error

    def flush(self) -> None:
        return None


def _replacing(path: Path) -> contextlib.AbstractContextManager[BinaryIO]:
    advice = "; nothing was changed: check the folder, its permissions and the space on the disk"
    return replacing(path, f"File {shown_path(path)} could not be saved", advice)


def _image(datasets: Mapping[str, np.ndarray], compress: bool) -> bytes:
    import h5py

    # HDF5 must not write to a full disk: when it cannot write back its cache it keeps the file
    # open, fails again in every destructor, and crashes the process at its end (seen with HDF5
    # 2.0). So it writes to memory, and plain file calls, which fail cleanly, write to the disk.
    buffer = io.BytesIO()
    # The format of HDF5 1.10 and newer has checksums over its own structures too: in the default
    # format, a flipped bit in the index of chunks makes HDF5 read zeros silently.
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
