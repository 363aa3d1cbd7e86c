"""Pictures of training and of what was learnt; each returns a Figure and writes nothing.

They need matplotlib (extra `plot`). The figures belong to the caller alone, no window or global
state of pyplot does: `nn.plots.cost(model).savefig("cost.png")`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_lite.extend import printable, quoted
from nn.layers import Linear
from nn.module import Module

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OURS, OTHER = "#0072b2", "#d55e00"
"""Blue and vermilion of Okabe and Ito's palette: told apart by colour-blind readers too."""


def cost(
    model: Any,
    validation: Sequence[float] | None = None,
    *,
    log: bool = False,
    step: str = "epoch",
) -> Figure:
    """The cost of each epoch, and that of the validation data where there is one.

    Parameters
    ----------
    model : fitted estimator or sequence of float
        Its `loss_curve_` is drawn, and its `validation_loss_curve_` if it has one.
    validation : sequence of float, optional
        The cost of the validation data; with fewer points than the other it is spread over it.
    log : bool
        A logarithmic scale for the cost.
    step : str
        What there is a cost of: "epoch", or "update" for one that was noted at each of these.
        They are counted from 1 on.
    """
    curve = np.asarray(getattr(model, "loss_curve_", model), dtype=float)
    if curve.ndim != 1 or not curve.size:
        raise ValueError(
            "cost() takes a fitted estimator or a sequence of costs, "
            f"not {type(model).__name__} of shape {curve.shape}"
        )
    if validation is None:
        validation = getattr(model, "validation_loss_curve_", None)
    figure = _figure()
    axes = figure.add_subplot()
    axes.plot(np.arange(1, curve.size + 1), curve, color=OURS, label="training")
    if validation is not None and len(validation):
        places = np.linspace(1, curve.size, len(validation))
        axes.plot(places, validation, color=OTHER, linestyle="--", label="validation")
        axes.legend(frameon=False)
    axes.set(xlabel=step, ylabel="cost", yscale="log" if log else "linear")
    _plain(axes)
    return figure


def decision_boundary(model: Any, X: Any, y: Any, *, resolution: int = 200) -> Figure:
    """Draws the classes that a classifier gives in the plane around its samples, which have two
    features.

    Parameters
    ----------
    model : fitted classifier
        With `predict_proba` of two classes, whose probability is the shade, or with `predict`.
    X : array of shape (N, 2)
    y : array of shape (N,)
    resolution : int
        How many points the classifier is asked for along each axis.
    """
    X, y = np.asarray(X), np.asarray(y)
    if X.ndim != 2 or X.shape[1] != 2:
        raise ValueError(f"decision_boundary() takes X of shape (N, 2), not {X.shape}")
    _same_length("decision_boundary()", X, y)
    low, high = X.min(axis=0), X.max(axis=0)
    margin = 0.1 * np.where(high > low, high - low, 1.0)
    across, up = (
        np.linspace(a - m, b + m, resolution) for a, b, m in zip(low, high, margin, strict=True)
    )
    plane = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    classes = np.unique(y)
    if len(classes) == 2 and hasattr(model, "predict_proba"):
        shade = model.predict_proba(plane)[:, 1]
        levels = np.linspace(0, 1, 11)
    else:
        shade = np.searchsorted(classes, model.predict(plane)).astype(np.float64)
        levels = np.linspace(-0.5, len(classes) - 0.5, len(classes) + 1)
    shade = shade.reshape(resolution, resolution)
    figure = _figure()
    axes = figure.add_subplot()
    filled = axes.contourf(across, up, shade, levels=levels, cmap="coolwarm", alpha=0.6)
    if len(levels) == 11:
        axes.contour(across, up, shade, levels=[0.5], colors="black", linewidths=1)
        figure.colorbar(
            filled, ax=axes, label=f"probability of {_text(classes[1])}", ticks=[0, 0.5, 1]
        )
    for number, label in enumerate(classes):
        here = X[y == label]
        colour = filled.cmap(number / max(1, len(classes) - 1))
        marker = "os^Dv<>"[number % 7]
        style: dict[str, Any] = {"color": colour, "edgecolor": "black", "marker": marker, "s": 22}
        axes.scatter(here[:, 0], here[:, 1], label=_text(label), **style)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, 1.12), ncols=len(classes))
    axes.set(xlabel="first feature", ylabel="second feature")
    return figure


