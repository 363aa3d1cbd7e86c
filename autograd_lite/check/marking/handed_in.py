"""The gradients that a backward pass hands in, and whose they are.

They are returned, left in variables and attributes, or used up in an update. Whose a gradient is
tells its name; where it has none that tells, what holds it, its shape, its value, and its order.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.check.marking.chain_rule import fit, nearest_factor
from autograd_lite.check.marking.execution import Event, Execution
from autograd_lite.check.marking.forms import parameter_names
from autograd_lite.check.marking.forward import Input, Recording, Setting, path_name
from autograd_lite.check.marking.mutable import plain
from autograd_lite.check.marking.rewriting import (
    elements_of,
    is_changed_by_itself,
    is_unnamed,
    is_velocity,
    targets_of,
    texts_in,
    update_of,
)
from autograd_lite.check.marking.world import fields_of, paths_of
from autograd_lite.check.names import name_of, tensor_among, tensors_named_in
from autograd_lite.graph import Leaf, Node, ancestors
from autograd_lite.observe import entry_name
from autograd_lite.record import Recorded
from autograd_lite.tensor import Tensor

_RATES = re.compile(r"(?i)(lr|alpha|eta|\w*rate|step|step_?size|gamma_?lr)")


@dataclass(eq=False)
class Step:
    """A gradient of the derivation: its value, where it was computed, and whose it is.

    `tensor` is the name of what it is the gradient of, `of` the recorded Tensor; `final` says that
    it is a result of the derivation and no step on the way. `sign` is -1 for a descent direction.
    """

    name: str
    tensor: str
    value: np.ndarray
    event: Event | None
    of: Tensor | None
    final: bool = False
    sign: int = 1
    others: list[Tensor] = field(default_factory=list)
    earlier: list[Event] = field(default_factory=list)
    key: str = ""
    entry: tuple[Any, ...] | None = None
    written: int | None = None
    rate: float = 1.0
    in_update: bool = False
    is_difference: bool = False
    named: bool = False
    shape: tuple[int, ...] | None = None

    @property
    def line(self) -> int | None:
        return self.written if self.event is None else self.event.line


@dataclass
class Known:
    """The tensors of a forward pass by name: inputs, and what variables held one after another."""

    inputs: dict[str, Input]
    versions: dict[str, list[Tensor]]
    in_loops: set[str]
    values: dict[str, Any]

    def among(self, name: str) -> str | None:
        return tensor_among(name, self.versions)


def known_tensors(recording: Recording) -> Known:
    inputs: dict[str, Input] = {}
    nodes = ancestors([recording.loss._node])
    used = {p for n in nodes for p in n.parents or () if isinstance(p, (Node, Leaf))}
    # Of several W, in parameters and in what an optimiser keeps, the one that the loss is of.
    named = Counter((i.name, i.tensor._node in used) for i in recording.inputs)
    for found in recording.inputs:
        is_used = found.tensor._node in used
        is_only = named[found.name, is_used] == 1 and (is_used or not named[found.name, True])
        name = found.name if is_only else found.qualified
        inputs.setdefault(name, found)
    versions: dict[str, list[Tensor]] = {n: [i.tensor] for n, i in inputs.items()}
    values: dict[str, Any] = {n: i.tensor._value for n, i in inputs.items()}
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
                if times[at] > 1 and not _is_update(event):
                    in_loops.add(event.name)
    return Known(inputs, versions, in_loops, values)


def _is_update(event: Event) -> bool:
    statement = event.place.statement
    if isinstance(statement, ast.AugAssign):
        return True
    targets = targets_of(statement)
    return bool(targets) and isinstance(targets[0], ast.Subscript)


def derivation_events(setting: Setting, back: Execution, known: Known) -> list[Event]:
    """The events of the derivation: those after the loss, where one function does both passes.

    All of them where gradients come about before the loss is complete.
    """
    loss = setting.loss_event
    if setting.subject.backward is not None or loss is None:
        return back.events
    start = next((e.serial for e in back.events if e.key == loss.key), -1)
    after = [e for e in back.events if e.serial > start]
    before = [e for e in back.events if e.serial < start]
    is_last = not any(known.among(e.name) in known.inputs for e in after)
    is_among = any(known.among(e.name) in known.inputs and np.any(e.array) for e in before)
    return back.events if is_last or is_among else after


def handed_in(
    setting: Setting,
    recording: Recording,
    known: Known,
    back: Execution,
    truth: Mapping[Any, np.ndarray],
    names: Mapping[str, str | None],
) -> Handed:
    """The gradients of a backward pass, in the order of the derivation, and remarks on others."""
    finder = _Finder(setting, recording, known, back, truth, dict(names))
    finder.by_variables()
    finder.by_return()
    finder.by_attributes()
    finder.by_updates()
    finder.by_place()
    return Handed(finder.steps, finder.unmarked, finder.notes)


@dataclass
class Handed:
    """What a backward pass hands in: gradients that have a tensor, and those of which none is
    known."""

    steps: list[Step]
    unmarked: list[Step]
    notes: list[str]


def unmarked_message(step: Step) -> str:
    return (
        f"{step.name} is not marked: no value of the forward pass is known that it is the "
        f'gradient of; say so with names={{"{step.name}": ...}}'
    )


class _Finder:
    def __init__(
        self,
        setting: Setting,
        recording: Recording,
        known: Known,
        back: Execution,
        truth: Mapping[Any, np.ndarray],
        names: dict[str, str | None],
    ) -> None:
        self.setting = setting
        self.recording = recording
        self.known = known
        self.back = back
        self.truth = truth
        self.names = names
        self.steps: list[Step] = []
        self.notes: list[str] = []
        self.unmarked: list[Step] = []
        self.events = derivation_events(setting, back, known)
        self.open: list[Step] = []
        self.arriving = self._arriving()
        self._check_names()

    def _arriving(self) -> frozenset[str]:
        """The parameters of the backward pass in which gradients arrive."""
        backward = self.setting.subject.backward
        if backward is None or not self.setting.upstream:
            return frozenset()
        inputs = {i.name for i in self.recording.inputs}
        return frozenset(n for n in parameter_names(backward, 99) if n not in inputs)

    def _check_names(self) -> None:
        for name, tensor in self.names.items():
            if tensor is not None and tensor not in self.known.versions:
                raise ValueError(
                    f"names={{{name!r}: {tensor!r}}}: there is no {tensor!r} in the forward pass, "
                    f"which has {', '.join(sorted(self.known.versions))}"
                )
        if self.back.error is None:
            found = {e.name for e in self.events} | {n for _, n, _ in self._returned()}
            strange = [name for name in self.names if name not in found]
            if strange:
                raise ValueError(
                    f"names= has {strange[0]!r}, which the backward pass does not have"
                )

    def tensor_of(self, name: str, bare: bool = False) -> str | None:
        if name in self.names:
            return self.names[name]
        found = self.known.among(name)
        if found is None and bare and name in self.known.versions:
            return name
        return found

    def by_variables(self) -> None:
        """Variables that are called after a tensor: dZ1, grads["W1"]."""
        groups: dict[tuple[str, str], list[Event]] = {}
        main = self.back.main_frame
        for event in self.events:
            in_main = main is not None and event.frame == main.number
            if (in_main or event.name in self.names) and not is_unnamed(event.name):
                groups.setdefault((event.name, event.owner), []).append(event)
        for (name, _), events in groups.items():
            last = events[-1]
            tensor = self.tensor_of(name, _in_gradients(last.path))
            if tensor is None or name in self.arriving:
                continue
            if name not in self.names and self._is_setting(last.value, tensor):
                continue
            self._by_name(name, tensor, events)

    def _is_setting(self, value: Any, tensor: str) -> bool:
        """Whether it is a length, a step or a mask, such as d_k and dt, and no gradient."""
        found = self.known.inputs.get(tensor)
        is_number = found is not None and not found.tensor.ndim
        return not (is_number and isinstance(value, float)) and _is_setting(value)

    def _by_name(self, name: str, tensor: str, events: list[Event]) -> None:
        is_input = tensor in self.known.inputs
        versions = self.known.versions[tensor]
        rebound = _rebound(events)
        if not is_input and name not in self.names:
            if tensor in self.known.in_loops or rebound:
                if len(events) == 1 or tensor in self.known.in_loops:
                    self._match_versions(name, tensor, events, versions)
                return
        # What is made of the gradient of a parameter is handed in, and no step after it.
        end = len(self.back.events)
        earlier = [e for e in events[:-1] if not (is_input and self._is_spoiled(e, end))]
        arrays = [(e, _checked(name, e.value)) for e in events[-1:]]
        event, array = self._origin(arrays[0][0]), arrays[0][1]
        of = self._best(array, versions)
        if self._right(array, versions) is None and not rebound:
            for other in earlier:
                value = other.array
                found = None if value is None else self._right(value, versions)
                if value is not None and found is not None and np.any(value):
                    event, array, of = other, value, found
        self._add(
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
        self, name: str, tensor: str, events: list[Event], versions: list[Tensor]
    ) -> None:
        """Takes each value for the gradient of the version whose gradient it equals."""
        matched = False
        for event in events:
            found = None if event.array is None else self._right(event.array, versions)
            if found is not None:
                self._add(Step(name, tensor, event.array, event, found))  # type: ignore[arg-type]
                matched = True
        if not matched and tensor in self.known.in_loops and len(events) == 1:
            self._note_ambiguous(name, tensor)

    def _note_ambiguous(self, name: str, tensor: str) -> None:
        self.notes.append(
            f"{name} is not marked: {tensor} stands for several values in the forward pass; give "
            "each a name of its own"
        )

    def _is_spoiled(self, event: Event, until: int) -> bool:
        """Whether later statements made something else of a right value, more than a scaled one."""
        for other in self.events:
            if not event.serial < other.serial < until or other.path != event.path:
                continue
            if other.frame != event.frame or not is_changed_by_itself(other.place.statement):
                continue
            if not _is_multiple(other.array, event.array):
                return True
        return False

    def _origin(self, event: Event) -> Event:
        """The statement that computed a value, where this one only hands it on.

        That is one that gives it another name, or takes it from a helper.
        """
        array = event.array
        node = getattr(event.place.statement, "value", None)
        if array is None or array.size < 2 or node is None:
            return event
        earlier = [e for e in self.events if e.serial < event.serial and _equal_arrays(e, array)]
        before = [e for e in self.events if e.path == event.path and e.serial < event.serial]
        if before and before[-1].frame == event.frame and _equal_arrays(before[-1], array):
            # Such as a clipping that did nothing.
            return self._origin(before[-1])
        if isinstance(node, ast.Dict):
            node = _entry_of(node, event.name)
        if isinstance(node, (ast.Name, ast.Attribute)):
            path = ast.unparse(node)
            if path.split(".")[-1] != event.name:
                # The gradient of one tensor is handed in for that of another.
                return event
            named = [e for e in earlier if e.path == path and e.frame == event.frame]
            return self._origin(named[-1]) if named else event
        if isinstance(node, ast.Call):
            if any(_is_value(v, array) for v in self.known.values.values()):
                # The helper hands on what it was given.
                return event
            inside = [e for e in earlier if e.frame > event.frame and not is_unnamed(e.name)]
            return self._origin(inside[0]) if inside else event
        return event

    def _best(self, value: np.ndarray, versions: list[Tensor]) -> Tensor:
        found = self._right(value, versions)
        if found is not None:
            return found
        same = [v for v in versions if v.shape == value.shape]
        return (same or versions)[-1]

    def _right(self, value: np.ndarray, versions: list[Tensor]) -> Tensor | None:
        """The last version whose gradient the value is, but for its shape."""
        right = [
            version
            for version in reversed(versions)
            if (true := self.truth.get(version._node)) is not None and same_values(value, true)
        ]
        return next((v for v in right if v.shape == value.shape), right[0] if right else None)

    def by_return(self) -> None:
        """What is returned: entries of dicts by their keys, items by the names they were given."""
        for path, name, value in self._returned():
            if name in self.names and self.names[name] is None:
                continue
            array = _checked_loosely(value)
            if array is None:
                if self.tensor_of(name) is not None and not is_number(value):
                    _checked(name, value)
                continue
            if name not in self.names and self._is_known_value(array, name, path):
                continue
            event = self._event_of(name, array, path)
            in_dict = self._has_keys
            tensor = self.tensor_of(name, in_dict)
            if tensor is None and name in self.known.inputs and self.setting.subject.backward:
                # The parameter is returned where its gradient should be.
                tensor = name
            if event is not None and self._is_of_another(event, tensor):
                event = None
            if tensor is not None and name in self.arriving:
                # It is called after what arrived, and was written into.
                tensor = None
            elif tensor not in self.known.inputs and self._is_one_for_each():
                # A step on the way in the place of the gradient of an argument.
                tensor = None
            if any(self._is_same(s, name, tensor, array, event) for s in self.steps):
                continue
            step = Step(name, tensor or "", array, event, None, True)
            step.written = _line_of_entry(self.back, name)
            step.entry = path
            if tensor is not None and not in_dict and self._is_setting(value, tensor):
                continue
            if tensor is None:
                if in_dict and not is_gradient_name(name) and not self._fits_somewhere(array):
                    continue
                pieces = self._pieces(step)
                self.open += [step] if pieces is None else pieces
            else:
                versions = self.known.versions[tensor]
                if in_dict and tensor == name and tensor in self.known.inputs:
                    # A key is called after a parameter, also where a variable has its name.
                    versions = versions[:1]
                if tensor in self.known.in_loops and self._right(array, versions) is None:
                    self._note_ambiguous(name, tensor)
                    continue
                step.of = self._best(array, versions)
                step.others = versions
                self._add(step)

    def _pieces(self, step: Step) -> list[Step] | None:
        """The gradients that one after the other are in a flat array: those that are no steps yet.

        None where it is no such array.
        """
        flat = step.value.ravel()
        free = {n: i for n, i in self.known.inputs.items() if i.tensor.ndim}
        order = self._in_order(free)
        is_flat = flat.size > 1 and max(step.value.shape) == flat.size
        if not is_flat or any(fit(step.value, self._shape(n)) is not None for n in order):
            return None
        pieces = self._pieces_by_value(flat)
        return self._pieces_by_size(step, order) if pieces is None else pieces

    def _pieces_by_value(self, flat: np.ndarray) -> list[Step] | None:
        """The values of the derivation that the array consists of."""
        pieces: list[Step] = []
        place = 0
        known = [e for e in self.events if e.array is not None and 0 < e.array.size < flat.size]
        # What a helper makes of a gradient is no step of the derivation.
        main = self.back.main_frame
        known.sort(key=lambda e: (main is None or e.frame != main.number, -np.size(e.value)))
        while place < flat.size:
            rest = flat[place:]
            event = next((e for e in known if _begins_with(rest, e.array)), None)  # type: ignore[arg-type]
            if event is None or event.array is None:
                return None
            place += event.array.size
            event = self._origin(event)
            pieces.append(Step(event.name, "", np.asarray(event.array), event, None, True))
        for piece in pieces:
            assert piece.event is not None
            tensor = self.tensor_of(piece.name)
            if tensor is not None and not any(s.tensor == tensor for s in self.steps):
                self._by_name(piece.name, tensor, [piece.event])
        return [p for p in pieces if not any(s.event is p.event for s in self.steps)]

    def _pieces_by_size(self, step: Step, order: list[str]) -> list[Step] | None:
        """The array cut into pieces of the sizes of the parameters, in the order of arguments."""
        sizes = [int(np.prod(self._shape(n))) for n in order]
        for first in range(len(order)):
            for last in range(first + 2, len(order) + 1):
                if sum(sizes[first:last]) == step.value.size:
                    ends = np.cumsum([0, *sizes[first:last]])
                    return [
                        self._piece(step, name, slice(int(a), int(b)))
                        for name, a, b in zip(order[first:last], ends, ends[1:], strict=False)
                    ]
        return None

    def _piece(self, step: Step, tensor: str, part: slice) -> Step:
        shape = self._shape(tensor)
        value = step.value.ravel()[part].reshape(shape)
        piece = Step(f"d{tensor}", "", value, None, None, True)
        piece.entry, piece.shape = (*(step.entry or ()), part), shape
        piece.written = step.line
        return piece

    def _is_same(
        self, step: Step, name: str, tensor: str | None, array: np.ndarray, event: Event | None
    ) -> bool:
        if event is not None and step.event is event and tensor in (None, step.tensor):
            return True
        return (
            step.value.shape == array.shape
            and np.array_equal(step.value, array, equal_nan=True)
            and (tensor == step.tensor or name == step.name)
        )

    @property
    def _has_keys(self) -> bool:
        """Whether what is returned is named by keys or by fields, and not by variables."""
        result = self.back.result
        return isinstance(result, Mapping) or fields_of(result) is not None

    def _returned(self) -> list[tuple[tuple[Any, ...], str, Any]]:
        """What was returned, item by item, with the name of each."""
        result = self.back.result
        statement: Any = getattr(self.back.returned_at, "statement", None)
        node = getattr(statement, "value", None)
        found: list[tuple[tuple[Any, ...], str, Any]] = []
        for path, value in _items_of(result):
            found.append((path, _name_of_item(path, node, statement), value))
        if self.setting.subject.backward is None and found:
            loss = self.setting.forward.returned.loss
            found = [f for f in found if not (f[2] is loss or _equal_number(f[2], loss))]
        return found

    def _is_of_another(self, event: Event, tensor: str | None) -> bool:
        """Whether a value that is handed in for the gradient of a tensor is known as another one.

        The line that handed it in is the one to look at.
        """
        own = self.tensor_of(event.name)
        if tensor is None or own == tensor:
            return False
        if any(s.event is event and s.tensor != tensor for s in self.steps):
            return True
        return own in self.known.inputs or event.name in self.known.inputs

    def _is_known_value(self, array: np.ndarray, name: str, path: tuple[Any, ...]) -> bool:
        """Whether it is a value of the forward pass, handed on: a state, a prediction."""
        in_dict = self._has_keys
        if len(path) > 1 or (in_dict and name in self.known.inputs) or self._is_one_for_each():
            return False
        is_backward = self.setting.subject.backward is not None
        for known, value in self.known.values.items():
            if is_backward and known in self.known.inputs:
                continue
            versions = self.known.versions.get(known, [])
            if versions and not any(v._node in self.truth for v in versions):
                # The loss does not come from it: a gradient that was computed before the loss.
                continue
            if known == name or not is_gradient_name(name):
                value = np.asarray(value)
                if value.shape == array.shape and array.size > 1 and np.array_equal(value, array):
                    return True
        return False

    def _is_one_for_each(self) -> bool:
        """Whether as many arrays are returned as there are arrays among the arguments."""
        if self._has_keys:
            return False
        names = set(self.setting.subject.names)
        inputs = [i for i in self.recording.inputs if i.path[0] in names and i.tensor.ndim]
        arrays = [v for _, _, v in self._returned() if np.ndim(v)]
        return bool(self.setting.upstream) and len(arrays) == len(inputs) > 1

    def _fits_somewhere(self, array: np.ndarray) -> bool:
        return any(
            same_values(array, self.truth[i.tensor._node])
            for i in self.recording.inputs
            if i.tensor._node in self.truth
        )

    def _event_of(self, name: str, array: np.ndarray, path: Any) -> Event | None:
        """The statement that gave a returned value: by its name, or by its value."""
        same = [
            e
            for e in self.events
            if e.array is not None
            and e.array.shape == array.shape
            and np.array_equal(e.array, array, equal_nan=True)
        ]
        named = [e for e in same if e.name == name]
        written = _line_of_entry(self.back, name)
        if not named and written is not None:
            return next((e for e in same if e.line == written), None)
        found = (named or same or [None])[-1]  # type: ignore[list-item]
        return None if found is None else self._origin(found)

    def by_attributes(self) -> None:
        """Attributes of the objects whose methods run: layer.dW, layer.grads[0]."""
        world = self.back.world
        roots = {k: world.roots[k] for k in ("backward", "inputs", "arguments") if k in world.roots}
        before = {
            path: value
            for path, value in paths_of(self.setting.base.roots.get("backward"), ("self",))
        }
        for root in roots.values():
            start = ("self",) if root is roots.get("backward") else ()
            for path, value in paths_of(root, start, again=True):
                array = _checked_loosely(value)
                if array is None or not path or path[0] != "self":
                    continue
                old = before.get(path)
                if old is not None and np.shape(old) == array.shape and np.array_equal(old, array):
                    continue
                self._by_attribute(path, array)

    def _by_attribute(self, path: tuple[Any, ...], array: np.ndarray) -> None:
        name = path_name(path)
        siblings = {i.path: n for n, i in self.known.inputs.items()}
        tensor = None
        for candidate in [*tensors_named_in(str(path[-1])), path[-1]]:
            if (*path[:-1], candidate) in siblings and is_gradient_name(str(path[-1])):
                tensor = siblings[*path[:-1], candidate]
                break
        if tensor is None and len(path) > 1 and is_gradient_name(str(path[-2])):
            same = [
                n
                for p, n in siblings.items()
                if len(p) == len(path) and p[:-2] == path[:-2] and p[-1] == path[-1]
            ]
            tensor = same[0] if same else self.tensor_of(str(path[-1]), True)
        if tensor is None and is_gradient_name(str(path[-1])):
            found = self.tensor_of(name)
            tensor = found if found in self.known.inputs else None
        if tensor is None or tensor not in self.known.versions:
            return
        event = self._event_of(name, array, path)
        if any(s.tensor == tensor and np.array_equal(s.value, array) for s in self.steps):
            return
        versions = self.known.versions[tensor]
        of = self._best(array, versions)
        self._add(Step(name, tensor, array, event, of, True, others=versions))

    def by_updates(self) -> None:
        """What is taken from a parameter: in `W -= rate * step` the step is the gradient of W."""
        for event in self.events:
            update = update_of(event.place.statement)
            tensor = event.name if event.name in self.known.inputs else None
            if update is None or tensor is None or any(s.tensor == tensor for s in self.steps):
                continue
            versions = self.known.versions[tensor]
            if versions[0]._node not in self.truth:
                # A velocity, a sum of squares: no parameter of the loss.
                continue
            if isinstance(targets_of(event.place.statement)[0], ast.Subscript):
                self._by_update_of_entries(tensor, versions)
                continue
            found = self._factor_of(event, update[1], versions[0].shape)
            if found is None:
                self._by_update_of_entries(tensor, versions)
            else:
                name, value, source = found
                turned = 1
                if is_velocity(source.place.statement):
                    name, value, source, turned = self._before_the_optimiser(source, value)
                sign = -update[0] * turned
                is_direct = source.path in texts_in(update[1]) or source.place is event.place
                if not is_direct and self._right(value, versions[:1]) is not None:
                    # A velocity may have turned it round.
                    sign = 1
                step = Step(name, tensor, value, source, versions[0], True, sign)
                step.rate = self._rate_in(event, source)
                step.in_update = True
                self._add(step)

    def _by_update_of_entries(self, tensor: str, versions: list[Tensor]) -> None:
        """What updates of entries take from a parameter in all: `P[u] -= rate * step`."""
        events = [e for e in self.events if e.name == tensor and e.array is not None]
        before = np.asarray(versions[0]._value)
        last = events[-1]
        if last.array is None or last.array.shape != before.shape:
            return
        step = Step(tensor, tensor, before - last.array, last, versions[0], True)
        step.is_difference = step.in_update = True
        step.rate = self._rate_in(last, last)
        self._add(step)

    def _rate_in(self, event: Event, source: Event) -> float:
        """The learning rate where it stands inside of the gradient: `W -= rate * X.T @ dZ`."""
        if source.place is not event.place:
            return 1.0
        elements = elements_of(event.place.statement)
        if not elements:
            return 1.0
        node = elements[0][0]
        number = self.setting.sources.places.index(event.place)
        scope = (self.back.scopes or {}).get(number, {})
        names = self.back.namespaces.get(number, {})
        for inner in ast.walk(node):
            text = ast.unparse(inner) if isinstance(inner, (ast.Name, ast.Attribute)) else ""
            if _RATES.fullmatch(text.split(".")[-1]):
                value = _evaluated(text, names, scope)
                if isinstance(value, (int, float)) and value > 0:
                    return float(value)
            if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Mult):
                first = inner.left
                if isinstance(first, ast.UnaryOp):
                    first = first.operand
                if isinstance(first, ast.Constant) and type(first.value) is float:
                    return first.value if 0 < first.value < 1 else 1.0
        return 1.0

    def _before_the_optimiser(
        self, event: Event, value: np.ndarray
    ) -> tuple[str, np.ndarray, Event, int]:
        """What a velocity that started at 0 is a multiple of, and the sign of the multiple."""
        read = texts_in(event.place.statement)
        for other in reversed(self.events):
            array = other.array
            if other.serial >= event.serial or other.path not in read or array is None:
                continue
            if other.name in self.known.inputs or array.shape != value.shape:
                continue
            number = nearest_factor(value, array)
            if number is not None and same_values(value, number * array):
                return other.name, array, other, 1 if number > 0 else -1
        return event.name, value, event, 1

    def _factor_of(
        self, event: Event, node: ast.expr, shape: tuple[int, ...]
    ) -> tuple[str, np.ndarray, Event] | None:
        """The factor of an update that has the shape of the parameter."""
        at_once = [e for e in self.events if e.serial < event.serial][::-1]
        true = self.truth.get(self.known.versions[event.name][0]._node)
        for other in at_once:
            # An optimiser may have made more of the gradient.
            if other.array is not None and true is not None and not is_unnamed(other.name):
                is_right = (other.array.size > 1 or not shape) and same_values(other.array, true)
                if is_right and not self._is_spoiled(other, event.serial):
                    return other.name, other.array, other
        elements = [
            e
            for e in at_once
            if e.place is event.place and is_unnamed(e.name) and e.frame == event.frame
        ]
        for element in elements[: len(elements_of(event.place.statement))]:
            if element.array is not None and fit(element.array, shape) is not None:
                if np.size(element.array) > 1 or not shape:
                    return event.name, element.array, element
        for name in (n for n in ast.walk(node) if isinstance(n, (ast.Name, ast.Attribute))):
            path = ast.unparse(name)
            known = next((e for e in at_once if e.path == path), None)
            if known is not None and known.array is not None:
                if fit(known.array, shape) is not None and (known.array.size > 1 or not shape):
                    return known.name, known.array, known
        return None

    def by_place(self) -> None:
        """Items without a name that tells: by container, value, shape and order."""
        taken = {s.tensor for s in self.steps}
        free = {n: i for n, i in self.known.inputs.items() if n not in taken}
        order = self._in_order(free)
        for step in list(self.open):
            right = next(
                (n for n in order if same_values(step.value, self._true(n), floor=True)), None
            )
            if right is not None:
                self._take(step, right, order)
        for step in list(self.open):
            alike = [n for n in order if _starts_alike(step.name, n)]
            alike = [n for n in alike if fit(step.value, self._shape(n)) is not None] or alike
            if alike and is_gradient_name(step.name):
                self._take(step, alike[0], order)
        for step in list(self.open):
            same = [n for n in order if self._shape(n) == step.value.shape]
            same = same or [n for n in order if fit(step.value, self._shape(n)) is not None]
            if len(self.open) > len(order) and not _may_be_gradient(step.name):
                continue
            if same:
                self._take(step, same[0], order)
            elif len(self.open) == len(order) == 1 and _may_be_gradient(step.name):
                self._take(step, order[0], order)
        for step in self.open:
            if is_gradient_name(step.name) or (is_unnamed(step.name) and step.value.size > 1):
                self.unmarked.append(step)
            else:
                self.notes.append(unmarked_message(step))

    def _true(self, name: str) -> np.ndarray:
        tensor = self.known.inputs[name].tensor
        return self.truth.get(tensor._node, np.zeros(tensor.shape))

    def _shape(self, name: str) -> tuple[int, ...]:
        return self.known.inputs[name].tensor.shape

    def _in_order(self, free: dict[str, Input]) -> list[str]:
        """The free inputs, those that the loss depends on first, in the order of arguments."""
        names = self.setting.subject.names
        places = {n: i for i, n in enumerate(names)}
        return sorted(
            (n for n in free if free[n].tensor._node in self.truth),
            key=lambda n: places.get(str(free[n].path[0]), len(places)),
        )

    def _take(self, step: Step, tensor: str, order: list[str]) -> None:
        order.remove(tensor)
        self.open.remove(step)
        step.tensor = tensor
        step.of = self.known.inputs[tensor].tensor
        if is_unnamed(step.name):
            step.name = f"d{tensor}"
        self._add(step)

    def _add(self, step: Step) -> None:
        step.key = f"{step.name} {len(self.steps)}"
        step.named = step.name in self.names
        self.steps.append(step)


def _is_value(value: Any, array: np.ndarray) -> bool:
    return np.shape(value) == array.shape and np.array_equal(value, array)


def _begins_with(flat: np.ndarray, array: np.ndarray) -> bool:
    """Whether a flat array begins with the elements of another, by its rows or by its columns."""
    if array.size > flat.size:
        return False
    start = flat[: array.size]
    return any(np.array_equal(start, array.ravel(order)) for order in ("C", "F"))


def _is_multiple(value: np.ndarray | None, of: np.ndarray | None) -> bool:
    """Whether a value is a positive number times another."""
    if value is None or of is None:
        return False
    number = nearest_factor(value, of)
    return number is not None and number > 0 and same_values(value, number * of)


def same_values(value: np.ndarray, true: np.ndarray, floor: bool = False) -> bool:
    """Whether a value is a gradient, but for its shape."""
    if value.shape != true.shape:
        fitted = value.reshape(true.shape) if value.size == true.size else None
        if fitted is None:
            return False
        value = fitted
    largest = max(np.max(np.abs(true), initial=0), 0 if floor else 1e-300)
    with np.errstate(all="ignore"):
        return bool(np.max(np.abs(value - true), initial=0) <= 1e-6 * largest)


def _evaluated(text: str, names: Mapping[str, Any], scope: Mapping[str, Any]) -> Any:
    """The value of a name or an attribute; None where it has none."""
    try:
        return eval(text, dict(names), dict(scope))
    except Exception:
        return None


def _entry_of(node: ast.Dict, name: str) -> ast.expr | None:
    """The expression of an entry in a dict that is written out."""
    pairs = zip(node.keys, node.values, strict=True)
    return next((v for k, v in pairs if isinstance(k, ast.Constant) and str(k.value) == name), None)


def _equal_arrays(event: Event, array: np.ndarray) -> bool:
    found = event.array
    return found is not None and found.shape == array.shape and np.array_equal(found, array)


def _rebound(events: list[Event]) -> bool:
    """Whether one statement bound the name anew several times."""
    places = [e.place for e in events if not _is_update(e)]
    return len({id(p) for p in places}) < len(places)


def _in_gradients(path: str) -> bool:
    """Whether an entry stands in a container that is called after gradients: grads["W1"]."""
    container = path.split("[")[0].split(".")[-1] if "[" in path else ""
    return bool(container) and is_gradient_name(container)


def is_gradient_name(name: str) -> bool:
    low = name.lower()
    return bool(tensors_named_in(name)) or "grad" in low or "nabla" in low or "delta" in low


def _may_be_gradient(name: str) -> bool:
    return is_unnamed(name) or is_gradient_name(name)


def _is_setting(value: Any) -> bool:
    """Whether it is a length, a step or a mask, such as d_k and dt: sums of arrays are NumPy's."""
    return type(value) in (int, float) or getattr(value, "dtype", None) == np.bool_


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _checked(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value._value if isinstance(value, Recorded) else plain(value))
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "fciub":
        raise TypeError(
            f"the gradient {name!r} is {type(value).__name__}, which is no array of numbers"
        )
    return array


