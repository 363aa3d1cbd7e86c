"""LogisticRegression and DeepClassifier."""

import pickle
import re
import warnings

import numpy as np
import pytest

import nn

CLASSIFIERS = [
    nn.LogisticRegression(learning_rate=0.5, max_iter=300),
    nn.DeepClassifier((6, 4), learning_rate=0.3, max_iter=300, random_state=0),
]


def blobs(dtype=np.float64):
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(-1, 0.5, (30, 3)), rng.normal(1, 0.5, (40, 3))]).astype(dtype)
    return X, np.array(["left"] * 30 + ["right"] * 40)


@pytest.fixture(params=CLASSIFIERS, ids=lambda c: type(c).__name__)
def classifier(request):
    return type(request.param)(**request.param.get_params())


class TestFitting:
    def test_it_learns(self, classifier):
        X, y = blobs()
        assert classifier.fit(X, y) is classifier
        assert classifier.score(X, y) == 1
        assert classifier.classes_.tolist() == ["left", "right"]
        assert classifier.predict(X[:2]).tolist() == ["left", "left"]
        assert classifier.n_iter_ == len(classifier.loss_curve_) == 300
        assert classifier.loss_curve_[-1] < 0.1 < classifier.loss_curve_[0]
        probabilities = classifier.predict_proba(X)
        assert probabilities.shape == (70, 2)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        assert ((probabilities[:, 1] > 0.5) == (classifier.decision_function(X) > 0)).all()

    def test_pictures_are_flattened(self, classifier):
        X, y = blobs()
        pictures = np.repeat(X, 4, axis=1).reshape(70, 3, 2, 2)
        assert classifier.fit(pictures, y).n_features_in_ == 12
        assert classifier.score(pictures, y) == 1

    def test_float32_stays_float32(self, classifier):
        X, y = blobs(np.float32)
        classifier.fit(X, y)
        assert {p.dtype for p in classifier.network_.parameters()} == {np.dtype(np.float32)}
        assert classifier.predict_proba(X).dtype == np.float32

    def test_the_same_seed_gives_the_same_numbers(self):
        X, y = blobs()
        first, second, other = (
            nn.DeepClassifier((4,), max_iter=5, random_state=seed).fit(X, y) for seed in (1, 1, 2)
        )
        assert first.loss_curve_ == second.loss_curve_ != other.loss_curve_

    def test_data_is_left_as_it_was(self, classifier):
        X, y = blobs()
        before = X.copy()
        classifier.fit(X, y)
        np.testing.assert_array_equal(X, before)
        assert X.flags.writeable

    def test_parameters(self, classifier):
        assert classifier.set_params(max_iter=7).get_params()["max_iter"] == 7
        assert "max_iter=7" in repr(classifier)
        with pytest.raises(ValueError, match="no parameter 'max_iters'"):
            classifier.set_params(max_iters=7)

    def test_the_progress_bar_can_be_had(self, classifier, capsys):
        classifier.set_params(verbose=True, max_iter=3).fit(*blobs())
        assert "3/3" in capsys.readouterr().err
        classifier.set_params(verbose=False).fit(*blobs())
        assert capsys.readouterr() == ("", "")


