"""Steps as the NumPy expressions that a person would write.

An expression is text with the strength of its outermost operator, so that parentheses stand where
they are needed and nowhere else.
"""

from __future__ import annotations

import operator
import re
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from autograd_lite.arrays.contracts import Index
from autograd_lite.functions import ATOM, COMPARISON, POWER, PRODUCT, SIGN, SUM, traits
from autograd_lite.operations import OPERATIONS
from autograd_lite.printable import quoted
from autograd_lite.program.ir import Step, Variable, function_name
from autograd_lite.program.names import identifier, literal
from autograd_lite.program.sizes import Size, SizedFloat, SizedInt
from autograd_lite.rules.indexing import getitem, put_back
from autograd_lite.rules.special import astype, relu, sigmoid, softplus
from autograd_lite.source import is_of_engine


class Text(NamedTuple):
    """An expression, and how strongly its outermost operator binds."""

    text: str
    strength: int = ATOM

    def within(self, strength: int) -> str:
        """The text, in parentheses if an operator of this strength would take it apart."""
        return self.text if self.strength >= strength else f"({self.text})"


_COMMUTING = {"+", "*"}
_TAKING_APART = (" @ ", " / ", " % ", " // ")


class NoExpression(TypeError):
    """A function that cannot be written in plain NumPy."""


class Printer:
    """Prints steps.

    `helpers` are the names of functions that the text needs and NumPy does not have, `imported`
    what functions are called that it imports.
    """

    def __init__(self, imported: Mapping[Any, str] | None = None) -> None:
        self.helpers: set[str] = set()
        self.imported: Mapping[Any, str] = imported or {}

    def step(self, step: Step, operands: Mapping[Variable, Text]) -> Text:
        """The expression of a step, for printed operands."""
        special = _SPECIAL.get(step.function)
        if special is not None and not step.several:
            found = special(self, step, operands)
            if found is not None:
                return found
        sign = traits(step.function).operator
        if sign is not None and len(step.args) == 2 and not step.options:
            return self._infix(step, sign.symbol, sign.strength, operands)
        return self._call(step, operands)

    def _infix(
        self, step: Step, symbol: str, strength: int, operands: Mapping[Variable, Text]
    ) -> Text:
        left, right = (self.value(a, operands) for a in step.args)
        reciprocal = _as_divisor(step, symbol)
        if reciprocal is not None:
            factor, sign, name = reciprocal
            other = right if step.args[0] is factor else left
            return Text(f"{sign}{other.within(PRODUCT)} / {name}", PRODUCT)
        # a * (b / c) and a * (b @ c) are not the same from left to right.
        chained = symbol in _COMMUTING and not any(o in right.text for o in _TAKING_APART)
        after = strength if chained else strength + 1
        if strength == COMPARISON:
            strength_of_sides = SUM
            sides = left.within(strength_of_sides), right.within(strength_of_sides)
            return Text(f"{sides[0]} {symbol} {sides[1]}", COMPARISON)
        # A leading minus would stand after the operator.
        text_right = right.within(after)
        if text_right.startswith("-") and symbol != "@":
            text_right = f"({text_right})"
        return Text(f"{left.within(strength)} {symbol} {text_right}", strength)

    def value(self, value: Any, operands: Mapping[Variable, Text]) -> Text:
        """An argument: an operand, or a plain value."""
        if isinstance(value, Variable):
            return operands[value]
        if isinstance(value, tuple):
            inner = ", ".join(self.value(v, operands).text for v in value)
            return Text(f"({inner},)" if len(value) == 1 else f"({inner})")
        if isinstance(value, list):
            return Text(f"[{', '.join(self.value(v, operands).text for v in value)}]")
        return self.plain(value)

    def plain(self, value: Any) -> Text:
        """A plain value."""
        if isinstance(value, np.dtype):
            return Text("bool" if value.kind == "b" else f"np.{value.name}")
        if isinstance(value, type):
            return Text(f"np.{np.dtype(value).name}")
        if isinstance(value, np.longdouble) and value != float(value):
            return Text(f'np.longdouble("{value}")')
        if isinstance(value, (SizedInt, SizedFloat)):
            return self._number(value)
        if isinstance(value, np.generic):
            value = float(value) if isinstance(value, np.longdouble) else value.item()
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return self._number(value)
        if isinstance(value, slice):
            parts = [value.start, value.stop, value.step][: 2 + (value.step is not None)]
            return Text(f"slice({', '.join(self.plain(p).text for p in parts)})")
        if value is Ellipsis:
            return Text("...")
        if isinstance(value, complex):
            return self._complex(value)
        if value is None or isinstance(value, (bool, str)):
            return Text(literal(str(value)) if isinstance(value, str) else repr(value))
        raise NoExpression(
            f"the argument {quoted(value)} cannot be written in plain NumPy; numbers, strings, "
            "arrays and slices can, and lists and tuples of them"
        )

    def _complex(self, value: complex) -> Text:
        imaginary = f"{value.imag:.17g}j"
        if not value.real:
            return Text(imaginary, SIGN if value.imag < 0 else ATOM)
        sign = "-" if value.imag < 0 else "+"
        return Text(f"{value.real!r} {sign} {imaginary.lstrip('-')}", SUM)

    def _number(self, value: Any) -> Text:
        if isinstance(value, (SizedInt, SizedFloat)):
            return of_size(value.size)
        if not np.isfinite(value):
            text = "np.nan" if value != value else "np.inf" if value > 0 else "-np.inf"
        else:
            text = repr(value)
        return Text(text, SIGN if text.startswith("-") else ATOM)

    def _call(self, step: Step, operands: Mapping[Variable, Text]) -> Text:
        name = "np.abs" if step.function is np.absolute else function_name(step.function)
        name = self.imported.get(step.function, name)
        if not name.startswith("np.") and step.function not in self.imported:
            raise NoExpression(
                f"{name} has no form in plain NumPy, and no module that it could be imported from, "
                "so the derivation cannot be written out; define it in a module of its own"
            )
        arguments = [self.value(a, operands).text for a in step.args]
        arguments += [
            f"{key}={self.value(_single(a) if key == 'axis' else a, operands).text}"
            for key, a in step.options.items()
            if not _is_default(step.function, key, a)
        ]
        return Text(f"{name}({', '.join(arguments)})")


