"""The activations among named tensors: element-wise, non-linear functions of other tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.check.marking.steps import Known
from autograd_lite.functions import Traits, traits
from autograd_lite.graph import Leaf, Node


def activations(known: Known) -> dict[str, frozenset[str]]:
    """For each activation, the named tensors to which it applies a non-linear function."""
    at: dict[Any, list[str]] = {}
    for name, versions in known.versions.items():
        at.setdefault(versions[-1]._node, []).append(name)
    return {
        name: frozenset(_activated(versions[-1]._node, at))
        for name, versions in known.versions.items()
        if isinstance(versions[-1]._node, Node)
    }


def _activated(node: Node, at: dict[Any, list[str]]) -> list[str]:
    """The named tensors of which a node is an element-wise, non-linear function."""
    found: list[str] = []
    stack = [(node, False)]
    # A value may be reached in two ways, as x in `x * sigmoid(x)`.
    seen: set[tuple[Node | Leaf, bool]] = set()
    while stack:
        operation, bent = stack.pop()
        if not _traits_of(operation).elementwise:
            continue
        bent = bent or _is_bent(operation)
        for parent in operation.parents or ():
            if not isinstance(parent, (Node, Leaf)) or (parent, bent) in seen:
                continue
            seen.add((parent, bent))
            if parent.shape == node.shape:
                found += at.get(parent, []) if bent else []
                stack += [(parent, bent)] if isinstance(parent, Node) else []
    return found


def _traits_of(node: Node) -> Traits:
    return traits(node.plan.operation.function)


def _is_bent(node: Node) -> bool:
    """Whether an element-wise operation is non-linear, or multiplies by a mask."""
    if _traits_of(node).linear is None:
        return True
    return any(getattr(parent, "dtype", None) == np.bool_ for parent in node.parents or ())
