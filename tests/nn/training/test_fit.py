"""nn.fit: what it computes, what it says, and that it can be stopped at any moment."""

import inspect
import os
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest

import autograd_lite as al
import nn
from nn import checkpoint
from nn.training import ArrayData

rng = np.random.default_rng(0)
X = rng.normal(size=(4, 90))
Y = (X[:1] * X[1:2] > 0).astype(float)
LABELS = rng.integers(0, 3, 90)


def net(seed=0, out=1, **options):
    return nn.Sequential(
        nn.Linear(4, 8, seed=seed, **options),
        nn.Tanh(),
        nn.Linear(8, out, seed=seed + 1, **options),
    )


def fit(model, *arguments, **options):
    options = {
        "loss": nn.binary_cross_entropy_with_logits,
        "optimiser": options.pop("optimiser", None) or nn.SGD(model.parameters(), 0.1),
        "epochs": 3,
        "seed": 0,
        "verbose": False,
        **options,
    }
    return nn.fit(model, *(arguments or (X, Y)), **options)


def weights(model):
    return np.concatenate([p.data.ravel() for p in model.parameters()])


def test_it_does_what_a_loop_by_hand_does():
    ours, theirs = net(), net()
    history = fit(ours, batch_size=40, epochs=2)
    optimiser = nn.SGD(theirs.parameters(), 0.1)
    losses = []
    for epoch in range(2):
        order = np.random.default_rng([0, epoch]).permutation(90)
        for first in (0, 40, 80):
            chosen = order[first : first + 40]
            loss = nn.binary_cross_entropy_with_logits(theirs(X[:, chosen]), Y[:, chosen])
            losses.append(loss.item() * len(chosen))
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()
    np.testing.assert_array_equal(weights(ours), weights(theirs))
    np.testing.assert_allclose(history["loss"], [sum(losses[:3]) / 90, sum(losses[3:]) / 90])


def test_gradients_that_were_there_before_do_not_count():
    clean, used = net(), net()
    nn.binary_cross_entropy_with_logits(used(X), Y).backward()
    fit(clean, seed=0)
    fit(used, seed=0)
    np.testing.assert_array_equal(weights(clean), weights(used))


def test_the_same_seed_gives_the_same_numbers():
    models = [net() for _ in range(3)]
    for model, seed in zip(models, (1, 1, 2), strict=True):
        fit(model, seed=seed)
    np.testing.assert_array_equal(weights(models[0]), weights(models[1]))
    assert not np.array_equal(weights(models[0]), weights(models[2]))


def test_it_ends_in_evaluation_mode_and_trains_in_training_mode():
    seen = []

    class Spy(nn.Module):
        def forward(self, X):
            seen.append(self.training)
            return X

    model = nn.Sequential(net(), Spy())
    fit(model, validation=(X, Y), epochs=1, batch_size=90)
    assert seen == [True, False]
    assert not model.training


def test_validation_and_metrics():
    model = net(out=3)
    history = fit(
        model, X, LABELS, loss=nn.cross_entropy, validation=0.2, metrics=["accuracy", "f1"]
    )
    assert history.names[-3:] == ["validation_loss", "validation_accuracy", "validation_f1"]
    with al.no_grad():
        held_out = model(X[:, 72:])
        expected = nn.cross_entropy(held_out, LABELS[72:]).item()
    assert history["validation_loss"][-1] == pytest.approx(expected)
    accuracy = np.mean(np.argmax(held_out.data, axis=0) == LABELS[72:])
    assert history["validation_accuracy"][-1] == accuracy


def test_weights_of_samples():
    doubled, weighted = net(), net()
    twice = np.r_[0:90, 0:10]
    fit(doubled, X[:, twice], Y[:, twice], batch_size=None)
    fit(weighted, sample_weight=np.r_[np.full(10, 2.0), np.ones(80)], batch_size=None)
    np.testing.assert_allclose(weights(doubled), weights(weighted), rtol=1e-12)


