"""A gradient written out as NumPy source, and a training step run as a program.

    python examples/derive.py

Prints the backward pass of a net with one hidden layer, writes `out/derivation.py`, a module that
needs NumPy only, and `out/program.svg`, a drawing of the compiled training step.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import autograd_lite as al
from autograd_lite.terminal.options import Formatter

RATE = 0.5


def cost(parameters: dict[str, Any], X: Any, Y: Any) -> Any:
    """The cross-entropy of a net with one hidden layer."""
    W1, b1 = parameters["W1"], parameters["b1"]
    W2, b2 = parameters["W2"], parameters["b2"]
    N = X.shape[1]
    Z1 = np.dot(W1, X) + b1
    A1 = al.relu(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = 1 / (1 + np.exp(-Z2))
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / N


def step(parameters: dict[str, Any], X: Any, Y: Any) -> Any:
    """The cost, and the parameters after a step of gradient descent."""
    value, gradients = al.value_and_grad(cost)(parameters, X, Y)
    return value, {name: p - RATE * gradients[name] for name, p in parameters.items()}


def seconds(function: Callable[..., Any], *arguments: Any) -> float:
    """The time of the fastest of many calls."""
    times = []
    for _ in range(200):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Derives, checks, compiles and trains."""
    options = argparse.ArgumentParser(
        description="Write a gradient out as NumPy source, and run a training step as a program.",
        formatter_class=Formatter,
    )
    options.add_argument(
        "--output",
        type=Path,
        default=Path("out"),
        metavar="FOLDER",
        help="where the results are written",
    )
    out = options.parse_args().output
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2, 400))
    Y = (np.sum(X**2, axis=0, keepdims=True) < 1.4).astype(float)
    parameters = {
        "W1": rng.normal(size=(16, 2)),
        "b1": np.zeros((16, 1)),
        "W2": rng.normal(size=(1, 16)) / 4,
        "b2": np.zeros((1, 1)),
    }
    out.mkdir(parents=True, exist_ok=True)

    derivation = al.derive(cost, parameters, X, Y)
    print(derivation.source[derivation.source.index("def backward") :])
    derivation.write(out / "derivation.py")
    al.check_derivation(derivation.forward, derivation.backward, parameters, X, Y)

    program = al.compile(step)
    program(parameters, X, Y)
    print()
    print(program.explain())
    ratio = seconds(program, parameters, X, Y) / seconds(step, parameters, X, Y)
    print(f"a compiled step takes {ratio:.2f} of the time of a recorded one")
    program.explain().draw().render(out / "program", format="svg", cleanup=True)

    for _ in range(1000):
        value, parameters = program(parameters, X, Y)
    print(f"the cost after 1000 steps: {value:.4f}")
    for name in ("derivation.py", "program.svg"):
        print(f"written: {out / name}")


if __name__ == "__main__":
    main()
