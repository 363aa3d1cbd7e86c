"""What must never be silently wrong: each of these once was, here or in another engine."""

import copy
import gc
import pickle
import threading
import weakref
from fractions import Fraction

import numpy as np
import pytest
from tensors import parameter

import autograd_lite as al
from autograd_lite.arrays import locks


class TestGradientsOfSimpleFunctions:
    def test_of_the_identity(self):
        assert al.grad(lambda x: x)(2.0) == 1
        assert al.grad(lambda W, b: b, (0, 1))(1.0, 2.0) == (0, 1)
        x = parameter([1, 2])
        assert al.gradients(x, [x], gradient=[3, 4])[0].tolist() == [3, 4]

    def test_under_no_grad(self):
        with al.no_grad():
            assert al.grad(lambda x: x**3)(2.0) == 12
            assert al.grad(al.grad(lambda x: x**3))(2.0) == 12
            assert not (parameter(1) * 2).requires_grad

    def test_of_an_argument_named_twice(self):
        with pytest.raises(ValueError, match="names an argument twice"):
            al.grad(lambda x: x, argnums=(0, 0))(1.0)

    def test_of_a_freed_subgraph(self):
        x = parameter([1, 2])
        y = x * x
        other = np.sum(y * 3)
        np.sum(y).backward()
        with pytest.raises(RuntimeError, match="freed by an earlier backward"):
            al.gradients(other, [x])

    def test_of_a_complex_output(self):
        z = al.Tensor([1 + 2j], requires_grad=True)
        with pytest.raises(ValueError, match="real scalar.*np.abs"):
            np.sum(z * z).backward()
        np.sum(np.abs(z)).backward()
        np.testing.assert_allclose(z.grad, np.conj(1 + 2j) / abs(1 + 2j))

    def test_minimum_with_unsigned_and_boolean_constants(self):
        for constant in (np.array([3, 3], np.uint8), np.array([True, True]) * np.uint8(3)):
            x = parameter([1, 5])
            np.sum(np.minimum(x, constant)).backward()
            assert x.grad.tolist() == [1, 0]
        x = parameter([0.5, 5])
        np.sum(np.minimum(x, np.array([True, True]))).backward()
        assert x.grad.tolist() == [1, 0]

    def test_an_argument_that_is_a_tuple(self):
        x = parameter([1, 2])
        np.sum(np.dot(x, ((1.0, 2.0), (3.0, 4.0)))).backward()
        assert x.grad.tolist() == [3, 7]
        assert (x ** (2, 3)).data.tolist() == [1, 8]

    def test_a_second_gradient_of_a_0d_leaf_is_an_array(self):
        x = parameter(1)
        for _ in range(2):
            (x * 2).backward()
            assert type(x.grad) is np.ndarray

    def test_the_gradient_of_a_product_is_not_copied(self):
        made = []

        @al.primitive
        def twice(x):
            return 2 * x

        def rule(g):
            result = 2 * g
            made.append(weakref.ref(result))
            return result

        al.defvjp(twice, x=rule)
        x = parameter([1, 2])
        np.sum(twice(x)).backward()
        assert made[0]() is x.grad


