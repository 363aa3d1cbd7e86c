"""Errors for names of other libraries, with what to write here."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, cast

import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

_SPECIAL = (
    "log_softmax",
    "logsumexp",
    "softmax",
    "softplus",
    "xlog1py",
    "xlogy",
)
"""Functions of `al` that are neither NumPy's nor methods of a Tensor."""

_RANDOM = "random numbers are NumPy's: np.random.default_rng(seed).normal(size=shape)"
_OWN_RULE = "take al.primitive and al.defvjp"
_TREES = "transforms take nested lists, tuples and dicts as they are"
_CHOOSE = "take np.where or np.concatenate, which give a new tensor"
_DEVICE = "arrays stay where their library has them: al.Tensor(cupy_array) is on a GPU"

_OF_NN = (
    "Adagrad",
    "Adam",
    "AdamW",
    "ArrayData",
    "AvgPool2d",
    "BatchNorm",
    "Conv1d",
    "Conv2d",
    "CosineSchedule",
    "DeepClassifier",
    "DeepRegressor",
    "Dropout",
    "ELU",
    "Embedding",
    "FileFormatError",
    "Flatten",
    "GELU",
    "GRU",
    "H5Dataset",
    "History",
    "LBFGS",
    "LSTM",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LinearRegression",
    "LogisticRegression",
    "MaxPool2d",
    "Module",
    "MultiheadAttention",
    "OneCycleSchedule",
    "Optimiser",
    "Parameter",
    "PlateauSchedule",
    "RMSProp",
    "RNN",
    "ReLU",
    "Residual",
    "SGD",
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
    "by_hand",
    "clip_by_norm",
    "clip_by_value",
    "cross_entropy",
    "dask_arrays",
    "fit",
    "hinge",
    "huber",
    "initialisers",
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
)
"""Names of `nn` that `al` has not, apart from those with an answer of their own."""

