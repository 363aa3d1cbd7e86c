"""The colours of pictures: on a light page, on a dark page, and in black ink."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Style = Mapping[str, str]
ROUND = {"style": "rounded,filled"}


@dataclass(frozen=True)
class Theme:
    """DOT attributes of the parts of a picture.

    `boxes` maps kinds of boxes to styles: "parameter", "constant", "operation", "result",
    "gradient" (an operation of the backward pass) and "folded" (several operations). `verdicts`
    maps the status in a report to a border. `value` and `gradient` are the colours of numbers,
    `path` that of arrows along which a gradient flows back.
    """

    background: str
    text: str
    faint: str
    path: str
    value: str
    gradient: str
    frame: str
    frame_fill: str
    fault: str
    boxes: Mapping[str, Style]
    verdicts: Mapping[str, Style]


def _boxes(**colours: tuple[str, str]) -> dict[str, Style]:
    """The styles of boxes, from filling and border; boxes of computed values have round corners."""
    sharp = ("parameter", "constant")
    return {
        kind: {"shape": "box", "fillcolor": fill, "color": border}
        | ({} if kind in sharp else ROUND)
        | ({"peripheries": "2"} if kind == "folded" else {})
        for kind, (fill, border) in colours.items()
    }


def _verdicts(right: str, inherited: str, missing: str, wrong: str) -> dict[str, Style]:
    return {
        "correct": {"color": right, "penwidth": "2"},
        "convention": {"color": right, "penwidth": "2"},
        "inherited": {"color": inherited, "penwidth": "2"},
        "missing": {"color": missing, "penwidth": "2"},
        "wrong": {"color": wrong, "penwidth": "4"},
    }


THEMES = {
    "light": Theme(
        background="#ffffff",
        text="#1d2129",
        faint="#6b7280",
        path="#8c4a3c",
        value="#1f4e79",
        gradient="#a3331c",
        frame="#b9c0ca",
        frame_fill="#f7f8fa",
        fault="#c01818",
        boxes=_boxes(
            parameter=("#cfe3f7", "#2b5f94"),
            constant=("#eeeeee", "#777777"),
            operation=("#fff8e6", "#a58a4a"),
            result=("#dff2df", "#3d803d"),
            gradient=("#f7e0dc", "#8c4a3c"),
            folded=("#f1edfa", "#6a5a94"),
        ),
        verdicts=_verdicts("#3d803d", "#c77700", "#7a3d99", "#c01818"),
    ),
    "dark": Theme(
        background="#16191f",
        text="#e8eaee",
        faint="#9aa4b2",
        path="#e09a87",
        value="#9ecbff",
        gradient="#ffab91",
        frame="#434b57",
        frame_fill="#1d2129",
        fault="#ff6b6b",
        boxes=_boxes(
            parameter=("#1f3a57", "#7db4ea"),
            constant=("#2b3038", "#8d96a3"),
            operation=("#38321f", "#c9ab62"),
            result=("#1f3d24", "#7cc786"),
            gradient=("#452a25", "#e09a87"),
            folded=("#322b47", "#a897d8"),
        ),
        verdicts=_verdicts("#7cc786", "#f0a648", "#c48ae0", "#ff6b6b"),
    ),
    "print": Theme(
        background="#ffffff",
        text="#000000",
        faint="#6e6e6e",
        path="#000000",
        value="#000000",
        gradient="#5a5a5a",
        frame="#8a8a8a",
        frame_fill="#ffffff",
        fault="#000000",
        boxes=_boxes(
            parameter=("#dddddd", "#000000"),
            constant=("#ffffff", "#8a8a8a"),
            operation=("#ffffff", "#000000"),
            result=("#dddddd", "#000000"),
            gradient=("#eeeeee", "#000000"),
            folded=("#ffffff", "#000000"),
        ),
        verdicts=_verdicts("#000000", "#555555", "#8a8a8a", "#000000"),
    ),
}
"""What `draw(theme=...)` takes."""
