"""al.why_locked: the reason why an array is read-only, which NumPy's own error does not give."""

from __future__ import annotations

import builtins
import gc
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd_lite.arrays.locks import Hold, find_hold
from autograd_lite.graph import Node, ancestors, array_name
from autograd_lite.tensor import Tensor, living_tensors

LISTED_RESULTS = 5
"""Up to this many of the results that lead to an array are named."""


def why_locked(array: np.ndarray | Tensor) -> str | None:
    """A sentence that says why an array cannot be written to; None if it can.

    It names the operations that keep the array for a backward pass, the results that lead there,
    those that a notebook or a prompt keeps because it displayed them, and what to do. TypeError
    for what is neither a NumPy array nor a Tensor of one. It looks through all objects that are
    alive, so it is for finding a mistake and not for a loop.

    Parameters
    ----------
    array : numpy.ndarray or Tensor
        What cannot be written to.

    Returns
    -------
    str or None

    Raises
    ------
    TypeError
        For what is neither a NumPy array nor a Tensor of one.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> x = np.ones(3)
    >>> loss = np.sum(al.Tensor([1.0, 2.0, 3.0], requires_grad=True, name="w") * x)
    >>> print(al.why_locked(x))  # doctest: +ELLIPSIS
    the array of shape (3,) is read-only: multiply keeps it for a backward pass ...
    >>> loss.backward()
    >>> al.why_locked(x) is None
    True
    """
    found = array._value if isinstance(array, Tensor) else array
    if not isinstance(found, (np.ndarray, np.generic)):
        raise TypeError(f"why_locked() takes a NumPy array, not {type(found).__name__}")
    chain = list(_with_bases(found))
    owner = next((t for t in living_tensors() if any(t._value is a for a in (found, *chain))), None)
    what = _described(found, chain, owner)
    held = next((h for h in map(find_hold, chain) if h is not None), None)
    if held is not None and not found.flags.writeable:
        return f"{what} is read-only: {_reason(held)}"
    if owner is not None and not owner._owns_data():
        return (
            f"{what} is read-only: it is the result of an operation, which gradients may need as "
            "it is; write to a copy, .data.copy()"
        )
    if found.flags.writeable:
        return None
    stale = any(behind.flags.writeable for behind in chain[1:])
    return f"{what} is read-only, and no graph keeps it: " + (
        "it is a view that was made while the array behind it was read-only, or by a function like "
        "np.broadcast_to; make the view anew, or write to a copy"
        if stale
        else "somebody made it so, with setflags(write=False), say; write to a copy"
    )


def _with_bases(array: Any) -> Iterator[np.ndarray]:
    """An array, and the arrays that it is a view of."""
    while isinstance(array, np.ndarray):
        yield array
        array = array.base


def _described(array: Any, chain: list[np.ndarray], owner: Tensor | None) -> str:
    if owner is not None:
        view = "" if owner._value is array or owner.shape == array.shape else "a view of "
        return f"{view}{owner._describe()} of shape {owner.shape}"
    named = next((a for a in chain if array_name(a) is not None), None)
    if named is None:
        return f"the array of shape {array.shape}"
    view = "" if named.shape == array.shape else "a view of "
    return f"{view}the array {array_name(named)!r} of shape {named.shape}"


def _reason(held: Hold) -> str:
    nodes = sorted(_keepers(held), key=lambda node: node.serial)
    names = list(dict.fromkeys(node.plan.operation.name for node in nodes)) or [held.reader]
    keep = "keeps" if len(names) == 1 else "keep"
    results, displayed = _results_that_lead_to(nodes)
    reason = (
        f"{' and '.join(names)} {keep} it for a backward pass that has not run. Write after "
        "backward(), or to a copy, or compute under al.no_grad(), or drop what leads there"
    )
    if results:
        reason += f": {_listed(results)}"
    if displayed:
        was = "is kept because it was" if len(displayed) == 1 else "are kept because they were"
        ways = [f"you enter %xdel _{name[4:-1]}" for name in displayed if name.startswith("Out[")]
        ways += ["three more results are displayed"] * (len(ways) < len(displayed))
        reason += f". {' and '.join(displayed)} {was} displayed, until {' and '.join(ways)}"
    return reason


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:LISTED_RESULTS])
    return (
        shown if len(names) <= LISTED_RESULTS else f"{shown} and {len(names) - LISTED_RESULTS} more"
    )


def _keepers(held: Hold) -> Iterator[Node]:
    """The nodes that keep a hold, or one on a view of its array."""
    for referrer in gc.get_referrers(held):
        if isinstance(referrer, Hold):
            yield from _keepers(referrer)
        elif isinstance(referrer, tuple):
            for node in gc.get_referrers(referrer):
                if isinstance(node, Node) and node.kept is referrer:
                    yield node


def _results_that_lead_to(nodes: list[Node]) -> tuple[list[str], list[str]]:
    """Names the living Tensors whose graphs contain one of these nodes, the newest first.

    Secondly, what a notebook or a prompt calls those that it keeps.
    """
    results = [(t._node, t) for t in living_tensors() if isinstance(t._node, Node)]
    results.sort(key=lambda result: result[0].serial, reverse=True)
    leading = set(nodes)
    for node in reversed(ancestors(node for node, _ in results)):
        if not leading.isdisjoint(p for p in node.parents or () if isinstance(p, Node)):
            leading.add(node)
    leads = [t for node, t in results if node in leading]
    names = _displayed()
    return (
        [f"{t._describe()} of shape {t.shape}" for t in leads],
        [names[id(t)] for t in leads if id(t) in names],
    )


def _displayed() -> dict[int, str]:
    """The names that a notebook, or Python's prompt, has for the objects that it displayed, by
    their ids."""
    main = vars(sys.modules.get("__main__", builtins))
    out = main.get("Out")
    names = {id(main.get(name)): name for name in ("___", "__", "_")}
    names[id(vars(builtins).get("_"))] = "_"
    if isinstance(out, dict):
        names.update((id(value), f"Out[{number}]") for number, value in out.items())
    return names
