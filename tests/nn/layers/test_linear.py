"""Linear and Embedding."""

import numpy as np
import pytest
from numerics import sines

import autograd_lite as al
import nn
from nn.layers import affine


class TestLinear:
    def test_shapes_and_start(self):
        layer = nn.Linear(3, 2, seed=0)
        assert layer.weight.shape == (2, 3)
        assert layer.bias.shape == (2, 1)
        assert layer.weight.requires_grad and layer.bias.requires_grad
        assert not layer.bias.data.any()
        np.testing.assert_array_equal(layer.weight.data, nn.Linear(3, 2, seed=0).weight.data)
        assert isinstance(layer.weight, nn.Parameter)

    def test_it_computes_w_x_plus_b(self):
        layer, X = nn.Linear(3, 2), np.arange(12.0).reshape(3, 4)
        layer.bias.data[:] = [[1], [2]]
        np.testing.assert_allclose(layer(X).data, layer.weight.data @ X + [[1], [2]])

    def test_its_derivatives_of_both_orders(self):
        rng = np.random.default_rng(0)
        operands = [rng.normal(size=shape) for shape in ((2, 3), (3, 4), (2, 1))]
        assert al.gradcheck(affine, *operands)
        mixed = affine(operands[0].astype(np.float32), operands[1].astype(np.float32), operands[2])
        assert mixed.dtype == np.float64

    @pytest.mark.parametrize(
        ("shape", "hint"),
        [((4, 3), "pass X.T"), ((4, 5), r"\(3, N\)"), ((3,), r"\(3,\)"), ((4, 3, 1), "nn.flatten")],
    )
    def test_wrong_shapes(self, shape, hint):
        with pytest.raises(ValueError, match=r"Linear\(3, 2\) takes samples as columns.*" + hint):
            nn.Linear(3, 2)(np.ones(shape))

    def test_bad_arguments(self):
        with pytest.raises(ValueError, match="at least 1"):
            nn.Linear(0, 3)
        with pytest.raises(ValueError, match="initialisation must be one of.*'He'"):
            nn.Linear(2, 3, initialisation="He")

    @pytest.mark.parametrize(
        ("name", "deviation"), [("he", (2 / 300) ** 0.5), ("xavier", (2 / 500) ** 0.5)]
    )
    def test_initialisers(self, name, deviation):
        weights = nn.Linear(300, 200, initialisation=name, seed=1).weight.data
        assert np.isclose(weights.std(), deviation, rtol=0.02)
        small = nn.Linear(300, 200, initialisation="small", seed=1).weight.data
        assert 0 <= small.min() < small.max() < 0.01
        assert not nn.Linear(3, 2, initialisation="zeros").weight.data.any()


def test_an_embedding_is_a_linear_layer_of_one_hot_columns():
    layer = nn.Embedding(5, 3, seed=0)
    numbers = np.array([[0, 4, 1], [1, 1, 2]])
    assert layer(numbers).shape == (3, 2, 3)
    one_hot = np.eye(5)[:, numbers[1]]
    np.testing.assert_array_equal(layer(numbers[1]).data, layer.weight.data @ one_hot)
    layer(numbers).sum().backward()
    np.testing.assert_array_equal(layer.weight.grad[0], [1, 3, 1, 0, 1])


def test_values_of_linear():
    """PyTorch's, to ten digits."""
    layer = nn.Linear(3, 2)
    layer.weight.data, layer.bias.data = sines(2, 3), sines(2, 1)
    expected = np.array(
        [
            [0.7357551916, 1.275774329, 1.4164969746, 1.0285433771],
            [1.0768535585, 0.6410850989, 0.4519098167, 0.6832545939],
        ]
    )
    np.testing.assert_allclose(layer(sines(3, 4)).data, expected, atol=1e-10)
    layer = nn.Linear(3, 2, bias=False)
    layer.weight.data = sines(2, 3)
    np.testing.assert_allclose(layer(sines(3, 4)).data, expected - sines(2, 1), atol=1e-10)


def test_reprs():
    assert repr(nn.Linear(3, 2)) == "Linear(3, 2)"
    assert repr(nn.Linear(3, 2, bias=False)) == "Linear(3, 2, bias=False)"
    assert repr(nn.Embedding(3, 2)) == "Embedding(3, 2)"


def test_the_smallest_layers():
    assert nn.Linear(1, 1)(np.ones((1, 2))).shape == (1, 2)
    assert nn.Embedding(1, 1)(np.zeros(3, int)).shape == (1, 3)
    for kind in (nn.Linear, nn.Embedding):
        for sizes in ((0, 1), (1, 0)):
            with pytest.raises(
                ValueError, match=rf"{kind.__name__}\({sizes[0]}, {sizes[1]}\): both"
            ):
                kind(*sizes)


def test_an_embedding_takes_tensors_and_lists_too_and_none_at_all():
    layer = nn.Embedding(3, 2)
    layer.weight.data = sines(2, 3)
    expected = [[[0.1411200081, 0.8414709848]], [[-0.2794154982, -0.7568024953]]]
    for X in (np.array([[2, 0]]), al.Tensor(np.array([[2, 0]])), [[2, 0]]):
        np.testing.assert_allclose(layer(X).data, expected, atol=1e-10)
    assert layer(np.zeros((4, 0), int)).shape == (2, 4, 0)
