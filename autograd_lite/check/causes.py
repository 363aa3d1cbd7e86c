"""Why a hand-derived gradient is wrong: the change to the person's own line that makes it right.

A cause is claimed only if making the change gives what the chain rule expects. The changes are
made to the value (a factor, a transpose, a sum left out) and to the syntax tree of the line (an
operand, a mask, a product, a term), which is then computed again.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.check.changes import Change, changes, longer, text_of
from autograd_lite.check.marking import Tolerance
from autograd_lite.check.wrong_line import WrongLine, alike, candidates


@dataclass(frozen=True)
class Cause:
    """A change that makes the line right, and what it says about the mistake."""

    kind: str
    text: str


ORDER = (
    *("sign", "factor", "shape", "transpose", "unsummed", "accumulate", "mask", "activation"),
    *("elementwise", "index", "operand", "term"),
)


def find_causes(wrong_line: WrongLine, tolerance: Tolerance) -> list[Cause]:
    """The causes that fit, the likeliest first; none where nothing makes the line right."""
    found: dict[str, Cause] = {}
    stages: list[tuple[Search, ...]] = [
        (_by_value, _by_neighbour, _by_line),
        (_by_slope, _by_path),
        (_by_term,),
    ]
    for searches in stages:
        for search in searches:
            causes: dict[str, Cause] = {}
            for cause in search(wrong_line, tolerance):
                causes.setdefault(cause.kind, cause)
            # Of a mask or an index the line says more; of a factor the value does.
            found = found | causes | {k: c for k, c in found.items() if k in ("factor", "sign")}
        if found:
            break
    return sorted(found.values(), key=lambda cause: ORDER.index(cause.kind))


Search = Callable[[WrongLine, Tolerance], Iterator[Cause]]


def _by_value(s: WrongLine, tolerance: Tolerance) -> Iterator[Cause]:
    """Changes that need nothing but the value: a factor, a sign, a transpose, a sum."""
    number = tolerance.factor(s.given, s.expected)
    if number is not None and (s.given.size > 1 or _is_plain(s, number)):
        yield _factor(s, number)
    if s.given.shape != s.expected.shape and s.given.size == s.expected.size:
        if tolerance.same(s.given.reshape(s.expected.shape), s.expected):
            yield Cause("shape", "its values are right: is keepdims=True missing in a sum?")
    if s.given.ndim == 2 and tolerance.same(s.given.T, s.expected):
        yield Cause("transpose", f"{s.name} is the transpose of what it should be")
    if s.given.ndim >= s.expected.ndim and s.given.shape != s.expected.shape:
        summed = _summed(s.given, s.expected.shape)
        if summed is not None:
            axes, total = summed
            ratio = tolerance.factor(total, s.expected)
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
    yield from _overwritten(s, tolerance)


def _factor(s: WrongLine, number: float) -> Cause:
    if abs(number + 1) < 1e-6:
        return Cause("sign", f"{s.name} has the wrong sign")
    return Cause("factor", f"{s.name} is {_number(s, number)} times what it should be")


def _is_plain(s: WrongLine, number: float) -> bool:
    """Whether a factor is one that people write. Of a single element, anything is a multiple."""
    plain = {1.0, 2.0, 3.0, 4.0, *s.sizes}
    return any(abs(abs(number) / n - 1) < 1e-6 for p in plain if p for n in (p, 1 / p))


def _number(s: WrongLine, number: float) -> str:
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


def _overwritten(s: WrongLine, tolerance: Tolerance) -> Iterator[Cause]:
    """Two statements gave it a value, the second without the first's."""
    values = [] if s.assigned is None else s.assigned.values
    statements = [] if s.assigned is None else [st for st, _ in s.assigned.statements]
    if len(values) < 2 or any(isinstance(st, ast.AugAssign) for st in statements[1:]):
        return
    for count in range(2, len(values) + 1):
        terms = [np.asarray(v) for v in values[-count:]]
        if all(t.shape == s.expected.shape for t in terms):
            total = terms[0] + sum(terms[1:])
            if tolerance.same(total, s.expected):
                yield Cause(
                    "accumulate",
                    f"{s.name} is overwritten where the gradients of several uses of {s.tensor} "
                    "add up: write += in the later line",
                )
                return


def _by_neighbour(s: WrongLine, tolerance: Tolerance) -> Iterator[Cause]:
    """Yields the cause of a gradient that is the right one of another tensor."""
    for other, value in s.others.items():
        if other != s.name and alike(other, s.name) and tolerance.same(s.given, value):
            if np.any(value) and not tolerance.same(value, s.expected):
                paths = list(_by_path(s, tolerance))
                index = Cause("index", f"{s.name} is what {other} should be: is an index off?")
                yield from paths or [index]
                return
    for name, value in s.incoming().items():
        if name != s.tensor and tolerance.same(s.given, value) and np.any(value):
            relu = name in s.masks
            if relu:
                text = f"the mask of the ReLU is missing: {s.name} equals d{name}"
            else:
                text = f"the derivative of the activation is missing: {s.name} equals d{name}"
            if s.tensor in s.activations.get(name, ()):
                yield Cause("mask" if relu else "activation", text)
                return


