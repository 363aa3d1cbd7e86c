"""Correct passes again, in other conventions that are no mistakes."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from derivations.kinds import sample_count
from derivations.lines import Line, apply, lines_of
from derivations.passes import BY_NAME, PASSES, Pass
from derivations.trees import parse

MASKS_AT_ZERO = {
    "0": "(Z1 > 0)",
    "1": "(Z1 >= 0)",
    "half": "0.5 * (np.sign(Z1) + 1)",
}


def conventions() -> Iterator[Pass]:
    """Every pass as it is, of N times everything, and of the summed cost with N divided out late.

    A penalty on the weights does not go along with that, so that these passes stay as they are.
    Of dX it is open whether it belongs to the summed cost as dZ does.
    """
    for passed in PASSES:
        yield passed
        if passed.scalable and passed.convention == "mean":
            yield multiplied(passed, seeds="({}) * {N}", parameters="{}")
            if "dX" not in passed.gradients:
                yield multiplied(passed, seeds="({}) * {N}", parameters="({}) / {N}")
        if passed.scalable and passed.convention == "summed":
            yield multiplied(passed, seeds="{}", parameters="({}) * {N}")
            yield multiplied(passed, seeds="({}) / {N}", parameters="({}) * {N}")


def multiplied(passed: Pass, seeds: str, parameters: str) -> Pass:
    """The pass with the values of some lines put into other text."""
    edits = []
    for line in lines_of(passed):
        if line.is_helper:
            continue
        # What is added to a seed comes from other gradients.
        is_seed = line.is_seed and not line.is_sum
        pattern = seeds if is_seed else parameters if is_of_parameter(line) else "{}"
        if pattern != "{}":
            text = pattern.format(passed.source[line.start : line.end], N=sample_count(line))
            edits.append(line.edit(parse(text)))
    name = f"{passed.name}, dZ as {seeds}, dW as {parameters}"
    return replace(passed, name=name, source=apply(passed.source, edits))


def is_of_parameter(line: Line) -> bool:
    return line.first_name in line.passed.parameters


def at_zero() -> Iterator[Pass]:
    """A net whose ReLU is at exactly 0 for some samples, with each derivative that is chosen."""
    passed = BY_NAME["hidden"]
    for derivative, mask in MASKS_AT_ZERO.items():
        yield replace(
            passed,
            name=f"ReLU's derivative at 0 is {derivative}",
            source=passed.source.replace("(Z1 > 0)", mask),
            make_inputs=inputs_at_zero,
        )


def inputs_at_zero() -> tuple[np.ndarray, ...]:
    """The inputs of the pass "hidden" with zeros in the second and third sample, and in b1."""
    X, Y, W1, b1, W2, b2 = BY_NAME["hidden"].make_inputs()
    X[:, 1:3] = 0
    return X, Y, W1, np.zeros_like(b1), W2, b2
