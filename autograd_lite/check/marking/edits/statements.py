"""Edits of whole statements, and edits that add a missing term or statement."""

from __future__ import annotations

import ast
import copy
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd_lite.check.marking.assignments import targets_of
from autograd_lite.check.marking.edits.factors import OTHER_SIGN
from autograd_lite.check.marking.edits.line import Edit, Line, all_rows, values_assigned
from autograd_lite.check.marking.edits.trees import (
    THROUGH,
    in_index,
    is_called,
    is_shape,
    parsed,
    read_from,
    text_of,
    times,
)
from autograd_lite.check.marking.rewriting import WATCH


def statements(line: Line) -> Iterator[Edit]:
    """Edits that exchange `=` and `+=`, remove a statement, or add at repeated indices."""
    statement = line.statement
    yield from _sums_of_items(line)
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        read = {ast.unparse(n) for n in ast.walk(statement.value)}
        # A target that is computed from its old value is not overwritten by mistake.
        if not isinstance(target, (ast.Tuple, ast.List)) and ast.unparse(target) not in read:
            added = ast.AugAssign(target, ast.Add(), statement.value)  # type: ignore[arg-type]
            text = (
                f"{text_of(target)} is overwritten where contributions add up: write += in this "
                "line"
            )
            yield line.whole("accumulate", text, [added])
        if isinstance(target, ast.Subscript) and _repeats(line.at(target.slice)):
            yield _at_repeated_indices(line, target, "add")
        if isinstance(target, ast.Subscript) and _is_plain_number(line.at(statement.value)):
            changes: tuple[tuple[ast.operator, str, str], ...] = (
                (ast.Sub(), "this number should be subtracted", "-="),
                (ast.Mult(), "it should be multiplied", "*="),
            )
            for operator, what, sign in changes:
                changed = ast.AugAssign(target, operator, statement.value)
                text = f"{text_of(target)} is overwritten where {what}: write {sign}"
                yield line.whole("accumulate", text, [changed], 0.9)
        if isinstance(target, ast.Subscript) and line.is_mask(target.slice):
            others = (n for n in line.constants if ast.dump(n) != ast.dump(statement.value))
            for number in others:
                scaled = ast.AugAssign(target, ast.Mult(), number)
                text = f"{text_of(target)} should be multiplied by {text_of(number)}"
                yield line.whole("mask", text, [scaled], 0.85)
    if isinstance(statement, ast.AugAssign):
        assigned = ast.Assign([statement.target], statement.value)
        text = f"{text_of(statement.target)} is added to where it should be assigned: write ="
        # For `-=` it is likelier that the sign is wrong.
        weight = 0.8 if isinstance(statement.op, ast.Sub) else 1.0
        yield line.whole("accumulate", text, [assigned], weight)
        if isinstance(statement.op, (ast.Add, ast.Sub)):
            text = f"the line adds to {text_of(statement.target)} too often"
            yield line.whole("accumulate", text, [_nothing(statement.target)], 0.6)
        target = statement.target
        if isinstance(target, ast.Subscript) and isinstance(statement.op, (ast.Add, ast.Sub)):
            name = "add" if isinstance(statement.op, ast.Add) else "subtract"
            yield _at_repeated_indices(line, target, name)
    yield from _at_an_index(line)
    yield from _as_a_whole(line)
    if _is_masking(statement):
        nothing = _nothing(statement.targets[0])
        yield line.whole("mask", f"{text_of(statement)} should be left out", [nothing], 0.7)


def _sums_of_items(line: Line) -> Iterator[Edit]:
    """Edits that add what a comprehension takes from a list and does not use.

    `[n + d for n, d in zip(sums, new)]` for `[d for n, d in zip(sums, new)]`.
    """
    for node, _ in line.nodes:
        if not isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            continue
        taken = (n for g in node.generators for n in ast.walk(g.target))
        used = {n.id for n in ast.walk(node.elt) if isinstance(n, ast.Name)}
        for name in (n.id for n in taken if isinstance(n, ast.Name) and n.id not in used):
            added = ast.BinOp(ast.Name(name, ast.Load()), ast.Add(), node.elt)
            text = f"{name} is left out where contributions add up: write {text_of(added)}"
            yield line.edit("accumulate", text, node.elt, added)


