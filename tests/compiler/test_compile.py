import contextlib
import copy
import functools
import gc
import pickle
import runpy
import sys
import threading
import tracemalloc
import types

import numpy as np
import pytest

import autograd_lite as al
import nn
from autograd_lite.compiler import compiled as compiled_module
from autograd_lite.compiler import matrix_products, regions, runtime, schedule
from autograd_lite.compiler.compiled import PROGRAM_LIMIT
from autograd_lite.compiler.preamble import preamble

RNG = np.random.default_rng(0)


def network(sizes=(4, 3, 1)):
    parameters = {}
    for i, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), start=1):
        parameters[f"W{i}"] = RNG.normal(size=(n_out, n_in))
        parameters[f"b{i}"] = RNG.normal(size=(n_out, 1))
    return parameters


def cost(p, X, Y):
    Z1 = np.dot(p["W1"], X) + p["b1"]
    A1 = np.maximum(Z1, 0)
    Z2 = np.dot(p["W2"], A1) + p["b2"]
    A2 = 1 / (1 + np.exp(-Z2))
    m = Y.shape[1]
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m


def data(columns=7):
    return RNG.normal(size=(4, columns)), (RNG.random((1, columns)) < 0.5).astype(float)


def assert_trees_close(actual, expected, tolerance=1e-12):
    if isinstance(expected, dict):
        assert actual.keys() == expected.keys()
        for key in expected:
            assert_trees_close(actual[key], expected[key], tolerance)
    elif isinstance(expected, (list, tuple)):
        assert type(actual) is type(expected)
        for ours, theirs in zip(actual, expected, strict=True):
            assert_trees_close(ours, theirs, tolerance)
    else:
        assert type(actual) is type(expected)
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance)


class TestResults:
    def test_value_and_gradients_of_the_articles_network(self):
        step = al.value_and_grad(cost)
        arguments = (network(), *data())
        assert_trees_close(al.compile(step)(*arguments), step(*arguments))

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, complex])
    def test_dtypes(self, dtype):
        x = RNG.normal(size=(3, 4)).astype(dtype)
        f = al.compile(lambda x: (x * 2 + 1, np.exp(x), np.abs(x)))
        for ours, theirs in zip(f(x), (x * 2 + 1, np.exp(x), np.abs(x)), strict=True):
            assert ours.dtype == theirs.dtype
            np.testing.assert_allclose(ours, theirs, rtol=np.finfo(theirs.dtype).eps * 4)

    def test_a_python_number_gives_way_to_float32(self):
        f = al.compile(lambda x, rate: x - rate * x)
        assert f(np.ones(2, np.float32), 0.5).dtype == np.float32
        assert f(np.ones(2, np.float32), np.float64(0.5)).dtype == np.float64
        assert f(2.0, 0.5) == 1.0 and type(f(2.0, 0.5)) is float

    def test_a_number_is_an_argument_like_any_other(self):
        f = al.compile(lambda x, rate: x * rate)
        assert f(np.ones(2), 2.0).tolist() == [2, 2]
        assert f(np.ones(2), 3.0).tolist() == [3, 3]
        assert repr(f) == "<compiled <lambda>: 1 programs>"

    def test_whole_numbers_are_part_of_the_kind(self):
        f = al.compile(lambda x, n: np.reshape(x, (n, -1)))
        assert f(np.ones(6), 2).shape == (2, 3)
        assert f(np.ones(6), 3).shape == (3, 2)

    def test_structures_come_out_as_they_are(self):
        f = al.compile(lambda p: {"a": [p["x"] + 1, 3], "b": (p["y"] * 2, None, "text")})
        found = f({"x": np.ones(2), "y": 2.0})
        assert_trees_close(found["a"][0], np.array([2.0, 2.0]))
        assert found["a"][1] == 3 and found["b"] == (4.0, None, "text")

    def test_keywords_and_defaults(self):
        f = al.compile(lambda x, scale=2.0, *, shift=0.0: x * scale + shift)
        assert f(np.ones(1)).tolist() == [2]
        assert f(np.ones(1), shift=1.0, scale=3.0).tolist() == [4]

    @pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0), (2, 1, 3)])
    def test_shapes(self, shape):
        x = RNG.normal(size=shape)
        f = al.compile(al.value_and_grad(lambda x: np.sum(np.tanh(x) * x)))
        assert_trees_close(f(x), al.value_and_grad(lambda x: np.sum(np.tanh(x) * x))(x))

    @pytest.mark.parametrize(
        "x",
        [
            np.asfortranarray(RNG.normal(size=(5, 4))),
            RNG.normal(size=(10, 8))[::2, ::2],
            RNG.normal(size=(5, 4))[:, ::-1],
            np.broadcast_to(RNG.normal(size=4), (5, 4)),
        ],
    )
    def test_layouts(self, x, monkeypatch):
        monkeypatch.setattr(schedule, "REGION_FROM_ELEMENTS", 2)
        monkeypatch.setattr(regions, "BLOCK_ELEMENTS", 3)

        def f(x):
            return np.exp(x) / (1 + x * x), np.sum(x * 2, axis=0), np.sum(np.sin(x))

        g = al.compile(f)
        assert_trees_close(g(x), f(x))
        assert_trees_close(g(np.ascontiguousarray(x)), f(x))

    def test_tensors_in_and_out(self):
        f = al.compile(lambda x: x * 2)
        result = f(al.Tensor([1.0, 2.0]))
        assert isinstance(result, al.Tensor) and result.numpy().tolist() == [2, 4]

    def test_a_result_that_does_not_depend_on_the_arguments(self):
        f = al.compile(lambda x: (np.ones(3), 2.5, x))
        first = f(np.zeros(2))
        first[0][:] = 7
        assert f(np.zeros(2))[0].tolist() == [1, 1, 1]


