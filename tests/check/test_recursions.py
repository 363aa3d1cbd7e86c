"""Mistakes in sums over paths, in recurrences of numbers, and in counts at labels."""

import numpy as np
import pytest
from derivations.running import assert_blamed, load

import autograd_lite as al

CHAIN = """
import numpy as np


def total(a, axis):
    top = a.max()
    return top + np.log(np.exp(a - top).sum(axis=axis))


def forward(scores, moves, path):
    n = len(scores)
    ahead = np.zeros_like(scores)
    ahead[0] = scores[0]
    for i in range(1, n):
        ahead[i] = scores[i] + total(ahead[i - 1][:, None] + moves, 0)
    whole = total(ahead[-1], 0)
    taken = scores[0, path[0]]
    for i in range(1, n):
        taken = taken + scores[i, path[i]] + moves[path[i - 1], path[i]]
    loss = whole - taken

    back = np.zeros_like(scores)
    for i in range(n - 2, -1, -1):
        back[i] = total(moves + scores[i + 1] + back[i + 1], 1)
    dscores = np.exp(ahead + back - whole)
    dmoves = np.zeros_like(moves)
    for i in range(1, n):
        dmoves += np.exp(ahead[i - 1][:, None] + moves + scores[i] + back[i] - whole)
    for i in range(n):
        dscores[i, path[i]] -= 1
    for i in range(1, n):
        dmoves[path[i - 1], path[i]] -= 1
    return loss, dscores, dmoves
"""

FILTER = """
import numpy as np


def forward(gain, noise, seen):
    mean, spread, loss, kept = 0.0, 1.0, 0.0, []
    for value in seen:
        ahead = gain * mean
        wide = gain * gain * spread + 0.5
        off = value - ahead
        scale = wide + noise
        weight = wide / scale
        loss = loss + 0.5 * (np.log(scale) + off * off / scale)
        kept.append((mean, spread, ahead, wide, off, scale, weight))
        mean = ahead + weight * off
        spread = (1 - weight) * wide
    return loss, kept


def backward(gain, noise, seen, kept):
    dgain = dnoise = dmean = dspread = 0.0
    for mean, spread, ahead, wide, off, scale, weight in kept[::-1]:
        dweight = dmean * off - dspread * wide
        doff = dmean * weight + off / scale
        dahead = dmean - doff
        dscale = 0.5 * (1 / scale - off * off / scale**2)
        dscale -= dweight * wide / scale**2
        dwide = dspread * (1 - weight) + dweight / scale + dscale
        dnoise += dscale
        dgain += 2 * gain * spread * dwide + mean * dahead
        dspread = gain * gain * dwide
        dmean = gain * dahead
    return dgain, dnoise
"""

HINGE = """
import numpy as np


def forward(X, W, y):
    rows = np.arange(len(y))
    scores = X @ W
    slack = np.maximum(0, scores - scores[rows, y][:, None] + 1.0)
    slack[rows, y] = 0
    loss = slack.sum() / len(y)

    active = (slack > 0).astype(float)
    count = active.sum(axis=1)
    active[rows, y] -= count
    dW = X.T @ active / len(y)
    return loss, dW
"""

rng = np.random.default_rng(4)
INPUTS = {
    CHAIN: [rng.normal(size=(6, 3)), rng.normal(size=(3, 3)), np.array([2, 0, 1, 1, 0, 2])],
    FILTER: [0.8, 0.4, rng.normal(size=12).cumsum()],
    HINGE: [rng.normal(size=(9, 4)), rng.normal(size=(4, 3)), rng.integers(0, 3, 9)],
}


def report_on(text, base):
    both = load(text, f"recursion {hash(text)}", backward=None)
    return al.check_derivation(*filter(None, both), *INPUTS[base], seconds=15, show=False)


@pytest.mark.parametrize("text", INPUTS)
def test_right_ones(text):
    report = report_on(text, text)
    assert report.ok, str(report)


@pytest.mark.parametrize(
    ("text", "old", "new", "part", "cause", "words"),
    [
        (CHAIN, "moves + scores[i + 1] + b", "moves + b", "back[i] =", "term", "scores[i + 1]"),
        (CHAIN, "back[i + 1], 1)", "back[i + 1], 0)", "back[i] =", "shape", "0 should be 1 in t"),
        (CHAIN, "back - whole", "back", "dscores = np", "term", "ahead + back - whole"),
        (CHAIN, "back[i] - whole", "back[i]", "dmoves += n", "term", "back[i] - whole"),
        (FILTER, "- off * off /", "- off /", "dscale = ", "factor", "off ** 2"),
        (FILTER, "dmean * off - dspread", "dmean * off + dspread", "dweight =", "sign", "wide sho"),
        (FILTER, "gain * gain * dwide", "gain * dwide", "dspread = gain", "factor", " gain"),
        (HINGE, "y] -= count", "y] += count", "y] += count", "sign", "should be -="),
        (HINGE, "y] -= count", "y] = -1", "y] = -1", "operand", "count is never used"),
        (
            HINGE,
            "    active[rows, y] -= count\n",
            "",
            "count = ",
            "term",
            "active[rows, y] -= count",
        ),
    ],
)
@pytest.mark.one_in(10)
def test_the_line_and_what_is_wrong_in_it(text, old, new, part, cause, words):
    changed = text.replace(old, new)
    assert changed != text
    assert_blamed(report_on(changed, text), changed, part, cause, words)
