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
    """The logistic function 1 / (1 + exp(-z)), element by element; no z overflows.

    Parameters
    ----------
    z : Tensor or array_like
        Floating-point numbers of any shape.

    Returns
    -------
    Tensor or ndarray
        The shape and dtype are those of `z`.

    See Also
    --------
    softplus : Its integral.

    Notes
    -----
    Where z < 0 the fraction is expanded by exp(z), so that the exponent is never positive. The
    derivative is a (1 - a) for a = sigmoid(z).

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> al.sigmoid(np.array([-1000.0, 0.0, 1000.0]))
    array([0. , 0.5, 1. ])
    """
    # exp(-|z|) never overflows; for negative z the fraction is expanded by exp(z).
    decay = np.exp(-np.abs(z))
    return np.where(z >= 0, 1, decay) / (1 + decay)


@primitive(Traits(elementwise=True, kinked=True))
def relu(z: Any, at_zero: float = 1.0) -> Any:
    """max(0, z), element by element.

    The derivative is 0 where z < 0, 1 where z > 0, and `at_zero` where z is exactly 0: 1 by
    default, as in the derivation that `nn.by_hand` follows; PyTorch and JAX have 0.

    Parameters
    ----------
    z : Tensor or array_like
        Numbers of any shape.
    at_zero : float
        The derivative where z is exactly 0.

    Returns
    -------
    Tensor or ndarray
        The shape and dtype are those of `z`.

    Notes
    -----
    Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines" (2010).

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> al.relu(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 2.])
    >>> float(al.grad(al.relu)(0.0)), float(al.grad(lambda z: al.relu(z, at_zero=0.0))(0.0))
    (1.0, 0.0)
    """
    return np.maximum(z, 0)


@primitive(Traits(elementwise=True))
def softplus(z: Any) -> Any:
    """log(1 + exp(z)), element by element; no z overflows.

    Parameters
    ----------
    z : Tensor or array_like
        Floating-point numbers of any shape.

    Returns
    -------
    Tensor or ndarray
        The shape and dtype are those of `z`.

    Notes
    -----
    Dugas et al., "Incorporating second-order functional knowledge for better option pricing"
    (2001). The derivative is sigmoid(z).

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> al.softplus(np.array([-1000.0, 0.0, 1000.0]))
    array([0.00000000e+00, 6.93147181e-01, 1.00000000e+03])
    """
    return np.logaddexp(z, 0)


@primitive(Traits(elementwise=True, linear="first"))
def xlogy(x: Any, y: Any) -> Any:
    """x * log(y), element by element, and 0 where x is 0 whatever y is.

    Parameters
    ----------
    x, y : Tensor or array_like
        Numbers whose shapes broadcast; y is 0 or more.

    Returns
    -------
    Tensor or ndarray
        The shape is that of both, broadcast.

    See Also
    --------
    xlog1py : x * log(1 + y), exact for small y.

    Notes
    -----
    0 is the limit of x log(x) at 0, which entropies need; the derivatives are finite there, too.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> al.xlogy(np.array([0.0, 2.0]), np.array([0.0, 1.0]))
    array([0., 0.])
    >>> float(al.grad(al.xlogy, argnums=1)(0.0, 0.0))
    0.0
    """
    return x * np.log(np.where(x == 0, 1, y))


@primitive(Traits(elementwise=True, linear="first"))
def xlog1py(x: Any, y: Any) -> Any:
    """x * log(1 + y), element by element, and 0 where x is 0 whatever y is.

    Parameters
    ----------
    x, y : Tensor or array_like
        Numbers whose shapes broadcast; y is -1 or more.

    Returns
    -------
    Tensor or ndarray
        The shape is that of both, broadcast.

    See Also
    --------
    xlogy : x * log(y).

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> al.xlog1py(np.array([0.0, 2.0]), np.array([-1.0, 1e-20]))
    array([0.e+00, 2.e-20])
    """
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
    """log(sum(exp(x))) over `axis`, an integer, a tuple or None for all; no x overflows.

    Parameters
    ----------
    x : Tensor or array_like
        Floating-point numbers.
    axis : int, tuple of int or None
        The axes to sum over; None sums over all.
    keepdims : bool
        Whether the axes stay, with length 1.

    Returns
    -------
    Tensor or ndarray
        The shape is that of `x` without the axes.

    See Also
    --------
    softmax : Its derivative.

    Notes
    -----
    The largest number is subtracted first: Blanchard, Higham and Higham, "Accurately computing the
    log-sum-exp and softmax functions" (2021).

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> bool(al.logsumexp(np.array([1000.0, 1000.0])) == 1000 + np.log(2))
    True
    """
    peak = _finite_peak(x, axis)
    total = np.log(np.sum(np.exp(x - peak), axis=axis, keepdims=keepdims))
    return total + (peak if keepdims else np.reshape(peak, np.shape(total)))


@primitive
@_in_single
def softmax(x: Any, axis: Any = None) -> Any:
    """exp(x) / sum(exp(x)) over `axis`, an integer, a tuple or None for all.

    Parameters
    ----------
    x : Tensor or array_like
        Floating-point numbers; none of them overflows.
    axis : int, tuple of int or None
        The axes over which the result sums to 1; None is all.

    Returns
    -------
    Tensor or ndarray
        The shape and dtype are those of `x`.

    See Also
    --------
    log_softmax : Its logarithm.

    Notes
    -----
    Bridle, "Probabilistic interpretation of feedforward classification network outputs" (1990).

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> al.softmax(np.array([[1000.0, 0.0], [1000.0, 0.0]]), axis=0)
    array([[0.5, 0.5],
           [0.5, 0.5]])
    """
    exponentials = np.exp(x - _finite_peak(x, axis))
    return exponentials / np.sum(exponentials, axis=axis, keepdims=True)


@primitive
@_in_single
def log_softmax(x: Any, axis: Any = None) -> Any:
    """log(softmax(x)), without the loss of small probabilities.

    Parameters
    ----------
    x : Tensor or array_like
        Floating-point numbers.
    axis : int, tuple of int or None
        The axes over which the probabilities sum to 1; None is all.

    Returns
    -------
    Tensor or ndarray
        The shape and dtype are those of `x`.

    See Also
    --------
    softmax : The probabilities.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> al.log_softmax(np.array([1000.0, 0.0]))
    array([    0., -1000.])
    """
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
