"""A check by finite differences: how the loss changes when a named value is moved a little.

The forward pass is run in plain NumPy. No derivative rule takes part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.check.marking.execution import Event, Execution
from autograd_lite.check.marking.forms import run_forward, taken_apart
from autograd_lite.check.marking.forward import Input, Setting
from autograd_lite.check.marking.world import World
from autograd_lite.observe import is_value

STEP = 1e-6


def slope(
    setting: Setting, name: str, source: Input | None, direction: np.ndarray, later: int = 0
) -> float | None:
    """The derivative of the loss as the value called `name` moves along `direction`.

    `source` is the input of that name, if there is one. Of several values that are assigned to the
    name, the one before the last `later` ones moves. Returns None where neither an input nor such
    an assignment has the name.
    """
    if source is not None:
        ahead, behind = (_moved_input(setting, source, s * STEP * direction) for s in (1, -1))
        return (ahead - behind) / (2 * STEP)
    count = 0

    def seen(event: Event, value: Any) -> Any:
        nonlocal count
        count += event.name == name and is_value(value)
        return value

    _loss(setting, None, seen)
    if count <= later:
        return None
    ahead, behind = (_moved(setting, name, count - later, s * STEP * direction) for s in (1, -1))
    return (ahead - behind) / (2 * STEP)


def _moved_input(setting: Setting, source: Input, change: np.ndarray) -> float:
    def changed(array: np.ndarray) -> np.ndarray:
        if array is source.original:
            return np.asarray(array + change)
        return array.copy()

    return _loss(setting, changed, None)


def _moved(setting: Setting, name: str, last: int, change: np.ndarray) -> float:
    left = last

    def move(event: Event, value: Any) -> Any:
        nonlocal left
        if event.name != name or not is_value(value):
            return value
        left -= 1
        return value + change if left == 0 else value

    return _loss(setting, None, move)


def _loss(
    setting: Setting,
    change: Callable[[np.ndarray], np.ndarray] | None,
    move: Callable[[Event, Any], Any] | None,
) -> float:
    """The loss of the forward pass in plain NumPy, with one value moved."""
    convert = (lambda array, _: change(array)) if change is not None else None
    world = World(convert)
    execution = Execution(setting.sources, world, move=move, start=setting.start)
    subject = setting.subject
    if subject.backward is None:
        forward = world.copied(subject.forward, ("self",))
        execution.run(forward, world.copied(subject.inputs))
        key = None if setting.loss_event is None else setting.loss_event.key
        event = next((e for e in execution.events if e.key == key), None)
        loss = taken_apart(execution, execution.result).loss if event is None else event.value
        return float(np.asarray(loss).reshape(()))
    run = run_forward(subject, world, execution)
    if setting.upstream:
        outputs = zip(run.returned.outputs, setting.upstream, strict=False)
        return float(sum(np.sum(o * g) for o, g in outputs))
    return float(np.asarray(run.loss).reshape(()))