FUNCTIONS = {
    "adaptive_avg_pool2d": "take np.mean over the axes of the picture",
    "adaptive_max_pool2d": "take np.max over the axes of the picture",
    "addbmm": "take x + np.sum(a @ b, axis=0)",
    "addcdiv": "take x + c * a / b",
    "addcmul": "take x + c * a * b",
    "addmm": "take x + a @ b",
    "addmv": "take x + a @ b",
    "addr": "take x + np.outer(a, b)",
    "adjoint": "take np.conj(np.matrix_transpose(x))",
    "alpha_dropout": "take nn.Dropout(share)",
    "aminmax": "take np.min and np.max",
    "as_strided": "take np.lib.stride_tricks.sliding_window_view, or an index",
    "avg_pool1d": "take np.mean of np.lib.stride_tricks.sliding_window_view",
    "avg_pool2d": "take nn.AvgPool2d(window)",
    "baddbmm": "take x + a @ b",
    "batch_norm": "take nn.BatchNorm(n_features)",
    "bernoulli": "random numbers are NumPy's: np.random.default_rng(seed).binomial(1, p)",
    "bfloat16": "take np.float32, or np.float16",
    "bilinear": "take np.einsum",
    "binary_cross_entropy_with_logits": "take nn.binary_cross_entropy_with_logits",
    "bucketize": "take np.digitize",
    "cdist": "take np.linalg.norm(a[:, np.newaxis] - b, axis=-1)",
    "celu": "take nn.ELU()",
    "chain_matmul": "take np.linalg.multi_dot",
    "cholesky_solve": "take np.linalg.solve",
    "clamp_max": "take np.minimum",
    "clamp_min": "take np.maximum",
    "complex": "take a + 1j * b",
    "constant_pad_nd": "take np.pad",
    "conv1d": "take nn.Conv1d",
    "conv2d": "take nn.Conv2d",
    "conv_transpose2d": "take np.repeat along the axes of the picture, and nn.Conv2d",
    "cosine_similarity": "take np.sum(a * b) / (np.linalg.norm(a) * np.linalg.norm(b))",
    "cummax": "take np.maximum.accumulate of .data, as it has no derivative",
    "cummin": "take np.minimum.accumulate of .data, as it has no derivative",
    "diag_embed": "take x[..., np.newaxis] * np.eye(n)",
    "digamma": "take scipy.special.psi, which takes Tensors",
    "dist": "take np.linalg.norm(a - b)",
    "dot_product_attention": "take nn.MultiheadAttention, or al.softmax and @",
    "dropout1d": "take nn.Dropout(share)",
    "dropout2d": "take nn.Dropout(share)",
    "embedding": "take nn.Embedding, or W[:, indices]",
    "eq": "take x == y",
    "erfc": "take scipy.special.erfc, which takes Tensors",
    "erfinv": "take scipy.special.erfinv, which takes Tensors",
    "frac": "take x - np.trunc(x)",
    "gaussian_nll_loss": "take np.mean(np.log(v) + (a - y) ** 2 / v) / 2",
    "ge": "take x >= y",
    "geqrf": "take np.linalg.qr",
    "ger": "take np.outer",
    "glu": "take a * al.sigmoid(b), for the halves a and b of np.split(x, 2)",
    "group_norm": "take nn.LayerNorm(n_features)",
    "gt": "take x > y",
    "gumbel_softmax": "take al.softmax(z + np.random.default_rng(seed).gumbel(size=z.shape))",
    "hard_sigmoid": "take np.clip(z / 6 + 0.5, 0, 1)",
    "hard_silu": "take z * np.clip(z / 6 + 0.5, 0, 1)",
    "hard_swish": "take z * np.clip(z / 6 + 0.5, 0, 1)",
    "hard_tanh": "take np.clip(z, -1, 1)",
    "hardshrink": "take np.where(np.abs(z) > limit, z, 0)",
    "hardsigmoid": "take np.clip(z / 6 + 0.5, 0, 1)",
    "hardswish": "take z * np.clip(z / 6 + 0.5, 0, 1)",
    "hardtanh": "take np.clip(z, -1, 1)",
    "hinge_embedding_loss": "take nn.hinge",
    "histc": "take np.histogram",
    "huber_loss": "take nn.huber",
    "index_add": _CHOOSE,
    "index_copy": _CHOOSE,
    "index_fill": _CHOOSE,
    "index_put": _CHOOSE,
    "instance_norm": "take nn.LayerNorm(n_features)",
    "interpolate": "take np.repeat along the axes of the picture",
    "is_complex": "take np.iscomplexobj",
    "is_floating_point": "take np.issubdtype(x.dtype, np.floating)",
    "is_nonzero": "take bool(x.data)",
    "is_same_size": "take x.shape == y.shape",
    "is_signed": "take np.issubdtype(x.dtype, np.signedinteger)",
    "is_tensor": "take isinstance(x, al.Tensor)",
    "kl_div": "take np.sum(p * np.log(p / q))",
    "kthvalue": "take np.partition",
    "l1_loss": "take nn.mean_absolute_error",
    "layer_norm": "take nn.LayerNorm(n_features)",
    "le": "take x <= y",
    "lerp": "take x + weight * (y - x)",
    "lgamma": "take scipy.special.gammaln, which takes Tensors",
    "linear": "take W @ X + b, or nn.Linear",
    "log_sigmoid": "take -al.softplus(-z)",
    "logcumsumexp": "take np.log(np.cumsum(np.exp(x)))",
    "logdet": "take np.linalg.slogdet",
    "logit": "take scipy.special.logit, which takes Tensors",
    "logmeanexp": "take al.logsumexp(x) - np.log(n)",
    "logsigmoid": "take -al.softplus(-z)",
    "lt": "take x < y",
    "lu_solve": "take np.linalg.solve",
    "margin_ranking_loss": "take nn.hinge of the difference",
    "masked_scatter": _CHOOSE,
    "masked_select": "take x[mask]",
    "math": "take NumPy's functions, which take Tensors: np.sin, np.pi",
    "max_pool1d": "take np.max of np.lib.stride_tricks.sliding_window_view",
    "max_pool2d": "take nn.MaxPool2d(window)",
    "mish": "take z * np.tanh(al.softplus(z))",
    "mode": "take scipy.stats.mode of .data, as it has no derivative",
    "movedim": "take np.moveaxis",
    "msort": "take np.sort(x, axis=0)",
    "multi_head_attention_forward": "take nn.MultiheadAttention",
    "multi_margin_loss": "take nn.hinge",
    "multi_matmul": "take np.linalg.multi_dot",
    "multinomial": "random numbers are NumPy's: np.random.default_rng(seed).choice(n, size, p=p)",
    "narrow": "take a slice, as in x[start:stop]",
    "ne": "take x != y",
    "nelement": "take np.size",
    "nll_loss": "take nn.cross_entropy, which takes logits",
    "normal": _RANDOM,
    "normalize": "take x / np.linalg.norm(x, axis=0, keepdims=True)",
    "pairwise_distance": "take np.linalg.norm(a - b, axis=0)",
    "pinverse": "take np.linalg.pinv",
    "pixel_shuffle": "take np.reshape and np.transpose",
    "prelu": "take np.where(z > 0, z, slope * z), with an nn.Parameter as slope",
    "relu6": "take np.clip(z, 0, 6)",
    "renorm": "take x * np.minimum(1, most / np.linalg.norm(x))",
    "repeat_interleave": "take np.repeat",
    "rms_norm": "take x / np.sqrt(np.mean(x**2, axis=0) + epsilon)",
    "row_stack": "take np.vstack",
    "rrelu": "take nn.LeakyReLU()",
    "rsqrt": "take 1 / np.sqrt(x)",
    "rsub": "take y - x",
    "scaled_dot_product_attention": "take nn.MultiheadAttention, or al.softmax and @",
    "scatter_add": "take a product with nn.losses.one_hot(indices, n)",
    "scatter_reduce": _CHOOSE,
    "select_scatter": _CHOOSE,
    "selu": "take 1.0507 * np.where(z > 0, z, 1.6733 * np.expm1(np.minimum(z, 0)))",
    "sgn": "take np.sign",
    "slice_scatter": _CHOOSE,
    "smooth_l1_loss": "take nn.huber",
    "soft_margin_loss": "take np.mean(al.softplus(-y * z))",
    "soft_sign": "take z / (1 + np.abs(z))",
    "softmin": "take al.softmax(-z)",
    "softshrink": "take np.sign(z) * np.maximum(np.abs(z) - limit, 0)",
    "softsign": "take z / (1 + np.abs(z))",
    "split_with_sizes": "take np.split, at indices",
    "squareplus": "take (z + np.sqrt(z**2 + 4)) / 2",
    "standardize": "take (x - np.mean(x, axis=0)) / np.std(x, axis=0)",
    "std_mean": "take np.std and np.mean",
    "swapdims": "take np.swapaxes",
    "swish": "take nn.SiLU()",
    "symeig": "take np.linalg.eigh",
    "take_along_dim": "take np.take_along_axis",
    "tanhshrink": "take z - np.tanh(z)",
    "tensor_split": "take np.array_split",
    "threshold": "take np.where(z > limit, z, value)",
    "trapz": "take np.trapezoid",
    "triangular_solve": "take np.linalg.solve",
    "triplet_margin_loss": "take al.relu(np.linalg.norm(a - p) - np.linalg.norm(a - n) + 1)",
    "unbind": "take list(x), or np.unstack along an axis",
    "unflatten": "take np.reshape",
    "unique_consecutive": "take np.unique",
    "upsample": "take np.repeat along the axes of the picture",
    "var_mean": "take np.var and np.mean",
    "view_as_complex": "take x[..., 0] + 1j * x[..., 1]",
    "view_as_real": "take np.stack of np.real and np.imag",
}
"""Functions of arrays that other libraries have, some as methods, with what to write here."""

