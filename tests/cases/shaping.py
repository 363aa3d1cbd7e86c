"""Cases of the functions that rearrange an array."""

import numpy as np

from cases import Case, complex_normal, layouts, normal


def cases():
    yield from axes_moved()
    yield from shapes_changed()
    yield from turned_and_repeated()
    yield from diagonals()
    yield from dimensions_added()
    yield from elements_left_out()
    yield from padded()
    yield from filled()
    for function in (np.swapaxes, np.moveaxis):
        for note, array in layouts(normal(2, 3)).items():
            yield Case(function, (array,), call=lambda x, f=function: f(x, 0, 1), note=note)


def axes_moved():
    for axes in [(0, 1), (-1, 0), (1, 1)]:
        yield Case(
            np.swapaxes, (normal(2, 3, 2),), dict(zip(("axis1", "axis2"), axes, strict=True))
        )
    for source, destination in [(0, -1), (2, 0), ((0, 1), (-1, 0)), ([0, 2], [1, 0])]:
        options = {"source": source, "destination": destination}
        yield Case(np.moveaxis, (normal(2, 3, 2),), options)
    yield Case(np.moveaxis, (normal(2, 3, 2),), call=lambda x: np.moveaxis(x, [0, 1], [1, 2]))
    for axis, start in [(2, 0), (0, 3), (-1, 1), (0, 0), (1, 2)]:
        yield Case(np.rollaxis, (normal(2, 3, 2),), {"axis": axis, "start": start})
    yield Case(np.rollaxis, (normal(2, 3),), call=lambda x: np.rollaxis(x, 1))
    for function in (np.matrix_transpose, np.linalg.matrix_transpose):
        yield Case(function, (normal(2, 3),))
        yield Case(function, (normal(2, 1, 3),))
        yield Case(function, (normal(0, 3),))


def shapes_changed():
    for axis in [0, -1, 1, (0, 2), (0, -1)]:
        yield Case(np.expand_dims, (normal(2, 3),), {"axis": axis})
    yield Case(np.expand_dims, (normal(),), {"axis": 0})
    yield Case(np.expand_dims, (normal(3),), call=lambda x: np.expand_dims(x, [0, 2]))
    for axis in [None, 0, -1, (0, 2)]:
        yield Case(np.squeeze, (normal(1, 3, 1),), {"axis": axis})
    yield Case(np.squeeze, (normal(1, 1),))
    yield Case(np.squeeze, (normal(),))
    yield Case(np.squeeze, (normal(1, 0),))
    for order in "CF":
        yield Case(np.ravel, (normal(2, 3),), {"order": order})
        for note, array in layouts(normal(2, 3)).items():
            yield Case(np.ravel, (array,), {"order": order}, note=note)
    for shape in [(), (0, 2), (2, 1, 3)]:
        yield Case(np.ravel, (normal(*shape),))
    for shape, new in [((3,), (2, 3)), ((2, 1), (4, 2, 3)), ((), (2, 2)), ((3,), (0, 3)), ((), ())]:
        yield Case(np.broadcast_to, (normal(*shape),), {"shape": new})
    yield Case(np.broadcast_to, (normal(1),), {"shape": 4})
    for shape in [(2, 3), (), (0,)]:
        yield Case(np.copy, (normal(*shape),))
    yield Case(np.copy, (normal(2, 3).T,), {"order": "F"})


