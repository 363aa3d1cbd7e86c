"""Arrays of other libraries: no operation turns one into a NumPy array, or else it says so."""

import foreign
import numpy as np
import pytest
from all_cases import CASES, by_id
from foreign import Foreign, shown

import autograd_lite as al

BY_VALUES = {
    *("lstsq", "nanmedian", "nanpercentile", "nanquantile", "pinv", "polyfit", "polymul", "roots"),
    "trim_zeros",
}
"""The functions that decide by values, in some of their cases."""


def real_scalar(value, seed):
    """A real scalar that depends on every element of `value`."""
    weights = np.random.default_rng(seed).uniform(0.5, 1.5, value.shape)
    total = np.sum(np.real(value) * weights)
    return total + np.sum(np.imag(value) * (2 - weights)) if value.dtype.kind == "c" else total


def derivatives(case, order, wrap):
    """The result of a case, and its derivatives up to `order`, as arrays."""
    operands = [al.Tensor(wrap(np.asarray(o)), requires_grad=True) for o in case.operands]
    result = case(*operands)
    found = [result.data]
    scalar = real_scalar(result, 7)
    for step in range(order):
        gradients = al.gradients(scalar, operands, create_graph=step + 1 < order)
        found += [g.data if isinstance(g, al.Tensor) else g for g in gradients]
        connected = [g for g in gradients if getattr(g, "requires_grad", False)]
        if not connected:
            break
        scalar = sum(real_scalar(g, 8 + i) for i, g in enumerate(connected))
    return found


@by_id(CASES, one_in=9)
def test_no_operation_converts_a_foreign_array(case):
    expected = derivatives(case, 2, np.array)
    foreign.CALLS.clear()
    try:
        # The first derivatives on their own too: their rules see arrays then, and no Tensors.
        first, found = derivatives(case, 1, Foreign), derivatives(case, 2, Foreign)
    except TypeError as error:
        assert case.function.__name__ in BY_VALUES
        assert "depends on the values of the array, and a Foreign does not tell them" in str(error)
        return
    except (np.linalg.LinAlgError, ValueError) as error:
        assert case.function is np.linalg.det
        assert "Singular matrix" in str(error)
        return
    assert foreign.CALLS
    pairs = [*zip(found, expected, strict=True), *zip(first, expected, strict=False)]
    for actual, wanted in pairs:
        np.testing.assert_allclose(shown(actual), wanted, rtol=1e-10, atol=1e-12)
        assert (actual.dtype, actual.shape) == (wanted.dtype, np.shape(wanted))


@pytest.mark.parametrize("name", sorted(BY_VALUES))
def test_what_decides_by_values_says_so_somewhere(name):
    for case in (c for c in CASES if c.function.__name__ == name):
        try:
            derivatives(case, 1, Foreign)
        except TypeError:
            return
    pytest.fail(f"{name} works for every foreign array")


@pytest.mark.parametrize("convert", [np.asarray, np.array, bool, float, int, memoryview])
def test_the_stand_in_refuses_to_be_read(convert):
    with pytest.raises((TypeError, BufferError)):
        convert(Foreign([1.0]))


def leaf(*values):
    return al.Tensor(Foreign(np.array(values)), requires_grad=True)


def test_a_tensor_holds_the_array_as_it_is():
    array = Foreign([1.0, 2.0])
    x = al.Tensor(array, requires_grad=True)
    assert x.data is array
    (x * x).sum().backward()
    np.testing.assert_array_equal(shown(x.grad), [2.0, 4.0])


def test_gradients_add_up_and_can_be_set():
    x = leaf(1.0, 2.0)
    for _ in range(2):
        (x * 3).sum().backward()
    np.testing.assert_array_equal(shown(x.grad), [6.0, 6.0])
    x.grad = Foreign(np.float32([1, 1]))
    assert x.grad.dtype == np.float64
    with pytest.raises(ValueError, match="a gradient of shape"):
        x.grad = Foreign([1.0])


def test_backward_takes_a_foreign_gradient_and_hooks_give_one():
    x = leaf(1.0, 2.0)
    y = x * x
    y.register_hook(lambda g: g * 10)
    y.backward(Foreign([1.0, 100.0]))
    np.testing.assert_array_equal(shown(x.grad), [20.0, 4000.0])


def test_data_can_be_replaced_and_changed_in_place():
    x = leaf(1.0, 2.0)
    y = x * x
    x.data = Foreign(np.float32([5, 6]))
    assert x.data.dtype == np.float64
    y.sum().backward()
    np.testing.assert_array_equal(shown(x.grad), [2.0, 4.0])
    x.data -= 0.5 * x.grad
    np.testing.assert_array_equal(shown(x.data), [4.0, 4.0])
    with al.no_grad():
        x -= Foreign([1.0, 1.0])
    np.testing.assert_array_equal(shown(x.data), [3.0, 3.0])
    with pytest.raises(ValueError, match="cannot assign data of shape"):
        x.data = Foreign([1.0])


@pytest.mark.parametrize("joined", [np.concatenate, np.stack])
def test_plain_foreign_operands_stay_foreign(joined):
    x = leaf(1.0, 2.0)
    found = joined([x, Foreign([3.0, 4.0])])
    shown(found.data)
    (found * found).sum().backward()
    np.testing.assert_array_equal(shown(x.grad), [2.0, 4.0])
    np.testing.assert_array_equal(shown((Foreign([3.0, 4.0]) * x).data), [3.0, 8.0])


def test_indices_and_conditions_may_be_foreign():
    x = leaf(1.0, 2.0, 3.0)
    np.sum(x[Foreign([2, 2, 0])] * np.array([1.0, 10.0, 100.0])).backward()
    np.testing.assert_array_equal(shown(x.grad), [100.0, 0.0, 11.0])
    np.sum(np.take(x, Foreign([1]))).backward()
    np.testing.assert_array_equal(shown(x.grad), [100.0, 1.0, 11.0])


def test_an_unselected_branch_has_gradient_0():
    x = leaf(0.0, 2.0)
    with np.errstate(divide="ignore"):
        np.sum(np.where(x > 0, np.log(x), 0)).backward()
    np.testing.assert_array_equal(shown(x.grad), [0.0, 0.5])


def test_numbers_cannot_be_taken_out_unless_the_array_gives_them():
    x = leaf(1.0)
    for read in (x.numpy, x.item, lambda: np.asarray(x.detach()), lambda: f"{x:.3f}"):
        with pytest.raises(TypeError, match="values of a Foreign array cannot be read"):
            read()
    assert repr(x).startswith("Tensor(<")


def test_anomalies_are_not_looked_for():
    with al.detect_anomaly():
        np.sum(np.log(leaf(1.0) * 0)).backward()


@pytest.mark.parametrize("transform", [al.grad, al.jacobian, al.hessian])
def test_transforms_of_foreign_arguments(transform):
    def function(x):
        return np.sum(x**3)

    np.testing.assert_allclose(
        shown(transform(function)(Foreign([1.0, 2.0]))), transform(function)(np.array([1.0, 2.0]))
    )
