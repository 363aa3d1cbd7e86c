"""Layers. The samples are last: X is (features, N), pictures are (channels, height, width, N)."""

from ..spelling import answer_in
from .activations import (
    ELU,
    GELU,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from .containers import Flatten, Residual, Sequential, Unflatten
from .convolution import AvgPool2d, Conv2d, MaxPool2d
from .linear import Embedding, Linear, affine
from .normalisation import BatchNorm, Dropout, LayerNorm
from .sequences import GRU, LSTM, RNN, Conv1d, MultiheadAttention

__all__ = [
    "ELU",
    "GELU",
    "AvgPool2d",
    "BatchNorm",
    "Conv2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "MaxPool2d",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "Unflatten",
    "affine",
    "GRU",
    "LSTM",
    "RNN",
    "Conv1d",
    "MultiheadAttention",
]

answer_in(__name__)
