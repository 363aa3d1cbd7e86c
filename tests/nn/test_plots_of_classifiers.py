"""nn.plots of classifiers: boundaries, and scores against scikit-learn's and by hand."""

import numpy as np
import pytest
from matplotlib.colors import to_rgba

import nn
from nn import plots

metrics = pytest.importorskip("sklearn.metrics")


class Softmax:
    """A classifier of the plane in three sectors, whose boundaries are straight lines."""

    classes_ = np.array(["a", "b", "c"])
    W = np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])

    def predict_proba(self, X):
        e = np.exp(2 * X @ self.W.T)
        return e / e.sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.classes_[np.argmax(X @ self.W.T, axis=1)]


RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 2))
Y = Softmax().predict(X + 0.7 * RNG.normal(size=X.shape))


def test_boundaries_between_classes_are_where_two_are_as_likely():
    model = Softmax()
    axes = plots.decision_boundary(model, X, Y, resolution=60).axes[0]
    lines = [c for c in axes.collections if len(c.get_edgecolor()) and not len(c.get_facecolor())]
    along = np.concatenate([p.vertices for c in lines for p in c.get_paths()])
    assert len(along) > 60
    two = np.sort(model.predict_proba(along), axis=1)[:, -2:]
    assert np.abs(two[:, 1] - two[:, 0]).max() < 0.02


def test_classes_have_colours_of_a_qualitative_palette():
    axes = plots.decision_boundary(Softmax(), X, Y, resolution=10).axes[0]
    shown = {c.get_label(): tuple(c.get_facecolor()[0]) for c in axes.collections[-3:]}
    assert shown == {n: to_rgba(c) for n, c in zip("abc", plots.CLASSES, strict=False)}


def test_there_is_no_band_of_a_class_between_two_others():
    class Halves:
        def predict(self, X):
            return np.where(X[:, 0] > 0, 2, 0)

    points = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    axes = plots.decision_boundary(Halves(), points, [0, 2, 1], resolution=20).axes[0]
    filled = axes.collections[0]
    middle = [p for p in filled.get_paths()[1:2] if len(p.vertices)]
    widths = [np.ptp(p.vertices[:, 0]) for p in middle]
    assert max(widths, default=0.0) < 1e-9
    assert len(filled.get_paths()) == 3


def test_the_confusion_matrix_counts():
    model = Softmax()
    (axes,) = plots.confusion_matrix(model, X, Y).axes
    expected = metrics.confusion_matrix(Y, model.predict(X))
    assert [int(t.get_text()) for t in axes.texts] == expected.ravel().tolist()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    (shares,) = plots.confusion_matrix(model, X, Y, normalise=True).axes
    shown = np.array([float(t.get_text()) for t in shares.texts]).reshape(3, 3)
    assert np.allclose(shown, expected / expected.sum(axis=1, keepdims=True), atol=0.006)


@pytest.mark.parametrize("classes", [2, 3])
def test_curves_are_those_of_the_thresholds(classes):
    model = Softmax()
    y = Y
    if classes == 2:
        model = nn.LogisticRegression(learning_rate=0.5, max_iter=20)
        y = (Y == "a").astype(int)
        model.fit(X, y)
    p = model.predict_proba(X)
    numbers = [1] if classes == 2 else [0, 1, 2]
    curves = plots.roc(model, X, y).axes[0].lines[:-1]
    assert len(curves) == len(numbers)
    for k, line in zip(numbers, curves, strict=True):
        false, true, _ = metrics.roc_curve(y == model.classes_[k], p[:, k])
        assert np.array_equal(line.get_xdata(), false) and np.array_equal(line.get_ydata(), true)
        area = metrics.roc_auc_score(y == model.classes_[k], p[:, k])
        assert f"{area:.2f}" in line.get_label()
    curves = plots.precision_recall(model, X, y).axes[0].lines
    for k, line in zip(numbers, curves, strict=False):
        precision, recall, _ = metrics.precision_recall_curve(y == model.classes_[k], p[:, k])
        assert np.array_equal(line.get_xdata(), recall)
        assert np.array_equal(line.get_ydata(), precision)


def test_calibration_is_the_share_of_the_class_among_samples_of_a_probability():
    class Certain:
        classes_ = np.array([0, 1])

        def predict_proba(self, X):
            return np.concatenate([1 - X, X], axis=1)

    probability = np.repeat([0.25, 0.75], 40)[:, np.newaxis]
    y = np.tile([0, 0, 0, 1], 20)
    y[40:] = np.tile([0, 1], 20)
    axes = plots.calibration(Certain(), probability, y, bins=2).axes[0]
    assert axes.lines[1].get_xdata().tolist() == [0.25, 0.75]
    assert axes.lines[1].get_ydata().tolist() == [0.25, 0.5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: plots.roc(m, X, np.full(200, "a")), "at least two classes, but all are a"),
        (lambda m: plots.roc(m, X, np.full(200, "z")), "of the model's classes, but z is not one"),
        (lambda m: plots.calibration(m, X, Y[:3]), r"calibration\(\) takes a label per sample"),
        (lambda m: plots.confusion_matrix(m, X, Y[:3]), "takes a label per sample"),
        (lambda m: plots.precision_recall(m, X[:0], Y[:0]), "takes a label per sample"),
    ],
)
def test_bad_input_gets_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call(Softmax())


def test_names_of_classes_are_no_formulas():
    class Dollars(Softmax):
        classes_ = np.array(["$a$", "b", "c"])

    y = np.where(Y == "a", "$a$", Y)
    axes = plots.roc(Dollars(), X, y).axes[0]
    assert "\\$a\\$" in axes.get_legend().get_texts()[0].get_text()
