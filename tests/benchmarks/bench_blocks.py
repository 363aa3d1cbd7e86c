"""What a training step on blocks costs beside the work on the blocks.

    pip install -e '.[all]' --group benchmark
    pytest tests/benchmarks/bench_blocks.py -s

"Outside the workers" is the wall-clock time of a step less the time in which some worker is at work
on one of its tasks, as the workers report it.
"""

import contextlib
import statistics
import subprocess
import sys
import time

import dask
import dask.array as da
import numpy as np
import pytest
from benchmarks import candidates, nets
from benchmarks.measure import medians

import autograd_lite as al
from autograd_lite.arrays.dask import running

SIZES = (64, 32, 1)


def cut(array, blocks):
    return da.from_array(array, chunks=(len(array), array.shape[1] // blocks))


class Timed:
    """A scheduler of one thread that adds up what it takes."""

    def __init__(self):
        self.seconds, self.tasks = [], 0

    def __call__(self, graph, keys, **options):
        start = time.perf_counter()
        found = dask.get(graph, keys)
        self.seconds.append(time.perf_counter() - start)
        self.tasks = len(graph)
        return found


@pytest.mark.parametrize(("blocks", "limit"), [(16, 8), (256, 30), (4096, 400)])
def test_what_is_done_before_and_after_the_graph_runs(blocks, limit):
    """The engine's own part of a step, without Dask's: recording, the graph, the last sums.

    It grows with the groups of blocks, of 16 each where there are many, and with the blocks' own
    bounds and keys; not with the samples, which are as many for all.
    """
    step = nets.recorded(SIZES, *(al.Tensor(cut(a, blocks)) for a in nets.samples(64, 8192)))
    scheduler = Timed()
    outside = []
    with dask.config.set(scheduler=scheduler, num_workers=2):
        for _ in range(15):
            start = time.perf_counter()
            step()
            outside.append(time.perf_counter() - start - scheduler.seconds[-1])
    own = 1e3 * statistics.median(outside)
    print(f"\n{blocks} blocks: {scheduler.tasks} tasks, {own:.1f} ms a step beside the scheduler's")
    assert own < limit


@pytest.fixture
def client():
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
        yield client


def on_the_workers(columns, blocks):
    """A step on data that the workers have."""
    return nets.recorded(
        SIZES, *(al.Tensor(cut(a, blocks).persist()) for a in nets.samples(64, columns))
    )


def test_a_step_on_a_cluster(client):
    """64-32-1 on 1,024 columns in 16 blocks, two workers: 15 ms outside the workers at most.

    Medians of 10.0 to 14.1 ms were measured in six runs. Distributed takes 10.5 to 11 ms from the
    submission of two empty tasks to their results; client, scheduler and workers share two cores.
    """
    step = on_the_workers(1024, 16)
    spans, empty = [], []
    for _ in range(20):
        step()
    client.get_task_stream()
    for _ in range(100):
        began = time.time()
        step()
        spans.append((began, time.time()))
    tasks = client.get_task_stream(start=spans[0][0])
    for number in range(100):
        keys = [(f"empty-{number}", i) for i in range(2)]
        start = time.perf_counter()
        client.get({key: (int, 0) for key in keys}, keys)
        empty.append(time.perf_counter() - start)
    at_work = [(s["start"], s["stop"]) for task in tasks for s in task["startstops"]]
    outside = [
        end - start - _union([span for span in at_work if start <= span[0] <= end])
        for start, end in spans
    ]
    step, outside, empty = (
        1e3 * statistics.median(found)
        for found in ([end - start for start, end in spans], outside, empty)
    )
    print(
        f"\na step takes {step:.1f} ms, {outside:.1f} of it outside the workers; two empty tasks "
        f"take {empty:.1f} ms; {len(tasks) / len(spans):.1f} tasks a step"
    )
    assert len(tasks) / len(spans) <= 4
    assert outside < 1.6 * empty


def _union(spans):
    """The length of the union of intervals."""
    total, end = 0.0, 0.0
    for start, stop in sorted(spans):
        if stop > end:
            total += stop - max(start, end)
            end = stop
    return total


@pytest.mark.parametrize("blocks", [256, 4096])
def test_many_blocks_on_a_cluster(client, blocks):
    """What client and scheduler have to do for each task, of 16 blocks of X and of Y."""
    psutil = pytest.importorskip("psutil")
    step = on_the_workers(8192, blocks)
    own = psutil.Process()
    step()
    client.get_task_stream()
    start, before, times = time.time(), sum(own.cpu_times()[:2]), []
    for _ in range(8):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    seconds = (sum(own.cpu_times()[:2]) - before) / len(times)
    tasks = len(client.get_task_stream(start=start)) / len(times)
    print(
        f"\n{blocks} blocks: {1e3 * statistics.median(times):.0f} ms a step of {tasks:.0f} tasks; "
        f"client and scheduler work {1e3 * seconds / tasks:.1f} ms a task"
    )
    assert tasks < blocks / 8


def test_reading_a_file():
    """Logistic regression over 1 GiB, at 0.6 of the rate of h5py or more (0.67 to 0.72)."""
    with candidates.from_a_file() as runs:
        measured = medians(runs, rounds=9)
    rate = measured["reading by h5py"] / measured["autograd_lite"]
    print(f"\nan epoch goes at {rate:.2f} of the rate at which h5py reads the file")
    assert rate >= 0.6


@pytest.mark.parametrize("neighbours", [0, 1], ids=["quiet", "beside a busy process"])
def test_threads(neighbours, monkeypatch):
    """784-512-512-10 on 4,096 columns in 16 blocks: BLAS with one thread, and as it is set.

    Two of Dask's threads, each of whose products would take as many threads as there are cores.
    """
    X, _ = nets.samples(784, 4096)
    Y = (np.random.default_rng(2).random((10, 4096)) < 0.1).astype(float)
    step = nets.recorded((784, 512, 512, 10), al.Tensor(cut(X, 16)), al.Tensor(cut(Y, 16)))
    ways = {"one thread": running.one_blas_thread, "as set": contextlib.nullcontext}
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(neighbours)]
    times: dict[str, list[float]] = {name: [] for name in ways}
    try:
        with dask.config.set(scheduler="threads", num_workers=2):
            for _ in range(7):
                for name, way in ways.items():
                    monkeypatch.setattr(running, "one_blas_thread", way)
                    start = time.perf_counter()
                    step()
                    times[name].append(time.perf_counter() - start)
    finally:
        for process in busy:
            process.kill()
            process.wait()
    one, other = (1e3 * statistics.median(found) for found in times.values())
    print(f"\na step takes {one:.0f} ms with one BLAS thread and {other:.0f} as they are set")
    assert one < 1.2 * other
