"""Several worker processes give the costs of one, also when one of them is killed."""

import os
import signal
import threading
import time

import numpy as np
import pytest
from loops import engine_loop

import autograd_lite as al
import nn
from autograd_lite.arrays.dask import sources
from autograd_lite.arrays.dask.array import in_blocks

distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.slow,
    # A worker that is killed says so in many ways.
    pytest.mark.filterwarnings("ignore"),
]

RNG = np.random.default_rng(3)
SAMPLES = RNG.normal(size=(4000, 8))
LABELS = (SAMPLES[:, 0] * SAMPLES[:, 1] > 0).astype(int)


@pytest.fixture(scope="module")
def client():
    options = {"n_workers": 3, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    paths = [folder / f"{i}.h5" for i in range(4)]
    for path, own in zip(paths, np.split(np.arange(4000), 4), strict=True):
        nn.write_dataset(path, SAMPLES[own], LABELS[own])
    return paths


@pytest.fixture(params=["read by the workers", "on the workers", "sent to the workers"])
def data(request, client, files):
    import dask.array as da

    if request.param == "sent to the workers":
        return da.from_array(SAMPLES, chunks=(250, 8)), da.from_array(LABELS, chunks=250)
    X, y = nn.dask_arrays(files, rows=250)
    return (X.persist(), y.persist()) if request.param == "on the workers" else (X, y)


def kill_a_worker(client):
    processes = client.run(os.getpid)
    os.kill(min(processes.values()), signal.SIGKILL)


def test_a_plain_loop_gives_the_costs_of_one_process(data):
    X, y = data
    found = engine_loop(X.T, y[np.newaxis], steps=10)
    expected = engine_loop(SAMPLES.T, LABELS[np.newaxis], steps=10)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", [nn.LogisticRegression, nn.DeepClassifier])
def test_estimators_give_the_costs_of_one_process(kind, data):
    options = {"max_iter": 10, "learning_rate": 0.1, "random_state": 0}
    found = kind(**options).fit(*data)
    expected = kind(**options).fit(SAMPLES, LABELS)
    np.testing.assert_allclose(found.loss_curve_, expected.loss_curve_, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.predict_proba(data[0]), expected.predict_proba(SAMPLES))


def test_the_bits_are_those_of_threads(client, files):
    import dask

    X, y = nn.dask_arrays(files, rows=250)
    costs = [engine_loop(X.T, y[np.newaxis], steps=10)]
    for scheduler in ("threads", "synchronous"):
        with dask.config.set(scheduler=scheduler):
            costs.append(engine_loop(X.T, y[np.newaxis], steps=10))
    assert costs[0] == costs[1] == costs[2]


def test_a_killed_worker_changes_nothing(client, data):
    """Killed between two steps, and in the middle of one."""
    X, y = data
    expected = engine_loop(X.T, y[np.newaxis], steps=40)
    threading.Thread(target=lambda: (time.sleep(0.3), kill_a_worker(client))).start()
    first = engine_loop(X.T, y[np.newaxis], steps=20)
    kill_a_worker(client)
    assert first == expected[:20]
    assert engine_loop(X.T, y[np.newaxis], steps=40) == expected


def test_a_worker_can_be_killed_by_a_callback(client, data):
    def trained(callbacks):
        model = nn.Sequential(nn.Linear(8, 6, seed=0), nn.ReLU(), nn.Linear(6, 1, seed=1))
        return nn.fit(
            model,
            nn.flatten(data[0]),
            data[1][np.newaxis],
            loss=nn.binary_cross_entropy_with_logits,
            optimiser=nn.Adam(model.parameters()),
            epochs=12,
            batch_size=None,
            verbose=False,
            callbacks=callbacks,
        )

    def callback(training):
        if training.epoch == 5:
            kill_a_worker(client)

    assert trained([callback])["loss"] == trained([])["loss"]


def trained_apart(data, callbacks=()):
    model = nn.Sequential(nn.Linear(8, 6, seed=0), nn.Dropout(0.1, seed=1), nn.Linear(6, 1, seed=2))
    history = nn.fit(
        *(model, nn.flatten(data[0]), data[1][np.newaxis]),
        loss=lambda logits, y: nn.binary_cross_entropy_with_logits(logits, y),
        optimiser=nn.Adam(model.parameters(), 0.01),
        epochs=3,
        seed=0,
        average_every=4,
        replicas=5,
        callbacks=callbacks,
        verbose=False,
    )
    return history["loss"], *(array.tolist() for array in model.state_dict().values())


def test_replicas_on_workers_give_the_numbers_of_threads(client, files):
    import dask

    data = nn.dask_arrays(files, rows=250)
    found = trained_apart(data)
    with dask.config.set(scheduler="threads"):
        assert trained_apart(data) == found


def test_a_killed_worker_changes_nothing_for_replicas(client, data):
    def callback(training):
        if training.epoch == 1:
            kill_a_worker(client)

    assert trained_apart(data, [callback]) == trained_apart(data)


@pytest.mark.parametrize(
    ("kind", "gathered"),
    [("stopping early", True), ("plain", False)],
    ids=["stopping early, fetched", "plain, on the workers"],
)
def test_batches_give_the_numbers_of_threads(client, data, kind, gathered, monkeypatch):
    """Small batches, which are fetched, and large ones, which the workers compute with."""
    from nn.data import lazy_batches

    monkeypatch.setattr(lazy_batches, "BLOCK", 100 * 9 * 8)
    options = {"batch_size": 64, "max_iter": 3, "random_state": 0, "learning_rate": 0.1}
    options |= {"early_stopping": True} if kind == "stopping early" else {}

    def fitted(limit):
        monkeypatch.setattr(lazy_batches, "GATHERED", limit)
        return nn.DeepClassifier((5,), **options).fit(*data)

    found = fitted(2**20 if gathered else 0)
    x, y = (np.asarray(array) for array in data)
    expected = nn.DeepClassifier((5,), **options).fit(x, y)
    # Of other batches.
    np.testing.assert_allclose(found.loss_curve_, expected.loss_curve_, rtol=0.1)
    again = fitted(2**20 if gathered else 0)
    assert again.loss_curve_ == found.loss_curve_
    assert found.score(*data) == pytest.approx(expected.score(x, y), abs=0.1)


def test_flattened_data_can_be_persisted(client, files):
    X, y = nn.dask_arrays(files, rows=250)
    columns = nn.flatten(X).persist()
    found = engine_loop(columns, y[np.newaxis], steps=3)
    np.testing.assert_allclose(found, engine_loop(SAMPLES.T, LABELS[np.newaxis], 3), rtol=1e-10)
    np.testing.assert_array_equal(nn.flatten(X.persist()).compute(), SAMPLES.T)


@pytest.mark.parametrize("limit", [sources.LISTED_LIMIT_BYTES, 0])
def test_small_blocks_are_held_as_lists_as_well(client, limit, monkeypatch):
    import dask.array as da

    monkeypatch.setattr(sources, "LISTED_LIMIT_BYTES", limit)
    X = da.from_array(SAMPLES.T, chunks=(8, 100)).persist()
    y = da.from_array(LABELS[np.newaxis], chunks=(1, 100)).persist()
    found = engine_loop(X, y, steps=3)
    lists = in_blocks(X).step.lists
    assert bool(lists) == (limit > 0)
    expected = engine_loop(SAMPLES.T, LABELS[np.newaxis], steps=3)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


def gradient(X):
    W = al.Tensor(np.zeros((1, X.shape[0])), requires_grad=True)
    np.mean((W @ X - 1) ** 2).backward()
    return W.grad


def test_errors_name_the_block_the_file_and_the_worker(client, files):
    content = bytearray(files[2].read_bytes())
    content[len(content) // 2 :] = bytes(len(content) - len(content) // 2)
    damaged = files[2].with_name("damaged.h5")
    X, _ = nn.dask_arrays([*files[:2], files[2]], rows=250)
    damaged.write_bytes(content)
    X, _ = nn.dask_arrays([*files[:2], damaged], rows=250)
    with pytest.raises(nn.FileFormatError, match=r"damaged\.h5") as found:
        gradient(nn.flatten(X))
    (note,) = found.value.__notes__
    assert note.startswith("in the block from sample 2")
    assert "damaged.h5'" in note and "on the worker tcp://" in note
