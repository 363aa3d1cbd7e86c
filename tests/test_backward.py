"""backward(): accumulation, freeing, depth, modes, and messages."""

import asyncio
import concurrent.futures
import gc

import numpy as np
import pytest

import autograd_lite as al


def parameter(values, name=None):
    return al.Tensor(values, requires_grad=True, dtype=np.float64, name=name)


class TestAccumulation:
    def test_a_tensor_used_twice(self):
        a = parameter(1)
        b = a + a
        c = b + b
        c.backward()
        assert a.grad == 4

    def test_the_same_tensor_on_both_sides(self):
        x = parameter([2, 3])
        np.sum(np.maximum(x, x) + x * x).backward()
        assert x.grad.tolist() == [5, 7]

    def test_ties_are_shared(self):
        x, y = parameter([1, 2]), parameter([1, 1])
        np.maximum(x, y).sum().backward()
        assert x.grad.tolist() == [0.5, 1]
        assert y.grad.tolist() == [0.5, 0]

    def test_equal_elements_share_when_sorted(self):
        for function in (np.sort, lambda t: np.partition(t, 1)):
            x = parameter([3, 1, 3, 2])
            np.sum(function(x) * [1, 2, 3, 5]).backward()
            assert x.grad.tolist() == [4, 1, 4, 2]
        x = parameter([[2, 2], [1, 3]])
        np.median(x).backward()
        assert x.grad.tolist() == [[0.5, 0.5], [0, 0]]

    def test_backward_twice_with_the_graph_retained(self):
        a = parameter(3)
        b = a * a
        c = b * 2
        c.backward(retain_graph=True)
        assert a.grad == 12
        c.backward(retain_graph=True)
        assert a.grad == 24

    def test_two_losses_add_up(self):
        w = parameter(2)
        (w * 3).backward()
        (w * w).backward()
        assert w.grad == 7
        w.zero_grad()
        assert w.grad is None

    def test_two_losses_that_share_a_subgraph(self):
        w = parameter(2)
        shared = w * w
        (shared * 3).backward(retain_graph=True)
        (shared + 1).backward()
        assert w.grad == 16

    def test_gradients_share_no_memory(self):
        x, y = parameter([1, 2]), parameter([3, 4])
        z = x + y
        z.retain_grad()
        seed = np.ones(2)
        z.backward(seed)
        for tensor in (x, y, z):
            tensor.grad += 5
        seed += 5
        assert x.grad.tolist() == y.grad.tolist() == z.grad.tolist() == [6, 6]
        assert not np.shares_memory(x.grad, y.grad)

    def test_a_gradient_does_not_share_memory_with_data(self):
        x, y = parameter([1, 2]), parameter([3, 4])
        np.sum(x * y).backward()
        x.grad += 5
        assert y.data.tolist() == [3, 4]

    def test_a_gradient_of_an_earlier_call_is_not_changed_by_a_later_one(self):
        x = parameter([1, 2])
        (x * 2).sum().backward()
        first = x.grad
        (x * 2).sum().backward()
        assert first.tolist() == [2, 2]
        assert x.grad.tolist() == [4, 4]

    def test_many_uses_of_one_tensor(self):
        x = parameter([1, 2])
        total = x * 0
        for k in range(50):
            total = total + x * k
        total.sum().backward()
        assert x.grad.tolist() == [1225, 1225]


class TestResult:
    def test_gradients_are_arrays_of_the_shape_and_dtype(self):
        x = parameter(2)
        (x * np.ones((3, 4))).sum().backward()
        assert type(x.grad) is np.ndarray
        assert (x.grad.shape, x.grad.dtype) == ((), np.float64)
        assert x.grad == 12
        b = al.Tensor(np.zeros((3, 1)), requires_grad=True, dtype=np.float32)
        (b + np.ones((3, 5))).sum().backward()
        assert (b.grad.shape, b.grad.dtype) == ((3, 1), np.float32)

    def test_only_leaves_have_one(self):
        x = parameter([1, 2])
        y = x * 2
        y.sum().backward()
        assert y.grad is None

    def test_retain_grad(self):
        x = parameter([1, 2])
        y = x * 2
        y.retain_grad()
        (y * y).sum().backward()
        assert y.grad.tolist() == [4, 8]

    def test_hooks_see_and_replace(self):
        x = parameter([1, 2])
        seen = []
        y = x * 2
        y.register_hook(lambda g: g * 10)
        remove = y.register_hook(seen.append)
        x.register_hook(lambda g: g + 1)
        y.sum().backward()
        assert seen[0].tolist() == [10, 10]
        assert x.grad.tolist() == [21, 21]
        remove()

    def test_a_leaf_alone(self):
        x = parameter(3)
        x.backward()
        assert x.grad == 1

    def test_a_given_gradient(self):
        x = parameter([1, 2])
        (x * x).backward([1, 10])
        assert x.grad.tolist() == [2, 40]

    def test_gradients_at_the_edges_of_functions(self):
        cases = [
            (np.sqrt, 0, np.inf),
            (np.abs, 0, 0),
            (al.relu, 0, 1),
            (lambda x: al.relu(x, at_zero=0.0), 0, 0),
            (lambda x: x**2, 0, 0),
            (lambda x: x**0, 0, 0),
            (lambda x: x**3, -2, 12),
            (lambda x: 0**x, 2, 0),
            (al.sigmoid, 800, 0),
            (al.sigmoid, -800, 0),
            (al.softplus, 800, 1),
            (al.softplus, -800, 0),
        ]
        for function, at, expected in cases:
            x = parameter(at)
            function(x).backward()
            assert x.grad == expected, (function, at)

    def test_empty_tensors(self):
        x = parameter(np.zeros((0, 3)))
        np.sum(np.exp(x)).backward()
        assert x.grad.shape == (0, 3)


