"""Turning DOT text into pictures: with the system's Graphviz, else with the graphviz-pure wheel."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

import graphviz

TIME_LIMIT = 60.0
"""Seconds that laying out one picture may take."""

HOW_TO_GET_ONE = (
    "install Graphviz (on Debian and Ubuntu: apt install graphviz, on macOS: brew install "
    "graphviz), or pip install 'autograd_lite[dot]' for a wheel that brings one"
)


class RenderError(RuntimeError):
    """A picture could not be made."""


class Picture(graphviz.Digraph):  # type: ignore[misc]
    """A `graphviz.Digraph` that also renders where only the graphviz-pure wheel is installed.

    `.source` is the DOT text and needs no program. `.render("graph.svg")` writes a picture whose
    format is that of the name's ending; `.pipe("svg")` returns it.
    """

    def pipe(
        self, format: str | None = None, *args: Any, encoding: str | None = None, **kwargs: Any
    ) -> Any:
        """The picture as bytes, or as text where `encoding` says how to decode it."""
        data = rendered(self.source, format or self.format, self.engine)
        return data if encoding is None else data.decode(encoding)

    def render(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        view: bool = False,
        *args: Any,
        format: str | None = None,
        outfile: str | os.PathLike[str] | None = None,
        **kwargs: Any,
    ) -> str:
        """Write the picture and return its path; nothing is written if that fails.

        The format is `format`, or the ending of the name, or svg. The formats "dot" and "gv" are
        the DOT text and need no program.
        """
        path = Path(directory or "", outfile or filename or "graph")
        if format is None:
            format = path.suffix[1:] or self.format
        if path.suffix != f".{format}":
            path = path.with_name(f"{path.name}.{format}")
        if format in ("dot", "gv"):
            data = self.source.encode()
        else:
            data = rendered(self.source, format, self.engine)
        _write(path, data)
        if view:
            self._view(str(path), format=format, quiet=False)
        return str(path)


def rendered(source: str, format: str, engine: str = "dot") -> bytes:
    """The picture of some DOT text.

    Raises RenderError where there is no program to draw it, or where it fails or takes longer
    than `TIME_LIMIT`.
    """
    program = find_dot()
    command = [program, f"-K{engine}", f"-T{format}"]
    try:
        done = subprocess.run(
            command, input=source.encode(), capture_output=True, timeout=TIME_LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        raise RenderError(
            f"{program} had not drawn the graph after {TIME_LIMIT:g} s; its DOT text is in .source"
        ) from None
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"
        raise RenderError(f"{program} could not make a picture of format {format!r}: {said}")
    return done.stdout


def find_dot() -> str:
    """The program that lays out graphs: the system's `dot`, else `graphviz-pure`."""
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


def _write(path: Path, data: bytes) -> None:
    """Write a whole file or none."""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name[:50]}.", dir=path.parent)
    except OSError as error:
        raise OSError(f"cannot write the picture to {path}: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise OSError(f"cannot write the picture to {path}: {error.strerror}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
