"""Hand-derived gradients beside those of the recorded graph."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from autograd_lite.check.report import Line, Report
from autograd_lite.graph import Node, ancestors
from autograd_lite.tensor import Tensor, make
from autograd_lite.transforms import gradients

_GRADIENT_NAMES = (r"d_?(.+)", r"grad_(.+)", r"(.+)_grad")


def compare(
    loss: Tensor,
    derived: Mapping[str, Any],
    tensors: Mapping[str, Tensor] | Iterable[Tensor] | None = None,
    *,
    tolerance: float | None = None,
    show: bool = True,
) -> Report:
    """Compare hand-derived gradients with those that the recorded graph of `loss` gives.

    Parameters
    ----------
    loss : Tensor
        A scalar. Neither its graph nor any `.grad` is changed. After `loss.backward()`, which
        frees the graph, the gradients are read from the `.grad` of the given `tensors`.
    derived : mapping of str to array
        Gradients by name; `dW1`, `dW_1`, `grad_W1`, `W1_grad` and `W1` belong to the tensor W1.
    tensors : mapping of str to Tensor, or iterable of Tensor, optional
        The tensors meant, by name. Without it, those in the graph that have a name
        (`Tensor(..., name="W1")`, `al.label(locals())`).
    tolerance : float, optional
        The largest relative difference that still agrees: by default the square root of the
        machine epsilon of the tensor's dtype, 1.5e-8 for float64. Relative to the largest element
        of either gradient.
    show : bool
        Print the report.

    Returns
    -------
    Report
        True if all gradients agree; a line for each in the order given.

    Raises
    ------
    ValueError
        Where a name belongs to no tensor, or to two.
    """
    if not isinstance(loss, Tensor):
        raise TypeError(f"compare() takes the loss as a Tensor, not {type(loss).__name__}")
    named = _named(loss, tensors)
    pairs = {name: _tensor_name(name, named) for name in derived}
    wanted = {tensor_name: named[tensor_name] for tensor_name in pairs.values()}
    expected = dict(zip(wanted, _expected(loss, list(wanted.values())), strict=True))
    lines = tuple(
        _line(name, tensor_name, derived[name], expected[tensor_name], tolerance)
        for name, tensor_name in pairs.items()
    )
    report = Report(lines)
    if show:
        print(report)
    return report


def _named(loss: Tensor, tensors: Any) -> dict[str, Tensor]:
    """The tensors that can be compared, by name."""
    if isinstance(tensors, Mapping):
        return {name: t for name, t in tensors.items() if isinstance(t, Tensor)}
    if tensors is None:
        tensors = _named_in_graph(loss)
    named: dict[str, Tensor] = {}
    for tensor in tensors:
        if tensor.name is None:
            raise ValueError(f"compare() got {tensor!r}, which has no name; pass a dict by name")
        if named.setdefault(tensor.name, tensor)._node is not tensor._node:
            raise ValueError(f"two tensors are named {tensor.name!r}; pass the one that is meant")
    return named


def _named_in_graph(loss: Tensor) -> list[Tensor]:
    node = loss._node
    if not isinstance(node, Node) or node.parents is None:
        freed = f" The graph was freed by {node.kept}." if isinstance(node, Node) else ""
        raise ValueError(
            "compare() finds no graph behind the loss."
            f"{freed} Compare before backward(), or use retain_graph=True, or pass tensors=..."
        )
    found: dict[Any, Tensor] = {}
    for entry in ancestors([node])[::-1]:
        for parent in entry.parents or ():
            leaf = getattr(parent, "leaf", None)
            if leaf is not None and leaf.requires_grad and leaf.name is not None:
                found[leaf] = make(parent.array, leaf)
        if entry.name is not None:
            found[entry] = make(np.empty(entry.shape, entry.dtype), entry)
    return list(found.values())


def _tensor_name(name: str, named: Mapping[str, Tensor]) -> str:
    """The tensor whose gradient is called `name`."""
    matches = [m[1] for p in _GRADIENT_NAMES if (m := re.fullmatch(p, name))]
    candidates = [c for match in matches for c in (match, match.replace("_", ""))]
    for candidate in [*candidates, name]:
        if candidate in named:
            return candidate
    known = ", ".join(sorted(named)) or "none has a name"
    raise ValueError(
        f"compare() finds no tensor that {name!r} is the gradient of; there are: {known}. Name a "
        "tensor with Tensor(..., name=...) or al.label(locals()), or pass tensors={...}"
    )


def _expected(loss: Tensor, tensors: list[Tensor]) -> Iterable[np.ndarray]:
    node = loss._node
    if isinstance(node, Node) and node.parents is None:
        for tensor in tensors:
            if tensor.grad is None:
                raise ValueError(
                    f"the graph was freed by backward() at {node.kept}, and {tensor.name!r} has no "
                    ".grad; compare before backward(), or call it with retain_graph=True"
                )
        return [tensor.grad for tensor in tensors if tensor.grad is not None]
    return gradients(loss, tensors)


def _line(
    name: str, tensor: str, derived: Any, expected: np.ndarray, tolerance: float | None
) -> Line:
    given = _as_array(name, derived)
    if given.shape != expected.shape:
        message = f"{name} has shape {given.shape}, but {tensor} has shape {expected.shape}"
        if given.shape == expected.shape[::-1]:
            message += "; is it transposed?"
        infinite = float("inf")
        return Line(
            *(name, tensor, "wrong", infinite, infinite, given.shape, expected.shape),
            cause="shape",
            message=message,
        )
    if tolerance is None:
        tolerance = float(np.sqrt(np.finfo(expected.dtype).eps))
    absolute, relative = _differences(given, expected)
    right = relative <= tolerance
    return Line(
        *(name, tensor, "correct" if right else "wrong", relative, absolute),
        *(given.shape, expected.shape),
        cause=None if right else "unknown",
        message="" if right else _difference_message(name, given, expected),
    )


def _as_array(name: str, derived: Any) -> np.ndarray:
    array = derived._data if isinstance(derived, Tensor) else np.asarray(derived)
    if array.dtype.kind not in "fciub":
        raise TypeError(
            f"compare() got {name} of type {type(derived).__name__}, which is no array of numbers"
        )
    return np.asarray(array)


def _differences(given: np.ndarray, expected: np.ndarray) -> tuple[float, float]:
    """The largest absolute difference, and its share of the largest element of either."""
    if given.size == 0:
        return 0.0, 0.0
    same = (given == expected) | (np.isnan(given) & np.isnan(expected))
    if same.all():
        return 0.0, 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        absolute = float(np.max(np.where(same, 0, np.abs(given - expected))))
    if not np.isfinite(absolute):
        return float("inf"), float("inf")
    scale = max(float(np.max(np.abs(a[np.isfinite(a)]), initial=0)) for a in (given, expected))
    return absolute, absolute / scale


def _difference_message(name: str, given: np.ndarray, expected: np.ndarray) -> str:
    with np.errstate(invalid="ignore", over="ignore"):
        difference = np.abs(given - expected)
    bad = np.where(np.isnan(difference), np.inf, difference)
    worst = tuple(int(i) for i in np.unravel_index(int(np.argmax(bad)), given.shape))
    place = f"{name}[{', '.join(map(str, worst))}]" if worst else name
    return f"{place} is {given[worst]:.6g}, and should be {expected[worst]:.6g}"