def test_a_share_for_validation_takes_its_weights_with_it():
    """The last fifth of the samples, as if it had been given with its weights."""
    counts = np.random.default_rng(1).uniform(0.5, 2, 90)
    ours, theirs = net(), net()
    first, last = slice(None, 72), slice(72, None)
    options = {"metrics": "accuracy", "epochs": 2}
    found = fit(ours, sample_weight=counts, validation=0.2, **options)
    expected = fit(
        theirs,
        X[:, first],
        Y[:, first],
        sample_weight=counts[first],
        validation=(X[:, last], Y[:, last], counts[last]),
        **options,
    )
    for name in ("loss", "validation_loss", "validation_accuracy"):
        assert found[name] == expected[name]
    with al.no_grad():
        held_out = ours(X[:, last])
        loss = nn.binary_cross_entropy_with_logits(held_out, Y[:, last], sample_weight=counts[last])
    assert found["validation_loss"][-1] == pytest.approx(loss.item())
    right = (held_out.data > 0) == Y[:, last]
    assert found["validation_accuracy"][-1] == pytest.approx(
        np.average(right[0], weights=counts[last])
    )


def test_models_that_give_a_number_per_sample_are_measured_in_batches():
    """(N,), of more samples than one batch has where nothing is recorded."""

    class Scaled(nn.Module):
        def __init__(self):
            self.w = nn.Parameter(0.5)

        def forward(self, X):
            return X[0] * self.w

    model, x = Scaled(), np.random.default_rng(0).normal(size=(1, 300))
    options = {"loss": nn.mean_squared_error, "metrics": ["mse", "mae"], "advice": False}
    history = fit(model, x, 2 * x[0], epochs=1, validation=(x, 2 * x[0]), **options)
    w = model.w.item()
    assert w != 0.5
    expected = (2 - w) ** 2 * np.mean(x**2)
    assert history["validation_loss"] == pytest.approx([expected])
    assert history["validation_mse"] == pytest.approx([expected])
    assert history["validation_mae"] == pytest.approx([abs(2 - w) * np.mean(np.abs(x))])