class TestBadInput:
    @pytest.mark.parametrize(
        ("X", "y", "message"),
        [
            (np.ones((3, 2)), [0, 1], r"y has shape \(2,\), but X has 3 samples"),
            (np.ones((3, 2)), [1, 1, 1], "two or more classes, but it holds 1 class: 1"),
            (np.ones((3, 2)), [0, 0.5, 1], "numbers that are not whole"),
            (np.ones((3, 2)), [0, 1, np.nan], r"y\[2\] is NaN"),
            (np.array([[1, 2], [np.nan, 3]]), [0, 1], r"X\[1, 0\] is nan"),
            (np.array([[1, np.inf], [2, 3]]), [0, 1], r"X\[0, 1\] is inf"),
            (np.ones(3), [0, 1, 1], r"shape \(N, ...\).*\(3,\)"),
            (np.ones((0, 2)), [], "X is empty"),
            (np.ones((2, 0)), [0, 1], r"X has 0 feature\(s\) \(shape=\(2, 0\)\)"),
            (np.ones((2, 2), complex), [0, 1], "Complex data not supported: X must be real"),
            (np.ones((2, 2)), None, "the target y is None"),
            (np.ones((2, 2)), [0, np.inf], "y contains infinity; labels must be classes"),
            (np.ones((2, 2)), [0, 1j], "Complex data not supported: y must be classes"),
            (np.ones((2, 2)), [[0, 1], [1, 0]], r"y has shape \(2, 2\), but X has 2 samples"),
        ],
    )
    def test_fit(self, classifier, X, y, message):
        with pytest.raises(ValueError, match=message):
            classifier.fit(X, y)

    @pytest.mark.parametrize(
        ("X", "message"),
        [
            (np.array([["2020-01-01"]], "M8[D]"), "X must be real numbers, but it has dtype dat"),
            (np.array([[{}], [1]], object), "X must be real numbers: .*not 'dict'"),
        ],
    )
    def test_samples_that_are_no_numbers(self, classifier, X, message):
        with pytest.raises(TypeError, match=message):
            classifier.fit(X, np.arange(len(X)))

    def test_sparse_matrices(self, classifier):
        sparse = pytest.importorskip("scipy.sparse")
        with pytest.raises(TypeError, match=r"X is a sparse matrix.*use X.toarray\(\)"):
            classifier.fit(sparse.csr_matrix(np.eye(2)), [0, 1])

    @pytest.mark.parametrize(
        ("weights", "message"),
        [
            (np.ones((70, 1)), r"must be 1D array or scalar, got shape \(70, 1\)"),
            (np.ones(69), r"sample_weight.shape == \(69,\), expected \(70,\)!"),
            (np.r_[-1, np.ones(69)], "sample_weight must be finite numbers from 0 on"),
            (np.r_[np.inf, np.ones(69)], "sample_weight must be finite numbers from 0 on"),
            (np.zeros(70), "sample_weight: every weight is zero, so there is nothing to learn"),
        ],
    )
    def test_weights(self, classifier, weights, message):
        with pytest.raises(ValueError, match=message):
            classifier.fit(*blobs(), sample_weight=weights)

    def test_a_number_is_the_weight_of_all_samples(self, classifier):
        other = type(classifier)(**classifier.get_params())
        np.testing.assert_allclose(
            classifier.fit(*blobs(), sample_weight=2.0).loss_curve_, other.fit(*blobs()).loss_curve_
        )

    def test_classes_that_change(self, classifier):
        X, y = blobs()
        classifier.set_params(warm_start=True, max_iter=1).fit(X, y)
        with pytest.raises(
            ValueError, match=r"must stay \['left', 'right'\], but y holds \['a', 'b'\]"
        ):
            classifier.fit(X, np.where(y == "left", "a", "b"))
        with pytest.raises(ValueError, match=r"classes= must stay \['left', 'right'\], but it is"):
            classifier.partial_fit(X, y, classes=["left", "up"])
        with pytest.raises(
            ValueError, match="the label 'up', which is not one of .*'left', 'right'"
        ):
            classifier.partial_fit(X, np.where(y == "left", "left", "up"))
        classifier.partial_fit(X, y, classes=["right", "left"])

    def test_a_first_part_of_one_class(self, classifier):
        X, _ = blobs()
        with pytest.raises(ValueError, match="or classes= must name them; it holds 1 class: 3"):
            classifier.partial_fit(X, np.full(len(X), 3))
        with pytest.warns(nn.TrainingWarning, match="all targets are the same"):
            classifier.partial_fit(X, np.full(len(X), 3), classes=[3, 4])
        assert classifier.classes_.tolist() == [3, 4]

    def test_too_few_samples_to_hold_some_out(self, classifier):
        classifier.set_params(early_stopping=True, validation_fraction=0.1)
        with pytest.raises(
            ValueError, match="holds out the share 0.1 of the samples .*2 samples are too few"
        ):
            classifier.fit(np.ones((2, 2)), [0, 1])

    def test_no_learning_rate(self, classifier):
        name = type(classifier).__name__
        with pytest.raises(ValueError, match=f"{name} needs a learning_rate, which is None"):
            classifier.set_params(learning_rate=None).fit(*blobs())

    def test_names_of_columns_of_several_types(self, classifier):
        class Frame:
            columns = ["a", 1]

        with pytest.raises(
            TypeError, match="X has names of the types .'int', 'str'.; use X.columns = "
        ):
            classifier.fit(Frame(), [0, 1])

    def test_a_column_of_labels_is_taken_with_a_warning(self, classifier):
        X, y = blobs()
        expected = classifier.set_params(max_iter=3).fit(X, y).decision_function(X)
        with pytest.warns(UserWarning, match=r"y has shape \(N, 1\), and is taken as \(N,\)"):
            classifier.fit(X, y[:, np.newaxis])
        np.testing.assert_array_equal(classifier.decision_function(X), expected)

    def test_labels_of_several_types(self, classifier):
        with pytest.raises(TypeError, match="y mixes labels of the types int, str"):
            classifier.fit(np.ones((4, 2)), np.array([1, "a", 1, "a"], dtype=object))

    def test_sizes_that_are_no_numbers(self):
        for sizes in ((3.5,), (0,), -2):
            with pytest.raises(ValueError, match="hidden_layer_sizes must be whole numbers from 1"):
                nn.DeepClassifier(sizes).fit(*blobs())

    def test_no_iterations(self, classifier):
        with pytest.raises(ValueError, match="max_iter must be at least 1, .* not 0"):
            classifier.set_params(max_iter=0).fit(*blobs())

    def test_text(self, classifier):
        with pytest.raises(ValueError, match="real numbers"):
            classifier.fit(np.array([["a"], ["b"]]), [0, 1])

    def test_before_fitting(self, classifier):
        for use in (classifier.predict, classifier.predict_proba):
            with pytest.raises(ValueError, match="not fitted yet"):
                use(np.ones((2, 3)))
        with pytest.raises(ValueError, match="not fitted yet"):
            classifier.state_dict()

    def test_another_number_of_features(self, classifier):
        classifier.fit(*blobs())
        with pytest.raises(ValueError, match="X has 4 features.*expecting 3 features"):
            classifier.predict(np.ones((2, 4)))
        with pytest.raises(ValueError, match=r"y has shape \(3,\)"):
            classifier.score(np.ones((2, 3)), [0, 1, 1])

    def test_a_state_that_does_not_fit_changes_nothing(self, classifier):
        X, y = blobs()
        fitted = classifier.set_params(max_iter=3).fit(X, y)
        state, description = fitted.state_dict(), fitted.describe() | {"classes": [3, 4, 5]}
        before = fitted.predict(X)
        with pytest.raises(ValueError, match="weight"):
            fitted.load_state_dict(state, description)
        np.testing.assert_array_equal(fitted.predict(X), before)
        fresh = type(fitted)(**fitted.get_params())
        with pytest.raises(ValueError, match="weight"):
            fresh.load_state_dict(state, description)
        assert not hasattr(fresh, "network_") and not hasattr(fresh, "classes_")

    def test_an_unknown_activation(self):
        with pytest.raises(ValueError, match="activation must be one of.*'rely'"):
            nn.DeepClassifier(activation="rely").fit(*blobs())


