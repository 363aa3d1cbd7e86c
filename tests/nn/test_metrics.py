"""Metrics, by hand and beside scikit-learn's, and what nn.fit tells them."""

import functools
import inspect
import warnings

import numpy as np
import pytest
from numerics import sines

import autograd_lite as al
import nn
from nn import metrics

rng = np.random.default_rng(0)
NEEDS_NO_GIVEN = ("roc_auc",)


def test_by_hand():
    scores, targets = np.array([[1.0, -1, 2, -3, 4]]), np.array([1, 1, 1, 0, 0])
    assert metrics.accuracy(scores, targets) == 0.6
    assert metrics.confusion_matrix(scores, targets).tolist() == [[1, 1], [1, 2]]
    assert metrics.precision(scores, targets) == pytest.approx(2 / 3)
    assert metrics.recall(scores, targets) == pytest.approx(2 / 3)
    assert metrics.roc_auc(scores, targets) == pytest.approx(3 / 6)


SCORES = np.array([1.5, -1, 2, -3, 0.5, -0.25, 2, 0.75])
BITS = np.array([1, 1, 1, 0, 0, 1, 0, 0])
OF_THREE = 2 * sines(3, 8)
CLASSES = np.array([2, 0, 1, 1, 0, 2, 2, 0])
WEIGHTS = np.array([1, 2, 0.5, 1, 0, 3, 1, 1.5])
NAMES = ["accuracy", "precision", "recall", "f1", "log_loss", "roc_auc"]


@pytest.mark.parametrize(
    ("logits", "targets", "weights", "values", "counts"),
    [
        # Those of scikit-learn, to twelve digits.
        (
            SCORES,
            BITS,
            None,
            [0.375, 0.4, 0.5, 0.444444444444, 0.844250718667, 0.53125],
            [[1, 3], [2, 2]],
        ),
        (
            SCORES,
            BITS,
            WEIGHTS,
            [0.25, 0.375, 0.230769230769, 0.285714285714, 0.925004078997, 0.395604395604],
            [[1.0, 2.5], [5.0, 1.5]],
        ),
        (
            OF_THREE,
            CLASSES,
            None,
            [0.25, 0.166666666667, 0.222222222222, 0.190476190476, 2.50767641617, 0.316666666667],
            [[2, 0, 1], [0, 0, 2], [2, 1, 0]],
        ),
        (
            OF_THREE,
            CLASSES,
            WEIGHTS,
            [0.35, 0.212121212121, 0.333333333333, 0.259259259259, 1.90944255216, 0.545620915033],
            [[3.5, 0.0, 0.0], [0.0, 0.0, 1.5], [2.0, 3.0, 0.0]],
        ),
    ],
    ids=["two", "two, weighted", "three", "three, weighted"],
)
def test_values(logits, targets, weights, values, counts):
    options = {"given": "logits", "sample_weight": weights}
    found = [metrics.METRICS[name](logits, targets, **options) for name in NAMES]
    assert found == pytest.approx(values, rel=1e-11)
    matrix = metrics.confusion_matrix(logits, targets, **options)
    assert matrix.tolist() == counts
    assert matrix.dtype == (np.int64 if weights is None else np.float64)


def test_values_of_a_report():
    table = metrics.report(OF_THREE, CLASSES, given="logits", sample_weight=WEIGHTS, names="abc")
    assert [c.name for c in table.classes] == ["a", "b", "c"]
    assert [c.support for c in table.classes] == [3.5, 1.5, 5]
    first = table.classes[0]
    assert (first.precision, first.recall, first.f1) == pytest.approx((7 / 11, 1, 7 / 9))
    assert table.accuracy == pytest.approx(0.35)
    assert str(table).splitlines() == [
        "class  precision  recall      f1  support",
        "a         0.6364  1.0000  0.7778      3.5",
        "b         0.0000  0.0000  0.0000      1.5",
        "c         0.0000  0.0000  0.0000        5",
        "accuracy 0.3500",
    ]
    assert repr(table) == str(table)
    html = table._repr_html_()
    assert html.endswith("<p>accuracy 0.3500</p>") and html.count("<tr>") == 4
    assert [c.name for c in metrics.report(SCORES, BITS).classes] == ["0", "1"]


