"""Locks for forked processes: `os.fork` copies one that another thread holds as held."""

from __future__ import annotations

import os
from typing import Any, TypeVar

Lock = TypeVar("Lock", bound=Any)


def fork_safe(lock: Lock) -> Lock:
    """`lock`, which a fork waits for, so that what it guards is whole in the child as well.

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
