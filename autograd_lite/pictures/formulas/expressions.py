"""Plain values as expressions, and arithmetic of them with what is known computed."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any

import numpy as np

LIST_LIMIT_ITEMS = 16


def name_node(text: str) -> ast.Name:
    return ast.Name(text, ast.Load())


def numpy_node(name: str) -> ast.Attribute:
    return ast.Attribute(name_node("np"), name, ast.Load())


def numpy_call(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(numpy_node(name), list(args), [])


def literal(value: Any) -> ast.expr | None:
    """The expression of a plain value: a number, a text, an index, or a few of them."""
    if isinstance(value, np.generic) and value.ndim == 0:
        value = value.item()
    if value is None or value is Ellipsis or isinstance(value, (bool, str)):
        return ast.Constant(value)
    if isinstance(value, (int, float, complex)):
        return number(value)
    if isinstance(value, range):
        ends = [value.start, value.stop, value.step]
        shown = ends if value.step != 1 else ends[:2] if value.start else ends[1:2]
        return ast.Call(name_node("range"), [ast.Constant(end) for end in shown], [])
    if _slices(value):
        index = index_literal(value)
        return index and ast.Subscript(numpy_node("s_"), index, ast.Load())
    if isinstance(value, (tuple, list)) and len(value) <= LIST_LIMIT_ITEMS:
        items = [literal(item) for item in value]
        if None in items:
            return None
        kind = ast.Tuple if isinstance(value, tuple) else ast.List
        return kind([item for item in items if item is not None], ast.Load())
    return None


def _slices(value: Any) -> bool:
    return isinstance(value, slice) or (isinstance(value, tuple) and any(map(_slices, value)))


def index_literal(value: Any) -> ast.expr | None:
    """`value` as it stands between the brackets of a subscript."""
    if isinstance(value, slice):
        ends = [None if e is None else literal(e) for e in (value.start, value.stop, value.step)]
        return ast.Slice(*ends)
    if isinstance(value, np.ndarray):
        inside = literal(value.tolist()) if 0 < value.size <= LIST_LIMIT_ITEMS else None
        return numpy_call("array", inside) if inside and value.dtype.kind in "iub" else None
    if not isinstance(value, tuple):
        return literal(value)
    items = [index_literal(item) for item in value]
    if None in items:
        return None
    if len(items) == 1 and not isinstance(value[0], (tuple, list, np.ndarray)):
        return items[0]
    return ast.Tuple([item for item in items if item is not None], ast.Load())


def number(value: Any) -> ast.expr | None:
    """A number that can be written in six digits."""
    if isinstance(value, complex):
        short = complex(f"{value:.6g}") == value and not value.real
        return ast.Constant(value) if short and value.imag >= 0 else None
    if not math.isfinite(value):
        special = numpy_node("nan" if math.isnan(value) else "inf")
        return negative(special) if value < 0 else special
    if isinstance(value, float) and float(f"{value:.6g}") != value:
        return None
    node = ast.Constant(abs(value))
    return ast.UnaryOp(ast.USub(), node) if math.copysign(1, value) < 0 else node


def is_literal(node: ast.expr) -> bool:
    return number_in(node) is not None or isinstance(node, ast.Constant)


def number_in(node: ast.expr) -> Any:
    """The number that a literal stands for; None of anything else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        below = number_in(node.operand)
        return None if below is None else -below
    numeric = isinstance(node, ast.Constant) and isinstance(node.value, (int, float, complex))
    return node.value if numeric else None  # type: ignore[attr-defined]


FOLDED: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
}


def binary(op: ast.operator, left: ast.expr, right: ast.expr) -> ast.expr:
    """`left op right`, without the ones and zeros that change nothing."""
    a, b = number_in(left), number_in(right)
    if a is not None and b is not None and type(op) in FOLDED:
        folded = number(FOLDED[type(op)](a, b))
        if folded is not None:
            return folded
    if isinstance(op, ast.Mult):
        return _product(left, right, a, b)
    if isinstance(op, (ast.Add, ast.Sub)) and b == 0:
        return left
    if isinstance(op, ast.Add) and a == 0:
        return right
    if isinstance(op, ast.Sub) and a == 0:
        return negative(right)
    if isinstance(op, (ast.Div, ast.Pow)) and b == 1:
        return left
    if isinstance(op, ast.Pow) and b is not None:
        # An exponent needs no parentheses for its sign.
        return ast.BinOp(left, op, ast.Constant(b)) if b else ast.Constant(1)
    return ast.BinOp(left, op, right)


def _product(left: ast.expr, right: ast.expr, a: Any, b: Any) -> ast.expr:
    if a == 1:
        return right
    if b == 1:
        return left
    if a == -1 or b == -1:
        return negative(right if a == -1 else left)
    if (a == 0 and isinstance(right, ast.Compare)) or (b == 0 and isinstance(left, ast.Compare)):
        return ast.Constant(0)
    match right:
        case ast.BinOp(left=ast.Constant(1), op=ast.Div(), right=below) if is_literal(below):
            return ast.BinOp(left, ast.Div(), below)
    return ast.BinOp(left, ast.Mult(), right)


def negative(node: ast.expr) -> ast.expr:
    """`-node`; the sign goes to the first factor."""
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return operand
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div() as op, right=right):
            return binary(op, negative(left), right)
    return ast.UnaryOp(ast.USub(), node)
