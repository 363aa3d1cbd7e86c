"""Derivative rules as formulas in the names of a picture."""

from autograd_lite.pictures.formulas.formula import Formula, formula

__all__ = ["Formula", "formula"]
