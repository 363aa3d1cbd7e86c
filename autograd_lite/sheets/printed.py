"""The sheet on paper: one table, fitted to the width of a page."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from autograd_lite.arrays.contracts import Array
from autograd_lite.pictures.figure import Figure
from autograd_lite.pictures.fitting import PAGE_INCHES, inches, natural_width
from autograd_lite.pictures.text import short
from autograd_lite.pictures.themes import THEMES, Theme
from autograd_lite.program.ir import Variable
from autograd_lite.rendering import RenderError
from autograd_lite.sheets.content import Content
from autograd_lite.sheets.statements import Expression, Row, Statement

POINTS = 8
"""The font size in points."""

CHARACTER_POINTS = 0.6 * POINTS
"""The width of a character of the monospaced font."""

FITTING_LIMIT_TRIES = 6

FILLING_ROWS = 40
FILLING_COLUMNS = 8

TEXT_MARGIN_POINTS = 8

CELL_CHARACTERS = 6
MOST_ROWS = 6
MOST_COLUMNS = 6
SIGN_COLOURS = {
    "light": ("#f2a04f", "#74aee6"),
    "dark": ("#8f4a0b", "#2867a8"),
    "print": ("#b9b9b9", "#dcdcdc"),
}
"""The backgrounds of the largest positive and negative numbers, by theme."""

LIT_COLOURS = {"light": "#fff3cf", "dark": "#3a3320", "print": "#eeeeee"}

SIGNS = {"*": "×", "-": "−", "/": "÷"}

Piece = tuple[str, float]
"""A part of a line: its markup, and its width in points."""


def printed(content: Content, width: float | str = PAGE_INCHES, theme: str = "light") -> Figure:
    """The rows of a sheet as a picture no wider than `width`, with text of 8 points.

    Matrices are cut to 6 x 6 numbers, with a count of the rest; a loop shows its last round.
    """
    return next(walked(content, [None], width, theme))


def walked(
    content: Content, lit: Iterable[Statement | None], width: float | str, theme: str
) -> Iterator[Figure]:
    """The picture of the sheet once for each of `lit`, with that statement highlighted."""
    if theme not in THEMES:
        raise ValueError(f"theme must be one of {', '.join(map(repr, THEMES))}, not {theme!r}")
    page = inches(width)
    half, scaled = _fitted(content, page, theme)
    for statement in lit:
        picture = _picture(_Printer(content, half, theme, statement).table(), THEMES[theme])
        if scaled:
            picture.attr("graph", size=f"{page:g},{page * 100:g}")
        yield picture


def _fitted(content: Content, page: float, theme: str) -> tuple[float, bool]:
    """The points of each half that make the picture fit a page, and whether to scale it.

    The width of text depends on Graphviz; without it, nothing is measured.
    """
    half = page * 36 - 14
    for _ in range(FITTING_LIMIT_TRIES):
        picture = _picture(_Printer(content, half, theme).table(), THEMES[theme])
        try:
            natural = natural_width(picture)
        except RenderError:
            return half, False
        if natural <= page:
            return half, False
        half *= 0.97 * page / natural
    return half, True


def _picture(table: str, theme: Theme) -> Figure:
    picture = Figure("sheet", graph_attr={"bgcolor": theme.background, "pad": "0.02"})
    picture.attr("node", fontname="Courier", fontsize=str(POINTS), margin="0")
    picture.node("sheet", f"<{table}>", shape="plain", fontcolor=theme.text)
    return picture


Line = tuple[str, str]
"""A line's markup, and its background."""