def turned_and_repeated():
    for axis in [None, 0, -1, (0, 2)]:
        yield Case(np.flip, (normal(2, 3, 2),), {"axis": axis})
    yield Case(np.flip, (normal(),))
    yield Case(np.flip, (normal(0, 2),), {"axis": 0})
    yield Case(np.flip, (complex_normal(2, 3),), {"axis": 1})
    for function in (np.fliplr, np.flipud):
        yield Case(function, (normal(2, 3),))
    yield Case(np.flipud, (normal(3),))
    for k in (0, 1, 2, 3, -1, 5):
        yield Case(np.rot90, (normal(2, 3),), {"k": k})
    yield Case(np.rot90, (normal(2, 3, 2),), {"axes": (2, 0)})
    yield Case(np.rot90, (normal(2, 3, 2),), {"k": -1, "axes": (-1, 1)})
    for shift, axis in [(1, None), (-2, 0), (5, -1), ((1, -2), (0, 1)), (1, (0, 1)), ((1, 1), 1)]:
        yield Case(np.roll, (normal(2, 3),), {"shift": shift, "axis": axis})
    yield Case(np.roll, (normal(2, 3),), {"shift": np.array([1, 2]), "axis": (0, 1)})
    yield Case(np.roll, (normal(2, 3),), call=lambda x: np.roll(x, [1, 2], [0, 1]))
    yield Case(np.roll, (normal(0),), {"shift": 1})
    yield Case(np.roll, (normal(),), {"shift": 1})
    for repeats, axis in [
        (2, None),
        (2, 0),
        (3, -1),
        (0, 1),
        ([2], 1),
        ([1, 0, 2], 1),
        ([2, 1], 0),
    ]:
        yield Case(np.repeat, (normal(2, 3),), {"repeats": repeats, "axis": axis})
    yield Case(np.repeat, (normal(3),), {"repeats": np.array([1, 2, 3])})
    yield Case(np.repeat, (normal(3),), call=lambda x: np.repeat(x, [1, 2, 3]), note="list")
    yield Case(np.repeat, (normal(),), {"repeats": 3})
    yield Case(np.repeat, (normal(2, 2),), {"repeats": [1, 2, 0, 3]})
    yield Case(np.repeat, (normal(0, 2),), {"repeats": 2, "axis": 0})
    for reps in [2, (2, 1), (1, 3), (2, 1, 2), (0, 2), (), [2, 2]]:
        yield Case(np.tile, (normal(2, 3),), {"reps": reps})
    yield Case(np.tile, (normal(),), {"reps": (2, 2)})
    yield Case(np.tile, (normal(2, 3),), call=lambda x: np.tile(x, [2, 2]), note="list")
    yield Case(np.tile, (normal(3),), {"reps": np.array([2, 2])})


def diagonals():
    for offset in (0, 1, -1, 2, -5):
        yield Case(np.diagonal, (normal(2, 3),), {"offset": offset})
        yield Case(np.diag, (normal(2, 3),), {"k": offset})
    for axes in [(0, 2), (2, 1), (-1, 0)]:
        yield Case(
            np.diagonal, (normal(2, 3, 2),), {"offset": 1, "axis1": axes[0], "axis2": axes[1]}
        )
    for note, array in layouts(normal(3, 3)).items():
        yield Case(np.diagonal, (array,), note=note)
    for k in (0, 1, -2):
        yield Case(np.diag, (normal(3),), {"k": k})
        yield Case(np.diagflat, (normal(2, 2),), {"k": k})
        yield Case(np.linalg.diagonal, (normal(2, 2, 3),), {"offset": k})
        for function in (np.tril, np.triu):
            yield Case(function, (normal(2, 3),), {"k": k})
            yield Case(function, (normal(2, 2, 2),), {"k": k})
            yield Case(function, (normal(3),), {"k": k})
    yield Case(np.diagflat, (normal(),))
    yield Case(np.diag, (normal(0),))
    yield Case(np.tril, (normal(0, 3),))
    yield Case(np.tril, (complex_normal(2, 2),))


def dimensions_added():
    for function in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
        for shape in [(), (3,), (2, 3), (2, 1, 2), (0,)]:
            yield Case(function, (normal(*shape),))
        yield Case(
            function, (normal(3), normal()), call=lambda x, y, f=function: f(x, y)[1] * f(x, y)[0]
        )
        yield Case(function, (normal(3),), call=lambda x, f=function: f(x, 2.0)[0], note="number")
    yield Case(
        np.broadcast_arrays,
        (normal(3), normal(2, 1)),
        call=lambda x, y: np.multiply(*np.broadcast_arrays(x, y, 1.0)[:2]),
    )
    for options in [{}, {"indexing": "ij"}, {"sparse": True}, {"copy": False}]:
        yield Case(
            np.meshgrid,
            (normal(3), normal(2), normal()),
            options,
            call=lambda x, y, z, **o: np.add(*np.meshgrid(x, y, z, **o)[:2]) * z,
        )
    yield Case(np.meshgrid, (normal(3),), call=lambda x: np.meshgrid(x, np.arange(2))[0])
    for options in [{}, {"N": 2}, {"N": 5, "increasing": True}, {"N": 1}, {"N": 0}]:
        yield Case(np.vander, (normal(3),), options)
    yield Case(np.vander, (complex_normal(2),), {"N": 3})