class TestResultsBelongToTheCaller:
    def test_an_argument_is_not_handed_back(self):
        x = np.ones((2, 3))
        for result in al.compile(lambda x: (x, x.T, x[1:], np.reshape(x, -1), x))(x):
            assert not np.shares_memory(result, x)

    def test_two_results_share_nothing(self):
        f = al.compile(lambda x: (x + 1, x + 1, (x + 1).T, (x + 1)[0]))
        results = f(np.ones((2, 2)))
        for i, a in enumerate(results):
            assert a.flags.writeable
            assert not any(np.shares_memory(a, b) for b in results[i + 1 :])

    def test_a_later_call_leaves_them_alone(self):
        f = al.compile(lambda x: (np.exp(x), np.dot(x, x.T), np.sum(x, axis=0)))
        x = RNG.normal(size=(3, 3))
        first = f(x)
        copies = copy.deepcopy(first)
        f(x * 2)
        assert_trees_close(first, copies, 0)

    def test_threads_do_not_meet(self, monkeypatch):
        monkeypatch.setattr(schedule, "REGION_FROM_ELEMENTS", 10)
        f = al.compile(al.value_and_grad(lambda x: np.sum(np.tanh(x @ x.T) ** 2)))
        inputs = [RNG.normal(size=(30, 30)) for _ in range(8)]
        expected = [f(x) for x in inputs]
        wrong = []

        def work(i):
            for _ in range(50):
                value, gradient = f(inputs[i])
                if value != expected[i][0] or not np.array_equal(gradient, expected[i][1]):
                    wrong.append(i)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong

    def test_donated_arguments_hold_the_results(self):
        def step(p, X, Y):
            value, slopes = al.value_and_grad(cost)(p, X, Y)
            return value, {name: p[name] - 0.1 * slopes[name] for name in p}

        parameters = network()
        X, Y = data()
        expected = step(copy.deepcopy(parameters), X, Y)
        arrays = dict(parameters)
        value, updated = al.compile(step, donate=0)(parameters, X, Y)
        assert_trees_close((value, updated), expected)
        for name, array in updated.items():
            assert array is arrays[name]

    def test_a_donated_argument_that_another_one_shares_memory_with(self):
        def f(a, b):
            first = a * 2
            return first, first + np.dot(b, b)

        a = RNG.normal(size=(3, 3))
        for view_of in (lambda x: x, lambda x: x.T, lambda x: x[::-1]):
            x = a.copy()
            view = view_of(x)
            expected = f(x.copy(), np.array(view))
            assert_trees_close(al.compile(f, donate=0)(x, view), expected)
        out = (a.copy(), a.copy())
        expected = f(out[0].copy(), out[1].copy())
        assert_trees_close(al.compile(f).into(out, *out), expected)

    def test_results_written_into_given_arrays(self):
        f = al.compile(lambda x, y: {"sum": x + y, "product": np.dot(x, y), "same": x})
        x, y = RNG.normal(size=(2, 3, 3))
        out = {name: np.zeros((3, 3)) for name in ("sum", "product", "same")}
        arrays = dict(out)
        for scale in (1, 2):
            assert f.into(out, x * scale, y) is out
            assert all(out[name] is arrays[name] for name in out)
            assert_trees_close(
                out, {"sum": x * scale + y, "product": scale * x @ y, "same": x * scale}
            )
        assert "empty(" not in f.source

    @pytest.mark.parametrize("donated", [True, False])
    def test_memory_of_another_order_holds_the_results_too(self, donated, monkeypatch):
        monkeypatch.setattr(schedule, "REGION_FROM_ELEMENTS", 2)
        monkeypatch.setattr(regions, "BLOCK_ELEMENTS", 4)

        def f(a, b):
            return np.exp(b) * 2 + 1, np.dot(b, b), np.sum(b, axis=0)

        b = RNG.normal(size=(4, 4))
        expected = f(None, b)
        strided = np.zeros((8, 8))
        arrays = np.zeros((4, 4), order="F"), strided[::2, ::2], np.zeros(8)[::2]
        if donated:
            found = al.compile(f, donate=0)(arrays, b)
        else:
            found = al.compile(functools.partial(f, None)).into(arrays, b)
            assert all(array is given for array, given in zip(found, arrays, strict=True))
        assert_trees_close(found, expected)

    def test_zeros_of_either_sign(self):
        zeros = np.array([0.0, -0.0])
        with np.errstate(divide="ignore"):
            assert al.compile(lambda x: x / np.array([0.0, -0.0]))(np.ones(2)).tolist() == [
                np.inf,
                -np.inf,
            ]
            assert al.compile(lambda x: x / zeros)(np.ones(2)).tolist() == [np.inf, -np.inf]

    @pytest.mark.parametrize(
        ("out", "message"),
        [
            ([np.zeros(2), np.zeros(2)], "structure"),
            (np.zeros(3), r"float64 \(2,\) does not go into float64 \(3,\)"),
            (np.zeros(2, np.float32), "does not go into float32"),
        ],
    )
    def test_arrays_that_do_not_fit_the_results(self, out, message):
        with pytest.raises(ValueError, match=message):
            al.compile(lambda x: x + 1).into(out, np.ones(2))

    def test_a_donated_argument_that_is_needed_later_is_not_written_over_too_early(self):
        def f(a, b):
            first = a + b
            return first, np.dot(a, first), a.T * 2 + first

        a, b = RNG.normal(size=(2, 3, 3))
        expected = f(a.copy(), b.copy())
        assert_trees_close(al.compile(f, donate=(0, 1))(a, b), expected)