class TestRefusing:
    @pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
    @pytest.mark.parametrize(
        "operand",
        [
            np.ones((2, 2)).view(np.matrix),
            np.ma.array([1.0, 2.0], mask=[0, 1]),
            np.array([1, 2], dtype=object),
            Fraction(1, 2),
        ],
        ids=lambda operand: type(operand).__name__,
    )
    def test_operands_of_other_kinds(self, operand):
        x = parameter([[1, 2], [3, 4]])
        with pytest.raises(TypeError):
            x * operand
        with pytest.raises(TypeError):
            operand * x

    def test_masked_arrays_and_matrices_as_data(self):
        with pytest.raises(TypeError, match="np.where for a mask"):
            al.Tensor(np.ma.array([1.0], mask=[1]))
        with pytest.raises(TypeError, match="np.asarray"):
            al.Tensor(np.ones((1, 1)).view(np.matrix))

    def test_ufuncs_where(self):
        with pytest.raises(TypeError, match="where=.*np.where"):
            np.multiply(parameter([1, 2]), 2, where=[True, False])

    def test_out_by_position(self):
        W, buffer = parameter([[1, 2]]), np.zeros((1, 1))
        with pytest.raises(TypeError, match="omit out="):
            np.dot(W, np.ones((2, 1)), buffer)
        with pytest.raises(TypeError, match="omit out="):
            np.sum(W, 0, None, buffer)

    def test_in_place_operators_on_parameters(self):
        W = parameter([1, 2], "W")
        with pytest.raises(TypeError, match=r"'W' is a parameter.*W\.data -= x"):
            W -= 1
        with al.no_grad():
            W -= 1
        assert W.data.tolist() == [0, 1]
        assert W.requires_grad
        total = W.sum()
        total += 1
        total.backward()
        assert W.grad.tolist() == [1, 1]

    def test_item_assignment(self):
        with pytest.raises(TypeError, match="'W' cannot be assigned to item by item"):
            parameter([1, 2], "W")[0] = 3

    def test_hooks_that_write_or_return_nonsense(self):
        x, y = parameter([1, 2]), parameter([3, 4])
        a = x + 0
        a.register_hook(lambda g: g.__setitem__(0, 5))
        with pytest.raises(ValueError, match="read-only"):
            np.sum(a + y).backward()
        b = x + 0
        b.register_hook(lambda g: np.ones((5, 2)))
        with pytest.raises(ValueError, match=r"hook .* shape \(5, 2\).*\(2,\)"):
            np.sum(b).backward()

    def test_a_rule_that_asks_for_what_is_not_there_changes_nothing(self):
        with pytest.raises(TypeError, match="asks for 'outt'"):
            al.defvjp(np.exp, x=lambda g, outt: g)
        with pytest.raises(TypeError, match="asks for 'nothing'"):
            al.defvjp(np.mean, x=lambda g, nothing: g)
        assert al.grad(lambda x: np.mean(np.exp(x)))(0.0) == 1
        with pytest.raises(TypeError, match="asks for 'nothing'"):
            al.defvjp(np.multiply, x=lambda g, nothing: g)
        assert al.grad(lambda x: np.sum(np.multiply([3, 4], x)))(2.0) == 7

    def test_a_rule_for_what_is_no_operand(self):
        @al.primitive
        def scaled(x, k):
            return x * k

        with pytest.raises(TypeError) as caught:
            al.defvjp(scaled)
        assert str(caught.value) == "defvjp(scaled) needs a rule for at least one operand"
        with pytest.raises(TypeError) as caught:
            al.defvjp(scaled, x=lambda g, k: g * k, k=None, m=lambda g: g)
        assert str(caught.value) == (
            "defvjp(scaled): rules for ('x', 'k', 'm'), but the function has only the parameters "
            "('x', 'k')"
        )
        al.defvjp(scaled, x=lambda g, k: g * k)
        assert al.grad(scaled)(2.0, 3.0) == 3
        with pytest.raises(TypeError) as caught:
            scaled(2.0, parameter(3))
        assert str(caught.value) == (
            "scaled: argument 2 must be a plain value, not a Tensor that requires grad"
        )


class TestLocks:
    @pytest.mark.parametrize(
        "view", [lambda W: W.T, lambda W: W.reshape(4), lambda W: W[:1], lambda W: W[...]]
    )
    def test_the_memory_of_a_leaf_behind_a_view_is_locked(self, view):
        memory = np.arange(8.0)
        x = al.Tensor(memory[2:6].reshape(2, 2), requires_grad=True, copy=False)
        y = view(x)
        loss = np.sum(y * y)
        with pytest.raises(ValueError, match="read-only"):
            memory[...] = 100
        loss.backward()
        memory[...] = 100

    @pytest.mark.parametrize(
        "view", [lambda W: W.T, lambda W: W.reshape(4), lambda W: W[:1], lambda W: W[...]]
    )
    def test_a_leaf_behind_a_view_is_locked(self, view):
        W = parameter([[1, 2], [3, 4]], "W")
        y = view(W)
        loss = np.sum(y * y)
        with pytest.raises(ValueError, match="'W' cannot be written to"):
            W.data[...] = 100
        loss.backward()
        W.data[...] = 100

    def test_a_base_made_read_only_meanwhile_breaks_nothing_else(self):
        A = np.ones(4)
        view, W = A[:], parameter(np.ones(4))
        result = W * view
        A.flags.writeable = True
        A.flags.writeable = False
        result.sum().backward()
        other = np.ones(4)
        (W * other).sum().backward()
        assert other.flags.writeable

    def test_locks_go_with_a_garbage_cycle(self):
        class Model:
            pass

        gc.collect()
        before = len(locks._holds)
        for _ in range(5):
            model = Model()
            model.W = parameter(np.ones(10))
            model.loss = np.sum(model.W * model.W)
            model.me = model
        del model
        gc.collect()
        assert len(locks._holds) == before

    def test_freeing_many_locks_is_linear(self):
        # With a scan of all locks for each, this would take minutes.
        W = parameter(1)
        total = W * 0
        for i in range(20_000):
            total = total + np.sum(W * np.full(2, float(i)))
        total.backward()
        assert W.grad == 2 * sum(range(20_000))


