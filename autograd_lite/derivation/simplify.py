"""Algebra inside element-wise formulas, by SymPy."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autograd_lite.derivation.expressions import Text, raised
from autograd_lite.functions import ATOM, PRODUCT, SIGN, SUM
from autograd_lite.program.ir import Step, Variable
from autograd_lite.program.sizes import Size, SizedFloat, SizedInt
from autograd_lite.rules.special import sigmoid, softplus

SIMPLIFY_LIMIT_OPERATIONS = 24
"""Formulas of up to this many operations are simplified: SymPy takes its time."""


def available() -> bool:
    """Whether SymPy is installed."""
    try:
        import sympy  # noqa: F401
    except ImportError:
        return False
    return True


class Simplifier:
    """Simplifies formulas in terms of `names`.

    `definitions` are element-wise steps whose
    results have names: the formulas may be written by these, `exp(-Z)` as `(1 - A) / A`.
    """

    def __init__(
        self,
        names: Callable[[Variable], Text],
        definitions: Mapping[Variable, Step],
    ) -> None:
        self.names = names
        self.definitions = definitions
        self.symbols: dict[Text, Any] = {}

    def simplified(
        self, variable: Variable, makers: Mapping[Variable, Step], stops: Callable[[Variable], bool]
    ) -> Text | None:
        """The shortest formula found for a value; None if none is shorter.

        `makers` are the steps that may be written out, down to the variables where it `stops`.
        """
        import sympy

        try:
            formula = self._formula(variable, makers, stops)
        except _NotElementwise:
            return None
        if sympy.count_ops(formula) > SIMPLIFY_LIMIT_OPERATIONS:
            return None
        candidates = [formula]
        for start in (formula, self._by_definitions(formula)):
            for step in (sympy.cancel, sympy.factor, sympy.simplify):
                try:
                    candidates.append(step(start))
                except (NotImplementedError, sympy.PolynomialError):
                    continue
        best = min(candidates, key=lambda c: (_cost(c), len(str(c))))
        try:
            return self._printed(best)
        except _NotElementwise:
            return None

    def _symbol(self, text: Text, positive: bool | None = None) -> Any:
        import sympy

        if text not in self.symbols:
            name = f"s{len(self.symbols):03}"
            self.symbols[text] = sympy.Symbol(name, real=True, positive=positive)
        return self.symbols[text]

    def _formula(
        self,
        variable: Variable,
        makers: Mapping[Variable, Step],
        stops: Callable[[Variable], bool],
        top: bool = True,
    ) -> Any:
        step = makers.get(variable)
        if step is None or (not top and stops(variable)):
            return self._symbol(self.names(variable))
        if not top and (step.function not in _functions() or step.options):
            # A mask, a product, a sum: no algebra goes through it.
            return self._symbol(self.names(variable))
        return self._of_step(step, makers, stops)

    def _of_step(
        self, step: Step, makers: Mapping[Variable, Step], stops: Callable[[Variable], bool]
    ) -> Any:
        build = _functions().get(step.function)
        if build is None or step.options:
            raise _NotElementwise
        operands = []
        for argument in step.args:
            if isinstance(argument, Variable):
                operands.append(self._formula(argument, makers, stops, top=False))
            else:
                operands.append(self._number(argument))
        return build(*operands)

    def _number(self, value: Any) -> Any:
        import sympy

        if not isinstance(value, (int, float, np.integer, np.floating)):
            raise _NotElementwise
        if isinstance(value, (SizedInt, SizedFloat)):
            return self._size(value.size)
        half = float(value) * 2
        if half.is_integer():
            return sympy.Rational(int(half), 2)
        return sympy.Float(float(value))

    def _size(self, size: Size) -> Any:
        import sympy

        found = sympy.Rational(size.factor.numerator, size.factor.denominator)
        if size.factor.denominator > 10_000:
            found = sympy.Float(float(size.factor))
        for length, shift, exponent in size.terms:
            base = self._symbol(Text(length.name), positive=True) + shift
            found *= base ** sympy.Rational(int(2 * exponent), 2)
        return found + size.offset

    def _by_definitions(self, formula: Any) -> Any:
        """The formula with exponentials written by the named values that were made of them."""
        import sympy

        for variable, step in self.definitions.items():
            a = self._symbol(self.names(variable))
            argument = step.args[0] if step.args else None
            if not isinstance(argument, Variable):
                continue
            z = self._symbol(self.names(argument))
            if step.function is sigmoid:
                formula = formula.subs({sympy.exp(-z): (1 - a) / a, sympy.exp(z): a / (1 - a)})
            elif step.function in (np.exp, np.tanh, np.sqrt, np.log):
                formula = formula.subs(_functions()[step.function](z), a)
        return formula

    def _printed(self, formula: Any) -> Text:
        texts = {symbol: text for text, symbol in self.symbols.items()}
        return _Printer(texts).text(formula)


class _NotElementwise(Exception):
    """A formula with something in it that is no algebra."""


def _cost(formula: Any) -> int:
    """The number of operations, where those that take long count for more."""
    import sympy

    functions = sum(5 for _ in formula.atoms(sympy.Function))
    return int(sympy.count_ops(formula)) + functions


@functools.cache
def _functions() -> dict[Any, Callable[..., Any]]:
    import operator

    import sympy

    return {
        np.add: operator.add,
        np.subtract: operator.sub,
        np.multiply: operator.mul,
        np.divide: operator.truediv,
        np.negative: operator.neg,
        np.positive: operator.pos,
        np.power: operator.pow,
        operator.pow: operator.pow,
        np.square: lambda x: x**2,
        np.reciprocal: lambda x: 1 / x,
        np.sqrt: sympy.sqrt,
        np.exp: sympy.exp,
        np.log: sympy.log,
        np.sin: sympy.sin,
        np.cos: sympy.cos,
        np.tanh: sympy.tanh,
        np.sinh: sympy.sinh,
        np.cosh: sympy.cosh,
        sigmoid: lambda z: 1 / (1 + sympy.exp(-z)),
        softplus: lambda z: sympy.log(1 + sympy.exp(z)),
    }


class _Printer:
    """Prints SymPy's formulas as NumPy."""

    def __init__(self, texts: Mapping[Any, Text]) -> None:
        self.texts = texts

    def text(self, formula: Any) -> Text:
        import sympy

        if formula.is_Symbol:
            return self.texts[formula]
        if formula.is_Number:
            return self._number(formula)
        if formula.is_Add:
            return self._sum(formula)
        if formula.is_Mul:
            return self._product(formula)
        if formula.is_Pow:
            return self._power(formula)
        if isinstance(formula, sympy.Function) and len(formula.args) == 1:
            name = type(formula).__name__
            return Text(f"np.{name}({self.text(formula.args[0]).text})")
        raise _NotElementwise

    @staticmethod
    def _number(number: Any) -> Text:
        if number.is_Integer:
            return Text(str(int(number)), SIGN if number < 0 else ATOM)
        if number.is_Rational:
            return Text(f"{number.p} / {number.q}", PRODUCT)
        if not number.is_finite:
            raise _NotElementwise
        return Text(repr(float(number)), SIGN if number < 0 else ATOM)

    def _sum(self, formula: Any) -> Text:
        """The positive terms first, so that none begins with a minus if it can be helped."""
        terms = list(formula.as_ordered_terms())
        terms.sort(key=lambda term: term.could_extract_minus_sign())
        shown = self.text(terms[0]).within(SUM)
        for term in terms[1:]:
            if term.could_extract_minus_sign():
                shown += f" - {self.text(-term).within(PRODUCT)}"
            else:
                shown += f" + {self.text(term).within(SUM)}"
        return Text(shown, SUM)

    def _product(self, formula: Any) -> Text:
        numerator, denominator = formula.as_numer_denom()
        if numerator.could_extract_minus_sign():
            inner = self.text(-formula)
            return Text(f"-{inner.within(PRODUCT)}", SIGN if inner.strength > PRODUCT else PRODUCT)
        if denominator == 1:
            factors = [self.text(f) for f in _factors(numerator)]
            return Text(" * ".join(f.within(PRODUCT) for f in factors), PRODUCT)
        top = self.text(numerator)
        return Text(f"{top.within(PRODUCT)} / {self.text(denominator).within(SIGN)}", PRODUCT)

    def _power(self, formula: Any) -> Text:
        import sympy

        base, exponent = formula.args
        if exponent == sympy.Rational(1, 2):
            return Text(f"np.sqrt({self.text(base).text})")
        if exponent.could_extract_minus_sign():
            return Text(f"1 / {self.text(base**-exponent).within(SIGN)}", PRODUCT)
        if base == sympy.E:
            return Text(f"np.exp({self.text(exponent).text})")
        left, right = self.text(base), self.text(exponent)
        return raised(left, right)


def _factors(product: Any) -> list[Any]:
    """Numbers first, sums last."""
    factors = list(product.as_ordered_factors())
    return sorted(factors, key=lambda f: (not f.is_Number, f.is_Add))
