"""Edits that add a missing factor or term, whose size is measured by a trial.

Later gradients are linear in an earlier one, so one trial that doubles a factor or adds a term once
tells which multiple of it would be right.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd_lite.check.marking.assignments import targets_of
from autograd_lite.check.marking.edits.factors import OTHER_SIGN, scaled, scaled_by_unread
from autograd_lite.check.marking.edits.line import Edit, Line, values_assigned, written_arrays
from autograd_lite.check.marking.edits.trees import (
    in_index,
    is_called,
    numpy_call,
    read_from,
    text_of,
    times,
    transposed,
)
from autograd_lite.check.names import is_gradient_name, tensors_named_in

_RATE = re.compile(r"(?i)(^|[._])(lr|eta|\w*learning_?rate|step_?size)$")
"""Matches names of learning rates, which may equal a factor that is missing, and are none."""

_PLAIN = (-1.0, 2.0, 0.5, 4.0, -2.0, -0.5, 3.0)


def measured_factors(line: Line) -> Iterator[Edit]:
    """Edits that multiply the line's value, or an expression in it, by a measured factor."""
    seen: set[float] = set()
    for old, name in values_assigned(line):
        if not _is_number(line.at(old)) and not isinstance(old, (ast.Constant, ast.UnaryOp)):
            continue
        for number in _factors(line, line.edit("factor", "", old, times(old, ast.Constant(2)))):
            seen.add(round(number, 9))
            called = text_of(old) if number == -1 and _is_difference(old) else name
            yield from _scaled(line, old, called, number, 0.95)
    for node, around in line.nodes:
        if in_index(node, around) or is_called(node, around) or isinstance(node, ast.Constant):
            continue
        if not _is_number(line.at(node)) or any(node is old for old, _ in values_assigned(line)):
            continue
        is_term = bool(around) and type(getattr(around[-1], "op", None)) in OTHER_SIGN
        for number in _factors(line, line.edit("factor", "", node, times(node, ast.Constant(2)))):
            if is_term or round(number, 9) not in seen:
                seen.add(round(number, 9))
                what = f"the term {text_of(node)}" if is_term else text_of(node)
                yield from _scaled(line, node, what, number, 0.9)
    for target in written_arrays(line):
        yield from _scaled_beside(line, target)


def left_out_factors(line: Line) -> Iterator[Edit]:
    """Edits that scale a value after the line, where its own gradient is right by its name."""
    targets = targets_of(line.statement)
    if line.key is not None or not isinstance(line.statement, ast.Assign) or len(targets) != 1:
        return
    if isinstance(targets[0], ast.Name) and _is_number(line.at(read_from(targets[0]))):
        for edit in _scaled_beside(line, targets[0], keeps=True):
            if not edit.is_measured:
                edit.text = f"after this line {edit.text}"
                yield edit


def factors_after_loops(line: Line) -> Iterator[Edit]:
    """Edits that scale an array after the loop that adds to it: `dscores /= N`."""
    for target, writer in _added_to_in(line.statement).values():
        if _is_number(line.at(read_from(target))):
            for edit in _scaled_beside(line, target, keeps=True):
                if not edit.is_measured:
                    edit.text = f"after the loop {edit.text}"
                    edit.line = writer
                    yield edit


def _added_to_in(loop: Any) -> dict[str, tuple[ast.expr, int]]:
    """The arrays to whose entries a loop adds, each with the last line that does so."""
    found = {}
    for node in ast.walk(loop) if isinstance(loop, ast.For) else ():
        if isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Add, ast.Sub)):
            target: Any = node.target
            while isinstance(target, ast.Subscript):
                target = target.value
            if isinstance(target, (ast.Name, ast.Attribute)):
                whole = read_from(target)
                whole.ctx = ast.Store()
                found[ast.unparse(target)] = whole, node.lineno
    return found


def _scaled_beside(line: Line, target: Any, keeps: bool = False) -> Iterator[Edit]:
    """Edits that scale an array after the statement that writes into it, or before it."""
    loaded = read_from(target)
    adds = isinstance(line.statement, ast.AugAssign)
    for is_before in (False, True) if adds else (False,):

        def beside(scaled: ast.expr, is_before: bool = is_before) -> list[Any]:
            other = ast.Assign([target], scaled)
            return [other, line.statement] if is_before else [line.statement, other]

        twice = beside(times(loaded, ast.Constant(2)))
        for number in _factors(line, line.whole("factor", "", twice, keeps=keeps)):
            for new, shown in _scalings(line, loaded, number):
                where = "before this line " if is_before else ""
                kind, text = _told(where + text_of(target), number, shown)
                edit = line.whole(kind, text, beside(new), 0.8, keeps=keeps)
                edit.is_measured = _is_nameless(line, number, shown)
                edit.is_before = is_before
                yield edit


