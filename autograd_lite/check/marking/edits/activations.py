"""Edits of activation derivatives: of the wrong activation, at the wrong value, or left out."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd_lite.check.marking.assignments import targets_of
from autograd_lite.check.marking.edits.factors import kind_of_factor
from autograd_lite.check.marking.edits.line import (
    CANDIDATES_LIMIT,
    Edit,
    Line,
    values_assigned,
    written_arrays,
)
from autograd_lite.check.marking.edits.trees import (
    chain_of,
    in_index,
    is_broadcast,
    is_called,
    is_power,
    name_called,
    numpy_call,
    one_less,
    parsed,
    product,
    read_from,
    swapped,
    text_of,
    times,
)
from autograd_lite.check.marking.rewriting import WATCH
from autograd_lite.check.names import is_gradient_name


def derivatives(line: Line) -> Iterator[Edit]:
    """Edits that take another activation's derivative, or evaluate this one at another value."""
    for node, around in line.nodes:
        if in_index(node, around) or is_called(node, around):
            continue
        value = line.at(node)
        if not _is_value(value, line) or isinstance(node, ast.Constant):
            continue
        yield from _powers(line, node, around)
        in_product = _is_factor(around)
        is_root = any(node is root for root in line.roots)
        if not in_product and not is_root and not isinstance(node, ast.Call):
            continue
        for _, other, found in line.alike(np.shape(value)):
            for slope in slopes(other, found):
                if ast.dump(slope) != ast.dump(node):
                    text = f"{text_of(node)} should be {text_of(slope)}"
                    kind = "mask" if isinstance(slope, ast.Compare) else "activation"
                    yield line.edit(kind, text, node, slope, 0.9)
        for slope in slopes(node, value):
            text = f"{text_of(node)} should be {text_of(slope)}"
            yield line.edit("activation", text, node, slope, 0.9)


def other_slopes(line: Line) -> Iterator[Edit]:
    """Edits that write `s * (1 - s)` for `d * (1 - d)`, wherever the two factors stand in a
    product.
    """
    for node, one, rest in _sigmoid_slopes(line):
        for _, right, _ in line.alike(line.shape(one)):
            pair = [right, one_less(right)]
            text = f"{_written(one)} should be {text_of(product(pair))}"
            yield line.edit("activation", text, node, product([*rest, *pair]), 0.9)
        if rest:
            yield from _softmax(line, node, one, product(rest))
        yield from _errors(line, node, one, rest)


def tanh_slopes(line: Line) -> Iterator[Edit]:
    """Edits that write `1 - t ** 2` for `t * (1 - t)`, the derivative of a sigmoid."""
    for node, one, rest in _sigmoid_slopes(line):
        slope = one_less(ast.BinOp(one, ast.Pow(), ast.Constant(2)))
        text = f"{_written(one)} should be {text_of(slope)}"
        yield line.edit("activation", text, node, product([*rest, slope]), 0.95)


def _sigmoid_slopes(line: Line) -> Iterator[tuple[ast.expr, ast.expr, list[ast.expr]]]:
    """The products that contain `d` and `1 - d`: each with `d` and its other factors."""
    for node, around in line.nodes:
        chain = chain_of(node)
        parent = around[-1] if around else None
        if len(chain) < 2 or (isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult)):
            continue
        for i, j in itertools.permutations(range(len(chain)), 2):
            if ast.dump(chain[j]) == ast.dump(one_less(chain[i])):
                yield node, chain[i], [c for k, c in enumerate(chain) if k not in (i, j)]


def _written(one: ast.expr) -> str:
    return text_of(times(one, one_less(one)))


def _errors(line: Line, node: ast.expr, one: ast.expr, rest: list[ast.expr]) -> Iterator[Edit]:
    """Edits that write `p - y` for `p * (1 - p)`, which a logarithmic loss does not leave."""
    for target in [ast.Constant(1), *(other for _, other, _ in line.alike(line.shape(one)))]:
        if ast.dump(target) != ast.dump(one):
            error = ast.BinOp(one, ast.Sub(), target)
            leaves = "that is what the loss's logarithm leaves"
            text = f"{_written(one)} should be {text_of(error)}: {leaves}"
            yield line.edit("activation", text, node, product([error, *rest]), 0.85)