@pytest.mark.parametrize(
    ("every", "epochs_saved"), [(1, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (9, [5])]
)
def test_checkpoints_are_saved_every_so_many_epochs_and_at_the_end(
    every, epochs_saved, tmp_path, monkeypatch
):
    saved, save = [], checkpoint.save

    def noting(state, path):
        saved.append(state.epoch)
        save(state, path)

    monkeypatch.setattr(checkpoint, "save", noting)
    fit(net(), epochs=5, checkpoint=tmp_path / "training.h5", checkpoint_every=every)
    assert saved == epochs_saved


def test_defaults():
    parameters = inspect.signature(nn.fit).parameters.values()
    found = {p.name: p.default for p in parameters if p.default is not p.empty}
    assert found == {
        "Y": None,
        "batch_size": 32,
        "accumulate": 1,
        "average_every": None,
        "replicas": None,
        "drop_last": False,
        "shuffle": True,
        "seed": None,
        "sample_weight": None,
        "validation": None,
        "metrics": (),
        "schedule": None,
        "clip_norm": None,
        "callbacks": (),
        "patience": None,
        "tolerance": 0.0,
        "checkpoint": None,
        "checkpoint_every": 1,
        "resume": False,
        "advice": True,
        "compile": None,
        "record": None,
        "verbose": True,
    }


def test_a_training_begins_anew_unless_it_is_to_go_on(tmp_path):
    path = tmp_path / "training.h5"
    assert len(fit(net(), epochs=2, checkpoint=path)) == 2
    model = net()
    history = fit(model, epochs=2, checkpoint=path, callbacks=[lambda t: t.stop("enough")])
    assert len(history) == 1
    resumed = fit(net(), epochs=2, checkpoint=path, resume=True)
    assert len(resumed) == 2 and resumed["loss"][0] == history["loss"][0]


def test_a_record_draws_no_random_numbers_and_keeps_no_statistics(tmp_path):
    def make():
        return nn.Sequential(nn.BatchNorm(4), nn.Dropout(0.5, seed=2), net())

    plain, recorded = make(), make()
    expected = fit(plain)
    assert fit(recorded, record=tmp_path / "run.html")["loss"] == expected["loss"]
    np.testing.assert_equal(recorded.state_dict(), plain.state_dict())


def test_epochs_take_no_longer_than_the_training():
    began = time.perf_counter()
    history = fit(net())
    assert 0 < sum(history["seconds"]) <= time.perf_counter() - began


def test_a_metric_may_stand_alone():
    for metric in ("accuracy", nn.metrics.accuracy):
        assert fit(net(), metrics=metric).names[-1] == "accuracy"


def test_samples_of_no_weight_are_not_trained_on():
    """A batch of such samples changes nothing, not even a schedule."""
    model = net()
    optimiser = nn.SGD(model.parameters(), 0.1)
    schedule = nn.StepSchedule(optimiser, 1, 0.5)
    counts = np.r_[np.ones(30), np.zeros(60)]
    history = fit(
        model,
        sample_weight=counts,
        batch_size=30,
        shuffle=False,
        epochs=1,
        optimiser=optimiser,
        schedule=schedule,
    )
    other = net()
    alone = fit(other, X[:, :30], Y[:, :30], batch_size=30, shuffle=False, epochs=1)
    np.testing.assert_allclose(weights(model), weights(other))
    assert history["loss"] == pytest.approx(alone["loss"])
    assert optimiser.learning_rate == 0.05


def test_schedules_clipping_and_callbacks():
    model = net()
    optimiser = nn.SGD(model.parameters(), 0.1)
    schedule = nn.StepSchedule(optimiser, 3, 0.5)
    calls = []

    def callback(training):
        calls.append((training.epoch, training.optimiser.learning_rate))
        if training.epoch == 4:
            training.stop("enough")

    history = fit(
        model,
        optimiser=optimiser,
        schedule=schedule,
        batch_size=30,
        epochs=9,
        clip_norm=1e-3,
        callbacks=[callback],
    )
    assert calls == [(1, 0.05), (2, 0.025), (3, 0.0125), (4, 0.00625)]
    assert history.stopped == "enough" and len(history) == 4
    assert np.linalg.norm(weights(model) - weights(net())) < 4 * 3 * 0.1 * 1e-3


def test_a_plateau_schedule_follows_the_validation_loss():
    model = net()
    optimiser = nn.SGD(model.parameters(), 10.0)
    schedule = nn.PlateauSchedule(optimiser, 0.1, patience=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = fit(model, optimiser=optimiser, schedule=schedule, validation=(X, Y), epochs=8)
    assert history["learning_rate"][-1] < history["learning_rate"][0]


def test_early_stopping_goes_back_to_the_best_weights():
    model = net()
    held_out = rng.normal(size=(4, 40)), (rng.random((1, 40)) < 0.5).astype(float)
    kept = {}

    def keep(training):
        kept[training.epoch] = weights(training.model)

    history = fit(
        model,
        optimiser=nn.Adam(model.parameters(), 0.05),
        validation=held_out,
        epochs=200,
        patience=4,
        callbacks=[keep],
    )
    losses = history["validation_loss"]
    assert history.best_epoch == int(np.argmin(losses)) + 1
    assert len(history) == history.best_epoch + 4 < 200
    assert "has not fallen" in history.stopped
    np.testing.assert_array_equal(weights(model), kept[history.best_epoch])


def test_a_history_plots_itself():
    history = fit(net(), validation=(X, Y))
    figure = history.plot()
    training, validation = figure.axes[0].get_lines()
    assert training.get_ydata().tolist() == history["loss"]
    assert validation.get_ydata().tolist() == history["validation_loss"]
    assert [line.get_xdata().tolist() for line in (training, validation)] == [[1, 2, 3]] * 2
    assert [line.get_label() for line in (training, validation)] == ["training", "validation"]
    assert figure.axes[0].get_yscale() == "linear"
    assert history.plot(log=True).axes[0].get_yscale() == "log"
    assert len(fit(net()).plot().axes[0].get_lines()) == 1
    assert figure.axes[0].get_xlabel() == "epoch"
    assert "<td>" in history._repr_html_() and "3 epochs" in repr(history)
    with pytest.raises(KeyError, match="has no 'lost'"):
        history["lost"]


class TestAdvice:
    def said(self, model, X=X, Y=Y, **options):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit(model, X, Y, epochs=1, **options)
        return [str(w.message) for w in caught if w.category is nn.TrainingWarning]

    @pytest.mark.parametrize("by", ["fit", "estimator"])
    def test_the_place_of_a_warning_is_the_users_line(self, by):
        big = 200 * np.abs(X) / np.abs(X).max()
        model = nn.LogisticRegression(max_iter=1)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            line = inspect.currentframe().f_lineno + 1
            fit(net(), big, Y, epochs=1) if by == "fit" else model.fit(big.T, Y[0])
        place = (caught[0].filename, caught[0].lineno)
        if by == "estimator":
            assert place == (__file__, line)
        else:
            # The line of the helper above, which calls nn.fit.
            source, start = inspect.getsourcelines(fit)
            assert place[0] == __file__ and start <= place[1] < start + len(source)

    def test_nothing_is_said_of_what_is_well(self):
        assert self.said(net()) == []

    def test_pictures_that_were_not_scaled(self):
        (message,) = self.said(net(), np.abs(X) * 60 % 255)
        assert "divided by 255" in message

    @pytest.mark.parametrize("scale", [1e5, 1e-5])
    def test_features_that_were_not_scaled(self, scale):
        messages = self.said(net(), X * scale)
        assert any("scale its features" in message for message in messages)

    def test_targets_that_are_all_the_same(self):
        assert "all targets are the same" in self.said(net(), Y=np.ones_like(Y))[0]

    def test_two_units_that_are_identical(self):
        layers = nn.Linear(4, 2, seed=0), nn.Tanh(), nn.Linear(2, 1, seed=1)
        layers[0].weight.data[1] = layers[0].weight.data[0]
        layers[2].weight.data[...] = 1
        messages = self.said(nn.Sequential(*layers))
        assert any("all units of layers.0.weight are identical" in m for m in messages)

    def test_identical_units(self):
        messages = self.said(net(initialisation="zeros"))
        assert any("all units of layers.0.weight are identical" in m for m in messages)

    def test_vanishing_gradients(self):
        layers = [p for i in range(6) for p in (nn.Linear(4, 4, seed=i), nn.Sigmoid())]
        (message,) = self.said(nn.Sequential(*layers, nn.Linear(4, 1, seed=9)))
        assert "the gradients vanish: those of layers.0.weight" in message

    def test_units_that_are_all_dead(self):
        layers = nn.Linear(4, 3, seed=0), nn.ReLU(), nn.Linear(3, 1, seed=1), nn.ReLU()
        layers[2].bias.data[...] = -100
        (message,) = self.said(nn.Sequential(*layers))
        assert message.startswith("the gradients of all weights are 0, where the loss is ")
        assert "take LeakyReLU for ReLU" in message

    def test_exploding_gradients(self):
        model = net()
        model.layers[2].weight.data *= 1e6
        loss = nn.mean_squared_error
        assert "the gradients explode" in self.said(model, loss=loss)[0]

    def test_gradients_that_explode_later_are_seen_in_a_later_epoch(self):
        model = nn.Sequential(nn.Linear(4, 8, seed=0), nn.ReLU(), nn.Linear(8, 1, seed=1))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            callback = lambda t: t.model.layers[2].weight.data.__imul__(1e7)  # noqa: E731
            fit(model, loss=nn.mean_squared_error, epochs=2, batch_size=None, callbacks=[callback])
        said = [str(w.message) for w in caught if w.category is nn.TrainingWarning]
        assert len(said) == 1 and "the gradients explode" in said[0]

    def test_class_numbers_in_a_binary_loss(self):
        messages = self.said(net(), Y=LABELS[None].astype(float))
        assert messages == [
            "the targets of a binary cross-entropy are from 0 to 1, but these range from 0 to 2; "
            "for classes by number take nn.cross_entropy"
        ]

    def test_nan_says_where_it_came_from(self):
        model = net()
        loss = lambda Z, T: np.mean(np.log(Z - 100) * T)  # noqa: E731
        before = weights(model)
        with (
            np.errstate(invalid="ignore"),
            pytest.raises(FloatingPointError, match=r"is nan in epoch 1, batch 1: log gave nan"),
        ):
            fit(model, loss=loss)
        np.testing.assert_array_equal(weights(model), before)

    def test_nan_in_the_data(self):
        with pytest.raises(ValueError, match="X holds NaN"):
            fit(net(), np.where(X > 2, np.nan, X), Y)


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "options", "message"),
        [
            ((X.T, Y), {}, "the samples of X look like its rows, so pass X.T"),
            ((X, Y[:, :5]), {}, "the last axis is the samples"),
            ((X, Y), {"epochs": -1}, "epochs must be a whole number from 0 on"),
            ((X, Y), {"batch_size": 0}, "batch_size must be at least 1, or None for all"),
            ((X, Y), {"checkpoint_every": 0}, "checkpoint_every must be at least 1, not 0"),
            ((X, Y), {"validation": X}, "a share between 0 and 1, not ndarray of 4"),
            ((X, Y), {"sample_weight": -np.ones(90)}, "must be numbers from 0 on"),
            ((X, Y[0]), {}, r"Y\[np.newaxis\] is a row"),
            ((X, Y), {"optimiser": nn.SGD(net().parameters())}, "no parameter of the model"),
            (
                (X, Y),
                {"schedule": nn.StepSchedule(nn.SGD(net().parameters()), 1)},
                "the schedule belongs to another optimiser",
            ),
            ((X, Y), {"metrics": ["acuracy"]}, "there is no metric 'acuracy'"),
            ((X, Y), {"validation": 1.5}, "a share between 0 and 1"),
            ((X, Y), {"validation": 0.0}, "a share between 0 and 1, not float 0.0"),
            ((X, Y), {"validation": 1.0}, "a share between 0 and 1, not float 1.0"),
            ((X[:, :1], Y[:, :1]), {"validation": 0.5}, "share of 0.5 leaves no samples to train"),
            ((X, Y), {"clip_norm": 0}, "clip_norm must be above 0, or None, not 0"),
            ((X, Y), {"tolerance": -1}, "tolerance must be from 0 on, not -1"),
            ((X, Y), {"patience": 0}, "patience must be at least 1 epoch, or None, not 0"),
            ((X, Y), {"epochs": True}, "epochs must be a whole number from 0 on, not True"),
            ((X, Y), {"epochs": 1.5}, "epochs must be a whole number from 0 on, not 1.5"),
            ((X, Y), {"sample_weight": np.ones(89)}, r"have shape \(89,\), expected \(90,\)"),
            ((X, Y), {"sample_weight": np.zeros(90)}, "sample_weight: every weight is zero"),
            (
                (X, Y),
                {"sample_weight": np.r_[np.zeros(72), np.ones(18)], "validation": 0.2},
                "sample_weight of what is trained on: every weight is zero",
            ),
            (
                (X, Y),
                {"sample_weight": np.r_[np.ones(72), np.zeros(18)], "validation": 0.2},
                "the weights of the validation data: every weight is zero",
            ),
            ((X, np.where(X[:1] > 0, np.nan, Y)), {}, "Y holds NaN or infinite numbers"),
            ((np.where(X > 2, np.inf, X), Y), {}, "X holds NaN or infinite numbers"),
            ((np.where(X > 2, -np.inf, X), Y), {}, "X holds NaN or infinite numbers"),
            ((X[:, :0], Y[:, :0]), {}, "there are no samples"),
        ],
    )
    def test_what_does_not_fit(self, arguments, options, message):
        with pytest.raises(ValueError, match=message):
            fit(net(), *arguments, **options)

    @pytest.mark.parametrize(
        ("loss", "what"),
        [(lambda Z, T: (Z - T) ** 2, r"shape \(1, 32\)"), (lambda Z, T: 1.0, "float")],
    )
    def test_a_loss_that_is_no_number(self, loss, what):
        with pytest.raises(
            TypeError, match=f"must return one number as a Tensor.* returned {what}"
        ):
            fit(net(), loss=loss)

    def test_models_and_optimisers_of_another_kind(self):
        with pytest.raises(TypeError, match="takes the model as an nn.Module, not function"):
            nn.fit(lambda X: X, X, Y, loss=nn.huber, optimiser=nn.SGD(net().parameters()), epochs=1)
        with pytest.raises(
            TypeError, match="takes the optimiser by name or as an nn.Optimiser.*class Adam"
        ):
            nn.fit(net(), X, Y, loss=nn.huber, optimiser=nn.Adam, epochs=1)

    def test_an_optimiser_that_does_it_all_at_once(self):
        model = net()
        with pytest.raises(
            TypeError,
            match=r"LBFGS does the whole training in one step: optimiser.step\(lambda: loss",
        ):
            fit(model, optimiser=nn.LBFGS(model.parameters()))

    def test_data_that_give_batches_have_their_own_targets(self):
        data = ArrayData(X, Y)
        for arguments, options in (((data, Y), {}), ((data,), {"sample_weight": np.ones(90)})):
            with pytest.raises(TypeError, match="have their own targets and weights: leave Y out"):
                fit(net(), *arguments, **options)
        fit(net(), data, epochs=1)

    def test_data_of_no_weight(self):
        class Weightless:
            def __len__(self):
                return 90

            def batches(self, size, seed=None, start=0):
                yield from ArrayData(X, Y, np.zeros(90)).batches(size, seed, start)

        with pytest.raises(
            ValueError, match="every batch of the epoch had weights that are all zero"
        ):
            fit(net(), Weightless())
        with pytest.raises(
            ValueError, match="all samples that the loss is measured on have the weight zero"
        ):
            fit(net(), validation=Weightless())

    def test_compiled_trainings_take_arrays_in_memory(self):
        da = pytest.importorskip("dask.array")
        with pytest.raises(TypeError, match="are computed block by block: leave compile out"):
            fit(net(), da.from_array(X), da.from_array(Y), compile=True)

    def test_a_loss_is_a_function(self):
        for loss in ("mse", nn.Linear):
            with pytest.raises(
                TypeError, match=r"takes the loss as a function loss\(model\(X\), Y\)"
            ):
                fit(net(), loss=loss)

    def test_no_targets(self):
        with pytest.raises(TypeError, match="takes X and Y, or data that yield batches"):
            fit(net(), X)