def three_blobs():
    rng = np.random.default_rng(0)
    centres = np.array([[-2.0, 0], [2, 0], [0, 3]])
    X = np.concatenate([rng.normal(c, 0.4, (30, 2)) for c in centres])
    return X, np.repeat(["a", "b", "c"], 30)


class TestMoreClasses:
    def test_it_learns(self, classifier):
        X, y = three_blobs()
        assert classifier.fit(X, y).score(X, y) == 1
        assert classifier.decision_function(X).shape == (90, 3)
        probabilities = classifier.predict_proba(X)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        np.testing.assert_allclose(np.log(probabilities), classifier.predict_log_proba(X))

    def test_checkpoints(self, classifier, tmp_path):
        X, y = three_blobs()
        nn.save(classifier.fit(X, y), tmp_path / "model.h5")
        fresh = type(classifier)(**classifier.get_params())
        nn.load(tmp_path / "model.h5", fresh)
        np.testing.assert_array_equal(fresh.predict_proba(X), classifier.predict_proba(X))


class TestOptions:
    def test_weights_count_as_often_as_they_say(self, classifier):
        X, y = blobs()
        twice = classifier.fit(np.concatenate([X, X[:9]]), np.concatenate([y, y[:9]]))
        expected = twice.decision_function(X)
        weights = np.ones(70)
        weights[:9] = 2
        weighted = type(classifier)(**classifier.get_params()).fit(X, y, weights)
        np.testing.assert_allclose(weighted.decision_function(X), expected, rtol=1e-9)

    @pytest.mark.slow
    def test_class_weight(self, classifier):
        X, y = blobs()
        plain = classifier.fit(X, y).predict_proba(X)[:, 1].mean()
        classifier.set_params(class_weight={"right": 20.0}).fit(X, y)
        assert classifier.predict_proba(X)[:, 1].mean() > plain
        balanced = classifier.set_params(class_weight="balanced").fit(X, y)
        given = np.where(y == "left", 70 / 60, 70 / 80)
        by_hand = type(classifier)(**{**classifier.get_params(), "class_weight": None})
        by_hand.fit(X, y, given)
        np.testing.assert_allclose(balanced.predict_proba(X), by_hand.predict_proba(X), rtol=1e-9)

    def test_partial_fit_goes_on(self, classifier):
        X, y = blobs()
        whole = type(classifier)(**classifier.get_params()).set_params(max_iter=4).fit(X, y)
        for _ in range(4):
            classifier.partial_fit(X, y, classes=["left", "right"])
        np.testing.assert_array_equal(classifier.predict_proba(X), whole.predict_proba(X))
        assert classifier.n_iter_ == 4

    def test_warm_start_goes_on(self, classifier):
        X, y = blobs()
        whole = type(classifier)(**classifier.get_params()).set_params(max_iter=6).fit(X, y)
        classifier.set_params(max_iter=3, warm_start=True).fit(X, y).fit(X, y)
        np.testing.assert_array_equal(classifier.predict_proba(X), whole.predict_proba(X))
        assert len(classifier.loss_curve_) == 6

    def test_early_stopping_keeps_the_best(self, classifier):
        X, y = blobs()
        classifier.set_params(early_stopping=True, max_iter=2000, n_iter_no_change=3, tol=1e-3)
        classifier.fit(X, y)
        assert 3 < classifier.n_iter_ < 2000
        assert len(classifier.validation_loss_curve_) == classifier.n_iter_

    def test_mini_batches_and_other_optimisers(self, classifier):
        X, y = blobs()
        classifier.set_params(batch_size=16, optimiser="adam", learning_rate=0.01, max_iter=60)
        assert classifier.fit(X, y).score(X, y) == 1

    def test_alpha_pulls_the_weights_towards_0(self, classifier):
        X, y = blobs()
        sizes = [
            sum(
                np.sum(p.data**2)
                for p in classifier.set_params(alpha=a).fit(X, y).network_.parameters()
            )
            for a in (0.0, 0.1)
        ]
        assert sizes[1] < 0.5 * sizes[0]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"optimiser": "sdg"}, "optimiser must be one of .*'sdg'"),
            ({"alpha": -1.0}, "alpha must be from 0 on"),
            ({"max_iter": 2.5}, "max_iter must be at least 1, a whole number"),
            ({"random_state": "a"}, "random_state must be a whole number"),
            ({"class_weight": "even"}, "class_weight must be 'balanced' or a dict, not 'even'"),
            ({"class_weight": 3}, "class_weight must be 'balanced' or a dict, not 3"),
            ({"class_weight": {"up": 1}}, "has the class 'up', which is not in y"),
            ({"early_stopping": True, "validation_fraction": 1.0}, "between 0 and 1"),
        ],
    )
    def test_what_is_not_understood_is_refused(self, classifier, options, message):
        with pytest.raises(ValueError, match=message):
            classifier.set_params(**options).fit(*blobs())

    def test_a_copy_by_pickle_goes_on_like_the_original(self, classifier):
        X, y = blobs()
        classifier.set_params(warm_start=True, max_iter=3, optimiser="adam").fit(X, y)
        other = pickle.loads(pickle.dumps(classifier))
        np.testing.assert_array_equal(
            other.fit(X, y).predict_proba(X), classifier.fit(X, y).predict_proba(X)
        )


