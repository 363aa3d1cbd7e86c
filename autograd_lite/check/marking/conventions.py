"""Conventions that are no mistakes: terms left out of a derivative, and clipped gradients.

People leave an epsilon in a logarithm and the clipping of a probability out of the derivative, and
clip a gradient before they use it. An edit undoes each of these, and the result is marked. The
state of an optimiser from earlier steps is set to 0.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator

from autograd_lite.check.marking.assignments import is_decay, targets_of, texts_in, update_of
from autograd_lite.check.marking.definitions import Definition
from autograd_lite.check.marking.edits.trees import swapped
from autograd_lite.check.marking.execution import Event
from autograd_lite.check.names import is_gradient_name

EPSILON_LIMIT = 1e-3
"""Numbers up to this size count as epsilons, which keep a logarithm or a division finite."""

_EPSILONS = re.compile(r"(?i)_?(eps\w*|tiny|epsilon\w*|small)")


def without_epsilons(
    definitions: Iterable[Definition], in_logarithms: bool = False
) -> dict[Definition, ast.FunctionDef]:
    """The functions that contain an epsilon, or one within a logarithm, with 0 in its place."""
    found: dict[Definition, ast.FunctionDef] = {}
    for definition in definitions:
        news: dict[int, ast.expr] = {}
        nodes = ast.walk(definition.tree)
        for node in _in_logarithms(definition.tree) if in_logarithms else nodes:
            if isinstance(node, ast.Constant) and type(node.value) is float:
                if 0 < abs(node.value) <= EPSILON_LIMIT:
                    news[id(node)] = ast.copy_location(ast.Constant(0.0), node)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                if _EPSILONS.fullmatch(node.id):
                    news[id(node)] = ast.copy_location(ast.Constant(0.0), node)
        if news:
            found[definition] = swapped(definition.tree, news)
    return found


def _in_logarithms(tree: ast.AST) -> Iterator[ast.AST]:
    """What stands within calls of `log`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "log":
            yield from (inner for argument in node.args for inner in ast.walk(argument))


def without_clipping(definitions: Iterable[Definition]) -> dict[Definition, ast.FunctionDef]:
    """The functions that clip, elementwise or by a norm, without the clipping."""
    found: dict[Definition, ast.FunctionDef] = {}
    for definition in definitions:
        news: dict[int, ast.AST] = {}
        norms = _norms_in(definition.tree)
        for node in ast.walk(definition.tree):
            if isinstance(node, ast.stmt) and _is_clipping(node, norms):
                news[id(node)] = _nothing(node)
            elif isinstance(node, ast.expr):
                inner = _clipped(node)
                inner = _unscaled(node, norms) if inner is None else inner
                if inner is not None:
                    news.setdefault(id(node), inner)
        if news:
            found[definition] = swapped(definition.tree, news)
    return found


def _is_clipping(statement: ast.stmt, norms: frozenset[str]) -> bool:
    """Whether a statement only clips: `np.clip(g, -1, 1, out=g)`, `g *= c / norm`."""
    if isinstance(statement, ast.Expr):
        return _clipped(statement.value) is not None
    if isinstance(statement, ast.AugAssign) and isinstance(statement.op, (ast.Mult, ast.Div)):
        return _is_gradient(statement.target) and _is_of_norm(statement.value, norms)
    return False


def _nothing(statement: ast.stmt) -> ast.stmt:
    nothing = ast.copy_location(ast.Pass(), statement)
    nothing._place = statement._place  # type: ignore[attr-defined]
    return nothing


