"""A function run on tracers: its program, and a check that it wrote to nothing outside."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_lite.modes import watching
from autograd_lite.observe import watch
from autograd_lite.program.arguments import Structure, flatten, names_of, unflatten
from autograd_lite.program.captures import Captures
from autograd_lite.program.ir import Program, Variable
from autograd_lite.program.tracing import Trace, TracedValueError, Tracer, public
from autograd_lite.tensor import Tensor

Function = Callable[..., Any]


def traced(
    name: str,
    function: Function,
    structure: Structure,
    values: Sequence[Any],
    captures: Captures | None = None,
    detached: bool = False,
) -> tuple[Trace, Program, Structure, list[bool]]:
    """Run a function on tracers: the trace, its program, and the structure of the results.

    The variables are named after the parameters and the local variables that held them. With
    `detached` the gradients of what comes out do not matter.
    """
    trace = Trace(name)
    if captures is not None:
        trace.captured = {id(array): label for array, _, label in captures.arrays}
    tracers = [
        trace.input(np.asarray(v) if isinstance(v, np.ndarray) else v, n.name)
        for v, n in zip(values, names_of(structure, function), strict=True)
    ]
    args, kwargs = unflatten(structure, tracers)
    run = _watched(function, args, kwargs)
    if captures is not None:
        check_pure(trace, captures, run.error)
    if run.error is not None:
        raise own_error(run.error)
    for label, assigned in run.variables.items():
        for value in assigned.values:
            _name(label, value)
    results: list[Any] = []
    returns = flatten(run.returned, results)
    outputs, tensors = [], []
    for result in results:
        outputs.append(_output(trace, result, detached))
        tensors.append(isinstance(result, Tensor))
    return trace, trace.program(outputs), returns, tensors


def own_error(error: BaseException) -> BaseException:
    """The error of a refusal that NumPy wrapped into one of its own; other errors as they are."""
    behind: BaseException | None = error
    while behind is not None and not isinstance(behind, TracedValueError):
        behind = behind.__cause__ or behind.__context__
    return error if behind is None else behind


def _watched(function: Function, args: Any, kwargs: Any) -> Any:
    called = functools.partial(function, **kwargs) if kwargs else function
    if kwargs:
        functools.update_wrapper(called, function)
    with watching(public=public):
        return watch(called, tuple(args))


def _name(label: str, value: Any) -> None:
    inner = value._value if isinstance(value, Tensor) else value
    if isinstance(inner, Tracer) and inner.variable.name is None:
        inner.variable.name = label


def check_pure(trace: Trace, captures: Captures, error: Exception | None) -> None:
    """Undo the changes that a function made to objects outside, and refuse it."""
    label = captures.written()
    if label is None:
        return
    captures.restore()
    if error is not None and not isinstance(error, TracedValueError):
        return
    what = (
        "draws random numbers from"
        if label == "np.random" or label in _generators(captures)
        else ("writes to")
    )
    instead = (
        "compile al.value_and_grad of it, and pass the parameters as arguments"
        if label.endswith(".grad")
        else "draw them outside and pass them in"
        if what.startswith("draws")
        else "return what is new instead"
    )
    raise TracedValueError(
        f"{trace.name}, {captures.line(label, writes=True)}: it {what} {label}, which happens when "
        f"it is traced and never again: {instead}"
    )


def _generators(captures: Captures) -> set[str]:
    return {label for _, _, label in captures.generators}


def _output(trace: Trace, result: Any, detached: bool) -> Variable:
    if isinstance(result, Tensor):
        if result.requires_grad and not detached:
            raise TracedValueError(
                f"{trace.name} returns a Tensor that depends on a tensor which requires grad and "
                "is not among the arguments, so its gradient would be lost: pass that tensor as an "
                "argument, or compile the function that takes the gradient, or, where none is "
                "wanted, al.no_grad of it"
            )
        result = result._value
    if isinstance(result, Tracer):
        return result.variable
    if isinstance(result, np.ndarray):
        return trace.constant(result)
    variable = Variable.like(result)
    trace.constants[variable] = trace.values[variable] = result
    return variable
