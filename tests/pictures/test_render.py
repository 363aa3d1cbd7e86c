"""Pictures: which program makes them, what names survive it, and what happens when it fails."""

import errno
import os
import re
import select
import shutil
import subprocess
import sys
import sysconfig
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as al
from autograd_lite import rendering as render
from autograd_lite.pictures import RenderError

needs_shell = pytest.mark.skipif(os.name == "nt", reason="the stand-ins for dot are shell scripts")


def computation(name="x"):
    return np.exp(al.Tensor(np.ones((2, 3)), requires_grad=True, name=name))


@pytest.fixture
def picture():
    return al.draw(computation())


@pytest.fixture
def no_programs(monkeypatch, tmp_path):
    """Neither PATH nor the environment's scripts have a program; returns both folders."""
    on_path, scripts = tmp_path / "bin", tmp_path / "scripts"
    on_path.mkdir()
    scripts.mkdir()
    monkeypatch.setenv("PATH", str(on_path))
    monkeypatch.setattr(sysconfig, "get_path", lambda name: {"scripts": str(scripts)}[name])
    return on_path, scripts


def program(folder, text, name="dot"):
    """A stand-in for dot in `folder`: a shell script that writes its arguments beside itself."""
    path = folder / name
    path.write_text(f'#!/bin/sh\nPATH=/usr/bin:/bin\necho "$@" > {path}.arguments\n{text}\n')
    path.chmod(0o755)
    return path


def arguments_of(path):
    return Path(f"{path}.arguments").read_text().split()


DRAW = "echo picture; cat"


def shown_texts(svg):
    """The lines of text that an SVG shows; graphviz writes some spaces as non-breaking ones."""
    texts = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    return [(text.text or "").replace("\xa0", " ") for text in texts]


@needs_shell
def test_the_systems_dot_is_preferred(picture, no_programs):
    on_path, scripts = no_programs
    dot = program(on_path, DRAW)
    others = [program(folder, DRAW, "graphviz-pure") for folder in no_programs]
    assert picture.pipe("png") == b"picture\n" + picture.source.encode()
    assert arguments_of(dot) == ["-Kdot", "-Tpng"]
    assert not any(Path(f"{other}.arguments").exists() for other in others)


@needs_shell
@pytest.mark.parametrize("place", ["on PATH", "in the environment's scripts only"])
def test_without_dot_graphviz_pure_is_used(picture, no_programs, place):
    pure = program(no_programs[place != "on PATH"], DRAW, "graphviz-pure")
    assert picture.pipe("svg").startswith(b"picture\n")
    assert arguments_of(pure) == ["-Kdot", "-Tsvg"]


@needs_shell
def test_another_engine_can_be_asked_for(picture, no_programs):
    dot = program(no_programs[0], DRAW)
    picture.pipe("svg", engine="neato")
    assert arguments_of(dot) == ["-Kneato", "-Tsvg"]


def test_without_any_program_the_message_says_how_to_get_one(picture, no_programs, tmp_path):
    target = tmp_path / "graph.svg"
    with pytest.raises(
        RenderError,
        match=r"no Graphviz program was found .*apt install graphviz.*brew install graphviz.*"
        r"pip install 'autograd_lite\[dot\]'.*in \.source, and \.render\('graph\.dot'\) writes it",
    ):
        picture.render(target)
    assert not target.exists()


@pytest.mark.parametrize("name", ["graph.dot", "graph.gv"])
def test_dot_text_needs_no_program(picture, no_programs, tmp_path, name):
    target = tmp_path / name
    assert picture.render(target) == str(target)
    assert target.read_text(encoding="utf-8") == picture.source
    assert picture.pipe(target.suffix[1:]) == picture.source.encode()


@needs_shell
def test_a_program_that_hangs_is_stopped_with_what_it_started(
    picture, no_programs, tmp_path, monkeypatch
):
    monkeypatch.setattr(render, "TIME_LIMIT", 1.0)
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    alive = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        # The script's child holds the pipe open for writing as long as it lives.
        program(no_programs[0], f"exec 3>{fifo}; sleep 60; echo late")
        with pytest.raises(
            RenderError, match=r"dot was stopped because it had not drawn the graph after 1 s; draw"
        ):
            picture.render(tmp_path / "graph.svg")
        assert select.select([alive], [], [], 20)[0], "what the script started is still alive"
        assert os.read(alive, 1) == b""
    finally:
        os.close(alive)
    assert not (tmp_path / "graph.svg").exists()


