"""Edits of the heads of loops: rounds that are missing, too many, or in the other order."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograd_lite.check.marking.edits.line import Edit, Line
from autograd_lite.check.marking.edits.trees import name_called, plus, text_of


def rounds(line: Line) -> Iterator[Edit]:
    """Edits that run a loop over one round more or less at either end, or in the other order."""
    loop = line.statement
    if not isinstance(loop, ast.For):
        return
    seen = {ast.unparse(loop.iter)}
    for other in _others(loop.iter):
        if ast.unparse(other) not in seen:
            seen.add(ast.unparse(other))
            text = f"the loop runs over {text_of(loop.iter)}, and should run over {text_of(other)}"
            yield line.edit("index", text, loop.iter, other)


def _others(rounds: ast.expr) -> Iterator[ast.expr]:
    turned = _turned(rounds)
    if turned is not None:
        yield turned
        yield from (_turned_as(rounds, other) for other in _beside(turned))
        yield from _beside(turned)
    else:
        yield _reversed(rounds)
        yield from _beside(rounds)
        yield from (_reversed(other) for other in _beside(rounds))


def _reversed(rounds: ast.expr) -> ast.expr:
    return ast.Call(ast.Name("reversed", ast.Load()), [rounds], [])


def _turned_as(rounds: ast.expr, other: ast.expr) -> ast.expr:
    """Other rounds turned round as these are: by `reversed(...)` or by `...[::-1]`."""
    if isinstance(rounds, ast.Subscript):
        return ast.Subscript(other, rounds.slice, ast.Load())
    return _reversed(other)


def _turned(rounds: ast.expr) -> ast.expr | None:
    """What `reversed(...)` and `...[::-1]` turn round; None where the order is not turned."""
    if isinstance(rounds, ast.Call) and name_called(rounds) == "reversed" and rounds.args:
        return rounds.args[0]
    if isinstance(rounds, ast.Subscript) and ast.unparse(rounds.slice) == "::-1":
        return rounds.value
    return None


def _beside(rounds: ast.expr) -> Iterator[ast.expr]:
    """`range(n + 1)`, `range(1, n)` and their like for `range(n)`; slices of other sequences."""
    if isinstance(rounds, ast.Call) and name_called(rounds) in ("range", "arange"):
        ends = rounds.args
        if len(ends) == 1:
            yield ast.Call(rounds.func, [ast.Constant(1), *ends], [])
        elif len(ends) == 2:
            yield ast.Call(rounds.func, [ends[1]], [])
        for i, end in enumerate(ends[:2]):
            for step in (1, -1):
                yield ast.Call(rounds.func, [*ends[:i], _stepped(end, step), *ends[i + 1 :]], [])
    elif isinstance(rounds, (ast.Name, ast.Attribute)):
        for cut in (ast.Slice(ast.Constant(1)), ast.Slice(None, ast.Constant(-1))):
            yield ast.Subscript(rounds, cut, ast.Load())
    elif isinstance(rounds, ast.Subscript) and isinstance(rounds.slice, ast.Slice):
        yield rounds.value


def _stepped(end: ast.expr, step: int) -> ast.expr:
    """The end one higher or lower, as one would write it: `T` for `T - 1 + 1`, -1 for 0 - 1."""
    if isinstance(end, ast.BinOp) and isinstance(end.op, (ast.Add, ast.Sub)):
        added = getattr(end.right, "value", None)
        if type(added) is int:
            return plus(end.left, (added if isinstance(end.op, ast.Add) else -added) + step)
    try:
        return ast.Constant(ast.literal_eval(end) + step)
    except (ValueError, TypeError):
        return plus(end, step)
