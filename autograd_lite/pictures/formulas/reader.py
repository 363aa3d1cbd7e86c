"""Reading a rule: its statements are gone through as far as the values at hand decide them."""

from __future__ import annotations

import ast
import builtins
import copy
import functools
import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from autograd_lite.functions import traits
from autograd_lite.operations import COMPOSITES, OPERATIONS
from autograd_lite.pictures.formulas.definition import Unreadable, definition_of
from autograd_lite.pictures.formulas.expressions import binary, is_literal, negative
from autograd_lite.pictures.formulas.local import has_gradient
from autograd_lite.pictures.formulas.shortening import shortened, stretched
from autograd_lite.pictures.formulas.terms import (
    Term,
    call_of,
    choice_of,
    constant,
    elements_of,
    filled,
    item_of,
    sequence_of,
    settled_term,
    subscript_of,
    together,
)
from autograd_lite.source import is_of_engine

DEPTH_LIMIT_CALLS = 8


_OF_KINDS: tuple[Any, ...] = (len, isinstance, hasattr, type)
"""Python's own functions whose results no element of an array has a say in."""

ARRAY_MAKERS = (np.arange, np.empty, np.eye, np.full, np.ones, np.tri, np.zeros)
"""Functions of shapes whose results are large; a formula has them as calls."""


class _Next(Exception):
    """The `continue` of a loop."""


def read_call(function: Any, args: list[Term], keywords: dict[str, Term], depth: int) -> Term:
    if isinstance(function, functools.partial):
        before = [constant(f"argument_{i}", value) for i, value in enumerate(function.args)]
        fixed = {name: constant(name, value) for name, value in function.keywords.items()}
        return read_call(function.func, [*before, *args], {**fixed, **keywords}, depth)
    if isinstance(function, types.MethodType):
        itself = constant("self", function.__self__)
        return read_call(function.__func__, [itself, *args], keywords, depth)
    if not isinstance(function, types.FunctionType) or depth > DEPTH_LIMIT_CALLS:
        raise Unreadable
    if function.__code__.co_qualname == "_as_parts.<locals>.parts":
        function = inspect.unwrap(function)
    bound = inspect.signature(function, follow_wrapped=False).bind(*args, **keywords)
    bound.apply_defaults()
    local = {name: _given(name, value) for name, value in bound.arguments.items()}
    definition = definition_of(function)
    reader = RuleReader(function, local, depth)
    if isinstance(definition, ast.Lambda):
        return reader.term(definition.body)
    result = reader.block(definition.body)
    if result is None:
        raise Unreadable
    return result


def _given(name: str, value: Any) -> Term:
    if isinstance(value, Term):
        return value
    if isinstance(value, tuple) and any(isinstance(item, Term) for item in value):
        return sequence_of(ast.Tuple, list(value))
    return constant(name, value)


