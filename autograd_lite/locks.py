"""Locks on the arrays that a live graph keeps: written to, they would make its gradients wrong.

NumPy's own flag does it. It holds for the array, for the arrays it is a view of, and for every view
made of them from then on; a view that was made before the lock keeps its own flag, and can still be
written through. That is the one way past the lock.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np


class Hold:
    """What the nodes that keep an array share: it is locked for as long as one of them lives.

    Reference counting tells when that is. `reader` is the first operation that keeps it. `base` is
    the hold on the array that this one is a view of. `own` is a token: the array becomes writeable
    when nobody has it any more, which are this hold and the `views` of the base's hold, because
    NumPy makes a view writeable only after its base. Python lets go of slots in the order of their
    names.
    """

    __slots__ = ("array", "base", "own", "reader", "views", "__weakref__")

    def __init__(self, array: np.ndarray, reader: str) -> None:
        self.array = array
        self.base: Hold | None = None
        self.own: Any = None
        self.reader = reader
        self.views: list[Any] = []


# By the id of the array. Everything that happens when a hold or a token is gone is a call of a
# builtin function, so that neither an interrupt nor another thread comes between.
_holds: dict[int, weakref.ref[Hold]] = {}
_tokens: dict[int, tuple[weakref.ref[Any], weakref.ref[Any]]] = {}


def find_hold(array: Any) -> Hold | None:
    """The hold on an array, if a live graph keeps it."""
    reference = _holds.get(id(array))
    return reference() if reference is not None else None


def hold(array: np.ndarray, reader: str) -> Hold:
    """The hold on an array that the operation called `reader` keeps: the one there is, or new.

    The array, and every array that it is a view of, is read-only while the hold exists. One that
    is read-only already stays so afterwards.
    """
    return find_hold(array) or _new_hold(array, reader)


def _new_hold(array: np.ndarray, reader: str) -> Hold:
    held, key = Hold(array, reader), id(array)
    known = _holds.setdefault(key, weakref.ref(held, partial(_holds.pop, key)))()
    if known is not None and known is not held:
        # Another thread came first.
        return known
    if isinstance(array.base, np.ndarray):
        held.base = hold(array.base, reader)
    held.own = _token(array)
    if held.base is not None and held.own is not None:
        held.base.views.append(held.own)
    return held


def _token(array: np.ndarray) -> Any:
    """What keeps an array read-only while somebody has it; None for one that was so before."""
    known = _tokens.get(id(array))
    token = known[0]() if known is not None else None
    if token is None and array.flags.writeable:
        # An array, because it is no garbage that the collector would take apart in any order.
        token = np.empty(0)
        gone = partial(_tokens.pop, id(array))
        # setflags(write=...) gets the reference itself, which is true.
        unlock: Callable[[Any], Any] = array.setflags
        _tokens[id(array)] = weakref.ref(token, gone), weakref.ref(token, unlock)
        array.flags.writeable = False
    return token


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