NAMES = {
    "Array": "take al.Tensor",
    "BFloat16Tensor": "take al.Tensor(data, dtype=np.float32)",
    "BoolTensor": "take al.Tensor(data, dtype=bool)",
    "DoubleTensor": "take al.Tensor(data, dtype=np.float64)",
    "FloatTensor": "take al.Tensor(data, dtype=np.float32)",
    "Function": _OWN_RULE,
    "Generator": _RANDOM,
    "GradScaler": "gradients need no scaling: compute in np.float32 or np.float64",
    "GradientTape": "Tensors record what is done to them: take loss.backward(), or al.grad(f)",
    "IntTensor": "take al.Tensor(data, dtype=np.int32)",
    "Layer": "take nn.Linear, and nn.Tanh or another activation",
    "LongTensor": "take al.Tensor(data, dtype=np.int64)",
    "MLP": "take nn.Sequential(nn.Linear(2, 16), nn.ReLU(), ...)",
    "Neuron": "take nn.Linear(n_in, 1)",
    "P": "for several machines take nn.dask_arrays",
    "Size": "take a tuple of int, as .shape is",
    "Value": "take al.Tensor(data, requires_grad=True)",
    "Variable": "take al.Tensor(data, requires_grad=True)",
    "add_sequence": "take np.sum of np.stack, or sum(list)",
    "amp": "compute in np.float32: al.Tensor(data, dtype=np.float32)",
    "anomaly_mode": "take al.detect_anomaly()",
    "arange": "take al.Tensor(np.arange(...))",
    "are_deterministic_algorithms_enabled": "the same seed gives the same results, up to rounding",
    "array": "take al.Tensor(data)",
    "as_tensor": "take al.Tensor(data)",
    "asarray": "take al.Tensor(data)",
    "astensor": "take al.Tensor(data)",
    "autocast": "compute in np.float32: al.Tensor(data, dtype=np.float32)",
    "autograd": "take al.grad or loss.backward(), and al.primitive for an operation of your own",
    "backends": _DEVICE,
    "backward": "take loss.backward()",
    "block_until_ready": "results are computed at once",
    "bmm": "take a @ b",
    "builtins": "take Python's own tuple, list and dict",
    "cartesian_prod": "take itertools.product",
    "cat": "take np.concatenate",
    "check_grads": "take al.gradcheck",
    "checkpoint_policies": "take al.checkpoint(f)",
    "chunk": "take np.array_split",
    "clamp": "take np.clip",
    "clear_caches": "al.compile(f) keeps what it compiled as long as its result",
    "clear_graph": "graphs are freed by backward(), or with their last result",
    "clone": "take np.copy",
    "combinations": "take itertools.combinations",
    "cond": "loops and branches are Python's own; np.linalg.cond is the condition number",
    "config": "options are arguments: al.Tensor(data, dtype=np.float32)",
    "constant": "take al.Tensor(data)",
    "cot": "take 1 / np.tan(x)",
    "coth": "take 1 / np.tanh(x)",
    "cpu": _DEVICE,
    "csc": "take 1 / np.sin(x)",
    "csch": "take 1 / np.sinh(x)",
    "cuda": _DEVICE,
    "custom_gradient": _OWN_RULE,
    "custom_jvp": _OWN_RULE,
    "custom_vjp": _OWN_RULE,
    "debug": "print shows Tensors, as operations are computed at once",
    "debug_nans": "take al.detect_anomaly()",
    "default_device": _DEVICE,
    "defjvp": "take al.defvjp, from which al.jvp follows",
    "defvjp_argnum": "take al.defvjp",
    "defvjp_argnums": "take al.defvjp",
    "deriv": "take al.grad(f)",
    "derivative": "take al.grad(f)",
    "detach": "take .detach() of a Tensor",
    "device": _DEVICE,
    "device_count": _DEVICE,
    "device_get": "take .numpy() of a Tensor",
    "device_put": _DEVICE,
    "devices": _DEVICE,
    "dict": "take Python's own dict",
    "differentiate": "take al.grad(f)",
    "disable_jit": "functions are compiled only by al.compile(f)",
    "distributed": "for several machines take nn.dask_arrays",
    "distributions": _RANDOM,
    "div": "take x / y",
    "double": "take np.float64",
    "draw_dot": "take al.draw(result)",
    "dropout": "take nn.Dropout(share)",
    "dynamo": "take al.compile(f)",
    "elementwise_grad": "take al.grad of the sum of the results",
    "elu": "take nn.ELU()",
    "empty_cache": _DEVICE,
    "enable_grad": "operations are recorded unless they run inside al.no_grad()",
    "enable_x64": "numbers are np.float64 unless dtype= says otherwise",
    "erf": "take scipy.special.erf, which takes Tensors",
    "eval_shape": "take .shape of the result",
    "experimental": "what there is stands in dir(al)",
    "export": "take al.to_onnx",
    "eye": "take al.Tensor(np.eye(n))",
    "fill": "take np.full",
    "flatten": "take np.ravel",
    "float": "take np.float32",
    "fori_loop": "loops and branches are Python's own",
    "from_numpy": "take al.Tensor(data)",
    "full": "take al.Tensor(np.full(shape, value))",
    "func": "take al.grad, al.jacobian, al.hessian, al.vjp and al.jvp",
    "function": "take al.compile(f)",
    "functional": "take al.relu, al.softmax and their like, and the losses of nn",
    "fwd_and_bwd": "take al.vjp",
    "fx": "al.derive(f) writes a program out",
    "gather": "take np.take_along_axis",
    "gelu": "take nn.GELU()",
    "get_default_dtype": "it is np.float64, unless data have another dtype",
    "grad_and_aux": "take al.grad(f, has_aux=True)",
    "grad_named": "take al.grad(f, argnums=...), which takes places",
    "gradient": "take al.grad(f)",
    "half": "take np.float16",
    "hessian_tensor_product": "take al.hvp",
    "hessian_vector_product": "take al.hvp",
    "holomorphic_grad": "take al.jacobian, of which results may be complex",
    "hub": "take nn.load(path, model)",
    "image": "take np.repeat along the axes of the picture",
    "index_select": "take np.take",
    "inference_mode": "take al.no_grad()",
    "initial_seed": _RANDOM,
    "initializers": "take nn.initialisers",
    "int": "take np.int32",
    "inverse": "take np.linalg.inv",
    "is_grad_enabled": "operations are recorded unless they run inside al.no_grad()",
    "isinstance": "take Python's own isinstance",
    "jacfwd": "take al.jacobian",
    "jacrev": "take al.jacobian",
    "jit": "take al.compile(f)",
    "jit_script": "take al.compile(f)",
    "keras": "networks are in nn: from autograd_lite import nn",
    "lax": "loops and branches are Python's own",
    "layers": "layers are in nn: nn.Linear, nn.Tanh",
    "leaky_relu": "take nn.LeakyReLU()",
    "linear_transpose": "take al.vjp",
    "linearize": "take al.jvp",
    "linspace": "take al.Tensor(np.linspace(...))",
    "list": "take Python's own list",
    "long": "take np.int64",
    "make_ggnvp": "take al.jvp and al.vjp",
    "make_hvp": "take al.hvp",
    "make_jaxpr": "take al.derive(f), which writes the gradient out, or al.draw(result)",
    "make_jvp": "take al.jvp",
    "make_mesh": "for several machines take nn.dask_arrays",
    "make_vjp": "take al.vjp",
    "manual_seed": "random numbers are NumPy's: np.random.default_rng(seed), and seed= in nn",
    "masked_fill": "take np.where(mask, value, x)",
    "mem_guard_off": "al.why_locked(array) says what keeps an array, and how to have it released",
    "mem_guard_on": "arrays of a graph are always guarded: see al.why_locked(array)",
    "mm": "take a @ b",
    "models": "networks are in nn: nn.Sequential",
    "mps": _DEVICE,
    "mse_loss": "take nn.mean_squared_error",
    "mul": "take x * y",
    "multigrad": "take al.grad(f, argnums=...)",
    "multigrad_dict": "take al.grad(f, argnums=...)",
    "multiply_sequence": "take np.prod of np.stack",
    "mv": "take a @ b",
    "named_scope": "take al.label(locals()), which names Tensors in pictures",
    "ndim": "take np.ndim",
    "neg": "take -x",
    "nnet": "networks are in nn: from autograd_lite import nn",
    "no_autodiff": "take al.no_grad()",
    "no_grad_funcs": "take al.no_grad()",
    "norm": "take np.linalg.norm",
    "np": "write import numpy as np: NumPy's functions take Tensors",
    "numel": "take np.size",
    "numpy": "write import numpy as np: NumPy's functions take Tensors",
    "one_hot": "take nn.losses.one_hot",
    "ones": "take al.Tensor(np.ones(shape))",
    "optim": "optimisers are in nn: nn.SGD, nn.Adam",
    "optimizers": "optimisers are in nn: nn.SGD, nn.Adam",
    "permute": "take np.transpose",
    "plot": "pictures of a training are in nn.plots; al.draw draws a graph",
    "pmap": "al.compile(f) uses all cores; for several machines take nn.dask_arrays",
    "polar": "take r * np.exp(1j * angle)",
    "profiler": "Python's own cProfile shows where the time goes",
    "pure_callback": "call the function, or make it an operation with al.primitive",
    "rand": _RANDOM,
    "rand_like": _RANDOM,
    "randint": _RANDOM,
    "randint_like": _RANDOM,
    "randn": _RANDOM,
    "randn_like": _RANDOM,
    "random": _RANDOM,
    "randperm": "random numbers are NumPy's: np.random.default_rng(seed).permutation(n)",
    "range": "take al.Tensor(np.arange(...))",
    "remat": "take al.checkpoint(f)",
    "scalar_tensor": "take al.Tensor(data)",
    "scan": "loops and branches are Python's own",
    "scatter": _CHOOSE,
    "scipy": "write import scipy: the ufuncs of scipy.special take Tensors",
    "sec": "take 1 / np.cos(x)",
    "sech": "take 1 / np.cosh(x)",
    "seed": _RANDOM,
    "set_default_device": _DEVICE,
    "set_default_dtype": "pass dtype= to al.Tensor and to the layers of nn",
    "set_default_tensor_type": "pass dtype= to al.Tensor and to the layers of nn",
    "set_float32_matmul_precision": "matrix products are NumPy's, in the dtype of the arrays",
    "set_grad_enabled": "take al.no_grad()",
    "set_num_threads": "matrix products are NumPy's: set OPENBLAS_NUM_THREADS before the start",
    "set_printoptions": "take np.set_printoptions",
    "shard_map": "for several machines take nn.dask_arrays",
    "sharding": "for several machines take nn.dask_arrays",
    "short": "take np.int16",
    "signal": "take scipy.signal",
    "silu": "take nn.SiLU()",
    "sliding_window_view": "take np.lib.stride_tricks.sliding_window_view",
    "sparse": "pass .toarray() of a sparse matrix",
    "special": "take scipy.special, whose functions take Tensors",
    "stop_gradient": "take .detach() of a Tensor",
    "sub": "take x - y",
    "t": "take np.transpose",
    "tensor": "take al.Tensor(data)",
    "tensor_jacobian_product": "take al.vjp",
    "to_dlpack": "take np.from_dlpack of .data",
    "topk": "take np.sort, or np.argsort",
    "tracer": "Tensors record what is done to them: al.draw(x) shows it",
    "tree": _TREES,
    "tree_map": _TREES,
    "tree_util": _TREES,
    "trees": _TREES,
    "tuple": "take Python's own tuple",
    "turn_memory_guarding_off": "al.why_locked(array) says what keeps an array, and what to do",
    "turn_memory_guarding_on": "arrays of a graph are always guarded: see al.why_locked(array)",
    "type": "take Python's own type, or .dtype",
    "typeof": "take .dtype and .shape",
    "unsqueeze": "take np.expand_dims",
    "use_deterministic_algorithms": "the same seed gives the same results, up to rounding",
    "utils": "batches are made by nn.batches",
    "vector_jacobian_product": "take al.vjp",
    "version": "take al.__version__",
    "vmap": "NumPy's functions take one more axis: write f for a batch, samples along an axis",
    "while_loop": "loops and branches are Python's own",
    "zero_grad": "take .zero_grad() of a Tensor or of an optimiser",
    "zero_": "take al.Tensor(np.zeros(shape))",
    "zeros": "take al.Tensor(np.zeros(shape))",
    **{name: f"take nn.{name}" for name in _OF_NN},
}
"""Names that other libraries have where `al` has none, with what to write here."""

