"""Steps that are minus the gradient of what they are called after, and go on as such."""

import numpy as np
import pytest

import autograd_lite as al


def centred(x, gamma):
    mu = x.mean(axis=0)
    xc = x - mu
    return np.tanh(xc) * gamma, (xc, gamma)


def right(dout, cache):
    xc, gamma = cache
    dgamma = np.sum(dout * np.tanh(xc), axis=0)
    dxc = dout * gamma * (1 - np.tanh(xc) ** 2)
    dmu = dxc.sum(axis=0)
    dx = dxc - dmu / len(dout)
    return dx, dgamma


def mean_for_sum(dout, cache):
    xc, gamma = cache
    dgamma = np.sum(dout * np.tanh(xc), axis=0)
    dxc = dout * gamma * (1 - np.tanh(xc) ** 2)
    dmu = dxc.mean(axis=0)
    dx = dxc - dmu / len(dout)
    return dx, dgamma


def without_the_length(dout, cache):
    xc, gamma = cache
    dgamma = np.sum(dout * np.tanh(xc), axis=0)
    dxc = dout * gamma * (1 - np.tanh(xc) ** 2)
    dmu = dxc.sum(axis=0)
    dx = dxc - dmu
    return dx, dgamma


def of_the_upstream_gradient(dout, cache):
    xc, gamma = cache
    dgamma = np.sum(dout * np.tanh(xc), axis=0)
    dxc = dout * gamma * (1 - np.tanh(xc) ** 2)
    dmu = dout.sum(axis=0)
    dx = dxc - dmu / len(dout)
    return dx, dgamma


def with_a_wrong_sign(dout, cache):
    xc, gamma = cache
    dgamma = np.sum(dout * np.tanh(xc), axis=0)
    dxc = -dout * gamma * (1 - np.tanh(xc) ** 2)
    dmu = dxc.sum(axis=0)
    dx = dxc - dmu / len(dout)
    return dx, dgamma


def report_on(backward):
    rng = np.random.default_rng(4)
    return al.check_derivation(
        centred, backward, rng.normal(size=(6, 3)), rng.normal(size=3), show=False
    )


def test_minus_a_gradient_that_goes_on_as_such_is_a_convention():
    report = report_on(right)
    assert report.ok
    assert any("dmu is minus the gradient of mu" in note for note in report.notes)
    assert [found.status for found in report if found.name == "dmu"] == ["convention"]


@pytest.mark.parametrize(
    ("backward", "line", "cause"),
    [
        (mean_for_sum, 4, "factor"),
        (without_the_length, 5, "factor"),
        (of_the_upstream_gradient, 4, "operand"),
        (with_a_wrong_sign, 3, "sign"),
    ],
)
def test_of_a_mistake_beside_it_the_line_is_named(backward, line, cause):
    report = report_on(backward)
    wrong = [found for found in report if found.status == "wrong"]
    start = backward.__code__.co_firstlineno
    assert [(found.line - start, found.cause) for found in wrong] == [(line, cause)], str(report)
