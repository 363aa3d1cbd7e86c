"""How fast nn.H5Dataset reads, beside plain h5py that reads the same file in order.

pytest tests/benchmarks/bench_dataset.py -s
"""

import statistics
import time

import h5py
import numpy as np

import nn

ROWS, FEATURES = 400_000, 784


class Rows:
    """1.2 GiB of random numbers, made when they are asked for."""

    shape, dtype = (ROWS, FEATURES), np.dtype(np.float32)

    def __len__(self):
        return ROWS

    def __getitem__(self, index):
        count = len(range(*index.indices(ROWS)))
        return np.random.default_rng(index.start).random((count, FEATURES), dtype=np.float32)


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def test_the_rate_of_reading(tmp_path):
    path = tmp_path / "data.h5"
    nn.write_dataset(path, Rows(), np.arange(ROWS) % 10)
    data = nn.H5Dataset(path, dtype=np.float32)

    def plain():
        with h5py.File(path) as file:
            for at in range(0, ROWS, 2_000):
                file["x"][at : at + 2_000]

    def in_order():
        assert sum(batch.X.shape[1] for batch in data.batches(256)) == ROWS

    def shuffled():
        assert sum(batch.X.shape[1] for batch in data.batches(256, [0, 0])) == ROWS

    times = {run: [] for run in (plain, in_order, shuffled)}
    for _ in range(5):
        for run, found in times.items():
            found.append(seconds(run))
    rates = [
        statistics.median(times[plain]) / statistics.median(times[run])
        for run in (in_order, shuffled)
    ]
    print(f"\nof the rate of plain h5py: in order {rates[0]:.2f}, shuffled {rates[1]:.2f}")
    assert min(rates) >= 0.7
