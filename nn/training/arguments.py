"""Checks of the arguments of a training, and the objects made from them."""

from __future__ import annotations

from collections.abc import Sized
from typing import TYPE_CHECKING, cast

import numpy as np

from autograd_lite.extend import ArrayLike, is_lazy

from ..data.batches import ArrayData, Data
from ..initialisers import Seed
from ..module import Module, has_values
from ..optimisers import LBFGS, Optimiser, Schedule, by_name

if TYPE_CHECKING:
    from .fit import Training

Validation = float | tuple[ArrayLike, ...] | Data | None
"""A share of the samples, or data of their own: arrays, or what yields batches."""


def check_numbers(training: Training) -> None:
    """Raises ValueError for an option with an invalid number."""
    if not _is_whole(training.epochs) or training.epochs < 0:
        raise ValueError(f"epochs must be a whole number from 0 on, not {training.epochs!r}")
    optional = ("batch_size", "patience", "average_every", "replicas")
    for name in (*optional, "accumulate", "checkpoint_every"):
        value = getattr(training, name)
        may_be_none = name in optional
        if not (value is None and may_be_none) and not (_is_whole(value) and value >= 1):
            hint = {"batch_size": ", or None for all samples", "patience": " epoch, or None"}
            raise ValueError(f"{name} must be at least 1{hint.get(name, '')}, not {value!r}")
    if not training.tolerance >= 0:
        raise ValueError(f"tolerance must be from 0 on, not {training.tolerance!r}")
    if training.compile not in (None, True, False, "native"):
        raise ValueError(f'compile must be None, True, False or "native", not {training.compile!r}')
    if training.clip_norm is not None and not training.clip_norm > 0:
        raise ValueError(f"clip_norm must be above 0, or None, not {training.clip_norm!r}")


def check_averaging(training: Training) -> None:
    """Raises an error where replicas cannot be averaged."""
    if training.average_every is None:
        if training.replicas is not None:
            raise ValueError("replicas are those of local SGD: give average_every= as well")
        return
    lazy = isinstance(training.data, ArrayData) and is_lazy(training.data.X)
    if not lazy:
        raise TypeError(
            "fit(average_every=) trains replicas on Dask's threads or workers, which takes X and Y "
            "as Dask arrays, as of nn.dask_arrays"
        )
    for name, default in (("accumulate", 1), ("record", None)):
        value = getattr(training, name)
        if value != default:
            raise ValueError(f"average_every and {name}={value!r} exclude each other")
    if training.batch_size is None:
        raise ValueError("fit(average_every=) counts updates by batches: give batch_size= as well")


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def optimiser_of(model: object, optimiser: object, schedule: Schedule | None) -> Optimiser:
    """The optimiser, made from a name if needed, checked to train a parameter of the model."""
    if not isinstance(model, Module):
        raise TypeError(f"fit() takes the model as an nn.Module, not {type(model).__name__}")
    if isinstance(optimiser, str):
        optimiser = by_name(optimiser)(model.parameters())
    if isinstance(optimiser, LBFGS):
        raise TypeError(
            "fit() takes optimisers that step after each batch, and LBFGS does the whole "
            "training in one step: optimiser.step(lambda: loss(model(X), Y))"
        )
    if not isinstance(optimiser, Optimiser):
        raise TypeError(
            "fit() takes the optimiser by name or as an nn.Optimiser, such as "
            f"nn.Adam(model.parameters()), not {_kind(optimiser)}"
        )
    own = {id(p) for p in model.parameters()}
    found = [p for p in optimiser.parameters if id(p) in own]
    if not found:
        raise ValueError(
            f"the optimiser has no parameter of the model, so nothing would be learnt: make it as "
            f"{type(optimiser).__name__}(model.parameters())"
        )
    if not any(p.requires_grad for p in found):
        raise ValueError(
            "every parameter of the model that the optimiser has is frozen, so nothing would be "
            "learnt: model.unfreeze(), or requires_grad = True on some, trains them again"
        )
    if schedule is not None and schedule.optimiser is not optimiser:
        raise ValueError("the schedule belongs to another optimiser than the given one")
    return optimiser


def _kind(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


def check_loss(loss: object) -> None:
    """Raises TypeError unless the loss is a function."""
    if not callable(loss) or isinstance(loss, type):
        raise TypeError(
            "fit() takes the loss as a function loss(model(X), Y), such as nn.cross_entropy, not "
            f"{loss!r}"
        )


def data_of(
    X: ArrayLike, Y: ArrayLike, weights: ArrayLike, validation: Validation
) -> tuple[Data, Data | None]:
    """The training data, and the validation data or None."""
    if hasattr(X, "batches"):
        if Y is not None or weights is not None:
            raise TypeError(
                "data that yield batches have their own targets and weights: leave Y out"
            )
        data: Data = X
    elif Y is None:
        raise TypeError("fit() takes X and Y, or data that yield batches, such as nn.H5Dataset")
    else:
        data = ArrayData(X, Y, weights)
        _check_weights(data, "sample_weight")
    if validation is None or hasattr(validation, "batches"):
        return data, cast(Data | None, validation)
    if isinstance(validation, tuple) and len(validation) in (2, 3):
        held_out = ArrayData(*validation)
    else:
        data, held_out = _shared(data, validation)
        _check_weights(data, "sample_weight of what is trained on")
    _check_weights(held_out, "the weights of the validation data")
    return data, held_out


def _shared(data: Data, validation: Validation) -> tuple[ArrayData, ArrayData]:
    """The arrays without a share of their samples, the last ones, and the share."""
    if not (isinstance(data, ArrayData) and isinstance(validation, float) and 0 < validation < 1):
        shown = f"of {len(validation)}" if isinstance(validation, Sized) else repr(validation)
        raise ValueError(
            "validation must be (X, Y) or (X, Y, weights), data that yield batches, or, where X "
            "and Y are arrays, a share between 0 and 1, not "
            f"{type(validation).__name__} {shown}"
        )
    at = len(data) - max(1, round(len(data) * validation))
    if at < 1:
        raise ValueError(f"a share of {validation} leaves no samples to train on")
    first, last = (
        ArrayData(
            data.X[..., part],
            data.Y[..., part],
            None if data.weights is None else data.weights[part],
        )
        for part in (slice(None, at), slice(at, None))
    )
    return first, last


def _check_weights(data: Data, what: str) -> None:
    weights: ArrayLike = getattr(data, "weights", None)
    if has_values(weights) and not weights.any():
        raise ValueError(f"{what}: every weight is zero, so there is no weighted mean")


def seed_of(seed: Seed) -> int:
    """A whole number from 0 on for a seed of any kind."""
    if isinstance(seed, int) and seed >= 0:
        return seed
    return int(np.random.default_rng(seed).integers(2**63))
