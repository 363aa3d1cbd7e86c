"""The parts of a gradient by the operations and values that they come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from autograd_lite.backward import propagate
from autograd_lite.check.marking.assignments import is_unnamed
from autograd_lite.check.marking.chain_rule import Arrays, ForwardGraph, going_on
from autograd_lite.check.marking.edits.trees import SLOPE, THROUGH, is_broadcast
from autograd_lite.check.marking.evidence import Evidence, is_several, without_value
from autograd_lite.graph import Node
from autograd_lite.tensor import Tensor

USES_LIMIT = 6
"""The parts that come from each operation are computed for up to this many operations."""

STATISTICS_LIMIT = 4
"""Up to this many values are tried as constants by themselves."""


def parts_of(
    evidence: Evidence, key: str, values: Mapping[str, np.ndarray], factor: float, scale: float
) -> Arrays:
    """The part of a tensor's gradient that comes from each of the nearest later gradients.

    With them are the parts from each operation on the tensor, and those through statistics of it.
    """
    forward = evidence.forward
    passed = going_on(forward, evidence.own(values), 1)
    own = {k: g for k, g in passed.items() if k != key}
    nothing = {k: np.zeros_like(g) for k, g in own.items()}
    direct = forward.gradients(nothing)[key]
    parts = {"the loss itself": direct * scale}
    for other in forward.after(key, own):
        alone = forward.gradients(nothing | {other: own[other]})[key]
        parts[other] = (alone - direct) * (scale / factor)
    passed_on = {k: g / factor for k, g in own.items()}
    parts |= _by_use(evidence, key, passed_on, scale)
    parts |= _through_statistics(evidence, key, passed_on, scale)
    return parts if len(parts) > 1 else {}


def _by_use(evidence: Evidence, key: str, passed: Arrays, scale: float) -> Arrays:
    """The part that comes from each operation on a tensor, where there are several."""
    users = _users_of(evidence, key)
    if not 1 < len(users) <= USES_LIMIT or any(map(is_several, users)):
        return {}
    uses = {f"use {i}": without_value(user) for i, user in enumerate(users)}
    nothing = {name: np.zeros(use.shape) for name, use in uses.items()}
    parts: Arrays = {}
    for (name, _), user in zip(uses.items(), users, strict=True):
        others = {k: g for k, g in nothing.items() if k != name}
        part = _gradient(evidence, key, passed, uses, others) * scale
        called = _name_after(evidence, user)
        parts[called] = part + parts[called] if called in parts else part
    return parts


def _users_of(evidence: Evidence, key: str) -> list[Node]:
    """The operations on a tensor; of one that is only selected from, those on the selection."""
    node: Any = evidence.forward.tensors[key]._node
    while True:
        users = [n for n in evidence.graph.nodes if any(p is node for p in n.parents or ())]
        if len(users) != 1 or len(users[0].parents or ()) != 1:
            return users
        node = users[0]


def _gradient(
    evidence: Evidence, key: str, passed: Arrays, tensors: Mapping[str, Tensor], given: Arrays
) -> np.ndarray:
    """The gradient of a step's tensor if `given` arrives at further tensors."""
    forward = ForwardGraph(evidence.recording.loss, {**evidence.forward.tensors, **tensors})
    return forward.gradients(passed | given)[key]


def _through_statistics(evidence: Evidence, key: str, passed: Arrays, scale: float) -> Arrays:
    """The part that comes through means, variances and other values that are smaller.

    It is missing where they are taken for constants, each by itself or all of them.
    """
    statistics = dict(_statistics(evidence, key))
    if not statistics:
        return {}
    tensors = {f"statistic {name}": tensor for name, tensor in statistics.items()}
    zeros = {name: np.zeros(tensor.shape) for name, tensor in tensors.items()}
    whole = _gradient(evidence, key, passed, tensors, {})
    groups = [[name] for name in statistics]
    groups += [[*statistics]] if len(statistics) > 1 else []
    parts: Arrays = {}
    for group in groups:
        constant = {f"statistic {name}": zeros[f"statistic {name}"] for name in group}
        rest = _gradient(evidence, key, passed, tensors, constant)
        if np.any(rest):
            parts[f"{THROUGH}{_listed(group)}"] = (whole - rest) * scale
    return parts


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)


def _statistics(evidence: Evidence, key: str) -> Iterator[tuple[str, Tensor]]:
    """The named values that are computed from a tensor and broadcast with it, but are smaller."""
    tensor = evidence.forward.tensors[key]
    known = {t._node for t in evidence.forward.tensors.values()} | {evidence.graph.root}
    later = _computed_from(evidence, tensor)
    found: dict[str, Tensor] = {}
    for event in evidence.recording.events:
        value = event.value
        if not isinstance(value, Tensor) or value._node in known or is_unnamed(event.name):
            continue
        if id(value._node) in later and value.size < tensor.size:
            if is_broadcast(value.shape, tensor.shape):
                found.setdefault(event.name, value)
    yield from list(found.items())[:STATISTICS_LIMIT]


def _computed_from(evidence: Evidence, tensor: Tensor) -> set[int]:
    """The nodes of the graph that are computed from a tensor, by `id`."""
    reached = {id(tensor._node)}
    for node in reversed(evidence.graph.nodes):
        if any(id(p) in reached for p in node.parents or ()):
            reached.add(id(node))
    return reached - {id(tensor._node)}


def _name_after(evidence: Evidence, node: Node) -> str:
    """The name of the nearest value computed from a node, or else that of its operation."""
    graph = evidence.graph
    names = {id(getattr(e.value, "_node", None)): e.name for e in evidence.recording.events}
    reached = {id(node)}
    for later in reversed(graph.nodes[: graph.places[node] + 1]):
        if id(later) in reached or any(id(p) in reached for p in later.parents or ()):
            if id(later) in names and not is_unnamed(names[id(later)]):
                return names[id(later)]
            reached.add(id(later))
    return str(node.plan.operation.name)


def slopes_of(evidence: Evidence, related: Mapping[str, frozenset[str]]) -> Arrays:
    """The derivative of each activation with respect to what it is applied to, by both names."""
    tensors = {
        e.name: e.value for e in evidence.recording.events if isinstance(e.value, Tensor)
    } | {i.name: i.tensor for i in evidence.recording.inputs}
    found: Arrays = {}
    for name, sources in related.items():
        for source in sources:
            one, other = tensors.get(name), tensors.get(source)
            if one is None or other is None or one.shape != other.shape:
                continue
            if id(one._node) not in _computed_from(evidence, other):
                continue
            node: Any = other._node
            arrived = propagate(one._node, np.ones(one.shape, one.dtype), targets=[node])  # type: ignore[arg-type]
            slope = arrived.get(node)
            if isinstance(slope, np.ndarray):
                found[f"{SLOPE}{name} by {source}"] = np.array(slope)
    return found
