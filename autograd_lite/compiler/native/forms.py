"""Native forms: the steps that can be native code, and their expressions for one element."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Index
from autograd_lite.compiler.memory import is_product
from autograd_lite.compiler.schedule import reduction_of
from autograd_lite.functions import traits
from autograd_lite.program.ir import Step, Variable, is_elementwise
from autograd_lite.rules.indexing import getitem
from autograd_lite.rules.special import astype

IN_DOUBLE = frozenset(("exp", "expm1", "log", "log1p", "tanh", "logaddexp"))
"""The functions of `elementary` that take doubles only."""

ROWS_LIMIT = 6
"""The sums of up to this many rows fit into the processor's registers."""

LOOPS_FROM_MULTIPLICATIONS = 2_000_000
"""Smaller products are left to BLAS: their operands are in the cache."""

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
_KINDS = (*_FLOATS, np.dtype(bool), np.dtype(np.int64))
_OF_BITS = (np.logical_and, np.logical_or, np.logical_xor, np.logical_not)
_OF_BOOLEANS = (*_OF_BITS, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert)
_OF_INTEGERS = (np.add, np.subtract, np.multiply, np.maximum, np.minimum, np.negative)
_TESTS = (np.isnan, np.isfinite, np.isinf)
_COMPARISONS = frozenset(
    (np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal)
)


def is_native(step: Step) -> bool:
    """Whether compiled code can compute a step."""
    variables = [*step.operands, *step.results]
    if step.several or any(v.dtype not in _KINDS for v in variables):
        return False
    return (
        is_element(step)
        or is_native_reduction(step)
        or is_native_product(step)
        or is_native_view(step)
    )


def is_element(step: Step) -> bool:
    """Whether a step has a form for one element."""
    result = step.result
    if step.function is np.broadcast_to:
        return isinstance(step.args[0], Variable)
    if not is_elementwise(step) or any(_is_odd(a) for a in step.args):
        return False
    if step.function is astype:
        return True
    if traits(step.function).native is None:
        return False
    arguments = [a for a in step.args if isinstance(a, Variable)]
    if step.function in _OF_BOOLEANS:
        return all(v.dtype == bool for v in (*arguments, result))
    if step.function in _TESTS:
        return all(v.dtype in _FLOATS for v in arguments)
    if step.function in _COMPARISONS:
        return compared_in(step) is not None
    if step.function is np.where or result.dtype in _FLOATS:
        return True
    return result.dtype == np.int64 and step.function in _OF_INTEGERS


def _is_odd(value: Any) -> bool:
    """Whether a number has no form in source, or one of another meaning."""
    if isinstance(value, Variable):
        return False
    kind = np.asarray(value).dtype.kind
    large = kind in "iu" and abs(int(value)) >= 2**53
    return kind not in "biuf" or large


def compared_in(step: Step) -> np.dtype[Any] | None:
    """The dtype in which the operands of a comparison are compared; None without a native form."""
    dtypes = [a.dtype for a in step.args if isinstance(a, Variable) and not a.weak]
    weak = [
        float if isinstance(a, Variable) else type(a)
        for a in step.args
        if not isinstance(a, Variable) or a.weak
    ]
    common = np.result_type(*dtypes, *(np.zeros((), k).item() for k in weak))
    return common if common in _KINDS else None


def is_native_reduction(step: Step) -> bool:
    """Whether a step is a sum, a maximum or a minimum that loops can compute."""
    found = reduction_of(step)
    if found is None:
        return False
    ufunc, axes, _ = found
    x, result = step.args[0], step.result
    if ufunc is not np.add:
        return bool(axes) and x.dtype in _FLOATS and result.dtype == x.dtype
    return bool(axes) and (result.dtype == x.dtype or result.dtype == np.int64)


def is_native_product(step: Step) -> bool:
    """Whether a step is a product of matrices, or of a matrix and a vector, in one dtype."""
    if not is_product(step):
        return False
    a, b = step.args
    fits = a.ndim in (1, 2) and b.ndim in (1, 2) and a.ndim + b.ndim >= 3
    return fits and a.dtype == b.dtype == step.result.dtype and a.dtype in _FLOATS


