"""Correct backward passes derived by hand, as source text, with seeded inputs.

Every source defines `forward` and `backward`. A gradient d<name> belongs to the forward variable,
or entry of a dict, called <name>.
"""

import functools
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


PARAMETERS = {"w", "b", "W", "Wx", "Wh", "Wq", "Wk", "Wv", "Wo", "gamma", "beta"}


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
    return functools.partial(_net_inputs, seed, samples, *widths)


def _net_inputs(seed: int, samples: int, *widths: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(widths[0], samples)), labels(rng, widths[-1], samples)
    return (X, Y, *weights(rng, *widths))


def dict_inputs(seed: int, samples: int, *widths: int) -> Callable[[], tuple[Any, ...]]:
    """A maker of X, Y and a dict of the parameters."""
    return functools.partial(_dict_inputs, seed, samples, *widths)


def _dict_inputs(seed: int, samples: int, *widths: int) -> tuple[Any, ...]:
    X, Y, *flat = _net_inputs(seed, samples, *widths)
    names = [kind + str(layer) for layer in range(1, len(widths)) for kind in "Wb"]
    return X, Y, dict(zip(names, flat, strict=True))


def logistic_inputs() -> tuple[Any, ...]:
    """X, Y, w, b, with w a column."""
    rng = np.random.default_rng(1)
    return (
        *(rng.normal(size=(4, 7)), labels(rng, 1, 7)),
        *(rng.normal(size=(4, 1)), rng.normal(size=(1, 1))),
    )


def softmax_inputs() -> tuple[Any, ...]:
    """Rows of X, Y that sum to 1, W and b."""
    rng = np.random.default_rng(6)
    return (
        *(rng.normal(size=(7, 5)), rng.dirichlet(np.ones(4), size=7)),
        *(rng.normal(size=(5, 4)), rng.normal(size=(1, 4))),
    )


def softmax_hidden_inputs() -> tuple[Any, ...]:
    """Rows of X, Y that sum to 1, and two layers whose biases are vectors."""
    rng = np.random.default_rng(7)
    return (
        *(rng.normal(size=(8, 3)), rng.dirichlet(np.ones(4), size=8)),
        *(rng.normal(size=(3, 6)), rng.normal(size=6)),
        *(rng.normal(size=(6, 4)) / 2, rng.normal(size=4)),
    )


def recurrence_inputs() -> tuple[Any, ...]:
    """Three steps of X, Y of the last, Wx, Wh, b and Wo."""
    rng = np.random.default_rng(8)
    return (
        *(rng.normal(size=(3, 4, 7)), rng.normal(size=(2, 7))),
        *(rng.normal(size=(5, 4)) / 3, rng.normal(size=(5, 5)) / 3, rng.normal(size=(5, 1)) / 2),
        rng.normal(size=(2, 5)),
    )


def recurrence_loop_inputs() -> tuple[Any, ...]:
    """Three steps of X and of Y, Wx, Wh and b."""
    rng = np.random.default_rng(9)
    return (
        *(rng.normal(size=(3, 4, 7)), rng.uniform(-0.8, 0.8, size=(3, 5, 7))),
        *(rng.normal(size=(5, 4)) / 3, rng.normal(size=(5, 5)) / 3, rng.normal(size=(5, 1)) / 2),
    )


def batch_norm_inputs() -> tuple[Any, ...]:
    """X, Y, W, gamma and beta."""
    rng = np.random.default_rng(10)
    return (
        *(rng.normal(size=(4, 7)), rng.uniform(-0.9, 0.9, size=(5, 7)), rng.normal(size=(5, 4))),
        *(rng.uniform(0.5, 1.5, size=(5, 1)), rng.normal(size=(5, 1)) / 2),
    )


def batch_norm_in_one_inputs() -> tuple[Any, ...]:
    """X, Y, W1, gamma, beta, W2 and b2."""
    rng = np.random.default_rng(11)
    return (
        *(rng.normal(size=(4, 7)), rng.normal(size=(2, 7)), rng.normal(size=(5, 4))),
        *(rng.uniform(0.5, 1.5, size=(5, 1)), rng.normal(size=(5, 1)) / 2),
        *(rng.normal(size=(2, 5)), rng.normal(size=(2, 1))),
    )


