"""A file of 6 GiB in 1.5 GiB of memory."""

import json
import os
import shutil
import subprocess
import sys

import big_file
import numpy as np
import pytest

import nn

pytest.importorskip("dask")
resource = pytest.importorskip("resource")

GIB = 2**30

TRAIN = """
import json, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[2]),) * 2)
import numpy as np
import nn
X, y = nn.dask_arrays(sys.argv[1], dtype=np.float32)
model = nn.LogisticRegression(0.5, max_iter=2).fit(X, y)
# Of this program alone: what getrusage tells includes the process that it was forked from.
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
peak = int(status["VmHWM"].split()[0]) * 1024
print(json.dumps([model.loss_curve_, model.coef_[0, :2].tolist(), X.nbytes, peak]))
"""


@pytest.mark.slow
def test_logistic_regression_over_a_file_that_is_larger_than_memory(tmp_path):
    if not os.path.exists("/proc/self/status"):
        pytest.skip("the system does not say what memory a process took")
    if shutil.disk_usage(tmp_path).free < 8 * GIB:
        pytest.skip("less than 8 GiB of the disk are free: a file of 6 GiB is not made here")
    path = tmp_path / "big.h5"
    big_file.write(path, 6 * GIB)
    assert path.stat().st_size > 6 * GIB
    command = [sys.executable, "-c", TRAIN, path, str(3 * GIB // 2)]
    done = subprocess.run(command, capture_output=True, text=True)
    path.unlink()
    assert done.returncode == 0, done.stderr
    losses, weights, size, peak = json.loads(done.stdout)
    assert size > 6 * GIB
    assert peak < GIB
    # The samples are those of one block, so the means are the same.
    expected = nn.LogisticRegression(0.5, max_iter=2).fit(*big_file.block())
    np.testing.assert_allclose(losses, expected.loss_curve_, rtol=1e-4)
    np.testing.assert_allclose(weights, expected.coef_[0, :2], rtol=1e-3)


def test_the_limit_would_stop_a_program_that_reads_it_all(tmp_path):
    """So that the test above can fail."""
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (3 * 2**29,) * 2)\n"
        "import numpy as np; np.ones(2**30, np.float32)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "MemoryError" in done.stderr
