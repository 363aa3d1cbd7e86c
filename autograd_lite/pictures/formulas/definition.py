"""Finding the source that a function was compiled from."""

from __future__ import annotations

import ast
import functools
import linecache
import types
from collections.abc import Iterator
from typing import Any


class Unreadable(Exception):
    """A rule, or a helper, that cannot be written as one expression."""


@functools.lru_cache(maxsize=64)
def _functions(source: str) -> list[ast.Lambda | ast.FunctionDef]:
    tree = ast.parse(source)
    return [n for n in ast.walk(tree) if isinstance(n, (ast.Lambda, ast.FunctionDef))]


@functools.lru_cache(maxsize=64)
def _compiled(source: str, flags: int) -> frozenset[types.CodeType]:
    """The code of all functions in a source."""
    found, rest = set(), [compile(source, "<rules>", "exec", flags, dont_inherit=True)]
    while rest:
        inside = [c for c in rest.pop().co_consts if isinstance(c, types.CodeType)]
        found.update(inside)
        rest += inside
    return frozenset(found)


def definition_of(function: types.FunctionType) -> ast.Lambda | ast.FunctionDef:
    """The node that `function` was compiled from; lambdas on one line are told by their columns."""
    code = function.__code__
    flags = code.co_flags & annotations.compiler_flag
    for _ in range(2):
        source = "".join(linecache.getlines(code.co_filename, function.__globals__))
        if code in _compiled(source, flags):
            break
        # The file may have been changed, and the module loaded again.
        linecache.checkcache(code.co_filename)
    else:
        # The formula would be one that nobody computes.
        raise Unreadable
    fitting = [node for node in _functions(source) if _fits(node, code)]
    spans = {(n.lineno, n.col_offset, n.end_lineno, n.end_col_offset): n for n in fitting}
    if not spans:
        raise Unreadable
    # Of those around the code the innermost begins last.
    return spans[max(spans, key=lambda span: span[:2])] if _has_columns(code) else _only(fitting)


def _only(fitting: list[Any]) -> Any:
    if len(fitting) != 1:
        raise Unreadable
    return fitting[0]


def _positions(code: types.CodeType) -> Iterator[tuple[int, int, int, int]]:
    for first, last, start, end in code.co_positions():
        if first is not None and last is not None and start is not None and end is not None:
            if (first, start) != (last, end):
                yield first, start, last, end


def _has_columns(code: types.CodeType) -> bool:
    return any(True for _ in _positions(code))


def _fits(node: ast.Lambda | ast.FunctionDef, code: types.CodeType) -> bool:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    a = node.args
    names = [p.arg for p in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
    if first != code.co_firstlineno or names != list(code.co_varnames[: len(names)]):
        return False
    if getattr(node, "name", "<lambda>") != code.co_name:
        return False
    if isinstance(node, ast.FunctionDef):
        return True
    body = node.body
    begin, end = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
    return all(begin <= p[:2] and p[2:] <= end for p in _positions(code))
