"""Edits: the changes to a statement that would undo a mistake that people make.

Each is a function of a `Line`, one statement of the backward pass with what is known of it, and
yields edits, the likelier ones first. To add an edit, write such a function and put it into
`EDITS` or `LATER_EDITS`.
"""

from __future__ import annotations

import ast
import copy
import linecache
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import numpy as np

from autograd_lite.check.marking.mutable import plain
from autograd_lite.check.marking.rewriting import (
    WATCH,
    Definition,
    Place,
    elements_of,
    targets_of,
    update_of,
)
from autograd_lite.check.names import tensors_named_in
from autograd_lite.observe import located

CANDIDATES_LIMIT = 30
"""Values of one shape that are tried in the place of an operand, at most."""


UNUSED_LIMIT = 6
"""Values that nothing reads and that are tried everywhere, at most."""


@dataclass(eq=False)
class Edit:
    """A changed statement: the kind of mistake that it undoes, and what it was, in words."""

    kind: str
    text: str
    place: Place
    statements: list[ast.stmt]
    weight: float = 1.0
    line: int | None = None
    operand: str | None = None
    swap: tuple[ast.AST, ast.expr] | None = None

    @property
    def definition(self) -> Definition:
        return self.place.definition

    def tree(self, base: ast.FunctionDef | None = None) -> ast.FunctionDef:
        """The function with the statement changed."""
        tree = self.definition.tree if base is None else base
        return cast(ast.FunctionDef, _with_statements(tree, self.place, self.statements))

    @property
    def written(self) -> str:
        return "; ".join(ast.unparse(s) for s in self.statements)

    def as_written(self) -> tuple[str, str] | None:
        """The line as it stands in the file, and with the edit; None where that is no one line."""
        statement = self.place.statement
        line = linecache.getline(self.definition.filename, statement.lineno).rstrip("\n")
        if statement.lineno != statement.end_lineno or not line.strip() or self.swap is None:
            return None
        old, new = self.swap
        raw = line.encode()
        # The source was shifted to the left before it was parsed.
        first, last = _columns(self.definition, statement.lineno)
        shift = len(raw) - len(raw.lstrip()) - first
        raw = raw[: last + shift]
        start, end = (getattr(old, n, -1) + shift for n in ("col_offset", "end_col_offset"))
        if ast.unparse(_parsed_or_none(raw[start:end].decode(errors="ignore"))) != ast.unparse(old):
            return None
        text = text_of(new)
        binds = isinstance(new, ast.BinOp) and isinstance(new.op, ast.Pow)
        bare = binds or not isinstance(new, (ast.BinOp, ast.Compare, ast.UnaryOp, ast.BoolOp))
        around = raw[start - 1 : start] + raw[end : end + 1]
        is_whole = old is getattr(statement, "value", None)
        if not (bare or is_whole or around == b"()"):
            text = f"({text})"
        changed = raw[:start] + text.encode() + raw[end:]
        return raw.decode().strip(), changed.decode().strip()


def _columns(definition: Definition, line: int) -> tuple[int, int]:
    """Where the first statement on a line begins, and the last one ends."""
    there = [
        n
        for n in ast.walk(definition.tree)
        if isinstance(n, ast.stmt) and n.lineno == n.end_lineno == line
    ]
    return min(n.col_offset for n in there), max(n.end_col_offset or 0 for n in there)


def _parsed_or_none(text: str) -> ast.AST:
    try:
        return _parsed(text.strip())
    except (SyntaxError, ValueError):
        return ast.Constant(None)


def _with_statements(tree: Any, place: Place, new: list[ast.stmt]) -> Any:
    number = place.statement._place  # type: ignore[attr-defined]
    changed = tree
    for name, value in ast.iter_fields(tree):
        if isinstance(value, list) and value and isinstance(value[0], ast.AST):
            items: list[Any] = []
            for item in value:
                if getattr(item, "_place", None) == number:
                    items += new
                elif isinstance(item, (ast.stmt, ast.ExceptHandler, ast.match_case)):
                    items.append(_with_statements(item, place, new))
                else:
                    items.append(item)
            if len(items) != len(value) or any(
                a is not b for a, b in zip(items, value, strict=True)
            ):
                changed = copy.copy(tree) if changed is tree else changed
                setattr(changed, name, items)
    return changed


