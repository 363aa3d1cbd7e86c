"""Cases of reductions and of functions that rearrange."""

import numpy as np

from cases import Case, layouts, normal

AXES = [
    {},
    {"axis": 0},
    {"axis": -1},
    {"axis": (0, 2)},
    {"axis": 1, "keepdims": True},
    {"keepdims": True},
    {"axis": ()},
]
SCATTERED = np.array([[True, False, True], [False, True, False]])


def cases():
    for function in (np.sum, np.mean):
        for options in AXES:
            yield Case(function, (normal(2, 3, 4),), options)
        yield Case(function, (normal(),))
        yield Case(
            function,
            (normal(2, 3),),
            {"where": np.array([[True, False, True], [False, True, False]])},
        )
        yield Case(function, (normal(2, 3),), {"where": np.array([True, False, True]), "axis": 1})
        for note, array in layouts(normal(2, 3)).items():
            yield Case(function, (array,), {"axis": 0}, note=note)
    yield Case(np.sum, (normal(0),))
    yield Case(np.sum, (normal(),), {"axis": -1})
    yield Case(np.sum, (normal(2, 0, 3),), {"axis": 1})
    yield Case(np.sum, (normal(3),), {"initial": 2.0})
    yield Case(np.mean, (normal(2, 0, 3),), {"axis": 2})
    yield from rearranging()


def rearranging():
    for shape, new in [((2, 3), (6,)), ((6,), (2, -1)), ((), (1, 1)), ((0, 2), (0,)), ((2, 3), -1)]:
        yield Case(np.reshape, (normal(*shape),), call=lambda x, new=new: np.reshape(x, new))
    yield Case(np.reshape, (normal(2, 3),), call=lambda x: np.reshape(x, (3, 2), order="F"))
    for note, array in layouts(normal(2, 3)).items():
        yield Case(np.reshape, (array,), call=lambda x: np.reshape(x, (3, 2)), note=note)
    for axes in [None, (0, 2, 1), (2, 0, 1), (-1, 0, 1)]:
        yield Case(np.transpose, (normal(2, 3, 4),), {"axes": axes})
    yield Case(np.transpose, (normal(2, 0),))
    yield Case(np.transpose, (normal(3),))