class TestTransforms:
    def test_the_gradient_of_a_compiled_function(self):
        f = al.compile(lambda x, y: np.sum(np.sin(x) * y**2))
        x, y = RNG.normal(size=(2, 3))
        plain = f.function
        for argnums in (0, 1, (0, 1)):
            assert_trees_close(al.grad(f, argnums)(x, y), al.grad(plain, argnums)(x, y))

    def test_higher_orders(self):
        f = al.compile(lambda x: np.sum(np.exp(x) * x**2))
        x = RNG.normal(size=3)
        assert_trees_close(al.hessian(f)(x), al.hessian(f.function)(x))
        assert_trees_close(al.compile(al.hessian(f.function))(x), al.hessian(f.function)(x))
        third = al.grad(lambda x: np.sum(al.grad(lambda x: np.sum(al.grad(f)(x)))(x)))
        assert_trees_close(third(x), np.exp(x) * (x**2 + 6 * x + 6))

    @pytest.mark.parametrize(
        "transform",
        [
            lambda f: lambda x: al.jvp(f, (x,), (x * 2,)),
            lambda f: lambda x: al.hvp(f)(x, x * 2),
            lambda f: lambda x: al.vjp(f, x)[1](np.float64(2.0)),
            al.jacobian,
            al.value_and_grad,
        ],
    )
    def test_transforms_inside_and_outside(self, transform):
        def f(x):
            return np.sum(np.log(np.cosh(x)))

        x = RNG.normal(size=4)
        expected = transform(f)(x)
        assert_trees_close(al.compile(transform(f))(x), expected)
        assert_trees_close(transform(al.compile(f))(x), expected)

    def test_backward_through_a_compiled_function(self):
        f = al.compile(lambda W, X: np.tanh(np.dot(W, X)))
        W, X = al.Tensor(RNG.normal(size=(2, 3)), requires_grad=True), RNG.normal(size=(3, 4))
        np.sum(f(W, X) ** 2).backward()
        plain = al.grad(lambda W: np.sum(np.tanh(np.dot(W, X)) ** 2))(W.numpy())
        np.testing.assert_allclose(W.grad, plain, rtol=1e-12)

    def test_several_results_have_gradients(self):
        f = al.compile(lambda x: {"a": np.sin(x), "b": [x * 2, np.argmax(x)]})

        def loss(x, f=f):
            found = f(x)
            return np.sum(found["a"] * found["b"][0])

        x = RNG.normal(size=3)
        expected = al.grad(functools.partial(loss, f=f.function))(x)
        np.testing.assert_allclose(al.grad(loss)(x), expected, rtol=1e-12)

    def test_compiled_functions_call_each_other(self):
        inner = al.compile(lambda x: np.exp(-x * x))
        outer = al.compile(lambda x: np.sum(inner(x) + inner(2 * x)))
        x = RNG.normal(size=3)
        np.testing.assert_allclose(outer(x), np.sum(np.exp(-x * x) + np.exp(-4 * x * x)))
        assert len(inner._programs) == 0
        inner(x)
        np.testing.assert_allclose(outer(x), np.sum(np.exp(-x * x) + np.exp(-4 * x * x)))

    def test_gradcheck(self):
        f = al.compile(lambda x, y: np.sum(al.softmax(x, axis=0) * np.sqrt(y)))
        assert al.gradcheck(f, RNG.normal(size=(3, 2)), RNG.random((3, 2)) + 1)

    def test_under_no_grad(self):
        x = al.Tensor([1.0], requires_grad=True)
        with al.no_grad():
            assert not al.compile(lambda x: x * 2)(x).requires_grad

    def test_as_a_method(self):
        class Model:
            @al.compile
            def double(self, x):
                return x * 2

        assert Model().double(np.ones(1)).tolist() == [2]


