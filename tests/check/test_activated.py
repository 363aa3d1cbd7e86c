"""The activations among the named values of a forward pass, and what they are applied to."""

from types import SimpleNamespace

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.check.marking.activated import activations

Z = np.array([[0.5, -1.0], [2.0, 0.25]])


def named(function):
    """The values that a function gives of z, by name, as marking knows them."""
    z = al.Tensor(Z, requires_grad=True)
    values = {"z": z, **function(z)}
    return SimpleNamespace(versions={name: [value] for name, value in values.items()})


def swish(z):
    s = al.sigmoid(z)
    return {"s": s, "y": z * s}


def twice(z):
    h = np.tanh(z)
    return {"h": h, "a": al.relu(h)}


@pytest.mark.parametrize(
    ("function", "nearest", "everything"),
    [
        (lambda z: {"h": np.tanh(z)}, {"h": {"z"}}, {"h": {"z"}}),
        (lambda z: {"h": np.maximum(2 * z + 1, 0)}, {"h": {"z"}}, {"h": {"z"}}),
        (lambda z: {"h": np.where(z > 0, z, 0.1 * z)}, {"h": {"z"}}, {"h": {"z"}}),
        (lambda z: {"h": 2 * z - 1}, {"h": set()}, {"h": set()}),
        (lambda z: {"h": z @ Z}, {"h": set()}, {"h": set()}),
        (lambda z: {"h": np.tanh(z @ Z)}, {"h": set()}, {"h": set()}),
        (lambda z: {"h": np.exp(z).sum(axis=0)}, {"h": set()}, {"h": set()}),
        (lambda z: {"h": np.tanh(z[0])}, {"h": set()}, {"h": set()}),
        (twice, {"h": {"z"}, "a": {"h"}}, {"h": {"z"}, "a": {"h", "z"}}),
        (swish, {"s": {"z"}, "y": set()}, {"s": {"z"}, "y": {"z"}}),
    ],
)
def test_activations_and_what_they_are_applied_to(function, nearest, everything):
    known = named(function)
    assert activations(known) == nearest
    assert activations(known, in_all=True) == everything
