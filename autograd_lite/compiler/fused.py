"""Regions as one loop over their elements, compiled by Numba (extra `jit`) where that is faster.

A loop reads every array once, however many steps there are. NumPy's own functions are vectorised
better than what Numba makes of exp and log, so regions that have these are left alone, and so are
reductions, which NumPy adds up in pairs.
"""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_lite.compiler.runtime import in_blocks
from autograd_lite.program.ir import Step, Variable
from autograd_lite.rules.special import astype

TIMING_ROUNDS = 9
TAKEN_BELOW_SHARE = 0.9
"""A loop is taken if its share of the time of NumPy's functions is below this."""

_FORMS: dict[Any, str] = {
    np.add: "{} + {}",
    np.subtract: "{} - {}",
    np.multiply: "{} * {}",
    np.divide: "{} / {}",
    np.negative: "-{}",
    np.square: "{0} * {0}",
    np.absolute: "abs({})",
    np.sqrt: "np.sqrt({})",
    np.maximum: "np.maximum({}, {})",
    np.minimum: "np.minimum({}, {})",
    np.greater: "{} > {}",
    np.greater_equal: "{} >= {}",
    np.less: "{} < {}",
    np.less_equal: "{} <= {}",
    np.equal: "{} == {}",
    np.where: "{1} if {0} else {2}",
}
"""What a step computes for one element."""


def available() -> bool:
    """Whether Numba is installed."""
    return importlib.util.find_spec("numba") is not None


def loop(region: Any) -> str | None:
    """The source of a region's function as a loop; None for regions that have no such form.

    `region` is its printer.
    """
    arrays = [v for v in region.outside if v.shape]
    kinds = {v.dtype for v in (*arrays, *(s.result for s in region.steps))}
    floats = {k for k in kinds if k.kind != "b"}
    if len(floats) != 1 or len(region.steps) < 2 or not _is_simple(region):
        return None
    (kind,) = floats
    if kind not in (np.float32, np.float64):
        return None
    indices = "i" if region.is_flat else "i, j"
    lines = []
    names: dict[Variable, str] = {}
    for k, variable in enumerate(region.outside):
        names[variable] = f"x{k}"
        lines.append(f"x{k} = {_element(region, variable, indices)}")
    for k, step in enumerate(region.steps):
        names[step.result] = f"y{k}"
        operands = [_operand(a, names, kind, step) for a in step.args]
        lines.append(f"y{k} = {_FORMS[step.function].format(*operands)}")
        if step.result in region.read_outside:
            lines.append(f"{region.printer.names[step.result]}[{indices}] = y{k}")
    parameters = ", ".join(["start", "stop", *dict.fromkeys(region.parameters)])
    head = [f"def {region.function_name}(" + parameters + "):", "    for i in range(start, stop):"]
    indent = "        "
    if not region.is_flat:
        head.append(f"        for j in range({region.shape[1]}):")
        indent += "    "
    body = [indent + line for line in lines]
    return "\n".join(['@njit(nogil=True, error_model="numpy")', *head, *body])


def _is_simple(region: Any) -> bool:
    flat = region.is_flat or (len(region.shape) == 2 and region.axis == 0)
    return flat and all(
        s.function in _FORMS and s.function is not astype and not s.options for s in region.steps
    )


def _element(region: Any, variable: Variable, indices: str) -> str:
    """The element of an array from outside that belongs to i, or to i and j."""
    name = region.printer.names[variable]
    if not variable.shape:
        return str(name)
    if region.is_flat:
        return f"{name}[i]" if variable.size > 1 else f"{name}[0]"
    shape = (1,) * (2 - len(variable.shape)) + variable.shape
    letters = ["0" if n == 1 else letter for n, letter in zip(shape, "ij", strict=True)]
    return f"{name}[{', '.join(letters[2 - len(variable.shape) :])}]"


def _operand(value: Any, names: Mapping[Variable, str], kind: Any, step: Step) -> str:
    """An operand in the dtype of the region: Numba would compute with float64 otherwise."""
    if isinstance(value, Variable):
        masks = value.dtype == bool and step.function is not np.where
        return f"kind({names[value]})" if masks or not value.shape else names[value]
    number = float(value)
    return f"kind({number!r})" if np.isfinite(number) else f"kind(float('{number}'))"


def faster(
    region: Any,
    text: str,
    written: Callable[..., Any],
    workspaces: Any,
    values: Mapping[Variable, Any],
) -> Callable[..., Any] | None:
    """The compiled loop, if it takes less time than `written` on the example's values."""
    import numba

    (kind,) = {s.result.dtype.type for s in region.steps if s.result.dtype.kind != "b"}
    namespace: dict[str, Any] = {"np": np, "njit": numba.njit, "kind": kind}
    exec(text, namespace)
    kernel = namespace[region.function_name]

    def fused(start: int, stop: int, step: int, workspace: Any, *arrays: Any) -> None:
        kernel(start, stop, *arrays)

    arguments = _arguments(region, values)
    times: dict[Any, list[float]] = {written: [], fused: []}
    with np.errstate(all="ignore"):
        for turn in range(TIMING_ROUNDS + 1):
            for function, measured in times.items():
                start = time.perf_counter()
                in_blocks(function, region.count, region.block, workspaces, *arguments)
                if turn:
                    measured.append(time.perf_counter() - start)
    medians = {function: statistics.median(found) for function, found in times.items()}
    return fused if medians[fused] < TAKEN_BELOW_SHARE * medians[written] else None


def _arguments(region: Any, values: Mapping[Variable, Any]) -> Sequence[Any]:
    """Arrays as the region is called with: copies of the example's, and new ones for results."""
    by_name = {region.printer.names[v]: v for v in (*region.outside, *region.read_outside)}
    arrays = []
    for name in region.parameters:
        variable = by_name[name]
        array = np.array(values[variable], order="C")
        arrays.append(array.reshape(-1) if region.is_flat and variable.shape else array[()])
    return arrays
