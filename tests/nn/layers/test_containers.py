"""Sequential, Residual, Flatten and Unflatten."""

import numpy as np
import pytest

import nn

rng = np.random.default_rng(0)


def test_flatten_and_unflatten_undo_each_other():
    X = rng.normal(size=(2, 6, 5, 3))
    columns = nn.Flatten()(X)
    assert columns.shape == (60, 3)
    np.testing.assert_array_equal(nn.Unflatten(2, 6, 5)(columns), X)
    files = rng.random((3, 6, 5, 2))
    made = nn.Unflatten(2, 6, 5, channels_last=True)(nn.flatten(files))
    np.testing.assert_array_equal(made, np.transpose(files, (3, 1, 2, 0)))


def test_residual_adds_its_input():
    layer = nn.Residual(nn.Linear(3, 3, seed=0), nn.ReLU())
    X = rng.normal(size=(3, 4))
    expected = X + np.maximum(layer.path.layers[0](X).data, 0)
    np.testing.assert_array_equal(layer(X).data, expected)


def test_unflatten_puts_every_number_in_its_place():
    columns = np.arange(8.0)[:, np.newaxis]
    assert nn.Unflatten(2, 1, 4)(columns)[:, :, :, 0].tolist() == [[[0, 1, 2, 3]], [[4, 5, 6, 7]]]
    last = nn.Unflatten(2, 1, 4, channels_last=True)(columns)
    assert last[:, :, :, 0].tolist() == [[[0, 2, 4, 6]], [[1, 3, 5, 7]]]
    assert nn.Flatten()(np.arange(8.0).reshape(2, 2, 2)).tolist() == [
        [0, 1],
        [2, 3],
        [4, 5],
        [6, 7],
    ]


class TestSequential:
    net = nn.Sequential(
        nn.Conv2d(1, 2, 2, seed=0), nn.Flatten(), nn.Linear(2, 3, bias=False, seed=1), nn.ReLU()
    )

    def test_it_applies_its_layers_in_order(self):
        net = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1))
        for parameter, value in zip(net.parameters(), (2.0, -1.0, 3.0, 5.0), strict=True):
            parameter.data[...] = value
        assert net(np.array([[-1.0, 0.5, 2.0]])).data.tolist() == [[5, 5, 14]]

    def test_layers_are_found_by_number(self):
        assert len(self.net) == 4
        assert list(self.net) == [self.net[i] for i in range(4)]
        assert self.net[-1] is self.net[3]
        part = self.net[1:3]
        assert isinstance(part, nn.Sequential) and list(part) == [self.net[1], self.net[2]]
        with pytest.raises(IndexError, match="there is no layer 4: there are 4 layers"):
            self.net[4]

    def test_parameters_are_named_by_the_number_of_their_layer(self):
        assert [p.name for p in self.net.parameters()] == ["W1", "b1", "W2"]
        again = nn.Sequential(nn.Linear(2, 2), *self.net)
        assert [p.name for p in again.parameters()] == ["W1", "b1", "W1", "b1", "W2"]

    def test_repr(self):
        expected = "Sequential(Conv2d(1, 2, 2), Flatten(), Linear(2, 3, bias=False), ReLU())"
        assert repr(self.net) == expected
        assert repr(nn.Residual(nn.ReLU(), nn.Tanh())) == "Residual(ReLU(), Tanh())"
        assert repr(nn.Unflatten(1, 2, 3)) == "Unflatten(1, 2, 3)"

    def test_it_takes_modules(self):
        with pytest.raises(TypeError, match="takes modules, one after the other, not list"):
            nn.Sequential([nn.ReLU()])


@pytest.mark.parametrize("shape", [(4,), (5, 3), (2, 2, 3)])
def test_unflatten_takes_columns_of_its_size(shape):
    with pytest.raises(
        ValueError, match=r"Unflatten\(1, 2, 2\) takes columns of 4 features, but X"
    ):
        nn.Unflatten(1, 2, 2)(np.ones(shape))
