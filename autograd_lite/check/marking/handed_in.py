"""The gradients that a backward pass hands in, and whose they are.

They are returned, left in variables and attributes, or used up in an update. Whose a gradient is
tells its name; where it has none that tells, what holds it, its shape, its value, and its order.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.check.marking.chain_rule import fit
from autograd_lite.check.marking.execution import Event, Execution
from autograd_lite.check.marking.forms import parameter_names
from autograd_lite.check.marking.forward import Input, Recording, Setting, path_name
from autograd_lite.check.marking.returned import (
    checked,
    checked_loosely,
    equal_number,
    items_of,
    line_of_entry,
    name_of_item,
    those_returned,
)
from autograd_lite.check.marking.rewriting import (
    is_unnamed,
)
from autograd_lite.check.marking.steps import (
    Known,
    Step,
    derivation_events,
    equal_arrays,
    is_gradient_name,
    is_number,
    is_spoiled,
    is_update,
    right_version,
    same_values,
)
from autograd_lite.check.marking.updates import Updates
from autograd_lite.check.marking.world import fields_of, paths_of
from autograd_lite.check.names import name_of, tensor_among, tensors_named_in
from autograd_lite.tensor import Tensor


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
        self.astray: list[Step] = []
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
        returned = {name: value for _, name, value in self._returned()}
        for (name, _), found in groups.items():
            events = those_returned(name, found, returned.get(name))
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
        earlier = [e for e in events[:-1] if not (is_input and is_spoiled(e, self.events, end))]
        arrays = [(e, checked(name, e.value)) for e in events[-1:]]
        event, array = self._origin(arrays[0][0]), arrays[0][1]
        of = self._best(array, versions)
        if right_version(array, versions, self.truth) is None and not rebound:
            for other in earlier:
                value = other.array
                found = None if value is None else right_version(value, versions, self.truth)
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
            found = (
                None if event.array is None else right_version(event.array, versions, self.truth)
            )
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

    def _origin(self, event: Event) -> Event:
        """The statement that computed a value, where this one only hands it on.

        That is one that gives it another name, or takes it from a helper.
        """
        array = event.array
        node = getattr(event.place.statement, "value", None)
        if array is None or array.size < 2 or node is None:
            return event
        earlier = [e for e in self.events if e.serial < event.serial and equal_arrays(e, array)]
        before = [e for e in self.events if e.path == event.path and e.serial < event.serial]
        if before and before[-1].frame == event.frame and equal_arrays(before[-1], array):
            # Such as a clipping that did nothing, but for `dx = dx`, in which something is missing.
            is_empty = ast.unparse(node) == event.path
            return event if is_empty else self._origin(before[-1])
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
        found = right_version(value, versions, self.truth)
        if found is not None:
            return found
        same = [v for v in versions if v.shape == value.shape]
        return (same or versions)[-1]

    def by_return(self) -> None:
        """What is returned: entries of dicts by their keys, items by the names they were given."""
        for path, name, value in self._returned():
            if name in self.names and self.names[name] is None:
                continue
            array = checked_loosely(value)
            if array is None:
                if self.tensor_of(name) is not None and not is_number(value):
                    checked(name, value)
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
            is_astray = False
            if tensor is not None and name in self.arriving:
                # It is called after what arrived, and was written into.
                tensor = None
            elif tensor not in self.known.inputs and self._is_one_for_each():
                # A step on the way in the place of the gradient of an argument.
                is_astray, tensor = tensor is not None, None
            same = [s for s in self.steps if self._is_same(s, name, tensor, array, event)]
            if is_astray:
                same = [s for s in same if s.tensor in self.known.inputs]
                event = event if same else None
            if same and same[0].entry in (None, path):
                same[0].entry = path if same[0].sign == 1 else None
                continue
            if same:
                # One gradient is returned twice, the second time in the place of another one.
                is_astray, tensor, event = True, None, None
            step = Step(name, tensor or "", array, event, None, True)
            at = self.back.returned_at
            step.written = line_of_entry(self.back, name) or (None if at is None else at.line)
            step.entry = path
            if tensor is not None and not in_dict and self._is_setting(value, tensor):
                continue
            if tensor is None:
                if in_dict and not is_gradient_name(name) and not self._fits_somewhere(array):
                    continue
                pieces = self._pieces(step)
                self.astray += [step] if is_astray else []
                self.open += [step] if pieces is None else pieces
            else:
                versions = self.known.versions[tensor]
                if in_dict and tensor == name and tensor in self.known.inputs:
                    # A key is called after a parameter, also where a variable has its name.
                    versions = versions[:1]
                if (
                    tensor in self.known.in_loops
                    and right_version(array, versions, self.truth) is None
                ):
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
        for path, value in items_of(result):
            found.append((path, name_of_item(path, node, statement), value))
        if self.setting.subject.backward is None and found:
            loss = self.setting.forward.returned.loss
            found = [f for f in found if not (f[2] is loss or equal_number(f[2], loss))]
        return found

    def _is_of_another(self, event: Event, tensor: str | None) -> bool:
        """Whether a value that is handed in for the gradient of a tensor is known as another one.

        The line that handed it in is the one to look at.
        """
        own = self.tensor_of(event.name)
        is_entry = event.name == tensor and _in_gradients(event.path)
        if tensor is None or own == tensor or is_entry:
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
        arrays = [v for _, _, v in self._returned() if np.ndim(v)]
        return bool(self.setting.upstream) and len(arrays) == len(self._of_arguments()) > 1

    def _of_arguments(self) -> list[str]:
        """The arrays that are arguments of the forward pass."""
        names = set(self.setting.subject.names)
        known = self.known.inputs.items()
        return [n for n, i in known if i.path[0] in names and i.tensor.ndim]

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
        written = line_of_entry(self.back, name)
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
                array = checked_loosely(value)
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
        beside = {k[-1]: n for k, n in siblings.items() if k[:-1] == path[:-1] and k}
        called = tensor_among(str(path[-1]), beside)
        if called is not None:
            tensor = beside[called]
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
        updates = Updates(self.events, self.known, self.truth, self.back, self.setting)
        for step in updates.steps({s.tensor for s in self.steps}):
            self._add(step)

    def by_place(self) -> None:
        """Items without a name that tells: by container, value, shape and order."""
        taken = {s.tensor for s in self.steps}
        free = {n: i for n, i in self.known.inputs.items() if n not in taken}
        order = self._in_order(free)
        for step in self.astray:
            handed = {s.tensor for s in self.steps if s.entry is not None}
            left = [n for n in self._of_arguments() if n not in handed]
            if not self._is_one_for_each():
                left = [s.tensor for s in self.steps if s.final and s.tensor not in handed]
                left = [n for n in left if n in self.known.inputs]
            same = [n for n in left if self._shape(n) == step.value.shape] or left
            if step in self.open and same:
                self._take(step, self._right_among(same, step) or same[0], order)
            elif step in self.open:
                self.open.remove(step)
        for by_name in (False, True):
            for step in list(self.open):
                right = self._right_among(order, step)
                alike = self._alike_among(order, step)
                # A list of which one is not right is told by its numbers.
                is_told = bool(alike) and not all(
                    self._right_among(order, s) for s in self.open if _stem(s) == _stem(step)
                )
                # What has the value of another's gradient is not that, but wrong.
                is_told |= bool(alike) and right not in alike and self._is_called_after(step, right)
                if right is not None and not is_told:
                    self._take(step, right, order)
                elif alike and by_name:
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

    def _right_among(self, names: list[str], step: Step) -> str | None:
        """The input whose gradient a step is."""
        right = (n for n in names if same_values(step.value, self._true(n), floor=True))
        return next(right, None)

    def _alike_among(self, names: list[str], step: Step) -> list[str]:
        """The inputs that a step is called after, those of its shape if there are."""
        alike = [n for n in names if is_gradient_name(step.name) and _starts_alike(step.name, n)]
        return [n for n in alike if fit(step.value, self._shape(n)) is not None] or alike

    def _is_called_after(self, other: Step, name: str | None) -> bool:
        """Whether an item without a tensor, and not this one, is called after an input."""
        return name is not None and any(
            self._alike_among([name], step) for step in self.open if step is not other
        )

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
        if tensor in order:
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


def _entry_of(node: ast.Dict, name: str) -> ast.expr | None:
    """The expression of an entry in a dict that is written out."""
    pairs = zip(node.keys, node.values, strict=True)
    return next((v for k, v in pairs if isinstance(k, ast.Constant) and str(k.value) == name), None)


def _rebound(events: list[Event]) -> bool:
    """Whether one statement bound the name anew several times."""
    places = [e.place for e in events if not is_update(e)]
    return len({id(p) for p in places}) < len(places)


def _in_gradients(path: str) -> bool:
    """Whether an entry stands in a container that is called after gradients: grads["W1"]."""
    container = path.split("[")[0].split(".")[-1] if "[" in path else ""
    return bool(container) and is_gradient_name(container)


def _may_be_gradient(name: str) -> bool:
    return is_unnamed(name) or is_gradient_name(name)


def _is_setting(value: Any) -> bool:
    """Whether it is a length, a step or a mask, such as d_k and dt: sums of arrays are NumPy's."""
    return type(value) in (int, float) or getattr(value, "dtype", None) == np.bool_


def _stem(step: Step) -> str:
    return step.name.rstrip("0123456789")


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
