"""Batches of Dask arrays: each sample once, what is read for them, and what is in them."""

import contextlib

import dask
import dask.array as da
import numpy as np
import pytest

import nn
from nn.data import dask_inputs, lazy_batches

N, FEATURES = 600, 40
X = np.arange(N)[:, np.newaxis] + np.linspace(0, 0.5, FEATURES)
Y = np.arange(float(N))


class Stored:
    """An array on a disk that notes which rows are read."""

    def __init__(self, array, chunks=None):
        self.array, self.shape, self.dtype, self.ndim = array, array.shape, array.dtype, array.ndim
        self.chunks, self.read = chunks, []

    def __getitem__(self, index):
        rows = np.arange(self.shape[0])[index[0] if isinstance(index, tuple) else index]
        if rows.size:
            self.read.append((int(rows[0]), int(rows[-1]) + 1))
        return self.array[index]


def stored(stored_as):
    return lambda blocks: (found := Stored(X), stored_as(da.from_array(found, (blocks, FEATURES))))


READ_BY_ROWS = {
    "samples first": stored(lambda x: x.T),
    "flattened": stored(nn.flatten),
    "scaled": stored(lambda x: (x.astype(np.float32) / 255).T),
    "with another axis": stored(lambda x: x[:, np.newaxis].transpose(1, 2, 0)),
}


def loaded(blocks):
    """Blocks that a function makes, of which no part can be asked for."""
    found = Stored(X)

    def load(block_info=None):
        ((start, stop), _) = block_info[None]["array-location"]
        return found[start:stop]

    bounds = tuple(min(blocks, N - at) for at in range(0, N, blocks))
    return found, da.map_blocks(load, chunks=(bounds, (FEATURES,)), dtype=float).T


BLOCKWISE = {
    "made by a function": loaded,
    "made plain by NumPy": stored(lambda x: x.map_blocks(np.asarray, dtype=float).T),
    "cumulated": stored(lambda x: da.cumsum(x, axis=1).T),
    "pictures reshaped by Dask": stored(lambda x: nn.flatten(x.reshape(N, 8, 5))),
}


@pytest.fixture(autouse=True)
def synchronous():
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture
def small(monkeypatch):
    """Stretches of 20 samples, windows of four of them."""
    monkeypatch.setattr(lazy_batches, "BLOCK", 20 * FEATURES * 8 + 19)


def samples_in(batches):
    """The numbers of the samples of each batch, which are their targets as well."""
    found = []
    for batch in batches:
        numbers = np.asarray(batch.Y)
        first = np.asarray(batch.X).reshape(FEATURES, -1)[0]
        scale = 255 if first.max() < 3 and numbers.max() > 3 else 1
        np.testing.assert_allclose(first * scale, numbers, rtol=1e-6)
        found.append(numbers.astype(int).tolist())
    return found


def in_all(read):
    return sum(stop - start for start, stop in read)


@pytest.mark.parametrize("size", [7, 32, 90, 250])
@pytest.mark.parametrize("blocks", [100, 64, N])
@pytest.mark.parametrize("name", READ_BY_ROWS)
@pytest.mark.one_in(5)
def test_an_epoch_reads_each_row_once(name, blocks, size, small):
    """Fewer samples in a batch than features, more than in a window, of one block and of many."""
    file, array = READ_BY_ROWS[name](blocks)
    data = nn.ArrayData(array, da.from_array(Y, chunks=blocks))
    file.read.clear()
    for epoch in range(2):
        found = samples_in(data.batches(size, [0, epoch]))
        assert sorted(sum(found, [])) == list(range(N))
        assert {len(batch) for batch in found[:-1]} == {size}
    assert in_all(file.read) == 2 * N
    rows = 160 // array.dtype.itemsize
    assert size > 2 * rows or max(stop - start for start, stop in file.read) <= rows


