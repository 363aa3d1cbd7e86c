"""Derivative rules: a file per family of functions, each rule a line of plain NumPy."""

from autograd_lite.rules import elementwise, linalg, reductions, shaping, special
from autograd_lite.rules.registry import (
    NON_DIFFERENTIABLE,
    OPERATIONS,
    Operation,
    Plan,
    Recordable,
    defvjp,
    non_differentiable,
    primitive,
)

__all__ = [
    "NON_DIFFERENTIABLE",
    "OPERATIONS",
    "Operation",
    "Plan",
    "Recordable",
    "defvjp",
    "elementwise",
    "linalg",
    "non_differentiable",
    "primitive",
    "reductions",
    "shaping",
    "special",
]