class TestDepth:
    def test_100_000_operations(self):
        x = parameter(1e-4)
        y = x
        for _ in range(50_000):
            y = y * x + x
        y.backward()
        assert np.isclose(x.grad, 1 / (1 - 1e-4) ** 2)

    def test_100_000_operations_are_freed_without_backward(self):
        y = parameter(1)
        for _ in range(100_000):
            y = y + 1
        del y

    def test_a_diamond_of_many_levels_is_not_exponential(self):
        x = parameter(1)
        y = x
        for _ in range(60):
            y = y + y
        y.backward()
        assert x.grad == 2.0**60

    def test_training_leaves_no_garbage(self):
        W = parameter(np.ones((2, 3)))
        gc.collect()
        gc.disable()
        try:
            before = len(gc.get_objects())
            for _ in range(200):
                np.sum(np.tanh(np.dot(W, np.ones((3, 4))))).backward()
                W.data -= 0.1 * W.grad
                W.zero_grad()
            assert len(gc.get_objects()) - before < 100
        finally:
            gc.enable()


class TestMessages:
    def test_a_second_backward_says_which_call_freed_the_graph(self):
        x = parameter(2)
        y = x * x
        z = y + 1
        z.backward()
        with pytest.raises(RuntimeError, match=r"freed by .*test_backward.py.*retain_graph=True"):
            z.backward()
        with pytest.raises(RuntimeError, match=r"result of multiply"):
            (y * 2).backward()

    def test_a_loss_that_is_no_scalar(self):
        x = parameter(np.ones((5, 1)), "x")
        with pytest.raises(ValueError, match=r"\(5, 5\).*\.sum\(\).*\(5, 1\) and \(5,\)"):
            (x - np.ones(5)).backward()

    def test_a_gradient_of_another_shape(self):
        with pytest.raises(ValueError, match=r"got shape \(3,\).*has shape \(2,\)"):
            (parameter([1, 2]) * 2).backward(np.ones(3))

    def test_a_loss_that_depends_on_nothing(self):
        with pytest.raises(RuntimeError, match="does not depend on any tensor that requires grad"):
            (al.Tensor([1.0]) * 2).sum().backward()
        with al.no_grad():
            loss = parameter([1, 2]).sum()
        with pytest.raises(RuntimeError, match="no_grad"):
            loss.backward()

    def test_retaining_what_has_no_gradient(self):
        with pytest.raises(ValueError, match="does not require grad"):
            al.Tensor([1.0]).retain_grad()

    def test_a_rule_of_the_wrong_shape_is_named(self):
        @al.primitive
        def twice(x):
            return 2 * x

        al.defvjp(twice, x=lambda g: np.ones(7))
        with pytest.raises(RuntimeError, match=r"rule of twice gave.*\(7,\).*\(2,\)"):
            twice(parameter([1, 2])).sum().backward()


class TestNoGrad:
    def test_as_a_context_and_a_decorator(self):
        x = parameter(1)
        with al.no_grad():
            assert not (x * 2).requires_grad
        assert (x * 2).requires_grad
        assert not al.no_grad()(lambda: x * 2)().requires_grad

    def test_an_exception_leaves_it(self):
        with pytest.raises(ZeroDivisionError), al.no_grad():
            raise ZeroDivisionError
        assert (parameter(1) * 2).requires_grad

    def test_it_does_not_leak_out_of_a_suspended_generator(self):
        x = parameter(1)

        def inside():
            with al.no_grad():
                yield x * 2
                yield x * 2

        generator = inside()
        assert not next(generator).requires_grad
        assert (x * 2).requires_grad
        with al.no_grad():
            assert not next(generator).requires_grad
            assert next(generator, None) is None
            assert not (x * 2).requires_grad
        assert (x * 2).requires_grad

    def test_a_decorated_generator_and_coroutine(self):
        x = parameter(1)

        @al.no_grad()
        def generate():
            yield x * 2

        @al.no_grad()
        async def compute():
            await asyncio.sleep(0)
            return x * 2

        assert not next(generate()).requires_grad
        assert not asyncio.run(compute()).requires_grad
        assert (x * 2).requires_grad

    def test_tasks_do_not_see_each_others(self):
        x = parameter(1)

        async def quiet(entered, leave):
            with al.no_grad():
                entered.set()
                await leave.wait()

        async def main():
            entered, leave = asyncio.Event(), asyncio.Event()
            task = asyncio.create_task(quiet(entered, leave))
            await entered.wait()
            recorded = (x * 2).requires_grad
            leave.set()
            await task
            return recorded

        assert asyncio.run(main())

    def test_threads(self):
        X = np.linspace(-1, 1, 12).reshape(3, 4)
        shared = parameter(np.ones((2, 3)))

        def work(k):
            W = parameter(np.full((2, 3), 0.1 * k))
            for i in range(300):
                if i % 3 == 0:
                    with al.no_grad():
                        assert not np.dot(W, X).requires_grad
                W.zero_grad()
                np.sum(np.tanh(np.dot(W, X)) * np.dot(shared, X)).backward()
                expected = (1 - np.tanh(W.data @ X) ** 2) * (shared.data @ X) @ X.T
                np.testing.assert_allclose(W.grad, expected, rtol=1e-12)
            return True

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            assert all(pool.map(work, range(8)))
        assert X.flags.writeable
