"""Mathematical notation of NumPy expressions: one table of forms, written in LaTeX or MathML.

A `Formula` walks an expression and says what it is, a product or a sum along an axis; a `Notation`
says how that is written down.
"""

from __future__ import annotations

import ast
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

WEAK, SUM, PRODUCT, POWER, ATOM = range(5)
"""How strongly an operator binds in a formula; an atom needs no parentheses."""

Written = TypeVar("Written")


class Notation(ABC, Generic[Written]):
    """How formulas are written: the parts of one are put together by these."""

    @abstractmethod
    def name(self, word: str, below: str = "") -> Written:
        """A name with a subscript."""

    @abstractmethod
    def text(self, text: str) -> Written:
        """Text as it is."""

    @abstractmethod
    def number(self, text: str) -> Written:
        """A number."""

    @abstractmethod
    def sign(self, sign: str) -> Written:
        """A sign of `SIGNS`, or a parenthesis."""

    @abstractmethod
    def row(self, parts: Sequence[Written]) -> Written:
        """Parts one after the other."""

    @abstractmethod
    def fraction(self, above: Written, below: Written) -> Written:
        """One part above the other."""

    @abstractmethod
    def raised(self, base: Written, exponent: Written) -> Written:
        """A power."""

    @abstractmethod
    def lowered(self, base: Written, index: str) -> Written:
        """A part with an index, as NumPy writes it."""

    @abstractmethod
    def transposed(self, base: Written) -> Written:
        """The transpose."""

    @abstractmethod
    def root(self, inner: Written) -> Written:
        """The square root."""

    @abstractmethod
    def enclosed(self, inner: Written, kind: str = "()") -> Written:
        """In parentheses, brackets or bars."""

    @abstractmethod
    def function(self, name: str) -> Written:
        """The name of a function."""

    @abstractmethod
    def total(self, axis: str) -> Written:
        """The sign of a sum, along an axis if one is given."""


Part = tuple[Any, int]
"""A part that is written, and how strongly its outermost operator binds."""

SIGNS: dict[type, str] = {
    **{ast.Add: "+", ast.Sub: "-", ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<="},
    **{ast.Eq: "=", ast.NotEq: "!=", ast.Mod: "mod", ast.FloorDiv: "//"},
}
GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "phi chi psi omega"
).split()


class Formula(Generic[Written]):
    """Writes NumPy expressions.

    `gradients` has, by the name of a gradient, the name or the formula that it is the gradient of;
    `value` is what everything is differentiated of.
    """

    def __init__(
        self, notation: Notation[Written], value: str, gradients: Mapping[str, str]
    ) -> None:
        self.notation = notation
        self.value = value
        self.gradients = gradients
        called_after = (name for name in gradients if not name.isidentifier())
        self.formulas: list[str] = sorted(called_after, key=len, reverse=True)
        self.placed: dict[str, str] = {}

    def written(self, text: str) -> Written:
        """An expression; text that is none stands as it is."""
        self.placed = {}
        for name in self.formulas:
            if name in text:
                placeholder = f"gradient_{len(self.placed)}_"
                self.placed[placeholder] = name
                text = text.replace(name, placeholder)
        try:
            tree = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError, RecursionError):
            return self.notation.text(text)
        written: Written = self.part(tree)[0]
        return written

    def name(self, text: str) -> Written:
        """`W1` with its number below; a gradient as a quotient of differentials."""
        of = self.gradients.get(text)
        return self.plain(text) if of is None else self.derivative(of)

    def derivative(self, of: str) -> Written:
        """The derivative of the value by a name or a formula."""
        return self.quotient(self.plain(self.value), self.differential(of))

    def differential(self, of: str) -> Written:
        """The variable below the line of a derivative."""
        if of.isidentifier():
            return self.plain(of)
        placed = self.placed
        inner = Formula(self.notation, self.value, {}).written(of)
        self.placed = placed
        return self.notation.enclosed(inner)

    def quotient(self, above: Written, below: Written) -> Written:
        """A quotient of differentials."""
        d = self.notation.sign("d")
        return self.notation.fraction(self.notation.row([d, above]), self.notation.row([d, below]))

    def plain(self, name: str) -> Written:
        """A name with its number below."""
        match = re.fullmatch(r"([^\W\d]+?)_?(\d+)", name)
        word, number = match.groups() if match else (name, "")
        return self.notation.name(word, number)

    def part(self, node: ast.expr) -> Part:
        """An expression, written, with its precedence."""
        notation = self.notation
        if isinstance(node, ast.Name):
            return self.name(self.placed.get(node.id, node.id)), ATOM
        if isinstance(node, ast.Constant):
            return self._number(_short(node.value))
        if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
            return notation.transposed(self.within(node.value, ATOM)), ATOM
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return notation.row([notation.sign("-"), self.within(node.operand, PRODUCT)]), SUM
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            sign = notation.sign(SIGNS.get(type(node.ops[0]), "="))
            sides = self.part(node.left)[0], self.part(node.comparators[0])[0]
            return notation.enclosed(notation.row([sides[0], sign, sides[1]]), "[]"), ATOM
        if isinstance(node, ast.Subscript):
            index = ast.unparse(node.slice).removeprefix("(").removesuffix(")")
            return notation.lowered(self.within(node.value, ATOM), index), ATOM
        if isinstance(node, ast.Call):
            return self._call(node)
        return notation.text(ast.unparse(node)), ATOM

    def within(self, node: ast.expr, strength: int) -> Written:
        """An operand, in parentheses where an operator of this strength would take it apart."""
        written, own = self.part(node)
        return written if own >= strength else self.notation.enclosed(written)

    def arguments(self, nodes: Sequence[ast.expr]) -> Written:
        """Arguments in parentheses."""
        parts: list[Written] = []
        for i, node in enumerate(nodes):
            parts += [self.notation.sign(",")] if i else []
            parts.append(self.part(node)[0])
        return self.notation.enclosed(self.notation.row(parts))

    def _operation(self, node: ast.BinOp) -> Part:
        notation, kind = self.notation, type(node.op)
        if kind is ast.Div:
            return notation.fraction(self.part(node.left)[0], self.part(node.right)[0]), POWER
        if kind is ast.Pow:
            return notation.raised(self.within(node.left, ATOM), self.part(node.right)[0]), POWER
        if kind in (ast.Mult, ast.MatMult):
            return self._product(node)
        after = PRODUCT if kind is ast.Sub else SUM
        sign = notation.sign(SIGNS.get(kind, "?"))
        return notation.row(
            [self.within(node.left, SUM), sign, self.within(node.right, after)]
        ), SUM

    def _product(self, node: ast.BinOp) -> Part:
        """A product, with its number, or quotient of numbers, first."""
        left, right = node.left, node.right
        by_number = isinstance(node.op, ast.Mult) and (_is_number(left) or _is_number(right))
        if by_number and not _is_number(left):
            left, right = right, left
        elementwise = isinstance(node.op, ast.Mult) and not by_number
        sign = self.notation.sign("*" if elementwise else " ")
        # A product of matrices binds more strongly than one by elements, being written closer.
        apart = isinstance(node.op, ast.MatMult)
        sides = [
            self.within(side, ATOM if apart and _is_by_elements(side) else PRODUCT)
            for side in (left, right)
        ]
        return self.notation.row([sides[0], sign, sides[1]]), PRODUCT

    def _number(self, text: str) -> Part:
        """A number; one such as 1e-05 as a power of ten."""
        mantissa, e, exponent = text.partition("e")
        if not e or not exponent.lstrip("+-").isdigit():
            return self.notation.number(text), ATOM
        ten = self.notation.number("10")
        power = self.notation.raised(ten, self.notation.number(str(int(exponent))))
        if mantissa == "1":
            return power, POWER
        parts = [self.notation.number(mantissa), self.notation.sign("."), power]
        return self.notation.row(parts), PRODUCT

    def _call(self, node: ast.Call) -> Part:
        name = ast.unparse(node.func).removeprefix("np.")
        form = FORMS.get(name)
        if form is not None and node.args:
            return form(self, node)
        if isinstance(node.func, ast.Attribute) and name.endswith((".reshape", ".astype")):
            return self.part(node.func.value)
        notation = self.notation
        return notation.row([notation.function(name), self.arguments(node.args)]), ATOM


