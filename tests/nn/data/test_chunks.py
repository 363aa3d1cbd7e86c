"""Chunks of HDF5 datasets: how they are counted and cut, and what packed ones unpack to."""

import itertools
import zlib

import h5py
import numpy as np
import pytest

from nn.data import chunks


@pytest.mark.parametrize(
    ("shape", "chunk", "count"),
    [((10,), (5,), 2), ((10,), (4,), 3), ((10, 7), (4, 7), 3), ((10, 7), (4, 3), 9), ((), (), 1)],
)
def test_how_many_there_are(shape, chunk, count):
    assert chunks.count_chunks(shape, chunk) == count


REGIONS = [
    ([range(0, 10)], (3,)),
    ([range(2, 10)], (3,)),
    ([range(3, 9)], (3,)),
    ([range(4, 5)], (3,)),
    ([range(0, 7), range(0, 9)], (2, 4)),
    ([range(3, 7), range(1, 9)], (2, 4)),
    ([range(1, 5), range(0, 3), range(2, 6)], (2, 3, 1)),
]


@pytest.mark.parametrize(("region", "chunk"), REGIONS)
@pytest.mark.parametrize("most", [1, 2, 3, 5, 100])
def test_boxes_cover_a_region_once_and_share_no_chunk(region, chunk, most):
    covered = np.zeros([r.stop for r in region], int)
    seen = set()
    for box in chunks.boxes(region, chunk, most):
        assert all(s.start < s.stop for s in box)
        covered[box] += 1
        touched = set(chunks.touched(box, chunk))
        assert 1 <= len(touched) <= most and not touched & seen
        seen |= touched
    inside = tuple(slice(r.start, r.stop) for r in region)
    assert (covered[inside] == 1).all() and covered.sum() == covered[inside].size
    starts = [range(r.start // c * c, r.stop, c) for r, c in zip(region, chunk, strict=True)]
    assert seen == set(itertools.product(*starts))


def test_boxes_are_as_large_as_they_may_be():
    assert len(list(chunks.boxes([range(0, 30)], (3,), 5))) == 2
    assert len(list(chunks.boxes([range(0, 30)], (3,), 10))) == 1
    # Whole rows of 4 chunks, two rows at a time.
    found = list(chunks.boxes([range(0, 8), range(0, 8)], (2, 2), 8))
    assert found == [(slice(0, 4), slice(0, 8)), (slice(4, 8), slice(0, 8))]


@pytest.mark.parametrize("size", [0, 1, 1000, 100_000])
def test_what_deflated_bytes_unpack_to(size):
    packed = zlib.compress(bytes(size), 9)
    assert not chunks.inflates_beyond(packed, size)
    if size:
        assert chunks.inflates_beyond(packed, size - 1)
    assert not chunks.inflates_beyond(packed[:5] + b"broken", size)


@pytest.mark.parametrize("kind", ["zeros", "few", "ramp", "mixed"])
@pytest.mark.parametrize("size", [64, 300, 10_000])
def test_what_lzf_unpacks_to(kind, size, tmp_path):
    rng = np.random.default_rng(0)
    data = {
        "zeros": np.zeros(size, "u1"),
        "few": rng.integers(0, 2, size).astype("u1"),
        "ramp": (np.arange(size) // 5 % 256).astype("u1"),
        "mixed": np.r_[rng.integers(0, 256, 40), np.tile([1, 2, 3], size)][:size].astype("u1"),
    }[kind]
    with h5py.File(tmp_path / "x.h5", "w") as file:
        x = file.create_dataset("x", data=data, chunks=data.shape, compression="lzf")
        mask, packed = x.id.read_direct_chunk((0,))
    assert mask == 0 and len(packed) < size
    assert chunks.lzf_size(packed) == size
    assert size <= chunks.LZF_INFLATION * len(packed)


def test_lzf_that_is_cut_off_is_counted_as_far_as_it_goes():
    assert chunks.lzf_size(b"") == 0
    assert chunks.lzf_size(b"\x02abc") == 3
    assert chunks.lzf_size(b"\x20\0") == 3 and chunks.lzf_size(b"\xc0") == 8
    assert chunks.lzf_size(b"\xe0") == 9 and chunks.lzf_size(b"\xe0\x05") == 14


def test_the_strongest_packing():
    assert 264 / 3 == chunks.LZF_INFLATION == chunks.lzf_size(b"\xe0\xff\0" * 100) / 300
    n = 10_000_000
    assert n / len(zlib.compress(bytes(n), 9)) < chunks.MOST_INFLATION
