"""Gradients of functions, and of outputs with respect to chosen inputs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from autograd_lite.backward import owned, propagate
from autograd_lite.graph import Leaf, Node, Source, ancestors
from autograd_lite.record import NO_OPTIONS, make, record
from autograd_lite.rules import Operation
from autograd_lite.tensor import Tensor

_VARIABLE = Operation(lambda value: value, {"value": lambda g: g})
_VARIABLE.name = "variable"


def gradients(
    output: Tensor, inputs: Sequence[Tensor], *, gradient: Any = None, create_graph: bool = False
) -> tuple[Any, ...]:
    """The gradients of `output` with respect to each of `inputs`, leaves or results.

    Neither `.grad` nor the graph is touched, and no hook is called. An input that `output` does
    not depend on has a gradient of zeros; an `output` that depends on no tensor that requires grad
    raises RuntimeError.

    Parameters
    ----------
    output : Tensor
        A scalar, unless `gradient`, of its shape, is given.
    inputs : sequence of Tensor
    gradient : array_like, optional
        The gradient of the final result with respect to `output`.
    create_graph : bool
        Return Tensors that are connected to the graph, to be differentiated again, instead of
        arrays.

    Returns
    -------
    tuple
        One array (or Tensor) of the shape and dtype of each input.
    """
    output._check_connected("gradients()")
    seed = output._seed(gradient)
    wrap = make if create_graph else None
    start = make(seed, None) if create_graph else seed
    targets = [_end(tensor) for tensor in inputs]
    found = _propagate(output, start, targets, wrap)
    results = []
    for tensor, target in zip(inputs, targets, strict=True):
        result = found.get(target) if target is not None else None
        if result is None:
            zeros = np.zeros_like(tensor._data)
            result = make(zeros, None) if create_graph else zeros
        results.append(result if create_graph else np.array(result))
    return tuple(results)


def _propagate(output: Tensor, seed: Any, targets: list[Any], wrap: Any) -> dict[Any, Any]:
    known = [target for target in targets if target is not None]
    if isinstance(output._node, Node):
        return propagate(output._node, seed, targets=known, wrap=wrap)
    return {target: seed for target in known if target is _end(output)}


def _end(tensor: Tensor) -> Node | Source | None:
    """Where the graph ends for `tensor`; None if no live graph leads to it."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"gradients() takes Tensors as inputs, not {type(tensor).__name__}")
    if not tensor.requires_grad:
        raise ValueError(
            f"gradients() got {tensor!r} as an input, which does not require grad; create it with "
            "requires_grad=True before the computation"
        )
    return tensor._node.source() if isinstance(tensor._node, Leaf) else tensor._node


def grad(function: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """A function that gives the gradient of `function` with respect to one or several arguments.

    `function` is written in plain NumPy and returns a scalar. The arguments named by `argnums`
    are floating-point arrays or scalars; lists, tuples and dicts of them, nested, have gradients
    of the same structure. Where they are Tensors, or `function` uses Tensors that require grad,
    the gradient is a Tensor and can be differentiated again; so `grad(grad(f))` works.

    >>> float(grad(lambda x: x**3)(2.0))
    12.0
    """
    value_and_gradient = value_and_grad(function, argnums)

    @functools.wraps(function)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return value_and_gradient(*args, **kwargs)[1]

    return gradient


def value_and_grad(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0
) -> Callable[..., tuple[Any, Any]]:
    """As `grad`, but the function that it gives returns the value and the gradient.

    >>> value, gradient = value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    >>> float(value), gradient
    (5.0, array([2., 4.]))
    """
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    @functools.wraps(function)
    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        variables: list[Tensor] = []
        arguments = list(args)
        for i in numbers:
            if not -len(args) <= i < len(args):
                raise TypeError(
                    f"grad of {_name(function)} with respect to argument {i}, but it was called "
                    f"with {len(args)} positional arguments"
                )
            arguments[i] = _map(functools.partial(_variable, variables, i), args[i])
        output = function(*arguments, **kwargs)
        _check_output(function, output)
        value, results = _differentiate(output, variables)
        for variable in variables:
            # For an enclosing derivative, this one's variables are constants.
            if isinstance(variable._node, Leaf):
                variable._node.requires_grad = False
        remaining = iter(results)
        structures = tuple(_map(lambda _: next(remaining), args[i]) for i in numbers)
        return value, structures[0] if isinstance(argnums, int) else structures

    return value_and_gradient


def _differentiate(output: Any, variables: list[Tensor]) -> tuple[Any, Iterable[Any]]:
    """The value of `output` and its gradients: arrays, or Tensors if an outer graph needs them."""
    if not isinstance(output, Tensor) or not output.requires_grad:
        value = output._data[()] if isinstance(output, Tensor) else output
        return value, [np.zeros_like(v._data)[()] for v in variables]
    inner = {v._node for v in variables}
    outer = _reaches_beyond(output, inner)
    results = gradients(output, variables, create_graph=outer)
    if outer:
        return output, results
    return np.array(output._data)[()], [owned(result)[()] for result in results]


def _reaches_beyond(output: Tensor, inner: set[Any]) -> bool:
    """Whether `output` depends on more tensors that require grad than the variables `inner`."""
    if not isinstance(output._node, Node):
        return output.requires_grad and output._node not in inner
    for node in ancestors([output._node]):
        for parent in node.parents or ():
            if isinstance(parent, Source) and parent.requires_grad and parent.leaf not in inner:
                return True
    return False


def _variable(variables: list[Tensor], argument: int, value: Any) -> Tensor:
    """A tensor to differentiate with respect to: a leaf, or a new node on top of a Tensor."""
    variable: Tensor
    if isinstance(value, Tensor) and value.requires_grad:
        # A node of its own: what the function does with the same tensor by another way does not
        # belong to the derivative with respect to this argument.
        variable = record(_VARIABLE, (value,), NO_OPTIONS)
    else:
        data = value._data if isinstance(value, Tensor) else value
        try:
            variable = Tensor(data, requires_grad=True, copy=False)
        except TypeError as error:
            raise TypeError(f"grad with respect to argument {argument}: {error}") from None
    variables.append(variable)
    return variable


def _check_output(function: Callable[..., Any], output: Any) -> None:
    if isinstance(output, Tensor):
        if output.size != 1:
            raise ValueError(f"grad of {_name(function)}: {output._not_scalar_message()}")
    elif np.ndim(output) != 0 or not np.issubdtype(np.asarray(output).dtype, np.number):
        raise TypeError(
            f"grad of {_name(function)}: it returned {type(output).__name__}, and a gradient is "
            "that of a scalar"
        )


def _map(apply: Callable[[Any], Any], tree: Any) -> Any:
    """`tree` with `apply` done to each array in its nested lists, tuples and dicts."""
    if isinstance(tree, dict):
        return {key: _map(apply, value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        items = [_map(apply, item) for item in tree]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return apply(tree)


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", repr(function))
