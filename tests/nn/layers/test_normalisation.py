"""BatchNorm, LayerNorm and Dropout."""

import numpy as np
import pytest
from numerics import sines

import autograd_lite as al
import nn

rng = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(3, 7), (3, 4, 2, 5)])
def test_batch_norm_normalises_in_training_and_remembers(shape):
    layer = nn.BatchNorm(3, momentum=0.25)
    X = rng.normal(2, 3, shape)
    axes = tuple(range(1, len(shape)))
    Z = layer(X).data
    np.testing.assert_allclose(Z.mean(axis=axes), 0, atol=1e-12)
    np.testing.assert_allclose(Z.var(axis=axes), 1, rtol=1e-4)
    np.testing.assert_allclose(layer.running_mean[:, 0], 0.25 * X.mean(axis=axes))
    expected = 0.75 + 0.25 * X.var(axis=axes, ddof=1)
    np.testing.assert_allclose(layer.running_variance[:, 0], expected)
    layer.eval()
    before = layer.running_mean.copy()
    used = layer(X).data
    np.testing.assert_array_equal(layer.running_mean, before)
    column = (-1,) + (1,) * (len(shape) - 1)
    scale = np.sqrt(expected + 1e-5).reshape(column)
    np.testing.assert_allclose(used, (X - before.reshape(column)) / scale)


@pytest.mark.parametrize("layer", [nn.BatchNorm(3), nn.LayerNorm(3), nn.BatchNorm(3).eval()])
def test_norms_have_the_derivatives_of_differences(layer):
    def f(scale, shift, X):
        layer.scale, layer.shift = scale, shift
        return np.sum(np.sin(layer(X)))

    al.gradcheck(f, rng.normal(size=(3, 1)), rng.normal(size=(3, 1)), rng.normal(size=(3, 4)))


def test_layer_norm_normalises_each_sample():
    Z = nn.LayerNorm(5)(rng.normal(2, 3, (5, 7))).data
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(Z.var(axis=0), 1, rtol=1e-4)


def test_dropout_drops_a_share_in_training_only():
    layer = nn.Dropout(0.25, seed=0)
    X = al.Tensor(np.ones((100, 100)), True)
    Z = layer(X)
    assert set(np.unique(Z.data)) == {0, 1 / 0.75}
    assert 0.2 < np.mean(Z.data == 0) < 0.3
    Z.sum().backward()
    np.testing.assert_array_equal(X.grad, Z.data)
    assert layer.eval()(X) is X
    again = nn.Dropout(0.25, seed=0)(np.ones((100, 100)))
    np.testing.assert_array_equal(again, Z.data)


X = sines(3, 4)
TRAINED = [
    [1.7602064382, 1.9621178528, -0.3246568132, -2.9976674778],
    [1.5793113186, 0.6958806643, -0.5215374852, -0.9536544976],
    [1.1062662191, 0.1766104172, -0.2667289414, 0.1838523051],
]
USED = [
    [1.7239967863, 1.8669505887, 0.2479082256, -1.6445902209],
    [1.211482345, 0.5132966876, -0.4488432232, -0.7903503906],
    [0.5820277827, 0.0598372592, -0.1891878222, 0.0639050499],
]
OF_COLUMNS = [
    [2.0360557963, 2.8867734379, 0.7020652709, -1.5883187861],
    [1.5768555064, 0.6873669652, -0.8461470519, -1.2046891356],
    [0.5044138041, -0.1530098769, -0.3735898437, 0.0197351287],
]
OF_PICTURES = [
    [2.3454743627, 2.7603622569, 0.4415928833, -1.926781391],
    [1.5244209607, 0.5418879239, -0.6719797629, -1.2427963918],
    [0.5695733697, -0.0570439221, -0.3901195823, -0.0518055283],
]


def scaled(layer):
    """The layer with a scale and a shift for each of three features."""
    layer.scale.data, layer.shift.data = np.array([[[2.0], [-1], [0.5]], [[0.1], [0.2], [0.3]]])
    return layer


