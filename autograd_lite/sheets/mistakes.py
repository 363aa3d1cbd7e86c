"""Common mistakes in a line of a backward pass, for the page that asks for the line.

Each mistake is the line with one expression changed, and a sentence that says what is wrong with
it. The page computes the typed expression and compares it with these.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from typing import NamedTuple

TYPED_LIMIT_CHARACTERS = 160
"""Nobody is asked to type a line longer than this."""


class Mistake(NamedTuple):
    """A wrong expression, and a sentence about its mistake."""

    text: str
    why: str


Change = tuple[ast.expr, str]


def mistakes_in(text: str) -> list[Mistake]:
    """The common mistakes in an expression; none where it is long or not valid Python.

    >>> mistakes_in("dZ1 @ X.T")[0]
    Mistake(text='dZ1 @ X', why='X is not transposed')
    """
    if len(text) > TYPED_LIMIT_CHARACTERS:
        return []
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError):
        return []
    found: dict[str, str] = {}
    for make in MISTAKES:
        for position, node in enumerate(ast.walk(tree)):
            for new, why in make(node) if isinstance(node, ast.expr) else ():
                changed = ast.unparse(_replaced(tree, position, new))
                found.setdefault(changed, why)
    found.pop(ast.unparse(tree), None)
    return [Mistake(changed, why) for changed, why in found.items()]


def _replaced(tree: ast.expr, position: int, new: ast.expr) -> ast.expr:
    """A copy of the tree with the node at a position of `ast.walk` replaced."""
    if position == 0:
        return new
    tree = copy.deepcopy(tree)
    old = list(ast.walk(tree))[position]
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
            elif isinstance(value, list) and any(item is old for item in value):
                setattr(parent, name, [new if item is old else item for item in value])
    return tree


def not_transposed(node: ast.expr) -> Iterator[Change]:
    """`X` for `X.T`."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield node.value, f"{ast.unparse(node.value)} is not transposed"


def turned_product(node: ast.expr) -> Iterator[Change]:
    """A matrix product with its factors swapped, or an element-wise product for it."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield ast.BinOp(node.right, node.op, node.left), "the factors are in the wrong order"
        left, right = ast.unparse(node.left), ast.unparse(node.right)
        why = f"the product of {left} and {right} is taken element by element"
        yield ast.BinOp(node.left, ast.Mult(), node.right), why


def turned_sign(node: ast.expr) -> Iterator[Change]:
    """`b - a` for `a - b`, or a missing minus."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        yield ast.BinOp(node.right, node.op, node.left), f"the sign of {ast.unparse(node)} is wrong"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand, "a minus is missing"


def left_out(node: ast.expr) -> Iterator[Change]:
    """A missing factor, divisor or sum."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        for kept, lost in ((node.left, node.right), (node.right, node.left)):
            yield kept, f"the factor {ast.unparse(lost)} is missing"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        yield node.left, f"it is not divided by {ast.unparse(node.right)}"
    if isinstance(node, ast.Call) and node.args and ast.unparse(node.func) == "np.sum":
        yield node.args[0], f"{ast.unparse(node.args[0])} is not summed"


def other_axis(node: ast.expr) -> Iterator[Change]:
    """A sum along the other axis, or without keepdims."""
    for i, keyword in enumerate(node.keywords if isinstance(node, ast.Call) else ()):
        if keyword.arg == "axis" and isinstance(keyword.value, ast.Constant):
            axis = keyword.value.value
            if axis in (0, 1) and isinstance(node, ast.Call):
                other = ast.keyword("axis", ast.Constant(1 - axis))
                keywords = [other if k == i else old for k, old in enumerate(node.keywords)]
                yield (
                    ast.Call(node.func, node.args, keywords),
                    f"the sum runs along axis {1 - axis}",
                )
        if keyword.arg == "keepdims" and isinstance(node, ast.Call):
            keywords = [old for k, old in enumerate(node.keywords) if k != i]
            yield ast.Call(node.func, node.args, keywords), "keepdims=True is missing"


def not_squared(node: ast.expr) -> Iterator[Change]:
    """`a` for `a**2`, as in the derivative 1 - a**2 of tanh."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        base = ast.unparse(node.left)
        yield node.left, f"{base} lacks its exponent"


def mean_for_sum(node: ast.expr) -> Iterator[Change]:
    """`np.mean` for `np.sum`."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "np.sum":
        function = ast.Attribute(ast.Name("np"), "mean")
        yield ast.Call(function, node.args, node.keywords), "it is a mean instead of a sum"


def other_activation(node: ast.expr) -> Iterator[Change]:
    """The output of an activation for its input, or the input for the output."""
    if isinstance(node, ast.Name) and node.id[:1] in "AZ" and len(node.id) > 1:
        other = ("Z" if node.id[0] == "A" else "A") + node.id[1:]
        yield ast.Name(other), f"{other} is used instead of {node.id}"


MISTAKES: tuple[Callable[[ast.expr], Iterator[Change]], ...] = (
    *(not_transposed, left_out, turned_sign, turned_product),
    *(mean_for_sum, other_axis, not_squared, other_activation),
)
