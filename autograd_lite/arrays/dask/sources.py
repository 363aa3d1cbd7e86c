"""The Dask arrays that blocks come from."""

from __future__ import annotations

import itertools
import os
import uuid
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import dask
import numpy as np
from dask._task_spec import DataNode

from autograd_lite.arrays.contracts import Array
from autograd_lite.arrays.dask.expression import BlockStep, Parts, axis_of, kept
from autograd_lite.arrays.dask.unread import Index, MustRead, Unread, bounds, unread
from autograd_lite.arrays.dask.workers import MEMORY_SHARE, capacity, cluster_client

LISTED_LIMIT_BYTES = 2**26
"""A cluster holds the blocks of arrays of up to this many bytes in lists as well."""


class Load:
    """The nodes of Dask's graph by which a task gets one block itself, in order.

    With `index` it is some samples of the block along `axis`; `first` is the number of the block's
    first one in the array.
    """

    __slots__ = ("nodes", "axis", "first", "index")

    def __init__(self, nodes: list[Any], axis: int, first: int, index: Index | None = None) -> None:
        self.nodes: list[Any] = nodes
        self.axis: int = axis
        self.first: int = first
        self.index: Index | None = index

    def part(self, index: Index) -> Load:
        """A load of some of the samples."""
        return Load(self.nodes, self.axis, self.first, composed(self.index, index))

    def place(self) -> int | None:
        """The number of the first sample in the array."""
        return self.first + (0 if self.index is None else bounds(self.index)[0])

    def value(self, arrived: Iterator[Any]) -> Any:
        """The block, which the last node gives."""
        if self.index is not None:
            found = unread(self.nodes)
            if isinstance(found, Unread):
                return found.taken(self.axis, self.index)
            return found[(*(slice(None),) * self.axis, self.index)]
        values: dict[Any, Any] = {}
        for node in self.nodes:
            values[node.key] = node(values)
        return values[self.nodes[-1].key]

    def grain(self) -> int | None:
        """The number of samples that lie together where these are read in part, or None where the
        block is loaded for any of them."""
        try:
            found = unread(self.nodes, may_read=False)
        except MustRead:
            return None
        return found.grain(self.axis) if isinstance(found, Unread) else None

    def origin(self) -> str | None:
        """The file that the block is read from, where that can be told."""
        for node in self.nodes:
            stored = getattr(node, "value", None)
            for name in ("path", "filename", "store_path"):
                found = getattr(stored, name, None)
                if isinstance(found, str | os.PathLike) and os.fspath(found):
                    return os.fspath(found)
        return None


class Loaded:
    """A block that is here already."""

    __slots__ = ("array", "axis")

    def __init__(self, array: np.ndarray, axis: int) -> None:
        self.array: np.ndarray = array
        self.axis: int = axis

    def part(self, index: Index) -> Loaded:
        """Some samples of it."""
        return Loaded(self.array[(*(slice(None),) * self.axis, index)], self.axis)

    def value(self, arrived: Iterator[Any]) -> np.ndarray:
        """The block."""
        return self.array

    def grain(self) -> int | None:
        """Any samples can be taken."""
        return 1

    def origin(self) -> str | None:
        """None: there is no file."""
        return None

    def place(self) -> int | None:
        """Nobody knows where in an array it was."""
        return None


class Arriving:
    """A block, or some samples of it, that another task computes."""

    __slots__ = ("axis", "first", "index")

    def __init__(self, axis: int, first: int, index: Index | None = None) -> None:
        self.axis: int = axis
        self.first: int = first
        self.index: Index | None = index

    def part(self, index: Index) -> Arriving:
        """Some samples of it."""
        return Arriving(self.axis, self.first, composed(self.index, index))

    def place(self) -> int | None:
        """See Load."""
        return self.first + (0 if self.index is None else bounds(self.index)[0])

    def value(self, arrived: Iterator[Any]) -> Any:
        """The next of the blocks that have arrived."""
        block = next(arrived)
        return block if self.index is None else block[(*(slice(None),) * self.axis, self.index)]

    def grain(self) -> int | None:
        """1: any sample on a cluster can be taken."""
        return 1

    def origin(self) -> str | None:
        """None: there is no file."""
        return None


