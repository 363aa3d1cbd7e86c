"""Updates that move a parameter the wrong way, although its gradient is right."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from autograd_lite.check.marking.assignments import texts_in, update_of
from autograd_lite.check.marking.chain_rule import Interpretation
from autograd_lite.check.marking.evidence import Evidence
from autograd_lite.check.marking.execution import Event
from autograd_lite.check.marking.steps import Known
from autograd_lite.check.report import RIGHT

MANY_ELEMENTS = 8
"""So many elements hardly have the signs of a gradient by chance."""

_LOWERED = re.compile(
    "(?i)loss|cost|err|mse|nll|entropy|energy|co[uû]t|perte|kosten|verlust|fehler|perdida|perdita"
)
"""Matches names of what is to be lowered; others may be maximised, such as J and reward."""


@dataclass
class Stray:
    """An update of a parameter that does not lower the loss: its event, cause and description.

    It is a mistake, unless the loss may be meant to be maximised.
    """

    event: Event
    cause: str
    message: str
    is_mistake: bool


def strays(
    evidence: Evidence, interpretation: Interpretation, known: Known, events: Iterable[Event]
) -> Iterator[Stray]:
    """Updates that move a parameter along its gradient, or by the gradient of another one."""
    right = {s.tensor for s in evidence.steps if interpretation.status[s.key] in RIGHT}
    moved = {e.name: e for e in events if _is_of_parameter(e, known)}
    arrived = evidence.graph.arrivals()
    true = {
        name: arrived.get(known.inputs[name].tensor._node) for name in right & set(known.inputs)
    }
    gradients = {name: g for name, g in true.items() if g is not None and np.any(g)}
    loss = evidence.setting.loss_event
    is_lowered = loss is not None and bool(_LOWERED.search(loss.name))
    for name, event in moved.items():
        gradient = gradients.get(name)
        if gradient is None or np.shape(event.value) != gradient.shape:
            continue
        change = np.asarray(event.value) - known.inputs[name].tensor._value
        if _is_along(change, gradient, evidence):
            unless = "" if is_lowered else ", unless the loss is to be maximised"
            grows = f"{name} moves along its gradient, so that the loss grows"
            update = update_of(event.place.statement)
            opposite = "add" if update is not None and update[0] < 0 else "subtract"
            message = f"line {event.line}: {grows}: {opposite} the step there{unless}"
            yield Stray(event, "sign", message, is_lowered)
        elif np.any(change) and not _is_multiple(change, gradient, evidence):
            turned = {f"{other}.T": g.T for other, g in gradients.items() if g.ndim == 2}
            others = gradients | turned
            found = (n for n, g in others.items() if g.shape == change.shape)
            other = next((n for n in found if _is_multiple(change, others[n], evidence)), None)
            other = other or _other_read(event, name, gradients, evidence)
            if other is not None:
                message = f"line {event.line}: {name} moves by the gradient of {other}, not its own"
                yield Stray(event, "operand", message, True)


def _other_read(
    event: Event, name: str, gradients: Collection[str], evidence: Evidence
) -> str | None:
    """The parameter whose gradient an update reads, where it does not read its own.

    Of another shape, it may be broadcast: `b1 -= rate * db2`.
    """
    read = texts_in(event.place.statement)
    used = {s.tensor for s in evidence.steps if s.event is not None and s.event.path in read}
    used &= set(gradients)
    return None if name in used or len(used) != 1 else used.pop()


def _is_along(change: np.ndarray, gradient: np.ndarray, evidence: Evidence) -> bool:
    """Whether a change goes along a gradient by more than chance.

    A velocity that was carried over may go along it in a few elements.
    """
    along = change * gradient
    if not np.any(along > 0) or np.any(along < 0):
        return False
    is_multiple = gradient.size > 1 and _is_multiple(change, gradient, evidence)
    return is_multiple or gradient.size >= MANY_ELEMENTS


def _is_of_parameter(event: Event, known: Known) -> bool:
    """Whether an event is the update of a parameter, and not of its gradient in a dictionary."""
    found = known.inputs.get(event.name)
    if found is None or update_of(event.place.statement) is None:
        return False
    parts = tuple(re.findall(r"\w+", event.path))
    if parts[0] == "self" and found.path[0] != "self":
        # A script's `net.W` is self.W in a method; two of the name would have others.
        return parts[1:] == tuple(map(str, found.path))[1 - len(parts) :]
    path = tuple(part for key in found.path for part in re.findall(r"\w+", str(key)))
    return parts == path[-len(parts) :] and (len(parts) > 1 or len(path) == 1)


def _is_multiple(change: np.ndarray, gradient: np.ndarray, evidence: Evidence) -> bool:
    return evidence.tolerance.factor(change, gradient) is not None