def _at_repeated_indices(line: Line, target: ast.Subscript, name: str) -> Edit:
    at = parsed(f"np.{name}.at")
    call = ast.Call(at, [read_from(target.value), target.slice, line.statement.value], [])
    text = (
        f"{text_of(target)} counts a repeated index only once: write "
        f"np.{name}.at({text_of(target.value)}, {text_of(target.slice)}, ...)"
    )
    return line.whole("accumulate", text, [ast.Expr(call)], 1.2)


def _repeats(index: Any) -> bool:
    """Whether an index selects an element more than once."""
    is_whole = isinstance(index, np.ndarray) and index.dtype.kind in "iu"
    return is_whole and np.unique(index).size < index.size


def _at_an_index(line: Line) -> Iterator[Edit]:
    """Edits that change one row of an array that a statement changes as a whole."""
    statement = line.statement
    if not isinstance(statement, ast.AugAssign) or not isinstance(statement.target, ast.Name):
        return
    whole = read_from(statement.target)
    shape, added = line.shape(whole) or (), line.shape(statement.value)
    if len(shape) == 2 and added == shape[1:]:
        for index in _classes(line, shape):
            row = ast.Subscript(whole, parsed(index), ast.Store())
            text = f"{text_of(whole)} is changed in every row: write {text_of(whole)}[{index}]"
            changed = ast.AugAssign(row, statement.op, statement.value)
            yield line.whole("index", text, [changed], 0.9)
    if len(shape) == 2 and added == shape and isinstance(statement.op, (ast.Add, ast.Sub)):
        yield from _without_biases(line, whole)


def _as_a_whole(line: Line) -> Iterator[Edit]:
    """Edits that add all of an array where a part is added: `dU += d` for `dU[i] += d[i]`."""
    statement = line.statement
    if not isinstance(statement, ast.AugAssign) or not isinstance(statement.target, ast.Subscript):
        return
    index, value = ast.dump(statement.target.slice), statement.value
    if not isinstance(value, ast.Subscript) or ast.dump(value.slice) != index:
        return
    target: Any = copy.copy(statement.target.value)
    if line.shape(target) is None or line.shape(target) != line.shape(value.value):
        return
    target.ctx = ast.Store()
    text = f"all of {text_of(value.value)} should be added, not only [{ast.unparse(value.slice)}]"
    whole = ast.AugAssign(target, statement.op, value.value)
    yield line.whole("index", text, [whole], 0.95)


def _without_biases(line: Line, whole: ast.expr) -> Iterator[Edit]:
    """Edits that leave out the first column or row of weights, where people keep the biases."""
    statement = line.statement
    for index, what in (("[:, 1:]", "column"), ("[1:]", "row")):
        part: Any = parsed(f"({ast.unparse(whole)}){index}")
        part.ctx = ast.Store()
        rest = ast.Subscript(statement.value, part.slice, ast.Load())
        changed = ast.AugAssign(part, statement.op, rest)
        text = f"the first {what} of {text_of(whole)} is changed too: write {text_of(part)}"
        yield line.whole("index", text, [changed], 0.9)


def _is_plain_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and bool(value)


def _nothing(target: Any) -> ast.stmt:
    """A statement that leaves its target unchanged."""
    return ast.Assign([target], read_from(target))


def _is_masking(statement: Any) -> bool:
    targets = targets_of(statement)
    return isinstance(statement, ast.Assign) and isinstance(targets[0], ast.Subscript)


