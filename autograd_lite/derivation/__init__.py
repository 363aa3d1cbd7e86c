"""Derivations written out: statements, modules and equations."""

from autograd_lite.derivation.derive import Derivation, derive

__all__ = ["Derivation", "derive"]
