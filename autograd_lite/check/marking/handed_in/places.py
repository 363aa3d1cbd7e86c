"""Gradients without a name that tells."""

from __future__ import annotations

import numpy as np

from autograd_lite.check.marking.assignments import is_unnamed, texts_in
from autograd_lite.check.marking.chain_rule import fit
from autograd_lite.check.marking.handed_in.finder import Finder
from autograd_lite.check.marking.steps import Step, same_values
from autograd_lite.check.names import is_gradient_name, tensors_named_in


def by_place(finder: Finder) -> None:
    """Takes items without a name that tells: by container, value, shape and order."""
    taken = {s.tensor for s in finder.steps}
    free = {n: i for n, i in finder.known.inputs.items() if n not in taken}
    order = finder.in_order(free)
    _hand_in_again(finder)
    _place_astray(finder, order)
    _place_by_value(finder, order)
    _place_by_shape(finder, order)
    for step in finder.open:
        if is_gradient_name(step.name) or (is_unnamed(step.name) and step.value.size > 1):
            finder.unmarked.append(step)
        else:
            finder.notes.append(unmarked_message(step))


def _hand_in_again(finder: Finder) -> None:
    """Takes what has the value of a known gradient for that gradient, handed in by another name."""
    for step in list(finder.open):
        same = [
            s
            for s in finder.steps
            if s.final and s.entry is None and s.tensor not in finder.handed
            if s.sign == 1 and np.array_equal(s.value, step.value)
        ]
        if step.entry is not None and step.value.size > 1 and same:
            finder.handed.add(same[0].tensor)
            finder.open.remove(step)


def _place_astray(finder: Finder, order: list[str]) -> None:
    """Places what was handed in where another gradient belongs."""
    for step in finder.astray:
        handed = {s.tensor for s in finder.steps if s.entry is not None} | finder.handed
        left = [n for n in finder.of_arguments() if n not in handed]
        if not finder.is_one_for_each():
            left = [s.tensor for s in finder.steps if s.final and s.tensor not in handed]
            left = [n for n in left if n in finder.known.inputs]
        same = [n for n in left if finder.shape_of(n) == step.value.shape] or left
        if step in finder.open and same:
            _take(finder, step, _right_among(finder, same, step) or same[0], order)
        elif step in finder.open:
            finder.open.remove(step)


def _place_by_value(finder: Finder, order: list[str]) -> None:
    """Places what equals a gradient, then what is called after the beginning of a name."""
    for by_name in (False, True):
        for step in list(finder.open):
            right = _right_among(finder, order, step)
            alike = _alike_among(finder, order, step)
            # A list of which one is not right is told by its numbers.
            is_told = bool(alike) and not all(
                _right_among(finder, order, s) for s in finder.open if _stem(s) == _stem(step)
            )
            # What has the value of another's gradient is not that, but wrong.
            is_told |= bool(alike) and right not in alike and _is_called_after(finder, step, right)
            if right is not None and not is_told:
                _take(finder, step, right, order)
            elif alike and by_name:
                _take(finder, step, alike[0], order)


def _place_by_shape(finder: Finder, order: list[str]) -> None:
    """Places what has the shape of an input whose gradient is not known, in their order."""
    for step in list(finder.open):
        same = [n for n in order if finder.shape_of(n) == step.value.shape]
        same = same or [n for n in order if fit(step.value, finder.shape_of(n)) is not None]
        if len(finder.open) > len(order) and not _may_be_gradient(step.name):
            continue
        if same and not _is_passed_on(finder, step):
            _take(finder, step, same[0], order)
        elif len(finder.open) == len(order) == 1 and _may_be_gradient(step.name):
            _take(finder, step, order[0], order)


def _right_among(finder: Finder, names: list[str], step: Step) -> str | None:
    """The input whose gradient a step is."""
    right = (n for n in names if same_values(step.value, finder.true_gradient(n), floor=True))
    return next(right, None)


def _alike_among(finder: Finder, names: list[str], step: Step) -> list[str]:
    """The inputs that a step is called after, those of its shape if there are."""
    alike = [n for n in names if is_gradient_name(step.name) and _starts_alike(step.name, n)]
    return [n for n in alike if fit(step.value, finder.shape_of(n)) is not None] or alike


def _is_called_after(finder: Finder, other: Step, name: str | None) -> bool:
    """Whether an item without a tensor, and not this one, is called after an input."""
    return name is not None and any(
        _alike_among(finder, [name], step) for step in finder.open if step is not other
    )


def _is_passed_on(finder: Finder, step: Step) -> bool:
    """Whether another gradient is computed from this one, and its name tells what it is of.

    dZ1 in `dW1 = dZ1 @ X.T` is of a Z1 that has no name where `A1 = np.maximum(0, W1 @ X)`.
    """
    event = step.event
    if event is None or not tensors_named_in(step.name):
        return False
    others = (s.event for s in finder.steps if s.name != step.name and s.event is not None)
    return any(
        other.frame == event.frame
        and other.serial > event.serial
        and event.path in texts_in(getattr(other.place.statement, "value", other.place.statement))
        for other in others
    )


def _take(finder: Finder, step: Step, tensor: str, order: list[str]) -> None:
    if tensor in order:
        order.remove(tensor)
    finder.open.remove(step)
    step.tensor = tensor
    step.of = finder.known.inputs[tensor].tensor
    if is_unnamed(step.name):
        step.name = f"d{tensor}"
    finder.add(step)


def _may_be_gradient(name: str) -> bool:
    return is_unnamed(name) or is_gradient_name(name)


def _stem(step: Step) -> str:
    return step.name.rstrip("0123456789")


def _starts_alike(name: str, tensor: str) -> bool:
    """Whether a gradient is called after the beginning of a tensor's name: nabla_w0 of weights0."""
    number = name[len(name.rstrip("0123456789")) :]
    if number != tensor[len(tensor.rstrip("0123456789")) :]:
        return False
    stems = [s.rstrip("0123456789").lower() for s in tensors_named_in(name)]
    return any(stem and tensor.lower().startswith(stem) for stem in stems)


def unmarked_message(step: Step) -> str:
    return (
        f"{step.name} is not marked: no value of the forward pass is known that it is the "
        f'gradient of; say so with names={{"{step.name}": ...}}'
    )
