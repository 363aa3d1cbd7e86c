"""Native source run by Python's interpreter: what it says, without a compiler between."""

import numpy as np

from autograd_lite.compiler.native.segment import PRODUCTS, module


def multiply(a, b, out, adds):
    """What `products` has, in NumPy."""
    out[...] = np.dot(a, b) + (out if adds else 0)


NAMES = {
    "np": np,
    "njit": lambda **options: lambda function: function,
    "plus": np.add,
    "widest_vectors": lambda: None,
    **dict.fromkeys(PRODUCTS, multiply),
    **{name: getattr(np, name) for name in ("float32", "float64", "int64", "bool_")},
    **{name: getattr(np, name) for name in ("exp", "expm1", "log", "log1p", "tanh", "logaddexp")},
    **{name: getattr(np, name) for name in ("maximum", "minimum", "fmax", "fmin")},
}


def interpreted(lowered):
    """Define the native functions of a lowered program as Python's."""
    if lowered.natives:
        text = module(lowered.natives)
        namespace = dict(NAMES)
        exec(text[text.index("@njit") :], namespace)
        for function in lowered.natives:
            lowered.namespace[function.name] = namespace[function.name]
    return lowered