@needs_shell
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("echo no such font >&2; echo and more >&2; exit 3", "no such font; and more$"),
        ("exit 3", "it ended with exit status 3$"),
        ("cat > /dev/null", "it printed nothing$"),
        ("echo half a picture; exit 1", "it ended with exit status 1$"),
    ],
)
def test_a_program_that_fails_is_quoted(picture, no_programs, tmp_path, text, said):
    program(no_programs[0], text)
    with pytest.raises(RenderError, match=f"dot could not make a picture of format 'svg': {said}"):
        picture.render(tmp_path / "graph.svg")
    assert not (tmp_path / "graph.svg").exists()


@needs_shell
def test_a_program_that_warns_and_draws_is_believed(picture, no_programs, capfd):
    program(no_programs[0], "echo warning >&2; echo picture")
    assert picture.pipe("svg") == b"picture\n"
    assert capfd.readouterr() == ("", "")


@needs_shell
def test_a_program_that_cannot_be_started(picture, no_programs):
    dot = no_programs[0] / "dot"
    dot.write_text("#!/no/such/interpreter\n")
    dot.chmod(0o755)
    with pytest.raises(RenderError, match="dot could not be started: .*; install Graphviz"):
        picture.pipe("svg")


def test_an_unknown_format_is_refused_by_name(picture, tmp_path):
    with pytest.raises(RenderError, match="could not make a picture of format 'docx': "):
        picture.render(tmp_path / "graph.docx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "format", "written", "start"),
    [
        ("graph.svg", None, "graph.svg", b"<?xml"),
        ("graph.png", None, "graph.png", b"\x89PNG"),
        ("graph.PNG", None, "graph.PNG", b"\x89PNG"),
        ("graph", None, "graph.svg", b"<?xml"),
        ("graph", "png", "graph.png", b"\x89PNG"),
        ("graph.v2", "svg", "graph.v2.svg", b"<?xml"),
    ],
)
def test_the_format_is_that_of_the_name(picture, tmp_path, name, format, written, start):
    path = picture.render(tmp_path / name, format=format)
    assert path == str(tmp_path / written)
    assert Path(path).read_bytes().startswith(start)
    assert [p.name for p in tmp_path.iterdir()] == [written]


def test_render_takes_a_directory_and_an_outfile(picture, tmp_path):
    assert picture.render("graph.svg", directory=tmp_path) == str(tmp_path / "graph.svg")
    assert picture.render(outfile=tmp_path / "other.svg") == str(tmp_path / "other.svg")


