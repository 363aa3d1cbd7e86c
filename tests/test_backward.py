"""backward(): accumulation, results, modes, and messages."""

import asyncio

import numpy as np
import pytest
from tensors import parameter

import autograd_lite as al


class TestAccumulation:
    def test_the_same_tensor_on_both_sides(self):
        x = parameter([2, 3])
        np.sum(np.maximum(x, x) + x * x).backward()
        assert x.grad.tolist() == [5, 7]

    def test_equal_elements_share_when_sorted(self):
        for function in (np.sort, lambda t: np.partition(t, 1)):
            x = parameter([3, 1, 3, 2])
            np.sum(function(x) * [1, 2, 3, 5]).backward()
            assert x.grad.tolist() == [4, 1, 4, 2]
        x = parameter([[2, 2], [1, 3]])
        np.median(x).backward()
        assert x.grad.tolist() == [[0.5, 0.5], [0, 0]]

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

    def test_one_element_has_a_gradient_of_its_shape(self):
        for shape in [(), (1,), (1, 1)]:
            x = parameter(np.full(shape, 3.0))
            y = x * x
            y.retain_grad()
            y.backward()
            assert y.grad.shape == x.grad.shape == shape
            assert x.grad == 6

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


def test_a_rule_may_leave_out_leading_axes():
    rows = al.primitive(lambda x: np.sum(x, axis=0))
    al.defvjp(rows, x=lambda g: g)
    for shape in [(1, 3), (2, 3), (1, 1, 3)]:
        x = parameter(np.ones(shape))
        np.sum(rows(x) * np.array([1.0, 2.0, 3.0])).backward()
        assert np.array_equal(x.grad, np.broadcast_to([1.0, 2.0, 3.0], shape))


class TestMessages:
    def test_a_gradient_of_another_shape(self):
        with pytest.raises(ValueError, match=r"got shape \(3,\).*has shape \(2,\)"):
            (parameter([1, 2]) * 2).backward(np.ones(3))

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

    def test_a_rule_that_gives_no_gradient_is_named(self):
        half = al.primitive(lambda x: x / 2)
        al.defvjp(half, x=lambda g: "half")
        with pytest.raises(RuntimeError) as caught:
            half(parameter(1)).backward()
        assert str(caught.value) == (
            "the rule of <lambda> gave 'half', which is no gradient; where there is none it "
            "returns zeros"
        )

    def test_a_hook_where_no_gradient_arrives(self):
        with pytest.raises(ValueError) as caught:
            al.Tensor([1.0], name="b").register_hook(print)
        assert str(caught.value) == ("the Tensor 'b' does not require grad, so no gradient arrives")


class TestNoGrad:
    def test_as_a_context_and_a_decorator(self):
        x = parameter(1)
        with al.no_grad():
            assert not (x * 2).requires_grad
        assert (x * 2).requires_grad
        assert not al.no_grad()(lambda: x * 2)().requires_grad

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
