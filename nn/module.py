"""Module: a part of a network that owns parameters and other modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import numpy as np

import autograd_lite as al
from autograd_lite.graph import enclose, next_serial


class Parameter(al.Tensor):
    """A Tensor that requires grad and that a Module owns."""

    __slots__ = ()

    def __init__(self, data: Any, *, dtype: Any = None, name: str | None = None) -> None:
        super().__init__(data, True, dtype=dtype, name=name)


class Module:
    """A part of a network: its parameters are its attributes, and those of its sub-modules.

    A subclass computes in `forward(X)`. Columns of X are samples: X is (features, samples).
    """

    def forward(self, X: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} defines no forward()")

    def __call__(self, X: Any) -> Any:
        first = next_serial()
        result = self.forward(X)
        # So that pictures can draw a box around what the module did.
        enclose(self, first, result)
        return result

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Every parameter once, with its path, such as `layers.0.weight`.

        Parameters are found in attributes, in the lists, tuples and dicts that attributes hold,
        and in the modules among them. A tensor that requires grad counts as one.
        """
        seen: set[int] = set()
        for name, value in vars(self).items():
            yield from _parameters_in(name, value, seen)

    def parameters(self) -> list[Parameter]:
        """Every parameter."""
        return [parameter for _, parameter in self.named_parameters()]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def state_dict(self) -> dict[str, np.ndarray]:
        """The values of all parameters by path, as arrays of the caller's own."""
        return {path: parameter.numpy() for path, parameter in self.named_parameters()}

    def describe(self) -> dict[str, Any]:
        """What a checkpoint says of the module, for people who look into it."""
        return {"model": type(self).__name__, "layout": repr(self)}

    def expected_state(
        self, description: Mapping[str, Any]
    ) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
        """The shape and dtype of every parameter by path; a checkpoint must have the same."""
        return {path: (p.shape, p.dtype) for path, p in self.named_parameters()}

    def load_state_dict(
        self, state: Mapping[str, np.ndarray], description: Mapping[str, Any] | None = None
    ) -> None:
        """Fill the parameters; raises ValueError, and changes nothing, if any does not match."""
        own = dict(self.named_parameters())
        missing, unknown = own.keys() - state.keys(), state.keys() - own.keys()
        if missing or unknown:
            raise ValueError(
                f"the state does not match {type(self).__name__}: it lacks {sorted(missing)} and "
                f"has {sorted(unknown)} besides"
            )
        for path, parameter in own.items():
            if state[path].shape != parameter.shape:
                raise ValueError(
                    f"{path}: the state has shape {state[path].shape}, the model {parameter.shape}"
                )
            if state[path].dtype != parameter.dtype:
                raise ValueError(
                    f"{path}: the state has dtype {state[path].dtype}, the model {parameter.dtype}"
                )
            if not parameter.data.flags.writeable:
                raise ValueError(f"{path} is kept by a graph; load before the forward pass")
        for path, parameter in own.items():
            parameter.data = state[path]

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def _parameters_in(path: str, value: Any, seen: set[int]) -> Iterator[tuple[str, Parameter]]:
    if isinstance(value, al.Tensor):
        if value.requires_grad and value.is_leaf and id(value) not in seen:
            seen.add(id(value))
            yield path, cast(Parameter, value)
        return
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Module):
        items = vars(value).items()
    elif isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
    else:
        return
    if id(value) not in seen:
        seen.add(id(value))
        for name, item in list(items):
            yield from _parameters_in(f"{path}.{name}", item, seen)
