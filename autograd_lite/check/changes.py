"""Changes to the syntax tree of a line, each with the mistake that it would undo."""

from __future__ import annotations

import ast
import copy
import operator
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from autograd_lite.check.wrong_line import WrongLine, alike, candidates, name_of
from autograd_lite.observe import flat, located, target_name

Change = tuple[str, str, ast.expr]
"""The kind of the mistake, what it is, and the line without it."""


def changes(s: WrongLine, expression: ast.expr) -> Iterator[Change]:
    """Lines that might have been meant: each has one operand, operator or call replaced."""
    for node, parents in _walk(expression):
        in_index = any(isinstance(p, ast.Subscript) for p in parents)
        if in_index:
            if isinstance(node, ast.BinOp) and type(node.op) in _OTHER_SIGN:
                yield from _index_changes(expression, node)
            continue
        if isinstance(node, ast.Compare):
            yield from _mask_changes(s, expression, node)
        if isinstance(node, ast.BinOp):
            yield from _operator_changes(expression, node)
        if isinstance(node, ast.Call):
            yield from _call_changes(expression, node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            yield (
                "sign",
                f"-{text_of(node.operand)} has the wrong sign",
                _swap(expression, node, node.operand),
            )
        if _is_reference(node, parents):
            yield from _operand_changes(s, expression, node, parents)
    yield from _shifted(s, expression)
    yield from _whole_changes(s, expression)


def _walk(
    node: ast.AST, parents: tuple[ast.AST, ...] = ()
) -> Iterator[tuple[ast.expr, tuple[ast.AST, ...]]]:
    if isinstance(node, ast.expr):
        yield node, parents
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, (*parents, node))


def _swap(tree: Any, old: ast.AST, new: ast.expr) -> Any:
    """A copy of a syntax tree with `new` in the place of `old`."""
    return _swap_all(tree, {id(old): new})


def _swap_all(tree: Any, news: Mapping[int, ast.expr]) -> Any:
    """The tree with the nodes of these identities replaced; what holds none of them is shared."""
    if id(tree) in news:
        return located(news[id(tree)])
    if isinstance(tree, list):
        items = [_swap_all(item, news) for item in tree]
        return tree if all(map(operator.is_, items, tree)) else items
    if not isinstance(tree, ast.AST):
        return tree
    swapped = tree
    for name, value in ast.iter_fields(tree):
        new = _swap_all(value, news)
        if new is not value:
            swapped = copy.copy(tree) if swapped is tree else swapped
            setattr(swapped, name, new)
    return swapped


def text_of(node: ast.AST) -> str:
    return ast.unparse(node)


def _whole_changes(s: WrongLine, expression: ast.expr) -> Iterator[Change]:
    """A mask or a derivative that is missing, for the tensor that the gradient belongs to."""
    value = s.values.get(s.tensor)
    if value is None or s.given.shape != s.expected.shape:
        return
    here = s.bound(value)
    positive = ast.Compare(here, [ast.GtE()], [ast.Constant(0)])
    yield "mask", f"the mask {s.tensor} >= 0 is missing", _times(expression, positive)
    for after, before in s.activations.items():
        if s.tensor in before and after in s.values:
            out = s.bound(s.values[after])
            for text, slope in _slopes(out, after):
                yield "activation", f"the factor {text} is missing", _times(expression, slope)


def _slopes(out: ast.expr, name: str) -> Iterator[tuple[str, ast.expr]]:
    one_less = ast.BinOp(ast.Constant(1), ast.Sub(), out)
    yield f"{name} * (1 - {name})", ast.BinOp(out, ast.Mult(), one_less)
    square = ast.BinOp(ast.Constant(1), ast.Sub(), ast.BinOp(out, ast.Mult(), out))
    yield f"(1 - {name}**2)", square


def _times(left: ast.expr, right: ast.expr) -> ast.expr:
    return ast.BinOp(left, ast.Mult(), right)


