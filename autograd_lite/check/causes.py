"""Why a hand-derived gradient is wrong: the change to the person's own line that makes it right.

A cause is claimed only if making the change gives what the chain rule expects. The changes are
made to the value (a factor, a transpose, a sum left out) and to the syntax tree of the line (an
operand, a mask, a product, a term), which is then computed again.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autograd_lite.check.marking import Comparing
from autograd_lite.check.watch import Assigned, Run, Scope, evaluate, flat, target_name

Values = Mapping[str, Any]
Change = tuple[str, str, ast.expr]

LARGE = 100_000
"""From how many elements of a gradient on a second cause is not looked for."""


@dataclass
class Suspect:
    """A wrong gradient and all that is known of it.

    `expected` is what it should be, `others` what the other gradients should be; `incoming` gives
    the gradients at the results, `parts` what each path of the chain rule contributes.
    `masks` are the tensors that a ReLU gave, `broadcast` says whether the tensor was stretched,
    `activations` which tensors each one is an element-wise function of. `values` are the named
    arrays, `sizes` what the lengths of the data are called, `expressions` the line, as it stands
    and with what it builds on written out, to be computed in `scope`.
    """

    name: str
    tensor: str
    given: np.ndarray
    expected: np.ndarray
    others: Mapping[str, np.ndarray]
    incoming: Callable[[], Mapping[str, np.ndarray]]
    masks: frozenset[str]
    broadcast: bool
    parts: Callable[[], Mapping[str, np.ndarray]]
    activations: Mapping[str, frozenset[str]]
    values: Values
    sizes: Mapping[int, str]
    assigned: Assigned | None
    expressions: list[ast.expr]
    scope: Scope
    run: Run
    extra: Scope = field(default_factory=dict)

    def bound(self, value: Any) -> ast.expr:
        """A name for a value, to put into the line."""
        name = f"_value_{id(value)}"
        self.extra[name] = value
        return ast.Name(name, ast.Load())

    def compute(self, expression: ast.expr) -> Any:
        """The value of an expression where the line stands; None where it raises."""
        value = evaluate(expression, self.scope | self.extra, self.run)
        return getattr(value, "_value", value)


@dataclass(frozen=True)
class Cause:
    """A change that makes the line right, and what it says about the mistake."""

    kind: str
    text: str


ORDER = (
    *("sign", "factor", "shape", "transpose", "unsummed", "accumulate", "mask", "activation"),
    *("elementwise", "index", "operand", "term"),
)


def find_causes(suspect: Suspect, comparing: Comparing) -> list[Cause]:
    """The causes that fit, the likeliest first; none where nothing makes the line right."""
    found: dict[str, Cause] = {}
    stages: list[tuple[Search, ...]] = [(_by_value, _by_neighbour, _by_line)]
    if suspect.expected.size > LARGE:
        # Computing a line of large arrays again and again takes long: only where it must be.
        stages = [(_by_value, _by_neighbour), (_by_line,)]
    for searches in (*stages, (_by_slope, _by_path), (_by_term,)):
        for search in searches:
            causes: dict[str, Cause] = {}
            for cause in search(suspect, comparing):
                causes.setdefault(cause.kind, cause)
            # Of a mask or an index the line says more; of a factor the value does.
            found = found | causes | {k: c for k, c in found.items() if k in ("factor", "sign")}
        if found:
            break
    return sorted(found.values(), key=lambda cause: ORDER.index(cause.kind))


Search = Callable[[Suspect, Comparing], Iterator[Cause]]


def _by_value(s: Suspect, comparing: Comparing) -> Iterator[Cause]:
    """Changes that need nothing but the value: a factor, a sign, a transpose, a sum."""
    number = comparing.factor(s.given, s.expected)
    if number is not None and (s.given.size > 1 or _is_plain(s, number)):
        yield _factor(s, number)
    if s.given.shape != s.expected.shape and s.given.size == s.expected.size:
        if comparing.same(s.given.reshape(s.expected.shape), s.expected):
            yield Cause("shape", "its values are right: is keepdims=True missing in a sum?")
    if s.given.ndim == 2 and comparing.same(s.given.T, s.expected):
        yield Cause("transpose", f"{s.name} is the transpose of what it should be")
    if s.given.ndim >= s.expected.ndim and s.given.shape != s.expected.shape:
        summed = _summed(s.given, s.expected.shape)
        if summed is not None:
            axes, total = summed
            ratio = comparing.factor(total, s.expected)
            if ratio is not None:
                more = "" if abs(ratio - 1) < 1e-6 else f", and is {_number(s, ratio)} times it"
                if s.broadcast:
                    text = (
                        f"{s.tensor} was broadcast, so {s.name} must be summed over axis {axes} "
                        f"(keepdims=True){more}"
                    )
                    yield Cause("unsummed", text)
                else:
                    text = f"a matrix product sums over axis {axes} of an element-wise one{more}"
                    yield Cause("elementwise", text)
    yield from _overwritten(s, comparing)


def _factor(s: Suspect, number: float) -> Cause:
    if abs(number + 1) < 1e-6:
        return Cause("sign", f"{s.name} has the wrong sign")
    return Cause("factor", f"{s.name} is {_number(s, number)} times what it should be")


def _is_plain(s: Suspect, number: float) -> bool:
    """Whether a factor is one that people write. Of a single element, anything is a multiple."""
    plain = {1.0, 2.0, 3.0, 4.0, *s.sizes}
    return any(abs(abs(number) / n - 1) < 1e-6 for p in plain if p for n in (p, 1 / p))


def _number(s: Suspect, number: float) -> str:
    """A factor, by what it is called where it is a size of the data."""
    sign, size = ("-" if number < 0 else ""), abs(number)
    for whole, what in s.sizes.items():
        if whole > 1 and abs(size / whole - 1) < 1e-6:
            return f"{sign}{whole} ({what})"
        if whole > 1 and abs(size * whole - 1) < 1e-6:
            return f"{sign}1/{whole} (one over {what})"
    return f"{number:.6g}"


def _summed(given: np.ndarray, shape: tuple[int, ...]) -> tuple[Any, np.ndarray] | None:
    extra = given.ndim - len(shape)
    axes = [i for i in range(given.ndim) if i < extra or shape[i - extra] != given.shape[i]]
    if any(shape[i - extra] != 1 for i in axes if i >= extra):
        return None
    total = np.sum(given, axis=tuple(axes), keepdims=True).reshape(shape)
    return (axes[0] if len(axes) == 1 else tuple(axes)), total


def _overwritten(s: Suspect, comparing: Comparing) -> Iterator[Cause]:
    """Two statements gave it a value, the second without the first's."""
    values = [] if s.assigned is None else s.assigned.values
    statements = [] if s.assigned is None else [st for st, _ in s.assigned.statements]
    if len(values) < 2 or any(isinstance(st, ast.AugAssign) for st in statements[1:]):
        return
    for count in range(2, len(values) + 1):
        terms = [np.asarray(v) for v in values[-count:]]
        if all(t.shape == s.expected.shape for t in terms):
            total = terms[0] + sum(terms[1:])
            if comparing.same(total, s.expected):
                yield Cause(
                    "accumulate",
                    f"{s.name} is overwritten where the gradients of several uses of {s.tensor} "
                    "add up: write += in the later line",
                )
                return