@pytest.mark.parametrize("shape", [(3, 4), (3, 2, 1, 2)])
def test_values_of_batch_norm(shape):
    """PyTorch's, to ten digits; of pictures too, whose pixels are as many samples."""
    layer = scaled(nn.BatchNorm(3, momentum=0.25))
    x = X.reshape(shape)
    np.testing.assert_allclose(layer(x).data, np.reshape(TRAINED, shape), atol=1e-9)
    np.testing.assert_allclose(
        layer.running_mean, [[0.0709428703], [0.025500317], [-0.1042791094]], atol=1e-10
    )
    np.testing.assert_allclose(
        layer.running_variance, [[0.9004545907], [0.9472044068], [0.8381455862]], atol=1e-10
    )
    np.testing.assert_allclose(layer.eval()(x).data, np.reshape(USED, shape), atol=1e-9)


@pytest.mark.parametrize(("shape", "expected"), [((3, 4), OF_COLUMNS), ((3, 2, 1, 2), OF_PICTURES)])
def test_values_of_layer_norm(shape, expected):
    """PyTorch's, to ten digits."""
    found = scaled(nn.LayerNorm(3))(X.reshape(shape))
    np.testing.assert_allclose(found.data, np.reshape(expected, shape), atol=1e-9)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        # (x - mean) / sqrt(variance + epsilon) of -1 and 1, and of the running numbers 0 and 1.
        (nn.BatchNorm(1, epsilon=3.0), [[-0.5, 0.5]]),
        (nn.BatchNorm(1, epsilon=3.0).eval(), [[-0.5, 0.5]]),
        (nn.LayerNorm(2, epsilon=3.0), [[-0.5], [0.5]]),
    ],
    ids=repr,
)
def test_epsilon_is_added_to_the_variance(layer, expected):
    assert layer(np.reshape([-1.0, 1.0], np.shape(expected))).data.tolist() == expected


def test_values_of_dropout():
    class Generator:
        def random(self, shape):
            return np.reshape([0.0, 0.2, 0.25, 0.9], shape)

    layer = nn.Dropout(0.25)
    layer.generator = Generator()
    assert layer(np.array([[3.0, 3, 3, 6]])).tolist() == [[0, 0, 4, 8]]
    assert layer(np.array([[3, 3, 3, 6]])).tolist() == [[0, 0, 4, 8]]
    assert layer(np.float32([[3, 3, 3, 6]])).dtype == np.float32


def test_dropout_of_nothing_draws_nothing():
    layer, X = nn.Dropout(0.0, seed=0), np.ones((2, 2))
    assert layer(X) is X
    assert layer.generator.random() == np.random.default_rng(0).random()


def test_reprs_and_defaults():
    assert repr(nn.BatchNorm(3)) == "BatchNorm(3)"
    assert repr(nn.LayerNorm(3)) == "LayerNorm(3)"
    assert repr(nn.Dropout()) == "Dropout(0.5)"
    assert (nn.BatchNorm(1).momentum, nn.BatchNorm(1).epsilon) == (0.1, 1e-5)
    assert nn.LayerNorm(1).epsilon == 1e-5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.BatchNorm(0), r"BatchNorm\(0\): the size must be at least 1"),
        (lambda: nn.LayerNorm(0), r"LayerNorm\(0\): the size must be at least 1"),
        (lambda: nn.BatchNorm(1, momentum=-0.1), "momentum must be from 0 to 1, not -0.1"),
        (lambda: nn.Dropout(-0.1), "the share must be from 0 to below 1, not -0.1"),
    ],
)
def test_options_are_in_their_ranges(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("kind", [nn.BatchNorm, nn.LayerNorm])
def test_one_feature_is_enough_and_one_axis_is_not(kind):
    assert kind(1)(np.ones((1, 2))).shape == (1, 2)
    with pytest.raises(ValueError, match=r"takes X of shape \(2, ..., N\), but X has shape \(2,\)"):
        kind(2)(np.ones(2))


def test_batch_norm_takes_two_samples_and_both_ends_of_momentum():
    for momentum in (0, 1):
        layer = nn.BatchNorm(1, momentum=momentum)
        assert np.allclose(layer(np.array([[1.0, 3.0]])).data, [[-1, 1]], atol=1e-5)
        assert layer.running_mean.tolist() == [[2.0 * momentum]]
        assert layer.running_variance.tolist() == [[1.0 + momentum]]
