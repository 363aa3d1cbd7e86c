"""Names of results, taken while a function runs from the local variables that hold them."""

from __future__ import annotations

import sys
from types import CodeType, FrameType
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array
from autograd_lite.graph import Leaf, Node, name_array
from autograd_lite.modes import Mode
from autograd_lite.observe import flat, is_value
from autograd_lite.pictures.structure import plain_array
from autograd_lite.source import is_users
from autograd_lite.tensor import Tensor

ENTRY_LIMIT = 100
"""Lists and dicts of up to this many entries are searched while the function runs."""


class naming(Mode):
    """Names results after the variables that hold them in the person's functions.

    The variables are the local ones of the function that the block calls and of the functions that
    it calls, even if they are overwritten later; the entries of dicts and lists in them; the
    attributes of a method's object and of its class; and the globals that a function reads. If
    several hold a result, it gets its name in the outermost function. Results that have a name keep
    it.

    A variable is seen when the next operation joins the graph, before a result that depends on it
    can overwrite it.
    """

    def __init__(self) -> None:
        # By id: the depth of the call, the name, and the tensor's node or the array.
        self._found: dict[int, tuple[int, str, Node | Leaf | Array]] = {}
        self._frames: dict[FrameType, _Frame] = {}
        # Whether code is a person's own; cached, because every operation asks.
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
            # Views that are constants are named through the array.
            array = plain_array(held)
            if isinstance(array, np.ndarray):
                name_array(array, name)
        self._found, self._frames = {}, {}

    def _look(self, result: Tensor) -> None:
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
    """A call of a person's function, with the values that its variables last held."""

    def __init__(self, frame: FrameType, depth: int) -> None:
        self.frame = frame
        self.depth = depth
        code = frame.f_code
        self.parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        first = frame.f_locals.get(self.parameters[0]) if self.parameters else None
        # The first argument is the object of a method, or the subject of a function.
        has_attributes = not (is_value(first) or isinstance(first, (dict, list, tuple, str)))
        self.attributes: dict[str, Any] = getattr(first, "__dict__", {}) if has_attributes else {}
        self.seen: dict[str, Any] = {}
        self.unseen: dict[str, Any] = {name: frame.f_globals.get(name) for name in code.co_names}
        for kind in reversed(type(first).__mro__) if has_attributes else ():
            self.unseen.update(vars(kind))

    def changed(self, at_end: bool = False) -> dict[str, Any]:
        """The variables whose values have changed since the last look.

        Large lists and dicts are included only `at_end`.
        """
        found, self.unseen = self.unseen, {}
        for variables in (self.attributes, self.frame.f_locals):
            for name, value in list(variables.items()):
                if type(value) in (list, dict):
                    if at_end or len(value) <= ENTRY_LIMIT:
                        found[name] = value
                elif name not in self.seen or self.seen[name] is not value:
                    # The name of a reassigned parameter stays with the argument that was passed.
                    if name not in self.seen or name not in self.parameters:
                        found[name] = self.seen[name] = value
        return found
