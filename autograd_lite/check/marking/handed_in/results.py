"""Gradients that are returned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.check.marking.execution import Event
from autograd_lite.check.marking.handed_in.finder import Finder, in_gradients
from autograd_lite.check.marking.handed_in.flat import pieces_of
from autograd_lite.check.marking.returned import checked, checked_loosely, line_of_entry
from autograd_lite.check.marking.steps import Step, is_number, right_version, same_values
from autograd_lite.check.names import is_gradient_name
from autograd_lite.observe import entry_name


@dataclass
class _Item:
    """An item of what a backward pass returned: where it stands, and what it is called."""

    path: tuple[Any, ...]
    name: str
    value: Any
    array: np.ndarray


def by_return(finder: Finder) -> None:
    """Takes what is returned: entries of dicts by their keys, other items by their variables."""
    items = (n for item in finder.returned() for n in _numbers_of(finder, *item))
    for path, name, value in items:
        if name in finder.names and finder.names[name] is None:
            continue
        array = checked_loosely(value)
        if array is not None:
            if name in finder.names or not _is_known_value(finder, array, name, path):
                _hand_in(finder, _Item(path, name, value, array))
        elif finder.tensor_of(name) is not None and not is_number(value):
            checked(name, value)


def _numbers_of(
    finder: Finder, path: tuple[Any, ...], name: str, value: Any
) -> list[tuple[tuple[Any, ...], str, Any]]:
    """The numbers of a list that belong to numbers of the forward pass; else the item as it is.

    So `gw[0][1]` of a list of lists is the gradient of `w[0][1]`, where that is an input.
    """
    found = list(_leaves(path, name, value))
    is_each = all(finder.tensor_of(called) in finder.known.inputs for _, called, _ in found)
    return found if isinstance(value, list) and found and is_each else [(path, name, value)]


def _leaves(
    path: tuple[Any, ...], name: str, value: Any
) -> Iterator[tuple[tuple[Any, ...], str, Any]]:
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from _leaves((*path, i), entry_name(name, i), item)
    else:
        yield path, name, value


def _hand_in(finder: Finder, item: _Item) -> None:
    event = finder.event_of(item.name, item.array, item.path)
    called = _called_after(finder, item)
    if event is not None and _is_of_another(finder, event, called):
        event = None
    tensor, is_astray = _whose(finder, item, called)
    same = [s for s in finder.steps if _is_same(s, item, tensor, event)]
    if is_astray:
        same = [s for s in same if s.tensor in finder.known.inputs]
        event = event if same else None
    if same and same[0].entry in (None, item.path):
        same[0].entry = item.path if same[0].sign == 1 else None
        return
    if same:
        # One gradient is returned twice, the second time in the place of another one.
        is_astray, tensor, event = True, None, None
    step = Step(item.name, tensor or "", item.array, event, None, True)
    at = finder.back.returned_at
    step.written = line_of_entry(finder.back, item.name) or (None if at is None else at.line)
    step.entry = item.path
    if tensor is None:
        _leave_open(finder, step, is_astray)
    elif finder.has_keys or not finder.is_setting(item.value, tensor):
        _add(finder, step, tensor)


def _called_after(finder: Finder, item: _Item) -> str | None:
    """The tensor that an item is called after, or that stands where its gradient should."""
    tensor = finder.tensor_of(item.name, finder.has_keys)
    if tensor is None and item.name in finder.known.inputs and finder.setting.subject.backward:
        return item.name
    return tensor


def _whose(finder: Finder, item: _Item, called: str | None) -> tuple[str | None, bool]:
    """The tensor of an item, if its name tells, and whether it is astray.

    That is a step on the way in the place of the gradient of an argument.
    """
    if called is not None and item.name in finder.arriving:
        # It is called after what arrived, and was written into.
        return None, False
    if called not in finder.known.inputs and finder.is_one_for_each():
        return None, called is not None
    return called, False


def _leave_open(finder: Finder, step: Step, is_astray: bool) -> None:
    """Leaves an item whose name tells no tensor to be placed."""
    if finder.has_keys and not is_gradient_name(step.name):
        if not (_fits_somewhere(finder, step.value) or _is_part_of_a_name(finder, step)):
            if not _is_among_gradients(finder, step):
                return
            is_astray = True
    pieces = pieces_of(finder, step)
    finder.astray += [step] if is_astray else []
    finder.open += [step] if pieces is None else pieces


def _add(finder: Finder, step: Step, tensor: str) -> None:
    known = finder.known
    versions = known.versions[tensor]
    if finder.has_keys and tensor == step.name and tensor in known.inputs:
        # A key is called after a parameter, also where a variable has its name.
        versions = versions[:1]
    if tensor in known.in_loops and right_version(step.value, versions, finder.truth) is None:
        finder.note_ambiguous(step.name, tensor)
        return
    step.of = finder.best(step.value, versions)
    step.others = versions
    finder.add(step)


def _is_same(step: Step, item: _Item, tensor: str | None, event: Event | None) -> bool:
    """Whether an item is a step that is known already."""
    if event is not None and step.event is event and tensor in (None, step.tensor):
        return True
    return (
        step.value.shape == item.array.shape
        and np.array_equal(step.value, item.array, equal_nan=True)
        and (tensor == step.tensor or item.name == step.name)
    )


def _is_of_another(finder: Finder, event: Event, tensor: str | None) -> bool:
    """Whether a value that is handed in for the gradient of a tensor is known as another one.

    The line that handed it in is the one to look at.
    """
    own = finder.tensor_of(event.name)
    is_entry = event.name == tensor and in_gradients(event.path)
    if tensor is None or own == tensor or is_entry:
        return False
    if any(s.event is event and s.tensor != tensor for s in finder.steps):
        return True
    return own in finder.known.inputs or event.name in finder.known.inputs


def _is_known_value(finder: Finder, array: np.ndarray, name: str, path: tuple[Any, ...]) -> bool:
    """Whether it is a value of the forward pass, handed on: a state, a prediction."""
    in_dict = finder.has_keys
    if len(path) > 1 or (in_dict and name in finder.known.inputs) or finder.is_one_for_each():
        return False
    is_backward = finder.setting.subject.backward is not None
    for known, value in finder.known.values.items():
        if is_backward and known in finder.known.inputs:
            continue
        versions = finder.known.versions.get(known, [])
        if versions and not any(v._node in finder.truth for v in versions):
            # The loss does not come from it: a gradient that was computed before the loss.
            continue
        if known == name or not is_gradient_name(name):
            value = np.asarray(value)
            if value.shape == array.shape and array.size > 1 and np.array_equal(value, array):
                return True
    return False


def _is_among_gradients(finder: Finder, step: Step) -> bool:
    """Whether a key with a number stands beside others that hold gradients, as "b2" beside "W2".

    What it holds has the shape of a parameter.
    """
    shapes = {i.tensor.shape for i in finder.known.inputs.values()}
    if not step.name[-1:].isdigit() or step.value.shape not in shapes:
        return False
    return any(
        _fits_somewhere(finder, np.asarray(value))
        for path, name, value in finder.returned()
        if path != step.entry and name[-1:].isdigit() and np.ndim(value)
    )


def _is_part_of_a_name(finder: Finder, step: Step) -> bool:
    """Whether a key is a part of one parameter's name, and has its shape: "ho" of `weights_ho`."""
    alike = [n for n, i in finder.known.inputs.items() if i.tensor.shape == step.value.shape]
    return sum(step.name.lower() in n.lower().split("_") for n in alike) == 1


def _fits_somewhere(finder: Finder, array: np.ndarray) -> bool:
    """Whether an array is the true gradient of an input."""
    return any(
        same_values(array, finder.truth[i.tensor._node])
        for i in finder.recording.inputs
        if i.tensor._node in finder.truth
    )
