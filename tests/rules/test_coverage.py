"""Every public function of NumPy is in exactly one list: has a rule, needs none, is refused."""

import types

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.operations import COMPOSITES, NON_DIFFERENTIABLE, OPERATIONS, REFUSED

NAMESPACES = (np, np.linalg, np.fft)

# What does not take an array to differentiate: makers of arrays from sizes and files, settings,
# and conversions, which go through __array__ and raise there for a Tensor that requires grad.
NO_ARRAYS = set(
    """
    arange array asanyarray asarray asarray_chkfinite ascontiguousarray asfortranarray asmatrix
    bartlett base_repr binary_repr blackman bmat broadcast_shapes datetime_data diag_indices empty
    eye fftfreq format_float_positional format_float_scientific from_dlpack frombuffer fromfile
    fromfunction fromiter frompyfunc fromregex fromstring full genfromtxt get_include
    get_printoptions getbufsize geterr geterrcall hamming hanning identity indices info isdtype
    isscalar issubdtype iterable kaiser load loadtxt mask_indices mintypecode nested_iters ones
    printoptions promote_types require rfftfreq seterr seterrcall setbufsize set_printoptions
    show_config show_runtime test tri tril_indices triu_indices typename zeros
    """.split()
)

OLD = {"in1d", "trapz"}
"""Names of np.isin and np.trapezoid that NumPy has up to 2.3."""


def public_functions():
    for namespace in NAMESPACES:
        for name in dir(namespace):
            value = getattr(namespace, name)
            if name.startswith("_") or isinstance(value, (type, types.ModuleType)):
                continue
            if callable(value) and name not in NO_ARRAYS | OLD:
                yield pytest.param(value, id=f"{namespace.__name__}.{name}")


@pytest.mark.parametrize("function", list(public_functions()))
def test_it_is_in_exactly_one_list(function):
    lists = [OPERATIONS, COMPOSITES, NON_DIFFERENTIABLE, REFUSED]
    assert sum(function in some for some in lists) == 1


def test_at_least_235_functions_differentiate():
    names = {
        f"{namespace.__name__}.{name}"
        for namespace in NAMESPACES
        for name in dir(namespace)
        if not name.startswith("_")
        and callable(value := getattr(namespace, name))
        and not isinstance(value, type)
        and (value in OPERATIONS or value in COMPOSITES)
    }
    assert len(names) >= 235


@pytest.mark.parametrize("function", list(REFUSED), ids=lambda f: f.__name__)
def test_what_is_refused_names_a_way_out(function):
    x = al.Tensor(np.ones((2, 2)), requires_grad=True, name="x")
    arguments = {
        np.put: (x, [0], 1),
        np.place: (x, [True], 1),
        np.putmask: (x, [True], 1),
        np.copyto: (np.ones((2, 2)), x),
        np.fill_diagonal: (x, 1),
        np.put_along_axis: (x, np.zeros((2, 2), int), 1, 0),
        np.intersect1d: (x, x),
        np.setdiff1d: (x, x),
        np.setxor1d: (x, x),
    }
    with pytest.raises(TypeError, match="has no derivative rule, so calling it on .*: .{20}"):
        function(*arguments.get(function, (x,)))


@pytest.mark.parametrize(
    "convert",
    [
        *(np.array, np.asarray, np.asanyarray, np.asarray_chkfinite, np.ascontiguousarray),
        *(np.asfortranarray, np.require, lambda x: np.full(2, x), lambda x: np.fromiter(x, float)),
    ],
)
def test_conversions_do_not_lose_a_gradient(convert):
    with pytest.raises((TypeError, ValueError)):
        convert(al.Tensor(np.ones(2), requires_grad=True))