class TestStableForms:
    def test_the_log_of_a_sigmoid(self):
        Z, Y = np.array([[-1000.0, 1000.0, 0.5]]), np.array([[1.0, 0.0, 1.0]])

        def loss(Z, Y):
            A = 1 / (1 + np.exp(-Z))
            return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / Y.size

        value, gradient = al.compile(al.value_and_grad(loss))(Z, Y)
        assert value == pytest.approx((2000 + np.log1p(np.exp(-0.5))) / 3)
        np.testing.assert_allclose(gradient * 3, [[-1, 1, 1 / (1 + np.exp(-0.5)) - 1]])

    @pytest.mark.parametrize(
        "loss",
        [
            lambda Z, Y: -np.mean(Y * np.log(al.sigmoid(Z)) + (1 - Y) * np.log(1 - al.sigmoid(Z))),
            lambda Z, Y: -np.mean(al.xlogy(Y, al.sigmoid(Z)) + al.xlog1py(1 - Y, -al.sigmoid(Z))),
            lambda Z, Y: nn.binary_cross_entropy(al.sigmoid(Z), Y),
            lambda Z, Y: -np.mean(np.log1p(-al.sigmoid(Z)) * Y),
        ],
    )
    def test_other_ways_to_write_it(self, loss):
        Z, Y = np.array([[-800.0, 800.0, 0.5]]), np.array([[0.0, 1.0, 1.0]])
        f = al.compile(al.value_and_grad(loss))
        value, gradient = f(Z, Y)
        assert np.isfinite(value) and np.isfinite(gradient).all()
        Z = RNG.normal(size=(1, 3))
        assert_trees_close(f(Z, Y), al.value_and_grad(loss)(Z, Y))

    def test_a_sum_of_exp(self):
        def loss(x):
            powers = np.exp(x)
            shares = powers / np.sum(powers, axis=1, keepdims=True)
            return np.log(np.sum(np.exp(x))) + np.sum(shares**2)

        f = al.compile(al.value_and_grad(loss))
        value, gradient = f(np.array([[1000.0, 999.0]]))
        assert value == pytest.approx(1000 + np.log1p(np.exp(-1)) + 0.6067761335)
        assert np.isfinite(gradient).all()
        x = RNG.normal(size=(3, 4))
        assert_trees_close(f(x), al.value_and_grad(loss)(x))

    def test_the_articles_gradient_is_the_textbooks(self):
        compiled = al.compile(al.value_and_grad(cost))
        compiled(network(), *data())
        assert "subtract" in compiled.source
        # 1 / (1 + exp(-Z2)), and the derivative of np.maximum where both are equal.
        assert compiled.source.count("divide(") == 2


