"""The graph to draw: that of a recorded result, or of a function that is run for it."""

from __future__ import annotations

import contextlib
import inspect
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Operand, Tree
from autograd_lite.arrays.trees import leaves_of, map_leaves
from autograd_lite.graph import Node
from autograd_lite.observe import watch
from autograd_lite.pictures.naming import naming
from autograd_lite.pictures.outside import DATA_NAMES, arrays_of, names_of_captured
from autograd_lite.program.captures import Captures
from autograd_lite.tensor import Tensor, label
from autograd_lite.watching import record_lines


def result_of(caller: str, loss: Any, inputs: tuple[Tree, ...], lines: bool = True) -> Tensor:
    """`loss`, or the result of `loss(*inputs)`, checked to have its graph.

    For a function, `lines` says whether lines and calls are recorded. Errors name `caller`, the
    function that the person called.
    """
    return _with_graph(caller, _computed(caller, loss, inputs, lines))


def results_of(
    caller: str,
    loss: Any,
    inputs: tuple[Tree, ...],
    lines: bool = True,
    wrt: str | Sequence[str] | None = None,
    keep: list[Tree] | None = None,
) -> list[Tensor]:
    """The results in nested lists, tuples and dicts, each checked as in `result_of`.

    Each result is given once. `wrt` names the parameters of a function to differentiate; by
    default, those whose names do not look like data. The inputs, as they were passed to the
    function, are added to `keep`: constants can be identified as long as these are alive.
    """
    if wrt is not None and (isinstance(loss, Tensor) or not callable(loss)):
        raise TypeError(f"{caller}() takes wrt only with a function")
    chosen = _differentiated(caller, loss, inputs, wrt) if inputs and callable(loss) else None
    loss = _computed(caller, loss, inputs, lines, chosen, keep)
    results = leaves_of(loss) or [loss]
    return list({id(result): _with_graph(caller, result) for result in results}.values())


def _with_graph(caller: str, loss: Any) -> Tensor:
    """`loss`, checked to be a Tensor that has its graph."""
    if not isinstance(loss, Tensor):
        raise TypeError(
            f"{caller}() takes the Tensor that a computation gave, not {type(loss).__name__}"
        )
    root = loss._node
    if not isinstance(root, Node):
        raise ValueError(
            f"there is no graph to {caller.replace('_', ' ')}: no operation on a tensor that "
            "requires grad gave this Tensor, or it was computed under al.no_grad()"
        )
    if root.parents is None:
        raise ValueError(
            f"the graph was freed by backward() at {root.kept}; {caller.replace('_', ' ')} before "
            "that call, or make it with retain_graph=True"
        )
    return loss


def root_of(loss: Tensor) -> Node:
    """The node of a result that `result_of` has checked."""
    root = loss._node
    assert isinstance(root, Node)
    return root


def _differentiated(
    caller: str,
    function: Callable[..., Tree],
    inputs: tuple[Tree, ...],
    wrt: str | Sequence[str] | None,
) -> list[bool]:
    """For each input of a function, whether it is a parameter rather than data."""
    names = list(_arguments_by_name(function, inputs))
    if wrt is not None:
        chosen = [wrt] if isinstance(wrt, str) else list(wrt)
        unknown = [name for name in chosen if name not in names]
        if unknown:
            raise ValueError(
                f"{caller}(): wrt names {unknown[0]!r}, but the function's parameters are "
                f"{', '.join(names)}"
            )
        return [name in chosen for name in names]
    if isinstance(inputs[0], (list, dict)):
        return [i == 0 for i in range(len(inputs))]
    found = [name not in DATA_NAMES for name in names]
    numeric = (
        isinstance(leaf, (float, np.floating, np.ndarray))
        for leaf in leaves_of(
            [value for value, is_parameter in zip(inputs, found, strict=False) if is_parameter]
        )
    )
    return found if any(numeric) else [True] * len(inputs)


