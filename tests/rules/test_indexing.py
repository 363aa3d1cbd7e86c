"""What the table of cases does not show of indexing, joining, shaping and sorting."""

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.rules.indexing import getitem, put_back


def leaf(*values):
    return al.Tensor(values, requires_grad=True)


def gradient(function, x):
    x = al.Tensor(x, requires_grad=True)
    function(x).backward()
    return x.grad


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble, complex])
@pytest.mark.parametrize("shape", [(5, 3), (500, 3)], ids=["dense", "sparse"])
def test_repeated_indices_add_up_in_every_dtype(dtype, shape):
    index = np.array([[0, 4, 0], [0, -1, 4]])
    g = np.arange(18).reshape(2, 3, 3).astype(dtype)
    expected = np.zeros(shape, dtype)
    np.add.at(expected, index, g)
    result = put_back(g, index, shape)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, expected)


def test_the_gradient_of_an_infinite_sum_of_repeats_is_infinite_only_there():
    x = leaf(1.0, 2.0, 3.0)
    x[[0, 0, 1]].backward(np.array([np.inf, 1.0, 2.0]))
    np.testing.assert_array_equal(x.grad, [np.inf, 2, 0])


@pytest.mark.parametrize("first", [True, False], ids=["whole first", "rows first"])
def test_rows_and_the_whole_add_up(first):
    def function(x):
        whole = np.sum(x * x) if first else 0.0
        rows = sum(np.sum(row) * i for i, row in enumerate(x))
        picked = np.sum(x[[0, 0, 2]]) + np.sum(x[x > 0]) + x[1, 1]
        return whole + rows + picked + (0.0 if first else np.sum(x * x))

    x = np.array([[1.0, -2.0], [3.0, 4.0], [-5.0, 6.0]])
    expected = 2 * x + [[0, 0], [1, 1], [2, 2]] + [[2, 2], [0, 0], [1, 1]] + (x > 0)
    expected[1, 1] += 1
    np.testing.assert_array_equal(gradient(function, x), expected)


def test_adding_up_in_place_leaves_other_gradients_alone():
    x = leaf(1.0, 2.0, 3.0)
    y = x * 1.0
    z = x * 1.0
    total = y + z
    total.retain_grad()
    y.retain_grad()
    (np.sum(total * total) + y[0] + y[0] + np.sum(y[1:])).backward()
    np.testing.assert_array_equal(total.grad, [4, 8, 12])
    np.testing.assert_array_equal(y.grad, [6, 9, 13])
    np.testing.assert_array_equal(x.grad, [10, 17, 25])


def test_second_derivative_through_rows():
    def function(x):
        return sum(np.sum(row**3) for row in x)

    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    second = al.grad(lambda x: np.sum(al.grad(function)(x)))(x)
    np.testing.assert_allclose(second, 6 * x)


INDEXED = {
    "getitem": lambda x, i: x[i],
    "getitem of rows": lambda x, i: np.stack([x, x], axis=1)[i, 0],
    "take": np.take,
    "take_along_axis": lambda x, i: np.take_along_axis(x, i, 0),
    "repeat": lambda x, i: np.repeat(x, i + 1),
    "roll": lambda x, i: np.roll(x, i[:1]),
    "choose": lambda x, i: np.choose(i, [x, x * x, x**3]),
    "compress": lambda x, i: np.compress(i, x),
    "extract": lambda x, i: np.extract(i, x),
    "select": lambda x, i: np.select([i > 1], [x * x]),
    "insert": lambda x, i: np.insert(x, i, 1.0),
    "delete": lambda x, i: np.delete(x, i[:2]),
}


@pytest.mark.parametrize("kind", [list, np.array])
@pytest.mark.parametrize("function", INDEXED.values(), ids=INDEXED)
def test_an_index_may_be_written_to_afterwards(function, kind):
    x = np.array([1.0, 2.0, 3.0])
    index = np.array([2, 0, 2])
    expected = gradient(lambda x: np.sum(function(x, index.copy()) * x[0]), x)

    def with_changed_index(x):
        changing = index.copy()
        result = np.sum(function(x, changing) * x[0])
        try:
            changing[:] = 1
        except ValueError:
            pass  # locked, because the graph keeps it
        return result

    np.testing.assert_array_equal(gradient(with_changed_index, x), expected)


