"""Edits of operands, layer numbers and indices."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from typing import Any, cast

import numpy as np

from autograd_lite.check.marking.assignments import targets_of, update_of
from autograd_lite.check.marking.edits.factors import OTHER_SIGN
from autograd_lite.check.marking.edits.line import Edit, Line, all_rows
from autograd_lite.check.marking.edits.trees import (
    in_index,
    is_called,
    is_equal,
    is_shape,
    name_called,
    numpy_call,
    operand_of,
    parsed,
    parsed_or_none,
    placed_at,
    plus,
    read_from,
    swapped,
    text_of,
    times,
    transposed,
)
from autograd_lite.check.marking.mutable import plain
from autograd_lite.check.marking.rewriting import WATCH
from autograd_lite.check.names import is_gradient_name
from autograd_lite.observe import entry_name


def operands(line: Line) -> Iterator[Edit]:
    """Edits that use another array of the same shape, or of the same name with another number."""
    for node, around in line.nodes:
        if not isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)):
            continue
        if in_index(node, around) or is_called(node, around):
            continue
        here = line.at(node)
        if not isinstance(here, (np.ndarray, np.floating, float)):
            continue
        mine = text_of(node)
        yield from _as_before(line, node)
        yield from _with_the_same_axes(line, node)
        yield from _other_attributes(line, node, here)
        yield from _as_written_elsewhere(line, node, np.shape(here))
        dumped = ast.dump(node)
        same = [n for n, a in line.nodes if ast.dump(n) == dumped and not in_index(n, a)]
        is_turned = bool(around) and isinstance(around[-1], ast.Attribute)
        for _, other, value in line.references:
            text = text_of(other)
            # The old value of the target is not known here, so its new one excludes nothing.
            if text == mine or (is_equal(value, here) and text not in line.targets):
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
                yield line.edit(kind, f"{mine} should be {text}.T", node, transposed(other), 0.6)
            if len(same) > 1 and same[0] is node:
                news = {id(n): placed_at(other, n) for n in same}
                operand = mine if isinstance(node, (ast.Name, ast.Attribute)) else None
                yield line.edit_all(kind, what, news, weight, operand)


def _with_the_same_axes(line: Line, node: ast.expr) -> Iterator[Edit]:
    """Edits that use another array with the axes that an index adds: `a[:, None]`."""
    if not isinstance(node, ast.Subscript) or not _adds_axes(node.slice):
        return
    mine, here = text_of(node.value), line.at(node.value)
    for text, other, value in line.alike(np.shape(here)):
        if text != mine and not is_equal(value, here):
            what = f"{mine} should be {text} in {text_of(node)}"
            yield line.edit("operand", what, node.value, other)


def _as_written_elsewhere(line: Line, node: ast.expr, shape: tuple[int, ...]) -> Iterator[Edit]:
    """Edits that apply a function to an operand, as is done elsewhere: `np.tanh(c)` for `c`."""
    mine = ast.dump(node)
    for phrase, value in line.phrases:
        if isinstance(phrase, ast.Call) and value.shape == shape:
            if [ast.dump(argument) for argument in phrase.args] == [mine]:
                text = f"{text_of(node)} should be {text_of(phrase)}"
                yield line.edit("operand", text, node, phrase, 0.95)


def _adds_axes(index: ast.expr) -> bool:
    """Whether an index takes all elements and adds axes of length 1."""
    parts = [ast.unparse(p) for p in (index.elts if isinstance(index, ast.Tuple) else [index])]
    axes = ("None", "np.newaxis", "numpy.newaxis")
    return any(p in axes for p in parts) and all(p in (":", "...", *axes) for p in parts)


def values_for_products(line: Line) -> Iterator[Edit]:
    """Edits that use a value of the forward pass for a product that it may have been made of: `h`
    for `X @ theta`.
    """
    for node, around in line.nodes:
        is_product = isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)
        is_product |= isinstance(node, ast.Call) and name_called(node) in ("dot", "matmul")
        if not around or not is_product or in_index(node, around):
            continue
        here = line.at(node)
        for text, other, value in line.alike(np.shape(here)) if np.ndim(here) else ():
            if line.is_of_forward(value) and not is_equal(value, here):
                what = f"{text_of(node)} should be {text}"
                yield line.edit("operand", what, node, other, 0.95)


def other_numbers(line: Line) -> Iterator[Edit]:
    """Edits that multiply or divide by another number: `/ n` for `/ n_samples`."""
    for node, around in line.nodes:
        operator = getattr(around[-1] if around else line.statement, "op", None)
        if not isinstance(operator, (ast.Mult, ast.Div)) or in_index(node, around):
            continue
        here = line.at(node)
        is_number = isinstance(here, (int, float, np.integer, np.floating))
        if not is_number or isinstance(here, bool) or isinstance(node, ast.Constant):
            continue
        for other, value in (*line.numbers, *line.counts):
            if value != here:
                text = f"{text_of(node)} should be {text_of(other)}"
                yield line.edit("factor", text, node, other, 0.96)


def exchanged(line: Line) -> Iterator[Edit]:
    """Edits that exchange two arrays which are joined, as the gradients of gates are."""
    for node, around in line.nodes:
        is_joined = bool(around) and isinstance(around[-1], ast.Call)
        if not isinstance(node, (ast.Tuple, ast.List)) or not is_joined:
            continue
        shapes = [line.shape(element) for element in node.elts]
        for i, j in itertools.combinations(range(min(len(shapes), JOINED_LIMIT)), 2):
            first, second = shapes[i], shapes[j]
            if first is None or second is None:
                continue
            # Flat parts of one vector have any length.
            if first != second and not len(first) == len(second) == 1:
                continue
            order = [*node.elts]
            order[i], order[j] = order[j], order[i]
            one, other = text_of(node.elts[i]), text_of(node.elts[j])
            new = type(node)(order, node.ctx)
            yield line.edit("operand", f"{one} and {other} are exchanged", node, new, 0.95)


def exchanged_operands(line: Line) -> Iterator[Edit]:
    """Edits that exchange two arrays in a line: `a @ V.T + b @ W.T` for `a @ W.T + b @ V.T`."""
    arrays: dict[str, list[ast.expr]] = {}
    for node, around in line.nodes:
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) and line.ndim(node):
            is_inner = bool(around) and isinstance(around[-1], ast.Subscript)
            if not (in_index(node, around) or is_called(node, around) or is_inner):
                arrays.setdefault(text_of(node), []).append(node)
    found = list(itertools.islice(arrays.items(), JOINED_LIMIT))
    for (one, ones), (other, others) in itertools.combinations(found, 2):
        if sorted(line.shape(ones[0]) or ()) == sorted(line.shape(others[0]) or ()):
            news = {id(n): placed_at(others[0], n) for n in ones}
            news |= {id(n): placed_at(ones[0], n) for n in others}
            # That weights are exchanged is likelier than that gradients are.
            weight = 0.9 if any(map(is_gradient_name, (one, other))) else 0.92
            yield line.edit_all("operand", f"{one} and {other} are exchanged", news, weight)


def flipped(line: Line) -> Iterator[Edit]:
    """Edits that flip the last two axes of an array, as of the kernel of a convolution."""
    for node, around in line.nodes:
        array = node.value if isinstance(node, ast.Subscript) else node
        whole = line.ndim(array)
        if whole not in (2, 3, 4) or not isinstance(array, (ast.Name, ast.Attribute)):
            continue
        if in_index(node, around) or is_called(node, around) or line.ndim(node) != whole:
            continue
        if array is node and around and isinstance(around[-1], ast.Subscript):
            continue
        index = ", ".join([":"] * (whole - 2) + ["::-1"] * 2)
        new = parsed(f"{ast.unparse(array)}[{index}]")
        text = f"{text_of(node)} should be {text_of(new)}"
        yield line.edit("index", text, node, new, 0.8)


def renamed(line: Line) -> Iterator[Edit]:
    """Edits that change one word in several names: `dnet_1 + dnet_2` for `dout_1 + dout_2`."""
    names = [
        (node, node.id.split("_"))
        for node, around in line.nodes
        if isinstance(node, ast.Name) and not (in_index(node, around) or is_called(node, around))
    ]
    known = [name.split("_") for name in line.scope]
    changes = dict.fromkeys(
        (own, other, place)
        for _, words in names
        for others in known
        if len(words) == len(others) > 1
        for place, (own, other) in enumerate(zip(words, others, strict=True))
        if own != other
        and words[:place] == others[:place]
        and words[place + 1 :] == others[place + 1 :]
    )
    for old, new, place in changes:
        news: dict[int, ast.expr] = {}
        for node, words in names:
            changed = "_".join([*words[:place], new, *words[place + 1 :]])
            if words[place : place + 1] == [old] and changed in line.scope:
                news[id(node)] = placed_at(ast.Name(changed, ast.Load()), node)
        if len(news) > 1:
            text = f"{old} should be {new} in the names of {len(news)} values"
            yield line.edit_all("operand", text, news, 0.9)


def too_early(line: Line) -> Iterator[Edit]:
    """Edits that use the value of a parameter before an update above the line."""
    statements = [n for n in ast.walk(line.place.definition.tree) if isinstance(n, ast.stmt)]
    updates = {
        ast.unparse(target): statement.lineno
        for statement in statements
        if update_of(statement) is not None and statement.lineno < line.statement.lineno
        for target in targets_of(statement)
    }
    for node, around in line.nodes:
        text = (
            ast.unparse(node) if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) else ""
        )
        before = line.values.get(_name_of(line, node)) if text in updates else None
        here = line.at(node)
        if before is None or in_index(node, around) or np.shape(before) != np.shape(here):
            continue
        if not is_equal(before, here):
            old = parsed(f"{WATCH}.named({_name_of(line, node)!r}, True)")
            what = f"{text_of(node)} is updated in line {updates[text]}, before this line reads it"
            yield line.edit("operand", f"{what}: the update should come after", node, old)


def _name_of(line: Line, node: ast.expr) -> str:
    """The name that a value has in the forward pass: `W1` for `self.W1`, `net["W1"]` or `W[1]`."""
    if isinstance(node, ast.Subscript):
        key = line.at(node.slice)
        return entry_name(_name_of(line, node.value), key) if isinstance(key, (str, int)) else ""
    return getattr(node, "attr", getattr(node, "id", ""))


def of_the_forward_pass(line: Line) -> Iterator[Edit]:
    """Edits that use a value of the forward pass for one computed of others: `a` for `pad(z)`."""
    for node, around in line.nodes:
        if not isinstance(node, ast.Call) or not line.ndim(node) or in_index(node, around):
            continue
        read = [
            n for a in node.args for n in ast.walk(a) if isinstance(n, (ast.Name, ast.Attribute))
        ]
        arrays = [v for n in read if isinstance(v := line.at(n), np.ndarray)]
        if arrays and all(line.is_of_forward(v) for v in arrays):
            here = line.at(node)
            for text, other, value in line.alike(np.shape(here)):
                if line.is_of_forward(value) and not is_equal(value, here):
                    what = f"{text_of(node)} should be {text}"
                    yield line.edit("operand", what, node, other, 0.85)


def reduced(line: Line) -> Iterator[Edit]:
    """Edits that reduce another array: `residual.sum(axis=0)` for `features.sum(axis=0)`."""
    for node, around in line.nodes:
        operand = operand_of(node) if isinstance(node, ast.Call) else None
        if operand is None or name_called(cast(ast.Call, node)) not in _REDUCING:
            continue
        if not line.ndim(operand) or in_index(node, around):
            continue
        here, shape = line.at(operand), np.shape(line.at(node))
        for called, other, value in line.references:
            if not np.ndim(value) or is_equal(value, here) or called in line.targets:
                continue
            new = swapped(node, {id(operand): placed_at(other, operand)})
            if np.shape(line.computed(new)) == shape:
                what = f"{text_of(operand)} should be {called} in {text_of(node)}"
                yield line.edit("operand", what, operand, other, 0.9)


_REDUCING = ("max", "min", "sum", "mean", "amax", "amin", "prod", "std", "var")


def limits(line: Line) -> Iterator[Edit]:
    """Edits that clip an array between the opposites of a number, as the slope of Huber's loss."""
    for node, around in line.nodes:
        is_array = isinstance(node, (ast.Name, ast.Attribute, ast.BinOp)) and line.ndim(node)
        if not is_array or in_index(node, around) or is_called(node, around):
            continue
        clipped = around[-1] if around and isinstance(around[-1], ast.Call) else None
        if clipped is not None and name_called(clipped) == "clip":
            continue
        for limit, number in line.numbers:
            if number > 0:
                new = _clipped(node, limit)
                text = f"{text_of(node)} should be {text_of(new)}"
                yield line.edit("mask", text, node, new, 0.8)
    for node, _ in line.nodes:
        operand = operand_of(node) if isinstance(node, ast.Call) else None
        if operand is not None and name_called(cast(ast.Call, node)) == "clip":
            for limit, number in line.numbers:
                if number > 0:
                    new = _clipped(operand, limit)
                    text = f"{text_of(node)} should be {text_of(new)}"
                    yield line.edit("mask", text, node, new, 0.9)


