"""Source: the user's running line, and functions made from text."""

from __future__ import annotations

import ast
import itertools
import linecache
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

# As code objects have it, which after `sys.path.append("..")` is with the two dots.
_HOME = os.path.dirname(os.path.dirname(__file__))
# A wheel has nn inside of autograd_lite, a checkout beside it.
_NN = tuple(os.path.join(_HOME, *parts) for parts in (("autograd_lite", "nn"), ("nn",)))
PACKAGES = (os.path.join(_HOME, "autograd_lite") + os.sep, _NN[1] + os.sep)
"""The folders of the project's own code, as beginnings of file names."""
_LAYERS = tuple(os.path.join(folder, "layers") + os.sep for folder in _NN)
_number = itertools.count(1).__next__


def users_line() -> str:
    """The file and line of the innermost running statement that is the user's own.

    Of the form `File "train.py", line 12, in step`, as tracebacks have it.
    """
    frame = next(users_frames(), None)
    if frame is None:
        return "an unknown line"
    code = frame.f_code
    return f'File "{code.co_filename}", line {frame.f_lineno}, in {code.co_name}'


def line_and_text(where: str) -> tuple[int, str]:
    """The number and the text of a line that `users_line` gave; 0 and "" where it is not known."""
    found = re.fullmatch(r'File "(.*)", line (\d+), in .*', where, re.DOTALL)
    if found is None:
        return 0, ""
    return int(found[2]), linecache.getline(found[1], int(found[2])).strip()


def users_frames(outside: FrameType | None = None) -> Iterator[FrameType]:
    """The running frames that are the user's own, the innermost first; those `outside` left out."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame is not outside:
        if is_users(frame):
            yield frame
        frame = frame.f_back


def warn(message: str, category: type[Warning]) -> None:
    """Warns, with the user's own line that is running as the place.

    Parameters
    ----------
    message : str
        What is likely to be wrong, and what to do.
    category : class of warnings
        Such as UserWarning.

    Examples
    --------
    >>> import warnings
    >>> from autograd_lite.extend import warn
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn("the rows are not samples; pass X.T", UserWarning)
    >>> print(caught[0].message)
    the rows are not samples; pass X.T
    """
    frame = next(users_frames(), None) or sys._getframe(1)
    names = frame.f_globals
    warnings.warn_explicit(
        *(message, category, frame.f_code.co_filename, frame.f_lineno),
        module=names.get("__name__") or "<unknown>",
        registry=names.setdefault("__warningregistry__", {}),
    )


def is_users(frame: FrameType) -> bool:
    """Whether a frame runs a person's own code."""
    if frame.f_code.co_filename.startswith(PACKAGES):
        return False
    return not str(frame.f_globals.get("__name__", "")).startswith("numpy.")


def is_of_engine(function: Any) -> bool:
    """Whether a function is the engine's own: of `autograd_lite`, and not of `nn`."""
    module = f"{getattr(function, '__module__', '')}."
    return module.startswith("autograd_lite.") and not module.startswith("autograd_lite.nn.")


def is_of_a_layer(frame: FrameType) -> bool:
    """Whether a frame runs the code of one of `nn`'s layers."""
    return frame.f_code.co_filename.startswith(_LAYERS)


def remembered(what: str, source: str) -> str:
    """A file name under which inspect, tracebacks and the checker find `source`."""
    name = f"<{what} {_number()}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    return name


def from_source(source: str, **names: Any) -> Callable[..., Any]:
    """The last function that a text defines, as if it had been imported.

    It knows its source, so that `check_derivation` names its lines. The text is run: take it only
    from whom you would run it for.

    Parameters
    ----------
    source : str
        Python source with at least one `def`.
    **names
        What the text may use without importing it: `from_source(text, np=np)`.

    Returns
    -------
    callable

    Raises
    ------
    ValueError
        Where the text is not valid Python, with the line, or defines no function.

    Examples
    --------
    >>> import numpy as np
    >>> import autograd_lite as al
    >>> f = al.check.from_source("def f(x):\\n    return np.exp(x)", np=np)
    >>> float(f(0.0))
    1.0
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ValueError(
            f"line {error.lineno} of the text is not valid Python: {error.msg}"
        ) from None
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    if not defined:
        raise ValueError("the text defines no function")
    exec(compile(source, remembered("text", source), "exec"), names)
    function: Callable[..., Any] = names[defined[-1]]
    return function
