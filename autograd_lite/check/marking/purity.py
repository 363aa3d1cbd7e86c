"""Whether a person's function changes nothing but its own variables, and may be called anytime."""

from __future__ import annotations

import ast
import inspect
import textwrap
import types
from typing import Any

_LIBRARIES = ("np", "numpy", "math", "scipy")
_BUILTINS = ("abs", "float", "int", "len", "max", "min", "range", "sum", "zip", "enumerate", "pow")

DEPTH_LIMIT = 4
"""Functions that call others are read down to this depth."""


def is_pure(function: Any, depth: int = 0) -> bool:
    """Whether a function writes to no variable of others, and calls only functions like it."""
    if not isinstance(function, types.FunctionType) or depth > DEPTH_LIMIT:
        return False
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return False
    nodes = list(ast.walk(tree))
    own = {n.arg for n in nodes if isinstance(n, ast.arg)}
    own |= {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return all(_is_harmless(node, own, function, depth) for node in nodes)


def _is_harmless(node: ast.AST, own: set[str], function: types.FunctionType, depth: int) -> bool:
    if isinstance(node, (ast.Global, ast.Nonlocal, ast.Yield, ast.Await)):
        return False
    if isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Store):
        return _root_of(node) in own
    if isinstance(node, ast.Call):
        root = _root_of(node.func)
        if isinstance(node.func, ast.Attribute):
            return root in _LIBRARIES or root in own
        known = function.__globals__.get(root)
        return root in _BUILTINS if known is None else is_pure(known, depth + 1)
    return True


def _root_of(node: Any) -> str:
    """The variable in which a part of it is read or written."""
    while isinstance(node, (ast.Subscript, ast.Attribute, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return getattr(node, "id", "")
