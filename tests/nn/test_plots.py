"""nn.plots: what the figures show, read off their axes, and what bad input gets."""

import os
import subprocess
import sys

import numpy as np
import pytest

import nn
from nn import plots


def points(count=60):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(count, 2))
    return X, (X[:, 0] > 0).astype(int)


@pytest.fixture(scope="module")
def classifier():
    return nn.LogisticRegression(learning_rate=0.5, max_iter=100).fit(*points())


class Certain:
    """A classifier of digits that is sure, and wrong where the first pixel is above 0."""

    classes_ = np.array([3, 5, 8])

    def predict_proba(self, X):
        X = X.reshape(len(X), -1)
        right = np.where(X[:, 0] > 0, 0.5 - 0.4 * X[:, 0], 0.9)
        return np.stack([right, 1 - right, 0 * right], axis=1)


def test_the_cost_is_the_curve_of_the_estimator(classifier):
    figure = plots.cost(classifier)
    (line,) = figure.axes[0].lines
    assert np.array_equal(line.get_ydata(), classifier.loss_curve_)


def test_the_curves_of_costs():
    """Each with its own numbers, name and scale."""
    axes = plots.cost([3.0, 2.0, 1.0], [4.0, 0.5], log=True, step="update").axes[0]
    training, validation = axes.lines
    assert (training.get_label(), validation.get_label()) == ("training", "validation")
    assert training.get_xdata().tolist() == [1, 2, 3]
    assert training.get_ydata().tolist() == [3, 2, 1]
    assert validation.get_xdata().tolist() == [1, 3]
    assert validation.get_ydata().tolist() == [4, 0.5]
    assert (training.get_color(), validation.get_color()) == (plots.OURS, plots.OTHER)
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("update", "cost", "log")
    alone = plots.cost([3.0], []).axes[0]
    assert len(alone.lines) == 1 and alone.get_legend() is None and alone.get_yscale() == "linear"


def test_the_estimators_own_validation_curve_is_drawn():
    class Fitted:
        loss_curve_ = [2.0, 1.0]
        validation_loss_curve_ = [5.0, 4.0]

    assert [line.get_ydata().tolist() for line in plots.cost(Fitted()).axes[0].lines] == [
        [2, 1],
        [5, 4],
    ]


def test_the_validation_cost_is_spread_over_the_epochs(classifier):
    figure = plots.cost(classifier, validation=[0.7, 0.5, 0.4])
    line = figure.axes[0].lines[1]
    assert line.get_xdata().tolist() == [1, 50.5, 100]
    assert figure.axes[0].get_xlabel() == "epoch"
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == [
        "training",
        "validation",
    ]


def test_the_boundary_is_where_the_probability_is_one_half(classifier):
    X, y = points()
    figure = plots.decision_boundary(classifier, X, y)
    contour = figure.axes[0].collections[1]
    along = np.concatenate([path.vertices for path in contour.get_paths()])
    assert np.allclose(classifier.predict_proba(along)[:, 1], 0.5, atol=0.01)
    shown = [c.get_offsets() for c in figure.axes[0].collections[2:]]
    assert [len(s) for s in shown] == [np.sum(y == 0), np.sum(y == 1)]


def test_the_weights_have_the_shape_of_the_samples_and_one_scale():
    matrix = np.arange(24.0).reshape(2, 12) - 12
    figure = plots.weights(matrix, shape=(2, 6))
    images = [axes.images[0] for axes in figure.axes[:2]]
    assert np.array_equal(images[1].get_array(), matrix[1].reshape(2, 6))
    assert {image.get_clim() for image in images} == {(-12, 12)}


def test_the_first_layer_of_a_net_in_colour():
    net = nn.Sequential(nn.Linear(12, 5, seed=0), nn.ReLU(), nn.Linear(5, 1, seed=1))
    figure = plots.weights(net)
    shown = figure.axes[4].images[0].get_array()
    assert np.allclose(shown, net.layers[0].weight.numpy()[4].reshape(2, 2, 3).mean(axis=-1))


def test_the_worst_mistakes_come_first():
    X = np.zeros((6, 3, 3))
    X[[1, 2, 4], 0, 0] = 0.3, 1.0, 0.6
    figure = plots.mistakes(Certain(), X, np.full(6, 3))
    shown = [axes.images[0].get_array()[0, 0] for axes in figure.axes]
    assert shown == [1.0, 0.6, 0.3]
    assert "3 of 6" in figure.get_suptitle()
    assert figure.axes[0].get_title() == "3 (p = 0.1)\nsaid 5"


def test_what_is_written_above_a_picture_does_not_make_it_smaller():
    X = np.zeros((2, 4))
    X[:, 0] = 1
    written, plain = plots.mistakes(Certain(), X, np.full(2, 3)), plots.weights(X)
    heights = []
    for figure in (written, plain):
        figure.savefig(os.devnull, format="png")
        heights.append(figure.axes[0].get_window_extent().height)
    assert heights[0] >= heights[1]


