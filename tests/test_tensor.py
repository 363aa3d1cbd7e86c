"""Tensor: what it holds, what it refuses, and the two protocols."""

import gc
import math

import numpy as np
import pytest
from tensors import parameter

import autograd_lite as al


class TestMaking:
    def test_data_is_copied(self):
        array = np.ones(3)
        tensor = al.Tensor(array)
        array[0] = 5
        assert tensor.data[0] == 1

    def test_memory_is_shared_by_name(self):
        array = np.ones(3)
        tensor = al.Tensor(array, copy=False)
        array[0] = 5
        assert tensor.data[0] == 5

    @pytest.mark.parametrize("data", [3, [1, 2], np.arange(3), np.array([True])])
    def test_integers_have_no_gradient(self, data):
        assert not al.Tensor(data).requires_grad
        with pytest.raises(TypeError, match="only floating-point tensors.*dtype=np.float64"):
            al.Tensor(data, requires_grad=True)
        with pytest.raises(TypeError, match="'n' has dtype"):
            al.Tensor(data, requires_grad=True, name="n")

    @pytest.mark.parametrize("data", ["text", None, [[1.0], [1.0, 2.0]], [object()]])
    def test_what_is_no_array_of_numbers_is_refused(self, data):
        with pytest.raises((TypeError, ValueError)):
            al.Tensor(data)

    def test_a_tensor_of_a_tensor_is_refused(self):
        with pytest.raises(TypeError, match="'x' is a Tensor already"):
            al.Tensor(parameter(1, "x"))

    def test_names_are_strings(self):
        with pytest.raises(TypeError, match="a string or None, not 5"):
            al.Tensor(1.0, name=5)
        with pytest.raises(TypeError, match=r"such as locals\(\), not 5"):
            al.label(5)

    def test_dtype(self):
        assert al.Tensor([1, 2], dtype=np.float32, requires_grad=True).dtype == np.float32

    def test_repr(self):
        assert repr(parameter([1, 2], "x")) == ("Tensor([1., 2.], requires_grad=True, name='x')")
        assert repr(parameter([1, 2]) * 2) == "Tensor([2., 4.], operation=multiply)"
        assert f"{parameter(math.pi):.2f}" == "3.14"