_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
}


def _mask_changes(s: WrongLine, expression: ast.expr, node: ast.Compare) -> Iterator[Change]:
    opposite = _OPPOSITE.get(type(node.ops[0]))
    if opposite is not None:
        flipped = ast.Compare(node.left, [opposite()], node.comparators)
        text = f"the mask {text_of(node)} is inverted"
        yield "mask", text, _swap(expression, node, flipped)
    value = s.values.get(s.tensor)
    if value is not None:
        right = ast.Compare(s.bound(value), [ast.GtE()], [ast.Constant(0)])
        text = f"the mask {text_of(node)} should be that of {s.tensor}"
        yield "mask", text, _swap(expression, node, right)


_OTHER_SIGN: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add}
_OTHER_PRODUCT: dict[type[ast.operator], type[ast.operator]] = {
    ast.Mult: ast.MatMult,
    ast.MatMult: ast.Mult,
}


def _operator_changes(expression: ast.expr, node: ast.BinOp) -> Iterator[Change]:
    kind = type(node.op)
    if kind in _OTHER_SIGN:
        other = ast.BinOp(node.left, _OTHER_SIGN[kind](), node.right)
        text = f"{text_of(node)} should be {text_of(other)}"
        yield "sign", text, _swap(expression, node, other)
        yield (
            "term",
            f"the term {text_of(node.right)} is too much",
            _swap(expression, node, node.left),
        )
        yield (
            "term",
            f"the term {text_of(node.left)} is too much",
            _swap(expression, node, node.right),
        )
    if kind in _OTHER_PRODUCT:
        other = ast.BinOp(node.left, _OTHER_PRODUCT[kind](), node.right)
        text = f"{text_of(node)} should be {text_of(other)}"
        yield "elementwise", text, _swap(expression, node, other)
    if kind in (ast.Mult, ast.Div):
        text = f"the factor {text_of(node.right)} is too much"
        yield "factor", text, _swap(expression, node, node.left)


def _index_changes(expression: ast.expr, node: ast.BinOp) -> Iterator[Change]:
    other = ast.BinOp(node.left, _OTHER_SIGN[type(node.op)](), node.right)
    for right in (node.left, other):
        text = f"the index {text_of(node)} should be {text_of(right)}"
        yield "index", text, _swap(expression, node, right)


_OTHER_CALL = {"multiply": "dot", "dot": "multiply", "matmul": "multiply"}


def _call_changes(expression: ast.expr, node: ast.Call) -> Iterator[Change]:
    function = node.func
    for keyword in node.keywords:
        if keyword.arg == "axis" and isinstance(keyword.value, ast.Constant):
            for axis in {0, 1} - {keyword.value.value}:
                text = f"axis={keyword.value.value!r} should be axis={axis}"
                yield "shape", text, _swap(expression, keyword.value, ast.Constant(axis))
    if isinstance(function, ast.Attribute) and function.attr in _OTHER_CALL:
        other = _OTHER_CALL[function.attr]
        called = ast.Call(
            ast.Attribute(function.value, other, ast.Load()), node.args, node.keywords
        )
        text = f"{text_of(function)} should be {other}"
        yield "elementwise", text, _swap(expression, node, called)


def _is_reference(node: ast.expr, parents: tuple[ast.AST, ...]) -> bool:
    """Whether it names an operand: a variable, or an entry of a local dict."""
    parent = parents[-1] if parents else None
    if isinstance(parent, ast.Call) and parent.func is node:
        return False
    if any(isinstance(p, ast.Subscript) for p in parents):
        return False
    if isinstance(parent, ast.Attribute) and parent.attr not in ("T", "mT"):
        return False
    return isinstance(node, (ast.Name, ast.Subscript))


