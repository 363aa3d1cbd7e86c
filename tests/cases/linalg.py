"""Cases of np.linalg: inverses, decompositions, norms. The matrices are well conditioned."""

import numpy as np

from autograd_lite.rules import decompositions, linalg
from cases import Case, complex_normal, normal


def matrix(*shape, draw=normal, seed=0):
    """Matrices with singular values 1, 2, 3, ..."""
    u, s, vh = np.linalg.svd(draw(*shape, seed=seed), full_matrices=False)
    return np.matmul(u * (1.0 + np.arange(s.shape[-1])), vh)


def definite(*shape, draw=normal, seed=0):
    """Positive definite matrices with eigenvalues 1, 2, 3, ..."""
    _, vectors = np.linalg.eigh(hermitian(draw(*shape, seed=seed)))
    values = 1.0 + np.arange(shape[-1])
    return np.matmul(vectors * values, adjoint(vectors))


def diagonalizable(*shape, draw=normal, seed=0):
    """Matrices with eigenvalues 1, 2, 3, ... and vectors that are not orthogonal."""
    n = shape[-1]
    vectors = np.eye(n) + 0.2 * draw(*shape, seed=seed)
    return np.matmul(vectors * (1.0 + np.arange(n)), np.linalg.inv(vectors))


def adjoint(a):
    return np.conjugate(np.transpose(a, (*range(a.ndim - 2), a.ndim - 1, a.ndim - 2)))


def hermitian(a):
    return (a + adjoint(a)) / 2


def both(*shape):
    return matrix(*shape), matrix(*shape, draw=complex_normal)


def cases():
    yield from inverses()
    yield from systems()
    yield from least_squares()
    yield from below_full_rank()
    yield from determinants()
    yield from powers()
    yield from eigenvalues()
    yield from singular_values()
    yield from triangular()
    yield from norms()
    yield from conditions()
    yield from behind()


def inverses():
    for shape in [(2, 2), (3, 3), (2, 3, 3), (2, 1, 2, 2), (0, 0), (0, 2, 2), (1, 1)]:
        for a in both(*shape):
            yield Case(np.linalg.inv, (a,))
    for shape in [(2, 2), (3, 2), (2, 3), (2, 3, 2), (1, 3), (0, 2), (2, 0)]:
        for a in both(*shape):
            yield Case(np.linalg.pinv, (a,))
    yield Case(np.linalg.pinv, (matrix(3, 2),), {"rtol": None})
    yield Case(np.linalg.pinv, (matrix(3, 2),), {"rtol": 1e-10})
    yield Case(np.linalg.pinv, (matrix(2, 3),), {"rcond": 1e-10})
    for a in both(2, 3):
        yield Case(np.linalg.pinv, (a,), {"rcond": 0.7}, note="cut off")
    for draw in (normal, complex_normal):
        u, _, vh = np.linalg.svd(draw(4, 4))
        for values in ((2, 2, 0.05, 0.05), (2, 0.05, 0, 0)):
            a = np.matmul(u * np.array(values), vh)
            yield Case(np.linalg.pinv, (a,), {"rcond": 0.1}, note=f"values {values}")
    limits = np.array([0.7, 1e-8])
    yield Case(np.linalg.pinv, (matrix(2, 3, 2),), {"rtol": limits}, note="both")
    for draw in (normal, complex_normal):
        for shape in [(2, 2), (3, 3), (2, 2, 2)]:
            a = definite(*shape, draw=draw)
            yield Case(np.linalg.pinv, (a,), {"hermitian": True})
        options = {"hermitian": True, "rcond": 0.4}
        yield Case(np.linalg.pinv, (definite(3, 3, draw=draw),), options)
    yield Case(
        np.linalg.pinv,
        (normal(3, seed=1), normal(2, seed=2)),
        call=lambda u, v: np.linalg.pinv(np.outer(u, v)),
        note="of rank 1",
    )
    for shape, ind in [((2, 2, 4), 2), ((4, 2, 2), 1), ((2, 3, 3, 2), 2)]:
        a = matrix(int(np.prod(shape[:ind])), int(np.prod(shape[ind:]))).reshape(shape)
        yield Case(np.linalg.tensorinv, (a,), {"ind": ind})


