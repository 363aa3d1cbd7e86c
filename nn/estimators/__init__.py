"""Estimators with scikit-learn's conventions: samples first, `fit`, `predict`, `score`."""

from .base import Estimator
from .classifier import Classifier
from .models import (
    ACTIVATIONS,
    DeepClassifier,
    DeepRegressor,
    LinearRegression,
    LogisticRegression,
)
from .regressor import Regressor
from .validation import NotFittedError

__all__ = [
    "ACTIVATIONS",
    "Classifier",
    "DeepClassifier",
    "DeepRegressor",
    "Estimator",
    "LinearRegression",
    "LogisticRegression",
    "NotFittedError",
    "Regressor",
]
