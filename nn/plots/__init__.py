"""Plots of training and of trained models; each returns a Figure and writes no file.

They need matplotlib (extra `plot`), and those of a classifier's scores scikit-learn (extra
`sklearn`). Without `ax` a plot makes a figure of its own, outside the windows and the global state
of pyplot: `nn.plots.cost(model).savefig("cost.png")`. The figure shows itself in a notebook, and in
a window by `.show()`. With `ax` a plot draws into these axes, and returns their figure.
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