def line(count=80, outputs=None):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(count, 3)) * [1, 5, 0.2] + [0, 3, -1]
    W = np.array([[2.0, -1, 4]] * (outputs or 1)) * np.arange(1, (outputs or 1) + 1)[:, None]
    y = X @ W.T + 50
    return X, y if outputs else y[:, 0]


REGRESSORS = [
    nn.LinearRegression(max_iter=4000),
    nn.DeepRegressor((16,), learning_rate=0.02, max_iter=800, random_state=0),
]


@pytest.fixture(params=REGRESSORS, ids=lambda c: type(c).__name__)
def regressor(request):
    return type(request.param)(**request.param.get_params())


class TestRegressors:
    @pytest.mark.parametrize("outputs", [None, 1, 3])
    @pytest.mark.one_in(3)
    def test_they_learn(self, regressor, outputs):
        X, y = line(outputs=outputs)
        assert regressor.fit(X, y) is regressor
        assert regressor.score(X, y) > 0.99
        assert regressor.predict(X).shape == y.shape
        assert regressor.n_iter_ == len(regressor.loss_curve_)
        assert regressor.loss_curve_[-1] < 0.05 * regressor.loss_curve_[0]

    @pytest.mark.parametrize("outputs", [None, 3])
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.one_in(3)
    def test_linear_regression_is_the_least_squares_solution(self, outputs, weighted):
        X, y = line(outputs=outputs)
        rng = np.random.default_rng(2)
        X, y = X * [2, 0.4, 4], y + rng.normal(size=y.shape)
        weights = rng.random(80) if weighted else None
        model = nn.LinearRegression(max_iter=3000).fit(X, y, weights)
        roots = np.sqrt(np.ones(80) if weights is None else weights)[:, None]
        rows, right = np.c_[X, np.ones(80)] * roots, y.reshape(80, -1) * roots
        expected = np.linalg.lstsq(rows, right, rcond=None)[0].T
        at_best = X @ expected[:, :-1].T + expected[:, -1]
        np.testing.assert_allclose(model.predict(X).reshape(80, -1), at_best, rtol=1e-4)
        assert model.coef_.shape == ((3,) if outputs is None else (3, 3))
        shown = X @ model.coef_.T + model.intercept_
        np.testing.assert_allclose(shown, model.predict(X), rtol=1e-9)

    @pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_the_learning_rate_that_is_found_never_overshoots(self, scale, weighted):
        X, y = line()
        weights = np.random.default_rng(3).random(80) if weighted else None
        with warnings.catch_warnings():
            # X is not scaled.
            warnings.simplefilter("ignore", nn.TrainingWarning)
            model = nn.LinearRegression(max_iter=100, optimiser="sgd").fit(X * scale, y, weights)
        assert (np.diff(model.loss_curve_) <= 1e-9 * model.loss_curve_[0]).all()

    def test_ridge(self):
        X, y = line()
        X, y = (X - X.mean(axis=0)) / X.std(axis=0), y - y.mean()
        model = nn.LinearRegression(alpha=0.5, max_iter=5000).fit(X, y)
        # 2 / N X^T (X w - y) + alpha w = 0
        expected = np.linalg.solve(2 / 80 * X.T @ X + 0.5 * np.eye(3), 2 / 80 * X.T @ y)
        np.testing.assert_allclose(model.coef_, expected, rtol=1e-9)

    def test_batches_do_not_diverge_by_the_learning_rate_that_is_found(self):
        X, y = line()
        assert nn.LinearRegression(batch_size=8, max_iter=300).fit(X, y).score(X, y) > 0.9

    def test_float32_stays_float32(self, regressor):
        X, y = line()
        regressor.set_params(max_iter=20).fit(X.astype(np.float32), y)
        assert {p.dtype for p in regressor.network_.parameters()} == {np.dtype(np.float32)}
        assert regressor.predict(X.astype(np.float32)).dtype == np.float32

    @pytest.mark.parametrize("outputs", [None, 1, 3])
    def test_checkpoints(self, regressor, outputs, tmp_path):
        X, y = line(outputs=outputs)
        nn.save(regressor.set_params(max_iter=3).fit(X, y), tmp_path / "model.h5")
        fresh = type(regressor)(**regressor.get_params())
        nn.load(tmp_path / "model.h5", fresh)
        np.testing.assert_array_equal(fresh.predict(X), regressor.predict(X))
        fresh.set_params(warm_start=True).fit(X, y)
        assert fresh.n_iter_ == 3

    def test_partial_fit_and_warm_start_go_on(self, regressor):
        X, y = line()
        whole = type(regressor)(**regressor.get_params()).set_params(max_iter=6).fit(X, y)
        parts = type(regressor)(**regressor.get_params())
        for _ in range(6):
            parts.partial_fit(X, y)
        regressor.set_params(max_iter=3, warm_start=True).fit(X, y).fit(X, y)
        for other in (parts, regressor):
            np.testing.assert_array_equal(other.predict(X), whole.predict(X))

    @pytest.mark.parametrize(
        ("y", "message"),
        [
            (np.ones(79), r"y has shape \(79,\), but X has 80 samples"),
            (np.ones((80, 2, 2)), r"y has shape \(80, 2, 2\)"),
            (np.r_[np.nan, np.ones(79)], "Input y contains NaN"),
            (np.array(["a"] * 80), "y must be real numbers"),
            (None, "the target y is None"),
            (np.ones(80, complex), "Complex data not supported: y must be real numbers"),
            (np.r_[np.inf, np.ones(79)], "Input y contains infinity"),
        ],
    )
    def test_targets_that_are_none(self, regressor, y, message):
        with pytest.raises(ValueError, match=message):
            regressor.fit(line()[0], y)

    @pytest.mark.parametrize(("first", "then"), [(None, 1), (1, None), (1, 2), (3, 2)])
    def test_targets_stay_of_their_shape(self, regressor, first, then):
        regressor.set_params(max_iter=1).partial_fit(*line(outputs=first))
        expected = r"\(N,\)" if first is None else rf"\(N, {first}\)"
        with pytest.raises(ValueError, match=f"y must keep the shape {expected}, but it has shape"):
            regressor.partial_fit(*line(outputs=then))

    def test_a_description_that_makes_no_sense(self, regressor):
        for outputs in (0, -1, True, "3", [1]):
            description = {"n_features_in": 3, "dtype": "float64", "outputs": outputs}
            with pytest.raises(ValueError, match="the checkpoint describes .* outputs"):
                regressor.expected_state(description)


