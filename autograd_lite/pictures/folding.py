"""The boxes that a large graph shows: repeated blocks once, calls and the middle as one box."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from autograd_lite.graph import Leaf, Node
from autograd_lite.pictures.forms import named_forms
from autograd_lite.pictures.structure import Scope, Structure
from autograd_lite.pictures.text import sign_of

FOLD_LIMIT_NODES = 40
"""With more operations than this, repeated blocks are drawn once, unless the caller decides."""

PICTURE_LIMIT_BOXES = 250
"""A folded picture has about this many operations at most."""

FOLD_LEAST_COPIES = 3
"""Blocks that repeat at least this often in a row are drawn once."""

BLOCK_LIMIT_ITEMS = 400
"""Repeated blocks have up to this many items."""

PROBED_PLACES = 5_000
"""This many places of a longer sequence are probed for long blocks before it is searched."""

END_ITEMS = 12
"""This many items stay at either end where the middle of a sequence is drawn as one box."""


@dataclass
class Group:
    """The operations from `start` to `stop`, drawn together in a frame or as one box.

    `copies` counts the copies of a repeated block, of which only the first is drawn. A `closed`
    group is one box. A group is the call of its `scope`, the formula named `form`, or the
    operations of one `line` of source; without any of these, it is a repeated block, or the middle
    of a long sequence.
    """

    start: int
    stop: int
    scope: Scope | None = None
    copies: int = 1
    closed: bool = False
    inner: list[Group] = field(default_factory=list)
    form: str | None = None
    line: str | None = None


@dataclass
class Folded:
    """The groups of a picture, and the operation whose box represents each operation."""

    groups: list[Group]
    boxes: np.ndarray

    @property
    def shown(self) -> np.ndarray:
        """The operations whose boxes are drawn."""
        # A count is much faster than a sort where most operations are in the same boxes.
        return np.flatnonzero(np.bincount(self.boxes))


def folded(
    graph: Structure,
    depth: int | None = None,
    fold: bool | None = None,
    *,
    forms: bool = False,
    lines: bool = False,
    most: int = PICTURE_LIMIT_BOXES,
    backward: int | None = None,
    gradients: bool = False,
) -> Folded:
    """The groups of a graph, with calls opened down to `depth` and repeated blocks folded.

    `forms` says whether named formulas are one box, `lines` whether the operations of a line are a
    group. Unless `fold` is False, about `most` operations are left, or fewer. `backward` is the
    number of the first operation of a backward pass; `gradients` says whether the computation of a
    named gradient is one box there.
    """
    top = _groups(graph, graph.scopes, depth)
    for start, stop, name in named_forms(graph, backward) if forms else ():
        _insert(top, Group(start, stop, closed=True, form=name))
    for start, stop, text in _gradients(graph, backward) if gradients else ():
        _insert(top, Group(start, stop, closed=True, form=text))
    for start, stop, line in _lines(graph, top) if lines else ():
        _insert(top, Group(start, stop, line=line))
    picture = _folded(graph, top)
    if fold is False:
        return picture
    if fold or len(picture.shown) > min(FOLD_LIMIT_NODES, most):
        _fold_repeats(graph, top)
        picture = _folded(graph, top)
    for level in range(min(_deepest(graph.scopes), 20), -1, -1):
        if len(picture.shown) <= most:
            return picture
        _close(top, level)
        picture = _folded(graph, top)
    for shrink in (_cut, _close_all):
        if len(picture.shown) > most:
            picture = _folded(graph, shrink(top, most))
    return picture


def _groups(graph: Structure, scopes: list[Scope], depth: int | None) -> Group:
    """A group that holds all operations, with the scopes as groups inside."""
    top = Group(0, len(graph.nodes))
    waiting = [(top, scope) for scope in scopes]
    while waiting:
        outer, scope = waiting.pop()
        closed = depth is not None and scope.level > depth
        group = Group(scope.start, scope.stop, scope, closed=closed)
        outer.inner.append(group)
        if not closed:
            waiting += [(group, inner) for inner in scope.inner]
    for group in walk(top):
        group.inner.sort(key=lambda g: g.start)
    return top


def _insert(top: Group, group: Group) -> None:
    """Put a group into the innermost group around it, unless it overlaps with another."""
    outer = top
    while True:
        around = (g for g in outer.inner if g.start <= group.start and group.stop <= g.stop)
        smaller = next(around, None)
        if smaller is None or smaller.closed:
            break
        outer = smaller
    within = [g for g in outer.inner if g.start < group.stop and group.start < g.stop]
    if smaller is None and all(group.start <= g.start and g.stop <= group.stop for g in within):
        group.inner = [] if group.closed else within
        kept = [g for g in outer.inner if g not in within]
        outer.inner = sorted([*kept, group], key=lambda g: g.start)


def _lines(graph: Structure, top: Group) -> Iterator[tuple[int, int, str]]:
    """Start, stop and source line of each run of operations that one line computed."""
    for group in list(walk(top)):
        found: tuple[int, int, str | None] = (0, 0, None)
        for start, stop, inner in [*_items(group), (group.stop, group.stop, None)]:
            called = inner is not None and inner.form is None
            line = None if called or start == stop else _line(graph.nodes[stop - 1])
            if line != found[2]:
                if found[2] is not None and found[1] - found[0] > 1:
                    yield found[0], found[1], found[2]
                found = start, stop, line
            found = found[0], stop, line


def _gradients(graph: Structure, backward: int | None) -> Iterator[tuple[int, int, str]]:
    """Start, stop and operations of the computation of each named gradient."""
    start = len(graph.nodes) if backward is None else backward
    for stop in range(start + 1, len(graph.nodes) + 1):
        if graph.nodes[stop - 1].name:
            if stop - start > 1:
                names = dict.fromkeys(sign_of(n.plan.operation) for n in graph.nodes[start:stop])
                more = ", …" if len(names) > 3 else ""
                yield start, stop, ", ".join(list(names)[:3]) + more
            start = stop


def _line(node: Node) -> str | None:
    return node.extra.line if node.extra is not None else None


def walk(top: Group) -> Iterator[Group]:
    """All groups, each after the groups around it."""
    stack = [top]
    while stack:
        group = stack.pop()
        yield group
        stack += reversed(group.inner)


def _deepest(scopes: list[Scope]) -> int:
    deepest, stack = 0, list(scopes)
    while stack:
        scope = stack.pop()
        deepest = max(deepest, scope.level)
        stack += scope.inner
    return deepest


def _close(top: Group, level: int) -> None:
    for group in walk(top):
        if group.scope is not None and group.scope.level > level:
            group.closed, group.inner = True, []


def _cut(top: Group, most: int) -> Group:
    """`top` with its middle items as one box, so that about `most` items are left."""
    items = list(_items(top))
    ends = min(END_ITEMS, max(1, most // 2 - 1))
    if len(items) > 2 * ends + 1:
        first, last = items[ends][0], items[-ends][0]
        kept = [g for g in top.inner if g.stop <= first or g.start >= last]
        top.inner = sorted([*kept, Group(first, last, closed=True)], key=lambda g: g.start)
    return top


def _close_all(top: Group, most: int) -> Group:
    for group in top.inner:
        group.closed, group.inner = True, []
    return top


def _items(group: Group) -> Iterator[tuple[int, int, Group | None]]:
    """The operations and groups inside a group, each with its start and stop."""
    at = group.start
    for inner in group.inner:
        yield from ((i, i + 1, None) for i in range(at, inner.start))
        yield inner.start, inner.stop, inner
        at = inner.stop
    yield from ((i, i + 1, None) for i in range(at, group.stop))


def _folded(graph: Structure, top: Group) -> Folded:
    boxes = np.arange(len(graph.nodes))
    # Innermost first, so that the inner blocks of a copied block are done.
    for group in reversed(list(walk(top))):
        if group.closed:
            boxes[group.start : group.stop] = group.stop - 1
        elif group.copies > 1:
            length = (group.stop - group.start) // group.copies
            block = boxes[group.start : group.start + length]
            boxes[group.start : group.stop] = np.tile(block, group.copies)
    return Folded(top.inner, boxes)


def _fold_repeats(graph: Structure, top: Group) -> None:
    """Put repeated blocks into groups of their own, innermost first."""
    patterns = _patterns(graph)
    of_group: dict[int, int] = {}
    numbers: dict[bytes, int] = {}
    for group in reversed(list(walk(top))):
        if not group.closed:
            spans, kinds = _sequence(group, patterns, of_group)
            spans, kinds, group.inner = _folded_sequence(spans, kinds, group.inner, numbers, graph)
            key = kinds.tobytes()
        else:
            key = patterns[group.start : group.stop].tobytes()
        # Negative numbers keep kinds of groups apart from kinds of operations.
        of_group[id(group)] = -1 - numbers.setdefault(key, len(numbers))


def _patterns(graph: Structure) -> np.ndarray:
    """A number for each operation, equal for equal operations on operands of equal shapes.

    The number does not depend on where operands come from: those of the first copy of a block come
    from outside, those of later copies from the copy before.
    """
    n = len(graph.nodes)
    known: dict[object, int] = {}
    shapes = [(box.shape, box.dtype) for box in (*graph.nodes, *graph.sources)]
    kinds = np.array([known.setdefault(shape, len(known)) for shape in shapes], dtype=np.int64)
    operations = [known.setdefault(node.plan.operation, len(known)) for node in graph.nodes]
    with np.errstate(over="ignore"):
        mixed = kinds[graph.tails].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(29))) * (2 * graph.slots.astype(np.uint64) + 3)
        sums = np.zeros(n, dtype=np.uint64)
        np.add.at(sums, graph.heads, mixed)
        sums ^= np.array(operations, dtype=np.uint64) * np.uint64(0xBF58476D1CE4E5B9)
        sums ^= kinds[:n].astype(np.uint64) * np.uint64(0x94D049BB133111EB)
    return np.unique(sums, return_inverse=True)[1].astype(np.int64)


def _is_parameter(source: object) -> bool:
    return isinstance(source, Leaf) and source.requires_grad


def _sequence(
    group: Group, patterns: np.ndarray, of_group: dict[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The start and stop of each item of a group, and its kind."""
    if not group.inner:
        starts = np.arange(group.start, group.stop)
        return np.stack([starts, starts + 1], axis=1), patterns[group.start : group.stop]
    items = list(_items(group))
    spans = np.array([(start, stop) for start, stop, _ in items])
    kinds = [patterns[i] if g is None else of_group[id(g)] for i, _, g in items]
    return spans, np.array(kinds, dtype=np.int64)