class TestGuards:
    def test_a_closed_over_array_that_changes(self):
        array = np.array([1.0, 2.0])
        f = al.compile(lambda x: x * array)
        f(np.ones(2))
        array[0] = 5
        message = r"<lambda> was compiled with array as it was then.*test_compile.py\", line \d+"
        with pytest.raises(RuntimeError, match=message):
            f(np.ones(2))
        f.forget()
        assert f(np.ones(2)).tolist() == [5, 2]

    def test_what_is_computed_from_a_closed_over_tensor(self):
        W = al.Tensor([1.0, 2.0])
        f = al.compile(lambda x: x * (W * 2))
        assert f(np.ones(2)).numpy().tolist() == [2, 4]
        W.data[0] = 5
        with pytest.raises(RuntimeError, match="compiled with W"):
            f(np.ones(2))

    def test_a_closed_over_number_that_changes(self):
        rate = 0.5
        f = al.compile(lambda x: x * rate)
        f(np.ones(2))
        rate = 0.25
        with pytest.raises(RuntimeError, match="rate"):
            f(np.ones(2))
        rate = 0.5
        assert f(np.ones(2)).tolist() == [0.5, 0.5]

    def test_an_array_behind_an_attribute_a_list_and_a_helper(self):
        class Holder:
            pass

        holder, items = Holder(), [np.ones(2)]
        holder.scale = np.ones(2)

        def helper(x):
            return x * holder.scale + items[0]

        f = al.compile(lambda x: helper(x))
        assert f(np.ones(2)).tolist() == [2, 2]
        holder.scale = np.ones(2) * 3
        with pytest.raises(RuntimeError, match=r"holder\.scale"):
            f(np.ones(2))
        holder.scale = np.ones(2)
        items[0] = np.zeros(2)
        f.forget()
        f(np.ones(2))
        items.append(1)
        with pytest.raises(RuntimeError, match="items"):
            f(np.ones(2))

    def test_what_a_class_has(self):
        class Options:
            scale = np.ones(2)
            rate = 0.5

        class Model:
            factor = 2.0

            def double(self, x):
                return x * self.factor

        model = Model()
        f = al.compile(lambda x: model.double(x) * Options.scale * Options.rate)
        assert f(np.ones(2)).tolist() == [1, 1]
        for kind, name, new in ((Options, "rate", 1.0), (Model, "factor", 3.0)):
            old = getattr(kind, name)
            setattr(kind, name, new)
            with pytest.raises(RuntimeError, match=name):
                f(np.ones(2))
            setattr(kind, name, old)
        assert f(np.ones(2)).tolist() == [1, 1]
        Options.scale[0] = 5
        with pytest.raises(RuntimeError, match="scale"):
            f(np.ones(2))

    def test_an_array_in_a_slot(self):
        hidden = {1: np.ones(2)}

        class Slotted:
            __slots__ = ("held",)

        slotted = Slotted()
        slotted.held = hidden[1]
        f = al.compile(lambda x: x * slotted.held)
        f(np.ones(2))
        hidden[1][0] = 5
        with pytest.raises(RuntimeError, match=r"slotted\.held.*test_compile.py"):
            f(np.ones(2))

    def test_the_parameters_of_a_module(self):
        net = nn.Sequential(nn.Linear(2, 1, seed=0), nn.Sigmoid())

        @al.compile
        @al.no_grad
        def predict(X):
            return net(X)

        X = np.ones((2, 3))
        np.testing.assert_allclose(predict(X).numpy(), net(X).numpy())
        net.layers[0].weight.data += 1
        with pytest.raises(RuntimeError, match=r"net\.layers.*weight"):
            predict(X)

    def test_an_array_made_inside_is_no_such_array(self):
        def f(x):
            buffer = np.zeros(2)
            y = x + buffer
            buffer += 1
            return y * (x + buffer)

        g = al.compile(f)
        for _ in range(2):
            assert g(np.ones(2)).tolist() == [2, 2]


COUNT = 0