def _clipped(node: ast.expr, limit: ast.expr) -> ast.expr:
    call = cast(ast.Call, numpy_call("clip", node))
    return ast.Call(call.func, [node, ast.UnaryOp(ast.USub(), limit), limit], [])


JOINED_LIMIT = 6
"""Up to this many arrays of a line are tried in another order."""


def _other_attributes(line: Line, node: ast.expr, here: Any) -> Iterator[Edit]:
    """Edits that read another attribute of the same object: layer.db for layer.b."""
    if not isinstance(node, ast.Attribute):
        return
    targets = targets_of(line.statement)
    # A number may stand where an array of the line's shape should.
    shapes = (np.shape(here), line.shape(read_from(targets[0])) if targets else None)
    for name, value in getattr(line.at(node.value), "__dict__", {}).items():
        other = ast.Attribute(node.value, name, node.ctx)
        array = plain(value)
        if name != node.attr and isinstance(array, np.ndarray) and array.shape in shapes:
            text = f"{text_of(node)} should be {text_of(other)}"
            yield line.edit("operand", text, node, other, 0.95)


def _as_before(line: Line, node: ast.expr) -> Iterator[Edit]:
    """Edits that read a part of an array as it was before the array was overwritten."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Name):
        return
    before = line.values.get(node.value.id)
    if isinstance(before, np.ndarray) and not is_equal(before, line.at(node.value)):
        older = ast.Subscript(
            parsed(f"{WATCH}.named({node.value.id!r}, True)"), node.slice, node.ctx
        )
        text = f"{text_of(node)} should be {text_of(older)}"
        yield line.edit("operand", text, node, older, 1.05)


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
    return "activation" if related and not matrix and line.ndim(node) else "operand"


def _short(text: str) -> str:
    return text.split(".")[-1].replace("['", "").replace("']", "") if text else text


def layers(line: Line) -> Iterator[Edit]:
    """Edits that shift the layer number of every operand by one: W2, A1 for W3, A2."""
    texts = {text: node for text, node, _ in line.references}
    for step in (1, -1):
        news: dict[int, ast.expr] = {}
        for node, around in line.nodes:
            if isinstance(node, (ast.Name, ast.Attribute)) and not is_called(node, around):
                match = re.fullmatch(r"(.*?\D)(\d+)", ast.unparse(node))
                other = match and f"{match[1]}{int(match[2]) + step}"
                if other in texts:
                    news[id(node)] = placed_at(texts[other], node)
        if len(news) > 1:
            direction = "low" if step > 0 else "high"
            text = f"the layer number is one too {direction}"
            yield line.edit_all("index", text, news)
        entries = {
            id(node): placed_at(ast.Subscript(node.value, shifted, ast.Load()), node)
            for node, around in line.nodes
            if isinstance(node, ast.Subscript) and not in_index(node, around)
            if (shifted := _shifted_key(line, node.slice, step)) is not None
        }
        if len(entries) > 1:
            direction = "low" if step > 0 else "high"
            text = f"the layer number is one too {direction}"
            yield line.edit_all("index", text, entries)


def _shifted_key(line: Line, key: ast.expr, step: int) -> ast.expr | None:
    """A key shifted by `step`, so that `l + 1` becomes `l`; None where it holds no integer
    variable.
    """
    for node in ast.walk(key):
        if isinstance(node, ast.BinOp) and type(node.op) in OTHER_SIGN:
            if isinstance(node.right, ast.Constant) and type(node.right.value) is int:
                sign = 1 if isinstance(node.op, ast.Add) else -1
                return cast(
                    ast.expr,
                    swapped(key, {id(node): plus(node.left, sign * node.right.value + step)}),
                )
    for node in ast.walk(key):
        if isinstance(node, ast.Name) and isinstance(line.at(node), (int, np.integer)):
            return cast(ast.expr, swapped(key, {id(node): plus(node, step)}))
    return None


def indices(line: Line) -> Iterator[Edit]:
    """Edits that shift an index by one, take another counter, swap two indices or move a slice."""
    for node, around in line.nodes:
        if not in_index(node, around) and not _is_index_root(line, node):
            continue
        if isinstance(node, ast.BinOp) and type(node.op) in OTHER_SIGN:
            other = ast.BinOp(node.left, OTHER_SIGN[type(node.op)](), node.right)
            counters = _counters(line, node.left) if isinstance(node.right, ast.Constant) else []
            counted = (ast.BinOp(one, *rest) for one in counters for rest in _offsets(node))
            for right in (node.left, other, *counted):
                text = f"the index {text_of(node)} should be {text_of(right)}"
                yield line.edit("index", text, node, right)
        if isinstance(node, ast.Constant) and type(node.value) is int and not _in_shape(around):
            for step in (1, -1):
                right = ast.Constant(node.value + step)
                text = f"the index {node.value} should be {node.value + step}"
                yield line.edit("index", text, node, right)
            parent = around[-1] if around else None
            for counter in _counters(line):
                text = f"the index {node.value} should be {counter.id}"
                if isinstance(parent, ast.Subscript) and parent.slice is node:
                    item = ast.Subscript(parent.value, counter, ast.Load())
                    text = f"{text_of(parent)} should be {text_of(item)}"
                yield line.edit("index", text, node, counter, 0.9)
        if isinstance(node, ast.Name) and isinstance(line.at(node), (int, np.integer)):
            for operator in (ast.Add(), ast.Sub()):
                right_: ast.expr = ast.BinOp(node, operator, ast.Constant(1))
                text = f"the index {text_of(node)} should be {text_of(right_)}"
                yield line.edit("index", text, node, right_)
            for name, value in line.scope.items():
                is_index = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
                if is_index and name != node.id and not name.startswith("_"):
                    text = f"the index {node.id} should be {name}"
                    yield line.edit("index", text, node, ast.Name(name, ast.Load()), 0.9)
        for i in range(len(node.elts) - 1 if isinstance(node, ast.Tuple) else 0):
            one, other, *rest = node.elts[i:]  # type: ignore[attr-defined]
            right_ = ast.Tuple([*node.elts[:i], other, one, *rest], node.ctx)  # type: ignore[attr-defined]
            text = f"the index {text_of(node)} should be {text_of(right_)}"
            yield line.edit("index", text, node, right_, 0.8)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for other_ in (*_neighbours(node.value), *_beginnings(line, node, around)):
                text = f"the key {node.value!r} should be {other_!r}"
                yield line.edit("index", text, node, ast.Constant(other_), 0.9)
    yield from _rows_of_labels(line)
    yield from _other_labels(line)
    yield from _slices(line)


def _rows_of_labels(line: Line) -> Iterator[Edit]:
    """Edits that take one entry of each row: `d[np.arange(n), y]` for `d[:, y]`."""
    targets = [t for t in targets_of(line.statement) if isinstance(t, ast.Subscript)]
    for node, _ in [*line.nodes, *((target, ()) for target in targets)]:
        if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Tuple):
            continue
        parts, shape = node.slice.elts, line.shape(read_from(node.value)) or ()
        labels = [line.at(p) for p in parts if not isinstance(p, ast.Slice)]
        if len(parts) != len(shape) or len(labels) != 1 or np.ndim(labels[0]) != 1:
            continue
        for axis, part in enumerate(parts):
            if isinstance(part, ast.Slice) and ast.unparse(part) == ":":
                if shape[axis] == len(labels[0]):
                    rows = parsed(all_rows(line, shape[axis], ""))
                    new = ast.Subscript(
                        node.value,
                        ast.Tuple([*parts[:axis], rows, *parts[axis + 1 :]], ast.Load()),
                        node.ctx,
                    )
                    text = f"{text_of(node)} should be {text_of(new)}"
                    yield line.edit("index", text, node, new)


def _other_labels(line: Line) -> Iterator[Edit]:
    """Edits that index with other labels: `d[targets[t]]` for `d[inputs[t]]`."""
    trees = (line.place.definition.tree, *line.elsewhere)
    written = (n for tree in trees for n in ast.walk(tree))
    named = (n for n in written if isinstance(n, (ast.Name, ast.Attribute, ast.Subscript)))
    texts = dict.fromkeys([*map(ast.unparse, named), *line.scope])
    nodes = (parsed_or_none(text) for text in texts)
    labels = [(cast(ast.expr, n), v) for n in nodes if _is_label(n, v := line.at(n))]
    targets = [t.slice for t in targets_of(line.statement) if isinstance(t, ast.Subscript)]
    roots = {id(n) for slice_ in targets for n in ast.walk(slice_)}
    here: Any
    for node, around in line.nodes:
        kinds = (ast.Name, ast.Attribute, ast.Subscript, ast.Call)
        here = line.at(node) if isinstance(node, kinds) else None
        if not (in_index(node, around) or id(node) in roots) or not _is_label(node, here):
            continue
        for other, value in labels:
            if np.shape(value) == np.shape(here) and not is_equal(value, here):
                text = f"the index {text_of(node)} should be {text_of(other)}"
                yield line.edit("index", text, node, other, 0.85)


def strides(line: Line) -> Iterator[Edit]:
    """Edits that multiply the counters of loops in an index: `x[2 * i + k]` for `x[i + k]`."""
    loops = [n for n in ast.walk(line.place.definition.tree) if isinstance(n, ast.For)]
    counters = {n.id for loop in loops for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
    numbers = [n for n, v in line.scope.items() if type(v) is int and v > 1 and n not in counters]
    factors = [parsed(text) for text in [*numbers[:STRIDES_LIMIT], "2", "3"]]
    written = [n for tree in (line.place.definition.tree, *line.elsewhere) for n in ast.walk(tree)]
    products = [n for n in written if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Mult)]
    usual = {ast.unparse(side) for n in products for side in (n.left, n.right)}
    scaled = {id(n) for n in products}
    for index in _indices_of(line):
        if any(id(n) in scaled for n in ast.walk(index)):
            continue
        found: dict[str, list[ast.expr]] = {}
        for node in ast.walk(index):
            if isinstance(node, ast.Name) and node.id in counters:
                found.setdefault(node.id, []).append(node)
        several = [c for k in (2, 1) for c in itertools.combinations(list(found)[:5], k)]
        for names, factor in itertools.product(several, factors):
            news = {id(n): placed_at(times(n, factor), n) for name in names for n in found[name]}
            text = f"{' and '.join(names)} should be multiplied by {text_of(factor)}"
            weight = 0.8 if ast.unparse(factor) in usual else 0.7
            yield line.edit_all("index", text, news, weight)


def _indices_of(line: Line) -> list[ast.expr]:
    """The indices in a line, and its value where that is an index, or several of them."""
    nodes = [*targets_of(line.statement), *(node for node, _ in line.nodes)]
    found = [n.slice for n in nodes if isinstance(n, ast.Subscript)]
    value = getattr(line.statement, "value", None)
    parts = value.elts if isinstance(value, ast.Tuple) else [value]
    if all(p is not None and type(line.at(p)) is int for p in parts):
        found.append(cast(ast.expr, value))
    return found


STRIDES_LIMIT = 5
"""So many variables are tried as the step of a window."""


def _is_label(node: ast.AST, value: Any) -> bool:
    """Whether an expression is an array or a list of whole numbers, or an element of one."""
    if isinstance(value, list):
        return bool(value) and all(type(item) is int for item in value)
    if isinstance(node, ast.Subscript) and type(value) is int:
        return True
    return isinstance(value, (np.ndarray, np.integer)) and value.dtype.kind in "iu"


def _in_shape(around: tuple[ast.AST, ...]) -> bool:
    return bool(around) and isinstance(around[-1], ast.Subscript) and is_shape(around[-1].value)


def _counters(line: Line, other_than: ast.expr | None = None) -> list[ast.Name]:
    """The variables that the loops of the function count with, which are whole numbers here."""
    loops = (n for n in ast.walk(line.place.definition.tree) if isinstance(n, ast.For))
    names = dict.fromkeys(
        n.id for f in loops for n in ast.walk(f.target) if isinstance(n, ast.Name)
    )
    given = getattr(other_than, "id", None)
    return [
        ast.Name(name, ast.Load())
        for name in names
        if name != given and isinstance(line.scope.get(name), (int, np.integer))
    ]


def _offsets(node: ast.BinOp) -> list[tuple[ast.operator, ast.expr]]:
    """What is added to an index, as it is and with the other sign."""
    return [(node.op, node.right), (OTHER_SIGN[type(node.op)](), node.right)]


def _is_index_root(line: Line, node: ast.expr) -> bool:
    slices = [t.slice for t in targets_of(line.statement) if isinstance(t, ast.Subscript)]
    return any(node is n for s in slices for n in ast.walk(s))


def _neighbours(key: str) -> list[str]:
    match = re.fullmatch(r"(.*?)(\d+)", key)
    if not match:
        return []
    return [f"{match[1]}{int(match[2]) + step}" for step in (1, -1)]


def _beginnings(line: Line, node: ast.Constant, around: tuple[ast.AST, ...]) -> list[str]:
    """The other beginnings of a dict's keys, where a key is put together: A in `"Z" + str(l)`."""
    containers = [n.value for n in around if isinstance(n, ast.Subscript)]
    container = line.at(containers[-1]) if containers else None
    parent: Any = around[-1] if around else None
    first = getattr(parent, "left", None) or next(iter(getattr(parent, "values", ())), None)
    if not isinstance(container, dict) or first is not node:
        return []
    stems = (key.rstrip("0123456789") for key in container if isinstance(key, str))
    return [stem for stem in dict.fromkeys(stems) if stem != node.value][:BEGINNINGS_LIMIT]


