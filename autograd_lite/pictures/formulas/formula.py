"""Derivative rules as formulas, read from their own source.

A rule is plain Python. Its source is gone through as far as the values at hand decide it: branches
on shapes and axes are taken, locals and helpers are put in the place where they are used, and what
is left is one expression, in the caller's names.
"""

from __future__ import annotations

import ast
import functools
import operator
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.gradients import TupleGradient
from autograd_lite.pictures.formulas.expressions import (
    LIST_LIMIT_ITEMS,
    literal,
    name_node,
    numpy_call,
)
from autograd_lite.pictures.formulas.local import element_wise, local_of
from autograd_lite.pictures.formulas.reader import read_call
from autograd_lite.pictures.formulas.terms import Term, has_elements, item_of, sequence_of

PLACEHOLDER = re.compile(r"\b__(\d+)__\b")
"""What stands for a name while the formula is a tree: a user's name may be anything."""


@dataclass(frozen=True)
class Formula:
    """The computation of a rule, as text.

    `product` is the gradient that the rule returns, `dA2 * (A2 * (1 - A2))`. `local` is the
    derivative that the result's gradient is multiplied by, `A2 * (1 - A2)`, where the operation
    works element by element; it is None where one element of the result has several of an operand
    in it, as in a sum or a product of matrices.
    """

    product: str
    local: str | None


def formula(rule: Callable[..., Any], arguments: Sequence[Any], names: Sequence[str]) -> Formula:
    """The formula of `rule` for these arguments, of which `names` says what each is called.

    The gradient of the result comes first. A name that is a number, a tuple, None, ... stands for
    that value. A rule whose source is not there, or too involved, is shown as a call. Nothing
    that a rule, an argument or a name may be makes this raise.

    >>> formula(lambda g, y: g * y, (np.ones(3), np.ones(3)), ("dz", "y"))
    Formula(product='dz * y', local='y')
    """
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            pairs = zip(arguments, map(str, names), strict=True)
            terms = [_argument(i, *pair) for i, pair in enumerate(pairs)]
            node = read_call(rule, terms, {}, 0).node
            product = _text(node, names)
        except Exception:
            # Whatever it was: a picture without this formula is better than no picture.
            called = str(getattr(rule, "__name__", "rule")).lstrip("_")
            called = called if called.isidentifier() else "rule"
            return Formula(f"{called}({', '.join(map(str, names))})", None)
        try:
            factor = local_of(node) if element_wise(rule, arguments) else None
            return Formula(product, None if factor is None else _text(factor, names))
        except Exception:
            return Formula(product, None)


def _argument(i: int, value: Any, name: str) -> Term:
    static = i > 0 and not has_elements(value)
    node = _literal_named(value, name) if i else None
    inside = re.fullmatch(r"[\[(](\w+(?:, \w+)*),?[\])]", name)
    parts = inside[1].split(", ") if inside else []
    if not static and isinstance(value, (tuple, list)) and len(parts) == len(value):
        items = [
            Term(name_node(part), functools.partial(operator.getitem, value, k), False)
            for k, part in enumerate(parts)
        ]
        return sequence_of(ast.List, items)
    # As a name for the rest: it must come out as it is.
    term = Term(node or name_node(f"__{i}__"), lambda: value, static or node is not None)
    if not term.static and isinstance(value, (tuple, list)):
        term.items = [item_of(term, k) for k in range(len(value))]
    return term


def _literal_named(value: Any, name: str) -> ast.expr | None:
    """The literal that an argument's name is, if it is one of this value."""
    if (
        isinstance(value, np.ndarray)
        and value.dtype.kind in "iub"
        and value.size <= LIST_LIMIT_ITEMS
    ):
        shown = value.ndim and name in (repr(value), str(value))
        return numpy_call("array", literal(value.tolist()) or name_node("?")) if shown else None
    if isinstance(value, (np.ndarray, TupleGradient)):
        return None
    if name in (repr(value), str(value)) and not isinstance(value, (str, np.generic)):
        return literal(value)
    try:
        node = ast.parse(name, mode="eval").body
        same = ast.literal_eval(node) == value and ast.unparse(node) == name
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return None
    return node if same else None


def _text(node: ast.expr, names: Sequence[str]) -> str:
    def named(found: re.Match[str]) -> str:
        name, text = str(names[int(found[1])]), found.string
        before, after = text[: found.start()], text[found.end() :]
        apart = before.endswith(("(", "[", ", ")) or not before
        if apart and (after.startswith((",", ")", "]")) or not after):
            return name
        return f"({name})" if _is_compound(name) else name

    return PLACEHOLDER.sub(named, ast.unparse(node))


def _is_compound(name: str) -> bool:
    """Whether a name is an expression that an operator beside it would tear apart."""
    try:
        node = ast.parse(name, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    open_ended = (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Lambda)
    return isinstance(node, open_ended) and node.col_offset == 0  # else in parentheses
