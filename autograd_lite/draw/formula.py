"""Derivative rules as formulas, read from their own source.

A rule is plain Python. Its source is gone through as far as the values at hand decide it: branches
on shapes and axes are taken, locals and helpers are put in the place where they are used, and what
is left is one expression, in the caller's names.
"""

from __future__ import annotations

import ast
import builtins
import copy
import functools
import inspect
import linecache
import math
import operator
import re
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.rules.gating import gated
from autograd_lite.rules.indexing import Placed, getitem
from autograd_lite.rules.registry import COMPOSITES, OPERATIONS, Parts
from autograd_lite.rules.signal import full_convolution

MOST_NODES = 1_500
MOST_ITEMS = 16
DEEPEST = 8

PLACEHOLDER = re.compile(r"\b__(\d+)__\b")
"""What stands for a name while the formula is a tree: a user's name may be anything."""

ABOUT_SHAPES: tuple[Any, ...] = (
    *(len, isinstance, hasattr, type, np.shape, np.ndim, np.size, np.iscomplexobj, np.isrealobj),
)
"""Functions whose results no element of an array has a say in."""


ARRAY_MAKERS = (np.arange, np.empty, np.eye, np.full, np.ones, np.tri, np.zeros)
"""Functions of shapes whose results are large; a formula has them as calls."""


@dataclass(frozen=True)
class Formula:
    """What a rule computes, as text.

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
            node = _called(rule, terms, {}, 0).node
            product = _text(node, names)
        except Exception:
            # Whatever it was: a picture without this formula is better than no picture.
            called = str(getattr(rule, "__name__", "rule")).lstrip("_")
            called = called if called.isidentifier() else "rule"
            return Formula(f"{called}({', '.join(map(str, names))})", None)
        try:
            factor = _local(node) if _element_wise(rule, arguments) else None
            return Formula(product, None if factor is None else _text(factor, names))
        except Exception:
            return Formula(product, None)


class Unreadable(Exception):
    """A rule, or a helper, that cannot be written as one expression."""


class _Next(Exception):
    """The `continue` of a loop."""


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
        if _size(node) > MOST_NODES:
            raise Unreadable
        self.node = node
        self.compute = functools.cache(compute)
        self.static = static
        self.items = items
        self.inner = inner

    def value(self) -> Any:
        return self.compute()


def _size(node: ast.AST) -> int:
    """The number of nodes; what was put in several places counts several times."""
    known = getattr(node, "formula_size", None)
    if known is None:
        known = 1 + sum(map(_size, ast.iter_child_nodes(node)))
        node.formula_size = known  # type: ignore[attr-defined]
    return int(known)


def _argument(i: int, value: Any, name: str) -> Term:
    static = i > 0 and not _has_elements(value)
    node = _literal_named(value, name) if i else None
    inside = re.fullmatch(r"[\[(](\w+(?:, \w+)*),?[\])]", name)
    parts = inside[1].split(", ") if inside else []
    if not static and isinstance(value, (tuple, list)) and len(parts) == len(value):
        items = [
            Term(_name(part), functools.partial(operator.getitem, value, k), False)
            for k, part in enumerate(parts)
        ]
        return _sequence(ast.List, items)
    # As a name for the rest: it must come out as it is.
    term = Term(node or _name(f"__{i}__"), lambda: value, static or node is not None)
    if not term.static and isinstance(value, (tuple, list)):
        term.items = [_item(term, k) for k in range(len(value))]
    return term


def _has_elements(value: Any) -> bool:
    if isinstance(value, (tuple, list)):
        return any(map(_has_elements, value))
    plain = (bool, int, float, complex, str, set, slice, range, zip, np.dtype, type, type(None))
    # A float64 is a float too.
    return isinstance(value, np.generic) or not (isinstance(value, plain) or value is Ellipsis)


def _literal_named(value: Any, name: str) -> ast.expr | None:
    """The literal that an argument's name is, if it is one of this value."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "iub" and value.size <= MOST_ITEMS:
        shown = value.ndim and name in (repr(value), str(value))
        return _numpy_call("array", literal(value.tolist()) or _name("?")) if shown else None
    if isinstance(value, (np.ndarray, Parts)):
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


@functools.lru_cache(maxsize=64)
def _functions(source: str) -> list[ast.Lambda | ast.FunctionDef]:
    tree = ast.parse(source)
    return [n for n in ast.walk(tree) if isinstance(n, (ast.Lambda, ast.FunctionDef))]


