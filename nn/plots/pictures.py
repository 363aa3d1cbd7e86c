"""Weights and samples as pictures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from autograd_lite.extend import ArrayLike, quoted

from ..contracts import Model
from ..layers import Linear
from ..module import Module
from .figures import check_lengths, figure_of, new_figure, places, text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def weights(
    layer: object, shape: tuple[int, ...] | None = None, *, count: int = 25, ax: Axes | None = None
) -> Figure:
    """Draws the weights of each unit as a picture, each weight at its pixel.

    Blue is below 0, red above, and white is 0; all pictures of a figure have the same scale.

    Parameters
    ----------
    layer : Linear, Module, fitted estimator or array of shape (units, features)
        The weights, or a module, whose first Linear layer is drawn.
    shape : tuple of int, optional
        The shape of a sample: (height, width), or (height, width, channels) with the weights
        averaged over channels. By default square pictures, with three channels if these fit.
    count : int
        The most units to draw.
    ax : Axes, optional
        The axes to draw into, side by side.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from autograd_lite import nn
    >>> figure = nn.plots.weights(nn.Linear(16, 4, seed=0))
    """
    matrix = _weight_matrix(layer)
    shape = _picture_shape(matrix.shape[1], shape, "weights()")
    pictures = matrix[:count].reshape(-1, *shape)
    if pictures.ndim == 4:
        pictures = pictures.mean(axis=-1)
    limit = float(np.max(np.abs(pictures), initial=0)) or 1.0
    figure, found = places(len(pictures), ax)
    for number, (axes, picture) in enumerate(zip(found, pictures, strict=True)):
        drawn = axes.imshow(picture, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set_title(f"unit {number}", fontsize=8)
    figure.colorbar(drawn, ax=found if ax is None else ax, shrink=0.8, label="weight")
    return figure


def mistakes(
    model: Model,
    X: ArrayLike,
    y: ArrayLike,
    *,
    shape: tuple[int, ...] | None = None,
    count: int = 16,
    ax: Axes | None = None,
) -> Figure:
    """Draws the wrongly classified samples, those with the least probable true class first.

    Parameters
    ----------
    model : fitted classifier
        A classifier with `predict_proba` and `classes_`.
    X : array of shape (N, ...)
        Pictures, or rows of pixels.
    y : array of shape (N,)
        The true classes.
    shape : tuple of int, optional
        The shape of a sample, as for `weights`.
    count : int
        The most samples to draw.
    ax : Axes, optional
        The axes to draw into, side by side.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For labels other than the model's classes.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> X, y = np.repeat([[0.0], [1.0]], 16, axis=1), np.array([0, 1])
    >>> model = nn.LogisticRegression(max_iter=10).fit(X, y)
    >>> figure = nn.plots.mistakes(model, X, y, count=2)
    """
    X, y = np.asarray(X), np.asarray(y)
    check_lengths("mistakes()", X, y)
    probabilities = np.asarray(model.predict_proba(X))
    truth = np.searchsorted(model.classes_, y)
    if np.any(np.asarray(model.classes_)[np.minimum(truth, len(model.classes_) - 1)] != y):
        known = quoted(list(model.classes_), 300)
        raise ValueError(f"mistakes() takes y of the classes {known} only")
    predicted = np.argmax(probabilities, axis=1)
    of_truth = probabilities[np.arange(len(y)), truth]
    wrong = np.flatnonzero(predicted != truth)
    worst = wrong[np.argsort(of_truth[wrong], kind="stable")][:count]
    title = f"{len(wrong)} of {len(y)} are classified wrongly"
    if not len(worst):
        figure = new_figure() if ax is None else figure_of(ax)
        found: list[Axes] = []
    else:
        figure, found = places(len(worst), ax, text=True)
    if X.ndim == 2 and len(worst):
        X = X.reshape(-1, *_picture_shape(X.shape[1], shape, "mistakes()"))
    for axes, index in zip(found, worst, strict=True):
        picture = X[index]
        grey = picture.ndim == 2 or picture.shape[-1] == 1
        axes.imshow(_in_range(picture.squeeze() if grey else picture), cmap="gray")
        said = model.classes_[predicted[index]]
        told = f"{text(y[index])} (p = {of_truth[index]:.2g})\nsaid {text(said)}"
        axes.set_title(told, fontsize=8)
    if ax is None:
        figure.suptitle(title)
    else:
        ax.set_title(title)
    return figure


def _weight_matrix(layer: object) -> np.ndarray:
    layer = getattr(layer, "network_", layer)
    if isinstance(layer, Module):
        candidates = [layer, *getattr(layer, "layers", [])]
        first = next((c for c in candidates if isinstance(c, Linear)), None)
        if first is None:
            raise ValueError(f"weights() finds no Linear layer in {layer!r}")
        layer = first.weight
    matrix = np.asarray(getattr(layer, "data", layer))
    if matrix.ndim != 2 or not matrix.size:
        raise ValueError(f"weights() takes an array of shape (units, features), not {matrix.shape}")
    return matrix


def _picture_shape(features: int, shape: tuple[int, ...] | None, function: str) -> tuple[int, ...]:
    """The shape of pictures with this number of features."""
    if shape is not None:
        if math.prod(shape) != features or len(shape) not in (2, 3):
            raise ValueError(
                f"{function}: {features} features do not make a picture of shape {shape}"
            )
        return shape
    for channels in ((), (3,)):
        pixels = features // math.prod(channels)
        side = math.isqrt(pixels)
        if side * side * math.prod(channels) == features:
            return (side, side, *channels)
    raise ValueError(
        f"{function}: {features} features do not make a square picture; pass shape=(height, width)"
    )


def _in_range(picture: np.ndarray) -> np.ndarray:
    """Pixels for matplotlib: bytes unchanged, floats between 0 and 1."""
    if picture.dtype == np.uint8:
        return picture
    low, high = float(picture.min()), float(picture.max())
    if low >= 0 and high <= 1:
        return picture
    return (picture - low) / ((high - low) or 1.0)
