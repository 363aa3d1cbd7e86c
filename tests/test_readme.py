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
    assert capsys.readouterr().out == shown
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
