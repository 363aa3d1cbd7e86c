"""Edits of matrix products, transposes and sums."""

from __future__ import annotations

import ast
import itertools
import types
from collections.abc import Iterator
from typing import Any

from autograd_lite.check.marking.definitions import is_of_library
from autograd_lite.check.marking.edits.line import Edit, Line, values_assigned
from autograd_lite.check.marking.edits.trees import (
    in_index,
    is_called,
    name_called,
    operand_of,
    parsed,
    text_of,
    times,
    transposed,
)


def products(line: Line) -> Iterator[Edit]:
    """Edits that exchange `*` and `@`, transpose operands of a product, or swap their order."""
    for node, around in line.nodes:
        if in_index(node, around):
            continue
        pair = _product_of(node)
        if pair is None:
            continue
        left, right, is_matrix, kind = pair
        if not line.ndim(left) or not line.ndim(right):
            continue
        if is_matrix:
            # A transpose of the whole that is too much explains it better.
            is_turned = bool(around) and getattr(around[-1], "attr", "") == "T"
            yield from _matrix_edits(line, node, left, right, 0.95 if is_turned else 1.0)
            other = _remade(node, left, right, times(left, right))
            text = f"{text_of(node)} should be an element-wise product"
            yield line.edit("elementwise", text, node, other)
        else:
            for a in (left, transposed(left)):
                for b in (right, transposed(right)):
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


def _matrix_edits(
    line: Line, node: ast.expr, left: ast.expr, right: ast.expr, weight: float
) -> Iterator[Edit]:
    a, b = transposed(left), transposed(right)
    for new in (
        *((a, right), (left, b), (a, b)),
        *((right, left), (b, left), (right, a), (b, a)),
    ):
        other = _with_operands(node, *new)
        text = f"{text_of(node)} should be {text_of(other)}"
        yield line.edit("transpose", text, node, other, weight)


def transposes(line: Line) -> Iterator[Edit]:
    """Edits that transpose an operand or the result, or undo a transpose."""
    for node, around in line.nodes:
        if in_index(node, around):
            continue
        if isinstance(node, ast.Attribute) and node.attr == "T":
            text = f"{text_of(node)} should be {text_of(node.value)}"
            yield line.edit("transpose", text, node, node.value)
        elif line.ndim(node) > 2 and not is_called(node, around):
            last: list[ast.expr] = [ast.Constant(-1), ast.Constant(-2)]
            other = ast.Call(ast.Attribute(node, "swapaxes", ast.Load()), last, [])
            text = f"the last two axes of {text_of(node)} should be exchanged"
            yield line.edit("transpose", text, node, other, 0.95)
        elif line.ndim(node) == 2 and not is_called(node, around):
            if isinstance(node, (ast.Name, ast.Subscript, ast.Attribute)):
                text = f"{text_of(node)} should be {text_of(transposed(node))}"
                yield line.edit("transpose", text, node, transposed(node))
    yield from _all_transposed(line)
    yield from _other_orders(line)
    yield from _transposed_first(line)
    for old, name in values_assigned(line):
        if line.ndim(old) == 2:
            text = f"{name} is the transpose of what it should be"
            yield line.edit("transpose", text, old, transposed(old))


def _other_orders(line: Line) -> Iterator[Edit]:
    """Edits that exchange two axes of a `transpose(0, 3, 1, 2)`, or two lengths of a `reshape`."""
    for node, around in line.nodes:
        if not isinstance(node, ast.Call) or in_index(node, around):
            continue
        name, arguments = name_called(node), node.args
        if name not in ("transpose", "reshape"):
            continue
        packed = next((a for a in arguments if isinstance(a, (ast.Tuple, ast.List))), None)
        order = list(arguments) if packed is None else packed.elts
        for changed in _exchanged(order) if len(order) > 2 else ():
            rest = [ast.Tuple(changed, ast.Load()) if a is packed else a for a in arguments]
            new = ast.Call(node.func, changed if packed is None else rest, node.keywords)
            kind, what = ("transpose", "axes") if name == "transpose" else ("shape", "lengths")
            text = f"the {what} of {text_of(node)} are in another order: {text_of(new)}"
            yield line.edit(kind, text, node, new)


def _exchanged(order: list[ast.expr]) -> Iterator[list[ast.expr]]:
    """The orders in which two are exchanged, and of up to four all others after these."""
    swaps = []
    for i, j in itertools.combinations(range(len(order)), 2):
        changed = list(order)
        changed[i], changed[j] = order[j], order[i]
        swaps.append(changed)
    yield from swaps
    known = [list(map(ast.dump, other)) for other in (order, *swaps)]
    for other in itertools.permutations(order) if len(order) < 5 else ():
        if list(map(ast.dump, other)) not in known:
            yield list(other)


