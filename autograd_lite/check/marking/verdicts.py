"""The report of a derivation: a verdict for each gradient, and the words for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.check.differences import (
    abs_difference,
    difference_message,
    largest,
    max_abs,
)
from autograd_lite.check.marking.chain_rule import Interpretation, Tolerance, fit
from autograd_lite.check.marking.evidence import Evidence
from autograd_lite.check.marking.execution import Event, Execution
from autograd_lite.check.marking.forward import Setting
from autograd_lite.check.marking.handed_in import unmarked_message
from autograd_lite.check.marking.perturbation import slope
from autograd_lite.check.marking.rewriting import is_unnamed, targets_of, texts_in
from autograd_lite.check.marking.steps import Known, Step
from autograd_lite.check.marking.wrong_line import Found
from autograd_lite.check.report import RIGHT, Line
from autograd_lite.functions import traits
from autograd_lite.graph import Leaf, Node


@dataclass
class Verdicts:
    """Everything that a report is made of."""

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
        if self.back.error is not None:
            lines.append(self._raised())
        return lines

    def _line(self, step: Step) -> Line:
        key = step.key
        interpretation = self.interpretation
        status = interpretation.status[key]
        expected = interpretation.truth[key]
        value = self.evidence.own({key: step.value})[key]
        cause, message, number = None, "", step.line
        found = self._found_for(step)
        if status == "wrong":
            if self._is_explained_elsewhere(step, found):
                status = "inherited"
                first = found or (self.found[0] if self.found else self.unknown)
                line = None if first is None else first.line
                message = f"{step.name} is right in itself, and passes on the error of line {line}"
            else:
                expected = interpretation.expected[key]
                cause, message = self._explained(step, value, expected, found)
                number = self._line_to_blame(step, found)
        elif status == "inherited":
            message = f"{step.name} is right in itself, and passes on the error of "
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
            status, message = "unmarked", _undefined(step.name)
        tensor = step.tensor or self._name_of(step)
        name = step.name if _has_name(step) else _called(step)
        return Line(
            *(name, tensor, status, error, absolute, value.shape, expected.shape),
            *(cause, message, number),
        )

    def _line_to_blame(self, step: Step, found: Found | None) -> int | None:
        if found is not None:
            return found.line
        empty = never_added_to(step, self.back)
        return empty.line if step.line is None and empty is not None else step.line

    def _is_misnamed(self, step: Step) -> bool:
        """Whether a step is still wrong where all that is handed in is right."""
        is_wrong = self.interpretation.status.get(step.key) == "wrong"
        is_left = bool(self.found) and self._found_for(step) is None and step.key not in self.left
        return is_wrong and is_left and not step.final

    @property
    def loss_is_finite(self) -> bool:
        return bool(np.all(np.isfinite(self.evidence.recording.loss._value)))

    def _is_explained_elsewhere(self, step: Step, found: Found | None) -> bool:
        """Whether a wrong step is right once another line is."""
        if found is not None:
            return found.line != step.line
        if not self.found and self.unknown is not None:
            return step.line != self.unknown.line
        return bool(self.found) and step.key not in self.left

    def _found_for(self, step: Step) -> Found | None:
        return next((f for f in self.found if step.key in f.mended), None)

    def _name_of(self, step: Step) -> str:
        """What an unnamed place of the graph is the result of."""
        node: Any = self.evidence.forward.tensors[step.key]._node
        for name, versions in self.known.versions.items():
            if any(v._node is node for v in versions):
                return name
        return node.plan.operation.name if isinstance(node, Node) else "?"

    def _passed_on(self, step: Step) -> str:
        own = {s.key: s.value for s in self.evidence.steps}
        after = self.evidence.forward.after(step.key, own)
        status = self.interpretation.status
        names = {s.key: s.name for s in self.evidence.steps}
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
            what = difference_message(step.name, distance, sign * value, sign * expected)
            what += self._from_whom(step)
        else:
            what = (
                f"{step.name} has shape {value.shape}, but {step.tensor or self._name_of(step)} "
                f"has shape {expected.shape}"
            )
        if found is not None and id(found) in self._told:
            return found.edit.kind, f"line {line}: {step.name} as well"
        self._told.add(id(found))
        self._third_opinion(step, value)
        empty = never_added_to(step, self.back) if found is None else None
        if empty is not None:
            return "accumulate", f"{where}{what}; no statement adds to {empty.name}"
        if found is None:
            is_shape = value.shape != expected.shape
            pattern = "" if is_shape else _pattern(value, expected, self.evidence.tolerance)
            return ("shape" if is_shape else "unknown"), f"{where}{what}{pattern}"
        if found.edit.kind == "factor" and value.shape == expected.shape:
            what += self._times(step, value, expected)
        return found.edit.kind, f"{where}{what}; {_because(found)}"

    def _times(self, step: Step, value: np.ndarray, expected: np.ndarray) -> str:
        """Says how many times what it should be a gradient is, where that is a plain number."""
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
        return f": {step.name} is {shown} times what it should be"

    def _from_whom(self, step: Step) -> str:
        own = {s.key: s.value for s in self.evidence.steps}
        names = {s.key: s.name for s in self.evidence.steps if _has_name(s)}
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
            targets = targets_of(found.edit.place.statement)
            name = ast.unparse(targets[0]) if targets else found.edit.place.definition.name
            event = self._event_at(found)
            shape = np.shape(event.value) if event is not None else ()
            message = f"line {found.line}: {_because(found)}"
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
        """The verdict on the first value that is not understood, where no change helps."""
        shape = np.shape(event.value)
        message = (
            f"line {event.line}: {event.name} is the first value that is no gradient of anything "
            "in the forward pass, and what follows from it is wrong"
        )
        nothing = float("nan")
        return Line(
            *(event.name, "", "wrong", nothing, nothing, shape, shape, "unknown", message),
            event.line,
        )

    def _event_at(self, found: Found) -> Event | None:
        events = [e for e in self.back.events if e.place is found.edit.place]
        return events[-1] if events else None

    def _third_opinion(self, step: Step, value: np.ndarray) -> None:
        """Tells what numerical differentiation of the plain forward pass gives for a disputed
        gradient."""
        truth = self.evidence.truth[step.key]
        scale = self.interpretation.scales[step.key]
        fitted = fit(value, truth.shape)
        # Where the two differ, so that the answer tells them apart.
        direction = np.sign(truth if fitted is None else fitted / scale - truth)
        if not np.any(direction) or not step.tensor:
            return
        try:
            found = slope(self.setting, step.tensor, self.known.inputs.get(step.tensor), direction)
        except Exception:
            return
        if not found or not np.isfinite(found):
            return
        theirs = None if fitted is None else float(np.sum(fitted / scale * direction))
        ours = float(np.sum(truth * direction))
        near = 1e-4 * max(abs(found), float(np.sum(np.abs(truth * direction))), 1e-8)
        if abs(found - ours) <= near:
            self._opinions.append(
                f"differences of the forward pass confirm the chain rule for {step.name}"
            )
        elif theirs is not None and abs(found - theirs) <= near:
            self._opinions.append(
                f"ATTENTION: differences of the forward pass support YOUR {step.name} "
                f"({found:.6g}), not the chain rule ({ours:.6g}). Please report this as a bug of "
                "autograd_lite"
            )
        else:
            self._opinions.append(
                f"differences of the forward pass give {found:.6g} for {step.name} along a "
                f"direction in which the chain rule gives {ours:.6g}: is there a kink or a jump "
                "nearby?"
            )

    def remarks(self) -> list[str]:
        if any(f.others for f in self.found):
            self._opinions.append(
                "where two causes fit, inputs tell them apart whose widths are unequal, whose "
                "number of samples is not 1 or a width, and whose values have no symmetry"
            )
        notes = [self.silence] if self.silence else []
        misnamed = [misnamed_message(s) for s in self.evidence.steps if self._is_misnamed(s)]
        notes += [*self._conventions(), *self.notes, *misnamed, *self._opinions]
        if self.cut_off:
            notes.append(
                "the search for the mistake was cut off; give it more time with seconds=..."
            )
        return list(dict.fromkeys(notes))

    def _conventions(self) -> list[str]:
        interpretation, evidence = self.interpretation, self.evidence
        status = interpretation.status
        used = [s for s in evidence.steps if status[s.key] == "convention"]
        notes = []
        if evidence.direction == -1:
            notes.append("convention: descent directions, minus the gradients; that is no mistake")
        scaled = [s for s in used if interpretation.scales[s.key] != 1]
        if interpretation.factor != 1 and scaled:
            averaged = interpretation.factor < 1
            size = round(1 / interpretation.factor if averaged else interpretation.factor)
            where = (
                "throughout" if interpretation.everywhere else "until the division in the last step"
            )
            what = self.sizes.get(size, "a length of the data")
            notes.append(
                f"convention: gradients of {'1/' if averaged else ''}{size} times the loss "
                f"({what}) {where}; that is no mistake"
            )
        at_zero = [s.name for s in used if s.key in interpretation.at_zero]
        if at_zero:
            notes.append(
                f"convention: {', '.join(at_zero)} takes another derivative at exactly 0, where "
                "there is a kink; that is no mistake"
            )
        opposite = [s for s in evidence.steps if s.is_opposite and status[s.key] in RIGHT]
        if opposite:
            listed = ", ".join(
                dict.fromkeys(f"{s.name} is minus the gradient of {s.tensor}" for s in opposite)
            )
            notes.append(f"convention: {listed}, and goes on as such; that is no mistake")
        flat = [s.name for s in evidence.steps if self._lacks_leading_axes(s)]
        if flat:
            notes.append(
                f"convention: {', '.join(dict.fromkeys(flat))} lacks the first axis, of length 1; "
                "broadcasting puts it there, so that it is no mistake"
            )
        if self.clipped:
            notes.append(
                "convention: the gradients are clipped; marked is what they were before, as "
                "clipping is no part of a derivative"
            )
        if self.epsilon:
            notes.append(
                "convention: the small number in the loss is left out in the derivative; that is "
                "no mistake"
            )
        return notes

    def _lacks_leading_axes(self, step: Step) -> bool:
        own = self.evidence.own({step.key: step.value})[step.key]
        return own.shape != step.value.shape and own.size == step.value.size

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
        """Inputs named like one whose gradient was derived, without a gradient of their own."""
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
        """The line in which the backward pass ended with an exception."""
        error, line = self.back.error, self.back.error_line
        statement = _statement_at(self.back, line, self.back.error_file)
        name, shapes = "?", ""
        if statement is not None:
            targets = targets_of(statement)
            name = ast.unparse(targets[0]) if targets else "?"
            shapes = _shapes(statement, self.back.error_scope)
        tensor = self.known.among(name) or "?"
        expected = np.shape(self.known.values.get(tensor, 0.0))
        message = f"line {line} raised {type(error).__name__}: {error}{shapes}"
        infinite = float("inf")
        return Line(name, tensor, "wrong", infinite, infinite, (), expected, "shape", message, line)


def never_added_to(step: Step, back: Execution) -> Event | None:
    """The array of zeros, left as it was made, that a gradient is or is a multiple of."""
    if step.value.size < 2 or np.any(step.value):
        return None
    statement = step.event.place.statement if step.event is not None else None
    read = texts_in(statement) if statement is not None else set()
    for event in back.events:
        made = getattr(event.place.statement, "value", None)
        if made is None or not re.search(r"zeros|\b0(\.0)? \*", ast.unparse(made)):
            continue
        is_it = event is step.event or event.path in read or event.name == step.name
        if is_it and np.shape(event.value) == step.value.shape and not np.any(event.value):
            if sum(e.path == event.path for e in back.events) == 1:
                return event
    return None


def _undefined(name: str) -> str:
    return (
        f"{name} cannot be marked: the true gradient is NaN or infinite on these inputs; mark the "
        "derivation on others"
    )


def misnamed_message(step: Step) -> str:
    """The remark on a step that is called after a tensor, and is no gradient of it."""
    of = f"of {step.tensor}" if step.tensor else "of any value in the forward pass"
    return f"{step.name} is not marked: it is no gradient {of}"


def silence_of(evidence: Evidence) -> str:
    """Why gradients that are equal to the true ones need not be right on these inputs; "" if they
    are."""
    loss = float(np.asarray(evidence.recording.loss._value).reshape(()))
    if not np.isfinite(loss):
        return (
            f"the loss is {loss} on these inputs, so that no gradient can be told right from "
            "wrong: mark the derivation on others"
        )
    if evidence.steps and not any(map(np.any, evidence.truth.values())):
        return (
            "every gradient is 0 on these inputs, also of a wrong derivation, so that none can be "
            "called right: mark the derivation on others"
        )
    return ""


def _unmarked(step: Step) -> Line:
    shape, nothing = step.value.shape, float("nan")
    message = unmarked_message(step)
    return Line(
        *(step.name, "?", "unmarked", nothing, nothing, shape, shape, None, message, step.line)
    )


def _called(step: Step) -> str:
    """What a value without a name is called: what its statement assigns to, or its function."""
    if step.event is None:
        return "?"
    targets = targets_of(step.event.place.statement)
    return ast.unparse(targets[0]) if targets else f"{step.event.place.definition.name}()"


def _has_name(step: Step) -> bool:
    return not is_unnamed(step.name)


def _once_each(lines: list[Line], inputs: Collection[str]) -> list[Line]:
    """One verdict for each name and line; of a loop the worst of its rounds."""
    order = ("wrong", "inherited", "unmarked", "convention", "correct")
    kept: dict[tuple[str, str, Any], Line] = {}
    for line in lines:
        at = line.name, line.tensor if line.tensor in inputs else "", line.line
        other = kept.get(at)
        if other is None or order.index(line.status) <= order.index(other.status):
            kept[at] = line
    return list(kept.values())


def _because(found: Found) -> str:
    edit = found.edit
    where = ""
    name = edit.place.definition.name
    targets = targets_of(edit.place.statement)
    if targets:
        where = f"in the line of {ast.unparse(targets[0])}, "
    text = where + edit.text
    for other in found.others:
        text += f"; or {other.text}"
    lines = edit.as_written()
    if lines is not None:
        return f"{text}. In {name}(): {lines[0]}  should be  {lines[1]}"
    written = ast.unparse(edit.place.statement)
    if "\n" not in written and len(written) < 160 and "__watch__" not in edit.written:
        text += f". In {name}(): {written}  should be  {edit.written}"
    return text


def _pattern(value: np.ndarray, expected: np.ndarray, tolerance: Tolerance) -> str:
    """Describes where a gradient differs, for one whose cause is not known."""
    with np.errstate(invalid="ignore"):
        apart = np.abs(value - expected)
    biggest = max(float(np.max(np.abs(expected), initial=0)), tolerance.floor)
    off = ~(apart <= tolerance.relative * biggest)
    count = int(np.sum(off))
    text = f"; it differs in {count} of {off.size} elements"
    if off.ndim == 2 and 0 < count < off.size:
        for axis, what in ((0, "columns"), (1, "rows")):
            hit = np.flatnonzero(np.any(off, axis=axis))
            if len(hit) < off.shape[1 - axis] and count == len(hit) * off.shape[axis]:
                text += f", all of them in the {what} {', '.join(map(str, hit[:5]))}"
    return text


def _statement_at(back: Execution, line: int | None, file: str | None) -> ast.stmt | None:
    """The innermost statement on a line."""
    found = [
        p.statement
        for p in back.sources.places
        if line is not None
        and p.definition.filename == file
        and p.statement.lineno <= line <= (p.statement.end_lineno or line)
    ]
    return found[-1] if found else None


def _shapes(statement: ast.stmt, scope: dict[str, Any]) -> str:
    """The shapes of the arrays that a statement names, as a remark in brackets."""
    shapes = {}
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and hasattr(scope.get(node.id), "shape"):
            shapes[node.id] = scope[node.id].shape
    listed = ", ".join(f"{name} has shape {shape}" for name, shape in shapes.items())
    return f" ({listed})" if listed else ""


def activations(known: Known) -> dict[str, frozenset[str]]:
    """By name of an activation, the named tensors that it is an element-wise function of."""
    at: dict[Any, list[str]] = {}
    for name, versions in known.versions.items():
        at.setdefault(versions[-1]._node, []).append(name)
    return {
        name: frozenset(_activated(versions[-1]._node, at))
        for name, versions in known.versions.items()
        if isinstance(versions[-1]._node, Node)
    }


def _activated(node: Node, at: dict[Any, list[str]]) -> list[str]:
    """The named tensors that a node is a non-linear function of, element by element."""
    found: list[str] = []
    stack = [(node, False)]
    seen: set[Node | Leaf] = {node}
    while stack:
        operation, bent = stack.pop()
        if not _traits_of(operation).elementwise:
            continue
        bent = bent or _is_bent(operation)
        for parent in operation.parents or ():
            if not isinstance(parent, (Node, Leaf)) or parent in seen:
                continue
            seen.add(parent)
            if parent.shape != node.shape:
                continue
            if parent in at:
                found += at[parent] if bent else []
            elif isinstance(parent, Node):
                stack.append((parent, bent))
    return found


def _traits_of(node: Node) -> Any:
    return traits(node.plan.operation.function)


def _is_bent(node: Node) -> bool:
    """Whether an element-wise operation is non-linear: also a product with a mask."""
    if _traits_of(node).linear is None:
        return True
    return any(getattr(parent, "dtype", None) == np.bool_ for parent in node.parents or ())
