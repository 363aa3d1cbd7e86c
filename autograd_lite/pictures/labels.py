"""Labels of boxes with numbers, as table markup for Graphviz.

All text is escaped, so that none of it is read as markup.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from autograd_lite.pictures.text import BAR_STEPS, Numbers, short
from autograd_lite.pictures.themes import Theme

DIGITS = "Courier"
"""The font of numbers, whose digits all have the same width."""

BAR_WIDTH = 4

_TABLE = '<TABLE BORDER="0" CELLBORDER="0"'


def numbers_label(
    lines: Iterable[str | None],
    value: Numbers | None,
    gradient: Numbers | None,
    theme: Theme,
    size: float,
) -> str:
    """A label of lines, with a value and then a gradient below, each in its own colour.

    `size` is the size of the digits in points.
    """
    title, *rest = [line for line in lines if line]
    rows = [_row(f"<B>{_text(title)}</B>"), *(_row(_text(line)) for line in rest)]
    if value is not None:
        rows += _numbers(value, theme.value, size)
    if gradient is not None:
        rows += ["<HR/>", _row(_font("gradient", theme.gradient, size))]
        rows += _numbers(gradient, theme.gradient, size)
    return table(rows)


def table(rows: Iterable[str]) -> str:
    """A label made of rows."""
    return f'<{_TABLE} CELLSPACING="0" CELLPADDING="1">{"".join(rows)}</TABLE>>'


def legend(
    kinds: Sequence[tuple[str, str, str]], notes: Sequence[tuple[str, str]], size: float
) -> str:
    """A label with a box for each (text, filling, border), and notes of (text, colour)."""
    cells = [
        f'<TD BORDER="1" COLOR="{border}" BGCOLOR="{fill}" CELLPADDING="3">'
        f'<FONT POINT-SIZE="{size:g}">{_text(text)}</FONT></TD>'
        for text, fill, border in kinds
    ]
    cells += [f"<TD>{_font(text, colour, size)}</TD>" for text, colour in notes]
    rows = [f"<TR>{''.join(cells[i : i + 4])}</TR>" for i in range(0, len(cells), 4)]
    return f'<{_TABLE} CELLSPACING="5" CELLPADDING="2">{"".join(rows)}</TABLE>>'


def _numbers(numbers: Numbers, colour: str, size: float) -> list[str]:
    rows = [_row(_font(line, colour, size, DIGITS)) for line in numbers.lines]
    if numbers.cells:
        cells = (
            "".join(f'<TD ALIGN="RIGHT">{_font(c, colour, size, DIGITS)}</TD>' for c in row)
            for row in numbers.cells
        )
        inside = "".join(f"<TR>{row}</TR>" for row in cells)
        rows.append(_row(f'{_TABLE} CELLSPACING="3" CELLPADDING="0">{inside}</TABLE>'))
    return [*rows, *([_bars(numbers.bars, colour)] if numbers.bars else [])]


def _bars(heights: Sequence[int], colour: str) -> str:
    """A row of bars on one baseline."""
    bars = "".join(
        f'<TD VALIGN="BOTTOM">{_TABLE} CELLSPACING="0" CELLPADDING="0"><TR>'
        f'<TD FIXEDSIZE="TRUE" WIDTH="{BAR_WIDTH}" HEIGHT="{max(height, 1)}"'
        f"{f' BGCOLOR={chr(34)}{colour}{chr(34)}' if height else ''}></TD></TR></TABLE></TD>"
        for height in heights
    )
    size = f'WIDTH="{len(heights) * (BAR_WIDTH + 1) + 1}" HEIGHT="{BAR_STEPS + 2}"'
    start = f'{_TABLE} CELLSPACING="1" CELLPADDING="0" FIXEDSIZE="TRUE" {size}>'
    return _row(f"{start}<TR>{bars}</TR></TABLE>")


def _row(inside: str) -> str:
    return f"<TR><TD>{inside}</TD></TR>"


def _font(text: str, colour: str, size: float, face: str | None = None) -> str:
    name = f'FACE="{face}" ' if face else ""
    return f'<FONT {name}COLOR="{colour}" POINT-SIZE="{size:g}">{_text(text)}</FONT>'


def _text(text: str) -> str:
    # Graphviz replaces \\N and the like by names, even in markup.
    return html.escape(short(text)).replace("\\", "\\\\")
