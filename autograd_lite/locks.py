"""Locks on the arrays that a live graph keeps: written to, they would make its gradients wrong."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np


class _Lock:
    __slots__ = ("array", "holders")

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.holders = 0


_locks: dict[int, _Lock] = {}
# Reentrant, because the garbage collector may release one lock while another is being taken.
_guard = threading.RLock()


def lock(array: Any) -> list[int]:
    """Make `array`, and every array that it is a view of, read-only; returns what to release.

    An array that is read-only already is left out, and so is one that is no `numpy.ndarray`.
    """
    chain: list[np.ndarray] = []
    while isinstance(array, np.ndarray):
        chain.append(array)
        array = array.base
    taken = []
    with _guard:
        for owner in reversed(chain):
            held = _locks.get(id(owner))
            if held is None:
                if not owner.flags.writeable:
                    continue
                owner.flags.writeable = False
                held = _locks[id(owner)] = _Lock(owner)
            held.holders += 1
            taken.append(id(owner))
    return taken


def release(taken: list[int]) -> None:
    """Undo one `lock`: what nobody else holds is writeable again."""
    if not taken:
        return
    with _guard:
        for key in taken:
            _locks[key].holders -= 1
        # NumPy makes a view writeable only after its base, so a view may have to wait for it.
        # A base is locked before its views, and a dict keeps that order.
        for key, held in list(_locks.items()):
            base = held.array.base
            if held.holders == 0 and not (isinstance(base, np.ndarray) and id(base) in _locks):
                held.array.flags.writeable = True
                del _locks[key]


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
            kwargs["out"] = tuple(_plain(array) for array in kwargs["out"])
        return getattr(ufunc, method)(*map(_plain, inputs), **kwargs)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return func(*map(_plain, args), **{name: _plain(value) for name, value in kwargs.items()})


def _refuse_if_locked(array: Any) -> None:
    if isinstance(array, LockedArray) and not array.flags.writeable:
        raise ValueError(array.reason)


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain, value))
    return value.view(np.ndarray) if isinstance(value, LockedArray) else value


def locked_view(array: np.ndarray, reason: str) -> np.ndarray:
    """A view of `array` that raises ValueError with `reason` when it is written to."""
    view = array.view(LockedArray)
    view.flags.writeable = False
    view.reason = reason
    return view
