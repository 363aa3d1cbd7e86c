"""What functions make of blocks is what they make of arrays, and blocks where it can be."""

import gc
import sys
import threading
import weakref

import dask
import dask.array as da
import numpy as np
import pytest

import autograd_lite as al
import nn
from autograd_lite.arrays.dask import workers
from autograd_lite.arrays.dask.array import Blocks, in_blocks
from autograd_lite.arrays.dask.expression import kept
from autograd_lite.arrays.dask.running import TaskGraph, run_group
from autograd_lite.arrays.lazy import on_cluster

RNG = np.random.default_rng(0)
X = RNG.uniform(0.2, 2, (6, 50))
ROW = RNG.uniform(0.2, 2, (1, 50))
W = RNG.normal(size=(4, 6))

IN_BLOCKS = {
    "operators": lambda x: (1 + x) * x / (x - 3) ** 2 - x % 0.7,
    "functions": lambda x: np.tanh(np.exp(-x)) + np.logaddexp(x, 0),
    "a row as it is": lambda x: x * X[0],
    "a broadcast row": lambda x: x * np.broadcast_to(X[:, :1], X.shape),
    "comparison": lambda x: (x > 1) & (x < 1.5),
    "where": lambda x: np.where(x > 1, x, 0),
    "clip": lambda x: np.clip(x, None, 1),
    "round": lambda x: np.round(x, 1),
    "real": lambda x: np.real(x) + np.imag(x),
    "sum of all": np.sum,
    "sum of columns": lambda x: np.sum(x, axis=0),
    "sum of rows": lambda x: np.sum(x, axis=1, keepdims=True),
    "sum of both": lambda x: np.sum(x.astype(np.float32), axis=(0, -1), dtype=np.float64),
    "mean": lambda x: np.mean(x, axis=1),
    "mean of columns": lambda x: np.mean(x, axis=0, keepdims=True),
    "max and min": lambda x: np.max(x, axis=1) - np.min(x),
    "prod, any and all": lambda x: np.prod(x) + np.any(x > 1.9) + np.all(x > 0),
    "weights in front": lambda x: W @ x,
    "weights behind": lambda x: x.T @ W.T,
    "vector": lambda x: np.dot(W[0], x),
    "over the samples": lambda x: np.dot(x, x.T),
    "over the samples with an array": lambda x: x @ X.T,
    "einsum": lambda x: np.einsum("ij,kj->ik", x, x),
    "einsum along": lambda x: np.einsum("ki,ij->kj", W, x),
    "transpose": lambda x: np.transpose(x),
    "swapaxes": lambda x: np.swapaxes(x, 0, 1),
    "moveaxis": lambda x: np.moveaxis(x, -1, 0),
    "reshape": lambda x: x.reshape(2, 3, 50).reshape(-1, 50),
    "ravel of a row": lambda x: np.ravel(x[:1]),
    "squeeze and expand": lambda x: np.expand_dims(np.squeeze(x[:1]), 0),
    "squeeze along": lambda x: np.squeeze(x[None, :1], axis=(0, 1)) + np.squeeze(x[:1], -2),
    "broadcast_to": lambda x: np.broadcast_to(x[:1], (3, 50)),
    "broadcast_to a list and a number": lambda x: (
        np.broadcast_to(x, [2, 6, 50])[0] * np.broadcast_to(x[0], 50)
    ),
    "items": lambda x: x[2:4, :] + x[None, 1, :],
    "some columns": lambda x: x[:, 9:31] * 2,
    "columns of what was computed": lambda x: (W @ (x - np.mean(x, axis=1, keepdims=True)))[:, 5:],
    "columns of a total cut back": lambda x: (x * np.sum(x.T, axis=1))[:, 20:-3],
    "columns that are chosen": lambda x: (
        x[:, np.array([0, 8, 9, 31, 49])] - x[0][[0, 8, 9, 31, 49]]
    ),
    "columns of columns": lambda x: x[1:][:, X[0] > 0.5][:, 3:12][:, [0, 2, 8]],
    "negative items": lambda x: x[..., ::-1, :][-1],
    "concatenate": lambda x: np.concatenate([x, x * 2, np.ones((1, 50))]),
    "like": lambda x: np.ones_like(x) + np.zeros_like(x, shape=(2, 50))[:1] + np.full_like(x, 3),
    "astype": lambda x: x.astype(np.float32),
    "another Dask array": lambda x: x + da.from_array(X, chunks=(6, 7)),
    "keepdims as a number": lambda x: x - np.mean(x, axis=1, keepdims=1) + np.sum(x, keepdims=1),
    "by position": lambda x: np.sum(x, 0, None, None, True) + np.max(x, 0, None, True),
    "of a dtype": lambda x: np.full_like(x, 2, np.float32) + np.ones_like(x, np.int64),
    "centred": lambda x: x - np.mean(x, axis=1, keepdims=True),
    "var": lambda x: np.var(x, axis=1, keepdims=True) + np.std(x, ddof=1),
    "normalised twice": lambda x: np.sum(np.square(x - np.mean(x)) / np.sum(x)) / np.max(x),
    "a total cut back": lambda x: x * np.sum(np.ones_like(x), axis=0),
    "what was computed broadcast": lambda x: np.sum(
        x * (2 * np.broadcast_to(np.sum(x) * 0 + 1, (1, 50)))
    ),
}

