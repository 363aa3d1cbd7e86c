"""NumPy expressions as MathML Core, which browsers show without a library.

An element is a list: its name, and its texts and elements. A page builds it element by element, so
that no text of a person's is read as markup.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Element = list[Any]

_GREEK = {
    **{n: chr(0x3B1 + i) for i, n in enumerate("alpha beta gamma delta epsilon zeta eta".split())},
    **{"theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "lam": "λ", "mu": "μ", "nu": "ν"},
    **{"xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "chi": "χ"},
    **{"psi": "ψ", "omega": "ω"},
}
_SIGNS: dict[type, str] = {
    **{ast.Add: "+", ast.Sub: "−", ast.Gt: ">", ast.GtE: "≥", ast.Lt: "<", ast.LtE: "≤"},
    **{ast.Eq: "=", ast.NotEq: "≠", ast.Mod: "mod"},
}
_WEAK, _SUM, _PRODUCT, _POWER, _ATOM = range(5)


def _flat(element: Element) -> list[Element]:
    return element[1:] if element[0] == "mrow" else [element]


def _sign(text: str) -> Element:
    return ["mo", text]


class Equations:
    """Writes equations, in which `gradients` says what each gradient is the gradient of."""

    def __init__(self, gradients: Mapping[str, str]) -> None:
        self.gradients = gradients
        named_after = (name for name in gradients if not name.isidentifier())
        self.formulas = sorted(named_after, key=len, reverse=True)

    def equation(self, left: str, text: str, adds: bool = False) -> Element:
        """`left = text`, or with `adds` `left += text`."""
        sign = _sign("+=" if adds else "=")
        return ["math", self.name(left), sign, *_flat(self.formula(text))]

    def formula(self, text: str) -> Element:
        """An expression; text that is none stands as it is."""
        spans, plain = _with_placeholders(text, self.formulas)
        try:
            tree = ast.parse(plain, mode="eval").body
        except SyntaxError:
            return ["mtext", text]
        self.spans = spans
        return self._of(tree)[0]

    def name(self, text: str) -> Element:
        """`W1` with its number below; a gradient as a quotient of differentials."""
        of = self.gradients.get(text)
        if of is not None:
            inner = self.formula(of) if not of.isidentifier() else self.name(of)
            return ["mfrac", ["mrow", ["mo", "∂"], ["mi", "J"]], ["mrow", ["mo", "∂"], inner]]
        match = re.fullmatch(r"([^\W\d]+?)_?(\d+)", text)
        word, number = match.groups() if match else (text, "")
        word = _GREEK.get(word, word)
        shown: Element = ["mi", word]
        return ["msub", shown, ["mn", number]] if number else shown

    def _of(self, node: ast.expr) -> tuple[Element, int]:
        """The element, and how strongly its outermost operator binds."""
        if isinstance(node, ast.Name):
            return self.name(self.spans.get(node.id, node.id)), _ATOM
        if isinstance(node, ast.Constant):
            return ["mn", _short(node.value)], _ATOM
        if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
            return ["msup", self._in(node.value, _ATOM), ["mo", "⊤"]], _ATOM
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return ["mrow", _sign("−"), self._in(node.operand, _PRODUCT)], _SUM
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            left, right = self._of(node.left)[0], self._of(node.comparators[0])[0]
            sign = _sign(_SIGNS.get(type(node.ops[0]), "?"))
            return ["mrow", _sign("["), left, sign, right, _sign("]")], _ATOM
        if isinstance(node, ast.Subscript):
            index = ast.unparse(node.slice).removeprefix("(").removesuffix(")")
            return ["msub", self._in(node.value, _ATOM), ["mtext", index]], _ATOM
        if isinstance(node, ast.Call):
            return self._call(node)
        return ["mtext", ast.unparse(node)], _ATOM

    def _in(self, node: ast.expr, strength: int) -> Element:
        element, own = self._of(node)
        return element if own >= strength else ["mrow", _sign("("), element, _sign(")")]

    def _operation(self, node: ast.BinOp) -> tuple[Element, int]:
        kind = type(node.op)
        if kind is ast.Div:
            return ["mfrac", self._of(node.left)[0], self._of(node.right)[0]], _POWER
        if kind is ast.Pow:
            return ["msup", self._in(node.left, _ATOM), self._of(node.right)[0]], _POWER
        if kind in (ast.Mult, ast.MatMult):
            numbers = isinstance(node.left, ast.Constant) or isinstance(node.right, ast.Constant)
            joined = ["mo", "⊙"] if kind is ast.Mult and not numbers else ["mspace"]
            left, right = self._in(node.left, _PRODUCT), self._in(node.right, _PRODUCT)
            if kind is ast.Mult and numbers and not isinstance(node.left, ast.Constant):
                left, right = right, left
            return ["mrow", left, joined, right], _PRODUCT
        sign = _sign(_SIGNS.get(kind, "?"))
        after = _PRODUCT if kind is ast.Sub else _SUM
        return ["mrow", self._in(node.left, _SUM), sign, self._in(node.right, after)], _SUM

    def _call(self, node: ast.Call) -> tuple[Element, int]:
        name = ast.unparse(node.func).removeprefix("np.")
        form = _FORMS.get(name)
        if form is not None and node.args:
            return form(self, node)
        if isinstance(node.func, ast.Attribute) and name.endswith((".reshape", ".astype")):
            return self._of(node.func.value)
        arguments: list[Element] = []
        for i, argument in enumerate(node.args):
            arguments += [_sign(",")] if i else []
            arguments.append(self._of(argument)[0])
        return ["mrow", ["mi", name], ["mrow", _sign("("), *arguments, _sign(")")]], _ATOM

    def _sum(self, node: ast.Call, sign: str = "∑") -> tuple[Element, int]:
        axis = next((ast.unparse(k.value) for k in node.keywords if k.arg == "axis"), "")
        shown: Element = ["mo", sign] if sign == "∑" else ["mi", sign]
        below: Element = ["msub", shown, ["mtext", f"axis {axis}"]] if axis else shown
        return ["mrow", below, self._in(node.args[0], _PRODUCT)], _PRODUCT


def _root(math: Equations, node: ast.Call) -> tuple[Element, int]:
    return ["msqrt", math._of(node.args[0])[0]], _ATOM


def _exponential(math: Equations, node: ast.Call) -> tuple[Element, int]:
    return ["msup", ["mi", "e"], math._of(node.args[0])[0]], _POWER


def _bars(math: Equations, node: ast.Call) -> tuple[Element, int]:
    return ["mrow", _sign("|"), math._of(node.args[0])[0], _sign("|")], _ATOM


def _step(math: Equations, node: ast.Call) -> tuple[Element, int]:
    inner = math._of(node.args[0])[0]
    return ["mrow", _sign("["), inner, _sign(">"), ["mn", "0"], _sign("]")], _ATOM


def _itself(math: Equations, node: ast.Call) -> tuple[Element, int]:
    return math._of(node.args[0])


def _named(word: str) -> Callable[[Equations, ast.Call], tuple[Element, int]]:
    def form(math: Equations, node: ast.Call) -> tuple[Element, int]:
        inner: list[Element] = []
        for i, argument in enumerate(node.args):
            inner += [_sign(",")] if i else []
            inner.append(math._of(argument)[0])
        return ["mrow", ["mi", word], ["mrow", _sign("("), *inner, _sign(")")]], _ATOM

    return form


_FORMS: dict[str, Callable[[Equations, ast.Call], tuple[Element, int]]] = {
    "sum": Equations._sum,
    "mean": lambda math, node: math._sum(node, "mean"),
    "max": lambda math, node: math._sum(node, "max"),
    "min": lambda math, node: math._sum(node, "min"),
    "sqrt": _root,
    "exp": _exponential,
    "abs": _bars,
    "heaviside": _step,
    "broadcast_to": _itself,
    "sigmoid": _named("σ"),
    "maximum": _named("max"),
    "minimum": _named("min"),
}


def _with_placeholders(text: str, formulas: Sequence[str]) -> tuple[dict[str, str], str]:
    """The text with a name in the place of gradients that are called after a formula."""
    spans: dict[str, str] = {}
    for name in formulas:
        if name in text:
            placeholder = f"gradient_{len(spans)}_"
            spans[placeholder] = name
            text = text.replace(name, placeholder)
    return spans, text


def _short(number: Any) -> str:
    """A number in four digits, if it has more."""
    text = repr(number)
    return f"{number:.4g}" if isinstance(number, float) and len(text) > 7 else text
