"""Pictures of training and of what was learnt; each returns a Figure and writes nothing.

They need matplotlib (extra `plot`), and those of a classifier's scores scikit-learn (extra
`sklearn`). Without `ax` a figure belongs to the caller alone, and to no window or global state of
pyplot: `nn.plots.cost(model).savefig("cost.png")`. It shows itself in a notebook, and in a window
by `.show()`. With `ax` each draws into those axes of a figure of the caller's, and returns that.
"""

from .boundary import decision_boundary
from .figures import CLASSES, OTHER, OURS
from .learning import cost, dead_units, gradient_flow
from .pictures import mistakes, weights
from .scores import calibration, confusion_matrix, precision_recall, roc
from .steps import Steps, histograms, update_ratios

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