BY_DASK = {
    "cumsum": lambda x: np.cumsum(x, axis=0),
    "reversed columns": lambda x: x[:, ::-1],
    "reshape across": lambda x: x.reshape((300,)),
    "outer": lambda x: np.outer(x[0], x[1]),
    "two cuts": lambda x: np.dot(x.T, x),
    "norm": lambda x: np.linalg.norm(x),
    "other blocks": lambda x: x + da.from_array(X, chunks=(6, 11)),
    "blocks both ways": lambda x: x * da.from_array(X, chunks=(2, 7)),
    "mean of whole numbers as such": lambda x: np.mean(x.astype(int), axis=1, dtype=int),
    "squeeze of one sample": lambda x: np.squeeze(x[:1, :1]),
    "squeeze of one sample along": lambda x: np.squeeze(x[:, :1], axis=1),
    "concatenate samples": lambda x: np.concatenate([x, x], axis=1),
    "stack": lambda x: np.stack([x, x]),
}


def cut(array, length=7):
    return in_blocks(da.from_array(array, chunks=(array.shape[0], length)))


@pytest.mark.parametrize("name", [*IN_BLOCKS, *BY_DASK])
def test_values_are_those_of_numpy(name):
    function = (IN_BLOCKS | BY_DASK)[name]
    expected = function(X)
    found = function(cut(X))
    assert isinstance(found, Blocks) == (name in IN_BLOCKS)
    assert (found.shape, found.dtype, found.ndim) == (
        np.shape(expected),
        expected.dtype,
        np.ndim(expected),
    )
    np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", IN_BLOCKS)
def test_blocks_turn_into_dask_arrays(name):
    found = IN_BLOCKS[name](cut(X)).in_dask()
    assert isinstance(found, da.Array)
    np.testing.assert_allclose(found.compute(), IN_BLOCKS[name](X), rtol=1e-12, atol=1e-13)


def test_items_can_be_assigned_along_the_blocks_and_across():
    found, expected = cut(X) * 1, X.copy()
    for array in (found, expected):
        array[1] = 0
        array[2:4, :] = array[4:, :]
        array[0] = ROW[0]
        array[:, 3:9] = 5.0
    np.testing.assert_array_equal(np.asarray(found), expected)


@pytest.mark.parametrize(
    ("function", "names"),
    [(lambda x: np.linalg.det(x @ x.T), "np.det"), (lambda x: np.sort(x, axis=0), "np.sort")],
)
def test_what_nobody_can_do_says_so(function, names):
    with pytest.raises(TypeError, match=f"{names} does not work block by block here, and Dask has"):
        function(cut(X))


@pytest.mark.parametrize("write", [np.add.at, lambda x, i, v: np.add(x, v, out=x)])
def test_arrays_to_write_to_are_refused(write):
    with pytest.raises(TypeError, match="write to arrays that exist"):
        write(cut(X), 0, 1.0)


