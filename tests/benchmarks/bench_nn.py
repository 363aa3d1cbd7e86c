"""Training in nn beside scikit-learn's MLPClassifier and PyTorch's eager mode, two threads each.

pytest tests/benchmarks/bench_nn.py -s        (extras `benchmark`, `sklearn`)
"""

import os

# The threads of one library would spin for a while and take the cores from whoever comes next.
os.environ.update(OMP_WAIT_POLICY="PASSIVE", OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="2")

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from benchmarks import candidates  # noqa: E402
from benchmarks.measure import medians  # noqa: E402

pytest.importorskip("torch")
pytest.importorskip("sklearn")


def ratios_of(title, runs):
    """Our time as a multiple of every other candidate's, printed."""
    measured = medians(runs, 9)
    ours = measured.pop("autograd_lite")
    ratios = {name: ours / seconds for name, seconds in measured.items()}
    shown = ", ".join(f"{r:.2f} of {n}" for n, r in ratios.items())
    print(f"\n{title}: {1e3 * ours:.1f} ms; {shown}")
    return ratios


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("sizes", "n"), [((64, 64, 10), 1437), ((784, 512, 512, 10), 6000)])
def test_an_epoch(sizes, n, optimiser, dtype):
    title = f"{'-'.join(map(str, sizes))}, {optimiser}, {np.dtype(dtype)}"
    ratios = ratios_of(title, candidates.epoch(sizes, n, optimiser, dtype))
    assert max(ratios.values()) < 1


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(1, 16, 28, 128), (16, 32, 14, 128), (32, 32, 16, 64)])
def test_a_convolution_forward_and_backward(shape, dtype):
    n_in, n_out, size, count = shape
    title = f"Conv2d({n_in}, {n_out}, 3) on {count} pictures of {size} x {size}, {np.dtype(dtype)}"
    ratios = ratios_of(title, candidates.convolution(*shape, dtype))
    assert ratios["PyTorch"] < 2
