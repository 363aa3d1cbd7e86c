"""A derivation as equations: each statement, and the chain rule behind it."""

from __future__ import annotations

from collections.abc import Sequence

from autograd_lite.derivation.module import Statement, Written
from autograd_lite.derivation.notation import GREEK, Formula, Notation

_FUNCTIONS = frozenset("log sin cos tan tanh sinh cosh max min arctan arcsin arccos".split())
_SIGNS = {
    **{" ": r"\,", "*": r"\odot", ">=": r"\geq", "<=": r"\leq", "!=": r"\neq", "d": r"\partial"},
    ".": r"\cdot",
    "mod": r"\bmod",
}


class Latex(Notation[str]):
    """LaTeX, as amsmath has it."""

    def name(self, word: str, below: str = "") -> str:
        if word in GREEK:
            shown = rf"\{word}"
        else:
            shown = word if len(word) == 1 else rf"\mathit{{{_escaped(word)}}}"
        return f"{shown}_{{{below}}}" if below else shown

    def text(self, text: str) -> str:
        return rf"\mathtt{{{_escaped(text)}}}"

    def number(self, text: str) -> str:
        return text

    def sign(self, sign: str) -> str:
        return _SIGNS.get(sign, sign)

    def row(self, parts: Sequence[str]) -> str:
        joined = ""
        for part in parts:
            # A comma stands close to what is before it, a sign to what it is the sign of.
            close = not joined or part == "," or joined == "-"
            joined += part if close else f" {part}"
        return joined

    def fraction(self, above: str, below: str) -> str:
        return rf"\frac{{{above}}}{{{below}}}"

    def raised(self, base: str, exponent: str) -> str:
        return f"{base}^{{{exponent}}}"

    def lowered(self, base: str, index: str) -> str:
        return rf"{base}_{{\text{{{_escaped(index)}}}}}"

    def transposed(self, base: str) -> str:
        return f"{base}^T"

    def root(self, inner: str) -> str:
        return rf"\sqrt{{{inner}}}"

    def enclosed(self, inner: str, kind: str = "()") -> str:
        if kind == "[]":
            return rf"\mathbb{{1}}[{inner}]"
        return f"|{inner}|" if kind == "||" else rf"\left{kind[0]}{inner}\right{kind[1]}"

    def function(self, name: str) -> str:
        if name == "sigma":
            return r"\sigma"
        return rf"\{name}" if name in _FUNCTIONS else rf"\operatorname{{{_escaped(name)}}}"

    def total(self, axis: str) -> str:
        return rf"\sum_{{\text{{axis {axis}}}}}" if axis else r"\sum"


def equations(written: Written) -> str:
    r"""The `aligned` environment: the forward pass, then each gradient.

    A gradient is written as \partial J / \partial x, with the products of the chain rule between:
    one for each statement of the forward pass that reads x.
    """
    formula = Formula(Latex(), written.value, _sources(written))
    lines = [f"{formula.name(s.name)} &= {formula.written(s.text)}" for s in written.forward]
    readers = _readers(written.forward)
    for statement in written.backward:
        left = formula.name(statement.name)
        chain = _chain(statement.name, readers, formula)
        # What the loss itself is a formula of has no chain to it.
        chain = "" if chain == f"{left} = " else chain
        lines.append(f"{left} &= {chain}{formula.written(statement.text)}")
    body = " \\\\\n".join(lines)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def _sources(written: Written) -> dict[str, str]:
    """The tensor that belongs to each gradient."""
    found = {g: n for n, g in written.gradients.items()}
    known = {s.name for s in written.forward} | set(written.inputs) | set(written.constants)
    for statement in written.backward:
        if statement.name.startswith("d") and statement.name[1:] in known:
            found.setdefault(statement.name, statement.name[1:])
    return found


def _readers(forward: Sequence[Statement]) -> dict[str, list[str]]:
    """The statements that read each name."""
    found: dict[str, list[str]] = {}
    for statement in forward:
        for name in statement.reads:
            found.setdefault(name, []).append(statement.name)
    return found


def _chain(name: str, readers: dict[str, list[str]], formula: Formula[str]) -> str:
    source = formula.gradients.get(name)
    if source is None or not readers.get(source):
        return ""
    terms = []
    for reader in readers[source]:
        local = formula.quotient(formula.plain(reader), formula.plain(source))
        is_value = reader == formula.value
        terms.append(local if is_value else f"{formula.derivative(reader)}{local}")
    return " + ".join(terms) + " = "


def _escaped(text: str) -> str:
    return text.replace("_", r"\_")