def _by_neighbour(s: Suspect, comparing: Comparing) -> Iterator[Cause]:
    """It is the right gradient of another tensor."""
    for other, value in s.others.items():
        if other != s.name and _alike(other, s.name) and comparing.same(s.given, value):
            if np.any(value) and not comparing.same(value, s.expected):
                paths = list(_by_path(s, comparing))
                index = Cause("index", f"{s.name} is what {other} should be: is an index off?")
                yield from paths or [index]
                return
    for name, value in s.incoming().items():
        if name != s.tensor and comparing.same(s.given, value) and np.any(value):
            relu = name in s.masks
            if relu:
                text = f"the mask of the ReLU is missing: {s.name} equals d{name}"
            else:
                text = f"the derivative of the activation is missing: {s.name} equals d{name}"
            if s.tensor in s.activations.get(name, ()):
                yield Cause("mask" if relu else "activation", text)
                return


def _alike(name: str, other: str) -> bool:
    """Whether two names differ in their number only."""
    return re.sub(r"\d+", "", name) == re.sub(r"\d+", "", other)


def _by_path(s: Suspect, comparing: Comparing) -> Iterator[Cause]:
    """A path of the chain rule was left out, or counted twice."""
    parts = {name: part for name, part in s.parts().items() if np.any(part)}
    if len(parts) < 2 or s.given.shape != s.expected.shape:
        return
    for name, part in parts.items():
        if comparing.same(s.given + part, s.expected):
            yield Cause("term", f"the term that comes from {name} is missing in {s.name}")
            return
        number = comparing.factor(s.given - (s.expected - part), part)
        if number is not None and (part.size > 1 or _is_plain(s, number)):
            what = _number(s, number)
            kind = "sign" if abs(number + 1) < 1e-6 else "factor"
            yield Cause(kind, f"the term of {s.name} that comes from {name} is {what} times itself")
            return