def missing_paths(line: Line) -> Iterator[Edit]:
    """Edits that add the gradient which arrives from one of the values computed from this one."""
    target = next(iter(targets_of(line.statement)), None)
    for old, name in values_assigned(line):
        for part, value in line.parts.items():
            term: ast.expr = parsed(f"{WATCH}.named({part!r})")
            if isinstance(target, ast.Subscript) and np.shape(value) != line.shape(old):
                # The statement writes into a part of an array: take that part of the term.
                term = ast.Subscript(term, target.slice, ast.Load())
            if line.shape(term) == line.shape(old):
                text = _told_missing(part.split(": ")[-1], name)
                weight = 0.85 if THROUGH in part else 0.9
                yield line.edit("term", text, old, ast.BinOp(old, ast.Add(), term), weight)


def _told_missing(origin: str, name: str) -> str:
    """What is missing where one of the parts of a gradient is."""
    if not origin.startswith(THROUGH):
        return f"the term that comes from {origin} is missing in {name}"
    values = origin.removeprefix(THROUGH)
    several = " and " in values
    taken, them = ("constants", "them") if several else ("a constant", "it")
    return f"{name} takes {values} for {taken}: the term that comes {THROUGH}{them} is missing"


def centred(line: Line) -> Iterator[Edit]:
    """Edits that subtract a mean or sum, as the gradient of a normalisation needs."""
    places = values_assigned(line) + [
        (n, text_of(n))
        for n, around in line.nodes
        if isinstance(n, (ast.Name, ast.BinOp))
        and not in_index(n, around)
        and not is_called(n, around)
    ]
    written = {n.id for n in ast.walk(line.place.definition.tree) if isinstance(n, ast.Name)}
    for old, name in places:
        others = [o for _, o, _ in line.alike(line.shape(old))]
        # What the derivation reads in this function is likelier than anything else of this shape.
        others.sort(key=lambda o: not (isinstance(o, ast.Name) and o.id in written))
        for axis, other in itertools.product(_axes(line, line.ndim(old)), (None, *others)):
            for mean in _means(old, other, axis):
                text = f"the term - {text_of(mean)} is missing in {name}"
                edit = line.edit("term", text, old, ast.BinOp(old, ast.Sub(), mean), 0.9)
                edit.is_projection = True
                yield edit


def _axes(line: Line, ndim: int) -> list[int | None]:
    """The axes of an array, those first over which the function sums or averages."""
    if ndim < 2:
        return [None] * ndim
    words = [n for n in ast.walk(line.place.definition.tree) if isinstance(n, ast.keyword)]
    named = [line.at(n.value) for n in words if n.arg == "axis"]
    first = [a % ndim for a in named if isinstance(a, int) and -ndim <= a < ndim]
    return [*dict.fromkeys([*first, *range(ndim)])]


def _means(old: ast.expr, other: ast.expr | None, axis: int | None) -> Iterator[ast.expr]:
    """Means and sums over an axis that the gradient of a normalisation lacks.

    With another array these are the three forms in which people write the gradient of a softmax
    and of a vector divided by its norm.
    """
    if other is not None and any(isinstance(n, ast.Sub) for n in ast.walk(old)):
        # What subtracts a sum already lacks no second one.
        return
    inner = old if other is None else times(old, other)
    for how in ("mean", "sum"):
        mean: ast.expr = ast.Call(ast.Attribute(inner, how, ast.Load()), [], _over(axis))
        yield mean if other is None else times(other, mean)
    if other is not None:
        yield ast.Call(ast.Attribute(inner, "sum", ast.Load()), [], _over(axis))
        yield times(other, ast.Call(ast.Attribute(old, "sum", ast.Load()), [], _over(axis)))


def _over(axis: int | None) -> list[ast.keyword]:
    kept = ast.keyword("keepdims", ast.Constant(True))
    return [kept] if axis is None else [ast.keyword("axis", ast.Constant(axis)), kept]


