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
