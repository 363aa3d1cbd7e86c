"""The gradients that a backward pass hands in, and whose they are.

They are returned, left in variables and attributes, or used up in an update. The name of a gradient
tells whose it is; where it does not, its container, its shape, its value and its order do. Each
module finds those of one kind and adds them to the `Finder`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.check.marking.assignments import is_unnamed
from autograd_lite.check.marking.execution import Execution
from autograd_lite.check.marking.forward import Recording, Setting
from autograd_lite.check.marking.handed_in.attributes import by_attributes
from autograd_lite.check.marking.handed_in.finder import Finder
from autograd_lite.check.marking.handed_in.places import by_place
from autograd_lite.check.marking.handed_in.results import by_return
from autograd_lite.check.marking.handed_in.variables import by_variables
from autograd_lite.check.marking.steps import Known, Step
from autograd_lite.check.marking.updates import Updates
from autograd_lite.check.names import name_of


@dataclass
class Handed:
    """What a backward pass hands in: gradients of a tensor, and those whose tensor is not known."""

    steps: list[Step]
    unmarked: list[Step]
    notes: list[str]


def handed_in(
    setting: Setting,
    recording: Recording,
    known: Known,
    back: Execution,
    truth: Mapping[Any, np.ndarray],
    names: Mapping[str, str | None],
) -> Handed:
    """The gradients of a backward pass, in the order of the derivation, and remarks on others."""
    finder = Finder(setting, recording, known, back, truth, dict(names))
    by_variables(finder)
    by_return(finder)
    by_attributes(finder)
    by_updates(finder)
    by_place(finder)
    return Handed(finder.steps, finder.unmarked, finder.notes)


def by_updates(finder: Finder) -> None:
    """Takes what is subtracted from a parameter: `step` in `W -= rate * step`."""
    # A forward pass may be run again: `x = x - np.max(x)` in it is no update.
    ahead = {id(e.place) for e in finder.setting.forward.execution.events}
    is_apart = finder.setting.subject.backward is not None
    events = [e for e in finder.events if not is_apart or id(e.place) not in ahead]
    updates = Updates(events, finder.known, finder.truth, finder.back, finder.setting)
    updates.mark_added(finder.steps)
    for step in updates.steps({s.tensor for s in finder.steps}):
        finder.add(step)


def no_gradient_message(setting: Setting, known: Known) -> str:
    names = ", ".join(n for n in known.values if not is_unnamed(n)) or "none"
    return (
        f"check_derivation() finds no gradient in {name_of(setting.subject.marked)}: it looks for "
        f"dW1, grad_W1 or W1_grad of the names in {name_of(setting.subject.forward)}, which are "
        f"{names}; pass names={{...}} for other names"
    )
