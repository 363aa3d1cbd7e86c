"""Where in the user's own code something was called."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import FrameType

_HOME = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_PACKAGES = tuple(os.path.join(_HOME, name) + os.sep for name in ("autograd_lite", "nn"))


def caller() -> str:
    """The file and line of the innermost running statement that is the user's own.

    Of the form `File "train.py", line 12, in step`, as tracebacks have it.
    """
    frame = next(users_frames(), None)
    if frame is None:
        return "an unknown line"
    code = frame.f_code
    return f'File "{code.co_filename}", line {frame.f_lineno}, in {code.co_name}'


def users_frames(outside: FrameType | None = None) -> Iterator[FrameType]:
    """The running frames that are the user's own, the innermost first; those `outside` left out."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame is not outside:
        if _is_users(frame):
            yield frame
        frame = frame.f_back


def _is_users(frame: FrameType) -> bool:
    if frame.f_code.co_filename.startswith(_PACKAGES):
        return False
    return not str(frame.f_globals.get("__name__", "")).startswith("numpy.")
