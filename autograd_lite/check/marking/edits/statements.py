"""Statements that overwrite or add up, and terms that a line lacks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd_lite.check.marking.edits.factors import OTHER_SIGN
from autograd_lite.check.marking.edits.line import Edit, Line, values_assigned
from autograd_lite.check.marking.edits.trees import (
    in_index,
    is_called,
    parsed,
    read_from,
    swapped,
    text_of,
    times,
    walked,
)
from autograd_lite.check.marking.rewriting import WATCH, targets_of


def statements(line: Line) -> Iterator[Edit]:
    """`=` for `+=` and the other way round, a statement too much, repeated indices."""
    statement = line.statement
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if not isinstance(target, (ast.Tuple, ast.List)):
            added = ast.AugAssign(target, ast.Add(), statement.value)  # type: ignore[arg-type]
            text = (
                f"{text_of(target)} is overwritten where contributions add up: write += in this "
                "line"
            )
            yield line.whole("accumulate", text, [added])
    if isinstance(statement, ast.AugAssign):
        assigned = ast.Assign([statement.target], statement.value)
        text = f"{text_of(statement.target)} adds up what should be assigned: write ="
        yield line.whole("accumulate", text, [assigned])
        yield line.whole(
            "accumulate",
            f"the line adds to {text_of(statement.target)} too often",
            [_nothing(statement.target)],
            0.6,
        )
        target = statement.target
        if isinstance(target, ast.Subscript) and isinstance(statement.op, (ast.Add, ast.Sub)):
            name = "add" if isinstance(statement.op, ast.Add) else "subtract"
            at = parsed(f"np.{name}.at")
            call = ast.Call(at, [read_from(target.value), target.slice, statement.value], [])
            text = (
                f"{text_of(target)} counts an index that is named several times once only: write "
                f"np.{name}.at({text_of(target.value)}, {text_of(target.slice)}, ...)"
            )
            yield line.whole("accumulate", text, [ast.Expr(call)], 1.2)
    if _is_masking(statement):
        nothing = _nothing(statement.targets[0])
        yield line.whole("mask", f"{text_of(statement)} is too much", [nothing], 0.7)


def _nothing(target: Any) -> ast.stmt:
    """A statement that leaves a target as it is."""
    return ast.Assign([target], read_from(target))


def _is_masking(statement: Any) -> bool:
    targets = targets_of(statement)
    return isinstance(statement, ast.Assign) and isinstance(targets[0], ast.Subscript)


def measured_terms(line: Line) -> Iterator[Edit]:
    """A term that is a multiple of a named array, or one that lacks a factor: how much of it is
    missing is measured."""
    if line.given is None or line.expected is None or line.given.shape != line.expected.shape:
        return
    missing = line.expected - line.given
    for old, name in values_assigned(line):
        if line.shape(old) != missing.shape:
            continue
        for shown, other, value in line.references:
            number = _multiple(missing, value)
            if number is not None and abs(number - 1) > 1e-9:
                term = times(ast.Constant(_rounded(number)), other)
                text = f"the term {_rounded(number)} * {shown} is missing in {name}"
                yield line.edit("term", text, old, ast.BinOp(old, ast.Add(), term))
        for node, around in walked(old):
            if in_index(around) or not isinstance(node, ast.BinOp):
                continue
            if type(node.op) not in OTHER_SIGN:
                continue
            for side, rest in ((node.left, node.right), (node.right, node.left)):
                without = line.at(swapped(old, {id(node): _signed(node, rest)}))
                if np.shape(without) != missing.shape:
                    continue
                number = _multiple(missing, line.given - without)
                if number is not None and abs(number + 1) > 1e-9:
                    scaled = times(ast.Constant(_rounded(number + 1)), side)
                    text = f"the term {text_of(side)} lacks a factor {_rounded(number + 1)}"
                    yield line.edit("factor", text, side, scaled)


def _signed(node: ast.BinOp, rest: ast.expr) -> ast.expr:
    if rest is node.right and isinstance(node.op, ast.Sub):
        return ast.UnaryOp(ast.USub(), rest)
    return rest


def _rounded(number: float) -> float:
    near = float(f"{number:.9g}")
    return int(near) if near == int(near) else near


def _multiple(missing: np.ndarray, value: Any) -> float | None:
    """The number that times `value` is what is missing."""
    value = np.asarray(value)
    if value.shape != missing.shape or value.size < 2 or value.dtype.kind != "f":
        return None
    square = float(np.sum(value * value))
    number = float(np.sum(missing * value)) / square if square else 0.0
    if not number or not np.isfinite(number):
        return None
    near = np.max(np.abs(missing - number * value)) <= 1e-6 * np.max(np.abs(missing))
    return number if near else None


def missing_paths(line: Line) -> Iterator[Edit]:
    """A path of the chain rule that was left out: what comes from one of the values after it."""
    for old, name in values_assigned(line):
        for part, value in line.parts.items():
            if np.shape(value) == line.shape(old):
                term = parsed(f"{WATCH}.named({part!r})")
                text = f"the term that comes from {part.split(': ')[-1]} is missing in {name}"
                yield line.edit("term", text, old, ast.BinOp(old, ast.Add(), term), 0.9)


def centred(line: Line) -> Iterator[Edit]:
    """A mean that was not subtracted, as normalising over an axis asks for."""
    places = values_assigned(line) + [
        (n, text_of(n))
        for n, around in line.nodes
        if isinstance(n, (ast.Name, ast.BinOp))
        and not in_index(around)
        and not is_called(n, around)
    ]
    for old, name in places:
        for axis in range(line.ndim(old)) if line.ndim(old) > 1 else [None] * line.ndim(old):
            for other in (None, *(o for _, o, _ in line.alike(line.shape(old)))):
                for how in ("mean", "sum"):
                    inner = old if other is None else times(old, other)
                    mean: ast.expr = ast.Call(
                        ast.Attribute(inner, how, ast.Load()), [], _over(axis)
                    )
                    mean = mean if other is None else times(other, mean)
                    text = f"the term - {text_of(mean)} is missing in {name}"
                    yield line.edit("term", text, old, ast.BinOp(old, ast.Sub(), mean), 0.9)


def _over(axis: int | None) -> list[ast.keyword]:
    kept = ast.keyword("keepdims", ast.Constant(True))
    return [kept] if axis is None else [ast.keyword("axis", ast.Constant(axis)), kept]


def missing_terms(line: Line) -> Iterator[Edit]:
    """A term that lacks somewhere in the line."""
    places = [(old, name) for old, name in values_assigned(line)]
    places += [
        (node, text_of(node))
        for node, around in line.nodes
        if not in_index(around)
        and not is_called(node, around)
        and not any(node is old for old, _ in places)
        and not isinstance(node, ast.Constant)
    ]
    for old, name in places:
        value = line.at(old)
        if not isinstance(value, (np.ndarray, np.floating, float)):
            continue
        offers: list[tuple[str, ast.expr]] = [("1", ast.Constant(1))]
        offers += [(text_of(o), o) for _, o, _ in line.fitting(np.shape(value))]
        for shown, other in offers:
            if shown == text_of(old):
                continue
            for operator, sign in ((ast.Sub(), "-"), (ast.Add(), "+")):
                new = ast.BinOp(old, operator, other)
                text = f"{name} should be {text_of(old)} {sign} {shown}"
                if old in [o for o, _ in values_assigned(line)]:
                    text = f"the term {sign} {shown} is missing in {name}"
                yield line.edit("term", text, old, new)
