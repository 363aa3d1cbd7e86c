"""The forward pass of a derivation, run as written or recorded on Tensors with their names."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array, Tree
from autograd_lite.check.marking import draws
from autograd_lite.check.marking.definitions import Definition
from autograd_lite.check.marking.execution import Event, Execution
from autograd_lite.check.marking.forms import (
    LOSS_NAMES,
    Forward,
    Subject,
    backward_arguments,
    parameters_of,
    run_forward,
    taken_apart,
)
from autograd_lite.check.marking.mutable import Mutable, left_recording, plain, settled
from autograd_lite.check.marking.world import World
from autograd_lite.check.names import name_of
from autograd_lite.graph import Node
from autograd_lite.modes import watching
from autograd_lite.observe import entry_name
from autograd_lite.tensor import Tensor

ALL_INPUTS_LIMIT_ELEMENTS = 1_000_000
"""Up to this many elements in all, every array is differentiated, above only those wanted."""


@dataclass
class Input:
    """An input of a forward pass: an argument, an attribute or a global variable."""

    path: tuple[Any, ...]
    name: str
    tensor: Tensor
    original: Array = None

    @property
    def qualified(self) -> str:
        """The name together with that of its owner: `layers0.W`."""
        owner = (self._owners or [""])[-1]
        return f"{owner}.{self.name}" if owner and owner != self.name else self.name

    @property
    def unique(self) -> str:
        """The name together with those of all owners: `model.layers0.weight.value`."""
        return ".".join([*self._owners, self.name])

    @property
    def _owners(self) -> list[str]:
        owners: list[str] = []
        for key in (k for k in self.path[:-1] if k != "self"):
            if owners and not str(key).isidentifier():
                owners[-1] = entry_name(owners[-1], key)
            else:
                owners.append(str(key))
        return owners


def path_name(path: tuple[Any, ...]) -> str:
    """The name of an array, from the path to it: `params["W1"]` is called W1."""
    key = path[-1] if path else ""
    if isinstance(key, str) and key.isidentifier():
        return key
    return entry_name(path_name(path[:-1]), key) if len(path) > 1 else str(key)


KEPT_BYTES = 1 << 20
"""Values up to this size are kept where nothing has their name."""


class Setting:
    """A derivation on one set of inputs: runs its backward pass, and records its forward pass.

    `change` replaces each of the person's arrays by another, and `moved` their numbers.
    """

    def __init__(
        self,
        subject: Subject,
        change: Callable[[np.ndarray], np.ndarray] | None = None,
        seed: int = 0,
        moved: Callable[[float], float] | None = None,
    ) -> None:
        if moved is not None:
            inputs = (moved(v) if isinstance(v, float) else v for v in subject.inputs)
            subject = replace(subject, inputs=tuple(inputs))
        self.subject = subject
        self._change = change
        self._moved = moved
        self._changed: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self.sources = subject.sources
        self.seed = seed
        self.wanted: set[str] | None = None
        self.all_arrays = False
        self._shares = True
        self._draws = True
        self.start = draws.state()
        world = World(self._copied, moved)
        if subject.backward is None:
            self._run_joint(world)
        else:
            self._run_apart(world)

    def _copied(self, array: np.ndarray, _: Any) -> np.ndarray:
        if id(array) in self.subject.blank:
            return np.zeros_like(array)
        if self._change is None:
            return array.copy()
        if id(array) not in self._changed:
            self._changed[id(array)] = array, self._change(array)
        return self._changed[id(array)][1].copy()

    def _run_apart(self, world: World) -> None:
        execution = Execution(self.sources, world, start=self.start)
        forward = self.forward = run_forward(self.subject, world, execution)
        if execution.error is not None:
            raise execution.error
        self.upstream: list[np.ndarray] = []
        if forward.loss is None:
            rng = np.random.default_rng(self.seed)
            outputs = forward.returned.outputs
            if not outputs:
                raise TypeError(
                    f"{name_of(self.subject.forward)} must return the loss as one real number, or "
                    f"arrays at which a gradient can arrive, not {_described(execution.result)}"
                )
            count = _count_of_upstream(self.subject, outputs)
            self.upstream = [rng.normal(size=np.shape(v)).astype(v.dtype) for v in outputs[:count]]
            forward.rest = [*outputs[count:], *forward.rest]
        self.loss = float(np.asarray(forward.loss).reshape(())) if self.upstream == [] else None
        self.loss_event: Event | None = None
        world.roots["arguments"] = backward_arguments(
            self.subject, forward, world, [u.copy() for u in self.upstream]
        )
        self.base = world

    def _run_joint(self, world: World) -> None:
        self.upstream = []
        start = world.copied(self.subject.forward, ("self",))
        inputs = world.copied(self.subject.inputs)
        world.roots.update(forward=start, backward=start, inputs=inputs, arguments=inputs)
        self.base = world
        execution = self.run_backward()
        if execution.error is not None and self.subject.loss_name is None:
            raise execution.error
        self.forward = Forward(
            execution,
            returned := taken_apart(execution, execution.result),
            returned.loss,
            {},
            returned.rest,
        )
        name = self.subject.loss_name or returned.loss_name
        self.loss_event = _loss_event(execution, name, returned.loss)
        if self.loss_event is None and execution.error is not None:
            raise execution.error
        if self.loss_event is None and returned.loss is None:
            if self.subject.loss_name is not None:
                raise ValueError(
                    f"loss={self.subject.loss_name!r}: {name_of(self.subject.forward)} assigns no "
                    "one real number to a variable of this name"
                )
            raise TypeError(
                f"{name_of(self.subject.forward)} must return the loss as one real number among "
                f"what it returns, or hold it in a variable that loss= names, not "
                f"{_described(execution.result)}"
            )
        loss = returned.loss if self.loss_event is None else self.loss_event.value
        self.loss = float(np.asarray(loss).reshape(()))

    def run_backward(self, **options: Any) -> Execution:
        """Runs the backward pass on copies of everything that it can write to."""
        execution = self._run_backward(self._shares, options)
        if self._shares and "read-only" in str(execution.error):
            self._shares = False
            execution = self._run_backward(False, options)
        return execution

    def _run_backward(self, shared: bool, options: dict[str, Any]) -> Execution:
        world = self.base.fork(shared)
        execution = Execution(self.sources, world, draws=self._draws, start=self.start, **options)
        execution.run(world.roots["backward"], tuple(world.roots["arguments"]))
        # An edited run may end before it draws: the next one draws all the same.
        if not options.get("edits") and options.get("filling") is None and execution.error is None:
            self._draws = execution.draws.any
        return execution

    def record(
        self,
        wanted: set[str] | None = None,
        edits: Mapping[Definition, ast.FunctionDef] | None = None,
    ) -> Recording:
        """Records the forward pass on Tensors; `wanted` limits the inputs to differentiate."""
        inputs: list[Input] = []
        left_recording.clear()

        def convert(array: np.ndarray, path: tuple[Any, ...]) -> Any:
            copied = self._copied(array, path)
            if array.dtype.kind not in "fc" and (wanted is None or path_name(path) not in wanted):
                return copied
            name = path_name(path)
            copied = copied if copied.dtype.kind in "fc" else copied.astype(float)
            needed = wanted is None or self.all_arrays or name in wanted
            tensor = Tensor(copied, needed, copy=False)
            inputs.append(Input(path, name, tensor, array))
            return Mutable(tensor)

        def number(value: Any, path: tuple[Any, ...]) -> Any:
            return _numbers(value, path_name(path), wanted, inputs, path)

        world = World(convert, self._moved)
        world.number = number if wanted is not None else None
        stop = None if self.loss_event is None else self._is_at_loss
        options: dict[str, Any] = {"stop": stop, "edits": edits, "start": self.start}
        execution = Execution(self.sources, world, recorded=True, **options)
        computed: list[np.ndarray] = []
        with watching(note=functools.partial(_keep, computed)):
            loss = self._recorded_loss(execution, world, wanted, inputs)
        if execution.error is not None:
            raise self._left_numpy(execution)
        if not isinstance(loss, Tensor) or not isinstance(loss._node, Node):
            where = f": {left_recording[0]} turns a value into a number" if left_recording else ""
            raise ValueError(
                f"the loss of {name_of(self.subject.forward)} does not depend on any input that "
                f"is a floating-point array{where}"
            )
        if edits is None:
            self._check_repeats(loss)
        return Recording(loss, inputs, execution.events, computed)

    def _recorded_loss(
        self, execution: Execution, world: World, wanted: set[str] | None, inputs: list[Input]
    ) -> Any:
        if self.subject.backward is None:
            forward = world.copied(self.subject.forward, ("self",))
            names = self.subject.names
            arguments = tuple(
                _numbers(world.copied(v, (n,)), n, wanted, inputs)
                for n, v in zip(names, self.subject.inputs, strict=True)
            )
            execution.run(forward, arguments)
            loss = execution.events[-1].value if execution.stopped else None
            if loss is None and execution.error is None:
                loss = settled(taken_apart(execution, execution.result).loss)
        else:
            recorded = run_forward(_with_numbers(self.subject, wanted, inputs), world, execution)
            loss = settled(recorded.loss)
            if self.upstream and execution.error is None:
                outputs = [settled(v) for v in recorded.returned.outputs]
                terms = [np.sum(o * g) for o, g in zip(outputs, self.upstream, strict=False)]
                loss = sum(terms[1:], terms[0])
        return loss

    def _is_at_loss(self, event: Event) -> bool:
        return self.loss_event is not None and event.key == self.loss_event.key

    def _left_numpy(self, execution: Execution) -> TypeError:
        where = f" in line {execution.error_line}" if execution.error_line else ""
        error = TypeError(
            f"the forward pass {name_of(self.subject.forward)} leaves NumPy{where}, so it cannot "
            f"be recorded: {execution.error}"
        )
        error.__cause__ = execution.error
        return error

    def _check_repeats(self, loss: Tensor) -> None:
        again = float(np.asarray(loss._value).reshape(()))
        if self.loss is None:
            return
        if not np.isclose(again, self.loss, rtol=1e-6, atol=1e-300, equal_nan=True):
            raise ValueError(
                f"{name_of(self.subject.forward)} gives the loss {self.loss:.9g} in one call and "
                f"{again:.9g} in the next: seed its random numbers"
            )


@dataclass
class Recording:
    """A recorded forward pass: the loss, the inputs, the values that were assigned, and the smaller
    ones of all that were computed.
    """

    loss: Tensor
    inputs: list[Input]
    events: list[Event]
    computed: list[np.ndarray]


def _keep(computed: list[np.ndarray], tensor: Tensor) -> None:
    if 1 < tensor.size and tensor._value.nbytes <= KEPT_BYTES:
        computed.append(tensor._value)


def _described(value: Tree) -> str:
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    return f"{type(value).__name__} of shape {np.shape(value)}"


def _count_of_upstream(subject: Subject, outputs: list[Array]) -> int:
    """The number of gradients that arrive, from the parameters of the backward pass."""
    assert subject.backward is not None
    names = [p.name for p in parameters_of(subject.backward) or ()]
    gradients = [n for n in names if re.match(r"(d|D|grad|delta|upstream|g(?=$|_))", n)]
    return max(1, min(len(outputs), len(gradients)))


def _loss_event(execution: Execution, name: str | None, value: Any) -> Event | None:
    names = (name,) if name is not None else LOSS_NAMES
    for candidate in names:
        events = [
            e for e in execution.events if e.name == candidate and np.size(plain(e.value)) == 1
        ]
        if value is not None and name is None:
            events = [e for e in events if np.all(e.value == value)]
        if events:
            return _where_it_was_computed(events[-1], execution.events)
    return None


def _where_it_was_computed(loss: Event, events: list[Event]) -> Event:
    """The loss in the function that returned it, which may update parameters after it."""
    value = plain(loss.value)
    if not np.any(value) or not np.all(np.isfinite(value)):
        return loss
    earlier = (
        e
        for e in events
        if e.serial < loss.serial
        and e.frame > loss.frame
        and np.size(plain(e.value)) == 1
        and np.all(plain(e.value) == value)
    )
    return next(earlier, loss)


def _numbers(
    value: Any,
    name: str,
    wanted: set[str] | None,
    inputs: list[Input],
    path: tuple[Any, ...] | None = None,
) -> Any:
    """A number to differentiate as a Tensor; any other value unchanged."""
    if wanted is not None and name in wanted and isinstance(value, (int, float, np.number)):
        tensor = Tensor(np.asarray(value, dtype=float), True)
        inputs.append(Input(path or (name,), name, tensor))
        return Mutable(tensor)
    return value


def _with_numbers(subject: Subject, wanted: set[str] | None, inputs: list[Input]) -> Subject:
    names = subject.names
    arguments = tuple(
        _numbers(v, n, wanted, inputs) for n, v in zip(names, subject.inputs, strict=True)
    )
    return replace(subject, inputs=arguments)
