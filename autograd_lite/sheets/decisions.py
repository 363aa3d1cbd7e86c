"""Decisions: values that a function reads to choose its way, such as the condition of a branch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autograd_lite.arrays.trees import leaves_of
from autograd_lite.program.ir import Variable
from autograd_lite.program.tracing import Trace, Tracer
from autograd_lite.source import line_and_text, users_line


@dataclass(eq=False)
class Decision:
    """A value on which the recorded way depends, with the line of code that read it."""

    variable: Variable
    text: str


class DecidingTrace(Trace):
    """A trace of one way through a function, which notes the values that chose this way.

    The program holds for all inputs that give these values again.
    """

    holds_answers = True

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.decisions: list[Decision] = []

    def read(self, tracer: Tracer, how: str) -> Any:
        if how == "item":
            # A number that is compared later decides only then.
            return tracer
        if how != "format":
            self._decide(tracer)
        return tracer.value

    def shaped_by_values(self, function: Callable[..., Any], args: Any) -> None:
        given = args[:1] if function in SHAPED_BY_FIRST else args
        read = [leaf for leaf in leaves_of(given) if isinstance(leaf, Tracer)]
        chosen = [tracer for tracer in read if tracer.dtype.kind in "biu"]
        for tracer in chosen or read:
            truth: Any = np.not_equal(tracer, 0) if function in SHAPED_BY_TRUTH else tracer
            self._decide(truth)

    def _decide(self, tracer: Tracer) -> None:
        _, text = line_and_text(users_line())
        self.decisions.append(Decision(tracer.variable, text))


SHAPED_BY_FIRST = frozenset((np.bincount, np.compress, np.extract))
"""Functions whose first argument alone decides on the shape of the result."""

SHAPED_BY_TRUTH = frozenset((np.nonzero, np.flatnonzero, np.argwhere, np.trim_zeros))
"""Functions for which it matters only which elements are 0."""
