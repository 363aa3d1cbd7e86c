"""The comparisons of the project, each with its threads and its rounds."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks import candidates
from benchmarks.candidates import LENGTHS, Runs
from benchmarks.measure import turns

OURS = ("autograd_lite", "compiled")
"""The candidates that are this project's: as recorded, and under al.compile."""


@dataclass(frozen=True)
class Work:
    """A piece of work: `runs()` gives the candidates.

    `threads` is what all libraries get; `times` how often a run is repeated to be timed; `lengths`
    what candidates do of 20,000 operations. What `runs()` needs for as long as they run, it opens
    and closes as a context manager. With `is_memory` a run returns what it takes, in MiB.
    """

    title: str
    threads: int
    runs: Callable[[], Runs | contextlib.AbstractContextManager[Runs]]
    rounds: int = 15
    times: int = 1
    lengths: Mapping[str, int] | None = None
    is_memory: bool = False

    def measure(self, rounds: int | None = None) -> dict[str, list[float]]:
        """What each candidate takes in each turn: seconds per run, or MiB."""
        made: Any = self.runs()
        with made if hasattr(made, "__enter__") else contextlib.nullcontext(made) as runs:
            if self.is_memory:
                return {n: [run() for _ in range(rounds or self.rounds)] for n, run in runs.items()}
            several = {n: (lambda f=f: [f() for _ in range(self.times)]) for n, f in runs.items()}
            seconds = turns(several, rounds or self.rounds)
        scale = {n: 20_000 / length for n, length in (self.lengths or {}).items()}
        return {n: [s * scale.get(n, 1) / self.times for s in own] for n, own in seconds.items()}


def peak_memory() -> Runs:
    """By how much three steps of 784-512-512-10 raise the peak of a process of their own."""

    def rise(engine: str) -> float:
        command = [sys.executable, "-m", "benchmarks.peak_memory", engine]
        folder = Path(__file__).parents[1]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(["..", *sys.path])}
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
        return float(done.stdout)

    runs: Runs = {"autograd_lite": lambda: rise("autograd_lite")}
    if importlib.util.find_spec("torch") is not None:
        runs["PyTorch"] = lambda: rise("torch")
    return runs


def _net(sizes: tuple[int, ...], columns: int, threads: int, **options: Any) -> Work:
    dtype = options.pop("dtype", np.float64)
    single = ", float32" if dtype == np.float32 else ""
    note = options.pop("note", "")
    title = f"step of {'-'.join(map(str, sizes))}, {columns:,} columns{single}{note}"
    return Work(title, threads, lambda: candidates.net(sizes, columns, threads, dtype), **options)


NARROW, WIDE = (12288, 5, 5, 5, 3, 1), (12288, 20, 7, 5, 1)
SMALL, DIGITS = (64, 32, 16, 1), (784, 512, 512, 10)

WORKS = [
    _net(NARROW, 209, 2, times=5),
    _net(NARROW, 209, 2, times=5, dtype=np.float32),
    _net(WIDE, 209, 2, times=5),
    _net(WIDE, 209, 2, times=5, dtype=np.float32),
    _net(SMALL, 32, 1, rounds=31, times=20),
    _net(SMALL, 2048, 1, times=5),
    _net(SMALL, 2048, 2, times=5, note=", two threads"),
    _net(DIGITS, 128, 2),
    *(
        Work(
            f"step of 784-512-512-10, {columns:,} columns, float32, softmax",
            2,
            lambda columns=columns: candidates.wide_net(columns, np.float32),
            rounds=rounds,
        )
        for columns, rounds in ((128, 15), (4096, 7))
    ),
    Work("peak memory of 784-512-512-10, 4,096 columns", 2, peak_memory, 3, is_memory=True),
    Work("scalar operations", 1, lambda: candidates.chain(()), 9, lengths=LENGTHS),
    Work("operations on (32, 10)", 1, lambda: candidates.chain((32, 10)), 9, lengths=LENGTHS),
    Work("log-loss of 1,000,000, with gradient", 2, candidates.log_loss),
    Work(
        "epoch of 64-64-10 by Adam, 1,437 samples",
        2,
        lambda: candidates.epoch((64, 64, 10), 1437),
        rounds=9,
    ),
    Work(
        "epoch of 784-512-512-10 by Adam, 3,000 samples",
        2,
        lambda: candidates.epoch(DIGITS, 3000),
        rounds=7,
    ),
    Work(
        "Conv2d(16, 32, 3) on 128 pictures of 14 x 14",
        2,
        lambda: candidates.convolution(16, 32, 14, 128),
    ),
    Work("40 epochs of nn.fit on 64-32-1, batches of 32", 2, candidates.fit, 7),
    Work("step of 64-32-1, 160,000 columns, 16 blocks", 2, candidates.in_blocks, 9),
    Work("the same, 1,024 columns, cluster of two", 1, candidates.on_a_cluster, 31),
    Work("epoch of logistic regression over a file of 1 GiB", 2, candidates.from_a_file, 9),
    Work("batches of 256 of the file, in order", 2, lambda: candidates.batches_of_a_file(False), 5),
    Work("batches of 256 of the file, shuffled", 2, lambda: candidates.batches_of_a_file(True), 5),
]