def _clipped(node: ast.expr) -> ast.expr | None:
    """The array that a call of clip takes; None for any other expression."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    if node.func.attr != "clip":
        return None
    owner = node.func.value
    if isinstance(owner, ast.Name) and owner.id in ("np", "numpy"):
        return node.args[0] if node.args else None
    return owner


def _unscaled(node: ast.expr, norms: frozenset[str]) -> ast.expr | None:
    """The gradient that an expression scales by a norm: `g` in `g * c / norm`; None without one."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, (ast.Mult, ast.Div)):
        return None
    numerator, divisors = _fraction(node)
    if not any(_is_of_norm(d, norms) for d in divisors):
        scaling = [n for n in numerator if _is_of_norm(n, norms)]
        if not scaling or isinstance(node.op, ast.Div) or len(numerator) > 2:
            return None
    return next((n for n in numerator if _is_gradient(n)), None)


def _fraction(node: ast.expr) -> tuple[list[ast.expr], list[ast.expr]]:
    """The factors and the divisors of an expression of products and quotients."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.Div)):
        above, below = _fraction(node.left)
        more, less = _fraction(node.right)
        if isinstance(node.op, ast.Div):
            more, less = less, more
        return [*above, *more], [*below, *less]
    return [node], []


def _is_gradient(node: ast.expr) -> bool:
    """Whether an expression is a variable named like a gradient, an entry of one, or a loop
    variable over them: `dW`, `grads[k]`, `g`.
    """
    while isinstance(node, ast.Subscript):
        node = node.value
    name = getattr(node, "attr", getattr(node, "id", ""))
    return is_gradient_name(name) or name in ("g", "param_grad")


def _norms_in(tree: ast.AST) -> frozenset[str]:
    """The names of norms over all elements, and of values computed from one, such as `c / norm`."""
    sums: set[str] = set()
    names: set[str] = set()
    statements = [n for n in ast.walk(tree) if isinstance(n, (ast.Assign, ast.AugAssign))]
    for _ in range(2):
        for statement in statements:
            for target in targets_of(statement):
                if not isinstance(target, ast.Name) or is_gradient_name(target.id):
                    continue
                if _calls(statement.value, ("sum", "vdot")):
                    sums.add(target.id)
                if _is_of_norm(statement.value, names, sums):
                    names.add(target.id)
    return frozenset(names)


def _is_of_norm(node: ast.AST, norms: Collection[str], sums: Collection[str] = frozenset()) -> bool:
    """Whether an expression computes or reads a norm over all elements."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id in norms and inner.id not in sums:
            return True
        if _calls(inner, ("norm",), here=True):
            return True
        if _calls(inner, ("sqrt",), here=True):
            named = any(isinstance(n, ast.Name) and n.id in sums for n in ast.walk(inner))
            if named or _calls(inner, ("sum", "vdot")):
                return True
    return False


def _calls(node: ast.AST, names: tuple[str, ...], here: bool = False) -> bool:
    """Whether an expression calls one of these functions over all axes."""
    calls = [n for n in ([node] if here else ast.walk(node)) if isinstance(n, ast.Call)]
    return any(
        _name_called(c) in names and not any(k.arg in ("axis", "keepdims") for k in c.keywords)
        for c in calls
    )


def _name_called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def velocities(events: Iterable[Event]) -> set[str]:
    """The names of an optimiser's state: `v` in `v = 0.9 * v - rate * dW; W += v`.

    It is decayed, and used in the update of another array.
    """
    events = list(events)
    statements = {id(e.place.statement): e.place.statement for e in events}.values()
    decayed = {ast.unparse(t): t for s in statements for t in targets_of(s) if is_decay(s, t)}
    used: set[str] = set()
    for statement in statements:
        update = update_of(statement)
        if update is not None and ast.unparse(targets_of(statement)[0]) not in decayed:
            read = texts_in(update[1])
            made = [s for s in statements if read & {ast.unparse(t) for t in targets_of(s)}]
            used |= read.union(*(texts_in(s.value) for s in made if hasattr(s, "value")))
    return {_root_of(target) for text, target in decayed.items() if text in used}


def _root_of(target: ast.expr) -> str:
    """The name of the variable or attribute that holds a target."""
    while isinstance(target, ast.Subscript):
        target = target.value
    return getattr(target, "attr", getattr(target, "id", ""))
