"""What a notebook displays, and results that it alone keeps because it displayed them.

IPython keeps what a cell ends in, as `Out[1]` and `_`. A graph that is alive for that reason alone
would keep the arrays that it was computed from read-only. After each cell such graphs get copies of
those arrays, so that they can be written to and `_.backward()` is right all the same.
"""

from __future__ import annotations

import gc
import re
import sys
from types import FrameType
from typing import Any

import numpy as np

from autograd_lite.arrays.locks import Hold
from autograd_lite.graph import Node, ancestors
from autograd_lite.tensor import Tensor, living_tensors

_DISPLAYED = re.compile(r"_{1,3}|_\d+")


def notebook() -> Any:
    """IPython's shell where it has a front end that displays results, else None."""
    shell = _shell()
    return shell if hasattr(shell, "kernel") else None


def _shell() -> Any:
    return getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()


def watch_notebook() -> None:
    """Have IPython, if this runs in it, release displayed results after each cell."""
    shell = _shell()
    if shell is not None:
        shell.events.register("post_run_cell", lambda result: release_displayed(shell, result))


def release_displayed(shell: Any, result: Any = None) -> None:
    """Unlock the arrays that are read-only for results that only `shell` keeps.

    `result` is what it says of the last cell.
    """
    out = shell.user_ns.get("Out", {})
    results = {id(value): value for value in out.values() if issubclass(type(value), Tensor)}
    displayed = [t for t in results.values() if isinstance(t._node, Node) and _locks(t._node)]
    del results
    if not displayed:
        return
    alone = {id(t) for t in displayed if _is_only_displayed(t, shell, (displayed, result))}
    others = [t._node for t in living_tensors() if id(t) not in alone]
    kept = set(ancestors(others))
    reached = ancestors(t._node for t in displayed if id(t) in alone)
    _release([node for node in reached if node not in kept])


def _locks(node: Node) -> bool:
    """Whether a graph keeps arrays that are locked for it: once released, it does not."""
    kept = (other.kept for other in ancestors([node]))
    return any(isinstance(i, Hold) for items in kept if isinstance(items, tuple) for i in items)


def _is_only_displayed(tensor: Tensor, shell: Any, known: tuple[Any, ...]) -> bool:
    """Whether only `known` objects, and IPython's own for display, refer to a Tensor."""
    # Not the Tensor itself in a comprehension: its cell would be one more that refers to it.
    key = id(tensor)
    names = [name for name, value in shell.user_ns.items() if id(value) == key]
    if not all(_DISPLAYED.fullmatch(name) for name in names):
        return False
    known += (shell.user_ns, shell.user_ns_hidden, shell.user_ns.get("Out"), shell.displayhook)
    known += tuple(getattr(one, "__dict__", None) for one in known)
    return all(
        any(referrer is one for one in known) or isinstance(referrer, FrameType)
        for referrer in gc.get_referrers(tensor)
    )


def _release(nodes: list[Node]) -> None:
    """Gives nodes copies of the arrays that they lock, and of the views that share their memory."""
    kept = [node for node in nodes if isinstance(node.kept, tuple)]
    locked = [item.array for node in kept for item in node.kept if isinstance(item, Hold)]
    copies: dict[int, Any] = {}

    def apart(item: Any) -> Any:
        if isinstance(item, (tuple, list)):
            return type(item)(map(apart, item))
        if not isinstance(item, np.ndarray):
            return item
        if id(item) not in copies:
            shared = any(np.may_share_memory(item, array) for array in locked)
            copies[id(item)] = item.copy() if shared else item
        return copies[id(item)]

    if locked:
        for node in kept:
            node.kept = tuple(apart(i) for i in node.kept if not isinstance(i, Hold))