def _by_line(s: Suspect, comparing: Comparing) -> Iterator[Cause]:
    """Changes to the line itself, as it stands and with what it builds on written out."""
    for expression in s.expressions:
        found = list(_fitting(s, _changes(s, expression), comparing))
        if not found:
            found = list(_scaled_terms(s, expression, comparing))
        if found:
            yield from found
            return


def _fitting(s: Suspect, changes: Iterator[Change], comparing: Comparing) -> Iterator[Cause]:
    for kind, text, changed in changes:
        value = s.compute(changed)
        if value is not None and comparing.same(value, s.expected):
            yield Cause(kind, f"in the line of {s.name}, {text}")


def _by_slope(s: Suspect, comparing: Comparing) -> Iterator[Cause]:
    """It is the gradient after the activation times the derivative of another one, or of it at
    another place."""
    for after, incoming in s.incoming().items():
        if s.tensor not in s.activations.get(after, ()) or incoming.shape != s.given.shape:
            continue
        for name, value in _candidates(s):
            if np.shape(value) != s.given.shape:
                continue
            slopes = {f"{name} * (1 - {name})": value * (1 - value), f"1 - {name}**2": 1 - value**2}
            slopes[f"{name} > 0"] = value > 0
            for text, slope in slopes.items():
                if np.ptp(slope * 1.0) and comparing.same(s.given, incoming * slope):
                    what = f"{text} is not the derivative of {after} with respect to {s.tensor}"
                    yield Cause("activation", f"in the line of {s.name}, {what}")
                    return


def _by_term(s: Suspect, comparing: Comparing) -> Iterator[Cause]:
    """A term is missing: a multiple of a named tensor, or one somewhere inside the line."""
    if s.given.shape != s.expected.shape:
        return
    missing = s.expected - s.given
    for name, value in _candidates(s):
        number = comparing.factor(missing, np.asarray(value))
        if number is not None and (missing.size > 1 or _is_plain(s, number)):
            yield Cause("term", f"the term {_number(s, number)} * {name} is missing in {s.name}")
            return
    for expression in s.expressions:
        found = next(_fitting(s, _longer(s, expression), comparing), None)
        if found is not None:
            yield found
            return


def _longer(s: Suspect, expression: ast.expr) -> Iterator[Change]:
    """The line with a term more in some place."""
    terms = [(n, s.bound(v)) for n, v in _candidates(s) if np.shape(v) == s.given.shape]
    terms.append(("1", ast.Constant(1)))
    for node, parents in _walk(expression):
        if any(isinstance(p, ast.Subscript) for p in parents) or not _is_operand(node, parents):
            continue
        for name, value in terms:
            for operator, sign in ((ast.Sub(), "-"), (ast.Add(), "+")):
                longer = ast.BinOp(node, operator, value)
                text = f"{_text(node)} should be {_text(node)} {sign} {name}"
                yield "term", text, _swap(expression, node, longer)


def _is_operand(node: ast.expr, parents: tuple[ast.AST, ...]) -> bool:
    """Whether it is a value in an arithmetic expression."""
    parent = parents[-1] if parents else None
    if isinstance(parent, (ast.Attribute, ast.keyword)):
        return False
    return not (isinstance(parent, ast.Call) and parent.func is node)


def _changes(s: Suspect, expression: ast.expr) -> Iterator[Change]:
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
                f"-{_text(node.operand)} has the wrong sign",
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
    if id(tree) in news:
        return news[id(tree)]
    if isinstance(tree, list):
        return [_swap_all(item, news) for item in tree]
    if not isinstance(tree, ast.AST):
        return tree
    changed = copy.copy(tree)
    for name, value in ast.iter_fields(tree):
        setattr(changed, name, _swap_all(value, news))
    return changed


def _text(node: ast.AST) -> str:
    return ast.unparse(node)


def _whole_changes(s: Suspect, expression: ast.expr) -> Iterator[Change]:
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


