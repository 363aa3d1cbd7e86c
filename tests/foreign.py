"""A stand-in for the arrays of other libraries, stricter than any of them."""

import numpy as np

CALLS = []
"""The names of the functions that were called with a Foreign array, in their order."""


MIXING = True
"""Whether a Foreign array computes with NumPy arrays; CuPy's do not."""


class Foreign(np.lib.mixins.NDArrayOperatorsMixin):
    """An array that speaks NumPy's two protocols and turns into a NumPy array in no way.

    It has what the engine may rely on and nothing else: `shape`, `ndim`, `size`, `dtype`, `T`,
    `real`, `imag`, `astype`, `reshape`, indexing, iteration, assignment to items, and the
    operators. Its values cannot be read: not by `np.asarray`, the buffer protocol, `bool`, `float`,
    `int` or `item`. `shown` is for the tests.
    """

    def __init__(self, array):
        self._array = np.asarray(array)

    shape = property(lambda self: self._array.shape)
    ndim = property(lambda self: self._array.ndim)
    size = property(lambda self: self._array.size)
    dtype = property(lambda self: self._array.dtype)
    T = property(lambda self: np.transpose(self))
    real = property(lambda self: np.real(self))
    imag = property(lambda self: np.imag(self))

    def astype(self, dtype):
        return Foreign(self._array.astype(dtype))

    def reshape(self, *shape):
        return np.reshape(self, shape[0] if len(shape) == 1 else shape)

    def __getitem__(self, index):
        return wrapped(self._array[unwrapped(index)])

    def __setitem__(self, index, value):
        self._array[unwrapped(index)] = unwrapped(value)

    def __len__(self):
        return len(self._array)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if any(hasattr(x, "__array_ufunc__") and not isinstance(x, OWN) for x in inputs):
            return NotImplemented
        CALLS.append(ufunc.__name__)
        self._refuse_mixing([*inputs, *kwargs.values()])
        return wrapped(getattr(ufunc, method)(*unwrapped(inputs), **unwrapped(kwargs)))

    def __array_function__(self, func, types, args, kwargs):
        if not all(issubclass(kind, OWN) for kind in types):
            return NotImplemented
        CALLS.append(func.__name__)
        if func is not np.asarray:
            self._refuse_mixing([*args, *kwargs.values()])
        return wrapped(func(*unwrapped(args), **unwrapped(kwargs)))

    def _refuse_mixing(self, values):
        if MIXING:
            return
        for value in values:
            if isinstance(value, (list, tuple)):
                self._refuse_mixing(value)
            elif isinstance(value, np.ndarray):
                raise TypeError("a Foreign array does not compute with NumPy arrays")

    def _refuse(self, *args, **kwargs):
        raise TypeError("the values of a Foreign array cannot be read")

    __array__ = __bool__ = __float__ = __int__ = __complex__ = __index__ = _refuse
    __contains__ = __buffer__ = item = tolist = _refuse
    __array_interface__ = __array_struct__ = property(_refuse)


OWN = (Foreign, np.ndarray, np.generic)


def unwrapped(value):
    """`value`, or what is nested in it, as NumPy's."""
    if isinstance(value, Foreign):
        return value._array
    if isinstance(value, (list, tuple)):
        return type(value)(map(unwrapped, value))
    if isinstance(value, dict):
        return {name: unwrapped(item) for name, item in value.items()}
    return value


def wrapped(value):
    """A result of NumPy's as Foreign arrays."""
    if isinstance(value, (np.ndarray, np.generic)):
        return Foreign(value)
    if isinstance(value, tuple):
        items = [wrapped(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return [wrapped(item) for item in value] if isinstance(value, list) else value


def shown(value):
    """The values of what should be a Foreign array, for the tests."""
    assert isinstance(value, Foreign), f"{type(value).__name__} is no Foreign array"
    return value._array