def weights(layer: Any, shape: tuple[int, ...] | None = None, *, count: int = 25) -> Figure:
    """The weights of each unit as a picture, in the place of the pixels that they weigh.

    Blue is below 0, red above, and white is 0; all pictures of a figure have one scale.

    Parameters
    ----------
    layer : Linear, Module, fitted estimator or array of shape (units, features)
        Of a module the first Linear layer is taken.
    shape : tuple of int, optional
        The shape of a sample: (height, width) or (height, width, channels), whose weights are
        averaged. By default square pictures, with three channels where that fits.
    count : int
        The most units to draw.
    """
    matrix = _weight_matrix(layer)
    shape = _picture_shape(matrix.shape[1], shape, "weights()")
    pictures = matrix[:count].reshape(-1, *shape)
    if pictures.ndim == 4:
        pictures = pictures.mean(axis=-1)
    limit = float(np.max(np.abs(pictures), initial=0)) or 1.0
    figure, places = _grid(len(pictures))
    for number, (axes, picture) in enumerate(zip(places, pictures, strict=True)):
        drawn = axes.imshow(picture, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set_title(f"unit {number}", fontsize=8)
    figure.colorbar(drawn, ax=places, shrink=0.8, label="weight")
    return figure


def mistakes(
    model: Any, X: Any, y: Any, *, shape: tuple[int, ...] | None = None, count: int = 16
) -> Figure:
    """The samples whose true class the classifier finds least probable, the worst first.

    Parameters
    ----------
    model : fitted classifier
        With `predict_proba` and `classes_`.
    X : array of shape (N, ...)
        Pictures, or their pixels in a row; `shape` as for `weights`.
    y : array of shape (N,)
        The true classes.
    count : int
        The most samples to draw.
    """
    X, y = np.asarray(X), np.asarray(y)
    _same_length("mistakes()", X, y)
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
        figure = _figure()
        figure.suptitle(title)
        return figure
    if X.ndim == 2:
        X = X.reshape(-1, *_picture_shape(X.shape[1], shape, "mistakes()"))
    figure, places = _grid(len(worst), text=True)
    for axes, index in zip(places, worst, strict=True):
        picture = X[index]
        grey = picture.ndim == 2 or picture.shape[-1] == 1
        axes.imshow(_in_range(picture.squeeze() if grey else picture), cmap="gray")
        said = model.classes_[predicted[index]]
        told = f"{_text(y[index])} (p = {of_truth[index]:.2g})\nsaid {_text(said)}"
        axes.set_title(told, fontsize=8)
    figure.suptitle(title)
    return figure


def gradient_flow(module: Any) -> Figure:
    """Draws the size of the gradients of each parameter after `backward()`, from the input on.

    Bars are the mean of the absolute values, dots the largest, on a logarithmic scale: gradients
    that vanish towards the input fall to the left. A gradient of zeros has no bar, and says so.

    Parameters
    ----------
    module : Module
        Whose parameters have gradients: call it between `backward()` and `zero_grad()`. Frozen
        ones are left out.
    """
    named = [(n, p) for n, p in module.named_parameters() if p.requires_grad]
    parameters = [(n, p) for n, p in named if n.split(".")[-1] != "bias"]
    lacking = [name for name, parameter in parameters if parameter.grad is None]
    if lacking or not parameters:
        what = (
            f"{lacking[0]} has no gradient" if lacking else "the module has no parameters to train"
        )
        raise ValueError(f"gradient_flow(): {what}; call backward() on a loss of the module first")
    sizes = [np.abs(np.asarray(p.grad, dtype=float)) for _, p in parameters]
    means, most = [float(s.mean()) for s in sizes], [float(s.max()) for s in sizes]
    positive = [m for m in means if m > 0 and math.isfinite(m)] or [1.0]
    figure = _figure()
    axes = figure.add_subplot()
    places = np.arange(len(sizes))
    axes.bar(places, means, color=OURS, width=0.6, label="mean")
    axes.plot(places, most, "o", color=OTHER, label="largest")
    axes.set_ylim(min(positive) / 10, max([m for m in most if m > 0] or [1.0]) * 10)
    axes.set_yscale("log")
    for place, mean in enumerate(means):
        if not mean > 0:
            text = "all 0" if mean == 0 else "NaN"
            axes.text(place, min(positive) / 8, text, ha="center", color=OTHER)
    axes.set_xticks(places, [_text(name) for name, _ in parameters], rotation=30, ha="right")
    axes.set(ylabel="absolute gradient")
    axes.legend(frameon=False)
    _plain(axes)
    return figure


def _figure(size: tuple[float, float] = (6.4, 4.4)) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ImportError(
            "nn.plots draws with matplotlib; pip install 'autograd_lite[plot]'"
        ) from None
    return Figure(figsize=size, layout="constrained")


def _plain(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)


def _grid(count: int, text: bool = False) -> tuple[Figure, list[Any]]:
    """A figure with that many axes for pictures, as near to a square as it gets."""
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    figure = _figure((1.4 * columns + 1, (1.8 if text else 1.5) * rows + 0.5))
    places = [figure.add_subplot(rows, columns, number + 1) for number in range(count)]
    for axes in places:
        axes.set_axis_off()
    return figure, places


def _weight_matrix(layer: Any) -> np.ndarray:
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
    """The shape of the pictures that have so many pixels."""
    if shape is not None:
        if math.prod(shape) != features or len(shape) not in (2, 3):
            raise ValueError(f"{function}: {features} features are no picture of shape {shape}")
        return shape
    for channels in ((), (3,)):
        pixels = features // math.prod(channels)
        side = math.isqrt(pixels)
        if side * side * math.prod(channels) == features:
            return (side, side, *channels)
    raise ValueError(
        f"{function}: {features} features are no square picture; pass shape=(height, width)"
    )


def _text(name: Any) -> str:
    """A name from anywhere as matplotlib shows it: on one line, and not as a formula."""
    return printable(name, 40).replace("$", r"\$")


def _in_range(picture: np.ndarray) -> np.ndarray:
    """Pixels as matplotlib takes them: bytes as they are, floats between 0 and 1."""
    if picture.dtype == np.uint8:
        return picture
    low, high = float(picture.min()), float(picture.max())
    if low >= 0 and high <= 1:
        return picture
    return (picture - low) / ((high - low) or 1.0)


def _same_length(function: str, X: np.ndarray, y: np.ndarray) -> None:
    if y.ndim != 1 or len(X) != len(y) or not len(y):
        raise ValueError(
            f"{function} takes a label per sample: X has shape {X.shape}, y has shape {y.shape}"
        )
