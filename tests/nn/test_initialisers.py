"""How weights start."""

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
