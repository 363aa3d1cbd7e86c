"""Anomaly detection: raises at the first NaN or Inf, naming the operation, its operands and your
line.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import FrameType
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Gradient, Kept
from autograd_lite.arrays.foreign import is_unknown
from autograd_lite.gradients import TupleGradient
from autograd_lite.modes import Mode
from autograd_lite.source import users_line


class detect_anomaly(Mode):
    """Raises FloatingPointError at the first NaN or Inf that is computed inside.

    It is a context manager and a decorator. The message has the operation, the range of each of its
    operands, and the line of the user's that called it; in the backward pass the line of the
    forward pass whose gradient it is. It checks every value, so it costs time. The values of other
    libraries' arrays are not read.

    Returns
    -------
    context manager and decorator

    Raises
    ------
    FloatingPointError
        Inside of the block.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> x = al.Tensor([0.0], requires_grad=True)
    >>> with np.errstate(divide="ignore"), al.detect_anomaly():
    ...     np.log(x)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    FloatingPointError: log ...
    """

    def _changes(self, outside: FrameType) -> dict[str, Any]:
        return {"values": True}


def check_result(operation: str, values: Iterable[Any], result: Any) -> None:
    """Raise if a result of the forward pass is not finite."""
    for part in result if isinstance(result, tuple) else (result,):
        fault = _fault(part)
        if fault:
            operands = "; ".join(_range(v) for v in values if _is_numeric(v))
            raise FloatingPointError(
                f"{operation} gave {fault} at {users_line()}. Operands: {operands}"
            )


def check_gradient(
    operation: str, line: str | None, gradient: Gradient, term: Gradient, kept: Kept
) -> None:
    """Raise if a gradient in the backward pass is not finite."""
    fault = _fault(term)
    if fault:
        place = f" called at {line}" if line else ", recorded outside detect_anomaly"
        values = "; ".join(_range(v) for v in kept if _is_numeric(v)) or "none"
        raise FloatingPointError(
            f"the gradient of {operation}{place} has {fault}. The gradient that arrived: "
            f"{_range(gradient)}. Values that the rule used: {values}"
        )


def _is_numeric(value: Any) -> bool:
    return hasattr(value, "dtype") or isinstance(value, (int, float, complex))


def _fault(value: Any) -> str | None:
    """The kind and the place of a value that is not finite; None if all are."""
    if isinstance(value, TupleGradient):
        faults = (_fault(part) for part in value if part is not None)
        return next((fault for fault in faults if fault), None)
    value = getattr(value, "_value", value)
    if is_unknown(value):
        return None
    array = np.asarray(value)
    if array.dtype.kind not in "fc" or np.isfinite(array).all():
        return None
    index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    where = f" at index {index}" if index else ""
    return f"{array[index]}{where}"


def _range(value: Any) -> str:
    if isinstance(value, TupleGradient):
        return ", ".join(_range(part) for part in value if part is not None)
    value = getattr(value, "_value", value)
    if is_unknown(value):
        return f"a {type(value).__name__} of shape {value.shape}"
    array = np.asarray(value)
    if array.ndim == 0:
        return str(array[()])
    if array.size == 0 or array.dtype.kind == "c":
        return f"an array of shape {array.shape}"
    return f"shape {array.shape} from {array.min():.6g} to {array.max():.6g}"
