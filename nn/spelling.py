"""Errors for names of other libraries, with the names to use here."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any, Self

from autograd_lite import extend
from autograd_lite.extend import closest

NAMES = {
    "AdaGrad": "nn.Adagrad",
    "AdamOptimizer": "nn.Adam",
    "AveragePooling2D": "nn.AvgPool2d",
    "BCELoss": "nn.binary_cross_entropy(A, Y)",
    "BCEWithLogitsLoss": "nn.binary_cross_entropy_with_logits(Z, Y)",
    "BatchNormalization": "nn.BatchNorm",
    "BinaryCrossentropy": "nn.binary_cross_entropy, or nn.binary_cross_entropy_with_logits",
    "CategoricalCrossentropy": "nn.cross_entropy(Z, Y), which takes logits",
    "CosineAnnealingLR": "nn.CosineSchedule",
    "CrossEntropyLoss": "nn.cross_entropy(Z, Y)",
    "DataLoader": "nn.batches(X, Y, size); nn.fit makes its batches itself (batch_size=)",
    "Dense": "nn.Linear(n_in, n_out)",
    "EarlyStopping": "the option patience= of nn.fit",
    "F": "the functions of autograd_lite (al.relu, al.softmax), and nn's losses",
    "GRUCell": "nn.GRU",
    "HuberLoss": "nn.huber(A, Y)",
    "HingeEmbeddingLoss": "nn.hinge(Z, Y)",
    "Identity": "an nn.Sequential() without layers",
    "Input": "n_in of the first layer, as in nn.Linear(n_in, n_out)",
    "KLDivLoss": "nn.cross_entropy(Z, P), which takes probabilities P as targets",
    "L1Loss": "nn.mean_absolute_error(A, Y)",
    "LSTMCell": "nn.LSTM",
    "LayerNormalization": "nn.LayerNorm",
    "MLP": "nn.Sequential(nn.Linear(2, 16), nn.ReLU(), ...), or nn.DeepClassifier",
    "MLPClassifier": "nn.DeepClassifier",
    "MLPRegressor": "nn.DeepRegressor",
    "MSELoss": "nn.mean_squared_error(A, Y)",
    "MaxPooling2D": "nn.MaxPool2d",
    "MeanAbsoluteError": "nn.mean_absolute_error(A, Y)",
    "MeanSquaredError": "nn.mean_squared_error(A, Y)",
    "Model": "nn.Module",
    "ModelCheckpoint": "the option checkpoint= of nn.fit",
    "ModuleDict": "a dict of modules in an attribute; their parameters are found",
    "ModuleList": "a list of modules in an attribute; their parameters are found",
    "MultiMarginLoss": "nn.hinge(Z, Y)",
    "NLLLoss": "nn.cross_entropy(Z, Y), which takes logits",
    "OneCycleLR": "nn.OneCycleSchedule",
    "ParameterList": "a list of parameters in an attribute; they are found",
    "ReduceLROnPlateau": "nn.PlateauSchedule",
    "RMSprop": "nn.RMSProp",
    "Ridge": "nn.LinearRegression(alpha=...)",
    "SGDClassifier": "nn.LogisticRegression",
    "SGDRegressor": "nn.LinearRegression",
    "SmoothL1Loss": "nn.huber(A, Y)",
    "SparseCategoricalCrossentropy": "nn.cross_entropy(Z, Y), which takes logits",
    "StepLR": "nn.StepSchedule",
    "Swish": "nn.SiLU",
    "Tensor": "autograd_lite.Tensor",
    "Trainer": "nn.fit(model, X, Y, ...)",
    "Transformer": "nn.MultiheadAttention and nn.LayerNorm, which it is made of",
    "clip_grad_norm_": "nn.clip_by_norm, or the option clip_norm= of nn.fit",
    "clip_grad_value_": "nn.clip_by_value",
    "datasets": "nn.load_data(path) or nn.H5Dataset(path)",
    "functional": "the functions of autograd_lite (al.relu, al.softmax), and nn's losses",
    "grad": "autograd_lite.grad",
    "init": "nn.initialisers, or the option initialisation= of a layer",
    "models": "nn.Sequential, or nn.DeepClassifier",
    "no_grad": "autograd_lite.no_grad()",
    "optim": "nn.optimisers",
    "optimizers": "nn.optimisers",
    "relu": "autograd_lite.relu",
    "sigmoid": "autograd_lite.sigmoid",
    "softmax": "autograd_lite.softmax",
    "train_test_split": "the option validation= of nn.fit",
    "utils": "nn.batches(X, Y, size) and nn.clip_by_norm",
}
"""Classes and functions of PyTorch, Keras and scikit-learn, with their equivalents in `nn`."""

ATTRIBUTES = {
    "add": "give all layers to nn.Sequential, or append to a list of modules",
    "add_module": "set the module as an attribute",
    "W": "weight",
    "append": "nn.Sequential(*model, layer) makes a longer one",
    "apply": "loop over named_modules()",
    "apply_gradients": "step(), which takes .grad of each parameter",
    "b": "bias",
    "backward": "loss.backward(), for the loss of a result",
    "build": "layers take the sizes n_in and n_out, and are built at once",
    "children": "named_modules() gives all modules, nn.Sequential(...) its layers by iteration",
    "clone": "copy.deepcopy(model)",
    "coefs_": "network_.parameters()",
    "compile": "nn.fit takes loss=, optimiser= and metrics=, and compile=True",
    "copy": "copy.deepcopy(model)",
    "count_params": "summary(X).parameters",
    "cpu": "to(numpy.asarray)",
    "cuda": "to(cupy.asarray)",
    "device": "arrays are where their library has them; to(convert) moves a model",
    "double": "layers take dtype=",
    "evaluate": "call eval(), and a loss or nn.metrics on model(X)",
    "fit": "nn.fit(model, X, Y, loss=..., optimiser=..., epochs=...)",
    "float": "layers take dtype=",
    "get_weights": "state_dict()",
    "half": "layers take dtype=",
    "history": "the result of nn.fit itself, as in history['loss']",
    "kernel": "weight",
    "load": "nn.load(path, model)",
    "load_weights": "nn.load(path, model)",
    "lr": "learning_rate",
    "minimize": "loss.backward() and step()",
    "modules": "named_modules()",
    "named_children": "named_modules()",
    "param_groups": "groups",
    "predict": "call eval(), and model(X) under autograd_lite.no_grad()",
    "register_buffer": "set the array as an attribute, and name it in `buffers` of the class",
    "register_forward_hook": "call the layers one by one, or derive from nn.Module",
    "register_parameter": "set an nn.Parameter as an attribute",
    "requires_grad_": "freeze() and unfreeze()",
    "save": "nn.save(model, path)",
    "save_weights": "nn.save(model, path)",
    "set_weights": "load_state_dict(state)",
    "trainable": "freeze() and unfreeze()",
    "trainable_weights": "[p for p in model.parameters() if p.requires_grad]",
    "train_on_batch": "nn.fit, or loss.backward() and optimiser.step()",
    "weights": "parameters()",
}
"""Attributes of models and optimisers of other libraries, with the code to write here."""

OPTIONS: dict[str, tuple[str, ...]] = {
    "C": ("alpha",),
    "betas": ("beta1", "beta2"),
    "callback": ("callbacks",),
    "criterion": ("loss",),
    "eps": ("epsilon",),
    "eta0": ("learning_rate",),
    "filters": ("n_out",),
    "gamma": ("factor",),
    "hidden_dims": ("hidden_layer_sizes",),
    "hidden_layers": ("hidden_layer_sizes",),
    "in_channels": ("n_in",),
    "in_features": ("n_in",),
    "init": ("initialisation",),
    "initializer": ("initialisation",),
    "kernel_initializer": ("initialisation",),
    "kernel_size": ("window",),
    "l2": ("alpha", "weight_decay"),
    "layers": ("hidden_layer_sizes",),
    "learning_rate_init": ("learning_rate",),
    "lr": ("learning_rate",),
    "lr_scheduler": ("schedule",),
    "max_epochs": ("epochs", "max_iter"),
    "max_grad_norm": ("clip_norm",),
    "min_delta": ("tolerance", "tol"),
    "n_epochs": ("epochs", "max_iter"),
    "negative_slope": ("slope",),
    "num_embeddings": ("n_symbols",),
    "embedding_dim": ("n_out",),
    "num_epochs": ("epochs", "max_iter"),
    "num_features": ("n_features",),
    "normalized_shape": ("n_features",),
    "optim": ("optimiser",),
    "optimizer": ("optimiser",),
    "out_channels": ("n_out",),
    "out_features": ("n_out",),
    "p": ("share",),
    "params": ("parameters",),
    "penalty": ("alpha",),
    "rate": ("share",),
    "reg": ("alpha", "weight_decay"),
    "rho": ("decay",),
    "scheduler": ("schedule",),
    "seed": ("random_state",),
    "solver": ("optimiser",),
    "step_size": ("every",),
    "T_max": ("length",),
    "total_steps": ("length",),
    "units": ("n_out",),
    "validation_data": ("validation",),
    "validation_split": ("validation", "validation_fraction"),
    "weights": ("sample_weight",),
    "x": ("X",),
    "y": ("Y",),
}
"""Options of other libraries, with the options here that may replace them."""

WITHOUT_OPTION = {
    "activation": "it is a layer of its own, as in nn.Sequential(nn.Linear(2, 3), nn.ReLU())",
    "device": "model.to(cupy.asarray) moves a model",
    "inplace": "results are always new",
    "input_dim": "the first layer has n_in",
    "input_shape": "the first layer has n_in",
}
"""Options of other libraries that none replaces, with what to do here."""


def name_error(module: str, name: str, known: Iterable[str]) -> AttributeError:
    """The error for a name that a module does not have."""
    answers = {other: f"take {ours}" for other, ours in NAMES.items()}
    if same := [other for other in NAMES if other.lower() == name.lower()]:
        answers.setdefault(name, answers[same[0]])
    public = [other for other in known if not other.startswith("_")]
    if name[-2:].lower() in ("1d", "2d", "3d") and name[:-2] in public:
        answers.setdefault(name, f"take {module}.{name[:-2]}")
    return extend.attribute_error(f"module {module!r}", name, answers, public)


def attribute_error(kind: type[Any], name: str) -> AttributeError:
    """The error for an attribute that objects of a class do not have."""
    answers = {other: f"instead: {ours}" for other, ours in ATTRIBUTES.items()}
    public = (other for other in dir(kind) if not other.startswith("_"))
    return extend.attribute_error(f"{kind.__name__!r} object", name, answers, public)


class _OfConstructor:
    """The signature of a class, which its `__new__` would hide."""

    def __get__(self, instance: object, kind: type[Any]) -> inspect.Signature:
        if instance is not None:
            raise AttributeError("__signature__")
        found = inspect.signature(kind.__init__)
        return found.replace(parameters=list(found.parameters.values())[1:])


class Spelled:
    """Base of classes with errors for names of other libraries that give the names here."""

    __signature__: _OfConstructor = _OfConstructor()

    def __new__(cls, *arguments: Any, **options: Any) -> Self:
        if cls.__init__ is object.__init__:
            check_known(cls.__name__, options, ())
            if arguments:
                raise TypeError(f"{cls.__name__}() takes no arguments")
        elif options:
            takes = inspect.signature(cls).parameters
            if not any(p.kind is p.VAR_KEYWORD for p in takes.values()):
                check_known(cls.__name__, options, takes)
        return super().__new__(cls)

    def __getattr__(self, name: str) -> Any:
        if hasattr(type(self), name):
            # A property raised AttributeError itself: its own error says more.
            return object.__getattribute__(self, name)
        raise attribute_error(type(self), name)


def check_known(what: str, options: Iterable[str], known: Iterable[str]) -> None:
    """Raises TypeError for the first unknown option, with the name of the option here."""
    known = list(known)
    for name in options:
        if name not in known:
            ours = [f"{other}=" for other in OPTIONS.get(name, ()) if other in known]
            ending = f": {WITHOUT_OPTION[name]}" if name in WITHOUT_OPTION else ""
            ending = f": here it is {' and '.join(ours)}" if ours else ending
            ending = ending or closest(name, known)
            raise TypeError(f"{what}() has no option {name!r}{ending}")
