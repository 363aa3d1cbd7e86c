"""The magic `%%check_derivation` for notebooks, after `%load_ext autograd_lite`."""

from __future__ import annotations

import re
from typing import Any

from autograd_lite.check.script import check_script


def register(shell: Any) -> None:
    """Makes `%%check_derivation` known to a shell of IPython.

    The cell is run as it would be without it, and its derivation is marked: one pass of its loop,
    or all of it. Its first line may name the loss: `%%check_derivation loss`.
    """

    def check_derivation(line: str, cell: str) -> None:
        # Copies are made of what a script may use: not of all results of the notebook.
        words = re.findall(r"\w+", f"{line}\n{cell}")
        namespace = {word: shell.user_ns[word] for word in words if word in shell.user_ns}
        check_script(f"\n{cell}", line.strip() or None, namespace=namespace)
        shell.run_cell(cell)

    shell.register_magic_function(check_derivation, "cell", "check_derivation")
