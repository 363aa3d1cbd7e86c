"""Names for what a signature takes and gives where no type can say it.

To a type checker each is `Any`: an array of another library shares no class with NumPy's, and the
dtype and the shape of an array are known when it is there.
"""

from __future__ import annotations

from typing import Any

Array = Any
"""A NumPy array or scalar, or an array of another library that speaks NumPy's protocols."""

ArrayLike = Any
"""What becomes an array: an array, a number, nested lists of numbers, a tensor."""

Operand = Any
"""What a recorded operation computes with: a tensor, an array, or a Python number."""

Tree = Any
"""Operands in nested lists, tuples, dicts and dataclasses, as `trees` walks them; one alone too."""

Index = Any
"""What stands between brackets, as NumPy takes it."""

Kept = Any
"""What a node keeps for its rules: a tuple in the order that its operation says."""

Gradient = Any
"""An array, or a gradient of `gradients` that is none; a tensor where derivatives are recorded."""
