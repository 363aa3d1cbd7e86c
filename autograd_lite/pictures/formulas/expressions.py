"""Expressions without redundant ones and zeros."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from typing import Any


def numpy_call(name: str, *args: ast.expr) -> ast.Call:
    """The call `np.name(...)`."""
    function = ast.Attribute(ast.Name("np", ast.Load()), name, ast.Load())
    return ast.Call(function, list(args), [])


def number(value: Any) -> ast.expr | None:
    """A number as a literal, if six digits are enough; None otherwise."""
    if isinstance(value, complex):
        short = complex(f"{value:.6g}") == value and not value.real
        return ast.Constant(value) if short and value.imag >= 0 else None
    if not math.isfinite(value):
        return None
    if isinstance(value, float) and float(f"{value:.6g}") != value:
        return None
    node = ast.Constant(abs(value))
    return ast.UnaryOp(ast.USub(), node) if math.copysign(1, value) < 0 else node


def is_literal(node: ast.expr) -> bool:
    return number_in(node) is not None or isinstance(node, ast.Constant)


def number_in(node: ast.expr) -> Any:
    """The number that a literal stands for; None for any other node."""
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
    """`left op right`, without redundant ones and zeros."""
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
        # A negative exponent needs no parentheses.
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


_INFIX: dict[str, ast.operator] = {
    "bitwise_and": ast.BitAnd(),
    "bitwise_or": ast.BitOr(),
    "bitwise_xor": ast.BitXor(),
}


class _Tidying(ast.NodeTransformer):
    """Removes redundant ones and zeros, and writes functions as operators."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return binary(node.op, node.left, node.right)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        return negative(node.operand) if isinstance(node.op, ast.USub) else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Attribute(ast.Name("np"), "invert"), args=[inner]):
                return ast.UnaryOp(ast.Invert(), inner)
            case ast.Call(func=ast.Attribute(ast.Name("np"), name), args=[left, right]):
                return ast.BinOp(left, _INFIX[name], right) if name in _INFIX else node
        return node


def tidied(node: ast.expr) -> ast.expr:
    """The expression without redundant ones and zeros."""
    found: ast.expr = _Tidying().visit(node)
    return found
