"""The report of a derivation: a verdict for each gradient, and the words for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.check.differences import abs_difference, difference_message, largest, max_abs
from autograd_lite.check.marking.assignments import is_unnamed, targets_of
from autograd_lite.check.marking.chain_rule import Interpretation
from autograd_lite.check.marking.directions import Stray, strays
from autograd_lite.check.marking.edits import Edit
from autograd_lite.check.marking.evidence import Evidence
from autograd_lite.check.marking.execution import Event, Execution
from autograd_lite.check.marking.explanations import (
    because,
    never_added_to,
    pattern,
    shapes_in,
    statement_on,
    undefined_message,
)
from autograd_lite.check.marking.forward import Setting
from autograd_lite.check.marking.handed_in.places import unmarked_message
from autograd_lite.check.marking.remarks import (
    AMBIGUOUS,
    CLIPPED,
    CUT_OFF,
    EPSILON,
    conventions,
    misnamed_message,
    third_opinion,
)
from autograd_lite.check.marking.steps import Known, Step, equal_arrays
from autograd_lite.check.marking.wrong_line import Found
from autograd_lite.check.report import RIGHT, Line
from autograd_lite.graph import Node


@dataclass
class Verdicts:
    """The evidence, the mistakes found and the remarks from which a report is made."""

    setting: Setting
    known: Known
    evidence: Evidence
    back: Execution
    interpretation: Interpretation
    found: list[Found]
    left: frozenset[str]
    notes: list[str]
    sizes: dict[int, str]
    clipped: bool = False
    epsilon: bool = False
    cut_off: bool = False
    unknown: Event | None = None
    silence: str = ""
    _opinions: list[str] = field(default_factory=list)
    _told: set[int] = field(default_factory=set)

    def lines(self) -> list[Line]:
        steps = sorted(
            (
                s
                for s in [*self.evidence.steps, *self.evidence.unconnected]
                if (_has_name(s) or self.interpretation.status.get(s.key) == "wrong")
                and not self._is_misnamed(s)
            ),
            key=lambda s: s.event.serial if s.event is not None else 10**9,
        )
        lines = [
            self._unconnected(s) if s in self.evidence.unconnected else self._line(s) for s in steps
        ]
        lines += self._lines_without_a_step(lines)
        lines = _once_each(lines, self.known.inputs)
        lines += self._missing()
        lines += map(_unmarked, self.evidence.unmarked)
        self._strays = list(
            strays(self.evidence, self.interpretation, self.known, self.back.events)
        )
        lines += [_of_update(s) for s in self._strays if s.is_mistake]
        if self.back.error is not None:
            lines.append(self._raised())
        return lines

    def _line(self, step: Step) -> Line:
        key = step.key
        interpretation = self.interpretation
        status = interpretation.status[key]
        expected = interpretation.truth[key]
        value = self.evidence.own({key: step.value})[key]
        cause, message, number, name = None, "", step.line, _called(step)
        found = self._found_for(step)
        if status == "wrong":
            if self._is_explained_elsewhere(step, found):
                status = "inherited"
                first = found or (self.found[0] if self.found else self.unknown)
                line = None if first is None else first.line
                message = f"{self._named(step)} is right in itself, and passes on the error of "
                message += f"line {line}"
            else:
                expected = interpretation.expected[key]
                cause, message = self._explained(step, value, expected, found)
                number = self._line_to_blame(step, found)
        elif status == "inherited":
            message = f"{self._named(step)} is right in itself, and passes on the error of "
            message += self._passed_on(step)
        if value.shape == expected.shape:
            absolute, error = largest(abs_difference(value, expected), value, expected)
        else:
            absolute = error = float("inf")
        if status == "correct" and (step.value.shape != value.shape or step.is_opposite):
            status = "convention"
        if self.silence and (status in RIGHT or not self.loss_is_finite):
            status, cause, message = "unmarked", None, ""
        elif status in RIGHT and not np.all(np.isfinite(expected)):
            status, message = "unmarked", undefined_message(name)
        tensor = step.tensor or self._name_of(step)
        return Line(
            *(name, tensor, status, error, absolute, value.shape, expected.shape),
            *(cause, message, number),
        )

    def _line_to_blame(self, step: Step, found: Found | None) -> int | None:
        if found is not None:
            return found.line
        empty = never_added_to(step, self.back)
        if step.line is None and empty is not None:
            return empty.line
        inside = None if step.event is None else _returned_for(step.event, self.back)
        return step.line if inside is None else inside.line

    def _is_misnamed(self, step: Step) -> bool:
        """Whether a step stays wrong although all results are right."""
        is_wrong = self.interpretation.status.get(step.key) == "wrong"
        is_left = bool(self.found) and self._found_for(step) is None and step.key not in self.left
        return is_wrong and is_left and not step.final

    @property
    def loss_is_finite(self) -> bool:
        return bool(np.all(np.isfinite(self.evidence.recording.loss._value)))

    def _is_explained_elsewhere(self, step: Step, found: Found | None) -> bool:
        """Whether a wrong step becomes right when another line is mended."""
        if found is not None:
            return found.line != step.line
        if not self.found and self.unknown is not None:
            return step.line != self.unknown.line
        return bool(self.found) and step.key not in self.left

    def _found_for(self, step: Step) -> Found | None:
        return next((f for f in self.found if step.key in f.mended), None)

    def _named(self, step: Step) -> str:
        """The name of a step, with its line or its tensor where another one has the same name."""
        name = _called(step)
        same = [s for s in self.evidence.steps if _called(s) == name]
        if len({(s.line, s.tensor) for s in same}) == 1:
            return name
        there = {s.tensor for s in same if s.line == step.line and s.tensor}
        if step.tensor and (step.line is None or len(there) > 1):
            return f"{name} of {step.tensor}"
        return f"{name} of line {step.line}" if len({s.line for s in same}) > 1 else name

    def _named_there(self, step: Step) -> str:
        """The name of a step among those of its line."""
        name = _called(step)
        same = {s.tensor for s in self.evidence.steps if _called(s) == name and s.line == step.line}
        return f"{name} of {step.tensor}" if len(same) > 1 else name

    def _name_of(self, step: Step) -> str:
        """The name of a step's tensor, or of the operation that computed it."""
        node: Any = self.evidence.forward.tensors[step.key]._node
        for name, versions in self.known.versions.items():
            if any(v._node is node for v in versions):
                return name
        return node.plan.operation.name if isinstance(node, Node) else "?"

    def _passed_on(self, step: Step) -> str:
        own = {s.key: s.value for s in self.evidence.steps}
        after = self.evidence.forward.after(step.key, own)
        status = self.interpretation.status
        names = {s.key: self._named(s) for s in self.evidence.steps}
        before = [names[k] for k in after if status[k] in ("wrong", "inherited")]
        if any(f.line not in {s.line for s in self.evidence.steps} for f in self.found):
            return f"line {self.found[0].line}"
        return ", ".join(dict.fromkeys(before)) or "a line before"

    def _explained(
        self, step: Step, value: np.ndarray, expected: np.ndarray, found: Found | None
    ) -> tuple[str, str]:
        line = self._line_to_blame(step, found)
        where = f"line {line}: " if line else ""
        if value.shape == expected.shape:
            distance = abs_difference(value, expected)
            sign = -1 if step.is_opposite else 1
            # Adding 0 makes -0 a 0.
            signed = sign * value + 0, sign * expected + 0
            what = difference_message(_called(step), distance, *signed)
            what += self._from_whom(step)
        else:
            what = (
                f"{_called(step)} has shape {value.shape}, but "
                f"{step.tensor or self._name_of(step)} has shape {expected.shape}"
            )
        if found is not None and id(found) in self._told:
            return found.edit.kind, f"line {line}: {self._named_there(step)} as well"
        self._told.add(id(found))
        scale = self.interpretation.scales[step.key]
        opinion = third_opinion(step, value, self.evidence, scale, self.known)
        self._opinions += [opinion] if opinion else []
        empty = never_added_to(step, self.back) if found is None else None
        if empty is not None:
            return "accumulate", f"{where}{what}; no statement adds to {empty.name}"
        if found is None:
            is_shape = value.shape != expected.shape
            apart = "" if is_shape else pattern(value, expected, self.evidence.tolerance)
            return ("shape" if is_shape else "unknown"), f"{where}{what}{apart}"
        if found.edit.kind == "factor" and value.shape == expected.shape:
            what += self._times(step, value, expected)
        return found.edit.kind, f"{where}{what}; {because(found)}"

    def _times(self, step: Step, value: np.ndarray, expected: np.ndarray) -> str:
        """A text that says by which number a gradient is too large; empty if there is none."""
        number = self.evidence.tolerance.factor(value, expected)
        if number is None:
            return ""
        sign, size = ("-" if number < 0 else ""), abs(number)
        shown = f"{number:.6g}"
        for whole, what in self.sizes.items():
            if whole > 1 and abs(size / whole - 1) < 1e-6:
                shown = f"{sign}{whole} ({what})"
            elif whole > 1 and abs(size * whole - 1) < 1e-6:
                shown = f"{sign}1/{whole} (one over {what})"
        return f": {_called(step)} is {shown} times what it should be"

    def _from_whom(self, step: Step) -> str:
        own = {s.key: s.value for s in self.evidence.steps}
        names = {s.key: self._named(s) for s in self.evidence.steps if _has_name(s)}
        known = [names[k] for k in self.evidence.forward.after(step.key, own) if k in names]
        known = list(dict.fromkeys(known))
        return f" by the chain rule from your {' and '.join(known)}" if known else ""

    def _lines_without_a_step(self, lines: Sequence[Line]) -> list[Line]:
        """Verdicts on lines of the derivation whose value is no gradient of a named tensor."""
        told = {line.line for line in lines if line.status == "wrong"}
        new = []
        if not self.found and self.unknown is not None and self.unknown.line not in told:
            new.append(self._unknown_line(self.unknown))
        for found in self.found:
            if found.line in told:
                continue
            name = _changed_by(found.edit)
            event = self._event_at(found)
            shape = np.shape(event.value) if event is not None else ()
            message = f"line {found.line}: {because(found)}"
            new.append(
                Line(
                    name,
                    "",
                    "wrong",
                    float("nan"),
                    float("nan"),
                    shape,
                    shape,
                    found.edit.kind,
                    message,
                    found.line,
                )
            )
        return new

    def _unknown_line(self, event: Event) -> Line:
        """The verdict on the value from which all wrong steps come, if no edit helps."""
        shape = np.shape(event.value)
        message = (
            f"line {event.line}: all that is wrong comes from {event.name}, and no single change "
            "that was tried makes it right"
        )
        nothing = float("nan")
        return Line(
            *(event.name, "", "wrong", nothing, nothing, shape, shape, "unknown", message),
            event.line,
        )

    def _event_at(self, found: Found) -> Event | None:
        events = [e for e in self.back.events if e.place is found.edit.place]
        return events[-1] if events else None

    def remarks(self) -> list[str]:
        """The remarks beside the verdicts, each once. Call it after `lines`."""
        evidence, interpretation = self.evidence, self.interpretation
        notes = [self.silence] if self.silence else []
        notes += conventions(evidence, interpretation, self.sizes)
        notes += [CLIPPED] if self.clipped else []
        notes += [EPSILON] if self.epsilon else []
        notes += self.notes
        notes += [misnamed_message(s) for s in evidence.steps if self._is_misnamed(s)]
        notes += [s.message for s in self._strays if not s.is_mistake]
        notes += self._opinions
        notes += [AMBIGUOUS] if any(f.others for f in self.found) else []
        notes += [CUT_OFF] if self.cut_off else []
        return list(dict.fromkeys(notes))

    def _unconnected(self, step: Step) -> Line:
        value = np.asarray(self.known.values.get(step.tensor, 0.0))
        right = step.value.shape == value.shape and not np.any(step.value)
        size = float(np.max(np.abs(step.value), initial=0))
        message = ""
        if not right:
            message = f"the loss does not depend on {step.tensor}: {step.name} should be 0"
        return Line(
            *(step.name, step.tensor, "correct" if right else "wrong", float(size > 0), size),
            *(step.value.shape, value.shape, None if right else "unknown", message, step.line),
        )

    def _missing(self) -> list[Line]:
        """Verdicts on inputs without a gradient whose names are like those with one."""
        if self.back.error is not None:
            return []
        derived = {s.tensor for s in [*self.evidence.steps, *self.evidence.unconnected]}
        leaves = set(self.known.inputs)
        letters = {re.sub(r"\d+", "", n) for n in derived & leaves if re.search(r"\d", n)}
        lines = []
        for name in sorted(n for n in leaves - derived if not n.startswith("input ")):
            numbered = re.search(r"\d", name) and re.sub(r"\d+", "", name) in letters
            if numbered and not self._is_constant(name):
                shape = self.known.inputs[name].tensor.shape
                message = f"there is no d{name}"
                lines.append(Line(f"d{name}", name, "missing", 1.0, 0.0, (), shape, None, message))
        return lines

    def _is_constant(self, name: str) -> bool:
        """Whether the loss does not change with an input, such as a bias before a batch norm."""
        true = self.evidence.graph.arrivals().get(self.known.inputs[name].tensor._node)
        floor = self.evidence.tolerance.floor * self.evidence.tolerance.relative
        return true is None or max_abs(true) <= floor

    def _raised(self) -> Line:
        """The verdict on the line in which the backward pass raised."""
        error, line = self.back.error, self.back.error_line
        statement = statement_on(self.back, line, self.back.error_file)
        name, shapes = "?", ""
        if statement is not None:
            targets = targets_of(statement)
            name = ast.unparse(targets[0]) if targets else "?"
            shapes = shapes_in(statement, self.back.error_scope)
        tensor = self.known.among(name) or "?"
        expected = np.shape(self.known.values.get(tensor, 0.0))
        message = f"line {line} raised {type(error).__name__}: {error}{shapes}"
        infinite = float("inf")
        return Line(name, tensor, "wrong", infinite, infinite, (), expected, "shape", message, line)