def _softmax(line: Line, node: ast.expr, result: ast.expr, g: ast.expr) -> Iterator[Edit]:
    """Edits that write the derivative of a softmax for `g * p * (1 - p)`, which is element-wise."""
    for axis in range(-line.ndim(result), 0):
        keywords = [
            ast.keyword("axis", ast.Constant(axis)),
            ast.keyword("keepdims", ast.Constant(True)),
        ]
        total = ast.Call(ast.Attribute(times(g, result), "sum", ast.Load()), [], keywords)
        whole = times(result, ast.BinOp(g, ast.Sub(), total))
        text = f"{text_of(node)} treats a softmax as element-wise: it should be {text_of(whole)}"
        yield line.edit("activation", text, node, whole, 0.9)


def _is_value(value: Any, line: Line) -> bool:
    """Whether a value may be that of an activation: an array, or a number in a line of numbers."""
    if isinstance(value, (float, np.floating)):
        return not any(map(line.ndim, [old for old, _ in values_assigned(line)]))
    return isinstance(value, np.ndarray)


def _is_factor(around: tuple[ast.AST, ...]) -> bool:
    parent = around[-1] if around else None
    if isinstance(parent, ast.BinOp):
        return isinstance(parent.op, ast.Mult)
    return isinstance(parent, ast.Call) and name_called(parent) in ("multiply",)


def slopes(node: ast.expr, value: object) -> list[ast.expr]:
    """Derivatives of the usual activations, with `node` as the output or as the input."""
    if not isinstance(value, (np.ndarray, float, np.floating)):
        return []
    return [
        times(node, one_less(node)),
        one_less(times(node, node)),
        ast.Compare(node, [ast.Gt()], [ast.Constant(0)]),
        one_less(ast.BinOp(numpy_call("tanh", node), ast.Pow(), ast.Constant(2))),
    ]


def _powers(line: Line, node: ast.expr, around: tuple[ast.AST, ...]) -> Iterator[Edit]:
    """Edits that square or cube an expression, or that take the square away."""
    squared = ast.BinOp(node, ast.Pow(), ast.Constant(2))
    parent = around[-1] if around else None
    in_one_less = _is_one_less(parent, node)
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
        if in_one_less:
            both = times(node, parent)  # type: ignore[arg-type]
            text = f"{text_of(parent)} should be {text_of(both)}"  # type: ignore[arg-type]
            yield line.edit("activation", text, parent, both)  # type: ignore[arg-type]
    if is_power(node):
        text = f"{text_of(node)} should be {text_of(node.left)}"
        yield line.edit("activation" if in_one_less else "factor", text, node, node.left, 0.8)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        if ast.dump(node.left) == ast.dump(node.right):
            text = f"{text_of(node)} should be {text_of(node.left)}"
            yield line.edit("activation" if in_one_less else "factor", text, node, node.left, 0.8)


def _is_one_less(parent: ast.AST | None, node: ast.expr) -> bool:
    """Whether an expression is `1 - node`."""
    if not isinstance(parent, ast.BinOp) or not isinstance(parent.op, ast.Sub):
        return False
    is_one = isinstance(parent.left, ast.Constant) and parent.left.value == 1
    return is_one and parent.right is node


def _operands_and_values(line: Line) -> list[tuple[ast.expr, str]]:
    """The expressions of a line that may lack a factor, each with its name in messages."""
    places = list(values_assigned(line))
    places += [
        (node, text_of(node))
        for node, around in line.nodes
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript, ast.BinOp, ast.Call))
        and not in_index(node, around)
        and not is_called(node, around)
        and not any(node is old for old, _ in places)
    ]
    return places


def _missing_factor(factor: ast.expr, old: ast.expr, name: str) -> str:
    """A text on a factor that is missing; of a name that is computed from itself, in its value."""
    where = text_of(old) if text_of(factor) == name else name
    return f"the factor {text_of(factor)} is missing in {where}"