@pytest.mark.parametrize("estimator", [*CLASSIFIERS, *REGRESSORS], ids=lambda e: type(e).__name__)
class TestAllAlike:
    def fitted(self, estimator, **options):
        X, y = blobs()
        made = type(estimator)(**{**estimator.get_params(), **options})
        return made.fit(X, y == "right", np.linspace(0, 2, 70)), X, y == "right"

    def test_the_constructor_takes_what_get_params_gives(self, estimator):
        import inspect

        parameters = inspect.signature(type(estimator)).parameters
        assert list(estimator.get_params()) == list(parameters)
        for name in parameters:
            assert re.search(rf"\b{name}\b", type(estimator).__doc__), name

    def test_options_of_others_are_answered(self, estimator):
        with pytest.raises(TypeError, match=r"has no option 'optimizer': here it is optimiser="):
            type(estimator)(optimizer="adam")
        with pytest.raises(TypeError, match="here it is learning_rate="):
            type(estimator)(learning_rate_init=0.1)

    def test_held_out_samples_keep_their_weights(self, estimator):
        model, X, y = self.fitted(
            estimator, early_stopping=True, max_iter=3, validation_fraction=0.3
        )
        other = type(estimator)(**{**model.get_params(), "early_stopping": False})
        # Without their weights, or without weights at all, the curve would be another one.
        plain = type(estimator)(**model.get_params()).fit(X, y)
        assert model.validation_loss_curve_ != plain.validation_loss_curve_
        assert len(model.validation_loss_curve_) == 3
        assert other.fit(X, y).validation_loss_curve_ == []

    @pytest.mark.one_in(2)
    def test_tol_goes_back_to_the_best_weights(self, estimator):
        options = {"tol": 0.0, "n_iter_no_change": 3, "max_iter": 200, "learning_rate": 0.05}
        for size in (None, 16):
            made, X, y = self.fitted(estimator, batch_size=size, **options)
            loss, numbers = made._loss(), y.astype(float)[np.newaxis]
            found = loss(made.network_(X.T).data, numbers, sample_weight=np.linspace(0, 2, 70))
            assert found <= min(made.loss_curve_) * (1 + 1e-9)

    def test_what_is_learnt_is_not_there_before(self, estimator):
        made = type(estimator)()
        for name in ("network_", "coef_", "classes_", "n_iter_", "loss_curve_"):
            assert not hasattr(made, name)
            with pytest.raises(ValueError, match="is not fitted yet; call fit"):
                getattr(made, name)
        with pytest.raises(AttributeError, match="has no attribute 'predictt'; did you mean 'pred"):
            made.predictt  # noqa: B018

    def test_they_show_themselves(self, estimator):
        assert "not fitted" in type(estimator)()._repr_html_()
        model, *_ = self.fitted(estimator, max_iter=2)
        page = model._repr_html_()
        assert "Linear(3, " in page and "after 2 epochs" in page and "max_iter=2" in page


