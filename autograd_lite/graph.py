"""The computation graph: nodes, the arrays it starts from, and whether it is being recorded.

A Tensor is a value and a node. What a graph knows of an operation is a `Node`; what it knows of
a tensor that no operation made is a `Leaf`. The arrays that a graph reads from outside (leaves'
data and constants) each have one `Source`, which lives as long as a graph leads to it.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import sys
import threading
import weakref
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from types import FrameType
from typing import Any, ClassVar

import numpy as np

from autograd_lite.locks import lock, release
from autograd_lite.rules import Operation, Parts, Plan

next_serial = itertools.count().__next__

pauses: ContextVar[tuple[_Pause, ...]] = ContextVar("pauses", default=())
"""The `no_grad` blocks that this thread or task is in; empty while it records."""


class Node:
    """An operation that was recorded.

    `parents` has one entry per operand: a Node, a Source, or a plain scalar. `kept` holds what the
    operation's rules need (see `Plan`). Descending `serial` is a reverse topological order. After
    backward has freed the node, `parents` is None and `kept` is the line of that backward().
    """

    __slots__ = ("plan", "parents", "kept", "shape", "dtype", "serial", "name", "extra")

    requires_grad = True

    PARTS: ClassVar[tuple[Any, Any]] = (Parts.shape, Parts.dtype)
    """The shape and dtype of a node that stands for several arrays; its gradient is `Parts`."""

    def __init__(
        self,
        plan: Plan | Route,
        parents: tuple[Any, ...],
        kept: Any,
        shape: tuple[int, ...],
        dtype: Any,
    ) -> None:
        self.plan = plan
        self.parents: tuple[Any, ...] | None = parents
        self.kept = kept
        self.shape = shape
        self.dtype = dtype
        self.serial: int = next_serial()
        self.name: str | None = None
        self.extra: Extra | None = None

    def __repr__(self) -> str:
        return f"<node {self.serial}: {self.plan.operation.name} {self.shape}>"


class Route:
    """The plan of a node that computes nothing: it takes several arrays together, or apart."""

    __slots__ = ("operation", "vjps")

    names = ()
    origins = ()

    def __init__(self, operation: Operation, vjps: tuple[Any, ...]) -> None:
        self.operation = operation
        self.vjps = vjps


PACK = Operation(lambda *arrays: arrays, {})
PACK.name = "pack"


def pack_node(parents: tuple[Any, ...], needed: list[bool]) -> Node:
    """A node for several operands as one; its gradient's parts go to those that need one."""
    vjps = tuple(_part(i) if need else None for i, need in enumerate(needed))
    return Node(Route(PACK, vjps), parents, (), *Node.PARTS)


@functools.cache
def _part(i: int) -> Callable[[Any, Any], Any]:
    return lambda g, kept: g.items[i]


def item_nodes(joint: Node, results: tuple[Any, ...]) -> list[Node]:
    """A node for each result of an operation that has several."""
    templates = [(np.shape(result), result.dtype) for result in results]
    nodes = []
    for i, (shape, dtype) in enumerate(templates):
        item = Operation(joint.plan.operation.function, {})
        item.name = f"{joint.plan.operation.name}[{i}]"
        route = Route(item, (functools.partial(_only, i, templates),))
        nodes.append(Node(route, (joint,), (), shape, dtype))
    return nodes


def _only(i: int, templates: list[tuple[Any, Any]], g: Any, kept: Any) -> Parts:
    """Gradients of all results, of which only the i-th is not zero."""
    return Parts(
        g if k == i else np.broadcast_to(np.zeros((), dtype), shape)
        for k, (shape, dtype) in enumerate(templates)
    )


class Extra:
    """What leaves have, and only some nodes: a gradient, hooks on it, the line that made them."""

    __slots__ = ("retain", "grad", "hooks", "line")

    def __init__(self) -> None:
        self.retain = False
        self.grad: Any = None
        self.hooks: list[Callable[[Any], Any]] = []
        self.line: str | None = None


def _no_source() -> None:
    return None


class Leaf:
    """A tensor that no recorded operation made: a parameter, an input, a constant with a name."""

    __slots__ = ("name", "requires_grad", "extra", "source", "owns_data")

    def __init__(
        self, name: str | None = None, requires_grad: bool = False, owns_data: bool = True
    ) -> None:
        self.name = name
        # False for a result that was not recorded: its array may be another tensor's.
        self.owns_data = owns_data
        self.requires_grad = requires_grad
        self.extra = Extra()
        self.source: Callable[[], Source | None] = _no_source


