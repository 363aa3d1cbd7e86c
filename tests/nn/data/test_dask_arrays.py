"""HDF5 files as Dask arrays: what is read, where, and what is refused."""

import pickle
import sys

import dask
import h5py
import numpy as np
import pytest

import nn
from nn.data import dask_inputs

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 2, 4))
Y = RNG.integers(0, 2, 100)


@pytest.fixture
def files(tmp_path):
    """The samples in three files."""
    paths = [tmp_path / f"part {i}.h5" for i in range(3)]
    for path, own in zip(paths, (slice(0, 30), slice(30, 31), slice(31, 100)), strict=True):
        nn.write_dataset(path, X[own], Y[own])
    return paths


def test_one_file(tmp_path):
    nn.write_dataset(tmp_path / "all.h5", X, Y)
    x, y = nn.dask_arrays(tmp_path / "all.h5", rows=30)
    assert (x.shape, x.dtype, x.chunks[0]) == (X.shape, X.dtype, (30, 30, 30, 10))
    assert (y.shape, y.dtype) == (Y.shape, Y.dtype)
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)
    np.testing.assert_array_equal(nn.flatten(x), nn.flatten(X))


def test_many_files_follow_each_other(files):
    x, y = nn.dask_arrays(files, rows=16, dtype=np.float32)
    assert x.chunks[0] == (16, 14, 1, 16, 16, 16, 16, 5)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x, X.astype(np.float32))
    np.testing.assert_array_equal(y, Y)


def test_blocks_are_whole_chunks_of_about_56_mib(tmp_path):
    with h5py.File(tmp_path / "chunked.h5", "w") as file:
        file.create_dataset("x", data=np.zeros((5000, 2048), np.float32), chunks=(300, 2048))
        file["y"] = np.zeros(5000)
    x, _ = nn.dask_arrays(tmp_path / "chunked.h5")
    assert x.chunks[0] == (3300, 1700)


def test_a_block_has_one_sample_where_it_is_large(tmp_path, monkeypatch):
    nn.write_dataset(tmp_path / "all.h5", X, Y)
    for size, rows in ((10, 1), (64, 1), (128, 2), (199, 3)):
        monkeypatch.setattr(dask_inputs, "BLOCK", size)
        x, _ = nn.dask_arrays(tmp_path / "all.h5")
        step = nn.H5Dataset(tmp_path / "all.h5").step
        assert x.chunks[0][0] == (rows - rows % step or rows)


def test_pictures_are_from_0_to_1(tmp_path):
    pictures = RNG.integers(0, 256, (10, 3, 3), dtype=np.uint8)
    nn.write_dataset(tmp_path / "pictures.h5", pictures, Y[:10])
    x, _ = nn.dask_arrays(tmp_path / "pictures.h5")
    np.testing.assert_array_equal(x, pictures / 255)


def test_nothing_is_read_before_it_is_needed_and_tasks_can_travel(files):
    x, _ = nn.dask_arrays(files)
    graph = pickle.loads(pickle.dumps(dict(x.dask)))
    files[1].unlink()
    assert dask.get(graph, (x.name, 0, 0, 0)).shape == (30, 2, 4)
    with pytest.raises(FileNotFoundError, match="part 1.h5' does not exist"):
        x.compute()


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_classifiers_train_on_files(files, scheduler):
    with dask.config.set(scheduler=scheduler):
        found = nn.LogisticRegression(max_iter=5).fit(*nn.dask_arrays(files, rows=16))
    expected = nn.LogisticRegression(max_iter=5).fit(X, Y)
    np.testing.assert_allclose(found.loss_curve_, expected.loss_curve_, rtol=0, atol=1e-10)


def test_what_does_not_fit_together_is_refused(files, tmp_path):
    with pytest.raises(ValueError, match="got an empty list"):
        nn.dask_arrays([])
    for paths in (None, b"part.h5", [3]):
        with pytest.raises(TypeError, match="takes the path of a file, or a list of paths"):
            nn.dask_arrays(paths)
    for dtype in (int, np.uint8, object, str):
        with pytest.raises(TypeError, match="dtype must be one of floating-point numbers"):
            nn.dask_arrays(files, dtype=dtype)
    for rows in (2.5, True, "a"):
        with pytest.raises(TypeError, match="rows must be a whole number"):
            nn.dask_arrays(files, rows=rows)
    with pytest.raises(ValueError, match="rows must be at least 1, not 0"):
        nn.dask_arrays(files, rows=0)
    nn.write_dataset(tmp_path / "other.h5", X[:5, :1], Y[:5])
    with pytest.raises(nn.FileFormatError, match=r"other.h5.*rows of shape \(1, 4\)"):
        nn.dask_arrays([*files, tmp_path / "other.h5"])
    with pytest.raises(nn.FileFormatError, match="has no dataset 'z': it holds 'x', 'y'"):
        nn.dask_arrays(files, x="z")


def test_patterns_stand_for_files_in_the_order_of_their_names(files, tmp_path):
    for pattern in (tmp_path / "part ?.h5", str(tmp_path / "**/p*.h5"), [tmp_path / "part [0-2]*"]):
        np.testing.assert_array_equal(nn.dask_arrays(pattern)[1], Y)
    # A file of that name is that file.
    nn.write_dataset(tmp_path / "part *.h5", X[:5], Y[:5])
    assert len(nn.dask_arrays(tmp_path / "part *.h5")[0]) == 5
    with pytest.raises(FileNotFoundError, match=r"no file matches the pattern '.*none-\*.h5'"):
        nn.dask_arrays(tmp_path / "none-*.h5")


@pytest.mark.parametrize("scheme", ["s3", "gs", "https", "file", "abfs+x", "simplecache::s3"])
def test_addresses_are_refused_with_the_ways_that_there_are(scheme):
    address = f"{scheme}://bucket/part-*.h5"
    for door in (nn.dask_arrays, nn.H5Dataset):
        with pytest.raises(FileNotFoundError, match=r"is an address.*fsspec.*from_zarr\(address\)"):
            door(address)


def test_a_damaged_file_says_so_where_it_is_read(files):
    x, _ = nn.dask_arrays(files)
    content = bytearray(files[2].read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    files[2].write_bytes(content)
    with pytest.raises(nn.FileFormatError, match="part 2.h5"):
        x.compute()


def test_without_dask_it_says_what_to_install(files, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.array", None)
    with pytest.raises(ImportError, match=r"pip install 'autograd_lite\[cluster\]'"):
        nn.dask_arrays(files)
