"""`draw` and `sheet`: the graph of a result that a script computes, as a picture or a page."""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path
from typing import Any

import autograd_lite as al
from autograd_lite.terminal.options import Formatter


def add_to(commands: Any) -> None:
    """Adds the subcommands to a parser's."""
    for name, what, suffix in (
        ("draw", "a picture of the graph", ".svg"),
        ("sheet", "a page of the derivation", ".html"),
    ):
        command = commands.add_parser(
            name,
            help=f"write {what} of what a script computes",
            description=(
                f"Runs a script and writes {what} of one of its Tensors. THE CODE IS RUN. The "
                "Tensor must still have its graph: backward() frees it, unless it is called with "
                "retain_graph=True."
            ),
            formatter_class=Formatter,
        )
        command.add_argument("path", type=Path, help="a .py file")
        command.add_argument("--loss", default="loss", help="the variable that holds the Tensor")
        command.add_argument(
            "--output", type=Path, default=Path(f"{name}{suffix}"), help="the file to write"
        )
        command.set_defaults(run=_draw if name == "draw" else _sheet)


def _draw(options: argparse.Namespace) -> int:
    loss, names = _result(options)
    al.label(names)
    print(f"written: {al.draw(loss).render(options.output)}")
    return 0


def _sheet(options: argparse.Namespace) -> int:
    loss, names = _result(options)
    al.label(names)
    print(f"written: {al.sheet(loss, path=options.output)}")
    return 0


def _result(options: argparse.Namespace) -> tuple[al.Tensor, dict[str, Any]]:
    """The Tensor that the script computes, and all its variables."""
    if not options.path.is_file():
        raise FileNotFoundError(f"there is no file {str(options.path)!r}")
    print(f"this runs the code of {options.path.name}", file=sys.stderr)
    folder = str(options.path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        with al.record_lines():
            names = runpy.run_path(str(options.path), run_name="__main__")
    finally:
        sys.path.remove(folder)
    found = names.get(options.loss)
    if not isinstance(found, al.Tensor):
        what = f"is a {type(found).__name__}" if options.loss in names else "is not there"
        raise ValueError(
            f"{options.path.name} should leave a Tensor in the variable {options.loss!r}, which "
            f"{what}; --loss names another one"
        )
    return found, names
