"""README's code does what README says."""

import re
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_first_lines_make_the_sheet_and_print_the_table(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    first, second = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[:2]
    shown = re.search(r"```\n(gradient .*?)```", README, re.DOTALL)[1]
    (tmp_path / "first.py").write_text(first, "utf-8")
    names = {}
    exec(compile(first, str(tmp_path / "first.py"), "exec"), names)
    assert "dZ2 = (A2 - Y) / N" in (tmp_path / "sheet.html").read_text("utf-8")
    exec(second, names)
    assert capsys.readouterr().out == shown
    assert "</svg>" in (tmp_path / "graph.svg").read_text()


def test_what_readme_links_to_is_there():
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (Path(__file__).parents[1] / target).exists(), target