_ORDERS: dict[int, tuple[tuple[int, ...], ...]] = {
    3: ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)),
    4: ((0, 2, 3, 1), (0, 3, 1, 2), (1, 2, 3, 0), (3, 0, 1, 2), (1, 0, 2, 3), (2, 3, 0, 1)),
}
"""Orders of axes in which pictures and sequences are flattened."""


def _transposed_first(line: Line) -> Iterator[Edit]:
    """Edits that move axes before a reshape: `dout.transpose(0, 2, 3, 1).reshape(-1, F)`."""
    for node, around in line.nodes:
        is_flattened = isinstance(node, ast.Call) and name_called(node) == "reshape"
        if not isinstance(node, ast.Call) or not is_flattened or in_index(node, around):
            continue
        is_method = isinstance(node.func, ast.Attribute) and line.ndim(node.func.value)
        rows = node.func.value if is_method else node.args[0] if node.args else None  # type: ignore[attr-defined]
        if not isinstance(rows, (ast.Name, ast.Attribute, ast.Subscript)):
            continue
        for order in _ORDERS.get(line.ndim(rows), ()):
            axes: list[ast.expr] = [ast.Constant(axis) for axis in order]
            moved = ast.Call(ast.Attribute(rows, "transpose", ast.Load()), axes, [])
            text = f"the axes of {text_of(rows)} should be moved first: {text_of(moved)}"
            yield line.edit("transpose", text, rows, moved, 0.95)


def _all_transposed(line: Line) -> Iterator[Edit]:
    """Edits that transpose the second matrix of every product: `dq @ Wq + dk @ Wk`."""
    products = (_product_of(node) for node, _ in line.nodes)
    second = [found[1] for found in products if found is not None]
    names = (ast.Name, ast.Subscript, ast.Attribute)
    plain = [n for n in second if isinstance(n, names) and line.ndim(n) == 2]
    if len(plain) == len(second) > 1:
        text = f"{text_of(plain[0])} and the others should be transposed"
        yield line.edit_all("transpose", text, {id(n): transposed(n) for n in plain})


def calls(line: Line) -> Iterator[Edit]:
    """Edits that change axis or keepdims, exchange sum and mean or max and min, or drop a call."""
    for node, around in line.nodes:
        if not isinstance(node, ast.Call) or in_index(node, around):
            continue
        name = name_called(node)
        kind, counterpart = _COUNTERPARTS.get(name, ("", ""))
        if counterpart and isinstance(node.func, ast.Attribute):
            function = ast.Attribute(node.func.value, counterpart, ast.Load())
            new = ast.Call(function, node.args, node.keywords)
            text = f"{text_of(node)} should be {text_of(new)}"
            yield line.edit(kind, text, node, new)
        if name in ("sum", "mean", "max", "prod"):
            yield from _axis_edits(line, node)
            other = {"sum": "mean", "mean": "sum"}.get(name)
            if other is not None and isinstance(node.func, ast.Attribute):
                function = ast.Attribute(node.func.value, other, ast.Load())
                new = ast.Call(function, node.args, node.keywords)
                text = f"{text_of(node)} should be a {other}"
                # A factor beside it that is too much explains it better.
                yield line.edit("factor", text, node, new, 0.98)
            operand = operand_of(node)
            if operand is not None:
                text = f"the {name} in {text_of(node)} should be left out"
                yield line.edit("shape", text, node, operand, 0.8)
        elif is_persons(line, node):
            yield from _other_axes(line, node)
        elif name in _DROPPED:
            operand = operand_of(node)
            if operand is not None:
                text = f"{name} in {text_of(node)} should be left out"
                yield line.edit("activation", text, node, operand, 0.7)


_COUNTERPARTS = {
    "absolute": ("activation", "sign"),
    **{
        name: (kind, other)
        for kind, *pair in (
            ("activation", "abs", "sign"),
            ("activation", "sin", "cos"),
            ("activation", "sinh", "cosh"),
            ("mask", "max", "min"),
            ("mask", "amax", "amin"),
            ("mask", "maximum", "minimum"),
            ("mask", "argmax", "argmin"),
        )
        for name, other in (pair, pair[::-1])
    },
}

_DROPPED = frozenset(
    (
        *("reshape", "ravel", "flatten", "squeeze", "tanh", "exp", "log", "abs", "sign"),
        *("sqrt", "square"),
    )
)


def slopes_of_calls(line: Line) -> Iterator[Edit]:
    """Edits that take the derivative of a NumPy function for the function: `1 / p` for `log(p)`."""
    for node, around in line.nodes:
        if not isinstance(node, ast.Call) or in_index(node, around) or len(node.args) != 1:
            continue
        form = _SLOPES.get(name_called(node))
        if form is not None:
            slope = parsed(form.format(f"({ast.unparse(node.args[0])})"))
            text = f"{text_of(node)} should be {text_of(slope)}"
            yield line.edit("activation", text, node, slope, 0.85)