@dataclass(eq=False)
class Line:
    """A statement of a backward pass, and what is known where it stands.

    `scope` has the variables after it ran last. `values` are the named values of the forward pass,
    `related` says which of its names are an activation of which others, `sizes` what lengths of
    the data are called.
    """

    place: Place
    scope: Mapping[str, Any]
    names: Mapping[str, Any]
    values: Mapping[str, Any]
    related: Mapping[str, frozenset[str]]
    sizes: Mapping[int, str]
    given: np.ndarray | None = None
    expected: np.ndarray | None = None
    tensor: str = ""
    parts: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None
    is_reliable: bool = False
    _values: dict[str, Any] = field(default_factory=dict)

    @property
    def statement(self) -> Any:
        return self.place.statement

    @cached_property
    def target(self) -> str:
        targets = targets_of(self.statement)
        return ast.unparse(targets[0]) if targets else "the value"

    @cached_property
    def nodes(self) -> list[tuple[ast.expr, tuple[ast.AST, ...]]]:
        """The expressions of the statement's own, each with those around it."""
        return [pair for root in self.roots for pair in _walk(root)]

    @cached_property
    def roots(self) -> list[ast.expr]:
        statement = self.statement
        if isinstance(statement, (ast.For, ast.While, ast.If, ast.With, ast.Try, ast.FunctionDef)):
            head = getattr(statement, "test", None) or getattr(statement, "iter", None)
            return [] if head is None else [head]
        found = [n for n in (getattr(statement, "value", None),) if isinstance(n, ast.expr)]
        for target in targets_of(statement):
            if isinstance(target, ast.Subscript):
                found.append(target.slice)
        return found

    def at(self, node: ast.AST) -> Any:
        """The value of an expression where the line stands; None where it has none."""
        text = ast.unparse(node)
        if text not in self._values:
            try:
                code = compile(text, "<derivation>", "eval")
                with np.errstate(all="ignore"):
                    self._values[text] = plain(eval(code, dict(self.names), dict(self.scope)))
            except Exception:
                self._values[text] = None
        return self._values[text]

    def computed(self, node: ast.expr) -> Any:
        """The value of an edited expression where the line stands; None where it has none."""
        try:
            code = compile(ast.Expression(located(node)), "<derivation>", "eval")
            with np.errstate(all="ignore"):
                return plain(eval(code, self._everything))
        except Exception:
            return None

    @cached_property
    def _everything(self) -> dict[str, Any]:
        return dict(self.names) | dict(self.scope)

    def ndim(self, node: ast.AST) -> int:
        """The number of axes of an array; 0 for all else."""
        value = self.at(node)
        return value.ndim if isinstance(value, np.ndarray) else 0

    def shape(self, node: ast.AST) -> tuple[int, ...] | None:
        value = self.at(node)
        return value.shape if isinstance(value, np.ndarray) else None

    @cached_property
    def references(self) -> list[tuple[str, ast.expr, Any]]:
        """The arrays that the line might have named: the text, the expression, the value."""
        found: dict[str, tuple[str, ast.expr, Any]] = {}
        # The target itself is known where it was assigned before as well.
        targets = {t for t in self.targets if self._assigned.count(t) < 2}

        def offer(text: str, value: Any) -> None:
            value = plain(value)
            if isinstance(value, (np.ndarray, np.number, float)) and text not in found:
                if text not in targets or isinstance(self.statement, ast.AugAssign):
                    found[text] = text, _parsed(text), value

        for node in self._written_in_function():
            if isinstance(node, (ast.Subscript, ast.Attribute, ast.Name)):
                offer(ast.unparse(node), self.at(node))
        variables = {n: v for n, v in self.scope.items() if not n.startswith((".", "__"))}
        for name, value in variables.items():
            offer(name, value)
        for text in (*self._entries(), *self._elements()):
            offer(text, self.at(_parsed(text)))
        for name, value in variables.items():
            self._offer_items(offer, name, value, 0)
        for name, value in self.values.items():
            if not any(v is value or _equal(v, value) for _, _, v in found.values()):
                if isinstance(value, np.ndarray) and name.isidentifier():
                    older = ", True" if name in self.scope else ""
                    node = _parsed(f"{WATCH}.named({name!r}{older})")
                    found[f"{name} of the forward pass"] = name, node, value
        return list(found.values())

    @cached_property
    def unused(self) -> list[tuple[ast.expr, Any]]:
        """The variables and attributes that the function has values in and never reads."""
        tree = self.place.definition.tree
        loaded = {
            ast.unparse(n)
            for n in ast.walk(tree)
            if isinstance(n, (ast.Name, ast.Attribute)) and isinstance(n.ctx, ast.Load)
        }
        names = [n for n in self.scope if n not in loaded and n not in self.targets]
        # The gradient of a parameter is there to be returned.
        names = [n for n in names if not any(t in self.values for t in tensors_named_in(n))]
        owner = self.scope.get("self")
        kept = vars(owner) if hasattr(owner, "__dict__") else {}
        names += [f"self.{n}" for n in kept if f"self.{n}" not in loaded and n in self.values]
        values = [(_parsed(n), plain(kept[n[5:]] if "." in n else self.scope[n])) for n in names]
        kinds = (np.ndarray, np.floating, float)
        return [(n, v) for n, v in values if isinstance(v, kinds)][:UNUSED_LIMIT]

    @cached_property
    def targets(self) -> frozenset[str]:
        return frozenset(ast.unparse(t) for t in targets_of(self.statement))

    @cached_property
    def _assigned(self) -> list[str]:
        return [
            ast.unparse(target)
            for node in ast.walk(self.place.definition.tree)
            if isinstance(node, (ast.Assign, ast.AugAssign))
            for target in targets_of(node)
        ]

    def _entries(self) -> Iterator[str]:
        """Entries of dicts and lists by the keys that the function computes: dZ[str(l + 1)]."""
        containers: dict[str, None] = {}
        keys: dict[str, None] = {}
        for node in self._written_in_function():
            if isinstance(node, (ast.Name, ast.Attribute)):
                if isinstance(self._container(node), (dict, list)):
                    containers[ast.unparse(node)] = None
            elif isinstance(node, ast.Subscript) and isinstance(
                self._container(node.value), (dict, list)
            ):
                if any(isinstance(n, ast.Name) for n in ast.walk(node.slice)):
                    keys[ast.unparse(node.slice)] = None
                    keys.update(dict.fromkeys(self._shifted(node.slice)))
        for key in list(keys)[:12]:
            for container in list(containers)[:10]:
                yield f"{container}[{key}]"

    def _elements(self) -> Iterator[str]:
        """Elements and rows of arrays at the counters of the loops around: X[i, j]."""
        loops = [n for n in ast.walk(self.place.definition.tree) if isinstance(n, ast.For)]
        around = [n for n in loops if any(s is self.statement for s in ast.walk(n))]
        names = [n.id for loop in around for n in ast.walk(loop.target) if isinstance(n, ast.Name)]
        counters = [n for n in names if isinstance(self.scope.get(n), (int, np.integer))][:3]
        arrays = {n: v for n, v in self.scope.items() if isinstance(v, np.ndarray) and v.ndim}
        for name, value in list(arrays.items())[:12]:
            for one in counters:
                yield f"{name}[{one}]"
                if value.ndim > 1:
                    yield f"{name}[:, {one}]"
                    yield from (f"{name}[{one}, {two}]" for two in counters if two != one)

    def _shifted(self, key: ast.expr) -> Iterator[str]:
        """A computed key one higher and one lower, where no step is written in it."""
        if any(isinstance(n, ast.BinOp) for n in ast.walk(key)):
            return
        for name in ast.walk(key):
            if isinstance(name, ast.Name) and isinstance(self.at(name), int):
                for operator in (ast.Sub(), ast.Add()):
                    step = ast.BinOp(name, operator, ast.Constant(1))
                    yield ast.unparse(swapped(key, {id(name): step}))

    def _container(self, node: ast.AST) -> Any:
        text = ast.unparse(node)
        if text not in self._values:
            self.at(node)
        value = self._values[text]
        return value

    @cached_property
    def written(self) -> frozenset[str]:
        """The texts of the expressions that are written in the function."""
        return frozenset(
            ast.unparse(n)
            for n in self._written_in_function()
            if isinstance(n, (ast.Subscript, ast.Attribute, ast.Name))
        )

    def _offer_items(self, offer: Any, name: str, value: Any, depth: int) -> None:
        if isinstance(value, dict):
            for key, item in list(value.items())[:CANDIDATES_LIMIT]:
                if isinstance(key, str):
                    offer(f"{name}[{key!r}]", item)
        elif isinstance(value, (list, tuple)):
            for i, item in enumerate(value[:CANDIDATES_LIMIT]):
                offer(f"{name}[{i}]", item)
        elif hasattr(value, "__dict__") and type(value).__module__.split(".")[0] != "numpy":
            if not isinstance(value, type) and not callable(value) or name == "self":
                for key, item in list(vars(value).items())[: 2 * CANDIDATES_LIMIT]:
                    offer(f"{name}.{key}", item)
                    if depth == 0:
                        self._offer_items(offer, f"{name}.{key}", item, 1)

    def _written_in_function(self) -> Iterator[ast.AST]:
        return (
            n
            for n in ast.walk(self.place.definition.tree)
            if isinstance(getattr(n, "ctx", None), (ast.Load, ast.Store))
        )

    def is_slope(self, value: Any) -> bool:
        """Whether an array is the derivative of a usual activation at some value."""
        if not isinstance(value, np.ndarray) or not value.ndim:
            return False
        for other in self.values.values():
            if isinstance(other, np.ndarray) and other.shape == value.shape:
                for slope in (other * (1 - other), 1 - other * other, 1 - np.tanh(other) ** 2):
                    if np.allclose(slope, value, rtol=1e-9, atol=0):
                        return True
        return False

    def fitting(self, shape: tuple[int, ...] | None) -> list[tuple[str, ast.expr, Any]]:
        """References of a shape, or of one that is stretched to it."""
        if shape is None:
            return []
        found = []
        for reference in self.references:
            other = np.shape(reference[2])
            if other == shape or (other and _broadcasts(other, shape)):
                found.append(reference)
        return found[: 2 * CANDIDATES_LIMIT]

    def alike(self, shape: tuple[int, ...] | None) -> list[tuple[str, ast.expr, Any]]:
        found = [r for r in self.references if np.shape(r[2]) == shape]
        return found[:CANDIDATES_LIMIT]

    @property
    def is_misshapen(self) -> bool:
        """Whether the line gives another shape than it should."""
        if self.given is None or self.expected is None:
            return False
        return self.given.shape != self.expected.shape

    def edit(self, kind: str, text: str, old: ast.AST, new: ast.expr, weight: float = 1.0) -> Edit:
        """The line with `new` in the place of one of its expressions."""
        new = _placed(new, old)
        statement = swapped(self.statement, {id(old): new})
        operand = ast.unparse(old) if isinstance(old, (ast.Name, ast.Attribute)) else None
        return Edit(
            *(kind, text, self.place, [statement], weight, self._line_of(old), operand), (old, new)
        )

    def _line_of(self, node: ast.AST) -> int:
        """The line to name: that of the entry where a dict is written out over several."""
        for element, name in elements_of(self.statement):
            if name is not None and any(n is node for n in ast.walk(element)):
                return element.lineno
        return self.place.line

    def edit_all(
        self, kind: str, text: str, news: Mapping[int, ast.expr], weight: float = 1.0
    ) -> Edit:
        statement = swapped(self.statement, news)
        return Edit(kind, text, self.place, [ast.fix_missing_locations(statement)], weight)

    def whole(self, kind: str, text: str, statements: list[Any], weight: float = 1.0) -> Edit:
        placed: list[Any] = []
        for statement in statements:
            statement = copy.copy(statement)
            ast.copy_location(statement, self.statement)
            ast.fix_missing_locations(statement)
            # The value of the last one stands for the line's.
            statement._place = self.statement._place if len(placed) == len(statements) - 1 else None
            placed.append(statement)
        return Edit(kind, text, self.place, placed, weight)