BEGINNINGS_LIMIT = 8
"""Up to this many other beginnings of keys are tried."""


def _slices(line: Line) -> Iterator[Edit]:
    """Edits that use another slice written in a function that runs: dz[:H] for dz[H:2*H].

    `d[1:]` and `d[:-1]` are tried for one another anyway.
    """
    trees = (line.place.definition.tree, *line.elsewhere)
    used = [
        n
        for n in (n for tree in trees for n in ast.walk(tree))
        if isinstance(n, ast.Subscript) and any(isinstance(c, ast.Slice) for c in ast.walk(n.slice))
    ]
    targets = [t for t in targets_of(line.statement) if isinstance(t, ast.Subscript)]
    for node, around in [*line.nodes, *((target, ()) for target in targets)]:
        if not isinstance(node, ast.Subscript) or is_called(node, around):
            continue
        if not any(isinstance(c, ast.Slice) for c in ast.walk(node.slice)):
            continue
        seen = {ast.dump(node.slice)}
        others = [*_from_the_other_end(node.slice), *_from_the_middle(line, node)]
        for other in [*others, *(n.slice for n in used)]:
            if ast.dump(other) in seen:
                continue
            seen.add(ast.dump(other))
            new = ast.Subscript(node.value, other, node.ctx)
            if line.shape(read_from(new)) is not None:
                text = f"{text_of(node)} should be {text_of(new)}"
                yield line.edit("index", text, node, new)