def _mask_changes(s: Suspect, expression: ast.expr, node: ast.Compare) -> Iterator[Change]:
    opposite = _OPPOSITE.get(type(node.ops[0]))
    if opposite is not None:
        flipped = ast.Compare(node.left, [opposite()], node.comparators)
        text = f"the mask {_text(node)} is inverted"
        yield "mask", text, _swap(expression, node, flipped)
    value = s.values.get(s.tensor)
    if value is not None:
        right = ast.Compare(s.bound(value), [ast.GtE()], [ast.Constant(0)])
        text = f"the mask {_text(node)} should be that of {s.tensor}"
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
        text = f"{_text(node)} should be {_text(other)}"
        yield "sign", text, _swap(expression, node, other)
        yield (
            "term",
            f"the term {_text(node.right)} is too much",
            _swap(expression, node, node.left),
        )
        yield (
            "term",
            f"the term {_text(node.left)} is too much",
            _swap(expression, node, node.right),
        )
    if kind in _OTHER_PRODUCT:
        other = ast.BinOp(node.left, _OTHER_PRODUCT[kind](), node.right)
        text = f"{_text(node)} should be {_text(other)}"
        yield "elementwise", text, _swap(expression, node, other)
    if kind in (ast.Mult, ast.Div):
        text = f"the factor {_text(node.right)} is too much"
        yield "factor", text, _swap(expression, node, node.left)


def _index_changes(expression: ast.expr, node: ast.BinOp) -> Iterator[Change]:
    other = ast.BinOp(node.left, _OTHER_SIGN[type(node.op)](), node.right)
    for right in (node.left, other):
        text = f"the index {_text(node)} should be {_text(right)}"
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
        text = f"{_text(function)} should be {other}"
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
    s: Suspect, expression: ast.expr, node: ast.expr, parents: tuple[ast.AST, ...]
) -> Iterator[Change]:
    here = s.compute(node)
    if not hasattr(here, "shape") or not np.ndim(here):
        return
    parent = parents[-1] if parents else None
    turned = isinstance(parent, ast.Attribute) and parent.attr == "T"
    if turned and isinstance(parent, ast.expr):
        text = f"{_text(parent)} should be {_text(node)}"
        yield "transpose", text, _swap(expression, parent, node)
    else:
        other = ast.Attribute(node, "T", ast.Load())
        yield "transpose", f"{_text(node)} should be {_text(other)}", _swap(expression, node, other)
    mine = _name_of(here, s)
    for name, value in _candidates(s):
        if value is here or np.array_equal(value, here):
            continue
        if np.shape(value) != here.shape and not (mine and _alike(mine, name)):
            continue
        kind = _kind_of_operand(s, mine, name, parents)
        if kind == "operand" and isinstance(node, ast.Subscript) and mine and _alike(mine, name):
            kind = "index"
        text = f"{_text(node)} should be {name}"
        yield kind, text, _swap(expression, node, s.bound(value))
        same = [n for n, _ in _walk(expression) if ast.dump(n) == ast.dump(node)]
        if len(same) > 1 and same[0] is node:
            yield kind, text, _swap_all(expression, {id(n): s.bound(value) for n in same})


def _candidates(s: Suspect) -> Iterator[tuple[str, Any]]:
    seen: set[int] = set()
    for name, value in [*s.values.items(), *flat(s.scope)]:
        if id(value) not in seen and np.ndim(value):
            seen.add(id(value))
            yield name, value


def _name_of(value: Any, s: Suspect) -> str | None:
    for name, other in _candidates(s):
        if other is value or (np.shape(other) == np.shape(value) and np.array_equal(other, value)):
            return name
    return None


def _kind_of_operand(s: Suspect, mine: str | None, name: str, parents: tuple[ast.AST, ...]) -> str:
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


def _shifted(s: Suspect, expression: ast.expr) -> Iterator[Change]:
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


def _scaled_terms(s: Suspect, expression: ast.expr, comparing: Comparing) -> Iterator[Cause]:
    """A factor or a sign that one term of a sum lacks."""
    terms = list(_terms(expression))
    for term in terms if len(terms) > 1 else ():
        value = s.compute(term)
        if value is None or np.shape(value) != s.given.shape or s.given.shape != s.expected.shape:
            continue
        value = np.asarray(value)
        square = float(np.vdot(value, value).real)
        missing = s.expected - s.given
        more = float(np.vdot(value, missing).real) / square if square else 0.0
        if abs(more) > 1e-9 and comparing.same(s.given + more * value, s.expected):
            share = 1 / (1 + more) if abs(1 + more) > 1e-9 else 0.0
            plain = s.given.size > 1 or _is_plain(s, share)
            if share < 0 and abs(share + 1) > 1e-6:
                yield Cause("term", f"the term {_text(term)} of {s.name} is too much")
            elif share and plain and abs(share + 1) > 1e-6:
                yield Cause(
                    "factor",
                    f"the term {_text(term)} of {s.name} is {_number(s, share)} times what it "
                    "should be",
                )
            return


def _terms(expression: ast.expr) -> Iterator[ast.expr]:
    if isinstance(expression, ast.BinOp) and isinstance(expression.op, (ast.Add, ast.Sub)):
        yield from _terms(expression.left)
        yield from _terms(expression.right)
    else:
        yield expression
