"""Compiled element-wise functions agree with eager ones to 4 units in the last place."""

import numpy as np
import pytest

import autograd_lite as al
import nn

FUNCTIONS = {
    "sigmoid": al.sigmoid,
    "a sigmoid written out": lambda x: 1 / (1 + np.exp(-x)),
    "softplus": al.softplus,
    "relu": al.relu,
    "leaky relu": nn.LeakyReLU(),
    "elu": nn.ELU(),
    "tanh": np.tanh,
    "cube": lambda x: x**3,
    "fourth power": lambda x: x**4,
    "reciprocal": lambda x: x**-1.0,
    "root": lambda x: np.abs(x) ** 0.5,
    "numbers": lambda x: -(x * 0.1 * 0.3 / 7) * -2.0,
    "where": lambda x: np.where(x > 0, x * 2, x / 3),
    "clip": lambda x: np.clip(x, -1, 1) * x,
    "xlogy": lambda x: al.xlogy(np.abs(x), np.abs(x) + 1),
    "log1p": lambda x: np.log1p(x * x) / (1 + np.abs(x)),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("what", ["value", "gradient"])
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.one_in(3)
def test_four_units_in_the_last_place(name, what, dtype):
    x = (np.random.default_rng(0).normal(size=100_000) * 4).astype(dtype)
    function = FUNCTIONS[name]
    if what == "gradient":
        function = al.grad(lambda x: np.sum(FUNCTIONS[name](x)))
    eager, compiled = function(x), al.compile(function)(x)
    assert compiled.dtype == eager.dtype
    assert np.max(np.abs(compiled - eager) / np.spacing(np.abs(eager))) <= 4