class TestRecording:
    def test_operators_functions_and_methods_are_one(self):
        x, y = parameter([[1, 2], [3, 4]]), parameter([[5, 6], [7, 8]])
        for result in (x @ y, np.matmul(x, y), al.matmul(x, y), x.dot(y), np.dot(x, y)):
            np.testing.assert_array_equal(result.data, x.data @ y.data)
        for result in (x.sigmoid(), al.sigmoid(x), 1 / (1 + np.exp(-x))):
            np.testing.assert_allclose(result.data, 1 / (1 + np.exp(-x.data)))
        for result in (x.T, x.transpose(), x.transpose(1, 0), x.transpose((1, 0)), np.transpose(x)):
            np.testing.assert_array_equal(result.data, x.data.T)
        for result in (x.reshape(4), x.reshape(-1), x.reshape((4,)), np.reshape(x, 4)):
            np.testing.assert_array_equal(result.data, x.data.reshape(4))
        for result in (x.sum(), np.sum(x), al.sum(x), np.sum(a=x)):
            assert result.item() == 10
        for result in (x.relu(), al.relu(x), al.maximum(x, 0), np.maximum(0, x), abs(x), +x):
            np.testing.assert_array_equal(result.data, x.data)
        for result in (x.log(), x.exp().log().log(), np.log(x)):
            np.testing.assert_allclose(result.data, np.log(x.data))

    @pytest.mark.parametrize(
        "name",
        """sum prod mean var std max min cumsum cumprod trace clip conj conjugate ravel flatten
        squeeze swapaxes diagonal take repeat argmax argmin argsort round all any T real imag
        shape ndim size dtype""".split(),
    )
    def test_methods_and_attributes_are_those_of_arrays(self, name):
        arguments = {"clip": (1.5, 3), "swapaxes": (0, 1), "take": ([0, 3],), "repeat": (2,)}
        array = np.array([[1.0, 2.0], [3.0, 4.0]])
        expected, actual = getattr(array, name), getattr(parameter(array), name)
        if callable(expected):
            expected = expected(*arguments.get(name, ()))
            actual = actual(*arguments.get(name, ()))
        plain = actual.data if isinstance(actual, al.Tensor) else actual
        np.testing.assert_array_equal(plain, expected)

    @pytest.mark.parametrize("other", [2.0, np.float64(2), np.array(2.0), np.array([2.0, 3.0])])
    def test_an_array_may_stand_on_either_side(self, other):
        x = parameter([1, 5])
        for left, right in ((x, other), (other, x)):
            for operate in (
                lambda a, b: a + b,
                lambda a, b: a - b,
                lambda a, b: a * b,
                lambda a, b: a / b,
                lambda a, b: a**b,
            ):
                result = operate(left, right)
                assert isinstance(result, al.Tensor)
                plain = [v.data if v is x else v for v in (left, right)]
                np.testing.assert_array_equal(result.data, operate(*plain))

    def test_constants_are_not_recorded(self):
        assert (al.Tensor([1.0]) * 2).is_leaf
        assert not (al.Tensor([1.0]) * parameter([2])).is_leaf

    def test_an_addition_keeps_no_arrays(self):
        assert (parameter([1]) + parameter([2]))._node.kept == ()

    def test_only_what_the_needed_gradients_need_is_kept(self):
        X, W = np.ones((3, 4)), parameter(np.ones((2, 3)))
        assert [k for k in np.dot(W, X)._node.kept if k is X] == [X]
        assert not any(k is W._value for k in np.dot(W, X)._node.kept)

    def test_comparisons_are_plain_arrays(self):
        x = parameter([1, 3])
        assert type(x > 2) is np.ndarray
        assert (x > 2).tolist() == [False, True]
        assert (2 < x).tolist() == [False, True]
        assert type(np.greater(x, 2)) is np.ndarray
        assert np.argmax(x) == 1
        assert np.shape(x) == (2,)
        assert type(np.zeros_like(x)) is np.ndarray

    def test_names(self):
        W, X = parameter([[1.0]]), np.ones((1, 2))
        Z = np.dot(W, X)
        unnamed = Z * 2
        del unnamed
        al.label({"W": W, "X": X, "Z": Z, "n": 3})
        assert (W.name, Z.name) == ("W", "Z")
        al.label({"other": W})
        assert W.name == "W"

    @pytest.mark.parametrize("name", ["exp", "log", "sqrt", "tanh", "conj"])
    def test_a_method_leaves_no_element_undefined(self, name):
        x = parameter([1.0, 2.0])
        with pytest.raises(TypeError, match="leaves elements undefined"):
            getattr(x, name)(where=[True, False])

    @pytest.mark.parametrize("shells", ["_", "__", "___", "_12"])
    def test_a_name_that_a_shell_gave_is_none(self, shells):
        W = parameter([1.0])
        al.label({shells: W, "W": W})
        assert W.name == "W"


