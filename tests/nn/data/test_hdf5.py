"""HDF5 files, hostile, damaged and ordinary, and the writer against failing disks."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import nn
from nn.data import hdf5
from nn.data.hdf5 import FileFormatError, Spec

ROOT = Path(nn.__file__).parents[1]
NUMBERS = np.arange(6.0).reshape(2, 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.h5"


def write(path: Path, **datasets: Any) -> Path:
    hdf5.write(path, {name: np.asarray(array) for name, array in datasets.items()})
    return path


def read(path: Path, name: str = "x", **options: Any) -> np.ndarray:
    with hdf5.reading(path, **options) as file:
        return file.read(name, file.spec(name))


def refused(path: Path, match: str, name: str = "x", **options: Any) -> str:
    with pytest.raises(FileFormatError, match=match) as caught:
        read(path, name, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


@pytest.mark.parametrize(
    "array",
    [
        NUMBERS,
        NUMBERS.T,
        NUMBERS[:, ::2],
        np.float32([1.5, np.nan, np.inf]),
        np.array(2.5),
        np.zeros((0, 3)),
        np.zeros((2, 0, 3), dtype=np.int8),
        np.array([True, False]),
        np.array([b"cat", b"non-cat"]),
        np.array([1 + 2j]),
        np.array([1, 2], dtype=">i4"),
        np.arange(300_000),
    ],
    ids=lambda a: f"{a.dtype.str}{a.shape}",
)
@pytest.mark.parametrize("compress", [False, True])
def test_an_array_comes_back_as_it_was(path: Path, array: np.ndarray, compress: bool) -> None:
    hdf5.write(path, {"group/x": array}, compress=compress)
    found = read(path, "group/x")
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    assert found.tobytes() == array.tobytes()
    assert found.flags.writeable


def test_arrays_are_written_with_a_checksum_where_hdf5_has_one(path: Path) -> None:
    write(path, x=NUMBERS, scalar=1.0, empty=np.zeros(0))
    with h5py.File(path) as file:
        assert [file[name].fletcher32 for name in ("x", "scalar", "empty")] == [True, False, False]


@pytest.mark.skipif(
    h5py.version.version_tuple < (3, 15), reason="h5py has the time in a file's root before 3.15"
)
def test_the_same_arrays_give_the_same_bytes(tmp_path: Path) -> None:
    files = [write(tmp_path / name, x=NUMBERS, y=1) for name in ("a.h5", "b.h5")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_file_of_the_known_filters_is_read(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("gzip", data=NUMBERS, compression="gzip", shuffle=True, fletcher32=True)
        file.create_dataset("lzf", data=NUMBERS, compression="lzf")
        file.create_dataset("bare", data=NUMBERS)
        file.create_dataset(
            "tiny_chunks", data=np.arange(9999) % 7, dtype="u1", chunks=(1,), fletcher32=True
        )
        file.create_dataset("half_chunk", data=NUMBERS, chunks=(2, 2))
        file.create_dataset("most_packed", data=np.zeros(2**20), compression="gzip")
    for name in ("gzip", "lzf", "bare", "half_chunk"):
        np.testing.assert_array_equal(read(path, name), NUMBERS)
    np.testing.assert_array_equal(read(path, "tiny_chunks"), np.arange(9999) % 7)
    np.testing.assert_array_equal(read(path, "most_packed"), np.zeros(2**20))


def test_a_compact_dataset_and_a_hard_link_are_read(path: Path) -> None:
    with h5py.File(path, "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_layout(h5py.h5d.COMPACT)
        space, kind = h5py.h5s.create_simple((2, 3)), h5py.h5t.py_create(np.dtype("f8"))
        compact = h5py.h5d.create(file.id, b"x", kind, space, plist)
        compact.write(h5py.h5s.ALL, h5py.h5s.ALL, NUMBERS)
        file["group/again"] = file["x"]
    np.testing.assert_array_equal(read(path), NUMBERS)
    np.testing.assert_array_equal(read(path, "group/again"), NUMBERS)


def test_a_file_with_a_user_block_is_read(path: Path) -> None:
    with h5py.File(path, "w", userblock_size=512) as file:
        file["x"] = NUMBERS
    np.testing.assert_array_equal(read(path), NUMBERS)


@pytest.mark.parametrize(("chunk", "stops"), [(None, [4096, 5000]), (100, [4000, 5000])])
def test_blocks_are_eight_megabytes_of_whole_chunks(
    path: Path, chunk: int | None, stops: list[int]
) -> None:
    numbers = np.arange(5000, dtype=np.int16)
    with h5py.File(path, "w") as file:
        x = file.create_dataset("x", (5000, 1024), "i2", chunks=chunk and (chunk, 1024))
        x[:, 0] = numbers
    with hdf5.reading(path) as file:
        blocks = file.blocks("x", file.spec("x"))
        found = [(start, stop, rows[:, 0].copy()) for start, stop, rows in blocks]
    assert [stop for _, stop, _ in found] == stops
    for start, stop, first in found:
        np.testing.assert_array_equal(first, numbers[start:stop])


@pytest.mark.parametrize(("seconds", "checks"), [(-60, 2), (60, 1)])
def test_a_file_is_checked_once_unless_it_was_written_just_now(
    path: Path, monkeypatch: pytest.MonkeyPatch, seconds: int, checks: int
) -> None:
    """It may change again without a new time. A minute ahead is just now, however slow the test."""
    write(path, x=NUMBERS)
    written = path.stat().st_mtime - seconds
    os.utime(path, (written, written))
    check, found = hdf5.Reader._check_storage, []
    monkeypatch.setattr(
        hdf5.Reader,
        "_check_storage",
        lambda self, name, *rest: (found.append(name), check(self, name, *rest))[1],
    )
    for _ in range(2):
        np.testing.assert_array_equal(read(path), NUMBERS)
    assert found == ["x"] * checks


def test_only_what_was_accepted_is_read(path: Path) -> None:
    write(path, x=NUMBERS)
    with hdf5.reading(path) as file:
        for shape, dtype in (((3, 2), "f8"), ((2, 3), "f4"), ((6,), "f8")):
            with pytest.raises(FileFormatError, match=r"'x' is float64 \(2, 3\), expected"):
                file.read("x", Spec(shape, np.dtype(dtype)))


def test_the_file_is_closed_after_the_block_also_after_an_error(path: Path) -> None:
    write(path, x=NUMBERS)
    with pytest.raises(ZeroDivisionError):
        with hdf5.reading(path) as file:
            _ = 1 // 0
    with pytest.raises(FileFormatError):
        file.spec("x")
    with h5py.File(path, "a") as again:
        again["y"] = 1


# What is not an HDF5 file, or not a whole one.


def test_a_missing_file(path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"^File '.*file\.h5' does not exist: check") as e:
        read(path)
    assert e.value.errno == errno.ENOENT
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read(write(path, x=1) / "below_a_file.h5")


@pytest.mark.skipif(os.name == "nt", reason="POSIX paths")
def test_what_is_no_regular_file_is_not_opened(tmp_path: Path, path: Path) -> None:
    refused(tmp_path, "is a folder")
    os.mkfifo(path)
    refused(path, "is a named pipe, not a regular file")
    with pytest.raises(FileFormatError, match="not a usable path: .*embedded null"):
        read(tmp_path / "a\0b")


def test_something_else_than_hdf5(path: Path) -> None:
    path.write_text("class,pixel\ncat,255\n" * 100)
    refused(path, r"is not an HDF5 file: it begins with b'class,pi', expected b'\\x89HDF")
    path.write_bytes(b"")
    refused(path, "incomplete.*empty.*probably interrupted while saving")


@pytest.mark.parametrize("libver", ["earliest", "v110"])
def test_a_file_cut_off_anywhere_is_called_incomplete(path: Path, libver: str) -> None:
    with h5py.File(path, "w", libver=(libver, "v110")) as file:
        file["x"] = NUMBERS
    whole = path.read_bytes()
    for length in range(1, len(whole), 97):
        path.write_bytes(whole[:length])
        message = refused(path, "^Model .* is incomplete or damaged: probably", kind="Model")
        assert "eof" not in message


def test_a_file_that_another_program_writes(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = NUMBERS
        file.flush()
        code = f"from nn.data import hdf5\nwith hdf5.reading({str(path)!r}): pass"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
    if "Error" not in done.stderr:
        pytest.skip("this file system does not lock files")
    assert "is being written by another program: wait" in done.stderr


def test_a_file_that_may_not_be_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    write(path, x=NUMBERS)
    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(PermissionError, match=r"^File .* may not be read by this user"):
        read(path)


def test_a_folder_that_may_not_be_looked_into(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(hdf5.os, "stat", refuse)
    with pytest.raises(PermissionError, match=r"^File .* may not be read by this user: change its"):
        read(path)


@pytest.mark.skipif(not hasattr(os, "SEEK_HOLE"), reason="this system knows of no holes")
def test_a_file_that_is_nearly_all_holes_is_refused(path: Path) -> None:
    write(path, x=NUMBERS)
    os.truncate(path, 2**30)
    with pytest.raises(
        FileFormatError, match=r"is sparse: of its 1,073,741,824 bytes .* are stored"
    ):
        read(path)


def test_a_path_in_a_circle(path: Path) -> None:
    path.symlink_to(path.name)
    with pytest.raises(FileFormatError, match=r"^File .* cannot be opened: leads in a circle"):
        read(path)


# What is wrong inside.


def test_a_missing_dataset_is_told_with_what_there_is(path: Path) -> None:
    write(path, x=1, **{"odd\x1b[31m": 2})
    refused(path, r"has no dataset 'y': it holds 'odd\\x1b\[31m', 'x'$", "y")
    refused(path, "has no dataset 'x/y'", "x/y")
    refused(path, "has no dataset 'y/x'", "y/x")
    refused(write(path), "has no dataset 'x': it is empty$")
    many = refused(write(path, **{f"{i:02}" + "n" * 100: i for i in range(50)}), "no dataset 'x'")
    assert many.endswith(", ...")
    assert len(many) < 1000


def test_a_group_is_no_dataset(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["g/x"] = 1
        file["type"] = np.dtype("f4")
        file["g/cycle"] = file["g"]
    refused(path, "'g' is a group or a type, expected a dataset", "g")
    refused(path, "'type' is a group or a type", "type")
    refused(path, "'g/cycle/cycle' is a group", "g/cycle/cycle")


def test_soft_and_external_links_are_not_followed(path: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.h5", x=NUMBERS)
    with h5py.File(path, "w") as file:
        file["real/x"] = NUMBERS
        file["soft"] = h5py.SoftLink("/real/x")
        file["dangling"] = h5py.SoftLink("/nowhere")
        file["soft_group"] = h5py.SoftLink("/real")
        file["external"] = h5py.ExternalLink(str(other), "/x")
        file["external_group"] = h5py.ExternalLink(str(other), "/")
    for name in ("soft", "dangling", "soft_group/x", "external", "external_group/x"):
        refused(path, rf"{name!r} is reached over .* soft or external link", name)


@pytest.mark.skipif(os.name == "nt", reason="POSIX paths")
def test_an_external_link_is_not_even_looked_along(path: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with h5py.File(path, "w") as file:
        file["x"] = h5py.ExternalLink(str(tmp_path / "fifo"), "/x")
    code = f"from nn.data import hdf5\nwith hdf5.reading({str(path)!r}) as file: file.spec('x')"
    # To open the fifo would wait for ever, hence the time limit.
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert "is reached over 'x'" in done.stderr


def test_external_storage_is_refused(path: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("a password, long enough to fill it")
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (8,), np.uint8, external=[(str(secret), 0, 8)])
    refused(path, "is stored outside the file, in '/.*, and is not read")


def test_virtual_datasets_are_refused_with_or_without_their_source(path: Path) -> None:
    source = write(path.with_name("source.h5"), x=NUMBERS)
    layout = h5py.VirtualLayout((2, 3), np.float64)
    layout[:] = h5py.VirtualSource(str(source), "x", (2, 3))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("x", layout)
    refused(path, "is a virtual dataset")
    source.unlink()
    refused(path, "is a virtual dataset")


def test_objects_references_and_invented_types_are_refused(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("text", data=["cat", "dog"], dtype=h5py.string_dtype())
        file.create_dataset("ragged", (2,), h5py.vlen_dtype(np.int32))
        file.create_dataset("reference", data=[file.ref], dtype=h5py.ref_dtype)
        file.create_dataset("region", (1,), h5py.regionref_dtype)
        file.create_dataset("compound", (1,), [("a", "f8"), ("b", h5py.ref_dtype)])
        file.create_dataset("opaque", data=np.array([b"ab"], dtype="V2"))
        file.create_dataset("nothing", data=h5py.Empty("f8"))
        biased = h5py.h5t.IEEE_F64LE.copy()
        biased.set_ebias(1000)
        h5py.h5d.create(file.id, b"biased", biased, h5py.h5s.create_simple((1,)))
    for name in ("text", "ragged", "reference", "region", "compound", "opaque"):
        refused(path, rf"{name!r} is of type .*expected plain numbers or fixed-length bytes", name)
    refused(path, 'store np.array.names, dtype="S"', "text")
    refused(path, "'biased' is of a type that NumPy does not have", "biased")
    refused(path, "'nothing' is declared without a shape", "nothing")


def test_unknown_and_repeated_filters_are_refused(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("scaled", data=np.arange(9), scaleoffset=0)
        file.create_dataset("x", data=NUMBERS, compression="gzip")
        twice = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        twice.set_chunk((6,))
        twice.set_deflate(9)
        twice.set_deflate(9)
        space, kind = h5py.h5s.create_simple((6,)), h5py.h5t.py_create(np.dtype("f8"))
        dataset = h5py.h5d.create(file.id, b"twice", kind, space, twice)
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(6.0))
    refused(path, "unknown filter .*scaleoffset.*expected one of gzip, shuffle", "scaled")
    refused(path, "packed by the same filter twice", "twice")


def test_a_filter_that_this_hdf5_has_never_heard_of_is_refused(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=NUMBERS, compression="gzip")
    raw = path.read_bytes()
    # gzip's entry in the list of filters: its number, the length of its name, the flag "optional".
    entry = bytes([1, 0, 8, 0, 1, 0])
    assert raw.count(entry) == 1
    path.write_bytes(raw.replace(entry, (32099).to_bytes(2, "little") + entry[2:]))
    refused(path, "unknown filter .*number 32099")


@pytest.mark.parametrize("chunks", [None, (1024,)])
def test_a_small_file_that_declares_a_pebibyte_is_refused(path: Path, chunks: Any) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (2**47,), np.float64, chunks=chunks)
    refused(path, "declares .* 1,125,899,906,842,624 bytes, more than the limit of 4,294,967,296")


def test_a_chunk_larger_than_the_limit_is_refused(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (1,), np.uint8, chunks=(2**31,), maxshape=(None,))
    refused(path, "2,147,483,648 bytes, more than the limit of 1,000", limit=1000)


def test_the_limit_can_be_raised_and_lowered(path: Path) -> None:
    write(path, x=NUMBERS)
    refused(path, "48 bytes, more than the limit of 47: if you trust the file, raise", limit=47)
    np.testing.assert_array_equal(read(path, limit=48), NUMBERS)


def test_a_size_does_not_overflow() -> None:
    assert Spec((2**32, 2**32), np.dtype("f8")).nbytes == 2**67


@pytest.mark.parametrize("chunks", [None, (1,)])
def test_what_was_never_written_is_not_read_as_zeros(path: Path, chunks: Any) -> None:
    with h5py.File(path, "w") as file:
        x = file.create_dataset("x", (3,), np.float64, chunks=chunks)
        if chunks:
            x[:2] = 1
    refused(path, "too few are stored .* probably never completely written")


def test_a_size_that_no_compression_reaches_is_refused(path: Path) -> None:
    with h5py.File(path, "w") as file:
        x = file.create_dataset("x", (2**22,), np.uint8, chunks=(2**22,), compression="gzip")
        x.id.write_direct_chunk((0,), b"tiny")
    refused(path, "too few are stored")


def test_a_chunk_that_was_moved_out_of_the_array_is_noticed(path: Path) -> None:
    with h5py.File(path, "w", libver="earliest") as file:
        file.create_dataset("x", data=np.ones(8), chunks=(8,))
    raw = bytearray(path.read_bytes())
    # The index of the chunks: a node of type 1, whose first key ends with where the chunk begins.
    begins = raw.index(b"TREE\x01") + 24 + 8
    assert raw[begins : begins + 8] == bytes(8)
    raw[begins] = 8
    path.write_bytes(raw)
    refused(path, "too few are stored")


def test_a_chunk_that_would_unpack_to_far_more_than_it_declares_is_refused(path: Path) -> None:
    with h5py.File(path, "w") as file:
        x = file.create_dataset("x", (1,), np.uint8, chunks=(1,), compression="gzip")
        x.id.write_direct_chunk((0,), zlib.compress(bytes(10_000_000)))
    refused(path, "chunks of impossible sizes: the file is damaged")


def test_a_flipped_bit_in_the_data_is_noticed(path: Path) -> None:
    write(path, x=NUMBERS)
    raw = bytearray(path.read_bytes())
    raw[raw.index(NUMBERS.tobytes()) + 5] ^= 1
    path.write_bytes(raw)
    refused(path, "'x' is damaged .*checksum.*: copy, download or save the file again")


def test_a_flipped_bit_anywhere_is_noticed(path: Path) -> None:
    """Not only in the data: in its default format HDF5 then reads zeros without a word."""
    whole = write(path, x=NUMBERS, y=np.arange(3)).read_bytes()
    for bit in range(0, 8 * len(whole), 29):
        raw = bytearray(whole)
        raw[bit // 8] ^= 1 << bit % 8
        path.write_bytes(raw)
        with pytest.raises(FileFormatError):
            read(path, "x")
            read(path, "y")


# Writing.


def leftovers(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def assert_save_fails_cleanly(path: Path, match: str) -> OSError:
    before = path.read_bytes()
    with pytest.raises(OSError, match=match) as caught:
        write(path, x=np.zeros((100, 100)))
    assert path.read_bytes() == before
    assert leftovers(path.parent) == [path.name]
    return caught.value


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_a_failure_on_the_way_leaves_the_old_file_and_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write(path, x=NUMBERS)
    monkeypatch.setattr(os, step, fail)
    error = assert_save_fails_cleanly(
        path, r"^File '.*file\.h5' could not be saved: No space left on device; nothing was changed"
    )
    assert error.errno == errno.ENOSPC


@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_leaves_the_old_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    def interrupt(*args: object) -> None:
        raise kind

    write(path, x=NUMBERS)
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(kind):
        write(path, x=1)
    assert leftovers(path.parent) == [path.name]
    np.testing.assert_array_equal(read(path), NUMBERS)


def test_an_array_that_hdf5_cannot_hold_leaves_the_old_file(path: Path) -> None:
    write(path, x=NUMBERS)
    with pytest.raises(TypeError):
        write(path, x=NUMBERS, y=np.array([object()]))
    assert leftovers(path.parent) == [path.name]
    np.testing.assert_array_equal(read(path), NUMBERS)


@pytest.mark.skipif(os.name == "nt", reason="POSIX resource limits")
@pytest.mark.parametrize(
    "call",
    [
        "hdf5.write(path, {str(i): np.random.rand(20_000) for i in range(20)})",
        "nn.write_dataset(path, np.random.rand(400_000, 1), np.zeros(400_000))",
    ],
)
def test_a_full_disk_neither_crashes_nor_leaves_anything(path: Path, call: str) -> None:
    """In a process of its own: HDF5, if it met the full disk itself, would crash at exit."""
    write(path, x=NUMBERS)
    before = path.read_bytes()
    code = f"""
