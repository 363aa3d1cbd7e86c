"""One self-contained HTML file, made from the page's files and a computation's data."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

PAGE = files("autograd_lite.sheets").joinpath("page")
SCRIPTS = (
    "kernels.js",
    "linear_algebra.js",
    "numbers.js",
    "arrays.js",
    "explain.js",
    "graph.js",
    "predict.js",
    "sheet.js",
)


def assembled(data: Mapping[str, Any]) -> str:
    """The text of a page that shows the computation described by `data`.

    The page loads nothing: its policy forbids every request, every script and style except its own,
    and every picture that it has not made itself. No text in `data` can become markup or script.

    Raises ValueError for a NaN or an infinity in `data`, which JSON cannot represent; the elements
    of arrays are text.
    """
    style = page_text("sheet.css")
    script = "\n".join(page_text(name) for name in SCRIPTS)
    parts = {
        "policy": _policy(style, script),
        "title": html.escape(str(data["title"])).encode(errors="replace").decode(),
        "style": style,
        "script": script,
        "computation": _json(data),
    }
    # One pass leaves a part that happens to contain {{style}} unchanged.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], page_text("sheet.html"))


def page_text(name: str) -> str:
    """The text of one of the page's files."""
    return PAGE.joinpath(name).read_text("utf-8")


def _json(data: Mapping[str, Any]) -> str:
    """JSON that cannot end the script element around it: ASCII without markup characters."""
    text = json.dumps(data, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    return re.sub("[<>&]", lambda match: f"\\u{ord(match[0]):04x}", text)


def _policy(style: str, script: str) -> str:
    """The page's security policy: it loads nothing, and allows only this script and this style."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
