"""Whether a person's function changes nothing but its own variables, and may be called anytime."""

from __future__ import annotations

import ast
import functools
import inspect
import textwrap
import types
from typing import Any

_LIBRARIES = ("np", "numpy", "math", "scipy")
_BUILTINS = ("abs", "float", "int", "len", "max", "min", "range", "sum", "zip", "enumerate", "pow")

_DOING = frozenset(
    (
        *("random", "save", "savez", "savez_compressed", "savetxt", "tofile", "dump", "seterr"),
        *("set_printoptions", "seterrcall"),
    )
)
"""What stands in the names of NumPy's functions that draw random numbers, write or set."""

_CHANGING = frozenset(
    (
        *(
            "append",
            "extend",
            "insert",
            "update",
            "setdefault",
            "pop",
            "popitem",
            "remove",
            "clear",
        ),
        *("add", "discard", "fill", "sort", "put", "resize", "setfield", "itemset", "at"),
    )
)
"""The methods that change what they are called on: a container, or an array."""

DEPTH_LIMIT = 4
"""Functions that call others are read down to this depth."""


def is_pure(function: Any) -> bool:
    """Whether a function or method writes to no variable of others, and to no attribute of its
    object, and calls only functions like it.
    """
    if isinstance(function, types.MethodType):
        owner: Any = type(function.__self__)
        return _is_pure(function.__func__, owner, 0)
    return isinstance(function, types.FunctionType) and _is_pure(function, None, 0)


@functools.lru_cache(maxsize=256)
def _is_pure(function: types.FunctionType, owner: Any, depth: int) -> bool:
    """Whether a function is, which is a method of a class if there is an `owner`."""
    if depth > DEPTH_LIMIT:
        return False
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return False
    nodes = list(ast.walk(tree))
    # What it is given, and another name for a variable of others, is not its own.
    kept = (ast.Name, ast.Attribute, ast.Subscript)
    others = (n for n in nodes if isinstance(n, ast.Assign) and not isinstance(n.value, kept))
    own = {t.id for n in others for t in n.targets if isinstance(t, ast.Name)}
    own -= {n.arg for n in nodes if isinstance(n, ast.arg)}
    return all(_is_harmless(node, own, function, owner, depth) for node in nodes)


def _is_harmless(
    node: ast.AST, own: set[str], function: types.FunctionType, owner: Any, depth: int
) -> bool:
    if isinstance(node, (ast.Global, ast.Nonlocal, ast.Yield, ast.Await)):
        return False
    if isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Store):
        return _names_in(node)[0] in own
    if not isinstance(node, ast.Call):
        return True
    root, *names = _names_in(node.func)
    is_changing = root not in own and not _CHANGING.isdisjoint(names)
    if is_changing or not _DOING.isdisjoint(names):
        return False
    if owner is not None and root in function.__code__.co_varnames[:1]:
        if len(names) != 1:
            # A method of an array that the object has.
            return len(names) > 1
        known = inspect.getattr_static(owner, names[0], None)
        inner = known.__func__ if isinstance(known, staticmethod) else known
        whose = None if isinstance(known, staticmethod) else owner
        return isinstance(inner, types.FunctionType) and _is_pure(inner, whose, depth + 1)
    if isinstance(node.func, ast.Attribute):
        return root in _LIBRARIES or root in own or root in function.__code__.co_varnames
    known = function.__globals__.get(root)
    if known is None:
        return root in _BUILTINS
    return isinstance(known, types.FunctionType) and _is_pure(known, None, depth + 1)


def _names_in(node: Any) -> list[str]:
    """The variable in which a part of it is read or written, and the attributes on the way."""
    names: list[str] = []
    while isinstance(node, (ast.Subscript, ast.Attribute, ast.Call)):
        names += [node.attr] if isinstance(node, ast.Attribute) else []
        node = node.func if isinstance(node, ast.Call) else node.value
    return [getattr(node, "id", ""), *names]