_HISTORY = "al.draw(x) shows how it was made, and .is_leaf whether it was"
_WRITE = "write x.data[...] = values, of a tensor that no operation made"

TENSOR_ATTRIBUTES = {
    "H": "take .T.conj()",
    "add": "take x + y",
    "addressable_data": _DEVICE,
    "apply": "take NumPy's functions",
    "array": "take .numpy()",
    "as_numpy": "take .numpy()",
    "asnumpy": "take .numpy()",
    "assign": "write x.data = values",
    "assign_add": "write x.data += values",
    "assign_sub": "write x.data -= values",
    "at": _CHOOSE,
    "aval": "take .shape and .dtype",
    "bfloat16": "take .astype(np.float32)",
    "block_until_ready": "results are computed at once",
    "bmm": "take x @ y",
    "bool": "take .astype(bool)",
    "byte": "take .astype(np.uint8)",
    "cdouble": "take .astype(np.complex128)",
    "cfloat": "take .astype(np.complex64)",
    "char": "take .astype(np.int8)",
    "chunk": "take np.array_split",
    "clamp": "take .clip(min, max)",
    "clear_graph": "graphs are freed by backward(), or with their last result",
    "clone": "take .copy()",
    "committed": _DEVICE,
    "constant": "take .requires_grad, which is the opposite",
    "contiguous": "take .copy()",
    "copy_to_host_async": "take .numpy()",
    "cpu": "a Tensor of NumPy's array is on the CPU; .numpy() gives the array",
    "creator": _HISTORY,
    "cuda": _DEVICE,
    "cummax": "take np.maximum.accumulate of .data, as it has no derivative",
    "data_ptr": "take .ctypes.data",
    "det": "take np.linalg.det",
    "detach_": "take .detach(), which gives another tensor",
    "dim": "take .ndim",
    "div": "take x / y",
    "double": "take .astype(np.float64)",
    "element_size": "take .itemsize",
    "eval": "take .numpy(), or .item() for a number",
    "expand": "take np.broadcast_to",
    "expand_as": "take np.broadcast_to",
    "float": "take .astype(np.float32)",
    "gather": "take np.take_along_axis",
    "get_device": "take .device",
    "get_shape": "take .shape",
    "grad_fn": _HISTORY,
    "gradient": "take .grad",
    "half": "take .astype(np.float16)",
    "index": _CHOOSE,
    "index_select": "take .take(indices, axis)",
    "int": "take .astype(np.int32)",
    "inverse": "take np.linalg.inv",
    "is_contiguous": "take .flags.c_contiguous",
    "is_cpu": "take .device",
    "is_cuda": "take .device",
    "is_fully_addressable": _DEVICE,
    "is_inference": "take .requires_grad",
    "is_nested": "it never is: lists of Tensors are lists",
    "is_sparse": "it never is: a sparse matrix is passed as its .toarray()",
    "layout": "take .flags",
    "long": "take .astype(np.int64)",
    "mH": "take .mT.conj()",
    "map": "take NumPy's functions, or np.vectorize of .data",
    "masked_fill": "take np.where(mask, value, x)",
    "matmul": "take x @ y",
    "mm": "take x @ y",
    "movedim": "take np.moveaxis",
    "mul": "take x * y",
    "mv": "take x @ y",
    "names": "take .name",
    "ndimension": "take .ndim",
    "neg": "take -x",
    "nelement": "take .size",
    "new": "take al.Tensor(data)",
    "new_empty": "take al.Tensor(np.empty(shape))",
    "new_full": "take al.Tensor(np.full(shape, value))",
    "new_ones": "take al.Tensor(np.ones(shape))",
    "new_tensor": "take al.Tensor(data)",
    "new_zeros": "take al.Tensor(np.zeros(shape))",
    "norm": "take np.linalg.norm",
    "null_grad": "take .zero_grad()",
    "null_gradients": "take .zero_grad()",
    "numel": "take .size",
    "output_nr": _HISTORY,
    "permute": "take .transpose(axes)",
    "pin_memory": _DEVICE,
    "pow": "take x**y",
    "register_post_accumulate_grad_hook": "take .register_hook(hook)",
    "repeat_interleave": "take .repeat(repeats, axis)",
    "requires_grad_": "write x.requires_grad = True",
    "reshape_as": "take .reshape(y.shape)",
    "resize_as": "take .reshape(y.shape)",
    "retain_graph": "pass it: loss.backward(retain_graph=True)",
    "retains_grad": "take .retain_grad(), and .grad after backward()",
    "scatter": _CHOOSE,
    "set": _CHOOSE,
    "shape_as_list": "take .shape",
    "sharding": _DEVICE,
    "share_memory": "take .data, which other processes copy",
    "short": "take .astype(np.int16)",
    "split": "take np.split at indices, or np.array_split",
    "stop_gradient": "take .detach()",
    "storage": "take .data",
    "stride": "take .strides",
    "sub": "take x - y",
    "sum_to_size": "take np.sum over the axes that were broadcast",
    "swapdims": "take .swapaxes(axis1, axis2)",
    "t": "take .T",
    "tensor": "take the Tensor itself",
    "tile": "take np.tile",
    "to": "take .astype(dtype) for a dtype; al.Tensor(cupy_array) is on a GPU",
    "to_dense": "it is dense: take .data",
    "to_list": "take .tolist()",
    "to_numpy": "take .numpy()",
    "to_sparse": "take scipy.sparse.coo_array(x.data), through which no gradient flows",
    "topk": "take np.sort, or .argsort()",
    "type": "take .astype(dtype), or .dtype",
    "type_as": "take .astype(y.dtype)",
    "unflatten": "take .reshape(shape)",
    "unfold": "take np.lib.stride_tricks.sliding_window_view",
    "unsqueeze": "take np.expand_dims",
    "untyped_storage": "take .data",
    "value": "take .data",
    "values": "take .numpy()",
    "view_as": "take .reshape(y.shape)",
    "weak_type": "take .dtype",
    "zero_": _WRITE,
}
"""Attributes that arrays of other libraries have and a Tensor has not, with what to write here."""

