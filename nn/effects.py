"""Random numbers that modules draw, and running statistics that they keep.

A compiled program computes results from arguments, and does nothing else. So while an update is
compiled, what a module draws is an argument of the program, and the statistics of a batch are
among its results.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

import autograd_lite as al
from autograd_lite.extend import Array, Operand, compute

if TYPE_CHECKING:
    from .module import Module


class Draw(NamedTuple):
    """Uniform random numbers that a module draws in one forward pass."""

    generator: np.random.Generator
    shape: tuple[int, ...]

    def numbers(self) -> np.ndarray:
        """The next random numbers of the generator, from 0 to below 1."""
        return self.generator.random(self.shape)


class Statistic(NamedTuple):
    """A running statistic: the buffer of a module, and the share by which it follows a batch."""

    module: Module
    name: str
    momentum: float

    def follow(self, value: np.ndarray) -> None:
        """Moves the buffer towards the statistic of a batch."""
        running = getattr(self.module, self.name)
        running += self.momentum * (value.reshape(running.shape) - running)


class Effects:
    """What a forward pass draws and keeps, in its order.

    With `is_noted` it draws and keeps as usual, and that is noted. Otherwise `supplied` are the
    random numbers that it gets, and the statistics of the batch are collected in `values`.
    """

    def __init__(self, supplied: Sequence[Array] = (), is_noted: bool = False) -> None:
        self.is_noted = is_noted
        self.draws: list[Draw] = []
        self.statistics: list[Statistic] = []
        self.values: list[Array] = []
        self._supplied = supplied

    def drawn(self, draw: Draw) -> Array:
        self.draws.append(draw)
        return draw.numbers() if self.is_noted else self._supplied[len(self.draws) - 1]

    @contextlib.contextmanager
    def apart(self) -> Iterator[Effects]:
        """Keeps apart what modules draw and keep in the block."""
        token = _effects.set(self)
        try:
            yield self
        finally:
            _effects.reset(token)


def is_own(module: Module) -> bool:
    """Whether a module is one of this package, which draws and keeps by this file alone."""
    return type(module).__module__.startswith(f"{__package__}.")


@contextlib.contextmanager
def undone(model: Module) -> Iterator[None]:
    """Takes back what a model draws and keeps in the block."""
    states = [(g, g.bit_generator.state) for _, g in model.named_generators()]
    buffers = [(b, b.copy()) for _, b in model.named_buffers() if isinstance(b, np.ndarray)]
    try:
        yield
    finally:
        for generator, state in states:
            generator.bit_generator.state = state
        for buffer, before in buffers:
            buffer[...] = before


_effects: ContextVar[Effects | None] = ContextVar("effects", default=None)


def uniform(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Random numbers from 0 to below 1, as a module draws them in training."""
    draw, effects = Draw(generator, shape), _effects.get()
    return draw.numbers() if effects is None else effects.drawn(draw)


def follow(module: Module, momentum: float, **statistics: Operand) -> None:
    """Moves buffers of a module towards the statistics of a batch, given by the buffers' names."""
    effects = _effects.get()
    values = [v._value if isinstance(v, al.Tensor) else v for v in statistics.values()]
    kept = [Statistic(module, name, momentum) for name in statistics]
    if effects is not None:
        effects.statistics += kept
        if not effects.is_noted:
            effects.values += values
            return
    # The running statistics need numbers, so those of lazy arrays are computed at once.
    for statistic, value in zip(kept, compute(values), strict=True):
        statistic.follow(value)