def systems():
    shapes = [
        ((2, 2), (2,)),
        ((2, 2), (2, 3)),
        ((3, 3), (3,)),
        ((2, 2, 2), (2,)),
        ((2, 2, 2), (2, 2, 1)),
        ((2, 2), (3, 2, 1)),
        ((2, 1, 2, 2), (3, 2, 2)),
        ((0, 0), (0,)),
        ((2, 2), (2, 0)),
    ]
    for left, right in shapes:
        for a, b in zip(both(*left), (normal(*right), complex_normal(*right)), strict=True):
            yield Case(np.linalg.solve, (a, b))
    yield Case(np.linalg.solve, (matrix(2, 2), complex_normal(2)), note="real and complex")
    yield Case(np.linalg.solve, (matrix(2, 2),), call=lambda a: np.linalg.solve(a, [1.0, 2.0]))
    yield Case(np.linalg.solve, (matrix(2, 2),), call=lambda a: np.linalg.solve(b=a, a=a @ a + 1))
    a = matrix(6, 6)
    yield Case(np.linalg.tensorsolve, (a.reshape(2, 3, 6), normal(2, 3)))
    yield Case(np.linalg.tensorsolve, (a.reshape(2, 3, 3, 2), normal(2, 3)))
    yield Case(np.linalg.tensorsolve, (matrix(2, 2), normal(2)))
    turned = np.moveaxis(a.reshape(2, 3, 6), 2, 0).copy()
    yield Case(np.linalg.tensorsolve, (turned, normal(2, 3)), {"axes": (0,)})


def least_squares():
    parts = {
        "solution": lambda a, b: np.linalg.lstsq(a, b)[0],
        "residuals": lambda a, b: np.linalg.lstsq(a, b)[1],
        "values": lambda a, b: np.linalg.lstsq(a, b)[3],
        "product": lambda a, b: np.multiply(*np.linalg.lstsq(a, b, rcond=1e-9)[:2]),
    }
    for note, call in parts.items():
        for a in both(3, 2):
            for shape in [(3,), (3, 2)]:
                b = normal(*shape) if np.isrealobj(a) else complex_normal(*shape)
                yield Case(np.linalg.lstsq, (a, b), call=call, note=note)
    for rows, columns in [(2, 2), (2, 3)]:
        for a in both(rows, columns):
            b = normal(rows) if np.isrealobj(a) else complex_normal(rows)
            yield Case(np.linalg.lstsq, (a, b), call=parts["solution"])
            yield Case(np.linalg.lstsq, (a, b), call=parts["values"], note="values")
    yield Case(
        np.linalg.lstsq, (normal(3),), call=lambda b: np.linalg.lstsq(MATRIX, b)[0], note="b"
    )
    yield Case(np.linalg.lstsq, (matrix(3, 2),), call=lambda a: np.linalg.lstsq(a, [1.0, 2, 3])[0])


def below_full_rank():
    """Least squares where the matrix stays at a rank below the full one, and what is cut off."""

    def solution(u, v, b):
        return np.linalg.lstsq(np.outer(u, v), b)[0]

    for rows, columns in [(3, 2), (2, 2), (2, 3)]:
        for draw in (normal, complex_normal):
            vectors = draw(rows, seed=1), draw(columns, seed=2)
            for shape in [(rows,), (rows, 2)]:
                yield Case(np.linalg.lstsq, (*vectors, draw(*shape)), call=solution, note="rank 1")
    b = normal(3, 1)
    yield Case(
        np.linalg.lstsq,
        (b,),
        call=lambda b: np.linalg.lstsq(np.zeros((3, 2)), b)[0],
        note="rank 0",
    )
    yield Case(
        np.linalg.lstsq,
        (normal(4, 2, seed=1), normal(2, 3, seed=2), normal(4)),
        call=lambda u, v, b: np.linalg.lstsq(np.matmul(u, v), b)[0],
        note="rank 2",
    )
    for a in both(3, 2):
        options = {"rcond": 0.7}
        solve = lambda a, b, rcond: np.linalg.lstsq(a, b, rcond)[0]  # noqa: E731
        yield Case(np.linalg.lstsq, (a, normal(3)), options, solve, "cut off")
        values = lambda a, rcond: np.linalg.lstsq(a, normal(3), rcond)[3]  # noqa: E731
        yield Case(np.linalg.lstsq, (a,), options, values, "cut off, values")


