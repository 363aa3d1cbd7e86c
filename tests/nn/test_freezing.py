"""Frozen parameters: part of the model everywhere, trained nowhere."""

import copy
import pickle

import numpy as np
import pytest

import autograd_lite as al
import nn

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(4, 40)), RNG.normal(size=(2, 40))
OPTIMISERS = {
    "sgd": lambda p: nn.SGD(p, 0.1, weight_decay=0.1),
    "momentum": lambda p: nn.SGD(p, 0.1, momentum=0.9, weight_decay=0.1),
    "adam": lambda p: nn.Adam(p, 0.01, weight_decay=0.1),
    "adamw": lambda p: nn.AdamW(p, 0.01),
    "rmsprop": nn.RMSProp,
    "adagrad": nn.Adagrad,
}


class Scaled(nn.Module):
    """A module that holds its tensors in every way that there is."""

    def __init__(self):
        self.scale = al.Tensor(np.ones((4, 1)), requires_grad=True)
        self.shifts = [al.Tensor(np.zeros((4, 1)), requires_grad=True)]
        self.more = {"gain": nn.Parameter(np.ones((1, 1)))}

    def forward(self, X):
        return (X * self.scale + self.shifts[0]) * self.more["gain"]


def build():
    return nn.Sequential(
        Scaled(), nn.Linear(4, 3, seed=0), nn.BatchNorm(3), nn.Linear(3, 2, seed=1)
    )


def fit(model, optimiser=None, **options):
    options = {"epochs": 2, "batch_size": 16, "seed": 0, "verbose": False} | options
    optimiser = optimiser or nn.Adam(model.parameters(), 0.01)
    return nn.fit(model, X, Y, loss=nn.mean_squared_error, optimiser=optimiser, **options)


def names():
    return [path for path, _ in build().named_parameters()]


@pytest.mark.parametrize("frozen", names())
def test_freezing_changes_nothing_but_what_is_trained(frozen, tmp_path):
    plain, model = build(), build()
    tensor = dict(model.named_parameters())[frozen]
    tensor.requires_grad = False
    assert list(model.state_dict()) == list(plain.state_dict())
    assert [p for p, _ in model.named_parameters()] == names()
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert list(other.state_dict()) == list(plain.state_dict())
        assert [t.requires_grad for t in other.parameters()].count(False) == 1
    tensor.data[...] = 7.0
    nn.save(model, tmp_path / "model.h5")
    other = nn.load(tmp_path / "model.h5", build())
    assert (dict(other.named_parameters())[frozen].data == 7).all()
    model.to(lambda array: array.copy())
    assert not dict(model.named_parameters())[frozen].requires_grad
    summary = model.summary((4, 5))
    assert summary.parameters - summary.trainable == tensor.size
    assert summary.buffers == 6
    assert f"{summary.trainable:,} of them trainable, 6 in buffers" in str(summary)


@pytest.mark.parametrize("optimiser", OPTIMISERS.values(), ids=OPTIMISERS)
@pytest.mark.parametrize("compile", [False, True])
def test_what_is_frozen_stays_bit_for_bit(optimiser, compile):
    model = nn.Sequential(nn.Linear(4, 3, seed=0), nn.Tanh(), nn.Linear(3, 2, seed=1))
    model.layers[0].freeze()
    before = model.state_dict()
    fit(model, optimiser(model.parameters()), compile=compile)
    for path, value in model.state_dict().items():
        assert np.array_equal(value, before[path]) == path.startswith("layers.0")


@pytest.mark.parametrize("optimiser", OPTIMISERS.values(), ids=OPTIMISERS)
def test_an_old_gradient_of_what_is_frozen_is_not_used(optimiser):
    w = nn.Parameter(np.ones(3))
    other = nn.Parameter(np.ones(3))
    rule = optimiser([w, other])
    (w * other).sum().backward()
    w.requires_grad = False
    rule.step()
    assert (w.data == 1).all() and not (other.data == 1).any()


