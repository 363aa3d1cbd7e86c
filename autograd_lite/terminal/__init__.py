"""The subcommands of `python -m autograd_lite`, one module for each kind."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from autograd_lite.terminal import information, mark, networks, pictures


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand and gives the exit status.

    It is 0 where all is well, 1 where what was looked at is wrong, 2 where that could not be found
    out. What is wrong with the input is one sentence on the standard error.
    """
    parser = argparse.ArgumentParser(
        prog="python -m autograd_lite",
        description="Marks, draws, trains and looks into files; each command has its own --help.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for kind in (mark, pictures, networks, information):
        kind.add_to(commands)
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        return int(options.run(options))
    except BrokenPipeError:
        # Whoever read the output has gone, and flushing it at the end would raise again.
        os._exit(0)
    except (ValueError, TypeError, OSError, ImportError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
