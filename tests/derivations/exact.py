"""The gradients of the correct passes by automatic differentiation."""

import functools
from typing import Any

import numpy as np

import autograd_lite as al
from derivations.passes import Pass
from derivations.running import Values, call, gradients_of, load, named


def as_tensors(value: Any) -> Any:
    """Every array of an input as a Tensor that requires grad."""
    if isinstance(value, dict):
        return {name: as_tensors(entry) for name, entry in value.items()}
    return al.Tensor(value, requires_grad=True)


@functools.cache
def recorded(passed: Pass) -> tuple[al.Tensor, dict[str, al.Tensor]]:
    """The loss, and the tensors in the order of the forward pass by the names of gradients."""
    forward, _ = load(passed.source, passed.name)
    returned, variables = call(forward, *map(as_tensors, passed.make_inputs()))
    loss = returned[0] if isinstance(returned, tuple) else returned
    found = named(variables)
    return loss, {name: found[name[1:]] for name in passed.gradients}


def exact_gradients(passed: Pass) -> Values:
    """What autodiff gives under the names of the pass: of the mean loss, in every convention."""
    loss, tensors = recorded(passed)
    return dict(zip(tensors, al.gradients(loss, list(tensors.values())), strict=True))


def wrong_by_propagation(passed: Pass, given: Values) -> set[str]:
    """The gradients whose own line is wrong, found without reading the source.

    Autodiff carries the error of each line on to all that lie before it in the forward pass. What
    is still off there is the error of another line. An error of shape cannot be carried on.
    """
    count = sample_count(passed) if passed.convention == "summed" else 1
    scale = {name: count if name in passed.parameters else 1 for name in given}
    off = {n: np.array(e) * count for n, e in exact_gradients(passed).items()}
    wrong: set[str] = set()
    for name in backward_order(passed):
        value = given[name] * scale[name]
        if value.shape != off[name].shape:
            wrong.add(name)
            continue
        error = value - off[name]
        if np.max(np.abs(error)) <= 1e-9 * max(np.max(np.abs(value)), np.max(np.abs(off[name]))):
            continue
        wrong.add(name)
        for other, carried in carried_on(passed, name, error).items():
            off[other] = off[other] + carried
    return wrong


@functools.cache
def backward_order(passed: Pass) -> list[str]:
    """The gradients so that each comes after those that it is computed from."""
    _, tensors = recorded(passed)
    later = {name: set(reached_from(passed, name)) for name in tensors}
    return sorted(tensors, key=lambda name: -len(later[name]))


@functools.cache
def reached_from(passed: Pass, name: str) -> tuple[str, ...]:
    """The other gradients that one flows into."""
    _, tensors = recorded(passed)
    if tensors[name].is_leaf:
        return ()
    ones = np.random.default_rng(0).normal(size=tensors[name].shape)
    others = [other for other in tensors if other != name]
    found = al.gradients(tensors[name], [tensors[o] for o in others], gradient=ones)
    return tuple(o for o, g in zip(others, found, strict=True) if np.any(g))


def carried_on(passed: Pass, name: str, error: np.ndarray) -> Values:
    """What an error in one gradient adds to those that it flows into."""
    _, tensors = recorded(passed)
    others = reached_from(passed, name)
    if not others:
        return {}
    found = al.gradients(tensors[name], [tensors[o] for o in others], gradient=error)
    return dict(zip(others, found, strict=True))


def derived_gradients(passed: Pass) -> Values:
    """What the backward pass gives."""
    forward, backward = load(passed.source, passed.name)
    inputs = passed.make_inputs()
    returned = forward(*inputs)
    args = (returned[1],) if isinstance(returned, tuple) else inputs
    return gradients_of(backward, args, passed.gradients)


@functools.cache
def sample_count(passed: Pass) -> int:
    """N, by which the cost is divided."""
    forward, _ = load(passed.source, passed.name)
    _, variables = call(forward, *passed.make_inputs())
    return int(variables["N"] if "N" in variables else variables["m"])
