"""The cost of the chunks of an HDF5 dataset: their number, and their unpacked sizes."""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Iterator, Sequence

RUN_CHUNKS = 1024
"""The chunks read by one call: HDF5 allocates some 6 KB for each chunk during a call."""

MOST_INFLATION = 1032
"""The most bytes that deflate, the strongest of the known filters, unpacks from one byte."""

LZF_INFLATION = 88
"""The most bytes that LZF unpacks from one byte: it packs 264 bytes into 3."""

Box = tuple[slice, ...]


def count_chunks(shape: Sequence[int], chunk: Sequence[int]) -> int:
    """The number of chunks that cover an array."""
    return math.prod(-(-n // c) for n, c in zip(shape, chunk, strict=True))


def boxes(region: Sequence[range], chunk: Sequence[int], most: int = RUN_CHUNKS) -> Iterator[Box]:
    """Slices that cover a region of an array and touch at most `most` chunks each.

    They end where chunks end, so that each chunk is in one of them only.
    """
    cuts = []
    for axis, size in zip(reversed(region), reversed(chunk), strict=True):
        count = max(1, min(most, -(-axis.stop // size) - axis.start // size))
        most = max(1, most // count)
        first = axis.start // size * size
        edges = [axis.start, *range(first + count * size, axis.stop, count * size), axis.stop]
        cuts.append([slice(a, b) for a, b in itertools.pairwise(edges) if a < b])
    return itertools.product(*reversed(cuts))


def touched(box: Box, chunk: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The starts of the chunks that a box touches."""
    return itertools.product(
        *(range(s.start // c * c, s.stop, c) for s, c in zip(box, chunk, strict=True))
    )


def inflates_beyond(packed: bytes, size: int) -> bool:
    """Whether deflated bytes unpack to more than `size` bytes; unpacks at most one byte more."""
    try:
        return len(zlib.decompressobj().decompress(packed, size + 1)) > size
    except zlib.error:
        # HDF5 reports the same damage, at the same byte.
        return False


def lzf_size(packed: bytes) -> int:
    """The number of bytes that LZF unpacks from `packed`, by adding the lengths in its commands."""
    at = size = 0
    while at < len(packed):
        control = packed[at]
        if control < 32:
            # `control + 1` literal bytes follow.
            size += control + 1
            at += control + 2
        elif control < 224:
            size += (control >> 5) + 2
            at += 2
        else:
            size += 9 + (packed[at + 1] if at + 1 < len(packed) else 0)
            at += 3
    return size
