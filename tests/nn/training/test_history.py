"""The history of a training as a notebook shows it."""

import math
import re
from xml.etree import ElementTree

import pytest

from autograd_lite import nn


def history(epochs, **numbers):
    """A history whose losses fall, with more numbers by name: functions of the epoch."""
    return nn.History(
        [
            {"epoch": epoch, "loss": 1 / epoch, **{n: f(epoch) for n, f in numbers.items()}}
            for epoch in range(1, epochs + 1)
        ]
    )


def shown(found):
    """The parts of what a notebook shows: the curves, and the rows of the table."""
    page = ElementTree.fromstring(f"<body>{found._repr_html_()}</body>")
    lines = [
        [tuple(map(float, p.split(","))) for p in line.get("points").split()]
        for line in page.iter("polyline")
    ]
    rows = [[cell.text or "" for cell in row] for row in page.iter("tr")]
    return lines, rows


def test_a_long_history_is_a_small_table_and_a_curve_of_each_loss():
    found = history(300, validation_loss=lambda epoch: 2 / epoch, accuracy=lambda epoch: 0.5)
    found.best_epoch = 150
    lines, rows = shown(found)
    assert rows[0] == ["epoch", "loss", "validation_loss", "accuracy"]
    assert [row[0] for row in rows[1:]] == [
        *("1", "2", "3", "4", "..."),
        *("150", "..."),
        *("297", "298", "299", "300"),
    ]
    assert len(lines) == 2
    for line in lines:
        assert [x for x, _ in line] == sorted(x for x, _ in line)
        heights = [y for _, y in line]
        assert heights == sorted(heights), "a loss that falls goes down the page"
        assert len(line) == 300
    assert lines[0][0][1] > lines[1][0][1], "the higher loss is drawn above the other"
    assert len(found._repr_html_()) < 20_000


def test_a_short_history_is_shown_whole():
    _, rows = shown(history(8))
    assert [row[0] for row in rows[1:]] == list("12345678")


def test_the_last_epoch_is_drawn_whatever_their_number():
    for epochs in (399, 400, 401, 1000, 5000):
        (line,), _ = shown(history(epochs))
        assert len(line) <= 401 and line[-1][0] == max(x for x, _ in line) == 410.0


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_left_out_of_a_curve(value):
    found = history(6)
    found.records[2]["loss"] = value
    (line,), rows = shown(found)
    assert len(line) == 5
    assert str(value) in [row[1] for row in rows]
    for record in found.records:
        record["loss"] = value
    assert shown(found)[0] == []


@pytest.mark.parametrize("epochs", [0, 1])
def test_a_history_too_short_for_a_curve_has_none(epochs):
    lines, rows = shown(history(epochs))
    assert lines == [] and len(rows) == epochs + 1


def test_a_loss_that_stays_the_same_is_a_level_line():
    (line,), _ = shown(nn.History([{"epoch": e, "loss": 0.0} for e in range(1, 5)]))
    assert len({y for _, y in line}) == 1


def test_names_and_reasons_are_text():
    found = history(3, **{"<b>": lambda epoch: 1.0})
    found.stopped = "<script>"
    page = found._repr_html_()
    assert "<b>" not in page and "<script>" not in page
    assert "&lt;b&gt;" in page and "&lt;script&gt;" in page
    assert not re.search(r"(?<!-)color:", page), "the page's own colours are taken"
