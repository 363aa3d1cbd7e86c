"""Correct backward passes derived by hand, as source text, with seeded inputs.

Every source defines `forward` and `backward`. A gradient d<name> belongs to the forward variable,
or entry of a dict, called <name>.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from derivations import sources


@dataclass(frozen=True)
class Pass:
    """A hand-derived backward pass beside its forward pass.

    `gradients` are the names of all gradients, `seeds` those computed straight from the loss.
    `convention` says what they are gradients of: "mean", or "summed", where dZ and dA belong to
    the summed cost and only those of the parameters are divided by N. `scalable` is False where
    multiplying the seeds does not multiply every gradient, as with a penalty on the weights.
    """

    name: str
    source: str
    make_inputs: Callable[[], tuple[Any, ...]]
    gradients: tuple[str, ...]
    seeds: tuple[str, ...]
    convention: str = "mean"
    scalable: bool = True

    @property
    def parameters(self) -> tuple[str, ...]:
        """The gradients of what is learned."""
        return tuple(g for g in self.gradients if g[1:].rstrip("0123456789") in PARAMETERS)


PARAMETERS = {"w", "b", "W", "V", "Wx", "Wh", "Wq", "Wk", "Wv", "Wo", "gamma", "beta"}


def labels(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Soft labels: with 0 and 1 some terms would vanish."""
    return rng.uniform(0.1, 0.9, size=shape)


def weights(rng: np.random.Generator, *widths: int) -> list[np.ndarray]:
    """W1, b1, W2, b2, ... of layers whose samples are columns."""
    found = []
    for before, after in zip(widths, widths[1:], strict=False):
        found += [rng.normal(size=(after, before)) / before**0.5, rng.normal(size=(after, 1)) * 0.5]
    return found


def net_inputs(seed: int, samples: int, *widths: int) -> Callable[[], tuple[Any, ...]]:
    """A maker of X, Y, W1, b1, W2, b2, ... of a classifier."""

    def make() -> tuple[Any, ...]:
        rng = np.random.default_rng(seed)
        X, Y = rng.normal(size=(widths[0], samples)), labels(rng, widths[-1], samples)
        return (X, Y, *weights(rng, *widths))

    return make


def dict_inputs(seed: int, samples: int, *widths: int) -> Callable[[], tuple[Any, ...]]:
    """A maker of X, Y and a dict of the parameters."""

    def make() -> tuple[Any, ...]:
        X, Y, *flat = net_inputs(seed, samples, *widths)()
        names = [kind + str(layer) for layer in range(1, len(widths)) for kind in "Wb"]
        return X, Y, dict(zip(names, flat, strict=True))

    return make


def logistic_inputs() -> tuple[Any, ...]:
    """X, Y, w, b, with w a column."""
    rng = np.random.default_rng(1)
    return (
        *(rng.normal(size=(4, 7)), labels(rng, 1, 7)),
        *(rng.normal(size=(4, 1)), rng.normal(size=(1, 1))),
    )


def layers(count: int, *kinds: str) -> tuple[str, ...]:
    """The names d<kind><layer>, for all layers."""
    return tuple(f"d{kind}{layer}" for kind in kinds for layer in range(1, count + 1))


def inner(count: int) -> tuple[str, ...]:
    """The gradients of a net that writes dA of all layers but the last."""
    return layers(count, "Z", "W", "b") + layers(count - 1, "A")


PASSES = (
    Pass("logistic", sources.LOGISTIC, logistic_inputs, ("dZ", "dw", "db"), ("dZ",)),
    Pass(
        *("logistic_course", sources.LOGISTIC_COURSE, logistic_inputs),
        *(("dZ", "dw", "db"), ("dZ",), "summed"),
    ),
    Pass(
        *("logistic_by_activation", sources.LOGISTIC_BY_ACTIVATION, logistic_inputs),
        *(("dA", "dZ", "dw", "db"), ("dA",)),
    ),
    Pass("hidden", sources.HIDDEN, net_inputs(2, 7, 3, 5, 1), inner(2), ("dZ2",)),
    Pass(
        *("hidden_course", sources.HIDDEN_COURSE, net_inputs(3, 7, 3, 5, 1)),
        *(layers(2, "Z", "W", "b"), ("dZ2",), "summed"),
    ),
    Pass("deep", sources.DEEP, net_inputs(4, 8, 3, 6, 5, 4, 2), inner(4), ("dZ4",)),
    Pass("deep_dict", sources.DEEP_DICT, dict_inputs(5, 8, 3, 6, 5, 4, 2), inner(4), ("dZ4",)),
)

BY_NAME = {passed.name: passed for passed in PASSES}
