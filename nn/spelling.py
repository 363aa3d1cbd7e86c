"""Errors for names of other libraries, with the names to use here."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, Self, TypeVar, cast

import autograd_lite as al
from autograd_lite import extend

F = TypeVar("F", bound=Callable[..., Any])

_SCHEDULE = "a class derived from nn.optimisers.Schedule, with a factor for each number of steps"
_RULE = "nn.Adam, or a class derived from nn.Optimiser, with update()"
_TRANSFORMER = "nn.MultiheadAttention, nn.LayerNorm, nn.Linear and nn.Residual, which it is made of"
_MEANS = "a module whose forward is np.mean over the axes of the picture"
_LARGEST = "a module whose forward is np.max over the axes of the picture"
_REPEAT = "a module whose forward is np.repeat along the axes of the picture"
_PADDING = "the option padding= of nn.Conv2d, or np.pad in forward()"
_LOSS = "a loss of your own, a function loss(prediction, targets)"
_REPLICAS = "nn.fit(average_every=...) on nn.dask_arrays"
_NORM = "nn.LayerNorm or nn.BatchNorm"
_CALLBACK = "a function in the option callbacks= of nn.fit"
_SCIKIT_LEARN = "scikit-learn's own, which takes these estimators"
_WEIGHT = "a module that computes its weight in forward()"

NAMES = {
    "ASGD": "nn.SGD",
    "Activation": "nn.ReLU, nn.Tanh and their like, which are layers",
    "AdaGrad": "nn.Adagrad",
    "Adadelta": _RULE,
    "Adafactor": _RULE,
    "AdamOptimizer": "nn.Adam",
    "Adamax": _RULE,
    "AdaptiveAvgPool1d": _MEANS,
    "AdaptiveAvgPool2d": _MEANS,
    "AdaptiveMaxPool1d": _LARGEST,
    "AdaptiveMaxPool2d": _LARGEST,
    "Add": "nn.Residual, or + in forward()",
    "AlphaDropout": "nn.Dropout",
    "AveragePooling1D": "nn.AvgPool2d, or np.mean of windows in forward()",
    "AveragePooling2D": "nn.AvgPool2d",
    "AvgPool1d": "nn.AvgPool2d, or np.mean of windows in forward()",
    "AvgPool3d": "nn.AvgPool2d",
    "BCELoss": "nn.binary_cross_entropy(A, Y)",
    "BCEWithLogitsLoss": "nn.binary_cross_entropy_with_logits(Z, Y)",
    "BatchNormalization": "nn.BatchNorm",
    "Bidirectional": "two nn.LSTM, one on X[:, ::-1]",
    "Bilinear": "a module with np.einsum in forward()",
    "BinaryCrossentropy": "nn.binary_cross_entropy, or nn.binary_cross_entropy_with_logits",
    "Buffer": "an array in an attribute, named in `buffers` of the class",
    "CELU": "nn.ELU()",
    "CSVLogger": _CALLBACK,
    "CTCLoss": _LOSS,
    "CategoricalCrossentropy": "nn.cross_entropy(Z, Y), which takes logits",
    "ChainedScheduler": _SCHEDULE,
    "Concatenate": "np.concatenate in forward()",
    "ConstantLR": _SCHEDULE,
    "ConstantPad2d": _PADDING,
    "Conv2DTranspose": "np.repeat along the axes of the picture, and nn.Conv2d",
    "Conv3d": "nn.Conv2d, where a picture of depth is several channels",
    "ConvTranspose1d": "np.repeat along the steps, and nn.Conv1d",
    "ConvTranspose2d": "np.repeat along the axes of the picture, and nn.Conv2d",
    "Convolution2D": "nn.Conv2d",
    "CosineAnnealingLR": "nn.CosineSchedule",
    "CosineAnnealingWarmRestarts": "nn.CosineSchedule",
    "CosineDecay": "nn.CosineSchedule",
    "CosineEmbeddingLoss": _LOSS,
    "CosineSimilarity": "np.sum(a * b) / (np.linalg.norm(a) * np.linalg.norm(b)) in forward()",
    "CrossEntropyLoss": "nn.cross_entropy(Z, Y)",
    "CyclicLR": "nn.OneCycleSchedule",
    "DataLoader": "nn.batches(X, Y, size); nn.fit makes its batches itself (batch_size=)",
    "DataParallel": _REPLICAS,
    "Dataset": "nn.ArrayData(X, Y) or nn.H5Dataset(path)",
    "Dense": "nn.Linear(n_in, n_out)",
    "DepthwiseConv2D": "nn.Conv2d",
    "DistributedDataParallel": _REPLICAS,
    "Dropout1d": "nn.Dropout",
    "EarlyStopping": "the option patience= of nn.fit",
    "ElasticNet": "nn.LinearRegression(alpha=...)",
    "EmbeddingBag": "nn.Embedding",
    "ExponentialDecay": "nn.StepSchedule(optimiser, every=1, factor=...)",
    "ExponentialLR": "nn.StepSchedule(optimiser, every=1, factor=...)",
    "F": "the functions of autograd_lite (al.relu, al.softmax), and nn's losses",
    "Fold": "a module whose forward is np.reshape and np.transpose",
    "GLU": "a module with A * autograd_lite.sigmoid(B) in forward()",
    "GRUCell": "nn.GRU",
    "GaussianNLLLoss": _LOSS,
    "GaussianNoise": "a module with np.random.default_rng(seed).normal in forward()",
    "GlobalAveragePooling1D": _MEANS,
    "GlobalAveragePooling2D": _MEANS,
    "GlobalMaxPooling2D": _LARGEST,
    "GlorotUniform": 'the option initialisation= of a layer, as "xavier_uniform"',
    "GridSearchCV": _SCIKIT_LEARN,
    "GroupNorm": _NORM,
    "Hardshrink": "a module whose forward is np.where(np.abs(Z) > limit, Z, 0)",
    "Hardsigmoid": "a module whose forward is np.clip(Z / 6 + 0.5, 0, 1)",
    "Hardswish": "a module whose forward is Z * np.clip(Z / 6 + 0.5, 0, 1)",
    "Hardtanh": "a module whose forward is np.clip(Z, -1, 1)",
    "HeNormal": 'the option initialisation= of a layer, as "he"',
    "Hinge": "nn.hinge(Z, Y)",
    "HingeEmbeddingLoss": "nn.hinge(Z, Y)",
    "Huber": "nn.huber(A, Y)",
    "HuberLoss": "nn.huber(A, Y)",
    "Identity": "an nn.Sequential() without layers",
    "Input": "n_in of the first layer, as in nn.Linear(n_in, n_out)",
    "InputLayer": "n_in of the first layer, as in nn.Linear(n_in, n_out)",
    "InstanceNorm1d": _NORM,
    "InstanceNorm2d": _NORM,
    "KLDivLoss": "nn.cross_entropy(Z, P), which takes probabilities P as targets",
    "L1Loss": "nn.mean_absolute_error(A, Y)",
    "LPPool2d": "nn.AvgPool2d",
    "LRScheduler": "nn.optimisers.Schedule",
    "LSTMCell": "nn.LSTM",
    "Lambda": "a module with forward()",
    "LambdaLR": _SCHEDULE,
    "Lasso": "nn.losses.l1_penalty, which is added to a loss",
    "Layer": "nn.Module, or nn.Linear",
    "LayerNormalization": "nn.LayerNorm",
    "LazyConv2d": "nn.Conv2d(n_in, n_out, window)",
    "LazyLinear": "nn.Linear(n_in, n_out)",
    "LearningRateScheduler": "the option schedule= of nn.fit",
    "LinearLR": "nn.WarmUpSchedule",
    "LocalResponseNorm": _NORM,
    "LogSigmoid": "a module whose forward is -autograd_lite.softplus(-Z)",
    "LogSoftmax": "autograd_lite.log_softmax, or nn.cross_entropy, which takes logits",
    "LogisticRegressionCV": "nn.LogisticRegression, in scikit-learn's GridSearchCV",
    "MLP": "nn.Sequential(nn.Linear(2, 16), nn.ReLU(), ...), or nn.DeepClassifier",
    "MLPClassifier": "nn.DeepClassifier",
    "MLPRegressor": "nn.DeepRegressor",
    "MSELoss": "nn.mean_squared_error(A, Y)",
    "MarginRankingLoss": "nn.hinge(Z, Y)",
    "MaxPool1d": "nn.MaxPool2d, or np.max of windows in forward()",
    "MaxPool3d": "nn.MaxPool2d",
    "MaxPooling1D": "nn.MaxPool2d, or np.max of windows in forward()",
    "MaxPooling2D": "nn.MaxPool2d",
    "MeanAbsoluteError": "nn.mean_absolute_error(A, Y)",
    "MeanSquaredError": "nn.mean_squared_error(A, Y)",
    "Mish": "a module whose forward is Z * np.tanh(autograd_lite.softplus(Z))",
    "Model": "nn.Module",
    "ModelCheckpoint": "the option checkpoint= of nn.fit",
    "ModuleDict": "a dict of modules in an attribute; their parameters are found",
    "ModuleList": "a list of modules in an attribute; their parameters are found",
    "MultiLabelMarginLoss": "nn.hinge(Z, Y)",
    "MultiLabelSoftMarginLoss": "nn.binary_cross_entropy_with_logits(Z, Y)",
    "MultiMarginLoss": "nn.hinge(Z, Y)",
    "MultiStepLR": _SCHEDULE,
    "MultiplicativeLR": _SCHEDULE,
    "Muon": _RULE,
    "NAdam": _RULE,
    "NLLLoss": "nn.cross_entropy(Z, Y), which takes logits",
    "Nadam": _RULE,
    "Neuron": "nn.Linear(n_in, 1)",
    "OneCycleLR": "nn.OneCycleSchedule",
    "Optimizer": "nn.Optimiser",
    "PReLU": "nn.LeakyReLU, or a module with an nn.Parameter as slope",
    "PairwiseDistance": "a module whose forward is np.linalg.norm(a - b, axis=0)",
    "ParameterDict": "a dict of parameters in an attribute; they are found",
    "ParameterList": "a list of parameters in an attribute; they are found",
    "Perceptron": "nn.LogisticRegression",
    "Permute": "np.transpose in forward()",
    "Pipeline": _SCIKIT_LEARN,
    "PixelShuffle": "a module whose forward is np.reshape and np.transpose",
    "PoissonNLLLoss": "a loss of your own, such as np.mean(np.exp(Z) - Y * Z)",
    "PolynomialLR": _SCHEDULE,
    "RAdam": _RULE,
    "RMSNorm": _NORM,
    "RMSprop": "nn.RMSProp",
    "RNNBase": "nn.RNN",
    "RNNCell": "nn.RNN",
    "RReLU": "nn.LeakyReLU",
    "ReLU6": "a module whose forward is np.clip(Z, 0, 6)",
    "ReduceLROnPlateau": "nn.PlateauSchedule",
    "ReflectionPad2d": _PADDING,
    "RepeatVector": "np.repeat in forward()",
    "ReplicationPad2d": _PADDING,
    "Reshape": "nn.Unflatten, or np.reshape in forward()",
    "Ridge": "nn.LinearRegression(alpha=...)",
    "RidgeClassifier": "nn.LogisticRegression(alpha=...)",
    "Rprop": _RULE,
    "SELU": "nn.ELU, or its formula in forward() of a module",
    "SGDClassifier": "nn.LogisticRegression",
    "SGDRegressor": "nn.LinearRegression",
    "SeparableConv2D": "nn.Conv2d",
    "SequentialLR": _SCHEDULE,
    "SimpleRNN": "nn.RNN",
    "SmoothL1Loss": "nn.huber(A, Y)",
    "SoftMarginLoss": "nn.binary_cross_entropy_with_logits(Z, Y)",
    "Softmax2d": "nn.Softmax",
    "Softmin": "a module whose forward is autograd_lite.softmax(-Z, axis=0)",
    "Softshrink": "a module whose forward is np.sign(Z) * np.maximum(np.abs(Z) - limit, 0)",
    "Softsign": "a module whose forward is Z / (1 + np.abs(Z))",
    "SparseAdam": "nn.Adam",
    "SparseCategoricalCrossentropy": "nn.cross_entropy(Z, Y), which takes logits",
    "SpatialDropout2D": "nn.Dropout",
    "StandardScaler": "scikit-learn's own, before the estimator in a pipeline",
    "StepLR": "nn.StepSchedule",
    "Swish": "nn.SiLU",
    "SyncBatchNorm": "nn.BatchNorm",
    "Tanhshrink": "a module whose forward is Z - np.tanh(Z)",
    "Tensor": "autograd_lite.Tensor",
    "TensorBoard": _CALLBACK,
    "TensorDataset": "nn.ArrayData(X, Y)",
    "Threshold": "a module whose forward is np.where(Z > limit, Z, value)",
    "TimeDistributed": "the layer itself, in forward() of a module",
    "Trainer": "nn.fit(model, X, Y, ...)",
    "Transformer": "nn.MultiheadAttention and nn.LayerNorm, which it is made of",
    "TransformerDecoder": _TRANSFORMER,
    "TransformerDecoderLayer": _TRANSFORMER,
    "TransformerEncoder": _TRANSFORMER,
    "TransformerEncoderLayer": _TRANSFORMER,
    "TripletMarginLoss": _LOSS,
    "Unfold": "a module whose forward is np.lib.stride_tricks.sliding_window_view",
    "UpSampling2D": _REPEAT,
    "Upsample": _REPEAT,
    "UpsamplingBilinear2d": _REPEAT,
    "UpsamplingNearest2d": _REPEAT,
    "ZeroPad2d": _PADDING,
    "ZeroPadding2D": _PADDING,
    "accuracy": "nn.metrics.accuracy",
    "accuracy_score": "nn.metrics.accuracy, which takes the prediction first",
    "activations": "nn.ReLU, nn.Tanh and their like, or autograd_lite.relu",
    "attention": "nn.MultiheadAttention",
    "backend": "autograd_lite",
    "binary_crossentropy": "nn.binary_cross_entropy(A, Y)",
    "callbacks": "the option callbacks= of nn.fit",
    "categorical_crossentropy": "nn.cross_entropy(Z, Y), which takes logits",
    "classification_report": "nn.metrics.report, which takes the prediction first",
    "clip_grad_norm_": "nn.clip_by_norm, or the option clip_norm= of nn.fit",
    "clip_grad_value_": "nn.clip_by_value",
    "compile": "autograd_lite.compile(f), or the option compile= of nn.fit",
    "constant_": "layer.bias.data[...] = value",
    "datasets": "nn.load_data(path) or nn.H5Dataset(path)",
    "evaluate": "a loss or nn.metrics on model(X)",
    "f1_score": "nn.metrics.f1, which takes the prediction first",
    "functional": "the functions of autograd_lite (al.relu, al.softmax), and nn's losses",
    "grad": "autograd_lite.grad",
    "init": "nn.initialisers, or the option initialisation= of a layer",
    "initializers": "nn.initialisers, or the option initialisation= of a layer",
    "kaiming_normal_": 'the option initialisation= of a layer, as "he"',
    "kaiming_uniform_": 'the option initialisation= of a layer, as "he_uniform"',
    "load_model": "nn.load(path, model)",
    "lr_scheduler": "nn.optimisers, which has the schedules",
    "mae": "nn.mean_absolute_error, or nn.metrics.mae",
    "make_pipeline": _SCIKIT_LEARN,
    "mean_absolute_percentage_error": "np.mean(np.abs(A - Y) / np.abs(Y))",
    "models": "nn.Sequential, or nn.DeepClassifier",
    "modules": "nn.layers",
    "mse": "nn.mean_squared_error, or nn.metrics.mse",
    "no_grad": "autograd_lite.no_grad()",
    "normal_": 'the option initialisation= of a layer, as "normal"',
    "one_hot": "nn.losses.one_hot",
    "ones_": "layer.weight.data[...] = 1",
    "optim": "nn.optimisers",
    "optimizers": "nn.optimisers",
    "orthogonal_": "nn.initialisers.orthogonal",
    "parallel": _REPLICAS,
    "parameter": "nn.Parameter",
    "parametrizations": _WEIGHT,
    "precision_score": "nn.metrics.precision, which takes the prediction first",
    "r2_score": "nn.metrics.r2, which takes the prediction first",
    "recall_score": "nn.metrics.recall, which takes the prediction first",
    "regularizers": "the option weight_decay= of an optimiser",
    "relu": "autograd_lite.relu",
    "roc_auc_score": "nn.metrics.roc_auc, which takes the prediction first",
    "save_model": "nn.save(model, path)",
    "schedules": "nn.optimisers, which has the schedules",
    "sigmoid": "autograd_lite.sigmoid",
    "softmax": "autograd_lite.softmax",
    "sparse_categorical_crossentropy": "nn.cross_entropy(Z, Y), which takes logits",
    "spectral_norm": _WEIGHT,
    "swa_utils": _CALLBACK,
    "to_categorical": "nn.losses.one_hot",
    "train": "nn.fit(model, X, Y, ...)",
    "train_test_split": "the option validation= of nn.fit",
    "trunc_normal_": "the option initialisation= of a layer",
    "uniform_": "the option initialisation= of a layer",
    "utils": "nn.batches(X, Y, size) and nn.clip_by_norm",
    "weight_norm": _WEIGHT,
    "xavier_normal_": 'the option initialisation= of a layer, as "xavier"',
    "xavier_uniform_": 'the option initialisation= of a layer, as "xavier_uniform"',
    "zeros_": "nn.initialisers.zeros",
}
"""Classes and functions of PyTorch, Keras and scikit-learn, with their equivalents in `nn`."""

ATTRIBUTES = {
    "W": "weight",
    "add": "give all layers to nn.Sequential, or append to a list of modules",
    "add_module": "set the module as an attribute",
    "add_param_group": "give all groups at once, as in nn.SGD([{...}, {...}])",
    "append": "nn.Sequential(*model, layer) makes a longer one",
    "apply": "loop over named_modules()",
    "apply_gradients": "step(), which takes .grad of each parameter",
    "b": "bias",
    "backward": "loss.backward(), for the loss of a result",
    "bfloat16": "layers take dtype=",
    "build": "layers take the sizes n_in and n_out, and are built at once",
    "call": "forward(X), or model(X)",
    "children": "named_modules() gives all modules, nn.Sequential(...) its layers by iteration",
    "clone": "copy.deepcopy(model)",
    "coefs_": "network_.parameters()",
    "compile": "nn.fit takes loss=, optimiser= and metrics=, and compile=True",
    "copy": "copy.deepcopy(model)",
    "count_params": "summary(X).parameters",
    "cpu": "to(numpy.asarray)",
    "cuda": "to(cupy.asarray)",
    "defaults": "groups",
    "densify": "coef_, which is dense",
    "device": "arrays are where their library has them; to(convert) moves a model",
    "double": "layers take dtype=",
    "eps": "epsilon",
    "evaluate": "call eval(), and a loss or nn.metrics on model(X)",
    "extend": "nn.Sequential(*model, *layers) makes a longer one",
    "extra_repr": "define __repr__",
    "fit": "nn.fit(model, X, Y, loss=..., optimiser=..., epochs=...)",
    "fit_generator": "nn.fit(model, data, ...)",
    "fit_transform": "fit(X, y) and predict(X)",
    "float": "layers take dtype=",
    "get_config": "repr(model), or describe()",
    "get_last_lr": "optimiser.learning_rate",
    "get_layer": "model[i] of an nn.Sequential",
    "get_lr": "learning_rate",
    "get_parameter": "dict(named_parameters())[path]",
    "get_submodule": "dict(named_modules())[path]",
    "get_weights": "state_dict()",
    "grad": "the .grad of each of parameters()",
    "gradient": "the .grad of each parameter",
    "half": "layers take dtype=",
    "hidden_size": "n_hidden",
    "history": "the result of nn.fit itself, as in history['loss']",
    "in_channels": "n_in",
    "in_features": "n_in",
    "input_shape": "layers have n_in and n_out",
    "input_size": "n_in",
    "inputs": "layers have n_in",
    "insert": "nn.Sequential(*layers) makes another one",
    "iterations": "steps",
    "kernel": "weight",
    "kernel_size": "window",
    "load": "nn.load(path, model)",
    "load_weights": "nn.load(path, model)",
    "loss": "nn.fit takes the loss, and a model has none",
    "lr": "learning_rate",
    "metrics": "nn.fit takes the metrics, and a model has none",
    "minimize": "loss.backward() and step()",
    "modules": "named_modules()",
    "name": "named_modules() gives paths",
    "named_children": "named_modules()",
    "num_embeddings": "n_symbols",
    "num_features": "n_features",
    "num_heads": "n_heads",
    "num_parameters": "summary(X).parameters",
    "optimizer": "nn.fit takes the optimiser, and a model has none",
    "out_channels": "n_out",
    "out_features": "n_out",
    "output_shape": "summary(X) shows the shapes",
    "outputs": "summary(X) shows the shapes",
    "p": "share",
    "param_groups": "groups",
    "pop": "nn.Sequential(*list(model)[:-1]) is a shorter one",
    "predict": "call eval(), and model(X) under autograd_lite.no_grad()",
    "predict_classes": "np.argmax(model(X).data, axis=0)",
    "predict_on_batch": "model(X)",
    "predict_proba": "nn.Sigmoid or nn.Softmax as the last layer, or nn.DeepClassifier",
    "register_buffer": "set the array as an attribute, and name it in `buffers` of the class",
    "register_forward_hook": "call the layers one by one, or derive from nn.Module",
    "register_forward_pre_hook": "call the layers one by one, or derive from nn.Module",
    "register_full_backward_hook": "tensor.register_hook(hook)",
    "register_module": "set the module as an attribute",
    "register_parameter": "set an nn.Parameter as an attribute",
    "requires_grad_": "freeze() and unfreeze()",
    "reset_parameters": "make a new layer, with seed=",
    "save": "nn.save(model, path)",
    "save_weights": "nn.save(model, path)",
    "score": "nn.metrics.accuracy(model(X), Y)",
    "set_lr": "learning_rate, which can be set",
    "set_weights": "load_state_dict(state)",
    "share_memory": "copy.deepcopy(model)",
    "sparsify": "coef_, which is dense",
    "state": "memory",
    "test_on_batch": "a loss or nn.metrics on model(X)",
    "to_empty": "to(numpy.asarray)",
    "to_json": "describe()",
    "train_on_batch": "nn.fit, or loss.backward() and optimiser.step()",
    "train_step": "nn.fit, or loss.backward() and optimiser.step()",
    "trainable": "freeze() and unfreeze()",
    "trainable_variables": "[p for p in model.parameters() if p.requires_grad]",
    "trainable_weights": "[p for p in model.parameters() if p.requires_grad]",
    "transform": "predict(X)",
    "type": "layers take dtype=",
    "update_params": "step()",
    "variables": "parameters()",
    "weights": "parameters()",
}
"""Attributes of models and optimisers of other libraries, with the code to write here."""

OPTIONS: dict[str, tuple[str, ...]] = {
    "T_max": ("length",),
    "alpha": ("slope", "decay"),
    "b1": ("beta1",),
    "b2": ("beta2",),
    "batch_size": ("size",),
    "beta": ("delta",),
    "beta_1": ("beta1",),
    "beta_2": ("beta2",),
    "betas": ("beta1", "beta2"),
    "callback": ("callbacks",),
    "class_weights": ("class_weight",),
    "clip_value": ("most",),
    "criterion": ("loss",),
    "decay": ("weight_decay",),
    "early_stopping": ("patience",),
    "early_stopping_rounds": ("patience",),
    "embed_dim": ("n_features",),
    "embedding_dim": ("n_out",),
    "eps": ("epsilon",),
    "eta0": ("learning_rate",),
    "eta_min": ("least",),
    "f": ("path",),
    "filepath": ("path",),
    "filters": ("n_out",),
    "gamma": ("factor",),
    "hidden_dims": ("hidden_layer_sizes",),
    "hidden_layers": ("hidden_layer_sizes",),
    "hidden_size": ("n_hidden",),
    "in_channels": ("n_in",),
    "in_features": ("n_in",),
    "init": ("initialisation",),
    "initializer": ("initialisation",),
    "input": ("A", "Z", "prediction"),
    "input_size": ("n_in",),
    "kernel_initializer": ("initialisation",),
    "kernel_size": ("window",),
    "l2": ("alpha", "weight_decay"),
    "layers": ("hidden_layer_sizes",),
    "learning_rate_init": ("learning_rate",),
    "lr": ("learning_rate",),
    "lr_scheduler": ("schedule",),
    "max_epochs": ("epochs", "max_iter"),
    "max_grad_norm": ("clip_norm",),
    "max_lr": ("most",),
    "max_norm": ("most",),
    "min_delta": ("tolerance", "tol"),
    "module": ("model",),
    "n_epochs": ("epochs", "max_iter"),
    "nb_epoch": ("epochs",),
    "negative_slope": ("slope",),
    "normalized_shape": ("n_features",),
    "num_embeddings": ("n_symbols",),
    "num_epochs": ("epochs", "max_iter"),
    "num_features": ("n_features",),
    "num_heads": ("n_heads",),
    "num_training_steps": ("length",),
    "optim": ("optimiser",),
    "optimizer": ("optimiser",),
    "out_channels": ("n_out",),
    "out_features": ("n_out",),
    "output_dim": ("n_out",),
    "p": ("share",),
    "params": ("parameters",),
    "penalty": ("alpha",),
    "pool_size": ("window",),
    "pos_weight": ("class_weight",),
    "rate": ("share",),
    "reg": ("alpha", "weight_decay"),
    "rho": ("decay",),
    "sample_weights": ("sample_weight",),
    "scheduler": ("schedule",),
    "seed": ("random_state",),
    "solver": ("optimiser",),
    "step_size": ("every",),
    "strides": ("stride",),
    "target": ("Y", "targets"),
    "tol": ("tolerance",),
    "total_iters": ("length",),
    "total_steps": ("length",),
    "units": ("n_out",),
    "use_bias": ("bias",),
    "validation_data": ("validation",),
    "validation_split": ("validation", "validation_fraction"),
    "weight": ("class_weight",),
    "weight_init": ("initialisation",),
    "weights": ("sample_weight",),
    "x": ("X",),
    "y": ("Y",),
    "y_pred": ("A", "prediction", "Z"),
    "y_true": ("Y", "targets"),
}
"""Options of other libraries, with the options here that may replace them."""

WITHOUT_OPTION = {
    "C": "here it is alpha=, which grows as C falls",
    "activation": "it is a layer of its own, as in nn.Sequential(nn.Linear(2, 3), nn.ReLU())",
    "affine": "scale and shift are always there",
    "amsgrad": "it has no such variant",
    "approximate": "it always is the tanh approximation",
    "axis": "features are the axis 0, and samples the last",
    "batch_first": "samples are the last axis, X of shape (features, steps, N)",
    "beta": "scale the input before the layer",
    "bidirectional": "take two layers, one on X[:, ::-1]",
    "ceil_mode": "windows that do not fit are left out",
    "centered": "it has no such variant",
    "class_weight": "losses have it, as in functools.partial(nn.cross_entropy, class_weight=...)",
    "clipnorm": "nn.fit has clip_norm=, and nn.clip_by_norm is a function",
    "copy_X": "X is never changed",
    "dampening": "it has no such variant",
    "device": "model.to(cupy.asarray) moves a model",
    "dilation": "windows have no gaps",
    "dim": "features are the axis 0, and samples the last",
    "drop_last": "the last batch has the samples that are left",
    "dropout": "put nn.Dropout between the layers",
    "elementwise_affine": "scale and shift are always there",
    "end_dim": "all axes but the last, the samples, become one",
    "epochs": "an estimator has max_iter=, given when it is made",
    "fit_intercept": "there always is an intercept",
    "foreach": "there is one implementation",
    "from_logits": "nn.binary_cross_entropy_with_logits and nn.cross_entropy take logits",
    "fused": "there is one implementation",
    "groups": "every output reads every input",
    "history_size": "it is that of scipy.optimize",
    "ignore_index": "give sample_weight= of 0 to what is to be ignored",
    "initial_epoch": "a file in checkpoint= goes on where a training stopped",
    "inplace": "results are always new",
    "input_dim": "the first layer has n_in",
    "input_shape": "the first layer has n_in, and summary() takes a shape",
    "l1_ratio": "weights are penalised by their squares",
    "line_search_fn": "the line search is SciPy's",
    "map_location": "arrays are NumPy's; model.to(cupy.asarray) moves a model",
    "maximize": "minimise the negative",
    "mode": "the metric is to fall; give its negative otherwise",
    "momentum": "it belongs to nn.SGD; an estimator takes its optimiser by name",
    "multi_class": "two classes have a sigmoid, more a softmax",
    "n_jobs": "NumPy's products use all cores",
    "nonlinearity": "it is tanh",
    "num_layers": "put one layer after the other in nn.Sequential",
    "num_workers": "batches are made in this process",
    "workers": "batches are made in this process",
    "padding": "np.pad adds zeros, in forward() of a module",
    "padding_idx": "multiply its row by 0",
    "padding_mode": "zeros are added; np.pad has other ways",
    "positive": "weights may be negative",
    "recurse": "all parameters are found; those of one module are in vars(module)",
    "return_sequences": "the result has all steps, unless last=True",
    "set_to_none": "a gradient is None afterwards, always",
    "shuffle": "with seed= samples are shuffled, and without it they stay in their order",
    "squared": "take np.sqrt of it",
    "start_dim": "all axes but the last, the samples, become one",
    "steps_per_epoch": "an epoch goes over all samples",
    "strict": "paths and shapes must agree; change the dict before",
    "track_running_stats": "model.eval() uses the running statistics, model.train() the batch",
    "training": "model.train() and model.eval() say so",
    "weight": "losses have sample_weight=, one for each sample",
    "weights_only": "files hold arrays and their description only",
}
"""Options of other libraries that none replaces, or not everywhere, with what to do here."""

CALLS = {
    "load": "takes a path and the model to fill: nn.load(path, model)",
    "parameters": "takes nothing: it gives those of all modules inside",
    "step": "takes nothing: call loss.backward() before it",
    "summary": "takes an input or its shape, the samples last: model.summary((2, 10))",
    "to": "takes a function of an array: model.to(cupy.asarray)",
}
"""Methods that other libraries call with other arguments, with what to write here."""


def name_error(module: str, name: str, known: Iterable[str]) -> AttributeError:
    """The error for a name that a module does not have."""
    public = [other for other in known if not other.startswith("_")]
    same = [other for other in NAMES if other.lower() == name.lower()]
    if name in NAMES or same:
        answers = {name: f"take {NAMES[name if name in NAMES else same[0]]}"}
    elif name[-2:].lower() in ("1d", "2d", "3d") and name[:-2] in public:
        answers = {name: f"take {module}.{name[:-2]}"}
    elif found := _whole_names().get(name.lower().rstrip("_")):
        answers = {name: f"take {found}"}
    elif name in al.__all__:
        answers = {name: f"take autograd_lite.{name}"}
    else:
        answers = extend.answers(name)
    return extend.attribute_error(f"module {module!r}", name, answers, public)


def _whole_names() -> dict[str, str]:
    """What the package and its modules have, by the name in small letters."""
    package = sys.modules[__package__]
    found = {}
    for short in ("initialisers", "losses", "metrics", "optimisers"):
        for name, value in vars(getattr(package, short, package)).items():
            own = getattr(value, "__module__", "").startswith(__package__)
            if own and callable(value) and not name.startswith("_"):
                found[name.lower()] = f"nn.{short}.{name}"
    return found | {name.lower(): f"nn.{name}" for name in getattr(package, "__all__", ())}


def answer_in(module_name: str) -> None:
    """Has a module of `nn` answer names of other libraries as the package does."""
    module = sys.modules[module_name]
    short = module_name.removeprefix("autograd_lite.")
    module.__getattr__ = lambda name: _raise(name_error(short, name, dir(module)))  # type: ignore[method-assign]


def _raise(error: Exception) -> NoReturn:
    raise error


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
            takes = _options_of(cls)
            if takes is not None:
                check_known(cls.__name__, options, takes)
        return super().__new__(cls)

    def __getattr__(self, name: str) -> Any:
        if hasattr(type(self), name):
            # A property raised AttributeError itself: its own error says more.
            return object.__getattribute__(self, name)
        raise attribute_error(type(self), name)


def _options_of(cls: type[Any]) -> list[str] | None:
    """The options of a class of `nn`, with those that its base takes; None where any is taken."""
    takes: list[str] = []
    for kind in cls.__mro__:
        if constructor := vars(kind).get("__init__"):
            found = list(inspect.signature(constructor).parameters.values())[1:]
            takes += [p.name for p in found if p.kind is not p.VAR_KEYWORD]
            if not any(p.kind is p.VAR_KEYWORD for p in found):
                return takes
            if not kind.__module__.startswith(__package__):
                return None
    return None


def check_known(what: str, options: Iterable[str], known: Iterable[str]) -> None:
    """Raises TypeError for the first unknown option, with the name of the option here."""
    extend.check_options(what, options, known, OPTIONS, WITHOUT_OPTION)


def answering(function: F) -> F:
    """`function` with errors for calls of other libraries that say what to write here."""

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except TypeError:
            name = function.__name__
            extend.explain_call(name, function, args, options, OPTIONS, WITHOUT_OPTION, CALLS)
            raise

    return cast(F, call)
