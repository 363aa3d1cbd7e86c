"""Networks and classifiers on autograd_lite: logistic regression and deep nets, data from HDF5."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if __name__ == "nn":
    # One set of modules under both names: `import nn` gives the modules of autograd_lite.nn, which
    # no other distribution or file called nn can replace.
    import_module("autograd_lite.nn.aliases").name_as("nn")

if TYPE_CHECKING:
    from . import by_hand, initialisers, layers, losses, metrics, optimisers, plots
    from .checkpoint import load, save
    from .data import (
        ArrayData,
        FileFormatError,
        H5Dataset,
        batches,
        dask_arrays,
        flatten,
        load_data,
        write_dataset,
        write_pictures,
    )
    from .estimators import DeepClassifier, DeepRegressor, LinearRegression, LogisticRegression
    from .layers import (
        ELU,
        GELU,
        GRU,
        LSTM,
        RNN,
        AvgPool2d,
        BatchNorm,
        Conv1d,
        Conv2d,
        Dropout,
        Embedding,
        Flatten,
        LayerNorm,
        LeakyReLU,
        Linear,
        MaxPool2d,
        MultiheadAttention,
        ReLU,
        Residual,
        Sequential,
        Sigmoid,
        SiLU,
        Softmax,
        Softplus,
        Tanh,
        Unflatten,
    )
    from .losses import (
        binary_cross_entropy,
        binary_cross_entropy_with_logits,
        cross_entropy,
        hinge,
        huber,
        mean_absolute_error,
        mean_squared_error,
    )
    from .module import Module, Parameter
    from .optimisers import (
        LBFGS,
        SGD,
        Adagrad,
        Adam,
        AdamW,
        CosineSchedule,
        OneCycleSchedule,
        Optimiser,
        PlateauSchedule,
        RMSProp,
        StepSchedule,
        WarmUpSchedule,
        clip_by_norm,
        clip_by_value,
    )
    from .training import History, TrainingWarning
    from .training.fit import fit

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Conv1d",
    "MultiheadAttention",
    "ELU",
    "GELU",
    "LBFGS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "ArrayData",
    "AvgPool2d",
    "BatchNorm",
    "Conv2d",
    "CosineSchedule",
    "DeepClassifier",
    "DeepRegressor",
    "Dropout",
    "Embedding",
    "FileFormatError",
    "Flatten",
    "H5Dataset",
    "History",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LinearRegression",
    "LogisticRegression",
    "MaxPool2d",
    "Module",
    "OneCycleSchedule",
    "Optimiser",
    "Parameter",
    "PlateauSchedule",
    "RMSProp",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "StepSchedule",
    "Tanh",
    "TrainingWarning",
    "Unflatten",
    "WarmUpSchedule",
    "batches",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "by_hand",
    "clip_by_norm",
    "clip_by_value",
    "cross_entropy",
    "dask_arrays",
    "fit",
    "flatten",
    "hinge",
    "huber",
    "initialisers",
    "layers",
    "load",
    "load_data",
    "losses",
    "mean_absolute_error",
    "mean_squared_error",
    "metrics",
    "optimisers",
    "plots",
    "save",
    "write_dataset",
    "write_pictures",
]

_MODULES = {
    "checkpoint": ("load", "save"),
    "data": (
        "ArrayData",
        "FileFormatError",
        "H5Dataset",
        "dask_arrays",
        "flatten",
        "load_data",
        "write_dataset",
        "write_pictures",
    ),
    "data.batches": ("batches",),
    "estimators": (
        "DeepClassifier",
        "DeepRegressor",
        "LinearRegression",
        "LogisticRegression",
    ),
    "layers": (
        "ELU",
        "GELU",
        "GRU",
        "LSTM",
        "RNN",
        "AvgPool2d",
        "BatchNorm",
        "Conv1d",
        "Conv2d",
        "Dropout",
        "Embedding",
        "Flatten",
        "LayerNorm",
        "LeakyReLU",
        "Linear",
        "MaxPool2d",
        "MultiheadAttention",
        "ReLU",
        "Residual",
        "Sequential",
        "Sigmoid",
        "SiLU",
        "Softmax",
        "Softplus",
        "Tanh",
        "Unflatten",
    ),
    "losses": (
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "cross_entropy",
        "hinge",
        "huber",
        "mean_absolute_error",
        "mean_squared_error",
    ),
    "module": ("Module", "Parameter"),
    "optimisers": (
        "LBFGS",
        "SGD",
        "Adagrad",
        "Adam",
        "AdamW",
        "CosineSchedule",
        "OneCycleSchedule",
        "Optimiser",
        "PlateauSchedule",
        "RMSProp",
        "StepSchedule",
        "WarmUpSchedule",
        "clip_by_norm",
        "clip_by_value",
    ),
    "training": ("History", "TrainingWarning"),
    "training.fit": ("fit",),
}
"""The public names by the modules that have them, which are loaded when they are first used.

A package that has a function and a module of one name may give either: the module has the function.
"""

_SUBMODULES = {
    "by_hand",
    "initialisers",
    "metrics",
    "plots",
    *(module for module in _MODULES if "." not in module),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        found = import_module(f"{__name__}.{name}")
    elif name in _MODULE_OF:
        found = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    else:
        raise import_module(f"{__name__}.spelling").name_error("nn", name, __all__)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES, *__all__})
