"""What boxes and frames show besides names: numbers, lines, legends, titles, places."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from pictures.drawings import box, edges, fonts, frames, labels, net, parameter, small_net, styles
from pictures.functions import FUNCTIONS

import autograd_lite as al
import nn
from autograd_lite.pictures.text import BAR_STEPS, number, numbers_of
from autograd_lite.pictures.themes import THEMES

SVG = "{http://www.w3.org/2000/svg}"


def markup(picture, name):
    """The label of the box whose first line is `name`, as it is written."""
    for identifier, lines in labels(picture).items():
        if lines[0] == name:
            return re.search(rf"^\t+{identifier} \[label=(<.*>>)", picture.source, re.M)[1]
    raise AssertionError(name)


@pytest.mark.parametrize("theme", THEMES)
def test_the_value_is_above_and_the_gradient_below_each_in_its_colour(theme):
    W = al.Tensor([[1.0, -2.0]], True, name="W")
    picture = al.draw(np.sum(W**3), values=True, gradients=True, theme=theme)
    colours = THEMES[theme]
    found = fonts(markup(picture, "W"))
    assert found == [
        ("1", colours.value, "Courier"),
        ("-2", colours.value, "Courier"),
        ("gradient", colours.gradient, None),
        ("3", colours.gradient, "Courier"),
        ("12", colours.gradient, "Courier"),
    ]
    assert "<HR/>" in markup(picture, "W")


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(a, b):
    """The contrast of two colours by WCAG 2.2, https://www.w3.org/TR/WCAG22/#contrast-minimum."""
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_text_can_be_read_on_every_box(theme):
    colours = THEMES[theme]
    for style in colours.boxes.values():
        for text in (colours.text, colours.value, colours.gradient):
            assert contrast(text, style["fillcolor"]) >= 4.5
    assert contrast(colours.path, colours.background) >= 4.5


def test_the_print_theme_has_no_colour():
    theme = THEMES["print"]
    found = re.findall(r"#\w{6}", repr(theme))
    assert found and all(c[1:3] == c[3:5] == c[5:7] for c in found)


@pytest.mark.parametrize("zero", [-0.0, np.float64(-0.0), np.float32(-0.0), 0.0])
def test_zero_has_no_sign(zero):
    assert number(zero) == "0"
    x = al.Tensor([float(zero), 1.0], True, name="x")
    assert "-0" not in str(labels(al.draw(np.sum(x * 2), values=True, gradients=True)).values())


def test_a_distribution_is_rectangles_and_no_characters():
    x = al.Tensor(np.linspace(0, 1, 100) ** 3, True, name="x")
    picture = al.draw(np.sum(x), values=True)
    assert not set("▁▂▃▄▅▆▇█") & set(picture.source)
    heights = [int(h) for h in box(picture, "x")[-1].split()]
    counts = np.histogram(x.data, bins=16)[0]
    assert heights == np.ceil(counts / counts.max() * BAR_STEPS).astype(int).tolist()


@pytest.mark.parametrize(
    ("array", "bars"),
    [
        (np.zeros(30), [BAR_STEPS]),
        (np.full(30, np.nan), []),
        (np.ones(30, complex), []),
        (np.array([1e308, -1e308] * 10), [BAR_STEPS, *[0] * 14, BAR_STEPS]),
        (np.zeros((0, 3)), None),
    ],
)
@pytest.mark.parametrize("compact", [False, True])
def test_distributions_of_special_arrays(array, bars, compact):
    found = numbers_of(array, compact)
    if bars and len(bars) > 1 and compact:
        bars = [BAR_STEPS, *[0] * 10, BAR_STEPS]
    assert found is not None and found.bars == (bars or [])
    assert found.lines or found.cells == []


def test_lines_are_frames_around_what_they_computed():
    def f(W, x):
        z = np.tanh(W @ x + 1)
        return np.sum(z * z)

    picture = al.draw(f, np.ones((2, 3)), np.ones(3), lines=True)
    first, second = frames(picture)
    assert re.fullmatch(r"test_labels\.py:\d+: z = np\.tanh\(W @ x \+ 1\)", first)
    assert re.fullmatch(r"test_labels\.py:\d+: return np\.sum\(z \* z\)", second)
    for text in (first, second):
        assert picture.source.count(f'"{text}"') == 1
    assert "test_labels" not in str(labels(picture))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_line_is_shown_once(name):
    function, inputs = FUNCTIONS[name]
    picture = al.draw(function, *inputs, lines=True, fold=False, width=None)
    shown = [*frames(picture), *(lines[-1] for lines in labels(picture).values())]
    lines = [text for text in shown if text.startswith("functions.py:")]
    once = {"softmax with helpers", "batch norm", "attention", "logistic regression"}
    assert lines
    if name in once - {"softmax with helpers"}:
        assert len(lines) == len(set(lines))


def test_a_folded_box_keeps_its_numbers():
    X = np.arange(12.0).reshape(3, 4) / 10
    picture = al.draw(net(), X, depth=1, values=True, gradients=True)
    last = box(picture, "Linear(2, 1)")
    value = net()(X).data
    shown = [float(text) for text in " ".join(last[last.index("(1, 4)") + 1 :][:1]).split()]
    assert np.allclose(shown, value.ravel(), rtol=1e-3)
    assert "gradient" in last


