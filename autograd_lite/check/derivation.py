"""check_derivation: marks a backward pass that was derived by hand, as a teacher would."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from autograd_lite.check.derived import derived_gradients
from autograd_lite.check.marker import Marker
from autograd_lite.check.recording import name_of, record_forward
from autograd_lite.check.report import Report
from autograd_lite.observe import Run, watch
from autograd_lite.record import plain as arrays_of
from autograd_lite.tensor import Tensor, label


def check_derivation(
    forward: Callable[..., Any],
    backward: Callable[..., Any],
    *inputs: Any,
    names: Mapping[str, str | None] | None = None,
    tolerance: float | None = None,
    show: bool = True,
) -> Report:
    """Mark a hand-derived backward pass: which line is wrong, and why.

    Both functions are plain NumPy. Every gradient that `backward` derives is compared with the true
    one, and with what the chain rule makes of the gradients that `backward` itself has derived
    before it. A line that is wrong by the second comparison has a mistake of its own; one that is
    wrong by the first only passes on an earlier one. A cause is named where a change to the line
    was found that makes it right.

    Parameters
    ----------
    forward : callable
        `forward(*inputs)` returns the loss, a real scalar, or `(loss, cache)`. Its local variables
        name the tensors: `Z1`, or an entry `Z["1"]` of a local dict or list. It must give the same
        loss every time.
    backward : callable
        `backward(*inputs)`, `backward(cache)` or `backward(*inputs, cache)`. The gradients are the
        entries of the dict that it returns and its local variables, by name: `dZ1`, `d_Z1`,
        `grad_Z1`, `Z1_grad` or an entry `dZ["1"]` belong to the tensor Z1.
    *inputs : array_like, or lists, tuples and dicts of them
    names : mapping of str to str, optional
        The tensors of gradients with other names: `{"delta": "Z2"}`; `{"drelu": None}` for what is
        named like a gradient and is none.
    tolerance : float, optional
        The largest relative difference that still counts as right: by default 1e-6, and 1e-3 where
        the loss is of float32 or less.
    show : bool
        Print the report.

    Returns
    -------
    Report
        True if every gradient is right, in the convention of the derivation: gradients of the loss
        times N throughout, or divided by N in those of the inputs only, and any derivative of ReLU
        at exactly 0.

    Raises
    ------
    TypeError
        Where the loss is no real number, where a gradient is no array of numbers, or where the
        forward pass leaves NumPy.
    ValueError
        Where the loss differs from call to call, where a returned name belongs to no tensor, or
        where there is no gradient to mark.
    """
    _check_arguments(forward, backward, names, tolerance)
    inputs = arrays_of(inputs)
    plain = watch(forward, inputs)
    if plain.error is not None:
        raise plain.error
    loss, cache = _loss_and_cache(plain)
    back = watch(backward, _backward_arguments(backward, inputs, cache))
    if back.error is not None:
        # Its traceback would keep this frame, and the recorded inputs locked, until the next gc.
        back.error.__traceback__ = None
    derived = derived_gradients(back, list(plain.variables), dict(names or {}))
    if not derived and back.error is None:
        raise ValueError(
            f"check_derivation() finds no gradient in {name_of(backward)}: it looks for dW1, "
            f"grad_W1 or W1_grad of the names in {name_of(forward)}, which are "
            f"{', '.join(plain.variables) or 'none'}; pass names={{...}} for other names"
        )
    recorded = record_forward(forward, inputs, loss, [d.tensor for d in derived])
    report = Marker(recorded, back, derived, inputs, plain, tolerance).report()
    report = replace(
        report,
        derived={d.name: np.asarray(d.value) for d in derived},
        record=lambda: _loss_again(forward, inputs, loss, [d.tensor for d in derived]),
    )
    if show:
        report.show()
    return report


def _loss_again(
    forward: Callable[..., Any], inputs: tuple[Any, ...], loss: float, wanted: list[str]
) -> Tensor:
    """The loss with its graph, whose nodes have the names of the forward pass."""
    try:
        recorded = record_forward(forward, inputs, loss, wanted)
    except ValueError as error:
        raise ValueError(
            f"the inputs were changed since {name_of(forward)} was marked: {error}"
        ) from error
    label(recorded.tensors | {"loss": recorded.loss})
    return recorded.loss


def assert_derivation(
    forward: Callable[..., Any], backward: Callable[..., Any], *inputs: Any, **options: Any
) -> Report:
    """Does what `check_derivation` does, and raises AssertionError with the report if a gradient is
    wrong.

    For tests: `al.check.assert_derivation(forward, backward, W, b, X, Y)`.
    """
    report = check_derivation(forward, backward, *inputs, show=False, **options)
    report.raise_if_wrong()
    return report


def _check_arguments(forward: Any, backward: Any, names: Any, tolerance: Any) -> None:
    for name, function in (("forward", forward), ("backward", backward)):
        if not callable(function):
            raise TypeError(f"check_derivation() takes {name} as a function, not {function!r}")
    if names is not None and not isinstance(names, Mapping):
        raise TypeError(f'check_derivation() takes names= as in {{"delta": "Z2"}}, not {names!r}')
    if tolerance is not None and not (isinstance(tolerance, (int, float)) and tolerance > 0):
        raise ValueError(f"check_derivation() takes a tolerance above 0, not {tolerance!r}")


def _loss_and_cache(run: Run) -> tuple[float, tuple[Any, ...]]:
    """The loss, and what the forward pass returned besides: nothing, or one cache."""
    returned = run.returned
    cache: tuple[Any, ...] = ()
    if isinstance(returned, tuple) and not hasattr(returned, "_fields"):
        if len(returned) != 2:
            raise TypeError(
                f"{name_of(run.function)} must return the loss or (loss, cache), not a tuple of "
                f"{len(returned)}"
            )
        returned, cache = returned[0], (returned[1],)
    array = np.asarray(returned)
    if array.size != 1 or array.dtype.kind not in "fiu":
        raise TypeError(
            f"{name_of(run.function)} must return the loss as one real number, not "
            f"{type(returned).__name__} of shape {array.shape}"
        )
    return float(array.reshape(())), cache


def _backward_arguments(
    backward: Callable[..., Any], inputs: tuple[Any, ...], cache: tuple[Any, ...]
) -> tuple[Any, ...]:
    try:
        parameters = inspect.signature(backward).parameters.values()
    except (TypeError, ValueError):
        return cache or inputs
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return (*inputs, *cache)
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = sum(p.default is p.empty for p in positional)
    for arguments in (cache, (*inputs, *cache), inputs):
        if arguments and needed <= len(arguments) <= len(positional):
            return arguments
    raise TypeError(
        f"{name_of(backward)} takes {needed} arguments; it is called with the {len(inputs)} "
        "inputs, with the cache that the forward pass returns, or with both"
    )