def test_no_mistakes_are_said_to_be_none():
    figure = plots.mistakes(Certain(), np.zeros((4, 9)), np.full(4, 3))
    assert "0 of 4" in figure.get_suptitle()


def test_the_gradient_flow_has_a_point_for_each_layer():
    net = nn.Sequential(nn.Linear(3, 4, seed=0), nn.Sigmoid(), nn.Linear(4, 1, seed=1))
    Y = np.array([[0.0, 1.0]])
    nn.binary_cross_entropy_with_logits(net(np.eye(3)[:, :2]), Y).backward()
    axes = plots.gradient_flow(net).axes[0]
    means, largest = (line.get_ydata() for line in axes.lines)
    sizes = [np.abs(net.layers[i].weight.grad) for i in (0, 2)]
    assert means.tolist() == [s.mean() for s in sizes]
    assert largest.tolist() == [s.max() for s in sizes]
    shown = [t.get_text() for t in axes.get_xticklabels()]
    assert shown == [f"W1 of {net.layers[0]!r}", f"W2 of {net.layers[2]!r}"]
    assert axes.get_yscale() == "log"


def test_gradients_of_zeros_are_marked():
    net = nn.Sequential(nn.Linear(3, 2, seed=0))
    (net(np.ones((3, 1))) * 0.0).sum().backward()
    assert [t.get_text() for t in plots.gradient_flow(net).axes[0].texts] == ["all 0"]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m: plots.cost(5.0), "the History from nn.fit, a fitted estimator or a sequence"),
        (lambda m: plots.decision_boundary(m, np.ones((3, 3)), [0, 1, 1]), r"not \(3, 3\)"),
        (lambda m: plots.decision_boundary(m, np.ones((3, 2)), [0, 1]), "a label per sample"),
        (lambda m: plots.weights(np.ones((2, 7))), "7 features do not make a square picture"),
        (
            lambda m: plots.weights(np.ones((2, 7)), shape=(2, 4)),
            r"not make a picture of shape \(2, 4\)",
        ),
        (lambda m: plots.weights(np.ones(7)), r"not \(7,\)"),
        (lambda m: plots.weights(nn.Sequential(nn.ReLU())), "no Linear layer"),
        (lambda m: plots.mistakes(Certain(), np.ones((1, 4)), [4]), r"classes \[.*\] only"),
        (lambda m: plots.gradient_flow(nn.Linear(2, 1)), "weight has no gradient"),
        (lambda m: plots.gradient_flow(nn.ReLU()), "no parameters"),
    ],
)
def test_bad_input_gets_one_sentence(classifier, call, message):
    with pytest.raises(ValueError, match=message):
        call(classifier)


