"""Clusters that lose data, workers or their scheduler, or have little memory go on, or say so."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import autograd_lite as al
import nn

distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.slow,
    # A worker that is killed says so in many ways.
    pytest.mark.filterwarnings("ignore"),
]

RNG = np.random.default_rng(3)
SAMPLES = RNG.normal(size=(4000, 8))
LABELS = (SAMPLES[:, 0] * SAMPLES[:, 1] > 0).astype(int)


def gradient(X):
    W = al.Tensor(np.zeros((1, X.shape[0])), requires_grad=True)
    np.mean((W @ X - 1) ** 2).backward()
    return W.grad


def test_persisted_data_nearly_as_large_as_the_memory_of_the_workers():
    """200 MB on two workers of 220 MiB, which need half of it for themselves."""
    import dask.array as da

    options = {"n_workers": 2, "threads_per_worker": 1, "memory_limit": "220MiB"}

    def block(block_info=None):
        start, stop = block_info[None]["array-location"][1]
        return np.random.default_rng(start).normal(size=(64, stop - start))

    with (
        distributed.LocalCluster(**options, dashboard_address=None) as cluster,
        distributed.Client(cluster),
    ):
        X = da.map_blocks(block, chunks=((64,), (6_250,) * 64), dtype=float).persist()
        distributed.wait(X)
        found = [gradient(X) for _ in range(2)]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-10)


@pytest.mark.parametrize("how", ["cancelled", "restarted", "scattered to a worker that died"])
def test_lost_data_say_what_to_do(how):
    import dask.array as da

    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        X = da.from_array(SAMPLES.T, chunks=(8, 500)).persist()
        if how == "scattered to a worker that died":
            (block,) = client.scatter([SAMPLES.T])
            X = da.from_delayed(block, (8, 4000), float).persist()
        distributed.wait(X)
        assert gradient(X).shape == (1, 8)
        if how == "cancelled":
            client.cancel(X)
        elif how == "restarted":
            client.restart()
        else:
            for process in client.run(os.getpid).values():
                os.kill(process, signal.SIGKILL)
        with pytest.raises(RuntimeError, match=r"data that the cluster kept are lost.*persist\(\)"):
            gradient(X)


def test_a_scheduler_that_is_gone_is_named_with_the_way_to_go_on(tmp_path):
    import dask.array as da

    cluster = distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)
    client = distributed.Client(cluster)
    X = da.from_array(SAMPLES.T, chunks=(8, 500)).persist()
    Y = LABELS[np.newaxis].astype(float)
    distributed.wait(X)

    def trained(X, callbacks=()):
        model = nn.Linear(8, 1, seed=0)
        return nn.fit(
            model,
            X,
            Y,
            loss=nn.binary_cross_entropy_with_logits,
            optimiser="sgd",
            epochs=4,
            batch_size=None,
            checkpoint=tmp_path / "state.h5",
            resume=True,
            verbose=False,
            callbacks=callbacks,
        )["loss"]

    def close(training):
        if training.epoch == 2:
            client.close()
            cluster.close()

    with pytest.raises(ConnectionError, match=r"is gone: start a cluster.*resume=True"):
        trained(X, [close])
    resumed = trained(SAMPLES.T)
    (tmp_path / "state.h5").unlink()
    np.testing.assert_allclose(resumed, trained(SAMPLES.T), rtol=1e-12)


def test_a_cluster_without_workers_says_so_and_waits():
    import dask.array as da

    options = {"n_workers": 0, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster):
        X = da.from_array(SAMPLES.T, chunks=(8, 500))
        threading.Timer(0.5, cluster.scale, [1]).start()
        with pytest.warns(UserWarning, match=r"has no workers: this waits until one joins"):
            found = gradient(X)
    np.testing.assert_allclose(found, gradient(SAMPLES.T))


def test_an_adaptive_cluster_grows():
    import dask.array as da

    options = {"n_workers": 0, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        cluster.adapt(minimum=0, maximum=2, interval="100ms")

        def slow(block):
            time.sleep(0.5)
            return block

        X = da.from_array(SAMPLES.T, chunks=(8, 500)).map_blocks(slow, dtype=float)
        np.testing.assert_allclose(gradient(X), gradient(SAMPLES.T))
        assert client.nthreads()
