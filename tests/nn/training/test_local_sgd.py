"""Local SGD: replicas that train apart on Dask arrays, and are averaged."""

import functools
import os
import signal
import subprocess
import sys
import threading

import dask
import dask.array as da
import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import nn
from autograd_lite.arrays import blas

RNG = np.random.default_rng(0)
N = 64
X = RNG.normal(size=(3, N))
Y = (X[:1] * X[1:2] > 0).astype(float)
WEIGHTS = RNG.uniform(0.5, 2.0, N)
OPTIONS = dict(loss=nn.binary_cross_entropy_with_logits, seed=0, verbose=False, batch_size=16)


def cut(array, length=16):
    return da.from_array(array, chunks=(*array.shape[:-1], length))


SCRIPT = """
import dask.array as da
import numpy as np
from autograd_lite import nn


class Net(nn.Module):
    def __init__(self):
        self.first, self.drop = nn.Linear(3, 4, seed=0), nn.Dropout(0.2, seed=1)

    def forward(self, x):
        return np.sum(self.drop(np.tanh(self.first(x))), axis=0, keepdims=True)


def loss(prediction, target):
    return nn.mean_squared_error(prediction, target)


if __name__ == "__main__":
    from dask.distributed import Client

    x = da.from_array(np.arange(96.0).reshape(3, 32) / 96, chunks=(3, 8))
    found = []
    for persists in (None, False, True):
        model = Net()
        options = dict(loss=loss, seed=0, verbose=False, batch_size=4, average_every=2, replicas=3)
        if persists is None:
            found.append(nn.fit(model, x, x[:1], optimiser="adam", epochs=2, **options)["loss"])
            continue
        with Client(n_workers=2, threads_per_worker=1, dashboard_address=None):
            own = x.persist() if persists else x
            found.append(nn.fit(model, own, x[:1], optimiser="adam", epochs=2, **options)["loss"])
    assert found[0] == found[1] == found[2], found
    print("the same")
"""


def network(dtype=np.float64, extra=()):
    first, last = (nn.Linear(*n, dtype=dtype, seed=n[0]) for n in ((3, 4), (4, 1)))
    return nn.Sequential(first, nn.Tanh(), *extra, last)


def sgd(model):
    return nn.SGD(model.parameters(), 0.5, momentum=0.9, weight_decay=0.01)


def adam(model):
    return nn.Adam(model.parameters(), 0.01)


def trained(model=None, optimiser=sgd, X=X, Y=Y, **options):
    """The model's state and the history after training on arrays cut into blocks of 16."""
    model = network() if model is None else model
    options = {**OPTIONS, "epochs": 2, "average_every": 2, "replicas": 2, **options}
    history = nn.fit(model, cut(X), cut(Y), optimiser=optimiser(model), **options)
    return model.state_dict(), history


def assert_same(found, expected, exact=True):
    assert found.keys() == expected.keys()
    for name, array in found.items():
        np.testing.assert_allclose(array, expected[name], rtol=0 if exact else 1e-12, atol=0)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_one_update_of_each_replica_is_one_by_all_their_samples(weights):
    found, history = trained(
        average_every=1, replicas=4, shuffle=False, epochs=5, sample_weight=weights
    )
    model = network()
    options = {**OPTIONS, "epochs": 5, "batch_size": None, "sample_weight": weights}
    expected = nn.fit(model, X, Y, optimiser=sgd(model), **options)
    assert_same(found, model.state_dict(), exact=False)
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=1e-12)


def test_several_updates_are_those_of_trainings_apart():
    options = {"shuffle": False, "epochs": 1, "batch_size": 8}
    found, _ = trained(network(), adam, X=X[:, :32], Y=Y[:, :32], **options)
    states = []
    for part in (slice(0, 16), slice(16, 32)):
        model = network()
        nn.fit(model, X[:, part], Y[:, part], optimiser=adam(model), **{**OPTIONS, **options})
        states.append(model.state_dict())
    for name, array in found.items():
        np.testing.assert_allclose(array, (states[0][name] + states[1][name]) / 2, rtol=1e-12)