def _is_number(value: Any) -> bool:
    return isinstance(value, (np.ndarray, float, np.floating)) and (
        not isinstance(value, np.ndarray) or value.dtype.kind == "f"
    )


def _is_difference(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub)


def _factors(line: Line, twice: Edit) -> list[float]:
    """The factors that an expression lacks, measured by the effect of doubling it.

    Minus a length is a wrong sign, in gradients of the sum where the loss is the mean.
    """
    found = [_cleaned(1 + number) for number, _ in line.multiples(twice)]
    found = [number for number in found if abs(number) > 1e-9]
    return [-1.0 if _is_minus_a_length(number, line) else number for number in found]


def _is_minus_a_length(number: float, line: Line) -> bool:
    near = (abs(number * n + 1) < 1e-8 or abs(number / n + 1) < 1e-8 for n in line.sizes)
    return any(near)


def _cleaned(number: float) -> float:
    """A number with its rounding error removed."""
    near = float(f"{number:.9g}")
    return next((p for p in (1.0, *_PLAIN) if abs(near - p) < 1e-8), near)


def _scaled(line: Line, old: ast.expr, called: str, number: float, weight: float) -> Iterator[Edit]:
    for new, shown in _scalings(line, old, number):
        kind, text = _told(called, number, shown)
        edit = line.edit(kind, text, old, new, weight)
        edit.is_measured = _is_nameless(line, number, shown)
        yield edit


def _is_nameless(line: Line, number: float, shown: str) -> bool:
    """Whether a measured number is no plain one, the value of no variable, and written nowhere."""
    return number not in _PLAIN and shown == f"{number:.6g}" and not _is_written(line, number)


def _is_written(line: Line, number: float) -> bool:
    """Whether a number stands in the derivation."""
    written = (line.at(node) for node in line.constants)
    return any(value and abs(abs(number) / value - 1) < 1e-8 for value in written)


def _told(called: str, number: float, shown: str) -> tuple[str, str]:
    if number == -1:
        return "sign", f"{called} has the wrong sign"
    return "factor", f"{called} lacks a factor {shown}"


def _scalings(line: Line, node: ast.expr, number: float) -> Iterator[tuple[ast.expr, str]]:
    """The expression times a number, in its most readable form, and the text for the number."""
    size = next((n for n in line.sizes if n > 1 and abs(abs(number * n) - 1) < 1e-8), None)
    what = f" (one over {line.sizes[size]})" if size is not None else ""
    unread = scaled_by_unread(line, node, number)
    if unread is not None:
        yield unread
        return
    if number not in _PLAIN:
        what = what or (f" ({line.sizes[int(number)]})" if number in line.sizes else "")
        for factor, divides in _named(line, number):
            operator = ast.Div() if divides else ast.Mult()
            shown = f"1/{text_of(factor)}" if divides else text_of(factor)
            yield ast.BinOp(node, operator, factor), shown + what
            return
    if size is not None and number > 0:
        yield ast.BinOp(node, ast.Div(), ast.Constant(size)), f"1/{size}{what}"
    else:
        yield scaled(node, number), f"{number:.6g}{what}"


def _named(line: Line, number: float) -> Iterator[tuple[ast.expr, bool]]:
    """Variables, products and quotients that equal a number (False) or its inverse (True)."""
    near = [(node, value) for node, value in line.numbers if value not in (0, 1)]
    near = [(node, value) for node, value in near if not _RATE.search(ast.unparse(node))]
    for node, value in near:
        for is_over, other in ((False, value), (True, 1 / value)):
            if abs(number / other - 1) < 1e-8:
                yield node, is_over
    plain = (ast.Name, ast.Attribute, ast.Subscript)
    yield from _doubled(number, [(n, v) for n, v in near if isinstance(n, plain)])
    for i, (one, first) in enumerate(near):
        for other_node, second in near[i:]:
            if abs(number / (first * second) - 1) < 1e-8:
                yield times(one, other_node), False
            for a, b, ratio in (
                (one, other_node, first / second),
                (other_node, one, second / first),
            ):
                if ratio != 1 and abs(number / ratio - 1) < 1e-8:
                    yield ast.BinOp(a, ast.Div(), b), False
    yield from _doubled(number, near)


