"""Limits of gradients."""

import math

import numpy as np
import pytest

import nn


class TestClipping:
    def parameters(self):
        found = [nn.Parameter([3.0, 0.0]), nn.Parameter([4.0]), nn.Parameter([1.0])]
        for p in found[:2]:
            p.grad = p.data
        return found

    def test_by_norm(self):
        parameters = self.parameters()
        assert nn.clip_by_norm(parameters, 1.0) == 5.0
        np.testing.assert_allclose(parameters[0].grad, [0.6, 0])
        np.testing.assert_allclose(parameters[1].grad, [0.8])
        assert nn.clip_by_norm(parameters, 10.0) == pytest.approx(1.0)
        np.testing.assert_allclose(parameters[1].grad, [0.8])

    def test_norms_beyond_the_squares_of_floats(self):
        p = nn.Parameter([1.0, 1.0])
        p.grad = [3e200, 4e200]
        assert nn.clip_by_norm([p], 1.0) == pytest.approx(5e200)
        np.testing.assert_allclose(p.grad, [0.6, 0.8])
        p.grad = [np.nan, 1.0]
        assert math.isnan(nn.clip_by_norm([p], 1.0))

    def test_norms_below_the_squares_of_floats(self):
        p = nn.Parameter([1.0, 1.0])
        p.grad = [3e-200, 4e-200]
        assert nn.clip_by_norm([p], 1e-200) == pytest.approx(5e-200)
        np.testing.assert_allclose(p.grad, [0.6e-200, 0.8e-200])

    def test_by_value(self):
        parameters = self.parameters()
        nn.clip_by_value(parameters, 3.5)
        assert parameters[0].grad.tolist() == [3, 0] and parameters[1].grad.tolist() == [3.5]

    def test_limits_are_above_0(self):
        for clip in (nn.clip_by_norm, nn.clip_by_value):
            with pytest.raises(ValueError, match="must be above 0"):
                clip([], 0)

    def test_what_has_no_gradient_or_none_but_zeros(self):
        p, q = nn.Parameter([1.0]), nn.Parameter([1.0])
        assert nn.clip_by_norm([p], 1.0) == 0
        p.grad = [0.0]
        assert nn.clip_by_norm([p, q], 1.0) == 0 and p.grad.tolist() == [0]
        p.grad = [np.inf]
        assert nn.clip_by_norm([p], 1.0) == np.inf and p.grad.tolist() == [np.inf]
        nn.clip_by_value([p, q], 2.0)
        assert p.grad.tolist() == [2] and q.grad is None

    def test_a_norm_at_the_limit_is_left_as_it_is(self):
        p = nn.Parameter([1.0, 1.0])
        p.grad = [3.0, -4.0]
        assert nn.clip_by_norm([p], 5.0) == 5
        assert p.grad.tolist() == [3, -4]
        nn.clip_by_value([p], 3.0)
        assert p.grad.tolist() == [3, -3]

    @pytest.mark.parametrize("most", [0, -1, math.nan])
    def test_messages(self, most):
        with pytest.raises(ValueError, match=f"clip_by_norm: the norm must be above 0, not {most}"):
            nn.clip_by_norm([], most)
        with pytest.raises(
            ValueError, match=f"clip_by_value: the value must be above 0, not {most}"
        ):
            nn.clip_by_value([], most)
