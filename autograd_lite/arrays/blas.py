"""One thread for each matrix product, where more would wait for each other.

OpenBLAS's threads wait by spinning, once for each panel of the matrices: where the cores have other
work, be it other threads of this program, small products take many times as long with two threads
as with one.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator
from typing import Any

from autograd_lite.forks import fork_safe

_lock = fork_safe(threading.Lock())
_before: list[tuple[Any, int]] = []
"""The libraries whose threads are one now, and how many they had before."""

_users = 0
"""How many `with` blocks want it so, in all threads: the first one sets it, the last one puts it
back."""


@functools.cache
def _libraries() -> tuple[Any, ...]:
    """The BLAS libraries of this process; none where threadpoolctl is not installed."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return ()
    found = ThreadpoolController().lib_controllers
    return tuple(library for library in found if library.user_api == "blas")


def look_again() -> None:
    """Look for libraries that were loaded since."""
    _libraries.cache_clear()


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """While the block runs, matrix products take one thread, as far as threadpoolctl knows how.

    Yields
    ------
    None

    Examples
    --------
    >>> import numpy as np
    >>> from autograd_lite.extend import one_blas_thread
    >>> with one_blas_thread():
    ...     product = np.ones((2, 3)) @ np.ones((3, 2))
    """
    global _users
    libraries = _libraries()
    with _lock:
        if not _users:
            # Reading the number takes less time than setting it.
            found = [(library, library.num_threads) for library in libraries]
            _before[:] = [(library, threads) for library, threads in found if threads > 1]
            for library, _ in _before:
                library.set_num_threads(1)
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                for library, threads in _before:
                    library.set_num_threads(threads)
