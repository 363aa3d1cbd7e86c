"""What a page has to show: the loss and its gradients by name, for inputs that were changed."""

import numpy as np

import autograd_lite as al
from autograd_lite.arrays.trees import leaves_of, map_leaves
from autograd_lite.program.arguments import flatten, names_of


def gradients_by_name(sheet, function, inputs):
    """The loss and its gradients, by the engine, and by name."""
    recorded = sheet._content.recorded
    names = [recorded.name_of(leaf) for leaf in recorded.wrt]
    tensors = map_leaves(
        lambda v: al.Tensor(v, requires_grad=True) if np.asarray(v).dtype.kind == "f" else v, inputs
    )
    by_name = dict(zip(names_of_inputs(function, inputs), leaves_of(tensors), strict=True))
    result = function(*tensors)
    result = result[0] if isinstance(result, tuple) else result
    result.backward()
    return float(result._value), {name: by_name[name].grad for name in names}


def names_of_inputs(function, inputs):
    """The names of the inputs in their order."""
    return [name.name for name in names_of(flatten((inputs, {}), []), function)]


def values_by_name(sheet, function, inputs):
    """The loss and its gradients, by another sheet, and by name."""
    content = al.sheet(function, *inputs)._content
    recorded, computation = content.recorded, content.computation
    loss = float(content.values[content.loss])
    return loss, {
        recorded.name_of(leaf): np.asarray(content.values[computation.total[leaf]])
        for leaf in recorded.wrt
    }
