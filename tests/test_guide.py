"""The cells of the guide run as printed; its contents name every page, its reference every name.

The cells of the course hold the assertions on what they compute; the built pages leave those out.
"""

import re
from pathlib import Path
from types import ModuleType

import documents
import pytest
import test_docstrings

import autograd_lite as al
from autograd_lite import extend, nn

GUIDE = Path(__file__).parents[1] / "examples" / "guide"
COURSE = sorted((GUIDE / "course").glob("*.md"))


def in_contents(folder):
    """The pages that the lists of contents of a folder name, without their endings."""
    text = (folder / "index.md").read_text("utf-8")
    for contents in re.findall(r"```\{toctree\}\n(.*?)```", text, re.DOTALL):
        yield from re.findall(r"^[\w/]+$", contents, re.MULTILINE)


@pytest.mark.parametrize("page", COURSE, ids=lambda page: page.stem)
def test_a_notebook_of_the_course_computes_what_it_asserts(page, tmp_path, monkeypatch, request):
    monkeypatch.chdir(page.parent)
    monkeypatch.setenv("AUTOGRAD_LITE_DATA", str(request.config.getoption("--data")))
    cells = [source for _, source in documents.blocks(page)]
    assert len(cells) == page.read_text("utf-8").count("```{code-cell}")
    assert any(line.lstrip().startswith("assert ") for cell in cells for line in cell.splitlines())
    documents.run(page, tmp_path)


def comparable(text):
    """What is printed, without the digits of rounding errors, which differ between machines."""
    return re.sub(r"\d\.\d+e-1\d", "rounding", text)


PRINTING = ["from_elsewhere", "how_it_is_built", "quickstart", "recording"]


@pytest.mark.parametrize("page", [*PRINTING, "questions", "teaching"])
def test_the_blocks_of_a_page_run_in_order_and_print_what_is_shown(
    page, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    file = GUIDE / f"{page}.md"
    documents.run(file, tmp_path)
    shown = documents.shown(file)
    assert shown if page in PRINTING else not shown
    if shown:
        assert comparable(capsys.readouterr().out) == comparable(shown)


@pytest.mark.parametrize("module", [al, al.check, nn, extend], ids=lambda module: module.__name__)
def test_the_reference_has_every_public_name(module):
    text = (GUIDE / "reference.md").read_text("utf-8")
    listed = re.search(rf"currentmodule:: {re.escape(module.__name__)}\n(.*?)```", text, re.DOTALL)[
        1
    ]
    public = [
        name
        for name in module.__all__
        if not isinstance(getattr(module, name), ModuleType)
        and not str(getattr(module, name).__module__).startswith("numpy")
    ]
    assert re.findall(r"^   (\w+)$", listed, re.MULTILINE) == sorted(public)


@pytest.mark.parametrize("name", sorted(n for n in test_docstrings.MODULES if "nn." in n))
def test_the_reference_has_every_name_of_a_module_of_nn(name):
    listed = re.search(
        rf"currentmodule:: autograd_lite\.{name}\n(.*?)```",
        (GUIDE / "reference.md").read_text("utf-8"),
        re.DOTALL,
    )[1]
    own = [n.removeprefix(f"{name}.") for n in test_docstrings.PUBLIC if n.startswith(f"{name}.")]
    assert own
    assert re.findall(r"^   (\w+)$", listed, re.MULTILINE) == sorted(own)


def test_the_course_takes_the_digits_where_there_are_no_cats(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(GUIDE / "course")
    monkeypatch.delenv("AUTOGRAD_LITE_DATA", raising=False)
    documents.run(GUIDE / "course" / "cats.md", tmp_path)
    assert capsys.readouterr().out.startswith("digits ")


def test_the_contents_name_every_page():
    pages = [page for page in [*GUIDE.glob("*.md"), *COURSE] if page.name != "index.md"]
    named = [page for page in in_contents(GUIDE) if not page.endswith("/index")]
    assert sorted(named) == sorted(
        page.relative_to(GUIDE).with_suffix("").as_posix() for page in pages
    )


@pytest.mark.parametrize("page", COURSE, ids=lambda page: page.stem)
def test_what_a_notebook_links_to_is_there(page):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (page.parent / target).exists(), target