@pytest.mark.parametrize("size", [7, 32])
@pytest.mark.parametrize("name", BLOCKWISE)
def test_an_epoch_loads_each_block_once(name, size, small):
    file, array = BLOCKWISE[name](100)
    data = nn.ArrayData(array, da.from_array(Y, chunks=100))
    file.read.clear()
    found = samples_in(data.batches(size, [0, 0]))
    assert sorted(sum(found, [])) == list(range(N))
    assert sorted(file.read) == [(at, at + 100) for at in range(0, N, 100)]


@pytest.mark.parametrize("chosen", [np.arange(0, N, 10), np.flatnonzero(np.arange(N) % 10)])
@pytest.mark.parametrize("chunks", [None, (16, FEATURES)])
def test_chosen_samples_are_read_with_those_between(chosen, chunks, small):
    """As those that early stopping holds out, and those it trains on."""
    file = Stored(X, chunks)
    array = nn.ArrayData(da.from_array(file, chunks=(200, FEATURES)).T, Y).X[:, chosen]
    data = nn.ArrayData(array, Y[chosen])
    file.read.clear()
    found = samples_in(data.batches(8, [0, 0]))
    assert sorted(sum(found, [])) == chosen.tolist()
    assert in_all(file.read) <= N
    assert max(stop - start for start, stop in file.read) <= 20


def test_what_several_blocks_are_cut_from_is_loaded_once():
    file, array = loaded(300)
    x = nn.ArrayData(array.rechunk((FEATURES, 50)), Y).X
    assert len(x.step.parts) == 12
    np.testing.assert_allclose(np.asarray(np.sum(x, axis=1)), np.sum(X, axis=0))
    assert sorted(file.read) == [(0, 300), (300, 600)]


def test_one_batch_reads_its_window(small):
    file, array = READ_BY_ROWS["flattened"](200)
    file.read.clear()
    with contextlib.closing(nn.ArrayData(array, Y).batches(10, [0, 0])) as batches:
        next(batches)
    # Its own window, and the next one or two, which are read ahead.
    assert in_all(file.read) <= 3 * 4 * 20


def test_a_large_batch_reads_its_rows(small):
    file, array = READ_BY_ROWS["flattened"](200)
    batches = nn.ArrayData(array, Y).batches(250, [0, 0])
    file.read.clear()
    np.asarray(next(batches).X)
    assert in_all(file.read) == 250


def test_stretches_are_whole_chunks_of_the_file(small):
    file = Stored(X, chunks=(16, FEATURES))
    array = da.from_array(file, chunks=(160, FEATURES)).T
    file.read.clear()
    list(nn.ArrayData(array, Y).batches(32, [0, 0]))
    assert all(start % 16 == 0 and (stop % 16 == 0 or stop == N) for start, stop in file.read)


def test_samples_are_mixed_anew_in_each_epoch(small):
    _, array = READ_BY_ROWS["flattened"](100)
    data = nn.ArrayData(array, Y)
    first, again, other = (samples_in(data.batches(16, [0, e])) for e in (0, 0, 1))
    assert first == again != other
    # Of stretches far from each other, and never the same neighbours.
    assert np.mean([max(batch) - min(batch) for batch in first]) > 100
    together = [{frozenset(batch) for batch in epoch} for epoch in (first, other)]
    assert not together[0] & together[1]


@pytest.mark.parametrize("size", [16, 250])
@pytest.mark.parametrize("seed", [None, [0, 3]])
def test_an_epoch_goes_on_anywhere(size, seed, small):
    file, array = READ_BY_ROWS["flattened"](100)
    data = nn.ArrayData(array, Y)
    expected = samples_in(data.batches(size, seed))
    if seed is None:
        assert sum(expected, []) == list(range(N))
    for start in (1, len(expected) - 1, len(expected)):
        file.read.clear()
        assert samples_in(data.batches(size, seed, start)) == expected[start:]
        left = N - start * size
        assert in_all(file.read) <= max(left, 0) + 4 * 20


