"""Notes of operations besides the graph itself, for those who ask for them."""

from __future__ import annotations

from types import FrameType
from typing import Any

from autograd_lite.graph import Call
from autograd_lite.modes import Mode, watching
from autograd_lite.source import users_frames

__all__ = ["record_lines", "watching"]


class record_lines(Mode):
    """Notes the line that called each operation inside, for pictures.

    It also notes the functions on the way there, so that `draw(depth=...)` can fold them: a context
    manager and a decorator. It costs time, and keeps the local variables of those functions until
    it ends.

    Returns
    -------
    context manager and decorator

    See Also
    --------
    draw : Shows the lines, with `lines=True`.
    sheet : Has a row for each line.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> w = al.Tensor([1.0, 2.0], requires_grad=True)
    >>> with al.record_lines():
    ...     loss = np.sum(w**2)
    >>> picture = al.draw(loss, lines=True)
    """

    def _changes(self, outside: FrameType) -> dict[str, Any]:
        return {"calls": Calls(outside)}


class Calls:
    """The calls of a person's functions: one object for each call, however often it is met."""

    def __init__(self, outside: FrameType) -> None:
        self._outside = outside
        # A frame that is kept cannot be taken for a later one.
        self._known: dict[FrameType, Call] = {}

    def now(self) -> tuple[Call, ...]:
        """The calls that are running, the outermost first."""
        found = []
        for frame in users_frames(self._outside):
            if not frame.f_code.co_name.startswith("<"):
                if frame not in self._known:
                    self._known[frame] = Call(frame.f_code.co_qualname, 0)
                found.append(self._known[frame])
        return tuple(reversed(found))
