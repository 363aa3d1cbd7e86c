"""Check of generated source before it runs: it contains the names and calls that the printer meant,
no others.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from typing import Any

_NODES = (
    *(ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.Expr),
    *(ast.For, ast.While, ast.If, ast.Raise, ast.AugAssign, ast.Tuple, ast.List, ast.Dict),
    *(ast.Constant, ast.Name, ast.Load, ast.Store, ast.Attribute, ast.Subscript, ast.Slice),
    *(ast.Call, ast.keyword, ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp, ast.IfExp),
    *(ast.operator, ast.unaryop, ast.cmpop, ast.boolop, ast.JoinedStr, ast.FormattedValue),
)


class SourceError(RuntimeError):
    """Raised where generated source is not as the printer meant it: a fault of the printer."""


def checked(
    source: str, known: Collection[str], imports: Collection[tuple[str, str, str]] = ()
) -> ast.Module:
    """The syntax tree of generated source.

    SourceError for a name that is neither among `known` nor set in it, for an attribute that begins
    with an underscore, an import of anything but NumPy and `imports` (a module, a name in it, and
    what it is called here), and any statement that no printer writes.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise SourceError(f"generated source cannot be parsed: {error}") from None
    found = list(ast.walk(tree))
    names = {n.id for n in found if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    names |= {n.arg for n in found if isinstance(n, ast.arg)} | set(known)
    names |= {n.name for n in found if isinstance(n, ast.FunctionDef)}
    for node in found:
        if isinstance(node, ast.Import) and [(a.name, a.asname) for a in node.names] == [
            ("numpy", "np")
        ]:
            names.add("np")
        elif (
            isinstance(node, ast.ImportFrom)
            and not node.level
            and all((node.module, a.name, a.asname or a.name) in imports for a in node.names)
        ):
            names.update(a.asname or a.name for a in node.names)
        elif isinstance(node, ast.alias):
            continue
        elif not isinstance(node, _NODES):
            raise SourceError(f"generated source has a {type(node).__name__}")
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            raise SourceError(f"generated source reads an attribute {node.attr!r}")
    for node in found:
        if isinstance(node, ast.Name) and node.id not in names:
            raise SourceError(f"generated source has the unknown name {node.id!r}")
    return tree


def assert_assigns(function: ast.FunctionDef, meant: Iterable[tuple[str, str]]) -> None:
    """SourceError unless a function assigns these expressions to these names, in this order."""
    written = [
        (ast.unparse(n.targets[0]), ast.dump(n.value))
        for n in function.body
        if isinstance(n, ast.Assign)
    ]
    wanted = [(name, ast.dump(_expression(text))) for name, text in meant]
    if written != wanted:
        raise SourceError(f"generated source of {function.name}() is not what it was meant to be")


def _expression(text: str) -> Any:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError) as error:
        raise SourceError(f"a generated expression cannot be parsed: {error}") from None
