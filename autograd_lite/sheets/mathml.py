"""Formulas as MathML Core, which browsers display without a library.

An element is a list of its name and its children, which are text or elements. A page builds it
element by element, so that no text of a person's is read as markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from autograd_lite.derivation.notation import GREEK, Formula, Notation

Element = list[Any]

_LETTERS = "α β γ δ ε ζ η θ ι κ λ μ ν ξ π ρ σ τ φ χ ψ ω".split()
_GREEK = dict(zip(GREEK, _LETTERS, strict=True))
_SIGNS = {"-": "−", "*": "⊙", ">=": "≥", "<=": "≤", "!=": "≠", "d": "∂", ".": "·"}


class MathML(Notation[Element]):
    """The notation of MathML Core."""

    def name(self, word: str, below: str = "") -> Element:
        shown: Element = ["mi", _GREEK.get(word, word)]
        return ["msub", shown, ["mn", below]] if below else shown

    def text(self, text: str) -> Element:
        return ["mtext", text]

    def number(self, text: str) -> Element:
        return ["mn", text]

    def sign(self, sign: str) -> Element:
        return ["mspace"] if sign == " " else ["mo", _SIGNS.get(sign, sign)]

    def row(self, parts: Sequence[Element]) -> Element:
        return ["mrow", *parts]

    def fraction(self, above: Element, below: Element) -> Element:
        return ["mfrac", above, below]

    def raised(self, base: Element, exponent: Element) -> Element:
        return ["msup", base, exponent]

    def lowered(self, base: Element, index: str) -> Element:
        return ["msub", base, ["mtext", index]]

    def transposed(self, base: Element) -> Element:
        return ["msup", base, ["mo", "⊤"]]

    def root(self, inner: Element) -> Element:
        return ["msqrt", inner]

    def enclosed(self, inner: Element, kind: str = "()") -> Element:
        return ["mrow", ["mo", kind[0]], inner, ["mo", kind[1]]]

    def function(self, name: str) -> Element:
        return ["mi", _GREEK.get(name, name)]

    def total(self, axis: str) -> Element:
        shown: Element = ["mo", "∑"]
        return ["msub", shown, ["mtext", f"axis {axis}"]] if axis else shown


class Equations:
    """Writes equations; `gradients` maps each gradient to its tensor."""

    def __init__(self, gradients: Mapping[str, str]) -> None:
        self._formula = Formula(MathML(), "J", gradients)

    def equation(self, left: str, text: str, adds: bool = False, index: str = "") -> Element:
        """The equation `left = text`, or with `adds` `left += text`; `index` is one of `left`."""
        target = self._formula.name(left)
        if index:
            target = self._formula.notation.lowered(target, index)
        right = self._formula.written(text)
        parts = right[1:] if right[0] == "mrow" else [right]
        return ["math", target, ["mo", "+=" if adds else "="], *parts]
