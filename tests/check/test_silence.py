"""Inputs that tell nothing of a derivation, and gradients of nothing: never called right."""

import numpy as np
import pytest

import autograd_lite as al


def forward(W, X):
    Z = X @ W
    H = np.maximum(Z, 0)
    return np.sum(H * np.log(H)), (Z, H)


def backward(W, X, cache):
    Z, H = cache
    dH = np.log(H) + 1
    dZ = dH * (Z > 0)
    return {"dZ": dZ, "dW": X.T @ dZ}


def squares(W, X):
    Z = X @ W
    H = np.maximum(Z, 0)
    return np.sum(H * H), (Z, H)


def gradients_of_squares(factor):
    def backward(W, X, cache):
        Z, H = cache
        dZ = factor * H * (Z > 0)
        return {"dZ": dZ, "dW": X.T @ dZ}

    return backward


W = np.full((2, 3), 0.5)
X = np.array([[1.0, 2.0], [0.5, 3.0]])


def test_a_derivation_that_the_inputs_tell_something_of_is_right():
    assert al.check_derivation(forward, backward, W, X, show=False).ok
    assert al.check_derivation(squares, gradients_of_squares(2), W, X, show=False).ok


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_a_loss_that_is_no_finite_number_makes_nothing_right_or_wrong(bad):
    report = al.check_derivation(forward, backward, W, bad * np.abs(X), show=False)
    assert not report.ok
    assert {line.status for line in report} == {"unmarked"}
    assert len([n for n in report.notes if "no gradient can be told right from wrong" in n]) == 1
    with pytest.raises(AssertionError):
        report.raise_if_wrong()


@pytest.mark.parametrize("factor", [2, 1, -7])
def test_gradients_that_are_all_zero_are_not_called_right(factor):
    report = al.check_derivation(squares, gradients_of_squares(factor), W, -X, show=False)
    assert not report.ok
    assert {line.status for line in report} == {"unmarked"}
    assert len([n for n in report.notes if "every gradient is 0 on these inputs" in n]) == 1


def test_a_gradient_that_is_nan_itself_is_not_called_right():
    def root(W, b):
        return np.sum(np.sqrt(W * W)) + np.sum(b * b)

    def gradients(W, b):
        with np.errstate(all="ignore"):
            return {"dW": W / np.sqrt(W * W), "db": 2 * b}

    with np.errstate(all="ignore"):
        report = al.check_derivation(root, gradients, np.array([1.0, 0.0]), np.ones(2), show=False)
    if np.all(np.isfinite(report.derived["dW"])):
        pytest.skip("the gradient is finite")
    assert [line.status for line in report] != ["correct", "correct"]
    assert not report.ok


def test_a_returned_gradient_of_nothing_is_no_right_one():
    def gradients(W, X, cache):
        Z, H = cache
        dZ = 2 * H * (Z > 0)
        dGate = np.ones((7, 5))
        dX = dZ @ W.T
        return X.T @ dZ, dX, dGate

    report = al.check_derivation(squares, gradients, W, X, show=False)
    last = list(report)[-1]
    assert (last.name, last.status) == ("dGate", "unmarked")
    assert "names=" in last.message
    assert not report.ok
    assert al.check_derivation(squares, gradients, W, X, names={"dGate": None}, show=False).ok


def test_a_returned_array_that_is_not_called_a_gradient_is_said_and_no_mistake():
    def gradients(W, X, cache):
        Z, H = cache
        dZ = 2 * H * (Z > 0)
        rounds = np.ones((7, 5))
        return {"dW": X.T @ dZ}, rounds

    report = al.check_derivation(squares, gradients, W, X, show=False)
    assert report.ok


def test_derived_arrays_that_nothing_is_known_of_are_named():
    def gradients(W, X, cache):
        Z, H = cache
        dZ = 2 * H * (Z > 0)
        dUseless = np.sin(dZ) + 1
        return {"dW": X.T @ dZ, "unused": len(dUseless)}

    report = al.check_derivation(squares, gradients, W, X, show=False)
    assert report.ok
    assert any("dUseless" in note for note in report.notes)
