"""Locks on the arrays that a live graph keeps: written to, they would make its gradients wrong.

NumPy's own flag does it. It holds for the array, for the arrays it is a view of, and for every view
made of them from then on; a view that was made before the lock keeps its own flag, and can still be
written through. That is the one way past the lock.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any

import numpy as np


class Hold:
    """What the nodes that keep an array share: it is locked for as long as one of them lives.

    Reference counting tells when that is. `reader` is the first operation that keeps it.
    """

    __slots__ = ("reader", "__weakref__")

    def __init__(self, reader: str) -> None:
        self.reader = reader


class _Lock(weakref.ref[Hold]):
    """A reference to a Hold that knows what to undo when the Hold is gone.

    `base` is the hold on the array that this one is a view of. `waiting` are the locks on views
    that nobody holds any more: NumPy makes them writeable only after their base.
    """

    __slots__ = ("array", "base", "locked", "waiting")

    array: np.ndarray
    base: Hold | None
    locked: bool
    waiting: list[_Lock]


# Held here, so that locks are released even if everything that held them is one garbage cycle.
_locks: dict[int, _Lock] = {}
# Reentrant, because the garbage collector may release one lock while another is being taken.
_guard = threading.RLock()


def find_hold(array: Any) -> Hold | None:
    """The hold on an array, if a live graph keeps it."""
    lock = _locks.get(id(array))
    return lock() if lock is not None else None


def hold(array: np.ndarray, reader: str) -> Hold:
    """The hold on an array that the operation called `reader` keeps: the one there is, or new.

    The array, and every array that it is a view of, is read-only while the hold exists. One that
    is read-only already stays so afterwards.
    """
    held = find_hold(array)
    if held is None:
        with _guard:
            held = find_hold(array) or _new_hold(array, reader)
    return held


def _new_hold(array: np.ndarray, reader: str) -> Hold:
    held = Hold(reader)
    lock = _Lock(held, _release)
    lock.array = array
    lock.base = hold(array.base, reader) if isinstance(array.base, np.ndarray) else None
    flags = array.flags
    lock.locked = flags.writeable
    if lock.locked:
        flags.writeable = False
    lock.waiting = []
    _locks[id(array)] = lock
    return held


def _release(lock: Any) -> None:
    """The last node that kept an array is gone."""
    with _guard:
        key = id(lock.array)
        if _locks[key] is lock:
            del _locks[key]
        base = lock.array.base
        lock.base = None
        if not lock.locked:
            return
        # Released above if nobody else holds it.
        if base is not None and find_hold(base) is not None:
            _locks[id(base)].waiting.append(lock)
        else:
            _unlock(lock)


def _unlock(lock: _Lock) -> None:
    try:
        lock.array.flags.writeable = True
    except ValueError:
        # Its base was made read-only by somebody else in the meantime, and stays so.
        pass
    for view in lock.waiting:
        if find_hold(view.array) is None:
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