class RuleReader:
    """Goes through the body of one function."""

    def __init__(self, function: types.FunctionType, local: dict[str, Term], depth: int) -> None:
        self.function = function
        self.local = local
        self.depth = depth
        self.engine: bool = is_of_engine(function)

    def outer(self, name: str) -> Any:
        """The value of a name that is not local."""
        cells = zip(
            self.function.__code__.co_freevars, self.function.__closure__ or (), strict=True
        )
        spaces = (
            {free: cell.cell_contents for free, cell in cells if free == name},
            self.function.__globals__,
            vars(builtins),
        )
        for space in spaces:
            if name in space:
                return space[name]
        raise Unreadable

    def named(self, name: str) -> Term:
        return self.local[name] if name in self.local else constant(name, self.outer(name))

    def later(self, node: ast.expr) -> Callable[[], Any]:
        """A function that evaluates `node` with the locals as they are now."""
        past = copy.copy(self)
        past.local = dict(self.local)

        def compute() -> Any:
            space = {}
            for name in {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}:
                try:
                    space[name] = past.named(name).value()
                except Unreadable:  # the variable of a comprehension
                    continue
            return eval(compile(ast.Expression(node), "<rule>", "eval"), space)

        return compute

    def block(self, statements: Sequence[ast.stmt]) -> Term | None:
        """The value that the statements return; None if their end is reached."""
        for i, statement in enumerate(statements):
            rest = statements[i + 1 :]
            if isinstance(statement, ast.Return) and statement.value is not None:
                return self.term(statement.value)
            if isinstance(statement, ast.If):
                test = self.term(statement.test)
                chosen = self.decided(test)
                if chosen is None:
                    return self.either(test, [*statement.body, *rest], [*statement.orelse, *rest])
                result = self.block(statement.body if chosen else statement.orelse)
            elif isinstance(statement, ast.For) and not statement.orelse:
                result = self.loop(statement)
            elif isinstance(statement, ast.With) and all(
                item.optional_vars is None for item in statement.items
            ):
                result = self.block(statement.body)
            else:
                self.step(statement)
                continue
            if result is not None:
                return result
        return None

    def decided(self, test: Term) -> bool | None:
        """The truth of a test; None if the elements of operands decide it.

        What the rules here set apart, a singular matrix, is of no interest where it is not.
        """
        arrives = self.engine or has_gradient(test.node)
        return bool(test.value()) if test.static or arrives else None

    def either(self, test: Term, body: list[ast.stmt], other: list[ast.stmt]) -> Term:
        """A branch that only the elements decide, as a conditional expression."""
        readers = [RuleReader(self.function, dict(self.local), self.depth) for _ in range(2)]
        try:
            first, second = (r.block(b) for r, b in zip(readers, (body, other), strict=True))
        except _Next:
            raise Unreadable from None
        if first is None or second is None:
            raise Unreadable
        return choice_of(test, first, second)

    def loop(self, statement: ast.For) -> Term | None:
        """A loop over what is known, each round written out."""
        for item in elements_of(self.term(statement.iter)):
            self.bind(statement.target, item)
            try:
                result = self.block(statement.body)
            except _Next:
                continue
            if result is not None:
                return result
        return None

    def step(self, statement: ast.stmt) -> None:
        match statement:
            case ast.Assign(
                targets=[ast.Subscript(value=ast.Name(name), slice=place)], value=value
            ):
                self.change(name, "__setitem__", [self.term(place), self.term(value)])
            case (
                ast.Assign(targets=[target], value=value)
                | ast.AnnAssign(target=target, value=ast.expr() as value)
            ):
                self.bind(target, self.term(value))
            case ast.AugAssign(target=ast.Name(id=name), op=op, value=value):
                old = ast.copy_location(ast.Name(name, ast.Load()), statement)
                both = ast.copy_location(ast.BinOp(old, op, value), statement)
                self.local[name] = self.term(both)
            case ast.Expr(ast.Call(func=ast.Attribute(ast.Name(name), method), args=args)):
                self.change(name, method, self.spread(args))
            case ast.Expr(ast.Call(func=ast.Name())) if self.engine:
                pass  # It refuses what has no derivative.
            case ast.Continue():
                raise _Next
            case ast.Pass() | ast.Assert() | ast.Expr(value=ast.Constant()):
                pass
            case _:
                raise Unreadable

    def change(self, name: str, method: str, args: list[Term]) -> None:
        """A list that is changed by one of its methods. The last argument is what it gets."""
        changed = self.named(name)
        if changed.static and isinstance(changed.value(), np.ndarray):
            self.local[name] = filled(changed.value(), method, args)
            return
        if not isinstance(changed.items, list) and not (
            changed.static and isinstance(changed.value(), list)
        ):
            raise Unreadable
        if method not in ("append", "insert", "__setitem__"):
            raise Unreadable
        items = list(elements_of(changed))
        places = [arg.value() for arg in args[:-1] if arg.static]
        getattr(items, method)(*places, args[-1])
        self.local[name] = sequence_of(ast.List, items)

    def bind(self, target: ast.expr, term: Term) -> None:
        if isinstance(target, ast.Name):
            self.local[target.id] = term
            return
        if not isinstance(target, (ast.Tuple, ast.List)):
            raise Unreadable
        try:
            items = elements_of(term)
        except Unreadable:
            items = [item_of(term, i) for i in range(len(target.elts))]
        for part, item in zip(target.elts, items, strict=True):
            self.bind(part, item)

    def term(self, node: ast.expr) -> Term:
        read = getattr(self, f"read_{type(node).__name__}", self.read_any)
        return read(node)

    def read_Name(self, node: ast.Name) -> Term:
        return self.named(node.id)

    def read_Constant(self, node: ast.Constant) -> Term:
        return Term(node, lambda: node.value, True)

    def read_Tuple(self, node: ast.Tuple | ast.List) -> Term:
        return sequence_of(type(node), self.spread(node.elts))

    read_List = read_Tuple

    def spread(self, nodes: Sequence[ast.expr]) -> list[Term]:
        terms: list[Term] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                terms += elements_of(self.term(node.value))
            else:
                terms.append(self.term(node))
        return terms

    def read_Slice(self, node: ast.Slice) -> Term:
        ends = [e if e is None else self.term(e) for e in (node.lower, node.upper, node.step)]
        parts = [None if e is None else e.node for e in ends]
        static = all(e is None or e.static for e in ends)
        piece = ast.Slice(*parts)
        return Term(piece, lambda: slice(*(e and e.value() for e in ends)), static)

    def read_Attribute(self, node: ast.Attribute) -> Term:
        base = self.term(node.value)
        made = Term(
            ast.Attribute(base.node, node.attr, ast.Load()),
            self.later(node),
            base.static or node.attr in ("shape", "ndim", "size", "dtype"),
        )
        if base.static and isinstance(base.value(), types.ModuleType):
            if base.value().__name__.partition(".")[0] not in ("numpy", "math"):
                return constant(node.attr, made.value())
            return made
        if node.attr == "T" and isinstance(base.node, ast.Attribute) and base.node.attr == "T":
            return Term(base.node.value, made.compute, made.static)
        return made if node.attr == "size" else settled_term(made)

    def read_Subscript(self, node: ast.Subscript) -> Term:
        base, index = self.term(node.value), self.term(node.slice)
        if base.items is not None and index.static:
            chosen = base.items[index.value()]
            return sequence_of(ast.Tuple, chosen) if isinstance(chosen, list) else chosen
        return settled_term(subscript_of(base, index, self.later(node)))

    def read_UnaryOp(self, node: ast.UnaryOp) -> Term:
        operand = self.term(node.operand)
        if isinstance(node.op, ast.USub):
            written = negative(operand.node)
        else:
            written = ast.UnaryOp(node.op, operand.node)
        made = Term(written, self.later(node), operand.static)
        return settled_term(made) if isinstance(node.op, ast.Not) else made

    def read_BinOp(self, node: ast.BinOp) -> Term:
        left, right = self.term(node.left), self.term(node.right)
        if isinstance(node.op, (ast.Mult, ast.Div)):
            left, right = stretched(left, right), stretched(right, left)
        written = binary(node.op, left.node, right.node)
        made = Term(written, self.later(node), left.static and right.static)
        return settled_term(made, numbers=False)

    def read_Compare(self, node: ast.Compare) -> Term:
        terms = [self.term(part) for part in (node.left, *node.comparators)]
        written = ast.Compare(terms[0].node, node.ops, [t.node for t in terms[1:]])
        made = Term(written, self.later(node), all(t.static for t in terms))
        return settled_term(made) if all(is_literal(t.node) for t in terms) else made

    def read_BoolOp(self, node: ast.BoolOp) -> Term:
        stops = isinstance(node.op, ast.Or)
        left: list[Term] = []
        for value in node.values:
            term = self.term(value)
            chosen = self.decided(term)
            if chosen is None or chosen is stops or value is node.values[-1]:
                left.append(term)
            if chosen is stops:
                break
        if len(left) == 1:
            return left[0]
        return Term(ast.BoolOp(node.op, [t.node for t in left]), self.later(node), False)

    def read_IfExp(self, node: ast.IfExp) -> Term:
        test = self.term(node.test)
        chosen = self.decided(test)
        if chosen is None:
            return choice_of(test, self.term(node.body), self.term(node.orelse))
        return self.term(node.body if chosen else node.orelse)

    def read_ListComp(self, node: ast.ListComp | ast.GeneratorExp) -> Term:
        whole = self.read_any(node)
        if whole.static or len(node.generators) > 1 or node.generators[0].ifs:
            return whole
        reader = RuleReader(self.function, dict(self.local), self.depth)
        items = []
        try:
            for item in elements_of(self.term(node.generators[0].iter)):
                reader.bind(node.generators[0].target, item)
                items.append(reader.term(node.elt))
        except Unreadable:
            return whole
        return sequence_of(ast.List, items)

    read_GeneratorExp = read_ListComp

    def read_any(self, node: ast.expr) -> Term:
        """Reads an expression without a method of its own: names are replaced, and it is known if
        all of them are."""
        names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
        bound = {n.id for n in names if isinstance(n.ctx, ast.Store)}
        bound |= {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
        free = {n.id: self.named(n.id) for n in names if n.id not in bound}
        written = _Replaced(free).visit(copy.deepcopy(node))
        return settled_term(Term(written, self.later(node), all(t.static for t in free.values())))

    def read_Call(self, node: ast.Call) -> Term:
        called = self.term(node.func)
        args = self.spread(node.args)
        keywords = {str(k.arg): self.term(k.value) for k in node.keywords}
        if any(k.arg is None for k in node.keywords):
            raise Unreadable
        function = called.value() if called.static else None
        if function in (zip, enumerate):
            return together(function, args)
        known = called.static and all(t.static for t in (*args, *keywords.values()))
        made = call_of(called.node, args, keywords, self.later(node))
        made.static = (
            known or function in _OF_KINDS or (function is not None and traits(function).of_shapes)
        )
        settled = made if function in ARRAY_MAKERS else settled_term(made)
        if settled is not made:
            return settled
        short = shortened(function, args, keywords, made)
        if short is not None:
            return short
        if self.helps(function):
            try:
                return read_call(function, args, keywords, self.depth + 1)
            except (Unreadable, TypeError):
                return made
        return made

    def helps(self, function: Any) -> bool:
        """Whether a function is a part of the rule: its own, or a helper of the rules here."""
        if not isinstance(function, types.FunctionType):
            return False
        if function in OPERATIONS or function in COMPOSITES:
            return False
        own = function.__module__ == self.function.__module__
        return own or is_of_engine(function)


class _Replaced(ast.NodeTransformer):
    def __init__(self, terms: Mapping[str, Term]) -> None:
        self.terms = terms

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.terms[node.id].node if node.id in self.terms else node