def trained(path, epochs, pause=0.0, stop=None):
    """The weights and the losses of a training, which may stop after an epoch."""
    import time

    import numpy as np

    import nn

    X = np.random.default_rng(0).normal(size=(4, 90))
    Y = (X[:1] * X[1:2] > 0).astype(float)
    net = nn.Sequential(
        nn.Linear(4, 8, seed=0),
        nn.BatchNorm(8),
        nn.ReLU(),
        nn.Dropout(0.3, seed=5),
        nn.Linear(8, 1, seed=1),
    )
    optimiser = nn.Adam(net.parameters(), 0.01)

    def callback(training):
        time.sleep(pause)
        if training.epoch == stop:
            training.stop("for today")

    history = nn.fit(
        net,
        X,
        Y,
        loss=nn.binary_cross_entropy_with_logits,
        optimiser=optimiser,
        epochs=epochs,
        batch_size=16,
        seed=3,
        validation=(X, Y),
        schedule=nn.CosineSchedule(optimiser, 6 * epochs),
        checkpoint=path,
        resume=True,
        verbose=False,
        advice=False,
        callbacks=[callback],
    )
    weights = {name: array.tobytes().hex() for name, array in net.state_dict().items()}
    return weights, [(r["loss"], r["validation_loss"]) for r in history.records]


