"""The Dask arrays that blocks come from."""

from __future__ import annotations

import itertools
import math
import os
import time
import uuid
import weakref
from collections.abc import Iterator
from typing import Any

import dask
import numpy as np
from dask.base import get_scheduler

from autograd_lite.arrays.dask.expression import BlockStep, Parts, kept

LARGEST_GROUP = 16
"""Blocks per task at most: what is lost with a worker, and the grain of Dask's progress bar."""

LISTED_LIMIT_BYTES = 2**26
"""A cluster holds the blocks of arrays of up to this many bytes in lists as well."""


class Load:
    """The nodes of Dask's graph by which a task gets one block itself, in order."""

    __slots__ = ("nodes",)

    def __init__(self, nodes: list[Any]) -> None:
        self.nodes = nodes

    def load(self) -> Any:
        """The block, which the last node gives."""
        values: dict[Any, Any] = {}
        for node in self.nodes:
            values[node.key] = node(values)
        return values[self.nodes[-1].key]


class Loaded:
    """A block that is here already."""

    __slots__ = ("value",)

    def __init__(self, value: np.ndarray) -> None:
        self.value = value

    def load(self) -> np.ndarray:
        """The block."""
        return self.value


class Source(BlockStep):
    """A Dask array that is cut along one axis.

    `keys` are its blocks' in Dask's graph. `loads[i]` loads block i, or is None where other
    tasks compute it: it is on a cluster already, or shares its making with other blocks. `tasks`
    are those.
    """

    __slots__ = ("array", "original", "keys", "loads", "tasks", "lists")

    def __init__(self, array: Any, axis: int) -> None:
        super().__init__(array.shape, array.dtype, axis, array.chunks[axis], None)
        # Assigning to items of a Dask array makes it another one.
        self.array, self.original = array.copy(), weakref.ref(array)
        self.tasks: dict[Any, Any] | None = None
        self.lists: dict[tuple[int, int], Any] = {}

    def exposed(self) -> Any:
        """The Dask array: the user's own object, if it is still there and the same."""
        original = self.original()
        same = original is not None and original.name == self.array.name
        return original if same else self.array

    def prepare(self) -> dict[Any, Any]:
        """Look at the array's graph, once; return the tasks of it that a graph must have."""
        if self.tasks is None:
            (array,) = dask.optimize(self.array)
            graph = dict(array.__dask_graph__())
            keys = list(_flat(array.__dask_keys__()))
            # What is on a cluster already is not in the graph; its Futures stand for themselves.
            futures = {} if all(k in graph for k in keys) else dict(self.array.__dask_graph__())
            self.keys = [key if key in graph else futures[key] for key in keys]
            below = [_below(key, graph) for key in keys]
            users: dict[Any, int] = {}
            for key in (key for keys in below for key in keys):
                users[key] = users.get(key, 0) + 1
            loads: list[Load | Loaded | None] = []
            tasks: dict[Any, Any] = {}
            for keys in below:
                if all(k in graph and _can_move(graph[k], users[k]) for k in keys):
                    loads.append(Load([graph[k] for k in keys]))
                else:
                    loads.append(None)
                    tasks |= {k: graph[k] for k in keys if k in graph}
            # Last, and whole: another thread may be about to look, or looking as well.
            self.loads, self.tasks = loads, tasks
        return self.tasks

    def arriving(self, numbers: range) -> Any:
        """The keys of neighbouring blocks that other tasks compute.

        The keys; or the Future of a list of them, where they are on a cluster and small, so that a
        step has one key to look after in the place of sixteen. Its list is made once. Of large
        blocks, a worker would count the memory twice.
        """
        keys = [self.keys[i] for i in numbers if self.loads[i] is None]
        client = _client()
        if client is None or len(keys) < 2 or self.array.nbytes > LISTED_LIMIT_BYTES:
            return keys
        if self.tasks or not all(hasattr(key, "release") for key in keys):
            return keys
        span = numbers.start, numbers.stop
        if span not in self.lists:
            name = f"autograd_lite-{uuid.uuid4().hex}"
            self.lists[span] = client.get({name: (list, keys)}, name, sync=False)
        return self.lists[span]


class Pieces(Source):
    """A NumPy array of which each block takes its piece."""

    __slots__ = ()

    def __init__(self, array: np.ndarray, axis: int, parts: Parts) -> None:
        BlockStep.__init__(self, array.shape, array.dtype, axis, parts, None)
        array = kept(array)
        self.array, self.tasks, self.keys = array, {}, []
        ends = itertools.accumulate(parts)
        before = (slice(None),) * axis
        self.loads = [
            Loaded(array[(*before, slice(end - n, end))])
            for n, end in zip(parts, ends, strict=True)
        ]


def _flat(keys: Any) -> Iterator[Any]:
    if isinstance(keys, list):
        for item in keys:
            yield from _flat(item)
    else:
        yield keys


def _below(key: Any, graph: dict[Any, Any]) -> list[Any]:
    """The keys that `key` depends on, itself included, each after those that it needs."""
    found: dict[Any, None] = {}
    stack = [(key, False)]
    while stack:
        key, ready = stack.pop()
        if ready:
            found[key] = None
        elif key not in found:
            needs = graph[key].dependencies if key in graph else ()
            stack += [(key, True), *((need, False) for need in needs)]
    return list(found)


def _can_move(node: Any, users: int) -> bool:
    """Whether a node can be part of the task that uses it: data can, and what one block uses."""
    return users == 1 or not node.dependencies


def group_size(blocks: int) -> int:
    """The number of blocks that one task goes through: a power of two that leaves a group for each
    thread."""
    size, threads = 1, max(_threads(), 1)
    while size < LARGEST_GROUP and blocks > size * threads:
        size *= 2
    return size


_clusters: weakref.WeakKeyDictionary[Any, tuple[float, int]] = weakref.WeakKeyDictionary()
_SECONDS = 10
"""How long the number of a cluster's threads is believed: to ask takes as long as a small step."""


def _client() -> Any:
    """The client of the cluster that computes, or None."""
    return getattr(get_scheduler(), "__self__", None)


def _threads() -> int:
    client = _client()
    if client is None:
        return dask.config.get("num_workers", None) or os.cpu_count() or 1
    asked, count = _clusters.get(client, (-math.inf, 0))
    if time.monotonic() > asked + _SECONDS:
        count = sum(client.nthreads().values())
        _clusters[client] = time.monotonic(), count
    return count
