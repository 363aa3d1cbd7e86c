"""check_derivation: marks a backward pass that was derived by hand, as a teacher would."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Tree
from autograd_lite.check.marking import draws
from autograd_lite.check.marking.forms import Subject, parameters_of, subject_of
from autograd_lite.check.marking.forward import Setting
from autograd_lite.check.marking.mark import mark
from autograd_lite.check.marking.steps import known_tensors
from autograd_lite.check.names import name_of
from autograd_lite.check.report import Report
from autograd_lite.elsewhere import answering
from autograd_lite.record import plain as arrays_of
from autograd_lite.source import users_frames
from autograd_lite.tensor import Tensor, label

_NOTHING = object()


@answering
def check_derivation(
    forward: Any,
    backward: Any = _NOTHING,
    *inputs: Tree,
    loss: Callable[..., Any] | str | None = None,
    names: Mapping[str, str | None] | None = None,
    tolerance: float | None = None,
    seconds: float | None = None,
    show: bool = True,
) -> Report:
    """Mark a hand-derived backward pass: which line is wrong, and why.

    Both functions are plain NumPy. Every gradient that `backward` derives is compared twice: with
    the true one, and with the one that the chain rule gives from the gradients that `backward`
    itself derived before. A line that is wrong in the second comparison has a mistake of its own; a
    line that is wrong only in the first passes on an earlier mistake. A cause is named where a
    change to the line was found that corrects it, on these inputs and on random ones.

    The functions work on copies: no array of yours is changed.

    Parameters
    ----------
    forward : callable, or an object with methods `forward` and `backward`
        Returns the loss, a real scalar, alone or together with a cache or other values. Without a
        loss, it returns arrays, at which a random gradient arrives. Its variables name the tensors:
        `Z1`, `self.Z1`, or an entry `Z["1"]`. It must give the same result every time.
    backward : callable, optional
        Takes inputs, cache and gradients by name, or in their order. Its gradients are the values
        that it returns, assigns to variables and attributes, or subtracts from a parameter in an
        update. Leave it out where `forward` returns the gradients together with the loss.
    *inputs : array_like, or lists, tuples and dicts of them
        `forward` takes those that your variables call like its parameters; else the first of them,
        and a separate cost the others; where it does not run with those, as in
        `forward(X, params)` of X, Y, params, the first ones with which it runs.
        Arrays that the functions read from elsewhere are inputs as well: attributes of their
        object, global variables, and variables of the enclosing function.
    loss : callable or str, optional
        The cost function, where it is separate; or the name of the variable that holds the loss,
        where `forward` does not return it.
    names : mapping of str to str, optional
        The tensors of gradients with other names: `{"delta": "Z2"}`; `{"drelu": None}` for a value
        that is named like a gradient but is not one.
    tolerance : float, optional
        The largest relative difference that still counts as right: by default 1e-6, or 1e-3 where
        the loss has the precision of float32 or less.
    seconds : float, optional
        The time limit of the search for the mistakes: 3 by default.
    show : bool
        Print the report.

    Returns
    -------
    Report
        True if every gradient is right, in the convention of the derivation. Conventions are:
        gradients of N times the loss throughout, or with the division by N only in those of the
        inputs; descent directions in updates; any derivative of ReLU at exactly 0; clipped
        gradients; and an epsilon of the loss that the derivative leaves out.

    Raises
    ------
    TypeError
        Where the loss is not a real number, where a gradient is not an array of numbers, or where
        the forward pass leaves NumPy.
    ValueError
        Where the loss differs from call to call, or where there is no gradient to mark.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> def forward(W, X, Y):
    ...     Z = W @ X
    ...     return np.mean((Z - Y) ** 2), Z
    >>> def backward(W, X, Y, Z):
    ...     dZ = 2 * (Z - Y)
    ...     dW = dZ @ X.T / Y.size
    ...     return dW
    >>> W, X, Y = np.ones((1, 2)), np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros((1, 2))
    >>> al.check_derivation(forward, backward, W, X, Y, show=False).ok
    True
    """
    _check_arguments(names, tolerance, seconds, loss)
    if not callable(backward) and backward is not _NOTHING:
        inputs, backward = (backward, *inputs), _NOTHING
    inputs = _told_apart(arrays_of(_in_order(forward, inputs)))
    subject = subject_of(forward, backward, inputs, loss, backward is not _NOTHING)
    report = marked(subject, names, tolerance, seconds)
    if show:
        report.show()
    return report


def _in_order(forward: Any, inputs: tuple[Tree, ...]) -> tuple[Tree, ...]:
    """The inputs, those first that have the names of forward's parameters where they come from.

    As they are, unless the variables of the caller tell the input for each parameter.
    """
    frame = next(users_frames(), None)
    if frame is None or not inspect.isroutine(forward):
        return inputs
    variables = {**frame.f_globals, **frame.f_locals}
    left, first = list(inputs), []
    for parameter in parameters_of(forward) or ():
        if parameter.default is not parameter.empty:
            break
        value = variables.get(parameter.name, _NOTHING)
        place = next((i for i, own in enumerate(left) if own is value), None)
        if place is None or parameter.kind not in (
            parameter.POSITIONAL_ONLY,
            parameter.POSITIONAL_OR_KEYWORD,
        ):
            return inputs
        first.append(left.pop(place))
    return (*first, *left)


def _told_apart(inputs: tuple[Tree, ...]) -> tuple[Tree, ...]:
    """The inputs, where an array that is given again becomes a view of itself."""
    seen: set[int] = set()
    found = []
    for value in inputs:
        is_again = isinstance(value, np.ndarray) and id(value) in seen
        seen.add(id(value))
        found.append(value.view() if is_again else value)
    return tuple(found)


def marked(
    subject: Subject,
    names: Mapping[str, str | None] | None,
    tolerance: float | None,
    seconds: float | None,
) -> Report:
    """The report on a subject, with the derived gradients and a way to record the loss again."""
    with draws.undone():
        report, recording, steps = mark(subject, dict(names or {}), tolerance, seconds)
    loss = float(np.asarray(recording.loss._value).reshape(()))
    return replace(
        report,
        derived={s.name: np.asarray(s.value) for s in steps},
        record=lambda: _loss_again(subject, loss),
    )


def _loss_again(subject: Subject, loss: float) -> Tensor:
    """The loss, recorded again with a graph that has the names of the forward pass."""
    recording = Setting(subject).record()
    again = float(np.asarray(recording.loss._value).reshape(()))
    if not np.isclose(again, loss, rtol=1e-6, atol=1e-300, equal_nan=True):
        raise ValueError(
            f"the inputs were changed since {name_of(subject.forward)} was marked: the loss was "
            f"{loss:.9g} and is {again:.9g}"
        )
    versions = known_tensors(recording).versions
    label({name: found[-1] for name, found in versions.items()} | {"loss": recording.loss})
    return recording.loss


def assert_derivation(forward: Any, *arguments: Any, **options: Any) -> Report:
    """Mark a derivation as `check_derivation` does, and raise AssertionError if a gradient is
    wrong.

    It serves in tests: `al.check.assert_derivation(forward, backward, W, b, X, Y)`.

    Parameters
    ----------
    forward : callable
        The forward pass.
    *arguments
        The backward pass, where it is a separate function, and the inputs.
    **options
        The options of `check_derivation`.

    Returns
    -------
    Report

    Raises
    ------
    AssertionError
        With the report, where a gradient is wrong.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> def forward(W, X, Y):
    ...     Z = W @ X
    ...     return np.mean((Z - Y) ** 2), Z
    >>> def backward(W, X, Y, Z):
    ...     dZ = 2 * (Z - Y) / Y.size
    ...     dW = dZ @ X.T
    ...     return dW
    >>> W, X, Y = np.ones((1, 2)), np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros((1, 2))
    >>> report = al.check.assert_derivation(forward, backward, W, X, Y)
    """
    report = check_derivation(forward, *arguments, show=False, **options)
    report.raise_if_wrong()
    return report


def _check_arguments(names: Any, tolerance: Any, seconds: Any, loss: Any) -> None:
    if names is not None and not isinstance(names, Mapping):
        raise TypeError(f'check_derivation() takes names= as in {{"delta": "Z2"}}, not {names!r}')
    if tolerance is not None and not (isinstance(tolerance, (int, float)) and tolerance > 0):
        raise ValueError(f"check_derivation() takes a tolerance above 0, not {tolerance!r}")
    if seconds is not None and not (isinstance(seconds, (int, float)) and seconds > 0):
        raise ValueError(f"check_derivation() takes seconds above 0, not {seconds!r}")
    if loss is not None and not (callable(loss) or isinstance(loss, str)):
        raise TypeError(
            "check_derivation() takes loss= as the cost function, or as the name of the variable "
            f"that holds the loss, not {loss!r}"
        )