@pytest.mark.parametrize(
    "function",
    [
        lambda x, i: np.repeat(x, i),
        lambda x, i: np.repeat(x, repeats=i),
        lambda x, i: np.roll(x, i[:1]),
        lambda x, i: np.take(x, i),
        lambda x, i: x[i],
    ],
)
def test_a_list_may_be_written_to_afterwards(function):
    x = leaf(1.0, 2.0, 3.0)
    index = [2, 0, 1]
    result = function(x, index)
    weights = np.arange(1.0, result.size + 1)
    expected = al.grad(lambda x: np.sum(function(x, [2, 0, 1]) * weights))(x.data)
    index[:] = [1, 1, 1]
    np.sum(result * weights).backward()
    np.testing.assert_array_equal(x.grad, expected)


LEAKS = {
    "select": lambda x: np.select([x > 0], [np.log(x)], 0.0),
    "select, default": lambda x: np.select([x <= 0], [x], np.log(x)),
    "choose": lambda x: np.choose((x.data > 0).astype(int), [x, np.log(x)]),
    "choose, last": lambda x: np.choose((x.data <= 0).astype(int), [np.log(x), x]),
    "piecewise": lambda x: np.piecewise(x, [x > 0], [np.log, 0.0]),
    "compress": lambda x: np.compress(x > 0, x * np.log(np.where(x > 0, x, 1))),
    "triu": lambda x: np.triu(np.log(np.stack([x, x])), 1),
    "tril": lambda x: np.tril(np.log(np.stack([x[::-1], x[::-1]])), -1),
}


@pytest.mark.parametrize("function", LEAKS.values(), ids=LEAKS)
def test_what_was_not_selected_leaks_no_nan(function):
    with np.errstate(divide="ignore"):
        result = gradient(lambda x: np.sum(function(x)), np.array([0.0, 2.0]))
    assert np.all(np.isfinite(result))


def test_operands_in_a_list_may_be_constants_repeated_and_of_any_dtype():
    x = al.Tensor(np.ones(2, np.float32), requires_grad=True)
    joined = np.concatenate([x, np.arange(2.0), x, [5]])
    joined.backward(np.arange(7.0))
    assert joined.dtype == np.float64
    assert x.grad.dtype == np.float32
    np.testing.assert_array_equal(x.grad, [4, 6])
    assert np.concatenate([x, 2.0], axis=None).dtype == np.float32
    assert np.concatenate((al.Tensor([1.0]), [2.0, 3.0])).requires_grad is False


def test_a_list_of_operands_may_be_passed_by_keyword():
    x = leaf(1.0, 2.0)
    np.sum(np.stack(axis=1, arrays=[x, x * x])).backward()
    np.testing.assert_array_equal(x.grad, [3, 5])


def test_an_operand_in_a_list_is_named_once_for_each_place_in_the_third_order():
    def function(x):
        return np.sum(np.concatenate([x, x * x, [1.0]]) ** 3)

    x = np.array([0.5, 2.0])
    derivative = function
    for _ in range(3):
        derivative = (lambda f: lambda x: np.sum(al.grad(f)(x)))(derivative)
    assert derivative(x) == pytest.approx(np.sum(6 + 120 * x**3))


def test_joining_many_is_one_operation():
    xs = [leaf(float(i)) for i in range(100)]
    joined = np.concatenate(xs)
    assert joined.dtype == np.float64
    assert joined._node.plan.operation.function is np.concatenate
    np.sum(joined * joined).backward()
    assert [x.grad.item() for x in xs] == [2.0 * i for i in range(100)]


