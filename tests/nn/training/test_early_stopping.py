"""Patience and the best weights of nn.fit: what history shows is what the model goes back to."""

import warnings

import numpy as np
import pytest

import nn

LOSSES = {
    "plain": nn.binary_cross_entropy_with_logits,
    "squares": nn.mean_squared_error,
}


def data(seed, count=100):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(2, count))
    return X, (X[:1] > 0) * 1.0, rng


def net(rng, *layers):
    model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), *layers, nn.Linear(8, 1))
    for parameter in model.parameters():
        parameter.data[...] = rng.normal(size=parameter.shape) * 0.5
    return model


def fit(model, X, Y, rate, loss=nn.binary_cross_entropy_with_logits, **options):
    options = {"epochs": 30, "patience": 8, "seed": 0, "verbose": False, "advice": False} | options
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return nn.fit(model, X, Y, loss=loss, optimiser=nn.SGD(model.parameters(), rate), **options)


def assert_best(rate, size, weighted, compile):
    for seed in range(3):
        X, Y, rng = data(seed)
        model = net(rng)
        weights = rng.random(100) if weighted else None
        options = {"batch_size": size, "sample_weight": weights, "compile": compile}
        history = fit(model, X, Y, rate, **options)
        loss = nn.binary_cross_entropy_with_logits(model(X), Y, sample_weight=weights)
        best = min(history["loss"])
        assert loss.item() <= best * (1 + 1e-9)
        assert history["loss"][history.best_epoch - 1] == best


@pytest.mark.parametrize("compile", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [7, 25, 50])
@pytest.mark.parametrize("rate", [1.0, 8.0, 30.0])
@pytest.mark.one_in(13)
def test_the_weights_have_the_best_loss_of_the_history(rate, size, weighted, compile):
    assert_best(rate, size, weighted, compile)


@pytest.mark.parametrize("compile", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("size", [100, None])
@pytest.mark.parametrize("rate", [1.0, 8.0, 30.0])
@pytest.mark.one_in(5)
def test_so_they_have_where_a_batch_has_all_samples(rate, size, weighted, compile):
    """Then the loss of an update is that of the weights before it, and nothing is measured."""
    assert_best(rate, size, weighted, compile)


@pytest.mark.parametrize("layer", [nn.Dropout(0.4, seed=0), nn.BatchNorm(8)], ids=repr)
@pytest.mark.parametrize("size", [25, None])
def test_of_models_that_differ_in_training_it_is_the_loss_in_use(layer, size):
    X, Y, rng = data(1)
    model = net(rng, layer)
    history = fit(model, X, Y, 5.0, batch_size=size)
    loss = nn.binary_cross_entropy_with_logits(model(X), Y).item()
    assert loss == pytest.approx(min(history["loss"]), rel=1e-12)


@pytest.mark.parametrize("compile", [False, True])
@pytest.mark.parametrize("size", [25, None])
def test_with_validation_data_it_is_the_loss_of_these(size, compile):
    X, Y, rng = data(2)
    held_out = (*data(3, 40)[:2], rng.random(40))
    model = net(rng)
    history = fit(model, X, Y, 20.0, batch_size=size, validation=held_out, compile=compile)
    loss = nn.binary_cross_entropy_with_logits(
        model(held_out[0]), held_out[1], sample_weight=held_out[2]
    )
    assert loss.item() == min(history["validation_loss"])
    assert history.best_epoch == int(np.argmin(history["validation_loss"])) + 1


def test_a_training_that_falls_to_the_end_keeps_its_last_update():
    X, Y, rng = data(0)
    plain, patient = net(rng), net(np.random.default_rng(5))
    patient.load_state_dict(plain.state_dict())
    for epochs in (1, 20):
        fit(plain, X, Y, 0.1, batch_size=None, epochs=epochs, patience=None)
        fit(patient, X, Y, 0.1, batch_size=None, epochs=epochs)
        for a, b in zip(plain.parameters(), patient.parameters(), strict=True):
            np.testing.assert_array_equal(a.data, b.data)


class Falling(nn.Module):
    """A model whose validation losses, epoch by epoch, are those that it is given."""

    def __init__(self, losses):
        self.weight = nn.Parameter(np.zeros((1, 1)))
        self.losses = iter(losses)

    def forward(self, X):
        if self.training:
            return self.weight * X
        return self.weight * 0 + np.sqrt(next(self.losses))


def stopped(losses, patience, tolerance=0.0):
    X = np.ones((1, 1))
    model = Falling(losses)
    history = nn.fit(
        model,
        X,
        0 * X,
        loss=nn.mean_squared_error,
        optimiser=nn.SGD(model.parameters(), 0.1),
        epochs=len(losses),
        validation=(X, 0 * X),
        patience=patience,
        tolerance=tolerance,
        verbose=False,
        advice=False,
    )
    return len(history), history.best_epoch


@pytest.mark.parametrize("patience", [1, 2, 3, 5])
def test_patience_is_the_epochs_without_a_fall(patience):
    falls, rest = [5.0, 4.0, 3.0], [3.0] * 9
    assert stopped(falls + rest, patience) == (3 + patience, 3)
    assert stopped([5.0, *[6.0] * (patience - 1), 4.0, *[6.0] * 9], patience)[0] == 1 + 2 * patience


@pytest.mark.parametrize(
    ("losses", "tolerance", "expected"),
    [
        # Steps that are too small are none, but together they are enough.
        ([5.0, 4.6, 4.2, 3.8, 3.8, 3.8, 3.8], 1.0, (7, 4)),
        ([5.0, 4.9, 4.8, 4.7, 4.6, 4.5], 1.0, (4, 4)),
        # What is no number is not the best, wherever it stands.
        ([np.nan, 5.0, np.nan, np.nan, np.nan, 1.0], 0.0, (5, 2)),
        ([np.nan, np.nan, np.nan, np.nan], 0.0, (3, None)),
        # The best weights are those of the least loss, however little less.
        ([5.0, 4.9, 4.95, 4.97, 4.0], 1.0, (4, 2)),
    ],
)
def test_a_fall_is_one_by_more_than_the_tolerance(losses, tolerance, expected):
    assert stopped(losses, 3, tolerance) == expected


@pytest.mark.parametrize("size", [16, None])
def test_it_resumes_bit_for_bit(size, tmp_path):
    def train(epochs, path):
        X, Y, rng = data(4)
        model = net(rng)
        options = {"batch_size": size, "checkpoint": path, "resume": True, "epochs": epochs}
        history = fit(model, X, Y, 25.0, **options)
        return history["loss"], history.best_epoch, list(model.state_dict().values())

    losses, best, weights = train(20, tmp_path / "whole.h5")
    for epochs in (3, 4, 9, 20):
        found = train(epochs, tmp_path / "parts.h5")
    assert found[:2] == (losses, best)
    for a, b in zip(found[2], weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"patience": 0}, "patience must be at least 1 epoch, or None, not 0"),
        ({"patience": 1.5}, "patience must be at least 1 epoch"),
        ({"tolerance": -1.0}, "tolerance must be from 0 on"),
    ],
)
def test_what_is_no_patience(options, message):
    X, Y, rng = data(0)
    with pytest.raises(ValueError, match=message):
        fit(net(rng), X, Y, 1.0, **options)
