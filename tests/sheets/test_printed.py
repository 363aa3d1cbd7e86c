"""The sheet for a page of paper, and the walk through it as a moving picture."""

import html
import re
import shutil
import sys

import numpy as np
import pytest
from pictures.functions import FUNCTIONS

import autograd_lite as al
from autograd_lite.sheets import animation


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.one_in(2)
def test_it_fits_the_width_of_a_page_with_text_of_eight_points(name):
    function, inputs = FUNCTIONS[name]
    svg = al.sheet(function, *inputs).picture().pipe("svg").decode()
    root = re.search(r'<svg width="([\d.]+)pt" height="[\d.]+pt"\s+viewBox="([^"]*)"', svg)
    width, box = float(root[1]), root[2].split()
    assert width <= 6.5 * 72 + 1
    scale = width / float(box[2])
    sizes = [float(size) * scale for size in re.findall(r'font-size="([\d.]+)"', svg)]
    assert sizes and min(sizes) >= 8 - 0.01


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.one_in(2)
def test_no_text_runs_over_the_side(name):
    function, inputs = FUNCTIONS[name]
    svg = al.sheet(function, *inputs).picture().pipe("svg").decode()
    width = float(re.search(r'viewBox="[\d.]+ [\d.]+ ([\d.]+)', svg)[1])
    texts = re.findall(r'<text[^>]*text-anchor="start" x="([\d.]+)"[^>]*>([^<]*)<', svg)
    # Fonts of one width have characters of 0.6 of their size.
    ends = [float(x) + 0.6 * 8 * len(html.unescape(text)) for x, text in texts]
    assert ends and max(ends) <= width


def test_it_says_what_the_page_says():
    function, inputs = FUNCTIONS["one hidden layer"]
    sheet = al.sheet(function, *inputs)
    text = sheet.picture().source.replace("&#160;", " ").replace("&amp;", "&")
    for row in sheet.rows:
        for statement in row[1:]:
            assert statement[:40] in text


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_it_is_rendered_in_every_theme(theme, tmp_path):
    function, inputs = FUNCTIONS["logistic regression"]
    picture = al.sheet(function, *inputs).picture("16cm", theme)
    # The wheel's Graphviz writes no PDF.
    formats = {"png": b"\x89PNG"} | ({"pdf": b"%PDF-"} if shutil.which("dot") else {})
    for format, start in formats.items():
        path = picture.render(tmp_path / f"sheet.{format}")
        with open(path, "rb") as file:
            assert file.read(len(start)) == start


def test_numbers_that_are_none_and_names_that_are_markup_are_printed():
    w = al.Tensor(np.array([np.nan, np.inf, -np.inf, 1e-300]), requires_grad=True, name="<b>&")
    svg = al.sheet(np.sum(w * w)).picture().pipe("svg").decode()
    texts = [html.unescape(t).replace("\xa0", " ") for t in re.findall(r"<text[^>]*>([^<]*)<", svg)]
    assert {"NaN", "inf", "-inf", "1e-300", "<b>& (4,)"} <= set(texts)


@pytest.mark.parametrize(
    ("options", "message"), [({"width": 0}, "width"), ({"theme": "x"}, "theme")]
)
def test_options_that_are_none_are_refused(options, message):
    function, inputs = FUNCTIONS["logistic regression"]
    with pytest.raises(ValueError, match=message):
        al.sheet(function, *inputs).picture(**options)


def test_the_walk_is_a_frame_for_each_statement(tmp_path):
    image = pytest.importorskip("PIL.Image")
    function, inputs = FUNCTIONS["logistic regression"]
    path = al.animate(function, tmp_path / "walk", *inputs, seconds=0.5)
    assert path.endswith("walk.gif")
    with image.open(path) as moving:
        assert moving.n_frames == 6
        assert moving.info["duration"] == 500
        frames = []
        for i in range(6):
            moving.seek(i)
            frames.append(np.asarray(moving.convert("RGB")))
    assert len({frame.tobytes() for frame in frames}) == 6


def test_a_walk_that_cannot_be_written_leaves_no_file(tmp_path):
    function, inputs = FUNCTIONS["logistic regression"]
    with pytest.raises(ValueError, match=r"does not end in \.gif"):
        al.animate(function, tmp_path / "walk.mp4", *inputs)
    assert not list(tmp_path.iterdir())


def test_a_walk_that_is_too_long_says_how_long_it_is(tmp_path, monkeypatch):
    function, inputs = FUNCTIONS["logistic regression"]
    monkeypatch.setattr(animation, "FRAME_LIMIT", 5)
    with pytest.raises(ValueError, match="has 6 steps, and .* at most 5; use a smaller example"):
        al.animate(function, tmp_path / "walk.gif", *inputs)
    assert not list(tmp_path.iterdir())


def test_a_machine_without_pillow_is_told_what_to_install(tmp_path, monkeypatch):
    function, inputs = FUNCTIONS["logistic regression"]
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"^animate\(\) needs Pillow: pip install 'auto"):
        al.animate(function, tmp_path / "walk.gif", *inputs)
    assert not list(tmp_path.iterdir())