VIEWS = [
    lambda x: np.swapaxes(x, 0, 1),
    lambda x: np.moveaxis(x, 0, 1),
    lambda x: np.rollaxis(x, 1),
    lambda x: np.expand_dims(x, 1),
    lambda x: np.squeeze(x[:1]),
    np.ravel,
    np.flip,
    np.rot90,
    np.diagonal,
    np.matrix_transpose,
    np.atleast_3d,
    lambda x: np.broadcast_to(x, (2, 2, 3)),
    lambda x: np.array_split(x, 2, axis=1)[1],
    lambda x: np.broadcast_arrays(x, 1.0)[0],
    lambda x: np.meshgrid(x[0], x[1])[0],
]


@pytest.mark.parametrize("function", VIEWS)
def test_what_is_a_view_in_numpy_is_one_here(function):
    x = al.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    assert np.shares_memory(x.data, function(x).data)


def test_sorting_shares_gradients_among_equal_elements():
    np.testing.assert_array_equal(
        al.grad(lambda x: np.sum(np.sort(x) * np.arange(4.0)))(np.array([2.0, 1.0, 2.0, 1.0])),
        [2.5, 0.5, 2.5, 0.5],
    )


def test_unique_gives_the_gradient_to_the_first_occurrence():
    x = leaf(2.0, 1.0, 2.0)
    values, index, counts = np.unique(x, return_index=True, return_counts=True)
    np.sum(values * [10, 20]).backward()
    np.testing.assert_array_equal(x.grad, [20, 10, 0])
    np.testing.assert_array_equal(index, [1, 0])
    np.testing.assert_array_equal(counts, [1, 2])


def test_partition_of_many_agrees_with_numpy():
    x = np.random.default_rng(0).permutation(1000.0 + np.arange(1000))
    for kth in (10, 500, [3, 700]):
        t = al.Tensor(x, requires_grad=True)
        result = np.partition(t, kth)
        np.testing.assert_array_equal(result.data, np.partition(x, kth))
        np.sum(result * np.partition(x, kth)).backward()
        np.testing.assert_array_equal(t.grad, x)


POSITIONS = [np.nonzero, np.flatnonzero, np.argwhere, np.argsort]
POSITIONS += [lambda x: np.argpartition(x, 1), lambda x: np.searchsorted(np.sort(x), 1.0)]
POSITIONS += [lambda x: np.lexsort((x, x)), lambda x: np.digitize(x, [1.5]), lambda x: x > 1]


@pytest.mark.parametrize("function", POSITIONS)
def test_positions_are_plain_arrays(function):
    x = np.array([2.0, 0.0, 1.0])
    expected = function(x)
    result = function(al.Tensor(x, requires_grad=True))
    assert not isinstance(result, al.Tensor)
    np.testing.assert_array_equal(result, expected)


def test_where_with_one_argument_gives_positions_that_carry_no_gradient():
    (found,) = np.where(leaf(0.0, 3.0))
    assert not getattr(found, "requires_grad", False)
    np.testing.assert_array_equal(np.asarray(found), [1])


WRITES = [
    lambda x: np.put(x, [0], 1.0),
    lambda x: np.put(np.zeros(3), [0], x[0]),
    lambda x: np.place(x, x > 1, 0.0),
    lambda x: np.putmask(np.zeros(3), [True] * 3, x),
    lambda x: np.copyto(np.zeros(3), x),
    lambda x: np.put_along_axis(np.zeros(3), np.array([0]), x[:1], 0),
    lambda x: np.fill_diagonal(np.diag(x), 0.0),
]


@pytest.mark.parametrize("write", WRITES)
def test_writing_is_refused_with_a_way_out(write):
    with pytest.raises(TypeError, match=r"np\.where, np\.select"):
        write(leaf(1.0, 2.0, 3.0))


LOSSES = [np.asarray, np.ascontiguousarray, np.asfortranarray, np.require, np.asarray_chkfinite]
LOSSES += [
    lambda x: np.full(3, x[0]),
    lambda x: np.full_like(np.zeros(3), x),
    lambda x: np.insert(np.arange(3), 1, x),
    lambda x: np.full_like(x, x, dtype=int),
    lambda x: np.array([x, x]),
    lambda x: np.r_[x, 1.0],
    lambda x: np.fill_diagonal(np.zeros((2, 2)), x[0]),
]


