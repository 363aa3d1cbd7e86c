"""Estimators on Dask arrays and data frames: what they give is lazy, and as on NumPy arrays."""

import dask
import dask.array as da
import numpy as np
import pytest

import nn
from nn.estimators import models

RNG = np.random.default_rng(0)
N = 360
X = RNG.normal(size=(N, 5))
CLASSES = np.digitize(X[:, 0] + 0.3 * RNG.normal(size=N), [-0.5, 0.5])
LABELS = {
    "two": (CLASSES > 0).astype(int),
    "three": CLASSES,
    "signs": np.where(CLASSES > 0, 1.0, -1.0),
    "words": np.array(["no", "maybe", "yes"])[CLASSES],
    "truths": CLASSES > 0,
}
NUMBERS = {"one": X @ np.arange(5.0) + 3, "two": np.stack([X[:, 0] - 2, X[:, 1] * 3], axis=1)}
CUTS = [(90,) * 4, (1, 300, 59), (0, 200, 0, 160, 0), (360,)]


class Counted:
    """A scheduler that notes how many numbers its computations give."""

    def __init__(self):
        self.graphs = self.numbers = 0

    def __call__(self, graph, keys, **options):
        found = dask.get(graph, keys)
        self.graphs += 1
        self.numbers += count(found)
        return found


def count(value):
    return sum(map(count, value)) if isinstance(value, list | tuple) else np.size(value)


@pytest.fixture
def counted():
    scheduler = Counted()
    with dask.config.set(scheduler=scheduler):
        yield scheduler


def cut(array, parts):
    return da.from_array(array, chunks=(parts, *array.shape[1:]))


@pytest.mark.parametrize("parts", CUTS)
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("estimator", [nn.LogisticRegression, nn.DeepClassifier])
@pytest.mark.one_in(5)
def test_predictions_are_computed_where_they_are_read(estimator, kind, parts, counted):
    y = LABELS[kind]
    model = estimator(max_iter=3, random_state=0).fit(X, y)
    x = cut(X, parts)
    for name in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        counted.graphs = 0
        found, expected = getattr(model, name)(x), getattr(model, name)(X)
        assert isinstance(found, da.Array) and counted.graphs == 0
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        if found.dtype.kind == "f":
            np.testing.assert_allclose(found.compute(), expected, rtol=1e-12)
        else:
            np.testing.assert_array_equal(found.compute(), expected)
        np.testing.assert_array_equal(found[5:9].compute(), found.compute()[5:9])


@pytest.mark.parametrize("parts", CUTS)
@pytest.mark.parametrize("kind", NUMBERS)
def test_predicted_numbers_are_computed_where_they_are_read(kind, parts, counted):
    model = nn.LinearRegression(max_iter=5).fit(X, NUMBERS[kind])
    found = model.predict(cut(X, parts))
    assert isinstance(found, da.Array) and counted.graphs == 0
    np.testing.assert_allclose(found.compute(), model.predict(X), rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("parts", CUTS)
@pytest.mark.parametrize("kind", [*LABELS, *NUMBERS])
@pytest.mark.one_in(5)
def test_scores_are_fetched_as_numbers(kind, parts, weighted, counted):
    is_class = kind in LABELS
    y = LABELS[kind] if is_class else NUMBERS[kind]
    made = nn.LogisticRegression(0.1, 20) if is_class else nn.LinearRegression(max_iter=20)
    model, w = made.fit(X, y), RNG.random(N) if weighted else None
    expected = model.score(X, y, w)
    for target in (y, cut(y, parts), cut(y, (100, 260))):
        for weights in {None: (None,)}.get(w, ()) if w is None else (w, cut(w, parts)):
            counted.numbers = 0
            found = model.score(cut(X, parts), target, weights)
            assert type(found) is float and found == pytest.approx(expected, rel=1e-10)
            assert counted.numbers <= 12 * len(parts)


def test_targets_of_another_length_are_refused():
    model = nn.LogisticRegression(max_iter=2).fit(X, LABELS["two"])
    with pytest.raises(ValueError, match=r"y has shape \(359,\), but X has 360 samples"):
        model.score(cut(X, (90,) * 4), LABELS["two"][:-1])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("parts", CUTS)
@pytest.mark.parametrize("kind", ["two", "three", "words", "one"])
@pytest.mark.one_in(5)
def test_early_stopping_holds_out_what_it_does_of_arrays(kind, parts, weighted):
    is_class = kind in LABELS
    y = LABELS[kind] if is_class else NUMBERS[kind]
    options = {"early_stopping": True, "n_iter_no_change": 3, "max_iter": 12, "random_state": 0}
    if is_class and kind != "two":
        options["class_weight"] = "balanced"
    made = nn.LogisticRegression if is_class else nn.LinearRegression
    w = RNG.random(N) if weighted else None
    expected = made(learning_rate=0.2, **options).fit(X, y, w)
    lazy = cut(X, parts), cut(y, parts), None if w is None else cut(w, parts)
    with dask.config.set(scheduler="synchronous"):
        found = made(learning_rate=0.2, **options).fit(*lazy)
    for name in ("loss_curve_", "validation_loss_curve_"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-10)
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-9)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("parts", CUTS)
@pytest.mark.parametrize("kind", ["two", "three", "words"])
@pytest.mark.one_in(5)
def test_batches_with_class_weights(kind, parts, early_stopping):
    options = {"batch_size": 32, "class_weight": "balanced", "early_stopping": early_stopping}
    model = nn.LogisticRegression(0.2, 15, random_state=0, **options)
    y = LABELS[kind]
    with dask.config.set(scheduler="synchronous"):
        model.fit(cut(X, parts), cut(y, parts))
    expected = nn.LogisticRegression(0.2, 15, random_state=0, **options).fit(X, y)
    # In another order.
    np.testing.assert_allclose(model.loss_curve_[-1], expected.loss_curve_[-1], rtol=0.05)
    assert model.score(X, y) > expected.score(X, y) - 0.05