def test_nothing_is_written_and_pyplot_is_not_touched(classifier, tmp_path):
    code = (
        "import sys, nn; nn.plots.cost([3.0, 2.0, 1.0]); "
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert os.listdir(tmp_path) == []


def test_without_matplotlib_the_extra_is_named():
    code = "import sys; sys.modules['matplotlib.figure'] = None; import nn; nn.plots.cost([1.0])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'autograd_lite[plot]'" in run.stderr.splitlines()[-1]


class TestDetails:
    """What can be read off the axes, number by number."""

    def test_the_plane_has_a_margin_of_a_tenth(self, classifier):
        X, y = np.array([[0.0, 5.0], [10.0, 5.0]]), np.array([0, 1])
        axes = plots.decision_boundary(classifier, X, y, resolution=11).axes[0]
        assert axes.get_xlim() == (-1, 11) and axes.get_ylim() == pytest.approx((4.9, 5.1))
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("first feature", "second feature")
        assert [t.get_text() for t in axes.get_legend().get_texts()] == ["0", "1"]
        offsets = [c.get_offsets().tolist() for c in axes.collections[-2:]]
        assert offsets == [[[0, 5]], [[10, 5]]]

    def test_many_classes_have_a_shade_and_a_marker_each(self):
        class Bands:
            def predict(self, X):
                return np.clip(np.floor(X[:, 0]), 0, 8)

        X = np.stack([np.arange(9.0) + 0.5, np.zeros(9)], axis=1)
        figure = plots.decision_boundary(Bands(), X, np.arange(9.0), resolution=40)
        filled, *scattered = figure.axes[0].collections
        np.testing.assert_allclose(filled.levels, np.arange(-0.5, 9))
        assert len(scattered) == 9 and len(figure.axes) == 1
        shapes = [len(c.get_paths()[0].vertices) for c in scattered]
        assert shapes[0] == shapes[7] and shapes[1] == shapes[8] != shapes[0]
        colours = [tuple(c.get_facecolor()[0]) for c in scattered]
        assert colours == [filled.cmap(k / 8) for k in range(9)]

    def test_two_classes_have_the_colours_at_the_ends(self, classifier):
        X, y = points()
        figure = plots.decision_boundary(classifier, X, y, resolution=20)
        filled, _, zero, one = figure.axes[0].collections
        assert tuple(zero.get_facecolor()[0]) == filled.cmap(0.0)
        assert tuple(one.get_facecolor()[0]) == filled.cmap(1.0)
        np.testing.assert_allclose(filled.levels, np.linspace(0, 1, 11))
        assert figure.axes[1].get_ylabel() == "probability of 1"

    @pytest.mark.parametrize(("largest", "limit"), [(0.25, 0.25), (-4.0, 4.0), (0.0, 1.0)])
    def test_the_scale_of_weights(self, largest, limit):
        figure = plots.weights(np.array([[largest, 0.0, 0.0, 0.0]]))
        assert figure.axes[0].images[0].get_clim() == (-limit, limit)
        assert figure.axes[0].get_title() == "unit 0"

    @pytest.mark.parametrize(
        ("units", "count", "drawn"), [(30, 25, 25), (3, 25, 3), (3, 2, 2), (1, 25, 1)]
    )
    def test_as_many_units_as_are_asked_for(self, units, count, drawn):
        figure = plots.weights(np.ones((units, 4)), count=count)
        assert sum(bool(axes.images) for axes in figure.axes) == drawn
        places = figure.axes[0].get_subplotspec().get_gridspec().get_geometry()
        assert places == {25: (5, 5), 3: (2, 2), 2: (1, 2), 1: (1, 1)}[drawn]

    def test_mistakes_of_a_number_that_is_asked_for(self):
        X = np.zeros((6, 4))
        X[:, 0] = 1.0
        figure = plots.mistakes(Certain(), X, np.full(6, 3), count=2)
        assert len(figure.axes) == 2 and "6 of 6 are classified wrongly" in figure.get_suptitle()

    @pytest.mark.parametrize(
        ("picture", "shown"),
        [
            (np.array([[0.2, 0.6], [0.4, 1.0]]), [[0.2, 0.6], [0.4, 1.0]]),
            (np.array([[-1.0, 3.0], [1.0, 1.0]]), [[0, 1], [0.5, 0.5]]),
            (np.array([[0.5, 2.5], [1.5, 0.5]]), [[0, 1], [0.5, 0]]),
            (np.full((2, 2), 7.0), [[0, 0], [0, 0]]),
            (np.array([[0, 255], [3, 4]], np.uint8), [[0, 255], [3, 4]]),
        ],
    )
    def test_pixels_are_shown_in_their_range(self, picture, shown):
        class Wrong:
            classes_ = np.array([0, 1])

            def predict_proba(self, X):
                return np.array([[0.0, 1.0]])

        figure = plots.mistakes(Wrong(), picture[np.newaxis], [0])
        assert figure.axes[0].images[0].get_array().tolist() == shown

    def test_the_scale_of_gradients(self):
        net = nn.Sequential(*(nn.Linear(1, 1, bias=False) for _ in range(3)))
        for parameter, gradient in zip(net.parameters(), (0.0, 1e-3, 10.0), strict=True):
            parameter.grad = np.full((1, 1), gradient)
        axes = plots.gradient_flow(net).axes[0]
        assert axes.get_ylim() == pytest.approx((1e-4, 100)) and axes.get_yscale() == "log"
        assert axes.lines[0].get_ydata().tolist() == [0, 1e-3, 10]
        assert [t.get_text() for t in axes.texts] == ["all 0"]
        assert axes.get_ylabel() == "absolute gradient"
        for parameter, gradient in zip(net.parameters(), (np.nan, 0.0, 0.0), strict=True):
            parameter.grad = np.full((1, 1), gradient)
        axes = plots.gradient_flow(net).axes[0]
        assert axes.get_ylim() == pytest.approx((0.1, 10))
        assert [t.get_text() for t in axes.texts] == ["NaN", "all 0", "all 0"]

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda: plots.cost([]), r"a sequence of costs, not list of shape \(0,\)"),
            (lambda: plots.cost([[1.0]]), r"not list of shape \(1, 1\)"),
            (
                lambda: plots.weights(np.ones((2, 4)), shape=(4,)),
                r"not make a picture of shape \(4,\)",
            ),
            (lambda: plots.weights(np.ones((0, 4))), r"\(units, features\), not \(0, 4\)"),
            (
                lambda: plots.mistakes(Certain(), np.ones((0, 4)), []),
                r"mistakes\(\) takes a label per sample: X has shape \(0, 4\), y has shape \(0,\)",
            ),
            (
                lambda: plots.mistakes(Certain(), np.ones((1, 4)), [[3]]),
                r"mistakes\(\) takes a label per sample",
            ),
        ],
    )
    def test_messages(self, call, message):
        with pytest.raises(ValueError, match=message):
            call()
