"""The local derivative of an element-wise rule."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd_lite.pictures.formulas.expressions import binary, negative, number_in, numpy_call


def element_wise(rule: Any, arguments: Sequence[Any]) -> bool:
    """Whether every argument broadcasts to the gradient's shape, as in an element-wise rule."""
    shape = np.shape(arguments[0])
    for parameter, value in zip(inspect.signature(rule).parameters, arguments, strict=False):
        own = value if parameter.endswith("_shape") else getattr(value, "shape", ())
        if not _broadcasts(own, shape):
            return False
    return True


def _broadcasts(own: Any, shape: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, own) == shape
    except (TypeError, ValueError):
        return False


def local_of(node: ast.expr) -> ast.expr | None:
    """The factor by which `node` multiplies the gradient element by element; None without one."""
    match node:
        case ast.Name(id="__0__"):
            return ast.Constant(1)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            factor = local_of(operand)
            return factor and negative(factor)
        case ast.BinOp(left=left, op=ast.Mult() as op, right=right):
            if has_gradient(left) == has_gradient(right):
                return None
            of_left, of_right = local_of(left), local_of(right)
            return binary(op, of_left or left, of_right or right) if of_left or of_right else None
        case ast.BinOp(left=left, op=ast.Div() as op, right=right):
            factor = None if has_gradient(right) else local_of(left)
            return factor and binary(op, factor, right)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            of_left, of_right = local_of(left), local_of(right)
            return binary(op, of_left, of_right) if of_left and of_right else None
        case ast.IfExp(test=test, body=body, orelse=other):
            first, second = _branch(body), _branch(other)
            if has_gradient(test) or first is None or second is None:
                return None
            return ast.IfExp(test, first, second)
        case ast.Call(func=ast.Attribute(ast.Name("np"), name), args=args, keywords=[]):
            return _local_call(name, args)
    return None


def _local_call(name: str, args: list[ast.expr]) -> ast.expr | None:
    if name == "where" and len(args) == 3 and not has_gradient(args[0]):
        first, second = _branch(args[1]), _branch(args[2])
        return numpy_call("where", args[0], first, second) if first and second else None
    if name in UFUNCS and len(args) == 2:
        return local_of(ast.BinOp(args[0], UFUNCS[name], args[1]))
    return local_of(ast.UnaryOp(ast.USub(), args[0])) if name == "negative" else None


UFUNCS: dict[str, ast.operator] = {
    "multiply": ast.Mult(),
    "divide": ast.Div(),
    "add": ast.Add(),
    "subtract": ast.Sub(),
}


def _branch(node: ast.expr) -> ast.expr | None:
    return node if number_in(node) == 0 else local_of(node)


def has_gradient(node: ast.expr) -> bool:
    return any(isinstance(n, ast.Name) and n.id == "__0__" for n in ast.walk(node))