def _operand_changes(
    s: WrongLine, expression: ast.expr, node: ast.expr, parents: tuple[ast.AST, ...]
) -> Iterator[Change]:
    here = s.compute(node)
    if not hasattr(here, "shape") or not np.ndim(here):
        return
    parent = parents[-1] if parents else None
    turned = isinstance(parent, ast.Attribute) and parent.attr == "T"
    if turned and isinstance(parent, ast.expr):
        text = f"{text_of(parent)} should be {text_of(node)}"
        yield "transpose", text, _swap(expression, parent, node)
    else:
        other = ast.Attribute(node, "T", ast.Load())
        yield (
            "transpose",
            f"{text_of(node)} should be {text_of(other)}",
            _swap(expression, node, other),
        )
    mine = name_of(here, s)
    dumped = ast.dump(node)
    same = [n for n, _ in _walk(expression) if type(n) is type(node) and ast.dump(n) == dumped]
    for name, value in candidates(s):
        if value is here or np.array_equal(value, here):
            continue
        if np.shape(value) != here.shape and not (mine and alike(mine, name)):
            continue
        kind = _kind_of_operand(s, mine, name, parents)
        if kind == "operand" and isinstance(node, ast.Subscript) and mine and alike(mine, name):
            kind = "index"
        text = f"{text_of(node)} should be {name}"
        yield kind, text, _swap(expression, node, s.bound(value))
        if len(same) > 1 and same[0] is node:
            yield kind, text, _swap_all(expression, {id(n): s.bound(value) for n in same})


def _kind_of_operand(
    s: WrongLine, mine: str | None, name: str, parents: tuple[ast.AST, ...]
) -> str:
    if any(isinstance(p, ast.Compare) for p in parents):
        return "mask"
    related = mine is not None and (
        mine in s.activations.get(name, ()) or name in s.activations.get(mine, ())
    )
    matrix = any(
        (isinstance(p, ast.BinOp) and isinstance(p.op, ast.MatMult)) or isinstance(p, ast.Call)
        for p in parents
    )
    return "activation" if related and not matrix else "operand"


def _shifted(s: WrongLine, expression: ast.expr) -> Iterator[Change]:
    """The same line, with the number of every layer one higher or one lower."""
    values = dict(flat(s.scope)) | dict(s.values)
    for step in (1, -1):
        news: dict[int, ast.expr] = {}
        for node, parents in _walk(expression):
            if _is_reference(node, parents):
                name = target_name(node, s.scope, s.run)
                other = None if name is None else _numbered(name, step)
                if other in values:
                    news[id(node)] = s.bound(values[other])
        if len(news) > 1:
            direction = "low" if step > 0 else "high"
            text = f"the number of the layer is one too {direction}"
            yield "index", text, _swap_all(expression, news)


def _numbered(name: str, step: int) -> str | None:
    match = re.fullmatch(r"(\D+)(\d+)", name)
    return f"{match[1]}{int(match[2]) + step}" if match else None


def longer(s: WrongLine, expression: ast.expr) -> Iterator[Change]:
    """The line with a term more in some place."""
    terms = [(n, s.bound(v)) for n, v in candidates(s) if np.shape(v) == s.given.shape]
    terms.append(("1", ast.Constant(1)))
    for node, parents in _walk(expression):
        if any(isinstance(p, ast.Subscript) for p in parents) or not _is_operand(node, parents):
            continue
        for name, value in terms:
            for sign_of, sign in ((ast.Sub(), "-"), (ast.Add(), "+")):
                longer = ast.BinOp(node, sign_of, value)
                text = f"{text_of(node)} should be {text_of(node)} {sign} {name}"
                yield "term", text, _swap(expression, node, longer)


def _is_operand(node: ast.expr, parents: tuple[ast.AST, ...]) -> bool:
    """Whether it is a value in an arithmetic expression."""
    parent = parents[-1] if parents else None
    if isinstance(parent, (ast.Attribute, ast.keyword)):
        return False
    return not (isinstance(parent, ast.Call) and parent.func is node)