def composed(index: Index | None, inner: Index) -> Index:
    """The samples `inner` of those that `index` takes."""
    if index is None:
        return inner
    if not isinstance(index, slice):
        return index[inner]
    if not isinstance(inner, slice):
        return inner + index.start
    return slice(index.start + inner.start, index.start + inner.stop)


BlockLoad = Load | Loaded | Arriving


class Pick(NamedTuple):
    """Some samples of the block with a number."""

    block: int
    samples: Index


def lengths_of(picks: Sequence[Pick]) -> Parts:
    """The number of samples of each pick."""
    found = [pick.samples for pick in picks]
    return tuple(s.stop - s.start if isinstance(s, slice) else len(s) for s in found)


class Source(BlockStep):
    """A Dask array that is cut along one axis.

    `keys` are its blocks' in Dask's graph. `loads[i]` loads block i; it is `Arriving` where other
    tasks compute it, because it is on a cluster already, or shares its making with other blocks.
    `tasks` are those.
    """

    __slots__ = ("array", "original", "numbers", "keys", "loads", "tasks", "lists", "largest")

    def __init__(self, array: Array, axis: int) -> None:
        # Blocks without samples are left out: nothing is computed of them.
        self.numbers: list[int] = [i for i, n in enumerate(array.chunks[axis]) if n]
        parts = tuple(n for n in array.chunks[axis] if n)
        super().__init__(array.shape, array.dtype, axis, parts, None)
        # Assigning to items of a Dask array makes it another one.
        self.array: Array = array.copy()
        self.original: weakref.ref[Any] = weakref.ref(array)
        self.tasks: dict[Any, Any] | None = None
        self.lists: dict[tuple[int, int], Any] = {}
        self.largest: int | None = None

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
            keys = [keys[i] for i in self.numbers]
            # What is on a cluster already is not in the graph; its Futures stand for themselves.
            futures = {} if all(k in graph for k in keys) else dict(self.array.__dask_graph__())
            self.keys: list[Any] = [key if key in graph else futures[key] for key in keys]
            below = [_below(key, graph) for key in keys]
            users: dict[Any, int] = {}
            for key in (key for keys in below for key in keys):
                users[key] = users.get(key, 0) + 1
            axis = axis_of(self)
            loads: list[BlockLoad] = []
            tasks: dict[Any, Any] = {}
            firsts = [0, *itertools.accumulate(self.parts)]
            for keys, first in zip(below, firsts, strict=False):
                if all(k in graph and _can_move(graph[k], users[k]) for k in keys):
                    loads.append(Load([graph[k] for k in keys], axis, first))
                else:
                    loads.append(Arriving(axis, first))
                    tasks |= {k: graph[k] for k in keys if k in graph}
            # Last, and whole: another thread may be about to look, or looking as well.
            self.loads = loads
            self.tasks = tasks
        return self.tasks

    def grain(self) -> int | None:
        """See `Load.grain`: that of all blocks is the first one's."""
        tasks = self.prepare()
        # What other tasks compute here is computed whole.
        return None if tasks else self.loads[0].grain()

    def arriving(self, numbers: range) -> Any:
        """The keys of neighbouring blocks that other tasks compute.

        The keys; or the Future of a list of them, where they are on a cluster and small, so that a
        step has one key to look after in the place of sixteen. Its list is made once. Of large
        blocks, a worker would count the memory twice.
        """
        keys = [self.keys[i] for i in numbers if _arrives(self.loads[i])]
        client = cluster_client()
        if client is None or len(keys) < 2 or self.array.nbytes > _listed_limit():
            return keys
        if self.tasks or not all(hasattr(key, "release") for key in keys):
            return keys
        span = numbers.start, numbers.stop
        if span not in self.lists:
            name = f"autograd_lite-{uuid.uuid4().hex}"
            self.lists[span] = client.get({name: (list, keys)}, name, sync=False)
        return self.lists[span]

    def spread(self) -> float:
        """The samples read for one wanted sample, the gaps between wanted ones included."""
        return 1.0

    def largest_arriving(self) -> int:
        """The bytes of the largest block that another task computes."""
        if self.largest is None:
            self.prepare()
            sizes = [n for n, load in zip(self.parts, self.loads, strict=True) if _arrives(load)]
            self.largest = max(sizes, default=0) * self.bytes_of_a_sample
        return self.largest

    def selected(self, picks: Sequence[Pick]) -> Source:
        """Some samples of some blocks."""
        return Selection(self, picks)


