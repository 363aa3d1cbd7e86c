"""Modes: `with` blocks that change whether and how the operations inside are recorded.

A block holds for the thread, the task or the generator that entered it, and for no other. An
interrupt may come at any point, even while a block is left; a block is therefore in force only
as long as the object that entered it is alive, which is as long as its `with` statement runs.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])

entered: ContextVar[tuple[_Entry, ...]] = ContextVar("entered", default=())
"""The blocks that this thread or task is in, the outermost first; empty for most programs."""


@dataclass(frozen=True)
class Watch:
    """Whether values are checked (`detect_anomaly`), and lines and calls noted (`record_lines`).

    `public` gives what is called for an operation, if not its function: a program that is traced
    notes it under the name that users call it by. `note` is called with every recorded tensor.
    """

    values: bool = False
    calls: Any = None
    public: Callable[[Any], Callable[..., Any] | None] | None = None
    note: Callable[[Any], None] | None = None


class _Entry:
    """One entered block: its changes, and the frame in which they hold.

    Entered by a generator, it rests while the generator is suspended. `lost` is a note for the
    first tensor whose connection was cut in the block.
    """

    __slots__ = ("owner", "generator_frame", "changes", "lost")

    def __init__(self, owner: Mode, frame: FrameType, changes: dict[str, Any]) -> None:
        self.owner = weakref.ref(owner)
        self.generator_frame = _suspending(frame)
        self.changes = changes
        self.lost: Any = None

    def in_force(self) -> bool:
        # Only a frame that is running has a caller.
        frame = self.generator_frame
        return self.owner() is not None and (frame is None or frame.f_back is not None)


class Mode:
    """Base of the context managers, which are decorators too, that change how things are recorded.

    A subclass says what by `_changes`: `records`, `stand_ins`, or any field of `Watch`.
    """

    def _changes(self, outside: FrameType) -> dict[str, Any]:
        raise NotImplementedError

    def __enter__(self) -> None:
        frame = sys._getframe(1)
        entry = _Entry(self, frame, self._changes(frame))
        try:
            entered.set((*_living(), entry))
        except BaseException:
            entered.set(tuple(e for e in entered.get() if e is not entry))
            raise

    def __exit__(self, *exception: object) -> None:
        # Generators may end in any order, so this removes its own entry, not the latest.
        entries = list(entered.get())
        for i in reversed(range(len(entries))):
            if entries[i].owner() is self:
                del entries[i]
                break
        entered.set(tuple(entries))

    def _again(self) -> Mode:
        """A new one of the same kind, for a call of a decorated function."""
        return type(self)()

    def __call__(self, function: Function) -> Function:
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generator(*args: Any, **kwargs: Any) -> Any:
                with self._again():
                    return (yield from function(*args, **kwargs))

            return cast(Function, generator)
        if inspect.isasyncgenfunction(function):

            @functools.wraps(function)
            async def async_generator(*args: Any, **kwargs: Any) -> Any:
                with self._again():
                    async for item in function(*args, **kwargs):
                        yield item

            return cast(Function, async_generator)
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def coroutine(*args: Any, **kwargs: Any) -> Any:
                with self._again():
                    return await function(*args, **kwargs)

            return cast(Function, coroutine)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return cast(Function, call)


class no_grad(Mode):
    """Operations inside are computed but not recorded: a context manager and a decorator.

    It holds for the thread, the task or the generator that entered it, and for no other; in a
    generator that `contextlib.contextmanager` decorates it holds for the `with` block.

    Parameters
    ----------
    function : callable, optional
        What to decorate; `with no_grad():` has none.

    Returns
    -------
    context manager, or callable
        The decorated function, where there is one.

    Examples
    --------
    >>> import autograd_lite as al
    >>> W = al.Tensor([1.0], requires_grad=True)
    >>> with al.no_grad():
    ...     W -= 0.5
    >>> W
    Tensor([0.5], requires_grad=True)
    """

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        instance = super().__new__(cls)
        return instance if function is None else instance(function)

    def _changes(self, outside: FrameType) -> dict[str, Any]:
        return {"records": False}


class recording(Mode):
    """Operations inside are recorded, also where the caller does not record."""

    def _changes(self, outside: FrameType) -> dict[str, Any]:
        return {"records": True}


class watching(Mode):
    """Operations inside are noted as the fields of `Watch` say."""

    def __init__(self, **changes: Any) -> None:
        self._wanted = changes

    def _changes(self, outside: FrameType) -> dict[str, Any]:
        return self._wanted

    def _again(self) -> Mode:
        return watching(**self._wanted)

    @staticmethod
    def get() -> Watch | None:
        """The `Watch` that is in force here and now; None if nothing is noted besides the graph."""
        wanted: dict[str, Any] = {}
        for entry in entered.get():
            if not entry.changes.keys() & {"records", "stand_ins"} and entry.in_force():
                wanted |= entry.changes
        return Watch(**wanted) if wanted else None


class swapped(Mode):
    """Puts other tensors in the place of some, inside and for nobody else: a trace sees its own
    values.

    `stand_ins` has for the `id` of each tensor the pair of it and the one that stands for it.
    """

    def __init__(self, stand_ins: dict[int, tuple[Any, Any]]) -> None:
        self._stand_ins = stand_ins

    def _changes(self, outside: FrameType) -> dict[str, Any]:
        return {"stand_ins": self._stand_ins}


def is_recording() -> bool:
    """Whether operations on tensors that require grad are recorded here and now."""
    return pausing() is None


def pausing() -> Any:
    """The entry of the block that keeps operations from being recorded, if one does."""
    for entry in reversed(entered.get()):
        if "records" in entry.changes and entry.in_force():
            return None if entry.changes["records"] else entry
    return None


def stand_in(tensor: Any) -> Any:
    """The tensor in the place of another here and now: itself, unless it is `swapped`."""
    for entry in reversed(entered.get()):
        pair = entry.changes.get("stand_ins", {}).get(id(tensor))
        if pair is not None and entry.in_force():
            return pair[1]
    return tensor


def _living() -> tuple[_Entry, ...]:
    """The entries without those of blocks that were interrupted as they were left."""
    return tuple(entry for entry in entered.get() if entry.owner() is not None)


def _suspending(frame: FrameType | None) -> FrameType | None:
    """The generator whose `with` block is entered, directly or through contextlib; None if there is
    none.

    What contextlib calls, and a generator that it drives, stand for the `with` block behind them.
    """
    while frame is not None and frame.f_back is not None:
        files = (frame.f_code.co_filename, frame.f_back.f_code.co_filename)
        if contextlib.__file__ not in files:
            break
        frame = frame.f_back
    flags = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR | inspect.CO_COROUTINE
    return frame if frame is not None and frame.f_code.co_flags & flags else None