class TestRefusals:
    """What a program cannot hold raises, with the line, and leaves nothing changed."""

    def refused(self, function, *arguments, match):
        with pytest.raises(al.TracedValueError, match=match) as raised:
            al.compile(function)(*arguments)
        assert "test_compile.py" in str(raised.value)

    def test_a_branch(self):
        def f(x):
            return x if np.sum(x) > 0 else -x

        self.refused(f, np.ones(2), match=r"f, .*line \d+, in f: a branch .*np\.where")
        self.refused(al.grad(lambda x: f(x) * 1.0), 1.0, match=r"a branch .*np\.where")

    @pytest.mark.parametrize(
        ("read", "what"),
        [
            (float, r"float\(\)"),
            (int, r"int\(\)"),
            (lambda x: x.item(), r"\.item\(\)"),
            (lambda x: x.tolist(), r"\.tolist\(\)"),
            (np.asarray, "as a NumPy array"),
            (lambda x: [1, 2][x.astype(int)], "as a whole number"),
            (lambda x: f"{x:.2f}", "a format"),
            (np.nonzero, "the shape"),
            (lambda x: np.ones(3)[x > 0], "as a NumPy array"),
            (lambda x: x[x > 0], "the shape"),
            (np.unique, "the shape"),
        ],
    )
    def test_reading_a_value(self, read, what):
        self.refused(lambda x: read(x), np.array(1.0), match=what)

    @pytest.mark.parametrize(
        "read", [float, int, bool, np.asarray, lambda x: x.item(), lambda x: f"{x:.2f}"]
    )
    def test_reading_a_value_of_a_tensor(self, read):
        self.refused(lambda x: read(al.Tensor(x, copy=False)), np.array(1.0), match="value")
        self.refused(
            al.grad(lambda x: read(x.detach()) * x), np.array(1.0), match="a compiled program"
        )

    @pytest.mark.parametrize(
        "write",
        [
            lambda x: x.__setitem__(0, 1.0),
            lambda x: x.__iadd__(1),
            lambda x: np.add(x, 1, out=x),
            lambda x: np.ones(2).__setitem__(0, x[0]),
            lambda x: np.copyto(x, 1),
            lambda x: np.add(np.ones(2), x, out=np.ones(2)),
            lambda x: np.ones(2).__iadd__(x),
            lambda x: x.sort(),
            lambda x: np.put(x, 0, 1),
        ],
    )
    def test_writing_into_an_array(self, write):
        self.refused(lambda x: (write(x), x)[1], np.ones(2), match="write|assigned|change|asks")

    def test_a_global_that_is_written(self):
        def f(x):
            global COUNT
            COUNT += 1
            return x

        self.refused(f, np.ones(1), match=r"line \d+, in f: it writes to COUNT")
        assert COUNT == 0

    def test_a_list_that_grows(self):
        seen = []

        def f(x):
            seen.append(x)
            return x

        self.refused(f, np.ones(1), match="it writes to seen")
        assert seen == []

    def test_an_attribute_and_a_closed_over_name(self):
        class Holder:
            pass

        holder, total = Holder(), 1.0
        holder.value = 1.0

        def f(x):
            holder.value = x
            return x

        def g(x):
            nonlocal total
            total = total + x
            return x

        self.refused(f, np.ones(1), match=r"it writes to holder\.value")
        self.refused(g, np.ones(1), match="it writes to total")
        assert (holder.value, total) == (1.0, 1.0)

    def test_backward_on_a_tensor_from_outside(self):
        W = al.Tensor([1.0], requires_grad=True)

        def f(x):
            np.sum(W * x).backward()
            return x

        self.refused(f, np.ones(1), match=r"it writes to W\.grad.*value_and_grad")
        assert W.grad is None

    @pytest.mark.parametrize("draw", [lambda: np.random.rand(), lambda: GENERATOR.random()])
    def test_random_numbers(self, draw):
        self.refused(lambda x: x * draw(), np.ones(1), match="draws random numbers")

    def test_a_result_whose_gradient_would_be_lost(self):
        W = al.Tensor([1.0], requires_grad=True)
        with pytest.raises(al.TracedValueError, match="returns a Tensor that depends"):
            al.compile(lambda x: x * W)(np.ones(1))

    def test_a_traced_value_that_got_out(self):
        kept = {}

        def f(x):
            kept["x"] = x
            return x

        with pytest.raises(al.TracedValueError):
            al.compile(f)(np.ones(1))
        assert not kept

    def test_arguments(self):
        f = al.compile(lambda x: x)
        with pytest.raises(TypeError, match="arrays, numbers and lists"):
            f({1, 2})
        with pytest.raises(TypeError, match="arrays of numbers, not of object"):
            f(np.array([None]))
        with pytest.raises(TypeError, match="MaskedArray"):
            f(np.ma.array([1.0], mask=[True]))
        with pytest.raises(TypeError, match="takes a function, not int"):
            al.compile(3)
        with pytest.raises(ValueError, match="threads"):
            al.compile(f, threads=0)

    def test_an_error_of_the_function_is_its_own(self):
        with pytest.raises(ZeroDivisionError):
            al.compile(lambda x: 1 / 0)(np.ones(1))
        with pytest.raises(ValueError, match="aligned"):
            al.compile(lambda x: np.dot(x, np.ones((5, 5))))(np.ones((2, 2)))


GENERATOR = np.random.default_rng(0)