@pytest.mark.parametrize("size", [32, 250])
@pytest.mark.parametrize("which", ["X", "Y", "weights", "all", "other blocks"])
def test_arrays_in_memory_beside_lazy_ones(which, size, small):
    chunks = {name: 70 if which == "other blocks" else 100 for name in ("Y", "weights")}

    def given(name, array):
        if which not in (name, "all", "other blocks"):
            return array
        last = chunks.get(name, 100)
        return da.from_array(array, chunks=(*array.shape[:-1], last))

    data = nn.ArrayData(given("X", X.T), given("Y", Y), given("weights", Y + 1))
    batches = list(data.batches(size, [0, 0]))
    found = samples_in(batches)
    assert sorted(sum(found, [])) == list(range(N))
    for batch, numbers in zip(batches, found, strict=True):
        np.testing.assert_array_equal(np.asarray(batch.weights), np.array(numbers) + 1)


@pytest.mark.parametrize("lengths", [(600,), (1, 2, 597), (0, 300, 0, 0, 300, 0), (1,) * 600])
@pytest.mark.parametrize("size", [1, 599])
def test_blocks_of_any_lengths(lengths, size, small):
    array = da.from_array(X.T, chunks=((3, 37), lengths))
    data = nn.ArrayData(array, da.from_array(Y, chunks=(lengths,)))
    assert sorted(sum(samples_in(data.batches(size, [0, 0])), [])) == list(range(N))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_files_are_read_by_rows(dtype, tmp_path, monkeypatch):
    paths = [tmp_path / f"{i}.h5" for i in range(2)]
    for path, own in zip(paths, (slice(0, 250), slice(250, N)), strict=True):
        nn.write_dataset(path, X[own].reshape(-1, 8, 5), Y[own])
    read = []

    def read_rows(data, which, start, stop, kind, own=dask_inputs.read_rows):
        read.append((which, stop - start))
        return own(data, which, start, stop, kind)

    monkeypatch.setattr(dask_inputs, "read_rows", read_rows)
    x, y = nn.dask_arrays(paths, rows=200, dtype=dtype)
    for start, stop in ((10, 20), (195, 260)):
        np.testing.assert_array_equal(
            x[start:stop].compute(), X[start:stop].reshape(-1, 8, 5).astype(dtype)
        )
    assert sum(count for _, count in read) == 10 + 65
    read.clear()
    data = nn.ArrayData(nn.flatten(x), y)
    found = samples_in(data.batches(32, [0, 0]))
    assert sorted(sum(found, [])) == list(range(N))
    for which in (0, 1):
        assert sum(count for i, count in read if i == which) == N


def test_a_window_is_one_computation(small, monkeypatch):
    graphs = []

    def counted(graph, keys, **options):
        graphs.append(graph)
        return dask.get(graph, keys)

    _, array = READ_BY_ROWS["flattened"](100)
    data = nn.ArrayData(array, da.from_array(Y, chunks=100), da.from_array(Y + 1, chunks=100))
    with dask.config.set(scheduler=counted):
        graphs.clear()
        assert len(list(data.batches(8, [0, 0]))) == 75
    # Windows of four stretches of 18 to 20 samples, and not a computation for each array or batch.
    assert len(graphs) <= -(-N // (3 * 20))


def test_fit_gives_the_numbers_of_the_same_batches_in_memory(small):
    """Training on a file is training on the batches that it gives, one after the other."""
    _, array = READ_BY_ROWS["flattened"](100)
    x, y = array / N, da.from_array(Y / N, chunks=100)[np.newaxis]

    class Same:
        def __len__(self):
            return N

        def batches(self, size, seed=None, start=0):
            for batch in nn.ArrayData(x, y).batches(size, seed, start):
                yield type(batch)(np.array(batch.X), np.array(batch.Y), None)

    def trained(*data):
        model = nn.Linear(FEATURES, 1, seed=0)
        return nn.fit(
            model,
            *data,
            loss=nn.mean_squared_error,
            optimiser=nn.SGD(model.parameters(), 0.01),
            epochs=3,
            batch_size=50,
            seed=0,
            verbose=False,
        )["loss"]

    assert trained(x, y) == trained(Same())
