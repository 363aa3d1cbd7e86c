"""Plots of training: costs, gradients by layer, and dead units."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import autograd_lite as al
from autograd_lite.extend import ArrayLike, Operand

from ..contracts import Model
from ..module import Module
from .figures import (
    OTHER,
    OURS,
    count_along,
    named_parameters,
    named_ticks,
    parameter_text,
    place,
    text,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def cost(
    model: Model,
    validation: Sequence[float] | None = None,
    *,
    log: bool = False,
    step: str = "epoch",
    ax: Axes | None = None,
) -> Figure:
    """Draws the cost of each epoch, and that of the validation data if given.

    Parameters
    ----------
    model : History, fitted estimator or sequence of float
        The History from `nn.fit`; or an estimator, with its `loss_curve_` and, if it has one, its
        `validation_loss_curve_`; or costs.
    validation : sequence of float, optional
        The cost of the validation data; fewer points than costs are spread over the whole axis.
    log : bool
        Whether the scale of the cost is logarithmic.
    step : str
        The label of the horizontal axis: "epoch", or "update" for a cost of each update. They are
        counted from 1 on.
    ax : Axes, optional
        The axes to draw into.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For other objects, and for no costs.

    Examples
    --------
    >>> from autograd_lite import nn
    >>> figure = nn.plots.cost([3.0, 2.0, 1.5])
    >>> figure.axes[0].get_xlabel()
    'epoch'
    """
    found: Any = getattr(model, "loss_curve_", model)
    known = getattr(model, "validation_loss_curve_", None)
    names = getattr(model, "names", ())
    if "loss" in names:
        found = model["loss"]
        known = model["validation_loss"] if "validation_loss" in names else None
    curve = np.asarray(found if isinstance(found, (Sequence, np.ndarray)) else np.nan, dtype=float)
    if curve.ndim != 1 or not curve.size:
        raise ValueError(
            "cost() takes the History from nn.fit, a fitted estimator or a sequence of costs, "
            f"not {type(model).__name__} of shape {curve.shape}"
        )
    validation = known if validation is None else validation
    figure, axes = place(ax)
    # A line through a single point would not be seen.
    marker = "o" if curve.size == 1 else "None"
    axes.plot(np.arange(1, curve.size + 1), curve, marker=marker, color=OURS, label="training")
    if validation is not None and len(validation):
        places = np.linspace(1, curve.size, len(validation))
        axes.plot(places, validation, "--", marker=marker, color=OTHER, label="validation")
        axes.legend(frameon=False)
    axes.set(xlabel=step, ylabel="cost", yscale="log" if log else "linear")
    count_along(axes)
    tidy(axes)
    return figure


def gradient_flow(module: Module, *, ax: Axes | None = None) -> Figure:
    """Draws the sizes of the gradients of each parameter after `backward()`, from the input on.

    They are the mean and the largest of the absolute values, on a logarithmic scale: gradients that
    vanish towards the input fall to the left. A gradient of zeros is labelled "all 0".

    Parameters
    ----------
    module : Module
        A module whose parameters have gradients: call this between `backward()` and `zero_grad()`.
        Frozen parameters are left out.
    ax : Axes, optional
        The axes to draw into.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        Where a parameter has no gradient yet.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> model = nn.Linear(2, 1, seed=0)
    >>> model(np.ones((2, 5))).sum().backward()
    >>> figure = nn.plots.gradient_flow(model)
    """
    parameters = [(n, p) for n, p in named_parameters(module) if not n.endswith("bias")]
    lacking = [name for name, parameter in parameters if parameter.grad is None]
    if lacking or not parameters:
        what = (
            f"{lacking[0]} has no gradient" if lacking else "the module has no parameters to train"
        )
        raise ValueError(f"gradient_flow(): {what}; call backward() on a loss of the module first")
    sizes = [np.abs(np.asarray(p.grad, dtype=float)) for _, p in parameters]
    means, most = [float(s.mean()) for s in sizes], [float(s.max()) for s in sizes]
    positive = [m for m in means if m > 0 and math.isfinite(m)] or [1.0]
    figure, axes = place(ax)
    places = np.arange(len(sizes))
    axes.plot(places, means, "o-", color=OURS, linewidth=1, label="mean")
    axes.plot(places, most, "^", color=OTHER, label="largest")
    axes.set_ylim(min(positive) / 10, max([m for m in most if m > 0] or [1.0]) * 10)
    axes.set_yscale("log")
    for at, mean in enumerate(means):
        if not mean > 0:
            note = "all 0" if mean == 0 else "NaN"
            axes.text(at, min(positive) / 8, note, ha="center", color=OTHER)
    named_ticks(axes, [parameter_text(module, name, p) for name, p in parameters])
    axes.set(ylabel="absolute gradient")
    axes.legend(frameon=False)
    tidy(axes)
    return figure


def dead_units(model: Module, X: ArrayLike, *, ax: Axes | None = None) -> Figure:
    """Draws the share of the units of each ReLU whose output is 0 for every sample.

    Parameters
    ----------
    model : Module
        A model with ReLU layers.
    X : array
        Samples along the last axis, as the model takes them.
    ax : Axes, optional
        The axes to draw into.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        Where the model has no ReLU.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> model = nn.Sequential(nn.Linear(2, 3, seed=0), nn.ReLU())
    >>> figure = nn.plots.dead_units(model, np.ones((2, 5)))
    """
    from ..layers import ReLU

    layers = [(path, layer) for path, layer in model.named_modules() if isinstance(layer, ReLU)]
    if not layers:
        raise ValueError(f"dead_units() finds no ReLU in {text(type(model).__name__)}")
    dead = dict(_dead(model, layers, X))
    figure, axes = place(ax)
    at = np.arange(len(dead))
    shares = [share for share, _ in dead.values()]
    axes.bar(at, shares, color=OURS, width=0.6)
    for place_, (share, count) in enumerate(dead.values()):
        note = f"{round(share * count)} of {count}"
        axes.text(place_, share, note, ha="center", va="bottom", fontsize=9)
    named_ticks(axes, [f"{path}\n{layer!r}" for path, layer in layers if path in dead])
    axes.set(ylabel="share of dead units", ylim=(0, 1.08))
    tidy(axes)
    return figure


def _dead(
    model: Module, layers: Sequence[tuple[str, Module]], X: ArrayLike
) -> Iterator[tuple[str, tuple[float, int]]]:
    """Yields the share of the dead units of each layer, and the number of its units."""
    seen: dict[str, np.ndarray] = {}
    training = [(inner, inner.training) for _, inner in model.named_modules()]
    try:
        for path, layer in layers:
            vars(layer)["forward"] = _noting(layer, path, seen)
        model.eval()
        with al.no_grad():
            model(X)
    finally:
        for _, layer in layers:
            vars(layer).pop("forward", None)
        for inner, mode in training:
            inner.training = mode
    for path, _ in layers:
        if path in seen:
            yield path, (float(seen[path].mean()), seen[path].size)


def _noting(
    layer: Module, path: str, seen: dict[str, np.ndarray]
) -> Callable[[ArrayLike], Operand]:
    """The forward() of a layer that also notes the units whose output is 0 for all samples."""
    forward = layer.forward

    def noted(X: ArrayLike) -> Operand:
        result = forward(X)
        values = np.asarray(getattr(result, "data", result))
        # A unit is a row, or a channel of pictures with all its pixels.
        dead: np.ndarray = np.logical_not(values.reshape(len(values), -1).any(axis=1))
        seen[path] = seen[path] & dead if path in seen else dead
        return result

    return noted
