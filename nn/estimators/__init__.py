"""Estimators with scikit-learn's conventions: samples first, `fit`, `predict`, `score`."""

from nn.estimators.base import Estimator
from nn.estimators.classifier import Classifier
from nn.estimators.models import (
    ACTIVATIONS,
    DeepClassifier,
    DeepRegressor,
    LinearRegression,
    LogisticRegression,
)
from nn.estimators.regressor import Regressor
from nn.estimators.validation import NotFittedError

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
