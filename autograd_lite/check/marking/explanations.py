"""The texts of verdicts: why a line is wrong, where a gradient differs, which shapes it reads."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from autograd_lite.check.marking.assignments import targets_of, texts_in
from autograd_lite.check.marking.chain_rule import Tolerance
from autograd_lite.check.marking.execution import Event, Execution
from autograd_lite.check.marking.steps import Step
from autograd_lite.check.marking.wrong_line import Found


def because(found: Found) -> str:
    """A text on what is wrong with a line, and how it should read."""
    edit = found.edit
    where = ""
    name = edit.place.definition.told
    targets = targets_of(edit.place.statement)
    if targets and not isinstance(edit.place.statement, ast.For):
        where = f"in the line of {ast.unparse(targets[0])}, "
    text = where + edit.text
    for other in found.others:
        text += f"; or {other.text}"
    lines = edit.as_written()
    if lines is not None:
        return f"{text}. In {name}: {lines[0]}  should be  {lines[1]}"
    written = ast.unparse(edit.place.statement)
    if "\n" not in written and len(written) < 160 and "__watch__" not in edit.written:
        text += f". In {name}: {written}  should be  {edit.written}"
    return text


def pattern(value: np.ndarray, expected: np.ndarray, tolerance: Tolerance) -> str:
    """A text on where a gradient differs, for a mistake without a known cause."""
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


def shapes_in(statement: ast.stmt, scope: dict[str, Any]) -> str:
    """The shapes of the arrays that a statement names, in brackets; empty without arrays."""
    shapes = {}
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and hasattr(scope.get(node.id), "shape"):
            shapes[node.id] = scope[node.id].shape
    listed = ", ".join(f"{name} has shape {shape}" for name, shape in shapes.items())
    return f" ({listed})" if listed else ""


def never_added_to(step: Step, back: Execution) -> Event | None:
    """The event that made a gradient as an array of zeros to which nothing was added.

    A multiple of such an array counts as well. None for other gradients.
    """
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


def undefined_message(name: str) -> str:
    return (
        f"{name} cannot be marked: the true gradient is NaN or infinite on these inputs; mark the "
        "derivation on other inputs"
    )


def statement_on(back: Execution, line: int | None, file: str | None) -> ast.stmt | None:
    """The innermost statement on a line of a file; None if there is none."""
    found = [
        p.statement
        for p in back.sources.places
        if line is not None
        and p.definition.filename == file
        and p.statement.lineno <= line <= (p.statement.end_lineno or line)
    ]
    return found[-1] if found else None
