"""What was measured, as a table in Markdown and as a chart."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.slopes import slope
from benchmarks.works import OURS

PEERS = ["NumPy by hand", "PyTorch", "JAX jit", "HIPS autograd", "MyGrad", "micrograd"]
PEERS += ["scikit-learn", "Dask by hand", "two empty tasks", "reading by h5py"]
PACKAGES = ["numpy", "torch", "jax", "autograd", "mygrad", "micrograd", "scikit-learn"]
PACKAGES += ["numba", "dask", "distributed"]


def made() -> dict[str, Any]:
    """The machine and the versions."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()}",
        "python": platform.python_version(),
        "versions": versions,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def compared(title: str, threads: int, seconds: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """The ratios of each of our candidates to each peer: the median over the turns, and quartiles.

    A ratio is that of two times of the same turn.
    """
    ratios: dict[str, dict[str, list[float]]] = {}
    for ours in (name for name in OURS if name in seconds):
        ratios[ours] = {}
        for peer in (name for name in PEERS if name in seconds):
            found = [a / b for a, b in zip(seconds[ours], seconds[peer], strict=True)]
            low, _, high = statistics.quantiles(found, n=4)
            ratios[ours][peer] = [statistics.median(found), low, high]
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    return {"work": title, "threads": threads, "seconds": medians, "ratios": ratios}


def as_markdown(found: Mapping[str, Any]) -> str:
    """Two tables, and what they were measured on."""
    own = found["made"]
    versions = ", ".join(f"{name} {version}" for name, version in own["versions"].items())
    rows = [
        (f"{work['work']}{', compiled' if ours == 'compiled' else ''}", work, ratios)
        for work in found["works"]
        for ours, ratios in work["ratios"].items()
    ]
    peers = [p for p in PEERS if any(p in ratios for _, _, ratios in rows)]
    lines = [
        "Time as a multiple of the peer's (median over turns, quartiles below it); less is faster.",
        "",
        f"| work | threads | {' | '.join(peers)} |",
        f"| --- | --- | {' | '.join('---' for _ in peers)} |",
    ]
    for title, work, ratios in rows:
        cells = [_cell(ratios.get(peer)) for peer in peers]
        lines.append(f"| {title} | {work['threads']} | {' | '.join(cells)} |")
    if found["slopes"]:
        lines += ["", "| time of a step over | from | to | slope |", "| --- | --- | --- | --- |"]
    for name, curves in found["slopes"].items():
        sizes = next(iter(curves.values()))[0]
        shown = ", ".join(f"{n} {slope(*curve):.2f}" for n, curve in curves.items())
        lines.append(f"| {name} | {sizes[0]:,} | {sizes[-1]:,} | {shown} |")
    lines += ["", f"Python {own['python']}, {versions}; {own['machine']}.", ""]
    return "\n".join(lines)


def _cell(ratio: Sequence[float] | None) -> str:
    if ratio is None:
        return ""
    median, low, high = ratio
    return f"{median:.2f} ({low:.2f}-{high:.2f})"


def draw(found: Mapping[str, Any], path: Path) -> None:
    """The ratios on a logarithmic axis, and the curves behind the slopes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = [
        (f"{work['work']}{' (compiled)' if ours == 'compiled' else ''}", ratios)
        for work in found["works"]
        for ours, ratios in work["ratios"].items()
    ][::-1]
    peers = [p for p in PEERS if any(p in ratios for _, ratios in rows)]
    slopes = found["slopes"]
    columns = max(len(slopes), 1)
    figure = plt.figure(figsize=(13, 2.2 + 0.34 * len(rows) + (3 if slopes else 0)))
    grid = figure.add_gridspec(2 if slopes else 1, columns, height_ratios=None)
    if slopes:
        grid.set_height_ratios([0.34 * len(rows) + 1, 3])
    axes = figure.add_subplot(grid[0, :])
    for number, peer in enumerate(peers):
        points = [(y, r[peer]) for y, (_, r) in enumerate(rows) if peer in r]
        axes.errorbar(
            [r[0] for _, r in points],
            [y for y, _ in points],
            xerr=[[r[0] - r[1] for _, r in points], [r[2] - r[0] for _, r in points]],
            fmt="osD^vPX*hd"[number],
            markersize=6,
            label=peer,
        )
    axes.axvline(1, color="0.5", linewidth=1)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_yticks(range(len(rows)), [title for title, _ in rows])
    axes.set_xlabel("time as a multiple of the peer's (left of 1: autograd_lite is faster)")
    axes.grid(axis="y", color="0.92")
    axes.legend(loc="upper center", bbox_to_anchor=(0.4, 1.13), ncols=5, frameon=False)
    for number, (name, curves) in enumerate(slopes.items()):
        panel = figure.add_subplot(grid[1, number])
        for label, (sizes, seconds) in curves.items():
            text = f"{label}: {slope(sizes, seconds):.2f}"
            panel.loglog(sizes, [1e3 * s for s in seconds], "o-", markersize=3, label=text)
        panel.set_title(f"slope over {name}", fontsize=9)
        panel.set_xlabel(name, fontsize=8)
        panel.tick_params(labelsize=7)
        panel.legend(fontsize=7, frameon=False)
        if not number:
            panel.set_ylabel("milliseconds per step", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