def missing_factors(line: Line) -> Iterator[Edit]:
    """Edits that multiply a line, or an operand of it, by a factor that it lacks, or divide it."""
    for old, name in _operands_and_values(line):
        value = line.at(old)
        is_number = isinstance(value, (int, float, np.floating)) and not isinstance(value, bool)
        if is_number and (isinstance(value, (float, np.floating)) or name == line.target):
            yield from _missing_factors(line, old, name)
        if not _is_value(value, line) or (isinstance(value, np.ndarray) and not value.ndim):
            continue
        for called in line.arriving:
            other = parsed(f"{WATCH}.named({called!r})")
            shape = line.shape(other)
            if shape is not None and is_broadcast(shape, np.shape(value)):
                text = f"{text_of(other)}, which arrives here, is missing in {name} as a factor"
                yield line.edit("factor", text, old, times(old, other), 0.8)
        arrays = [(o, v) for _, o, v in line.fitting(np.shape(value))] + line.phrases
        offers = [(o, v) for o, v in arrays if line.may_scale(v, value)]
        numbers = [(o, v) for _, o, v in line.references if isinstance(v, np.floating)]
        offers += [*numbers, *((times(ast.Constant(2), o), v) for o, v in numbers)]
        if _has_gradient(old):
            # A gradient times another one is no gradient.
            is_of_forward = line.is_of_forward
            offers = [(o, v) for o, v in offers if is_of_forward(v) or not _has_gradient(o)]
        offers += _as_columns(line, np.shape(value))
        for other, found in offers:
            if text_of(other) != text_of(old):
                text = _missing_factor(other, old, name)
                kind = kind_of_factor(line, other)
                yield line.edit(kind, text, old, times(old, other), 0.8)
                if np.all(found > 0):
                    over = ast.BinOp(old, ast.Div(), other)
                    text = f"the division by {text_of(other)} is missing in {name}"
                    yield line.edit("factor", text, old, over, 0.7)


def _as_columns(line: Line, shape: tuple[int, ...]) -> list[tuple[ast.expr, Any]]:
    """One number a row, as a column: `weights[:, None]` for arrays with so many rows."""
    if len(shape) != 2:
        return []
    rows = [(o, v) for _, o, v in line.alike(shape[:1]) if line.is_of_forward(v)]
    return [(parsed(f"({ast.unparse(o)})[:, None]"), v[:, None]) for o, v in rows]


def missing_derivatives(line: Line) -> Iterator[Edit]:
    """Edits that multiply a line, or an operand of it, by a derivative that it lacks."""
    for old, name in _operands_and_values(line):
        value = line.at(old)
        if not _is_value(value, line) or (isinstance(value, np.ndarray) and not value.ndim):
            continue
        for _, other, found in line.alike(np.shape(value)):
            if np.all(np.isin(found, (-1, 0, 1))):
                # Labels and masks have no activation.
                continue
            for slope in slopes(other, found):
                is_mask = isinstance(slope, ast.Compare)
                kind = "mask" if is_mask else "activation"
                what = "the mask of the ReLU" if is_mask else "the derivative of the activation"
                text = f"{what} is missing in {name}: multiply by {text_of(slope)}"
                yield line.edit(kind, text, old, times(old, slope))
        for told, slope, found in line.slopes:
            if np.shape(found) == np.shape(value):
                text = f"{told} is missing in {name}"
                yield line.edit("activation", text, old, times(old, slope), 0.8)
        for sign in _signs_of_magnitudes(line, np.shape(value)):
            text = f"the derivative {text_of(sign)} of the absolute value is missing in {name}"
            yield line.edit("activation", text, old, times(old, sign))
    yield from _measured_slopes(line)
    for target in written_arrays(line):
        value = line.at(read_from(target))
        for _, other, found in line.alike(np.shape(value)):
            for slope in slopes(other, found):
                after = ast.AugAssign(target, ast.Mult(), slope)
                text = f"the derivative of the activation is missing in {text_of(target)}"
                yield line.whole("activation", text, [line.statement, after], 0.7)


