"""Programs: a computation written down, with its meaning, its rewriting and its captures."""

from autograd_lite.program.tracing import TracedValueError

__all__ = ["TracedValueError"]
