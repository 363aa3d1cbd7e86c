"""A person's functions, rewritten so that a run of them can be followed.

After each assignment of a rewritten function stands a call that is told what was assigned, and
each call goes through another one, so that helpers and methods are followed as well:

    dZ = back(dA, A)        dZ = __watch__.call(back, dA, A)
                            dZ = __watch__.after(7, 0, dZ)

Line numbers stay those of the file.
"""

from __future__ import annotations

import ast
import copy
import functools
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, cast

import numpy as np

from autograd_lite.check.marking.assignments import (
    calls_something,
    elements_of,
    targets_of,
    written_by,
)
from autograd_lite.observe import entry_name, located

WATCH = "__watch__"


def made_function(name: str, arguments: ast.arguments, body: list[Any]) -> ast.FunctionDef:
    """The definition of a function, with the fields that it has in this version of Python."""
    made = ast.parse("def f(): pass").body[0]
    assert isinstance(made, ast.FunctionDef)
    made.name, made.args, made.body = name, arguments, body
    return made


def statement_at(node: ast.AST) -> int | None:
    return getattr(node, "_place", None)


_NEVER_FOLLOWED = frozenset(
    (
        *("range", "len", "zip", "enumerate", "reversed", "print", "super", "locals", "globals"),
        *("vars", "list", "tuple", "dict", "set", "str", "slice", "type", "id", "repr"),
    )
)


class Rewriter:
    """Rewrites one function, which may stand in the body of the class `owner`.

    No node of the original is changed. `told` are the places that tell what they assign, and `hole`
    is the one whose value the watch fills in; `known` keeps what was rewritten, by the statement.
    """

    def __init__(
        self,
        owner: str | None,
        told: frozenset[int] | None,
        hole: int | None,
        known: dict[int, tuple[ast.stmt, list[ast.stmt]]],
    ) -> None:
        self.owner = owner
        self.told = told
        self.hole = hole
        self.known = known

    def function(self, tree: ast.FunctionDef) -> ast.FunctionDef:
        changed = copy.copy(tree)
        changed.body = self.body(tree.body)
        return changed

    def body(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        return [new for statement in statements for new in self.statement(statement)]

    def statement(self, statement: ast.stmt) -> list[ast.stmt]:
        # What an edit does not touch is the same node, and was rewritten before.
        known = self.known.get(id(statement))
        if known is not None and known[0] is statement:
            return known[1]
        new = self._statement(statement)
        self.known[id(statement)] = statement, new
        return new

    def _statement(self, statement: ast.stmt) -> list[ast.stmt]:
        changed = copy.copy(statement)
        for name, value in ast.iter_fields(statement):
            if isinstance(value, ast.expr):
                setattr(changed, name, self.expression(value))
            elif isinstance(value, list) and value:
                if isinstance(value[0], ast.stmt):
                    setattr(changed, name, self.body(value))
                elif isinstance(value[0], ast.ExceptHandler | ast.match_case):
                    setattr(changed, name, [self._block(v) for v in value])
                elif isinstance(value[0], ast.withitem):
                    setattr(changed, name, [self._rebuilt(v) for v in value])
                elif isinstance(value[0], ast.expr) and name == "targets":
                    setattr(changed, name, [self.expression(v) for v in value])
        place = statement_at(statement)
        if place is not None and getattr(statement, "value", None) is not None:
            changed.value = self.value(statement)  # type: ignore[attr-defined]
        if place is None or (self.told is not None and place not in self.told):
            return [changed]
        if isinstance(statement, ast.Return) and statement.value is not None:
            changed.value = _watch("returned", ast.Constant(place), changed.value)  # type: ignore
        elif isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            if statement.value is not None:
                return [changed, *self._after(place, statement)]
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            return [changed, *self._after_call(place, statement.value)]
        return [changed]

    def value(self, statement: Any) -> Any:
        """The value of a statement, with calls around the elements that get no name elsewhere."""
        place = statement_at(statement)
        if place == self.hole:
            filled = _watch("filled", ast.Call(ast.Name("locals", ast.Load()), [], []))
            return _at(filled, statement.value)
        value = self.expression(statement.value)
        if place is None or (self.told is not None and place not in self.told):
            return value
        for i, (element, name) in enumerate(elements_of(statement)):
            told = (
                *(ast.Constant(place), ast.Constant(name or f"<{i}>")),
                ast.Constant(element.lineno),
            )
            value = _replaced(value, element, functools.partial(_watch, "element", *told))
        return value

    def _block(self, block: Any) -> Any:
        changed = copy.copy(block)
        changed.body = self.body(block.body)
        return changed

    def _rebuilt(self, node: Any) -> Any:
        changed = copy.copy(node)
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                setattr(changed, name, self.expression(value))
        return changed

    def expression(self, node: Any) -> Any:
        """The expression with its calls going through the watch; shared where it has none."""
        changed = node
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                new: Any = self.expression(value)
            elif isinstance(value, list):
                # The key of `**more` in a dict is None.
                new = [self.expression(v) if isinstance(v, ast.AST) else v for v in value]
                new = value if all(a is b for a, b in zip(new, value, strict=True)) else new
            else:
                continue
            if new is not value:
                changed = copy.copy(node) if changed is node else changed
                setattr(changed, name, new)
        if isinstance(changed, ast.Attribute) and self._is_private(changed.attr):
            changed = copy.copy(changed) if changed is node else changed
            changed.attr = f"_{(self.owner or '').lstrip('_')}{changed.attr}"
        parts = _joined_in(changed)
        if parts is not None:
            return _at(_watch("joined", ast.Constant(changed.value.attr), *parts), node)
        if isinstance(changed, ast.Call) and not self._is_left_alone(node):
            followed = _watch("call", changed.func, *changed.args)
            followed.keywords = changed.keywords
            return _at(followed, node)
        return changed

    def _is_left_alone(self, call: ast.Call) -> bool:
        return _is_simple(call) or (self.told is not None and _is_of_numpy(call))

    def _is_private(self, name: str) -> bool:
        return bool(self.owner) and name.startswith("__") and not name.endswith("__")

    def _after(self, place: int, statement: Any) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for target in targets_of(statement):
            if isinstance(target, (ast.Name, ast.Attribute)) and not calls_something(target):
                told = _watch("after", *_called(place, target), self._loaded(target))
                found.append(ast.Assign([self.expression(target)], told))
            elif isinstance(target, ast.Subscript) and not calls_something(target.value):
                key = target.slice
                told = _watch(
                    *("stored", *_called(place, target.value), self._loaded(target.value)),
                    ast.Constant(None) if calls_something(key) else self.expression(key),
                    *map(self.expression, _outer_keys(target.value)),
                )
                found.append(ast.Expr(told))
        return [ast.fix_missing_locations(ast.copy_location(f, statement)) for f in found]

    def _after_call(self, place: int, call: ast.Call) -> list[ast.stmt]:
        """Calls that report arrays into which a call may have written: `np.add.at(dW, i, d)`."""
        found: list[ast.stmt] = []
        for written in written_by(call):
            number, name, path = _called(place, written)
            if isinstance(written, ast.Subscript) and isinstance(written.slice, ast.Constant):
                # An entry has the name that it has where it is assigned.
                name = ast.Constant(entry_name(str(name.value), str(written.slice.value)))
            told = _watch("changed", number, name, path, self._loaded(written))
            found.append(ast.fix_missing_locations(ast.copy_location(ast.Expr(told), call)))
        return found

    def _loaded(self, target: Any) -> Any:
        loaded = copy.copy(self.expression(target))
        loaded.ctx = ast.Load()
        return loaded


def _replaced(tree: Any, old: Any, wrap: Callable[[Any], Any]) -> Any:
    """The rewritten `tree`, with a call around the element that replaced `old`."""
    wanted = (type(old), old.lineno, old.col_offset, old.end_lineno, old.end_col_offset)

    def go(node: Any) -> Any:
        at = (type(node), *(getattr(node, n, None) for n in _PLACE))
        if at == wanted:
            return _at(wrap(node), node)
        changed = node
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                new: Any = go(value)
            elif isinstance(value, list):
                new = [go(v) if isinstance(v, ast.AST) else v for v in value]
                new = value if all(a is b for a, b in zip(new, value, strict=True)) else new
            else:
                continue
            if new is not value:
                changed = copy.copy(node) if changed is node else changed
                setattr(changed, name, new)
        return changed

    return go(tree)


_PLACE = ("lineno", "col_offset", "end_lineno", "end_col_offset")


def _called(place: int, target: Any) -> tuple[ast.Constant, ast.Constant, ast.Constant]:
    """The arguments that name a target: its place, its name (of an entry that of the container),
    and its text.
    """
    path = ast.unparse(target)
    while isinstance(target, (ast.Subscript, ast.Starred)):
        target = target.value
    name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "?")
    return ast.Constant(place), ast.Constant(name), ast.Constant(path)


