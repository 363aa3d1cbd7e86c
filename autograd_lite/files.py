"""Writing files, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path


def write(path: Path, data: bytes, what: str) -> None:
    """Write a whole file or none; `what` it is, for the message of the OSError."""
    temporary = path.with_name(f".{path.name[:50]}.{secrets.token_hex(4)}")
    try:
        try:
            with open(temporary, "xb") as file:
                file.write(data)
            os.replace(temporary, path)
        finally:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
    except OSError as error:
        raise type(error)(f"cannot write the {what} to {path}: {_reason(path, error)}") from None


def _reason(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no folder {path.parent}"
    if path.is_dir():
        return "that is a folder"
    return error.strerror or str(error)