class TestCheckpoints:
    @pytest.mark.parametrize("features", [1, 3])
    def test_round_trip(self, classifier, features, tmp_path):
        X, y = blobs()
        X = X[:, :features]
        classifier.set_params(max_iter=20).fit(X, y)
        nn.save(classifier, tmp_path / "model.h5")
        fresh = type(classifier)(**classifier.get_params())
        assert nn.load(tmp_path / "model.h5", fresh) is fresh
        np.testing.assert_array_equal(fresh.decision_function(X), classifier.decision_function(X))
        assert fresh.predict(X).tolist() == classifier.predict(X).tolist()

    def test_another_architecture_is_refused(self, tmp_path):
        X, y = blobs()
        nn.save(nn.DeepClassifier((4,), max_iter=1).fit(X, y), tmp_path / "model.h5")
        other = nn.DeepClassifier((5,))
        with pytest.raises(nn.FileFormatError, match=r"layers.0.weight.*\(4, 3\).*\(5, 3\)"):
            nn.load(tmp_path / "model.h5", other)
        assert not hasattr(other, "network_")

    def test_a_description_that_makes_no_sense(self):
        for description in (
            {},
            {"n_features_in": -1},
            {"n_features_in": 3, "classes": "ab"},
            {"n_features_in": 3, "classes": [0, 1], "dtype": "object"},
        ):
            with pytest.raises(ValueError, match="the checkpoint describes"):
                nn.LogisticRegression().expected_state(description)

    @pytest.mark.parametrize(
        "classes", ["ab", [], [1], [1, 0], [0, 0], [0, True], [0, "a"], [None, None], [[0], [1]]]
    )
    def test_classes_of_a_description_that_are_none(self, classes):
        description = {"n_features_in": 3, "dtype": "float64", "classes": classes}
        with pytest.raises(
            ValueError, match="describes the classes .*, expected two or more labels"
        ):
            nn.LogisticRegression().expected_state(description)


class TestCats:
    @pytest.fixture
    def cats(self, cat_files):
        return nn.load_data(*cat_files)

    @pytest.mark.slow
    def test_logistic_regression_begins_with_the_published_figures(self, cats):
        train_X, train_Y, *_ = cats
        model = nn.LogisticRegression(learning_rate=0.005, max_iter=501)
        model.fit(train_X.T, train_Y[0])
        assert [round(model.loss_curve_[i], 6) for i in (0, 500)] == [0.693147, 0.303273]

    @pytest.mark.slow
    def test_logistic_regression_gives_the_published_figures(self, cats):
        train_X, train_Y, test_X, test_Y, _ = cats
        model = nn.LogisticRegression(learning_rate=0.005, max_iter=2000)
        model.fit(train_X.T, train_Y[0])
        published = {0: 0.693147, 500: 0.303273, 1000: 0.214820, 1500: 0.166521, 1900: 0.140872}
        assert {i: round(model.loss_curve_[i], 6) for i in published} == published
        assert f"{100 * model.score(train_X.T, train_Y[0]):.6f}" == "99.043062"
        assert model.score(test_X.T, test_Y[0]) == 0.7

    @staticmethod
    def course_net(max_iter):
        """The course's net: normal weights over the root of n_in, derivative 0 of ReLU at 0."""
        course = np.random.RandomState(1)
        return nn.DeepClassifier(
            (20, 7, 5),
            at_zero=0,
            initialisation=lambda shape, rng: course.randn(*shape) / np.sqrt(shape[1]),
            learning_rate=0.0075,
            max_iter=max_iter,
        )

    def test_a_deep_classifier_begins_with_the_published_figures(self, cats):
        train_X, train_Y, *_ = cats
        model = self.course_net(101).fit(train_X.T, train_Y[0])
        assert [round(model.loss_curve_[i], 6) for i in (0, 100)] == [0.771749, 0.672053]

    @pytest.mark.slow
    def test_a_deep_classifier_gives_the_published_figures(self, cats):
        train_X, train_Y, test_X, test_Y, _ = cats
        model = self.course_net(2500).fit(train_X.T, train_Y[0])
        published = {
            0: 0.771749,
            100: 0.672053,
            200: 0.648263,
            500: 0.540138,
            1000: 0.315187,
            1500: 0.161189,
            2000: 0.113821,
            2400: 0.092878,
        }
        assert {i: round(model.loss_curve_[i], 6) for i in published} == published
        assert f"{100 * model.score(train_X.T, train_Y[0]):.6f}" == "98.564593"
        assert model.score(test_X.T, test_Y[0]) == 0.8


