"""Operators and methods of the class Tensor, each by the function that it calls.

Here is decided, too, what a call does that writes into an array (`out=`), and what the methods of
NumPy's ufuncs do.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

from autograd_lite.arrays.contracts import Operand
from autograd_lite.arrays.lazy import adopt
from autograd_lite.elsewhere import CALLS, explain_call
from autograd_lite.functions import signature
from autograd_lite.modes import is_recording
from autograd_lite.operations import OPERATIONS
from autograd_lite.record import (
    NO_OPTIONS,
    Compute,
    Recorded,
    _recorded_in,
    _requires_grad,
    dispatch,
    full_name,
    plain,
    record_pair,
)
from autograd_lite.rules.special import logsumexp

Method = TypeVar("Method", bound=Callable[..., Any])


def direct(function: Callable[..., Any], compute: Compute) -> Callable[[Any, Any], Any]:
    operation = OPERATIONS[function]

    def operate(self: Any, other: Operand) -> Any:
        return record_pair(operation, self, other, compute)

    return operate


def reflected(function: Callable[..., Any], compute: Compute) -> Callable[[Any, Any], Any]:
    operation = OPERATIONS[function]

    def operate(self: Any, other: Operand) -> Any:
        return record_pair(operation, other, self, compute)

    return operate


def dispatched(ufunc: np.ufunc) -> Callable[[Any, Any], Any]:
    return lambda self, other: dispatch(ufunc, (self, adopt(other)), NO_OPTIONS)


def dispatched_reflected(ufunc: np.ufunc) -> Callable[[Any, Any], Any]:
    return lambda self, other: dispatch(ufunc, (adopt(other), self), NO_OPTIONS)


def in_place(symbol: str, operate: Any, change: Any) -> Callable[[Any, Any], Any]:
    """`t += x` computes a new tensor; a parameter changes only where nothing is recorded."""

    def assign(self: Any, other: Operand) -> Any:
        if not (self.is_leaf and self.requires_grad):
            return operate(self, other)
        if is_recording():
            raise TypeError(
                f"{self._describe()} is a parameter, and W {symbol}= x would put the result of an "
                f"operation in its place; write W.data {symbol}= x to change its values"
            )
        self.data = change(self.data, other._seen() if isinstance(other, Recorded) else other)
        return self

    return assign


def comparison(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def operate(self: Any, other: Operand) -> Any:
        return compare(self._seen(), other._seen() if isinstance(other, Recorded) else adopt(other))

    return operate


def method(function: Callable[..., Any]) -> Callable[[Method], Method]:
    """Fills a method that has no body: it calls `function` with the array as its first argument.

    What is written there is its signature, a sentence and an example: the help.
    """

    def make(written: Any) -> Any:
        @functools.wraps(written)
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                if isinstance(function, np.ufunc):
                    return called_ufunc(function, "__call__", (self, *args), kwargs)
                return called(function, (self, *args), kwargs)
            except (TypeError, ValueError):
                name = written.__name__
                explain_call(name, written, (self, *args), kwargs)
                if name in CALLS and set(map(type, args)) == {int}:
                    raise TypeError(f"{name}() {CALLS[name]}") from None
                raise

        method.__doc__ = _helped(written)
        return method

    return make


_PARAMETERS = {
    (
        "axis",
        "Axes",
    ): "int or tuple of int, optional\n    The axes to go along; None is all.",
    ("axis", "Axis"): "int, optional\n    The axis to go along; None takes all elements in a row.",
    ("dtype", "Any"): "dtype, optional\n    What to compute in.",
    ("keepdims", "bool"): "bool\n    Whether the axes stay, with length 1.",
    ("initial", "Any"): "number\n    What it starts from.",
    ("where", "Any"): "array_like of bool\n    Which elements count.",
    ("ddof", "float"): "number\n    It is divided by N - ddof, for N elements.",
    ("correction", "float"): "number\n    Another name of `ddof`.",
    ("mean", "Any"): "array_like, optional\n    The mean, where it is known, with the axes kept.",
    ("offset", "int"): "int\n    The diagonal: 0 is the main one, above 0 are those over it.",
    ("axis1", "int"): "int\n    The first of two axes.",
    ("axis2", "int"): "int\n    The second of two axes.",
    ("b", "Any"): "array_like\n    The factor on the right.",
    ("min", "Any"): "array_like, optional\n    The lower limit; None is no limit.",
    ("max", "Any"): "array_like, optional\n    The upper limit; None is no limit.",
    ("at_zero", "float"): "number\n    The derivative where z is exactly 0.",
    ("order", "str"): """{"C", "F", "A", "K"}\n    In which order elements are taken.""",
    ("indices", "Any"): "array_like of int\n    Places along the axis.",
    ("mode", "str"): """{"raise", "wrap", "clip"}\n    What becomes of numbers out of range.""",
    ("repeats", "Any"): "int or array_like of int\n    How often, of all or of each.",
    ("choices", "Any"): "sequence of array_like\n    What is chosen from.",
    ("kind", "str"): "str\n    The algorithm, as NumPy names them.",
    ("kind", "str | None"): "str, optional\n    The algorithm, as NumPy names them.",
    ("stable", "bool | None"): "bool, optional\n    Whether what is equal stays in its order.",
    ("kth", "Any"): "int or sequence of int\n    A place in the sorted order.",
    ("v", "Any"): "array_like\n    What is to be inserted.",
    ("side", "str"): """{"left", "right"}\n    Before or after elements that are equal.""",
    ("sorter", "Any"): "array_like of int, optional\n    Indices that sort the elements.",
    ("decimals", "int"): "int\n    The number of decimal places.",
    ("*args", "Any"): "int or tuple of int\n    The index; left out for a single element.",
    ("fid", "Any"): "file or path\n    What to write to.",
    ("file", "Any"): "file or path\n    What to write to.",
    ("sep", "str"): "str\n    What stands between numbers as text; bytes are written without it.",
    ("format", "str"): "str\n    How a number is written as text.",
}
"""The help of a parameter, by its name and type."""

_RETURNS = {
    "Any": "Tensor",
    "np.ndarray": "ndarray, or a NumPy number\n    No gradient flows through it.",
    "tuple[np.ndarray, ...]": "tuple of ndarray\n    No gradient flows through them.",
    "bytes": "bytes",
    "object": "Python numbers\n    No gradient flows through them.",
}
"""The help of a result, by its type."""


_IMPORTS = ">>> import autograd_lite as al"


def _example(text: str) -> str:
    """The section of help with an example, which may use NumPy."""
    numpy = ">>> import numpy as np\n" if "np." in text else ""
    return f"\n\nExamples\n--------\n{numpy}{_IMPORTS}\n{text}"


def _helped(written: Any) -> str | None:
    """The help of a method: its sentence, its parameters, its result and its example."""
    if written.__doc__ is None:
        return None
    # Python 3.13 takes the indentation away itself; `inspect.cleandoc` takes longer.
    plain = written.__doc__.replace("\n        ", "\n").rstrip()
    sentence, _, example = plain.partition("\n\n>>> ")
    types = dict(written.__annotations__)
    result = _RETURNS.get(types.pop("return"))
    names = {name: f"*{name}" if name == "args" else name for name in types}
    taken = [f"{n} : {_PARAMETERS[n, types[name]]}" for name, n in names.items()]
    parts = {
        "Parameters": "\n".join(taken),
        "Returns": result or "",
        "Examples": f"{_IMPORTS}\n>>> {example}",
    }
    sections = [f"{name}\n{'-' * len(name)}\n{text}" for name, text in parts.items() if text]
    return "\n\n".join([sentence, *sections])


def whole(function: Callable[..., Any]) -> Callable[[Any], int]:
    """The method that rounds a tensor of no dimensions to a Python integer."""
    return lambda self: int(function(self))


def reading(written: Method) -> Method:
    """Makes a method without a body the array's method of that name, which reads its values."""
    name = written.__name__

    @functools.wraps(written)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        value = self._seen()
        return getattr(value if hasattr(value, name) else self.numpy(), name)(*args, **kwargs)

    method.__doc__ = _helped(written)
    return cast(Method, method)