@pytest.mark.parametrize(
    ("outputs", "weights", "values"),
    [
        # mae, mse and r2 of sines for cosines: scikit-learn's, to twelve digits.
        (1, None, [0.821853812806, 0.93943153874, -1.17805780002]),
        (1, WEIGHTS, [0.913873276328, 1.08056234396, -1.38471149221]),
        (2, None, [0.874928390489, 0.979441542583, -1.04343955402]),
        (2, WEIGHTS, [0.895546879337, 0.999444921942, -1.42875459973]),
    ],
)
def test_values_of_numbers(outputs, weights, values):
    predicted = sines(2, 8)[:outputs]
    targets = np.cos(np.arange(1, 17)).reshape(2, 8)[:outputs]
    found = [
        metrics.METRICS[name](predicted, targets, sample_weight=weights)
        for name in ("mae", "mse", "r2")
    ]
    assert found == pytest.approx(values, rel=1e-11)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", ["logits", "probabilities"])
@pytest.mark.parametrize("rows", [1, 2, 4])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.one_in(7)
def test_they_agree_with_scikit_learn(seed, rows, kind, weighted):
    sk = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(seed)
    classes = max(2, rows)
    # Eighths, so that what is tied is so after a subtraction.
    logits = (8 * random.normal(size=(rows, 40))).round() / 8
    targets = np.r_[np.arange(classes), random.integers(0, classes, 40 - classes)]
    probabilities = al.softmax(logits, axis=0) if rows > 1 else al.sigmoid(logits)
    both = probabilities if rows > 1 else np.concatenate([1 - probabilities, probabilities])
    predicted = both.argmax(axis=0)
    weights = random.random(40) if weighted else None
    ours = {
        name: function(
            logits if kind == "logits" else probabilities,
            targets,
            given=kind,
            sample_weight=weights,
        )
        for name, function in metrics.OF_CLASSES.items()
    }
    options = {"average": "binary" if classes == 2 else "macro", "zero_division": 0}
    options["sample_weight"] = weights
    theirs = {
        "accuracy": sk.accuracy_score(targets, predicted, sample_weight=weights),
        "precision": sk.precision_score(targets, predicted, **options),
        "recall": sk.recall_score(targets, predicted, **options),
        "f1": sk.f1_score(targets, predicted, **options),
        "log_loss": sk.log_loss(targets, both.T, sample_weight=weights),
        "roc_auc": sk.roc_auc_score(
            targets,
            both[1] if classes == 2 else both.T,
            multi_class="ovr",
            sample_weight=weights,
        ),
    }
    assert ours == pytest.approx(theirs)
    np.testing.assert_allclose(
        metrics.confusion_matrix(both, targets, sample_weight=weights),
        sk.confusion_matrix(targets, predicted, sample_weight=weights),
    )
    table = metrics.report(both, targets, given="probabilities", sample_weight=weights)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = sk.classification_report(
            targets, predicted, output_dict=True, sample_weight=weights, zero_division=0
        )
    for found in table.classes:
        of_class = expected[found.name]
        assert found.precision == pytest.approx(of_class["precision"])
        assert found.recall == pytest.approx(of_class["recall"])
        assert found.f1 == pytest.approx(of_class["f1-score"])
        assert found.support == pytest.approx(of_class["support"])
    assert table.accuracy == pytest.approx(expected["accuracy"])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("outputs", [None, 1, 3])
def test_metrics_of_numbers_agree_with_scikit_learn(outputs, weighted):
    sk = pytest.importorskip("sklearn.metrics")
    shape = (30,) if outputs is None else (outputs, 30)
    targets = rng.normal(size=shape)
    predicted = targets + rng.normal(size=shape)
    weights = rng.random(30) if weighted else None
    for ours, theirs in (
        (metrics.mse, sk.mean_squared_error),
        (metrics.mae, sk.mean_absolute_error),
        (metrics.r2, sk.r2_score),
    ):
        expected = theirs(targets.T, predicted.T, sample_weight=weights)
        assert ours(predicted, targets, sample_weight=weights) == pytest.approx(expected)


def test_r2_of_what_does_not_vary():
    assert metrics.r2([1.0, 1.0], [1.0, 1.0]) == 1
    assert metrics.r2([1.0, 2.0], [1.0, 1.0]) == 0
    assert np.isnan(metrics.r2([1.0], [1.0]))


