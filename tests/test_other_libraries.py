"""Tensors meet objects of pandas, xarray and SciPy's sparse matrices: right, or refused by name."""

import operator

import numpy as np
import pytest

import autograd_lite as al

VALUES = np.array([[1.0, 2.0], [3.0, 4.0]])


def frame():
    return pytest.importorskip("pandas").DataFrame(VALUES.copy())


def series():
    return pytest.importorskip("pandas").Series(VALUES[0].copy())


def index():
    return pytest.importorskip("pandas").Index(VALUES[0])


def data_array():
    return pytest.importorskip("xarray").DataArray(VALUES.copy())


def variable():
    return pytest.importorskip("xarray").Variable(("x", "y"), VALUES.copy())


def dataset():
    return pytest.importorskip("xarray").Dataset({"a": (("x", "y"), VALUES.copy())})


def sparse(kind):
    def make():
        return getattr(pytest.importorskip("scipy.sparse"), kind)(VALUES)

    make.__name__ = kind
    return make


def masked():
    return np.ma.array(VALUES.copy(), mask=[[True, False], [False, False]])


def matrix():
    return VALUES.view(np.matrix)


KINDS = [
    *(frame, series, index, data_array, variable, dataset, masked, matrix),
    *map(sparse, ("csr_array", "csc_matrix", "coo_array", "dia_array")),
]
OPERATIONS = {
    **{
        name: getattr(operator, name)
        for name in "add sub mul truediv pow mod matmul iadd isub imul".split()
    },
    **{f"np.{f.__name__}": f for f in (np.add, np.multiply, np.maximum, np.arctan2, np.dot)},
    "np.where": lambda a, b: np.where([True, False], a, b),
    "np.concatenate": lambda a, b: np.concatenate([a, b]),
    "np.inner": np.inner,
    "np.einsum": lambda a, b: np.einsum("...,...->...", a, b),
}


def tensors_in(value):
    """The Tensor that an object of xarray wraps, or what a result is itself."""
    if hasattr(value, "data_vars"):
        return [tensors_in(part) for part in value.data_vars.values()][0]
    found = value.data if hasattr(value, "dims") else value
    return found if isinstance(found, al.Tensor) else None


# On the left of an in-place operator a parameter is refused, whatever is on the right.
SIDES = [(name, left) for name in OPERATIONS for left in (False, True)[: 2 - name.startswith("i")]]


@pytest.mark.parametrize(("name", "left"), SIDES)
@pytest.mark.parametrize("make", KINDS, ids=lambda f: f.__name__)
def test_a_gradient_is_never_lost_and_the_way_out_is_named(make, name, left):
    t = al.Tensor(VALUES, requires_grad=True, name="t")
    other = make()
    ours, theirs = (t, other) if left else (other, t)
    try:
        result = OPERATIONS[name](ours, theirs)
    except (TypeError, ValueError, NotImplementedError) as error:
        assert "vars()" not in str(error)
        own = ("to_numpy()", "toarray()", "np.asarray", "np.where", "write its result into")
        # Some refuse a Tensor by themselves, in words of their own.
        by_them = make in (data_array, dataset, matrix) or name in ("pow", "mod", "truediv")
        assert any(word in str(error) for word in own) or by_them, error
        return
    tensor = tensors_in(result)
    assert tensor is not None, type(result)
    values = VALUES[0] if make is index else VALUES

    def in_plain_arrays(x):
        operate = OPERATIONS.get(name.removeprefix("i"), OPERATIONS[name])
        return operate(*((x, values) if left else (values, x)))

    np.testing.assert_array_equal(tensor.data, in_plain_arrays(VALUES))
    np.sum(tensor).backward()
    expected = al.grad(lambda x: np.sum(in_plain_arrays(x)))(VALUES)
    np.testing.assert_array_equal(t.grad, expected)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("make", [frame, series, masked], ids=lambda f: f.__name__)
def test_constants_do_not_become_arrays_of_objects(make, name):
    for a, b in ((al.Tensor(VALUES), make()), (make(), al.Tensor(VALUES))):
        try:
            result = OPERATIONS[name](a, b)
        except (TypeError, ValueError):
            continue
        assert np.asarray(getattr(result, "data", result)).dtype != object


@pytest.mark.parametrize("make", [frame, series, index, data_array, variable])
def test_a_tensor_is_made_of_their_values(make):
    given = make()
    assert al.Tensor(given, requires_grad=True).tolist() == given.to_numpy().tolist()
    assert al.Tensor(given, copy=False).tolist() == given.to_numpy().tolist()


@pytest.mark.parametrize("make", KINDS[-4:], ids=lambda f: f.__name__)
def test_a_tensor_of_a_sparse_matrix_is_refused(make):
    with pytest.raises(TypeError, match=rf"a {make.__name__} computes.*its \.toarray\(\)"):
        al.Tensor(make())


def test_what_pandas_makes_of_a_tensor():
    pandas = pytest.importorskip("pandas")
    t = al.Tensor([1.0, 2.0], requires_grad=True, name="t")
    for make in (pandas.Series, pandas.DataFrame, lambda t: pandas.DataFrame({"t": t})):
        with pytest.raises(TypeError, match=r"'t' requires grad.*\.detach\(\).*pandas"):
            make(t)
        assert make(t.detach()).to_numpy().ravel().tolist() == [1, 2]


class Named:
    """An array of a library with names for axes, and, by its own word, none of Dask's."""

    __slots__ = ("values",)
    shape, ndim, size, dtype = (2,), 1, 2, np.dtype(float)

    def __init__(self, values):
        self.values = values

    def __dask_graph__(self):
        return None

    def __array_function__(self, function, types, args, kwargs):
        return NotImplemented

    def __array_ufunc__(self, ufunc, method, *args, **kwargs):
        return Named(ufunc(*(a.values if isinstance(a, Named) else a for a in args)))


def test_what_is_no_dask_array_by_its_own_word_is_an_array_as_any_other():
    t = al.Tensor([1.0, 2.0], requires_grad=True)
    product = t * Named(np.array([3.0, 4.0]))
    assert product.data.values.tolist() == [3, 8]
    product.backward(np.ones(2))