def _changed_by(edit: Edit) -> str:
    """What an edited statement assigns, or the function that contains it."""
    statement: Any = edit.place.statement
    if isinstance(statement, ast.If):
        return f"if {ast.unparse(statement.test)}"
    is_loop = isinstance(statement, ast.For)
    # What is missing after a loop is a statement of its own.
    targets = targets_of(edit.statements[-1] if is_loop else statement)
    name = ast.unparse(targets[0]) if targets else edit.place.definition.told
    return f"for {name}" if is_loop and len(edit.statements) == 1 else name


def _of_update(stray: Stray) -> Line:
    """The verdict on an update that moves a parameter the wrong way."""
    shape, nothing, name = np.shape(stray.event.value), float("nan"), stray.event.name
    told = stray.cause, stray.message, stray.event.line
    return Line(name, name, "wrong", nothing, nothing, shape, shape, *told)


def _unmarked(step: Step) -> Line:
    shape, nothing = step.value.shape, float("nan")
    message = unmarked_message(step)
    return Line(
        *(step.name, "?", "unmarked", nothing, nothing, shape, shape, None, message, step.line)
    )


def _called(step: Step) -> str:
    """The name of a step; without one the target of its statement, or its function."""
    if _has_name(step):
        return step.name
    if step.event is None:
        return "?"
    targets = targets_of(step.event.place.statement)
    return ast.unparse(targets[0]) if targets else step.event.place.definition.told


