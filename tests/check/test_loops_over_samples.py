"""Scripts and layers that go through samples one by one: totals, entries, and what updates read."""

import numpy as np
import pytest

import autograd_lite as al

SGD = """
import numpy as np
rng = np.random.default_rng(1)
samples, targets = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
V = rng.normal(size=(3, 2))
for epoch in range(4):
    {start}
    for s, t in zip(samples, targets):
        miss = s @ V - t
        {total}
        V -= 0.05 * np.outer(s, miss)
"""

ENTRIES = """
import numpy as np
rng = np.random.default_rng(2)
count, width = 7, 3
D = rng.normal(size=(count, width))
labels = np.array([0, 1, 1, 0, 1, 0, 0])
k = rng.normal(size=width)
shift = 0.2
for step in range(5):
    cost, dk, dshift = 0, np.zeros(width), 0
    for i in range(count):
        z = shift
        for j in range(width):
            z += k[j] * D[i, j]
        p = 1 / (1 + np.exp(-z))
        cost += -(labels[i] * np.log(p) + (1 - labels[i]) * np.log(1 - p))
        dz = p - labels[i]
        for j in range(width):
            dk[j] += D[i, j] * dz
        dshift += dz
    cost = cost / count
    dk = dk / count
    dshift = dshift / count
    for j in range(width):
        cost += 0.3 / (2 * count) * k[j] ** 2
        dk[j] += 0.3 / count * k[j]
    k = k - 0.5 * dk
    shift = shift - 0.5 * dshift
"""

CHAIN = """
import numpy as np
rng = np.random.default_rng(3)
u, want = rng.normal(size=4), rng.normal(size=3)
M, offset = rng.normal(size=(3, 4)), rng.normal(size=3)
for step in range(3):
    a = np.tanh(M @ u + offset)
    loss = np.sum((a - want) ** 2)
    slope = 1 - a**2
    by_offset = 1
    d_a = 2 * (a - want)
    d_z = d_a * slope
    d_M = np.outer(d_z, u)
    d_offset = d_z * by_offset
    M -= 0.1 * d_M
    offset -= 0.1 * d_offset
"""


def marked(script):
    return al.check_script(script, show=False, seconds=20)


def wrong_lines(script):
    return [
        script.splitlines()[line.line - 1].strip()
        for line in marked(script)
        if line.status == "wrong"
    ]


@pytest.mark.parametrize(
    ("start", "total"),
    [
        ("loss = 0.0", "loss += 0.5 * np.sum(miss**2)"),
        ("loss = 0.0", "loss = loss + 0.5 * np.sum(miss**2)"),
        ("error = 0", "error += 0.5 * np.sum(miss**2)"),
        ("pass", "loss = 0.5 * np.sum(miss**2)"),
    ],
)
def test_a_loss_that_is_added_up_over_samples_is_no_parameter(start, total):
    report = al.check_script(SGD.format(start=start, total=total), total[:5].strip(), show=False)
    assert report.ok, str(report)
    assert {line.name for line in report} & {"V", "dV"}


def test_a_mistake_beside_a_running_total_is_found():
    script = SGD.format(start="loss = 0.0", total="loss += 0.5 * np.sum(miss**2)")
    assert wrong_lines(script.replace("np.outer(s, miss)", "np.outer(s, s @ V)")) == [
        "V -= 0.05 * np.outer(s, s @ V)"
    ]


def test_sums_of_entries_over_samples_are_marked_where_they_are_used():
    assert marked(ENTRIES).ok


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("    dk = dk / count\n", ""),
        ("dk[j] += 0.3 / count * k[j]", "dk[j] += 0.3 * k[j]"),
        ("dk[j] += 0.3 / count * k[j]", "dk[j] += 0.3 / (2 * count) * k[j]"),
        ("        dshift += dz\n", "        dshift = dz\n"),
    ],
)
def test_what_follows_a_loop_over_samples_is_marked_too(right, wrong):
    assert ENTRIES.count(right) == 1
    assert not marked(ENTRIES.replace(right, wrong)).ok


def test_an_update_is_marked_by_what_it_reads():
    assert marked(CHAIN).ok
    wrong = CHAIN.replace("d_offset = d_z * by_offset", "d_offset = d_a * by_offset")
    assert wrong_lines(wrong) == ["d_offset = d_a * by_offset"]


class Recurrent:
    def __init__(self, rng):
        self.U, self.R = rng.normal(size=(4, 2)), rng.normal(size=(4, 4))

    def forward_pass(self, steps):
        n, length, _ = steps.shape
        self.steps, self.hidden = steps, np.zeros((n, length + 1, 4))
        for t in range(length):
            before = self.hidden[:, t - 1].dot(self.R.T)
            self.hidden[:, t] = np.tanh(steps[:, t].dot(self.U.T) + before)
        return self.hidden[:, -2]

    def backward_pass(self, accum_grad):
        dU, dR = np.zeros_like(self.U), np.zeros_like(self.R)
        dx = np.zeros_like(self.steps)
        g = accum_grad
        for t in reversed(range(self.steps.shape[1])):
            g = g * (1 - self.hidden[:, t] ** 2)
            dU += g.T.dot(self.steps[:, t])
            dR += g.T.dot(self.hidden[:, t - 1])
            dx[:, t] = g.dot(self.U)
            g = g.dot(self.R)
        self.dU, self.dR = dU, dR
        return dx


def test_a_method_of_an_array_that_nothing_is_written_into_yet_takes_recorded_arrays():
    rng = np.random.default_rng(4)
    layer = Recurrent(rng)
    report = al.check_derivation(
        layer.forward_pass, layer.backward_pass, rng.normal(size=(3, 3, 2)), show=False
    )
    assert report.ok, str(report)
    assert {"dU", "dR"} <= {line.name for line in report}
