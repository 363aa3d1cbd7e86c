"""Metrics of Dask arrays are those of NumPy arrays, and come of a few numbers for each block."""

import dask
import dask.array as da
import numpy as np
import pytest

import nn
from nn import metrics

RNG = np.random.default_rng(0)
N = 400
TRUTH = RNG.integers(0, 4, N)
SCORES = RNG.normal(size=(4, N)) + 2 * np.eye(4)[TRUTH].T
BINARY = (TRUTH > 1).astype(int)
NUMBERS = RNG.normal(size=(3, N)) + 5

PREDICTIONS = {
    "logits of four": (SCORES, TRUTH, "logits"),
    "guessed logits": (SCORES, TRUTH, None),
    "probabilities": (np.exp(SCORES) / np.exp(SCORES).sum(axis=0), TRUTH, "probabilities"),
    "columns of classes": (SCORES, np.eye(4)[TRUTH].T, "logits"),
    "logits of two": (SCORES[:1], BINARY, "logits"),
    "a row": (SCORES[0], BINARY[np.newaxis].astype(float), "logits"),
    "signs": (SCORES[:1], 2.0 * BINARY - 1, "scores"),
    "a guessed row": (SCORES[:1], BINARY, None),
    "class numbers": (np.where(RNG.random(N) < 0.7, TRUTH, 3), TRUTH, None),
    "sorted classes": (np.sort(TRUTH), np.sort(TRUTH), None),
}
OF_NUMBERS = {
    "three outputs": (NUMBERS + RNG.normal(size=(3, N)), NUMBERS),
    "one": (NUMBERS[0] + RNG.normal(size=N), NUMBERS[0]),
    "far from 0": (1e6 + NUMBERS[:1], 1e6 + NUMBERS[1:2]),
    "single precision": (NUMBERS.astype(np.float32), NUMBERS[::-1]),
}
CUTS = [(100,) * 4, (1, 2, 397), (0, 200, 0, 200), (400,)]


class Counted:
    """A scheduler that notes how many computations there are, and how many numbers they give."""

    def __init__(self):
        self.graphs = self.numbers = 0

    def __call__(self, graph, keys, **options):
        found = dask.get(graph, keys)
        self.graphs += 1
        self.numbers += count(found)
        return found


def count(value):
    if isinstance(value, list | tuple):
        return sum(map(count, value))
    return np.size(value) if value is not None else 0


@pytest.fixture
def counted():
    scheduler = Counted()
    with dask.config.set(scheduler=scheduler):
        yield scheduler


def cut(array, parts):
    return da.from_array(array, chunks=(*array.shape[:-1], parts))


def weights(kind, parts):
    """None, numbers, or numbers of which the first block has none above 0."""
    if kind is None:
        return None
    found = RNG.random(N)
    if kind == "a block of zeros":
        found[: parts[0]] = 0
    return found


@pytest.mark.parametrize("weighted", [None, "numbers", "a block of zeros"])
@pytest.mark.parametrize("parts", CUTS)
@pytest.mark.parametrize("case", PREDICTIONS)
@pytest.mark.one_in(7)
def test_metrics_of_classes(case, parts, weighted, counted):
    if weighted == "a block of zeros" and len(parts) == 1:
        pytest.skip("all weights would be zero")
    prediction, truth, given = PREDICTIONS[case]
    w = weights(weighted, parts)
    for name, metric in [*metrics.OF_CLASSES.items(), ("confusion", metrics.confusion_matrix)]:
        options = {"given": given, "sample_weight": w}
        try:
            expected = metric(prediction, truth, **options)
        except ValueError as error:
            with pytest.raises(ValueError) as found:
                metric(cut(prediction, parts), cut(truth, parts), **options)
            assert str(found.value) == str(error)
            continue
        lazy = options | {"sample_weight": None if w is None else cut(w, parts)}
        for other in (cut(truth, parts), truth, cut(truth, (150, 250))):
            counted.numbers = counted.graphs = 0
            found = metric(cut(prediction, parts), other, **lazy)
            np.testing.assert_allclose(found, expected, rtol=1e-12)
            guessed = given is None and case == "a guessed row"
            if name != "roc_auc" and not guessed:
                assert counted.graphs == 1 and counted.numbers <= 40 * len(parts)


@pytest.mark.parametrize("weighted", [None, "numbers", "a block of zeros"])
@pytest.mark.parametrize("parts", CUTS)
@pytest.mark.parametrize("case", OF_NUMBERS)
def test_metrics_of_numbers(case, parts, weighted, counted):
    if weighted == "a block of zeros" and len(parts) == 1:
        pytest.skip("all weights would be zero")
    prediction, truth = OF_NUMBERS[case]
    w = weights(weighted, parts)
    for metric in metrics.OF_NUMBERS.values():
        expected = metric(prediction, truth, sample_weight=w)
        counted.numbers = counted.graphs = 0
        found = metric(cut(prediction, parts), cut(truth, parts), sample_weight=w)
        np.testing.assert_allclose(found, expected, rtol=1e-9)
        assert counted.graphs == 1 and counted.numbers <= 40 * len(parts)


def test_what_cannot_be_is_said_of_all_samples():
    x, y = cut(SCORES, 100), cut(TRUTH, 100)
    with pytest.raises(ValueError, match="there are 400 predictions and 399 targets"):
        metrics.accuracy(x, y[:-1], given="logits")
    with pytest.raises(ValueError, match=r"sample_weight has shape \(399,\), expected \(400,\)"):
        metrics.accuracy(x, y, given="logits", sample_weight=np.ones(399))
    for metric in (metrics.accuracy, metrics.f1, metrics.log_loss, metrics.roc_auc):
        with pytest.raises(ValueError, match="every weight is zero"):
            metric(x, y, given="logits", sample_weight=np.zeros(N))
    broken = SCORES.copy()
    broken[1, 250] = np.nan
    assert np.isnan(metrics.accuracy(cut(broken, 100), y, given="logits"))
    assert np.isnan(metrics.f1(cut(broken, 100), y, given="logits"))
    with pytest.raises(ValueError, match="scores that are NaN"):
        metrics.confusion_matrix(cut(broken, 100), y, given="logits")


def test_fit_measures_by_two_passes_and_fetches_numbers(counted):
    """The loss and the metrics of the validation data, whatever their number."""
    X, Y = SCORES, TRUTH

    def trained(*data):
        model = nn.Linear(4, 4, seed=0)
        return nn.fit(
            model,
            *data[:2],
            loss=nn.cross_entropy,
            optimiser="sgd",
            epochs=2,
            batch_size=None,
            validation=data,
            metrics=["accuracy", "f1", "recall", "precision", "log_loss"],
            verbose=False,
            advice=False,
        )

    found = trained(cut(X, 100), cut(Y, 100))
    # One for the update and two for what is measured, in each epoch.
    assert counted.graphs == 2 * 3
    assert counted.numbers < N
    expected = trained(X, Y)
    for name in expected.records[0].keys() - {"seconds"}:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-10)