class Source:
    """Where a graph starts: an array it reads, one Source per array for as long as one lives.

    An array that a rule keeps is locked against writing until the last graph that leads to it is
    gone; reference counting tells when that is.
    """

    __slots__ = ("array", "leaf", "shape", "dtype", "label", "reader", "__weakref__")

    def __init__(self, array: Any, leaf: Leaf | None) -> None:
        self.array = array
        self.leaf = leaf
        self.shape: tuple[int, ...] = array.shape
        self.dtype = array.dtype
        self.label: str | None = None
        self.reader: str | None = None

    @property
    def name(self) -> str | None:
        return self.label if self.leaf is None else self.leaf.name

    @property
    def requires_grad(self) -> bool:
        return self.leaf is not None and self.leaf.requires_grad

    def keep(self, reader: str) -> None:
        """Lock the array because the operation called `reader` keeps it."""
        if self.reader is None:
            self.reader = reader
            locks = lock(self.array)
            if locks:
                gone = functools.partial(_release, id(self), locks)
                _alive[id(self)] = weakref.ref(self, gone)


_constants: dict[int, weakref.ref[Source]] = {}
# Held here, so that a Source's locks are released even if its leaf is gone with it.
_alive: dict[int, weakref.ref[Source]] = {}
_sources_guard = threading.RLock()


def _release(key: int, locks: list[int], gone: weakref.ref[Source]) -> None:
    """The last graph that led to a Source is gone."""
    del _alive[key]
    release(locks)


def leaf_source(leaf: Leaf, array: Any) -> Source:
    """The Source of a leaf's array: the one that a live graph has, or a new one."""
    source = leaf.source()
    if source is None:
        with _sources_guard:
            source = leaf.source()
            if source is None:
                source = Source(array, leaf)
                leaf.source = weakref.ref(source)
    return source


def constant_source(array: Any) -> Source:
    """The Source of an array that is no tensor: the one that a live graph has, or a new one."""
    source = find_constant(array)
    if source is None:
        with _sources_guard:
            source = find_constant(array)
            if source is None:
                source = Source(array, None)
                gone = functools.partial(_forget, id(array))
                _constants[id(array)] = weakref.ref(source, gone)
    return source


def _forget(key: int, gone: weakref.ref[Source]) -> None:
    with _sources_guard:
        if _constants.get(key) is gone:
            del _constants[key]


def find_constant(array: Any) -> Source | None:
    """The Source of an array that is no tensor, if a live graph reads it."""
    reference = _constants.get(id(array))
    return reference() if reference is not None else None


def ancestors(roots: Iterable[Any]) -> list[Node]:
    """All nodes that `roots` depend on, themselves included, the latest first."""
    seen = {root for root in roots if root.__class__ is Node}
    stack = list(seen)
    while stack:
        for parent in stack.pop().parents or ():
            if parent.__class__ is Node and parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=lambda node: node.serial, reverse=True)


class _Pause:
    """One entered `no_grad`. Entered by a generator, it rests while the generator is suspended."""

    __slots__ = ("owner", "generator_frame")

    def __init__(self, owner: no_grad, frame: FrameType) -> None:
        suspends = frame.f_code.co_flags & (inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR)
        # A generator that contextlib drives stands for a `with` block, which is what pauses.
        driver = frame.f_back.f_code.co_filename if frame.f_back is not None else None
        self.owner = owner
        self.generator_frame = frame if suspends and driver != contextlib.__file__ else None

    def in_force(self) -> bool:
        # Only a frame that is running has a caller.
        return self.generator_frame is None or self.generator_frame.f_back is not None


def is_recording() -> bool:
    """Whether operations on tensors that require grad are recorded here and now."""
    return not any(pause.in_force() for pause in pauses.get())


class no_grad:
    """Operations inside are computed but not recorded: a context manager and a decorator.

    It holds for the thread, the task or the generator that entered it, and for no other; in a
    generator that `contextlib.contextmanager` decorates it holds for the `with` block.

    >>> with no_grad():
    ...     is_recording()
    False
    """

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        instance = super().__new__(cls)
        return instance if function is None else instance(function)

    def __enter__(self) -> None:
        pauses.set((*pauses.get(), _Pause(self, sys._getframe(1))))

    def __exit__(self, *exception: object) -> None:
        # Generators may end in any order, so this removes its own pause, not the latest.
        entered = list(pauses.get())
        for i in reversed(range(len(entered))):
            if entered[i].owner is self:
                del entered[i]
                break
        pauses.set(tuple(entered))

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def paused_generator(*args: Any, **kwargs: Any) -> Any:
                with no_grad():
                    return (yield from function(*args, **kwargs))

            return paused_generator
        if inspect.isasyncgenfunction(function):

            @functools.wraps(function)
            async def paused_async_generator(*args: Any, **kwargs: Any) -> Any:
                with no_grad():
                    async for item in function(*args, **kwargs):
                        yield item

            return paused_async_generator
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def paused_coroutine(*args: Any, **kwargs: Any) -> Any:
                with no_grad():
                    return await function(*args, **kwargs)

            return paused_coroutine

        @functools.wraps(function)
        def paused(*args: Any, **kwargs: Any) -> Any:
            with no_grad():
                return function(*args, **kwargs)

        return paused
