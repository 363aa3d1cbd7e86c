"""nn.fit(accumulate=k): the updates of batches that are k times as large."""

import os
import signal

import numpy as np
import pytest

import nn

RNG = np.random.default_rng(0)
N = 47
X, LABELS = RNG.normal(size=(3, N)), RNG.integers(0, 4, N)
WEIGHTS = RNG.uniform(0, 2, N)
WEIGHTS[10:20] = 0


def trained(X, Y, dtype=np.float64, schedule=False, **options):
    layers = nn.Linear(3, 5, seed=0, dtype=dtype), nn.Tanh(), nn.Linear(5, 4, seed=1, dtype=dtype)
    model = nn.Sequential(*layers)
    optimiser = nn.Adam(model.parameters(), 0.05)
    given = {"epochs": 3, "seed": 0, "verbose": False, "advice": False} | options
    if schedule:
        given["schedule"] = nn.CosineSchedule(optimiser, 10)
    history = nn.fit(model, X, Y, loss=nn.cross_entropy, optimiser=optimiser, **given)
    return history, model.state_dict(), optimiser.learning_rate


OPTIONS = {
    "plain": {},
    "weighted": {"sample_weight": WEIGHTS},
    "clipped": {"clip_norm": 0.1},
    "scheduled": {"schedule": True},
    "stopping early": {"patience": 2, "validation": 0.2},
    "the best of the training data": {"patience": 2, "validation": (X, LABELS)},
    "in order": {"shuffle": False},
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("size", "count"), [(5, 3), (1, 7), (16, 3), (8, 100), (23, 2), (60, 4)])
@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.one_in(5)
def test_updates_are_those_of_larger_batches(name, size, count, dtype):
    options = OPTIONS[name] | {"dtype": dtype}
    samples = X.astype(dtype)
    found = trained(samples, LABELS, batch_size=size, accumulate=count, **options)
    expected = trained(samples, LABELS, batch_size=size * count, **options)
    rtol = 1e-3 if dtype == np.float32 else 1e-9
    assert found[2] == expected[2]
    for path, value in expected[1].items():
        assert found[1][path].dtype == dtype
        np.testing.assert_allclose(found[1][path], value, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(found[0]["loss"], expected[0]["loss"], rtol=max(rtol, 1e-9))


def test_classes_count_as_they_are_weighted():
    import functools

    loss = functools.partial(nn.cross_entropy, class_weight=np.array([1.0, 5.0, 0.5, 0.0]))
    states = []
    for size, count in ((4, 5), (20, 1)):
        model = nn.Linear(3, 4, seed=0)
        options = {"epochs": 2, "seed": 0, "verbose": False, "advice": False}
        nn.fit(
            model,
            X,
            LABELS,
            loss=loss,
            optimiser="sgd",
            batch_size=size,
            accumulate=count,
            **options,
        )
        states.append(model.weight.data)
    np.testing.assert_allclose(*states, rtol=1e-10)


def test_an_interruption_waits_for_the_update(tmp_path):
    """What was added up is no part of a checkpoint, so that one is made after an update."""

    class Interrupting(nn.Module):
        def __init__(self, at):
            self.inner, self.calls, self.at = nn.Linear(3, 4, seed=0), 0, at

        def forward(self, X):
            self.calls += 1
            if self.calls == self.at:
                os.kill(os.getpid(), signal.SIGINT)
            return self.inner(X)

    def run(model):
        return nn.fit(
            model,
            X,
            LABELS,
            loss=nn.cross_entropy,
            optimiser="sgd",
            epochs=3,
            batch_size=4,
            accumulate=5,
            seed=0,
            checkpoint=tmp_path / "state.h5",
            resume=True,
            verbose=False,
            advice=False,
        )

    for at in (2, 11, 12, 13):
        first, second, whole = Interrupting(at), Interrupting(0), Interrupting(0)
        assert run(first).stopped == "interrupted"
        run(second)
        # Twelve batches are an epoch: updates are after five, ten and all of them.
        assert first.calls == {2: 5, 11: 12, 12: 12, 13: 17}[at]
        (tmp_path / "state.h5").unlink()
        run(whole)
        (tmp_path / "state.h5").unlink()
        np.testing.assert_array_equal(second.inner.weight.data, whole.inner.weight.data)


@pytest.mark.parametrize("count", [0, -1, 2.5, None, True])
def test_no_number_of_batches_is_refused(count):
    with pytest.raises(ValueError, match="accumulate must be at least 1, not"):
        trained(X, LABELS, accumulate=count)


def test_compiled_updates_are_of_one_batch():
    with pytest.raises(
        ValueError, match=r"an update from one batch, and accumulate=2 from several"
    ):
        trained(X, LABELS, accumulate=2, compile=True)


def test_lazy_batches_are_added_up_as_well(monkeypatch):
    da = pytest.importorskip("dask.array")
    from nn.data import lazy_batches

    monkeypatch.setattr(lazy_batches, "BLOCK", 3 * 8 * 2)
    data = da.from_array(X, chunks=(3, 12)), da.from_array(LABELS, chunks=12)
    options = {"shuffle": False, "epochs": 2}
    found = trained(*data, batch_size=10, accumulate=2, **options)
    expected = trained(X, LABELS, batch_size=20, **options)
    np.testing.assert_allclose(found[0]["loss"], expected[0]["loss"], rtol=1e-10)