def importable(function: Any) -> tuple[str, str] | None:
    """The module and the name for importing a user's operation.

    None where they cannot, and for what is no such operation.
    """
    if function not in OPERATIONS:
        return None
    module, name = getattr(function, "__module__", None), getattr(function, "__name__", "")
    if not module or module.partition(".")[0] in ("__main__", "numpy") or is_of_engine(function):
        return None
    words = [*module.split("."), name]
    if not all(word == identifier(word) and not word.startswith("__") for word in words):
        return None
    return (module, name) if getattr(sys.modules.get(module), name, None) is function else None


def _as_divisor(step: Step, symbol: str) -> tuple[Any, str, str] | None:
    """A factor of a step that is 1 or -1 over a length: the factor, its sign, and the length."""
    for factor in step.args if symbol == "*" else ():
        if isinstance(factor, SizedFloat) and len(factor.size.terms) == 1:
            [(length, shift, exponent)] = factor.size.terms
            if abs(factor.size.factor) == 1 and not shift and exponent == -1:
                return factor, "-" if factor < 0 else "", length.name
    return None


def of_size(size: Size) -> Text:
    """An expression of lengths, as 2 / N."""
    above: list[Text] = []
    below: list[Text] = []
    for length, shift, exponent in size.terms:
        base = Text(f"{length.name} {'-' if shift < 0 else '+'} {abs(shift)}", SUM)
        base = Text(length.name) if not shift else base
        if abs(exponent) == 0.5:
            base = Text(f"np.sqrt({base.text})")
        elif abs(exponent) != 1:
            base = raised(base, Text(str(abs(exponent))))
        (above if exponent > 0 else below).append(base)
    sign, factor = "-" if size.factor < 0 else "", abs(size.factor)
    if factor.denominator > 10_000:
        above.insert(0, Text(repr(float(factor))))
    else:
        if factor.numerator != 1 or not above:
            above.insert(0, Text(str(factor.numerator)))
        if factor.denominator != 1:
            below.insert(0, Text(str(factor.denominator)))
    text = above[0] if len(above) == 1 else _product(above)
    if below:
        under = below[0].within(SIGN) if len(below) == 1 else f"({_product(below).text})"
        text = Text(f"{text.within(PRODUCT)} / {under}", PRODUCT)
    if sign:
        text = Text(f"-{text.within(PRODUCT)}", SIGN if text.strength > PRODUCT else PRODUCT)
    if size.offset:
        operator = "-" if size.offset < 0 else "+"
        text = Text(f"{text.within(SUM)} {operator} {abs(size.offset)}", SUM)
    return text


def _product(factors: list[Text]) -> Text:
    return Text(" * ".join(f.within(PRODUCT) for f in factors), PRODUCT)


def _single(axis: Any) -> Any:
    """An axis that is given as a tuple of one."""
    return axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis


def _is_default(function: Any, name: str, value: Any) -> bool:
    defaults = {"axis": None, "keepdims": False, "order": "C", "optimize": False}
    plain = ("sum", "mean", "max", "min", "reshape", "einsum")
    known = getattr(function, "__name__", "") in plain
    return known and name in defaults and value == defaults[name]


def _negative(printer: Printer, step: Step, operands: Mapping[Variable, Text]) -> Text:
    return Text(f"-{printer.value(step.args[0], operands).within(SIGN)}", SIGN)


def _transpose(printer: Printer, step: Step, operands: Mapping[Variable, Text]) -> Text | None:
    x = step.args[0]
    if x.ndim != 2 or len(step.args) > 1 and step.args[1] not in (None, (1, 0)):
        return None
    return Text(f"{printer.value(x, operands).within(ATOM)}.T")