MATRIX = matrix(3, 2, seed=5)


def determinants():
    for shape in [(2, 2), (3, 3), (2, 2, 2), (1, 1), (0, 0), (0, 2, 2), (2, 1, 3, 3)]:
        for a in both(*shape):
            yield Case(np.linalg.det, (a,))
            yield Case(np.linalg.slogdet, (a,), call=lambda a: np.linalg.slogdet(a)[1])
            yield Case(np.linalg.slogdet, (a,), call=sign_and_logarithm, note="both")
    for n in (1, 2, 3, 4):
        for rank in range(n):
            a = np.matmul(normal(n, rank, seed=1), normal(rank, n, seed=2))
            yield Case(np.linalg.det, (np.round(a * 4),), note=f"rank {rank}")
    exact = np.array([[[1.0, 2.0], [2.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]], [[1.0, 2.0], [3.0, 4.0]]])
    yield Case(np.linalg.det, (exact,), note="singular")
    yield Case(np.linalg.det, (np.outer([1, 2], [1, 2 + 1j]),), note="singular")
    yield Case(np.linalg.det, (np.arange(1.0, 10).reshape(3, 3),), note="nearly singular")


def sign_and_logarithm(a):
    sign, logarithm = np.linalg.slogdet(a)
    return sign * logarithm


def powers():
    for n in (0, 1, 2, 3, 5, 6, -1, -2, -3):
        for a in both(2, 2):
            yield Case(np.linalg.matrix_power, (a,), {"n": n})
    yield Case(np.linalg.matrix_power, (matrix(2, 3, 3),), {"n": 4})
    shapes = [
        ((2, 2), (2, 2)),
        ((2, 2), (2, 2), (2, 2)),
        ((3,), (3, 2), (2,)),
        ((3,), (3, 2), (2, 2)),
        ((2, 3), (3, 2), (2,)),
        ((2, 3), (3, 4), (4, 1), (1, 5)),
        ((3,), (3,)),
    ]
    for several in shapes:
        for draw in (normal, complex_normal):
            yield Case(
                np.linalg.multi_dot,
                tuple(draw(*shape, seed=i) for i, shape in enumerate(several)),
                call=lambda *arrays: np.linalg.multi_dot(arrays),
            )
    yield Case(
        np.linalg.multi_dot,
        (normal(2, 2),),
        call=lambda a: np.linalg.multi_dot([a, np.ones((2, 2)), a]),
        note="constant",
    )


