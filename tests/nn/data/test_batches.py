"""Batches of arrays in memory and in blocks: which samples each has, and what is refused."""

import numpy as np
import pytest

import autograd_lite as al
import nn
from autograd_lite.extend import compute
from nn.data.batches import ArrayData

N = 20


def arrays(x_axes=0, y_axes=0):
    """Samples, targets and weights that all are the number of their sample."""
    numbers = np.arange(float(N))
    X = np.broadcast_to(numbers, (2,) * x_axes + (N,)).copy()
    return X, np.broadcast_to(numbers, (3,) * y_axes + (N,)).copy(), numbers.copy()


def samples(batches):
    """The numbers of the samples in each batch, which X, Y and weights have to agree on."""
    found = []
    for X, Y, weights in batches:
        first = weights.tolist()
        assert (np.asarray(X) == first).all() and (np.asarray(Y) == first).all()
        found.append(first)
    return found


@pytest.mark.parametrize("x_axes", [0, 1, 2, 3])
@pytest.mark.parametrize("y_axes", [0, 1])
@pytest.mark.parametrize(
    ("size", "lengths"), [(6, [6, 6, 6, 2]), (10, [10, 10]), (1, [1] * N), (20, [20]), (99, [20])]
)
def test_every_sample_comes_once(x_axes, y_axes, size, lengths):
    X, Y, weights = arrays(x_axes, y_axes)
    data = ArrayData(X, Y, weights)
    assert len(data) == N
    in_order = samples(data.batches(size))
    assert [len(b) for b in in_order] == lengths
    assert sum(in_order, []) == list(range(N))
    shuffled = samples(data.batches(size, [3, 1]))
    assert [len(b) for b in shuffled] == lengths
    assert sorted(sum(shuffled, [])) == list(range(N))
    if size < N:
        assert sum(shuffled, []) == np.random.default_rng([3, 1]).permutation(N).tolist()


@pytest.mark.parametrize("size", [6, 20])
@pytest.mark.parametrize("seed", [None, [3, 1]])
def test_batches_from_the_middle_are_those_of_the_whole(size, seed):
    data = ArrayData(*arrays(1))
    whole = samples(data.batches(size, seed))
    for start in range(len(whole) + 1):
        assert samples(data.batches(size, seed, start)) == whole[start:]


def test_there_need_be_no_weights():
    (batch,) = ArrayData(*arrays()[:2]).batches(N)
    assert batch.weights is None
    assert [b.weights for b in ArrayData(*arrays()[:2]).batches(7, [1])] == [None] * 3


def test_tensors_and_lists_are_arrays():
    (batch,) = ArrayData(al.Tensor([[1.0, 2.0]]), [3, 4]).batches(2)
    assert type(batch.X) is np.ndarray and batch.Y.tolist() == [3, 4]


def test_batches_of_dask_arrays_have_each_sample_once():
    da = pytest.importorskip("dask.array")
    data = ArrayData(*(da.from_array(a, chunks=-1) for a in arrays(1)))

    def read(seed, start=0):
        return [y.tolist() for y in compute([b.Y for b in data.batches(6, seed, start)])]

    assert read(None) == [list(range(a, min(a + 6, N))) for a in range(0, N, 6)]
    orders = [read([seed]) for seed in range(5)]
    assert all(sorted(sum(order, [])) == list(range(N)) for order in orders)
    assert len({str(order) for order in orders}) == 5
    assert read([1], 2) == orders[1][2:]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((np.ones((3, 4)), np.ones(3)), "the samples of X look like its rows, so pass X.T"),
        ((np.ones((3, 4)), np.ones(5)), r"X has shape \(3, 4\) and Y \(5,\): the last axis is"),
        ((np.float64(1), np.ones(5)), "the last axis is the samples, and must have the same"),
        ((np.ones(5), np.float64(1)), "the last axis is the samples, and must have the same"),
        ((np.ones((3, 0)), np.ones(0)), r"there are no samples: X has shape \(3, 0\)"),
        ((np.ones(2), np.ones(2), np.ones(3)), r"weights have shape \(3,\), expected \(2,\)"),
        ((np.ones(2), np.ones(2), np.ones((1, 2))), r"shape \(1, 2\), expected \(2,\)"),
        ((np.ones(2), np.ones(2), [1, -1]), "the weights of samples must be numbers from 0 on"),
        ((np.ones(2), np.ones(2), [1, np.nan]), "weights of samples must be numbers from 0 on"),
    ],
)
def test_what_does_not_fit_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        ArrayData(*given)


class TestLoopsOfOnesOwn:
    def test_batches_of_arrays(self):
        X, Y, _ = arrays(1)
        whole = list(nn.batches(X, Y, 8))
        assert [y.tolist() for _, y in whole] == [
            list(range(8)),
            list(range(8, 16)),
            list(range(16, 20)),
        ]
        assert all((x == y).all() for x, y in whole)
        assert [y.shape for _, y in nn.batches(np.ones((1, 70)), np.ones(70))] == [
            (32,),
            (32,),
            (6,),
        ]

    def test_a_seed_decides_the_order(self):
        X, Y, _ = arrays(1)

        def order(seed):
            found = [(x, y) for x, y in nn.batches(X, Y, 8, seed=seed)]
            assert all((x == y).all() for x, y in found)
            return np.concatenate([y for _, y in found]).tolist()

        assert order(1) == order(1) != order(2)
        assert sorted(order(1)) == list(range(N))
        generator = np.random.default_rng(1)
        assert order(generator) == order(1) != order(generator)

    @pytest.mark.parametrize("size", [0, -1, 2.5, None])
    def test_sizes_are_whole_numbers(self, size):
        with pytest.raises(ValueError, match=f"batches: size must be at least 1, not {size}"):
            nn.batches(*arrays(1)[:2], size)
