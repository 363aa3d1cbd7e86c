"""Names that do not say whose gradient a value is, and what the value is instead."""

from __future__ import annotations

import numpy as np

from autograd_lite.check.marking.assignments import update_of
from autograd_lite.check.marking.chain_rule import Interpretation
from autograd_lite.check.marking.evidence import Arrived, Evidence
from autograd_lite.check.marking.execution import Event, Execution
from autograd_lite.check.marking.parts import parts_of
from autograd_lite.check.marking.steps import Known, Step
from autograd_lite.graph import Node
from autograd_lite.tensor import Tensor


def with_opposite_steps(evidence: Evidence, interpretation: Interpretation) -> Interpretation:
    """Reads a step as minus the gradient that its name says, where that leaves fewer faults.

    An example is `dmu = dxc.sum(axis=0)` for `xc = x - mu`, followed by `dx = dxc - dmu / N`.
    Returns the interpretation with these steps.
    """
    # Later steps are tried first, because fewer gradients follow from them.
    steps = [s for s in evidence.steps if s.event is not None]
    for step in sorted(steps, key=lambda s: s.event.serial, reverse=True):  # type: ignore[union-attr]
        # A step that follows from a step of the wrong sign may become right by chance.
        is_unfounded = step.key in interpretation.unfounded
        if not is_unfounded or step.final or step.named or evidence.places[step.key][0] != "node":
            continue
        step.is_opposite = True
        other = evidence.read({s.key: s.value for s in evidence.steps})
        now, before = other.faults(evidence.lines), interpretation.faults(evidence.lines)
        # A wrong sign from which nothing follows is a mistake.
        follows = bool(interpretation.unfounded - other.unfounded - {step.key}) or now[0] > 0
        if follows and now[0] < before[0] and now[1] < before[1]:
            interpretation = other
        else:
            step.is_opposite = False
    return interpretation


PLACES_LIMIT = 24
"""So many pairs of a value and a tensor are tried for a name that is bound several times."""


def take_other_places(
    evidence: Evidence, interpretation: Interpretation, known: Known, back: Execution
) -> None:
    """Reads a name that is bound several times as another of its values, if that fits better.

    In the derivation an earlier value may be the gradient, from which the last one was made. In the
    forward pass the gradient may be that of an earlier value: with `S = S - S.max()` a derivation
    goes on from `dS` as the gradient of the first `S`, because the maximum has no part in it. And
    `dy` may be that of `y_pred`, where y is data.
    """
    for step in evidence.steps:
        if interpretation.status[step.key] != "wrong":
            continue
        handed = step.event
        kept = step.value, step.event, step.of
        longer = {} if _is_handed_in(step, evidence, back) else _called_longer(step, known)
        places = _other_places(step, evidence)
        places += [(step.value, step.event, tensor) for tensor in longer.values()]
        for value, event, tensor in places:
            evidence.place(step, value, event, tensor)
            other = evidence.read({s.key: s.value for s in evidence.steps})
            if other.faults(evidence.lines) < interpretation.faults(evidence.lines):
                interpretation, kept = other, (value, event, tensor)
        evidence.place(step, *kept)
        step.is_earlier = step.event is not handed
        step.tensor = next((n for n, tensor in longer.items() if tensor is step.of), step.tensor)


def _is_handed_in(step: Step, evidence: Evidence, back: Execution) -> bool:
    """Whether a step is returned, kept in an attribute, or changes what it belongs to, or nothing
    of the derivation is.
    """
    moved = _moved_names(back)
    if step.entry is not None or step.is_attribute or step.named or step.tensor in moved:
        return True
    return not moved and all(s.entry is None for s in evidence.steps)


def _moved_names(back: Execution) -> set[str]:
    """The names of what the derivation's updates change."""
    return {e.name for e in back.events if update_of(e.place.statement) is not None}


def _called_longer(step: Step, known: Known) -> dict[str, Tensor]:
    """The last values of the forward pass whose names begin with that of a step's input."""
    if step.of is None or step.tensor not in known.inputs:
        return {}
    return {
        name: versions[-1]
        for name, versions in known.versions.items()
        if name.startswith(step.tensor) and name not in known.inputs
        if versions[-1].shape == step.of.shape
    }


def _other_places(
    step: Step, evidence: Evidence
) -> list[tuple[np.ndarray, Event | None, Tensor | None]]:
    arrivals = evidence.graph.arrivals()
    values = [(e.array, e) for e in step.earlier if np.shape(e.value) == step.value.shape]
    tensors = [step.of]
    if not step.final and step.of is not None:
        same = [v for v in step.others if v is not step.of and v.shape == step.of.shape]
        tensors += [v for v in same if v._node in arrivals]
    pairs = [
        (v, e, tensor)
        for tensor in tensors
        for v, e in ((step.value, step.event), *values)
        if v is not None and (e is not step.event or tensor is not step.of)
    ]
    return pairs[:PLACES_LIMIT]


def without_misleading_names(
    evidence: Evidence, interpretation: Interpretation, back: Execution
) -> list[Step]:
    """Removes the steps that are not the gradients which their names say, and returns them.

    An example is `dy` for the gradient before a softmax that gave `y`: wrong as named, while the
    gradients that follow from it are right.
    """
    left: list[Step] = []
    faults = interpretation.faults(evidence.lines)
    for step in list(evidence.steps):
        if interpretation.status.get(step.key) != "wrong" or step.named:
            continue
        is_handed_in = _is_handed_in(step, evidence, back)
        if step.final and (is_handed_in or evidence.places[step.key][0] == "node"):
            continue
        without = evidence.without(step)
        if not without.steps:
            continue
        other = without.read({s.key: s.value for s in without.steps})
        now = other.faults(without.lines)
        is_node = evidence.places[step.key][0] == "node"
        is_better = is_node and now < faults and (not now[0] or now[1] < faults[1] - 1)
        # Such as `da` for the gradient before an activation, and `dy` for that of a prediction.
        is_told = _is_of_another(step, without, other) or _is_part(
            step, evidence, interpretation, back
        )
        if is_better or (now[0] < faults[0] and is_told):
            evidence.drop(step)
            left.append(step)
            interpretation, faults = other, now
    return left


def _is_of_another(step: Step, evidence: Evidence, interpretation: Interpretation) -> bool:
    """Whether a step is the gradient of another node than the one that it is called after."""
    if step.value.size < 2:
        return False
    arrived = Arrived(evidence, interpretation)
    # In `np.exp(-x @ W)` there is no value before the sign.
    found = (arrived.node_of(step.value), arrived.node_of(-step.value))
    own = None if step.of is None else step.of._node
    return any(isinstance(node, Node) and node is not own for node in found)


def _is_part(
    step: Step, evidence: Evidence, interpretation: Interpretation, back: Execution
) -> bool:
    """Whether a step is one part of a gradient whose whole is computed as well: dx2 beside dx."""
    same = evidence.tolerance.same
    values = {s.key: s.value for s in evidence.steps}
    scale = interpretation.scales[step.key]
    parts = parts_of(evidence, step.key, values, interpretation.factor, scale)
    own = evidence.own(values)[step.key]
    if not np.any(own) or not any(same(own, part) for part in parts.values()):
        return False
    whole = interpretation.truth[step.key]
    arrays = (e.array for e in back.events)
    return any(a is not None and a.shape == whole.shape and same(a, whole) for a in arrays)
