"""One HTML file, complete in itself, out of the page's files and a computation's data."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

SCRIPTS = ("view.js", "panel.js", "step.js")


@dataclass(frozen=True)
class Page:
    """The files of a page: the package whose folder `page` they are in, and their names.

    `makes_pictures` allows the page to show pictures that it has made itself.
    """

    package: str
    template: str
    style: str
    scripts: tuple[str, ...]
    makes_pictures: bool = False

    def text(self, name: str) -> str:
        """One of the files."""
        return files(self.package).joinpath("page", name).read_text("utf-8")


STEPS = Page("autograd_lite.pictures", "page.html", "page.css", SCRIPTS)


def assembled(data: Mapping[str, Any], page: Page = STEPS) -> str:
    """The text of a page that shows the computation that `data` describes.

    The page loads nothing: its policy forbids every request and every script and style but its
    own two. No text in `data` can become markup or script, whatever it holds.

    Raises ValueError for a NaN or an infinity in `data`, which JSON has no number for; the cells
    of arrays are texts.
    """
    style = page.text(page.style)
    script = "\n".join(page.text(name) for name in page.scripts)
    parts = {
        "policy": _policy(style, script) + ("; img-src data:" if page.makes_pictures else ""),
        "title": html.escape(str(data["title"])).encode(errors="replace").decode(),
        "style": style,
        "script": script,
        "computation": _json(data),
    }
    # In one pass, so that a part which happens to read {{style}} stays as it is.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], page.text(page.template))


page_text = STEPS.text


def _json(data: Mapping[str, Any]) -> str:
    """JSON that cannot end the script element around it: ASCII, and no character of markup."""
    text = json.dumps(data, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    return re.sub("[<>&]", lambda match: f"\\u{ord(match[0]):04x}", text)


def _policy(style: str, script: str) -> str:
    """A policy for the whole page: nothing is loaded, and only these two texts have a say."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