def has_few_rows(step: Step) -> bool:
    """Whether a product is one of a few rows, or columns, with a large matrix."""
    a, b = step.args
    if a.ndim != 2 or b.ndim != 2:
        return False
    rows, inner, columns = a.shape[0], a.shape[1], b.shape[1]
    few = min(rows, columns) <= ROWS_LIMIT
    return few and rows * inner * columns >= LOOPS_FROM_MULTIPLICATIONS


def product(step: Step, a: str, b: str, out: str, adds: bool) -> str:
    """The call that computes a product into an array, or adds it to one."""
    dtype = step.result.dtype.name
    if has_few_rows(step):
        rows, columns = step.result.shape
        if rows <= ROWS_LIMIT:
            return f"few_rows_{rows}_{dtype}({a}, {b}, {out}, {adds})"
        return f"few_rows_{columns}_{dtype}({b}.T, {a}.T, {out}.T, {adds})"
    if step.args[0].ndim == 1:
        a, out = f"np.expand_dims({a}, 0)", f"np.expand_dims({out}, 0)"
    if step.args[1].ndim == 1:
        b, out = f"np.expand_dims({b}, 1)", f"np.expand_dims({out}, 1)"
    return f"multiply_{dtype}({a}, {b}, {out}, {adds})"


def is_native_view(step: Step) -> bool:
    """Whether a step gives the elements of an array in another shape or order."""
    x = step.args[0] if step.args else None
    if not isinstance(x, Variable) or step.operands != [x] or not x.shape or x.weak:
        return False
    if not x.size or not step.result.shape:
        return False
    if step.function in (np.reshape, np.ravel, np.expand_dims, np.squeeze):
        return set(step.options) <= {"axis", "shape"}
    if step.function is np.transpose:
        return not step.options and (len(step.args) == 1 or step.args[1] is None)
    return step.function is getitem and all(map(_is_basic, _index_of(step)))


def _index_of(step: Step) -> tuple[Any, ...]:
    index = step.args[1]
    return index if isinstance(index, tuple) else (index,)


def _is_basic(index: Index) -> bool:
    return isinstance(index, slice) or (type(index) is int)


def element(step: Step, names: Mapping[Variable, str]) -> str:
    """The expression of a step for one element, from the names of its operands' elements."""
    function, result = step.function, step.result
    if function in (np.broadcast_to, astype):
        return _cast(step.args[0], result.dtype, names)
    form = traits(function).native
    assert form is not None
    if function is np.where:
        condition, x, y = step.args
        chosen = [_cast(v, result.dtype, names) for v in (x, y)]
        return form.format(_cast(condition, np.dtype(bool), names), *chosen)
    kind = _computed_in(step)
    called = form.partition("(")[0]
    if called in IN_DOUBLE and kind == np.float32:
        double = np.dtype(np.float64)
        return f"float32({form.format(*(_cast(a, double, names) for a in step.args))})"
    text = form.format(*(_cast(a, kind, names) for a in step.args))
    # Numba computes in double where NumPy does not: powers, functions of its own.
    single = kind == np.float32 and result.dtype == np.float32
    return f"float32({text})" if single and ("(" in form or "**" in form) else text


def _computed_in(step: Step) -> np.dtype[Any]:
    if step.function in _COMPARISONS:
        common = compared_in(step)
        assert common is not None
        return common
    if step.function in _TESTS:
        return step.args[0].dtype
    return step.result.dtype


def _cast(value: Any, dtype: np.dtype[Any], names: Mapping[Variable, str]) -> str:
    """An operand in a dtype."""
    if isinstance(value, Variable):
        name = names[value]
        return name if value.dtype == dtype else f"{dtype_name(dtype)}({name})"
    return number(value, dtype)


def number(value: Any, dtype: np.dtype[Any]) -> str:
    """A number as source, in a dtype."""
    item = np.asarray(value).astype(dtype).item()
    text = repr(item)
    if isinstance(item, float) and not np.isfinite(item):
        text = f"np.{text}" if item > 0 or item != item else "-np.inf"
    return f"({text})" if dtype in _KINDS[1:3] else f"{dtype_name(dtype)}({text})"


def dtype_name(dtype: np.dtype[Any]) -> str:
    """The name of a dtype in printed code."""
    return "bool_" if dtype.kind == "b" else dtype.name