class TestPrograms:
    def test_the_cache_is_bounded(self):
        f = al.compile(lambda x: x + 1)
        for n in range(3 * PROGRAM_LIMIT):
            f(np.ones(n))
        assert len(f._programs) == PROGRAM_LIMIT

    def test_the_source_has_the_users_names(self):
        f = al.compile(al.value_and_grad(cost))
        f(network(), *data())
        for name in ("W1", "b1", "Z1", "A1", "W2", "Z2"):
            assert name in f.source

    def test_the_source_can_be_pasted_into_a_file(self, tmp_path):
        weights, scale = np.arange(6.0).reshape(2, 3), np.array([np.inf, np.nan, 2.0], np.float32)
        kinds = np.array([2 + 1j, complex("nan")]), np.array([True, False]), np.zeros((0, 3))
        large, generator = np.ones((400, 3)), np.random.default_rng(0)

        def f(x, rate):
            y = np.exp(np.dot(weights, x)) * rate + np.float32(0.5)
            z = np.fft.rfft(y)[:2] * kinds[0] + np.where(kinds[1], y, np.inf)
            return y, z, scale * x, np.dot(large, x)[::2], np.sort(y), kinds[2] + x

        compiled, x = al.compile(f), generator.standard_normal(3)
        expected = compiled(x, 0.5)
        assert compiled.source.count(": object  # float64 (400, 3), which the function reads") == 1
        path = tmp_path / "pasted.py"
        path.write_text(compiled.source)
        pasted = runpy.run_path(str(path), {"large": large})
        found = pasted["f"](x, 0.5, pasted["new_workspace"]())
        for ours, theirs in zip(found, expected, strict=True):
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)

    def test_functions_that_have_no_name_elsewhere_are_declared(self):
        def local(x):
            return x

        text = preamble({"add": np.add, "sort": np.sort, "local": local, "inv": np.linalg.inv})
        assert "local: object  # the function" in text and "local: set it before" in text
        namespace = {}
        exec(text, namespace)
        assert namespace["inv"] is np.linalg.inv and namespace["sort"] is np.sort

    @pytest.mark.parametrize(
        "value",
        [
            *((), (1,), (1, 2), [], [1.5], [(1,), None], slice(1, None), slice(None, 5, -1), "a"),
            *(True, 3, -np.inf, 1 - 2j, complex(0, np.inf), np.float32(0.1), np.int8(-3)),
            *(np.zeros((0, 3)), np.array(2), np.array([True]), np.array([[1, 2]], ">i2")),
            *(np.array([1j, 2]), np.array([0.1, np.nan, -np.inf], np.float32), np.dtype("f4")),
        ],
        ids=repr,
    )
    def test_constants_are_written_as_what_they_are(self, value):
        namespace = {}
        exec(preamble({"value": value}), namespace)
        found = namespace["value"]
        assert type(found) is type(value) and repr(found) == repr(value)
        if isinstance(value, np.ndarray):
            assert (found.dtype, found.shape) == (value.dtype, value.shape)

    @pytest.mark.parametrize("module", ["__main__", "my-module", "x import y; print", "a\nb", ""])
    def test_functions_of_odd_modules_are_declared(self, module, monkeypatch):
        def scaled(x):
            return x

        scaled.__module__, scaled.__qualname__ = module, "scaled"
        other = types.ModuleType("other")
        other.scaled = scaled
        monkeypatch.setitem(sys.modules, module, other)
        namespace = {}
        exec(preamble({"scaled": scaled}), namespace)
        assert "scaled" not in namespace and "scaled" in namespace["__annotations__"]

    def test_before_the_first_call(self):
        with pytest.raises(RuntimeError, match="call it once"):
            _ = al.compile(cost).source

    def test_the_explanation(self):
        f = al.compile(al.value_and_grad(cost))
        f(network(), *data())
        text = str(f.explain())
        for word in ("trace", "stable forms", "expansion", "algebra", "products", "memory"):
            assert f"\n  {word}" in text
        dot = f.explain().draw().source
        assert "W1" in dot and "->" in dot

    def test_regions_are_explained_and_drawn(self, monkeypatch):
        monkeypatch.setattr(schedule, "REGION_FROM_ELEMENTS", 4)
        f = al.compile(lambda x: np.sum(np.exp(x) * x))
        f(np.ones(10))
        text = str(f.explain())
        assert "3 steps over 10 in one pass" in text
        assert "instead of 160 bytes" in text
        assert "cluster_0" in f.explain().draw().source

    def test_memory_is_used_again(self):
        def chain(x):
            for _ in range(20):
                x = np.tanh(np.dot(x, x))
            return x

        f = al.compile(chain)
        f(np.ones((50, 50)))
        assert f.explain().workspace <= 3 * 50 * 50 * 8

    def test_names_that_are_words_of_the_source(self):
        def f(workspace, add, np_, lambda_):
            step, i, empty = workspace * add, add + np_, np.exp(lambda_)
            return step, i, empty, np.sum(step)

        arguments = [RNG.normal(size=3) for _ in range(4)]
        assert_trees_close(al.compile(f)(*arguments), f(*arguments))

    @pytest.mark.parametrize("function", [np.dot, np.add, np.where, np.linalg.inv])
    def test_functions_of_numpy_itself(self, function):
        arrays = [RNG.normal(size=(3, 3)) for _ in range(3)]
        arrays = arrays[: {np.where: 3, np.linalg.inv: 1}.get(function, 2)]
        assert_trees_close(al.compile(function)(*arrays), function(*arrays))

    def test_variables_that_are_called_as_functions_are(self, monkeypatch):
        monkeypatch.setattr(schedule, "REGION_FROM_ELEMENTS", 4)
        monkeypatch.setattr(regions, "BLOCK_ELEMENTS", 3)

        def add(t0, where, transpose, first, cut):
            dot = np.dot(t0, transpose.T)
            reshape = np.exp(t0) + where
            t1 = np.where(reshape > first, cut, reshape) * reshape
            t0__ = np.linalg.inv(dot) + t1.sum()
            return t0__, t1, np.log(t1 * t1 + 1)

        arrays = [RNG.normal(size=(3, 3)) for _ in range(5)]
        assert_trees_close(al.compile(add)(*arrays), add(*arrays))

    def test_copies_and_pickles_are_refused_or_work(self):
        f = al.compile(cost)
        f(network(), *data())
        assert copy.copy(f)(network(), *data()) > 0
        with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
            pickle.dumps(f)


