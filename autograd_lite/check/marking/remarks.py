"""The remarks of a report: conventions, checks by finite differences, and a lack of verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from autograd_lite.check.marking.chain_rule import Interpretation, fit
from autograd_lite.check.marking.evidence import Evidence
from autograd_lite.check.marking.perturbation import slope
from autograd_lite.check.marking.steps import Known, Step
from autograd_lite.check.report import RIGHT

CLIPPED = (
    "convention: the gradients are clipped; they are marked as they were before, because clipping "
    "is not part of a derivative"
)
EPSILON = "convention: the derivative leaves out the small number in the loss; that is no mistake"
AMBIGUOUS = (
    "where two causes fit, other inputs tell them apart: with unequal widths, with a number of "
    "samples that is neither 1 nor a width, and with values that have no symmetry"
)
CUT_OFF = "the search for the mistake was cut off; give it more time with seconds=..."


def conventions(
    evidence: Evidence, interpretation: Interpretation, sizes: Mapping[int, str]
) -> Iterator[str]:
    """The conventions of a derivation that are no mistakes, one sentence for each.

    `sizes` describes each length of the data, such as the number of samples.
    """
    status = interpretation.status
    used = [s for s in evidence.steps if status[s.key] == "convention"]
    if evidence.direction == -1:
        yield "convention: descent directions, minus the gradients; that is no mistake"
    if interpretation.factor != 1 and any(interpretation.scales[s.key] != 1 for s in used):
        yield _multiple_of_the_loss(interpretation, sizes)
    at_zero = [s.name for s in used if s.key in interpretation.at_zero]
    if at_zero:
        yield (
            f"convention: {', '.join(at_zero)} takes another derivative at exactly 0, where "
            "there is a kink; that is no mistake"
        )
    opposite = [s for s in evidence.steps if s.is_opposite and status[s.key] in RIGHT]
    if opposite:
        told = dict.fromkeys(f"{s.name} is minus the gradient of {s.tensor}" for s in opposite)
        yield f"convention: {', '.join(told)}, and goes on as such; that is no mistake"
    flat = dict.fromkeys(s.name for s in evidence.steps if _axes_apart(s, evidence) == "first")
    if flat:
        yield (
            f"convention: {', '.join(flat)} lacks the first axis, of length 1; "
            "broadcasting adds it, so that is no mistake"
        )
    for step in (s for s in evidence.steps if _axes_apart(s, evidence) == "other"):
        shape = evidence.forward.tensors[step.key].shape
        yield (
            f"convention: {step.name} has shape {step.value.shape} for {shape}; only the "
            "derivation reads it, so that is no mistake"
        )


def _multiple_of_the_loss(interpretation: Interpretation, sizes: Mapping[int, str]) -> str:
    averaged = interpretation.factor < 1
    size = round(1 / interpretation.factor if averaged else interpretation.factor)
    where = "throughout" if interpretation.everywhere else "until the division in the last step"
    what = sizes.get(size, "a length of the data")
    return (
        f"convention: gradients of {'1/' if averaged else ''}{size} times the loss "
        f"({what}) {where}; that is no mistake"
    )


def _axes_apart(step: Step, evidence: Evidence) -> str:
    """Which axes of length 1 a gradient has otherwise than its tensor: first, other, or none."""
    own, shape = evidence.own({step.key: step.value})[step.key], step.value.shape
    if own.shape == shape or own.size != step.value.size:
        return ""
    return "first" if own.shape[-len(shape) :] == shape else "other"


def third_opinion(
    step: Step, value: np.ndarray, evidence: Evidence, scale: float, known: Known
) -> str | None:
    """A remark on a disputed gradient, from finite differences of the plain forward pass.

    `scale` is the factor on the loss in this gradient. None where the differences cannot be
    computed.
    """
    truth = evidence.truth[step.key]
    fitted = fit(value, truth.shape)
    # Along their difference, the slope tells the two gradients apart.
    direction = np.sign(truth if fitted is None else fitted / scale - truth)
    if not np.any(direction) or not step.tensor:
        return None
    try:
        source = known.inputs.get(step.tensor)
        later = _later_versions(step, known)
        found = slope(evidence.setting, step.tensor, source, direction, later)
    except Exception:
        return None
    if not found or not np.isfinite(found):
        return None
    theirs = None if fitted is None else float(np.sum(fitted / scale * direction))
    ours = float(np.sum(truth * direction))
    near = 1e-4 * max(abs(found), float(np.sum(np.abs(truth * direction))), 1e-8)
    if abs(found - ours) <= near:
        return f"differences of the forward pass confirm the chain rule for {step.name}"
    if theirs is not None and abs(found - theirs) <= near:
        return (
            f"ATTENTION: differences of the forward pass support YOUR {step.name} "
            f"({found:.6g}), not the chain rule ({ours:.6g}). Please report this as a bug of "
            "autograd_lite"
        )
    return (
        f"differences of the forward pass give {found:.6g} for {step.name} along a "
        f"direction in which the chain rule gives {ours:.6g}: is there a kink or a jump "
        "nearby?"
    )


def _later_versions(step: Step, known: Known) -> int:
    """The number of later values with the name of a step's tensor."""
    versions = known.versions.get(step.tensor, [])
    return next((i for i, v in enumerate(reversed(versions)) if v is step.of), 0)


def misnamed_message(step: Step) -> str:
    """The remark on a step that is named after a tensor but is not its gradient."""
    of = f"of {step.tensor}" if step.tensor else "of any value in the forward pass"
    return f"{step.name} is not marked: it is not the gradient {of}"


def silence_of(evidence: Evidence) -> str:
    """The reason why these inputs cannot show that a derivation is right; empty if they can.

    The reason is a loss that is not finite, or a true gradient that is 0 everywhere.
    """
    loss = float(np.asarray(evidence.recording.loss._value).reshape(()))
    if not np.isfinite(loss):
        return (
            f"the loss is {loss} on these inputs, so no gradient can be told right from wrong: "
            "mark the derivation on other inputs"
        )
    if evidence.steps and not any(map(np.any, evidence.truth.values())):
        return (
            "every gradient is 0 on these inputs, even in a wrong derivation, so none can be "
            "called right: mark the derivation on other inputs"
        )
    return ""