def _dot(printer: Printer, step: Step, operands: Mapping[Variable, Text]) -> Text | None:
    a, b = step.args
    if getattr(a, "ndim", 0) not in (1, 2) or getattr(b, "ndim", 0) not in (1, 2):
        return None
    left, right = printer.value(a, operands), printer.value(b, operands)
    return Text(f"{left.within(PRODUCT)} @ {right.within(SIGN)}", PRODUCT)


def _power(printer: Printer, step: Step, operands: Mapping[Variable, Text]) -> Text:
    base, exponent = (printer.value(a, operands) for a in step.args)
    return raised(base, exponent)


def raised(base: Text, exponent: Text) -> Text:
    simple = all(re.fullmatch(r"-?[\w.]+", side.text) for side in (base, exponent))
    # The formatter puts spaces around ** unless both sides are simple.
    symbol = "**" if simple else " ** "
    return Text(f"{base.within(ATOM)}{symbol}{exponent.within(POWER)}", POWER)


def _square(printer: Printer, step: Step, operands: Mapping[Variable, Text]) -> Text:
    return raised(printer.value(step.args[0], operands), Text("2"))


def _reciprocal(printer: Printer, step: Step, operands: Mapping[Variable, Text]) -> Text:
    return Text(f"1 / {printer.value(step.args[0], operands).within(SIGN)}", PRODUCT)


def _sigmoid(printer: Printer, step: Step, operands: Mapping[Variable, Text]) -> Text:
    z = printer.value(step.args[0], operands)
    return Text(f"1 / (1 + np.exp(-{z.within(SIGN)}))", PRODUCT)


def _relu(printer: Printer, step: Step, operands: Mapping[Variable, Text]) -> Text:
    return Text(f"np.maximum({printer.value(step.args[0], operands).text}, 0)")


def _softplus(printer: Printer, step: Step, operands: Mapping[Variable, Text]) -> Text:
    return Text(f"np.logaddexp({printer.value(step.args[0], operands).text}, 0)")


def _astype(printer: Printer, step: Step, operands: Mapping[Variable, Text]) -> Text:
    x = printer.value(step.args[0], operands)
    return Text(f"{x.within(ATOM)}.astype({printer.plain(step.result.dtype).text})")


def _getitem(printer: Printer, step: Step, operands: Mapping[Variable, Text]) -> Text:
    x = printer.value(step.args[0], operands)
    return Text(f"{x.within(ATOM)}[{subscript_text(printer, step.args[1], operands)}]")


def _put_back(printer: Printer, step: Step, operands: Mapping[Variable, Text]) -> Text:
    """`put_back(g, np.s_[0, :], (2, 3))`: zeros, with g added at an index."""
    printer.helpers.add("put_back")
    g, index, shape = step.args[:3]
    place = index_argument(printer, index, operands)
    parts = printer.value(g, operands).text, place, printer.value(shape, operands).text
    return Text(f"put_back({', '.join(parts)})")


def index_argument(printer: Printer, index: Index, operands: Mapping[Variable, Text]) -> str:
    """An index as it is handed to a function."""
    items = index if isinstance(index, tuple) else (index,)
    if any(isinstance(item, slice) or item is Ellipsis for item in items):
        return f"np.s_[{subscript_text(printer, index, operands)}]"
    return printer.value(index, operands).text


def subscript_text(printer: Printer, index: Index, operands: Mapping[Variable, Text]) -> str:
    """An index as it stands in brackets."""
    items = index if isinstance(index, tuple) else (index,)
    return ", ".join(_item_text(printer, item, operands) for item in items) or "()"


def _item_text(printer: Printer, item: Any, operands: Mapping[Variable, Text]) -> str:
    """One item of an index, as brackets contain it."""
    if isinstance(item, slice):
        parts = [item.start, item.stop, item.step]
        shown = ["" if p is None else printer.value(p, operands).text for p in parts]
        return ":".join(shown[: 2 + (item.step is not None)])
    if item is Ellipsis:
        return "..."
    return printer.value(item, operands).text


def _reshape(printer: Printer, step: Step, operands: Mapping[Variable, Text]) -> Text:
    x = printer.value(step.args[0], operands)
    shape = step.result.shape
    inner = ", ".join(printer.plain(length).text for length in shape)
    return Text(f"{x.within(ATOM)}.reshape({inner if shape else '()'})")


def _broadcast_to(printer: Printer, step: Step, operands: Mapping[Variable, Text]) -> Text:
    x = printer.value(step.args[0], operands)
    return Text(f"np.broadcast_to({x.text}, {printer.value(step.result.shape, operands).text})")


_SPECIAL: dict[Any, Any] = {
    np.negative: _negative,
    operator.neg: _negative,
    np.transpose: _transpose,
    np.dot: _dot,
    np.matmul: _dot,
    np.power: _power,
    operator.pow: _power,
    np.square: _square,
    np.reciprocal: _reciprocal,
    sigmoid: _sigmoid,
    relu: _relu,
    softplus: _softplus,
    astype: _astype,
    getitem: _getitem,
    put_back: _put_back,
    np.reshape: _reshape,
    np.broadcast_to: _broadcast_to,
}
