"""Names of results while a function runs: those of the local variables that hold them, anywhere."""

from __future__ import annotations

from types import FrameType
from typing import Any

import numpy as np

from autograd_lite.graph import Leaf, Node, name_array
from autograd_lite.modes import Mode
from autograd_lite.observe import flat, is_value
from autograd_lite.pictures.structure import plain_array
from autograd_lite.source import users_frames
from autograd_lite.tensor import Tensor


class naming(Mode):
    """Names results after the variables of the person's functions that hold them.

    Local variables count in the function that the block calls and in all that it calls, also those
    that are overwritten later; and so do entries of dicts and lists in them, the attributes of the
    object that a method is of and of its class, and what a function reads globally. Where several
    hold a result, it gets the name that the outermost function has for it. Results that have a name
    keep it.

    A variable is seen when the next operation is recorded, which is before it can be overwritten by
    a result that depends on it.
    """

    def __init__(self) -> None:
        # By id: how deep in the calls it was seen, its name, and the tensor's node or the array.
        self._found: dict[int, tuple[int, str, Any]] = {}
        self._seen: dict[FrameType, dict[str, Any]] = {}

    def _changes(self, outside: FrameType) -> dict[str, Any]:
        self._outside = outside
        self._depths: dict[FrameType, int] = {}
        return {"note": self._look}

    def __exit__(self, *exception: object) -> None:
        super().__exit__(*exception)
        for frame in self._depths:
            self._look_into(frame)
        for _, name, held in self._found.values():
            if not isinstance(held, np.ndarray) and held.name is None:
                held.name = name
            # Views that are constants find their name by the array.
            array = plain_array(held)
            if isinstance(array, np.ndarray):
                name_array(array, name)
        self._found, self._seen, self._depths = {}, {}, {}

    def _look(self, result: Any) -> None:
        frames = [
            f for f in users_frames(self._outside) if not f.f_code.co_name.startswith("<listc")
        ]
        for depth, frame in enumerate(reversed(frames)):
            self._depths.setdefault(frame, depth)
            self._look_into(frame)

    def _look_into(self, frame: FrameType) -> None:
        code, variables = frame.f_code, frame.f_locals
        seen = self._seen.setdefault(frame, {})
        parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        # Of a method the object, or what a function is about.
        first = variables.get(parameters[0]) if parameters else None
        read = {name: frame.f_globals.get(name) for name in code.co_names}
        current = {
            name: value
            for name, value in flat({**read, **_attributes(first), **variables})
            # A parameter that came to hold something else keeps its name for what was passed.
            if seen.get(name) is not value and not (name in seen and name in parameters)
        }
        seen.update(current)
        for name, value in current.items():
            held = value._node if isinstance(value, Tensor) else value
            if isinstance(held, (Node, Leaf)) or (isinstance(held, np.ndarray) and held.size > 1):
                depth = self._depths[frame]
                if id(held) not in self._found or depth < self._found[id(held)][0]:
                    self._found[id(held)] = depth, name, held


def _attributes(owner: Any) -> dict[str, Any]:
    """The attributes of an object and those of its classes."""
    if is_value(owner) or isinstance(owner, (dict, list, tuple, str)):
        return {}
    spaces = (
        *(vars(kind) for kind in reversed(type(owner).__mro__)),
        getattr(owner, "__dict__", {}),
    )
    return {name: value for space in spaces for name, value in space.items()}
