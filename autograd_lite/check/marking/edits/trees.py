"""Syntax trees of expressions and statements: making, reading and replacing them."""

from __future__ import annotations

import ast
import copy
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

import numpy as np

from autograd_lite.arrays.contracts import ArrayLike
from autograd_lite.check.marking.definitions import Definition, Place
from autograd_lite.check.marking.rewriting import WATCH

SLOPE = "slope of "
"""Begins the names of the derivatives of activations."""


THROUGH = "through "
"""Begins the names of parts that come through values which may be taken for constants."""


def columns(definition: Definition, line: int) -> tuple[int, int]:
    """The column where the first statement on a line begins, and where the last one ends."""
    there = [
        n
        for n in ast.walk(definition.tree)
        if isinstance(n, ast.stmt) and n.lineno == n.end_lineno == line
    ]
    return min(n.col_offset for n in there), max(n.end_col_offset or 0 for n in there)


def parsed_or_none(text: str) -> ast.AST:
    try:
        return parsed(text.strip())
    except (SyntaxError, ValueError):
        return ast.Constant(None)


def with_statements(tree: Any, place: Place, new: list[ast.stmt]) -> Any:
    number = place.statement._place  # type: ignore[attr-defined]
    changed = tree
    for name, value in ast.iter_fields(tree):
        if isinstance(value, list) and value and isinstance(value[0], ast.AST):
            items: list[Any] = []
            for item in value:
                if getattr(item, "_place", None) == number:
                    items += new
                elif isinstance(item, (ast.stmt, ast.ExceptHandler, ast.match_case)):
                    items.append(with_statements(item, place, new))
                else:
                    items.append(item)
            if len(items) != len(value) or any(
                a is not b for a, b in zip(items, value, strict=True)
            ):
                changed = copy.copy(tree) if changed is tree else changed
                setattr(changed, name, items)
    return changed


def is_broadcast(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    try:
        np.broadcast_shapes(one, other)
    except ValueError:
        return False
    return True


def is_equal(one: ArrayLike, other: ArrayLike) -> bool:
    return np.shape(one) == np.shape(other) and bool(np.array_equal(one, other))


_METHODS = frozenset(
    (
        *("sum", "mean", "dot", "transpose", "reshape", "copy", "astype", "swapaxes", "squeeze"),
        *("ravel", "flatten", "max", "min", "std", "var", "cumsum", "take"),
    )
)


def is_of_arrays(node: ast.AST) -> bool:
    """Whether an expression calls only NumPy functions and the usual methods of arrays."""
    inner = (ast.Lambda, ast.ListComp, ast.GeneratorExp, ast.NamedExpr, ast.Starred)
    for call in ast.walk(node):
        if isinstance(call, inner):
            return False
        if not isinstance(call, ast.Call):
            continue
        function = call.func
        if not isinstance(function, ast.Attribute):
            return False
        is_numpys = isinstance(function.value, ast.Name) and function.value.id in ("np", "numpy")
        if not is_numpys and function.attr not in _METHODS:
            return False
    return True


def parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def placed_at(new: ast.expr, old: ast.AST) -> ast.expr:
    """A copy of a new expression, located where the old one stands in the source."""
    new = copy.copy(new)
    ast.copy_location(new, old)
    for child in ast.walk(new):
        if "lineno" in child._attributes and not hasattr(child, "lineno"):
            ast.copy_location(child, old)
    return new


def swapped(tree: Any, news: Mapping[int, Any]) -> Any:
    """The tree with nodes replaced by their `id`; subtrees without a replacement are shared."""
    if id(tree) in news:
        return news[id(tree)]
    if isinstance(tree, list):
        items = [swapped(item, news) for item in tree]
        return tree if all(a is b for a, b in zip(items, tree, strict=True)) else items
    if not isinstance(tree, ast.AST):
        return tree
    changed = tree
    for name, value in ast.iter_fields(tree):
        new = swapped(value, news)
        if new is not value:
            changed = copy.copy(tree) if changed is tree else changed
            setattr(changed, name, new)
    return changed


_COMPUTED = (ast.BinOp, ast.UnaryOp, ast.Call)


def walked(
    node: ast.AST, around: tuple[ast.AST, ...] = ()
) -> Iterator[tuple[ast.expr, tuple[ast.AST, ...]]]:
    if isinstance(node, ast.expr):
        yield node, around
    for child in ast.iter_child_nodes(node):
        # In `(a + b)[:n]` only `:n` is within an index.
        is_indexed = isinstance(node, ast.Subscript) and child is node.value
        is_computed = is_indexed and isinstance(child, _COMPUTED)
        yield from walked(child, around if is_computed else (*around, node))


ARRIVING = "gradient_of_"
"""The prefix under which the gradient that arrives at a value stands among the named values."""


def text_of(node: ast.AST) -> str:
    text = re.sub(
        rf"{WATCH}\.named\('{ARRIVING}(\w+)'\)", r"(the gradient of \1)", ast.unparse(node)
    )
    text = re.sub(rf"{WATCH}\.named\('(\w+)'\)", r"\1", text)
    return re.sub(rf"{WATCH}\.named\('(\w+)', True\)", r"(\1 as it was before)", text)


def times(left: ast.expr, right: ast.expr) -> ast.expr:
    return ast.BinOp(left, ast.Mult(), right)


def one_less(node: ast.expr) -> ast.expr:
    return ast.BinOp(ast.Constant(1), ast.Sub(), node)


def transposed(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    return ast.Attribute(node, "T", ast.Load())


def in_index(node: ast.AST, around: tuple[ast.AST, ...]) -> bool:
    """Whether a node is part of an index, or of the path of names that is indexed."""
    return any(
        isinstance(outer, ast.Subscript) and (inner is not outer.value or _is_path(inner))
        for outer, inner in itertools.pairwise((*around, node))
    )


def _is_path(node: ast.AST) -> bool:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return isinstance(node, ast.Name)


def is_power(node: ast.AST | None) -> TypeGuard[ast.BinOp]:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)


def is_called(node: ast.expr, around: tuple[ast.AST, ...]) -> bool:
    """Whether a node names a function, module or method, or is a keyword argument."""
    parent = around[-1] if around else None
    if isinstance(parent, ast.Call) and parent.func is node:
        return True
    if isinstance(parent, ast.Attribute):
        return parent.attr not in (*("T", "mT"), *_METHODS)
    return isinstance(parent, ast.keyword)


def chain_of(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*chain_of(node.left), *chain_of(node.right)]
    return [node]


def product(nodes: list[ast.expr]) -> ast.expr:
    made = nodes[0]
    for node in nodes[1:]:
        made = times(made, node)
    return made


def is_shape(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "shape"


def read_from(target: Any) -> Any:
    loaded = copy.copy(target)
    if hasattr(loaded, "ctx"):
        loaded.ctx = ast.Load()
    return loaded


def name_called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def operand_of(node: ast.Call) -> ast.expr | None:
    if not isinstance(node.func, ast.Attribute):
        return node.args[0] if node.args else None
    is_module = isinstance(node.func.value, ast.Name) and node.func.value.id in ("np", "numpy")
    return (node.args[0] if node.args else None) if is_module else node.func.value


def plus(node: ast.expr, number: int) -> ast.expr:
    if not number:
        return node
    operator = ast.Add() if number > 0 else ast.Sub()
    return ast.copy_location(ast.BinOp(node, operator, ast.Constant(abs(number))), node)


def numpy_call(name: str, node: ast.expr) -> ast.expr:
    return ast.Call(ast.Attribute(ast.Name("np", ast.Load()), name, ast.Load()), [node], [])
