"""The verdict on each hand-derived gradient, and the words for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from autograd_lite.check.causes import Cause, find_causes
from autograd_lite.check.derived import Derived, expression_of, tensor_of, written_out
from autograd_lite.check.differences import abs_difference, difference_message, largest, max_abs
from autograd_lite.check.marking import ForwardGraph, Tolerance, fit, going_on, read
from autograd_lite.check.perturbation import Nudged
from autograd_lite.check.recording import (
    Recording,
    flat_inputs,
    sample_counts,
    sizes_of_data,
)
from autograd_lite.check.report import Line, Report
from autograd_lite.check.wrong_line import WrongLine
from autograd_lite.functions import Traits, traits
from autograd_lite.graph import Leaf, Node, ancestors
from autograd_lite.observe import Run, Scope, flat, is_value, target_name


class Marker:
    """Makes the report of a recording and a backward pass."""

    def __init__(
        self,
        recording: Recording,
        back: Run,
        derived: list[Derived],
        inputs: tuple[Any, ...],
        plain: Run,
        tolerance: float | None,
    ) -> None:
        self.back = back
        self.derived = [d for d in derived if d.tensor in recording.tensors]
        unmarked = [d for d in derived if d.tensor in recording.ambiguous]
        self.unconnected = [
            d
            for d in derived
            if d.tensor not in recording.tensors and d.tensor not in recording.ambiguous
        ]
        self.recording = recording
        self.plain = plain
        self.inputs = inputs
        self.graph = ForwardGraph(recording.loss, recording.tensors)
        self.own: dict[str, np.ndarray] = {}
        for d in self.derived:
            self.own.setdefault(d.tensor, d.value)
        if tolerance is None:
            tolerance = 1e-3 if recording.loss.dtype.itemsize < 8 else 1e-6
        with_gradient = {d.tensor for d in derived}
        self.sizes = sizes_of_data(plain, inputs, with_gradient)
        self.truth = truth = self.graph.gradients({})
        scale = max(map(max_abs, truth.values()), default=0.0)
        self.tolerance = Tolerance(tolerance, 1e-6 * tolerance * scale)
        lines = {d.tensor: d.line for d in self.derived}
        counts = sample_counts(plain, inputs, with_gradient)
        self.interpretation = read(self.graph, self.own, lines, counts, truth, self.tolerance)
        self._take_earlier_values(lines, counts)
        self.perturbed: Nudged | None = None
        self.notes = [
            f"{d.name} is not marked: {d.tensor} stands for several values in the forward pass; "
            "give each a name of its own"
            for d in unmarked
        ]

    def report(self) -> Report:
        lines = [self._line(d) for d in self.derived]
        lines += [self._unconnected_line(d) for d in self.unconnected]
        lines += self._missing()
        if self.back.error is not None:
            lines.append(self._raised())
        return Report(tuple(lines), tuple([*self._conventions(), *dict.fromkeys(self.notes)]))

    def _take_earlier_values(self, lines: dict[str, int | None], counts: list[int]) -> None:
        """Takes the first value of a name that is used again for the gradient of what comes
        before."""
        for d in self.derived:
            is_result = isinstance(self.graph.tensors[d.tensor]._node, Node)
            if (
                self.interpretation.status[d.tensor] != "wrong"
                or not is_result
                or d.assigned is None
            ):
                continue
            for _, scope in d.assigned.statements[1:]:
                earlier = scope.get(d.name)
                if not isinstance(earlier, np.ndarray) or d.value is not self.own[d.tensor]:
                    continue
                own = self.own | {d.tensor: earlier}
                interpretation = read(self.graph, own, lines, counts, self.truth, self.tolerance)
                if interpretation.faults(lines) < self.interpretation.faults(lines):
                    d.value = earlier
                    self.own, self.interpretation = own, interpretation
                    break

    def _line(self, d: Derived) -> Line:
        interpretation = self.interpretation
        status = interpretation.status[d.tensor]
        expected = interpretation.truth[d.tensor]
        if d.value is not self.own[d.tensor]:
            status = self._status_of_another(d)
        if status == "wrong":
            expected = interpretation.expected[d.tensor]
        cause, message = None, ""
        if status == "wrong":
            cause, message = self._explained(d, expected)
        elif status == "inherited":
            after = self.graph.after(d.tensor, self.own)
            befores = [n for n in after if interpretation.status[n] in ("wrong", "inherited")]
            names = {e.tensor: e.name for e in self.derived}
            passed = ", ".join(names[n] for n in befores) or "a line before"
            message = f"{d.name} is right in itself, and passes on the error of {passed}"
        if d.value.shape == expected.shape:
            absolute, error = largest(abs_difference(d.value, expected), d.value, expected)
        else:
            absolute = error = float("inf")
        return Line(
            *(d.name, d.tensor, status, error, absolute, d.value.shape, expected.shape),
            *(cause, message, d.line),
        )

    def _status_of_another(self, d: Derived) -> str:
        """The status of a second gradient of the same tensor."""
        truth, expected = (
            self.interpretation.truth[d.tensor],
            self.interpretation.expected[d.tensor],
        )
        if self.tolerance.same(d.value, truth):
            return "convention" if self.interpretation.scales[d.tensor] != 1 else "correct"
        return "inherited" if self.tolerance.same(d.value, expected) else "wrong"

    def _explained(self, d: Derived, expected: np.ndarray) -> tuple[str, str]:
        causes = find_causes(self._wrong_line(d, expected), self.tolerance)
        where = f"line {d.line}: " if d.line else ""
        if d.value.shape == expected.shape:
            distance = abs_difference(d.value, expected)
            what = difference_message(d.name, distance, d.value, expected)
            what += _from_whom(self.graph.after(d.tensor, self.own), self.derived)
        else:
            what = f"{d.name} has shape {d.value.shape}, but {d.tensor} has shape {expected.shape}"
        self._third_opinion(d)
        if not causes:
            shape = d.value.shape != expected.shape
            pattern = "" if shape else _pattern(d, expected, self.tolerance)
            return ("shape" if shape else "unknown"), f"{where}{what}{pattern}"
        text = f"{where}{what}; {_because(causes)}"
        if len(causes) > 1:
            self.notes.append(
                "where two causes fit, inputs tell them apart whose widths are unequal, whose "
                "number of samples is not 1 or a width, and whose values have no symmetry"
            )
        return causes[0].kind, text

    def _wrong_line(self, d: Derived, expected: np.ndarray) -> WrongLine:
        expression, scope = expression_of(d)
        names_of_all = {e.name for e in self.derived}
        expressions = [] if expression is None else [expression]
        for written in list(expressions):
            out = written_out(written, self.back, names_of_all)
            if ast.dump(out) != ast.dump(written):
                expressions.append(out)
        interpretation = self.interpretation
        names = {e.tensor: e.name for e in self.derived}
        others = {names[t]: interpretation.expected[t] for t in self.own if t != d.tensor}
        return WrongLine(
            name=d.name,
            tensor=d.tensor,
            given=d.value,
            expected=expected,
            others=others,
            incoming=self._incoming,
            masks=frozenset(n for n in self.recording.tensors if self._is_masked(n)),
            broadcast=self._is_broadcast(d.tensor),
            parts=lambda: self._parts(d.tensor),
            activations=self._activations(),
            values={n: v for n, v in self.recording.values.items() if is_value(v)},
            sizes=self.sizes,
            assigned=d.assigned,
            expressions=expressions,
            scope=dict(scope),
            run=self.back,
        )

    def _incoming(self) -> dict[str, np.ndarray]:
        """The gradient at each named tensor, the person's own where there is one."""
        local, factor = self.interpretation.local, self.interpretation.factor
        results = {n for n, t in self.recording.tensors.items() if isinstance(t._node, Node)}
        return {n: self.own[n] if n in self.own else local[n] * factor for n in results}

    def _parts(self, tensor: str) -> dict[str, np.ndarray]:
        """The contribution of each of the nearest gradients after a tensor to its own."""
        own = {n: g for n, g in going_on(self.graph, self.own, 1).items() if n != tensor}
        scale = self.interpretation.scales[tensor] / self.interpretation.factor
        nothing = {n: np.zeros_like(g) for n, g in own.items()}
        direct = self.graph.gradients(nothing)[tensor]
        parts = {"the loss itself": direct * self.interpretation.scales[tensor]}
        for name in self.graph.after(tensor, own):
            if name in own:
                alone = self.graph.gradients(nothing | {name: own[name]})[tensor]
                parts[name] = (alone - direct) * scale
        return parts

    def _activations(self) -> dict[str, frozenset[str]]:
        """By name of an activation, the named tensors that it is an element-wise function of."""
        at: dict[Any, list[str]] = {}
        for name, tensor in self.recording.tensors.items():
            at.setdefault(tensor._node, []).append(name)
        return {
            name: frozenset(_activated(tensor._node, at))
            for name, tensor in self.recording.tensors.items()
            if isinstance(tensor._node, Node)
        }

    def _is_masked(self, name: str) -> bool:
        node = self.recording.tensors[name]._node
        return isinstance(node, Node) and _is_elementwise(node) and traits_of(node).kinked

    def _is_broadcast(self, name: str) -> bool:
        """Whether an element-wise operation has stretched the tensor."""
        node: Any = self.recording.tensors[name]._node
        return any(
            _is_elementwise(user) and user.shape != node.shape
            for user in ancestors([self.graph.root])
            if any(parent is node for parent in user.parents or ())
        )

    def _third_opinion(self, d: Derived) -> None:
        """Tells what numerical differentiation of the plain forward pass gives for a disputed
        gradient."""
        truth = self.truth[d.tensor]
        scale = self.interpretation.scales[d.tensor]
        fitted = fit(d.value, truth.shape)
        # Where the two differ, so that the answer tells them apart.
        direction = np.sign(truth if fitted is None else fitted / scale - truth)
        if not np.any(direction):
            return
        self.perturbed = self.perturbed or Nudged(self.plain, self.inputs)
        try:
            slope = self.perturbed.slope(d.tensor, direction)
        except Exception:
            return
        if not slope or not np.isfinite(slope):
            return
        theirs = None if fitted is None else float(np.sum(fitted / scale * direction))
        ours = float(np.sum(truth * direction))
        near = 1e-4 * max(abs(slope), float(np.sum(np.abs(truth * direction))), 1e-8)
        if abs(slope - ours) <= near:
            self.notes.append(
                f"differences of the forward pass confirm the chain rule for {d.name}"
            )
        elif theirs is not None and abs(slope - theirs) <= near:
            self.notes.append(
                f"ATTENTION: differences of the forward pass support YOUR {d.name} ({slope:.6g}), "
                f"not the chain rule ({ours:.6g}). Please report this as a bug of autograd_lite"
            )
        else:
            self.notes.append(
                f"differences of the forward pass give {slope:.6g} for {d.name} along a direction "
                f"in which the chain rule gives {ours:.6g}: is there a kink or a jump nearby?"
            )

    def _conventions(self) -> list[str]:
        interpretation = self.interpretation
        used = [d for d in self.derived if interpretation.status[d.tensor] == "convention"]
        notes = []
        if interpretation.factor != 1 and any(interpretation.scales[d.tensor] != 1 for d in used):
            size = int(interpretation.factor)
            where = (
                "throughout" if interpretation.everywhere else "until the division in the last step"
            )
            notes.append(
                f"convention: gradients of {size} times the loss ({self.sizes[size]}) {where}; "
                "that is no mistake"
            )
        at_zero = [d.name for d in used if d.tensor in interpretation.at_zero]
        if at_zero:
            notes.append(
                f"convention: {', '.join(at_zero)} takes another derivative at exactly 0, where "
                "there is a kink; that is no mistake"
            )
        return notes

    def _unconnected_line(self, d: Derived) -> Line:
        value = np.asarray(self.recording.values.get(d.tensor, 0.0))
        right = d.value.shape == value.shape and not np.any(d.value)
        message = "" if right else f"the loss does not depend on {d.tensor}: {d.name} should be 0"
        size = float(np.max(np.abs(d.value), initial=0))
        return Line(
            *(d.name, d.tensor, "correct" if right else "wrong", float(size > 0), size),
            *(d.value.shape, value.shape, None if right else "unknown", message, d.line),
        )

    def _missing(self) -> list[Line]:
        """Inputs named like one whose gradient was derived, without a gradient of their own."""
        if self.back.error is not None:
            return []
        derived = {d.tensor for d in [*self.derived, *self.unconnected]}
        leaves = {n for n, v in flat_inputs(self.plain, self.inputs)}
        letters = {re.sub(r"\d+", "", n) for n in derived & leaves if re.search(r"\d", n)}
        lines = []
        for name in sorted(leaves - derived):
            if re.search(r"\d", name) and re.sub(r"\d+", "", name) in letters:
                shape = np.shape(dict(flat_inputs(self.plain, self.inputs))[name])
                message = f"there is no d{name}"
                lines.append(Line(f"d{name}", name, "missing", 1.0, 0.0, (), shape, None, message))
        return lines

    def _raised(self) -> Line:
        """The line in which the backward pass ended with an exception."""
        error, at = self.back.error, self.back.error_at
        name, shapes = "?", ""
        if at is not None:
            statement, scope = at
            targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
            if targets[0] is not None:
                known = target_name(targets[0], scope, self.back)
                name = known or ast.unparse(targets[0])
            shapes = _shapes(statement, scope, self.back)
        tensor = tensor_of(name, set(self.recording.values), {}, bare=False) or "?"
        expected = np.shape(self.recording.values.get(tensor, 0.0))
        line = self.back.error_line
        message = f"line {line} raised {type(error).__name__}: {error}{shapes}"
        infinite = float("inf")
        return Line(name, tensor, "wrong", infinite, infinite, (), expected, "shape", message, line)