def left_out(line: Line) -> Iterator[Edit]:
    """Edits that add a statement after the line: a mask, or `-= 1` at the labels."""
    statement = line.statement
    targets = targets_of(statement)
    if not isinstance(statement, (ast.Assign, ast.AugAssign)) or len(targets) != 1:
        return
    target: Any = targets[0]
    yield from _subtracted_at_labels(line)
    value = line.at(read_from(target))
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        return
    # Where the line has a key, its gradient is the one after the missing statement.
    keeps = line.key is None
    for _, other, _ in line.alike(value.shape):
        masked = ast.AugAssign(
            target, ast.Mult(), ast.Compare(other, [ast.Gt()], [ast.Constant(0)])
        )
        text = f"after this line a mask is missing: {ast.unparse(masked)}"
        yield line.whole("mask", text, [statement, masked], 0.8, keeps=keeps)
    for told, slope, found in line.slopes if keeps else ():
        if np.shape(found) == value.shape:
            times_slope = ast.AugAssign(target, ast.Mult(), slope)
            text = f"after this line {told} is missing as a factor of {text_of(target)}"
            yield line.whole("activation", text, [statement, times_slope], 0.75, keeps=keeps)
    yield from _counts_subtracted(line)
    unused = [name for name, found in line.unused if np.shape(found) == value.shape[:1]]
    for index in _classes(line, value.shape):
        for less in (ast.Constant(1), *unused):
            at_label = ast.Subscript(read_from(target), parsed(index), ast.Store())
            subtracted = ast.AugAssign(at_label, ast.Sub(), less)
            text = f"after this line a term is missing: {ast.unparse(subtracted)}"
            yield line.whole("term", text, [statement, subtracted], 0.8, keeps=keeps)


def _subtracted_at_labels(line: Line) -> Iterator[Edit]:
    """Edits that subtract at the label what is added elsewhere: `dW[:, j] += x` wants both."""
    statement = line.statement
    if not isinstance(statement, ast.AugAssign) or not isinstance(statement.target, ast.Subscript):
        return
    target, opposite = statement.target, OTHER_SIGN.get(type(statement.op))
    shape = line.shape(read_from(target.value)) or ()
    indices = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
    for axis, index in enumerate(indices):
        if opposite is None or not isinstance(index, ast.Name) or axis >= len(shape):
            continue
        for label in _classes(line, shape[axis : axis + 1]):
            if label != index.id:
                other = [parsed(label) if i is index else i for i in indices]
                whole = ast.Tuple(other, ast.Load()) if len(other) > 1 else other[0]
                at_label = ast.Subscript(target.value, whole, ast.Store())
                added = ast.AugAssign(at_label, opposite(), statement.value)
                text = f"after this line a term is missing: {ast.unparse(added)}"
                yield line.whole("term", text, [statement, added], 0.8)


def _counts_subtracted(line: Line) -> Iterator[Edit]:
    """Edits that subtract at the labels what the line computes and nothing reads."""
    name: Any = targets_of(line.statement)[0]
    value = line.at(read_from(name))
    if not line.is_unread or np.ndim(value) != 1:
        return
    for _, array, found in line.references:
        if isinstance(array, ast.Name) and np.ndim(found) == 2 and len(found) == len(value):
            for index in _classes(line, np.shape(found)):
                at_labels = ast.Subscript(array, parsed(index), ast.Store())
                subtracted = ast.AugAssign(at_labels, ast.Sub(), read_from(name))
                text = f"after this line a term is missing: {ast.unparse(subtracted)}"
                yield line.whole("term", text, [line.statement, subtracted], 0.8)


def _classes(line: Line, shape: tuple[int, ...]) -> Iterator[str]:
    """The indices that labels select, as source text."""
    names = {
        ast.unparse(n)
        for tree in (line.place.definition.tree, *line.elsewhere)
        for n in ast.walk(tree)
        if isinstance(n, (ast.Name, ast.Subscript, ast.Attribute)) and not is_shape(n)
    }
    for name in sorted(names):
        value = line.at(parsed(name))
        is_whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if is_whole and 0 <= value < shape[0] and len(shape) < 3:
            yield name
        if isinstance(value, np.ndarray) and value.dtype.kind in "iu" and value.shape == shape[:1]:
            if len(shape) == 2:
                yield f"{all_rows(line, shape[0], name)}, {name}"