def test_replicas_of_different_length_count_by_their_samples():
    found, _ = trained(X=X[:, :24], Y=Y[:, :24], average_every=1, shuffle=False, epochs=1)
    model = network()
    options = {**OPTIONS, "epochs": 1, "batch_size": None}
    nn.fit(model, X[:, :24], Y[:, :24], optimiser=sgd(model), **options)
    assert_same(found, model.state_dict(), exact=False)


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_results_do_not_depend_on_who_trains_what(scheduler):
    extra = nn.Dropout(0.5, seed=2), nn.BatchNorm(4)
    with dask.config.set(scheduler="threads", num_workers=1):
        expected, _ = trained(network(extra=extra))
    extra = nn.Dropout(0.5, seed=2), nn.BatchNorm(4)
    with dask.config.set(scheduler=scheduler):
        found, _ = trained(network(extra=extra))
    assert_same(found, expected)


DRAWN = []


class Told(nn.Dropout):
    """Dropout that tells what its generator would draw."""

    def forward(self, x):
        generator = np.random.default_rng()
        generator.bit_generator.state = self.generator.bit_generator.state
        DRAWN.append(generator.random())
        return super().forward(x)


def test_random_layers_draw_anew_in_each_replica_round_and_epoch():
    DRAWN.clear()
    with dask.config.set(scheduler="synchronous"):
        trained(network(extra=[Told(0.5, seed=2)]), average_every=1)
    assert len(DRAWN) == 8 == len(set(DRAWN))


def test_running_statistics_are_averaged():
    model = network(extra=[nn.BatchNorm(4)])
    state, _ = trained(model, epochs=1, average_every=1, replicas=4, shuffle=False)
    means = []
    for start in range(0, N, 16):
        other = network(extra=[nn.BatchNorm(4)])
        part = slice(start, start + 16)
        options = {**OPTIONS, "epochs": 1}
        nn.fit(other, X[:, part], Y[:, part], optimiser=sgd(other), **options)
        means.append(other.state_dict()["layers.2.running_mean"])
    np.testing.assert_allclose(state["layers.2.running_mean"], np.mean(means, axis=0), rtol=1e-12)


def test_frozen_parameters_keep_their_bits():
    model = network()
    model.layers[0].freeze()
    before = model.layers[0].state_dict()
    trained(model, epochs=3)
    assert_same(model.layers[0].state_dict(), before)
    assert not model.layers[0].weight.requires_grad


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_dtypes_are_kept(dtype):
    state, history = trained(network(dtype), X=X.astype(dtype), Y=Y.astype(dtype))
    assert {array.dtype for array in state.values()} == {np.dtype(dtype)}
    assert np.isfinite(history["loss"]).all()


SEEN = []


def noted(prediction, target):
    """A loss that tells the targets, whose gradients are zero."""
    SEEN.append(np.array(target).ravel())
    return 0.0 * nn.mean_squared_error(prediction, target)


def test_every_sample_is_seen_once_in_an_epoch_in_another_order():
    SEEN.clear()
    with dask.config.set(scheduler="synchronous"):
        trained(Y=np.arange(float(N))[np.newaxis], loss=noted, batch_size=4)
    first, second = np.concatenate(SEEN).reshape(2, N)
    for order in (first, second):
        np.testing.assert_array_equal(np.sort(order), np.arange(N))
        assert (order != np.arange(N)).any()
    assert (first != second).any()


def test_schedules_step_at_each_update():
    model = network()
    optimiser = sgd(model)
    schedule = nn.StepSchedule(optimiser, 2, 0.5)
    nn.fit(
        *(model, cut(X), cut(Y)),
        optimiser=optimiser,
        schedule=schedule,
        **{**OPTIONS, "epochs": 1, "average_every": 1, "replicas": 2, "batch_size": 8},
    )
    # 64 samples are four rounds of two replicas with one update of 8 samples each.
    assert schedule.steps == 4
    assert optimiser.learning_rate == 0.5 / 4
    assert optimiser.steps == 4


def test_a_last_batch_with_fewer_samples_is_left_out():
    options = {"epochs": 1, "shuffle": False}
    found, _ = trained(X=X[:, :40], Y=Y[:, :40], drop_last=True, **options)
    expected, _ = trained(X=X[:, :32], Y=Y[:, :32], **options)
    assert_same(found, expected)