class TestBlocks:
    """What is said of Dask arrays, whose values are not looked at before."""

    @pytest.fixture
    def da(self):
        return pytest.importorskip("dask.array")

    @pytest.mark.parametrize(
        ("options", "change", "kind", "message"),
        [
            ({}, lambda X, y: (X.astype(complex), y), TypeError, "X must be real numbers, but it"),
            (
                {"early_stopping": True, "validation_fraction": 0.001},
                lambda X, y: (X, y),
                ValueError,
                "early stopping holds out the share 0.001 of the samples",
            ),
            (
                {},
                lambda X, y: (X, np.where(np.arange(70) == 3, 1, y.astype(object))),
                TypeError,
                "y mixes labels of several types, which cannot be sorted",
            ),
        ],
    )
    def test_what_is_refused(self, da, options, change, kind, message):
        X, y = change(*blobs())
        model = nn.LogisticRegression(learning_rate=0.5, max_iter=2, **options)
        with pytest.raises(kind, match=message):
            model.fit(da.from_array(X, chunks=(30, 3)), da.from_array(y, chunks=30))

    def test_samples_that_give_no_finite_scores(self, da):
        X, y = blobs()
        model = nn.LogisticRegression(learning_rate=0.5, max_iter=2).fit(X, y)
        X[33, 1] = np.nan
        with pytest.raises(
            ValueError, match=r"the scores of sample 33 are not finite: X\[33\] holds"
        ):
            model.predict(da.from_array(X, chunks=(30, 3))).compute()


@pytest.mark.parametrize("name", nn.estimators.ACTIVATIONS)
def test_activations_are_layers_of_the_same_name(name):
    model = nn.DeepRegressor([2, 2], activation=name, max_iter=1).fit(*line())
    kinds = [type(layer).__name__.lower() for layer in model.network_.layers]
    assert kinds == ["linear", name.replace("_", ""), "linear", name.replace("_", ""), "linear"]


class TestNumbers:
    """What estimators compute, by hand: X is 0, 1 and 3, the first of class or value 0."""

    X = np.array([[0.0], [1.0], [3.0]])

    def test_logistic_regression(self):
        """Two steps of learning rate 1: the slopes are the means of (a - y) x and of a - y."""
        model = nn.LogisticRegression(learning_rate=1.0, max_iter=2).fit(self.X, [0, 1, 1])
        w, b = 2 / 3, 1 / 6
        a = 1 / (1 + np.exp(-(w * self.X[:, 0] + b)))
        errors = a - [0, 1, 1]
        assert model.loss_curve_ == pytest.approx(
            [np.log(2), -np.mean(np.log([1 - a[0], a[1], a[2]]))]
        )
        expected = [[w - np.mean(errors * self.X[:, 0])]], [b - np.mean(errors)]
        np.testing.assert_allclose(model.coef_, expected[0])
        np.testing.assert_allclose(model.intercept_, expected[1])
        z = model.coef_[0, 0] * self.X[:, 0] + model.intercept_
        np.testing.assert_allclose(model.decision_function(self.X), z)
        p = 1 / (1 + np.exp(-z))
        np.testing.assert_allclose(model.predict_proba(self.X), np.stack([1 - p, p], axis=1))
        np.testing.assert_allclose(
            model.predict_log_proba(self.X), np.log(np.stack([1 - p, p], axis=1))
        )
        assert model.predict(self.X).tolist() == (z > 0).astype(int).tolist()
        assert model.score(self.X, [0, 0, 1], sample_weight=[1, 2, 5]) == pytest.approx(
            np.average((z > 0) == [0, 0, 1], weights=[1, 2, 5])
        )

    def test_logistic_regression_of_three_classes(self):
        """A step from zero: the errors are 1/3, or -2/3 at the true class."""
        model = nn.LogisticRegression(learning_rate=3.0, max_iter=1).fit(self.X, ["c", "a", "b"])
        assert model.classes_.tolist() == ["a", "b", "c"]
        np.testing.assert_allclose(model.coef_, [[-1 / 3], [5 / 3], [-4 / 3]], atol=1e-15)
        np.testing.assert_allclose(model.intercept_, [0, 0, 0], atol=1e-15)
        logits = self.X @ model.coef_.T
        p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(model.predict_proba(self.X), p)
        np.testing.assert_allclose(model.predict_log_proba(self.X), np.log(p))
        assert model.predict(self.X).tolist() == ["a", "b", "b"]

    def test_balanced_classes(self):
        """Of one sample of class 0 and two of class 1: 3/2 and 3/4, in a mean over 3."""
        options = {"learning_rate": 1.0, "max_iter": 1}
        balanced = nn.LogisticRegression(class_weight="balanced", **options).fit(self.X, [0, 1, 1])
        np.testing.assert_allclose(balanced.coef_, [[0.5 * 0.75 * (1 + 3) / 3]])
        np.testing.assert_allclose(balanced.intercept_, [0], atol=1e-15)
        # With weights of 4, 1 and 1 the classes weigh 4 and 2: they count 6/8 and 6/4.
        balanced.fit(self.X, [0, 1, 1], sample_weight=[4, 1, 1])
        np.testing.assert_allclose(balanced.coef_, [[0.5 * 1.5 * (1 + 3) / 6]])
        weighted = nn.LogisticRegression(class_weight={1: 3}, **options)
        weighted.fit(self.X, [0, 1, 1], sample_weight=[7, 1, 2])
        np.testing.assert_allclose(weighted.coef_, [[0.5 * (3 * 1 + 6 * 3) / 16]])
        np.testing.assert_allclose(weighted.intercept_, [(-7 * 0.5 + 9 * 0.5) / 16])

    @pytest.mark.parametrize(
        ("batch_size", "weights", "rate"),
        [
            # 2 over the largest eigenvalue of the mean of [x, 1]^T [x, 1]: 10/3, 4/3 and 1.
            (None, None, 1 / (13 / 3 + np.sqrt((7 / 3) ** 2 + 4 * (4 / 3) ** 2))),
            (None, [0, 0, 5], 1 / 20),
            (2, None, 1 / 20),
        ],
    )
    def test_the_learning_rate_of_linear_regression(self, batch_size, weights, rate):
        model = nn.LinearRegression(max_iter=1, batch_size=batch_size)
        model.fit(self.X, [0.0, 1, 2], sample_weight=weights)
        assert model._optimiser.learning_rate == pytest.approx(rate, rel=1e-6)

    def test_linear_regression(self):
        """The bias starts as the mean of y, 1; a step of Nesterov's is 1.9 times the gradient."""
        model = nn.LinearRegression(0.1, max_iter=1).fit(self.X, [0.0, 1, 2])
        assert model.loss_curve_ == pytest.approx([2 / 3])
        np.testing.assert_allclose(model.coef_, [0.19 * 2 * (0 + 0 + 3) / 3])
        assert model.intercept_ == pytest.approx(1)
        np.testing.assert_allclose(model.predict(self.X), 1 + 0.38 * self.X[:, 0])
        left = np.square([1, 0.38, 0.14])
        assert model.score(self.X, [0.0, 1, 2]) == pytest.approx(1 - np.sum(left) / 2)

    def test_the_penalty_is_on_the_weights_alone(self):
        model = nn.LinearRegression(0.1, max_iter=2, alpha=0.5, optimiser="sgd")
        model.fit(self.X, [0.0, 1, 2])
        w = 0.1 * 2
        z = w * self.X[:, 0] + 1
        errors = 2 * (z - [0, 1, 2]) / 3
        np.testing.assert_allclose(model.coef_, [w - 0.1 * (errors @ self.X[:, 0] + 0.5 * w)])
        assert model.intercept_ == pytest.approx(1 - 0.1 * np.sum(errors))