def _activated(node: Node, at: Mapping[Any, list[str]]) -> list[str]:
    """The named tensors that a node is a non-linear function of, element by element."""
    found: list[str] = []
    stack = [(node, False)]
    seen: set[Node | Leaf] = {node}
    while stack:
        operation, bent = stack.pop()
        if not _is_elementwise(operation):
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


def traits_of(node: Node) -> Traits:
    """The traits of a node's operation."""
    return traits(node.plan.operation.function)


def _is_bent(node: Node) -> bool:
    """Whether an element-wise operation is non-linear: also a product with a mask."""
    if traits_of(node).linear is None:
        return True
    return any(getattr(parent, "dtype", None) == np.bool_ for parent in node.parents or ())


def _is_elementwise(node: Node) -> bool:
    return traits_of(node).elementwise


def _from_whom(after: list[str], derived: list[Derived]) -> str:
    names = {d.tensor: d.name for d in derived}
    known = [names[n] for n in after if n in names]
    return f" by the chain rule from your {' and '.join(known)}" if known else ""


def _because(causes: list[Cause]) -> str:
    first = causes[0].text
    others = [cause.text for cause in causes[1:3]]
    return first + "".join(f"; or {text}" for text in others)


def _pattern(d: Derived, expected: np.ndarray, tolerance: Tolerance) -> str:
    """Describes where a gradient differs, for one whose cause is not known."""
    with np.errstate(invalid="ignore"):
        apart = np.abs(d.value - expected)
    largest = max(float(np.max(np.abs(expected), initial=0)), tolerance.floor)
    off = ~(apart <= tolerance.relative * largest)
    count = int(np.sum(off))
    text = f"; it differs in {count} of {off.size} elements"
    if off.ndim == 2 and 0 < count < off.size:
        for axis, what in ((0, "columns"), (1, "rows")):
            hit = np.flatnonzero(np.any(off, axis=axis))
            if len(hit) < off.shape[1 - axis] and count == len(hit) * off.shape[axis]:
                text += f", all of them in the {what} {', '.join(map(str, hit[:5]))}"
    return text


def _shapes(statement: ast.stmt, scope: Scope, run: Run) -> str:
    """The shapes of the arrays that a statement names, as a remark in brackets."""
    shapes = {}
    known = dict(flat(scope))
    for node in ast.walk(statement):
        if isinstance(node, (ast.Name, ast.Subscript)):
            name = target_name(node, scope, run)
            if name is not None and hasattr(known.get(name), "shape"):
                shapes[name] = known[name].shape
    listed = ", ".join(f"{name} has shape {shape}" for name, shape in shapes.items())
    return f" ({listed})" if listed else ""
