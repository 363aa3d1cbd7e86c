"""The boxes and arrows of a picture after folding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from autograd_lite.arrays.contracts import Array, Operand
from autograd_lite.graph import Leaf, Node
from autograd_lite.pictures.folding import Folded, Group
from autograd_lite.pictures.structure import Structure, flows_to, operands

OWN_BOX_LIMIT_CONSTANTS = 8
"""Up to this many constants that only one folded box reads have boxes of their own."""


@dataclass
class Box:
    """A box: an operation or a source, several sources in one, or a whole group.

    `what` holds the nodes or sources that it stands for, `inside` everything else in it, such as
    the parameters of a folded module.
    """

    name: str
    what: list[Operand]
    group: Group | None = None
    inside: list[Operand] = field(default_factory=list)


@dataclass
class Arrow:
    """An arrow from one box to another; `slot` is the operand's, or -1 for several operands.

    `carries` says that a gradient flows back, `again` that the arrow leads to the next copy of a
    block.
    """

    tail: str
    head: str
    head_node: Node
    slot: int
    carries: bool
    again: bool


@dataclass
class Frame:
    """Boxes and frames; a frame with a group is drawn with a line around it."""

    group: Group | None
    parts: list[Box | Frame] = field(default_factory=list)


class Boxes:
    """The boxes of a graph, in frames, and the arrows between them."""

    def __init__(self, graph: Structure, folded: Folded) -> None:
        self.graph = graph
        self.n: int = len(graph.nodes)
        self.of_node: np.ndarray = folded.boxes
        self.closed: dict[int, Group] = {g.stop - 1: g for g in _open(folded.groups, closed=True)}
        self.arrows: list[Arrow] = []
        self.sources: list[Box] = []
        self.source_numbers: dict[bytes, int] = {}
        self.top: Frame = Frame(None)
        shown = folded.shown.tolist()
        self.boxes: dict[int, Box] = {at: self._operation(i, at) for i, at in enumerate(shown)}
        self._frames(folded.groups, shown)
        self._place_sources()
        self._between_operations()
        self._drop_small_frames()
        self.arrows.sort(key=lambda arrow: (arrow.head_node.serial, arrow.slot))

    def _operation(self, i: int, at: int) -> Box:
        group = self.closed.get(at)
        if group is None:
            return Box(f"n{i}", [self.graph.nodes[at]])
        nodes = self.graph.nodes[group.start : group.stop]
        return Box(f"n{i}", [self.graph.nodes[at]], group, inside=nodes)

    def _frames(self, groups: list[Group], shown: list[int]) -> None:
        """Put the boxes of operations into the frames of open groups."""
        self.frame_of: dict[int, list[Frame]] = {}
        waiting = sorted(_open(groups, closed=False), key=lambda g: (g.start, -g.stop))[::-1]
        stack = [self.top]
        for at in shown:
            while len(stack) > 1 and _end(stack[-1]) <= at:
                stack.pop()
            while waiting and waiting[-1].start <= at:
                group = waiting.pop()
                if group.stop > at:
                    frame = Frame(group)
                    stack[-1].parts.append(frame)
                    stack.append(frame)
            stack[-1].parts.append(self.boxes[at])
            self.frame_of[at] = list(stack)

    def _edges(self, of_sources: bool) -> np.ndarray:
        """The arrows between boxes as rows of head, slot and tail, each once and in this order."""
        graph = self.graph
        chosen = (graph.tails >= self.n) == of_sources
        heads = self.of_node[graph.heads[chosen]]
        tails = graph.tails[chosen] - self.n if of_sources else self.of_node[graph.tails[chosen]]
        slots = graph.slots[chosen] + 1
        slots[np.isin(heads, list(self.closed))] = 0
        # Sorting one number per row is much faster than sorting rows.
        shown = np.array(list(self.boxes))
        many_slots, many_tails = int(slots.max(initial=0)) + 1, int(tails.max(initial=0)) + 1
        keys = (np.searchsorted(shown, heads) * many_slots + slots) * many_tails + tails
        keys, tails = np.divmod(np.unique(keys), many_tails)
        keys, slots = np.divmod(keys, many_slots)
        return np.stack([shown[keys], slots - 1, tails], axis=1)

    def _place_sources(self) -> None:
        rows = self._edges(of_sources=True)
        readers = np.bincount(rows[:, 2], minlength=len(self.graph.sources))
        starts = np.flatnonzero(np.any(np.diff(rows[:, :2], axis=0, prepend=-2), axis=1))
        together: dict[bytes, list[int]] = {}
        for part in np.split(rows, starts[1:]) if len(rows) else ():
            head, slot = int(part[0, 0]), int(part[0, 1])
            numbers = part[:, 2].copy()
            keys = [numbers]
            if head in self.closed:
                kept = self._swallow(head, numbers.tolist(), readers)
                keys = [np.array([number]) for number in kept]
            for key in keys:
                together.setdefault(key.tobytes(), []).append(head)
                self._arrow_from_source(key, head, slot)
        for key_bytes, heads in together.items():
            self._frame_source(np.frombuffer(key_bytes, dtype=np.int64), heads)

    def _swallow(self, head: int, numbers: list[int], readers: np.ndarray) -> list[int]:
        """The sources of a folded box that get boxes of their own; the box names the others."""
        own = [k for k in numbers if readers[k] == 1]
        group = self.closed[head]
        swallowed = {k for k in own if _owns(group, self.graph.sources[k])}
        if (group.scope is None and group.form is None) or len(own) - len(
            swallowed
        ) > OWN_BOX_LIMIT_CONSTANTS:
            swallowed = set(own)
        self.boxes[head].inside = [
            *self.boxes[head].inside,
            *(self.graph.sources[k] for k in numbers if k in swallowed),
        ]
        return [k for k in numbers if k not in swallowed]

    def _arrow_from_source(self, key: np.ndarray, head: int, slot: int) -> None:
        node, tail = self.graph.nodes[head], f"s{self._source_number(key)}"
        source = self.graph.sources[int(key[0])]
        if slot < 0:
            carries = isinstance(source, Leaf) and source.requires_grad
        else:
            carries = flows_to(node, slot)
        self.arrows.append(Arrow(tail, self.boxes[head].name, node, slot, carries, False))

    def _source_number(self, key: np.ndarray) -> int:
        return self.source_numbers.setdefault(key.tobytes(), len(self.source_numbers))

    def _frame_source(self, numbers: np.ndarray, heads: list[int]) -> None:
        """Put the box of a source before its first reader, in the innermost common frame."""
        sources = [self.graph.sources[k] for k in numbers.tolist()]
        box = Box(f"s{self._source_number(numbers)}", sources)
        self.sources.append(box)
        if len(sources) == 1:
            # A backward pass may read parameters outside their module.
            heads = [h for h in heads if self._owners(h, sources[0])] or heads
        stack = self.frame_of[heads[0]]
        for head in heads[1:]:
            stack = [f for f, g in zip(stack, self.frame_of[head], strict=False) if f is g]
        if len(sources) == 1:
            # A source that no module owns stands outside the frames.
            owners = [i for i in self._owners(heads[0], sources[0]) if i < len(stack)]
            stack = stack[: owners[-1] + 1 if owners else 1]
        parts = stack[-1].parts
        inside = self.frame_of[heads[0]][len(stack) :]
        before: Box | Frame = inside[0] if inside else self.boxes[heads[0]]
        parts.insert(next(i for i, part in enumerate(parts) if part is before), box)

    def _owners(self, head: int, source: Leaf | Array) -> list[int]:
        """The frames around an operation whose modules own a source, by their positions."""
        frames = enumerate(self.frame_of[head])
        return [i for i, frame in frames if frame.group and _owns(frame.group, source)]

    def _between_operations(self) -> None:
        for head, slot, tail in self._edges(of_sources=False).tolist():
            if head == tail and head in self.closed:
                continue
            node = self.graph.nodes[head]
            ends = self.boxes[tail].name, self.boxes[head].name
            # The first copy of a block may read a constant where the next one reads a result.
            own = slot >= 0 and isinstance(operands(node)[slot], Node)
            carries = flows_to(node, slot) if own else True
            self.arrows.append(Arrow(*ends, node, slot, carries, tail >= head))

    def _drop_small_frames(self) -> None:
        """Remove the frames around modules that are drawn as one box."""
        stack = [self.top]
        order = []
        while stack:
            frame = stack.pop()
            order.append(frame)
            stack += [part for part in frame.parts if isinstance(part, Frame)]
        for frame in reversed(order):
            frame.parts = [part for p in frame.parts for part in _worthwhile(p)]


def _worthwhile(part: Box | Frame) -> list[Box | Frame]:
    if isinstance(part, Frame) and part.group is not None:
        if part.group.copies == 1 and len(part.parts) < 2:
            return part.parts
    return [part]


def _open(groups: list[Group], closed: bool) -> Iterator[Group]:
    """The closed groups, or the open ones, that are not inside closed groups."""
    stack = list(groups)
    while stack:
        group = stack.pop()
        if group.closed == closed:
            yield group
        if not group.closed:
            stack += group.inner


def _end(frame: Frame) -> int:
    """The number after a frame's last operation with a box: the end of a block's first copy."""
    group = frame.group
    assert group is not None
    return group.start + (group.stop - group.start) // group.copies


def _owns(group: Group, source: Leaf | Array) -> bool:
    """Whether a group is a call of a module that has the source among its parameters."""
    if group.scope is None or not hasattr(group.scope.what, "parameters"):
        return False
    return any(parameter._node is source for parameter in group.scope.what.parameters())