OPTIONS: dict[str, tuple[str, ...]] = {
    "arg": ("argnums",),
    "argnames": ("argnums",),
    "argnum": ("argnums",),
    "atol": ("tolerance",),
    "dim": ("axis",),
    "dim0": ("axis1",),
    "dim1": ("axis1",),
    "dim2": ("axis2",),
    "dims": ("axis",),
    "donate_argnums": ("donate",),
    "fun": ("function",),
    "func": ("function",),
    "grad_output": ("gradient",),
    "grad_outputs": ("gradient",),
    "keepdim": ("keepdims",),
    "outputs": ("output",),
    "primals": ("args",),
    "rtol": ("tolerance",),
    "tol": ("tolerance",),
    "unbiased": ("ddof",),
}
"""Options of other libraries, with the options here that may replace them."""

WITHOUT_OPTION = {
    "allow_int": "integers have no gradient, so take floats",
    "allow_unused": "an input that the output does not depend on has a gradient of zeros",
    "backend": "there is one; native= says whether Numba is used",
    "create_graph": "derivatives nest, as in al.grad(lambda x: np.sum(al.grad(f)(x))), and "
    "al.gradients(y, [x], create_graph=True) gives Tensors",
    "descending": "take np.flip of the result",
    "device": _DEVICE,
    "dynamic": "what is compiled serves any number of samples where that is possible",
    "end_dim": "write .reshape(len(x), -1) to keep the first axis",
    "eps": "the step of the differences cannot be chosen",
    "epsilon": "the step of the differences cannot be chosen",
    "force": "numpy() always gives a copy",
    "format": 'write al.draw(result).render("graph.svg")',
    "fullgraph": "the whole function is compiled, or the call says why it cannot be",
    "has_aux": "al.grad and al.value_and_grad have it",
    "holomorphic": "al.grad is of real results, and al.jacobian takes complex ones",
    "inplace": "results are always new",
    "inputs": "al.grad(f)(x) takes a function, and al.gradients(output, inputs) takes Tensors",
    "mode": "al.compile has no modes, and derivatives are always taken backward",
    "outputs": "al.grad takes a function; write al.gradients(output, inputs)",
    "policy": "al.checkpoint keeps the arguments only",
    "raise_exception": "where a derivative is wrong it always raises",
    "retain_graph": "the graph is left as it is",
    "set_to_none": "a gradient is None afterwards, always",
    "start_dim": "write .reshape(len(x), -1) to keep the first axis",
    "static_argnames": "whole numbers, booleans and strings are constants of what is compiled",
    "static_argnums": "whole numbers, booleans and strings are constants of what is compiled",
    "strict": "all results have gradients, of zeros where nothing depends on the input",
    "use_reentrant": "write al.checkpoint(f)(x)",
    "vectorize": "rows are computed one after the other",
}
"""Options of other libraries that none replaces, with what to do here."""