@pytest.mark.parametrize(
    "array",
    [
        da.ones((4, 6), chunks=(2, 3)),
        da.ones((), chunks=()),
        da.ones((4, 0), chunks=(4, 3)),
    ],
    ids=["two axes", "no axis", "no samples"],
)
def test_other_dask_arrays_stay_what_they_are(array):
    assert in_blocks(array) is array


def test_empty_blocks_are_left_out():
    array = da.from_array(X, chunks=((6,), (0, 20, 0, 0, 30, 0)))
    found = in_blocks(array)
    assert found.step.parts == (20, 30)
    np.testing.assert_allclose(np.asarray(np.sum(found * X, axis=1)), np.sum(X * X, axis=1))
    np.testing.assert_array_equal(np.asarray(found[:, 15:25]), X[:, 15:25])


@pytest.mark.parametrize("chunks", [(6, 50), (3, 7), (6, 7), (2, 50)])
def test_the_axis_of_the_samples_can_be_told(chunks):
    for axis, other in ((0, 1), (-1, 0)):
        found = in_blocks(da.from_array(X, chunks=chunks), axis)
        assert found.step.axis == axis % 2
        assert len(found.step.parts) == len(da.from_array(X, chunks=chunks).chunks[axis])
        np.testing.assert_allclose(np.asarray(np.sum(found, axis=other)), np.sum(X, axis=other))


def test_an_array_is_taken_once():
    array = da.from_array(X, chunks=(6, 7))
    assert in_blocks(array).step is in_blocks(array).step
    assert in_blocks(array).exposed() is array


def test_there_are_groups_of_blocks_for_as_many_threads_as_there_are_now():
    total = np.sum(cut(np.ones((4, 64)), 1)).step
    for threads, groups in ((1, 4), (8, 8), (100, 64)):
        with dask.config.set(scheduler="threads", num_workers=threads):
            tasks = TaskGraph([total]).tasks.values()
        assert sum(task[0] is run_group for task in tasks) == groups


@pytest.mark.parametrize(
    ("mebibytes", "block", "expected"),
    [(512, 1, 16), (512, 2, 8), (512, 16, 1), (512, 100, 1), (64, 1, 2), (np.inf, 100, 16)],
)
def test_groups_of_blocks_that_arrive_fit_into_memory(mebibytes, block, expected, monkeypatch):
    """They take up to a 32nd of a thread's memory, and there is one block at least."""
    monkeypatch.setattr(workers, "capacity", lambda: workers.Capacity(2, mebibytes * 2**20))
    assert workers.group_size(64, block * 2**20) == expected
    # What the tasks load by themselves is there one after the other.
    assert workers.group_size(64) == 16


def test_a_group_counts_all_that_arrives_for_it(monkeypatch):
    """Blocks that other tasks make, of every array, whole where some samples of them are used."""
    monkeypatch.setattr(workers, "capacity", lambda: workers.Capacity(1, 32 * 100 * 8 * 6 * 4))
    x = da.ones((6, 3200), chunks=(6, 1600)).rechunk((6, 100))
    blocks = in_blocks(x)

    def groups(*totals):
        tasks = TaskGraph([np.sum(total).step for total in totals]).tasks.values()
        return sum(task[0] is run_group for task in tasks if isinstance(task, tuple))

    assert groups(blocks) == 8
    assert groups(blocks + in_blocks(x + 1)) == 16
    assert groups(in_blocks(da.ones((6, 3200), chunks=(6, 100)))) == 2
    assert groups(blocks.of_spans([(i * 100, i * 100 + 1) for i in range(32)])) == 8


class Client:
    """The client of a cluster whose workers have so many threads and so much memory each."""

    def __init__(self, *workers):
        self.workers, self.asked = workers, 0

    def scheduler_info(self, n_workers):
        self.asked += 1
        return {
            "workers": {
                i: {"nthreads": threads, "memory_limit": memory}
                for i, (threads, memory) in enumerate(self.workers)
            }
        }


def test_a_thread_of_a_cluster_has_its_share_of_the_workers_memory(monkeypatch):
    client = Client((4, 400), (2, 100), (1, 0))
    monkeypatch.setattr(workers, "cluster_client", lambda: client)
    assert workers.capacity() == workers.Capacity(7, 50)
    client = Client((1, 0))
    assert workers.capacity() == workers.Capacity(1, np.inf)


