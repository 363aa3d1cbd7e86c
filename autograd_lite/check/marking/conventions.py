"""Habits that are no mistakes: what people leave out in a derivative, and add to a gradient.

An epsilon in a logarithm and a clipped probability are left out of the derivative; a gradient is
clipped before it is used. Each is undone by an edit, and marked is what is left.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import Any

from autograd_lite.check.marking.edits import swapped
from autograd_lite.check.marking.rewriting import Definition

EPSILON_LIMIT = 1e-3
"""Numbers up to this size count as epsilons, which keep a logarithm or a division finite."""

_EPSILONS = re.compile(r"(?i)_?(eps\w*|tiny|epsilon\w*|small)")


def without_epsilons(definitions: Iterable[Definition]) -> dict[Definition, Any]:
    """The functions that have an epsilon, with 0 in its place."""
    found: dict[Definition, Any] = {}
    for definition in definitions:
        news: dict[int, ast.expr] = {}
        for node in ast.walk(definition.tree):
            if isinstance(node, ast.Constant) and type(node.value) is float:
                if 0 < abs(node.value) <= EPSILON_LIMIT:
                    news[id(node)] = ast.copy_location(ast.Constant(0.0), node)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                if _EPSILONS.fullmatch(node.id):
                    news[id(node)] = ast.copy_location(ast.Constant(0.0), node)
        if news:
            found[definition] = swapped(definition.tree, news)
    return found


def without_clipping(definitions: Iterable[Definition]) -> dict[Definition, Any]:
    """The functions that clip, without the clipping."""
    found: dict[Definition, Any] = {}
    for definition in definitions:
        news: dict[int, Any] = {}
        for node in ast.walk(definition.tree):
            if isinstance(node, ast.Expr) and _clipped(node.value) is not None:
                nothing = ast.copy_location(ast.Pass(), node)
                nothing._place = node._place  # type: ignore[attr-defined]
                news[id(node)] = nothing
            elif isinstance(node, ast.expr) and _clipped(node) is not None:
                news.setdefault(id(node), _clipped(node))
        if news:
            found[definition] = swapped(definition.tree, news)
    return found


def _clipped(node: ast.expr) -> ast.expr | None:
    """What a call of clip is given."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    if node.func.attr != "clip":
        return None
    owner = node.func.value
    if isinstance(owner, ast.Name) and owner.id in ("np", "numpy"):
        return node.args[0] if node.args else None
    return owner
