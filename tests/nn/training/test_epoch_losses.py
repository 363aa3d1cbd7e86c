"""What an epoch's loss is the mean of: batches by what their samples count."""

import functools

import numpy as np
import pytest

import nn
from nn.losses import weight_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 50))
ROW = (X.sum(axis=0, keepdims=True) > 0) * 1.0
LABELS = RNG.integers(0, 3, 50)
WEIGHTS = np.where(ROW[0] > 0, 10.0, 0.1) * RNG.random(50)

LOSSES = {
    "binary": (nn.binary_cross_entropy_with_logits, ROW),
    "binary, class weights": (
        functools.partial(nn.binary_cross_entropy_with_logits, class_weight=(0.2, 7.0)),
        ROW,
    ),
    "classes": (nn.cross_entropy, LABELS),
    "classes, class weights": (
        functools.partial(nn.cross_entropy, class_weight=[0.1, 1.0, 9.0]),
        LABELS,
    ),
    "classes, columns, class weights": (
        functools.partial(nn.cross_entropy, class_weight=[0.1, 1.0, 9.0]),
        np.eye(3)[:, LABELS],
    ),
    "squares": (nn.mean_squared_error, ROW),
    "distances": (nn.mean_absolute_error, ROW),
    "huber": (nn.huber, ROW),
    "hinge": (nn.hinge, 2 * ROW - 1),
    "probabilities": (nn.binary_cross_entropy, ROW),
}


def standing(loss, Y, **options):
    """The history of a training whose steps are too small to change anything, and its model."""
    out = 3 if Y is LABELS or len(Y) == 3 else 1
    last = [nn.Sigmoid()] if loss is nn.binary_cross_entropy else []
    model = nn.Sequential(nn.Linear(3, out, seed=1), *last)
    options = {"batch_size": 7, "epochs": 1, "verbose": False, "seed": 0} | options
    rule = nn.SGD(model.parameters(), 1e-30)
    return nn.fit(model, X, Y, loss=loss, optimiser=rule, **options), model


@pytest.mark.parametrize("compile", [False, True])
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize(("loss", "Y"), LOSSES.values(), ids=LOSSES)
@pytest.mark.one_in(3)
def test_it_is_the_loss_of_all_samples(loss, Y, weights, compile):
    options = {} if weights is None else {"sample_weight": weights}
    history, model = standing(loss, Y, compile=compile, validation=(X, Y, weights), **options)
    expected = loss(model(X), Y, **options).item()
    assert history["loss"][0] == pytest.approx(expected, rel=1e-12)
    assert history["validation_loss"][0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("loss", "Y"), LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
def test_the_weight_of_batches_puts_their_losses_together(loss, Y, weights):
    Z = RNG.random((len(np.atleast_2d(Y)) if Y is not LABELS else 3, 50))
    cuts = [slice(0, 9), slice(9, 10), slice(10, 50)]

    def at(part):
        given = {} if weights is None else {"sample_weight": weights[part]}
        return loss(Z[:, part], Y[..., part], **given)

    counts = [weight_of(loss, Y[..., p], None if weights is None else weights[p]) for p in cuts]
    together = np.average([at(p) for p in cuts], weights=counts)
    assert together == pytest.approx(at(slice(None)), rel=1e-12)


def test_a_share_for_validation_keeps_its_weights():
    history, model = standing(*LOSSES["binary"], sample_weight=WEIGHTS, validation=0.3)
    expected = nn.binary_cross_entropy_with_logits(
        model(X[:, 35:]), ROW[:, 35:], sample_weight=WEIGHTS[35:]
    )
    assert history["validation_loss"][0] == pytest.approx(expected.item(), rel=1e-12)


@pytest.mark.parametrize("compile", [False, True])
def test_a_batch_without_weight_is_passed_over(compile):
    weights = np.r_[np.zeros(14), np.ones(36)]

    def train(*data, **options):
        model = nn.Sequential(nn.Linear(3, 1, seed=1))
        rule = nn.SGD(model.parameters(), 0.1, momentum=0.9)
        options |= {"batch_size": 7, "epochs": 2, "verbose": False, "shuffle": False}
        loss = nn.binary_cross_entropy_with_logits
        history = nn.fit(model, *data, loss=loss, optimiser=rule, compile=compile, **options)
        return history["loss"], model.state_dict()["layers.0.weight"]

    found = train(X, ROW, sample_weight=weights)
    expected = train(X[:, 14:], ROW[:, 14:])
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-12)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"sample_weight": np.zeros(50)},
        {"validation": (X, ROW, np.zeros(50))},
        {"sample_weight": np.r_[np.ones(40), np.zeros(10)], "validation": 0.2},
        {"sample_weight": np.r_[np.zeros(40), np.ones(10)], "validation": 0.2},
    ],
)
def test_weights_that_are_all_zero_are_refused_before_training(options):
    with pytest.raises(ValueError, match="every weight is zero"):
        standing(*LOSSES["binary"], **options)


def test_the_last_batch_can_be_left_out():
    seen = []

    class Spy(nn.Module):
        def forward(self, X):
            if self.training:
                seen.append(X.shape[-1])
            return X

    model = nn.Sequential(nn.Linear(3, 1, seed=0), Spy())
    options = {"loss": nn.mean_squared_error, "verbose": False, "batch_size": 16, "epochs": 2}
    nn.fit(model, X, ROW, optimiser="sgd", drop_last=True, **options)
    assert seen == [16] * 6
    seen.clear()
    nn.fit(model, X[:, :48], ROW[:, :48], optimiser="sgd", drop_last=True, **options)
    assert seen == [16] * 6
    seen.clear()
    nn.fit(model, X, ROW, optimiser="sgd", **options)
    assert seen == [16, 16, 16, 2] * 2
    with pytest.raises(ValueError, match="drop_last=True leaves no batch: 9 samples are fewer"):
        nn.fit(model, X[:, :9], ROW[:, :9], optimiser="sgd", drop_last=True, **options)


def test_a_last_batch_of_one_names_the_ways_out():
    def train(count=33, **options):
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm(4), nn.Linear(4, 1))
        options = {"verbose": False, "batch_size": 32, "epochs": 1} | options
        loss = nn.mean_squared_error
        nn.fit(model, X[:, :count], ROW[:, :count], loss=loss, optimiser="adam", **options)

    with pytest.raises(ValueError, match="last batch of 33 samples with batch_size=32 has 1; leav"):
        train()
    with pytest.raises(ValueError, match="larger batch_size, or more samples"):
        train(batch_size=1)
    with pytest.raises(ValueError, match="or more samples"):
        train(1)
    train(drop_last=True)
    train(batch_size=31)


def test_what_only_the_loss_has_is_trained_by_its_own_gradients():
    scale = nn.Parameter(np.ones((1, 1)))
    model = nn.Sequential(nn.Linear(3, 1, seed=0))
    rule = nn.SGD([*model.parameters(), scale], 0.1)
    loss = lambda Z, Y: nn.mean_squared_error(Z * scale, Y)  # noqa: E731
    nn.fit(model, X, ROW, loss=loss, optimiser=rule, epochs=3, batch_size=None, verbose=False)
    net, own = nn.Sequential(nn.Linear(3, 1, seed=0)), nn.Parameter(np.ones((1, 1)))
    other = nn.SGD([*net.parameters(), own], 0.1)
    for _ in range(3):
        nn.mean_squared_error(net(X) * own, ROW).backward()
        other.step()
        other.zero_grad()
    np.testing.assert_array_equal(scale.data, own.data)
