"""What a report says, word by word, of mistakes of many kinds.

The reports stand in `__snapshots__/test_reports.ambr`. After a change that means to say something
else, `pytest tests/check/test_reports.py --snapshot-update` writes them anew: read the difference.
"""

import re

import pytest
from derivations.hands import HANDS
from derivations.hands.planted import MISTAKES
from derivations.hands.running import report_on

from autograd_lite.check.marking import mark, wrong_line

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

ROUNDING = re.compile(r"\d\.\d\de-1\d|0\.00e\+00")
"""Differences that another BLAS, or another processor, rounds to others."""

CUT_OFF = "the search for the mistake was cut off"
"""The remark that depends on the speed of the machine."""


@pytest.mark.parametrize(
    ("name", "number", "text"), MISTAKES, ids=[f"{name}, line {n}" for name, n, _ in MISTAKES]
)
@pytest.mark.slow
def test_a_report_says_what_it_said(name, number, text, snapshot, monkeypatch):
    # So that the speed of the machine does not decide.
    monkeypatch.setattr(mark, "SEARCH_SECONDS", 12.0)
    monkeypatch.setattr(wrong_line, "COMMON_CAUSE_SECONDS", 4.0)
    hand = next(hand for hand in HANDS if hand.name == name)
    lines = hand.source.splitlines(keepends=True)
    indent = re.match(r"\s*", lines[number - 1])[0]
    lines[number - 1] = f"{indent}{text}\n"
    report = report_on(hand, "".join(lines), f"{name} {number}")
    lines = [line for line in str(report).splitlines() if not line.startswith(CUT_OFF)]
    assert ROUNDING.sub("rounding", "\n".join(lines)) == snapshot