def _broadcasts(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    try:
        np.broadcast_shapes(one, other)
    except ValueError:
        return False
    return True


def _equal(one: Any, other: Any) -> bool:
    return np.shape(one) == np.shape(other) and bool(np.array_equal(one, other))


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _placed(new: ast.expr, old: ast.AST) -> ast.expr:
    """A new expression at the place of the old one in the source."""
    new = copy.copy(new)
    ast.copy_location(new, old)
    for child in ast.walk(new):
        if "lineno" in child._attributes and not hasattr(child, "lineno"):
            ast.copy_location(child, old)
    return new


def swapped(tree: Any, news: Mapping[int, Any]) -> Any:
    """The tree with the nodes of these identities replaced; what holds none of them is shared."""
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


def _walk(
    node: ast.AST, around: tuple[ast.AST, ...] = ()
) -> Iterator[tuple[ast.expr, tuple[ast.AST, ...]]]:
    if isinstance(node, ast.expr):
        yield node, around
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, (*around, node))


def text_of(node: ast.AST) -> str:
    text = re.sub(rf"{WATCH}\.named\('(\w+)'\)", r"\1", ast.unparse(node))
    return re.sub(rf"{WATCH}\.named\('(\w+)', True\)", r"(\1 as it was before)", text)


def binary(left: ast.expr, operator: ast.operator, right: ast.expr) -> ast.BinOp:
    return ast.BinOp(left, operator, right)


def times(left: ast.expr, right: ast.expr) -> ast.expr:
    return ast.BinOp(left, ast.Mult(), right)


def one_less(node: ast.expr) -> ast.expr:
    return ast.BinOp(ast.Constant(1), ast.Sub(), node)


def _turned(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    return ast.Attribute(node, "T", ast.Load())


def _in_index(around: tuple[ast.AST, ...]) -> bool:
    return any(isinstance(p, ast.Subscript) for p in around)


def _is_called(node: ast.expr, around: tuple[ast.AST, ...]) -> bool:
    """Whether it is the name of a function, a module or a method, and no operand."""
    parent = around[-1] if around else None
    if isinstance(parent, ast.Call) and parent.func is node:
        return True
    if isinstance(parent, ast.Attribute):
        return parent.attr not in ("T", "mT", "sum", "mean", "dot", "copy", "reshape", "astype")
    return isinstance(parent, ast.keyword)


# Masks


_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    **{ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Lt: ast.GtE, ast.LtE: ast.Gt},
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq},
}


def masks(line: Line) -> Iterator[Edit]:
    """A mask inverted, or that of another array."""
    for node, _ in line.nodes:
        if not isinstance(node, ast.Compare) or len(node.ops) != 1:
            continue
        opposite = _OPPOSITE.get(type(node.ops[0]))
        if opposite is not None:
            flipped = ast.Compare(node.left, [opposite()], node.comparators)
            yield line.edit("mask", f"the mask {text_of(node)} is inverted", node, flipped)
        for _, other, _ in line.alike(line.shape(node.left)):
            right = ast.Compare(other, node.ops, node.comparators)
            text = f"the mask {text_of(node)} should be {text_of(right)}"
            yield line.edit("mask", text, node, right)
        if not (isinstance(node.comparators[0], ast.Constant) and node.comparators[0].value == 0):
            right = ast.Compare(node.left, node.ops, [ast.Constant(0)])
            yield line.edit("mask", f"{text_of(node)} should be {text_of(right)}", node, right)


# What is not used


def unused(line: Line) -> Iterator[Edit]:
    """A value that the function has at hand and nowhere uses: a mask, a gradient of later."""
    offers: list[tuple[ast.expr, Any]] = list(line.unused)
    for one, first in line.unused:
        for other, second in line.unused:
            if other is not one and np.shape(first) == np.shape(second):
                offers.append((ast.BinOp(one, ast.Sub(), other), first - second))
    places = list(_values_assigned(line))
    places += [
        (node, text_of(node))
        for node, around in line.nodes
        if not _in_index(around)
        and not _is_called(node, around)
        and not isinstance(node, ast.Constant)
        and not any(node is old for old, _ in places)
    ]
    for old, name in places:
        value = line.at(old)
        if not isinstance(value, (np.ndarray, np.floating, float)):
            continue
        for other, found in offers:
            if not _broadcasts(np.shape(found), np.shape(value)):
                continue
            shown = text_of(other)
            is_mask = getattr(found, "dtype", None) == np.bool_
            text = f"{shown} is nowhere used: the factor {shown} is missing in {name}"
            yield line.edit("mask" if is_mask else "factor", text, old, times(old, other), 0.9)
            for operator, sign in ((ast.Add(), "+"), (ast.Sub(), "-")):
                text = f"{shown} is nowhere used: the term {sign} {shown} is missing in {name}"
                yield line.edit("term", text, old, ast.BinOp(old, operator, other), 0.9)
            text = f"{shown} is nowhere used: the division by {shown} is missing in {name}"
            yield line.edit("factor", text, old, ast.BinOp(old, ast.Div(), other), 0.8)


# Signs, terms and factors


_OTHER_SIGN: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add}


def signs(line: Line) -> Iterator[Edit]:
    """A sign of one term, or of the whole."""
    for node, around in line.nodes:
        if _in_index(around):
            continue
        if isinstance(node, ast.BinOp) and type(node.op) in _OTHER_SIGN:
            other = ast.BinOp(node.left, _OTHER_SIGN[type(node.op)](), node.right)
            text = f"{text_of(node)} should be {text_of(other)}"
            yield line.edit("sign", text, node, other)
            if isinstance(node.op, ast.Sub):
                back = ast.BinOp(node.right, ast.Sub(), node.left)
                yield line.edit("sign", f"{text_of(node)} has the wrong sign", node, back)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            text = f"{text_of(node)} has the wrong sign"
            yield line.edit("sign", text, node, node.operand)
    statement = line.statement
    if isinstance(statement, ast.AugAssign) and type(statement.op) in _OTHER_SIGN:
        other_sign = _OTHER_SIGN[type(statement.op)]()
        changed = ast.AugAssign(statement.target, other_sign, statement.value)
        operator = "+=" if isinstance(other_sign, ast.Add) else "-="
        yield line.whole("sign", f"it should be {operator}", [changed], 0.9)


def terms(line: Line) -> Iterator[Edit]:
    """A term too much."""
    for node, around in line.nodes:
        if _in_index(around) or not isinstance(node, ast.BinOp):
            continue
        if type(node.op) in _OTHER_SIGN:
            for rest, too_much in ((node.left, node.right), (node.right, node.left)):
                if rest is node.right and isinstance(node.op, ast.Sub):
                    minus = ast.UnaryOp(ast.USub(), rest)
                    yield line.edit(
                        "term", f"the term {text_of(too_much)} is too much", node, minus, 0.8
                    )
                text = f"the term {text_of(too_much)} is too much"
                yield line.edit("term", text, node, rest)


def factors(line: Line) -> Iterator[Edit]:
    """A factor or divisor too much, or in the wrong place."""
    for node, around in line.nodes:
        if _in_index(around) or not isinstance(node, ast.BinOp):
            continue
        if isinstance(node.op, (ast.Mult, ast.Div, ast.FloorDiv)):
            kind = _kind_of_factor(line, node.right)
            text = f"the {_what_factor(line, node.right)} {text_of(node.right)} is too much"
            yield line.edit(kind, text, node, node.left)
            if isinstance(node.op, ast.Mult):
                kind = _kind_of_factor(line, node.left)
                text = f"the {_what_factor(line, node.left)} {text_of(node.left)} is too much"
                yield line.edit(kind, text, node, node.right)
                other = ast.BinOp(node.left, ast.Div(), node.right)
                yield line.edit(
                    "factor", f"{text_of(node)} should be {text_of(other)}", node, other, 0.7
                )
            else:
                other = ast.BinOp(node.left, ast.Mult(), node.right)
                yield line.edit(
                    "factor", f"{text_of(node)} should be {text_of(other)}", node, other, 0.7
                )
    yield from _two_factors(line)