class _Printer:
    """Prints the rows in two halves of `half` points each."""

    def __init__(
        self, content: Content, half: float, theme: str, lit: Statement | None = None
    ) -> None:
        self.content = content
        self.half = half
        self.theme = theme
        self.lit = lit
        self.longest = 0

    def table(self) -> str:
        """The whole table, with the forward half on the left and the backward half on the right."""
        title = f"{self.content.recorded.title}: read down on the left, up on the right"
        rows = [f'<TR><TD COLSPAN="2" ALIGN="LEFT">{_escaped(title)}</TD></TR>']
        for row in self.content.rows:
            rows.append("<HR/>")
            rows.append(self._row(row))
        return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0">{"".join(rows)}</TABLE>'

    def _row(self, row: Row) -> str:
        last = row.rounds[-1]
        times = f"  × {len(row.rounds)}" if len(row.rounds) > 1 else ""
        self.longest = 0
        head = list(self._lines(f"{row.text}{times}", bold=True)) if row.text else []
        front = self._coloured(head, None)
        written = not row.text or len(row.rounds) > 1 or len(last.forward) > 1
        for statement in last.forward:
            lines = list(self._lines(statement.text)) if written else []
            front += self._coloured([*lines, *self._flow(statement)], statement)
        widths, self.longest = [self._text_points()], 0
        back: list[Line] = []
        for statement in last.backward:
            lines = [*self._lines(statement.text, bold=True), *self._verdict(statement)]
            back += self._coloured([*lines, *self._flow(statement)], statement)
        widths.append(self._text_points())
        halves = "".join(
            f'<TD VALIGN="TOP" ALIGN="LEFT" WIDTH="{width}">{_stacked(lines)}</TD>'
            for lines, width in zip((front, back), widths, strict=True)
        )
        return f"<TR>{halves}</TR>"

    def _text_points(self) -> int:
        """The least width of a half whose text is not cut in a font wider than Graphviz takes."""
        return math.ceil(self.longest * CHARACTER_POINTS) + TEXT_MARGIN_POINTS

    def _coloured(self, lines: Iterable[str], statement: Statement | None) -> list[Line]:
        lit = statement is not None and statement is self.lit
        colour = LIT_COLOURS[self.theme] if lit else THEMES[self.theme].background
        return [(line, colour) for line in lines]

    def _verdict(self, statement: Statement) -> Iterator[str]:
        """The status that a report gives the person's gradient of this name."""
        verdict = self.content.verdicts.get(statement.label)
        if verdict is not None:
            yield from self._lines(f"yours: {verdict['status']}")

    def _lines(self, text: str, bold: bool = False) -> Iterator[str]:
        """The lines of a text, wrapped to the width of a half."""
        most = max(12, int(self.half / CHARACTER_POINTS))
        for line in _wrapped(text, most):
            shown = _escaped(line)
            self.longest = max(self.longest, len(line))
            yield f"<B>{shown}</B>" if bold else shown

    def _flow(self, statement: Statement) -> Iterator[str]:
        """The operands and the result, wrapped to the width of a half."""
        label = f"{statement.label} +=" if statement.adds else statement.label
        pieces = [
            *self._operands(statement.expression),
            self._matrix(statement.variable, label),
        ]
        line: list[str] = []
        used = 0.0
        for markup, width in pieces:
            if line and used + width > self.half:
                yield _beside(line)
                line, used = [], 0.0
            line.append(markup)
            used += width
        if line:
            yield _beside(line)

    def _operands(self, expression: Expression) -> list[Piece]:
        leaves = list(_leaves(expression))
        if _is_infix(expression) and len(leaves) <= 4:
            return [*self._infix(expression), _sign("=")]
        distinct = {id(leaf.variable): leaf for leaf in leaves if leaf.variable is not None}
        shown = [self._matrix(leaf.variable, leaf.label) for leaf in distinct.values()][:5]
        return [*shown, _sign("→")]

    def _infix(self, expression: Expression, strength: int = 0) -> Iterator[Piece]:
        if expression.label or not expression.operands:
            if expression.label and expression.variable is not None:
                yield self._matrix(expression.variable, expression.label)
            else:
                yield _sign(expression.text.text)
            return
        own = 1 if expression.symbol in "+-" else 2
        left, right = expression.operands
        if own < strength:
            yield _sign("(")
        yield from self._infix(left, own)
        yield _sign(SIGNS.get(expression.symbol, expression.symbol))
        yield from self._infix(right, own + (expression.symbol in "-/"))
        if own < strength:
            yield _sign(")")

    def _matrix(self, variable: Variable | None, label: str) -> Piece:
        """A matrix with its name above, cut where it is large."""
        array = np.asarray(self.content.values[variable]) if variable is not None else np.zeros(())
        grid: Any = np.atleast_1d(array).reshape(-1, np.atleast_1d(array).shape[-1])
        across = max(1, int((self.half - 30) / (CELL_CHARACTERS * CHARACTER_POINTS + 3)))
        rows = _cut(grid.shape[0], MOST_ROWS)
        columns = _cut(grid.shape[1], min(MOST_COLUMNS, across))
        largest = _largest(array)
        lines = [
            "<TR>"
            + "".join(self._cell(grid[i, j], largest) for j in range(columns))
            + (_note(f"+{grid.shape[1] - columns}") if i == 0 and columns < grid.shape[1] else "")
            + "</TR>"
            for i in range(rows)
        ]
        if rows < grid.shape[0]:
            lines.append(f"<TR>{_note(f'+{grid.shape[0] - rows}', columns)}</TR>")
        shape = str(array.shape) if array.ndim else ""
        caption = short(f"{label} {shape}".strip(), 40)
        width = max(
            columns * (CELL_CHARACTERS * CHARACTER_POINTS + 3) + 22 * (columns < grid.shape[1]),
            len(caption) * CHARACTER_POINTS,
        )
        head = f'<TR><TD ALIGN="LEFT" COLSPAN="{columns + 1}">{_escaped(caption)}</TD></TR>'
        start = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="1" CELLPADDING="1">'
        return _kept_small(f"{start}{head}{''.join(lines)}</TABLE>"), width + 8

    def _cell(self, number: Array, largest: float) -> str:
        background = THEMES[self.theme].background
        colour = _colour(number, largest, background, SIGN_COLOURS[self.theme])
        width = f'WIDTH="{CELL_CHARACTERS * CHARACTER_POINTS:.0f}"'
        return f'<TD ALIGN="RIGHT" BGCOLOR="{colour}" {width}>{_digits(number)}</TD>'


