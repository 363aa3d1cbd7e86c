"""Derivative rules: a file per family of functions, each rule a line of plain NumPy."""

from autograd_lite.rules import (
    elementwise,
    gating,
    indexing,
    linalg,
    reductions,
    shaping,
    special,
)
from autograd_lite.rules.registry import (
    COMPOSITES,
    NON_DIFFERENTIABLE,
    OPERATIONS,
    REFUSED,
    Operation,
    Parts,
    Plan,
    Recordable,
    defvjp,
    non_differentiable,
    primitive,
)

__all__ = [
    "COMPOSITES",
    "NON_DIFFERENTIABLE",
    "OPERATIONS",
    "REFUSED",
    "Operation",
    "Parts",
    "Plan",
    "Recordable",
    "defvjp",
    "elementwise",
    "gating",
    "indexing",
    "linalg",
    "non_differentiable",
    "primitive",
    "reductions",
    "shaping",
    "special",
]
