"""Programs: a recorded computation written out, optimised, run and printed."""

from autograd_lite.program.compiling import Compiled, compile
from autograd_lite.program.derive import Derivation, derive
from autograd_lite.program.onnx import to_onnx
from autograd_lite.program.tracer import TracedValueError, standing_in

__all__ = [
    "Compiled",
    "Derivation",
    "TracedValueError",
    "compile",
    "derive",
    "standing_in",
    "to_onnx",
]
