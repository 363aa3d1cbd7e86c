"""al.draw of a function and example inputs."""

import numpy as np
import pytest
from pictures.drawings import edges, labels, styles

import autograd_lite as al
import nn


def forward(W1, b1, X):
    Z1 = np.dot(W1, X) + b1
    A = {"1": np.maximum(0, Z1)}
    cost = np.sum(A["1"])
    return cost, (Z1, A)


W1, b1, X = np.ones((2, 3)), np.zeros((2, 1)), np.ones((3, 4))


def names(picture):
    return {lines[0] for lines in labels(picture).values()}


def test_local_variables_are_the_names():
    assert {"W1", "b1", "X", "Z1", "A1", "cost"} <= names(al.draw(forward, W1, b1, X))


def test_it_is_the_picture_of_the_recorded_result():
    tensors = [al.Tensor(v, True, name=n) for n, v in (("W1", W1), ("b1", b1), ("X", X))]
    loss, (Z1, A) = forward(*tensors)
    al.label({"Z1": Z1, "A1": A["1"], "cost": loss})
    drawn = al.draw(forward, W1, b1, X, wrt=("W1", "b1", "X"))
    assert drawn.source == al.draw(loss).source


def test_parameters_in_a_dict_are_called_by_their_keys():
    def loss(P):
        return (P["W"] * P["b"]).sum()

    picture = al.draw(loss, {"W": np.ones(3), "b": 2.0})
    assert {"W", "b"} <= names(picture)


def test_the_inputs_of_a_module_are_constants():
    net = nn.Sequential(nn.Linear(3, 2, seed=0), nn.ReLU())
    picture = al.draw(net, X)
    blue = {name for name, colour in styles(picture).items() if colour == "#cfe3f7"}
    assert blue == {"W1", "b1"}
    assert len(edges(picture)) == 4


def test_the_arrays_stay_as_they_are_and_writable():
    before = W1.copy()
    al.draw(forward, W1, b1, X)
    W1[0, 0] += 0
    np.testing.assert_array_equal(W1, before)


def test_a_function_that_raises_raises():
    with pytest.raises(ValueError, match="operands"):
        al.draw(lambda a, b: a + b, np.ones(3), np.ones(4))


def test_a_function_that_leaves_numpy_is_refused():
    with pytest.raises(TypeError, match="first returned int"):
        al.draw(first, np.ones(3))


def first(x):
    return len(x)


def test_inputs_of_a_tensor_are_refused():
    x = al.Tensor(1.0, True)
    with pytest.raises(TypeError, match=r"only with a function, as in draw\(f, x, y\)"):
        al.draw(x * x, x)