@pytest.mark.parametrize("function", LOSSES)
def test_nothing_loses_its_gradient_silently(function):
    lost = r"gradient would be lost\. Use \.data|lose its gradient; make the|np\.where, np\.select"
    with pytest.raises(TypeError, match=lost):
        function(leaf(1.0, 2.0, 3.0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: np.pad(x, 1, "empty"), "one of the other modes"),
        (lambda x: np.pad(x, 1, lambda *_: None), "one of the other modes"),
        (lambda x: np.take(x, [0], out=np.zeros(1)), "omit out="),
        (lambda x: np.compress([1], x, out=np.zeros(1)), "omit out="),
        (lambda x: np.concatenate([x, x], out=np.zeros(6)), "omit out="),
        (lambda x: np.unique_values(x), "np.unique"),
        (lambda x: np.intersect1d(x, x), "np.unique"),
        (lambda x: np.choose(x, [1, 2]), "whole numbers"),
        (lambda x: np.block((x, x)), "lists"),
    ],
)
def test_what_is_not_supported_says_what_to_do(call, message):
    with pytest.raises(TypeError, match=message):
        call(leaf(1.0, 2.0, 3.0))


def test_an_order_that_depends_on_memory_is_refused():
    with pytest.raises(ValueError, match="order='C' or order='F'"):
        np.sum(np.ravel(leaf(1.0, 2.0), order="K")).backward()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: np.split(x, 2), "does not result in an equal division"),
        (lambda x: np.pad(x, -1), "widths must be integers from 0 on, not -1$"),
        (lambda x: np.pad(x, 1, "edge", stat_length=2), "'edge': {'stat_length'}"),
        (lambda x: np.choose([0, 5], [x[0], x[1]]), "numbers that are not those of 2 choices$"),
        (lambda x: np.select([x > 0], [x, x]), "here are 1 conditions and 2 choices$"),
        (lambda x: np.select([], []), "empty condition list"),
        (lambda x: np.block([[x], x]), "nested equally deep, and none be empty$"),
        (
            lambda x: np.piecewise(x, [x > 0], [np.exp, np.exp, np.exp]),
            "a function for each of the 1 conditions, .* one for the rest, but got 3$",
        ),
        (lambda x: np.take(x, [0], mode="other"), "mode is 'raise', 'wrap' or 'clip'$"),
        (lambda x: np.compress([[True]], x), "the condition must have one dimension$"),
        (lambda x: np.trim_zeros(x, "x"), "trim is 'fb', 'f' or 'b'$"),
        (
            lambda x: np.take_along_axis(x, np.array([[0]]), 0),
            "indices of 2 dimensions for an array of 1$",
        ),
        (lambda x: np.hsplit(x[0], 1), "hsplit takes an array of 1 or more dimensions$"),
        (lambda x: np.sort(x, axis=1), "axis 1 is out of bounds"),
    ],
)
def test_what_numpy_refuses_is_refused_alike(call, message):
    x = np.array([1.0, 2.0, 3.0])
    with pytest.raises(ValueError):
        call(x)
    with pytest.raises(ValueError, match=message):
        call(al.Tensor(x, requires_grad=True))


def test_an_index_of_an_index_has_any_order():
    index = np.array([[2, 0], [2, 2]])

    def function(x):
        return np.sum(np.exp(getitem(getitem(x, index), (slice(None), 0))))

    x = np.array([0.1, 0.2, 0.3])
    hessian = al.hessian(function)(x)
    np.testing.assert_allclose(hessian, np.diag([0, 0, 2 * np.exp(0.3)]))


@pytest.mark.parametrize(
    "index",
    [[0, 0], np.array([0, 0]), (np.array([0, 0]),), np.array([[0], [0]])],
    ids=["list", "array", "tuple", "column"],
)
def test_repeated_indices(index):
    x = leaf(3.0, 4.0)
    np.sum(x[index]).backward()
    assert x.grad.tolist() == [2, 0]
    x.zero_grad()
    np.sum(np.take(x, index)).backward()
    assert x.grad.tolist() == [2, 0]