class Selection(Source):
    """Samples of the blocks of a Dask array: each of the picks is a block of its own."""

    __slots__ = ("source", "picks")

    def __init__(self, source: Source, picks: Sequence[Pick]) -> None:
        axis = axis_of(source)
        parts = lengths_of(picks)
        shape = (*source.shape[:axis], sum(parts), *source.shape[axis + 1 :])
        BlockStep.__init__(self, shape, source.dtype, axis, parts, None)
        self.source: Source = source
        self.picks: list[Pick] = list(picks)
        self.tasks = None

    def prepare(self) -> dict[Any, Any]:
        """See Source: the tasks for these blocks alone."""
        if self.tasks is None:
            tasks, numbers = self.source.prepare(), [pick.block for pick in self.picks]
            loads = [self.source.loads[pick.block].part(pick.samples) for pick in self.picks]
            if isinstance(self.source, Pieces):
                self.keys: list[Any] = []
            else:
                self.keys = [self.source.keys[i] for i in numbers]
                needed = {k for i in {*numbers} for k in _below(self.source.keys[i], tasks)}
                tasks = {k: node for k, node in tasks.items() if k in needed}
            self.loads = loads
            self.tasks = tasks
        return self.tasks

    def selected(self, picks: Sequence[Pick]) -> Source:
        """See Source: of the array itself."""
        own = self.picks
        return Selection(
            self.source,
            [Pick(own[p.block].block, composed(own[p.block].samples, p.samples)) for p in picks],
        )

    def grain(self) -> int | None:
        """See Source: chosen samples are anywhere in the chunks of a file."""
        own = self.source.grain()
        is_whole = all(isinstance(pick.samples, slice) for pick in self.picks)
        return own if own is None or is_whole else 1

    def spread(self) -> float:
        """See Source."""
        found = [pick.samples for pick in self.picks]
        return max((b - a) / n for (a, b), n in zip(map(bounds, found), self.parts, strict=True))

    def largest_arriving(self) -> int:
        """See Source: blocks arrive whole."""
        return self.source.largest_arriving()

    def arriving(self, numbers: range) -> Any:
        """See Source: the keys themselves."""
        return [self.keys[i] for i in numbers if _arrives(self.loads[i])]


class Pieces(Source):
    """A NumPy array that each block takes its piece of."""

    __slots__ = ()

    def __init__(self, array: np.ndarray, axis: int, parts: Parts) -> None:
        BlockStep.__init__(self, array.shape, array.dtype, axis, parts, None)
        array = kept(array)
        self.array: np.ndarray = array
        self.tasks = {}
        self.keys: list[Any] = []
        ends = itertools.accumulate(parts)
        before = (slice(None),) * axis
        self.loads = [
            Loaded(array[(*before, slice(end - n, end))], axis)
            for n, end in zip(parts, ends, strict=True)
        ]

    def largest_arriving(self) -> int:
        """See Source: nothing arrives, for it is here."""
        return 0

    def arriving(self, numbers: range) -> Any:
        """See Source: nothing."""
        return []


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


def _arrives(load: BlockLoad) -> bool:
    return isinstance(load, Arriving)


def _listed_limit() -> float:
    """The bytes up to which an array may be on a cluster twice."""
    found = capacity()
    return min(LISTED_LIMIT_BYTES, found.threads * found.memory / MEMORY_SHARE)


def _can_move(node: Any, users: int) -> bool:
    """Whether a node can be inlined into the task of its user: data, or a node with one user."""
    return users == 1 or isinstance(node, DataNode)