def test_the_mean_over_classes_is_over_those_that_occur():
    sk = pytest.importorskip("sklearn.metrics")
    scores = np.array([[3.0, 0, 1, 2], [0, 2, 0, 1], [0, 0, 0, 0.5], [-1, -1, -1, -1]])
    targets = np.array([0, 1, 1, 2])
    for ours, theirs in (
        (metrics.precision, sk.precision_score),
        (metrics.recall, sk.recall_score),
        (metrics.f1, sk.f1_score),
    ):
        expected = theirs(targets, scores.argmax(axis=0), average="macro", zero_division=0)
        assert ours(scores, targets) == pytest.approx(expected)


class TestForms:
    """The same predictions and targets, in every form that there is."""

    logits = rng.normal(size=20)
    truth = (rng.random(20) < 0.5).astype(int)

    def predictions(self):
        p = al.sigmoid(self.logits)
        hard = (self.logits > 0).astype(int)
        yield self.logits, "logits"
        yield self.logits[None], "logits"
        yield self.logits[None], "scores"
        yield self.logits[None], None
        yield self.logits, None
        yield p, "probabilities"
        yield p[None], "probabilities"
        yield al.Tensor(p[None]), "probabilities"
        yield np.stack([1 - p, p]), "probabilities"
        yield np.stack([1 - p, p]), None
        yield np.stack([0 * p, self.logits]), None
        yield hard, None
        yield hard.astype(bool), None
        yield hard.astype(float), None
        yield hard.astype(float)[None], None

    def targets(self):
        yield self.truth
        yield self.truth.astype(bool)
        yield self.truth.astype(float)
        yield self.truth[None]
        yield self.truth[None].astype(np.float32)
        yield 2 * self.truth - 1
        yield 2.0 * self.truth[None] - 1
        yield np.eye(2)[:, self.truth]
        yield 2 * np.eye(2)[:, self.truth] - 1
        yield 0.1 + 0.8 * self.truth[None]
        yield 0.1 + 0.8 * np.eye(2)[:, self.truth]

    def test_the_counts_are_the_same_in_all(self):
        said = self.logits > 0
        expected = [[np.sum((self.truth == t) & (said == p)) for p in (0, 1)] for t in (0, 1)]
        for prediction, given in self.predictions():
            for target in self.targets():
                found = metrics.confusion_matrix(prediction, target, given=given)
                assert found.tolist() == expected

    def test_one_row_of_targets_may_be_probabilities(self):
        rows = [[0.0, 0.5, 0.51, 1.0]]
        assert metrics.accuracy([0, 0, 1, 1], rows) == 1

    def test_class_numbers_are_taken_in_rows_too(self):
        numbers = rng.integers(0, 3, 20)
        scores = rng.normal(size=(3, 20))
        expected = np.mean(scores.argmax(axis=0) == numbers)
        for target in (numbers, numbers[None], numbers.astype(float), np.eye(3)[:, numbers]):
            assert metrics.accuracy(scores, target) == expected
            assert metrics.accuracy(scores.argmax(axis=0), target) == expected

    @pytest.mark.parametrize("shape", [(20,), (1, 20)])
    @pytest.mark.parametrize("metric", [m for m in metrics.OF_CLASSES if m not in NEEDS_NO_GIVEN])
    def test_what_could_be_either_is_refused(self, metric, shape):
        scores = rng.uniform(0.01, 0.99, shape)
        with pytest.raises(ValueError, match="say which by given='logits' or given='probabil"):
            metrics.METRICS[metric](scores, self.truth)

    @pytest.mark.parametrize("metric", metrics.OF_CLASSES)
    @pytest.mark.parametrize("shape", [(20,), (1, 20), (3, 20)])
    @pytest.mark.parametrize("given", ["logits", "probabilities", "scores", None])
    def test_nan_is_never_a_number(self, metric, shape, given):
        scores = rng.uniform(0, 1, shape)
        scores = scores / scores.sum(axis=0) if len(shape) == 2 and shape[0] > 1 else scores
        scores[..., 4] = np.nan
        assert np.isnan(metrics.METRICS[metric](scores, self.truth, given=given))

    @pytest.mark.parametrize("metric", metrics.OF_NUMBERS)
    def test_nan_is_never_a_number_of_numbers(self, metric):
        predicted = np.where(np.arange(20) == 3, np.nan, self.logits)
        assert np.isnan(metrics.METRICS[metric](predicted, self.logits))
        with pytest.raises(ValueError, match="targets that are NaN"):
            metrics.METRICS[metric](self.logits, predicted)

    @pytest.mark.parametrize("function", [metrics.confusion_matrix, metrics.report])
    def test_nan_has_no_class(self, function):
        with pytest.raises(ValueError, match="NaN, which have no class"):
            function(np.array([[np.nan, 1.0]]), [0, 1])


