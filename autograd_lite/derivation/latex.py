"""A derivation as equations: what each statement computes, and the chain rule behind it."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from autograd_lite.derivation.module import Statement, Written

_FUNCTIONS = {
    **{name: rf"\{name}" for name in ("exp", "log", "sin", "cos", "tanh", "max", "min", "sinh")},
    "cosh": r"\cosh",
    "arctan": r"\arctan",
}
_OPERATORS: dict[type, str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.MatMult: r"\,",
    ast.Gt: ">",
    ast.GtE: r"\geq",
    ast.Lt: "<",
    ast.LtE: r"\leq",
    ast.Eq: "=",
    ast.NotEq: r"\neq",
}
_STRENGTH: dict[type, int] = {ast.Add: 1, ast.Sub: 1, ast.Mult: 2, ast.MatMult: 2, ast.Div: 4}


def equations(written: Written) -> str:
    r"""The `aligned` environment: the forward pass, then each gradient.

    A gradient is written as \partial J / \partial x, with the products of the chain rule between:
    one for each statement of the forward pass that reads x.
    """
    names = _Names(written)
    lines = [f"{names.of(s.name)} &= {names.formula(s.text)}" for s in written.forward]
    readers = _readers(written.forward)
    for statement in written.backward:
        left = names.of(statement.name)
        chain = _chain(statement.name, readers, names)
        lines.append(f"{left} &= {chain}{names.formula(statement.text)}")
    body = " \\\\\n".join(lines)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def _readers(forward: Sequence[Statement]) -> dict[str, list[str]]:
    """The statements that read each name."""
    found: dict[str, list[str]] = {}
    for statement in forward:
        for name in statement.reads:
            found.setdefault(name, []).append(statement.name)
    return found


def _chain(name: str, readers: dict[str, list[str]], names: _Names) -> str:
    source = names.differentiated(name)
    if source is None or not readers.get(source):
        return ""
    terms = []
    for reader in readers[source]:
        local = rf"\frac{{\partial {names.of(reader)}}}{{\partial {names.of(source)}}}"
        outer = names.gradient(reader)
        terms.append(local if reader == names.value else f"{outer}{local}")
    return " + ".join(terms) + " = "


class _Names:
    """Names as they look in a formula."""

    def __init__(self, written: Written) -> None:
        self.value = written.value
        self.sources = {g: n for n, g in written.gradients.items()}
        known = {s.name for s in written.forward} | set(written.inputs) | set(written.constants)
        for statement in written.backward:
            if statement.name.startswith("d") and statement.name[1:] in known:
                self.sources.setdefault(statement.name, statement.name[1:])

    def differentiated(self, name: str) -> str | None:
        """The name that a gradient is taken with respect to."""
        return self.sources.get(name)

    def gradient(self, source: str) -> str:
        """The derivative of the value by a name."""
        return rf"\frac{{\partial {self.plain(self.value)}}}{{\partial {self.plain(source)}}}"

    def of(self, name: str) -> str:
        """A name, or a derivative."""
        source = self.differentiated(name)
        return self.plain(name) if source is None else self.gradient(source)

    @staticmethod
    def plain(name: str) -> str:
        """`W1` with its number below."""
        match = re.fullmatch(r"([A-Za-z]+)_?(\d*)", name)
        if match is None:
            return rf"\mathit{{{_escaped(name)}}}"
        word, number = match.groups()
        shown = word if len(word) == 1 else rf"\mathit{{{word}}}"
        return f"{shown}_{{{number}}}" if number else shown

    def formula(self, text: str) -> str:
        """A NumPy expression."""
        return self._of(ast.parse(text, mode="eval").body)[0]

    def _of(self, node: ast.expr) -> tuple[str, int]:
        """The formula, and how strongly its outermost operator binds."""
        if isinstance(node, ast.Name):
            return self.of(node.id), 5
        if isinstance(node, ast.Constant):
            return str(node.value), 5
        if isinstance(node, ast.Attribute):
            inner = self._of(node.value)
            return (f"{_in(inner, 5)}^T", 5) if node.attr == "T" else (ast.unparse(node), 5)
        if isinstance(node, ast.UnaryOp):
            return f"-{_in(self._of(node.operand), 2)}", 1
        if isinstance(node, ast.BinOp):
            return self._operation(node)
        if isinstance(node, ast.Compare):
            left, right = self._of(node.left)[0], self._of(node.comparators[0])[0]
            return rf"\mathbb{{1}}[{left} {_OPERATORS[type(node.ops[0])]} {right}]", 5
        if isinstance(node, ast.Call):
            return self._call(node)
        return rf"\mathtt{{{_escaped(ast.unparse(node))}}}", 5

    def _operation(self, node: ast.BinOp) -> tuple[str, int]:
        left, right = self._of(node.left), self._of(node.right)
        kind = type(node.op)
        if kind is ast.Div:
            return rf"\frac{{{left[0]}}}{{{right[0]}}}", 4
        if kind is ast.Pow:
            return f"{_in(left, 5)}^{{{right[0]}}}", 4
        strength = _STRENGTH.get(kind, 2)
        symbol = _OPERATORS.get(kind)
        if kind is ast.Mult:
            number = isinstance(node.left, ast.Constant) or isinstance(node.right, ast.Constant)
            symbol = r"\," if number else r"\odot"
        after = strength + (kind in (ast.Sub, ast.MatMult))
        return f"{_in(left, strength)} {symbol or '?'} {_in(right, after)}", strength

    def _call(self, node: ast.Call) -> tuple[str, int]:
        name = ast.unparse(node.func).removeprefix("np.")
        arguments = [self._of(a)[0] for a in node.args]
        if name == "sum":
            axes = [ast.unparse(k.value) for k in node.keywords if k.arg == "axis"]
            below = rf"_{{\text{{axis }} {axes[0]}}}" if axes else ""
            return rf"\sum{below} {_in(self._of(node.args[0]), 2)}", 2
        if name == "sqrt":
            return rf"\sqrt{{{arguments[0]}}}", 5
        if name in ("maximum", "minimum"):
            return rf"\{name[:3]}({', '.join(arguments)})", 5
        if name in ("abs", "absolute"):
            return rf"|{arguments[0]}|", 5
        if name == "exp":
            return f"e^{{{arguments[0]}}}", 5
        function = _FUNCTIONS.get(name, rf"\operatorname{{{_escaped(name)}}}")
        return f"{function}({', '.join(arguments)})", 5


def _in(part: tuple[str, int], strength: int) -> str:
    return part[0] if part[1] >= strength else rf"\left({part[0]}\right)"


def _escaped(text: str) -> str:
    return text.replace("_", r"\_")
