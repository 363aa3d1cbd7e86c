"""Train a classifier on a cluster of processes, on files that its workers read themselves.

`--kill` kills a worker halfway, which changes only the time. `--address` uses a running cluster
(its workers must see `--folder` under the same path). `--files` uses HDF5 files of your own with
the datasets `x` and `y`. It needs the extra `cluster`.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# This file is named like the library, and would be imported instead of it.
sys.path = [*(p for p in sys.path if p != str(Path(__file__).parent)), str(Path(__file__).parent)]

import numpy as np  # noqa: E402
from common import run  # noqa: E402

import nn  # noqa: E402
from autograd_lite.terminal.options import Formatter, whole  # noqa: E402

try:
    from dask.distributed import Client, LocalCluster, progress, wait
except ImportError:
    sys.exit("error: this example needs Dask; pip install '.[cluster]'")


def options() -> argparse.Namespace:
    """The options of the command line."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=Formatter)
    found.add_argument("--workers", type=whole(1), default=2, metavar="N", help="processes")
    found.add_argument("--address", metavar="URL", help="a running scheduler to use")
    found.add_argument("--files", nargs="+", metavar="FILE", help="HDF5 files with x and y")
    found.add_argument("--folder", type=Path, metavar="FOLDER", help="where to make files")
    found.add_argument(
        "--samples", type=whole(16), default=100_000, metavar="N", help="in all files"
    )
    found.add_argument("--steps", type=whole(1), default=30, metavar="N", help="of the training")
    found.add_argument("--kill", action="store_true", help="kill a worker after half of the steps")
    return found.parse_args()


def made_files(folder: Path, samples: int) -> list[Path]:
    """Makes four files of points in 20 dimensions, in class 1 if two coordinates agree in sign."""
    rng = np.random.default_rng(0)
    paths = [folder / f"part-{i}.h5" for i in range(4)]
    for path in paths:
        x = rng.normal(size=(samples // 4, 20)).astype(np.float32)
        nn.write_dataset(path, x, (x[:, 0] * x[:, 1] > 0).astype(np.float32))
    return paths


def train(X: Any, Y: Any, steps: int, callback: Callable[[Any], None]) -> tuple[nn.Module, Any]:
    """Trains a network; the code is the same for NumPy's arrays and for Dask's."""
    model = nn.Sequential(
        nn.Linear(len(X), 32, seed=0), nn.ReLU(), nn.Linear(32, 1, initialisation="xavier", seed=1)
    )
    loss = nn.binary_cross_entropy_with_logits
    optimiser = nn.Adam(model.parameters(), 0.02)
    history = nn.fit(
        model,
        X,
        Y,
        loss=loss,
        optimiser=optimiser,
        epochs=steps,
        batch_size=None,
        callbacks=[callback],
    )
    return model, history


async def end_this_process() -> None:
    """Ends the process as a machine does when its memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill_a_worker(client: Client) -> None:
    """Kills the process of one worker."""
    address = min(client.nthreads())
    client.run(end_this_process, workers=[address], wait=False)
    print(f"\nkilled the worker at {address}", flush=True)


def main() -> None:
    args = options()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        files = args.files or made_files(folder, args.samples)
        cluster = args.address or LocalCluster(
            n_workers=args.workers, threads_per_worker=1, dashboard_address=":0"
        )
        with Client(cluster) as client:
            print(f"{len(client.nthreads())} workers; watch them at {client.dashboard_link}")
            samples, targets = nn.dask_arrays(files, rows=args.samples // 16, dtype=np.float64)
            X, Y = nn.flatten(samples).persist(), targets[np.newaxis].persist()
            if sys.stdout.isatty():
                progress(X, Y, notebook=False)
                print()
            wait([X, Y])
            print(f"X {X.shape} in {X.numblocks[1]} blocks, on the workers\n")

            def callback(training: Any) -> None:
                if args.kill and training.epoch == args.steps // 2:
                    kill_a_worker(client)

            start = time.perf_counter()
            model, found = train(X, Y, args.steps, callback)
            of_cluster = time.perf_counter() - start
            x, y = np.asarray(X), np.asarray(Y)
        if not args.address:
            cluster.close()
    start = time.perf_counter()
    _, expected = train(x, y, args.steps, lambda training: None)
    of_one = time.perf_counter() - start

    difference = max(abs(a - b) for a, b in zip(found["loss"], expected["loss"], strict=True))
    accuracy = np.mean((model(x).data > 0) == y)
    for name, history, seconds in (
        ("cluster", found["loss"], of_cluster),
        ("one process", expected["loss"], of_one),
    ):
        print(f"{name:12} cost {history[0]:.12f} -> {history[-1]:.12f} in {seconds:.2f} s")
    print(f"largest difference of the costs {difference:.1e}; accuracy {100 * accuracy:.2f} %")


if __name__ == "__main__":
    run(main)