def _returned_for(event: Event, back: Execution) -> Event | None:
    """What a person's function returned, where a statement only calls it; None elsewhere."""
    array = event.array
    if array is None or not isinstance(getattr(event.place.statement, "value", None), ast.Call):
        return None
    returned = [
        e
        for e in back.events
        if e.serial < event.serial and e.frame > event.frame and equal_arrays(e, array)
        if isinstance(e.place.statement, ast.Return)
    ]
    # What is called several times and is right elsewhere is no helper to blame.
    frames = {e.frame for e in back.events if returned and e.place is returned[-1].place}
    return returned[-1] if len(frames) == 1 else None


def _has_name(step: Step) -> bool:
    return not is_unnamed(step.name)


def _once_each(lines: list[Line], inputs: Collection[str]) -> list[Line]:
    """The verdicts, one for each name and line: of the rounds of a loop, the worst."""
    order = ("wrong", "inherited", "unmarked", "convention", "correct")
    kept: dict[tuple[str, str, Any], Line] = {}
    for line in lines:
        at = line.name, line.tensor if line.tensor in inputs else "", line.line
        other = kept.get(at)
        # Of wrong rounds, the first one tells why.
        is_worse = other is None or order.index(line.status) < order.index(other.status)
        if is_worse or (line.status == other.status != "wrong"):  # type: ignore[union-attr]
            kept[at] = line
    return list(kept.values())