def _is_by_elements(node: ast.expr) -> bool:
    """Whether a product is one of arrays, element by element."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult):
        return False
    return not (_is_number(node.left) or _is_number(node.right))


def _is_number(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return _is_number(node.operand)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return _is_number(node.left) and _is_number(node.right)
    return isinstance(node, ast.Constant)


def _short(number: Any) -> str:
    """A number in four digits, if it has more."""
    text = repr(number)
    return f"{number:.4g}" if isinstance(number, float) and len(text) > 7 else text


Form = Callable[[Formula[Any], ast.Call], Part]


def _summed(formula: Formula[Any], node: ast.Call) -> Part:
    axis = next((ast.unparse(k.value) for k in node.keywords if k.arg == "axis"), "")
    body = formula.within(node.args[0], PRODUCT)
    return formula.notation.row([formula.notation.total(axis), body]), PRODUCT


def _along(name: str) -> Form:
    """The form of a function that reduces an array, along an axis if one is given."""

    def form(formula: Formula[Any], node: ast.Call) -> Part:
        axis = next((ast.unparse(k.value) for k in node.keywords if k.arg == "axis"), "")
        notation = formula.notation
        shown = notation.lowered(notation.function(name), f"axis {axis}")
        head = shown if axis else notation.function(name)
        return notation.row([head, formula.arguments(node.args[:1])]), ATOM

    return form


def _root(formula: Formula[Any], node: ast.Call) -> Part:
    return formula.notation.root(formula.part(node.args[0])[0]), ATOM


def _exponential(formula: Formula[Any], node: ast.Call) -> Part:
    base = formula.notation.name("e")
    return formula.notation.raised(base, formula.part(node.args[0])[0]), POWER


def _bars(formula: Formula[Any], node: ast.Call) -> Part:
    return formula.notation.enclosed(formula.part(node.args[0])[0], "||"), ATOM


def _positive(formula: Formula[Any], node: ast.Call) -> Part:
    """1 where the argument is positive, and 0 where it is not."""
    notation = formula.notation
    inner = [formula.part(node.args[0])[0], notation.sign(">"), notation.number("0")]
    return notation.enclosed(notation.row(inner), "[]"), ATOM


def _itself(formula: Formula[Any], node: ast.Call) -> Part:
    return formula.part(node.args[0])


def _named(name: str) -> Form:
    def form(formula: Formula[Any], node: ast.Call) -> Part:
        notation = formula.notation
        return notation.row([notation.function(name), formula.arguments(node.args)]), ATOM

    return form


FORMS: dict[str, Form] = {
    "sum": _summed,
    "mean": _along("mean"),
    "max": _along("max"),
    "min": _along("min"),
    "sqrt": _root,
    "exp": _exponential,
    "abs": _bars,
    "absolute": _bars,
    "heaviside": _positive,
    "broadcast_to": _itself,
    "sigmoid": _named("sigma"),
    "maximum": _named("max"),
    "minimum": _named("min"),
}
"""How functions of NumPy are written; others stand under their names."""
