"""The common parts of all plots: figures, axes, colours and texts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from autograd_lite.extend import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..module import Module, Parameter

OURS, OTHER = "#0072b2", "#d55e00"
"""Blue and vermilion of Okabe and Ito's palette, which colour-blind readers can distinguish."""

CLASSES = (OURS, OTHER, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442", "#000000")
"""Okabe and Ito's palette, for classes (https://jfly.uni-koeln.de/color/)."""


def new_figure(size: tuple[float, float] = (6.4, 4.4)) -> Figure:
    """An empty figure that shows itself; ImportError without matplotlib."""
    try:
        from .shown import ShownFigure
    except ImportError:
        raise ImportError(
            "nn.plots draws with matplotlib; pip install 'autograd_lite[plot]'"
        ) from None
    return ShownFigure(figsize=size, layout="constrained")


def figure_of(axes: Axes) -> Figure:
    """The figure, or the part of a figure, that these axes stand in."""
    return cast("Figure", axes.figure)


def place(ax: Axes | None, size: tuple[float, float] = (6.4, 4.4)) -> tuple[Figure, Axes]:
    """The figure and the axes to draw into: the given ones, or new ones."""
    if ax is not None:
        return figure_of(ax), ax
    figure = new_figure(size)
    return figure, figure.add_subplot()


def places(count: int, ax: Axes | None, text: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure with `count` axes for pictures in a nearly square grid, in `ax` if given."""
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    if ax is None:
        figure = new_figure((1.4 * columns + 1, (1.8 if text else 1.5) * rows + 0.5))
        found = [figure.add_subplot(rows, columns, number + 1) for number in range(count)]
    else:
        figure = figure_of(ax)
        ax.set_axis_off()
        # Leaves space for the titles above.
        corners = ((i % columns / columns, 1 - (i // columns + 1) / rows) for i in range(count))
        found = [ax.inset_axes((x, y, 0.9 / columns, 0.75 / rows)) for x, y in corners]
    for axes in found:
        axes.set_axis_off()
    return figure, found


def tidy(axes: Axes) -> None:
    """Hides the top and right spines, and draws a light grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)


def count_along(axes: Axes) -> None:
    """Sets the ticks of epochs or steps to whole numbers."""
    locator = axes.xaxis.get_major_locator()
    locator.set_params(integer=True)  # type: ignore[call-arg]


def text(name: object) -> str:
    """A name of any origin for matplotlib: on one line, and not as a formula."""
    return printable(name, 40).replace("$", r"\$")


def colours(count: int) -> list[str]:
    """A colour for each class; they repeat from the ninth on."""
    return [CLASSES[number % len(CLASSES)] for number in range(count)]


def check_lengths(function: str, X: np.ndarray, y: np.ndarray) -> None:
    """Raises ValueError unless there is one label per sample."""
    if y.ndim != 1 or len(X) != len(y) or not len(y):
        raise ValueError(
            f"{function} takes a label per sample: X has shape {X.shape}, y has shape {y.shape}"
        )


def named_parameters(module: Module) -> list[tuple[str, Parameter]]:
    """The trained parameters with their paths."""
    return [(n, p) for n, p in module.named_parameters() if p.requires_grad]


def parameter_text(module: Module, path: str, parameter: Parameter) -> str:
    """The text of a parameter: its name, and the repr of its layer."""
    owner, _, name = path.rpartition(".")
    layer = dict(module.named_modules()).get(owner, module)
    printed = repr(layer)
    kind = printed if "\n" not in printed and len(printed) <= 40 else type(layer).__name__
    return f"{parameter.name or name} of {kind}"


def named_ticks(axes: Axes, names: Sequence[str]) -> None:
    """Writes the names of layers below the axes, at 0, 1 and so on."""
    shown = ["\n".join(text(part) for part in name.split("\n")) for name in names]
    axes.set_xticks(np.arange(len(names)), shown, rotation=30, ha="right", fontsize=8)
