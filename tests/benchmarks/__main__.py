"""Every comparison of the project in one run, as a table, as JSON and as a chart.

    pip install -e '.[all]' --group benchmark
    python -m tests.benchmarks

Each work runs in a process of its own, whose libraries have as many threads as the table says; its
candidates take turns. Written to `--output`: benchmarks.md, benchmarks.json, benchmarks.png.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))


def options() -> argparse.Namespace:
    """What the command line says."""
    found = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    found.add_argument("--output", type=Path, default=Path("out"), metavar="FOLDER")
    found.add_argument("--only", metavar="TEXT", help="works and slopes whose names have TEXT")
    found.add_argument("--rounds", type=int, metavar="N", help="turns per work, instead of its own")
    found.add_argument("--one", metavar="JSON", help=argparse.SUPPRESS)
    return found.parse_args()


def measure(kind: str, name: str, rounds: int | None) -> Any:
    """What every turn of each candidate of a work takes, or the curves of a slope."""
    from benchmarks.slopes import SLOPES
    from benchmarks.works import WORKS

    if kind == "slope":
        return SLOPES[name]()
    return next(work for work in WORKS if work.title == name).measure(rounds)


def in_a_process(kind: str, name: str, threads: int, rounds: int | None) -> Any:
    """What `measure` gives, in a process with `threads` threads for libraries; None if it fails."""
    number = str(threads)
    environment = os.environ | {
        "OMP_NUM_THREADS": number,
        "OPENBLAS_NUM_THREADS": number,
        "MKL_NUM_THREADS": number,
        "OMP_WAIT_POLICY": "PASSIVE",
        "DASK_NUM_WORKERS": number,
    }
    if threads == 1:
        environment["XLA_FLAGS"] = (
            "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        )
    request = json.dumps([kind, name, rounds])
    command = [sys.executable, "-m", "tests.benchmarks", "--one", request]
    done = subprocess.run(
        command, cwd=TESTS.parent, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        # What the others took is worth keeping.
        print(f"{name}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    args = options()
    if args.one:
        print(json.dumps(measure(*json.loads(args.one))))
        return
    from benchmarks import table
    from benchmarks.slopes import SLOPES
    from benchmarks.works import WORKS

    def is_wanted(name: str) -> bool:
        return args.only is None or args.only in name

    args.output.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"made": table.made(), "works": [], "slopes": {}}
    for work in (w for w in WORKS if is_wanted(w.title)):
        start = time.perf_counter()
        taken = in_a_process("work", work.title, work.threads, args.rounds)
        found["works"] += [] if taken is None else [table.compared(work, taken)]
        print(f"{work.title}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    for name in filter(is_wanted, SLOPES):
        curves = in_a_process("slope", name, 2, None)
        found["slopes"] |= {} if curves is None else {name: curves}
        print(f"slope over {name}", file=sys.stderr)
    text = table.as_markdown(found)
    (args.output / "benchmarks.json").write_text(json.dumps(found, indent=1))
    (args.output / "benchmarks.md").write_text(text)
    table.draw(found, args.output / "benchmarks.png")
    print(text)


if __name__ == "__main__":
    main()
