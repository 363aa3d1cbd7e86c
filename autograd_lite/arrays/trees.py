"""Trees: nested lists, tuples, named tuples, dicts, dataclasses and slices with any leaves.

None is a tree without leaves: an array that was left out.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from autograd_lite.arrays.contracts import Tree

Keys = tuple[Any, ...] | None
"""The keys of a dict, the names of a dataclass's fields, or None where items have places only."""


def split(tree: Tree) -> tuple[Keys, Sequence[Any]] | None:
    """The keys and the items of a container; None for a leaf.

    >>> split({"W": 1, "b": 2})
    (('W', 'b'), [1, 2])
    >>> split(3.0) is None
    True
    """
    kind = tree.__class__
    if kind is tuple or kind is list:
        return None, tree
    if isinstance(tree, dict):
        return tuple(tree), list(tree.values())
    if tree is None:
        return None, ()
    if isinstance(tree, (list, tuple)):
        return None, tree
    if kind is slice:
        return None, (tree.start, tree.stop, tree.step)
    if hasattr(kind, "__dataclass_fields__"):
        names = tuple(field.name for field in dataclasses.fields(tree))
        return names, [getattr(tree, name) for name in names]
    return None


def build(kind: type, keys: Keys, items: Sequence[Any]) -> Any:
    """The container of a kind with these items.

    >>> build(dict, ("W", "b"), [1, 2])
    {'W': 1, 'b': 2}
    """
    if kind is tuple or kind is list:
        return kind(items)
    if kind is type(None):
        return None
    if keys is None:
        return kind(*items) if kind is slice or hasattr(kind, "_fields") else kind(items)
    if issubclass(kind, dict):
        filled = kind.__new__(kind)
        filled.update(zip(keys, items, strict=True))
        return filled
    made = object.__new__(kind)
    for name, item in zip(keys, items, strict=True):
        # Frozen ones as well: nobody else has this one.
        object.__setattr__(made, name, item)
    return made


def rebuild(tree: Tree, keys: Keys, items: Sequence[Any]) -> Any:
    """`tree` with other items; further state of the container, such as a defaultdict's factory,
    stays.
    """
    kind = tree.__class__
    if keys is None or kind is dict:
        return build(kind, keys, items)
    same = copy.copy(tree)
    if isinstance(same, dict):
        same.update(zip(keys, items, strict=True))
        return same
    for name, item in zip(keys, items, strict=True):
        object.__setattr__(same, name, item)
    return same


def entries(tree: Tree) -> list[tuple[Any, Any]] | None:
    """The items of a container with their keys, or their places; None for a leaf.

    Containers are lists, tuples, named tuples, dicts, dataclasses and slices; None is an empty one.

    Parameters
    ----------
    tree : object
        A container, or anything else: a leaf.

    Returns
    -------
    list of tuple, or None

    Examples
    --------
    >>> from autograd_lite.extend import entries
    >>> entries(["a", "b"])
    [(0, 'a'), (1, 'b')]
    >>> entries({"W": 1.0})
    [('W', 1.0)]
    """
    parts = split(tree)
    if parts is None:
        return None
    keys, items = parts
    return list(zip(range(len(items)) if keys is None else keys, items, strict=True))


def map_leaves(apply: Callable[[Any], Any], tree: Tree) -> Any:
    """`tree` with `apply` done to each of its leaves.

    >>> map_leaves(abs, {"W": [-1, 2], "b": None})
    {'W': [1, 2], 'b': None}
    """
    parts = split(tree)
    if parts is None:
        return apply(tree)
    keys, items = parts
    return rebuild(tree, keys, [map_leaves(apply, item) for item in items])


def leaves_of(tree: Tree) -> list[Any]:
    """The leaves in their order.

    >>> leaves_of({"W": [1, 2], "b": 3})
    [1, 2, 3]
    """
    found: list[Any] = []
    _collect(tree, found)
    return found


def _collect(tree: Tree, found: list[Any]) -> None:
    parts = split(tree)
    if parts is None:
        found.append(tree)
    else:
        for item in parts[1]:
            _collect(item, found)


def map_paths(
    apply: Callable[[Any, Any], Any],
    tree: Tree,
    path: Any,
    entry: Callable[[Any, Any], Any],
) -> Any:
    """`tree` with `apply(leaf, path)` for each leaf, where `entry(path, key)` leads on to an item.

    >>> map_paths(lambda leaf, path: path, [1, {"a": 2}], "x", lambda path, key: f"{path}_{key}")
    ['x_0', {'a': 'x_1_a'}]
    """
    parts = split(tree)
    if parts is None:
        return apply(tree, path)
    keys, items = parts
    places = range(len(items)) if keys is None else keys
    changed = [
        map_paths(apply, item, entry(path, key), entry)
        for key, item in zip(places, items, strict=True)
    ]
    return rebuild(tree, keys, changed)
