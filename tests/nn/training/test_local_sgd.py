"""Local SGD: replicas that train apart on Dask arrays, and are averaged."""

import dask
import dask.array as da
import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import nn

RNG = np.random.default_rng(0)
N = 64
X = RNG.normal(size=(3, N))
Y = (X[:1] * X[1:2] > 0).astype(float)
WEIGHTS = RNG.uniform(0.5, 2.0, N)
OPTIONS = dict(loss=nn.binary_cross_entropy_with_logits, seed=0, verbose=False, batch_size=16)


def cut(array, length=16):
    return da.from_array(array, chunks=(*array.shape[:-1], length))


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
        _, history = trained(replicas=None)
    assert history.notes == ["3 replicas are averaged after every 2 updates"]


def test_a_loss_that_is_not_finite_is_explained():
    bad = X.copy()
    bad[0, 20] = np.nan
    with pytest.raises(FloatingPointError, match="batch 1") as caught:
        trained(X=bad, shuffle=False)
    assert "in the block from sample" in "".join(caught.value.__notes__)


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
