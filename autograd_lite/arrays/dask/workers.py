"""What computes Dask's graphs: the threads of this process, or the workers of a cluster."""

from __future__ import annotations

import math
import os
import time
import warnings
import weakref
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
    """The client of the cluster that computes, or None."""
    client = getattr(get_scheduler(), "__self__", None)
    return client if hasattr(client, "scheduler_info") else None


def scheduler() -> Any:
    """The function that computes a graph."""
    return get_scheduler() or dask.threaded.get


def computes_here() -> bool:
    """Whether threads of this process compute, those of a cluster inside of it among them."""
    client = cluster_client()
    if client is None:
        return scheduler() is dask.threaded.get
    return str(client.scheduler.address).startswith("inproc://")


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
