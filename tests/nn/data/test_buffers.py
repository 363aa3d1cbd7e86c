"""Memory is used again when nothing lies in it any more, and not before."""

import gc

import numpy as np
import pytest

from nn.data import buffers
from nn.data.buffers import SMALLEST, buffer

SHAPE = (SMALLEST, 2)


@pytest.fixture(autouse=True)
def empty(monkeypatch):
    monkeypatch.setattr(buffers, "_free", {})


def idle():
    return [memory for same in buffers._free.values() for memory in same]


def address(array):
    return array.__array_interface__["data"][0]


def test_memory_is_used_again():
    first = buffer(SHAPE, np.float32)
    first[...] = 1
    where = address(first)
    del first
    second = buffer((2, SMALLEST), np.float32)
    assert address(second) == where
    assert (second.shape, second.dtype, second.flags.writeable) == (SHAPE[::-1], np.float32, True)


@pytest.mark.parametrize(
    "keep",
    [
        lambda a: a.T,
        lambda a: a[3:5, ::-1],
        lambda a: a.reshape(-1).view(np.uint8)[:1],
        lambda a: np.broadcast_to(a[0], (3, 2)),
        lambda a: memoryview(a),
        lambda a: (a for a in [a[:1]]),
    ],
    ids=["transposed", "part", "bytes", "broadcast", "buffer", "generator"],
)
def test_what_looks_at_it_keeps_it(keep):
    first = buffer(SHAPE, np.float32)
    where, kept = address(first), keep(first)
    del first
    gc.collect()
    assert address(buffer(SHAPE, np.float32)) != where
    del kept
    gc.collect()
    assert where in [address(np.frombuffer(memory, np.uint8)) for memory in idle()]


def test_small_arrays_are_numpys():
    buffer((10, 10), np.float64)
    assert idle() == []


def test_each_size_has_its_own():
    where = set()
    for _ in range(3):
        raw, values = buffer(SHAPE, np.uint8), buffer(SHAPE, np.float64)
        where |= {address(raw), address(values)}
        del raw, values
    assert len(where) == 2 and len(idle()) == 2


def test_no_more_is_kept_than_threads_need(monkeypatch):
    monkeypatch.setattr(buffers, "_most", 3)
    arrays = [buffer(SHAPE, np.float32) for _ in range(7)]
    del arrays
    assert len(idle()) <= 3
    for rows in range(1, 9):
        buffer((rows, SMALLEST), np.uint8)
    assert len(idle()) <= 3
