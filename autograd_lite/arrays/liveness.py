"""Liveness: where in a sequence of steps each value is read for the last time."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import TypeVar

V = TypeVar("V", bound=Hashable)


def last_uses(reads: Iterable[Iterable[V]]) -> dict[V, int]:
    """The number of the last step that reads each value, for what each step reads.

    >>> last_uses([["a"], ["a", "b"], ["b"]])
    {'a': 1, 'b': 2}
    """
    return {value: at for at, values in enumerate(reads) for value in values}


def released(reads: Sequence[Iterable[V]], kept: Collection[V] = ()) -> list[list[V]]:
    """The values that nobody reads after each step, but for those that are `kept`.

    >>> released([["a"], ["a", "b"], ["b"]], kept="b")
    [[], ['a'], []]
    """
    done: list[list[V]] = [[] for _ in reads]
    for value, at in last_uses(reads).items():
        if value not in kept:
            done[at].append(value)
    return done
