"""Classifiers with scikit-learn's conventions: samples first, `fit`, `predict`, `score`."""

from nn.estimators.base import Classifier
from nn.estimators.models import ACTIVATIONS, DeepClassifier, LogisticRegression
from nn.estimators.validation import NotFittedError

__all__ = ["ACTIVATIONS", "Classifier", "DeepClassifier", "LogisticRegression", "NotFittedError"]