def test_the_size_of_a_cluster_is_asked_for_again_after_a_while(monkeypatch):
    client, now = Client((4, 400)), 100.0
    monkeypatch.setattr(workers, "cluster_client", lambda: client)
    monkeypatch.setattr(workers.time, "monotonic", lambda: now)
    assert workers.capacity().threads == 4
    client.workers = ((4, 400), (4, 400))
    now += 9
    assert workers.capacity().threads == 4
    assert client.asked == 1
    now += 2
    assert workers.capacity().threads == 8
    assert client.asked == 2


def test_without_distributed_there_is_no_cluster(monkeypatch):
    monkeypatch.delitem(sys.modules, "distributed", raising=False)
    assert on_cluster() is False


def test_a_broadcast_operand_is_kept_as_small_as_it_is():
    row = np.array([[True, False, True]])
    found = kept(np.broadcast_to(row, (1000, 3)))
    assert found.strides == (0, 1)
    row[0, 0] = False
    assert found.shape == (1000, 3)
    assert found[:, 0].all()


def test_an_array_goes_when_nobody_needs_it():
    array = da.from_array(X, chunks=(6, 7))
    gone = weakref.ref(array)
    total = np.sum(in_blocks(array) * 2)
    assert float(total) == pytest.approx(2 * X.sum())
    del array
    gc.collect()
    assert gone() is None


def test_what_was_read_can_be_computed_with():
    x = cut(X)
    y, total = x * 2, np.sum(x)
    np.testing.assert_array_equal(np.asarray(y), 2 * X)
    half, scaled = total / 2, np.sum(x / total)
    assert float(total) == pytest.approx(X.sum())
    assert float(half) == pytest.approx(X.sum() / 2)
    assert float(scaled) == pytest.approx(1)
    np.testing.assert_allclose(np.asarray(np.sum(y + total, axis=1)), np.sum(2 * X + X.sum(), 1))
    np.testing.assert_array_equal(np.asarray(y), 2 * X)


