"""Functions from text, for those who mark what others have written."""

from __future__ import annotations

import ast
import itertools
import linecache
from collections.abc import Callable
from typing import Any

_number = itertools.count(1).__next__


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

    Raises
    ------
    ValueError
        Where the text is no Python, with the line, or defines no function.

    >>> import numpy as np
    >>> float(from_source("def f(x):\\n    return np.exp(x)", np=np)(0.0))
    1.0
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ValueError(f"line {error.lineno} of the text is no Python: {error.msg}") from None
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    if not defined:
        raise ValueError("the text defines no function")
    file = f"<text {_number()}>"
    # Where inspect and tracebacks look for the lines of a file.
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    exec(compile(source, file, "exec"), names)
    function: Callable[..., Any] = names[defined[-1]]
    return function
