"""Programs as fast source: schedule, memory, and the printers of NumPy, blocks and Numba."""

from autograd_lite.compiler.compiled import Compiled, compile

__all__ = ["Compiled", "compile"]