_OF_ARRAYS = """

Parameters
----------
*args, **kwargs
    What the method of arrays takes.
"""


def cut_off(name: str, way_out: str, example: str) -> Callable[..., Any]:
    """The array's method `name`, which cannot be recorded: refused where a gradient is lost.

    The example is of what it does, in the form of a doctest.
    """

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.requires_grad and is_recording():
            raise TypeError(
                f"{name}() of {self._describe()}, which requires grad, would lose the gradient; "
                f"{way_out}"
            )
        try:
            return getattr(self.data, name)(*args, **kwargs)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name}() of {self._describe()}: {error}; {way_out}") from None

    method.__name__ = name
    method.__doc__ = (
        f"The array's own `{name}`, of a tensor that does not require grad.{_OF_ARRAYS}\n"
        f"Returns\n-------\nndarray\n\nRaises\n------\nTypeError\n"
        f"    Where the gradient would be lost: {way_out}.{_example(example)}"
    )
    return method


def refused(name: str, way_out: str, example: str) -> Callable[..., Any]:
    """A method of arrays that would change the tensor in place.

    The example is of what to write instead, in the form of a doctest.
    """

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            f"{name}() would change {self._describe()} in place, and nothing would record it; "
            f"{way_out}"
        )

    method.__name__ = name
    method.__doc__ = (
        f"Raises TypeError: it would change the tensor in place.{_OF_ARRAYS}\n"
        f"Raises\n------\nTypeError\n    Always: {way_out}.{_example(example)}"
    )
    return method


