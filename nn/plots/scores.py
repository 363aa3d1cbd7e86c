"""Plots of the quality of a classifier, by scikit-learn's displays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from autograd_lite.extend import ArrayLike

from ..contracts import Model
from .figures import check_lengths, colours, place, text, tidy

Corner = Literal["lower right", "lower left", "upper left"]
"""Where a legend stands."""

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def confusion_matrix(
    model: Model, X: ArrayLike, y: ArrayLike, *, normalise: bool = False, ax: Axes | None = None
) -> Figure:
    """Draws the confusion matrix: true classes in rows, predicted classes in columns.

    Parameters
    ----------
    model : fitted classifier
        A classifier with `predict`.
    X : array of shape (N, ...)
        Samples.
    y : array of shape (N,)
        The true classes.
    normalise : bool
        Whether to show shares of the samples of each true class instead of counts.
    ax : Axes, optional
        The axes to draw into.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    >>> model = nn.LogisticRegression(learning_rate=0.5, max_iter=20).fit(X, y)
    >>> figure = nn.plots.confusion_matrix(model, X, y)
    """
    display = _displays("confusion_matrix").ConfusionMatrixDisplay
    y = _checked("confusion_matrix()", X, y)
    predicted = np.asarray(model.predict(X))
    classes = np.unique(np.concatenate([y, predicted]))
    figure, axes = place(ax)
    drawn = display.from_predictions(
        y,
        predicted,
        labels=classes,
        display_labels=[text(label) for label in classes],
        normalize="true" if normalise else None,
        values_format=".2f" if normalise else "d",
        cmap="Blues",
        colorbar=False,
        ax=axes,
    )
    drawn.ax_.set(xlabel="predicted", ylabel="true")
    return figure


def roc(model: Model, X: ArrayLike, y: ArrayLike, *, ax: Axes | None = None) -> Figure:
    """Draws the ROC curve: true positive rate against false positive rate, with its area.

    With more than two classes there is a curve for each against all others.

    Parameters
    ----------
    model : fitted classifier
        A classifier with `predict_proba` and `classes_`.
    X : array of shape (N, ...)
        Samples.
    y : array of shape (N,)
        The true classes, at least two.
    ax : Axes, optional
        The axes to draw into.

    Returns
    -------
    matplotlib.figure.Figure

    See Also
    --------
    autograd_lite.nn.metrics.roc_auc : The area.

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    >>> model = nn.LogisticRegression(learning_rate=0.5, max_iter=20).fit(X, y)
    >>> figure = nn.plots.roc(model, X, y)
    """
    display = _displays("roc").RocCurveDisplay
    figure, axes = place(ax)
    for name, is_class, score, colour in _against_others("roc()", model, X, y):
        display.from_predictions(is_class, score, name=name, ax=axes, **_styled(colour))
    axes.plot([0, 1], [0, 1], color="#888888", linewidth=0.8, linestyle=":")
    axes.set(xlabel="false positives", ylabel="true positives")
    _finish(axes, "lower right")
    return figure


def precision_recall(model: Model, X: ArrayLike, y: ArrayLike, *, ax: Axes | None = None) -> Figure:
    """Draws precision against recall for all thresholds, with the average precision.

    With more than two classes there is a curve for each against all others.

    Parameters
    ----------
    model : fitted classifier
        A classifier with `predict_proba` and `classes_`.
    X : array of shape (N, ...)
        Samples.
    y : array of shape (N,)
        The true classes, at least two.
    ax : Axes, optional
        The axes to draw into.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    >>> model = nn.LogisticRegression(learning_rate=0.5, max_iter=20).fit(X, y)
    >>> figure = nn.plots.precision_recall(model, X, y)
    """
    display = _displays("precision_recall").PrecisionRecallDisplay
    figure, axes = place(ax)
    for name, is_class, score, colour in _against_others("precision_recall()", model, X, y):
        display.from_predictions(is_class, score, name=name, ax=axes, **_styled(colour))
    axes.set(xlabel="recall", ylabel="precision", ylim=(0, 1.03))
    _finish(axes, "lower left")
    return figure


def calibration(
    model: Model, X: ArrayLike, y: ArrayLike, *, bins: int = 10, ax: Axes | None = None
) -> Figure:
    """Draws the share of samples of a class against the predicted probability of the class.

    Right probabilities lie on the diagonal.

    Parameters
    ----------
    model : fitted classifier
        A classifier with `predict_proba` and `classes_`.
    X : array of shape (N, ...)
        Samples.
    y : array of shape (N,)
        The true classes, at least two.
    bins : int
        The number of bins, with equally many samples each.
    ax : Axes, optional
        The axes to draw into.

    Returns
    -------
    matplotlib.figure.Figure

    Notes
    -----
    DeGroot and Fienberg, "The comparison and evaluation of forecasters" (1983).

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite import nn
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    >>> model = nn.LogisticRegression(learning_rate=0.5, max_iter=20).fit(X, y)
    >>> figure = nn.plots.calibration(model, X, y, bins=2)
    """
    display = _displays("calibration", "calibration").CalibrationDisplay
    figure, axes = place(ax)
    for name, is_class, score, colour in _against_others("calibration()", model, X, y):
        display.from_predictions(
            is_class,
            score,
            n_bins=bins,
            strategy="quantile",
            name=name,
            ax=axes,
            color=colour,
        )
    axes.set(xlabel="probability of the model", ylabel="share of the class")
    _finish(axes, "upper left")
    return figure


def _displays(function: str, module: str = "metrics") -> Any:
    """The module of scikit-learn with a display; ImportError without scikit-learn."""
    try:
        if module == "metrics":
            from sklearn import metrics

            return metrics
        from sklearn import calibration as found

        return found
    except ImportError:
        raise ImportError(
            f"nn.plots.{function} draws with scikit-learn; "
            "pip install 'autograd_lite[plot,sklearn]'"
        ) from None


def _against_others(
    function: str, model: Model, X: ArrayLike, y: ArrayLike
) -> Iterator[tuple[str, np.ndarray, np.ndarray, str]]:
    """Yields for each class its name, whether each sample is of it, its probabilities, and a
    colour.

    For two classes it yields the second only.
    """
    y = _checked(function, X, y)
    classes = np.asarray(model.classes_)
    unknown = np.setdiff1d(y, classes)
    if unknown.size:
        raise ValueError(
            f"{function} takes y of the model's classes, but {text(unknown[0])} is not one of them"
        )
    if len(np.unique(y)) < 2:
        raise ValueError(
            f"{function} takes samples of at least two classes, but all are {text(y[0])}"
        )
    probabilities = np.asarray(model.predict_proba(X))
    numbers = [1] if len(classes) == 2 else range(len(classes))
    for number, colour in zip(numbers, colours(len(classes)), strict=False):
        is_class = y == classes[number]
        if is_class.any():
            yield text(classes[number]), is_class, probabilities[:, number], colour


def _checked(function: str, X: ArrayLike, y: ArrayLike) -> np.ndarray:
    y = np.asarray(y)
    check_lengths(function, np.asarray(X), y)
    return y


def _styled(colour: str) -> dict[str, Any]:
    return {"curve_kwargs": {"color": colour}}


def _finish(axes: Axes, where: Corner) -> None:
    axes.legend(frameon=False, loc=where, fontsize=8)
    axes.set_aspect("auto")
    tidy(axes)
