"""Options of command lines: how they are checked, shown and named in messages."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable


class Formatter(argparse.HelpFormatter):
    """Help that ends with the default of each option that has one."""

    def _get_help_string(self, action: argparse.Action) -> str:
        told = action.help or ""
        default = action.default
        if default is None or default is False or default == argparse.SUPPRESS:
            return told
        shown = " ".join(map(str, default)) if isinstance(default, list) else str(default)
        return f"{told} (default: {shown})".replace("%", "%%")


def whole(least: int) -> Callable[[str], int]:
    """The type of an option that is a whole number from `least` on."""

    def number(text: str) -> int:
        try:
            found = int(text)
        except ValueError:
            found = least - 1
        if found < least:
            raise argparse.ArgumentTypeError(f"must be a whole number from {least}, not {text!r}")
        return found

    return number


def above_zero(text: str) -> float:
    """The type of an option that is a number above 0."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, not {text!r}")
    return found


def in_options(error: ValueError) -> ValueError:
    """An error of `nn.load_data` in the words of a command line."""
    text = str(error).replace("by positive=[...]", "by --positive CLASS ...")
    if text.startswith("positive names"):
        text = f"--{text}"
    return type(error)(text)