def _two_factors(line: Line) -> Iterator[Edit]:
    """A derivative of two factors too much: `* A * (1 - A)`."""
    for node, around in line.nodes:
        if _in_index(around):
            continue
        chain = chain_of(node)
        parent = around[-1] if around else None
        if len(chain) < 3 or (isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult)):
            continue
        for i in range(len(chain)):
            for j in range(i + 1, len(chain)):
                rest = [c for k, c in enumerate(chain) if k not in (i, j)]
                text = f"the factor {text_of(times(chain[i], chain[j]))} is too much"
                slope = any(_kind_of_factor(line, chain[k]) == "activation" for k in (i, j))
                kind = "activation" if slope else "factor"
                yield line.edit(kind, text, node, product(rest), 0.9)


def chain_of(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*chain_of(node.left), *chain_of(node.right)]
    return [node]


def product(nodes: list[ast.expr]) -> ast.expr:
    made = nodes[0]
    for node in nodes[1:]:
        made = times(made, node)
    return made


def _kind_of_factor(line: Line, node: ast.expr) -> str:
    if isinstance(node, ast.Compare) or getattr(line.at(node), "dtype", None) == np.bool_:
        return "mask"
    text = ast.unparse(node)
    if line.ndim(node) and re.match(r"\(?1(\.0?)? - ", text):
        return "activation"
    return "activation" if line.is_slope(line.at(node)) else "factor"


def _what_factor(line: Line, node: ast.expr) -> str:
    kind = _kind_of_factor(line, node)
    return {"mask": "mask", "activation": "derivative"}.get(kind, "factor")


def numbers(line: Line) -> Iterator[Edit]:
    """A number, an exponent or a length that should be another."""
    for node, around in line.nodes:
        if _in_index(around):
            continue
        number: Any = node.value if isinstance(node, ast.Constant) else None
        if type(number) in (int, float) and number:
            parent = around[-1] if around else None
            if isinstance(parent, (ast.keyword, ast.Compare, ast.Call)):
                continue
            is_slope = _is_exponent_in_slope(around)
            for other in dict.fromkeys((2 * number, number / 2, number + 1, number - 1, 1)):
                if other != number:
                    shown = int(other) if other == int(other) else other
                    text = f"{_around_text(node, around)}: {number} should be {shown}"
                    kind = "activation" if is_slope else "factor"
                    yield line.edit(kind, text, node, ast.Constant(shown))
        value = line.at(node) if isinstance(node, (ast.Name, ast.Subscript, ast.Call)) else None
        if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value > 0:
            if not _is_called(node, around):
                yield from _other_lengths(line, node, int(value))
        if isinstance(node, ast.Subscript) and _is_shape(node.value):
            for axis in range(4):
                other = ast.Subscript(node.value, ast.Constant(axis), ast.Load())
                if line.at(other) is not None and ast.unparse(other) != ast.unparse(node):
                    text = f"{text_of(node)} should be {text_of(other)}"
                    yield line.edit("factor", text, node, other)


def _is_exponent_in_slope(around: tuple[ast.AST, ...]) -> bool:
    """Whether a number is the exponent in `1 - a**2`."""
    if len(around) < 2:
        return False
    power, outer = around[-1], around[-2]
    return (
        isinstance(power, ast.BinOp)
        and isinstance(power.op, ast.Pow)
        and isinstance(outer, ast.BinOp)
        and isinstance(outer.op, ast.Sub)
    )


def _is_shape(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "shape"


def _around_text(node: ast.AST, around: tuple[ast.AST, ...]) -> str:
    parent = around[-1] if around else None
    return text_of(parent) if isinstance(parent, ast.BinOp) else text_of(node)


def _other_lengths(line: Line, node: ast.expr, value: int) -> Iterator[Edit]:
    for size, what in line.sizes.items():
        if size != value and size > 1:
            text = f"{text_of(node)} is {value}, and should be {size}, {what}"
            yield line.edit("factor", text, node, ast.Constant(size), 0.8)


def scales(line: Line) -> Iterator[Edit]:
    """A factor that the line, or one operand of it, lacks."""
    sizes = [n for n in line.sizes if n > 1]
    ratios: list[tuple[float, str]] = [(-1.0, "-1"), (2.0, "2"), (0.5, "1/2"), (4.0, "4")]
    ratios += [(1 / n, f"1/{n} (one over {line.sizes[n]})") for n in sizes]
    ratios += [(float(n), f"{n} ({line.sizes[n]})") for n in sizes]
    ratio = _ratio(line)
    if ratio is not None and all(abs(ratio / r - 1) > 1e-6 for r, _ in ratios):
        ratios.insert(0, (ratio, f"{ratio:.6g}"))
    for number, shown in ratios:
        yield from _scaled_as_a_whole(line, number, shown)
    for node, around in line.nodes:
        if _in_index(around) or not isinstance(node, ast.BinOp) or type(node.op) not in _OTHER_SIGN:
            continue
        for side in (node.left, node.right):
            for number, shown in ratios:
                what = "has the wrong sign" if number == -1 else f"lacks a factor {shown}"
                kind = "sign" if number == -1 else "factor"
                text = f"the term {text_of(side)} {what}"
                yield line.edit(kind, text, side, _scaled(side, number), 0.9)


def scaled_by(line: Line, number: float) -> Iterator[Edit]:
    """The values that a line assigns, times a number."""
    shown = next((f"1/{n}" for n in line.sizes if abs(number * n - 1) < 1e-9), f"{number:.6g}")
    yield from _scaled_as_a_whole(line, number, shown)
    for old, name in _values_assigned(line):
        if _is_whole(line.at(old)):
            what = f"{name} lacks a factor {shown}"
            yield line.edit("factor", what, old, _scaled(old, number), 0.95)


def _scaled_as_a_whole(line: Line, number: float, shown: str) -> Iterator[Edit]:
    kind = "sign" if abs(number + 1) < 1e-9 else "factor"
    what = "has the wrong sign" if kind == "sign" else f"lacks a factor {shown}"
    for old, name in _values_assigned(line):
        if not _is_whole(line.at(old)):
            yield line.edit(kind, f"{name} {what}", old, _scaled(old, number), 0.95)
    yield from _scaled_in_place(line, number, kind, what)


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer))


def _scaled(node: ast.expr, number: float) -> ast.expr:
    if abs(number + 1) < 1e-9:
        return ast.UnaryOp(ast.USub(), node)
    if 0 < number < 1 and abs(1 / number - round(1 / number)) < 1e-9:
        return ast.BinOp(node, ast.Div(), ast.Constant(round(1 / number)))
    return times(node, ast.Constant(int(number) if number == int(number) else number))


def _ratio(line: Line) -> float | None:
    """The number that the gradient of the line is too small by."""
    if line.given is None or line.expected is None or line.given.shape != line.expected.shape:
        return None
    square = float(np.sum(line.given * line.given)) if line.given.size > 1 else 0.0
    if not square or not np.isfinite(square):
        return None
    ratio = float(np.sum(line.given * line.expected)) / square
    return ratio if ratio and np.isfinite(ratio) else None


def _values_assigned(line: Line) -> list[tuple[ast.expr, str]]:
    """The expressions that a statement assigns, with what each is called."""
    statement = line.statement
    elements = [(node, name or line.target) for node, name in elements_of(statement)]
    if update_of(statement) is None and elements:
        return elements
    value = getattr(statement, "value", None)
    if isinstance(statement, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return)):
        return [] if value is None else [(value, line.target)]
    return []


def _scaled_in_place(line: Line, number: float, kind: str, what: str) -> Iterator[Edit]:
    """The array that a statement wrote into, scaled after it."""
    for target in _written_arrays(line):
        loaded = _loaded(target)
        after = ast.Assign([target], _scaled(loaded, number))
        text = f"{text_of(target)} {what}"
        yield line.whole(kind, text, [line.statement, after], 0.8)


