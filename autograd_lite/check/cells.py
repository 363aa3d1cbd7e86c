"""The code of a notebook as Python, without commands for the shell and for IPython."""

from __future__ import annotations

import ast
import json
import re

_PYTHON_CELLS = frozenset(("time", "timeit", "capture", "prun", "python", "python3"))
"""Cell magics that run the rest of their cell as Python."""

_RUNS_CODE = re.compile(r"(\s*)%time\s+(.*)")
_ASSIGNS = re.compile(r"(\s*)([\w.,\s]+?)\s*=\s*[!%].*")
_OTHER = re.compile(r"(\s*)(?:[!%?].*|[\w.*]+\?{1,2}\s*)")


def notebook_source(text: str, path: str) -> str:
    """The code of a notebook's cells, joined into one text.

    A line that is not Python keeps its place as `pass`; a result of the shell becomes an empty
    list.
    """
    try:
        cells = json.loads(text)["cells"]
        sources = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path} is not a notebook") from None
    return "\n".join(map(cell_source, sources)) + "\n"


def cell_source(cell: str) -> str:
    """A cell with the same number of lines, of which only the Python is left.

    >>> cell_source("x = 1\\n%matplotlib inline\\nfiles = !ls")
    'x = 1\\npass\\nfiles = []'
    """
    lines = cell.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    magic = re.match(r"%%(\w+)", lines[first])
    if magic is not None:
        if magic[1] not in _PYTHON_CELLS:
            return "\n" * (len(lines) - 1)
        lines[first] = ""
    # A line of a string or of an expression may look like a magic, so a line is replaced only where
    # Python finds a syntax error.
    for _ in lines:
        try:
            ast.parse("\n".join(lines))
            break
        except SyntaxError as error:
            place = (error.lineno or 1) - 1
            if place >= len(lines) or not _replace(lines, place):
                break
    return "\n".join(lines)


def _replace(lines: list[str], place: int) -> bool:
    """Replaces a magic, a shell command or a question by Python; False where the line is none."""
    line = lines[place]
    if (match := _RUNS_CODE.fullmatch(line)) is not None:
        lines[place] = match[1] + match[2]
    elif (match := _ASSIGNS.fullmatch(line)) is not None:
        lines[place] = f"{match[1]}{match[2]} = []"
    elif (match := _OTHER.fullmatch(line)) is not None:
        lines[place] = f"{match[1]}pass"
    else:
        return False
    while line.endswith("\\") and place + 1 < len(lines):
        place += 1
        line, lines[place] = lines[place], ""
    return True