@pytest.mark.parametrize(("most", "passes"), [(2048, 1), (2, 30)])
@pytest.mark.parametrize("weighted", [False, True])
def test_regression_finds_its_rate_by_few_passes(weighted, most, passes, counted, monkeypatch):
    monkeypatch.setattr(models, "_MOST_FEATURES", most)
    w = RNG.random(N) if weighted else None
    found = models._curvature(cut(X, (90,) * 4).T, w, None)
    assert counted.graphs == passes
    assert counted.numbers < N * passes
    assert found == pytest.approx(models._curvature(X.T, w, None), rel=1e-10)


def test_regression_by_batches_finds_its_rate_by_numbers(counted):
    found = models._curvature(cut(X, (90,) * 4).T, None, 32)
    assert found == pytest.approx(models._curvature(X.T, None, 32), rel=1e-12)
    assert counted.graphs == 1 and counted.numbers < 10


@pytest.mark.parametrize("given", ["NumPy", "Dask"])
@pytest.mark.parametrize(
    ("dtype", "expected"), [("f2", "f4"), ("f4", "f4"), ("f8", "f8"), ("i4", "f8"), ("u1", "f8")]
)
def test_half_precision_trains_in_single(dtype, expected, given):
    x = (X * 10).astype(np.int8).astype(dtype) if dtype != "u1" else (X > 0).astype(dtype)
    data = x if given == "NumPy" else cut(x, (90,) * 4)
    for kind, y in ((nn.LogisticRegression, LABELS["two"]), (nn.LinearRegression, NUMBERS["one"])):
        model = kind(max_iter=2).fit(data, y)
        assert {p.dtype for p in model.network_.parameters()} == {np.dtype(expected)}
        assert model.predict(data).shape == (N,)


class TestDataFrames:
    """dask.dataframe, whose partitions have lengths that nobody knows before."""

    @pytest.fixture
    def frame(self):
        pd = pytest.importorskip("pandas")
        dd = pytest.importorskip("dask.dataframe")
        table = pd.DataFrame(X, columns=list("abcde"))
        table["label"], table["number"] = LABELS["three"], NUMBERS["one"]
        table["weight"] = np.linspace(0, 1, N)
        return dd.from_pandas(table, npartitions=5)

    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("target", ["label", "number"])
    def test_they_are_fitted_and_scored_as_arrays(self, frame, target, weighted):
        made = nn.LogisticRegression if target == "label" else nn.LinearRegression
        y = LABELS["three"] if target == "label" else NUMBERS["one"]
        w = np.linspace(0, 1, N) if weighted else None
        expected = made(0.1, 5).fit(X, y, w)
        data = frame[list("abcde")], frame[target], frame["weight"] if weighted else None
        found = made(0.1, 5).fit(*data)
        np.testing.assert_allclose(found.loss_curve_, expected.loss_curve_, rtol=1e-10)
        assert found.feature_names_in_.tolist() == list("abcde")
        assert found.score(*data) == pytest.approx(expected.score(X, y, w))
        predicted = found.predict(data[0])
        assert isinstance(predicted, da.Array)
        np.testing.assert_allclose(predicted.compute(), expected.predict(X), rtol=1e-8)

    def test_batches_of_a_filtered_one(self, frame):
        some = frame[frame["a"] > 0]
        model = nn.LogisticRegression(0.1, 5, batch_size=16, early_stopping=True, random_state=0)
        model.fit(some[list("abcde")], some["label"])
        assert model.score(some[list("abcde")], some["label"]) > 0.6

    def test_other_columns_are_refused(self, frame):
        model = nn.LogisticRegression(0.1, 2).fit(frame[list("abcde")], frame["label"])
        with pytest.raises(ValueError, match="The feature names should match"):
            model.predict(frame[list("abced")])

    @pytest.mark.filterwarnings("ignore:The inplace keyword")
    def test_parquet(self, frame, tmp_path):
        pytest.importorskip("pyarrow")
        import dask.dataframe as dd

        frame.to_parquet(tmp_path / "table")
        again = dd.read_parquet(tmp_path / "table")
        model = nn.LogisticRegression(0.1, 5).fit(again[list("abcde")], again["label"])
        expected = nn.LogisticRegression(0.1, 5).fit(X, LABELS["three"])
        np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-9)


def test_zarr(tmp_path):
    """Arrays of Zarr through Dask: rows are read, and what is learnt is what NumPy arrays give."""
    pytest.importorskip("zarr")
    for name, array in (("x", X), ("y", LABELS["two"])):
        da.to_zarr(cut(array, (90,) * 4), str(tmp_path / name))
    x, y = (da.from_zarr(str(tmp_path / name)) for name in "xy")
    found = nn.LogisticRegression(0.1, 5).fit(x, y)
    expected = nn.LogisticRegression(0.1, 5).fit(X, LABELS["two"])
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-9)
    model = nn.LogisticRegression(0.1, 5, batch_size=32, random_state=0).fit(x, y)
    assert model.score(x, y) > 0.85
