"""Optimisers, schedules of their learning rates, and gradient clipping."""

import functools
from collections.abc import Callable

from autograd_lite.extend import closest

from ..spelling import answer_in
from .base import Optimiser
from .clipping import clip_by_norm, clip_by_value
from .lbfgs import LBFGS
from .rules import SGD, Adagrad, Adam, AdamW, RMSProp
from .schedules import (
    CosineSchedule,
    OneCycleSchedule,
    PlateauSchedule,
    Schedule,
    StepSchedule,
    WarmUpSchedule,
)

OPTIMISERS: dict[str, Callable[..., Optimiser]] = {
    "adagrad": Adagrad,
    "adam": Adam,
    "adamw": AdamW,
    "nesterov": functools.partial(SGD, momentum=0.9, nesterov=True),
    "rmsprop": RMSProp,
    "sgd": SGD,
}
"""Optimisers by name, for `nn.fit` and the estimators; "nesterov" is SGD with momentum 0.9."""


def by_name(name: object) -> Callable[..., Optimiser]:
    """The class of the optimiser with a given name.

    Parameters
    ----------
    name : str
        One of `OPTIMISERS`, in upper or lower case.

    Returns
    -------
    callable
        A function of parameters and options that makes the optimiser.

    Raises
    ------
    ValueError
        For a name that no optimiser has.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> nn.optimisers.by_name("Adam").__name__
    'Adam'
    """
    if not isinstance(name, str) or name.lower() not in OPTIMISERS:
        raise ValueError(
            f"optimiser must be one of {sorted(OPTIMISERS)}, not {name!r}"
            f"{closest(str(name), OPTIMISERS)}"
        )
    return OPTIMISERS[name.lower()]


__all__ = [
    "OPTIMISERS",
    "LBFGS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "CosineSchedule",
    "OneCycleSchedule",
    "Optimiser",
    "PlateauSchedule",
    "RMSProp",
    "Schedule",
    "StepSchedule",
    "WarmUpSchedule",
    "by_name",
    "clip_by_norm",
    "clip_by_value",
]

answer_in(__name__)