def _written_arrays(line: Line) -> list[Any]:
    """The names of arrays that a statement writes into: `d[range(N), y] -= 1`, `d *= mask`."""
    statement = line.statement
    found = []
    for target in targets_of(statement):
        while isinstance(target, ast.Subscript) and isinstance(
            line.at(_loaded(target.value)), np.ndarray
        ):
            target = target.value
        if isinstance(target, (ast.Name, ast.Attribute, ast.Subscript)):
            is_written = isinstance(statement, ast.AugAssign) or target not in targets_of(statement)
            if is_written and isinstance(line.at(_loaded(target)), np.ndarray):
                stored = copy.copy(target)
                stored.ctx = ast.Store()
                found.append(stored)
    return found


def _loaded(target: Any) -> Any:
    loaded = copy.copy(target)
    if hasattr(loaded, "ctx"):
        loaded.ctx = ast.Load()
    return loaded


# Products


def products(line: Line) -> Iterator[Edit]:
    """`*` for `@`, a transpose too much or too little, operands in the other order."""
    for node, around in line.nodes:
        if _in_index(around):
            continue
        pair = _product_of(node)
        if pair is None:
            continue
        left, right, is_matrix, kind = pair
        if not line.ndim(left) or not line.ndim(right):
            continue
        if is_matrix:
            yield from _matrix_edits(line, node, left, right)
            other = _remade(node, left, right, times(left, right))
            text = f"{text_of(node)} should be an element-wise product"
            yield line.edit("elementwise", text, node, other)
        else:
            for a in (left, _turned(left)):
                for b in (right, _turned(right)):
                    for x, y in ((a, b), (b, a)):
                        other = ast.BinOp(x, ast.MatMult(), y)
                        text = f"{text_of(node)} should be {text_of(other)}"
                        scalar = line.expected is not None and not line.expected.ndim
                        yield line.edit("elementwise", text, node, other, 0.8 if scalar else 0.9)


def _product_of(node: ast.expr) -> tuple[ast.expr, ast.expr, bool, str] | None:
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mult, ast.MatMult)):
        return node.left, node.right, isinstance(node.op, ast.MatMult), "operator"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        name = node.func.attr
        if name in ("dot", "matmul", "multiply", "outer") and len(node.args) == 2:
            return node.args[0], node.args[1], name in ("dot", "matmul"), "function"
        if name == "dot" and len(node.args) == 1:
            return node.func.value, node.args[0], True, "method"
    return None


def _remade(node: ast.expr, left: ast.expr, right: ast.expr, made: ast.expr) -> ast.expr:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if len(node.args) == 2:
            function = ast.Attribute(node.func.value, "multiply", ast.Load())
            return ast.Call(function, [left, right], [])
    return made


def _with_operands(node: Any, left: ast.expr, right: ast.expr) -> ast.expr:
    if isinstance(node, ast.BinOp):
        return ast.BinOp(left, node.op, right)
    if len(node.args) == 2:
        return ast.Call(node.func, [left, right], node.keywords)
    return ast.Call(ast.Attribute(left, node.func.attr, ast.Load()), [right], node.keywords)


def _matrix_edits(line: Line, node: ast.expr, left: ast.expr, right: ast.expr) -> Iterator[Edit]:
    a, b = _turned(left), _turned(right)
    for new in (
        *((a, right), (left, b), (a, b)),
        *((right, left), (b, left), (right, a), (b, a)),
    ):
        other = _with_operands(node, *new)
        text = f"{text_of(node)} should be {text_of(other)}"
        yield line.edit("transpose", text, node, other)


def transposes(line: Line) -> Iterator[Edit]:
    """An operand, or the result, transposed."""
    for node, around in line.nodes:
        if _in_index(around):
            continue
        if isinstance(node, ast.Attribute) and node.attr == "T":
            text = f"{text_of(node)} should be {text_of(node.value)}"
            yield line.edit("transpose", text, node, node.value)
        elif line.ndim(node) == 2 and not _is_called(node, around):
            if isinstance(node, (ast.Name, ast.Subscript, ast.Attribute)):
                text = f"{text_of(node)} should be {text_of(_turned(node))}"
                yield line.edit("transpose", text, node, _turned(node))
    for old, name in _values_assigned(line):
        if line.ndim(old) == 2:
            text = f"{name} is the transpose of what it should be"
            yield line.edit("transpose", text, old, _turned(old))


# Sums


def calls(line: Line) -> Iterator[Edit]:
    """Another axis, keepdims, a mean for a sum, a sum too much."""
    for node, around in line.nodes:
        if not isinstance(node, ast.Call) or _in_index(around):
            continue
        name = _called(node)
        if name in ("sum", "mean", "max", "prod"):
            yield from _axis_edits(line, node)
            other = {"sum": "mean", "mean": "sum"}.get(name)
            if other is not None and isinstance(node.func, ast.Attribute):
                function = ast.Attribute(node.func.value, other, ast.Load())
                new = ast.Call(function, node.args, node.keywords)
                text = f"{text_of(node)} should be a {other}"
                yield line.edit("factor", text, node, new)
            operand = _operand_of(node)
            if operand is not None:
                text = f"the {name} in {text_of(node)} is too much"
                yield line.edit("shape", text, node, operand, 0.8)
        elif name in (
            "reshape",
            "ravel",
            "flatten",
            "squeeze",
            "copy",
            "tanh",
            "exp",
            "log",
            "abs",
        ):
            operand = _operand_of(node)
            if operand is not None:
                text = f"{name} in {text_of(node)} is too much"
                yield line.edit("activation", text, node, operand, 0.7)


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def _operand_of(node: ast.Call) -> ast.expr | None:
    if not isinstance(node.func, ast.Attribute):
        return node.args[0] if node.args else None
    is_module = isinstance(node.func.value, ast.Name) and node.func.value.id in ("np", "numpy")
    return (node.args[0] if node.args else None) if is_module else node.func.value


def _axis_edits(line: Line, node: ast.Call) -> Iterator[Edit]:
    operand = _operand_of(node)
    ndim = line.ndim(operand) if operand is not None else 2
    axes: list[Any] = [*range(ndim), None, *_pairs(ndim)]
    keywords = {k.arg: k for k in node.keywords}
    position = 1 if operand is not None and node.args and node.args[0] is operand else 0
    given = keywords.get("axis")
    at = given.value if given is not None else None
    if at is None and len(node.args) > position:
        at = node.args[position]
    now = _literal(at)
    for axis in axes:
        if axis == now and at is not None:
            continue
        new_axis = ast.Constant(axis) if not isinstance(axis, tuple) else _parsed(repr(axis))
        for keep in (None, True):
            new_keywords = [k for k in node.keywords if k.arg not in ("axis", "keepdims")]
            if axis is not None:
                new_keywords.append(ast.keyword("axis", new_axis))
            if keep or (keep is None and "keepdims" in keywords):
                new_keywords.append(ast.keyword("keepdims", ast.Constant(True)))
            new = ast.Call(node.func, node.args[:position], new_keywords)
            shown = "no axis" if axis is None else f"axis={axis}"
            is_, should_be = ("no axis" if at is None else f"axis={now}"), shown
            text = f"{is_} should be {should_be} in {text_of(node)}"
            yield line.edit("shape", text, node, new, 0.8 if keep else 1.0)
    kept = "keepdims" in keywords
    new_keywords = [k for k in node.keywords if k.arg != "keepdims"]
    if not kept:
        new_keywords.append(ast.keyword("keepdims", ast.Constant(True)))
    new = ast.Call(node.func, node.args, new_keywords)
    text = f"keepdims=True is {'too much' if kept else 'missing'} in {text_of(node)}"
    yield line.edit("shape", text, node, new)


def _pairs(ndim: int) -> list[tuple[int, ...]]:
    if ndim == 3:
        return [(0, 1), (0, 2), (1, 2)]
    return [(0, 2, 3), (0, 1), (2, 3), (1, 2, 3)] if ndim == 4 else []


def _literal(node: Any) -> Any:
    try:
        return ast.literal_eval(node) if node is not None else None
    except ValueError:
        return "?"


