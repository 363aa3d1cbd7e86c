"""Convolution and pooling against loops and differences."""

import numpy as np
import pytest
from numerics import sines

import autograd_lite as al
import nn
from nn.layers.convolution import patches, unpatches

rng = np.random.default_rng(0)


def pictures(channels=2, height=6, width=5, n=3):
    return rng.normal(size=(channels, height, width, n))


def convolved(W, b, X, stride, padding):
    """Every output by a loop of its own."""
    p, q = padding
    X = np.pad(X, ((0, 0), (p, p), (q, q), (0, 0)))
    n_out, _, kh, kw = W.shape
    rows, columns = (X.shape[1] - kh) // stride[0] + 1, (X.shape[2] - kw) // stride[1] + 1
    Z = np.empty((n_out, rows, columns, X.shape[3]))
    for i in range(rows):
        for j in range(columns):
            window = X[:, i * stride[0] : i * stride[0] + kh, j * stride[1] : j * stride[1] + kw]
            for o in range(n_out):
                Z[o, i, j] = np.einsum("chw,chwn->n", W[o], window) + b[o]
    return Z


@pytest.mark.parametrize("window", [1, 2, 3, (2, 3), (6, 5)])
@pytest.mark.parametrize("stride", [1, 2, (2, 1), 3])
@pytest.mark.parametrize("padding", [0, 1, (2, 0)])
def test_convolution_is_what_the_loops_say(window, stride, padding):
    layer = nn.Conv2d(2, 3, window, stride=stride, padding=padding, seed=0)
    layer.bias.data[:, 0] = [1, 2, 3]
    X = pictures()
    expected = convolved(layer.weight.data, layer.bias.data, X, layer.stride, layer.padding)
    np.testing.assert_allclose(layer(X).data, expected, atol=1e-12)


@pytest.mark.parametrize(("stride", "padding"), [(1, 0), (2, 1), ((1, 3), (0, 2))])
@pytest.mark.one_in(2)
def test_convolution_has_the_derivatives_of_differences(stride, padding):
    layer = nn.Conv2d(2, 2, (2, 3), stride=stride, padding=padding, seed=0)

    def f(W, b, X):
        layer.weight, layer.bias = W, b
        return np.sum(np.sin(layer(X)))

    al.gradcheck(f, layer.weight.numpy(), layer.bias.numpy(), pictures(2, 4, 4, 2), order=2)


def test_the_gradient_of_a_picture_that_lies_beside_parts_of_the_window():
    layer = nn.Conv2d(1, 1, 3, stride=3, padding=1, seed=0)
    X = al.Tensor(np.ones((1, 1, 1, 2)), requires_grad=True)
    layer(X).sum().backward()
    np.testing.assert_array_equal(X.grad, np.full(X.shape, layer.weight.data[0, 0, 1, 1]))


@pytest.mark.parametrize("layer", [nn.MaxPool2d(2), nn.MaxPool2d((3, 2), 1), nn.AvgPool2d(2, 1)])
def test_pooling_has_the_derivatives_of_differences(layer):
    al.gradcheck(lambda X: np.sum(np.sin(layer(X))), pictures(2, 5, 4, 2))


def test_pooling_takes_the_largest_or_the_mean():
    X = np.arange(16.0).reshape(1, 4, 4, 1)
    assert nn.MaxPool2d(2)(X)[0, :, :, 0].tolist() == [[5, 7], [13, 15]]
    assert nn.AvgPool2d(2)(X)[0, :, :, 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]
    assert nn.MaxPool2d(3)(X).shape == (1, 1, 1, 1)


def test_patches_and_unpatches_are_each_others_transposes():
    X = pictures(2, 7, 6, 2)
    options = (2, 3), (2, 1), (1, 2)
    P = rng.normal(size=patches(X, *options).shape)
    left = np.sum(patches(X, *options) * P)
    assert np.isclose(left, np.sum(X * unpatches(P, X.shape, *options)))


