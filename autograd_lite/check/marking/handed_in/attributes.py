"""Gradients in attributes of the objects whose methods ran."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autograd_lite.check.marking.forward import path_name
from autograd_lite.check.marking.handed_in.finder import Finder
from autograd_lite.check.marking.returned import checked_loosely
from autograd_lite.check.marking.steps import Step
from autograd_lite.check.marking.world import paths_of
from autograd_lite.check.names import is_gradient_name, tensor_among


def by_attributes(finder: Finder) -> None:
    """Attributes of the objects whose methods run: layer.dW, layer.grads[0]."""
    world = finder.back.world
    roots = {k: world.roots[k] for k in ("backward", "inputs", "arguments") if k in world.roots}
    before = {
        path: value
        for path, value in paths_of(finder.setting.base.roots.get("backward"), ("self",))
    }
    given: set[Any] = set()
    unset: dict[tuple[Any, ...], np.ndarray] = {}
    for root in roots.values():
        start = ("self",) if root is roots.get("backward") else ()
        for path, value in paths_of(root, start, again=True):
            array = checked_loosely(value)
            if array is None or not path or path[0] != "self":
                continue
            old = before.get(path)
            if old is not None and np.shape(old) == array.shape and np.array_equal(old, array):
                if array.size and not np.any(array):
                    unset[path] = array
                continue
            given.add(path[-1])
            _by_attribute(finder, path, array)
    for path, array in unset.items():
        # Others of its name were set: a layer was left out.
        if path[-1] in given and is_gradient_name(str(path[-1])):
            _by_attribute(finder, path, array, is_set=False)


def _likeliest(name: str, tensors: Iterable[str]) -> str | None:
    """The parameters that a name means, as `grad_b` the `biases`, or the first ones."""
    others = [n for n in tensors if n != name] or list(tensors)
    start = name.lower().split("_")[-1].removeprefix("d")
    return next(iter([*(n for n in others if n.lower().startswith(start)), *others]), None)


def _by_attribute(
    finder: Finder, path: tuple[Any, ...], array: np.ndarray, is_set: bool = True
) -> None:
    name = path_name(path)
    siblings = {i.path: n for n, i in finder.known.inputs.items()}
    tensor = None
    beside = {k[-1]: n for k, n in siblings.items() if k[:-1] == path[:-1] and k}
    used = {n for n, i in finder.known.inputs.items() if i.tensor._node in finder.truth}
    called = tensor_among(str(path[-1]), beside)
    if called is not None:
        tensor = beside[called]
    elif str(path[-1]).lower() not in ("grad", "gradient"):
        # In layer.grad_weight the gradient of layer.weight.value.
        objects = {k[-2]: n for k, n in siblings.items() if k[:-2] == path[:-1] and n in used}
        called = tensor_among(str(path[-1]), [k for k in objects if isinstance(k, str)])
        tensor = objects.get(called)
    else:
        # A parameter that is an object keeps its gradient beside its data.
        data = [n for n in beside.values() if n in used]
        tensor = data[0] if len(data) == 1 else None
    if tensor is None and len(path) > 1 and is_gradient_name(str(path[-2])):
        same = {
            str(p[-2]): n
            for p, n in siblings.items()
            if len(p) == len(path) and p[:-2] == path[:-2] and p[-1] == path[-1]
        }
        # Beside self.db[1] stand self.W[1] and self.b[1], beside self.grads[1] self.params[1].
        called = tensor_among(str(path[-2]), same) or _likeliest(str(path[-2]), same)
        tensor = same[called] if called else finder.tensor_of(str(path[-1]), True)
    if tensor is None and is_gradient_name(str(path[-1])):
        found = finder.tensor_of(name)
        tensor = found if found in finder.known.inputs else None
    if tensor is None and is_set:
        _leave_open(finder, name, array, path)
    if tensor is None or tensor not in finder.known.versions:
        return
    if not is_set:
        source = finder.known.inputs.get(tensor)
        if source is None or not np.any(finder.truth.get(source.tensor._node, 0)):
            return
    handed_in_by = finder.handed_in_by(name, array, path) if is_set else None
    event = None if handed_in_by is None else finder.origin(handed_in_by)
    known = [s for s in finder.steps if s.tensor == tensor and np.array_equal(s.value, array)]
    if not known:
        versions = finder.known.versions[tensor]
        of = finder.best(array, versions)
        known = [Step(name, tensor, array, event, of, True, others=versions)]
        finder.add(known[0])
    for step in known:
        step.is_attribute, step.path = True, path
        step.handed_in_by = handed_in_by or step.handed_in_by


def _leave_open(finder: Finder, name: str, array: np.ndarray, path: tuple[Any, ...]) -> None:
    """Leaves what is called a gradient, and is read no more, to be placed.

    Examples are `self.grad_mu` for `encoder_mu`, and an item of `self.gradients`.
    """
    event = finder.handed_in_by(name, array, path)
    if event is None or array.size < 2:
        return
    is_item = isinstance(path[-1], int) and is_gradient_name(str(path[-2]))
    is_result = "." in event.path and not finder.reads(event.path, event)
    if not is_item and not (is_result and is_gradient_name(str(path[-1]))):
        return
    if not any(np.array_equal(s.value, array) for s in [*finder.steps, *finder.open]):
        step = Step(name, "", array, finder.origin(event), None, final=True)
        step.is_attribute, step.path, step.handed_in_by = True, path, event
        finder.open.append(step)