def test_a_repeated_block_says_whose_numbers_it_shows():
    deep = nn.Sequential(*[p for i in range(5) for p in (nn.Linear(3, 3, seed=i), nn.ReLU())])
    X = np.ones((3, 2))
    assert "× 5" in frames(al.draw(deep, X, fold=True))
    picture = al.draw(deep, X, fold=True, values=True)
    assert "× 5, numbers of the first" in frames(picture)
    first = deep.layers[0](X).data
    shown = [float(t) for lines in labels(picture).values() for t in lines[-3:] if lines[0] == "Z1"]
    assert shown == [] or np.allclose(shown, first.ravel(), rtol=1e-3)


def test_gradients_stand_beside_their_tensors():
    """On a level that is nearer than any other gradient of a named tensor is."""
    function, inputs = FUNCTIONS["one hidden layer"]
    picture = al.draw(function, *inputs, backward=True)
    plain = picture.pipe("plain", encoding="utf-8")
    ids = {lines[0]: name for name, lines in labels(picture).items()}
    heights = {
        fields[1]: float(fields[3])
        for fields in map(str.split, plain.splitlines())
        if fields[0] == "node"
    }
    total = float(plain.split()[3])
    for name in ("Z1", "A1", "Z2", "A2", "W2"):
        distance = abs(heights[ids[name]] - heights[ids[f"d{name}"]])
        assert distance < total / 6, name
    assert heights[ids["dW1"]] > heights[ids["dZ1"]] > heights[ids["dZ2"]]
    assert ("dZ1", "dW1") in edges(picture) and ("dZ2", "dA1") in edges(picture)


def test_titles_are_names_and_no_numbers_of_nodes():
    picture = al.draw(net(), np.ones((3, 2)), values=True)
    svg = ElementTree.fromstring(picture.pipe("svg"))
    titles = [title.text for title in svg.iter(f"{SVG}title")]
    assert not [title for title in titles if re.fullmatch(r"[ns]\d+|cluster_\d+|.*->.*", title)]
    assert "W1 · (3, 3)" in titles and "Linear(3, 3)" in titles
    assert any(re.fullmatch(r"W1 · .* → .*", title) for title in titles)


HOSTILE = [
    *("<b>", "]]>", "&lt;", '"', "--><script>", "n0", "s0->n0", "</title><script>", "🧮", "x  y"),
    *("\\N", "\\", "\\\\", "two\\nlines", "\\G\\L\\l", "ends with \\", "a:b", "{x|y}", "' OR"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_text_in_titles_and_beside_numbers(text):
    x = al.Tensor([1.0, 2.0], True, name=text)
    loss = np.sum(x * 2)
    loss.name = text
    picture = al.draw(loss, values=True, gradients=True, legend=True)
    svg = ElementTree.fromstring(picture.pipe("svg"))
    kinds = {element.tag.removeprefix(SVG) for element in svg.iter()}
    assert kinds <= {"svg", "g", "title", "polygon", "path", "text", "ellipse", "polyline"}
    assert text in [(t.text or "").replace("\xa0", " ") for t in svg.iter(f"{SVG}text")]
    assert any((t.text or "").startswith(f"{text} ·") for t in svg.iter(f"{SVG}title"))


def test_a_legend_has_what_is_in_the_picture():
    plain = al.draw(small_net(), legend=True).pipe("svg", encoding="utf-8")
    for text in ("parameter", "data or constant", "operation", "result", "a gradient flows"):
        assert text in plain
    assert "several operations" not in plain and ">value<" not in plain
    numbers = al.draw(small_net(), legend=True, values=True, gradients=True, backward=True)
    svg = numbers.pipe("svg", encoding="utf-8")
    assert ">value<" in svg and ">gradient<" in svg and "operation of the backward pass" in svg
    assert "parameter" not in al.draw(small_net()).pipe("svg", encoding="utf-8")


def test_a_legend_has_the_colours_of_the_boxes():
    picture = al.draw(small_net(), legend=True)
    colours = styles(picture)
    for name in ("W", "X", "Z", "cost"):
        assert f'BGCOLOR="{colours[name]}"' in picture.source


def test_einsum_says_its_subscripts():
    x = parameter((2, 3), "x")
    picture = al.draw(np.einsum("ij,kj->ik", x, x))
    assert ["einsum ij,kj->ik", "(2, 2)"] in labels(picture).values()


def test_parameters_stay_in_their_modules_where_the_backward_pass_reads_them_too():
    source = al.draw(net(), np.ones((3, 2)), backward=True, width=None).source
    depths, depth = {}, 0
    for line in source.splitlines():
        depth += line.count("subgraph") - (line.strip() == "}")
        if match := re.match(r'\t+s\d+ \[label="(W\d)', line):
            depths[match[1]] = depth
    assert depths == {"W1": 2, "W2": 2, "W3": 2}