def elements_left_out():
    for obj, axis in [(1, None), ([0, -1], 1), (slice(None, None, 2), 1), (-1, 0), ([], 0)]:
        yield Case(np.delete, (normal(2, 3),), {"obj": obj, "axis": axis})
    yield Case(np.delete, (normal(4),), {"obj": np.array([True, False, True, False])})
    for shape in [(3, 3), 4, (2,), (0,), (2, 0), (3, 1, 4)]:
        yield Case(np.resize, (normal(2, 3),), {"new_shape": shape})
    yield Case(np.resize, (normal(),), {"new_shape": 2})
    yield Case(np.resize, (normal(0),), {"new_shape": (2, 2)})
    zeros = np.array([0, 0, 1.5, 0, -2, 0])
    for trim in ("fb", "f", "B"):
        yield Case(
            np.trim_zeros, (zeros,), {"trim": trim}, call=kept_in_place(np.trim_zeros, zeros)
        )
    matrix = np.pad(normal(2, 2), ((1, 0), (1, 2)))
    kept = kept_in_place(np.trim_zeros, matrix)
    for axis in (None, 0, -1):
        yield Case(np.trim_zeros, (matrix,), {"axis": axis}, kept)
    for axis in ((0, 1), ()):
        yield Case(np.trim_zeros, (matrix,), {"axis": axis}, kept, since="2.4.0")
    yield Case(np.trim_zeros, (normal(0),))
    windows = np.lib.stride_tricks.sliding_window_view
    yield Case(windows, (normal(4),), {"window_shape": 2})
    yield Case(windows, (normal(3, 4),), {"window_shape": (2, 3)})
    yield Case(windows, (normal(3, 4),), {"window_shape": 2, "axis": -1})


def kept_in_place(function, zeros):
    """Zeros stay zeros when they are moved a little, so that as many are trimmed as before."""
    return lambda x, **options: function(x * (zeros != 0), **options) * 2


MODES = [
    {"mode": "constant"},
    {"mode": "constant", "constant_values": 2.5},
    {"mode": "constant", "constant_values": ((1, 2), (3.5, 4))},
    {"mode": "edge"},
    {"mode": "linear_ramp"},
    {"mode": "linear_ramp", "end_values": (1.5, -2)},
    {"mode": "maximum"},
    {"mode": "maximum", "stat_length": 2},
    {"mode": "minimum", "stat_length": ((1, 2), (3, 9))},
    {"mode": "mean"},
    {"mode": "mean", "stat_length": (2, 1)},
    {"mode": "median"},
    {"mode": "median", "stat_length": 2},
    {"mode": "reflect"},
    {"mode": "reflect", "reflect_type": "odd"},
    {"mode": "symmetric"},
    {"mode": "symmetric", "reflect_type": "odd"},
    {"mode": "wrap"},
]


def padded():
    for options in MODES:
        for width in [1, ((1, 1), (0, 2))]:
            yield Case(np.pad, (normal(2, 3),), {"pad_width": width, **options})
    for options in MODES[:2] + MODES[3:]:
        if np.ndim(options.get("stat_length", 0)) < 2:
            yield Case(np.pad, (normal(3),), {"pad_width": (2, 0), **options})
    for mode, kind in [("reflect", "even"), ("symmetric", "even"), ("reflect", "odd")]:
        options = {"mode": mode, "reflect_type": kind}
        yield Case(np.pad, (normal(3),), {"pad_width": (4, 7), **options})
        yield Case(np.pad, (normal(1),), {"pad_width": 2, **options})
    yield Case(np.pad, (normal(3),), {"pad_width": (7, 4), "mode": "wrap"})
    yield Case(np.pad, (normal(2, 2),), {"pad_width": {-1: (1, 2), 0: 1}}, since="2.4.0")
    yield Case(np.pad, (normal(0, 2),), {"pad_width": 1})
    yield Case(np.pad, (normal(),), {"pad_width": 1})
    yield Case(np.pad, (normal(3, 2).T,), {"pad_width": ((1,), (2,)), "mode": "edge"})
    yield Case(np.pad, (complex_normal(2),), {"pad_width": 2, "mode": "reflect"})
    yield Case(
        np.pad,
        (normal(2, 2), normal(), normal(seed=1)),
        call=lambda x, a, b: np.pad(x * a * b, 1, constant_values=(a, b)),
        note="values",
    )
    yield Case(
        np.pad,
        (normal(3), normal()),
        call=lambda x, a: np.pad(x * a, 2, "linear_ramp", end_values=a),
        note="end",
    )


def filled():
    yield Case(np.full_like, (normal(3, 2),), call=lambda x: np.full_like(x, x[0] * x[1]))
    yield Case(np.full_like, (normal(),), call=lambda x: np.full_like(x, x * 2, shape=(2, 2)))
    yield Case(np.astype, (normal(2),), call=lambda x: np.astype(x, np.complex128))
