"""Linear algebra where derivatives end: ties, zeros, repeated values, arbitrary choices."""

import numpy as np
import pytest
from cases import complex_normal, normal
from cases.linalg import definite, matrix
from numerics import assert_close, numeric_gradient

import autograd_lite as al
from autograd_lite.operations import OPERATIONS
from autograd_lite.rules.decompositions import qr

EYE = np.eye(3)


@pytest.mark.parametrize("ord", [None, 2, 1, np.inf, -np.inf, 0, 3, 0.5])
def test_a_vector_norm_is_flat_at_zero(ord):
    gradient = al.grad(lambda x: np.linalg.norm(x, ord))(np.zeros(3))
    np.testing.assert_array_equal(gradient, np.zeros(3))


@pytest.mark.parametrize("ord", [None, "fro", "nuc", 2, -2, 1, -1, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [float, complex])
def test_a_matrix_norm_is_flat_at_zero(ord, dtype):
    gradient = al.grad(lambda x: np.linalg.norm(x, ord))(np.zeros((2, 3), dtype))
    np.testing.assert_array_equal(gradient, np.zeros((2, 3)))


def test_norms_share_ties():
    gradient = al.grad(lambda x: np.linalg.norm(x, np.inf))
    np.testing.assert_array_equal(gradient(np.array([2.0, -2.0, 1.0])), [0.5, -0.5, 0])
    gradient = al.grad(lambda x: np.linalg.norm(x, 1))
    np.testing.assert_array_equal(gradient(np.array([[1.0, -3], [2, 0]])), [[0.5, -0.5], [0.5, 0]])
    np.testing.assert_allclose(al.grad(lambda x: np.linalg.norm(x, 2))(EYE), EYE / 3)


def test_elements_that_are_zero_do_not_spoil_a_norm():
    gradient = al.grad(lambda x: np.linalg.norm(x, 3))(np.array([1.0, 0, -1]))
    np.testing.assert_allclose(gradient, [2 ** (-2 / 3), 0, -(2 ** (-2 / 3))])


@pytest.mark.parametrize(
    "total",
    [
        lambda a: np.sum(np.linalg.eigvalsh(a)),
        lambda a: np.sum(np.linalg.eigh(a)[0]),
        lambda a: np.real(np.sum(np.linalg.eigvals(a))),
        lambda a: np.real(np.sum(np.linalg.eig(a)[0])),
        lambda a: np.sum(np.linalg.svdvals(a)),
        lambda a: np.sum(np.linalg.svd(a)[1]),
        lambda a: np.linalg.norm(a, "nuc"),
    ],
)
def test_values_that_repeat_have_finite_gradients(total):
    np.testing.assert_allclose(al.grad(total)(EYE), EYE)


@pytest.mark.parametrize(
    "function",
    [
        lambda a: np.sum(np.linalg.eigh(a)[1] * normal(3, 3)),
        lambda a: np.sum(np.linalg.svd(a)[0] * normal(3, 3)),
        lambda a: np.sum(np.real(np.linalg.eig(a)[1]) * normal(3, 3)),
    ],
)
def test_vectors_of_repeated_values_are_never_silently_wrong(function):
    assert not np.all(np.isfinite(al.grad(function)(EYE)))


def test_second_derivatives_at_repeated_values_are_never_silently_wrong():
    hessian = al.hessian(lambda a: np.sum(np.square(np.linalg.eigvalsh(a))))(EYE)
    assert np.all(np.isnan(hessian[1, 0, 1, 0]))


@pytest.mark.parametrize(
    ("function", "operand", "message"),
    [
        (lambda a: np.linalg.eigh(a)[1], definite(3, 3, draw=complex_normal), "phases of eigh"),
        (lambda a: np.linalg.svd(a)[0], matrix(3, 3, draw=complex_normal), "phases of svd"),
        (lambda a: np.linalg.svd(a)[0], matrix(4, 2), "svd's last left vectors"),
        (lambda a: np.linalg.svd(a)[2], matrix(2, 4), "svd's last right vectors"),
        (lambda a: np.linalg.qr(a, "complete")[0], matrix(4, 2), "qr's last columns"),
        (lambda a: np.linalg.eig(a)[1], np.array([[0, -1.0], [1, 0]]), "eig's vectors is real"),
        (lambda a: np.linalg.eig(a)[1], np.array([[0, 1j], [-1j, 0]]), "eig's vectors is real"),
    ],
)
def test_an_arbitrary_choice_has_no_derivative(function, operand, message):
    weights = complex_normal(4, 4)[: operand.shape[0], : operand.shape[0]]

    def dependent(a):
        result = function(a)
        some = complex_normal(*result.shape) if np.iscomplexobj(operand) else normal(*result.shape)
        return np.sum(np.real(result * some)) + np.sum(np.real(weights))

    with pytest.raises(ValueError, match=message):
        al.grad(dependent)(operand)


@pytest.mark.parametrize(
    ("function", "operand", "error", "message"),
    [
        (lambda a: np.linalg.qr(a, "raw"), matrix(2, 2), ValueError, "mode='reduced'"),
        (lambda a: np.linalg.matrix_power(a, 1.5), matrix(2, 2), TypeError, "whole number"),
        (lambda a: np.linalg.pinv(a, 0.1, rtol=0.1), matrix(2, 2), ValueError, "not both"),
        (lambda a: np.einsum("ij->", a, out=np.zeros(())), matrix(2, 2), TypeError, "out="),
        (lambda a: np.einsum("ij,jk", a), matrix(2, 2), ValueError, "2 operands, not 1"),
        (lambda a: np.einsum("ij...", a[0]), matrix(2, 2), ValueError, "more indices"),
        (lambda a: np.fft.hfft(a, norm="no"), matrix(2, 2), ValueError, "'ortho'"),
        (lambda a: np.fft.fftn(a, out=np.zeros((2, 2))), matrix(2, 2), TypeError, "out="),
        (lambda a: np.linalg.outer(a, a), matrix(2, 2), ValueError, "np.outer"),
        (lambda a: np.linalg.cross(a, a), matrix(2, 2), ValueError, "3 elements"),
        (lambda a: np.linalg.slogdet(a)[1], np.ones((2, 2)), np.linalg.LinAlgError, "Singular"),
    ],
)
def test_what_has_no_derivative_says_so(function, operand, error, message):
    with pytest.raises(error, match=message):
        al.grad(lambda a: np.sum(np.real(function(a))))(operand)


def test_a_triangle_that_is_not_read_has_no_gradient():
    a = definite(3, 3) + np.triu(np.ones((3, 3)), 1)
    for function in (np.linalg.cholesky, np.linalg.eigvalsh, lambda a: np.linalg.eigh(a)[0]):

        def total(a, function=function):
            return np.sum(function(a) * np.arange(1.0, 4))

        assert_close(al.grad(total)(a), numeric_gradient(total, a), 1e-8)


def test_eigenvalues_in_another_order_get_their_own_gradients():
    a = np.diag([3.0, 1.0, 2.0])
    rule = OPERATIONS[np.linalg.eigvals].rules["a"]
    order = [2, 0, 1]
    out = np.linalg.eigvals(a)[order]
    np.testing.assert_allclose(rule(np.array([5.0, 6.0, 7.0])[order], a, out), np.diag([5, 6, 7]))


def test_diagonals_from_einsum_are_their_own():
    t = al.Tensor(np.ones((2, 2)), requires_grad=True)
    diagonal = np.einsum("ii->i", t)
    assert not np.shares_memory(diagonal.data, t.data)


class TestSeveralResults:
    """The graph of operations that give a tuple."""

    A = definite(3, 3)

    def test_they_keep_their_names(self):
        t = al.Tensor(self.A, requires_grad=True)
        assert np.linalg.eigh(t).eigenvalues.shape == (3,)
        assert np.linalg.slogdet(t)._fields == ("sign", "logabsdet")
        solution, residuals, rank, values = np.linalg.lstsq(t, np.ones(3))
        assert rank == 3 and isinstance(rank, np.integer)

    def test_one_of_them_alone_and_all_of_them(self):
        def parts(use_values, use_vectors):
            def total(a):
                values, vectors = np.linalg.eigh(a)
                result = 0.0
                if use_values:
                    result = result + np.sum(values**2 * np.arange(3))
                if use_vectors:
                    result = result + np.sum(np.square(vectors) * normal(3, 3))
                return result

            return al.grad(total)(self.A)

        assert_close(parts(True, False) + parts(False, True), parts(True, True), 1e-12)

    def test_one_used_twice_and_one_not_at_all(self):
        t = al.Tensor(self.A, requires_grad=True)
        values, _ = np.linalg.eigh(t)
        (np.sum(values) + np.sum(values) * 2).backward()
        np.testing.assert_allclose(t.grad, 3 * EYE, atol=1e-12)

    def test_intermediate_results_have_gradients(self):
        t = al.Tensor(self.A, requires_grad=True)
        q, r = qr(t, "reduced")
        q.retain_grad()
        loss = np.sum(q * 2) + np.sum(r)
        of_r, of_t = al.gradients(loss, [r, t], create_graph=True)
        np.testing.assert_array_equal(of_r.data, np.ones((3, 3)))
        loss.backward()
        np.testing.assert_array_equal(q.grad, np.full((3, 3), 2.0))
        np.testing.assert_allclose(t.grad, of_t.data)

    def test_nothing_is_recorded_under_no_grad(self):
        t = al.Tensor(self.A, requires_grad=True)
        with al.no_grad():
            u, s, vh = np.linalg.svd(t)
        assert not (u.requires_grad or s.requires_grad or vh.requires_grad)

    def test_third_derivatives(self):
        def total(a):
            values, vectors = np.linalg.eigh((a + a.T) / 2)
            return np.sum(np.exp(values / 3) * vectors[0] ** 2)

        direction = normal(3, 3)
        second = lambda a: np.sum(al.hvp(total)(a, direction) * direction)  # noqa: E731
        assert_close(
            al.grad(second)(self.A), numeric_gradient(lambda a: float(second(a)), self.A), 1e-7
        )


@pytest.mark.parametrize(
    "product",
    [
        lambda w, c: np.einsum("i,i", w, c),
        lambda w, c: np.linalg.multi_dot([w, np.ones((3, 3)), c]),
    ],
)
def test_products_of_many_lock_what_they_keep(product):
    w, c = al.Tensor(np.arange(3.0), requires_grad=True), np.ones(3)
    result = product(w, c)
    with pytest.raises(ValueError):
        c[0] = 9
    with pytest.raises(ValueError):
        w.data[0] = 9
    result.backward()
    c[0] = w.data[0] = 9


def test_einsum_computes_no_gradients_of_constants(monkeypatch):
    calls = []
    product = np.einsum
    a, b = al.Tensor(normal(2, 3), requires_grad=True), normal(3, 4)
    result = np.einsum("ij,jk,k->i", a, b, np.ones(4))
    monkeypatch.setattr(
        np, "einsum", lambda *args, **kw: calls.append(args) or product(*args, **kw)
    )
    result.backward(np.ones(2))
    assert len(calls) == 1
    np.testing.assert_allclose(a.grad, np.tile(b.sum(1), (2, 1)))


def rank_one(a):
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return np.sum((u[:, :1] * s[:1]) @ vh[:1])


def weighted_first_vector(a):
    u, _, _ = np.linalg.svd(a, full_matrices=False)
    return np.sum(u[:, 0] ** 2 * np.arange(1.0, len(a) + 1))


def weighted_last_vector(a):
    _, vectors = np.linalg.eigh(a)
    return np.sum(vectors[:, -1] ** 2 * np.arange(1.0, len(a) + 1))


@pytest.mark.parametrize(
    ("function", "a"),
    [
        (rank_one, np.ones((5, 5))),
        (rank_one, np.ones((6, 4))),
        (rank_one, np.ones((4, 6))),
        (rank_one, np.diag([3.0, 1, 1, 0, 0])[:, :4]),
        (weighted_first_vector, np.diag([3.0, 1, 1, 0, 0])),
        (weighted_first_vector, np.ones((4, 3))),
        (weighted_last_vector, np.diag([1.0, 1, 3])),
        (weighted_last_vector, np.ones((3, 3))),
    ],
)
def test_vectors_that_are_not_used_do_not_spoil_the_gradient(function, a):
    """Their values are equal, so they are arbitrary, but nothing depends on them."""
    assert_close(al.grad(function)(a), numeric_gradient(function, a), 1e-7)


C = np.arange(9.0).reshape(3, 3) + 1


@pytest.mark.parametrize("values", [[0.0, 0, 0], [2.0, 2, 2], [5.0, 0, 0], [5.0, 2, 2]])
def test_vectors_of_equal_values_that_are_used_give_no_finite_number(values):
    """The matrix, put together again, has the gradient C: right, or not finite, but not wrong."""

    def by_svd(a):
        u, s, vh = np.linalg.svd(a)
        return np.sum((u * s @ vh) * C)

    def by_eigh(a):
        values, vectors = np.linalg.eigh(a)
        return np.sum((vectors * values @ vectors.T) * C)

    def twice(a):
        u, s, vh = np.linalg.svd(a)
        return np.sum((u * s @ vh) * C) + np.sum(s) - np.sum(s)

    for function in (by_svd, by_eigh, twice):
        slopes = al.grad(function)(np.diag(values))
        assert not np.all(np.isfinite(slopes))


def test_values_alone_have_finite_gradients_however_often_they_are_used():
    def scalar(a):
        s = np.linalg.svd(a)[1]
        return np.sum(s) + np.sum(s * s)

    for a in (np.zeros((3, 3)), np.eye(3), np.ones((3, 3))):
        assert np.all(np.isfinite(al.grad(scalar)(a)))
