"""Metrics, by hand and beside scikit-learn's."""

import numpy as np
import pytest

from nn import metrics

rng = np.random.default_rng(0)


def test_by_hand():
    scores, targets = np.array([[1.0, -1, 2, -3, 4]]), np.array([1, 1, 1, 0, 0])
    assert metrics.accuracy(scores, targets) == 0.6
    assert metrics.confusion_matrix(scores, targets).tolist() == [[1, 1], [1, 2]]
    assert metrics.precision(scores, targets) == pytest.approx(2 / 3)
    assert metrics.recall(scores, targets) == pytest.approx(2 / 3)
    assert metrics.roc_auc(scores, targets) == pytest.approx(3 / 6)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("classes", [2, 4])
def test_they_agree_with_scikit_learn(seed, classes):
    sk = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(seed)
    scores, targets = random.normal(size=(classes, 40)).round(1), random.integers(0, classes, 40)
    predicted = scores.argmax(axis=0)
    options = {"average": "binary" if classes == 2 else "macro", "zero_division": 0}
    assert metrics.accuracy(scores, targets) == sk.accuracy_score(targets, predicted)
    np.testing.assert_array_equal(
        metrics.confusion_matrix(scores, targets), sk.confusion_matrix(targets, predicted)
    )
    for ours, theirs in (
        (metrics.precision, sk.precision_score),
        (metrics.recall, sk.recall_score),
        (metrics.f1, sk.f1_score),
    ):
        assert ours(scores, targets) == pytest.approx(theirs(targets, predicted, **options))
    if classes == 2:
        expected = sk.roc_auc_score(targets, scores[1] - scores[0])
        assert metrics.roc_auc(scores, targets) == pytest.approx(expected)


def test_targets_may_be_one_hot():
    scores, targets = rng.normal(size=(3, 9)), rng.integers(0, 3, 9)
    one_hot = np.eye(3)[:, targets]
    assert metrics.accuracy(scores, one_hot) == metrics.accuracy(scores, targets)


def test_what_cannot_be_measured():
    with pytest.raises(ValueError, match="there are 3 predictions and 2 targets"):
        metrics.accuracy(np.ones((1, 3)), np.ones((1, 2)))
    with pytest.raises(ValueError, match="no samples"):
        metrics.f1(np.ones((1, 0)), np.ones((1, 0)))
    with pytest.raises(ValueError, match="is of two classes"):
        metrics.roc_auc(np.ones((3, 2)), [0, 1])
    assert np.isnan(metrics.roc_auc(np.ones((1, 2)), [1, 1]))
