"""The gradients that updates subtract from parameters: `step` in `W -= rate * step`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.check.marking.assignments import (
    elements_of,
    is_unnamed,
    is_velocity,
    targets_of,
    texts_in,
    update_of,
)
from autograd_lite.check.marking.chain_rule import fit, nearest_factor
from autograd_lite.check.marking.edits.trees import chain_of
from autograd_lite.check.marking.execution import Event, Execution
from autograd_lite.check.marking.forward import Setting
from autograd_lite.check.marking.steps import (
    Known,
    Step,
    is_multiple,
    is_spoiled,
    right_version,
    same_values,
)
from autograd_lite.tensor import Tensor

_RATES = re.compile(r"(?i)(lr|alpha|eta|\w*rate|step|step_?size|gamma_?lr)")


@dataclass
class Updates:
    """The updates in a backward pass; `truth` holds the gradients of the graph."""

    events: list[Event]
    known: Known
    truth: Mapping[Any, np.ndarray]
    back: Execution
    setting: Setting

    def steps(self, taken: set[str]) -> list[Step]:
        """The gradients of the parameters that are not in `taken`, to which they are added."""
        steps = list(self._steps(taken))
        self._turn_strays(steps)
        return steps

    def _turn_strays(self, steps: list[Step]) -> None:
        """Reads a gradient as right where its update alone goes the wrong way.

        That is one by its name, or one beside others whose updates go the other way.
        """
        for sign in (1, -1):
            exact = [
                s
                for s in steps
                if s.of is not None
                and (true := self.truth.get(s.of._node)) is not None
                and same_values(s.value, sign * s.rate * true)
            ]
            has_others = any(s.sign == sign for s in exact)
            for step in exact:
                if has_others or (sign == 1 and self.known.among(step.name) == step.tensor):
                    step.sign = sign

    def _steps(self, taken: set[str]) -> Iterator[Step]:
        total = getattr(self.setting.loss_event, "name", None)
        # A loss that is added up over samples is no parameter.
        updates = [
            e for e in self.events if update_of(e.place.statement) is not None and e.name != total
        ]
        own = {e.name for e in updates if self._is_of_parameter(e)}
        for event in updates:
            update = update_of(event.place.statement)
            tensor = event.name if event.name in self.known.inputs else None
            if update is None or tensor is None or tensor in taken:
                continue
            if tensor in own and not self._is_of_parameter(event):
                # In v["W1"] += g["W1"] the state of an optimiser is changed.
                continue
            if self._is_another(event):
                continue
            versions = self.known.versions[tensor]
            if versions[0]._node not in self.truth:
                # A velocity, a sum of squares: no parameter of the loss.
                continue
            target = targets_of(event.place.statement)[0]
            is_whole = _container_of(ast.unparse(target)) == _container_of(event.path)
            if isinstance(target, ast.Subscript) and not is_whole:
                taken.add(tensor)
                yield from self._of_entries(tensor, versions)
                continue
            found = self._factor_of(event, update[1], versions[0].shape)
            gradient = self._behind_averages(event, update[1])
            if gradient is not None and not (found and is_velocity(found[2].place.statement)):
                taken.add(tensor)
                value = np.asarray(gradient.array)
                step = Step(gradient.name, tensor, value, gradient, versions[0], True)
                step.in_update = True
                yield step
            elif found is None:
                taken.add(tensor)
                yield from self._of_entries(tensor, versions)
            else:
                name, value, source = found
                turned = 1
                if is_velocity(source.place.statement):
                    name, value, source, turned = self._before_the_optimiser(source, value, event)
                sign = -update[0] * turned
                is_direct = source.path in texts_in(update[1]) or source.place is event.place
                if not is_direct and right_version(value, versions[:1], self.truth) is not None:
                    # A velocity may have reversed its sign.
                    sign = 1
                step = Step(name, tensor, value, source, versions[0], True, sign)
                step.rate = self._rate_in(event, source)
                step.in_update = True
                taken.add(tensor)
                yield step

    def mark_added(self, steps: list[Step]) -> None:
        """Notes which of the steps an update adds to their parameter: `W += rate * dW`."""
        for event in self.events:
            update = update_of(event.place.statement)
            if update is None or update[0] < 0 or event.name not in self.known.inputs:
                continue
            read = texts_in(update[1])
            if any(isinstance(n, ast.USub) for n in ast.walk(update[1])):
                continue
            for step in steps:
                if step.tensor == event.name and step.event is not None:
                    step.is_added |= step.event.path in read

    def _is_of_parameter(self, event: Event) -> bool:
        """Whether an entry that an event sets stands in the container of the input of its name."""
        found = self.known.inputs.get(event.name)
        container = event.path.split("[")[0].split(".")[-1]
        return found is not None and found.path[-2:-1] == (container,)

    def _is_another(self, event: Event) -> bool:
        """Whether the function that an event belongs to gave the name to another array before."""
        value = np.asarray(self.known.versions[event.name][0]._value)
        return any(
            other.path == event.name
            # An entry of a dict that is written out has its key for a name, and is no variable.
            and event.name in map(ast.unparse, targets_of(other.place.statement))
            and isinstance(other.place.statement, ast.Assign)
            and update_of(other.place.statement) is None
            and other.array is not None
            and not (other.array.size == value.size and np.array_equal(other.array, value))
            for other in self.events
            if other.frame == event.frame and other.serial < event.serial
        )

    def _of_entries(self, tensor: str, versions: list[Tensor]) -> Iterator[Step]:
        """The total that updates of entries subtract from a parameter: `P[u] -= rate * step`."""
        events = [e for e in self.events if e.name == tensor and e.array is not None]
        before = np.asarray(versions[0]._value)
        last = events[-1]
        if last.array is None or last.array.shape != before.shape:
            return
        step = Step(tensor, tensor, before - last.array, last, versions[0], True)
        step.is_difference = step.in_update = True
        step.rate = self._rate_in(last, last)
        yield step

    def _rate_in(self, event: Event, source: Event) -> float:
        """The learning rate where it is a factor of the gradient itself: `W -= rate * X.T @ dZ`.

        It may be a factor of a step that has a name: `s = rate * X.T @ dZ; W -= s`.
        """
        update = update_of(event.place.statement)
        if update is None:
            return 1.0
        node, place = update[1], event.place
        step = node.operand if isinstance(node, ast.UnaryOp) else node
        if isinstance(step, (ast.Name, ast.Attribute)):
            before = [e for e in self.events if e.serial < event.serial]
            made = [e for e in before if e.path == ast.unparse(step)]
            if not made:
                return 1.0
            place = made[-1].place
            node = getattr(place.statement, "value", node)
        if source.place not in (event.place, place):
            return 1.0
        number = self.setting.sources.places.index(place)
        scope = (self.back.scopes or {}).get(number, {})
        names = self.back.namespaces.get(number, {})
        factors = {ast.unparse(f) for f in chain_of(step)}
        for inner in ast.walk(node):
            text = ast.unparse(inner) if isinstance(inner, (ast.Name, ast.Attribute)) else ""
            name = text.split(".")[-1]
            is_called = _RATES.fullmatch(name) is not None
            # In other languages a rate is told by its place: a number that the loss does not have.
            if is_called or (text in factors and name not in self.known.inputs):
                value = _evaluated(text, names, scope)
                if isinstance(value, (int, float) if is_called else float) and value > 0:
                    return float(value)
            if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Mult):
                first = inner.left
                if isinstance(first, ast.UnaryOp):
                    first = first.operand
                if isinstance(first, ast.Constant) and type(first.value) is float:
                    return first.value if 0 < first.value < 1 else 1.0
        return 1.0

    def _behind_averages(self, event: Event, node: ast.expr) -> Event | None:
        """The gradient of which an update reads averages, as that of Adam does; None elsewhere."""
        shape = np.shape(event.value)
        read, behind = {_container_of(text) for text in texts_in(node)}, set[str]()
        for other in [e for e in self.events if e.serial < event.serial][::-1]:
            where = _container_of(other.path)
            if where not in read | behind or where == _container_of(event.path):
                continue
            if other.array is None or other.array.shape != shape:
                continue
            value = getattr(other.place.statement, "value", None)
            texts = {_container_of(t) for t in texts_in(value)} if value is not None else set[str]()
            if self._is_average(other):
                # An average reads itself, which was made of zeros.
                behind |= texts - {where}
            elif where in behind and (other.name == event.name or "[" not in other.path):
                return other
            else:
                read |= texts
        return None

    def _is_average(self, event: Event) -> bool:
        """Whether a value is a state of an optimiser: it decays, and began earlier or at 0."""
        before = [e for e in self.events if e.path == event.path and e.serial < event.serial]
        begins = all(e.array is None or not np.any(e.array) for e in before)
        return begins and is_velocity(event.place.statement)

    def _before_the_optimiser(
        self, event: Event, value: np.ndarray, update: Event
    ) -> tuple[str, np.ndarray, Event, int]:
        """The gradient behind a velocity that started at 0, with the sign of their ratio."""
        read = {_container_of(text) for text in texts_in(event.place.statement)}
        for other in reversed(self.events):
            array = other.array
            is_read = other.serial < event.serial and _container_of(other.path) in read
            if not is_read or array is None or array.shape != value.shape:
                continue
            if _container_of(other.path) == _container_of(update.path):
                continue
            number = nearest_factor(value, array)
            if number is not None and same_values(value, number * array):
                return other.name, array, other, 1 if number > 0 else -1
        return event.name, value, event, 1

    def _factor_of(
        self, event: Event, node: ast.expr, shape: tuple[int, ...]
    ) -> tuple[str, np.ndarray, Event] | None:
        """The factor of an update that has the parameter's shape, with its name and event."""
        at_once = [e for e in self.events if e.serial < event.serial][::-1]
        true = self.truth.get(self.known.versions[event.name][0]._node)
        direct = texts_in(event.place.statement)
        sign = -(update_of(event.place.statement) or (-1,))[0]
        read = self._read_by(event)
        for other in at_once:
            # An optimiser may have processed the gradient further.
            if other.frame == event.frame and _container_of(other.path) not in read:
                continue
            if other.array is not None and true is not None and not is_unnamed(other.name):
                value = other.array * sign if other.path in direct else other.array
                is_telling = value.size > 1 or not shape or other.name == event.name
                is_right = is_telling and same_values(value, true)
                if is_right and not is_spoiled(other, self.events, event.serial):
                    return other.name, other.array, other
        elements = [
            e
            for e in at_once
            if e.place is event.place and is_unnamed(e.name) and e.frame == event.frame
        ]
        for element in elements[: len(elements_of(event.place.statement))]:
            if element.array is not None and fit(element.array, shape) is not None:
                if np.size(element.array) > 1 or not shape:
                    source = self._scaled_in(node, element, at_once)
                    name = event.name if source is element else source.name
                    return name, np.asarray(source.array), source
        for inner in (n for n in ast.walk(node) if isinstance(n, (ast.Name, ast.Attribute))):
            path = ast.unparse(inner)
            known = next((e for e in at_once if e.path == path), None)
            if known is not None and known.array is not None:
                if fit(known.array, shape) is not None and (known.array.size > 1 or not shape):
                    return known.name, known.array, known
        return None

    def _read_by(self, event: Event) -> set[str]:
        """The variables that an update reads, and those that they were computed from."""
        found = {_container_of(text) for text in texts_in(event.place.statement)}
        for other in reversed(self.events):
            if other.serial < event.serial and _container_of(other.path) in found:
                found |= {_container_of(text) for text in texts_in(other.place.statement)}
        return found

    def _scaled_in(self, node: ast.expr, element: Event, before: list[Event]) -> Event:
        """The gradient that an update multiplies: `delta` in `rate * delta / n`."""
        texts = {_container_of(text) for text in texts_in(node)}
        for other in before:
            if (
                _container_of(other.path) in texts
                and not is_unnamed(other.name)
                and other.array is not None
            ):
                if other.array.size > 1 and is_multiple(element.array, other.array):
                    return other
        return element


def _container_of(path: str) -> str:
    """A path without its keys, which are variables where it is read: grads[] for grads["W1"]."""
    return re.sub(r"\[[^\]]*\]", "[]", path)


def _evaluated(text: str, names: Mapping[str, Any], scope: Mapping[str, Any]) -> Any:
    """The value of a name or an attribute; None where it has none."""
    try:
        return eval(text, dict(names), dict(scope))
    except Exception:
        return None
