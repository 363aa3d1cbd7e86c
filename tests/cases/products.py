"""Cases of products of vectors and matrices."""

import warnings

import numpy as np

from autograd_lite.rules import einsum, products
from cases import Case, complex_normal, layouts, normal

MATMUL = [
    ((3,), (3,)),
    ((2, 3), (3, 2)),
    ((2, 3), (3, 4)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 1, 2, 3), (4, 3, 2)),
    ((3,), (5, 3, 4)),
    ((5, 2, 3), (3,)),
    ((2, 0), (0, 3)),
    ((0, 2), (2, 3)),
]
DOT = [
    ((), ()),
    ((), (2, 3)),
    ((3,), ()),
    ((3,), (3,)),
    ((2, 3), (3, 4)),
    ((2, 3), (3,)),
    ((3,), (3, 2)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((2, 2, 3), (2, 3, 2)),
    ((3,), (2, 3, 2)),
    ((2, 2, 3), (3,)),
    ((2, 0), (0, 3)),
    ((0, 2), (2, 3)),
    ((2, 0), (2, 0, 3)),
]
INNER = [
    ((), ()),
    ((), (2, 3)),
    ((3,), ()),
    ((3,), (3,)),
    ((2, 3), (2, 3)),
    ((4, 3), (2, 3)),
    ((2, 3), (3,)),
    ((3,), (2, 4, 3)),
    ((2, 1, 3), (4, 3)),
    ((2, 0), (3, 0)),
]
TENSORDOT = [
    ((2, 3), (2, 3), 2),
    ((2, 3), (3, 2), 1),
    ((2,), (3,), 0),
    ((2, 3, 4), (3, 4, 2), 2),
    ((2, 3, 4), (4, 2, 3), ([1, 2], [2, 0])),
    ((2, 3, 4), (4, 2, 3), ([2, 1, 0], [0, 2, 1])),
    ((2, 3), (4, 2), (0, 1)),
    ((2, 3), (4, 2), (-2, -1)),
    ((2, 3), (4, 2), ((0,), [1])),
    ((2, 3), (2,), ([], [])),
    ((2, 0), (0, 3), 1),
    ((), (2, 3), 0),
]
KRON = [
    ((2,), (3,)),
    ((2, 2), (2, 3)),
    ((2, 3), (2,)),
    ((3,), (2, 2)),
    ((2, 1, 2), (2, 3)),
    ((), (2, 2)),
    ((2, 0), (1, 2)),
]
EINSUM = [
    ("ij,jk->ik", (2, 3), (3, 2)),
    ("ij,jk", (2, 3), (3, 4)),
    ("ba", (2, 3)),
    ("ij->", (2, 3)),
    ("ij->j", (2, 3)),
    ("ii", (3, 3)),
    ("ii->i", (3, 3)),
    ("iii->i", (2, 2, 2)),
    ("iij->ij", (2, 2, 3)),
    ("ijij->j", (2, 2, 2, 2)),
    ("ii,i->i", (2, 2), (2,)),
    ("i,i", (3,), (3,)),
    ("i,j->ij", (2,), (3,)),
    ("i,j->", (2,), (3,)),
    ("ij,k->k", (2, 2), (3,)),
    (",->", (), ()),
    (",ij->ji", (), (2, 3)),
    ("...j,...j->...", (4, 1, 3), (2, 3)),
    ("...ij,jk", (2, 2, 3), (3, 2)),
    ("i...,i...", (3, 2), (3, 2)),
    ("i...->...", (2, 3, 2)),
    ("... , ...", (2, 1), (3,)),
    ("ij...,...k->ik...", (2, 3, 4), (4, 2)),
    ("ij,jk,kl->il", (2, 2), (2, 2), (2, 2)),
    ("ij,jk,kl,li->", (2, 3), (3, 2), (2, 4), (4, 2)),
    ("ij,ij,ij->i", (2, 2), (2, 2), (2, 2)),
    ("i,i->i", (1,), (3,)),
    ("ij,jk->ik", (2, 0), (0, 3)),
]


def pairs(function, shapes, draw=normal):
    for left, right in shapes:
        yield Case(function, (draw(*left, seed=1), draw(*right, seed=2)))


def cases():
    yield from pairs(np.matmul, MATMUL)
    yield from pairs(np.dot, DOT)
    yield from pairs(np.inner, INNER)
    yield from pairs(np.kron, KRON)
    yield from pairs(
        np.vdot, [((3,), (3,)), ((), ()), ((2, 3), (2, 3)), ((2, 3), (6,)), ((0,),) * 2]
    )
    yield from pairs(
        np.outer, [((2,), (3,)), ((), (3,)), ((2, 2), (3,)), ((2, 2), (2, 1)), ((0,), (2,))]
    )
    for function in (np.matmul, np.dot):
        for note, array in layouts(normal(3, 4)).items():
            yield Case(function, (normal(2, 3, seed=1), array), note=note)
            yield Case(function, (array.T, normal(3, 2, seed=1)), note=f"{note} left")
    for left, right, axes in TENSORDOT:
        operands = (normal(*left, seed=1), normal(*right, seed=2))
        yield Case(np.tensordot, operands, {"axes": axes})
    yield from ufuncs()
    yield from cross()
    yield from cross_in_the_plane()
    yield from traces()
    yield from einstein()
    yield from complex_products()
    yield from constants()
    yield from array_api()
    yield from behind()


def ufuncs():
    vectors = [((3,), (3,)), ((2, 3), (3,)), ((2, 1, 3), (4, 3)), ((0,), (0,)), ((2, 2), (2, 2))]
    for left, right in vectors:
        operands = (normal(*left, seed=1), normal(*right, seed=2))
        yield Case(np.vecdot, operands)
        yield Case(np.vecdot, operands, {"keepdims": True})
    one, two = normal(3, 2, seed=1), normal(3, 2, seed=2)
    yield Case(np.vecdot, (one, two), {"axis": 0})
    yield Case(np.vecdot, (one, two), {"axis": 0, "keepdims": True})
    yield Case(np.vecdot, (one, two.T.copy()), {"axes": [0, 1]})
    yield Case(np.vecdot, (one, two.T.copy()), {"axes": [0, 1, ()]})
    for left, right in [((2, 3), (3,)), ((4, 2, 3), (3,)), ((2, 3), (4, 3)), ((2, 0), (0,))]:
        matrix, vector = normal(*left, seed=1), normal(*right, seed=2)
        yield Case(np.matvec, (matrix, vector))
        flipped = np.swapaxes(matrix, -1, -2).copy()
        yield Case(np.vecmat, (vector, flipped))
    for function in (np.matmul, np.vecdot, np.matvec, np.vecmat):
        yield Case(function, (normal(2, 2, seed=1), normal(2, 2, seed=2)), {"dtype": np.complex128})
    matrix, vector = normal(3, 2, seed=1), normal(3, 4, seed=2)
    yield Case(np.matvec, (matrix, vector), {"axes": [(1, 0), 0, -1]})
    yield Case(np.vecmat, (vector, matrix), {"axes": [0, (0, 1), 0]})
    axes = [(0, 1), (1, 2), (2, 0)]
    yield Case(np.matmul, (normal(2, 3, 4, seed=1), normal(4, 3, 2, seed=2)), {"axes": axes})
    axes = [(1, 0), (-2, -1), (0, 1)]
    yield Case(np.matmul, (normal(3, 2, seed=1), normal(3, 2, seed=2)), {"axes": axes})
    axes = [(0,), (1, 0), (0,)]
    yield Case(np.matmul, (normal(3, seed=1), normal(2, 3, seed=2)), {"axes": axes})
    axes = [(1, 0), (0,), (0,)]
    yield Case(np.matmul, (normal(3, 2, seed=1), normal(3, seed=2)), {"axes": axes})


def cross():
    for left, right in [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (2, 1, 3)),
        ((4, 3), (2, 1, 3)),
        ((0, 3), (3,)),
    ]:
        yield Case(np.cross, (normal(*left, seed=1), normal(*right, seed=2)))
    across = (normal(3, 2, seed=1), normal(3, 2, seed=2))
    yield Case(np.cross, across, {"axis": 0})
    yield Case(np.cross, across, {"axisa": 0, "axisb": 0, "axisc": 0})
    yield Case(np.cross, (normal(3, 2, seed=1), normal(2, 3, seed=2)), {"axisa": 0})
    yield Case(
        np.cross,
        (normal(2, 3, 4, seed=1), normal(3, 2, 4, seed=2)),
        {"axisa": 1, "axisb": 0, "axisc": 1},
    )
    yield Case(np.cross, (complex_normal(3, seed=1), complex_normal(2, 3, seed=2)))


