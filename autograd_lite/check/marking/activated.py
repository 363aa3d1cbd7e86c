"""The activations among named tensors: element-wise, non-linear functions of other tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.check.marking.steps import Known
from autograd_lite.functions import Traits, traits
from autograd_lite.graph import Leaf, Node


def activations(known: Known, in_all: bool = False) -> dict[str, frozenset[str]]:
    """For each activation, the named tensors to which it applies a non-linear function.

    These are the nearest ones; with `in_all` also those before them, and those that it reads beside
    the result of another one, as in `x * sigmoid(x)`.
    """
    at: dict[Any, list[str]] = {}
    for name, versions in known.versions.items():
        at.setdefault(versions[-1]._node, []).append(name)
    return {
        name: frozenset(_activated(versions[-1]._node, at, in_all))
        for name, versions in known.versions.items()
        if isinstance(versions[-1]._node, Node)
    }


def _activated(node: Node, at: dict[Any, list[str]], in_all: bool) -> list[str]:
    """The named tensors of which a node is an element-wise, non-linear function."""
    found: list[str] = []
    stack = [(node, False)]
    seen: set[tuple[Node | Leaf, bool]] = set()
    while stack:
        operation, bent = stack.pop()
        if not _traits_of(operation).elementwise:
            continue
        bent = bent or _is_bent(operation)
        for parent in operation.parents or ():
            if not isinstance(parent, (Node, Leaf)) or (parent, bent and in_all) in seen:
                continue
            seen.add((parent, bent and in_all))
            if parent.shape == node.shape:
                found += at.get(parent, []) if bent else []
                if isinstance(parent, Node) and (in_all or parent not in at):
                    stack.append((parent, bent))
    return found


def _traits_of(node: Node) -> Traits:
    return traits(node.plan.operation.function)


def _is_bent(node: Node) -> bool:
    """Whether an element-wise operation is non-linear, or multiplies by a mask."""
    if _traits_of(node).linear is None:
        return True
    return any(getattr(parent, "dtype", None) == np.bool_ for parent in node.parents or ())