def _outer_keys(container: ast.expr) -> list[ast.expr]:
    """The keys by which a container stands in others, outermost first: `j` of `dw[j]`."""
    keys: list[ast.expr] = []
    while isinstance(container, ast.Subscript):
        keys.insert(0, container.slice)
        container = container.value
    return keys


def _watch(name: str, *arguments: ast.expr) -> ast.Call:
    watch = ast.Attribute(ast.Name(WATCH, ast.Load()), name, ast.Load())
    return cast(ast.Call, located(ast.Call(watch, list(arguments), [])))


def _at(call: Any, node: ast.AST) -> Any:
    """A call of the watch at the place of an expression, so that errors show the person's line."""
    for part in (call, call.func, call.func.value):
        ast.copy_location(part, node)
    return call


def _joined_in(node: ast.AST) -> list[ast.expr] | None:
    """The arrays in `np.c_[a, b]` or `np.r_[a, b]`, which no array can follow; None elsewhere."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load):
        return None
    if ast.unparse(node.value) not in ("np.c_", "np.r_", "numpy.c_", "numpy.r_"):
        return None
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return None if any(isinstance(p, (ast.Slice, ast.Starred)) for p in parts) else parts


def _is_simple(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id in _NEVER_FOLLOWED


_WRITERS = ("save", "savez", "savez_compressed", "savetxt", "tofile", "write_text", "write_bytes")


def writes_files(function: Any) -> bool:
    """Whether a function opens a file, or writes one."""
    name = getattr(function, "__name__", "")
    if function in (open, np.save, np.savez, np.savez_compressed, np.savetxt):
        return True
    return name in _WRITERS and isinstance(
        getattr(function, "__self__", None), (np.ndarray, PurePath)
    )


_UNSET = ("empty", "empty_like")


def is_unset(function: Any) -> bool:
    """Whether a function makes an array whose elements are what happens to be in memory."""
    return function is np.empty or function is np.empty_like


def _is_of_numpy(call: ast.Call) -> bool:
    """Whether it calls a function that is named as NumPy's are: `np.linalg.norm(x)`."""
    function = call.func
    if getattr(function, "attr", "") in (*_WRITERS, *_UNSET):
        return False
    while isinstance(function, ast.Attribute):
        function = function.value
    return isinstance(function, ast.Name) and function.id in ("np", "numpy", "math")
