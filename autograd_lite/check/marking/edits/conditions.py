"""Edits of the conditions of `if`: another comparison or bound, or what is asked elsewhere."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from autograd_lite.check.marking.edits.line import Edit, Line
from autograd_lite.check.marking.edits.trees import parsed, plus, text_of

_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def conditions(line: Line) -> Iterator[Edit]:
    """Edits that ask something else: `i == n - 1` for `i == 0`, `>` for `<`."""
    statement = line.statement
    if not isinstance(statement, ast.If):
        return
    test = statement.test
    seen = {ast.unparse(test)}
    asked = [other for found in _asked_elsewhere(line) for other in (found, *_alike(found))]
    for other in (*asked, *_at_the_other_end(line, test), *_alike(test)):
        if ast.unparse(other) not in seen:
            seen.add(ast.unparse(other))
            text = f"the condition {text_of(test)} should be {text_of(other)}"
            yield line.edit("mask", text, test, other)


def _alike(test: ast.expr) -> Iterator[ast.expr]:
    """The condition with another comparison, with a bound one higher or lower, and its opposite."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        for comparison in _COMPARISONS:
            yield ast.Compare(test.left, [comparison()], test.comparators)
        for step in (1, -1):
            yield ast.Compare(test.left, test.ops, [plus(test.comparators[0], step)])
    yield ast.UnaryOp(ast.Not(), test)


def _at_the_other_end(line: Line, test: ast.expr) -> Iterator[ast.expr]:
    """The condition with another bound: 0, or the number of the last round."""
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return
    bounds: list[ast.expr] = [ast.Constant(0)]
    for name, value in line.scope.items():
        if isinstance(value, (list, tuple)) and len(value) > 1:
            bounds.append(parsed(f"len({name}) - 1"))
        elif type(value) is int and value > 1 and name != ast.unparse(test.left):
            bounds.append(parsed(f"{name} - 1"))
    for bound in bounds[:BOUNDS_LIMIT]:
        yield ast.Compare(test.left, test.ops, [bound])


BOUNDS_LIMIT = 8
"""So many bounds are tried in a condition."""


def _asked_elsewhere(line: Line) -> Iterator[ast.expr]:
    """The conditions in the functions that run, where they have a value here."""
    trees = (line.place.definition.tree, *line.elsewhere)
    for node in (n for tree in trees for n in ast.walk(tree)):
        if isinstance(node, (ast.If, ast.IfExp, ast.While)) and line.at(node.test) is not None:
            yield node.test
