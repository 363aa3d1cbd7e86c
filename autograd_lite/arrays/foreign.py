"""Arrays of other libraries: they go through the rules as they are, and their values are not read.

NumPy's protocols are all that the rules ask of them, with `shape`, `ndim`, `size`, `dtype`, `T`,
`real`, `imag`, `astype`, `reshape`, indexing, assignment to items, and the operators.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array


class Recordable:
    """Base of the values that record operations."""

    __slots__ = ()

    def _record(self, operation: Any, args: Any, kwargs: Any) -> Any:
        raise NotImplementedError


def speaks_protocols(value: Any) -> bool:
    """Whether NumPy's functions hand themselves over to `value`: arrays do, of any library."""
    return hasattr(value, "__array_ufunc__") and hasattr(value, "__array_function__")


def is_foreign(value: Any) -> bool:
    """Whether `value` is an array of another library.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    bool

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite.extend import is_foreign
    >>> is_foreign(np.ones(2))
    False
    """
    return (
        not isinstance(value, (np.ndarray, np.generic, Recordable))
        and speaks_protocols(value)
        and not isinstance(value, type)
    )


def is_unknown(value: Any) -> bool:
    """Whether the values of an array may not be read: it is foreign, or stands for one."""
    return isinstance(value, Recordable) or is_foreign(value)


def fixed(value: Any) -> Any:
    """`value` as an array that later writing cannot change; a foreign one as it is."""
    return value if is_unknown(value) else np.array(value)


def asarray_like(helper: np.ndarray, array: Array) -> Array:
    """A rule's own array as one that computes with `array`: CuPy's do not with NumPy's."""
    value = getattr(array, "_value", array)
    # What stands before a foreign array, such as its gate.
    value = getattr(value, "values", value)
    return np.asarray(helper, like=value) if is_foreign(value) else helper


def truth(condition: Any, what: str) -> bool:
    """Whether `condition` holds, where `what` depends on it.

    TypeError for an array that does not tell.
    """
    return bool(_told(condition, what, bool))


def whole_number(value: Any, what: str) -> int:
    """`value`, that `what` depends on, as a Python number; TypeError as `truth`."""
    return int(_told(value, what, int))


def _told(value: Any, what: str, kind: type) -> Any:
    if not is_foreign(value):
        return kind(value)
    try:
        return kind(value)
    except TypeError as error:
        raise TypeError(
            f"{what} depends on the values of the array, and a {type(value).__name__} does not "
            f"tell them ({error}); turn it into a NumPy array first, or compute this part of the "
            "program with NumPy arrays"
        ) from error
