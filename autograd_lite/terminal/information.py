"""`info`: versions, BLAS and its threads, and which extras are there."""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

import numpy as np

import autograd_lite as al


def add_to(commands: Any) -> None:
    """Adds the subcommand to a parser's."""
    info = commands.add_parser(
        "info",
        help="print versions, BLAS and its threads, and extras",
        description="Prints what a report of a fault should tell.",
    )
    info.set_defaults(run=_info)


def _info(options: argparse.Namespace) -> int:
    print(f"autograd_lite  {al.__version__}, {os.path.dirname(al.__file__)}")
    print(f"Python         {platform.python_version()}, {platform.system()} {platform.machine()}")
    for package in ("numpy", "h5py", "graphviz"):
        print(f"{package:<15}{version(package)}")
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    print(f"BLAS           {blas['name']} {blas.get('version', '')}, {_threads()}")
    for extra, packages in _extras().items():
        versions = {package: _version(package) for package in packages}
        if None in versions.values():
            print(f"{extra:<15}missing: pip install 'autograd_lite[{extra}]'")
        else:
            print(f"{extra:<15}{', '.join(f'{name} {found}' for name, found in versions.items())}")
    theirs = importlib.util.find_spec("nn")
    if theirs is not None and "autograd_lite" not in _ours(theirs.origin):
        print(f"import nn      gives {theirs.origin}; ours is `from autograd_lite import nn`")
    return 0


def _ours(origin: str | None) -> str:
    """The text of a module's file, which names autograd_lite if it is ours."""
    try:
        with open(origin or "", encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def _threads() -> str:
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return f"{os.cpu_count()} cores"
    found = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return f"{max(found, default=1)} threads on {os.cpu_count()} cores"


def _extras() -> dict[str, list[str]]:
    """The requirements of each extra, as the installed package declares them; empty if not
    installed.

    Left out are those that put others together.
    """
    found: dict[str, list[str]] = {}
    try:
        declared = requires("autograd_lite") or []
    except PackageNotFoundError:
        return found
    for requirement in declared:
        told = re.match(r"([\w.-]+)[^;]*; extra == ['\"](\w+)", requirement)
        if told is not None and told[2] not in ("all", "examples"):
            found.setdefault(told[2], []).append(told[1])
    return found


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
