"""Training: the loop, its data, its whole state, and advice on what goes wrong in it."""

from nn.data.batches import ArrayData, Batch, Data
from nn.training.advice import TrainingWarning
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
