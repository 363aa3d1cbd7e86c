"""detect_anomaly names what made the first NaN or Inf."""

import threading

import numpy as np
import pytest
from tensors import parameter

import autograd_lite as al


def test_the_forward_pass():
    x = parameter([[1, 2], [0, 4]])
    with pytest.raises(
        FloatingPointError,
        match=r"log gave -inf at index \(1, 0\) at File .*test_anomaly.py.*from 0 to 4",
    ):
        with al.detect_anomaly():
            np.sum(np.log(x * 1))
    with pytest.raises(FloatingPointError, match=r"divide gave inf.*Operands: 1.0; 0.0"):
        with al.detect_anomaly():
            parameter(1) / 0.0


def test_the_backward_pass():
    x = parameter([0, 4])
    with al.detect_anomaly():
        y = np.sum(np.sqrt(x))
        with pytest.raises(
            FloatingPointError,
            match=r"gradient of sqrt called at File .*test_anomaly.py.* has inf at index \(0,\)",
        ):
            y.backward()


def test_outside_nothing_is_checked():
    x = parameter([0, 4])
    with al.detect_anomaly():
        pass
    np.sum(np.sqrt(x)).backward()
    assert x.grad[0] == np.inf


def test_as_a_decorator_and_in_one_thread_only():
    @al.detect_anomaly()
    def compute():
        thread = threading.Thread(target=lambda: seen.append(parameter(np.inf) * 2))
        thread.start()
        thread.join()
        return np.sqrt(parameter(1))

    seen = []
    assert compute().item() == 1
    assert seen[0].item() == np.inf


def test_finite_values_pass():
    with al.detect_anomaly():
        x = parameter([1, 2])
        np.sum(np.log(x)).backward()
    assert x.grad.tolist() == [1, 0.5]


def test_gradients_of_several_operands_at_once():
    x, y = parameter([1, 2]), parameter([[3, 4, 5], [0, 7, 8]])
    with al.detect_anomaly():
        np.sum(np.concatenate([x, y[0]]) ** 2).backward()
        np.sum(np.einsum("i,ij->j", x, y) ** 2).backward()
        np.sum(np.linalg.svd(y, full_matrices=False)[1]).backward()
        joined = np.concatenate([x, y[0]])
        with pytest.raises(FloatingPointError, match="gradient of concatenate.*nan at index"):
            joined.backward(np.array([1, np.nan, 1, 1, 1]))
