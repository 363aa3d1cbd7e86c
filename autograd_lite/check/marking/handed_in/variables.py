"""Gradients in variables that are called after a tensor: dZ1, grads["W1"] and the like."""

from __future__ import annotations

import numpy as np

from autograd_lite.check.marking.assignments import is_unnamed
from autograd_lite.check.marking.execution import Event
from autograd_lite.check.marking.handed_in.finder import Finder, in_gradients
from autograd_lite.check.marking.returned import checked, those_returned
from autograd_lite.check.marking.steps import Step, is_spoiled, is_update, right_version
from autograd_lite.tensor import Tensor


def by_variables(finder: Finder) -> None:
    """Takes the values of variables that are called after a tensor."""
    groups: dict[tuple[str, str], list[Event]] = {}
    main = finder.back.main_frame
    # Functions within the pass may add to the entries of its dict.
    owners: dict[str, str] = {}
    for event in finder.events:
        in_main = main is not None and event.frame == main.number
        if in_main and "[" in event.path:
            owners.setdefault(event.path, event.owner)
        is_seen = in_main or event.path in owners or event.name in finder.names
        if is_seen and not is_unnamed(event.name):
            owner = owners.get(event.path, event.owner)
            groups.setdefault((event.name, owner), []).append(event)
    returned = {name: value for _, name, value in finder.returned()}
    for (name, _), found in groups.items():
        events = those_returned(name, found, returned.get(name))
        last = events[-1]
        tensor = finder.tensor_of(name, in_gradients(last.path))
        if tensor is None or name in finder.arriving:
            continue
        if name not in finder.names and finder.is_setting(last.value, tensor):
            continue
        if name not in returned and _is_of_an_element(events, finder.known.versions[tensor]):
            continue
        by_name(finder, name, tensor, events)


def _is_of_an_element(events: list[Event], versions: list[Tensor]) -> bool:
    """Whether a number in a loop is called after an array, of whose elements it is the gradient."""
    is_number = all(np.ndim(e.value) == 0 for e in events)
    return is_number and len(events) > 1 and all(v.ndim > 0 for v in versions)


def by_name(finder: Finder, name: str, tensor: str, events: list[Event]) -> None:
    """Takes the last value of a variable for the gradient of a tensor, or an earlier right one."""
    is_input = finder.is_input(tensor)
    versions = finder.known.versions[tensor]
    rebound = _rebound(events)
    if not is_input and name not in finder.names:
        if tensor in finder.known.in_loops or rebound:
            if len(events) == 1 or tensor in finder.known.in_loops:
                _match_versions(finder, name, tensor, events, versions)
            return
    # What is made of the gradient of a parameter is handed in, and no step after it.
    end = len(finder.back.events)
    earlier = [e for e in events[:-1] if not (is_input and is_spoiled(e, finder.events, end))]
    array = checked(name, events[-1].value)
    event = finder.origin(events[-1])
    of = finder.best(array, versions)
    if right_version(array, versions, finder.truth) is None and not rebound:
        for other in earlier:
            value = other.array
            found = None if value is None else right_version(value, versions, finder.truth)
            if value is not None and found is not None and np.any(value):
                event, array, of = other, value, found
    finder.add(
        Step(
            name,
            tensor,
            array,
            event,
            of,
            is_input,
            others=versions,
            earlier=[] if rebound else earlier,
        )
    )


def _match_versions(
    finder: Finder, name: str, tensor: str, events: list[Event], versions: list[Tensor]
) -> None:
    """Takes each value for the gradient of the version whose gradient it equals."""
    matched = False
    for event in events:
        found = None if event.array is None else right_version(event.array, versions, finder.truth)
        if found is not None:
            finder.add(Step(name, tensor, event.array, event, found))  # type: ignore[arg-type]
            matched = True
    if not matched and tensor in finder.known.in_loops and len(events) == 1:
        finder.note_ambiguous(name, tensor)


def _rebound(events: list[Event]) -> bool:
    """Whether one statement bound the name anew several times."""
    places = [e.place for e in events if not is_update(e)]
    return len({id(p) for p in places}) < len(places)
