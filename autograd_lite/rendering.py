"""Turning DOT text into pictures: with the system's Graphviz, else with the graphviz-pure wheel."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import graphviz

from autograd_lite.files import write
from autograd_lite.printable import printable

TIME_LIMIT = 60.0
"""Seconds that laying out one picture may take."""

HOW_TO_GET_ONE = (
    "install Graphviz (on Debian and Ubuntu: apt install graphviz, on macOS: brew install "
    "graphviz), or pip install 'autograd_lite[dot]' for a wheel that brings one"
)

TEXT_FORMATS = ("dot", "gv")
"""Formats that are the DOT text itself."""


class RenderError(RuntimeError):
    """A picture could not be made."""


class Picture(graphviz.Digraph):  # type: ignore[misc]
    """A `graphviz.Digraph` that also renders where only the graphviz-pure wheel is installed.

    `.source` is the DOT text and needs no program. `.render("graph.svg")` writes a picture whose
    format is that of the name's ending; `.pipe("svg")` returns it.
    """

    def pipe(
        self,
        format: str | None = None,
        *,
        engine: str | None = None,
        encoding: str | None = None,
        quiet: bool = False,
    ) -> Any:
        """The picture as bytes, or as text where `encoding` says how to decode it.

        The formats "dot" and "gv" are the DOT text and need no program. `quiet` is there for
        callers of `graphviz.Digraph`; a program's warnings are never printed.
        """
        format = (format or self.format).lower()
        if format in TEXT_FORMATS:
            data = self.source.encode()
        else:
            data = rendered(self.source, format, engine or self.engine)
        return data if encoding is None else data.decode(encoding)

    def render(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        *,
        outfile: str | os.PathLike[str] | None = None,
        engine: str | None = None,
        quiet: bool = False,
        quiet_view: bool = False,
    ) -> str:
        """Write the picture and return its path; nothing is written if that fails.

        The format is `format`, or the ending of the name, or svg; the name gets the format's
        ending where it has another. The formats "dot" and "gv" are the DOT text and need no
        program. `view` opens the picture. `cleanup` and `quiet` are there for callers of
        `graphviz.Digraph`: no DOT file is left beside the picture, and no warning printed.
        """
        path = Path(directory or "", outfile or filename or "graph")
        format = (format or path.suffix[1:] or self.format).lower()
        if path.suffix.lower() != f".{format}":
            path = path.with_name(f"{path.name}.{format}")
        write(path, self.pipe(format, engine=engine), "picture")
        if view:
            self._view(str(path), format=format, quiet=quiet_view)
        return str(path)


def rendered(source: str, format: str, engine: str = "dot") -> bytes:
    """The picture of some DOT text.

    Raises RenderError where there is no program to draw it, or where it fails or takes longer
    than `TIME_LIMIT`.
    """
    program = find_dot()
    status, picture, errors = _run([program, f"-K{engine}", f"-T{format}"], source.encode())
    if status or not picture:
        said = printable("; ".join(errors.decode(errors="replace").split("\n")).strip("; "), 500)
        if not said:
            said = f"it ended with exit status {status}" if status else "it printed nothing"
        raise RenderError(f"{program} could not make a picture of format {format!r}: {said}")
    return picture


def _run(command: list[str], text: bytes) -> tuple[int, bytes, bytes]:
    """Exit status, output and error output of a program that gets `text` and `TIME_LIMIT`."""
    try:
        # In a session of its own, so that what a wrapper script started can be stopped with it.
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise RenderError(
            f"{command[0]} could not be started: {error.strerror}; {HOW_TO_GET_ONE}"
        ) from None
    with process:
        try:
            output, errors = process.communicate(text, timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            _stop(process)
            raise RenderError(
                f"{command[0]} was stopped because it had not drawn the graph after "
                f"{TIME_LIMIT:g} s; draw a smaller example, or lay out its .source elsewhere"
            ) from None
        except BaseException:
            _stop(process)
            raise
    return process.returncode, output, errors


def _stop(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def find_dot() -> str:
    """The program that lays out graphs: the system's `dot`, else `graphviz-pure`.

    The latter is found in the environment's folder for scripts also where that is not on PATH.
    """
    scripts = sysconfig.get_path("scripts")
    found = (
        shutil.which("dot")
        or shutil.which("graphviz-pure")
        or shutil.which("graphviz-pure", path=scripts)
    )
    if found is None:
        raise RenderError(
            f"no Graphviz program was found to draw with: {HOW_TO_GET_ONE}. The DOT text needs "
            "none: it is in .source, and .render('graph.dot') writes it"
        )
    return found
