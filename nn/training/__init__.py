"""Training: the loop, its data, its whole state, and advice on mistakes."""

from ..data.batches import ArrayData, Batch, Data
from .advice import TrainingWarning
from .fit import Training, fit
from .history import History
from .state import TrainingState

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
