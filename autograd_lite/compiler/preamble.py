"""The lines before a program's source that make it a file of its own: imports and constants."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd_lite.program.ir import function_name

CONSTANT_LIMIT_ELEMENTS = 1000
"""Captured arrays of up to this many elements are written out."""


def preamble(namespace: Mapping[str, Any]) -> str:
    """Source that defines these names.

    Functions are imported and numbers and small arrays written out. What cannot be written is
    declared, with a comment that says what to set it to.
    """
    lines = [_defined(name, value) for name, value in namespace.items()]
    imports = sorted(line for line in lines if line.startswith("from "))
    others = [line for line in lines if not line.startswith("from ")]
    return "\n".join(["import numpy as np", *imports, "", *others]).rstrip("\n")


def _defined(name: str, value: Any) -> str:
    if isinstance(value, np.dtype):
        text: str | None = _dtype(value)
    elif callable(value):
        text = _function(value)
        if text is None:
            return _imported(name, value)
    else:
        text = _written(value)
    if text is not None:
        return f"{name} = {text}"
    kind = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__
    return f"{name}: object  # {kind}, which the function reads: set it before the first call"


def _dtype(dtype: np.dtype[Any]) -> str:
    name = dtype.name if dtype.isnative else dtype.str
    return f"np.dtype({name!r})"


def _function(function: Any) -> str | None:
    """A function or a type of NumPy's as an expression."""
    if isinstance(function, type):
        name = f"np.{function.__name__}"
    else:
        name = function_name(function)
    found: Any = {"np": np}
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else getattr(found, part, None)
    return name if found is function and name.startswith("np.") else None


def _imported(name: str, function: Any) -> str:
    module = getattr(function, "__module__", None) or ""
    own = getattr(function, "__qualname__", "") or ""
    # What was defined in a session, or in a module of an odd name, cannot be imported.
    is_named = module != "__main__" and all(map(str.isidentifier, (*module.split("."), own)))
    found: Any = getattr(sys.modules.get(module), own, None) if is_named else None
    while found is not function and hasattr(found, "__wrapped__"):
        # A primitive's own function stands behind those that record and trace its calls.
        found = found.__wrapped__
    if found is function:
        return f"from {module} import {own}" + (f" as {name}" if own != name else "")
    shown = "".join(c if c.isprintable() else "?" for c in f"{module}.{own}")
    return f"{name}: object  # the function {shown}: set it before the first call"


def _written(value: Any) -> str | None:
    """A value as an expression for an equal value of the same type; None if there is none."""
    if isinstance(value, np.ndarray):
        is_small = value.size <= CONSTANT_LIMIT_ELEMENTS and value.dtype.kind in "biufc"
        items = _number(value.tolist()) if is_small and value.dtype.itemsize <= 16 else None
        if items is None or value.dtype.char in "gG":
            return None
        array = f"np.array({items}, {_dtype(value.dtype)})"
        return array if value.size else f"{array}.reshape({value.shape})"
    if isinstance(value, np.generic):
        item = _number(value.item())
        return None if item is None else f"np.{type(value).__name__}({item})"
    return _number(value)


def _number(value: Any) -> str | None:
    """Python numbers and texts, and lists, tuples and slices of them, as source."""
    if type(value) in (list, tuple):
        items = [_number(item) for item in value]
        if None in items:
            return None
        inner = ", ".join(str(item) for item in items)
        if type(value) is list:
            return f"[{inner}]"
        return f"({inner},)" if len(items) == 1 else f"({inner})"
    if type(value) is slice:
        parts = _number((value.start, value.stop, value.step))
        return None if parts is None else f"slice{parts}"
    if type(value) is float:
        return repr(value) if np.isfinite(value) else f'float("{value}")'
    if type(value) is complex:
        return f"complex({_number(value.real)}, {_number(value.imag)})"
    return repr(value) if type(value) in (int, bool, str, bytes, type(None)) else None
