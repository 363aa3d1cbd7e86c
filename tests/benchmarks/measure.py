"""Ratios of running times, measured fairly: interleaved in one run, by medians."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping


def turns(candidates: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """The seconds of each candidate in each of `rounds` in which all take turns."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for run in candidates.values():
        run()
    for _ in range(rounds):
        for name, run in candidates.items():
            gc.collect()
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    return times


def medians(candidates: Mapping[str, Callable[[], object]], rounds: int = 15) -> dict[str, float]:
    """The median seconds of each candidate over `rounds` in which all take turns."""
    found = turns(candidates, rounds)
    return {name: statistics.median(values) for name, values in found.items()}
