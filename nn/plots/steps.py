"""Plots of the changes of parameters from one step of training to the next."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..module import Module
from .figures import (
    count_along,
    figure_of,
    named_parameters,
    new_figure,
    parameter_text,
    place,
    text,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

USUAL_RATIO = 1e-3
"""The usual size of an update relative to the weights, with a suitable learning rate.

By Stanford's CS231n, "Ratio of weights:updates"
(https://cs231n.github.io/neural-networks-3/#ratio).
"""

USUAL_RANGE = (USUAL_RATIO / math.sqrt(10), USUAL_RATIO * math.sqrt(10))

BINS = 60


@dataclass(frozen=True)
class _Noted:
    """A parameter at one step: the histogram of its numbers, and the size of the update.

    `ratio` is the norm of the last update over that of the weights, or NaN.
    """

    counts: np.ndarray
    edges: np.ndarray
    ratio: float


class Steps:
    """Records the parameters of a model step by step, for `histograms` and `update_ratios`.

    Call it after each update, or pass it to `nn.fit` as a callback. As a callback a step is an
    epoch, and the size of an update is the change in the epoch over its number of updates.

    Parameters
    ----------
    model : Module
        The model; its parameters that are not frozen are recorded at once and at each call.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> model = nn.Linear(2, 1, seed=0)
    >>> steps = nn.plots.Steps(model)
    >>> model.weight.data *= 0.999
    >>> steps()
    >>> len(steps), [f"{r:.2g}" for r in steps.ratios("weight")]
    (2, ['0.001'])
    """

    def __init__(self, model: Module) -> None:
        self.model = model
        self.noted: dict[str, list[_Noted]] = {}
        self._before: dict[str, np.ndarray] = {}
        self()

    def __call__(self, training: Any = None) -> None:
        """Records the current parameters; `training` is the argument of callbacks of `nn.fit`."""
        updates = 1 if training is None else -(-len(training.data) // training.size)
        for name, parameter in named_parameters(self.model):
            now = np.array(parameter.data, dtype=float)
            before = self._before.get(name)
            ratio = math.nan
            if before is not None:
                size = float(np.linalg.norm(before))
                change = float(np.linalg.norm(now - before)) / updates
                ratio = change / size if size else math.nan
            finite = now[np.isfinite(now)]
            counts, edges = np.histogram(finite, bins=BINS)
            self.noted.setdefault(name, []).append(_Noted(counts, edges, ratio))
            self._before[name] = now

    def __len__(self) -> int:
        return max((len(noted) for noted in self.noted.values()), default=0)

    def ratios(self, name: str) -> list[float]:
        """The norm of each update of a parameter over that of the weights before it.

        Parameters
        ----------
        name : str
            The path of a parameter, such as "layers.0.weight".

        Returns
        -------
        list of float

        Raises
        ------
        KeyError
            Where no parameter that was recorded has this path.

        Examples
        --------
        >>> from autograd_lite import nn
        >>> layer = nn.Linear(2, 1)
        >>> layer.weight.data[...] = [[3.0, 4.0]]
        >>> steps = nn.plots.Steps(layer)
        >>> layer.weight.data[...] = [[3.0, 4.5]]
        >>> steps()
        >>> steps.ratios("weight")
        [0.1]
        """
        return [noted.ratio for noted in self.noted[name][1:]]


def histograms(steps: Steps, *, ax: Axes | None = None) -> Figure:
    """Draws the distribution of each weight over the steps, darker where it has more numbers.

    Parameters
    ----------
    steps : Steps
        The recorded steps.
    ax : Axes, optional
        The axes to draw into, side by side.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from autograd_lite import nn
    >>> model = nn.Linear(2, 1, seed=0)
    >>> steps = nn.plots.Steps(model)
    >>> model.weight.data *= 0.999
    >>> steps()
    >>> figure = nn.plots.histograms(steps)
    """
    names = _weights(steps, "histograms()")
    if ax is None:
        figure = new_figure((6.4, 1.5 * len(names) + 0.6))
        places = [figure.add_subplot(len(names), 1, i + 1) for i in range(len(names))]
    else:
        figure = figure_of(ax)
        ax.set_axis_off()
        width = 1 / len(names)
        places = [ax.inset_axes((i * width, 0, 0.8 * width, 0.9)) for i in range(len(names))]
    parameters = dict(named_parameters(steps.model))
    for axes, name in zip(places, names, strict=True):
        noted = steps.noted[name]
        low = min(float(n.edges[0]) for n in noted)
        high = max(float(n.edges[-1]) for n in noted)
        edges = np.linspace(low, high, BINS + 1)
        image = np.stack([_rebinned(n, edges) for n in noted], axis=1)
        extent = (-0.5, len(noted) - 0.5, low, high)
        axes.imshow(image, cmap="Blues", origin="lower", aspect="auto", extent=extent)
        axes.set_title(
            text(parameter_text(steps.model, name, parameters[name])), fontsize=8, loc="left"
        )
    places[-1].set_xlabel("step")
    return figure


def update_ratios(steps: Steps, *, ax: Axes | None = None) -> Figure:
    """Draws the norm of each update over that of the weights, by parameter and step.

    The usual range around 1e-3 is shaded: below it the learning rate may be too low, above it too
    high (Stanford's CS231n, https://cs231n.github.io/neural-networks-3/#ratio).

    Parameters
    ----------
    steps : Steps
        The recorded steps, at least two.
    ax : Axes, optional
        The axes to draw into.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        Where `steps` holds no update.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> model = nn.Linear(2, 1, seed=0)
    >>> steps = nn.plots.Steps(model)
    >>> model.weight.data *= 0.999
    >>> steps()
    >>> figure = nn.plots.update_ratios(steps)
    """
    names = _weights(steps, "update_ratios()")
    if len(steps) < 2:
        raise ValueError("update_ratios() takes Steps that were called after at least one update")
    figure, axes = place(ax)
    axes.axhspan(*USUAL_RANGE, color="#009e73", alpha=0.15, linewidth=0, label="usual range")
    parameters = dict(named_parameters(steps.model))
    from matplotlib import colormaps

    shades = colormaps["viridis"](np.linspace(0, 0.85, len(names)))
    for name, shade in zip(names, shades, strict=True):
        ratios = np.array(steps.ratios(name))
        ratios[ratios == 0] = np.nan
        label = text(parameter_text(steps.model, name, parameters[name]))
        style = "-" if len(ratios) > 20 else "o-"
        at = np.arange(1, len(ratios) + 1)
        axes.plot(at, ratios, style, color=shade, markersize=4, label=label)
    axes.set(xlabel="step", ylabel="update / weight", yscale="log")
    count_along(axes)
    axes.legend(frameon=False, fontsize=8)
    tidy(axes)
    return figure


def _weights(steps: Steps, function: str) -> list[str]:
    names = [name for name in steps.noted if not name.endswith("bias")] or list(steps.noted)
    if not names:
        raise ValueError(f"{function} takes Steps of a model that has parameters to train")
    return names


def _rebinned(noted: _Noted, edges: np.ndarray) -> np.ndarray:
    """The shares of the numbers in other bins, assuming an even distribution in each bin."""
    total = np.concatenate([[0.0], np.cumsum(noted.counts)]) / max(int(noted.counts.sum()), 1)
    return np.diff(np.interp(edges, noted.edges, total))
