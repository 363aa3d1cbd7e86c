"""A picture whose SVG shows names as tooltips, and shrinks to the width of its page."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from autograd_lite.rendering import Picture

ROOT = re.compile(r"(<svg [^>]*)>")
TITLE = re.compile(r"<title>([^<]*)</title>")


class Figure(Picture):
    """A `Picture` with `titles`, the names of its boxes and frames by id."""

    titles: Mapping[str, str] = {}

    def pipe(
        self,
        format: str | None = None,
        *,
        engine: str | None = None,
        encoding: str | None = None,
        quiet: bool = False,
    ) -> Any:
        """As `Picture.pipe`; in SVG, tooltips show names instead of ids."""
        data: bytes = super().pipe(format, engine=engine, quiet=quiet)
        if (format or self.format).lower() == "svg":
            data = self._scaling(data.decode(errors="surrogateescape")).encode(
                errors="surrogateescape"
            )
        return data if encoding is None else data.decode(encoding)

    def _scaling(self, svg: str) -> str:
        svg = TITLE.sub(lambda match: f"<title>{self._title(match[1])}</title>", svg)
        return ROOT.sub(r'\1 style="max-width:100%;height:auto">', svg, count=1)

    def _title(self, ids: str) -> str:
        """The title of a box, a frame or an arrow; that of an arrow joins those of its ends."""
        ends = html.unescape(ids).split("->")
        return html.escape(" → ".join(self.titles.get(end, end) for end in ends))
