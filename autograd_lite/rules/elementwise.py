"""Derivative rules of NumPy's element-wise functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.rules.gating import gated
from autograd_lite.rules.registry import defvjp, non_differentiable


def _to_larger(g: Any, x: Any, y: Any) -> Any:
    """The part of `g` that belongs to `x` where the larger of x and y was taken; ties share."""
    return np.where(x > y, g, np.where(x == y, g / 2, 0))


def _power_base(g: Any, x: Any, y: Any) -> Any:
    # Where y is 0 the exponent stays 0, so that the zero in front is not multiplied by 1 / 0.
    return g * y * x ** (y - (y != 0))


def _power_exponent(g: Any, x: Any, out: Any) -> Any:
    # a ** b is 0 for every b > 0 where a is 0, so nothing changes with b there.
    positive = np.where(x == 0, 1, x)
    return g * out * np.log(positive)


defvjp(np.add, x=lambda g: g, y=lambda g: g)
defvjp(np.subtract, x=lambda g: g, y=lambda g: -g)
defvjp(np.multiply, x=lambda g, y: g * y, y=lambda g, x: g * x)
defvjp(np.divide, x=lambda g, y: g / y, y=lambda g, y, out: -g * out / y)
defvjp(np.power, x=_power_base, y=_power_exponent)
defvjp(np.negative, x=lambda g: -g)
defvjp(np.positive, x=lambda g: g)

defvjp(np.exp, x=lambda g, out: g * out)
defvjp(np.log, x=lambda g, x: g / x)
defvjp(np.sqrt, x=lambda g, out: g / (2 * out))
defvjp(np.square, x=lambda g, x: g * (2 * x))
defvjp(np.absolute, x=lambda g, x: g * np.sign(x))
defvjp(np.tanh, x=lambda g, out: g * (1 - out * out))

# A gradient with respect to z = x + iy is dL/dx - i dL/dy, as in HIPS autograd and JAX: the rules
# of holomorphic functions are then those of real ones.
defvjp(np.real, x=lambda g: g)
defvjp(np.imag, x=lambda g: g * -1j)
defvjp(np.conjugate, x=lambda g: np.conjugate(g))

defvjp(np.maximum, x=_to_larger, y=lambda g, x, y: _to_larger(g, y, x))
defvjp(np.minimum, x=lambda g, x, y: _to_larger(g, -x, -y), y=lambda g, x, y: _to_larger(g, -y, -x))
defvjp(
    np.where,
    condition=None,
    x=lambda g, condition: gated(g, condition),
    y=lambda g, condition: gated(g, np.logical_not(condition)),
)

non_differentiable(np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal)
non_differentiable(np.iscomplexobj, np.isrealobj, np.iscomplex, np.isreal)
non_differentiable(np.isnan, np.isinf, np.isfinite, np.signbit, np.sign)
non_differentiable(np.logical_and, np.logical_or, np.logical_xor, np.logical_not)
non_differentiable(np.allclose, np.isclose, np.array_equal, np.array_equiv)
non_differentiable(np.all, np.any, np.argmax, np.argmin, np.argsort, np.count_nonzero)
