"""Pictures of training and of what was learnt; each returns a Figure and writes nothing.

They need matplotlib (extra `plot`), and those of a classifier's scores scikit-learn (extra
`sklearn`). Without `ax` a figure belongs to the caller alone, and to no window or global state of
pyplot: `nn.plots.cost(model).savefig("cost.png")`. It shows itself in a notebook, and in a window
by `.show()`. With `ax` each draws into those axes of a figure of the caller's, and returns that.
"""

from nn.plots.boundary import decision_boundary
from nn.plots.figures import CLASSES, OTHER, OURS
from nn.plots.learning import cost, dead_units, gradient_flow
from nn.plots.pictures import mistakes, weights
from nn.plots.scores import calibration, confusion_matrix, precision_recall, roc
from nn.plots.steps import Steps, histograms, update_ratios

__all__ = [
    "CLASSES",
    "OTHER",
    "OURS",
    "Steps",
    "calibration",
    "confusion_matrix",
    "cost",
    "dead_units",
    "decision_boundary",
    "gradient_flow",
    "histograms",
    "mistakes",
    "precision_recall",
    "roc",
    "update_ratios",
    "weights",
]
