"""Cases of the functions that join arrays and split them."""

import warnings

import numpy as np

from cases import Case, complex_normal, layouts, normal


def joined(function, operands, options=None, note=""):
    """A case of a function that takes its operands as one list."""
    return Case(
        function,
        operands,
        options or {},
        call=lambda *arrays, **options: function(list(arrays), **options),
        note=note,
    )


def cases():
    a, b, c = normal(2, 3, seed=1), normal(1, 3, seed=2), normal(2, 1, seed=3)
    for axis in (0, -2, None):
        yield joined(np.concatenate, (a, b), {"axis": axis})
    yield joined(np.concatenate, (a, c), {"axis": -1})
    yield joined(np.concatenate, (a,), {"axis": 1})
    yield joined(np.concatenate, (normal(3), normal(0), normal(2, seed=1)))
    yield joined(np.concatenate, (complex_normal(2), normal(2)))
    yield joined(np.concatenate, (a, b), {"dtype": np.float64})
    for note, array in layouts(a).items():
        yield joined(np.concatenate, (array, b), note=note)
    constant = np.array([1.0, 2.0])
    yield Case(
        np.concatenate,
        (normal(2),),
        call=lambda x: np.concatenate((constant, x, [3.0], x)),
        note="constants, twice",
    )
    yield Case(np.concatenate, (normal(2, 3),), call=np.concatenate, note="an array of rows")
    yield Case(np.concatenate, (normal(2, 2, 2),), {"axis": 1}, call=np.concatenate, note="planes")
    for axis in (0, 1, -1):
        yield joined(np.stack, (a, normal(2, 3, seed=4)), {"axis": axis})
    yield joined(np.stack, (normal(), normal(seed=1)))
    yield joined(np.stack, (normal(0),), {"axis": 1})
    yield joined(np.stack, (complex_normal(2), normal(2)))
    yield Case(
        np.stack,
        (normal(2),),
        call=lambda x: np.stack(arrays=[x, constant, x], axis=1),
        note="twice",
    )
    yield Case(np.stack, (normal(),), call=lambda x: np.stack([x, 2.0, x * x]), note="numbers")
    yield Case(np.stack, (normal(2, 3),), {"axis": 1}, call=np.stack, note="an array of rows")
    yield from stacked()
    yield from inserted()
    yield from split()


def stacked():
    for function in (np.hstack, np.vstack, np.dstack, np.column_stack):
        yield joined(function, (normal(3), normal(3, seed=1)))
        yield joined(function, (normal(2, 2), normal(2, 2, seed=1)))
        yield joined(function, (normal(1, 2, 1), normal(1, 2, 1, seed=1)))
        yield Case(function, (normal(2, 3),), call=function, note="an array of rows")
        yield Case(function, (normal(2),), call=lambda x, f=function: f((x, [1.0, 2.0], x)))
    for function in (np.hstack, np.vstack, np.dstack):
        yield joined(function, (normal(), normal(seed=1)))
    for function in (np.hstack, np.vstack):
        yield joined(function, (normal(3), normal(3, seed=1)), {"dtype": "complex128"})
    if hasattr(np, "row_stack"):
        a, b = normal(2, 2), normal(2, seed=1)
        yield Case(np.row_stack, (a, b), call=row_stack)
    a, b, c, d = normal(2, 2), normal(2, 1, seed=1), normal(1, 2, seed=2), normal(seed=3)
    yield Case(np.block, (a, b, c, d), call=lambda a, b, c, d: np.block([[a, b], [c, d]]))
    yield Case(np.block, (normal(2), d), call=lambda x, d: np.block([x, d, x, 1.0]))
    yield Case(np.block, (normal(2), d), call=lambda x, d: np.block([[x], [d, 1.0]]), note="rows")
    yield Case(np.block, (a,), call=lambda x: np.block(x), note="no list")
    yield Case(np.block, (d,), call=lambda x: np.block([[[x, 2.0]], [[1.0, x]]]), note="deep")


def row_stack(*arrays):
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        return np.row_stack(arrays)


def inserted():
    yield Case(np.append, (normal(2, 2), normal(3)))
    yield Case(np.append, (normal(2, 2), normal()))
    yield Case(np.append, (normal(2, 2), normal(1, 2)), {"axis": 0})
    yield Case(np.append, (normal(2), complex_normal(2)), {"axis": -1})
    yield Case(np.append, (normal(2),), call=lambda x: np.append([1.0, 2.0], x))
    for obj, axis, shape in [
        (1, None, ()),
        ([1, 1, 4], None, (3,)),
        ([1, 1, 4], None, ()),
        (1, 1, (2,)),
        (0, 0, (3,)),
        (-1, 1, (2,)),
        ([0, 2], 1, (2, 2)),
        (slice(0, 2), -1, (2, 2)),
        (np.array([True, False]), 0, (3,)),
    ]:
        yield Case(
            np.insert,
            (normal(2, 3), normal(*shape, seed=1)),
            call=lambda x, v, obj=obj, axis=axis: np.insert(x, obj, v, axis),
            note=f"{obj},{axis}",
        )
    yield Case(np.insert, (normal(3),), call=lambda x: np.insert(x, 1, 7), note="number")
    yield Case(np.insert, (normal(),), call=lambda x: np.insert(np.zeros(2), 1, x), note="into")


def split():
    for function in (np.array_split, np.split):
        for where in (3, [1], [2, 1, 5], [-1], []):
            for axis in (0, 1, -1):
                if where == 3 and axis == 0 and function is np.split:
                    continue
                yield Case(
                    function,
                    (normal(2, 3),),
                    call=lambda x, f=function, w=where, a=axis: weighted(f(x, w, a)),
                    note=f"{where},{axis}",
                )
    yield Case(np.array_split, (normal(4),), call=lambda x: weighted(np.array_split(x, 3)))
    for function in (np.hsplit, np.vsplit, np.dsplit):
        yield Case(function, (normal(2, 2, 2),), call=lambda x, f=function: weighted(f(x, 2)))
    yield Case(np.hsplit, (normal(4),), call=lambda x: weighted(np.hsplit(x, [1])))
    yield Case(np.split, (normal(4),), call=lambda x: np.split(x, 2)[1])
    if hasattr(np, "unstack"):
        for axis in (0, -1):
            yield Case(
                np.unstack,
                (normal(3, 2),),
                call=lambda x, a=axis: weighted(np.unstack(x, axis=a)),
                note=str(axis),
            )


def weighted(pieces):
    """One number that each of the pieces has a different part in."""
    return sum(np.sum(piece * piece) * (i + 1) for i, piece in enumerate(pieces))