def attention_inputs() -> tuple[Any, ...]:
    """Rows of X and Y, Wq, Wk and Wv."""
    rng = np.random.default_rng(12)
    return (
        *(rng.normal(size=(6, 5)), rng.normal(size=(6, 3))),
        *(rng.normal(size=(5, 4)) / 2, rng.normal(size=(5, 4)) / 2, rng.normal(size=(5, 3)) / 2),
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
    Pass("softmax", sources.SOFTMAX, softmax_inputs, ("dZ", "dW", "db", "dX"), ("dZ",)),
    Pass(
        *("softmax_hidden", sources.SOFTMAX_HIDDEN, softmax_hidden_inputs),
        *(inner(2), ("dZ2",), "summed"),
    ),
    Pass(
        *("residual", sources.RESIDUAL, net_inputs(13, 8, 3, 5, 5, 2), inner(3), ("dZ3",)),
        scalable=False,
    ),
    Pass(
        *("residual_in_one_sum", sources.RESIDUAL_IN_ONE_SUM, net_inputs(14, 8, 3, 5, 5, 2)),
        *(inner(3), ("dZ3",), "summed", False),
    ),
    Pass("squared_error", sources.SQUARED_ERROR, net_inputs(15, 8, 4, 6, 3), inner(2), ("dZ2",)),
    Pass(
        *("squared_error_helper", sources.SQUARED_ERROR_HELPER, net_inputs(16, 8, 4, 6, 5, 3)),
        *((*layers(3, "Z", "W", "b"), "dX"), ("dZ3",)),
    ),
    Pass("square", sources.SQUARE, net_inputs(17, 4, 4, 4, 4, 4), inner(3), ("dZ3",)),
    Pass(
        *("square_dict", sources.SQUARE_DICT, dict_inputs(18, 7, 4, 4, 4, 4)),
        *(layers(3, "A", "Z", "W", "b"), ("dA3",)),
    ),
    Pass(
        *("square_relu_loop", sources.SQUARE_RELU_LOOP, dict_inputs(20, 7, 4, 4, 4, 4)),
        *(layers(2, "A") + layers(3, "Z", "W", "b"), ("dZ3",), "summed"),
    ),
    Pass(
        *("equal_widths", sources.EQUAL_WIDTHS, net_inputs(21, 8, 3, 5, 5, 5, 1)),
        *((*layers(4, "Z", "W", "b"), "dA3"), ("dZ4",), "summed"),
    ),
    Pass(
        *("recurrence", sources.RECURRENCE, recurrence_inputs),
        *(("dO", "dWo", *layers(3, "H", "Z"), "dWx", "dWh", "db"), ("dO",)),
    ),
    Pass(
        *("recurrence_loop", sources.RECURRENCE_LOOP, recurrence_loop_inputs),
        *((*layers(3, "H", "Z"), "dWx", "dWh", "db"), layers(3, "H")),
    ),
    Pass(
        *("batch_norm", sources.BATCH_NORM, batch_norm_inputs),
        ("dA", "dO", "dbeta", "dgamma", "dH", "dinv", "dsd", "dvar", "dS", "dC", "dmu", "dZ", "dW"),
        ("dA",),
    ),
    Pass(
        *("batch_norm_in_one", sources.BATCH_NORM_IN_ONE, batch_norm_in_one_inputs),
        ("dZ2", "dW2", "db2", "dO1", "dgamma", "dbeta", "dH1", "dZ1", "dW1"),
        ("dZ2",),
    ),
    Pass(
        *("masks_by_name", sources.MASKS_BY_NAME, net_inputs(19, 8, 4, 5, 5, 2)),
        *(layers(3, "A", "Z", "W", "b"), ("dA3",)),
    ),
    Pass(
        *("attention", sources.ATTENTION, attention_inputs),
        ("dO", "dV", "dP", "dS", "dQ", "dK", "dWq", "dWk", "dWv", "dX"),
        ("dO",),
    ),
)

BY_NAME = {passed.name: passed for passed in PASSES}
