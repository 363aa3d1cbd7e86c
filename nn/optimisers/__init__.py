"""Optimisers, schedules of their learning rates, and limits for gradients."""

from nn.optimisers.base import Optimiser
from nn.optimisers.clipping import clip_by_norm, clip_by_value
from nn.optimisers.lbfgs import LBFGS
from nn.optimisers.rules import SGD, Adagrad, Adam, AdamW, RMSProp
from nn.optimisers.schedules import (
    CosineSchedule,
    OneCycleSchedule,
    PlateauSchedule,
    Schedule,
    StepSchedule,
    WarmUpSchedule,
)

__all__ = [
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
    "clip_by_norm",
    "clip_by_value",
]
