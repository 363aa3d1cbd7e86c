"""How fast nn.H5Dataset reads, beside plain h5py that reads the same file of 1 GiB in order.

pytest tests/benchmarks/bench_dataset.py -s
"""

import pytest
from benchmarks import candidates
from benchmarks.measure import medians


@pytest.mark.parametrize("is_shuffled", [False, True], ids=["in order", "shuffled"])
def test_the_rate_of_reading(is_shuffled):
    with candidates.batches_of_a_file(is_shuffled) as runs:
        measured = medians(runs, rounds=5)
    rate = measured["reading by h5py"] / measured["autograd_lite"]
    print(f"\n{rate:.2f} of the rate of plain h5py")
    assert rate >= 0.7


def test_batches_of_dask_arrays():
    """An epoch costs at most 1.5 times that of H5Dataset (1.1 to 1.4)."""
    with candidates.batches_of_dask_arrays() as runs:
        measured = medians(runs, rounds=5)
    ratio = measured["autograd_lite"] / measured["nn.H5Dataset"]
    print(f"\nan epoch of batches of Dask arrays takes {ratio:.2f} of one of H5Dataset")
    assert ratio <= 1.5
