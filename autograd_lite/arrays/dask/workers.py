"""Executors of Dask's graphs: the threads of this process, or the workers of a cluster."""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
import warnings
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import dask
from dask.base import get_scheduler

LARGEST_GROUP = 16
"""Blocks per task at most: what is lost with a worker, and the grain of Dask's progress bar."""

MEMORY_SHARE = 32
"""The blocks that a task waits for take up to a 32nd of the memory that its thread has."""

_BELIEVED_SECONDS = 10
"""How long the size of a cluster is believed: to ask takes as long as a small step."""


class Capacity(NamedTuple):
    """The number of threads, and the least memory in bytes that one of them has to itself."""

    threads: int
    memory: float


_clusters: weakref.WeakKeyDictionary[Any, tuple[float, Capacity]] = weakref.WeakKeyDictionary()


def cluster_client() -> Any:
    """The client of the cluster that computes, or None.

    A closed client stays Dask's scheduler until its `with` block ends, but computes nothing.
    """
    client: Any = getattr(get_scheduler(), "__self__", None)
    return client if hasattr(client, "scheduler_info") and client.status != "closed" else None


def scheduler() -> Any:
    """The function that computes a graph."""
    return get_scheduler() or dask.threaded.get


def computes_here() -> bool:
    """Whether threads of this process compute, those of a cluster inside of it among them."""
    client = cluster_client()
    if client is None:
        return scheduler() is dask.threaded.get
    return str(client.scheduler.address).startswith("inproc://")


def this_worker() -> str | None:
    """The address of the worker of a cluster that this runs on."""
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        return str(distributed.get_worker().address)
    except ValueError:
        return None


@contextlib.contextmanager
def losses_explained(keepers: Sequence[Any]) -> Iterator[None]:
    """Adds the way out to the error of a cluster, or of data on it, that is gone.

    `keepers` are the clients of the clusters that keep some of the data.
    """
    client = cluster_client()
    if any(client is None or keeper.status == "closed" for keeper in keepers):
        # Dask would miss keys.
        raise ConnectionError(_GONE.format("the cluster that kept the data"))
    # A client that is closed meanwhile forgets the address.
    where = "" if client is None else f"the scheduler at {client.scheduler.address}"
    try:
        yield
    except Exception as error:
        if client is None or type(error).__name__ not in _LOSSES:
            raise
        if client.status != "running":
            raise ConnectionError(_GONE.format(where)) from error
        raise RuntimeError(
            "data that the cluster kept are lost: the workers that had them are gone, or they were "
            f"cancelled; make the arrays anew and persist() them. Distributed says: {error}"
        ) from error


_LOSSES = ("FutureCancelledError", "FuturesCancelledError", "CancelledError", "ClosedClientError")
_GONE = (
    "{} is gone: start a cluster, make Client(address) and the arrays anew, and go on with "
    "nn.fit(..., checkpoint=PATH, resume=True) where a checkpoint was saved"
)


def capacity() -> Capacity:
    """The threads that compute, and their memory."""
    client = cluster_client()
    if client is None:
        threads = dask.config.get("num_workers", None) or os.cpu_count() or 1
        return Capacity(threads, math.inf)
    asked, found = _clusters.get(client, (-math.inf, Capacity(0, math.inf)))
    if not found.threads or time.monotonic() > asked + _BELIEVED_SECONDS:
        found = _of_cluster(client)
        _clusters[client] = time.monotonic(), found
    return found


def _of_cluster(client: Any) -> Capacity:
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    if not workers:
        warnings.warn(
            f"the cluster at {client.scheduler.address} has no workers: this waits until one "
            f"joins, as by 'dask worker {client.scheduler.address}' or cluster.scale(2)",
            UserWarning,
            stacklevel=2,
        )
    memories = [w["memory_limit"] / w["nthreads"] for w in workers if w["memory_limit"]]
    return Capacity(sum(w["nthreads"] for w in workers), min(memories, default=math.inf))


def group_size(blocks: int, arriving: int = 0) -> int:
    """The number of blocks that one task goes through, a power of two.

    It leaves a group for each thread, and memory: other tasks give it `arriving` bytes for each
    block, which it needs all at once.
    """
    found = capacity()
    size, threads, most = 1, max(found.threads, 1), found.memory / MEMORY_SHARE
    while size < LARGEST_GROUP and blocks > size * threads and 2 * size * arriving <= most:
        size *= 2
    return size
