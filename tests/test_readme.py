"""README's code does what README says, and what README and the guide link to is there."""

import re
from pathlib import Path

import documents
import numpy as np
import pytest

from autograd_lite.operations import COMPOSITES, OPERATIONS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "examples" / "guide").glob("*.md")),
]


def test_the_blocks_run_in_order_and_print_what_is_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = documents.run(ROOT / "README.md", tmp_path)
    shown = re.search(r"```\n(line +gradient .*?)```", README, re.DOTALL)[1]
    assert documents.comparable(capsys.readouterr().out) == documents.comparable(shown)
    assert "dZ2 = (A2 - Y) / N" in (tmp_path / "sheet.html").read_text("utf-8")
    assert "</svg>" in (tmp_path / "graph.svg").read_text()
    assert names["history"].records[-1]["validation_accuracy"] > 0.9
    assert (tmp_path / "model.h5").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (page.parent / target).exists(), target


def test_the_number_of_functions_with_derivatives_is_counted():
    names = [
        getattr(module, name)
        for module in (np, np.linalg, np.fft)
        for name in dir(module)
        if not name.startswith("_") and callable(getattr(module, name))
    ]
    found = [function for function in names if function in OPERATIONS or function in COMPOSITES]
    told = re.search(r"(\d+) functions of NumPy \((\d+) names\)", README)
    # The versions of NumPy differ by a few names.
    assert len(set(found)) == pytest.approx(int(told[1]), abs=3)
    assert len(found) == pytest.approx(int(told[2]), abs=3)


def rows(text):
    """The rows of the tables of a page: the cells of each by the names of the columns."""
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        names, _, *lines = (
            [c.strip() for c in line[1:-1].split("|")] for line in table.split("\n")
        )
        yield from (dict(zip(names, cells, strict=True)) for cells in lines if any(cells))


def test_the_costs_are_those_of_the_page_on_performance():
    measured = {
        row["work"]: row
        for row in rows((ROOT / "examples" / "guide" / "performance.md").read_text("utf-8"))
        if "work" in row
    }
    told = [row for row in rows(README) if "work" in row]
    assert len(told) == 5
    for row in told:
        found = measured[row["work"]]
        assert {name: found[name].partition(" ")[0] for name in row if name != "work"} == {
            name: value for name, value in row.items() if name != "work"
        }