@pytest.mark.parametrize("optimiser", OPTIMISERS.values(), ids=OPTIMISERS)
def test_what_is_unfrozen_later_starts_as_the_others_did(optimiser):
    w, late = nn.Parameter(np.ones(3)), nn.Parameter(np.ones(3))
    rule = optimiser([w, late])
    late.requires_grad = False
    for step in range(20):
        late.requires_grad = step >= 10
        (w + late).sum().backward()
        rule.step()
        rule.zero_grad()
    alone = nn.Parameter(np.ones(3))
    rule = optimiser([alone])
    for _ in range(10):
        alone.sum().backward()
        rule.step()
        rule.zero_grad()
    np.testing.assert_allclose(late.data, alone.data, rtol=1e-12)


@pytest.mark.parametrize("optimiser", OPTIMISERS.values(), ids=OPTIMISERS)
@pytest.mark.one_in(2)
def test_freezing_and_unfreezing_in_the_middle_is_the_same_compiled(optimiser):
    def trained(compile):
        model = nn.Sequential(nn.Linear(4, 3, seed=0), nn.Tanh(), nn.Linear(3, 2, seed=1))
        model.layers[0].freeze()

        def change(training):
            if training.epoch == 2:
                model.layers[0].unfreeze()
                model.layers[2].bias.requires_grad = False
            elif training.epoch == 4:
                # What is frozen may be changed by hand.
                model.layers[2].bias.data[...] += 1

        rule = optimiser(model.parameters())
        history = fit(model, rule, compile=compile, epochs=6, callbacks=[change])
        return history["loss"], model.state_dict(), rule.state_dict()

    ours, theirs = trained(True), trained(False)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-10)
    for a, b in zip(ours[1:], theirs[1:], strict=True):
        assert a.keys() == b.keys()
        for name in b:
            np.testing.assert_allclose(a[name], b[name], rtol=1e-9, atol=1e-12)


def test_a_resumed_training_has_the_same_parameters_frozen(tmp_path):
    def train(epochs, path):
        model = build()

        def change(training):
            if training.epoch == 1:
                model.layers[1].freeze()

        fit(model, epochs=epochs, checkpoint=path, resume=True, callbacks=[change], patience=9)
        return model.state_dict()

    whole = train(4, tmp_path / "whole.h5")
    train(2, tmp_path / "half.h5")
    for path, value in train(4, tmp_path / "half.h5").items():
        np.testing.assert_array_equal(value, whole[path])


def test_freeze_and_unfreeze_are_of_all_that_is_inside():
    model = build()
    assert not any(p.requires_grad for p in model.freeze().parameters())
    assert model(X).requires_grad is False
    assert all(p.requires_grad for p in model.unfreeze().parameters())


def test_lbfgs_changes_only_what_is_trained():
    pytest.importorskip("scipy")
    model = nn.Sequential(nn.Linear(4, 3, seed=0), nn.Linear(3, 2, seed=1))
    model.layers[0].freeze()
    before = model.state_dict()
    nn.LBFGS(model.parameters()).step(lambda: nn.mean_squared_error(model(X), Y))
    for path, value in model.state_dict().items():
        assert np.array_equal(value, before[path]) == path.startswith("layers.0")


def test_pictures_of_gradients_leave_out_what_is_frozen():
    pytest.importorskip("matplotlib")
    model = nn.Sequential(nn.Linear(4, 3, seed=0), nn.Linear(3, 2, seed=1))
    model.layers[0].freeze()
    nn.mean_squared_error(model(X), Y).backward()
    figure = nn.plots.gradient_flow(model)
    assert [t.get_text() for t in figure.axes[0].get_xticklabels()] == ["W2 of Linear(3, 2)"]


def test_a_model_that_is_frozen_as_a_whole_is_not_trained():
    with pytest.raises(ValueError, match="every parameter .* is frozen.*unfreeze"):
        fit(build().freeze())
