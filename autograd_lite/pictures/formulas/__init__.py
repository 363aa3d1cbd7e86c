"""Derivative rules as formulas, read from their own source."""

from autograd_lite.pictures.formulas.formula import Formula, formula

__all__ = ["Formula", "formula"]
