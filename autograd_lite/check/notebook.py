"""The magic `%%check_derivation` for notebooks, after `%load_ext autograd_lite`."""

from __future__ import annotations

import re
from typing import Any

from autograd_lite.check.script import check_script


def register(shell: Any) -> None:
    """Registers the magic `%%check_derivation` with an IPython shell.

    The magic marks the derivation in a cell, on one pass of its loop or on the whole cell, and then
    runs the cell as usual. Its line may name the loss: `%%check_derivation loss`.
    """

    def check_derivation(line: str, cell: str) -> None:
        # The namespace is copied, so it holds only the variables that the cell names.
        words = re.findall(r"\w+", f"{line}\n{cell}")
        namespace = {word: shell.user_ns[word] for word in words if word in shell.user_ns}
        check_script(f"\n{cell}", line.strip() or None, namespace=namespace)
        shell.run_cell(cell)

    shell.register_magic_function(check_derivation, "cell", "check_derivation")
