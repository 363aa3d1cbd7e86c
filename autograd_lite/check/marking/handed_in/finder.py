"""What all ways of finding gradients share."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd_lite.check.marking.assignments import is_unnamed
from autograd_lite.check.marking.execution import Event, Execution
from autograd_lite.check.marking.forms import parameter_names
from autograd_lite.check.marking.forward import Input, Recording, Setting
from autograd_lite.check.marking.returned import equal_number, items_of, line_of_entry, name_of_item
from autograd_lite.check.marking.steps import (
    Known,
    Step,
    derivation_events,
    equal_arrays,
    right_version,
)
from autograd_lite.check.marking.world import fields_of
from autograd_lite.check.names import is_gradient_name
from autograd_lite.tensor import Tensor


class Finder:
    """A backward pass that ran, what is known of the forward pass, and the gradients found so far.

    `steps` are gradients of a known tensor, `handed` the tensors of those that are handed in by
    another name as well. `open` are items whose tensor is still to be found,
    those in `astray` because they stand where another gradient belongs; `unmarked` and `notes` are
    what remains of them.
    """

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
        self.handed: set[str] = set()
        self.notes: list[str] = []
        self.unmarked: list[Step] = []
        self.events = derivation_events(setting, back, known, recording)
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
        return frozenset(n for n in parameter_names(backward) if n not in inputs)

    def _check_names(self) -> None:
        for name, tensor in self.names.items():
            if tensor is not None and tensor not in self.known.versions:
                raise ValueError(
                    f"names={{{name!r}: {tensor!r}}}: there is no {tensor!r} in the forward pass, "
                    f"which has {', '.join(sorted(self.known.versions))}"
                )
        if self.back.error is None:
            found = {e.name for e in self.events} | {n for _, n, _ in self.returned()}
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

    def is_input(self, tensor: str) -> bool:
        """Whether a name is that of an input, or of a variable for one: `V` in `V, w = params`.

        What a forward pass overwrites unread, such as `self.output` made of zeros, is none.
        """
        versions = self.known.versions[tensor]
        if len(versions) > 1 and versions[0]._node not in self.truth:
            return False
        nodes = {v._node for v in versions}
        inputs = {i.tensor._node for i in self.known.inputs.values()}
        return tensor in self.known.inputs or (len(nodes) == 1 and nodes <= inputs)

    def is_setting(self, value: Any, tensor: str) -> bool:
        """Whether it is a length, a step or a mask, such as d_k and dt, and no gradient."""
        versions = self.known.versions.get(tensor, [])
        is_number = bool(versions) and not any(v.ndim for v in versions)
        return not (is_number and isinstance(value, float)) and _is_setting(value)

    def origin(self, event: Event) -> Event:
        """The statement that computed a value, where this one only hands it on.

        That is one that gives it another name, or takes it from a helper.
        """
        array = event.array
        node = getattr(event.place.statement, "value", None)
        if array is None or node is None or not _is_telling(array):
            return event
        earlier = [e for e in self.events if e.serial < event.serial and equal_arrays(e, array)]
        before = [e for e in self.events if e.path == event.path and e.serial < event.serial]
        if before and before[-1].frame == event.frame and equal_arrays(before[-1], array):
            # Such as a clipping that did nothing, but for `dx = dx`, in which something is missing.
            is_empty = ast.unparse(node) == event.path
            return event if is_empty else self.origin(before[-1])
        if isinstance(node, ast.Dict):
            node = _entry_of(node, event.name)
        if isinstance(node, (ast.Name, ast.Attribute)):
            path = ast.unparse(node)
            if self._is_of_another_tensor(path, event):
                # The gradient of one tensor is handed in for that of another.
                return event
            named = [e for e in earlier if e.path == path and e.frame == event.frame]
            return self.origin(named[-1]) if named else event
        if isinstance(node, ast.Call):
            if any(_is_value(v, array) for v in self.known.values.values()):
                # The helper hands on what it was given.
                return event
            inside = [e for e in earlier if e.frame > event.frame and not is_unnamed(e.name)]
            return self.origin(inside[0]) if inside else event
        return event

    def _is_of_another_tensor(self, path: str, event: Event) -> bool:
        """Whether what is handed on is another gradient, or a value that has another use too."""
        name = path.split(".")[-1]
        if name == event.name:
            return False
        tensor = self.tensor_of(name)
        if is_gradient_name(name) and tensor in (None, self.tensor_of(event.name)):
            return name in self.known.versions
        is_value = name in self.known.versions or tensor is not None
        return is_value or self.reads(path, event) > 1

    def reads(self, path: str, event: Event) -> int:
        """How many expressions of the function read a variable or an attribute."""
        nodes = ast.walk(event.place.definition.tree)
        read = (n for n in nodes if isinstance(getattr(n, "ctx", None), ast.Load))
        return sum(ast.unparse(n) == path for n in read)

    def event_of(self, name: str, array: np.ndarray, path: Any) -> Event | None:
        """The statement that computed a value which is handed in."""
        found = self.handed_in_by(name, array, path)
        return None if found is None else self.origin(found)

    def handed_in_by(self, name: str, array: np.ndarray, path: Any) -> Event | None:
        """The statement that gave a returned value: by its name, or by its value."""
        same = [
            e
            for e in self.events
            if e.array is not None
            and e.array.shape == array.shape
            and np.array_equal(e.array, array, equal_nan=True)
        ]
        dotted = ".".join(map(str, path)) if isinstance(path, tuple) else ""
        # An attribute is set by the name that its owner has in the method.
        parts = [e for e in same if "." in e.path]
        named = [e for e in parts if dotted.endswith(e.path.removeprefix("self"))]
        named = named or [e for e in same if e.name == name]
        written = line_of_entry(self.back, name)
        if not named and written is not None:
            return next((e for e in same if e.line == written), None)
        return (named or same or [None])[-1]  # type: ignore[list-item]

    def best(self, value: np.ndarray, versions: list[Tensor]) -> Tensor:
        found = right_version(value, versions, self.truth)
        if found is not None:
            return found
        # A gradient called as its tensor is a later value of that name.
        used = [v for v in versions if v._node in self.truth] or versions
        same = [v for v in used if v.shape == value.shape]
        return (same or used)[-1]

    def returned(self) -> list[tuple[tuple[Any, ...], str, Any]]:
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

    @property
    def has_keys(self) -> bool:
        """Whether what is returned is named by keys or by fields, and not by variables."""
        result = self.back.result
        if type(result) is tuple and self.setting.subject.backward is None:
            # Beside the loss.
            parts = Mapping, list, tuple, np.ndarray
            rest = [v for v in result if isinstance(v, parts) or fields_of(v) is not None]
            result = rest[0] if len(rest) == 1 else result
        return isinstance(result, Mapping) or fields_of(result) is not None

    def is_one_for_each(self) -> bool:
        """Whether as many arrays are returned as there are arrays among the arguments."""
        if self.has_keys:
            return False
        arrays = [v for _, _, v in self.returned() if np.ndim(v)]
        return bool(self.setting.upstream) and len(arrays) == len(self.of_arguments()) > 1

    def of_arguments(self) -> list[str]:
        """The arrays that are arguments of the forward pass."""
        names = set(self.setting.subject.names)
        known = self.known.inputs.items()
        return [n for n, i in known if i.path[0] in names and i.tensor.ndim]

    def true_gradient(self, name: str) -> np.ndarray:
        tensor = self.known.inputs[name].tensor
        return self.truth.get(tensor._node, np.zeros(tensor.shape))

    def shape_of(self, name: str) -> tuple[int, ...]:
        return self.known.inputs[name].tensor.shape

    def in_order(self, free: dict[str, Input]) -> list[str]:
        """The free inputs, those that the loss depends on first, in the order of arguments."""
        names = self.setting.subject.names
        places = {n: i for i, n in enumerate(names)}
        return sorted(
            (n for n in free if free[n].tensor._node in self.truth),
            key=lambda n: places.get(str(free[n].path[0]), len(places)),
        )

    def add(self, step: Step) -> None:
        step.key = f"{step.name} {len(self.steps)}"
        step.named = step.name in self.names
        self.steps.append(step)

    def note_ambiguous(self, name: str, tensor: str) -> None:
        self.notes.append(
            f"{name} is not marked: {tensor} stands for several values in the forward pass; give "
            "each a name of its own"
        )


def _entry_of(node: ast.Dict, name: str) -> ast.expr | None:
    """The expression of an entry in a dict that is written out."""
    pairs = zip(node.keys, node.values, strict=True)
    return next((v for k, v in pairs if isinstance(k, ast.Constant) and str(k.value) == name), None)


def _is_value(value: Any, array: np.ndarray) -> bool:
    return np.shape(value) == array.shape and np.array_equal(value, array)


def in_gradients(path: str) -> bool:
    """Whether an entry stands in a container that is called after gradients: grads["W1"]."""
    container = path.split("[")[0].split(".")[-1] if "[" in path else ""
    return bool(container) and is_gradient_name(container)


def _is_setting(value: Any) -> bool:
    """Whether it is a length, a step or a mask, such as d_k and dt: sums of arrays are NumPy's."""
    return type(value) in (int, float) or getattr(value, "dtype", None) == np.bool_


def _is_telling(array: np.ndarray) -> bool:
    """Whether another array is hardly equal to this one by chance."""
    return array.size > 1 or (array.ndim > 0 and bool(np.any(array % 0.5)))
