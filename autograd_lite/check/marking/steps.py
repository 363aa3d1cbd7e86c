"""Steps of a derivation, and the tensors whose gradients they may be."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array
from autograd_lite.check.marking.assignments import is_changed_by_itself, is_unnamed, targets_of
from autograd_lite.check.marking.chain_rule import nearest_factor
from autograd_lite.check.marking.execution import Event, Execution, Key
from autograd_lite.check.marking.forward import Input, Recording, Setting
from autograd_lite.check.marking.mutable import plain
from autograd_lite.check.names import tensor_among
from autograd_lite.graph import Leaf, Node, ancestors
from autograd_lite.tensor import Tensor


@dataclass(eq=False)
class Step:
    """A gradient of the derivation: its value, where it was computed, and its tensor.

    `tensor` is the name of the value that it belongs to, `of` the recorded Tensor. `final` says
    that it is a result of the derivation and not a step on the way. `sign` is -1 for a descent
    direction. `handed_in_by` is what put the value of `event` into the attribute at `path`.
    `is_opposite` says that it is minus the gradient, `is_total` that it is complete when its
    statement has run for the last time, in whichever round of a loop. `is_added` says that an
    update adds it to its parameter, as a descent direction, `is_earlier` that its name was bound
    again before it was handed in.
    """

    name: str
    tensor: str
    value: np.ndarray
    event: Event | None
    of: Tensor | None
    final: bool = False
    sign: int = 1
    is_opposite: bool = False
    others: list[Tensor] = field(default_factory=list)
    earlier: list[Event] = field(default_factory=list)
    handed_in_by: Event | None = None
    path: tuple[Any, ...] | None = None
    key: str = ""
    entry: tuple[Any, ...] | None = None
    written: int | None = None
    rate: float = 1.0
    in_update: bool = False
    is_added: bool = False
    is_earlier: bool = False
    is_attribute: bool = False
    is_difference: bool = False
    is_at_kink: bool = False
    is_by_effect: bool = False
    is_total: bool = False
    named: bool = False
    shape: tuple[int, ...] | None = None

    @property
    def source(self) -> Event | None:
        """What gives the value of the step in another run."""
        return self.handed_in_by or self.event

    @property
    def line(self) -> int | None:
        return self.written if self.event is None else self.event.line


@dataclass
class Known:
    """The tensors of a forward pass by name: the inputs, and the successive values of variables."""

    inputs: dict[str, Input]
    versions: dict[str, list[Tensor]]
    in_loops: set[str]
    values: dict[str, Array]
    computed: set[Key]
    """The keys of the assignments of the forward pass."""

    def among(self, name: str) -> str | None:
        return tensor_among(name, self.versions)

    def holds(self, array: np.ndarray | None) -> bool:
        """Whether an array is a value of the forward pass."""
        if array is None:
            return False
        return any(np.array_equal(v, array) for v in self._by_shape.get(array.shape, ()))

    def is_handed_on(self, event: Event) -> bool:
        """Whether an event gives a name the value that another line, of forward, has given it."""
        value = None if event.key in self.computed else self.values.get(event.name)
        return value is not None and np.array_equal(np.asarray(value), np.asarray(event.array))

    @cached_property
    def _by_shape(self) -> dict[tuple[int, ...], list[np.ndarray]]:
        found: dict[tuple[int, ...], list[np.ndarray]] = {}
        for value in map(np.asarray, self.values.values()):
            if value.ndim:
                found.setdefault(value.shape, []).append(value)
        return found


def known_tensors(recording: Recording) -> Known:
    inputs: dict[str, Input] = {}
    nodes = ancestors([recording.loss._node])
    used = {p for n in nodes for p in n.parents or () if isinstance(p, (Node, Leaf))}
    # Where parameters and an optimiser's state both hold a W, W is the one in the loss.
    named = Counter((i.name, i.tensor._node in used) for i in recording.inputs)
    qualified = Counter(i.qualified for i in recording.inputs)
    for found in recording.inputs:
        is_used = found.tensor._node in used
        is_only = named[found.name, is_used] == 1 and (is_used or not named[found.name, True])
        is_told = qualified[found.qualified] == 1
        name = found.name if is_only else found.qualified if is_told else found.unique
        inputs.setdefault(name, found)
    versions: dict[str, list[Tensor]] = {n: [i.tensor] for n, i in inputs.items()}
    values: dict[str, Array] = {n: i.tensor._value for n, i in inputs.items()}
    times: dict[tuple[str, int], int] = {}
    in_loops = set()
    for event in recording.events:
        if is_unnamed(event.name):
            continue
        values[event.name] = plain(event.value)
        value = event.value
        if isinstance(value, Tensor) and value.requires_grad:
            same = versions.setdefault(event.name, [])
            if not any(value._node is other._node for other in same):
                same.append(value)
                at = event.name, event.place.line
                times[at] = times.get(at, 0) + 1
                if times[at] > 1 and not is_update(event):
                    in_loops.add(event.name)
    computed = {event.key for event in recording.events}
    return Known(inputs, versions, in_loops, values, computed)


def is_update(event: Event) -> bool:
    """Whether an event changes the value that its target already holds."""
    statement = event.place.statement
    if isinstance(statement, ast.AugAssign):
        return True
    targets = targets_of(statement)
    return bool(targets) and isinstance(targets[0], ast.Subscript)


def derivation_events(
    setting: Setting, back: Execution, known: Known, recording: Recording
) -> list[Event]:
    """The events of the derivation: those after the loss, where one function does both passes.

    These are all events where gradients are computed before the loss is complete, but for values
    that the loss is computed from: `d_pos` may be the distance to `pos`.
    """
    loss = setting.loss_event
    if setting.subject.backward is not None or loss is None:
        return back.events
    start = next((e.serial for e in back.events if e.key == loss.key), -1)
    after = [e for e in back.events if e.serial > start]
    needed = {*ancestors([recording.loss._node])}
    ahead = {e.key for e in recording.events if getattr(e.value, "_node", None) in needed}
    of_inputs = {e for e in back.events if known.among(e.name) in known.inputs}
    before = [
        e for e in back.events if e.serial < start and not (e.key in ahead and e in of_inputs)
    ]
    is_last = not any(known.among(e.name) in known.inputs for e in after)
    is_among = any(known.among(e.name) in known.inputs and np.any(e.array) for e in before)
    return back.events if is_last or is_among else after


def is_spoiled(event: Event, events: Iterable[Event], until: int) -> bool:
    """Whether later statements change a right value by more than a positive factor."""
    for other in events:
        if not event.serial < other.serial < until or other.path != event.path:
            continue
        if other.frame != event.frame or not is_changed_by_itself(other.place.statement):
            continue
        if not is_multiple(other.array, event.array):
            return True
    return False


def right_version(
    value: np.ndarray, versions: list[Tensor], truth: Mapping[Any, np.ndarray]
) -> Tensor | None:
    """The last version of a tensor whose true gradient the value is, up to its shape."""
    right = [
        version
        for version in reversed(versions)
        if (true := truth.get(version._node)) is not None and same_values(value, true)
    ]
    return next((v for v in right if v.shape == value.shape), right[0] if right else None)


def is_multiple(value: np.ndarray | None, of: np.ndarray | None) -> bool:
    """Whether a value is a positive multiple of another."""
    if value is None or of is None:
        return False
    number = nearest_factor(value, of)
    return number is not None and number > 0 and same_values(value, number * of)


def same_values(value: np.ndarray, true: np.ndarray, floor: bool = False) -> bool:
    """Whether a value equals a gradient, up to its shape."""
    if value.shape != true.shape:
        fitted = value.reshape(true.shape) if value.size == true.size else None
        if fitted is None:
            return False
        value = fitted
    largest = max(np.max(np.abs(true), initial=0), 0 if floor else 1e-300)
    with np.errstate(all="ignore"):
        return bool(np.max(np.abs(value - true), initial=0) <= 1e-6 * largest)


def is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def equal_arrays(event: Event, array: np.ndarray) -> bool:
    found = event.array
    return found is not None and found.shape == array.shape and np.array_equal(found, array)
