"""Cases of indexing and of the functions that select, sort and place elements."""

import numpy as np

from autograd_lite.rules.gating import gated
from autograd_lite.rules.indexing import getitem, put_back
from cases import Case, normal

INDICES = {
    "integer": 1,
    "negative": (-1, 2),
    "slice": slice(1, None),
    "strided": (slice(None, None, -1), slice(None, None, 2)),
    "ellipsis": (..., 0),
    "new axis": (None, 0, slice(None), None),
    "mask": np.array([[True, False, True, False], [False] * 4, [True] * 4]),
    "row mask": np.array([True, False, True]),
    "repeated": np.array([0, 0, 2, 0]),
    "pairs": (np.array([0, 0, 2]), np.array([1, 1, 3])),
    "outer": (np.array([[0], [2]]), np.array([1, 1, 3])),
    "mixed": (slice(1, 3), np.array([3, 3, 0])),
    "apart": (np.array([0, 0]), None, np.array([1, 1])),
    "empty": np.array([], dtype=int),
}


def cases():
    for note, index in INDICES.items():
        yield Case(getitem, (normal(3, 4),), call=lambda x, i=index: x[i], note=note)
        shape = normal(3, 4)[index].shape
        yield Case(
            put_back,
            (normal(*shape),),
            call=lambda g, i=index: put_back(g, i, (3, 4)),
            note=note,
        )
    mask = np.array([[True, False, True], [False, True, False]])
    yield Case(gated, (normal(2, 3),), call=lambda g: gated(g, mask))
