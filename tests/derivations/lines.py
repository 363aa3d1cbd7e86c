"""The lines of a backward pass that compute gradients, and the edits of their text."""

import ast
import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from derivations.passes import Pass
from derivations.running import Values, arguments, evaluate, load, snapshots

HELPERS = ("mask", "slope", "inner")


@dataclass(frozen=True)
class Edit:
    """A replacement of one stretch of a source text.

    `recorded` replaces it where the run is to tell apart what the line gives and what it should.
    """

    start: int
    end: int
    text: str
    recorded: str


@dataclass
class Line:
    """A statement, or an entry of a returned dict, that computes a gradient.

    `value` is the expression, `name_source` an expression for the name of the gradient, and
    `scope` holds the variables before the line ran first.
    """

    passed: Pass
    number: int
    statement: ast.stmt
    value: ast.expr
    name_source: str
    names: tuple[str, ...]
    scope: Values
    module: Values
    start: int
    end: int
    users: tuple["Line", ...] = ()

    @property
    def is_helper(self) -> bool:
        """Whether it computes no gradient itself, but a part of those of `users`."""
        return bool(self.users)

    @property
    def is_sum(self) -> bool:
        """Whether it adds to what is there."""
        return isinstance(self.statement, ast.AugAssign)

    @property
    def is_one_of_many(self) -> bool:
        """Whether other lines with `+=` add to the same gradient."""
        target = ast.unparse(self.statement).split(" ")[0]
        return self.is_sum or (not self.is_helper and f"    {target} += " in self.passed.source)

    @property
    def is_masking(self) -> bool:
        """Whether it sets masked elements, as `dZ1[Z1 <= 0] = 0` does."""
        return bool(masked_name(self.statement))

    @property
    def is_seed(self) -> bool:
        return self.first_name in self.passed.seeds

    @property
    def first_name(self) -> str:
        """The gradient that the line computes when it runs first."""
        return str(evaluate(ast.parse(self.name_source, mode="eval").body, self.scope, self.module))

    def at(self, node: ast.expr) -> Any:
        """The value of an expression before the line ran first, or None."""
        return evaluate(copy.deepcopy(node), self.scope, self.module)

    def result(self) -> np.ndarray:
        return np.asarray(self.at(self.value))

    def edit(self, value: ast.expr) -> Edit:
        """The line with another value."""
        new, old = ast.unparse(value), ast.unparse(self.value)
        recorded = f"__record__({self.name_source}, ({old}), ({new}))"
        return Edit(self.start, self.end, new, recorded)

    def edits(self, value: ast.expr) -> tuple[Edit, ...]:
        """The line with another value, and what is recorded elsewhere where it is a helper."""
        if not self.is_helper:
            return (self.edit(value),)
        name, old = ast.unparse(self.statement.targets[0]), ast.unparse(self.value)
        here = Edit(self.start, self.end, ast.unparse(value), old)
        return (here, *(user.edit_of_helper(name, self.value, value) for user in self.users))

    def edit_of_helper(self, name: str, old: ast.expr, new: ast.expr) -> Edit:
        """The line as it is, recorded with one and the other value of a variable that it reads."""
        right = ast.unparse(with_variable(self.value, name, old))
        given = ast.unparse(with_variable(self.value, name, new))
        recorded = f"__record__({self.name_source}, ({right}), ({given}))"
        text = self.passed.source[self.start : self.end]
        return Edit(self.start, self.end, text, recorded)

    def statement_edit(self, text: str, recorded: str) -> Edit:
        """Another statement in place of the line's."""
        return Edit(*span(self.passed.source, self.statement), text, recorded)


def lines_of(passed: Pass) -> list[Line]:
    """The lines of `backward` that compute gradients, from top to bottom."""
    forward, backward = load(passed.source, passed.name)
    scopes = snapshots(backward, arguments(forward, passed.make_inputs()))
    tree = ast.parse(passed.source)
    function = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "backward")
    found = []
    for statement in (n for n in ast.walk(function) if isinstance(n, ast.stmt)):
        for value, name_source in _assignments(statement, passed):
            found.append(_line(passed, statement, value, name_source, scopes, backward.__globals__))
    found += [_helper(passed, s, found, scopes, backward.__globals__) for s in _helpers(function)]
    return sorted(
        (line for line in found if line is not None), key=lambda line: (line.number, line.start)
    )


