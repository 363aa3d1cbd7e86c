"""What layers refuse, and what they say."""

import numpy as np
import pytest

import nn


@pytest.mark.parametrize(
    ("layer", "X", "message"),
    [
        (nn.Conv2d(3, 2, 3), np.ones((2, 5, 5, 1)), r"\(3, height, width, N\).*\(2, 5, 5, 1\)"),
        (nn.Conv2d(3, 2, 3), np.ones((75, 4)), "Unflatten makes pictures of columns"),
        (nn.Conv2d(1, 2, 6), np.ones((1, 5, 5, 1)), "the window is larger"),
        (nn.MaxPool2d(6), np.ones((1, 5, 5, 1)), "the window is larger"),
        (nn.BatchNorm(3), np.ones((2, 4)), r"takes X of shape \(3, ..., N\)"),
        (nn.BatchNorm(2), np.ones((2, 1)), "more than one sample to train on"),
        (nn.LayerNorm(3), np.ones((2, 4)), r"takes X of shape \(3, ..., N\)"),
        (nn.Unflatten(1, 2, 2), np.ones((5, 3)), "takes columns of 4 features"),
        (nn.Residual(nn.Linear(2, 3)), np.ones((2, 4)), "Residual adds .* shape"),
        (nn.Embedding(3, 2), np.array([0, 3]), "3 symbols got the number 3"),
        (nn.Embedding(3, 2), np.array([-1, 0]), "3 symbols got the number -1"),
    ],
)
def test_what_does_not_fit_is_said(layer, X, message):
    with pytest.raises(ValueError, match=message):
        layer(X)


def test_options_that_make_no_sense():
    for make, message in [
        (lambda: nn.Conv2d(1, 1, 0), "window must be"),
        (lambda: nn.Conv2d(1, 1, 2, stride=0), "stride must be"),
        (lambda: nn.Conv2d(1, 1, 2, padding=-1), "padding must be"),
        (lambda: nn.Conv2d(0, 1, 2), "both sizes must be at least 1"),
        (lambda: nn.Dropout(1.0), "share must be from 0 to below 1"),
        (lambda: nn.BatchNorm(2, momentum=2), "momentum must be from 0 to 1"),
        (lambda: nn.Embedding(0, 1), "both sizes must be at least 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            make()
    with pytest.raises(TypeError, match="whole numbers"):
        nn.Embedding(3, 2)(np.ones(2))
