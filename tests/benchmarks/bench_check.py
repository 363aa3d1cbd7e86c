"""What marking a derivation costs beside the forward and backward pass that it marks.

pytest tests/benchmarks/bench_check.py -s
"""

import numpy as np
import pytest
from benchmarks.measure import medians
from derivations import running, sources

import autograd_lite as al
from autograd_lite.check.marking.forms import subject_of
from autograd_lite.check.marking.forward import Setting
from autograd_lite.check.marking.perturbation import slope

SIZES = (12288, 20, 7, 5, 1)

MISTAKES = {
    "none": ("", "", None),
    "unsummed": ("db1 = np.sum(dZ1, axis=1, keepdims=True)", "db1 = dZ1", "db1"),
    "sign": ("dW1 = np.dot(dZ1, X.T)", "dW1 = -np.dot(dZ1, X.T)", "dW1"),
    "mask": ("dA2, A2 > 0", "dA2, A2 <= 0", "dZ2"),
    "operand": ("np.dot(dZ1, X.T)", "np.dot(A1, X.T)", "dW1"),
    "unknown": ("np.dot(dZ1, X.T)", "np.dot(dZ1, X.T) ** 2", "dW1"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_report_on_a_wide_net(benchmark, mistake):
    """12288-20-7-5-1, 209 columns: 11 to 22 times one pass plus the numerical check of one line,
    measured on a loaded machine.

    A report is two forward passes and three backward passes (two where all is right), the three
    forward passes of the numerical check, and the search for the cause.
    """
    rng = np.random.default_rng(0)
    inputs = [rng.random((209, SIZES[0])).T, (rng.random((1, 209)) < 0.34).astype(float)]
    for n, m in zip(SIZES, SIZES[1:], strict=False):
        inputs += [rng.normal(size=(m, n)) / np.sqrt(n), np.zeros((m, 1))]
    old, new, name = MISTAKES[mistake]
    assert old in sources.DEEP
    forward, right = running.load(sources.DEEP, "right")
    _, backward = running.load(sources.DEEP.replace(old, new) if old else sources.DEEP, mistake)
    first = al.check_derivation(forward, backward, *inputs, show=False).first_wrong
    assert (first and first.name) == name
    setting = Setting(subject_of(forward, backward, tuple(inputs), None, True))
    source = next(i for i in setting.record().inputs if i.name == "W1")
    direction = np.ones_like(inputs[2])
    candidates = {
        "report": lambda: al.check_derivation(forward, backward, *inputs, show=False),
        "pass": lambda: right(forward(*inputs)[1]),
        "numerical": lambda: slope(setting, "W1", source, direction),
    }
    measured = medians(candidates, 15)
    numerical = 0.0 if name is None else measured["numerical"]
    ratio = measured["report"] / (measured["pass"] + numerical)
    beside = (measured["report"] - numerical) / measured["pass"]
    benchmark.extra_info.update({"report / (pass + numerical)": round(ratio, 2)})
    benchmark.pedantic(candidates["report"], rounds=3)
    print(
        f"\n{ratio:.2f} of a pass and the numerical check; {beside:.2f} passes without that check"
    )
    assert ratio < 30