ONES = np.ones((1, 3))


@pytest.mark.parametrize(
    ("prediction", "target", "options", "message"),
    [
        (ONES, np.ones((1, 2)), {}, "there are 3 predictions and 2 targets"),
        (ONES[:, :0], ONES[:, :0], {}, "no samples"),
        (ONES.T, [0, 1, 1], {}, "there are 1 predictions and 3 targets"),
        (2 * ONES.T, ONES.T, {}, "must be columns of probabilities"),
        (np.ones((1, 2, 3)), [0, 1, 1], {}, r"must be \(N,\), \(1, N\) or \(classes, N\)"),
        (-ONES, [0.3, 2.5, 1], {}, "metrics of numbers are mse, mae and r2"),
        (-ONES, [0, np.nan, 1], {}, "targets that are NaN"),
        (-ONES, [0, -3, 1], {}, "from 0 on, not -3"),
        (-ONES, [0, 1, 2], {}, "scores for 2 classes, but a target has the class 2"),
        (np.array([0, -2, 1]), [0, 1, 1], {}, "from 0 on, not -2"),
        (
            np.array([[0.5, 1, 2.0]]),
            [0, 1, 1],
            {"given": "probabilities"},
            "2 is not a probability",
        ),
        (-ONES, [0, 1, 1], {"given": "probs"}, "given must be one of"),
        (-ONES, [0, 1, 1], {"given": "numbers"}, "is of classes"),
        (-ONES, [0, 1, 1], {"sample_weight": [1, 1]}, r"shape \(2,\), expected \(3,\)"),
        (-ONES, [0, 1, 1], {"sample_weight": [1, -1, 1]}, "numbers from 0 on"),
        (-ONES, [0, 1, 1], {"sample_weight": [0, 0, 0]}, "every weight is zero"),
    ],
)
def test_what_cannot_be_measured(prediction, target, options, message):
    with pytest.raises(ValueError, match=message):
        metrics.accuracy(prediction, target, **options)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: metrics.accuracy(["a"], [1]), TypeError, "take numbers, but these have dtype <U1"),
        (lambda: metrics.accuracy([1.0], ["a"]), TypeError, "take numbers"),
        (
            lambda: metrics.log_loss([0, 1], [0, 1]),
            ValueError,
            "log_loss takes probabilities or logits, and",
        ),
        (
            lambda: metrics.log_loss([0.5, 1.5], [0, 1], given="scores"),
            ValueError,
            "takes probabilities or logits, and these are neither",
        ),
        (
            lambda: metrics.log_loss([[0.5, 0.5], [0.4, 0.5]], [0, 1], given="probabilities"),
            ValueError,
            "the probabilities of the classes must sum to 1 for each sample",
        ),
        (
            lambda: metrics.confusion_matrix([10_000, 0], [0, 1]),
            ValueError,
            "a confusion matrix of 10,001 classes is too large",
        ),
        (
            lambda: metrics.mse([[1.0, 2.0]], [1.0, 2.0, 3.0]),
            ValueError,
            r"the predictions have shape \(1, 2\) and the targets \(3,\)",
        ),
        (lambda: metrics.mse([], []), ValueError, "there are no samples to measure on"),
        (
            lambda: metrics.accuracy([[-1.0]], [[-0.5]]),
            ValueError,
            "targets must be classes, but these are numbers that are not whole",
        ),
        (
            lambda: metrics.accuracy(-np.ones((2, 2)), [[0.5, 0.5], [0.6, 0.5]]),
            ValueError,
            r"targets of shape \(2, 2\) must be columns of probabilities",
        ),
        (
            lambda: metrics.accuracy(-np.ones((2, 2)), [[1, -1], [1, -1]]),
            ValueError,
            "must be columns of probabilities",
        ),
    ],
)
def test_messages(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize(
    ("scores", "given", "expected"),
    [
        ([0.0, 1e-9, -1e-9], "logits", [0, 1, 0]),
        ([0.0, 1e-9, -1e-9], "scores", [0, 1, 0]),
        ([0.5, 0.5 + 1e-9, 0.4], "probabilities", [0, 1, 0]),
        ([0.0, 1.0, 1.0], "logits", [0, 1, 1]),
        ([0.0, 1.0, 1.0], "probabilities", [0, 1, 1]),
        ([0.0, 1 + 5e-7, 1.0], "probabilities", [0, 1, 1]),
        ([0.0, 1.0, 1.0], None, [0, 1, 1]),
        ([-0.5, 0.25, 2], None, [0, 1, 1]),
        ([[0.2, 0.3], [0.8, 0.7]], None, [1, 1]),
        ([2, 0, 3], None, [2, 0, 3]),
    ],
)
def test_where_one_class_ends(scores, given, expected):
    assert metrics.classes_of(np.array(scores), given).tolist() == expected


def test_scores_that_are_nan_have_no_class():
    with pytest.raises(ValueError, match="^there are scores that are NaN, which have no class$"):
        metrics.classes_of([0.5, np.nan], "logits")


def test_the_log_loss_of_what_was_held_impossible_is_infinite():
    assert metrics.log_loss([1.0, 1.0], [1, 0], given="probabilities") == np.inf
    assert metrics.log_loss([1.0, 0.0], [1, 0], given="probabilities") == 0
    assert metrics.log_loss([800.0, -800.0], [1, 1], given="logits") == 400


def test_auc_of_two_rows():
    """Of logits their difference counts, of probabilities the second row, of one row itself."""
    logits = np.array([[0.0, 2.0, 1.0], [1.0, 2.5, 2.5]])
    assert metrics.roc_auc(logits, [1, 0, 0], given="logits") == 0.5
    assert metrics.roc_auc(logits, [0, 0, 1], given="logits") == 1
    assert metrics.roc_auc(logits[1], [1, 0, 0], given="logits") == 0
    p = np.array([[0.4, 0.7, 0.4], [0.6, 0.3, 0.6]])
    assert metrics.roc_auc(p, [1, 0, 0]) == 0.75
    assert metrics.roc_auc(p, [1, 0, 0], sample_weight=[1, 3, 1]) == pytest.approx(3.5 / 4)


def test_auc_of_a_class_that_does_not_occur():
    assert np.isnan(metrics.roc_auc(np.ones((1, 2)), [1, 1]))
    assert np.isnan(metrics.roc_auc(rng.normal(size=(3, 4)), [0, 1, 0, 1]))


def test_reports_show_themselves():
    table = metrics.report(np.array([[1.0, -1, 2]]), [1, 0, 0], names=["cat", "<dog>"])
    assert str(table).splitlines()[0].split() == ["class", "precision", "recall", "f1", "support"]
    assert "&lt;dog&gt;" in table._repr_html_() and "<dog>" in str(table)
    with pytest.raises(ValueError, match="3 names for 2 classes"):
        metrics.report(np.array([[1.0, -1, 2]]), [1, 0, 0], names="abc")


def test_every_metric_can_be_told():
    for function in metrics.OF_CLASSES.values():
        assert {"given", "sample_weight"} <= inspect.signature(function).parameters.keys()
    for function in metrics.OF_NUMBERS.values():
        assert "sample_weight" in inspect.signature(function).parameters


class TestInTraining:
    X = rng.normal(size=(2, 200))
    Y = (X.sum(axis=0, keepdims=True) > 0).astype(float)

    def train(self, layers, loss, Y=None, **options):
        model = nn.Sequential(*layers)
        options = {"epochs": 5, "seed": 0, "verbose": False, "metrics": ["accuracy"]} | options
        Y = self.Y if Y is None else Y
        history = nn.fit(model, self.X, Y, loss=loss, optimiser="adam", **options)
        return history, model(self.X).data

    @pytest.mark.parametrize(
        ("layers", "loss", "right"),
        [
            ([nn.Linear(2, 1)], nn.binary_cross_entropy_with_logits, lambda A: A > 0),
            ([nn.Linear(2, 1), nn.Sigmoid()], nn.binary_cross_entropy, lambda A: A > 0.5),
            (
                [nn.Linear(2, 1)],
                functools.partial(nn.binary_cross_entropy_with_logits, label_smoothing=0.1),
                lambda A: A > 0,
            ),
        ],
    )
    def test_the_loss_says_what_the_model_gives(self, layers, loss, right):
        history, A = self.train(layers, loss)
        assert history["accuracy"][-1] == np.mean(right(A) == self.Y)

    def test_functions_are_told_as_names_are(self):
        seen = []

        def own(prediction, target, given, sample_weight=None):
            seen.append((given, sample_weight))
            return 0.0

        chosen = [metrics.accuracy, own, functools.partial(metrics.f1, given="logits")]
        layers, weights = [nn.Linear(2, 1), nn.Sigmoid()], rng.random(200)
        options = {"metrics": chosen, "sample_weight": weights}
        history, A = self.train(layers, nn.binary_cross_entropy, **options)
        expected = np.average((A > 0.5) == self.Y, axis=1, weights=weights)
        assert history["accuracy"][-1] == pytest.approx(expected[0])
        assert seen[-1][0] == "probabilities"
        np.testing.assert_array_equal(seen[-1][1], weights)
        assert history["f1"][-1] == pytest.approx(
            metrics.f1(A, self.Y, given="logits", sample_weight=weights)
        )

    def test_of_a_loss_of_numbers(self):
        options = {"metrics": ["mse", "mae", "r2"], "validation": 0.2}
        history, A = self.train([nn.Linear(2, 1)], nn.huber, **options)
        at = slice(160, None)
        expected = metrics.mse(A[:, at], self.Y[:, at])
        assert history["validation_mse"][-1] == pytest.approx(expected)

    def test_losses_that_do_not_say(self):
        loss = lambda Z, Y: nn.binary_cross_entropy_with_logits(Z, Y)  # noqa: E731
        with pytest.raises(ValueError, match="'accuracy' must know whether .* my_loss.prediction"):
            self.train([nn.Linear(2, 1)], loss)
        loss.prediction = "logits"
        history, Z = self.train([nn.Linear(2, 1)], loss)
        assert history["accuracy"][-1] == np.mean((Z > 0) == self.Y)
        loss.prediction = "logit"
        with pytest.raises(ValueError, match="prediction = 'logit', which must be one of"):
            self.train([nn.Linear(2, 1)], loss)

    @pytest.mark.parametrize(
        ("loss", "names", "message"),
        [
            (nn.mean_squared_error, ["accuracy"], "is of classes, but mean_squared_error takes"),
            (nn.hinge, ["log_loss"], "'log_loss' is of probabilities, but hinge takes scores"),
            (nn.cross_entropy, ["mse"], "'mse' is of numbers, but cross_entropy takes logits"),
            (nn.cross_entropy, ["acuracy"], "no metric 'acuracy'.*did you mean 'accuracy'"),
            (nn.huber, ["r2_score"], "take 'r2'"),
            (nn.huber, ["mse", metrics.mse], "the history already has the name 'mse'"),
            (nn.huber, [lambda A, Y: 1, lambda A, Y: 2], "<lambda>"),
        ],
    )
    def test_what_does_not_suit_the_loss_is_refused_before_training(self, loss, names, message):
        before = (layer := nn.Linear(2, 1)).state_dict()
        with pytest.raises(ValueError, match=message):
            self.train([layer], loss, metrics=names)
        np.testing.assert_array_equal(layer.state_dict()["weight"], before["weight"])

    @pytest.mark.parametrize(
        ("layers", "loss", "Y", "message"),
        [
            ([nn.Sigmoid()], nn.binary_cross_entropy_with_logits, None, "ends in sigmoid"),
            ([nn.Softmax()], nn.cross_entropy, "classes", "ends in softmax"),
            ([], nn.binary_cross_entropy, None, "takes probabilities: take nn.binary_cross"),
        ],
    )
    def test_a_last_layer_that_does_not_suit_the_loss_is_noted(self, layers, loss, Y, message):
        Y = self.Y if Y is None else self.Y[0].astype(int)
        linear = nn.Linear(2, 1 if Y.ndim == 2 else 2, initialisation="small", seed=0)
        linear.bias.data[...] = 0.5

        class Whole(nn.Module):
            def __init__(self):
                self.inside = nn.Sequential(linear, *layers)

            def forward(self, X):
                return self.inside(X)

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.train([Whole()], loss, Y, epochs=1, metrics=())
        assert message in " ".join(str(w.message) for w in caught)
