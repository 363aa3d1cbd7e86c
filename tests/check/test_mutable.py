"""Arrays of a recorded forward pass that can be written to: values as NumPy's, gradients too."""

import math

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.check.marking.mutable import Mutable, add_at, call_settled, plain, put, settled

rng = np.random.default_rng(0)


def filled_in_a_loop(x, make):
    out = make((3, 2))
    for i in range(3):
        for j in range(2):
            out[i, j] = x[i, j] ** 2 + x[i].sum()
    return out


def through_a_view(x, make):
    out = make((3, 2)) + x
    row = out[1]
    row[0] = 5 * x[0, 0]
    row *= 2
    out[:, 1] += x[:, 0]
    return out + row


def by_masks_and_indices(x, make):
    out = x.copy()
    out[plain(x) > 0] = 0
    out[[0, 0, 2], [1, 1, 0]] += 1
    out[np.arange(3), [0, 1, 0]] -= x[:, 1]
    return out


def in_place(x, make):
    out = x * 1
    out -= out.max(axis=1, keepdims=True)
    out /= 3
    out **= 2
    return out


def repeated_indices(x, make):
    out = make((3, 2))
    np.add.at(out, [0, 0, 2], x)
    return out


def written_by_functions(x, make):
    out = x * 2
    np.clip(out, -1, 1, out=out)
    np.multiply(out, x, out=out)
    np.add(out, 1, out[:])
    np.copyto(out, x, where=plain(x) > 1)
    return np.exp(out)


def views_of_views(x, make):
    out = x * 1
    block = out[1:]
    cell = block[0, None]
    cell[...] = x[0] * x[2]
    return out


def written_by_methods(x, make):
    squares, total = make((3, 2)), make((2,))
    (x * x).cumsum(axis=0, out=squares)
    x.sum(axis=0, out=total)
    total += (x * 2).sum(0)
    return squares * total


PROGRAMS = [
    *(filled_in_a_loop, through_a_view, by_masks_and_indices, in_place, repeated_indices),
    *(written_by_functions, written_by_methods, views_of_views),
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_values_and_gradients_are_those_of_numpy(program):
    x, weights = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    expected = program(x.copy(), np.zeros)
    tensor = al.Tensor(x, requires_grad=True)
    result = settled(program(Mutable(tensor), lambda shape: Mutable(np.zeros(shape))))
    np.testing.assert_allclose(plain(result), expected, rtol=1e-12)
    np.sum(result * weights).backward()
    for place in np.ndindex(x.shape):
        ahead, behind = x.copy(), x.copy()
        ahead[place] += 1e-6
        behind[place] -= 1e-6
        change = program(ahead, np.zeros) - program(behind, np.zeros)
        assert np.isclose(tensor.grad[place], np.sum(change * weights) / 2e-6, atol=1e-6)


@pytest.mark.parametrize("key", [1, (slice(None), 0), ([0, 2], [1, 1]), Ellipsis, (None, 2)])
def test_the_rules_of_writing(key):
    x = rng.normal(size=(3, 2))
    values = rng.normal(size=np.shape(x[key]))
    al.gradcheck(lambda x, values: put(x, values, key), x, values, order=2)
    al.gradcheck(lambda x, values: add_at(x, values, key), x, values, order=2)
    al.gradcheck(lambda x, value: put(x, value, key), x, np.float64(0.5))


def test_numbers_stay_recorded():
    x = Mutable(al.Tensor([4.0], requires_grad=True))
    for function in (float, np.float64, math.sqrt, math.log):
        assert isinstance(call_settled(function, (x,), {}), Mutable)
    assert isinstance(call_settled(np.array, ([x[0], 2.0],), {}), Mutable)
    assert isinstance(call_settled(np.mean, ([x[0], x[0]],), {}), Mutable)
    assert isinstance(x.item(), Mutable)
    assert f"{x[0]:.1f}" == "4.0"


def test_a_number_that_leaves_the_recording_is_the_value():
    x = Mutable(al.Tensor([[4.0, 2.25], [0.0, -1.0]], requires_grad=True))
    assert (float(x[0, 1]), int(x[0, 1]), round(x[0, 1], 1), round(x[0, 0])) == (2.25, 2, 2.2, 4)
    assert (bool(x[0, 0]), bool(x[1, 0]), len(x)) == (True, False, 2)
    assert repr(x) == repr(x.value._value)
    with pytest.raises(TypeError, match="a floating-point number is not an index"):
        [1, 2][x[1, 0]]
    with pytest.raises(TypeError):
        np.array(x)
    np.testing.assert_array_equal(np.array(Mutable(np.ones(2)), np.float32), np.ones(2))


def test_whole_numbers_made_of_a_recorded_array_are_plain():
    x = Mutable(al.Tensor([1.5, -2.5], requires_grad=True))
    whole = x.astype(int)
    assert type(whole) is np.ndarray and whole.tolist() == [1, -2]
    assert x.astype(float, copy=False) is x
    assert x.astype(float) is not x and isinstance(x.astype(np.float32), Mutable)
    assert x.astype(np.float32).value.dtype == np.float32


def test_lists_of_a_recorded_array_hold_recorded_numbers():
    rows = Mutable(al.Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)).tolist()
    assert [[type(number) for number in row] for row in rows] == [[Mutable] * 2] * 2
    (rows[1][0] * 3).value.backward()


