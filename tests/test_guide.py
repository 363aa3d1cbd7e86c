"""The cells of the guide run as printed; its contents name every page, its reference every name.

The cells of the course hold the assertions on what they compute; the built pages leave those out.
"""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

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
@pytest.mark.slow
def test_a_notebook_of_the_course_computes_what_it_asserts(page, tmp_path, monkeypatch, request):
    monkeypatch.chdir(page.parent)
    monkeypatch.setenv("AUTOGRAD_LITE_DATA", str(request.config.getoption("--data")))
    cells = [source for _, source in documents.blocks(page)]
    assert len(cells) == page.read_text("utf-8").count("```{code-cell}")
    assert any(line.lstrip().startswith("assert ") for cell in cells for line in cell.splitlines())
    documents.run(page, tmp_path)


# The page on outgrowing a machine needs files and a cluster: its listings have a test of their own.
WITH_BLOCKS = [
    page
    for page in sorted(GUIDE.glob("*.md"))
    if page.stem != "outgrowing" and any(documents.blocks(page))
]


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=lambda page: page.stem)
def test_the_blocks_of_a_page_run_in_order_and_print_what_is_shown(
    page, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    documents.run(page, tmp_path)
    if shown := documents.shown(page):
        printed = documents.comparable(capsys.readouterr().out)
        assert printed == documents.comparable(shown)


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


@pytest.mark.slow
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


class Page(HTMLParser):
    """What a page of HTML links to, and the places in it that a link can name."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.places = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src"):
                self.targets.add(value)
            elif name == "id":
                self.places.add(value)


def dangling(folder):
    """The links of a built site that lead nowhere inside it, each with its page."""
    pages = {
        file: Page(file.read_text("utf-8"))
        for file in folder.rglob("*.html")
        if "_static" not in file.parts
    }
    assert pages
    for file, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            found = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            place = unquote(parts.fragment)
            if not found.exists() or (
                place and found in pages and place not in pages[found].places
            ):
                yield f"{file.relative_to(folder)}: {target}"


def test_links_that_lead_nowhere_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="#here">1</a><a href="a.html#here">2</a><a href="https://x.y/">3</a>'
        '<a href="#there">4</a><a href="b.html">5</a><img src="c.png">'
    )
    assert sorted(dangling(tmp_path)) == ["a.html: #there", "a.html: b.html", "a.html: c.png"]


@pytest.mark.slow
def test_the_guide_is_built_without_a_warning_and_its_links_lead_somewhere(tmp_path):
    for name in ("myst_nb", "numpydoc", "pydata_sphinx_theme"):
        pytest.importorskip(name, reason="the guide is built with the dependency group guide")
    folder = tmp_path.resolve() / "guide"
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", GUIDE, folder],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    assert (folder / "generated" / "autograd_lite.Tensor.html").exists()
    assert not list(dangling(folder))