@pytest.mark.parametrize("blocks", [1, 2, 3, 7, 16, 33, 50])
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_sums_do_not_depend_on_how_many_work(blocks, workers):
    """Bit for bit: the tree is that of the blocks."""
    import dask

    length = -(-50 // blocks)
    expected = None
    for size in (1, workers):
        with dask.config.set(num_workers=size, scheduler="threads"):
            x = cut(X.astype(np.float32), length)
            found = np.asarray(np.sum(np.exp(x), axis=1))
        expected = found if expected is None else expected
        assert found.tobytes() == expected.tobytes()


def test_printing_computes_nothing():
    x = cut(X) * 2
    assert repr(x) == "<Blocks of shape (6, 50), dtype float64, 8 blocks, not computed yet>"
    total = np.sum(x)
    assert repr(total) == "<Blocks of shape (), dtype float64, not computed yet>"
    assert float(total) == pytest.approx(2 * X.sum())
    assert "not computed" not in repr(total)


def test_numbers_can_be_read():
    total = np.sum(cut(X))
    assert bool(total)
    assert int(total) == int(X.sum())
    assert complex(total) == pytest.approx(X.sum())
    with pytest.raises(TypeError, match="no dimensions has no length"):
        len(total)
    assert len(cut(X)) == 6


STRANGE = {
    "object": np.array([[1, 2], [3, None]], dtype=object),
    "text": np.array([["a", "b"]]),
    "dates": np.array([["2020-01-01"]], dtype="M8[D]"),
    "records": np.zeros((2, 2), dtype=[("a", float)]),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_a_tensor_cannot_hold_is_refused_before_it_is_read(name):
    with pytest.raises(TypeError, match="a Tensor holds numbers, but this data has dtype"):
        al.Tensor(da.from_array(STRANGE[name], chunks=1))


def test_masked_blocks_are_refused():
    with pytest.raises(TypeError, match="a MaskedArray computes in ways of its own"):
        np.exp(al.Tensor(1.0)) * da.ma.masked_greater(da.ones(4, chunks=2), 0)


@pytest.mark.parametrize(
    "use",
    [
        al.Tensor,
        lambda x: al.Tensor(np.ones((3, 6))) @ x,
        lambda x: nn.LogisticRegression().fit(x.T, np.arange(3) % 2),
    ],
    ids=["Tensor", "operand", "fit"],
)
def test_blocks_of_unknown_length_are_refused(use):
    columns = da.from_array(X, chunks=(6, 7))
    with pytest.raises(ValueError, match=r"unknown length; its method compute_chunk_sizes\(\)"):
        use(columns[:, columns[0] > 1])


def test_an_error_in_a_block_arrives():
    def broken(block):
        raise OSError("the disk is gone")

    x = da.from_array(X, chunks=(6, 7)).map_blocks(broken, dtype=float)
    W = al.Tensor(np.ones((1, 6)), requires_grad=True)
    with pytest.raises(OSError, match="the disk is gone"):
        np.sum(W @ al.Tensor(x)).backward()
    assert W.grad is None


def test_blocks_of_no_columns():
    x = da.concatenate([da.zeros((6, 0)), da.from_array(X, chunks=(6, 7))], axis=1)
    W = al.Tensor(np.ones((1, 6)), requires_grad=True)
    np.sum((W @ al.Tensor(x)) ** 2).backward()
    np.testing.assert_allclose(W.grad, 2 * np.sum(X, axis=0, keepdims=True) @ X.T)


def test_half_precision_is_added_up_as_numpy_does():
    half = np.full((2, 1000), 100, np.float16)
    blocks = in_blocks(da.from_array(half, chunks=(2, 300)))
    assert np.asarray(np.mean(blocks)) == 100
    assert np.mean(blocks).dtype == np.float16
    assert np.asarray(np.var(blocks)) == 0


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (lambda x: np.concatenate([x, np.ones((2, 51))]), "cannot be joined along axis 0"),
        (lambda x: (x * 1).__setitem__(0, np.arange(51.0)), r"\(51,\) do not fit"),
        (lambda x: np.einsum("ij->k", x), "'k' has a letter"),
        (
            lambda x: np.dot(np.ones((2, 3)), x),
            r"\[\(2, 3\), \(6, 50\)\] do not fit: .* is 3 long in one and 6 in another",
        ),
        (lambda x: np.einsum("ki,ji->kj", np.ones((2, 3)), x), "is 3 long in one and 50 in"),
        (lambda x: np.broadcast_to(x, (1, 50)), r"\(6, 50\) cannot be broadcast to \(1, 50\)"),
        (lambda x: np.squeeze(x, axis=0), "size other than one"),
    ],
)
def test_what_does_not_fit_is_refused(use, message):
    with pytest.raises(ValueError, match=message):
        use(cut(X))


def test_an_index_that_is_cut_along_another_axis_is_refused():
    array = cut(X) * 1
    with pytest.raises(TypeError, match=r"along several axes; rechunk\(\) the index"):
        array[da.from_array(X > 1, chunks=(3, 50))] = 0.0
    np.testing.assert_array_equal(np.asarray(array), X)


def test_an_index_has_one_ellipsis():
    with pytest.raises(IndexError, match="one ellipsis"):
        cut(X)[..., ...]


@pytest.mark.parametrize(
    ("use", "what"),
    [
        (lambda x: np.sum(x, where=X > 1), "np.sum with these arguments"),
        (lambda x: np.max(x, initial=5), "np.max with these arguments"),
        (lambda x: x[np.arange(6), np.arange(6)], "this index"),
    ],
)
def test_whose_message_it_is(use, what):
    with pytest.raises(TypeError, match=f"{what} does not work block by block here, and Dask says"):
        use(cut(X))


def test_two_threads_may_look_at_an_array_at_the_same_time():
    def look():
        barrier.wait()
        found.append(float(np.asarray(np.sum(x * np.ones(300)))))

    for _ in range(20):
        x, found, barrier = in_blocks(da.ones((2, 300), chunks=(2, 1))), [], threading.Barrier(2)
        threads = [threading.Thread(target=look) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [600, 600]
