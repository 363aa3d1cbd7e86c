"""Calls of NumPy as people write them: `a @ b`, `a.T`, and reshapes that change nothing."""

from __future__ import annotations

import ast
import functools
from typing import Any

import numpy as np

from autograd_lite.gradients import IndexedGradient, TupleGradient
from autograd_lite.pictures.formulas.expressions import name_node, numpy_call
from autograd_lite.pictures.formulas.terms import Term, subscript_of
from autograd_lite.rules.indexing import getitem
from autograd_lite.rules.masks import gated
from autograd_lite.rules.signal import full_convolution


def shortened(
    function: Any, args: list[Term], keywords: dict[str, Term], made: Term
) -> Term | None:
    """A call as it is written by hand, or what it leaves as it is."""
    if not args or function is None or made.static:
        return None
    first, names = args[0], set(keywords)
    again = functools.partial(Term, compute=made.compute, static=False)
    if function in (np.asarray, TupleGradient) or (function in (list, tuple) and first.items):
        return first
    if function is getattr and len(args) == 3 and args[1].static:
        return (
            first
            if args[2].node is first.node and not hasattr(first.value(), args[1].value())
            else None
        )
    if function in (np.conjugate, np.real):
        return first if np.asarray(first.value()).dtype.kind != "c" else None
    if function is full_convolution:
        return again(numpy_call("convolve", first.node, args[1].node))
    if function is gated:
        return again(numpy_call("where", args[1].node, first.node, ast.Constant(0)))
    if function is getitem:
        return subscript_of(first, args[1], made.compute)
    if function is IndexedGradient:
        return again(ast.Call(name_node("put_back"), [arg.node for arg in args], []))
    if function in (np.dot, np.matmul) and len(args) == 2 and not names:
        low = function is np.matmul or all(0 < np.ndim(arg.value()) < 3 for arg in args)
        return again(ast.BinOp(first.node, ast.MatMult(), args[1].node)) if low else None
    if function in (np.transpose, np.matrix_transpose, np.swapaxes) and not names:
        return _transposed(function, args, made)
    if function is np.reshape and len(args) == 2 and args[1].static:
        return _reshaped(first, args[1].value(), made)
    return None


def _transposed(function: Any, args: list[Term], made: Term) -> Term | None:
    first, axes = args[0], [arg.value() for arg in args[1:]]
    if np.ndim(first.value()) < 2 and function is np.transpose:
        return first
    if np.ndim(first.value()) != 2:
        return None
    flat = np.ravel([a for a in axes if a is not None]) % 2
    if flat.size and (flat[0] == flat[1] or (function is np.transpose and not flat[0])):
        return first
    if isinstance(first.node, ast.Attribute) and first.node.attr == "T":
        return Term(first.node.value, made.compute, False)
    return Term(ast.Attribute(first.node, "T", ast.Load()), made.compute, False)


def _reshaped(array: Term, shape: Any, made: Term) -> Term | None:
    costly = (ast.Call, ast.MatMult)
    product = array.node
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if len(shape) == 1 and isinstance(product, ast.BinOp) and isinstance(product.op, ast.MatMult):
        return _vector_again(product, shape, array, made)
    if any(isinstance(n, costly) for n in ast.walk(product)):
        return None
    own = np.shape(array.value())
    if own == shape or (shape == (-1,) and len(own) == 1):
        return array
    if not own and set(shape) == {1} and len(shape) < 4 and hasattr(array.value(), "shape"):
        added: list[ast.expr] = [ast.Constant(None) for _ in shape]
        index = ast.Tuple(added, ast.Load()) if len(added) > 1 else added[0]
        return Term(ast.Subscript(product, index, ast.Load()), made.compute, False, inner=array)
    if len(own) == 1 and shape in ((own[0], 1), (1, own[0])):
        places: list[ast.expr] = [ast.Slice(), ast.Constant(None)]
        index = ast.Tuple(places if shape[1] == 1 else places[::-1], ast.Load())
        return Term(ast.Subscript(product, index, ast.Load()), made.compute, False)
    return None


def _vector_again(product: ast.BinOp, shape: Any, array: Term, made: Term) -> Term | None:
    """A product with a vector that was made a column, and what came out a vector again."""
    own = np.shape(array.value())
    if own == shape or (shape == (-1,) and len(own) == 1):
        return array
    match product.right:
        case ast.Subscript(value=vector, slice=ast.Tuple(elts=[ast.Slice(), ast.Constant(None)])):
            if own == (*shape, 1):
                node = ast.BinOp(product.left, ast.MatMult(), vector)
                return Term(node, made.compute, False)
    return None


def stretched(term: Term, other: Term) -> Term:
    """A number that was given axes, without them: the array that it is combined with has them."""
    match term.node:
        case ast.Subscript(slice=ast.Constant(None) | ast.Tuple()) if term.inner is not None:
            if np.ndim(other.value()) >= np.ndim(term.value()):
                return term.inner
    return term