def _helpers(function: ast.FunctionDef) -> list[ast.Assign]:
    """Statements such as `mask2 = Z2 > 0`, by the names that helpers have."""
    assigned = [n for n in ast.walk(function) if isinstance(n, ast.Assign)]
    return [n for n in assigned if ast.unparse(n.targets[0]).startswith(HELPERS)]


def _helper(
    passed: Pass,
    statement: ast.Assign,
    lines: list["Line | None"],
    scopes: Mapping[int, Values],
    module: Values,
) -> "Line | None":
    name = ast.unparse(statement.targets[0])
    users = tuple(line for line in lines if line and reads(line.value, name))
    if len(users) != 1:
        return None
    line = _line(passed, statement, statement.value, users[0].name_source, scopes, module)
    return replace(line, users=users)


def reads(tree: ast.expr, name: str) -> bool:
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(tree))


def with_variable(tree: ast.expr, name: str, value: ast.expr) -> ast.expr:
    """An expression with a variable's value in place of the variable."""

    class Inline(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return copy.deepcopy(value) if node.id == name else node

    return Inline().visit(copy.deepcopy(tree))


def _line(
    passed: Pass,
    statement: ast.stmt,
    value: ast.expr,
    name_source: str,
    scopes: Mapping[int, Values],
    module: Values,
) -> Line:
    scope = scopes[statement.lineno]
    start, end = (
        offset(passed.source, value.lineno, value.col_offset),
        offset(passed.source, value.end_lineno, value.end_col_offset),
    )
    names = _names(passed, name_source)
    return Line(
        *(passed, value.lineno, statement, value, name_source, names),
        *(scope, module, start, end),
    )


def _names(passed: Pass, name_source: str) -> tuple[str, ...]:
    """All names that the expression may stand for: of any layer, where it computes one."""
    node = ast.parse(name_source, mode="eval").body
    if isinstance(node, ast.Constant):
        return (node.value,)
    stem = next(n.value for n in ast.walk(node) if isinstance(n, ast.Constant))
    return tuple(g for g in passed.gradients if g.rstrip("0123456789") == stem)


def _assignments(statement: ast.stmt, passed: Pass) -> Iterator[tuple[ast.expr, str]]:
    """Pairs of an expression and one for the name of the gradient that it gives."""
    if isinstance(statement, ast.Return) and isinstance(statement.value, ast.Dict):
        yield from _entries(statement.value, passed)
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        name = masked_name(statement) or _name_source(statement.targets[0], passed)
        if name:
            yield statement.value, name
    if isinstance(statement, ast.AugAssign):
        name = _name_source(statement.target, passed)
        if name:
            yield statement.value, name


def _entries(node: ast.Dict, passed: Pass) -> Iterator[tuple[ast.expr, str]]:
    for key, value in zip(node.keys, node.values, strict=True):
        named = isinstance(key, ast.Constant) and key.value in passed.gradients
        if named and not isinstance(value, ast.Name):
            yield value, repr(key.value)


def _name_source(target: ast.expr, passed: Pass) -> str | None:
    if isinstance(target, ast.Name):
        return repr(target.id) if target.id in passed.gradients else None
    if not isinstance(target, ast.Subscript) or not isinstance(target.value, ast.Name):
        return None
    key = ast.unparse(target.slice)
    stems = {g.rstrip("0123456789") for g in passed.gradients}
    if target.value.id in stems and key.startswith("str("):
        return f"{target.value.id!r} + {key}"
    return key if any(isinstance(n, ast.Constant) for n in ast.walk(target.slice)) else None


def masked_name(statement: ast.stmt) -> str | None:
    """The gradient whose elements a statement such as `dZ1[Z1 <= 0] = 0` sets."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target = statement.targets[0]
    masked = isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Compare)
    return repr(ast.unparse(target.value)) if masked else None


def offset(source: str, line: int | None, column: int | None) -> int:
    """The place of a line and column in a text."""
    assert line is not None and column is not None
    return sum(len(text) for text in source.splitlines(keepends=True)[: line - 1]) + column


def span(source: str, node: ast.AST) -> tuple[int, int]:
    """The stretch of a text that a node covers."""
    return (
        offset(source, node.lineno, node.col_offset),
        offset(source, node.end_lineno, node.end_col_offset),
    )


def apply(source: str, edits: list[Edit], *, recorded: bool = False) -> str:
    """The text with the edits made, which must not overlap."""
    for edit in sorted(edits, key=lambda e: -e.start):
        source = (
            source[: edit.start] + (edit.recorded if recorded else edit.text) + source[edit.end :]
        )
    return source
