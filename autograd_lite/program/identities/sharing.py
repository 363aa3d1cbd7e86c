"""One exponential for the sigmoid and the softplus of a value, where a program has both.

Written out they take exp(-z) and exp(-|z|), and exp is most of the work of either.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.program.identities.pairs import is_wide
from autograd_lite.program.ir import Program, Step, Variable
from autograd_lite.program.rewriting import Rewriting, Rule


def rules_for(program: Program) -> dict[Any, list[Rule]]:
    """The rule for sigmoids of what the program takes exp(-|z|) of."""
    makers = {result: step for step in program.steps for result in step.results}

    def made(value: Any, function: Any) -> Step | None:
        step = makers.get(value) if isinstance(value, Variable) else None
        return step if step is not None and step.function is function else None

    def argument(value: Any, function: Any) -> Any:
        step = made(value, function)
        return None if step is None else step.args[0]

    decays = {
        argument(argument(step.args[0], np.negative), np.absolute)
        for step in program.steps
        if step.function is np.exp
    } - {None}

    def sigmoid(now: Rewriting, step: Step, args: Any, options: Any) -> Any:
        """1 / (1 + exp(-z)), or 1 / (1 + exp(z)), from exp(-|z|)."""
        total = made(step.args[1], np.add)
        if total is None or not now.is_all(args[0], 1):
            return None
        for one, power in (total.args, total.args[::-1]):
            if not now.is_all(now.now.get(one, one), 1):
                continue
            exponent = argument(power, np.exp)
            opposite = argument(exponent, np.negative)
            for old, is_negative in ((opposite, True), (exponent, False)):
                z = now.now.get(old) if old in decays else None
                if z is not None and is_wide(z):
                    decay = np.exp(-np.abs(z))
                    is_larger = z >= 0 if is_negative else z <= 0
                    return np.where(is_larger, 1, decay) / (1 + decay)
        return None

    return {np.divide: [sigmoid]} if decays else {}