def _doubled(number: float, near: list[tuple[ast.expr, float]]) -> Iterator[tuple[ast.expr, bool]]:
    """Twice a known value, or half of it, that equals a number."""
    for node, value in near:
        if abs(number / (2 * value) - 1) < 1e-8:
            yield times(ast.Constant(2), node), False
        if abs(number / (0.5 * value) - 1) < 1e-8:
            yield ast.BinOp(node, ast.Div(), ast.Constant(2)), False


def measured_terms(line: Line) -> Iterator[Edit]:
    """Edits that add a missing term: a measured multiple of an array known at the line."""
    yield from _terms_beside_numbers(line)
    yield from _terms_after(line)
    places = values_assigned(line)
    places += [
        (node, "")
        for node, around in line.nodes
        if not in_index(node, around)
        and not is_called(node, around)
        and not any(node is old for old, _ in places)
        and not isinstance(node, ast.Constant)
    ]
    for old, name in places:
        value = line.at(old)
        if not _is_number(value):
            continue
        if not name:
            # Within a quotient or a power the effect is not linear, so no multiple is measured.
            for new, sign in (
                (ast.BinOp(ast.Constant(1), ast.Add(), old), "+"),
                (ast.BinOp(ast.Constant(1), ast.Sub(), old), "-"),
            ):
                text = f"{text_of(old)} should be 1 {sign} {text_of(old)}"
                yield line.edit("term", text, old, new)
        offers = list(_offers(line, value))
        if not name and np.ndim(value):
            # As in `exp(z - top)`, where the effect of a term does not tell that of its opposite.
            minus = [ast.UnaryOp(ast.USub(), o) for _, o, _ in line.alike(())[:NUMBERS_LIMIT]]
            offers += ((text_of(o), o, False) for o in minus)
        if name:
            offers += ((text_of(p), p, False) for p in _products(line, np.shape(value)))
        for shown, other, is_free in offers:
            if shown == text_of(old):
                continue
            once = line.edit("term", "", old, ast.BinOp(old, ast.Add(), other))
            for number, is_sure in line.multiples(once):
                terms = _terms(line, other, _cleaned(number), is_sure and is_free)
                for term, sign, is_measured in terms:
                    new = ast.BinOp(old, ast.Sub() if sign == "-" else ast.Add(), term)
                    text = f"{text_of(old)} should be {text_of(old)} {sign} {text_of(term)}"
                    if name:
                        text = f"the term {sign} {text_of(term)} is missing in {name}"
                    # A number that was measured explains less than a term as it is.
                    weight = (1.0 if is_free else 0.6) * (1.0 if abs(number) == 1 else 0.97)
                    edit = line.edit("term", text, old, new, weight)
                    edit.is_measured = is_measured
                    yield edit


def _terms_after(line: Line) -> Iterator[Edit]:
    """Edits that add a term to an array after the statement that writes into it."""
    # Only the last statement that writes into an array completes its gradient and has a key.
    for target in written_arrays(line) if line.key is not None else []:
        loaded = read_from(target)
        if ast.unparse(target) not in line.targets:
            continue
        for _, other, _ in line.alike(line.shape(loaded)):
            if ast.unparse(other) == ast.unparse(loaded):
                continue
            once = ast.AugAssign(target, ast.Add(), other)
            for number, is_sure in line.multiples(line.whole("term", "", [line.statement, once])):
                for term, sign, is_measured in _terms(line, other, _cleaned(number), is_sure):
                    operator = ast.Sub() if sign == "-" else ast.Add()
                    after = ast.AugAssign(target, operator, term)
                    text = f"after this line a term is missing: {ast.unparse(after)}"
                    edit = line.whole("term", text, [line.statement, after], 0.8)
                    edit.is_measured = is_measured
                    yield edit


def _terms_beside_numbers(line: Line) -> Iterator[Edit]:
    """Edits that complete a number to an expression written elsewhere: `1 + np.exp(-z)` for `1`."""
    for node, around in line.nodes:
        if not isinstance(node, ast.Constant) or in_index(node, around):
            continue
        if not around or not isinstance(around[-1], ast.BinOp):
            continue
        for phrase, _ in line.phrases:
            if isinstance(phrase, ast.BinOp) and type(phrase.op) in OTHER_SIGN:
                if any(ast.dump(side) == ast.dump(node) for side in (phrase.left, phrase.right)):
                    text = f"{text_of(node)} should be {text_of(phrase)}"
                    yield line.edit("term", text, node, phrase, 0.9)


