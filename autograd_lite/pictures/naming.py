"""Names of results while a function runs: those of the local variables that hold them, anywhere."""

from __future__ import annotations

import sys
from types import CodeType, FrameType
from typing import Any

import numpy as np

from autograd_lite.graph import Leaf, Node, name_array
from autograd_lite.modes import Mode
from autograd_lite.observe import flat, is_value
from autograd_lite.pictures.structure import plain_array
from autograd_lite.source import is_users
from autograd_lite.tensor import Tensor

ENTRY_LIMIT = 100
"""Lists and dicts of up to this many entries are looked into while the function runs."""


class naming(Mode):
    """Names results after the variables of the person's functions that hold them.

    Local variables count in the function that the block calls and in all that it calls, also those
    that are overwritten later; and so do entries of dicts and lists in them, the attributes of the
    object that a method is of and of its class, and what a function reads globally. Where several
    hold a result, it gets the name that the outermost function has for it. Results that have a name
    keep it.

    A variable is seen when the next operation joins the graph, which is before it can be
    overwritten by a result that depends on it.
    """

    def __init__(self) -> None:
        # By id: how deep in the calls it was seen, its name, and the tensor's node or the array.
        self._found: dict[int, tuple[int, str, Any]] = {}
        self._frames: dict[FrameType, _Frame] = {}
        # Whether code is a person's own: asked for every operation.
        self._persons: dict[CodeType, bool] = {}

    def _changes(self, outside: FrameType) -> dict[str, Any]:
        self._outside = outside
        return {"note": self._look}

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        for frame in self._frames.values():
            self._note(frame.depth, frame.changed(at_end=True))
        for _, name, held in self._found.values():
            if not isinstance(held, np.ndarray) and held.name is None:
                held.name = name
            # Views that are constants find their name by the array.
            array = plain_array(held)
            if isinstance(array, np.ndarray):
                name_array(array, name)
        self._found, self._frames = {}, {}

    def _look(self, result: Any) -> None:
        if not isinstance(result._node, Node):
            return
        running: list[FrameType] = []
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame is not self._outside:
            code = frame.f_code
            if code not in self._persons:
                self._persons[code] = code.co_name != "<listcomp>" and is_users(frame)
            if self._persons[code]:
                running.append(frame)
            frame = frame.f_back
        for depth, frame in enumerate(reversed(running)):
            known = self._frames.get(frame)
            if known is None:
                known = self._frames[frame] = _Frame(frame, depth)
            variables = known.changed()
            if variables:
                self._note(depth, variables)

    def _note(self, depth: int, variables: dict[str, Any]) -> None:
        for name, value in flat(variables):
            held = value._node if isinstance(value, Tensor) else value
            if isinstance(held, (Node, Leaf)) or (isinstance(held, np.ndarray) and held.size > 1):
                if id(held) not in self._found or depth < self._found[id(held)][0]:
                    self._found[id(held)] = depth, name, held


class _Frame:
    """A call of a function of the person's: what its variables held when they were looked at."""

    def __init__(self, frame: FrameType, depth: int) -> None:
        self.frame = frame
        self.depth = depth
        code = frame.f_code
        self.parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        first = frame.f_locals.get(self.parameters[0]) if self.parameters else None
        # Of a method the object, or what a function is about.
        has_attributes = not (is_value(first) or isinstance(first, (dict, list, tuple, str)))
        self.attributes: dict[str, Any] = getattr(first, "__dict__", {}) if has_attributes else {}
        self.seen: dict[str, Any] = {}
        self.unseen: dict[str, Any] = {name: frame.f_globals.get(name) for name in code.co_names}
        for kind in reversed(type(first).__mro__) if has_attributes else ():
            self.unseen.update(vars(kind))

    def changed(self, at_end: bool = False) -> dict[str, Any]:
        """The variables that hold something else than when they were looked at before.

        Large lists and dicts are among them `at_end` only.
        """
        found, self.unseen = self.unseen, {}
        for variables in (self.attributes, self.frame.f_locals):
            for name, value in list(variables.items()):
                if type(value) in (list, dict):
                    if at_end or len(value) <= ENTRY_LIMIT:
                        found[name] = value
                elif name not in self.seen or self.seen[name] is not value:
                    # A parameter that came to hold something else keeps its name for what was
                    # passed.
                    if name not in self.seen or name not in self.parameters:
                        found[name] = self.seen[name] = value
        return found
