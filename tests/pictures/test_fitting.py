"""Pictures fit a page with text that can be read, asserted from their SVG."""

import re

import numpy as np
import pytest
from pictures.drawings import labels, net, parameter, small_net
from pictures.functions import FUNCTIONS

import autograd_lite as al
import nn
from autograd_lite.pictures import fitting

PAGE_POINTS = 6.5 * 72
READABLE_POINTS = 8

OPTIONS = {
    "plain": {},
    "values": {"values": True},
    "gradients": {"gradients": True},
    "numbers": {"values": True, "gradients": True},
    "local": {"local": True},
    "lines": {"lines": True},
    "all": {"values": True, "gradients": True, "local": True, "lines": True},
    "backward": {"backward": True},
    "backward with values": {"backward": True, "values": True},
}


def size_of(svg):
    """Width and height in points, and the size of the smallest text in points."""
    width, height = map(
        float, re.search(r'<svg width="([\d.]+)pt" height="([\d.]+)pt"', svg).groups()
    )
    scale = float(re.search(r"scale\(([\d.]+)", svg)[1])
    return width, height, scale * min(map(float, re.findall(r'font-size="([\d.]+)"', svg)))


def shown(picture):
    return size_of(picture.pipe("svg", encoding="utf-8"))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.one_in(14)
def test_functions_of_students_fit_a_page_with_readable_text(name, options):
    function, inputs = FUNCTIONS[name]
    width, _, text = shown(al.draw(function, *inputs, **options))
    assert width <= PAGE_POINTS
    assert text >= READABLE_POINTS


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.one_in(2)
def test_loose_arrows_join_two_boxes_once(name):
    """Graphviz 2.43, which Debian and Ubuntu have, cannot draw them twice."""
    function, inputs = FUNCTIONS[name]
    source = al.draw(function, *inputs, backward=True).source
    loose = re.findall(r"(\w+ -> \w+) \[.*constraint=false", source)
    assert len(loose) == len(set(loose))


def dag(seed, operations, sources):
    """A graph without order: operations on what was computed lately, or at any time before."""
    rng = np.random.default_rng(seed)
    pool = [parameter((3, 4), f"W{i}") for i in range(sources)]
    binary, unary = (np.add, np.multiply, np.subtract, np.maximum), (np.sin, np.exp, np.tanh)
    for number in range(operations):
        latest = rng.random(2) < 0.6
        a, b = (pool[-1 if last else rng.integers(len(pool))] for last in latest)
        if rng.random() < 0.6:
            result = binary[rng.integers(4)](a, b)
        else:
            result = unary[rng.integers(3)](a * 0.1)
        result.name = f"y{number}" if rng.random() < 0.3 else None
        pool.append(result)
    return sum(part.sum() for part in pool[-5:])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("operations", "sources"), [(10, 3), (40, 8), (120, 20), (200, 30)])
@pytest.mark.one_in(13)
def test_graphs_without_order_fit_a_page(operations, sources, seed):
    loss = dag(seed, operations, sources)
    for options in ({}, {"values": True}, {"backward": True}):
        width, _, text = shown(al.draw(loss, **options))
        assert width <= PAGE_POINTS and text >= READABLE_POINTS


MODULES = {
    "equal layers": lambda: nn.Sequential(
        *[part for i in range(12) for part in (nn.Linear(3, 3, seed=i), nn.ReLU())]
    ),
    "unequal layers": lambda: net(8),
    "recurrent": lambda: nn.LSTM(3, 4, seed=0),
}


@pytest.mark.parametrize("options", [{}, {"values": True, "gradients": True}], ids=["", "numbers"])
@pytest.mark.parametrize("name", MODULES)
@pytest.mark.one_in(2)
def test_modules_fit_a_page(name, options):
    shape = (3, 6, 2) if name == "recurrent" else (3, 6)
    loss = MODULES[name]()(np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)).sum()
    width, _, text = shown(al.draw(loss, **options))
    assert width <= PAGE_POINTS and text >= READABLE_POINTS


def test_a_small_graph_runs_to_the_right_and_a_long_one_down():
    assert "rankdir=LR" in al.draw(np.exp(parameter(2, "x"))).source
    assert (
        "rankdir=TB"
        in al.draw(*FUNCTIONS["one hidden layer"][:1], *FUNCTIONS["one hidden layer"][1]).source
    )


def test_nothing_is_folded_that_fits_from_top_to_bottom():
    loss = small_net()
    assert len(labels(al.draw(loss, width=2.5))) == len(labels(al.draw(loss, width=None)))


@pytest.mark.parametrize(
    ("width", "points"),
    [(4, 288), ("4in", 288), ("10.16cm", 288), ("101.6mm", 288), ("288pt", 288)],
)
@pytest.mark.one_in(4)
def test_the_width_may_be_another(width, points):
    function, inputs = FUNCTIONS["attention"]
    found = shown(al.draw(function, *inputs, width=width))[0]
    assert found <= points
    assert found > points / 3


def test_without_a_width_a_picture_is_as_wide_as_it_gets():
    function, inputs = FUNCTIONS["attention"]
    wide = al.draw(function, *inputs, width=None)
    assert "rankdir=LR" in wide.source and shown(wide)[0] > PAGE_POINTS


@pytest.mark.parametrize("width", [0, -1, "wide", "6 miles", "", float("nan"), "1.2.3in", [6]])
def test_what_is_no_width_is_refused(width):
    with pytest.raises(ValueError, match="width must be a number of inches or a text such as"):
        al.draw(small_net(), width=width)


def test_what_may_not_be_folded_is_scaled():
    loss = dag(0, 120, 20)
    picture = al.draw(loss, fold=False, direction="LR")
    width, _, text = shown(picture)
    assert width <= PAGE_POINTS and text < READABLE_POINTS
    assert len(labels(picture)) == len(labels(al.draw(loss, fold=False, width=None))) > 80


def test_a_direction_that_is_asked_for_is_kept():
    function, inputs = FUNCTIONS["deep net"]
    picture = al.draw(function, *inputs, direction="RL")
    assert "rankdir=RL" in picture.source
    assert shown(picture)[0] <= PAGE_POINTS


def test_without_a_program_a_picture_runs_down_and_is_drawn_all_the_same(monkeypatch):
    def missing(source, format):
        raise fitting.RenderError("no program")

    monkeypatch.setattr(fitting, "rendered", missing)
    assert "rankdir=TB" in al.draw(small_net()).source
    assert "rankdir=LR" in al.draw(small_net(), direction="LR").source


def test_an_svg_is_scaled_where_there_is_less_room():
    svg = al.draw(small_net()).pipe("svg", encoding="utf-8")
    root = re.search(r"<svg [^>]*>", svg)[0]
    assert 'style="max-width:100%;height:auto"' in root and "viewBox=" in root
    assert al.draw(small_net())._repr_mimebundle_()["image/svg+xml"] == svg


def test_text_has_two_sizes_and_no_other():
    for name, (function, inputs) in FUNCTIONS.items():
        svg = al.draw(function, *inputs, values=True).pipe("svg", encoding="utf-8")
        sizes = set(re.findall(r'font-size="([\d.]+)"', svg))
        assert sizes <= {"11.00", "10.00"} or sizes <= {"9.00", "8.00"}, name