@functools.lru_cache(maxsize=64)
def _compiled(source: str, flags: int) -> frozenset[types.CodeType]:
    """The code of all functions in a source."""
    found, rest = set(), [compile(source, "<rules>", "exec", flags, dont_inherit=True)]
    while rest:
        inside = [c for c in rest.pop().co_consts if isinstance(c, types.CodeType)]
        found.update(inside)
        rest += inside
    return frozenset(found)


def _definition(function: types.FunctionType) -> ast.Lambda | ast.FunctionDef:
    """The node that `function` was compiled from; lambdas on one line are told by their columns."""
    code = function.__code__
    flags = code.co_flags & annotations.compiler_flag
    for _ in range(2):
        source = "".join(linecache.getlines(code.co_filename, function.__globals__))
        if code in _compiled(source, flags):
            break
        # The file may have been changed, and the module loaded again.
        linecache.checkcache(code.co_filename)
    else:
        # The formula would be one that nobody computes.
        raise Unreadable
    fitting = [node for node in _functions(source) if _fits(node, code)]
    spans = {(n.lineno, n.col_offset, n.end_lineno, n.end_col_offset): n for n in fitting}
    if not spans:
        raise Unreadable
    # Of those around the code the innermost begins last.
    return spans[max(spans, key=lambda span: span[:2])] if _has_columns(code) else _only(fitting)


def _only(fitting: list[Any]) -> Any:
    if len(fitting) != 1:
        raise Unreadable
    return fitting[0]


def _positions(code: types.CodeType) -> Iterator[tuple[int, int, int, int]]:
    for first, last, start, end in code.co_positions():
        if first is not None and last is not None and start is not None and end is not None:
            if (first, start) != (last, end):
                yield first, start, last, end


def _has_columns(code: types.CodeType) -> bool:
    return any(True for _ in _positions(code))


