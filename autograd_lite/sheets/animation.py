"""al.animate: the walk through a derivation as an animated GIF."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from typing import Any

from autograd_lite.arrays.contracts import Tree
from autograd_lite.check.report import Report
from autograd_lite.files import write
from autograd_lite.pictures.fitting import PAGE_INCHES
from autograd_lite.sheets.live import content_of, with_ending
from autograd_lite.sheets.printed import walked
from autograd_lite.sheets.statements import Row, Statement
from autograd_lite.tensor import Tensor

FRAME_LIMIT = 200
"""A walk may have up to this many steps; a longer one is too long to watch."""


def animate(
    loss: Callable[..., Any] | Tensor | Report,
    path: str | os.PathLike[str],
    *inputs: Tree,
    seconds: float = 1.0,
    width: float | str = PAGE_INCHES,
    theme: str = "light",
) -> str:
    """Write the walk through a derivation as a GIF: down the lines forward, and up again backward.

    Each frame is the sheet as `Sheet.picture` draws it, with one statement highlighted. It needs
    Graphviz, and Pillow (extra `animate`).

    Parameters
    ----------
    loss : callable, Tensor or Report
        As for `al.sheet`.
    path : path
        The file to write; `.gif` is added to a name without an ending.
    *inputs : array_like, or lists, tuples and dicts of them
        Example inputs of the function.
    seconds : float
        How long each statement is highlighted.
    width, theme
        The options of `Sheet.picture`.

    Returns
    -------
    str
        The path of the file.

    Raises
    ------
    ImportError
        Where Pillow is not installed.
    ValueError
        Where the path does not end in `.gif`, or there are more than 200 statements.
    RenderError, OSError
        Where there is no Graphviz, or the file cannot be written; an existing file stays unchanged.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "walk.gif")
    >>> os.path.basename(al.animate(lambda w: np.sum(w**2), path, np.ones(2)))
    'walk.gif'
    """
    try:
        from PIL import Image
    except ImportError:
        raise ImportError("animate() needs Pillow: pip install 'autograd_lite[animate]'") from None
    target = with_ending(path, ".gif")
    if target.suffix.lower() != ".gif":
        raise ValueError(f"animate() writes a GIF, but {target.name} does not end in .gif")
    content = content_of(loss, inputs)
    steps = list(_steps(content.rows))
    if len(steps) > FRAME_LIMIT:
        raise ValueError(
            f"the walk has {len(steps)} steps, and animate() shows at most {FRAME_LIMIT}; use a "
            "smaller example of the same computation"
        )
    frames = [
        Image.open(io.BytesIO(picture.pipe("png"))).convert("RGB")
        for picture in walked(content, steps, width, theme)
    ]
    moving = io.BytesIO()
    frames[0].save(
        moving,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=round(seconds * 1000),
        loop=0,
    )
    write(target, moving.getvalue(), "animation")
    return str(target)


def _steps(rows: list[Row]) -> Iterator[Statement]:
    """The statements in the order of the walk, down and up again; a loop shows its last round."""
    for row in rows:
        yield from row.rounds[-1].forward
    for row in reversed(rows):
        yield from row.rounds[-1].backward