OF_ALL = {
    "batch_size": None,
    "alpha": 0.0,
    "tol": None,
    "n_iter_no_change": 10,
    "early_stopping": False,
    "validation_fraction": 0.1,
    "warm_start": False,
    "random_state": None,
    "compile": None,
    "verbose": False,
}
OF_NETS = {"activation": "relu", "at_zero": 1.0, "initialisation": "he", "learning_rate": 0.01}


@pytest.mark.parametrize(
    ("kind", "role", "options"),
    [
        (
            nn.LogisticRegression,
            "classifier",
            {"learning_rate": 0.005, "max_iter": 2000, "optimiser": "sgd", "class_weight": None},
        ),
        (
            nn.LinearRegression,
            "regressor",
            {"learning_rate": None, "max_iter": 2000, "optimiser": "nesterov"},
        ),
        (
            nn.DeepClassifier,
            "classifier",
            OF_NETS
            | {"hidden_layer_sizes": (20, 7, 5), "max_iter": 1000, "optimiser": "sgd"}
            | {"class_weight": None},
        ),
        (
            nn.DeepRegressor,
            "regressor",
            OF_NETS | {"hidden_layer_sizes": (20, 20), "max_iter": 500, "optimiser": "adam"},
        ),
    ],
)
def test_defaults(kind, role, options):
    assert kind().get_params() == OF_ALL | options
    assert kind._estimator_type == role


@pytest.mark.parametrize("class_weight", [None, "balanced", {"left": 3}])
@pytest.mark.parametrize("weighted", [False, True])
def test_blocks_train_as_memory_does(class_weight, weighted):
    """With labels and weights in memory, and in blocks of their own."""
    da = pytest.importorskip("dask.array")
    X, y = blobs()
    weights = np.random.default_rng(0).uniform(1, 2, 70) if weighted else None
    options = {"learning_rate": 0.1, "max_iter": 3, "class_weight": class_weight}
    expected = nn.LogisticRegression(**options).fit(X, y, sample_weight=weights)
    blocks = da.from_array(X, chunks=(30, 2))
    for labels in (y, da.from_array(y, chunks=30), da.from_array(y, chunks=20)):
        model = nn.LogisticRegression(**options).fit(blocks, labels, sample_weight=weights)
        np.testing.assert_allclose(model.loss_curve_, expected.loss_curve_)
        np.testing.assert_allclose(model.coef_, expected.coef_)
        np.testing.assert_array_equal(model.predict(blocks), expected.predict(X))


def test_dask_arrays_keep_float32():
    da = pytest.importorskip("dask.array")
    X, y = blobs()
    for given, expected in (("f4", "f4"), ("f8", "f8"), ("i4", "f8")):
        blocks = da.from_array((10 * X).astype(given), chunks=(30, 3))
        model = nn.LogisticRegression(learning_rate=0.01, max_iter=1)
        model.fit(blocks, da.from_array(y, chunks=30))
        assert model.coef_.dtype == expected