def _fits(node: ast.Lambda | ast.FunctionDef, code: types.CodeType) -> bool:
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
    a = node.args
    names = [p.arg for p in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
    if first != code.co_firstlineno or names != list(code.co_varnames[: len(names)]):
        return False
    if getattr(node, "name", "<lambda>") != code.co_name:
        return False
    if isinstance(node, ast.FunctionDef):
        return True
    body = node.body
    begin, end = (body.lineno, body.col_offset), (body.end_lineno, body.end_col_offset)
    return all(begin <= p[:2] and p[2:] <= end for p in _positions(code))


def _called(function: Any, args: list[Term], keywords: dict[str, Term], depth: int) -> Term:
    if isinstance(function, functools.partial):
        before = [constant(f"argument_{i}", value) for i, value in enumerate(function.args)]
        fixed = {name: constant(name, value) for name, value in function.keywords.items()}
        return _called(function.func, [*before, *args], {**fixed, **keywords}, depth)
    if isinstance(function, types.MethodType):
        itself = constant("self", function.__self__)
        return _called(function.__func__, [itself, *args], keywords, depth)
    if not isinstance(function, types.FunctionType) or depth > DEEPEST:
        raise Unreadable
    if function.__code__.co_qualname == "_as_parts.<locals>.parts":
        function = inspect.unwrap(function)
    bound = inspect.signature(function, follow_wrapped=False).bind(*args, **keywords)
    bound.apply_defaults()
    local = {name: _given(name, value) for name, value in bound.arguments.items()}
    definition = _definition(function)
    reader = Reader(function, local, depth)
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
        return _sequence(ast.Tuple, list(value))
    return constant(name, value)


class Reader:
    """Goes through the body of one function."""

    def __init__(self, function: types.FunctionType, local: dict[str, Term], depth: int) -> None:
        self.function = function
        self.local = local
        self.depth = depth
        self.engine = str(function.__module__).startswith("autograd_lite.rules")

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
        """What the statements return; None if their end is reached."""
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
        arrives = self.engine or _has_gradient(test.node)
        return bool(test.value()) if test.static or arrives else None

    def either(self, test: Term, body: list[ast.stmt], other: list[ast.stmt]) -> Term:
        """A branch that only the elements decide, as a conditional expression."""
        readers = [Reader(self.function, dict(self.local), self.depth) for _ in range(2)]
        try:
            first, second = (r.block(b) for r, b in zip(readers, (body, other), strict=True))
        except _Next:
            raise Unreadable from None
        if first is None or second is None:
            raise Unreadable
        return _choice(test, first, second)

    def loop(self, statement: ast.For) -> Term | None:
        """A loop over what is known, each round written out."""
        for item in _elements(self.term(statement.iter)):
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
            self.local[name] = _filled(changed.value(), method, args)
            return
        if not isinstance(changed.items, list) and not (
            changed.static and isinstance(changed.value(), list)
        ):
            raise Unreadable
        if method not in ("append", "insert", "__setitem__"):
            raise Unreadable
        items = list(_elements(changed))
        places = [arg.value() for arg in args[:-1] if arg.static]
        getattr(items, method)(*places, args[-1])
        self.local[name] = _sequence(ast.List, items)

    def bind(self, target: ast.expr, term: Term) -> None:
        if isinstance(target, ast.Name):
            self.local[target.id] = term
            return
        if not isinstance(target, (ast.Tuple, ast.List)):
            raise Unreadable
        try:
            items = _elements(term)
        except Unreadable:
            items = [_item(term, i) for i in range(len(target.elts))]
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
        return _sequence(type(node), self.spread(node.elts))

    read_List = read_Tuple

    def spread(self, nodes: Sequence[ast.expr]) -> list[Term]:
        terms: list[Term] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                terms += _elements(self.term(node.value))
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
        return made if node.attr == "size" else _settled(made)

    def read_Subscript(self, node: ast.Subscript) -> Term:
        base, index = self.term(node.value), self.term(node.slice)
        if base.items is not None and index.static:
            chosen = base.items[index.value()]
            return _sequence(ast.Tuple, chosen) if isinstance(chosen, list) else chosen
        return _settled(_subscript(base, index, self.later(node)))

    def read_UnaryOp(self, node: ast.UnaryOp) -> Term:
        operand = self.term(node.operand)
        if isinstance(node.op, ast.USub):
            written = negative(operand.node)
        else:
            written = ast.UnaryOp(node.op, operand.node)
        made = Term(written, self.later(node), operand.static)
        return _settled(made) if isinstance(node.op, ast.Not) else made

    def read_BinOp(self, node: ast.BinOp) -> Term:
        left, right = self.term(node.left), self.term(node.right)
        if isinstance(node.op, (ast.Mult, ast.Div)):
            left, right = _stretched(left, right), _stretched(right, left)
        written = binary(node.op, left.node, right.node)
        made = Term(written, self.later(node), left.static and right.static)
        return _settled(made, numbers=False)

    def read_Compare(self, node: ast.Compare) -> Term:
        terms = [self.term(part) for part in (node.left, *node.comparators)]
        written = ast.Compare(terms[0].node, node.ops, [t.node for t in terms[1:]])
        made = Term(written, self.later(node), all(t.static for t in terms))
        return _settled(made) if all(_is_literal(t.node) for t in terms) else made

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
            return _choice(test, self.term(node.body), self.term(node.orelse))
        return self.term(node.body if chosen else node.orelse)

    def read_ListComp(self, node: ast.ListComp | ast.GeneratorExp) -> Term:
        whole = self.read_any(node)
        if whole.static or len(node.generators) > 1 or node.generators[0].ifs:
            return whole
        reader = Reader(self.function, dict(self.local), self.depth)
        items = []
        try:
            for item in _elements(self.term(node.generators[0].iter)):
                reader.bind(node.generators[0].target, item)
                items.append(reader.term(node.elt))
        except Unreadable:
            return whole
        return _sequence(ast.List, items)

    read_GeneratorExp = read_ListComp

    def read_any(self, node: ast.expr) -> Term:
        """What has no method of its own: names are replaced, and it is known if all of them are."""
        names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
        bound = {n.id for n in names if isinstance(n.ctx, ast.Store)}
        bound |= {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
        free = {n.id: self.named(n.id) for n in names if n.id not in bound}
        written = _Replaced(free).visit(copy.deepcopy(node))
        return _settled(Term(written, self.later(node), all(t.static for t in free.values())))

    def read_Call(self, node: ast.Call) -> Term:
        called = self.term(node.func)
        args = self.spread(node.args)
        keywords = {str(k.arg): self.term(k.value) for k in node.keywords}
        if any(k.arg is None for k in node.keywords):
            raise Unreadable
        function = called.value() if called.static else None
        if function in (zip, enumerate):
            return _together(function, args)
        known = called.static and all(t.static for t in (*args, *keywords.values()))
        made = _call(called.node, args, keywords, self.later(node))
        made.static = known or function in ABOUT_SHAPES
        settled = made if function in ARRAY_MAKERS else _settled(made)
        if settled is not made:
            return settled
        short = _shortened(function, args, keywords, made)
        if short is not None:
            return short
        if self.helps(function):
            try:
                return _called(function, args, keywords, self.depth + 1)
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
        return own or function.__module__.startswith("autograd_lite.rules")


class _Replaced(ast.NodeTransformer):
    def __init__(self, terms: Mapping[str, Term]) -> None:
        self.terms = terms

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.terms[node.id].node if node.id in self.terms else node


def _choice(test: Term, first: Term, second: Term) -> Term:
    node = ast.IfExp(test.node, first.node, second.node)
    return Term(node, lambda: (first if test.value() else second).value(), False)


def _elements(term: Term) -> list[Term]:
    if term.items is not None:
        return term.items
    if not term.static:
        raise Unreadable
    values = list(term.value())
    if len(values) > MOST_ITEMS or any(literal(value) is None for value in values):
        raise Unreadable
    return [constant("item", value) for value in values]


def _filled(array: Any, method: str, args: list[Term]) -> Term:
    """A small array of constants after an assignment to some of its elements."""
    if method != "__setitem__" or array.size > MOST_ITEMS or not all(a.static for a in args):
        raise Unreadable
    array = array.copy()
    array[args[0].value()] = args[1].value()
    numbers = literal(array.tolist())
    if numbers is None:
        raise Unreadable
    return Term(_numpy_call("array", numbers), lambda: array, True)


def _together(function: Any, args: list[Term]) -> Term:
    """`zip` or `enumerate`, written out."""
    columns = [_elements(arg) for arg in args]
    if function is enumerate:
        columns = [[constant("i", i) for i in range(len(columns[0]))], columns[0]]
    rows = [_sequence(ast.Tuple, list(row)) for row in zip(*columns, strict=False)]
    return _sequence(ast.List, rows)


def _item(term: Term, i: int) -> Term:
    node = ast.Subscript(term.node, ast.Constant(i), ast.Load())
    return Term(node, lambda: term.value()[i], term.static)


def _sequence(kind: type[ast.Tuple] | type[ast.List], items: list[Term]) -> Term:
    as_python = tuple if kind is ast.Tuple else list
    node = kind([item.node for item in items], ast.Load())
    made = Term(
        node,
        lambda: as_python(item.value() for item in items),
        all(item.static for item in items),
        items,
    )
    return made if any(isinstance(item.node, ast.Slice) for item in items) else _settled(made)


def _settled(term: Term, numbers: bool = True) -> Term:
    """The literal of what is known already; `numbers` may stay as they are computed."""
    if not term.static:
        return term
    value = term.value()
    if not numbers and isinstance(value, (int, float, complex, np.generic)):
        return term
    node = literal(value)
    return term if node is None else Term(node, lambda: value, True, term.items)


def constant(name: str, value: Any) -> Term:
    """What a rule finds outside of itself, under `name`."""
    node = literal(value)
    if node is None and isinstance(value, float) and value > 0:
        # Logarithms of small integers are what tables of constants consist of.
        n = round(math.exp(value)) if value < 5 else 0
        if n > 1 and math.log(n) == value:
            node = _numpy_call("log", ast.Constant(n))
    if value is np:
        node = _name("np")
    return Term(node or _name(name.lstrip("_") or name), lambda: value, not _varies(value))


def _varies(value: Any) -> bool:
    return _has_elements(value) and not callable(value) and not isinstance(value, types.ModuleType)


def _name(text: str) -> ast.Name:
    return ast.Name(text, ast.Load())


def _numpy(name: str) -> ast.Attribute:
    return ast.Attribute(_name("np"), name, ast.Load())


def _numpy_call(name: str, *args: ast.expr) -> ast.Call:
    return ast.Call(_numpy(name), list(args), [])


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
        return ast.Call(_name("range"), [ast.Constant(end) for end in shown], [])
    if _slices(value):
        index = index_literal(value)
        return index and ast.Subscript(_numpy("s_"), index, ast.Load())
    if isinstance(value, (tuple, list)) and len(value) <= MOST_ITEMS:
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
        inside = literal(value.tolist()) if 0 < value.size <= MOST_ITEMS else None
        return _numpy_call("array", inside) if inside and value.dtype.kind in "iub" else None
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
        special = _numpy("nan" if math.isnan(value) else "inf")
        return negative(special) if value < 0 else special
    if isinstance(value, float) and float(f"{value:.6g}") != value:
        return None
    node = ast.Constant(abs(value))
    return ast.UnaryOp(ast.USub(), node) if math.copysign(1, value) < 0 else node


def _subscript(base: Term, index: Term, compute: Callable[[], Any]) -> Term:
    node = (index_literal(index.value()) if index.static else None) or index.node
    static = base.static and index.static
    return Term(ast.Subscript(base.node, node, ast.Load()), compute, static)


def _call(
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


def _shortened(
    function: Any, args: list[Term], keywords: dict[str, Term], made: Term
) -> Term | None:
    """A call as it is written by hand, or what it leaves as it is."""
    if not args or function is None or made.static:
        return None
    first, names = args[0], set(keywords)
    again = functools.partial(Term, compute=made.compute, static=False)
    if function in (np.asarray, Parts) or (function in (list, tuple) and first.items):
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
        return again(_numpy_call("convolve", first.node, args[1].node))
    if function is gated:
        return again(_numpy_call("where", args[1].node, first.node, ast.Constant(0)))
    if function is getitem:
        return _subscript(first, args[1], made.compute)
    if function is Placed:
        return again(ast.Call(_name("put_back"), [arg.node for arg in args], []))
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


def _stretched(term: Term, other: Term) -> Term:
    """A number that was given axes, without them: the array that it is combined with has them."""
    match term.node:
        case ast.Subscript(slice=ast.Constant(None) | ast.Tuple()) if term.inner is not None:
            if np.ndim(other.value()) >= np.ndim(term.value()):
                return term.inner
    return term


def _is_literal(node: ast.expr) -> bool:
    return _number_in(node) is not None or isinstance(node, ast.Constant)


def _number_in(node: ast.expr) -> Any:
    """The number that a literal stands for; None of anything else."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        below = _number_in(node.operand)
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
    a, b = _number_in(left), _number_in(right)
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
        case ast.BinOp(left=ast.Constant(1), op=ast.Div(), right=below) if _is_literal(below):
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


def _element_wise(rule: Any, arguments: Sequence[Any]) -> bool:
    """Whether everything broadcasts into the gradient, as the operands of such functions do."""
    shape = np.shape(arguments[0])
    for parameter, value in zip(inspect.signature(rule).parameters, arguments, strict=False):
        own = value if parameter.endswith("_shape") else getattr(value, "shape", ())
        if np.broadcast_shapes(shape, own) != shape:
            return False
    return True


def _local(node: ast.expr) -> ast.expr | None:
    """What the gradient is multiplied by in `node`, if every element has its own factor."""
    match node:
        case ast.Name(id="__0__"):
            return ast.Constant(1)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            factor = _local(operand)
            return factor and negative(factor)
        case ast.BinOp(left=left, op=ast.Mult() as op, right=right):
            if _has_gradient(left) == _has_gradient(right):
                return None
            of_left, of_right = _local(left), _local(right)
            return binary(op, of_left or left, of_right or right) if of_left or of_right else None
        case ast.BinOp(left=left, op=ast.Div() as op, right=right):
            factor = None if _has_gradient(right) else _local(left)
            return factor and binary(op, factor, right)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            of_left, of_right = _local(left), _local(right)
            return binary(op, of_left, of_right) if of_left and of_right else None
        case ast.IfExp(test=test, body=body, orelse=other):
            first, second = _branch(body), _branch(other)
            if _has_gradient(test) or first is None or second is None:
                return None
            return ast.IfExp(test, first, second)
        case ast.Call(func=ast.Attribute(ast.Name("np"), name), args=args, keywords=[]):
            return _local_call(name, args)
    return None


def _local_call(name: str, args: list[ast.expr]) -> ast.expr | None:
    if name == "where" and len(args) == 3 and not _has_gradient(args[0]):
        first, second = _branch(args[1]), _branch(args[2])
        return _numpy_call("where", args[0], first, second) if first and second else None
    if name in UFUNCS and len(args) == 2:
        return _local(ast.BinOp(args[0], UFUNCS[name], args[1]))
    return _local(ast.UnaryOp(ast.USub(), args[0])) if name == "negative" else None


UFUNCS = {"multiply": ast.Mult(), "divide": ast.Div(), "add": ast.Add(), "subtract": ast.Sub()}


def _branch(node: ast.expr) -> ast.expr | None:
    return node if _number_in(node) == 0 else _local(node)


def _has_gradient(node: ast.expr) -> bool:
    return any(isinstance(n, ast.Name) and n.id == "__0__" for n in ast.walk(node))
