"""The Python blocks and cells of a page of documentation, as a reader pastes them: in order.

`python tests/documents.py README.md` runs those of a page, with the installed autograd_lite.
"""

import re
import sys
from pathlib import Path

BLOCK = re.compile(
    r"^```(?:python|\{code-cell\} ipython3)\n(?::tags:[^\n]*\n)?(.*?)^```", re.DOTALL | re.MULTILINE
)


def blocks(page):
    """The text of each Python block of a page of Markdown, and the line on which it begins."""
    text = Path(page).read_text("utf-8")
    for found in BLOCK.finditer(text):
        yield text.count("\n", 0, found.start(1)) + 1, found[1]


def shown(page):
    """What a page shows as printed: the blocks of no language that follow one of Python."""
    text = Path(page).read_text("utf-8")
    return "".join(re.findall(r"(?<=^```\n\n)```\n(.*?)^```", text, re.DOTALL | re.MULTILINE))


def comparable(text):
    """What is printed, without the digits of rounding errors, which differ between machines."""
    return re.sub(r"\d\.\d+e-1\d|0\.00e\+00", "rounding", text)


def run(page, folder):
    """Runs the blocks of a page in a folder, one after the other with the same names.

    Each is a file there, so that functions have their source. Gives the names that there are then.
    """
    names = {"__name__": "__main__"}
    for line, source in blocks(page):
        file = Path(folder) / f"line_{line}.py"
        file.write_text(source, "utf-8")
        exec(compile(source, str(file), "exec"), names)
    return names


if __name__ == "__main__":
    run(sys.argv[1], Path.cwd())
