"""Networks and classifiers on autograd_lite: logistic regression and deep nets, data from HDF5."""

from nn import by_hand, plots
from nn.checkpoint import load, save
from nn.data import flatten, load_data
from nn.estimators import DeepClassifier, LogisticRegression
from nn.hdf5 import FileFormatError
from nn.layers import Linear, ReLU, Sequential, Sigmoid, Softplus, Tanh
from nn.losses import binary_cross_entropy, binary_cross_entropy_with_logits
from nn.module import Module, Parameter
from nn.optimisers import SGD

__all__ = [
    "SGD",
    "DeepClassifier",
    "FileFormatError",
    "Linear",
    "LogisticRegression",
    "Module",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softplus",
    "Tanh",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "by_hand",
    "flatten",
    "load",
    "load_data",
    "plots",
    "save",
]