CALLS = {
    "checkpoint": "takes the function alone: write al.checkpoint(f)(x)",
    "flatten": "makes all axes one: write .reshape(len(x), -1) to keep the first",
    "repeat": "repeats each element: take np.tile(x, (2, 3)) for copies of the whole",
}
"""Functions that other libraries call with other arguments, with what to write here."""


def closest(name: str, known: Iterable[str]) -> str:
    """The ending of a message about an unknown name: the most similar name that there is.

    Parameters
    ----------
    name : str
        What was asked for.
    known : iterable of str
        The names that there are.

    Returns
    -------
    str
        Empty where none is similar.

    Examples
    --------
    >>> from autograd_lite.extend import closest
    >>> closest("Linaer", ["Linear", "Tanh"])
    "; did you mean 'Linear'?"
    """
    import difflib  # Needed by errors only.

    by_case = {other.lower(): other for other in known if not other.startswith("_")}
    found = [other for other in by_case if sorted(other) == sorted(name.lower())]
    found = found or difflib.get_close_matches(name.lower(), by_case, 1, 0.75)
    return f"; did you mean {by_case[found[0]]!r}?" if found else ""


def attribute_error(
    what: str, name: str, answers: Mapping[str, str], known: Iterable[str]
) -> AttributeError:
    """The error for an attribute that something lacks, with what to write instead.

    Parameters
    ----------
    what : str
        What lacks it, as the message calls it.
    name : str
        The attribute.
    answers : mapping of str to str
        Names of other libraries, each with the words that the message ends with.
    known : iterable of str
        The attributes that there are: a similar one is offered where no answer is known.

    Returns
    -------
    AttributeError

    Examples
    --------
    >>> from autograd_lite.extend import attribute_error
    >>> print(attribute_error("a Dog", "miaow", {"miaow": "take .bark()"}, ["bark"]))
    a Dog has no attribute 'miaow'; take .bark()
    """
    message = f"{what} has no attribute {name!r}"
    if name.startswith("_"):
        return AttributeError(message, name=name)
    ending = f"; {answers[name]}" if name in answers else ""
    return AttributeError(message + (ending or closest(name, known)), name=name)


