"""The graph to draw: of a recorded result, or of a function that is run for it."""

from __future__ import annotations

import contextlib
import inspect
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_lite.arrays.trees import leaves_of, map_leaves
from autograd_lite.graph import Node
from autograd_lite.observe import watch
from autograd_lite.pictures.naming import naming
from autograd_lite.tensor import Tensor, label
from autograd_lite.watching import record_lines

DATA_NAMES = frozenset(
    "X Y y T t xs ys x_train y_train X_train Y_train X_test Y_test X_batch Y_batch y_true".split()
    + "inputs input targets target labels label images one_hot onehot data".split()
)
"""Names of parameters that are taken for data where a function has others, too."""


def result_of(caller: str, loss: Any, inputs: tuple[Any, ...], lines: bool = True) -> Tensor:
    """`loss`, or what it computes from `inputs`, with a graph that is still there.

    Where it is a function, `lines` says whether lines and calls are recorded. The errors are those
    of `caller`, the function that a person called.
    """
    return _with_graph(caller, _computed(caller, loss, inputs, lines))


def results_of(
    caller: str,
    loss: Any,
    inputs: tuple[Any, ...],
    lines: bool = True,
    wrt: str | Sequence[str] | None = None,
    keep: list[Any] | None = None,
) -> list[Tensor]:
    """The results as `result_of` gives one, also for nested lists, tuples and dicts of them.

    A result that is there twice is given once. `wrt` names the parameters of a function that are
    differentiated; by default those that do not look like data. The inputs as they were handed to
    it are added to `keep`: constants can be told by them as long as they are there.
    """
    if wrt is not None and (isinstance(loss, Tensor) or not callable(loss)):
        raise TypeError(f"{caller}() takes wrt only with a function")
    chosen = _differentiated(caller, loss, inputs, wrt) if inputs and callable(loss) else None
    loss = _computed(caller, loss, inputs, lines, chosen, keep)
    results = leaves_of(loss) or [loss]
    return list({id(result): _with_graph(caller, result) for result in results}.values())


def _with_graph(caller: str, loss: Any) -> Tensor:
    """`loss`, if it is a Tensor whose graph is there."""
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
    """The node of a result, which `result_of` has found to have one."""
    root = loss._node
    assert isinstance(root, Node)
    return root


def _differentiated(
    caller: str, function: Any, inputs: tuple[Any, ...], wrt: str | Sequence[str] | None
) -> list[bool]:
    """Which of the inputs of a function are parameters; the others are data."""
    names = list(_arguments_by_name(function, inputs))
    if wrt is not None:
        chosen = [wrt] if isinstance(wrt, str) else list(wrt)
        unknown = [name for name in chosen if name not in names]
        if unknown:
            raise ValueError(
                f"{caller}(): wrt names {unknown[0]!r}, and the function's parameters are "
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
    inputs: tuple[Any, ...],
    lines: bool,
    differentiated: Sequence[bool] | None = None,
    keep: list[Any] | None = None,
) -> Any:
    """`loss`, or what it gives for `inputs` where it is a function."""
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
    function: Callable[..., Any],
    inputs: tuple[Any, ...],
    lines: bool = False,
    differentiated: Sequence[bool] | None = None,
    keep: list[Any] | None = None,
) -> Any:
    """The recorded result of `function(*inputs)`; of a tuple its first item, as of (loss, cache).

    Arrays among the inputs are copied into Tensors. They require grad only where the function has
    no parameters of its own that do, such as those of a module, and then those alone that are
    `differentiated`. Tensors that have no name get that
    of the parameter or the local variable which holds them, `Z1`, or of the entry `Z["1"]` of a
    local dict.
    """
    result = None
    for requires_grad in (False, True):
        wanted = itertools.chain(differentiated or (), itertools.repeat(True))
        arguments = tuple(
            map_leaves(_as_tensor(requires_grad and is_parameter), value)
            for value, is_parameter in zip(inputs, wanted, strict=False)
        )
        with record_lines() if lines else contextlib.nullcontext(), naming():
            run = watch(function, arguments)
        if run.error is not None:
            raise run.error
        if keep is not None:
            keep.extend(arguments)
        result = run.returned[0] if type(run.returned) is tuple else run.returned
        if any(isinstance(leaf, Tensor) and leaf.requires_grad for leaf in leaves_of(result)):
            given = _arguments_by_name(function, arguments)
            label({name: value for name, value in given.items() if isinstance(value, Tensor)})
            # A parameter that came to hold something else keeps its name for what was passed.
            held = {n: a.value for n, a in run.variables.items() if isinstance(a.value, Tensor)}
            label({name: value for name, value in held.items() if given.get(name, value) is value})
            break
    return result


def _arguments_by_name(function: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
    """The arguments of a function or a module by the names of its parameters."""
    try:
        parameters = list(inspect.signature(getattr(function, "forward", function)).parameters)
    except (TypeError, ValueError):
        return {}
    return dict(zip(parameters, arguments, strict=False))


def _as_tensor(requires_grad: bool) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if isinstance(value, (np.ndarray, np.floating)) and value.dtype.kind in "fc":
            return Tensor(value, requires_grad)
        if requires_grad and isinstance(value, float):
            return Tensor(value, True)
        return value

    return convert
