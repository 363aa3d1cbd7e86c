"""What the statements of a derivation assign to, update, decay and write into, by their syntax."""

from __future__ import annotations

import ast
import re
from typing import Any

_PURE = frozenset(("str", "len", "int", "range", "max", "min", "abs"))


def calls_something(node: ast.AST) -> bool:
    """Whether it calls a function that may do more than to compute a key."""
    calls = (n for n in ast.walk(node) if isinstance(n, (ast.Call, ast.NamedExpr, ast.Await)))
    return any(not _is_pure(call) for call in calls)


def _is_pure(call: Any) -> bool:
    function = getattr(call, "func", None)
    if isinstance(function, ast.Attribute):
        return isinstance(function.value, ast.Name) and function.value.id in ("np", "numpy")
    return isinstance(function, ast.Name) and function.id in _PURE


def targets_of(statement: ast.stmt) -> list[ast.expr]:
    """What a statement assigns to, with the items of tuples."""
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    return [item for target in targets if target is not None for item in _items(target)]


def _items(target: ast.expr) -> list[ast.expr]:
    if isinstance(target, (ast.Tuple, ast.List)):
        return [item for element in target.elts for item in _items(element)]
    return [target.value if isinstance(target, ast.Starred) else target]


Element = tuple[ast.expr, str | None]


def elements_of(statement: Any) -> list[Element]:
    """The expressions inside a statement whose values get no name of their own, with what they
    are called: items of a returned tuple or dict, the step of an update."""
    value = getattr(statement, "value", None)
    if isinstance(statement, ast.Return):
        known = (ast.Name, ast.Attribute, ast.Constant)
        return [e for e in _named_items(value) if not isinstance(e[0], known)]
    if isinstance(statement, ast.Assign) and isinstance(value, (ast.Dict, ast.Tuple, ast.List)):
        return [e for e in _named_items(value) if not isinstance(e[0], (ast.Name, ast.Constant))]
    step = update_of(statement)
    if step is not None:
        return [] if isinstance(step[1], (ast.Name, ast.Constant)) else [(step[1], None)]
    return []


def _named_items(value: Any, name: str | None = None) -> list[Element]:
    if isinstance(value, ast.Dict):
        pairs = zip(value.keys, value.values, strict=True)
        return [item for key, inner in pairs for item in _named_items(inner, _constant(key))]
    if isinstance(value, (ast.Tuple, ast.List)):
        return [item for inner in value.elts for item in _named_items(inner)]
    if isinstance(value, ast.Call) and value.keywords and not value.args and _makes(value.func):
        return [item for k in value.keywords for item in _named_items(k.value, k.arg)]
    return [(value, name)] if isinstance(value, ast.expr) else []


def _makes(function: ast.expr) -> bool:
    """Whether a call is of a class, as its name tells: `dict(...)`, `Gradients(...)`."""
    name = getattr(function, "attr", getattr(function, "id", ""))
    return name == "dict" or name[:1].isupper()


def _constant(key: Any) -> str | None:
    return str(key.value) if isinstance(key, ast.Constant) else None


def update_of(statement: Any) -> tuple[int, ast.expr] | None:
    """The sign and the expression of an update of a variable: `W -= step`, `W = W - step`."""
    signs = {ast.Add: 1, ast.Sub: -1}
    if isinstance(statement, ast.AugAssign) and type(statement.op) in signs:
        return signs[type(statement.op)], statement.value
    value = getattr(statement, "value", None)
    if isinstance(statement, ast.Assign) and isinstance(value, ast.BinOp):
        if type(value.op) in signs and len(statement.targets) == 1:
            if ast.unparse(value.left) == ast.unparse(statement.targets[0]):
                return signs[type(value.op)], value.right
    return None


def is_velocity(statement: ast.stmt) -> bool:
    """Whether it decays what it assigns to, as optimisers do: `v = 0.9 * v - rate * dW`."""
    return any(is_decay(statement, target) for target in targets_of(statement))


def is_decay(statement: ast.stmt, target: ast.expr) -> bool:
    if isinstance(statement, ast.AugAssign):
        return isinstance(statement.op, ast.Mult)
    value = getattr(statement, "value", None)
    if value is None or update_of(statement) is not None:
        return False
    return ast.unparse(target) in texts_in(value)


def is_changed_by_itself(statement: ast.stmt) -> bool:
    """Whether it makes something new of what it assigns to: `dW *= 2`, `dW = np.abs(dW)`."""
    targets = targets_of(statement)
    if isinstance(statement, ast.AugAssign) or any(isinstance(t, ast.Subscript) for t in targets):
        return True
    value = getattr(statement, "value", None)
    return value is not None and any(ast.unparse(t) in texts_in(value) for t in targets)


def texts_in(node: ast.AST) -> set[str]:
    """The variables, attributes and entries in an expression, as they are written."""
    kinds = (ast.Name, ast.Attribute, ast.Subscript)
    return {ast.unparse(n) for n in ast.walk(node) if isinstance(n, kinds)}


def written_by(call: ast.Call) -> list[ast.expr]:
    """What a call that stands alone may write into: its receiver, its first argument, its out=."""
    function = call.func
    candidates: list[ast.expr] = [k.value for k in call.keywords if k.arg == "out"]
    candidates += call.args[:1]
    if isinstance(function, ast.Attribute):
        candidates.append(function.value)
    return [
        c
        for c in candidates
        if isinstance(c, (ast.Name, ast.Attribute, ast.Subscript)) and not calls_something(c)
    ]


_UNNAMED = re.compile(r"<\d+>")


def is_unnamed(name: str) -> bool:
    """Whether it is the number of an expression that has no name of its own."""
    return _UNNAMED.fullmatch(name) is not None
