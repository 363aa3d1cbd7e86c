"""Locks on the arrays that a live graph keeps: written to, they would make its gradients wrong.

NumPy's own flag does it. It holds for the array, for the arrays it is a view of, and for every view
made of them from then on; a view that was made before the lock keeps its own flag, and can still be
written through. That is the one way past the lock.
"""

from __future__ import annotations

import functools
import threading
import weakref
from typing import Any

import numpy as np


class Hold:
    """What the nodes that keep an array share: it is locked for as long as one of them lives.

    Reference counting tells when that is. `reader` is the first operation that keeps it.
    """

    __slots__ = ("array", "reader", "__weakref__")

    def __init__(self, array: Any, reader: str) -> None:
        self.array = array
        self.reader = reader


# Held here, so that locks are released even if everything that held them is one garbage cycle.
_holds: dict[int, weakref.ref[Hold]] = {}


def find_hold(array: Any) -> Hold | None:
    """The hold on an array, if a live graph keeps it."""
    reference = _holds.get(id(array))
    return reference() if reference is not None else None


def hold(array: Any, reader: str) -> Hold:
    """The hold on an array that the operation called `reader` keeps: the one there is, or new."""
    held = find_hold(array)
    if held is None:
        with _guard:
            held = find_hold(array)
            if held is None:
                held = Hold(array, reader)
                gone = functools.partial(_drop_hold, id(array), lock(array))
                _holds[id(array)] = weakref.ref(held, gone)
    return held


def _drop_hold(key: int, taken: list[int], gone: weakref.ref[Hold]) -> None:
    """The last node that kept an array is gone."""
    with _guard:
        if _holds.get(key) is gone:
            del _holds[key]
        release(taken)


class _Lock:
    __slots__ = ("array", "holders", "waiting")

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.holders = 0
        # Views that nobody holds any more: NumPy makes them writeable only after their base.
        self.waiting: list[_Lock] = []


_locks: dict[int, _Lock] = {}
# Reentrant, because the garbage collector may release one lock while another is being taken.
_guard = threading.RLock()


def lock(array: Any) -> list[int]:
    """Make `array`, and every array that it is a view of, read-only; returns what to release.

    An array that is read-only already is left out, and so is one that is no `numpy.ndarray`.
    """
    if not isinstance(array, np.ndarray):
        return []
    with _guard:
        if array.base is None:
            return [id(array)] if _hold(array) else []
        chain = []
        while isinstance(array, np.ndarray):
            chain.append(array)
            array = array.base
        # Bases first, in the order in which they are released.
        return [id(owner) for owner in reversed(chain) if _hold(owner)]


def _hold(array: np.ndarray) -> bool:
    """Count one more holder of `array`; False if somebody else has made it read-only."""
    held = _locks.get(id(array))
    if held is None:
        flags = array.flags
        if not flags.writeable:
            return False
        flags.writeable = False
        held = _locks[id(array)] = _Lock(array)
    held.holders += 1
    return True


def release(taken: list[int]) -> None:
    """Undo one `lock`: what nobody else holds is writeable again."""
    with _guard:
        for key in taken:
            held = _locks[key]
            held.holders -= 1
            if not held.holders:
                _unlock(held)


def _unlock(held: _Lock) -> None:
    base = held.array.base
    waits_for = _locks.get(id(base)) if base is not None else None
    if waits_for is not None:
        waits_for.waiting.append(held)
        return
    del _locks[id(held.array)]
    try:
        held.array.flags.writeable = True
    except ValueError:
        # Its base was made read-only by somebody else in the meantime, and stays so.
        pass
    for view in held.waiting:
        # It may have been locked again, or waited twice.
        if not view.holders and _locks.get(id(view.array)) is view:
            _unlock(view)


class LockedArray(np.ndarray):
    """A read-only view that says, when it is written to, who keeps the array and what to do.

    What NumPy makes of it by copying or computing is writeable, and behaves as any other array.
    """

    reason: str

    def __array_finalize__(self, source: Any) -> None:
        self.reason = getattr(source, "reason", "")

    def __setitem__(self, index: Any, value: Any) -> None:
        _refuse_if_locked(self)
        super().__setitem__(index, value)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        for written in kwargs.get("out", ()) if method != "at" else inputs[:1]:
            _refuse_if_locked(written)
        if "out" in kwargs:
            kwargs["out"] = tuple(_unlabelled(array) for array in kwargs["out"])
        return getattr(ufunc, method)(*map(_unlabelled, inputs), **kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        options = {name: _unlabelled(value) for name, value in kwargs.items()}
        return func(*map(_unlabelled, args), **options)


def _refuse_if_locked(array: Any) -> None:
    if isinstance(array, LockedArray) and not array.flags.writeable:
        raise ValueError(array.reason)


def _unlabelled(value: Any) -> Any:
    """`value` with LockedArrays as plain arrays, which are read-only as well."""
    if isinstance(value, (list, tuple)):
        return type(value)(map(_unlabelled, value))
    return value.view(np.ndarray) if isinstance(value, LockedArray) else value


def locked_view(array: np.ndarray, reason: str) -> np.ndarray:
    """A view of `array` that raises ValueError with `reason` when it is written to."""
    view = array.view(LockedArray)
    view.flags.writeable = False
    view.reason = reason
    return view