def sums(line: Line) -> Iterator[Edit]:
    """A sum that was left out."""
    for old, name in _values_assigned(line):
        ndim = line.ndim(old)
        if not ndim:
            continue
        for axis in [*range(ndim), *_pairs(ndim), None]:
            for keep in (True, False):
                keywords = [] if axis is None else [ast.keyword("axis", _parsed(repr(axis)))]
                if keep and axis is not None:
                    keywords.append(ast.keyword("keepdims", ast.Constant(True)))
                for how, what in (("sum", "summed"), ("mean", "averaged")):
                    new = ast.Call(ast.Attribute(old, how, ast.Load()), [], keywords)
                    text = f"{name} must be {what}" + ("" if axis is None else f" over axis {axis}")
                    yield line.edit("unsummed", text, old, new, 0.85)
    for node, around in line.nodes:
        if _in_index(around) or line.ndim(node) != 2 or _is_called(node, around):
            continue
        if isinstance(node, (ast.Name, ast.BinOp, ast.Call)) and around:
            for axis in (0, 1):
                keywords = [
                    ast.keyword("axis", ast.Constant(axis)),
                    ast.keyword("keepdims", ast.Constant(True)),
                ]
                new = ast.Call(ast.Attribute(node, "sum", ast.Load()), [], keywords)
                text = f"{text_of(node)} must be summed over axis {axis}"
                yield line.edit("unsummed", text, node, new, 0.6)
                product = node.operand if isinstance(node, ast.UnaryOp) else node
                if isinstance(product, ast.BinOp) and isinstance(product.op, ast.Mult):
                    for factor, rest in (
                        (product.left, product.right),
                        (product.right, product.left),
                    ):
                        whole = times(product.left, product.right)
                        total = ast.Call(ast.Attribute(whole, "sum", ast.Load()), [], keywords)
                        less = times(factor, ast.BinOp(rest, ast.Sub(), total))
                        text = (
                            f"{text_of(product)} takes a softmax for element-wise: "
                            f"{text_of(less)} is missing"
                        )
                        yield line.edit("activation", text, node, less, 0.7)


# Operands


def operands(line: Line) -> Iterator[Edit]:
    """Another array of the same shape."""
    for node, around in line.nodes:
        if not isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
            continue
        if _in_index(around) or _is_called(node, around):
            continue
        here = line.at(node)
        if not isinstance(here, (np.ndarray, np.floating, float)):
            continue
        mine = text_of(node)
        dumped = ast.dump(node)
        same = [n for n, a in line.nodes if ast.dump(n) == dumped and not _in_index(a)]
        is_turned = bool(around) and isinstance(around[-1], ast.Attribute)
        for _, other, value in line.references:
            text = text_of(other)
            if text == mine or _equal(value, here):
                continue
            shaped = np.shape(value) == np.shape(here)
            numbered = _stem(text) == _stem(mine)
            turned = np.ndim(value) == 2 and np.shape(value) == np.shape(here)[::-1]
            shaped = shaped or (line.is_misshapen and np.ndim(value) == np.ndim(here))
            if not shaped and not numbered and not turned:
                continue
            kind = _kind_of_operand(line, mine, text, node, around)
            what = f"{mine} should be {text}"
            weight = 1.0 if shaped else 0.7
            weight *= 0.95 if re.search(r"\[[\d'\"]", text) and text not in line.written else 1.0
            yield line.edit(kind, what, node, other, weight)
            if turned and not is_turned and not shaped:
                yield line.edit(kind, f"{mine} should be {text}.T", node, _turned(other), 0.6)
            if len(same) > 1 and same[0] is node:
                yield line.edit_all(kind, what, {id(n): _placed(other, n) for n in same}, weight)


def _stem(text: str) -> str:
    return re.sub(r"\d+|\[.*?\]", "", text)


def _kind_of_operand(
    line: Line, mine: str, other: str, node: ast.expr, around: tuple[ast.AST, ...]
) -> str:
    if any(isinstance(p, ast.Compare) for p in around):
        return "mask"
    if isinstance(node, ast.Subscript) and _stem(mine) == _stem(other):
        return "index"
    one, two = _short(mine), _short(other)
    related = one in line.related.get(two, ()) or two in line.related.get(one, ())
    matrix = any(
        (isinstance(p, ast.BinOp) and isinstance(p.op, ast.MatMult)) or isinstance(p, ast.Call)
        for p in around
    )
    return "activation" if related and not matrix else "operand"


def _short(text: str) -> str:
    return text.split(".")[-1].replace("['", "").replace("']", "") if text else text


def layers(line: Line) -> Iterator[Edit]:
    """The number of every layer one higher or one lower: W2, A1 for W3, A2."""
    texts = {text: node for text, node, _ in line.references}
    for step in (1, -1):
        news: dict[int, ast.expr] = {}
        for node, around in line.nodes:
            if isinstance(node, (ast.Name, ast.Attribute)) and not _is_called(node, around):
                match = re.fullmatch(r"(.*?\D)(\d+)", ast.unparse(node))
                other = match and f"{match[1]}{int(match[2]) + step}"
                if other in texts:
                    news[id(node)] = _placed(texts[other], node)
        if len(news) > 1:
            direction = "low" if step > 0 else "high"
            text = f"the number of the layer is one too {direction}"
            yield line.edit_all("index", text, news)
        entries = {
            id(node): _placed(ast.Subscript(node.value, shifted, ast.Load()), node)
            for node, around in line.nodes
            if isinstance(node, ast.Subscript) and not _in_index(around)
            if (shifted := _shifted_key(line, node.slice, step)) is not None
        }
        if len(entries) > 1:
            direction = "low" if step > 0 else "high"
            text = f"the number of the layer is one too {direction}"
            yield line.edit_all("index", text, entries)


def _shifted_key(line: Line, key: ast.expr, step: int) -> ast.expr | None:
    """A computed key one higher or lower: `l + 1` becomes `l`; None where nothing is computed."""
    for node in ast.walk(key):
        if isinstance(node, ast.BinOp) and type(node.op) in _OTHER_SIGN:
            if isinstance(node.right, ast.Constant) and type(node.right.value) is int:
                sign = 1 if isinstance(node.op, ast.Add) else -1
                return cast(
                    ast.expr,
                    swapped(key, {id(node): _plus(node.left, sign * node.right.value + step)}),
                )
    for node in ast.walk(key):
        if isinstance(node, ast.Name) and isinstance(line.at(node), (int, np.integer)):
            return cast(ast.expr, swapped(key, {id(node): _plus(node, step)}))
    return None


def _plus(node: ast.expr, number: int) -> ast.expr:
    if not number:
        return node
    operator = ast.Add() if number > 0 else ast.Sub()
    return ast.copy_location(ast.BinOp(node, operator, ast.Constant(abs(number))), node)


def indices(line: Line) -> Iterator[Edit]:
    """An index one too high or too low, a slice for its neighbour."""
    for node, around in line.nodes:
        if not _in_index(around) and not _is_index_root(line, node):
            continue
        if isinstance(node, ast.BinOp) and type(node.op) in _OTHER_SIGN:
            other = ast.BinOp(node.left, _OTHER_SIGN[type(node.op)](), node.right)
            for right in (node.left, other):
                text = f"the index {text_of(node)} should be {text_of(right)}"
                yield line.edit("index", text, node, right)
        if isinstance(node, ast.Constant) and type(node.value) is int and not _in_shape(around):
            for step in (1, -1):
                right = ast.Constant(node.value + step)
                text = f"the index {node.value} should be {node.value + step}"
                yield line.edit("index", text, node, right)
        if isinstance(node, ast.Name) and isinstance(line.at(node), (int, np.integer)):
            for operator in (ast.Add(), ast.Sub()):
                right_: ast.expr = ast.BinOp(node, operator, ast.Constant(1))
                text = f"the index {text_of(node)} should be {text_of(right_)}"
                yield line.edit("index", text, node, right_)
            for name, value in line.scope.items():
                if type(value) is int and name != node.id and not name.startswith("_"):
                    text = f"the index {node.id} should be {name}"
                    yield line.edit("index", text, node, ast.Name(name, ast.Load()), 0.9)
        if isinstance(node, ast.Tuple) and len(node.elts) == 2:
            right_ = ast.Tuple(node.elts[::-1], node.ctx)
            text = f"the index {text_of(node)} should be {text_of(right_)}"
            yield line.edit("index", text, node, right_, 0.8)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for other_ in _neighbours(node.value):
                text = f"the key {node.value!r} should be {other_!r}"
                yield line.edit("index", text, node, ast.Constant(other_), 0.9)
    yield from _slices(line)