def _kept_small(table: str) -> str:
    """A table that Graphviz does not stretch, because empty cells beside it take the width."""
    outer = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">'
    rest = '<TD WIDTH="0" HEIGHT="0"></TD>' * FILLING_COLUMNS
    return f"{outer}<TR><TD>{table}</TD>{rest}</TR></TABLE>"


def _cut(length: int, most: int) -> int:
    return length if length <= most else most - 1


def _escaped(text: str) -> str:
    return html.escape(text).replace(" ", "&#160;")


def _sign(text: str) -> Piece:
    return _escaped(text), (len(text) + 1) * CHARACTER_POINTS + 6


def _note(text: str, columns: int = 1) -> str:
    return f'<TD ALIGN="LEFT" COLSPAN="{max(1, columns)}">{text}</TD>'


def _beside(markup: Sequence[str]) -> str:
    cells = "".join(f"<TD>{part}</TD>" for part in markup)
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0"><TR>{cells}</TR></TABLE>'


def _stacked(lines: Sequence[Line]) -> str:
    if not lines:
        return ""
    inner = "".join(
        f'<TR><TD CELLPADDING="1" ALIGN="LEFT" BGCOLOR="{colour}">{line}</TD></TR>'
        for line, colour in lines
    )
    # Graphviz divides the remaining height among the rows: these empty rows take nearly all of it.
    rest = '<TR><TD HEIGHT="0"></TD></TR>' * FILLING_ROWS
    start = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">'
    return f"{start}{inner}{rest}</TABLE>"


def _wrapped(text: str, most: int) -> Iterator[str]:
    """The lines of a text, each of at most `most` characters and broken at a space if possible."""
    while len(text) > most:
        at = text.rfind(" ", most // 2, most)
        at = at if at > 0 else most
        yield text[:at]
        text = f"  {text[at:].strip()}"
    yield text


def _is_infix(expression: Expression) -> bool:
    if expression.label or not expression.operands:
        return True
    infix = bool(expression.symbol) and expression.symbol != "**" and len(expression.operands) == 2
    return infix and all(map(_is_infix, expression.operands))


def _leaves(expression: Expression) -> Iterator[Expression]:
    if expression.label:
        yield expression
        return
    for inner in expression.operands:
        yield from _leaves(inner)


def _digits(number: Array) -> str:
    """A number in at most six characters."""
    x = float(number)
    if not math.isfinite(x):
        return "NaN" if math.isnan(x) else "inf" if x > 0 else "-inf"
    if x == 0:
        return "0"
    size = abs(x)
    if x.is_integer() and size < 1e5:
        text = f"{x:.0f}"
    elif size >= 1e4 or size < 5e-4:
        text = f"{x:.0e}".replace("e-0", "e-").replace("e+0", "e")
    else:
        text = f"{x:.{3 if size < 10 else 2 if size < 100 else 1 if size < 1000 else 0}f}"
    return text


def _largest(array: np.ndarray) -> float:
    finite = np.abs(array[np.isfinite(array)]) if array.dtype.kind == "f" else np.abs(array)
    return float(finite.max()) if finite.size else 0.0


def _colour(number: Array, largest: float, background: str, signs: tuple[str, str]) -> str:
    """The background, mixed with the colour of the sign in proportion to the number."""
    share = min(1.0, abs(float(number)) / largest) if largest and number == number else 0.0
    strong = signs[float(number) < 0]
    parts = zip(_channels(background), _channels(strong), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share * 0.75):02x}" for a, b in parts)


def _channels(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
