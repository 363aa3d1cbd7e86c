"""Steps that are minus the gradient of what they are called after, and go on as such."""

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.check import from_source

RIGHT = """
def backward(dout, cache):
    xc, gamma = cache
    dgamma = np.sum(dout * np.tanh(xc), axis=0)
    dxc = dout * gamma * (1 - np.tanh(xc) ** 2)
    dmu = dxc.sum(axis=0)
    dx = dxc - dmu / len(dout)
    return dx, dgamma
"""


def centred(x, gamma):
    mu = x.mean(axis=0)
    xc = x - mu
    return np.tanh(xc) * gamma, (xc, gamma)


def report_on(source):
    rng = np.random.default_rng(4)
    return al.check_derivation(
        centred,
        from_source(source, np=np),
        rng.normal(size=(6, 3)),
        rng.normal(size=3),
        show=False,
    )


def test_minus_a_gradient_that_goes_on_as_such_is_a_convention():
    report = report_on(RIGHT)
    assert report.ok
    assert any("dmu is minus the gradient of mu" in note for note in report.notes)
    assert [found.status for found in report if found.name == "dmu"] == ["convention"]


@pytest.mark.parametrize(
    ("right", "wrong", "cause"),
    [
        ("dmu = dxc.sum(axis=0)", "dmu = dxc.mean(axis=0)", "factor"),
        ("dx = dxc - dmu / len(dout)", "dx = dxc - dmu", "factor"),
        ("dmu = dxc.sum(axis=0)", "dmu = dout.sum(axis=0)", "operand"),
        ("dxc = dout * gamma", "dxc = -dout * gamma", "sign"),
    ],
)
def test_of_a_mistake_beside_it_the_line_is_named(right, wrong, cause):
    before, after = RIGHT.split(right)
    report = report_on(before + wrong + after)
    found = [line for line in report if line.status == "wrong"]
    line = len(before.splitlines())
    assert [(one.line, one.cause) for one in found] == [(line, cause)], str(report)