def answers(name: str) -> dict[str, str]:
    """What `al` answers to a name of another library: one entry, or none.

    Parameters
    ----------
    name : str
        What was asked for.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> from autograd_lite.extend import answers
    >>> answers("jit"), answers("qqq")
    ({'jit': 'take al.compile(f)'}, {})
    """
    if answer := NAMES.get(name) or FUNCTIONS.get(name):
        return {name: answer}
    if name in np.__all__:
        return {name: f"take np.{name}"}
    if name in np.linalg.__all__:
        return {name: f"take np.linalg.{name}"}
    if name.endswith("_") and (answer := answers(name.rstrip("_")).get(name.rstrip("_"))):
        return {name: f"nothing is computed in place; {answer}"}
    return {}


def missing_name(name: str, known: Iterable[str]) -> AttributeError:
    """The error for a name that `autograd_lite` does not have."""
    known = list(known)
    found = answers(name)
    if name.endswith("_") and name[:-1] in known:
        found = {name: f"nothing is computed in place; take al.{name[:-1]}"}
    return attribute_error("module 'autograd_lite'", name, found, known)


def missing_attribute(name: str, known: Iterable[str]) -> AttributeError:
    """The error for an attribute that a Tensor does not have."""
    found = {}
    if name in TENSOR_ATTRIBUTES:
        found[name] = TENSOR_ATTRIBUTES[name]
    elif name in _SPECIAL:
        found[name] = f"take al.{name}"
    elif name in FUNCTIONS:
        found[name] = FUNCTIONS[name]
    elif name in np.__all__ and _is_function(getattr(np, name)):
        found[name] = f"take np.{name}"
    elif name.endswith("_"):
        found[name] = f"methods that write in place are not recorded; {_WRITE}"
    else:
        found = answers(name)
    return attribute_error("'Tensor' object", name, found, known)


