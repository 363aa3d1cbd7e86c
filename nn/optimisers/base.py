"""Optimiser: the base of all optimisers; a subclass is a rule for flat arrays of numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from autograd_lite.extend import Array

from ..module import Module, Parameter, has_values
from ..spelling import Spelled, answering, check_known

BLOCK_NUMBERS = 16_384
"""The numbers updated at a time, few enough that the buffers of a rule stay in the cache."""

Group = dict[str, Any]
"""Parameters under "parameters", and the number of each option under its name."""

Groups = Iterable[Parameter] | Iterable[Mapping[str, Any]]


class Optimiser(Spelled):
    """Changes parameters by their gradients, in place and in their dtype.

    Frozen parameters, whose `requires_grad` is False, are skipped. Each parameter counts its own
    steps, so that a parameter unfrozen later starts as the others did.

    A subclass names the arrays of its state in `memories`, one of each for every parameter,
    initially zeros, and defines the rule in `update`.

    Parameters
    ----------
    parameters : iterable of Parameter, or of dict
        A dict is a group with options of its own: `{"parameters": [...], "learning_rate": 0.01}`.
        Options that it leaves out are those of the optimiser.
    **options : float
        The options of a subclass, by name, `learning_rate` among them.

    Raises
    ------
    TypeError
        For a model instead of its parameters.
    ValueError
        For no parameters, or for a parameter that is given twice.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> W = nn.Parameter([1.0])
    >>> optimiser = nn.SGD([W], learning_rate=0.5)
    >>> (W**2).sum().backward()
    >>> optimiser.step()
    >>> W
    Tensor([0.], requires_grad=True)
    >>> optimiser.zero_grad()
    """

    memories: ClassVar[tuple[str, ...]] = ()

    def __init__(self, parameters: Groups, **options: float) -> None:
        name = type(self).__name__
        if isinstance(parameters, Module):
            raise TypeError(f"{name} takes parameters: write {name}(model.parameters())")
        self.groups: list[Group] = [self._group(item, options) for item in _as_groups(parameters)]
        self.counts: list[int] = [0] * len(self.parameters)
        self.memory: list[dict[str, np.ndarray]] = [
            {kind: np.zeros_like(p.data) for kind in self.memories} for p in self.parameters
        ]
        if not self.parameters:
            raise ValueError(f"{name} got no parameters")
        if len({id(p) for p in self.parameters}) < len(self.parameters):
            raise ValueError(f"{name} got a parameter twice, and would change it twice")
        self._buffers: dict[tuple[np.dtype, int], tuple[np.ndarray, np.ndarray]] = {}

    def _group(self, given: Mapping[str, Any], options: Mapping[str, float]) -> Group:
        group = {**options, **given, "parameters": list(given["parameters"])}
        check_known(type(self).__name__, group, {*options, "parameters"})
        for name in options:
            _check_option(type(self).__name__, name, group[name])
        return group

    @property
    def parameters(self) -> list[Parameter]:
        """The parameters of all groups.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> W, b = nn.Parameter([1.0], name="W"), nn.Parameter([0.0], name="b")
        >>> optimiser = nn.SGD([{"parameters": [W]}, {"parameters": [b], "learning_rate": 0.1}])
        >>> [parameter.name for parameter in optimiser.parameters]
        ['W', 'b']
        """
        return [p for group in self.groups for p in group["parameters"]]

    @property
    def learning_rate(self) -> float:
        """The learning rate of the first group; setting it sets that of all groups.

        Raises
        ------
        ValueError
            Where it is set to a number that is not above 0.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> W, b = nn.Parameter([1.0]), nn.Parameter([0.0])
        >>> optimiser = nn.SGD([{"parameters": [W]}, {"parameters": [b], "learning_rate": 0.1}])
        >>> optimiser.learning_rate = 0.5
        >>> [group["learning_rate"] for group in optimiser.groups]
        [0.5, 0.5]
        """
        return float(self.groups[0]["learning_rate"])

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        _check_option(type(self).__name__, "learning_rate", value)
        for group in self.groups:
            group["learning_rate"] = value

    @property
    def steps(self) -> int:
        """The largest number of steps that a parameter has taken.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> W, b = nn.Parameter([1.0]), nn.Parameter([0.0])
        >>> optimiser = nn.SGD([W, b])
        >>> W.grad = [2.0]
        >>> optimiser.step()
        >>> optimiser.steps, optimiser.counts
        (1, [1, 0])
        """
        return max(self.counts)

    @answering
    def step(self) -> None:
        """Updates each parameter that has a gradient and is not frozen.

        Raises
        ------
        ValueError
            Where a graph keeps the values of a parameter; the message says which operation does.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> W, b = nn.Parameter([1.0]), nn.Parameter([1.0])
        >>> W.grad, b.grad = [2.0], [2.0]
        >>> b.requires_grad = False
        >>> nn.SGD([W, b], learning_rate=0.1).step()
        >>> W.item(), b.item()
        (0.8, 1.0)
        """
        index = 0
        for group in self.groups:
            now, taken = group, -1
            for parameter in group["parameters"]:
                gradient = parameter.grad
                if gradient is not None and parameter.requires_grad:
                    count = self.counts[index] + 1
                    if count != taken:
                        taken = count
                        now = {**group, **self.numbers(group, taken)}
                    self._change(parameter, gradient, self.memory[index], now)
                    self.counts[index] = count
                index += 1

    def _change(
        self,
        parameter: Parameter,
        gradient: np.ndarray,
        memory: dict[str, np.ndarray],
        group: Group,
    ) -> None:
        values = parameter.data
        if not has_values(values):
            # Blocks are sized for the processor's cache, and do not help on a GPU.
            buffers = {"room": np.empty_like(values), "other": np.empty_like(values)}
            self.update(group, values, gradient, *memory.values(), **buffers)
            return
        if not values.flags.writeable:
            # Raises before the state is changed; the message says which operation keeps the array.
            parameter.data = values.copy()
            values = parameter.data
        arrays = [values, gradient, *memory.values()]
        flat = [array.reshape(-1) for array in arrays]
        size = values.size
        if size <= BLOCK_NUMBERS and values.flags.c_contiguous and gradient.flags.c_contiguous:
            room, other = self._buffers_of(values.dtype, size)
            self.update(group, *flat, room=room, other=other)
            return
        for start in range(0, size, BLOCK_NUMBERS):
            parts = [array[start : start + BLOCK_NUMBERS] for array in flat]
            room, other = self._buffers_of(values.dtype, len(parts[0]))
            self.update(group, *parts, room=room, other=other)
        for array, changed in zip(arrays, flat, strict=True):
            if array is not gradient and not np.may_share_memory(array, changed):
                array[...] = changed.reshape(array.shape)

    def _buffers_of(self, dtype: np.dtype, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Two flat buffers for the intermediate values of a rule."""
        buffers = self._buffers.get((dtype, size))
        if buffers is None:
            whole = self._buffers.setdefault(
                (dtype, BLOCK_NUMBERS),
                (np.empty(BLOCK_NUMBERS, dtype), np.empty(BLOCK_NUMBERS, dtype)),
            )
            buffers = self._buffers[dtype, size] = whole[0][:size], whole[1][:size]
        return buffers

    def numbers(self, group: Mapping[str, Any], steps: int) -> dict[str, float]:
        """The numbers of a group that can change from step to step.

        Parameters
        ----------
        group : mapping
            The options of a group.
        steps : int
            The number of this step, from 1 on.

        Returns
        -------
        dict of str to float

        Examples
        --------
        >>> from autograd_lite import nn
        >>> optimiser = nn.SGD([nn.Parameter([1.0])], learning_rate=0.1)
        >>> optimiser.numbers(optimiser.groups[0], steps=1)
        {'learning_rate': 0.1}
        """
        return {"learning_rate": group["learning_rate"]}

    def update(self, group: Group, *arrays: Array, **buffers: Array) -> None:
        """Updates the values, the first array, by the gradient, the second, and the state after it.

        `room` and `other` may be written to; the gradient must not.

        Parameters
        ----------
        group : dict
            The options and the `numbers` of this step.
        *arrays : ndarray
            The values, the gradient, and the arrays of the state.
        **buffers : ndarray
            `room` and `other`, for intermediate values.

        Raises
        ------
        NotImplementedError
            In a class that defines no `update`.

        Examples
        --------
        >>> import numpy as np
        >>> from autograd_lite import nn
        >>> class SignDescent(nn.Optimiser):
        ...     def update(self, group, values, gradient, room, other):
        ...         np.multiply(np.sign(gradient), group["learning_rate"], out=room)
        ...         values -= room
        >>> W = nn.Parameter([1.0, 1.0])
        >>> W.grad = [5.0, -0.1]
        >>> SignDescent([W], learning_rate=0.1).step()
        >>> W
        Tensor([0.9, 1.1], requires_grad=True)
        """
        raise NotImplementedError(f"{type(self).__name__} defines no update()")

    @answering
    def zero_grad(self) -> None:
        """Discards the gradients of all parameters.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> W = nn.Parameter([1.0])
        >>> W.grad = [2.0]
        >>> nn.SGD([W]).zero_grad()
        >>> W.grad is None
        True
        """
        for parameter in self.parameters:
            parameter.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        """The state of the optimiser for checkpoints: numbers and arrays by name.

        Returns
        -------
        dict

        Examples
        --------
        >>> from autograd_lite import nn
        >>> W = nn.Parameter([1.0])
        >>> W.grad = [2.0]
        >>> optimiser = nn.SGD([W], momentum=0.9)
        >>> optimiser.step()
        >>> state = optimiser.state_dict()
        >>> state["steps.0"], state["groups.0.momentum"], state["memory.0.velocity"]
        (1, 0.9, array([2.]))
        """
        state: dict[str, Any] = {f"steps.{i}": count for i, count in enumerate(self.counts)}
        for i, group in enumerate(self.groups):
            state |= {f"groups.{i}.{k}": v for k, v in group.items() if k != "parameters"}
        for i, memory in enumerate(self.memory):
            state |= {f"memory.{i}.{kind}": array.copy() for kind, array in memory.items()}
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restores a state from `state_dict`.

        Parameters
        ----------
        state : mapping
            The result of `state_dict`.

        Raises
        ------
        ValueError
            Where the state does not match this optimiser; nothing is changed.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> W = nn.Parameter([1.0])
        >>> saved = nn.SGD([W], learning_rate=0.1).state_dict()
        >>> optimiser = nn.SGD([W], learning_rate=0.5)
        >>> optimiser.load_state_dict(saved)
        >>> optimiser.learning_rate
        0.1
        """
        own = self.state_dict()
        if own.keys() != state.keys():
            differing = sorted(own.keys() ^ state.keys())
            raise ValueError(
                f"the state is not that of this {type(self).__name__}: {differing[0]} is only in "
                "one of them"
            )
        for name, value in own.items():
            if np.shape(state[name]) != np.shape(value):
                raise ValueError(
                    f"{name}: the state has shape {np.shape(state[name])}, the optimiser "
                    f"{np.shape(value)}"
                )
        self.counts = [int(state[f"steps.{i}"]) for i in range(len(self.counts))]
        for i, group in enumerate(self.groups):
            group.update({k: float(state[f"groups.{i}.{k}"]) for k in group if k != "parameters"})
        for i, memory in enumerate(self.memory):
            for kind, array in memory.items():
                array[...] = state[f"memory.{i}.{kind}"]

    def __repr__(self) -> str:
        options = {k: v for k, v in self.groups[0].items() if k != "parameters"}
        return f"{type(self).__name__}({', '.join(f'{k}={v:g}' for k, v in options.items())})"


def _as_groups(parameters: Groups) -> Iterator[Mapping[str, Any]]:
    loose = []
    for item in parameters:
        if isinstance(item, Mapping):
            if "parameters" not in item:
                raise ValueError('a group of parameters is a dict with the entry "parameters"')
            yield item
        else:
            loose.append(item)
    if loose:
        yield {"parameters": loose}


def _check_option(optimiser: str, name: str, value: float) -> None:
    if name == "learning_rate" and not value > 0:
        raise ValueError(f"{optimiser}: learning_rate must be above 0, not {value!r}")
    if not value >= 0:
        raise ValueError(f"{optimiser}: {name} must be from 0 on, not {value!r}")
    if name in ("momentum", "decay", "beta1", "beta2") and not value < 1:
        raise ValueError(f"{optimiser}: {name} must be from 0 to below 1, not {value!r}")
