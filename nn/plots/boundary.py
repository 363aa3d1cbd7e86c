"""The decision boundary of a classifier of two features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_lite.extend import ArrayLike

from ..contracts import Model
from .figures import check_lengths, colours, place, text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = "os^Dv<>"


def decision_boundary(
    model: Model, X: ArrayLike, y: ArrayLike, *, resolution: int = 200, ax: Axes | None = None
) -> Figure:
    """Draws the predicted classes in the plane around samples of two features.

    Parameters
    ----------
    model : fitted classifier
        A classifier with `predict_proba`, for smooth boundaries and, with two classes, a shade by
        the probability of the second; or with `predict`.
    X : array of shape (N, 2)
        Samples.
    y : array of shape (N,)
        The classes of the samples.
    resolution : int
        The number of points along each axis at which the classifier is evaluated.
    ax : Axes, optional
        The axes to draw into.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        Where X does not have two features.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> X, y = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([0, 1])
    >>> model = nn.LogisticRegression(max_iter=10).fit(X, y)
    >>> figure = nn.plots.decision_boundary(model, X, y, resolution=10)
    """
    X, y = np.asarray(X), np.asarray(y)
    if X.ndim != 2 or X.shape[1] != 2:
        raise ValueError(f"decision_boundary() takes X of shape (N, 2), not {X.shape}")
    check_lengths("decision_boundary()", X, y)
    low, high = X.min(axis=0), X.max(axis=0)
    margin = 0.1 * np.where(high > low, high - low, 1.0)
    across, up = (
        np.linspace(a - m, b + m, resolution) for a, b, m in zip(low, high, margin, strict=True)
    )
    plane = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    classes = np.unique(y)
    figure, axes = place(ax)
    if not hasattr(model, "predict_proba"):
        number = np.searchsorted(classes, model.predict(plane))
        _draw_regions(axes, across, up, number.reshape(resolution, resolution), len(classes))
    elif len(classes) == 2:
        shade = np.asarray(model.predict_proba(plane))[:, 1].reshape(resolution, resolution)
        filled = _draw_shade(axes, across, up, shade)
        label = f"probability of {text(classes[1])}"
        figure.colorbar(filled, ax=axes, label=label, ticks=[0, 0.5, 1])
    else:
        # A class of the model without samples has a region too.
        classes = np.asarray(getattr(model, "classes_", classes))
        probabilities = np.asarray(model.predict_proba(plane))
        _draw_margins(axes, across, up, probabilities.reshape(resolution, resolution, -1))
    for number, (label, colour) in enumerate(zip(classes, colours(len(classes)), strict=True)):
        here = X[y == label]
        style: dict[str, Any] = {"edgecolor": "white", "linewidth": 0.6, "s": 26}
        style |= {"color": colour, "marker": MARKERS[number % len(MARKERS)]}
        axes.scatter(here[:, 0], here[:, 1], label=text(label), **style)
    axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=min(len(classes), 6))
    axes.set(xlabel="first feature", ylabel="second feature")
    return figure


def _draw_shade(axes: Axes, across: ArrayLike, up: ArrayLike, shade: np.ndarray) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    cmap = LinearSegmentedColormap.from_list("two classes", [*_ends(2)])
    levels = np.linspace(0, 1, 11)
    filled = axes.contourf(across, up, shade, levels=levels, cmap=cmap, alpha=0.5)
    axes.contour(across, up, shade, levels=[0.5], colors="black", linewidths=1)
    return filled


def _ends(count: int) -> list[str]:
    first, second = colours(count)
    return [first, "#ffffff", second]


def _draw_margins(axes: Axes, across: ArrayLike, up: ArrayLike, probabilities: np.ndarray) -> None:
    """Fills the region where each class is the likeliest, by its smooth margin over the next."""
    count = probabilities.shape[-1]
    for number, colour in enumerate(colours(count)):
        others = np.delete(probabilities, number, axis=-1).max(axis=-1)
        margin = probabilities[..., number] - others
        if margin.max() > 0:
            axes.contourf(across, up, margin, levels=[0, 1], colors=[colour], alpha=0.3)
            if margin.min() < 0:
                axes.contour(across, up, margin, levels=[0], colors="white", linewidths=1.5)


def _draw_regions(
    axes: Axes, across: ArrayLike, up: ArrayLike, number: np.ndarray, count: int
) -> None:
    """Fills the surroundings of each point with the colour of its class."""
    from matplotlib.colors import ListedColormap

    # Each point occurs twice, so that no band of the classes in between separates two classes.
    edges = [np.repeat((line[1:] + line[:-1]) / 2, 2) for line in (across, up)]
    x, y = (
        np.concatenate([line[:1], edge, line[-1:]])
        for line, edge in zip((across, up), edges, strict=True)
    )
    twice = number.repeat(2, axis=0).repeat(2, axis=1).astype(np.float64)
    levels = np.linspace(-0.5, count - 0.5, count + 1)
    cmap = ListedColormap(colours(count))
    axes.contourf(x, y, twice, levels=levels, cmap=cmap, alpha=0.3)