def test_values_of_convolution():
    """PyTorch's, to ten digits."""
    layer = nn.Conv2d(2, 2, (2, 3), stride=(2, 1), padding=(1, 0))
    layer.weight.data, layer.bias.data = sines(2, 2, 2, 3), sines(2, 1)
    expected = [
        [[-0.1910179, 0.8015017088], [0.9737816433, 0.9022557826], [1.9552488252, 2.0610539442]],
        [[1.0443417659, 2.2436775917], [0.7469777386, 0.9254485401], [2.0063336847, 0.8784040685]],
    ]
    result = layer(sines(2, 4, 3, 2))
    assert result.shape == (2, 3, 1, 2)
    np.testing.assert_allclose(result.data[:, :, 0], expected, atol=1e-10)
    without = nn.Conv2d(2, 2, (2, 3), stride=(2, 1), padding=(1, 0), bias=False)
    without.weight.data = layer.weight.data
    shift = sines(2, 1)[:, :, np.newaxis]
    np.testing.assert_allclose(
        without(sines(2, 4, 3, 2)).data[:, :, 0], expected - shift, atol=1e-10
    )


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (
            nn.MaxPool2d((3, 2)),
            [[[[0.8414709848, 0.9906073557]]], [[[0.9999118601, 0.7625584505]]]],
        ),
        (
            nn.AvgPool2d(2),
            [
                [[[0.5129240192, 0.1494580168]], [[0.5142469313, 0.4016994951]]],
                [[[0.3549745983, 0.5284934015]], [[0.0848465087, 0.490243003]]],
            ],
        ),
        (
            nn.AvgPool2d((2, 3), (1, 2)),
            [
                [[[0.0154635993, -0.0363593915]], [[0.0296953771, -0.023253165]]]
                + [[[0.0415616382, -0.0082946047]]],
                [[[0.0546803066, 0.0223605214]], [[0.0548876882, 0.0356151175]]]
                + [[[0.0507227481, 0.0460326338]]],
            ],
        ),
    ],
    ids=repr,
)
def test_values_of_pooling(layer, expected):
    """PyTorch's, to ten digits."""
    np.testing.assert_allclose(layer(sines(2, 4, 3, 2)), expected, atol=1e-10)


@pytest.mark.parametrize(
    "text",
    [
        "Conv2d(1, 2, 3)",
        "Conv2d(1, 2, (3, 4))",
        "Conv2d(1, 2, 3, stride=2)",
        "Conv2d(1, 2, 3, stride=(1, 2), padding=(1, 0))",
        "Conv2d(1, 2, 3, padding=1, bias=False)",
        "MaxPool2d(2)",
        "MaxPool2d((2, 3))",
        "MaxPool2d(3, 2)",
        "AvgPool2d((3, 2), (1, 2))",
    ],
)
def test_reprs_make_the_layer(text):
    layer = eval(f"nn.{text}")
    assert repr(layer) == text


def test_windows_as_large_as_the_pictures_with_their_zeros():
    assert nn.Conv2d(1, 1, 5, padding=1)(np.ones((1, 3, 3, 1))).shape == (1, 1, 1, 1)
    assert nn.MaxPool2d((3, 2))(np.ones((1, 3, 2, 1))).shape == (1, 1, 1, 1)
    with pytest.raises(ValueError, match="the window is larger"):
        nn.MaxPool2d((1, 3))(np.ones((1, 3, 2, 1)))
    with pytest.raises(ValueError, match="the window is larger"):
        nn.Conv2d(1, 1, 6, padding=1)(np.ones((1, 3, 3, 1)))


@pytest.mark.parametrize("value", [0, (1, 2, 3), (1, 0), (1.0, 2), "ab"])
def test_windows_are_numbers_or_pairs(value):
    with pytest.raises(ValueError, match="window must be a number or a pair of numbers from 1"):
        nn.Conv2d(1, 1, value)