def _by_path(s: WrongLine, tolerance: Tolerance) -> Iterator[Cause]:
    """A path of the chain rule was left out, or counted twice."""
    parts = {name: part for name, part in s.parts().items() if np.any(part)}
    if len(parts) < 2 or s.given.shape != s.expected.shape:
        return
    for name, part in parts.items():
        if tolerance.same(s.given + part, s.expected):
            yield Cause("term", f"the term that comes from {name} is missing in {s.name}")
            return
        number = tolerance.factor(s.given - (s.expected - part), part)
        if number is not None and (part.size > 1 or _is_plain(s, number)):
            what = _number(s, number)
            kind = "sign" if abs(number + 1) < 1e-6 else "factor"
            yield Cause(kind, f"the term of {s.name} that comes from {name} is {what} times itself")
            return


def _by_line(s: WrongLine, tolerance: Tolerance) -> Iterator[Cause]:
    """Changes to the line itself, as it stands and with what it builds on written out."""
    for expression in s.expressions:
        found = list(_fitting(s, changes, expression, tolerance))
        if not found:
            found = list(_scaled_terms(s, expression, tolerance))
        if found:
            yield from found
            return


def _fitting(
    s: WrongLine,
    change: Callable[[WrongLine, ast.expr], Iterator[Change]],
    expression: ast.expr,
    tolerance: Tolerance,
) -> Iterator[Cause]:
    """The changes that make the line right: found on the brief form, confirmed on the whole."""
    brief = s.brief
    for kind, text, changed in change(brief, expression):
        if not tolerance.same(brief.compute(changed), brief.expected):
            continue
        if brief is s or tolerance.same(s.compute(changed), s.expected):
            yield Cause(kind, f"in the line of {s.name}, {text}")


def _by_slope(s: WrongLine, tolerance: Tolerance) -> Iterator[Cause]:
    """Yields the cause of a gradient that has the derivative of another activation, or of this one
    at another place."""
    for after, incoming in s.incoming().items():
        if s.tensor not in s.activations.get(after, ()) or incoming.shape != s.given.shape:
            continue
        for name, value in candidates(s):
            if np.shape(value) != s.given.shape:
                continue
            slopes = {f"{name} * (1 - {name})": value * (1 - value), f"1 - {name}**2": 1 - value**2}
            slopes[f"{name} > 0"] = value > 0
            for text, slope in slopes.items():
                if np.ptp(slope * 1.0) and tolerance.same(s.given, incoming * slope):
                    what = f"{text} is not the derivative of {after} with respect to {s.tensor}"
                    yield Cause("activation", f"in the line of {s.name}, {what}")
                    return


def _by_term(s: WrongLine, tolerance: Tolerance) -> Iterator[Cause]:
    """A term is missing: a multiple of a named tensor, or one somewhere inside the line."""
    if s.given.shape != s.expected.shape:
        return
    missing = s.expected - s.given
    for name, value in candidates(s):
        number = tolerance.factor(missing, np.asarray(value))
        if number is not None and (missing.size > 1 or _is_plain(s, number)):
            yield Cause("term", f"the term {_number(s, number)} * {name} is missing in {s.name}")
            return
    for expression in s.expressions:
        found = next(_fitting(s, longer, expression, tolerance), None)
        if found is not None:
            yield found
            return


def _scaled_terms(s: WrongLine, expression: ast.expr, tolerance: Tolerance) -> Iterator[Cause]:
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
        if abs(more) > 1e-9 and tolerance.same(s.given + more * value, s.expected):
            share = 1 / (1 + more) if abs(1 + more) > 1e-9 else 0.0
            plain = s.given.size > 1 or _is_plain(s, share)
            if share < 0 and abs(share + 1) > 1e-6:
                yield Cause("term", f"the term {text_of(term)} of {s.name} is too much")
            elif share and plain and abs(share + 1) > 1e-6:
                yield Cause(
                    "factor",
                    f"the term {text_of(term)} of {s.name} is {_number(s, share)} times what it "
                    "should be",
                )
            return


def _terms(expression: ast.expr) -> Iterator[ast.expr]:
    if isinstance(expression, ast.BinOp) and isinstance(expression.op, (ast.Add, ast.Sub)):
        yield from _terms(expression.left)
        yield from _terms(expression.right)
    else:
        yield expression