def _is_function(value: Any) -> bool:
    return isinstance(value, np.ufunc) or inspect.isroutine(value)


def check_options(
    what: str,
    options: Iterable[str],
    known: Iterable[str],
    ours: Mapping[str, tuple[str, ...]] = OPTIONS,
    without: Mapping[str, str] = WITHOUT_OPTION,
) -> None:
    """Raises TypeError for the first unknown option, with what to write instead.

    Parameters
    ----------
    what : str
        What has the options, as the message calls it.
    options : iterable of str
        The names that were given.
    known : iterable of str
        The names that there are.
    ours : mapping of str to tuple of str
        Options of other libraries, with those here that may replace them.
    without : mapping of str to str
        Options that none replaces, each with the words that the message ends with.

    Raises
    ------
    TypeError
        Where an option is unknown.

    Examples
    --------
    >>> from autograd_lite.extend import check_options
    >>> check_options("bark", ["volume"], ["loudness"], {"volume": ("loudness",)})
    Traceback (most recent call last):
    TypeError: bark() has no option 'volume': here it is loudness=
    """
    known = list(known)
    for name in options:
        if name not in known:
            ending = _about_option(name, known, ours, without)
            raise TypeError(f"{what}() has no option {name!r}{ending}")


def _about_option(
    name: str,
    known: Iterable[str],
    ours: Mapping[str, tuple[str, ...]],
    without: Mapping[str, str],
) -> str:
    """The ending of the message about an unknown option: what to write instead."""
    known = list(known)
    if there := [f"{other}=" for other in ours.get(name, ()) if other in known]:
        return f": here it is {' and '.join(there)}"
    return f": {without[name]}" if name in without else closest(name, known)


def explain_call(
    what: str,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    options: Mapping[str, Any],
    ours: Mapping[str, tuple[str, ...]] = OPTIONS,
    without: Mapping[str, str] = WITHOUT_OPTION,
    calls: Mapping[str, str] = CALLS,
) -> None:
    """Raises TypeError where a call that failed is one of another library; else does nothing.

    Parameters
    ----------
    what : str
        What was called, as the message calls it.
    function : callable
        A function with the signature of what was called.
    args : tuple
        The arguments of the call.
    options : mapping
        The options of the call.
    ours, without : mapping
        As `check_options` takes them.
    calls : mapping of str to str
        Functions that other libraries call with other arguments, each with the words that the
        message ends with.

    Raises
    ------
    TypeError
        Where an option or the number of arguments is that of another library.

    Examples
    --------
    >>> from autograd_lite.extend import explain_call
    >>> explain_call("bark", lambda loudness: None, (), {"volume": 3}, {"volume": ("loudness",)})
    Traceback (most recent call last):
    TypeError: bark() has no option 'volume': here it is loudness=
    """
    try:
        signature = inspect.signature(function)
    except ValueError:
        return
    takes = signature.parameters
    for name in (other for other in options if other not in takes):
        # Python's own message stands where there is nothing to add.
        if ending := _about_option(name, takes, ours, without):
            raise TypeError(f"{what}() has no option {name!r}{ending}") from None
    if "keepdims" in takes and any(value is True or value is False for value in args[1:]):
        raise TypeError(f"{what}() takes keepdims by its name, as in {what}(axis=0, keepdims=True)")
    if what in calls:
        try:
            signature.bind(*args, **options)
        except TypeError:
            raise TypeError(f"{what}() {calls[what]}") from None


def answering(function: F) -> F:
    """`function` with errors for calls of other libraries that say what to write here."""

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except TypeError:
            explain_call(function.__name__, function, args, options)
            raise

    return cast(F, call)
