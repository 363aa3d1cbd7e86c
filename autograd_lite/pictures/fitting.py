"""The choice of a layout that fits a page: direction, text size, folding."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from autograd_lite.pictures.dot import NORMAL, SMALL, Size
from autograd_lite.pictures.figure import Figure
from autograd_lite.rendering import RenderError, rendered

PAGE_INCHES = 6.5

MARGINS_INCHES = 8 / 72
"""The total margin that Graphviz leaves on both sides."""

UNITS_PER_INCH = {"in": 1.0, "cm": 2.54, "mm": 25.4, "pt": 72.0, "px": 96.0}

MOST_BOXES = (250, 250, 40, 32, 24, 18, 12, 6, 3)
"""The largest number of operations in a picture, from one try to the next."""

Make = Callable[[str, Size, bool, int], Figure]
"""Makes a picture: takes a direction, a size, whether to be compact, and a limit of operations."""


def inches(width: float | str) -> float:
    """A width such as 6.5, "6.5in" or "16cm" in inches; ValueError for anything else."""
    match = re.fullmatch(r"\s*([\d.]+)\s*(in|cm|mm|pt|px)?\s*", str(width))
    try:
        found = float(match[1]) / UNITS_PER_INCH[match[2] or "in"] if match else 0.0
    except ValueError:
        found = 0.0
    if not found > 0:
        raise ValueError(
            f"width must be a number of inches or a text such as '16cm', or None, not {width!r}"
        )
    return found


def fitted(make: Make, direction: str, page: float) -> Figure:
    """The first picture no wider than `page` inches, or else the narrowest, scaled down.

    Before anything is folded, the text becomes smaller but stays readable, and the graph runs from
    top to bottom. Without a Graphviz program, it runs so at once, and nothing is measured.
    """
    narrowest: tuple[float, Figure] | None = None
    seen = set()
    for way, size, compact, most in _tries(direction):
        picture = make(way, size, compact, most)
        if picture.source in seen:
            continue
        seen.add(picture.source)
        try:
            width = natural_width(picture)
        except RenderError:
            return picture if way != "LR" or direction == "LR" else make("TB", size, compact, most)
        if width <= page:
            return picture
        if narrowest is None or width < narrowest[0]:
            narrowest = width, picture
    assert narrowest is not None
    picture = narrowest[1]
    picture.attr("graph", size=f"{page:g},{page * 100:g}")
    return picture


def _tries(direction: str) -> Iterator[tuple[str, Size, bool, int]]:
    for number, most in enumerate(MOST_BOXES):
        ways = ("LR", "TB") if direction == "auto" else (direction,)
        for size, way in [(NORMAL, way) for way in ways] + [(SMALL, ways[-1])]:
            yield way, size, number > 0, most


def natural_width(picture: Figure) -> float:
    """The width of a picture in inches, as Graphviz lays it out."""
    _, _, width, _ = rendered(picture.source, "plain").split(b"\n", 1)[0].split()
    return float(width) + MARGINS_INCHES
