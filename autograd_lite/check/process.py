"""Marks a file in a process of its own, which the file may end or never end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from autograd_lite.check.report import Line, Report
from autograd_lite.files import write

LIMIT_SECONDS = 60.0
"""The time limit for a file to run up to its loop and to be marked."""

_START = (
    "import json, sys; request = json.loads(sys.argv[1]); sys.path[:] = request['path']; "
    "from autograd_lite.check.process import answer; answer(request)"
)


class NotMarked(Exception):  # noqa: N818 - it reports a fault of the file, not of the caller
    """Raised when a file could not be marked; the message says why."""


def check_file(path: Path, limit: float = LIMIT_SECONDS, **options: Any) -> Report:
    """Marks a file with `check_script` in another process, and returns the report.

    The file gets no input, and its output is not shown. Raises NotMarked where the file cannot be
    marked, ends its process, or takes longer than `limit` seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "answer.json"
        request = {"file": str(path), "answer": str(result), "options": options, "path": sys.path}
        process = subprocess.Popen(
            [sys.executable, "-c", _START, json.dumps(request)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "MPLBACKEND": "Agg"},
            start_new_session=True,
        )
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            raise NotMarked(
                f"it was stopped after {limit:g} s: is there an endless loop before the loop to "
                "mark? --limit gives it more time"
            ) from None
        finally:
            _end(process)
        if not result.exists():
            raise NotMarked(f"it ended its process {_how(status)} before it could be marked")
        found = json.loads(result.read_text("utf-8"))
    if "error" in found:
        raise NotMarked(found["error"])
    return Report(tuple(map(_line, found["lines"])), tuple(found["notes"]))


def _line(found: dict[str, Any]) -> Line:
    shapes = {name: tuple(found[name]) for name in ("shape", "expected_shape")}
    return Line(**found | shapes)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process together with every process that it has started."""
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _how(status: int) -> str:
    if status >= 0:
        return f"with exit status {status}"
    try:
        return f"by {signal.Signals(-status).name}"
    except ValueError:
        return f"by signal {-status}"


def answer(request: dict[str, Any]) -> None:
    """Marks the file of a request, writes the answer to its file, and ends the process."""
    from autograd_lite.check.script import check_script

    try:
        report = check_script(Path(request["file"]), show=False, **request["options"])
        found: dict[str, Any] = {"lines": [*map(vars, report)], "notes": report.notes}
    except BaseException as error:
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        found = {"error": f"{kind}{error}"}
    write(request["answer"], json.dumps(found, default=_number).encode(), "answer")
    # The process does not wait for threads that the file has started.
    os._exit(0)


def _number(value: np.generic) -> Any:
    return value.item()