def of_array(name: str, example: str) -> Any:
    """The array's attribute `name`, which says how it lies in memory."""
    return property(
        lambda self: getattr(self.data, name),
        doc=f"The `{name}` of the array, as NumPy has it.{_example(example)}",
    )


@functools.cache
def _out_position(function: Callable[..., Any]) -> int | None:
    """The place of `out` among the positional arguments of a function; None if it has none."""
    try:
        parameters = signature(function).parameters.values()
    except ValueError:
        return None
    found = (i for i, p in enumerate(parameters) if p.name == "out" and p.kind != p.KEYWORD_ONLY)
    return next(found, None)


def called(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Calls NumPy's function with Tensors among its arguments; `out` is written to."""
    if "out" in kwargs or len(args) > 2:
        at = _out_position(function)
        given = args[at] if at is not None and at < len(args) else kwargs.get("out")
        if given is not None:
            return _written(full_name(function), function, args, kwargs, at)
    return dispatch(function, args, kwargs)


def _written(
    name: str, function: Callable[..., Any], args: Any, kwargs: Any, at: int | None = None
) -> Any:
    """Makes a call that may write into the argument `at` or into `out`, and gives NumPy's own
    result.

    Nothing records it, so it is a TypeError where a gradient would be lost. `name` is what messages
    call the function.
    """
    if is_recording() and any(map(_requires_grad, _recorded_in((args, kwargs)))):
        raise TypeError(
            f"{name} cannot write its result into an existing array when a Tensor "
            "that requires grad is involved: nothing would record it. Write a = a + t instead of "
            "a += t, and omit out="
        )
    targets: list[tuple[Any, Any]] = []

    def target(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(target, value))
        if not isinstance(value, Recorded):
            return value
        tensor: Any = value
        targets.append((tensor._writable(), tensor))
        return targets[-1][0]

    options = {n: target(v) if n == "out" else plain(v) for n, v in kwargs.items()}
    values = [target(a) if i == at else plain(a) for i, a in enumerate(args)]
    result = function(*values, **options)
    results = result if isinstance(result, tuple) else (result,)
    given = tuple(next((t for array, t in targets if array is r), r) for r in results)
    return given if isinstance(result, tuple) else given[0]


def first(function: Callable[[Any], Any]) -> Callable[..., Any]:
    """`function` of the first argument, whatever else is passed."""
    return lambda first, *rest: function(first)


def _outer(ufunc: np.ufunc, a: Operand, b: Operand, **options: Any) -> Any:
    """`ufunc.outer(a, b)`, composed of functions that have rules."""
    return ufunc(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b, **options)


_UFUNC_METHODS: dict[tuple[np.ufunc, str], Callable[..., Any]] = {
    (np.add, "reduce"): np.sum,
    (np.multiply, "reduce"): np.prod,
    (np.maximum, "reduce"): np.max,
    (np.minimum, "reduce"): np.min,
    (np.logaddexp, "reduce"): logsumexp,
    (np.add, "accumulate"): np.cumsum,
    (np.multiply, "accumulate"): np.cumprod,
}
"""The functions with rules that methods of ufuncs stand for, along the axis 0 by default."""

_UFUNC_WAYS_OUT = {
    "reduce": "call it in a loop over the rows",
    "accumulate": "call it in a loop over the rows, and np.stack the results",
    "reduceat": "reduce slices of the tensor, and np.stack the results",
    "at": "add arrays instead of writing into one; np.where and indexing select",
}


def called_ufunc(ufunc: np.ufunc, method: str, inputs: Any, kwargs: Any) -> Any:
    """Calls a ufunc, or its method of that name, with Tensors among its arguments."""
    selects = kwargs.get("where", True) is not True
    if method == "__call__" and not selects and "out" not in kwargs:
        return dispatch(ufunc, inputs, kwargs)
    call, name = getattr(ufunc, method), full_name(ufunc)
    if "out" in kwargs or method == "at":
        name = name if method == "__call__" else f"{name}.{method}"
        return _written(name, call, inputs, kwargs, 0 if method == "at" else None)
    if not (is_recording() and any(map(_requires_grad, _recorded_in((inputs, kwargs))))):
        return _written(name, call, inputs, kwargs)
    if method == "__call__":
        raise TypeError(
            f"{name}(where=...) leaves elements undefined, which cannot be "
            "differentiated; use np.where on the result"
        )
    if method == "outer":
        return _outer(ufunc, *inputs, **kwargs)
    function = _UFUNC_METHODS.get((ufunc, method))
    if function is None:
        raise TypeError(f"{name}.{method} has no derivative here; {_UFUNC_WAYS_OUT[method]}")
    return function(*inputs, **{"axis": 0, **kwargs})
