"""Cases of indexing and of the functions that select, sort and place elements."""

import numpy as np

from autograd_lite.rules.indexing import getitem, put_back
from autograd_lite.rules.masks import gated
from cases import Case, complex_normal, normal, positive

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
    yield from taken()
    yield from selected()
    yield from piecewise()


def taken():
    repeated = np.array([[0, 2], [-1, 2]])
    for axis in (None, 0, 1, -1):
        yield Case(np.take, (normal(3, 3),), {"indices": repeated, "axis": axis})
        yield Case(np.take, (normal(3, 3),), {"indices": 1, "axis": axis})
    for mode in ("wrap", "clip"):
        yield Case(np.take, (normal(2, 3),), {"indices": [-4, 5, 1], "axis": 1, "mode": mode})
    yield Case(np.take, (normal(),), {"indices": [0, 0]})
    yield Case(np.take, (normal(3),), {"indices": np.array([], dtype=int)})
    yield Case(np.take, (normal(3),), {"indices": [True, False]})
    columns = np.array([[0, 2, 2], [1, 1, 0]])
    yield Case(np.take_along_axis, (normal(2, 3),), {"indices": columns, "axis": 1})
    yield Case(np.take_along_axis, (normal(2, 3),), {"indices": columns - 2}, since="2.3.0")
    yield Case(np.take_along_axis, (normal(2, 3),), {"indices": columns[:, :1] % 2, "axis": 0})
    yield Case(np.take_along_axis, (normal(2, 1),), {"indices": columns % 2, "axis": 0})
    yield Case(np.take_along_axis, (normal(2, 3),), {"indices": np.array([5, 0, 5]), "axis": None})
    for condition, axis in [([True, False], 0), ([0, 1, 1], 1), ([False] * 3 + [True], None)]:
        yield Case(
            np.compress,
            (normal(2, 3),),
            call=lambda x, c=condition, a=axis: np.compress(c, x, a),
            note=f"{axis}",
        )
    yield Case(np.extract, (normal(2, 3),), call=lambda x: np.extract(columns > 0, x))
    yield Case(np.extract, (normal(3),), call=lambda x: np.extract(x > 9, x), note="nothing")


def selected():
    which = np.array([[0, 2, 1], [1, 0, 0]])
    yield Case(
        np.choose,
        (normal(2, 3), normal(3), normal()),
        call=lambda x, y, z: np.choose(which, [x, y, z]),
    )
    yield Case(np.choose, (normal(3, 3),), call=lambda x: np.choose(which[0], x), note="array")
    yield Case(np.choose, (normal(2),), call=lambda x: np.choose([0, 1], (x, 2.0)), note="number")
    yield Case(
        np.choose, (normal(2),), call=lambda x: np.choose(1, choices=[2.0, x]), note="scalar"
    )
    for mode in ("wrap", "clip"):
        yield Case(
            np.choose,
            (normal(3), normal(3, seed=1)),
            call=lambda x, y, m=mode: np.choose([-4, 5, 1], [x, y], mode=m),
            note=mode,
        )
    conditions = [which > 1, which == 1, which > 0]
    yield Case(
        np.select,
        (normal(2, 3), normal(3), normal()),
        call=lambda x, y, z: np.select(conditions, [x * z, y, 1.0], z),
    )
    yield Case(np.select, (normal(2, 3),), call=lambda x: np.select([x > 0], [x * x]), note="own")
    yield Case(
        np.select,
        (complex_normal(3),),
        call=lambda x: np.select(conditions[:2], [2.0, x], default=x * x),
    )


def piecewise():
    x = normal(2, 4)

    def several(x):
        functions = [np.exp, lambda v: v * v, 1.5]
        return np.piecewise(x, [x > 1, x < -1], functions)

    yield Case(np.piecewise, (x,), call=several, note="rest")
    yield Case(np.piecewise, (normal(3),), call=lambda x: np.piecewise(x, x > 0, [np.exp]))
    yield Case(
        np.piecewise,
        (normal(4), normal()),
        call=lambda x, a: np.piecewise(
            x * a, [x > 0, x > 0.5], [lambda v, b: v * b, a, lambda v, b: np.sin(v) / b], a
        ),
        note="overlapping",
    )
    yield Case(
        np.piecewise,
        (positive(),),
        call=lambda x: np.piecewise(x, [x < 0, x >= 0], [np.exp, np.log]),
        note="scalar",
    )