def eigenvalues():
    def projectors(a, UPLO="L"):
        """What does not depend on the vectors' phases."""
        values, vectors = np.linalg.eigh(a, UPLO=UPLO)
        absolute = np.real(vectors * np.conjugate(vectors))
        return absolute * np.reshape(values, (*values.shape[:-1], 1, values.shape[-1]))

    def function_of_matrix(a, UPLO="L"):
        values, vectors = np.linalg.eigh(a, UPLO=UPLO)
        middle = np.reshape(np.exp(values / 2), (*values.shape[:-1], 1, values.shape[-1]))
        return np.matmul(vectors * middle, adjoint(vectors))

    for shape in [(2, 2), (3, 3), (2, 2, 2), (1, 1), (0, 0), (0, 2, 2)]:
        for draw in (normal, complex_normal):
            a = definite(*shape, draw=draw)
            for uplo in ("L", "U"):
                options = {"UPLO": uplo}
                yield Case(np.linalg.eigvalsh, (a,), options)
                yield Case(
                    np.linalg.eigh, (a,), options, lambda a, UPLO: np.linalg.eigh(a, UPLO)[0]
                )
                yield Case(np.linalg.eigh, (a,), options, projectors, "projectors")
                yield Case(np.linalg.eigh, (a,), options, function_of_matrix, "function")
        a = definite(*shape)
        yield Case(np.linalg.eigh, (a,), call=lambda a: np.linalg.eigh(a)[1], note="vectors")
        symmetric = lambda a: np.linalg.eigh(hermitian(a)).eigenvectors  # noqa: E731
        yield Case(np.linalg.eigh, (a,), call=symmetric, note="symmetric part")
        for draw in (normal, complex_normal):
            a = diagonalizable(*shape, draw=draw)
            yield Case(np.linalg.eigvals, (a,))
            yield Case(np.linalg.eig, (a,), call=lambda a: np.linalg.eig(a).eigenvalues)
            yield Case(np.linalg.eig, (a,), call=lambda a: np.linalg.eig(a)[1], note="vectors")
    rotation = np.array([[0.5, -1.0], [2.0, 0.3]])
    yield Case(np.linalg.eigvals, (rotation,), note="complex pair")
    yield Case(np.linalg.eig, (rotation,), call=lambda a: np.linalg.eig(a)[1], note="complex pair")
    mixed = np.array([[0.5, -1.0, 0.3], [2.0, 0.3, 0.1], [0.2, 0.4, 3.0]])
    yield Case(np.linalg.eig, (mixed,), call=lambda a: np.linalg.eig(a)[1], note="mixed")
    yield from phases_of_eig()


def phases_of_eig():
    """Vectors two of whose elements are the largest."""

    def vectors(a):
        return np.linalg.eig(a)[1]

    def absolute(a):
        return np.abs(np.linalg.eig(a)[1])

    turn = np.array([[0.5, -1.0], [1.0, 0.5]])
    yield Case(np.linalg.eig, (turn,), call=absolute, note="tie")
    yield Case(np.linalg.eig, (np.stack([turn, turn.T + np.eye(2)]),), call=absolute, note="tie")
    yield Case(np.linalg.eig, (np.array([[0, 1j], [-1j, 0.3]]),), call=absolute, note="near tie")
    basis = np.array([[1, 0.1, 1], [0.2, 0.5, 1], [0.3, 1, 0]])
    values = np.array([[0.5, -1, 0], [2, 0.3, 0], [0, 0, 3]])
    a = basis @ values @ np.linalg.inv(basis)
    yield Case(np.linalg.eig, (a,), call=vectors, note="tie of a real vector")
    batch = np.array([[[0.5, -1.0], [2.0, 0.3]], [[1.0, 2.0], [0.4, 3.0]]])
    yield Case(np.linalg.eig, (batch,), call=vectors, note="complex and real pair")