def _signs_of_magnitudes(line: Line, shape: tuple[int, ...]) -> Iterator[ast.expr]:
    """The sign of each array of a shape whose absolute value is written somewhere."""
    trees = (line.place.definition.tree, *line.elsewhere)
    calls = [n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Call)]
    inner = [n.args[0] for n in calls if name_called(n) in _MAGNITUDES and len(n.args) == 1]
    for operand in {ast.unparse(n): n for n in inner}.values():
        if np.shape(line.at(operand)) == shape and shape:
            yield numpy_call("sign", operand)


_MAGNITUDES = ("abs", "absolute", "fabs")


def _measured_slopes(line: Line) -> Iterator[Edit]:
    """Edits that take the derivative of an activation of the forward pass for a factor."""
    for node, around in line.nodes:
        if in_index(node, around) or is_called(node, around) or not _is_factor(around):
            continue
        for told, slope, found in line.slopes:
            if line.shape(node) == np.shape(found):
                text = f"{text_of(node)} should be {told}"
                edit = line.edit("activation", text, node, slope, 0.8)
                edit.is_anew = True
                yield edit


def whole_slopes(line: Line) -> Iterator[Edit]:
    """Edits that write a gradient times the derivative of an activation for the line's value."""
    for old, name in values_assigned(line):
        for told, slope, found in line.slopes:
            shape = np.shape(found)
            if line.shape(old) != shape:
                continue
            for shown, g, value in line.alike(shape):
                if not line.is_of_forward(value) and shown not in line.targets:
                    text = f"{name} should be {shown} times {told}"
                    edit = line.edit("activation", text, old, times(g, slope), 0.75)
                    edit.is_anew = True
                    yield edit
    yield from _slopes_at_an_index(line)


def _slopes_at_an_index(line: Line) -> Iterator[Edit]:
    """Edits that write `d[z < 0] *= slope[z < 0]` for what is written there: `d[z < 0] = 0`."""
    statement = line.statement
    target = next(iter(targets_of(statement)), None)
    if not isinstance(statement, (ast.Assign, ast.AugAssign)) or not isinstance(
        target, ast.Subscript
    ):
        return
    for told, slope, found in line.slopes:
        if line.shape(read_from(target.value)) == np.shape(found):
            part = ast.Subscript(slope, target.slice, ast.Load())
            text = f"{text_of(target)} should be multiplied by {told} there"
            scaled = ast.AugAssign(target, ast.Mult(), part)
            edit = line.whole("activation", text, [scaled], 0.75)
            edit.is_anew = True
            yield edit


def _has_gradient(node: ast.expr) -> bool:
    """Whether a variable that is called like a gradient stands in an expression."""
    names = (n.id for n in ast.walk(node) if isinstance(n, ast.Name))
    return any(map(is_gradient_name, names))


def _missing_factors(line: Line, old: ast.expr, name: str) -> Iterator[Edit]:
    """Edits that multiply a scalar by a scalar, or by an array of the shape of the line's value."""
    wholes = [line.shape(v) for v, _ in values_assigned(line)]
    wholes += [line.shape(read_from(t)) for t in targets_of(line.statement)]
    for shape in dict.fromkeys(((), *(w for w in wholes if w))):
        offers = [other for _, other, _ in line.alike(shape)]
        offers += [o for o, v in line.phrases if v.shape == shape] + sums_to(line, shape)
        offers += _signs_of_magnitudes(line, shape)
        for other in offers:
            if text_of(other) != text_of(old):
                text = _missing_factor(other, old, name)
                yield line.edit("factor", text, old, times(old, other), 0.8)


def sums_to(line: Line, shape: tuple[int, ...]) -> list[ast.expr]:
    """Sums of arrays over one axis that have the given shape, as gradients of biases have."""
    found: list[ast.expr] = []
    for _, other, value in line.references:
        for axis in range(np.ndim(value)):
            for keep in (True, False):
                if shape and np.sum(value, axis=axis, keepdims=keep).shape == shape:
                    keywords = [ast.keyword("axis", ast.Constant(axis))]
                    keywords += [ast.keyword("keepdims", ast.Constant(True))] if keep else []
                    found.append(ast.Call(ast.Attribute(other, "sum", ast.Load()), [], keywords))
    return found[:CANDIDATES_LIMIT]
