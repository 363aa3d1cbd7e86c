"""Locks on the arrays that a live graph keeps: written to, they would make its gradients wrong.

NumPy's own flag does it. It holds for the array, for the arrays it is a view of, and for every view
made of them from then on; a view that was made before the lock keeps its own flag, and can still be
written through. That is the one way past the lock.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array, Index
from autograd_lite.arrays.trees import map_leaves


class Hold:
    """A lock on an array, shared by the nodes that keep it, which ends with the last of them.

    Reference counting tells when that is. `reader` is the first operation that keeps it. For an
    array that is a view, `base` is the hold on the array behind it, and `own` a token: the view
    becomes writeable when nobody has that any more. The hold on the base has it among its `views`,
    because NumPy makes a view writeable only after its base.
    """

    __slots__ = ("array", "reader", "base", "own", "views", "__weakref__")

    def __init__(self, array: np.ndarray, reader: str) -> None:
        self.array: np.ndarray = array
        self.reader: str = reader
        self.base: Hold | None = None
        self.own: Any = None
        self.views: list[Any] = []


# By the id of the array: references that say what to do when a hold, or a token, is gone. That is
# always a call of a builtin function, so that neither an interrupt nor another thread comes
# between. `setflags(write=...)` gets the reference itself, which is true.
_holds: dict[int, tuple[weakref.ref[Hold], ...]] = {}
_tokens: dict[int, tuple[weakref.ref[Any], ...]] = {}


def find_hold(array: Array) -> Hold | None:
    """The hold on an array, if a live graph keeps it."""
    references = _holds.get(id(array))
    return references[0]() if references is not None else None


def hold(array: np.ndarray, reader: str) -> Hold:
    """The hold on an array for the operation `reader`: the existing one, or a new one.

    The array, and every array that it is a view of, is read-only while the hold exists. One that
    is read-only already stays so afterwards.
    """
    key = id(array)
    references = _holds.get(key)
    known = references[0]() if references is not None else None
    return _new_hold(array, reader, key) if known is None else known


def _new_hold(array: np.ndarray, reader: str, key: int) -> Hold:
    held = Hold(array, reader)
    behind = None if array.base is None else _array_behind(array)
    flags = array.flags
    locks = behind is None and flags.writeable
    # No name for the references: those that are not taken must be gone before the hold.
    known = _holds.setdefault(
        key,
        (_when_gone(held, partial(_holds.pop, key)), _when_gone(held, array.setflags))
        if locks
        else (_when_gone(held, partial(_holds.pop, key)),),
    )[0]()
    if known is not None and known is not held:
        # Another thread came first.
        return known
    if locks:
        flags.writeable = False
    elif behind is not None:
        held.base = hold(behind, reader)
        if array.base is behind:
            held.own = _token(array, held.base.views)
    return held


RELEASE_SECONDS = 0.2
"""How long an array that is to be written to may still be kept by a backward pass that is over."""


def released_soon(array: np.ndarray) -> bool:
    """Whether a locked array is writeable in a moment.

    Nothing says so at the end of a backward pass but that its frames are gone, and a thread that
    looks at the frames of all others keeps them for some milliseconds: profilers do, and so does
    every worker of a cluster of Dask's.
    """
    until = time.monotonic() + RELEASE_SECONDS * (threading.active_count() > 1)
    while not array.flags.writeable and time.monotonic() < until:
        time.sleep(0.001)
    return array.flags.writeable


def _array_behind(array: np.ndarray) -> np.ndarray | None:
    """The array that another is a view of.

    Windows and other views of np.lib.stride_tricks have it one object further on. NumPy would not
    make them writeable again, so they keep their flag.
    """
    base: Array = array.base
    if base is None or isinstance(base, np.ndarray):
        return base
    behind = base.base if type(base).__module__.startswith("numpy.lib") else None
    return behind if isinstance(behind, np.ndarray) else None


_when_gone: Callable[[Any, Callable[..., Any]], weakref.ref[Any]] = weakref.ref


def _token(view: np.ndarray, known: list[Any]) -> Any:
    """An object that keeps a view read-only while somebody has it; None for a view that was
    read-only before.

    A new one becomes one of the `known` tokens of its base, before it does anything.
    """
    references = _tokens.get(id(view))
    token = references[0]() if references is not None else None
    if token is None and view.flags.writeable:
        # An array, because it is no garbage that the collector would take apart in any order.
        token = np.empty(0)
        known.append(token)
        gone = partial(_tokens.pop, id(view))
        _tokens[id(view)] = _when_gone(token, gone), _when_gone(token, view.setflags)
        view.flags.writeable = False
    return token


class LockedArray(np.ndarray):
    """A read-only view; its error on writing says which operation keeps the array, and the way out.

    What NumPy makes of it by copying or computing is writeable, and behaves as any other array.
    """

    reason: str

    def __array_finalize__(self, source: Any) -> None:
        self.reason = getattr(source, "reason", "")

    def __setitem__(self, index: Index, value: Any) -> None:
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


def _refuse_if_locked(array: Array) -> None:
    if isinstance(array, LockedArray) and not _is_released(array):
        raise ValueError(array.reason)


def _is_released(view: np.ndarray) -> bool:
    """Whether the array behind a view is writeable in a moment, and the view with it."""
    if view.flags.writeable:
        return True
    behind = view.base
    if isinstance(behind, LockedArray):
        released = _is_released(behind)
    else:
        released = isinstance(behind, np.ndarray) and released_soon(behind)
    if released:
        view.flags.writeable = True
    return released


def _unlabelled(value: Any) -> Any:
    """`value` with LockedArrays as plain arrays, which are read-only as well."""

    def plain(leaf: Any) -> Any:
        return leaf.view(np.ndarray) if isinstance(leaf, LockedArray) else leaf

    return map_leaves(plain, value)


def locked_view(array: np.ndarray, reason: str) -> np.ndarray:
    """A view of `array` that raises ValueError with `reason` when it is written to."""
    view = array.view(LockedArray)
    view.flags.writeable = False
    view.reason = reason
    return view
