"""The gradients of the correct passes by automatic differentiation."""

from typing import Any

import autograd_lite as al
from derivations.passes import Pass
from derivations.running import Values, call, gradients_of, load, named


def as_tensors(value: Any) -> Any:
    """Every array of an input as a Tensor that requires grad."""
    if isinstance(value, dict):
        return {name: as_tensors(entry) for name, entry in value.items()}
    return al.Tensor(value, requires_grad=True)


def exact_gradients(passed: Pass) -> Values:
    """What autodiff gives under the names of the pass: of the mean loss, in every convention."""
    forward, _ = load(passed.source, passed.name)
    returned, variables = call(forward, *map(as_tensors, passed.make_inputs()))
    loss = returned[0] if isinstance(returned, tuple) else returned
    found = named(variables)
    tensors = [found[name[1:]] for name in passed.gradients]
    return dict(zip(passed.gradients, al.gradients(loss, tensors), strict=True))


def derived_gradients(passed: Pass) -> Values:
    """What the backward pass gives."""
    forward, backward = load(passed.source, passed.name)
    inputs = passed.make_inputs()
    returned = forward(*inputs)
    args = (returned[1],) if isinstance(returned, tuple) else inputs
    return gradients_of(backward, args, passed.gradients)


def sample_count(passed: Pass) -> int:
    """N, by which the cost is divided."""
    forward, _ = load(passed.source, passed.name)
    _, variables = call(forward, *passed.make_inputs())
    return int(variables["N"] if "N" in variables else variables["m"])