def singular_values():
    def of_phases(a, **options):
        u, s, vh = np.linalg.svd(a, **options)
        k = s.shape[-1]
        product = np.matmul(
            u[..., :k] * np.reshape(np.exp(s), (*s.shape[:-1], 1, k)), vh[..., :k, :]
        )
        return product + np.sum(np.real(u * np.conjugate(u)))

    def projector(a, left):
        """What the extra vectors span, whatever their basis is."""
        u, s, vh = np.linalg.svd(a)
        k = s.shape[-1]
        extra = u[..., k:] if left else adjoint(vh)[..., k:]
        return np.matmul(extra, adjoint(extra))

    for shape in [(2, 2), (3, 2), (2, 3), (2, 3, 2), (4, 2), (1, 3), (0, 2), (2, 0)]:
        for a in both(*shape):
            yield Case(np.linalg.svdvals, (a,))
            yield Case(np.linalg.svd, (a,), {"compute_uv": False})
            yield Case(np.linalg.svd, (a,), call=lambda a: np.linalg.svd(a)[1])
            for full in (False, True):
                options = {"full_matrices": full}
                yield Case(np.linalg.svd, (a,), options, of_phases, "phases")
        a = matrix(*shape)
        for i in (0, 2):
            yield Case(
                np.linalg.svd,
                (a,),
                call=lambda a, i=i: np.linalg.svd(a, full_matrices=False)[i],
                note=f"part {i}",
            )
    for i, shape in [(0, (3, 2)), (2, (2, 3)), (0, (2, 3)), (0, (2, 3, 2)), (0, (2, 1))]:
        yield Case(
            np.linalg.svd,
            (matrix(*shape),),
            call=lambda a, i=i: np.linalg.svd(a)[i],
            note=f"full {i}",
        )
    for a in both(4, 2):
        yield Case(np.linalg.svd, (a,), {"left": True}, projector, "projector")
    for a in both(1, 3):
        yield Case(np.linalg.svd, (a,), {"left": False}, projector, "projector")
    for draw in (normal, complex_normal):
        a = definite(3, 3, draw=draw) - 1.3 * np.eye(3)
        yield Case(np.linalg.svd, (a,), {"hermitian": True, "compute_uv": False})
        yield Case(np.linalg.svd, (a,), {"hermitian": True}, of_phases, "phases")
    a = definite(3, 3) - 1.3 * np.eye(3)
    yield Case(
        np.linalg.svd, (a,), call=lambda a: np.linalg.svd(a, hermitian=True)[2], note="hermitian"
    )


def triangular():
    for draw in (normal, complex_normal):
        for shape in [(2, 2), (3, 3), (2, 2, 2), (1, 1), (0, 0)]:
            a = definite(*shape, draw=draw)
            for upper in (False, True):
                yield Case(np.linalg.cholesky, (a,), {"upper": upper})
                yield Case(
                    np.linalg.cholesky,
                    (a,),
                    {"upper": upper},
                    lambda a, upper: np.linalg.cholesky(hermitian(a), upper=upper),
                    "symmetric part",
                )
        for shape in [(2, 2), (3, 2), (2, 3), (2, 3, 2), (2, 2, 4), (1, 3), (4, 2), (0, 2), (2, 0)]:
            a = matrix(*shape, draw=draw)
            for i in range(2):
                yield Case(np.linalg.qr, (a,), {"part": i}, part_of_qr)
            yield Case(np.linalg.qr, (a,), {"mode": "r"})
            yield Case(np.linalg.qr, (a,), {"mode": "complete"}, product_of_qr)
            yield Case(np.linalg.qr, (a,), {"mode": "complete", "part": 1}, part_of_qr)
    for shape in [(2, 2), (3, 2), (2, 3), (2, 3, 2), (2, 1)]:
        yield Case(
            decompositions.qr, (matrix(*shape),), {"mode": "complete", "part": 0}, part_of_qr
        )
    for draw in (normal, complex_normal):
        a = matrix(4, 2, draw=draw)
        yield Case(np.linalg.qr, (a,), call=complement, note="complement")


def part_of_qr(a, part, mode="reduced"):
    return np.linalg.qr(a, mode)[part]


def product_of_qr(a, mode):
    q, r = np.linalg.qr(a, mode=mode)
    k = min(a.shape[-2:])
    return q[..., :k] * 2 + np.sum(np.real(r))


def complement(a):
    q = np.linalg.qr(a, mode="complete").Q[..., a.shape[-1] :]
    return np.matmul(q, adjoint(q))