def start(path, epochs, pause, **options):
    """The same training in a process of its own."""
    code = f"{inspect.getsource(trained)}\ntrained({str(path)!r}, {epochs}, {pause})"
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)


def test_a_resumed_training_gives_the_same_numbers(tmp_path):
    whole = trained(tmp_path / "whole.h5", 6)
    for stop in range(1, 6):
        path = tmp_path / f"{stop}.h5"
        weights, losses = trained(path, 6, stop=stop)
        assert weights != whole[0] and losses == whole[1][:stop]
        assert trained(path, 6) == whole
        assert trained(path, 6) == whole


@pytest.mark.slow
def test_a_training_that_is_killed_again_and_again_gives_the_same_numbers(tmp_path):
    whole = trained(tmp_path / "whole.h5", 12)
    path, moments = tmp_path / "killed.h5", np.random.default_rng(1)
    for _ in range(12):
        process = start(path, 12, pause=0.05)
        try:
            process.wait(timeout=float(moments.uniform(0.5, 1.4)))
        except subprocess.TimeoutExpired:
            process.kill()
        process.communicate()
    assert trained(path, 12) == whole


def _listening():
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_ctrl_c_saves_and_says_so(tmp_path):
    whole = trained(tmp_path / "whole.h5", 30)
    path = tmp_path / "stopped.h5"
    # What is started in the background of a shell would not be told of Ctrl-C.
    process = start(path, 30, pause=0.05, preexec_fn=_listening)
    while not path.exists():
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    said = process.communicate()[0]
    assert process.returncode == 0
    assert "training stopped in epoch" in said and "resume=True continues from it" in said
    assert trained(path, 30) == whole


