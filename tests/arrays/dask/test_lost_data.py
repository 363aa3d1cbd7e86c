"""Data that a cluster in this process lost are told with the way to go on."""

import dask
import dask.array as da
import numpy as np
import pytest

import autograd_lite as al
from autograd_lite.arrays.dask import workers

distributed = pytest.importorskip("distributed")
# A client that is closed while it computes says so in many ways.
pytestmark = pytest.mark.filterwarnings("ignore")

SAMPLES = np.random.default_rng(0).normal(size=(8, 400))


@pytest.fixture
def client():
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None}
    # A client that is closed inside of its block stays Dask's scheduler; the setting takes it back.
    with dask.config.set(scheduler=None), distributed.Client(processes=False, **options) as client:
        yield client


def gradient(X):
    W = al.Tensor(np.zeros((1, X.shape[0])), requires_grad=True)
    np.mean((W @ X - 1) ** 2).backward()
    return W.grad


def persisted():
    X = da.from_array(SAMPLES, chunks=(8, 100)).persist()
    distributed.wait(X)
    np.testing.assert_allclose(gradient(X), gradient(SAMPLES))
    return X


def test_data_that_were_cancelled(client):
    X = persisted()
    client.cancel(X)
    with pytest.raises(RuntimeError, match=r"^data that the cluster kept are lost: .*persist\(\) "):
        gradient(X)


def test_data_of_a_client_that_was_closed(client):
    X = persisted()
    client.close()
    with pytest.raises(ConnectionError, match="^the cluster that kept the data is gone: start a"):
        gradient(X)


def test_a_client_that_is_closed_meanwhile(client):
    address = client.scheduler.address
    with pytest.raises(ConnectionError) as caught, workers.losses_explained([]):
        client.close()
        raise distributed.client.FutureCancelledError("key", "client closed")
    assert str(caught.value).startswith(f"the scheduler at {address} is gone: start a cluster")
    with pytest.raises(KeyError, match="other"), workers.losses_explained([]):
        raise KeyError("other")