def _checked_loosely(value: Any) -> np.ndarray | None:
    try:
        return _checked("", value)
    except TypeError:
        return None


def _equal_number(value: Any, loss: Any) -> bool:
    return np.size(value) == 1 and np.size(loss) == 1 and bool(np.all(value == loss))


def _items_of(result: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    fields = fields_of(result)
    result = result if fields is None else fields
    if isinstance(result, Mapping):
        entries = result.items()
        return [
            x
            for k, v in entries
            for x in ([((*path, k), None)] if v is None else _items_of(v, (*path, k)))
        ]
    if isinstance(result, tuple) or (isinstance(result, list) and not _is_array_like(result)):
        return [x for k, v in enumerate(result) for x in _items_of(v, (*path, k))]
    return [] if result is None else [(path, result)]


def _is_array_like(value: list[Any]) -> bool:
    """Whether a list stands for an array, such as `[[1], [2, 3]]`, and holds no arrays."""
    return bool(value) and not any(
        isinstance(v, (np.ndarray, np.generic, Mapping))
        or (isinstance(v, (list, tuple)) and not _is_array_like(list(v)))
        for v in value
    )


def _name_of_item(path: tuple[Any, ...], node: Any, statement: Any) -> str:
    name = ""
    for i, key in enumerate(path):
        if i == 0 and isinstance(node, (ast.Tuple, ast.List)) and isinstance(key, int):
            element = node.elts[key] if key < len(node.elts) else None
            name = getattr(element, "id", getattr(element, "attr", f"<{key}>"))
        elif i == 0 and isinstance(node, ast.Name) and isinstance(key, int):
            name = entry_name(node.id, key)
        else:
            name = entry_name(name, key) if isinstance(key, (str, int)) else str(key)
    if not path:
        return getattr(node, "id", getattr(node, "attr", "<0>"))
    return name


def _line_of_entry(back: Execution, name: str) -> int | None:
    """The line of the expression that a dict in the return statement has for a name."""
    statement = getattr(back.returned_at, "statement", None)
    for node, called in elements_of(statement) if statement is not None else ():
        if called == name:
            return node.lineno
    return None


def _starts_alike(name: str, tensor: str) -> bool:
    """Whether a gradient is called after the beginning of a tensor's name: nabla_w0 of weights0."""
    number = name[len(name.rstrip("0123456789")) :]
    if number != tensor[len(tensor.rstrip("0123456789")) :]:
        return False
    stems = [s.rstrip("0123456789").lower() for s in tensors_named_in(name)]
    return any(stem and tensor.lower().startswith(stem) for stem in stems)


def no_gradient_message(setting: Setting, known: Known) -> str:
    names = ", ".join(n for n in known.values if not is_unnamed(n)) or "none"
    return (
        f"check_derivation() finds no gradient in {name_of(setting.subject.marked)}: it looks for "
        f"dW1, grad_W1 or W1_grad of the names in {name_of(setting.subject.forward)}, which are "
        f"{names}; pass names={{...}} for other names"
    )
