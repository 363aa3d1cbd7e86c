"""Cases of the functions that sort. No two elements are equal."""

import numpy as np

from autograd_lite.rules.sorting import group_means, share_among_equals
from cases import Case, complex_normal, layouts, normal


def ties():
    groups = np.array([[0, 0, 1], [2, 3, 3]])
    yield Case(group_means, (normal(2, 3),), call=lambda g: group_means(g, groups))
    yield Case(group_means, (complex_normal(2, 3),), call=lambda g: group_means(g, groups))
    same = np.zeros((2, 2), int)
    yield Case(
        share_among_equals,
        (normal(),),
        call=lambda x: share_among_equals(np.broadcast_to(x, (2, 2)), same),
    )


def cases():
    yield from ties()
    yield Case(np.sort, (normal(5),), {"descending": True}, since="2.5.0")
    for axis in (-1, 0, None):
        yield Case(np.sort, (normal(3, 4),), {"axis": axis})
        yield Case(np.partition, (normal(3, 4),), {"axis": axis, "kth": 1})
    yield Case(np.sort, (normal(5),), {"kind": "heapsort"})
    yield Case(np.sort, (normal(5),), {"stable": True})
    yield Case(np.sort, (normal(2, 2, 3),), {"axis": 1})
    yield Case(np.sort, (normal(0),))
    yield Case(np.sort, (normal(),), {"axis": None})
    yield Case(np.sort, (complex_normal(4),))
    for note, array in layouts(normal(3, 4)).items():
        yield Case(np.sort, (array,), {"axis": 0}, note=note)
    yield Case(np.partition, (normal(9),), {"kth": (2, 5)})
    yield Case(np.partition, (normal(9),), {"kth": -2})
    yield Case(np.sort_complex, (normal(4),))
    yield Case(np.sort_complex, (complex_normal(2, 3),))
    yield Case(np.unique, (normal(2, 3),))
    yield Case(np.unique, (normal(2, 3),), {"axis": 0})
    yield Case(
        np.unique,
        (normal(4),),
        call=lambda x: np.unique(x, return_counts=True, return_inverse=True)[0],
        note="more",
    )
    yield Case(np.union1d, (normal(3), normal(2, 1, seed=1)))
