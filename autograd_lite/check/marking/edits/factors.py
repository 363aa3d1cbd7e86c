"""Edits of masks, signs, terms, factors and numbers, and edits that use an unused value."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from typing import Any, TypeGuard, cast

import numpy as np

from autograd_lite.check.marking.assignments import targets_of
from autograd_lite.check.marking.edits.line import Edit, Line, values_assigned, written_arrays
from autograd_lite.check.marking.edits.trees import (
    chain_of,
    in_index,
    is_called,
    is_power,
    is_shape,
    name_called,
    one_less,
    parsed,
    product,
    read_from,
    text_of,
    times,
    transposed,
)

_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    **{ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Lt: ast.GtE, ast.LtE: ast.Gt},
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq},
}


def masks(line: Line) -> Iterator[Edit]:
    """Edits that invert a mask, or take the mask of another array."""
    yield from _masks_written_to(line)
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


def _masks_written_to(line: Line) -> Iterator[Edit]:
    """Edits that invert the mask at which a statement writes: `d[mask] = 0`."""
    statement = line.statement
    for target in targets_of(statement):
        if not isinstance(target, ast.Subscript) or not isinstance(statement, ast.Assign):
            continue
        index = target.slice
        is_inverted = isinstance(index, ast.UnaryOp) and isinstance(index.op, ast.Invert)
        if is_inverted:
            flipped = index.operand  # type: ignore[attr-defined]
        elif getattr(line.at(index), "dtype", None) == np.bool_:
            flipped = ast.UnaryOp(ast.Invert(), index)
        else:
            continue
        other = ast.Subscript(target.value, flipped, ast.Store())
        text = f"the mask {text_of(index)} is inverted"
        yield line.whole("mask", text, [ast.Assign([other], statement.value)])


def _is_untransposed(node: ast.expr) -> bool:
    """Whether an expression is a variable or an attribute, and not its transpose."""
    is_transposed = isinstance(node, ast.Attribute) and node.attr == "T"
    return isinstance(node, (ast.Name, ast.Attribute)) and not is_transposed


def carried(line: Line) -> Iterator[Edit]:
    """Edits that add what a loop carries from one round to the next and nothing reads."""
    handed = (n for n, around in line.nodes if around and isinstance(around[-1], ast.Call))
    places = [*values_assigned(line), *((n, text_of(n)) for n in handed)] if line.carried else []
    for (other, found), (old, name) in itertools.product(line.carried, places):
        shown = text_of(other)
        # What overwrites itself in each round should be added to, which says more.
        if shown not in line.targets and np.shape(found) == line.shape(old):
            text = f"{shown} is carried on and not used: the term + {shown} is missing in {name}"
            yield line.edit("term", text, old, ast.BinOp(old, ast.Add(), other), 0.9)


def unused(line: Line) -> Iterator[Edit]:
    """Edits that use a value which is never read: alone, as a factor, divisor or term."""
    offers = list(itertools.islice(_offers(line), OFFERS_LIMIT))
    places = list(values_assigned(line))
    yield from _unused_at_an_index(line)
    yield from _in_place_of_a_number(line, offers)
    yield from _weighted_means(line)
    places += [
        (node, text_of(node))
        for node, around in line.nodes
        if not in_index(node, around)
        and not is_called(node, around)
        and not isinstance(node, ast.Constant)
        # Only the sign matters of what is compared with 0: another operand explains that better.
        and not (around and isinstance(around[-1], ast.Compare))
        and not any(node is old for old, _ in places)
    ]
    for old, name in places:
        value = line.at(old)
        is_number = isinstance(value, (np.ndarray, np.floating, float))
        if not is_number or getattr(value, "dtype", None) == np.bool_:
            continue
        for other, found in offers:
            if not line.may_scale(found, value):
                continue
            shown = text_of(other)
            if (
                isinstance(old, ast.Name)
                and _is_untransposed(other)
                and np.shape(found) == np.shape(value)
            ):
                text = f"{shown} is never used: {text_of(old)} should be {shown}"
                yield line.edit("operand", text, old, other)
            is_mask = getattr(found, "dtype", None) == np.bool_
            text = f"{shown} is never used: the factor {shown} is missing in {name}"
            if isinstance(other, ast.Compare):
                text = f"the mask {shown} is missing in {name}"
            yield line.edit("mask" if is_mask else "factor", text, old, times(old, other), 0.9)
            for operator, sign in ((ast.Add(), "+"), (ast.Sub(), "-")):
                # A length is no term.
                if type(found) is not int:
                    text = f"{shown} is never used: the term {sign} {shown} is missing in {name}"
                    yield line.edit("term", text, old, ast.BinOp(old, operator, other), 0.9)
            if np.all(found):
                text = f"{shown} is never used: the division by {shown} is missing in {name}"
                yield line.edit("factor", text, old, ast.BinOp(old, ast.Div(), other), 0.8)


OFFERS_LIMIT = 14
"""So many things that are never read are tried in each place."""


def _offers(line: Line) -> Iterator[tuple[ast.expr, Any]]:
    """What may be missing where it is never read: a value, a mask of it, a part of the loss."""
    arrays = [(n, v) for n, v in line.unused if np.ndim(v)]
    yield from line.unread_numbers
    yield from arrays
    columns = [(_as_a_column(n), v[:, None]) for n, v in arrays if v.ndim == 1]
    yield from columns
    arrays += columns
    floats = [(n, v) for n, v in arrays if v.dtype.kind == "f"]
    # What is compared already should be compared in another way.
    compares = any(isinstance(n, ast.Compare) for n, _ in line.nodes)
    for node, value in floats if not compares else ():
        if np.any(value <= 0) and np.any(value > 0):
            yield ast.Compare(node, [ast.Gt()], [ast.Constant(0)]), value > 0
    for node, value in arrays:
        if np.all(np.isin(value, (0, 1))):
            # Dropout divides by what it keeps.
            for number, divisor in line.unread_numbers:
                yield ast.BinOp(node, ast.Div(), number), value / divisor
    yield from ((transposed(n), v.T) for n, v in arrays if v.ndim == 2)
    for (one, first), (other, second) in itertools.permutations(floats, 2):
        if first.shape == second.shape:
            yield ast.BinOp(one, ast.Sub(), other), first - second


def _in_place_of_a_number(line: Line, offers: list[tuple[ast.expr, Any]]) -> Iterator[Edit]:
    """Edits that use an unused value for a number: `error * weights` for `error / n`."""
    for node, around in line.nodes:
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, (ast.Mult, ast.Div)):
            continue
        if in_index(node, around) or np.ndim(line.at(node.right)):
            continue
        for other, found in offers:
            if np.ndim(found) and line.may_scale(found, line.at(node.left)):
                new = times(node.left, other)
                text = f"{text_of(other)} is never used: {text_of(node)} should be {text_of(new)}"
                yield line.edit("operand", text, node, new, 0.9)


def _weighted_means(line: Line) -> Iterator[Edit]:
    """Edits that weigh rows by an unused vector: `w @ X` for `X.mean(axis=0)`."""
    for node, around in line.nodes:
        is_mean = isinstance(node, ast.Call) and name_called(node) in ("mean", "sum", "average")
        if not isinstance(node, ast.Call) or not is_mean or in_index(node, around):
            continue
        is_method = isinstance(node.func, ast.Attribute) and line.ndim(node.func.value) > 0
        rows = node.func.value if is_method else node.args[0] if node.args else node  # type: ignore[attr-defined]
        shape = line.shape(rows)
        if shape is None or line.shape(node) != shape[1:]:
            continue
        for other, found in line.unused:
            if np.shape(found) == shape[:1]:
                new = ast.BinOp(other, ast.MatMult(), rows)
                text = f"{text_of(other)} is never used: {text_of(node)} should be {text_of(new)}"
                yield line.edit("operand", text, node, new, 0.95)


def _as_a_column(node: ast.expr) -> ast.expr:
    return parsed(f"{ast.unparse(node)}[:, None]")


def _unused_at_an_index(line: Line) -> Iterator[Edit]:
    """Edits that write a value which is never read for a number: `d[rows, y] = -count` for `-1`."""
    statement = line.statement
    if not isinstance(statement, (ast.Assign, ast.AugAssign)):
        return
    target = targets_of(statement)[0]
    if not isinstance(target, ast.Subscript) or type(line.at(statement.value)) is not int:
        return
    for other, found in line.unused:
        if line.may_scale(found, line.at(read_from(target))):
            for new in (other, ast.UnaryOp(ast.USub(), other)):
                text = f"{text_of(other)} is never used: {text_of(statement.value)} should be "
                yield line.edit("operand", text + text_of(new), statement.value, new)


_NOT_EVEN = ("exp", "expm1", "sigmoid", "expit", "softplus")
"""Functions whose argument people give with the wrong sign."""


def opposite(line: Line) -> Iterator[Edit]:
    """Edits that negate a value which is exactly minus what it should be."""
    given, expected = line.given, line.expected
    if given is None or expected is None or given.shape != expected.shape:
        return
    if not np.any(given) or not np.all(np.isfinite(given)):
        return
    if isinstance(line.statement, ast.AugAssign):
        # Its operator has the wrong sign.
        return
    if np.allclose(given, -expected, rtol=1e-7, atol=1e-9 * float(np.max(np.abs(given)))):
        for old, name in values_assigned(line):
            if not _is_negative(old):
                yield line.edit("sign", f"{name} has the wrong sign", old, scaled(old, -1), 0.95)


OTHER_SIGN: dict[type[ast.operator], type[ast.operator]] = {ast.Add: ast.Sub, ast.Sub: ast.Add}


def signs(line: Line) -> Iterator[Edit]:
    """Edits that flip the sign of a term or of the whole expression."""
    for node, around in line.nodes:
        if in_index(node, around):
            continue
        if isinstance(node, ast.BinOp) and type(node.op) in OTHER_SIGN:
            other = ast.BinOp(node.left, OTHER_SIGN[type(node.op)](), node.right)
            text = f"{text_of(node)} should be {text_of(other)}"
            yield line.edit("sign", text, node, other)
            if isinstance(node.op, ast.Sub):
                back = ast.BinOp(node.right, ast.Sub(), node.left)
                yield line.edit("sign", f"{text_of(node)} has the wrong sign", node, back)
        if _is_negative(node) and not _is_argument(around):
            text = f"{text_of(node)} has the wrong sign"
            yield line.edit("sign", text, node, node.operand)
            whole = one_less(node.operand)
            text = f"{text_of(node)} should be {text_of(whole)}"
            in_product = isinstance(getattr(around[-1] if around else None, "op", None), ast.Mult)
            is_slope = in_product or isinstance(node.operand, ast.BinOp)
            yield line.edit("activation" if is_slope else "term", text, node, whole, 0.9)
        if isinstance(node, ast.Call) and name_called(node) in _NOT_EVEN and len(node.args) == 1:
            given = node.args[0]
            negated = given.operand if _is_negative(given) else ast.UnaryOp(ast.USub(), given)
            call = ast.Call(node.func, [negated], node.keywords)
            yield line.edit("sign", f"{text_of(node)} should be {text_of(call)}", node, call, 0.95)
    statement = line.statement
    if isinstance(statement, ast.AugAssign) and type(statement.op) in OTHER_SIGN:
        other_sign = OTHER_SIGN[type(statement.op)]()
        changed = ast.AugAssign(statement.target, other_sign, statement.value)
        operator = "+=" if isinstance(other_sign, ast.Add) else "-="
        yield line.whole("sign", f"it should be {operator}", [changed], 0.9)


def _is_negative(node: ast.expr) -> TypeGuard[ast.UnaryOp]:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def _is_argument(around: tuple[ast.AST, ...]) -> bool:
    """Whether what stands there is an argument of a call, such as an axis."""
    return bool(around) and isinstance(around[-1], (ast.keyword, ast.Call))


def terms(line: Line) -> Iterator[Edit]:
    """Edits that remove a term."""
    for node, around in line.nodes:
        if in_index(node, around) or not isinstance(node, ast.BinOp):
            continue
        if type(node.op) in OTHER_SIGN:
            for rest, too_much in ((node.left, node.right), (node.right, node.left)):
                if rest is node.right and isinstance(node.op, ast.Sub):
                    minus = ast.UnaryOp(ast.USub(), rest)
                    yield line.edit(
                        "term", f"the term {text_of(too_much)} should be left out", node, minus, 0.8
                    )
                text = f"the term {text_of(too_much)} should be left out"
                yield line.edit("term", text, node, rest)


def factors(line: Line) -> Iterator[Edit]:
    """Edits that remove a factor or divisor, or exchange `*` and `/`."""
    for node, around in line.nodes:
        if in_index(node, around) or not isinstance(node, ast.BinOp):
            continue
        if line.updates_a_parameter and np.ndim(line.at(node.left)) + np.ndim(line.at(node.right)):
            # A step without its gradient is none.
            continue
        if isinstance(node.op, (ast.Mult, ast.Div, ast.FloorDiv)):
            kind = kind_of_factor(line, node.right)
            is_product = isinstance(node.op, ast.Mult)
            what = _what_factor(line, node.right) if is_product else "division by"
            text = f"the {what} {text_of(node.right)} should be left out"
            yield line.edit(kind, text, node, node.left)
            if is_product:
                kind = kind_of_factor(line, node.left)
                text = (
                    f"the {_what_factor(line, node.left)} {text_of(node.left)} should be left out"
                )
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
    """Edits that remove two factors at once, as in `* A * (1 - A)`."""
    for node, around in line.nodes:
        if in_index(node, around):
            continue
        chain = chain_of(node)
        parent = around[-1] if around else None
        if len(chain) < 3 or (isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult)):
            continue
        for i in range(len(chain)):
            for j in range(i + 1, len(chain)):
                rest = [c for k, c in enumerate(chain) if k not in (i, j)]
                text = f"the factor {text_of(times(chain[i], chain[j]))} should be left out"
                slope = any(kind_of_factor(line, chain[k]) == "activation" for k in (i, j))
                kind = "activation" if slope else "factor"
                yield line.edit(kind, text, node, product(rest), 0.9)
        if len(chain) > 3:
            # The delta of another loss: `2 * (a - y) * a * (1 - a)` for `a - y`.
            for factor in (c for c in chain if isinstance(c, ast.BinOp)):
                text = f"all but {text_of(factor)} should be left out"
                yield line.edit("activation", text, node, factor, 0.9)


_SLOPE = re.compile("prime|deriv|slope|grad|backward")
"""Matches the names of functions that compute derivatives of activations."""


def kind_of_factor(line: Line, node: ast.expr) -> str:
    """The kind of a factor: "mask", "activation" for a derivative of one, or "factor"."""
    if isinstance(node, ast.Compare) or getattr(line.at(node), "dtype", None) == np.bool_:
        return "mask"
    text = ast.unparse(node)
    if isinstance(node, ast.Call) and _SLOPE.search(name_called(node).lower()):
        return "activation"
    if line.ndim(node) and re.match(r"\(?1(\.0?)? - ", text):
        return "activation"
    if isinstance(node, ast.Call) and name_called(node) == "where" and node.args:
        if isinstance(node.args[0], ast.Compare):
            is_mask = np.all(np.isin(line.at(node), (0, 1)))
            return "mask" if is_mask else "activation"
    return "activation" if line.is_slope(line.at(node)) else "factor"


def _what_factor(line: Line, node: ast.expr) -> str:
    kind = kind_of_factor(line, node)
    return {"mask": "mask", "activation": "derivative"}.get(kind, "factor")


def _is_chosen(node: ast.expr, around: tuple[ast.AST, ...]) -> bool:
    """Whether an expression is one of the two values of `np.where(condition, one, other)`."""
    parent = around[-1] if around else None
    is_where = isinstance(parent, ast.Call) and name_called(parent) == "where"
    return is_where and any(node is n for n in cast(ast.Call, parent).args[1:])


def _named_numbers(line: Line) -> list[ast.expr]:
    """The names and attributes of numbers in the functions that run: `LEAK`, `self.slope`."""
    nodes = (n for tree in (line.place.definition.tree, *line.elsewhere) for n in ast.walk(tree))
    texts = dict.fromkeys(ast.unparse(n) for n in nodes if isinstance(n, (ast.Name, ast.Attribute)))
    found = [(parsed(text), line.at(parsed(text))) for text in texts]
    return [node for node, value in found if isinstance(value, (float, np.floating))]


def numbers(line: Line) -> Iterator[Edit]:
    """Edits that put another number, exponent or length in place of one."""
    for node, around in line.nodes:
        if in_index(node, around):
            continue
        number: Any = node.value if isinstance(node, ast.Constant) else None
        if type(number) in (int, float) and _is_chosen(node, around):
            for other in _named_numbers(line):
                text = f"{number} should be {text_of(other)}"
                yield line.edit("activation", text, node, other)
        if type(number) in (int, float) and number:
            parent = around[-1] if around else None
            above = around[:-1] if isinstance(parent, ast.UnaryOp) else around
            if _is_argument(above) or isinstance(parent, ast.Compare):
                continue
            is_slope = _is_exponent_in_slope(around)
            for other in dict.fromkeys((2 * number, number / 2, number + 1, number - 1, 1)):
                is_factor = isinstance(getattr(parent, "op", None), (ast.Mult, ast.Div))
                if other != number and not (other == 1 and is_factor):
                    shown = int(other) if other == int(other) else other
                    kind = "activation" if is_slope else "factor"
                    if is_power(parent) and node is parent.right:
                        power = ast.BinOp(parent.left, ast.Pow(), ast.Constant(shown))
                        right = parent.left if shown == 1 else power
                        text = f"{text_of(parent)} should be {text_of(right)}"
                        yield line.edit(kind, text, parent, right)
                    else:
                        text = f"{_around_text(node, around)}: {number} should be {shown}"
                        yield line.edit(kind, text, node, ast.Constant(shown))
        value = line.at(node) if isinstance(node, (ast.Name, ast.Subscript, ast.Call)) else None
        if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value > 0:
            if not is_called(node, around):
                yield from _other_lengths(line, node, int(value))
        if isinstance(node, ast.Subscript) and is_shape(node.value):
            for axis in range(4):
                other = ast.Subscript(node.value, ast.Constant(axis), ast.Load())
                if line.at(other) is not None and ast.unparse(other) != ast.unparse(node):
                    text = f"{text_of(node)} should be {text_of(other)}"
                    yield line.edit("factor", text, node, other)


def _is_exponent_in_slope(around: tuple[ast.AST, ...]) -> bool:
    """Whether a number is the exponent in an expression like `1 - a**2`."""
    if len(around) < 2:
        return False
    power, outer = around[-1], around[-2]
    return is_power(power) and isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Sub)


def _around_text(node: ast.AST, around: tuple[ast.AST, ...]) -> str:
    parent = around[-1] if around else None
    return text_of(parent) if isinstance(parent, ast.BinOp) else text_of(node)


def _other_lengths(line: Line, node: ast.expr, value: int) -> Iterator[Edit]:
    for size, what in line.sizes.items():
        if size != value and size > 1:
            text = f"{text_of(node)} is {value}, and should be {size}, {what}"
            yield line.edit("factor", text, node, ast.Constant(size), 0.8)


def scaled_like_others(line: Line) -> Iterator[Edit]:
    """Edits that multiply or divide an item that is returned as it is, as others beside it are."""
    value = getattr(line.statement, "value", None)
    if not isinstance(line.statement, ast.Return) or not isinstance(value, ast.Tuple):
        return
    scaled = [e for e in value.elts if isinstance(e, ast.BinOp)]
    scaled = [e for e in scaled if isinstance(e.op, (ast.Mult, ast.Div)) and not line.ndim(e.right)]
    for element in value.elts:
        if isinstance(element, (ast.Name, ast.Attribute)):
            for other in {ast.dump(e.right): e for e in scaled}.values():
                new = ast.BinOp(element, other.op, other.right)
                text = f"{text_of(element)} should be {text_of(new)}, as what stands beside it"
                yield line.edit("factor", text, element, new)


def lacking_as_returned(line: Line) -> Iterator[Edit]:
    """Edits that add what an item that is returned lacks, where another array is just that."""
    given, expected = line.given, line.expected
    if given is None or expected is None or given.shape != expected.shape:
        return
    missing = expected - given
    if np.allclose(np.abs(missing), np.abs(given), rtol=1e-9, atol=0):
        # A factor is missing, and no other array.
        return
    nodes = (n for n, _ in line.nodes if isinstance(n, (ast.Name, ast.Attribute, ast.Subscript)))
    for node in nodes:
        if not np.array_equal(line.at(node), given):
            continue
        for shown, other, value in line.alike(given.shape):
            for operator, term in ((ast.Add(), value), (ast.Sub(), -value)):
                if np.allclose(term, missing, rtol=1e-9, atol=1e-12 * np.max(np.abs(missing))):
                    new = ast.BinOp(node, operator, other)
                    text = f"{text_of(node)} should be {text_of(new)}: {shown} is left out"
                    yield line.edit("term", text, node, new)


def scaled_by(line: Line, number: float) -> Iterator[Edit]:
    """Edits that multiply the values that a line assigns by a number."""
    shown = next((f"1/{n}" for n in line.sizes if abs(number * n - 1) < 1e-9), f"{number:.6g}")
    yield from _scaled_as_a_whole(line, number, shown)
    yield from _scaled_after(line, number)
    for old, name in values_assigned(line):
        if _is_whole(line.at(old)):
            what = f"{name} lacks a factor {shown}"
            yield line.edit("factor", what, old, scaled(old, number), 0.95)


def _scaled_as_a_whole(line: Line, number: float, shown: str) -> Iterator[Edit]:
    kind = "sign" if abs(number + 1) < 1e-9 else "factor"
    what = "has the wrong sign" if kind == "sign" else f"lacks a factor {shown}"
    for old, name in values_assigned(line):
        if not _is_whole(line.at(old)):
            tells = isinstance(getattr(old, "op", None), (ast.Sub, ast.USub))
            called = text_of(old) if kind == "sign" and tells else name
            yield line.edit(kind, f"{called} {what}", old, scaled(old, number), 0.95)
    yield from _scaled_in_place(line, number, kind, what)


def _scaled_after(line: Line, number: float) -> Iterator[Edit]:
    """Edits that scale a value after the statement, which may be right by its name, by a number
    that is never read.
    """
    targets = targets_of(line.statement)
    is_one = isinstance(line.statement, ast.Assign) and len(targets) == 1
    if not is_one or not isinstance(targets[0], ast.Name):
        return
    found = scaled_by_unread(line, read_from(targets[0]), number)
    if found is not None:
        text = f"after this line {text_of(targets[0])} lacks a factor {found[1]}"
        after = ast.Assign([targets[0]], found[0])
        yield line.whole("factor", text, [line.statement, after], 0.7, keeps=True)


def scaled_by_unread(line: Line, node: ast.expr, number: float) -> tuple[ast.expr, str] | None:
    """An expression times a number, where a number that is never read is that, and its text."""
    for factor, value in line.unread_numbers:
        for divides, own in ((False, value), (True, 1 / value if value else 0.0)):
            if abs(number - own) < 1e-8 * abs(own):
                operator = ast.Div() if divides else ast.Mult()
                shown = f"1/{text_of(factor)}" if divides else text_of(factor)
                return ast.BinOp(node, operator, factor), shown
    return None


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer))


def scaled(node: ast.expr, number: float) -> ast.expr:
    """An expression multiplied by a number."""
    if abs(number + 1) < 1e-9:
        if _is_negative(node):
            return node.operand
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            return ast.BinOp(node.right, ast.Sub(), node.left)
        return ast.UnaryOp(ast.USub(), node)
    if 0 < number < 1 and abs(1 / number - round(1 / number)) < 1e-9:
        return ast.BinOp(node, ast.Div(), ast.Constant(round(1 / number)))
    return times(node, ast.Constant(int(number) if number == int(number) else number))


def _scaled_in_place(line: Line, number: float, kind: str, what: str) -> Iterator[Edit]:
    """Edits that scale an array after the statement that writes into it."""
    for target in written_arrays(line):
        loaded = read_from(target)
        after = ast.Assign([target], scaled(loaded, number))
        text = f"{text_of(target)} {what}"
        yield line.whole(kind, text, [line.statement, after], 0.8)