def norms():
    vectors = (None, 2, 1, 0, 3, 2.5, 0.5, -1, -2, np.inf, -np.inf)
    for ord in vectors:
        for x in (normal(4), complex_normal(4)):
            yield Case(np.linalg.norm, (x,), {"ord": ord})
            yield Case(np.linalg.norm, (x,), {"ord": ord, "keepdims": True})
        for x in (normal(2, 3), complex_normal(2, 3)):
            yield Case(np.linalg.norm, (x,), {"ord": ord, "axis": 0})
            yield Case(np.linalg.norm, (x,), {"ord": ord, "axis": -1, "keepdims": True})
        if ord is not None:
            for axis in (None, 0, (0, 1), (1, -1)):
                for keepdims in (False, True):
                    options = {"ord": ord, "axis": axis, "keepdims": keepdims}
                    yield Case(np.linalg.vector_norm, (normal(2, 2, 2),), options)
    matrices = (None, "fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf)
    for ord in matrices:
        for shape in [(2, 2), (3, 2), (2, 3)]:
            for x in both(*shape):
                yield Case(np.linalg.norm, (x,), {"ord": ord})
        yield Case(np.linalg.norm, (matrix(2, 3),), {"ord": ord, "keepdims": True})
        x = np.moveaxis(matrix(2, 3, 2), 0, 1).copy()
        yield Case(np.linalg.norm, (x,), {"ord": ord, "axis": (0, 2)})
        yield Case(np.linalg.norm, (x,), {"ord": ord, "axis": (-1, 0), "keepdims": True})
        if ord is not None:
            for keepdims in (False, True):
                options = {"ord": ord, "keepdims": keepdims}
                yield Case(np.linalg.matrix_norm, (matrix(2, 2, 3),), options)
    yield Case(np.linalg.norm, (normal(2, 3, 2),))
    yield Case(np.linalg.norm, (normal(2, 3, 2),), {"keepdims": True})
    yield Case(np.linalg.norm, (normal(0),))
    yield Case(np.linalg.norm, (normal(2, 0),), {"axis": 1})
    yield Case(np.linalg.vector_norm, (normal(0, 2),), {"axis": 0})
    yield Case(np.linalg.vector_norm, (normal(2, 0),))
    yield Case(np.linalg.vector_norm, (normal(),))
    yield Case(np.linalg.vector_norm, (normal(0, 2),), {"axis": 0, "ord": np.inf}, since="2.3.0")
    for ord in (1, 2, np.inf):
        yield Case(np.linalg.norm, (normal(0, 0),), {"ord": ord}, since="2.3.0")
    yield Case(np.linalg.vector_norm, (normal(3),))
    yield Case(np.linalg.matrix_norm, (matrix(2, 2),))
    yield Case(np.linalg.norm, (normal(2, 2),), call=lambda x: np.linalg.norm(x, 1, 0, True))


def conditions():
    for p in (None, 2, -2, "fro", "nuc", 1, -1, np.inf, -np.inf):
        for a in both(2, 2):
            yield Case(np.linalg.cond, (a,), {"p": p})
        yield Case(np.linalg.cond, (matrix(2, 3, 3),), {"p": p})
    for p in (None, 2, -2):
        yield Case(np.linalg.cond, (matrix(3, 2),), {"p": p})
        yield Case(np.linalg.cond, (matrix(2, 2, 3),), {"p": p})


def behind():
    """The operations that stand behind NumPy's functions in the graph."""
    yield Case(linalg.pinv, (matrix(3, 2),), {"cutoff": 1e-12, "hermitian": False})
    options = {"cutoff": np.array(0.7), "hermitian": False}
    yield Case(linalg.truncated_pinv, (matrix(3, 2),), options)
    yield Case(
        linalg.lstsq, (matrix(3, 2), normal(3)), call=lambda a, b: linalg.lstsq(a, b, 1e-9)[0]
    )
    yield Case(
        linalg.multi_dot,
        tuple(normal(2, 2, seed=i) for i in range(3)),
        call=lambda *arrays: np.linalg.multi_dot(arrays),
    )
    yield Case(
        decompositions.qr, (matrix(3, 2),), call=lambda a: decompositions.qr(a, "reduced")[0]
    )
