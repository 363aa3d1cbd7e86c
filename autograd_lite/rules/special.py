"""The operations that NumPy lacks, and their derivative rules."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from autograd_lite.functions import Traits
from autograd_lite.operations import defvjp, primitive
from autograd_lite.rules.reductions import expand, wide

Function = TypeVar("Function", bound=Callable[..., Any])


@primitive(Traits(elementwise=True))
def sigmoid(z: Any) -> Any:
    """The logistic function 1 / (1 + exp(-z)), element by element; no z overflows."""
    # exp(-|z|) never overflows; for negative z the fraction is expanded by exp(z).
    decay = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, decay) / (1 + decay)


@primitive(Traits(elementwise=True, kinked=True))
def relu(z: Any, at_zero: float = 1.0) -> Any:
    """max(0, z), element by element.

    The derivative is 0 where z < 0, 1 where z > 0, and `at_zero` where z is exactly 0: 1 by
    default, as in the derivation that `nn.by_hand` follows; PyTorch and JAX have 0.
    """
    return np.maximum(z, 0)


@primitive(Traits(elementwise=True))
def softplus(z: Any) -> Any:
    """log(1 + exp(z)), element by element; no z overflows."""
    return np.logaddexp(z, 0)


@primitive(Traits(elementwise=True, linear="first"))
def xlogy(x: Any, y: Any) -> Any:
    """x * log(y), element by element, and 0 where x is 0 whatever y is."""
    return x * np.log(np.where(x == 0, 1, y))


@primitive(Traits(elementwise=True, linear="first"))
def xlog1py(x: Any, y: Any) -> Any:
    """x * log(1 + y), element by element, and 0 where x is 0 whatever y is."""
    return x * np.log1p(np.where(x == 0, 0, y))


@primitive(Traits(elementwise=True, linear="first"))
def astype(x: Any, dtype: Any) -> Any:
    """`x` in another dtype."""
    return x.astype(dtype)


def _relu(g: Any, z: Any, at_zero: float) -> Any:
    if at_zero == 1:
        return g * (z >= 0)
    return g * ((z > 0) + at_zero * (z == 0))


defvjp(sigmoid, z=lambda g, out: g * (out * (1 - out)))
defvjp(relu, z=_relu)
defvjp(astype, x=lambda g: g)
defvjp(softplus, z=lambda g, z: g * sigmoid(z))
defvjp(
    xlogy,
    x=lambda g, x, y: g * np.log(np.where(x == 0, 1, y)),
    y=lambda g, x, y: g * (x / np.where(x == 0, 1, y)),
)
defvjp(
    xlog1py,
    x=lambda g, x, y: g * np.log1p(np.where(x == 0, 0, y)),
    y=lambda g, x, y: g * (x / np.where(x == 0, 1, 1 + y)),
)


def _in_single(function: Function) -> Function:
    """Compute with half precision in single: there a sum of many exponentials is too large."""

    @functools.wraps(function)
    def compute(x: Any, *args: Any, **options: Any) -> Any:
        if getattr(x, "dtype", None) != np.float16:
            return function(x, *args, **options)
        return function(x.astype(np.float32), *args, **options).astype(np.float16)

    return compute  # type: ignore[return-value]


def _finite_peak(x: Any, axis: Any) -> Any:
    """The largest element over `axis`, kept as an axis of length 1; 0 where that is infinite."""
    peak = np.max(x, axis=axis, keepdims=True)
    return np.where(np.isfinite(peak), peak, 0)


@primitive
@_in_single
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """log(sum(exp(x))) over `axis`, an integer, a tuple or None for all; no x overflows."""
    peak = _finite_peak(x, axis)
    total = np.log(np.sum(np.exp(x - peak), axis=axis, keepdims=keepdims))
    return total + (peak if keepdims else np.reshape(peak, np.shape(total)))


@primitive
@_in_single
def softmax(x: Any, axis: Any = None) -> Any:
    """exp(x) / sum(exp(x)) over `axis`, an integer, a tuple or None for all."""
    exponentials = np.exp(x - _finite_peak(x, axis))
    return exponentials / np.sum(exponentials, axis=axis, keepdims=True)


@primitive
@_in_single
def log_softmax(x: Any, axis: Any = None) -> Any:
    """log(softmax(x)), without the loss of small probabilities."""
    moved = x - _finite_peak(x, axis)
    return moved - np.log(np.sum(np.exp(moved), axis=axis, keepdims=True))


defvjp(
    logsumexp,
    # Beside a large x the logarithm of the sum is lost in `out`, so exp(x - out) is no softmax.
    x=lambda g, x, x_shape, axis, keepdims: (
        expand(g, x_shape, axis, keepdims) * softmax(x, axis=axis)
    ),
)
defvjp(softmax, x=lambda g, out, axis: out * (g - np.sum(wide(g * out), axis=axis, keepdims=True)))
defvjp(
    log_softmax,
    x=lambda g, out, axis: g - np.exp(out) * np.sum(wide(g), axis=axis, keepdims=True),
)
