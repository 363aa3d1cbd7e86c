"""nn.plots: where figures are drawn, how they show themselves, and what stays untouched."""

import itertools
import os
import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import nn
from nn import plots

pytest.importorskip("sklearn")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
Y = (X[:, 0] > 0).astype(int)
CLASSIFIER = nn.LogisticRegression(learning_rate=0.5, max_iter=50).fit(X, Y)
PIXELS = RNG.random((60, 4))


class Unsure:
    """A classifier of pictures that is wrong about some."""

    classes_ = np.array([0, 1])

    def predict_proba(self, samples):
        second = np.linspace(0, 1, len(samples))
        return np.stack([1 - second, second], axis=1)


def network():
    net = nn.Sequential(nn.Linear(2, 5, seed=0), nn.ReLU(), nn.Linear(5, 1, seed=1))
    nn.binary_cross_entropy_with_logits(net(X.T), Y[np.newaxis] * 1.0).backward()
    return net


def steps():
    net = network()
    found = plots.Steps(net)
    for _ in range(3):
        for parameter in net.parameters():
            parameter.data -= 0.1 * parameter.grad
        found()
    return found


PLOTS = {
    "calibration": lambda ax: plots.calibration(CLASSIFIER, X, Y, ax=ax),
    "confusion_matrix": lambda ax: plots.confusion_matrix(CLASSIFIER, X, Y, ax=ax),
    "cost": lambda ax: plots.cost(CLASSIFIER, ax=ax),
    "dead_units": lambda ax: plots.dead_units(network(), X.T, ax=ax),
    "decision_boundary": lambda ax: plots.decision_boundary(CLASSIFIER, X, Y, resolution=10, ax=ax),
    "gradient_flow": lambda ax: plots.gradient_flow(network(), ax=ax),
    "histograms": lambda ax: plots.histograms(steps(), ax=ax),
    "mistakes": lambda ax: plots.mistakes(Unsure(), PIXELS, Y, ax=ax),
    "precision_recall": lambda ax: plots.precision_recall(CLASSIFIER, X, Y, ax=ax),
    "roc": lambda ax: plots.roc(CLASSIFIER, X, Y, ax=ax),
    "update_ratios": lambda ax: plots.update_ratios(steps(), ax=ax),
    "weights": lambda ax: plots.weights(np.ones((3, 4)), ax=ax),
}


def test_every_plot_is_here():
    assert set(PLOTS) == {name for name in plots.__all__ if name.islower()}


@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.one_in(2)
def test_axes_that_are_given_are_drawn_into(name):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert PLOTS[name](right) is figure
    drawn = [a for a in (right, *right.child_axes) if a.has_data()]
    assert drawn and not left.has_data()
    assert figure.axes[:2] == [left, right]
    figure.savefig(os.devnull, format="png")
    boxes = [axes.get_window_extent() for axes in right.child_axes]
    around = right.get_window_extent().padded(0.5)
    assert all(around.contains(*box.min) and around.contains(*box.max) for box in boxes)
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))


@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.one_in(5)
def test_figures_show_themselves_without_a_magic(name):
    figure = PLOTS[name](None)
    assert figure._repr_png_().startswith(b"\x89PNG")
    format_ = pytest.importorskip("IPython.core.formatters").DisplayFormatter().format
    assert format_(figure)[0]["image/png"].startswith(b"\x89PNG")


def test_a_figure_in_a_window_is_the_same_figure(monkeypatch):
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    monkeypatch.setattr(FigureCanvasAgg, "required_interactive_framework", "test")
    shown = []
    monkeypatch.setattr(pyplot, "show", lambda: shown.append(pyplot.gcf()))
    figure = plots.cost([2.0, 1.0])
    figure.show()
    assert shown == [figure]
    pyplot.close(figure)


def test_without_windows_show_says_what_to_do():
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    figure = plots.cost([2.0, 1.0])
    with pytest.raises(RuntimeError, match=r"'agg' has no windows .* savefig\('figure.png'\)"):
        figure.show()
    figure.show(warn=False)
    assert pyplot.get_fignums() == []
    figure.savefig(os.devnull, format="png")


@pytest.mark.parametrize("name", ["roc", "precision_recall", "confusion_matrix", "calibration"])
def test_without_scikit_learn_the_extra_is_named(name, monkeypatch):
    for module in ("sklearn", "sklearn.metrics", "sklearn.calibration"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError) as caught:
        getattr(plots, name)(None, [[1.0]], [1])
    assert str(caught.value) == (
        f"nn.plots.{name} draws with scikit-learn; pip install 'autograd_lite[plot,sklearn]'"
    )
