"""Curves of the epochs of a training, as SVG for notebooks."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

from autograd_lite.extend import printable

WIDTH, HEIGHT = 420, 150
"""The size in pixels; narrower pages scale it."""

LEFT, BELOW, ABOVE, RIGHT = 52, 22, 22, 10
"""The space around the curves, for numbers and names."""

COLOURS = ("#3f86c8", "#d9771f")
"""Of curves, readable on light and on dark pages."""

POINTS = 400
"""A curve of more points is drawn through so many of them."""


def curves(series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """The series, at most two, as lines over their epochs; empty where no number is finite.

    Each is a list of pairs of an epoch and a number. Numbers that are not finite are left out.
    """
    finite = {
        name: [(x, y) for x, y in points if math.isfinite(y)] for name, points in series.items()
    }
    every = [point for points in finite.values() for point in points]
    if len(every) < 2:
        return ""
    first, last = min(x for x, _ in every), max(x for x, _ in every)
    low, high = min(y for _, y in every), max(y for _, y in every)

    def place(x: float, y: float) -> str:
        across = (x - first) / ((last - first) or 1)
        up = (y - low) / ((high - low) or 1)
        return (
            f"{LEFT + across * (WIDTH - LEFT - RIGHT):.1f},"
            f"{HEIGHT - BELOW - up * (HEIGHT - ABOVE - BELOW):.1f}"
        )

    drawn = []
    for number, (name, points) in enumerate(finite.items()):
        colour = COLOURS[number % len(COLOURS)]
        step = max(1, -(-len(points) // POINTS))
        shown = [*points[:-1:step], *points[-1:]]
        line = " ".join(place(x, y) for x, y in shown)
        drawn.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{line}"/>'
            f'<text x="{LEFT + 130 * number}" y="12" fill="{colour}">'
            f"{html.escape(printable(name))}</text>"
        )
    bottom, left = HEIGHT - BELOW, LEFT - 4
    numbers = (
        f'<text x="{left}" y="{ABOVE + 4}" text-anchor="end">{high:.3g}</text>'
        f'<text x="{left}" y="{bottom}" text-anchor="end">{low:.3g}</text>'
        f'<text x="{LEFT}" y="{HEIGHT - 6}">{first:g}</text>'
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">epoch {last:g}</text>'
    )
    axes = (
        '<path fill="none" stroke="currentColor" opacity="0.4" '
        f'd="M{LEFT} {ABOVE}V{bottom}H{WIDTH - RIGHT}"/>'
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" style="max-width:100%;height:auto" '
        'font-family="sans-serif" font-size="11" fill="currentColor" role="img" '
        f'aria-label="{html.escape(", ".join(map(printable, finite)))} by epoch">'
        f"{axes}{numbers}{''.join(drawn)}</svg>"
    )