def test_a_checkpoint_of_another_training_is_refused(tmp_path):
    path = tmp_path / "training.h5"
    fit(net(), checkpoint=path)
    other = net()
    with pytest.raises(ValueError, match="made with SGD, but the optimiser is Adam"):
        fit(other, checkpoint=path, resume=True, optimiser=nn.Adam(other.parameters()))
    larger = nn.Sequential(nn.Linear(4, 9), nn.Tanh(), nn.Linear(9, 1))
    with pytest.raises(nn.FileFormatError, match=r"layers.0.weight.*\(8, 4\).*\(9, 4\)"):
        fit(larger, checkpoint=path, resume=True)
    with pytest.raises(nn.FileFormatError, match="it is of a whole training: nn.fit"):
        nn.load(path, net())


def test_a_model_can_be_had_of_the_checkpoint_of_its_training(tmp_path):
    import h5py

    path = tmp_path / "training.h5"
    model = net()
    fit(model, checkpoint=path)
    with h5py.File(path) as file:
        import json

        listing = json.loads(file["metadata"][()].tobytes())["arrays"]
        names = [a["name"] for a in listing]
        first = file[f"arrays/{names.index('model.layers.0.weight')}"][()]
    np.testing.assert_array_equal(first, model.layers[0].weight.data)


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
def test_a_second_ctrl_c_ends_it_at_once(tmp_path):
    path = tmp_path / "training.h5"

    def callback(training):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit(net(), callbacks=[callback], checkpoint=path)
    assert not path.exists()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_ctrl_c_without_a_checkpoint_says_so(capsys):
    def callback(training):
        os.kill(os.getpid(), signal.SIGINT)

    history = fit(net(), callbacks=[callback], epochs=3)
    assert history.stopped == "interrupted" and len(history) < 3
    assert "nothing was saved: pass checkpoint=PATH for that" in capsys.readouterr().out
