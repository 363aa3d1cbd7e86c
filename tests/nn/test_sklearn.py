"""The estimators in scikit-learn's own hands (extra `sklearn`)."""

import io
import subprocess
import sys
import warnings

import numpy as np
import pytest

import nn

pytest.importorskip("sklearn")

from sklearn import datasets, linear_model, neural_network  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.model_selection import (  # noqa: E402
    GridSearchCV,
    RepeatedStratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import StandardScaler  # noqa: E402
from sklearn.utils import get_tags  # noqa: E402
from sklearn.utils.estimator_checks import check_estimator  # noqa: E402

CLASSIFIERS = [
    nn.LogisticRegression(learning_rate=0.1, max_iter=300),
    nn.DeepClassifier((8,), learning_rate=0.1, max_iter=300, random_state=0),
]
ALLOWED_TO_SKIP = {"check_array_api_input"}
"""What is only for estimators that compute with other libraries' arrays."""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "estimator",
    [
        nn.LogisticRegression(),
        nn.DeepClassifier(),
        nn.LinearRegression(),
        nn.DeepRegressor(),
        nn.DeepRegressor((8,), max_iter=300, random_state=0),
        *CLASSIFIERS,
    ],
    ids=repr,
)
def test_every_check_of_scikit_learn_passes(estimator):
    pytest.importorskip("pandas")
    results = check_estimator(estimator, on_skip=None, on_fail=None)
    failed = {r["check_name"]: str(r["exception"]) for r in results if r["status"] != "passed"}
    assert not failed.keys() - ALLOWED_TO_SKIP, failed
    assert len(results) > 50


@pytest.mark.parametrize(
    ("estimator", "role", "takes_several_targets"),
    [(nn.DeepClassifier(), "classifier", False), (nn.DeepRegressor(), "regressor", True)],
)
def test_scikit_learn_knows_what_they_take(estimator, role, takes_several_targets):
    tags = get_tags(estimator)
    assert tags.estimator_type == role
    assert tags.target_tags.required and tags.target_tags.multi_output is takes_several_targets
    assert tags.input_tags.three_d_array, "pictures"


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=repr)
@pytest.mark.one_in(2)
def test_pipelines_searches_and_clones(classifier):
    X, y = datasets.load_iris(return_X_y=True)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), clone(classifier)),
        {f"{type(classifier).__name__.lower()}__learning_rate": [1e-6, 0.3]},
        cv=3,
    )
    search.fit(X, y)
    assert search.best_score_ > 0.9
    assert list(search.best_params_.values()) == [0.3]
    assert clone(search.best_estimator_[-1]).get_params() == search.best_estimator_[-1].get_params()


@pytest.mark.slow
def test_regressors_in_pipelines_and_searches():
    X, y = datasets.load_diabetes(return_X_y=True)
    theirs = linear_model.LinearRegression().fit(X, y)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), nn.LinearRegression()),
        {"linearregression__alpha": [0.0, 100.0]},
        cv=3,
    ).fit(X, y)
    assert list(search.best_params_.values()) == [0.0]
    assert search.score(X, y) == pytest.approx(theirs.score(X, y), abs=0.002)
    deep = make_pipeline(StandardScaler(), nn.DeepRegressor((8,), max_iter=200, random_state=0))
    assert cross_val_score(deep, X, y, cv=3).mean() > 0.3


@pytest.mark.parametrize("classifier", CLASSIFIERS, ids=repr)
def test_joblib(classifier):
    joblib = pytest.importorskip("joblib")
    X, y = datasets.load_iris(return_X_y=True)
    file = io.BytesIO()
    joblib.dump(clone(classifier).fit(X, y), file)
    file.seek(0)
    again = joblib.load(file)
    np.testing.assert_array_equal(again.predict(X), clone(classifier).fit(X, y).predict(X))


def test_data_frames_bring_names_that_are_checked():
    pandas = pytest.importorskip("pandas")
    X, y = datasets.load_iris(return_X_y=True)
    frame = pandas.DataFrame(X, columns=["a", "b", "c", "d"])
    classifier = clone(CLASSIFIERS[0]).fit(frame, y)
    assert classifier.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="unseen at fit time:\n- e\n"):
        classifier.predict(frame.rename(columns={"d": "e"}))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        classifier.predict(X)


def test_without_scikit_learn_they_do_the_same():
    """A process in which scikit-learn cannot be imported gives the same numbers."""
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import numpy as np, nn\n"
        "X = np.random.default_rng(0).normal(size=(40, 3)); y = (X[:, 0] > 0) * 1\n"
        "m = nn.DeepClassifier((4,), max_iter=20, random_state=0).fit(X, y)\n"
        "print(m.predict_proba(X).tobytes().hex())\n"
        "try: nn.DeepClassifier().predict(X)\n"
        "except nn.estimators.NotFittedError as e: print('refused')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = (X[:, 0] > 0) * 1
    model = nn.DeepClassifier((4,), max_iter=20, random_state=0).fit(X, y)
    assert done.stdout.split() == [model.predict_proba(X).tobytes().hex(), "refused"]


DATA = {
    "digits": datasets.load_digits,
    "breast cancer": datasets.load_breast_cancer,
    "wine": datasets.load_wine,
    "iris": datasets.load_iris,
}


def cross_validated(classifier, data):
    X, y = DATA[data](return_X_y=True)
    # In small data one sample is half a point.
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=2 if len(y) < 1000 else 1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cross_val_score(make_pipeline(StandardScaler(), classifier), X, y, cv=folds).mean()


@pytest.mark.slow
@pytest.mark.parametrize("data", DATA)
def test_logistic_regression_is_as_good_as_theirs(data):
    n = 0.8 * len(DATA[data]()["target"])
    # Their C = 1 is a penalty of 1 / N beside the mean.
    ours = nn.LogisticRegression(learning_rate=0.5, max_iter=2000, alpha=1 / n)
    theirs = linear_model.LogisticRegression(max_iter=2000)
    scores = cross_validated(ours, data), cross_validated(theirs, data)
    print(f"{data}: {scores[0]:.4f} and theirs {scores[1]:.4f}")
    assert scores[0] > scores[1] - 0.01


@pytest.mark.slow
@pytest.mark.parametrize("data", DATA)
def test_the_deep_classifier_is_as_good_as_theirs(data):
    ours = nn.DeepClassifier(
        (100,),
        initialisation="xavier_uniform",
        optimiser="adam",
        learning_rate=0.001,
        batch_size=64,
        max_iter=200,
        alpha=1e-4,
        random_state=0,
    )
    theirs = neural_network.MLPClassifier((100,), max_iter=200, batch_size=64, random_state=0)
    scores = cross_validated(ours, data), cross_validated(theirs, data)
    print(f"{data}: {scores[0]:.4f} and theirs {scores[1]:.4f}")
    assert scores[0] > scores[1] - 0.01