def test_the_values_of_the_example_are_gone_after_the_first_call():
    def cost(W, X):
        for _ in range(8):
            X = np.tanh(W @ X) * 2
        return np.sum(X)

    W, X = np.eye(4), np.ones((4, 20_000))
    step = al.compile(al.grad(cost))
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        step(W, X)
        snapshot = tracemalloc.take_snapshot()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.enable()
    arrays = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)
    left = sum(trace.size for trace in snapshot.filter_traces([arrays]).traces)
    workspaces = sum(step._last().lowered.workspaces.sizes)
    assert peak > workspaces + 20 * X.nbytes
    assert left < workspaces + X.nbytes


@pytest.mark.parametrize(
    ("a", "b"), [("f4", "f8"), ("f8", "f4"), ("i8", "f8"), ("i4", "i4"), ("c16", "c16")]
)
def test_ways_of_a_product_are_measured_for_floats_of_one_dtype(a, b, monkeypatch):
    monkeypatch.setattr(matrix_products, "MEASURED_FROM_MULTIPLICATIONS", 0)
    monkeypatch.setattr(matrix_products, "_measured", {})
    left, right = np.arange(6).reshape(2, 3), np.arange(12).reshape(3, 4)
    compiled = al.compile(lambda x, y: np.dot(x, y) * 2, native=False)
    found = compiled(left.astype(a), right.astype(b))
    assert found.dtype == np.result_type(a, b) and not matrix_products._measured
    np.testing.assert_array_equal(found, left @ right * 2)
    compiled(left.astype("f4"), right.astype("f4"))
    assert len(matrix_products._measured) == 1


@pytest.mark.parametrize("hold", [lambda a: {0: a}.get, lambda a: np.array([a, None], object).item])
def test_arrays_that_are_read_by_unknown_ways_are_watched(hold):
    """They are met in the trace, and somebody has them still."""
    array = np.ones(3)
    held = hold(array)
    compiled = al.compile(lambda x: x * held(0))
    for _ in range(2):
        np.testing.assert_array_equal(compiled(np.ones(3)), array)
    array[:] = 2
    with pytest.raises(RuntimeError, match=r"an array of shape \(3,\) as it was then, and it has"):
        compiled(np.ones(3))


def test_masks_are_made_as_soon_as_they_can_be():
    """What they are made of can then be written over."""

    def chosen(x):
        y = np.exp(x)
        z = np.sin(y)
        return np.where(y > 1, z, 0)

    compiled = al.compile(chosen, native=False)
    compiled(np.ones(3))
    steps = [compiled.source.index(f"\n    {name}(") for name in ("exp", "greater", "sin")]
    assert steps == sorted(steps)
    assert "1 steps write over an operand" in str(compiled.explain())


@pytest.mark.parametrize(("size", "shared"), [(1_000, []), (100_000, []), (1_000_000, [3])])
def test_threads_share_what_takes_long_enough(size, shared, monkeypatch):
    found = []
    in_parallel = runtime.in_parallel

    def noting(calls):
        found.append(len(calls))
        in_parallel(calls)

    monkeypatch.setattr(runtime, "in_parallel", noting)
    x = np.linspace(0, 1, size)
    compiled = al.compile(lambda x: 2 * x + np.square(x), threads=3, native=False)
    np.testing.assert_allclose(compiled(x), 2 * x + x * x)
    assert found == shared


@pytest.mark.parametrize(
    "a, b, single",
    [
        ((32, 64), (64, 32), False),
        ((32, 64), (64, 2048), True),
        pytest.param((5, 12288), (12288, 2000), True, marks=pytest.mark.slow),
        ((512, 784), (784, 4096), False),
    ],
)
def test_blas_takes_one_thread_where_two_gain_nothing(a, b, single, monkeypatch):
    entered = []
    monkeypatch.setattr(compiled_module, "one_blas_thread", lambda: watched(entered))
    compiled = al.compile(lambda A, B: np.dot(A, B) + 1.0, native=False)
    A, B = np.ones(a), np.ones(b)
    found = compiled(A, B)
    assert entered == (["in", "out"] if single else [])
    assert np.array_equal(found, np.dot(A, B) + 1.0)


@contextlib.contextmanager
def watched(entered):
    entered.append("in")
    yield
    entered.append("out")
