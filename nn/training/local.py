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

from autograd_lite.extend import Array, one_blas_thread

from ..losses import weight_of

if TYPE_CHECKING:
    from .fit import ReplicaTraining

Arrays = dict[str, np.ndarray]


@dataclass
class Trained:
    """What replicas have come to, each weighted by the samples that it was trained on."""

    weight: float
    """The sum of the weights of the samples, classes' included; zero where nothing was trained."""
    loss: float
    """The mean loss over the updates."""
    updates: int
    """The number of updates, of the replica with the most."""
    arrays: Arrays
    """The means of parameters, buffers and the arrays of the optimiser."""
    steps: list[int]
    """The optimiser's count of steps for each parameter."""

    def joined(self, other: Trained) -> Trained:
        """Both together."""
        if not (self.weight and other.weight):
            return self if self.weight else other
        weight = self.weight + other.weight
        share = other.weight / weight
        return Trained(
            weight,
            self.loss * (1 - share) + other.loss * share,
            max(self.updates, other.updates),
            {name: _mean(array, other.arrays[name], share) for name, array in self.arrays.items()},
            list(map(max, self.steps, other.steps)),
        )


NOTHING = Trained(0.0, 0.0, 0, {}, [])
"""What a replica without samples, or without weights, has come to."""


def _mean(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    """The mean of two arrays, of which the second counts by its share."""
    if a.dtype.kind not in "fc":
        # Whole numbers count something, such as batches.
        return np.maximum(a, b)
    kind = a.dtype.type
    return a * kind(1 - share) + b * kind(share)


@dataclass
class Replica:
    """Copies of a model and its optimiser, each of which trains on some of the samples.

    `start(X, Y, ...)` makes a ReplicaTraining of a copy, for `smallest` samples or more, after
    `epoch` epochs. `order` seeds their order, if they are shuffled, and `draws` have a seed for
    each generator of the model.
    """

    start: Callable[..., ReplicaTraining]
    smallest: int
    epoch: int
    order: list[int] | None
    draws: list[int]

    def __call__(self, X: Array, Y: Array, weights: Array | None, numbers: Array) -> Trained:
        """Trains once on samples that have these numbers in the data."""
        first = int(numbers[0])
        if len(numbers) < self.smallest or not (weights is None or weights.any()):
            return NOTHING
        training = self.start(
            *(X, Y),
            sample_weight=weights,
            shuffle=self.order is not None,
            seed=np.random.default_rng([*(self.order or ()), first]),
        )
        for generator, draw in zip(training.generators, self.draws, strict=True):
            fresh = type(generator.bit_generator)([draw, first])
            generator.bit_generator.state = fresh.state
        training.samples = first, int(numbers[-1])
        state, optimiser = training.state, training.state.optimiser
        state.epoch = self.epoch
        weight = weight_of(training.loss, Y, weights)
        if not weight:
            return NOTHING
        before = optimiser.steps
        training.model.train()
        # A replica has one thread: those of matrix products would wait for each other, and the
        # numbers would depend on how many there are.
        with one_blas_thread():
            training.run_epoch(training.model.parameters() + optimiser.parameters)
        return Trained(
            # One batch does not count its weight, and drop_last may leave out samples.
            weight if training.is_one_batch else state.weight,
            state.total / state.weight,
            optimiser.steps - before,
            {name: _roomy(array) for name, array in _moving(training).items()},
            optimiser.counts,
        )

    def pickled(self) -> Callable[..., Trained]:
        """The same as a function that can travel, and trains a fresh copy at each call."""
        # Dask needs cloudpickle too, for losses that are lambdas and classes of a script.
        import cloudpickle

        try:
            return partial(_of_copy, cloudpickle.dumps(self))
        except Exception as error:
            error.add_note(
                "fit(average_every=) sends copies of the model, the optimiser and the loss to "
                "threads or workers by cloudpickle, which one of them does not allow"
            )
            raise


def _of_copy(replica: bytes, *arrays: Array | None) -> Trained:
    found: Trained = pickle.loads(replica)(*arrays)
    return found


def _roomy(array: np.ndarray) -> np.ndarray:
    # float16 would round each mean of two.
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _moving(training: ReplicaTraining) -> Arrays:
    """The arrays of a training that its updates change."""
    trained = {id(p) for p in training.state.optimiser.parameters if p.requires_grad}
    still = {f"model.{n}" for n, p in training.model.named_parameters() if id(p) not in trained}
    arrays = training.state.state_dict()
    return {name: array for name, array in arrays.items() if name not in still}