class TestCopies:
    def test_copies_and_pickles_are_leaves_of_their_own(self):
        W = parameter([1, 2], "W")
        loss = np.sum(W * W)
        for make in (copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))):
            V = make(W)
            assert (V.name, V.requires_grad, V.data.tolist()) == ("W", True, [1, 2])
            np.sum(V * 3).backward()
            assert V.grad.tolist() == [3, 3]
            assert W.grad is None
            V.data[0] = 9
            assert W.data[0] == 1
        with pytest.raises(TypeError, match="connected to its graph.*detach"):
            copy.deepcopy(loss)

    def test_results_of_no_grad_do_not_write_through(self):
        W = parameter([[1, 2], [3, 4]])
        with al.no_grad():
            V = W.T
        V.name = "V"
        for write in (
            lambda: setattr(V, "data", np.zeros((2, 2))),
            lambda: V.data.__setitem__(0, 7),
        ):
            with pytest.raises(ValueError, match="read-only|result of an operation"):
                write()
        V.requires_grad = True
        V.data[...] = 0
        assert W.data.tolist() == [[1, 2], [3, 4]]


class TestNoGrad:
    def test_without_parentheses(self):
        x = parameter(1)

        @al.no_grad
        def predict():
            return x * 2

        assert not predict().requires_grad

    def test_one_instance_in_two_threads(self):
        shared, x = al.no_grad(), parameter(1)
        entered, leave, seen = threading.Event(), threading.Event(), []

        def other():
            with shared:
                entered.set()
                leave.wait()
            seen.append((x * 2).requires_grad)

        thread = threading.Thread(target=other)
        thread.start()
        entered.wait()
        with shared:
            assert not (x * 2).requires_grad
        assert (x * 2).requires_grad
        leave.set()
        thread.join()
        assert seen == [True]

    def test_converting_is_allowed(self):
        x = parameter([1, 2])
        with al.no_grad():
            assert np.asarray(x).tolist() == [1, 2]
            assert np.linalg.matrix_rank(parameter([[1.0]])) == 1


class TestMaskedGradients:
    @pytest.mark.parametrize("function", [np.log, np.sqrt, lambda x: 1 / x, lambda x: x**-1.5])
    def test_a_branch_that_was_not_taken_contributes_nothing(self, function):
        x = parameter([0, 4])
        with np.errstate(divide="ignore", invalid="ignore"):
            np.sum(np.where(x > 0, function(x * 1), 0)).backward()
        assert x.grad[0] == 0
        assert np.isfinite(x.grad[1]) and x.grad[1] != 0

    @pytest.mark.parametrize(
        "arranged",
        [
            lambda x: x[::-1],
            lambda x: x[[2, 0, 1]],
            lambda x: np.reshape(x, (3, 1)),
            lambda x: np.roll(np.expand_dims(x, 0), 1),
            lambda x: x[np.array([True, True, False])],
        ],
    )
    def test_through_indexing_and_rearranging(self, arranged):
        x = parameter([0, 4, 0])
        with np.errstate(divide="ignore"):
            np.sum(np.where(arranged(x) > 0, arranged(np.log(x)), 0)).backward()
        assert x.grad.tolist() == [0, 0.25, 0]

    def test_in_the_second_order_and_for_scalars(self):
        with np.errstate(divide="ignore", invalid="ignore"):
            second = al.grad(al.grad(lambda x: np.where(x > 0, np.log(x), x * 3)))
            assert second(0.0) == 0
            assert second(2.0) == -0.25


@pytest.mark.parametrize(
    "view",
    [
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 3),
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 3, writeable=True),
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 3)[1:].T,
        lambda x: np.lib.stride_tricks.as_strided(x, (4, 3), (8, 8)),
        lambda x: np.broadcast_to(x, (2, 6)),
    ],
)
def test_the_array_behind_windows_is_locked(view, recwarn):
    x = np.arange(6.0)
    windows = view(x)
    w = al.Tensor(np.ones(windows.shape), requires_grad=True)
    loss = np.sum(w * windows)
    expected = windows.copy()
    with pytest.raises(ValueError, match="read-only"):
        x[...] = 0
    loss.backward()
    assert np.array_equal(w.grad, expected)
    x[...] = 0
    assert windows.flags.writeable == view(x).flags.writeable
    assert not recwarn