def test_losses_of_a_script_travel():
    found, _ = trained(loss=lambda a, y: nn.binary_cross_entropy_with_logits(a, y))
    expected, _ = trained()
    assert_same(found, expected)


def test_a_training_that_was_interrupted_in_an_epoch_resumes(tmp_path):
    expected, history = trained(epochs=4, batch_size=4, average_every=2, replicas=2)
    path = tmp_path / "state.h5"
    rounds = []
    original = nn.training.Training._take_over

    def interrupting(self, found):
        original(self, found)
        rounds.append(found)
        self.interrupted = len(rounds) == 6

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nn.training.Training, "_take_over", interrupting)
        trained(epochs=4, batch_size=4, average_every=2, replicas=2, checkpoint=path)
    assert len(rounds) == 6
    found, again = trained(
        epochs=4, batch_size=4, average_every=2, replicas=2, checkpoint=path, resume=True
    )
    assert_same(found, expected)
    assert again["loss"] == history["loss"]


def test_early_stopping_keeps_the_best_weights():
    model = network()
    history = nn.fit(
        *(model, cut(X), cut(Y)),
        optimiser=nn.SGD(model.parameters(), 0.5),
        **{**OPTIONS, "epochs": 50, "average_every": 2, "replicas": 2, "patience": 3},
        validation=(X, Y),
    )
    loss = nn.binary_cross_entropy_with_logits(model(X), Y).item()
    assert loss == pytest.approx(min(history["validation_loss"]), rel=1e-12)


def test_the_number_of_replicas_is_told():
    with dask.config.set(num_workers=3):
        _, history = trained(replicas=None, batch_size=8)
    assert history.notes == ["3 replicas are averaged after every 2 updates"]


def test_that_blocks_are_shorter_than_a_round_is_told():
    _, history = trained(batch_size=4, average_every=8)
    assert history.notes[1] == (
        "replicas make up to 4 of the 8 updates, as the blocks of X have no more samples: "
        "rechunk it for more"
    )
    _, history = trained(batch_size=4, average_every=4)
    assert len(history.notes) == 1


def test_a_loss_that_is_not_finite_is_explained():
    bad = X.copy()
    bad[0, 61] = np.nan
    where = "in epoch 1, batch [12] of the replica that has samples 56 to 63: "
    with pytest.raises(FloatingPointError, match=where) as caught:
        trained(X=bad, batch_size=4)
    assert caught.value.__notes__ == ["in the block from sample 56 on"]


def test_the_epoch_of_a_loss_that_is_not_finite_is_told():
    def worse(training):
        training.model.layers[0].weight.data *= np.inf

    with pytest.raises(FloatingPointError, match="in epoch 2, batch 1 of the replica that has "):
        trained(callbacks=[worse])


def test_a_last_batch_that_is_too_small_is_explained():
    model = network(extra=[nn.BatchNorm(4)])
    advice = (
        "the last batch of a replica with batch_size=8 has 1; leave out such batches by "
        "drop_last=True, or take another batch_size"
    )
    for length in (1, 9):
        x, y = (cut(a[:, :length], length) for a in (X, Y))
        options = {**OPTIONS, "batch_size": 8, "average_every": 2, "replicas": 1, "epochs": 1}
        with pytest.raises(ValueError, match=advice):
            nn.fit(model, x, y, optimiser=sgd(model), **options)
    with pytest.raises(ValueError, match="take a larger batch_size"):
        trained(model, batch_size=1)


def test_dropping_the_only_batch_of_each_replica_is_explained():
    with pytest.raises(ValueError, match="fewer samples than batch_size=32, as have the blocks of"):
        trained(batch_size=32, drop_last=True)


def test_replicas_whose_weights_are_zero_count_nothing():
    weights = np.repeat([0.0, 0.0, 1.0, 1.0], 16)
    found, history = trained(sample_weight=weights, shuffle=False)
    expected, other = trained(X=X[:, 32:], Y=Y[:, 32:], shuffle=False)
    assert_same(found, expected, exact=False)
    np.testing.assert_allclose(history["loss"], other["loss"], rtol=1e-12)


