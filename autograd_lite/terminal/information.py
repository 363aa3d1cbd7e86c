"""`info`: versions, BLAS and its threads, and which extras are there."""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

import autograd_lite as al

EXTRAS = {
    "animate": ("PIL",),
    "cluster": ("dask", "distributed"),
    "derive": ("sympy",),
    "dot": ("graphviz_pure",),
    "jit": ("numba", "scipy", "threadpoolctl"),
    "onnx": ("onnx",),
    "plot": ("matplotlib",),
    "safetensors": ("safetensors",),
    "scipy": ("scipy",),
    "sklearn": ("sklearn", "pandas"),
}
"""What each extra brings, by the names that are imported."""


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
    for extra, modules in EXTRAS.items():
        missing = [m for m in modules if importlib.util.find_spec(m) is None]
        how = f"missing: pip install 'autograd_lite[{extra}]'" if missing else _versions(modules)
        print(f"{extra:<15}{how}")
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


def _versions(modules: tuple[str, ...]) -> str:
    names = {"PIL": "pillow", "sklearn": "scikit-learn", "graphviz_pure": "graphviz-pure"}
    told = []
    for module in modules:
        try:
            told.append(f"{module} {version(names.get(module, module))}")
        except PackageNotFoundError:
            told.append(module)
    return ", ".join(told)
