"""The forward pass of a derivation on Tensors, with its named values."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.arrays.trees import map_paths
from autograd_lite.graph import Node
from autograd_lite.observe import Run, flat, is_value, watch
from autograd_lite.tensor import Tensor


@dataclass
class Recording:
    """The forward pass on Tensors: the loss, the tensors by name, and all named arrays."""

    loss: Tensor
    tensors: dict[str, Tensor]
    values: dict[str, Any]
    ambiguous: set[str]


def record_forward(
    forward: Callable[..., Any], inputs: tuple[Any, ...], loss: float, wanted: list[str]
) -> Recording:
    """The forward pass, recorded as far as the wanted tensors need it."""
    recording = _record(forward, inputs, loss, set(wanted), False)
    if recording is None or any(name not in recording.tensors for name in wanted):
        recording = _record(forward, inputs, loss, set(wanted), True)
    if recording is None:
        raise ValueError(
            f"the loss of {name_of(forward)} does not depend on any input that is a floating-point "
            "array"
        )
    return recording


def _record(
    forward: Callable[..., Any],
    inputs: tuple[Any, ...],
    loss: float,
    wanted: set[str],
    all_arrays: bool,
) -> Recording | None:
    parameters = list(_parameter_names(forward, len(inputs)))
    arguments = tuple(
        _as_tensors(value, name, wanted, all_arrays)
        for name, value in zip(parameters, inputs, strict=True)
    )
    run = watch(forward, arguments)
    if run.error is not None:
        where = f" in line {run.error_line}" if run.error_line else ""
        error = run.error
        # The traceback leads back to these frames, which would keep the inputs locked.
        run.variables.clear()
        run.error_at = run.last = None
        del run, arguments
        traceback.clear_frames(error.__traceback__)
        raise TypeError(
            f"the forward pass {name_of(forward)} leaves NumPy{where}, so it cannot be recorded: "
            f"{error}"
        ) from error
    result = run.returned[0] if isinstance(run.returned, tuple) else run.returned
    if not isinstance(result, Tensor) or not isinstance(result._node, Node):
        return None
    again = float(np.asarray(result._value).reshape(()))
    if not np.isclose(again, loss, rtol=1e-6, atol=1e-300, equal_nan=True):
        raise ValueError(
            f"{name_of(forward)} gives the loss {loss:.9g} in one call and {again:.9g} in the "
            "next: seed what is random in it, and let the backward pass write into copies of its "
            "inputs"
        )
    named = {n: a for n, a in run.variables.items() if not (a.in_a_loop and _rebound(n, run))}
    tensors = {n: a.value for n, a in named.items() if isinstance(a.value, Tensor)}
    connected = {n: t for n, t in tensors.items() if t.requires_grad}
    values = {n: getattr(a.value, "_value", a.value) for n, a in named.items()}
    return Recording(result, connected, values, set(run.variables) - set(named))


def _rebound(name: str, run: Run) -> bool:
    """Whether a name of a loop stood for several tensors one after the other."""
    values = run.variables[name].values
    return len({id(value) for value in values}) > 1


def _parameter_names(function: Callable[..., Any], count: int) -> list[str]:
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        names = []
    return [*names[:count], *(f"input {i}" for i in range(len(names), count))]


def _as_tensors(value: Any, name: str, wanted: set[str], all_arrays: bool) -> Any:
    """Floating-point arrays in a tree as Tensors, which share their memory."""
    as_tensor = functools.partial(_as_tensor, wanted=wanted, all_arrays=all_arrays)
    return map_paths(as_tensor, value, name, _entry)


def _as_tensor(value: Any, name: str, wanted: set[str], all_arrays: bool) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind in "fc":
        return Tensor(value, all_arrays or name in wanted, name=name, copy=False)
    if name in wanted and is_value(value):
        # A parameter that was given as a number, or in whole numbers.
        return Tensor(np.asarray(value, dtype=float), True, name=name)
    return value


def _entry(name: str, key: Any) -> str:
    return next((n for n, _ in flat({name: {key: 0.0}})), str(key))


def flat_inputs(run: Run, inputs: tuple[Any, ...]) -> list[tuple[str, Any]]:
    """The floating-point arrays among the inputs, by name."""
    return [(n, v) for n, v in flat_arrays(run, inputs) if v.dtype.kind in "fc"]


def flat_arrays(run: Run, inputs: tuple[Any, ...]) -> list[tuple[str, Any]]:
    """The arrays among the inputs that have axes, by name."""
    named = dict(zip(_parameter_names(run.function, len(inputs)), inputs, strict=True))
    return [(n, v) for n, v in flat(named) if isinstance(v, np.ndarray) and v.ndim]


def sizes_of_data(run: Run, inputs: tuple[Any, ...], derived: set[str]) -> dict[int, str]:
    """Names of the lengths of the data's axes, those of the last axes first."""
    arrays = [(n, v) for n, v in flat_arrays(run, inputs) if n not in derived]
    arrays.sort(key=lambda item: -item[1].size)
    sizes: dict[int, str] = {}
    for axis, what in ((-1, "columns"), (0, "rows")):
        for name, array in arrays:
            if array.ndim > 1 or axis == -1:
                what_here = what if array.ndim > 1 else "elements"
                sizes.setdefault(array.shape[axis], f"the number of {what_here} of {name}")
    for name, array in arrays:
        sizes.setdefault(array.size, f"the number of elements of {name}")
    return sizes


def sample_counts(run: Run, inputs: tuple[Any, ...], derived: set[str]) -> list[int]:
    """Candidates for the number of samples: the lengths that the inputs without a gradient
    share."""
    data = [v for n, v in flat_arrays(run, inputs) if n not in derived]
    axes = [{*array.shape, array.size} for array in data]
    counts = [length for lengths in axes for length in lengths if length > 1]
    shared = {length for length in counts if counts.count(length) > 1}
    return sorted(shared or set(counts))


def name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", repr(function))