def test_classes_whose_weights_are_zero_count_nothing():
    labels = np.repeat([2, 2, 0, 1], 16)
    loss = functools.partial(nn.cross_entropy, class_weight=[1.0, 2.0, 0.0])
    states = []
    for part in (slice(None), slice(32, None)):
        model = nn.Linear(3, 3, seed=0)
        options = {**OPTIONS, "epochs": 2, "average_every": 1, "replicas": 2, "loss": loss}
        data = cut(X[:, part]), da.from_array(labels[part], chunks=16)
        nn.fit(model, *data, optimiser=sgd(model), shuffle=False, **options)
        states.append(model.state_dict())
    assert_same(*states)


def test_schedules_do_not_step_for_batches_without_weight():
    model = network()
    optimiser = sgd(model)
    schedule = nn.StepSchedule(optimiser, 2, 0.5)
    options = {**OPTIONS, "epochs": 1, "average_every": 2, "replicas": 2, "batch_size": 8}
    weights = np.tile(np.repeat([0.0, 1.0], 8), 4)
    options |= {"optimiser": optimiser, "schedule": schedule, "sample_weight": weights}
    nn.fit(model, cut(X), cut(Y), shuffle=False, **options)
    # Two rounds, in each of which a replica has two batches, the first without weight.
    assert schedule.steps == optimiser.steps == 2


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pictures_and_labels_train(dtype):
    pictures = (RNG.random((1, 4, 4, N)) * 255).astype(dtype)
    labels = RNG.integers(0, 3, N)
    losses = []
    for replicas in (1, 2):
        model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3, seed=0))
        data = cut(pictures) / 255, da.from_array(labels, chunks=24)
        options = {**OPTIONS, "epochs": 5, "average_every": 1, "replicas": replicas}
        history = nn.fit(*(model, *data), optimiser="adam", **{**options, "loss": nn.cross_entropy})
        losses.append(history["loss"])
    assert all(loss[-1] < loss[0] for loss in losses)


def test_embeddings_train():
    words = RNG.integers(0, 9, (5, N))
    model = nn.Sequential(nn.Embedding(9, 2, seed=0), nn.Flatten(), nn.Linear(10, 1, seed=1))
    state, _ = trained(model, adam, X=words)
    other = nn.Sequential(nn.Embedding(9, 2, seed=0), nn.Flatten(), nn.Linear(10, 1, seed=1))
    assert (state["layers.0.weight"] != other.state_dict()["layers.0.weight"]).any()


def test_data_cut_along_features_train():
    model = network()
    options = {**OPTIONS, "epochs": 2, "average_every": 2, "replicas": 2}
    nn.fit(model, da.from_array(X, chunks=(1, 16)), cut(Y), optimiser=sgd(model), **options)
    assert_same(model.state_dict(), trained()[0])


class Stored:
    """An array on a disk that notes which samples are read."""

    shape, dtype, ndim = X.shape, X.dtype, 2

    def __init__(self):
        self.read = []

    def __getitem__(self, index):
        self.read.append((index[1].start, index[1].stop))
        return X[index]


def test_a_round_reads_the_samples_of_its_replicas_once():
    stored = Stored()
    x = da.from_array(stored, chunks=(3, 32))
    reads = []
    original = nn.training.Training._take_over

    def noting(self, found):
        original(self, found)
        reads.append(sorted(stored.read))
        stored.read.clear()

    model = network()
    options = {**OPTIONS, "epochs": 1, "average_every": 2, "replicas": 3, "batch_size": 4}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nn.training.Training, "_take_over", noting)
        stored.read.clear()
        nn.fit(model, x, cut(Y), optimiser=sgd(model), **options)
    assert list(map(len, reads)) == [3, 3, 2]
    assert sorted(sum(reads, [])) == [(at, at + 8) for at in range(0, N, 8)]


def test_blocks_that_cannot_be_read_in_part_are_taken_whole():
    def made(block_info=None):
        _, (start, stop) = block_info[None]["array-location"]
        loads.append((start, stop))
        return X[:, start:stop]

    loads = []
    x = da.map_blocks(made, chunks=((3,), (32, 32)), dtype=float)
    model = network()
    optimiser = sgd(model)
    options = {**OPTIONS, "epochs": 1, "average_every": 2, "replicas": 2, "batch_size": 4}
    loads.clear()
    nn.fit(model, x, cut(Y, 32), optimiser=optimiser, **options)
    assert sorted(loads) == [(0, 32), (32, 64)]
    assert optimiser.steps == 8