def _folded_sequence(
    spans: np.ndarray,
    kinds: np.ndarray,
    inner: list[Group],
    numbers: dict[bytes, int],
    graph: Structure,
) -> tuple[np.ndarray, np.ndarray, list[Group]]:
    """The items with repeated blocks merged, short blocks first, so that loops may nest."""
    groups = {(g.start, g.stop): g for g in inner}
    length = 1
    while length <= min(len(kinds) // FOLD_LEAST_COPIES, BLOCK_LIMIT_ITEMS):
        runs = list(_runs(kinds, length, spans, graph))
        if not runs:
            length += 1
            continue
        keep = np.ones(len(kinds), dtype=bool)
        kinds = kinds.copy()
        for first, copies in runs:
            last = first + length * copies
            start, stop = int(spans[first, 0]), int(spans[last - 1, 1])
            repeat = Group(start, stop, copies=copies)
            if groups:
                block = [groups.pop((int(a), int(b)), None) for a, b in spans[first:last]]
                repeat.inner = [g for g in block[:length] if g is not None]
            groups[start, stop] = repeat
            pattern = b"%d " % copies + kinds[first : first + length].tobytes()
            spans[first] = start, stop
            kinds[first] = -1 - numbers.setdefault(pattern, len(numbers))
            keep[first + 1 : last] = False
        spans, kinds = spans[keep], kinds[keep]
        length = 1 if length > 1 else 2
    return spans, kinds, sorted(groups.values(), key=lambda g: g.start)


def _runs(
    kinds: np.ndarray, length: int, spans: np.ndarray, graph: Structure
) -> Iterator[tuple[int, int]]:
    """The start and count of each run of `length` items that repeats often enough."""
    ahead, behind = kinds[length:], kinds[:-length]
    if length > 16 and len(ahead) > PROBED_PLACES:
        # In a long sequence, only a block that makes up most of it is worth the search.
        step = len(ahead) // PROBED_PLACES
        if np.count_nonzero(ahead[::step] == behind[::step]) * 2 < PROBED_PLACES:
            return
    same = ahead == behind
    if np.count_nonzero(same) < (FOLD_LEAST_COPIES - 1) * length:
        return
    edges = np.flatnonzero(np.diff(np.concatenate(([False], same, [False])))).reshape(-1, 2)
    long = edges[:, 1] - edges[:, 0] >= (FOLD_LEAST_COPIES - 1) * length
    taken = 0
    for begin, end in edges[long]:
        begin = max(int(begin), taken)
        begin += _natural_start(begin, length, spans, graph)
        copies = (int(end) - begin) // length + 1
        if copies >= FOLD_LEAST_COPIES:
            yield begin, copies
            taken = begin + copies * length


def _natural_start(begin: int, length: int, spans: np.ndarray, graph: Structure) -> int:
    """The shift after which a block of `length` items begins with one that reads a parameter."""
    if length == 1:
        return 0
    n = len(graph.nodes)
    for shift in range(length):
        start, stop = spans[begin + shift]
        low, high = np.searchsorted(graph.heads, [start, stop])
        if any(_is_parameter(graph.sources[t - n]) for t in graph.tails[low:high] if t >= n):
            return shift
    return 0