def _in_shape(around: tuple[ast.AST, ...]) -> bool:
    return bool(around) and isinstance(around[-1], ast.Subscript) and _is_shape(around[-1].value)


def _is_index_root(line: Line, node: ast.expr) -> bool:
    slices = [t.slice for t in targets_of(line.statement) if isinstance(t, ast.Subscript)]
    return any(node is n for s in slices for n in ast.walk(s))


def _neighbours(key: str) -> list[str]:
    match = re.fullmatch(r"(.*?)(\d+)", key)
    if not match:
        return []
    return [f"{match[1]}{int(match[2]) + step}" for step in (1, -1)]


def _slices(line: Line) -> Iterator[Edit]:
    """Another slice of the same length that is used in the function: dz[:H] for dz[H:2*H]."""
    used = [
        n
        for n in ast.walk(line.place.definition.tree)
        if isinstance(n, ast.Subscript) and any(isinstance(c, ast.Slice) for c in ast.walk(n.slice))
    ]
    for node, around in line.nodes:
        if not isinstance(node, ast.Subscript) or _is_called(node, around):
            continue
        if not any(isinstance(c, ast.Slice) for c in ast.walk(node.slice)):
            continue
        seen = set()
        for other in used:
            if ast.dump(other.slice) in seen or ast.dump(other.slice) == ast.dump(node.slice):
                continue
            seen.add(ast.dump(other.slice))
            new = ast.Subscript(node.value, other.slice, ast.Load())
            if line.shape(new) is not None:
                text = f"{text_of(node)} should be {text_of(new)}"
                yield line.edit("index", text, node, new)


# Derivatives of activations


def derivatives(line: Line) -> Iterator[Edit]:
    """The derivative of another activation, or of this one at another value."""
    for node, around in line.nodes:
        if _in_index(around) or _is_called(node, around):
            continue
        value = line.at(node)
        if not isinstance(value, np.ndarray) or isinstance(node, ast.Constant):
            continue
        yield from _powers(line, node, around)
        in_product = _is_factor(around)
        is_root = any(node is root for root in line.roots)
        if not in_product and not is_root and not isinstance(node, ast.Call):
            continue
        for _, other, found in line.alike(value.shape):
            for slope in slopes(other, found):
                if ast.dump(slope) != ast.dump(node):
                    text = f"{text_of(node)} should be {text_of(slope)}"
                    kind = "mask" if isinstance(slope, ast.Compare) else "activation"
                    yield line.edit(kind, text, node, slope, 0.9)
        for slope in slopes(node, value):
            text = f"{text_of(node)} should be {text_of(slope)}"
            yield line.edit("activation", text, node, slope, 0.9)


def other_slopes(line: Line) -> Iterator[Edit]:
    """`s * (1 - s)` for `d * (1 - d)`, wherever the two stand in a product."""
    for node, around in line.nodes:
        chain = chain_of(node)
        parent = around[-1] if around else None
        if len(chain) < 2 or (isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult)):
            continue
        for i, one in enumerate(chain):
            for j, other in enumerate(chain):
                if i == j or ast.dump(other) != ast.dump(one_less(one)):
                    continue
                rest = [c for k, c in enumerate(chain) if k not in (i, j)]
                for _, right, _ in line.alike(line.shape(one)):
                    pair = [right, one_less(right)]
                    text = f"{text_of(product([one, other]))} should be {text_of(product(pair))}"
                    yield line.edit("activation", text, node, product([*rest, *pair]), 0.9)


def _is_factor(around: tuple[ast.AST, ...]) -> bool:
    parent = around[-1] if around else None
    if isinstance(parent, ast.BinOp):
        return isinstance(parent.op, ast.Mult)
    return isinstance(parent, ast.Call) and _called(parent) in ("multiply",)


def slopes(node: ast.expr, value: Any) -> list[ast.expr]:
    """Derivatives of usual activations by what they gave, or by what went in."""
    if not isinstance(value, np.ndarray):
        return []
    return [
        times(node, one_less(node)),
        one_less(times(node, node)),
        ast.Compare(node, [ast.Gt()], [ast.Constant(0)]),
        one_less(ast.BinOp(_numpy("tanh", node), ast.Pow(), ast.Constant(2))),
    ]


def _numpy(name: str, node: ast.expr) -> ast.expr:
    return ast.Call(ast.Attribute(ast.Name("np", ast.Load()), name, ast.Load()), [node], [])


def _powers(line: Line, node: ast.expr, around: tuple[ast.AST, ...]) -> Iterator[Edit]:
    """A square for the number, and the number for its square."""
    squared = ast.BinOp(node, ast.Pow(), ast.Constant(2))
    parent = around[-1] if around else None
    in_one_less = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Sub)
    if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript, ast.BinOp)):
        text = f"{text_of(node)} should be {text_of(squared)}"
        if in_one_less:
            whole = f"{text_of(parent)} should be {text_of(swapped(parent, {id(node): squared}))}"  # type: ignore[arg-type]
            yield line.edit("activation", whole, node, squared, 1.1)
        else:
            yield line.edit("factor", text, node, squared, 0.7)
            cubed = ast.BinOp(node, ast.Pow(), ast.Constant(3))
            text = f"{text_of(node)} should be {text_of(cubed)}"
            yield line.edit("factor", text, node, cubed, 0.6)
        if in_one_less and parent.right is node:  # type: ignore[union-attr]
            both = times(node, parent)  # type: ignore[arg-type]
            text = f"{text_of(parent)} should be {text_of(both)}"  # type: ignore[arg-type]
            yield line.edit("activation", text, parent, both)  # type: ignore[arg-type]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        text = f"{text_of(node)} should be {text_of(node.left)}"
        yield line.edit("activation" if in_one_less else "factor", text, node, node.left, 0.8)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        if ast.dump(node.left) == ast.dump(node.right):
            text = f"{text_of(node)} should be {text_of(node.left)}"
            yield line.edit("activation" if in_one_less else "factor", text, node, node.left, 0.8)


# Statements


def statements(line: Line) -> Iterator[Edit]:
    """`=` for `+=` and the other way round, a statement too much, repeated indices."""
    statement = line.statement
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if not isinstance(target, (ast.Tuple, ast.List)):
            added = ast.AugAssign(target, ast.Add(), statement.value)  # type: ignore[arg-type]
            text = (
                f"{text_of(target)} is overwritten where contributions add up: write += in this "
                "line"
            )
            yield line.whole("accumulate", text, [added])
    if isinstance(statement, ast.AugAssign):
        assigned = ast.Assign([statement.target], statement.value)
        text = f"{text_of(statement.target)} adds up what should be assigned: write ="
        yield line.whole("accumulate", text, [assigned])
        yield line.whole(
            "accumulate",
            f"the line adds to {text_of(statement.target)} too often",
            [_nothing(statement.target)],
            0.6,
        )
        target = statement.target
        if isinstance(target, ast.Subscript) and isinstance(statement.op, (ast.Add, ast.Sub)):
            name = "add" if isinstance(statement.op, ast.Add) else "subtract"
            at = _parsed(f"np.{name}.at")
            call = ast.Call(at, [_loaded(target.value), target.slice, statement.value], [])
            text = (
                f"{text_of(target)} counts an index that is named several times once only: write "
                f"np.{name}.at({text_of(target.value)}, {text_of(target.slice)}, ...)"
            )
            yield line.whole("accumulate", text, [ast.Expr(call)], 1.2)
    if _is_masking(statement):
        nothing = _nothing(statement.targets[0])
        yield line.whole("mask", f"{text_of(statement)} is too much", [nothing], 0.7)


def _nothing(target: Any) -> ast.stmt:
    """A statement that leaves a target as it is."""
    return ast.Assign([target], _loaded(target))


def _is_masking(statement: Any) -> bool:
    targets = targets_of(statement)
    return isinstance(statement, ast.Assign) and isinstance(targets[0], ast.Subscript)


