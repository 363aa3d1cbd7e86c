"""What the table of cases does not show of statistics and signals."""

import numpy as np
import pytest

import autograd_lite as al

M = np.arange(8.0).reshape(2, 4) ** 2


@pytest.mark.parametrize("function", [np.linspace, np.logspace])
def test_a_number_leaves_single_precision_alone(function):
    start = np.ones(2, np.float32)
    result = function(al.Tensor(start, requires_grad=True), 2.0, 3)
    assert result.dtype == function(start, 2.0, 3).dtype == np.float32


def test_a_single_sample_has_no_step():
    stop = al.Tensor(2.0, requires_grad=True)
    assert np.isnan(np.linspace(0.0, stop, 1, retstep=True)[1])
