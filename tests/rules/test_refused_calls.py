"""Calls that are refused: because NumPy refuses them, or because a gradient would be lost."""

import inspect

import numpy as np
import pytest
from tensors import parameter

import autograd_lite as al
from autograd_lite.functions import signature
from autograd_lite.operations import COMPOSITES, OPERATIONS

A = np.arange(1.0, 13.0).reshape(3, 4)

MESSAGES = [
    (lambda a: np.fft.fftn(a, s=(1,), axes=(0, 1)),
     ValueError, "np.fft got lengths s=(1,) for the axes (0, 1)"),
    (lambda a: np.select([[1, 0, 1]], [a[:, 0]]),
     TypeError, "np.select: the conditions must be arrays of booleans"),
    (lambda a: np.take_along_axis(a, np.zeros((1, 1), int), None),
     ValueError, "np.take_along_axis(axis=None): indices must have one dimension"),
    (lambda a: np.linalg.multi_dot([a]),
     ValueError, "np.linalg.multi_dot takes at least two arrays"),
    (lambda a: np.linalg.tensorsolve(a, np.ones(3)),
     np.linalg.LinAlgError,
     "np.linalg.tensorsolve: a of shape (3, 4) is not square for b of shape (3,)"),
    (lambda a: np.linalg.tensorinv(a, 0),
     ValueError, "np.linalg.tensorinv takes ind > 0, not 0"),
    (lambda a: np.pad(a[:0], 1, "edge"),
     ValueError, "np.pad: axis 0 is empty, so only mode='constant' extends it"),
    (lambda a: np.poly(a[None]),
     ValueError, "np.poly takes a vector or a square matrix, not (1, 3, 4)"),
    (lambda a: np.polyfit(a[0, :2], a[1, :2], 1, cov=True),
     ValueError, "np.polyfit(cov=True) needs more points than deg + 1"),
    (lambda a: np.cumulative_sum(a),
     ValueError, "np.cumulative_sum and np.cumulative_prod need axis= for an array of several "
     "dimensions"),
    (lambda a: np.cumulative_prod(a),
     ValueError, "np.cumulative_sum and np.cumulative_prod need axis= for an array of several "
     "dimensions"),
    (lambda a: np.lib.stride_tricks.sliding_window_view(a, 2, 0, writeable=True),
     ValueError, "the windows on a Tensor cannot be written to; omit writeable="),
    (lambda a: np.convolve(a[0], a[1], "middle"),
     ValueError, "np.convolve and np.correlate: mode is 'full', 'same' or 'valid', not 'middle'"),
    (lambda a: np.interp(a[0], [1.0, 2.0], [1.0, 2.0], period=0),
     ValueError, "np.interp: period must be a non-zero value"),
    (lambda a: np.apply_along_axis(np.sum, 0, a[:, :0]),
     ValueError, "np.apply_along_axis needs at least one line to apply the function to"),
    (lambda a: np.average(a, weights=np.ones(4)),
     TypeError, "np.average: weights of another shape than the array's need an axis"),
    (lambda a: np.average(a, 0, weights=np.ones(4)),
     ValueError, "np.average: weights of shape (4,) do not fit the axes (0,) of shape (3, 4)"),
    (lambda a: np.average(a, 0, weights=np.array([1, -1, 0])),
     ZeroDivisionError, "np.average: the weights sum to zero, so there is no average"),
    (lambda a: np.block([[a], (a,)]),
     TypeError, "np.block takes nested lists, not tuples"),
    (lambda a: np.gradient(a, 1.0, 2.0, 3.0),
     TypeError, "np.gradient: 2 axes and 3 spacings; give one for each"),
    (lambda a: np.gradient(a, edge_order=3),
     ValueError, "np.gradient: edge_order must be 1 or 2, not 3"),
    (lambda a: np.gradient(a[:2], axis=0, edge_order=2),
     ValueError, "np.gradient: edge_order 2 needs 3 elements"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), MESSAGES)
def test_what_is_refused_is_refused_by_numpy_too(call, error, message):
    with pytest.raises(error) as caught:
        call(parameter(A))
    assert str(caught.value) == message
    if "writeable" not in message:
        with pytest.raises((error, ValueError)):
            call(A)


@pytest.mark.parametrize("coefficients", [[1.0], [0.0, 1.0, 2.0], [1.0, 2.0, 0.0]])
def test_roots_whose_derivative_would_be_lost(coefficients):
    with pytest.raises(ValueError, match=r"^np\.roots has no derivative .* drop zeros that"):
        np.roots(parameter(coefficients))


def writing():
    """Every function of NumPy with a rule that takes `out`, and its arguments before that."""
    for function in (*OPERATIONS, *COMPOSITES):
        if isinstance(function, np.ufunc) or not function.__module__.startswith("numpy"):
            continue
        parameters = list(signature(function).parameters.values())
        names = [p.name for p in parameters]
        if "out" in names:
            before = parameters[: names.index("out")]
            by_position = parameters[len(before)].kind is not inspect.Parameter.KEYWORD_ONLY
            yield pytest.param(function, before, by_position, id=function.__name__)


@pytest.mark.parametrize(("function", "before", "by_position"), list(writing()))
def test_a_result_is_not_written_into_an_array(function, before, by_position):
    x, out = parameter(A), np.zeros((3, 4))
    needed = [x for p in before if p.default is p.empty] or [x]
    calls = [lambda: function(*needed, out=out)]
    if by_position:
        given = [x if p.default is p.empty else p.default for p in before]
        calls.append(lambda: function(*given, out))
    for call in calls:
        with pytest.raises(TypeError, match="cannot write its result into an existing array"):
            call()
    assert not out.any()


def test_an_operation_of_ones_own_does_not_write_its_result_into_an_array():
    @al.primitive
    def twice(x, out=None):
        return np.multiply(x, 2, out=out)

    al.defvjp(twice, x=lambda g: 2 * g)
    out = np.zeros((3, 4))
    for function in (twice, al.relu):
        with pytest.raises(TypeError) as caught:
            function(parameter(A), out=out)
        name = function.__name__
        assert str(caught.value) == f"{name}(out=...) cannot be recorded; omit out="
    assert not out.any()
