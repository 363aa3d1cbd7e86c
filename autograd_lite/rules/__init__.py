"""Derivative rules: a file per family of functions, each rule a line of plain NumPy."""

__all__ = []
