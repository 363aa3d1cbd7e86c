"""Derivations written out: statements, modules and equations."""

from autograd_lite.derivation.derivation import Derivation, derive

__all__ = ["Derivation", "derive"]
