"""Terms: expressions of a formula that know how to find their value."""

from __future__ import annotations

import ast
import functools
import math
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.pictures.formulas.definition import Unreadable
from autograd_lite.pictures.formulas.expressions import (
    LIST_LIMIT_ITEMS,
    index_literal,
    literal,
    name_node,
    numpy_call,
)

FORMULA_LIMIT_NODES = 1_500


class Term:
    """An expression of the formula, and how to find its value.

    `static` says that its value does not depend on the elements of arrays; `items` are those of a
    tuple or a list, and `inner` is the first argument of a call.
    """

    __slots__ = ("node", "compute", "static", "items", "inner")

    def __init__(
        self,
        node: ast.expr,
        compute: Callable[[], Any],
        static: bool,
        items: list[Term] | None = None,
        inner: Term | None = None,
    ) -> None:
        if _size(node) > FORMULA_LIMIT_NODES:
            raise Unreadable
        self.node: ast.expr = node
        self.compute: Callable[..., Any] = functools.cache(compute)
        self.static: bool = static
        self.items: list[Term] | None = items
        self.inner: Term | None = inner

    def value(self) -> Any:
        return self.compute()


def _size(node: ast.AST) -> int:
    """The number of nodes; what was put in several places counts several times."""
    known = getattr(node, "formula_size", None)
    if known is None:
        known = 1 + sum(map(_size, ast.iter_child_nodes(node)))
        node.formula_size = known  # type: ignore[attr-defined]
    return int(known)


def has_elements(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return any(map(has_elements, value))
    plain = (bool, int, float, complex, str, set, slice, range, zip, np.dtype, type, type(None))
    # A float64 is a float too.
    return isinstance(value, np.generic) or not (isinstance(value, plain) or value is Ellipsis)


def choice_of(test: Term, first: Term, second: Term) -> Term:
    node = ast.IfExp(test.node, first.node, second.node)
    return Term(node, lambda: (first if test.value() else second).value(), False)


def elements_of(term: Term) -> list[Term]:
    if term.items is not None:
        return term.items
    if not term.static:
        raise Unreadable
    values = list(term.value())
    if len(values) > LIST_LIMIT_ITEMS or any(literal(value) is None for value in values):
        raise Unreadable
    return [constant("item", value) for value in values]


def filled(array: Any, method: str, args: list[Term]) -> Term:
    """A small array of constants after an assignment to some of its elements."""
    if method != "__setitem__" or array.size > LIST_LIMIT_ITEMS or not all(a.static for a in args):
        raise Unreadable
    array = array.copy()
    array[args[0].value()] = args[1].value()
    numbers = literal(array.tolist())
    if numbers is None:
        raise Unreadable
    return Term(numpy_call("array", numbers), lambda: array, True)


def together(function: Any, args: list[Term]) -> Term:
    """`zip` or `enumerate`, written out."""
    columns = [elements_of(arg) for arg in args]
    if function is enumerate:
        columns = [[constant("i", i) for i in range(len(columns[0]))], columns[0]]
    rows = [sequence_of(ast.Tuple, list(row)) for row in zip(*columns, strict=False)]
    return sequence_of(ast.List, rows)


def item_of(term: Term, i: int) -> Term:
    node = ast.Subscript(term.node, ast.Constant(i), ast.Load())
    return Term(node, lambda: term.value()[i], term.static)


def sequence_of(kind: type[ast.Tuple] | type[ast.List], items: list[Term]) -> Term:
    as_python = tuple if kind is ast.Tuple else list
    node = kind([item.node for item in items], ast.Load())
    made = Term(
        node,
        lambda: as_python(item.value() for item in items),
        all(item.static for item in items),
        items,
    )
    return made if any(isinstance(item.node, ast.Slice) for item in items) else settled_term(made)


def settled_term(term: Term, numbers: bool = True) -> Term:
    """The literal of what is known already; `numbers` may stay as they are computed."""
    if not term.static:
        return term
    value = term.value()
    if not numbers and isinstance(value, (int, float, complex, np.generic)):
        return term
    node = literal(value)
    return term if node is None else Term(node, lambda: value, True, term.items)


def constant(name: str, value: Any) -> Term:
    """The value that a rule finds outside of itself, under `name`."""
    node = literal(value)
    if node is None and isinstance(value, float) and value > 0:
        # Logarithms of small integers are what tables of constants consist of.
        n = round(math.exp(value)) if value < 5 else 0
        if n > 1 and math.log(n) == value:
            node = numpy_call("log", ast.Constant(n))
    if value is np:
        node = name_node("np")
    return Term(node or name_node(name.lstrip("_") or name), lambda: value, not varies(value))


def varies(value: Any) -> bool:
    return has_elements(value) and not callable(value) and not isinstance(value, types.ModuleType)


def subscript_of(base: Term, index: Term, compute: Callable[[], Any]) -> Term:
    node = (index_literal(index.value()) if index.static else None) or index.node
    static = base.static and index.static
    return Term(ast.Subscript(base.node, node, ast.Load()), compute, static)


def call_of(
    function: ast.expr, args: list[Term], keywords: dict[str, Term], compute: Callable[[], Any]
) -> Term:
    options = [ast.keyword(k, term.node) for k, term in keywords.items() if not _noise(k, term)]
    node = ast.Call(function, [arg.node for arg in args], options)
    return Term(node, compute, False, inner=args[0] if args else None)


def _noise(option: str, term: Term) -> bool:
    """Whether an option says nothing of the result, but how it is computed and lies in memory."""
    if option == "order":
        return term.static and term.value() != "F"
    return option in ("copy", "optimize")