_SLOPES = {
    "log": "1 / {}",
    "sqrt": "0.5 / np.sqrt{}",
    "square": "2 * {}",
    "sin": "np.cos{}",
    "cos": "-np.sin{}",
}
"""The derivatives of NumPy's functions that are taken for the functions themselves."""


def is_persons(line: Line, node: ast.Call) -> bool:
    """Whether a call is one of a function that is written in Python, and not of NumPy's."""
    function = line.at(node.func)
    function = getattr(function, "__func__", function)
    return isinstance(function, types.FunctionType) and not is_of_library(
        function.__code__.co_filename
    )


def _other_axes(line: Line, node: ast.Call) -> Iterator[Edit]:
    """Edits that exchange 0 and 1 in the arguments of a person's function, where an axis stands."""
    arguments = [*node.args[1:], *(k.value for k in node.keywords)]
    for old in arguments:
        if isinstance(old, ast.Constant) and type(old.value) is int and old.value in (0, 1):
            new = ast.Constant(1 - old.value)
            text = f"{text_of(old)} should be {text_of(new)} in {text_of(node)}"
            yield line.edit("shape", text, old, new, 0.9)


def _axis_edits(line: Line, node: ast.Call) -> Iterator[Edit]:
    operand = operand_of(node)
    # The variable of a comprehension has no value here.
    ndim = line.ndim(operand) if operand is not None and line.at(operand) is not None else 2
    axes: list[int | tuple[int, ...] | None] = [*range(ndim), None, *_pairs(ndim)]
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
        new_axis = ast.Constant(axis) if not isinstance(axis, tuple) else parsed(repr(axis))
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
    verb = "should be left out of" if kept else "is missing in"
    text = f"keepdims=True {verb} {text_of(node)}"
    yield line.edit("shape", text, node, new)


def _pairs(ndim: int) -> list[tuple[int, ...]]:
    if ndim == 3:
        return [(0, 1), (0, 2), (1, 2)]
    return [(0, 2, 3), (0, 1), (2, 3), (1, 2, 3)] if ndim == 4 else []


def _literal(node: ast.expr | None) -> object:
    try:
        return ast.literal_eval(node) if node is not None else None
    except ValueError:
        return "?"


def sums(line: Line) -> Iterator[Edit]:
    """Edits that add a missing sum or mean."""
    for node, around in line.nodes:
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            if type(node.slice.value) is int and line.ndim(node.value) == line.ndim(node) + 1:
                if not in_index(node, around):
                    over = [ast.keyword("axis", ast.Constant(0))]
                    new = ast.Call(ast.Attribute(node.value, "sum", ast.Load()), [], over)
                    text = f"{text_of(node)} should be {text_of(new)}"
                    yield line.edit("unsummed", text, node, new, 0.9)
    for old, name in values_assigned(line):
        ndim = line.ndim(old)
        if not ndim:
            continue
        for axis in [*range(ndim), *_pairs(ndim), None]:
            for keep in (True, False):
                keywords = [] if axis is None else [ast.keyword("axis", parsed(repr(axis)))]
                if keep and axis is not None:
                    keywords.append(ast.keyword("keepdims", ast.Constant(True)))
                for how, what in (("sum", "summed"), ("mean", "averaged")):
                    new = ast.Call(ast.Attribute(old, how, ast.Load()), [], keywords)
                    text = f"{name} must be {what}" + ("" if axis is None else f" over axis {axis}")
                    yield line.edit("unsummed", text, old, new, 0.85)
    for node, around in line.nodes:
        ndim = line.ndim(node)
        if in_index(node, around) or ndim < 2 or is_called(node, around):
            continue
        if isinstance(node, (ast.Name, ast.BinOp, ast.Call)) and around:
            for axis in dict.fromkeys((0, ndim - 2, ndim - 1)):
                keywords = [
                    ast.keyword("axis", ast.Constant(axis)),
                    ast.keyword("keepdims", ast.Constant(True)),
                ]
                new = ast.Call(ast.Attribute(node, "sum", ast.Load()), [], keywords)
                text = f"{text_of(node)} must be summed over axis {axis}"
                yield line.edit("unsummed", text, node, new, 0.6)
                new = ast.Call(ast.Attribute(node, "mean", ast.Load()), [], keywords)
                text = f"{text_of(node)} must be averaged over axis {axis}"
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
                            f"{text_of(product)} treats a softmax as element-wise: "
                            f"{text_of(less)} is missing"
                        )
                        yield line.edit("activation", text, node, less, 0.7)
