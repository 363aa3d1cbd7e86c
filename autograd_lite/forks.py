"""Locks that survive a fork: `os.fork` copies a lock that another thread holds as held for ever."""

from __future__ import annotations

import os
from typing import Any, TypeVar

Lock = TypeVar("Lock", bound=Any)


def fork_safe(lock: Lock) -> Lock:
    """Makes a fork wait for `lock`, so that the data it guards is whole in the child as well.

    Parameters
    ----------
    lock : threading.Lock
        The lock.

    Returns
    -------
    threading.Lock
        The same.

    Examples
    --------
    >>> import threading
    >>> from autograd_lite.extend import fork_safe
    >>> lock = fork_safe(threading.Lock())
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(
            before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release
        )
    return lock
