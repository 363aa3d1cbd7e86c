"""Local SGD: replicas of a model train apart for some updates, then their parameters are averaged.

Sebastian U. Stich, Local SGD Converges Fast and Communicates Little, ICLR 2019, arXiv:1805.09767.
The state of the optimiser is averaged as well: Hao Yu, Rong Jin and Sen Yang, On the Linear Speedup
Analysis of Communication Efficient Momentum SGD, ICML 2019, arXiv:1905.03817.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from autograd_lite.extend import Array

from ..losses import weight_of

if TYPE_CHECKING:
    from .fit import Training

Arrays = dict[str, np.ndarray]


@dataclass
class Trained:
    """What replicas have come to, each weighted by the samples that it was trained on."""

    weight: float
    """The sum of the weights of the samples."""
    loss: float
    """The mean loss over the updates."""
    updates: int
    """The number of updates, of the replica with the most."""
    arrays: Arrays
    """Parameters, buffers and the arrays of the optimiser, times the weight; whole numbers as they
    are."""
    steps: list[int]
    """The optimiser's count of steps for each parameter."""

    def joined(self, other: Trained) -> Trained:
        """Both together."""
        if not (self.weight and other.weight):
            return self if self.weight else other
        weight = self.weight + other.weight
        return Trained(
            weight,
            self.loss * (self.weight / weight) + other.loss * (other.weight / weight),
            max(self.updates, other.updates),
            {name: _sum(array, other.arrays[name]) for name, array in self.arrays.items()},
            list(map(max, self.steps, other.steps)),
        )

    def averages(self) -> Arrays:
        """The arrays, averaged over the replicas."""
        return {
            name: array / array.dtype.type(self.weight) if _is_averaged(array) else array
            for name, array in self.arrays.items()
        }


def _sum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # Whole numbers count something, such as batches.
    return a + b if _is_averaged(a) else np.maximum(a, b)


def _is_averaged(array: np.ndarray) -> bool:
    return array.dtype.kind in "fc"


@dataclass
class Replica:
    """Copies of a model and its optimiser, each of which trains on some of the samples.

    `start(X, Y, ...)` makes a Training of a copy, for `smallest` samples or more. `order` seeds
    their order, if they are shuffled, and `draws` have a seed for each generator of the model.
    """

    start: Callable[..., Training]
    smallest: int
    order: list[int] | None
    draws: list[int]

    def __call__(self, X: Array, Y: Array, weights: Array | None, numbers: Array) -> Trained:
        """Trains once on samples that have these numbers in the data."""
        first = int(numbers[0])
        if len(numbers) < self.smallest or not (weights is None or weights.any()):
            return Trained(0.0, 0.0, 0, {}, [])
        training = self.start(
            *(X, Y),
            sample_weight=weights,
            shuffle=self.order is not None,
            seed=np.random.default_rng([*(self.order or ()), first]),
        )
        for generator, draw in zip(training.generators, self.draws, strict=True):
            fresh = type(generator.bit_generator)([draw, first])
            generator.bit_generator.state = fresh.state
        state = training.state
        training.model.train()
        training.run_epoch(training.model.parameters() + state.optimiser.parameters)
        weight = float(weight_of(training.loss, Y, weights))
        arrays = {name: _weighted(array, weight) for name, array in _moving(training).items()}
        return Trained(
            weight, state.total / state.weight, training.batches, arrays, state.optimiser.counts
        )

    def pickled(self) -> Callable[..., Trained]:
        """The same as a function that can travel, and trains a fresh copy at each call."""
        # Dask needs cloudpickle too, for losses that are lambdas and classes of a script.
        import cloudpickle

        return partial(_of_copy, cloudpickle.dumps(self))


def _of_copy(replica: bytes, *arrays: Array | None) -> Trained:
    found: Trained = pickle.loads(replica)(*arrays)
    return found


def _weighted(array: np.ndarray, weight: float) -> np.ndarray:
    # float16 has no room for the sums.
    kind = np.result_type(array.dtype, np.float32)
    return array * kind.type(weight) if _is_averaged(array) else array


def _moving(training: Training) -> Arrays:
    """The arrays of a training that its updates change."""
    trained = {id(p) for p in training.state.optimiser.parameters if p.requires_grad}
    still = {f"model.{n}" for n, p in training.model.named_parameters() if id(p) not in trained}
    arrays = training.state.state_dict()
    return {name: array for name, array in arrays.items() if name not in still}
