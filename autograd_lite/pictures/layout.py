"""Positions of boxes, frames and arrows from Graphviz, in points, with y running down."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from autograd_lite.pictures.boxes import Box, Boxes, Frame
from autograd_lite.rendering import Picture, rendered

POINTS_PER_INCH = 72
LINE_HEIGHT = 15.0
CHARACTER_WIDTH = 6.6
PADDING = 14.0

LONG_ARROW_STEPS = 25
"""Steps of computation from which only the end of an arrow is drawn in a large graph: Graphviz
takes time for every rank that an arrow crosses."""

LARGE_GRAPH_ARROWS = 300
"""Graphs of more arrows are large."""

Point = tuple[float, float]


@dataclass
class Layout:
    """Centre and size of each box by name, the curve of each arrow in their order, and the frames.

    A curve is a start and then three points for each Bezier segment; its tip is the point that the
    arrow head is to reach.
    """

    width: float
    height: float
    boxes: dict[str, tuple[float, float, float, float]]
    arrows: list[tuple[list[Point], Point]]
    frames: list[tuple[Frame, float, float, float, float]]


def layout(boxes: Boxes, texts: dict[str, Sequence[str]]) -> Layout:
    """The layout of boxes that hold the given lines of text, by name, from left to right."""
    picture = Picture("layout", graph_attr={"rankdir": "LR", "ordering": "in", "nodesep": "0.3"})
    picture.attr("node", shape="box", fixedsize="true", label="")
    frames: list[Frame] = []
    stack: list[Any] = list(reversed(boxes.top.parts))
    while stack:
        part = stack.pop()
        if part is None:
            picture.body.append("\t}\n")
        elif isinstance(part, Frame):
            # Room for its label.
            picture.body.append(f'\tsubgraph cluster_{len(frames)} {{\n\tlabel=" "\n')
            frames.append(part)
            stack.append(None)
            stack += reversed(part.parts)
        else:
            picture.node(part.name, **_size(part, texts))
    long = _long(boxes) if len(boxes.arrows) > LARGE_GRAPH_ARROWS else set()
    for number, arrow in enumerate(boxes.arrows):
        if number not in long:
            picture.edge(arrow.tail, arrow.head, comment=str(number))
    found = _read(json.loads(rendered(picture.source, "json")), frames)
    for number in sorted(long):
        arrow = boxes.arrows[number]
        found.arrows.insert(number, _stub(found.boxes[arrow.tail], found.boxes[arrow.head]))
    return found


def _long(boxes: Boxes) -> set[int]:
    """The arrows that span many steps, by number; the first from each box is not among them."""
    rank: dict[str, int] = {}
    for arrow in boxes.arrows:
        # A source stands right before the first that reads it.
        before = rank.setdefault(arrow.tail, rank.get(arrow.head, 0) - 1)
        rank[arrow.head] = max(rank.get(arrow.head, 0), before + 1)
    started: set[str] = set()
    found = set()
    for number, arrow in enumerate(boxes.arrows):
        if arrow.tail in started and rank[arrow.head] - rank[arrow.tail] > LONG_ARROW_STEPS:
            found.add(number)
        started.add(arrow.tail)
    return found


def _stub(tail: tuple[float, ...], head: tuple[float, ...]) -> tuple[list[Point], Point]:
    """The end of an arrow that comes from far away: hundreds in full would hide the rest."""
    side = -1 if tail[1] < head[1] else 1
    tip = (head[0], head[1] + side * head[3] / 2)
    end = (tip[0], tip[1] + side * 8)
    start = (end[0] - 24, end[1] + side * 16)
    return [start, (end[0] - 12, start[1]), (end[0], start[1]), end], tip


def _size(box: Box, texts: dict[str, Sequence[str]]) -> dict[str, str]:
    lines = texts[box.name]
    width = max((len(line) for line in lines), default=0) * CHARACTER_WIDTH + PADDING
    height = len(lines) * LINE_HEIGHT + PADDING
    return {
        "width": f"{max(width, 40.0) / POINTS_PER_INCH:.3f}",
        "height": f"{height / POINTS_PER_INCH:.3f}",
    }


def _read(found: dict[str, Any], frames: list[Frame]) -> Layout:
    _, _, width, height = map(float, found["bb"].split(","))

    def point(text: str) -> Point:
        x, y = text.split(",")
        return round(float(x), 2), round(height - float(y), 2)

    boxes = {}
    outlines = []
    for item in found.get("objects", ()):
        if "pos" in item:
            x, y = point(item["pos"])
            w, h = (round(float(item[s]) * POINTS_PER_INCH, 2) for s in ("width", "height"))
            boxes[item["name"]] = (x, y, w, h)
        elif item["name"].startswith("cluster_"):
            left, bottom, right, top = map(float, item["bb"].split(","))
            frame = frames[int(item["name"].removeprefix("cluster_"))]
            outlines.append((frame, left, height - top, right - left, top - bottom))
    arrows = []
    for edge in sorted(found.get("edges", ()), key=lambda edge: int(edge["comment"])):
        tip, *curve = edge["pos"].split(" ")
        points = [point(text) for text in curve]
        arrows.append((points, point(tip.removeprefix("e,"))))
    return Layout(width, height, boxes, arrows, outlines)