def _computed(
    caller: str,
    loss: Any,
    inputs: tuple[Tree, ...],
    lines: bool,
    differentiated: Sequence[bool] | None = None,
    keep: list[Tree] | None = None,
) -> Tree:
    """`loss`, or its result for `inputs` if it is a function."""
    if isinstance(loss, Tensor) or not callable(loss):
        if inputs:
            raise TypeError(
                f"{caller}() takes example inputs only with a function, as in {caller}(f, x, y)"
            )
        return loss
    result = traced(loss, inputs, lines, differentiated, keep)
    if not any(isinstance(leaf, Tensor) for leaf in leaves_of(result)):
        name = getattr(loss, "__name__", repr(loss))
        raise TypeError(
            f"{caller}() takes a function that computes a number or an array from its inputs by "
            f"NumPy, and {name} returned {type(result).__name__}"
        )
    return result


def traced(
    function: Callable[..., Tree],
    inputs: tuple[Tree, ...],
    lines: bool = False,
    differentiated: Sequence[bool] | None = None,
    keep: list[Tree] | None = None,
) -> Tree:
    """The recorded result of `function(*inputs)`; the first item of a tuple such as (loss, cache).

    Arrays among the inputs are copied into Tensors. Those that are `differentiated` require grad,
    but only if the function has no parameters of its own, such as those of a module, or arrays in
    the attributes of an object.
    Tensors without a name get that of the parameter or local variable that holds them, such as
    `Z1`, or of the entry `Z["1"]` of a local dict.
    """
    result = None
    for requires_grad in (False, True):
        wanted = itertools.chain(differentiated or (), itertools.repeat(True))
        arguments = tuple(
            map_leaves(_as_tensor(requires_grad and is_parameter), value)
            for value, is_parameter in zip(inputs, wanted, strict=False)
        )
        own = contextlib.nullcontext() if requires_grad else _own_arrays(function, arguments)
        with record_lines() if lines else contextlib.nullcontext(), naming(), own:
            run = watch(function, arguments)
        if run.error is not None:
            raise run.error
        if keep is not None:
            keep.extend(arguments)
        result = run.returned[0] if type(run.returned) is tuple else run.returned
        if any(isinstance(leaf, Tensor) and leaf.requires_grad for leaf in leaves_of(result)):
            given = _arguments_by_name(function, arguments)
            label({name: value for name, value in given.items() if isinstance(value, Tensor)})
            # The name of a reassigned parameter stays with the argument that was passed.
            held = {n: a.value for n, a in run.variables.items() if isinstance(a.value, Tensor)}
            label({name: value for name, value in held.items() if given.get(name, value) is value})
            break
    return result


def _own_arrays(
    function: Callable[..., Tree], arguments: tuple[Tree, ...]
) -> contextlib.AbstractContextManager[None]:
    """The block in which Tensors stand for the arrays that are the function's parameters."""
    captures = Captures(function)
    given = _arguments_by_name(function, arguments)
    floating = [n for n, value in given.items() if any(map(_is_tensor, leaves_of(value)))]
    others = {}
    if not any(tensor.requires_grad for tensor, _ in captures.tensors):
        found = arrays_of(function, captures, floating)
        for (array, _), name in zip(found, names_of_captured(found), strict=True):
            others[id(array)] = tensor = Tensor(array, name not in DATA_NAMES)
            label({name: tensor})
    return captures.replaced(others)


def _is_tensor(value: Operand) -> bool:
    return isinstance(value, Tensor)


def _arguments_by_name(
    function: Callable[..., Tree], arguments: tuple[Tree, ...]
) -> dict[str, Tree]:
    """The arguments of a function or module, by parameter name."""
    try:
        parameters = list(inspect.signature(getattr(function, "forward", function)).parameters)
    except (TypeError, ValueError):
        return {}
    return dict(zip(parameters, arguments, strict=False))


def _as_tensor(requires_grad: bool) -> Callable[[Operand], Operand]:
    def convert(value: Operand) -> Operand:
        if isinstance(value, (np.ndarray, np.floating)) and value.dtype.kind in "fc":
            return Tensor(value, requires_grad)
        if requires_grad and isinstance(value, float):
            return Tensor(value, True)
        return value

    return convert