def _from_the_middle(line: Line, node: ast.Subscript) -> Iterator[ast.expr]:
    """The index with all slices that leave 2 * pad elements out cut by `pad` at both ends."""
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    whole, cut = line.shape(read_from(node.value)), line.shape(read_from(node))
    if whole is None or cut is None or not len(whole) == len(cut) >= len(parts):
        return
    for name, value in line.scope.items():
        if type(value) is not int or value < 1:
            continue
        inner = [w - c == 2 * value for w, c in zip(whole, cut, strict=True)]
        if any(inner):
            pad = ast.Name(name, ast.Load())
            pairs = zip(inner, parts, strict=False)
            new = [_middle(line, p, pad) if is_in else p for is_in, p in pairs]
            yield ast.Tuple(new, ast.Load()) if isinstance(node.slice, ast.Tuple) else new[0]


def _middle(line: Line, part: ast.expr, pad: ast.Name) -> ast.Slice:
    """A slice without `pad` elements at either end: `pad:n + pad` for `:n`, or `pad:-pad`."""
    upper = part.upper if isinstance(part, ast.Slice) and part.lower is None else None
    end = None if upper is None else line.at(upper)
    if upper is None or not isinstance(end, (int, np.integer)) or end < 0:
        return ast.Slice(pad, ast.UnaryOp(ast.USub(), pad))
    return ast.Slice(pad, ast.BinOp(upper, ast.Add(), pad))


def _from_the_other_end(index: ast.expr) -> Iterator[ast.expr]:
    """The index with one of its slices cut at another place that its bound tells: `[:n]` for
    `[-n:]`, `[n:]` or `[:-n]`.
    """
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    for place, part in enumerate(parts):
        if not isinstance(part, ast.Slice) or part.step is not None:
            continue
        bound = part.lower or part.upper
        if bound is None or (part.lower is not None and part.upper is not None):
            continue
        is_negative = isinstance(bound, ast.UnaryOp) and isinstance(bound.op, ast.USub)
        length = cast(ast.UnaryOp, bound).operand if is_negative else bound
        back = ast.UnaryOp(ast.USub(), length)
        first, last = ast.Slice(None, length), ast.Slice(back, None)
        for cut in (ast.Slice(None, back), ast.Slice(length, None), first, last):
            others = [*parts[:place], cut, *parts[place + 1 :]]
            yield ast.Tuple(others, ast.Load()) if isinstance(index, ast.Tuple) else cut
