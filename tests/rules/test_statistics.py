"""What the table of cases does not show of statistics and signals."""

import numpy as np
import pytest

import autograd_lite as al

M = np.arange(8.0).reshape(2, 4) ** 2


@pytest.mark.parametrize("weights", [None, [1, 2]])
def test_average_returns_its_weights_in_the_dtype_of_the_average(weights):
    x = al.Tensor(M, requires_grad=True)
    _, total = np.average(x, axis=0, weights=weights, returned=True)
    _, expected = np.average(M, axis=0, weights=weights, returned=True)
    np.testing.assert_array_equal(getattr(total, "data", total), expected)
    assert total.dtype == expected.dtype


@pytest.mark.parametrize("function", [np.linspace, np.logspace])
def test_a_number_leaves_single_precision_alone(function):
    start = np.ones(2, np.float32)
    result = function(al.Tensor(start, requires_grad=True), 2.0, 3)
    assert result.dtype == function(start, 2.0, 3).dtype == np.float32


def test_weights_of_quantiles_may_be_tensors_without_gradient():
    weights = np.array([1.0, 3.0])

    def lower_half(x, weights):
        return np.quantile(x, 0.5, axis=0, weights=weights, method="inverted_cdf")

    for own in (weights, al.Tensor(weights)):
        gradient = al.grad(lambda x, own=own: np.sum(lower_half(x, own)))(M)
        np.testing.assert_array_equal(gradient, [[0, 0, 0, 0], [1, 1, 1, 1]])
    with pytest.raises(TypeError, match="pass plain weights"):
        lower_half(M, al.Tensor(weights, requires_grad=True))


def test_a_single_sample_has_no_step():
    stop = al.Tensor(2.0, requires_grad=True)
    assert np.isnan(np.linspace(0.0, stop, 1, retstep=True)[1])
