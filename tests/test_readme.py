"""README's code does what README says."""

import re
from pathlib import Path

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_first_lines_print_the_table(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    shown = re.search(r"```\n(gradient .*?)```", README, re.DOTALL)[1]
    exec(code, {})
    assert capsys.readouterr().out == shown
    assert "</svg>" in (tmp_path / "graph.svg").read_text()


def test_what_readme_links_to_is_there():
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (Path(__file__).parents[1] / target).exists(), target