def test_rendering_again_takes_the_place_of_the_old_picture(picture, tmp_path):
    target = tmp_path / "graph.svg"
    target.write_text("old")
    picture.render(target)
    assert target.read_bytes() == picture.pipe("svg")
    assert [p.name for p in tmp_path.iterdir()] == ["graph.svg"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_a_picture_has_the_permissions_of_any_new_file(picture, tmp_path):
    (tmp_path / "other").touch()
    path = picture.render(tmp_path / "graph.dot")
    assert os.stat(path).st_mode == os.stat(tmp_path / "other").st_mode


def test_a_missing_folder_is_named(picture, tmp_path):
    folder = tmp_path / "missing"
    message = re.escape(
        f"cannot write the picture to {folder / 'graph.svg'}: there is no folder {folder}"
    )
    with pytest.raises(FileNotFoundError, match=message):
        picture.render(folder / "graph.svg")
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_is_a_folder(picture, tmp_path):
    target = tmp_path / "graph.svg"
    target.mkdir()
    message = re.escape(f"cannot write the picture to {target}: that is a folder")
    with pytest.raises(OSError, match=message):
        picture.render(target)
    assert [p.name for p in tmp_path.iterdir()] == ["graph.svg"]
    assert target.is_dir()


def test_a_disk_that_is_full_at_the_end_leaves_the_old_picture(picture, tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    target = tmp_path / "graph.dot"
    target.write_text("old")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"cannot write the picture to .*graph\.dot: No space left"):
        picture.render(target)
    assert [p.name for p in tmp_path.iterdir()] == ["graph.dot"]
    assert target.read_text() == "old"


def test_an_interrupt_leaves_no_stray_file(picture, tmp_path, monkeypatch):
    def interrupted(source, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        picture.render(tmp_path / "graph.dot")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_a_disk_that_fills_up_while_writing(tmp_path):
    script = """
import resource, sys
import numpy as np
import autograd_lite as al
loss = np.exp(al.Tensor([1.0], requires_grad=True))
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    al.draw(loss).render(sys.argv[1])
except OSError as error:
    print(error)
"""
    target = tmp_path / "graph.dot"
    done = subprocess.run(
        [sys.executable, "-B", "-c", script, str(target)],
        capture_output=True,
        text=True,
        cwd=Path(al.__file__).parents[1],
        check=True,
    )
    assert done.stdout == f"cannot write the picture to {target}: {os.strerror(errno.EFBIG)}\n"
    assert list(tmp_path.iterdir()) == []


HOSTILE = [
    "<b>",
    "<b>x</b>",
    "<TABLE><TR><TD>x</TD></TR></TABLE>",
    "<",
    ">",
    "</svg>",
    r"\N",
    r"\G",
    r"\L\l\r\T\H",
    r"two\nlines",
    "ends with \\",
    "\\",
    "\\\\",
    "a:b",
    "a:b:c",
    '"',
    "'",
    'say "x"',
    '\\"',
    '"];n9 [label="y',
    "{x|y}",
    "}",
    "[x]",
    "a -> b",
    "x;",
    "// x",
    "# x",
    "/* x",
    "&",
    "&lt;",
    "&amp;",
    "a & b",
    "&#65;",
    "%s",
    "node",
    "3.5",
    "🙂",
    "👩‍🔬",
    "Größe σ²",
    "中文",
    "<🙂>",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.one_in(3)
def test_a_hostile_name_is_shown_as_it_is(name):
    loss = computation(name)
    loss.name = name
    texts = shown_texts(al.draw(loss).pipe("svg"))
    assert sorted(texts) == sorted([name, "(2, 3)", name, "exp", "(2, 3)"])


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.one_in(4)
def test_a_hostile_name_that_is_the_whole_label_is_shown_as_it_is(name):
    x = al.Tensor(1.0, requires_grad=True, name=name)
    assert sorted(shown_texts(al.draw(np.exp(x)).pipe("svg"))) == sorted(["exp", name])


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("two\nlines", "two lines"),
        ("two\r\nlines", "two  lines"),
        ("a\0b", "a b"),
        ("a\x01\x1b[31mb", "a  [31mb"),
        ("a\x85b", "a b"),
        ("a\u2028b", "a b"),
        ("a\ud800b", "a b"),
        ("a\uffffb", "a b"),
        ("x" * 10_000, "x" * 59 + "…"),
        ("&" * 10_000, "&" * 59 + "…"),
        ("<" * 61, "<" * 59 + "…"),
    ],
)
def test_a_name_that_fits_no_line_is_shown_without_what_does_not_fit(name, shown):
    texts = shown_texts(al.draw(computation(name)).pipe("svg"))
    assert texts.count(shown) == 1
    assert len(texts) == 4


@pytest.mark.parametrize("name", [" ", "\n", "\0"])
def test_a_name_of_nothing_visible_does_no_harm(name):
    assert "exp" in shown_texts(al.draw(computation(name)).pipe("svg"))


def test_a_name_brings_no_link_and_no_image():
    svg = al.draw(computation('x" URL="http://example.org" image="/etc/passwd')).pipe("svg")
    tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(svg).iter()}
    assert not tags & {"a", "image", "script"}


def test_edges_of_the_picture_point_to_the_result():
    svg = ElementTree.fromstring(al.draw(computation()).pipe("svg"))
    titles = [t.text for t in svg.iter("{http://www.w3.org/2000/svg}title")]
    assert "x · (2, 3) → exp · (2, 3)" in titles


def test_notebooks_get_an_svg(picture):
    text = picture._repr_image_svg_xml()
    assert "x" in shown_texts(text)


def test_view_opens_the_picture_that_was_written(picture, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(type(picture), "_view", lambda self, path, **kwargs: opened.append(path))
    picture.view(tmp_path / "graph.svg")
    assert opened == [str(tmp_path / "graph.svg")]
    picture.render(tmp_path / "other.svg")
    assert len(opened) == 1


def test_some_program_is_here():
    assert shutil.which(render.find_dot())