def _offers(line: Line, value: Any) -> Iterator[tuple[str, ast.expr, bool]]:
    """Possible terms: the text, the expression, and whether any multiple of it may be missing."""
    shape = np.shape(value)
    yield "1", ast.Constant(1), True
    yield from ((text_of(o), o, True) for _, o, _ in line.fitting(shape))
    if shape:
        yield from ((text_of(o), o, False) for _, o, _ in line.alike(())[:NUMBERS_LIMIT])
    yield from ((text_of(o), o, False) for o, v in line.phrases if np.shape(v) == shape)
    yield from ((text_of(p), p, False) for p in _carried_back(line, shape))
    if len(shape) == 2 and shape[0] == shape[1]:
        diagonals = [numpy_call("diag", other) for _, other, _ in line.alike(shape[:1])]
        yield from ((text_of(d), d, False) for d in diagonals)


NUMBERS_LIMIT = 8
"""So many numbers are tried as terms that an array lacks."""


def _products(line: Line, shape: tuple[int, ...]) -> list[ast.expr]:
    """Gradients times values that have a shape, as they come through another factor."""
    arrays = [(node, value) for _, node, value in line.alike(shape) if len(shape)]
    new = [n for n, value in arrays if not line.is_of_forward(value)]
    named = {n.id: n for n in new if isinstance(n, ast.Name)}
    # The gradients that were computed last come first, and those of parameters lead nowhere.
    recent = [named[name] for name in reversed([*line.scope]) if name in named]
    local = [n for n in recent if line.parameters.isdisjoint(tensors_named_in(n.id))]
    others = [n for n, value in arrays if line.is_of_forward(value)]
    products = [times(g, v) for g in local for v in others if ast.unparse(g) not in line.targets]
    # What is told by the line alone needs no run.
    return products[: PRODUCTS_LIMIT if line.is_promising is None else 4 * PRODUCTS_LIMIT]


PRODUCTS_LIMIT = 48
"""So many products of a gradient and a value are tried as terms that are missing."""


def _carried_back(line: Line, shape: tuple[int, ...]) -> list[ast.expr]:
    """Gradients carried back through a matrix, `W.T @ dz`, that have a shape."""
    arrays = [(t, node, value) for t, node, value in line.references if np.ndim(value) in (1, 2)]
    weights = [r for r in arrays if r[0].split(".")[-1] in line.parameters and r[2].ndim == 2]
    # Where a path is left out, the derivation may not read its weights at all.
    written = ast.unparse(line.place.definition.tree)
    weights.sort(key=lambda r: r[0].split(".")[-1] + ".T" in written)
    turned = [(transposed(n), v.T) for _, n, v in weights]
    local = [(n, v) for _, n, v in arrays if isinstance(n, ast.Name) and is_gradient_name(n.id)]
    found: list[ast.expr] = []
    for matrix, m in turned:
        for gradient, g in local:
            if m.shape[-1] == len(g) and (m.shape[0], *g.shape[1:]) == shape:
                found.append(ast.BinOp(matrix, ast.MatMult(), gradient))
    return found[:CARRIED_LIMIT]


CARRIED_LIMIT = 16
"""So many products are tried as terms that are missing."""


def _terms(
    line: Line, other: ast.expr, number: float, is_sure: bool
) -> Iterator[tuple[ast.expr, str, bool]]:
    """A multiple of an expression in its most readable form, its sign, and whether the number is
    only measured.
    """
    if isinstance(other, ast.UnaryOp) and isinstance(other.op, ast.USub):
        other, number = other.operand, -number
    sign, size = ("-" if number < 0 else "+"), abs(number)
    if size == 1:
        yield other, sign, False
        return
    for factor, divides in _named(line, size):
        if size in _PLAIN and isinstance(factor, ast.BinOp):
            # A half is hardly the product of two variables.
            break
        term = ast.BinOp(other, ast.Div(), factor) if divides else times(factor, other)
        yield term, sign, False
        return
    is_length = any(size in (n, 1 / n) for n in line.sizes)
    if is_sure or is_length or size in _PLAIN:
        shown = ast.Constant(int(size) if size == int(size) else size)
        is_one = isinstance(other, ast.Constant) and other.value == 1
        is_measured = not (is_length or size in _PLAIN or _is_written(line, size))
        yield shown if is_one else times(shown, other), sign, is_measured
