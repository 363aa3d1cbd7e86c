"""Prints by how many MiB three training steps raise a process's peak of resident memory.

    python -m benchmarks.peak_memory autograd_lite|torch    (in tests/)

A process of its own, because a peak never falls. The net is 784-512-512-10 on 4,096 columns.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

SIZES, COLUMNS = (784, 512, 512, 10), 4096


def peak() -> float:
    """The largest resident size so far, in MiB (Linux)."""
    # Not getrusage: its figure begins with that of the process that started this one.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main(engine: str) -> None:
    from benchmarks import nets

    X, _ = nets.samples(SIZES[0], COLUMNS)
    Y = (np.random.default_rng(2).random((SIZES[-1], COLUMNS)) < 0.1).astype(float)
    if engine == "torch":
        import torch

        step = nets.in_torch(torch, SIZES, X, Y)
        nets.in_torch(torch, (4, 2, 1), X[:4, :2], Y[:1, :2])()
    else:
        step = nets.recorded(SIZES, X, Y)
        nets.recorded((4, 2, 1), X[:4, :2], Y[:1, :2])()
    before = peak()
    for _ in range(3):
        step()
    print(peak() - before)


if __name__ == "__main__":
    main(sys.argv[1])