def missing_derivatives(line: Line) -> Iterator[Edit]:
    """The derivative of an activation that a line, or an operand of it, lacks."""
    places = list(_values_assigned(line))
    places += [
        (node, text_of(node))
        for node, around in line.nodes
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript, ast.BinOp, ast.Call))
        and not _in_index(around)
        and not _is_called(node, around)
        and not any(node is old for old, _ in places)
    ]
    for old, name in places:
        value = line.at(old)
        if isinstance(value, (float, np.floating)) and not isinstance(old, ast.Constant):
            yield from _missing_factors(line, old, name)
        if not isinstance(value, np.ndarray) or not value.ndim:
            continue
        for _, other, _ in line.fitting(value.shape):
            if text_of(other) != text_of(old):
                text = f"the factor {text_of(other)} is missing in {name}"
                yield line.edit("factor", text, old, times(old, other), 0.8)
                over = ast.BinOp(old, ast.Div(), other)
                text = f"the division by {text_of(other)} is missing in {name}"
                yield line.edit("factor", text, old, over, 0.7)
        for _, other, found in line.alike(value.shape):
            for slope in slopes(other, found):
                is_mask = isinstance(slope, ast.Compare)
                kind = "mask" if is_mask else "activation"
                what = "the mask of the ReLU" if is_mask else "the derivative of the activation"
                text = f"{what} is missing in {name}: multiply by {text_of(slope)}"
                yield line.edit(kind, text, old, times(old, slope))
    for target in _written_arrays(line):
        value = line.at(_loaded(target))
        for _, other, found in line.alike(np.shape(value)):
            for slope in slopes(other, found):
                after = ast.AugAssign(target, ast.Mult(), slope)
                text = f"the derivative of the activation is missing in {text_of(target)}"
                yield line.whole("activation", text, [line.statement, after], 0.7)


def _missing_factors(line: Line, old: ast.expr, name: str) -> Iterator[Edit]:
    """A factor that a number lacks, of its shape or of that of the line."""
    wholes = (line.shape(v) for v, _ in _values_assigned(line))
    for shape in dict.fromkeys(((), *(w for w in wholes if w))):
        for _, other, _ in line.alike(shape):
            if text_of(other) != text_of(old):
                text = f"the factor {text_of(other)} is missing in {name}"
                yield line.edit("factor", text, old, times(old, other), 0.8)


def measured_terms(line: Line) -> Iterator[Edit]:
    """A term that is a multiple of a named array, or one that lacks a factor: how much of it is
    missing is measured."""
    if line.given is None or line.expected is None or line.given.shape != line.expected.shape:
        return
    missing = line.expected - line.given
    for old, name in _values_assigned(line):
        if line.shape(old) != missing.shape:
            continue
        for shown, other, value in line.references:
            number = _multiple(missing, value)
            if number is not None and abs(number - 1) > 1e-9:
                term = times(ast.Constant(_rounded(number)), other)
                text = f"the term {_rounded(number)} * {shown} is missing in {name}"
                yield line.edit("term", text, old, ast.BinOp(old, ast.Add(), term))
        for node, around in _walk(old):
            if _in_index(around) or not isinstance(node, ast.BinOp):
                continue
            if type(node.op) not in _OTHER_SIGN:
                continue
            for side, rest in ((node.left, node.right), (node.right, node.left)):
                without = line.at(swapped(old, {id(node): _signed(node, rest)}))
                if np.shape(without) != missing.shape:
                    continue
                number = _multiple(missing, line.given - without)
                if number is not None and abs(number + 1) > 1e-9:
                    scaled = times(ast.Constant(_rounded(number + 1)), side)
                    text = f"the term {text_of(side)} lacks a factor {_rounded(number + 1)}"
                    yield line.edit("factor", text, side, scaled)


def _signed(node: ast.BinOp, rest: ast.expr) -> ast.expr:
    if rest is node.right and isinstance(node.op, ast.Sub):
        return ast.UnaryOp(ast.USub(), rest)
    return rest


def _rounded(number: float) -> float:
    near = float(f"{number:.9g}")
    return int(near) if near == int(near) else near


def _multiple(missing: np.ndarray, value: Any) -> float | None:
    """The number that times `value` is what is missing."""
    value = np.asarray(value)
    if value.shape != missing.shape or value.size < 2 or value.dtype.kind != "f":
        return None
    square = float(np.sum(value * value))
    number = float(np.sum(missing * value)) / square if square else 0.0
    if not number or not np.isfinite(number):
        return None
    near = np.max(np.abs(missing - number * value)) <= 1e-6 * np.max(np.abs(missing))
    return number if near else None


def missing_paths(line: Line) -> Iterator[Edit]:
    """A path of the chain rule that was left out: what comes from one of the values after it."""
    for old, name in _values_assigned(line):
        for part, value in line.parts.items():
            if np.shape(value) == line.shape(old):
                term = _parsed(f"{WATCH}.named({part!r})")
                text = f"the term that comes from {part.split(': ')[-1]} is missing in {name}"
                yield line.edit("term", text, old, ast.BinOp(old, ast.Add(), term), 0.9)


def centred(line: Line) -> Iterator[Edit]:
    """A mean that was not subtracted, as normalising over an axis asks for."""
    places = _values_assigned(line) + [
        (n, text_of(n))
        for n, around in line.nodes
        if isinstance(n, (ast.Name, ast.BinOp))
        and not _in_index(around)
        and not _is_called(n, around)
    ]
    for old, name in places:
        for axis in range(line.ndim(old)) if line.ndim(old) > 1 else [None] * line.ndim(old):
            for other in (None, *(o for _, o, _ in line.alike(line.shape(old)))):
                for how in ("mean", "sum"):
                    inner = old if other is None else times(old, other)
                    mean: ast.expr = ast.Call(
                        ast.Attribute(inner, how, ast.Load()), [], _over(axis)
                    )
                    mean = mean if other is None else times(other, mean)
                    text = f"the term - {text_of(mean)} is missing in {name}"
                    yield line.edit("term", text, old, ast.BinOp(old, ast.Sub(), mean), 0.9)


def _over(axis: int | None) -> list[ast.keyword]:
    kept = ast.keyword("keepdims", ast.Constant(True))
    return [kept] if axis is None else [ast.keyword("axis", ast.Constant(axis)), kept]


def missing_terms(line: Line) -> Iterator[Edit]:
    """A term that lacks somewhere in the line."""
    places = [(old, name) for old, name in _values_assigned(line)]
    places += [
        (node, text_of(node))
        for node, around in line.nodes
        if not _in_index(around)
        and not _is_called(node, around)
        and not any(node is old for old, _ in places)
        and not isinstance(node, ast.Constant)
    ]
    for old, name in places:
        value = line.at(old)
        if not isinstance(value, (np.ndarray, np.floating, float)):
            continue
        offers: list[tuple[str, ast.expr]] = [("1", ast.Constant(1))]
        offers += [(text_of(o), o) for _, o, _ in line.fitting(np.shape(value))]
        for shown, other in offers:
            if shown == text_of(old):
                continue
            for operator, sign in ((ast.Sub(), "-"), (ast.Add(), "+")):
                new = ast.BinOp(old, operator, other)
                text = f"{name} should be {text_of(old)} {sign} {shown}"
                if old in [o for o, _ in _values_assigned(line)]:
                    text = f"the term {sign} {shown} is missing in {name}"
                yield line.edit("term", text, old, new)


Source = Callable[[Line], Iterator[Edit]]

FIRST_EDITS: tuple[Source, ...] = (
    *(statements, masks, signs, unused, calls, products, transposes, indices, numbers, factors),
    terms,
)
SECOND_EDITS: tuple[Source, ...] = (*(operands, other_slopes, derivatives, layers, scales, sums),)
EDITS = FIRST_EDITS + SECOND_EDITS
LATER_EDITS: tuple[Source, ...] = (
    *(measured_terms, missing_paths, missing_derivatives, centred, missing_terms),
)

ALL_EDITS = EDITS + LATER_EDITS

__all__ = ["ALL_EDITS", "EDITS", "LATER_EDITS", "Edit", "Line", "located"]
