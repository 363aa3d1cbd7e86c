"""Stand-ins against arrays: what functions make of them has the same shape and dtype."""

import numpy as np
import pytest

from autograd_lite.derivation.standins import StandIn, stand_in

CALLS = {
    "a product by elements": (lambda a, b: a * b, (3, 1), (4,)),
    "a comparison": (lambda a: a > 0, (3, 4)),
    "Python's numbers": (lambda a: 2.5 * a**2 + 1, (3, 4)),
    "single precision": (lambda a: (a > 0).astype(np.float32) * 2.0, (3, 4)),
    "several results": (lambda a: np.modf(a)[1], (3, 4)),
    "where": (lambda a, b: np.where(a > 0, b, 0), (3, 1), (3, 4)),
    "a product of matrices": (lambda a, b: a @ b, (3, 4), (4, 5)),
    "a matrix and a vector": (lambda a, b: a @ b, (3, 4), (4,)),
    "vectors": (lambda a, b: np.dot(a, b), (4,), (4,)),
    "stacks": (lambda a, b: np.matmul(a, b), (2, 1, 3, 4), (6, 4, 5)),
    "dot of many axes": (lambda a, b: np.dot(a, b), (2, 3, 4), (5, 4, 6)),
    "tensordot": (lambda a, b: np.tensordot(a, b, ([0, -1], [1, 0])), (2, 3, 4), (4, 2, 5)),
    "tensordot along the last": (lambda a, b: np.tensordot(a, b, 1), (2, 3), (3, 5)),
    "tensordot along a pair": (lambda a, b: np.tensordot(a, b, (1, 0)), (2, 3), (3, 5)),
    "einsum": (lambda a, b: np.einsum("ij,jk->ki", a, b), (2, 3), (3, 5)),
    "einsum without an arrow": (lambda a, b: np.einsum("kj, ja", a, b), (2, 3), (3, 5)),
    "einsum of a trace": (lambda a: np.einsum("ii", a), (3, 3)),
    "einsum of any axes": (lambda a: np.einsum("...i->...", a), (2, 3)),
    "a sum": (lambda a: np.sum(a, axis=1, keepdims=True), (2, 3)),
    "views": (lambda a: np.moveaxis(a, 0, 2)[:, None, 1:].T, (2, 3, 4)),
    "a reshape": (lambda a: np.reshape(a.T, (6, 2)), (3, 4)),
    "joined": (lambda a, b: np.concatenate([a, b], axis=1), (2, 3), (2, 1)),
    "an inverse": (lambda a: np.linalg.inv(a), (2, 3, 3)),
    "a decomposition": (lambda a: np.linalg.svd(a)[2], (2, 3)),
    "a reduction": (lambda a: np.maximum.reduce(a, 0), (2, 3)),
    "an outer product": (lambda a, b: np.multiply.outer(a, b), (2, 3), (4,)),
    "a new array": (lambda a: np.zeros_like(a, shape=(2,)), (3, 4)),
    "an empty array": (lambda a, b: a * b, (0, 3), (3,)),
}


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize("name", CALLS)
def test_results_have_the_shape_and_dtype_of_those_of_arrays(name, kind):
    function, *shapes = CALLS[name]
    if kind is np.complex128 and name == "several results":
        pytest.skip("np.modf is of real numbers")
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        expected = function(*(rng.uniform(0.5, 2, shape).astype(kind) for shape in shapes))
        found = function(*(stand_in(shape, kind) for shape in shapes))
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)


def test_a_stand_in_takes_no_memory():
    large = stand_in((10**7, 10**7), np.float64)
    made = np.where(large > 0, np.exp(large @ large.T), 1j)
    assert isinstance(made, StandIn)
    assert made.strides == (0, 0)
    assert made.dtype == complex


def test_products_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"a product of shapes \(2, 3\) and \(2, 3\)"):
        stand_in((2, 3), float) @ stand_in((2, 3), float)
