"""The targets, updates and writes of a derivation's statements, found by syntax."""

from __future__ import annotations

import ast
import re
from typing import Any

from autograd_lite.check.names import is_gradient_name

_PURE = frozenset(("str", "len", "int", "range", "max", "min", "abs"))


def calls_something(node: ast.AST) -> bool:
    """Whether an expression contains a call that may do more than compute a key."""
    calls = (n for n in ast.walk(node) if isinstance(n, (ast.Call, ast.NamedExpr, ast.Await)))
    return any(not _is_pure(call) for call in calls)


def _is_pure(call: ast.expr) -> bool:
    function = getattr(call, "func", None)
    if isinstance(function, ast.Attribute):
        return isinstance(function.value, ast.Name) and function.value.id in ("np", "numpy")
    return isinstance(function, ast.Name) and function.id in _PURE


def targets_of(statement: ast.stmt) -> list[ast.expr]:
    """The targets of a statement, with tuples taken apart."""
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    return [item for target in targets if target is not None for item in _items(target)]


def _items(target: ast.expr) -> list[ast.expr]:
    if isinstance(target, (ast.Tuple, ast.List)):
        return [item for element in target.elts for item in _items(element)]
    return [target.value if isinstance(target, ast.Starred) else target]


Element = tuple[ast.expr, str | None]


def elements_of(statement: ast.stmt | None) -> list[Element]:
    """The unnamed expressions inside a statement, each with a name where it has one: items of a
    returned tuple or dict, the step of an update.
    """
    value = getattr(statement, "value", None)
    if isinstance(statement, ast.Return):
        known = (ast.Name, ast.Attribute, ast.Constant)
        items = [e for e in _named_items(value) if not isinstance(e[0], known)]
        is_one = not isinstance(value, (ast.Tuple, ast.List))
        return items if is_one else [(e, name or scaled_gradient(e)) for e, name in items]
    if isinstance(statement, ast.Assign) and isinstance(value, (ast.Dict, ast.Tuple, ast.List)):
        return [e for e in _named_items(value) if not isinstance(e[0], (ast.Name, ast.Constant))]
    step = update_of(statement)
    if step is not None:
        return [] if isinstance(step[1], (ast.Name, ast.Constant)) else [(step[1], None)]
    return []


def _named_items(value: ast.expr | None, name: str | None = None) -> list[Element]:
    if isinstance(value, ast.Dict):
        pairs = zip(value.keys, value.values, strict=True)
        return [item for key, inner in pairs for item in _named_items(inner, _constant(key))]
    if isinstance(value, (ast.Tuple, ast.List)):
        return [item for inner in value.elts for item in _named_items(inner)]
    if isinstance(value, ast.Call) and value.keywords and not value.args and _makes(value.func):
        return [item for k in value.keywords for item in _named_items(k.value, k.arg)]
    return [(value, name)] if isinstance(value, ast.expr) else []


def scaled_gradient(value: ast.expr) -> str | None:
    """The name of the only gradient in a sum or product: `dW` of `dW / m + rate * W`."""
    if isinstance(value, ast.UnaryOp):
        return scaled_gradient(value.operand)
    if isinstance(value, ast.BinOp) and isinstance(value.op, (ast.Mult, ast.Div, ast.Add, ast.Sub)):
        left, right = scaled_gradient(value.left), scaled_gradient(value.right)
        return left if right is None else right if left is None else None
    name = getattr(value, "id", getattr(value, "attr", ""))
    return name if name and is_gradient_name(name) else None


def _makes(function: ast.expr) -> bool:
    """Whether a call builds an object, as its name tells: `dict(...)`, `Gradients(...)`."""
    name = getattr(function, "attr", getattr(function, "id", ""))
    return name == "dict" or name[:1].isupper()


def _constant(key: ast.expr | None) -> str | None:
    return str(key.value) if isinstance(key, ast.Constant) else None


def update_of(statement: ast.stmt | None) -> tuple[int, ast.expr] | None:
    """The sign and the step of an update of a variable: `W -= step`, `W[:] = W - step`."""
    signs = {ast.Add: 1, ast.Sub: -1}
    if isinstance(statement, ast.AugAssign) and type(statement.op) in signs:
        return signs[type(statement.op)], statement.value
    value = getattr(statement, "value", None)
    if isinstance(statement, ast.Assign) and isinstance(value, ast.BinOp):
        if type(value.op) in signs and len(statement.targets) == 1:
            target = _without_slice(statement.targets[0])
            if ast.unparse(_without_slice(value.left)) == ast.unparse(target):
                return signs[type(value.op)], value.right
    return None


def _without_slice(node: ast.expr) -> ast.expr:
    """The array of which `W[:]` and `W[...]` are the whole."""
    whole = isinstance(node, ast.Subscript) and ast.unparse(node.slice) in (":", "...")
    return node.value if whole else node  # type: ignore[attr-defined]


class SeparateUpdates(ast.NodeTransformer):
    """Separates updates that one statement makes: `W, b = W - s, b - t`.

    The order is one in which no update reads what another one has written; a statement for which
    there is none, forwards or backwards, stays as it is.
    """

    def visit_Assign(self, node: ast.Assign) -> Any:
        target, value = node.targets[0], node.value
        if len(node.targets) > 1 or not isinstance(target, ast.Tuple):
            return node
        if not isinstance(value, ast.Tuple) or len(value.elts) != len(target.elts):
            return node
        pairs = zip(target.elts, value.elts, strict=True)
        single = [ast.copy_location(ast.Assign([t], v), node) for t, v in pairs]
        if any(update_of(s) is None for s in single):
            return node
        return next((o for o in (single, single[::-1]) if _is_independent(o)), node)


def _is_independent(updates: list[ast.Assign]) -> bool:
    """Whether no update reads what one before it has written."""
    written: set[str] = set()
    for update in updates:
        if written & texts_in(update.value):
            return False
        written.add(ast.unparse(_without_slice(update.targets[0])))
    return True


def is_velocity(statement: ast.stmt) -> bool:
    """Whether a statement decays its target, as optimisers do: `v = 0.9 * v - rate * dW`."""
    return any(is_decay(statement, target) for target in targets_of(statement))


def is_decay(statement: ast.stmt, target: ast.expr) -> bool:
    if isinstance(statement, ast.AugAssign):
        return isinstance(statement.op, ast.Mult)
    value = getattr(statement, "value", None)
    if value is None or update_of(statement) is not None:
        return False
    return ast.unparse(target) in texts_in(value)


def is_changed_by_itself(statement: ast.stmt) -> bool:
    """Whether a statement changes the value of its target: `dW *= 2`, `dW = np.abs(dW)`."""
    targets = targets_of(statement)
    if isinstance(statement, ast.AugAssign) or any(isinstance(t, ast.Subscript) for t in targets):
        return True
    value = getattr(statement, "value", None)
    return value is not None and any(ast.unparse(t) in texts_in(value) for t in targets)


def texts_in(node: ast.AST) -> set[str]:
    """The variables, attributes and entries in an expression, as text."""
    kinds = (ast.Name, ast.Attribute, ast.Subscript)
    return {ast.unparse(n) for n in ast.walk(node) if isinstance(n, kinds)}


def written_by(call: ast.Call) -> list[ast.expr]:
    """The operands that a bare call may write into: its receiver, its first argument, its out=."""
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
    """Whether a name is the number that stands for an unnamed expression."""
    return _UNNAMED.fullmatch(name) is not None
