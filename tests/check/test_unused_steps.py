"""Gradients on the way that a derivation computes and does not read."""

import numpy as np

import autograd_lite as al


def shifted(x, gamma):
    mu = x.mean(axis=0)
    xc = x - mu
    return xc * gamma, (xc, gamma)


def without_the_gradient_of_the_mean(dout, cache):
    xc, gamma = cache
    N, D = xc.shape
    dgamma = np.sum(dout * xc, axis=0)
    dx1 = dout * gamma
    dmu = -np.sum(dx1, axis=0)  # noqa: F841
    dx2 = 1.0 / N * np.ones((N, D))
    dx = dx1 + dx2
    return dx, dgamma


def test_a_gradient_that_is_nowhere_read_is_the_factor_that_is_missing():
    rng = np.random.default_rng(4)
    x, gamma = rng.normal(size=(6, 3)), rng.normal(size=3)
    report = al.check_derivation(shifted, without_the_gradient_of_the_mean, x, gamma, show=False)
    [wrong] = [found for found in report if found.status == "wrong"]
    start = without_the_gradient_of_the_mean.__code__.co_firstlineno
    assert (wrong.line - start, wrong.cause) == (6, "factor"), str(report)
    assert "dmu is never used" in wrong.message
