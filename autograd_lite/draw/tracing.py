"""A function of example inputs as the Tensor that it computes, with its local names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite.check.watch import watch
from autograd_lite.tensor import Tensor
from autograd_lite.transforms import map_leaves


def traced(function: Callable[..., Any], inputs: tuple[Any, ...]) -> Any:
    """What `function(*inputs)` returns, recorded; of a tuple its first, as of (loss, cache).

    Arrays among the inputs are copied into Tensors. They require grad only where the function has
    no parameters of its own that do, such as those of a module. Tensors that have no name get that
    of the local variable which holds them, `Z1`, or of the entry `Z["1"]` of a local dict.
    """
    result = None
    for requires_grad in (False, True):
        arguments = tuple(map_leaves(_as_tensor(requires_grad), value) for value in inputs)
        run = watch(function, arguments)
        if run.error is not None:
            raise run.error
        result = run.returned[0] if type(run.returned) is tuple else run.returned
        if isinstance(result, Tensor) and result.requires_grad:
            for name, assigned in run.variables.items():
                if isinstance(assigned.value, Tensor) and assigned.value.name is None:
                    assigned.value.name = name
            break
    return result


def _as_tensor(requires_grad: bool) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        if isinstance(value, (np.ndarray, np.floating)) and value.dtype.kind in "fc":
            return Tensor(value, requires_grad)
        if requires_grad and isinstance(value, float):
            return Tensor(value, True)
        return value

    return convert
