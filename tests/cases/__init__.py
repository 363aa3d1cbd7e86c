"""The table of cases: every rule with the shapes, axes and options that it must be right for."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """One call of one function.

    `operands` are the arguments that gradients are checked for; `call` does the call, if it is
    not `function(*operands, **options)`. `since` is the first NumPy that does it, or does it right.
    """

    function: Any
    operands: tuple
    options: dict = field(default_factory=dict)
    call: Any = None
    note: str = ""
    since: str = "2.2.0"

    def __call__(self, *operands):
        if self.call is not None:
            return self.call(*operands, **self.options)
        return self.function(*operands, **self.options)

    @property
    def id(self):
        shapes = "-".join("x".join(map(str, np.shape(o))) or "scalar" for o in self.operands)
        options = ",".join(f"{k}={v}" for k, v in self.options.items() if "\n" not in str(v))
        parts = [self.function.__name__, shapes, options, self.note]
        return "/".join(part for part in parts if part)


def normal(*shape, seed=0):
    """Random numbers that keep away from 0, where many functions have a kink or a pole."""
    rng = np.random.default_rng((seed, *shape))
    numbers = np.asarray(rng.uniform(0.3, 2, shape))
    return numbers * np.where(rng.random(shape) < 0.5, -1, 1)


def positive(*shape, seed=0):
    """Random numbers between 0.3 and 2."""
    return np.abs(normal(*shape, seed=seed))


def complex_normal(*shape, seed=0):
    """Random complex numbers."""
    return normal(*shape, seed=seed) + 1j * normal(*shape, seed=seed + 100)


def layouts(array):
    """The same values as a transposed view and as a non-contiguous one."""
    transposed = np.ascontiguousarray(array.T).T
    strided = np.repeat(array, 2, axis=-1)[..., ::2]
    return {"transposed": transposed, "strided": strided}
