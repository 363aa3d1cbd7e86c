"""What is noted of operations besides the graph itself, where somebody asked for it."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextvars import ContextVar, Token
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

from autograd_lite.caller import users_frames
from autograd_lite.graph import Call


@dataclass(frozen=True)
class Watch:
    """Whether values are checked (`detect_anomaly`), and lines and calls noted (`record_lines`).

    `public` gives what is called for an operation, if not its function: a program that is traced
    notes it under the name that users call it by. `note` is called with every recorded tensor.
    """

    values: bool = False
    calls: Calls | None = None
    public: Callable[[Any], Callable[..., Any] | None] | None = None
    note: Callable[[Any], None] | None = None


watching: ContextVar[Watch | None] = ContextVar("watching", default=None)


class Watcher:
    """Base of the context managers, which are decorators too, that switch a part of it on."""

    def __init__(self) -> None:
        self._tokens: list[Token[Watch | None]] = []

    def _wanted(self, outside: FrameType) -> dict[str, Any]:
        raise NotImplementedError

    def __enter__(self) -> None:
        wanted = self._wanted(sys._getframe(1))
        self._tokens.append(watching.set(replace(watching.get() or Watch(), **wanted)))

    def __exit__(self, *exception: object) -> None:
        watching.reset(self._tokens.pop())

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:
            with type(self)():
                return function(*args, **kwargs)

        return watched


class record_lines(Watcher):
    """Inside, every operation notes the line that called it, for pictures.

    It also notes the functions on the way there, so that `draw(depth=...)` can fold them: a context
    manager and a decorator. It costs time, and keeps the local variables of those functions until
    it ends.

    >>> with record_lines():
    ...     pass
    """

    def _wanted(self, outside: FrameType) -> dict[str, Any]:
        return {"calls": Calls(outside)}


class Calls:
    """The calls of a person's functions, each of which is one object however often it is met."""

    def __init__(self, outside: FrameType) -> None:
        self._outside = outside
        # A frame that is kept cannot be taken for a later one.
        self._known: dict[FrameType, Call] = {}

    def now(self) -> tuple[Call, ...]:
        """Those that are running, the outermost first."""
        found = []
        for frame in users_frames(self._outside):
            if not frame.f_code.co_name.startswith("<"):
                if frame not in self._known:
                    self._known[frame] = Call(frame.f_code.co_qualname, 0)
                found.append(self._known[frame])
        return tuple(reversed(found))
