"""Derivative rules as formulas: the rule is traced and printed in the caller's names."""

from __future__ import annotations

import ast
import re
import warnings
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.arrays.trees import leaves_of
from autograd_lite.derivation.constants import LITERAL_LIMIT_ELEMENTS
from autograd_lite.derivation.rule import written_rule
from autograd_lite.derivation.standins import stand_in
from autograd_lite.gradients import TupleGradient
from autograd_lite.pictures.formulas.expressions import tidied
from autograd_lite.pictures.formulas.local import element_wise, local_of
from autograd_lite.source import is_of_engine

PLACEHOLDER = re.compile(r"\b__(\d+)__\b")
"""The placeholder for a name while the formula is a tree: a user's name may be any text."""


@dataclass(frozen=True)
class Formula:
    """The computation of a rule as text.

    `product` is the gradient that the rule returns, such as `dA2 * (A2 * (1 - A2))`. For an
    element-wise operation, `local` is the derivative by which the rule multiplies the result's
    gradient, such as `A2 * (1 - A2)`. It is None where an element of the result depends on several
    elements of an operand, as in a sum or a matrix product.
    """

    product: str
    local: str | None


KNOWN_LIMIT_FORMULAS = 256
"""Up to this many formulas of one rule are kept."""

_KNOWN: weakref.WeakKeyDictionary[Any, dict[Any, Formula]] = weakref.WeakKeyDictionary()
"""The formulas of the engine's rules, with placeholders, by the kinds of their arguments."""


def formula(
    rule: Callable[..., Any], arguments: Sequence[Any], names: Sequence[str], operation: str = ""
) -> Formula:
    """The formula of `rule` for these arguments, written with their `names`.

    The gradient of the result comes first. A name such as a number, a tuple or None stands for that
    value. A rule that reads values, or is too complicated, is shown as a call. No rule, argument or
    name makes this raise.

    >>> formula(lambda g, y: g * y, (np.ones(3), np.ones(3)), ("dz", "y"))
    Formula(product='dz * y', local='y')
    """
    for places in (False, True):
        try:
            return _formula(rule, _Given(arguments, names, places))
        except Exception:  # A picture without this formula is better than none.
            continue
    return Formula(f"{_called(rule, operation)}({', '.join(map(str, names))})", None)


def _called(rule: Any, operation: str) -> str:
    called = str(getattr(rule, "__name__", "rule")).lstrip("_")
    return called if called.isidentifier() else f"{operation}_rule" if operation else "rule"


def _formula(rule: Callable[..., Any], given: _Given) -> Formula:
    """The formula, from a cache if the rule is the engine's."""
    known = _KNOWN.setdefault(rule, {}) if is_of_engine(rule) else {}
    key = None if given.places else tuple(given.keys)
    found = known.get(key) or _traced(rule, given)
    if key is not None:
        if len(known) >= KNOWN_LIMIT_FORMULAS:
            known.clear()
        known[key] = found
    local = None if found.local is None else given.named(found.local)
    return Formula(given.named(found.product), local)


def _traced(rule: Callable[..., Any], given: _Given) -> Formula:
    """The formula with placeholders."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = written_rule(rule, given.values, given.names)
    node = tidied(ast.parse(text, mode="eval").body)
    factor = local_of(node) if element_wise(rule, given.values) else None
    return Formula(ast.unparse(node), None if factor is None else ast.unparse(factor))


class _Given:
    """The arguments of a rule, with stand-ins for arrays and placeholders for names.

    `keys` identifies the formula. With `places`, a rule may read arrays of integers and booleans,
    which are indices or masks.
    """

    def __init__(self, arguments: Sequence[Any], names: Sequence[str], places: bool) -> None:
        self.places = places
        self.texts: list[str] = []
        self.keys: list[Any] = []
        pairs = enumerate(zip(arguments, map(str, names), strict=True))
        both = [self._argument(value, name, i == 0) for i, (value, name) in pairs]
        self.values = [value for value, _ in both]
        self.names = [name for _, name in both]

    def _argument(self, value: Any, name: str, arrives: bool) -> tuple[Any, Any]:
        if isinstance(value, (TupleGradient, list, tuple)) and _has_arrays(value):
            return self._items(value, name, arrives)
        if not _is_array(value) or _is_literal(value, name, arrives):
            self.keys.append((type(value), repr(value)))
            return value, None
        self.texts.append(name)
        placeholder = f"__{len(self.texts) - 1}__"
        if self.places and value.dtype.kind not in "fc" and not arrives:
            return np.asarray(value), placeholder
        self.keys.append((value.shape, value.dtype))
        return stand_in(value.shape, value.dtype), placeholder

    def _items(self, value: Any, name: str, arrives: bool) -> tuple[Any, Any]:
        inside = re.fullmatch(r"[\[(](\w+(?:, \w+)*),?[\])]", name)
        parts = inside[1].split(", ") if inside else []
        if not arrives and name in (str(value), repr(value)):
            parts = list(map(str, value))
        elif len(parts) != len(value):
            parts = [f"{_operand(name)}[{i}]" for i in range(len(value))]
        self.keys.append((type(value), len(value)))
        pairs = []
        for item, part in zip(value, parts, strict=True):
            if isinstance(item, np.integer):
                # A rule may branch on an integer among the results, such as a rank.
                self.keys.append(int(item))
                pairs.append((item, None))
            else:
                pairs.append(self._argument(item, part, arrives))
        kind = type(value) if type(value) in (TupleGradient, list) else tuple
        return kind(v for v, _ in pairs), tuple(n for _, n in pairs)

    def named(self, text: str) -> str:
        """A formula with its placeholders replaced by names."""

        def name(found: re.Match[str]) -> str:
            name, text = self.texts[int(found[1])], found.string
            before, after = text[: found.start()], text[found.end() :]
            apart = before.endswith(("(", "[", ", ")) or not before
            if apart and (after.startswith((",", ")", "]")) or not after):
                return name
            return _operand(name)

        return PLACEHOLDER.sub(name, text)


def _has_arrays(value: Any) -> bool:
    return any(map(_is_array, leaves_of(list(value))))


def _is_array(value: Any) -> bool:
    """Whether a value is an array of any library, or a NumPy scalar."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _is_literal(value: Any, name: str, arrives: bool) -> bool:
    """Whether an argument's name is its own value, a number or a few whole numbers."""
    if arrives:
        return False
    if np.ndim(value):
        few = value.size <= LITERAL_LIMIT_ELEMENTS and value.dtype.kind in "iub"
        return few and name in (str(value), repr(value))
    try:
        node = ast.parse(name, mode="eval").body
        return bool(ast.literal_eval(node) == value) and ast.unparse(node) == name
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return False


def _operand(name: str) -> str:
    """A name as an operand: in parentheses if an operator beside it would split it."""
    try:
        node = ast.parse(name, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return name
    open_ended = (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Lambda)
    # A name that begins with a parenthesis has a column offset above 0.
    return f"({name})" if isinstance(node, open_ended) and node.col_offset == 0 else name