import resource
import numpy as np
import nn
from nn.data import hdf5
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
path = {str(path)!r}
try:
    {call}
except OSError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "could not be saved: File too large; nothing was changed" in done.stdout
    assert path.read_bytes() == before
    assert leftovers(path.parent) == [path.name]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a device that is full")
def test_what_could_not_be_written_is_read_as_zeros() -> None:
    """HDF5 reads what it wrote before, and must not meet the error there."""
    with contextlib.suppress(OSError), open("/dev/full", "r+b") as full:
        sink = hdf5._Sink(full)
        sink.write(b"text")
        sink.seek(0)
        found, error = sink.read(4), sink.error
    assert found == bytes(4)
    assert error is not None and error.errno == errno.ENOSPC


def test_a_folder_that_is_missing_or_in_the_way(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="could not be saved: there is no folder .*no"):
        write(tmp_path / "no" / "file.h5", x=1)
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="could not be saved: that is a folder"):
        write(tmp_path / "folder", x=1)
    assert leftovers(tmp_path) == ["folder"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX devices and modes")
def test_what_is_no_file_is_not_replaced(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(OSError, match="could not be saved: that is a named pipe"):
        write(path, x=1)
    assert stat.S_ISFIFO(path.stat().st_mode)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match="could not be saved: Permission denied"):
        write(tmp_path / "file.h5", x=1)
    tmp_path.chmod(0o700)


@pytest.mark.skipif(os.name == "nt", reason="POSIX links and modes")
def test_a_link_stays_a_link_and_the_mode_follows_the_umask(path: Path) -> None:
    link = path.with_name("latest.h5")
    link.symlink_to(path.name)
    old = os.umask(0o027)
    try:
        write(link, x=NUMBERS)
    finally:
        os.umask(old)
    assert link.is_symlink()
    np.testing.assert_array_equal(read(path), NUMBERS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_name_as_long_as_names_may_be(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(write(tmp_path / ("n" * 252 + ".h5"), x=NUMBERS)), NUMBERS)


def test_the_data_reach_the_disk_before_the_name_changes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *args, name=name, real=real: (steps.append(name), real(*args))[1]
        )
    write(path, x=NUMBERS)
    assert steps == ["fsync", "replace", "fsync"]


def test_no_other_module_opens_hdf5_files() -> None:
    imports = re.compile(r"^\s*(import|from) h5py\b", re.MULTILINE)
    importers = [p.name for p in (ROOT / "nn").rglob("*.py") if imports.search(p.read_text())]
    assert importers == ["hdf5.py"]
