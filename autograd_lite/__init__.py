"""Reverse-mode automatic differentiation of ordinary NumPy code.

NumPy's own functions work on a `Tensor`; the ones exported here are the same objects, under one
roof with those that NumPy lacks (`sigmoid`, `relu`, `softplus`, `xlogy`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autograd_lite.anomaly import detect_anomaly
from autograd_lite.arrays.memory import keep_freed_memory
from autograd_lite.displayed import watch_notebook
from autograd_lite.elsewhere import missing_name
from autograd_lite.lock_reasons import why_locked
from autograd_lite.operations import defvjp, primitive
from autograd_lite.tensor import Tensor, label
from autograd_lite.transforms import (
    checkpoint,
    grad,
    gradients,
    hessian,
    hvp,
    jacobian,
    jvp,
    value_and_grad,
    vjp,
)
from autograd_lite.watching import record_lines

if TYPE_CHECKING:
    from autograd_lite import check
    from autograd_lite.check import check_derivation, check_script, compare, gradcheck
    from autograd_lite.compiler import compile
    from autograd_lite.derivation import derive
    from autograd_lite.onnx import to_onnx
    from autograd_lite.pictures import draw
    from autograd_lite.program import TracedValueError
    from autograd_lite.sheets import animate, sheet, step_through
    from autograd_lite.signatures import (
        abs,
        add,
        divide,
        dot,
        exp,
        log,
        log_softmax,
        logsumexp,
        matmul,
        maximum,
        mean,
        minimum,
        multiply,
        negative,
        no_grad,
        power,
        relu,
        reshape,
        sigmoid,
        softmax,
        softplus,
        sqrt,
        square,
        subtract,
        sum,
        tanh,
        transpose,
        where,
        xlog1py,
        xlogy,
    )
else:
    from numpy import (
        abs,
        add,
        divide,
        dot,
        exp,
        log,
        matmul,
        maximum,
        mean,
        minimum,
        multiply,
        negative,
        power,
        reshape,
        sqrt,
        square,
        subtract,
        sum,
        tanh,
        transpose,
        where,
    )

    from autograd_lite.modes import no_grad
    from autograd_lite.rules.special import (
        log_softmax,
        logsumexp,
        relu,
        sigmoid,
        softmax,
        softplus,
        xlog1py,
        xlogy,
    )

keep_freed_memory()
watch_notebook()

for _module in ("backward", "tensor"):
    # As attributes they would hide that these names of other libraries are absent here.
    del globals()[_module]

__version__ = "0.1.0"

__all__ = [
    "Tensor",
    "TracedValueError",
    "abs",
    "add",
    "animate",
    "check",
    "check_derivation",
    "check_script",
    "checkpoint",
    "compile",
    "compare",
    "defvjp",
    "derive",
    "detect_anomaly",
    "divide",
    "dot",
    "draw",
    "exp",
    "grad",
    "gradcheck",
    "gradients",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "label",
    "log",
    "log_softmax",
    "logsumexp",
    "matmul",
    "maximum",
    "mean",
    "minimum",
    "multiply",
    "negative",
    "no_grad",
    "power",
    "primitive",
    "record_lines",
    "relu",
    "reshape",
    "sheet",
    "sigmoid",
    "softmax",
    "softplus",
    "sqrt",
    "square",
    "step_through",
    "subtract",
    "sum",
    "tanh",
    "to_onnx",
    "transpose",
    "value_and_grad",
    "vjp",
    "where",
    "why_locked",
    "xlog1py",
    "xlogy",
]

_LOADED_WHEN_USED = {
    "TracedValueError": "program",
    "check": "check",
    "check_derivation": "check",
    "check_script": "check",
    "compare": "check",
    "compile": "compiler",
    "derive": "derivation",
    "draw": "pictures",
    "gradcheck": "check",
    "nn": "nn",
    "animate": "sheets",
    "sheet": "sheets",
    "step_through": "sheets",
    "to_onnx": "onnx",
}
"""The packages of what a program that only computes and differentiates does not need."""


def load_ipython_extension(shell: Any) -> None:
    """Makes `%%check_derivation` known to a notebook, for `%load_ext autograd_lite`."""
    from autograd_lite.check.notebook import register

    register(shell)


def __getattr__(name: str) -> Any:
    package = _LOADED_WHEN_USED.get(name)
    if package is None:
        raise missing_name(name, __all__)
    module = import_module(f"{__name__}.{package}")
    globals()[name] = found = module if name == package else getattr(module, name)
    return found


def __dir__() -> list[str]:
    # What a shell completes: internal modules are left out.
    return sorted({"nn", *__all__, *(name for name in globals() if name.startswith("__"))})