def test_a_recorded_array_is_filled_and_keeps_its_shape():
    x = Mutable(al.Tensor([1.0, 2.0], requires_grad=True))
    x.fill(7.0)
    np.testing.assert_array_equal(plain(x), [7.0, 7.0])
    with pytest.raises(ValueError, match=r"cannot change the shape \(2,\) to \(2, 2\)"):
        x += np.ones((2, 2))
    with pytest.raises(TypeError, match="given as out= is not part of the recording"):
        np.exp(x, out=np.ones(2))
    out = Mutable(np.ones(2))
    assert np.exp(x, out=out) is out
    np.testing.assert_array_equal(plain(out), np.exp([7.0, 7.0]))


@pytest.mark.parametrize("key", [[0, 2], (0, [1]), np.array([True, False, True]), (..., [0])])
def test_what_indices_and_masks_pick_is_a_copy(key):
    x = Mutable(al.Tensor(np.arange(6.0).reshape(3, 2), requires_grad=True))
    part = x[key]
    part *= 2
    np.testing.assert_array_equal(plain(x), np.arange(6.0).reshape(3, 2))
    np.testing.assert_array_equal(plain(part), 2 * plain(x)[key])


@pytest.mark.parametrize("key", [0, slice(1, None), (..., 0), (None, np.int64(1)), ()])
def test_what_numbers_and_slices_pick_writes_through(key):
    x = Mutable(al.Tensor(np.arange(6.0).reshape(3, 2), requires_grad=True))
    expected = np.arange(6.0).reshape(3, 2)
    part, there = x[key], expected[key]
    part *= 2
    there *= 2
    np.testing.assert_array_equal(plain(x), expected)


def test_of_values_written_to_one_place_the_last_has_the_gradient():
    x, values = (al.Tensor(np.ones(n), requires_grad=True) for n in (3, 4))
    written = put(x, values, np.array([2, 0, 2, 2]))
    np.sum(written * np.array([1.0, 10.0, 100.0])).backward()
    assert values.grad.tolist() == [0.0, 1.0, 0.0, 100.0]
    assert x.grad.tolist() == [0.0, 10.0, 0.0]


@pytest.mark.parametrize("given", [lambda out: out, lambda out: (out,)], ids=["array", "tuple"])
def test_what_a_function_is_told_to_write_into_has_its_result(given):
    x, out = Mutable(al.Tensor([2.0, 3.0], requires_grad=True)), Mutable(np.zeros(2))
    assert call_settled(np.multiply, (x, x), {"out": given(out)}) is out
    np.testing.assert_array_equal(plain(out), [4.0, 9.0])
    np.sum(settled(out)).backward()
    np.testing.assert_array_equal(x.value.grad, [4.0, 6.0])


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b: call_settled(np.sum, ([a, b], 0), {}),
        lambda a, b: call_settled(np.mean, ((a, b), 1), {}),
        lambda a, b: call_settled(np.max, ([a, b],), {"axis": 1}),
        lambda a, b: call_settled(np.cumsum, ([a, b], 0), {}),
    ],
)
def test_arrays_in_a_list_are_one_operand(function):
    values = np.array([1.0, -2.0, 4.0]), np.array([3.0, 0.5, -1.0])
    recorded = (Mutable(al.Tensor(v, requires_grad=True)) for v in values)
    result, expected = function(*recorded), function(*values)
    assert isinstance(result, Mutable)
    np.testing.assert_allclose(plain(result), expected)


@pytest.mark.parametrize("function", [float, np.float64])
@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_one_number_of_a_recorded_array_has_no_axes(function, shape):
    x = al.Tensor(np.full(shape, 2.5), requires_grad=True)
    number = call_settled(function, (Mutable(x),), {})
    assert number.shape == () and float(plain(number)) == 2.5
    (number * 3).value.backward()
    np.testing.assert_array_equal(x.grad, np.full(shape, 3.0))
