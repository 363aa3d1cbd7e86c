"""How weights start."""

import warnings

import numpy as np
import pytest

import nn


class TestInitialisers:
    @pytest.mark.parametrize(
        ("name", "variance"),
        [
            ("he", 2 / 300),
            ("he_uniform", 2 / 300),
            ("xavier", 2 / 500),
            ("xavier_uniform", 2 / 500),
            ("lecun", 1 / 300),
            ("lecun_uniform", 1 / 300),
            ("normal", 1),
        ],
    )
    def test_variances(self, name, variance):
        W = nn.Linear(300, 200, initialisation=name, seed=0).weight.data
        assert np.var(W) == pytest.approx(variance, rel=0.02)
        assert abs(W.mean()) < 0.02 * np.sqrt(variance)

    def test_windows_count_their_places(self):
        W = nn.Conv2d(30, 20, (5, 4), seed=0).weight.data
        assert np.var(W) == pytest.approx(2 / (30 * 20), rel=0.05)

    @pytest.mark.parametrize("sizes", [(30, 20), (20, 30), (25, 25)])
    def test_orthogonal(self, sizes):
        W = nn.Linear(*sizes, initialisation="orthogonal", seed=0).weight.data
        product = W @ W.T if len(W) <= W.shape[1] else W.T @ W
        np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-12)

    def test_small_is_that_of_the_article(self):
        W = nn.Linear(50, 40, initialisation="small", seed=0).weight.data
        assert 0 <= W.min() and 0.0099 < W.max() < 0.01

    def test_seeds_and_generators(self):
        first, second, other = (nn.Linear(3, 2, seed=s).weight.data for s in (1, 1, 2))
        np.testing.assert_array_equal(first, second)
        assert not np.array_equal(first, other)
        generator = np.random.default_rng(1)
        np.testing.assert_array_equal(nn.Linear(3, 2, seed=generator).weight.data, first)
        assert not np.array_equal(nn.Linear(3, 2, seed=generator).weight.data, first)

    def test_an_unknown_one_is_refused(self):
        with pytest.raises(ValueError, match="initialisation must be one of .*'kaiming'"):
            nn.Conv2d(1, 1, 1, initialisation="kaiming")

    @pytest.mark.parametrize(
        ("name", "limit"),
        [
            ("he_uniform", (6 / 300) ** 0.5),
            ("xavier_uniform", (6 / 500) ** 0.5),
            ("lecun_uniform", (3 / 300) ** 0.5),
        ],
    )
    def test_uniform_ones_fill_their_range(self, name, limit):
        W = nn.Linear(300, 200, initialisation=name, seed=0).weight.data
        assert -limit <= W.min() < -0.999 * limit and 0.999 * limit < W.max() <= limit

    @pytest.mark.parametrize(
        ("name", "variance"), [("he", 2 / 200), ("xavier", 2 / 600), ("lecun", 1 / 200)]
    )
    def test_fans_of_windows(self, name, variance):
        """10 channels of 5 * 4 places come in, 20 of as many go out."""
        W = nn.Conv2d(10, 20, (5, 4), initialisation=name, seed=0).weight.data
        assert np.var(W) == pytest.approx(variance, rel=0.05)

    def test_orthogonal_matrices_of_either_sign(self):
        """Mezzadri's correction: without it the first number of each would be negative."""
        first = [
            nn.Linear(3, 3, initialisation="orthogonal", seed=seed).weight.data[0, 0]
            for seed in range(40)
        ]
        assert 10 < np.sum(np.array(first) > 0) < 30

    def test_orthogonal_windows(self):
        W = nn.Conv2d(2, 5, 3, initialisation="orthogonal", seed=0).weight.data.reshape(5, 18)
        np.testing.assert_allclose(W @ W.T, np.eye(5), atol=1e-12)

    def test_functions_make_the_numbers(self):
        layer = nn.Linear(2, 3, initialisation=lambda shape, rng: np.full(shape, 7.0))
        np.testing.assert_array_equal(layer.weight.data, np.full((3, 2), 7.0))
        drawn = nn.Linear(2, 3, initialisation=lambda shape, rng: rng.random(shape), seed=5)
        expected = np.random.default_rng(5).random((3, 2))
        np.testing.assert_array_equal(drawn.weight.data, expected)

    def test_functions_give_the_shape_they_are_asked_for(self):
        with pytest.raises(
            ValueError, match=r"returned numbers of shape \(2, 3\), expected \(3, 2\)"
        ):
            nn.Linear(2, 3, initialisation=lambda shape, rng: np.ones(shape[::-1]))

    def test_a_name_that_is_nearly_right_is_answered(self):
        with pytest.raises(
            ValueError, match="function of a shape and a generator, not 'xavir'.*'xavier'"
        ):
            nn.Linear(2, 3, initialisation="xavir")


def test_he_initialisation_is_the_default_for_relu():
    classifier = nn.DeepClassifier()
    assert (classifier.activation, classifier.initialisation) == ("relu", "he")
    weights = nn.Linear(400, 300, seed=0).weight.data
    assert np.isclose(weights.std(), np.sqrt(2 / 400), rtol=0.02)
    small = nn.Linear(400, 300, seed=0, initialisation="small").weight.data
    assert 0 <= small.min() and 0.0099 < small.max() < 0.01


def test_a_deep_net_learns_by_default_and_stalls_at_001():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 8))
    y = (X[:, 0] * X[:, 1] > 0).astype(int)
    options = {"hidden_layer_sizes": (16, 16, 16), "max_iter": 500, "learning_rate": 0.3}
    learns = nn.DeepClassifier(random_state=0, **options).fit(X, y)
    stalls = nn.DeepClassifier(random_state=0, initialisation="small", **options)
    with pytest.warns(nn.TrainingWarning, match="the gradients vanish"):
        stalls.fit(X, y)
    assert learns.score(X, y) > 0.95
    assert stalls.loss_curve_[0] - stalls.loss_curve_[-1] < 0.01


@pytest.mark.parametrize("initialisation", ["small", "zeros"])
def test_units_that_do_not_learn_are_reported(initialisation):
    X, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20) % 2
    classifier = nn.DeepClassifier(
        (5, 5, 5), initialisation=initialisation, max_iter=20, random_state=0
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        classifier.fit(X, y)
    about = {"small": "vanish", "zeros": "identical"}[initialisation]
    assert any(about in str(warning.message) for warning in caught)
