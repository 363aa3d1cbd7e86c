"""Losses and activations are exact and finite for numbers of any size."""

import warnings

import numpy as np
import pytest
from tensors import parameter

import autograd_lite as al
import nn


def test_losses_work_from_logits():
    assert al.sigmoid(np.array(37.0)) == 1
    with np.errstate(divide="ignore", invalid="ignore"):
        a = al.sigmoid(np.array(37.0))
        assert not np.isfinite(1 * np.log(a) + (1 - 1) * np.log(1 - a))
        assert not np.isfinite(0 * np.log(a) + (1 - 0) * np.log(1 - a))
    Z = parameter([[37, 37, -37, -37, 1000, -1000, 1000, -1000]])
    Y = np.array([[1.0, 0, 1, 0, 1, 0, 0, 1]])
    loss = nn.binary_cross_entropy_with_logits(Z, Y)
    small = np.log1p(np.exp(-37))
    assert np.isclose(loss.item(), (74 + 2000 + 4 * small) / 8, rtol=1e-15)
    loss.backward()
    rest = np.exp(-37) / (1 + np.exp(-37)) / 8
    expected = [[-rest, 1 / 8, -1 / 8, rest, 0, 0, 1 / 8, -1 / 8]]
    # An absolute tolerance too: 1 - sigmoid(37) is 0 in float64, instead of 8.5e-17.
    np.testing.assert_allclose(Z.grad, expected, rtol=1e-15, atol=2e-17)


def test_a_loss_of_probabilities_loses_none_that_floats_can_hold():
    A = parameter([[1.0, 0.0, 1e-300]])
    loss = nn.binary_cross_entropy(A, np.array([[1.0, 0.0, 1.0]]))
    assert np.isclose(loss.item(), 300 * np.log(10) / 3)
    loss.backward()
    assert np.isfinite(A.grad).all()


@pytest.mark.parametrize(
    "function",
    [
        al.sigmoid,
        al.softplus,
        al.softmax,
        al.log_softmax,
        al.logsumexp,
        al.relu,
        np.tanh,
        lambda z: np.logaddexp(z, 0),
        lambda z: nn.binary_cross_entropy_with_logits(z, np.ones(z.shape)),
        lambda z: nn.binary_cross_entropy_with_logits(z, np.zeros(z.shape)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_no_overflow_on_legal_inputs(function, dtype):
    x = parameter([-1e4, -800, -89, -37, 0, 37, 89, 800, 1e4], dtype=dtype)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            result = function(x)
            np.sum(result).backward()
    assert np.isfinite(result.data).all()
    assert np.isfinite(x.grad).all()