class TestRefusing:
    def test_conversion_to_an_array(self):
        x = parameter([1, 2], "x")
        for convert in (np.asarray, np.array, lambda t: np.array([t, t])):
            with pytest.raises(TypeError, match=r"\.data or \.detach"):
                convert(x)
        np.testing.assert_array_equal(np.asarray(al.Tensor([1, 2])), [1, 2])

    def test_lists_of_tensors_do_not_become_object_arrays(self):
        with pytest.raises(TypeError):
            np.sum([parameter(1), parameter(2)])

    @pytest.mark.parametrize("convert", [float, int, complex, math.exp])
    def test_python_numbers(self, convert):
        x = parameter(1, "x")
        with pytest.raises(TypeError, match=r"'x'.*\.item\(\)"):
            convert(x)
        with al.no_grad():
            assert convert(x) == convert(1.0)
        assert x.item() == 1

    @pytest.mark.parametrize(
        "call",
        [
            lambda x: np.add.at(np.zeros(3), [0], x),
            lambda x: np.add(x, 1, out=np.zeros(2)),
            lambda x: np.sum(x, out=np.zeros(())),
        ],
    )
    def test_ufunc_methods_and_out(self, call):
        with pytest.raises(TypeError, match="out="):
            call(parameter([1, 2]))

    def test_functions_without_a_rule(self):
        with pytest.raises(TypeError, match="np.frexp has no derivative rule.*'x'.*exponent"):
            np.frexp(parameter([1.0, 2.0], "x"))
        np.testing.assert_array_equal(np.frexp(al.Tensor([1.0, 2.0])), np.frexp([1.0, 2.0]))

    def test_a_tensor_as_an_option(self):
        with pytest.raises(TypeError, match="initial"):
            np.sum(parameter([1, 2]), initial=parameter(3))

    def test_a_0d_tensor_has_no_length(self):
        assert len(parameter([1, 2])) == 2
        with pytest.raises(TypeError, match="no length"):
            len(parameter(1))


class TestData:
    def test_a_leaf_can_be_updated(self):
        W = parameter([1, 2])
        (W * W).sum().backward()
        W.data -= 0.5 * W.grad
        assert W.data.tolist() == [0, 0]
        W.data = [3, 4]
        assert W.data.tolist() == [3, 4]

    def test_updates_keep_the_dtype(self):
        W = al.Tensor([1, 2], requires_grad=True, dtype=np.float32)
        (W * W).sum().backward()
        W.data -= np.float64(0.1) * W.grad
        assert W.data.dtype == np.float32
        W.data = W.data - np.float64(0.1) * W.grad.astype(np.float64)
        assert W.data.dtype == np.float32

    def test_an_update_does_not_share_memory(self):
        W, values = parameter([1, 2]), np.array([3.0, 4.0])
        W.data = values
        values[0] = 9
        assert W.data[0] == 3

    def test_wrong_shapes_are_refused(self):
        W = parameter([1, 2], "W")
        with pytest.raises(ValueError, match=r"\(3,\) to the Tensor 'W' of shape \(2,\)"):
            W.data = np.ones(3)
        with pytest.raises(ValueError, match=r"\(3,\) does not fit the Tensor 'W'"):
            W.grad = np.ones(3)

    def test_results_are_read_only(self):
        result = parameter([1, 2]) * 2
        with pytest.raises(ValueError, match="read-only"):
            result.data[0] = 5
        with pytest.raises(ValueError, match="result of an operation"):
            result.data = np.ones(2)
        with pytest.raises(ValueError, match="result of an operation"):
            result.requires_grad = False
        with pytest.raises(ValueError, match="read-only"):
            (parameter(1) * 2).data[()] = 3

    def test_numpy_gives_an_array_of_ones_own(self):
        x = parameter([1, 2])
        copy = x.numpy()
        copy[0] = 5
        assert x.data[0] == 1

    def test_detach(self):
        x = parameter([1, 2])
        detached = (x * 2).detach()
        assert not detached.requires_grad
        (x * detached).sum().backward()
        assert x.grad.tolist() == [2, 4]


