"""Training: the loop, its data, its whole state, and advice on what goes wrong in it."""

from nn.training.advice import TrainingWarning
from nn.training.data import ArrayData, Batch, Data
from nn.training.fit import Training, fit
from nn.training.history import History
from nn.training.state import TrainingState

__all__ = [
    "ArrayData",
    "Batch",
    "Data",
    "History",
    "Training",
    "TrainingState",
    "TrainingWarning",
    "fit",
]