def cross_in_the_plane():
    """Vectors of 2 elements, which NumPy takes until version 2.5."""
    try:
        flat_cross(np.ones(2), np.ones(2))
    except ValueError:
        return
    for left, right in [
        ((2,), (2,)),
        ((2,), (3,)),
        ((3,), (2,)),
        ((4, 2), (2,)),
        ((2, 2), (3,)),
        ((2,), (4, 2)),
    ]:
        yield Case(np.cross, (normal(*left, seed=1), normal(*right, seed=2)), call=flat_cross)
    operands = (normal(2, 4, seed=1), normal(4, 2, seed=2))
    yield Case(np.cross, operands, {"axisa": 0}, call=flat_cross)


def flat_cross(a, b, **options):
    """The cross product of vectors of 2 elements, which NumPy warns of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return np.cross(a, b, **options)


def traces():
    yield Case(np.trace, (normal(3, 3),))
    for offset in (-1, 1, 5):
        yield Case(np.trace, (normal(3, 4),), {"offset": offset})
    yield Case(np.trace, (normal(2, 3, 2),), {"axis1": -1, "axis2": 0})
    yield Case(np.trace, (normal(2, 3, 3, 2),), {"axis1": 2, "axis2": 1, "offset": 1})
    yield Case(np.trace, (complex_normal(2, 2),))
    yield Case(np.trace, (normal(0, 3),))


def einstein():
    for subscripts, *shapes in EINSUM:
        operands = tuple(normal(*shape, seed=i) for i, shape in enumerate(shapes))
        for optimize in (False, True, "optimal"):
            yield Case(
                np.einsum,
                operands,
                {"optimize": optimize},
                call=lambda *x, s=subscripts, **options: np.einsum(s, *x, **options),
                note=subscripts,
            )
    a, b = normal(2, 3, seed=1), normal(3, 2, seed=2)
    lists = {
        "lists": lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [0, 2]),
        "implicit lists": lambda a, b: np.einsum(a, [3, 1], b, [1, 2]),
        "lists with ellipsis": lambda a, b: np.einsum(a, [..., 1], b, [1, 2], [..., 2]),
        "path": lambda a, b: np.einsum("ij,jk", a, b, optimize=["einsum_path", (0, 1)]),
    }
    for note, call in lists.items():
        yield Case(np.einsum, (a, b), call=call, note=note)
    z, w = complex_normal(2, 2, seed=1), complex_normal(2, seed=2)
    yield Case(np.einsum, (z, w), call=lambda z, w: np.einsum("ij,j", z, w), note="ij,j")
    yield Case(np.einsum, (a[:, :2], w), call=lambda a, w: np.einsum("ii,i", a, w), note="mixed")


def complex_products():
    vector, other = complex_normal(3, seed=1), complex_normal(3, seed=2)
    matrix = complex_normal(2, 3, seed=3)
    for function in (np.dot, np.vdot, np.inner, np.outer, np.matmul, np.kron):
        yield Case(function, (vector, other))
        yield Case(function, (normal(3), other), note="real and complex")
        yield Case(function, (vector, normal(3)), note="complex and real")
    for function in (np.dot, np.inner, np.matmul):
        right = complex_normal(4, 3, seed=4)
        yield Case(function, (matrix, right if function is np.inner else right.T))
    yield Case(np.tensordot, (matrix, vector), {"axes": 1})
    yield Case(np.vecdot, (matrix, vector))
    yield Case(np.vecdot, (normal(3), vector))
    yield Case(np.vecdot, (vector, normal(3)))
    yield Case(np.matvec, (matrix, vector))
    yield Case(np.vecmat, (vector, matrix.T))
    yield Case(np.vecmat, (vector, normal(3, 2)))


def constants():
    """One operand is a list, as people write it; operands by keyword."""
    one = {
        np.dot: lambda x: np.dot([1.0, 2.0, 3.0], x),
        np.matmul: lambda x: x @ [[1.0, 2.0], [3.0, 4.0], [0.5, 0.1]],
        np.inner: lambda x: np.inner(x, [1.0, 2.0, 3.0]),
        np.outer: lambda x: np.outer([1.0, 2.0], x),
        np.vdot: lambda x: np.vdot([1.0, 2.0, 3.0], x),
        np.kron: lambda x: np.kron(x, [1.0, 2.0]),
        np.cross: lambda x: np.cross([1.0, 2.0, 3.0], x),
        np.tensordot: lambda x: np.tensordot(x, [1.0, 2.0, 3.0], 1),
        np.einsum: lambda x: np.einsum("i,i->i", (1.0, 2.0, 3.0), x),
        np.vecdot: lambda x: np.vecdot([1.0, 2.0, 3.0], x),
    }
    for function, call in one.items():
        single = function in (np.matmul, np.kron)
        note = "constant"
        yield Case(function, (normal(3),), call=call, note=note)
        if not single:
            continue
        yield Case(function, (normal(2, 3),), call=call, note=note)
    yield Case(np.kron, (normal(2),), call=lambda x: np.kron(b=x, a=x), note="keywords")
    yield Case(np.outer, (normal(2),), call=lambda x: np.outer(x, b=x), note="keywords")
    yield Case(
        np.tensordot,
        (normal(2, 2),),
        call=lambda x: np.tensordot(a=x, b=x, axes=1),
        note="keywords",
    )
    yield Case(np.trace, (normal(2, 3),), call=lambda x: np.trace(x, 1, 0, 1), note="positional")


def array_api():
    """The same products under np.linalg."""
    one, two = normal(2, 3, seed=1), normal(2, 3, seed=2)
    vector = normal(3, seed=3)
    yield Case(np.linalg.matmul, (one, two.T))
    yield Case(np.linalg.outer, (vector, normal(2)))
    yield Case(np.linalg.tensordot, (one, two), {"axes": ((0,), (0,))})
    yield Case(np.linalg.tensordot, (one, two))
    yield Case(np.linalg.vecdot, (one, vector))
    yield Case(np.linalg.vecdot, (one, two), {"axis": 0})
    yield Case(np.linalg.cross, (one, two))
    yield Case(np.linalg.cross, (one.T, two.T), {"axis": 0})
    yield Case(np.linalg.trace, (normal(2, 2, 3),), {"offset": 1})
    for offset in (0, 1, -1, -2):
        yield Case(np.linalg.diagonal, (normal(3, 4),), {"offset": offset})
        yield Case(np.linalg.diagonal, (normal(2, 3, 2),), {"offset": offset})
    yield Case(np.linalg.matrix_transpose, (one,))
    yield Case(np.linalg.matrix_transpose, (normal(2, 2, 3),))


def behind():
    """The operations that stand behind NumPy's functions in the graph."""
    a, x = normal(3, 3, seed=1), normal(3, seed=2)
    yield Case(products.vecdot, (a, x))
    yield Case(products.matvec, (a, x))
    yield Case(products.vecmat, (x, a))
    yield Case(einsum.einsum, (a, x), call=lambda a, x: np.einsum("ij,j", a, x))
