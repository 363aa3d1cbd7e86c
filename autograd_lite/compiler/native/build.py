"""Compilation of native functions, in a process of its own; Numba keeps their code on disk.

There the program that is running is not held up, neither by the compiler's work nor by its lock,
and LLVM can be told to check for more overlapping arrays than it does by itself before it gives up
vectorising a loop.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from autograd_lite.arrays import blas
from autograd_lite.compiler.native import cache
from autograd_lite.compiler.native.segment import Function, Kind, module

OVERLAP_CHECKS = 128
"""Loops with up to so many pairs of arrays that might overlap are vectorised."""

TIME_LIMIT_SECONDS = 600

_CHILD = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from autograd_lite.compiler.native.build import compile_module; "
    "compile_module(sys.argv[2], json.loads(sys.argv[3]))"
)


class BuildError(RuntimeError):
    """Native code could not be made."""


def built(functions: Sequence[Function], is_kept: bool) -> dict[str, Callable[..., Any]]:
    """The compiled functions, by their names; BuildError says why there are none."""
    try:
        with cache.folder_for(cache.key_of(functions), is_kept) as folder:
            path = cache.put_source(folder, module(functions))
            if not cache.is_ready(folder):
                _compile_apart(path, functions)
                cache.mark_ready(folder)
            found = loaded(path, functions)
            # SciPy's is loaded with them.
            blas.look_again()
            return found
    except (OSError, ImportError) as error:
        raise BuildError(str(error)) from error


def _compile_apart(path: Path, functions: Sequence[Function]) -> None:
    """Compile a module in another process."""
    if not sys.executable:
        raise BuildError("there is no interpreter to compile with")
    kinds = {f.name: f.kinds for f in functions}
    command = [sys.executable, "-c", _CHILD, json.dumps(sys.path), str(path), json.dumps(kinds)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")}
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=TIME_LIMIT_SECONDS,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        raise BuildError(f"compiling took longer than {TIME_LIMIT_SECONDS} seconds") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        errors = [line for line in said if "Error" in line]
        raise BuildError((errors or said or [f"the compiler ended with {done.returncode}"])[-1])


def compile_module(path: str, kinds: dict[str, list[list[Any]]]) -> None:
    """Compile the functions of a module, and let Numba write them down beside it."""
    from llvmlite import binding

    binding.set_option("", f"-runtime-memory-check-threshold={OVERLAP_CHECKS}")
    functions = [Function(n, "", [Kind(*kind) for kind in of]) for n, of in kinds.items()]
    loaded(Path(path), functions)


def loaded(path: Path, functions: Sequence[Function]) -> dict[str, Callable[..., Any]]:
    """The functions of a module for the types of their parameters, compiled unless Numba finds
    them beside it."""
    name = f"autograd_lite_native_{path.parent.name}"
    # Numba looks for the module of a function when it reads it back.
    made = sys.modules[name] = types.ModuleType(name)
    made.__file__ = str(path)
    exec(compile(path.read_text(), str(path), "exec"), made.__dict__)
    found = {}
    for function in functions:
        dispatcher = getattr(made, function.name)
        dispatcher.compile(tuple(map(_numba_type, function.kinds)))
        dispatcher.disable_compile()
        found[function.name] = dispatcher
    return found


def _numba_type(kind: Kind) -> Any:
    import numba

    dtype = numba.types.boolean if kind.dtype == "bool" else getattr(numba.types, kind.dtype)
    if not kind.ndim:
        return dtype
    return numba.types.Array(dtype, kind.ndim, kind.layout, readonly=not kind.is_written)