def test_replicas_take_one_blas_thread_each(monkeypatch):
    numbers = []

    class Library:
        num_threads = 4

        def set_num_threads(self, number):
            self.num_threads = number

    library = Library()

    def noted(prediction, target):
        numbers.append(library.num_threads)
        return nn.mean_squared_error(prediction, target)

    monkeypatch.setattr(blas, "_libraries", lambda: [library])
    # What is pickled by its name is no copy.
    monkeypatch.setitem(globals(), "NOTED", noted)
    with dask.config.set(scheduler="threads", num_workers=2):
        trained(loss=of_module, epochs=1)
    assert set(numbers) == {1}
    assert library.num_threads == 4


NOTED = None


def of_module(prediction, target):
    """The loss that a test puts into this module."""
    return NOTED(prediction, target)


def test_what_cannot_be_pickled_is_explained():
    model = network()
    model.lock = threading.Lock()
    with pytest.raises(TypeError) as caught:
        trained(model)
    assert "sends copies of the model, the optimiser and the loss" in caught.value.__notes__[0]


def test_parameters_that_the_model_lacks_are_refused():
    scale = nn.Parameter(np.ones(1))

    def optimiser(model):
        return nn.SGD([*model.parameters(), scale], 0.1)

    with pytest.raises(ValueError, match="make them parameters of the model"):
        trained(optimiser=optimiser)


def test_ctrl_c_ends_a_training_after_the_round(tmp_path, capsys):
    """What is saved then goes on to the same bits."""
    extra = nn.Dropout(0.2, seed=3)
    options = {"epochs": 3, "batch_size": 4, "checkpoint": tmp_path / "state.h5"}
    expected, history = trained(network(extra=[extra]), **options | {"checkpoint": None})

    INTERRUPTED.clear()
    extra = nn.Dropout(0.2, seed=3)
    trained(network(extra=[extra]), **options, loss=interrupting)
    assert "training stopped in epoch 2; the state is in" in capsys.readouterr().out
    extra = nn.Dropout(0.2, seed=3)
    found, again = trained(network(extra=[extra]), **options, resume=True)
    assert_same(found, expected)
    assert again["loss"] == history["loss"]


INTERRUPTED = []


def interrupting(prediction, target):
    """A loss in whose 20th call the user presses Ctrl-C."""
    INTERRUPTED.append(1)
    if len(INTERRUPTED) == 20:
        os.kill(os.getpid(), signal.SIGINT)
    return OPTIONS["loss"](prediction, target)


REFUSED = {
    "replicas alone": (dict(average_every=None), "replicas are those of local SGD: give average_e"),
    "accumulate": (dict(accumulate=2), "average_every and accumulate=2 exclude each other"),
    "compile": (dict(compile=True), "not Dask's, which are computed block by block: leave compile"),
    "record": (dict(record="x.html"), "average_every and record='x.html' exclude each other"),
    "all samples": (dict(batch_size=None), "counts updates by batches: give batch_size="),
    "no updates": (dict(average_every=0), "average_every must be at least 1, not 0"),
    "no replicas": (dict(replicas=1.5), "replicas must be at least 1, not 1.5"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_suit_is_refused(name):
    options, message = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=message.replace("(", r"\(")):
        trained(**options)


def test_arrays_in_memory_are_refused():
    model = network()
    options = {**OPTIONS, "epochs": 1, "average_every": 2}
    with pytest.raises(TypeError, match="as Dask arrays, as of nn.dask_arrays"):
        nn.fit(model, X, Y, optimiser=sgd(model), **options)


def test_tensors_of_the_model_hold_no_gradient_afterwards():
    model = network()
    trained(model)
    assert all(p.grad is None for p in model.parameters())
    assert isinstance(model.parameters()[0], al.Tensor)


def test_modules_and_losses_of_a_script_travel_to_workers(tmp_path):
    pytest.importorskip("distributed")
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, check=False)
    assert done.stdout == "the same\n", done.stderr
