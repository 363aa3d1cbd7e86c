"""What was measured, as tables in Markdown and as a chart."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.slopes import slope
from benchmarks.works import OURS, Work

PEERS = [
    "careful hand",
    "NumPy by hand",
    "PyTorch",
    "torch.compile",
    "JAX jit",
    "HIPS autograd",
    "MyGrad",
]
"""Those that have a column of their own."""

PACKAGES = ["numpy", "torch", "jax", "autograd", "mygrad", "micrograd", "scikit-learn"]
PACKAGES += ["scipy", "numba", "dask", "distributed"]


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


def compared(work: Work, taken: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """The ratios of each of our candidates to each peer: the median over the turns, and quartiles.

    A ratio is that of two times (or memories) of the same turn.
    """
    ratios: dict[str, dict[str, list[float]]] = {}
    for ours in (name for name in OURS if name in taken):
        ratios[ours] = {}
        for peer in (name for name in taken if name not in OURS):
            found = [a / b for a, b in zip(taken[ours], taken[peer], strict=True)]
            low, _, high = statistics.quantiles(found, n=4)
            ratios[ours][peer] = [statistics.median(found), low, high]
    medians = {name: statistics.median(found) for name, found in taken.items()}
    unit = "MiB" if work.is_memory else "seconds"
    return {"work": work.title, "threads": work.threads, unit: medians, "ratios": ratios}


def _rows(found: Mapping[str, Any]) -> list[tuple[str, int, dict[str, list[float]]]]:
    """A title, the threads and the ratios of each candidate of ours."""
    return [
        (f"{work['work']}{', compiled' if ours == 'compiled' else ''}", work["threads"], ratios)
        for work in found["works"]
        for ours, ratios in work["ratios"].items()
    ]


def as_markdown(found: Mapping[str, Any]) -> str:
    """Two tables, and what they were measured on."""
    lines = [
        f"| work | threads | {' | '.join(PEERS)} | other |",
        f"| --- | --- | {' | '.join('---' for _ in PEERS)} | --- |",
    ]
    for title, threads, ratios in _rows(found):
        cells = [_cell(ratios[peer]) if peer in ratios else "" for peer in PEERS]
        others = [f"{_cell(r)} of {peer}" for peer, r in ratios.items() if peer not in PEERS]
        lines.append(f"| {title} | {threads} | {' | '.join(cells)} | {', '.join(others)} |")
    if found["slopes"]:
        lines += ["", "| time of a step over | from | to | slope |", "| --- | --- | --- | --- |"]
    for name, curves in found["slopes"].items():
        sizes = next(iter(curves.values()))[0]
        shown = ", ".join(f"{n} {slope(*curve):.2f}" for n, curve in curves.items())
        lines.append(f"| {name} | {sizes[0]:,} | {sizes[-1]:,} | {shown} |")
    own = found["made"]
    versions = ", ".join(f"{name} {version}" for name, version in own["versions"].items())
    lines += ["", f"Python {own['python']}, {versions}; {own['machine']}.", ""]
    return "\n".join(lines)


def _cell(ratio: Sequence[float]) -> str:
    median, low, high = ratio
    return f"{median:.2f} ({low:.2f}-{high:.2f})"


def draw(found: Mapping[str, Any], path: Path) -> None:
    """The ratios on a logarithmic axis, and the curves behind the slopes."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    slopes = found["slopes"]
    heights = [1.4 + 0.27 * len(_rows(found)), 3.2 if slopes else 0.01]
    figure = plt.figure(figsize=(12.5, sum(heights)), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=heights)
    _draw_ratios(above.subplots(), _rows(found)[::-1])
    if slopes:
        panels = below.subplots(1, len(slopes), squeeze=False)[0]
        for panel, (name, curves) in zip(panels, slopes.items(), strict=True):
            _draw_slope(panel, name, curves)
        panels[0].set_ylabel("milliseconds per step")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw_ratios(axes: Any, rows: Sequence[tuple[str, int, dict[str, list[float]]]]) -> None:
    markers = dict(zip(PEERS, "hosPD^v", strict=True))
    others = {peer for _, _, ratios in rows for peer in ratios} - {*PEERS}
    for peer in [*PEERS, *sorted(others)]:
        points = [(y, ratios[peer]) for y, (_, _, ratios) in enumerate(rows) if peer in ratios]
        medians = [median for _, (median, _, _) in points]
        axes.errorbar(
            medians,
            [y for y, _ in points],
            xerr=[
                [median - low for _, (median, low, _) in points],
                [high - median for _, (median, _, high) in points],
            ],
            fmt=markers.get(peer, "*"),
            color=None if peer in PEERS else "0.35",
            label=peer if peer in PEERS else None,
        )
        if peer in others:
            for y, _ in points:
                end = max(high for _, _, high in rows[y][2].values())
                place = {"xytext": (7, 0), "textcoords": "offset points", "va": "center"}
                axes.annotate(peer, (end, y), **place, color="0.35", fontsize=8)
    axes.axvline(1, color="0.5", linewidth=1)
    axes.set_xscale("log", base=2)
    axes.set_xlim(right=1.6 * axes.get_xlim()[1])
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_yticks(range(len(rows)), [title for title, _, _ in rows], fontsize=8.5)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_xlabel("multiple of what the peer takes (left of 1: autograd_lite takes less)")
    axes.grid(axis="y", color="0.92")
    axes.figure.legend(loc="outside upper center", ncols=len(PEERS), frameon=False)


def _draw_slope(panel: Any, name: str, curves: Mapping[str, tuple[list[int], list[float]]]) -> None:
    for label, (sizes, seconds) in curves.items():
        text = f"{label}: slope {slope(sizes, seconds):.2f}"
        panel.loglog(sizes, [1e3 * s for s in seconds], "o-", markersize=3, label=text)
    panel.set_xlabel(name)
    panel.tick_params(which="both", labelsize=7)
    panel.yaxis.set_minor_formatter(lambda value, _: "")
    panel.legend(fontsize=7, frameon=False, loc="upper left")
    low, high = panel.get_ylim()
    panel.set_ylim(low, high * (high / low) ** 0.35)
