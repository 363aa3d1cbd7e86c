"""Compiled native code on disk: a private folder for each program, kept within a size.

A folder holds the source of a module and what Numba made of it. The name of the folder is a hash
of the source, of the versions of everything that compiles it, and of the processor, so that what is
found there is what would be made again. Folders belong to the user alone: where somebody else could
write to one, nothing is kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from autograd_lite import files
from autograd_lite.compiler.native.segment import Function, module

SIZE_LIMIT_BYTES = 256 * 2**20
"""The folders that were used last are kept, up to this size."""

MODULE = "program.py"
READY = "ready"


def key_of(functions: Sequence[Function]) -> str:
    """The key of a program in the cache: equal for programs that compile to the same code."""
    from llvmlite import binding

    parts = [module(functions), *(repr(f.kinds) for f in functions), sys.version]
    parts += [f"{name} {version(name)}" for name in ("numba", "llvmlite", "numpy", "scipy")]
    parts += [binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()]
    parts += [platform.platform()]
    here = Path(__file__).parent
    parts += [(here / name).read_text() for name in ("elementary.py", "products.py", "build.py")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


def root() -> Path:
    """The folder of all programs: in XDG_CACHE_HOME, or where the system keeps caches."""
    asked = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(asked):
        base = Path(asked)
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Caches"
    else:
        base = Path.home() / ".cache"
    return base / "autograd_lite" / "native"


@contextlib.contextmanager
def folder_for(key: str, is_kept: bool) -> Iterator[Path]:
    """A private folder for a program: temporary if nothing is kept, or no safe place exists."""
    kept = _kept(key) if is_kept else None
    if kept is not None:
        yield kept
        _prune(kept)
        return
    made = Path(tempfile.mkdtemp(prefix="autograd_lite-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _kept(key: str) -> Path | None:
    try:
        place = root()
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = place / key
        folder.mkdir(mode=0o700, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return folder if _is_private(place) and _is_private(folder) else None


def _is_private(folder: Path) -> bool:
    """Whether a folder belongs to the user and only the user can write to it."""
    if not hasattr(os, "getuid"):
        return True
    found = folder.lstat()
    is_own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    return is_own and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def is_ready(folder: Path) -> bool:
    """Whether a program has been compiled into a folder."""
    return (folder / READY).is_file()


def put_source(folder: Path, text: str) -> Path:
    """Write the source of a module there, unless it stands there already."""
    path = folder / MODULE
    if not path.is_file() or path.read_text() != text:
        files.write(path, text.encode(), "source of a compiled program")
    return path


def mark_ready(folder: Path) -> None:
    """Say that a program has been compiled into a folder."""
    files.write(folder / READY, b"", "mark of a compiled program")


def _prune(used: Path) -> None:
    """Remove the folders that were not used for the longest time, above the limit of size."""
    with contextlib.suppress(OSError):
        os.utime(used)
        folders = [f for f in used.parent.iterdir() if f.is_dir()]
        folders.sort(key=lambda f: f.stat().st_mtime, reverse=True)
        total = 0
        for folder in folders:
            total += sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
            if total > SIZE_LIMIT_BYTES and folder != used:
                shutil.rmtree(folder, ignore_errors=True)