class TestLocks:
    def test_a_kept_leaf_is_locked_until_backward(self):
        x = parameter([1, 2], "x")
        y = x * x
        for write in (
            lambda: x.data.__setitem__(0, 5),
            lambda: x.data.__setitem__(slice(1), 5),
            lambda: x.data[:1].__setitem__(0, 5),
            lambda: np.add(x.data, 1, out=x.data),
            lambda: x.data.__isub__(1),
            lambda: np.add.at(x.data, [0], 1),
            lambda: setattr(x, "data", np.ones(2)),
        ):
            with pytest.raises(ValueError, match="'x' cannot be written to: multiply keeps"):
                write()
        with pytest.raises(ValueError, match="after backward"):
            x.data -= 1
        assert x.data.tolist() == [1, 2]
        y.sum().backward()
        x.data -= 1
        assert x.data.tolist() == [0, 1]

    def test_an_array_got_before_the_lock_is_locked_too(self):
        x = parameter([1, 2])
        array = x.data
        y = x * x
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5
        del y
        array[0] = 5

    def test_dropping_the_graph_unlocks(self):
        x = parameter([1, 2])
        y = x * x
        del y
        x.data -= 1

    def test_a_constant_is_locked_as_long_as_a_graph_keeps_it(self):
        X, W = np.ones((2, 3)), parameter([[1, 2]])
        first, second = np.dot(W, X), np.dot(W, X)
        with pytest.raises(ValueError, match="read-only"):
            X[0, 0] = 5
        first.sum().backward()
        assert not X.flags.writeable
        second.sum().backward()
        X[0, 0] = 5

    def test_the_base_of_a_kept_view_is_locked(self):
        data, W = np.ones((4, 3)), parameter([[1, 2]])
        result = np.dot(W, data[:2])
        with pytest.raises(ValueError, match="read-only"):
            data[0, 0] = 5
        result.sum().backward()
        data[0, 0] = 5

    def test_views_and_bases_kept_by_different_graphs(self):
        data, W = np.ones((2, 3)), parameter([[1, 2]])
        view = data[:]
        of_view, of_data = np.dot(W, view), np.dot(W, data)
        del of_view
        assert not data.flags.writeable
        del of_data
        assert data.flags.writeable
        assert view.flags.writeable

    def test_what_is_not_kept_stays_writeable(self):
        Y, x = np.ones(2), parameter([1, 2])
        result = x - Y
        Y[0] = 7
        result.sum().backward()

    def test_arrays_that_were_read_only_stay_so(self):
        X, W = np.ones((2, 3)), parameter([[1, 2]])
        X.flags.writeable = False
        np.dot(W, X).sum().backward()
        assert not X.flags.writeable

    def test_a_locked_array_computes_as_any_other(self):
        x = parameter([1, 2])
        y = x * x
        assert type(x.data + 1) is np.ndarray
        assert type(np.dot(x.data, x.data)) in (np.float64, np.ndarray)
        assert (x.data * x.data).tolist() == [1, 4]
        for own in (x.data.copy(), x.data * 1, np.concatenate([x.data, x.data]), x.data.repeat(2)):
            own[0] = 7
            own += 1
            assert own[0] == 8
        assert type(x.data + parameter([1, 2])) is al.Tensor
        del y

    def test_nothing_is_left_behind(self):
        from autograd_lite.arrays import locks

        gc.collect()
        before = len(locks._holds)
        for _ in range(10):
            np.dot(parameter([[1, 2]]), np.ones((2, 3))).sum().backward()
        assert len(locks._holds) == before


def test_remainders_and_quotients():
    x = parameter([5, -7])
    np.sum(x % 3 + 20 % x).backward()
    # d(20 mod x)/dx is -(20 // x).
    assert x.grad.tolist() == [1 - 4, 1 + 3]
    for quotient, rest in (divmod(x, 3), divmod(20, x)):
        assert type(quotient) is np.ndarray
        assert rest.requires_grad
    assert (x // 3).tolist() == [1, -3]
    assert (20 // x).tolist() == [4, -3]


def test_nan_to_num_does_not_write_into_a_tensor():
    x = parameter([1, np.nan])
    with pytest.raises(ValueError, match="copy=False. would write into a Tensor"):
        np.nan_to_num(x, copy=False)
    np.sum(np.nan_to_num(x, nan=5.0)).backward()
    assert x.grad.tolist() == [1, 0]
    assert np.isnan(x.data[1])


def test_nan_to_num_of_whole_numbers_is_what_they_are():
    found = np.nan_to_num(al.Tensor([1, 2]))
    assert (found.dtype.kind, np.asarray(found).tolist()) == ("i", [1, 2])
