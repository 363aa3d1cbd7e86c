"""Errors for names of other libraries, with what to write here."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

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
_DEVICE = "arrays stay where their library has them: al.Tensor(cupy_array) is on a GPU"

NAMES = {
    "Function": _OWN_RULE,
    "GradientTape": "Tensors record what is done to them: take loss.backward(), or al.grad(f)",
    "MLP": "take nn.Sequential(nn.Linear(2, 16), nn.ReLU(), ...)",
    "Value": "take al.Tensor(data, requires_grad=True)",
    "Variable": "take al.Tensor(data, requires_grad=True)",
    "arange": "take al.Tensor(np.arange(...))",
    "array": "take al.Tensor(data)",
    "as_tensor": "take al.Tensor(data)",
    "asarray": "take al.Tensor(data)",
    "autograd": "take al.grad or loss.backward(), and al.primitive for an operation of your own",
    "backward": "take loss.backward()",
    "block_until_ready": "results are computed at once",
    "bmm": "take a @ b",
    "cat": "take np.concatenate",
    "clamp": "take np.clip",
    "constant": "take al.Tensor(data)",
    "cuda": _DEVICE,
    "custom_gradient": _OWN_RULE,
    "custom_jvp": _OWN_RULE,
    "custom_vjp": _OWN_RULE,
    "deriv": "take al.grad(f)",
    "derivative": "take al.grad(f)",
    "device": _DEVICE,
    "device_put": _DEVICE,
    "devices": _DEVICE,
    "differentiate": "take al.grad(f)",
    "draw_dot": "take al.draw(result)",
    "dropout": "take nn.Dropout(share)",
    "elementwise_grad": "take al.grad of the sum of the results",
    "elu": "take nn.ELU()",
    "enable_grad": "operations are recorded unless they run inside al.no_grad()",
    "erf": "take scipy.special.erf, which takes Tensors",
    "export": "take al.to_onnx",
    "eye": "take al.Tensor(np.eye(n))",
    "flatten": "take np.ravel",
    "from_numpy": "take al.Tensor(data)",
    "full": "take al.Tensor(np.full(shape, value))",
    "func": "take al.grad, al.jacobian, al.hessian, al.vjp and al.jvp",
    "function": "take al.compile(f)",
    "functional": "take al.relu, al.softmax and their like, and the losses of nn",
    "gelu": "take nn.GELU()",
    "gradient": "take al.grad(f)",
    "hessian_vector_product": "take al.hvp",
    "inference_mode": "take al.no_grad()",
    "is_grad_enabled": "operations are recorded unless they run inside al.no_grad()",
    "jacfwd": "take al.jacobian",
    "jacrev": "take al.jacobian",
    "jit": "take al.compile(f)",
    "keras": "networks are in nn: from autograd_lite import nn",
    "lax": "loops and branches are Python's own",
    "layers": "layers are in nn: nn.Linear, nn.Tanh",
    "leaky_relu": "take nn.LeakyReLU()",
    "linearize": "take al.jvp",
    "linspace": "take al.Tensor(np.linspace(...))",
    "make_hvp": "take al.hvp",
    "make_jvp": "take al.jvp",
    "make_vjp": "take al.vjp",
    "manual_seed": "random numbers are NumPy's: np.random.default_rng(seed), and seed= in nn",
    "mem_guard_off": "al.why_locked(array) says what keeps an array, and how to have it released",
    "mm": "take a @ b",
    "models": "networks are in nn: nn.Sequential",
    "mse_loss": "take nn.mean_squared_error",
    "multigrad_dict": "take al.grad(f, argnums=...)",
    "no_autodiff": "take al.no_grad()",
    "norm": "take np.linalg.norm",
    "np": "write import numpy as np: NumPy's functions take Tensors",
    "numpy": "write import numpy as np: NumPy's functions take Tensors",
    "one_hot": "take nn.losses.one_hot",
    "ones": "take al.Tensor(np.ones(shape))",
    "optim": "optimisers are in nn: nn.SGD, nn.Adam",
    "optimizers": "optimisers are in nn: nn.SGD, nn.Adam",
    "permute": "take np.transpose",
    "plot": "pictures of a training are in nn.plots; al.draw draws a graph",
    "pmap": "al.compile(f) uses all cores; for several machines take nn.dask_arrays",
    "rand": _RANDOM,
    "randint": _RANDOM,
    "randn": _RANDOM,
    "random": _RANDOM,
    "remat": "take al.checkpoint(f)",
    "set_default_dtype": "pass dtype= to al.Tensor and to the layers of nn",
    "set_grad_enabled": "take al.no_grad()",
    "silu": "take nn.SiLU()",
    "stop_gradient": "take .detach() of a Tensor",
    "tensor": "take al.Tensor(data)",
    "tree": _TREES,
    "tree_map": _TREES,
    "tree_util": _TREES,
    "turn_memory_guarding_off": "al.why_locked(array) says what keeps an array, and what to do",
    "unsqueeze": "take np.expand_dims",
    "utils": "batches are made by nn.batches",
    "version": "take al.__version__",
    "vmap": "NumPy's functions take one more axis: write f for a batch, samples along an axis",
    "zeros": "take al.Tensor(np.zeros(shape))",
    **{
        name: f"take nn.{name}"
        for name in (
            "Adam",
            "LBFGS",
            "Linear",
            "LogisticRegression",
            "Module",
            "Parameter",
            "SGD",
            "Sequential",
            "binary_cross_entropy",
            "cross_entropy",
            "fit",
            "load",
            "save",
        )
    },
}
"""Names that other libraries have where `al` has none, with what to write here."""

_HISTORY = "al.draw(x) shows how it was made, and .is_leaf whether it was"
_WRITE = "write x.data[...] = values, of a tensor that no operation made"
_CHOOSE = "take np.where or np.concatenate, which give a new tensor"

TENSOR_ATTRIBUTES = {
    "add": "take x + y",
    "assign": "write x.data = values",
    "assign_add": "write x.data += values",
    "assign_sub": "write x.data -= values",
    "at": _CHOOSE,
    "block_until_ready": "results are computed at once",
    "bmm": "take x @ y",
    "bool": "take .astype(bool)",
    "chunk": "take np.array_split",
    "clamp": "take .clip(min, max)",
    "clone": "take .copy()",
    "constant": "take .requires_grad, which is the opposite",
    "contiguous": "take .copy()",
    "cpu": "a Tensor of NumPy's array is on the CPU; .numpy() gives the array",
    "creator": _HISTORY,
    "cuda": _DEVICE,
    "det": "take np.linalg.det",
    "dim": "take .ndim",
    "div": "take x / y",
    "double": "take .astype(np.float64)",
    "eval": "take .numpy(), or .item() for a number",
    "expand": "take np.broadcast_to",
    "expand_as": "take np.broadcast_to",
    "float": "take .astype(np.float32)",
    "gather": "take np.take_along_axis",
    "grad_fn": _HISTORY,
    "gradient": "take .grad",
    "half": "take .astype(np.float16)",
    "index_select": "take .take(indices, axis)",
    "int": "take .astype(np.int32)",
    "inverse": "take np.linalg.inv",
    "is_cuda": "take .device",
    "long": "take .astype(np.int64)",
    "masked_fill": "take np.where(mask, value, x)",
    "matmul": "take x @ y",
    "mm": "take x @ y",
    "mul": "take x * y",
    "mv": "take x @ y",
    "ndimension": "take .ndim",
    "neg": "take -x",
    "new_ones": "take al.Tensor(np.ones(shape))",
    "new_zeros": "take al.Tensor(np.zeros(shape))",
    "norm": "take np.linalg.norm",
    "null_grad": "take .zero_grad()",
    "numel": "take .size",
    "permute": "take .transpose(axes)",
    "pow": "take x**y",
    "requires_grad_": "write x.requires_grad = True",
    "reshape_as": "take .reshape(y.shape)",
    "scatter": _CHOOSE,
    "set": _CHOOSE,
    "stop_gradient": "take .detach()",
    "sub": "take x - y",
    "t": "take .T",
    "to": "take .astype(dtype) for a dtype; al.Tensor(cupy_array) is on a GPU",
    "topk": "take np.sort, or .argsort()",
    "type": "take .astype(dtype), or .dtype",
    "unfold": "take np.lib.stride_tricks.sliding_window_view",
    "unsqueeze": "take np.expand_dims",
    "value": "take .data",
    "values": "take .numpy()",
    "view_as": "take .reshape(y.shape)",
    "zero_": _WRITE,
}
"""Attributes that arrays of other libraries have and a Tensor has not, with what to write here."""

METHOD_OPTIONS = {"dim": "axis", "dims": "axis", "keepdim": "keepdims"}
"""Options of other libraries' methods, with those of NumPy's."""


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

    by_case = {other.lower(): other for other in known}
    found = difflib.get_close_matches(name.lower(), by_case, 1)
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


def missing_name(name: str, known: Iterable[str]) -> AttributeError:
    """The error for a name that `autograd_lite` does not have."""
    answers = {name: f"take np.{name}"} if name in np.__all__ else {}
    return attribute_error("module 'autograd_lite'", name, answers | NAMES, known)


def missing_attribute(name: str, known: Iterable[str]) -> AttributeError:
    """The error for an attribute that a Tensor does not have."""
    answers = {}
    if name in _SPECIAL:
        answers[name] = f"take al.{name}"
    elif name in np.__all__ and _is_function(getattr(np, name)):
        answers[name] = f"take np.{name}"
    elif name.endswith("_"):
        answers[name] = f"methods that write in place are not recorded; {_WRITE}"
    return attribute_error("'Tensor' object", name, answers | TENSOR_ATTRIBUTES, known)


def _is_function(value: Any) -> bool:
    return isinstance(value, np.ufunc) or inspect.isroutine(value)
