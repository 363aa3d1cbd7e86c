"""H5Dataset, write_dataset and write_pictures."""

import errno
import itertools
import os
import pickle
import signal
import sys
import threading
import time

import h5py
import numpy as np
import pytest

import nn
from nn.data import datasets, hdf5


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A file of 1,000 samples, each of which holds its own number, in blocks of 40."""
    monkeypatch.setattr(datasets, "BLOCK", 40 * 6 * 8)
    monkeypatch.setattr(hdf5, "_ONE_CHUNK", 20 * 6 * 8)
    x = np.repeat(np.arange(1000.0), 6).reshape(1000, 2, 3)
    nn.write_dataset(tmp_path / "data.h5", x, np.arange(1000))
    return tmp_path / "data.h5"


def numbers(batches):
    found = []
    for batch in batches:
        assert batch.X.shape == (6, len(batch.Y))
        np.testing.assert_array_equal(batch.X, np.tile(batch.Y, (6, 1)))
        found.append(batch.Y)
    return found


@pytest.mark.parametrize("prefetch", [True, False])
@pytest.mark.parametrize("size", [1, 7, 64, 400, 1000, 5000])
def test_every_sample_comes_once(path, size, prefetch):
    data = nn.H5Dataset(path, prefetch=prefetch)
    assert len(data) == 1000
    in_order = numbers(data.batches(size))
    assert np.concatenate(in_order).tolist() == list(range(1000))
    assert {len(b) for b in in_order[:-1]} <= {size}
    shuffled = np.concatenate(numbers(data.batches(size, [1, 2])))
    assert sorted(shuffled.tolist()) == list(range(1000))
    assert shuffled.tolist() != list(range(1000))


@pytest.mark.parametrize("seed", [None, [3, 0]])
@pytest.mark.parametrize("start", [0, 1, 5, 17, 100])
def test_batches_from_the_middle_are_those_of_the_whole(path, seed, start):
    data = nn.H5Dataset(path)
    whole = numbers(data.batches(10, seed))
    rest = numbers(data.batches(10, seed, start))
    assert len(rest) == len(whole) - start
    for a, b in zip(whole[start:], rest, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_shuffle_reads_whole_blocks(path, monkeypatch):
    """Rows are asked for in blocks of whole chunks, each once."""
    asked = []
    rows = hdf5.Reader.rows

    def noting(self, name, accepted):
        read = rows(self, name, accepted)
        return lambda a, b, into: (asked.append((name, a, b)), read(a, b, into))[1]

    monkeypatch.setattr(hdf5.Reader, "rows", noting)
    list(nn.H5Dataset(path).batches(10, [1, 2]))
    spans = sorted((a, b) for name, a, b in asked if name == "x")
    assert spans == [(a, a + 40) for a in range(0, 1000, 40)]


def test_epochs_differ_and_seeds_repeat(path):
    data = nn.H5Dataset(path)
    first, again, second = (np.concatenate(numbers(data.batches(50, [7, e]))) for e in (0, 0, 1))
    assert first.tolist() == again.tolist() != second.tolist()


@pytest.mark.parametrize(("chunk", "block", "together"), [(20, 40, 3), (60, 60, 2), (160, 160, 1)])
def test_fewer_blocks_are_shuffled_together_where_chunks_are_large(path, chunk, block, together):
    with h5py.File(path, "w") as file:
        x = np.repeat(np.arange(960.0), 6).reshape(960, 2, 3)
        file.create_dataset("x", data=x, chunks=(chunk, 2, 3))
        file["y"] = np.arange(960)
    shuffled = np.concatenate(numbers(nn.H5Dataset(path).batches(10, [1, 2])))
    groups = (shuffled // block).reshape(-1, together * block)
    assert {len(set(group)) for group in groups} == {together}


def test_it_pickles_and_opens_by_itself(path):
    data = pickle.loads(pickle.dumps(nn.H5Dataset(path)))
    assert np.concatenate(numbers(data.batches(100))).tolist() == list(range(1000))


@pytest.mark.parametrize("prefetch", [True, False])
def test_a_loop_that_is_left_leaves_no_thread_and_no_open_file(path, prefetch):
    before = threading.active_count()
    for _ in range(5):
        for _batch in nn.H5Dataset(path, prefetch=prefetch).batches(10, [0, 0]):
            assert threading.active_count() == before + prefetch
            break
    assert threading.active_count() == before
    with h5py.File(path, "r+"):
        pass


def test_a_slow_consumer_gets_every_sample(path):
    """The thread that reads ahead waits, for longer than it waits at a time."""
    found = []
    for batch in nn.H5Dataset(path).batches(250):
        time.sleep(0.12)
        found.append(batch.Y)
    assert np.concatenate(found).tolist() == list(range(1000))


def test_an_error_reaches_a_slow_consumer(path, monkeypatch):
    def broken(self, name, accepted):
        read = rows(self, name, accepted)

        def reading(a, b, into):
            if a >= 400:
                raise nn.FileFormatError("the file broke")
            return read(a, b, into)

        return reading

    rows = hdf5.Reader.rows
    monkeypatch.setattr(hdf5.Reader, "rows", broken)
    found = []
    with pytest.raises(nn.FileFormatError, match="the file broke"):
        for batch in nn.H5Dataset(path).batches(100):
            time.sleep(0.12)
            found.append(batch.Y)
    assert np.concatenate(found).tolist() == list(range(300))


def in_a_child(action):
    """The exit code of a child that does something, which must not take long."""
    child = os.fork()
    if not child:
        code = 1
        try:
            signal.alarm(30)
            action()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
@pytest.mark.parametrize("prefetch", [True, False])
@pytest.mark.parametrize("seed", [None, [1]])
@pytest.mark.slow
def test_batches_go_on_in_a_forked_child_and_in_the_parent(path, prefetch, seed):
    data = nn.H5Dataset(path, prefetch=prefetch)
    whole = [batch.Y.tolist() for batch in data.batches(7, seed)]
    for done in (1, 3, 22, 23, 60, len(whole) - 1, len(whole)):
        batches = data.batches(7, seed)
        before = [next(batches).Y.tolist() for _ in range(done)]

        def rest(batches=batches):
            return [batch.Y.tolist() for batch in batches]

        def both(batches=batches, done=done):
            middle = [batch.Y.tolist() for batch in itertools.islice(batches, 5)]

            def grandchild():
                assert rest(batches) == whole[done + len(middle) :]

            assert in_a_child(grandchild) == 0
            grandchild()

        assert in_a_child(both) == 0
        assert in_a_child(batches.close) == 0
        assert before + rest() == whole


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
@pytest.mark.parametrize("trials", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_forks_at_any_moment_while_a_thread_reads(path, trials):
    """The child reads the same file anew, whatever the thread of the parent was about to do."""
    data = nn.H5Dataset(path)
    for trial in range(0, 20, 20 // trials):
        batches = data.batches(3, [trial])
        kept = [next(batches).Y for _ in range(trial * 5 + 1)]
        children = [in_a_child(lambda: numbers(data.batches(50, [1]))) for _ in range(3)]
        assert children == [0, 0, 0]
        kept += [batch.Y for batch in batches]
        assert sorted(np.concatenate(kept).tolist()) == list(range(1000))


def test_pictures_become_numbers_from_0_to_1(tmp_path):
    x = np.arange(2 * 4, dtype=np.uint8).reshape(2, 2, 2) * 36
    nn.write_dataset(tmp_path / "data.h5", x, np.array([0.0, 1.0])[:, None])
    (batch,) = nn.H5Dataset(tmp_path / "data.h5", dtype=np.float32).batches(9)
    assert batch.X.dtype == np.float32 and batch.Y.shape == (1, 2)
    np.testing.assert_allclose(batch.X, nn.flatten(x) / 255, rtol=1e-6)


def test_a_transform_sees_samples_first(path):
    def transform(x, y):
        assert x.shape == (len(y), 2, 3) and x.dtype == np.float64
        return x[:, 0] + 1, y % 2

    (batch,) = nn.H5Dataset(path, transform=transform).batches(1000)
    np.testing.assert_array_equal(batch.X[0], np.arange(1000) + 1)
    assert batch.X.shape == (3, 1000) and set(batch.Y) == {0, 1}


def test_an_error_in_the_file_reaches_the_loop(path):
    data = nn.H5Dataset(path)
    image = bytearray(path.read_bytes())
    at = image.find(np.repeat(777.0, 6).tobytes())
    image[at + 3] ^= 1
    path.write_bytes(image)
    with pytest.raises(nn.FileFormatError, match="dataset 'x' is damaged"):
        list(data.batches(10))


@pytest.mark.parametrize("prefetch", [True, False])
def test_it_trains(path, prefetch):
    def transform(x, y):
        return x[:, 0] / 1000, (y[:, None] > 500) * 1.0

    data = nn.H5Dataset(path, transform=transform, prefetch=prefetch)
    net = nn.Sequential(nn.Linear(3, 1, seed=0))
    history = nn.fit(
        net,
        data,
        loss=nn.binary_cross_entropy_with_logits,
        optimiser=nn.Adam(net.parameters(), 0.3),
        epochs=15,
        seed=0,
        validation=data,
        metrics=["accuracy"],
        verbose=False,
    )
    assert history["validation_accuracy"][-1] > 0.9


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ({"x": np.ones((3, 2))}, "has no dataset 'y'"),
        ({"x": np.ones((3, 2)), "y": np.ones(4)}, "'x' has 3 samples and 'y' 4"),
        ({"x": np.ones((0, 2)), "y": np.ones(0)}, "at least one"),
        ({"x": np.array([b"a", b"b"]), "y": np.ones(2)}, "expected numbers"),
        ({"x": np.float64(1), "y": np.ones(2)}, "expected numbers"),
        ({"x": np.ones((3, 0)), "y": np.ones(3)}, "the samples of dataset 'x' are empty"),
        ({"x": np.ones((3, 2)), "y": np.ones((3, 0))}, "the samples of dataset 'y' are empty"),
    ],
)
def test_files_that_hold_something_else(tmp_path, datasets, message):
    hdf5.write(tmp_path / "data.h5", datasets)
    with pytest.raises(nn.FileFormatError, match=message):
        nn.H5Dataset(tmp_path / "data.h5")


def test_a_chunk_that_would_not_fit_is_refused(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        shape = (20_000, 1000)
        x = file.create_dataset("x", shape, "f8", chunks=shape, compression="gzip")
        # Nothing of it is unpacked.
        x.id.write_direct_chunk((0, 0), bytes(200_000))
        file["y"] = np.zeros(shape[0])
    with pytest.raises(nn.FileFormatError, match="'x' has packed chunks of 160,000,000 bytes"):
        nn.H5Dataset(tmp_path / "data.h5")


def test_what_is_written_reaches_the_disk_before_its_name(tmp_path, monkeypatch):
    steps = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *args, name=name, real=real: (steps.append(name), real(*args))[1]
        )
    nn.write_dataset(tmp_path / "data.h5", np.ones((3, 2)), np.ones(3))
    assert steps == ["fsync", "replace", "fsync"]


def test_samples_are_written_block_by_block(tmp_path, monkeypatch):
    """As many rows at a time as fit into a block, or one."""
    monkeypatch.setattr(datasets, "BLOCK", 100)
    for width, most in ((4, 3), (40, 1)):
        x, asked = np.arange(7.0 * width).reshape(7, width), []

        class Rows:
            shape, dtype = x.shape, x.dtype

            def __len__(self):
                return 7

            def __getitem__(self, rows, x=x, asked=asked):
                asked.append(len(x[rows]))
                return x[rows]

        nn.write_dataset(tmp_path / "data.h5", Rows(), np.arange(7))
        assert sum(asked) == 7 and max(asked) == most
        (batch,) = nn.H5Dataset(tmp_path / "data.h5").batches(7)
        np.testing.assert_array_equal(batch.X, x.T)


@pytest.mark.parametrize(("packed", "is_taken"), [(201, True), (200, True), (199, False)])
def test_samples_may_be_packed_to_a_twentieth(tmp_path, packed, is_taken):
    """Or have the size that is allowed for any."""
    with h5py.File(tmp_path / "data.h5", "w") as file:
        x = file.create_dataset("x", (4, 1000), "u1", chunks=(4, 1000), compression="gzip")
        x.id.write_direct_chunk((0, 0), bytes(packed))
        file["y"] = np.zeros(4)
    options = {"dtype": np.float32, "limit": 3999}
    if is_taken:
        nn.H5Dataset(tmp_path / "data.h5", **options)
        return
    with pytest.raises(
        nn.FileFormatError, match="a sample of 'x' takes 4,000 bytes.*pass limit=4000"
    ):
        nn.H5Dataset(tmp_path / "data.h5", **options)
    nn.H5Dataset(tmp_path / "data.h5", dtype=np.float32, limit=4000)


def test_without_pillow_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match="write_pictures needs Pillow: pip install pillow"):
        nn.write_pictures(tmp_path / "data.h5", tmp_path, (2, 2))


def test_writing_needs_as_many_targets(tmp_path):
    with pytest.raises(ValueError, match="x has 3 samples and y 2"):
        nn.write_dataset(tmp_path / "data.h5", np.ones((3, 2)), np.ones(2))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("after", [0, 1000, 20_000])
def test_a_disk_that_is_full_leaves_the_old_file(path, monkeypatch, after):
    before = path.read_bytes()
    write = datasets.hdf5._Sink.write

    def full(self, data):
        if self.disk.tell() >= after:
            self.error = self.error or OSError(errno.ENOSPC, "No space left on device")
        return write(self, data)

    monkeypatch.setattr(datasets.hdf5._Sink, "write", full)
    with pytest.raises(OSError, match="could not be saved: No space left on device; nothing was"):
        nn.write_dataset(path, np.ones((5000, 6)), np.ones(5000))
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["data.h5"]


def test_compressed_files_are_smaller_and_read_the_same(tmp_path):
    x, y = np.zeros((500, 30)), np.arange(500)
    for name, compress in (("a.h5", False), ("b.h5", True)):
        nn.write_dataset(tmp_path / name, x, y, compress=compress)
    assert (tmp_path / "b.h5").stat().st_size < (tmp_path / "a.h5").stat().st_size / 3
    (batch,) = nn.H5Dataset(tmp_path / "b.h5").batches(500)
    np.testing.assert_array_equal(batch.Y, y)


class TestPictures:
    @pytest.fixture
    def folder(self, tmp_path):
        image = pytest.importorskip("PIL.Image")
        for name, value in (("dog", 200), ("cat", 10)):
            (tmp_path / "pictures" / name).mkdir(parents=True)
            for i in range(3):
                pixels = np.full((4 + i, 6, 3), value + i, np.uint8)
                image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{i}.png")
        return tmp_path / "pictures"

    def test_a_folder_becomes_a_file(self, folder, tmp_path):
        assert nn.write_pictures(tmp_path / "data.h5", folder, (2, 3)) == ["cat", "dog"]
        (batch,) = nn.H5Dataset(tmp_path / "data.h5").batches(10)
        assert batch.X.shape == (18, 6) and batch.Y.tolist() == [0, 0, 0, 1, 1, 1]
        assert np.allclose(batch.X[0] * 255, [10, 11, 12, 200, 201, 202])
        with h5py.File(tmp_path / "data.h5") as file:
            assert file["list_classes"][()].tolist() == [b"cat", b"dog"]

    def test_what_is_no_picture_is_named(self, folder, tmp_path):
        (folder / "cat" / "notes.txt").write_text("hello")
        with pytest.raises(ValueError, match="notes.txt' is not a readable picture"):
            nn.write_pictures(tmp_path / "data.h5", folder, (2, 3))
        assert not (tmp_path / "data.h5").exists()

    def test_a_folder_without_classes(self, tmp_path):
        pytest.importorskip("PIL.Image")
        (tmp_path / "empty").mkdir()
        with pytest.raises(ValueError, match="a folder of pictures for each of two or more"):
            nn.write_pictures(tmp_path / "data.h5", tmp_path / "empty", (2, 3))
